//! Shapes of operators that move elements around, pick some of them, or make new ones.

use super::{
    rules::{Clash, List, Made, Taken, place, stretch},
    sizes::{RANK, Sizes},
};

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn constant(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    Ok(taken.parts.constant.map_or(Made::Unknown, Made::Constant))
}

pub(super) fn transpose(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let sizes = taken.sizes(0);
    let perm = match taken.list("perm") {
        List::Absent => return Ok(sizes.and_then(|sizes| Sizes::of(sizes.iter().rev())).into()),
        List::Unknown => return Ok(Made::Unknown),
        List::Is(perm) => perm,
    };
    if perm.is_empty() {
        return Ok(Made::Unknown);
    }
    let mut is_seen = [false; 64];
    for axis in perm {
        let seen = usize::try_from(*axis).ok().filter(|axis| *axis < perm.len()).and_then(|axis| is_seen.get_mut(axis));
        if seen.is_none_or(|seen| std::mem::replace(seen, true)) {
            return taken.clash(&format!("cannot turn dimensions round as {perm:?}"));
        }
    }
    let Some(sizes) = sizes else { return Ok(Made::Unknown) };
    if perm.len() > sizes.rank() {
        return taken.clash(&format!("cannot turn {} round as {perm:?}", sizes.spelled()));
    }
    Ok(Sizes::of(perm.iter().map(|axis| place(*axis, sizes.rank()).and_then(|axis| sizes.at(axis)))).into())
}

pub(super) fn flatten(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", 1)) else { return Ok(Made::Unknown) };
    let rank = i64::try_from(sizes.rank()).unwrap_or(i64::MAX);
    let from_front = if axis < 0 && taken.since >= 11 { axis.saturating_add(rank) } else { axis };
    let Some(at) = usize::try_from(from_front).ok().filter(|at| *at <= sizes.rank()) else {
        return taken.clash(&format!("along axis {axis} of {rank} dimensions"));
    };
    let product = |sizes: Option<Sizes>| sizes.and_then(|sizes| sizes.elements());
    Ok(Sizes::of([product(Sizes::of(sizes.iter().take(at))), product(Sizes::of(sizes.iter().skip(at)))]).into())
}

pub(super) fn concat(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(axis) = taken.number("axis", 1).filter(|_| taken.has_attribute("axis")) else { return Ok(Made::Unknown) };
    let count = taken.parts.inputs.len();
    let all: Option<Vec<Sizes>> = (0..count).map(|at| taken.sizes(at)).collect();
    let Some(all) = all.filter(|_| count == taken.parts.counts.0) else { return Ok(Made::Unknown) };
    let Some((first, others)) = all.split_first() else { return Ok(Made::Unknown) };
    // Older ones count from the front only, and look no further otherwise.
    if taken.since < 11 && axis < 0 {
        return Ok(Made::Unknown);
    }
    let along = taken.axis(axis, first.rank())?;
    let (mut made, mut sum) = (*first, first.at(along));
    for other in others {
        let differs = |at: usize| at != along && matches!((made.at(at), other.at(at)), (Some(a), Some(b)) if a != b);
        if other.rank() != first.rank() || (0..first.rank()).any(differs) {
            return taken.clash(&format!("cannot take {} and {}", first.spelled(), other.spelled()));
        }
        sum = sum.zip(other.at(along)).and_then(|(a, b)| a.checked_add(b));
        for at in 0..first.rank() {
            made.set(at, made.at(at).or(other.at(at)));
        }
    }
    made.set(along, sum);
    Ok(Made::One(made))
}

