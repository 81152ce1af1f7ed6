use crate::{
    environment::{Environment, PackageView},
    fact::{ImageRole, Standing},
    finding::{Impact, Severity, Verdicts},
    knowledge::{
        Knowledge, Reason,
        image::{Reference, SystemLibrary},
    },
    rules::{Check, Context, listed},
};

rule! {
    /// A wheel needs a library of the system that the image does not have.
    ///
    /// ## Why it matters
    ///
    /// pip installs the wheel without a word, and the first import ends with "cannot open shared object file". opencv-python
    /// links libGL, which no Python or Debian image has; LightGBM links libgomp, which the slim images lack.
    ///
    /// The rule speaks only where the base image is known and everything that the Dockerfile installs is known not to bring
    /// the library.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: FROM python:3.11-slim
    ///             RUN pip install opencv-python==4.8.1.78
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the system package, or take opencv-python-headless, which needs none.
    pub(crate) static RULE {
        code: "EC403",
        name: "missing-system-library",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let images: Vec<_> = side.images().into_iter().filter(|seen| seen.value.role == ImageRole::Runs).collect();
    let [image] = images.as_slice() else { return };
    if side.libc().is_some_and(|libc| libc.value.family == "musl") {
        return; // No such wheel installs there.
    }
    let reference = Reference::parse(&image.value.reference);
    for view in side.packages() {
        let missing: Vec<&SystemLibrary> = needed(ctx.knowledge, view)
            .filter(|row| row.is_absent_from(&reference) && is_not_installed(side, row))
            .collect();
        let Some(first) = missing.first() else { continue };
        let libraries: Vec<&str> = missing.iter().map(|row| row.library.as_str()).collect();
        let packages: Vec<&str> = missing.iter().map(|row| row.apt.as_str()).collect();
        let headless = view.name.as_str().starts_with("opencv");
        let instead = if headless { format!(", or use {}-headless", view.name) } else { String::new() };
        let claim = format!("the wheels of {} link {}, which they do not bring", view.name, listed(&libraries));
        out.findings.push(
            RULE.finding(format!(
                "{} {} needs {}, which image {} does not have",
                view.name,
                view.shown(),
                listed(&libraries),
                image.value.reference
            ))
            .primary(&side.name, view.place(), format!("needs {}", listed(&libraries)))
            .label(&side.name, image.place, "does not have it")
            .about([view.name.as_str(), "image"])
            .because(Reason { claim, provenance: ctx.knowledge.system_library.provenance(first) })
            .help(format!("install {} with apt-get{instead}", listed(&packages))),
        );
    }
}

/// What a package needs of the system, in whatever release may be installed.
fn needed<'k>(knowledge: &'k Knowledge, view: &'k PackageView) -> impl Iterator<Item = &'k SystemLibrary> {
    // A marker that may be false, such as one for another machine, promises no installation.
    let foreign = !view.present.holds() || view.is_conda() || view.is_direct() || view.standing == Standing::Observed;
    knowledge.system_library.rows_of(view.name.as_str()).filter(move |row| {
        let applies = match view.pin() {
            Some(version) => row.releases.contains(version),
            None => !view.versions.intersection(&row.releases).is_empty(),
        };
        !foreign && applies
    })
}

/// Whether everything that is installed is known not to bring the library.
fn is_not_installed(side: &Environment, row: &SystemLibrary) -> bool {
    side.system_packages().iter().all(|seen| {
        let name = seen.value.name.as_str();
        seen.value.manager == "apt" && row.not_by.iter().any(|known| known == name)
    })
}
