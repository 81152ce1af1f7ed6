//! Writes an envcheck lock from facts: stable order, no path of this machine, nothing that was not read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::{
    environment::Environment,
    fact::{Dimension, FactKind, ImageRole, Library, Model, Signature, Standing},
    text::is_hidden,
};

/// Something that the lock cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockNote(pub String);

/// The lock of an environment, and what it could not record. `role` and `name` are written if given.
#[must_use]
pub fn write_lock(environment: &Environment, name: Option<&str>, role: Option<&str>) -> (String, Vec<LockNote>) {
    let mut notes = Vec::new();
    let mut out = String::from("# Written by envcheck. Commit it beside what it describes.\nversion = 1\n");
    section_environment(&mut out, environment, name, role);
    section_gpu(&mut out, environment);
    packages(&mut out, environment, &mut notes);
    let mut written: Vec<&Library> = Vec::new();
    for seen in environment.libraries() {
        let library = seen.value;
        // What follows from an image alone, follows from the lock as well, and a lock says again what its image brings.
        let follows = seen.standing == Standing::Implied && library.version.is_none();
        if follows || written.contains(&library) {
            continue;
        }
        written.push(library);
        let _ = writeln!(out, "\n[[library]]\nname = {}", quoted(&library.name));
        if let Some(version) = &library.version {
            let _ = writeln!(out, "version = {}", quoted(&version.to_string()));
        }
        if let Some(from) = &library.from {
            let _ = writeln!(out, "from = {}", quoted(from));
        }
        if let Some(libc) = &library.requires_libc {
            let _ = writeln!(out, "requires-libc = {}", quoted(&format!("{} {}", libc.family, libc.version)));
        }
        if let Some(cuda) = &library.cuda {
            let _ = writeln!(out, "cuda = {}", quoted(&cuda.to_string()));
        }
    }
    // An image that is only built from, or that helps, would come back as one that the program runs on.
    let runs = environment.images().into_iter().filter(|seen| seen.value.role == ImageRole::Runs);
    for seen in runs {
        let _ = writeln!(out, "\n[[image]]\nreference = {}", quoted(&seen.value.reference));
        if let Some(digest) = &seen.value.digest {
            let _ = writeln!(out, "digest = {}", quoted(digest));
        }
        if let Some(cuda) = &seen.value.cuda {
            let _ = writeln!(out, "cuda = {}", quoted(&cuda.to_string()));
        }
    }
    for fact in environment.facts() {
        if let FactKind::Server(server) = &fact.kind {
            let _ = writeln!(out, "\n[[server]]\nname = {}", quoted(&server.name));
            if let Some(version) = &server.version {
                let _ = writeln!(out, "version = {}", quoted(version));
            }
        }
    }
    for seen in environment.models() {
        model(&mut out, seen.value);
    }
    notes.extend(unrecorded(environment));
    (out, notes)
}

/// What the format has no place for, counted by kind.
fn unrecorded(environment: &Environment) -> Option<LockNote> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for fact in environment.facts() {
        let lost = match &fact.kind {
            FactKind::SystemPackage(_)
            | FactKind::Variable(_)
            | FactKind::InstanceType(_)
            | FactKind::Accelerator(_)
            | FactKind::ModelSource(_)
            | FactKind::PackageIndex(_) => true,
            FactKind::Image(image) => image.role != ImageRole::Runs,
            _ => false,
        };
        if lost {
            *kinds.entry(fact.kind.word()).or_default() += 1;
        }
    }
    let counted: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    (!counted.is_empty()).then(|| LockNote(format!("a lock has no place for these facts: {}", counted.join(", "))))
}

fn section_environment(out: &mut String, environment: &Environment, name: Option<&str>, role: Option<&str>) {
    let mut keys: BTreeMap<u8, (&str, String)> = BTreeMap::new();
    let mut put = |order: u8, key: &'static str, value: String| {
        keys.entry(order).or_insert((key, value));
    };
    if let Some(name) = name {
        put(0, "name", quoted(name));
    }
    if let Some(role) = role {
        put(1, "role", quoted(role));
    }
    if let Some(seen) = environment.python() {
        put(2, "python", quoted(&seen.value.to_string()));
    }
    for fact in environment.facts() {
        match &fact.kind {
            FactKind::EnvironmentName(it) => put(0, "name", quoted(it)),
            FactKind::Role(it) => put(1, "role", quoted(it)),
            FactKind::Implementation(it) => put(3, "implementation", quoted(it)),
            FactKind::Os(it) => put(4, "os", quoted(it)),
            FactKind::Distribution(it) => put(5, "distribution", quoted(it)),
            FactKind::Architecture(it) => put(6, "architecture", quoted(it)),
            FactKind::Libc(it) => put(7, "libc", quoted(&format!("{} {}", it.family, it.version))),
            FactKind::Device(it) => put(8, "device", quoted(it)),
            FactKind::ExecutionProviders(it) => put(9, "execution-providers", array(it)),
            FactKind::BuildsExtensions(it) => put(10, "builds-extensions", it.to_string()),
            _ => {}
        }
    }
    if !keys.is_empty() {
        out.push_str("\n[environment]\n");
    }
    for (key, value) in keys.values() {
        let _ = writeln!(out, "{key} = {value}");
    }
    let mut host = String::new();
    for fact in environment.facts() {
        match &fact.kind {
            FactKind::HostOs(it) if !host.contains("os =") => {
                let _ = writeln!(host, "os = {}", quoted(it));
            }
            FactKind::HostCuda(it) if !host.contains("cuda =") => {
                let _ = writeln!(host, "cuda = {}", quoted(&it.to_string()));
            }
            _ => {}
        }
    }
    if !host.is_empty() {
        let _ = write!(out, "\n[host]\n{host}");
    }
}

