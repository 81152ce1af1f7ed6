//! What the user asked for, side by side: paths, and environments that `envcheck.toml` declares.

use std::path::{Path, PathBuf};

use super::{Failure, settings::Settings};
use crate::{config::Pair, environment::Side, fact::Fact};

/// One side.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) side: Option<Side>,
    pub(super) inputs: Vec<PathBuf>,
    pub(super) models: Vec<WantedModel>,
    /// What `envcheck.toml` declares, and how that file is called.
    pub(super) declared: Vec<Fact>,
    pub(super) declared_in: String,
    /// The folder that includes must not leave, where it is not the input's own.
    pub(super) root: Option<PathBuf>,
    /// The environments of `envcheck.toml` that the side is made of.
    pub(super) environments: Vec<String>,
}

/// A model file, and what is declared about it.
pub(super) struct WantedModel {
    pub(super) path: PathBuf,
    pub(super) declared: Option<Fact>,
}

impl Wanted {
    /// A side of inputs: a path, or the name of a declared environment, which wins (`./train` is always a path).
    pub(super) fn new(name: &str, side: Side, inputs: &[PathBuf], settings: &Settings) -> Result<Wanted, Failure> {
        let mut wanted = Wanted { name: name.to_owned(), side: Some(side), ..Wanted::default() };
        for input in inputs {
            let project = settings.project.as_ref();
            let found = project.and_then(|project| Some((project, project.config.environment(input.to_str()?)?)));
            let Some((project, environment)) = found else {
                wanted.inputs.push(input.clone());
                continue;
            };
            for path in &environment.inputs {
                wanted.inputs.push(project.existing(path)?);
            }
            wanted.declared.extend(environment.facts.iter().cloned());
            project.shown().clone_into(&mut wanted.declared_in);
            wanted.root = Some(project.root());
            wanted.environments.push(environment.name.clone());
        }
        if let [only] = wanted.environments.as_slice()
            && inputs.len() == 1
        {
            wanted.name.clone_from(only);
        }
        Ok(wanted)
    }

    /// Adds model files that were named on the command line.
    pub(super) fn with_models(mut self, models: &[PathBuf]) -> Wanted {
        self.models.extend(models.iter().map(|path| WantedModel { path: path.clone(), declared: None }));
        self
    }

    /// Adds the declared models of a comparison with these training environments.
    pub(super) fn with_declared_models(mut self, training: &[String], settings: &Settings) -> Result<Wanted, Failure> {
        let Some(project) = &settings.project else { return Ok(self) };
        if self.environments.is_empty() {
            return Ok(self);
        }
        for model in project.config.models.iter().filter(|model| model.belongs(training, &self.environments)) {
            let files = model.path.as_ref().map_or_else(|| Ok(Vec::new()), |path| project.matching(path))?;
            match &model.path {
                Some(path) if files.is_empty() && !model.described => {
                    let message = format!("no file matches `{}`, and nothing else is declared about it", path.path);
                    return Err(project.failure(path.place, &message));
                }
                _ if files.is_empty() => {
                    self.declared.push(model.fact.clone());
                    project.shown().clone_into(&mut self.declared_in);
                }
                _ => {
                    let declared = model.described.then_some(&model.fact);
                    let wanted = |path| WantedModel { path, declared: declared.cloned() };
                    self.models.extend(files.into_iter().map(wanted));
                    project.shown().clone_into(&mut self.declared_in);
                }
            }
        }
        Ok(self)
    }

    /// The sides of a comparison that `envcheck.toml` declares.
    pub(super) fn of_pair(pair: &Pair, settings: &Settings, models: &[PathBuf]) -> Result<Vec<Wanted>, Failure> {
        let serving = [PathBuf::from(&pair.serving)];
        let Some(training) = &pair.training else {
            let alone = Wanted::new(&pair.serving, Side::Alone, &serving, settings)?;
            return Ok(vec![alone.with_declared_models(&[], settings)?.with_models(models)]);
        };
        let serving = Wanted::new(&pair.serving, Side::Serving, &serving, settings)?;
        let serving = serving.with_declared_models(std::slice::from_ref(training), settings)?.with_models(models);
        Ok(vec![Wanted::new(training, Side::Training, &[PathBuf::from(training)], settings)?, serving])
    }
}

/// The name of a side that is made of one file.
pub(super) fn stem(inputs: &[PathBuf]) -> Option<String> {
    match inputs {
        [one] if one.as_os_str() != "-" => Path::new(one).file_stem().map(|name| name.to_string_lossy().into_owned()),
        _ => None,
    }
}
