//! Element types of values: what the file states, carried from node to node by the operators' declared types.
//!
//! Known are the types of initialisers, of declared inputs, outputs and intermediate values, and of what nodes compute from
//! values of known type. A type that only a function's caller or a subgraph's node would tell stays unknown.

use super::{Given, OWN_DOMAIN, REFERENCE, Scope, Walk, becomes_weight, flow::Inner, sizes::Shape};
use crate::{
    fact::{Insistence, RefusedForm},
    input::onnx::{
        forms::{self, Refusal, Shaped},
        messages::{element_name, is_element},
        schema::{AttributeType, Parameter, Schema},
        view::shown,
    },
};

/// Different typings of one operator.
pub(super) const TYPING_LIMIT: usize = 64;
/// Broken rules that are kept.
pub(super) const FAULT_LIMIT: usize = 100;
/// Inputs and outputs of one node that are looked at.
pub(super) const PARAMETER_LIMIT: usize = 256;

/// The types that stand for an operator's type constraints.
pub(super) type Bindings = Vec<(&'static str, i64)>;

/// A way in which an operator is used, while nodes are still being counted.
#[derive(Debug)]
pub(super) struct TypedUse<'a> {
    pub(super) schema: &'static Schema,
    pub(super) bindings: Bindings,
    pub(super) count: u64,
    pub(super) name: &'a [u8],
    pub(super) place: String,
}

/// What a node says.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    pub(super) name: &'a [u8],
    pub(super) operator: &'a [u8],
    pub(super) domain: &'a [u8],
    pub(super) overload: &'a [u8],
    pub(super) inputs: Vec<&'a [u8]>,
    pub(super) outputs: Vec<&'a [u8]>,
    /// All inputs and outputs, those beyond the limit too.
    pub(super) counts: (usize, usize),
    /// Names of attributes, and their stated types.
    pub(super) attributes: Vec<(&'a [u8], u64)>,
    /// The element types of the inputs and, once they are known, of the outputs; 0 where they are not.
    pub(super) taken: Vec<i64>,
    pub(super) made: Vec<i64>,
    /// Those that the file states of the outputs.
    pub(super) stated_outputs: Vec<i64>,
    /// The places of the inputs' shapes, 0 where none is known, of those that the file states of the outputs, and of those
    /// that the node makes.
    pub(super) shapes: Vec<u32>,
    pub(super) stated_shapes: Vec<u32>,
    pub(super) made_shapes: Vec<u32>,
    /// What each attribute holds, as far as it is known.
    pub(super) numbers: Vec<Numbers>,
    /// The shape of the tensor or numbers in an attribute called `value` or `value_...`.
    pub(super) constant: Option<Shape>,
    /// What an older `Upsample` makes larger by.
    pub(super) scales: Vec<f32>,
    /// Where a recurrent layer cuts off.
    pub(super) clip: Option<f32>,
    /// An attribute that is a list of nothing.
    pub(super) empty: Option<&'a [u8]>,
    /// The attribute `layout`.
    pub(super) layout: Option<i64>,
    /// The element type that an attribute states.
    pub(super) stated: Option<i64>,
    /// The element type of a tensor or number in an attribute called `value` or `value_...`.
    pub(super) value: Option<i64>,
    /// Texts in attributes, and one among several that nobody knows.
    pub(super) texts: Vec<(&'a [u8], &'a [u8])>,
    pub(super) unknown: Option<&'a [u8]>,
    /// An attribute that has the default of the function around.
    pub(super) defaulted: Option<&'a [u8]>,
    /// Graphs in attributes.
    pub(super) graphs: Vec<(&'a [u8], Inner)>,
    /// All attributes, in a model with functions.
    pub(super) given: Vec<Given<'a>>,
    /// Whether `training_mode` is set.
    pub(super) trains: bool,
    /// The types of its operator's constraints, in order.
    pub(super) bindings: Bindings,
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// A whole number.
    pub(super) number: Option<i64>,
    /// The places of a list of them.
    pub(super) list: Option<(usize, usize)>,
    /// How many entries a list has.
    pub(super) entries: Option<u64>,
}

impl Parts<'_> {
    /// Which inputs and outputs are left out: a bit for each of the first.
    pub(super) fn left_out(&self) -> (u64, u64) {
        let bits = |names: &[&[u8]]| {
            let empty = names.iter().take(64).enumerate().filter(|(_, name)| name.is_empty());
            empty.fold(0, |all, (at, _)| all | 1 << at)
        };
        (bits(&self.inputs), bits(&self.outputs))
    }

    /// Empties it for the next node; the memory of its lists stays.
    pub(super) fn clear(&mut self) {
        let Parts { name, operator, domain, overload, inputs, outputs, counts, attributes, .. } = self;
        (*name, *operator, *domain, *overload, *counts) = (b"", b"", b"", b"", (0, 0));
        inputs.clear();
        outputs.clear();
        attributes.clear();
        let Parts { taken, made, stated_outputs, shapes, stated_shapes, made_shapes, numbers, bindings, .. } = self;
        [taken, made, stated_outputs].into_iter().for_each(Vec::clear);
        [shapes, stated_shapes, made_shapes].into_iter().for_each(Vec::clear);
        numbers.clear();
        self.scales.clear();
        bindings.clear();
        self.texts.clear();
        self.graphs.clear();
        self.given.clear();
        (self.unknown, self.defaulted, self.trains) = (None, None, false);
        (self.clip, self.empty) = (None, None);
        let Parts { constant, layout, stated, value, .. } = self;
        (*constant, *layout, *stated, *value) = (None, None, None, None);
    }
}

