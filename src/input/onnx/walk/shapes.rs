//! Shapes that contradict each other, where both are stated by inputs or weights.
//!
//! What lies between nodes is not inferred, and what the file states about it is not believed: ONNX Runtime takes its own
//! word for that.

use prost::Message as _;

use super::{RANK_LIMIT, Walk, elements::Parts, scopes::Shape};
use crate::{
    fact::Insistence,
    input::onnx::{
        messages::{self, DimensionValue, ShapeDimension, shape, tensor},
        view::shown,
        wire::{Fields, Value, WireError, packed},
    },
};

/// Sizes of a value; `None` where a size has a name or is not stated.
type Sizes = Vec<Option<i64>>;

/// Fields among which a shape is looked for: it is read anew for every node that takes the value.
const FIELD_LIMIT: usize = 256;

/// Operators that stretch their inputs over each other.
const STRETCHED: [&[u8]; 13] = [
    b"Add",
    b"And",
    b"Div",
    b"Equal",
    b"Greater",
    b"GreaterOrEqual",
    b"Less",
    b"LessOrEqual",
    b"Mul",
    b"Or",
    b"Pow",
    b"Sub",
    b"Xor",
];

impl<'a> Walk<'a> {
    fn sizes(&self, shape: Shape) -> Result<Option<Sizes>, WireError> {
        let (mut sizes, mut looked_at) = (Sizes::new(), 0);
        match shape {
            Shape::OfWeight(part) => {
                let mut fields = Fields::new(self.bytes, part, &messages::TENSOR);
                while let Some(field) = fields.pull()? {
                    match (field.number, field.value) {
                        (tensor::DIMS, Value::Number(size)) => sizes.push(Some(size.cast_signed())),
                        (tensor::DIMS, Value::Bytes(part)) => {
                            sizes.extend(
                                packed(part.of(self.bytes)).take(RANK_LIMIT + 1).map(|size| Some(size.cast_signed())),
                            );
                        }
                        _ => {}
                    }
                    looked_at += 1;
                    if sizes.len() > RANK_LIMIT || looked_at > FIELD_LIMIT {
                        return Ok(None);
                    }
                }
            }
            Shape::OfInput(part) => {
                let mut fields = Fields::new(self.bytes, part, &messages::SHAPE);
                while let Some(field) = fields.pull()? {
                    looked_at += 1;
                    if looked_at > FIELD_LIMIT {
                        return Ok(None);
                    }
                    let (shape::DIM, Value::Bytes(part)) = (field.number, field.value) else { continue };
                    if sizes.len() == RANK_LIMIT {
                        return Ok(None);
                    }
                    let dimension = ShapeDimension::decode(part.of(self.bytes))
                        .map_err(|fault| WireError::leaf(&messages::DIMENSION, part, &fault))?;
                    // Some exporters write -1 for a size they do not know.
                    sizes.push(match dimension.value {
                        Some(DimensionValue::Fixed(size)) if size >= 0 => Some(size),
                        _ => None,
                    });
                }
            }
        }
        Ok(Some(sizes))
    }

    /// The sizes of one of a node's inputs, if an input or a weight of the model states them.
    fn sizes_of(&self, parts: &Parts<'a>, at: usize) -> Option<Sizes> {
        let place = parts.shapes.get(at).copied().filter(|place| *place != 0)?;
        self.sizes(self.scopes.shape(place)?).ok()?
    }

    /// The sizes of a node's first two inputs, if both are stated.
    fn sizes_of_both(&self, parts: &Parts<'a>) -> Option<(Sizes, Sizes)> {
        // Mostly one of them is the result of a node, and the other one need not be read.
        if parts.shapes.iter().take(2).any(|place| *place == 0) {
            return None;
        }
        Some((self.sizes_of(parts, 0)?, self.sizes_of(parts, 1)?))
    }

    /// A weight must have the shape that the input of its name states.
    pub(super) fn compare_shapes(&mut self, name: &[u8], stated: Shape, stored: Shape) {
        let (Ok(Some(stated)), Ok(Some(stored))) = (self.sizes(stated), self.sizes(stored)) else { return };
        let differs = |(stated, stored): (&Option<i64>, &Option<i64>)| stated.is_some() && stated != stored;
        if stated.len() != stored.len() || stated.iter().zip(&stored).any(differs) {
            self.fault(|| {
                format!(
                    "input `{}` is stated to be {}, and its weight is {}",
                    shown(name, 80),
                    spelled(&stated),
                    spelled(&stored)
                )
            });
        }
    }

