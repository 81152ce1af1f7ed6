//! Findings that were there before: in a baseline, or at a revision.
//!
//! A finding is known by its fingerprint. One whose file was renamed has another fingerprint; it is known again by what it
//! is about and what is written there, if the file that it was in is not read any more, and each old finding only once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    finding::{Excuse, Excused, Finding, Fingerprint, fingerprints, pathless_fingerprints},
    text::Sources,
};

/// A finding that was there before.
#[derive(Debug, Clone)]
pub(super) struct Former {
    /// The fingerprint without paths, if it is known.
    pub(super) pathless: Option<Fingerprint>,
    pub(super) code: String,
    /// The file that it was in.
    pub(super) path: Option<String>,
    /// The fingerprint under which it was met again.
    met: Option<Fingerprint>,
}

impl Former {
    pub(super) fn new(pathless: Option<Fingerprint>, code: &str, path: Option<String>) -> Former {
        Former { pathless, code: code.to_owned(), path, met: None }
    }
}

/// Everything that was there before.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub(super) findings: BTreeMap<Fingerprint, Former>,
}

/// The findings of one comparison, with what is needed to know them again.
#[derive(Debug)]
pub struct Lot<'l> {
    /// What is reported so far; what is not known stays.
    pub findings: &'l mut Vec<Finding>,
    /// What is excused already: it is there all the same.
    pub excused: &'l mut Vec<Excused>,
    /// The texts.
    pub sources: &'l Sources,
}

impl Known {
    /// The findings of comparisons.
    #[must_use]
    pub fn of<'f>(comparisons: impl IntoIterator<Item = (&'f [Finding], &'f Sources)>) -> Known {
        let mut known = Known::default();
        for (findings, sources) in comparisons {
            let prints = fingerprints(findings, sources).into_iter().zip(pathless_fingerprints(findings, sources));
            for (finding, (print, pathless)) in findings.iter().zip(prints) {
                known.findings.insert(print, Former::new(Some(pathless), finding.code, path_of(finding, sources)));
            }
        }
        known
    }

    /// Takes out of all comparisons of a run what is known.
    pub fn take(&mut self, lots: &mut [Lot<'_>], excuse: &Excuse) {
        let read: BTreeSet<String> = lots
            .iter()
            .flat_map(|lot| lot.sources.iter().map(|(file, _)| lot.sources.steady_path(file).into_owned()))
            .collect();
        for lot in lots.iter_mut() {
            let excused: Vec<Finding> = lot.excused.iter().map(|it| it.finding.clone()).collect();
            for print in fingerprints(&excused, lot.sources) {
                self.meet(print);
            }
            lot.take(excuse, |print, _| self.meet(print));
        }
        // Only what nothing met by its path can have moved.
        for lot in lots {
            lot.take(excuse, |print, pathless| self.meet_moved(print, pathless, &read));
        }
    }

    fn meet(&mut self, print: Fingerprint) -> bool {
        let found = self.findings.get_mut(&print);
        found.map(|former| former.met = Some(print)).is_some()
    }

    fn meet_moved(&mut self, print: Fingerprint, pathless: Fingerprint, read: &BTreeSet<String>) -> bool {
        let moved = |former: &&mut Former| {
            let free = former.met.is_none() || former.met == Some(print);
            let left = former.path.as_ref().is_some_and(|path| !read.contains(path));
            free && left && former.pathless == Some(pathless)
        };
        let found = self.findings.values_mut().find(moved);
        found.map(|former| former.met = Some(print)).is_some()
    }

    /// How many of the findings did not come again, of those that the run judged.
    pub(super) fn gone(&self, judged: impl Fn(&Former) -> bool) -> usize {
        self.findings.values().filter(|former| former.met.is_none() && judged(former)).count()
    }
}

impl Lot<'_> {
    fn take(&mut self, excuse: &Excuse, mut known: impl FnMut(Fingerprint, Fingerprint) -> bool) {
        let prints = fingerprints(self.findings.iter(), self.sources);
        let pathless = pathless_fingerprints(self.findings.iter(), self.sources);
        for ((finding, print), pathless) in std::mem::take(self.findings).into_iter().zip(prints).zip(pathless) {
            if known(print, pathless) {
                self.excused.push(Excused { finding, excuse: excuse.clone() });
            } else {
                self.findings.push(finding);
            }
        }
    }
}

/// The file that a finding points at first, whatever folder envcheck runs in.
pub(super) fn path_of(finding: &Finding, sources: &Sources) -> Option<String> {
    let label = finding.labels.iter().find(|label| label.primary).or(finding.labels.first())?;
    Some(sources.steady_path(label.place.file).into_owned())
}
