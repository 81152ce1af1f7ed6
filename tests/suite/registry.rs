//! The registries check themselves: no reviewer has to remember what a rule or a format must come with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
};

use envcheck::{
    input::FORMATS,
    knowledge::Knowledge,
    report::OUTPUTS,
    rules::{IMPLYING, RULES, tables_of},
};

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
        let known = |name: &String| {
            ["train", "serve", "envcheck.toml"].contains(&name.as_str()) || name.starts_with("model") && is_onnx(name)
        };
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

#[test]
fn every_table_has_a_rule_and_every_rule_says_its_tables() {
    let knowledge = Knowledge::built_in();
    let tables: BTreeSet<&str> = knowledge.tables().iter().map(|table| table.name()).collect();
    let mut named = BTreeSet::new();
    for rule in RULES {
        let basis = tables_of(rule.code).unwrap_or_else(|| panic!("{} is not in rules/basis.rs", rule.code));
        assert!(basis.windows(2).all(|pair| pair[0] < pair[1]), "{}: {basis:?} is not sorted", rule.code);
        named.extend(basis);
    }
    assert!(named.is_subset(&tables), "no such table: {:?}", named.difference(&tables));
    assert!(IMPLYING.iter().all(|table| tables.contains(table)));
    // No rule asks which GPU a kind of machine has: the environment does, and the rules see a GPU. Fixes ask for tags.
    let unnamed: Vec<&&str> = tables.difference(&named).collect();
    assert_eq!(unnamed, [&"image_tag", &"instance_gpu"], "tables that no rule names");
}

/// Questions to the knowledge and the tables that answer them; the name of a table is a question of its own.
const QUESTIONS: [(&str, &[&str]); 48] = [
    ("architecture_of", &["gpu_architecture"]),
    ("artifact_breaks", &["artifact_break"]),
    ("artifact_promises", &["artifact"]),
    ("capability_is_sure", &[]),
    ("changes_between", &["change"]),
    ("cuda_of_branch", &["driver_branch"]),
    ("distributions_with_glibc", &["distribution"]),
    ("domain", &["onnx_domain"]),
    ("domain_is_measured", &[]),
    ("driver_floor", &["cuda_driver", "cuda_minor"]),
    ("exported_opset", &["exporter"]),
    ("family", &["collision"]),
    ("first_runtime", &["onnxruntime_release"]),
    ("is_onnxruntime", &["collision"]),
    ("has_kernel", &["onnxruntime_kernel"]),
    ("kernels_are_known", &["onnxruntime_kernel"]),
    ("kernels_witness", &["onnxruntime_kernel"]),
    ("last_for_capability", &["minimum_capability"]),
    ("needs_of", &["needs"]),
    ("needs_rows", &["needs"]),
    ("newest_branch", &["driver_branch"]),
    ("newest_cuda", &["cuda_driver"]),
    ("newest_opset", &["onnx_release"]),
    ("newest_release", &["wheel_python"]),
    ("newest_runtime", &["onnxruntime_release"]),
    ("newest_torch", &["torch_release"]),
    ("onnx_writes", &["onnx_release"]),
    ("operator", &["onnx_operator"]),
    ("releases_for_python", &["wheel_python"]),
    ("role", &["package_role"]),
    ("runtime_operator", &["onnxruntime_operator"]),
    ("runtime_operator_off_cpu", &["onnxruntime_operator"]),
    ("shipped", &["image"]),
    ("toolkit_capabilities", &["toolkit_capability"]),
    ("torch_architectures", &["torch_architecture"]),
    ("wheel_libc_at", &["wheel_libc"]),
    ("wheel_pythons", &["wheel_python"]),
    // Asked of the environment or of another rule's module.
    (".gpus(", &["gpu"]),
    ("operator_troubles(", &["onnx_operator", "onnx_release", "onnxruntime_operator"]),
    ("computes", &["onnxruntime_kernel", "onnxruntime_operator"]),
    ("not_carried", &["onnxruntime_element"]),
    (".cuda_users(", &["gpu_libraries", "torch_release"]),
    (".cudnn_users(", &["gpu_libraries", "torch_release"]),
    (".onnx_runtimes(", &["collision", "onnxruntime_release"]),
    ("Driver::of(", &["driver_branch"]),
    ("is_cpu(", &["torch_release"]),
    ("is_too_old(", &["cuda_driver", "cuda_minor"]),
    ("python_reasons(", &["change"]),
];

#[test]
fn rules_rest_on_the_tables_that_their_sources_ask() {
    let questions: BTreeMap<&str, &[&str]> = QUESTIONS.into_iter().collect();
    let knowledge = Knowledge::built_in();
    let tables: BTreeSet<&str> = knowledge.tables().iter().map(|table| table.name()).collect();
    let families = names(&root().join("src/rules")).into_iter().map(|it| root().join("src/rules").join(it));
    let files: Vec<_> = families
        .filter(|it| it.is_dir())
        .flat_map(|it| names(&it).into_iter().map(move |file| it.join(file)))
        .collect();
    for rule in RULES {
        let file = format!("{}.rs", rule.name.replace('-', "_"));
        let path = files.iter().find(|path| path.ends_with(&file)).unwrap();
        let text = fs::read_to_string(path).unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let mut asked: BTreeSet<&str> = BTreeSet::new();
        for (question, answers) in &questions {
            if question.ends_with('(') && code.contains(question) {
                asked.extend(*answers);
            }
        }
        for (at, word) in code.match_indices("knowledge") {
            let Some(rest) = code[at + word.len()..].trim_start().strip_prefix('.') else { continue };
            let name: String = rest.chars().take_while(|it| it.is_ascii_alphanumeric() || *it == '_').collect();
            match (tables.get(name.as_str()), questions.get(name.as_str())) {
                (Some(table), _) => {
                    asked.insert(table);
                }
                (None, Some(answers)) => asked.extend(*answers),
                (None, None) => panic!("{}: which tables answer `{name}`?", rule.name),
            }
        }
        let basis: BTreeSet<&str> = tables_of(rule.code).unwrap().iter().copied().collect();
        assert_eq!(basis, asked, "{} {}", rule.code, rule.name);
    }
}
