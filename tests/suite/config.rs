//! `envcheck.toml`: where it is found, what it declares, and how strictly it is read.

use std::fs;

use envcheck::{config, text::Sources};

use super::cli::{Scratch, refused};

const CONFIG: &str = r#"[environment.train]
role = "training"
inputs = ["train/requirements.txt"]
python = "3.10"

[environment.serve]
role = "serving"
inputs = ["deploy"]
python = "3.11"
gpu = ["NVIDIA L4"]
driver = "440.33"
device = "cuda"

[[model]]
path = "models/*.pkl"
format = "pickle"
producer = "scikit-learn 1.3.2"
trained-in = "train"
served-in = ["serve"]

[knowledge]
extra = ["company.toml"]
"#;

const COMPANY: &str = "[[needs]]\npackage = 'ourlib'\nrelease = '>=2'\ncomponent = 'torch'\nrange = '>=2.1'\n\
                       source = 'our wiki'\nlocator = 'page Versions'\nchecked = '2026-11-20'\n";

/// A repository with an envcheck.toml.
fn project(text: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch
        .put(".git/HEAD", "")
        .put("envcheck.toml", text)
        .put("company.toml", COMPANY)
        .put("base.txt", "numpy==1.26.4\n");
    scratch.put("train/requirements.txt", "-r ../base.txt\ntorch==2.1.0\nscikit-learn==1.3.2\n");
    scratch.put("deploy/requirements.txt", "-r ../base.txt\nourlib==2.3\ntorch==2.0.1+cu118\nscikit-learn==1.5.0\n");
    scratch
}

#[test]
fn sides_may_be_named_by_environment_or_not_at_all() {
    let scratch = project(CONFIG);
    let named = scratch.run(&["diff", "train", "serve", "--format", "concise"]);
    assert_eq!((named.code, named.stderr.as_str()), (1, ""), "{}", named.stdout);
    for says in [
        "deploy/requirements.txt:2:7: error[EC106] ourlib 2.3 needs torch >=2.1",
        "error[EC301] driver 440.33 is too old for CUDA 11.8",
        "envcheck.toml:17:12: warning[EC205]",
        "envcheck.toml:9:10: info[EC001] training runs Python 3.10, serving runs Python 3.11",
    ] {
        assert!(named.stdout.contains(says), "`{says}` is missing in: {}", named.stdout);
    }
    for arguments in [&["diff", "--format", "concise"][..], &["check", "--format", "concise"]] {
        let run = scratch.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (1, named.stdout.as_str()), "{}", run.stderr);
    }
    // A name is an environment, a path with a folder before it is a path.
    let path = scratch.run(&["diff", "./train", "serve", "--format", "concise"]);
    assert!(!path.stdout.contains("EC001"), "{}", path.stdout);
    let mixed = ["diff", "--train", "train", "--serve", "./deploy", "--serve", "base.txt", "--format", "concise"];
    assert!(!scratch.run(&mixed).stdout.contains("EC301"));
    let alone = scratch.run(&["check", "serve", "--format", "concise"]);
    assert!(alone.stdout.contains("EC301") && !alone.stdout.contains("EC101"), "{}", alone.stdout);
}

#[test]
fn the_file_is_looked_up_to_the_folder_of_the_repository() {
    let scratch = project(CONFIG);
    scratch
        .put("deploy/inner/note.md", "")
        .put("other/.git/HEAD", "")
        .put("elsewhere.toml", "[environment.a]\npython = '3.9'\n");
    let inside = |folder: &str, arguments: &[&str]| scratch.run_in(folder, arguments);
    let run = inside("deploy/inner", &["diff", "--format", "concise"]);
    assert!(run.stdout.contains("../../envcheck.toml:9:10: info[EC001]"), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("../../deploy/requirements.txt:2:7"), "{}", run.stdout);
    refused(&inside("other", &["diff"]), &["expected two sides; without them, an envcheck.toml says what to compare"]);
    refused(&scratch.run(&["check", "--no-config"]), &["expected inputs"]);
    refused(&scratch.run(&["diff", "train", "serve", "--no-config"]), &["could not read `serve`"]);
    let other = scratch.run(&["inspect", "a", "--config", "elsewhere.toml"]);
    assert!(
        other.stdout.contains("elsewhere.toml (envcheck.toml)") && other.stdout.contains("3.9"),
        "{}",
        other.stdout
    );
    refused(&scratch.run(&["check", "--config", "gone.toml"]), &["could not read `gone.toml`"]);
    assert_eq!(scratch.run(&["check", "--config", "elsewhere.toml", "--no-config"]).code, 2);
}

