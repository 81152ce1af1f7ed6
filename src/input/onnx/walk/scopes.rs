//! Which values a graph has, what makes them and what uses them.
//!
//! A subgraph sees the values around it; its own are forgotten where it ends. Bodies of functions and training graphs are left
//! out: what they are given is not known, or nobody asks for it.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    hash::BuildHasher as _,
};

use super::{
    Scope, Walk,
    elements::{FAULT_LIMIT, PARAMETER_LIMIT, Parts},
    names::Keyed,
    sizes::{Elements, Shape, Shapes, Sizes},
    tensors::Tensor,
    types::Kind,
};
use crate::input::onnx::{
    messages::{self, graph, node},
    view::shown,
    wire::{Fields, Part, Value, WireError},
};

/// Values of one model that are remembered, and names of nodes.
pub(super) const VALUE_LIMIT: usize = 1_000_000;

/// What makes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Maker {
    /// Nothing so far: its type is stated.
    #[default]
    Nobody,
    /// The caller, or the node around a subgraph.
    Input,
    /// It is stored in the model, and the caller may give another one if it is also an input.
    Weight,
    Node,
}

/// What is known of a value: there is one for each, so that every byte counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// The number of its element type, 0 if that is not known.
    element: i16,
    shape: ShapePlace,
    maker: Maker,
    /// How deep the graph lies that it belongs to.
    depth: u8,
    /// Whether a node, or an output of a graph, takes it.
    used: Used,
}

/// What takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Used {
    #[default]
    No,
    /// Only nodes that hand it on, which a release may drop before it looks at the value.
    Handed,
    Yes,
}

/// The place of a shape among those that are known, counted from 1; 0 if it is not.
#[derive(Debug, Clone, Copy, Default)]
struct ShapePlace([u8; 3]);

impl ShapePlace {
    /// None if there are too many for it.
    fn new(place: u32) -> Self {
        let [a, b, c, rest @ ..] = place.to_le_bytes();
        if rest.iter().all(|byte| *byte == 0) { ShapePlace([a, b, c]) } else { ShapePlace::default() }
    }

    fn number(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_le_bytes([a, b, c, 0])
    }
}

