//! The JSON report in lines, for programs that read while envcheck writes, and for logs: every line is an object whose
//! `kind` says what it is.
//!
//! First the findings of all comparisons, then those that are not reported, then open questions, and last one line that
//! sums up, so that a reader knows that nothing is missing. The schema of a line is `json-lines.schema.json` beside this
//! file.

use serde_json::{Value, json};

use super::{
    Output, Report, Style,
    facts::json_line,
    json::{finding, tool},
};
use crate::finding::{Severity, fingerprints};

pub(super) static OUTPUT: Output =
    Output { name: "json-lines", about: "for programs and logs: one JSON object a line", shows_fixes: true, render };

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let mut out = String::new();
    let mut push = |kind: &str, report: Option<&Report<'_>>, mut value: Value| {
        value["kind"] = kind.into();
        if let Some(report) = report {
            value["comparison"] = report.name.as_str().into();
        }
        out.push_str(&json_line(&value));
    };
    for report in reports {
        for (it, print) in report.findings.iter().zip(report.fingerprints()) {
            push("finding", Some(report), finding(it, print, report.sources));
        }
    }
    for report in reports {
        let prints = fingerprints(report.excused.iter().map(|it| &it.finding), report.sources);
        for (it, print) in report.excused.iter().zip(prints) {
            let mut value = finding(&it.finding, print, report.sources);
            value["ignored"] = json!({ "by": it.excuse.to_string(), "reason": it.excuse.reason() });
            push("ignored", Some(report), value);
        }
    }
    for report in reports {
        for it in &report.undecided {
            let value = json!({ "code": it.code, "rule": it.rule, "reason": it.reason, "remedy": it.remedy });
            push("undecided", Some(report), value);
        }
    }
    let count = |severity| reports.iter().map(|report| report.count(severity)).sum::<usize>();
    let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
    let summary = json!({
        "version": 1,
        "tool": reports.first().map(tool),
        "comparisons": names,
        "error": count(Severity::Error),
        "warning": count(Severity::Warning),
        "info": count(Severity::Info),
        "ignored": reports.iter().map(|report| report.excused.len()).sum::<usize>(),
        "undecided": reports.iter().map(|report| report.undecided.len()).sum::<usize>(),
    });
    push("summary", None, summary);
    out
}
