//! From sides to a verdict: read, run the rules, sort out what is reported, write it, and decide the exit code.

use std::{
    collections::BTreeSet,
    mem::{self, ManuallyDrop},
    path::Path,
};

use super::{
    Failure, Gate,
    compare::{ScopeOptions, Subject, VerdictOptions},
    load::load,
    settings::Settings,
    sides::Wanted,
    since, terminal,
};
use crate::{
    config::{Date, FailOn, Level},
    finding::{Excuse, Excused, Finding, Impact, Severity, Verdicts},
    fix,
    gate::{self, Baseline, Decisions},
    input::{Content, Lowering, Overlay},
    knowledge::{KNOWLEDGE_DATE, Knowledge},
    report::{OUTPUTS, Output, Report, ReportedSide, Repository, RuleAbout},
    rules::{self, Check, Context, RULES, Rule},
    text::Sources,
};

/// What one comparison was made of, and what came out.
pub(super) struct Judged {
    pub(super) name: String,
    pub(super) sources: ManuallyDrop<Sources>,
    pub(super) sides: ManuallyDrop<Vec<ReportedSide>>,
    pub(super) verdicts: Verdicts,
    excused: Vec<Excused>,
}

/// Where a report goes, and in which format.
struct Destination<'a> {
    output: &'static Output,
    file: Option<&'a Path>,
}

/// Which findings fixes are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fixes {
    None,
    /// Errors and warnings.
    OfDefects,
    /// Remarks, too.
    All,
}

/// Judges one comparison or several, and writes what was found.
pub(super) fn run(subject: &Subject, options: &VerdictOptions) -> Result<Gate, Failure> {
    let settings = ManuallyDrop::new(options.scope.settings.load()?);
    let destinations = destinations(options)?;
    let old = options.since.as_ref().map(|revision| since::findings(revision, subject, &options.scope)).transpose()?;
    let shown = destinations.iter().any(|it| it.output.shows_fixes);
    let fixes = if shown { Fixes::OfDefects } else { Fixes::None };
    let mut judged = judge(subject, &options.scope, &settings, fixes, &Overlay::new())?;
    if let (Subject::Declared, Some(project), false) = (subject, &settings.project, options.look.quiet) {
        for remark in project.config.unpaired() {
            terminal::complain(&format!("{}: {}\n", project.shown(), crate::text::escape(&remark)));
        }
    }
    if let Some(path) = &options.write_baseline {
        let text = gate::baseline_text(judged.iter().map(|it| (it.verdicts.findings.as_slice(), &*it.sources)));
        terminal::write(Some(path), &text)?;
        if !options.look.quiet {
            let count = judged.iter().map(|it| it.verdicts.findings.len()).sum::<usize>();
            let word = if count == 1 { "finding" } else { "findings" };
            terminal::complain(&format!("wrote a baseline with {count} {word} to `{}`\n", path.display()));
        }
        return Ok(Gate::Open);
    }
    if let (Some(mut old), Some(revision)) = (old, &options.since) {
        old.take(&mut lots(&mut judged), &Excuse::Since { revision: revision.clone() });
    }
    if let Some(path) = &options.baseline {
        let shown = super::load::shown(path);
        let mut baseline = Baseline::read(&shown, &super::settings::text_file(path)?).map_err(Failure::new)?;
        baseline.take(&mut lots(&mut judged));
        let count = gone(&baseline, subject, options, &settings, &judged);
        if count > 0 && !options.look.quiet {
            let word = if count == 1 { "finding is" } else { "findings are" };
            terminal::complain(&format!("{shown}: {count} {word} gone; --write-baseline writes it again\n"));
        }
    }
    let verdicts: Vec<(Verdicts, Vec<Excused>)> =
        judged.iter_mut().map(|it| (mem::take(&mut it.verdicts), mem::take(&mut it.excused))).collect();
    let rules: Vec<RuleAbout> = RULES.iter().map(|rule| about(rule)).collect();
    let repository = repository();
    let report = |(judged, (verdicts, excused))| {
        let Judged { name, sources, sides, .. }: &Judged = judged;
        let Verdicts { findings, undecided } = verdicts;
        let (name, knowledge, repository) = (name.clone(), KNOWLEDGE_DATE, repository.as_ref());
        let mut report =
            Report { name, rules: &rules, sides, findings, excused, undecided, repository, sources, knowledge };
        report.sort();
        report
    };
    let reports: Vec<Report<'_>> = judged.iter().zip(verdicts).map(report).collect();
    for destination in destinations {
        let text = (destination.output.render)(&reports, options.look.style(destination.file.is_some()));
        terminal::write(destination.file, &text)?;
    }
    let least = fail_on(&options.scope, &settings).0;
    let findings = reports.iter().flat_map(|report| &report.findings);
    Ok(if gate::reached(findings, least) { Gate::Closed } else { Gate::Open })
}

