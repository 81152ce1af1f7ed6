//! Source texts and places in them: what every later layer uses to point at a line.
//!
//! A [`Source`] is either a text file or the readable *view* of a binary one. Offsets are bytes of the decoded
//! UTF-8 text; lines and columns are counted from 1, columns in characters.

mod decode;
mod escape;
mod nearest;

use std::{borrow::Cow, path::Path, sync::Arc};

pub use decode::{DecodeError, decode, decode_as};
pub use escape::{escape, has_command, is_hidden, without_commands};
pub use nearest::{distance, nearest};

/// The number of a source inside one run of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

impl FileId {
    /// The position in [`Sources`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A byte range of a source's text; `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span of these bytes.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Span { start, end }
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether no byte is covered.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The same bytes, counted from a text that begins `by` bytes earlier.
    #[must_use]
    pub fn shifted(self, by: usize) -> Self {
        Span::new(self.start + by, self.end + by)
    }
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Span::new(range.start, range.end)
    }
}

/// A span in a certain source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The source.
    pub file: FileId,
    /// The bytes in it.
    pub span: Span,
}

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What the text of a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The file's own text.
    Text,
    /// A readable rendering of a binary file: good to look at, but its lines are not lines of the file.
    View,
}

/// One file that was read, with its text and where its lines begin.
#[derive(Debug, Clone)]
pub struct Source {
    /// The path as the user would write it, with `/` between its parts.
    pub path: String,
    /// Text or view.
    pub form: Form,
    text: Arc<str>,
    line_starts: Vec<usize>,
}

impl Source {
    /// A source whose lines are found at once, so that a position costs a binary search.
    #[must_use]
    pub fn new(path: String, form: Form, text: Arc<str>) -> Self {
        let line_starts = std::iter::once(0).chain(line_ends(&text).map(|end| end.end)).collect();
        Source { path, form, text, line_starts }
    }

    /// The decoded text (or the view).
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, shared.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Where a byte offset stands. Offsets past the end are taken as the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = floor_char_boundary(&self.text, offset);
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.line_starts[line]..offset].chars().count() + 1;
        Position { line: line + 1, column }
    }

    /// The span of a line (from 1) without its line end, or of the last line if there are fewer.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        let index = line.saturating_sub(1).min(self.line_starts.len() - 1);
        let start = self.line_starts[index];
        let end = line_ends(&self.text[start..]).next().map_or(self.text.len(), |end| start + end.start);
        Span::new(start, end)
    }

    /// Number of lines; a final line end does not begin another one.
    #[must_use]
    pub fn line_count(&self) -> usize {
        let last = self.line_starts[self.line_starts.len() - 1];
        self.line_starts.len() - usize::from(last == self.text.len() && self.line_starts.len() > 1)
    }
}

/// The line ends of a text, in order, as Python's `splitlines` sees them: pip and its users count lines this way.
///
/// Beside `\n`, `\r` and `\r\n` these are the vertical tab, the form feed, three of ASCII's separators, NEL and the line
/// and paragraph separators of Unicode.
pub fn line_ends(text: &str) -> impl Iterator<Item = Span> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            // Most of a text is eight bytes after another of which none can end a line.
            while let Some(eight) = bytes[at..].first_chunk() {
                let plain = plain_bytes(u64::from_le_bytes(*eight));
                at += plain;
                if plain < 8 {
                    break;
                }
            }
            if at == bytes.len() {
                break;
            }
            let start = at;
            at = start
                + match (bytes[start], &bytes[start + 1..]) {
                    (b'\r', [b'\n', ..]) | (0xc2, [0x85, ..]) => 2,
                    (b'\n'..=b'\r' | 0x1c..=0x1e, _) => 1,
                    (0xe2, [0x80, 0xa8 | 0xa9, ..]) => 3,
                    _ => {
                        at = start + 1;
                        continue;
                    }
                };
            return Some(Span::new(start, at));
        }
        None
    })
}

/// How many of eight bytes, of which the first is the lowest, come before one that is a control character or no ASCII.
fn plain_bytes(eight: u64) -> usize {
    // A byte below a space borrows: from its own highest bit, and from bytes behind it, which then do not count.
    let odd = (eight.wrapping_sub(0x2020_2020_2020_2020) | eight) & 0x8080_8080_8080_8080;
    odd.trailing_zeros() as usize / 8
}

