//! `conda`, `mamba` and `micromamba`.
//!
//! Documentation: <https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html>
//!
//! `=1.2` allows every `1.2.*`; a version of three numbers is taken for that release, since conda's packages have no
//! fourth.

use super::{Call, Runner, locks, pip};
use crate::{
    fact::{FactKind, PackageParts, parse_version, requirement},
    input::dockerfile::{
        state::{Scope, What, shortened},
        words::Word,
    },
    text::Span,
    version::VersionSet,
};

const VALUED: [&str; 20] = [
    "-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver", "--root-prefix", "-r", "--repodata-fn", "--subdir", "--platform",
    "--channel-priority", "--experimental", "--clone", "--rc-file", "--revision", "--log-level", "--category", "--retry-clean-cache",
];

/// The folder of an environment that is named or lies at a path.
pub(super) fn folder(name: &str) -> String {
    match name {
        "base" => "/opt/conda".to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        name => format!("/opt/conda/envs/{name}"),
    }
}

/// `conda-lock install -n NAME conda-lock.yml`
pub(super) fn conda_lock(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    if call.words.first().map(Word::text) != Some("install") {
        return;
    }
    let (mut environment, mut lock) = (runner.conda.clone(), None);
    let mut words = call.words[1..].iter();
    while let Some(word) = words.next() {
        match word.text() {
            "-n" | "--name" | "-p" | "--prefix" => environment = words.next().map(|it| it.text().to_owned()),
            "--conda" | "--extras" | "-e" | "--log-level" => drop(words.next()),
            "--file" | "-f" => lock = words.next().cloned(),
            text if text.starts_with('-') => {}
            _ => lock = Some(word.clone()),
        }
    }
    let scope = Scope::Python(folder(environment.as_deref().unwrap_or("base")).into());
    if runner.doubted(call, scope.clone()) {
        return;
    }
    if let Some(word) = lock {
        file(runner, &word, &scope);
    } else {
        let path = format!("{}/conda-lock.yml", runner.folder);
        locks::follow_at(runner, &path, "conda-lock.yml", call.span, &scope);
    }
}

pub(super) fn conda(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let texts: Vec<&str> = call.words.iter().map(Word::text).collect();
    let from = match texts.as_slice() {
        ["env", "create" | "update", ..] => 2,
        ["install" | "create" | "update" | "upgrade", ..] => 1,
        ["activate", name, ..] => {
            runner.conda = Some((*name).to_owned());
            return;
        }
        ["remove" | "uninstall", rest @ ..] => {
            for name in rest.iter().filter(|it| !it.starts_with('-')) {
                if let Ok(name) = crate::fact::PackageName::new(name) {
                    runner.scene.push(What::Uninstall(name), Scope::System);
                }
            }
            return;
        }
        // Options before the command, as in `conda -q install`.
        [option, rest @ ..] if option.starts_with('-') => match rest.iter().position(|it| matches!(*it, "install" | "create")) {
            Some(at) => at + 2,
            None => return,
        },
        _ => return,
    };
    let environment = texts.iter().position(|it| matches!(*it, "-n" | "--name" | "-p" | "--prefix"));
    let environment = environment.and_then(|at| texts.get(at + 1)).map(|it| (*it).to_owned()).or_else(|| runner.conda.clone());
    let scope = Scope::Python(folder(environment.as_deref().unwrap_or("base")).into());
    if runner.doubted(call, scope.clone()) {
        return;
    }
    let start = runner.scene.state.items.len();
    let mut at = from;
    while let Some(word) = call.words.get(at) {
        at += 1;
        match word.text() {
            "-f" | "--file" => {
                if let Some(word) = call.words.get(at) {
                    file(runner, word, &scope);
                }
                at += 1;
            }
            text if VALUED.contains(&text) => at += 1,
            text if text.starts_with("--file=") => file(runner, &word.slice("--file=".len(), text.len()), &scope),
            text if text.starts_with('-') => {}
            _ => spec(runner, word, &scope),
        }
    }
    pytorch_cuda(&mut runner.scene.state.items[start..]);
    for redirect in call.redirects.iter().filter(|it| it.glued.is_some() && it.text.starts_with([')', '>', '<'])) {
        let reason = format!("the shell takes `{}` for a redirection: quote the package", shortened(&redirect.text));
        runner.scene.note(redirect.span, reason, scope.clone());
    }
}

fn file(runner: &mut Runner<'_, '_, '_>, word: &Word, scope: &Scope) {
    match word.known().map(str::to_owned) {
        Some(text) if !text.contains("://") => locks::follow(runner, word, &text, scope),
        _ => {
            let reason = format!("`{}` is not followed: envcheck downloads nothing", shortened(word.text()));
            runner.scene.note(word.span(), reason, scope.clone());
        }
    }
}