/// What is reported of each comparison so far.
fn lots(judged: &mut [Judged]) -> Vec<gate::Lot<'_>> {
    let lot = |it| {
        let Judged { verdicts, excused, sources, .. }: &mut Judged = it;
        gate::Lot { findings: &mut verdicts.findings, excused, sources }
    };
    judged.iter_mut().map(lot).collect()
}

/// How many findings of a baseline are gone, of those that this run looked for.
fn gone(
    baseline: &Baseline,
    subject: &Subject,
    options: &VerdictOptions,
    settings: &Settings,
    judged: &[Judged],
) -> usize {
    let scope = &options.scope;
    let config = settings.project.as_ref().map(|project| &project.config);
    let paired = judged.iter().any(|it| it.sides.len() > 1);
    let undecided: BTreeSet<&str> =
        judged.iter().flat_map(|it| &it.verdicts.undecided).map(|question| question.code).collect();
    let rule = |code: &str| {
        // What no rule finds any more is gone; findings of an impact that was not asked for are not.
        let Some(rule) = rules::find(code) else { return true };
        let off = config.is_some_and(|config| config.level(code) == Some(Level::Off));
        let compared = paired || !matches!(rule.check, Check::Pair(_));
        selected(rule, scope) && scope.impact.is_empty() && compared && !off && !undecided.contains(code)
    };
    let read: BTreeSet<String> = judged
        .iter()
        .flat_map(|it| it.sources.iter().map(|(file, _)| it.sources.steady_path(file).into_owned()))
        .collect();
    let complete = matches!(subject, Subject::Declared | Subject::DeclaredPair);
    // A model on the command line is one more thing to look at, not one less.
    baseline.gone(&gate::Judged { rule: &rule, complete, read: &read })
}

/// The nearest folder from the working folder upwards that git works in.
fn repository() -> Option<Repository> {
    let working = std::env::current_dir().ok()?;
    let root = working.ancestors().find(|folder| folder.join(".git").exists())?;
    let text = |path: &Path| path.to_string_lossy().replace('\\', "/");
    Some(Repository { root: text(root), folder: text(working.strip_prefix(root).ok()?) })
}

/// The severity that fails the run: of the command line or the environment, else of the file.
pub(super) fn fail_on(options: &ScopeOptions, settings: &Settings) -> FailOn {
    let given = options.fail_on.as_ref();
    let word = given.and_then(|given| FailOn::WORDS.iter().find(|(word, _)| word == given));
    let declared = settings.project.as_ref().and_then(|project| project.config.fail_on);
    let default = FailOn(Some(Severity::Error));
    word.map(|(_, it)| *it).or(declared.map(|(it, _)| it)).unwrap_or(default)
}

