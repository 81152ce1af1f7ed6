//! A pull reader for JSON that knows where each text stands, which a package must for its place in a report.
//!
//! Grammar: RFC 8259. Nothing is kept beside the text that is asked for; what is not asked for is stepped over.

use std::borrow::Cow;

use super::Reading;
use crate::text::{FileId, Place, Span};

/// Values may stand inside each other this often.
const DEPTH_LIMIT: usize = 200;

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    at: usize,
    message: String,
}

impl Fault {
    /// The reading of a file that is not JSON after all.
    pub(super) fn reading(self, file: FileId) -> Reading {
        let place = Place { file, span: Span::new(self.at, self.at) };
        Reading::faulty(format!("broken JSON: {}", self.message), Some(place))
    }
}

/// A string and what is between its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) value: Cow<'a, str>,
    pub(super) span: Span,
}

/// Reads from the front to the back.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn fault<T>(&self, expected: &str) -> Result<T, Fault> {
        let message = match self.rest().chars().next() {
            Some(found) => format!("expected {expected}, found `{}`", found.escape_debug()),
            None => format!("expected {expected}, found the end of the file"),
        };
        Err(Fault { at: self.at, message })
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, character: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(character);
        self.at += usize::from(found);
        found
    }

    /// Where the next value begins.
    pub(super) fn position(&mut self) -> usize {
        self.blanks();
        self.at
    }

    /// Reads an object, key by key; `value` must read or skip the value.
    pub(super) fn members(&mut self, mut value: impl FnMut(&mut Self, &str) -> Result<(), Fault>) -> Result<(), Fault> {
        self.entries(|scanner, key| value(scanner, &key.value))
    }

    /// As [`members`](Self::members), for keys whose place matters.
    pub(super) fn entries(
        &mut self,
        mut value: impl FnMut(&mut Self, &Text<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if !self.take('{') {
            return self.fault("an object");
        }
        if self.take('}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            value(self, &key)?;
            if !self.take(',') {
                return if self.take('}') { Ok(()) } else { self.fault("`,` or `}`") };
            }
        }
    }

    /// Reads an array; `item` must read or skip the item.
    pub(super) fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        if !self.take('[') {
            return self.fault("an array");
        }
        if self.take(']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(',') {
                return if self.take(']') { Ok(()) } else { self.fault("`,` or `]`") };
            }
        }
    }

    /// As [`members`](Self::members), stepping over anything that is no object.
    pub(super) fn members_if_object(
        &mut self,
        value: impl FnMut(&mut Self, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.blanks();
        if self.rest().starts_with('{') { self.members(value) } else { self.skip() }
    }

    /// As [`entries`](Self::entries), stepping over anything that is no object.
    pub(super) fn entries_if_object(
        &mut self,
        value: impl FnMut(&mut Self, &Text<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.blanks();
        if self.rest().starts_with('{') { self.entries(value) } else { self.skip() }
    }

    /// As [`items`](Self::items), stepping over anything that is no array.
    pub(super) fn items_if_array(&mut self, item: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.blanks();
        if self.rest().starts_with('[') { self.items(item) } else { self.skip() }
    }

    /// A string; anything else is stepped over.
    pub(super) fn text(&mut self) -> Result<Option<Text<'a>>, Fault> {
        self.blanks();
        if self.rest().starts_with('"') { self.string().map(Some) } else { self.skip().map(|()| None) }
    }

    /// `true` or `false`; anything else is stepped over.
    pub(super) fn boolean(&mut self) -> Result<Option<bool>, Fault> {
        self.blanks();
        let value = [("true", true), ("false", false)].iter().find(|(word, _)| self.rest().starts_with(word));
        self.skip()?;
        Ok(value.map(|(_, value)| *value))
    }

    /// Nothing but blanks may follow.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        self.blanks();
        if self.rest().is_empty() { Ok(()) } else { self.fault("the end of the file") }
    }

    /// Steps over one value.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let mut open: Vec<char> = Vec::new();
        loop {
            self.blanks();
            match self.rest().chars().next() {
                Some(bracket @ ('{' | '[')) => {
                    if open.len() >= DEPTH_LIMIT {
                        return self.fault("fewer values inside each other");
                    }
                    self.at += 1;
                    let close = if bracket == '{' { '}' } else { ']' };
                    if !self.take(close) {
                        if bracket == '{' {
                            self.key()?;
                        }
                        open.push(close);
                        continue;
                    }
                }
                Some('"') => drop(self.string()?),
                _ => self.scalar()?,
            }
            loop {
                let Some(close) = open.last().copied() else { return Ok(()) };
                if self.take(',') {
                    if close == '}' {
                        self.key()?;
                    }
                    break;
                }
                if !self.take(close) {
                    return self.fault(if close == '}' { "`,` or `}`" } else { "`,` or `]`" });
                }
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Result<Text<'a>, Fault> {
        self.blanks();
        let key = self.string()?;
        if self.take(':') { Ok(key) } else { self.fault("`:`") }
    }

    fn scalar(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let length = rest.find(|it: char| !(it.is_ascii_alphanumeric() || "+-.".contains(it))).unwrap_or(rest.len());
        let word = &rest[..length];
        let number = word.starts_with(|it: char| it == '-' || it.is_ascii_digit()) && word.parse::<f64>().is_ok();
        if !number && !matches!(word, "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity") {
            return self.fault("a value");
        }
        self.at += length;
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'a>, Fault> {
        let rest = self.rest();
        if !rest.starts_with('"') {
            return self.fault("a string");
        }
        let start = self.at + 1;
        let mut escaped = false;
        let mut length = None;
        for (at, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    length = Some(at - 1);
                    break;
                }
                _ => {}
            }
        }
        let Some(length) = length else {
            self.at = self.text.len();
            return self.fault("a closing quote");
        };
        let span = Span::new(start, start + length);
        let raw = &self.text[span.start..span.end];
        let value = if raw.contains('\\') { Cow::Owned(self.unescaped(raw)?) } else { Cow::Borrowed(raw) };
        self.at = span.end + 1;
        Ok(Text { value, span })
    }

    fn unescaped(&self, raw: &str) -> Result<String, Fault> {
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let mut characters = rest.chars();
            let code = characters.next().unwrap_or_default();
            rest = characters.as_str();
            out.push(match code {
                '"' | '\\' | '/' => code,
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let unit = |text: &str| text.get(..4).and_then(|it| u16::from_str_radix(it, 16).ok());
                    let Some(high) = unit(rest) else { return self.fault("a string with whole escapes") };
                    rest = &rest[4..];
                    let low = rest.strip_prefix("\\u").and_then(unit).filter(|it| (0xdc00..0xe000).contains(it));
                    if let (0xd800..0xdc00, Some(low)) = (high, low) {
                        rest = &rest[6..];
                        char::decode_utf16([high, low]).next().and_then(Result::ok).unwrap_or_default()
                    } else {
                        char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER)
                    }
                }
                _ => return self.fault("a string with known escapes"),
            });
        }
        out.push_str(rest);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_have_places() {
        let text = "[ {\"name\" : \"a\\u00e9\\n\\ud83d\\ude00\", \"x\": [1, {\"y\": null}, \"]\"], \"b\": true}, 3 ]";
        let mut scanner = Scanner::new(text);
        let mut seen = Vec::new();
        scanner
            .items(|scanner| {
                scanner.members_if_object(|scanner, key| {
                    if key == "b" {
                        assert_eq!(scanner.boolean()?, Some(true));
                    } else if let Some(found) = scanner.text()? {
                        assert_eq!(&text[found.span.start..found.span.end], "a\\u00e9\\n\\ud83d\\ude00");
                        seen.push(found.value.into_owned());
                    }
                    Ok(())
                })
            })
            .unwrap();
        scanner.end().unwrap();
        assert_eq!(seen, ["aé\n😀"]);
    }

    #[test]
    fn broken_texts_are_refused() {
        for bad in ["", "{", "[1", "{\"a\"", "{\"a\":}", "[1 2]", "\"a", "\"\\x\"", "tru", "{1:2}", "-", "[,]", "\"\\"]
        {
            assert!(Scanner::new(bad).skip().is_err() || Scanner::new(bad).text().is_err(), "{bad}");
        }
        let deep = "[".repeat(1_000_000);
        assert!(Scanner::new(&deep).skip().unwrap_err().message.contains("fewer"));
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in "([\\[\\]{},:\" ]|\"a\"|1|null|\\\\u0041|\"b\":|\\PC)*") {
            let ours = {
                let mut scanner = Scanner::new(&text);
                scanner.skip().and_then(|()| scanner.end()).is_ok()
            };
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // Unescaped control characters and numbers with leading zeros are let through.
            prop_assert!(ours || !theirs, "{}", text);
        }
    }
}
