//! The types of the operators' inputs and outputs, as the specification declares them: `schema.tsv` beside this file.
//!
//! Specification: <https://github.com/onnx/onnx/blob/main/docs/Operators.md>.

use std::{
    collections::BTreeMap,
    ops::RangeInclusive,
    sync::{Mutex, OnceLock, PoisonError},
};

use super::messages::element_number;

/// The type of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parameter {
    /// Always this element type.
    Fixed(i64),
    /// That of a type constraint; all parameters with its name have one type.
    Constraint(&'static str),
    /// No tensor, or one of any type.
    Other,
}

/// One version of an operator.
#[derive(Debug)]
pub(super) struct Schema {
    /// The operator set that brought this version.
    pub(super) since: i64,
    inputs: Vec<Parameter>,
    inputs_repeat: bool,
    outputs: Vec<Parameter>,
    outputs_repeat: bool,
    /// Inputs that must not be left out: a bit for each of the first.
    needed: u64,
    /// Outputs that must not.
    needed_outputs: u64,
    /// Whether the specification also defines it by other operators.
    pub(super) is_function: bool,
    /// How many inputs a node may have.
    pub(super) input_count: RangeInclusive<usize>,
    /// How many outputs.
    pub(super) output_count: RangeInclusive<usize>,
    /// Names and types of the attributes, separated by commas; `None` for any.
    attributes: Option<&'static str>,
    /// Attributes that a node must have.
    pub(super) required: Vec<&'static str>,
    /// The element types that a constraint allows, a bit for each.
    allowed: Vec<(&'static str, u64)>,
}

/// What is known of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttributeType {
    /// The operator has no such attribute.
    None,
    /// It may have any.
    Any,
    /// The number of its `AttributeProto.AttributeType`.
    Number(u64),
}

impl Schema {
    /// The type that an attribute must have.
    pub(super) fn attribute(&self, name: &[u8]) -> AttributeType {
        let Some(all) = self.attributes else { return AttributeType::Any };
        // Names of this kind are left to tools.
        if name.starts_with(b"__") {
            return AttributeType::Any;
        }
        let found = all.split(',').find_map(|known| known.as_bytes().strip_prefix(name)?.strip_prefix(b":"));
        match found.and_then(|rest| std::str::from_utf8(rest).ok()?.trim_end_matches('!').parse().ok()) {
            Some(number) => AttributeType::Number(number),
            None => AttributeType::None,
        }
    }

    /// Whether an input must not be left out.
    pub(super) fn needs(&self, at: usize) -> bool {
        at < 64 && self.needed >> at & 1 == 1
    }

    /// Whether an output must not be left out.
    pub(super) fn needs_output(&self, at: usize) -> bool {
        at < 64 && self.needed_outputs >> at & 1 == 1
    }

    /// Whether a constraint allows an element type, as far as it is known.
    pub(super) fn allows(&self, constraint: &str, element: i64) -> bool {
        let mask = self.allowed.iter().find(|(known, _)| *known == constraint);
        mask.is_none_or(|(_, mask)| !(0..64).contains(&element) || mask >> element & 1 == 1)
    }

    /// Whether it takes any number of inputs.
    pub(super) fn takes_any(&self) -> bool {
        self.inputs_repeat
    }

    /// How many inputs it lists.
    pub(super) fn listed_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The type of an input.
    pub(super) fn input(&self, at: usize) -> Parameter {
        parameter(&self.inputs, self.inputs_repeat, at)
    }

    /// The type of an output.
    pub(super) fn output(&self, at: usize) -> Parameter {
        parameter(&self.outputs, self.outputs_repeat, at)
    }
}

fn parameter(all: &[Parameter], repeat: bool, at: usize) -> Parameter {
    let last = all.last().filter(|_| repeat);
    all.get(at).or(last).copied().unwrap_or(Parameter::Other)
}

/// The newest operator sets that the table knows. What a later one has is not known.
const NEWEST: [(&[u8], i64); 2] = [(b"ai.onnx", 28), (b"ai.onnx.ml", 5)];

