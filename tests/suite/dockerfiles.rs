//! Dockerfiles as people write them: what `inspect` says about each, as a user reads it.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::Value;

use super::cases::{envcheck, names, root};

/// The Dockerfiles of a folder and of those in it, with their paths from the root.
fn dockerfiles(folder: &str, out: &mut Vec<String>) {
    for name in names(&root().join(folder)) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            dockerfiles(&path, out);
        } else if is_dockerfile(&name.to_lowercase()) {
            out.push(path);
        }
    }
}

fn is_dockerfile(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|it| it.to_str()).unwrap_or_default();
    ending != "md" && (name.starts_with("dockerfile") || name == "containerfile" || ending == "dockerfile")
}

/// A fact or note in one line: where it is said, what is said, and the words that say it.
fn line(entry: &Value, own: &str) -> String {
    let path = entry["path"].as_str().unwrap();
    let number = entry["line"].as_u64().unwrap();
    let mut out =
        if path == own { format!("{number:>4}") } else { format!("{}:{number}", path.rsplit('/').next().unwrap()) };
    if let Some(reason) = entry["reason"].as_str() {
        let _ = write!(out, " skipped: {reason}");
        return out;
    }
    let _ = write!(out, " {}", entry["kind"].as_str().unwrap());
    let places = ["kind", "path", "line", "column", "offset", "length", "standing"];
    for (key, value) in entry.as_object().unwrap().iter().filter(|(key, _)| !places.contains(&key.as_str())) {
        match value {
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => {
                let _ = write!(out, " {key}={text}");
            }
            Value::Array(list) if list.is_empty() => {}
            Value::Null | Value::Bool(false) => {}
            other => {
                let _ = write!(out, " {key}={other}");
            }
        }
    }
    let text = fs::read_to_string(root().join(path)).unwrap();
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let start = usize::try_from(entry["offset"].as_u64().unwrap()).unwrap();
    let length = usize::try_from(entry["length"].as_u64().unwrap()).unwrap();
    let said = text[start..start + length].replace('\n', " ");
    let repeated = entry["specifier"].as_str().is_some_and(|it| said.ends_with(it)) || out.ends_with(&said);
    if !repeated {
        let _ = write!(out, " `{said}`");
    }
    out
}

fn rendered(arguments: &[&str]) -> String {
    let run = envcheck(&[&["inspect", "--format", "json"], arguments].concat());
    if run.code != 0 {
        return run.stderr;
    }
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let input = &value["inputs"][0];
    assert_eq!(input["format"], "dockerfile", "{arguments:?}");
    let own = input["path"].as_str().unwrap();
    let mut out = String::new();
    // What the tables make of an image is their business; here it is about what the file says.
    let stated = || input["facts"].as_array().unwrap().iter().filter(|fact| fact["standing"] != "implied");
    for fact in stated() {
        assert_eq!(fact["standing"], "declared", "{fact}");
    }
    for entry in stated().chain(input["skipped"].as_array().unwrap()) {
        let _ = writeln!(out, "{}", line(entry, own));
    }
    out
}

#[test]
fn dockerfiles_are_read_as_they_are_built() {
    let mut paths = Vec::new();
    dockerfiles("fixtures/inputs/dockerfile", &mut paths);
    assert!(paths.len() >= 40, "{paths:?}");
    let mut out = String::new();
    for path in &paths {
        let shown = path.trim_start_matches("fixtures/inputs/dockerfile/");
        let _ = writeln!(out, "== {shown}\n{}", rendered(&[path]));
    }
    insta::assert_snapshot!("dockerfiles", out);
}

#[test]
fn stages_and_arguments_are_chosen_on_the_command_line() {
    let path = |name: &str| format!("fixtures/inputs/dockerfile/{name}/Dockerfile");
    let mut out = String::new();
    for (name, options) in [
        ("multi-target", &["--target", "PROD.v2"][..]),
        ("multi-target", &["--target", "1"]),
        ("multi-target", &["--target", "test"]),
        ("arg-stage-choice", &["--define", "DEVICE=cpu"]),
        ("arg-without-default", &["--define", "BASE_IMAGE=python:3.12-slim"]),
        ("conditions", &["--define", "DEVICE=gpu", "--define", "TARGETARCH=amd64"]),
        (
            "arg-matrix",
            &[
                "--define",
                "CUDA_TAG=cu118",
                "--define",
                "TORCH_VERSION=2.2.0",
                "--define",
                "TRANSFORMERS_VERSION=4.40.0",
            ],
        ),
    ] {
        let path = path(name);
        let arguments = [&[path.as_str()], options].concat();
        let _ = writeln!(out, "== {name} {}\n{}", options.join(" "), rendered(&arguments));
    }
    insta::assert_snapshot!("dockerfiles-chosen", out);
}

/// A file that the build reads is no input of its own.
#[test]
fn files_that_a_dockerfile_reads_are_not_read_twice() {
    let run = envcheck(&["inspect", "--format", "json", "fixtures/inputs/dockerfile/multi-target"]);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let paths: Vec<&str> = value["inputs"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["fixtures/inputs/dockerfile/multi-target/Dockerfile"]);
}
