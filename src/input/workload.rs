//! Containers, as Kubernetes and Compose both describe them, and what they say about the program that runs.
//!
//! Which container the program runs in is told by the GPU it asks for; without one, by what the others are known to be.

mod commands;
mod helpers;

use super::{
    manifest::{Manifest, clean},
    yaml::Node,
};
use crate::{
    fact::{FactKind, ImageRole, NamedVersion, Variable},
    text::Span,
};
use commands::Source;
pub(super) use helpers::is_helper;

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// As long as the program.
    Main,
    /// Before it.
    Init,
    /// Only to look at it.
    Ephemeral,
}

/// What containers have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// One program and its helpers.
    Pod,
    /// Services that each are a program.
    Services,
}

/// An accelerator that a container asks for.
#[derive(Debug, Clone)]
pub(super) struct Accelerator {
    /// The word for the device, if it is one of a known kind.
    pub(super) device: Option<&'static str>,
    /// What it is called in the file.
    pub(super) name: String,
    pub(super) span: Span,
}

/// A model that is mounted: its address, the volume's name, and where that is said.
#[derive(Debug, Clone)]
pub(super) struct Mount {
    pub(super) address: String,
    pub(super) volume: String,
    pub(super) span: Span,
}

/// A container.
#[derive(Debug)]
pub(super) struct Container<'n> {
    pub(super) name: String,
    /// What it is called to the reader: `container server`.
    pub(super) stage: String,
    pub(super) phase: Phase,
    /// Something above says that it is no part of what serves the model.
    pub(super) helps: bool,
    pub(super) image: Option<&'n Node<'n>>,
    pub(super) accelerator: Option<Accelerator>,
    /// `linux/amd64`
    pub(super) platform: Option<&'n Node<'n>>,
    /// Variables: the name, its place, and the value unless something else provides it.
    pub(super) settings: Vec<(String, Span, Option<String>)>,
    pub(super) commands: Vec<&'n Node<'n>>,
    pub(super) mounts: Vec<Mount>,
}

/// States what a group of containers says; which of them run the program.
pub(super) fn state(manifest: &mut Manifest<'_>, containers: &[Container<'_>], group: Group) -> Vec<bool> {
    let mut running = Vec::with_capacity(containers.len());
    let accelerated = |container: &Container<'_>| {
        container.phase == Phase::Main && container.accelerator.is_some() && !container.helps
    };
    let any = containers.iter().any(accelerated);
    let mut device_stated = false;
    let mut first = true;
    for container in containers {
        let words: Vec<_> = container.commands.iter().flat_map(|node| manifest.words(node)).collect();
        let server = commands::server(&words);
        let known_helper =
            container.helps || is_helper(&container.name, container.image.and_then(|image| image.text()));
        let runs = match (container.phase, any) {
            (Phase::Init | Phase::Ephemeral, _) => false,
            (Phase::Main, true) => accelerated(container),
            (Phase::Main, false) if known_helper => false,
            (Phase::Main, false) => group == Group::Services || std::mem::take(&mut first) || server.is_some(),
        };
        running.push(runs);
        let role = if runs { ImageRole::Runs } else { ImageRole::Helps };
        if let Some(image) = container.image {
            manifest.image(image, container.stage.clone(), role);
        }
        if !runs {
            if !known_helper || container.phase == Phase::Init {
                fetched(manifest, container, &words);
            }
            continue;
        }
        if let Some(accelerator) = &container.accelerator {
            match accelerator.device {
                Some(device) if !device_stated => {
                    device_stated = true;
                    manifest.state(FactKind::Device(device.to_owned()), accelerator.span);
                }
                Some(_) => {}
                None => {
                    manifest.skip(accelerator.span, format!("`{}` is no GPU that envcheck knows", accelerator.name));
                }
            }
        }
        if let Some((name, span)) = server {
            manifest.state(FactKind::Server(NamedVersion { name: name.to_owned(), version: None }), span);
        }
        if let Some(node) = container.platform {
            platform(manifest, node);
        }
        settings(manifest, container);
        for Source { address, by, span } in commands::arguments(&words) {
            manifest.model_source(&address, by, span);
        }
        fetched(manifest, container, &words);
        for mount in &container.mounts {
            manifest.model_source(&mount.address, format!("volume {}", mount.volume), mount.span);
        }
    }
    running
}

/// States the models that the commands of a container fetch.
fn fetched(manifest: &mut Manifest<'_>, container: &Container<'_>, words: &[super::manifest::Word<'_>]) {
    let initializer =
        container.image.and_then(|image| image.text()).is_some_and(|it| it.contains("storage-initializer"));
    for Source { address, span, .. } in commands::fetched(&container.name, words, initializer) {
        manifest.model_source(&address, container.stage.clone(), span);
    }
    if container.phase == Phase::Init {
        for (name, span, value) in &container.settings {
            if let Some(value) = value
                && commands::is_model_setting(name, value)
            {
                manifest.model_source(value, container.stage.clone(), *span);
            }
        }
    }
}

/// Beginnings of the names of variables that decide what runs and how.
const NAMES: [&str; 21] = [
    "PROTOCOL_BUFFERS_",
    "NVIDIA_",
    "CUDA_",
    "CUDNN_",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "TORCH_",
    "PYTORCH_",
    "TF_",
    "XLA_",
    "JAX_",
    "OMP_NUM_THREADS",
    "ORT_",
    "HF_",
    "TRANSFORMERS_",
    "PYTHON",
    "MODEL_",
    "STORAGE_URI",
    "VLLM_",
    "NCCL_",
    "TRITON_",
];

/// Whether a variable decides what runs and how.
pub(super) fn matters(name: &str) -> bool {
    NAMES.iter().any(|start| name.starts_with(start))
}

/// Whether the value of a variable is nobody's business.
pub(super) fn is_secret(name: &str) -> bool {
    ["TOKEN", "SECRET", "PASSWORD", "KEY"].iter().any(|word| name.contains(word))
}

/// States the variables that matter, and the models that they name.
fn settings(manifest: &mut Manifest<'_>, container: &Container<'_>) {
    for (name, span, value) in &container.settings {
        if let Some(address) = value.as_deref()
            && commands::is_model_setting(name, address)
        {
            manifest.model_source(address, format!("variable {name}"), *span);
        }
        if matters(name) {
            let value = value.as_deref().filter(|_| !is_secret(name)).map(clean);
            manifest.state(FactKind::Variable(Variable { name: name.clone(), value }), *span);
        }
    }
}

/// States the platform that an image is chosen for.
fn platform(manifest: &mut Manifest<'_>, node: &Node<'_>) {
    let Some(text) = manifest.value(node) else { return };
    let mut parts = text.split('/');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    match second {
        Some(word) => {
            manifest.state(FactKind::Os(first.to_ascii_lowercase()), node.span);
            manifest.state(FactKind::Architecture(architecture(word).to_owned()), node.span);
        }
        None => manifest.skip(node.span, format!("expected a platform such as `linux/amd64`, found `{text}`")),
    }
}

/// The architecture in the words of Python and of the lock.
pub(super) fn architecture(word: &str) -> &str {
    match word {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "386" => "i686",
        other => other,
    }
}
