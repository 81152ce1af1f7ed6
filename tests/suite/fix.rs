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

fn project(files: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    for (path, text) in files {
        scratch.put(path, text);
    }
    scratch
}

const LOCK: &str = "version = 1\n[gpu]\ndriver = '470.82.01'\n";

#[test]
fn a_base_image_is_changed_where_its_tag_is_written() {
    let serve = "# syntax=docker/dockerfile:1\nARG PYTHON=3.12\nFROM python:${PYTHON} AS build\nRUN pip wheel x\n\
                 FROM python:${PYTHON}-slim\nRUN pip install onnxruntime==1.16.3\n";
    let scratch = project(&[
        ("train/Dockerfile", "FROM python:3.10-slim\nRUN pip install onnxruntime==1.16.3\n"),
        ("serve/Dockerfile", serve),
    ]);
    let plan = scratch.run(&["fix", "train", "serve"]);
    assert_eq!(plan.stdout, "");
    let waits =
        "--unsafe takes them in:\n  [EC002, EC001] use image python:3.10-slim instead of python:3.12-slim in serving\n";
    assert!(plan.stderr.contains(waits), "{}", plan.stderr);
    assert!(
        plan.stderr.contains("    why: `--unsafe` takes an edit in: use image python:3.10-slim"),
        "{}",
        plan.stderr
    );
    let run = scratch.run(&["fix", "train", "serve", "--unsafe", "--write", "--fail-on", "info"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(read(&scratch, "serve/Dockerfile"), serve.replace("3.12", "3.10"));
    // A value from the command line decides, whatever stands in the file.
    let given = ["fix", "train", "serve", "--unsafe", "--define", "PYTHON=3.13", "-q"];
    assert!(!scratch.run(&given).stdout.contains("-ARG"));
}

#[test]
fn stages_of_one_image_move_together_or_not_at_all() {
    let fixed = |serve: &str| {
        let scratch = project(&[
            ("train/Dockerfile", "FROM python:3.10-slim\nRUN pip install onnxruntime==1.16.3\n"),
            ("serve/Dockerfile", serve),
        ]);
        let run = scratch.run(&["fix", "train", "serve", "--unsafe", "--write", "--select", "EC001"]);
        (read(&scratch, "serve/Dockerfile"), run.stdout)
    };
    let two = "FROM python:3.12 AS build\nRUN pip install -t /deps x\nFROM python:3.12.3-slim\nCOPY --from=build /deps /deps\n";
    assert_eq!(fixed(two).0, two.replace("3.12.3", "3.10").replace("3.12", "3.10"));
    for (left, why) in [
        (two.replace("FROM python:3.12 ", "FROM python:3.12@sha256:00 "), "a digest says which image it is"),
        (two.replace("/deps /deps", "/usr/lib/python3.12 /usr/lib/python3.12"), "names `python3.12`"),
        (two.replace("3.12.3-slim", "3.12.3-slim-potato"), ""),
        (
            "ARG V=3.12\nFROM someone/tools:${V} AS tools\nFROM python:${V}-slim\nCOPY --from=tools /x /x\n".to_owned(),
            "also names another image in serve/Dockerfile:2",
        ),
        (two.replace("FROM python", "FROM someone/python"), ""),
        ("FROM python:3.12-slim@sha256:00\n".to_owned(), "a digest says which image it is"),
    ] {
        let (text, said) = fixed(&left);
        assert_eq!(text, left, "{said}");
        assert!(said.contains(why) || !said.contains("EC001"), "{said}");
    }
}

#[test]
fn an_image_gives_way_to_an_old_driver() {
    let fixed = |dockerfile: &str, file: &str| {
        let scratch = project(&[(file, dockerfile), ("driver.lock", LOCK)]);
        let run = scratch.run(&["fix", ".", "--unsafe", "--write"]);
        (read(&scratch, file), run.stdout)
    };
    let image = "FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\n";
    let (text, said) = fixed(image, "Dockerfile");
    assert_eq!(text, "FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04\n", "{said}");
    let torch = "FROM pytorch/pytorch:2.4.0-cuda12.1-cudnn9-runtime\n";
    assert_eq!(fixed(torch, "Dockerfile").0, torch.replace("12.1", "11.8"));
    let compose = "services:\n  app:\n    image: \"nvidia/cuda:12.4.1-base-ubuntu22.04\" # gpu\n";
    assert_eq!(fixed(compose, "compose.yaml").0, compose.replace("12.4.1", "11.8.0"));
    // What training runs on was tested with the model.
    let scratch = project(&[
        ("train/Dockerfile", "FROM pytorch/pytorch:2.1.0-cuda11.8-cudnn8-devel\n"),
        ("serve/Dockerfile", torch),
        ("serve/driver.lock", LOCK),
    ]);
    scratch.run(&["fix", "train", "serve", "--unsafe", "--write"]);
    assert_eq!(read(&scratch, "serve/Dockerfile"), "FROM pytorch/pytorch:2.1.0-cuda11.8-cudnn8-runtime\n");
    // What else needs the new driver is not helped by another image.
    let both = format!("{image}RUN pip install torch==2.4.0+cu121\n");
    let (text, said) = fixed(&both, "Dockerfile");
    assert_eq!(text, both, "{said}");
    assert!(said.contains("the driver is installed on the host"), "{said}");
}

#[test]
fn a_build_is_changed_in_all_its_places() {
    let fixed = |requirements: &str| {
        let scratch = project(&[("requirements.txt", requirements), ("driver.lock", LOCK)]);
        let run = scratch.run(&["fix", ".", "--unsafe", "--write"]);
        (read(&scratch, "requirements.txt"), format!("{}{}", run.stdout, run.stderr))
    };
    let index =
        "--extra-index-url https://packages.example/whl/cu121\ntorch==2.1.0+cu121\ntorchvision==0.16.0+cu121  # eyes\n";
    let (text, said) = fixed(index);
    assert_eq!(text, index.replace("cu121", "cu118"), "{said}");
    assert!(said.contains("use the build cu118 of torch 2.1.0 instead of cu121 in serving"), "{said}");
    // The index alone says which build it is.
    let address = "--index-url https://packages.example/whl/cu121\ntorch==2.1.0\n";
    assert_eq!(fixed(address).0, address.replace("cu121", "cu118"));
    // No index that is named has the other build.
    let plain = "torch==2.1.0\n";
    let (text, said) = fixed(plain);
    assert_eq!(text, plain, "{said}");
    // What was compiled for the build that is there would not load any more.
    let compiled = format!("{index}xformers==0.0.22.post7\n");
    let (text, said) = fixed(&compiled);
    assert_eq!(text, compiled);
    assert!(said.contains("xformers is compiled for one build of torch"), "{said}");
    // A part that a tool wrote stays, and so do the others.
    let hashed = format!("{index}torchaudio==2.1.0+cu121 \\\n    --hash=sha256:{}\n", "0".repeat(64));
    assert_eq!(fixed(&hashed).0, hashed);
    let dockerfile = "FROM python:3.11-slim\nRUN pip install --no-cache-dir \\\n    torch==2.1.0 torchvision==0.16.0 \\\n    \
                      --index-url https://packages.example/whl/cu121\n";
    let scratch = project(&[("Dockerfile", dockerfile), ("driver.lock", LOCK)]);
    let run = scratch.run(&["fix", ".", "--unsafe", "--write"]);
    assert_eq!(read(&scratch, "Dockerfile"), dockerfile.replace("cu121", "cu118"), "{}", run.stdout);
}

#[test]
fn a_marker_is_added_where_somebody_says_that_it_belongs_there() {
    let fixed = |train: &str, serve: &str| {
        let scratch = project(&[
            ("train/requirements.txt", train),
            ("serve/requirements.txt", serve),
            (
                "serve/Dockerfile",
                "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n",
            ),
        ]);
        let run = scratch.run(&["fix", "train", "serve", "--write"]);
        (read(&scratch, "serve/requirements.txt"), format!("{}{}", run.stdout, run.stderr))
    };
    let serve = "fastapi==0.110.0\r\npywin32==306  # laptop\r\n";
    let (text, said) = fixed("fastapi==0.110.0\n", serve);
    assert_eq!(text, serve.replace("306", "306; sys_platform == \"win32\""), "{said}");
    assert!(said.contains("wrote:\n  [EC005] install pywin32 only where `sys_platform == \"win32\"`"), "{said}");
    // A shell would end the command at the semicolon.
    let dockerfile = "FROM python:3.11-slim\nRUN pip install fastapi==0.110.0 \\\n    pywin32==306\n";
    let scratch = project(&[("Dockerfile", dockerfile)]);
    let run = scratch.run(&["fix", ".", "--write", "--unsafe"]);
    assert_eq!(read(&scratch, "Dockerfile"), dockerfile);
    assert!(run.stdout.contains("a person has to write the marker"), "{}", run.stdout);
    // Training says under which condition: a rival of another package is gone with it.
    let train = "opencv-python==4.9.0.80; sys_platform == 'darwin'\nopencv-python-headless==4.9.0.80; sys_platform == 'linux'\n";
    let rivals = "opencv-python==4.9.0.80\nopencv-python-headless==4.9.0.80\n";
    let (text, said) = fixed(train, rivals);
    assert_eq!(text, rivals.replacen("4.9.0.80", "4.9.0.80; sys_platform == 'darwin'", 1), "{said}");
    // Another release is another requirement, and a condition that holds here changes nothing.
    for train in
        [train.replace("4.9.0.80", "4.8.0.76"), train.replace("darwin", "linux"), String::from("numpy==1.26.4\n")]
    {
        let (text, said) = fixed(&train, rivals);
        assert!(!text.contains(';'), "{said}");
    }
}

#[test]
fn what_is_left_says_why() {
    let lock = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"scikit-learn\"\nversion = \"1.5.0\"\n\
                source = { registry = \"https://packages.example/simple\" }\n";
    let scratch = project(&[
        ("train/requirements.txt", "scikit-learn==1.4.2\n"),
        ("serve/uv.lock", lock),
        ("serve/Dockerfile", "FROM registry.example/app:latest\n"),
        ("serve/driver.lock", LOCK),
        ("serve/requirements.txt", "nvidia-cuda-runtime-cu12==12.4.127\n"),
    ]);
    let said = scratch.run(&["fix", "train", "serve", "-v"]).stderr;
    for expected in [
        "a tool writes serve/uv.lock: run `uv lock --upgrade-package scikit-learn==1.4.2`",
        "the driver is installed on the host",
        "a person must decide which version of the image is meant",
    ] {
        assert!(said.replace("\n      ", " ").contains(expected), "{expected}\n{said}");
    }
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    let left = ["  error[", "  warning[", "  info["].map(|word| said.matches(word).count());
    assert_eq!(said.matches("    why: ").count(), left.iter().sum::<usize>(), "{said}");
}

/// Whether the real `git apply` takes a patch in a folder.
fn applies(scratch: &Scratch, folder: &str, patch: &str) -> bool {
    scratch.put("the.patch", patch);
    let command = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(scratch.path(folder)).args(arguments).output().unwrap().status.success()
    };
    let top = scratch.path("the.patch");
    if !scratch.path(".git").exists() {
        command(&["init", "-q", scratch.path("").to_str().unwrap()]);
    }
    command(&["apply", top.to_str().unwrap()])
}

#[test]
fn git_applies_the_diff() {
    let serve = "a\u{c}b==1\nscikit-learn==1.5.0\n";
    for (what, serve) in [
        ("plain", "numpy==1.26.4\nscikit-learn==1.5.0\nfastapi==0.110.0\n"),
        ("no line end", "scikit-learn==1.5.0"),
        ("lone carriage returns", "fastapi==0.110.0\rscikit-learn==1.5.0\r"),
        ("windows", "fastapi==0.110.0\r\nscikit-learn==1.5.0\r\n"),
        ("form feed", serve),
        ("mark", "\u{feff}scikit-learn==1.5.0\n"),
    ] {
        for (folder, sides) in [("", ["train", "serve"]), ("serve", ["../train", "."]), ("train", [".", "../serve"])] {
            let scratch = pair("scikit-learn==1.4.2\n", serve);
            let plan = scratch.run_in(folder, &["fix", sides[0], sides[1]]);
            let relative = plan.stderr.contains("the diff is relative to `../`: apply it there");
            assert_eq!(relative, folder == "train", "{what} {folder}: {}", plan.stderr);
            let folder = if relative { "" } else { folder };
            assert!(applies(&scratch, folder, &plan.stdout), "{what} in {folder}:\n{}", plan.stdout);
            assert_eq!(read(&scratch, "serve/requirements.txt"), serve.replace("1.5.0", "1.4.2"), "{what} {folder}");
        }
    }
}

#[test]
fn a_diff_gives_no_commands_to_the_machine_that_prints_it() {
    let hostile = |line: &str, after: &str| {
        let serve = format!("numpy==1.26.4\n{line}\nfastapi==0.110.0\nscikit-learn==1.5.0{after}\n");
        let scratch = pair("scikit-learn==1.4.2\n", &serve);
        let plan = scratch.run(&["fix", "train", "serve"]);
        let written = scratch.run(&["fix", "train", "serve", "--write"]);
        assert_eq!(read(&scratch, "serve/requirements.txt"), serve.replace("1.5.0", "1.4.2"), "{}", written.stderr);
        plan
    };
    // Less is shown around the edit, and it still applies.
    let plan = hostile("  ::error::x", "");
    assert!(plan.stdout.contains("+scikit-learn==1.4.2") && !plan.stdout.contains("::"), "{}", plan.stdout);
    for after in ["  # ##[error]x", "  # ##vso[task.x]", " \u{85}# a\r::error::b"] {
        let plan = hostile("x", after);
        assert_eq!(plan.stdout, "# serve/requirements.txt: not shown, see below\n", "{after:?}");
        assert!(plan.stderr.contains("is left out of the diff: its lines would give commands"), "{}", plan.stderr);
    }
}
