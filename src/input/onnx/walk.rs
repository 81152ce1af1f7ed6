//! The walk through a model: what is kept of it, in memory that grows with the signature, the number of different
//! operators and the names of values, not with the size of the weights.
//!
//! The file is walked three times, because its fields may come in any order: for the outline (versions, imports, the
//! names of functions and inputs), for the contents (nodes, tensors, types), and for the signature, once it is known
//! which inputs are really initialisers.

mod bodies;
mod elements;
mod flow;
mod folds;
mod layers;
mod learned;
mod moves;
mod names;
mod rules;
mod scopes;
mod shapes;
mod sizes;
mod tensors;
mod types;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;

use self::{
    bodies::Bodies,
    elements::{Numbers, PARAMETER_LIMIT, Parts, Sound, TYPING_LIMIT, TypedUse},
    names::Keyed,
    flow::Inner,
    rules::Rule,
    scopes::{Scopes, VALUE_LIMIT},
    shapes::Last,
    sizes::{Elements, Shape, Sizes},
};
use super::{
    messages::{
        self, OperatorSetId, StringStringEntry, attribute, element_word, function, graph, model, node, training,
        value_info,
    },
    schema::{self, Schema},
    view::shown,
    wire::{Fields, Part, Value, WireError, packed},
};
use crate::{
    fact::{Insistence, Model, NamedVersion, OperatorUse, Typing},
    version::{IrVersion, Opset},
};

/// The name by which the default operator domain goes here.
pub(super) const DEFAULT_DOMAIN: &str = "ai.onnx";
/// ONNX Runtime's own domain, which need not be imported.
const OWN_DOMAIN: &[u8] = b"com.microsoft";

/// Graphs, and types, inside each other. What lies deeper is not read, and that is said.
const DEPTH_LIMIT: usize = 64;
/// Dimensions of one shape.
const RANK_LIMIT: usize = 64;
/// Inputs, and outputs.
const SIGNATURE_LIMIT: usize = 4_096;
/// Bytes of a node that is likely to make a value.
const LEAST_NODE: usize = 24;
/// Different operators.
const OPERATOR_LIMIT: usize = 10_000;
/// Functions of the model itself.
const FUNCTION_LIMIT: usize = 100_000;
/// Operator sets of one import list.
const IMPORT_LIMIT: usize = 1_000;
/// Metadata entries.
const METADATA_LIMIT: usize = 1_000;
/// Files with external data.
const EXTERNAL_LIMIT: usize = 10_000;
/// Different element types.
const TYPE_LIMIT: usize = 256;
/// Releases count the IR version up by one every year or so; a number above this is something else.
pub(super) const IR_LIMIT: i64 = 1_000;

/// Whole numbers of one attribute that are looked at.
const LIST_LIMIT: usize = 64;

/// Attributes of standard operators that hold an element type.
const TYPE_ATTRIBUTES: [&[u8]; 4] = [b"to", b"dtype", b"output_dtype", b"output_datatype"];

/// What a walk found.
#[derive(Debug)]
pub(super) struct Found {
    /// The model, without spans.
    pub(super) model: Model,
    /// What was not read.
    pub(super) notes: Vec<String>,
}

/// Why a file is not read as a model.
#[derive(Debug)]
pub(super) enum NotRead {
    /// The walk ended at a byte; true if the file had begun like a model.
    Wire(WireError, bool),
    /// There is no graph, or no plausible IR version.
    NoModel {
        /// The IR version, if one is stated.
        ir: Option<i64>,
        /// Whether there is a graph.
        graph: bool,
    },
}

/// Reads a model.
pub(super) fn read(bytes: &[u8], path: &str) -> Result<Found, NotRead> {
    let mut walk = Walk::new(bytes);
    walk.model = Model { path: path.to_owned(), format: Some("onnx".to_owned()), ..Model::default() };
    let begun = |walk: &Walk<'_>| walk.ir.is_some_and(is_plausible);
    if let Err(fault) = walk.outline() {
        return Err(NotRead::Wire(fault, begun(&walk)));
    }
    // ONNX Runtime reads what states a version that no release of ONNX had, as long as it is not too new.
    if walk.ir.is_none_or(|ir| ir > IR_LIMIT) || !walk.has_graph {
        return Err(NotRead::NoModel { ir: walk.ir, graph: walk.has_graph });
    }
    walk.contents().and_then(|()| walk.signature()).map_err(|fault| NotRead::Wire(fault, true))?;
    Ok(walk.finish())
}

/// Whether a number can be an IR version.
pub(super) fn is_plausible(ir: i64) -> bool {
    (1..=IR_LIMIT).contains(&ir)
}

/// Operator set imports by domain.
type Imports = BTreeMap<Vec<u8>, i64>;

/// What identifies a function of the model itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FunctionId<'a> {
    domain: &'a [u8],
    name: &'a [u8],
    overload: &'a [u8],
}

impl FunctionId<'_> {
    fn spelled(&self) -> String {
        let mut text = format!("{}::{}", lossy(self.domain), lossy(self.name));
        if !self.overload.is_empty() {
            text.push_str("::");
            text.push_str(&lossy(self.overload));
        }
        text
    }
}

/// An operator while nodes are still being counted.
#[derive(Debug)]
struct Use<'a> {
    domain: &'a [u8],
    operator: &'a [u8],
    /// The version of the operator that an operator set has: of the set that was asked for last.
    schema: Option<(i64, Option<&'static Schema>)>,
    count: u64,
    name: &'a [u8],
    place: String,
    opset: Option<(i64, i64)>,
    resolved: Option<(i64, i64)>,
    lacks_axis: bool,
    batchwise: u64,
    unsized_nodes: u64,
    is_unlisted: bool,
    typed: Vec<TypedUse<'a>>,
    /// The last node that nothing is wrong with.
    sound: Option<Box<Sound<'a>>>,
    /// What shapes it takes and makes, and the last node whose shapes fit.
    rule: Option<Rule>,
    last: Option<Box<Last<'a>>>,
}

impl<'a> Use<'a> {
    fn new(domain: &'a [u8], operator: &'a [u8], name: &'a [u8], place: String) -> Self {
        Use {
            domain,
            operator,
            schema: None,
            count: 0,
            name,
            place,
            opset: None,
            resolved: None,
            lacks_axis: false,
            batchwise: 0,
            unsized_nodes: 0,
            is_unlisted: domain == OWN_DOMAIN && !schema::exists(domain, operator),
            typed: Vec::new(),
            sound: None,
            rule: rules::find(domain, operator),
            last: None,
        }
    }

