//! What the readers of package listings share: an installed package, and conda's ways of naming things.

use std::str::FromStr;

use super::{Reading, Skipped};
use crate::{
    fact::{Fact, FactKind, Package, PackageName, PackageParts, Standing, parse_version},
    text::{FileId, Place, Span},
    version::{CudaVersion, VersionSet},
};

/// A word of a listing and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

/// A package of exactly this version. A version that is not PEP 440 is kept as text.
pub(super) fn package(name: Word<'_>, version: Word<'_>) -> Result<Package, String> {
    let normal = PackageName::new(name.text).map_err(|fault| fault.to_string())?;
    let mut package = Package::named(normal, name.text, name.span);
    let known = parse_version(version.text);
    package.specifier = format!("{}{}", if known.is_some() { "==" } else { "===" }, version.text);
    package.versions = known.map_or_else(VersionSet::all, |version| VersionSet::exactly(&version));
    package.parts = PackageParts { name: name.span, specifier: Some(version.span), marker: None };
    Ok(package)
}

impl Reading {
    /// Adds what was seen on a machine.
    pub(super) fn observe(&mut self, kind: FactKind, file: FileId, span: Span) {
        self.facts.push(Fact { kind, standing: Standing::Observed, place: Place { file, span } });
    }

    /// Adds what was not understood.
    pub(super) fn skip(&mut self, file: FileId, span: Span, reason: impl Into<String>) {
        self.skipped.push(Skipped { place: Place { file, span }, reason: reason.into() });
    }
}

/// The Python version at the beginning of a text such as `3.13.0rc1`.
pub(super) fn python(text: &str) -> Option<FactKind> {
    let end = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    text[..end].trim_end_matches('.').parse().ok().map(FactKind::Python)
}

/// Lines of a text without their ends, with where they begin.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let text = line.trim_end_matches(['\n', '\r']);
        let span = Span::new(start, start + text.len());
        start += line.len();
        Word { text, span }
    })
}

/// The words of a line.
pub(super) fn words(line: Word<'_>) -> Vec<Word<'_>> {
    let base = line.text.as_ptr() as usize;
    line.text
        .split_whitespace()
        .map(|text| {
            let at = line.span.start + (text.as_ptr() as usize - base);
            Word { text, span: Span::new(at, at + text.len()) }
        })
        .collect()
}

/// A package in conda's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct CondaPackage<'a> {
    pub(super) name: Word<'a>,
    pub(super) version: Word<'a>,
    /// The build string, empty if none is written.
    pub(super) build: &'a str,
    /// The channel, empty if none is written.
    pub(super) channel: &'a str,
    /// All of it.
    pub(super) span: Span,
}

/// Adds what a conda package says: Python and the CUDA libraries are no Python distributions.
pub(super) fn conda(reading: &mut Reading, file: FileId, found: CondaPackage<'_>) {
    let pip = found.build.starts_with("pypi") || matches!(found.build, "<pip>") || found.channel == "pypi";
    let system = conda_system(found.name.text).filter(|_| !pip).and_then(|kind| kind(found.version.text));
    if let Some(kind) = system {
        return reading.observe(kind, file, found.span);
    }
    // Conda's own virtual and helper packages begin with underscores, which no Python distribution does.
    if found.name.text.starts_with('_') {
        return;
    }
    let name = match found.name.text {
        name if !pip => Word { text: conda_distribution(name), ..found.name },
        _ => found.name,
    };
    match package(name, found.version) {
        Ok(mut package) => {
            found.name.text.clone_into(&mut package.spelled);
            if !pip && !found.build.is_empty() {
                package.build = Some(found.build.to_owned());
                package.cuda = cuda_of_build(found.build);
            }
            package.editable = found.channel == "<develop>";
            reading.observe(FactKind::Package(package.into()), file, found.span);
        }
        Err(reason) => reading.skip(file, found.span, reason),
    }
}

/// How the version of a conda package becomes a fact, where the package is no Python distribution.
pub(super) fn conda_system(name: &str) -> Option<fn(&str) -> Option<FactKind>> {
    Some(match name {
        "python" => python,
        "cudatoolkit" | "cuda-version" | "cuda-toolkit" | "cuda-runtime" | "cuda" => {
            |version| version.parse().ok().map(FactKind::Cuda)
        }
        "cudnn" => |version| version.parse().ok().map(FactKind::Cudnn),
        _ => return None,
    })
}

