//! `pip install` and what is called like it: `uv pip install`, `mim install`.
//!
//! Documentation: <https://pip.pypa.io/en/stable/cli/pip_install/>, <https://docs.astral.sh/uv/reference/cli/>

use std::sync::Arc;

use super::{Call, Runner, locks, written};
use crate::{
    fact::{FactKind, PackageIndex, PackageName, Standing, wheel},
    input::{
        Reading,
        dockerfile::{
            state::{Item, Origin, SYSTEM, Scope, What, resolve, shortened, within},
            words::{Value, Word},
        },
        requirements_txt::{Meant, read_file, read_word},
    },
    text::{FileId, Span},
};

/// Who installs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Pip,
    Uv,
}

/// Options that take a value in the next word, of pip and uv together.
const VALUED: [&str; 71] = [
    "--requirement", "--requirements", "--constraint", "--constraints", "--editable", "--target", "--platform", "--python-version",
    "--implementation", "--abi", "--root", "--prefix", "--src", "--upgrade-strategy", "--config-settings", "--config-setting",
    "--global-option", "--build-option", "--no-binary", "--only-binary", "--progress-bar", "--root-user-action", "--report", "--index-url",
    "--extra-index-url", "--find-links", "--cache-dir", "--timeout", "--default-timeout", "--retries", "--proxy", "--cert", "--client-cert",
    "--trusted-host", "--exists-action", "--log", "--python", "--use-feature", "--use-deprecated", "--hash", "--wheel-dir", "--dest",
    "--index", "--default-index", "--index-strategy", "--torch-backend", "--resolution", "--prerelease", "--exclude-newer", "--link-mode",
    "--keyring-provider", "--config-file", "--directory", "--project", "--overrides", "--override", "--build-constraints",
    "--build-constraint", "--extra", "--group", "--only-group", "--no-group", "--package", "--output-file", "--python-platform",
    "--no-build-package", "--no-binary-package", "--reinstall-package", "--upgrade-package", "--refresh-package", "--allow-insecure-host",
];

/// Short options of pip that take a value.
const SHORT: [(char, &str); 11] = [
    ('r', "--requirement"),
    ('c', "--constraint"),
    ('e', "--editable"),
    ('t', "--target"),
    ('i', "--index-url"),
    ('f', "--find-links"),
    ('w', "--wheel-dir"),
    ('d', "--dest"),
    ('C', "--config-settings"),
    ('P', "--upgrade-package"),
    ('p', "--python"),
];

/// What a command line asks for.
#[derive(Default)]
struct Asked {
    operands: Vec<Operand>,
    /// The place of PyPI, and what stands beside it.
    index: Option<PackageIndex>,
    beside: Vec<PackageIndex>,
    /// `--torch-backend`
    backend: Option<Word>,
    /// `--target`, `--prefix`, `--python`.
    folder: Option<Folder>,
    /// `--wheel-dir`, `--dest`.
    wheels: Option<String>,
    user: bool,
    system: bool,
    group: bool,
    /// `--index-strategy`
    strategy: Option<String>,
    /// Extras of the projects that are named by their files.
    extras: Vec<PackageName>,
    /// Indexes whose address is not known.
    unknown: Vec<Word>,
}

/// A folder to install into.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Folder {
    /// One that belongs to a Python.
    Prefix(String),
    /// `--target`: any Python may look there.
    Target(String),
}

enum Operand {
    Requirement(Word, Meant),
    File(Word, bool),
}

/// Follows a command of pip; `words` are those behind its name.
pub(super) fn pip(runner: &mut Runner<'_, '_, '_>, call: &Call, words: &[Word], tool: Tool) {
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|it| it.text().starts_with('-')) {
        at += if VALUED.contains(&word.text()) { 2 } else { 1 };
    }
    let Some(action) = words.get(at) else { return };
    let words = &words[(at + 1).min(words.len())..];
    match action.text() {
        "install" | "add" | "sync" => install(runner, call, words, tool, action.text() != "install"),
        "wheel" | "download" => {
            let asked = parse(words, tool);
            let folder = asked.wheels.clone().unwrap_or_else(|| ".".to_owned());
            let scope = Scope::Wheels(runner.path(&folder).into());
            take(runner, call, asked, &scope);
        }
        "uninstall" => uninstall(runner, call, words),
        "config" => config(runner, words),
        // `pip freeze > file` and the like.
        _ => {}
    }
}

