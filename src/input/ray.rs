//! Ray's runtime environments: in a configuration of Ray Serve, in the description of a job, or in a file of their own.
//!
//! Documentation: <https://docs.ray.io/en/latest/ray-core/handling-dependencies.html#api-reference>,
//! <https://docs.ray.io/en/latest/serve/production-guide/config.html>
//!
//! Read: `pip` and `uv` (a list, a file, or a map with `packages`), `conda` (a file or the environment itself), variables, the
//! image. What two applications or deployments ask for in versions that exclude each other is read of the first one.

use super::{
    Claim, Files, Format, Probe, Reading,
    recipe::{self, Recipe},
    yaml::{self, Node, Value},
};
use crate::text::{FileId, floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "ray",
    about: "Ray's runtime environments, in Serve configurations and descriptions of jobs",
    claims,
    read: |files, file| recipe::read(files, file, document),
};

const PROBE_LIMIT: usize = 1 << 20;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let Some(stem) = recipe::yaml_stem(probe.name) else { return Claim::No };
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    let line = |wanted: &str| text.lines().any(|line| line.starts_with(wanted));
    let inside = text.contains("runtime_env:");
    let serve = line("applications:") && text.contains("import_path:");
    let job = line("runtime_env:") && (line("import_path:") || line("entrypoint:"));
    let own = matches!(stem.as_str(), "runtime_env" | "runtime-env" | "ray_runtime_env") && ["pip:", "uv:", "conda:", "env_vars:", "working_dir:"].iter().any(|it| line(it));
    match (serve && inside || job, own, serve) {
        (true, ..) => Claim::Certain,
        (_, true, _) => Claim::Likely,
        (_, _, true) => Claim::Named,
        _ => Claim::No,
    }
}

fn document(recipe: &mut Recipe<'_, '_>, root: &Node<'_>) {
    let own = ["pip", "uv", "conda"].iter().any(|key| root.get(key).is_some());
    if own && root.get("applications").is_none() {
        runtime(recipe, root);
    }
    configuration(recipe, root);
    for application in root.get("applications").map_or(&[][..], Node::items) {
        configuration(recipe, application);
    }
}

/// An application, or what stands for the only one.
fn configuration(recipe: &mut Recipe<'_, '_>, node: &Node<'_>) {
    if let Some(runtime_env) = node.get("runtime_env") {
        runtime(recipe, runtime_env);
    }
    for deployment in node.get("deployments").map_or(&[][..], Node::items) {
        if let Some(runtime_env) = deployment.at(&["ray_actor_options", "runtime_env"]) {
            runtime(recipe, runtime_env);
        }
    }
}

/// One runtime environment.
fn runtime(recipe: &mut Recipe<'_, '_>, node: &Node<'_>) {
    recipe.begin_part();
    for key in ["pip", "uv"] {
        match node.get(key) {
            Some(value) if value.is_map() => {
                if let Some(packages) = value.get("packages") {
                    recipe.pip(packages);
                }
            }
            Some(value) if value.text().is_some() => recipe.requirements(value),
            Some(value) => recipe.pip(value),
            None => {}
        }
    }
    match node.get("conda") {
        Some(value) if value.is_map() || value.text().is_some_and(|it| recipe::yaml_stem(it).is_some()) => recipe.conda(value),
        Some(value) => {
            let name = value.text().unwrap_or_default();
            recipe.skip(value.span, format!("the environment `{name}` of conda is on the machines of the cluster: name its file too"));
        }
        None => {}
    }
    if let Some(value) = node.get("env_vars") {
        recipe.variables(value);
    }
    if let Some(value) = node.get("image_uri").or_else(|| node.at(&["container", "image"])) {
        recipe.image(value);
    }
}

/// Reads what objects of Kubernetes hold as text: `serveConfigV2` of a `RayService`, `runtimeEnvYAML` of a `RayJob`.
pub(super) fn embedded(files: &mut Files<'_>, file: FileId, reading: &mut Reading) {
    let text = files.text(file);
    if !text.contains("serveConfigV2") && !text.contains("runtimeEnvYAML") {
        return;
    }
    let Ok(documents) = yaml::documents(&text) else { return };
    let mut blocks = Vec::new();
    for document in &documents {
        held(document, &mut blocks);
    }
    for (key, node) in blocks {
        // A block of text begins on a line of its own, behind `|`.
        let raw = &text[node.span.start..node.span.end];
        let begin = match raw.find('\n').filter(|_| raw.starts_with(['|', '>'])) {
            Some(at) => node.span.start + at,
            None => text[..node.span.start].rfind('\n').map_or(0, |at| at + 1),
        };
        if !raw.starts_with(['|', '>']) && !text[begin..node.span.start].trim().is_empty() {
            reading.skip(file, node.span, format!("`{key}` is only read as a block of text behind `|`"));
            continue;
        }
        // Everything around it is blanked, so that its own places are those of the file.
        let blank = |part: &str| part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect::<String>();
        let masked = format!("{}{}", blank(&text[..begin]), &text[begin..node.span.end]);
        let found = match yaml::documents(&masked) {
            Ok(inner) => {
                let mut recipe = Recipe::new(files, file, &masked);
                for inner in &inner {
                    self::document(&mut recipe, inner);
                }
                recipe.finished()
            }
            Err(fault) => {
                reading.skip(file, fault.span, format!("`{key}` is not read: broken YAML: {}", fault.message));
                continue;
            }
        };
        reading.facts.extend(found.facts);
        reading.skipped.extend(found.skipped);
    }
}

/// Texts that hold a configuration, at most a few.
fn held<'n, 't>(node: &'n Node<'t>, out: &mut Vec<(&'static str, &'n Node<'t>)>) {
    if out.len() >= 20 {
        return;
    }
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| held(item, out)),
        Value::Map(_) => {
            for (key, value) in node.entries() {
                match (key.text(), value.text()) {
                    (Some("serveConfigV2"), Some(_)) => out.push(("serveConfigV2", value)),
                    (Some("runtimeEnvYAML"), Some(_)) => out.push(("runtimeEnvYAML", value)),
                    _ => held(value, out),
                }
            }
        }
    }
}
