//! Commands that bring files: downloads, clones, copies; and models among them.

use super::{Call, Runner};
use crate::{
    fact::{Delivery, FactKind, ModelSource},
    input::dockerfile::{
        start::{address, is_model, without_query},
        state::{Origin, Scope, resolve},
        words::Word,
    },
};

/// Looks at a command that installs nothing by itself.
pub(super) fn other(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let texts: Vec<&str> = call.words.iter().map(Word::text).collect();
    match call.program.as_str() {
        "wget" | "curl" | "aria2c" => download(runner, call),
        "huggingface-cli" | "hf" if texts.first() == Some(&"download") => hub(runner, call),
        "aws" if texts.first() == Some(&"s3") => bucket(runner, call),
        "gsutil" | "gcloud" | "azcopy" | "rclone" | "s5cmd" | "mc" => bucket(runner, call),
        "git" if texts.contains(&"clone") => clone(runner, call),
        "cp" | "mv" | "ln" => {
            let operands: Vec<&str> = texts.into_iter().filter(|it| !it.starts_with('-')).collect();
            if let Some((to, sources)) = operands.split_last() {
                let folder = sources.len() > 1 || to.ends_with('/') || matches!(*to, "." | "..");
                for source in sources {
                    let (from, to) = (runner.path(source), runner.path(to));
                    runner.scene.map(to, folder, Origin::Moved(from));
                }
            }
        }
        // A file that is changed in place is no longer that of the context.
        "sed" if texts.iter().any(|it| it.starts_with("-i") || it.starts_with("--in-place") || *it == "-ri" || *it == "-Ei") => changed(runner, call, "sed"),
        "tee" => changed(runner, call, "tee"),
        "patch" | "dos2unix" if !texts.is_empty() => {}
        _ => {}
    }
}

fn changed(runner: &mut Runner<'_, '_, '_>, call: &Call, by: &str) {
    for word in call.words.iter().filter(|it| !it.text().starts_with('-')) {
        let text = word.text();
        let like_a_file = !text.contains([' ', '|', '^', '$', '#', '*']) && (text.contains('.') || text.contains('/'));
        let script = text.starts_with("s/") || text.starts_with('/');
        if like_a_file && (!script || text.ends_with(".txt") || text.ends_with(".toml")) {
            let path = runner.path(text);
            runner.scene.map(path, false, Origin::Nowhere(format!("`{by}` changes it while the image is built")));
        }
    }
}

fn model(runner: &mut Runner<'_, '_, '_>, call: &Call, word: &Word, by: &str, to: &str) {
    let path = runner.path(to);
    if runner.unsure.is_some() {
        return runner.scene.note(word.span(), format!("the model may not be fetched: `{}` may not run", call.shown()), Scope::System);
    }
    let source = ModelSource { address: address(word.text()), delivery: Delivery::InImage, by: by.to_owned() };
    runner.scene.fact(FactKind::ModelSource(source), word.span(), Scope::Model(path.into()));
}

fn download(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let mut output = None;
    let mut folder = ".".to_owned();
    let mut addresses = Vec::new();
    let mut words = call.words.iter();
    let wget = call.program == "wget";
    while let Some(word) = words.next() {
        let text = word.text();
        match text {
            "-O" | "--output-document" if wget => output = words.next().map(|it| it.text().to_owned()),
            "-o" | "--output" if !wget => output = words.next().map(|it| it.text().to_owned()),
            "-P" | "--directory-prefix" | "--output-dir" | "-d" => folder = words.next().map_or(folder, |it| it.text().to_owned()),
            "-H" | "--header" | "-u" | "--user" | "-A" | "-X" | "--retry" => drop(words.next()),
            _ if text.contains("://") && !text.starts_with('-') => addresses.push(word),
            _ if !wget && text.starts_with('-') && !text.starts_with("--") && text.ends_with('o') => {
                output = words.next().map(|it| it.text().to_owned());
            }
            _ if wget && text.starts_with('-') && !text.starts_with("--") && text.ends_with('O') => {
                output = words.next().map(|it| it.text().to_owned());
            }
            _ => {}
        }
    }
    for word in addresses {
        let path = without_query(word.text());
        let name = path.rsplit('/').next().unwrap_or(path);
        let to = output.clone().unwrap_or_else(|| format!("{folder}/{name}"));
        let file = path.split_once("://").map_or(path, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        let named = name.contains('.') && is_model(name) || output.as_deref().is_some_and(|it| it.rsplit('/').next().is_some_and(|name| name.contains('.') && is_model(name)));
        if named && !file.is_empty() {
            model(runner, call, word, &call.program, &to);
        }
        let to = runner.path(&to);
        runner.scene.map(to, false, Origin::Nowhere(format!("`{}` downloads it", call.program)));
    }
}

/// `huggingface-cli download organisation/name`
fn hub(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let valued = ["--revision", "--local-dir", "--cache-dir", "--token", "--repo-type", "--include", "--exclude", "--max-workers", "--local-dir-use-symlinks"];
    let mut words = call.words[1..].iter();
    let mut repository = None;
    let mut folder = "/root/.cache/huggingface".to_owned();
    let mut kind = "model".to_owned();
    while let Some(word) = words.next() {
        match word.text() {
            "--local-dir" | "--cache-dir" => folder = words.next().map_or(folder, |it| it.text().to_owned()),
            "--repo-type" => kind = words.next().map_or(kind, |it| it.text().to_owned()),
            text if valued.contains(&text) => drop(words.next()),
            text if text.starts_with('-') => {}
            _ => drop(repository.get_or_insert(word)),
        }
    }
    if let Some(word) = repository.filter(|_| kind == "model") {
        model(runner, call, word, &call.program, &folder);
    }
}

/// `aws s3 cp s3://bucket/model.onnx /models/`
fn bucket(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let remote = |it: &&Word| ["s3://", "gs://", "https://", "az://", "hf://"].iter().any(|scheme| it.text().starts_with(scheme));
    let Some(at) = call.words.iter().position(|it| remote(&it)) else { return };
    let word = &call.words[at];
    let Some(to) = call.words[at + 1..].iter().find(|it| !it.text().starts_with('-')) else { return };
    let path = without_query(word.text());
    let inner = path.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    if is_model(inner) || is_model(to.text()) {
        let by = match call.program.as_str() {
            "aws" => "aws s3",
            other => other,
        };
        model(runner, call, word, by, to.text());
    }
}

fn clone(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let valued = ["-b", "--branch", "--depth", "-c", "--config", "-o", "--origin", "--reference", "-j", "--jobs"];
    let at = call.words.iter().position(|it| it.text() == "clone").unwrap_or_default();
    let mut words = call.words[at + 1..].iter();
    let mut operands = Vec::new();
    while let Some(word) = words.next() {
        match word.text() {
            text if valued.contains(&text) => drop(words.next()),
            text if text.starts_with('-') => {}
            _ => operands.push(word),
        }
    }
    let Some(url) = operands.first() else { return };
    let name = url.text().trim_end_matches('/').trim_end_matches(".git").rsplit('/').next().unwrap_or_default();
    let folder = operands.get(1).map_or(name, |it| it.text());
    if url.text().starts_with("https://huggingface.co/") && !url.text().contains("/spaces/") && !url.text().contains("/datasets/") {
        model(runner, call, url, "git clone", folder);
    }
    let path = resolve(&runner.folder, folder);
    runner.scene.map(path, false, Origin::Nowhere("it comes from a repository that is cloned".to_owned()));
}
