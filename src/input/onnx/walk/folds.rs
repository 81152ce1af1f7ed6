//! Whole numbers that nodes compute from constants and known sizes: what shapes are often made of.
//!
//! ONNX Runtime computes such nodes before it makes its kernels, and looks at the shapes again.

use super::{
    rules::{Taken, place},
    sizes::Elements,
};

/// What a node computes, if it is one that shapes are made with and all that it takes is known.
pub(super) fn computed(taken: &Taken<'_, '_>) -> Option<Vec<i64>> {
    // Mostly the first input is no constant.
    let is_constant = taken.shape(0).is_some_and(|shape| shape.elements != Elements::Unread);
    if !is_constant && taken.parts.operator != b"Shape" {
        return None;
    }
    match taken.parts.operator {
        b"Identity" | b"Unsqueeze" | b"Squeeze" | b"Reshape" => taken.numbers(0),
        b"Cast" => taken.numbers(0).filter(|_| taken.number("to", 0) == Some(7)),
        b"Shape" if !taken.has_attribute("start") && !taken.has_attribute("end") => taken.sizes(0)?.iter().collect(),
        b"Concat" => {
            let all: Option<Vec<Vec<i64>>> = (0..taken.parts.inputs.len()).map(|at| taken.row(at)).collect();
            Some(all?.concat()).filter(|all| all.len() <= 64)
        }
        b"Gather" => {
            let (row, places) = (taken.row(0)?, taken.numbers(1)?);
            if taken.number("axis", 0)? != 0 {
                return None;
            }
            places.into_iter().map(|at| row.get(place(at, row.len())?).copied()).collect()
        }
        b"Slice" if taken.since >= 10 => sliced(taken),
        b"Add" | b"Sub" | b"Mul" if taken.opset >= 7 => {
            let (a, b) = (taken.numbers(0)?, taken.numbers(1)?);
            if a.len() != b.len() && b.len() != 1 {
                return None;
            }
            let second = |at: usize| b.get(if b.len() == 1 { 0 } else { at }).copied();
            let one = |(at, a): (usize, &i64)| match taken.parts.operator {
                b"Add" => a.checked_add(second(at)?),
                b"Sub" => a.checked_sub(second(at)?),
                _ => a.checked_mul(second(at)?),
            };
            a.iter().enumerate().map(one).collect()
        }
        _ => None,
    }
}

/// A piece of a row.
fn sliced(taken: &Taken<'_, '_>) -> Option<Vec<i64>> {
    let row = taken.row(0)?;
    let ([start], [end]) = (<[i64; 1]>::try_from(taken.row(1)?).ok()?, <[i64; 1]>::try_from(taken.row(2)?).ok()?);
    let is_plain = |at: usize, wanted: i64| !taken.has(at) || taken.row(at).is_some_and(|all| all == [wanted]);
    if !is_plain(3, 0) || !is_plain(4, 1) {
        return None;
    }
    let length = i64::try_from(row.len()).ok()?;
    let from_front = |at: i64| usize::try_from((if at < 0 { at.saturating_add(length) } else { at }).clamp(0, length)).ok();
    let (start, end) = (from_front(start)?, from_front(end)?);
    Some(row.get(start..end.max(start))?.to_vec())
}