    /// Counts a node among those with the same types; returns their place unless there are too many different ones.
    fn typed_as(&mut self, schema: &'static Schema, parts: &Parts<'a>, place: impl Fn() -> String) -> Option<usize> {
        let same = |known: &TypedUse<'_>| known.schema.since == schema.since && known.bindings == parts.bindings;
        if let Some(at) = self.typed.iter().position(same) {
            self.typed[at].count += 1;
            return Some(at);
        }
        if self.typed.len() >= TYPING_LIMIT {
            return None;
        }
        let (name, bindings) = (parts.name, parts.bindings.clone());
        let place = if name.is_empty() { place() } else { String::new() };
        self.typed.push(TypedUse { schema, bindings, count: 1, name, place });
        Some(self.typed.len() - 1)
    }
}

/// The element type that an attribute tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    /// By its number.
    Type(i64),
    /// By a value of it.
    Value(i64),
}

/// An attribute of a call.
#[derive(Debug, Clone, Copy)]
struct Given<'a> {
    name: &'a [u8],
    kind: u64,
    number: Option<i64>,
    stated: Option<Stated>,
}

/// Stands for the type of an attribute that is that of the function's caller.
pub(super) const REFERENCE: u64 = u64::MAX;

/// The lists of an attribute while they are read.
#[derive(Debug, Default)]
struct Lists {
    /// Entries of any kind, and whole numbers among them.
    entries: u64,
    whole: usize,
    /// What an older `Upsample` makes larger by.
    scales: Vec<f32>,
}

/// An attribute, as far as it is of interest.
#[derive(Debug)]
struct Attribute<'a> {
    name: &'a [u8],
    /// The number of its type, 0 if it states none, `REFERENCE` if the caller's attribute stands in its place.
    kind: u64,
    /// A whole number.
    number: Option<i64>,
    stated: Option<Stated>,
    /// Whole numbers: their places in `ints`, if they are known.
    list: Option<(usize, usize)>,
    /// How many entries a list has.
    entries: Option<u64>,
    /// The shape of a constant.
    shape: Option<Shape>,
    /// What an older `Upsample` makes larger by.
    scales: Vec<f32>,
    /// A text, and the first of several that no operator knows.
    text: Option<&'a [u8]>,
    unknown: Option<&'a [u8]>,
    /// What a graph in it takes and gives.
    inner: Option<Inner>,
    /// Whether it is a function's default.
    is_default: bool,
    /// Whether it is a list of nothing.
    is_empty: bool,
    /// Where a recurrent layer cuts off.
    clip: Option<f32>,
}

/// Where a node stands, and what holds there.
#[derive(Debug, Clone, Copy)]
struct Scope<'s> {
    /// The scope around a subgraph, and the node in it.
    parent: Option<(&'s Scope<'s>, usize)>,
    label: &'s [u8],
    imports: &'s Imports,
    depth: usize,
    /// The model's own graph, whose initialisers may also be listed as inputs.
    is_main: bool,
    /// The body of a function, whose values have the types of the caller's.
    is_body: bool,
    /// The operator sets that decide what a node means when the model is loaded, those that count first in front;
    /// `None` where it is never resolved.
    judged: Option<[&'s Imports; 2]>,
    /// The function whose body it is, by its place.
    function: Option<usize>,
    /// The version of ONNX's own domain, which nearly every node asks for: the imported one and the one that decides.
    own: (Option<i64>, Option<i64>),
}

impl Scope<'_> {
    /// Looks up the versions of ONNX's own domain.
    fn with_own(mut self) -> Self {
        let domain = DEFAULT_DOMAIN.as_bytes();
        self.own = (self.imports.get(domain).copied(), self.look_up(domain));
        self
    }

    /// The version of a domain that is imported.
    fn imported(&self, domain: &[u8]) -> Option<i64> {
        if domain == DEFAULT_DOMAIN.as_bytes() { self.own.0 } else { self.imports.get(domain).copied() }
    }

    /// The version of a domain that decides what a node means, 0 if it is not imported; `None` where that is never resolved.
    fn resolved(&self, domain: &[u8]) -> Option<i64> {
        if domain == DEFAULT_DOMAIN.as_bytes() { self.own.1 } else { self.look_up(domain) }
    }

    fn look_up(&self, domain: &[u8]) -> Option<i64> {
        self.judged.map(|sets| sets.iter().find_map(|imports| imports.get(domain).copied()).unwrap_or(0))
    }

    /// Whether shapes of its values are followed: in the model's own graph, those inside it, and functions that are called.
    fn has_shapes(&self) -> bool {
        !self.is_body
    }

    /// The place of a node in words, such as `graph.node[4].then_branch.node[0]`.
    fn place(&self, index: usize) -> String {
        let mut text = String::new();
        let mut at = Some((self, index));
        for _ in 0..4 {
            let Some((scope, index)) = at else { return text };
            let dot = if text.is_empty() { "" } else { "." };
            text = format!("{}.node[{index}]{dot}{text}", shown(scope.label, 40));
            at = scope.parent;
        }
        format!("...{text}")
    }
}

/// Kinds of parts that are left out; each is said once, with how often it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Topic {
    Import,
    Operator,
    Function,
    Graph,
    Type,
    Shape,
    Signature,
    External,
    Metadata,
}

