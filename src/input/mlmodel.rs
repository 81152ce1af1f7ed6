//! `MLmodel` of `MLflow`: the file beside a model that says how it was saved.
//!
//! Documentation: <https://mlflow.org/docs/latest/ml/model/>
//!
//! Read: the model file of the ONNX and the scikit-learn flavor with the versions that wrote it, the Python and the `MLflow`
//! beside them, and the signature where it is one of tensors. Signatures of columns describe tables and say nothing about the
//! tensors of a model. The files of packages beside it are inputs of their own.
//! Skipped with a note: a signature that is no JSON, models of other flavors.

use serde_json::Value;

use super::{
    Claim, Files, Format, Probe, Reading,
    yaml::{self, Node},
};
use crate::{
    fact::{Dimension, Fact, FactKind, Model, NamedVersion, PackageName, Signature, Standing, Witness},
    text::{FileId, Place, Span},
};

pub(super) static FORMAT: Format =
    Format { name: "mlmodel", about: "MLflow's description of a saved model, MLmodel", claims, read };

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|_| probe.name.ends_with("MLmodel")) else { return Claim::No };
    if text.lines().any(|line| line.starts_with("flavors:")) { Claim::Certain } else { Claim::No }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let root = match yaml::documents(&text) {
        Ok(documents) => documents.into_iter().next(),
        Err(fault) => return fault.reading(file),
    };
    let Some(root) = root.filter(|root| root.is_map()) else {
        return Reading::faulty("expected a map with `flavors`, found none", None);
    };
    let mut reader = Reader { file, text: &text, out: Reading::default() };
    reader.model(&root, files.shown_path(file));
    reader.out
}

/// A flavor that is read: its key, the keys of its file and of its version, and the distribution that this is a version of.
const FLAVORS: [(&str, &str, &str, &str); 2] =
    [("onnx", "data", "onnx_version", "onnx"), ("sklearn", "pickled_model", "sklearn_version", "scikit-learn")];

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    out: Reading,
}

impl Reader<'_> {
    fn model(&mut self, root: &Node<'_>, path: &str) {
        let Some((key, flavors)) = root.entry("flavors") else { return };
        let flavor = FLAVORS.iter().find_map(|flavor| Some((flavor, flavors.get(flavor.0)?)));
        let Some(((name, data, version, distribution), flavor)) = flavor else {
            let entries = flavors.entries();
            let names = entries.iter().filter_map(|(key, _)| key.text());
            let names: Vec<&str> = names.filter(|name| *name != "python_function").collect();
            let reason = match names.as_slice() {
                [] => "a model of the flavor python_function alone is not read".to_owned(),
                names => format!("models of the flavor {} are not read", names.join(", ")),
            };
            return self.out.skip(self.file, key.span, reason);
        };
        let mut model = Model { path: path.to_owned(), witness: Witness::Mlflow, ..Model::default() };
        let mut span = key.span;
        if let Some(data) = flavor.get(data)
            && let Some(inside) = data.text().filter(|path| is_inside(path))
        {
            let folder = path.rfind(['/', '\\']).map_or("", |end| &path[..=end]);
            model.path = format!("{folder}{inside}");
            span = data.span;
        }
        model.format = match *name {
            "onnx" => Some("onnx".to_owned()),
            _ => flavor.text_of("serialization_format").map(str::to_owned),
        };
        if let Some(version) = flavor.get(version)
            && let Some(text) = version.text()
        {
            if *name == "onnx" {
                // The library that saved the file; what made the model is in the file.
                written_with(&mut model, distribution, text);
            } else {
                let version_text = Some(text.to_owned());
                model.producer = Some(NamedVersion { name: (*distribution).to_owned(), version: version_text });
                model.producer_span = Some(version.span);
                span = version.span;
            }
        }
        if let Some(text) = root.text_of("mlflow_version") {
            written_with(&mut model, "mlflow", text);
        }
        if let Some(python) = flavors.at(&["python_function", "python_version"])
            && let Some(text) = python.text()
        {
            match text.parse() {
                Ok(version) => model.python = Some(version),
                Err(fault) => self.out.skip(self.file, python.span, format!("{fault}")),
            }
        }
        if let Some(signature) = root.get("signature") {
            model.inputs = self.tensors(signature.get("inputs"));
            model.outputs = self.tensors(signature.get("outputs"));
        }
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind: FactKind::Model(Box::new(model)), standing: Standing::Declared, place });
    }

    /// The tensors of a list in JSON that stands in a text; nothing if one of them is something else.
    fn tensors(&mut self, node: Option<&Node<'_>>) -> Vec<Signature> {
        let Some((node, text)) = node.and_then(|node| Some((node, node.text()?))) else { return Vec::new() };
        let Ok(Value::Array(items)) = serde_json::from_str::<Value>(text) else {
            self.out.skip(self.file, node.span, "expected a list in JSON");
            return Vec::new();
        };
        let mut from = node.span.start;
        let mut out = Vec::new();
        for item in &items {
            let Some(tensor) = item.get("tensor-spec").filter(|_| item.get("type").is_some_and(|it| it == "tensor")) else {
                return Vec::new();
            };
            let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
            let span = self.find(name, from, node.span);
            from = span.end.min(node.span.end);
            let shape = tensor.get("shape").and_then(Value::as_array).and_then(|sizes| sizes.iter().map(dimension).collect());
            let dtype = tensor.get("dtype").and_then(Value::as_str).map(str::to_owned);
            out.push(Signature { name: name.to_owned(), dtype, shape, span: Some(span) });
        }
        out
    }

    /// Where a name stands in quotes; the whole text if it stands there in another form.
    fn find(&self, name: &str, from: usize, whole: Span) -> Span {
        let from = if from < whole.end { from } else { whole.start };
        let quoted = format!("\"{name}\"");
        let at = self.text.get(from..whole.end).filter(|_| !name.is_empty()).and_then(|text| text.find(&quoted));
        at.map_or(whole, |at| Span::new(from + at + 1, from + at + 1 + name.len()))
    }
}