pub(super) fn reshape(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.opset < 5 {
        return Ok(Made::Unknown);
    }
    let (Some(target), Some(keeps_zero)) = (taken.row(1), taken.number("allowzero", 0)) else { return Ok(Made::Unknown) };
    let sizes = taken.sizes(0);
    let keeps_zero = keeps_zero != 0;
    let asked = || format!("cannot make {target:?} of {}", sizes.map_or_else(|| "it".to_owned(), |sizes| sizes.spelled()));
    if let Some(size) = target.iter().find(|size| **size < -1) {
        return taken.clash(&format!("takes no size such as {size}"));
    }
    if target.iter().filter(|size| **size == -1).count() > 1 {
        return taken.clash("can find out one size only, and is asked for more");
    }
    if target.len() > RANK {
        return Ok(Made::Unknown);
    }
    let (mut made, mut product) = (Sizes::default(), Some(1_i64));
    let mut copied = [false; RANK];
    for (at, size) in target.iter().enumerate() {
        let size = match *size {
            0 if !keeps_zero => {
                let Some(sizes) = &sizes else { return Ok(Sizes::open(target.len()).into()) };
                if at >= sizes.rank() {
                    return taken.clash(&format!("{}, which has no size {at} to keep", asked()));
                }
                // A size that is kept and not known counts on neither side.
                copied[at] = sizes.at(at).is_none();
                sizes.at(at)
            }
            -1 => None,
            size => Some(size),
        };
        if *target.get(at).unwrap_or(&0) != -1 && !copied[at] {
            product = product.zip(size).and_then(|(all, size)| all.checked_mul(size));
        }
        made.push(size);
    }
    let Some(open) = target.iter().position(|size| *size == -1) else { return Ok(Made::One(made)) };
    if product == Some(0) {
        return taken.clash(&format!("{}, since a size is zero", asked()));
    }
    let Some(sizes) = &sizes else { return Ok(Made::One(made)) };
    let all = sizes.iter().enumerate().filter(|(at, _)| !copied.get(*at).copied().unwrap_or(false));
    let all = all.map(|(_, size)| size).try_fold(1_i64, |all, size| all.checked_mul(size?));
    if let (Some(all), Some(product)) = (all, product) {
        if all % product != 0 {
            return taken.clash(&asked());
        }
        made.set(open, Some(all / product));
    }
    Ok(Made::One(made))
}

/// The axes that an older node has in an attribute and a newer one as an input.
enum Axes {
    None,
    Unknown,
    Known(Vec<i64>),
}

fn axes(taken: &Taken<'_, '_>, as_input_since: i64) -> Axes {
    if taken.since >= as_input_since {
        return match taken.row(1) {
            Some(axes) => Axes::Known(axes),
            None if taken.has(1) => Axes::Unknown,
            None => Axes::None,
        };
    }
    match taken.list("axes") {
        List::Absent => Axes::None,
        List::Unknown => Axes::Unknown,
        List::Is(axes) => Axes::Known(axes.to_vec()),
    }
}

/// Places that are counted from the front and stand in order.
fn in_order(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let places: Option<Vec<usize>> = axes.iter().map(|axis| if *axis < 0 { None } else { place(*axis, rank) }).collect();
    places.filter(|places| places.is_sorted_by(|a, b| a < b))
}

pub(super) fn squeeze(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(sizes) = taken.sizes(0) else { return Ok(Made::Unknown) };
    let rank = sizes.rank();
    let axes = match axes(taken, 13) {
        Axes::Unknown => return Ok(Made::Unknown),
        Axes::None if taken.since < 13 || sizes.iter().any(|size| size.is_none()) => return Ok(Made::Unknown),
        Axes::None => return Ok(Sizes::of(sizes.iter().filter(|size| *size != Some(1))).into()),
        Axes::Known(axes) if axes.is_empty() => {
            return Ok(if taken.since >= 13 { Made::Like(0) } else { Made::Unknown });
        }
        Axes::Known(axes) => axes,
    };
    let mut gone = [false; RANK];
    if taken.since < 11 {
        let Some(places) = in_order(&axes, rank) else { return Ok(Made::Unknown) };
        for place in places {
            gone[place] = true;
        }
    } else {
        for axis in &axes {
            match place(*axis, rank) {
                Some(place) => gone[place] = true,
                None if taken.since >= 13 => return taken.axis(*axis, rank).map(|_| Made::Unknown).map_err(|it| it.from("1.15.0")),
                None => return Ok(Made::Unknown),
            }
        }
    }
    if let Some(at) = (0..rank).find(|at| gone[*at] && sizes.at(*at).is_some_and(|size| size != 1)) {
        return taken.clash(&format!("cannot drop dimension {at} of {}", sizes.spelled()));
    }
    Ok(Sizes::of((0..rank).filter(|at| !gone[*at]).map(|at| sizes.at(at))).into())
}

