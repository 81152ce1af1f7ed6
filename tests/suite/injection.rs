//! Names, texts and metadata from inputs that try to be something else where they are shown: commands of a workflow,
//! escape sequences of a terminal, markup, elements, links, mentions, other directions of writing.
//!
//! Every registered format must show them as text. Where a format has a parser, the output is parsed.

use std::collections::BTreeSet;

use envcheck::{
    finding::{Edit, Evidence, Excuse, Excused, Finding, Fix, Severity, Undecided},
    report::OUTPUTS,
    text::is_hidden,
};
use onnx_protobuf::StringStringEntryProto;
use protobuf::Message as _;
use serde_json::Value;

use super::{
    cli::Scratch,
    outputs::{World, elements, finding, rendered},
};

/// Texts that are harmless only as text.
const HOSTILE: [&str; 14] = [
    "x ##[error]y ##vso[task.setvariable variable=z]z",
    "a long enough text that has to be broken somewhere on a terminal of a hundred columns, and then ::error ::x",
    "a\n::error file=x::pwned",
    "a\r\n##vso[task]x",
    "\u{1b}[31mred\u{1b}[0m \u{9b}2J \u{7}",
    "x\u{202e}gpj.exe \u{2066}y\u{2069} \u{200b}z",
    "<img src=x onerror=alert(1)><script>alert(1)</script></details>",
    "]]><failure/>&xxe;<!--",
    "a|b\\|c`d``e` | f",
    "[click](https://evil.example) ![i](https://evil.example/i.png) https://evil.example www.evil.example",
    "@everyone fixes #123 GH-7 !5 a@evil.example",
    "\n\n# heading\n- [ ] item\n```\ncode",
    "%0A::error::pwned, title=x,line=9::y%25",
    "{\"a\": \"b\"}, \\u0000 \u{0} \u{fffe} \u{ffff}",
];

fn world(text: &str) -> World {
    let path = text.replace('/', "_");
    let content = format!("{text}\nnumpy==1.0\n{text} numpy==2.0\n");
    World::new((&format!("train/{path}"), &content), (&path, &content), (&format!("{path}.onnx"), &content))
}

/// A finding in which every text is the hostile one.
fn hostile(world: &World, text: &str, severity: Severity) -> Finding {
    let mut finding = finding(severity, text)
        .primary("serve", world.place(world.serve, "numpy==2.0"), text)
        .primary(text, world.place(world.model, "numpy==2.0"), text)
        .label("train", world.place(world.train, text), text)
        .about([text])
        .because(Evidence {
            claim: text.into(),
            source: text.into(),
            locator: text.into(),
            checked: text.into(),
            own_row: None,
        })
        .help(text);
    let edit = Edit { place: world.place(world.serve, "numpy==1.0"), replacement: text.into() };
    finding.fixes =
        vec![Fix { title: text.into(), safe: false, edits: vec![edit], command: Some(text.into()), ..Fix::default() }];
    finding
}

#[test]
fn nothing_from_an_input_is_more_than_text_in_any_format() {
    for text in HOSTILE {
        let world = world(text);
        let all = [Severity::Error, Severity::Warning, Severity::Info];
        let mut report = world.report(text, all.map(|severity| hostile(&world, text, severity)).into());
        let place = world.place(world.serve, text);
        let excuse = Excuse::Comment { place, reason: text.into() };
        report.excused = vec![
            Excused { finding: hostile(&world, text, Severity::Error), excuse },
            Excused {
                finding: hostile(&world, text, Severity::Warning),
                excuse: Excuse::Baseline { path: text.into() },
            },
        ];
        report.undecided =
            vec![Undecided { code: "EC001", rule: "python-drift", reason: text.into(), remedy: text.into() }];
        let second = world.report("train -> serve", vec![hostile(&world, text, Severity::Error)]);
        let reports = [report, second];
        for output in OUTPUTS {
            inert(output.name, &rendered(output.name, &reports), text);
        }
    }
}

