//! Element types of values: what the file states, carried from node to node by the operators' declared types.
//!
//! Known are the types of initialisers, of declared inputs, outputs and intermediate values, and of what nodes compute from
//! values of known type. A type that only a function's caller or a subgraph's node would tell stays unknown.

use std::collections::HashMap;

use super::{Walk, names::Keyed};
use crate::input::onnx::{
    schema::{Parameter, Schema},
    view::shown,
};

/// Values of one model whose type is remembered.
pub(super) const VALUE_LIMIT: usize = 1_000_000;
/// Different typings of one operator.
pub(super) const TYPING_LIMIT: usize = 64;
/// Broken rules that are kept.
pub(super) const FAULT_LIMIT: usize = 100;
/// Inputs and outputs of one node that are looked at.
pub(super) const PARAMETER_LIMIT: usize = 256;

/// The element types of values by name.
pub(super) type Values<'a> = HashMap<&'a [u8], i64, Keyed>;

/// The types that stand for an operator's type constraints.
pub(super) type Bindings = Vec<(&'static str, i64)>;

/// A way in which an operator is used, while nodes are still being counted.
#[derive(Debug)]
pub(super) struct TypedUse<'a> {
    pub(super) schema: &'static Schema,
    pub(super) bindings: Bindings,
    pub(super) count: u64,
    pub(super) name: &'a [u8],
    pub(super) place: String,
}

/// What a node says.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) name: &'a [u8],
    pub(super) operator: &'a [u8],
    pub(super) domain: &'a [u8],
    pub(super) overload: &'a [u8],
    pub(super) inputs: Vec<&'a [u8]>,
    pub(super) outputs: Vec<&'a [u8]>,
    /// All inputs and outputs, those beyond the limit too.
    pub(super) counts: (usize, usize),
    pub(super) attributes: Vec<&'a [u8]>,
    /// The element type that an attribute states.
    pub(super) stated: Option<i64>,
    /// The element type of a tensor or number in an attribute called `value` or `value_...`.
    pub(super) value: Option<i64>,
    /// The types of its operator's constraints, in order.
    pub(super) bindings: Bindings,
}

impl Parts<'_> {
    /// Empties it for the next node; the memory of its lists stays.
    pub(super) fn clear(&mut self) {
        self.inputs.clear();
        self.outputs.clear();
        self.attributes.clear();
        self.bindings.clear();
        let Parts { inputs, outputs, attributes, bindings, .. } = std::mem::take(self);
        *self = Parts { inputs, outputs, attributes, bindings, ..Parts::default() };
    }
}

impl<'a> Walk<'a> {
    /// Remembers the type of a value.
    pub(super) fn remember(&mut self, name: &'a [u8], element: i64) {
        if element != 0 && !name.is_empty() && (self.values.len() < VALUE_LIMIT || self.values.contains_key(name)) {
            self.values.insert(name, element);
        }
    }

    /// Finds the types of a node's constraints; its outputs get their types.
    pub(super) fn typed(&mut self, schema: &'static Schema, parts: &mut Parts<'a>, node: impl Fn() -> String) {
        self.checked(schema, parts, node);
        let mut bindings = std::mem::take(&mut parts.bindings);
        for (at, name) in parts.inputs.iter().enumerate() {
            if let (Parameter::Constraint(constraint), Some(element)) = (schema.input(at), self.values.get(name)) {
                bind(&mut bindings, constraint, *element);
            }
        }
        for (at, name) in parts.outputs.iter().enumerate() {
            let element = match schema.output(at) {
                Parameter::Fixed(element) => Some(element),
                Parameter::Constraint(constraint) => {
                    let bound = bindings.iter().find(|(known, _)| *known == constraint).map(|(_, element)| *element);
                    let element = bound
                        .or_else(|| told(parts, schema, constraint))
                        // Else the file may say it of the value.
                        .or_else(|| self.values.get(name).copied());
                    if let Some(element) = element {
                        bind(&mut bindings, constraint, element);
                    }
                    element
                }
                Parameter::Other => None,
            };
            if let Some(element) = element {
                self.remember(name, element);
            }
        }
        bindings.sort_unstable();
        parts.bindings = bindings;
    }
}

impl Walk<'_> {
    /// Notes what a node has that its operator does not allow.
    fn checked(&mut self, schema: &Schema, parts: &Parts<'_>, node: impl Fn() -> String) {
        if self.model.faults.len() >= FAULT_LIMIT {
            return;
        }
        let operator = || format!("{} of opset {}", shown(parts.operator, 60), schema.since);
        let sides = [(parts.counts.0, schema.most_inputs, "input"), (parts.counts.1, schema.most_outputs, "output")];
        for (count, most, what) in sides {
            if count > most {
                let plural = if most == 1 { "" } else { "s" };
                self.model.faults.push(format!("{} has {most} {what}{plural}, node `{}` has {count}", operator(), node()));
            }
        }
        for name in &parts.attributes {
            if !schema.has_attribute(name) {
                let text = format!("{} has no attribute `{}`, node `{}` has", operator(), shown(name, 60), node());
                self.model.faults.push(text);
            }
        }
    }
}

fn bind(bindings: &mut Bindings, constraint: &'static str, element: i64) {
    if !bindings.iter().any(|(known, _)| *known == constraint) {
        bindings.push((constraint, element));
    }
}

/// The type of an output that no input has, by the attributes of the operator or what holds without them.
fn told(parts: &Parts<'_>, schema: &Schema, constraint: &str) -> Option<i64> {
    const FLOAT: i64 = 1;
    const UINT8: i64 = 2;
    let by_inputs = (0..3).any(|at| schema.input(at) == Parameter::Constraint("T1"));
    match parts.operator {
        b"Cast" | b"BitCast" => parts.stated.filter(|it| *it != 0),
        b"Constant" => parts.value,
        b"ConstantOfShape" => Some(parts.value.unwrap_or(FLOAT)),
        b"RandomNormal" | b"RandomUniform" | b"HannWindow" | b"HammingWindow" | b"BlackmanWindow" => {
            Some(parts.stated.unwrap_or(FLOAT))
        }
        b"Multinomial" => Some(parts.stated.unwrap_or(6)),
        // Without a zero point it is the stated type, or the smallest.
        b"QuantizeLinear" if by_inputs && constraint != "T1" => Some(parts.stated.filter(|it| *it != 0).unwrap_or(UINT8)),
        _ => parts.stated.filter(|it| *it != 0),
    }
}
