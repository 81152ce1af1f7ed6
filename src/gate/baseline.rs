//! Baselines: a file with the findings that were there when a project began to use envcheck.
//!
//! A finding is known again by its fingerprint, or without its path where its file was renamed. The rest of an entry is for
//! the people who read the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Known, Lot,
    known::{Former, path_of},
};
use crate::{
    finding::{Excuse, Finding, Fingerprint, fingerprints, pathless_fingerprints},
    text::Sources,
};

/// The version of the file's format.
const VERSION: u32 = 1;

/// What stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

/// One finding.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    /// The fingerprint without paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pathless: Option<String>,
    code: String,
    path: Option<String>,
    message: String,
}

/// The findings that somebody decided to live with.
#[derive(Debug)]
pub struct Baseline {
    /// The file as shown.
    path: String,
    known: Known,
}

/// What a run looked at, as far as it tells whether a finding is gone.
pub struct Judged<'j> {
    /// Whether the findings of a rule were looked for, and could be found.
    pub rule: &'j dyn Fn(&str) -> bool,
    /// Whether everything that the project declares was looked at, so that a file which was not read is no input any more.
    pub complete: bool,
    /// The files that were read.
    pub read: &'j BTreeSet<String>,
}

impl Baseline {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// Says in one line what was expected, and where.
    pub fn read(path: &str, text: &str) -> Result<Baseline, String> {
        let file: File = serde_json::from_str(text).map_err(|fault| format!("{path}: no baseline: {fault}"))?;
        if file.version != VERSION {
            return Err(format!("{path}: expected a baseline of version {VERSION}, found {}", file.version));
        }
        let mut known = Known::default();
        for entry in file.findings {
            let print = |text: &String| text.parse::<Fingerprint>().map_err(|fault| format!("{path}: {fault}"));
            let pathless = entry.pathless.as_ref().map(print).transpose()?;
            known.findings.insert(print(&entry.fingerprint)?, Former::new(pathless, &entry.code, entry.path));
        }
        Ok(Baseline { path: path.to_owned(), known })
    }

    /// Takes out of all comparisons of a run what the baseline knows.
    pub fn take(&mut self, lots: &mut [Lot<'_>]) {
        let excuse = Excuse::Baseline { path: self.path.clone() };
        self.known.take(lots, &excuse);
    }

    /// How many of its findings did not come again although the run looked for them.
    #[must_use]
    pub fn gone(&self, judged: &Judged<'_>) -> usize {
        self.known.gone(|former| {
            let read = former.path.as_ref().is_none_or(|path| judged.complete || judged.read.contains(path));
            read && (judged.rule)(&former.code)
        })
    }
}

/// The text of a baseline with these findings: one entry for what several comparisons share, in a stable order.
#[must_use]
pub fn baseline_text<'f>(comparisons: impl IntoIterator<Item = (&'f [Finding], &'f Sources)>) -> String {
    let mut entries: BTreeMap<(String, Option<String>, String), Entry> = BTreeMap::new();
    for (findings, sources) in comparisons {
        let prints = fingerprints(findings, sources).into_iter().zip(pathless_fingerprints(findings, sources));
        for (finding, (print, pathless)) in findings.iter().zip(prints) {
            let path = path_of(finding, sources);
            let entry = Entry {
                fingerprint: print.to_string(),
                pathless: Some(pathless.to_string()),
                code: finding.code.to_owned(),
                path: path.clone(),
                message: finding.message.clone(),
            };
            entries.insert((entry.code.clone(), path, entry.fingerprint.clone()), entry);
        }
    }
    let file = File { version: VERSION, findings: entries.into_values().collect() };
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}
