//! The readable view of a model: the text that a diagnostic shows and points into, since the file itself is binary.
//!
//! One line a statement, in a fixed order, without control characters, and of bounded length: where there is too much,
//! a last line says how much more there is, and what is not listed points at that line.

use std::fmt::Write as _;

use crate::{
    fact::{Dimension, Model, Signature},
    text::{Span, escape},
};

/// Lines of one kind.
const LINES: usize = 200;
/// Lines for operators.
const OPERATOR_LINES: usize = 1_000;
/// Lines for the rest: metadata, functions, external files.
const OTHER_LINES: usize = 50;
/// Characters of a name.
const NAME: usize = 120;

/// Text from the file, harmless on a terminal and at most `limit` characters long.
pub(super) fn shown(bytes: &[u8], limit: usize) -> String {
    // A character has at most four bytes, so no more need be looked at.
    let start = &bytes[..bytes.len().min(limit.saturating_mul(4) + 4)];
    let text = String::from_utf8_lossy(start);
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", escape(&text[..end])),
        None => escape(&text),
    }
}

/// A view that grows line by line.
#[derive(Default)]
struct View {
    text: String,
}

impl View {
    /// Adds `key: value`, and after it words that the span leaves out; returns the span of the value.
    fn line(&mut self, key: &str, value: &str, rest: &str) -> Span {
        let _ = write!(self.text, "{key}: ");
        let start = self.text.len();
        self.text.push_str(value);
        let span = Span::new(start, self.text.len());
        let _ = writeln!(self.text, "{rest}");
        span
    }

    /// Adds one line for each of the first `limit` items, and a last one for all others.
    fn lines<T>(
        &mut self,
        key: &str,
        limit: usize,
        items: impl ExactSizeIterator<Item = T>,
        mut spell: impl FnMut(&T) -> (String, String),
        mut keep: impl FnMut(T, Span),
    ) {
        let count = items.len();
        let mut last = None;
        for (at, item) in items.enumerate() {
            let span = if at < limit {
                let (value, rest) = spell(&item);
                self.line(key, &value, &rest)
            } else {
                *last.get_or_insert_with(|| self.line(key, &format!("... and {} more", count - limit), ""))
            };
            keep(item, span);
        }
    }
}

/// Renders the model and sets its spans. The first line is always the IR version.
pub(super) fn render(model: &mut Model) -> String {
    let mut view = View::default();
    let name = |text: &str| shown(text.as_bytes(), NAME);

    let ir = model.ir_version.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let value = view.line("ir_version", &ir, "");
    model.ir_span = Some(Span::new(0, value.end));
    if let Some(producer) = &model.producer {
        let mut text = name(&producer.name);
        if let Some(version) = &producer.version {
            let _ = write!(text, " {}", name(version));
        }
        model.producer_span = Some(view.line("producer", &text, ""));
    }
    if let Some(domain) = &model.domain {
        view.line("domain", &name(domain), "");
    }
    if let Some(version) = model.model_version {
        view.line("model_version", &version.to_string(), "");
    }
    view.lines(
        "opset_import",
        LINES,
        model.opsets.iter(),
        |(domain, version)| (format!("{} {version}", name(domain)), String::new()),
        |(domain, _), span| {
            model.opset_spans.insert(domain.clone(), span);
        },
    );
    for (key, list) in [("input", &mut model.inputs), ("output", &mut model.outputs)] {
        view.lines(
            key,
            LINES,
            list.iter_mut(),
            |value| (signature(value), String::new()),
            |value, span| value.span = Some(span),
        );
    }
    if !model.element_types.is_empty() {
        let types: Vec<&str> = model.element_types.iter().map(String::as_str).collect();
        view.line("element_types", &shown(types.join(", ").as_bytes(), 500), "");
    }
    view.lines(
        "external_data",
        OTHER_LINES,
        model.external_data.iter(),
        |data| {
            let bytes = data.needed_bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes"));
            (name(&data.location), format!(" ({}{bytes})", counted(data.tensors, "tensor")))
        },
        |_, _| {},
    );
    operators(&mut view, model);
    view.lines(
        "function",
        OTHER_LINES,
        model.functions.iter(),
        |function| {
            let imports = model.function_opsets.get(*function).map_or_else(String::new, |opsets| {
                let mut text = String::new();
                for (domain, version) in opsets.iter().take(4) {
                    let _ = write!(text, "{}{} {version}", if text.is_empty() { "" } else { ", " }, name(domain));
                }
                format!(" ({text}{})", if opsets.len() > 4 { ", ..." } else { "" })
            });
            (name(function), imports)
        },
        |_, _| {},
    );
    view.lines(
        "metadata",
        OTHER_LINES,
        model.metadata.iter(),
        |(key, value)| (format!("{} = {}", name(key), name(value)), String::new()),
        |_, _| {},
    );
    view.text
}

