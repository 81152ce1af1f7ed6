//! Docker Compose files.
//!
//! Specification: <https://docs.docker.com/reference/compose-file/>
//!
//! Read: the services' images, GPUs, platforms, variables that matter, known servers, and where models come from; anchors,
//! merge keys, `extends` inside the file, `${NAME:-default}`. The Dockerfile of a service that is built is read as Compose
//! builds it: with its context, target, arguments and platform.
//! Skipped with a note: other files that are included or extended, variables from files, variables without value.

mod build;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Claim, Format, NAME_IT_TOO, Probe,
    manifest::{self, Dialect, Manifest},
    workload::{self, Accelerator, Container, Group, Mount, Phase},
    yaml::Node,
};
use crate::text::{Span, floor_char_boundary};
use build::Built;

pub(super) static FORMAT: Format = Format {
    name: "compose",
    about: "Docker Compose files",
    claims,
    read: |files, file| {
        let builds = RefCell::new(Vec::new());
        let mut reading = manifest::read(files, file, Dialect::Compose, |manifest, documents| {
            for document in documents {
                builds.borrow_mut().append(&mut project(manifest, document));
            }
        });
        build::follow(files, file, builds.into_inner(), &mut reading);
        reading
    },
};

const PROBE_LIMIT: usize = 1 << 20;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let name = probe.name.to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return Claim::No };
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    let (mut services, mut first, mut made) = (false, true, false);
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if trimmed.len() == line.len() {
            if line.starts_with("apiVersion:") {
                return Claim::No;
            }
            services |= line.starts_with("services:");
        } else if services {
            if std::mem::take(&mut first) && trimmed.starts_with('-') {
                return Claim::No; // A list of services is GitLab's.
            }
            made |= ["image:", "build:", "extends:", "<<:"].iter().any(|key| trimmed.starts_with(key));
        }
    }
    let called = ["docker-compose", "compose"].iter().any(|start| {
        stem.strip_prefix(start).is_some_and(|rest| !rest.starts_with(|it: char| it.is_ascii_alphanumeric()))
    });
    match (called, services, made) {
        (true, true, _) => Claim::Certain,
        (false, true, true) => Claim::Likely,
        (true, false, _) => Claim::Named,
        (false, ..) => Claim::No,
    }
}

/// States what a project says; the images that are built for what runs.
fn project(manifest: &mut Manifest<'_>, document: &Node<'_>) -> Vec<Built> {
    if let Some(include) = document.get("include") {
        manifest.skip(include.span, "files that are included here are not followed: name them too");
    }
    for (name, model) in document.get("models").map(Node::entries).unwrap_or_default() {
        if let (Some(name), Some(address)) = (name.text(), model.get("model"))
            && let Some(text) = manifest.value(address)
        {
            manifest.model_source(&text, format!("model {name}"), address.span);
        }
    }
    let Some(services) = document.get("services") else { return Vec::new() };
    let mut containers = Vec::new();
    let mut builds = Vec::new();
    for (name, node) in services.entries() {
        let Some(name) = name.text().filter(|_| node.is_map()) else { continue };
        let service = Service { node, services };
        builds.push(service.build(manifest, name));
        containers.push(service.container(manifest, name));
    }
    profiles(manifest, services);
    let running = workload::state(manifest, &containers, Group::Services);
    let mut followed = Vec::new();
    let mut named = BTreeSet::new();
    for ((built, runs), container) in builds.into_iter().zip(running).zip(&containers) {
        let Some(built) = built else { continue };
        if runs {
            followed.push(built);
        } else if !workload::is_helper(&container.name, None) && named.insert(built.shown.clone()) {
            let reason = format!("the image of `{}` is built from {}{NAME_IT_TOO}", container.name, built.shown);
            manifest.skip(built.span, reason);
        }
    }
    followed
}

/// Says which services do not run unless they are asked for.
fn profiles(manifest: &mut Manifest<'_>, services: &Node<'_>) {
    let mut spans = Vec::new();
    let mut names = Vec::new();
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for (name, node) in services.entries() {
        let own = node.get("profiles").filter(|profiles| !profiles.items().is_empty());
        let (Some(name), Some(own)) = (name.text(), own) else { continue };
        spans.push(own.span);
        names.push(format!("`{name}`"));
        asked.extend(own.items().iter().filter_map(|item| item.text()));
    }
    let Some(first) = spans.first() else { return };
    let asked = asked.into_iter().collect::<Vec<_>>().join(", ");
    let reason = if let [only] = names.as_slice() {
        format!("the service {only} runs only with a profile ({asked}); it is read all the same")
    } else {
        let more = names.len().saturating_sub(SHOWN);
        let shown = names[..names.len() - more].join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} services run only with a profile ({shown}{rest}); they are read all the same", names.len())
    };
    manifest.skip(*first, reason);
}

/// So many services are named in one note.
const SHOWN: usize = 5;

/// A service, which may extend another one of the same file.
#[derive(Clone, Copy)]
struct Service<'n> {
    node: &'n Node<'n>,
    services: &'n Node<'n>,
}

