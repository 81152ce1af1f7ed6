//! The outputs: their schemas over every fixture, the lines of the concise one, and the demonstration of the README.

use std::{collections::BTreeMap, fs, path::Path};

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::{
    cases::{cases, envcheck, is_onnx, reports, root},
    rules::redacted,
};

pub(super) fn schema(name: &str) -> Validator {
    let text = fs::read_to_string(root().join("src/report").join(name)).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).unwrap()
}

pub(super) fn faults(validator: &Validator, what: &str, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|fault| format!("{what}: {}: {fault}", fault.instance_path())).collect()
}

#[test]
fn every_report_fits_its_schema() {
    let validator = schema("report.schema.json");
    let faults: Vec<String> =
        reports().iter().flat_map(|(case, report)| faults(&validator, &case.path(), report)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_schema_of_reports_is_strict() {
    let validator = schema("report.schema.json");
    let (_, report) = reports().iter().find(|(case, _)| case.rule == "opset-too-new" && case.name == "fires").unwrap();
    assert!(validator.is_valid(report));
    let spoiled = |pointer: &str, value: Value| {
        let mut report = report.clone();
        if let Some(place) = report.pointer_mut(pointer) {
            *place = value;
        } else {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            report.pointer_mut(parent).unwrap()[key] = value;
        }
        assert!(!validator.is_valid(&report), "the schema accepts another {pointer}");
    };
    spoiled("/version", 2.into());
    spoiled("/more", 1.into());
    spoiled("/findings/0/more", 1.into());
    spoiled("/findings/0/severity", "fatal".into());
    spoiled("/findings/0/labels", Value::Array(Vec::new()));
    spoiled("/findings/0/components", Value::Array(Vec::new()));
    spoiled("/environments/0/facts/0/standing", "rumoured".into());
    spoiled("/models/0/more", 1.into());
    // Places in a model's view have no line; half a place is none.
    let labels = report["findings"][0]["labels"].as_array().unwrap();
    let in_model = labels.iter().position(|label| is_onnx(label["path"].as_str().unwrap())).unwrap();
    for key in ["line", "column", "offset", "length"] {
        assert_eq!(labels[in_model][key], Value::Null, "{key}");
        spoiled(&format!("/findings/0/labels/{in_model}/{key}"), 3.into());
    }
}

#[test]
fn everything_that_is_read_fits_its_schema() {
    let validator = schema("inspect.schema.json");
    let mut inputs: Vec<String> = Vec::new();
    for case in cases() {
        inputs.push(format!("{}/serve", case.path()));
        if case.is_diff() {
            inputs.push(format!("{}/train", case.path()));
        }
        inputs.extend(case.models().iter().map(|name| format!("{}/{name}", case.path())));
    }
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = Vec::new();
    let mut look = |arguments: &[&str], expected: bool| {
        let run = envcheck(&[&["inspect", "--format", "json"], arguments].concat());
        if run.code == 2 && !expected {
            return; // A fixture of a reader may be a file that is refused.
        }
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        let value: Value = serde_json::from_str(&run.stdout).unwrap();
        for input in value["inputs"].as_array().unwrap() {
            for fact in input["facts"].as_array().unwrap() {
                *kinds.entry(fact["kind"].as_str().unwrap().to_owned()).or_default() += 1;
                check_place(fact);
            }
        }
        all.extend(faults(&validator, &arguments.join(" "), &value));
    };
    // Many at once, since starting the program is what takes the time.
    for some in inputs.chunks(40) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        look(&some, true);
    }
    for file in files(&root().join("fixtures/inputs")) {
        look(&[file.as_str()], false);
    }
    look(&["fixtures/quickstart/train", "fixtures/quickstart/serve"], true);
    assert!(all.is_empty(), "{}", all.join("\n"));
    for kind in
        ["package", "python", "nvidia-driver", "driver-cuda", "cuda", "cudnn", "gpu", "image", "library", "model"]
    {
        assert!(kinds.contains_key(kind), "no fixture has a fact of the kind {kind}: {kinds:?}");
    }
}

/// The offset of a fact is where its line and column are, in bytes.
fn check_place(fact: &Value) {
    let Some(line) = fact["line"].as_u64() else { return };
    let path = fact["path"].as_str().unwrap();
    let bytes = fs::read(root().join(path)).unwrap();
    // A file that declares another encoding in a comment is counted in that one.
    let Ok(text) = envcheck::text::decode(&bytes) else { return };
    let number = |key: &str| usize::try_from(fact[key].as_u64().unwrap()).unwrap();
    let (offset, length) = (number("offset"), number("length"));
    assert!(text.get(offset..offset + length).is_some(), "{path}: {fact}");
    let source = envcheck::text::Source::new(path.to_owned(), envcheck::text::Form::Text, text.into());
    let position = source.position(offset);
    assert_eq!((position.line as u64, position.column), (line, number("column")), "{path}: {fact}");
}

/// Every file below a folder, relative to the root.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"));
        }
    }
    found.sort();
    found
}

