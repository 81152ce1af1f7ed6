//! `pixi.lock`, versions 4 to 7: what pixi resolved for the environments of a project, for every platform at once.
//!
//! Format: <https://pixi.sh/latest/workspace/lockfile/>; it is pixi's own, and read here as pixi 0.20 and newer write it.
//!
//! Read: the packages of the environment `default` (or of the one that `pixi install -e` names in a Dockerfile) on one
//! platform (see [`super::conda_platforms`]), with version and build; Python, CUDA and cuDNN as facts of their own; of
//! packages from PyPI the wheel tags. Other environments and platforms are named in a note. Dependencies are not compared:
//! pixi maps the names of the two worlds onto each other, and this file does not say how.

use std::collections::BTreeMap;

use super::{
    Claim, Files, Format, Probe, Reading,
    conda_explicit,
    conda_platforms::{self, Platforms},
    installed::{CondaPackage, Word},
    yaml::{self, Node},
};
use crate::{
    fact::wheel::WheelName,
    text::{FileId, Place, floor_char_boundary},
};

pub(super) static FORMAT: Format = Format {
    name: "pixi.lock",
    about: "the lock file of pixi: YAML with `environments` and `packages`",
    claims,
    read: |files, file| read_environment(files, file, None),
};

const HEAD: usize = 64 << 10;

/// The versions of the format that are known.
const VERSIONS: std::ops::RangeInclusive<u32> = 4..=7;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let head = &text[..floor_char_boundary(text, HEAD)];
    let line = |wanted: &str| head.lines().any(|line| line.starts_with(wanted));
    let lock = line("version:") && (line("environments:") || line("package:"));
    match (probe.name == "pixi.lock" && lock, lock && head.contains("\n      - conda: ")) {
        (true, _) => Claim::Certain,
        (false, true) => Claim::Likely,
        _ => Claim::No,
    }
}

/// Reads the packages of an environment.
pub(super) fn read_environment(files: &mut Files<'_>, file: FileId, wanted: Option<&str>) -> Reading {
    let text = files.text(file);
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(fault) => return fault.reading(file),
    };
    let mut reading = Reading::default();
    let Some(root) = documents.first() else { return reading };
    let faulty = |message: String, node: &Node<'_>| Reading::faulty(message, Some(Place { file, span: node.span }));
    let number = root.text_of("version").and_then(|it| it.parse::<u32>().ok());
    match (number, root.get("version")) {
        (Some(number), _) if VERSIONS.contains(&number) => {}
        (Some(number), Some(node)) if number > *VERSIONS.end() => {
            let reason = format!("version {number} of the format is newer than the newest known one, {}, and is read like it", VERSIONS.end());
            reading.skip(file, node.span, reason);
        }
        (_, node) => {
            let found = node.and_then(Node::text).unwrap_or("nothing");
            return faulty(format!("expected version 4 to 7 of the format, found {found}: `pixi lock` writes the file again"), node.unwrap_or(root));
        }
    }
    let environments = root.get("environments").map(Node::entries).unwrap_or_default();
    let named = |name: &str| environments.iter().find(|(key, _)| key.text() == Some(name)).copied();
    let chosen = match wanted {
        Some(name) => named(name),
        None => named("default").or_else(|| environments.first().copied()),
    };
    let Some((name, environment)) = chosen else {
        let known: Vec<String> = environments.iter().take(20).filter_map(|(key, _)| Some(format!("`{}`", key.text()?))).collect();
        let message = match wanted {
            Some(name) => format!("it has no environment `{name}`; its environments are {}", known.join(", ")),
            None => "expected environments below `environments`".to_owned(),
        };
        return faulty(message, root.get("environments").unwrap_or(root));
    };
    let others: Vec<String> =
        environments.iter().filter(|(key, _)| key.span != name.span).filter_map(|(key, _)| Some(format!("`{}`", key.text()?))).collect();
    if let (false, None) = (others.is_empty(), wanted) {
        let shown = others.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if others.len() > 5 { format!(" and {} more", others.len() - 5) } else { String::new() };
        let reason = format!("of the environments `{}` is read, without {shown}{more}", name.text().unwrap_or_default());
        reading.skip(file, name.span, reason);
    }
    let systems = subdirs(root);
    let subdir = |name: &str| systems.get(name).copied().map_or_else(|| name.to_owned(), str::to_owned);
    let lists = environment.get("packages").map(Node::entries).unwrap_or_default();
    let subdirs: Vec<(String, &Node<'_>, &Node<'_>)> =
        lists.iter().filter_map(|(key, list)| Some((subdir(key.text()?), *key, *list))).collect();
    let platforms = Platforms::of(subdirs.iter().map(|(name, ..)| name.as_str()));
    let Some((_, key, list)) = subdirs.iter().find(|(name, ..)| platforms.chosen() == Some(name.as_str())) else {
        reading.skip(file, environment.span, "the environment has no packages");
        return reading;
    };
    platforms.state(&mut reading, file, key.span);
    let entries = entries(root);
    for item in list.items() {
        let Some((kind, address)) = item.entries().into_iter().find(|(key, _)| matches!(key.text(), Some("conda" | "pypi"))) else {
            if item.get("conda_source").is_none() {
                reading.skip(file, item.span, "expected the address of a package behind `conda` or `pypi`");
            }
            continue;
        };
        let Some(text) = address.text() else {
            reading.skip(file, address.span, "expected the address of a package");
            continue;
        };
        let word = Word { text, span: address.span };
        let entry = entries.get(text).copied();
        if kind.text() == Some("conda") { conda(&mut reading, file, word, entry) } else { pypi(&mut reading, file, word, entry) }
    }
    reading.in_file_order()
}