    /// Looks at the shapes that a node of ONNX's own operators takes.
    pub(super) fn shapes_fit(&mut self, parts: &Parts<'a>, opset: i64, node: impl Fn() -> String) {
        if parts.shapes.iter().all(|place| *place == 0) {
            return;
        }
        let operator = parts.operator;
        if STRETCHED.contains(&operator) {
            // Older ones stretch only if they are told to, and nobody follows shapes through the older form of these two.
            let Some((a, b)) = self.sizes_of_both(parts) else { return };
            let since = if matches!(operator, b"GreaterOrEqual" | b"LessOrEqual") { 16 } else { 7 };
            if opset >= since && stretch_clashes(&a, &b) {
                self.clash(operator, &a, &b, node);
            }
            return;
        }
        match operator {
            b"MatMul" => {
                let Some((a, b)) = self.sizes_of_both(parts) else { return };
                let inner = (a.last().copied().flatten(), b.get(b.len().saturating_sub(2)).copied().flatten());
                let stacks = |sizes: &Sizes| sizes[..sizes.len().saturating_sub(2)].to_vec();
                if matches!(inner, (Some(a), Some(b)) if a != b) || stretch_clashes(&stacks(&a), &stacks(&b)) {
                    self.clash(operator, &a, &b, node);
                }
            }
            b"Gemm" => {
                let Some((a, b)) = self.sizes_of_both(parts) else { return };
                // A vector stood for a matrix before operator set 7.
                if a.len() != 2 || b.len() != 2 {
                    if opset >= 7 {
                        self.clash(operator, &a, &b, node);
                    }
                } else if let (Some(a_size), Some(b_size)) =
                    (a[usize::from(!parts.turned.0)], b[usize::from(parts.turned.1)])
                    && a_size != b_size
                    // No release minds it before.
                    && opset >= 13
                {
                    let text = clash(operator, &a, &b, node);
                    self.lesser_fault(Insistence::GemmSizes, || text);
                }
            }
            b"Conv" => {
                if let Some(sizes) = self.sizes_of(parts, 0).filter(|sizes| sizes.len() < 3) {
                    let text = format!(
                        "Conv takes three dimensions or more, and node `{}` gives it {}",
                        node(),
                        spelled(&sizes)
                    );
                    self.lesser_fault(Insistence::ConvRank, || text);
                }
            }
            b"Concat" => {
                let all: Option<Vec<Sizes>> = (0..parts.inputs.len()).map(|at| self.sizes_of(parts, at)).collect();
                let (Some(all), Some(axis)) = (all, parts.axis) else { return };
                let Some(first) = all.first() else { return };
                if self.axis_fits(operator, axis, first.len(), &node) {
                    let along =
                        usize::try_from(axis).unwrap_or_else(|_| first.len() - usize::try_from(-axis).unwrap_or(0));
                    let fits = |other: &&Sizes| {
                        let clash =
                            |at: usize| at != along && matches!((first[at], other[at]), (Some(a), Some(b)) if a != b);
                        other.len() == first.len() && !(0..first.len()).any(clash)
                    };
                    if let Some(other) = all.iter().find(|other| !fits(other)) {
                        self.clash(operator, first, other, node);
                    }
                }
            }
            b"Softmax" | b"LogSoftmax" | b"Hardmax" => {
                let (Some(sizes), Some(axis)) = (self.sizes_of(parts, 0), parts.axis) else { return };
                self.axis_fits(operator, axis, sizes.len(), &node);
            }
            _ => {}
        }
    }

    fn axis_fits(&mut self, operator: &[u8], axis: i64, rank: usize, node: impl Fn() -> String) -> bool {
        let end = i64::try_from(rank).unwrap_or(i64::MAX);
        let fits = (-end..end).contains(&axis);
        if !fits {
            self.fault(|| format!("{} along axis {axis} of {rank} dimensions, node `{}`", shown(operator, 60), node()));
        }
        fits
    }

    fn clash(&mut self, operator: &[u8], a: &Sizes, b: &Sizes, node: impl Fn() -> String) {
        self.fault(|| clash(operator, a, b, node));
    }
}

/// Whether two shapes cannot be stretched over each other, from the last size on.
fn stretch_clashes(a: &Sizes, b: &Sizes) -> bool {
    let clash =
        |(a, b): (&Option<i64>, &Option<i64>)| matches!((a, b), (Some(a), Some(b)) if a != b && *a != 1 && *b != 1);
    a.iter().rev().zip(b.iter().rev()).any(clash)
}

fn clash(operator: &[u8], a: &Sizes, b: &Sizes, node: impl Fn() -> String) -> String {
    format!("{} cannot take {} and {}, node `{}` gives it both", shown(operator, 60), spelled(a), spelled(b), node())
}

/// `[2,3]`, with `?` for a size that is not stated.
fn spelled(sizes: &Sizes) -> String {
    let words: Vec<String> =
        sizes.iter().map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string())).collect();
    format!("[{}]", words.join(","))
}
