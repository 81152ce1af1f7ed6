//! What the readers of lock files share: a locked package, its wheels, and what is not installed by default.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Reading,
    installed::{self, Word},
    without_credentials,
};
use crate::{
    fact::{
        Fact, FactKind, Origin, Package, PackageIndex, PackageName, Standing,
        marker::Marker,
        parse_version,
        wheel::{WheelName, file_name},
    },
    text::{FileId, Place, Span},
    version::{PythonVersion, VersionSet},
};

/// No release has so many wheels with so many tags; a hostile file might.
const TAG_LIMIT: usize = 1_000;

impl Reading {
    /// Adds what a file asks for.
    pub(super) fn declare(&mut self, kind: FactKind, file: FileId, span: Span) {
        self.facts.push(Fact { kind, standing: Standing::Declared, place: Place { file, span } });
    }

    /// Adds a package that is not left out, in file order.
    pub(super) fn declare_package(&mut self, package: Package, file: FileId) {
        let span = package.parts.name;
        self.declare(FactKind::Package(package.into()), file, span);
    }

    /// Adds the Python that a range such as `==3.11.*` amounts to; a wider range is no statement about the machine.
    pub(super) fn declare_python(&mut self, range: Word<'_>, file: FileId) {
        if let Some(python) = python_of_range(range.text) {
            self.declare(FactKind::Python(python), file, range.span);
        }
    }

    /// Forgets the index that most packages come from, if it is one like PyPI's (`.../simple`): it is the index of the
    /// whole file, and says nothing about a single package.
    pub(super) fn forget_common_index(&mut self) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for fact in &self.facts {
            if let FactKind::Package(package) = &fact.kind
                && let Some(index) = &package.index
            {
                *counts.entry(index.url.clone()).or_default() += 1;
            }
        }
        let common = counts.into_iter().max_by_key(|(_, count)| *count).map(|(url, _)| url);
        let Some(common) = common.filter(|url| url.trim_end_matches('/').ends_with("/simple")) else { return };
        for fact in &mut self.facts {
            if let FactKind::Package(package) = &mut fact.kind
                && package.index.as_ref().is_some_and(|index| index.url == common)
            {
                Arc::make_mut(package).index = None;
            }
        }
    }

    /// Brings everything into file order.
    pub(super) fn in_file_order(mut self) -> Reading {
        self.facts.sort_by_key(|fact| (fact.place.span.start, fact.place.span.end));
        self.skipped.sort_by_key(|skipped| (skipped.place.span.start, skipped.place.span.end));
        self
    }
}

/// A package of a lock file: of this version, or of one that only its source tree knows.
pub(super) fn package(name: Word<'_>, version: Option<Word<'_>>) -> Result<Package, String> {
    let mut package = match version {
        Some(version) => installed::package(name, version)?,
        None => Package::named(PackageName::new(name.text).map_err(|fault| fault.to_string())?, name.text, name.span),
    };
    package.origin = Origin::Locked;
    Ok(package)
}

/// The index that an entry names.
pub(super) fn index(url: &str) -> Arc<PackageIndex> {
    Arc::new(PackageIndex { url: without_credentials(url), only: true })
}

/// An address of a source tree or file, without what is nobody's business.
pub(super) fn direct(kind: &str, url: &str) -> String {
    let url = without_credentials(url);
    if kind == "git" && !url.starts_with("git+") { format!("git+{url}") } else { url }
}

/// What the file name says of a package whose address is that of a wheel: its version, and where it can be installed.
pub(super) fn take_wheel(package: &mut Package) {
    let wheel = package.url.as_deref().and_then(WheelName::of_url).filter(|wheel| wheel.name == package.name);
    if let Some(wheel) = wheel {
        package.versions = VersionSet::exactly(&wheel.version);
        package.tags = wheel.tags;
    }
}

/// The tags of all wheels of a release, by file names or addresses, each once. Nothing if there is a source archive, too:
/// then no machine is left out for want of a wheel.
pub(super) fn tags<'a>(files: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut tags = Vec::new();
    for file in files {
        let Some(wheel) = WheelName::of_url(file) else {
            let name = file_name(file);
            if [".tar.gz", ".zip", ".tar.bz2", ".tgz"].iter().any(|end| name.ends_with(end)) {
                return Vec::new();
            }
            continue;
        };
        for tag in wheel.tags {
            if tags.len() < TAG_LIMIT && known.insert(tag.clone()) {
                tags.push(tag);
            }
        }
    }
    tags
}

