//! Compares what a model takes and gives with what another statement expects of it.
//!
//! Only what both know is compared: an unknown rank, type or list decides nothing, and names of dimensions mean nothing by
//! themselves. A size that is left open accepts every size.

use super::testimony::Testimony;
use crate::{
    fact::{Dimension, Model, Signature, TritonConfig, Witness},
    finding::{Impact, Severity},
    text::Place,
};

/// One point in which a model is not what is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// For a list of points: `input x is float32 instead of float16`.
    pub(crate) clause: String,
    pub(crate) severity: Severity,
    pub(crate) impact: Impact,
    /// What the model says, and where.
    pub(crate) here: Option<(Place, String)>,
    /// What is expected (`float32`), and where.
    pub(crate) there: Option<(Place, String)>,
    /// It is about an element type.
    pub(crate) is_type: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
}

impl Kind {
    fn word(self) -> &'static str {
        if self == Kind::Input { "input" } else { "output" }
    }

    fn of(self, model: &Model) -> &[Signature] {
        if self == Kind::Input { &model.inputs } else { &model.outputs }
    }
}

/// In which points `model` is not what `expected` says.
pub(crate) fn differences(model: &Testimony<'_>, expected: &Testimony<'_>) -> Vec<Difference> {
    let triton = match &expected.model.value.witness {
        Witness::Triton(config) => Some(config),
        _ => None,
    };
    let mlflow = expected.model.value.witness == Witness::Mlflow;
    let mut comparison = Comparison { model, expected, triton, mlflow, out: Vec::new() };
    for kind in [Kind::Input, Kind::Output] {
        let (own, wanted) = (kind.of(model.model.value), kind.of(expected.model.value));
        if !own.is_empty() && !wanted.is_empty() {
            comparison.lists(kind, own, wanted);
        } else if triton.is_some_and(|config| config.batches) {
            comparison.batches(kind, own);
        }
    }
    if let Some(config) = triton.filter(|config| config.batches) {
        for name in &config.optional {
            comparison.never_optional(name);
        }
    }
    comparison.out
}

struct Comparison<'c, 'a> {
    model: &'c Testimony<'a>,
    expected: &'c Testimony<'a>,
    triton: Option<&'c TritonConfig>,
    mlflow: bool,
    out: Vec<Difference>,
}

