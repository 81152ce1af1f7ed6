//! What `envcheck inspect` prints: everything that was read, where, and everything that was not.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{InputSummary, ReportedSide, facts};
use crate::{
    environment::Environment,
    fact::Fact,
    text::{Form, Sources, escape},
};

/// The facts of every input as JSON, version 1, in file order. Its schema is `inspect.schema.json` beside this file.
#[must_use]
pub fn inspect_json(sides: &[ReportedSide], sources: &Sources) -> String {
    let inputs: Vec<Value> = sides
        .iter()
        .flat_map(|side| side.inputs.iter().map(move |input| (side, input)))
        .map(|(side, input)| {
            let facts: Vec<Value> = stated_and_implied(&side.environment, input).map(|it| facts::fact(sources, it)).collect();
            let skipped: Vec<Value> = input
                .skipped
                .iter()
                .map(|part| {
                    let mut map = facts::place(sources, part.place);
                    map.retain(|key, _| ["path", "line"].contains(&key.as_str()));
                    map.insert("reason".into(), part.reason.clone().into());
                    Value::Object(map)
                })
                .collect();
            json!({ "path": input.path, "format": input.format, "environment": side.environment.name, "facts": facts, "skipped": skipped })
        })
        .collect();
    facts::json_text(&json!({ "version": 1, "inputs": inputs }))
}

/// What an input says, each fact followed by what it implies.
fn stated_and_implied<'a>(side: &'a Environment, input: &InputSummary) -> impl Iterator<Item = &'a Fact> {
    input.facts.clone().flat_map(|at| {
        let implied = side.implied().iter().filter(move |implied| implied.from == at);
        std::iter::once(&side.facts()[at]).chain(implied.map(|implied| &implied.fact))
    })
}

/// The same for people: one line a fact.
#[must_use]
pub fn inspect_human(sides: &[ReportedSide], sources: &Sources) -> String {
    let mut out = String::new();
    for input_side in sides {
        for input in &input_side.inputs {
            let _ = writeln!(out, "{} ({})", escape(&input.path), input.format);
            for fact in stated_and_implied(&input_side.environment, input) {
                let Some((component, version)) = facts::component(fact) else { continue };
                let source = sources.get(fact.place.file);
                let place = if source.form == Form::Text {
                    let elsewhere = if source.path == input.path { "" } else { source.path.as_str() };
                    format!("{elsewhere}:{}", sources.position(fact.place).line)
                } else {
                    String::new()
                };
                let version = version.unwrap_or_else(|| "-".to_owned());
                let line = format!("  {component:<28} {version:<32} {:<9} {place}", fact.standing.to_string());
                let _ = writeln!(out, "{}", escape(line.trim_end()));
                if source.form == Form::View {
                    for line in source.text().lines() {
                        let _ = writeln!(out, "    {}", escape(line));
                    }
                }
            }
            if input.facts.is_empty() {
                let _ = writeln!(out, "  nothing");
            }
            for part in &input.skipped {
                let source = sources.get(part.place.file);
                let line = if source.form == Form::Text {
                    format!(" line {}", sources.position(part.place).line)
                } else {
                    String::new()
                };
                let elsewhere = if source.path == input.path { String::new() } else { format!(" {}", source.path) };
                let _ = writeln!(out, "{}", escape(&format!("  skipped{elsewhere}{line}: {}", part.reason)));
            }
        }
    }
    out
}
