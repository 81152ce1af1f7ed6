//! `envcheck explain` and `envcheck rules`: the manuals.

use std::fmt::Write as _;

use clap::Args;

use super::{Failure, Gate, terminal};
use crate::{
    knowledge::{AnyTable, Grounds, Knowledge},
    report::wrapped,
    rules::{self, IMPLYING, RULES},
    text::distance,
};

/// The width of what is not in the manual itself.
const WIDTH: usize = 100;

/// Print the manual of a rule.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A code such as EC301, or a name such as driver-too-old
    rule: String,
}

/// List all rules.
#[derive(Debug, Args)]
pub(super) struct Rules {}

impl Explain {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let Some(rule) = rules::find(&self.rule) else {
            let wanted = self.rule.to_lowercase();
            let near = RULES
                .iter()
                .min_by_key(|rule| distance(&wanted, rule.name).min(distance(&wanted, &rule.code.to_lowercase())));
            let hint = near.map_or_else(String::new, |rule| format!("; did you mean {} ({})?", rule.code, rule.name));
            return Err(Failure::new(format!("no rule has the code or name `{}`{hint}", self.rule)));
        };
        let docs: String = rule.docs.lines().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{}", line.strip_prefix(' ').unwrap_or(line));
            text
        });
        let evidence = evidence(rules::tables_of(rule.code).unwrap_or_default());
        let text = format!("{} {} ({}, {})\n\n{docs}{evidence}", rule.code, rule.name, rule.severity, rule.impact);
        terminal::print(&text)?;
        Ok(Gate::Open)
    }
}

/// The section on the tables that a rule rests on: how much they hold, how fresh it is and what it may cause.
fn evidence(names: &[&str]) -> String {
    let mut out = String::from("\n## Evidence\n\n");
    if names.is_empty() {
        out.push_str("This rule rests on what the inputs say.\n");
        return out;
    }
    let knowledge = Knowledge::built_in();
    for table in knowledge.tables().into_iter().filter(|table| names.contains(&table.name())) {
        wrapped(&mut out, "- ", "  ", &format!("{}: {}", table.name(), table.header().about), WIDTH);
        wrapped(&mut out, "  ", "  ", &standing(table), WIDTH);
    }
    out.push_str("\n`envcheck knowledge TABLE` shows the rows.\n");
    let implying = rules::listed(&IMPLYING);
    let text =
        format!("Facts that an input only implies rest on the tables {implying} too; the finding then shows them.");
    wrapped(&mut out, "", "", &text, WIDTH);
    out
}

/// `28 rows, newest checked 2026-11-20; grounds for an error: 20, a warning: 8, a note: 0`.
fn standing(table: &dyn AnyTable) -> String {
    let rows = table.plain();
    // Days as `YYYY-MM-DD` sort as text.
    let newest = rows.iter().map(|(_, provenance)| provenance.checked.as_str()).max().unwrap_or_default();
    let of = |grounds: Grounds| rows.iter().filter(|(_, provenance)| provenance.grounds == grounds).count();
    let (errors, warnings, notes) = (of(Grounds::Error), of(Grounds::Warning), of(Grounds::Note));
    let word = if rows.len() == 1 { "row" } else { "rows" };
    format!(
        "{} {word}, newest checked {newest}; grounds for an error: {errors}, a warning: {warnings}, a note: {notes}",
        rows.len()
    )
}

impl Rules {
    #[expect(clippy::unused_self, reason = "every command has the same shape")]
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let mut text = String::new();
        for rule in RULES {
            let severity = rule.severity.to_string();
            let _ = writeln!(text, "{}  {:<28} {severity:<8} {}", rule.code, rule.name, rule.summary());
        }
        terminal::print(&text)?;
        Ok(Gate::Open)
    }
}
