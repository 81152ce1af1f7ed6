//! `Pipfile.lock`, of pipfile specification 6.
//!
//! Format: <https://github.com/pypa/pipfile#pipfilelock>, as pipenv writes it.
//!
//! Read: the packages of `default` with version, marker, extras, index and source; the Python of `_meta.requires`.
//! Packages that only other categories (`develop`) list are left out with a note. The file knows no dependencies.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc};

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, Word},
    json_scan::{Fault, Scanner, Text},
    locked,
};
use crate::{
    fact::{FactKind, Package, PackageIndex, PackageName, requirement},
    text::{FileId, Span, floor_char_boundary},
};

pub(super) static FORMAT: Format = Format {
    name: "Pipfile.lock",
    about: "the lock file of pipenv: JSON with `_meta`, `default` and `develop`",
    claims,
    read,
};

/// `_meta` stands at the very beginning, since the keys are sorted.
const HEAD: usize = 4 << 10;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|it| it.trim_start().starts_with('{')) else { return Claim::No };
    let head = &text[..floor_char_boundary(text, HEAD)];
    let named = probe.name.ends_with("Pipfile.lock") && head.contains("\"_meta\"");
    if named || head.contains("\"pipfile-spec\"") { Claim::Certain } else { Claim::No }
}

/// What the file says, before the names of indexes are looked up.
#[derive(Default)]
struct Lock {
    indexes: BTreeMap<String, Arc<PackageIndex>>,
    packages: Vec<(Package, Option<String>)>,
    /// Packages of other categories, with the category.
    others: Vec<(String, Span, String)>,
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    let mut lock = Lock::default();
    let mut scanner = Scanner::new(&text);
    let done = scanner.members(|scanner, category| match category {
        "_meta" => scanner.members_if_object(|scanner, key| match key {
            "requires" => scanner.members_if_object(|scanner, key| {
                let value = scanner.text()?.filter(|_| key.starts_with("python_"));
                if let Some(value) = value
                    && let Some(kind) = installed::python(&value.value)
                {
                    reading.declare(kind, file, value.span);
                }
                Ok(())
            }),
            "sources" => scanner.items_if_array(|scanner| source(scanner, &mut lock)),
            _ => scanner.skip(),
        }),
        category => scanner.entries_if_object(|scanner, name| {
            let entry = entry(scanner)?;
            if category == "default" {
                match package(name, &entry, file, &mut reading) {
                    Ok(package) => lock.packages.push((package, entry.index)),
                    Err(reason) => reading.skip(file, name.span, reason),
                }
            } else {
                lock.others.push((name.value.to_string(), name.span, category.to_owned()));
            }
            Ok(())
        }),
    });
    if let Err(fault) = done.and_then(|()| scanner.end()) {
        return fault.reading(file);
    }
    let known: BTreeSet<String> = lock.packages.iter().map(|(package, _)| package.name.to_string()).collect();
    for (mut package, index) in lock.packages {
        package.index = index.and_then(|name| lock.indexes.get(&name).cloned());
        let span = package.parts.name;
        reading.declare(FactKind::Package(package.into()), file, span);
    }
    let normal = |name: &str| PackageName::new(name).map_or_else(|_| name.to_owned(), |it| it.to_string());
    lock.others.retain(|(name, ..)| !known.contains(&normal(name)));
    if let Some((_, place, _)) = lock.others.first() {
        let groups = lock.others.iter().map(|(.., category)| category.clone()).collect();
        reading.skip(file, *place, locked::left_out(lock.others.len(), &groups, &BTreeSet::new()));
    }
    reading.in_file_order()
}

