use crate::{
    environment::{Environment, Side},
    finding::{Impact, Severity, Verdicts},
    knowledge::torch::Build,
    rules::{Check, Context},
};

rule! {
    /// A build for AMD GPUs stands beside an NVIDIA GPU.
    ///
    /// ## Why it matters
    ///
    /// The `+rocm` builds of torch import everywhere and see no NVIDIA GPU: `torch.cuda.is_available()` is false, and the
    /// service computes on the CPU or stops at the first `.to("cuda")`.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: torch==2.4.1+rocm6.1
    /// nvidia-smi.txt:   NVIDIA L4
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the CUDA build of the same release.
    pub(crate) static RULE {
        code: "EC311",
        name: "rocm-build-beside-nvidia",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training {
        return;
    }
    let gpus = side.gpus(ctx.knowledge);
    let gpu = gpus.iter().find(|gpu| gpu.capability.is_some()).map(|gpu| (gpu.place, format!("there is {}", gpu.name)));
    let driver = side.drivers().first().map(|seen| (seen.place, format!("there is NVIDIA driver {}", seen.value.spelled())));
    let Some((place, text)) = gpu.or(driver) else { return };
    for view in side.packages() {
        let Some(Build::Rocm(rocm)) = view.pin().and_then(Build::of) else { continue };
        if ["torchvision", "torchaudio"].contains(&view.name.as_str()) && side.package("torch").is_some() {
            continue; // torch says it for its companions.
        }
        out.findings.push(
            RULE.finding(format!("{} {} is built for AMD GPUs (ROCm {rocm}), and {} has an NVIDIA GPU", view.name, view.shown(), side.side.word()))
                .primary(&side.name, view.place(), "built for ROCm")
                .label(&side.name, place, text.clone())
                .about([view.name.as_str(), "gpu"])
                .because(ctx.knowledge.statement("rocm-build"))
                .help(format!("install the CUDA build of {}", view.name)),
        );
    }
}
