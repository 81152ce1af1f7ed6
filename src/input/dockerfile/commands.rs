//! What the commands of a `RUN` install: the flow of the script, as far as it can be told without running it.
//!
//! A command behind a condition that only the build can decide installs nothing here, and says so.

mod conda;
mod fetch;
mod flow;
mod gpu;
mod locks;
mod pip;
mod scripts;
mod system;
mod written;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::{
    copy,
    shell::{self, Redirect, Script, Simple},
    state::{SYSTEM, Scene, Scope, resolve, shortened},
    syntax::{Heredoc, Instruction, json_array},
    unseen,
    words::{Expander, Mode, Value, Word},
};
use crate::text::Span;

/// Scripts inside scripts are followed this far.
const DEPTH_LIMIT: usize = 8;

/// So many commands are looked at in one `RUN`, turns of loops included.
const COMMAND_LIMIT: usize = 20_000;

/// A loop over more words than this is looked at once.
const TURN_LIMIT: usize = 100;

/// Follows a `RUN`.
pub(super) fn run(scene: &mut Scene<'_, '_>, instruction: &Instruction) {
    if scene.state.foreign_shell && json_array(&instruction.body).is_none() {
        if instruction.body.text.contains("install") {
            scene.note(instruction.span, "commands for this shell are not read", Scope::System);
        }
        return;
    }
    let before = scene.state.mappings.len();
    let mounted = copy::mount(scene, instruction);
    let folder = scene.state.folder.clone();
    let conda = scene.state.conda.clone();
    let mut runner = Runner {
        scene,
        variables: BTreeMap::new(),
        folder,
        environment: None,
        conda,
        unsure: None,
        journal: Vec::new(),
        depth: 0,
        fuel: COMMAND_LIMIT,
    };
    match json_array(&instruction.body) {
        Some(words) => {
            let words: Vec<Word> = words.into_iter().map(Word::literal).collect();
            let span = words.first().map_or(instruction.span, Word::span);
            runner.command(Call { span, ..Call::of(words) });
        }
        None => match script(instruction) {
            Some(script) => runner.script(&script),
            None => {
                if instruction.heredocs.iter().any(|it| it.body.text.contains("install")) {
                    let reason = "this heredoc is no script of a shell";
                    runner.scene.note(instruction.span, reason, Scope::System);
                }
            }
        },
    }
    // A mount is gone when the command has ended.
    drop(scene.state.mappings.drain(before..before + mounted));
}

/// The script of a `RUN`: its line, or the heredoc that stands for it.
fn script(instruction: &Instruction) -> Option<Script> {
    let text = instruction.body.text.trim();
    let alone = text.starts_with("<<") && !text.contains(char::is_whitespace) && instruction.heredocs.len() == 1;
    if !alone {
        return Some(shell::parse(instruction.body.clone(), instruction.heredocs.clone()));
    }
    let body = &instruction.heredocs.front()?.body;
    let first = body.text.lines().next().unwrap_or_default();
    if let Some(interpreter) = first.strip_prefix("#!")
        && !interpreter.split(['/', ' ']).any(|it| matches!(it, "sh" | "bash" | "ash" | "dash" | "zsh"))
    {
        return None;
    }
    Some(shell::parse(body.clone(), VecDeque::new()))
}

/// One command with its words.
#[derive(Default)]
pub(super) struct Call {
    /// The last part of the program's path.
    program: String,
    /// As written.
    path: String,
    /// What follows the program.
    words: Vec<Word>,
    /// Variables that are set for this command alone.
    variables: BTreeMap<String, Value>,
    redirects: Vec<Redirected>,
    /// The whole command.
    span: Span,
    /// Something is piped into it.
    piped: bool,
}

/// A redirection and the word that it is written against.
struct Redirected {
    operator: &'static str,
    /// Operator and target, as written.
    text: String,
    target: Option<String>,
    glued: Option<String>,
    heredoc: Option<Heredoc>,
    span: Span,
}

impl Call {
    fn of(mut words: Vec<Word>) -> Call {
        if words.is_empty() {
            return Call::default();
        }
        let first = words.remove(0);
        let path = first.text().to_owned();
        let program = path.rsplit('/').next().unwrap_or_default().to_owned();
        Call { program, path, words, span: first.span(), ..Call::default() }
    }