/// Services may extend each other this often.
const EXTENDS_LIMIT: usize = 8;

impl<'n> Service<'n> {
    /// The value of a key, here or in what is extended.
    fn get(self, key: &str) -> Option<&'n Node<'n>> {
        let mut node = self.node;
        for _ in 0..EXTENDS_LIMIT {
            if let Some(found) = node.get(key) {
                return Some(found);
            }
            let extends = node.get("extends")?;
            let name = match extends.text() {
                Some(name) => name,
                None if extends.get("file").is_none() => extends.text_of("service")?,
                None => return None,
            };
            node = self.services.get(name)?;
        }
        None
    }

    /// What the image of a service is built from, and how.
    fn build(self, manifest: &mut Manifest<'_>, name: &str) -> Option<Built> {
        let node = self.get("build").filter(|build| !build.is_null())?;
        let span = node.text().map_or_else(|| key_span(self.node, "build", node), |_| node.span);
        let text = |key: &str| node.get(key).filter(|it| !it.is_null());
        let mut unknown = None;
        let mut known = |value: Option<&Node<'_>>, default: &str| match value.map(|it| manifest.known(it)) {
            None => default.to_owned(),
            Some(Ok(text)) => text,
            Some(Err(reason)) => {
                unknown = Some(reason);
                String::new()
            }
        };
        let context = known(node.text().map(|_| node).or_else(|| text("context")), ".");
        let file = known(text("dockerfile"), "Dockerfile");
        let target = text("target").map(|it| known(Some(it), ""));
        let platform = self.get("platform").or_else(|| text("platforms")?.items().first().map(|it| &**it));
        let platform = platform.and_then(|it| manifest.known(it).ok());
        let mut arguments = BTreeMap::new();
        if let Some(list) = text("args") {
            for item in list.items() {
                let Some((name, value)) = item.text().and_then(|it| it.split_once('=')) else { continue };
                arguments.insert(name.to_owned(), manifest.expanded(value).ok());
            }
            // Without a value it is taken from where Compose runs, or else the Dockerfile has one.
            for (name, value) in list.entries().into_iter().filter(|(_, value)| !value.is_null()) {
                let Some(name) = name.text() else { continue };
                arguments.insert(name.to_owned(), manifest.known(value).ok());
            }
        }
        let shown = dockerfile(node);
        if let Some(reason) = unknown {
            manifest.skip(span, format!("the image of `{name}` is built from {shown}, which is not followed: {reason}"));
            return None;
        }
        let inline = text("dockerfile_inline").map(|it| it.span);
        Some(Built { service: name.to_owned(), shown, span, context, file, target, platform, arguments, inline })
    }

    fn container(self, manifest: &mut Manifest<'_>, name: &str) -> Container<'n> {
        if let Some(file) = self.node.get("extends").and_then(|extends| extends.get("file")) {
            manifest.skip(file.span, "the file that is extended here is not followed: name it too");
        }
        let build = self.get("build").filter(|build| !build.is_null());
        let image = self.get("image").and_then(Node::text);
        if let Some(file) = self.get("env_file").filter(|file| !file.is_null() && !workload::is_helper(name, image)) {
            manifest.skip(file.span, "variables from files (`env_file`) are not read");
        }
        Container {
            name: name.to_owned(),
            stage: format!("service {name}"),
            phase: Phase::Main,
            helps: false,
            // What is built here is only called so.
            image: self.get("image").filter(|image| build.is_none() && !image.is_null()),
            accelerator: self.accelerator(manifest),
            platform: self.get("platform"),
            settings: self.settings(manifest),
            commands: ["entrypoint", "command"].iter().filter_map(|key| self.get(key)).collect(),
            mounts: self.mounts(manifest),
        }
    }

    /// The GPU that a service is given, by one of the ways that Compose has had for it.
    fn accelerator(self, manifest: &Manifest<'_>) -> Option<Accelerator> {
        let known = |node: &Node<'_>| manifest.known(node).unwrap_or_default();
        let gpu = |device, name: &str, span| Some(Accelerator { device: Some(device), name: name.to_owned(), span });
        if let Some(runtime) = self.get("runtime").filter(|runtime| known(runtime) == "nvidia") {
            return gpu("cuda", "nvidia", runtime.span);
        }
        if let Some(gpus) = self.get("gpus") {
            let all = !gpus.is_null() && !matches!(known(gpus).as_str(), "0" | "none");
            let requests = gpus.items().iter().find_map(|request| request_device(manifest, request, true));
            match (gpus.items().is_empty(), requests) {
                (true, _) if all && gpus.text().is_some() => return gpu("cuda", "gpus", gpus.span),
                (false, Some((device, span))) => return gpu(device, "gpus", span),
                _ => {}
            }
        }
        let reservations = self.get("deploy").and_then(|deploy| deploy.at(&["resources", "reservations"]));
        let devices = reservations.and_then(|it| it.get("devices")).map_or(&[][..], Node::items);
        if let Some((device, span)) = devices.iter().find_map(|request| request_device(manifest, request, false)) {
            return gpu(device, "devices", span);
        }
        let generic = reservations.and_then(|it| it.get("generic_resources")).map_or(&[][..], Node::items);
        for resource in generic {
            let Some(kind) = resource.at(&["discrete_resource_spec", "kind"]) else { continue };
            if known(kind).to_ascii_lowercase().contains("gpu") {
                return gpu("cuda", "gpu", kind.span);
            }
        }
        self.get("devices").map_or(&[][..], Node::items).iter().find_map(|device| {
            let path = known(device);
            match path.as_str() {
                _ if path.starts_with("/dev/nvidia") || path.starts_with("nvidia.com/gpu") => gpu("cuda", &path, device.span),
                _ if path.starts_with("/dev/kfd") => gpu("rocm", &path, device.span),
                _ => None,
            }
        })
    }

    fn settings(self, manifest: &Manifest<'_>) -> Vec<(String, Span, Option<String>)> {
        let Some(node) = self.get("environment") else { return Vec::new() };
        let listed = node.items().iter().filter_map(|item| {
            let text = item.text()?;
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (text, None),
            };
            let value = value.filter(|_| !manifest.is_templated(item.span));
            Some((name.to_owned(), item.span, value.and_then(|value| manifest.expanded(value).ok())))
        });
        let mapped = node.entries();
        let mapped = mapped.into_iter().filter_map(|(key, value)| {
            // Without a value it is taken from where Compose runs.
            let known = if value.is_null() { None } else { manifest.known(value).ok() };
            Some((key.text()?.to_owned(), if value.span.is_empty() { key.span } else { value.span }, known))
        });
        listed.chain(mapped).collect()
    }

    /// Mounted models: what is mounted, or where, is called so.
    fn mounts(self, manifest: &Manifest<'_>) -> Vec<Mount> {
        let mut out = Vec::new();
        for item in self.get("volumes").map_or(&[][..], Node::items) {
            let (source, target) = match (item.text(), item.get("source"), item.get("target")) {
                (Some(_), ..) => {
                    let Ok(text) = manifest.known(item) else { continue };
                    let Some((source, target)) = text.split_once(':') else { continue };
                    (source.to_owned(), target.to_owned())
                }
                (None, Some(source), Some(target)) => match (manifest.known(source), manifest.known(target)) {
                    (Ok(source), Ok(target)) => (source, target),
                    _ => continue,
                },
                _ => continue,
            };
            if !format!("{source}\n{target}").to_ascii_lowercase().contains("model") {
                continue;
            }
            let path = source.starts_with(['.', '/', '~']);
            let address = if path { format!("hostPath:{source}") } else { format!("volume://{source}") };
            let span = item.get("source").map_or(item.span, |source| source.span);
            out.push(Mount { address, volume: source, span });
        }
        out
    }
}

