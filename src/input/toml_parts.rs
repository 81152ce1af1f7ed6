//! TOML with places, for lock files of which only some keys matter.
//!
//! Specification: <https://toml.io/en/v1.1.0>
//!
//! Nothing here complains: a key that is missing or of another kind is simply not there. Readers say what they need.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Reading, installed::Word};
use crate::text::{FileId, Place, Span, floor_char_boundary};

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Parses a document, or says where it is broken.
pub(super) fn parse(text: &str, file: FileId) -> Result<DeTable<'_>, Reading> {
    let (root, faults) = DeTable::parse_recoverable(text);
    match faults.first() {
        None => Ok(root.into_inner()),
        Some(fault) => {
            let place = fault.span().map(|span| Place { file, span: inside(text, span) });
            let message = format!("broken TOML: {}", fault.message().lines().collect::<Vec<_>>().join("; "));
            Err(Reading::faulty(message, place))
        }
    }
}

fn inside(text: &str, span: std::ops::Range<usize>) -> Span {
    let start = floor_char_boundary(text, span.start);
    Span::new(start, floor_char_boundary(text, span.end).max(start))
}

/// What a table has under a key, by the kind that is asked for.
pub(super) trait Lookup<'i> {
    /// A text.
    fn text(&self, key: &str) -> Option<&str>;
    /// A whole number.
    fn number(&self, key: &str) -> Option<i64>;
    /// `true`; anything else is false.
    fn flag(&self, key: &str) -> bool;
    /// A table.
    fn table(&self, key: &str) -> Option<&DeTable<'i>>;
    /// The elements of an array; nothing for anything else.
    fn list(&self, key: &str) -> &[Value<'i>];
    /// The tables of an array.
    fn tables<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s DeTable<'i>>
    where
        'i: 's,
    {
        self.list(key).iter().filter_map(|item| item.get_ref().as_table())
    }
    /// The texts of an array.
    fn texts<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s str>
    where
        'i: 's,
    {
        self.list(key).iter().filter_map(|item| item.get_ref().as_str())
    }
}

impl<'i> Lookup<'i> for DeTable<'i> {
    fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.get_ref().as_str()
    }

    fn number(&self, key: &str) -> Option<i64> {
        let number = self.get(key)?.get_ref().as_integer()?;
        i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
    }

    fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| value.get_ref().as_bool() == Some(true))
    }

    fn table(&self, key: &str) -> Option<&DeTable<'i>> {
        self.get(key)?.get_ref().as_table()
    }

    fn list(&self, key: &str) -> &[Value<'i>] {
        self.get(key).and_then(|value| value.get_ref().as_array()).map_or(&[], |array| array)
    }
}

/// A text and where it stands: between its quotes if it is written without escapes, else with them.
pub(super) fn word<'v>(document: &str, value: &'v Value<'_>) -> Option<Word<'v>> {
    let text = value.get_ref().as_str()?;
    let span = inside(document, value.span());
    let raw = &document[span.start..span.end];
    let inner = [1, 3]
        .into_iter()
        .find(|quotes| raw.len() == text.len() + 2 * quotes && raw.get(*quotes..raw.len() - quotes) == Some(text));
    let span = inner.map_or(span, |quotes| Span::new(span.start + quotes, span.end - quotes));
    Some(Word { text, span })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_between_their_quotes() {
        let document = "a = \"x\"\nb = 'é'\nc = \"\"\"y\"\"\"\nd = \"\\u0041\"\ne = 1\n";
        let (root, _) = DeTable::parse_recoverable(document);
        let found: Vec<(&str, &str)> = ["a", "b", "c", "d", "e"]
            .iter()
            .filter_map(|key| word(document, root.get_ref().get(*key)?))
            .map(|word| (word.text, &document[word.span.start..word.span.end]))
            .collect();
        assert_eq!(found, [("x", "x"), ("é", "é"), ("y", "y"), ("A", "\"\\u0041\"")]);
    }

    #[test]
    fn depth_has_a_limit() {
        let text = format!("a = {}", "[".repeat(100_000));
        let (_, faults) = DeTable::parse_recoverable(&text);
        assert!(!faults.is_empty());
    }
}
