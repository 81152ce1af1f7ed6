//! The text format of protocol buffers, as far as configurations use it.
//!
//! Specification: <https://protobuf.dev/reference/protobuf/textformat-spec/>

use crate::text::Span;

/// Messages and lists may stand inside each other this often.
const DEPTH_LIMIT: usize = 50;

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field<'t> {
    /// Empty for an extension.
    pub(super) name: &'t str,
    pub(super) span: Span,
    pub(super) value: Value<'t>,
}

/// The value of a field.
#[derive(Debug)]
pub(super) enum Value<'t> {
    /// A number, an enum's word, or a place holder such as `${batch}`.
    Word(&'t str, Span),
    /// A text in quotes; the span is what is between them.
    Text(String, Span),
    Message(Vec<Field<'t>>),
    List(Vec<Value<'t>>),
}

/// Where a text stops being one of messages, and what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

/// The fields of a whole text.
pub(super) fn parse(text: &str) -> Result<Vec<Field<'_>>, Fault> {
    let mut parser = Parser { text, at: 0 };
    let fields = parser.fields(None, 0)?;
    Ok(fields)
}

/// All values of a field that may be repeated, in a list or one by one.
pub(super) fn all<'v, 't>(fields: &'v [Field<'t>], name: &str) -> Vec<&'v Value<'t>> {
    let mut out = Vec::new();
    for field in fields.iter().filter(|field| field.name == name) {
        match &field.value {
            Value::List(items) => out.extend(items),
            value => out.push(value),
        }
    }
    out
}

/// The last value of a field, which is the one that counts.
pub(super) fn one<'v, 't>(fields: &'v [Field<'t>], name: &str) -> Option<&'v Value<'t>> {
    fields.iter().rev().find(|field| field.name == name).map(|field| &field.value)
}

impl Value<'_> {
    /// The fields of a message; none of anything else.
    pub(super) fn fields(&self) -> &[Field<'_>] {
        match self {
            Value::Message(fields) => fields,
            _ => &[],
        }
    }

    /// A word or a text, and where it stands.
    pub(super) fn text(&self) -> Option<(&str, Span)> {
        match self {
            Value::Word(text, span) => Some((text, *span)),
            Value::Text(text, span) => Some((text, *span)),
            _ => None,
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn fault<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault { at: self.at, expected })
    }

    /// The next character that is no blank and no comment.
    fn peek(&mut self) -> Option<char> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            if !self.rest().starts_with('#') {
                return self.rest().chars().next();
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn word(&mut self) -> Option<(&'t str, Span)> {
        self.peek();
        let rest = self.rest();
        let length = if rest.starts_with("${") {
            rest.find('}').map_or(0, |end| end + 1)
        } else {
            rest.find(|it: char| !(it.is_ascii_alphanumeric() || "_.+-".contains(it))).unwrap_or(rest.len())
        };
        let span = Span::new(self.at, self.at + length);
        self.at += length;
        (length > 0).then(|| (&self.text[span.start..span.end], span))
    }

    /// Fields up to a closing mark, or to the end of the text.
    fn fields(&mut self, close: Option<char>, depth: usize) -> Result<Vec<Field<'t>>, Fault> {
        let mut out = Vec::new();
        loop {
            match (self.peek(), close) {
                (None, None) => return Ok(out),
                (None, Some(_)) => return self.fault("a closing `}`"),
                (Some(found), Some(close)) if found == close => {
                    self.at += close.len_utf8();
                    return Ok(out);
                }
                _ => {}
            }
            if self.take(',') || self.take(';') {
                continue;
            }
            // An extension, or the type of an `Any`.
            let (name, span) = if self.take('[') {
                let start = self.at;
                self.at += self.rest().find(']').map_or(0, |end| end + 1);
                ("", Span::new(start, self.at))
            } else {
                let Some(word) = self.word() else { return self.fault("the name of a field") };
                word
            };
            let colon = self.take(':');
            let message = matches!(self.peek(), Some('{' | '<' | '['));
            if !colon && !message {
                return self.fault("`:` or `{` after the name of a field");
            }
            let value = self.value(depth + 1)?;
            out.push(Field { name, span, value });
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'t>, Fault> {
        if depth > DEPTH_LIMIT {
            return self.fault("fewer messages inside each other");
        }
        match self.peek() {
            Some('{') => {
                self.at += 1;
                self.fields(Some('}'), depth).map(Value::Message)
            }
            Some('<') => {
                self.at += 1;
                self.fields(Some('>'), depth).map(Value::Message)
            }
            Some('[') => {
                self.at += 1;
                let mut items = Vec::new();
                while !self.take(']') {
                    items.push(self.value(depth + 1)?);
                    if !self.take(',') && self.peek() != Some(']') {
                        return self.fault("`,` or `]`");
                    }
                }
                Ok(Value::List(items))
            }
            Some(quote @ ('"' | '\'')) => self.quoted(quote),
            _ => match self.word() {
                Some((word, span)) => Ok(Value::Word(word, span)),
                None => self.fault("a value"),
            },
        }
    }

    /// A text, or several that stand beside each other and are one.
    fn quoted(&mut self, first: char) -> Result<Value<'t>, Fault> {
        let mut out = String::new();
        let start = self.at + 1;
        let mut end = start;
        let mut quote = first;
        loop {
            self.at += 1;
            let mut escaped = false;
            let mut closed = false;
            for (at, character) in self.rest().char_indices() {
                match character {
                    _ if escaped => {
                        escaped = false;
                        out.push(match character {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other => other,
                        });
                    }
                    '\\' => escaped = true,
                    '\n' => break,
                    _ if character == quote => {
                        end = self.at + at;
                        self.at = end + 1;
                        closed = true;
                        break;
                    }
                    _ => out.push(character),
                }
            }
            if !closed {
                return self.fault("a closing quote on the same line");
            }
            match self.peek() {
                Some(next @ ('"' | '\'')) => quote = next,
                _ => return Ok(Value::Text(out, Span::new(start, end))),
            }
        }
    }
}
