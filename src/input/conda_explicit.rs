//! Explicit conda files: one package address a line after `@EXPLICIT`, as `conda list --explicit` writes them.
//!
//! Documentation: <https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html>
//!
//! Read: name, version and build string from the file name in each address; the platform from a comment.
//! Skipped with a note: addresses whose file name is no conda package.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, CondaPackage, Word, lines, words},
};
use crate::text::{FileId, Span, floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "conda-explicit",
    about: "explicit conda files, which begin with `@EXPLICIT`",
    claims: |probe: &Probe<'_>| {
        let explicit = |text: &str| {
            let head = &text[..floor_char_boundary(text, 16 << 10)];
            lines(head).any(|line| line.text.trim() == "@EXPLICIT")
        };
        if probe.text.is_some_and(explicit) { Claim::Certain } else { Claim::No }
    },
    read,
};

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    for line in lines(&text) {
        let words = words(line);
        match words.as_slice() {
            [] => {}
            [hash, key, platform] if hash.text == "#" && key.text == "platform:" => {
                installed::observe_platform(&mut reading, file, *platform);
            }
            [first, ..] if first.text.starts_with('#') || first.text == "@EXPLICIT" => {}
            [url, ..] => match package(*url) {
                Some(found) => installed::conda(&mut reading, file, found),
                None => reading.skip(file, url.span, "expected an address that ends in `name-version-build.conda`"),
            },
        }
    }
    reading
}

/// Splits `.../linux-64/name-version-build.conda#digest`.
pub(super) fn package(url: Word<'_>) -> Option<CondaPackage<'_>> {
    let address = url.text.split('#').next()?;
    let start = address.rfind('/').map_or(0, |at| at + 1);
    let file = &address[start..];
    let stem = file.strip_suffix(".conda").or_else(|| file.strip_suffix(".tar.bz2"))?;
    let (rest, build) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    if name.is_empty() || version.is_empty() {
        return None;
    }
    let at = url.span.start + start;
    let after = at + name.len() + 1;
    Some(CondaPackage {
        name: Word { text: name, span: Span::new(at, at + name.len()) },
        version: Word { text: version, span: Span::new(after, after + version.len()) },
        build,
        channel: "",
        span: Span::new(at, at + file.len()),
    })
}

#[cfg(test)]
mod tests {
    use crate::input::installed::read_for_test;

    #[test]
    fn addresses_are_taken_apart() {
        let (_, lines) = read_for_test("conda-explicit", "explicit.txt");
        assert_eq!(
            lines,
            [
                "1 `linux-aarch64` Os(\"linux\")",
                "1 `linux-aarch64` Architecture(\"aarch64\")",
                "4 `python-3.11.9-h955ad1f_0.conda` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "5 `scikit-learn-1.4.2-py311h0_1.conda` scikit-learn==1.4.2 build py311h0_1",
                "6 `pytorch-2.3.1-py3.11_cuda11.8_cudnn8.7.0_0.tar.bz2` torch==2.3.1 build py3.11_cuda11.8_cudnn8.7.0_0 cuda 11.8",
                "7 `https://packages.example/readme.txt` skipped: expected an address that ends in `name-version-build.conda`",
            ]
        );
    }
}
