//! All sources as one text for miette, so that one finding can show lines of several files.
//!
//! File `i` begins at the sum of the lengths before it plus a gap, which keeps the contexts of two files apart. Lines are
//! found through the index of [`crate::text::Source`], since miette's own sources scan from the start for every label.
//!
//! Lines that do not fit are cut ([`super::shorten`]): miette can only count to 65,535 columns.
//! What is shown of a text is harmless on a terminal, and as long as the text itself, so that spans stay true.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::shorten::Shortened;
use crate::text::{FileId, Form, Place, Source, Sources, Span, has_command, is_hidden, line_ends, without_commands};

/// Bytes between two files.
const GAP: usize = 2;

/// The sources, laid one after the other.
#[derive(Debug)]
pub(super) struct JointSource<'a> {
    sources: &'a Sources,
    shortened: BTreeMap<FileId, Shortened>,
    bases: Vec<usize>,
    shown: Vec<OnceLock<Cow<'a, str>>>,
}

impl<'a> JointSource<'a> {
    /// With the places that are going to be shown and the columns that a line may take.
    pub(super) fn new(sources: &'a Sources, places: impl Iterator<Item = Place>, room: usize) -> Self {
        let mut labels: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
        for place in places {
            labels.entry(place.file).or_default().push(place.span);
        }
        let cut = |(file, spans): (FileId, Vec<Span>)| {
            let mut shortened = Shortened::of(sources.get(file), &spans, room)?;
            shortened.replace(|text| harmless(text).into_owned());
            Some((file, shortened))
        };
        let shortened: BTreeMap<FileId, Shortened> = labels.into_iter().filter_map(cut).collect();
        let mut base = 0;
        let bases: Vec<usize> = sources
            .iter()
            .map(|(file, source)| {
                let own = base;
                base += shortened.get(&file).map_or(source, |it| &it.source).text().len() + GAP;
                own
            })
            .collect();
        let shown = bases.iter().map(|_| OnceLock::new()).collect();
        JointSource { sources, shortened, bases, shown }
    }

    /// A place in the joint text; clamped, since a span past the end would spoil the report.
    pub(super) fn span(&self, place: Place) -> SourceSpan {
        let carried = |offset| self.shortened.get(&place.file).map_or(offset, |it| it.carried(offset));
        let length = self.source(place.file).text().len();
        let start = carried(place.span.start).min(length);
        let end = carried(place.span.end).min(length);
        (self.bases[place.file.index()] + start, end - start).into()
    }

    /// A file as it is shown.
    fn source(&self, file: FileId) -> &Source {
        match self.shortened.get(&file) {
            Some(shortened) => &shortened.source,
            None => self.sources.get(file),
        }
    }

    /// The text of a file as it may be shown; made when the first line of it is.
    fn shown(&self, file: FileId) -> &str {
        match self.shortened.get(&file) {
            Some(shortened) => shortened.source.text(),
            None => self.shown[file.index()].get_or_init(|| harmless(self.sources.get(file).text())),
        }
    }

    fn file_at(&self, offset: usize) -> Option<(FileId, usize)> {
        let index = self.bases.partition_point(|base| *base <= offset).checked_sub(1)?;
        self.sources.iter().nth(index).map(|(file, _)| (file, self.bases[index]))
    }
}

impl SourceCode for JointSource<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let (file, base) = self.file_at(span.offset()).ok_or(MietteError::OutOfBounds)?;
        let source = self.source(file);
        let (start, end) = (span.offset() - base, span.offset() - base + span.len());
        if end > source.text().len() {
            return Err(MietteError::OutOfBounds);
        }
        let last_line = source.line_count();
        let first = source.position(start).line.min(last_line);
        // An exclusive end at the start of a line belongs to the line before.
        let last = source.position(if end > start { end - 1 } else { end }).line.min(last_line);
        let from = first.saturating_sub(before).max(1);
        let to = (last + after).min(last_line);
        let low = source.line_span(from).start;
        let high = source.line_span(to).end.max(end);
        let data = &self.shown(file).as_bytes()[low..high];
        let name = match source.form {
            Form::Text => crate::text::escape(&source.path),
            Form::View => format!("{} (as read)", crate::text::escape(&source.path)),
        };
        // The column is the one in the file.
        let original = self.shortened.get(&file).map_or(start, |it| it.original(start));
        let column = if from == first { self.sources.get(file).position(original).column - 1 } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            data,
            (base + low, high - low).into(),
            from - 1,
            column,
            to - from + 1,
        )))
    }
}

/// The text with every hidden character replaced by a visible one, and every line end by one that terminals know, in as
/// many bytes as there were.
fn harmless(text: &str) -> Cow<'_, str> {
    if has_command(text) {
        return Cow::Owned(visible(&without_commands(text, "(")).into_owned());
    }
    visible(text)
}

fn visible(text: &str) -> Cow<'_, str> {
    // Hardly any file holds anything else, and bytes are looked at much faster than characters.
    if text.bytes().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let plain = |character: char| character == '\n' || character == '\t' || !is_hidden(character);
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let replace = |out: &mut String, part: &str| {
        for character in part.chars() {
            match character.len_utf8() {
                _ if plain(character) => out.push(character),
                1 => out.push('?'),
                2 => out.push('\u{bf}'),
                3 => out.push(char::REPLACEMENT_CHARACTER),
                _ => out.push_str("\u{fffd}?"),
            }
        }
    };
    let mut at = 0;
    for end in line_ends(text) {
        replace(&mut out, &text[at..end.start]);
        out.extend(std::iter::repeat_n(' ', end.len() - 1));
        out.push('\n');
        at = end.end;
    }
    replace(&mut out, &text[at..]);
    debug_assert_eq!(out.len(), text.len());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_is_shown_is_harmless_and_as_long() {
        for (text, shown) in [
            ("a\u{1b}[31mb\n", "a?[31mb\n"),
            ("a\tb\r\nc\rd\u{c}e", "a\tb \nc\nd\ne"),
            ("a\u{202e}b\u{e0041}c\u{80}\u{2028}d", "a\u{fffd}b\u{fffd}?c\u{bf}  \nd"),
            ("größe 数", "größe 数"),
            ("## a ##[error]b", "## a ##(error]b"),
        ] {
            assert_eq!(harmless(text), shown);
            assert_eq!(harmless(text).len(), text.len());
        }
    }
}
