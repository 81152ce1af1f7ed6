//! Functions of the model: their values are followed for the element types that each call gives.
//!
//! A body is walked once for every set of types and attributes that it is called with, as long as that takes no more than a
//! few times the bytes of the file; what is left over stays unknown. A function that calls itself is not followed again.

use std::collections::HashMap;

use super::{
    FunctionId, Given, Imports, Scope, Walk,
    elements::{PARAMETER_LIMIT, Parts},
    names::Keyed,
    scopes::Scopes,
    sizes::Sizes,
};
use crate::{
    fact::Insistence,
    input::onnx::{
        messages::{self, attribute, function},
        schema::Schema,
        view::shown,
        wire::{Fields, Part, Value, WireError},
    },
};

/// Calls inside each other that are followed.
const CALL_LIMIT: usize = 64;
/// Different calls whose results are remembered.
const RESULT_LIMIT: usize = 1_000;
/// How often the bytes of the file are walked again at most.
const AGAIN_LIMIT: usize = 4;

/// What tells one call of a function from another: the place of the function, the types that it is given, its attributes, and
/// the shapes that it is given.
type Key<'a> = (usize, Vec<i64>, Vec<(&'a [u8], u64, Option<i64>, i64)>, Vec<Option<Sizes>>);

/// What a call makes: element types, and sizes.
#[derive(Debug, Clone, Default)]
struct Results {
    elements: Vec<i64>,
    sizes: Vec<Option<Sizes>>,
}

/// Functions that are followed.
#[derive(Debug, Default)]
pub(super) struct Bodies<'a> {
    /// What calls make; those without shapes stand for calls that are not followed any more.
    results: HashMap<Key<'a>, Results, Keyed>,
    /// The calls around the walk, and what they give.
    around: Vec<Call<'a>>,
    /// Bytes that were walked.
    walked: usize,
    /// The head of a function is being read again.
    is_again: bool,
    /// The inputs of the function that is walked plainly, with whether a node takes them, and the outputs that none makes.
    formals: HashMap<&'a [u8], bool, Keyed>,
    unmade: Vec<&'a [u8]>,
}

/// A call that is followed.
#[derive(Debug)]
struct Call<'a> {
    function: usize,
    given: Vec<Given<'a>>,
    /// How many of them are the call's own.
    own: usize,
    /// Inputs that the call leaves out.
    absent: Vec<&'a [u8]>,
}

impl<'a> Bodies<'a> {
    /// Whether a call is being followed.
    pub(super) fn is_inside(&self) -> bool {
        self.is_again || !self.around.is_empty()
    }

    /// The attribute that a call gives, and whether it is the function that gives it, as its default.
    pub(super) fn given(&self, name: &[u8]) -> Option<(Given<'a>, bool)> {
        let call = self.around.last()?;
        let (at, given) = call.given.iter().enumerate().find(|(_, given)| given.name == name)?;
        Some((*given, at >= call.own))
    }

    /// An input of a node: none, if it is one that the call leaves out.
    pub(super) fn actual(&self, name: &'a [u8]) -> &'a [u8] {
        match self.around.last() {
            Some(call) if call.absent.contains(&name) => b"",
            _ => name,
        }
    }
}

/// The head of a function.
#[derive(Debug, Default)]
struct Head<'a> {
    inputs: Vec<&'a [u8]>,
    outputs: Vec<&'a [u8]>,
    imports: Imports,
    defaults: Vec<Given<'a>>,
}

