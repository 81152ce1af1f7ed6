//! Scripts that a command runs: those that the Dockerfile writes are followed, those of the context are named in a note.

use std::collections::VecDeque;

use super::{Call, Runner};
use crate::input::dockerfile::{
    shell,
    state::{Scope, shortened},
    words::Word,
};

/// Commands whose packages would be missed.
const INSTALLS: [&str; 13] = [
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
];

/// Looks at `bash FILE` and `./FILE`. A script that is sourced leaves its variables and its folder behind.
pub(super) fn run(runner: &mut Runner<'_, '_, '_>, call: &Call, file: &str, sourced: bool) {
    let path = runner.path(file);
    let source = runner.scene.source(&path);
    let known = source.file.is_none() && source.written.iter().all(|it| it.doubts.is_empty());
    if known && !source.written.is_empty() {
        let before = (runner.folder.clone(), runner.environment.clone(), runner.conda.clone(), runner.variables.clone());
        for piece in source.written.iter().flat_map(|it| &it.pieces) {
            runner.script(&shell::parse(piece.line.clone(), VecDeque::new()));
        }
        if !sourced {
            (runner.folder, runner.environment, runner.conda, runner.variables) = before;
        }
        return;
    }
    runner.scene.state.unseen = true;
    if let Some(Ok(relative)) = source.file {
        unread(runner, call, &relative, file);
    }
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
    for name in ["Makefile", "makefile", "GNUmakefile"] {
        if let Ok(relative) = runner.scene.find(&format!("{folder}/{name}")) {
            return unread(runner, call, &relative, name);
        }
    }
}

/// Says that a file of the context is not followed, if it installs something.
fn unread(runner: &mut Runner<'_, '_, '_>, call: &Call, relative: &str, shown: &str) {
    let scene = &mut *runner.scene;
    let Ok(included) = scene.files.include(scene.file, relative, &[scene.file]) else { return };
    let text = scene.files.text(included);
    if INSTALLS.iter().any(|it| text.contains(it)) {
        let reason = format!("what `{}` installs is not read", shortened(shown));
        runner.scene.note(call.span, reason, Scope::System);
    }
}