/// `[channel::]name[=version[=build]]`, `name==version`, `"name>=1.2,<2"`.
fn spec(runner: &mut Runner<'_, '_, '_>, word: &Word, scope: &Scope) {
    let text = word.text();
    let start = text.rfind("::").map_or(0, |at| at + 2);
    let rest = &text[start..];
    let length = rest.find(['=', '<', '>', '!', '~', ' ', '[']).unwrap_or(rest.len());
    let (name, version) = (&rest[..length], rest[length..].trim());
    let plain = name.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
    if !plain || name.is_empty() {
        let why = if word.unknown.is_empty() { "it is a path, an address or a pattern".to_owned() } else { runner.why(word) };
        let reason = format!("which package `{}` names is not known: {why}", shortened(text));
        return runner.scene.note(word.span(), reason, scope.clone());
    }
    if name.starts_with('_') || (name == "pip" && version.is_empty()) {
        return;
    }
    let unknown = !word.unknown.is_empty() || version.starts_with('[');
    let (plain, build) = split(version);
    if !unknown && let Some(kind) = plain.and_then(|version| system(name, version)) {
        return runner.scene.fact(kind, word.span(), scope.clone());
    }
    if matches!(name, "python" | "cudatoolkit" | "cuda-version" | "cuda-toolkit" | "cuda-runtime" | "cuda" | "cudnn") {
        if unknown {
            let reason = format!("the version of `{name}` is not known: {}", runner.why(word));
            runner.scene.note(word.span(), reason, scope.clone());
        }
        return;
    }
    let distribution = match name {
        "pytorch" | "pytorch-gpu" | "pytorch-cpu" => "torch",
        other => other,
    };
    let Some(mut package) = pip::named(distribution, word) else { return };
    name.clone_into(&mut package.spelled);
    let place = |from: usize, to: usize| word.line.place(Span::new(from, to));
    let specifier = (!version.is_empty()).then(|| place(start + length, text.len()));
    package.parts = PackageParts { name: place(start, start + length), specifier, marker: None };
    package.build = build.or_else(|| version.strip_prefix("=*=")).map(str::to_owned);
    if unknown {
        package.parts.specifier = None;
        let reason = format!("the version of `{}` is not known: {}", shortened(name), runner.why(word));
        runner.scene.note(word.span(), reason, scope.clone());
    } else {
        (package.specifier, package.versions) = versions(version);
    }
    runner.scene.fact(FactKind::Package(package.into()), word.span(), scope.clone());
}

/// The version behind one or two `=`, and the build behind it.
fn split(text: &str) -> (Option<&str>, Option<&str>) {
    let Some(rest) = text.strip_prefix("==").or_else(|| text.strip_prefix('=')) else { return (None, None) };
    let (version, build) = rest.split_once('=').map_or((rest, None), |(version, build)| (version, Some(build)));
    let version = version.trim().trim_end_matches(".*").trim_end_matches('*');
    let good = !version.is_empty() && !version.contains(['*', ',', '<', '>', '|']);
    (good.then_some(version), build.filter(|it| !it.is_empty() && *it != "*"))
}

/// Packages of conda that are no distributions of Python.
fn system(name: &str, version: &str) -> Option<FactKind> {
    match name {
        "python" => version.parse().ok().map(FactKind::Python),
        "cudatoolkit" | "cuda-version" | "cuda-toolkit" | "cuda-runtime" | "cuda" => version.parse().ok().map(FactKind::Cuda),
        "cudnn" => version.parse().ok().map(FactKind::Cudnn),
        _ => None,
    }
}

/// The specifier in the words of Python, and what it allows.
fn versions(text: &str) -> (String, VersionSet) {
    if let (Some(version), _) = split(text) {
        let exact = text.starts_with("==") || version.split('.').count() >= 3;
        let specifier = if exact { format!("=={version}") } else { format!("=={version}.*") };
        let single = parse_version(version).filter(|_| exact).map(|it| VersionSet::exactly(&it));
        let parsed = || requirement::parse(&format!("x{specifier}"), 0).map_or_else(|_| VersionSet::all(), |it| it.versions());
        return (specifier.clone(), single.unwrap_or_else(parsed));
    }
    if text.starts_with("=*") || text == "*" {
        return (String::new(), VersionSet::all()); // Any version of a certain build.
    }
    match requirement::parse(&format!("x{text}"), 0) {
        Ok(parsed) => (parsed.specifier(), parsed.versions()),
        Err(_) => (text.replace(' ', ""), VersionSet::all()),
    }
}

/// `pytorch-cuda=12.1` chooses the build of `pytorch` in the same command.
fn pytorch_cuda(items: &mut [crate::input::dockerfile::state::Item]) {
    let package = |item: &crate::input::dockerfile::state::Item| match &item.what {
        What::Fact(fact) => match &fact.kind {
            FactKind::Package(package) => Some(package.clone()),
            _ => None,
        },
        _ => None,
    };
    let chosen = items.iter().filter_map(package).find(|it| it.name.as_str() == "pytorch-cuda");
    let number = chosen.and_then(|it| it.specifier.trim_start_matches('=').trim_end_matches(".*").parse().ok());
    let Some(cuda) = number else { return };
    for item in items {
        if let What::Fact(fact) = &mut item.what
            && let FactKind::Package(package) = &mut fact.kind
            && matches!(package.name.as_str(), "torch" | "torchvision" | "torchaudio")
        {
            std::sync::Arc::make_mut(package).cuda = Some(std::clone::Clone::clone(&cuda));
        }
    }
}
