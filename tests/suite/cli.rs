//! The command line: exit codes, what is said on standard error, filters, colours, and texts that try to do harm.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use envcheck::{
    rules::{RULES, tables_of},
    text::is_hidden,
};
use onnx_protobuf::Message as _;
use serde_json::Value;

use super::{
    cases::{Run, cases, command, envcheck, envcheck_reading, finish},
    rules::model,
};

const TRAIN: &str = "fixtures/quickstart/train";
const SERVE: &str = "fixtures/quickstart/serve";

/// A folder that is gone after the test.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Scratch {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Scratch(folder)
    }

    pub(super) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Scratch {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs the program in a folder of it.
    pub(super) fn run_in(&self, folder: &str, arguments: &[&str]) -> Run {
        finish(command().current_dir(self.0.join(folder)).args(arguments))
    }

    /// Runs the program in this folder.
    pub(super) fn run(&self, arguments: &[&str]) -> Run {
        finish(command().current_dir(&self.0).args(arguments))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Asserts a refusal: exit code 2, nothing on standard output, one error that says all of this.
pub(super) fn refused(run: &Run, says: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    for said in says {
        assert!(run.stderr.contains(said), "`{said}` is missing in: {}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked") && !run.stderr.contains("(os error"), "{}", run.stderr);
}

#[test]
fn exit_codes_are_0_1_and_2() {
    assert_eq!(envcheck(&["diff", SERVE, SERVE, "--ignore", "EC3,EC105"]).code, 0);
    assert_eq!(envcheck(&["diff", TRAIN, SERVE]).code, 1);
    assert_eq!(envcheck(&["diff", TRAIN, "nowhere"]).code, 2);
    for arguments in
        [&["diff"][..], &["diff", TRAIN], &["check"], &["nonsense"], &[], &["diff", TRAIN, SERVE, "--format", "xml"]]
    {
        assert_eq!(envcheck(arguments).code, 2, "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["diff", "--help"], &["check", "--help"], &["lock", "--help"]] {
        let run = envcheck(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!run.stdout.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_said_with_what_was_looked_for() {
    let scratch = Scratch::new();
    refused(&scratch.run(&["check", "missing.txt"]), &["could not read `missing.txt`: no such file or folder"]);
    fs::create_dir(scratch.0.join("empty")).unwrap();
    let readers = ["envcheck-lock", "requirements.txt", "nvidia-smi", "onnx"];
    refused(&scratch.run(&["check", "empty"]), &[&["found no input in `empty`"][..], &readers].concat());
    scratch.put("letter.md", "Dear all,\n\nthe service is down.\n");
    refused(&scratch.run(&["check", "letter.md"]), &[&["no reader understands `letter.md`"][..], &readers].concat());
    scratch.put("core", [0x7f, b'E', b'L', b'F', 0, 1, 2, 255, 254, 0, 0]);
    refused(&scratch.run(&["inspect", "core"]), &["no reader understands `core`"]);
    scratch.put("note.dat", b"Dear all,\nthe caf\xe9 is closed.\n");
    let encoding = "its line 2 is not text: byte 17 is not valid UTF-8";
    refused(&scratch.run(&["inspect", "note.dat"]), &["no reader understands `note.dat`", encoding]);
    scratch.put("letters/a.md", "Dear all,\n").put("letters/b.bin", [0, 159, 146, 150]);
    refused(&scratch.run(&["check", "letters"]), &["found no input in `letters`"]);
    let bytes = model(9, &[("", 17)], &[("Conv", "", "/conv")]).write_to_bytes().unwrap();
    scratch.put("cut.onnx", &bytes[..bytes.len() / 2]).put("requirements.txt", "onnxruntime==1.20.1\n");
    refused(
        &scratch.run(&["check", "requirements.txt", "--model", "cut.onnx"]),
        &["`cut.onnx` is no readable onnx", "byte"],
    );
    refused(&scratch.run(&["check", "requirements.txt", "--model", "requirements.txt"]), &["expected a model file"]);
    refused(&scratch.run(&["diff", "requirements.txt", "gone"]), &["`gone`"]);
    scratch.put("envcheck.lock", "version = 1\n[gpu\n");
    refused(&scratch.run(&["check", "envcheck.lock"]), &["envcheck.lock", "is no readable"]);
    scratch.put("other.lock", "version = 99\n");
    assert_eq!(scratch.run(&["check", "other.lock"]).code, 2);
    refused(&scratch.run(&["check", "requirements.txt", "-o", "no/such/folder/report.txt"]), &["could not write"]);
}

#[test]
fn usage_is_refused_with_the_word_that_is_wrong() {
    let wrong = |arguments: &[&str], says: &str| {
        let run = envcheck(&[&["check", SERVE], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(says), "`{says}` is missing in: {}", run.stderr);
    };
    wrong(&["--define", "NAME"], "expected NAME=VALUE, found `NAME`");
    wrong(&["--define", "name=1"], "upper-case letters");
    wrong(&["--define", "=1"], "upper-case letters");
    wrong(&["--select", "EC999"], "no rule has the code or name `EC999`");
    wrong(&["--ignore", "driver-to-old"], "no rule has the code or name `driver-to-old`");
    wrong(&["--impact", "boom"], "boom");
    wrong(&["--fail-on", "always"], "always");
    wrong(&["-q", "-v"], "cannot be used with");
    let run = envcheck(&["explain", "driver-to-old"]);
    refused(&run, &["no rule has the code or name `driver-to-old`", "did you mean EC301 (driver-too-old)?"]);
    refused(&envcheck(&["knowledge", "no-such-thing"]), &["nothing is known about `no-such-thing`"]);
}

/// The codes that a run reports, in order.
fn codes(options: &[&str]) -> Vec<String> {
    let run = envcheck(&[&["diff", TRAIN, SERVE, "--format", "json", "--fail-on", "never"], options].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let mut codes: Vec<String> = findings.iter().map(|it| it["code"].as_str().unwrap().to_owned()).collect();
    codes.dedup();
    codes
}

#[test]
fn filters_choose_what_is_shown() {
    assert_eq!(codes(&[]), ["EC105", "EC201", "EC301", "EC108", "EC601", "EC101", "EC310"]);
    assert_eq!(codes(&["--select", "EC3"]), ["EC301", "EC310"]);
    assert_eq!(codes(&["--select", "driver-too-old,ec201"]), ["EC201", "EC301"]);
    assert_eq!(codes(&["--ignore", "EC1"]), ["EC201", "EC301", "EC601", "EC310"]);
    assert_eq!(codes(&["--select", "EC1", "--ignore", "numpy-abi"]), ["EC108", "EC101"]);
    assert_eq!(codes(&["--impact", "load-failure"]), ["EC201"]);
    assert_eq!(codes(&["--impact", "start-failure,drift"]), ["EC105", "EC301", "EC601", "EC101"]);
    // What is not shown does not fail, and is not asked about either.
    let run = envcheck(&["diff", TRAIN, SERVE, "--select", "EC101"]);
    assert_eq!(run.code, 0);
    assert!(!run.stdout.contains("could not decide"), "{}", run.stdout);
}

#[test]
fn the_gate_is_where_the_user_puts_it() {
    let gate =
        |ignore: &str, level: &str| envcheck(&["diff", TRAIN, SERVE, "--ignore", ignore, "--fail-on", level]).code;
    for (ignore, levels) in
        [("EC9", [1, 1, 1, 0]), ("EC105,EC2,EC3", [0, 1, 1, 0]), ("EC105,EC108,EC2,EC3,EC6", [0, 0, 1, 0])]
    {
        let found = ["error", "warning", "info", "never"].map(|level| gate(ignore, level));
        assert_eq!(found, levels, "--ignore {ignore}");
    }
}

#[test]
fn standard_input_is_read_under_a_name() {
    let text = b"torch==2.4.0+cu121\n";
    let run =
        envcheck_reading(text, &["inspect", "-", "--stdin-filename", "serve/requirements.txt", "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("\"serve/requirements.txt\""), "{}", run.stdout);
    let run = envcheck_reading(text, &["check", "-"]);
    assert_eq!(run.code, 0, "pins are understood without a name: {}", run.stderr);
    refused(&envcheck_reading(b"Dear all,\n", &["check", "-"]), &["no reader understands `<stdin>`"]);
    refused(&envcheck_reading(b"", &["check", "-"]), &["`<stdin>`"]);
    let run = envcheck_reading(&fs::read(Path::new(TRAIN).join("pip-freeze.txt")).unwrap(), &["diff", "-", SERVE]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    // An include of standard input stays in the working folder.
    let run = envcheck_reading(
        b"-r ../../etc/passwd\nnumpy==1.26.4\n",
        &["check", "-", "--stdin-filename", "requirements.txt"],
    );
    assert!(run.stdout.contains("outside the folder"), "{}{}", run.stdout, run.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for arguments in [
        &["diff", TRAIN, SERVE, "--format", "json", "-v"][..],
        &["rules"],
        &["knowledge", "torch"],
        &["inspect", TRAIN],
    ] {
        let mut child = command().args(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(1, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = child.wait().unwrap().code();
        assert_eq!(stderr, "", "{arguments:?}");
        assert!(code.is_some_and(|code| code < 2), "{arguments:?}: {code:?}");
    }
}

#[test]
fn colours_follow_the_option_and_the_two_variables() {
    let colored = |options: &[&str], variables: &[(&str, &str)]| {
        let mut command = command();
        command.args(["diff", TRAIN, SERVE]).args(options).envs(variables.iter().copied());
        finish(&mut command).stdout.contains('\u{1b}')
    };
    assert!(!colored(&[], &[]), "a pipe is no terminal");
    assert!(colored(&["--color", "always"], &[]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]), "what is asked for on the line counts more");
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]), "an empty NO_COLOR is not set");
    assert!(!colored(&["--format", "json", "--color", "always"], &[]));
    assert!(!colored(&["--format", "concise", "--color", "always"], &[]));
    // Colours change nothing else.
    let plain = envcheck(&["diff", TRAIN, SERVE, "--color", "never"]).stdout;
    let bright = envcheck(&["diff", TRAIN, SERVE, "--color", "always"]).stdout;
    assert_eq!(without_escapes(&bright), plain);
}

fn without_escapes(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    out + rest
}

#[test]
fn an_output_file_gets_what_the_terminal_would() {
    let scratch = Scratch::new();
    let file = scratch.0.join("report.json");
    let run = envcheck(&["diff", TRAIN, SERVE, "--format", "json", "-o", file.to_str().unwrap()]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let shown = envcheck(&["diff", TRAIN, SERVE, "--format", "json"]).stdout;
    assert_eq!(fs::read_to_string(file).unwrap(), shown);
}

/// The inputs that `inspect` read, by path.
fn inputs(run: &Run) -> Vec<String> {
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    value["inputs"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_git_ignores_is_not_looked_for_but_read_when_named() {
    let scratch = Scratch::new();
    scratch
        .put("app/.gitignore", "old-*.txt\nbuild/\n")
        .put("app/requirements.txt", "numpy==1.26.4\n")
        .put("app/old-requirements.txt", "numpy==1.19.5\n")
        .put("app/build/requirements.txt", "numpy==1.20.0\n")
        .put("app/venv/requirements.txt", "numpy==1.21.0\n")
        .put("app/.hidden/requirements.txt", "numpy==1.22.0\n")
        .put("app/node_modules/x/requirements.txt", "numpy==1.23.0\n");
    assert_eq!(inputs(&scratch.run(&["inspect", "--format", "json", "app"])), ["app/requirements.txt"]);
    let named = ["inspect", "--format", "json", "app/old-requirements.txt", "app/build/requirements.txt"];
    assert_eq!(inputs(&scratch.run(&named)), ["app/old-requirements.txt", "app/build/requirements.txt"]);
}

#[test]
fn includes_stay_in_the_folder_and_constraints_install_nothing() {
    let scratch = Scratch::new();
    scratch
        .put("secret.txt", "password==1.0\n")
        .put(
            "app/requirements.txt",
            "-r ../secret.txt\n-r /etc/hostname\n-r base.txt\n-c constraints.txt\n-r https://packages.example/x.txt\n",
        )
        .put("app/base.txt", "numpy\n")
        .put("app/constraints.txt", "numpy==1.26.4\nonnxruntime==1.10.0\n");
    let run = finish(command().current_dir(scratch.0.join("app")).args(["inspect", "--format", "json", "."]));
    assert_eq!(inputs(&run), ["requirements.txt"], "what is included is read where it is included");
    assert!(!run.stdout.contains("password"), "{}", run.stdout);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let skipped: Vec<&str> =
        value["inputs"][0]["skipped"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    assert_eq!(skipped.iter().filter(|reason| reason.contains("outside the folder")).count(), 2, "{skipped:?}");
    // The constraint holds numpy down, and does not bring ONNX Runtime.
    let run = finish(command().current_dir(scratch.0.join("app")).args(["check", "."]));
    assert!(run.stdout.contains("checked: 1 package from"), "{}", run.stdout);
    assert!(!run.stdout.contains("EC601"), "{}", run.stdout);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_is_not_followed() {
    let scratch = Scratch::new();
    scratch.put("secret.txt", "password==1.0\n").put("app/requirements.txt", "-r inner.txt\nnumpy==1.26.4\n");
    std::os::unix::fs::symlink("../secret.txt", scratch.0.join("app/inner.txt")).unwrap();
    let run = finish(command().current_dir(scratch.0.join("app")).args(["inspect", "requirements.txt"]));
    assert!(!run.stdout.contains("password"), "{}", run.stdout);
    assert!(run.stdout.contains("outside the folder"), "{}", run.stdout);
}

#[test]
fn defines_stand_for_variables_and_nothing_else_does() {
    let scratch = Scratch::new();
    scratch.put("requirements.txt", "torch==${TORCH}\n");
    let run = finish(command().current_dir(&scratch.0).env("TORCH", "2.3.1").args(["inspect", "requirements.txt"]));
    assert!(!run.stdout.contains("2.3.1"), "the environment of this machine is nobody's business: {}", run.stdout);
    let run = scratch.run(&["inspect", "requirements.txt", "--define", "TORCH=2.4.0"]);
    assert!(run.stdout.contains("2.4.0"), "{}", run.stdout);
}

/// What a lock must keep of every fact: its component and version, without place and standing.
fn facts(run: &Run) -> Vec<String> {
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let all = value["inputs"].as_array().unwrap().iter().flat_map(|input| input["facts"].as_array().unwrap());
    let mut found: Vec<String> = all
        .map(|fact| {
            let mut fact = fact.as_object().unwrap().clone();
            // Places and weights change, and a lock lists what is there: no markers, no extras, no graph.
            let kept = [
                "kind",
                "name",
                "version",
                "value",
                "count",
                "compute-capability",
                "reference",
                "cuda",
                "build",
                "providers",
                "ir-version",
                "opsets",
                "inputs",
                "outputs",
                "format",
                "producer",
                "requires",
                "requires-python",
                "tags",
                "classes",
                "python",
            ];
            fact.retain(|key, value| kept.contains(&key.as_str()) && !value.is_null());
            Value::Object(fact).to_string()
        })
        .filter(|fact| !fact.contains("\"environment-name\"") && !fact.contains("\"role\""))
        // A lock says what is there, not where it came from.
        .filter(|fact| !fact.contains("\"package-index\""))
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_lock_read_back_says_what_the_inputs_said() {
    let scratch = Scratch::new();
    let lock = scratch.0.join("envcheck.lock");
    let lock = lock.to_str().unwrap();
    let mut tried = 0;
    let train = |case: &super::cases::Case| case.is_diff().then(|| format!("{}/train", case.path()));
    let mut folders: Vec<String> =
        cases().iter().filter(|case| case.name.starts_with("fires")).filter_map(train).collect();
    folders.extend(["build", "gpu-not", "two-cuda"].iter().flat_map(|part| {
        cases().into_iter().filter(move |case| case.rule.contains(part)).map(|case| format!("{}/serve", case.path()))
    }));
    folders.push(TRAIN.to_owned());
    for folder in folders {
        let run = envcheck(&["lock", "--from", &folder, "-o", lock]);
        assert_eq!(run.code, 0, "{folder}: {}", run.stderr);
        let text = fs::read_to_string(lock).unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        assert!(!text.contains(root) && !text.contains("\"/"), "{folder}: an absolute path in\n{text}");
        let before = facts(&envcheck(&["inspect", "--format", "json", &folder]));
        let after = facts(&envcheck(&["inspect", "--format", "json", lock]));
        // What is no single version is not recorded, and that is said.
        let lost: Vec<&String> = before.iter().filter(|fact| !after.contains(fact)).collect();
        if run.stderr.is_empty() {
            assert_eq!(before, after, "{folder}\n{text}");
        } else {
            for fact in lost {
                let value: Value = serde_json::from_str(fact).unwrap();
                let name = value["name"].as_str().unwrap_or("a fact without a name");
                let said = format!("note: {name} is not recorded");
                // Kinds of facts that no lock has are counted in one note.
                let kind = value["kind"].as_str().unwrap_or("a fact without a kind");
                let counted = |line: &str| line.contains("a lock has no place for these facts") && line.contains(kind);
                let is_said = run.stderr.contains(&said) || run.stderr.lines().any(counted);
                assert!(is_said, "{folder}: lost {fact}, said {}", run.stderr);
            }
        }
        // A lock of a lock is the same lock.
        let again = envcheck(&["lock", "--from", lock]).stdout;
        assert_eq!(again, text, "{folder}");
        tried += 1;
    }
    assert!(tried > 50, "only {tried} folders");
}

#[test]
fn a_lock_of_absolute_inputs_names_no_place_of_this_machine() {
    let scratch = Scratch::new();
    let bytes = model(9, &[("", 17)], &[("Conv", "", "/conv")]).write_to_bytes().unwrap();
    scratch.put("models/ranker.onnx", bytes).put("requirements.txt", "onnxruntime==1.20.1\n-e ./local\n");
    let folder = scratch.0.to_str().unwrap();
    let run = envcheck(&["lock", "--from", folder, "--name", "train", "--role", "training"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(!run.stdout.contains(folder), "{}", run.stdout);
    assert!(run.stdout.contains("name = \"train\"") && run.stdout.contains("role = \"training\""), "{}", run.stdout);
    let run = envcheck(&[
        "lock",
        "--from",
        &format!("{folder}/requirements.txt"),
        "--model",
        &format!("{folder}/models/ranker.onnx"),
    ]);
    assert!(!run.stdout.contains(folder) && run.stdout.contains("ranker.onnx"), "{}", run.stdout);
}

#[test]
fn manuals_and_knowledge_are_printed() {
    let rules = envcheck(&["rules"]);
    assert_eq!(rules.code, 0);
    let lines: Vec<&str> = rules.stdout.lines().collect();
    assert_eq!(lines.len(), RULES.len());
    for (line, rule) in lines.iter().zip(RULES) {
        assert!(line.starts_with(rule.code) && line.contains(rule.name) && line.ends_with(rule.summary()), "{line}");
    }
    for rule in RULES {
        let by_code = envcheck(&["explain", &rule.code.to_lowercase()]);
        let by_name = envcheck(&["explain", rule.name]);
        assert_eq!((by_code.code, by_code.stdout.as_str()), (0, by_name.stdout.as_str()));
        assert!(by_code.stdout.contains("## Why it matters"), "{}", by_code.stdout);
        let (_, evidence) = by_code.stdout.split_once("\n## Evidence\n").expect("every manual says what it rests on");
        let tables: Vec<&str> =
            evidence.lines().filter_map(|line| line.strip_prefix("- ")?.split(':').next()).collect();
        assert_eq!(tables, tables_of(rule.code).unwrap());
        assert_eq!(evidence.matches("newest checked 2").count(), tables.len(), "{evidence}");
        assert_eq!(evidence.contains("rests on what the inputs say"), tables.is_empty(), "{evidence}");
        assert!(by_code.stdout.lines().all(|line| line.chars().count() <= 125), "{}", by_code.stdout);
    }
    let tables = envcheck(&["knowledge"]).stdout;
    assert!(tables.starts_with("knowledge of 2") && tables.contains("cuda_minor"), "{tables}");
    for component in ["torch", "onnxruntime", "Gelu", "NVIDIA L4", "scikit_learn", "cuda-minor"] {
        let run = envcheck(&["knowledge", component]);
        assert_eq!(run.code, 0, "{component}: {}", run.stderr);
        let words = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("; checked 2"), "every row has a source: {}", run.stdout);
    }
}

/// An escape sequence, a bell, a carriage return, a direction mark, a zero-width blank and a tag character.
const EVIL: &str = "\u{1b}[31m\u{7}\u{202e}\u{200b}\u{e0041}";

/// Nothing in a text can move the cursor or reorder what is shown.
fn inert(run: &Run, what: &str) {
    for text in [&run.stdout, &run.stderr] {
        let bad: Vec<char> = text.chars().filter(|it| is_hidden(*it) && *it != '\n').collect();
        assert!(bad.is_empty(), "{what}: {bad:?} in {text}");
    }
    assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
}

#[test]
fn texts_that_try_to_do_harm_come_out_inert() {
    let scratch = Scratch::new();
    let mut bad =
        model(99, &[("", 99), (&format!("com.{EVIL}"), 1)], &[(EVIL, "", EVIL), ("X", &format!("com.{EVIL}"), EVIL)]);
    bad.producer_name = EVIL.into();
    bad.domain = EVIL.into();
    let evil_lock = "version = 1\n\n[environment]\nname = \"a\\u001B[31m\\u202E\"\npython = \"3.8\"\ndevice = \"cuda\"\n\n[[gpu.device]]\nname = \"Tesla\\u001B]0;x\\u0007\"\ncount = 1\n\n[[model]]\npath = \"\\u001B[2J\\u202E.pkl\"\nformat = \"pickle\"\nproducer = \"scikit-learn 1.3.2\"\nclasses = [\"\\u001B[31m.X\"]\n\n[[library]]\nname = \"onnxruntime\"\nversion = \"1.10\"\nfrom = \"\\u001B[31m\"\n";
    scratch
        .put("serve/requirements.txt", format!("numpy==2.1.3  # {EVIL}\npandas==2.2.1 ; python_version < \"{EVIL}\"\n{EVIL}==1.0\ntorch @ https://packages.example/{EVIL}\n-r {EVIL}.txt\nonnxruntime==1.10.0\nscikit-learn=={EVIL}\nscikit-learn==1.0\n"))
        .put("serve/envcheck.lock", evil_lock)
        .put("serve/nvidia-smi.txt", format!("| NVIDIA-SMI 470.82.01    Driver Version: 470.82.01    CUDA Version: 11.4 {EVIL}    |\n|   0  Tesla {EVIL}  On   | 00000000:17:00.0 Off |  0 |\n"))
        .put("train/pip-freeze.txt", format!("# {EVIL}\nnumpy==1.26.4\nscikit-learn==1.3.2\n"))
        .put("model.onnx", bad.write_to_bytes().unwrap());
    for format in ["human", "concise", "json"] {
        for detail in ["-v", "-q"] {
            let run = scratch.run(&["diff", "train", "serve", "--model", "model.onnx", "--format", format, detail]);
            assert!(run.code < 2, "{format}: {}", run.stderr);
            inert(&run, &format!("diff {format} {detail}"));
        }
    }
    for format in ["human", "json"] {
        let run = scratch.run(&["inspect", "serve", "model.onnx", "--format", format]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        inert(&run, &format!("inspect {format}"));
    }
    let run = scratch.run(&["lock", "--from", "serve", "--model", "model.onnx"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    inert(&run, "lock");
    inert(&scratch.run(&["check", EVIL]), "check");
    inert(&scratch.run(&["check", "serve", "--model", EVIL]), "model");
}

#[cfg(unix)]
#[test]
fn file_names_that_try_to_do_harm_come_out_inert() {
    let scratch = Scratch::new();
    scratch
        .put(
            "serve/a\u{1b}[31m\u{202e}-requirements.txt",
            "numpy==2.1.3\npandas==2.2.1\n-r missing.txt\nscikit-learn\n",
        )
        .put("serve/b\u{1b}[31m.onnx", model(99, &[("", 99)], &[]).write_to_bytes().unwrap())
        .put("broken/c\u{1b}[31m.onnx", [8, 9])
        .put("train/requirements.txt", "numpy==1.26.4\n");
    for format in ["human", "concise", "json"] {
        let run = scratch.run(&["diff", "train", "serve", "--format", format, "-v"]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        inert(&run, format);
    }
    inert(&scratch.run(&["inspect", "serve"]), "inspect");
    inert(&scratch.run(&["inspect", "serve", "--format", "json"]), "inspect json");
    inert(&scratch.run(&["lock", "--from", "serve"]), "lock");
    inert(&scratch.run(&["check", "broken"]), "broken");
}

#[test]
fn one_model_in_both_places_is_one_model() {
    let run = envcheck(&["diff", TRAIN, SERVE, "--model", &format!("{TRAIN}/ranker.onnx"), "--format", "concise"]);
    assert_eq!(run.stdout.matches("EC201").count(), 1, "{}", run.stdout);
}

#[test]
fn a_file_that_is_wished_for_is_not_once_it_is_named() {
    let scratch = Scratch::new();
    let service = |name: &str| {
        format!("  {name}:\n    profiles: [{name}]\n    build: {{context: ., dockerfile: build/Dockerfile}}\n")
    };
    scratch.put("compose.yaml", format!("services:\n{}{}", service("api"), service("worker")));
    scratch.put("build/Dockerfile", "FROM python:3.11.9-slim-bookworm\n");
    let alone = scratch.run(&["check", "compose.yaml"]).stdout;
    assert_eq!(alone.matches("name that file too").count(), 1, "{alone}");
    assert!(alone.contains("2 services run only with a profile (`api`, `worker`)"), "{alone}");
    let both = scratch.run(&["check", "compose.yaml", "build/Dockerfile"]).stdout;
    assert!(!both.contains("name that file too"), "{both}");
}