/// `path:line:column: severity[CODE] message`, or `path: severity[CODE] message` for a model.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    path: &'a str,
    position: Option<(u64, u64)>,
    severity: &'a str,
    code: &'a str,
    message: &'a str,
}

fn parse(line: &str) -> Option<Line<'_>> {
    let (place, rest) = line.split_once(": ")?;
    let (severity, rest) = rest.split_once('[')?;
    let (code, message) = rest.split_once("] ")?;
    let mut parts = place.rsplitn(3, ':');
    let (column, line, path) = (parts.next()?, parts.next(), parts.next());
    Some(match (path, line.and_then(|it| it.parse().ok()), column.parse().ok()) {
        (Some(path), Some(line), Some(column)) => {
            Line { path, position: Some((line, column)), severity, code, message }
        }
        _ => Line { path: place, position: None, severity, code, message },
    })
}

#[test]
fn concise_output_is_one_line_a_finding_and_says_what_json_says() {
    for (case, report) in reports().iter().filter(|(case, _)| case.fires()) {
        let run = case.run(&["--format", "concise", "--fail-on", "never"]);
        let lines: Vec<&str> = run.stdout.lines().collect();
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(lines.len(), findings.len(), "{}", case.path());
        for (line, finding) in lines.iter().zip(findings) {
            let labels = finding["labels"].as_array().unwrap();
            let label = labels.iter().find(|label| label["primary"] == true).unwrap();
            let expected = Line {
                path: label["path"].as_str().unwrap(),
                position: label["line"].as_u64().zip(label["column"].as_u64()),
                severity: finding["severity"].as_str().unwrap(),
                code: finding["code"].as_str().unwrap(),
                message: finding["message"].as_str().unwrap(),
            };
            assert_eq!(parse(line), Some(expected), "{}: {line}", case.path());
        }
    }
}

/// What STYLE asks of every sentence on the screen, and of what stands behind it.
#[test]
fn findings_are_worded_and_witnessed_alike() {
    let sentence = |text: &str| {
        let begins = text.chars().next().is_some_and(|first| !first.is_uppercase()) || vendor(text);
        begins && !text.ends_with('.') && !text.contains('\n') && !text.contains("  ")
    };
    for (case, report) in reports() {
        for finding in report["findings"].as_array().unwrap() {
            let message = finding["message"].as_str().unwrap();
            assert!(sentence(message), "{}: {message}", case.path());
            let help = finding["help"].as_str().unwrap_or_default();
            assert!(!help.is_empty(), "{}: no advice for: {message}", case.path());
            assert!(sentence(help) && !help.contains("://"), "{}: {help}", case.path());
            for label in finding["labels"].as_array().unwrap() {
                let text = label["text"].as_str().unwrap();
                assert!(sentence(text), "{}: {text}", case.path());
            }
            // An error speaks about the world, so somebody must have said so; what the files say needs no witness.
            let own = ["EC102", "EC002", "EC103"].contains(&finding["code"].as_str().unwrap())
                || message.starts_with("no NVIDIA driver");
            if finding["severity"] == "error" && !own {
                assert_ne!(finding["evidence"], Value::Array(Vec::new()), "{}: {message}", case.path());
            }
        }
        for question in report["undecided"].as_array().unwrap() {
            assert!(sentence(question["reason"].as_str().unwrap()), "{}: {question}", case.path());
        }
    }
}

