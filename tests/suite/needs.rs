//! What models need: the envelope on the screen, as requirements that can be read again, and as JSON; and the reverse, what a
//! release accepts.

use std::{fs, path::Path};

use envcheck::knowledge::{KNOWLEDGE_DATE, Knowledge};
use onnx_protobuf::{Message as _, ModelProto};
use serde_json::Value;

use super::{
    cases::{Run, cases, envcheck, root},
    cli::{Scratch, refused},
    rules::model,
};

const CLASSIFIER: &str = "fixtures/inputs/onnx/classifier.onnx";
const EXTERNAL: &str = "fixtures/inputs/onnx/external-weights.onnx";
const RANKER: &str = "fixtures/quickstart/train/ranker.onnx";
const TOKENS: &str = "fixtures/rules/unprovided-domain/fires/model.onnx";
const BEYOND: &str = "fixtures/rules/unknown-operator/quiet-opset-newer-than-the-table/model.onnx";
const DEPRECATED: &str = "fixtures/rules/unknown-operator/fires-deprecated/model.onnx";

fn bytes(model: &ModelProto) -> Vec<u8> {
    model.write_to_bytes().unwrap()
}

fn needs(arguments: &[&str]) -> String {
    said(&envcheck(&[&["needs"], arguments].concat()))
}

fn said(run: &Run) -> String {
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    let fits = |line: &str| line.chars().count() <= 100;
    assert!(run.stdout.starts_with('{') || run.stdout.lines().all(fits), "{}", run.stdout);
    run.stdout.clone()
}

/// Every model of the fixtures that can be read.
fn models() -> Vec<String> {
    let mut found: Vec<String> = cases()
        .iter()
        .flat_map(|case| case.models().into_iter().map(|model| format!("{}/{model}", case.path())))
        .filter(|path| super::cases::is_onnx(path))
        .collect();
    found.extend([CLASSIFIER, EXTERNAL, RANKER, "fixtures/inputs/onnx/nested.onnx"].map(str::to_owned));
    assert!(found.len() > 40, "{found:?}");
    found
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&said(&envcheck(&[&["needs", "--format", "json"], arguments].concat()))).unwrap()
}

#[test]
fn what_a_user_sees() {
    insta::assert_snapshot!("needs-one", needs(&[CLASSIFIER]));
    insta::assert_snapshot!("needs-several", needs(&[RANKER, EXTERNAL, TOKENS]));
    insta::assert_snapshot!("needs-beyond-the-knowledge", needs(&[CLASSIFIER, BEYOND]));
    insta::assert_snapshot!("needs-unloadable", needs(&[DEPRECATED]));
}

#[test]
fn what_a_user_sees_of_odd_models() {
    let scratch = Scratch::new();
    let trees = model(8, &[("ai.onnx.ml", 3)], &[("TreeEnsembleClassifier", "ai.onnx.ml", "forest")]);
    scratch.put("trees.onnx", bytes(&trees));
    scratch.put("bare.onnx", bytes(&model(3, &[], &[("Conv", "", "conv")])));
    let company = [("Conv", "", "c"), ("Rank", "com.example.search", "r"), ("Gelu", "com.microsoft", "g")];
    let company = model(9, &[("", 17), ("com.example.search", 7), ("com.microsoft", 1)], &company);
    scratch.put("company.onnx", bytes(&company));
    for name in ["trees", "bare", "company"] {
        let shown = said(&scratch.run(&["needs", &format!("{name}.onnx")]));
        // The sources are those of the other snapshots.
        insta::assert_snapshot!(format!("needs-{name}"), shown.split("\nsources\n").next().unwrap());
    }
}

