//! The description of a pod: its containers, volumes and the nodes it may run on.

use super::nodes;
use crate::{
    input::{
        manifest::Manifest,
        workload::{self, Accelerator, Container, Group, Mount, Phase},
        yaml::Node,
    },
    text::Span,
};

/// States what a pod says. `label` names the workload where there are several, `helps` is set for a pod beside the one that
/// serves the model.
pub(super) fn state(manifest: &mut Manifest<'_>, pod: &Node<'_>, label: &str, helps: bool) {
    with(manifest, pod, Vec::new(), label, helps);
}

/// As [`state`], with containers that are described in another way.
pub(super) fn with<'n>(manifest: &mut Manifest<'_>, pod: &'n Node<'n>, mut containers: Vec<Container<'n>>, label: &str, helps: bool) {
    let kinds = [
        ("initContainers", Phase::Init, "init container"),
        ("containers", Phase::Main, "container"),
        ("ephemeralContainers", Phase::Ephemeral, "debug container"),
    ];
    for (key, phase, word) in kinds {
        for item in pod.get(key).map_or(&[][..], Node::items) {
            // A helper that Kubernetes starts before the program and keeps running.
            let sidecar = phase == Phase::Init && item.text_of("restartPolicy") == Some("Always");
            let mut container = container(manifest, pod, item, phase, &format!("{label}{word}"));
            container.helps = helps || sidecar;
            containers.push(container);
        }
    }
    for key in ["container", "script"] {
        if let Some(item) = pod.get(key).filter(|item| item.is_map()) {
            let mut container = container(manifest, pod, item, Phase::Main, &format!("{label}container"));
            container.helps = helps;
            containers.push(container);
        }
    }
    workload::state(manifest, &containers, Group::Pod);
    if !helps {
        nodes::state(manifest, pod);
    }
}

/// One container. `stage` is what comes before its name.
pub(super) fn container<'n>(
    manifest: &mut Manifest<'_>,
    pod: &'n Node<'n>,
    node: &'n Node<'n>,
    phase: Phase,
    stage: &str,
) -> Container<'n> {
    let name = node.get("name").filter(|name| !manifest.is_templated(name.span)).and_then(Node::text);
    let image = node.get("image").filter(|image| !image.is_null());
    if let (None, Some((key, _))) = (image, node.entry("image")) {
        manifest.skip(key.span, "expected the reference of an image, found nothing");
    }
    Container {
        name: name.unwrap_or_default().to_owned(),
        stage: name.map_or_else(|| stage.to_owned(), |name| format!("{stage} {name}")),
        phase,
        helps: false,
        image,
        accelerator: accelerator(manifest, node),
        platform: None,
        settings: settings(manifest, node, phase == Phase::Main && !workload::is_helper(name.unwrap_or_default(), image.and_then(Node::text))),
        commands: ["command", "args", "source"].iter().filter_map(|key| node.get(key)).collect(),
        mounts: mounts(manifest, pod, node),
    }
}

/// The GPU that a container asks for.
pub(super) fn accelerator(manifest: &mut Manifest<'_>, container: &Node<'_>) -> Option<Accelerator> {
    for part in ["limits", "requests"] {
        let Some(wanted) = container.at(&["resources", part]) else { continue };
        for (key, value) in wanted.entries() {
            let name = key.text().unwrap_or_default();
            let device = match name {
                _ if name.starts_with("nvidia.com/gpu") || name.starts_with("nvidia.com/mig-") => Some("cuda"),
                _ if name.starts_with("amd.com/gpu") => Some("rocm"),
                "google.com/tpu" | "aws.amazon.com/neuron" | "aws.amazon.com/neuroncore" | "habana.ai/gaudi" => None,
                _ if name.starts_with("gpu.intel.com/") => None,
                _ => continue,
            };
            let count = match manifest.known(value) {
                Ok(count) => count,
                Err(reason) => {
                    manifest.skip(value.span, format!("whether a GPU is asked for is not known: {reason}"));
                    continue;
                }
            };
            if count.trim().trim_start_matches('0').is_empty() {
                continue; // None is asked for.
            }
            return Some(Accelerator { device, name: name.to_owned(), span: key.span });
        }
    }
    None
}

/// The variables of a container. `noted` says whether those that are not here are worth a note.
fn settings(manifest: &mut Manifest<'_>, container: &Node<'_>, noted: bool) -> Vec<(String, Span, Option<String>)> {
    let mut out = Vec::new();
    for item in container.get("env").map_or(&[][..], Node::items) {
        let Some(name) = item.get("name") else { continue };
        if manifest.is_templated(name.span) {
            continue;
        }
        let Some(text) = name.text() else { continue };
        let value = item.get("value").and_then(|value| {
            if value.is_null() { Some(String::new()) } else { manifest.known(value).ok() }
        });
        let span = item.get("value").map(|value| value.span).filter(|span| !span.is_empty()).unwrap_or(name.span);
        out.push((text.to_owned(), span, value));
    }
    if let (true, Some(from)) = (noted, container.get("envFrom").filter(|from| !from.items().is_empty())) {
        manifest.skip(from.span, "variables that another object provides (`envFrom`) are not known");
    }
    out
}

/// Volumes with models in them. What is mounted tells it: by its path, or by the volume's name.
fn mounts(manifest: &Manifest<'_>, pod: &Node<'_>, container: &Node<'_>) -> Vec<Mount> {
    let mut out = Vec::new();
    for mount in container.get("volumeMounts").map_or(&[][..], Node::items) {
        let (Some(name), Some(path)) = (mount.text_of("name"), mount.text_of("mountPath")) else { continue };
        if ![name, path].iter().any(|text| text.to_ascii_lowercase().contains("model")) {
            continue;
        }
        let volumes = pod.get("volumes").map_or(&[][..], Node::items);
        let Some(volume) = volumes.iter().find(|volume| volume.text_of("name") == Some(name)) else { continue };
        let inner = mount.text_of("subPath").map_or_else(String::new, |inner| format!("/{}", inner.trim_matches('/')));
        let sources: [(&str, &str, &str); 6] = [
            ("persistentVolumeClaim", "claimName", "pvc://"),
            ("hostPath", "path", "hostPath:"),
            ("configMap", "name", "configMap://"),
            ("image", "reference", "oci://"),
            ("nfs", "path", "nfs:"),
            ("csi", "bucketName", "gs://"),
        ];
        for (kind, key, scheme) in sources {
            let source = volume.get(kind);
            let source = if kind == "csi" { source.and_then(|csi| csi.get("volumeAttributes")) } else { source };
            let Some(value) = source.and_then(|source| source.get(key)) else { continue };
            if let (Some(text), false) = (value.text(), manifest.is_templated(value.span)) {
                out.push(Mount { address: format!("{scheme}{text}{inner}"), volume: name.to_owned(), span: value.span });
            }
        }
    }
    out
}
