//! What models need, and what a release of ONNX Runtime accepts: as text, as lines of a requirements file, and as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{counted, human::witness, json_text, wrapped};
use crate::{
    environment::{DomainNeed, Envelope, ModelNeeds, NumpyRange, OnnxRelease, Property},
    fact::ExternalData,
    finding::Evidence,
    text::escape,
    version::{IrVersion, Opset, PythonVersion, TensorRtVersion},
};

/// The width of the text.
const WIDTH: usize = 100;

/// Where the second column begins, and how wide a column of a release is.
const COLUMN: usize = 22;
const RELEASE: usize = 36;

/// A part of a model that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRead {
    /// The path of the file.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// The envelope for people.
#[must_use]
pub fn needs_text(envelope: &Envelope, not_read: &[NotRead]) -> String {
    let mut out = String::new();
    if let [model] = envelope.models.as_slice() {
        wrapped(&mut out, "", "  ", &format!("what {} needs", model.path), WIDTH);
        parts(&mut out, model);
    } else {
        let _ = writeln!(out, "what {} need together", counted(envelope.models.len(), "model"));
        together(&mut out, envelope);
    }
    beyond(&mut out, envelope);
    out.push('\n');
    runtime(&mut out, envelope);
    out.push('\n');
    releases(&mut out, envelope);
    if let Some(text) = tensorrt(envelope) {
        out.push('\n');
        wrapped(&mut out, "", "  ", &text, WIDTH);
    }
    if envelope.models.len() > 1 {
        for model in &envelope.models {
            out.push('\n');
            wrapped(&mut out, "", "  ", &model.path, WIDTH);
            parts(&mut out, model);
            entry(&mut out, "ONNX Runtime", &own_runtime(model, envelope));
        }
    }
    if !not_read.is_empty() {
        out.push_str("\nnot read, so that more may be needed\n");
        for part in not_read {
            wrapped(&mut out, "  ", "    ", &format!("{}: {}", part.path, part.reason), WIDTH);
        }
    }
    out.push('\n');
    sources(&mut out, envelope.reasons().into_iter().map(Evidence::from));
    out
}

/// What a release of ONNX Runtime accepts and goes with, for people.
#[must_use]
pub fn release_text(release: &OnnxRelease) -> String {
    let OnnxRelease { component, version, .. } = release;
    let measured = match component.as_str() {
        "onnxruntime" => String::new(),
        _ => format!(" (models as measured on onnxruntime {version})"),
    };
    let mut out = format!("what {component} {version} accepts and goes with{measured}\n");
    for (label, said) in rows(release) {
        entry(&mut out, label, &said);
    }
    sources(&mut out, release.reasons().into_iter().map(Evidence::from));
    out.push('\n');
    out
}

/// A label and what is to be said under it.
fn entry(out: &mut String, label: &str, text: &str) {
    let first = format!("  {label:<width$}", width = COLUMN - 2);
    wrapped(out, &first, &" ".repeat(COLUMN), text, WIDTH);
}

/// The same for several things, one a line.
fn entries(out: &mut String, label: &str, texts: impl IntoIterator<Item = String>) {
    for (at, text) in texts.into_iter().enumerate() {
        entry(out, if at == 0 { label } else { "" }, &text);
    }
}

/// What one model is made of.
fn parts(out: &mut String, model: &ModelNeeds) {
    if let Some(producer) = &model.producer {
        entry(out, "written by", producer);
    }
    made_of(out, model.ir, &opsets(&model.opsets), &joined(&model.element_types));
    let operators = model.operators.iter().map(|(domain, names)| format!("{} of {domain}", names.len()));
    let operators: Vec<String> = operators.collect();
    if !operators.is_empty() {
        entry(out, "operators", &operators.join(", "));
    }
    let mut remarks: Vec<String> = Vec::new();
    if !model.unimported.is_empty() {
        let domains = model.unimported.join(", ");
        remarks.push(format!("uses operators of {domains} without an import that says which operator set"));
    }
    remarks
        .extend(model.of_functions.iter().map(|text| format!("{text} of its own, which no release below is held to")));
    entries(out, "note", remarks);
    entries(out, "external data", model.external_data.iter().map(external));
}

/// The same of all models together.
fn together(out: &mut String, envelope: &Envelope) {
    made_of(out, envelope.ir, &opsets(&envelope.opsets), &joined(&envelope.element_types));
}

