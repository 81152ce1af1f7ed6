//! `pixi.toml` and the `[tool.pixi]` tables of `pyproject.toml`: what the default environment of a project asks for.
//!
//! Documentation: <https://pixi.sh/latest/reference/pixi_manifest/>
//!
//! Read: `[dependencies]`, `[pypi-dependencies]`, the tables of the features that make the environment `default`, those of
//! Linux below `target`, and the indexes of `[pypi-options]`. `pytorch-cuda` says which build of torch is meant.
//! Left out with a note: other features, and tables for other systems than Linux.

use std::{collections::BTreeSet, sync::Arc};

use toml::de::{DeTable, DeValue};

use super::{
    Claim, Files, Format, Probe, Reading, conda_environment,
    installed::Word,
    locked,
    match_spec::MatchSpec,
    toml_parts::{self, Lookup as _, Value},
};
use crate::{
    fact::{FactKind, Package, PackageIndex, PackageName, Standing, requirement},
    text::{FileId, Span},
};

pub(super) static FORMAT: Format = Format {
    name: "pixi.toml",
    about: "the manifest of a pixi project: pixi.toml, or [tool.pixi] in pyproject.toml",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text.filter(|_| probe.name.ends_with("pixi.toml")) else { return Claim::No };
        let line = |wanted: &str| text.lines().any(|line| line.trim_start().starts_with(wanted));
        let named = ["[workspace]", "[project]", "[package]"].iter().any(|it| line(it)) && line("channels");
        if named { Claim::Certain } else { Claim::Named }
    },
    read,
};

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    match toml_parts::parse(&text, file) {
        Ok(root) => manifest(&text, file, &root).in_file_order(),
        Err(reading) => reading,
    }
}

/// Reads the tables of pixi.
pub(super) fn manifest(text: &str, file: FileId, root: &DeTable<'_>) -> Reading {
    let mut reader = Reader { text, file, conda: conda_environment::Reader::new(file, text), left_out: None, count: 0, groups: BTreeSet::new() };
    reader.tables(root);
    let features = root.table("feature");
    let wanted = default_features(root);
    for (key, value) in features.into_iter().flatten() {
        let (name, Some(table)) = (key.get_ref().as_ref(), value.get_ref().as_table()) else { continue };
        if wanted.contains(name) { reader.tables(table) } else { reader.leave_out(name, key.span().into(), table) }
    }
    for name in &wanted {
        if *name != "default" && !features.is_some_and(|it| it.contains_key(*name)) {
            let reason = format!("the environment `default` names the feature `{name}`, which is not there");
            let at = root.get("environments").map_or_else(Span::default, |value| value.span().into());
            reader.conda.skip(at, reason);
        }
    }
    reader.finished()
}

/// The features of the environment `default` besides the tables without a name.
fn default_features<'v>(root: &'v DeTable<'_>) -> BTreeSet<&'v str> {
    let Some(value) = root.table("environments").and_then(|it| it.get("default")) else { return BTreeSet::new() };
    let list = match value.get_ref() {
        DeValue::Array(list) => list.iter(),
        DeValue::Table(table) => table.list("features").iter(),
        _ => [].iter(),
    };
    list.filter_map(|item| item.get_ref().as_str()).collect()
}

struct Reader<'t> {
    text: &'t str,
    file: FileId,
    /// What is found; it knows how packages of conda become facts.
    conda: conda_environment::Reader<'t>,
    left_out: Option<Span>,
    count: usize,
    groups: BTreeSet<String>,
}

