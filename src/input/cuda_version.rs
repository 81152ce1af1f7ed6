//! `version.json` and `version.txt` in the folder of a CUDA toolkit.
//!
//! No specification; the files are those of NVIDIA's installers (text up to CUDA 11.0, JSON since 11.1).
//!
//! Read: the version of the toolkit itself. Skipped in silence: patch lines and components. With a note: the driver that
//! was packaged with the toolkit, since it need not be the one that is installed.

use super::{
    Claim, Format, Probe,
    json_parts::{self, Part},
    pasted::{self, Scan, after, first_parts, leading_version},
};
use crate::fact::FactKind;

pub(super) static FORMAT: Format = Format {
    name: "CUDA version file",
    about: "version.json or version.txt of a CUDA toolkit",
    claims,
    read: pasted::read,
};

const TEXT_MARK: &str = "CUDA Version ";

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    if json_start(text).is_some() {
        return pasted::certain(probe);
    }
    pasted::claim(probe, |line| said(line).is_some())
}

/// `CUDA Version 10.2.89`, with nothing before it.
fn said(line: &str) -> Option<&str> {
    let value = line.trim().strip_prefix(TEXT_MARK)?.trim();
    (!value.is_empty() && leading_version(value) == value && value.contains('.')).then_some(value)
}

/// Where the object begins, if the text holds one that can only be this file.
fn json_start(text: &str) -> Option<usize> {
    let own = ["\"CUDA SDK\"", "\"cuda_cudart\"", "\"cuda_nvcc\""].iter().any(|it| text.contains(it));
    own.then(|| text.find("\"cuda\"")).flatten()?;
    json_parts::object_start(text)
}

/// Reads both forms.
pub(super) fn scan(scan: &mut Scan<'_>) {
    for line in scan.text.lines() {
        let Some(value) = said(line) else { continue };
        if let Some(version) = scan.version("the CUDA version", value) {
            scan.fact(FactKind::Cuda(version), value);
        }
    }
    let Some(start) = json_start(scan.text) else { return };
    match json_parts::parse(scan.text, start) {
        Ok(root) => object(scan, &root, start),
        // Among other outputs stands what `head` showed of the file.
        Err(_) if scan.text.get(..start).is_some_and(|it| !it.trim().is_empty()) => match beginning(scan.text) {
            Some(value) => toolkit(scan, value),
            None => scan.skip(&scan.text[start..=start], "this part of a version.json has no version of `cuda`"),
        },
        Err(fault) => scan.fault(format!("this version.json is broken: {}", fault.message), fault.span),
    }
}

fn object<'t>(scan: &mut Scan<'t>, root: &Part<'t>, start: usize) {
    match root.get("cuda").and_then(|cuda| cuda.get("version")).and_then(Part::text) {
        Some(value) => toolkit(scan, value),
        None => scan.skip(&scan.text[start..=start], "no `version` of `cuda` stands in this object"),
    }
    if let Some(value) = root.get("nvidia_driver").and_then(|it| it.get("version")).and_then(Part::text) {
        scan.skip(value, "this driver came with the toolkit and need not be the installed one");
    }
}

fn toolkit(scan: &mut Scan<'_>, value: &str) {
    let value = without_date(value);
    if let Some(version) = scan.version("the version of `cuda`", value) {
        scan.fact(FactKind::Cuda(version), value);
    }
}

/// The version in an entry `cuda` whose object may not be closed.
fn beginning(text: &str) -> Option<&str> {
    let entry = after(text, "\"cuda\"")?;
    let entry = entry.split('}').next()?;
    let value = after(entry, "\"version\"")?.strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|it| it.0)
}

/// Several releases of 11.x have a date where others have the number of the update: `11.8.20220929`.
fn without_date(value: &str) -> &str {
    let release = first_parts(value, 2);
    if value.len() >= release.len() + ".20200101".len() { release } else { value }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const JSON: &str = include_str!("../../fixtures/inputs/cuda_version/version.json");
    const TEXT: &str = include_str!("../../fixtures/inputs/cuda_version/version.txt");

    #[test]
    fn the_toolkit_is_read_and_its_packaged_driver_is_not() {
        assert_eq!(lines(&FORMAT, JSON), ["cuda 11.8 @ 11.8"]);
        assert_eq!(notes(&FORMAT, JSON), ["this driver came with the toolkit and need not be the installed one"]);
        assert_eq!(claim_of(&FORMAT, "version.json", JSON), Claim::Certain);
    }

    #[test]
    fn patch_lines_are_no_other_toolkit() {
        assert_eq!(lines(&FORMAT, TEXT), ["cuda 9.2.148 @ 9.2.148"]);
        assert_eq!(claim_of(&FORMAT, "version.txt", TEXT), Claim::Certain);
        assert_eq!(claim_of(&FORMAT, "a.txt", "CUDA Version of the day"), Claim::No);
    }

    #[test]
    fn a_broken_file_is_a_fault_and_an_odd_one_a_note() {
        let cut = &JSON[..JSON.len() - 20];
        assert!(read_as(&FORMAT, cut).fault.is_some());
        let odd = r#"{"cuda": {"version": 12, "name": "CUDA SDK"}, "more": [1, {"a": null}]}"#;
        assert!(lines(&FORMAT, odd).is_empty());
        assert_eq!(notes(&FORMAT, odd), ["no `version` of `cuda` stands in this object"]);
    }

    #[test]
    fn the_beginning_of_the_file_among_other_outputs_is_enough() {
        let text = format!("$ head -5 version.json\n{}\n$ nvcc --version\nCuda compilation tools, release 11.8, V11.8.89\n", &JSON[..90]);
        assert_eq!(lines(&FORMAT, &text), ["cuda 11.8 @ 11.8"]);
        assert_eq!(claim_of(&FORMAT, "setup.md", JSON), Claim::Named);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..700_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(JSON, at, &put));
        }
    }
}
