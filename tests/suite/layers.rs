//! Imports point down: a module names only modules that come before it in the data flow.

use std::{fs, path::Path};

const LAYERS: [&str; 14] = [
    "text",
    "version",
    "fact",
    "input",
    "knowledge",
    "environment",
    "finding",
    "rules",
    "fix",
    "report",
    "config",
    "gate",
    "capture",
    "cli",
];

/// Names that a layer must not use although they stand below it.
const FORBIDDEN: [(&str, &[&str]); 3] =
    [("rules", &["input", "report"]), ("report", &["knowledge", "input", "rules"]), ("environment", &["input"])];

fn visit(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn imports_point_down() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    visit(&source, &mut files);
    let mut checked = 0;
    for file in files {
        let relative = file.strip_prefix(&source).unwrap();
        let layer = relative.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
        let Some(rank) = LAYERS.iter().position(|it| *it == layer) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).flat_map(|line| [line, "\n"]).collect();
        for used in named_layers(&code) {
            let below = LAYERS.iter().position(|it| *it == used).unwrap();
            assert!(below <= rank, "{}: `{layer}` names `{used}`, which comes later", relative.display());
            let forbidden = FORBIDDEN.iter().find(|(from, _)| *from == layer).map_or(&[][..], |(_, to)| *to);
            assert!(!forbidden.contains(&used), "{}: `{layer}` must not name `{used}`", relative.display());
        }
        if layer == "rules" {
            assert!(!code.contains("std::fs"), "{}: a rule does no I/O", relative.display());
        }
        checked += 1;
    }
    assert!(checked > 10, "only {checked} files were found: the test looks in the wrong place");
}

/// The layers that follow `crate::`, alone or in braces.
fn named_layers(code: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut start = true;
            for (index, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' => start = true,
                    _ => {}
                }
                if start && depth == 0 && character.is_alphabetic() {
                    found.extend(layer_at(&group[index..]));
                    start = false;
                }
            }
        } else {
            found.extend(layer_at(rest));
        }
    }
    found
}

fn layer_at(text: &str) -> Option<&'static str> {
    let word: String = text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    LAYERS.into_iter().find(|layer| *layer == word)
}
