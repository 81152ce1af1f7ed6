//! Tools that install what a project or its lock names: uv, Poetry, Pipenv, PDM.
//!
//! Documentation: <https://docs.astral.sh/uv/reference/cli/>, <https://python-poetry.org/docs/cli/>

use std::sync::Arc;

use super::{Call, Runner, pip};
use crate::{
    fact::{FactKind, PackageName},
    input::{
        Claim, Probe, Reading,
        dockerfile::{
            state::{Origin, SYSTEM, Scene, Scope, resolve, shortened},
            words::Word,
        },
        pixi_lock, pyproject, recognise,
    },
    text::Span,
    version::PythonVersion,
};

/// The environment that uv installs into.
pub(super) fn uv_environment(runner: &Runner<'_, '_, '_>, call: &Call) -> Arc<str> {
    if runner.variable("UV_SYSTEM_PYTHON", call).is_some_and(|it| matches!(it.as_str(), "1" | "true" | "yes")) {
        return SYSTEM.into();
    }
    if let Some(found) = runner.variable("UV_PROJECT_ENVIRONMENT", call).or_else(|| runner.variable("VIRTUAL_ENV", call)) {
        let found = resolve(&runner.folder, &found);
        return if found.starts_with("/usr") { SYSTEM.into() } else { found.into() };
    }
    if let Some(found) = &runner.environment {
        return found.as_str().into();
    }
    let local = resolve(&runner.folder, ".venv");
    let on_path = runner.on_path(call);
    if &*on_path != SYSTEM {
        return on_path;
    }
    local.into()
}

pub(super) fn uv(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let words = &call.words;
    let texts: Vec<&str> = words.iter().map(Word::text).collect();
    match texts.as_slice() {
        ["pip", "install" | "sync", ..] => pip::install(runner, call, &words[2..], pip::Tool::Uv, texts[1] == "sync"),
        ["pip", "uninstall", ..] => pip::pip(runner, call, &words[1..], pip::Tool::Pip),
        ["add", ..] => pip::install(runner, call, &words[1..], pip::Tool::Uv, false),
        ["sync", ..] => {
            let scope = Scope::Python(uv_environment(runner, call));
            wanted_interpreter(runner, call, &scope);
            lock(runner, call, "uv.lock", &scope);
        }
        ["venv", ..] => {
            let mut path = None;
            let mut rest = words[1..].iter();
            while let Some(word) = rest.next() {
                match word.text() {
                    "--python" | "-p" | "--prompt" | "--seed-packages" | "--index-url" | "--cache-dir" => drop(rest.next()),
                    text if text.starts_with('-') => {}
                    text => path = Some(resolve(&runner.folder, text)),
                }
            }
            let path = path.unwrap_or_else(|| resolve(&runner.folder, ".venv"));
            runner.scene.state.environments.insert(path.clone());
            wanted_interpreter(runner, call, &Scope::Python(path.into()));
        }
        ["python", "install", ..] => {
            for word in words[2..].iter().filter(|it| !it.text().starts_with('-')) {
                interpreter(runner, word, &Scope::Python(SYSTEM.into()));
            }
        }
        ["export", ..] => written(runner, call, "uv export", Some("uv.lock")),
        ["pip", "compile", ..] => written(runner, call, "uv pip compile", None),
        _ => {}
    }
}

/// The Python that uv or virtualenv is told to make an environment with, whatever Python the image has.
pub(super) fn wanted_interpreter(runner: &mut Runner<'_, '_, '_>, call: &Call, scope: &Scope) {
    let mut rest = call.words.iter();
    while let Some(word) = rest.next() {
        let text = word.text();
        let found = match text {
            "--python" | "-p" => rest.next().cloned(),
            _ => text.strip_prefix("--python=").map(|value| word.slice(text.len() - value.len(), text.len())),
        };
        if let Some(found) = found {
            return interpreter(runner, &found, scope);
        }
    }
    let name = if call.program == "uv" { "UV_PYTHON" } else { "VIRTUALENV_PYTHON" };
    if let Some(version) = runner.variable(name, call).and_then(|it| version(&it)) {
        runner.scene.fact(FactKind::Python(version), call.span, scope.clone());
    }
}

/// A version of Python that is installed.
fn interpreter(runner: &mut Runner<'_, '_, '_>, word: &Word, scope: &Scope) {
    let Some(version) = word.known().and_then(|_| version(word.text())) else { return };
    runner.scene.fact(FactKind::Python(version), word.span(), scope.clone());
}