pub(super) fn unsqueeze(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Axes::Known(axes)) = (taken.sizes(0), axes(taken, 13)) else { return Ok(Made::Unknown) };
    let rank = sizes.rank().saturating_add(axes.len());
    if axes.is_empty() {
        return Ok(if taken.since >= 13 { Made::Like(0) } else { Made::Unknown });
    }
    if rank > RANK {
        return Ok(Made::Unknown);
    }
    let mut is_new = [false; RANK];
    if taken.since < 11 {
        let Some(places) = in_order(&axes, rank) else { return Ok(Made::Unknown) };
        for place in places {
            is_new[place] = true;
        }
    } else {
        if axes.iter().enumerate().any(|(at, axis)| axes[..at].contains(axis)) {
            return taken.clash(&format!("takes each axis once, and is given {axes:?}"));
        }
        for axis in &axes {
            let place = taken.axis(*axis, rank)?;
            if std::mem::replace(&mut is_new[place], true) {
                return if taken.since < 13 {
                    Ok(Made::Unknown)
                } else {
                    taken.clash(&format!("takes each axis once, and is given {axes:?}")).map_err(|it: Clash| it.from("1.15.0"))
                };
            }
        }
    }
    let mut old = sizes.iter();
    Ok(Sizes::of((0..rank).map(|at| if is_new[at] { Some(1) } else { old.next().flatten() })).into())
}

pub(super) fn split(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", 0)) else { return Ok(Made::Unknown) };
    if taken.since < 2 {
        return Ok(Made::Unknown);
    }
    let along = taken.axis(axis, sizes.rank())?;
    let count = taken.outputs();
    let all = |parts: Vec<Option<i64>>| {
        let one = |size: Option<i64>| {
            let mut part = sizes;
            part.set(along, size);
            Some(part)
        };
        Made::Each(parts.into_iter().map(one).collect())
    };
    let open = || all(vec![None; count.min(taken.parts.outputs.len())]);
    let parts = if taken.since >= 13 {
        match taken.row(1) {
            Some(parts) => Some(parts),
            None if taken.has(1) => return Ok(open()),
            None => None,
        }
    } else {
        match taken.list("split") {
            List::Is(parts) => Some(parts.to_vec()),
            List::Unknown => return Ok(open()),
            List::Absent => None,
        }
    };
    let Some(size) = sizes.at(along) else { return Ok(open()) };
    if let Some(parts) = parts {
        if parts.is_empty() {
            return Ok(Made::Unknown);
        }
        let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part));
        if parts.len() != count || sum != Some(size) {
            return taken.clash(&format!("cannot part {size} into {count} as {parts:?}"));
        }
        if taken.since < 13 && parts.iter().any(|part| *part < 0) {
            return taken.clash(&format!("takes no sizes below zero, and is given {parts:?}"));
        }
        return Ok(all(parts.into_iter().map(Some).collect()));
    }
    let Ok(outputs) = i64::try_from(count) else { return Ok(Made::Unknown) };
    let wanted = if taken.since >= 18 {
        let Some(wanted) = taken.number("num_outputs", outputs).filter(|_| taken.has_attribute("num_outputs")) else {
            return Ok(open());
        };
        if wanted < 1 || wanted < outputs {
            return taken.clash(&format!("makes {wanted} parts by `num_outputs`, of which {outputs} are taken"));
        }
        wanted
    } else {
        outputs
    };
    if wanted == 0 {
        return Ok(Made::Unknown);
    }
    if size % wanted != 0 {
        if taken.since < 18 {
            return taken.clash(&format!("cannot part {size} into {wanted} that are alike"));
        }
        return Ok(open());
    }
    Ok(all(vec![Some(size / wanted); count.min(taken.parts.outputs.len())]))
}

/// Where a slice begins and ends, and how it steps, along some axes.
struct Cuts {
    starts: Vec<i64>,
    ends: Vec<i64>,
    axes: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
}

pub(super) fn slice(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(sizes) = taken.sizes(0) else { return Ok(Made::Unknown) };
    let rank = sizes.rank();
    if taken.since < 10 {
        let (List::Is(starts), List::Is(ends)) = (taken.list("starts"), taken.list("ends")) else {
            return Ok(Made::Unknown);
        };
        let axes = taken.list("axes");
        if starts.len() != ends.len() || matches!(axes, List::Is(axes) if axes.len() != starts.len()) {
            return taken.clash(&format!("begins at {starts:?} and ends at {ends:?} along {:?}", axes.known().unwrap_or_default()));
        }
        return Ok(Made::Unknown);
    }
    let (Some(starts), Some(ends)) = (taken.row(1), taken.row(2)) else { return Ok(Sizes::open(rank).into()) };
    let (axes, steps) = (taken.row(3), taken.row(4));
    if taken.has(3) && axes.is_none() || taken.has(4) && steps.is_none() {
        return Ok(Sizes::open(rank).into());
    }
    cut(taken, sizes, &Cuts { starts, ends, axes, steps })
}