struct Walk<'a> {
    bytes: &'a [u8],
    model: Model,
    ir: Option<i64>,
    has_graph: bool,
    imports: Imports,
    /// Those of the model at versions that cannot be.
    odd_imports: Imports,
    /// Names among the inputs, and whether an initialiser has the name.
    inputs: HashMap<&'a [u8], bool, Keyed>,
    /// Functions by name: the places in `bodies`.
    functions: HashMap<FunctionId<'a>, usize, Keyed>,
    /// Functions in file order, and whether a graph, or a function that is called, calls them.
    bodies: Vec<(Part, bool)>,
    /// Functions that were found to be called and are not read yet.
    called: Vec<usize>,
    /// The last function that was found not to import what it uses.
    lacking: Option<usize>,
    /// Operators by domain and name: the places in `uses`.
    used: HashMap<(&'a [u8], &'a [u8]), usize, Keyed>,
    uses: Vec<Use<'a>>,
    /// What the last node was taken apart into, to be used again.
    spare: Option<Box<Parts<'a>>>,
    types: BTreeSet<i64>,
    scopes: Scopes<'a>,
    /// Functions that call each other: the caller and what it calls.
    calls: BTreeSet<(usize, usize)>,
    /// What is known of functions by the types that they were called with.
    followed: Bodies<'a>,
    /// Whole numbers of attributes of the node that is read, and of those around it.
    ints: Vec<i64>,
    /// Element types of what the node around a subgraph gives to it.
    lent: Vec<i64>,
    external: HashMap<Vec<u8>, usize>,
    notes: BTreeMap<Topic, (String, u64)>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Walk {
            bytes,
            model: Model::default(),
            ir: None,
            has_graph: false,
            imports: Imports::new(),
            odd_imports: Imports::new(),
            inputs: HashMap::default(),
            functions: HashMap::default(),
            bodies: Vec::new(),
            called: Vec::new(),
            lacking: None,
            used: HashMap::default(),
            uses: Vec::new(),
            spare: None,
            types: BTreeSet::new(),
            scopes: Scopes::default(),
            calls: BTreeSet::new(),
            followed: Bodies::default(),
            ints: Vec::new(),
            lent: Vec::new(),
            external: HashMap::new(),
            notes: BTreeMap::new(),
        }
    }

    fn note(&mut self, topic: Topic, text: impl FnOnce() -> String) {
        // The plain walk through functions says the same.
        if self.followed.is_inside() {
            return;
        }
        self.notes.entry(topic).or_insert_with(|| (text(), 0)).1 += 1;
    }

    // The first walk.

    fn outline(&mut self) -> Result<(), WireError> {
        let (mut producer, mut version): (&[u8], &[u8]) = (b"", b"");
        let (mut imports, mut has_imports) = (Imports::new(), false);
        let mut fields = Fields::new(self.bytes, Part::whole(self.bytes), &messages::MODEL);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (model::IR_VERSION, Value::Number(number)) => self.ir = Some(number.cast_signed()),
                (model::PRODUCER_NAME, Value::Bytes(part)) => producer = part.of(self.bytes),
                (model::PRODUCER_VERSION, Value::Bytes(part)) => version = part.of(self.bytes),
                (model::DOMAIN, Value::Bytes(part)) => {
                    self.model.domain = Some(lossy(part.of(self.bytes))).filter(|it| !it.is_empty());
                }
                (model::MODEL_VERSION, Value::Number(number)) => {
                    self.model.model_version = Some(number.cast_signed());
                }
                (model::GRAPH, Value::Bytes(part)) => {
                    self.has_graph = true;
                    self.input_names(part)?;
                }
                (model::OPSET_IMPORT, Value::Bytes(part)) => {
                    has_imports = true;
                    self.import(part, &mut imports, true)?;
                }
                (model::METADATA_PROPS, Value::Bytes(part)) => self.metadata(part)?,
                (model::FUNCTIONS, Value::Bytes(part)) => {
                    let id = self.function_id(part)?;
                    if self.bodies.len() < FUNCTION_LIMIT {
                        if self.functions.contains_key(&id) {
                            self.lesser_fault(Insistence::FunctionOnce, || {
                                format!("function {} is defined twice", id.spelled())
                            });
                        }
                        self.functions.entry(id).or_insert(self.bodies.len());
                        self.bodies.push((part, false));
                    } else {
                        self.note(Topic::Function, || format!("more than {FUNCTION_LIMIT} local functions"));
                    }
                }
                _ => {}
            }
        }
        self.imports = imports;
        if !has_imports {
            self.fault(|| "it imports no operator set".to_owned());
        }
        self.model.producer = (!producer.is_empty())
            .then(|| NamedVersion { name: lossy(producer), version: Some(lossy(version)).filter(|it| !it.is_empty()) });
        Ok(())
    }

    fn input_names(&mut self, part: Part) -> Result<(), WireError> {
        let mut fields = Fields::new(self.bytes, part, &messages::GRAPH);
        while let Some(field) = fields.pull()? {
            if let (graph::INPUT, Value::Bytes(part)) = (field.number, field.value) {
                let name = self.value_name(part)?;
                if self.inputs.len() < VALUE_LIMIT {
                    self.inputs.insert(name, false);
                }
            }
        }
        Ok(())
    }

    fn value_name(&self, part: Part) -> Result<&'a [u8], WireError> {
        let mut name: &[u8] = b"";
        let mut fields = Fields::new(self.bytes, part, &messages::VALUE_INFO);
        while let Some(field) = fields.pull()? {
            if let (value_info::NAME, Value::Bytes(part)) = (field.number, field.value) {
                name = part.of(self.bytes);
            }
        }
        Ok(name)
    }

    fn function_id(&self, part: Part) -> Result<FunctionId<'a>, WireError> {
        let mut id = FunctionId { domain: b"", name: b"", overload: b"" };
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (function::NAME, Value::Bytes(part)) => id.name = part.of(self.bytes),
                (function::DOMAIN, Value::Bytes(part)) => id.domain = part.of(self.bytes),
                (function::OVERLOAD, Value::Bytes(part)) => id.overload = part.of(self.bytes),
                _ => {}
            }
        }
        id.domain = domain_name(id.domain);
        Ok(id)
    }

    fn import(&mut self, part: Part, imports: &mut Imports, of_model: bool) -> Result<(), WireError> {
        let set = OperatorSetId::decode(part.of(self.bytes))
            .map_err(|fault| WireError::leaf(&messages::OPERATOR_SET, part, &fault))?;
        let domain = domain_name(&set.domain);
        let Some(version) = set.version.filter(|version| *version > 0) else {
            if of_model && self.odd_imports.len() < IMPORT_LIMIT {
                self.odd_imports.insert(domain.to_vec(), set.version.unwrap_or(0));
            }
            self.note(Topic::Import, || match set.version {
                Some(version) => format!("`{}` is imported at version {version}, which is none", shown(domain, 80)),
                None => format!("`{}` is imported without a version", shown(domain, 80)),
            });
            return Ok(());
        };
        let is_full = imports.len() >= IMPORT_LIMIT;
        match imports.get_mut(domain) {
            Some(known) if *known == version => {}
            Some(known) => {
                let (low, high) = (version.min(*known), version.max(*known));
                *known = high;
                self.note(Topic::Import, || {
                    format!("`{}` is imported at {low} and at {high}: taken as {high}", shown(domain, 80))
                });
            }
            None if is_full => {
                self.note(Topic::Import, || format!("more than {IMPORT_LIMIT} operator sets are imported"));
            }
            None => {
                imports.insert(domain.to_vec(), version);
            }
        }
        Ok(())
    }

    fn metadata(&mut self, part: Part) -> Result<(), WireError> {
        if self.model.metadata.len() < METADATA_LIMIT {
            let entry = self.entry(part)?;
            self.model.metadata.push((lossy(&entry.key), lossy(&entry.value)));
        } else {
            self.note(Topic::Metadata, || format!("more than {METADATA_LIMIT} metadata entries"));
        }
        Ok(())
    }

    fn entry(&self, part: Part) -> Result<StringStringEntry, WireError> {
        StringStringEntry::decode(part.of(self.bytes)).map_err(|fault| WireError::leaf(&messages::ENTRY, part, &fault))
    }

    // The second walk.

    fn contents(&mut self) -> Result<(), WireError> {
        let imports = std::mem::take(&mut self.imports);
        let scope = Scope {
            parent: None,
            label: b"graph",
            imports: &imports,
            depth: 0,
            is_main: true,
            is_body: false,
            judged: Some([&imports; 2]),
            function: None,
            own: (None, None),
        }
        .with_own();
        let mut fields = Fields::new(self.bytes, Part::whole(self.bytes), &messages::MODEL);
        while let Some(field) = fields.pull()? {
            if let (model::GRAPH, Value::Bytes(part)) = (field.number, field.value) {
                self.graph(part, scope)?;
            }
        }
        let mut fields = Fields::new(self.bytes, Part::whole(self.bytes), &messages::MODEL);
        while let Some(field) = fields.pull()? {
            if let (model::TRAINING_INFO, Value::Bytes(part)) = (field.number, field.value) {
                self.training(part, &imports)?;
            }
        }
        // Functions come last, so that the first node of an operator is one of the graph if there is any. One that nobody
        // calls is never resolved. Training graphs are no part of inference.
        while !self.called.is_empty() {
            let mut called = std::mem::take(&mut self.called);
            called.sort_unstable();
            for at in called {
                self.function(at, &imports, true)?;
            }
        }
        for at in 0..self.bodies.len() {
            if !self.bodies[at].1 {
                self.function(at, &imports, false)?;
            }
        }
        self.recursion();
        self.imports = imports;
        Ok(())
    }

    fn training(&mut self, part: Part, imports: &Imports) -> Result<(), WireError> {
        let mut fields = Fields::new(self.bytes, part, &messages::TRAINING);
        while let Some(field) = fields.pull()? {
            let (part, label): (_, &[u8]) = match (field.number, field.value) {
                (training::INITIALIZATION, Value::Bytes(part)) => (part, b"training_info.initialization"),
                (training::ALGORITHM, Value::Bytes(part)) => (part, b"training_info.algorithm"),
                _ => continue,
            };
            let scope = Scope {
                parent: None,
                label,
                imports,
                depth: 0,
                is_main: false,
                is_body: true,
                judged: None,
                function: None,
                own: (None, None),
            }
            .with_own();
            self.graph(part, scope)?;
        }
        Ok(())
    }

    fn function(&mut self, at: usize, model_imports: &Imports, is_called: bool) -> Result<(), WireError> {
        let part = self.bodies[at].0;
        let id = self.function_id(part)?;
        let mut imports = Imports::new();
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        while let Some(field) = fields.pull()? {
            if let (function::OPSET_IMPORT, Value::Bytes(part)) = (field.number, field.value) {
                self.import(part, &mut imports, false)?;
            }
        }
        let label = format!("function {}", shown(id.name, 40));
        self.begin_function(part)?;
        let scope = Scope {
            parent: None,
            label: label.as_bytes(),
            imports: &imports,
            depth: 0,
            is_main: false,
            is_body: true,
            // The body is put in place of the call, and then its nodes mean what the model's operator sets say.
            judged: is_called.then_some([model_imports, &imports]),
            function: Some(at),
            own: (None, None),
        }
        .with_own();
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        let mut index = 0;
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (function::NODE, Value::Bytes(part)) => {
                    self.node(part, index, scope)?;
                    index += 1;
                }
                (function::ATTRIBUTE_PROTO, Value::Bytes(part)) => {
                    self.attribute(part, index, scope)?;
                }
                (function::VALUE_INFO, Value::Bytes(part)) => {
                    self.value(part)?;
                }
                _ => {}
            }
        }
        self.end_function(&id, is_called);
        if self.model.functions.len() < FUNCTION_LIMIT {
            let spelled = id.spelled();
            let differing: BTreeMap<String, Opset> = imports
                .iter()
                .filter(|(domain, version)| model_imports.get(*domain) != Some(version))
                .map(|(domain, version)| (lossy(domain), Opset(*version)))
                .collect();
            if !differing.is_empty() {
                self.model.function_opsets.entry(spelled.clone()).or_default().extend(differing);
            }
            self.model.functions.insert(spelled);
        }
        Ok(())
    }

    fn graph(&mut self, part: Part, scope: Scope<'_>) -> Result<Inner, WireError> {
        let (opened, mut outputs) = (self.open(), Vec::new());
        let lent = std::mem::take(&mut self.lent);
        let mut inputs = 0_usize;
        // Nodes stand before the values that they use, whose types they need.
        let mut fields = Fields::new(self.bytes, part, &messages::GRAPH);
        let (mut is_empty, mut nodes) = (true, 0);
        while let Some(field) = fields.pull()? {
            let Value::Bytes(part) = field.value else { continue };
            nodes += usize::from(field.number == graph::NODE);
            is_empty &= !matches!(field.number, graph::NODE | graph::INPUT | graph::OUTPUT);
            match field.number {
                graph::INITIALIZER | graph::SPARSE_INITIALIZER => {
                    let is_sparse = field.number == graph::SPARSE_INITIALIZER;
                    let tensor = if is_sparse { self.sparse_tensor(part)? } else { self.tensor(part)? };
                    if scope.is_main {
                        self.initialised(tensor.name);
                    }
                    // What old models list as an input, too, the node around the graph does not give.
                    inputs = inputs.saturating_sub(usize::from(self.is_input(tensor.name, scope)));
                    self.weight(tensor, part, is_sparse, scope);
                }
                graph::INPUT => {
                    let (name, kind) = self.value(part)?;
                    self.input(name, &kind, lent.get(inputs).copied().unwrap_or(0), scope);
                    inputs += usize::from(scope.is_body || self.is_input(name, scope));
                }
                graph::OUTPUT | graph::VALUE_INFO => {
                    let (name, kind) = self.value(part)?;
                    self.stated(name, &kind, field.number == graph::OUTPUT, scope);
                    if field.number == graph::OUTPUT && !scope.is_body {
                        outputs.push(name);
                        if scope.is_main {
                            self.mapped(name, &kind);
                        }
                    }
                }
                _ => {}
            }
        }
        if scope.is_main && is_empty {
            self.fault(|| "its graph is empty".to_owned());
        }
        if scope.is_main {
            // Nodes without a name and a result take less of the file, and need no room.
            self.expect(nodes.min((part.end - part.start) / LEAST_NODE));
        }
        let mut fields = Fields::new(self.bytes, part, &messages::GRAPH);
        let mut index = 0;
        while let Some(field) = fields.pull()? {
            if let (graph::NODE, Value::Bytes(part)) = (field.number, field.value) {
                self.node(part, index, scope)?;
                index += 1;
            }
        }
        let (made, shapes) = if scope.is_body { Default::default() } else { self.close(opened, &outputs, scope) };
        if scope.is_main {
            self.circle(part)?;
        }
        Ok(Inner { inputs, outputs: made, shapes })
    }

    fn initialised(&mut self, name: &[u8]) {
        if let Some(known) = self.inputs.get_mut(name) {
            *known = true;
        }
    }

    fn node(&mut self, part: Part, index: usize, scope: Scope<'_>) -> Result<(), WireError> {
        // Nodes of a subgraph find nothing to use again.
        let mut parts = self.spare.take().unwrap_or_default();
        let ints = self.ints.len();
        let done = self.take_apart(part, index, scope, &mut parts);
        if done.is_ok() {
            self.count(&mut parts, index, scope);
        }
        self.ints.truncate(ints);
        parts.clear();
        self.spare = Some(parts);
        done
    }

    /// Reads what a node says.
    fn take_apart(
        &mut self,
        part: Part,
        index: usize,
        scope: Scope<'_>,
        parts: &mut Parts<'a>,
    ) -> Result<(), WireError> {
        let mut fields = Fields::new(self.bytes, part, &messages::NODE);
        while let Some(field) = fields.pull()? {
            let Value::Bytes(part) = field.value else { continue };
            match field.number {
                node::NAME => parts.name = part.of(self.bytes),
                node::OP_TYPE => parts.operator = part.of(self.bytes),
                node::DOMAIN => parts.domain = part.of(self.bytes),
                node::OVERLOAD => parts.overload = part.of(self.bytes),
                node::INPUT => {
                    parts.counts.0 += 1;
                    if parts.inputs.len() < PARAMETER_LIMIT {
                        parts.inputs.push(self.followed.actual(part.of(self.bytes)));
                    }
                }
                node::OUTPUT => {
                    parts.counts.1 += 1;
                    if parts.outputs.len() < PARAMETER_LIMIT {
                        parts.outputs.push(part.of(self.bytes));
                    }
                }
                node::ATTRIBUTE => {
                    if !scope.is_body && matches!(parts.operator, b"Loop" | b"Scan") {
                        self.lend(parts);
                    }
                    let Some(found) = self.attribute(part, index, scope)? else { continue };
                    let Attribute { name, kind, number, list, entries, shape, scales, stated, text, unknown, inner, is_default, is_empty, clip } = found;
                    parts.empty = parts.empty.or(Some(name).filter(|_| is_empty));
                    parts.clip = parts.clip.or(clip);
                    if parts.attributes.len() < PARAMETER_LIMIT {
                        parts.attributes.push((name, kind));
                        parts.numbers.push(Numbers { number, list, entries });
                        parts.constant = parts.constant.or(shape);
                        if !scales.is_empty() {
                            parts.scales = scales;
                        }
                        parts.texts.extend(text.map(|text| (name, text)));
                        if let Some(inner) = inner {
                            parts.graphs.push((name, inner));
                        }
                        if !self.functions.is_empty() {
                            parts.given.push(Given { name, kind, number, stated });
                        }
                    }
                    parts.unknown = parts.unknown.or(unknown);
                    parts.defaulted = parts.defaulted.or(Some(name).filter(|_| is_default));
                    match name {
                        b"layout" => parts.layout = number,
                        b"training_mode" => parts.trains = number.is_some_and(|it| it != 0),
                        _ => {}
                    }
                    match stated {
                        Some(Stated::Type(element)) => parts.stated = Some(element),
                        // ONNX Runtime takes the first one.
                        Some(Stated::Value(element)) => parts.value = parts.value.or(Some(element)),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Counts a node, as a call of a function or a use of its operator.
    fn count(&mut self, parts: &mut Parts<'a>, index: usize, scope: Scope<'_>) {
        if !scope.is_body {
            self.takes(parts);
            self.makes(parts, scope);
            if parts.counts.0.max(parts.counts.1) > PARAMETER_LIMIT {
                self.is_partial();
            }
            if !parts.name.is_empty() && !becomes_weight(parts, scope) {
                self.named(parts.name);
            }
        } else if scope.function.is_some() {
            self.formals(parts, scope);
        }
        self.resolve(parts, index, scope);
        if !scope.is_body {
            self.found(parts, scope);
        }
    }

    /// The function that a node calls, if it calls one.
    fn called(&mut self, id: FunctionId<'a>, node: impl Fn() -> String) -> Option<usize> {
        let found = self.functions.get(&id).copied();
        if found.is_some() || id.overload.is_empty() {
            return found;
        }
        if self.functions.contains_key(&FunctionId { overload: b"", ..id }) {
            self.lesser_fault(Insistence::FunctionOverload, || {
                format!("node `{}` calls {}, which the model has only without that overload", node(), id.spelled())
            });
        }
        None
    }

    /// A function that is called must import what its nodes use; said once for each function, whose name costs a walk.
    fn imported(&mut self, domain: &[u8], scope: Scope<'_>) {
        let function = scope.function.filter(|_| scope.judged.is_some());
        let Some(at) = function.filter(|at| self.lacking != Some(*at)) else { return };
        if domain == OWN_DOMAIN || scope.imports.contains_key(domain) {
            return;
        }
        self.lacking = Some(at);
        let spelled = self.function_id(self.bodies[at].0).map(|id| id.spelled()).unwrap_or_default();
        self.fault(|| format!("function {spelled} uses {} without importing it", shown(domain, 80)));
    }

    /// Looks at the call of a function.
    fn call(&mut self, at: usize, parts: &mut Parts<'a>, scope: Scope<'_>, node: impl Fn() -> String) {
        let Some([model_imports, _]) = scope.judged else { return };
        let (operator, domain) = (parts.operator, domain_name(parts.domain));
        if domain == DEFAULT_DOMAIN.as_bytes() && !schema::exists(domain, operator) {
            self.fault(|| {
                let operator = shown(operator, 60);
                format!("node `{}` is {operator}, a function in ONNX's own domain, which has no such operator", node())
            });
        }
        if let Some(caller) = scope.function {
            self.calls.insert((caller, at));
        } else if !scope.imports.contains_key(domain) {
            self.fault(|| {
                format!("node `{}` calls a function of {}, which is not imported", node(), shown(domain, 80))
            });
        }
        if !std::mem::replace(&mut self.bodies[at].1, true) {
            self.called.push(at);
        }
        if !scope.is_body {
            // What is broken there is said where the functions are walked.
            self.follow(at, parts, model_imports, &node).unwrap_or_default();
            self.compare_stated(parts, node);
        }
    }

    /// Finds out what a node does.
    fn resolve(&mut self, parts: &mut Parts<'a>, index: usize, scope: Scope<'_>) {
        let (name, operator, domain) = (parts.name, parts.operator, domain_name(parts.domain));
        let node = || if name.is_empty() { scope.place(index) } else { shown(name, 80) };
        self.imported(domain, scope);
        if !self.functions.is_empty()
            && let Some(at) = self.called(FunctionId { domain, name: operator, overload: parts.overload }, node)
        {
            self.call(at, parts, scope, node);
            return;
        }
        if operator.is_empty() {
            self.note(Topic::Operator, || format!("{} does not say its operator", scope.place(index)));
            if scope.judged.is_some() {
                self.fault(|| format!("node `{}` does not say its operator", node()));
            }
            return;
        }
        if let Some(stated) = parts.stated.filter(|_| domain == DEFAULT_DOMAIN.as_bytes()) {
            self.element(stated);
        }
        let key = (domain, operator);
        let known = self.used.get(&key).copied();
        let resolved = scope.resolved(domain);
        // ONNX Runtime's own domain need not be imported.
        let own = (domain == OWN_DOMAIN).then_some(1);
        let inner = scope.function.and_then(|_| scope.imported(domain));
        let schema =
            resolved.or(inner).and_then(|version| if version > 0 { Some(version) } else { own }).and_then(|opset| {
                let cached = known.and_then(|at| self.uses[at].schema).filter(|(cached, _)| *cached == opset);
                let (_, schema) = cached.unwrap_or_else(|| (opset, schema::find(domain, operator, opset)));
                if let Some(at) = known {
                    self.uses[at].schema = Some((opset, schema));
                }
                schema.map(|schema| (schema, opset))
            });
        let (typing, is_sound) = match schema {
            Some((schema, opset)) => self.judge(schema, opset, known, parts, index, scope),
            None => (None, false),
        };
        let at = match known {
            Some(at) => at,
            None if self.uses.len() >= OPERATOR_LIMIT => {
                self.note(Topic::Operator, || format!("more than {OPERATOR_LIMIT} different operators"));
                return;
            }
            None => {
                self.used.insert(key, self.uses.len());
                // What only following a function meets is not counted yet, and gets its name when it is.
                let name = if self.followed.is_inside() { b"" } else { name };
                self.uses.push(Use::new(domain, operator, name, scope.place(index)));
                self.uses.len() - 1
            }
        };
        if self.followed.is_inside() {
            // The plain walk through functions counts it.
            if let Some((schema, _)) = schema.filter(|_| !scope.is_body) {
                let used = &mut self.uses[at];
                let typing = typing.or_else(|| used.typed_as(schema, parts, || scope.place(index)));
                if let Some(typing) = typing.filter(|_| is_sound) {
                    Sound::note(&mut used.sound, schema, parts, typing);
                }
            }
            return;
        }
        let used = &mut self.uses[at];
        if used.count == 0 {
            used.place = scope.place(index);
        }
        let widened = |known: Option<(i64, i64)>, version: i64| {
            let (low, high) = known.unwrap_or((version, version));
            Some((low.min(version), high.max(version)))
        };
        used.count += 1;
        let has = |wanted: &[u8]| parts.attributes.iter().any(|(name, _)| *name == wanted);
        used.lacks_axis = used.lacks_axis || !has(b"axis");
        used.unsized_nodes += u64::from(!has(b"hidden_size"));
        used.batchwise += u64::from(parts.layout.is_some_and(|layout| layout != 0));
        if used.name.is_empty() {
            used.name = name;
        }
        if let Some(version) = scope.imported(domain) {
            used.opset = widened(used.opset, version);
        }
        if let Some(version) = resolved {
            used.resolved = widened(used.resolved, version);
        }
        if let Some(at) = typing {
            used.typed[at].count += 1;
            return;
        }
        let Some((schema, _)) = schema.filter(|_| !scope.is_body) else { return };
        let typing = used.typed_as(schema, parts, || scope.place(index));
        // An operator that is used once is not worth it.
        if let Some(typing) = typing.filter(|_| is_sound && used.count > 1) {
            Sound::note(&mut used.sound, schema, parts, typing);
        }
    }

    /// Looks at a node of a known operator: the place of its types if they were met before, and whether nothing is wrong.
    fn judge(
        &mut self,
        schema: &'static Schema,
        opset: i64,
        known: Option<usize>,
        parts: &mut Parts<'a>,
        index: usize,
        scope: Scope<'_>,
    ) -> (Option<usize>, bool) {
        let (name, domain) = (parts.name, domain_name(parts.domain));
        let node = || if name.is_empty() { scope.place(index) } else { shown(name, 80) };
        let (mut typing, mut is_sound) = (None, false);
        let may_be_known = !scope.is_body && scope.judged.is_some() && parts.graphs.is_empty();
        if let Some(name) = parts.empty.filter(|_| scope.judged.is_some() && !scope.is_body) {
            self.dated_fault((None, Some("1.17.0")), || {
                format!("the list `{}` of node `{}` is empty", shown(name, 60), node())
            });
        }
        if !parts.texts.is_empty() || parts.unknown.is_some() {
            self.worded(schema, parts, scope, node);
        }
        let sound = known.filter(|_| may_be_known).and_then(|at| self.uses[at].sound.as_ref());
        if let Some(sound) = sound.filter(|sound| sound.is_like(schema, parts)) {
            parts.made.extend_from_slice(&sound.made);
            typing = Some(sound.typing);
        } else {
            let faults = self.fault_counts();
            self.formed(schema, parts, scope, node);
            if scope.is_body && scope.function.is_some() && scope.depth == 0 {
                self.in_function(schema, parts, node);
            }
            if !scope.is_body {
                self.typed(schema, parts, node);
                if domain == DEFAULT_DOMAIN.as_bytes() && !parts.graphs.is_empty() {
                    self.flows(schema, parts, node);
                }
                if parts.operator == b"ZipMap" {
                    self.zipped(parts, node);
                }
            }
            is_sound = may_be_known && faults.is_some() && faults == self.fault_counts();
        }
        if scope.has_shapes() {
            let rule = match known {
                Some(at) => self.uses[at].rule,
                None => rules::find(domain, parts.operator),
            };
            if let Some(rule) = rule {
                self.shaped((rule, known), parts, (opset, schema.since), node);
            }
        }
        (typing, is_sound)
    }

    /// Reads an attribute.
    fn attribute(
        &mut self,
        part: Part,
        index: usize,
        scope: Scope<'_>,
    ) -> Result<Option<Attribute<'a>>, WireError> {
        let (mut name, mut kind): (&'a [u8], u64) = (b"", 0);
        let (mut number, mut tensor, mut reference): (_, _, Option<&'a [u8]>) = (None, None, None);
        let (mut shape, first) = (None, self.ints.len());
        let (mut lists, mut clip) = (Lists::default(), None);
        let (mut text, mut texts, mut inner): (_, Vec<&'a [u8]>, _) = (None, Vec::new(), None);
        let mut fields = Fields::new(self.bytes, part, &messages::ATTRIBUTE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (attribute::NAME, Value::Bytes(part)) => name = part.of(self.bytes),
                (attribute::I, Value::Number(value)) => number = Some(value.cast_signed()),
                (attribute::F, Value::Fixed) if name == b"clip" => clip = self.float_before(fields.position()),
                (attribute::INTS | attribute::FLOATS, value) => {
                    self.entry_of_list(name, field.number, value, fields.position(), &mut lists);
                }
                (attribute::S, Value::Bytes(part)) => text = Some(part.of(self.bytes)),
                (attribute::STRINGS, Value::Bytes(part)) => {
                    lists.entries = lists.entries.saturating_add(1);
                    if name == b"activations" && texts.len() < PARAMETER_LIMIT {
                        texts.push(part.of(self.bytes));
                    }
                }
                (attribute::T | attribute::TENSORS, Value::Bytes(part)) => {
                    let found = self.tensor(part)?;
                    tensor = Some(found.element);
                    shape = if field.number == attribute::T { found.shape(part) } else { None };
                    self.used_tensor(found);
                }
                (attribute::SPARSE_TENSOR | attribute::SPARSE_TENSORS, Value::Bytes(part)) => {
                    let found = self.sparse_tensor(part)?;
                    tensor = Some(found.element);
                    self.used_tensor(found);
                }
                (attribute::TYPE, Value::Number(value)) => kind = value,
                (attribute::REFERENCE, Value::Bytes(part)) => reference = Some(part.of(self.bytes)),
                (attribute::TP | attribute::TYPE_PROTOS, Value::Bytes(part)) => {
                    self.value_type(part, 0)?;
                }
                (attribute::G | attribute::GRAPHS, Value::Bytes(part)) => {
                    inner = self.inner_graph(part, name, index, scope)?.or(inner);
                }
                _ => {}
            }
        }
        let (mut referred, mut is_default) = (None, false);
        if let Some(reference) = reference.filter(|_| self.followed.is_inside()) {
            // What the caller does not give is as if it were not there.
            let Some((given, of_function)) = self.followed.given(reference) else { return Ok(None) };
            (kind, number, is_default) = (given.kind, given.number, of_function);
            if let Some(Stated::Value(element)) = given.stated {
                referred = Some(element);
            }
        }
        let is_own = reference.is_none();
        let list = (is_own && lists.whole <= LIST_LIMIT).then_some((first, self.ints.len()));
        let shape = if is_own { constant_shape(name, shape, part, lists.whole) } else { None };
        let constant = match name {
            b"value" | b"sparse_value" => tensor.or(referred),
            b"value_float" | b"value_floats" => Some(1),
            b"value_int" | b"value_ints" => Some(7),
            b"value_string" | b"value_strings" => Some(8),
            _ => None,
        };
        let stated = number.filter(|_| TYPE_ATTRIBUTES.contains(&name)).map(Stated::Type);
        let stated = stated.or(constant.map(Stated::Value));
        if reference.is_some() && !self.followed.is_inside() {
            kind = REFERENCE;
        }
        if name == b"activations" && is_own {
            number = i64::try_from(texts.len()).ok();
        }
        let entries = Some(lists.entries).filter(|_| matches!(kind, 6..=8) && is_own);
        let is_empty = entries == Some(0);
        let unknown = texts.into_iter().find(|text| !words::is_activation(text));
        let scales = lists.scales;
        Ok(Some(Attribute {
            name,
            kind,
            number,
            stated,
            list,
            entries,
            shape,
            scales,
            text,
            unknown,
            inner,
            is_default,
            is_empty,
            clip,
        }))
    }

    /// Reads a graph in an attribute.
    fn inner_graph(
        &mut self,
        part: Part,
        name: &[u8],
        index: usize,
        scope: Scope<'_>,
    ) -> Result<Option<Inner>, WireError> {
        if scope.depth + 1 >= DEPTH_LIMIT {
            self.note(Topic::Graph, || {
                format!("graphs lie more than {DEPTH_LIMIT} deep inside each other; deeper ones are not read")
            });
            return Ok(None);
        }
        let within = Scope {
            parent: Some((&scope, index)),
            label: if name.is_empty() { b"graph" } else { name },
            imports: scope.imports,
            depth: scope.depth + 1,
            is_main: false,
            is_body: scope.is_body,
            judged: scope.judged,
            function: scope.function,
            own: scope.own,
        };
        self.graph(part, within).map(Some)
    }

    /// Takes down an entry of a list, or several that lie packed.
    fn entry_of_list(&mut self, name: &[u8], field: u32, value: Value, end: usize, lists: &mut Lists) {
        match value {
            Value::Number(number) => self.whole_number(number, lists),
            Value::Bytes(part) if field == attribute::INTS => {
                let bytes = self.bytes;
                packed(part.of(bytes)).for_each(|number| self.whole_number(number, lists));
            }
            Value::Bytes(part) => {
                lists.entries = lists.entries.saturating_add((part.end - part.start) as u64 / 4);
            }
            Value::Fixed => {
                lists.entries = lists.entries.saturating_add(1);
                if name == b"scales" && lists.scales.len() < LIST_LIMIT {
                    lists.scales.extend(self.float_before(end));
                }
            }
        }
    }

    fn whole_number(&mut self, number: u64, lists: &mut Lists) {
        lists.entries = lists.entries.saturating_add(1);
        lists.whole = lists.whole.saturating_add(1);
        if lists.whole <= LIST_LIMIT {
            self.ints.push(number.cast_signed());
        }
    }

    /// The floating-point number that ends at a byte.
    fn float_before(&self, end: usize) -> Option<f32> {
        let bytes = self.bytes.get(end.checked_sub(4)?..end)?;
        bytes.first_chunk().map(|word| f32::from_le_bytes(*word))
    }

    fn element(&mut self, number: i64) {
        if number != 0 && (self.types.len() < TYPE_LIMIT || self.types.contains(&number)) {
            self.types.insert(number);
        } else if number != 0 {
            self.note(Topic::Type, || format!("more than {TYPE_LIMIT} different element types"));
        }
    }

    /// Looks for functions that call themselves in the end.
    fn recursion(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        let mut done = BTreeSet::new();
        for start in calls.iter().map(|(caller, _)| *caller) {
            let mut path: Vec<(usize, usize)> = Vec::new();
            let mut on_path = BTreeSet::new();
            let mut next = Some(start);
            loop {
                if let Some(at) = next.take().filter(|at| !done.contains(at)) {
                    on_path.insert(at);
                    path.push((at, 0));
                }
                let Some((at, from)) = path.last_mut() else { break };
                let Some((_, called)) = calls.range((*at, *from)..).next().filter(|(caller, _)| caller == at) else {
                    done.insert(*at);
                    on_path.remove(at);
                    path.pop();
                    continue;
                };
                *from = called + 1;
                if on_path.contains(called) {
                    let spelled = self.function_id(self.bodies[*called].0).map(|id| id.spelled()).unwrap_or_default();
                    return self.fault(|| format!("function {spelled} calls itself in the end"));
                }
                next = Some(*called);
            }
        }
    }

    fn finish(mut self) -> Found {
        for (domain, version) in std::mem::take(&mut self.odd_imports) {
            let is_asked = |found: &Use<'_>| found.domain == domain && found.resolved.is_some();
            if !self.imports.contains_key(&domain) && self.uses.iter().any(is_asked) {
                self.fault(|| format!("it uses {} and imports it at version {version}", shown(&domain, 80)));
            }
        }
        let mut model = std::mem::take(&mut self.model);
        model.ir_version = self.ir.map(IrVersion);
        model.opsets = self.imports.iter().map(|(domain, version)| (lossy(domain), Opset(*version))).collect();
        model.element_types = self.types.iter().filter_map(|it| element_word(*it)).map(Into::into).collect();
        self.uses.sort_unstable_by_key(|found| (found.domain, found.operator));
        for found in self.uses {
            let first_node = if found.name.is_empty() { found.place } else { lossy(found.name) };
            let opset = found.opset.map(|(low, high)| (Opset(low), Opset(high)));
            let resolved = found.resolved.map(|(low, high)| (Opset(low), Opset(high)));
            let typings = found.typed.into_iter().map(typing).collect();
            // Names that are not UTF-8 can come out as one.
            let operators = model.operators.entry(lossy(found.domain)).or_default();
            operators.entry(lossy(found.operator)).and_modify(|known| known.count += found.count).or_insert(
                OperatorUse {
                    count: found.count,
                    first_node,
                    span: None,
                    opset,
                    resolved,
                    lacks_axis: found.lacks_axis,
                    batchwise: found.batchwise,
                    unsized_nodes: found.unsized_nodes,
                    is_unlisted: found.is_unlisted,
                    typings,
                },
            );
        }
        let notes = self
            .notes
            .into_values()
            .map(|(text, count)| if count > 1 { format!("{text} (and {} more of this kind)", count - 1) } else { text })
            .collect();
        Found { model, notes }
    }
}

/// The shape of a constant in an attribute; `shape` is that of a tensor in it.
fn constant_shape(name: &[u8], shape: Option<Shape>, part: Part, count: usize) -> Option<Shape> {
    let elements = Elements::Attribute(part);
    match name {
        b"value" => shape,
        b"value_float" | b"value_string" => Some(Shape { sizes: Sizes::default(), elements: Elements::Unread }),
        b"value_int" => Some(Shape { sizes: Sizes::default(), elements }),
        b"value_ints" if count <= LIST_LIMIT => {
            Some(Shape { sizes: Sizes::of([i64::try_from(count).ok()])?, elements })
        }
        _ => None,
    }
}

/// Whether a node is a constant of a graph: a weight, before anybody looks at the node.
fn becomes_weight(parts: &Parts<'_>, scope: Scope<'_>) -> bool {
    parts.operator == b"Constant"
        && scope.function.is_none()
        && domain_name(parts.domain) == DEFAULT_DOMAIN.as_bytes()
}

fn typing(used: TypedUse<'_>) -> Typing {
    let word = |element: i64| element_word(element).unwrap_or_default().into_owned();
    Typing {
        since: Opset(used.schema.since),
        is_function: used.schema.is_function,
        types: used.bindings.iter().map(|(name, element)| ((*name).to_owned(), word(*element))).collect(),
        count: used.count,
        first_node: if used.name.is_empty() { used.place } else { lossy(used.name) },
    }
}

fn domain_name(domain: &[u8]) -> &[u8] {
    if domain.is_empty() { DEFAULT_DOMAIN.as_bytes() } else { domain }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
