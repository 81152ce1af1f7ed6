//! SARIF 2.1.0, the interchange format of static analysis: for code scanning of GitHub and for editors.
//!
//! Standard: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>; what GitHub makes of it and its limits:
//! <https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning>
//!
//! All comparisons are one run, since GitHub refuses several runs of one tool. The rules are those that occur. What could
//! not be decided or read is a notification and no result, since it is no defect. A place in a binary model has no line,
//! but GitHub refuses places without one: it stands in line 1.

use serde_json::{Map, Value, json};

use super::{
    Output, Report, RuleAbout, Style, counted,
    facts::json_text,
    merged::{Entry, Region, Scene, excused, findings, scenes},
    words::{self, advice, clipped, reasons},
};
use crate::{
    finding::{Edit, Excuse, Fix, Label, Severity, Undecided},
    text::{Place, escape},
};

pub(super) static OUTPUT: Output =
    Output { name: "sarif", about: "SARIF 2.1.0, for code scanning and editors", shows_fixes: true, render };

/// GitHub refuses a run with more results.
const MOST_RESULTS: usize = 25_000;

/// GitHub looks at no more locations of a result.
const MOST_LOCATIONS: usize = 100;

/// How many notifications of a kind are worth their bytes.
const MOST_NOTIFICATIONS: usize = 1_000;

/// GitHub cuts a rule's description here.
const LONGEST_DESCRIPTION: usize = 1_024;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Where the program's pages are; empty before it has any.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The folder that envcheck ran in, usually the root of the repository.
const ROOT: &str = "%SRCROOT%";

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let scenes = scenes(reports);
    let mut entries = findings(&scenes);
    // What is not reported comes last, so that it is what goes when there is too much.
    let hidden = excused(&scenes, &entries);
    entries.extend(hidden);
    let left_out = entries.len().saturating_sub(MOST_RESULTS);
    entries.truncate(MOST_RESULTS);
    let rules = rules(reports, &entries);
    let results: Vec<Value> = entries.iter().map(|entry| result(entry, &rules)).collect();
    let mut driver = json!({
        "name": "envcheck",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules.iter().map(|about| rule(about)).collect::<Vec<_>>(),
    });
    if let Some(report) = reports.first() {
        driver["properties"] = json!({ "knowledge": report.knowledge });
    }
    if !REPOSITORY.is_empty() {
        driver["informationUri"] = REPOSITORY.into();
    }
    json_text(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": driver },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(&scenes, &rules, left_out),
            }],
            "originalUriBaseIds": {
                ROOT: { "description": { "text": "the folder that envcheck ran in" } },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

/// The rules of all results and open questions, in code order.
fn rules<'r>(reports: &[Report<'r>], entries: &[Entry<'_>]) -> Vec<&'r RuleAbout> {
    let undecided = reports.iter().flat_map(|report| &report.undecided).map(|question| question.code);
    let mut codes: Vec<&str> = entries.iter().map(|entry| entry.finding.code).chain(undecided).collect();
    codes.sort_unstable();
    codes.dedup();
    let all = reports.first().map_or(&[][..], |report| report.rules);
    codes.into_iter().filter_map(|code| all.iter().find(|about| about.code == code)).collect()
}

fn rule(about: &RuleAbout) -> Value {
    let why = section(about.docs, "## Why it matters").unwrap_or(about.summary);
    let mut rule = json!({
        "id": about.code,
        "name": pascal(about.name),
        "shortDescription": { "text": about.summary },
        "fullDescription": { "text": clipped(&unwrapped(why), LONGEST_DESCRIPTION) },
        "help": { "text": plain(about.docs), "markdown": about.docs },
        "defaultConfiguration": { "level": level(about.severity) },
        "properties": {
            "tags": [about.impact.to_string(), family(about.code)],
            "problem.severity": match about.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "recommendation",
            },
        },
    });
    if !REPOSITORY.is_empty() {
        rule["helpUri"] = format!("{REPOSITORY}#rules").into();
    }
    rule
}

/// The part of a manual under a heading.
fn section<'d>(docs: &'d str, heading: &str) -> Option<&'d str> {
    let (_, rest) = docs.split_once(heading)?;
    let part = rest.split("\n## ").next()?.trim();
    (!part.is_empty()).then_some(part)
}

/// Paragraphs without the line ends inside them.
fn unwrapped(text: &str) -> String {
    let paragraph = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// A manual without the marks of Markdown.
fn plain(docs: &str) -> String {
    let lines = docs.lines().filter(|line| !line.trim_start().starts_with("```"));
    let lines: Vec<&str> = lines.map(|line| line.trim_start_matches('#').trim_start_matches(' ')).collect();
    lines.join("\n")
}

/// `driver-too-old` as `DriverTooOld`.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        let mut characters = word.chars();
        characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect::<String>()
    };
    name.split('-').map(word).collect()
}

