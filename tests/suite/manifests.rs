//! What is read from manifests: one snapshot a fixture, a line for each fact and each part that was skipped.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::Value;

use super::cases::{envcheck, root};

const FOLDERS: [&str; 11] = [
    "azureml",
    "bentofile",
    "cog",
    "compose",
    "conda-environment",
    "databricks",
    "kubernetes",
    "mlmodel",
    "ray",
    "triton_config",
    "vertex",
];

/// What `inspect` says about a file: line, kind, and everything else but the place.
fn shown(path: &str) -> String {
    let run = envcheck(&["inspect", "--format", "json", path]);
    if run.code != 0 {
        return format!("exit code {}\n{}", run.code, run.stderr);
    }
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let mut out = String::new();
    for input in report["inputs"].as_array().unwrap() {
        let _ = writeln!(out, "{}", input["format"].as_str().unwrap());
        // What knowledge makes follow from it has tests of its own.
        for fact in input["facts"].as_array().unwrap().iter().filter(|fact| fact["standing"] != "implied") {
            let text = fs::read_to_string(root().join(fact["path"].as_str().unwrap())).unwrap();
            let at = |key: &str| usize::try_from(fact[key].as_u64().unwrap()).unwrap();
            let covered = &text[at("offset")..at("offset") + at("length")];
            let mut said: BTreeMap<&str, String> = BTreeMap::new();
            for (key, value) in fact.as_object().unwrap() {
                let place = ["path", "line", "column", "offset", "length", "kind"].contains(&key.as_str());
                let usual = key == "standing" && value == "declared";
                let empty = value.is_null() || value == &Value::Array(Vec::new()) || value == false;
                if !place && !usual && !empty {
                    said.insert(key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                }
            }
            let said: Vec<String> = said.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let (line, kind) = (&fact["line"], fact["kind"].as_str().unwrap());
            let _ = writeln!(out, "{line:>3} {kind}: {}", said.join(", "));
            if said.iter().all(|it| !it.ends_with(&format!("={covered}"))) {
                let _ = writeln!(out, "      at `{}`", covered.replace('\n', "\\n"));
            }
        }
        for part in input["skipped"].as_array().unwrap() {
            let _ = writeln!(out, "{:>3} skipped: {}", part["line"], part["reason"].as_str().unwrap());
        }
    }
    out
}

#[test]
fn what_is_read_from_each_fixture() {
    for folder in FOLDERS {
        let path = root().join("fixtures/inputs").join(folder);
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names {
            let snapshot = format!("{folder}-{}", name.replace('.', "-"));
            insta::assert_snapshot!(snapshot, shown(&format!("fixtures/inputs/{folder}/{name}")));
        }
    }
}
