//! Shapes from node to node: what inputs and weights state, what each operator makes of it, and where it cannot.

use prost::Message as _;

use super::{
    Walk,
    elements::{Numbers, Parts},
    folds,
    rules::{Clash, Made, Rule, Taken},
    sizes::{Elements, Shape, Sizes},
    tensors::CONSTANT_LIMIT,
};
use crate::input::onnx::{
    messages::{self, DimensionValue, ShapeDimension, attribute, shape, tensor},
    view::shown,
    wire::{Fields, Part, Value, WireError, packed},
};

/// A node whose shapes fit: one of the same operator that looks like it makes the same ones.
#[derive(Debug, Default)]
pub(super) struct Last<'a> {
    opset: i64,
    since: i64,
    counts: (usize, usize),
    left_out: (u64, u64),
    shapes: Vec<u32>,
    attributes: Vec<(&'a [u8], u64)>,
    numbers: Vec<Numbers>,
    ints: Vec<i64>,
    texts: Vec<(&'a [u8], &'a [u8])>,
    made: Vec<u32>,
}

/// The whole numbers in lists of attributes.
fn listed<'i>(numbers: &'i [Numbers], ints: &'i [i64]) -> impl Iterator<Item = i64> + 'i {
    numbers.iter().filter_map(|it| ints.get(it.list?.0..it.list?.1)).flatten().copied()
}

impl<'a> Last<'a> {
    /// Takes down a node, in the room that the one before had.
    fn note(known: &mut Option<Box<Self>>, parts: &Parts<'a>, (opset, since): (i64, i64), ints: &[i64]) {
        // What is rare, and all that these could tell apart.
        if parts.constant.is_some() || !parts.scales.is_empty() || parts.clip.is_some() || !parts.graphs.is_empty() {
            *known = None;
            return;
        }
        let last = known.get_or_insert_default();
        (last.opset, last.since, last.counts, last.left_out) = (opset, since, parts.counts, parts.left_out());
        last.shapes.clone_from(&parts.shapes);
        last.attributes.clone_from(&parts.attributes);
        last.numbers.clone_from(&parts.numbers);
        last.ints.clear();
        last.ints.extend(listed(&parts.numbers, ints));
        last.texts.clone_from(&parts.texts);
        last.made.clone_from(&parts.made_shapes);
    }

    /// Whether all is the same that shapes depend on.
    fn is_like(&self, parts: &Parts<'_>, sets: (i64, i64), ints: &[i64]) -> bool {
        let alike = |(a, b): (&Numbers, &Numbers)| {
            let length = |it: &Numbers| it.list.map(|(first, end)| end - first);
            a.number == b.number && a.entries == b.entries && length(a) == length(b)
        };
        self.shapes == parts.shapes
            && (self.opset, self.since) == sets
            && self.counts == parts.counts
            && parts.constant.is_none()
            && parts.scales.is_empty()
            && parts.clip.is_none()
            && parts.graphs.is_empty()
            && self.attributes == parts.attributes
            && self.numbers.len() == parts.numbers.len()
            && self.numbers.iter().zip(&parts.numbers).all(alike)
            && self.ints.iter().copied().eq(listed(&parts.numbers, ints))
            && self.texts == parts.texts
            && self.left_out == parts.left_out()
    }
}

impl<'a> Walk<'a> {
    /// The sizes that a type states, unless there are too many.
    pub(super) fn sizes(&self, part: Part) -> Option<Sizes> {
        let mut sizes = Sizes::default();
        let mut fields = Fields::new(self.bytes, part, &messages::SHAPE);
        while let Some(field) = fields.pull().ok()? {
            let (shape::DIM, Value::Bytes(part)) = (field.number, field.value) else { continue };
            let dimension = ShapeDimension::decode(part.of(self.bytes)).ok()?;
            // Some exporters write -1 for a size they do not know.
            sizes.push(match dimension.value {
                Some(DimensionValue::Fixed(size)) => Some(size),
                _ => None,
            })?;
        }
        Some(sizes)
    }

