//! For people at a terminal: each finding with the lines of both sides, why, and what to do; then what was compared and
//! what could not be decided.

use std::fmt::{self, Write as _};

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity as Grade, SourceCode};

use super::{Detail, Output, Report, Style, counted, source::JointSource};
use crate::{
    finding::{Evidence, Finding, Severity},
    text::{Form, escape},
};

pub(super) static OUTPUT: Output =
    Output { name: "human", about: "for people: lines of both sides, reasons and advice", shows_fixes: true, render };

/// Columns that stand before a line: its number and a rule.
const GUTTER: usize = 7;

/// A finding as miette sees it.
struct Shown<'a> {
    finding: &'a Finding,
    source: &'a JointSource<'a>,
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.finding.code)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.finding.message))
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let Finding { severity, code, rule, impact, .. } = self.finding;
        Some(Box::new(format!("{severity}[{code}] {rule} ({impact})")))
    }

    fn severity(&self) -> Option<Grade> {
        Some(match self.finding.severity {
            Severity::Error => Grade::Error,
            Severity::Warning => Grade::Warning,
            Severity::Info => Grade::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.finding.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.finding.labels.iter().map(|label| {
            let span = self.source.span(label.place);
            let text = Some(escape(&label.text));
            if label.primary {
                LabeledSpan::new_primary_with_span(text, span)
            } else {
                LabeledSpan::new_with_span(text, span)
            }
        })))
    }
}

