use super::driver_too_old::{brings, is_nccl};
use crate::{
    environment::{CudaUse, CudaUser, Environment, PackageView},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, listed},
    version::Version,
};

rule! {
    /// A package loads CUDA libraries of another major than the environment offers.
    ///
    /// ## Why it matters
    ///
    /// ONNX Runtime, TensorFlow, CuPy and CTranslate2 do not bring the CUDA libraries along: they load them from the system or
    /// from NVIDIA's wheels, by file names that carry the major. With another major the libraries are not found; the process
    /// fails, or continues on the CPU. torch brings its own and is not concerned, except where extensions are compiled
    /// (`builds-extensions` in the lock): its build tools refuse a toolkit of another major than torch was built with.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: onnxruntime-gpu==1.16.3      (built for CUDA 11)
    /// serve.lock:       [gpu] cuda = "12.1"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take the release (or the build) for the CUDA major that is installed, or install the other CUDA major.
    pub(crate) static RULE {
        code: "EC306",
        name: "cuda-major-mismatch",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    compiled(ctx, side, out);
    let users = side.cuda_users(ctx.knowledge);
    let offers: Vec<&CudaUser> = offers(users);
    for user in users.iter().filter(|user| user.how == CudaUse::Loaded && !found(user, &offers)) {
        let system: Vec<&&CudaUser> = offers.iter().filter(|offer| offer.how == CudaUse::System).collect();
        let Some(first) = system.first().copied().or(offers.first()) else {
            if side.device().is_some_and(|(device, _)| device == "cuda") {
                out.undecided.push(RULE.undecided(
                    format!("{} loads CUDA {}, and nothing says which CUDA {} has", user.shown, user.cuda, side.side.word()),
                    "add `nvcc --version`, /usr/local/cuda/version.json or [gpu] cuda to an envcheck lock",
                ));
            }
            continue;
        };
        // TensorFlow and others run without a GPU as well, and then their libraries are never looked for.
        if system.is_empty() && !side.has_gpu() && !names_gpu(&user.component) {
            continue;
        }
        // Libraries inside other wheels say nothing about those of the system.
        let severity = if system.is_empty() { Severity::Warning } else { Severity::Error };
        let mut majors: Vec<u32> = offers.iter().map(|offer| offer.cuda.major()).collect();
        majors.sort_unstable();
        majors.dedup();
        let majors: Vec<String> = majors.iter().map(ToString::to_string).collect();
        let mut finding = RULE
            .finding(format!("{} is built for CUDA {}, the environment offers CUDA {}", user.shown, user.cuda, listed(&majors)))
            .severity(severity)
            .primary(&side.name, user.place, brings(user))
            .label(&side.name, first.place, if first.how == CudaUse::System { format!("CUDA {} is installed", first.cuda) } else { brings(first) })
            .about([user.component.as_str(), "cuda"])
            .because(ctx.knowledge.statement("cudart-soname"))
            .help(help(ctx, user, side.package(&user.component).and_then(PackageView::pin), first.cuda.major()));
        if let Some(reason) = &user.reason {
            finding = finding.because(reason.clone());
        }
        out.findings.push(finding);
    }
}

/// Extensions that are compiled with another CUDA major than torch.
fn compiled(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(builds) = side.builds_extensions().filter(|seen| *seen.value) else { return };
    let users = side.cuda_users(ctx.knowledge);
    let Some(torch) = users.iter().find(|user| user.component == "torch" && user.how == CudaUse::Bundled) else { return };
    let toolkits: Vec<&CudaUser> = users.iter().filter(|user| user.how == CudaUse::System).collect();
    let Some(toolkit) = toolkits.first().filter(|_| toolkits.iter().all(|it| it.cuda.major() != torch.cuda.major())) else {
        return;
    };
    let mut finding = RULE
        .finding(format!("CUDA {} compiles no extensions for {}, which is built for CUDA {}", toolkit.cuda, torch.shown, torch.cuda))
        .impact(Impact::StartFailure)
        .primary(&side.name, toolkit.place, format!("CUDA {} is installed", toolkit.cuda))
        .label(&side.name, torch.place, brings(torch))
        .label(&side.name, builds.place, "CUDA code is compiled here")
        .about(["cuda", "torch"])
        .because(ctx.knowledge.statement("torch-extension-cuda"))
        .help(format!("install the CUDA {} toolkit, or torch for CUDA {}", torch.cuda.prefix(2), toolkit.cuda.major()));
    for reason in [&torch.reason, &toolkit.reason].into_iter().flatten() {
        finding = finding.because(reason.clone());
    }
    out.findings.push(finding);
}

/// Whether a distribution is a GPU build by its name.
pub(super) fn names_gpu(component: &str) -> bool {
    component.contains("gpu") || component.contains("cuda")
}

/// What is there to be loaded.
pub(super) fn offers(users: &[CudaUser]) -> Vec<&CudaUser> {
    let offering = |user: &&CudaUser| matches!(user.how, CudaUse::System | CudaUse::Wheel | CudaUse::Bundled);
    // xgboost brings NCCL wherever it is installed; that offers no CUDA to anybody.
    users.iter().filter(offering).filter(|user| !is_nccl(user)).collect()
}

/// Whether the CUDA major of a user is there. CUDA 10 and older also changed file names within a major, which no table
/// here covers.
pub(super) fn found(user: &CudaUser, offers: &[&CudaUser]) -> bool {
    offers.iter().any(|offer| offer.cuda.major() == user.cuda.major())
}

/// The nearest releases of the package that are built for the CUDA major which is there.
fn help(ctx: &Context<'_>, user: &CudaUser, version: Option<&Version>, major: u32) -> String {
    let rows = ctx.knowledge.gpu_libraries.rows().iter();
    let fitting = rows.filter(|row| row.package == user.component && row.cuda.major() == major);
    let releases: Vec<Version> =
        fitting.filter_map(|row| row.releases.lower_bound()).map(Version::only_release).collect();
    let newer = releases.iter().filter(|release| version.is_none_or(|version| *release > version)).min();
    let (name, own) = (&user.component, user.cuda.major());
    match (newer, releases.iter().max()) {
        (Some(release), _) => format!("take {name} {release} (built for CUDA {major}), or install CUDA {own}"),
        // Going back loses fixes, and the model may be newer than the release.
        (None, Some(release)) => format!("install CUDA {own}, or take {name} {release} (built for CUDA {major})"),
        (None, None) => format!("install CUDA {own}, or a build of {name} for CUDA {major}"),
    }
}
