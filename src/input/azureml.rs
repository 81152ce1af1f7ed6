//! Azure Machine Learning: environments, deployments and jobs, as the files of its command line describe them.
//!
//! Documentation: <https://learn.microsoft.com/azure/machine-learning/reference-yaml-environment>
//!
//! Read: images, environments of conda (a file or written out), machines. An environment that the workspace provides is
//! named in a note, and so is one that is built from a Dockerfile.

use super::{
    Claim, Format, Probe,
    recipe::{self, Recipe},
    yaml::{Node, Value},
};
use crate::{fact::FactKind, text::floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "azureml",
    about: "environments, deployments and jobs of Azure Machine Learning",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text.filter(|_| recipe::yaml_stem(probe.name).is_some()) else { return Claim::No };
        let head = &text[..floor_char_boundary(text, 64 << 10)];
        let schema = head.lines().find_map(|line| line.trim_start_matches(['"', '\'']).strip_prefix("$schema"));
        let known = |schema: &str| schema.contains("azuremlschemas") || schema.contains("azure-ml");
        let says = ["conda_file", "image:", "environment:", "instance_type:"].iter().any(|it| text.contains(it));
        if schema.is_some_and(known) && says { Claim::Certain } else { Claim::No }
    },
    read: |files, file| recipe::read(files, file, document),
};

fn document(recipe: &mut Recipe<'_, '_>, root: &Node<'_>) {
    if ["conda_file", "image", "build"].iter().any(|key| root.get(key).is_some()) {
        environment(recipe, root);
    }
    walk(recipe, root);
}

/// Looks for environments and machines in jobs and their steps.
fn walk(recipe: &mut Recipe<'_, '_>, node: &Node<'_>) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| walk(recipe, item)),
        Value::Map(_) => {
            for (key, value) in node.entries() {
                match key.text() {
                    Some("environment") if value.is_map() => {
                        recipe.begin_part();
                        environment(recipe, value);
                    }
                    Some("environment") if value.text().is_some() => {
                        let name = value.text().unwrap_or_default();
                        recipe.skip(value.span, format!("the environment `{name}` is in the workspace: name its file too"));
                    }
                    Some("instance_type") => {
                        if let Some(text) = value.text().filter(|it| it.starts_with("Standard_")) {
                            recipe.state(FactKind::InstanceType(text.to_owned()), value.span);
                        }
                    }
                    Some("environment_variables") => recipe.variables(value),
                    // What a program is given is no environment.
                    Some("inputs" | "outputs" | "tags" | "properties") => {}
                    _ => walk(recipe, value),
                }
            }
        }
    }
}

fn environment(recipe: &mut Recipe<'_, '_>, node: &Node<'_>) {
    if let Some(image) = node.get("image") {
        recipe.image(image);
    }
    if let Some(conda) = node.get("conda_file") {
        recipe.conda(conda);
    }
    if let Some(build) = node.get("build").filter(|it| it.is_map()) {
        recipe.skip(build.span, "the image is built from a Dockerfile: name that file too");
    }
}
