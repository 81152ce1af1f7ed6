//! YAML as a tree in which every value knows where it stands, for the readers of manifests.
//!
//! Specification: <https://yaml.org/spec/1.2.2/>; merge keys (`<<`): <https://yaml.org/type/merge.html>
//!
//! Every scalar stays the text that was written (`3.10` is no number), several documents are several trees, and an alias is
//! the very value that its anchor names, place included. Nesting, the number of values and what aliases multiply are
//! limited, so that a walk over a tree that was made here ends soon and needs little stack.

use std::{borrow::Cow, collections::HashMap, rc::Rc};

use granit_parser::{Event, Parser, ScalarStyle};

use super::Reading;
use crate::text::{FileId, Place, Span, floor_char_boundary};

/// Longer texts are no manifest that somebody wrote.
const TEXT_LIMIT: usize = 8 << 20;

/// Values may stand inside each other this often, those that aliases bring included.
const DEPTH_LIMIT: u16 = 100;

/// So many values one document may have, counting what an alias brings each time.
const VALUE_LIMIT: usize = 1 << 20;

/// So many values aliases may bring to one document.
const ALIAS_LIMIT: usize = 100_000;

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) value: Value<'t>,
    /// For a text in quotes: what is between them.
    pub(super) span: Span,
    depth: u16,
    size: usize,
}

/// A value. Children are shared, since aliases bring them to several places.
#[derive(Debug)]
pub(super) enum Value<'t> {
    Scalar { text: Cow<'t, str>, plain: bool },
    List(Vec<Rc<Node<'t>>>),
    Map(Vec<(Rc<Node<'t>>, Rc<Node<'t>>)>),
}

/// Why a text is not YAML, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) span: Span,
    pub(super) message: String,
}

impl Fault {
    /// The reading of a file that is not YAML after all.
    pub(super) fn reading(self, file: FileId) -> Reading {
        Reading::faulty(format!("broken YAML: {}", self.message), Some(Place { file, span: self.span }))
    }
}

impl<'t> Node<'t> {
    /// The text of a scalar that is not null.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether nothing stands here.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The items of a list; none if it is something else.
    pub(super) fn items(&self) -> &[Rc<Node<'t>>] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    /// Keys and values of a map, those that `<<` brings included; none if it is something else.
    pub(super) fn entries(&self) -> Vec<(&Node<'t>, &Node<'t>)> {
        let mut out = Vec::new();
        self.collect(&mut out);
        let mut seen = std::collections::HashSet::new();
        out.retain(|(key, _)| key.text().is_some_and(|key| seen.insert(key)));
        out
    }

    fn collect<'a>(&'a self, out: &mut Vec<(&'a Node<'t>, &'a Node<'t>)>) {
        let Value::Map(entries) = &self.value else { return };
        // What the map itself says comes before what it merges, wherever `<<` stands.
        let merged = |key: &Node<'_>| matches!(&key.value, Value::Scalar { text, plain: true } if text == "<<");
        out.extend(entries.iter().filter(|(key, _)| !merged(key)).map(|(key, value)| (&**key, &**value)));
        for (_, value) in entries.iter().filter(|(key, _)| merged(key)) {
            match &value.value {
                Value::List(items) => items.iter().for_each(|item| item.collect(out)),
                _ => value.collect(out),
            }
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// A key and its value.
    pub(super) fn entry(&self, wanted: &str) -> Option<(&Node<'t>, &Node<'t>)> {
        let Value::Map(entries) = &self.value else { return None };
        let own = entries.iter().find(|(key, _)| key.text() == Some(wanted));
        own.map(|(key, value)| (&**key, &**value)).or_else(|| {
            let merged = entries.iter().filter(|(key, _)| key.text() == Some("<<"));
            merged.map(|(_, value)| value).find_map(|value| match &value.value {
                Value::List(items) => items.iter().find_map(|item| item.entry(wanted)),
                _ => value.entry(wanted),
            })
        })
    }

    /// The value under several keys, one inside the other.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Node<'t>> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text under a key.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }
}

/// The documents of a text. Those without content are left out.
pub(super) fn documents(text: &str) -> Result<Vec<Rc<Node<'_>>>, Fault> {
    if text.len() > TEXT_LIMIT {
        let message = format!("the file is longer than {} MiB, which no manifest is", TEXT_LIMIT >> 20);
        return Err(Fault { span: Span::default(), message });
    }
    let depth = usize::from(DEPTH_LIMIT);
    let options = granit_parser::options! { flow_nesting_limit: depth, block_nesting_limit: depth };
    let mut builder = Builder { text, ..Builder::default() };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => builder.event(event, span.byte_range().unwrap_or_default())?,
            Err(fault) => {
                let at = floor_char_boundary(text, fault.marker().byte_offset().unwrap_or(text.len()));
                return Err(Fault { span: Span::new(at, at), message: fault.info().to_lowercase() });
            }
        }
    }
    Ok(builder.documents)
}

