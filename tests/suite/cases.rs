//! Runs the built program, and knows the cases under `fixtures/rules`.
//!
//! A case is a folder with `train/` and `serve/` (compared with `diff`) or with `serve/` alone (looked at with `check`);
//! `model*.onnx` beside them are the models that serving loads; an `envcheck.toml`
//! beside them holds its settings. The program runs in the repository's root, so that every
//! path on the screen is relative, and it sees nothing of the surrounding terminal.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
    thread,
};

use serde_json::Value;

/// What one run of the program left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with a clean terminal, in the repository's root.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_envcheck"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "TERM"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
    }
}

pub(crate) fn envcheck<S: AsRef<str>>(arguments: &[S]) -> Run {
    finish(command().args(arguments.iter().map(AsRef::as_ref)))
}

/// Runs the program with this on its standard input.
pub(crate) fn envcheck_reading(input: &[u8], arguments: &[&str]) -> Run {
    let mut child = command().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    // A program that stops before it read everything has its reasons.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// One folder below `fixtures/rules/<rule>`.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) rule: String,
    pub(crate) name: String,
}

impl Case {
    /// Relative to the root, with `/`.
    pub(crate) fn path(&self) -> String {
        format!("fixtures/rules/{}/{}", self.rule, self.name)
    }

    pub(crate) fn fires(&self) -> bool {
        self.name == "fires" || self.name.starts_with("fires-")
    }

    pub(crate) fn is_diff(&self) -> bool {
        root().join(self.path()).join("train").is_dir()
    }

    pub(crate) fn models(&self) -> Vec<String> {
        names(&root().join(self.path())).into_iter().filter(|it| it.starts_with("model")).collect()
    }

    /// The command line of this case, without options of the output.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = self.path();
        let mut arguments = if self.is_diff() {
            vec!["diff".to_owned(), format!("{path}/train"), format!("{path}/serve")]
        } else {
            vec!["check".to_owned(), format!("{path}/serve")]
        };
        if root().join(&path).join("envcheck.toml").is_file() {
            arguments.extend(["--config".to_owned(), format!("{path}/envcheck.toml")]);
        }
        for model in self.models() {
            arguments.extend(["--model".to_owned(), format!("{path}/{model}")]);
        }
        arguments
    }

    pub(crate) fn run(&self, options: &[&str]) -> Run {
        let arguments = self.arguments();
        let all: Vec<&str> = arguments.iter().map(String::as_str).chain(options.iter().copied()).collect();
        envcheck(&all)
    }
}

/// What a folder holds, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|fault| panic!("{}: {fault}", folder.display()));
    let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether a file is called a model of ONNX.
pub(crate) fn is_onnx(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending == "onnx")
}

/// Every case, by rule and name.
pub(crate) fn cases() -> Vec<Case> {
    let folder = root().join("fixtures/rules");
    let of = |rule: String| {
        names(&folder.join(&rule)).into_iter().map(move |name| Case { rule: rule.clone(), name }).collect::<Vec<_>>()
    };
    names(&folder).into_iter().flat_map(of).collect()
}

/// The JSON report of every case; made once, since four tests look at them.
pub(crate) fn reports() -> &'static [(Case, Value)] {
    static REPORTS: OnceLock<Vec<(Case, Value)>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let all = cases();
        let workers = thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let share = all.len().div_ceil(workers);
        thread::scope(|scope| {
            let running: Vec<_> =
                all.chunks(share).map(|part| scope.spawn(|| part.iter().map(report).collect::<Vec<_>>())).collect();
            running.into_iter().flat_map(|it| it.join().expect("no worker panics")).collect()
        })
    })
}

fn report(case: &Case) -> (Case, Value) {
    let run = case.run(&["--format", "json", "--fail-on", "never"]);
    assert_eq!(run.code, 0, "{}: {}", case.path(), run.stderr);
    let value = serde_json::from_str(&run.stdout).unwrap_or_else(|fault| panic!("{}: {fault}", case.path()));
    (case.clone(), value)
}

/// The findings of one code in a report.
pub(crate) fn findings<'a>(report: &'a Value, code: &str) -> Vec<&'a Value> {
    let all = report["findings"].as_array().expect("a list of findings");
    all.iter().filter(|finding| finding["code"] == code).collect()
}
