//! `poetry.lock` in two layouts, shortened, and damaged.

use proptest::prelude::*;

use super::FORMAT;
use crate::{
    fact::{FactKind, Package},
    input::{
        Claim, Probe, Reading,
        locked::{damaged, read_for_test},
    },
};

const SAMPLE: &str = include_str!("../../../fixtures/inputs/poetry-lock/poetry.lock");
const OLDER: &str = include_str!("../../../fixtures/inputs/poetry-lock/older.poetry.lock");

fn package<'r>(reading: &'r Reading, name: &str) -> &'r Package {
    let packages = reading.facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Package(package) => Some(&**package),
        _ => None,
    });
    packages.into_iter().find(|package| package.name.as_str() == name).unwrap()
}

#[test]
fn groups_markers_and_sources_are_read() {
    let (reading, lines) = read_for_test("poetry.lock", SAMPLE);
    assert_eq!(
        lines,
        [
            "`exceptiongroup` exceptiongroup==1.2.2 ; python_version == \"3.10\"",
            "`numpy` numpy==1.26.4 ; python_version < \"3.12\"",
            "`scoring-lib` scoring-lib==0.4.0 @git+https://packages.example/scoring-lib.git@0123456789abcdef editable",
            "`uvicorn` uvicorn[standard]==0.34.0 from https://packages.example/simple",
            "`>=3.10,<3.11` Python(PythonVersion(Dotted { parts: [3, 10] }))",
            "`onnxruntime-gpu` skipped: 2 packages are left out: only the group `dev` and the extra `gpu` ask for them",
        ]
    );
    let scoring = package(&reading, "scoring-lib");
    assert_eq!(
        scoring.requires,
        [
            "Uvicorn[standard] >=0.34.0,<0.35",
            "exceptiongroup >=1.2,<2 ; python_version < \"3.11\"",
            "numpy",
            "rich >=13 ; extra == \"cli\"",
            "torch ==2.6.0 ; sys_platform != \"linux\"",
            "torch ==2.6.0+cpu ; sys_platform == \"linux\"",
        ]
    );
    assert_eq!(scoring.requires_python.as_deref(), Some(">=3.10,<4"));
    assert!(package(&reading, "numpy").tags.is_empty(), "there is a source archive");
}

#[test]
fn before_packages_had_markers_their_dependents_tell() {
    let (reading, lines) = read_for_test("poetry.lock", OLDER);
    assert_eq!(
        lines,
        [
            "`click` click==8.0.4",
            "`colorama` colorama==0.4.4 ; platform_system == \"Windows\" or 'known' == 'unknown'",
            "`numpy` numpy==1.21.6 ; python_version < \"3.8\" or 'known' == 'unknown'",
            "`numpy` numpy==1.22.4 ; python_version >= \"3.8\" or 'known' == 'unknown'",
            "`pandas` pandas==1.3.5",
            "`pytest` skipped: 1 package is left out: only the group `dev` asks for it",
        ]
    );
    assert_eq!(package(&reading, "click").tags, ["py3-none-any"]);
}

#[test]
fn only_such_files_are_claimed() {
    let claim = |name: &str, text: &str| (FORMAT.claims)(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    assert_eq!(claim("poetry.lock", OLDER), Claim::Certain);
    assert_eq!(claim("serve.lock", SAMPLE), Claim::Certain);
    assert_eq!(claim("serve.lock", OLDER), Claim::No);
    assert_eq!(claim("poetry.lock", "numpy==1.26.4\n"), Claim::No);
    let newer = read_for_test("poetry.lock", "[metadata]\nlock-version = \"3.0\"\n").1;
    assert_eq!(newer, [" fault: expected lock version 1.x or 2.x, found 3.0"]);
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(
        older in any::<bool>(), at in 0..4000_usize, cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}=\"'#\n.^~|*]|é){0,6}"
    ) {
        read_for_test("poetry.lock", &damaged(if older { OLDER } else { SAMPLE }, at, cut, &junk));
    }
}