/// `pip config set global.index-url URL`
fn config(runner: &mut Runner<'_, '_, '_>, words: &[Word]) {
    let words: Vec<&Word> = words.iter().filter(|it| !it.text().starts_with("--")).collect();
    if let [action, key, value] = words.as_slice()
        && action.text() == "set"
        && runner.unsure.is_none()
        && let (Some(key), Some(value)) = (key.known(), value.known())
    {
        let key = key.rsplit('.').next().unwrap_or(key).to_owned();
        runner.scene.state.pip_settings.insert(key, value.to_owned());
    }
}

/// Where pip looks for its settings in an image.
const SETTINGS: [&str; 4] = ["/etc/pip.conf", "/root/.config/pip/pip.conf", "/root/.pip/pip.conf", "/etc/xdg/pip/pip.conf"];

/// A setting of pip: what a command has set, or a file that the build brings.
fn setting(runner: &mut Runner<'_, '_, '_>, call: &Call, key: &str) -> Option<String> {
    if let Some(value) = runner.scene.state.pip_settings.get(key) {
        return Some(value.clone());
    }
    let named = runner.variable("PIP_CONFIG_FILE", call).map(|it| runner.path(&it));
    for path in named.iter().map(String::as_str).chain(SETTINGS) {
        let source = runner.scene.source(path);
        let mut texts: Vec<String> = Vec::new();
        if let Some(Ok(relative)) = &source.file
            && let Ok(included) = runner.scene.files.include(runner.scene.file, relative, &[runner.scene.file])
        {
            texts.push(runner.scene.files.text(included).to_string());
        }
        let written = source.written.iter().flat_map(|it| &it.pieces).filter_map(|it| it.known());
        texts.extend(written.map(str::to_owned));
        if let Some(value) = texts.iter().rev().find_map(|text| in_settings(text, key)) {
            return Some(value);
        }
    }
    None
}

/// The value of a key in a file of settings; further lines of it are indented.
fn in_settings(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = line.split_once(['=', ':']) else { continue };
        if name.trim().replace('_', "-") != key || name.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        let mut value = value.trim().to_owned();
        while let Some(more) = lines.next_if(|it| it.starts_with([' ', '\t']) && !it.trim().is_empty()) {
            value.push(' ');
            value.push_str(more.trim());
        }
        return Some(value.trim().to_owned()).filter(|it| !it.is_empty());
    }
    None
}

fn uninstall(runner: &mut Runner<'_, '_, '_>, call: &Call, words: &[Word]) {
    if runner.doubted(call, Scope::System) {
        return;
    }
    for word in words.iter().filter(|it| !it.text().starts_with('-')) {
        if let Some(name) = word.known().and_then(|it| PackageName::new(it).ok()) {
            runner.scene.push(What::Uninstall(name), Scope::System);
        }
    }
}

/// `pip install`, or what `uv` calls `pip sync` and `add`.
pub(super) fn install(runner: &mut Runner<'_, '_, '_>, call: &Call, words: &[Word], tool: Tool, files: bool) {
    let mut asked = parse(words, tool);
    if files && tool == Tool::Uv && call.words.get(1).is_some_and(|it| it.text() == "sync") {
        // `uv pip sync FILE`
        for operand in &mut asked.operands {
            if let Operand::Requirement(word, _) = operand {
                *operand = Operand::File(std::mem::take(word), false);
            }
        }
    }
    let scope = Scope::Python(folder(runner, call, &asked, tool));
    take(runner, call, asked, &scope);
}