fn section_gpu(out: &mut String, environment: &Environment) {
    let mut keys = String::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = writeln!(keys, "{key} = {}", quoted(&value));
        }
    };
    put("driver", environment.drivers().first().map(|seen| seen.value.spelled()));
    put("driver-cuda", environment.driver_cuda().map(|seen| seen.value.to_string()));
    put("cuda", environment.toolkits().first().map(|seen| seen.value.to_string()));
    put("cudnn", environment.cudnns().first().map(|seen| seen.value.to_string()));
    put("tensorrt", environment.tensorrts().first().map(|seen| seen.value.to_string()));
    let devices = environment.gpu_facts();
    if keys.is_empty() && devices.is_empty() {
        return;
    }
    let _ = write!(out, "\n[gpu]\n{keys}");
    let mut written: Vec<String> = Vec::new();
    for seen in devices {
        let mut device = String::from("\n[[gpu.device]]\n");
        if let Some(name) = &seen.value.name {
            let _ = writeln!(device, "name = {}", quoted(name));
        }
        if let Some(capability) = seen.value.capability {
            let _ = writeln!(device, "compute-capability = {}", quoted(&capability.to_string()));
        }
        let _ = writeln!(device, "count = {}", seen.value.count);
        if !written.contains(&device) {
            out.push_str(&device);
            written.push(device);
        }
    }
}

fn packages(out: &mut String, environment: &Environment, notes: &mut Vec<LockNote>) {
    for view in environment.packages() {
        let Some(version) = view.pin() else {
            notes.push(LockNote(format!("{} is not recorded: {} is not one version", view.name, view.shown())));
            continue;
        };
        let package = &view.leading().package;
        let _ = writeln!(
            out,
            "\n[[package]]\nname = {}\nversion = {}",
            quoted(view.name.as_str()),
            quoted(&version.to_string())
        );
        if let Some(build) = &package.build {
            let _ = writeln!(out, "build = {}", quoted(build));
        }
        for (key, values) in [("requires", &package.requires), ("tags", &package.tags)] {
            if !values.is_empty() {
                let _ = writeln!(out, "{key} = {}", array(values));
            }
        }
        if let Some(python) = &package.requires_python {
            let _ = writeln!(out, "requires-python = {}", quoted(python));
        }
        if let Some(cuda) = &package.cuda {
            let _ = writeln!(out, "cuda = {}", quoted(&cuda.to_string()));
        }
    }
}

fn model(out: &mut String, model: &Model) {
    // A path outside the folder would name places of this machine.
    let path = if model.path.starts_with('/') || model.path.contains(":\\") {
        model.path.rsplit(['/', '\\']).next().unwrap_or_default()
    } else {
        &model.path
    };
    let _ = writeln!(out, "\n[[model]]\npath = {}", quoted(path));
    let producer = model.producer.as_ref().map(|producer| match &producer.version {
        Some(version) => format!("{} {version}", producer.name),
        None => producer.name.clone(),
    });
    for (key, value) in [
        ("format", model.format.clone()),
        ("sha256", model.sha256.clone()),
        ("producer", producer.filter(|text| !text.is_empty())),
        ("python", model.python.as_ref().map(ToString::to_string)),
        ("gpu", model.gpu.map(|gpu| gpu.to_string())),
    ] {
        if let Some(value) = value {
            let _ = writeln!(out, "{key} = {}", quoted(&value));
        }
    }
    for (key, values) in [("requires", &model.requires), ("classes", &model.classes)] {
        if !values.is_empty() {
            let _ = writeln!(out, "{key} = {}", array(values));
        }
    }
    if let Some(ir) = model.ir_version {
        let _ = writeln!(out, "ir-version = {ir}");
    }
    if !model.opsets.is_empty() {
        let opsets: Vec<String> =
            model.opsets.iter().map(|(domain, opset)| format!("{} = {opset}", quoted(domain))).collect();
        let _ = writeln!(out, "opsets = {{ {} }}", opsets.join(", "));
    }
    for (key, signatures) in [("inputs", &model.inputs), ("outputs", &model.outputs)] {
        if !signatures.is_empty() {
            let items: Vec<String> = signatures.iter().map(signature).collect();
            let _ = writeln!(out, "{key} = [{}]", items.join(", "));
        }
    }
}

fn signature(signature: &Signature) -> String {
    let mut text = format!("{{ name = {}", quoted(&signature.name));
    if let Some(dtype) = &signature.dtype {
        let _ = write!(text, ", dtype = {}", quoted(dtype));
    }
    if let Some(shape) = &signature.shape {
        let sizes: Vec<String> = shape
            .iter()
            .map(|dimension| match dimension {
                Dimension::Fixed(size) => size.to_string(),
                Dimension::Symbol(name) => quoted(name),
                Dimension::Unknown => "-1".to_owned(),
            })
            .collect();
        let _ = write!(text, ", shape = [{}]", sizes.join(", "));
    }
    text + " }"
}

fn array(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if is_hidden(other) => {
                let _ = write!(out, "\\U{:08X}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
