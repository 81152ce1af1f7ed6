//! Outputs: one module a format, all from the same [`Report`].
//!
//! A report is complete before any format sees it: sorted, filtered and counted, so that exit code and every format agree.

mod checkstyle;
mod concise;
mod facts;
mod github;
mod gitlab;
mod html;
mod human;
mod inspect;
mod json;
mod json_lines;
mod junit;
mod lock;
mod markdown;
mod merged;
mod needs;
mod sarif;
mod shorten;
mod source;
mod words;
mod xml;

use std::fmt::Write as _;

pub use facts::json_text;
pub use human::wrapped;
pub use inspect::{inspect_human, inspect_json};
pub use lock::{LockNote, write_lock};
pub use needs::{NotRead, needs_json, needs_requirements, needs_text, release_json, release_text};

use crate::{
    environment::Environment,
    finding::{Excused, Finding, Fingerprint, Impact, Severity, Undecided, fingerprints},
    text::{Place, Sources},
};

/// A part of an input that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedPart {
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// One input, as far as a report names it.
#[derive(Debug)]
pub struct InputSummary {
    /// The path as shown.
    pub path: String,
    /// The name of its format.
    pub format: &'static str,
    /// The facts that came out of it, as positions in the environment's list.
    pub facts: std::ops::Range<usize>,
    /// What was not read.
    pub skipped: Vec<SkippedPart>,
}

/// One side of a report.
#[derive(Debug)]
pub struct ReportedSide {
    /// The environment.
    pub environment: Environment,
    /// What it was read from.
    pub inputs: Vec<InputSummary>,
}

/// What an output may say about a rule.
#[derive(Debug, Clone, Copy)]
pub struct RuleAbout {
    /// Such as `EC301`.
    pub code: &'static str,
    /// Such as `driver-too-old`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The manual, Markdown.
    pub docs: &'static str,
    /// The usual, and highest, severity.
    pub severity: Severity,
    /// The usual impact.
    pub impact: Impact,
}

/// The repository that envcheck runs in, since services name files from its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Its folder, absolute, with `/` between the parts.
    pub root: String,
    /// The working folder as seen from there; empty for the folder itself.
    pub folder: String,
}

impl Repository {
    /// A path as envcheck shows it, seen from the repository's folder; as it is, where it lies outside.
    #[must_use]
    pub fn path(&self, shown: &str) -> String {
        if let Some(inside) = shown.strip_prefix(&self.root).and_then(|rest| rest.strip_prefix('/')) {
            return inside.to_owned();
        }
        if shown.starts_with(['/', '<']) || shown.get(1..3) == Some(":/") {
            return shown.to_owned();
        }
        let mut parts: Vec<&str> = self.folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in shown.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.is_empty() => return shown.to_owned(),
                ".." => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        parts.join("/")
    }
}

/// Everything that an output may show about one comparison.
#[derive(Debug)]
pub struct Report<'a> {
    /// What is compared, such as `train -> serve`.
    pub name: String,
    /// All rules, in code order.
    pub rules: &'a [RuleAbout],
    /// The sides, training first.
    pub sides: &'a [ReportedSide],
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Findings that are not reported, and why.
    pub excused: Vec<Excused>,
    /// Open questions.
    pub undecided: Vec<Undecided>,
    /// The repository, if the working folder belongs to one.
    pub repository: Option<&'a Repository>,
    /// Texts that places point into.
    pub sources: &'a Sources,
    /// The day of the knowledge.
    pub knowledge: &'static str,
}

impl Report<'_> {
    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The fingerprint of every finding, in their order.
    #[must_use]
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        fingerprints(&self.findings, self.sources)
    }

    /// A rule by its code.
    #[must_use]
    pub fn rule(&self, code: &str) -> Option<&RuleAbout> {
        self.rules.iter().find(|rule| rule.code == code)
    }

    /// Puts the findings into their order: worst first, then by code and place.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            let place = |finding: &Finding| finding.labels.first().map(|label| label.place);
            (std::cmp::Reverse(a.severity), a.code, place(a), &a.message).cmp(&(
                std::cmp::Reverse(b.severity),
                b.code,
                place(b),
                &b.message,
            ))
        });
    }
}

/// How the output looks, apart from its format.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Whether to use colours.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// How much to show.
    pub detail: Detail,
}

/// How much to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Errors and warnings only.
    Quiet,
    /// What a person needs.
    Normal,
    /// Everything, the harmless differences with their lines too.
    Verbose,
}

/// An output format: one line in the registry, one module.
#[derive(Debug)]
pub struct Output {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether it shows fixes, the search for which costs more than the verdict.
    pub shows_fixes: bool,
    /// Renders the comparisons of a run: at least one.
    pub render: fn(&[Report<'_>], Style) -> String,
}

/// Declares the registry: to add a format is to add one name.
macro_rules! outputs {
    ($($module:ident),* $(,)?) => {
        /// Every output format; the first is the default.
        pub static OUTPUTS: &[&Output] = &[$(&$module::OUTPUT),*];
    };
}

outputs! { human, concise, json, json_lines, sarif, github, gitlab, junit, checkstyle, markdown, html }

/// `1 error`, `2 errors`.
fn counted(count: usize, one: &str) -> String {
    let mut text = format!("{count} {one}");
    if count != 1 {
        let _ = write!(text, "s");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Repository;

    #[test]
    fn paths_are_seen_from_the_repository() {
        let repository = Repository { root: "/home/a/repo".into(), folder: "serve/api".into() };
        for (shown, seen) in [
            ("requirements.txt", "serve/api/requirements.txt"),
            ("./x/../Dockerfile", "serve/api/Dockerfile"),
            ("../../train/a.txt", "train/a.txt"),
            ("../../../other/a.txt", "../../../other/a.txt"),
            ("/home/a/repo/train/a.txt", "train/a.txt"),
            ("/home/a/repository/a.txt", "/home/a/repository/a.txt"),
            ("C:/x/a.txt", "C:/x/a.txt"),
            ("<stdin>", "<stdin>"),
        ] {
            assert_eq!(repository.path(shown), seen);
        }
    }
}
