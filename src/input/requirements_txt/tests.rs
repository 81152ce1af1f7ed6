use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::{
    input::{Content, Defines},
    text::Sources,
};

/// Reads a file of these bytes that lies nowhere.
fn read_bytes(name: &str, bytes: &[u8], defines: &[(&str, &str)]) -> (Reading, Sources) {
    let mut sources = Sources::default();
    let defines: Defines = defines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let reading = {
        let mut files = Files::new(&mut sources, &defines);
        let file = files.add(name.to_owned(), Content::Owned(bytes.into()), None, None);
        (FORMAT.read)(&mut files, file)
    };
    (reading, sources)
}

/// Every fact and every skipped part in a line each, with what their places cover.
fn shown(name: &str, text: &str, defines: &[(&str, &str)]) -> Vec<String> {
    let (reading, sources) = read_bytes(name, text.as_bytes(), defines);
    lines(&reading, &sources)
}

fn lines(reading: &Reading, sources: &Sources) -> Vec<String> {
    let covered = |place: Place| {
        let source = sources.get(place.file);
        let text = &source.text()[place.span.start..place.span.end];
        (format!("{}:{}", source.path, source.position(place.span.start).line), text.to_owned())
    };
    let mut out: Vec<String> = reading
        .facts
        .iter()
        .map(|fact| {
            let (at, text) = covered(fact.place);
            if let FactKind::PackageIndex(index) = &fact.kind {
                let role = if index.only { "instead of PyPI" } else { "beside PyPI" };
                return format!("{at} `{text}` index {} {role}", index.url);
            }
            let FactKind::Package(package) = &fact.kind else { return format!("{:?}", fact.kind) };
            let mut out = format!("{at} `{text}` {}{}", package.name, package.specifier);
            let extras: Vec<&str> = package.extras.iter().map(PackageName::as_str).collect();
            if !extras.is_empty() {
                out.extend([" [", &extras.join(","), "]"]);
            }
            if package.specifier.is_empty() {
                out.extend(package.versions.single().map(|version| format!(" ={version}")));
            }
            out.extend(package.marker.iter().map(|marker| format!(" ;{marker}")));
            out.extend(package.url.iter().map(|url| format!(" @{url}")));
            for (is, word) in
                [(package.editable, " editable"), (package.constraint, " constraint"), (fact.standing == Standing::Observed, " observed")]
            {
                out += if is { word } else { "" };
            }
            out
        })
        .collect();
    out.extend(reading.skipped.iter().map(|skipped| {
        let (at, text) = covered(skipped.place);
        format!("{at} `{text}` skipped: {}", skipped.reason)
    }));
    out
}

#[test]
fn requirements_are_read_with_their_places() {
    let text = "# base\n  Torch[Opt_A]==2.4.1+cu121 ; python_version < '3.13'  # gpu\nnumpy >= 1.26 , < 2 \\\n  --hash=sha256:ab\n";
    assert_eq!(
        shown("r.txt", text, &[]),
        [
            "r.txt:2 `Torch[Opt_A]==2.4.1+cu121 ; python_version < '3.13'` torch==2.4.1+cu121 [opt-a] ;python_version < '3.13'",
            "r.txt:3 `numpy >= 1.26 , < 2` numpy>=1.26,<2",
        ]
    );
    let (reading, _) = read_bytes("r.txt", text.as_bytes(), &[]);
    let FactKind::Package(torch) = &reading.facts[0].kind else { panic!("not a package") };
    let part = |span: Span| &text[span.start..span.end];
    assert_eq!(part(torch.parts.name), "Torch");
    assert_eq!(torch.parts.specifier.map(part), Some("==2.4.1+cu121"));
    assert_eq!(torch.parts.marker.map(part), Some("python_version < '3.13'"));
}