    /// A weight must have the shape that the input of its name states.
    pub(super) fn compare_shapes(&mut self, name: &[u8], stated: &Sizes, stored: &Sizes) {
        let differs = |(stated, stored): (Option<i64>, Option<i64>)| stated.is_some() && stated != stored;
        if stated.rank() != stored.rank() || stated.iter().zip(stored.iter()).any(differs) {
            self.fault(|| {
                let name = shown(name, 80);
                format!("input `{name}` is stated to be {}, and its weight is {}", stated.spelled(), stored.spelled())
            });
        }
    }

    /// Finds the shapes that a node of ONNX's own operators makes; what it cannot take is said.
    pub(super) fn shaped(
        &mut self,
        (rule, known): (Rule, Option<usize>),
        parts: &mut Parts<'a>,
        (opset, since): (i64, i64),
        node: impl Fn() -> String,
    ) {
        let last = known.and_then(|at| self.uses.get(at)?.last.as_deref());
        if let Some(last) = last.filter(|last| last.is_like(parts, (opset, since), &self.ints)) {
            parts.made_shapes.extend_from_slice(&last.made);
            return;
        }
        let taken = Taken { walk: self, parts, opset, since };
        let clash = match rule(&taken) {
            Ok(made) => {
                let numbers = folds::computed(&taken);
                self.make_shapes(parts, made, numbers);
                if let Some(used) = known.and_then(|at| self.uses.get_mut(at)) {
                    Last::note(&mut used.last, parts, (opset, since), &self.ints);
                }
                return;
            }
            Err(clash) => clash,
        };
        let Clash { text, from, before, again, insistence } = clash;
        let text = format!("{text}, node `{}`", node());
        if let Some(insistence) = insistence {
            self.lesser_fault(insistence, || text);
        } else if from.is_none() && before.is_none() {
            self.fault(|| text);
        } else {
            if again.is_some() {
                self.dated_fault((again, None), || text.clone());
            }
            self.dated_fault((from, before), || text);
        }
    }

    fn make_shapes(&mut self, parts: &mut Parts<'a>, made: Made, computed: Option<Vec<i64>>) {
        let shapes = &mut self.scopes.shapes;
        if let Some(numbers) = computed {
            let sizes = match made {
                Made::One(sizes) => Some(sizes),
                Made::Like(at) => parts.shapes.get(at).and_then(|place| shapes.get(*place)).map(|shape| shape.sizes),
                _ => None,
            };
            if let Some(sizes) = sizes.filter(|sizes| sizes.elements() == i64::try_from(numbers.len()).ok()) {
                parts.made_shapes.push(shapes.put_computed(sizes, &numbers));
                return;
            }
        }
        let mut like = |at: usize| {
            let place = parts.shapes.get(at).copied().unwrap_or(0);
            // Its elements need not be the same.
            match shapes.get(place) {
                Some(Shape { elements: Elements::Unread, .. }) | None => place,
                Some(Shape { sizes, .. }) => shapes.place(*sizes),
            }
        };
        match made {
            Made::Unknown => {}
            Made::Like(at) => {
                let place = like(at);
                parts.made_shapes.push(place);
            }
            Made::AllLike(at) => {
                let place = like(at);
                parts.made_shapes.resize(parts.outputs.len(), place);
            }
            Made::One(sizes) | Made::Constant(Shape { sizes, elements: Elements::Unread }) => {
                parts.made_shapes.push(shapes.place(sizes));
            }
            Made::Constant(shape) => parts.made_shapes.push(shapes.put(shape)),
            Made::Each(all) => {
                parts.made_shapes.extend(all.into_iter().map(|sizes| sizes.map_or(0, |sizes| shapes.place(sizes))));
            }
        }
    }

