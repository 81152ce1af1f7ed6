//! `pyproject.toml`: what a project asks for, where no lock says what it gets.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>; Poetry's own tables:
//! <https://python-poetry.org/docs/pyproject/>; sources and indexes of uv: <https://docs.astral.sh/uv/concepts/projects/dependencies/>
//!
//! Read: `[project]` dependencies, or those of `[tool.poetry]` where the project has none of its own; the index or source
//! that uv, Poetry or PDM is told to take a package from; the range of `requires-python` where it amounts to one Python.
//! The tables of pixi are read as its own manifest is. Extras and groups are left out with a note. A project that finds its dependencies elsewhere says so.

mod sources;

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::Word,
    locked, pixi_toml, poetry_constraint,
    toml_parts::{self, Lookup as _, Value},
};
use crate::{
    fact::{Package, PackageName, marker::Marker, requirement},
    text::{FileId, Span},
};
use sources::Sources;

pub(super) static FORMAT: Format = Format {
    name: "pyproject",
    about: "a pyproject.toml with dependencies in [project], [tool.poetry] or [tool.pixi]",
    claims,
    read,
};

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|_| probe.name.ends_with("pyproject.toml")) else { return Claim::No };
    let line = |wanted: &str| text.lines().any(|line| line.trim_start().starts_with(wanted));
    let project = line("[project]") && (line("dependencies") || line("dynamic"));
    match (project || line("[tool.poetry.dependencies]") || line("[tool.pixi."), line("[")) {
        (true, _) => Claim::Likely,
        (false, true) => Claim::Named,
        _ => Claim::No,
    }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    with_extras(files, file, &[])
}

/// Reads what a project asks for together with some of its extras.
pub(super) fn with_extras(files: &mut Files<'_>, file: FileId, extras: &[PackageName]) -> Reading {
    let text = files.text(file);
    let root = match toml_parts::parse(&text, file) {
        Ok(root) => root,
        Err(reading) => return reading,
    };
    let asked = asked(&root, extras);
    let mut reader = Reader { text: &text, file, sources: Sources::of(&root), asked, reading: Reading::default() };
    reader.sources.declare(&text, file, &mut reader.reading);
    let project = root.table("project");
    if let Some(project) = project {
        reader.project(project);
    }
    let poetry = root.table("tool").and_then(|tool| tool.table("poetry"));
    if let Some(poetry) = poetry {
        // Beside [project] the table only says where packages come from.
        let own = project.is_some_and(|project| project.contains_key("dependencies"));
        reader.poetry(poetry, own);
    }
    reader.left_out(&root);
    if let Some(pixi) = root.table("tool").and_then(|tool| tool.table("pixi")) {
        let found = pixi_toml::manifest(&text, file, pixi);
        reader.reading.facts.extend(found.facts);
        reader.reading.skipped.extend(found.skipped);
    }
    reader.reading.in_file_order()
}

struct Reader<'v> {
    text: &'v str,
    file: FileId,
    sources: Sources<'v>,
    /// The extras that are wanted, with those that they ask for themselves.
    asked: BTreeSet<PackageName>,
    reading: Reading,
}

impl<'v> Reader<'v> {
    fn project(&mut self, project: &'v DeTable<'v>) {
        if let Some(range) = project.get("requires-python").and_then(|value| toml_parts::word(self.text, value)) {
            self.reading.declare_python(range, self.file);
        }
        let optional = project.table("optional-dependencies").into_iter().flatten();
        let wanted = optional.filter(|(key, _)| is_asked(&self.asked, key.get_ref()));
        let wanted: Vec<_> = wanted.filter_map(|(_, value)| value.get_ref().as_array()).flatten().collect();
        let own = project.text("name").and_then(|name| PackageName::new(name).ok());
        for item in project.list("dependencies").iter().chain(wanted) {
            match toml_parts::word(self.text, item) {
                // Its own extras are among those that are wanted.
                Some(word) if own.is_some() && own_extras(own.as_ref(), word.text).is_some() => {}
                Some(word) => self.requirement(word),
                None => self.reading.skip(self.file, item.span().into(), "expected a requirement in quotes"),
            }
        }
        for item in project.list("dynamic").iter().filter(|item| item.get_ref().as_str() == Some("dependencies")) {
            let reason = "the dependencies are worked out when the project is built";
            self.reading.skip(self.file, item.span().into(), reason);
        }
    }

    fn requirement(&mut self, word: Word<'_>) {
        // Without escapes the parts stand in the file as they stand in the text.
        let exact = self.text.get(word.span.start..word.span.end) == Some(word.text);
        let base = if exact { word.span.start } else { 0 };
        match requirement::parse(word.text, base) {
            Ok(parsed) => {
                let package = parsed.into_package(|span| if exact { span } else { word.span });
                self.declare(package, word.span);
            }
            Err(fault) => {
                let span = if exact { fault.span } else { word.span };
                self.reading.skip(self.file, span, format!("`{}` is no requirement: {fault}", word.text));
            }
        }
    }

