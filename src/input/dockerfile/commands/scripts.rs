//! Scripts that a command runs: those of a shell are followed, whether the Dockerfile writes them or the context has them;
//! others are named in a note.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

use super::{Call, Runner};
use crate::{
    fact::FactKind,
    input::{
        dockerfile::{
            shell,
            state::{Scope, resolve, shortened},
            words::{Value, Word},
        },
        requirements_txt::unfold::Unfolded,
    },
    text::{FileId, Span},
    version::CudaVersion,
};

/// Commands whose packages would be missed.
const INSTALLS: [&str; 16] = [
    "pip install",
    "pip3 install",
    "conda install",
    "mamba install",
    "conda env",
    "uv sync",
    "uv add",
    "poetry install",
    "pipenv install",
    "pixi install",
    "apt-get install",
    "apt install",
    "dnf install",
    "\"pip\", \"install\"",
    "'pip', 'install'",
    "run_pip(",
];

/// Looks at `bash FILE` and `./FILE`. A script that is sourced leaves its variables and its folder behind.
pub(super) fn run(runner: &mut Runner<'_, '_, '_>, call: &Call, file: &str, sourced: bool) {
    if let Some(cuda) = toolkit(file) {
        runner.scene.state.unseen = true;
        if !runner.doubted(call, Scope::System) {
            runner.scene.fact(FactKind::Cuda(cuda), call.span, Scope::System);
        }
        return;
    }
    let path = runner.path(file);
    let source = runner.scene.source(&path);
    let written = source.written.iter().all(|it| it.doubts.is_empty()) && !source.written.is_empty();
    if source.file.is_none() && written {
        let before = Shell::of(runner);
        for written in &source.written {
            let said = mem::replace(&mut runner.scene.said, written.said);
            for piece in &written.pieces {
                runner.script(&shell::parse(piece.line.clone(), VecDeque::new()));
            }
            runner.scene.said = said;
        }
        return before.restore(runner, sourced);
    }
    match source.file {
        Some(Ok(relative)) => follow(runner, call, &relative, (file, &path), sourced),
        Some(Err(reason)) => missing(runner, call, file, &reason, sourced),
        None => runner.scene.state.unseen = true,
    }
}

/// The toolkit that an installer of NVIDIA's is called after: `cuda_12.4.1_550.54.15_linux.run`.
fn toolkit(file: &str) -> Option<CudaVersion> {
    let name = file.rsplit('/').next().unwrap_or(file).strip_suffix(".run")?;
    let version = name.strip_prefix("cuda_")?.split('_').next()?;
    version.parse().ok().filter(|_| version.contains('.') && name.contains("linux"))
}

/// What a script changes and its caller gets back.
struct Shell {
    folder: String,
    environment: Option<String>,
    conda: Option<String>,
    variables: BTreeMap<String, Value>,
    functions: BTreeMap<String, (FileId, Unfolded)>,
}

impl Shell {
    fn of(runner: &Runner<'_, '_, '_>) -> Shell {
        Shell {
            folder: runner.folder.clone(),
            environment: runner.environment.clone(),
            conda: runner.conda.clone(),
            variables: runner.variables.clone(),
            functions: runner.functions.clone(),
        }
    }

    fn restore(self, runner: &mut Runner<'_, '_, '_>, sourced: bool) {
        runner.left = false;
        if !sourced {
            let Shell { folder, environment, conda, variables, functions } = self;
            (runner.folder, runner.environment, runner.conda) = (folder, environment, conda);
            (runner.variables, runner.functions) = (variables, functions);
        }
    }
}

/// Longer scripts are not followed.
const SCRIPT_LIMIT: usize = 1 << 20;

