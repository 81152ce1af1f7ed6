//! Shapes of layers: convolutions, pools, recurrent layers, normalizations, and what changes the size of images.

use super::{
    rules::{Clash, List, Made, Taken},
    sizes::Sizes,
};
use crate::fact::Insistence;

/// How a window moves over an image.
struct Window {
    /// The image is filled up until every step finds something.
    is_filled: bool,
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    /// What is added before and after each dimension; `None` if it depends on the image.
    pads: Option<Vec<i64>>,
}

/// Lists that are as long as the image has dimensions. `None` if one is not known, an error if one has another length.
fn list(taken: &Taken<'_, '_>, name: &str, length: usize, default: i64) -> Result<Option<Vec<i64>>, Clash> {
    match taken.list(name) {
        List::Absent => Ok(Some(vec![default; length])),
        List::Unknown => Ok(None),
        List::Is(all) if all.len() == length => Ok(Some(all.to_vec())),
        List::Is(all) => taken.clash(&format!("takes {length} numbers as `{name}`, and is given {all:?}")),
    }
}

fn pads(taken: &Taken<'_, '_>, dimensions: usize) -> Result<Option<Vec<i64>>, Clash> {
    if taken.has_attribute("pads") {
        return list(taken, "pads", 2 * dimensions, 0);
    }
    let is_plain = match taken.text("auto_pad") {
        Some(word) => matches!(word, b"NOTSET" | b"VALID"),
        None => !taken.has_attribute("auto_pad"),
    };
    Ok(is_plain.then(|| vec![0; 2 * dimensions]))
}

fn is_filled(taken: &Taken<'_, '_>) -> bool {
    matches!(taken.text("auto_pad"), Some(b"SAME_UPPER" | b"SAME_LOWER")) && !taken.has_attribute("pads")
}

/// Steps and distances must be above zero, at least for releases that look; a step of zero divides by it where a size is known.
fn steps(taken: &Taken<'_, '_>, image: Option<&Sizes>) -> Result<(), Clash> {
    if let Some(strides) = taken.list("strides").known() {
        let divides = |at: usize| image.is_some_and(|image| image.at(at + 2).is_some());
        if strides.iter().enumerate().any(|(at, stride)| *stride == 0 && divides(at)) {
            return taken.clash("takes no step of zero");
        }
        if strides.iter().any(|stride| *stride <= 0) {
            return taken.clash(&format!("takes steps above zero, and is given {strides:?}")).map_err(|it: Clash| it.from("1.26.0"));
        }
    }
    if let Some(dilations) = taken.list("dilations").known()
        && dilations.iter().any(|dilation| *dilation <= 0)
    {
        return taken
            .clash(&format!("takes dilations above zero, and is given {dilations:?}"))
            .map_err(|it: Clash| it.from("1.26.0"));
    }
    Ok(())
}

/// What newer releases look at.
fn positive(taken: &Taken<'_, '_>, kernel: &[i64]) -> Result<(), Clash> {
    if let Some(pads) = taken.list("pads").known()
        && pads.iter().any(|pad| *pad < 0)
    {
        return taken.clash(&format!("takes no pads below zero, and is given {pads:?}")).map_err(|it: Clash| it.from("1.28.0"));
    }
    if kernel.iter().any(|size| *size <= 0) {
        return taken
            .clash(&format!("takes a window of sizes above zero, and is given {kernel:?}"))
            .map_err(|it: Clash| it.from("1.28.0"));
    }
    Ok(())
}