/// A collection that is not closed yet.
struct Open<'t> {
    /// The items, or keys and values by turns.
    children: Vec<Rc<Node<'t>>>,
    map: bool,
    anchor: usize,
    start: usize,
}

#[derive(Default)]
struct Builder<'t> {
    text: &'t str,
    documents: Vec<Rc<Node<'t>>>,
    open: Vec<Open<'t>>,
    anchors: HashMap<usize, Rc<Node<'t>>>,
    values: usize,
    aliased: usize,
}

impl<'t> Builder<'t> {
    fn event(&mut self, event: Event<'t>, range: std::ops::Range<usize>) -> Result<(), Fault> {
        let start = floor_char_boundary(self.text, range.start);
        let span = Span::new(start, floor_char_boundary(self.text, range.end).max(start));
        match event {
            Event::DocumentStart(..) => {
                self.anchors.clear();
                (self.values, self.aliased) = (0, 0);
            }
            Event::Scalar(value, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) && span.len() >= 2;
                let span = if quoted { Span::new(span.start + 1, span.end - 1) } else { span };
                // A line of comment or blanks may follow a block scalar, and would be marked with it.
                let covered = self.text[span.start..span.end].trim_end();
                let span = if quoted { span } else { Span::new(span.start, span.start + covered.len()) };
                self.add(Node { value: Value::Scalar { text: value, plain }, span, depth: 1, size: 1 }, anchor)?;
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    let message = "an alias stands inside the value that it names".to_owned();
                    return Err(Fault { span, message });
                };
                self.aliased = self.aliased.saturating_add(node.size);
                if self.aliased > ALIAS_LIMIT {
                    let message = format!("aliases bring more than {ALIAS_LIMIT} values");
                    return Err(Fault { span, message });
                }
                self.place(node)?;
            }
            Event::SequenceStart(_, anchor, _) => self.begin(false, anchor, span.start)?,
            Event::MappingStart(_, anchor, _) => self.begin(true, anchor, span.start)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span.end)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, map: bool, anchor: usize, start: usize) -> Result<(), Fault> {
        if self.open.len() >= usize::from(DEPTH_LIMIT) {
            return Err(too_deep(start));
        }
        self.open.push(Open { children: Vec::new(), map, anchor, start });
        Ok(())
    }

    fn end(&mut self, end: usize) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let depth = 1 + open.children.iter().map(|child| child.depth).max().unwrap_or(0);
        let size = open.children.iter().map(|child| child.size).sum::<usize>() + 1;
        // A block collection ends where the next thing begins; only what it holds is its own.
        let last = open.children.last().map_or(open.start, |child| child.span.end);
        let closed = self.text[..end].ends_with([']', '}']) && end > open.start;
        let end = if closed { end } else { last.max(open.start) };
        let value = if open.map {
            let mut entries = Vec::with_capacity(open.children.len() / 2);
            let mut children = open.children.into_iter();
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                entries.push((key, value));
            }
            Value::Map(entries)
        } else {
            Value::List(open.children)
        };
        self.add(Node { value, span: Span::new(open.start, end), depth, size }, open.anchor)
    }

    fn add(&mut self, node: Node<'t>, anchor: usize) -> Result<(), Fault> {
        self.values += 1;
        if self.values > VALUE_LIMIT {
            return Err(Fault { span: node.span, message: format!("a document has more than {VALUE_LIMIT} values") });
        }
        let node = Rc::new(node);
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.place(node)
    }

    fn place(&mut self, node: Rc<Node<'t>>) -> Result<(), Fault> {
        if usize::from(node.depth) + self.open.len() > usize::from(DEPTH_LIMIT) {
            return Err(too_deep(node.span.start));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None if node.is_null() => {}
            None => self.documents.push(node),
        }
        Ok(())
    }
}

fn too_deep(at: usize) -> Fault {
    Fault { span: Span::new(at, at), message: format!("values stand inside each other more than {DEPTH_LIMIT} times") }
}

#[cfg(test)]
mod tests;