/// A node that nothing is wrong with: one of the same operator that looks like it needs no second look.
#[derive(Debug)]
pub(super) struct Sound<'a> {
    schema: &'static Schema,
    counts: (usize, usize),
    left_out: (u64, u64),
    attributes: Vec<(&'a [u8], u64)>,
    stated: Option<i64>,
    value: Option<i64>,
    taken: Vec<i64>,
    stated_outputs: Vec<i64>,
    /// The element types of its outputs.
    pub(super) made: Vec<i64>,
    /// The place of its types among those of its operator.
    pub(super) typing: usize,
}

impl<'a> Sound<'a> {
    /// Takes down a node, in the room that the one before had.
    pub(super) fn note(known: &mut Option<Box<Self>>, schema: &'static Schema, parts: &Parts<'a>, typing: usize) {
        let sound = known.get_or_insert_with(|| {
            Box::new(Sound {
                schema,
                counts: (0, 0),
                left_out: (0, 0),
                attributes: Vec::new(),
                stated: None,
                value: None,
                taken: Vec::new(),
                stated_outputs: Vec::new(),
                made: Vec::new(),
                typing,
            })
        });
        (sound.schema, sound.counts, sound.left_out) = (schema, parts.counts, parts.left_out());
        (sound.stated, sound.value, sound.typing) = (parts.stated, parts.value, typing);
        sound.attributes.clone_from(&parts.attributes);
        sound.taken.clone_from(&parts.taken);
        sound.stated_outputs.clone_from(&parts.stated_outputs);
        sound.made.clone_from(&parts.made);
    }

    /// Whether all is the same that `formed` and `typed` look at.
    pub(super) fn is_like(&self, schema: &'static Schema, parts: &Parts<'_>) -> bool {
        std::ptr::eq(self.schema, schema)
            && self.counts == parts.counts
            && self.taken == parts.taken
            && self.stated_outputs == parts.stated_outputs
            && (self.stated, self.value) == (parts.stated, parts.value)
            && self.left_out == parts.left_out()
            && self.attributes == parts.attributes
    }
}

