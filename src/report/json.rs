//! The JSON report, version 1: stable, for other programs. Its schema is `report.schema.json` beside this file.

use serde_json::{Value, json};

use super::{Output, Report, Style, facts};
use crate::{
    finding::{Edit, Finding, Fix, Severity},
    text::Sources,
};

pub(super) static OUTPUT: Output = Output { name: "json", about: "for programs, with a stable schema", render };

fn render(report: &Report<'_>, _style: Style) -> String {
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
    let findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let labels: Vec<Value> = finding
                .labels
                .iter()
                .map(|label| {
                    let mut map = facts::place(report.sources, label.place);
                    map.insert("environment".into(), label.environment.clone().into());
                    map.insert("text".into(), label.text.clone().into());
                    map.insert("primary".into(), label.primary.into());
                    Value::Object(map)
                })
                .collect();
            let fixes = fixes(finding, report.sources);
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
            })
        })
        .collect();
    let undecided: Vec<Value> = report
        .undecided
        .iter()
        .map(|question| json!({ "code": question.code, "reason": question.reason, "remedy": question.remedy }))
        .collect();
    let value = json!({
        "version": 1,
        "tool": { "name": "envcheck", "version": env!("CARGO_PKG_VERSION"), "knowledge": report.knowledge },
        "environments": environments,
        "models": models,
        "findings": findings,
        "undecided": undecided,
        "summary": {
            "error": report.count(Severity::Error),
            "warning": report.count(Severity::Warning),
            "info": report.count(Severity::Info),
            "ignored": 0,
            "undecided": report.undecided.len(),
        },
    });
    facts::json_text(&value)
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
        json!({ "title": fix.title, "safe": fix.safe, "edits": edits })
    };
    finding.fixes.iter().map(fix).collect()
}
