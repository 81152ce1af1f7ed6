//! `envcheck diff` and `envcheck check`: read the sides, run the rules, report, and decide the exit code.

use std::{mem::ManuallyDrop, path::PathBuf};

use clap::{Args, ValueEnum};

use super::{
    Failure, Gate, InputOptions, OutputOptions,
    load::{Wanted, load},
    settings::SettingsOptions,
};
use crate::{
    environment::Side,
    finding::{Finding, Impact, Severity},
    fix,
    knowledge::{KNOWLEDGE_DATE, Knowledge},
    report::{OUTPUTS, Report, ReportedSide},
    rules::{self, Context, Rule},
    text::Sources,
};

/// Compare a training side with a serving side.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The training side: a file or a folder
    #[arg(required_unless_present_all = ["train", "serve"], conflicts_with_all = ["train", "serve"])]
    training: Option<PathBuf>,
    /// The serving side: a file or a folder
    #[arg(required_unless_present_all = ["train", "serve"], conflicts_with_all = ["train", "serve"])]
    serving: Option<PathBuf>,
    /// An input of the training side; may be given several times
    #[arg(long, value_name = "INPUT")]
    train: Vec<PathBuf>,
    /// An input of the serving side; may be given several times
    #[arg(long, value_name = "INPUT")]
    serve: Vec<PathBuf>,
    #[command(flatten)]
    verdict: VerdictOptions,
}

/// Check one environment by itself.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Inputs of the environment: files or folders
    #[arg(required = true)]
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
    /// Do not look for an envcheck.toml
    #[arg(long)]
    no_config: bool,
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
        let training: Vec<PathBuf> = self.training.into_iter().chain(self.train).collect();
        let serving: Vec<PathBuf> = self.serving.into_iter().chain(self.serve).collect();
        let wanted = [
            Wanted { name: "train", side: Side::Training, inputs: &training, models: &[] },
            Wanted { name: "serve", side: Side::Serving, inputs: &serving, models: &self.verdict.model },
        ];
        run(&wanted, &self.verdict)
    }
}

impl Check {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let name = match self.inputs.as_slice() {
            [one] if one.as_os_str() != "-" => one.file_stem().map(|name| name.to_string_lossy().into_owned()),
            _ => None,
        };
        let name = name.unwrap_or_else(|| "environment".to_owned());
        let wanted = [Wanted { name: &name, side: Side::Alone, inputs: &self.inputs, models: &self.verdict.model }];
        run(&wanted, &self.verdict)
    }
}

fn run(wanted: &[Wanted<'_>], options: &VerdictOptions) -> Result<Gate, Failure> {
    for name in options.select.iter().chain(&options.ignore) {
        if !rules::RULES.iter().any(|rule| matches(rule, name)) {
            return Err(Failure::new(format!("no rule has the code or name `{name}`; `envcheck rules` lists them")));
        }
    }
    // The process ends after the report: taking everything apart piece by piece would be a tenth of its time.
    let mut sources = ManuallyDrop::new(Sources::default());
    let knowledge = ManuallyDrop::new(options.settings.knowledge()?);
    let sides = ManuallyDrop::new(load(wanted, &options.inputs, &knowledge, &mut sources)?);
    let context = context(&sides, &knowledge)?;
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
    options.output.write(&render(&report, options.output.style()))?;
    let gate = match options.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Info => Some(Severity::Info),
        FailOn::Never => None,
    };
    let reached = gate.is_some_and(|least| report.findings.iter().any(|finding| finding.severity >= least));
    Ok(if reached { Gate::Closed } else { Gate::Open })
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