fn render(reports: &[Report<'_>], style: Style) -> String {
    let mut out = String::new();
    for report in reports {
        heading(&mut out, reports, report);
        out.push_str(&one(report, style));
    }
    out
}

/// The name of a comparison, where there are several.
pub(super) fn heading(out: &mut String, reports: &[Report<'_>], report: &Report<'_>) {
    if reports.len() > 1 {
        let before = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(out, "{before}== {} ==", escape(&report.name));
    }
}

fn one(report: &Report<'_>, style: Style) -> String {
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1).with_links(false);
    let places = report.findings.iter().flat_map(|finding| &finding.labels).map(|label| label.place);
    let source = JointSource::new(report.sources, places, style.width.saturating_sub(GUTTER));
    let mut out = String::new();
    let mut short: Vec<&Finding> = Vec::new();
    for finding in &report.findings {
        if finding.severity == Severity::Info && style.detail < Detail::Verbose {
            short.push(finding);
            continue;
        }
        // Writing into a String cannot fail.
        let _ = handler.render_report(&mut out, &Shown { finding, source: &source });
        advice(&mut out, finding, style);
    }
    if style.detail > Detail::Quiet {
        if !short.is_empty() {
            let _ = writeln!(out, "Remarks:");
            for finding in short {
                line(&mut out, report, finding, style);
            }
            out.push('\n');
        }
        compared(&mut out, report, style);
        undecided(&mut out, report, style);
        skipped(&mut out, report, style);
    }
    summary(&mut out, report);
    out
}

fn advice(out: &mut String, finding: &Finding, style: Style) {
    for evidence in &finding.evidence {
        wrapped(out, "  why: ", "       ", &evidence.claim, style.width);
        let _ = writeln!(out, "       {}", escape(&witness(evidence)));
    }
    // What was checked stands before what is generally true.
    for fix in &finding.fixes {
        // The search looks through the model; what rules say about it afterwards is asked by `envcheck fix`.
        let checked = if fix.lowering.is_some() { "`envcheck fix` does it" } else { "checked against all rules" };
        wrapped(out, "  fix: ", "       ", &format!("{} ({checked})", fix.title), style.width);
        if let Some(command) = &fix.command {
            wrapped(out, "       ", "       ", &format!("$ {command}"), style.width);
        }
    }
    // Advice that repeats a fix is not worth its words.
    let Some(help) = &finding.help else { return out.push('\n') };
    let repeats = |part: &&str| !finding.fixes.iter().any(|fix| fix.title == *part);
    let help: Vec<&str> = help.split(", or ").filter(repeats).collect();
    if !help.is_empty() {
        let lead = if finding.fixes.is_empty() { "  fix: " } else { "   or: " };
        wrapped(out, lead, "       ", &help.join(", or "), style.width);
    }
    out.push('\n');
}

/// Who says so, and where the row stands if it is the user's own.
pub(super) fn witness(evidence: &Evidence) -> String {
    let Evidence { source, locator, checked, own_row, .. } = evidence;
    let Some(own) = own_row else { return format!("[{source}; {locator}; checked {checked}]") };
    let place = format!("{}:{} (your own row)", own.path, own.line);
    match &own.overrides {
        None => format!("[{place}: {source}; {locator}; checked {checked}]"),
        Some(why) => format!("[{place}: {source}; {locator}; checked {checked}; instead of a built-in row: {why}]"),
    }
}

/// A finding on one line, with its place.
fn line(out: &mut String, report: &Report<'_>, finding: &Finding, style: Style) {
    let place = finding.labels.first().map_or_else(String::new, |label| {
        let source = report.sources.get(label.place.file);
        match source.form {
            Form::Text => format!(" ({}:{})", source.path, report.sources.position(label.place).line),
            Form::View => format!(" ({})", source.path),
        }
    });
    let text = format!("[{}] {}{place}", finding.code, finding.message);
    wrapped(out, "  - ", "    ", &text, style.width);
}

fn compared(out: &mut String, report: &Report<'_>, style: Style) {
    for side in report.sides {
        let paths: Vec<&str> = side.inputs.iter().map(|input| input.path.as_str()).collect();
        let environment = &side.environment;
        let mut what = Vec::new();
        let packages = environment.packages().count();
        if packages > 0 {
            what.push(counted(packages, "package"));
        }
        let gpus: u32 = environment.gpu_facts().iter().map(|seen| seen.value.count).sum();
        if gpus > 0 {
            what.push(counted(gpus as usize, "GPU"));
        }
        let models = environment.models().len();
        if models > 0 {
            what.push(counted(models, "model"));
        }
        if what.is_empty() {
            what.push("no package".to_owned());
        }
        let shown = if paths.len() > 4 && style.detail < Detail::Verbose {
            format!("{} and {} more", paths[..3].join(", "), paths.len() - 3)
        } else {
            paths.join(", ")
        };
        let role = if report.sides.len() > 1 { environment.side.word() } else { "checked" };
        wrapped(out, &format!("{role}: "), "  ", &format!("{} from {shown}", what.join(", ")), style.width);
    }
}

fn undecided(out: &mut String, report: &Report<'_>, style: Style) {
    if report.undecided.is_empty() {
        return;
    }
    let _ = writeln!(out, "could not decide {}:", counted(report.undecided.len(), "question"));
    let most = if style.detail < Detail::Verbose { 8 } else { usize::MAX };
    for question in report.undecided.iter().take(most) {
        wrapped(out, "  - ", "    ", &format!("[{}] {}", question.code, question.reason), style.width);
        if !question.remedy.is_empty() {
            wrapped(out, "    ", "    ", &format!("-> {}", question.remedy), style.width);
        }
    }
    if report.undecided.len() > most {
        let _ = writeln!(out, "  and {} more (-v shows all)", report.undecided.len() - most);
    }
}

fn skipped(out: &mut String, report: &Report<'_>, style: Style) {
    let parts: Vec<_> = report.sides.iter().flat_map(|side| &side.inputs).flat_map(|input| &input.skipped).collect();
    if parts.is_empty() {
        return;
    }
    let _ = writeln!(out, "skipped {}:", counted(parts.len(), "part"));
    let most = if style.detail < Detail::Verbose { 8 } else { usize::MAX };
    for part in parts.iter().take(most) {
        let source = report.sources.get(part.place.file);
        let text = match source.form {
            Form::Text => {
                format!("{}:{}: {}", source.path, report.sources.position(part.place).line, part.reason)
            }
            Form::View => format!("{}: {}", source.path, part.reason),
        };
        wrapped(out, "  - ", "    ", &text, style.width);
    }
    if parts.len() > most {
        let _ = writeln!(out, "  and {} more (-v shows all)", parts.len() - most);
    }
}

fn summary(out: &mut String, report: &Report<'_>) {
    let counts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "info")]
        .into_iter()
        .map(|(severity, word)| (report.count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| if word == "info" { format!("{count} info") } else { counted(count, word) })
        .collect();
    let ignored = if report.excused.is_empty() { String::new() } else { format!(", {} ignored", report.excused.len()) };
    let _ = match counts.as_slice() {
        [] if report.undecided.is_empty() => writeln!(out, "no findings{ignored}"),
        [] => writeln!(out, "no findings, {} undecided{ignored}", report.undecided.len()),
        counts => writeln!(out, "{}{ignored}", counts.join(", ")),
    };
}

/// Writes a text with a prefix, broken at blanks to fit the width; words that are too long stay whole.
pub fn wrapped(out: &mut String, first: &str, rest: &str, text: &str, width: usize) {
    let text = escape(text);
    let mut column = first.chars().count();
    let start = column;
    let mut fresh = true;
    out.push_str(first);
    for word in text.split(' ') {
        let length = word.chars().count();
        // A line of a log that begins like this would be a command of GitHub's.
        if !fresh && column + 1 + length > width && !word.starts_with("::") {
            out.push('\n');
            out.push_str(rest);
            column = rest.chars().count();
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
        fresh = false;
    }
    debug_assert!(column >= start || !text.is_empty());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_break_at_blanks() {
        let mut out = String::new();
        super::wrapped(&mut out, "- ", "  ", "one two three four", 10);
        assert_eq!(out, "- one two\n  three\n  four\n");
    }
}
