use std::collections::BTreeMap;

use crate::{
    environment::{CudaUse, CudaUser, Environment, GpuView},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
    version::ComputeCapability,
};

rule! {
    /// The CUDA toolkit does not know the GPU.
    ///
    /// ## Why it matters
    ///
    /// Each toolkit compiles for a range of compute capabilities, and its libraries carry code for no other. Below the range
    /// the architecture was dropped and nothing runs. Above its last architecture, only programs that hold PTX run, after
    /// compiling it at start. Newer minors of the last one run its code: that of CUDA 11.4 runs on Ada. Nothing is said of
    /// them, unless CUDA code is compiled here (`builds-extensions` in the lock): the compiler refuses what it does not know.
    ///
    /// ## Example
    ///
    /// ```text
    /// serve.lock: [gpu] cuda = "13.0"
    ///             [[gpu.device]] name = "Tesla V100-SXM2-16GB"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Use a toolkit that knows the GPU: the last one for Volta and older is CUDA 12.9, the first one for Blackwell 12.8.
    pub(crate) static RULE {
        code: "EC304",
        name: "gpu-not-in-toolkit",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// Whether this rule says of a CUDA on this side that it no longer supports a compute capability.
pub(super) fn drops(ctx: &Context<'_>, side: &Environment, capability: ComputeCapability) -> bool {
    side.cuda_users(ctx.knowledge).iter().any(|user| {
        let row = ctx.knowledge.toolkit_capabilities(&user.cuda).filter(|_| judged(user));
        row.is_some_and(|(row, _)| capability < row.min)
    })
}

/// torch has a rule of its own that knows its builds; the wheels beside it are the same cause.
fn judged(user: &CudaUser) -> bool {
    !matches!(user.how, CudaUse::Bundled | CudaUse::Wheel)
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let mut known: BTreeMap<ComputeCapability, Vec<&GpuView>> = BTreeMap::new();
    for gpu in side.gpus(ctx.knowledge) {
        if let Some(capability) = gpu.capability {
            known.entry(capability).or_default().push(gpu);
        }
    }
    // A host's own list and a machine type may name one GPU twice.
    for (capability, gpus) in known {
        for user in side.cuda_users(ctx.knowledge).iter().filter(|user| judged(user)) {
            let Some((row, provenance)) = ctx.knowledge.toolkit_capabilities(&user.cuda) else { continue };
            let below = capability < row.min;
            // Code for the last minor that the toolkit knows runs on newer minors of that major.
            let runs = capability.major == row.max.major && !side.builds_extensions().is_some_and(|seen| *seen.value);
            if !below && (capability <= row.max || runs) {
                continue;
            }
            let sure = provenance.grounds == Grounds::Error && gpus.iter().any(|gpu| gpu.by.as_ref().is_none_or(|by| by.grounds == Grounds::Error));
            let severity = if below && sure { Severity::Error } else { Severity::Warning };
            let message = if below {
                format!("CUDA {} no longer supports {}: it begins at {}", user.cuda, gpus[0].shown(), row.min)
            } else {
                format!("CUDA {} does not know {} yet: it ends at {}", user.cuda, gpus[0].shown(), row.max)
            };
            let claim = format!("CUDA {} to {} compiles for compute capability {} to {}", row.first, row.last, row.min, row.max);
            let fitting = ctx.knowledge.toolkit_capability.rows().iter().filter(|row| row.min <= capability && capability <= row.max);
            let help = if below {
                fitting.max_by(|a, b| a.last.cmp(&b.last)).map(|row| format!("use CUDA {} or older", row.last))
            } else {
                fitting.min_by(|a, b| a.first.cmp(&b.first)).map(|row| format!("use CUDA {} or newer", row.first))
            };
            let mut finding = RULE
                .finding(message)
                .severity(severity)
                .primary(&side.name, user.place, user.shown.clone())
                .label(&side.name, gpus[0].place, format!("compute capability {capability}"))
                .about(["gpu", "cuda", user.component.as_str()])
                .because(Reason { claim, provenance })
                .help(help.unwrap_or_else(|| "use another GPU".to_owned()));
            for gpu in &gpus[1..] {
                finding = finding.label(&side.name, gpu.place, format!("compute capability {capability}"));
            }
            if let Some((gpu, by)) = gpus.iter().find_map(|gpu| Some((gpu, gpu.by.as_ref()?))) {
                finding = finding.because(Reason { claim: format!("{} has compute capability {capability}", gpu.name), provenance: by.clone() });
            }
            out.findings.push(finding);
        }
    }
}
