//! `pylock.toml` and `pylock.<name>.toml`: the lock file that the packaging specifications define.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/pylock-toml/> (lock version 1.0)
//!
//! Read: packages with version, marker, Python range, index, source, wheel tags and the names of their dependencies.
//! Packages that no marker restricts to a machine are installed; markers about extras and groups are decided as if none
//! was asked for but the default groups. The range of `requires-python` is a fact where it amounts to one Python.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::Word,
    locked,
    toml_parts::{self, Lookup as _},
};
use crate::{
    fact::{Package, marker::Marker},
    text::{FileId, Span},
};

pub(super) static FORMAT: Format = Format {
    name: "pylock.toml",
    about: "the standard lock file of Python: TOML with `lock-version` and [[packages]] tables",
    claims,
    read,
};

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let versioned = text.lines().any(|line| line.starts_with("lock-version"));
    let toml = probe.name.to_lowercase().ends_with(".toml");
    match (versioned && toml, probe.name.starts_with("pylock.")) {
        (true, true) => Claim::Certain,
        (true, false) if text.contains("[[packages]]") => Claim::Likely,
        _ => Claim::No,
    }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let root = match toml_parts::parse(&text, file) {
        Ok(root) => root,
        Err(reading) => return reading,
    };
    let version = root.text("lock-version").unwrap_or("none");
    if version != "1" && !version.starts_with("1.") {
        return Reading::faulty(format!("expected lock version 1.x, found {version}"), None);
    }
    let mut reading = Reading::default();
    if let Some(range) = root.get("requires-python").and_then(|value| toml_parts::word(&text, value)) {
        reading.declare_python(range, file);
    }
    let defaults: BTreeSet<&str> = root.texts("default-groups").collect();
    let (mut left, mut groups) = (None, BTreeSet::new());
    for item in root.list("packages") {
        let span: Span = item.span().into();
        let Some(table) = item.get_ref().as_table() else {
            reading.skip(file, span, "expected a table");
            continue;
        };
        let word = |key| table.get(key).and_then(|value| toml_parts::word(&text, value));
        let Some(name) = word("name") else {
            reading.skip(file, span, "expected a package with a `name`");
            continue;
        };
        let asked = word("marker").map(|marker| groups_of(marker.text)).unwrap_or_default();
        if !asked.is_empty() && !asked.iter().any(|group| defaults.contains(group.as_str())) {
            let (count, place) = left.unwrap_or((0, name.span));
            left = Some((count + 1, place));
            groups.extend(asked);
            continue;
        }
        match package(table, name, word("version")) {
            Ok(mut package) => {
                package.marker = condition(word("marker"), &asked, file, &mut reading);
                reading.declare_package(package, file);
            }
            Err(reason) => reading.skip(file, name.span, reason),
        }
    }
    if let Some((count, place)) = left {
        reading.skip(file, place, locked::left_out(count, &groups, &BTreeSet::new()));
    }
    reading.forget_common_index();
    reading.in_file_order()
}

/// The groups of a marker that says nothing but `'dev' in dependency_groups or ...`; none for any other marker.
fn groups_of(marker: &str) -> BTreeSet<String> {
    let group = |part: &str| {
        let (quoted, variable) = part.trim().split_once(" in ")?;
        let name = quoted.trim().trim_matches(['\'', '"']);
        (variable.trim() == "dependency_groups" && !name.contains(['\'', '"', ' '])).then(|| name.to_owned())
    };
    marker.split(" or ").map(group).collect::<Option<BTreeSet<String>>>().unwrap_or_default()
}

fn condition(text: Option<Word<'_>>, asked: &BTreeSet<String>, file: FileId, reading: &mut Reading) -> Option<Marker> {
    // A default group is there; its marker would stay undecided.
    if asked.is_empty() { locked::marker(text, file, reading) } else { None }
}

fn package(table: &DeTable<'_>, name: Word<'_>, version: Option<Word<'_>>) -> Result<Package, String> {
    let mut package = locked::package(name, version)?;
    package.requires_python = table.text("requires-python").map(str::to_owned);
    package.index = table.text("index").map(locked::index);
    let place = |key| table.table(key).and_then(|it| it.text("url").or_else(|| it.text("path")));
    if let Some(vcs) = table.table("vcs") {
        let address = place("vcs").unwrap_or_default();
        let revision = vcs.text("commit-id").or_else(|| vcs.text("requested-revision"));
        let at = revision.map_or_else(String::new, |revision| format!("@{revision}"));
        package.url = Some(locked::direct(vcs.text("type").unwrap_or_default(), address) + &at);
    } else if let Some(directory) = table.table("directory") {
        package.url = directory.text("path").map(|path| locked::direct("directory", path));
        package.editable = directory.flag("editable");
    } else if let Some(address) = place("archive") {
        package.url = Some(locked::direct("archive", address));
    }
    for dependency in table.tables("dependencies") {
        let Some(name) = dependency.text("name") else { continue };
        let version = dependency.text("version").map_or_else(String::new, |version| format!("=={version}"));
        package.requires.push(locked::requirement(name, &[], &version, &[]));
    }
    let archive = place("archive");
    let wheels = table.tables("wheels").chain(table.table("sdist"));
    let names = wheels.filter_map(|it| it.text("name").or_else(|| it.text("url")).or_else(|| it.text("path")));
    package.tags = locked::tags(names.chain(archive));
    Ok(package)
}

#[cfg(test)]
mod tests;