/// Whether an operator is in any known operator set of a domain.
pub(super) fn exists(domain: &[u8], operator: &[u8]) -> bool {
    let newest = NEWEST.iter().find(|(known, _)| *known == domain).map_or(1, |(_, opset)| *opset);
    find(domain, operator, newest).is_some()
}

/// The version of an operator that an operator set has.
///
/// Lines are found by name and only those that are asked for are taken apart: a model uses few of all operators.
pub(super) fn find(domain: &[u8], operator: &[u8], opset: i64) -> Option<&'static Schema> {
    static LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    static READ: Mutex<BTreeMap<usize, &'static Schema>> = Mutex::new(BTreeMap::new());
    if NEWEST.iter().any(|(known, newest)| *known == domain && opset > *newest) {
        return None;
    }
    let lines = LINES.get_or_init(lines);
    let start = lines.partition_point(|line| name(line) < operator);
    let versions = lines[start..].iter().take_while(|line| name(line) == operator).enumerate();
    let fits = versions.filter_map(|(at, line)| {
        let mut words = line.split('\t').skip(1);
        let same = words.next()?.as_bytes() == domain;
        let since: i64 = words.next()?.parse().ok()?;
        (same && since <= opset).then_some((since, start + at))
    });
    let (_, at) = fits.max()?;
    let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
    // There are as many as there are lines, and they are needed to the end.
    Some(*read.entry(at).or_insert_with(|| Box::leak(Box::new(schema(lines[at])))))
}

/// The lines of the table, sorted by name.
fn lines() -> Vec<&'static str> {
    include_str!("schema.tsv").lines().filter(|line| !line.starts_with('#')).collect()
}

fn name(line: &str) -> &[u8] {
    line.split('\t').next().unwrap_or_default().as_bytes()
}

fn schema(line: &'static str) -> Schema {
    let mut words = line.split('\t').skip(1);
    let mut next = || words.next().unwrap_or_default();
    let (_domain, since, takes, makes, kind) = (next(), next(), next(), next(), next());
    let ((inputs, inputs_repeat), (outputs, outputs_repeat)) = (parameters(takes), parameters(makes));
    let (input_count, output_count) = (range(next()), range(next()));
    let attributes = Some(next()).filter(|all| *all != "*");
    let may_be_left_out = |word: &str| word.ends_with(['~', '*']) || input_count == (0..=usize::MAX);
    let needed = |all: &str| {
        let words = all.split(',').take(64).enumerate().filter(|(_, word)| *word != "-" && !may_be_left_out(word));
        words.fold(0, |all, (at, _)| all | 1 << at)
    };
    Schema {
        since: since.parse().unwrap_or(i64::MAX),
        inputs,
        inputs_repeat,
        outputs,
        outputs_repeat,
        needed: needed(takes),
        needed_outputs: needed(makes),
        is_function: kind == "function",
        input_count,
        output_count,
        attributes,
        required: attributes.into_iter().flat_map(|all| all.split(',')).filter_map(required).collect(),
        allowed: next().split(',').filter_map(mask).collect(),
    }
}

/// A range such as `1-2` or `1-`.
fn range(text: &str) -> RangeInclusive<usize> {
    let (least, most) = text.split_once('-').unwrap_or_default();
    least.parse().unwrap_or(0)..=most.parse().unwrap_or(usize::MAX)
}

