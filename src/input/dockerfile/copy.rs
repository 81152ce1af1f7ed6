//! `COPY`, `ADD` and mounts: where the files of an image come from, and what comes with them.

use std::sync::Arc;

use super::{
    stages::{image, in_context},
    state::{Item, Mapping, Origin, SYSTEM, Scene, Scope, resolve, shortened, within},
    syntax::{Instruction, json_array},
    unseen,
    words::Word,
};
use crate::{
    fact::{Delivery, FactKind, Image, ImageRole, ModelSource},
    input::Found,
    text::Span,
};

/// Follows `COPY` and `ADD`.
pub(super) fn copy(scene: &mut Scene<'_, '_>, instruction: &Instruction) {
    let words: Vec<Word> = match json_array(&instruction.body) {
        Some(words) => scene.expand(|it| words.iter().flat_map(|word| it.word(word)).collect()),
        None => scene.expand(|it| it.words(&instruction.body)),
    };
    let Some((last, sources)) = words.split_last() else { return };
    let written = last.text();
    let folder = sources.len() > 1 || written.ends_with('/') || matches!(written, "." | "..") || written.ends_with("/.");
    let to = scene.path(written);
    let from = instruction.flags.iter().find(|it| it.name == "from");
    let texts: Vec<&str> = sources.iter().map(Word::text).collect();
    scene.state.unseen |= unseen::copy(&texts, &to, instruction.keyword == "ADD", from.is_some());
    let stage = match from {
        None => None,
        Some(flag) => match origin(scene, &flag.value, flag.span) {
            Some(stage) => Some(stage),
            None => return,
        },
    };
    let parents = instruction.flags.iter().any(|it| it.name == "parents");
    let mut heredocs = instruction.heredocs.iter();
    for word in sources {
        let source = word.text();
        if source.starts_with("<<") {
            // In a folder the file is called as the end of its lines is.
            let name = source.trim_start_matches(['<', '-']);
            let to = if folder { resolve(&to, name) } else { to.clone() };
            match heredocs.next() {
                Some(heredoc) if heredoc.literal => scene.write(to, Ok(Word::literal(heredoc.body.clone())), false),
                Some(heredoc) => {
                    let text = scene.expand(|it| it.heredoc(&heredoc.body));
                    scene.write(to, Ok(text), false);
                }
                None => scene.map(to, false, Origin::Nowhere("the Dockerfile writes it".to_owned())),
            }
        } else if let Some(stage) = stage {
            let source = resolve("/", source);
            bring(scene, stage, &source, &to);
            if super::start::is_model(&source) && !brought_model(scene, stage, &source) {
                model(scene, word, "COPY", &to);
            }
            scene.map(to.clone(), folder && !within_root(&source), Origin::Stage(stage, source));
        } else if source.contains("://") || source.starts_with("git@") {
            if super::start::is_model(super::start::without_query(source)) {
                model(scene, word, "ADD", &to);
            }
            let name = super::start::without_query(source).rsplit('/').next().unwrap_or_default();
            let to = if folder { resolve(&to, name) } else { to.clone() };
            scene.map(to, false, Origin::Nowhere("it is downloaded".to_owned()));
        } else {
            let relative = resolve("/", source).trim_start_matches('/').to_owned();
            let relative = if relative.is_empty() { ".".to_owned() } else { relative };
            let is_code = || in_context(scene, &format!("{relative}/__init__.py")) == Some(Found::File);
            if super::start::is_model(&relative) && !is_code() {
                model(scene, word, &instruction.keyword, &to);
            }
            let place = if parents { resolve(&to, &relative) } else { to.clone() };
            scene.map(place, folder && !parents && relative != ".", Origin::Context(relative));
        }
    }
}

fn within_root(source: &str) -> bool {
    source == "/"
}

/// The stage that `--from` or a mount names; an image is a fact.
fn origin(scene: &mut Scene<'_, '_>, value: &crate::input::requirements_txt::unfold::Unfolded, span: Span) -> Option<usize> {
    let word = scene.expand(|it| it.word(value)).pop()?;
    let Some(text) = word.known() else {
        let reason = scene.why_unknown(word.first_unknown().unwrap_or_default());
        scene.note(span, reason, Scope::System);
        return None;
    };
    if let Some(stage) = scene.stage(text) {
        scene.state.uses.insert(stage);
        return Some(stage);
    }
    match image(text) {
        // A number or an unknown plain name may also be a build context that is named on the command line.
        Some((reference, digest)) if reference.contains([':', '/', '.']) || digest.is_some() => {
            let image = Image { reference, digest, stage: None, cuda: None, role: ImageRole::Builds, packages_only: false };
            scene.fact(FactKind::Image(image), word.span(), Scope::System);
        }
        _ => {
            let reason = format!("`{}` is no earlier stage; it may be a build context of that name", shortened(text));
            scene.note(span, reason, Scope::System);
        }
    }
    None
}

fn model(scene: &mut Scene<'_, '_>, word: &Word, by: &str, to: &str) {
    let address = super::start::address(word.text());
    let source = ModelSource { address, delivery: Delivery::InImage, by: by.to_owned() };
    scene.fact(FactKind::ModelSource(source), word.span(), Scope::Model(to.into()));
}