#[test]
fn direct_references_name_a_package_or_are_skipped() {
    let text = "\
https://packages.example/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl ; os_name == 'posix'
bar-2.0-py3-none-any.whl
./wheels/foo-1.0-py3-none-any.whl[all]
git+https://packages.example/repo.git@v1#egg=Foo&subdirectory=py
git+https://packages.example/repo.git
./libs/thing
dist/thing-1.0.tar.gz
foo @ file:///x/foo-1.5-py3-none-any.whl
https://packages.example/broken.whl
";
    assert_eq!(
        shown("r.txt", text, &[]),
        [
            "r.txt:1 `https://packages.example/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl ; os_name == 'posix'` torch =2.3.1+cu121 ;os_name == 'posix' @https://packages.example/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl",
            "r.txt:2 `bar-2.0-py3-none-any.whl` bar =2.0 @bar-2.0-py3-none-any.whl",
            "r.txt:3 `./wheels/foo-1.0-py3-none-any.whl[all]` foo [all] =1.0 @./wheels/foo-1.0-py3-none-any.whl",
            "r.txt:4 `git+https://packages.example/repo.git@v1#egg=Foo&subdirectory=py` foo @git+https://packages.example/repo.git@v1#egg=Foo&subdirectory=py",
            "r.txt:8 `foo @ file:///x/foo-1.5-py3-none-any.whl` foo =1.5 @file:///x/foo-1.5-py3-none-any.whl",
            "r.txt:5 `git+https://packages.example/repo.git` skipped: a URL without `name @` or `#egg=name` does not say which package it is",
            "r.txt:6 `./libs/thing` skipped: a local path says neither name nor version of the package in it",
            "r.txt:7 `dist/thing-1.0.tar.gz` skipped: an archive without `name @` does not say which package it is",
            "r.txt:9 `https://packages.example/broken.whl` skipped: `broken.whl` is no wheel name: expected `name-version-python-abi-platform.whl`",
        ]
    );
}

#[test]
fn editable_requirements_are_read_where_they_name_a_package() {
    let text = "\
-e .
-e ./localpkg[gpu]
--editable=git+https://packages.example/repo.git@main#egg=foo[a]
-e 'bar @ git+https://packages.example/bar.git'
-e https://packages.example/x.zip
# Editable install with no version control (my_lib==0.4.0)
-e /srv/my_lib
numpy==1.0 -e x
";
    assert_eq!(
        shown("r.txt", text, &[]),
        [
            "r.txt:3 `git+https://packages.example/repo.git@main#egg=foo[a]` foo [a] @git+https://packages.example/repo.git@main#egg=foo[a] editable observed",
            "r.txt:4 `'bar @ git+https://packages.example/bar.git'` bar @git+https://packages.example/bar.git editable observed",
            "r.txt:7 `/srv/my_lib` my-lib =0.4.0 @/srv/my_lib editable observed",
            "r.txt:1 `.` skipped: a local project says neither name nor version here",
            "r.txt:2 `./localpkg[gpu]` skipped: a local project says neither name nor version here",
            "r.txt:3 `git+https://packages.example/repo.git@main#egg=foo[a]` skipped: pip 26 refuses extras in `#egg=`; it reads `foo[a] @ url`",
            "r.txt:5 `https://packages.example/x.zip` skipped: expected a path to a project or the URL of a repository such as `git+https://...` after `-e`",
            "r.txt:8 `-e x` skipped: pip takes what stands before `-e` for the editable project",
            "r.txt:8 `numpy==1.0` skipped: a local project says neither name nor version here",
        ]
    );
}

#[test]
fn variables_are_filled_in_from_what_was_given() {
    let text = "numpy==${NUMPY}\nfoo==${FOO}\nbar @ https://packages.example/${FOO}/bar.zip\n--extra-index-url https://${TOKEN}@packages.example\n-r ${FOO}.txt\n";
    assert_eq!(
        shown("r.txt", text, &[("NUMPY", "1.26.4"), ("EMPTY", "")]),
        [
            "r.txt:1 `numpy==${NUMPY}` numpy==1.26.4",
            "r.txt:3 `bar @ https://packages.example/${FOO}/bar.zip` bar @https://packages.example/${FOO}/bar.zip",
            "r.txt:4 `https://${TOKEN}@packages.example` index https://packages.example/ beside PyPI",
            "r.txt:2 `==${FOO}` skipped: invalid requirement `foo==${FOO}`: expected a specifier such as `==1.2`, a semicolon or the end after the name; a `${NAME}` in it has no value, which `--define NAME=VALUE` can give",
            "r.txt:3 `${FOO}` skipped: `${FOO}` has no value and stays as written; `--define NAME=VALUE` gives one",
            "r.txt:5 `${FOO}` skipped: `${FOO}` has no value and stays as written; `--define NAME=VALUE` gives one",
            "r.txt:5 `-r ${FOO}.txt` skipped: `${FOO}.txt` is not followed: standard input has no folder to look in",
        ]
    );
}