fn cut(taken: &Taken<'_, '_>, sizes: Sizes, cuts: &Cuts) -> Result<Made, Clash> {
    let Cuts { starts, ends, axes, steps } = cuts;
    let has = |list: &Option<Vec<i64>>| list.as_ref().is_none_or(|list| list.len() == starts.len());
    if starts.len() != ends.len() || !has(axes) || !has(steps) {
        return taken.clash(&format!(
            "begins at {starts:?} and ends at {ends:?} along {:?} by {:?}",
            axes.as_deref().unwrap_or_default(),
            steps.as_deref().unwrap_or_default()
        ));
    }
    let (mut made, mut is_cut) = (sizes, [false; RANK]);
    for (at, (start, end)) in starts.iter().zip(ends).enumerate() {
        let axis = axes.as_ref().and_then(|axes| axes.get(at).copied()).or_else(|| i64::try_from(at).ok()).unwrap_or(0);
        let along = taken.axis(axis, sizes.rank())?;
        if std::mem::replace(&mut is_cut[along], true) {
            return taken.clash(&format!("cuts twice along axis {axis}"));
        }
        let step = steps.as_ref().and_then(|steps| steps.get(at).copied()).unwrap_or(1);
        if step == 0 {
            return taken.clash("takes no step of zero");
        }
        made.set(along, sizes.at(along).filter(|size| *size > 0 || step > 0).map(|size| between(size, *start, *end, step)));
    }
    Ok(Made::One(made))
}

/// How many elements of a row of some size a slice takes.
fn between(size: i64, start: i64, end: i64, step: i64) -> i64 {
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_front(start), from_front(end));
    let (start, end) = if step > 0 {
        (start.clamp(0, size), end.clamp(0, size))
    } else {
        (start.clamp(0, (size - 1).max(0)), end.clamp(-1, (size - 1).max(-1)))
    };
    let length = i128::from(end) - i128::from(start);
    let step = i128::from(step);
    let steps = if (length > 0) == (step > 0) { (length.abs() + step.abs() - 1) / step.abs() } else { 0 };
    i64::try_from(steps).unwrap_or(0)
}

pub(super) fn gather(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(places), Some(axis)) = (taken.sizes(0), taken.sizes(1), taken.number("axis", 0)) else {
        return Ok(Made::Unknown);
    };
    let along = taken.axis(axis, sizes.rank())?;
    Ok(Sizes::of(sizes.iter().take(along).chain(places.iter()).chain(sizes.iter().skip(along + 1))).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn gather_elements(_: &Taken<'_, '_>) -> Result<Made, Clash> {
    Ok(Made::Like(1))
}

pub(super) fn gather_nd(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(places), Some(batch)) = (taken.sizes(0), taken.sizes(1), taken.number("batch_dims", 0)) else {
        return Ok(Made::Unknown);
    };
    let (Some(last), Ok(batch)) = (places.rank().checked_sub(1), usize::try_from(batch)) else { return Ok(Made::Unknown) };
    let Some(depth) = places.at(last).and_then(|depth| usize::try_from(depth).ok()) else { return Ok(Made::Unknown) };
    let skipped = depth.saturating_add(batch);
    if sizes.rank() > 0 && skipped > sizes.rank() {
        return taken.clash(&format!("cannot look {skipped} dimensions deep into {}", sizes.spelled()));
    }
    Ok(Sizes::of(places.iter().take(last).chain(sizes.iter().skip(skipped))).into())
}

pub(super) fn one_hot(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", -1)) else { return Ok(Made::Unknown) };
    if let Some(values) = taken.sizes(2)
        && (values.rank() != 1 || values.at(0).is_some_and(|count| count != 2))
    {
        return taken.clash(&format!("takes two values, and is given {}", values.spelled()));
    }
    let along = taken.axis(axis, sizes.rank() + 1)?;
    Ok(Sizes::of(sizes.iter().take(along).chain([None]).chain(sizes.iter().skip(along))).into())
}

pub(super) fn expand(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(target)) = (taken.sizes(0), taken.row(1)) else { return Ok(Made::Unknown) };
    let pairs = sizes.iter().rev().zip(target.iter().rev());
    // A size below zero is none that fits.
    for (size, asked) in pairs {
        if size.is_some_and(|size| size != 1 && *asked != 1 && size != *asked) {
            return taken.clash(&format!("cannot stretch {} to {target:?}", sizes.spelled()));
        }
    }
    if target.iter().any(|size| *size < 0) {
        return Ok(Made::Unknown);
    }
    let asked = Sizes::of(target.iter().map(|size| Some(*size)));
    Ok(asked.and_then(|asked| stretch(&sizes, &asked).ok().flatten()).into())
}