/// What the first digit of a code says.
fn family(code: &str) -> &'static str {
    match code.as_bytes().get(2) {
        Some(b'0') => "python",
        Some(b'1') => "packages",
        Some(b'2') => "model",
        Some(b'3') => "gpu",
        Some(b'4') => "image",
        Some(b'5') => "server",
        Some(b'6') => "hygiene",
        _ => "envcheck",
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(entry: &Entry<'_>, rules: &[&RuleAbout]) -> Value {
    let (scene, finding) = (entry.scene, entry.finding);
    let mut lines = entry.messages();
    lines.extend(reasons(finding).into_iter().map(|reason| format!("why: {reason}")));
    lines.extend(advice(finding));
    let home = scene.home(finding);
    let others = finding.labels.iter().filter(|label| home != Some(*label)).map(|label| (scene, label));
    let also = entry.also.iter().flat_map(|(scene, finding)| finding.labels.iter().map(move |label| (*scene, label)));
    let mut related: Vec<Value> = Vec::new();
    for (scene, label) in others.chain(also).take(MOST_LOCATIONS) {
        let place = location(scene, label);
        if !related.contains(&place) {
            related.push(place);
        }
    }
    for (at, location) in related.iter_mut().enumerate() {
        location["id"] = (at + 1).into();
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": message(&lines.join("\n")) },
        "locations": home.map(|label| location(scene, label)).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": { "envcheck/v1": entry.fingerprint.to_string() },
        "properties": {
            "impact": finding.impact,
            "components": finding.components,
            "comparisons": entry.comparisons,
            "evidence": finding.evidence,
        },
    });
    if let Some(at) = rules.iter().position(|about| about.code == finding.code) {
        result["ruleIndex"] = at.into();
    }
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    let fixes: Vec<Value> = finding.fixes.iter().filter_map(|it| fix(scene, it)).collect();
    if !fixes.is_empty() {
        result["fixes"] = fixes.into();
    }
    if let Some(excuse) = entry.excuse {
        result["suppressions"] = json!([suppression(scene, excuse)]);
    }
    result
}

/// Text in which nothing is a link: SARIF reads `[words](address)` as one.
fn message(text: &str) -> String {
    text.replace("](", "] (")
}

/// A place with what it says.
fn location(scene: &Scene<'_>, label: &Label) -> Value {
    let mut location = physical(scene, label.place);
    location["message"] = json!({ "text": message(&scene.says(label)) });
    location
}

fn physical(scene: &Scene<'_>, place: Place) -> Value {
    let region = scene.region(place).map_or_else(|| json!({ "startLine": 1 }), region);
    json!({ "physicalLocation": { "artifactLocation": artifact(scene, place), "region": region } })
}