/// Follows a script of the context: what it is called, and its path in the image.
fn follow(runner: &mut Runner<'_, '_, '_>, call: &Call, relative: &str, named: (&str, &str), sourced: bool) {
    let Some(included) = open(runner, relative) else {
        runner.scene.state.unseen = true;
        let reason = format!("`{}` is not followed: it cannot be read", shortened(named.0));
        return runner.scene.note(call.span, reason, Scope::System);
    };
    if runner.running.iter().any(|(file, _)| *file == included) {
        return; // It runs itself.
    }
    let text = runner.scene.files.text(included);
    if !is_shell(&text) || text.len() > SCRIPT_LIMIT || !runner.scene.afford(text.len()) {
        return unread(runner, call, included, named.0);
    }
    let mut body = Unfolded::default();
    if text.contains('\r') {
        // Whoever wrote it had other ends of lines; the shell of the image would stumble, or the build changes them.
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end_matches(['\r', '\n']);
            body.copy(bare, at);
            body.put("\n", Span::new(at + bare.len(), at + bare.len()));
            at += line.len();
        }
    } else {
        body.copy(&text, 0);
    }
    let before = Shell::of(runner);
    let folder = named.1.rsplit_once('/').map_or("/", |(folder, _)| folder).to_owned();
    runner.running.push((included, folder));
    // Behind a script that is sourced stands nothing as a rule; then it sees the words of its caller.
    let own = call.words.iter().position(|it| it.text() == named.0).map_or(0, |at| at + 1);
    let words = call.words[own..].to_vec();
    let operands = if sourced && words.is_empty() { runner.operands.clone() } else { Some((runner.scene.said, words)) };
    let operands = mem::replace(&mut runner.operands, operands);
    let said = mem::replace(&mut runner.scene.said, included);
    runner.script(&shell::parse(body, VecDeque::new()));
    runner.scene.said = said;
    runner.operands = operands;
    runner.running.pop();
    before.restore(runner, sourced);
}

/// Opens a file of the context once.
fn open(runner: &mut Runner<'_, '_, '_>, relative: &str) -> Option<FileId> {
    let scene = &mut *runner.scene;
    if let Some(known) = scene.scripts.borrow().get(relative) {
        return Some(*known);
    }
    let included = scene.files.include(scene.file, relative, &[scene.file]).ok()?;
    scene.scripts.borrow_mut().insert(relative.to_owned(), included);
    Some(included)
}

