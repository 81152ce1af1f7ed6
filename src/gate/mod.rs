//! Which findings are reported: levels of `[rules]`, comments, `[[ignore]]`, baselines and what a revision already had.
//!
//! What was decided about findings is checked, too: a comment that excuses nothing, an ignore that expired, a comment
//! without rules.

mod baseline;
mod comments;
mod known;

use std::collections::BTreeSet;

pub use baseline::{Baseline, Judged, baseline_text};
use comments::Comment;
pub use known::{Known, Lot};

use crate::{
    config::{Config, Date, Ignore, Level},
    finding::{Excuse, Excused, Finding, Severity},
    rules::{self, Check, Rule},
    text::{Place, Sources},
};

/// One comparison, as far as it matters to what is reported of it.
#[derive(Debug)]
pub struct Comparison<'c> {
    /// What the rules found; what is left is reported.
    pub findings: &'c mut Vec<Finding>,
    /// The texts.
    pub sources: &'c Sources,
    /// Whether a training side was compared with a serving side.
    pub paired: bool,
    /// Whether a model is among the inputs.
    pub models: bool,
    /// The codes of rules that said they could not decide.
    pub undecided: Vec<&'c str>,
    /// Where the facts stand that the rules looked at.
    pub facts: Vec<Place>,
}

/// What the project decided.
pub struct Decisions<'d> {
    /// Its `envcheck.toml`.
    pub config: Option<&'d Config>,
    /// Whether the run judges everything that this file declares, so that an ignore which excuses nothing is of no use.
    pub complete: bool,
    /// The day on which ignores are looked at.
    pub today: Date,
    /// A path as shown, seen from the folder of `envcheck.toml`.
    pub relative: &'d dyn Fn(&str) -> String,
}

impl Decisions<'_> {
    /// Whether a run can tell that a comment is of no use: another comparison that the file declares may need it, and a
    /// rule that is switched off finds nothing.
    fn tell(&self, rule: &Rule) -> bool {
        let Some(config) = self.config else { return true };
        (self.complete || config.environments.is_empty()) && config.level(rule.code) != Some(Level::Off)
    }
}

/// Sorts the findings of all comparisons out; what is not reported comes back, for each comparison.
pub fn sort_out(comparisons: &mut [Comparison<'_>], decisions: &Decisions<'_>) -> Vec<Vec<Excused>> {
    let mut all = Vec::new();
    let mut used_comments = BTreeSet::new();
    let mut idle_comments = Vec::new();
    let mut ignores = Ignores::new(decisions);
    for (at, comparison) in comparisons.iter_mut().enumerate() {
        set_levels(comparison.findings, decisions.config);
        let comments = comments::find(comparison.sources);
        let mut excused = Vec::new();
        let mut used: BTreeSet<Place> = BTreeSet::new();
        comparison.findings.retain(|finding| {
            let sources = comparison.sources;
            let excuse =
                by_comment(finding, &comments, sources, &mut used).or_else(|| ignores.excuse(finding, sources));
            let Some(excuse) = excuse else { return true };
            excused.push(Excused { finding: finding.clone(), excuse });
            false
        });
        for comment in comments {
            let shown = comparison.sources.get(comment.place.file).path.clone();
            for (rule, place) in &comment.rules {
                if used.contains(place) {
                    used_comments.insert((shown.clone(), place.span));
                } else if decisions.tell(rule) && could_run(rule, comparison) && was_read(&comment, comparison) {
                    idle_comments.push((at, shown.clone(), *rule, *place, comment.clone()));
                }
            }
            comparison.findings.extend(comment.faults.into_iter().map(|fault| {
                let finding = rules::BROKEN_IGNORE.finding(fault.message).about(["ignore"]);
                finding.at(fault.place, "excuses nothing").help(fault.help)
            }));
        }
        all.push(excused);
    }
    for (at, path, rule, place, comment) in idle_comments {
        if !used_comments.insert((path, place.span)) {
            continue;
        }
        let message = format!("the comment ignores {} ({}), which is not found here", rule.code, rule.name);
        let finding = rules::UNUSED_IGNORE.finding(message).about(["ignore"]);
        let help = if comment.rules.len() > 1 {
            format!("remove {} from the comment", rule.code)
        } else {
            "remove the comment".into()
        };
        let comparison = &mut comparisons[at];
        comparison.findings.push(finding.at(place, "excuses nothing").help(help));
    }
    if let Some(first) = comparisons.first_mut() {
        first.findings.extend(ignores.findings(decisions));
    }
    // What is found here has levels, too.
    for comparison in comparisons {
        set_levels(comparison.findings, decisions.config);
    }
    all
}

/// Gives findings the severity that the project wants, and takes out what it switched off.
fn set_levels(findings: &mut Vec<Finding>, config: Option<&Config>) {
    let Some(config) = config.filter(|config| !config.levels.is_empty()) else { return };
    findings.retain_mut(|finding| match config.level(finding.code) {
        Some(Level::Off) => false,
        Some(Level::Severity(severity)) => {
            finding.severity = severity;
            true
        }
        None => true,
    });
}

fn by_comment(
    finding: &Finding,
    comments: &[Comment],
    sources: &Sources,
    used: &mut BTreeSet<Place>,
) -> Option<Excuse> {
    let mut excuse = None;
    for comment in comments {
        let Some((_, place)) = comment.rules.iter().find(|(rule, _)| rule.code == finding.code) else { continue };
        if finding.labels.iter().any(|label| comment.covers(sources, label.place)) {
            // Both of two comments are of use, one on each side.
            used.insert(*place);
            excuse.get_or_insert_with(|| Excuse::Comment { place: comment.place, reason: comment.reason.clone() });
        }
    }
    excuse
}

/// Whether a rule could have found something at all in a comparison.
fn could_run(rule: &Rule, comparison: &Comparison<'_>) -> bool {
    let decided = !comparison.undecided.contains(&rule.code);
    decided
        && match rule.check {
            Check::Side(_) | Check::Decisions => true,
            Check::Pair(_) => comparison.paired,
            Check::Model(_) => comparison.models,
        }
}

/// Whether the rules looked at what a comment speaks of: a file may be read for a build stage that is not asked for.
fn was_read(comment: &Comment, comparison: &Comparison<'_>) -> bool {
    let source = comparison.sources.get(comment.place.file);
    let here: Vec<&Place> = comparison.facts.iter().filter(|place| place.file == comment.place.file).collect();
    let begins_stage = |line: &&str| line.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("FROM "));
    if source.text().lines().filter(begins_stage).count() < 2 {
        return !here.is_empty();
    }
    here.into_iter().any(|place| comment.covers(comparison.sources, *place))
}