fn made_of(out: &mut String, ir: Option<IrVersion>, opsets: &str, types: &str) {
    entry(out, "IR version", &ir.map_or_else(|| "not stated".to_owned(), |ir| ir.to_string()));
    entry(out, "operator sets", if opsets.is_empty() { "none stated" } else { opsets });
    if !types.is_empty() {
        entry(out, "element types", types);
    }
}

fn opsets(opsets: &std::collections::BTreeMap<String, Opset>) -> String {
    joined(opsets.iter().map(|(domain, opset)| format!("{domain} {opset}")))
}

fn joined<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    words.into_iter().fold(String::new(), |mut text, word| {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(word.as_ref());
        text
    })
}

fn external(data: &ExternalData) -> String {
    let bytes = data.needed_bytes.map_or_else(String::new, |bytes| format!(", {bytes} bytes or more"));
    format!(
        "{} ({}{bytes}), to be shipped at this path from the model",
        data.location,
        counted_u64(data.tensors, "tensor")
    )
}

fn counted_u64(count: u64, one: &str) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), one)
}

/// Domains that are not ONNX's own, and operators that nothing loads.
fn beyond(out: &mut String, envelope: &Envelope) {
    entries(out, "other domains", envelope.domains.iter().map(domain));
    let several = envelope.models.len() > 1;
    let issues = envelope.issues.iter();
    let issues = issues.map(|it| if several { format!("{}: {it}", it.model) } else { it.to_string() });
    entries(out, "cannot be loaded", issues);
}

fn domain(need: &DomainNeed) -> String {
    let DomainNeed { name, operators, loads, packages, provided_by, .. } = need;
    let used = match operators.len() {
        0..=4 => joined(operators),
        more => format!("{} and {} others", joined(operators.iter().take(3)), more - 3),
    };
    let who = match (loads, packages.is_empty(), provided_by) {
        (Some(true), ..) => "part of ONNX Runtime".to_owned(),
        (_, false, _) => {
            format!("needs {}, with its library registered in the session options", joined(packages))
        }
        (Some(false), _, Some(who)) => format!("ONNX Runtime refuses it ({who})"),
        (None, _, Some(who)) => format!("not known whether ONNX Runtime loads it ({who})"),
        (_, _, None) => {
            "not known to envcheck: a library that has it must be registered in the session options".to_owned()
        }
    };
    format!("{name} ({used}): {who}")
}

/// Which release is the smallest, and why.
fn runtime(out: &mut String, envelope: &Envelope) {
    let several = envelope.models.len() > 1;
    let whom = if several { "the models together" } else { "the model" };
    match &envelope.first {
        Some(first) => {
            let replaced = if envelope.issues.is_empty() { "" } else { ", once the operators above are replaced" };
            let added = match envelope.refused().next() {
                Some(_) => ", with the libraries that the other domains need",
                None => "",
            };
            let _ = writeln!(out, "ONNX Runtime {first} or newer{replaced}{added}");
        }
        None => {
            let _ = writeln!(out, "ONNX Runtime: no known release accepts {whom}");
        }
    }
    let deciding = envelope.deciding();
    let demands: Vec<_> = match envelope.models.as_slice() {
        // What every release accepts is not worth a line.
        [model] => {
            let asking =
                model.demands.iter().filter(|demand| demand.first.is_none() || demand.first != envelope.oldest);
            asking.map(|demand| (model.path.as_str(), demand)).collect()
        }
        _ => deciding.clone(),
    };
    for (path, demand) in demands {
        let whose = if several { format!(" in {path}") } else { String::new() };
        wrapped(out, "  ", "    ", &demand.sentence(&whose), WIDTH);
    }
    if deciding.is_empty()
        && let Some(first) = &envelope.first
    {
        let text = format!("{first} is the oldest release that checks what it loads, and nothing here asks for more");
        wrapped(out, "  ", "    ", &text, WIDTH);
    }
    for model in &envelope.models {
        if let [domain, ..] = model.unimported.as_slice() {
            let text =
                format!("not known: what the operators of {domain} in {} ask for, without an import", model.path);
            wrapped(out, "  ", "    ", &text, WIDTH);
        }
    }
    let kernels = match &envelope.kernels {
        _ if envelope.first.is_none() => return,
        Some(kernels) => format!(
            "{kernels} is the first release with CPU kernels for every operator, as far as element types are known"
        ),
        None => "not known: whether it has a kernel for every operator and element type".to_owned(),
    };
    wrapped(out, "  ", "    ", &kernels, WIDTH);
}