/// A marker of a lock file. One that cannot be read decides nothing, which is said.
pub(super) fn marker(text: Option<Word<'_>>, file: FileId, reading: &mut Reading) -> Option<Marker> {
    let text = text.filter(|word| !word.text.trim().is_empty())?;
    match Marker::parse(text.text) {
        Ok(marker) => Some(marker),
        Err(fault) => {
            reading.skip(file, text.span, format!("`{}` is no marker: {fault}", text.text));
            Some(Marker::undecidable())
        }
    }
}

/// The text of a requirement.
pub(super) fn requirement(name: &str, extras: &[&str], specifier: &str, conditions: &[&str]) -> String {
    let mut text = name.to_owned();
    if !extras.is_empty() {
        text = format!("{text}[{}]", extras.join(","));
    }
    if !specifier.is_empty() {
        text = format!("{text} {specifier}");
    }
    match conditions {
        [] => text,
        [only] => format!("{text} ; {only}"),
        several => format!("{text} ; ({})", several.join(") and (")),
    }
}

/// The condition of an extra.
pub(super) fn extra_condition(extra: &str) -> String {
    format!("extra == '{}'", extra.replace(['\'', '\\'], ""))
}

/// `dev, docs and test`; a long list is cut.
pub(super) fn listed(names: &BTreeSet<String>) -> String {
    let mut shown: Vec<String> = names.iter().take(5).map(|name| format!("`{name}`")).collect();
    if names.len() > shown.len() {
        shown.push(format!("{} more", names.len() - shown.len()));
    }
    match shown.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Says which packages of the file are not installed by default, and who asks for them.
pub(super) fn left_out(count: usize, groups: &BTreeSet<String>, extras: &BTreeSet<String>) -> String {
    let named = |word: &str, names: &BTreeSet<String>| match names.len() {
        0 => None,
        1 => Some(format!("the {word} {}", listed(names))),
        _ => Some(format!("the {word}s {}", listed(names))),
    };
    let by: Vec<String> = named("group", groups).into_iter().chain(named("extra", extras)).collect();
    let (packages, are, them) = if count == 1 { ("package", "is", "it") } else { ("packages", "are", "them") };
    let asking = groups.len() + extras.len();
    if by.is_empty() {
        return format!("{count} {packages} {are} left out: nothing that is installed by default asks for {them}");
    }
    let asks = if asking == 1 { "asks" } else { "ask" };
    format!("{count} {packages} {are} left out: only {} {asks} for {them}", by.join(" and "))
}

/// The extras and groups of a project that a command asks for beside what it installs anyway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) extras: BTreeSet<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) all_extras: bool,
    pub(super) all_groups: bool,
}

impl Chosen {
    pub(super) fn has_extra(&self, name: &str) -> bool {
        self.all_extras || has(&self.extras, name)
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.all_groups || has(&self.groups, name)
    }
}

/// Names of extras and groups are compared as those of packages are.
fn has(names: &BTreeSet<String>, name: &str) -> bool {
    let normal = |text: &str| PackageName::new(text).map_or_else(|_| text.to_owned(), |it| it.to_string());
    names.contains(name) || names.iter().any(|it| normal(it) == normal(name))
}

/// The Python minor release that a range amounts to, such as 3.11 for `==3.11.*` and for `>=3.11,<3.12`.
pub(super) fn python_of_range(range: &str) -> Option<PythonVersion> {
    let allowed: VersionSet = range.parse().ok()?;
    if allowed.is_empty() {
        return None;
    }
    if let Some(version) = allowed.single() {
        let release: Vec<String> = version.release().iter().map(ToString::to_string).collect();
        return release.join(".").parse().ok();
    }
    range.split(',').find_map(|clause| {
        let number = clause.trim().trim_start_matches(['=', '<', '>', '~', '!', ' ']).trim_end_matches(".*");
        let version = parse_version(number)?;
        let [major, minor, ..] = version.release() else { return None };
        let line = format!("{major}.{minor}");
        let within = allowed.within(&format!("=={line}.*").parse().ok()?);
        within.holds().then(|| line.parse().ok())?
    })
}