/// Where the packages go.
fn folder(runner: &Runner<'_, '_, '_>, call: &Call, asked: &Asked, tool: Tool) -> Arc<str> {
    if let Some(Folder::Prefix(folder) | Folder::Target(folder)) = &asked.folder {
        let path = runner.path(folder);
        let path = path.rsplit_once("/bin/").map_or(path.as_str(), |(folder, _)| folder);
        return if within(path, SYSTEM) { SYSTEM.into() } else { path.into() };
    }
    if let Some(target) = runner.variable("PIP_TARGET", call).or_else(|| runner.variable("PIP_PREFIX", call)) {
        return runner.path(&target).into();
    }
    if asked.user || runner.variable("PIP_USER", call).is_some_and(|it| matches!(it.as_str(), "1" | "yes" | "true")) {
        return "/root/.local".into();
    }
    if tool == Tool::Uv && !asked.system {
        return locks::uv_environment(runner, call);
    }
    runner.interpreter(call)
}

fn parse(words: &[Word], tool: Tool) -> Asked {
    let mut asked = Asked::default();
    let mut at = 0;
    let mut only_operands = false;
    while let Some(word) = words.get(at) {
        at += 1;
        let text = word.text();
        if only_operands || !text.starts_with('-') || text == "-" {
            asked.operands.push(Operand::Requirement(word.clone(), Meant::Installed));
        } else if text == "--" {
            only_operands = true;
        } else if text.starts_with("--") {
            match text.find('=') {
                Some(equals) => asked.option(&text[..equals], &word.slice(equals + 1, text.len()), tool),
                None if VALUED.contains(&text) => {
                    if let Some(value) = words.get(at) {
                        asked.option(text, value, tool);
                    }
                    at += 1;
                }
                None => asked.flag(text),
            }
        } else {
            // Letters can be written together: `-qUr file`.
            for (offset, letter) in text.char_indices().skip(1) {
                let short = SHORT.iter().find(|(it, _)| *it == letter && (tool == Tool::Uv || *it != 'p' && *it != 'P'));
                let Some((_, name)) = short else { continue };
                let rest = offset + letter.len_utf8();
                let name = if tool == Tool::Uv && letter == 'd' { "" } else { name };
                if rest < text.len() {
                    let rest = rest + usize::from(text[rest..].starts_with('='));
                    asked.option(name, &word.slice(rest, text.len()), tool);
                } else if let Some(value) = words.get(at) {
                    asked.option(name, value, tool);
                    at += 1;
                }
                break;
            }
        }
    }
    asked
}

impl Asked {
    fn flag(&mut self, name: &str) {
        match name {
            "--user" => self.user = true,
            "--system" => self.system = true,
            _ => {}
        }
    }

    fn option(&mut self, name: &str, value: &Word, tool: Tool) {
        let text = value.text();
        let indexes = ["--index-url", "--default-index", "--extra-index-url", "--index", "--find-links"];
        // User and password may come from anywhere; the rest of an address says what is found there.
        if indexes.contains(&name) && !value.unknown.is_empty() && crate::input::without_credentials(text).contains('$') {
            return self.unknown.push(value.clone());
        }
        let url = || PackageIndex { url: crate::input::without_credentials(text), only: false };
        match name {
            "--requirement" | "--requirements" => self.operands.push(Operand::File(value.clone(), false)),
            "--constraint" | "--constraints" => self.operands.push(Operand::File(value.clone(), true)),
            "--editable" => self.operands.push(Operand::Requirement(value.clone(), Meant::Editable)),
            "--index-url" | "--default-index" => self.index = Some(PackageIndex { only: true, ..url() }),
            "--extra-index-url" | "--index" => {
                let named = text.split_once('=').filter(|(name, _)| !name.contains(':')).map_or(text, |(_, url)| url);
                // uv and pip take several addresses in one value.
                let urls = named.split_whitespace().map(crate::input::without_credentials);
                self.beside.extend(urls.map(|url| PackageIndex { url, only: false }));
            }
            "--find-links" if text.contains("://") => self.beside.push(url()),
            "--torch-backend" => self.backend = Some(value.clone()),
            "--target" | "--prefix" | "--root" => {
                let text = text.to_owned();
                self.folder = Some(if name == "--target" { Folder::Target(text) } else { Folder::Prefix(text) });
            }
            "--python" if text.contains('/') => self.folder = Some(Folder::Prefix(text.to_owned())),
            "--python" if tool == Tool::Uv => self.system = true,
            "--wheel-dir" | "--dest" => self.wheels = Some(text.to_owned()),
            "--group" | "--only-group" => self.group = true,
            "--index-strategy" => self.strategy = Some(text.to_owned()),
            "--extra" => self.extras.extend(PackageName::new(text).ok()),
            _ => {}
        }
    }
}

