//! `uv.lock`, version 1 of any revision: what uv resolved for a project, for every platform at once.
//!
//! Format: <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>; it is uv's own, and read here as uv
//! 0.5 to 0.13 write it.
//!
//! Read: packages with version, source, wheel tags and dependencies. A package is installed under the conditions of the
//! edges that lead to it from the project's default dependencies; what only groups or extras of the project ask for is
//! left out with a note. The project itself is a package only where it is installed (`editable`); `virtual` ones are
//! not. The range of `requires-python` is a fact where it amounts to one Python.

mod entry;
mod graph;

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::Word,
    locked::{self, Chosen},
    toml_parts::{self, Lookup as _}, pasted,
};
use crate::{
    fact::{Package, PackageName, marker::Marker},
    text::{FileId, Span},
};
use entry::{Dependency, Entry, GROUPS, dependencies};
use graph::{Condition, Edge};

pub(super) static FORMAT: Format = Format {
    name: "uv.lock",
    about: "the lock file of uv: TOML with `version = 1` and [[package]] tables that have a `source`",
    claims,
    read: |files, file| read(files, file, &Chosen::default()),
};

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|text| text.contains("[[package]]")) else { return Claim::No };
    let sources = ["registry", "virtual", "editable", "git", "directory"];
    let has_source = || sources.iter().any(|kind| text.contains(&format!("\nsource = {{ {kind} = ")));
    let numbered = text.lines().take(50).any(|line| line.starts_with("version = ") && !line.contains('"'));
    match (probe.name.ends_with("uv.lock") || probe.name.ends_with(".py.lock"), numbered) {
        (true, true) => Claim::Certain,
        (false, true) if has_source() && !pasted::is_prose_or_code(probe.name) => Claim::Likely,
        _ => Claim::No,
    }
}

/// Reads what is installed with these extras and groups.
pub(super) fn read(files: &mut Files<'_>, file: FileId, chosen: &Chosen) -> Reading {
    let text = files.text(file);
    let root = match toml_parts::parse(&text, file) {
        Ok(root) => root,
        Err(reading) => return reading,
    };
    if root.number("version") != Some(1) {
        let found = root.get("version").and_then(|value| text.get(value.span())).unwrap_or("none");
        return Reading::faulty(format!("expected version 1 of the format, found {found}"), None);
    }
    let mut reading = Reading::default();
    if let Some(range) = root.get("requires-python").and_then(|value| toml_parts::word(&text, value)) {
        reading.declare_python(range, file);
    }
    let mut entries = Vec::new();
    for item in root.list("package") {
        let span: Span = item.span().into();
        let entry = item.get_ref().as_table().map(|table| Entry::of(&text, table));
        match entry {
            Some(Ok(entry)) => entries.push(entry),
            Some(Err(reason)) => reading.skip(file, span, reason),
            None => reading.skip(file, span, "expected a table"),
        }
    }
    let lock = Lock::of(&root, entries, chosen);
    lock.declare(file, &mut reading);
    reading.forget_common_index();
    reading.in_file_order()
}

/// Resolutions of one name that an edge without a version may mean.
const RESOLUTIONS: usize = 100;

/// The packages and how they ask for each other. A node is a package, or a package with an extra.
struct Lock<'v> {
    entries: Vec<Entry<'v>>,
    nodes: Vec<(usize, Option<&'v str>)>,
    conditions: Vec<Condition<'v>>,
    /// Extras that are asked for by what is reached, by entry.
    asked: Vec<BTreeSet<&'v str>>,
    /// Entries whose groups and extras count as the project's.
    projects: Vec<usize>,
    /// Groups of a workspace that is no project itself.
    groups: Vec<String>,
    chosen: Chosen,
}