pub(super) fn tile(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(times)) = (taken.sizes(0), taken.row(1)) else { return Ok(Made::Unknown) };
    if taken.since < 6 {
        return Ok(Made::Unknown);
    }
    if times.len() != sizes.rank() {
        return taken.clash(&format!("cannot repeat {} as {times:?}", sizes.spelled()));
    }
    if times.iter().any(|times| *times < 0) {
        return taken.clash(&format!("cannot repeat {} as {times:?}", sizes.spelled())).map_err(|it: Clash| it.from("1.32.0"));
    }
    Ok(Sizes::of(sizes.iter().zip(&times).map(|(size, times)| size.and_then(|size| size.checked_mul(*times)))).into())
}

pub(super) fn pad(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(sizes) = taken.sizes(0) else { return Ok(Made::Unknown) };
    let rank = sizes.rank();
    let row;
    let pads: &[i64] = if taken.since >= 11 {
        row = taken.row(1);
        let Some(pads) = &row else {
            // What is added is not known, the number of dimensions is.
            return Ok(Sizes::open(rank).into());
        };
        pads
    } else {
        let Some(pads) = taken.list("pads").known() else { return Ok(Made::Unknown) };
        pads
    };
    if taken.has(3) {
        return Ok(Sizes::open(rank).into());
    }
    if pads.len() != 2 * rank {
        return taken.clash(&format!("cannot pad {} by {pads:?}", sizes.spelled()));
    }
    let padded = |at: usize| {
        let (before, after) = (pads.get(at)?, pads.get(at + rank)?);
        sizes.at(at)?.checked_add(*before)?.checked_add(*after)
    };
    Ok(Sizes::of((0..rank).map(padded)).into())
}

pub(super) fn top_k(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(mut sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", -1)) else { return Ok(Made::Unknown) };
    if taken.since < 10 {
        return Ok(Made::Unknown);
    }
    let along = taken.axis(axis, sizes.rank())?;
    let Some(count) = taken.numbers(1) else {
        let open = Sizes::open(sizes.rank());
        return Ok(Made::Each(vec![open, open]));
    };
    let [count] = count.as_slice() else { return taken.clash(&format!("takes one number of elements, and is given {count:?}")) };
    if taken.sizes(1).is_none_or(|shape| shape.rank() != 1) {
        return Ok(Made::Unknown);
    }
    if let Some(size) = sizes.at(along)
        && size < *count
    {
        return taken.clash(&format!("cannot take {count} of {size} elements"));
    }
    sizes.set(along, Some(*count));
    Ok(Made::Each(vec![Some(sizes), Some(sizes)]))
}

pub(super) fn argument(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(axis), Some(keeps)) = (taken.sizes(0), taken.number("axis", 0), taken.number("keepdims", 1)) else {
        return Ok(Made::Unknown);
    };
    let along = match taken.axis(axis, sizes.rank()) {
        Ok(along) if taken.since >= 11 || axis >= 0 => along,
        Err(clash) if taken.since >= 11 => return Err(clash),
        _ => return Ok(Made::Unknown),
    };
    Ok(without(&sizes, |at| at == along, keeps != 0).into())
}

/// Sizes of which some become one or are gone.
fn without(sizes: &Sizes, is_gone: impl Fn(usize) -> bool, keeps: bool) -> Option<Sizes> {
    let all = sizes.iter().enumerate().filter(|(at, _)| keeps || !is_gone(*at));
    Sizes::of(all.map(|(at, size)| if is_gone(at) { Some(1) } else { size }))
}