/// The sizes of an image after a window went over it; those that do not come out plainly are left open.
fn slid(image: &Sizes, window: &Window, rounds_up: bool) -> Vec<Option<i64>> {
    let one = |at: usize| {
        let size = image.at(at + 2)?;
        let (kernel, stride) = (*window.kernel.get(at)?, *window.strides.get(at)?);
        if window.is_filled {
            return if stride > 0 && size > 0 && kernel > 0 { Some((size - 1) / stride + 1) } else { None };
        }
        let pads = window.pads.as_ref()?;
        let reach = kernel.checked_sub(1)?.checked_mul(*window.dilations.get(at)?)?.checked_add(1)?;
        let before = *pads.get(at)?;
        let after = *pads.get(at.checked_add(window.kernel.len())?)?;
        let room = size.checked_add(before)?.checked_add(after)?.checked_sub(reach)?;
        if stride <= 0 || room < 0 || rounds_up && room % stride != 0 {
            return None;
        }
        (room / stride).checked_add(1)
    };
    (0..window.kernel.len()).map(one).collect()
}

pub(super) fn conv(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.text("auto_pad").is_some_and(|word| !matches!(word, b"NOTSET" | b"")) && taken.has_attribute("pads") {
        return taken.clash("takes `pads` or `auto_pad`, and is given both");
    }
    let (image, filter) = (taken.sizes(0), taken.sizes(1));
    if let Some(image) = &image
        && image.rank() < 3
    {
        let clash = Clash::new(format!("Conv takes three dimensions or more, and is given {}", image.spelled()));
        let breaks = |filter: &Sizes| image.rank() < 2 || filter.rank() > 2 && !taken.has_attribute("kernel_shape");
        if filter.as_ref().is_some_and(breaks) {
            return Err(clash);
        }
        return Err(Clash { insistence: Some(Insistence::ConvRank), ..clash });
    }
    let (Some(image), Some(filter)) = (image, filter) else {
        steps(taken, None)?;
        return Ok(Made::Unknown);
    };
    let dimensions = image.rank() - 2;
    let (Some(strides), Some(dilations)) = (list(taken, "strides", dimensions, 1)?, list(taken, "dilations", dimensions, 1)?)
    else {
        return Ok(Made::Unknown);
    };
    let kernel: Vec<i64> = match taken.list("kernel_shape") {
        List::Is(kernel) if kernel.len() != dimensions => {
            return taken.clash(&format!("has a window of {kernel:?} for {}", image.spelled()));
        }
        List::Is(kernel) => kernel.to_vec(),
        List::Unknown => return Ok(Made::Unknown),
        List::Absent => {
            let kernel: Option<Vec<i64>> = filter.iter().skip(2).collect();
            let Some(kernel) = kernel.filter(|_| filter.rank() >= 2) else { return Ok(Made::Unknown) };
            // Releases read past the end of the image's sizes, or of the window's.
            if filter.rank() > image.rank() || filter.rank() == 2 {
                return taken.clash(&format!("cannot lay {} over {}", filter.spelled(), image.spelled()));
            }
            if filter.rank() < image.rank() {
                return taken
                    .clash(&format!("cannot lay {} over {}", filter.spelled(), image.spelled()))
                    .map_err(|it: Clash| it.from("1.13.1"));
            }
            kernel
        }
    };
    let pads = pads(taken, dimensions)?;
    steps(taken, Some(&image))?;
    positive(taken, &kernel)?;
    let spatial = slid(&image, &Window { is_filled: is_filled(taken), kernel, strides, dilations, pads }, false);
    Ok(Sizes::of([image.at(0), filter.at(0)].into_iter().chain(spatial)).into())
}