fn brought_model(scene: &Scene<'_, '_>, stage: usize, source: &str) -> bool {
    let inside = |item: &Item| matches!(&item.scope, Scope::Model(path) if within(path, source) || within(source, path));
    scene.done[stage].items.iter().any(inside)
}

/// Takes over what lies at a path of another stage.
fn bring(scene: &mut Scene<'_, '_>, stage: usize, source: &str, to: &str) {
    let done = scene.done;
    let other = &done[stage];
    scene.state.environments.extend(other.environments.iter().filter(|it| within(it, source)).cloned());
    if source == "/" || source == "/*" {
        scene.state.items.extend(other.items.iter().map(|item| Item { stage: None, ..item.clone() }));
        scene.state.uses.extend(other.uses.iter().copied());
        if to == "/" {
            scene.state.adopted = Some(stage);
        }
        return;
    }
    let folder = match source.rsplit_once('/') {
        Some((parent, name)) if name.contains(['*', '?', '[']) => parent,
        _ => source,
    };
    let moved = |path: &str| -> Arc<str> {
        if within(to, SYSTEM) {
            return SYSTEM.into();
        }
        match path.strip_prefix(folder) {
            Some(rest) => resolve(to, rest.trim_start_matches('/')).into(),
            None => to.into(),
        }
    };
    let mut found: Vec<Item> = Vec::new();
    for item in &other.items {
        let scope = match &item.scope {
            Scope::Python(place) if &**place == SYSTEM => holds_packages(folder).then(|| item.scope.clone()),
            Scope::Python(place) if within(place, folder) || (within(folder, place) && holds_packages(folder)) => {
                Some(Scope::Python(moved(place)))
            }
            Scope::Wheels(place) if within(place, folder) || within(folder, place) => Some(Scope::Wheels(resolve(to, "").into())),
            Scope::Model(place) if within(place, folder) || within(folder, place) => Some(Scope::Model(to.into())),
            _ => None,
        };
        let stage = item.stage.filter(|_| !brings_interpreter(folder));
        found.extend(scope.map(|scope| Item { scope, stage, ..item.clone() }));
    }
    let python = |item: &Item| matches!(item.scope, Scope::Python(_));
    if !found.iter().any(python) && is_environment(folder) {
        let all = other.items.iter().filter(|it| python(it));
        found.extend(all.map(|item| Item { scope: Scope::Python(moved(folder)), ..item.clone() }));
    }
    scene.state.items.append(&mut found);
}

/// Whether the packages of an image's own interpreter lie below a folder.
fn holds_packages(folder: &str) -> bool {
    let named = ["site-packages", "dist-packages"].iter().any(|it| folder.contains(it));
    named
        || matches!(folder, "/usr" | "/usr/local" | "/usr/local/lib" | "/usr/lib")
        || ["/usr/local/lib/python3", "/usr/lib/python3", "/usr/local/lib64/python3"].iter().any(|it| folder.starts_with(it))
}

/// Whether an interpreter lies in a folder, so that its packages need none of the image they are copied to.
fn brings_interpreter(folder: &str) -> bool {
    matches!(folder, "/usr" | "/usr/local" | "/opt") || ["conda", "mamba", "pyenv", "pixi"].iter().any(|it| folder.contains(it))
}

/// Whether a folder is called as those are that hold nothing but Python packages.
fn is_environment(folder: &str) -> bool {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let names = ["venv", ".venv", "virtualenv", "env", "conda", "miniconda3", "install", "installed", ".local", "python", "packages", "site-packages", "dependencies", "deps", "pyenv", "__pypackages__"];
    names.contains(&name) || folder.contains("site-packages") || folder.contains("dist-packages") || name.ends_with("-venv")
}

/// The files that the mounts of a `RUN` put in place while it runs.
pub(super) fn mount(scene: &mut Scene<'_, '_>, instruction: &Instruction) -> usize {
    let mut mounted = 0;
    for flag in instruction.flags.iter().filter(|it| it.name == "mount") {
        let word = scene.expand(|it| it.word(&flag.value)).pop().unwrap_or_default();
        let (mut kind, mut source, mut target, mut from) = ("bind", None, None, None);
        for pair in word.text().split(',') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name.trim() {
                "type" => kind = value,
                "source" | "src" => source = Some(value),
                "target" | "dst" | "destination" => target = Some(value),
                "from" => from = Some(value),
                _ => {}
            }
        }
        let (Some(target), true) = (target, kind == "bind") else { continue };
        let to = scene.path(target);
        let source = resolve("/", source.unwrap_or("."));
        let origin = match from {
            None => {
                let relative = source.trim_start_matches('/');
                Origin::Context(if relative.is_empty() { ".".to_owned() } else { relative.to_owned() })
            }
            Some(from) => {
                let at = word.text().find(from).unwrap_or_default();
                let part = word.slice(at, at + from.len());
                let Some(stage) = self::origin(scene, &part.line, flag.span) else { continue };
                let wheels = scene.done[stage].items.iter().filter(|it| matches!(&it.scope, Scope::Wheels(at) if within(at, &source)));
                let wheels: Vec<Item> =
                    wheels.map(|item| Item { scope: Scope::Wheels(to.as_str().into()), ..item.clone() }).collect();
                scene.state.items.extend(wheels);
                Origin::Stage(stage, source)
            }
        };
        scene.state.mappings.push(Mapping { to, folder: false, from: origin });
        mounted += 1;
    }
    mounted
}