/// Reads what is asked for.
fn take(runner: &mut Runner<'_, '_, '_>, call: &Call, asked: Asked, scope: &Scope) {
    if asked.operands.is_empty() && !asked.group && !call.piped {
        return;
    }
    if runner.doubted(call, scope.clone()) {
        return;
    }
    if call.piped && asked.operands.is_empty() {
        runner.scene.note(call.span, "which packages are passed on to this command is not known", scope.clone());
    }
    for word in &asked.unknown {
        let reason = format!("the index `{}` is not known: {}", shortened(word.text()), runner.why(word));
        runner.scene.note(word.span(), reason, scope.clone());
    }
    let known = asked.unknown.is_empty();
    let index = asked.index.or_else(|| index_of_variables(runner, call, true));
    let mut beside = asked.beside;
    if beside.is_empty() {
        beside.extend(index_of_variables(runner, call, false));
    }
    let mut index = deciding(index, beside).filter(|_| known);
    let strategy = asked.strategy.or_else(|| runner.variable("UV_INDEX_STRATEGY", call));
    if call.program == "uv"
        && strategy.is_none_or(|it| it == "first-index")
        && let Some(index) = &mut index
    {
        // uv takes a package from the first index that has it, and asks PyPI last.
        index.only |= !index.url.trim_end_matches('/').ends_with("/simple");
    }
    let index = index.map(Arc::new);
    let backend = asked.backend;
    let target = matches!(asked.folder, Some(Folder::Target(_)));
    let start = runner.scene.state.items.len();
    constraints_of_variables(runner, call, scope);
    let mut torn = false;
    for operand in asked.operands {
        if let Operand::Requirement(word, Meant::Installed) = &operand {
            let is_operator = !word.text().is_empty() && word.text().chars().all(|it| "=<>!~".contains(it));
            if is_operator {
                let reason = format!("pip refuses `{}`: a requirement with blanks in it needs quotes", word.text());
                runner.scene.note(word.span(), reason, scope.clone());
            }
            let version = torn && word.text().starts_with(|it: char| it.is_ascii_digit());
            torn = is_operator;
            if is_operator || version {
                continue;
            }
        }
        match operand {
            Operand::File(word, constraint) => file(runner, call, &word, constraint, &asked.extras, scope),
            Operand::Requirement(word, meant) => requirement(runner, &word, meant, scope),
        }
    }
    for redirect in &call.redirects {
        let Some(glued) = redirect.glued.as_ref() else { continue };
        let bound = redirect.text.trim_start_matches(['<', '>']).starts_with(|it: char| it == '=' || it.is_ascii_digit());
        if bound && glued.starts_with(|it: char| it.is_ascii_alphanumeric()) {
            let (text, name) = (shortened(&redirect.text), shortened(glued));
            let reason = if redirect.operator.starts_with('<') {
                format!("the shell takes `{text}` for a redirection from a file: `{name}` has no bound; quote the requirement")
            } else {
                let file = redirect.target.as_deref().unwrap_or_default();
                format!(
                    "the shell takes `{text}` for a redirection: `{name}` is installed without a bound, and a file `{}` is \
                     written; quote the requirement",
                    shortened(file)
                )
            };
            runner.scene.note(redirect.span, reason, scope.clone());
        }
    }
    torch_backend(runner, call, backend.as_ref(), start, scope);
    if target || runner.variable("PIP_TARGET", call).is_some() {
        runner.scene.state.items[start..].iter_mut().for_each(|item| item.stage = None);
    }
    let Some(index) = index else { return };
    for item in &mut runner.scene.state.items[start..] {
        if let What::Fact(fact) = &mut item.what
            && let FactKind::Package(package) = &mut fact.kind
            && package.index.is_none()
            && package.url.is_none()
        {
            Arc::make_mut(package).index = Some(Arc::clone(&index));
        }
    }
}

