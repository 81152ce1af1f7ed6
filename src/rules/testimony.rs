//! Which statements of the inputs are about one model: its file, the file of the other side, a declaration, a server's
//! configuration.
//!
//! A statement belongs to the model that its path names best, or to the only one of the other side. Where two models come
//! into question it belongs to none, so that nothing is compared that may be two things.

use super::Context;
use crate::{
    environment::{Environment, Seen, Side},
    fact::{Model, Signature, Witness},
    text::Place,
};

/// What one input says about a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Testimony<'a> {
    pub(crate) side: &'a Environment,
    pub(crate) model: Seen<'a, Model>,
}

/// A model: the statement that is believed first, usually the file that serving loads, and all others.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) first: Testimony<'a>,
    pub(crate) others: Vec<Testimony<'a>>,
}

impl<'a> Testimony<'a> {
    pub(crate) fn path(&self) -> &'a str {
        &self.model.value.path
    }

    pub(crate) fn is_file(&self) -> bool {
        self.model.value.witness == Witness::File
    }

    pub(crate) fn in_training(&self) -> bool {
        self.side.side == Side::Training
    }

    /// Where an input or output stands.
    pub(crate) fn place(&self, signature: &Signature) -> Place {
        signature.span.map_or(self.model.place, |span| Place { file: self.model.place.file, span })
    }

    /// The lower, the sooner it is believed.
    fn rank(&self) -> (u8, bool) {
        let kind = match self.model.value.witness {
            Witness::File => 0,
            Witness::Mlflow => 1,
            Witness::Declaration => 2,
            Witness::Triton(_) => 3,
        };
        // What serving loads is what counts; where there is no file, what training says of it.
        (kind, if kind == 0 { self.in_training() } else { !self.in_training() })
    }

    fn same_kind(&self, other: &Testimony<'_>) -> bool {
        std::mem::discriminant(&self.model.value.witness) == std::mem::discriminant(&other.model.value.witness)
            && self.side.side == other.side.side
    }
}

/// The models of a comparison.
pub(crate) fn subjects<'a>(ctx: &Context<'a>) -> Vec<Subject<'a>> {
    let of_side = |side: &'a Environment| side.models().into_iter().map(move |model| Testimony { side, model });
    let mut all: Vec<Testimony<'a>> = ctx.sides().flat_map(of_side).collect();
    all.sort_by_key(Testimony::rank);
    let mut subjects: Vec<Subject<'a>> = Vec::new();
    for testimony in &all {
        let homes = homes(&subjects, &all, testimony);
        if homes.is_empty() {
            subjects.push(Subject { first: *testimony, others: Vec::new() });
        }
        for at in homes {
            subjects[at].others.push(*testimony);
        }
    }
    subjects
}

/// The subjects that a statement is about, among those that are there already: one, or versions of one model.
fn homes(subjects: &[Subject<'_>], all: &[Testimony<'_>], testimony: &Testimony<'_>) -> Vec<usize> {
    let may = |first: &Testimony<'_>| {
        let two_files = first.is_file() && testimony.is_file() && first.side.side == testimony.side.side;
        let formats = (first.model.value.format.as_deref(), testimony.model.value.format.as_deref());
        !two_files && !matches!(formats, (Some(a), Some(b)) if a != b)
    };
    let candidates =
        subjects.iter().enumerate().map(|(at, subject)| (at, &subject.first)).filter(|(_, first)| may(first));
    let scored: Vec<(usize, &Testimony<'_>, usize)> =
        candidates.map(|(at, first)| (at, first, closeness(first, testimony))).collect();
    let best = scored.iter().map(|(_, _, score)| *score).max().unwrap_or(0);
    if best > 0 {
        let found: Vec<(usize, &Testimony<'_>)> =
            scored.into_iter().filter(|(_, _, score)| *score == best).map(|(at, first, _)| (at, first)).collect();
        // Another one that claims the same model as well leaves open which of them is meant.
        let contested = |first: &Testimony<'_>| {
            let rivals = all.iter().filter(|it| it.same_kind(testimony) && it.path() != testimony.path());
            rivals.into_iter().any(|it| closeness(first, it) >= best)
        };
        let open = best < SURE && (found.len() > 1 || found.iter().any(|(_, first)| contested(first)));
        return if open { Vec::new() } else { found.into_iter().map(|(at, _)| at).collect() };
    }
    let [(at, first, _)] = scored.as_slice() else { return Vec::new() };
    let across = first.side.side != testimony.side.side;
    let same = |one: &Testimony<'_>, it: &Testimony<'_>| {
        it.path() == one.path() || closeness(one, it) >= SURE || closeness(it, one) >= SURE
    };
    let alone = |one: &Testimony<'_>| all.iter().filter(|it| it.side.side == one.side.side).all(|it| same(one, it));
    if across && alone(first) && alone(testimony) { vec![*at] } else { Vec::new() }
}

/// More than any number of names that two paths can share: their folders say that they belong together.
const SURE: usize = 1_000;

fn parts(path: &str) -> Vec<&str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect()
}

/// How surely two statements are about one model; 0 if nothing speaks for it.
fn closeness(first: &Testimony<'_>, other: &Testimony<'_>) -> usize {
    // Most pairs of many models end here, before anything is taken apart.
    let file_name = |path: &str| path.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let (own, theirs) = (first.path(), other.path());
    let triton = matches!(other.model.value.witness, Witness::Triton(_)) && first.is_file();
    if !triton && own[file_name(own)..] != theirs[file_name(theirs)..] {
        return 0;
    }
    let own = parts(first.path());
    let theirs = parts(other.path());
    match &other.model.value.witness {
        Witness::Triton(config) if first.is_file() => {
            let Some((file, folders)) = own.split_last() else { return 0 };
            let expected = config.file_name.as_deref().unwrap_or("model.onnx");
            let folder = &theirs[..theirs.len().saturating_sub(1)];
            let same_side = first.side.side == other.side.side;
            let versioned = folders.split_last().filter(|(version, _)| version.parse::<u64>().is_ok());
            if same_side && versioned.is_some_and(|(_, above)| above == folder) {
                return if *file == expected { SURE } else { 0 };
            }
            let stem = file.rsplit_once('.').map_or(*file, |(stem, _)| stem);
            let name = config.name.as_deref().or(folder.last().copied());
            if name.is_some_and(|name| stem == name || folders.contains(&name)) {
                return 10;
            }
            // On one side a configuration speaks about what lies below it.
            usize::from(*file == expected && (!same_side || folders.starts_with(folder)))
        }
        _ => {
            if own == theirs && first.side.side == other.side.side {
                return SURE;
            }
            let tail = own.iter().rev().zip(theirs.iter().rev()).take_while(|(a, b)| a == b).count();
            let is_name = |part: &&&str| part.parse::<u64>().is_err();
            let shared = own.iter().filter(is_name).filter(|part| theirs.contains(part)).count();
            if tail > 0 { (tail + shared).min(SURE - 1) } else { 0 }
        }
    }
}

/// Statements that say nothing of their own about how a model loads, since its file is at hand: configurations of servers,
/// and training's file where serving has one.
pub(super) fn spoken_for<'a>(ctx: &Context<'a>) -> Vec<&'a Model> {
    let of_file = subjects(ctx).into_iter().filter(|subject| subject.first.is_file());
    let others = of_file.flat_map(|subject| subject.others).map(|other| other.model.value);
    others.filter(|model| model.witness != Witness::Declaration).collect()
}