impl<'a> Walk<'a> {
    /// Finds the types of a node's constraints and of its outputs; what contradicts itself is said.
    pub(super) fn typed(&mut self, schema: &'static Schema, parts: &mut Parts<'a>, node: impl Fn() -> String) {
        let mut bindings = std::mem::take(&mut parts.bindings);
        let mut broken: Option<&str> = None;
        let operator = || format!("{} of opset {}", shown(parts.operator, 60), schema.since);
        for (at, element) in parts.taken.iter().copied().enumerate().filter(|(_, element)| *element != 0) {
            match schema.input(at) {
                Parameter::Fixed(fixed) if fixed != element => self.fault(|| {
                    let (fixed, element, name) =
                        (element_name(fixed), element_name(element), shown(parts.inputs[at], 80));
                    format!(
                        "{} takes {fixed} as input {at}, and `{name}` of node `{}` is {element}",
                        operator(),
                        node()
                    )
                }),
                Parameter::Constraint(constraint) if !schema.allows(constraint, element) => {
                    broken = Some(constraint);
                    self.fault(|| {
                        let (element, name) = (element_name(element), shown(parts.inputs[at], 80));
                        format!("{} does not take {element}, which `{name}` of node `{}` is", operator(), node())
                    });
                }
                Parameter::Constraint(constraint) => {
                    let bound = bind(&mut bindings, constraint, element);
                    if bound != element {
                        broken = Some(constraint);
                        self.fault(|| {
                            let (bound, element) = (element_name(bound), element_name(element));
                            format!(
                                "{} has one type `{constraint}`, and node `{}` gives it {bound} and {element}",
                                operator(),
                                node()
                            )
                        });
                    }
                }
                _ => {}
            }
        }
        for (at, name) in parts.outputs.iter().enumerate() {
            let stated = parts.stated_outputs.get(at).copied().unwrap_or(0);
            let (element, is_certain) = match schema.output(at) {
                Parameter::Fixed(element) => (element, true),
                Parameter::Constraint(constraint) => {
                    let bound = bindings.iter().find(|(known, _)| *known == constraint).map(|(_, element)| *element);
                    // Else the file may say it of the value.
                    let told = told(parts, schema, constraint);
                    let element = bound.or(told).unwrap_or(stated);
                    if element != 0 {
                        bind(&mut bindings, constraint, element);
                    }
                    let decides = [b"Cast".as_slice(), b"EyeLike", b"RandomNormalLike", b"RandomUniformLike"];
                    (element, bound.is_some() || decides.contains(&parts.operator) && told.is_some_and(is_element))
                }
                Parameter::Other => (0, false),
            };
            if is_certain && stated != 0 && stated != element && broken.is_none() {
                self.fault(|| {
                    let (stated, element) = (element_name(stated), element_name(element));
                    format!(
                        "`{}` is stated to be {stated}, and node `{}` makes {element} of it",
                        shown(name, 80),
                        node()
                    )
                });
            }
            parts.made.push(element);
        }
        // What no operator set allows needs no kernel.
        bindings.retain(|(constraint, _)| broken != Some(*constraint));
        bindings.sort_unstable();
        parts.bindings = bindings;
    }

