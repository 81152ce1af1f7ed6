//! Facts as JSON values and as words, shared by the report, `inspect` and the lock.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{
    fact::{Dimension, Fact, FactKind, Model, Signature},
    text::{Form, Place, Sources, has_command, is_hidden, without_commands},
};

/// Path, line, column, offset and length. A place in a model's view has a path only: its lines are not lines of a file.
pub(super) fn place(sources: &Sources, place: Place) -> Map<String, Value> {
    let source = sources.get(place.file);
    let mut map = Map::new();
    map.insert("path".into(), source.path.clone().into());
    if source.form == Form::Text {
        let position = sources.position(place);
        map.insert("line".into(), position.line.into());
        map.insert("column".into(), position.column.into());
        map.insert("offset".into(), place.span.start.into());
        map.insert("length".into(), place.span.len().into());
    } else {
        for key in ["line", "column", "offset", "length"] {
            map.insert(key.into(), Value::Null);
        }
    }
    map
}

/// JSON as text, in which no character can move the cursor or reorder what a terminal shows.
#[must_use]
pub fn json_text(value: &Value) -> String {
    harmless(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// The same on one line.
pub(super) fn json_line(value: &Value) -> String {
    harmless(&value.to_string())
}

fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if character != '\n' && is_hidden(character) {
            // Outside of strings there is none, and inside this is how JSON spells it.
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    // Outside of strings there is none either.
    if has_command(&out) {
        out = without_commands(&out, "\\u005b");
    }
    out.push('\n');
    out
}

/// A fact with all that was read.
pub(super) fn fact(sources: &Sources, fact: &Fact) -> Value {
    let mut map = Map::new();
    map.insert("kind".into(), fact.kind.word().into());
    match &fact.kind {
        FactKind::Package(package) => {
            map.insert("name".into(), package.name.as_str().into());
            let extras: Vec<&str> = package.extras.iter().map(crate::fact::PackageName::as_str).collect();
            map.insert("extras".into(), extras.into());
            map.insert("specifier".into(), package.specifier.clone().into());
            map.insert("marker".into(), package.marker.as_ref().map(ToString::to_string).into());
            map.insert("url".into(), package.url.clone().into());
            map.insert("editable".into(), package.editable.into());
            map.insert("constraint".into(), package.constraint.into());
            let version = package.versions.single().map(ToString::to_string);
            for (key, value) in [
                ("version", version),
                ("build", package.build.clone()),
                ("requires-python", package.requires_python.clone()),
                ("cuda", package.cuda.as_ref().map(ToString::to_string)),
                ("index", package.index.as_ref().map(|index| index.url.clone())),
            ] {
                if let Some(value) = value {
                    map.insert(key.into(), value.into());
                }
            }
            for (key, values) in [("requires", &package.requires), ("tags", &package.tags)] {
                if !values.is_empty() {
                    map.insert(key.into(), values.clone().into());
                }
            }
        }
        FactKind::Gpu(gpu) => {
            map.insert("name".into(), gpu.name.clone().into());
            map.insert("truncated".into(), gpu.truncated.into());
            map.insert("compute-capability".into(), gpu.capability.map(|it| it.to_string()).into());
            map.insert("count".into(), gpu.count.into());
        }
        FactKind::Libc(libc) => {
            map.insert("name".into(), libc.family.clone().into());
            map.insert("version".into(), libc.version.to_string().into());
        }
        FactKind::Image(image) => {
            map.insert("reference".into(), image.reference.clone().into());
            map.insert("digest".into(), image.digest.clone().into());
            map.insert("stage".into(), image.stage.clone().into());
            map.insert("cuda".into(), image.cuda.as_ref().map(ToString::to_string).into());
            map.insert("role".into(), image.role.word().into());
        }
        FactKind::SystemPackage(package) => {
            map.insert("manager".into(), package.manager.into());
            map.insert("name".into(), package.name.clone().into());
            map.insert("version".into(), package.version.clone().into());
        }
        FactKind::Variable(variable) => {
            map.insert("name".into(), variable.name.clone().into());
            map.insert("value".into(), variable.value.clone().into());
        }
        FactKind::ModelSource(model) => {
            map.insert("address".into(), model.address.clone().into());
            map.insert("delivery".into(), model.delivery.word().into());
            map.insert("by".into(), model.by.clone().into());
        }
        FactKind::PackageIndex(index) => {
            map.insert("url".into(), index.url.clone().into());
            map.insert("only".into(), index.only.into());
        }
        FactKind::Server(server) => {
            map.insert("name".into(), server.name.clone().into());
            map.insert("version".into(), server.version.clone().into());
        }
        FactKind::Library(library) => {
            map.insert("name".into(), library.name.clone().into());
            map.insert("version".into(), library.version.as_ref().map(ToString::to_string).into());
            map.insert("from".into(), library.from.clone().into());
            let libc = library.requires_libc.as_ref().map(|libc| format!("{} {}", libc.family, libc.version));
            for (key, value) in [("requires-libc", libc), ("cuda", library.cuda.as_ref().map(ToString::to_string))] {
                if let Some(value) = value {
                    map.insert(key.into(), value.into());
                }
            }
        }
        FactKind::Model(model) => map.extend(self::model(model)),
        FactKind::ExecutionProviders(providers) => {
            map.insert("providers".into(), providers.clone().into());
        }
        FactKind::BuildsExtensions(builds) => {
            map.insert("value".into(), (*builds).into());
        }
        kind => {
            let (key, text) = scalar(kind).unwrap_or(("value", String::new()));
            map.insert(key.into(), text.into());
        }
    }
    map.insert("standing".into(), fact.standing.to_string().into());
    map.extend(place(sources, fact.place));
    Value::Object(map)
}

/// Kinds that are one version or one word.
fn scalar(kind: &FactKind) -> Option<(&'static str, String)> {
    Some(match kind {
        FactKind::Python(it) => ("version", it.to_string()),
        FactKind::Driver(it) => ("version", it.spelled()),
        FactKind::DriverCuda(it) | FactKind::Cuda(it) | FactKind::HostCuda(it) => ("version", it.to_string()),
        FactKind::Cudnn(it) => ("version", it.to_string()),
        FactKind::TensorRt(it) => ("version", it.to_string()),
        FactKind::Implementation(it)
        | FactKind::Os(it)
        | FactKind::Distribution(it)
        | FactKind::Architecture(it)
        | FactKind::NoDriver(it)
        | FactKind::Device(it)
        | FactKind::HostOs(it)
        | FactKind::InstanceType(it)
        | FactKind::Accelerator(it)
        | FactKind::EnvironmentName(it)
        | FactKind::Role(it) => ("value", it.clone()),
        _ => return None,
    })
}

/// Component and version of a fact, for the report's list; `None` for facts without either.
pub(super) fn component(fact: &Fact) -> Option<(String, Option<String>)> {
    let named = |word: &str, version: String| Some((word.to_owned(), Some(version)));
    match &fact.kind {
        FactKind::Package(package) => {
            let version = package.versions.single().map(ToString::to_string);
            let version = version.or_else(|| (!package.specifier.is_empty()).then(|| package.specifier.clone()));
            Some((package.name.to_string(), version))
        }
        FactKind::Gpu(gpu) => named("gpu", gpu.name.clone().or(gpu.capability.map(|it| it.to_string()))?),
        FactKind::Libc(libc) => named("libc", format!("{} {}", libc.family, libc.version)),
        FactKind::Image(image) => named("image", image.reference.clone()),
        FactKind::Server(server) => {
            let version = server.version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
            named("server", format!("{}{version}", server.name))
        }
        FactKind::Library(library) => Some((library.name.clone(), library.version.as_ref().map(ToString::to_string))),
        FactKind::PackageIndex(index) => named("package-index", index.url.clone()),
        FactKind::SystemPackage(package) => Some((package.name.clone(), package.version.clone())),
        FactKind::Variable(variable) => Some((variable.name.clone(), variable.value.clone())),
        FactKind::ModelSource(model) => named("model-source", model.address.clone()),
        FactKind::Model(model) => named("model", model.path.clone()),
        FactKind::ExecutionProviders(providers) => named("execution-provider", providers.join(", ")),
        FactKind::BuildsExtensions(builds) => named("builds-extensions", builds.to_string()),
        FactKind::EnvironmentName(_) | FactKind::Role(_) => None,
        kind => scalar(kind).map(|(_, text)| (kind.word().to_owned(), Some(text))),
    }
}

/// What is known of a model.
pub(super) fn model(model: &Model) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("path".into(), model.path.clone().into());
    map.insert("format".into(), model.format.clone().into());
    let producer = model.producer.as_ref().map(|producer| match &producer.version {
        Some(version) => format!("{} {version}", producer.name),
        None => producer.name.clone(),
    });
    map.insert("producer".into(), producer.into());
    if let Some(ir) = model.ir_version {
        map.insert("ir-version".into(), ir.0.into());
    }
    if !model.opsets.is_empty() {
        let opsets: Map<String, Value> =
            model.opsets.iter().map(|(domain, it)| (domain.clone(), it.0.into())).collect();
        map.insert("opsets".into(), opsets.into());
    }
    if model.format.as_deref() == Some("onnx") {
        let operators: Map<String, Value> = model
            .operators
            .iter()
            .map(|(domain, operators)| (domain.clone(), operators.keys().cloned().collect::<Vec<_>>().into()))
            .collect();
        map.insert("operators".into(), operators.into());
        let functions: Vec<&String> = model.functions.iter().collect();
        map.insert("functions".into(), json!(functions));
        let types: Vec<&String> = model.element_types.iter().collect();
        map.insert("element-types".into(), json!(types));
        map.insert("metadata".into(), json!(model.metadata));
        let external: Vec<Value> = model
            .external_data
            .iter()
            .map(
                |data| json!({ "location": data.location, "tensors": data.tensors, "needed-bytes": data.needed_bytes }),
            )
            .collect();
        map.insert("external-data".into(), external.into());
    }
    for (key, signatures) in [("inputs", &model.inputs), ("outputs", &model.outputs)] {
        let list: Vec<Value> = signatures.iter().map(signature).collect();
        map.insert(key.into(), list.into());
    }
    if let Some(python) = &model.python {
        map.insert("python".into(), python.to_string().into());
    }
    for (key, values) in [("requires", &model.requires), ("classes", &model.classes)] {
        if !values.is_empty() {
            map.insert(key.into(), values.clone().into());
        }
    }
    if let Some(gpu) = model.gpu {
        map.insert("gpu".into(), gpu.to_string().into());
    }
    if let Some(sha256) = &model.sha256 {
        map.insert("sha256".into(), sha256.clone().into());
    }
    map
}

fn signature(signature: &Signature) -> Value {
    let shape = signature.shape.as_ref().map(|shape| {
        let sizes = shape.iter().map(|dimension| match dimension {
            Dimension::Fixed(size) => Value::from(*size),
            Dimension::Symbol(name) => Value::from(name.clone()),
            Dimension::Unknown => Value::Null,
        });
        sizes.collect::<Vec<_>>()
    });
    json!({ "name": signature.name, "dtype": signature.dtype, "shape": shape })
}