pub(super) fn reduce(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let (Some(sizes), Some(keeps)) = (taken.sizes(0), taken.number("keepdims", 1)) else { return Ok(Made::Unknown) };
    let rank = sizes.rank();
    let as_input = if taken.parts.operator == b"ReduceSum" { 13 } else { 18 };
    let axes = match axes(taken, as_input) {
        Axes::Unknown if keeps != 0 => return Ok(Sizes::open(rank).into()),
        Axes::Unknown => return Ok(Made::Unknown),
        Axes::Known(axes) if axes.is_empty() => return Ok(Made::Unknown),
        Axes::None if taken.has_attribute("noop_with_empty_axes") => return Ok(Made::Unknown),
        Axes::None => return Ok(without(&sizes, |_| true, keeps != 0).into()),
        Axes::Known(axes) => axes,
    };
    let mut gone = [false; RANK];
    // Before that axes are not looked at.
    let since = if matches!(taken.parts.operator, b"ReduceMax" | b"ReduceMin") { 12 } else { 11 };
    for axis in &axes {
        if taken.since < since && (*axis < 0 || place(*axis, rank).is_none()) {
            return Ok(Made::Unknown);
        }
        gone[taken.axis(*axis, rank)?] = true;
    }
    Ok(without(&sizes, |at| gone[at], keeps != 0).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn shape_of(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.has_attribute("start") || taken.has_attribute("end") {
        return Ok(Sizes::open(1).into());
    }
    Ok(Sizes::of([taken.sizes(0).and_then(|sizes| i64::try_from(sizes.rank()).ok())]).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn size_of(_: &Taken<'_, '_>) -> Result<Made, Clash> {
    Ok(Made::One(Sizes::default()))
}

pub(super) fn constant_of_shape(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let Some(value) = taken.parts.constant
        && taken.has_attribute("value")
        && (value.sizes.rank() != 1 || value.sizes.at(0).is_some_and(|count| count != 1))
    {
        return taken.clash(&format!("takes one value, and its tensor is {}", value.sizes.spelled()));
    }
    if let Some(target) = taken.row(0) {
        if let Some(size) = target.iter().find(|size| **size < 0) {
            return taken.clash(&format!("takes no size such as {size}"));
        }
        return Ok(Sizes::of(target.iter().map(|size| Some(*size))).into());
    }
    let rank = taken.sizes(0).filter(|sizes| sizes.rank() == 1).and_then(|sizes| sizes.at(0));
    Ok(rank.and_then(|rank| usize::try_from(rank).ok()).and_then(Sizes::open).into())
}

pub(super) fn range(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let is_constant = (0..3).all(|at| taken.numbers(at).is_some() || taken.floats(at).is_some());
    if is_constant && (0..3).any(|at| taken.sizes(at).is_some_and(|sizes| sizes.rank() > 0)) {
        return taken.clash("takes numbers, not rows of them");
    }
    Ok(Sizes::open(1).into())
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn non_zero(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let rank = taken.sizes(0).and_then(|sizes| i64::try_from(sizes.rank()).ok());
    Ok(Sizes::of([rank, None]).into())
}

pub(super) fn eye_like(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    match taken.sizes(0) {
        Some(sizes) if sizes.rank() != 2 => taken.clash(&format!("takes a matrix, and is given {}", sizes.spelled())),
        _ => Ok(Made::Like(0)),
    }
}

pub(super) fn compress(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", 0).filter(|_| taken.has_attribute("axis")))
        && taken.since >= 11
    {
        taken.axis(axis, sizes.rank())?;
    }
    Ok(Made::Unknown)
}

pub(super) fn split_to_sequence(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", 0)) {
        let along = taken.axis(axis, sizes.rank())?;
        if let (Some(parts), Some(size)) = (taken.row(1), sizes.at(along))
            && parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(*part)) != Some(size)
        {
            return taken.clash(&format!("cannot part {size} as {parts:?}"));
        }
    }
    Ok(Made::Unknown)
}

pub(super) fn triangle(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    match taken.sizes(0) {
        Some(sizes) if sizes.rank() < 2 => taken.clash(&format!("takes two dimensions or more, and is given {}", sizes.spelled())),
        _ => Ok(Made::Like(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_take_what_is_there() {
        assert_eq!((between(5, 0, 9, 1), between(5, -2, i64::MAX, 1), between(5, 1, 4, 2)), (5, 2, 2));
        assert_eq!((between(5, -1, i64::MIN, -1), between(5, 3, 3, 1), between(5, 4, 1, 1)), (5, 0, 0));
        assert_eq!((between(0, 0, 1, 1), between(7, i64::MAX, i64::MIN, i64::MIN)), (0, 1));
    }

    #[test]
    fn axes_of_old_operators_stand_in_order() {
        assert_eq!(in_order(&[0, 2], 3), Some(vec![0, 2]));
        assert_eq!((in_order(&[2, 0], 3), in_order(&[-1], 3), in_order(&[3], 3)), (None, None, None));
    }
}
