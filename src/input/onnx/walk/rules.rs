//! What shapes operators take and make, and which values of their attributes they refuse, as ONNX infers it and ONNX Runtime
//! does when it makes its kernels.
//!
//! Each rule was held against answers of the releases from 1.9 on. A size that is not known is never called wrong, and where
//! releases differ in what they infer, nothing is inferred.

use super::{
    DEFAULT_DOMAIN, Walk,
    elements::Parts,
    layers::{
        average_pool, batch_normalization, conv, conv_transpose, depth_to_space, global_pool, layer_normalization,
        local_response, max_pool, norm, other_pool, recurrent, regions, resize, space_to_depth, upsample,
    },
    learned,
    moves::{
        argument, compress, concat, constant, constant_of_shape, expand, eye_like, flatten, gather, gather_elements, gather_nd,
        non_zero, one_hot, pad, range, reduce, reshape, shape_of, size_of, slice, split, split_to_sequence, squeeze, tile, top_k, transpose, triangle,
        unsqueeze,
    },
    sizes::{Shape, Sizes},
};
use crate::{fact::Insistence, input::onnx::view::shown};

/// What an operator makes of what it takes.
pub(super) type Rule = fn(&Taken<'_, '_>) -> Result<Made, Clash>;

/// The shapes that a node makes.
#[derive(Debug)]
pub(super) enum Made {
    /// Nothing is known of them.
    Unknown,
    /// The first output has the shape of an input.
    Like(usize),
    /// So has every output.
    AllLike(usize),
    /// The first output has these sizes.
    One(Sizes),
    /// A constant.
    Constant(Shape),
    /// Each output has its own.
    Each(Vec<Option<Sizes>>),
}

impl From<Option<Sizes>> for Made {
    fn from(sizes: Option<Sizes>) -> Self {
        sizes.map_or(Made::Unknown, Made::One)
    }
}

/// Why ONNX Runtime refuses a node.
#[derive(Debug)]
pub(super) struct Clash {
    /// In words, which the name of the node follows.
    pub(super) text: String,
    /// The first release that refuses it; `None` for all.
    pub(super) from: Option<&'static str>,
    /// The first one after it that does not.
    pub(super) before: Option<&'static str>,
    /// The first one after that that does again.
    pub(super) again: Option<&'static str>,
    /// A rule of its own.
    pub(super) insistence: Option<Insistence>,
}

impl Clash {
    pub(super) fn new(text: String) -> Self {
        Clash { text, from: None, before: None, again: None, insistence: None }
    }

    /// Releases before this one let it pass.
    pub(super) fn from(self, release: &'static str) -> Self {
        Clash { from: Some(release), ..self }
    }
}

/// Whole numbers in an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List<'l> {
    Absent,
    /// There are too many, or a caller gives them.
    Unknown,
    Is(&'l [i64]),
}

impl<'l> List<'l> {
    pub(super) fn known(self) -> Option<&'l [i64]> {
        match self {
            List::Is(all) => Some(all),
            List::Absent | List::Unknown => None,
        }
    }
}

/// What a node takes.
pub(super) struct Taken<'w, 'a> {
    pub(super) walk: &'w Walk<'a>,
    pub(super) parts: &'w Parts<'a>,
    /// The operator set, and the one that brought the version of the operator.
    pub(super) opset: i64,
    pub(super) since: i64,
}

