use crate::{
    environment::{Environment, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context, listed},
};

rule! {
    /// A package does not exist for the operating system.
    ///
    /// ## Why it matters
    ///
    /// A list of packages that was frozen on a Mac or on Windows names what only exists there: `tensorflow-macos`,
    /// `pywin32`. Elsewhere pip finds neither a wheel nor a source distribution, and the build of the image ends.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: pywin32==306
    /// Dockerfile:       FROM python:3.11-slim
    /// ```
    ///
    /// ## How to fix
    ///
    /// Add a marker, such as `pywin32==306; sys_platform == "win32"`, or remove the line.
    pub(crate) static RULE {
        code: "EC005",
        name: "platform-without-wheel",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(os) = side.os() else { return };
    // An index that stands in for the usual one may have builds of its own.
    if side.indexes().iter().any(|seen| seen.value.only) {
        return;
    }
    for view in side.packages().filter(|view| is_looked_for(view)) {
        let Some((row, provenance)) = ctx.knowledge.wheel_platform(view.name.as_str(), &view.versions) else { continue };
        if row.os.iter().any(|it| it == os.value) || !["linux", "macos", "windows"].contains(&os.value.as_str()) {
            continue;
        }
        let systems: Vec<&str> = row.os.iter().map(|it| spelled(it)).collect();
        let (systems, here) = (listed(&systems), spelled(os.value));
        let claim = format!("{} has wheels for {systems} only, and no source distribution", view.name);
        out.findings.push(
            RULE.finding(format!("{} {} only exists for {systems}, the environment is {here}", view.name, view.shown()))
                .primary(&side.name, view.leading().place, format!("for {systems} only"))
                .label(&side.name, os.place, format!("runs on {here}"))
                .about([view.name.as_str(), "os"])
                .help(format!("add the marker `{}`, or remove the line", row.marker()))
                .because(Reason { claim, provenance }),
        );
    }
}

/// Whether pip looks for it where everybody does: what was seen installed is there, and other indexes have other wheels.
fn is_looked_for(view: &PackageView) -> bool {
    let entry = view.leading();
    view.present.holds()
        && view.standing == Standing::Declared
        && !view.is_conda()
        && !view.is_direct()
        && entry.package.tags.is_empty()
        && !entry.package.index.as_ref().is_some_and(|index| index.only)
}

/// The name of an operating system as its maker writes it.
fn spelled(os: &str) -> &str {
    match os {
        "linux" => "Linux",
        "macos" => "macOS",
        "windows" => "Windows",
        other => other,
    }
}