fn written_with(model: &mut Model, distribution: &str, version: &str) {
    if let Ok(name) = PackageName::new(distribution) {
        model.written_with.insert(name, version.to_owned());
    }
}

fn dimension(value: &Value) -> Option<Dimension> {
    let size = value.as_i64()?;
    Some(if size < 0 { Dimension::Unknown } else { Dimension::Fixed(size) })
}

/// Whether a path stays in the folder of the file.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.starts_with(['/', '\\']) && !path.contains(':') && path.split(['/', '\\']).all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input::{Content, Defines},
        text::Sources,
    };

    fn reading(text: &str) -> Reading {
        let (mut sources, defines) = (Sources::default(), Defines::new());
        let mut files = Files::new(&mut sources, &defines);
        let file = files.add("run/model/MLmodel".to_owned(), Content::Owned(text.as_bytes().into()), None, None);
        read(&mut files, file)
    }

    fn model(text: &str) -> Model {
        match reading(text).facts.pop().map(|fact| fact.kind) {
            Some(FactKind::Model(model)) => *model,
            other => panic!("no model: {other:?}"),
        }
    }

    #[test]
    fn the_file_is_named_from_its_folder_and_never_outside() {
        let of = |data: &str| model(&format!("flavors:\n  onnx:\n    data: {data}\n")).path;
        assert_eq!(of("model.onnx"), "run/model/model.onnx");
        for outside in ["../model.onnx", "/tmp/model.onnx", "C:model.onnx", "''"] {
            assert_eq!(of(outside), "run/model/MLmodel");
        }
    }

    #[test]
    fn columns_are_no_tensors_and_a_broken_signature_is_said() {
        let signed = |inputs: &str| format!("flavors:\n  onnx: {{}}\nsignature:\n  inputs: '{inputs}'\n");
        assert!(model(&signed(r#"[{"type": "double", "name": "a"}]"#)).inputs.is_empty());
        let text = signed(r#"[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]"#);
        let input = model(&text).inputs.remove(0);
        assert_eq!(input.shape, Some(vec![Dimension::Unknown, Dimension::Fixed(3)]));
        let broken = reading(&signed("[{]"));
        assert_eq!(broken.skipped[0].reason, "expected a list in JSON");
        assert!(reading("[]").fault.is_some() && reading("a: [").fault.is_some());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_every_span_lies_inside(
            text in "(flavors:|signature:|\n|  |onnx:|sklearn:|data: |inputs: |'|\\[|\\]|\\{|\\}|\"name\": |\"type\": \"tensor\"|\"x\"|,|\\PC){0,30}"
        ) {
            let reading = reading(&text);
            let inside = |place: Place| text.get(place.span.start..place.span.end).is_some();
            proptest::prop_assert!(reading.facts.iter().all(|it| inside(it.place)));
            proptest::prop_assert!(reading.skipped.iter().all(|it| inside(it.place)));
            proptest::prop_assert!(reading.fault.iter().filter_map(|it| it.place).all(inside));
        }
    }
}
