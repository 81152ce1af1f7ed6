use crate::{
    environment::{Environment, Seen, Side},
    fact::{Image, ImageRole},
    finding::{Impact, Severity, Verdicts},
    knowledge::image::Reference,
    rules::{Check, Context},
};

rule! {
    /// An image is named without a tag, or with one that moves.
    ///
    /// ## Why it matters
    ///
    /// `latest`, or no tag at all, is another image next month: the CUDA version, the Python and the libraries inside change
    /// without a line of the repository changing, and the model that was validated meets another runtime. A build that
    /// worked cannot be repeated, and a rollback brings back the manifest but not the image.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: FROM nvidia/cuda
    /// ```
    ///
    /// ## How to fix
    ///
    /// Write the full tag, or the digest.
    pub(crate) static RULE {
        code: "EC402",
        name: "floating-image",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// Tags whose owners move them as a matter of course.
const MOVING: [&str; 12] =
    ["latest", "stable", "edge", "main", "master", "dev", "develop", "nightly", "devel", "runtime", "current", "prod"];

/// Google's prebuilt containers of Vertex AI: the name says the release, and its page on them says that names without the tag
/// `latest` are not supported (<https://cloud.google.com/vertex-ai/docs/predictions/pre-built-containers>, read on 2026-11-23).
const ONLY_LATEST: &str = "vertex-ai/prediction/";

fn check(_: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training {
        return;
    }
    let mut told: Vec<&str> = Vec::new();
    for seen in side.images() {
        let image: &Image = seen.value;
        let reference = Reference::parse(&image.reference);
        let moving = reference.tag.is_none_or(|tag| MOVING.contains(&tag) || tag.starts_with("latest-"));
        let choice = !(reference.path.contains(ONLY_LATEST) && reference.tag == Some("latest"));
        if !choice || image.role != ImageRole::Runs || image.digest.is_some() || !moving || told.contains(&image.reference.as_str()) {
            continue;
        }
        told.push(&image.reference);
        let text = match reference.tag {
            Some(tag) => format!("`{tag}` moves"),
            None => "no tag".to_owned(),
        };
        let why = match reference.tag {
            Some(tag) => format!("has the moving tag `{tag}`"),
            None => "has no tag".to_owned(),
        };
        let finding = RULE
            .finding(format!("image {} {why}, so what is inside changes without notice", image.reference))
            .primary(&side.name, seen.place, text)
            .about(["image"])
            .help("write the full tag or the digest of the image that was tested");
        let same = |other: &Seen<'_, Image>| other.value.reference == image.reference && other.place != seen.place;
        let others = side.images().into_iter().filter(same);
        out.findings.push(others.fold(finding, |finding, other| finding.label(&side.name, other.place, "the same image")));
    }
}
