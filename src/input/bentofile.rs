//! `bentofile.yaml`: what `BentoML` packs into a Bento.
//!
//! Documentation: <https://docs.bentoml.com/en/latest/reference/bentoml/bento-build-options.html>
//!
//! Read: packages for pip (listed or in a file) with their indexes, the environment of conda, and of `docker` the Python, the
//! CUDA, the base image, packages of the system and variables.
//! Skipped with a note: a Dockerfile template and a setup script, which may install anything.

use super::{
    Claim, Format, Probe,
    recipe::{self, Recipe},
    yaml::Node,
};

pub(super) static FORMAT: Format = Format {
    name: "bentofile",
    about: "BentoML's bentofile.yaml",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text else { return Claim::No };
        let named = recipe::yaml_stem(probe.name).is_some_and(|stem| stem.contains("bentofile"));
        let line = |wanted: &str| text.lines().any(|line| line.starts_with(wanted));
        let known = line("service:") || line("python:") || line("docker:");
        if named && known { Claim::Certain } else { Claim::No }
    },
    read: |files, file| recipe::read(files, file, document),
};

fn document(recipe: &mut Recipe<'_, '_>, root: &Node<'_>) {
    if let Some(python) = root.get("python") {
        for (key, only) in [("index_url", true), ("extra_index_url", false), ("find_links", false)] {
            if let Some(node) = python.get(key) {
                recipe.indexes(node, only);
            }
        }
        if let Some(node) = python.get("requirements_txt") {
            recipe.requirements(node);
        }
        if let Some(node) = python.get("packages") {
            recipe.pip(node);
        }
    }
    if let Some(conda) = root.get("conda") {
        match conda.get("environment_yml") {
            Some(node) => recipe.conda(node),
            None => recipe.conda(conda),
        }
        if let Some(node) = conda.get("pip") {
            recipe.pip(node);
        }
    }
    let Some(docker) = root.get("docker") else { return };
    if let Some(node) = docker.get("base_image") {
        recipe.image(node);
    }
    if let Some(node) = docker.get("python_version") {
        recipe.python(node);
    }
    if let Some(node) = docker.get("cuda_version").filter(|it| it.text() != Some("default")) {
        recipe.cuda(node);
    }
    if let Some(node) = docker.get("system_packages") {
        recipe.apt(node);
    }
    if let Some(node) = docker.get("env") {
        recipe.variables(node);
    }
    for key in ["setup_script", "dockerfile_template"] {
        if let Some(node) = docker.get(key).filter(|it| !it.is_null()) {
            recipe.skip(node.span, format!("what `{key}` installs is not read"));
        }
    }
}