/// The name of the Python distribution that a conda package holds.
pub(super) fn conda_distribution(name: &str) -> &str {
    match name {
        "pytorch" | "pytorch-gpu" | "pytorch-cpu" => "torch",
        other => other,
    }
}

/// The CUDA that a build string names: `py3.11_cuda11.8_cudnn8.7.0_0`, `cuda118py311h4c6f2a3_0`, `py311_cu118`.
pub(super) fn cuda_of_build(build: &str) -> Option<CudaVersion> {
    let spelled = build.match_indices("cuda").map(|(at, word)| &build[at + word.len()..]);
    let short = build.split('_').filter_map(|part| part.strip_prefix("cu"));
    spelled.chain(short).find_map(|rest| {
        let end = rest.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(rest.len());
        let number = rest[..end].trim_end_matches('.');
        let dotted = match (number.contains('.'), number.len()) {
            (true, _) => number.to_owned(),
            // `11` is a major version, `92` was 9.2.
            (false, 2) if number.starts_with('1') => number.to_owned(),
            (false, 2 | 3) => format!("{}.{}", &number[..number.len() - 1], &number[number.len() - 1..]),
            _ => return None,
        };
        CudaVersion::from_str(&dotted).ok()
    })
}

/// Operating system and architecture of a conda platform such as `linux-64`.
pub(super) fn conda_platform(platform: &str) -> Option<(&'static str, &'static str)> {
    Some(match platform {
        "linux-64" => ("linux", "x86_64"),
        "linux-32" => ("linux", "i686"),
        "linux-aarch64" => ("linux", "aarch64"),
        "linux-ppc64le" => ("linux", "ppc64le"),
        "linux-s390x" => ("linux", "s390x"),
        "osx-64" => ("macos", "x86_64"),
        "osx-arm64" => ("macos", "arm64"),
        "win-64" => ("windows", "x86_64"),
        "win-32" => ("windows", "x86"),
        "win-arm64" => ("windows", "arm64"),
        _ => return None,
    })
}

/// Adds what a conda platform says.
pub(super) fn observe_platform(reading: &mut Reading, file: FileId, platform: Word<'_>) {
    match conda_platform(platform.text) {
        Some((os, machine)) => {
            reading.observe(FactKind::Os(os.to_owned()), file, platform.span);
            reading.observe(FactKind::Architecture(machine.to_owned()), file, platform.span);
        }
        None => reading.skip(file, platform.span, format!("`{}` is no known conda platform", platform.text)),
    }
}

