use std::collections::BTreeSet;

use crate::{
    environment::Environment,
    fact::{Model, Signature},
    finding::{Finding, Impact, Severity, Verdicts},
    rules::{
        Check, Context, listed, listed_up_to,
        testimony::{Testimony, subjects},
    },
    text::{Place, Span},
    version::Opset,
};

rule! {
    /// The model file that serving loads is not the one that training has.
    ///
    /// Two ONNX files are compared that have one name on both sides, or are the only ones: operator sets, IR version, producer,
    /// operators, element types and where the weights lie. What they take and give is compared by `signature-differs`.
    ///
    /// ## Why it matters
    ///
    /// What was evaluated is then not what answers. That may be meant, after quantization or with another exporter; and some
    /// operators compute by another default in another operator set, which is a warning where both files take the default of one
    /// operator.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/ranker.onnx: opset_import ai.onnx 12, operator Softmax
    /// serve/ranker.onnx: opset_import ai.onnx 17, operator Softmax
    /// ```
    ///
    /// ## How to fix
    ///
    /// Serve the file that was evaluated, or evaluate the file that is served.
    pub(crate) static RULE {
        code: "EC211",
        name: "model-differs",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

/// Points that a message names, and operators in one of them.
const NAMED: usize = 5;
const OPERATORS: usize = 4;

/// Operators whose default axis changed with operator set 13.
const SOFTMAX: [&str; 3] = ["Softmax", "LogSoftmax", "Hardmax"];

fn check(ctx: &Context<'_>, _: &Environment, _: &Environment, out: &mut Verdicts) {
    for subject in subjects(ctx).iter().filter(|subject| subject.first.is_file()) {
        for other in subject.others.iter().filter(|other| other.is_file()) {
            let Some(finding) = finding(&subject.first, other) else { continue };
            match changed_default(subject.first.model.value, other.model.value) {
                Some((name, is, was)) => out.findings.push(
                    finding
                        .severity(Severity::Warning)
                        .impact(Impact::WrongResult)
                        .because(ctx.knowledge.statement("onnx-softmax-axis"))
                        .about(["onnx-operator"])
                        .help(format!(
                            "compare the answers of both files: {name} without `axis` takes another axis in opset {is} than in {was}; state `axis` at export"
                        )),
                ),
                None => out.findings.push(finding),
            }
        }
    }
}

/// A point, and where both files say it.
struct Point {
    text: String,
    here: Option<Place>,
    there: Option<Place>,
}

fn finding(serving: &Testimony<'_>, training: &Testimony<'_>) -> Option<Finding> {
    let points = points(serving, training);
    let texts: Vec<&str> = points.iter().map(|point| point.text.as_str()).collect();
    if texts.is_empty() {
        return None;
    }
    let message = format!("{} differs from {}: {}", serving.path(), training.path(), listed_up_to(&texts, NAMED));
    let place = |testimony: &Testimony<'_>, of: fn(&Point) -> Option<Place>| {
        points.iter().find_map(of).unwrap_or(testimony.model.place)
    };
    let finding = RULE
        .finding(message)
        .severity(Severity::Info)
        .primary(&serving.side.name, place(serving, |it| it.here), "the file that serving loads")
        .label(&training.side.name, place(training, |it| it.there), "the file that training has")
        .about(["model"])
        .help("serve the file that was evaluated, or evaluate the file that is served");
    Some(finding)
}

/// An operator that takes its default axis in both files, where the default is another one between their operator sets.
fn changed_default(own: &Model, theirs: &Model) -> Option<(&'static str, Opset, Opset)> {
    let (is, was) = (*own.opsets.get("ai.onnx")?, *theirs.opsets.get("ai.onnx")?);
    let uses = |model: &Model, name: &str| {
        model.operators.get("ai.onnx").and_then(|all| all.get(name)).is_some_and(|used| used.lacks_axis)
    };
    let name = SOFTMAX.into_iter().find(|name| uses(own, name) && uses(theirs, name))?;
    ((is.0 < 13) != (was.0 < 13)).then_some((name, is, was))
}

/// Everything in which two files differ, but what they take and give.
fn points(serving: &Testimony<'_>, training: &Testimony<'_>) -> Vec<Point> {
    let (own, theirs) = (serving.model.value, training.model.value);
    let at = |testimony: &Testimony<'_>, span: Option<Span>| {
        span.map(|span| Place { file: testimony.model.place.file, span })
    };
    let mut out = Vec::new();
    let domains: BTreeSet<&String> = own.opsets.keys().chain(theirs.opsets.keys()).collect();
    for domain in domains {
        let text = match (own.opsets.get(domain), theirs.opsets.get(domain)) {
            (Some(a), Some(b)) if a != b => format!("{domain} {a} instead of {b}"),
            (Some(a), None) => format!("{domain} {a} is imported"),
            (None, Some(b)) => format!("{domain} {b} is not imported"),
            _ => continue,
        };
        let (here, there) = (own.opset_spans.get(domain).copied(), theirs.opset_spans.get(domain).copied());
        out.push(Point { text, here: at(serving, here), there: at(training, there) });
    }
    if let (Some(a), Some(b)) = (own.ir_version, theirs.ir_version)
        && a != b
    {
        let text = format!("IR version {a} instead of {b}");
        out.push(Point { text, here: at(serving, own.ir_span), there: at(training, theirs.ir_span) });
    }
    let producer = |model: &Model| model.producer.as_ref().map(|it| match &it.version {
        Some(version) => format!("{} {version}", it.name),
        None => it.name.clone(),
    });
    if let (Some(a), Some(b)) = (producer(own), producer(theirs))
        && a != b
    {
        let text = format!("written by {a} instead of {b}");
        out.push(Point { text, here: at(serving, own.producer_span), there: at(training, theirs.producer_span) });
    }
    operators(serving, training, &mut out);
    let plain = |text: String| Point { text, here: None, there: None };
    let types = changes(&types(own, theirs), &types(theirs, own));
    out.extend(types.map(|text| plain(format!("element types: {text}"))));
    let stored = |model: &Model| model.external_data.iter().map(|data| data.location.clone()).collect::<BTreeSet<_>>();
    out.extend(changes(&stored(own), &stored(theirs)).map(|text| plain(format!("files of weights: {text}"))));
    out
}