    /// Notes where a node has not the form that its operator asks for.
    pub(super) fn formed(&mut self, schema: &Schema, parts: &Parts<'_>, scope: Scope<'_>, node: impl Fn() -> String) {
        let operator = || format!("{} of opset {}", shown(parts.operator, 60), schema.since);
        if becomes_weight(parts, scope) {
            if parts.attributes.is_empty() {
                self.fault(|| format!("{} needs a value, node `{}` has none", operator(), node()));
            } else if let Some((name, _)) =
                parts.attributes.iter().find(|(name, _)| scope.depth > 0 && schema.attribute(name) == AttributeType::None)
            {
                self.lesser_fault(Insistence::BranchConstant, || {
                    format!("{} has no attribute `{}`, node `{}` has", operator(), shown(name, 60), node())
                });
            }
            return;
        }
        let sides = [(parts.counts.0, &schema.input_count, "input"), (parts.counts.1, &schema.output_count, "output")];
        for (count, allowed, what) in sides {
            let (most, least) = (*allowed.end(), *allowed.start());
            if !allowed.contains(&count) {
                let (word, bound) = if count > most { ("has", most) } else { ("needs", least) };
                let plural = if bound == 1 { "" } else { "s" };
                let text = || format!("{} {word} {bound} {what}{plural}, node `{}` has {count}", operator(), node());
                // What nobody calls only has its nodes counted, and that not by all releases.
                if scope.judged.is_some() {
                    self.fault(text);
                } else {
                    self.lesser_fault(Insistence::FunctionCounts, text);
                }
            }
        }
        if scope.judged.is_none() {
            return;
        }
        if let Some(at) = parts.inputs.iter().enumerate().position(|(at, name)| name.is_empty() && schema.needs(at)) {
            self.fault(|| format!("{} needs its input {at}, which node `{}` leaves out", operator(), node()));
        }
        if let Some(at) =
            parts.outputs.iter().enumerate().position(|(at, name)| name.is_empty() && schema.needs_output(at))
        {
            self.fault(|| format!("{} needs its output {at}, which node `{}` leaves out", operator(), node()));
        }
        for (name, stated) in &parts.attributes {
            match schema.attribute(name) {
                AttributeType::None => {
                    self.fault(|| {
                        format!("{} has no attribute `{}`, node `{}` has", operator(), shown(name, 60), node())
                    });
                }
                AttributeType::Number(number) if *stated != REFERENCE && *stated != number => self.fault(|| {
                    format!("{} has another type of attribute `{}` than node `{}`", operator(), shown(name, 60), node())
                }),
                _ => {}
            }
        }
        if parts.domain == OWN_DOMAIN {
            self.own_form(parts, &node);
        }
        for required in &schema.required {
            if parts.attributes.iter().all(|(name, _)| *name != required.as_bytes()) {
                self.fault(|| format!("{} needs the attribute `{required}`, node `{}` has none", operator(), node()));
            }
        }
        if let Some(name) = parts.defaulted.filter(|name| schema.required.iter().any(|it| it.as_bytes() == *name)) {
            self.lesser_fault(Insistence::FunctionDefaults, || {
                format!("node `{}` leaves `{}` to the default of its function", node(), shown(name, 60))
            });
        }
        if parts.operator == b"Constant" && parts.attributes.is_empty() {
            self.fault(|| format!("{} needs a value, node `{}` has none", operator(), node()));
        }
        self.depends(schema, parts, scope, &node);
        let twice =
            |(at, (name, _)): (usize, &(&[u8], u64))| parts.attributes[..at].iter().any(|(other, _)| other == name);
        if parts.attributes.len() > 1
            && let Some(at) = parts.attributes.iter().enumerate().position(twice)
        {
            let name = parts.attributes[at].0;
            self.lesser_fault(Insistence::AttributeOnce, || {
                format!("node `{}` has the attribute `{}` twice", node(), shown(name, 60))
            });
        }
    }
}

