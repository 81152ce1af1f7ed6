//! What a user sees of every rule: one snapshot a rule, and the models that the fixtures of rules load.
//!
//! A snapshot shows the whole screen for `fires`, then one line for each finding of this rule in the other cases.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use envcheck::rules::RULES;
use onnx_protobuf::{
    AttributeProto, FunctionProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, attribute_proto,
    tensor_shape_proto::{Dimension, dimension},
    type_proto::{self, Value as Kind},
};
use protobuf::{MessageField, SpecialFields};

use super::cases::{Case, cases, findings, reports, root};

#[test]
fn what_a_user_sees_of_each_rule() {
    for rule in RULES {
        let mut shown = String::new();
        for (case, report) in reports().iter().filter(|(case, _)| case.rule == rule.name && case.fires()) {
            if case.name == "fires" {
                let run = case.run(&["--color", "never"]);
                let _ = writeln!(shown, "{}\nexit code {}\n", run.stdout, run.code);
                assert_eq!(run.stderr, "", "{}", case.path());
                continue;
            }
            for finding in findings(report, rule.code) {
                let word = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
                let _ = writeln!(
                    shown,
                    "{}: {} ({}) {}\n  fix: {}",
                    case.name,
                    word("severity"),
                    word("impact"),
                    word("message"),
                    word("help")
                );
            }
        }
        insta::assert_snapshot!(rule.name, shown);
    }
}

/// The JSON report of a case, with what changes at every release replaced.
fn json(rule: &str, name: &str) -> String {
    let case = Case { rule: rule.to_owned(), name: name.to_owned() };
    redacted(&case.run(&["--format", "json"]).stdout)
}

