//! `conda list`: the table, and the `name=version=build` lines of `conda list --export`.
//!
//! Documentation: <https://docs.conda.io/projects/conda/en/stable/commands/list.html>
//!
//! Read: packages with their build strings; Python, CUDA and cuDNN as facts of their own; the platform comment.
//! Packages that only conda has (a leading underscore) are no distributions and are left out; lines of another form are
//! skipped with a note.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, CondaPackage, Word, lines, words}, pasted,
};
use crate::text::{FileId, Span, floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "conda-list",
    about: "what `conda list`, `mamba list` and `conda list --export` print",
    claims,
    read,
};

const PROBE_LIMIT: usize = 64 << 10;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    let (mut rows, mut other, mut marked, mut table) = (0_usize, 0_usize, false, false);
    for line in lines(text) {
        marked |= line.text.starts_with("# $ conda create --name");
        table |= is_heading(line.text) || line.text.starts_with("# packages in environment at ");
        if line.text.starts_with("@EXPLICIT") {
            return Claim::No;
        }
        if !line.text.starts_with('#') && !line.text.trim().is_empty() {
            *(if exported(line).is_some_and(|it| !it.build.is_empty()) { &mut rows } else { &mut other }) += 1;
        }
    }
    if table || (marked && rows > other) {
        pasted::certain(probe)
    } else if rows > 0 && other == 0 {
        Claim::Likely
    } else if rows > other {
        Claim::Named
    } else {
        Claim::No
    }
}

/// The heading of the table, as conda or as mamba prints it.
fn is_heading(line: &str) -> bool {
    let words: Vec<&str> = line.trim_start_matches('#').split_whitespace().collect();
    matches!(words.as_slice(), ["Name", "Version", "Build", ..])
}

/// Splits `name=version=build`.
fn exported(line: Word<'_>) -> Option<CondaPackage<'_>> {
    let text = line.text.trim_end();
    let mut parts = text.split('=');
    let (name, version, build) = (parts.next()?, parts.next()?, parts.next().unwrap_or(""));
    let bad = |part: &str| part.is_empty() || part.contains(|it: char| it.is_whitespace() || "<>~!,;\"'".contains(it));
    if parts.next().is_some() || bad(name) || bad(version) || build.contains(char::is_whitespace) {
        return None;
    }
    let start = line.span.start;
    let after = start + name.len() + 1;
    Some(CondaPackage {
        name: Word { text: name, span: Span::new(start, start + name.len()) },
        version: Word { text: version, span: Span::new(after, after + version.len()) },
        build,
        channel: "",
        span: Span::new(start, start + text.len()),
    })
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    let mut table = false;
    for line in lines(&text) {
        if is_heading(line.text) || line.text.starts_with("# packages in environment at ") {
            table = true;
        } else if line.text.starts_with('#') {
            if let [_, key, platform] = words(line).as_slice()
                && key.text == "platform:"
            {
                installed::observe_platform(&mut reading, file, *platform);
            }
        } else if line.text.chars().all(|it| it.is_whitespace() || matches!(it, '-' | '─' | '━'))
            || line.text.starts_with("List of packages in environment")
        {
            // A rule under the heading, or what mamba prints above it.
        } else if !table && let Some(found) = exported(line) {
            installed::conda(&mut reading, file, found);
        } else if let (true, [name, version, rest @ ..]) = (table, words(line).as_slice()) {
            let column = |at: usize| rest.get(at).map_or("", |it| it.text);
            let last = rest.last().unwrap_or(version);
            // Where the build is left out, a channel stands in its place.
            let (build, channel) = if column(0) == "<develop>" { ("", column(0)) } else { (column(0), column(1)) };
            let span = Span::new(name.span.start, last.span.end);
            installed::conda(&mut reading, file, CondaPackage { name: *name, version: *version, build, channel, span });
        } else {
            reading.skip(file, line.span, "expected `name=version=build`, or a row of the table of `conda list`");
        }
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::installed::read_for_test;

    #[test]
    fn exported_lines_are_read() {
        let (_, lines) = read_for_test("conda-list", "conda-export.txt");
        assert_eq!(
            lines,
            [
                "3 `linux-64` Os(\"linux\")",
                "3 `linux-64` Architecture(\"x86_64\")",
                "5 `cudatoolkit=11.8.0=h6a678d5_0` Cuda(CudaVersion(Dotted { parts: [11, 8, 0] }))",
                "6 `cudnn=8.9.2.26=cuda11_0` Cudnn(CudnnVersion(Dotted { parts: [8, 9, 2, 26] }))",
                "7 `onnxruntime-gpu=1.18.0=pypi_0` onnxruntime-gpu==1.18.0",
                "8 `openssl=1.1.1w=h7f8727e_0` openssl===1.1.1w build h7f8727e_0",
                "9 `python=3.11.9=h955ad1f_0` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "10 `pytorch=2.3.1=py3.11_cuda11.8_cudnn8.7.0_0` torch==2.3.1 build py3.11_cuda11.8_cudnn8.7.0_0 cuda 11.8",
                "11 `numpy>=1.2` skipped: expected `name=version=build`, or a row of the table of `conda list`",
            ]
        );
    }

    #[test]
    fn tables_are_read() {
        let (_, lines) = read_for_test("conda-list", "conda-table.txt");
        assert_eq!(
            lines,
            [
                "5 `numpy                     1.26.4          py311h08b1b3b_0    conda-forge` numpy==1.26.4 build py311h08b1b3b_0",
                "6 `python                    3.11.9               h955ad1f_0` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "7 `torch                     2.3.1+cu121              pypi_0    pypi` torch==2.3.1+cu121",
                "8 `mylib                     0.1                       dev_0    <develop>` mylib==0.1 build dev_0 editable",
                "9 `alone` skipped: expected `name=version=build`, or a row of the table of `conda list`",
            ]
        );
    }

    #[test]
    fn only_listings_are_claimed() {
        let claim = |text: &str| claims(&Probe { name: "x.txt", bytes: text.as_bytes(), text: Some(text) });
        assert_eq!(claim("# $ conda create --name <env> --file <this file>\na=1=b\n"), Claim::Certain);
        assert_eq!(claim("a=1=b\nc=2=d\n"), Claim::Likely);
        assert_eq!(claim("a==1\nc==2\n"), Claim::No);
        assert_eq!(claim("KEY=value\n"), Claim::No);
        assert_eq!(claim("  Name   Version   Build   Channel\n──────\n  a  1  b  c\n"), Claim::Certain);
    }
}
