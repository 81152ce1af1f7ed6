use super::driver_too_old::Driver;
use crate::{
    environment::{CudaUse, Environment},
    finding::{Impact, Severity, Verdicts},
    knowledge::cuda::DriverSystem,
    rules::{Check, Context},
    version::Truth,
};

rule! {
    /// CUDA code is compiled with a toolkit that is newer than the driver.
    ///
    /// ## Why it matters
    ///
    /// Within one CUDA major an older driver runs newer programs, but it does not accept PTX of a newer toolkit. What is
    /// compiled here and holds PTX for this GPU fails with "the provided PTX was compiled with an unsupported toolchain",
    /// although every version check passes.
    ///
    /// ## Example
    ///
    /// ```text
    /// serve.lock:     builds-extensions = true, [gpu] cuda = "13.2"
    /// nvidia-smi.txt: Driver Version: 580.126.09   CUDA Version: 13.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Compile machine code for the GPU that is there, upgrade the driver, or compile with the driver's CUDA version.
    pub(crate) static RULE {
        code: "EC302",
        name: "toolkit-newer-than-driver",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(builds) = side.builds_extensions().filter(|seen| *seen.value) else { return };
    let Some(driver) = Driver::of(side, ctx.knowledge) else { return };
    let Some((max, why)) = &driver.cuda else { return };
    for user in side.cuda_users(ctx.knowledge) {
        let toolkit = &user.cuda;
        let same_major = toolkit.major() == max.major() && toolkit.major() >= 11;
        let floor = ctx.knowledge.driver_floor(toolkit, DriverSystem::Linux);
        // Below the floor of the major, driver-too-old has the word.
        let runs = match (driver.version, &floor) {
            (Some(version), Some(floor)) => !version.at_least(&floor.driver).violated(),
            _ => true,
        };
        if user.how != CudaUse::System || !same_major || !runs || driver.covers(toolkit) != Truth::Violated {
            continue;
        }
        let mut finding = RULE
            .finding(format!("CUDA {toolkit} compiles PTX that {} (CUDA {max}) does not accept", driver.shown()))
            .primary(&side.name, user.place, format!("compiled with CUDA {toolkit}"))
            .label(&side.name, driver.place, format!("runs CUDA up to {max}"))
            .label(&side.name, builds.place, "CUDA code is compiled here")
            .about(["nvidia-driver", "cuda"])
            .because(ctx.knowledge.statement("ptx-limit"))
            .help("compile machine code for the GPU that is there (CUDAARCHS, TORCH_CUDA_ARCH_LIST), or upgrade the driver");
        if let Some(why) = why {
            finding = finding.because(why.clone());
        }
        out.findings.push(finding);
    }
}
