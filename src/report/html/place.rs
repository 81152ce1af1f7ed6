//! Places: how they are named, and the lines around them.

use super::markup::{Code, Path, Text, put};
use crate::{
    finding::{Finding, Label},
    report::{Report, ReportedSide},
    text::{FileId, Form, Place, Source, Sources, floor_char_boundary},
};

/// Lines shown before and after the one that matters.
const CONTEXT: usize = 2;
/// Lines of a place that goes over several of them.
const MOST_LINES: usize = 12;
/// Bytes of a line that are shown around what is marked in it.
const MOST_BYTES: usize = 220;
/// Places of one finding that are shown with their lines at once.
const MOST_PLACES: usize = 6;

/// `serve/requirements.txt:3`; a file that is no text has no lines.
pub(super) fn shown(sources: &Sources, place: Place) -> String {
    let source = sources.get(place.file);
    match source.form {
        Form::Text => format!("{}:{}", source.path, sources.position(place).line),
        Form::View => source.path.clone(),
    }
}

/// The last parts of a path, for where there is little room.
pub(super) fn short(sources: &Sources, place: Place) -> String {
    let all = shown(sources, place);
    match all.rmatch_indices('/').nth(1) {
        Some((at, _)) if all.chars().count() > 28 => format!("\u{2026}{}", &all[at..]),
        _ => all,
    }
}

/// The file alone, for where there is hardly any.
pub(super) fn file_name(shown: &str) -> &str {
    shown.rsplit('/').next().unwrap_or(shown)
}

/// The number of the side that a label belongs to: the one that something was read from the same file for.
pub(super) fn side_of(report: &Report<'_>, label: &Label) -> Option<usize> {
    let reads = |side: &ReportedSide| side.environment.facts().iter().any(|fact| fact.place.file == label.place.file);
    let named = |side: &ReportedSide| label.environment.as_ref() == Some(&side.environment.name);
    let sides = report.sides;
    sides
        .iter()
        .position(|side| named(side) && reads(side))
        .or_else(|| sides.iter().position(named))
        .or_else(|| sides.iter().position(reads))
}