impl Walk<'_> {
    /// Notes where a node's attributes ask for other inputs and outputs than it has.
    fn depends(&mut self, schema: &Schema, parts: &Parts<'_>, scope: Scope<'_>, node: impl Fn() -> String) {
        let operator = || format!("{} of opset {}", shown(parts.operator, 60), schema.since);
        // Since these versions the number of outputs depends on something else.
        if parts.operator == b"BatchNormalization" && schema.since >= 14 && !scope.is_body {
            let wanted = if parts.trains { 3 } else { 1 };
            if parts.counts.1 != wanted {
                let (mode, plural) = if parts.trains { ("with", "s") } else { ("without", "") };
                self.fault(|| {
                    format!(
                        "{} gives {wanted} output{plural} {mode} `training_mode`, node `{}` has {}",
                        operator(),
                        node(),
                        parts.counts.1
                    )
                });
            }
        }
        if parts.operator == b"Split" && schema.since >= 18 {
            let has_sizes = parts.inputs.get(1).is_some_and(|name| !name.is_empty());
            let has_count = parts.attributes.iter().any(|(name, _)| *name == b"num_outputs");
            if has_sizes == has_count {
                let what = if has_sizes { "either, node `{}` has both" } else { "one of them, node `{}` has none" };
                self.fault(|| {
                    format!("{} takes `split` or `num_outputs`, {}", operator(), what.replace("{}", &node()))
                });
            }
        }
    }

    /// Notes which releases of ONNX Runtime do not know a node of its own operators as it is.
    fn own_form(&mut self, parts: &Parts<'_>, node: impl Fn() -> String) {
        for refusal in forms::refusals(parts.operator, Shaped { counts: parts.counts, attributes: &parts.attributes }) {
            let Refusal { text, from, before } = refusal;
            let text = format!("com.microsoft:{} {text}, unlike node `{}`", shown(parts.operator, 60), node());
            let form = RefusedForm { text, from, before };
            let is_known = self.model.refused_forms.contains(&form);
            if !is_known && self.model.refused_forms.len() < FAULT_LIMIT {
                self.model.refused_forms.push(form);
            }
        }
    }

    /// Remembers that the model breaks a rule of ONNX, unless so many are known already.
    pub(super) fn fault(&mut self, text: impl FnOnce() -> String) {
        if self.model.faults.len() < FAULT_LIMIT {
            self.model.faults.push(text());
        }
    }

    /// How many broken rules are known; `None` once one more would not be counted.
    pub(super) fn fault_counts(&self) -> Option<(usize, usize)> {
        let counts = (self.model.faults.len(), self.model.lesser_faults.len() + self.model.refused_forms.len());
        (counts.0.max(counts.1) < FAULT_LIMIT).then_some(counts)
    }

    /// Remembers a fault that releases from one on, or before one, mind.
    pub(super) fn dated_fault(&mut self, (from, before): (Option<&str>, Option<&str>), text: impl FnOnce() -> String) {
        if self.model.dated_faults.len() < FAULT_LIMIT {
            let release = |word: Option<&str>| word.and_then(|word| word.parse().ok());
            self.model.dated_faults.push(RefusedForm { text: text(), from: release(from), before: release(before) });
        }
    }

    /// Remembers a fault that only some releases of ONNX Runtime mind.
    pub(super) fn lesser_fault(&mut self, insistence: Insistence, text: impl FnOnce() -> String) {
        if self.model.lesser_faults.len() < FAULT_LIMIT {
            self.model.lesser_faults.push((insistence, text()));
        }
    }
}

/// Binds a constraint to an element type if it has none; returns the one that it has.
fn bind(bindings: &mut Bindings, constraint: &'static str, element: i64) -> i64 {
    if let Some((_, bound)) = bindings.iter().find(|(known, _)| *known == constraint) {
        return *bound;
    }
    bindings.push((constraint, element));
    element
}

/// The type of an output that no input has, by the attributes of the operator or what holds without them.
fn told(parts: &Parts<'_>, schema: &Schema, constraint: &str) -> Option<i64> {
    const FLOAT: i64 = 1;
    const UINT8: i64 = 2;
    let by_inputs = (0..3).any(|at| schema.input(at) == Parameter::Constraint("T1"));
    match parts.operator {
        b"Cast" | b"BitCast" => parts.stated.filter(|it| *it != 0),
        b"Constant" => parts.value,
        b"ConstantOfShape" => Some(parts.value.unwrap_or(FLOAT)),
        b"RandomNormal" | b"RandomUniform" | b"HannWindow" | b"HammingWindow" | b"BlackmanWindow" => {
            Some(parts.stated.unwrap_or(FLOAT))
        }
        b"EyeLike" | b"RandomNormalLike" | b"RandomUniformLike" if constraint == "T2" => {
            parts.stated.or_else(|| parts.taken.first().copied()).filter(|it| *it != 0)
        }
        b"LabelEncoder" if constraint == "T2" && schema.since >= 2 => {
            let kinds: [(&[u8], i64); 3] = [(b"values_floats", FLOAT), (b"values_int64s", 7), (b"values_strings", 8)];
            let has = |wanted: &[u8]| parts.attributes.iter().any(|(name, _)| *name == wanted);
            let mut found = kinds.into_iter().filter(|(name, _)| has(name)).map(|(_, element)| element);
            found.next().filter(|_| found.next().is_none())
        }
        b"Multinomial" => Some(parts.stated.unwrap_or(6)),
        // Without a zero point it is the stated type, or the smallest.
        b"QuantizeLinear" if by_inputs && constraint != "T1" => {
            Some(parts.stated.filter(|it| *it != 0).unwrap_or(UINT8))
        }
        _ => parts.stated.filter(|it| *it != 0),
    }
}
