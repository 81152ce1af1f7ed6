//! What is reported and what fails: levels, comments, ignores, baselines, revisions, and several outputs in a run.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::cli::{Scratch, refused};

const TRAIN: &str = "numpy==1.26.4\nscikit-learn==1.4.2\ncatboost==1.2.3\n";
const SERVE: &str = "numpy==1.26.4\nscikit-learn==1.5.0\ncatboost==1.2.5\n";

fn project(config: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.put("train.txt", TRAIN);
    scratch.put("deploy/requirements.txt", SERVE);
    let environments = "[environment.train]\nrole = 'training'\ninputs = ['train.txt']\n\
                        [environment.serve]\nrole = 'serving'\ninputs = ['deploy/requirements.txt']\n";
    scratch.put("envcheck.toml", format!("{environments}{config}"));
    scratch
}

fn report(scratch: &Scratch, folder: &str, arguments: &[&str]) -> Value {
    let all: Vec<&str> = arguments.iter().copied().chain(["--format", "json", "--fail-on", "never"]).collect();
    let run = scratch.run_in(folder, &all);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap()
}

/// Code and first component of the findings in a list of the report.
fn about(report: &Value, list: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report[list].as_array().unwrap();
    findings.iter().map(|it| format!("{} {}", text(&it["code"]), text(&it["components"][0]))).collect()
}

#[test]
fn levels_of_the_file_change_findings_and_the_gate() {
    let before = report(&project(""), "", &["check"]);
    let drift = |report: &Value| about(report, "findings").iter().filter(|it| it.starts_with("EC101")).count();
    assert_eq!(drift(&before), 2, "{before:#}");
    let off = report(&project("[rules]\nEC101 = 'off'\n"), "", &["check"]);
    assert_eq!(drift(&off), 0);
    let info = report(&project("[rules]\nversion-drift = 'info'\n"), "", &["check"]);
    let drifts = info["findings"].as_array().unwrap().iter().filter(|it| it["code"] == "EC101");
    assert_eq!(drifts.filter(|it| it["severity"] == "info").count(), 2);
    // The command line wins over the environment, and that over the file.
    let scratch = project("[rules]\nfail-on = 'never'\n");
    assert_eq!(scratch.run(&["check"]).code, 0);
    assert_eq!(scratch.run(&["check", "--fail-on", "info"]).code, 1);
    let with = |value: &str, arguments: &[&str]| {
        let mut command = super::cases::command();
        super::cases::finish(command.current_dir(scratch.path("")).env("ENVCHECK_FAIL_ON", value).args(arguments)).code
    };
    assert_eq!(with("info", &["check"]), 1);
    assert_eq!(with("info", &["check", "--fail-on", "never"]), 0);
    assert_eq!(with("sometimes", &["check"]), 2);
}

#[test]
fn comments_on_either_side_excuse_what_they_name() {
    let scratch = project("");
    scratch.put(
        "deploy/requirements.txt",
        "numpy==1.26.4\nscikit-learn==1.5.0 # envcheck: ignore[EC101] retrained\ncatboost==1.2.5\n",
    );
    scratch.put(
        "train.txt",
        "numpy==1.26.4\nscikit-learn==1.4.2\n# envcheck: ignore[version-drift] old booster\ncatboost==1.2.3\n",
    );
    let report = report(&scratch, "", &["check"]);
    let ignored: Vec<String> = about(&report, "ignored");
    assert_eq!(ignored.iter().filter(|it| it.starts_with("EC101")).count(), 2, "{report:#}");
    let reasons: Vec<&str> =
        report["ignored"].as_array().unwrap().iter().filter_map(|it| it["ignored"]["reason"].as_str()).collect();
    assert_eq!(reasons, ["old booster", "retrained"]);
    assert!(!about(&report, "findings").iter().any(|it| it.starts_with("EC9")), "{report:#}");
    assert_eq!(report["summary"]["ignored"], 2);
    let human = scratch.run(&["check"]).stdout;
    assert!(human.trim_end().ends_with(", 2 ignored"), "{human}");
}