/// `training`, `serving`; nothing if there is only one side.
pub(super) fn role(report: &Report<'_>, side: usize) -> &'static str {
    if report.sides.len() > 1 { report.sides.get(side).map_or("", |it| it.environment.side.word()) } else { "checked" }
}

/// The lines that a finding points at, file by file; training stands before serving.
pub(super) fn snippets(out: &mut String, report: &Report<'_>, finding: &Finding) {
    let mut groups: Vec<(Option<usize>, FileId, Vec<&Label>)> = Vec::new();
    for label in &finding.labels {
        let side = side_of(report, label);
        match groups.iter_mut().find(|(of, file, _)| *of == side && *file == label.place.file) {
            Some((_, _, labels)) => labels.push(label),
            None => groups.push((side, label.place.file, vec![label])),
        }
    }
    groups.sort_by_key(|(side, _, _)| *side);
    let (shown, more) = groups.split_at(groups.len().min(MOST_PLACES));
    list(out, report, shown);
    if !more.is_empty() {
        put!(out, "<details><summary>{} more</summary>\n", super::markup::counted(more.len(), "file"));
        list(out, report, more);
        out.push_str("</details>\n");
    }
}

fn list(out: &mut String, report: &Report<'_>, groups: &[(Option<usize>, FileId, Vec<&Label>)]) {
    out.push_str("<div class=\"snippets\">\n");
    for (side, file, labels) in groups {
        let source = report.sources.get(*file);
        let first = labels.iter().find(|label| label.primary).or(labels.first());
        let Some(first) = first else { continue };
        out.push_str("<figure class=\"snippet\"><figcaption>");
        if let Some(side) = side {
            put!(out, "<span class=\"role r{side}\">{}</span> ", role(report, *side));
        }
        put!(out, "<code>{}</code>", Path(&self::shown(report.sources, first.place)));
        if source.form == Form::View {
            out.push_str(" <span class=\"quiet\">(as read)</span>");
        }
        out.push_str("</figcaption>\n");
        lines(out, source, labels);
        out.push_str("</figure>\n");
    }
    out.push_str("</div>\n");
}

/// The lines of one file around its labels.
fn lines(out: &mut String, source: &Source, labels: &[&Label]) {
    let last = source.line_count();
    let mut rows: Vec<(usize, usize, &Label)> = labels
        .iter()
        .map(|label| {
            let span = label.place.span;
            let from = source.position(span.start).line.min(last);
            let end = if span.is_empty() { span.end } else { span.end - 1 };
            let to = source.position(end).line.clamp(from, last);
            (from, to, *label)
        })
        .collect();
    rows.sort_by_key(|(from, to, label)| (*from, *to, label.place));
    out.push_str("<div class=\"lines\" tabindex=\"0\">");
    let mut next = 1;
    for (at, (from, to, label)) in rows.iter().enumerate() {
        let start = from.saturating_sub(CONTEXT).max(1).max(next);
        if next > 1 && start > next {
            out.push_str("<div class=\"gap\">\u{22ee}</div>");
        }
        let end = (*to).min(from + MOST_LINES - 1);
        for line in start..=end {
            // Only the label of this very row is marked: two places of one line are two rows.
            let marked: Vec<&Label> =
                rows.iter().filter(|(from, to, _)| (*from..=*to).contains(&line)).map(|(_, _, label)| *label).collect();
            one(out, source, line, &marked);
        }
        if end < *to {
            out.push_str("<div class=\"gap\">\u{22ee}</div>");
        }
        if !label.text.is_empty() {
            let primary = if label.primary { "note primary" } else { "note" };
            put!(out, "<div class=\"{primary}\"><span>\u{2191} {}</span></div>", Text(&label.text));
        }
        next = next.max(end + 1);
        // What follows, as far as the next label does not show it itself.
        let stop = rows.get(at + 1).map_or(last, |(from, _, _)| from.saturating_sub(1)).min(to + CONTEXT).min(last);
        while next <= stop {
            one(out, source, next, &[]);
            next += 1;
        }
    }
    out.push_str("</div>");
}

/// One line with what is marked in it. Of a long line only the part around the mark.
fn one(out: &mut String, source: &Source, line: usize, labels: &[&Label]) {
    let span = source.line_span(line);
    let text = source.text();
    let mut marks: Vec<(usize, usize)> = labels
        .iter()
        .map(|label| {
            (label.place.span.start.clamp(span.start, span.end), label.place.span.end.clamp(span.start, span.end))
        })
        .filter(|(from, to)| from < to)
        .map(|(from, to)| (floor_char_boundary(text, from), floor_char_boundary(text, to)))
        .collect();
    marks.sort_unstable();
    let (mut low, mut high) = (span.start, span.end);
    if span.len() > MOST_BYTES {
        let middle = marks.first().map_or(span.start, |(from, _)| *from);
        low = floor_char_boundary(text, middle.saturating_sub(MOST_BYTES / 3).max(span.start));
        high = floor_char_boundary(text, (low + MOST_BYTES).min(span.end));
    }
    let class = if labels.is_empty() { "line" } else { "line hit" };
    put!(out, "<div class=\"{class}\"><span class=\"no\">{line}</span><code>");
    if low > span.start {
        out.push('\u{2026}');
    }
    let mut at = low;
    for (from, to) in marks {
        let (from, to) = (from.clamp(at, high), to.clamp(at, high));
        if from < to {
            put!(out, "{}<mark>{}</mark>", Code(&text[at..from]), Code(&text[from..to]));
            at = to;
        }
    }
    put!(out, "{}", Code(&text[at..high]));
    if high < span.end {
        out.push('\u{2026}');
    }
    out.push_str("</code></div>");
}
