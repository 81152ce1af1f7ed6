//! Long lines, cut down to what is pointed at: a terminal would break them anywhere, and a line may have a million columns.
//!
//! Lines keep their numbers. What is left out is replaced by an ellipsis, and places are carried over.

use std::fmt::Write as _;

use crate::text::{Source, Span, floor_char_boundary};

/// What stands for a part that is left out.
const ELLIPSIS: &str = "…";
/// Bytes that are shown before and behind what is pointed at, if there is more room before and none behind.
const BEFORE: usize = 16;
const BEHIND: usize = 8;
/// Places of one line that are shown.
const MOST: usize = 8;

/// A source with shorter lines.
#[derive(Debug)]
pub(super) struct Shortened {
    pub(super) source: Source,
    kept: Vec<Kept>,
}

/// A part that is as it was.
#[derive(Debug)]
struct Kept {
    /// Where it begins in the original.
    from: usize,
    /// Where it begins now.
    to: usize,
    length: usize,
}

impl Shortened {
    /// The text with every line cut to about `room` bytes; nothing if all that is shown of it fits.
    pub(super) fn of(source: &Source, labels: &[Span], room: usize) -> Option<Self> {
        let is_long = |line: usize| {
            let span = source.line_span(line);
            span.end - span.start > room && source.text()[span.start..span.end].chars().count() > room
        };
        let shown = |label: &Span| {
            let (first, last) = (source.position(label.start).line, source.position(label.end).line);
            (first.saturating_sub(1).max(1)..=(last + 1).min(source.line_count())).any(is_long)
        };
        if !labels.iter().any(shown) {
            return None;
        }
        let (mut text, mut kept) = (String::new(), Vec::new());
        let mut at = 0;
        for line in 1..=source.line_count() {
            let span = source.line_span(line);
            keep(source.text(), &mut text, &mut kept, Span::new(at, span.start));
            at = span.end;
            if !is_long(line) {
                keep(source.text(), &mut text, &mut kept, span);
                continue;
            }
            let mut shown = span.start;
            for window in windows(source.text(), span, labels, room) {
                if window.start > shown {
                    let _ = write!(text, "{}{ELLIPSIS}", if shown > span.start { " " } else { "" });
                }
                keep(source.text(), &mut text, &mut kept, window);
                shown = window.end;
            }
            if shown < span.end {
                text.push_str(ELLIPSIS);
            }
        }
        keep(source.text(), &mut text, &mut kept, Span::new(at, source.text().len()));
        Some(Shortened { source: Source::new(source.path.clone(), source.form, text.into()), kept })
    }

    /// Replaces the text by one of the same length.
    pub(super) fn replace(&mut self, by: impl Fn(&str) -> String) {
        let text = by(self.source.text());
        debug_assert_eq!(text.len(), self.source.text().len());
        self.source = Source::new(self.source.path.clone(), self.source.form, text.into());
    }

    /// Where a place of the original is now.
    pub(super) fn carried(&self, offset: usize) -> usize {
        moved(&self.kept, offset, |it| (it.from, it.to))
    }

    /// Where a place was in the original.
    pub(super) fn original(&self, offset: usize) -> usize {
        moved(&self.kept, offset, |it| (it.to, it.from))
    }
}

/// Carries an offset over; what was left out becomes the end of the part before it.
fn moved(kept: &[Kept], offset: usize, ends: impl Fn(&Kept) -> (usize, usize)) -> usize {
    let Some(before) = kept.partition_point(|it| ends(it).0 <= offset).checked_sub(1) else { return 0 };
    let (from, to) = ends(&kept[before]);
    to + (offset - from).min(kept[before].length)
}

fn keep(original: &str, text: &mut String, kept: &mut Vec<Kept>, span: Span) {
    if span.start < span.end {
        kept.push(Kept { from: span.start, to: text.len(), length: span.end - span.start });
        text.push_str(&original[span.start..span.end]);
    }
}