impl<'w> Taken<'w, '_> {
    /// The sizes of an input, if they are known.
    pub(super) fn sizes(&self, at: usize) -> Option<Sizes> {
        self.shape(at).map(|shape| shape.sizes)
    }

    pub(super) fn shape(&self, at: usize) -> Option<&'w Shape> {
        self.walk.scopes.shapes.get(self.parts.shapes.get(at).copied()?)
    }

    /// Whether an input is not left out.
    pub(super) fn has(&self, at: usize) -> bool {
        self.parts.inputs.get(at).is_some_and(|name| !name.is_empty())
    }

    /// The elements of an input that is a constant of whole numbers in one row.
    pub(super) fn row(&self, at: usize) -> Option<Vec<i64>> {
        let shape = self.shape(at).filter(|shape| shape.sizes.rank() == 1)?;
        self.walk.whole_numbers(shape)
    }

    /// The elements of an input that is a constant of whole numbers.
    pub(super) fn numbers(&self, at: usize) -> Option<Vec<i64>> {
        self.walk.whole_numbers(self.shape(at)?)
    }

    /// The elements of an input that is a constant of 32-bit floating-point numbers.
    pub(super) fn floats(&self, at: usize) -> Option<Vec<f32>> {
        self.walk.floats(self.shape(at)?)
    }

    fn attribute(&self, name: &str) -> Option<usize> {
        self.parts.attributes.iter().position(|(known, _)| *known == name.as_bytes())
    }

    pub(super) fn has_attribute(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// A whole number in an attribute; `None` if it is given and not known.
    pub(super) fn number(&self, name: &str, default: i64) -> Option<i64> {
        match self.attribute(name) {
            Some(at) => self.parts.numbers.get(at)?.number,
            None => Some(default),
        }
    }

    pub(super) fn list(&self, name: &str) -> List<'w> {
        let Some(at) = self.attribute(name) else { return List::Absent };
        let list = self.parts.numbers.get(at).and_then(|it| it.list);
        match list.and_then(|(first, end)| self.walk.ints.get(first..end)) {
            Some(all) => List::Is(all),
            None => List::Unknown,
        }
    }

    /// How many entries a list has, none if it is not given; `None` if that is not known.
    pub(super) fn entries(&self, name: &str) -> Option<u64> {
        match self.attribute(name) {
            Some(at) => self.parts.numbers.get(at)?.entries,
            None => Some(0),
        }
    }

    /// A text in an attribute, if it has one.
    pub(super) fn text(&self, name: &str) -> Option<&[u8]> {
        self.parts.texts.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, text)| *text)
    }

    pub(super) fn outputs(&self) -> usize {
        self.parts.counts.1
    }

    /// The name of the operator, as a message has it.
    pub(super) fn operator(&self) -> String {
        shown(self.parts.operator, 60)
    }

    /// An axis counted from the front; an error if there is none of its number.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Clash> {
        place(axis, rank).ok_or_else(|| Clash::new(format!("{} along axis {axis} of {rank} dimensions", self.operator())))
    }

    pub(super) fn clash<T>(&self, text: &str) -> Result<T, Clash> {
        Err(Clash::new(format!("{} {text}", self.operator())))
    }
}

/// The place of an axis counted from the front or from behind.
pub(super) fn place(axis: i64, rank: usize) -> Option<usize> {
    let end = i64::try_from(rank).ok()?;
    let from_front = if axis < 0 { axis.checked_add(end)? } else { axis };
    usize::try_from(from_front).ok().filter(|place| *place < rank)
}

