use crate::{
    environment::{Environment, PackageView},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason, onnx::WithNumpy2},
    rules::{Check, Context},
    version::{Version, VersionSet},
};

rule! {
    /// A package that was compiled for NumPy 1 stands beside NumPy 2.
    ///
    /// ## Why it matters
    ///
    /// NumPy 2 changed the binary interface. Extension modules built for NumPy 1 fail at import (`numpy.dtype size changed`,
    /// `_ARRAY_API not found`) or crash at the first call. Many of these releases declare no upper bound, so pip installs the
    /// pair without complaint.
    ///
    /// ## Example
    ///
    /// ```text
    /// numpy==2.1.3
    /// pandas==2.2.1
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin `numpy<2`, or take the first release of the package that was built for NumPy 2.
    pub(crate) static RULE {
        code: "EC105",
        name: "numpy-abi",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(numpy) = side.package("numpy") else { return };
    let Ok(second) = ">=2.0.0".parse::<VersionSet>() else { return };
    let generation = numpy.versions.within(&second);
    if generation.violated() {
        return;
    }
    for view in side.packages() {
        let Some(version) = view.pin() else { continue };
        // The table is about PyPI's wheels; conda rebuilds its packages for every NumPy.
        if view.entries.iter().any(|entry| entry.package.build.is_some()) {
            continue;
        }
        let Some((failing, sure, works, reason)) = built_for_numpy_1(ctx, view, version) else { continue };
        if !failing {
            continue;
        }
        let name = &view.name;
        if !generation.holds() {
            // Many releases keep NumPy 2 out by their own metadata, which no file here shows.
            if numpy.versions.is_open_above() {
                out.undecided.push(RULE.undecided(
                    format!("{name} {version} was built for NumPy 1, and nothing pins numpy below 2"),
                    "pin numpy, or give the output of `pip freeze`",
                ));
            }
            continue;
        }
        out.findings.push(
            RULE.finding(format!("{name} {version} was built for NumPy 1, the environment has numpy {}", numpy.shown()))
                .severity(if sure { Severity::Error } else { Severity::Warning })
                .primary(&side.name, view.place(), "built for NumPy 1")
                .label(&side.name, numpy.place(), format!("numpy {}", numpy.shown()))
                .about([name.as_str(), "numpy"])
                .because(reason)
                .help(format!("pin numpy<2 (1.26.4 is the last one), or take {name} {works} or newer")),
        );
    }
}

/// Whether a release fails with NumPy 2, how sure that is, and the first release that works.
fn built_for_numpy_1(ctx: &Context<'_>, view: &PackageView, version: &Version) -> Option<(bool, bool, String, Reason)> {
    let knowledge = ctx.knowledge;
    if view.name.as_str() == "onnxruntime" {
        let table = &knowledge.onnxruntime_release;
        let row = table.rows().iter().find(|row| row.version.0 == version.clone().without_local())?;
        let outcome = row.numpy2?;
        let claim = match outcome {
            WithNumpy2::Ok => return None,
            WithNumpy2::ImportError => format!("onnxruntime {version} fails at import with NumPy 2"),
            WithNumpy2::CrashAtRun => {
                format!("onnxruntime {version} imports with NumPy 2 and a warning, then the first inference ends the process")
            }
        };
        return Some((true, true, "1.19.0".into(), Reason { claim, provenance: table.provenance(row) }));
    }
    let (row, provenance) = knowledge.numpy_abi(view.name.as_str())?;
    let sure = provenance.grounds == Grounds::Error;
    let claim = format!("{} {} is the last release built for NumPy 1, {} the first that works with NumPy 2", row.package, row.last, row.first);
    Some((version.clone().without_local() <= row.last.0, sure, row.first.to_string(), Reason { claim, provenance }))
}
