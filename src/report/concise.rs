//! One line a finding, for editors and `grep`: `path:line:column: severity[CODE] message`.

use std::fmt::Write as _;

use super::{Output, Report, Style, human::heading};
use crate::text::{Form, escape};

pub(super) static OUTPUT: Output = Output { name: "concise", about: "one line a finding", shows_fixes: false, render };

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let mut out = String::new();
    for report in reports {
        heading(&mut out, reports, report);
        lines(&mut out, report);
    }
    out
}

fn lines(out: &mut String, report: &Report<'_>) {
    for finding in &report.findings {
        let place = finding.labels.iter().find(|label| label.primary).or(finding.labels.first());
        if let Some(label) = place {
            let source = report.sources.get(label.place.file);
            let path = escape(&source.path);
            // A GitHub workflow takes a line that begins so for a command.
            let lead = if path.trim_start().starts_with("::") { "./" } else { "" };
            let _ = write!(out, "{lead}{path}:");
            if source.form == Form::Text {
                let position = report.sources.position(label.place);
                let _ = write!(out, "{}:{}:", position.line, position.column);
            }
            out.push(' ');
        }
        let _ = writeln!(out, "{}[{}] {}", finding.severity, finding.code, escape(&finding.message));
    }
}