/// What must hold of a format's output, whatever the inputs were.
fn inert(format: &str, text: &str, from: &str) {
    let what = format!("{format} of {from:?}:\n{text}");
    let raw = |character: char| character != '\n' && is_hidden(character);
    assert!(!text.contains(raw), "{:?} in {what}", text.chars().find(|it| raw(*it)));
    if ["human", "concise", "json", "json-lines", "github", "markdown"].contains(&format) {
        assert!(!text.contains("##[") && !text.contains("##vso["), "a command in {what}");
    }
    for line in text.lines().filter(|_| format != "github") {
        assert!(!line.trim_start().starts_with("::"), "a command in {what}");
    }
    match format {
        "json" => {
            serde_json::from_str::<Value>(text).unwrap_or_else(|fault| panic!("{fault} in {what}"));
        }
        "gitlab" => {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|fault| panic!("{fault} in {what}"));
            shown(&value, &what);
        }
        "sarif" => {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|fault| panic!("{fault} in {what}"));
            messages(&value, &what);
        }
        "json-lines" => {
            for line in text.lines() {
                serde_json::from_str::<Value>(line).unwrap_or_else(|fault| panic!("{fault} in {what}"));
            }
        }
        "github" => text.lines().for_each(|line| command(line, &what)),
        "junit" => {
            let suites = elements(text, "testsuite");
            assert_eq!((suites, elements(text, "failure"), elements(text, "img")), (2, 3, 0), "{what}");
            assert!(!text.contains(['\u{fffe}', '\u{ffff}']) && !text.contains("]]>"), "{what}");
        }
        "checkstyle" => {
            assert_eq!((elements(text, "file"), elements(text, "failure")), (1, 0), "{what}");
            assert!(!text.contains(['\u{fffe}', '\u{ffff}']) && !text.contains("]]>"), "{what}");
        }
        "markdown" => markdown(text, 7, &what),
        "html" => {
            for markup in ["<img src=x", "<script>alert", "<failure/>", "<!-->"] {
                assert!(!text.contains(markup), "{what}");
            }
        }
        _ => {}
    }
}

/// No text of the value has a character that hides or reorders.
fn shown(value: &Value, what: &str) {
    match value {
        Value::String(text) => assert!(!text.contains(is_hidden), "{text:?} in {what}"),
        Value::Array(all) => all.iter().for_each(|it| shown(it, what)),
        Value::Object(all) => all.values().for_each(|it| shown(it, what)),
        _ => {}
    }
}

/// No message of SARIF is a link or has hidden characters, and every address is one.
fn messages(value: &Value, what: &str) {
    match value {
        Value::Array(all) => all.iter().for_each(|it| messages(it, what)),
        Value::Object(all) => {
            for (key, value) in all {
                match (key.as_str(), value) {
                    ("message" | "description", Value::Object(message)) => {
                        let text = message["text"].as_str().unwrap();
                        assert!(!text.contains("]("), "{text} in {what}");
                        assert!(!text.contains(|it| it != '\n' && is_hidden(it)), "{text:?} in {what}");
                    }
                    ("uri", Value::String(uri)) => {
                        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri} in {what}");
                        assert!(!uri.contains(['<', '>', '"', '\\', '#', '`', '{', '|']), "{uri} in {what}");
                    }
                    // The manuals of rules are envcheck's own.
                    ("rules", _) => {}
                    _ => messages(value, what),
                }
            }
        }
        _ => {}
    }
}

/// The line is one annotation with known properties, read as GitHub's runner reads it.
fn command(line: &str, what: &str) {
    let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("`{line}` in {what}"));
    let (head, data) = rest.split_once("::").unwrap_or_else(|| panic!("`{line}` in {what}"));
    let (name, properties) = head.split_once(' ').unwrap_or_else(|| panic!("`{line}` in {what}"));
    assert!(["error", "warning", "notice"].contains(&name), "{what}");
    let keys: Vec<&str> =
        properties.split(',').map(|it| it.split_once('=').unwrap_or_else(|| panic!("{what}")).0).collect();
    let known = ["file", "line", "endLine", "col", "endColumn", "title"];
    assert!(keys.iter().all(|key| known.contains(key)), "{keys:?} in {what}");
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{keys:?} in {what}");
    let escapes = |text: &str| {
        text.match_indices('%')
            .all(|(at, _)| ["%25", "%0A", "%0D", "%3A", "%2C"].contains(&text.get(at..at + 3).unwrap_or("")))
    };
    assert!(escapes(properties) && escapes(data), "{what}");
}

