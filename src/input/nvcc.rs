//! `nvcc --version`: the CUDA toolkit whose compiler is first on the path.
//!
//! Manual: <https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/index.html>
//!
//! Read: the release, `12.4`. Skipped in silence: the `V12.4.131` behind it, which counts builds of the compiler and not
//! updates of the toolkit.

use super::{
    Claim, Format, Probe,
    nvidia_smi::is_unknown_command,
    pasted::{self, Scan, leading_version},
};
use crate::fact::FactKind;

pub(super) static FORMAT: Format =
    Format { name: "nvcc", about: "output of `nvcc --version`", claims, read: pasted::read };

const MARK: &str = "Cuda compilation tools, release";

fn claims(probe: &Probe<'_>) -> Claim {
    pasted::claim(probe, |line| is_release(line) || is_failure(line))
}

fn is_release(line: &str) -> bool {
    line.trim_start().starts_with(MARK)
}

fn is_failure(line: &str) -> bool {
    line.contains("nvcc") && line.len() <= 400 && is_unknown_command(&line.trim().to_ascii_lowercase().replace(['`', '"'], "'"), "nvcc")
}

/// Reads each release.
pub(super) fn scan(scan: &mut Scan<'_>) {
    for line in scan.text.lines() {
        if is_failure(line) {
            scan.skip(line.trim(), "nvcc was not found, which says nothing about a CUDA runtime");
        }
        if let Some((_, rest)) = line.split_once(MARK) {
            let release = leading_version(rest.trim_start());
            if let Some(version) = scan.version("the release of nvcc", release) {
                scan.fact(FactKind::Cuda(version), release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const SAMPLE: &str = include_str!("../../fixtures/inputs/nvcc/release-12.1.txt");

    #[test]
    fn the_release_is_read_and_not_the_build() {
        assert_eq!(lines(&FORMAT, SAMPLE), ["cuda 12.1 @ 12.1"]);
        assert_eq!(claim_of(&FORMAT, "a.txt", SAMPLE), Claim::Certain);
        assert_eq!(lines(&FORMAT, "Cuda compilation tools, release 9.0, V9.0.176"), ["cuda 9.0 @ 9.0"]);
    }

    #[test]
    fn a_missing_compiler_is_a_note() {
        let text = "root@a:/# nvcc --version\nbash: nvcc: command not found\n";
        assert_eq!(claim_of(&FORMAT, "a.txt", text), Claim::Certain);
        assert!(lines(&FORMAT, text).is_empty());
        assert_eq!(notes(&FORMAT, text).len(), 1);
        assert_eq!(notes(&FORMAT, "Cuda compilation tools, release x").len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..400_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(SAMPLE, at, &put));
        }
    }
}
