//! The nodes a pod may run on: selectors and affinities name GPUs, drivers, machines and architectures.
//!
//! Labels: <https://kubernetes.io/docs/reference/labels-annotations-taints/>, and those of NVIDIA's GPU feature discovery.

use crate::{
    fact::{FactKind, Gpu},
    input::{manifest::Manifest, workload::architecture, yaml::Node},
    text::Span,
    version::ComputeCapability,
};

/// A label and the values that are good for it, with their places.
pub(super) type Wanted = (String, Vec<(String, Span)>);

/// States what the node selectors and required affinities of a pod say.
pub(super) fn state(manifest: &mut Manifest<'_>, pod: &Node<'_>) {
    let mut selected: Vec<Wanted> = Vec::new();
    for (key, value) in pod.get("nodeSelector").map(Node::entries).unwrap_or_default() {
        let Some(label) = key.text().filter(|label| matters(label)) else { continue };
        if let Some(text) = manifest.value(value) {
            selected.push((label.to_owned(), vec![(text, value.span)]));
        }
    }
    labels(manifest, &selected);
    let terms = ["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    for term in pod.at(&terms).map_or(&[][..], Node::items) {
        let mut wanted: Vec<Wanted> = Vec::new();
        for expression in term.get("matchExpressions").map_or(&[][..], Node::items) {
            let Some(label) = expression.text_of("key").filter(|label| matters(label)) else { continue };
            match expression.text_of("operator") {
                Some("In") => {
                    let values = expression.get("values").map_or(&[][..], Node::items);
                    let values = values.iter().filter_map(|value| Some((manifest.value(value)?, value.span))).collect();
                    wanted.push((label.to_owned(), values));
                }
                Some(operator @ ("Gt" | "Lt")) => {
                    manifest.skip(expression.span, format!("the operator `{operator}` names no value of `{label}`"));
                }
                _ => {} // `Exists`, `NotIn` and the like say nothing about what is there.
            }
        }
        labels(manifest, &wanted);
    }
}

/// The labels of a node that matter.
pub(super) fn of_node(manifest: &mut Manifest<'_>, node: &Node<'_>) -> Vec<Wanted> {
    let mut found = Vec::new();
    for (key, value) in node.at(&["metadata", "labels"]).map(Node::entries).unwrap_or_default() {
        let Some(label) = key.text().filter(|label| matters(label) && !label.starts_with("beta.")) else { continue };
        if let Some(text) = manifest.value(value) {
            found.push((label.to_owned(), vec![(text, value.span)]));
        }
    }
    found
}

/// Labels without their places.
pub(super) fn plain(labels: &[Wanted]) -> Vec<(&str, &str)> {
    labels.iter().filter_map(|(label, values)| Some((label.as_str(), values.first()?.0.as_str()))).collect()
}

const NVIDIA: &str = "nvidia.com/";

/// Labels whose value is the name of an accelerator in a cloud's words.
const ACCELERATORS: [&str; 7] = [
    "cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator", "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name", "accelerator", "gpu-type", "gpu.nvidia.com/class",
];

const MACHINES: [&str; 3] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type", "cloud.google.com/machine-type"];

fn matters(label: &str) -> bool {
    label.starts_with("nvidia.com/gpu.product")
        || label.starts_with("nvidia.com/gpu.compute.")
        || label.starts_with("nvidia.com/cuda.")
        || ACCELERATORS.contains(&label)
        || MACHINES.contains(&label)
        || matches!(label.rsplit('/').next(), Some("arch" | "os")) && label.contains("kubernetes.io/")
}

/// States labels that one node must have together.
pub(super) fn labels(manifest: &mut Manifest<'_>, wanted: &[Wanted]) {
    let one = |name: &str| {
        let found = wanted.iter().find(|(label, _)| label.strip_prefix(NVIDIA) == Some(name));
        found.and_then(|(_, values)| values.first().filter(|_| values.len() == 1))
    };
    // A version in parts: the first stands for all, at the place of the last.
    let joined = |names: [&[&str]; 3]| {
        let parts: Vec<&(String, Span)> =
            names.iter().map_while(|names| names.iter().find_map(|name| one(name))).collect();
        let text = parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(".");
        parts.first().map(|(_, span)| (text, *span))
    };
    let driver = joined([&["cuda.driver.major", "cuda.driver-version.major"], &["cuda.driver.minor", "cuda.driver-version.minor"], &["cuda.driver.rev", "cuda.driver-version.revision"]]);
    let full = one("cuda.driver-version.full").cloned();
    if let Some((text, span)) = full.or(driver) {
        parsed(manifest, &text, span, "a driver version", FactKind::Driver);
    }
    let runtime = joined([&["cuda.runtime.major", "cuda.runtime-version.major"], &["cuda.runtime.minor", "cuda.runtime-version.minor"], &[]]);
    let full = one("cuda.runtime-version.full").cloned();
    if let Some((text, span)) = full.or(runtime) {
        parsed(manifest, &text, span, "a CUDA version", FactKind::DriverCuda);
    }
    let capability = match (one("gpu.compute.major"), one("gpu.compute.minor")) {
        (Some((major, span)), Some((minor, _))) => {
            format!("{major}.{minor}").parse::<ComputeCapability>().ok().map(|capability| (capability, *span))
        }
        _ => None,
    };
    let products = wanted.iter().filter(|(label, _)| label == "nvidia.com/gpu.product").flat_map(|(_, values)| values);
    let mut named = false;
    for (text, span) in products {
        named = true;
        let gpu = Gpu {
            name: Some(product(text)),
            truncated: false,
            capability: capability.as_ref().map(|(capability, _)| *capability),
            count: 1,
        };
        manifest.state(FactKind::Gpu(gpu), *span);
    }
    if let (false, Some((capability, span))) = (named, capability) {
        let gpu = Gpu { name: None, truncated: false, capability: Some(capability), count: 1 };
        manifest.state(FactKind::Gpu(gpu), span);
    }
    for (label, values) in wanted {
        for (text, span) in values {
            let kind = match label.as_str() {
                label if ACCELERATORS.contains(&label) => FactKind::Accelerator(text.clone()),
                label if MACHINES.contains(&label) => FactKind::InstanceType(text.clone()),
                label if label.ends_with("kubernetes.io/arch") => FactKind::Architecture(architecture(text).to_owned()),
                label if label.ends_with("kubernetes.io/os") => FactKind::Os(text.to_ascii_lowercase()),
                _ => continue,
            };
            manifest.state(kind, *span);
        }
    }
}

fn parsed<T: std::str::FromStr>(manifest: &mut Manifest<'_>, text: &str, span: Span, what: &str, kind: fn(T) -> FactKind) {
    match text.parse() {
        Ok(value) => manifest.state(kind(value), span),
        Err(_) => manifest.skip(span, format!("expected {what}, found `{text}`")),
    }
}

/// The name of a GPU from its label, where dashes stand for blanks and how it is shared is appended.
fn product(label: &str) -> String {
    let name = label.trim_end_matches("-SHARED");
    let name = name.find("-MIG-").map_or(name, |at| &name[..at]);
    name.replace('-', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_products_become_names() {
        assert_eq!(product("Tesla-T4"), "Tesla T4");
        assert_eq!(product("Tesla-T4-SHARED"), "Tesla T4");
        assert_eq!(product("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), "NVIDIA A100 SXM4 40GB");
        assert_eq!(product("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED"), "NVIDIA A100 SXM4 40GB");
    }
}
