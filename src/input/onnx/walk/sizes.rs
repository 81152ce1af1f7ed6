//! Sizes of values: each different shape is kept once, and with the few numbers that shapes are made of, where they lie.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
};

use super::names::Keyed;
use crate::input::onnx::wire::Part;

/// Dimensions of a shape that is followed; what has more is not known.
pub(super) const RANK: usize = 8;
/// Different shapes of one model that are kept.
const SHAPE_LIMIT: usize = 200_000;
/// Elements of one constant that are computed.
const COMPUTED_LIMIT: usize = 64;
/// Stands for a size that has a name or is not known.
const OPEN: i64 = -1;

/// The sizes of one value, of which some may not be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sizes {
    rank: u8,
    /// Those beyond the rank are zero.
    all: [i64; RANK],
}

impl Hash for Sizes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.rank());
        for size in self.known() {
            state.write_u64(size.cast_unsigned());
        }
    }
}

impl Sizes {
    /// Sizes one after the other; `None` if there are too many. What is below zero is taken for not known.
    pub(super) fn of(all: impl IntoIterator<Item = Option<i64>>) -> Option<Self> {
        let mut sizes = Sizes::default();
        for size in all {
            sizes.push(size)?;
        }
        Some(sizes)
    }

    /// So many sizes of which none is known.
    pub(super) fn open(rank: usize) -> Option<Self> {
        Sizes::of(std::iter::repeat_n(None, rank))
    }

    pub(super) fn push(&mut self, size: Option<i64>) -> Option<()> {
        let place = self.all.get_mut(usize::from(self.rank))?;
        *place = size.filter(|size| *size >= 0).unwrap_or(OPEN);
        self.rank += 1;
        Some(())
    }

    pub(super) fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The sizes with `OPEN` for those that are not known.
    fn known(&self) -> &[i64] {
        &self.all[..self.rank()]
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Option<i64>> + ExactSizeIterator + '_ {
        self.known().iter().map(|size| Some(*size).filter(|size| *size != OPEN))
    }

    /// A size, if there is one at the place and it is known.
    pub(super) fn at(&self, place: usize) -> Option<i64> {
        self.known().get(place).copied().filter(|size| *size != OPEN)
    }

    pub(super) fn set(&mut self, place: usize, size: Option<i64>) {
        let rank = self.rank();
        if let Some(known) = self.all[..rank].get_mut(place) {
            *known = size.filter(|size| *size >= 0).unwrap_or(OPEN);
        }
    }

    /// How many elements there are, if all sizes are known.
    pub(super) fn elements(&self) -> Option<i64> {
        self.iter().try_fold(1_i64, |all, size| all.checked_mul(size?))
    }

    /// What holds of a value whose sizes are also stated: where the two differ nothing is certain.
    pub(super) fn merged(&self, stated: &Sizes) -> Option<Sizes> {
        if self.rank != stated.rank {
            return None;
        }
        let one = |(own, stated): (Option<i64>, Option<i64>)| match (own, stated) {
            (Some(own), Some(stated)) => Some(own).filter(|own| *own == stated),
            (own, stated) => own.or(stated),
        };
        Sizes::of(self.iter().zip(stated.iter()).map(one))
    }

    /// The sizes that the other one knows, too.
    pub(super) fn within(&self, other: &Sizes) -> Sizes {
        let mut sizes = *self;
        for at in 0..self.rank() {
            sizes.set(at, self.at(at).filter(|size| other.at(at) == Some(*size)));
        }
        sizes
    }

    /// `[2,3]`, with `?` for a size that is not known.
    pub(super) fn spelled(&self) -> String {
        let words: Vec<String> =
            self.iter().map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string())).collect();
        format!("[{}]", words.join(","))
    }
}

/// Where the elements of a small constant lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements {
    /// Nowhere, or there are too many.
    Unread,
    /// In a tensor.
    Tensor(Part),
    /// In the attribute `value_int` or `value_ints`.
    Attribute(Part),
    /// They were computed from others: the place of the first one, and how many there are.
    Computed(u32, u8),
}

/// What is known of a value's shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) sizes: Sizes,
    pub(super) elements: Elements,
}

/// The shapes of a model, by their places, which are counted from 1.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    all: Vec<Shape>,
    computed: Vec<i64>,
    places: HashMap<Sizes, u32, Keyed>,
}

impl Shapes {
    /// The place of sizes; 0 if there are too many.
    pub(super) fn place(&mut self, sizes: Sizes) -> u32 {
        if let Some(place) = self.places.get(&sizes) {
            return *place;
        }
        let place = self.put(Shape { sizes, elements: Elements::Unread });
        if place != 0 {
            self.places.insert(sizes, place);
        }
        place
    }

    /// The place of a shape of its own.
    pub(super) fn put(&mut self, shape: Shape) -> u32 {
        if self.all.len() >= SHAPE_LIMIT {
            return 0;
        }
        self.all.push(shape);
        u32::try_from(self.all.len()).unwrap_or(0)
    }

    /// The place of the shape of a constant that was computed.
    pub(super) fn put_computed(&mut self, sizes: Sizes, numbers: &[i64]) -> u32 {
        let (Ok(first), Ok(count)) = (u32::try_from(self.computed.len()), u8::try_from(numbers.len())) else {
            return self.place(sizes);
        };
        if self.all.len() >= SHAPE_LIMIT || self.computed.len() >= SHAPE_LIMIT || usize::from(count) > COMPUTED_LIMIT {
            return self.place(sizes);
        }
        self.computed.extend_from_slice(numbers);
        self.put(Shape { sizes, elements: Elements::Computed(first, count) })
    }

    /// The elements of a constant that was computed.
    pub(super) fn computed(&self, first: u32, count: u8) -> Option<&[i64]> {
        let first = usize::try_from(first).ok()?;
        self.computed.get(first..first.checked_add(usize::from(count))?)
    }

    pub(super) fn get(&self, place: u32) -> Option<&Shape> {
        self.all.get(usize::try_from(place).ok()?.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(all: &[i64]) -> Sizes {
        Sizes::of(all.iter().map(|size| Some(*size))).unwrap()
    }

    #[test]
    fn what_is_stated_fills_gaps_and_casts_doubt() {
        assert_eq!(sizes(&[2, -1]).merged(&sizes(&[-1, 3])).unwrap().spelled(), "[2,3]");
        assert_eq!(sizes(&[2, 3]).merged(&sizes(&[2, 4])).unwrap().spelled(), "[2,?]");
        assert_eq!(sizes(&[2, 3]).merged(&sizes(&[2])), None);
        assert_eq!(sizes(&[2, 3]).within(&sizes(&[2, -1])).spelled(), "[2,?]");
    }

    #[test]
    fn ranks_and_products_end() {
        assert_eq!((Sizes::open(RANK + 1), sizes(&[i64::MAX, 2]).elements(), sizes(&[]).elements()), (None, None, Some(1)));
        let mut shapes = Shapes::default();
        assert_eq!((shapes.place(sizes(&[2])), shapes.place(sizes(&[3])), shapes.place(sizes(&[2]))), (1, 2, 1));
        let place = shapes.put_computed(sizes(&[2]), &[7, 8]);
        let Elements::Computed(first, count) = shapes.get(place).unwrap().elements else { panic!() };
        assert_eq!(shapes.computed(first, count), Some([7, 8].as_slice()));
        assert!(shapes.get(0).is_none() && shapes.get(9).is_none());
    }
}
