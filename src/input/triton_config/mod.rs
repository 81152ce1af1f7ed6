//! Triton's model configuration (`config.pbtxt`).
//!
//! Documentation: <https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html>
//!
//! Read: the format that the platform or the backend stands for, the inputs that every request has, those that the server
//! fills itself (controls and states of sequences, numbers about ragged batches), outputs, the versions that are loaded, and
//! whether instances run on a GPU. The batch dimension, which `max_batch_size` adds, is part of the shapes; the model sees a
//! ragged input as one axis. Outputs beside a `batch_output` have no shape that the model must share.
//! Skipped with a note: place holders (`${...}`), ensembles, element types that Triton does not have, and fields that are not
//! known here, of which most are misspelt: Triton refuses those.

mod pbtxt;

use super::{Claim, Files, Format, Probe, Reading};
use crate::{
    fact::{Dimension, Fact, FactKind, Model, Signature, Standing, TritonConfig, TritonVersions, Witness},
    text::{FileId, Place, Span, floor_char_boundary},
};
use pbtxt::{Field, Value, all, one};

pub(super) static FORMAT: Format = Format {
    name: "triton-config",
    about: "Triton's model configuration, config.pbtxt",
    claims,
    read,
};

const PROBE_LIMIT: usize = 64 << 10;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|_| probe.name.to_ascii_lowercase().contains(".pbtxt")) else { return Claim::No };
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    let has = |names: &[&str]| {
        text.lines().any(|line| {
            let end = line.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_')).unwrap_or(line.len());
            names.contains(&&line[..end])
        })
    };
    let own = has(&["platform", "backend", "max_batch_size", "instance_group", "default_model_filename", "ensemble_scheduling"]);
    match (probe.name == "config.pbtxt", own) {
        (true, true) => Claim::Certain,
        (false, true) => Claim::Likely,
        (true, false) if has(&["name", "input", "output"]) => Claim::Likely,
        _ => Claim::No,
    }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let fields = match pbtxt::parse(&text) {
        Ok(fields) => fields,
        Err(fault) => {
            let at = floor_char_boundary(&text, fault.at);
            let span = Span::new(at, at);
            if ["{{", "{%", "${"].iter().any(|mark| text.contains(mark)) {
                let mut reading = Reading::default();
                reading.skip(file, span, "a template, not expanded: name the configuration that is made from it");
                return reading;
            }
            let message = format!("broken text format: expected {}", fault.expected);
            return Reading::faulty(message, Some(Place { file, span }));
        }
    };
    let mut reader = Reader { file, out: Reading::default() };
    reader.config(&fields, files.shown_path(file));
    let mut out = reader.out;
    out.facts.sort_by_key(|fact| (fact.place.span.start, fact.place.span.end));
    out.skipped.sort_by_key(|skipped| skipped.place.span.start);
    out
}

/// Platforms and backends, and the formats of model files that they load.
const FORMATS: [(&str, &str); 13] = [
    ("onnxruntime_onnx", "onnx"),
    ("onnxruntime", "onnx"),
    ("tensorrt_plan", "tensorrt-plan"),
    ("tensorrt", "tensorrt-plan"),
    ("pytorch_libtorch", "torchscript"),
    ("pytorch", "torchscript"),
    ("tensorflow_savedmodel", "saved-model"),
    ("tensorflow_graphdef", "graph-def"),
    ("openvino", "openvino"),
    ("python", "python"),
    ("tensorrtllm", "tensorrt-llm"),
    ("dali", "dali"),
    ("vllm", "vllm"),
];

/// Fields of a configuration.
const FIELDS: [&str; 25] = [
    "backend",
    "batch_input",
    "batch_output",
    "cc_model_filenames",
    "default_model_filename",
    "dynamic_batching",
    "ensemble_scheduling",
    "input",
    "instance_group",
    "max_batch_size",
    "metric_tags",
    "model_metrics",
    "model_operations",
    "model_repository_agents",
    "model_transaction_policy",
    "model_warmup",
    "name",
    "optimization",
    "output",
    "parameters",
    "platform",
    "response_cache",
    "runtime",
    "sequence_batching",
    "version_policy",
];

/// Fields of an input or output.
const TENSOR_FIELDS: [&str; 10] = [
    "allow_ragged_batch",
    "data_type",
    "dims",
    "format",
    "is_non_linear_format_io",
    "is_shape_tensor",
    "label_filename",
    "name",
    "optional",
    "reshape",
];

struct Reader {
    file: FileId,
    out: Reading,
}