pub(super) fn conv_transpose(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let later = |it: Clash| it.from("1.28.0");
    let (Some(image), Some(filter)) = (taken.sizes(0), taken.sizes(1)) else {
        return Ok(Made::Unknown);
    };
    let Some(dimensions) = image.rank().checked_sub(2).filter(|count| *count > 0) else { return Ok(Made::Unknown) };
    if taken.text("auto_pad").is_some_and(|word| !matches!(word, b"NOTSET" | b"")) && taken.has_attribute("pads") {
        return taken.clash("takes `pads` or `auto_pad`, and is given both");
    }
    let (strides, dilations) = (
        list(taken, "strides", dimensions, 1).map_err(later)?,
        list(taken, "dilations", dimensions, 1).map_err(later)?,
    );
    let given = list(taken, "kernel_shape", dimensions, 1).map_err(later)?;
    let kernel: Option<Vec<i64>> =
        if taken.has_attribute("kernel_shape") { given } else { filter.iter().skip(2).collect() };
    let pads = pads(taken, dimensions)?;
    let added = list(taken, "output_padding", dimensions, 0).map_err(later)?;
    list(taken, "output_shape", dimensions, 0).map_err(later)?;
    if !taken.has_attribute("kernel_shape") && filter.rank() != image.rank() {
        return if (3..image.rank()).contains(&filter.rank()) {
            taken.clash(&format!("cannot lay {} over {}", filter.spelled(), image.spelled())).map_err(|it: Clash| it.from("1.13.1"))
        } else {
            Ok(Made::Unknown)
        };
    }
    if strides.as_deref().unwrap_or_default().iter().any(|stride| *stride <= 0) {
        return taken.clash("takes steps above zero").map_err(|it: Clash| it.from("1.26.0"));
    }
    let Some(group) = taken.number("group", 1) else { return Ok(Made::Unknown) };
    if let Some(channels) = image.at(1)
        && group > 0
        && channels % group != 0
    {
        return taken
            .clash(&format!("cannot part {channels} channels into {group} groups"))
            .map_err(|it: Clash| it.from("1.32.0"));
    }
    let one = |at: usize| {
        if taken.has_attribute("output_shape") {
            return None;
        }
        let (kernel, pads, strides) = (kernel.as_ref()?, pads.as_ref()?, strides.as_ref()?);
        let reach = kernel.get(at)?.checked_sub(1)?.checked_mul(*dilations.as_ref()?.get(at)?)?.checked_add(1)?;
        let stretched = image.at(at + 2)?.checked_sub(1)?.checked_mul(*strides.get(at)?)?.checked_add(*added.as_ref()?.get(at)?)?;
        let all = stretched.checked_add(reach)?;
        all.checked_sub(*pads.get(at)?)?.checked_sub(*pads.get(at + dimensions)?).filter(|size| *size > 0)
    };
    let channels = filter.at(1).and_then(|channels| channels.checked_mul(group));
    Ok(Sizes::of([image.at(0), channels].into_iter().chain((0..dimensions).map(one))).into())
}

pub(super) fn max_pool(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let Some(order) = taken.number("storage_order", 0)
        && !(0..=1).contains(&order)
    {
        return taken.clash(&format!("has the storage order {order}")).map_err(|it: Clash| it.from("1.29.0"));
    }
    pool(taken)
}

pub(super) fn average_pool(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    pool(taken)
}

/// Pools that few models have: only their attributes are looked at.
pub(super) fn other_pool(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.since < 2 {
        return Ok(Made::Unknown);
    }
    pool(taken).map(|_| Made::Unknown)
}