/// The version in what uv calls a request: `3.12`, `python3.12`, `cpython-3.12.4-linux`, `/usr/bin/python3.12`.
fn version(request: &str) -> Option<PythonVersion> {
    let name = request.rsplit('/').next().unwrap_or(request);
    let text = name.trim_start_matches("cpython").trim_start_matches("python").trim_start_matches(['-', '@']);
    let text = text.split('-').next().filter(|it| it.contains('.'))?;
    text.parse().ok()
}

/// The file that a command writes is none of the context; what it holds is what the lock has.
fn written(runner: &mut Runner<'_, '_, '_>, call: &Call, by: &str, lock: Option<&str>) {
    let origin = match lock {
        Some(lock) => {
            let folder = project_folder(call).unwrap_or_else(|| ".".to_owned());
            Origin::Moved(resolve(&resolve(&runner.folder, &folder), lock))
        }
        None => Origin::Nowhere(format!("`{by}` writes it while the image is built")),
    };
    let mut rest = call.words.iter();
    while let Some(word) = rest.next() {
        let text = word.text();
        let value = match text {
            "-o" | "--output" | "--output-file" => rest.next().map(|it| it.text().to_owned()),
            _ => text.strip_prefix("--output=").or_else(|| text.strip_prefix("--output-file=")).map(str::to_owned),
        };
        if let Some(value) = value {
            let path = resolve(&runner.folder, &value);
            runner.scene.map(path, false, origin.clone());
        }
    }
    for target in call.redirects.iter().filter(|it| it.operator == ">").filter_map(|it| it.target.as_ref()) {
        let path = resolve(&runner.folder, target);
        // What any output would be is known better now.
        let mappings = &mut runner.scene.state.mappings;
        if mappings.last().is_some_and(|it| it.to == path && matches!(it.from, Origin::Nowhere(_))) {
            mappings.pop();
        }
        runner.scene.map(path, false, origin.clone());
    }
}

/// The folder of the project that a command is told.
fn project_folder(call: &Call) -> Option<String> {
    ["--project", "--directory", "-C"].iter().find_map(|option| {
        let at = call.words.iter().position(|it| it.text() == *option)?;
        Some(call.words.get(at + 1)?.text().to_owned())
    })
}

pub(super) fn poetry(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    match call.words.iter().map(Word::text).find(|it| !it.starts_with('-')) {
        Some("install" | "sync") => {
            let own = runner.variable("POETRY_VIRTUALENVS_IN_PROJECT", call).is_some_and(|it| matches!(it.as_str(), "1" | "true"));
            let scope = if own { Scope::Python(resolve(&runner.folder, ".venv").into()) } else { Scope::Python(runner.interpreter(call)) };
            lock(runner, call, "poetry.lock", &scope);
        }
        Some("add") => {
            let scope = Scope::Python(runner.interpreter(call));
            if !runner.doubted(call, scope.clone()) {
                let reason = "requirements of `poetry add` are not read";
                runner.scene.note(call.span, reason, scope);
            }
        }
        Some("export") => written(runner, call, "poetry export", Some("poetry.lock")),
        _ => {}
    }
}

pub(super) fn pipenv(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    match call.words.first().map(Word::text) {
        Some("install" | "sync") => {
            let scope = Scope::Python(runner.interpreter(call));
            lock(runner, call, "Pipfile.lock", &scope);
        }
        Some("requirements" | "lock") => written(runner, call, "pipenv requirements", Some("Pipfile.lock")),
        _ => {}
    }
}

pub(super) fn pdm(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    match call.words.first().map(Word::text) {
        Some("install" | "sync") => {
            let scope = Scope::Python(resolve(&runner.folder, ".venv").into());
            lock(runner, call, "pdm.lock", &scope);
        }
        Some("export") => written(runner, call, "pdm export", Some("pdm.lock")),
        _ => {}
    }
}

