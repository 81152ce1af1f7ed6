//! Projects of uv and of Poetry, and damaged ones.

use proptest::prelude::*;

use super::FORMAT;
use crate::{
    fact::{FactKind, Origin},
    input::{
        Claim, Probe,
        locked::{damaged, read_for_test},
    },
};

const UV: &str = include_str!("../../../fixtures/inputs/pyproject/pyproject.toml");
const POETRY: &str = include_str!("../../../fixtures/inputs/pyproject/poetry.pyproject.toml");

#[test]
fn the_project_table_is_read() {
    let (reading, lines) = read_for_test("pyproject", UV);
    assert_eq!(
        lines,
        [
            "`>=3.11,<3.12` Python(PythonVersion(Dotted { parts: [3, 11] }))",
            "`numpy>=1.26,<2` numpy>=1.26,<2",
            "`torch==2.6.0` torch==2.6.0 from https://packages.example/whl/cu121",
            "`uvicorn[standard] >=0.34 ; sys_platform != \"win32\"` uvicorn[standard]>=0.34 ; sys_platform != \"win32\"",
            "`model-tools` model-tools @git+https://packages.example/model-tools.git",
            "`\"escaped\\u003d\\u003d1.0\"` escaped==1.0",
            "`https://packages.example/simple` PackageIndex(PackageIndex { url: \"https://packages.example/simple\", only: true })",
            "`a` skipped: `not a requirement` is no requirement: expected a specifier such as `==1.2`, a semicolon or the end after the name",
            "`gpu` skipped: 3 packages are left out: only the group `dev` and the extra `gpu` ask for them",
        ]
    );
    let FactKind::Package(numpy) = &reading.facts[1].kind else { panic!("not a package") };
    let part = numpy.parts.specifier.unwrap();
    assert_eq!((&UV[part.start..part.end], numpy.origin), (">=1.26,<2", Origin::Stated));
}

#[test]
fn poetry_has_a_table_of_its_own() {
    let (_, lines) = read_for_test("pyproject", POETRY);
    assert_eq!(
        lines,
        [
            "`~3.10` Python(PythonVersion(Dotted { parts: [3, 10] }))",
            "`numpy = \"^1.26` numpy>=1.26,<2",
            "`torch` torch==2.6.0+cu121 from https://packages.example/whl/cu121",
            "`onnx` onnx[reference]>=1.14 ; sys_platform == 'linux' and python_full_version < '3.12'",
            "`scipy` scipy<1.12 ; python_full_version < '3.9'",
            "`scipy` scipy>=1.12 || 1.10.1 ; python_full_version >= '3.9'",
            "`scoring-lib` scoring-lib @../scoring-lib editable",
            "`joblib = \"*` joblib",
            "`odd = \"latest` odd",
            "`latest` skipped: `latest` is no version constraint",
            "`dev` skipped: 1 package is left out: only the group `dev` asks for it",
        ]
    );
}

#[test]
fn only_such_files_are_claimed() {
    let claim = |name: &str, text: &str| (FORMAT.claims)(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    assert_eq!(claim("pyproject.toml", UV), Claim::Likely);
    assert_eq!(claim("pyproject.toml", POETRY), Claim::Likely);
    assert_eq!(claim("pyproject.toml", "[tool.ruff]\nline-length = 100\n"), Claim::Named);
    assert_eq!(claim("config.toml", UV), Claim::No);
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(
        uv in any::<bool>(), at in 0..1200_usize, cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}=\"'#\n.^~|*]|é){0,6}"
    ) {
        read_for_test("pyproject", &damaged(if uv { UV } else { POETRY }, at, cut, &junk));
    }
}

#[test]
fn extras_bring_what_they_list() {
    let extras: Vec<crate::fact::PackageName> =
        ["Serve", "absent"].iter().filter_map(|it| crate::fact::PackageName::new(it).ok()).collect();
    let found = |text: &str| {
        let (mut sources, defines) = (crate::text::Sources::default(), crate::input::Defines::default());
        let mut files = crate::input::Files::new(&mut sources, &defines);
        let file = files.add("pyproject.toml".to_owned(), crate::input::Content::Owned(text.as_bytes().to_vec().into()), None, None);
        let reading = super::with_extras(&mut files, file, &extras);
        let packages = reading.facts.iter().filter_map(|fact| match &fact.kind {
            crate::fact::FactKind::Package(package) => Some(format!("{}{}", package.name, package.specifier)),
            _ => None,
        });
        packages.chain(reading.skipped.iter().map(|it| it.reason.clone())).collect::<Vec<_>>()
    };
    let plain = "[project]\nname = \"scorer\"\ndependencies = [\"numpy==1.26.4\"]\n[project.optional-dependencies]\nserve = [\"scorer[onnx]\", \
                 \"fastapi\"]\nonnx = [\"onnxruntime==1.18.0\"]\ndev = [\"pytest\"]\n";
    assert_eq!(
        found(plain),
        ["numpy==1.26.4", "fastapi", "onnxruntime==1.18.0", "1 package is left out: only the extra `dev` asks for it"]
    );
    let poetry = "[tool.poetry.dependencies]\nnumpy = \"1.26.4\"\ntorch = { version = \"2.3.1\", optional = true }\nvllm = { version = \"*\", \
                  optional = true }\n[tool.poetry.extras]\nserve = [\"torch\"]\ngpu = [\"torch\", \"vllm\"]\n";
    assert_eq!(found(poetry), ["numpy==1.26.4", "torch==2.3.1", "1 package is left out: only the extra `gpu` asks for it"]);
}
