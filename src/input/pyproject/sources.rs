//! Where the tools of a project take packages from: indexes with a name, and sources of single packages.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeTable;

use crate::{
    fact::{FactKind, Package, PackageIndex, PackageName},
    input::{
        Reading,
        installed::Word,
        locked,
        toml_parts::{self, Lookup, Value},
    },
    text::FileId,
};

/// An index of the project.
struct Index<'v> {
    url: &'v Value<'v>,
    found: Arc<PackageIndex>,
    /// Only packages that name it come from it.
    explicit: bool,
}

/// Indexes by name, and the source of each package that has one.
#[derive(Default)]
pub(super) struct Sources<'v> {
    indexes: Vec<Index<'v>>,
    named: BTreeMap<&'v str, Arc<PackageIndex>>,
    of: BTreeMap<PackageName, &'v Value<'v>>,
}

impl<'v> Sources<'v> {
    pub(super) fn of(root: &'v DeTable<'v>) -> Sources<'v> {
        let mut sources = Sources::default();
        let Some(tool) = root.table("tool") else { return sources };
        let tables = [("uv", "index"), ("poetry", "source"), ("pdm", "source")];
        for (name, key) in tables {
            for table in tool.table(name).into_iter().flat_map(|it| it.tables(key)) {
                sources.add(table, name);
            }
        }
        for (name, source) in tool.table("uv").and_then(|it| it.table("sources")).into_iter().flatten() {
            if let Ok(name) = PackageName::new(name.get_ref()) {
                sources.of.insert(name, source);
            }
        }
        sources
    }

    fn add(&mut self, table: &'v DeTable<'v>, tool: &str) {
        let (Some(url), Some(value)) = (table.text("url"), table.get("url")) else { return };
        let priority = table.text("priority").unwrap_or("primary");
        let only = match tool {
            "uv" => table.flag("default"),
            "poetry" => matches!(priority, "primary" | "default"),
            _ => table.text("name") == Some("pypi"),
        };
        let found = Arc::new(PackageIndex { only, ..(*locked::index(url)).clone() });
        if let Some(name) = table.text("name") {
            self.named.insert(name, Arc::clone(&found));
        }
        self.indexes.push(Index { url: value, found, explicit: table.flag("explicit") || priority == "explicit" });
    }

    /// Adds the indexes that any package may come from.
    pub(super) fn declare(&self, text: &str, file: FileId, reading: &mut Reading) {
        for index in self.indexes.iter().filter(|it| !it.explicit) {
            if let Some(Word { span, .. }) = toml_parts::word(text, index.url) {
                reading.declare(FactKind::PackageIndex((*index.found).clone()), file, span);
            }
        }
    }

    /// An index by its name.
    pub(super) fn index(&self, name: &str) -> Option<Arc<PackageIndex>> {
        self.named.get(name).cloned()
    }

    /// Adds what uv is told about a package. Several sources are for several machines: none of them is sure.
    pub(super) fn apply(&self, package: &mut Package) {
        let Some(source) = self.of.get(&package.name).and_then(|source| {
            let several = source.get_ref().as_array();
            let only = several.filter(|it| it.len() == 1).and_then(|it| it.first()).unwrap_or(source);
            only.get_ref().as_table().filter(|table| !table.contains_key("marker") && !table.contains_key("extra"))
        }) else {
            return;
        };
        if let Some(name) = source.text("index") {
            package.index = self.index(name);
        }
        let kinds = ["git", "url", "path"];
        if let Some((kind, address)) = kinds.iter().find_map(|kind| source.text(kind).map(|it| (*kind, it))) {
            package.url = Some(locked::direct(kind, address));
            package.editable = source.flag("editable");
        }
    }
}