fn pool(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(kernel) = taken.list("kernel_shape").known() else { return Ok(Made::Unknown) };
    if kernel.iter().any(|size| *size <= 0) {
        return taken.clash(&format!("takes a window of sizes above zero, and is given {kernel:?}"));
    }
    for name in ["strides", "dilations"] {
        list(taken, name, kernel.len(), 1)?;
    }
    let is_auto = taken.text("auto_pad").is_some_and(|word| !matches!(word, b"NOTSET" | b""));
    if let Some(pads) = taken.list("pads").known().filter(|pads| pads.len() == 2 * kernel.len() && !is_auto)
        && let Some(pad) = pads.iter().zip(kernel.iter().chain(kernel)).position(|(pad, size)| pad >= size)
    {
        return taken.clash(&format!("pads a window of {kernel:?} by {}", pads[pad]));
    }
    let Some(image) = taken.sizes(0) else {
        steps(taken, None)?;
        if taken.list("pads").known().is_some_and(|pads| pads.iter().any(|pad| *pad < 0)) {
            return taken.clash("takes no pads below zero").map_err(|it: Clash| it.from("1.30.0"));
        }
        return Ok(Made::Unknown);
    };
    let Some(dimensions) = image.rank().checked_sub(2) else {
        return taken.clash(&format!("takes two dimensions or more, and is given {}", image.spelled()));
    };
    if kernel.len() != dimensions {
        return taken.clash(&format!("has a window of {kernel:?} for {}", image.spelled()));
    }
    let (Some(strides), Some(dilations)) = (list(taken, "strides", dimensions, 1)?, list(taken, "dilations", dimensions, 1)?)
    else {
        return Ok(Made::Unknown);
    };
    let pads = pads(taken, dimensions)?;
    steps(taken, Some(&image))?;
    positive(taken, kernel)?;
    let Some(rounds_up) = taken.number("ceil_mode", 0) else { return Ok(Made::Unknown) };
    let window = Window { is_filled: is_filled(taken), kernel: kernel.to_vec(), strides, dilations, pads };
    let made = Sizes::of([image.at(0), image.at(1)].into_iter().chain(slid(&image, &window, rounds_up != 0)));
    Ok(Made::Each(vec![made; taken.outputs().min(2)]))
}

#[expect(clippy::unnecessary_wraps, reason = "all rules have one form")]
pub(super) fn global_pool(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some(sizes) = taken.sizes(0).filter(|sizes| sizes.rank() >= 2) else { return Ok(Made::Unknown) };
    Ok(Sizes::of(sizes.iter().enumerate().map(|(at, size)| if at < 2 { size } else { Some(1) })).into())
}

pub(super) fn batch_normalization(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.since >= 14
        && let Some(sizes) = taken.sizes(0)
    {
        if sizes.rank() < 2 {
            return taken.clash(&format!("takes two dimensions or more, and is given {}", sizes.spelled()));
        }
        let mut channels = sizes.at(1);
        for other in (1..5).filter_map(|at| taken.sizes(at)).filter(|other| other.rank() == 1) {
            if let (Some(channels), Some(other)) = (channels, other.at(0))
                && channels != other
            {
                return taken.clash(&format!("has {channels} channels, and is given {other} numbers for them"));
            }
            channels = channels.or(other.at(0));
        }
    }
    Ok(Made::Like(0))
}

pub(super) fn layer_normalization(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let (Some(sizes), Some(axis)) = (taken.sizes(0), taken.number("axis", -1))
        && let Err(clash) = taken.axis(axis, sizes.rank())
    {
        return Err(clash.from(if axis < 0 { "1.19.0" } else { "1.31.0" }));
    }
    Ok(Made::Like(0))
}

fn image(taken: &Taken<'_, '_>) -> Result<Option<(Sizes, i64)>, Clash> {
    let block = taken.number("blocksize", 0);
    if let Some(block) = block.filter(|_| taken.has_attribute("blocksize"))
        && block <= 0
    {
        return taken.clash(&format!("takes blocks of a size above zero, and is given {block}"));
    }
    match taken.sizes(0) {
        Some(sizes) if sizes.rank() != 4 => {
            taken.clash(&format!("takes four dimensions, and is given {}", sizes.spelled()))
        }
        Some(sizes) => Ok(block.map(|block| (sizes, block))),
        None => Ok(None),
    }
}

pub(super) fn depth_to_space(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some((sizes, block)) = image(taken)? else { return Ok(Made::Unknown) };
    let square = block.checked_mul(block).filter(|square| *square > 0);
    let depth = sizes.at(1).zip(square).filter(|(depth, square)| depth % square == 0).map(|(depth, square)| depth / square);
    let times = |at: usize| sizes.at(at).and_then(|size| size.checked_mul(block));
    Ok(Sizes::of([sizes.at(0), depth, times(2), times(3)]).into())
}