/// What goes with the smallest and with the newest known release, side by side.
fn releases(out: &mut String, envelope: &Envelope) {
    let mut line = |label: &str, cells: Vec<String>| {
        let mut text = format!("{label:<COLUMN$}");
        for cell in cells {
            let _ = write!(text, "{cell:<RELEASE$}  ");
        }
        let _ = writeln!(out, "{}", escape(text.trim_end()));
    };
    let head = |release: &OnnxRelease| {
        let newest = envelope.newest().is_some_and(|it| it.version == release.version);
        match (envelope.first.as_ref() == Some(&release.version), newest) {
            (true, true) => format!("{} (no newer one is known)", release.version),
            (true, false) => format!("{} (the smallest)", release.version),
            (false, _) => format!("{} (the newest known)", release.version),
        }
    };
    line("onnxruntime", envelope.releases.iter().map(head).collect());
    let columns: Vec<Vec<(&str, String)>> = envelope.releases.iter().map(rows).collect();
    for at in 0..columns.first().map_or(0, Vec::len) {
        line(&format!("  {}", columns[0][at].0), columns.iter().map(|column| column[at].1.clone()).collect());
    }
}

/// What is known of a release: always the same labels, in the same order.
fn rows(release: &OnnxRelease) -> Vec<(&'static str, String)> {
    let limit = |limit: Option<i64>| match limit {
        Some(limit) => format!("up to {limit}"),
        None if release.unchecked => "not checked: any is loaded".to_owned(),
        None => unknown(),
    };
    let opset = match release.usable_opset {
        Some(usable) => format!("{}, kernels up to {usable}", limit(release.opset.map(|it| it.0))),
        None => limit(release.opset.map(|it| it.0)),
    };
    let numpy = release.numpy.as_ref().map(|said| match &said.value {
        NumpyRange { range, neighbour: None } => range.clone(),
        NumpyRange { range, neighbour: Some(release) } => format!("{range} (as {release} says)"),
    });
    let gpu = release.gpu.as_ref().map(|said| format!("CUDA {}, cuDNN {}", said.value.cuda, said.value.cudnn));
    let gpu_label = if release.component == "onnxruntime" { "onnxruntime-gpu" } else { "CUDA and cuDNN" };
    vec![
        ("reads ai.onnx", opset),
        ("reads ai.onnx.ml", limit(release.ml_opset.map(|it| it.0))),
        ("reads IR version", limit(release.ir.map(|it| it.0))),
        ("Python with wheels", release.pythons.as_ref().map_or_else(unknown, |said| pythons(&said.value))),
        ("asks for numpy", numpy.unwrap_or_else(unknown)),
        ("with NumPy 2", release.with_numpy2().map_or_else(unknown, |(_, text)| text.to_owned())),
        ("glibc on Linux", release.glibc.as_ref().map_or_else(unknown, |said| format!("{} or newer", said.value))),
        (gpu_label, gpu.unwrap_or_else(unknown)),
    ]
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// `3.8 to 3.12`, or the list where one between is missing.
fn pythons(pythons: &[PythonVersion]) -> String {
    let follows = |pair: &[PythonVersion]| {
        pair[0].major() == pair[1].major() && pair[0].minor().map(|it| it + 1) == pair[1].minor()
    };
    match pythons {
        [first, .., last] if pythons.windows(2).all(follows) => format!("{first} to {last}"),
        _ => joined(pythons.iter().map(ToString::to_string)),
    }
}

fn tensorrt(envelope: &Envelope) -> Option<String> {
    let need = envelope.tensorrt.as_ref()?;
    let opset = need.opset;
    let stop = |it: &(TensorRtVersion, Opset)| format!("{} stops at {}", it.0, it.1);
    let said = match (need.releases.first(), &need.stops) {
        (Some(first), Some(stops)) => {
            format!("of the known parsers, those from {first} on read opset {opset} of ai.onnx ({})", stop(stops))
        }
        (Some(_), None) => format!("all known parsers read opset {opset} of ai.onnx"),
        (None, Some(stops)) => format!("no known parser reads opset {opset} of ai.onnx: {}", stop(stops)),
        (None, None) => format!("which parser reads opset {opset} of ai.onnx is not known"),
    };
    Some(format!("TensorRT without ONNX Runtime: {said}; other domains and single operators are not looked at"))
}

/// One model's release among several.
fn own_runtime(model: &ModelNeeds, envelope: &Envelope) -> String {
    let decides = model.demands.iter().filter(|demand| demand.first == model.first);
    let why = joined(decides.map(|demand| demand.property.to_string()));
    match &model.first {
        Some(first) if Some(first) == envelope.oldest.as_ref() => format!("{first} or newer"),
        Some(first) => format!("{first} or newer, for {why}"),
        None => format!("no known release accepts {why}"),
    }
}

fn sources(out: &mut String, evidence: impl Iterator<Item = Evidence>) {
    out.push_str("sources\n");
    for evidence in evidence {
        wrapped(out, "  ", "     ", &format!("{} {}", evidence.claim, witness(&evidence)), WIDTH);
    }
}

/// The envelope as lines of a requirements file, with the reasons as comments.
#[must_use]
pub fn needs_requirements(envelope: &Envelope, not_read: &[NotRead], knowledge: &str) -> String {
    let mut out = String::new();
    let mut comment = |text: &str| wrapped(&mut out, "# ", "#   ", text, WIDTH);
    let paths = joined(envelope.models.iter().map(|model| &model.path));
    let need = if envelope.models.len() == 1 { "needs" } else { "need" };
    comment(&format!("what {paths} {need}, by envcheck {} (knowledge of {knowledge})", env!("CARGO_PKG_VERSION")));
    if let Some(smallest) = envelope.smallest() {
        if let Some(said) = &smallest.pythons {
            comment(&format!("Pythons with a wheel of onnxruntime {}: {}", smallest.version, pythons(&said.value)));
        }
        if let Some(said) = &smallest.glibc {
            comment(&format!("its Linux wheels need glibc {} or newer", said.value));
        }
    }
    for issue in &envelope.issues {
        comment(&format!("no onnxruntime loads {}: {issue}", issue.model));
    }
    for need in envelope.refused().filter(|need| need.packages.is_empty()) {
        comment(&format!("no package is known for {}", domain(need)));
    }
    for model in &envelope.models {
        for data in &model.external_data {
            comment(&format!("{}: {}", model.path, external(data)));
        }
    }
    for part in not_read {
        comment(&format!("not read in {}: {}", part.path, part.reason));
    }
    for line in envelope.requirements() {
        for reason in &line.reasons {
            wrapped(&mut out, "# ", "#   ", reason, WIDTH);
        }
        let _ = writeln!(out, "{}", line.requirement);
    }
    out
}

/// The envelope as JSON, version 1. Its schema is `needs.schema.json` beside this file.
#[must_use]
pub fn needs_json(envelope: &Envelope, not_read: &[NotRead], knowledge: &str) -> String {
    let models: Vec<Value> = envelope.models.iter().map(|model| model_json(model, envelope)).collect();
    let domains = envelope.domains.iter().map(|need| {
        json!({
            "name": need.name,
            "operators": need.operators,
            "models": need.models,
            "loads": need.loads,
            "packages": need.packages,
            "provided-by": need.provided_by,
        })
    });
    let issues = envelope.issues.iter().map(|issue| {
        json!({ "model": issue.model, "domain": issue.domain, "name": issue.name, "reason": issue.to_string() })
    });
    let deciding = envelope.deciding().into_iter().map(|(path, demand)| {
        let mut map = property_json(&demand.property);
        map.insert("model".into(), path.into());
        map.insert("reason".into(), demand.sentence("").into());
        Value::Object(map)
    });
    let tensorrt = envelope.tensorrt.as_ref().map(|need| {
        let releases: Vec<String> = need.releases.iter().map(ToString::to_string).collect();
        json!({ "opset": need.opset, "releases": releases })
    });
    let requirements = envelope.requirements();
    let requirements = requirements.iter().map(|line| json!({ "line": line.requirement, "reasons": line.reasons }));
    let not_read: Vec<Value> =
        not_read.iter().map(|part| json!({ "path": part.path, "reason": part.reason })).collect();
    json_text(&json!({
        "version": 1,
        "tool": { "name": "envcheck", "version": env!("CARGO_PKG_VERSION"), "knowledge": knowledge },
        "models": models,
        "ir-version": envelope.ir,
        "opsets": opsets_json(&envelope.opsets),
        "element-types": envelope.element_types,
        "domains": domains.collect::<Vec<_>>(),
        "unloadable": issues.collect::<Vec<_>>(),
        "onnxruntime": {
            "first": envelope.first.as_ref().map(ToString::to_string),
            "first-with-kernels": envelope.kernels.as_ref().map(ToString::to_string),
            "decided-by": deciding.collect::<Vec<_>>(),
            "releases": envelope.releases.iter().map(release_values).collect::<Vec<_>>(),
        },
        "tensorrt": tensorrt,
        "requirements": requirements.collect::<Vec<_>>(),
        "not-read": not_read,
        "sources": sources_json(envelope.reasons().into_iter().map(Evidence::from)),
    }))
}

/// What is known of a release as a JSON value, with its sources.
#[must_use]
pub fn release_json(release: &OnnxRelease) -> Value {
    let mut value = release_values(release);
    if let Some(map) = value.as_object_mut() {
        map.insert("sources".into(), sources_json(release.reasons().into_iter().map(Evidence::from)));
    }
    value
}

fn release_values(release: &OnnxRelease) -> Value {
    let numpy = release.numpy.as_ref().map(|said| {
        let NumpyRange { range, neighbour } = &said.value;
        let of = neighbour.as_ref().unwrap_or(&release.version);
        json!({ "range": range, "of-release": of.to_string() })
    });
    let list = |said: &Vec<PythonVersion>| said.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "component": release.component,
        "version": release.version.to_string(),
        "checks-models": !release.unchecked,
        "opset": release.opset,
        "opset-with-kernels": release.usable_opset.or(release.opset),
        "ml-opset": release.ml_opset,
        "ir-version": release.ir,
        "python": release.pythons.as_ref().map(|said| list(&said.value)),
        "numpy": numpy,
        "with-numpy-2": release.with_numpy2().map(|(word, _)| word),
        "glibc": release.glibc.as_ref().map(|said| said.value.to_string()),
        "cuda": release.gpu.as_ref().map(|said| said.value.cuda.to_string()),
        "cudnn": release.gpu.as_ref().map(|said| said.value.cudnn.to_string()),
    })
}