/// The rules by operator, in the order of their names.
static RULES: &[(&str, Rule)] = &[
    ("Abs", like), ("Acos", like), ("Acosh", like), ("Add", stretched), ("And", stretched), ("ArgMax", argument), ("ArgMin", argument),
    ("Asin", like), ("Asinh", like), ("Atan", like), ("Atanh", like), ("AveragePool", average_pool),
    ("BatchNormalization", batch_normalization), ("Bernoulli", like), ("BitShift", stretched), ("BitwiseAnd", stretched), ("BitwiseNot", like),
    ("BitwiseOr", stretched), ("BitwiseXor", stretched), ("Cast", like), ("CastLike", like), ("Ceil", like), ("Celu", like), ("Clip", like),
    ("Compress", compress), ("Concat", concat), ("Constant", constant), ("ConstantOfShape", constant_of_shape), ("Conv", conv), ("ConvTranspose", conv_transpose),
    ("Cos", like), ("Cosh", like), ("CumSum", like), ("DepthToSpace", depth_to_space), ("DequantizeLinear", like), ("Div", stretched),
    ("Dropout", all_like), ("Einsum", einsum), ("Elu", like), ("Equal", stretched), ("Erf", like), ("Exp", like), ("Expand", expand),
    ("EyeLike", eye_like), ("Flatten", flatten), ("Floor", like), ("GRU", recurrent), ("Gather", gather), ("GatherElements", gather_elements),
    ("GatherND", gather_nd), ("Gelu", like), ("Gemm", gemm), ("GlobalAveragePool", global_pool), ("GlobalLpPool", global_pool),
    ("GlobalMaxPool", global_pool), ("Greater", stretched), ("GreaterOrEqual", stretched), ("GroupNormalization", like), ("HardSigmoid", like),
    ("HardSwish", like), ("Hardmax", along), ("Identity", like), ("InstanceNormalization", like), ("IsInf", like), ("IsNaN", like), ("LRN", local_response),
    ("LSTM", recurrent), ("LayerNormalization", layer_normalization), ("LeakyRelu", like), ("Less", stretched), ("LessOrEqual", stretched),
    ("Log", like), ("LogSoftmax", along), ("LpNormalization", norm), ("LpPool", other_pool), ("MatMul", matmul), ("MatMulInteger", matmul),
    ("Max", stretched), ("MaxPool", max_pool), ("Mean", stretched), ("MeanVarianceNormalization", like), ("Min", stretched), ("Mish", like),
    ("Mod", stretched), ("Mul", stretched), ("Neg", like), ("NonZero", non_zero), ("Not", like), ("OneHot", one_hot), ("Or", stretched),
    ("PRelu", like), ("Pad", pad), ("Pow", stretched), ("QLinearMatMul", quantised_matmul), ("QuantizeLinear", like), ("RNN", recurrent), ("RandomNormalLike", like),
    ("RandomUniformLike", like), ("Range", range), ("Reciprocal", like), ("ReduceL1", reduce), ("ReduceL2", reduce), ("ReduceLogSum", reduce),
    ("ReduceLogSumExp", reduce), ("ReduceMax", reduce), ("ReduceMean", reduce), ("ReduceMin", reduce), ("ReduceProd", reduce),
    ("ReduceSum", reduce), ("ReduceSumSquare", reduce), ("Relu", like), ("Reshape", reshape), ("Resize", resize), ("ReverseSequence", like),
    ("RoiAlign", regions), ("Round", like), ("Scatter", like), ("ScatterElements", like), ("ScatterND", like), ("Selu", like), ("Shape", shape_of), ("Shrink", like),
    ("Sigmoid", like), ("Sign", like), ("Sin", like), ("Sinh", like), ("Size", size_of), ("Slice", slice), ("Softmax", along), ("Softplus", like),
    ("Softsign", like), ("SpaceToDepth", space_to_depth), ("Split", split), ("SplitToSequence", split_to_sequence), ("Sqrt", like), ("Squeeze", squeeze), ("Sub", stretched),
    ("Sum", stretched), ("Tan", like), ("Tanh", like), ("ThresholdedRelu", like), ("Tile", tile), ("TopK", top_k), ("Transpose", transpose),
    ("Trilu", triangle), ("Unsqueeze", unsqueeze), ("Upsample", upsample), ("Where", stretched), ("Xor", stretched),
];