impl<'a> Walk<'a> {
    fn head(&mut self, part: Part) -> Result<Head<'a>, WireError> {
        let mut head = Head::default();
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (function::INPUT, Value::Bytes(part)) if head.inputs.len() < PARAMETER_LIMIT => {
                    head.inputs.push(part.of(self.bytes));
                }
                (function::OUTPUT, Value::Bytes(part)) if head.outputs.len() < PARAMETER_LIMIT => {
                    head.outputs.push(part.of(self.bytes));
                }
                (function::OPSET_IMPORT, Value::Bytes(part)) => self.import(part, &mut head.imports, false)?,
                (function::ATTRIBUTE_PROTO, Value::Bytes(part)) if head.defaults.len() < PARAMETER_LIMIT => {
                    head.defaults.extend(self.default_of(part)?);
                }
                _ => {}
            }
        }
        Ok(head)
    }

    /// The default of an attribute, as far as its type and a whole number go.
    fn default_of(&self, part: Part) -> Result<Option<Given<'a>>, WireError> {
        let mut given = Given { name: b"", kind: 0, number: None, stated: None };
        let mut fields = Fields::new(self.bytes, part, &messages::ATTRIBUTE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (attribute::NAME, Value::Bytes(part)) => given.name = part.of(self.bytes),
                (attribute::TYPE, Value::Number(kind)) => given.kind = kind,
                (attribute::I, Value::Number(number)) => given.number = Some(number.cast_signed()),
                _ => {}
            }
        }
        Ok((!given.name.is_empty()).then_some(given))
    }

    /// Follows the values of a function that a node calls, and finds out what it makes.
    pub(super) fn follow(
        &mut self,
        at: usize,
        parts: &mut Parts<'a>,
        model_imports: &Imports,
        node: impl Fn() -> String,
    ) -> Result<(), WireError> {
        let part = self.bodies[at].0;
        let told = |given: &Given<'a>| match given.stated {
            Some(super::Stated::Value(element)) => element,
            _ => 0,
        };
        let attributes: Vec<_> = parts.given.iter().map(|it| (it.name, it.kind, it.number, told(it))).collect();
        // Its head alone takes a walk through all of it.
        self.followed.walked = self.followed.walked.saturating_add(part.end - part.start);
        if self.followed.walked > self.bytes.len().saturating_mul(AGAIN_LIMIT) {
            let key: Key<'a> = (at, parts.taken.clone(), attributes, Vec::new());
            if let Some(known) = self.followed.results.get(&key) {
                parts.made.clone_from(&known.elements);
            }
            return Ok(());
        }
        self.followed.is_again = true;
        let head = self.head(part);
        self.followed.is_again = false;
        let head = head?;
        let id = self.function_id(part)?;
        let (taken, made) = parts.counts;
        for (has, most, what) in [(taken, head.inputs.len(), "inputs"), (made, head.outputs.len(), "outputs")] {
            if has > most && most < PARAMETER_LIMIT {
                self.fault(|| format!("function {} has {most} {what}, node `{}` has {has}", id.spelled(), node()));
                return Ok(());
            }
        }
        if made < head.outputs.len() {
            let wanted = head.outputs.len();
            self.fault(|| format!("function {} has {wanted} outputs, node `{}` takes {made}", id.spelled(), node()));
        }
        if taken < head.inputs.len() {
            let wanted = head.inputs.len();
            self.lesser_fault(Insistence::FunctionInputs, || {
                format!("function {} has {wanted} inputs, node `{}` gives {taken}", id.spelled(), node())
            });
        } else if parts.inputs.iter().any(|name| name.is_empty()) {
            self.lesser_fault(Insistence::FunctionInputsNamed, || {
                format!("node `{}` leaves an input of function {} out", node(), id.spelled())
            });
        }
        let sizes: Vec<Option<Sizes>> =
            parts.shapes.iter().map(|place| self.scopes.shapes.get(*place).map(|shape| shape.sizes)).collect();
        let key: Key<'a> = (at, parts.taken.clone(), attributes, sizes);
        if let Some(known) = self.followed.results.get(&key).cloned() {
            self.makes_again(parts, known);
            return Ok(());
        }
        let is_round = self.followed.around.iter().any(|call| call.function == at);
        if is_round
            || self.followed.around.len() >= CALL_LIMIT
        {
            return Ok(());
        }
        let mut given = parts.given.clone();
        let own = given.len();
        given.extend(head.defaults.iter().filter(|it| parts.given.iter().all(|own| own.name != it.name)));
        let is_absent = |at: usize| parts.inputs.get(at).is_none_or(|name| name.is_empty());
        let absent = head.inputs.iter().enumerate().filter(|(at, _)| is_absent(*at)).map(|(_, name)| *name).collect();
        let outside = std::mem::take(&mut self.scopes);
        let known = (self.model.faults.len(), self.model.lesser_faults.len());
        self.scopes.give(&head.inputs, &parts.taken, &key.3);
        self.followed.around.push(Call { function: at, given, own, absent });
        let walked = self.followed_nodes(at, part, &head, model_imports, &id);
        self.followed.around.pop();
        let made = Results { elements: self.scopes.elements(&head.outputs), sizes: self.scopes.all_sizes(&head.outputs) };
        self.scopes = outside;
        self.forget_repeated(known);
        walked?;
        if self.followed.results.len() < RESULT_LIMIT {
            let plain = (key.0, key.1.clone(), key.2.clone(), Vec::new());
            let elements = made.elements.clone();
            self.followed.results.entry(plain).or_insert(Results { elements, sizes: Vec::new() });
            self.followed.results.insert(key, made.clone());
        }
        self.makes_again(parts, made);
        Ok(())
    }

    /// Takes over what a call makes.
    fn makes_again(&mut self, parts: &mut Parts<'a>, made: Results) {
        parts.made = made.elements;
        let shapes = &mut self.scopes.shapes;
        parts.made_shapes.clear();
        parts.made_shapes.extend(made.sizes.into_iter().map(|sizes| sizes.map_or(0, |sizes| shapes.place(sizes))));
    }

    fn followed_nodes(
        &mut self,
        at: usize,
        part: Part,
        head: &Head<'a>,
        model_imports: &Imports,
        id: &FunctionId<'a>,
    ) -> Result<(), WireError> {
        let label = format!("function {}", shown(id.name, 40));
        let scope = Scope {
            parent: None,
            label: label.as_bytes(),
            imports: &head.imports,
            depth: 0,
            is_main: false,
            is_body: false,
            judged: Some([model_imports, &head.imports]),
            function: Some(at),
            own: (None, None),
        }
        .with_own();
        self.open();
        let mut index = 0;
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        while let Some(field) = fields.pull()? {
            if let (function::NODE, Value::Bytes(part)) = (field.number, field.value) {
                self.node(part, index, scope)?;
                index += 1;
            }
        }
        for (name, is_late) in self.scopes.not_in_time() {
            if is_late {
                self.lesser_fault(Insistence::FunctionOrder, || {
                    format!("a node of function {} takes `{}` before it is made", id.spelled(), shown(name, 80))
                });
            } else {
                self.fault(|| {
                    format!("a node of function {} takes `{}`, which nothing makes", id.spelled(), shown(name, 80))
                });
            }
        }
        Ok(())
    }

    /// Drops faults that were said before.
    fn forget_repeated(&mut self, (faults, lesser): (usize, usize)) {
        let found = self.model.faults.split_off(faults.min(self.model.faults.len()));
        for text in found {
            if !self.model.faults.contains(&text) {
                self.model.faults.push(text);
            }
        }
        let found = self.model.lesser_faults.split_off(lesser.min(self.model.lesser_faults.len()));
        for fault in found {
            if !self.model.lesser_faults.contains(&fault) {
                self.model.lesser_faults.push(fault);
            }
        }
    }

    /// Notes the inputs and outputs of a function before its nodes are looked at one by one.
    pub(super) fn begin_function(&mut self, part: Part) -> Result<(), WireError> {
        self.followed.formals.clear();
        self.followed.unmade.clear();
        let mut fields = Fields::new(self.bytes, part, &messages::FUNCTION);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (function::INPUT, Value::Bytes(part)) if self.followed.formals.len() < PARAMETER_LIMIT => {
                    self.followed.formals.insert(part.of(self.bytes), false);
                }
                (function::OUTPUT, Value::Bytes(part)) if self.followed.unmade.len() < PARAMETER_LIMIT => {
                    self.followed.unmade.push(part.of(self.bytes));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes what a node of a function takes and makes.
    pub(super) fn formals(&mut self, parts: &Parts<'a>, scope: Scope<'_>) {
        for name in &parts.inputs {
            if let Some(is_taken) = self.followed.formals.get_mut(name) {
                *is_taken = true;
            }
        }
        if scope.depth == 0 && !self.followed.unmade.is_empty() {
            self.followed.unmade.retain(|name| !parts.outputs.contains(name));
        }
    }

    /// Says what is wrong with a function as a whole.
    pub(super) fn end_function(&mut self, id: &FunctionId<'a>, is_called: bool) {
        if let Some(name) = self.followed.unmade.first().copied() {
            let text = format!("function {} does not make its output `{}`", id.spelled(), shown(name, 80));
            if is_called {
                self.fault(|| text);
            } else {
                self.lesser_fault(Insistence::FunctionOutputs, || text);
            }
        }
        let unused = self.followed.formals.iter().filter(|(_, is_taken)| !**is_taken).map(|(name, _)| *name).min();
        if let Some(name) = unused {
            self.lesser_fault(Insistence::FunctionInputsUsed, || {
                format!("no node of function {} takes its input `{}`", id.spelled(), shown(name, 80))
            });
        }
    }

    /// Looks at what some releases cannot read in functions.
    pub(super) fn in_function(&mut self, schema: &Schema, parts: &Parts<'a>, node: impl Fn() -> String) {
        let mut beyond = parts.inputs.iter().skip(schema.listed_inputs());
        if schema.takes_any() && beyond.any(|name| self.followed.formals.contains_key(name)) {
            self.lesser_fault(Insistence::FunctionVariadic, || {
                format!("node `{}` of a function takes any number of inputs", node())
            });
        }
        let refers = |required: &&&str| {
            parts.attributes.iter().any(|(name, kind)| *name == required.as_bytes() && *kind == super::REFERENCE)
        };
        if let Some(required) = schema.required.iter().find(refers) {
            self.lesser_fault(Insistence::FunctionAttributes, || {
                format!("node `{}` of a function leaves `{required}` to the caller", node())
            });
        }
    }
}

impl<'a> Scopes<'a> {
    /// Puts in what a call gives to a function.
    fn give(&mut self, names: &[&'a [u8]], elements: &[i64], sizes: &[Option<Sizes>]) {
        for (at, name) in names.iter().enumerate() {
            self.put_input(name, elements.get(at).copied().unwrap_or(0), sizes.get(at).copied().flatten());
        }
    }
}