fn model_json(model: &ModelNeeds, envelope: &Envelope) -> Value {
    let demands = model.demands.iter().map(|demand| {
        let mut map = property_json(&demand.property);
        map.insert("first".into(), demand.first.as_ref().map(ToString::to_string).into());
        Value::Object(map)
    });
    let external = model
        .external_data
        .iter()
        .map(|data| json!({ "location": data.location, "tensors": data.tensors, "needed-bytes": data.needed_bytes }));
    json!({
        "path": model.path,
        "producer": model.producer,
        "ir-version": model.ir,
        "opsets": opsets_json(&model.opsets),
        "unimported": model.unimported,
        "opsets-of-functions": model.of_functions,
        "operators": model.operators,
        "element-types": model.element_types,
        "external-data": external.collect::<Vec<_>>(),
        "onnxruntime": model.first.as_ref().map(ToString::to_string),
        "decides": envelope.deciding().iter().any(|(path, _)| *path == model.path),
        "demands": demands.collect::<Vec<_>>(),
    })
}

fn opsets_json(opsets: &std::collections::BTreeMap<String, Opset>) -> Value {
    opsets.iter().map(|(domain, opset)| (domain.clone(), Value::from(opset.0))).collect::<Map<_, _>>().into()
}

fn property_json(property: &Property) -> Map<String, Value> {
    let (component, domain, value) = match property {
        Property::Opset(domain, opset) => ("onnx-opset", Some(domain), opset.0),
        Property::Ir(ir) => ("onnx-ir", None, ir.0),
    };
    let mut map = Map::new();
    map.insert("component".into(), component.into());
    map.insert("domain".into(), domain.cloned().into());
    map.insert("value".into(), value.into());
    map
}

fn sources_json(evidence: impl Iterator<Item = Evidence>) -> Value {
    evidence
        .map(|Evidence { claim, source, locator, checked, own_row }| {
            json!({ "about": claim, "source": source, "locator": locator, "checked": checked, "own_row": own_row })
        })
        .collect()
}
