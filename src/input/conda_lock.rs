//! `conda-lock.yml`, version 1: what conda-lock resolved, for every platform at once.
//!
//! Format: <https://conda.github.io/conda-lock/output/>, as its `lockfile/v1` model describes it.
//!
//! Read: the packages of one platform (see [`super::conda_platforms`]) with version and build; Python, CUDA and cuDNN as
//! facts of their own; of pip's packages the wheel tags. Packages of other categories than `main` and those of other
//! platforms are left out with a note, and so is an entry without name or version. Dependencies are not compared: the two
//! managers name the same package differently.

use std::collections::BTreeSet;

use super::{
    Claim, Files, Format, Probe, Reading,
    conda_explicit,
    conda_platforms::{self, Platforms},
    installed::{CondaPackage, Word},
    locked, recipe,
    yaml::{self, Node},
};
use crate::text::{FileId, Span, floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "conda-lock.yml",
    about: "the lock file of conda-lock: YAML with `metadata` and `package`",
    claims,
    read,
};

/// The keys stand before the packages.
const HEAD: usize = 256 << 10;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|_| recipe::yaml_stem(probe.name).is_some()) else { return Claim::No };
    let head = &text[..floor_char_boundary(text, HEAD)];
    let line = |wanted: &str| head.lines().any(|line| line.starts_with(wanted));
    let lock = line("metadata:") && line("package:") && head.contains("content_hash:");
    if lock { Claim::Certain } else { Claim::No }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(fault) => return fault.reading(file),
    };
    let mut reading = Reading::default();
    let Some(root) = documents.first() else { return reading };
    if let Some(version) = root.get("version").filter(|it| it.text() != Some("1")) {
        reading.skip(file, version.span, "another version of the format than 1, which is the one that is known");
    }
    let Some(list) = root.get("package").filter(|it| it.is_list() || it.is_null()) else {
        let at = root.get("package").map_or(root.span, |it| it.span);
        return Reading::faulty("expected a list of packages below `package`", Some(crate::text::Place { file, span: at }));
    };
    let platforms = Platforms::of(list.items().iter().filter_map(|item| item.text_of("platform")));
    if let Some(platform) = platforms.chosen() {
        let metadata = root.at(&["metadata", "platforms"]);
        let named = metadata.and_then(|it| it.items().iter().find(|item| item.text() == Some(platform)));
        platforms.state(&mut reading, file, named.map_or(list.span, |it| it.span));
    }
    let (mut count, mut categories, mut first) = (0, BTreeSet::new(), None);
    for item in list.items() {
        if item.text_of("platform").is_some_and(|it| platforms.chosen() != Some(it)) {
            continue;
        }
        let category = item.get("category").and_then(Node::text).unwrap_or("main");
        if category != "main" || item.text_of("optional") == Some("true") {
            count += 1;
            categories.insert(category.to_owned());
            first = first.or_else(|| item.get("category")).or(Some(item));
            continue;
        }
        package(&mut reading, file, item);
    }
    if let Some(first) = first {
        reading.skip(file, first.span, locked::left_out(count, &categories, &BTreeSet::new()));
    }
    reading.in_file_order()
}

/// Adds one entry of the list.
fn package(reading: &mut Reading, file: FileId, item: &Node<'_>) {
    let word = |key: &str| item.get(key).and_then(|node| Some(Word { text: node.text()?, span: node.span }));
    let (Some(name), Some(version)) = (word("name"), word("version")) else {
        let at = item.get("name").map_or(item.span, |it| it.span);
        return reading.skip(file, at, "expected a package with `name` and `version`");
    };
    let url = word("url");
    if item.text_of("manager") == Some("pip") {
        return conda_platforms::pypi(reading, file, name, Some(version), url.map_or("", |it| it.text));
    }
    let build = url.and_then(conda_explicit::package).map_or("", |it| it.build);
    let span = Span::new(name.span.start, name.span.end);
    conda_platforms::conda(reading, file, CondaPackage { name, version, build, channel: "", span });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::locked::{damaged, read_for_test};

    const LOCK: &str = include_str!("../../fixtures/inputs/conda-lock/conda-lock.yml");

    #[test]
    fn one_platform_and_the_main_category_are_read() {
        let (reading, lines) = read_for_test("conda-lock.yml", LOCK);
        assert!(reading.fault.is_none());
        assert_eq!(
            lines,
            [
                "`cuda-version` Cuda(CudaVersion(Dotted { parts: [11, 8] }))",
                "`python` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "`pytorch` torch==2.3.1",
                "`numpy` numpy==1.26.4",
                "`torchmetrics` torchmetrics==1.4.0.post0",
                "`linux-64` skipped: the file is for linux-64, osx-arm64 and win-64; what it has for linux-64 is read",
                "`item without a version` skipped: expected a package with `name` and `version`",
                "`dev` skipped: 1 package is left out: only the group `dev` asks for it",
            ]
        );
    }

    #[test]
    fn what_is_no_lock_is_not_claimed() {
        let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
        assert_eq!(claim("conda-lock.yml", LOCK), Claim::Certain);
        assert_eq!(claim("gpu.conda-lock.yaml", LOCK), Claim::Certain);
        assert_eq!(claim("conda-lock.yml", "name: x\ndependencies:\n- a\n"), Claim::No);
        assert_eq!(claim("meta.yaml", "package:\n  name: x\nmetadata:\n"), Claim::No);
        assert_eq!(claim("README.md", LOCK), Claim::No);
    }

    proptest::proptest! {
        #[test]
        fn no_lock_panics(at in 0..4_000_usize, cut in 0..60_usize, junk in "([a-z0-9.=_-]{0,4}|[ \t\r\n{}\\[\\]\":,#&*-]|\\PC){0,6}") {
            read_for_test("conda-lock.yml", &damaged(LOCK, at, cut, &junk));
        }
    }
}
