//! `uv.lock` as uv writes it, shortened, and as nobody should write it.

use proptest::prelude::*;

use super::FORMAT;
use crate::{
    fact::{FactKind, Origin, Package},
    input::{
        Claim, Probe, Reading,
        locked::{damaged, read_for_test},
    },
};

const SAMPLE: &str = include_str!("../../../fixtures/inputs/uv-lock/uv.lock");

fn package<'r>(reading: &'r Reading, name: &str) -> &'r Package {
    let packages = reading.facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Package(package) => Some(&**package),
        _ => None,
    });
    packages.into_iter().find(|package| package.name.as_str() == name).unwrap()
}

#[test]
fn packages_are_installed_where_the_ways_to_them_lead() {
    let (reading, lines) = read_for_test("uv.lock", SAMPLE);
    let expected = [
        "`>=3.11, <3.12` Python(PythonVersion(Dotted { parts: [3, 11] }))",
        "`colorama` colorama==0.4.6 ; sys_platform == 'win32'",
        "`h11` h11==0.14.0",
        "`httptools` httptools==0.6.1",
        "`model-tools` model-tools==0.3.0 @git+https://packages.example/model-tools.git?rev=v0.3#0123456789abcdef",
        "`numpy` numpy==1.26.4",
        "`scoring` scoring==0.1.0 @. editable",
        "`torch` torch==2.6.0 ; sys_platform != 'linux'",
        "`torch` torch==2.6.0+cpu from https://packages.example/whl/cpu ; sys_platform == 'linux'",
        "`uvicorn` uvicorn[standard]==0.34.0",
        "`scoring` skipped: 2 packages are left out: only the group `dev` and the extra `cluster` ask for them",
    ];
    assert_eq!(lines, expected);
    assert_eq!(
        package(&reading, "uvicorn").requires,
        ["h11", "colorama ; (sys_platform == 'win32') and (extra == 'standard')", "httptools ; extra == 'standard'"]
    );
    assert_eq!(package(&reading, "model-tools").requires[1], "torch ==2.6.0+cpu ; sys_platform == 'linux'");
    assert_eq!(
        package(&reading, "numpy").tags,
        ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64", "cp311-cp311-win_amd64"]
    );
    assert_eq!(package(&reading, "numpy").origin, Origin::Locked);
}

#[test]
fn a_virtual_project_is_not_installed_and_a_workspace_installs_its_members() {
    let lock = |projects: &str| {
        let rest = "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"x\" }\n[[package]]\nname = \"b\"\nversion = \"2\"\nsource = { registry = \"x\" }\n";
        let (_, lines) = read_for_test("uv.lock", &format!("version = 1\n{projects}{rest}"));
        lines
    };
    let project = |name: &str, path: &str, dependencies: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"0\"\nsource = {{ virtual = \"{path}\" }}\n{dependencies}\n")
    };
    let (root, asks) = (project("root", ".", ""), "dependencies = [{ name = \"a\" }]");
    assert_eq!(
        lock(&project("root", ".", asks)),
        [
            "`a` a==1 from x",
            "`root` skipped: 1 package is left out: nothing that is installed by default asks for it"
        ]
    );
    let manifest = "[manifest]\nmembers = [\"root\", \"serve\"]\n";
    assert_eq!(lock(&format!("{manifest}{root}{}", project("serve", "serve", asks)))[0], "`a` a==1 from x");
    assert_eq!(lock("[manifest]\nrequirements = [{ name = \"b\", marker = \"os_name == 'nt'\" }]\n")[0], "`b` b==2 from x ; os_name == 'nt'");
    // Without a project all of it counts.
    assert_eq!(lock("").len(), 2);
}

#[test]
fn what_is_wrong_is_said() {
    let faults = |text: &str| read_for_test("uv.lock", text).1;
    assert_eq!(faults("version = 2\n"), [" fault: expected version 1 of the format, found 2"]);
    assert!(faults("version = 1\n[[package\n")[0].contains("fault: broken TOML"));
    let odd = "version = 1\n[[package]]\nversion = \"1\"\n[[package]]\nname = \"_\"\n[[package]]\nname = \"c\"\nresolution-markers = [\"nonsense\"]\n";
    let lines = faults(odd);
    assert_eq!(lines[0], "`c` c ; 'known' == 'unknown'");
    assert!(lines[1].contains("expected a package with a `name`") && lines[2].contains("no package name"), "{lines:?}");
    assert!(lines[3].contains("`nonsense` is no marker"));
}

#[test]
fn only_such_files_are_claimed() {
    let claim = |name: &str, text: &str| (FORMAT.claims)(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    assert_eq!(claim("uv.lock", SAMPLE), Claim::Certain);
    assert_eq!(claim("train.lock", SAMPLE), Claim::Likely);
    assert_eq!(claim("Cargo.lock", "version = 4\n[[package]]\nname = \"a\"\nsource = \"registry+x\"\n"), Claim::No);
    assert_eq!(claim("train.lock", "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\n"), Claim::No);
    assert_eq!(claim("uv.lock", "numpy==1.26.4\n"), Claim::No);
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(at in 0..SAMPLE.len(), cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}=\"'#\n.]|é){0,6}") {
        read_for_test("uv.lock", &damaged(SAMPLE, at, cut, &junk));
    }
}