/// The name in `axis:2!`.
fn required(attribute: &'static str) -> Option<&'static str> {
    attribute.strip_suffix('!')?.split(':').next()
}

/// `T=c02`.
fn mask(text: &'static str) -> Option<(&'static str, u64)> {
    let (constraint, mask) = text.split_once('=')?;
    Some((constraint, u64::from_str_radix(mask, 16).ok()?))
}

fn parameters(text: &'static str) -> (Vec<Parameter>, bool) {
    let one = |word: &'static str| match word.trim_end_matches(['*', '~']) {
        "?" => Parameter::Other,
        word => element_number(word).map_or(Parameter::Constraint(word), Parameter::Fixed),
    };
    if text == "-" { (Vec::new(), false) } else { (text.split(',').map(one).collect(), text.ends_with('*')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_understood() {
        let lines = lines();
        assert!(lines.len() > 700 && lines.is_sorted_by_key(|line| name(line)));
        for line in lines {
            let schema = schema(line);
            assert_eq!(line.split('\t').count(), 10, "{line}");
            assert!(schema.attributes.is_none_or(|all| all == "-" || all.contains(':')), "{line}");
            assert!((1..1000).contains(&schema.since), "{line}");
            let domain = line.split('\t').nth(1).unwrap().as_bytes();
            assert!(NEWEST.iter().all(|(known, newest)| *known != domain || schema.since <= *newest), "{line}");
            for parameter in schema.inputs.iter().chain(&schema.outputs) {
                // A constraint is called T, T1, tensor_type or so; an element type that is not known would look like one.
                let Parameter::Constraint(constraint) = parameter else { continue };
                let type_like = ["float", "int", "uint", "bfloat", "complex", "string", "bool"];
                assert!(!type_like.iter().any(|start| constraint.starts_with(start)), "{constraint}");
            }
        }
    }

    #[test]
    fn the_version_of_the_operator_set_counts() {
        let since =
            |domain: &str, name: &str, opset| find(domain.as_bytes(), name.as_bytes(), opset).map(|it| it.since);
        assert_eq!(since("ai.onnx", "Cast", 18), Some(13));
        assert_eq!(since("ai.onnx", "Gelu", 19), None);
        assert_eq!(since("com.microsoft", "Gelu", 1), Some(1));
        assert_eq!(since("ai.onnx", "NoSuchOperator", 18), None);
        assert_eq!((since("ai.onnx", "Cast", 28), since("ai.onnx", "Cast", 29)), (Some(28), None));
        assert!(exists(b"ai.onnx", b"Upsample") && !exists(b"ai.onnx", b"NoSuchOperator"));
        let add = find(b"ai.onnx", b"Add", 14).unwrap();
        assert_eq!(
            (add.input(1), add.output(0), add.input(2)),
            (Parameter::Constraint("T"), Parameter::Constraint("T"), Parameter::Other)
        );
        let concat = find(b"ai.onnx", b"Concat", 13).unwrap();
        assert_eq!(concat.input(7), Parameter::Constraint("T"));
        assert_eq!(find(b"ai.onnx", b"Shape", 13).unwrap().output(0), Parameter::Fixed(7));
    }

    #[test]
    fn the_form_of_nodes_is_known() {
        let of = |name: &str, opset| find(b"ai.onnx", name.as_bytes(), opset).unwrap();
        let mean = |opset| of("ReduceMean", opset);
        assert_eq!(
            (mean(17).attribute(b"axes"), mean(18).attribute(b"axes")),
            (AttributeType::Number(7), AttributeType::None)
        );
        assert_eq!((&mean(17).input_count, &mean(18).input_count), (&(1..=1), &(1..=2)));
        assert!(mean(18).needs(0) && !mean(18).needs(1) && !mean(18).needs(64));
        let concat = of("Concat", 13);
        assert_eq!(
            (&concat.input_count, concat.needs(0), concat.required.as_slice()),
            (&(1..=usize::MAX), false, ["axis"].as_slice())
        );
        assert_eq!(of("Add", 14).attribute(b""), AttributeType::None);
        assert_eq!(of("Add", 14).attribute(b"__note"), AttributeType::Any);
        assert!(of("Relu", 13).allows("T", 16) && !of("Relu", 13).allows("T", 9) && of("Relu", 13).allows("T9", 9));
        let gelu = find(b"com.microsoft", b"Gelu", 1).unwrap();
        assert_eq!((gelu.attribute(b"any"), gelu.needs(0)), (AttributeType::Any, false));
    }
}