impl Comparison<'_, '_> {
    fn add(&mut self, clause: String, severity: Severity, impact: Impact) -> &mut Difference {
        self.out.push(Difference { clause, severity, impact, here: None, there: None, is_type: false });
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    fn lists(&mut self, kind: Kind, own: &[Signature], wanted: &[Signature]) {
        // `MLflow` gives the only array to the only input, whatever either is called.
        if let ([own], [wanted]) = (own, wanted)
            && wanted.name.is_empty()
        {
            return self.tensor(kind, own, wanted);
        }
        if wanted.iter().any(|it| it.name.is_empty()) {
            return;
        }
        let named = |list: &[Signature], name: &str| list.iter().any(|it| it.name == name);
        let missing: Vec<&Signature> = wanted.iter().filter(|it| !named(own, &it.name)).collect();
        let extra: Vec<&Signature> = own.iter().filter(|it| !named(wanted, &it.name)).collect();
        for expected in wanted {
            if let Some(own) = own.iter().find(|it| it.name == expected.name) {
                self.tensor(kind, own, expected);
            }
        }
        // As many went as came, and each could be the other: they were renamed.
        let renamed = missing.len() == extra.len() && missing.iter().zip(&extra).all(|(a, b)| alike(a, b));
        if renamed {
            for (expected, own) in missing.iter().zip(&extra) {
                self.renamed(kind, own, expected);
            }
        } else {
            for expected in &missing {
                self.missing(kind, expected);
            }
            for own in &extra {
                self.extra(kind, own);
            }
        }
        if missing.is_empty() && extra.is_empty() {
            self.order(kind, own, wanted);
        }
    }

    /// Triton takes what is not listed from the model, if it can batch all of it.
    fn batches(&mut self, kind: Kind, own: &[Signature]) {
        for own in own {
            let Some(shape) = &own.shape else { continue };
            let said = match shape.first() {
                Some(Dimension::Fixed(size)) => format!("axis 0 of {} `{}` is fixed to {size}", kind.word(), own.name),
                Some(_) => continue,
                None => format!("{} `{}` has no axis", kind.word(), own.name),
            };
            let (here, there) = (self.model.place(own), self.expected.model.place);
            let difference = self.add(format!("{said} instead of variable"), Severity::Error, Impact::LoadFailure);
            difference.here = Some((here, "no batch of any size".to_owned()));
            difference.there = Some((there, "batches of any size".to_owned()));
        }
    }

    /// Triton lets nothing be left out of batches.
    fn never_optional(&mut self, name: &str) {
        let there = self.expected.model.place;
        let clause = format!("input `{name}` cannot be optional in batches");
        self.add(clause, Severity::Error, Impact::LoadFailure).there =
            Some((there, "an optional input and batches".to_owned()));
    }

    fn renamed(&mut self, kind: Kind, own: &Signature, expected: &Signature) {
        let clause = format!("{} `{}` is called `{}`", kind.word(), expected.name, own.name);
        let (here, there) = (self.model.place(own), self.expected.place(expected));
        let severity = self.lost(kind);
        let difference = self.add(clause, severity, Impact::LoadFailure);
        difference.here = Some((here, format!("called `{}`", own.name)));
        difference.there = Some((there, format!("`{}`", expected.name)));
        self.tensor(kind, own, expected);
    }

    fn missing(&mut self, kind: Kind, expected: &Signature) {
        let there = self.expected.place(expected);
        let clause = format!("there is no {} `{}`", kind.word(), expected.name);
        let severity = self.lost(kind);
        self.add(clause, severity, Impact::LoadFailure).there =
            Some((there, format!("{} `{}`", kind.word(), expected.name)));
    }

    /// How bad it is that a name is gone. `MLflow` does not hold answers to the signature, and of a table it takes what the model
    /// has.
    fn lost(&self, kind: Kind) -> Severity {
        let named = self.expected.model.value.inputs.len() > 1 && kind == Kind::Input;
        if self.mlflow && !named { Severity::Warning } else { Severity::Error }
    }

    fn extra(&mut self, kind: Kind, own: &Signature) {
        let here = Some((self.model.place(own), format!("{} `{}` is not expected", kind.word(), own.name)));
        if kind == Kind::Output {
            // An answer may hold more than is read; a configuration lists what is asked for.
            if self.triton.is_none() {
                self.add(format!("output `{}` is new", own.name), Severity::Info, Impact::Drift).here = here;
            }
            return;
        }
        let optional = own.dtype.as_deref().is_some_and(|dtype| dtype.starts_with("optional("));
        if !optional && self.triton.is_none_or(|config| !config.more_inputs) {
            self.add(format!("input `{}` is needed as well", own.name), Severity::Error, Impact::LoadFailure).here =
                here;
        }
    }

    /// The same names in another order matter only to those who count: outputs often are, inputs seldom.
    fn order(&mut self, kind: Kind, own: &[Signature], wanted: &[Signature]) {
        let names = |list: &[Signature]| list.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        let (here, there) = (names(own), names(wanted));
        if self.triton.is_some() || self.mlflow || here == there || here.len() != there.len() {
            return;
        }
        let first = here.iter().zip(&there).position(|(a, b)| a != b).unwrap_or(0);
        let severity = if kind == Kind::Output && self.expected.is_file() { Severity::Warning } else { Severity::Info };
        let clause =
            format!("the {}s come in another order, `{}` where `{}` was", kind.word(), here[first], there[first]);
        let (at, was) = (self.model.place(&own[first]), self.expected.place(&wanted[first]));
        let difference = self.add(clause, severity, Impact::WrongResult);
        difference.here = Some((at, format!("{} {first}", kind.word())));
        difference.there = Some((was, format!("{} {first}", kind.word())));
    }

    fn tensor(&mut self, kind: Kind, own: &Signature, expected: &Signature) {
        let subject = format!("{} `{}`", kind.word(), own.name);
        let (here, there) = (self.model.place(own), self.expected.place(expected));
        if let (Some(is), Some(was)) = (element(own), element(expected))
            && is != was
            && !(self.mlflow && (is.as_str(), was.as_str()) == ("float32", "float64"))
        {
            let (severity, impact) = self.weight(kind);
            let difference = self.add(format!("{subject} is {is} instead of {was}"), severity, impact);
            difference.here = Some((here, is));
            difference.there = Some((there, was));
            difference.is_type = true;
        }
        let (Some(is), Some(was)) = (&own.shape, &expected.shape) else { return };
        if is.len() != was.len() {
            self.rank(kind, own, expected, is, was);
            return;
        }
        for (axis, (is, was)) in is.iter().zip(was).enumerate() {
            let Some(severity) = self.size(kind, axis, is, was) else { continue };
            let (_, impact) = self.weight(kind);
            let fixed = if matches!((is, was), (Dimension::Fixed(_), Dimension::Fixed(_))) { "" } else { "fixed to " };
            let said = match is {
                Dimension::Fixed(size) => format!("{fixed}{size}"),
                _ => "variable".to_owned(),
            };
            let clause = format!("axis {axis} of {subject} is {said} instead of {}", shown(was));
            let difference = self.add(clause, severity, impact);
            difference.here = Some((here, format!("axis {axis} is {said}")));
            difference.there = Some((there, format!("{} in axis {axis}", shown(was))));
        }
    }

    fn rank(&mut self, kind: Kind, own: &Signature, expected: &Signature, is: &[Dimension], was: &[Dimension]) {
        // Triton holds a scalar for a tensor of one element.
        if let Some(config) = self.triton
            && is.is_empty()
            && was.iter().skip(usize::from(config.batches)).all(|size| *size == Dimension::Fixed(1))
        {
            return;
        }
        // Triton may complete a configuration without batching by a batch dimension, where it completes one at all.
        let whole = !self.expected.model.value.inputs.is_empty() && !self.expected.model.value.outputs.is_empty();
        let completed = self.triton.is_some_and(|config| !config.batches && !whole)
            && is.len() == was.len() + 1
            && !matches!(is[0], Dimension::Fixed(_));
        let (severity, impact) = self.weight(kind);
        let severity = if completed { Severity::Warning } else { severity };
        let count = |shape: &[Dimension]| match shape.len() {
            1 => "1 axis".to_owned(),
            many => format!("{many} axes"),
        };
        let batch = self.triton.is_some_and(|config| config.batches);
        let with = if batch { " with the batch" } else { "" };
        let clause = format!("{} `{}` has {} instead of {}{with}", kind.word(), own.name, count(is), was.len());
        let (here, there) = (self.model.place(own), self.expected.place(expected));
        let difference = self.add(clause, severity, impact);
        difference.here = Some((here, count(is)));
        difference.there = Some((there, format!("{}{with}", count(was))));
    }

    /// How bad it is that a dimension is what it is; `None` if it is what was expected, or accepts it.
    fn size(&self, kind: Kind, axis: usize, is: &Dimension, was: &Dimension) -> Option<Severity> {
        use Dimension::Fixed;
        let output = kind == Kind::Output;
        match (is, was, self.triton) {
            (Fixed(a), Fixed(b), _) => (a != b).then_some(self.weight(kind).0),
            // A configuration may be narrower than the model for requests, but not open where the model is not. Of answers it
            // must say what the model says; how much of an open shape ONNX Runtime works out by itself is not known here.
            (Fixed(_), _, Some(_)) => Some(Severity::Error),
            (_, Fixed(_), Some(_)) => output.then_some(Severity::Warning),
            // Exporters often work out a size of the answer that they left open before: only the batch says something.
            (Fixed(_), _, None) if output => (axis == 0).then_some(Severity::Warning),
            (Fixed(_), Dimension::Symbol(_), None) => Some(Severity::Error),
            (Fixed(_), Dimension::Unknown, None) => Some(Severity::Warning),
            _ => None,
        }
    }

    /// How bad a mismatch is, and what goes wrong: a server refuses the model and a runtime the request, but an answer of
    /// another shape or type is given all the same, and only those who read it know what they make of it.
    fn weight(&self, kind: Kind) -> (Severity, Impact) {
        if kind == Kind::Output && self.triton.is_none() {
            (Severity::Warning, Impact::WrongResult)
        } else {
            (Severity::Error, Impact::LoadFailure)
        }
    }
}

fn shown(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbol(name) => format!("`{name}`"),
        Dimension::Unknown => "variable".to_owned(),
    }
}