/// All comparisons: what the rules say about them, and what of it is reported.
pub(super) fn judge(
    subject: &Subject,
    options: &ScopeOptions,
    settings: &Settings,
    fixes: Fixes,
    overlay: &Overlay,
) -> Result<Vec<Judged>, Failure> {
    for name in options.select.iter().chain(&options.ignore) {
        if !RULES.iter().any(|rule| matches(rule, name)) {
            let near = rules::nearest_name(name).map(|near| format!("did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| "`envcheck rules` lists them".to_owned());
            return Err(Failure::new(format!("no rule has the code or name `{name}`; {hint}")));
        }
    }
    let wanted = subject.wanted(settings, &options.model)?;
    let mut judged =
        wanted.iter().map(|it| one(it, options, settings, fixes, overlay)).collect::<Result<Vec<_>, _>>()?;
    let relative = |path: &str| settings.relative(path);
    let config = settings.project.as_ref().map(|project| &project.config);
    let complete = matches!(subject, Subject::Declared) && options.model.is_empty();
    let decisions = Decisions { config, complete, today: Date::today(), relative: &relative };
    let mut comparisons: Vec<gate::Comparison<'_>> = judged
        .iter_mut()
        .map(|it| gate::Comparison {
            findings: &mut it.verdicts.findings,
            sources: &it.sources,
            paired: it.sides.len() > 1,
            models: it.sides.iter().any(|side| !side.environment.models().is_empty()),
            undecided: it.verdicts.undecided.iter().map(|question| question.code).collect(),
            facts: it.sides.iter().flat_map(|side| side.environment.facts()).map(|fact| fact.place).collect(),
        })
        .collect();
    let excused = gate::sort_out(&mut comparisons, &decisions);
    let off = |code: &str| config.is_some_and(|config| config.level(code) == Some(Level::Off));
    for (it, mut excused) in judged.iter_mut().zip(excused) {
        excused.retain(|excused| wanted_finding(&excused.finding, options));
        it.excused = excused;
        it.verdicts.findings.retain(|finding| wanted_finding(finding, options));
        let asked = |code: &str| rules::find(code).is_some_and(|rule| selected(rule, options));
        it.verdicts.undecided.retain(|question| asked(question.code) && !off(question.code));
    }
    Ok(judged)
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
fn one(
    wanted: &[Wanted],
    options: &ScopeOptions,
    settings: &Settings,
    fixes: Fixes,
    overlay: &Overlay,
) -> Result<Judged, Failure> {
    // The process ends after the report: taking everything apart piece by piece would be a tenth of its time.
    let mut sources = ManuallyDrop::new(settings.sources());
    let sides = ManuallyDrop::new(load(wanted, &options.inputs, &settings.knowledge, &mut sources, overlay)?);
    let context = context(&sides, &settings.knowledge)?;
    let mut verdicts = rules::run(&context);
    if fixes != Fixes::None {
        let ir = |file| {
            let bytes = Content::open(Path::new(&sources.get(file).path)).ok()?;
            Lowering::of(&bytes).map(|it| (it.stated, it.needed, it.at))
        };
        fix::suggest(
            &context,
            &fix::Inputs { sources: &sources, remarks: fixes == Fixes::All, ir: &ir },
            &mut verdicts,
        );
    }
    let names: Vec<&str> = wanted.iter().map(|side| side.name.as_str()).collect();
    Ok(Judged { name: names.join(" -> "), sources, sides, verdicts, excused: Vec::new() })
}

pub(super) fn context<'a>(sides: &'a [ReportedSide], knowledge: &'a Knowledge) -> Result<Context<'a>, Failure> {
    match sides {
        [serving] => Ok(Context { training: None, serving: &serving.environment, knowledge }),
        [training, serving] => {
            Ok(Context { training: Some(&training.environment), serving: &serving.environment, knowledge })
        }
        _ => Err(Failure::new("expected one or two sides")),
    }
}

fn wanted_finding(finding: &Finding, options: &ScopeOptions) -> bool {
    let impact = options.impact.is_empty() || options.impact.iter().any(|name| Impact::from(*name) == finding.impact);
    impact && rules::find(finding.code).is_some_and(|rule| selected(rule, options))
}

fn selected(rule: &Rule, options: &ScopeOptions) -> bool {
    let named = |names: &[String]| names.iter().any(|name| matches(rule, name));
    (options.select.is_empty() || named(&options.select)) && !named(&options.ignore)
}

fn matches(rule: &Rule, name: &str) -> bool {
    let code = name.to_ascii_uppercase();
    (code.starts_with("EC") && rule.code.starts_with(&code)) || rule.name.eq_ignore_ascii_case(name)
}
