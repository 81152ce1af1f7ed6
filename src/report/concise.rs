//! One line a finding, for editors and `grep`: `path:line:column: severity[CODE] message`.

use std::fmt::Write as _;

use super::{Output, Report, Style};
use crate::text::{Form, escape};

pub(super) static OUTPUT: Output = Output { name: "concise", about: "one line a finding", render };

fn render(report: &Report<'_>, _style: Style) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let place = finding.labels.iter().find(|label| label.primary).or(finding.labels.first());
        if let Some(label) = place {
            let source = report.sources.get(label.place.file);
            let _ = write!(out, "{}:", escape(&source.path));
            if source.form == Form::Text {
                let position = report.sources.position(label.place);
                let _ = write!(out, "{}:{}:", position.line, position.column);
            }
            out.push(' ');
        }
        let _ = writeln!(out, "{}[{}] {}", finding.severity, finding.code, escape(&finding.message));
    }
    out
}
