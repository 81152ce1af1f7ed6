//! `envcheck diff` and `envcheck check`: read the sides, run the rules, report, and decide the exit code.

use std::{
    mem::{self, ManuallyDrop},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{
    Failure, Gate, InputOptions, LookOptions,
    load::load,
    settings::{Settings, SettingsOptions},
    sides::{Wanted, stem},
    terminal,
};
use crate::{
    environment::Side,
    finding::{Finding, Impact, Severity, Verdicts},
    fix,
    knowledge::{KNOWLEDGE_DATE, Knowledge},
    report::{OUTPUTS, Output, Report, ReportedSide, RuleAbout},
    rules::{self, Context, RULES, Rule},
    text::Sources,
};

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

/// What decides which findings are shown and which fail.
#[derive(Debug, Args)]
struct VerdictOptions {
    /// A model file that serving loads; may be given several times
    #[arg(long, value_name = "FILE")]
    model: Vec<PathBuf>,
    /// The format of what goes to standard output
    #[arg(long, value_parser = format_names(), default_value = "human")]
    format: String,
    /// Write to a file instead of standard output; as `FORMAT=FILE`, in a format of its own and besides standard output,
    /// any number of times
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    output: Vec<String>,
    /// The lowest severity that makes envcheck exit with 1
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// Show only these rules, by code prefix or name
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Leave out these rules, by code prefix or name
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Show only findings of these impacts
    #[arg(long, value_enum, value_delimiter = ',')]
    impact: Vec<ImpactName>,
    #[command(flatten)]
    settings: SettingsOptions,
    #[command(flatten)]
    inputs: InputOptions,
    #[command(flatten)]
    look: LookOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
    Info,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ImpactName {
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

fn format_names() -> clap::builder::PossibleValuesParser {
    let values = OUTPUTS.iter().map(|output| clap::builder::PossibleValue::new(output.name).help(output.about));
    clap::builder::PossibleValuesParser::new(values)
}

impl Diff {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = ManuallyDrop::new(self.verdict.settings.load()?);
        let training: Vec<PathBuf> = self.training.into_iter().chain(self.train).collect();
        let serving: Vec<PathBuf> = self.serving.into_iter().chain(self.serve).collect();
        if training.is_empty() {
            let Some(project) = &settings.project else {
                return Err(Failure::new("expected two sides; without them, an envcheck.toml says what to compare"));
            };
            let Some(pair) = project.config.only_pair() else {
                let message = "expected one training and one serving environment; name the two that you mean";
                return Err(Failure::new(format!("{}: {message}", project.shown())));
            };
            let wanted = Wanted::of_pair(&pair, &settings, &self.verdict.model)?;
            return run(&[wanted], &self.verdict, &settings);
        }
        let training = Wanted::new("train", Side::Training, &training, &settings)?;
        let serving = Wanted::new("serve", Side::Serving, &serving, &settings)?;
        let serving = serving.with_declared_models(&training.environments, &settings)?.with_models(&self.verdict.model);
        run(&[vec![training, serving]], &self.verdict, &settings)
    }
}

impl Check {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = ManuallyDrop::new(self.verdict.settings.load()?);
        if self.inputs.is_empty() {
            let Some(project) = &settings.project else {
                return Err(Failure::new("expected inputs; without them, an envcheck.toml says what to check"));
            };
            let pairs = project.config.pairs();
            if pairs.is_empty() {
                return Err(Failure::new(format!("{} declares no environment", project.shown())));
            }
            let of_pair = |pair| Wanted::of_pair(pair, &settings, &self.verdict.model);
            let wanted = pairs.iter().map(of_pair).collect::<Result<Vec<_>, _>>()?;
            return run(&wanted, &self.verdict, &settings);
        }
        let name = stem(&self.inputs).unwrap_or_else(|| "environment".to_owned());
        let wanted = Wanted::new(&name, Side::Alone, &self.inputs, &settings)?;
        let wanted = wanted.with_declared_models(&[], &settings)?.with_models(&self.verdict.model);
        run(&[vec![wanted]], &self.verdict, &settings)
    }
}

/// What one comparison was made of, and what came out.
struct Judged {
    name: String,
    sources: ManuallyDrop<Sources>,
    sides: ManuallyDrop<Vec<ReportedSide>>,
    verdicts: Verdicts,
}

/// Where a report goes, and in which format.
struct Destination<'a> {
    output: &'static Output,
    file: Option<&'a Path>,
}