pub(super) fn redacted(report: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in report.lines() {
        let indent = line.len() - line.trim_start().len();
        match line.trim_start().split_once(": ") {
            Some(("\"knowledge\"", _)) => lines.push(format!("{}\"knowledge\": \"[date]\",", &line[..indent])),
            Some(("\"version\"", value))
                if value.trim_end_matches(',').trim_matches('"') == env!("CARGO_PKG_VERSION") =>
            {
                lines.push(format!("{}\"version\": \"[version]\"", &line[..indent]));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

#[test]
fn rich_cases_as_programs_see_them() {
    insta::assert_snapshot!("json-driver-too-old", json("driver-too-old", "fires-several-packages"));
    insta::assert_snapshot!("json-opset-too-new", json("opset-too-new", "fires"));
    insta::assert_snapshot!("json-build-drift", json("build-drift", "fires"));
}

/// A node in a chain, with the weights that its operator needs.
fn node(
    operator: &str,
    domain: &str,
    name: &str,
    takes: &str,
    makes: &str,
    weights: &mut Vec<TensorProto>,
) -> NodeProto {
    // A first node meets the input itself.
    let rows = if takes == "image" { 512 } else { 1 };
    let sizes: &[(i32, &[i64])] = match operator {
        "Conv" | "FusedConv" => &[(FLOAT32, &[2, 3, 1, 1])],
        "Gather" => &[(INT64, &[1])],
        "Gemm" => &[(FLOAT32, &[rows, 1])],
        "GroupNormalization" => &[(FLOAT32, &[1]), (FLOAT32, &[1])],
        "LayerNormalization" => &[(FLOAT32, &[1])],
        "Upsample" => &[(FLOAT32, &[4])],
        _ => &[],
    };
    let mut input = vec![takes.to_owned()];
    for (at, (elements, dims)) in sizes.iter().enumerate() {
        let name = format!("{makes}.weight{at}");
        let bytes = dims.iter().product::<i64>() * if *elements == INT64 { 8 } else { 4 };
        let raw = vec![0; usize::try_from(bytes).unwrap()];
        weights.push(TensorProto {
            name: name.clone(),
            data_type: *elements,
            dims: dims.to_vec(),
            raw_data: raw,
            ..Default::default()
        });
        input.push(name);
    }
    let attribute = match operator {
        "GroupNormalization" => Some(("num_groups", 1)),
        "Cast" => Some(("to", 1)),
        _ => None,
    };
    let attribute = attribute.map(|(name, i)| AttributeProto {
        name: name.into(),
        i,
        type_: attribute_proto::AttributeType::INT.into(),
        ..Default::default()
    });
    let mut output = vec![makes.to_owned()];
    if operator == "TreeEnsembleClassifier" {
        output.insert(0, format!("{makes}.label"));
    }
    NodeProto {
        op_type: operator.into(),
        domain: domain.into(),
        name: name.into(),
        input,
        output,
        attribute: attribute.into_iter().collect(),
        ..Default::default()
    }
}

/// Nodes one after the other, from `image` to `score`.
fn chain(nodes: &[(&str, &str, &str)], weights: &mut Vec<TensorProto>) -> Vec<NodeProto> {
    let mut made = Vec::<NodeProto>::new();
    for (at, (operator, domain, name)) in nodes.iter().enumerate() {
        let takes = made.last().and_then(|node| node.output.last()).map_or("image", String::as_str).to_owned();
        let makes = if at + 1 == nodes.len() { "score".to_owned() } else { format!("v{at}") };
        let again = made.iter().filter(|node| !name.is_empty() && node.name.starts_with(name)).count();
        let name = if again == 0 { (*name).to_owned() } else { format!("{name}_{again}") };
        made.push(node(operator, domain, &name, &takes, &makes, weights));
    }
    made
}

/// A tensor; a size below zero is called `batch`, zero is not stated.
fn tensor(name: &str, elements: i32, shape: &[i64]) -> ValueInfoProto {
    let size = |size: &i64| match size {
        0 => Dimension::default(),
        1.. => Dimension { value: Some(dimension::Value::DimValue(*size)), ..Default::default() },
        _ => Dimension { value: Some(dimension::Value::DimParam("batch".into())), ..Default::default() },
    };
    let dim = shape.iter().map(size).collect();
    let shape = MessageField::some(TensorShapeProto { dim, ..Default::default() });
    let tensor = type_proto::Tensor { elem_type: elements, shape, special_fields: SpecialFields::default() };
    let kind = TypeProto { value: Some(Kind::TensorType(tensor)), ..Default::default() };
    ValueInfoProto { name: name.into(), type_: MessageField::some(kind), ..Default::default() }
}

const FLOAT32: i32 = 1;
const INT32: i32 = 6;
const INT64: i32 = 7;
const FLOAT16: i32 = 10;

/// A model with these inputs and outputs.
fn signed(inputs: &[ValueInfoProto], outputs: &[ValueInfoProto]) -> ModelProto {
    let mut model = model(8, &[("", 17)], &[CONV, RELU, HEAD]);
    if let Some(graph) = model.graph.as_mut() {
        (graph.input, graph.output) = (inputs.to_vec(), outputs.to_vec());
        graph.initializer.clear();
        graph.node.clear();
        for output in outputs {
            let name = format!("/head/{}", output.name);
            let mut cast = node("Cast", "", &name, &inputs[0].name, &output.name, &mut Vec::new());
            cast.attribute[0].i = output.type_.tensor_type().elem_type.into();
            graph.node.push(cast);
        }
    }
    model
}

fn opsets(imports: &[(&str, i64)]) -> Vec<OperatorSetIdProto> {
    let one = |(domain, version): &(&str, i64)| OperatorSetIdProto {
        domain: (*domain).into(),
        version: *version,
        ..Default::default()
    };
    imports.iter().map(one).collect()
}

/// A model by its operator sets and its nodes as (operator, domain, name), one after the other.
pub(super) fn model(ir_version: i64, imports: &[(&str, i64)], nodes: &[(&str, &str, &str)]) -> ModelProto {
    let mut weights = Vec::new();
    let node = chain(nodes, &mut weights);
    let image: &[i64] =
        if node.first().is_some_and(|node| node.op_type.ends_with("Conv")) { &[-1, 3, 224, 224] } else { &[-1, 512] };
    let graph = GraphProto {
        name: "main_graph".into(),
        node,
        initializer: weights,
        input: vec![tensor("image", FLOAT32, image)],
        output: vec![tensor("score", FLOAT32, &[-1, 10])],
        ..Default::default()
    };
    ModelProto {
        ir_version,
        opset_import: opsets(imports),
        producer_name: "pytorch".into(),
        producer_version: "2.3.1".into(),
        graph: MessageField::some(graph),
        ..Default::default()
    }
}

/// The same with one function of its own that has these nodes.
fn with_function(mut model: ModelProto, domain: &str, name: &str, nodes: &[(&str, &str, &str)]) -> ModelProto {
    model.functions.push(FunctionProto {
        name: name.into(),
        domain: domain.into(),
        input: vec!["image".into()],
        output: vec!["score".into()],
        opset_import: model.opset_import.clone(),
        node: chain(nodes, &mut Vec::new()),
        ..Default::default()
    });
    model
}

const CONV: (&str, &str, &str) = ("Conv", "", "/backbone/conv1/Conv");
const RELU: (&str, &str, &str) = ("Relu", "", "/backbone/act/Relu");
const HEAD: (&str, &str, &str) = ("Sigmoid", "", "/head/fc/Sigmoid");

/// Every model that a fixture loads, by its path.
fn models() -> BTreeMap<String, ModelProto> {
    let mut all = BTreeMap::new();
    let mut put = |rule: &str, case: &str, model: ModelProto| {
        all.insert(format!("fixtures/rules/{rule}/{case}/model.onnx"), model);
    };
    let plain = |ir: i64, opset: i64| model(ir, &[("", opset)], &[CONV, RELU, HEAD]);

    let rule = "opset-too-new";
    put(rule, "fires", plain(9, 21));
    put(rule, "fires-ml", model(7, &[("", 15), ("ai.onnx.ml", 3)], &[("Scaler", "ai.onnx.ml", "scale"), HEAD]));
    put(rule, "fires-kernels", plain(9, 19));
    put(rule, "fires-unchecked", plain(6, 13));
    put(rule, "fires-library", plain(8, 19));
    put(rule, "fires-range", plain(8, 20));
    put(rule, "quiet", plain(9, 19));
    put(rule, "quiet-range", plain(9, 21));
    put(rule, "quiet-minor", plain(9, 19));
    put(rule, "quiet-no-runtime", plain(9, 21));
    let contrib = [CONV, ("FusedConv", "com.microsoft", "fused")];
    put(rule, "quiet-contrib-domain", model(9, &[("", 19), ("com.microsoft", 1)], &contrib));
    let custom = [CONV, ("Rank", "com.example.search", "rank")];
    put(rule, "quiet-custom-domain", model(9, &[("", 19), ("com.example.search", 7)], &custom));
    put(rule, "quiet-unknown-release", plain(9, 21));
    put(rule, "quiet-between-releases", plain(9, 19));

    let rule = "ir-version-too-new";
    put(rule, "fires", plain(10, 17));
    put(rule, "fires-below", plain(10, 17));
    put(rule, "fires-gpu", plain(11, 17));
    put(rule, "quiet", plain(9, 17));
    put(rule, "quiet-open", plain(10, 17));
    put(rule, "quiet-exact-limit", plain(10, 17));

    let rule = "unknown-operator";
    let gelu = |opset| model(9, &[("", opset)], &[CONV, ("Gelu", "", "/act/Gelu"), ("Gelu", "", "/act_1/Gelu")]);
    put(rule, "fires", gelu(19));
    put(rule, "fires-nowhere", model(9, &[("", 19)], &[CONV, ("FancyAttention", "", "/attn/FancyAttention")]));
    put(rule, "fires-deprecated", model(7, &[("", 11)], &[CONV, ("Upsample", "", "/neck/Upsample")]));
    let norm = ("GroupNormalization", "", "/norm/GroupNormalization");
    put(rule, "fires-deprecated-and-loaded", model(9, &[("", 18)], &[CONV, norm]));
    let tree = ("TreeEnsembleClassifier", "ai.onnx.ml", "TreeEnsembleClassifier");
    put(rule, "fires-ml-tree", model(10, &[("", 19), ("ai.onnx.ml", 5)], &[tree]));
    put(rule, "quiet", gelu(20));
    put(
        rule,
        "quiet-contrib",
        model(9, &[("", 17), ("com.microsoft", 1)], &[CONV, ("Gelu", "com.microsoft", "/act/Gelu")]),
    );
    let own = model(9, &[("", 17), ("local", 1)], &[CONV, ("Gelu", "local", "/act/Gelu")]);
    put(rule, "quiet-local-function", with_function(own, "local", "Gelu", &[("Erf", "", ""), ("Mul", "", "")]));
    let layer = ("LayerNormalization", "", "/norm/LayerNormalization");
    put(rule, "quiet-runtime-operator", model(7, &[("", 12)], &[CONV, layer]));
    put(rule, "quiet-opset-newer-than-the-table", model(10, &[("", 99)], &[("FlexAttention", "", "/attn")]));
    put(rule, "quiet-came-back", model(10, &[("", 21)], &[CONV, norm]));
    put(
        rule,
        "quiet-other-domain",
        model(9, &[("", 17), ("com.example.search", 1)], &[("FancyAttention", "com.example.search", "a")]),
    );
    put(rule, "quiet-before-its-deprecation", model(6, &[("", 9)], &[CONV, ("Upsample", "", "/neck/Upsample")]));

    let rule = "unprovided-domain";
    let tokens = model(8, &[("", 17), ("ai.onnx.contrib", 1)], &[("BertTokenizer", "ai.onnx.contrib", "tokenize")]);
    put(rule, "fires", tokens.clone());
    let aten = ("ATen", "org.pytorch.aten", "/roi/ATen");
    put(rule, "fires-left-by-exporter", model(8, &[("", 17), ("org.pytorch.aten", 1)], &[CONV, aten]));
    put(rule, "fires-company", model(8, &[("", 17), ("com.example.search", 1)], &[CONV, custom[1]]));
    put(rule, "quiet", tokens.clone());
    put(rule, "quiet-no-runtime", tokens);
    put(rule, "quiet-contrib", model(8, &[("", 17), ("com.microsoft", 1)], &contrib));
    let exported = model(
        8,
        &[("", 18), ("pkg.onnxscript.torch_lib", 1)],
        &[("aten_relu", "pkg.onnxscript.torch_lib", "aten_relu_0")],
    );
    let function = with_function(exported, "pkg.onnxscript.torch_lib", "aten_relu", &[("Relu", "", "")]);
    put(rule, "quiet-local-function", function);
    put(rule, "quiet-standard", model(8, &[("", 17), ("ai.onnx.ml", 3)], &[CONV, ("Scaler", "ai.onnx.ml", "scale")]));

    let rule = "opset-beyond-tensorrt";
    put(rule, "fires", plain(9, 20));
    put(rule, "fires-image", plain(9, 18));
    put(rule, "quiet", plain(8, 17));
    put(rule, "quiet-runtime-reads-it", plain(9, 19));
    put(rule, "quiet-unknown-release", plain(9, 21));
    put("exporter-ahead-of-runtime", "quiet-model-at-hand", plain(8, 17));

    signatures(&mut all);
    differing_models(&mut all);
    all.insert("fixtures/quickstart/train/ranker.onnx".to_owned(), quickstart());
    all
}

/// The models of `signature-differs`, on one side or both.
fn signatures(all: &mut BTreeMap<String, ModelProto>) {
    let mut put = |path: &str, model: ModelProto| {
        all.insert(format!("fixtures/rules/signature-differs/{path}.onnx"), model);
    };
    let image = |elements, batch| tensor("image", elements, &[batch, 3, 224, 224]);
    let score = |batch, classes| tensor("score", FLOAT32, &[batch, classes]);
    let plain = || signed(&[image(FLOAT32, -1)], &[score(-1, 10)]);
    let half = || signed(&[image(FLOAT16, 1)], &[score(1, 10)]);
    let mask = || tensor("mask", INT64, &[-1, 16]);
    let tokens = || tensor("tokens", INT64, &[-1, 16]);
    let masked = || signed(&[tokens(), mask()], &[score(-1, 10)]);

    put("fires/train/ranker", plain());
    put("fires/serve/ranker", half());
    put("fires-renamed/train/ranker", masked());
    let other = tensor("attention_mask", INT64, &[-1, 16]);
    put("fires-renamed/serve/ranker", signed(&[tokens(), other], &[score(-1, 10)]));
    put("fires-input-added/train/ranker", signed(&[tokens()], &[score(-1, 10)]));
    put("fires-input-added/serve/ranker", masked());
    put("fires-output-size/train/ranker", plain());
    put("fires-output-size/serve/ranker", signed(&[image(FLOAT32, -1)], &[score(-1, 12)]));
    put("fires-output-lost/train/ranker", signed(&[image(FLOAT32, -1)], &[score(-1, 10), mask()]));
    put("fires-output-lost/serve/ranker", plain());
    put("fires-output-new/train/ranker", plain());
    put("fires-output-new/serve/ranker", signed(&[image(FLOAT32, -1)], &[score(-1, 10), mask()]));
    put("fires-output-precision/train/ranker", plain());
    let precise = tensor("score", FLOAT16, &[-1, 10]);
    put("fires-output-precision/serve/ranker", signed(&[image(FLOAT32, -1)], &[precise]));
    put("fires-order/train/ranker", signed(&[tokens()], &[score(-1, 10), mask()]));
    put("fires-order/serve/ranker", signed(&[tokens()], &[mask(), score(-1, 10)]));
    put("fires-rank/train/ranker", plain());
    put("fires-rank/serve/ranker", signed(&[tensor("image", FLOAT32, &[-1, 3, 8, 224, 224])], &[score(-1, 10)]));
    put("fires-size-was-not-stated/train/ranker", signed(&[image(FLOAT32, 0)], &[score(-1, 10)]));
    put("fires-size-was-not-stated/serve/ranker", signed(&[image(FLOAT32, 1)], &[score(-1, 10)]));
    put("fires-other-name/train/old", plain());
    put("fires-other-name/serve/new", signed(&[image(FLOAT16, -1)], &[score(-1, 10)]));
    put("fires-declared/model", signed(&[image(FLOAT32, 1)], &[score(1, 10)]));
    put("fires-triton/serve/ranker/1/model", plain());
    put("fires-triton/serve/ranker/3/model", signed(&[image(FLOAT32, 1)], &[score(-1, 10)]));
    put("fires-triton-inputs/serve/ranker/1/model", masked());
    put("fires-triton-across/train/model", plain());

    put("fires-mlflow/serve/model", signed(&[image(FLOAT16, -1)], &[score(-1, 10)]));
    put("quiet-mlflow/serve/model", plain());

    // A fixed size that became variable accepts what it did before, and the name of a dimension means nothing.
    put("quiet/train/ranker", signed(&[image(FLOAT32, 1)], &[score(1, 10)]));
    put("quiet/serve/ranker", plain());
    put("quiet-declared/model", plain());
    put("quiet-two-come-into-question/train/a/ranker", plain());
    put("quiet-two-come-into-question/train/b/ranker", half());
    put("quiet-two-come-into-question/serve/ranker", plain());
    put("quiet-other-model/train/detector", plain());
    put("quiet-other-model/train/ranker", plain());
    put("quiet-other-model/serve/ranker", plain());
    put("quiet-other-model/serve/segmenter", half());
    put("quiet-triton/serve/ranker/1/model", plain());
    put("quiet-triton-narrower/serve/ranker/1/model", masked());
    // A control of a sequence has one value of its own type for each of the batch.
    put("fires-triton-sequence/serve/ranker/1/model", masked());
    let start = tensor("start", INT32, &[-1, 1]);
    put("quiet-triton-sequence/serve/ranker/1/model", signed(&[tokens(), start], &[score(-1, 10)]));
    put("quiet-triton-other-version/serve/ranker/1/model", plain());
    put("quiet-triton-other-version/serve/ranker/2/model", half());
}

/// The models of `model-differs`, one on each side.
fn differing_models(all: &mut BTreeMap<String, ModelProto>) {
    let mut put = |path: &str, model: ModelProto| {
        all.insert(format!("fixtures/rules/model-differs/{path}.onnx"), model);
    };
    let softmax = ("Softmax", "", "/head/Softmax");
    put("fires/train/ranker", model(7, &[("", 12)], &[CONV, RELU, softmax]));
    let ml = [CONV, ("Gelu", "", "/act/Gelu"), softmax, ("Scaler", "ai.onnx.ml", "scale")];
    put("fires/serve/ranker", model(9, &[("", 20), ("ai.onnx.ml", 3)], &ml));
    let mut other = model(8, &[("", 17)], &[CONV, RELU, HEAD]);
    put("fires-producer/train/ranker", other.clone());
    other.producer_version = "2.4.0".into();
    put("fires-producer/serve/ranker", other);
    put("quiet/train/ranker", model(8, &[("", 17)], &[CONV, RELU, HEAD]));
    // Names of nodes and how often an operator is used are not looked at.
    put("quiet/serve/ranker", model(8, &[("", 17)], &[CONV, RELU, RELU, HEAD]));
    put("quiet-other-name/train/detector", model(8, &[("", 17)], &[CONV]));
    put("quiet-other-name/train/ranker", model(8, &[("", 17)], &[CONV]));
    put("quiet-other-name/serve/segmenter", model(9, &[("", 19)], &[HEAD]));
}

/// A ranker as a recent PyTorch exports it.
fn quickstart() -> ModelProto {
    let nodes = [
        ("Gather", "", "/embed/Gather"),
        ("LayerNormalization", "", "/encoder/norm/LayerNormalization"),
        ("Gemm", "", "/encoder/fc1/Gemm"),
        ("Gelu", "", "/encoder/act/Gelu"),
        ("Gemm", "", "/head/Gemm"),
    ];
    model(9, &[("", 20)], &nodes)
}

#[test]
#[ignore = "writes the fixtures: cargo test --test suite write_rule_models -- --ignored"]
fn write_rule_models() {
    for (path, model) in models() {
        let path = root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, model.write_to_bytes().unwrap()).unwrap();
    }
}

#[test]
fn the_models_are_what_builds_them() {
    let all = models();
    for (path, model) in &all {
        let found = fs::read(root().join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        assert!(found == model.write_to_bytes().unwrap(), "{path} differs: run `write_rule_models`");
    }
    for case in cases() {
        for name in case.models() {
            let path = format!("{}/{name}", case.path());
            assert!(all.contains_key(&path), "nothing builds {path}");
        }
    }
}