/// `pixi install` makes an environment below the project: from its lock, or else from its manifest.
pub(super) fn pixi(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let value = |names: &[&str]| {
        let mut words = call.words.iter().map(Word::text);
        while let Some(text) = words.next() {
            if names.contains(&text) {
                return words.next().map(str::to_owned);
            }
            let attached = text.split_once('=').filter(|(name, _)| names.contains(name));
            if let Some((_, value)) = attached {
                return Some(value.to_owned());
            }
        }
        None
    };
    match call.words.iter().map(Word::text).find(|it| !it.starts_with('-')) {
        Some("install" | "i" | "sync") => {}
        Some("add" | "global") => {
            let scope = Scope::Python(runner.interpreter(call));
            if !runner.doubted(call, scope.clone()) {
                runner.scene.note(call.span, "what `pixi add` and `pixi global` install is not read", scope);
            }
            return;
        }
        _ => return,
    }
    let named = value(&["-e", "--environment"]);
    let manifest = value(&["-m", "--manifest-path"]);
    if let Some(unknown) = named.as_deref().filter(|it| it.contains('$')) {
        let scope = Scope::Python(runner.interpreter(call));
        let reason = format!("which environment is installed is not known: {}", runner.scene.why_unknown(unknown));
        return runner.scene.note(call.span, reason, scope);
    }
    let folder = match manifest.as_deref() {
        Some(path) if has_ending(path) => path.rsplit_once('/').map_or(".", |(folder, _)| folder).to_owned(),
        Some(path) => path.to_owned(),
        None => ".".to_owned(),
    };
    let folder = resolve(&runner.folder, &folder);
    let environment = named.as_deref().unwrap_or("default");
    let scope = Scope::Python(resolve(&folder, &format!(".pixi/envs/{environment}")).into());
    if runner.doubted(call, scope.clone()) {
        return;
    }
    let lock = resolve(&folder, "pixi.lock");
    let manifest = ["pixi.toml", "pyproject.toml"].iter().map(|name| resolve(&folder, name)).find(|it| runner.scene.find(it).is_ok());
    match (runner.scene.find(&lock), manifest) {
        (Err(_), Some(manifest)) if named.is_none() => {
            let shown = manifest.rsplit('/').next().unwrap_or_default().to_owned();
            include(runner, &manifest, &shown, call.span, &scope);
        }
        _ => include_environment(runner, &lock, call.span, named.as_deref(), &scope),
    }
}

fn has_ending(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ending == "toml")
}

/// Reads an environment of pixi's lock.
fn include_environment(runner: &mut Runner<'_, '_, '_>, path: &str, span: Span, wanted: Option<&str>, scope: &Scope) {
    let scene = &mut *runner.scene;
    let file = scene.file;
    let included = scene.find(path).and_then(|relative| scene.files.include(file, &relative, &[file]).map_err(|it| it.to_string()));
    let Reading { facts, skipped, fault } = match included {
        Ok(included) => pixi_lock::read_environment(scene.files, included, wanted),
        Err(reason) => return scene.note(span, format!("`pixi.lock` is not followed: {reason}"), scope.clone()),
    };
    if let Some(fault) = fault {
        return scene.note(span, format!("`pixi.lock` is not followed: {}", fault.message), scope.clone());
    }
    pip::keep(runner, Reading { facts, skipped, fault: None }, scope);
}

/// Whether a file is a lock, which tools write out as a list of requirements.
pub(super) fn is_lock(relative: &str) -> bool {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    matches!(name, "uv.lock" | "poetry.lock" | "Pipfile.lock" | "pdm.lock")
}

/// The lock that stands in the folder of a command.
fn lock(runner: &mut Runner<'_, '_, '_>, call: &Call, name: &str, scope: &Scope) {
    if runner.doubted(call, scope.clone()) {
        return;
    }
    let folder = project_folder(call);
    let path = resolve(&resolve(&runner.folder, folder.as_deref().unwrap_or(".")), name);
    // The same lock is often synchronised twice, without and with the project itself.
    let span = call.span;
    include(runner, &path, name, span, scope);
}

/// Follows a project file or an environment file that is named.
pub(super) fn follow(runner: &mut Runner<'_, '_, '_>, word: &Word, text: &str, scope: &Scope) {
    let path = resolve(&runner.folder, text);
    include(runner, &path, text, word.span(), scope);
}

/// Follows a file of the context that a command takes without being told.
pub(super) fn follow_at(runner: &mut Runner<'_, '_, '_>, path: &str, shown: &str, span: Span, scope: &Scope) {
    let path = resolve("/", path);
    include(runner, &path, shown, span, scope);
}