impl Reader<'_> {
    /// The tables of the project itself or of a feature.
    fn tables(&mut self, root: &DeTable<'_>) {
        self.options(root);
        self.dependencies(root);
        for (key, value) in root.table("target").into_iter().flatten() {
            let (name, Some(table)) = (key.get_ref().as_ref(), value.get_ref().as_table()) else { continue };
            match name {
                "linux" | "linux-64" | "unix" => self.dependencies(table),
                name => self.leave_out(name, key.span().into(), table),
            }
        }
    }

    fn options(&mut self, root: &DeTable<'_>) {
        let Some(options) = root.table("pypi-options") else { return };
        let only = options.get("index-url").map(|value| (value, true));
        let beside = options.list("extra-index-urls").iter().map(|value| (value, false));
        for (value, only) in only.into_iter().chain(beside) {
            if let Some(word) = toml_parts::word(self.text, value) {
                let url = super::without_credentials(word.text);
                self.conda.state(FactKind::PackageIndex(PackageIndex { url, only }), word.span);
            }
        }
    }

    fn dependencies(&mut self, root: &DeTable<'_>) {
        for (key, value) in root.table("dependencies").into_iter().flatten() {
            self.conda_dependency(key.get_ref(), key.span().into(), value);
        }
        for (key, value) in root.table("pypi-dependencies").into_iter().flatten() {
            self.pypi_dependency(key.get_ref(), key.span().into(), value);
        }
    }

    fn leave_out(&mut self, name: &str, span: Span, table: &DeTable<'_>) {
        let number = ["dependencies", "pypi-dependencies"].iter().filter_map(|key| table.table(key)).map(DeTable::len).sum::<usize>();
        let below = table.table("target").into_iter().flatten().filter_map(|(_, value)| value.get_ref().as_table());
        let below: usize = below.flat_map(|it| [it.table("dependencies"), it.table("pypi-dependencies")]).flatten().map(DeTable::len).sum();
        if number + below > 0 {
            self.count += number + below;
            self.groups.insert(name.to_owned());
            self.left_out = Some(self.left_out.map_or(span, |known| if known.start <= span.start { known } else { span }));
        }
    }

    /// The place of a key without its quotes.
    fn key(&self, name: &str, span: Span) -> Span {
        let spelled = self.text.get(span.start..span.end).unwrap_or_default();
        spelled.find(name).map_or(span, |at| Span::new(span.start + at, span.start + at + name.len()))
    }

    /// A text of a table, or the value itself.
    fn part<'v>(&self, value: &'v Value<'_>, key: &str) -> Option<Word<'v>> {
        match value.get_ref() {
            DeValue::String(_) if key == "version" => toml_parts::word(self.text, value),
            DeValue::Table(table) => toml_parts::word(self.text, table.get(key)?),
            _ => None,
        }
    }

    fn conda_dependency(&mut self, name: &str, span: Span, value: &Value<'_>) {
        let name_span = self.key(name, span);
        let table = value.get_ref().as_table();
        if table.is_some_and(|it| ["path", "git", "url"].iter().any(|key| it.contains_key(*key))) {
            return self.conda.skip(name_span, format!("`{name}` is built from its source, which says neither name nor version here"));
        }
        let text = |key: &str| self.part(value, key).map(|word| (word.text.trim(), word.span));
        if text("version").is_none() && table.is_none() {
            let reason = "expected a version such as `\">=1.2,<2\"`, or a table with `version`";
            return self.conda.skip(value.span().into(), reason);
        }
        let (version, version_span) = text("version").unwrap_or(("", name_span));
        let version = if version == "*" { "" } else { version };
        let build = text("build").map_or("", |it| it.0);
        let channel = text("channel").map_or("", |it| it.0);
        let whole = if table.is_none() && name_span.start < version_span.end { Span::new(name_span.start, version_span.end) } else { name_span };
        let spec = MatchSpec { channel, name, name_span, version, version_span, build };
        self.conda.stated(&spec, whole);
    }

    fn pypi_dependency(&mut self, name: &str, span: Span, value: &Value<'_>) {
        let name_span = self.key(name, span);
        let normal = match PackageName::new(name) {
            Ok(normal) => normal,
            Err(fault) => return self.conda.skip(name_span, fault.to_string()),
        };
        let mut package = Package::named(normal, name, name_span);
        let table = value.get_ref().as_table();
        let version = self.part(value, "version").map(|word| (word.text.trim().to_owned(), word.span));
        if version.is_none() && table.is_none() {
            let reason = "expected a version such as `\">=1.2,<2\"`, or a table with `version`";
            return self.conda.skip(value.span().into(), reason);
        }
        if let Some((text, span)) = version.filter(|(text, _)| text != "*") {
            // A bare version is taken for that release.
            let specifier = if text.starts_with(|it: char| it.is_ascii_digit()) { format!("=={text}") } else { text };
            match requirement::parse(&format!("{name}{specifier}"), 0) {
                Ok(parsed) => {
                    package.specifier = parsed.specifier();
                    package.versions = parsed.versions();
                    package.parts.specifier = Some(span);
                }
                Err(_) => self.conda.skip(span, format!("`{specifier}` is no version specifier")),
            }
        }
        if let Some(table) = table {
            package.extras = table.texts("extras").filter_map(|extra| PackageName::new(extra).ok()).collect();
            let address = ["git", "url", "path"].iter().find_map(|kind| table.text(kind).map(|it| (*kind, it)));
            package.url = address.map(|(kind, address)| locked::direct(kind, address));
            package.editable = table.flag("editable");
            package.index = table.text("index").map(|url| Arc::new(PackageIndex { only: true, ..(*locked::index(url)).clone() }));
        }
        let span = match package.parts.specifier {
            Some(specifier) if table.is_none() && name_span.start < specifier.start => Span::new(name_span.start, specifier.end),
            _ => name_span,
        };
        self.conda.state(FactKind::Package(package.into()), span);
    }

    fn finished(mut self) -> Reading {
        if let Some(span) = self.left_out {
            let reason = locked::left_out(self.count, &self.groups, &BTreeSet::new());
            self.conda.skip(span, reason.replace("the groups", "the features and systems").replace("the group", "the feature or system"));
        }
        let mut reading = self.conda.finished();
        for fact in &mut reading.facts {
            fact.standing = Standing::Declared;
        }
        debug_assert!(reading.facts.iter().all(|fact| fact.place.file == self.file));
        reading
    }
}