#[test]
fn faults_are_reported_and_reading_goes_on() {
    let text = "torch==2.3.1#cpu\nnumpy=1.26.4\n--not-an-option\na==1 --hash=md5:x\nb==1\t--hash=sha256:x\nfoo ; python_versio < '3'\nc==1 \\ \nd \\\n x\n-r a.txt -c b.txt\n--hash=sha256:a\ne==1\n";
    assert_eq!(
        shown("r.txt", text, &[]),
        [
            "r.txt:12 `e==1` e==1",
            "r.txt:1 `#cpu` skipped: invalid requirement `torch==2.3.1#cpu`: expected a comma, a semicolon or the end after the specifier; a comment needs a blank before its `#`",
            "r.txt:2 `=1.26.4` skipped: invalid requirement `numpy=1.26.4`: expected a specifier such as `==1.2`, a semicolon or the end after the name; `=` is no operator of pip, which writes `==`",
            "r.txt:3 `--not-an-option` skipped: pip has no option `--not-an-option` in requirements files",
            "r.txt:4 `--hash=md5:x` skipped: pip allows the hash algorithms sha256, sha384 and sha512, found `md5`",
            "r.txt:5 `--hash=sha256:x` skipped: invalid requirement `b==1\t--hash=sha256:x`: expected a comma, a semicolon or the end after the specifier; options are set off by a space, not by a tab",
            "r.txt:6 `python_versio` skipped: invalid requirement `foo ; python_versio < '3'`: expected a marker variable or a quoted text",
            "r.txt:7 `\\` skipped: invalid requirement `c==1 \\`: expected a comma, a semicolon or the end after the specifier; a backslash continues a line only where nothing follows it, not even a blank",
            "r.txt:8 `d \\\n x` skipped: invalid requirement `d  x`: expected a specifier such as `==1.2`, a semicolon or the end after the name",
            "r.txt:10 `-c b.txt` skipped: pip ignores `--constraint` beside another one",
            "r.txt:10 `-r a.txt` skipped: `a.txt` is not followed: standard input has no folder to look in",
            "r.txt:11 `--hash=sha256:a` skipped: pip ignores a hash without a requirement before it",
        ]
    );
}

#[test]
fn options_behind_a_requirement_are_read_over_as_pip_does() {
    let text = "torch==2.3.0 --index-url https://packages.example/whl/cu121\na==1 -r b.txt --pre\nc==1 --hash=sha256:a\nd==1 --nope\n";
    let why = "after a requirement: it counts on a line of its own (uv refuses the line)";
    assert_eq!(
        shown("r.txt", text, &[]),
        [
            "r.txt:1 `torch==2.3.0` torch==2.3.0".to_owned(),
            "r.txt:2 `a==1` a==1".to_owned(),
            "r.txt:3 `c==1` c==1".to_owned(),
            format!("r.txt:1 `--index-url https://packages.example/whl/cu121` skipped: pip ignores `--index-url` {why}"),
            format!("r.txt:2 `-r b.txt --pre` skipped: pip ignores `--requirement` {why}"),
            "r.txt:4 `--nope` skipped: pip has no option `--nope` in requirements files".to_owned(),
        ]
    );
}

#[test]
fn encodings_are_those_that_pip_knows() {
    let only = |bytes: &[u8]| {
        let (reading, sources) = read_bytes("r.txt", bytes, &[]);
        (lines(&reading, &sources), reading.fault.map(|fault| fault.message))
    };
    assert_eq!(only(b"\xff\xfea\0=\0=\x001\0\r\0\n\0").0, ["r.txt:1 `a==1` a==1"]);
    assert_eq!(only(b"\xef\xbb\xbfa==1").0, ["r.txt:1 `a==1` a==1"]);
    assert_eq!(only(b"# -*- coding: latin-1 -*-\n# caf\xe9\na==1\n").0, ["r.txt:3 `a==1` a==1"]);
    assert_eq!(
        only(b"# caf\xe9\na==1\n").0,
        ["r.txt:2 `a==1` a==1", "r.txt:1 `` skipped: byte 5 is not valid UTF-8 and no `coding:` comment says what it is; the file was read as Latin-1"]
    );
    assert_eq!(only(b"# coding: nonsense\na==1\n").1.as_deref(), Some("the first lines name the unknown encoding `nonsense`"));
    assert!(only(b"a\0\xff").1.is_some());
    assert!(only(b"\xff\xfea").1.is_some());
    assert_eq!(only(b"").0, Vec::<String>::new());
}

