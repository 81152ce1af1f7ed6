use super::{gpu_not_in_build, gpu_not_in_toolkit};
use crate::{
    environment::{CudaUse, Environment, Side},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
    text::Place,
    version::Version,
};

rule! {
    /// The GPU is older than TensorRT, Triton or cuDNN supports.
    ///
    /// ## Why it matters
    ///
    /// Each release of TensorRT, cuDNN and the Triton server names a lowest compute capability. Below it TensorRT builds and
    /// loads no engine, cuDNN has no code for the GPU and crashes or refuses at the first convolution, and Triton's server
    /// starts while its models fail to load. Packages with kernels of their own (vLLM, flash-attn, RAPIDS, TensorFlow's wheels)
    /// have such a limit too, which can lie above that of the torch beside them. Volta and older (V100, P100, GTX 10) end at
    /// cuDNN 9.10 and TensorRT 10.4, and an unpinned `nvidia-cudnn-cu12` brings a newer one.
    ///
    /// A cuDNN of the system counts where something loads it: torch brings its own.
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

/// Names in the table that mean no Python package: the package `triton` is the compiler, not the server.
const OF_THEIR_OWN: [&str; 3] = ["tensorrt", "triton", "cudnn"];

/// Something with a lowest compute capability.
struct Limited<'a> {
    /// Its name in the table.
    name: &'a str,
    /// Its name for a sentence.
    product: &'a str,
    version: Version,
    place: Place,
    /// The package that it is, if it is one.
    package: Option<String>,
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training || side.device().is_some_and(|(device, _)| device == "cpu") {
        return;
    }
    for it in limited(ctx, side) {
        let Some((row, provenance)) = ctx.knowledge.minimum_capability(it.name, &it.version) else { continue };
        let (minimum, shown) = (row.capability, format!("{} {}", it.product, it.version));
        for gpu in side.gpus(ctx.knowledge) {
            let Some(capability) = gpu.capability.filter(|capability| *capability < minimum) else { continue };
            // A CUDA without code for the GPU is the same cause, and other rules have said it.
            let said = gpu_not_in_toolkit::drops(ctx, side, capability) || gpu_not_in_build::lacks(ctx, side, capability);
            if it.name == "cudnn" && said {
                continue;
            }
            let sure = provenance.grounds == Grounds::Error;
            let claim = format!("{shown} supports compute capability {minimum} and newer");
            let help = match ctx.knowledge.last_for_capability(it.name, capability) {
                Some(last) => format!("take {} {last} or older, or a newer GPU", it.product),
                None => format!("take a GPU of compute capability {minimum} or newer, or a release that supports this one"),
            };
            let mut finding = RULE
                .finding(format!("{shown} does not support {}: it begins at {minimum}", gpu.shown()))
                .severity(if sure { Severity::Error } else { Severity::Warning })
                .primary(&side.name, gpu.place, format!("compute capability {capability}"))
                .label(&side.name, it.place, format!("supports {minimum} and newer"))
                .about(["gpu", it.name])
                .about(it.package.clone())
                .about(if it.name == "triton" { vec!["server"] } else { Vec::new() })
                .because(Reason { claim, provenance: provenance.clone() })
                .help(help);
            if let Some(by) = &gpu.by {
                let claim = format!("{} has compute capability {capability}", gpu.name);
                finding = finding.because(Reason { claim, provenance: by.clone() });
            }
            out.findings.push(finding);
        }
    }
}

fn limited<'a>(ctx: &Context<'_>, side: &'a Environment) -> Vec<Limited<'a>> {
    let mut found: Vec<Limited<'a>> = Vec::new();
    for seen in side.servers().into_iter().filter(|seen| seen.value.name == "triton") {
        if let Some(version) = seen.value.version.as_deref().and_then(|text| text.parse().ok()) {
            found.push(Limited { name: "triton", product: "Triton", version, place: seen.place, package: None });
        }
    }
    for seen in side.tensorrts() {
        if let Ok(version) = seen.value.to_string().parse() {
            found.push(Limited { name: "tensorrt", product: "TensorRT", version, place: seen.place, package: None });
        }
    }
    for view in ["tensorrt", "tensorrt-cu11", "tensorrt-cu12", "tensorrt-cu13"].iter().filter_map(|name| side.package(name)) {
        if let Some(version) = view.pin().filter(|_| view.present.holds()) {
            let version = version.clone();
            found.push(Limited { name: "tensorrt", product: "TensorRT", version, place: view.place(), package: Some(view.name.to_string()) });
        }
    }
    let known = |name: &str| ctx.knowledge.minimum_capability.may_know(name);
    for view in side.packages().filter(|view| known(view.name.as_str())).filter(|view| !OF_THEIR_OWN.contains(&view.name.as_str()) && view.present.holds()) {
        if let Some(version) = view.pin() {
            let (name, version) = (view.name.as_str(), version.clone());
            found.push(Limited { name, product: name, version, place: view.place(), package: None });
        }
    }
    let users = side.cudnn_users(ctx.knowledge);
    for user in users {
        let used = match user.how {
            CudaUse::Wheel => side.package(&user.component).is_some_and(|view| view.present.holds()),
            CudaUse::System => {
                users.iter().any(|other| other.how == CudaUse::Loaded && other.cudnn.major() == user.cudnn.major())
            }
            _ => false,
        };
        // `9` may be any release of the major.
        if let Some(version) = user.cudnn.to_string().parse().ok().filter(|_| used && user.cudnn.minor().is_some()) {
            let package = (user.how == CudaUse::Wheel).then(|| user.component.clone());
            found.push(Limited { name: "cudnn", product: "cuDNN", version, place: user.place, package });
        }
    }
    found
}
