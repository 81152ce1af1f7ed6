//! `envcheck init` on repositories as they are found: the file that it writes runs at once, and it says how it guessed.

use std::{fs, path::Path};

use super::{
    cases::{names, root},
    cli::{Scratch, refused},
    config_schema::{reader_faults, schema_faults, validator},
};

/// Files and their texts.
type Layout<'a> = &'a [(&'a str, &'a str)];

const IMAGE: &str = "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n";
const PYPROJECT: &str = "[project]\nname = 'a'\nversion = '1'\ndependencies = ['torch==2.1.0']\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n\
    spec: {template: {spec: {containers: [{name: x, image: 'registry.example/x:1'}]}}}\n";
const UV_LOCK: &str = "version = 1\nrequires-python = '>=3.11'\n\n[[package]]\nname = 'a'\nversion = '1'\nsource = { virtual = '.' }\n\
    dependencies = [{ name = 'numpy' }]\n\n[[package]]\nname = 'numpy'\nversion = '1.26.4'\n\
    source = { registry = 'https://packages.example/simple' }\n";

fn model() -> Vec<u8> {
    let model = super::rules::model(9, &[("", 17)], &[("Conv", "", "/conv")]);
    onnx_protobuf::Message::write_to_bytes(&model).unwrap()
}

/// A repository of its own: nothing around it counts.
fn repository(layout: Layout<'_>) -> Scratch {
    let scratch = Scratch::new();
    scratch.put(".git/HEAD", "");
    for (path, text) in layout {
        match Path::new(path).extension() {
            Some(ending) if ending == "onnx" && text.is_empty() => scratch.put(path, model()),
            _ => scratch.put(path, text),
        };
    }
    scratch
}

/// The declared inputs and models, one a line.
fn declared(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap();
    let mut lines = Vec::new();
    let texts = |value: &toml::Value| {
        let items = value.as_array().unwrap().iter().filter_map(toml::Value::as_str);
        items.collect::<Vec<_>>().join(" | ")
    };
    for (name, environment) in table.get("environment").and_then(toml::Value::as_table).into_iter().flatten() {
        lines.push(format!("{name} ({}): {}", environment["role"].as_str().unwrap(), texts(&environment["inputs"])));
    }
    for model in table.get("model").and_then(toml::Value::as_array).into_iter().flatten() {
        let trained = model.get("trained-in").and_then(toml::Value::as_str);
        let served = model.get("served-in").map(texts);
        let between = [trained.map(|it| format!(" from {it}")), served.map(|it| format!(" to {it}"))];
        lines.push(format!("{}{}", model["path"].as_str().unwrap(), between.into_iter().flatten().collect::<String>()));
    }
    lines
}