/// Judges one comparison or several, and writes what was found.
fn run(comparisons: &[Vec<Wanted>], options: &VerdictOptions, settings: &Settings) -> Result<Gate, Failure> {
    for name in options.select.iter().chain(&options.ignore) {
        if !RULES.iter().any(|rule| matches(rule, name)) {
            return Err(Failure::new(format!("no rule has the code or name `{name}`; `envcheck rules` lists them")));
        }
    }
    let destinations = destinations(options)?;
    let fixes = destinations.iter().any(|it| it.output.shows_fixes);
    let judge = |wanted: &Vec<Wanted>| judge(wanted, options, settings, fixes);
    let mut judged = comparisons.iter().map(judge).collect::<Result<Vec<_>, _>>()?;
    let verdicts: Vec<Verdicts> = judged.iter_mut().map(|it| mem::take(&mut it.verdicts)).collect();
    let rules: Vec<RuleAbout> = RULES.iter().map(|rule| about(rule)).collect();
    let report = |(judged, verdicts)| {
        let Judged { name, sources, sides, .. }: &Judged = judged;
        let Verdicts { findings, undecided } = verdicts;
        let (name, excused, knowledge) = (name.clone(), Vec::new(), KNOWLEDGE_DATE);
        let mut report = Report { name, rules: &rules, sides, findings, excused, undecided, sources, knowledge };
        report.sort();
        report
    };
    let reports: Vec<Report<'_>> = judged.iter().zip(verdicts).map(report).collect();
    for destination in destinations {
        let text = (destination.output.render)(&reports, options.look.style(destination.file.is_some()));
        terminal::write(destination.file, &text)?;
    }
    let gate = match options.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let mut findings = reports.iter().flat_map(|report| &report.findings);
    let reached = gate.is_some_and(|least| findings.any(|finding| finding.severity >= least));
    Ok(if reached { Gate::Closed } else { Gate::Open })
}

/// Where the reports go: files in formats of their own, and one file or standard output in the format of `--format`.
fn destinations(options: &VerdictOptions) -> Result<Vec<Destination<'_>>, Failure> {
    let named = |name: &str| OUTPUTS.iter().copied().find(|output| output.name == name);
    let mut files = Vec::new();
    let mut main = None;
    for given in &options.output {
        match given.split_once('=').and_then(|(format, file)| Some((named(format)?, file))) {
            Some((_, "")) => return Err(Failure::new(format!("expected a file behind `{given}`"))),
            Some((output, file)) => files.push(Destination { output, file: Some(Path::new(file)) }),
            None if main.is_none() => main = Some(Path::new(given)),
            None => {
                let formats: Vec<&str> = OUTPUTS.iter().map(|output| output.name).collect();
                let message = format!("`--output {given}` names a second file for `--format {}`", options.format);
                return Err(Failure::new(format!(
                    "{message}; expected FORMAT=FILE with one of {}",
                    formats.join(", ")
                )));
            }
        }
    }
    let output = named(&options.format).unwrap_or(OUTPUTS[0]);
    files.push(Destination { output, file: main });
    Ok(files)
}

fn about(rule: &Rule) -> RuleAbout {
    let Rule { code, name, docs, severity, impact, .. } = *rule;
    RuleAbout { code, name, summary: rule.summary(), docs, severity, impact }
}

/// One comparison: what the rules say about it.
fn judge(wanted: &[Wanted], options: &VerdictOptions, settings: &Settings, fixes: bool) -> Result<Judged, Failure> {
    // The process ends after the report: taking everything apart piece by piece would be a tenth of its time.
    let mut sources = ManuallyDrop::new(settings.sources());
    let sides = ManuallyDrop::new(load(wanted, &options.inputs, &settings.knowledge, &mut sources)?);
    let context = context(&sides, &settings.knowledge)?;
    let mut verdicts = rules::run(&context);
    if fixes {
        fix::suggest(&context, &mut verdicts);
    }
    verdicts.findings.retain(|finding| wanted_finding(finding, options));
    verdicts.undecided.retain(|question| rules::find(question.code).is_some_and(|rule| selected(rule, options)));
    let names: Vec<&str> = wanted.iter().map(|side| side.name.as_str()).collect();
    Ok(Judged { name: names.join(" -> "), sources, sides, verdicts })
}

fn context<'a>(sides: &'a [ReportedSide], knowledge: &'a Knowledge) -> Result<Context<'a>, Failure> {
    match sides {
        [serving] => Ok(Context { training: None, serving: &serving.environment, knowledge }),
        [training, serving] => {
            Ok(Context { training: Some(&training.environment), serving: &serving.environment, knowledge })
        }
        _ => Err(Failure::new("expected one or two sides")),
    }
}

fn wanted_finding(finding: &Finding, options: &VerdictOptions) -> bool {
    let impact = options.impact.is_empty() || options.impact.iter().any(|name| Impact::from(*name) == finding.impact);
    impact && rules::find(finding.code).is_some_and(|rule| selected(rule, options))
}

fn selected(rule: &Rule, options: &VerdictOptions) -> bool {
    let named = |names: &[String]| names.iter().any(|name| matches(rule, name));
    (options.select.is_empty() || named(&options.select)) && !named(&options.ignore)
}

fn matches(rule: &Rule, name: &str) -> bool {
    let code = name.to_ascii_uppercase();
    (code.starts_with("EC") && rule.code.starts_with(&code)) || rule.name.eq_ignore_ascii_case(name)
}