#[test]
fn declared_facts_have_the_standing_of_a_declaration_and_their_place() {
    let scratch = project(CONFIG);
    let run = scratch.run(&["inspect", "serve"]);
    let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in [
        &["python", "3.11", "declared", ":9"][..],
        &["gpu", "NVIDIA", "L4", "declared", ":10"],
        &["nvidia-driver", "440.33", "declared", ":11"],
    ] {
        assert!(lines.iter().any(|it| it == line), "{line:?} is missing in: {}", run.stdout);
    }
}

#[test]
fn every_fault_is_said_with_its_place_and_the_nearest_key() {
    let scratch = project(
        "[environment.train]\nrol = 'training'\npyhton = '3.10'\ndriver = 'x'\ninputs = 'a'\ngpu = [3]\nrole = 'both'\n\
         [[model]]\npaht = 'a'\ntrained-in = 'trian'\n[rules]\nfail-on = 'fatal'\nEC1O1 = 'off'\n\
         EC302 = 'warn'\nEC301 = 'off'\ndriver-too-old = 'info'\n[[ignore]]\nrule = 'EC1'\nexpires = '2027-01-01'\n\
         [[ignore]]\nreason = 'x'\npackages = 'a'\n[knowledge]\nextras = []\n[wrong]\n",
    );
    refused(
        &scratch.run(&["check", "train/requirements.txt"]),
        &[
            "error: envcheck.toml:2:1: unknown key `rol`; did you mean `role`?\n",
            "\nenvcheck.toml:3:1: unknown key `pyhton`; did you mean `python`?",
            "\nenvcheck.toml:4:10: expected a driver version such as `535.161.08`, found `x`",
            "\nenvcheck.toml:5:10: expected paths such as [\"requirements.txt\"], found string",
            "\nenvcheck.toml:6:8: expected the name of a GPU in quotes, found integer",
            "\nenvcheck.toml:7:8: expected \"training\" or \"serving\"",
            "\nenvcheck.toml:8:1: expected a model with a `path`",
            "\nenvcheck.toml:9:1: unknown key `paht`; did you mean `path`?",
            "\nenvcheck.toml:10:14: no environment is called `trian`; did you mean `train`?",
            "\nenvcheck.toml:12:11: expected \"error\", \"warning\", \"info\" or \"never\"",
            "\nenvcheck.toml:13:1: no rule has the code or name `EC1O1`; did you mean `EC101`?",
            "\nenvcheck.toml:14:9: expected \"off\", \"info\", \"warning\" or \"error\"",
            "\nenvcheck.toml:16:1: the level of EC301 is set twice, by code and by name",
            "\nenvcheck.toml:17:1: an ignore needs a `reason`, such as reason = ",
            "\nenvcheck.toml:18:8: no rule has the code or name `EC1`",
            "\nenvcheck.toml:19:11: expected a date without quotes, such as 2027-03-01, found string",
            "\nenvcheck.toml:20:1: an ignore needs a `rule`, such as rule = ",
            "\nenvcheck.toml:22:1: unknown key `packages`; did you mean `package`?",
            "\nenvcheck.toml:24:1: unknown key `extras`; did you mean `extra`?",
            "\nenvcheck.toml:25:2: unknown key `wrong`; expected one of environment, model, rules, ignore, knowledge",
        ],
    );
    scratch.put("envcheck.toml", "[environment\n");
    refused(&scratch.run(&["check"]), &["envcheck.toml:1:", "broken TOML"]);
    scratch.put("envcheck.toml", "");
    refused(&scratch.run(&["check"]), &["envcheck.toml declares no environment"]);
    refused(&scratch.run(&["diff"]), &["expected one training and one serving environment"]);
}

