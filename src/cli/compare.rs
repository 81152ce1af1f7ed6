//! `envcheck diff` and `envcheck check`: read the sides, run the rules, report, and decide the exit code.

use std::{mem::ManuallyDrop, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{
    Failure, Gate, InputOptions, OutputOptions,
    load::load,
    settings::{Settings, SettingsOptions},
    sides::{Wanted, stem},
};
use crate::{
    environment::Side,
    finding::{Finding, Impact, Severity},
    fix,
    knowledge::{KNOWLEDGE_DATE, Knowledge},
    report::{OUTPUTS, Report, ReportedSide},
    rules::{self, Context, Rule},
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
    /// The output format
    #[arg(long, value_parser = format_names(), default_value = "human")]
    format: String,
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
    output: OutputOptions,
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

/// Judges one comparison or several, and writes what was found.
fn run(comparisons: &[Vec<Wanted>], options: &VerdictOptions, settings: &Settings) -> Result<Gate, Failure> {
    for name in options.select.iter().chain(&options.ignore) {
        if !rules::RULES.iter().any(|rule| matches(rule, name)) {
            return Err(Failure::new(format!("no rule has the code or name `{name}`; `envcheck rules` lists them")));
        }
    }
    let several = comparisons.len() > 1;
    if several && !["human", "concise"].contains(&options.format.as_str()) {
        let message = format!("--format {} holds one comparison, and envcheck.toml declares several", options.format);
        return Err(Failure::new(format!("{message}: name one, as in `envcheck diff train serve`")));
    }
    let mut out = String::new();
    let mut gate = Gate::Open;
    for sides in comparisons {
        let (text, reached) = judge(sides, options, settings)?;
        if several {
            let names: Vec<&str> = sides.iter().map(|side| side.name.as_str()).collect();
            let before = if out.is_empty() { "" } else { "\n" };
            out.push_str(&format_args!("{before}== {} ==\n", names.join(" -> ")).to_string());
        }
        out.push_str(&text);
        if reached == Gate::Closed {
            gate = Gate::Closed;
        }
    }
    options.output.write(&out)?;
    Ok(gate)
}

/// One comparison: its report, and whether it reached the gate.
fn judge(wanted: &[Wanted], options: &VerdictOptions, settings: &Settings) -> Result<(String, Gate), Failure> {
    // The process ends after the report: taking everything apart piece by piece would be a tenth of its time.
    let mut sources = ManuallyDrop::new(settings.sources());
    let sides = ManuallyDrop::new(load(wanted, &options.inputs, &settings.knowledge, &mut sources)?);
    let context = context(&sides, &settings.knowledge)?;
    let mut verdicts = rules::run(&context);
    // The search for fixes costs more than the verdict; a format that does not show them does without.
    if options.format != "concise" {
        fix::suggest(&context, &mut verdicts);
    }
    verdicts.findings.retain(|finding| wanted_finding(finding, options));
    verdicts.undecided.retain(|question| rules::find(question.code).is_some_and(|rule| selected(rule, options)));
    let mut report = Report {
        sides: &sides,
        findings: verdicts.findings,
        undecided: verdicts.undecided,
        sources: &sources,
        knowledge: KNOWLEDGE_DATE,
    };
    report.sort();
    let output = OUTPUTS.iter().find(|output| output.name == options.format);
    let render = output.map_or(OUTPUTS[0].render, |output| output.render);
    let text = render(&report, options.output.style());
    let gate = match options.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let reached = gate.is_some_and(|least| report.findings.iter().any(|finding| finding.severity >= least));
    Ok((text, if reached { Gate::Closed } else { Gate::Open }))
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