#[test]
fn requirements_say_why_and_can_be_read_again() {
    let redacted = |text: String| {
        text.replace(KNOWLEDGE_DATE, "[date]")
            .replace(&format!("envcheck {}", env!("CARGO_PKG_VERSION")), "envcheck [version]")
    };
    let format = ["--format", "requirements"];
    insta::assert_snapshot!("needs-requirements", redacted(needs(&[&format[..], &[TOKENS, EXTERNAL]].concat())));
    insta::assert_snapshot!("needs-requirements-beyond", redacted(needs(&[&format[..], &[BEYOND]].concat())));
    let scratch = Scratch::new();
    for path in models() {
        let lines = needs(&[&format[..], &[&path]].concat());
        scratch.put("requirements.txt", &lines);
        let run = scratch.run(&["inspect", "requirements.txt", "--format", "json"]);
        let read: Value = serde_json::from_str(&run.stdout).unwrap();
        let input = &read["inputs"][0];
        assert_eq!(input["skipped"].as_array().unwrap().len(), 0, "{path}: {lines}");
        let wanted: Vec<&str> = lines.lines().filter(|line| !line.starts_with('#')).collect();
        let facts = input["facts"].as_array().unwrap();
        let found: Vec<String> = facts
            .iter()
            .map(|fact| format!("{}{}", fact["name"].as_str().unwrap(), fact["specifier"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(found, wanted, "{path}");
        let model = root().join(&path);
        let model = model.to_str().unwrap();
        let check = scratch.run(&["check", "requirements.txt", "--model", model, "--select", "EC1,EC201,EC202"]);
        assert_eq!(check.code, 0, "{path}: {}{}", check.stdout, check.stderr);
    }
}

/// The smallest release is the smallest one that the rules about models have nothing against.
#[test]
fn the_rules_agree_about_the_smallest_release() {
    let scratch = Scratch::new();
    let knowledge = Knowledge::built_in();
    let releases: Vec<String> =
        knowledge.onnxruntime_release.rows().iter().map(|row| row.version.to_string()).collect();
    let mut refused = 0;
    for path in models() {
        let envelope = json(&[&path]);
        let model = root().join(&path);
        let codes = |release: &str| -> Vec<String> {
            scratch.put("requirements.txt", format!("onnxruntime=={release}\n"));
            let model = model.to_str().unwrap();
            let arguments =
                ["check", "requirements.txt", "--model", model, "--select", "EC201,EC202", "--format", "json"];
            let report: Value = serde_json::from_str(&scratch.run(&arguments).stdout).unwrap();
            let findings = report["findings"].as_array().unwrap().iter();
            findings.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
        };
        let Some(first) = envelope["onnxruntime"]["first"].as_str() else {
            assert!(!codes(releases.last().unwrap()).is_empty(), "{path}");
            continue;
        };
        assert_eq!(codes(first), [""; 0], "{path} on {first}");
        if !envelope["onnxruntime"]["decided-by"].as_array().unwrap().is_empty() {
            let at = releases.iter().position(|release| release == first).unwrap();
            assert!(!codes(&releases[at - 1]).is_empty(), "{path} on {}", releases[at - 1]);
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn rows_of_the_user_count() {
    let scratch = Scratch::new();
    let rows = "[table]\nsource = \"https://wiki.example/ml\"\nlocator = \"page Runtime\"\nchecked = \"2026-11-20\"\n\
                [[onnxruntime_release]]\nversion = \"1.99.0\"\nopset = 99\nml_opset = 5\nir = 14\nglibc = \"2.35\"\n";
    scratch.put("company.toml", rows);
    let model = root().join(BEYOND);
    let arguments = ["needs", model.to_str().unwrap(), "--knowledge", "company.toml"];
    let text = said(&scratch.run(&arguments));
    assert!(text.contains("\nONNX Runtime 1.99.0 or newer\n"), "{text}");
    assert!(text.contains("1.99.0 (no newer one is known)\n"), "{text}");
    assert!(text.contains("company.toml:5 (your own row)"), "{text}");
    let value: Value =
        serde_json::from_str(&said(&scratch.run(&[&arguments[..], &["--format", "json"]].concat()))).unwrap();
    assert_eq!(value["sources"][0]["own_row"]["line"], 5);
}

#[test]
fn the_json_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../src/report/needs.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let every = models();
    let every: Vec<&str> = every.iter().map(String::as_str).collect();
    for path in &every {
        let value = json(&[path]);
        let faults: Vec<String> = schema.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{path}: {faults:?}");
    }
    let together = json(&every);
    assert!(schema.is_valid(&together));
    assert_eq!(together["models"].as_array().unwrap().len(), every.len());
    assert_eq!(together["onnxruntime"]["first"], Value::Null, "one of them is beyond the knowledge");
    let mut value = json(&[CLASSIFIER]);
    assert_eq!(value["onnxruntime"]["first"], "1.12.0");
    assert_eq!(value["onnxruntime"]["decided-by"][0]["value"], 17);
    for (pointer, spoiled) in [
        ("/version", Value::from(2)),
        ("/onnxruntime/releases", Value::Array(Vec::new())),
        ("/onnxruntime/releases/0/with-numpy-2", "fine".into()),
        ("/models/0/path", Value::Null),
        ("/sources/0/checked", "yesterday".into()),
    ] {
        let place = value.pointer_mut(pointer).unwrap();
        let before = std::mem::replace(place, spoiled);
        assert!(!schema.is_valid(&value), "the schema accepts another {pointer}");
        *value.pointer_mut(pointer).unwrap() = before;
    }
    assert!(schema.is_valid(&value));
}

#[test]
fn a_folder_gives_every_model_below_it() {
    let scratch = Scratch::new();
    let plain = |opset| bytes(&model(8, &[("", opset)], &[("Conv", "", "conv")]));
    scratch
        .put("repository/ranker/1/model.onnx", plain(17))
        .put("repository/ranker/config.pbtxt", "name: \"ranker\"\n");
    scratch.put("repository/encoder/2/MODEL.ONNX", plain(13)).put("repository/.cache/old.onnx", "not a model");
    scratch.put("repository/.gitignore", "*.onnx\n").put("repository/requirements.txt", "-r gone.txt\n");
    let value = |arguments: &[&str]| -> Value {
        let run = scratch.run(&[&["needs", "--format", "json"], arguments].concat());
        serde_json::from_str(&said(&run)).unwrap()
    };
    let paths = |value: &Value| -> Vec<String> {
        value["models"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap().to_owned()).collect()
    };
    let both = ["repository/encoder/2/MODEL.ONNX", "repository/ranker/1/model.onnx"];
    let read = value(&["repository"]);
    assert_eq!(paths(&read), both);
    assert_eq!(read["onnxruntime"]["first"], "1.12.0");
    // Naming a model twice does not make two of it.
    assert_eq!(paths(&value(&["repository", "./repository/ranker/1/model.onnx"])), both);
    let to_file = scratch.run(&["needs", "repository", "-o", "needs.txt"]);
    assert_eq!((to_file.code, to_file.stdout.as_str()), (0, ""));
    refused(&scratch.run(&["needs", "repository", "-o", "no/such/needs.txt"]), &["could not write"]);
    scratch.put("empty/readme.md", "nothing\n");
    refused(&scratch.run(&["needs", "empty"]), &["found no *.onnx in `empty`"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_folder_are_said_and_not_followed() {
    let scratch = Scratch::new();
    scratch.put("store/blob", bytes(&model(8, &[("", 17)], &[("Conv", "", "conv")]))).put("models/notes.txt", "-\n");
    let link = Path::new("../store/blob");
    std::os::unix::fs::symlink(link, scratch.path("models/model.onnx")).unwrap();
    refused(&scratch.run(&["needs", "models"]), &["found no *.onnx", "models/model.onnx: a link, not followed"]);
    scratch.put("models/other.onnx", bytes(&model(8, &[("", 13)], &[("Conv", "", "conv")])));
    let text = said(&scratch.run(&["needs", "models"]));
    assert!(text.contains("\nnot read, so that more may be needed\n  models/model.onnx: a link"), "{text}");
    let lines = said(&scratch.run(&["needs", "models", "--format", "requirements"]));
    assert!(lines.contains("# not read in models/model.onnx: a link"), "{lines}");
    said(&scratch.run(&["needs", "models/model.onnx"]));
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let scratch = Scratch::new();
    let whole = bytes(&model(9, &[("", 17)], &[("Conv", "", "/conv")]));
    scratch.put("whole.onnx", &whole).put("cut.onnx", &whole[..whole.len() / 2]);
    scratch.put("requirements.txt", "onnxruntime==1.20.1\n").put("letter.md", "Dear all\n");
    scratch.put("engine.onnx", b"\x1c\0\0\0ORTM\0\0\0\0").put("empty.onnx", "");
    scratch.put("config.pbtxt", "name: \"ranker\"\nplatform: \"onnxruntime_onnx\"\nmax_batch_size: 8\n");
    scratch.put("train.lock", "version = 1\n[[model]]\npath = \"model.pkl\"\nformat = \"pickle\"\n");
    let lfs = fs::read(root().join("fixtures/inputs/onnx/lfs-pointer.onnx")).unwrap();
    scratch.put("pointer.onnx", lfs);
    for (arguments, says) in [
        (&["gone.onnx"][..], &["could not read `gone.onnx`: no such file or folder"][..]),
        (&["whole.onnx", "cut.onnx"], &["`cut.onnx` is no readable onnx", "cut off"]),
        (&["requirements.txt"], &["`requirements.txt` is requirements.txt, expected a model file"]),
        (&["config.pbtxt"], &["`config.pbtxt` is triton-config, expected an ONNX model"]),
        (&["train.lock"], &["`train.lock` is envcheck-lock, expected an ONNX model"]),
        (&["letter.md"], &["no reader understands `letter.md`"]),
        (&["engine.onnx"], &["`engine.onnx`", "ONNX Runtime's own format (ORT)"]),
        (&["pointer.onnx"], &["pointer.onnx", "a Git LFS pointer", "git lfs pull"]),
        (&["empty.onnx"], &["`empty.onnx`", "an empty file"]),
        (&["."], &["cut.onnx"]),
    ] {
        refused(&scratch.run(&[&["needs"], arguments].concat()), says);
    }
    assert_eq!(scratch.run(&["needs"]).code, 2);
}

#[test]
fn names_from_models_do_no_harm() {
    let scratch = Scratch::new();
    let operators = [("Re\nonnx==9\u{1b}[2J", "com.evil\nnumpy==9", "x"), ("Conv", "", "conv")];
    let mut evil = model(8, &[("", 17), ("com.evil\nnumpy==9", 1)], &operators);
    evil.producer_name = "torch\nnumpy==9\u{202e}".into();
    scratch.put("evil.onnx", bytes(&evil));
    for format in ["text", "requirements", "json"] {
        let out = said(&scratch.run(&["needs", "evil.onnx", "--format", format]));
        assert!(!out.chars().any(|it| it != '\n' && envcheck::text::is_hidden(it)), "{out}");
        assert!(!out.lines().any(|line| line.starts_with("numpy==9") || line.starts_with("onnx==9")), "{out}");
    }
}

#[test]
fn a_release_is_shown_with_what_it_accepts() {
    let shown = |component: &str| {
        let text = said(&envcheck(&["knowledge", component]));
        text.split("\n\n").next().unwrap().to_owned()
    };
    insta::assert_snapshot!("release-onnxruntime", shown("onnxruntime==1.16.3"));
    insta::assert_snapshot!("release-onnxruntime-gpu", shown("onnxruntime-gpu==1.18.0"));
    insta::assert_snapshot!("release-unchecked", shown("onnxruntime == 1.1.0"));
    assert!(!shown("onnxruntime-directml==1.16.3").contains("cuDNN 8"));
    let old = said(&envcheck(&["knowledge", "onnxruntime==0.5.0"]));
    assert!(old.starts_with("which models onnxruntime 0.5.0 accepts is not known\n"), "{old}");
    assert!(old.contains("glibc = 2.12"), "{old}");
}

#[test]
fn a_release_as_programs_see_it() {
    let schema: Value = serde_json::from_str(include_str!("../../src/report/knowledge.schema.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let json = |component: &str| -> Value {
        let value = serde_json::from_str(&said(&envcheck(&["knowledge", component, "--format", "json"]))).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{component}: {faults:?}");
        value
    };
    let release = &json("onnxruntime==1.16.3")["release"];
    assert_eq!((&release["opset"], &release["ir-version"], &release["cuda"]), (&19.into(), &9.into(), &"11".into()));
    assert_eq!(release["sources"][0]["about"], "operator sets, IR version, NumPy 2");
    assert_eq!(json("onnxruntime==1.1.0")["release"]["checks-models"], false);
    for component in ["onnxruntime", "onnxruntime==0.5.0", "torch==2.1.0", "onnx==1.16.0"] {
        assert_eq!(json(component)["release"], Value::Null, "{component}");
    }
}

#[test]
fn only_rows_about_the_release_are_shown() {
    let rows = |component: &str, table: &str| -> Vec<Value> {
        let value: Value =
            serde_json::from_str(&said(&envcheck(&["knowledge", component, "--format", "json"]))).unwrap();
        let tables = value["tables"].as_array().unwrap().iter().filter(|it| it["name"] == table);
        tables.flat_map(|it| it["rows"].as_array().unwrap()).map(|row| row["values"].clone()).collect()
    };
    let one = |component: &str, table: &str, key: &str, value: Value| {
        let found = rows(component, table);
        assert!(!found.is_empty() && found.iter().all(|row| row[key] == value), "{component}: {found:?}");
    };
    one("onnxruntime==1.16.3", "onnxruntime_release", "version", "1.16.3".into());
    one("onnxruntime-gpu==1.16.3", "onnxruntime_release", "version", "1.16.3".into());
    one("onnxruntime-gpu==1.16.3", "gpu_libraries", "cudnn", "8".into());
    one("opset==21", "onnxruntime_release", "opset", 21.into());
    one("tensorrt==10.0.1", "tensorrt_parser", "release", "10.0".into());
    one("cuda==12.4", "cuda_minor", "cuda", "12".into());
    one("driver==535.161.08", "driver_branch", "branch", 535.into());
    assert_eq!(rows("cuda==12.4", "cuda_driver").len(), 2);
    assert_eq!(rows("onnx==1.16.0", "onnx_release").len(), 1);
}

#[test]
fn a_release_that_is_unknown_or_none_is_refused() {
    for (component, says) in [
        ("onnxruntime==1.99.0", "nothing is known about release 1.99.0 of onnxruntime; the newest known one is 1.32.0"),
        ("onnxruntime-gpu==99", "the newest known one is 1.3"),
        ("torch==99", "nothing is known about release 99 of torch; the newest known one is 2."),
        ("pytest==8.0", "nothing is known about single releases of pytest"),
        ("nope==1.0", "nothing is known about `nope==1.0`; `envcheck knowledge` lists the tables"),
        ("onnxruntime==", "expected one release after `==`, as in `torch==2.1.0`, found `` in `onnxruntime==`"),
        ("onnxruntime==1.16.*", "expected one release after `==`"),
        ("==1.0", "expected a name before `==`"),
        ("onnxruntime>=1.16", "expected a name, or one release as in `torch==2.1.0`, found `onnxruntime>=1.16`"),
        ("onnxruntime=1.16", "expected a name, or one release"),
    ] {
        refused(&envcheck(&["knowledge", component]), &[says]);
        refused(&envcheck(&["knowledge", component, "--format", "json"]), &[says]);
    }
}

#[test]
fn a_model_may_come_on_standard_input() {
    let content = fs::read(root().join(CLASSIFIER)).unwrap();
    let given = |arguments: &[&str]| super::cases::envcheck_reading(&content, arguments);
    let text = said(&given(&["needs", "-", "--stdin-filename", CLASSIFIER]));
    assert_eq!(text, needs(&[CLASSIFIER]));
    assert!(said(&given(&["needs", "-"])).contains("<stdin>"));
    let run = super::cases::envcheck_reading(b"torch==2.1.0\n", &["needs", "-"]);
    assert_eq!(run.code, 2, "{}", run.stderr);
}