fn operators(view: &mut View, model: &mut Model) {
    let opsets = &model.opsets;
    let mut all: Vec<_> = model
        .operators
        .iter_mut()
        .flat_map(|(domain, operators)| operators.iter_mut().map(move |(operator, found)| (domain, operator, found)))
        .collect();
    view.lines(
        "operator",
        OPERATOR_LINES,
        all.iter_mut(),
        |(domain, operator, found)| {
            let imported = opsets.get(*domain).map(|it| (*it, *it));
            let under = match found.opset {
                Some((low, high)) if found.opset != imported && low == high => format!(", opset {low}"),
                Some((low, high)) if found.opset != imported => format!(", opset {low} to {high}"),
                _ => String::new(),
            };
            let value = format!("{} {}", shown(domain.as_bytes(), NAME), shown(operator.as_bytes(), NAME));
            let first = shown(found.first_node.as_bytes(), NAME);
            (value, format!(" ({}, first \"{first}\"{under})", counted(found.count, "node")))
        },
        |(_, _, found), span| found.span = Some(span),
    );
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A value as `image float32[N,3,224,224]`; a shape that is not known leaves the brackets out.
fn signature(value: &Signature) -> String {
    let dtype = shown(value.dtype.as_deref().unwrap_or("?").as_bytes(), NAME);
    let mut text = format!("{} {dtype}", shown(value.name.as_bytes(), NAME));
    if let Some(shape) = &value.shape {
        let sizes: Vec<String> = shape
            .iter()
            .map(|size| match size {
                Dimension::Fixed(size) => size.to_string(),
                Dimension::Symbol(symbol) => shown(symbol.as_bytes(), 40),
                Dimension::Unknown => "?".to_owned(),
            })
            .collect();
        let _ = write!(text, "[{}]", sizes.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{IrVersion, Opset};

    #[test]
    fn spans_stand_on_what_they_name_and_long_lists_end() {
        let mut model = Model { ir_version: Some(IrVersion(9)), ..Model::default() };
        for at in 0..300 {
            model.opsets.insert(format!("domain{at:03}"), Opset(at));
        }
        model.inputs.push(Signature {
            name: "a\u{1b}[2J\n".to_owned(),
            dtype: Some("float32".to_owned()),
            shape: Some(vec![Dimension::Symbol("N".to_owned()), Dimension::Fixed(3), Dimension::Unknown]),
            span: None,
        });
        let text = render(&mut model);
        let at = |span: Span| &text[span.start..span.end];
        assert_eq!(at(model.ir_span.unwrap()), "ir_version: 9");
        assert_eq!(at(model.opset_spans["domain007"]), "domain007 7");
        assert_eq!(at(model.opset_spans["domain299"]), "... and 100 more");
        assert_eq!(at(model.inputs[0].span.unwrap()), "a\\u{1b}[2J\\u{a} float32[N,3,?]");
        assert_eq!(text.lines().count(), 203);
    }

    #[test]
    fn names_are_cut_at_characters() {
        assert_eq!(shown("größe".as_bytes(), 3), "grö...");
        assert_eq!(shown("größe".as_bytes(), 5), "größe");
        assert_eq!(shown(b"a\xffb", 5), "a\u{fffd}b");
        assert_eq!(shown("数".repeat(1000).as_bytes(), 2), "数数...");
    }
}
