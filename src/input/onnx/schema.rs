//! The types of the operators' inputs and outputs, as the specification declares them: `schema.tsv` beside this file.
//!
//! Specification: <https://github.com/onnx/onnx/blob/main/docs/Operators.md>.

use std::{
    collections::BTreeMap,
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
    /// Whether the specification also defines it by other operators.
    pub(super) is_function: bool,
    /// How many inputs a node may have at most. That it has too few is left to others: sketches of models omit weights.
    pub(super) most_inputs: usize,
    /// How many outputs.
    pub(super) most_outputs: usize,
    /// The names of the attributes, separated by commas; `None` for any.
    attributes: Option<&'static str>,
}

impl Schema {
    /// Whether a node may have an attribute.
    pub(super) fn has_attribute(&self, name: &[u8]) -> bool {
        self.attributes.is_none_or(|all| all.split(',').any(|known| known.as_bytes() == name))
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

/// The version of an operator that an operator set has.
///
/// Lines are found by name and only those that are asked for are taken apart: a model uses few of all operators.
pub(super) fn find(domain: &[u8], operator: &[u8], opset: i64) -> Option<&'static Schema> {
    static LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    static READ: Mutex<BTreeMap<usize, &'static Schema>> = Mutex::new(BTreeMap::new());
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
    let (_domain, since, inputs, outputs, kind) = (next(), next(), next(), next(), next());
    let ((inputs, inputs_repeat), (outputs, outputs_repeat)) = (parameters(inputs), parameters(outputs));
    let (most_inputs, most_outputs) = (most(next()), most(next()));
    Schema {
        since: since.parse().unwrap_or(i64::MAX),
        inputs,
        inputs_repeat,
        outputs,
        outputs_repeat,
        is_function: kind == "function",
        most_inputs,
        most_outputs,
        attributes: Some(next()).filter(|all| *all != "*"),
    }
}

/// The end of a range such as `1-2` or `1-`.
fn most(text: &str) -> usize {
    text.split_once('-').and_then(|(_, most)| most.parse().ok()).unwrap_or(usize::MAX)
}

fn parameters(text: &'static str) -> (Vec<Parameter>, bool) {
    let one = |word: &'static str| match word.trim_end_matches('*') {
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
            assert_eq!(line.split('\t').count(), 9, "{line}");
            assert!((1..1000).contains(&schema.since), "{line}");
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
        let since = |domain: &str, name: &str, opset| find(domain.as_bytes(), name.as_bytes(), opset).map(|it| it.since);
        assert_eq!(since("ai.onnx", "Cast", 18), Some(13));
        assert_eq!(since("ai.onnx", "Gelu", 19), None);
        assert_eq!(since("com.microsoft", "Gelu", 1), Some(1));
        assert_eq!(since("ai.onnx", "NoSuchOperator", 18), None);
        let add = find(b"ai.onnx", b"Add", 14).unwrap();
        assert_eq!((add.input(1), add.output(0), add.input(2)), (Parameter::Constraint("T"), Parameter::Constraint("T"), Parameter::Other));
        let concat = find(b"ai.onnx", b"Concat", 13).unwrap();
        assert_eq!(concat.input(7), Parameter::Constraint("T"));
        assert_eq!(find(b"ai.onnx", b"Shape", 13).unwrap().output(0), Parameter::Fixed(7));
        let mean = |opset| find(b"ai.onnx", b"ReduceMean", opset).unwrap();
        assert!(mean(17).has_attribute(b"axes") && !mean(18).has_attribute(b"axes"));
        assert_eq!((mean(17).most_inputs, mean(18).most_inputs), (1, 2));
        assert_eq!(concat.most_inputs, usize::MAX);
        assert!(!add.has_attribute(b""));
    }
}
