//! What is left when later commands replace, repeat or remove what earlier ones installed.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{Item, What};
use crate::{
    fact::{Fact, FactKind, PackageName},
    input::{Files, Reading, Skipped},
};

/// What is left of the items of a stage when later commands replace or remove what earlier ones installed.
pub(super) fn settled(files: &Files<'_>, items: &[Item]) -> Vec<Item> {
    let mut out: Vec<Option<Item>> = Vec::with_capacity(items.len());
    let mut packages: BTreeMap<PackageName, Vec<usize>> = BTreeMap::new();
    let mut system: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for item in items {
        match &item.what {
            What::Fact(fact) => match &fact.kind {
                FactKind::Package(package) if !package.constraint => {
                    let known = packages.entry(package.name.clone()).or_default();
                    // A long history of one name would make this slow, and only the last ones can still be there.
                    for at in known.iter().rev().take(50) {
                        let replaced = out[*at].as_ref().and_then(|older| replacement(files, older, item));
                        if let Some(note) = replaced {
                            out[*at] = Some(note);
                        }
                    }
                    known.push(out.len());
                }
                FactKind::SystemPackage(package) => {
                    system.entry(package.name.clone()).or_default().push(out.len());
                }
                _ => {}
            },
            What::Note(_) => {}
            What::Uninstall(name) => {
                for at in packages.remove(name).unwrap_or_default() {
                    out[at] = None;
                }
                continue;
            }
            What::Remove(name) => {
                for at in system.remove(name).unwrap_or_default() {
                    // What the package said besides its name stands at the same place.
                    let place = out[at].as_ref().and_then(fact_of).map(|it| it.place);
                    let beside = at.saturating_sub(2)..(at + 3).min(out.len());
                    for it in &mut out[beside] {
                        let same = it.as_ref().and_then(fact_of).is_some_and(|it| Some(it.place) == place);
                        if same {
                            *it = None;
                        }
                    }
                }
                continue;
            }
        }
        out.push(Some(item.clone()));
    }
    out.into_iter().flatten().collect()
}

fn fact_of(item: &Item) -> Option<&Fact> {
    match &item.what {
        What::Fact(fact) => Some(fact),
        _ => None,
    }
}

/// The note that takes the place of an older package, if a newer one cannot stand beside it.
fn replacement(files: &Files<'_>, older: &Item, newer: &Item) -> Option<Item> {
    let (old, new) = (fact_of(older)?, fact_of(newer)?);
    let (FactKind::Package(from), FactKind::Package(to)) = (&old.kind, &new.kind) else { return None };
    let same_place = older.scope == newer.scope && older.command != newer.command;
    if !same_place || from.marker.is_some() || to.marker.is_some() || !from.versions.intersection(&to.versions).is_empty() {
        return None;
    }
    let line = files.position(new.place).line;
    let at = if old.place.file == new.place.file {
        format!("line {line}")
    } else {
        format!("line {line} of `{}`", files.shown_path(new.place.file))
    };
    let reason = format!("`{}{}` is replaced by {at}", from.name, from.specifier);
    Some(Item { what: What::Note(Skipped { place: old.place, reason }), ..older.clone() })
}

/// A file that is installed from twice says everything twice, and so does a loop.
pub(super) fn once(files: &Files<'_>, reading: &mut Reading) {
    let mut seen = BTreeSet::new();
    reading.skipped.retain(|it| seen.insert((files.shown_path(it.place.file).to_owned(), it.place.span, it.reason.clone())));
    let mut seen = BTreeSet::new();
    reading.facts.retain(|it| match &it.kind {
        FactKind::Package(package) => {
            let path = files.shown_path(it.place.file).to_owned();
            let what = (package.name.clone(), package.specifier.clone(), package.constraint);
            seen.insert((path, it.place.span, what))
        }
        _ => true,
    });
}
