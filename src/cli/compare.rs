//! `envcheck diff` and `envcheck check`: what is judged, and how that is said on the command line.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    Failure, Gate, InputOptions, LookOptions, judge,
    settings::{Settings, SettingsOptions},
    sides::{Wanted, stem},
};
use crate::{config::FailOn, environment::Side, finding::Impact, report::OUTPUTS};

/// Compare a training side with a serving side.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The training side: a file, a folder, or an environment that envcheck.toml declares
    #[arg(requires = "serving", conflicts_with_all = ["train", "serve"])]
    training: Option<PathBuf>,
    /// The serving side, likewise; without sides, those of envcheck.toml if it declares one of each
    #[arg(conflicts_with_all = ["train", "serve"])]
    serving: Option<PathBuf>,
    /// An input of the training side; may be given several times
    #[arg(long, value_name = "INPUT", requires = "serve")]
    train: Vec<PathBuf>,
    /// An input of the serving side; may be given several times
    #[arg(long, value_name = "INPUT", requires = "train")]
    serve: Vec<PathBuf>,
    #[command(flatten)]
    verdict: VerdictOptions,
}

/// Check one environment by itself.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Inputs of the environment: files, folders, or environments that envcheck.toml declares; without inputs, everything
    /// that it declares
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    verdict: VerdictOptions,
}

/// What is looked at, and which findings count.
#[derive(Debug, Args)]
pub(super) struct ScopeOptions {
    /// A model file that serving loads; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(super) model: Vec<PathBuf>,
    /// The lowest severity that makes envcheck exit with 1 [default: error, or what envcheck.toml says]
    #[arg(long, value_parser = fail_on_words(), env = "ENVCHECK_FAIL_ON", hide_env_values = true)]
    pub(super) fail_on: Option<String>,
    /// Show only these rules, by code prefix or name
    #[arg(long, value_name = "RULE", value_delimiter = ',', env = "ENVCHECK_SELECT", hide_env_values = true)]
    pub(super) select: Vec<String>,
    /// Leave out these rules, by code prefix or name
    #[arg(long, value_name = "RULE", value_delimiter = ',', env = "ENVCHECK_IGNORE", hide_env_values = true)]
    pub(super) ignore: Vec<String>,
    /// Show only findings of these impacts
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(super) impact: Vec<ImpactName>,
    #[command(flatten)]
    pub(super) settings: SettingsOptions,
    #[command(flatten)]
    pub(super) inputs: InputOptions,
}

/// What is reported, and where.
#[derive(Debug, Args)]
pub(super) struct VerdictOptions {
    #[command(flatten)]
    pub(super) scope: ScopeOptions,
    /// The format of what goes to standard output
    #[arg(long, value_parser = format_names(), default_value = "human", env = "ENVCHECK_FORMAT", hide_env_values = true)]
    pub(super) format: String,
    /// Write to a file instead of standard output; as `FORMAT=FILE`, in a format of its own and besides standard output,
    /// any number of times
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    pub(super) output: Vec<String>,
    /// Report only what this baseline does not have
    #[arg(long, value_name = "FILE", env = "ENVCHECK_BASELINE", hide_env_values = true)]
    pub(super) baseline: Option<PathBuf>,
    /// Write a baseline with everything that is found now, and exit with 0
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "since"])]
    pub(super) write_baseline: Option<PathBuf>,
    /// Report only what was not there at this revision of the git repository
    #[arg(long, value_name = "REVISION")]
    pub(super) since: Option<String>,
    #[command(flatten)]
    pub(super) look: LookOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ImpactName {
    StartFailure,
    LoadFailure,
    WrongResult,
    Drift,
}

impl From<ImpactName> for Impact {
    fn from(name: ImpactName) -> Impact {
        match name {
            ImpactName::StartFailure => Impact::StartFailure,
            ImpactName::LoadFailure => Impact::LoadFailure,
            ImpactName::WrongResult => Impact::WrongResult,
            ImpactName::Drift => Impact::Drift,
        }
    }
}

fn fail_on_words() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(FailOn::WORDS.map(|(word, _)| word))
}

fn format_names() -> clap::builder::PossibleValuesParser {
    let values = OUTPUTS.iter().map(|output| clap::builder::PossibleValue::new(output.name).help(output.about));
    clap::builder::PossibleValuesParser::new(values)
}

/// What a run is about, before anything is looked up.
#[derive(Debug)]
pub(super) enum Subject {
    /// Everything that `envcheck.toml` declares.
    Declared,
    /// The one pair that `envcheck.toml` declares.
    DeclaredPair,
    /// Two sides.
    Pair { training: Vec<PathBuf>, serving: Vec<PathBuf> },
    /// One environment.
    Alone(Vec<PathBuf>),
}

impl Subject {
    /// The sides of all comparisons.
    pub(super) fn wanted(&self, settings: &Settings, models: &[PathBuf]) -> Result<Vec<Vec<Wanted>>, Failure> {
        match self {
            Subject::Declared => {
                let Some(project) = &settings.project else {
                    return Err(Failure::new("expected inputs; without them, an envcheck.toml says what to check"));
                };
                let pairs = project.config.pairs();
                if pairs.is_empty() {
                    let hint = "fill in [environment.train] and [environment.serve], or name inputs";
                    return Err(Failure::new(format!("{} declares no environment yet: {hint}", project.shown())));
                }
                pairs.iter().map(|pair| Wanted::of_pair(pair, settings, models)).collect()
            }
            Subject::DeclaredPair => {
                let Some(project) = &settings.project else {
                    return Err(Failure::new(
                        "expected two sides; without them, an envcheck.toml says what to compare",
                    ));
                };
                let Some(pair) = project.config.only_pair() else {
                    let message = "expected one training and one serving environment; name the two that you mean";
                    return Err(Failure::new(format!("{}: {message}", project.shown())));
                };
                Ok(vec![Wanted::of_pair(&pair, settings, models)?])
            }
            Subject::Pair { training, serving } => {
                let training = Wanted::new("train", Side::Training, training, settings)?;
                let serving = Wanted::new("serve", Side::Serving, serving, settings)?;
                let serving = serving.with_declared_models(&training.environments, settings)?.with_models(models);
                Ok(vec![vec![training, serving]])
            }
            Subject::Alone(inputs) => {
                let name = stem(inputs).unwrap_or_else(|| "environment".to_owned());
                let wanted = Wanted::new(&name, Side::Alone, inputs, settings)?;
                Ok(vec![vec![wanted.with_declared_models(&[], settings)?.with_models(models)]])
            }
        }
    }

    /// Paths that are named.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let (first, second): (&[PathBuf], &[PathBuf]) = match self {
            Subject::Declared | Subject::DeclaredPair => (&[], &[]),
            Subject::Pair { training, serving } => (training, serving),
            Subject::Alone(inputs) => (inputs, &[]),
        };
        first.iter().chain(second)
    }
}

impl Diff {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let training: Vec<PathBuf> = self.training.into_iter().chain(self.train).collect();
        let serving: Vec<PathBuf> = self.serving.into_iter().chain(self.serve).collect();
        let pair = Subject::Pair { training, serving };
        let subject = if pair.paths().next().is_none() { Subject::DeclaredPair } else { pair };
        judge::run(&subject, &self.verdict)
    }
}

impl Check {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let subject = if self.inputs.is_empty() { Subject::Declared } else { Subject::Alone(self.inputs) };
        judge::run(&subject, &self.verdict)
    }
}
