//! `envcheck fix`: what it plans, what it writes, and what it leaves alone.

use std::fs;

use onnx_protobuf::Message as _;

use super::{
    cli::{Scratch, refused},
    rules::model,
};

fn read(scratch: &Scratch, name: &str) -> String {
    String::from_utf8(fs::read(scratch.path(name)).unwrap()).unwrap()
}

fn pair(train: &str, serve: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.put("train/requirements.txt", train);
    scratch.put("serve/requirements.txt", serve);
    scratch
}

#[test]
fn a_plan_is_a_diff_and_changes_nothing() {
    let serve = "# the service\r\n\r\nfastapi==0.110.0   # web\r\nscikit-learn==1.5.0  # \u{e9}t\u{e9}\r\n";
    let scratch = pair("scikit-learn==1.4.2\n", serve);
    let plan = scratch.run(&["fix", "train", "serve"]);
    let expected = "--- a/serve/requirements.txt\n+++ b/serve/requirements.txt\n@@ -2,3 +2,3 @@\n \r\n \
                    fastapi==0.110.0   # web\r\n-scikit-learn==1.5.0  # \u{e9}t\u{e9}\r\n+scikit-learn==1.4.2  # \u{e9}t\u{e9}\r\n";
    assert_eq!(plan.stdout, expected);
    assert!(
        plan.stderr.contains("--write would do:\n  [EC101] use scikit-learn==1.4.2 in serving\n"),
        "{}",
        plan.stderr
    );
    assert!(plan.stderr.contains("left with these edits: 0 errors, 0 warnings, 0 info\n"), "{}", plan.stderr);
    assert_eq!(read(&scratch, "serve/requirements.txt"), serve);
    // Written, everything but the version stays: line ends, comments, blanks.
    let run = scratch.run(&["fix", "train", "serve", "--write", "--fail-on", "info"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.starts_with("wrote:\n  [EC101] use scikit-learn==1.4.2 in serving\nleft: 0 errors"),
        "{}",
        run.stdout
    );
    assert_eq!(read(&scratch, "serve/requirements.txt"), serve.replace("1.5.0", "1.4.2"));
    let again = scratch.run(&["fix", "train", "serve", "--write"]);
    assert!(again.stdout.starts_with("nothing that envcheck can edit\n"), "{}", again.stdout);
}

#[test]
fn other_encodings_stay_what_they_are() {
    let scratch = pair("scikit-learn==1.4.2\n", "");
    let text = "scikit-learn==1.5.0\r\nfastapi==0.110.0\r\n";
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    fs::write(scratch.path("serve/requirements.txt"), &utf16).unwrap();
    let run = scratch.run(&["fix", "train", "serve", "--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let expected = text.replace("1.5.0", "1.4.2");
    let expected: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(expected.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(fs::read(scratch.path("serve/requirements.txt")).unwrap(), expected);
}

#[test]
fn what_nobody_tested_waits_for_a_person() {
    // Training does not say which numpy it had, so any version is a choice.
    let scratch = pair("pandas==2.1.0\n", "pandas==2.1.0\nnumpy==2.0.0\n");
    let plan = scratch.run(&["fix", "train", "serve"]);
    assert_eq!(plan.stdout, "", "{}", plan.stderr);
    assert!(plan.stderr.contains("--unsafe takes them in:\n  [EC105] use "), "{}", plan.stderr);
    let run = scratch.run(&["fix", "train", "serve", "--unsafe", "--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = read(&scratch, "serve/requirements.txt");
    assert!(text != "pandas==2.1.0\nnumpy==2.0.0\n" && text.lines().count() == 2, "{text}");
    assert!(run.stdout.contains("left: 0 errors"), "{}", run.stdout);
}

#[test]
fn lock_files_are_left_to_their_tools() {
    let lock = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"scikit-learn\"\nversion = \"1.5.0\"\n\
                source = { registry = \"https://packages.example/simple\" }\n";
    let scratch = pair("scikit-learn==1.4.2\n", "");
    scratch.put("serve/uv.lock", lock);
    fs::remove_file(scratch.path("serve/requirements.txt")).unwrap();
    let run = scratch.run(&["fix", "train", "serve", "--write"]);
    assert!(
        run.stdout.contains(
            "lock files are written by their tools:\n  [EC101] uv lock --upgrade-package scikit-learn==1.4.2\n"
        ),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(read(&scratch, "serve/uv.lock"), lock);
    let human = scratch.run(&["diff", "train", "serve", "-v"]).stdout;
    assert!(!human.contains('\u{1b}'));
    let hashed = format!("scikit-learn==1.5.0 \\\n    --hash=sha256:{}\n", "0".repeat(64));
    let scratch = pair("scikit-learn==1.4.2\n", &hashed);
    scratch.run(&["fix", "train", "serve", "--write", "--unsafe"]);
    assert_eq!(read(&scratch, "serve/requirements.txt"), hashed);
}

#[test]
fn the_version_of_a_model_is_lowered_in_its_one_byte() {
    let bytes = model(10, &[("", 17)], &[("Relu", "", "a")]).write_to_bytes().unwrap();
    let scratch = Scratch::new();
    fs::write(scratch.path("model.onnx"), &bytes).unwrap();
    scratch.put("requirements.txt", "onnxruntime==1.16.3\n");
    let arguments = ["fix", "requirements.txt", "--model", "model.onnx"];
    let plan = scratch.run(&arguments);
    assert_eq!(plan.stdout, "# model.onnx: ir_version 10 -> 9 (byte 1, nothing else)\n", "{}", plan.stderr);
    assert_eq!(plan.code, 1);
    assert_eq!(fs::read(scratch.path("model.onnx")).unwrap(), bytes);
    let run = scratch.run(&[&arguments[..], &["--write"]].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let mut expected = bytes.clone();
    expected[1] = 9;
    assert_eq!(fs::read(scratch.path("model.onnx")).unwrap(), expected);
    // What came with the version stays.
    let mut newer = model(10, &[("", 17)], &[("Relu", "", "a")]);
    newer.graph.as_mut().unwrap().node[0].overload = "fast".into();
    let newer = newer.write_to_bytes().unwrap();
    fs::write(scratch.path("model.onnx"), &newer).unwrap();
    let run = scratch.run(&[&arguments[..], &["--write", "--unsafe"]].concat());
    assert_eq!(fs::read(scratch.path("model.onnx")).unwrap(), newer, "{}", run.stdout);
}

#[test]
fn declared_environments_are_mended_from_any_folder() {
    let scratch = pair("joblib==1.3.2\n", "joblib\n");
    scratch.put("sub/x.txt", "");
    scratch.put(
        "envcheck.toml",
        "[environment.train]\nrole = 'training'\ninputs = ['train/requirements.txt']\n\
         [environment.serve]\ninputs = ['serve/requirements.txt']\n",
    );
    let run = scratch.run_in("sub", &["fix", "--write"]);
    assert_eq!(read(&scratch, "serve/requirements.txt"), "joblib==1.3.2\n", "{}{}", run.stdout, run.stderr);
    refused(&scratch.run(&["fix", "train", "--train", "serve"]), &["cannot be used with"]);
    refused(&scratch.run(&["fix", "gone"]), &["could not read `gone`"]);
}

#[test]
fn an_edit_is_valid_for_conda_or_not_made() {
    let edited = |train: &str, spec: &str| {
        let scratch = pair(train, "");
        fs::remove_file(scratch.path("serve/requirements.txt")).unwrap();
        scratch.put("serve/environment.yml", format!("name: x\ndependencies:\n  - python=3.11\n  - {spec}\n"));
        let run = scratch.run(&["fix", "train", "serve", "--unsafe", "--write"]);
        assert!(run.code < 2, "{}", run.stderr);
        read(&scratch, "serve/environment.yml").lines().last().unwrap().trim_start_matches("  - ").to_owned()
    };
    let other = "scikit-learn==1.4.2\n";
    assert_eq!(edited(other, "scikit-learn=1.5.0"), "scikit-learn==1.4.2");
    assert_eq!(edited(other, "conda-forge::scikit-learn >=1.5,<1.6"), "conda-forge::scikit-learn ==1.4.2");
    // A build belongs to its version; a key has no room for an operator; no channel has a local version.
    for spec in ["scikit-learn=1.5.0=py311_0", "scikit-learn 1.5.0 py311_0", "\"scikit-learn[version=1.5.0]\""] {
        assert_eq!(edited(other, spec), spec);
    }
    assert_eq!(edited("torch==2.2.0+cu121\n", "pytorch"), "pytorch");
}

#[test]
fn files_with_a_mark_in_latin_1_and_read_only_ones() {
    let scratch = pair("scikit-learn==1.4.2\n", "\u{feff}scikit-learn==1.5.0\r\n");
    let plan = scratch.run(&["fix", "train", "serve"]).stdout;
    assert!(plan.ends_with("-\u{feff}scikit-learn==1.5.0\r\n+\u{feff}scikit-learn==1.4.2\r\n"), "{plan}");
    let latin = b"# caf\xe9\nscikit-learn==1.5.0 # \xe9\n";
    fs::write(scratch.path("serve/requirements.txt"), latin).unwrap();
    let run = scratch.run(&["fix", "train", "serve", "--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let expected = b"# caf\xe9\nscikit-learn==1.4.2 # \xe9\n";
    assert_eq!(fs::read(scratch.path("serve/requirements.txt")).unwrap(), expected);
    fs::write(scratch.path("serve/requirements.txt"), latin).unwrap();
    let mut permissions = fs::metadata(scratch.path("serve/requirements.txt")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(scratch.path("serve/requirements.txt"), permissions).unwrap();
    refused(
        &scratch.run(&["fix", "train", "serve", "--write"]),
        &["could not write `serve/requirements.txt`: it is read-only"],
    );
    assert_eq!(fs::read(scratch.path("serve/requirements.txt")).unwrap(), latin);
}
