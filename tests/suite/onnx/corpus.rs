//! Models made by others: a folder with an oracle's answers, the shared cases, and one model to measure. All three are
//! skipped, and say so, where the files are not at hand.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use envcheck::{
    fact::{Dimension, Signature},
    input::Content,
};
use serde_json::{Value, json};

use super::read_content;

/// Says a line that the test runner does not capture, unlike `eprintln!`.
fn say(line: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").unwrap();
}

fn skip(why: &str) {
    say(&format!("skipped: {why}"));
}

fn signatures(list: &[Signature]) -> Value {
    let size = |size: &Dimension| match size {
        Dimension::Fixed(size) => json!(size),
        Dimension::Symbol(name) => json!(name),
        Dimension::Unknown => Value::Null,
    };
    list.iter()
        .map(|it| {
            let shape: Option<Vec<Value>> = it.shape.as_ref().map(|it| it.iter().map(size).collect());
            json!({ "name": it.name, "dtype": it.dtype, "shape": shape })
        })
        .collect()
}

/// Reads a model as `tests/scripts/onnx_wheel_models.py --write-oracle` describes it.
fn described(path: &Path) -> (Value, Vec<String>) {
    let read = read_content(Content::open(path).unwrap());
    read.check_places();
    if let Some(fault) = &read.reading.fault {
        return (json!({ "fault": fault.message }), Vec::new());
    }
    let model = read.model();
    let operators: BTreeMap<&String, Vec<&String>> =
        model.operators.iter().map(|(domain, named)| (domain, named.keys().collect())).collect();
    let external: BTreeMap<&str, u64> =
        model.external_data.iter().map(|it| (it.location.as_str(), it.tensors)).collect();
    let value = json!({
        "ir-version": model.ir_version,
        "producer": model.producer.as_ref().map(|it| [Some(&it.name), it.version.as_ref()]),
        "opsets": model.opsets,
        "operators": operators,
        "nodes": model.operators.values().flat_map(|it| it.values()).map(|it| it.count).sum::<u64>(),
        "functions": model.functions,
        "element-types": model.element_types,
        "inputs": signatures(&model.inputs),
        "outputs": signatures(&model.outputs),
        "external": external,
    });
    (value, read.reasons().into_iter().map(str::to_owned).collect())
}

#[test]
fn the_models_of_the_onnx_package_read_as_the_package_reads_them() {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(folder), Some(oracle)) = (variable("ENVCHECK_ONNX_MODELS"), variable("ENVCHECK_ONNX_ORACLE")) else {
        return skip("ENVCHECK_ONNX_MODELS and ENVCHECK_ONNX_ORACLE name no models and answers");
    };
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&fs::read(oracle).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (path, expected) in &expected {
        let (found, reasons) = described(&folder.join(path));
        if found != *expected || !reasons.is_empty() {
            wrong.push(format!("{path}: found {found}, expected {expected}; skipped {reasons:?}"));
        }
    }
    let agreed = expected.len() - wrong.len();
    say(&format!("{agreed} of {} models read alike", expected.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_shared_cases_are_read_whole() {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/cases"));
    let Ok(cases) = fs::read_dir(shared) else { return skip("no shared cases beside the repository") };
    let mut count = 0;
    for case in cases {
        let path = case.unwrap().path().join("model.onnx");
        if path.is_file() {
            let (found, reasons) = described(&path);
            assert!(found.get("fault").is_none() && reasons.is_empty(), "{}: {found} {reasons:?}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

/// Says time and memory for the model that `ENVCHECK_ONNX_MEASURE` names; build with `--release`.
#[test]
#[ignore = "measures one model: ENVCHECK_ONNX_MEASURE=model.onnx cargo test --release --test suite measure -- --ignored"]
fn measure() {
    let Some(path) = std::env::var_os("ENVCHECK_ONNX_MEASURE") else {
        return skip("ENVCHECK_ONNX_MEASURE names no model");
    };
    let mut times: Vec<f64> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            let read = read_content(Content::open(Path::new(&path)).unwrap());
            assert_eq!(read.reading.fault, None);
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    let first = times[0];
    times.sort_by(f64::total_cmp);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|it| it.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    say(&format!("first {first:.2} ms, best {:.2} ms, median {:.2} ms, {peak}", times[0], times[times.len() / 2]));
}
