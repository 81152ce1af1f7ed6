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
    if let Some(node) = root.get("environment").or_else(|| build.get("environment")) {
        recipe.variables(node);
    }
    for item in build.get("run").map_or(&[][..], Node::items) {
        let command = item.get("command").unwrap_or(item);
        if command.text().is_some_and(|it| it.contains("install")) {
            recipe.skip(command.span, "what the commands of `run` install is not read");
        }
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
