//! `cog.yaml`: how Cog builds the image of a model.
//!
//! Specification: <https://cog.run/yaml/>
//!
//! Read: Python, CUDA, whether a GPU is used, packages for pip (listed or in a file), packages of the system and variables.
//! Cog chooses the build of torch by the CUDA: what it chooses is not known here, without a GPU it is the one for CPUs.
//! Skipped with a note: commands of `run` that install something.

use std::sync::Arc;

use super::{
    Claim, Format, Probe,
    recipe::{self, Recipe},
    yaml::Node,
};
use crate::fact::{FactKind, PackageIndex};

pub(super) static FORMAT: Format = Format {
    name: "cog",
    about: "cog.yaml, from which Cog builds an image",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text else { return Claim::No };
        let stem = recipe::yaml_stem(probe.name).unwrap_or_default();
        let line = |wanted: &str| text.lines().any(|line| line.starts_with(wanted));
        let called = stem.split(['.', '-', '_']).any(|part| part == "cog");
        if called && line("build:") { Claim::Certain } else { Claim::No }
    },
    read: |files, file| recipe::read(files, file, document),
};

fn document(recipe: &mut Recipe<'_, '_>, root: &Node<'_>) {
    let Some(build) = root.get("build") else { return };
    let gpu = build.get("gpu").filter(|it| it.text() == Some("true"));
    if let Some(gpu) = gpu {
        recipe.state(FactKind::Device("cuda".to_owned()), gpu.span);
    }
    if let Some(node) = build.get("cuda") {
        recipe.cuda(node);
    }
    if let Some(node) = build.get("python_version") {
        recipe.python(node);
    }
    if let Some(node) = build.get("python_packages") {
        recipe.pip(node);
    }
    if let Some(node) = build.get("python_requirements") {
        recipe.requirements(node);
    }
    if let Some(node) = build.get("system_packages") {
        recipe.apt(node);
    }
    for item in build.get("run").map_or(&[][..], Node::items) {
        let command = item.get("command").unwrap_or(item);
        let Some(text) = command.text().filter(|it| it.contains("install")) else { continue };
        match installed(text) {
            Some(packages) => packages.into_iter().for_each(|it| recipe.requirement(it, command.span)),
            None => recipe.skip(command.span, "what this command of `run` installs is not read"),
        }
    }
    if let Some(node) = root.get("environment").or_else(|| build.get("environment")) {
        recipe.variables(node);
    }
    let url = if gpu.is_some() { "torch-backend/cog" } else { "torch-backend/cpu" };
    let index = Arc::new(PackageIndex { url: url.to_owned(), only: true });
    for fact in &mut recipe.out.facts {
        if let FactKind::Package(package) = &mut fact.kind
            && matches!(package.name.as_str(), "torch" | "torchvision" | "torchaudio")
            && package.url.is_none()
        {
            Arc::make_mut(package).index = Some(Arc::clone(&index));
        }
    }
}

/// What a plain `pip install` installs; nothing for any other command.
fn installed(command: &str) -> Option<Vec<&str>> {
    let rest = ["pip install ", "pip3 install ", "python -m pip install ", "python3 -m pip install "];
    let rest = rest.into_iter().find_map(|it| command.trim_start().strip_prefix(it))?;
    if rest.contains(['&', ';', '|', '$', '`', '<', '>', '\'', '"', '\\', '\n']) {
        return None;
    }
    // Of other options the value may come next, or they say where packages come from.
    let plain = [
        "-U", "-q", "--upgrade", "--quiet", "--no-cache-dir", "--no-deps", "--pre", "--force-reinstall", "--ignore-installed",
        "--no-build-isolation",
    ];
    let words: Vec<&str> = rest.split_whitespace().filter(|it| !plain.contains(it)).collect();
    words.iter().all(|it| !it.starts_with('-')).then_some(words)
}
