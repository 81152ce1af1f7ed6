//! Markdown for a comment on a pull request and for the summary of a GitHub job: the verdict, a table, and the details
//! folded away.
//!
//! A comment may have 65,536 characters. Where there is more to say, the least severe is left out, and the report says so.
//!
//! Nothing that came from an input can become markup, a link, a mention of a person or of an issue. Most characters of
//! Markdown are written as entities, which never begin a construct. That does not help against what services look for in
//! the finished text, such as `@name` and `#1`: there the sign stands in an element of its own. Addresses of sources stand
//! in code, so that a comment does not become a backlink in a stranger's issue.

use std::fmt::Write as _;

use super::{
    Output, Report, Style, counted,
    human::witness,
    merged::{Entry, Scene, count, excused, findings, scenes},
    words::{self, clipped, remedies},
};
use crate::{
    environment::Side,
    finding::{Label, Severity},
    text::{Form, escape},
};

pub(super) static OUTPUT: Output =
    Output { name: "markdown", about: "for a comment on a pull request, or a job summary", shows_fixes: true, render };

/// Characters of a comment, less some for what a workflow adds.
const MOST: usize = 64_000;

/// Characters of a cell, a line of details, or a quoted line.
const LONGEST: usize = 400;

/// Places of a finding that are quoted, and lines of each.
const PLACES: usize = 8;
const LINES: usize = 4;

/// Rows of a table: nobody reads more in a comment.
const ROWS: usize = 100;

/// What says that something was left out, and what stands at the end, may have so many characters.
const RESERVED: usize = 400;

/// The report so far, and how much room is left.
struct Page {
    text: String,
    left: usize,
    /// What there was no room for.
    rows: usize,
    details: usize,
}

impl Page {
    /// Adds a part, if there is room.
    fn push(&mut self, part: &str) -> bool {
        let length = part.chars().count();
        if length > self.left {
            return false;
        }
        self.left -= length;
        self.text.push_str(part);
        true
    }
}

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let scenes = scenes(reports);
    let entries = findings(&scenes);
    let hidden = excused(&scenes, &entries);
    let mut questions: Vec<String> = Vec::new();
    for question in reports.iter().flat_map(|report| &report.undecided) {
        let remedy = if question.remedy.is_empty() { String::new() } else { format!(" -> {}", question.remedy) };
        let text =
            format!("- {}: {}\n", question.code, prose(&clipped(&format!("{}{remedy}", question.reason), LONGEST)));
        if !questions.contains(&text) {
            questions.push(text);
        }
    }
    let mut page = Page { text: String::new(), left: MOST - RESERVED, rows: 0, details: 0 };
    page.push("<!-- envcheck -->\n");
    page.push(&verdict(&entries, questions.len(), hidden.len()));
    page.push(&compared(reports));
    let remarks = entries.iter().position(|it| it.finding.severity == Severity::Info).unwrap_or(entries.len());
    let (defects, remarks) = entries.split_at(remarks);
    let columns = Columns::of(reports);
    // A table that fills the page would leave no room for the reasons of the worst.
    table(&mut page, defects, &columns, MOST / 2);
    for entry in defects {
        if page.details > 0 || !page.push(&details(entry, &columns)) {
            page.details += 1;
        }
    }
    folded(&mut page, &counted(remarks.len(), "remark"), |page| table(page, remarks, &columns, MOST));
    folded(&mut page, &format!("{} not decided", counted(questions.len(), "question")), |page| {
        for question in &questions {
            page.rows += usize::from(!page.push(question));
        }
    });
    folded(&mut page, &format!("{} ignored", counted(hidden.len(), "finding")), |page| {
        table(page, &hidden, &columns, MOST);
    });
    foot(&mut page, reports);
    page.text
}

fn verdict(entries: &[Entry<'_>], undecided: usize, ignored: usize) -> String {
    let mut parts: Vec<String> =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "remark")]
            .into_iter()
            .map(|(severity, word)| (count(entries, severity), word))
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| counted(count, word))
            .collect();
    if parts.is_empty() {
        parts.push("no findings".to_owned());
    }
    for (number, word) in [(undecided, "undecided"), (ignored, "ignored")] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    format!("### envcheck: {}\n\n", parts.join(", "))
}

