//! `envcheck knowledge`: the rows that rules rest on, with their sources.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::{Failure, Gate, settings::SettingsOptions, terminal};
use crate::{fact::PackageName, knowledge::KNOWLEDGE_DATE};

/// Show the rows of knowledge about a component.
#[derive(Debug, Args)]
pub(super) struct KnowledgeCommand {
    /// A package, GPU, operator, domain or table; without it, the tables are listed
    component: Option<String>,
    #[command(flatten)]
    settings: SettingsOptions,
}

impl KnowledgeCommand {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let knowledge = self.settings.load()?.knowledge;
        let mut out = String::new();
        let Some(component) = self.component else {
            let _ = writeln!(out, "knowledge of {KNOWLEDGE_DATE}");
            for table in knowledge.tables() {
                let _ = writeln!(out, "{:<22} {:>4} rows  {}", table.name(), table.plain().len(), table.header().about);
            }
            terminal::print(&out)?;
            return Ok(Gate::Open);
        };
        let wanted = normal(&component);
        for table in knowledge.tables() {
            let whole = normal(table.name()) == wanted;
            let mut first = true;
            for (values, provenance) in table.plain() {
                if !whole && !values.values().any(|value| mentions(value, &wanted)) {
                    continue;
                }
                if first {
                    let _ = writeln!(out, "{}: {}", table.name(), table.header().about);
                    first = false;
                }
                let shown: Vec<String> =
                    values.iter().map(|(key, value)| format!("{key} = {}", plain(value))).collect();
                let _ = writeln!(out, "  {}", shown.join(", "));
                let _ = writeln!(
                    out,
                    "    [{}; {}; checked {}]",
                    provenance.source, provenance.locator, provenance.checked
                );
            }
        }
        if out.is_empty() {
            return Err(Failure::new(format!(
                "nothing is known about `{component}`; `envcheck knowledge` lists the tables"
            )));
        }
        terminal::print(&out)?;
        Ok(Gate::Open)
    }
}

fn normal(text: &str) -> String {
    let lower = text.to_lowercase().replace('_', "-");
    PackageName::new(&lower).map_or(lower, |name| name.to_string())
}

/// Whether a value is the component, or a list that holds it.
fn mentions(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => normal(text) == wanted,
        Value::Array(items) => items.iter().any(|item| mentions(item, wanted)),
        _ => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
