//! A lock file with every kind of source, and damaged ones.

use proptest::prelude::*;

use super::FORMAT;
use crate::{
    fact::FactKind,
    input::{
        Claim, Probe,
        locked::{damaged, read_for_test},
    },
};

const SAMPLE: &str = include_str!("../../../fixtures/inputs/pylock/pylock.serve.toml");

#[test]
fn every_kind_of_source_is_read() {
    let (reading, lines) = read_for_test("pylock.toml", SAMPLE);
    assert_eq!(
        lines,
        [
            "`==3.12.*` Python(PythonVersion(Dotted { parts: [3, 12] }))",
            "`attrs` attrs==25.1.0",
            "`Cattrs` cattrs==24.1.2",
            "`colorama` colorama==0.4.6 ; sys_platform == 'win32'",
            "`model-tools` model-tools @git+https://packages.example/model-tools.git@0123456789abcdef",
            "`numpy` numpy==2.2.3",
            "`onnxruntime-gpu` onnxruntime-gpu==1.20.1 ; 'gpu' in extras",
            "`scoring` scoring @. editable",
            "`torch` torch==2.6.0+cpu @https://packages.example/torch-2.6.0%2Bcpu-cp312-cp312-linux_x86_64.whl",
            "`uvicorn` uvicorn==0.34.0",
            "`pytest` skipped: 1 package is left out: only the group `dev` asks for it",
        ]
    );
    let FactKind::Package(cattrs) = &reading.facts[2].kind else { panic!("not a package") };
    assert_eq!(cattrs.requires, ["attrs", "numpy ==2.2.3"]);
    let FactKind::Package(numpy) = &reading.facts[5].kind else { panic!("not a package") };
    assert_eq!(numpy.tags, ["cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux2014_x86_64"]);
}

#[test]
fn only_such_files_are_claimed() {
    let claim = |name: &str, text: &str| (FORMAT.claims)(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    assert_eq!(claim("pylock.toml", SAMPLE), Claim::Certain);
    assert_eq!(claim("pylock.serve.toml", SAMPLE), Claim::Certain);
    assert_eq!(claim("lock.toml", SAMPLE), Claim::Likely);
    assert_eq!(claim("pylock.toml", "[project]\nname = \"a\"\n"), Claim::No);
    let newer = read_for_test("pylock.toml", "lock-version = \"2.0\"\n").1;
    assert_eq!(newer, [" fault: expected lock version 1.x, found 2.0"]);
    assert!(read_for_test("pylock.toml", "lock-version = \n").1[0].contains("broken TOML"));
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(at in 0..SAMPLE.len(), cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}=\"'#\n.]|é){0,6}") {
        read_for_test("pylock.toml", &damaged(SAMPLE, at, cut, &junk));
    }
}