pub(super) fn space_to_depth(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let Some((sizes, block)) = image(taken)? else { return Ok(Made::Unknown) };
    let depth = sizes.at(1).and_then(|depth| depth.checked_mul(block.checked_mul(block)?));
    let part = |at: usize| sizes.at(at).filter(|size| block > 0 && size % block == 0).map(|size| size / block);
    Ok(Sizes::of([sizes.at(0), depth, part(2), part(3)]).into())
}

pub(super) fn recurrent(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let hidden = taken.number("hidden_size", 0);
    if let Some(hidden) = hidden
        && hidden <= 0
    {
        return taken.clash(if taken.has_attribute("hidden_size") {
            "takes a hidden size above zero"
        } else {
            "needs the attribute `hidden_size`"
        });
    }
    let directions = match taken.text("direction") {
        Some(b"bidirectional") => Some(2),
        None if taken.has_attribute("direction") => None,
        _ => Some(1),
    };
    let each = match taken.parts.operator {
        b"LSTM" => 3,
        b"GRU" => 2,
        _ => 1,
    };
    if let Some(directions) = directions
        && let Some(count) = taken.number("activations", each * directions)
        && count != each * directions
    {
        return taken.clash(&format!("takes {} activations, and is given {count}", each * directions));
    }
    if let Some(clip) = taken.parts.clip
        && clip <= 0.0
    {
        return taken.clash(&format!("clips above zero, and is given {clip}"));
    }
    let (Some(sizes), Some(directions)) = (taken.sizes(0), directions) else { return Ok(Made::Unknown) };
    if sizes.rank() != 3 {
        return taken.clash(&format!("takes three dimensions, and is given {}", sizes.spelled()));
    }
    if taken.parts.layout.is_some_and(|layout| layout != 0) || taken.since < 7 {
        return Ok(Made::Unknown);
    }
    let all = Sizes::of([sizes.at(0), Some(directions), sizes.at(1), hidden]);
    let last = Sizes::of([Some(directions), sizes.at(1), hidden]);
    Ok(Made::Each([all, last, last].into_iter().take(taken.outputs()).collect()))
}

