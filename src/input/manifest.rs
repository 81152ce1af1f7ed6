//! What the readers of manifests share: the file with its templates and variables, and what is stated about it.

use super::{Files, Reading, Skipped, template::Template, yaml, yaml::Node};
use crate::{
    fact::{Delivery, Fact, FactKind, Image, ImageRole, ModelSource, Standing},
    text::{FileId, Place, Span},
};

/// How `$` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `${NAME}` is replaced by tools around it (envsubst), `$(NAME)` by the cluster; a lone `$` is nothing special.
    Kubernetes,
    /// `${NAME:-default}` and `$NAME` are replaced, `$$` is a dollar.
    Compose,
}

/// A manifest that is being read.
pub(super) struct Manifest<'a> {
    files: &'a Files<'a>,
    file: FileId,
    dialect: Dialect,
    /// What was parsed: the text of the file, or its template with the marks replaced.
    text: &'a str,
    template: Template,
    out: Reading,
}

/// Reads the documents of a file and states what `read` finds in each.
pub(super) fn read(
    files: &Files<'_>,
    file: FileId,
    dialect: Dialect,
    read: impl Fn(&mut Manifest<'_>, &[std::rc::Rc<Node<'_>>]),
) -> Reading {
    let text = files.text(file);
    let template = Template::of(&text);
    let masked;
    let mut shown: &str = &text;
    let mut parsed = yaml::documents(shown);
    let expanded = parsed.is_ok();
    if let (Err(_), Some(first)) = (&parsed, template.first()) {
        masked = template.masked(&text);
        shown = &masked;
        parsed = yaml::documents(shown);
        if parsed.is_err() {
            let mut reading = Reading::default();
            reading.skip(file, first, "a template, not expanded: render it (`helm template`) and name the result");
            return reading;
        }
    }
    let documents = match parsed {
        Ok(documents) => documents,
        Err(fault) => return fault.reading(file),
    };
    let mut manifest = Manifest { files, file, dialect, text: shown, template, out: Reading::default() };
    read(&mut manifest, &documents);
    let Manifest { template, mut out, .. } = manifest;
    if let (false, Some(first)) = (expanded, template.first()) {
        let before = out.facts.len();
        out.facts.retain(|fact| !template.is_conditional(fact.place.span));
        let lost = match before - out.facts.len() {
            0 => String::new(),
            1 => "; 1 value under a condition is left out".to_owned(),
            lost => format!("; {lost} values under conditions are left out"),
        };
        let reason = format!("a template, not expanded: only what stands in it literally is read{lost}");
        out.skip(file, first, reason);
    }
    out.facts.sort_by_key(|fact| (fact.place.span.start, fact.place.span.end));
    once(&mut out.facts);
    out.skipped.sort_by_key(|skipped| skipped.place.span.start);
    out.skipped.dedup();
    out
}

/// An alias or `extends` brings one line to several containers: what it says is kept once, for the one that runs.
fn once(facts: &mut Vec<Fact>) {
    let mut kept: Vec<Fact> = Vec::with_capacity(facts.len());
    for fact in facts.drain(..) {
        let same_place = kept.iter_mut().rev().take_while(|other| other.place.span.start == fact.place.span.start);
        let said = same_place.filter(|other| other.place == fact.place).find(|other| match (&other.kind, &fact.kind) {
            (FactKind::Image(one), FactKind::Image(other)) => one.reference == other.reference,
            (FactKind::ModelSource(one), FactKind::ModelSource(other)) => one.address == other.address,
            (one, other) => one == other,
        });
        match (said, &fact.kind) {
            (Some(other), FactKind::Image(image)) if image.role == ImageRole::Runs => {
                if !matches!(&other.kind, FactKind::Image(known) if known.role == ImageRole::Runs) {
                    *other = fact;
                }
            }
            (Some(_), _) => {}
            (None, _) => kept.push(fact),
        }
    }
    *facts = kept;
}

/// A word of a command and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
    /// It stands where a program is named.
    pub(super) leads: bool,
}

