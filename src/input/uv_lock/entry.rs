//! A `[[package]]` of `uv.lock` as it is written, and the edges in it.

use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::{
    fact::PackageName,
    input::{
        installed::Word,
        locked,
        toml_parts::{self, Lookup as _},
    },
};

/// Tables with groups of a project, in the words of several versions of uv.
pub(super) const GROUPS: [&str; 2] = ["dev-dependencies", "dependency-groups"];

/// Where a package comes from: the kind and the address or path.
pub(super) type Source<'v> = (&'v str, &'v str);

/// A `[[package]]`.
pub(super) struct Entry<'v> {
    pub(super) name: Word<'v>,
    pub(super) normal: PackageName,
    pub(super) version: Option<Word<'v>>,
    pub(super) source: Option<Source<'v>>,
    pub(super) dependencies: Vec<Dependency<'v>>,
    pub(super) extras: BTreeMap<&'v str, Vec<Dependency<'v>>>,
    pub(super) table: &'v DeTable<'v>,
}

/// An edge as it is written.
pub(super) struct Dependency<'v> {
    pub(super) name: &'v str,
    pub(super) version: Option<&'v str>,
    pub(super) source: Option<Source<'v>>,
    pub(super) extras: Vec<&'v str>,
    pub(super) marker: Option<&'v str>,
}

impl<'v> Entry<'v> {
    pub(super) fn of(text: &str, table: &'v DeTable<'v>) -> Result<Entry<'v>, String> {
        let word = |key| table.get(key).and_then(|value| toml_parts::word(text, value));
        let name = word("name").ok_or("expected a package with a `name`")?;
        let normal = PackageName::new(name.text).map_err(|fault| fault.to_string())?;
        let extras = table.table("optional-dependencies").into_iter().flatten();
        Ok(Entry {
            name,
            normal,
            version: word("version"),
            source: source(table),
            dependencies: dependencies(table, "dependencies"),
            extras: extras
                .map(|(extra, list)| {
                    let tables = list.get_ref().as_array().into_iter().flatten();
                    let tables = tables.filter_map(|item| item.get_ref().as_table());
                    (extra.get_ref().as_ref(), tables.filter_map(Dependency::of).collect())
                })
                .collect(),
            table,
        })
    }

    /// Whether this is a project of the workspace, or could be.
    pub(super) fn is_project(&self) -> bool {
        matches!(self.source, Some(("virtual" | "editable", _)))
    }

    /// The names of the groups that the project declares.
    pub(super) fn groups(&self) -> impl Iterator<Item = String> {
        let groups = GROUPS.into_iter().filter_map(|key| self.table.table(key));
        groups.flat_map(|table| table.keys().map(|key| key.get_ref().to_string()))
    }
}

impl<'v> Dependency<'v> {
    pub(super) fn of(table: &'v DeTable<'v>) -> Option<Dependency<'v>> {
        Some(Dependency {
            name: table.text("name")?,
            version: table.text("version"),
            source: source(table),
            extras: table.texts("extra").chain(table.text("extra")).collect(),
            marker: table.text("marker").filter(|marker| !marker.is_empty()),
        })
    }

    /// As a requirement; `extra` is the one of its owner that asks for it.
    pub(super) fn requirement(&self, extra: Option<&str>) -> String {
        let version = self.version.map_or_else(String::new, |version| format!("=={version}"));
        let extra = extra.map(locked::extra_condition);
        let conditions: Vec<&str> = self.marker.into_iter().chain(extra.as_deref()).collect();
        locked::requirement(self.name, &self.extras, &version, &conditions)
    }
}

fn source<'v>(table: &'v DeTable<'v>) -> Option<Source<'v>> {
    let source = table.table("source")?;
    let kinds = ["registry", "git", "url", "path", "directory", "editable", "virtual"];
    kinds.into_iter().find_map(|kind| source.text(kind).map(|value| (kind, value)))
}

pub(super) fn dependencies<'v>(table: &'v DeTable<'v>, key: &str) -> Vec<Dependency<'v>> {
    table.tables(key).filter_map(Dependency::of).collect()
}