/// Whether two tensors could be one under two names.
fn alike(a: &Signature, b: &Signature) -> bool {
    let types = element(a).zip(element(b)).is_none_or(|(a, b)| a == b);
    let rank = |it: &Signature| it.shape.as_ref().map(Vec::len);
    types && rank(a).zip(rank(b)).is_none_or(|(a, b)| a == b)
}

/// Element types that are compared.
const WORDS: [&str; 15] = [
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
    "complex64",
];

/// The element type of a tensor in ONNX's words; `None` for what is no tensor, and for words that are not known.
fn element(signature: &Signature) -> Option<String> {
    let word = signature.dtype.as_deref()?.trim().to_ascii_lowercase();
    let word = word.strip_prefix("tensor(").and_then(|it| it.strip_suffix(')')).unwrap_or(&word);
    let word = word.strip_prefix("torch.").or_else(|| word.strip_prefix("np.")).unwrap_or(word);
    let word = match word {
        "float" | "fp32" | "f32" | "single" => "float32",
        "double" | "fp64" | "f64" => "float64",
        "half" | "fp16" | "f16" => "float16",
        "bf16" => "bfloat16",
        "long" => "int64",
        "int" => "int32",
        "boolean" => "bool",
        "str" => "string",
        word => word,
    };
    WORDS.contains(&word).then(|| word.to_owned())
}