/// The platforms that have names of their own.
fn subdirs<'n>(root: &'n Node<'_>) -> BTreeMap<&'n str, &'n str> {
    let list = root.get("platforms").map_or(&[][..], Node::items);
    list.iter().filter_map(|item| Some((item.text_of("name")?, item.text_of("subdir")?))).collect()
}

/// The packages by their address.
fn entries<'n, 't>(root: &'n Node<'t>) -> BTreeMap<&'n str, &'n Node<'t>> {
    let list = root.get("packages").map_or(&[][..], Node::items);
    let address = |item: &'n Node<'t>| ["url", "path", "conda", "pypi"].iter().find_map(|key| item.text_of(key));
    list.iter().filter_map(|item| Some((address(item)?, &**item))).collect()
}

fn word<'n>(entry: Option<&'n Node<'_>>, key: &str) -> Option<Word<'n>> {
    let node = entry?.get(key)?;
    Some(Word { text: node.text()?, span: node.span })
}

/// A package of conda: the file name in its address says everything, unless its entry says it.
fn conda(reading: &mut Reading, file: FileId, address: Word<'_>, entry: Option<&Node<'_>>) {
    let own = word(entry, "name").zip(word(entry, "version"));
    let named = conda_explicit::package(address);
    let found = match (own, named) {
        (Some((name, version)), named) => {
            let build = word(entry, "build").map(|it| it.text).or(named.map(|it| it.build)).unwrap_or_default();
            CondaPackage { name, version, build, channel: "", span: name.span }
        }
        (None, Some(named)) => named,
        (None, None) => {
            let reason = "expected an address that ends in `name-version-build.conda`";
            return reading.skip(file, address.span, reason);
        }
    };
    conda_platforms::conda(reading, file, found);
}