    /// The beginning of the command, for a message.
    fn shown(&self) -> String {
        let words: Vec<&str> = std::iter::once(self.program.as_str()).chain(self.words.iter().map(Word::text)).take(4).collect();
        shortened(&words.join(" "))
    }
}

pub(super) struct Runner<'r, 's, 'f> {
    pub(super) scene: &'r mut Scene<'s, 'f>,
    variables: BTreeMap<String, Value>,
    folder: String,
    /// The virtual environment that was activated.
    environment: Option<String>,
    conda: Option<String>,
    /// Why it is not known whether the commands at hand run.
    unsure: Option<String>,
    /// Variables that were set while that was not known, with the values that they had.
    journal: Vec<(String, Option<Value>)>,
    depth: usize,
    fuel: usize,
}

impl Runner<'_, '_, '_> {
    fn script(&mut self, script: &Script) {
        if self.depth >= DEPTH_LIMIT || script.too_deep {
            let span = script.text.place(Span::new(0, script.text.text.len()));
            self.scene.note(span, "commands are nested too deeply to be read", Scope::System);
        }
        if self.depth < DEPTH_LIMIT {
            self.depth += 1;
            self.list(script, &script.list);
            self.depth -= 1;
        }
    }

    /// The value of a variable: of this command, of the shell, of the stage.
    fn value(&self, name: &str, own: &BTreeMap<String, Value>) -> Value {
        own.get(name).or_else(|| self.variables.get(name)).cloned().unwrap_or_else(|| self.scene.state.value(name))
    }

    /// The value of a variable for a program.
    fn variable(&self, name: &str, call: &Call) -> Option<String> {
        match self.value(name, &call.variables) {
            Value::Known(value) if !value.is_empty() => Some(value),
            _ => None,
        }
    }

    fn expand(&self, script: &Script, span: Span, own: &BTreeMap<String, Value>) -> Vec<Word> {
        let lookup = |name: &str| self.value(name, own);
        let expander = Expander { lookup: &lookup, mode: Mode::Shell, budget: self.scene.budget };
        expander.word(&script.text.slice(span.start, span.end))
    }

    fn simple(&mut self, script: &Script, simple: &Simple, piped: bool) -> Option<bool> {
        let raw = |span: Span| &script.text.text[span.start..span.end];
        let mut own = BTreeMap::new();
        let mut words = Vec::new();
        for span in &simple.words {
            let assigned = raw(*span).split_once('=').map(|(name, _)| name).filter(|it| is_name(it));
            match assigned {
                Some(name) if words.is_empty() => {
                    let at = span.start + name.len() + 1;
                    let none = BTreeMap::new();
                    let value = self.expand(script, Span::new(at, span.end), &none);
                    let known: Option<Vec<&str>> = value.iter().map(Word::known).collect();
                    let value = known.map_or(Value::Unknown, |it| Value::Known(it.join(" ")));
                    own.insert(name.to_owned(), value);
                }
                _ => words.extend(self.expand(script, *span, &BTreeMap::new())),
            }
        }
        let redirects = simple.redirects.iter().map(|it| self.redirected(script, simple, it)).collect();
        let ends = simple.words.iter().chain(simple.redirects.iter().map(|it| &it.span));
        let (start, end) = ends.fold((usize::MAX, 0), |(start, end), it| (start.min(it.start), end.max(it.end)));
        let span = script.text.place(Span::new(start.min(end), end));
        if words.is_empty() {
            for (name, value) in own {
                self.set(name, value);
            }
            return Some(true);
        }
        self.command(Call { variables: own, redirects, span, piped, ..Call::of(words) })
    }

    fn redirected(&self, script: &Script, simple: &Simple, redirect: &Redirect) -> Redirected {
        let raw = |span: Span| script.text.text[span.start..span.end].to_owned();
        let target = self.expand(script, redirect.target, &BTreeMap::new()).into_iter().next();
        Redirected {
            operator: redirect.operator,
            text: raw(redirect.span),
            target: target.map(|it| it.text().to_owned()),
            glued: redirect.glued.and_then(|at| simple.words.get(at)).map(|it| raw(*it)),
            heredoc: redirect.heredoc.clone(),
            span: script.text.place(redirect.span),
        }
    }

    /// Looks at one command; whether it succeeds, if that can be told.
    fn command(&mut self, mut call: Call) -> Option<bool> {
        if self.fuel == 0 {
            return None;
        }
        self.fuel -= 1;
        self.scene.commands += 1;
        self.unwrap(&mut call);
        written::redirected(self, &call);
        self.scene.state.unseen |= unseen::command(&call.program, &call.words);
        let words: Vec<&str> = call.words.iter().map(Word::text).collect();
        match call.program.as_str() {
            "true" | ":" => return Some(true),
            "false" => return Some(false),
            "[" | "[[" | "test" => return self.test(&call),
            // What filters a file into another one answers no question.
            "grep" | "egrep" if call.redirects.iter().any(|it| it.operator == ">") => {}
            "command" | "which" | "type" | "hash" | "grep" | "egrep" | "id" | "cmp" | "diff" => return None,
            "cd" | "pushd" => {
                let path = call.words.iter().find(|it| !it.text().starts_with('-'));
                self.folder = path.map_or_else(|| "/root".to_owned(), |it| resolve(&self.folder, it.text()));
            }
            "export" | "declare" | "local" | "readonly" | "typeset" => self.export(&call),
            "unset" => {
                for name in words {
                    self.set(name.to_owned(), Value::Unset);
                }
            }
            "." | "source" => {
                if let Some((folder, _)) = words.first().and_then(|it| it.rsplit_once("/bin/activate")) {
                    self.environment = Some(resolve(&self.folder, folder));
                } else if let Some(("venv" | ".venv" | "env", _)) = words.first().and_then(|it| it.split_once("/bin/activate")) {
                    self.environment = Some(resolve(&self.folder, words[0].trim_end_matches("/bin/activate")));
                } else if let Some(file) = words.first() {
                    scripts::run(self, &call, file, true);
                }
            }
            "sh" | "bash" | "ash" | "dash" | "zsh" => self.shell(&call),
            "eval" => self.nested(&call, 0),
            _ => self.program(&call),
        }
        Some(true)
    }

    fn program(&mut self, call: &Call) {
        let program = call.program.as_str();
        let first = call.words.first().map_or("", Word::text);
        let python = is_python(program) || call.path.contains("PYTHON") || call.path == "$PY" || call.path == "${PY}";
        if python && call.piped && matches!(first, "" | "-") {
            self.scene.state.unseen = true;
            let reason = "what a script installs that is piped into Python is not known";
            return self.scene.note(call.span, reason, Scope::System);
        }
        if python && first == "-m" || (python && first.starts_with('-') && call.words.iter().any(|it| it.text() == "-m")) {
            let at = call.words.iter().position(|it| it.text() == "-m").unwrap_or_default();
            let Some(module) = call.words.get(at + 1) else { return };
            let words = call.words[at + 2..].to_vec();
            let module = module.text().to_owned();
            return self.module(call, &module, words);
        }
        if is_pip(program) || call.path.trim_matches(['$', '{', '}']).eq_ignore_ascii_case("pip") {
            return pip::pip(self, call, &call.words, pip::Tool::Pip);
        }
        match program {
            "uv" => locks::uv(self, call),
            "poetry" => locks::poetry(self, call),
            "pipenv" => locks::pipenv(self, call),
            "pdm" => locks::pdm(self, call),
            "pixi" => locks::pixi(self, call),
            "conda-lock" => conda::conda_lock(self, call),
            "virtualenv" => self.creates_environment(call),
            "conda" | "mamba" | "micromamba" => conda::conda(self, call),
            "make" => scripts::make(self, call),
            _ if call.path.contains('/') && program.strip_suffix(".sh").is_some() => scripts::run(self, call, &call.path, false),
            "mim" if first == "install" => pip::pip(self, call, &call.words, pip::Tool::Pip),
            "pipx" | "pip-compile" | "easy_install" => {}
            _ if system::is_manager(program) => system::manager(self, call),
            _ => fetch::other(self, call),
        }
    }

    fn module(&mut self, call: &Call, module: &str, words: Vec<Word>) {
        match module {
            "pip" => pip::pip(self, call, &words, pip::Tool::Pip),
            "venv" | "virtualenv" | "uv" | "poetry" | "pipenv" | "pdm" => {
                let inner = Call {
                    program: module.to_owned(),
                    path: module.to_owned(),
                    words,
                    variables: call.variables.clone(),
                    span: call.span,
                    ..Call::default()
                };
                match module {
                    "venv" | "virtualenv" => self.creates_environment(&inner),
                    _ => self.program(&inner),
                }
            }
            _ => {}
        }
    }

    fn creates_environment(&mut self, call: &Call) {
        let value = |it: &str| matches!(it, "-p" | "--python" | "--prompt" | "--seeder");
        let mut skip = false;
        for word in &call.words {
            let text = word.text();
            if std::mem::take(&mut skip) || text.starts_with('-') {
                skip = value(text);
                continue;
            }
            let path = resolve(&self.folder, text);
            self.scene.state.environments.insert(path.clone());
            if call.program == "virtualenv" {
                locks::wanted_interpreter(self, call, &Scope::Python(path.into()));
            }
        }
    }

    /// Takes away what only says how a command is run.
    fn unwrap(&mut self, call: &mut Call) {
        for _ in 0..16 {
            let words: Vec<&str> = std::iter::once(call.path.as_str()).chain(call.words.iter().map(Word::text)).collect();
            let options = |valued: &[&str]| {
                let mut at = 1;
                while let Some(word) = words.get(at).filter(|it| it.starts_with('-') || it.contains('=')) {
                    at += if valued.contains(word) { 2 } else { 1 };
                    if *word == "--" {
                        break;
                    }
                }
                at
            };
            let program = call.program.as_str();
            let skip = match program {
                "sudo" => options(&["-u", "-g", "-h", "-p", "--user", "--group"]),
                "env" => options(&["-u", "-C", "-S"]),
                "exec" | "time" | "nohup" | "builtin" | "nice" | "ionice" | "chronic" | "arch" | "travis_retry" | "retry" => options(&["-n", "-c", "-a"]),
                "command" if !words.iter().any(|it| matches!(*it, "-v" | "-V")) => options(&[]),
                "timeout" => options(&["-k", "-s"]) + 1,
                "xargs" => options(&["-n", "-L", "-I", "-P", "-d", "-a", "-s"]),
                "conda" | "mamba" | "micromamba" if words.get(1) == Some(&"run") => {
                    self.conda = conda_run(&words).or(self.conda.take());
                    1 + options_after(&words[1..], &["-n", "--name", "-p", "--prefix", "--cwd", "-a", "--attach"])
                }
                "uv" if words.get(1) == Some(&"run") => {
                    1 + options_after(&words[1..], &["--with", "--python", "-p", "--extra", "--group", "--project", "--directory", "--index-url"])
                }
                "poetry" | "pipenv" | "pdm" if words.get(1) == Some(&"run") => 2,
                "pixi" if words.get(1) == Some(&"run") => {
                    1 + options_after(&words[1..], &["-e", "--environment", "--manifest-path", "-m"])
                }
                _ => return,
            };
            if skip == 0 || skip >= words.len() {
                return;
            }
            if program == "env" || program == "sudo" {
                for word in &words[1..skip] {
                    if let Some((name, value)) = word.split_once('=').filter(|(name, _)| is_name(name)) {
                        call.variables.insert(name.to_owned(), Value::Known(value.to_owned()));
                    }
                }
            }
            if program == "xargs" {
                call.piped = true;
            }
            let rest = call.words.split_off(skip - 1);
            let inner = Call::of(rest);
            (call.program, call.path, call.words) = (inner.program, inner.path, inner.words);
        }
    }

    /// `sh -c "..."`, a script in a heredoc, or a script that is piped in.
    fn shell(&mut self, call: &Call) {
        let option = call.words.iter().position(|it| it.text().starts_with('-') && !it.text().starts_with("--") && it.text().ends_with('c'));
        if let Some(at) = option {
            return self.nested(call, at + 1);
        }
        if let Some(heredoc) = call.redirects.iter().find_map(|it| it.heredoc.clone()) {
            return self.script(&shell::parse(heredoc.body, VecDeque::new()));
        }
        if let Some(file) = call.words.iter().map(Word::text).find(|it| !it.starts_with(['-', '+'])) {
            return scripts::run(self, call, file, false);
        }
        if call.piped {
            self.scene.state.unseen = true;
            let reason = "what a script installs that is piped into a shell is not known";
            self.scene.note(call.span, reason, Scope::System);
        }
    }

    /// A word that is a script itself.
    fn nested(&mut self, call: &Call, at: usize) {
        let Some(word) = call.words.get(at) else { return };
        self.script(&shell::parse(word.line.clone(), VecDeque::new()));
    }

    fn export(&mut self, call: &Call) {
        for word in &call.words {
            let Some(at) = word.text().find('=') else { continue };
            let name = word.text()[..at].to_owned();
            let value = word.slice(at + 1, word.text().len());
            let value = value.known().map_or(Value::Unknown, |it| Value::Known(it.to_owned()));
            if is_name(&name) {
                self.set(name, value);
            }
        }
    }

    fn path(&self, text: &str) -> String {
        resolve(&self.folder, text)
    }

    /// Says that a command may not run, if that is so.
    fn doubted(&mut self, call: &Call, scope: Scope) -> bool {
        let Some(reason) = self.unsure.clone() else { return false };
        self.scene.note(call.span, format!("`{}` may not run: {reason}", call.shown()), scope);
        true
    }

    /// The folder of the interpreter that a program installs into.
    fn interpreter(&self, call: &Call) -> Arc<str> {
        if let Some((folder, _)) = call.path.rsplit_once("/bin/") {
            let folder = resolve(&self.folder, folder);
            if !matches!(folder.as_str(), "/" | "/usr" | "/usr/local") {
                return folder.into();
            }
            return SYSTEM.into();
        }
        if let Some(found) = &self.environment {
            return found.as_str().into();
        }
        if let Some(found) = &self.conda {
            return conda::folder(found).into();
        }
        self.on_path(call)
    }

    /// The virtual environment that the variables of the stage select.
    fn on_path(&self, call: &Call) -> Arc<str> {
        let environments = &self.scene.state.environments;
        let path = match self.value("PATH", &call.variables) {
            Value::Known(path) => Some(path),
            _ => self.scene.state.variables.get("PATH").map(|it| it.text.clone()),
        };
        for part in path.as_deref().unwrap_or_default().split(':') {
            let Some(folder) = part.strip_suffix("/bin") else { continue };
            let folder = resolve(&self.folder, folder);
            let named = folder.ends_with("venv") || folder.ends_with("/env") || folder.contains("conda");
            if environments.contains(&folder) || named {
                return folder.into();
            }
        }
        SYSTEM.into()
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|it: char| it.is_ascii_digit())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_')
}

/// A name and a version that is empty or digits with dots: `pip`, `pip3`, `pip3.11`.
fn is_numbered(program: &str, name: &str) -> bool {
    program.strip_prefix(name).is_some_and(|rest| rest.bytes().all(|it| it.is_ascii_digit() || it == b'.'))
}

fn is_pip(program: &str) -> bool {
    is_numbered(program, "pip")
}

fn is_python(program: &str) -> bool {
    is_numbered(program, "python") || is_numbered(program, "pypy")
}

/// The first word behind options; the word at 0 is none of them.
fn options_after(words: &[&str], valued: &[&str]) -> usize {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|it| it.starts_with('-')) {
        at += if valued.contains(word) { 2 } else { 1 };
    }
    at
}

/// The environment that `conda run` names.
pub(super) fn conda_run(words: &[&str]) -> Option<String> {
    if !matches!(words, [program, "run", ..] if matches!(program.rsplit('/').next(), Some("conda" | "mamba" | "micromamba"))) {
        return None;
    }
    let at = words.iter().position(|it| matches!(*it, "-n" | "--name" | "-p" | "--prefix"))?;
    words.get(at + 1).map(|it| (*it).to_owned())
}