/// Reads a file of the context in whatever format it has.
fn include(runner: &mut Runner<'_, '_, '_>, path: &str, shown: &str, span: Span, scope: &Scope) {
    let shown = shortened(shown);
    let relative = match runner.scene.find(path) {
        Ok(relative) => relative,
        Err(reason) => return runner.scene.note(span, format!("`{shown}` is not followed: {reason}"), scope.clone()),
    };
    found(runner, &relative, &shown, span, scope);
}

/// Reads a file at a path relative to the Dockerfile.
pub(super) fn found(runner: &mut Runner<'_, '_, '_>, relative: &str, shown: &str, span: Span, scope: &Scope) {
    let scene = &mut *runner.scene;
    let file = scene.file;
    let included = match scene.files.include(file, relative, &[file]) {
        Ok(included) => included,
        Err(reason) => return scene.note(span, format!("`{shown}` is not followed: {reason}"), scope.clone()),
    };
    let (bytes, text) = (scene.files.bytes(included), scene.files.text(included));
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let claimed = |least| recognise(&Probe { name, bytes: &bytes, text: Some(&text) }, least);
    // A command of conda says itself what the file is.
    let format = claimed(Claim::Likely).or_else(|| claimed(Claim::Named).filter(|it| it.name.starts_with("conda")));
    // A Dockerfile is no list of packages, whatever it is called.
    let Some(format) = format.filter(|it| it.name != "dockerfile") else {
        return scene.note(span, format!("`{shown}` is not followed: no reader understands it"), scope.clone());
    };
    let Reading { facts, skipped, fault } = (format.read)(scene.files, included);
    if let Some(fault) = fault {
        let reason = format!("`{shown}` is not followed: {}", fault.message);
        return scene.note(span, reason, scope.clone());
    }
    pip::keep(runner, Reading { facts, skipped, fault: None }, scope);
}

/// A local project: the requirements that its own files name are what is installed with it.
pub(super) fn project(runner: &mut Runner<'_, '_, '_>, word: &Word, path: &str, scope: &Scope) {
    let shown = shortened(word.text());
    let scene = &mut *runner.scene;
    let file = resolve(path, "pyproject.toml");
    let found = scene.find(&file);
    let reason = match found {
        Ok(relative) => {
            let text = scene.files.include(scene.file, &relative, &[scene.file]).map(|it| (scene.files.bytes(it), scene.files.text(it)));
            let known = text.ok().and_then(|(bytes, text)| {
                recognise(&Probe { name: "pyproject.toml", bytes: &bytes, text: Some(&text) }, Claim::Likely)
            });
            if known.is_some() {
                return pyproject(runner, &relative, word, scope);
            }
            of_context(scene, path)
        }
        Err(reason) if reason.starts_with("no instruction") => of_context(scene, path),
        Err(reason) if reason.ends_with("build context") => of_context(scene, path),
        Err(reason) => reason,
    };
    let reason = format!("what `{shown}` requires is not read: {reason}");
    scene.note(word.span(), reason, scope.clone());
}

/// Why nothing is known of a project without a list of what it requires.
fn of_context(scene: &Scene<'_, '_>, path: &str) -> String {
    match scene.find(&resolve(path, "setup.py")) {
        Ok(_) => "its `setup.py` is not run".to_owned(),
        Err(reason) if reason.starts_with("no instruction") => "it is a project that no `COPY` brings".to_owned(),
        Err(_) => "it is a project of the build context".to_owned(),
    }
}

/// Reads what a project asks for, with the extras in brackets behind its path.
fn pyproject(runner: &mut Runner<'_, '_, '_>, relative: &str, word: &Word, scope: &Scope) {
    let scene = &mut *runner.scene;
    let brackets = word.text().split_once('[').and_then(|(_, it)| it.split_once(']'));
    let extras = brackets.map_or("", |(inside, _)| inside).split(',');
    let extras: Vec<PackageName> = extras.filter_map(|it| PackageName::new(it.trim()).ok()).collect();
    let included = scene.files.include(scene.file, relative, &[scene.file]).map_err(|it| it.to_string());
    let reading = included.and_then(|it| {
        let reading = pyproject::with_extras(scene.files, it, &extras);
        reading.fault.as_ref().map_or(Ok(()), |fault| Err(fault.message.clone())).map(|()| reading)
    });
    match reading {
        Ok(reading) => pip::keep(runner, reading, scope),
        Err(reason) => scene.note(word.span(), format!("`pyproject.toml` is not followed: {reason}"), scope.clone()),
    }
}
