//! The code quality report of GitLab: a list that the merge request shows, with what is new and what is gone.
//!
//! Format: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>. GitLab shows description,
//! severity and place, and tells findings apart by their fingerprints; it knows nothing of excused findings, so these are
//! left out.

use serde_json::{Value, json};

use super::{
    Output, Report, Style,
    facts::json_text,
    merged::{Entry, findings, scenes},
    words::one_line,
};
use crate::finding::{Finding, Impact, Severity};

pub(super) static OUTPUT: Output =
    Output { name: "gitlab", about: "a code quality report for GitLab", shows_fixes: true, render };

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let scenes = scenes(reports);
    let issues: Vec<Value> = findings(&scenes).iter().map(issue).collect();
    json_text(&Value::Array(issues))
}

fn issue(entry: &Entry<'_>) -> Value {
    let finding = entry.finding;
    let label = entry.scene.home(finding);
    let path = label.map_or_else(String::new, |label| entry.scene.path(label.place));
    // A model has no lines, and GitLab has no place without one.
    let (begin, end) =
        label.and_then(|label| entry.scene.region(label.place)).map_or((1, 1), |it| (it.line, it.end_line));
    json!({
        "description": format!("[{}] {}", finding.code, one_line(&entry.messages(), finding)),
        "check_name": finding.rule,
        "fingerprint": entry.fingerprint.to_string(),
        "severity": severity(finding),
        "location": { "path": path, "lines": { "begin": begin, "end": end } },
    })
}

/// GitLab's five grades: what stops serving is worse than what answers wrongly.
fn severity(finding: &Finding) -> &'static str {
    match (finding.severity, finding.impact) {
        (Severity::Error, Impact::StartFailure | Impact::LoadFailure) => "blocker",
        (Severity::Error, _) => "critical",
        (Severity::Warning, Impact::Drift) => "minor",
        (Severity::Warning, _) => "major",
        (Severity::Info, _) => "info",
    }
}