#[test]
fn ignores_of_the_file_excuse_what_all_their_keys_describe() {
    let ignored = |keys: &str| -> Vec<String> {
        let scratch = project(&format!("[[ignore]]\nrule = 'EC101'\nreason = 'known'\n{keys}\n"));
        about(&report(&scratch, "", &["check"]), "ignored")
    };
    assert_eq!(ignored(""), ["EC101 catboost", "EC101 scikit-learn"]);
    assert_eq!(ignored("package = 'Scikit_Learn'"), ["EC101 scikit-learn"]);
    assert_eq!(ignored("environment = 'serve'").len(), 2);
    assert_eq!(ignored("path = 'deploy/*.txt'").len(), 2);
    assert_eq!(ignored("path = '*.toml'"), [""; 0]);
    assert_eq!(ignored("path = '*.txt'\npackage = 'numpy'"), [""; 0]);
    // From another folder the same paths are meant.
    let scratch = project("[[ignore]]\nrule = 'EC101'\nreason = 'known'\npath = 'deploy/*.txt'\n");
    assert_eq!(about(&report(&scratch, "deploy", &["check"]), "ignored").len(), 2);
}

#[test]
fn ignores_of_no_use_are_findings_where_everything_is_judged() {
    let config = "[[ignore]]\nrule = 'EC301'\nreason = 'new driver soon'\n\
                  [[ignore]]\nrule = 'EC101'\nreason = 'known'\nexpires = 2020-01-31\n";
    let scratch = project(config);
    let whole = about(&report(&scratch, "", &["check"]), "findings");
    assert!(whole.contains(&"EC902 ignore".to_owned()) && whole.contains(&"EC903 ignore".to_owned()), "{whole:?}");
    assert!(whole.contains(&"EC101 catboost".to_owned()), "an expired ignore excuses nothing: {whole:?}");
    let part = about(&report(&scratch, "", &["check", "deploy/requirements.txt"]), "findings");
    assert!(!part.iter().any(|it| it.starts_with("EC9")), "{part:?}");
    let pair = about(&report(&scratch, "", &["diff", "train.txt", "deploy/requirements.txt"]), "findings");
    assert!(pair.contains(&"EC903 ignore".to_owned()) && !pair.contains(&"EC902 ignore".to_owned()), "{pair:?}");
}

#[test]
fn a_comment_is_unused_only_if_no_comparison_needs_it() {
    let scratch = project("[environment.edge]\nrole = 'serving'\ninputs = ['edge.txt']\n");
    scratch.put("edge.txt", TRAIN);
    scratch.put("train.txt", "numpy==1.26.4\nscikit-learn==1.4.2 # envcheck: ignore[EC101] fine\ncatboost==1.2.3 # envcheck: ignore[EC601] x\n");
    let report = report(&scratch, "", &["check"]);
    let unused: Vec<&str> = report["comparisons"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["findings"].as_array().unwrap())
        .filter(|it| it["code"] == "EC902")
        .filter_map(|it| it["message"].as_str())
        .collect();
    assert_eq!(unused, ["the comment ignores EC601 (unpinned), which is not found here"]);
}

