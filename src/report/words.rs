//! What a finding says besides its message, as lines of plain text for formats that have no room for more.
//!
//! Everything is harmless on a terminal: control characters and direction marks are spelled out.

use super::human::witness;
use crate::{
    finding::{Evidence, Excuse, Finding},
    text::escape,
};

/// Why: one line a reason, with who says so.
pub(super) fn reasons(finding: &Finding) -> Vec<String> {
    let reason = |evidence: &Evidence| escape(&format!("{} {}", evidence.claim, witness(evidence)));
    finding.evidence.iter().map(reason).collect()
}

/// What to do: the checked fixes first, then advice as far as it says something else.
pub(super) fn remedies(finding: &Finding) -> Vec<String> {
    let fixes = finding.fixes.iter().map(|fix| escape(&fix.title));
    let repeats = |part: &&str| !finding.fixes.iter().any(|fix| fix.title == *part);
    let help: Vec<&str> = finding.help.iter().flat_map(|help| help.split(", or ")).filter(repeats).collect();
    let help = (!help.is_empty()).then(|| escape(&help.join(", or ")));
    fixes.chain(help).collect()
}

/// What to do as lines: `fix: this`, `or: that`.
pub(super) fn advice(finding: &Finding) -> Vec<String> {
    let lead = |at| if at == 0 { "fix" } else { "or" };
    remedies(finding).iter().enumerate().map(|(at, remedy)| format!("{}: {remedy}", lead(at))).collect()
}

/// `driver is too old; fix: upgrade the driver`, on one line.
pub(super) fn one_line(messages: &[String], finding: &Finding) -> String {
    let remedies = remedies(finding);
    let message = messages.join("; ");
    if remedies.is_empty() { message } else { format!("{message}; fix: {}", remedies.join(", or ")) }
}

/// Why a finding is not reported: who decided it, and the reason if one was given.
pub(super) fn excuse(excuse: &Excuse) -> String {
    let by = match excuse {
        Excuse::Comment { .. } => "ignored by a comment".to_owned(),
        Excuse::Config { .. } => "ignored by the configuration".to_owned(),
        Excuse::Baseline { path } => format!("in the baseline {path}"),
        Excuse::Since { revision } => format!("already there at {revision}"),
    };
    let reason = excuse.reason().map_or_else(String::new, |reason| format!(": {reason}"));
    escape(&format!("{by}{reason}"))
}

/// At most so many characters, with a sign where something was cut.
pub(super) fn clipped(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}