/// The index that says most about the builds of what is installed: one like PyPI's (`.../simple`) has all of them.
fn deciding(index: Option<PackageIndex>, mut beside: Vec<PackageIndex>) -> Option<PackageIndex> {
    let plain = |index: &PackageIndex| index.url.trim_end_matches('/').ends_with("/simple");
    let telling = beside.iter().position(|it| !plain(it));
    match (index, telling) {
        (Some(index), Some(at)) if plain(&index) => Some(beside.swap_remove(at)),
        // With others beside it nothing says that a package surely comes from it.
        (Some(index), _) => Some(PackageIndex { only: index.only && beside.is_empty(), ..index }),
        (None, Some(at)) => Some(beside.swap_remove(at)),
        (None, None) => beside.pop(),
    }
}

/// Packages that uv takes from the index of a backend.
const OF_BACKEND: [&str; 10] = [
    "torch", "torchvision", "torchaudio", "torchtext", "torchdata", "torchao", "torcharrow", "torchcsprng", "fbgemm-gpu", "torch-tensorrt",
];

/// The variable that takes the place of `--torch-backend`.
const TORCH_BACKEND: &str = "UV_TORCH_BACKEND";

/// Notes the index that `--torch-backend` or its variable stands for. Of `auto` the build is only known where it runs.
fn torch_backend(runner: &mut Runner<'_, '_, '_>, call: &Call, option: Option<&Word>, start: usize, scope: &Scope) {
    if call.program != "uv" {
        return;
    }
    let (value, span) = match option {
        Some(word) => (word.known().map(str::to_owned), word.span()),
        None => match runner.value(TORCH_BACKEND, &call.variables) {
            Value::Unset => return,
            value => {
                let variable = runner.scene.state.variables.get(TORCH_BACKEND).filter(|_| runner.scene.said == runner.scene.file);
                let span = variable.map_or(call.span, |it| it.span);
                (if let Value::Known(value) = value { Some(value) } else { None }, span)
            }
        },
    };
    let mut met = false;
    for item in &mut runner.scene.state.items[start..] {
        if let What::Fact(fact) = &mut item.what
            && let FactKind::Package(package) = &mut fact.kind
            && OF_BACKEND.contains(&package.name.as_str())
            && package.url.is_none()
        {
            let url = format!("torch-backend/{}", value.as_deref().unwrap_or("unknown"));
            Arc::make_mut(package).index = Some(Arc::new(PackageIndex { url, only: true }));
            met = true;
        }
    }
    let reason = match value.as_deref() {
        _ if !met => return,
        Some("auto") => "the build of torch is not known: `auto` takes it by the driver of the machine that builds the image".to_owned(),
        Some(_) => return,
        None => format!("the build of torch is not known: {}", option.map_or_else(|| format!("`{TORCH_BACKEND}` has no value here"), |word| runner.why(word))),
    };
    runner.scene.note(span, reason, scope.clone());
}

/// The index that the variables of the environment name.
fn index_of_variables(runner: &mut Runner<'_, '_, '_>, call: &Call, only: bool) -> Option<PackageIndex> {
    let uv = call.program == "uv";
    let names: &[&str] = match (uv, only) {
        (false, true) => &["PIP_INDEX_URL"],
        (false, false) => &["PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"],
        (true, true) => &["UV_DEFAULT_INDEX", "UV_INDEX_URL"],
        (true, false) => &["UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"],
    };
    let written = |name: &str| runner.scene.state.variables.get(name).filter(|it| it.value == Value::Unknown).map(|it| it.text.clone());
    let value = names.iter().find_map(|name| runner.variable(name, call).or_else(|| written(name)));
    let keys: &[&str] = match (uv, only) {
        (true, _) => &[], // uv has files of its own.
        (false, true) => &["index-url"],
        (false, false) => &["extra-index-url", "find-links"],
    };
    let value = value.or_else(|| keys.iter().find_map(|key| setting(runner, call, key)))?;
    let url = crate::input::without_credentials(value.split_whitespace().next()?);
    (url.contains("://") && !url.contains('$')).then_some(PackageIndex { url, only })
}

