//! What comes out of nodes with graphs inside: `If`, `Loop` and `Scan`.

use super::{Walk, elements::Parts};
use crate::input::onnx::{messages::element_name, schema::Schema, view::shown};

/// A graph inside an attribute.
#[derive(Debug, Clone, Default)]
pub(super) struct Inner {
    /// How many inputs it lists.
    pub(super) inputs: usize,
    /// The element types of its outputs, 0 where they are not known.
    pub(super) outputs: Vec<i64>,
    /// The places of their shapes, 0 where they are not known.
    pub(super) shapes: Vec<u32>,
}

impl<'a> Walk<'a> {
    /// Finds the element types that the graphs inside a node make; what contradicts itself is said.
    pub(super) fn flows(&mut self, schema: &Schema, parts: &mut Parts<'a>, node: impl Fn() -> String) {
        let inner = |wanted: &[u8]| parts.graphs.iter().find(|(name, _)| *name == wanted).map(|(_, inner)| inner.clone());
        let made = match parts.operator {
            b"If" => {
                let (Some(yes), Some(no)) = (inner(b"then_branch"), inner(b"else_branch")) else { return };
                if yes.inputs + no.inputs > 0 {
                    self.fault(|| format!("a branch of node `{}` has inputs of its own", node()));
                }
                if yes.outputs.len() != no.outputs.len() {
                    let counts = (yes.outputs.len(), no.outputs.len());
                    self.fault(|| format!("the branches of node `{}` have {} and {} outputs", node(), counts.0, counts.1));
                    return;
                }
                let both = || yes.outputs.iter().zip(&no.outputs);
                if let Some((a, b)) = both().find(|(a, b)| **a != 0 && **b != 0 && a != b) {
                    let (a, b) = (element_name(*a), element_name(*b));
                    self.fault(|| format!("the branches of node `{}` give {a} and {b} as one output", node()));
                }
                for (a, b) in yes.shapes.iter().zip(&no.shapes) {
                    let place = self.either(*a, *b);
                    parts.made_shapes.push(place);
                }
                both().map(|(a, b)| if *a == 0 { *b } else { *a }).collect()
            }
            b"Loop" => {
                let Some(body) = inner(b"body") else { return };
                let (inputs, outputs) = parts.counts;
                if parts.inputs.get(1).is_some_and(|name| name.is_empty()) {
                    self.dated_fault((None, Some("1.11.0")), || format!("node `{}` is a Loop without a condition", node()));
                }
                if inputs >= 2 && body.inputs != inputs {
                    self.fault(|| format!("node `{}` gives {inputs} values to a body with {} inputs", node(), body.inputs));
                    return;
                }
                if inputs < 2 || body.outputs.len() != outputs + 1 {
                    if inputs >= 2 && outputs < 200 {
                        let count = body.outputs.len();
                        self.fault(|| {
                            format!("node `{}` has {outputs} outputs and a body with {count}, which takes one more", node())
                        });
                    }
                    return;
                }
                let states = inputs - 2;
                let mut made = Vec::with_capacity(outputs);
                for (at, element) in body.outputs[1..].iter().copied().enumerate() {
                    let before = parts.taken.get(at + 2).copied().filter(|_| at < states).unwrap_or(0);
                    if before != 0 && element != 0 && before != element {
                        let (before, element) = (element_name(before), element_name(element));
                        self.fault(|| format!("the body of node `{}` takes {before} and gives {element} for it", node()));
                    }
                    made.push(if before == 0 { element } else { before });
                }
                made
            }
            b"Scan" if schema.since >= 9 => {
                let Some(body) = inner(b"body") else { return };
                if body.outputs.len() != parts.counts.1 {
                    return;
                }
                body.outputs
            }
            _ => return,
        };
        parts.made.clear();
        parts.made.extend(made);
        self.compare_stated(parts, node);
    }

    /// The place of the shape of a value that has one shape or another.
    fn either(&mut self, a: u32, b: u32) -> u32 {
        let shapes = &mut self.scopes.shapes;
        match (shapes.get(a), shapes.get(b)) {
            (Some(a), Some(b)) if a.sizes.rank() == b.sizes.rank() => {
                let sizes = a.sizes.within(&b.sizes);
                shapes.place(sizes)
            }
            _ => 0,
        }
    }

    /// What a node makes must be what the file states of it.
    pub(super) fn compare_stated(&mut self, parts: &Parts<'a>, node: impl Fn() -> String) {
        let outputs = parts.outputs.iter().zip(&parts.made).zip(&parts.stated_outputs);
        for ((name, made), stated) in outputs.filter(|((_, made), stated)| **made != 0 && **stated != 0 && made != stated)
        {
            let (stated, made, name) = (element_name(*stated), element_name(*made), shown(name, 80));
            self.fault(|| format!("`{name}` is stated to be {stated}, and node `{}` makes {made} of it", node()));
        }
    }
}