/// Operators that only one of the files uses, in the domains of both.
fn operators(serving: &Testimony<'_>, training: &Testimony<'_>, out: &mut Vec<Point>) {
    let all = |model: &Model| -> BTreeSet<String> {
        let named = |domain: &String, name: &String| match domain.as_str() {
            "ai.onnx" => name.clone(),
            _ => format!("{domain} {name}"),
        };
        model.operators.iter().flat_map(|(domain, uses)| uses.keys().map(move |name| named(domain, name))).collect()
    };
    let first = |testimony: &Testimony<'_>, other: &Model| {
        testimony.model.value.operators.iter().find_map(|(domain, uses)| {
            let known = other.operators.get(domain);
            let (_, only) = uses.iter().find(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)))?;
            only.span.map(|span| Place { file: testimony.model.place.file, span })
        })
    };
    let (own, theirs) = (serving.model.value, training.model.value);
    if let Some(text) = changes(&all(own), &all(theirs)) {
        let (here, there) = (first(serving, theirs), first(training, own));
        out.push(Point { text: format!("operators: {text}"), here, there });
    }
}

/// Element types of a file without those in which signatures differ.
fn types(model: &Model, other: &Model) -> BTreeSet<String> {
    let signed = |model: &Model| -> BTreeSet<String> {
        let all: Vec<&Signature> = model.inputs.iter().chain(&model.outputs).collect();
        all.into_iter().filter_map(|it| it.dtype.clone()).collect()
    };
    let (own, theirs) = (signed(model), signed(other));
    let differing: BTreeSet<&String> = own.symmetric_difference(&theirs).collect();
    model.element_types.iter().filter(|word| !differing.contains(word)).cloned().collect()
}

/// `Gelu is new, Erf and Mul are gone`.
fn changes(own: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Option<String> {
    let said = |words: Vec<&String>, what: &str| {
        let verb = if words.len() == 1 { "is" } else { "are" };
        (!words.is_empty()).then(|| format!("{} {verb} {what}", listed_up_to(&words, OPERATORS)))
    };
    let new = said(own.difference(theirs).collect(), "new");
    let gone = said(theirs.difference(own).collect(), "gone");
    let both: Vec<String> = new.into_iter().chain(gone).collect();
    (!both.is_empty()).then(|| listed(&both))
}