/// Follows the constraints that a variable of the environment puts on every command.
fn constraints_of_variables(runner: &mut Runner<'_, '_, '_>, call: &Call, scope: &Scope) {
    let name = if call.program == "uv" { "UV_CONSTRAINT" } else { "PIP_CONSTRAINT" };
    let Some(value) = runner.variable(name, call) else { return };
    for text in value.split_whitespace() {
        let path = resolve(&runner.folder, text);
        // What an earlier command brought is there already, and what is not in the context bound nothing that is known.
        let Ok(relative) = runner.scene.find(&path) else { continue };
        let Ok(included) = runner.scene.files.include(runner.scene.file, &relative, &[runner.scene.file]) else { continue };
        let bound = |item: &Item| matches!(&item.what, What::Fact(fact) if fact.place.file == included);
        if !runner.scene.state.items.iter().any(bound) {
            follow(runner, call.span, ("/", &path), How { constraint: true, depth: 0 }, scope);
        }
    }
}

/// Follows a file of requirements that a word names.
fn file(runner: &mut Runner<'_, '_, '_>, call: &Call, word: &Word, constraint: bool, extras: &[PackageName], scope: &Scope) {
    let shown = match word.text() {
        address if address.contains("://") => shortened(&crate::input::without_credentials(address)),
        path => shortened(path),
    };
    let Some(text) = word.known().map(str::to_owned) else {
        let reason = runner.why(word);
        return runner.scene.note(word.span(), format!("`{shown}` is not followed: {reason}"), scope.clone());
    };
    if text.ends_with("pyproject.toml") && !extras.is_empty() {
        let path = runner.path(&text);
        if let Ok(relative) = runner.scene.find(&path) {
            return locks::pyproject(runner, &relative, word, extras, scope);
        }
    }
    if text.ends_with("pyproject.toml") || text.ends_with("setup.py") || text.ends_with("setup.cfg") {
        return locks::follow(runner, word, &text, scope);
    }
    let own = call.redirects.iter().find_map(|it| it.heredoc.as_ref());
    if let Some(heredoc) = own.filter(|_| matches!(text.as_str(), "-" | "/dev/stdin" | "/dev/fd/0")) {
        let text = written::heredoc(runner, call, heredoc);
        let folder = runner.folder.clone();
        return written::read(runner, &text, How { constraint, depth: 0 }, &folder, scope);
    }
    if let Some(command) = text.strip_prefix("<(").and_then(|it| it.strip_suffix(')')) {
        return joined(runner, word, command, constraint, scope);
    }
    if text.contains("://") || matches!(text.as_str(), "-" | "/dev/stdin") {
        let reason = if text.contains("://") { "envcheck downloads nothing" } else { "it is read from a pipe" };
        return runner.scene.note(word.span(), format!("`{shown}` is not followed: {reason}"), scope.clone());
    }
    let folder = runner.folder.clone();
    follow(runner, word.span(), (&folder, &text), How { constraint, depth: 0 }, scope);
}

/// Follows `-r <(cat a.txt b.txt)`: what a command prints takes the place of the file.
fn joined(runner: &mut Runner<'_, '_, '_>, word: &Word, command: &str, constraint: bool, scope: &Scope) {
    let mut words = command.split_whitespace();
    let plain = words.next() == Some("cat") && !command.contains(['|', ';', '&', '$', '*', '?', '<', '>', '(']);
    if !plain {
        let reason = format!("`{}` is not followed: what a command prints is not known", shortened(word.text()));
        return runner.scene.note(word.span(), reason, scope.clone());
    }
    let folder = runner.folder.clone();
    for file in words.filter(|it| !it.starts_with('-')) {
        follow(runner, word.span(), (&folder, file), How { constraint, depth: 0 }, scope);
    }
}

/// Files that are written in the Dockerfile include each other this often.
const DEPTH_LIMIT: usize = 8;

/// How a file of requirements is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Its lines are constraints.
    pub(super) constraint: bool,
    /// So many written files lead to it.
    pub(super) depth: usize,
}

