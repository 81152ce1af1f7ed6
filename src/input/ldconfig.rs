//! `ldconfig -p`: the shared libraries that the loader finds.
//!
//! Manual: <https://man7.org/linux/man-pages/man8/ldconfig.8.html>
//!
//! Read: cuDNN, the CUDA runtime and TensorRT, by the number in the name; a longer number where the file that is linked
//! to shows one. Skipped in silence: all other libraries. Two majors side by side are two facts.

use std::collections::BTreeMap;

use super::{
    Claim, Format, Probe,
    pasted::{self, Scan, first_parts, leading_version},
};
use crate::fact::FactKind;

pub(super) static FORMAT: Format =
    Format { name: "ldconfig -p", about: "output of `ldconfig -p`", claims, read: pasted::read };

fn claims(probe: &Probe<'_>) -> Claim {
    pasted::claim(probe, |line| entry(line).is_some() || (line.contains("libs found in cache") && line.contains("ld.so.cache")))
}

/// `libcudnn.so.9 (libc6,x86-64) => /lib/libcudnn.so.9`: name and path.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (left, path) = line.split_once(" => ")?;
    let (name, kind) = left.trim().split_once(" (")?;
    (name.contains(".so") && kind.starts_with("libc6") && kind.ends_with(')')).then(|| (name, path.trim()))
}

/// The number in the name of a cuDNN library: `8.9.7` of `/usr/lib/libcudnn_ops_infer.so.8.9.7`, `8` of `cudnn64_8.dll`.
pub(super) fn cudnn_number(path: &str) -> Option<&str> {
    let name = path.rsplit(['/', '\\']).next()?;
    if let Some((stem, number)) = name.split_once(".so.") {
        let known = stem == "libcudnn" || stem.starts_with("libcudnn_");
        return known.then(|| leading_version(number)).filter(|it| !it.is_empty());
    }
    let (stem, number) = name.strip_suffix(".dll")?.rsplit_once("64_")?;
    (stem.starts_with("cudnn") && !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit())).then_some(number)
}

/// The number behind `stem.so.`.
fn number_of<'t>(path: &'t str, stem: &str) -> Option<&'t str> {
    let name = path.rsplit('/').next()?;
    let number = leading_version(name.strip_prefix(stem)?.strip_prefix(".so.")?);
    (!number.is_empty()).then_some(number)
}

/// What a CUDA runtime's file name says of the toolkit. The third part counts builds of the library; all of 11.x are
/// called `libcudart.so.11.0`.
fn runtime_number(number: &str) -> &str {
    if number == "11.0" { first_parts(number, 1) } else { first_parts(number, 2) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Library {
    Cudnn,
    Cuda,
    TensorRt,
}

/// Reads the entries of the libraries that matter.
pub(super) fn scan(scan: &mut Scan<'_>) {
    if !scan.text.contains(" => ") {
        return;
    }
    // The longest number of each major.
    let mut found: BTreeMap<(Library, &str), &str> = BTreeMap::new();
    for line in scan.text.lines() {
        let Some((name, path)) = entry(line) else { continue };
        for text in [name, path] {
            let numbers = [
                (Library::Cudnn, cudnn_number(text)),
                (Library::Cuda, number_of(text, "libcudart").map(runtime_number)),
                (Library::TensorRt, number_of(text, "libnvinfer")),
            ];
            for (library, number) in numbers {
                let Some(number) = number else { continue };
                let best = found.entry((library, first_parts(number, 1))).or_insert(number);
                if number.matches('.').count() > best.matches('.').count() {
                    *best = number;
                }
            }
        }
    }
    for ((library, _), number) in found {
        add(scan, library, number);
    }
}

fn add(scan: &mut Scan<'_>, library: Library, number: &str) {
    let kind = match library {
        Library::Cudnn => scan.version("the version of libcudnn", number).map(FactKind::Cudnn),
        Library::Cuda => scan.version("the version of libcudart", number).map(FactKind::Cuda),
        Library::TensorRt => scan.version("the version of libnvinfer", number).map(FactKind::TensorRt),
    };
    if let Some(kind) = kind {
        scan.fact(kind, number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const SAMPLE: &str = include_str!("../../fixtures/inputs/ldconfig/two-majors.txt");

    #[test]
    fn majors_side_by_side_are_two_facts_and_file_names_may_say_more() {
        assert_eq!(
            lines(&FORMAT, SAMPLE),
            ["tensorrt 8 @ 8", "cudnn 9 @ 9", "cudnn 8.6.0 @ 8.6.0", "cuda 12 @ 12", "cuda 11 @ 11"]
        );
        assert_eq!(claim_of(&FORMAT, "a.txt", SAMPLE), Claim::Certain);
    }

    #[test]
    fn the_build_of_the_runtime_library_is_no_toolkit_update() {
        let text = "\tlibcudart.so.12 (libc6,x86-64) => /opt/libcudart.so.12.4.127\n";
        assert_eq!(lines(&FORMAT, text), ["cuda 12.4 @ 12.4"]);
        let text = "\tlibcudart.so.10.2 (libc6,x86-64) => /opt/libcudart.so.10.2\n";
        assert_eq!(lines(&FORMAT, text), ["cuda 10.2 @ 10.2"]);
    }

    #[test]
    fn names_of_cudnn_on_every_system() {
        assert_eq!(cudnn_number("/usr/lib/libcudnn_ops_infer.so.8.9.7"), Some("8.9.7"));
        assert_eq!(cudnn_number(r"C:\CUDA\v11.8\bin\cudnn_ops_train64_8.dll"), Some("8"));
        assert_eq!(cudnn_number("/usr/lib/libcudnn.so"), None);
        assert_eq!(cudnn_number("/usr/lib/libcudnnx.so.3"), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..900_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(SAMPLE, at, &put));
        }
    }
}
