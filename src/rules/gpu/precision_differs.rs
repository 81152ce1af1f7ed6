use crate::{
    environment::{Environment, GpuView},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context},
    version::ComputeCapability,
};

rule! {
    /// Training and serving compute on GPUs of different precision.
    ///
    /// ## Why it matters
    ///
    /// From compute capability 8.0 on (A100, A10G, L4, RTX 30 and newer), torch's convolutions and TensorFlow's matrix
    /// products use TF32 unless told otherwise, which keeps 10 bits of a float32's fraction. A model that was validated on
    /// one side of that line gives slightly other answers on the other, without any message. For most models that is
    /// harmless; for thresholds, regression targets and embeddings compared across machines it is not.
    ///
    /// ## Example
    ///
    /// ```text
    /// train: NVIDIA A100-SXM4-80GB (8.0)    serve: Tesla T4 (7.5)    torch==2.1.0 on both sides
    /// ```
    ///
    /// ## How to fix
    ///
    /// Validate on the serving GPU, or switch TF32 off on both sides.
    pub(crate) static RULE {
        code: "EC310",
        name: "precision-differs",
        impact: Impact::WrongResult,
        severity: Severity::Info,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    let tensor_float: Option<ComputeCapability> = "8.0".parse().ok();
    let Some(first) = tensor_float else { return };
    let sorted = |side: &Environment| -> (Vec<GpuView>, Vec<GpuView>) {
        let known = side.gpus(ctx.knowledge).iter().filter(|gpu| gpu.capability.is_some()).cloned();
        known.partition(|gpu| gpu.capability.is_some_and(|capability| capability >= first))
    };
    let ((train_new, train_old), (serve_new, serve_old)) = (sorted(training), sorted(serving));
    // Only where each side is wholly on its side of the line.
    let ends = (train_new.first(), train_old.first(), serve_new.first(), serve_old.first());
    let ((Some(train), None, None, Some(serve)) | (None, Some(train), Some(serve), None)) = ends else { return };
    let (package, statement) = match (serving.package("torch"), serving.package("tensorflow")) {
        (Some(torch), _) => (torch, "tf32-torch"),
        (None, Some(tensorflow)) => (tensorflow, "tf32-tensorflow"),
        (None, None) => return,
    };
    let switched_off = serving.variables().iter().any(|seen| {
        seen.value.name == "NVIDIA_TF32_OVERRIDE" && seen.value.value.as_deref() == Some("0")
    });
    if switched_off {
        return;
    }
    let (with, without) = if train_new.is_empty() { (serve, train) } else { (train, serve) };
    let which = if train_new.is_empty() { ("serving", "training") } else { ("training", "serving") };
    let message = format!("{} computes with TF32 on {}, {} without it on {}", which.0, with.name, which.1, without.name);
    let mut finding = RULE
        .finding(message)
        .primary(&serving.name, serve.place, format!("serving: {}", serve.shown()))
        .label(&training.name, train.place, format!("training: {}", train.shown()))
        .label(&serving.name, package.place(), format!("{} {}", package.name, package.shown()))
        .about(["gpu", package.name.as_str()])
        .because(ctx.knowledge.statement(statement))
        .help("validate the model on the serving GPU, or switch TF32 off on both sides (NVIDIA_TF32_OVERRIDE=0)");
    for gpu in [train, serve] {
        if let (Some(capability), Some(provenance)) = (gpu.capability, &gpu.by) {
            let claim = format!("{} has compute capability {capability}", gpu.name);
            finding = finding.because(crate::knowledge::Reason { claim, provenance: provenance.clone() });
        }
    }
    out.findings.push(finding);
}