/// Follows a file of requirements at a path of the image: a folder, and what is written.
pub(super) fn follow(runner: &mut Runner<'_, '_, '_>, span: Span, path: (&str, &str), how: How, scope: &Scope) {
    let scene = &mut *runner.scene;
    let (text, path) = (path.1, resolve(path.0, path.1));
    let mut source = scene.source(&path);
    if let Some(Ok(found)) = source.file.take_if(|it| it.as_ref().is_ok_and(|found| locks::is_lock(found))) {
        let chosen = runner.scene.exported.borrow().get(&found).cloned().unwrap_or_default();
        locks::found(runner, &found, &shortened(text), span, scope, &chosen);
    }
    let scene = &mut *runner.scene;
    let included = source.file.take().map(|found| {
        let relative = found?;
        scene.files.include(scene.file, &relative, &[scene.file]).map_err(|it| it.to_string())
    });
    if let Some(included) = included {
        whole(runner, span, text, included, how.constraint, scope);
    }
    for written in &source.written {
        let said = std::mem::replace(&mut runner.scene.said, written.said);
        for (span, reason) in &written.doubts {
            runner.scene.note(*span, reason.clone(), scope.clone());
        }
        runner.scene.said = said;
        if how.depth >= DEPTH_LIMIT {
            let reason = format!("`{}` is not followed: too many files include each other", shortened(text));
            return runner.scene.note(span, reason, scope.clone());
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let said = std::mem::replace(&mut runner.scene.said, written.said);
        for piece in &written.pieces {
            written::read(runner, piece, how, folder, scope);
        }
        runner.scene.said = said;
    }
}

/// Reads a file of the context.
fn whole(
    runner: &mut Runner<'_, '_, '_>,
    span: Span,
    text: &str,
    included: Result<FileId, String>,
    constraint: bool,
    scope: &Scope,
) {
    let scene = &mut *runner.scene;
    match included {
        Ok(included) => {
            let mut reading = Reading::default();
            read_file(scene.files, included, constraint, &mut vec![scene.file], &mut reading);
            keep(runner, reading, scope);
        }
        Err(reason) => scene.note(span, format!("`{}` is not followed: {reason}", shortened(text)), scope.clone()),
    }
}

/// Takes over what another reader found.
pub(super) fn keep(runner: &mut Runner<'_, '_, '_>, reading: Reading, scope: &Scope) {
    for mut fact in reading.facts {
        // What is installed while the image is built is asked for, even in the words of `pip freeze`.
        fact.standing = Standing::Declared;
        runner.scene.push(What::Fact(fact), scope.clone());
    }
    for note in reading.skipped {
        runner.scene.push(What::Note(note), scope.clone());
    }
}

pub(super) fn requirement(runner: &mut Runner<'_, '_, '_>, word: &Word, meant: Meant, scope: &Scope) {
    let text = word.text();
    if text.is_empty() {
        return;
    }
    if let Some(unknown) = word.unknown.first() {
        let file = wheel::file_name(text);
        let named = text.contains("#egg=") || (file.strip_suffix(".whl").is_some() && !file.contains('$'));
        if !named {
            return partly(runner, word, unknown.start, scope);
        }
    }
    if meant == Meant::Installed && wheel::is_wheel(text) && !text.contains(['*', '?']) {
        return read(runner, word, meant, scope);
    }
    // What is installed in place is a folder, unless it is an address.
    let in_place = meant == Meant::Editable && word.unknown.is_empty() && !text.contains([':', '@', ' ']);
    let looks_like_path = in_place
        || text.starts_with(['.', '/', '~']) || (text.contains('*') && !text.contains(['=', '<', '>', '~'])) || (text.contains('/') && !text.contains([':', '@', ' ']));
    if looks_like_path {
        return path(runner, word, scope);
    }
    let bare = text.trim_end_matches(|it: char| "=<>!~".contains(it) || it.is_whitespace());
    if bare.len() < text.trim_end().len() && meant == Meant::Installed {
        let reason = format!("`{}` has no version behind it, so that any will do", shortened(text.trim_end()));
        return bounded(runner, word, bare.len(), &reason, scope);
    }
    read(runner, word, meant, scope);
}

/// Reads a requirement with the reader of requirements files.
fn read(runner: &mut Runner<'_, '_, '_>, word: &Word, meant: Meant, scope: &Scope) {
    let mut reading = Reading::default();
    read_word(runner.scene.files, runner.scene.said, &word.line, meant, &mut reading);
    keep(runner, reading, scope);
}

/// A requirement of which a part is not known.
fn partly(runner: &mut Runner<'_, '_, '_>, word: &Word, from: usize, scope: &Scope) {
    let before = &word.text()[..from];
    let why = runner.why(word);
    let name = before.find(['=', '<', '>', '!', '~', '@', ' ']).map(|at| before[..at].trim_end().len());
    match name {
        Some(length) if length > 0 && !before.contains("://") || before[..name.unwrap_or(0)].len() > 1 => {
            let length = name.unwrap_or_default();
            let shown = shortened(&before[..length]);
            bounded(runner, word, length, &format!("the version of `{shown}` is not known: {why}"), scope);
        }
        _ => {
            let whole = word.first_unknown() == Some(word.text());
            let shown = shortened(word.text());
            let reason = if whole { format!("which packages are named here is not known: {why}") } else { format!("which package `{shown}` names is not known: {why}") };
            runner.scene.note(word.span(), reason, scope.clone());
        }
    }
}

/// A package by its name alone, with the reason why there is no version.
fn bounded(runner: &mut Runner<'_, '_, '_>, word: &Word, length: usize, reason: &str, scope: &Scope) {
    let start = runner.scene.state.items.len();
    read(runner, &word.slice(0, length), Meant::Installed, scope);
    if runner.scene.state.items.len() > start {
        runner.scene.note(word.span(), reason, scope.clone());
    }
}

/// A path: a project, or wheels that were built before.
fn path(runner: &mut Runner<'_, '_, '_>, word: &Word, scope: &Scope) {
    let text = word.text();
    let bare = text.split('[').next().filter(|it| !it.is_empty() && !text.contains('*')).unwrap_or(text);
    let path = resolve(&runner.folder, bare);
    if let Some((folder, name)) = path.rsplit_once('/').filter(|(_, name)| name.contains('*')) {
        return wheels(runner, word, folder, name, scope);
    }
    locks::project(runner, word, &path, scope);
}

/// `pip install /wheels/*.whl`
fn wheels(runner: &mut Runner<'_, '_, '_>, word: &Word, folder: &str, pattern: &str, scope: &Scope) {
    let command = runner.scene.commands;
    let order = runner.scene.at;
    let built = |item: &&Item| matches!(&item.scope, Scope::Wheels(place) if within(place, folder));
    let mut found: Vec<Item> = runner.scene.state.items.iter().filter(built).cloned().collect();
    for item in &mut found {
        item.scope = scope.clone();
        item.command = command;
        item.order = order.max(item.order);
    }
    // Files that were copied under their own names.
    let mut copied: Vec<String> = Vec::new();
    for mapping in &runner.scene.state.mappings {
        let (Origin::Context(source) | Origin::Stage(_, source)) = &mapping.from else { continue };
        let name = source.rsplit('/').next().unwrap_or(source);
        let there = if mapping.folder { mapping.to == folder } else { mapping.to.rsplit_once('/').is_some_and(|(it, _)| it == folder) };
        let fits = crate::input::dockerfile::words::matches(pattern, name);
        if there && fits && wheel::is_wheel(name) && !name.contains('*') {
            copied.push(name.to_owned());
        }
    }
    if found.is_empty() && copied.is_empty() {
        let reason = format!("`{}` is not followed: nothing here says which wheels lie there", shortened(word.text()));
        return runner.scene.note(word.span(), reason, scope.clone());
    }
    runner.scene.state.items.append(&mut found);
    for name in copied {
        let mut line = crate::input::requirements_txt::unfold::Unfolded::default();
        line.put(&name, word.span());
        read(runner, &Word::literal(line), Meant::Installed, scope);
    }
}

impl Runner<'_, '_, '_> {
    /// Why the first unknown part of a word has no value.
    pub(super) fn why(&self, word: &Word) -> String {
        self.why_unknown(word.first_unknown().unwrap_or_default())
    }

    /// Why a part of a word has no value.
    pub(super) fn why_unknown(&self, shown: &str) -> String {
        let name = shown.trim_start_matches('$').trim_matches(['{', '}']);
        if matches!(self.variables.get(name), Some(Value::Unknown)) {
            return format!("`{}` is only known while the image is built", shortened(shown));
        }
        self.scene.why_unknown(shown)
    }
}