/// Names that their makers write with a capital.
fn vendor(text: &str) -> bool {
    [
        "CUDA",
        "TensorRT",
        "Triton",
        "IR version",
        "Python",
        "ONNX",
        "NVIDIA",
        "Volta",
        "Turing",
        "Ampere",
        "Ada",
        "Hopper",
        "Blackwell",
        "Kepler",
        "Pascal",
        "Maxwell",
        "TensorRT",
    ]
    .iter()
    .any(|name| text.starts_with(name))
}

const QUICKSTART: [&str; 3] = ["diff", "fixtures/quickstart/train", "fixtures/quickstart/serve"];

#[test]
fn the_demonstration() {
    for format in ["human", "concise", "json"] {
        let run = envcheck(&[&QUICKSTART[..], &["--format", format]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (1, ""));
        insta::assert_snapshot!(format!("quickstart-{format}"), redacted(&run.stdout));
    }
}

#[test]
fn no_line_of_prose_is_wider_than_the_terminal() {
    for (columns, arguments) in [("80", QUICKSTART), ("100", QUICKSTART), ("60", QUICKSTART)] {
        let run = super::cases::finish(super::cases::command().args(arguments).env("COLUMNS", columns));
        let width: usize = columns.parse().unwrap();
        for line in run.stdout.lines() {
            // Quoted lines of files and sources stay whole, so that they can be searched for and opened.
            let frame = line.contains(['│', '╭', '╰', '·']);
            let quoted = frame || line.contains("://") || line.contains("; checked ");
            let one_word = line.split_whitespace().count() <= 2;
            assert!(quoted || one_word || line.chars().count() <= width, "{columns} columns: {line}");
        }
    }
}

#[test]
fn verbose_shows_every_line_and_quiet_only_what_is_wrong() {
    let verbose = envcheck(&[&QUICKSTART[..], &["-v"]].concat()).stdout;
    assert!(verbose.contains("info[EC101] version-drift (drift)"), "{verbose}");
    assert!(!verbose.contains("Differences without"), "{verbose}");
    let quiet = envcheck(&[&QUICKSTART[..], &["-q"]].concat()).stdout;
    assert!(quiet.contains("error[EC301]") && quiet.contains("warning[EC601]"), "{quiet}");
    assert!(!quiet.contains("EC101") && !quiet.contains("could not decide"), "{quiet}");
}

#[test]
fn lines_that_no_terminal_can_show_are_cut() {
    let line = format!("numpy==2.1.0 {}# last\npandas==1.5.3\n", " ".repeat(200));
    let far = format!("numpy==2.1.0 # {}\n{}pandas==1.5.3\n", "é".repeat(99_000), " ".repeat(99_000));
    for text in [line, far] {
        let run = super::cases::envcheck_reading(text.as_bytes(), &["check", "-"]);
        assert!(run.code == 1 && run.stderr.is_empty(), "{}", run.stderr);
        assert!(run.stdout.contains("pandas==1.5.3") && run.stdout.contains('…'), "{}", run.stdout);
        let shown = run.stdout.lines().filter(|line| line.contains(" │ "));
        assert!(
            shown.clone().count() >= 2 && shown.into_iter().all(|line| line.chars().count() <= 101),
            "{}",
            run.stdout
        );
    }
}