impl Reader {
    fn state(&mut self, kind: FactKind, span: Span) {
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind, standing: Standing::Declared, place });
    }

    /// A word or text that no place holder stands for.
    fn known<'v>(&mut self, value: &'v Value<'_>) -> Option<(&'v str, Span)> {
        let (text, span) = value.text()?;
        if text.contains("${") {
            let reason = format!("`{text}` is a place holder");
            self.out.skip(self.file, span, reason);
            return None;
        }
        Some((text, span))
    }

    /// Notes fields that nobody knows.
    fn known_fields(&mut self, fields: &[Field<'_>], known: &[&str]) {
        for field in fields.iter().filter(|field| !field.name.is_empty() && !known.contains(&field.name)) {
            self.out.skip(self.file, field.span, format!("`{}` is no field that is known here", field.name));
        }
    }

    fn config(&mut self, fields: &[Field<'_>], path: &str) {
        self.known_fields(fields, &FIELDS);
        for tensor in ["input", "output"].iter().flat_map(|name| all(fields, name)) {
            self.known_fields(tensor.fields(), &TENSOR_FIELDS);
        }
        for group in all(fields, "instance_group") {
            let kind = one(group.fields(), "kind").and_then(|kind| self.known(kind));
            if let Some(("KIND_GPU" | "1", span)) = kind {
                self.state(FactKind::Device("cuda".to_owned()), span);
                break;
            }
        }
        let kind = ["platform", "backend"].iter().filter_map(|name| one(fields, name));
        let kind = kind.filter_map(|value| self.known(value)).find(|(text, _)| !text.is_empty());
        if let Some(("ensemble", span)) = kind {
            return self.out.skip(self.file, span, "an ensemble has no model file: name the configurations of its steps");
        }
        let file_name = one(fields, "default_model_filename").and_then(|value| self.known(value));
        let format = kind.map_or_else(
            || file_name.and_then(|(name, _)| of_file(name)).map(str::to_owned),
            |(kind, _)| FORMATS.iter().find(|(name, _)| *name == kind).map(|(_, format)| (*format).to_owned()),
        );
        if let (Some((kind, span)), None) = (kind, &format) {
            let reason = format!("which format the backend `{kind}` loads is not known");
            self.out.skip(self.file, span, reason);
        }
        let batch = match one(fields, "max_batch_size") {
            None => Some(false),
            Some(value) => self.known(value).and_then(|(text, _)| number(text)).map(|size| size > 0),
        };
        let named = one(fields, "name").and_then(Value::text);
        let (mut inputs, mut outputs) = (self.signatures(fields, "input", batch), self.signatures(fields, "output", batch));
        let filled = self.filled(fields, batch, &mut inputs, &mut outputs);
        let witness = Witness::Triton(TritonConfig {
            name: one(fields, "name").and_then(|value| self.known(value)).map(|(name, _)| name.to_owned()),
            file_name: file_name.map(|(name, _)| name.to_owned()),
            versions: versions(one(fields, "version_policy")),
            batches: batch == Some(true),
            more_inputs: !filled,
            optional: all(fields, "input").into_iter().map(Value::fields).filter(|it| holds(it, "optional")).filter_map(|it| one(it, "name")?.text()).map(|(name, _)| name.to_owned()).collect(),
            foreign: kind.is_some() && format.is_none(),
        });
        let model = Model {
            path: path.to_owned(),
            witness,
            format,
            inputs,
            outputs,
            ..Model::default()
        };
        let span = kind.or(file_name).or(named).map_or_else(Span::default, |(_, span)| span);
        self.state(FactKind::Model(Box::new(model)), span);
    }

    /// Inputs or outputs. `batch` says whether a batch dimension comes before what is written, if that is known.
    fn signatures(&mut self, fields: &[Field<'_>], name: &str, batch: Option<bool>) -> Vec<Signature> {
        let mut out = Vec::new();
        let any_shape = name == "output" && one(fields, "batch_output").is_some();
        for value in all(fields, name) {
            let tensor = value.fields();
            if holds(tensor, "optional") {
                continue;
            }
            let Some((name, span)) = one(tensor, "name").and_then(|name| self.known(name)) else { continue };
            let dtype = self.dtype(tensor);
            // What the model itself sees, where that is another shape.
            let reshaped = one(tensor, "reshape").map(|reshape| all(reshape.fields(), "shape"));
            let dims = reshaped.unwrap_or_else(|| all(tensor, "dims"));
            let mut shape: Vec<Dimension> = Vec::new();
            let stated = one(tensor, "reshape").is_some() || !dims.is_empty();
            let mut complete = batch.is_some() && stated && !any_shape;
            if batch == Some(true) {
                shape.push(Dimension::Unknown);
            }
            // The whole batch is one row of elements for the model.
            let ragged = holds(tensor, "allow_ragged_batch");
            complete &= !ragged || batch == Some(true);
            for dim in dims.into_iter().filter(|_| !ragged) {
                match self.known(dim).and_then(|(text, _)| number(text)) {
                    Some(size) if size >= 0 => shape.push(Dimension::Fixed(size)),
                    Some(_) => shape.push(Dimension::Unknown),
                    None => complete = false,
                }
            }
            let shape = complete.then_some(shape);
            out.push(Signature { name: name.to_owned(), dtype: dtype.map(str::to_owned), shape, span: Some(span) });
        }
        out
    }

    fn dtype(&mut self, tensor: &[Field<'_>]) -> Option<&'static str> {
        let (word, span) = one(tensor, "data_type").and_then(|value| self.known(value))?;
        let dtype = dtype(word);
        if dtype.is_none() {
            self.out.skip(self.file, span, format!("`{word}` is no element type of Triton"));
        }
        dtype
    }

    /// Adds what the server itself puts in and takes out: controls and states of sequences, and what it works out about
    /// batches. False if a name among them is not known.
    fn filled(
        &mut self,
        fields: &[Field<'_>],
        batch: Option<bool>,
        inputs: &mut Vec<Signature>,
        outputs: &mut Vec<Signature>,
    ) -> bool {
        let mut complete = true;
        let sequences = one(fields, "sequence_batching").map_or(&[][..], Value::fields);
        let mut add = |named: Option<(&str, Span)>, dtype: Option<&'static str>, shape, list: &mut Vec<Signature>| {
            let Some((name, span)) = named else {
                complete = false;
                return;
            };
            // Without a list of inputs, the server takes all from the model.
            if !list.is_empty() && list.iter().all(|it| it.name != name) {
                list.push(Signature { name: name.to_owned(), dtype: dtype.map(str::to_owned), shape, span: Some(span) });
            }
        };
        for input in all(sequences, "control_input") {
            let controls = all(input.fields(), "control");
            let control = controls.first().map_or(&[][..], |it| it.fields());
            let values = [("int32_false_true", "int32"), ("fp32_false_true", "float32"), ("bool_false_true", "bool")];
            let dtype = values.iter().find(|(name, _)| one(control, name).is_some()).map(|(_, dtype)| *dtype);
            let dtype = dtype.or_else(|| self.dtype(control));
            // A control has one value for each of the batch.
            let shape = batch.map(|batch| {
                let mut shape = vec![Dimension::Fixed(1)];
                if batch {
                    shape.insert(0, Dimension::Unknown);
                }
                shape
            });
            add(one(input.fields(), "name").and_then(|name| self.known(name)), dtype, shape, inputs);
        }
        for state in all(sequences, "state") {
            let dtype = self.dtype(state.fields());
            add(one(state.fields(), "input_name").and_then(|name| self.known(name)), dtype, None, inputs);
            add(one(state.fields(), "output_name").and_then(|name| self.known(name)), dtype, None, outputs);
        }
        for input in all(fields, "batch_input") {
            let dtype = self.dtype(input.fields());
            for name in all(input.fields(), "target_name") {
                add(self.known(name), dtype, None, inputs);
            }
        }
        complete
    }
}

/// Whether a field is true.
fn holds(fields: &[Field<'_>], name: &str) -> bool {
    one(fields, name).and_then(Value::text).is_some_and(|(word, _)| ["true", "True", "t", "1"].contains(&word))
}

/// A number as the text format writes it.
fn number(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        Some(digits) => i64::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

/// The versions that a policy lets Triton load; without one, the highest.
fn versions(policy: Option<&Value<'_>>) -> TritonVersions {
    let Some(policy) = policy else { return TritonVersions::default() };
    let number = |value: &Value<'_>| value.text().and_then(|(text, _)| text.parse::<u64>().ok());
    if let Some(latest) = one(policy.fields(), "latest") {
        let count = one(latest.fields(), "num_versions").map_or(Some(1), number);
        return count.map_or(TritonVersions::All, TritonVersions::Latest);
    }
    match one(policy.fields(), "specific") {
        Some(specific) => {
            let wanted: Option<Vec<u64>> = all(specific.fields(), "versions").into_iter().map(number).collect();
            wanted.map_or(TritonVersions::All, TritonVersions::Specific)
        }
        None => TritonVersions::All,
    }
}

fn of_file(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match ending {
        "onnx" => "onnx",
        "plan" | "engine" => "tensorrt-plan",
        "pt" => "torchscript",
        "savedmodel" => "saved-model",
        "graphdef" => "graph-def",
        "xml" => "openvino",
        "py" => "python",
        _ => return None,
    })
}

/// An element type in ONNX's words. A word of the enumeration may be written as its number.
fn dtype(word: &str) -> Option<&'static str> {
    Some(match word {
        "TYPE_BOOL" | "1" => "bool",
        "TYPE_UINT8" | "2" => "uint8",
        "TYPE_UINT16" | "3" => "uint16",
        "TYPE_UINT32" | "4" => "uint32",
        "TYPE_UINT64" | "5" => "uint64",
        "TYPE_INT8" | "6" => "int8",
        "TYPE_INT16" | "7" => "int16",
        "TYPE_INT32" | "8" => "int32",
        "TYPE_INT64" | "9" => "int64",
        "TYPE_FP16" | "10" => "float16",
        "TYPE_FP32" | "11" => "float32",
        "TYPE_FP64" | "12" => "float64",
        "TYPE_BF16" | "14" => "bfloat16",
        "TYPE_STRING" | "13" => "string",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
