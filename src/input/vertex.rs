//! Custom jobs of Vertex AI: `config.yaml` of `gcloud ai custom-jobs create`.
//!
//! Documentation: <https://cloud.google.com/vertex-ai/docs/reference/rest/v1/CustomJobSpec>
//!
//! Read: the images of the worker pools, the accelerators that they are given, machines, and the packages of a Python program.

use super::{
    Claim, Format, Probe,
    recipe::{self, Recipe},
    yaml::Node,
};
use crate::fact::FactKind;

pub(super) static FORMAT: Format = Format {
    name: "vertex-ai",
    about: "custom jobs of Vertex AI",
    claims: |probe: &Probe<'_>| {
        let Some(text) = probe.text.filter(|_| recipe::yaml_stem(probe.name).is_some()) else { return Claim::No };
        let line = |wanted: &str| text.lines().any(|line| line.trim_start().starts_with(wanted));
        let pools = line("workerPoolSpecs:") && (text.contains("imageUri") || text.contains("executorImageUri"));
        if pools { Claim::Certain } else { Claim::No }
    },
    read: |files, file| recipe::read(files, file, document),
};

fn document(recipe: &mut Recipe<'_, '_>, root: &Node<'_>) {
    let pools = root.get("workerPoolSpecs").or_else(|| root.at(&["jobSpec", "workerPoolSpecs"])).or_else(|| root.at(&["trialJobSpec", "workerPoolSpecs"]));
    for pool in pools.map_or(&[][..], Node::items) {
        let image = pool.at(&["containerSpec", "imageUri"]).or_else(|| pool.at(&["pythonPackageSpec", "executorImageUri"]));
        if let Some(image) = image {
            recipe.image(image);
        }
        if let Some(variables) = pool.at(&["containerSpec", "env"]) {
            recipe.variables(variables);
        }
        let machine = pool.at(&["machineSpec", "machineType"]);
        if let Some((node, text)) = machine.and_then(|node| Some((node, node.text()?))) {
            recipe.state(FactKind::InstanceType(text.to_owned()), node.span);
        }
        let accelerator = pool.at(&["machineSpec", "acceleratorType"]);
        if let Some((node, text)) = accelerator.and_then(|node| Some((node, node.text()?)))
            && text.starts_with("NVIDIA_")
        {
            recipe.state(FactKind::Accelerator(text.to_ascii_lowercase().replace('_', "-")), node.span);
            recipe.state(FactKind::Device("cuda".to_owned()), node.span);
        }
    }
}