fn region(region: Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

fn artifact(scene: &Scene<'_>, place: Place) -> Value {
    let (uri, inside) = uri(&scene.raw_path(place));
    let mut map = Map::new();
    map.insert("uri".into(), uri.into());
    if inside {
        map.insert("uriBaseId".into(), ROOT.into());
    }
    Value::Object(map)
}

/// A path as a URI reference, and whether it lies inside the folder that envcheck ran in.
///
/// Absolute paths become `file` URIs. A path that leaves the folder stays relative, but to no base, since a base must not
/// be left.
fn uri(path: &str) -> (String, bool) {
    let drive = |path: &str| {
        let bytes = path.as_bytes();
        bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && bytes[2] == b'/'
    };
    if drive(path) {
        return (format!("file:///{}:{}", &path[..1], encoded(&path[2..])), false);
    }
    if let Some(share) = path.strip_prefix("//") {
        return (format!("file://{}", encoded(share)), false);
    }
    if path.starts_with('/') {
        return (format!("file://{}", encoded(path)), false);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match (part, parts.last()) {
            ("" | ".", _) => {}
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    (encoded(&parts.join("/")), parts.first() != Some(&".."))
}

/// Everything but what a path of a URI may hold as it is, in percent signs.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=@".contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(half.into(), 16).map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
    out
}

/// A fix, if it is one that a program can make. Lines and columns instead of offsets, since these do not depend on how
/// the file is encoded.
fn fix(scene: &Scene<'_>, fix: &Fix) -> Option<Value> {
    let mut changes: Vec<Value> = Vec::new();
    for Edit { place, replacement } in &fix.edits {
        let replacement = json!({
            "deletedRegion": region(scene.region(*place)?),
            "insertedContent": { "text": replacement },
        });
        let artifact = artifact(scene, *place);
        match changes.iter_mut().find(|change| change["artifactLocation"] == artifact) {
            Some(change) => change["replacements"].as_array_mut()?.push(replacement),
            None => changes.push(json!({ "artifactLocation": artifact, "replacements": [replacement] })),
        }
    }
    let description = json!({ "text": message(&escape(&fix.title)) });
    (!changes.is_empty())
        .then(|| json!({ "description": description, "artifactChanges": changes, "properties": { "safe": fix.safe } }))
}

fn suppression(scene: &Scene<'_>, excuse: &Excuse) -> Value {
    let kind = match excuse {
        Excuse::Comment { .. } => "inSource",
        Excuse::Config { .. } | Excuse::Baseline { .. } | Excuse::Since { .. } => "external",
    };
    let mut suppression = json!({ "kind": kind, "status": "accepted", "justification": words::excuse(excuse) });
    if let Some(place) = excuse.place() {
        suppression["location"] = physical(scene, place);
    }
    suppression
}

/// What a notification is about. These are no rules, and GitHub wants manuals of everything that is declared.
#[derive(Debug, Clone, Copy)]
enum Notice {
    Undecided,
    Skipped,
    LeftOut,
}

impl Notice {
    fn given(self, level: &str, text: &str) -> Value {
        let id = match self {
            Notice::Undecided => "undecided",
            Notice::Skipped => "skipped",
            Notice::LeftOut => "left-out",
        };
        json!({ "descriptor": { "id": id }, "level": level, "message": { "text": message(text) } })
    }
}

fn notifications(scenes: &[Scene<'_>], rules: &[&RuleAbout], left_out: usize) -> Vec<Value> {
    let mut all = Vec::new();
    if left_out > 0 {
        let text =
            format!("{} left out, the least severe ones: {MOST_RESULTS} is the limit", counted(left_out, "result"));
        all.push(Notice::LeftOut.given("warning", &text));
    }
    let mut questions: Vec<&Undecided> = scenes.iter().flat_map(|scene| &scene.report.undecided).collect();
    questions.sort();
    questions.dedup();
    for Undecided { code, reason, remedy, .. } in questions.iter().take(MOST_NOTIFICATIONS) {
        let remedy = if remedy.is_empty() { String::new() } else { format!("; {remedy}") };
        let mut notice =
            Notice::Undecided.given("note", &escape(&format!("could not decide [{code}]: {reason}{remedy}")));
        if let Some(at) = rules.iter().position(|about| about.code == *code) {
            notice["associatedRule"] = json!({ "id": code, "index": at });
        }
        all.push(notice);
    }
    let mut parts: Vec<Value> = Vec::new();
    for scene in scenes {
        for part in scene.report.sides.iter().flat_map(|side| &side.inputs).flat_map(|input| &input.skipped) {
            if parts.len() > MOST_NOTIFICATIONS {
                break;
            }
            let mut notice = Notice::Skipped.given("note", &escape(&format!("skipped: {}", part.reason)));
            notice["locations"] = json!([physical(scene, part.place)]);
            if !parts.contains(&notice) {
                parts.push(notice);
            }
        }
    }
    let more = questions.len().saturating_sub(MOST_NOTIFICATIONS);
    if more > 0 || parts.len() > MOST_NOTIFICATIONS {
        all.push(Notice::LeftOut.given("note", "more questions could not be decided, or more parts were not read"));
    }
    parts.truncate(MOST_NOTIFICATIONS);
    all.extend(parts);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_references() {
        for (path, uri, inside) in [
            ("serve/requirements.txt", "serve/requirements.txt", true),
            ("./a//b/../c.txt", "a/c.txt", true),
            ("my models/größe #1.onnx", "my%20models/gr%C3%B6%C3%9Fe%20%231.onnx", true),
            ("a:b/100%?.txt", "a%3Ab/100%25%3F.txt", true),
            ("../train/a.txt", "../train/a.txt", false),
            ("a/../../b", "../b", false),
            ("/srv/my app/a", "file:///srv/my%20app/a", false),
            ("C:/models/a b", "file:///C:/models/a%20b", false),
            ("//host/share/a", "file://host/share/a", false),
            ("back\\slash\u{202e}\n", "back%5Cslash%E2%80%AE%0A", true),
            ("<stdin>", "%3Cstdin%3E", true),
        ] {
            assert_eq!(super::uri(path), (uri.to_owned(), inside), "{path}");
        }
    }

    #[test]
    fn names_and_manuals_read_as_sarif_wants_them() {
        assert_eq!(pascal("driver-too-old"), "DriverTooOld");
        let docs = "Short.\n\n## Why it matters\n\nOne\ntwo.\n\nThree.\n\n## Example\n\n```text\na==1\n```\n";
        assert_eq!(section(docs, "## Why it matters").map(unwrapped).as_deref(), Some("One two.\n\nThree."));
        assert_eq!(plain(docs), "Short.\n\nWhy it matters\n\nOne\ntwo.\n\nThree.\n\nExample\n\na==1");
        assert_eq!(
            message("[here](https://evil.example) and uvicorn[standard]"),
            "[here] (https://evil.example) and uvicorn[standard]"
        );
    }
}
