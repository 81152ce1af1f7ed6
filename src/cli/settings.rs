//! What holds for a whole run: `envcheck.toml`, and the knowledge with the user's own rows.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure,
    load::{shown, unreadable},
};
use crate::{
    config::{self, Config, FILE_NAME, NamedPath, PYPROJECT},
    input::{Content, files},
    knowledge::Knowledge,
    text::{FileId, Form, Place, Source, Sources},
};

/// Where the settings of a run come from.
#[derive(Debug, Args)]
pub(super) struct SettingsOptions {
    /// Read this file instead of the nearest envcheck.toml
    #[arg(long, value_name = "FILE", conflicts_with = "no_config", env = "ENVCHECK_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Do not look for an envcheck.toml
    #[arg(long)]
    no_config: bool,
    /// A file with rows of your own for the knowledge; may be given several times
    #[arg(long, value_name = "FILE")]
    knowledge: Vec<PathBuf>,
}

/// The settings of a run.
pub(super) struct Settings {
    pub(super) knowledge: Knowledge,
    pub(super) project: Option<Project>,
}

/// An `envcheck.toml` and where it lies.
pub(super) struct Project {
    pub(super) config: Config,
    source: Source,
    /// The folder of the file, as seen from the working folder.
    folder: PathBuf,
}

impl SettingsOptions {
    /// The file that the user named, if any.
    pub(super) fn named(&self) -> Option<&PathBuf> {
        self.config.as_ref()
    }

    pub(super) fn load(&self) -> Result<Settings, Failure> {
        let project = match &self.config {
            Some(path) => Some(Project::named(path)?),
            None if self.no_config => None,
            None => find()?,
        };
        let mut knowledge = Knowledge::built_in();
        if let Some(project) = &project {
            for extra in &project.config.knowledge {
                extend(&mut knowledge, &project.existing(extra)?)?;
            }
        }
        for path in &self.knowledge {
            extend(&mut knowledge, path)?;
        }
        Ok(Settings { knowledge, project })
    }
}

impl Settings {
    /// A path as shown, seen from the folder of `envcheck.toml`.
    pub(super) fn relative(&self, path: &str) -> String {
        let Some(project) = &self.project else { return path.to_owned() };
        let full = super::load::absolute(Path::new(path));
        full.strip_prefix(project.root()).map_or_else(|_| path.to_owned(), shown)
    }

    /// The sources of a run: with the file of the project, so that facts can point at it.
    pub(super) fn sources(&self) -> Sources {
        let mut sources = Sources::default();
        if let Some(project) = &self.project {
            // The only source so far, as it was when the file was read.
            sources.add(project.source.clone());
            let working = super::load::absolute(Path::new(""));
            if let Ok(within) = working.strip_prefix(project.root()) {
                sources.set_within(shown(within));
            }
        }
        sources
    }
}

impl Project {
    /// Reads a file that the user named.
    fn named(path: &Path) -> Result<Project, Failure> {
        let missing = || Failure::new(format!("`{}` has no table [tool.envcheck]", shown(path)));
        Project::read(path)?.ok_or_else(missing)
    }

    /// Reads a file; `None` where it is a `pyproject.toml` without a word for envcheck.
    fn read(path: &Path) -> Result<Option<Project>, Failure> {
        let source = Source::new(shown(path), Form::Text, text_file(path)?.into());
        let file: FileId = Sources::default().add(source.clone());
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let read = if path.file_name().is_some_and(|name| name == PYPROJECT) {
            config::read_pyproject(file, source.text())
        } else {
            Some(config::read(file, source.text()))
        };
        let Some(read) = read else { return Ok(None) };
        match read {
            Ok(config) => Ok(Some(Project { config, source, folder })),
            Err(faults) => {
                let lines = faults.iter().map(|fault| {
                    let position = source.position(fault.place.span.start);
                    format!("{}:{}:{}: {}", source.path, position.line, position.column, fault.reason)
                });
                Err(Failure::new(lines.collect::<Vec<_>>().join("\n")))
            }
        }
    }

    /// How the file is called in messages.
    pub(super) fn shown(&self) -> &str {
        &self.source.path
    }

    /// Where a place of the file stands, as `path:line`.
    pub(super) fn line(&self, place: Place) -> String {
        format!("{}:{}", self.source.path, self.source.position(place.span.start).line)
    }