    /// The whole numbers of a constant, if all of them can be read.
    pub(super) fn whole_numbers(&self, shape: &Shape) -> Option<Vec<i64>> {
        let numbers = match shape.elements {
            Elements::Unread => return None,
            Elements::Tensor(part) => self.tensor_numbers(part).ok().flatten()?,
            Elements::Attribute(part) => self.attribute_numbers(part).ok()?,
            Elements::Computed(first, count) => self.scopes.shapes.computed(first, count)?.to_vec(),
        };
        let count = i64::try_from(numbers.len()).ok();
        Some(numbers).filter(|_| count == shape.sizes.elements())
    }

    fn tensor_numbers(&self, part: Part) -> Result<Option<Vec<i64>>, WireError> {
        let (mut numbers, mut element, mut raw): (Vec<i64>, _, Option<&[u8]>) = (Vec::new(), 0, None);
        let limit = usize::try_from(CONSTANT_LIMIT).unwrap_or(0);
        let mut fields = Fields::new(self.bytes, part, &messages::TENSOR);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (tensor::DATA_TYPE, Value::Number(number)) => element = number,
                (tensor::RAW_DATA, Value::Bytes(part)) => raw = Some(part.of(self.bytes)),
                (tensor::INT32_DATA | tensor::INT64_DATA, Value::Number(number)) if numbers.len() <= limit => {
                    numbers.push(number.cast_signed());
                }
                (tensor::INT32_DATA | tensor::INT64_DATA, Value::Bytes(part)) if numbers.len() <= limit => {
                    numbers.extend(packed(part.of(self.bytes)).take(limit + 1).map(u64::cast_signed));
                }
                _ => {}
            }
        }
        let is_whole = matches!(element, 6 | 7);
        Ok(match raw.filter(|raw| !raw.is_empty()) {
            _ if !is_whole || numbers.len() > limit => None,
            None => Some(numbers),
            Some(_) if !numbers.is_empty() => None,
            Some(raw) if element == 7 => {
                let (words, rest) = raw.as_chunks::<8>();
                let fits = rest.is_empty() && words.len() <= limit;
                fits.then(|| words.iter().map(|word| i64::from_le_bytes(*word)).collect())
            }
            Some(raw) => {
                let (words, rest) = raw.as_chunks::<4>();
                let fits = rest.is_empty() && words.len() <= limit;
                fits.then(|| words.iter().map(|word| i64::from(i32::from_le_bytes(*word))).collect())
            }
        })
    }

    fn attribute_numbers(&self, part: Part) -> Result<Vec<i64>, WireError> {
        let mut numbers = Vec::new();
        let mut fields = Fields::new(self.bytes, part, &messages::ATTRIBUTE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (attribute::I | attribute::INTS, Value::Number(number)) => numbers.push(number.cast_signed()),
                (attribute::INTS, Value::Bytes(part)) => numbers.extend(packed(part.of(self.bytes)).map(u64::cast_signed)),
                _ => {}
            }
            if numbers.len() > super::LIST_LIMIT {
                break;
            }
        }
        Ok(numbers)
    }

    /// The 32-bit floating-point numbers of a constant, if all of them can be read.
    pub(super) fn floats(&self, shape: &Shape) -> Option<Vec<f32>> {
        let Elements::Tensor(part) = shape.elements else { return None };
        let (mut element, mut found, mut is_twofold): (_, Option<&[u8]>, _) = (0, None, false);
        let mut fields = Fields::new(self.bytes, part, &messages::TENSOR);
        while let Some(field) = fields.pull().ok()? {
            match (field.number, field.value) {
                (tensor::DATA_TYPE, Value::Number(number)) => element = number,
                (tensor::RAW_DATA | tensor::FLOAT_DATA, Value::Bytes(part)) if part.start < part.end => {
                    is_twofold |= found.replace(part.of(self.bytes)).is_some();
                }
                (tensor::FLOAT_DATA, Value::Fixed) => is_twofold = true,
                _ => {}
            }
        }
        let (words, rest) = found.unwrap_or_default().as_chunks::<4>();
        let count = i64::try_from(words.len()).ok();
        let fits = element == 1 && !is_twofold && rest.is_empty() && count == shape.sizes.elements();
        fits.then(|| words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    }
}