/// Reads a text as a file of a format and shows facts and skipped parts in a line each: what the place covers, what it
/// says. Every place must lie inside.
#[cfg(test)]
pub(super) fn read_for_test(format: &str, text: &str) -> (Reading, Vec<String>) {
    use super::{Content, Defines, FORMATS, Files, Probe};
    use crate::text::Sources;

    let (mut sources, defines) = (Sources::default(), Defines::new());
    let reading = {
        let mut files = Files::new(&mut sources, &defines);
        let file = files.add("x".to_owned(), Content::Owned(text.as_bytes().into()), None, None);
        let format = FORMATS.iter().find(|it| it.name == format).unwrap();
        (format.claims)(&Probe { name: "x", bytes: text.as_bytes(), text: Some(text) });
        (format.read)(&mut files, file)
    };
    let covered = |place: Place| format!("`{}`", &text[place.span.start..place.span.end]);
    let said = |fact: &Fact| {
        assert_eq!(fact.standing, Standing::Declared);
        let FactKind::Package(package) = &fact.kind else { return format!("{:?}", fact.kind) };
        let extras: Vec<&str> = package.extras.iter().map(PackageName::as_str).collect();
        let mut out = package.name.to_string();
        out.extend((!extras.is_empty()).then(|| format!("[{}]", extras.join(","))));
        out.push_str(&package.specifier);
        out.extend(package.url.iter().map(|url| format!(" @{url}")));
        out.push_str(if package.editable { " editable" } else { "" });
        out.extend(package.index.iter().map(|index| format!(" from {}", index.url)));
        out.extend(package.marker.iter().map(|marker| format!(" ; {marker}")));
        out
    };
    let mut out: Vec<String> =
        reading.facts.iter().map(|fact| format!("{} {}", covered(fact.place), said(fact))).collect();
    out.extend(reading.skipped.iter().map(|it| format!("{} skipped: {}", covered(it.place), it.reason)));
    let places = reading.facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Package(package) => Some(package.parts),
        _ => None,
    });
    for part in places.flat_map(|parts| [Some(parts.name), parts.specifier, parts.marker]).flatten() {
        assert!(text.get(part.start..part.end).is_some());
    }
    out.extend(
        reading
            .fault
            .iter()
            .map(|fault| format!("{} fault: {}", fault.place.map_or_else(String::new, covered), fault.message)),
    );
    (reading, out)
}

/// A text of a lock file with some of it cut out and other text put in.
#[cfg(test)]
pub(super) fn damaged(sample: &str, at: usize, cut: usize, junk: &str) -> String {
    let from = crate::text::floor_char_boundary(sample, at % (sample.len() + 1));
    let to = crate::text::floor_char_boundary(sample, from + cut).max(from);
    format!("{}{junk}{}", &sample[..from], &sample[to..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_one_python_is_a_python() {
        let python = |range| python_of_range(range).map(|it| it.to_string());
        for (range, expected) in [
            ("==3.11.*", Some("3.11")),
            (">=3.11,<3.12", Some("3.11")),
            (">=3.11.4, <3.12", Some("3.11")),
            ("~=3.11.0", Some("3.11")),
            ("==3.11.7", Some("3.11.7")),
            (">=3.11", None),
            (">=3.10,<3.13", None),
            ("*", None),
            ("", None),
            ("<3.11,>=3.12", None),
        ] {
            assert_eq!(python(range).as_deref(), expected, "{range}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        let (none, dev, two) = (set(&[]), set(&["dev"]), set(&["gpu", "track"]));
        assert_eq!(left_out(1, &dev, &none), "1 package is left out: only the group `dev` asks for it");
        assert_eq!(
            left_out(3, &dev, &two),
            "3 packages are left out: only the group `dev` and the extras `gpu` and `track` ask for them"
        );
        assert!(left_out(2, &none, &none).ends_with("nothing that is installed by default asks for them"));
    }
}
