//! `conda info`, `mamba info` and `micromamba info`, as text and as JSON.
//!
//! Virtual packages: <https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-virtual.html>
//!
//! Read: `__cuda` (the newest CUDA that the driver can run), `__glibc`, the platform.
//! Skipped with a note: the Python version, which is that of conda's own environment. Skipped in silence: folders,
//! channels and configuration.

use super::{
    Claim, Format, Probe,
    json_parts::{self, Part},
    pasted::{self, Scan},
};
use crate::fact::{FactKind, Libc};

pub(super) static FORMAT: Format = Format {
    name: "conda info",
    about: "output of `conda info` or `conda info --json`",
    claims,
    read: pasted::read,
};

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    if json_start(text).is_some() {
        return pasted::certain(probe);
    }
    pasted::claim(probe, |line| entry(line).is_some_and(|(key, _)| key == VIRTUAL))
}

const VIRTUAL: &str = "virtual packages";

/// Also the key of micromamba's JSON; conda calls it `virtual_pkgs`.
fn json_start(text: &str) -> Option<usize> {
    let own = text.contains("\"virtual_pkgs\"") || text.contains("\"virtual packages\"");
    (own && text.contains("\"platform\"")).then(|| json_parts::object_start(text)).flatten()
}

/// `platform : linux-64`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(" :")?;
    Some((key.trim(), value.trim()))
}

/// Reads both forms.
pub(super) fn scan(scan: &mut Scan<'_>) {
    if let Some(start) = json_start(scan.text) {
        return json(scan, start);
    }
    if !scan.text.contains(VIRTUAL) {
        return;
    }
    let mut in_list = false;
    let mut is_info = false;
    for line in scan.text.lines() {
        let entry = entry(line);
        // The packages stand one below the other, the first beside the key.
        match entry {
            Some((VIRTUAL, first)) => {
                (in_list, is_info) = (true, true);
                package(scan, first);
            }
            Some(("platform", value)) if is_info => platform(scan, value),
            Some(("python version", value)) => base_python(scan, value),
            None if in_list && line.trim_start().starts_with("__") => package(scan, line.trim()),
            _ => in_list = false,
        }
    }
}

fn json(scan: &mut Scan<'_>, start: usize) {
    let root = match json_parts::parse(scan.text, start) {
        Ok(root) => root,
        Err(fault) => return scan.fault(format!("this output of conda info is broken: {}", fault.message), fault.span),
    };
    for key in ["virtual_pkgs", VIRTUAL] {
        for element in root.get(key).map_or(&[][..], Part::elements) {
            match (element.text(), element.elements()) {
                (Some(spec), _) => package(scan, spec),
                (None, [name, version, ..]) => {
                    if let (Some(name), Some(version)) = (name.text(), version.text()) {
                        virtual_package(scan, name, version);
                    }
                }
                _ => {}
            }
        }
    }
    if let Some(value) = root.get("platform").and_then(Part::text) {
        platform(scan, value);
    }
    if let Some(value) = root.get("python_version").and_then(Part::text) {
        base_python(scan, value);
    }
}

/// `__cuda=12.4=0`; old versions leave the build out.
fn package(scan: &mut Scan<'_>, spec: &str) {
    let mut parts = spec.split('=');
    if let (Some(name), Some(version)) = (parts.next(), parts.next()) {
        virtual_package(scan, name.trim(), version.trim());
    }
}

fn virtual_package(scan: &mut Scan<'_>, name: &str, version: &str) {
    match name {
        "__cuda" => scan.driver_cuda("__cuda", version),
        "__glibc" | "__musl" => {
            if let Some(number) = scan.version(name, version) {
                let family = name.trim_start_matches('_').to_owned();
                scan.fact(FactKind::Libc(Libc { family, version: number }), version);
            }
        }
        _ => {}
    }
}

fn platform(scan: &mut Scan<'_>, value: &str) {
    let Some((os, machine)) = value.split_once('-') else {
        return scan.skip(value, "expected a platform such as `linux-64`");
    };
    let named = match os {
        "linux" => "linux",
        "osx" => "macos",
        "win" => "windows",
        _ => return scan.skip(value, "expected a platform such as `linux-64`"),
    };
    scan.fact(FactKind::Os(named.to_owned()), os);
    let architecture = match machine {
        "64" => "x86_64",
        "32" => "i686",
        other => other,
    };
    if !architecture.is_empty() && architecture.len() <= 20 && architecture.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') {
        scan.fact(FactKind::Architecture(architecture.to_owned()), machine);
    }
}

fn base_python(scan: &mut Scan<'_>, value: &str) {
    scan.skip(value, "this is the Python that conda itself runs on, not the environment's");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const TEXT: &str = include_str!("../../fixtures/inputs/conda_info/linux.txt");
    const JSON: &str = include_str!("../../fixtures/inputs/conda_info/linux.json");

    #[test]
    fn virtual_packages_and_platform_are_read() {
        let expected = ["driver-cuda 12.2 @ 12.2", "libc glibc 2.31 @ 2.31", "os linux @ linux", "architecture x86_64 @ 64"];
        assert_eq!(lines(&FORMAT, TEXT), expected);
        assert_eq!(notes(&FORMAT, TEXT), ["this is the Python that conda itself runs on, not the environment's"]);
        assert_eq!(claim_of(&FORMAT, "a.txt", TEXT), Claim::Certain);
        let mut json = lines(&FORMAT, JSON);
        json.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(json, expected);
        assert_eq!(claim_of(&FORMAT, "info.json", JSON), Claim::Certain);
        assert_eq!(notes(&FORMAT, JSON).len(), 1);
    }

    #[test]
    fn other_platforms_and_micromamba() {
        let text = "          virtual packages : __unix=0=0\n                             __osx=13.4=0\n                  platform : osx-arm64\n";
        assert_eq!(lines(&FORMAT, text), ["os macos @ osx", "architecture arm64 @ arm64"]);
        let json = r#"{"platform": "linux-aarch64", "virtual packages": ["__glibc=2.35=0", "__cuda=12.6"]}"#;
        assert_eq!(
            lines(&FORMAT, json),
            ["os linux @ linux", "architecture aarch64 @ aarch64", "libc glibc 2.35 @ 2.35", "driver-cuda 12.6 @ 12.6"]
        );
    }

    #[test]
    fn broken_json_is_a_fault() {
        assert!(read_as(&FORMAT, &JSON[..JSON.len() - 3]).fault.is_some());
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..1200_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(TEXT, at, &put));
            assert_sound(&FORMAT, &mutated(JSON, at, &put));
        }
    }
}