/// The `[[ignore]]` tables, and which were of use.
struct Ignores<'d> {
    all: Vec<(&'d Ignore, bool)>,
    today: Date,
    relative: &'d dyn Fn(&str) -> String,
}

impl<'d> Ignores<'d> {
    fn new(decisions: &Decisions<'d>) -> Self {
        let all =
            decisions.config.into_iter().flat_map(|config| &config.ignores).map(|ignore| (ignore, false)).collect();
        Ignores { all, today: decisions.today, relative: decisions.relative }
    }

    fn excuse(&mut self, finding: &Finding, sources: &Sources) -> Option<Excuse> {
        let mut excuse = None;
        for (ignore, met) in &mut self.all {
            if !matches(ignore, finding, sources, self.relative) {
                continue;
            }
            *met = true;
            if !ignore.expired(self.today) {
                let (place, reason) = (ignore.place, ignore.reason.clone());
                excuse.get_or_insert(Excuse::Config { place, reason });
            }
        }
        excuse
    }

    /// What is wrong with the tables themselves.
    fn findings(self, decisions: &Decisions<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (ignore, met) in self.all {
            let Ignore { place, code, .. } = *ignore;
            let off = decisions.config.is_some_and(|config| config.level(code) == Some(Level::Off));
            if let Some(day) = ignore.expires.filter(|_| ignore.expired(self.today) && (met || decisions.complete)) {
                let message = format!("the ignore of {code} expired on {day}");
                let finding = rules::EXPIRED_IGNORE.finding(message).about(["ignore"]);
                let help = "mend what it ignores, or look at it again and set another day";
                findings.push(finding.at(place, format!("reason: {}", ignore.reason)).help(help));
            } else if !met && decisions.complete && !off {
                let message = format!("an ignore of {code} excuses nothing");
                let finding = rules::UNUSED_IGNORE.finding(message).about(["ignore"]);
                let help = "remove it, or correct what it names";
                findings.push(finding.at(place, format!("reason: {}", ignore.reason)).help(help));
            }
        }
        findings
    }
}

fn matches(ignore: &Ignore, finding: &Finding, sources: &Sources, relative: &dyn Fn(&str) -> String) -> bool {
    let about = |wanted: &String| finding.components.iter().any(|component| component == wanted);
    let inside = |wanted: &String| finding.labels.iter().any(|label| label.environment.as_ref() == Some(wanted));
    let in_path = |wanted: &globset::GlobMatcher| {
        finding.labels.iter().any(|label| wanted.is_match(relative(&sources.get(label.place.file).path)))
    };
    ignore.code == finding.code
        && ignore.package.as_ref().is_none_or(about)
        && ignore.environment.as_ref().is_none_or(inside)
        && ignore.path.as_ref().is_none_or(in_path)
}

/// Whether findings reach the severity that fails a run.
#[must_use]
pub fn reached<'f>(findings: impl IntoIterator<Item = &'f Finding>, least: Option<Severity>) -> bool {
    least.is_some_and(|least| findings.into_iter().any(|finding| finding.severity >= least))
}