/// Whether a text is a script of a shell: another interpreter would be named at its top.
fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("#!").is_none_or(|interpreter| {
        interpreter.split(['/', ' ']).any(|it| matches!(it, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh"))
    })
}

/// Whether a program that is called by its path is a script of the context.
pub(super) fn is_script(runner: &mut Runner<'_, '_, '_>, call: &Call) -> bool {
    if !call.path.contains('/') || call.path.contains('$') {
        return false;
    }
    let path = runner.path(&call.path);
    let source = runner.scene.source(&path);
    if source.file.is_none() {
        let first = source.written.first().and_then(|it| it.pieces.first());
        return first.is_some_and(|it| it.text().starts_with("#!") && is_shell(it.text()));
    }
    let Some(Ok(relative)) = source.file else { return false };
    let Some(included) = open(runner, &relative) else { return false };
    let text = runner.scene.files.text(included);
    text.starts_with("#!") && is_shell(&text)
}

/// Scripts by the beginnings of their names that install a tool and no package of the environment.
const TOOLS: [&str; 20] = [
    "miniconda", "miniforge", "mambaforge", "anaconda", "micromamba", "cmake", "rustup", "get-pip", "nvm", "poetry", "uv", "julia", "bazel",
    "get-docker", "nodesource", "pixi", "autogen", "buildconf", "configure", "bootstrap",
];

/// Says that a script is not there.
fn missing(runner: &mut Runner<'_, '_, '_>, call: &Call, file: &str, reason: &str, sourced: bool) {
    let name = file.rsplit('/').next().unwrap_or(file).to_lowercase();
    let tool = TOOLS.iter().any(|it| name.starts_with(it));
    // What an image has of its own to be sourced are settings.
    let expected = reason.ends_with("is not in the build context");
    runner.scene.state.unseen |= !tool && !sourced;
    if tool || (sourced && !expected) || file.contains('$') {
        return;
    }
    let reason = format!("`{}` is not followed: {reason}", shortened(file));
    runner.scene.note(call.span, reason, Scope::System);
}

/// Looks at a file that Python runs.
pub(super) fn python(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let Some(file) = call.words.iter().map(Word::text).find(|it| !it.starts_with('-')) else { return };
    let path = runner.path(file);
    if let Some(Ok(relative)) = runner.scene.source(&path).file
        && !file.ends_with("setup.py")
        && let Some(included) = open(runner, &relative)
    {
        unread(runner, call, included, file);
    }
}

/// The ways of a script to name itself.
const ITSELF: [&str; 9] = [
    "${BASH_SOURCE[0]:-$0}", "${BASH_SOURCE[0]-$0}", "${BASH_SOURCE[0]}", "${BASH_SOURCE:-$0}", "${BASH_SOURCE}", "$BASH_SOURCE", "${0}",
    "${0:a}", "$0",
];

/// What stands beside the names in `$(cd -- "$(dirname -- "$0")/.." &> /dev/null && pwd -P)`.
const BESIDE: [&str; 10] =
    ["\"", "'", " -- ", "&> /dev/null", "&>/dev/null", "> /dev/null 2>&1", ">/dev/null 2>&1", "2>/dev/null", "> /dev/null", ">/dev/null"];

/// The path that a text means which begins with the folder of the script at hand: `$(dirname "$0")/requirements.txt`.
pub(super) fn own_folder(runner: &Runner<'_, '_, '_>, text: &str) -> Option<String> {
    let (_, folder) = runner.running.last()?;
    if !text.contains("dirname") || text.len() > 512 {
        return None;
    }
    let mut rest = text.replace('`', "$(");
    for (words, by) in BESIDE.iter().map(|it| (it, " ")).chain(ITSELF.iter().map(|it| (it, "@"))) {
        rest = rest.replace(words, by);
    }
    let mut rest: String = rest.replace(" -P", "").split_whitespace().collect();
    for words in ["readlink-f@", "realpath@", "readlink@"] {
        rest = rest.replace(&format!("$({words})"), "@").replace(words, "@");
    }
    let ups = rest.matches("dirname").count().checked_sub(1)?;
    if !rest.starts_with("$(") || rest.matches('@').count() != 1 {
        return None;
    }
    for words in ["$(cd$(", "&&pwd", ";pwd", "dirname", "$(", "@", ")"] {
        rest = rest.replace(words, "");
    }
    let plain = rest.is_empty() || rest.starts_with('/') && !rest.contains(['$', '*', '&', ';', '|', '(']);
    plain.then(|| resolve(folder, &format!(".{}{rest}", "/..".repeat(ups))))
}

/// Looks at `make`, whose targets may install anything.
pub(super) fn make(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    runner.scene.state.unseen = true;
    let mut folder = runner.folder.clone();
    let mut words = call.words.iter().map(Word::text);
    while let Some(text) = words.next() {
        if matches!(text, "-C" | "--directory") {
            folder = words.next().map_or(folder, |it| runner.path(it));
        }
    }
    let names = ["Makefile", "makefile", "GNUmakefile"];
    for name in names {
        if let Ok(relative) = runner.scene.find(&format!("{folder}/{name}")) {
            if let Some(included) = open(runner, &relative) {
                unread(runner, call, included, name);
            }
            return;
        }
    }
    // In a repository that is cloned, `make` mostly compiles something that is no package.
    if let Err(reason) = runner.scene.find(&format!("{folder}/{}", names[0]))
        && reason.ends_with("is not in the build context")
    {
        let reason = format!("`{}` is not followed: {reason}", call.shown());
        runner.scene.note(call.span, reason, Scope::System);
    }
}

/// Says that a file of the context is not followed, if it installs something.
fn unread(runner: &mut Runner<'_, '_, '_>, call: &Call, included: FileId, shown: &str) {
    runner.scene.state.unseen = true;
    let text = runner.scene.files.text(included);
    if INSTALLS.iter().any(|it| text.contains(it)) {
        let reason = format!("what `{}` installs is not read", shortened(shown));
        runner.scene.note(call.span, reason, Scope::System);
    }
}