fn pypi(reading: &mut Reading, file: FileId, address: Word<'_>, entry: Option<&Node<'_>>) {
    let wheel = WheelName::of_url(address.text);
    if let Some(name) = word(entry, "name") {
        return conda_platforms::pypi(reading, file, name, word(entry, "version"), address.text);
    }
    match wheel {
        Some(wheel) => {
            let version = wheel.version.to_string();
            let (name, version) = (Word { text: &wheel.spelled, ..address }, Word { text: &version, ..address });
            conda_platforms::pypi(reading, file, name, Some(version), address.text);
        }
        None => reading.skip(file, address.span, "no entry below `packages` says which package this is"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::locked::{damaged, read_for_test};

    const LOCKS: [&str; 3] = [
        include_str!("../../fixtures/inputs/pixi-lock/v5/pixi.lock"),
        include_str!("../../fixtures/inputs/pixi-lock/v6/pixi.lock"),
        include_str!("../../fixtures/inputs/pixi-lock/v7/pixi.lock"),
    ];

    #[test]
    fn entries_and_addresses_say_the_same() {
        let (_, fifth) = read_for_test("pixi.lock", LOCKS[0]);
        assert_eq!(
            fifth,
            [
                "`linux-64` Os(\"linux\")",
                "`linux-64` Architecture(\"x86_64\")",
                "`numpy` numpy==1.26.4",
                "`python` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "`onnxruntime` onnxruntime==1.18.0",
            ]
        );
        let (_, sixth) = read_for_test("pixi.lock", LOCKS[1]);
        assert_eq!(
            sixth,
            [
                "`cuda-version-12.4-h3060b56_3.conda` Cuda(CudaVersion(Dotted { parts: [12, 4] }))",
                "`python-3.12.7-hc5c86c4_0_cpython.conda` Python(PythonVersion(Dotted { parts: [3, 12, 7] }))",
                "`pytorch-2.5.1-cuda124_py312h1c7b4a4_305.conda` torch==2.5.1",
                "`serve` serve==0.1.0 @./",
                "`onnxruntime` onnxruntime==1.20.1",
                "`default` skipped: of the environments `default` is read, without `lint`",
                "`linux-64` skipped: the file is for linux-64 and osx-arm64; what it has for linux-64 is read",
                "`odd` skipped: expected an address that ends in `name-version-build.conda`",
            ]
        );
        let (_, seventh) = read_for_test("pixi.lock", LOCKS[2]);
        assert_eq!(
            seventh,
            [
                "`gpu` Os(\"linux\")",
                "`gpu` Architecture(\"x86_64\")",
                "`numpy-2.2.6-py312h72c5963_0.conda` numpy==2.2.6",
                "`torch` torch==2.7.0+cu128",
            ]
        );
    }

    #[test]
    fn environments_are_chosen_by_name() {
        let said = |wanted: Option<&str>| {
            let (mut sources, defines) = (crate::text::Sources::default(), crate::input::Defines::new());
            let mut files = Files::new(&mut sources, &defines);
            let content = crate::input::Content::Owned(LOCKS[1].as_bytes().into());
            let file = files.add("pixi.lock".to_owned(), content, None, None);
            let reading = read_environment(&mut files, file, wanted);
            (reading.facts.len(), reading.fault.map(|it| it.message))
        };
        assert_eq!(said(Some("lint")).0, 3);
        assert_eq!(said(Some("prod")).1.as_deref(), Some("it has no environment `prod`; its environments are `default`, `lint`"));
    }

    #[test]
    fn old_and_new_versions_are_told_apart() {
        let fault = |text: &str| read_for_test("pixi.lock", text).1.join("; ");
        assert!(fault("version: 3\npackage: []\n").contains("found 3: `pixi lock`"));
        assert!(fault("version: x\nenvironments: {}\n").contains("expected version 4 to 7"));
        assert!(fault(&LOCKS[1].replace("version: 6", "version: 8")).contains("newer than the newest known one, 7"));
    }

    proptest::proptest! {
        #[test]
        fn no_lock_panics(which in 0..3_usize, at in 0..4_000_usize, cut in 0..60_usize, junk in "([a-z0-9.=_-]{0,4}|[ \t\r\n{}\\[\\]\":,#&*-]|\\PC){0,6}") {
            read_for_test("pixi.lock", &damaged(LOCKS[which], at, cut, &junk));
        }
    }
}