/// The values of a model, those that can be seen from where the walk is.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    values: HashMap<&'a [u8], Known, Keyed>,
    /// What subgraphs changed, to be undone at their end.
    changed: Vec<(&'a [u8], Option<Known>)>,
    /// What nodes take before anything is known to make it.
    missing: Vec<&'a [u8]>,
    /// What is wrong with weights, if anything uses them, and whether that is a size below zero.
    doubts: Vec<(&'a [u8], String, bool)>,
    /// Weights outside the model: their file and how far it must reach.
    outside: Vec<(&'a [u8], usize, Option<u64>)>,
    /// Hashes of the names of nodes with the numbers of their graphs: two that are one by chance are not to be expected
    /// among a million names, and a name takes twice the room.
    nodes: HashSet<u64, Keyed>,
    /// Graphs so far, and those around the walk.
    graphs: u32,
    around: Vec<u32>,
    /// Shapes of values of the model's own graph.
    pub(super) shapes: Shapes,
    /// Outputs of the model that are lists of maps: the types of keys and values.
    maps: HashMap<&'a [u8], (i64, i64), Keyed>,
    /// Not all names were remembered, so that nothing can be called missing.
    is_partial: bool,
    /// A node takes what a later one makes.
    is_unsorted: bool,
}

/// Marks of how far the lists were when a graph began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    changed: usize,
    missing: usize,
    doubts: usize,
    outside: usize,
}

impl<'a> Scopes<'a> {
    fn of(&self, name: &[u8]) -> Known {
        self.values.get(name).copied().unwrap_or_default()
    }

    /// Remembers an input with its element type and sizes.
    pub(super) fn put_input(&mut self, name: &'a [u8], element: i64, sizes: Option<Sizes>) {
        let shape = ShapePlace::new(sizes.map_or(0, |sizes| self.shapes.place(sizes)));
        self.put(name, Known { element: number(element), shape, maker: Maker::Input, ..Known::default() });
    }

    /// The sizes of values, as far as they are known.
    pub(super) fn all_sizes(&self, names: &[&'a [u8]]) -> Vec<Option<Sizes>> {
        names.iter().map(|name| self.shapes.get(self.of(name).shape.number()).map(|shape| shape.sizes)).collect()
    }

    /// The element types of values, 0 where they are not known.
    pub(super) fn elements(&self, names: &[&'a [u8]]) -> Vec<i64> {
        names.iter().map(|name| self.of(name).element.into()).collect()
    }

    /// What nodes took before it was made, and whether that came later.
    pub(super) fn not_in_time(&mut self) -> Vec<(&'a [u8], bool)> {
        let mut missing = std::mem::take(&mut self.missing);
        missing.dedup();
        missing.truncate(FAULT_LIMIT);
        let is_partial = self.is_partial;
        let found = missing.into_iter().map(|name| (name, self.of(name).maker != Maker::Nobody));
        found.filter(|(_, is_late)| *is_late || !is_partial).collect()
    }

    fn put(&mut self, name: &'a [u8], known: Known) {
        if self.values.len() >= VALUE_LIMIT && !self.values.contains_key(name) {
            self.is_partial = true;
            return;
        }
        let old = self.values.insert(name, known);
        if known.depth > 0 {
            self.changed.push((name, old));
        }
    }

    /// Remembers the type that the file states of a value.
    fn state(&mut self, name: &'a [u8], element: i64, depth: usize) {
        if !name.is_empty() {
            let own = self.own(name, depth);
            self.put(name, Known { element: number(element), ..own });
        }
    }

    /// What is known of a value of this graph, not of one around it.
    fn own(&self, name: &[u8], depth: usize) -> Known {
        let depth = u8::try_from(depth).unwrap_or(u8::MAX);
        Some(self.of(name)).filter(|known| known.depth == depth).unwrap_or(Known { depth, ..Known::default() })
    }

    /// Marks a value as used, which must be made somewhere; returns what is known of it.
    fn take(&mut self, name: &'a [u8], used: Used) -> Known {
        match self.values.get_mut(name) {
            Some(known) if known.maker != Maker::Nobody => {
                known.used = known.used.max(used);
                *known
            }
            other => {
                let known = other.map_or(Known::default(), |known| *known);
                if self.missing.len() < VALUE_LIMIT {
                    self.missing.push(name);
                }
                known
            }
        }
    }

    /// Marks a value as made by a node; returns what was known of it before, and whether a graph around makes it.
    fn make(&mut self, name: &'a [u8], depth: u8) -> (Known, bool) {
        let made = Known { maker: Maker::Node, depth, ..Known::default() };
        let is_full = self.values.len() >= VALUE_LIMIT;
        match self.values.entry(name) {
            Entry::Vacant(_) if is_full => self.is_partial = true,
            Entry::Vacant(entry) => {
                entry.insert(made);
                if depth > 0 {
                    self.changed.push((name, None));
                }
            }
            Entry::Occupied(mut entry) => {
                let old = *entry.get();
                let is_own = old.depth == depth;
                entry.insert(if is_own { Known { maker: Maker::Node, ..old } } else { made });
                if depth > 0 {
                    self.changed.push((name, Some(old)));
                }
                return if is_own { (old, false) } else { (Known::default(), old.maker != Maker::Nobody) };
            }
        }
        (Known::default(), false)
    }
}

fn number(element: i64) -> i16 {
    i16::try_from(element).unwrap_or(i16::MAX)
}

impl<'a> Walk<'a> {
    /// Makes room for the values and names of so many nodes.
    pub(super) fn expect(&mut self, nodes: usize) {
        let nodes = nodes.min(VALUE_LIMIT);
        self.scopes.values.reserve(nodes);
        self.scopes.nodes.reserve(nodes);
    }

    pub(super) fn open(&mut self) -> Opened {
        self.scopes.graphs = self.scopes.graphs.saturating_add(1);
        self.scopes.around.push(self.scopes.graphs);
        let Scopes { changed, missing, doubts, outside, .. } = &self.scopes;
        Opened { changed: changed.len(), missing: missing.len(), doubts: doubts.len(), outside: outside.len() }
    }

    /// Looks at a weight that stands in a graph.
    pub(super) fn weight(&mut self, tensor: Tensor<'a>, part: Part, is_sparse: bool, scope: Scope<'_>) {
        if scope.is_body || tensor.name.is_empty() {
            return self.used_tensor(tensor);
        }
        let stored = tensor.shape(part).filter(|_| scope.has_shapes() && !is_sparse);
        let Tensor { name, element, fault, outside, is_twofold, is_negative, .. } = tensor;
        if !messages::is_element(element) {
            self.fault(|| format!("weight `{}` has {}", shown(name, 80), no_type(element)));
        }
        if is_twofold && !scope.is_main {
            self.fault(|| format!("weight `{}` of a subgraph has elements in two fields", shown(name, 80)));
        }
        let own = self.scopes.own(name, scope.depth);
        if own.maker == Maker::Input && own.element != number(element) && own.element != 0 && element != 0 {
            self.other_type(name, own.element.into(), element);
        }
        let mut shape = ShapePlace::default();
        if let Some(stored) = stored {
            let stated = self.scopes.shapes.get(own.shape.number()).copied().filter(|_| own.maker == Maker::Input);
            if let Some(stated) = &stated {
                self.compare_shapes(name, &stated.sizes, &stored.sizes);
            }
            shape = match stated {
                Some(stated) => self.listed_weight(stated, stored),
                None if own.maker == Maker::Input => own.shape,
                None if stored.elements == Elements::Unread => ShapePlace::new(self.scopes.shapes.place(stored.sizes)),
                None => ShapePlace::new(self.scopes.shapes.put(stored)),
            };
        }
        // Old models list weights as inputs, too.
        self.scopes.put(name, Known { element: number(element), shape, maker: Maker::Weight, ..own });
        if let Some(fault) = fault.filter(|_| self.scopes.doubts.len() < FAULT_LIMIT) {
            self.scopes.doubts.push((name, fault, is_negative));
        }
        if let Some((at, needed)) = outside {
            self.scopes.outside.push((name, at, needed));
        }
    }

    /// The place of the shape of a weight that is also an input. A caller may give another value for it, unless the model
    /// is so old that all weights are listed: only what is stated of it holds.
    fn listed_weight(&mut self, stated: Shape, stored: Shape) -> ShapePlace {
        let elements = if self.ir.is_some_and(|ir| ir < 4) { stored.elements } else { Elements::Unread };
        ShapePlace::new(match elements {
            Elements::Unread => self.scopes.shapes.place(stated.sizes),
            elements => self.scopes.shapes.put(Shape { sizes: stated.sizes, elements }),
        })
    }

    /// A tensor that counts whatever uses it.
    pub(super) fn used_tensor(&mut self, tensor: Tensor<'a>) {
        if let Some(fault) = tensor.fault {
            self.fault(|| fault);
        }
        if let Some((at, needed)) = tensor.outside {
            self.needed_outside(at, needed);
        }
    }

    fn needed_outside(&mut self, at: usize, needed: Option<u64>) {
        let file = &mut self.model.external_data[at];
        file.is_used = true;
        file.used_bytes = file.used_bytes.max(needed);
    }

    /// Remembers an input of a graph.
    pub(super) fn input(&mut self, name: &'a [u8], kind: &Kind, lent: i64, scope: Scope<'_>) {
        let element = match kind {
            Kind::Tensor { element, .. } if *element != 0 => *element,
            // A subgraph's input is what the node around it gives.
            Kind::Unset => lent,
            _ => 0,
        };
        if scope.is_body || name.is_empty() {
            return;
        }
        let own = self.scopes.own(name, scope.depth);
        let mut place = own.shape;
        if scope.is_main {
            match kind {
                Kind::Unset => self.fault(|| format!("input `{}` has no type", shown(name, 80))),
                Kind::Tensor { .. } if !messages::is_element(element) => {
                    self.fault(|| format!("input `{}` has {}", shown(name, 80), no_type(element)));
                }
                _ => {}
            }
            place = ShapePlace::default();
            if let Kind::Tensor { shape: Some(part), .. } = kind
                && let Some(stated) = self.sizes(*part)
            {
                let stored = self.scopes.shapes.get(own.shape.number()).copied().filter(|_| own.maker == Maker::Weight);
                place = match stored {
                    Some(stored) => {
                        self.compare_shapes(name, &stated, &stored.sizes);
                        self.listed_weight(Shape { sizes: stated, elements: Elements::Unread }, stored)
                    }
                    None => ShapePlace::new(self.scopes.shapes.place(stated)),
                };
            }
        }
        let maker = match own.maker {
            Maker::Weight => {
                if own.element != number(element) && own.element != 0 && element != 0 {
                    self.other_type(name, element, own.element.into());
                }
                Maker::Weight
            }
            Maker::Input => {
                self.fault(|| format!("input `{}` is listed twice", shown(name, 80)));
                Maker::Input
            }
            _ => Maker::Input,
        };
        self.scopes.put(name, Known { element: number(element), shape: place, maker, ..own });
    }

    /// Whether the node around a graph gives a value to it, as far as was read.
    pub(super) fn is_input(&self, name: &[u8], scope: Scope<'_>) -> bool {
        !scope.is_body && self.scopes.own(name, scope.depth).maker == Maker::Input
    }

    fn other_type(&mut self, name: &[u8], stated: i64, stored: i64) {
        let (stated, stored) = (messages::element_name(stated), messages::element_name(stored));
        self.fault(|| format!("input `{}` is stated to be {stated}, and its weight is {stored}", shown(name, 80)));
    }

    /// Remembers what the file states of a value. What it says of an output counts more than what it says elsewhere.
    pub(super) fn stated(&mut self, name: &'a [u8], kind: &Kind, is_output: bool, scope: Scope<'_>) {
        if let (Kind::Tensor { element, .. }, false) = (kind, scope.is_body)
            && *element != 0
        {
            // What is known of a weight, an input or a value of the graph around it stays.
            let is_open = self.scopes.of(name).maker == Maker::Nobody;
            if is_open && (is_output || self.scopes.own(name, scope.depth).element == 0) {
                self.scopes.state(name, *element, scope.depth);
            }
            if is_open && scope.has_shapes() {
                self.stated_sizes(name, kind);
            }
        }
    }

    /// Remembers the sizes that the file states of a value that a node is to make.
    fn stated_sizes(&mut self, name: &[u8], kind: &Kind) {
        let Kind::Tensor { shape: Some(part), .. } = kind else { return };
        let Some(stated) = self.sizes(*part) else { return };
        let Some(known) = self.scopes.values.get(name).copied() else { return };
        let before = self.scopes.shapes.get(known.shape.number()).map(|shape| shape.sizes);
        let sizes = before.map_or(Some(stated), |before| before.merged(&stated));
        let place = sizes.map_or(0, |sizes| self.scopes.shapes.place(sizes));
        if let Some(known) = self.scopes.values.get_mut(name) {
            known.shape = ShapePlace::new(place);
        }
    }

    /// Remembers an output of the model that is a list of maps.
    pub(super) fn mapped(&mut self, name: &'a [u8], kind: &Kind) {
        if self.scopes.maps.len() < VALUE_LIMIT
            && let Kind::Sequence(inner) = kind
            && let Kind::Map(key, value) = &**inner
            && let Kind::Tensor { element, .. } = **value
        {
            self.scopes.maps.insert(name, (*key, element));
        }
    }

    /// `ZipMap` makes a list of maps from its labels to float32.
    pub(super) fn zipped(&mut self, parts: &Parts<'a>, node: impl Fn() -> String) {
        let has = |wanted: &[u8]| parts.attributes.iter().any(|(name, _)| *name == wanted);
        let key = match (has(b"classlabels_int64s"), has(b"classlabels_strings")) {
            (true, false) => 7,
            (false, true) => 8,
            (has_both, _) => {
                let what = if has_both { "both kinds of labels" } else { "no labels" };
                return self.fault(|| format!("ZipMap takes labels of one kind, node `{}` has {what}", node()));
            }
        };
        let Some(name) = parts.outputs.first() else { return };
        let words = |key, value| format!("maps of {} to {}", messages::element_name(key), messages::element_name(value));
        let stated = match (self.scopes.maps.get(name), parts.stated_outputs.first()) {
            (Some((stated_key, value)), _) if *value != 1 || *stated_key != key => words(*stated_key, *value),
            (None, Some(element)) if *element != 0 => messages::element_name(*element).into_owned(),
            _ => return,
        };
        self.fault(|| {
            format!("`{}` is stated to be {stated}, and node `{}` makes {} of it", shown(name, 80), node(), words(key, 1))
        });
    }

    /// Looks up the element types of what a node takes, for the graph in its attribute.
    pub(super) fn lend(&mut self, parts: &Parts<'a>) {
        self.lent = parts.inputs.iter().map(|name| self.scopes.of(name).element.into()).collect();
        if parts.operator == b"Loop" {
            // The number of the round, and whether to go on.
            self.lent.truncate(PARAMETER_LIMIT);
            for (at, element) in [7, 9].into_iter().enumerate() {
                if let Some(lent) = self.lent.get_mut(at) {
                    *lent = element;
                }
            }
        }
    }

    /// Looks up what a node takes.
    pub(super) fn takes(&mut self, parts: &mut Parts<'a>) {
        let used = if parts.operator == b"Identity" { Used::Handed } else { Used::Yes };
        for name in &parts.inputs {
            let known = if name.is_empty() { Known::default() } else { self.scopes.take(name, used) };
            parts.taken.push(known.element.into());
            parts.shapes.push(known.shape.number());
        }
    }

    /// Remembers what a node makes, and finds out what is stated of it.
    pub(super) fn makes(&mut self, parts: &mut Parts<'a>, scope: Scope<'_>) {
        let depth = u8::try_from(scope.depth).unwrap_or(u8::MAX);
        for name in &parts.outputs {
            if name.is_empty() {
                parts.stated_outputs.push(0);
                parts.stated_shapes.push(0);
                continue;
            }
            let (old, is_outer) = self.scopes.make(name, depth);
            parts.stated_outputs.push(old.element.into());
            parts.stated_shapes.push(old.shape.number());
            // Not all releases believe what is stated inside a subgraph.
            if depth > 0
                && old.shape.number() != 0
                && let Some(known) = self.scopes.values.get_mut(name)
            {
                known.shape = ShapePlace::default();
            }
            let what = match old.maker {
                Maker::Nobody if is_outer => "inside a subgraph, and so does the graph around it",
                Maker::Nobody => continue,
                Maker::Input => "and it is an input",
                Maker::Weight => "and it is a weight",
                Maker::Node => "and so does another one",
            };
            self.fault(|| format!("a node makes `{}`, {what}", shown(name, 80)));
        }
    }

    /// Remembers the element types and shapes that were found for what a node makes.
    pub(super) fn found(&mut self, parts: &Parts<'a>, scope: Scope<'_>) {
        for ((name, made), stated) in parts.outputs.iter().zip(&parts.made).zip(&parts.stated_outputs) {
            if *made != 0
                && made != stated
                && let Some(known) = self.scopes.values.get_mut(name)
            {
                known.element = number(*made);
            }
        }
        for ((name, made_place), stated) in parts.outputs.iter().zip(&parts.made_shapes).zip(&parts.stated_shapes) {
            if *made_place == 0 || made_place == stated && scope.is_main || name.is_empty() {
                continue;
            }
            // Where a release finds other sizes than the file states, it trusts neither.
            let shapes = &mut self.scopes.shapes;
            let place = match (shapes.get(*made_place), shapes.get(*stated)) {
                (Some(made), Some(stated)) => match made.sizes.merged(&stated.sizes) {
                    Some(sizes) if !scope.is_main => {
                        let sizes = sizes.within(&made.sizes);
                        if sizes == made.sizes { *made_place } else { shapes.place(sizes) }
                    }
                    Some(sizes) if sizes == made.sizes => *made_place,
                    Some(sizes) => shapes.place(sizes),
                    None => 0,
                },
                _ => *made_place,
            };
            if let Some(known) = self.scopes.values.get_mut(name) {
                known.shape = ShapePlace::new(place);
            }
        }
    }

    /// Names of a node were left out.
    pub(super) fn is_partial(&mut self) {
        self.scopes.is_partial = true;
    }

    /// Remembers the name of a node.
    pub(super) fn named(&mut self, name: &'a [u8]) {
        let graph = self.scopes.around.last().copied().unwrap_or(0);
        let is_full = self.scopes.nodes.len() >= VALUE_LIMIT;
        let hash = self.scopes.nodes.hasher().hash_one((name, graph));
        if !is_full && !self.scopes.nodes.insert(hash) {
            self.fault(|| format!("two nodes are called `{}`", shown(name, 80)));
        }
    }

    /// Ends a graph: its outputs must be made, and what only it has is forgotten.
    /// Returns the element types of its outputs, and the places of their shapes.
    pub(super) fn close(&mut self, opened: Opened, outputs: &[&'a [u8]], scope: Scope<'_>) -> (Vec<i64>, Vec<u32>) {
        self.scopes.around.pop();
        let depth = u8::try_from(scope.depth).unwrap_or(u8::MAX);
        let is_partial = self.scopes.is_partial;
        let mut at = opened.missing;
        let mut late = None;
        while let Some(name) = self.scopes.missing.get(at).copied() {
            match self.scopes.values.get_mut(name) {
                Some(known) if known.maker != Maker::Nobody => {
                    known.used = Used::Yes;
                    self.scopes.is_unsorted = true;
                    late = late.or(Some(name).filter(|_| known.depth == depth));
                    self.scopes.missing.swap_remove(at);
                }
                _ => at += 1,
            }
        }
        if let Some(name) = late.filter(|_| !scope.is_main) {
            self.fault(|| format!("a node of a subgraph takes `{}` before it is made", shown(name, 80)));
        }
        let known = |name: &&[u8]| self.scopes.of(name);
        let made = outputs.iter().take(PARAMETER_LIMIT).map(known).map(|known| known.element.into()).collect();
        let shapes = outputs.iter().take(PARAMETER_LIMIT).map(known).map(|known| known.shape.number()).collect();
        for name in outputs.iter().filter(|name| !name.is_empty()) {
            let known = self.scopes.of(name);
            if let Some(known) = self.scopes.values.get_mut(name) {
                known.used = Used::Yes;
            }
            if known.maker == Maker::Nobody && !is_partial {
                self.fault(|| format!("output `{}` is made by nothing", shown(name, 80)));
            } else if known.maker != Maker::Nobody && known.depth != depth {
                self.fault(|| format!("`{}` is an output of a graph that does not make it itself", shown(name, 80)));
            }
        }
        for (name, fault, is_negative) in self.scopes.doubts.split_off(opened.doubts) {
            match self.scopes.of(name).used {
                Used::Handed if !is_partial && !is_negative => self.dated_fault((Some("1.10.0"), None), || fault),
                Used::No if !is_partial => {}
                _ => self.fault(|| fault),
            }
        }
        for (name, at, needed) in self.scopes.outside.split_off(opened.outside) {
            if is_partial || self.scopes.of(name).used != Used::No {
                self.needed_outside(at, needed);
            }
        }
        if !scope.is_main {
            for (name, old) in self.scopes.changed.split_off(opened.changed).into_iter().rev() {
                match old {
                    Some(old) => self.scopes.values.insert(name, old),
                    None => self.scopes.values.remove(name),
                };
            }
        } else if !is_partial {
            let mut missing = std::mem::take(&mut self.scopes.missing);
            missing.dedup();
            for name in &missing {
                self.fault(|| format!("a node takes `{}`, which nothing makes", shown(name, 80)));
            }
        }
        (made, shapes)
    }

    /// Looks for a circle among the nodes of a graph, if they do not stand in an order that rules it out.
    pub(super) fn circle(&mut self, part: Part) -> Result<(), WireError> {
        if !std::mem::take(&mut self.scopes.is_unsorted) || self.scopes.is_partial {
            return Ok(());
        }
        let (mut nodes, mut makers) = (Vec::new(), HashMap::<&[u8], usize, Keyed>::default());
        let mut fields = Fields::new(self.bytes, part, &messages::GRAPH);
        while let Some(field) = fields.pull()? {
            let (graph::NODE, Value::Bytes(part)) = (field.number, field.value) else { continue };
            let mut fields = Fields::new(self.bytes, part, &messages::NODE);
            while let Some(field) = fields.pull()? {
                if let (node::OUTPUT, Value::Bytes(part)) = (field.number, field.value) {
                    makers.entry(part.of(self.bytes)).or_insert(nodes.len());
                }
            }
            nodes.push((part, State::New));
        }
        let mut path: Vec<(usize, Fields<'a>)> = Vec::new();
        for start in 0..nodes.len() {
            let mut next = Some(start);
            loop {
                if let Some(at) = next.take().filter(|at| nodes[*at].1 == State::New) {
                    nodes[at].1 = State::OnPath;
                    path.push((at, Fields::new(self.bytes, nodes[at].0, &messages::NODE)));
                }
                let Some((at, fields)) = path.last_mut() else { break };
                let Some(field) = fields.pull()? else {
                    nodes[*at].1 = State::Done;
                    path.pop();
                    continue;
                };
                let (node::INPUT, Value::Bytes(part)) = (field.number, field.value) else { continue };
                let name = part.of(self.bytes);
                next = makers.get(name).copied();
                if next.is_some_and(|at| nodes[at].1 == State::OnPath) {
                    self.fault(|| {
                        format!("nodes take their own results: `{}` goes round in a circle", shown(name, 80))
                    });
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Whether a node was looked at on the search for circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnPath,
    Done,
}

fn no_type(element: i64) -> String {
    if element == 0 {
        "no element type".to_owned()
    } else {
        format!("the element type {element}, which ONNX does not have")
    }
}