#[test]
fn what_the_file_names_must_be_there() {
    let scratch = project("[environment.a]\ninputs = ['gone.txt']\n");
    refused(&scratch.run(&["check"]), &["envcheck.toml:2:11: could not read `gone.txt`: no such file or folder"]);
    scratch.put("envcheck.toml", "[environment.a]\npython = '3.11'\n[[model]]\npath = 'models/*.onnx'\n");
    refused(&scratch.run(&["check"]), &["envcheck.toml:4:8: no file matches `models/*.onnx`"]);
    scratch.put("envcheck.toml", "[knowledge]\nextra = ['gone.toml']\n");
    refused(&scratch.run(&["check", "base.txt"]), &["envcheck.toml:2:10: could not read `gone.toml`"]);
    scratch.put("envcheck.toml", "[knowledge]\nextra = ['company.toml']\n").put("company.toml", "[[need]]\n");
    refused(&scratch.run(&["check", "base.txt"]), &["company.toml:1:3: no table of the knowledge is called `need`"]);
}

#[test]
fn several_comparisons_are_shown_one_after_the_other() {
    let text = format!("{CONFIG}[environment.edge]\ninputs = ['base.txt']\n");
    let scratch = project(&text);
    let run = scratch.run(&["check"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let headings: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("== ")).collect();
    assert_eq!(headings, ["== train -> edge ==", "== train -> serve =="]);
    let json = scratch.run(&["check", "--format", "json", "--output", "concise=lines.txt"]);
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let validator = super::reports::schema("report.schema.json");
    assert_eq!(super::reports::faults(&validator, "check", &report), [""; 0]);
    let names: Vec<&str> =
        report["comparisons"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["train -> edge", "train -> serve"]);
    let lines = fs::read_to_string(scratch.path("lines.txt")).unwrap();
    assert!(lines.starts_with("== train -> edge ==\n"), "{lines}");
    refused(&scratch.run(&["diff"]), &["expected one training and one serving environment"]);
}

#[test]
fn pairs_follow_the_models_and_then_the_roles() {
    let pairs = |text: &str| -> Vec<String> {
        let file = Sources::default().add(envcheck::text::Source::new(
            "envcheck.toml".into(),
            envcheck::text::Form::Text,
            text.into(),
        ));
        let config = config::read(file, text).unwrap();
        config.pairs().iter().map(|it| format!("{} {}", it.training.as_deref().unwrap_or("-"), it.serving)).collect()
    };
    let roles = "[environment.a]\nrole = 'training'\n[environment.b]\nrole = 'training'\n[environment.x]\nrole = 'serving'\n\
                 [environment.y]\n";
    assert_eq!(pairs(roles), ["- x", "- y", "- a", "- b"]);
    let model = "[[model]]\nformat = 'pickle'\ntrained-in = 'a'\nserved-in = ['x']\n";
    assert_eq!(pairs(&format!("{roles}{model}")), ["a x", "- y", "- b"]);
    let everywhere = "[[model]]\nformat = 'pickle'\ntrained-in = 'b'\n";
    assert_eq!(pairs(&format!("{roles}{model}{everywhere}")), ["a x", "b x", "b y"]);
    assert_eq!(pairs("[environment.a]\nrole = 'training'\n[environment.x]\n"), ["a x"]);
    assert_eq!(pairs("[environment.a]\nrole = 'training'\n"), ["- a"]);
}

#[test]
fn a_model_file_is_completed_by_what_is_declared() {
    let scratch = project(
        "[environment.serve]\ninputs = ['deploy']\n[[model]]\npath = 'models/**/*.onnx'\nproducer = 'pytorch 2.1.0'\n",
    );
    let bytes = onnx_protobuf::Message::write_to_bytes(&super::rules::model(9, &[("", 17)], &[("Conv", "", "/conv")]));
    scratch.put("models/a/m.onnx", bytes.unwrap()).put("models/a/m.txt", "");
    let run = scratch.run(&["check", "serve", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let models = report["models"].as_array().unwrap();
    assert_eq!(models.len(), 1, "{models:?}");
    assert_eq!(models[0]["path"], "models/a/m.onnx");
    assert_eq!(models[0]["opsets"]["ai.onnx"], 17);
}

#[test]
fn a_table_of_pyproject_toml_is_as_good() {
    let scratch = Scratch::new();
    scratch.put("a.txt", "joblib==1.3.2\n");
    scratch.put("b.txt", "joblib==1.4.2\n");
    scratch.put("sub/pyproject.toml", "[project]\nname = 'envcheck-user'\n");
    let table = "[project]\nname = 'x'\n[tool.envcheck.environment.train]\nrole = 'training'\ninputs = ['a.txt']\n\
                 [tool.envcheck.environment.serve]\ninputs = ['b.txt']\n[tool.envcheck.rules]\nfail-on = 'info'\n";
    scratch.put("pyproject.toml", table);
    let run = scratch.run_in("sub", &["check", "--format", "concise"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.starts_with("../b.txt:1:"), "{}", run.stdout);
    let shown = scratch.run_in("sub", &["config", "--format", "json"]).stdout;
    assert!(shown.starts_with("# settings of ../pyproject.toml\n"), "{shown}");
    let lines: Vec<Vec<&str>> =
        shown.lines().map(|line| line.split("  ").filter(|it| !it.is_empty()).collect()).collect();
    for line in [
        &["fail-on = \"info\"", "# ../pyproject.toml:9"][..],
        &["format = \"json\"", "# --format"],
        &["input \"../b.txt\"", "# ../pyproject.toml:7"],
        &["# `envcheck check` judges: train -> serve"],
    ] {
        let is = |it: &Vec<&str>| it.iter().map(|part| part.trim()).eq(line.iter().copied());
        assert!(lines.iter().any(is), "{line:?} is missing in: {shown}");
    }
    // A file of our own wins over the other one, and faults are said where they stand.
    scratch.put("envcheck.toml", "");
    refused(&scratch.run(&["check"]), &["envcheck.toml declares no environment"]);
    fs::remove_file(scratch.path("envcheck.toml")).unwrap();
    scratch.put("pyproject.toml", table.replace("fail-on", "fail-off"));
    refused(&scratch.run(&["check"]), &["pyproject.toml:9:1: no rule has the code or name `fail-off`"]);
    refused(&scratch.run(&["check", "--config", "sub/pyproject.toml"]), &["has no table [tool.envcheck]"]);
    scratch.put("pyproject.toml", "[tool]\nenvcheck = 3\n");
    refused(&scratch.run(&["check"]), &["pyproject.toml:2:12: expected a table [tool.envcheck]"]);
}

#[test]
fn settings_are_shown_with_their_origin() {
    let scratch = project(&format!(
        "{CONFIG}[rules]\nversion-drift = 'off'\n[[ignore]]\nrule = 'driver-too-old'\npackage = 'torch'\nreason = 'say \"why\"'\nexpires = 2031-02-03\n"
    ));
    let run = scratch.run(&["config", "--select", "EC1", "--baseline", "b.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!("settings", run.stdout);
    let none = Scratch::new();
    none.put("x/.git/HEAD", "");
    let run = none.run_in("x", &["config"]);
    assert!(run.stdout.starts_with("# no envcheck.toml, and no [tool.envcheck]"), "{}", run.stdout);
}

#[test]
fn completions_and_manuals_know_every_command() {
    let help = super::cases::envcheck(&["--help"]).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 10, "{help}");
    let scratch = Scratch::new();
    assert_eq!(scratch.run(&["man", "pages"]).code, 0);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = scratch.run(&["completions", shell]);
        assert!(run.code == 0 && commands.iter().all(|name| run.stdout.contains(name)), "{shell}");
    }
    for name in &commands {
        assert!(scratch.path(&format!("pages/envcheck-{name}.1")).is_file(), "{name}");
    }
    assert!(scratch.run(&["man"]).stdout.contains(".SH SUBCOMMANDS"));
    refused(&scratch.run(&["completions", "tcsh"]), &["invalid value 'tcsh'"]);
}