fn source<'a>(scanner: &mut Scanner<'a>, lock: &mut Lock) -> Result<(), Fault> {
    let (mut name, mut url) = (None::<Text<'a>>, None::<Text<'a>>);
    scanner.members_if_object(|scanner, key| {
        match key {
            "name" => name = scanner.text()?,
            "url" => url = scanner.text()?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    if let (Some(name), Some(url)) = (name, url) {
        lock.indexes.insert(name.value.into_owned(), locked::index(&url.value));
    }
    Ok(())
}

/// An entry as it was written.
#[derive(Default)]
struct Entry<'a> {
    version: Option<Text<'a>>,
    markers: Option<Text<'a>>,
    extras: Vec<PackageName>,
    index: Option<String>,
    /// The kind of source and its address.
    source: Option<(&'static str, String)>,
    revision: Option<String>,
    editable: bool,
}

fn entry<'a>(scanner: &mut Scanner<'a>) -> Result<Entry<'a>, Fault> {
    let mut entry = Entry::default();
    scanner.members_if_object(|scanner, key| {
        match key {
            "version" => entry.version = scanner.text()?,
            "markers" => entry.markers = scanner.text()?,
            "extras" => scanner.items_if_array(|scanner| {
                entry.extras.extend(scanner.text()?.and_then(|it| PackageName::new(&it.value).ok()));
                Ok(())
            })?,
            "index" => entry.index = scanner.text()?.map(|it| it.value.into_owned()),
            "git" | "file" | "path" => {
                let kind = if key == "git" { "git" } else { "file" };
                entry.source = scanner.text()?.map(|it| (kind, it.value.into_owned()));
            }
            "ref" => entry.revision = scanner.text()?.map(|it| it.value.into_owned()),
            "editable" => entry.editable = scanner.boolean()? == Some(true),
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(entry)
}

fn package(name: &Text<'_>, entry: &Entry<'_>, file: FileId, reading: &mut Reading) -> Result<Package, String> {
    let mut package = locked::package(Word { text: &name.value, span: name.span }, None)?;
    // A package for other machines has no version (`*`); one that was edited by hand may have a range.
    if let Some(version) = entry.version.as_ref().filter(|version| version.value != "*") {
        let stated = requirement::parse(&format!("a {}", version.value), 0).map_err(|fault| fault.to_string())?;
        package.specifier = stated.specifier();
        package.versions = stated.versions();
        package.parts.specifier = Some(version.span);
    }
    if let Some((kind, address)) = &entry.source {
        let at = entry.revision.as_ref().map_or_else(String::new, |revision| format!("@{revision}"));
        package.url = Some(locked::direct(kind, address) + &at);
    }
    package.editable = entry.editable;
    package.extras.clone_from(&entry.extras);
    let marker = entry.markers.as_ref().map(|text| Word { text: &text.value, span: text.span });
    package.marker = locked::marker(marker, file, reading);
    Ok(package)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::locked::{damaged, read_for_test};

    const SAMPLE: &str = include_str!("../../fixtures/inputs/pipfile-lock/Pipfile.lock");

    #[test]
    fn default_packages_are_read_and_others_counted() {
        let (_, lines) = read_for_test("Pipfile.lock", SAMPLE);
        assert_eq!(
            lines,
            [
                "`3.11` Python(PythonVersion(Dotted { parts: [3, 11] }))",
                "`numpy` numpy==1.26.4 from https://packages.example/simple ; python_version >= '3.9'",
                "`scoring` scoring @git+https://packages.example/scoring.git@0123456789abcdef editable",
                "`tzdata` tzdata ; sys_platform == 'win32'",
                "`uvicorn` uvicorn[standard]==0.34.0",
                "`odd` skipped: expected a specifier such as `==1.2`, a semicolon or the end after the name",
                "`pytest` skipped: 2 packages are left out: only the groups `develop` and `docs` ask for them",
            ]
        );
    }

    #[test]
    fn only_such_files_are_claimed() {
        let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
        assert_eq!(claim("Pipfile.lock", SAMPLE), Claim::Certain);
        assert_eq!(claim("serve.lock", SAMPLE), Claim::Certain);
        assert_eq!(claim("Pipfile.lock", "{\"packages\": []}"), Claim::No);
        assert!(read_for_test("Pipfile.lock", "{\"_meta\": {").1[0].contains("fault: broken JSON"));
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..SAMPLE.len(), cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}:\"',#\n.]|é){0,6}") {
            read_for_test("Pipfile.lock", &damaged(SAMPLE, at, cut, &junk));
        }
    }
}