/// The nearest character boundary at or before `offset`, at most the text's length.
#[must_use]
pub fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// All sources of a run.
#[derive(Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
    /// The working folder as seen from the project's, if it lies in that: `deploy/prod`.
    within: String,
}

impl Sources {
    /// Adds a source and names it.
    ///
    /// # Panics
    ///
    /// With more than `u32::MAX` sources.
    pub fn add(&mut self, source: Source) -> FileId {
        let id = FileId(u32::try_from(self.all.len()).expect("fewer than 2^32 files are read in one run"));
        self.all.push(source);
        id
    }

    /// Replaces a source's text, as a binary reader does once it knows the view.
    pub fn replace(&mut self, file: FileId, form: Form, text: String) {
        let path = std::mem::take(&mut self.all[file.index()].path);
        self.all[file.index()] = Source::new(path, form, text.into());
    }

    /// A source by its number.
    #[must_use]
    pub fn get(&self, file: FileId) -> &Source {
        &self.all[file.index()]
    }

    /// Says where in the project the working folder lies.
    pub fn set_within(&mut self, folder: String) {
        self.within = folder;
    }

    /// The path of a source that stays the same whatever folder of the project envcheck is run in.
    #[must_use]
    pub fn steady_path(&self, file: FileId) -> Cow<'_, str> {
        let shown = self.get(file).path.as_str();
        if self.within.is_empty() || Path::new(shown).is_absolute() {
            return Cow::Borrowed(shown);
        }
        let mut parts: Vec<&str> = self.within.split('/').collect();
        for part in shown.split('/') {
            match part {
                ".." if parts.pop().is_none() => return Cow::Borrowed(shown),
                ".." | "." => {}
                part => parts.push(part),
            }
        }
        Cow::Owned(parts.join("/"))
    }

    /// All of them, in the order in which they were read.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.all.iter().enumerate().map(|(at, source)| (FileId(u32::try_from(at).unwrap_or(u32::MAX)), source))
    }

    /// Where a place begins.
    #[must_use]
    pub fn position(&self, place: Place) -> Position {
        self.get(place.file).position(place.span.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_path_is_the_same_from_every_folder() {
        let mut sources = Sources::default();
        let files = ["r.txt", "../r.txt", "../../train/r.txt", "../../../r.txt", "/r.txt"]
            .map(|path| sources.add(Source::new(path.into(), Form::Text, "".into())));
        assert_eq!(sources.steady_path(files[1]), "../r.txt");
        sources.set_within("deploy/prod".to_owned());
        let steady = files.map(|file| sources.steady_path(file));
        assert_eq!(steady, ["deploy/prod/r.txt", "deploy/r.txt", "train/r.txt", "../../../r.txt", "/r.txt"]);
    }

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let source = Source::new("a".into(), Form::Text, "é=1\r\nb\n".into());
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(2), Position { line: 1, column: 2 });
        assert_eq!(source.position(6), Position { line: 2, column: 1 });
        assert_eq!(source.position(99), Position { line: 3, column: 1 });
        assert_eq!(source.line_span(1), Span::new(0, 4));
        assert_eq!(source.line_span(2), Span::new(6, 7));
        assert_eq!(source.line_count(), 2);
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        let text = "a\u{c}b\u{b}c\u{85}d\re\r\nf\u{1c}g\u{1d}h\u{1e}i\u{2028}j\u{2029}k\nl\u{1f}m\u{a0}";
        let source = Source::new("a".into(), Form::Text, text.into());
        let lines: Vec<&str> = (1..=source.line_count())
            .map(|line| {
                let span = source.line_span(line);
                &text[span.start..span.end]
            })
            .collect();
        assert_eq!(lines, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l\u{1f}m\u{a0}"]);
        assert_eq!(source.position(text.len()).line, 12);
        for before in 0..20 {
            let shifted = [&" ".repeat(before), text].concat();
            let ends: Vec<Span> = line_ends(text).map(|end| end.shifted(before)).collect();
            assert_eq!(line_ends(&shifted).collect::<Vec<_>>(), ends, "{before}");
        }
    }
}
