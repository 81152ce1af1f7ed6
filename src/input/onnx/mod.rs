//! ONNX models: the file is walked where it lies, weights are stepped over, external data is never opened.
//!
//! Specification: <https://github.com/onnx/onnx/blob/main/docs/IR.md> and
//! <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>.
//!
//! Read: IR version, producer, model domain and version, metadata, operator set imports (of the model and of its local
//! functions), the operators of all nodes (in subgraphs, local functions and training graphs too), inputs and outputs,
//! element types, and where external data is stored.
//!
//! Skipped: the elements of tensors, attributes that hold neither tensor, type nor graph, documentation, quantization
//! annotations, device configurations. Skipped with a note: what exceeds a limit (see `walk`), operator set imports
//! without a version or with two, nodes without an operator, external tensors without a file.

mod forms;
mod lowering;
mod messages;
mod other;
mod schema;
mod view;
mod walk;
mod wire;

use self::{
    messages::model,
    walk::NotRead,
    wire::{Fields, Part, Value},
};
use std::path::Path;

pub use lowering::Lowering;

use super::{Claim, Files, Format, Probe, Reading, Skipped, files::normalise};
use crate::{
    fact::{ExternalFile, Fact, FactKind, Standing, Witness},
    text::{FileId, Place, Span, floor_char_boundary, is_hidden},
};

pub(super) static FORMAT: Format = Format { name: "onnx", about: "an ONNX model", claims, read };

fn claims(probe: &Probe<'_>) -> Claim {
    let extension = probe.name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension.eq_ignore_ascii_case("onnx") { Claim::Certain } else { by_content(probe.bytes) }
}

/// Top-level fields that are looked at before a file is believed.
const PROBED_FIELDS: usize = 10_000;

/// Whether the file begins with a plausible IR version and goes on as a model does, to the end.
///
/// TensorFlow's and Core ML's models and `TensorProto` files begin alike; none of them has a graph in field 7 and only
/// fields of a model beside it.
fn by_content(bytes: &[u8]) -> Claim {
    if bytes.first() != Some(&0x08) {
        return Claim::No;
    }
    let mut has_graph = false;
    let mut fields = Fields::new(bytes, Part::whole(bytes), &messages::MODEL);
    for at in 0..PROBED_FIELDS {
        let field = match fields.pull() {
            Ok(Some(field)) => field,
            Ok(None) => break,
            // A download that broke off in the graph: enough to say so if the user names the file.
            Err(fault) if at > 0 && fault.is_cut_off() && (has_graph || fault.is_in(model::GRAPH)) => {
                return Claim::Named;
            }
            Err(_) => return Claim::No,
        };
        let fits = match (field.number, field.value) {
            (model::IR_VERSION, Value::Number(ir)) => walk::is_plausible(ir.cast_signed()),
            (model::MODEL_VERSION, Value::Number(_)) => true,
            (model::GRAPH, Value::Bytes(part)) => {
                has_graph = true;
                Fields::new(bytes, part, &messages::GRAPH)
                    .pull()
                    .is_ok_and(|first| first.is_some_and(|first| matches!(first.value, Value::Bytes(_))))
            }
            (number, Value::Bytes(_)) => {
                !matches!(number, model::IR_VERSION | model::MODEL_VERSION) && messages::MODEL.field(number).is_some()
            }
            (_, Value::Number(_) | Value::Fixed) => false,
        };
        if !fits {
            return Claim::No;
        }
    }
    if has_graph { Claim::Likely } else { Claim::No }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let content = files.bytes(file);
    let found = match walk::read(&content, files.shown_path(file)) {
        Ok(found) => found,
        Err(fault) => return Reading::faulty(message(&content, &fault), first_line(files, file)),
    };
    let mut model = found.model;
    if let Some(folder) = files.disk_path(file).and_then(Path::parent) {
        for external in &mut model.external_data {
            external.found = look(folder, &external.location);
        }
    }
    model.witness = Witness::File;
    files.set_view(file, view::render(&mut model));
    let place = Place { file, span: model.ir_span.unwrap_or_default() };
    let skipped = found.notes.into_iter().map(|reason| Skipped { place, reason }).collect();
    let fact = Fact { kind: FactKind::Model(Box::new(model)), standing: Standing::Observed, place };
    Reading { facts: vec![fact], skipped, fault: None }
}

/// What lies at the place of external data; nothing is opened, and nothing outside the model's folder is looked at.
fn look(folder: &Path, location: &str) -> ExternalFile {
    let (folder, wanted) = (normalise(folder), normalise(&folder.join(location)));
    if !wanted.starts_with(&folder) {
        return ExternalFile::Outside;
    }
    match std::fs::metadata(&wanted) {
        Ok(metadata) if metadata.is_file() => ExternalFile::Bytes(metadata.len()),
        Ok(_) => ExternalFile::NoFile,
        Err(_) => ExternalFile::Missing,
    }
}

/// What was found in place of a model.
fn message(bytes: &[u8], fault: &NotRead) -> String {
    if let Some(what) = other::describe(bytes) {
        return format!("expected an ONNX model, found {what}");
    }
    match fault {
        NotRead::Wire(fault, true) if fault.is_cut_off() => {
            format!("expected a whole ONNX model, found one that is cut off: {fault}")
        }
        NotRead::Wire(fault, true) => format!("expected a sound ONNX model, found a broken one: {fault}"),
        NotRead::Wire(fault, false) => format!("expected an ONNX model, found something else: {fault}"),
        NotRead::NoModel { ir: Some(ir), graph: false } => {
            format!("expected an ONNX model, found `ir_version` {ir} but no graph")
        }
        NotRead::NoModel { ir: Some(ir), graph: true } => {
            format!("expected an ONNX model with an `ir_version` from 1 to {}, found {ir}", walk::IR_LIMIT)
        }
        NotRead::NoModel { ir: None, graph: true } => {
            "expected an ONNX model, found a graph without an `ir_version`".to_owned()
        }
        NotRead::NoModel { ir: None, graph: false } => {
            "expected an ONNX model, found a file without `ir_version` and graph".to_owned()
        }
    }
}

/// The beginning of the first line, if the file is text.
fn first_line(files: &Files<'_>, file: FileId) -> Option<Place> {
    let text = files.text(file);
    let line = text.lines().next().filter(|line| !line.is_empty() && !line.chars().any(is_hidden))?;
    Some(Place { file, span: Span::new(0, floor_char_boundary(line, 120)) })
}
