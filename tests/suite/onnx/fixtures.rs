//! The models under `fixtures/inputs/onnx`, and what a user sees of them.

use std::{fs, path::PathBuf};

use envcheck::{
    fact::Dimension,
    input::{Claim, Content, FORMATS, Probe, recognise},
    version::Opset,
};

use super::{build, format, read, read_content};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/inputs/onnx")
}

/// Every fixture and its bytes.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let classifier = build::bytes(&build::classifier());
    let cut_off = classifier[..classifier.len() / 2].to_vec();
    vec![
        ("classifier.onnx", classifier),
        ("cut-off.onnx", cut_off),
        ("external-weights.onnx", build::bytes(&build::external_weights())),
        (
            "lfs-pointer.onnx",
            format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 102146502\n", "ab".repeat(32))
                .into(),
        ),
        ("nested.onnx", build::bytes(&build::nested())),
        ("sequences.onnx", build::bytes(&build::sequences())),
    ]
}

#[test]
#[ignore = "writes the fixtures: cargo test --test suite write_fixtures -- --ignored"]
fn write_fixtures() {
    fs::create_dir_all(folder()).unwrap();
    for (name, bytes) in all() {
        fs::write(folder().join(name), bytes).unwrap();
    }
}

#[test]
fn the_fixtures_are_what_builds_them() {
    let mut found: Vec<String> =
        fs::read_dir(folder()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    assert_eq!(found, all().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    for (name, bytes) in all() {
        assert!(fs::read(folder().join(name)).unwrap() == bytes, "{name} differs: run `write_fixtures`");
    }
}

#[test]
fn what_a_user_sees() {
    for (name, _) in all() {
        let read = read_content(Content::open(&folder().join(name)).unwrap());
        read.check_places();
        let mut shown = read.view.clone();
        if let Some(fault) = &read.reading.fault {
            shown = format!("fault: {}\n", fault.message);
        }
        for reason in read.reasons() {
            shown.push_str("skipped: ");
            shown.push_str(reason);
            shown.push('\n');
        }
        insta::assert_snapshot!(name.trim_end_matches(".onnx"), shown);
    }
}

#[test]
fn operators_are_found_wherever_they_stand() {
    let read = read(&build::bytes(&build::nested()));
    let model = read.model();
    assert_eq!(model.path, "models/model.onnx");
    assert_eq!(model.format.as_deref(), Some("onnx"));
    let standard = &model.operators["ai.onnx"];
    let names: Vec<&str> = standard.keys().map(String::as_str).collect();
    assert_eq!(names, ["Gelu", "If", "Loop", "Mul", "Scan", "Sigmoid"]);
    // Twice below `If`, twice below `Many`, once in a function, once in a loop of another function.
    assert_eq!(standard["Mul"].count, 6);
    assert_eq!(standard["Mul"].first_node, "inner/mul");
    assert_eq!(standard["Mul"].opset, Some((Opset(18), Opset(20))));
    assert_eq!(standard["Sigmoid"].first_node, "graph.node[0].then_branch.node[0].body.node[1]");
    assert_eq!(standard["Gelu"].opset, Some((Opset(20), Opset(20))));
    assert_eq!(standard["Gelu"].first_node, "function Norm.node[1]");
    assert_eq!(read.at(standard["Gelu"].span), "ai.onnx Gelu");
    // The model imports no training operators, so no version is known.
    assert_eq!(model.operators["ai.onnx.preview.training"]["Adam"].opset, None);
    assert_eq!(model.operators["ai.onnx.ml"]["LabelEncoder"].opset, Some((Opset(3), Opset(3))));
    // One call names an overload that is not defined: that is an operator use.
    assert_eq!(model.operators["local"]["Norm"].count, 1);
    assert!(model.functions.iter().eq(["local::Norm::fast", "local::Norm::slow"]));
    assert_eq!(model.function_opsets["local::Norm::fast"]["ai.onnx"], Opset(20));
    assert_eq!(model.function_opsets.len(), 1);
}

#[test]
fn initialisers_are_no_inputs_and_external_files_are_named() {
    let read = read(&build::bytes(&build::external_weights()));
    let model = read.model();
    assert_eq!(model.inputs.len(), 1);
    assert_eq!(model.inputs[0].name, "x");
    assert_eq!(model.inputs[0].shape, Some(vec![Dimension::Unknown, Dimension::Fixed(16)]));
    assert_eq!(read.at(model.inputs[0].span), "x float32[?,16]");
    assert_eq!(read.at(model.opset_spans.get("ai.onnx").copied()), "ai.onnx 9");
    assert_eq!(read.at(model.ir_span), "ir_version: 3");
    assert_eq!(read.at(model.producer_span), "keras2onnx");
    let files: Vec<_> =
        model.external_data.iter().map(|it| (it.location.as_str(), it.tensors, it.needed_bytes)).collect();
    assert_eq!(files, [("weights.bin", 2, Some(8194)), ("../other.bin", 1, Some(8))]);
    assert_eq!(model.domain.as_deref(), Some("com.example"));
    assert_eq!(model.model_version, Some(2));
}

#[test]
fn types_that_are_no_tensors_are_spelled() {
    let read = read(&build::bytes(&build::sequences()));
    let model = read.model();
    let words: Vec<_> = model.inputs.iter().chain(&model.outputs).map(|it| it.dtype.as_deref().unwrap()).collect();
    assert_eq!(
        words,
        ["string", "optional(sequence(float16))", "sparse(float64)", "int64", "sequence(map(int64,float32))"]
    );
    assert!(model.element_types.contains("bfloat16"), "`to` of Cast names a type: {:?}", model.element_types);
}

fn claim(name: &str, bytes: &[u8]) -> Claim {
    (format().claims)(&Probe { name, bytes, text: std::str::from_utf8(bytes).ok() })
}

#[test]
fn models_are_recognised_by_name_or_by_content() {
    let bytes = build::bytes(&build::classifier());
    assert_eq!(claim("MODEL.ONNX", b""), Claim::Certain);
    assert_eq!(claim("model.bin", &bytes), Claim::Likely);
    assert_eq!(claim("onnx", &bytes), Claim::Likely);
    assert_eq!(claim("model.bin", &bytes[..bytes.len() / 3]), Claim::Named);
    assert_eq!(claim("model.onnx.data", &[0; 64]), Claim::No);
    // A tensor of shape [3] (`TensorProto`), a SavedModel, a Core ML model, and nothing at all.
    assert_eq!(claim("input_0.pb", &[0x08, 0x03, 0x10, 0x01, 0x4a, 0x01, 0x00]), Claim::No);
    assert_eq!(claim("saved_model.pb", &[0x08, 0x01, 0x12, 0x02, 0x0a, 0x00]), Claim::No);
    assert_eq!(claim("a.mlmodel", &[0x08, 0x04, 0x12, 0x02, 0x0a, 0x00, 0xa2, 0x1f, 0x00]), Claim::No);
    assert_eq!(claim("empty", b""), Claim::No);
    assert_eq!(claim("text", b"\x08torch==2.1.0\n"), Claim::No);
    let probe = Probe { name: "weights", bytes: &bytes, text: None };
    assert_eq!(recognise(&probe, Claim::Likely).map(|it| it.name), Some("onnx"));
    assert!(!FORMATS.is_empty());
}
