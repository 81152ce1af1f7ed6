//! The JSON Schema of `envcheck.toml`, for editors: made from the rules and their levels, so that it never lags behind.
//!
//! The file beside this one is the same text; editors read it from the repository, and a test compares the two.

use serde_json::{Map, Value, json};

use super::FailOn;
use crate::rules::{RULES, Rule};

/// What every key means, with a place for the rules.
const TEMPLATE: &str = include_str!("envcheck.schema.json");

/// The levels of a rule, from none to the worst.
const LEVELS: [&str; 4] = ["off", "info", "warning", "error"];

/// The schema as text that ends with a line feed.
///
/// # Panics
///
/// Never: the template is part of the program, and a test reads it.
#[must_use]
pub fn schema() -> String {
    let mut schema: Value = serde_json::from_str(TEMPLATE).expect("the template is JSON");
    schema["properties"]["rules"]["properties"] = Value::Object(rules());
    schema["$defs"]["rule"]["enum"] = names();
    schema["$defs"]["level"]["enum"] = json!(LEVELS);
    let mut text = serde_json::to_string_pretty(&schema).expect("a value is JSON");
    text.push('\n');
    text
}

/// `fail-on`, and every rule by its code and by its name.
fn rules() -> Map<String, Value> {
    let words = FailOn::WORDS.map(|(word, _)| word);
    let about = "The lowest severity that makes envcheck exit with 1; `error` if nothing is said.";
    let mut properties = Map::new();
    properties.insert("fail-on".to_owned(), json!({ "description": about, "enum": words }));
    let entry = |rule: &Rule, other: &str| {
        let (usual, summary) = (rule.severity, rule.summary());
        json!({
            "description": format!("{other}: {summary} Usually {usual}."),
            "$ref": "#/$defs/level",
        })
    };
    for rule in RULES {
        properties.insert(rule.code.to_owned(), entry(rule, rule.name));
    }
    for rule in RULES {
        properties.insert(rule.name.to_owned(), entry(rule, rule.code));
    }
    properties
}

/// All codes, then all names.
fn names() -> Value {
    let codes = RULES.iter().map(|rule| rule.code);
    codes.chain(RULES.iter().map(|rule| rule.name)).collect::<Vec<_>>().into()
}