/// The parts of a long line that are shown, in order and apart from each other.
fn windows(text: &str, line: Span, labels: &[Span], room: usize) -> Vec<Span> {
    let whole = |start: usize, end: usize| {
        let start = floor_char_boundary(text, start.max(line.start));
        let end = floor_char_boundary(text, end.min(line.end)).max(start);
        Span::new(start, end)
    };
    let mut places: Vec<&Span> =
        labels.iter().filter(|label| label.start <= line.end && label.end >= line.start).collect();
    places.sort_unstable();
    places.dedup();
    let mut out: Vec<Span> = Vec::new();
    for label in places.into_iter().take(MOST) {
        let start = label.start.max(line.start);
        let end = label.end.min(start + room / 2);
        let window = whole(start.saturating_sub(BEFORE), end + BEHIND);
        match out.last_mut() {
            Some(last) if window.start <= last.end + ELLIPSIS.len() => last.end = last.end.max(window.end),
            _ => out.push(window),
        }
    }
    // The beginning says what a line is about.
    let first = out.first().map_or(line.start, |it| it.start);
    let used: usize = out.iter().map(|it| it.end - it.start + 2).sum();
    let left = room.saturating_sub(used);
    match out.first_mut() {
        Some(it) if first - line.start <= left => it.start = line.start,
        Some(_) if left > BEFORE + BEHIND => out.insert(0, whole(line.start, line.start + left.min(2 * BEFORE))),
        Some(_) => {}
        None => out.push(whole(line.start, line.start)),
    }
    let used: usize = out.iter().map(|it| it.end - it.start + 2).sum();
    if let Some(last) = out.last_mut() {
        *last = whole(last.start, last.end + room.saturating_sub(used));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Form;

    fn shown(text: &str, labels: &[&str], room: usize) -> Option<(String, Vec<String>)> {
        let source = Source::new("f".into(), Form::Text, text.into());
        let spans: Vec<Span> = labels
            .iter()
            .map(|label| {
                let start = text.find(label).unwrap();
                Span::new(start, start + label.len())
            })
            .collect();
        let shortened = Shortened::of(&source, &spans, room)?;
        let pointed = spans.iter().map(|span| {
            let (start, end) = (shortened.carried(span.start), shortened.carried(span.end));
            assert_eq!(shortened.original(start), span.start);
            shortened.source.text()[start..end].to_owned()
        });
        let pointed = pointed.collect();
        assert_eq!(shortened.source.line_count(), source.line_count());
        Some((shortened.source.text().to_owned(), pointed))
    }

    #[test]
    fn only_lines_that_do_not_fit_are_cut() {
        assert_eq!(shown("a\nb==1 # short\nc\n", &["b==1"], 20), None);
        let far = format!("a\nb\nc\nd==1\ne\nf\n{}\n", "x".repeat(50));
        assert_eq!(shown(&far, &["d==1"], 40), None);
        // A character of several bytes takes one column.
        assert_eq!(shown(&format!("{}==1", "ä".repeat(17)), &["==1"], 20), None);
    }

    #[test]
    fn what_is_pointed_at_stays() {
        let line = format!("RUN true {}&& pip install numpy==1.26.4 {}", " ".repeat(70_000), "y".repeat(200));
        let (text, pointed) = shown(&format!("FROM a\n{line}\nCMD b\n"), &["numpy==1.26.4"], 80).unwrap();
        assert_eq!(
            text,
            "FROM a\nRUN true                         … && pip install numpy==1.26.4 yyyyyyyyyyyyyy…\nCMD b\n"
        );
        assert_eq!(pointed, ["numpy==1.26.4"]);
    }

    #[test]
    fn several_places_and_lines_beside_are_cut() {
        let line = format!("{}first==1{}second==2{}", "a".repeat(100), "b".repeat(100), "c".repeat(100));
        let text = format!("{}\n{line}\n{}", "#".repeat(80), "#".repeat(30));
        let (text, pointed) = shown(&text, &["second==2", "first==1"], 40).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("{}…", "#".repeat(38)));
        assert_eq!(lines[1], "…aaaaaaaaaaaaaaaafirst==1bbbbbbbb …bbbbbbbbbbbbbbbbsecond==2cccccccc…");
        assert_eq!(lines[2], "#".repeat(30));
        assert_eq!(pointed, ["second==2", "first==1"]);
    }

    #[test]
    fn a_long_place_shows_its_beginning() {
        let line = format!("{{\"a\": \"{}\"}}", "é".repeat(300));
        let (text, pointed) = shown(&line, &[&"é".repeat(300)], 40).unwrap();
        assert_eq!(text, format!("{{\"a\": \"{}…", "é".repeat(15)));
        assert_eq!(pointed, ["é".repeat(15)]);
    }

    proptest::proptest! {
        #[test]
        fn places_stay_in_order(text in "([a-z]{0,9}|é|\\n|\\r\\n| ){0,80}", places in proptest::collection::vec((0..300_usize, 0..300_usize), 0..5), room in 20..60_usize) {
            let source = Source::new("f".into(), Form::Text, text.as_str().into());
            let spans: Vec<Span> = places.iter().map(|(start, length)| {
                let start = floor_char_boundary(&text, *start);
                Span::new(start, floor_char_boundary(&text, start + length))
            }).collect();
            if let Some(shortened) = Shortened::of(&source, &spans, room) {
                assert_eq!(shortened.source.line_count(), source.line_count());
                for span in spans {
                    let (start, end) = (shortened.carried(span.start), shortened.carried(span.end));
                    assert!(start <= end && shortened.source.text().get(start..end).is_some());
                    assert_eq!(shortened.source.position(start).line, source.position(span.start).line);
                }
            }
        }
    }
}
