//! What an environment knows about one package, over all files that name it.

use std::sync::Arc;

use crate::{
    fact::{Fact, FactKind, Package, PackageName, Standing, marker::Target},
    text::Place,
    version::{self, Truth, Version, VersionSet},
};

/// One mention of a package.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What the file says.
    pub package: Arc<Package>,
    /// The whole requirement.
    pub place: Place,
    /// Its weight.
    pub standing: Standing,
    /// Whether its marker is met on the target.
    pub applies: Truth,
}

impl Entry {
    /// The place of the specifier, else of the whole requirement.
    #[must_use]
    pub fn version_place(&self) -> Place {
        self.package.parts.specifier.map_or(self.place, |span| Place { file: self.place.file, span })
    }
}

/// A package on one side.
#[derive(Debug, Clone)]
pub struct PackageView {
    /// Its name.
    pub name: PackageName,
    /// All mentions that may apply, in input order, constraints included.
    pub entries: Vec<Entry>,
    /// The versions that may be installed, by the weightiest mentions.
    pub versions: VersionSet,
    /// The only one of them, which rules ask for more often than for anything else.
    pin: Option<Version>,
    /// The weight of what `versions` rests on.
    pub standing: Standing,
    /// Whether it is installed at all, as far as markers tell.
    pub present: Truth,
}

impl PackageView {
    fn of(name: PackageName, entries: Vec<Entry>, versions: VersionSet, standing: Standing, present: Truth) -> Self {
        let pin = versions.single().cloned();
        PackageView { name, entries, versions, pin, standing, present }
    }

    /// The version, if just one is possible. Its local label is only there if a file wrote one.
    #[must_use]
    pub fn pin(&self) -> Option<&Version> {
        self.pin.as_ref()
    }

    /// Leaves one version.
    pub(super) fn set_version(&mut self, version: &Version) {
        self.versions = VersionSet::exactly(version);
        self.pin = Some(version.clone());
    }

    /// The mention that decides: the first of the weightiest ones, preferring one with a version.
    ///
    /// # Panics
    ///
    /// Never: a view is only made of at least one mention.
    #[must_use]
    pub fn leading(&self) -> &Entry {
        let decides = |entry: &&Entry| entry.standing == self.standing && !entry.package.constraint;
        let pinned = |entry: &&Entry| decides(entry) && entry.package.versions.single().is_some();
        let versioned = |entry: &&Entry| decides(entry) && !entry.package.versions.is_all();
        let mut order = self.entries.iter();
        self.entries
            .iter()
            .find(pinned)
            .or_else(|| self.entries.iter().find(versioned))
            .or_else(|| self.entries.iter().find(decides))
            .or_else(|| order.next())
            .expect("a package view has at least one mention")
    }

    /// Where its version stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.leading().version_place()
    }

    /// The version for a sentence: `2.1.0`, `>=2.0`, or `of any version`.
    #[must_use]
    pub fn shown(&self) -> String {
        if let Some(version) = self.pin() {
            return version::text(version);
        }
        let entry = self.leading();
        if !entry.package.specifier.is_empty() {
            entry.package.specifier.clone()
        } else if entry.package.url.is_some() || entry.package.editable {
            "from a direct reference".to_owned()
        } else {
            "of any version".to_owned()
        }
    }

    /// Whether conda installed it: its builds are made apart from those on PyPI.
    #[must_use]
    pub fn is_conda(&self) -> bool {
        let conda = |build: &str| !build.starts_with("pypi");
        self.entries.iter().any(|entry| entry.package.build.as_deref().is_some_and(conda))
    }

    /// Whether no file says which version it is, and none can be known (a VCS or path reference counts as said).
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.entries.iter().any(|entry| entry.package.url.is_some() || entry.package.editable)
    }
}

/// Groups the mentions of each package and decides which versions are left; sorted by name.
pub(super) fn assemble<'f>(facts: impl Iterator<Item = &'f Fact>, target: &Target) -> Vec<Arc<PackageView>> {
    let mut mentions: Vec<Entry> = Vec::new();
    for fact in facts {
        let FactKind::Package(package) = &fact.kind else { continue };
        let applies = package.marker.as_ref().map_or(Truth::Holds, |marker| marker.evaluate(target, &[]));
        if applies.violated() {
            continue;
        }
        mentions.push(Entry { package: Arc::clone(package), place: fact.place, standing: fact.standing, applies });
    }
    // The order of the inputs stays among the mentions of one package.
    mentions.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    let groups = mentions.chunk_by(|a, b| a.package.name == b.package.name);
    groups.filter_map(|entries| view(entries[0].package.name.clone(), entries.to_vec()).map(Arc::new)).collect()
}

fn view(name: PackageName, entries: Vec<Entry>) -> Option<PackageView> {
    // Most packages of a list are named once and without conditions.
    if let [only] = entries.as_slice()
        && only.applies.holds()
        && !only.package.constraint
    {
        let (versions, standing) = (only.package.versions.clone(), only.standing);
        return Some(PackageView::of(name, entries, versions, standing, Truth::Holds));
    }
    // A constraint alone installs nothing.
    let standing = entries.iter().filter(|entry| !entry.package.constraint).map(|entry| entry.standing).max()?;
    let leading = || entries.iter().filter(|entry| entry.standing == standing && !entry.package.constraint);
    let certain: Vec<&Entry> = leading().filter(|entry| entry.applies.holds()).collect();
    let present = if certain.is_empty() { Truth::Undecided } else { Truth::Holds };
    let mut versions = if certain.is_empty() {
        // Lines with markers that cannot be decided are alternatives.
        leading().fold(VersionSet::none(), |set, entry| set.union(&entry.package.versions))
    } else {
        let first = certain[0].package.versions.clone();
        certain[1..].iter().fold(first, |set, entry| set.intersection(&entry.package.versions))
    };
    if standing == Standing::Declared {
        // What the image brings stays where it satisfies what is asked for.
        let kept = entries.iter().filter(|entry| entry.standing == Standing::Implied);
        let kept = kept.fold(VersionSet::all(), |set, entry| set.intersection(&entry.package.versions));
        let both = versions.intersection(&kept);
        if !both.is_empty() {
            versions = both;
        }
    }
    if standing < Standing::Observed {
        for constraint in entries.iter().filter(|entry| entry.package.constraint && entry.applies.holds()) {
            versions = versions.intersection(&constraint.package.versions);
        }
    }
    Some(PackageView::of(name, entries, versions, standing, present))
}
