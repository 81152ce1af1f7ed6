//! What the lock files of conda's world share: which of their platforms counts, and how their packages become facts.
//!
//! Such a file holds one resolution for each platform. Programs are served on Linux: `linux-64` counts where it is there,
//! then `linux-aarch64`, then whatever comes first; the others are named in a note, so that nothing is left out silently.

use std::collections::BTreeSet;

use super::{
    Reading,
    installed::{self, CondaPackage, Word},
    locked,
};
use crate::{
    fact::{FactKind, Origin, Standing},
    text::{FileId, Span},
};

/// The platforms of a file, sorted, each once.
#[derive(Debug)]
pub(super) struct Platforms<'t>(BTreeSet<&'t str>);

impl<'t> Platforms<'t> {
    pub(super) fn of(names: impl Iterator<Item = &'t str>) -> Self {
        Platforms(names.collect())
    }

    /// The platform that is read.
    pub(super) fn chosen(&self) -> Option<&'t str> {
        let known = ["linux-64", "linux-aarch64"].iter().find_map(|it| self.0.get(it));
        known.or_else(|| self.0.iter().find(|it| it.starts_with("linux"))).or_else(|| self.0.first()).copied()
    }

    /// Says which platform is read. The only one of a file is where it is installed.
    pub(super) fn state(&self, reading: &mut Reading, file: FileId, span: Span) {
        let Some(chosen) = self.chosen() else { return };
        if self.0.len() > 1 {
            let names: Vec<&str> = self.0.iter().copied().take(8).collect();
            let (last, rest) = names.split_last().unwrap_or((&chosen, &[]));
            let names = format!("{} and {last}", rest.join(", "));
            return reading.skip(file, span, format!("the file is for {names}; what it has for {chosen} is read"));
        }
        let start = reading.facts.len();
        installed::observe_platform(reading, file, Word { text: chosen, span });
        declared(reading, start);
    }
}

/// Adds a locked package of conda.
pub(super) fn conda(reading: &mut Reading, file: FileId, found: CondaPackage<'_>) {
    let start = reading.facts.len();
    installed::conda(reading, file, found);
    declared(reading, start);
}

/// What was added as seen on a machine is asked for by a lock.
fn declared(reading: &mut Reading, start: usize) {
    for fact in &mut reading.facts[start..] {
        fact.standing = Standing::Declared;
        if let FactKind::Package(package) = &mut fact.kind {
            std::sync::Arc::make_mut(package).origin = Origin::Locked;
        }
    }
}

/// Adds a locked package of pip, with the address that it comes from.
pub(super) fn pypi(reading: &mut Reading, file: FileId, name: Word<'_>, version: Option<Word<'_>>, url: &str) {
    match locked::package(name, version) {
        Ok(mut package) => {
            let remote = url.contains("://") && !url.starts_with("git+");
            if remote {
                package.tags = locked::tags(std::iter::once(url));
            } else if !url.is_empty() {
                package.url = Some(locked::direct("", url));
            }
            reading.declare_package(package, file);
        }
        Err(reason) => reading.skip(file, name.span, reason),
    }
}