/// The device that a request is for, and where that is said.
fn request_device(manifest: &Manifest<'_>, request: &Node<'_>, any: bool) -> Option<(&'static str, Span)> {
    let known = |key: &str| request.get(key).map(|node| manifest.known(node).unwrap_or_default());
    if known("count").as_deref() == Some("0") {
        return None;
    }
    let capabilities = request.get("capabilities").map_or(&[][..], Node::items);
    // Older files have a list of lists.
    let flat = capabilities.iter().flat_map(|item| if item.items().is_empty() { vec![item] } else { item.items().iter().collect() });
    let gpu = flat.into_iter().find(|item| item.text() == Some("gpu") || item.text() == Some("nvidia"));
    let driver = known("driver");
    let device = match driver.as_deref() {
        Some("amd" | "amdgpu") => "rocm",
        Some("nvidia") | None => "cuda",
        Some("cdi") => {
            let ids = request.get("device_ids").map_or(&[][..], Node::items);
            let id = ids.iter().find(|id| id.text().is_some_and(|id| id.starts_with("nvidia.com/gpu")))?;
            return Some(("cuda", id.span));
        }
        Some(_) => return None,
    };
    match gpu {
        Some(item) => Some((device, item.span)),
        None if any => Some((device, request.span)),
        None => None,
    }
}

/// The path of the Dockerfile that a service is built from, as well as the file says it.
fn dockerfile(build: &Node<'_>) -> String {
    if build.get("dockerfile_inline").is_some() {
        return "instructions in this file".to_owned();
    }
    let context = build.text().or_else(|| build.text_of("context")).unwrap_or(".");
    let file = build.text_of("dockerfile").unwrap_or("Dockerfile");
    let context = context.trim_end_matches('/');
    let path = if matches!(context, "." | "") || file.starts_with('/') { file.to_owned() } else { format!("{context}/{file}") };
    match build.text_of("target") {
        Some(target) => format!("the stage `{target}` of `{path}`"),
        None => format!("`{path}`"),
    }
}

/// Where a key stands, for a value that is spread over lines.
fn key_span(node: &Node<'_>, key: &str, value: &Node<'_>) -> Span {
    node.entry(key).map_or(value.span, |(key, _)| key.span)
}

#[cfg(test)]
mod tests;