/// The rule of an operator.
pub(super) fn find(domain: &[u8], operator: &[u8]) -> Option<Rule> {
    if domain == b"ai.onnx.ml" {
        return learned::find(operator);
    } else if domain != DEFAULT_DOMAIN.as_bytes() {
        return None;
    }
    let at = RULES.binary_search_by(|(name, _)| name.as_bytes().cmp(operator)).ok()?;
    RULES.get(at).map(|(_, rule)| *rule)
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
fn like(_: &Taken<'_, '_>) -> Result<Made, Clash> {
    Ok(Made::Like(0))
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
fn all_like(_: &Taken<'_, '_>) -> Result<Made, Clash> {
    Ok(Made::AllLike(0))
}

/// `Softmax` and its kin. Older ones take any axis.
fn along(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.since >= 11
        && let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", -1))
        && taken.has_attribute("axis")
    {
        taken.axis(axis, sizes.rank())?;
    }
    Ok(Made::Like(0))
}

/// Stretches two shapes over each other, from the last size on; `Err` if they cannot be.
pub(super) fn stretch(a: &Sizes, b: &Sizes) -> Result<Option<Sizes>, ()> {
    let rank = a.rank().max(b.rank());
    let Some(mut made) = Sizes::open(rank) else { return Ok(None) };
    for behind in 1..=rank {
        let of = |sizes: &Sizes| sizes.rank().checked_sub(behind).map_or(Some(1), |place| sizes.at(place));
        let size = match (of(a), of(b)) {
            (Some(1), other) | (other, Some(1)) => other,
            (Some(a), Some(b)) if a != b => return Err(()),
            // A size that is not known is one, or the other one.
            (a, b) => a.or(b),
        };
        made.set(rank - behind, size);
    }
    Ok(Some(made))
}

/// Operators that stretch their inputs over each other.
fn stretched(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let operator = taken.parts.operator;
    let since = match operator {
        b"Max" | b"Min" | b"Mean" | b"Sum" => 8,
        b"GreaterOrEqual" | b"LessOrEqual" => 16,
        _ => 7,
    };
    // Older ones stretch only if they are told to, and nobody follows shapes through the older form of some.
    if taken.opset < since {
        return Ok(Made::Unknown);
    }
    let count = taken.parts.inputs.len();
    // Mostly both have one shape.
    if let [a, b] = taken.parts.shapes.as_slice()
        && a == b
        && since != 16
    {
        return Ok(Made::Like(0));
    }
    let mut all: Option<Sizes> = None;
    for at in 0..count {
        let Some(sizes) = taken.sizes(at) else { return Ok(Made::Unknown) };
        all = match all {
            None => Some(sizes),
            Some(before) => match stretch(&before, &sizes) {
                Ok(Some(made)) => Some(made),
                Ok(None) => return Ok(Made::Unknown),
                Err(()) => {
                    let clash = Clash::new(format!("{} cannot take {} and {}", taken.operator(), before.spelled(), sizes.spelled()));
                    // Releases before that look at these two in another way.
                    return Err(if since == 16 { clash.from("1.24.1") } else { clash });
                }
            },
        };
    }
    Ok(if since == 16 { Made::Unknown } else { all.into() })
}

fn both(taken: &Taken<'_, '_>, a: &Sizes, b: &Sizes) -> Clash {
    Clash::new(format!("{} cannot take {} and {}", taken.operator(), a.spelled(), b.spelled()))
}

fn matmul(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    product(taken, 0, 1)
}

fn quantised_matmul(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    product(taken, 0, 3)
}

fn product(taken: &Taken<'_, '_>, first: usize, second: usize) -> Result<Made, Clash> {
    let (Some(a), Some(b)) = (taken.sizes(first), taken.sizes(second)) else { return Ok(Made::Unknown) };
    let (a_rank, b_rank) = (a.rank(), b.rank());
    if a_rank == 0 || b_rank == 0 {
        return Err(both(taken, &a, &b));
    }
    if let (Some(inner), Some(other)) = (a.at(a_rank - 1), b.at(b_rank.saturating_sub(2)))
        && inner != other
    {
        return Err(both(taken, &a, &b));
    }
    let stack = |sizes: &Sizes| Sizes::of(sizes.iter().take(sizes.rank().saturating_sub(2)));
    let (Some(a_stack), Some(b_stack)) = (stack(&a), stack(&b)) else { return Ok(Made::Unknown) };
    let Ok(stacks) = stretch(&a_stack, &b_stack) else { return Err(both(taken, &a, &b)) };
    let rows = (a_rank > 1).then(|| a.at(a_rank - 2));
    let columns = (b_rank > 1).then(|| b.at(b_rank - 1));
    Ok(stacks.and_then(|stacks| Sizes::of(stacks.iter().chain(rows).chain(columns))).into())
}

fn gemm(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(a), Some(b)) = (taken.sizes(0), taken.sizes(1)) else { return Ok(Made::Unknown) };
    // A vector stood for a matrix before operator set 7.
    if taken.opset < 7 {
        return Ok(Made::Unknown);
    }
    if a.rank() != 2 || b.rank() != 2 {
        return Err(both(taken, &a, &b));
    }
    let (Some(a_turned), Some(b_turned)) = (taken.number("transA", 0), taken.number("transB", 0)) else {
        return Ok(Made::Unknown);
    };
    let (a_turned, b_turned) = (usize::from(a_turned != 0), usize::from(b_turned != 0));
    if let (Some(inner), Some(other)) = (a.at(1 - a_turned), b.at(b_turned))
        && inner != other
        // No release minds it before.
        && taken.opset >= 13
    {
        return Err(Clash { insistence: Some(Insistence::GemmSizes), ..both(taken, &a, &b) });
    }
    Ok(Sizes::of([a.at(a_turned), b.at(1 - b_turned)]).into())
}

fn einsum(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(equation) = taken.text("equation").and_then(|text| std::str::from_utf8(text).ok()) else {
        return Ok(Made::Unknown);
    };
    let equation: String = equation.chars().filter(|letter| *letter != ' ').collect();
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    let count = taken.parts.inputs.len();
    let shapes: Option<Vec<Sizes>> = (0..count).map(|at| taken.sizes(at)).collect();
    let Some(shapes) = shapes else { return Ok(Made::Unknown) };
    if terms.len() != count {
        return taken.clash(&format!("has {} terms for {count} inputs", terms.len()));
    }
    for (term, sizes) in terms.iter().zip(&shapes) {
        let is_plain = term.bytes().all(|letter| letter.is_ascii_alphabetic());
        if is_plain && term.len() != sizes.rank() {
            return taken.clash(&format!("calls {} `{}`", sizes.spelled(), shown(term.as_bytes(), 20)));
        }
    }
    let plain = right.filter(|right| right.bytes().all(|letter| letter.is_ascii_alphabetic()));
    if let Some(letter) = plain.and_then(|right| right.chars().find(|letter| !left.contains(*letter))) {
        return taken.clash(&format!("makes `{letter}` of nothing")).map_err(|it: Clash| it.from("1.32.0"));
    }
    Ok(plain.and_then(|right| Sizes::open(right.len())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_stand_in_order() {
        let has = |operator: &str| find(b"ai.onnx", operator.as_bytes()).is_some();
        assert!(RULES.is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(has("Conv") && has("Where") && has("Abs") && !has("Nothing"));
    }

    #[test]
    fn sizes_that_are_not_known_stretch_over_anything() {
        let sizes = |all: &[i64]| Sizes::of(all.iter().map(|size| Some(*size))).unwrap();
        let said = |a: &[i64], b: &[i64]| stretch(&sizes(a), &sizes(b)).map(|made| made.unwrap().spelled());
        assert_eq!(said(&[2, 3], &[3]).unwrap(), "[2,3]");
        assert_eq!(said(&[2, 1], &[5, 1, 4]).unwrap(), "[5,2,4]");
        assert_eq!(said(&[-1, 3], &[4, 1]).unwrap(), "[4,3]");
        assert_eq!(said(&[-1, 3], &[1, -1]).unwrap(), "[?,3]");
        assert_eq!(said(&[], &[]).unwrap(), "[]");
        assert!(said(&[2, 3], &[2]).is_err() && said(&[0], &[2]).is_err());
    }

    #[test]
    fn axes_are_counted_from_both_ends() {
        assert_eq!((place(-1, 3), place(2, 3), place(3, 3), place(-4, 3)), (Some(2), Some(2), None, None));
        assert_eq!((place(i64::MIN, 3), place(i64::MAX, 3), place(0, 0)), (None, None, None));
    }
}