    fn declare(&mut self, mut package: Package, span: Span) {
        package.url = package.url.map(|url| locked::direct("", &url));
        self.sources.apply(&mut package);
        self.reading.declare(crate::fact::FactKind::Package(package.into()), self.file, span);
    }

    fn poetry(&mut self, poetry: &'v DeTable<'v>, own: bool) {
        let table = poetry.table("dependencies").into_iter().flatten();
        let wanted = self.wanted_of_poetry(poetry);
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if name == "python" {
                let range = toml_parts::word(self.text, value);
                let specifier = range.and_then(|range| poetry_constraint::specifier(range.text));
                if let (Some(range), Some(specifier)) = (range, specifier) {
                    self.reading.declare_python(Word { text: &specifier, ..range }, self.file);
                }
            } else if !own {
                let several = value.get_ref().as_array().map_or(std::slice::from_ref(value), |array| array);
                for value in several {
                    let optional = value.get_ref().as_table().is_some_and(|table| table.flag("optional"));
                    if optional && !is_asked(&wanted, name) {
                        continue; // Counted with the extras.
                    }
                    self.poetry_dependency(name, key.span().into(), value);
                }
            }
        }
    }

    /// The packages of Poetry's extras that are wanted.
    fn wanted_of_poetry(&self, poetry: &'v DeTable<'v>) -> BTreeSet<PackageName> {
        let extras = poetry.table("extras").into_iter().flatten().filter(|(key, _)| is_asked(&self.asked, key.get_ref()));
        let names = extras.filter_map(|(_, value)| value.get_ref().as_array()).flatten();
        names.filter_map(|item| PackageName::new(item.get_ref().as_str()?).ok()).collect()
    }

    fn poetry_dependency(&mut self, name: &str, name_span: Span, value: &'v Value<'v>) {
        let spelled = self.text.get(name_span.start..name_span.end).unwrap_or_default();
        // A key may stand in quotes.
        let inner = spelled.find(name).map_or(name_span, |at| Span::new(name_span.start + at, name_span.start + at + name.len()));
        let normal = match PackageName::new(name) {
            Ok(normal) => normal,
            Err(fault) => return self.reading.skip(self.file, name_span, fault.to_string()),
        };
        let mut package = Package::named(normal, name, inner);
        let table = value.get_ref().as_table();
        let version = match value.get_ref() {
            DeValue::String(_) => toml_parts::word(self.text, value),
            _ => table.and_then(|table| table.get("version")).and_then(|value| toml_parts::word(self.text, value)),
        };
        if let Some(version) = version {
            package.versions = poetry_constraint::versions(version.text);
            package.parts.specifier = Some(version.span);
            match poetry_constraint::specifier(version.text) {
                Some(specifier) => package.specifier = specifier,
                None if version.text.contains('|') => version.text.clone_into(&mut package.specifier),
                None => self.reading.skip(self.file, version.span, format!("`{}` is no version constraint", version.text)),
            }
        }
        if let Some(table) = table {
            package.extras = table.texts("extras").filter_map(|extra| PackageName::new(extra).ok()).collect();
            let address = ["git", "url", "path", "file"].iter().find_map(|kind| table.text(kind).map(|it| (*kind, it)));
            package.url = address.map(|(kind, address)| locked::direct(kind, address));
            locked::take_wheel(&mut package);
            package.editable = table.flag("develop");
            let marker = table.get("markers").and_then(|value| toml_parts::word(self.text, value));
            let python = table.text("python").and_then(python_marker);
            let marker = locked::marker(marker, self.file, &mut self.reading);
            let both: Vec<Marker> = marker.into_iter().chain(python).collect();
            package.marker = Marker::all(&both);
            if let Some(source) = table.text("source") {
                package.index = self.sources.index(source);
            }
        }
        let span = match package.parts.specifier {
            Some(specifier) if table.is_none() && inner.start < specifier.start => Span::new(inner.start, specifier.end),
            _ => inner,
        };
        self.declare(package, span);
    }

    /// Says how many requirements belong to extras and groups.
    fn left_out(&mut self, root: &'v DeTable<'v>) {
        let (mut count, mut place) = (0, None::<Span>);
        let (mut groups, mut extras) = (BTreeSet::new(), BTreeSet::new());
        let mut add = |names: &mut BTreeSet<String>, key: &toml::Spanned<std::borrow::Cow<'_, str>>, number: usize| {
            if number > 0 {
                let span: Span = key.span().into();
                place = Some(place.map_or(span, |known| if known.start <= span.start { known } else { span }));
                count += number;
                names.insert(key.get_ref().to_string());
            }
        };
        let size = |value: &Value<'_>| {
            let table = value.get_ref().as_table().and_then(|group| group.table("dependencies"));
            value.get_ref().as_array().map_or(table.map_or(0, DeTable::len), |it| it.len())
        };
        let optional = root.table("project").and_then(|it| it.table("optional-dependencies"));
        let unasked = |key: &str| !is_asked(&self.asked, key);
        let optional = optional.into_iter().flatten().filter(|(key, _)| unasked(key.get_ref()));
        optional.for_each(|(key, value)| add(&mut extras, key, size(value)));
        let tool = root.table("tool");
        let poetry = tool.and_then(|it| it.table("poetry"));
        let poetry_groups = poetry.and_then(|it| it.table("group"));
        let others = root.table("dependency-groups").into_iter().chain(poetry_groups);
        others.flatten().for_each(|(key, value)| add(&mut groups, key, size(value)));
        // Poetry lists what is optional beside the rest, and names it in its extras.
        let mut listed = [BTreeSet::new(), BTreeSet::new()];
        for (extra, value) in poetry.and_then(|it| it.table("extras")).into_iter().flatten() {
            let items = value.get_ref().as_array().into_iter().flatten();
            let names = items.filter_map(|item| PackageName::new(item.get_ref().as_str()?).ok());
            listed[usize::from(is_asked(&self.asked, extra.get_ref()))].extend(names);
        }
        let [left, wanted] = &listed;
        let is_left = |key: &str| PackageName::new(key).is_ok_and(|it| left.contains(&it) && !wanted.contains(&it));
        let optional = poetry.and_then(|it| it.table("dependencies")).into_iter().flatten();
        let optional = optional.filter(|(_, value)| value.get_ref().as_table().is_some_and(|it| it.flag("optional")));
        let optional = optional.filter(|(key, _)| is_left(key.get_ref()));
        let optional: Vec<_> = optional.collect();
        if let Some((key, _)) = optional.first() {
            add(&mut BTreeSet::new(), key, optional.len());
            let named = poetry.and_then(|it| it.table("extras")).into_iter().flatten();
            extras.extend(named.map(|(key, _)| key.get_ref().to_string()).filter(|it| unasked(it)));
        }
        if let Some((key, value)) = poetry.and_then(|it| it.get_key_value("dev-dependencies")) {
            add(&mut groups, key, value.get_ref().as_table().map_or(0, DeTable::len));
        }
        if let Some(place) = place {
            self.reading.skip(self.file, place, locked::left_out(count, &groups, &extras));
        }
    }
}

