//! The strings of a JSON document with their place, for files of which only a few values matter.
//!
//! Strings are borrowed from the text, so that their position is known. Numbers and other values are passed over, and
//! lists are kept up to a limit: what is kept stays a small multiple of the text.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::text::{Span, floor_char_boundary};

/// No list that is of use here is longer.
const LIST_LIMIT: usize = 1_000;

/// A value.
#[derive(Debug)]
pub(super) enum Part<'t> {
    /// A string without escapes.
    Text(&'t str),
    /// The strings and containers of a list.
    List(Vec<Part<'t>>),
    /// The members whose values are strings or containers.
    Object(Vec<(String, Part<'t>)>),
    /// Anything else, also a string with escapes.
    Other,
}

impl<'t> Part<'t> {
    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Part<'t>> {
        match self {
            Part::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string.
    pub(super) fn text(&self) -> Option<&'t str> {
        match self {
            Part::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; nothing for anything else.
    pub(super) fn elements(&self) -> &[Part<'t>] {
        match self {
            Part::List(elements) => elements,
            _ => &[],
        }
    }
}

impl<'de: 't, 't> Deserialize<'de> for Part<'t> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Shape)
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Part<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Part::Text(text))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Part::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = from.next_element::<Part<'de>>()? {
            if !matches!(element, Part::Other) {
                elements.push(element);
            }
            if elements.len() == LIST_LIMIT {
                while from.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
        }
        Ok(Part::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = from.next_key::<Cow<'de, str>>()? {
            let value = from.next_value::<Part<'de>>()?;
            if !matches!(value, Part::Other) && members.len() < LIST_LIMIT {
                members.push((key.into_owned(), value));
            }
        }
        Ok(Part::Object(members))
    }
}

/// Why a text is no JSON, and where.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) message: String,
    pub(super) span: Span,
}

/// Where the first object begins that stands at the beginning of a line.
pub(super) fn object_start(text: &str) -> Option<usize> {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let blanks = line.len() - line.trim_start().len();
        if line[blanks..].starts_with('{') {
            return Some(from + blanks);
        }
        from += line.len();
    }
    None
}

/// Reads the value that begins at `start`; what follows it is not looked at.
pub(super) fn parse(text: &str, start: usize) -> Result<Part<'_>, Broken> {
    let mut reader = serde_json::Deserializer::from_str(&text[start..]);
    Part::deserialize(&mut reader).map_err(|fault| {
        let lines = text[start..].split_inclusive('\n');
        let line: usize = lines.take(fault.line().saturating_sub(1)).map(str::len).sum();
        let at = floor_char_boundary(text, start + line + fault.column().saturating_sub(1));
        let message = fault.to_string();
        let message = message.split(" at line ").next().unwrap_or("").to_owned();
        Broken { message, span: Span::new(at, at) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_their_place_and_the_rest_is_passed_over() {
        let text = "$ cat\n{\"a\": [1, \"x\", [\"y\", null], \"e\\n\"], \"b\": {\"c\": \"z\"}} trailing";
        let root = parse(text, object_start(text).unwrap()).unwrap();
        let elements = root.get("a").unwrap().elements();
        assert_eq!(elements.len(), 2);
        let x = elements[0].text().unwrap();
        assert_eq!(x.as_ptr().addr() - text.as_ptr().addr(), text.find('x').unwrap());
        assert_eq!(root.get("b").and_then(|it| it.get("c")).and_then(Part::text), Some("z"));
    }

    #[test]
    fn faults_have_a_place_and_depth_a_limit() {
        let fault = parse("{\n \"a\": }", 0).unwrap_err();
        assert_eq!((fault.span, fault.message.as_str()), (Span::new(8, 8), "expected value"));
        assert!(parse(&"[".repeat(100_000), 0).unwrap_err().message.contains("recursion limit"));
    }
}
