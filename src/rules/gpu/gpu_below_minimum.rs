use crate::{
    environment::{Environment, Side},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
    text::Place,
    version::Version,
};

rule! {
    /// The GPU is older than TensorRT or Triton supports.
    ///
    /// ## Why it matters
    ///
    /// Each release of TensorRT and of the Triton server names a lowest compute capability. Below it TensorRT builds and
    /// loads no engine, and the libraries in Triton's image hold no code for the GPU: the server starts, and models fail to
    /// load.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile:      FROM nvcr.io/nvidia/tritonserver:25.03-py3    (needs 7.5)
    /// deployment.yaml: node.kubernetes.io/instance-type: p3.2xlarge  (Tesla V100, 7.0)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take an older release, or a newer GPU.
    pub(crate) static RULE {
        code: "EC313",
        name: "gpu-below-minimum",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training {
        return;
    }
    let mut components: Vec<(&str, String, Version, Place)> = Vec::new();
    for seen in side.servers().into_iter().filter(|seen| seen.value.name == "triton") {
        if let Some(version) = seen.value.version.as_deref().and_then(|text| text.parse().ok()) {
            components.push(("triton", format!("Triton {version}"), version, seen.place));
        }
    }
    for seen in side.tensorrts() {
        if let Ok(version) = seen.value.to_string().parse() {
            components.push(("tensorrt", format!("TensorRT {}", seen.value), version, seen.place));
        }
    }
    for view in ["tensorrt", "tensorrt-cu11", "tensorrt-cu12", "tensorrt-cu13"].iter().filter_map(|name| side.package(name)) {
        if let Some(version) = view.pin().filter(|_| view.present.holds()) {
            components.push(("tensorrt", format!("TensorRT {version}"), version.clone(), view.place()));
        }
    }
    for (name, shown, version, place) in components {
        let Some((row, provenance)) = ctx.knowledge.minimum_capability(name, &version) else { continue };
        let minimum = row.capability;
        for gpu in side.gpus(ctx.knowledge) {
            let Some(capability) = gpu.capability.filter(|capability| *capability < minimum) else { continue };
            let sure = provenance.grounds == Grounds::Error;
            let claim = format!("{shown} supports compute capability {minimum} and newer");
            let mut finding = RULE
                .finding(format!("{shown} does not support {}: it begins at {minimum}", gpu.shown()))
                .severity(if sure { Severity::Error } else { Severity::Warning })
                .primary(&side.name, gpu.place, format!("compute capability {capability}"))
                .label(&side.name, place, format!("supports {minimum} and newer"))
                .about(["gpu", name])
                .about(if name == "triton" { vec!["server"] } else { Vec::new() })
                .because(Reason { claim, provenance: provenance.clone() })
                .help("take an older release, or a newer GPU");
            if let Some(by) = &gpu.by {
                let claim = format!("{} has compute capability {capability}", gpu.name);
                finding = finding.because(Reason { claim, provenance: by.clone() });
            }
            out.findings.push(finding);
        }
    }
}