    /// The folder that inputs must not leave with what they include.
    pub(super) fn root(&self) -> PathBuf {
        super::load::absolute(&self.folder)
    }

    /// A path of the file, as seen from the working folder.
    pub(super) fn path(&self, named: &NamedPath) -> PathBuf {
        self.folder.join(&named.path)
    }

    /// The same, if something is there.
    pub(super) fn existing(&self, named: &NamedPath) -> Result<PathBuf, Failure> {
        let path = self.path(named);
        if path.exists() {
            return Ok(path);
        }
        Err(self.failure(named.place, &format!("could not read `{}`: no such file or folder", shown(&path))))
    }

    /// A failure that the file is the reason of.
    pub(super) fn failure(&self, place: Place, message: &str) -> Failure {
        let position = self.source.position(place.span.start);
        Failure::new(format!("{}:{}:{}: {message}", self.source.path, position.line, position.column))
    }

    /// The files that a path with `*`, `?` or `**` means, in order; the path itself without these.
    pub(super) fn matching(&self, named: &NamedPath) -> Result<Vec<PathBuf>, Failure> {
        if !named.path.contains(['*', '?']) {
            let path = self.path(named);
            return Ok(if path.exists() { vec![path] } else { Vec::new() });
        }
        let pattern = named.path.strip_prefix("./").unwrap_or(&named.path);
        let fixed: PathBuf = Path::new(pattern).iter().take_while(|part| !is_pattern(part)).collect();
        let root = self.root();
        let broken = |fault: &ignore::Error| self.failure(named.place, &fault.to_string());
        let mut only = ignore::overrides::OverrideBuilder::new(&root);
        only.add(&format!("/{pattern}")).map_err(|fault| broken(&fault))?;
        let only = only.build().map_err(|fault| broken(&fault))?;
        let walk = ignore::WalkBuilder::new(root.join(fixed))
            .standard_filters(false)
            .overrides(only)
            .follow_links(false)
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .build();
        let files = walk.flatten().filter(|entry| entry.file_type().is_some_and(|it| it.is_file()));
        let relative =
            |path: &Path| path.strip_prefix(&root).map_or_else(|_| path.to_path_buf(), |it| self.folder.join(it));
        Ok(files.map(|entry| relative(entry.path())).collect())
    }
}

fn is_pattern(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// The nearest envcheck.toml, or pyproject.toml with a table for envcheck, from the working folder upwards, as seen from
/// there; a repository's folder is the last one.
fn find() -> Result<Option<Project>, Failure> {
    let Ok(working) = env::current_dir() else { return Ok(None) };
    let mut seen_from_here = PathBuf::new();
    for folder in working.ancestors() {
        if folder.join(FILE_NAME).is_file() {
            return Project::read(&seen_from_here.join(FILE_NAME));
        }
        let pyproject = folder.join(PYPROJECT);
        // Every project has such a file, and hardly any means us.
        if std::fs::read_to_string(&pyproject).is_ok_and(|text| text.contains("envcheck"))
            && let Some(project) = Project::read(&seen_from_here.join(PYPROJECT))?
        {
            return Ok(Some(project));
        }
        if folder.join(".git").exists() {
            return Ok(None);
        }
        seen_from_here.push("..");
    }
    Ok(None)
}

fn extend(knowledge: &mut Knowledge, path: &Path) -> Result<(), Failure> {
    let shown = shown(path);
    let text = text_file(path)?;
    knowledge.extend(&shown, &text).map(|_| ()).map_err(|faults| {
        let lines = faults.iter().map(|fault| format!("{shown}:{}:{}: {}", fault.line, fault.column, fault.message));
        Failure::new(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// The text of a file that the user named.
pub(super) fn text_file(path: &Path) -> Result<String, Failure> {
    let shown = shown(path);
    let content = Content::open(path).map_err(|fault| unreadable(&shown, &fault))?;
    match files::text_of(&content) {
        Some(Ok(text)) => Ok(text),
        Some(Err(fault)) => Err(Failure::new(format!("`{shown}` is not text: {fault}"))),
        None => Err(Failure::new(format!("`{shown}` is too large to be a text file"))),
    }
}
