//! The registries check themselves: no reviewer has to remember what a rule or a format must come with.

use std::{collections::BTreeSet, fs, io::Write as _};

use envcheck::{input::FORMATS, report::OUTPUTS, rules::RULES};

use super::cases::{cases, findings, is_onnx, names, reports, root};

#[test]
fn every_rule_is_documented() {
    for rule in RULES {
        for heading in ["## Why it matters", "## Example", "## How to fix"] {
            assert!(rule.docs.contains(heading), "{}: no `{heading}`", rule.name);
        }
        let summary = rule.summary();
        assert!(summary.ends_with('.') && !summary.is_empty(), "{}: `{summary}` is no sentence", rule.name);
        assert!(rule.docs.contains("```text"), "{}: the example shows no files", rule.name);
        assert!(rule.since.split('.').all(|part| part.parse::<u32>().is_ok()), "{}: since {}", rule.name, rule.since);
    }
}

#[test]
fn codes_rise_and_names_follow_their_modules() {
    for rule in RULES {
        let digits = rule.code.strip_prefix("EC").expect("a code begins with EC");
        assert!(digits.len() == 3 && digits.bytes().all(|it| it.is_ascii_digit()), "{}", rule.code);
        let kebab = rule.name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        });
        assert!(kebab, "{} is no kebab-case", rule.name);
        let vague = ["check-", "no-", "use-", "invalid-"].iter().any(|prefix| rule.name.starts_with(prefix));
        assert!(!vague, "{} does not name the defect", rule.name);
    }
    for pair in RULES.windows(2) {
        assert!(pair[0].code < pair[1].code, "{} stands before {}", pair[0].code, pair[1].code);
    }
    // The module is the file: one rule, one file, named alike.
    let mut modules = BTreeSet::new();
    for family in names(&root().join("src/rules")) {
        let folder = root().join("src/rules").join(&family);
        if folder.is_dir() {
            for file in names(&folder) {
                let text = fs::read_to_string(folder.join(&file)).unwrap();
                let module = file.trim_end_matches(".rs").replace('_', "-");
                assert!(text.contains(&format!("name: \"{module}\"")), "{family}/{file} does not define {module}");
                modules.insert(module);
            }
        }
    }
    let named: BTreeSet<String> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(named, modules);
}

#[test]
fn fixture_folders_are_the_rules() {
    let folders: BTreeSet<String> = names(&root().join("fixtures/rules")).into_iter().collect();
    let rules: BTreeSet<String> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(folders, rules);
    for rule in RULES {
        let folder = root().join("fixtures/rules").join(rule.name);
        for needed in ["fires", "quiet"] {
            assert!(folder.join(needed).is_dir(), "{} has no `{needed}`", rule.name);
        }
    }
    for case in cases() {
        let quiet = case.name == "quiet" || case.name.starts_with("quiet-");
        assert!(case.fires() != quiet, "{}: begins with neither `fires` nor `quiet`", case.path());
        let inside = names(&root().join(case.path()));
        let known =
            |name: &String| ["train", "serve"].contains(&name.as_str()) || name.starts_with("model") && is_onnx(name);
        assert!(inside.iter().all(known), "{}: {inside:?}", case.path());
        assert!(inside.contains(&"serve".to_owned()), "{} has no serving side", case.path());
    }
}

#[test]
fn every_rule_is_shown_on_both_sides_of_the_line() {
    let mut faults = Vec::new();
    for (case, report) in reports() {
        let code = RULES.iter().find(|rule| rule.name == case.rule).map_or("", |rule| rule.code);
        let found = findings(report, code);
        match (case.fires(), found.as_slice()) {
            (true, []) => faults.push(format!("{} does not fire", case.path())),
            (false, [first, ..]) => faults.push(format!("{} is not quiet: {}", case.path(), first["message"])),
            _ => {}
        }
        // A rule never says more than its record promises.
        for finding in report["findings"].as_array().unwrap() {
            let rule = RULES.iter().find(|rule| finding["code"] == rule.code).unwrap();
            let rank = |word: &str| ["info", "warning", "error"].iter().position(|it| *it == word);
            let severity = finding["severity"].as_str().unwrap();
            assert!(
                rank(severity) <= rank(&rule.severity.to_string()),
                "{}: {severity}[{}] is more than {} has",
                case.path(),
                rule.code,
                rule.severity
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_readme_lists_the_rules() {
    let Ok(readme) = fs::read_to_string(root().join("README.md")) else {
        let _ = writeln!(std::io::stderr(), "skipped: there is no README.md yet");
        return;
    };
    let Some((_, rest)) = readme.split_once("<!-- rules -->") else {
        let _ = writeln!(std::io::stderr(), "skipped: README.md has no `<!-- rules -->`");
        return;
    };
    let (table, _) = rest.split_once("<!-- /rules -->").expect("`<!-- /rules -->` ends the table");
    let rows: Vec<Vec<String>> = table
        .lines()
        .filter(|line| line.starts_with('|') && line.contains("EC"))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect())
        .collect();
    let shown: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    let expected: Vec<(&str, &str)> = RULES.iter().map(|rule| (rule.code, rule.name)).collect();
    assert_eq!(shown, expected);
}

/// Formats whose fixtures are still to be written. Take a name out with its fixture; never add one.
const WITHOUT_FIXTURES: [&str; 2] = ["envcheck-lock", "proc-driver"];

/// The modules that define a format, which is how the folders of fixtures are called (`_`, `-` and `.` are one).
fn format_modules() -> BTreeSet<String> {
    let folder = root().join("src/input");
    let defines = |name: &String| {
        let path = folder.join(name);
        let path = if path.is_dir() { path.join("mod.rs") } else { path };
        fs::read_to_string(path).is_ok_and(|text| text.contains("pub(super) static FORMAT: Format"))
    };
    names(&folder).iter().filter(|name| defines(name)).map(|name| plain(name.trim_end_matches(".rs"))).collect()
}

fn plain(name: &str) -> String {
    name.replace(['_', '.'], "-")
}

#[test]
fn every_input_format_has_fixtures() {
    let modules = format_modules();
    assert_eq!(modules.len(), FORMATS.len(), "every registered format is a module of its own: {modules:?}");
    let folders: BTreeSet<String> = names(&root().join("fixtures/inputs")).iter().map(|it| plain(it)).collect();
    let missing: Vec<&String> = modules.difference(&folders).collect();
    assert_eq!(missing, WITHOUT_FIXTURES, "the formats without a folder under fixtures/inputs");
    let orphans: Vec<&String> = folders.difference(&modules).collect();
    assert!(orphans.is_empty(), "no format is called {orphans:?}");
}

#[test]
fn every_output_format_has_a_snapshot() {
    let snapshots = names(&root().join("tests/suite/snapshots"));
    for output in OUTPUTS {
        let wanted = format!("quickstart-{}.snap", output.name);
        assert!(snapshots.iter().any(|name| name.ends_with(&wanted)), "no snapshot ends with {wanted}");
    }
}