/// The comparisons, each with how many errors and warnings it has.
fn compared(reports: &[Report<'_>]) -> String {
    let mut out = String::new();
    for report in reports {
        let name = code(&clipped(&report.name, LONGEST));
        if reports.len() == 1 {
            let _ = writeln!(out, "{name}");
        } else {
            let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
            let _ = writeln!(out, "- {name}: {}, {}", counted(errors, "error"), counted(warnings, "warning"));
        }
    }
    if out.chars().count() > MOST / 8 {
        return format!("{}\n\n", counted(reports.len(), "comparison"));
    }
    out.push('\n');
    out
}

/// The columns of places that a table has.
struct Columns {
    sides: bool,
    comparisons: bool,
}

impl Columns {
    fn of(reports: &[Report<'_>]) -> Columns {
        Columns { sides: reports.iter().any(|report| report.sides.len() > 1), comparisons: reports.len() > 1 }
    }

    fn heads(&self) -> Vec<&'static str> {
        let sides: &[&str] = if self.sides { &["training", "serving"] } else { &["where"] };
        let comparisons = self.comparisons.then_some("comparison");
        ["severity", "rule", "what"].into_iter().chain(sides.iter().copied()).chain(comparisons).collect()
    }

    fn row(&self, entry: &Entry<'_>) -> String {
        let finding = entry.finding;
        let severity = match finding.severity {
            Severity::Error => "**error**",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        let mut what = prose(&clipped(&entry.messages().join("; "), LONGEST));
        if let Some(excuse) = entry.excuse {
            let _ = write!(what, " ({})", prose(&clipped(&words::excuse(excuse), LONGEST)));
        }
        let mut cells = vec![severity.to_owned(), format!("{} {}", finding.code, finding.rule), what];
        if self.sides {
            let on = |side| places(entry.scene, finding.labels.iter().filter(|it| entry.scene.side(it) == Some(side)));
            let mut both = [on(Side::Training), on(Side::Serving)];
            if both.iter().all(String::is_empty) {
                both[1] = places(entry.scene, finding.labels.iter());
            }
            cells.extend(both);
        } else {
            cells.push(places(entry.scene, finding.labels.iter()));
        }
        if self.comparisons {
            let names: Vec<String> =
                entry.comparisons.iter().take(3).map(|name| code(&clipped(name, LONGEST / 4))).collect();
            let more = entry.comparisons.len() - names.len();
            cells.push(if more > 0 { format!("{} and {more} more", names.join("<br>")) } else { names.join("<br>") });
        }
        format!("| {} |\n", cells.join(" | "))
    }
}

/// The first places of a side, as `path:line`.
fn places<'l>(scene: &Scene<'_>, labels: impl Iterator<Item = &'l Label>) -> String {
    let mut places: Vec<String> = Vec::new();
    for label in labels {
        let path = scene.path(label.place);
        let place = scene.region(label.place).map_or(path.clone(), |region| format!("{path}:{}", region.line));
        let place = code(&clipped(&place, LONGEST));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let more = places.len().saturating_sub(3);
    places.truncate(3);
    if more > 0 {
        places.push(format!("and {more} more"));
    }
    places.join("<br>")
}

fn table(page: &mut Page, entries: &[Entry<'_>], columns: &Columns, most: usize) {
    if entries.is_empty() {
        return;
    }
    let heads = columns.heads();
    let rule = vec!["---"; heads.len()].join(" | ");
    let before = page.left;
    if !page.push(&format!("| {} |\n| {rule} |\n", heads.join(" | "))) {
        page.rows += entries.len();
        return;
    }
    for (at, entry) in entries.iter().enumerate() {
        let row = columns.row(entry);
        let full = at >= ROWS || before - page.left + row.chars().count() > most;
        if full || !page.push(&row) {
            page.rows += entries.len() - at;
            break;
        }
    }
    page.push("\n");
}

/// A finding with the lines of both sides, the reasons and what to do.
fn details(entry: &Entry<'_>, columns: &Columns) -> String {
    let (scene, finding) = (entry.scene, entry.finding);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<details>\n<summary><b>{}</b> {} {} ({}): {}</summary>\n",
        finding.severity,
        finding.code,
        finding.rule,
        finding.impact,
        prose(&clipped(&escape(&finding.message), LONGEST)),
    );
    for message in entry.messages().iter().skip(1) {
        let _ = writeln!(out, "also {}\n", prose(&clipped(message, LONGEST)));
    }
    if columns.comparisons {
        let names: Vec<String> = entry.comparisons.iter().take(PLACES).map(|it| code(&clipped(it, LONGEST))).collect();
        let _ = writeln!(out, "in {}\n", names.join(", "));
    }
    for label in finding.labels.iter().take(PLACES) {
        quote(&mut out, scene, label);
    }
    if finding.labels.len() > PLACES {
        let _ = writeln!(out, "and {}\n", counted(finding.labels.len() - PLACES, "more place"));
    }
    for evidence in finding.evidence.iter().take(PLACES) {
        let claim = prose(&clipped(&evidence.claim, LONGEST));
        let _ = writeln!(out, "**why:** {claim} {}\n", code(&clipped(&witness(evidence), LONGEST)));
    }
    for (at, remedy) in remedies(finding).iter().enumerate() {
        let lead = if at == 0 { "fix" } else { "or" };
        let _ = writeln!(out, "**{lead}:** {}\n", prose(&clipped(remedy, LONGEST)));
    }
    out.push_str("</details>\n\n");
    out
}

/// A place with its line.
fn quote(out: &mut String, scene: &Scene<'_>, label: &Label) {
    let source = scene.report.sources.get(label.place.file);
    let side = scene.side(label).map_or_else(String::new, |side| format!("**{}** ", side.word()));
    let spot = code(&clipped(&scene.spot(label.place), LONGEST));
    let view = if source.form == Form::View { " (as read)" } else { "" };
    let _ = writeln!(out, "{side}{spot}{view}: {}\n", prose(&clipped(&label.text, LONGEST)));
    let first = source.position(label.place.span.start).line;
    let last = source.position(label.place.span.end.max(label.place.span.start + 1) - 1).line.max(first);
    let numbers = first..=last.min(first + LINES - 1).min(source.line_count().max(first));
    let lines: Vec<String> = numbers
        .map(|number| {
            let span = source.line_span(number);
            let text = escape(&source.text()[span.start..span.end].replace('\t', "    "));
            // The number also keeps the line from being a command of whatever reads the output.
            format!("{number} | {}", clipped(&text, LONGEST / 2))
        })
        .collect();
    let run = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(run.max(2) + 1);
    let _ = writeln!(out, "{fence}text\n{}\n{fence}\n", lines.join("\n"));
}

/// The longest run of backticks.
fn longest_run(line: &str) -> usize {
    line.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// A part that opens on a click; nothing, if there is nothing in it or no room.
fn folded(page: &mut Page, title: &str, fill: impl FnOnce(&mut Page)) {
    const END: &str = "</details>\n\n";
    let start = page.text.len();
    let (head, left) = (format!("<details>\n<summary>{title}</summary>\n\n"), page.left);
    let room = head.chars().count() + END.chars().count();
    // Without room for the frame, what would stand in it is only counted.
    page.left = left.saturating_sub(room);
    let inside = page.text.len();
    fill(page);
    if page.text.len() == inside {
        page.left = left;
        return;
    }
    page.text.insert_str(start, &head);
    if !page.text.ends_with("\n\n") {
        page.text.push('\n');
    }
    page.text.push_str(END);
}

fn foot(page: &mut Page, reports: &[Report<'_>]) {
    let mut left_out = Vec::new();
    if page.rows > 0 {
        left_out.push(counted(page.rows, "line"));
    }
    if page.details > 0 {
        left_out.push(format!("the details of {}", counted(page.details, "finding")));
    }
    if !left_out.is_empty() {
        let _ = writeln!(page.text, "Left out for want of room, the least severe first: {}.\n", left_out.join(" and "));
    }
    let knowledge = reports.first().map_or("", |report| report.knowledge);
    let _ = writeln!(page.text, "<sub>envcheck {}, knowledge of {knowledge}</sub>", env!("CARGO_PKG_VERSION"));
}

/// Text that stays text, in Markdown and in HTML, for the middle of a line.
fn prose(text: &str) -> String {
    let text = escape(text);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for (at, character) in text.char_indices() {
        let next = text[at + character.len_utf8()..].chars().next();
        let before = |word: &str| {
            let start = at.checked_sub(word.len()).unwrap_or(at);
            text.get(start..at).is_some_and(|it| it.eq_ignore_ascii_case(word))
        };
        let joined = next.is_some_and(|it| it.is_alphanumeric() || it == '"' || it == '_');
        // Services look for these in the finished text; in an element of its own a sign refers to nothing.
        let alone = match character {
            '@' | '#' | '$' => true,
            '!' | '~' | '%' | '&' | '^' | ':' => joined,
            '-' => before("gh") && joined,
            _ => false,
        };
        let plain = match character {
            '.' => !before("www"),
            ',' | ';' | '/' | '\'' | '?' | '(' | ')' | '+' | '-' | '=' | '%' => true,
            _ => !character.is_ascii_punctuation(),
        };
        if alone {
            let _ = write!(out, "<span>&#{};</span>", u32::from(character));
        } else if plain {
            out.push(character);
        } else {
            let _ = write!(out, "&#{};", u32::from(character));
        }
    }
    out
}

/// Text as code. A span of Markdown where nothing in it could end the span or a cell of a table.
fn code(text: &str) -> String {
    let text = escape(text);
    if text.trim().is_empty() {
        return String::new();
    }
    if text.contains(['`', '|', '\\']) { format!("<code>{}</code>", prose(&text)) } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use super::{code, prose};

    #[test]
    fn prose_is_no_markup_and_refers_to_nothing() {
        for (text, shown) in [
            ("numpy 1.26.4 (older), 50% of it", "numpy 1.26.4 (older), 50% of it"),
            ("a|b\\|c`d`", "a&#124;b&#92;&#124;c&#96;d&#96;"),
            ("<b> *x* _y_", "&#60;b&#62; &#42;x&#42; &#95;y&#95;"),
            ("[a](b)", "&#91;a&#93;(b)"),
            ("@team fixes #12", "<span>&#64;</span>team fixes <span>&#35;</span>12"),
            ("https://a.example www.b.example", "https&#58;//a.example www&#46;b.example"),
            ("GH-12 !3 :tada:", "GH<span>&#45;</span>12 <span>&#33;</span>3 <span>&#58;</span>tada&#58;"),
            ("a\nb\u{202e}", "a&#92;u&#123;a&#125;b&#92;u&#123;202e&#125;"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("a b.txt:3"), "`a b.txt:3`");
        assert_eq!(code("a`b"), "<code>a&#96;b</code>");
        assert_eq!(code("a\\|b"), "<code>a&#92;&#124;b</code>");
        assert_eq!(code(""), "");
    }
}
