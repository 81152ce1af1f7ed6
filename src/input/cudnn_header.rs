//! `cudnn_version.h` (cuDNN 8 and newer) and `cudnn.h` (7 and older), or the lines that `grep CUDNN_MAJOR -A 2` shows.
//!
//! Manual: <https://docs.nvidia.com/deeplearning/cudnn/installation/latest/linux.html>
//!
//! Read: the macros `CUDNN_MAJOR`, `CUDNN_MINOR`, `CUDNN_PATCHLEVEL`. Skipped in silence: everything else, also
//! `CUDNN_VERSION`, whose formula differs between versions.

use super::{
    Claim, Format, Probe,
    pasted::{self, Scan},
};
use crate::{fact::FactKind, version::CudnnVersion};

pub(super) static FORMAT: Format = Format {
    name: "cudnn_version.h",
    about: "a header of cuDNN with its version: cudnn_version.h or cudnn.h",
    claims,
    read: pasted::read,
};

fn claims(probe: &Probe<'_>) -> Claim {
    // A header is code, but it is what this format is about.
    let header = probe.name.to_ascii_lowercase().ends_with(".h");
    let name = if header { "cudnn_version" } else { probe.name };
    // In an old cudnn.h the macros stand below a licence and includes.
    let in_head = pasted::claim(&Probe { name, ..*probe }, |line| macro_of(line).is_some_and(|it| it.0 == 0));
    let text = probe.text.filter(|text| header && text.contains("CUDNN_MAJOR"));
    if in_head > Claim::No || !text.is_some_and(|it| it.lines().any(|line| macro_of(line).is_some())) {
        in_head
    } else {
        Claim::Certain
    }
}

const MACROS: [&str; 3] = ["CUDNN_MAJOR", "CUDNN_MINOR", "CUDNN_PATCHLEVEL"];

/// The place of the macro in the version, and its number.
fn macro_of(line: &str) -> Option<(usize, &str)> {
    let (before, rest) = line.split_once('#')?;
    // `grep` puts file name and line number in front.
    if before.contains("//") || before.contains("/*") {
        return None;
    }
    let mut words = rest.trim_start().strip_prefix("define")?.split_whitespace();
    let name = words.next()?;
    let at = MACROS.iter().position(|it| *it == name)?;
    let number = words.next()?;
    (number.len() <= 6 && number.bytes().all(|it| it.is_ascii_digit())).then_some((at, number))
}

/// Reads each group of macros.
pub(super) fn scan(scan: &mut Scan<'_>) {
    if !scan.text.contains(MACROS[0]) {
        return;
    }
    let mut parts = [None; 3];
    for line in scan.text.lines() {
        if let Some((at, number)) = macro_of(line) {
            if at == 0 {
                add(scan, parts);
                parts = [None; 3];
            }
            parts[at].get_or_insert(number);
        }
    }
    add(scan, parts);
}

fn add(scan: &mut Scan<'_>, parts: [Option<&str>; 3]) {
    let Some(major) = parts[0] else { return };
    let known: Vec<&str> = parts.iter().map_while(|it| *it).collect();
    if known.len() < parts.len() {
        scan.skip(major, format!("expected `{}` beside `CUDNN_MAJOR`", MACROS[known.len()]));
    }
    match known.join(".").parse::<CudnnVersion>() {
        Ok(version) => scan.fact(FactKind::Cudnn(version), major),
        Err(fault) => scan.skip(major, fault.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const HEADER: &str = include_str!("../../fixtures/inputs/cudnn_header/cudnn_version.h");

    #[test]
    fn the_three_macros_make_the_version() {
        assert_eq!(lines(&FORMAT, HEADER), ["cudnn 8.9.2 @ 8"]);
        assert_eq!(claim_of(&FORMAT, "cudnn_version.h", HEADER), Claim::Certain);
        let grep = "/usr/include/cudnn_version.h:22:#define CUDNN_MAJOR 9\n23-#define CUDNN_MINOR 5\n24-#define CUDNN_PATCHLEVEL 1\n--\n26-#define CUDNN_VERSION (CUDNN_MAJOR * 10000 + CUDNN_MINOR * 100 + CUDNN_PATCHLEVEL)\n";
        assert_eq!(lines(&FORMAT, grep), ["cudnn 9.5.1 @ 9"]);
        assert_eq!(claim_of(&FORMAT, "a.txt", grep), Claim::Certain);
    }

    #[test]
    fn an_incomplete_version_says_what_is_missing() {
        let text = "#define CUDNN_MAJOR 7\n#define CUDNN_PATCHLEVEL 5\n";
        assert_eq!(lines(&FORMAT, text), ["cudnn 7 @ 7"]);
        assert_eq!(notes(&FORMAT, text), ["expected `CUDNN_MINOR` beside `CUDNN_MAJOR`"]);
        assert!(lines(&FORMAT, "// #define CUDNN_MAJOR 7\n").is_empty());
    }

    #[test]
    fn an_old_header_is_recognised_although_its_licence_is_long() {
        let text = format!("{}{HEADER}", " * licence\n".repeat(300));
        assert_eq!(claim_of(&FORMAT, "cudnn.h", &text), Claim::Certain);
        assert_eq!(claim_of(&FORMAT, "main.cpp", HEADER), Claim::Named);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..400_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(HEADER, at, &put));
        }
    }
}
