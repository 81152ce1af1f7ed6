use crate::{
    environment::{Environment, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context, listed_up_to},
};

rule! {
    /// A pinned release has no wheel for the processor architecture.
    ///
    /// ## Why it matters
    ///
    /// An image that is built for arm64 (AWS Graviton, GB200 hosts, or a developer's Mac) finds no wheel of a project that
    /// publishes for amd64 only; without a source distribution the build ends there.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: FROM --platform=linux/arm64 python:3.11-slim
    ///             RUN pip install onnxruntime-gpu==1.18.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Build for linux/amd64, or take a release with wheels for the architecture.
    pub(crate) static RULE {
        code: "EC004",
        name: "architecture-without-wheel",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(architecture) = side.architecture() else { return };
    let linux = side.target.os.as_deref().is_none_or(|os| os == "linux");
    if !linux || !["aarch64", "arm64"].contains(&architecture.value.as_str()) {
        return;
    }
    let mut found = Vec::new();
    for view in side.packages() {
        let entry = view.leading();
        // A marker that may be false promises no installation.
        let foreign = !view.present.holds()
            || view.standing != Standing::Declared
            || view.is_conda()
            || view.is_direct()
            || entry.package.index.as_ref().is_some_and(|index| index.only)
            || !entry.package.tags.is_empty();
        let Some(version) = view.pin().filter(|version| !version.is_local() && !foreign) else { continue };
        let Some((row, provenance)) = ctx.knowledge.wheel_libc(view.name.as_str(), version) else { continue };
        if row.aarch64 == Some(true) || row.sdist == Some(true) {
            continue;
        }
        let claim = format!("{} {} to {} has no Linux wheels for aarch64 and no source distribution", view.name, row.first, row.last);
        found.push((view, Reason { claim, provenance }));
    }
    if found.is_empty() || side.indexes().iter().any(|seen| seen.value.only) {
        return;
    }
    let names: Vec<String> = found.iter().map(|(view, _)| format!("{} {}", view.name, view.shown())).collect();
    let mut finding = RULE
        .finding(format!("there are no wheels for {} of {}", architecture.value, listed_up_to(&names, 3)))
        .primary(&side.name, architecture.place, architecture.value.clone())
        .about(found.iter().map(|(view, _)| view.name.to_string()))
        .about(["architecture"])
        .help(match found.iter().find_map(|(view, _)| plain(ctx, view)) {
            Some(plain) => format!("take {plain}, the CPU build, which has wheels for it, or build for linux/amd64"),
            None => "build for linux/amd64, or take releases that have wheels for this architecture".to_owned(),
        });
    for (view, reason) in found.iter().take(6) {
        finding = finding.label(&side.name, view.place(), "wheels for x86_64 only").because(reason.clone());
    }
    out.findings.push(finding);
}

/// The CPU build of the same release, where it has wheels for the architecture.
fn plain(ctx: &Context<'_>, view: &PackageView) -> Option<String> {
    let name = view.name.as_str().strip_suffix("-gpu")?;
    let version = view.pin()?;
    let (row, _) = ctx.knowledge.wheel_libc(name, version)?;
    (row.aarch64 == Some(true)).then(|| format!("{name} {version}"))
}
