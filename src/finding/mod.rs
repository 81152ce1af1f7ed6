//! What a rule says: findings about the user's environments, and questions that could not be decided.
//!
//! A finding is data. How it looks is the business of `report`.

mod excuse;
mod fingerprint;

use std::fmt;

pub use excuse::{Excuse, Excused};
pub use fingerprint::{Fingerprint, fingerprints, pathless_fingerprints};

use crate::{
    knowledge::{OwnRow, Provenance, Reason},
    text::{FileId, Place},
};

/// How bad a finding is. `error` fails the gate by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A difference without a known consequence.
    Info,
    /// It runs, but may differ, is not guaranteed by its maker, or falls back silently.
    Warning,
    /// Documented or measured to fail.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        })
    }
}

/// Which way the model fails if the finding is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// The serving process does not install, import or start.
    StartFailure,
    /// It starts but cannot load or run the model.
    LoadFailure,
    /// It answers differently, or silently runs another way.
    WrongResult,
    /// The sides differ and no consequence is known.
    Drift,
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Impact::StartFailure => "start-failure",
            Impact::LoadFailure => "load-failure",
            Impact::WrongResult => "wrong-result",
            Impact::Drift => "drift",
        })
    }
}

/// One place that a finding points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What this place says, lower case, short.
    pub text: String,
    /// The environment it belongs to.
    pub environment: Option<String>,
    /// Whether this is where the user should look first.
    pub primary: bool,
}

/// A statement about the world, with who says so.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Evidence {
    /// The statement in one sentence.
    pub claim: String,
    /// The document or the measurement.
    pub source: String,
    /// Where in it.
    pub locator: String,
    /// The day on which it was last looked at.
    pub checked: String,
    /// Where the row stands, if it is the user's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_row: Option<OwnRow>,
}

impl From<Reason> for Evidence {
    fn from(reason: Reason) -> Self {
        let Reason { claim, provenance } = reason;
        let Provenance { source, locator, checked, own, .. } = provenance;
        Evidence { claim, source, locator, checked, own_row: own }
    }
}

/// A replacement of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; nothing, where something is inserted.
    pub place: Place,
    /// What stands there afterwards.
    pub replacement: String,
}

/// A change that was checked to resolve a finding without causing another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fix {
    /// What to do, imperative.
    pub title: String,
    /// Whether it may be applied without a person looking at it.
    pub safe: bool,
    /// How, where it can be done in the inputs.
    pub edits: Vec<Edit>,
    /// The command of the tool that wrote the file, where only that tool may change it.
    pub command: Option<String>,
    /// The change to a model file.
    pub lowering: Option<IrEdit>,
    /// Why it cannot be done in the inputs, where it cannot.
    pub obstacle: Option<String>,
}

/// Lowers the IR version of an ONNX model: one byte of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IrEdit {
    /// The model.
    pub file: FileId,
    /// The byte that holds the version, from 0.
    pub at: usize,
    /// The version that is there.
    pub from: u8,
    /// The version that takes its place.
    pub to: u8,
}

/// A defect that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code, such as `EC301`.
    pub code: &'static str,
    /// The rule's name, such as `driver-too-old`.
    pub rule: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// Which way it fails.
    pub impact: Impact,
    /// What is wrong, with both values and the limit.
    pub message: String,
    /// What it is about: normalised package names and the words of the design's component list.
    pub components: Vec<String>,
    /// Where; the first primary label is the one that the header names.
    pub labels: Vec<Label>,
    /// Why.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that were checked.
    pub fixes: Vec<Fix>,
    /// Why no edit of the inputs mends it, once fixes were looked for and none has one.
    pub unfixed: Option<String>,
}

impl Finding {
    /// Points at a place of the finding's cause.
    #[must_use]
    pub fn primary(self, environment: &str, place: Place, text: impl Into<String>) -> Self {
        self.labelled(environment, place, text, true)
    }

    /// Points at another place that matters.
    #[must_use]
    pub fn label(self, environment: &str, place: Place, text: impl Into<String>) -> Self {
        self.labelled(environment, place, text, false)
    }

    /// Points at a place that belongs to no environment, such as a comment.
    #[must_use]
    pub fn at(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push(Label { place, text: text.into(), environment: None, primary: true });
        self
    }

    fn labelled(mut self, environment: &str, place: Place, text: impl Into<String>, primary: bool) -> Self {
        if !self.labels.iter().any(|label| label.place == place) {
            self.labels.push(Label { place, text: text.into(), environment: Some(environment.to_owned()), primary });
        }
        self
    }

    /// Names what the finding is about.
    #[must_use]
    pub fn about<I: IntoIterator<Item = S>, S: Into<String>>(mut self, components: I) -> Self {
        for component in components {
            let component = component.into();
            if !self.components.contains(&component) {
                self.components.push(component);
            }
        }
        self
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, evidence: impl Into<Evidence>) -> Self {
        let evidence = evidence.into();
        if !self.evidence.contains(&evidence) {
            self.evidence.push(evidence);
        }
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Another severity than the rule's usual one.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Another impact than the rule's usual one.
    #[must_use]
    pub fn impact(mut self, impact: Impact) -> Self {
        self.impact = impact;
        self
    }
}

/// A question that a rule could not answer, and what would let it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undecided {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub rule: &'static str,
    /// Why it could not be decided, lower case.
    pub reason: String,
    /// What to add so that it can be, imperative; empty if nothing helps.
    pub remedy: String,
}

/// What all rules said about one pair of environments.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Defects.
    pub findings: Vec<Finding>,
    /// Open questions.
    pub undecided: Vec<Undecided>,
}