/// Outside of code no markup of Markdown or HTML but the format's own, no mention and no address.
fn markdown(text: &str, bars: usize, what: &str) {
    let mut fence: Option<&str> = None;
    let mut folds = 0_i32;
    for line in text.lines() {
        if let Some(open) = fence {
            if line == open {
                fence = None;
            } else {
                // The number of the line stands first, so that no line of a file can close the block.
                assert!(line.split_once(" | ").is_some_and(|(number, _)| number.parse::<usize>().is_ok()), "{what}");
            }
            continue;
        }
        if line.starts_with("```") {
            fence = Some(line.trim_end_matches("text"));
            continue;
        }
        folds += i32::from(line == "<details>") - i32::from(line == "</details>");
        assert!((0..=1).contains(&folds), "folds in {what}");
        if line.starts_with('|') {
            // Within a table a bar ends a cell even inside code, unless it is escaped, and nothing here is.
            assert_eq!(line.matches('|').count(), bars, "cells of `{line}` in {what}");
        }
        let heading = line.starts_with('#');
        assert!(!heading || line.starts_with("### envcheck: "), "`{line}` in {what}");
        let prose: String = without_code(line);
        for tag in prose.split('<').skip(1) {
            let own =
                ["details>", "/details>", "summary>", "/summary>", "b>", "/b>", "br>", "span>", "/span>", "code>"];
            let own = own.iter().chain(&["/code>", "sub>", "/sub>", "!-- envcheck -->"]);
            assert!(own.clone().any(|own| tag.starts_with(own)), "`<{tag}` in {what}");
        }
        for sign in ["://", "www.", "](", "![", "@", "GH-7"] {
            assert!(!prose.contains(sign), "`{sign}` in `{line}` in {what}");
        }
        let references = prose.replace("&#", "");
        assert!(heading || !references.contains('#'), "`#` in `{line}` in {what}");
    }
    assert_eq!((fence, folds), (None, 0), "{what}");
}

/// The line without its spans of code, which in this format are always in single backticks.
fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    assert!(parts.len() % 2 == 1, "an open span in `{line}`");
    parts.into_iter().step_by(2).collect::<Vec<_>>().join("code")
}

/// The same through the program: names of files and packages, lines, and the metadata and nodes of a model.
#[test]
fn hostile_files_and_models_come_out_inert() {
    let evil = "\u{1b}[31m::error::x\u{202e}<img src=x onerror=alert(1)>]]>|`@a #1";
    let mut model =
        super::rules::model(9, &[("", 21), (evil, 3)], &[("Gemm", "", evil), ("Evil\n::error::x", evil, "n")]);
    model.producer_name = evil.into();
    model.metadata_props =
        vec![StringStringEntryProto { key: "\n::error::key".into(), value: evil.into(), ..Default::default() }];
    let bytes = model.write_to_bytes().unwrap();
    let scratch = Scratch::new();
    let names: &[&str] = if cfg!(windows) {
        &["requirements @a #1.txt"]
    } else {
        &[
            "requirements @a #1.txt",
            "requirements-\u{1b}[31m\u{202e}.txt",
            "requirements-|`]]><b>.txt",
            "::error ::requirements.txt",
        ]
    };
    let serve =
        "numpy==2.0.1 # ::error::x \u{1b}[31m <b>|`@a #1 ]]>\n::error::x\nonnxruntime==1.16.3\n@a\nevil\u{202e}==1\n";
    for name in names {
        let hostile_model = format!("{name}.onnx");
        scratch.put("train.txt", "numpy==1.26.4\n").put(&format!("serve/{name}"), serve);
        scratch.put(&hostile_model, &bytes);
        let serve = format!("serve/{name}");
        for output in OUTPUTS {
            let arguments =
                ["diff", "train.txt", &serve, "--model", &hostile_model, "--format", output.name, "--fail-on", "never"];
            let run = scratch.run(&arguments);
            assert_eq!(run.code, 0, "{name:?} as {}: {}", output.name, run.stderr);
            assert!(run.stdout.contains("EC201") || run.stdout.contains("opset"), "{name:?} as {}", output.name);
            let what = format!("{name:?} as {}:\n{}", output.name, run.stdout);
            assert!(!run.stdout.contains(|it| it != '\n' && is_hidden(it)), "{what}");
            match output.name {
                "markdown" => markdown(&run.stdout, 6, &what),
                "github" => run.stdout.lines().for_each(|line| command(line, &what)),
                "junit" | "checkstyle" => assert_eq!(elements(&run.stdout, "img"), 0, "{what}"),
                "sarif" => messages(&serde_json::from_str(&run.stdout).unwrap(), &what),
                "gitlab" => shown(&serde_json::from_str(&run.stdout).unwrap(), &what),
                "html" => assert!(!run.stdout.contains("<img src=x"), "{what}"),
                _ => {}
            }
            if output.name != "github" {
                assert!(!run.stdout.lines().any(|line| line.trim_start().starts_with("::")), "a command in {what}");
            }
        }
    }
}
