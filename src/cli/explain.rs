//! `envcheck explain` and `envcheck rules`: the manuals.

use std::fmt::Write as _;

use clap::Args;

use super::{Failure, Gate, terminal};
use crate::{
    rules::{self, RULES},
    text::distance,
};

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
        let text = format!("{} {} ({}, {})\n\n{docs}", rule.code, rule.name, rule.severity, rule.impact);
        terminal::print(&text)?;
        Ok(Gate::Open)
    }
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