/// The factors of a node that changes sizes, and what is asked for instead.
fn scaled(taken: &Taken<'_, '_>, image: &Sizes, scales: &[f32]) -> Result<Made, Clash> {
    if scales.len() != image.rank() {
        return taken.clash(&format!("has {} factors for {}", scales.len(), image.spelled()));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the specification computes it so")]
    let one = |(size, scale): (Option<i64>, &f32)| {
        let made = (size? as f32 * scale).floor();
        (0.0..16_777_216.0).contains(&made).then_some(made as i64)
    };
    Ok(Sizes::of(image.iter().zip(scales).map(one)).into())
}

pub(super) fn upsample(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let listed;
    let scales = if taken.since >= 9 {
        listed = taken.floats(1);
        listed.as_deref()
    } else {
        Some(taken.parts.scales.as_slice()).filter(|scales| !scales.is_empty())
    };
    let Some(scales) = scales.filter(|_| taken.since >= 7) else { return Ok(Made::Unknown) };
    if let Some(scale) = scales.iter().find(|scale| **scale < 1.0) {
        return taken.clash(&format!("only makes larger, and is given the factor {scale}"));
    }
    smooth(taken, scales)?;
    taken.sizes(0).map_or(Ok(Made::Unknown), |image| scaled(taken, &image, scales))
}

pub(super) fn resize(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let image = taken.sizes(0);
    let (at_scales, at_sizes) = if taken.since >= 11 { (2, 3) } else { (1, usize::MAX) };
    let (scales, sizes) = (taken.floats(at_scales).filter(|it| !it.is_empty()), taken.row(at_sizes).filter(|it| !it.is_empty()));
    if taken.since >= 13 {
        if !taken.has(at_scales) && !taken.has(at_sizes) {
            // Releases before that read past the end of its inputs, and not all of them fall over it.
            let clash = Clash::new("Resize needs `scales` or `sizes`".to_owned());
            return Err(if taken.since >= 18 { clash } else { clash.from("1.14.0") });
        }
        if scales.is_some() && sizes.is_some() {
            let clash = Clash::new("Resize takes `scales` or `sizes`, and is given both".to_owned());
            return Err(if taken.since >= 18 { clash } else { clash.from("1.14.0") });
        }
    }
    if let Some(scale) = scales.iter().flatten().find(|scale| **scale <= 0.0) {
        return taken.clash(&format!("takes factors above zero, and is given {scale}"));
    }
    if let Some(scales) = &scales {
        smooth(taken, scales)?;
    }
    let is_plain = !taken.has_attribute("axes")
        && !taken.has_attribute("keep_aspect_ratio_policy")
        && taken.text("coordinate_transformation_mode") != Some(b"tf_crop_and_resize".as_slice());
    let Some(image) = image.filter(|_| is_plain) else { return Ok(Made::Unknown) };
    match (scales, sizes) {
        (Some(scales), None) if !taken.has(at_sizes) => scaled(taken, &image, &scales),
        (None, Some(sizes)) if sizes.len() != image.rank() => {
            taken.clash(&format!("cannot make {sizes:?} of {}", image.spelled()))
        }
        (None, Some(sizes)) => Ok(Sizes::of(sizes.iter().map(|size| Some(*size).filter(|size| *size > 0))).into()),
        _ => Ok(Made::Unknown),
    }
}

/// Which dimensions can be made larger or smaller smoothly.
fn smooth(taken: &Taken<'_, '_>, scales: &[f32]) -> Result<(), Clash> {
    let keeps = |at: usize| scales.get(at).is_some_and(|scale| (scale - 1.0).abs() < f32::EPSILON);
    let before = match (taken.text("mode"), scales.len()) {
        _ if taken.has_attribute("antialias") || taken.has_attribute("axes") => return Ok(()),
        (Some(b"linear"), 4 | 5) | (Some(b"cubic"), 2 | 4) if keeps(0) && keeps(1) => return Ok(()),
        (Some(b"linear"), 4) if keeps(0) && keeps(3) => Some("1.10.0"),
        (Some(b"cubic"), 4) if keeps(0) && keeps(3) => Some("1.22.0"),
        (Some(b"linear"), 5) if keeps(4) => return Ok(()),
        (Some(b"linear"), 4 | 5) | (Some(b"cubic"), 3..=5) => None,
        _ => return Ok(()),
    };
    let mode = if taken.text("mode") == Some(b"cubic") { "cubic" } else { "linear" };
    let clash = Clash::new(format!("{} cannot change sizes by {scales:?} in mode `{mode}`", taken.operator()));
    Err(Clash { before, ..clash })
}

/// Each input that has a shape must have so many dimensions.
fn ranks(taken: &Taken<'_, '_>, wanted: &[usize]) -> Result<(), Clash> {
    for (at, wanted) in wanted.iter().enumerate() {
        if let Some(sizes) = taken.sizes(at).filter(|sizes| sizes.rank() != *wanted) {
            return taken.clash(&format!("takes {wanted} dimensions as input {at}, and is given {}", sizes.spelled()));
        }
    }
    Ok(())
}

pub(super) fn regions(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    ranks(taken, &[4, 2, 1])?;
    Ok(Made::Unknown)
}

pub(super) fn local_response(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let Some(size) = taken.number("size", 1)
        && (size <= 0 || size % 2 == 0)
    {
        return taken.clash(&format!("takes an odd size, and is given {size}"));
    }
    Ok(Made::Like(0))
}

pub(super) fn norm(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if let Some(power) = taken.number("p", 2)
        && !(1..=2).contains(&power)
    {
        return taken.clash(&format!("takes one or two as `p`, and is given {power}"));
    }
    Ok(Made::Like(0))
}
