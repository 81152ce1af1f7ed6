use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context},
    version::CudnnVersion,
};

rule! {
    /// An older cuDNN of the system is found before the one that torch brings.
    ///
    /// ## Why it matters
    ///
    /// The wheels of torch bring their own cuDNN. `LD_LIBRARY_PATH` is searched first: where it names the folder of a system
    /// cuDNN of the same major that is older than the one torch was compiled with, torch stops at the first use of the GPU
    /// with "cuDNN version incompatibility". A newer one of the same major is fine, and a system cuDNN that is on no search
    /// path does not matter at all.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: FROM nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04
    ///             RUN apt-get install -y libcudnn8=8.5.0.96-1+cuda11.7
    ///             ENV LD_LIBRARY_PATH=/usr/local/cuda/lib64
    ///             RUN pip install torch==2.1.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take the path out of `LD_LIBRARY_PATH`, or install no system cuDNN.
    pub(crate) static RULE {
        code: "EC312",
        name: "cudnn-shadowed",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let variables = side.variables();
    let path = variables.iter().rev().find(|seen| seen.value.name == "LD_LIBRARY_PATH");
    let Some((path, value)) = path.and_then(|seen| seen.value.value.as_deref().map(|value| (seen, value))) else { return };
    let folders = |folder: &str| {
        folder.contains("cudnn") || folder.contains("/cuda") && !folder.contains("compat") || folder.contains("-linux-gnu")
    };
    // The folder that NVIDIA's runtime mounts the driver into holds no cuDNN.
    if !value.split(':').any(|folder| folders(folder) && !folder.contains("/nvidia/")) {
        return;
    }
    let Some(torch) = side.package("torch") else { return };
    let Some(version) = torch.pin().filter(|version| !version.is_local()) else { return };
    let Some((row, provenance)) = ctx.knowledge.torch_release(version) else { return };
    let Some(brought) = &row.cudnn else { return };
    let Some(system) = side.cudnns().into_iter().find(|seen| is_older(seen.value, brought)) else { return };
    let claim = format!("torch {version} brings cuDNN {brought}");
    out.findings.push(
        RULE.finding(format!("cuDNN {} of the system is found before the {brought} that torch {version} was compiled with", system.value))
            .primary(&side.name, path.place, "searched first")
            .label(&side.name, system.place, format!("cuDNN {}", system.value))
            .label(&side.name, torch.place(), format!("brings cuDNN {brought}"))
            .about(["cudnn", "torch"])
            .because(Reason { claim, provenance })
            .because(ctx.knowledge.statement("cudnn-check"))
            .help("take the folder out of LD_LIBRARY_PATH, or do not install a system cuDNN"),
    );
}

/// The same major and surely an older minor.
fn is_older(system: &CudnnVersion, brought: &CudnnVersion) -> bool {
    system.major() == brought.major() && matches!((system.minor(), brought.minor()), (Some(a), Some(b)) if a < b)
}
