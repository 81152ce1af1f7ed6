//! Unmet requirements against what `pip check` and `uv pip check` said of the same environments.
//!
//! `tests/scripts/pip_check_cases.py` recorded them. Where the two tools agree, envcheck says the same; where only one
//! of them complains, envcheck may. What no input tells (the tags of an installed wheel) is left out by name.

use std::{collections::BTreeSet, fs, path::Path};

use envcheck::fact::{PackageName, requirement};
use serde_json::Value;

use super::cases::{envcheck, names, root};

/// Package, requirement, and the version found there.
type Verdict = (String, String, Option<String>);

/// What one tool said of an environment.
#[derive(Debug, Default)]
struct Said {
    requirements: BTreeSet<Verdict>,
    pythons: BTreeSet<String>,
    platforms: BTreeSet<String>,
    /// It said nothing about the rest of the environment.
    gave_up: bool,
}

fn normal(name: &str) -> String {
    PackageName::new(name).unwrap().to_string()
}

/// Name and clauses in a fixed order; the clauses only where both tools say them.
fn wanted(text: &str, found: bool) -> String {
    let parsed = requirement::parse(text, 0).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    let mut clauses: Vec<String> = parsed.clauses.iter().map(ToString::to_string).collect();
    clauses.sort();
    if found { format!("{} {}", parsed.name, clauses.join(",")) } else { parsed.name.to_string() }
}

fn verdict(package: &str, requirement: &str, found: Option<&str>) -> Verdict {
    (normal(package), wanted(requirement, found.is_some()), found.map(str::to_owned))
}

fn pip(text: &str) -> Said {
    let mut said = Said::default();
    for line in text.lines() {
        let package = line.split(' ').next().unwrap_or_default();
        if let Some((_, rest)) = line.split_once(" has requirement ") {
            let (requirement, found) = rest.rsplit_once(", but you have ").unwrap();
            let version = found.trim_end_matches('.').rsplit_once(' ').unwrap().1;
            said.requirements.insert(verdict(package, requirement, Some(version)));
        } else if let Some(rest) = line.strip_suffix(", which is not installed.") {
            said.requirements.insert(verdict(package, rest.split_once(" requires ").unwrap().1, None));
        } else if line.ends_with(" is not supported on this platform") {
            said.platforms.insert(normal(package));
        } else {
            let known = ["No broken requirements found.", "WARNING: Error parsing", " "];
            assert!(known.iter().any(|it| line.starts_with(it)), "{line}");
        }
    }
    said
}

fn uv(text: &str) -> Said {
    let mut said = Said::default();
    for line in text.lines() {
        let quoted: Vec<&str> = line.split('`').collect();
        match quoted.as_slice() {
            [_, package, " requires ", requirement, ", but it's not installed"] => {
                said.requirements.insert(verdict(package, requirement, None));
            }
            [_, package, " requires ", requirement, ", but ", version, " is installed"] => {
                said.requirements.insert(verdict(package, requirement, Some(version)));
            }
            [_, package, rest, _, _] if rest.starts_with(" requires Python ") => {
                said.pythons.insert(normal(package));
            }
            [_, package, " was built for a different platform"] => {
                said.platforms.insert(normal(package));
            }
            _ if line.starts_with("error:") => said.gave_up = true,
            _ => {
                let known = ["Found ", "All installed packages", " "];
                let several = line.contains("has multiple installed distributions");
                assert!(several || known.iter().any(|it| line.starts_with(it)), "{line}");
            }
        }
    }
    said
}

/// What envcheck says; the packages of findings that other rules make of an unmet requirement come beside it.
fn ours(path: &Path) -> (Said, Vec<Vec<String>>) {
    let run = envcheck(&["check", path.to_str().unwrap(), "--format", "json", "--fail-on", "never"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let (mut said, mut others) = (Said::default(), Vec::new());
    for finding in report["findings"].as_array().unwrap() {
        let (code, message) = (finding["code"].as_str().unwrap(), finding["message"].as_str().unwrap());
        let components: Vec<String> =
            finding["components"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect();
        match code {
            "EC107" => {
                let (_, rest) = message.split_once(" requires ").unwrap();
                let found = rest.rsplit_once(", found ");
                let requirement = found.map_or_else(|| rest.trim_end_matches(", which is not installed"), |it| it.0);
                let found = found.map(|it| it.1);
                // pip takes a version that it cannot read for no version at all.
                let found = found.filter(|it| !it.ends_with(", which is no version"));
                said.requirements.insert(verdict(&components[0], requirement, found));
            }
            "EC002" => drop(said.pythons.insert(components[0].clone())),
            "EC105" | "EC106" => others.push(components),
            _ => {}
        }
    }
    (said, others)
}

/// Where the tools do not agree, with what envcheck does.
const DISAGREEMENTS: [&str; 3] = [
    // uv looks at no requirement of a package that is installed twice.
    "duplicate",
    // pip looks at no requirement of a package that has one it cannot read; uv reads `>=1.2.*` as `>=1.2`.
    "legacy-requirement",
    // uv gives up on an environment with a version it cannot read.
    "legacy-version",
];

#[test]
fn verdicts_are_those_of_pip_and_uv() {
    let folder = root().join("fixtures/pip-check");
    let cases = names(&folder);
    assert!(cases.len() >= 20, "{cases:?}");
    let (mut faults, mut compared) = (Vec::new(), 0);
    for case in &cases {
        let text = |name: &str| fs::read_to_string(folder.join(case).join(name)).unwrap();
        let (pip, uv) = (pip(&text("pip-check.txt")), uv(&text("uv-check.txt")));
        let (ours, others) = ours(&folder.join(case).join("inspect.json"));
        let covered = |it: &Verdict| {
            let name = it.1.split(' ').next().unwrap().to_owned();
            ours.requirements.contains(it) || others.iter().any(|all| all.contains(&it.0) && all.contains(&name))
        };
        let agree = pip.requirements == uv.requirements;
        if agree == DISAGREEMENTS.contains(&case.as_str()) {
            faults.push(format!("{case}: pip {:?}, uv {:?}", pip.requirements, uv.requirements));
        }
        let both = pip.requirements.iter().filter(|it| uv.gave_up || uv.requirements.contains(it));
        faults.extend(both.filter(|it| !covered(it)).map(|it| format!("{case}: {it:?} is missed")));
        let said = |it: &&Verdict| pip.requirements.contains(*it) || uv.requirements.contains(*it);
        let more = ours.requirements.iter().filter(|it| !said(it));
        faults.extend(more.map(|it| format!("{case}: {it:?} is said by neither tool")));
        // Only uv looks at `Requires-Python`, and only at its lower end.
        faults.extend(uv.pythons.difference(&ours.pythons).map(|it| format!("{case}: {it} and Python is missed")));
        let more: Vec<&String> = ours.pythons.difference(&uv.pythons).collect();
        assert!(more.is_empty() || more == ["too-old"], "{case}: {more:?}");
        // `pip inspect` does not tell the tags of what is installed.
        assert_eq!(pip.platforms, uv.platforms);
        assert!(pip.platforms.is_empty() || case == "platform", "{case}");
        compared += ours.requirements.len() + ours.pythons.len();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(compared > 70, "only {compared} verdicts were compared");
}