#[test]
fn includes_keep_their_own_places_and_constraints_bound_only() {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/inputs/requirements.txt/includes"));
    let path = root.join("requirements.txt");
    let mut sources = Sources::default();
    let defines = Defines::new();
    let reading = {
        let mut files = Files::new(&mut sources, &defines);
        let content = Content::open(&path).unwrap();
        let file = files.add("requirements.txt".into(), content, Some(path), Some(root));
        (FORMAT.read)(&mut files, file)
    };
    assert_eq!(
        lines(&reading, &sources),
        [
            "layers/extra/more.txt:1 `pandas==2.2.2` pandas==2.2.2",
            "layers/base.txt:2 `numpy>=1.26` numpy>=1.26",
            "bounds.txt:1 `numpy==1.26.4` numpy==1.26.4 constraint",
            "layers/extra/more.txt:1 `pandas==2.2.2` pandas==2.2.2",
            "requirements.txt:7 `torch==2.3.1` torch==2.3.1",
            "latin.txt:2 `tqdm==4.66.4` tqdm==4.66.4",
            "bounds.txt:2 `-e .` skipped: pip refuses editable requirements as constraints",
            "requirements.txt:3 `-r missing.txt` skipped: `missing.txt` is not followed: no such file or folder",
            "requirements.txt:4 `-r ../../../../Cargo.toml` skipped: `../../../../Cargo.toml` is not followed: it lies outside the folder that envcheck was given",
            "requirements.txt:5 `-r https://packages.example/r.txt` skipped: `https://packages.example/r.txt` is not followed: envcheck downloads nothing",
            "loop.txt:1 `-r requirements.txt` skipped: `requirements.txt` is not followed: it includes itself",
        ]
    );
}

/// Whether all places of a reading lie in their texts, on character boundaries.
fn places_hold(reading: &Reading, sources: &Sources) -> bool {
    let holds = |place: Place| sources.get(place.file).text().get(place.span.start..place.span.end).is_some();
    let parts = |fact: &Fact| {
        let FactKind::Package(package) = &fact.kind else { return true };
        let spans = [Some(package.parts.name), package.parts.specifier, package.parts.marker];
        spans.into_iter().flatten().all(|span| holds(Place { span, ..fact.place }))
    };
    reading.facts.iter().all(|fact| holds(fact.place) && parts(fact))
        && reading.skipped.iter().all(|skipped| holds(skipped.place))
        && reading.fault.iter().filter_map(|fault| fault.place).all(holds)
}

const SAMPLE: &str = include_str!("../../../fixtures/inputs/requirements.txt/everything.txt");

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(text in "([a-z]{1,5}|==|>=|[0-9.]{1,3}|\\PC|[ \t\r\n\\\\#;,'\"\\[\\]@$\u{85}\u{2028}]| -r | -e |--hash=|--|git\\+https://|#egg=|\\.whl|\\$\\{A\\}|\\$\\{B\\}|# Editable )*") {
        let (reading, sources) = read_bytes("r.txt", text.as_bytes(), &[("A", "é==1 ; os_name")]);
        prop_assert!(places_hold(&reading, &sources));
        claim::claims(&crate::input::Probe { name: "x.txt", bytes: text.as_bytes(), text: Some(&text) });
    }

    #[test]
    fn damaged_samples_never_panic(at in 0..SAMPLE.len(), length in 0..40_usize, junk in prop::collection::vec(any::<u8>(), 0..6)) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, junk);
        let (reading, sources) = read_bytes("r.txt", &bytes, &[("A", "1")]);
        prop_assert!(places_hold(&reading, &sources));
    }
}

#[test]
fn a_version_behind_an_egg_is_read() {
    let text = "https://packages.example/files/scorer_md-2.1.0.tar.gz#egg=scorer_md==2.1.0\n";
    let (reading, _) = read_bytes("r.txt", text.as_bytes(), &[]);
    assert_eq!(reading.skipped, []);
    let crate::fact::FactKind::Package(package) = &reading.facts[0].kind else { panic!("not a package") };
    assert_eq!((package.name.as_str(), package.versions.single().map(ToString::to_string).as_deref()), ("scorer-md", Some("2.1.0")));
}