fn is_asked(asked: &BTreeSet<PackageName>, name: &str) -> bool {
    !asked.is_empty() && PackageName::new(name).is_ok_and(|name| asked.contains(&name))
}

/// The extras of a requirement for the project itself, as in `all = ["project[train,serve]"]`.
fn own_extras(own: Option<&PackageName>, requirement: &str) -> Option<Vec<PackageName>> {
    let (name, rest) = requirement.split_once('[')?;
    let named = PackageName::new(name.trim()).ok()?;
    let extras = rest.split(']').next()?.split(',').filter_map(|it| PackageName::new(it.trim()).ok());
    (own == Some(&named)).then(|| extras.collect())
}

/// Extras together with those that they name themselves.
fn asked(root: &DeTable<'_>, extras: &[PackageName]) -> BTreeSet<PackageName> {
    let mut asked = BTreeSet::new();
    let project = root.table("project");
    let own = project.and_then(|it| it.text("name")).and_then(|name| PackageName::new(name).ok());
    let mut open: Vec<PackageName> = extras.to_vec();
    while let Some(extra) = open.pop() {
        if !asked.insert(extra.clone()) {
            continue;
        }
        let optional = project.and_then(|it| it.table("optional-dependencies")).into_iter().flatten();
        let items = optional.filter(|(key, _)| PackageName::new(key.get_ref()).is_ok_and(|key| key == extra));
        let items = items.filter_map(|(_, value)| value.get_ref().as_array()).flatten();
        open.extend(items.filter_map(|item| own_extras(own.as_ref(), item.get_ref().as_str()?)).flatten());
    }
    asked
}

/// The marker of Poetry's `python = "^3.9"` beside a dependency.
fn python_marker(range: &str) -> Option<Marker> {
    let Some(specifier) = poetry_constraint::specifier(range) else { return Some(Marker::undecidable()) };
    let clause = |clause: &str| {
        let version = clause.trim_start_matches(['<', '>', '=', '!', '~']);
        let operator = &clause[..clause.len() - version.len()];
        Marker::parse(&format!("python_full_version {operator} '{version}'")).unwrap_or_else(|_| Marker::undecidable())
    };
    let markers: Vec<Marker> = specifier.split(',').filter(|it| !it.is_empty()).map(clause).collect();
    Marker::all(&markers)
}

#[cfg(test)]
mod tests;
