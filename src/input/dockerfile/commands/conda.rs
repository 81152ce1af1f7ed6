//! `conda`, `mamba` and `micromamba`.
//!
//! Documentation: <https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html>
//!
//! What a command asks for is read as the match specs of an environment file are.

use super::{Call, Runner, locks, pip};
use crate::{
    input::{
        conda_environment,
        dockerfile::{
            state::{Scope, What, shortened},
            words::Word,
        },
        installed, match_spec,
    },
    text::Span,
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
    let mut specs = conda_environment::Reader::new(runner.scene.said, "");
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
            _ => spec(runner, word, &mut specs, &scope),
        }
    }
    pip::keep(runner, specs.finished(), &scope);
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

/// One match spec.
fn spec(runner: &mut Runner<'_, '_, '_>, word: &Word, specs: &mut conda_environment::Reader<'_>, scope: &Scope) {
    let text = word.text();
    if text.is_empty() {
        return;
    }
    let spec = match_spec::parse(installed::Word { text, span: Span::new(0, text.len()) });
    let file = [".conda", ".tar.bz2"].iter().any(|it| text.ends_with(it));
    let path = file || text.contains("://") || text.starts_with(['.', '/', '~']);
    let named = spec.filter(|it| {
        let known = word.unknown.iter().all(|unknown| unknown.start >= it.name_span.end || unknown.end <= it.name_span.start);
        !path && known && it.name.is_ascii() && !it.name.contains('*')
    });
    let Some(mut spec) = named else {
        let why = if word.unknown.is_empty() { "it is a path, an address or a pattern".to_owned() } else { runner.why(word) };
        let reason = format!("which package `{}` names is not known: {why}", shortened(text));
        return runner.scene.note(word.span(), reason, scope.clone());
    };
    if word.unknown.iter().any(|unknown| unknown.start >= spec.name_span.end) {
        let reason = format!("the version of `{}` is not known: {}", shortened(spec.name), runner.why(word));
        runner.scene.note(word.span(), reason, scope.clone());
        if installed::conda_system(spec.name).is_some() {
            return;
        }
        (spec.version, spec.build) = ("", "");
    }
    spec.name_span = word.line.place(spec.name_span);
    spec.version_span = word.line.place(spec.version_span);
    specs.stated(&spec, word.span());
}