impl<'a> Manifest<'a> {
    pub(super) fn state(&mut self, kind: FactKind, span: Span) {
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind, standing: Standing::Declared, place });
    }

    pub(super) fn skip(&mut self, span: Span, reason: impl Into<String>) {
        self.out.skipped.push(Skipped { place: Place { file: self.file, span }, reason: reason.into() });
    }

    /// Whether a template will put something else here.
    pub(super) fn is_templated(&self, span: Span) -> bool {
        self.template.touches(span)
    }

    /// The text of a value with its variables replaced; nothing and a note where that cannot be known.
    pub(super) fn value(&mut self, node: &Node<'_>) -> Option<String> {
        if node.is_null() && !self.is_templated(node.span) {
            return None;
        }
        match self.known(node) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.skip(node.span, reason);
                None
            }
        }
    }

    /// As [`value`](Self::value), with the reason instead of a note.
    pub(super) fn known(&self, node: &Node<'_>) -> Result<String, String> {
        if self.is_templated(node.span) {
            return Err("the template puts a value here that is not known".to_owned());
        }
        let Some(text) = node.text() else {
            return Err(format!(
                "expected a text, found {}",
                if node.is_map() { "a map" } else { "a list or nothing" }
            ));
        };
        self.expanded(text)
    }

    /// A text with its variables replaced, or why that cannot be done.
    pub(super) fn expanded(&self, text: &str) -> Result<String, String> {
        expand(text, self.dialect, &|name| self.files.define(name).map(str::to_owned), 0)
    }

    /// States an image. Without a value that is known there is only a note.
    pub(super) fn image(&mut self, node: &Node<'_>, stage: String, role: ImageRole) {
        let Some(text) = self.value(node) else { return };
        let text = text.trim();
        // `<YOUR_IMAGE>`, `$IMAGE` and `((image))` are for a person or another tool to replace.
        let good = |it: char| it.is_ascii_alphanumeric() || "._-:/@".contains(it);
        if text.is_empty() || !text.chars().all(good) {
            return self
                .skip(node.span, format!("`{text}` is no reference of an image: something has to take its place"));
        }
        let (reference, digest) = match text.split_once('@') {
            Some((reference, digest)) => (reference, Some(digest.to_owned())),
            None => (text, None),
        };
        let image = Image {
            reference: reference.to_owned(),
            digest,
            stage: Some(stage),
            cuda: None,
            role,
            packages_only: false,
        };
        self.state(FactKind::Image(image), node.span);
    }

    /// States where a model comes from when the program starts.
    pub(super) fn model_source(&mut self, address: &str, by: impl Into<String>, span: Span) {
        let source = ModelSource { address: clean(address), delivery: Delivery::AtStart, by: by.into() };
        self.state(FactKind::ModelSource(source), span);
    }

    /// The words of a command: of its items, and of the scripts that items are.
    pub(super) fn words(&self, node: &Node<'_>) -> Vec<Word<'a>> {
        let whole: &'a str = self.text;
        let mut out = Vec::new();
        let items: Vec<&Node<'_>> =
            if node.text().is_some() { vec![node] } else { node.items().iter().map(|item| &**item).collect() };
        for (index, item) in items.into_iter().enumerate() {
            if item.text().is_none() {
                continue;
            }
            let raw = &whole[item.span.start..item.span.end];
            let mut leads = index == 0;
            let script = raw.contains(char::is_whitespace);
            let base = raw.as_ptr() as usize;
            let mut continued = false;
            for line in raw.lines() {
                leads |= script && !continued;
                for piece in line.split_whitespace() {
                    let word = piece.trim_matches(['"', '\'', '(', ')', ',', ';']);
                    let at = item.span.start + (word.as_ptr() as usize - base);
                    let span = Span::new(at, at + word.len());
                    if matches!(
                        piece,
                        "|" | "|-" | "|+" | ">" | ">-" | ">+" | "&&" | "||" | ";" | "exec" | "then" | "do" | "nohup"
                    ) {
                        leads = true;
                    } else if !word.is_empty() && piece != "\\" && !self.is_templated(span) {
                        out.push(Word { text: word, span, leads });
                        // `NAME=value program`
                        leads = piece.ends_with(';') || (leads && word.contains('=') && !word.starts_with('-'));
                    }
                }
                continued = line.ends_with('\\');
                leads &= continued;
            }
        }
        out
    }
}

/// An address without what may be secret in it, and without the query.
pub(super) fn clean(address: &str) -> String {
    if !address.contains("://") {
        return address.to_owned();
    }
    let bare = address.split(['?', '#']).next().unwrap_or_default();
    let clean = super::without_credentials(bare);
    if bare.ends_with('/') { clean } else { clean.trim_end_matches('/').to_owned() }
}

/// Replaces variables.
fn expand(
    text: &str,
    dialect: Dialect,
    define: &dyn Fn(&str) -> Option<String>,
    depth: usize,
) -> Result<String, String> {
    let unknown = |name: &str| format!("`${{{name}}}` has no value; `--define {name}=VALUE` gives one");
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let length = after.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(after.len());
        if let Some(inner) = after.strip_prefix('{') {
            let Some(end) = closing(inner) else { return Err("expected `}` after `${`".to_owned()) };
            let length =
                inner.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(inner.len()).min(end);
            let (name, operation) = (&inner[..length], &inner[length..end]);
            let given = define(name);
            let operation = operation.strip_prefix(':').unwrap_or(operation);
            let operand = operation.get(1..).unwrap_or_default();
            match (operation.chars().next(), given) {
                (Some('+'), Some(_)) | (Some('-' | '='), None) if depth < 8 => {
                    out.push_str(&expand(operand, dialect, define, depth + 1)?);
                }
                (Some('+'), None) => {}
                (_, Some(value)) => out.push_str(&value),
                _ => return Err(unknown(name)),
            }
            rest = &inner[end + 1..];
        } else if let (Dialect::Kubernetes, Some(inner)) = (dialect, after.strip_prefix('(')) {
            let name = inner.split(')').next().unwrap_or_default();
            return Err(format!("`$({name})` is replaced by something else than this file"));
        } else if let (Dialect::Compose, Some(tail)) = (dialect, after.strip_prefix('$')) {
            out.push('$');
            rest = tail;
        } else if let (true, Some(value)) = (length > 0, define(&after[..length])) {
            out.push_str(&value);
            rest = &after[length..];
        } else if dialect == Dialect::Compose && length > 0 {
            return Err(unknown(&after[..length]));
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace closes that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