/// Reads a fixture and shows facts and skipped parts in a line each: line number, what the place covers, what it says.
#[cfg(test)]
pub(super) fn read_for_test(format: &str, fixture: &str) -> (Reading, Vec<String>) {
    use std::path::Path;

    use super::{Content, Defines, FORMATS, Files};
    use crate::text::Sources;

    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/inputs")).join(format).join(fixture);
    let (mut sources, defines) = (Sources::default(), Defines::new());
    let reading = {
        let mut files = Files::new(&mut sources, &defines);
        let file = files.add(fixture.to_owned(), Content::open(&path).unwrap(), None, None);
        let format = FORMATS.iter().find(|it| it.name == format).unwrap();
        (format.read)(&mut files, file)
    };
    let covered = |place: Place| {
        let text = &sources.get(place.file).text()[place.span.start..place.span.end];
        format!("{} `{text}`", sources.position(place).line)
    };
    let said = |fact: &Fact| {
        assert_eq!(fact.standing, Standing::Observed);
        let FactKind::Package(package) = &fact.kind else { return format!("{:?}", fact.kind) };
        let mut out = format!("{}{}", package.name, package.specifier);
        out.extend(package.url.iter().map(|url| format!(" @{url}")));
        out.extend(package.build.iter().map(|build| format!(" build {build}")));
        out.extend(package.cuda.iter().map(|cuda| format!(" cuda {cuda}")));
        out.push_str(if package.editable { " editable" } else { "" });
        out
    };
    let mut out: Vec<String> =
        reading.facts.iter().map(|fact| format!("{} {}", covered(fact.place), said(fact))).collect();
    out.extend(reading.skipped.iter().map(|it| format!("{} skipped: {}", covered(it.place), it.reason)));
    (reading, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_strings_name_a_cuda() {
        let cuda = |build| cuda_of_build(build).map(|it| it.to_string());
        for (build, expected) in [
            ("py3.11_cuda11.8_cudnn8.7.0_0", Some("11.8")),
            ("cuda118py311h4c6f2a3_0", Some("11.8")),
            ("cuda120_py310h1_1", Some("12.0")),
            ("py311_cu118", Some("11.8")),
            ("cuda11_0", Some("11")),
            ("py37_cuda92_cudnn7", Some("9.2")),
            ("cpu_mkl_py311_0", None),
            ("cudnn8_0", None),
            ("py311h08b1b3b_0", None),
            ("cuda", None),
        ] {
            assert_eq!(cuda(build).as_deref(), expected, "{build}");
        }
    }

    #[test]
    fn versions_that_are_not_pep_440_are_kept_as_text() {
        let word = |text| Word { text, span: Span::default() };
        let found = package(word("OpenSSL"), word("1.1.1w")).unwrap();
        assert_eq!((found.specifier.as_str(), found.versions.is_all()), ("===1.1.1w", true));
        assert!(package(word("_x"), word("1")).is_err());
    }

    /// A start of each format and words that lead on; damaged further by the strategy below.
    const STARTS: [&str; 8] = [
        "Package Version Editable project location\n------- ------- -----\nnümpy 1.0 /x\n",
        "[{\"name\": \"a\", \"version\": \"1\", \"build_string\": \"py_cuda118_0\", \"platform\": \"linux-64\"}]",
        "{\"pip_version\": \"1\", \"installed\": [{\"metadata\": {\"name\": \"é\", \"version\": \"1\", \"requires_dist\": [\"b\"]}}]}",
        "{\"environment\": {\"python_full_version\": \"3.11.0rc1\", \"sys_platform\": \"linux\"}, \"install\": []}",
        "# platform: linux-64\na=1=b_0\npython=3.11.9=h_0\n",
        "# Name Version Build Channel\nnumpy 1.0 py_0 conda-forge\n",
        "# platform: win-64\n@EXPLICIT\nhttps://packages.example/a-1.0-0.conda#0\n",
        "",
    ];

    proptest::proptest! {
        #[test]
        fn no_listing_panics_and_every_span_lies_inside(
            start in 0..STARTS.len(), at in 0..200_usize, cut in 0..12_usize, junk in "([a-z0-9.=_-]{0,4}|[ \t\r\n{}\\[\\]\":,#]|\\PC){0,6}"
        ) {
            use super::super::{Content, Defines, FORMATS, Files};
            use crate::text::{Sources, floor_char_boundary};

            let sample = STARTS[start];
            let from = floor_char_boundary(sample, at);
            let to = floor_char_boundary(sample, from + cut).max(from);
            let text = format!("{}{junk}{}", &sample[..from], &sample[to..]);
            for format in FORMATS.iter().filter(|it| it.name.starts_with("pip") || it.name.starts_with("conda")) {
                let (mut sources, defines) = (Sources::default(), Defines::new());
                let reading = {
                    let mut files = Files::new(&mut sources, &defines);
                    let file = files.add("x".to_owned(), Content::Owned(text.as_bytes().into()), None, None);
                    let probe = super::super::Probe { name: "x", bytes: text.as_bytes(), text: Some(&text) };
                    (format.claims)(&probe);
                    (format.read)(&mut files, file)
                };
                let inside = |place: Place| text.get(place.span.start..place.span.end).is_some();
                proptest::prop_assert!(reading.facts.iter().all(|it| inside(it.place)));
                proptest::prop_assert!(reading.skipped.iter().all(|it| inside(it.place)));
                proptest::prop_assert!(reading.fault.iter().filter_map(|it| it.place).all(inside));
            }
        }
    }
}
