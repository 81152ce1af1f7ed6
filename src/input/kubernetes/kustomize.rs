//! Kustomizations: the manifests that they name, with the images that they put in place.
//!
//! Specification: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>
//!
//! Followed: `resources` and `bases` that are files or folders here, and `images`. Everything else that changes manifests is
//! named in a note, since only `kustomize build` knows what comes out.

use super::documents;
use crate::{
    fact::FactKind,
    input::{
        Files, Found, Reading,
        manifest::{self, Dialect},
        yaml::{self, Node},
    },
    text::{FileId, Place, Span},
};

/// Kustomizations name each other this often.
const DEPTH_LIMIT: usize = 16;

/// Keys that change manifests in ways that are not followed.
const UNFOLLOWED: [&str; 9] = [
    "patches", "patchesStrategicMerge", "patchesJson6902", "components", "helmCharts", "helmChartInflationGenerator", "replacements",
    "transformers", "generators",
];

/// Adds what a kustomization brings; nothing for other files.
pub(super) fn follow(files: &mut Files<'_>, file: FileId, reading: &mut Reading) {
    let name = files.shown_path(file).rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let text = files.text(file);
    if !text.contains("Kustomization") && !name.starts_with("kustomization") {
        return;
    }
    kustomization(files, file, &mut vec![file], reading);
}

fn kustomization(files: &mut Files<'_>, file: FileId, stack: &mut Vec<FileId>, reading: &mut Reading) {
    let text = files.text(file);
    let Ok(parsed) = yaml::documents(&text) else { return };
    let is_one = |root: &Node<'_>| match root.text_of("kind") {
        Some(kind) => kind == "Kustomization",
        None => root.get("resources").is_some() || root.get("bases").is_some() || root.get("images").is_some(),
    };
    let Some(root) = parsed.iter().find(|root| is_one(root)) else { return };
    let begin = reading.facts.len();
    for key in ["resources", "bases"] {
        for item in root.get(key).map_or(&[][..], Node::items) {
            resource(files, file, item, stack, reading);
        }
    }
    for key in UNFOLLOWED {
        if let Some((key, value)) = root.entry(key).filter(|(_, value)| !value.is_null()) {
            let name = key.text().unwrap_or_default();
            let _ = value;
            reading.skip(file, key.span, format!("`{name}` is not applied: name what `kustomize build` prints to be sure"));
        }
    }
    for image in root.get("images").map_or(&[][..], Node::items) {
        replace(file, image, reading, begin);
    }
}

/// One manifest, or a folder with a kustomization of its own.
fn resource(files: &mut Files<'_>, file: FileId, item: &Node<'_>, stack: &mut Vec<FileId>, reading: &mut Reading) {
    let Some(text) = item.text() else {
        return reading.skip(file, item.span, "expected the path of a manifest or of a folder");
    };
    let folder = files.look(file, text) == Some(Found::Folder);
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let path = if folder {
        let inside = names.iter().map(|name| format!("{}/{name}", text.trim_end_matches('/')));
        match inside.into_iter().find(|path| files.look(file, path) == Some(Found::File)) {
            Some(path) => path,
            None => return reading.skip(file, item.span, format!("`{text}` is not followed: it holds no kustomization")),
        }
    } else {
        text.to_owned()
    };
    if stack.len() > DEPTH_LIMIT {
        return reading.skip(file, item.span, format!("`{text}` is not followed: too many kustomizations name each other"));
    }
    let included = match files.include(file, &path, stack) {
        Ok(included) => included,
        Err(why) => {
            // Addresses without a scheme, such as `github.com/org/repository//folder?ref=v1`.
            let remote = text.contains("?ref=") || text.contains("//") || text.starts_with("github.com/");
            let why = if remote { "envcheck downloads nothing".to_owned() } else { why.to_string() };
            return reading.skip(file, item.span, format!("`{text}` is not followed: {why}"));
        }
    };
    let found = manifest::read(files, included, Dialect::Kubernetes, documents);
    if let Some(fault) = found.fault {
        return reading.skip(file, item.span, format!("`{text}` is not followed: {}", fault.message));
    }
    reading.facts.extend(found.facts);
    reading.skipped.extend(found.skipped);
    stack.push(included);
    kustomization(files, included, stack, reading);
    stack.pop();
}

/// Puts another image in place of those with a name.
fn replace(file: FileId, image: &Node<'_>, reading: &mut Reading, begin: usize) {
    let Some(name) = image.text_of("name") else {
        return reading.skip(file, image.span, "expected the `name` of an image");
    };
    let part = |key: &str| image.get(key).and_then(|node| Some((node.text()?.to_owned(), node.span)));
    let (new, tag, digest) = (part("newName"), part("newTag"), part("digest"));
    let span: Span = tag.as_ref().or(digest.as_ref()).or(new.as_ref()).map_or(image.span, |(_, span)| *span);
    let mut met = false;
    for fact in &mut reading.facts[begin..] {
        let FactKind::Image(found) = &mut fact.kind else { continue };
        let after = found.reference.rfind('/').map_or(0, |at| at + 1);
        let end = found.reference[after..].find(':').map_or(found.reference.len(), |at| after + at);
        if &found.reference[..end] != name {
            continue;
        }
        met = true;
        let old = found.reference[end..].to_owned();
        let base = new.as_ref().map_or(name, |(new, _)| new.as_str());
        let label = match (&tag, &digest) {
            (Some((tag, _)), _) => format!(":{tag}"),
            (None, Some(_)) => String::new(),
            (None, None) => old,
        };
        found.reference = format!("{base}{label}");
        if tag.is_some() || digest.is_some() {
            found.digest = digest.as_ref().map(|(digest, _)| digest.clone());
        }
        fact.place = Place { file, span };
    }
    if !met {
        reading.skip(file, image.span, format!("no manifest that is followed here names the image `{name}`"));
    }
}
