//! Findings that somebody decided to live with, and why they are not shown.

use std::fmt;

use super::Finding;
use crate::text::Place;

/// Why a finding is not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excuse {
    /// A comment such as `# envcheck: ignore[EC110] reason` beside one of its lines.
    Comment {
        /// The comment.
        place: Place,
        /// What it gives as reason; may be empty.
        reason: String,
    },
    /// An `[[ignore]]` of `envcheck.toml`.
    Config {
        /// The table.
        place: Place,
        /// What it gives as reason.
        reason: String,
    },
    /// It was there when the baseline was written.
    Baseline {
        /// The file as shown.
        path: String,
    },
    /// It was there at the revision that the run compares with.
    Since {
        /// The revision as given.
        revision: String,
    },
}

impl Excuse {
    /// The reason that a person gave, if any.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Excuse::Comment { reason, .. } | Excuse::Config { reason, .. } => {
                Some(reason).filter(|it| !it.is_empty()).map(String::as_str)
            }
            Excuse::Baseline { .. } | Excuse::Since { .. } => None,
        }
    }

    /// Where it is written, if that is a place in an input.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Excuse::Comment { place, .. } | Excuse::Config { place, .. } => Some(*place),
            Excuse::Baseline { .. } | Excuse::Since { .. } => None,
        }
    }
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Excuse::Comment { .. } => f.write_str("comment"),
            Excuse::Config { .. } => f.write_str("config"),
            Excuse::Baseline { .. } => f.write_str("baseline"),
            Excuse::Since { .. } => f.write_str("since"),
        }
    }
}

/// A finding that is not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excused {
    /// The finding.
    pub finding: Finding,
    /// Why it is not reported.
    pub excuse: Excuse,
}
