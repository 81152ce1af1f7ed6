//! Lock files that the real tools wrote: names, versions and notes against another reading, and no finding of EC107.
//!
//! The corpus lies beside the repository, not in it; without it the test says that it was skipped. The other reading is
//! a search for the lines that each format writes for a package, without any parser.

use std::{collections::BTreeSet, fs, io::Write as _, path::PathBuf};

use serde_json::Value;

use super::cases::{envcheck, root};

/// File, format, and how many packages are left out.
const FILES: [(&str, &str, usize); 9] = [
    ("uv/train.uv.lock", "uv.lock", 25),
    ("poetry/serve.poetry.lock", "poetry.lock", 0),
    ("pdm/serve.pdm.lock", "pdm.lock", 0),
    ("pylock/pylock.train.uv.toml", "pylock.toml", 0),
    ("pylock/pylock.serve.pip.toml", "pylock.toml", 0),
    ("pipenv/Pipfile.lock", "Pipfile.lock", 0),
    ("cyclonedx/serve.environment.cdx16.json", "cyclonedx", 0),
    ("cyclonedx/serve.uv-export.cdx15.json", "cyclonedx", 0),
    ("uv/train.pyproject.toml", "pyproject", 0),
];

fn corpus() -> Option<PathBuf> {
    let beside = || root().join("../shared");
    let path = std::env::var_os("ENVCHECK_SHARED").map_or_else(beside, PathBuf::from).join("corpus/locks");
    if path.exists() {
        return Some(path);
    }
    let _ = writeln!(std::io::stderr(), "skipped: no corpus/locks to compare with");
    None
}

fn quoted(line: &str, before: &str) -> Option<String> {
    let rest = line.trim().strip_prefix(before)?;
    Some(rest.trim_matches([' ', '=', ':', ',', '"']).to_owned())
}

/// Names and versions by lines alone.
fn by_lines(text: &str, format: &str) -> BTreeSet<(String, String)> {
    let normal = |name: &str| name.to_lowercase().replace(['_', '.'], "-");
    let mut found = BTreeSet::new();
    let mut lines = text.lines().peekable();
    let mut name = String::new();
    let mut default = false;
    while let Some(line) = lines.next() {
        match format {
            "Pipfile.lock" => {
                if line.starts_with("    \"") {
                    default = line.starts_with("    \"default\"");
                } else if let Some(key) = line.strip_prefix("        \"").filter(|_| default) {
                    key.split('"').next().unwrap_or_default().clone_into(&mut name);
                } else if let Some(version) = quoted(line, "\"version\"").filter(|_| default) {
                    found.insert((normal(&name), version.trim_start_matches(['=', '*']).to_owned()));
                }
            }
            "cyclonedx" => {
                let purl = quoted(line, "\"purl\"").and_then(|it| it.strip_prefix("pkg:pypi/").map(str::to_owned));
                if let Some((name, version)) = purl.as_deref().and_then(|it| it.split_once('@')) {
                    found.insert((normal(name), version.replace("%2B", "+")));
                }
            }
            "pyproject" => {
                if let Some((name, version)) = line.trim().trim_matches([',', '"']).split_once("==") {
                    found.insert((normal(name), version.to_owned()));
                }
            }
            _ => {
                let header = line == "[[package]]" || line == "[[packages]]";
                if let Some(next) = lines.peek().filter(|_| header).and_then(|next| quoted(next, "name")) {
                    name = next;
                    lines.next();
                    if let Some(version) = lines.peek().and_then(|next| quoted(next, "version")) {
                        found.insert((normal(&name), version));
                    }
                }
            }
        }
    }
    found.retain(|(name, version)| !name.contains([' ', '[']) && !version.contains(' '));
    found
}

#[test]
fn locks_of_real_tools_are_read_in_full() {
    let Some(folder) = corpus() else { return };
    for (file, format, left) in FILES {
        let path = folder.join(file);
        let shown = path.to_str().unwrap();
        let run = envcheck(&["inspect", "--format", "json", shown]);
        assert_eq!(run.code, 0, "{file}: {}", run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let input = &report["inputs"][0];
        assert_eq!(input["format"], format, "{file}");
        let packages = input["facts"].as_array().unwrap().iter().filter(|fact| fact["kind"] == "package");
        let found: BTreeSet<(String, String)> = packages
            .map(|fact| {
                let version = fact["specifier"].as_str().unwrap().trim_start_matches('=');
                (fact["name"].as_str().unwrap().to_owned(), version.to_owned())
            })
            .collect();
        let expected = by_lines(&fs::read_to_string(&path).unwrap(), format);
        assert!(expected.len() > 4, "{file}: {expected:?}");
        let more: Vec<_> = found.difference(&expected).collect();
        assert!(more.is_empty(), "{file}: {more:?}");
        let less: Vec<_> = expected.difference(&found).collect();
        let project = usize::from(file == "uv/train.uv.lock");
        assert_eq!(less.len(), left + project, "{file}: {less:?}");
        let run = envcheck(&["check", shown, "--format", "json", "--fail-on", "never"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let unmet = report["findings"].as_array().unwrap().iter().find(|it| it["code"] == "EC107");
        assert!(unmet.is_none(), "{file}: {unmet:?}");
    }
}