#[test]
fn a_baseline_hides_what_was_there_and_nothing_else() {
    let scratch = project("");
    let run = scratch.run(&["check", "--write-baseline", "baseline.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert!(run.stderr.starts_with("wrote a baseline with "), "{}", run.stderr);
    let again = scratch.run(&["check", "--baseline", "baseline.json", "--fail-on", "info"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
    assert_eq!(again.stderr, "");
    // Lines that move are the same findings; another version is a new one; what is gone is said.
    scratch
        .put("deploy/requirements.txt", "# pins\n\ncatboost==1.2.6\nscikit-learn==1.5.0  # as before\nnumpy==1.26.4\n");
    let moved = report(&scratch, "", &["check", "--baseline", "baseline.json"]);
    assert_eq!(about(&moved, "findings"), ["EC101 catboost"], "{moved:#}");
    let by: Vec<&str> =
        moved["ignored"].as_array().unwrap().iter().filter_map(|it| it["ignored"]["by"].as_str()).collect();
    assert!(!by.is_empty() && by.iter().all(|it| *it == "baseline"));
    let gone = scratch.run(&["check", "--baseline", "baseline.json"]);
    assert!(gone.stderr.contains("1 finding is gone; --write-baseline writes it again"), "{}", gone.stderr);
    let text = fs::read_to_string(scratch.path("baseline.json")).unwrap();
    scratch.run(&["check", "--no-config", "--write-baseline", "second.json", "deploy"]);
    assert!(fs::read_to_string(scratch.path("second.json")).unwrap().len() < text.len());
    for (spoiled, expected) in [
        ("{", "baseline.json: no baseline: EOF"),
        ("{\"version\": 2, \"findings\": []}", "baseline.json: expected a baseline of version 1, found 2"),
        (
            "{\"version\": 1, \"findings\": [{\"fingerprint\": \"xyz\", \"code\": \"\", \"path\": null, \"message\": \"\"}]}",
            "expected a fingerprint of 32 hexadecimal digits, found `xyz`",
        ),
    ] {
        scratch.put("baseline.json", spoiled);
        refused(&scratch.run(&["check", "--baseline", "baseline.json"]), &[expected]);
    }
    refused(&scratch.run(&["check", "--baseline", "gone.json"]), &["could not read `gone.json`"]);
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]);
    let output = command.current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn since_reports_what_a_change_brought() {
    let scratch = project("");
    let top = scratch.path("");
    git(&top, &["init", "-q"]);
    git(&top, &["add", "."]);
    git(&top, &["commit", "-qm", "one"]);
    let clean = report(&scratch, "", &["check", "--since", "HEAD"]);
    assert_eq!(about(&clean, "findings"), [""; 0]);
    assert!(clean["ignored"].as_array().unwrap().iter().all(|it| it["ignored"]["by"] == "since"));
    scratch.put("deploy/requirements.txt", format!("# moved\n{SERVE}joblib\n").replace("1.2.5", "1.2.7"));
    let changed = report(&scratch, "", &["check", "--since", "HEAD"]);
    let new = about(&changed, "findings");
    assert!(new.contains(&"EC101 catboost".to_owned()) && new.contains(&"EC601 joblib".to_owned()), "{new:?}");
    assert!(!new.contains(&"EC101 scikit-learn".to_owned()), "{new:?}");
    // Services name files from the repository's folder.
    let lines = scratch.run_in("deploy", &["check", "--format", "github"]).stdout;
    assert!(lines.contains(" file=deploy/requirements.txt,line="), "{lines}");
    // From a folder of the repository, and against a commit before the project had the file.
    assert_eq!(about(&report(&scratch, "deploy", &["check", "--since", "HEAD"]), "findings"), new);
    git(&top, &["commit", "-qam", "two"]);
    assert_eq!(about(&report(&scratch, "", &["check", "--since", "HEAD~1"]), "findings"), new);
    git(&top, &["mv", "deploy", "release"]);
    let config = fs::read_to_string(scratch.path("envcheck.toml")).unwrap();
    scratch.put("envcheck.toml", config.replace("deploy/", "release/"));
    // A file under another name has the findings that it had.
    assert_eq!(about(&report(&scratch, "", &["check", "--since", "HEAD"]), "findings"), [""; 0]);
    scratch.put("release/requirements.txt", "catboost==1.2.9\n");
    assert_eq!(
        about(&report(&scratch, "", &["check", "--since", "HEAD", "--select", "EC101"]), "findings"),
        ["EC101 catboost"]
    );
    let run = scratch.run(&["check", "release", "--since", "HEAD", "--no-config"]);
    assert!(run.stderr.contains("at HEAD everything counts as new: could not read `release`"), "{}", run.stderr);
    refused(&scratch.run(&["check", "--since", "nowhere"]), &["`nowhere` is no commit of this repository"]);
    refused(&scratch.run(&["check", "--since=--all"]), &["`--all` is no commit of this repository"]);
    let absolute = scratch.path("release");
    refused(
        &scratch.run(&["check", absolute.to_str().unwrap(), "--since", "HEAD"]),
        &["relative to the working folder"],
    );
}

#[test]
fn outputs_go_where_they_are_told() {
    let scratch = project("");
    let run = scratch.run(&["check", "-o", "json=a.json", "--output", "concise=b.txt", "--fail-on", "never"]);
    assert!(run.stdout.contains("EC101"), "the terminal still shows the report");
    let report: Value = serde_json::from_str(&fs::read_to_string(scratch.path("a.json")).unwrap()).unwrap();
    let lines = fs::read_to_string(scratch.path("b.txt")).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), lines.lines().count());
    let file = scratch.run(&["check", "--format", "concise", "-o", "c=d.txt", "--fail-on", "never"]);
    assert_eq!((file.stdout.as_str(), fs::read_to_string(scratch.path("c=d.txt")).unwrap()), ("", lines));
    refused(&scratch.run(&["check", "-o", "a", "-o", "b"]), &["`--output b` names a second file for `--format human`"]);
    refused(&scratch.run(&["check", "-o", "json="]), &["expected a file behind `json=`"]);
    refused(&scratch.run(&["check", "-o", "json=no/such/folder.json"]), &["could not write `no/such/folder.json`"]);
}

#[test]
fn no_comment_is_called_unused_by_a_run_that_cannot_tell() {
    let unused = |scratch: &Scratch, arguments: &[&str]| {
        let run = scratch.run(&[arguments, &["--format", "concise", "--fail-on", "never"]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout.matches("[EC902]").count()
    };
    // Another comparison needs it.
    let scratch = project("[environment.edge]\nrole = 'serving'\ninputs = ['edge.txt']\n");
    scratch.put("edge.txt", TRAIN);
    scratch.put("deploy/requirements.txt", SERVE.replace("1.5.0", "1.5.0 # envcheck: ignore[EC101] fine"));
    scratch.put("train.txt", TRAIN.replace("1.4.2", "1.4.2 # envcheck: ignore[EC101] fine"));
    assert_eq!(unused(&scratch, &["check"]), 0);
    assert_eq!(unused(&scratch, &["diff", "train", "edge"]), 0);
    assert_eq!(unused(&scratch, &["diff", "train.txt", "edge.txt", "--no-config"]), 1);
    // The rule is off, for now.
    let off = "[rules]\nEC101 = 'off'\n[[ignore]]\nrule = 'EC101'\nreason = 'known'\n";
    let scratch = project(off);
    scratch.put("train.txt", TRAIN.replace("1.4.2", "1.4.2 # envcheck: ignore[EC101, EC104] fine"));
    assert_eq!(unused(&scratch, &["check"]), 1);
    // The rule could not be decided: nobody says which driver there is.
    let scratch = Scratch::new();
    scratch.put("requirements.txt", "torch==2.4.0+cu121 # envcheck: ignore[EC301] the new driver comes in May\n");
    assert_eq!(unused(&scratch, &["check", "requirements.txt"]), 0);
    scratch.put("driver.lock", "version = 1\n[gpu]\ndriver = '550.54.14'\n");
    assert_eq!(unused(&scratch, &["check", "requirements.txt", "driver.lock"]), 1);
}

#[test]
fn a_baseline_is_the_same_from_every_folder() {
    let scratch = project("");
    scratch.run(&["check", "--write-baseline", "baseline.json"]);
    let inside = report(&scratch, "deploy", &["check", "--baseline", "../baseline.json"]);
    assert_eq!(about(&inside, "findings"), [""; 0]);
    scratch.run_in("deploy", &["check", "--write-baseline", "second.json"]);
    let read = |name: &str| fs::read_to_string(scratch.path(name)).unwrap();
    assert_eq!(read("deploy/second.json"), read("baseline.json"));
}

#[test]
fn a_revision_is_not_read_from_the_working_tree() {
    let scratch = project("");
    let top = scratch.path("");
    git(&top, &["init", "-q"]);
    git(&top, &["add", "."]);
    git(&top, &["commit", "-qm", "one"]);
    scratch.put("deploy/requirements.txt", SERVE.replace("1.2.5", "1.2.7"));
    // A file named from the root would be the one of today, and nothing would be new.
    let config = scratch.path("envcheck.toml");
    let named = scratch.run(&["check", "--since", "HEAD", "--config", config.to_str().unwrap()]);
    refused(&named, &["inputs and --config are paths relative to the working folder"]);
    let relative = report(&scratch, "", &["check", "--since", "HEAD", "--config", "envcheck.toml"]);
    assert_eq!(about(&relative, "findings"), ["EC101 catboost"]);
    let text = fs::read_to_string(&config).unwrap();
    scratch.put("envcheck.toml", text.replace("'deploy/", &format!("'{}deploy/", top.display())));
    git(&top, &["add", "envcheck.toml"]);
    git(&top, &["commit", "-qm", "two"]);
    let run = scratch.run(&["check", "--since", "HEAD", "--format", "concise"]);
    assert!(run.stderr.contains("an absolute path is not of a revision"), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("EC101"), "{}", run.stdout);
}

#[test]
fn only_what_a_run_looked_for_is_gone() {
    let scratch = project("");
    scratch.put("deploy/requirements.txt", format!("{SERVE}joblib\n"));
    scratch.run(&["check", "--write-baseline", "baseline.json"]);
    let gone = |arguments: &[&str]| {
        let run = scratch.run(&[arguments, &["--baseline", "baseline.json", "--fail-on", "never"]].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stderr
    };
    for arguments in [
        &["check"][..],
        &["check", "--select", "EC6"],
        &["check", "--ignore", "EC101"],
        &["check", "--impact", "drift"],
        &["check", "train.txt", "--no-config"],
        &["check", "deploy/requirements.txt", "--no-config"],
        &["diff", "train.txt", "train.txt", "--no-config"],
    ] {
        assert_eq!(gone(arguments), "", "{arguments:?}");
    }
    scratch.put("deploy/requirements.txt", format!("{TRAIN}joblib\n"));
    assert!(gone(&["check", "--select", "EC1"]).contains("2 findings are gone"));
    assert_eq!(gone(&["check", "--select", "EC6"]), "");
    // What a comment excuses is there.
    scratch
        .put("deploy/requirements.txt", SERVE.replace("1.2.5", "1.2.5 # envcheck: ignore[EC101] known") + "joblib\n");
    assert_eq!(gone(&["check"]), "");
}

#[test]
fn a_baseline_follows_a_file_that_is_renamed() {
    let scratch = project("");
    scratch.run(&["check", "--write-baseline", "baseline.json"]);
    let config = fs::read_to_string(scratch.path("envcheck.toml")).unwrap();
    fs::rename(scratch.path("deploy/requirements.txt"), scratch.path("deploy/pins.txt")).unwrap();
    scratch.put("envcheck.toml", config.replace("requirements.txt", "pins.txt"));
    let run = scratch.run(&["check", "--baseline", "baseline.json", "--fail-on", "info"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    // One that stays where it was has its own findings, and a second one with the same lines has new ones.
    scratch.put("deploy/requirements.txt", SERVE);
    scratch.put(
        "envcheck.toml",
        config.replace(
            "['deploy/requirements.txt']",
            "['deploy/pins.txt']\n[environment.second]\nrole = 'serving'\ninputs = ['deploy/requirements.txt']",
        ),
    );
    let report = report(&scratch, "", &["check", "--baseline", "baseline.json"]);
    let count =
        |list: &str| report["comparisons"].as_array().unwrap().iter().map(|it| about(it, list).len()).sum::<usize>();
    assert!(count("findings") > 0 && count("findings") == count("ignored"), "{report:#}");
}

#[test]
fn what_git_was_told_not_to_look_at_is_compared_all_the_same() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let scratch = project("");
        let top = scratch.path("");
        git(&top, &["init", "-q"]);
        git(&top, &["add", "."]);
        git(&top, &["commit", "-qm", "one"]);
        git(&top, &["update-index", flag, "deploy/requirements.txt"]);
        scratch.put("deploy/requirements.txt", SERVE.replace("1.2.5", "1.2.7"));
        let changed = report(&scratch, "", &["check", "--since", "HEAD"]);
        assert_eq!(about(&changed, "findings"), ["EC101 catboost"], "{flag}");
    }
}

#[test]
fn environments_that_nothing_pairs_are_said() {
    let declared = "[environment.a]\nrole = 'training'\ninputs = ['train.txt']\n\
                    [environment.b]\nrole = 'training'\ninputs = ['train.txt']\n\
                    [environment.serve]\ninputs = ['deploy/requirements.txt']\n";
    let scratch = project("");
    scratch.put("envcheck.toml", declared);
    let run = scratch.run(&["check"]);
    let said = "envcheck.toml: `serve` is checked alone: which of `a`, `b` to compare it with, `trained-in` of a [[model]] says, \
                or `envcheck diff a serve`\n";
    assert_eq!(run.stderr, said);
    assert_eq!(scratch.run(&["check", "-q"]).stderr, "");
    scratch.put(
        "envcheck.toml",
        format!("{declared}[[model]]\ntrained-in = 'a'\nserved-in = ['serve']\nformat = 'onnx'\n"),
    );
    assert_eq!(scratch.run(&["check"]).stderr, "");
}

#[test]
fn comments_in_stages_that_are_not_built_are_left_alone() {
    let dockerfile = "FROM python:3.11-slim AS dev\n# envcheck: ignore[EC601] tools\nRUN pip install joblib\n\
                      RUN pip install -r dev.txt\nFROM python:3.11-slim AS run\n# envcheck: ignore[EC601] no pin\nRUN pip install numpy==1.26.4\n";
    let scratch = Scratch::new();
    scratch.put("Dockerfile", dockerfile);
    scratch.put("dev.txt", "pandas # envcheck: ignore[EC601] tools\n");
    let unused = |arguments: &[&str]| {
        let run = scratch.run(
            &[&["check", "Dockerfile", "--no-config", "--format", "concise", "--fail-on", "never"], arguments].concat(),
        );
        run.stdout
            .lines()
            .filter(|line| line.contains("EC902"))
            .map(|line| line.split(':').take(2).collect::<Vec<_>>().join(":"))
            .collect::<Vec<_>>()
    };
    assert_eq!(unused(&[]), ["Dockerfile:6"]);
    assert_eq!(unused(&["--target", "dev"]), [""; 0]);
}

#[test]
fn a_lock_file_that_cannot_be_read_is_no_silence() {
    let scratch = Scratch::new();
    scratch.put("serve/requirements.txt", "numpy==1.26.4\n");
    for (name, text, why) in [
        ("uv.lock", "", "expected version 1 of the format, found none"),
        ("uv.lock", "<<<<<<< HEAD\nversion = 1\n=======\nversion = 2\n", "`serve/uv.lock:1:9` is no readable uv.lock"),
        ("poetry.lock", "[[package]\n", "is no readable poetry.lock"),
        ("Pipfile.lock", "{", "is no readable Pipfile.lock"),
    ] {
        let path = format!("serve/{name}");
        scratch.put(&path, text);
        refused(&scratch.run(&["check", "serve"]), &[why]);
        fs::remove_file(scratch.path(&path)).unwrap();
    }
    assert_eq!(scratch.run(&["check", "serve"]).code, 0);
}
