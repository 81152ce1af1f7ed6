use crate::{
    environment::{CudaUse, Environment, PackageView, Side},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, packages::build_drift},
};

rule! {
    /// Serving has a build without CUDA, although it is meant to use a GPU.
    ///
    /// ## Why it matters
    ///
    /// The CPU builds of ONNX Runtime, TensorFlow and torch install and import on every machine. A session that asks for
    /// CUDA on the CPU build of ONNX Runtime runs on the CPU, with no more than a line in the log; torch raises at the first
    /// `.to("cuda")`. Where the GPU is asked for (`device`, `execution-providers`) this is an error; where there merely is
    /// one, a warning. `device = "cpu"` says that it is on purpose. On aarch64, PyPI carried torch without CUDA up to 2.10:
    /// a warning, since a vendor's index may have been asked.
    ///
    /// ## Example
    ///
    /// ```text
    /// serve.lock:             execution-providers = ["CUDAExecutionProvider"]
    /// serve/requirements.txt: onnxruntime==1.18.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the GPU build, or declare `device = "cpu"`.
    pub(crate) static RULE {
        code: "EC309",
        name: "cpu-build-beside-gpu",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training || side.device().is_some_and(|(device, _)| device == "cpu") {
        return;
    }
    let asked = side.device().map(|(_, place)| (place, "the GPU is asked for".to_owned(), Severity::Error));
    let gpus = side.gpus(ctx.knowledge);
    let there = gpus.first().map(|gpu| (gpu.place, format!("there is {}", gpu.name), Severity::Warning));
    let Some((place, text, severity)) = asked.or(there) else { return };
    for view in side.packages() {
        if !build_drift::is_cpu(side, view, ctx.knowledge) {
            continue;
        }
        let replaced = ctx.knowledge.family(view.name.as_str()).any(|name| {
            let other = side.package(name).filter(|other| other.name != view.name);
            other.is_some_and(|other| !build_drift::is_cpu(side, other, ctx.knowledge))
        });
        if replaced || build_drift::reports(ctx, side, view) || follows_torch(side, view) {
            continue;
        }
        // Something else uses the GPU: then a runtime for the CPU beside it is what many libraries bring along.
        let core = view.name.as_str() == "torch" || view.name.as_str().starts_with("tensorflow");
        let providers = side.asks_for_gpu_provider() && ctx.knowledge.is_onnxruntime(view.name.as_str());
        let busy = || side.cuda_users(ctx.knowledge).iter().any(|user| matches!(user.how, CudaUse::Bundled | CudaUse::Loaded));
        if !core && !providers && (severity < Severity::Error || busy()) {
            continue;
        }
        let name = view.name.as_str();
        let why = build_drift::is_cpu_because(side, view, ctx.knowledge);
        let severity = if why.is_some() { severity.min(Severity::Warning) } else { severity };
        let statement = if name.starts_with("onnxruntime") { "onnxruntime-cpu" } else { "cpu-builds" };
        let help = match name {
            "onnxruntime" => "install onnxruntime-gpu instead of onnxruntime, or declare device = \"cpu\"".to_owned(),
            "tensorflow-cpu" | "tensorflow-intel" => "install tensorflow instead, or declare device = \"cpu\"".to_owned(),
            _ => format!("install the GPU build of {name}, or declare device = \"cpu\""),
        };
        let finding = RULE
            .finding(format!("{name} {} is a CPU build, and {} has a GPU to use", view.shown(), side.side.word()))
            .severity(severity)
            .primary(&side.name, view.place(), "built without CUDA")
            .label(&side.name, place, text.clone())
            .about([name, "gpu", "execution-provider"])
            .help(match why {
                Some(_) => format!("install {name} from PyTorch's index for the CUDA of the machine, or declare device = \"cpu\""),
                None => help,
            });
        out.findings.push(match why {
            Some(why) => finding.because(why),
            None => finding.because(ctx.knowledge.statement(statement)),
        });
    }
}

/// The companions of torch have its label; torch says it for all.
fn follows_torch(side: &Environment, view: &PackageView) -> bool {
    ["torchvision", "torchaudio"].contains(&view.name.as_str()) && side.package("torch").is_some()
}
