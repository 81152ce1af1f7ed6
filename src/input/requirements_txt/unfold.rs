//! Physical lines to logical ones: continuation, comments and variables, with a way back to the file.

use crate::{
    fact::is_space,
    text::{Span, line_ends},
};

/// Variables are looked for in lines up to this length; longer values are not put in.
const EXPANDED_LIMIT: usize = 1 << 20;

/// A logical line and where its bytes come from.
#[derive(Debug, Clone, Default)]
pub(in crate::input) struct Unfolded {
    /// The text that pip works on.
    pub(in crate::input) text: String,
    pieces: Vec<Piece>,
}

/// Bytes of a logical line that lie together in the file too.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Where the piece begins in the logical line.
    at: usize,
    /// Its bytes in the file. Of another length than in the line if a variable's value took their place.
    source: Span,
    copied: bool,
}

impl Unfolded {
    fn push(&mut self, text: &str, source: Span) {
        if !text.is_empty() {
            self.pieces.push(Piece { at: self.text.len(), source, copied: text.len() == source.len() });
            self.text.push_str(text);
        }
    }

    /// Adds text that stands in the file as it is here.
    pub(in crate::input) fn copy(&mut self, text: &str, start: usize) {
        let source = Span::new(start, start + text.len());
        match self.pieces.last_mut() {
            Some(last) if last.copied && last.source.end == start => {
                last.source.end = source.end;
                self.text.push_str(text);
            }
            _ => self.push(text, source),
        }
    }

    /// Adds text that takes the place of other bytes in the file.
    pub(in crate::input) fn put(&mut self, text: &str, source: Span) {
        if !text.is_empty() {
            self.pieces.push(Piece { at: self.text.len(), source, copied: false });
            self.text.push_str(text);
        }
    }

    pub(in crate::input) fn slice(&self, from: usize, to: usize) -> Unfolded {
        let mut out = Unfolded::default();
        // A hostile line has a million pieces and as many variables, so the search begins at the right one.
        let first = self.pieces.partition_point(|piece| piece.at <= from).saturating_sub(1);
        for (index, piece) in self.pieces.iter().enumerate().skip(first) {
            if piece.at >= to {
                break;
            }
            let end = self.pieces.get(index + 1).map_or(self.text.len(), |next| next.at);
            let (low, high) = (piece.at.max(from), end.min(to));
            if low < high {
                let source = if piece.copied {
                    Span::new(piece.source.start + (low - piece.at), piece.source.start + (high - piece.at))
                } else {
                    piece.source
                };
                out.push(&self.text[low..high], source);
            }
        }
        out
    }

    /// Where bytes of the logical line stand in the file.
    pub(in crate::input) fn place(&self, span: Span) -> Span {
        let piece = |at: usize| self.pieces[..self.pieces.partition_point(|piece| piece.at <= at)].last();
        let start = match piece(span.start) {
            Some(piece) if piece.copied => (piece.source.start + (span.start - piece.at)).min(piece.source.end),
            Some(piece) => piece.source.start,
            None => 0,
        };
        let end = match (span.is_empty(), piece(span.end.saturating_sub(1))) {
            (false, Some(piece)) if piece.copied => (piece.source.start + (span.end - piece.at)).min(piece.source.end),
            (false, Some(piece)) => piece.source.end,
            _ => start,
        };
        Span::new(start, end.max(start))
    }

    /// The same line by the places of a text that it was taken from.
    pub(in crate::input) fn through(&self, from: &Unfolded) -> Unfolded {
        let mut out = Unfolded::default();
        for (index, piece) in self.pieces.iter().enumerate() {
            let end = self.pieces.get(index + 1).map_or(self.text.len(), |next| next.at);
            if piece.copied {
                out.append(from.slice(piece.source.start, piece.source.end));
            } else {
                out.put(&self.text[piece.at..end], from.place(piece.source));
            }
        }
        out
    }

    /// The same line in a text that begins `by` bytes earlier.
    pub(super) fn shifted(mut self, by: usize) -> Unfolded {
        for piece in &mut self.pieces {
            piece.source = piece.source.shifted(by);
        }
        self
    }

    /// The same line where only the place of the whole is known.
    pub(super) fn standing_at(mut self, span: Span) -> Unfolded {
        for piece in &mut self.pieces {
            (piece.source, piece.copied) = (span, false);
        }
        self
    }

    /// The line with values in place of its variables, and where variables without a value stand in it.
    pub(super) fn expanded(self, value: impl Fn(&str) -> Option<String>) -> (Unfolded, Vec<Span>) {
        let mut undefined = Vec::new();
        if !self.text.contains("${") {
            return (self, undefined);
        }
        let mut out = Unfolded::default();
        let mut done = 0;
        while let Some(found) = self.text[done..].find("${") {
            let start = done + found;
            let rest = &self.text[start + 2..];
            let length =
                rest.bytes().take_while(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || *it == b'_').count();
            if length == 0 || !rest[length..].starts_with('}') {
                out.append(self.slice(done, start + 2));
                done = start + 2;
                continue;
            }
            let end = start + 2 + length + 1;
            out.append(self.slice(done, start));
            let value = value(&rest[..length]).filter(|value| out.text.len() + value.len() <= EXPANDED_LIMIT);
            if let Some(value) = value {
                let source = self.place(Span::new(start, end));
                out.pieces.push(Piece { at: out.text.len(), source, copied: false });
                out.text.push_str(&value);
            } else {
                let at = out.text.len();
                out.append(self.slice(start, end));
                undefined.push(Span::new(at, out.text.len()));
            }
            done = end;
        }
        out.append(self.slice(done, self.text.len()));
        (out, undefined)
    }

