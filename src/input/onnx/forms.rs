//! What nodes of ONNX Runtime's own operators may have, release by release: `forms.tsv` beside this file.
//!
//! These operators change without a new version of their domain, so that a node which a newer release wrote may be refused
//! by an older one. Releases before `EARLIEST` do not tell their forms; what came later than that they do not have either.

use std::{ops::RangeInclusive, sync::OnceLock};

use super::{view::shown, walk::REFERENCE};
use crate::version::Version;

/// The first release whose forms are known.
const EARLIEST: &str = "1.16.0";

/// What a node may have from a release on.
#[derive(Debug, PartialEq, Eq)]
struct Form {
    since: &'static str,
    inputs: RangeInclusive<usize>,
    outputs: RangeInclusive<usize>,
    attributes: &'static str,
}

/// A node, as far as its form goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shaped<'s> {
    /// How many inputs and outputs are listed.
    pub(super) counts: (usize, usize),
    /// Names of attributes and the numbers of their types.
    pub(super) attributes: &'s [(&'s [u8], u64)],
}

/// Why some releases refuse a form, in words that a node's name follows, and which: from one on, and before another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) text: String,
    pub(super) from: Option<Version>,
    pub(super) before: Option<Version>,
}

/// Which releases refuse a node of an operator, as far as that is known.
pub(super) fn refusals(operator: &[u8], node: Shaped<'_>) -> Vec<Refusal> {
    let faults: Vec<(&str, Option<String>)> = forms(operator).map(|form| (form.since, form.fault(node))).collect();
    let mut out: Vec<Refusal> = Vec::new();
    for (at, (since, fault)) in faults.iter().enumerate() {
        if at > 0 && faults[at - 1].1 == *fault {
            continue;
        }
        if let (Some(last), Ok(since)) = (out.last_mut().filter(|_| at > 0 && faults[at - 1].1.is_some()), since.parse()) {
            last.before = Some(since);
        }
        let Some(text) = fault.clone() else { continue };
        // What is new later is not old either; what nobody knows may have been there once.
        let is_new = *since == EARLIEST && faults.iter().any(|(_, fault)| fault.is_none());
        let from = if is_new { None } else { since.parse().ok() };
        out.push(Refusal { text, from, before: None });
    }
    out
}

impl Form {
    /// What a node has that the form does not allow.
    fn fault(&self, node: Shaped<'_>) -> Option<String> {
        for (count, allowed, what) in [(node.counts.0, &self.inputs, "input"), (node.counts.1, &self.outputs, "output")] {
            let bound = if count > *allowed.end() { *allowed.end() } else { *allowed.start() };
            let plural = if bound == 1 { "" } else { "s" };
            if count > *allowed.end() {
                return Some(format!("has {bound} {what}{plural} at most"));
            }
            if count < *allowed.start() {
                return Some(format!("needs {bound} {what}{plural}"));
            }
        }
        let known = |name: &[u8]| {
            self.attributes.split(',').find_map(|it| it.as_bytes().strip_prefix(name)?.strip_prefix(b":"))
        };
        for (name, kind) in node.attributes.iter().filter(|(name, _)| !name.starts_with(b"__")) {
            match known(name) {
                None => return Some(format!("has no attribute `{}`", shown(name, 60))),
                Some(number) if *kind != REFERENCE && !is_number(number, *kind) => {
                    return Some(format!("has another type of attribute `{}`", shown(name, 60)));
                }
                Some(_) => {}
            }
        }
        let has = |wanted: &str| node.attributes.iter().any(|(name, _)| *name == wanted.as_bytes());
        let required = self.attributes.split(',').filter_map(|it| it.strip_suffix('!')?.split(':').next());
        required.into_iter().find(|name| !has(name)).map(|name| format!("needs the attribute `{name}`"))
    }
}

fn is_number(text: &[u8], number: u64) -> bool {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.trim_end_matches('!').parse().is_ok_and(|known: u64| known == number)
}

/// The forms of an operator, oldest first.
fn forms(operator: &[u8]) -> impl Iterator<Item = Form> {
    static LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let lines = LINES.get_or_init(|| include_str!("forms.tsv").lines().filter(|line| !line.starts_with('#')).collect());
    let start = lines.partition_point(|line| name(line) < operator);
    lines[start..].iter().take_while(move |line| name(line) == operator).filter_map(|line| form(line))
}

fn name(line: &str) -> &[u8] {
    line.split('\t').next().unwrap_or_default().as_bytes()
}

fn form(line: &'static str) -> Option<Form> {
    let mut words = line.split('\t').skip(1);
    let (since, inputs, outputs, attributes) = (words.next()?, range(words.next()?)?, range(words.next()?)?, words.next()?);
    Some(Form { since, inputs, outputs, attributes })
}

fn range(text: &str) -> Option<RangeInclusive<usize>> {
    let (least, most) = text.split_once('-')?;
    Some(least.parse().ok()?..=most.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(operator: &str, counts: (usize, usize), attributes: &[(&[u8], u64)]) -> Vec<String> {
        let release = |it: Option<Version>| it.map_or(String::new(), |it| it.to_string());
        let found = refusals(operator.as_bytes(), Shaped { counts, attributes });
        found.into_iter().map(|it| format!("{}..{}: {}", release(it.from), release(it.before), it.text)).collect()
    }

    #[test]
    fn every_line_is_understood() {
        let lines: Vec<&str> = include_str!("forms.tsv").lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 150 && lines.is_sorted_by_key(|line| name(line)));
        for line in lines {
            let form = form(line).unwrap();
            assert!(form.since.parse::<Version>().is_ok() && line.split('\t').count() == 5, "{line}");
            assert!(form.attributes == "-" || form.attributes.split(',').all(|it| it.contains(':')), "{line}");
        }
    }

    #[test]
    fn releases_that_do_not_know_a_form_refuse_it() {
        let needed: [(&[u8], u64); 4] = [(b"K", 2), (b"N", 2), (b"bits", 2), (b"block_size", 2)];
        assert_eq!(said("MatMulNBits", (3, 1), &needed), [""; 0]);
        assert_eq!(said("MatMulNBits", (5, 1), &needed), ["1.16.2..1.18.0: has 4 inputs at most"]);
        assert_eq!(said("FastGelu", (1, 1), &[(b"axis", 2)]), ["1.16.0..: has no attribute `axis`"]);
        let past: [(&[u8], u64); 2] = [(b"num_heads", 2), (b"scale", 1)];
        assert_eq!(said("Attention", (2, 1), &past), [""; 0]);
        assert_eq!(said("Attention", (2, 1), &past[1..]), ["1.16.0..: needs the attribute `num_heads`"]);
        assert_eq!(said("NoSuchOperator", (1, 1), &[]), [""; 0]);
        assert_eq!(said("MultiHeadAttention", (9, 1), &past[..1]), ["..1.22.0: has 8 inputs at most"]);
        assert_eq!(said("Gelu", (1, 1), &[(b"__note", 3)]), [""; 0]);
    }
}
