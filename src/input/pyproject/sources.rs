//! Where the tools of a project take packages from: indexes with a name, and sources of single packages.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::DeTable;

use crate::{
    fact::{
        FactKind, Package, PackageIndex, PackageName,
        marker::{Marker, Target},
    },
    input::{
        Reading,
        installed::Word,
        locked,
        toml_parts::{self, Lookup, Value},
    },
    text::FileId,
    version::Truth,
};

/// The machine that programs are served on.
fn server() -> Target {
    Target { os: Some("linux".to_owned()), machine: Some("x86_64".to_owned()), ..Target::default() }
}

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

    /// An index by its name, for a package that comes from nowhere else.
    pub(super) fn index(&self, name: &str) -> Option<Arc<PackageIndex>> {
        let found = self.named.get(name)?;
        Some(Arc::new(PackageIndex { only: true, ..(**found).clone() }))
    }

    /// Adds what uv is told about a package. Of several sources for several machines the one for Linux counts, which is
    /// where PyPI's own builds differ; none of those that an extra or a Python chooses is sure.
    pub(super) fn apply(&self, package: &mut Package) {
        let Some(source) = self.of.get(&package.name).and_then(|source| {
            let several = source.get_ref().as_array().map_or(std::slice::from_ref(*source), |array| array);
            let tables: Vec<&DeTable<'_>> = several.iter().filter_map(|it| it.get_ref().as_table()).collect();
            if tables.iter().any(|table| table.contains_key("extra") || table.contains_key("group")) {
                return None;
            }
            let met = |table: &DeTable<'_>| match table.text("marker").map(Marker::parse) {
                None => Truth::Holds,
                Some(Ok(marker)) => marker.evaluate(&server(), &[]),
                Some(Err(_)) => Truth::Undecided,
            };
            let mut left = tables.into_iter().filter(|table| !met(table).violated());
            let only = left.next().filter(|table| met(table).holds());
            only.filter(|_| left.next().is_none())
        }) else {
            return;
        };
        if let Some(name) = source.text("index") {
            package.index = self.index(name);
        }
        let kinds = ["git", "url", "path"];
        if let Some((kind, address)) = kinds.iter().find_map(|kind| source.text(kind).map(|it| (*kind, it))) {
            package.url = Some(locked::direct(kind, address));
            locked::take_wheel(package);
            package.editable = source.flag("editable");
        }
    }
}