#[cfg(test)]
mod tests {
    use crate::input::locked::{damaged, read_for_test};

    const MANIFEST: &str = include_str!("../../fixtures/inputs/pixi-toml/pixi.toml");

    #[test]
    fn the_default_environment_is_read() {
        let (_, lines) = read_for_test("pixi.toml", MANIFEST);
        assert_eq!(
            lines,
            [
                "`https://packages.example/whl/cu124` PackageIndex(PackageIndex { url: \"https://packages.example/whl/cu124\", only: false })",
                "`python = \"3.11.*` Python(PythonVersion(Dotted { parts: [3, 11] }))",
                "`pytorch = \">=2.5,<2.6` torch>=2.5,<2.6",
                "`pytorch-cuda = \"12.4.*` pytorch-cuda==12.4.*",
                "`numpy` numpy==1.26.4",
                "`scipy = \"*` scipy",
                "`onnxruntime-gpu = \"==1.20.1` onnxruntime-gpu==1.20.1",
                "`vllm` vllm[audio]>=0.6",
                "`serve` serve @. editable",
                "`libgomp = \"*` libgomp",
                "`tritonclient = \"2.50.0` tritonclient==2.50.0",
                "`8` skipped: expected a version such as `\">=1.2,<2\"`, or a table with `version`",
                "`osx-arm64` skipped: 4 packages are left out: only the features and systems `cpu`, `osx-arm64` and `test` ask for them",
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_manifest_panics(at in 0..2_000_usize, cut in 0..60_usize, junk in "([a-z0-9.=_-]{0,4}|[ \t\r\n{}\\[\\]\":,#&*-]|\\PC){0,6}") {
            read_for_test("pixi.toml", &damaged(MANIFEST, at, cut, &junk));
        }
    }
}
