//! The JSON report, version 1: stable, for other programs. Its schema is `report.schema.json` beside this file.

use serde_json::{Value, json};

use super::{Output, Report, Style, facts};
use crate::{
    finding::{Edit, Finding, Fingerprint, Fix, Severity, fingerprints},
    text::Sources,
};

pub(super) static OUTPUT: Output =
    Output { name: "json", about: "for programs, with a stable schema", shows_fixes: true, render };

/// One comparison as an object; several as objects in a list.
fn render(reports: &[Report<'_>], _style: Style) -> String {
    let value = match reports {
        [only] => {
            let mut value = json!({ "version": 1, "tool": tool(only) });
            merge(&mut value, comparison(only));
            value
        }
        several => {
            let comparisons: Vec<Value> = several
                .iter()
                .map(|report| {
                    let mut value = json!({ "name": report.name });
                    merge(&mut value, comparison(report));
                    value
                })
                .collect();
            json!({ "version": 1, "tool": several.first().map(tool), "comparisons": comparisons })
        }
    };
    facts::json_text(&value)
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

pub(super) fn tool(report: &Report<'_>) -> Value {
    json!({ "name": "envcheck", "version": env!("CARGO_PKG_VERSION"), "knowledge": report.knowledge })
}

fn comparison(report: &Report<'_>) -> Value {
    let environments: Vec<Value> = report.sides.iter().map(|side| {
        let facts: Vec<Value> = side
            .environment
            .facts()
            .iter()
            .chain(side.environment.implied().iter().map(|implied| &implied.fact))
            .filter_map(|fact| {
                let (component, version) = facts::component(fact)?;
                let mut map = serde_json::Map::new();
                map.insert("component".into(), component.into());
                map.insert("version".into(), version.into());
                map.insert("standing".into(), fact.standing.to_string().into());
                let mut place = facts::place(report.sources, fact.place);
                place.retain(|key, _| ["path", "line", "column"].contains(&key.as_str()));
                map.extend(place);
                Some(Value::Object(map))
            })
            .collect();
        let skipped: Vec<Value> = side
            .inputs
            .iter()
            .flat_map(|input| &input.skipped)
            .map(|part| {
                let mut map = facts::place(report.sources, part.place);
                map.retain(|key, _| ["path", "line"].contains(&key.as_str()));
                map.insert("reason".into(), part.reason.clone().into());
                Value::Object(map)
            })
            .collect();
        json!({ "name": side.environment.name, "role": side.environment.side.word(), "facts": facts, "skipped": skipped })
    }).collect();
    let models: Vec<Value> = report
        .sides
        .iter()
        .flat_map(|side| side.environment.models())
        .map(|seen| Value::Object(facts::model(seen.value)))
        .collect();
    let prints = report.fingerprints();
    let findings: Vec<Value> =
        report.findings.iter().zip(prints).map(|(it, print)| finding(it, print, report.sources)).collect();
    let ignored: Vec<Value> = report
        .excused
        .iter()
        .zip(fingerprints(report.excused.iter().map(|it| &it.finding), report.sources))
        .map(|(excused, print)| {
            let mut value = finding(&excused.finding, print, report.sources);
            value["ignored"] = json!({ "by": excused.excuse.to_string(), "reason": excused.excuse.reason() });
            value
        })
        .collect();
    let undecided: Vec<Value> = report
        .undecided
        .iter()
        .map(|question| json!({ "code": question.code, "reason": question.reason, "remedy": question.remedy }))
        .collect();
    json!({
        "environments": environments,
        "models": models,
        "findings": findings,
        "ignored": ignored,
        "undecided": undecided,
        "summary": {
            "error": report.count(Severity::Error),
            "warning": report.count(Severity::Warning),
            "info": report.count(Severity::Info),
            "ignored": report.excused.len(),
            "undecided": report.undecided.len(),
        },
    })
}

/// One finding, as the JSON report and the lines of `json-lines` show it.
pub(super) fn finding(finding: &Finding, fingerprint: Fingerprint, sources: &Sources) -> Value {
    let labels: Vec<Value> = finding
        .labels
        .iter()
        .map(|label| {
            let mut map = facts::place(sources, label.place);
            map.insert("environment".into(), label.environment.clone().into());
            map.insert("text".into(), label.text.clone().into());
            map.insert("primary".into(), label.primary.into());
            Value::Object(map)
        })
        .collect();
    let fixes = fixes(finding, sources);
    json!({
        "code": finding.code,
        "rule": finding.rule,
        "severity": finding.severity,
        "impact": finding.impact,
        "message": finding.message,
        "components": finding.components,
        "help": finding.help,
        "labels": labels,
        "evidence": finding.evidence,
        "fixes": fixes,
        "fingerprint": fingerprint.to_string(),
    })
}

fn fixes(finding: &Finding, sources: &Sources) -> Vec<Value> {
    let edit = |edit: &Edit| {
        let mut map = facts::place(sources, edit.place);
        map.retain(|key, _| ["path", "offset", "length"].contains(&key.as_str()));
        map.insert("replacement".into(), edit.replacement.clone().into());
        Value::Object(map)
    };
    let fix = |fix: &Fix| {
        let edits: Vec<Value> = fix.edits.iter().map(edit).collect();
        json!({ "title": fix.title, "safe": fix.safe, "edits": edits, "command": fix.command })
    };
    finding.fixes.iter().map(fix).collect()
}
