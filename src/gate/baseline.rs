//! Baselines: a file with the findings that were there when a project began to use envcheck.
//!
//! A finding is known again by its fingerprint. The rest of an entry is for the people who read the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    finding::{Finding, Fingerprint, fingerprints},
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
    code: String,
    path: Option<String>,
    message: String,
}

/// The findings that somebody decided to live with.
#[derive(Debug)]
pub struct Baseline {
    /// The file as shown.
    path: String,
    known: BTreeSet<Fingerprint>,
    met: BTreeSet<Fingerprint>,
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
        let prints = file.findings.iter().map(|entry| entry.fingerprint.parse());
        let known = prints.collect::<Result<_, String>>().map_err(|fault| format!("{path}: {fault}"))?;
        Ok(Baseline { path: path.to_owned(), known, met: BTreeSet::new() })
    }

    /// The file as shown.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a finding is known, which is remembered.
    pub fn knows(&mut self, fingerprint: Fingerprint) -> bool {
        let known = self.known.contains(&fingerprint);
        if known {
            self.met.insert(fingerprint);
        }
        known
    }

    /// How many of its findings did not come again.
    #[must_use]
    pub fn gone(&self) -> usize {
        self.known.len() - self.met.len()
    }
}

/// The text of a baseline with these findings: one entry for what several comparisons share, in a stable order.
#[must_use]
pub fn baseline_text<'f>(comparisons: impl IntoIterator<Item = (&'f [Finding], &'f Sources)>) -> String {
    let mut entries: BTreeMap<(String, Option<String>, String), Entry> = BTreeMap::new();
    for (findings, sources) in comparisons {
        for (finding, print) in findings.iter().zip(fingerprints(findings, sources)) {
            let label = finding.labels.iter().find(|label| label.primary).or(finding.labels.first());
            let path = label.map(|label| sources.steady_path(label.place.file).into_owned());
            let entry = Entry {
                fingerprint: print.to_string(),
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
