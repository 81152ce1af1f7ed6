//! Databricks bundles and jobs: the libraries of clusters and tasks.
//!
//! Documentation: <https://docs.databricks.com/aws/en/dev-tools/bundles/settings>,
//! <https://docs.databricks.com/api/workspace/jobs/create>
//!
//! Read: `libraries` of tasks and clusters (`pypi`, files of requirements, wheels), `dependencies` of serverless
//! environments, the machines of clusters. Which packages a runtime (`spark_version`) brings is not known, which is said once.

use super::{
    Claim, Format, Probe,
    recipe::{self, Recipe},
    yaml::{Node, Value},
};
use crate::{
    fact::FactKind,
    text::{Span, floor_char_boundary},
};

pub(super) static FORMAT: Format = Format {
    name: "databricks",
    about: "Databricks bundles and jobs with their libraries",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text else { return Claim::No };
        let Some(stem) = recipe::yaml_stem(probe.name) else { return Claim::No };
        let text = &text[..floor_char_boundary(text, 1 << 20)];
        let line = |wanted: &str| text.lines().any(|line| line.starts_with(wanted));
        let within = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let job = within(&["job_clusters:", "new_cluster:", "environment_key:", "spark_version:"]);
        let says = within(&["pypi:", "requirements:", "whl:", "dependencies:", "node_type_id:"]);
        let bundle = stem == "databricks" && line("bundle:");
        match (bundle, line("resources:"), job && says) {
            (true, _, true) => Claim::Certain,
            (false, true, true) => Claim::Likely,
            _ => Claim::No,
        }
    },
    read: |files, file| {
        recipe::read(files, file, |recipe, root| {
            let mut runtime = None;
            walk(recipe, root, &mut runtime);
            if let Some((span, name)) = runtime {
                recipe.skip(span, format!("which packages the runtime `{name}` brings is not known"));
            }
        })
    },
};

fn walk(recipe: &mut Recipe<'_, '_>, node: &Node<'_>, runtime: &mut Option<(Span, String)>) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| walk(recipe, item, runtime)),
        Value::Map(_) => {
            for (key, value) in node.entries() {
                match key.text() {
                    Some("libraries") if value.is_list() => {
                        recipe.begin_part();
                        value.items().iter().for_each(|item| library(recipe, item));
                    }
                    Some("spec") if value.get("dependencies").is_some() => {
                        recipe.begin_part();
                        for item in value.get("dependencies").map_or(&[][..], Node::items) {
                            dependency(recipe, item);
                        }
                    }
                    Some("spark_version") => {
                        if let Some(text) = value.text().filter(|it| !it.contains("${")) {
                            runtime.get_or_insert_with(|| (value.span, text.to_owned()));
                        }
                    }
                    Some("node_type_id") => {
                        if let Some(text) = value.text().filter(|it| !it.contains("${")) {
                            recipe.state(FactKind::InstanceType(text.to_owned()), value.span);
                        }
                    }
                    _ => walk(recipe, value, runtime),
                }
            }
        }
    }
}

/// One item of `libraries`.
fn library(recipe: &mut Recipe<'_, '_>, item: &Node<'_>) {
    if let Some(package) = item.at(&["pypi", "package"]) {
        recipe.pip(package);
    } else if let Some(path) = item.get("requirements") {
        file(recipe, path);
    } else if let Some(path) = item.get("whl") {
        dependency(recipe, path);
    }
}

/// A file of requirements in the bundle or in the workspace.
fn file(recipe: &mut Recipe<'_, '_>, path: &Node<'_>) {
    match path.text() {
        Some(text) if text.starts_with('/') || text.contains(":/") => {
            recipe.skip(path.span, format!("`{text}` is not followed: it lies in the workspace"));
        }
        _ => recipe.requirements(path),
    }
}

/// A line for pip, a wheel of the bundle, or a file of requirements.
fn dependency(recipe: &mut Recipe<'_, '_>, item: &Node<'_>) {
    match item.text() {
        // The wheels that the bundle builds of its own project.
        Some(text) if text.ends_with("*.whl") => {}
        _ => recipe.pip(item),
    }
}