    pub(in crate::input) fn append(&mut self, other: Unfolded) {
        let base = self.text.len();
        self.pieces.extend(other.pieces.into_iter().map(|piece| Piece { at: piece.at + base, ..piece }));
        self.text.push_str(&other.text);
    }

    /// The line without its comment and without white space at its ends; `None` if nothing is left.
    fn stripped(self) -> Option<Unfolded> {
        let mut before = None;
        let mut end = self.text.len();
        for (at, character) in self.text.char_indices() {
            if character == '#' && before.is_none_or(is_space) {
                end = at;
                break;
            }
            before = Some(character);
        }
        let text = &self.text[..end];
        let to = text.trim_end_matches(is_space).len();
        let from = text.len() - text.trim_start_matches(is_space).len();
        if from >= to {
            None
        } else if (from, to) == (0, self.text.len()) {
            Some(self)
        } else {
            Some(self.slice(from, to))
        }
    }
}

/// The logical lines of a text: for each the comment that is all of it, or the line without its comment.
pub(in crate::input) fn lines(text: &str) -> impl Iterator<Item = (Option<Span>, Option<Unfolded>)> {
    let mut ends = line_ends(text);
    let mut next = 0;
    std::iter::from_fn(move || {
        let mut joined = Unfolded::default();
        let mut continued = false;
        while next < text.len() {
            let start = next;
            let end = ends.next();
            let stop = end.map_or(text.len(), |it| it.start);
            next = end.map_or(text.len(), |it| it.end);
            let line = &text[start..stop];
            let comment = line.trim_start_matches(is_space).starts_with('#');
            if line.ends_with('\\') && !comment {
                let from = start + (line.len() - line.trim_start_matches('\\').len());
                let to = start + line.trim_end_matches('\\').len();
                if from < to {
                    joined.push(&text[from..to], Span::new(from, to));
                }
                continued = true;
                continue;
            }
            if comment && !continued {
                return Some((Some(Span::new(stop - line.trim_start_matches(is_space).len(), stop)), None));
            }
            // A comment inside a continuation ends it, even where the line before has no blank at its end.
            if !comment {
                joined.push(line, Span::new(start, stop));
            }
            return Some((None, joined.stripped()));
        }
        continued.then(|| (None, joined.stripped()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(text: &str) -> Vec<String> {
        lines(text).filter_map(|(_, line)| line).map(|line| line.text).collect()
    }

    #[test]
    fn lines_are_joined_as_pip_joins_them() {
        assert_eq!(unfolded("a \\\n  b\\\r\nc # d\ne"), ["a   bc", "e"]);
        assert_eq!(unfolded("a\\\n# b\n--c"), ["a", "--c"]);
        assert_eq!(unfolded("# a \\\nb"), ["b"]);
        assert_eq!(unfolded("a \\"), ["a"]);
        assert_eq!(unfolded("\\a\\\\\nb"), ["ab"]);
        assert_eq!(unfolded("a#b c#d #e"), ["a#b c#d"]);
        assert_eq!(unfolded("\\\n\\\n\n \n"), Vec::<String>::new());
        assert_eq!(unfolded("a \\ \nb"), ["a \\", "b"]);
    }

    #[test]
    fn places_lead_back_through_continuations_and_variables() {
        let text = "x\nab \\\n  ${V}cd # e";
        let line = lines(text).filter_map(|(_, line)| line).nth(1).unwrap();
        let (line, undefined) = line.expanded(|name| (name == "V").then(|| "value".to_owned()));
        assert_eq!((line.text.as_str(), undefined.len()), ("ab   valuecd", 0));
        let source = |from, to| {
            let span = line.place(Span::new(from, to));
            &text[span.start..span.end]
        };
        assert_eq!(source(0, 2), "ab");
        assert_eq!(source(5, 10), "${V}");
        assert_eq!(source(6, 8), "${V}");
        assert_eq!(source(9, 11), "${V}c");
        assert_eq!(source(0, 12), "ab \\\n  ${V}cd");
        assert_eq!(source(12, 12), "");
    }

    #[test]
    fn only_upper_case_names_in_braces_are_variables() {
        let line = lines("${A} $A ${a} ${} ${B}").find_map(|(_, line)| line).unwrap();
        let (line, undefined) = line.expanded(|name| (name == "A").then(|| "${B}".to_owned()));
        assert_eq!(line.text, "${B} $A ${a} ${} ${B}");
        assert_eq!(undefined, [Span::new(17, 21)]);
    }
}
