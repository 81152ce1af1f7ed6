//! Workflow commands that GitHub turns into annotations of a pull request.
//!
//! Of every level GitHub shows ten in a step, in the order in which they come: so the worst come first, and where there
//! are more, the tenth stands for all that are left.
//!
//! Syntax and escapes: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::fmt::Write as _;

use super::{
    Output, Report, Style, counted,
    merged::{Entry, findings, scenes},
    words::{advice, clipped, reasons},
};
use crate::{finding::Severity, text::escape};

pub(super) static OUTPUT: Output = Output {
    name: "github",
    about: "annotations of a pull request, for standard output of a GitHub workflow",
    shows_fixes: true,
    render,
};

/// How many annotations of one level GitHub shows in a step.
const SHOWN: usize = 10;

/// How many findings the annotation for the rest names.
const LISTED: usize = 30;

/// How many characters a line of an annotation may have: GitHub refuses annotations of more than 64 KiB.
const LONGEST: usize = 1000;

/// How many lines an annotation may have.
const LINES: usize = 40;

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let scenes = scenes(reports);
    let entries = findings(&scenes);
    let mut out = String::new();
    for (severity, command) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "notice")]
    {
        let of_level: Vec<&Entry<'_>> = entries.iter().filter(|it| it.finding.severity == severity).collect();
        // Open questions are worth a notice, too.
        let room = SHOWN - usize::from(severity == Severity::Info && reports.iter().any(|it| !it.undecided.is_empty()));
        let whole = if of_level.len() > room { room - 1 } else { of_level.len() };
        for entry in &of_level[..whole] {
            annotation(&mut out, command, entry);
        }
        if whole < of_level.len() {
            rest(&mut out, command, &of_level[whole..]);
        }
    }
    undecided(&mut out, reports);
    out
}

fn annotation(out: &mut String, command: &str, entry: &Entry<'_>) {
    let finding = entry.finding;
    let mut properties: Vec<(&str, String)> = Vec::new();
    if let Some(label) = entry.scene.home(finding) {
        properties.push(("file", entry.scene.path(label.place)));
        if let Some(region) = entry.scene.region(label.place) {
            properties.push(("line", region.line.to_string()));
            properties.push(("endLine", region.end_line.to_string()));
            // Columns of another line than the first are refused.
            if region.line == region.end_line {
                properties.push(("col", region.column.to_string()));
                properties.push(("endColumn", region.end_column.to_string()));
            }
        }
    }
    properties.push(("title", format!("{} {} ({})", finding.code, finding.rule, finding.impact)));
    let mut lines = entry.messages();
    lines.extend(entry.scene.places(finding));
    lines.extend(reasons(finding).into_iter().map(|reason| format!("why: {reason}")));
    lines.extend(advice(finding));
    push(out, command, &properties, lines);
}

/// One annotation for all findings that get none of their own.
fn rest(out: &mut String, command: &str, entries: &[&Entry<'_>]) {
    let what = if command == "notice" { "remark" } else { command };
    let title = format!("envcheck: more {what}s");
    let mut lines = vec![format!("{} without annotations of their own:", counted(entries.len(), what))];
    for entry in entries.iter().take(LISTED) {
        let place = entry
            .scene
            .home(entry.finding)
            .map_or_else(String::new, |label| format!("{}: ", entry.scene.spot(label.place)));
        lines.push(format!("{place}[{}] {}", entry.finding.code, escape(&entry.finding.message)));
    }
    if entries.len() > LISTED {
        lines.push(format!("and {} more", entries.len() - LISTED));
    }
    push(out, command, &[("title", title)], lines);
}

fn undecided(out: &mut String, reports: &[Report<'_>]) {
    let mut questions: Vec<_> = reports.iter().flat_map(|report| &report.undecided).collect();
    questions.sort();
    questions.dedup();
    if questions.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for question in questions.iter().take(LISTED) {
        let remedy = if question.remedy.is_empty() { String::new() } else { format!(" -> {}", question.remedy) };
        lines.push(escape(&format!("[{}] {}{remedy}", question.code, question.reason)));
    }
    if questions.len() > LISTED {
        lines.push(format!("and {} more", questions.len() - LISTED));
    }
    let title = format!("envcheck: could not decide {}", counted(questions.len(), "question"));
    push(out, "notice", &[("title", title)], lines);
}

fn push(out: &mut String, command: &str, properties: &[(&str, String)], mut lines: Vec<String>) {
    let _ = write!(out, "::{command}");
    for (at, (key, value)) in properties.iter().enumerate() {
        let lead = if at == 0 { ' ' } else { ',' };
        let _ = write!(out, "{lead}{key}={}", property(&clipped(value, LONGEST)));
    }
    if lines.len() > LINES {
        let more = lines.len() - LINES + 1;
        lines.truncate(LINES - 1);
        lines.push(format!("and {more} more lines"));
    }
    let lines: Vec<String> = lines.iter().map(|line| data(&clipped(line, LONGEST))).collect();
    let _ = writeln!(out, "::{}", lines.join("%0A"));
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    #[test]
    fn separators_are_escaped_once() {
        assert_eq!(super::property("a:b,c%d\n"), "a%3Ab%2Cc%25d%0A");
        assert_eq!(super::data("a:b,c%0A\r\n"), "a:b,c%250A%0D%0A");
    }
}