impl<'v> Lock<'v> {
    fn of(root: &'v DeTable<'v>, entries: Vec<Entry<'v>>, chosen: &Chosen) -> Lock<'v> {
        let mut nodes: Vec<(usize, Option<&'v str>)> = (0..entries.len()).map(|entry| (entry, None)).collect();
        for (at, entry) in entries.iter().enumerate() {
            nodes.extend(entry.extras.keys().map(|extra| (at, Some(*extra))));
        }
        let at: BTreeMap<(usize, Option<&str>), usize> =
            nodes.iter().enumerate().map(|(node, key)| (*key, node)).collect();
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, entry) in entries.iter().enumerate() {
            named.entry(entry.normal.as_str()).or_default().push(number);
        }
        let targets = |dependency: &Dependency<'v>| -> Vec<Edge<'v>> {
            let wanted = named.get(dependency.name).map_or(&[][..], |all| &all[..all.len().min(RESOLUTIONS)]);
            let fits = |entry: &&usize| {
                let entry = &entries[**entry];
                dependency.version.is_none_or(|version| entry.version.is_none_or(|it| it.text == version))
                    && dependency.source.is_none_or(|source| entry.source == Some(source))
            };
            let marker = dependency.marker;
            let edges = wanted.iter().filter(fits).flat_map(|entry| {
                let extras = dependency.extras.iter().filter_map(|extra| at.get(&(*entry, Some(*extra))).copied());
                std::iter::once(*entry).chain(extras).map(|to| Edge { to, marker }).collect::<Vec<_>>()
            });
            edges.collect()
        };
        let edges: Vec<Vec<Edge<'v>>> = nodes
            .iter()
            .map(|(entry, extra)| {
                let list = match extra {
                    None => &entries[*entry].dependencies,
                    Some(extra) => &entries[*entry].extras[extra],
                };
                list.iter().flat_map(&targets).collect()
            })
            .collect();
        let projects = projects(root, &entries);
        let always = |to: &usize| Edge { to: *to, marker: None };
        let mut roots: Vec<Edge<'v>> = projects.iter().map(always).collect();
        for project in &projects {
            let entry = &entries[*project];
            let extras = entry.extras.keys().filter(|extra| chosen.has_extra(extra));
            roots.extend(extras.filter_map(|extra| at.get(&(*project, Some(*extra)))).map(always));
            for table in GROUPS.iter().filter_map(|key| entry.table.table(key)) {
                let groups = table.keys().map(|key| key.get_ref().as_ref()).filter(|group| chosen.has_group(group));
                roots.extend(groups.flat_map(|group| dependencies(table, group)).collect::<Vec<_>>().iter().flat_map(&targets));
            }
        }
        if let Some(manifest) = root.table("manifest") {
            roots.extend(dependencies(manifest, "requirements").iter().flat_map(&targets));
            if let Some(table) = manifest.table("dependency-groups") {
                let groups = table.keys().map(|key| key.get_ref().as_ref()).filter(|group| chosen.has_group(group));
                roots.extend(groups.flat_map(|group| dependencies(table, group)).collect::<Vec<_>>().iter().flat_map(&targets));
            }
        }
        if roots.is_empty() {
            roots = (0..entries.len()).collect::<Vec<_>>().iter().map(always).collect();
        }
        let conditions = graph::conditions(&edges, &roots);
        let mut asked = vec![BTreeSet::new(); entries.len()];
        for (node, (entry, extra)) in nodes.iter().enumerate() {
            if let Some(extra) = extra.filter(|_| conditions[node] != Condition::Never) {
                asked[*entry].insert(extra);
            }
        }
        let groups = root.table("manifest").and_then(|it| it.table("dependency-groups"));
        let groups = groups.into_iter().flat_map(DeTable::keys).map(|key| key.get_ref().to_string()).collect();
        Lock { entries, nodes, conditions, asked, projects, groups, chosen: chosen.clone() }
    }

    fn declare(&self, file: FileId, reading: &mut Reading) {
        let mut left: Option<(usize, Span)> = None;
        for (at, entry) in self.entries.iter().enumerate() {
            debug_assert_eq!(self.nodes[at], (at, None));
            if matches!(entry.source, Some(("virtual", _))) {
                continue;
            }
            if self.conditions[at] == Condition::Never {
                let (count, place) = left.unwrap_or((0, entry.name.span));
                left = Some((count + 1, place));
                continue;
            }
            match self.package(at) {
                Ok(mut package) => {
                    package.marker = self.marker(at, file, reading);
                    reading.declare_package(package, file);
                }
                Err(reason) => reading.skip(file, entry.name.span, reason),
            }
        }
        if let Some((count, place)) = left {
            let projects = || self.entries.iter().filter(|entry| entry.is_project());
            let groups = projects().flat_map(Entry::groups).chain(self.groups.iter().cloned());
            let groups = groups.filter(|it| !self.chosen.has_group(it)).collect();
            let extras = projects().flat_map(|entry| entry.extras.keys()).filter(|it| !self.chosen.has_extra(it));
            let extras = extras.map(|it| (*it).to_owned()).collect();
            let place = self.projects.first().map_or(place, |project| self.entries[*project].name.span);
            reading.skip(file, place, locked::left_out(count, &groups, &extras));
        }
    }

    fn package(&self, at: usize) -> Result<Package, String> {
        let entry = &self.entries[at];
        let mut package = locked::package(entry.name, entry.version)?;
        match entry.source {
            Some(("registry", url)) => package.index = Some(locked::index(url)),
            Some((kind, url)) => {
                package.editable = kind == "editable";
                package.url = Some(locked::direct(kind, url));
            }
            None => {}
        }
        package.extras = self.asked[at].iter().filter_map(|extra| PackageName::new(extra).ok()).collect();
        package.requires = entry.dependencies.iter().map(|it| it.requirement(None)).collect();
        for (extra, list) in &entry.extras {
            package.requires.extend(list.iter().map(|it| it.requirement(Some(extra))));
        }
        let wheels = entry.table.tables("wheels").chain(entry.table.table("sdist"));
        package.tags =
            locked::tags(wheels.filter_map(|it| it.text("filename").or_else(|| it.text("url")).or_else(|| it.text("path"))));
        Ok(package)
    }

    /// Under which condition a package is installed: that of the ways to it and that of its own resolution.
    fn marker(&self, at: usize, file: FileId, reading: &mut Reading) -> Option<Marker> {
        let entry = &self.entries[at];
        let mut parsed = |text: &str| locked::marker(Some(Word { text, span: entry.name.span }), file, reading);
        let own: Vec<Marker> = entry.table.texts("resolution-markers").filter_map(&mut parsed).collect();
        let ways = match &self.conditions[at] {
            Condition::Never | Condition::Always => None,
            Condition::Unclear => Some(Marker::undecidable()),
            Condition::When(ways) => {
                let way = |way: &BTreeSet<&str>| {
                    let markers: Vec<Marker> = way.iter().filter_map(|text| parsed(text)).collect();
                    Marker::all(&markers).unwrap_or_else(Marker::undecidable)
                };
                let ways: Vec<Marker> = ways.iter().map(way).collect();
                Some(Marker::any(&ways).unwrap_or_else(Marker::undecidable))
            }
        };
        let own = (!own.is_empty()).then(|| Marker::any(&own).unwrap_or_else(Marker::undecidable));
        // Ways for all Pythons leave no condition over.
        let mut both: Vec<Marker> = ways.into_iter().chain(own).filter(|it| !it.always().holds()).collect();
        both.dedup();
        (!both.is_empty()).then(|| Marker::all(&both).unwrap_or_else(Marker::undecidable))
    }
}

/// The projects that `uv sync` installs: the one of this folder, or all members where that one asks for nothing.
fn projects(root: &DeTable<'_>, entries: &[Entry<'_>]) -> Vec<usize> {
    let numbered = || entries.iter().enumerate().filter(|(_, entry)| entry.is_project());
    let here = numbered().filter(|(_, entry)| entry.source.is_some_and(|(_, path)| path == "."));
    let here: Vec<usize> = here.filter(|(_, entry)| !entry.dependencies.is_empty()).map(|(at, _)| at).collect();
    if !here.is_empty() {
        return here;
    }
    let members: BTreeSet<&str> = root.table("manifest").into_iter().flat_map(|it| it.texts("members")).collect();
    let member = |entry: &Entry<'_>| members.is_empty() || members.contains(entry.normal.as_str());
    numbered().filter(|(_, entry)| member(entry)).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests;