/// The file with all settings that wait behind a `#`.
fn unfolded(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Runs `init`, and `check` on what it wrote. The file, and what was said.
fn init(scratch: &Scratch, what: &str) -> (String, String) {
    let printed = scratch.run(&["init", "--stdout"]);
    let run = scratch.run(&["init"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{what}");
    let text = fs::read_to_string(scratch.path("envcheck.toml")).unwrap();
    assert_eq!(printed.stdout, text, "{what}");
    assert!(run.stdout.starts_with(&printed.stderr), "{what}: {}", printed.stderr);
    for (form, text) in [("as written", text.clone()), ("with all settings", unfolded(&text))] {
        assert_eq!(reader_faults(&text), [""; 0], "{what}, {form}:\n{text}");
        assert_eq!(schema_faults(&validator(), &text), [""; 0], "{what}, {form}:\n{text}");
    }
    if !declared(&text).is_empty() {
        let check = scratch.run(&["check"]);
        assert!(check.code < 2, "{what}: {}\n{text}", check.stderr);
    }
    (text, run.stdout)
}

fn copy(from: &Path, to: &Scratch, below: &str) {
    for name in names(from) {
        let (source, target) = (from.join(&name), format!("{below}{name}"));
        if source.is_dir() {
            copy(&source, to, &format!("{target}/"));
        } else {
            to.put(&target, fs::read(source).unwrap());
        }
    }
}

#[test]
fn whole_projects_are_checked_at_once() {
    let folder = root().join("fixtures/projects");
    for project in names(&folder) {
        for (form, code) in [("broken", 1), ("mended", 0)] {
            let (scratch, what) = (repository(&[]), format!("{project}, {form}"));
            copy(&folder.join(&project).join(form), &scratch, "");
            let (text, said) = init(&scratch, &what);
            let lines = declared(&text);
            assert!(lines.iter().any(|it| it.starts_with("train (training): train/")), "{what}: {lines:?}");
            assert!(lines.iter().any(|it| it.starts_with("serve (serving): serve/")), "{what}: {lines:?}");
            assert!(!said.contains("not placed"), "{what}: {said}");
            assert_eq!(scratch.run(&["check"]).code, code, "{what}");
        }
    }
}

#[test]
fn sides_are_guessed_from_names_and_neighbours() {
    let cases: &[(&str, Layout<'_>, &[&str])] = &[
        (
            "one folder, scripts on both sides",
            &[
                ("requirements.txt", "torch==2.1.0\n"),
                ("requirements-dev.txt", "pytest==8.0.0\n"),
                ("train.py", ""),
                ("app.py", ""),
                ("Dockerfile", IMAGE),
            ],
            &["serve (serving): Dockerfile", "train (training): requirements.txt"],
        ),
        ("one file", &[("requirements.txt", "numpy==1.26.4\n")], &["serve (serving): requirements.txt"]),
        (
            "training alone",
            &[("train/requirements.txt", "numpy==1.26.4\n")],
            &["train (training): train/requirements.txt"],
        ),
        (
            "a folder of requirements",
            &[
                ("requirements/base.txt", "numpy==1.26.4\n"),
                ("requirements/train.txt", "-r base.txt\ntorch==2.1.0\n"),
                ("requirements/serve.txt", "-r base.txt\ntorch==2.0.0\n"),
                ("requirements/dev.txt", "-r base.txt\npytest==8.0.0\n"),
            ],
            &["serve (serving): requirements/serve.txt", "train (training): requirements/train.txt"],
        ),
        (
            "a lock beside its manifest",
            &[
                ("training/uv.lock", UV_LOCK),
                ("training/pyproject.toml", PYPROJECT),
                ("api/requirements.in", "numpy\n"),
                ("api/requirements.txt", "numpy==1.26.4\n"),
            ],
            &["serve (serving): api/requirements.txt", "train (training): training/uv.lock"],
        ),
        (
            "services with manifests elsewhere",
            &[
                ("services/ranker/Dockerfile", IMAGE),
                ("services/ranker/requirements.txt", "onnxruntime==1.16.3\n"),
                ("services/ranker/models/a.onnx", ""),
                ("services/embedder/Dockerfile", "FROM python:3.10-slim\nRUN pip install torch==2.1.0\n"),
                ("k8s/ranker.yaml", DEPLOYMENT),
                ("k8s/embedder-deployment.yaml", DEPLOYMENT),
                ("k8s/redis.yaml", DEPLOYMENT),
                ("training/pyproject.toml", PYPROJECT),
            ],
            &[
                "embedder (serving): k8s/embedder-deployment.yaml | services/embedder/Dockerfile",
                "ranker (serving): k8s/ranker.yaml | services/ranker/Dockerfile",
                "train (training): training/pyproject.toml",
                "services/ranker/models/*.onnx to ranker",
            ],
        ),
        (
            "images for two machines",
            &[
                (
                    "docker/Dockerfile.gpu",
                    "FROM nvidia/cuda:12.1.0-runtime-ubuntu22.04\nRUN pip install -r requirements.txt\n",
                ),
                ("docker/Dockerfile.cpu", "FROM python:3.11-slim\nRUN pip install torch==2.1.0\n"),
                ("requirements.txt", "torch==2.1.0\n"),
                ("notebooks/requirements.txt", "torch==2.2.0\n"),
            ],
            &[
                "cpu (serving): docker/Dockerfile.cpu",
                "gpu (serving): docker/Dockerfile.gpu | requirements.txt",
                "train (training): notebooks/requirements.txt",
            ],
        ),
        (
            "two models with two sides each",
            &[
                ("ranker/train/requirements.txt", "numpy==1.26.4\n"),
                ("ranker/serve/requirements.txt", "numpy==1.24.0\n"),
                ("ranker/m.onnx", ""),
                ("embedder/train/requirements.txt", "numpy==1.26.4\n"),
                ("embedder/serve/requirements.txt", "numpy==1.24.0\n"),
            ],
            &[
                "embedder (serving): embedder/serve/requirements.txt",
                "embedder-train (training): embedder/train/requirements.txt",
                "ranker (serving): ranker/serve/requirements.txt",
                "ranker-train (training): ranker/train/requirements.txt",
                "ranker/*.onnx from ranker-train to ranker",
            ],
        ),
        (
            "a repository of Triton",
            &[
                ("triton/models/a/config.pbtxt", "name: \"a\"\nbackend: \"onnxruntime\"\n"),
                ("triton/models/a/1/model.onnx", ""),
                ("triton/models/a/2/model.onnx", ""),
                ("train/requirements.txt", "torch==2.1.0\n"),
            ],
            &["serve (serving): triton/models", "train (training): train/requirements.txt"],
        ),
        (
            "models that git does not have, and many folders",
            &[
                (".gitignore", "kept/local.onnx\n"),
                ("serve/requirements.txt", "onnxruntime==1.16.3\n"),
                ("kept/a.onnx", ""),
                ("kept/local.onnx", "no model"),
                ("lfs/a.onnx", "version https://git-lfs.github.com/spec/v1\n"),
            ],
            &["serve (serving): serve/requirements.txt", "kept/a.onnx"],
        ),
        (
            "many folders of models",
            &[
                ("serve/requirements.txt", "onnxruntime==1.16.3\n"),
                ("m/a/1.onnx", ""),
                ("m/b/1.onnx", ""),
                ("m/c/1.onnx", ""),
                ("m/d/1.onnx", ""),
                ("m/e/1.onnx", ""),
            ],
            &["serve (serving): serve/requirements.txt", "m/**/*.onnx"],
        ),
        (
            "odd names",
            &[
                ("train data/requirements \"old\" #1.txt", "numpy==1.26.4\n"),
                ("serve's/größe]/requirements.txt", "numpy==1.24.0\n"),
                ("models [v1]/b.onnx", ""),
                ("a*b/?.onnx", ""),
            ],
            &[
                "serve (serving): serve's/größe]/requirements.txt",
                "train (training): train data/requirements \"old\" #1.txt",
                "a*b/?.onnx",
                "models [v1]/b.onnx",
            ],
        ),
        (
            "installed things and broken files",
            &[
                (".gitignore", "build/\n"),
                ("build/requirements.txt", "numpy==1.0\n"),
                ("venv/requirements.txt", "numpy==1.0\n"),
                ("serve/envcheck.lock", "version = [\n"),
                ("serve/requirements.txt", "numpy==1.26.4\n"),
            ],
            &["serve (serving): serve/requirements.txt"],
        ),
    ];
    for (what, layout, expected) in cases {
        let scratch = repository(layout);
        let (text, said) = init(&scratch, what);
        assert_eq!(declared(&text), *expected, "{what}: {said}");
    }
}

#[test]
fn images_are_asked_what_they_install() {
    let cases: &[(&str, Layout<'_>, &[&str])] = &[
        (
            "an image that installs the project around it",
            &[
                ("requirements.txt", "numpy==1.26.4\n"),
                ("setup.py", ""),
                (
                    "docker/Dockerfile",
                    "FROM python:3.11-slim\nCOPY . /app\nWORKDIR /app\nRUN pip install -e \".[serve]\"\n",
                ),
            ],
            &["serve (serving): docker/Dockerfile | requirements.txt"],
        ),
        (
            "two images beside each other that name files below them",
            &[
                (
                    "images/a.Dockerfile",
                    "FROM python:3.11-slim\nCOPY scorer/pyproject.toml scorer/poetry.lock scorer/\nRUN true\n",
                ),
                ("images/b.Dockerfile", "FROM python:3.11-slim\nRUN pip install numpy==1.26.4\n"),
                ("images/scorer/pyproject.toml", PYPROJECT),
            ],
            &["a (serving): images/a.Dockerfile | images/scorer/pyproject.toml", "b (serving): images/b.Dockerfile"],
        ),
    ];
    for (what, layout, expected) in cases {
        let scratch = repository(layout);
        let (text, said) = init(&scratch, what);
        assert_eq!(declared(&text), *expected, "{what}: {said}");
    }
}

#[test]
fn what_a_user_reads_of_a_service() {
    let scratch = repository(&[
        ("train/requirements.txt", "torch==2.1.0\n"),
        ("train/requirements-dev.txt", "pytest==8.0.0\n"),
        ("notebooks/requirements.txt", "torch==2.2.0\n"),
        ("serve/Dockerfile", IMAGE),
        ("serve/requirements.txt", "torch==2.0.1\n"),
        ("deploy/deployment.yaml", DEPLOYMENT),
        ("models/a.onnx", ""),
        ("models/b.onnx", ""),
        ("weights/large.onnx", "version https://git-lfs.github.com/spec/v1\n"),
    ]);
    let (text, said) = init(&scratch, "a service");
    insta::assert_snapshot!("service", format!("{text}\n---- on the terminal ----\n{said}"));
}

#[test]
fn what_a_user_reads_of_an_empty_repository() {
    let scratch =
        repository(&[("main.c", "int x;\n"), ("weights.onnx", "version https://git-lfs.github.com/spec/v1\n")]);
    let run = scratch.run(&["init"]);
    refused(&run, &["found nothing here that describes an environment"]);
    assert!(!scratch.path("envcheck.toml").exists(), "a file that declares nothing would only break every check");
    let template = scratch.run(&["init", "--stdout"]);
    assert_eq!(template.code, 0, "{}", template.stderr);
    insta::assert_snapshot!("nothing", format!("{}\n---- on the terminal ----\n{}", template.stdout, run.stderr));
    scratch.put("envcheck.toml", template.stdout);
    refused(&scratch.run(&["check"]), &["envcheck.toml declares no environment yet: fill in [environment.train]"]);
}

#[test]
fn a_file_that_is_there_is_kept() {
    let scratch = repository(&[("requirements.txt", "numpy==1.26.4\n"), ("envcheck.toml", "# mine\n")]);
    refused(&scratch.run(&["init"]), &["`envcheck.toml` is there already", "--force", "--stdout"]);
    assert_eq!(fs::read_to_string(scratch.path("envcheck.toml")).unwrap(), "# mine\n");
    let printed = scratch.run(&["init", "-n"]);
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    assert_eq!(fs::read_to_string(scratch.path("envcheck.toml")).unwrap(), "# mine\n");
    assert_eq!(scratch.run(&["init", "--force"]).code, 0);
    assert_eq!(fs::read_to_string(scratch.path("envcheck.toml")).unwrap(), printed.stdout);
    assert_eq!(scratch.run(&["init", "--force", "-n"]).code, 2);
}

#[cfg(unix)]
#[test]
fn names_with_controls_come_out_inert() {
    let scratch = repository(&[
        ("serve\n[rules]\u{1b}[31m/requirements.txt", "numpy==1.26.4\n"),
        ("x\u{202e}\ny/Pipfile.lock", "{"),
    ]);
    let (text, said) = init(&scratch, "controls");
    assert_eq!(declared(&text), ["serve (serving): serve\n[rules]\u{1b}[31m/requirements.txt"]);
    for shown in [&text, &said] {
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
    }
    assert!(!text.contains("\n[rules]"), "{text}");
}
