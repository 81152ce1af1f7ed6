use super::cuda_major_mismatch;
use crate::{
    environment::{CudaUse, CudaUser, CudnnUser, Environment, PackageView, Side},
    fact::{Image, ImageRole, PackageName},
    finding::{Impact, Severity, Verdicts},
    knowledge::image::Reference,
    rules::{Check, Context, listed, packages::build_drift},
};

rule! {
    /// A package runs on the GPU with libraries that nothing in the image brings.
    ///
    /// ## Why it matters
    ///
    /// onnxruntime-gpu, TensorFlow's plain wheels and CTranslate2 load cuBLAS, cuDNN and their like from the system or from
    /// NVIDIA's wheels. Python's and Debian's images have none of them; of `nvidia/cuda`, the `base` images have little more
    /// than the runtime, and only those with `cudnn` in the tag have cuDNN. Where one is missing, ONNX Runtime and TensorFlow
    /// log a line and compute on the CPU, many times slower; CTranslate2 ends the process.
    ///
    /// The rule speaks only where the base image is known and everything laid over it is: packages, and files of the
    /// program. An archive that is unpacked or a script that is not followed may bring the libraries.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
    ///             RUN pip install onnxruntime-gpu==1.20.1        (loads cuDNN 9)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Build on an image that has the libraries (`cudnn-runtime`), or install NVIDIA's wheels: the extras `cuda` and `cudnn`
    /// of onnxruntime-gpu 1.21 and newer, `and-cuda` of TensorFlow 2.14 and newer. `device = "cpu"` says that the CPU is meant.
    pub(crate) static RULE {
        code: "EC314",
        name: "missing-cuda-library",
        impact: Impact::WrongResult,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training || side.device().is_some_and(|(device, _)| device == "cpu") {
        return;
    }
    let images: Vec<_> = side.images().into_iter().filter(|seen| seen.value.role == ImageRole::Runs).collect();
    let [image] = images.as_slice() else { return };
    if !image.value.packages_only || may_bring_libraries(ctx, side) {
        return;
    }
    let Some(lacks) = Lacks::of(ctx, image.value) else { return };
    let cuda_users = side.cuda_users(ctx.knowledge);
    let offers = cuda_major_mismatch::offers(cuda_users);
    // A build for another CUDA major is one cause, and cuda-major-mismatch has said it.
    let is_blamed = |component: &str| {
        let loads = |user: &&CudaUser| user.component == component && user.how == CudaUse::Loaded;
        !offers.is_empty() && cuda_users.iter().find(loads).is_some_and(|user| !cuda_major_mismatch::found(user, &offers))
    };
    for user in side.cudnn_users(ctx.knowledge).iter().filter(|user| user.how == CudaUse::Loaded) {
        // Without a GPU, TensorFlow and CTranslate2 run as they are meant to; a build for the GPU is not meant for that.
        if !side.has_gpu() && !cuda_major_mismatch::names_gpu(&user.component) {
            continue;
        }
        // Of what CTranslate2 runs, only speech models have the convolutions that load cuDNN.
        if user.component == "ctranslate2" && !["faster-whisper", "whisperx"].iter().any(|name| side.package(name).is_some()) {
            continue;
        }
        let mut missing: Vec<String> = Vec::new();
        if lacks.cuda {
            missing.push(cuda_of(ctx, side, &user.component));
        } else if lacks.math {
            missing.push("cuBLAS".to_owned());
        }
        if lacks.cudnn {
            missing.push(format!("cuDNN {}", user.cudnn.major()));
        }
        if missing.is_empty() || is_blamed(&user.component) || installs_wheels(side, &user.component) {
            continue;
        }
        out.findings.push(finding(ctx, side, user, &missing, (image.value, image.place)));
    }
}

fn finding(
    ctx: &Context<'_>,
    side: &Environment,
    user: &CudnnUser,
    missing: &[String],
    (image, place): (&Image, crate::text::Place),
) -> crate::finding::Finding {
    let missing = listed(missing);
    let ends = user.component == "ctranslate2";
    let mut finding = RULE
        .finding(format!("{} loads {missing}, which image {} does not have and nothing installs", user.shown, image.reference))
        .impact(if ends { Impact::LoadFailure } else { Impact::WrongResult })
        .primary(&side.name, user.place, format!("loads {missing}"))
        .label(&side.name, place, format!("has no {}", missing.replace(" and ", " or ")))
        .about([user.component.as_str(), "cuda", "cudnn", "image"]);
    if let Some(reason) = &user.reason {
        finding = finding.because(reason.clone());
    }
    if Reference::parse(&image.reference).is("nvidia/cuda") {
        finding = finding.because(ctx.knowledge.statement("cuda-image-flavours"));
    }
    let cuda = cuda_of(ctx, side, &user.component);
    let wheels = match user.component.as_str() {
        "onnxruntime-gpu" => ", or onnxruntime where the CPU is meant",
        name if name.starts_with("tensorflow") => ", or tensorflow[and-cuda] from 2.14 on",
        _ => "",
    };
    finding.help(format!("build on an image with {cuda} and cuDNN {} (`cudnn-runtime` of nvidia/cuda){wheels}", user.cudnn.major()))
}

/// What an image is known not to have.
#[derive(Debug, Clone, Copy)]
struct Lacks {
    /// Any part of CUDA.
    cuda: bool,
    /// cuBLAS and its like.
    math: bool,
    cudnn: bool,
}

impl Lacks {
    fn of(ctx: &Context<'_>, image: &Image) -> Option<Lacks> {
        let reference = Reference::parse(&image.reference);
        if ctx.knowledge.shipped(&reference).is_empty() {
            return None;
        }
        if reference.is("nvidia/cuda") {
            let words: Vec<&str> = reference.tag?.split('-').collect();
            let cudnn = words.iter().any(|it| it.starts_with("cudnn"));
            return Some(Lacks { cuda: false, math: words.contains(&"base"), cudnn: !cudnn });
        }
        let bare = ["python", "debian", "ubuntu", "buildpack-deps"].iter().any(|name| reference.is(name));
        bare.then_some(Lacks { cuda: true, math: true, cudnn: true })
    }
}

/// The CUDA that a package loads, for a sentence.
fn cuda_of(ctx: &Context<'_>, side: &Environment, component: &str) -> String {
    let user = side.cuda_users(ctx.knowledge).iter().find(|user| user.component == component && user.how == CudaUse::Loaded);
    user.map_or_else(|| "CUDA".to_owned(), |user| format!("CUDA {}", user.cuda.major()))
}

/// Packages that pip installs torch for, and with it NVIDIA's wheels; their other companions are told by their names. The
/// table of needs does not say: it also holds bounds on what merely stands beside.
const BRING_TORCH: [&str; 49] = [
    "accelerate", "autogluon", "bertopic", "bitsandbytes", "compressed-tensors", "deepspeed", "demucs", "docling", "easyocr",
    "fairseq", "fastai", "flair", "flagembedding", "flash-attn", "gfpgan", "infinity-emb", "keybert", "kornia", "langchain-huggingface", "lightning",
    "marker-pdf", "openunmix",
    "mmcv", "monai", "nemo-toolkit", "open-clip-torch", "openai-whisper", "optimum", "peft", "pyannote-audio",
    "pytorch-forecasting", "pytorch-lightning", "pytorch-tabnet", "sentence-transformers", "setfit", "sglang",
    "silero-vad", "simpletransformers", "spacy-transformers", "speechbrain", "stable-baselines3", "surya-ocr", "thop", "timm", "trl", "tts",
    "ultralytics", "whisperx", "xformers",
];

/// Whether packages or variables may bring GPU libraries, in whatever version.
fn may_bring_libraries(ctx: &Context<'_>, side: &Environment) -> bool {
    let named = |name: &str| ["cuda", "cudnn", "nvidia", "cublas", "tensorrt", "libnv"].iter().any(|it| name.contains(it));
    // What depends on torch takes the build that is there.
    let torch = side.package("torch");
    let cpu_torch = torch.is_some_and(|torch| build_drift::is_cpu(side, torch, ctx.knowledge));
    let brings = |view: &PackageView| {
        let name = view.name.as_str();
        // What a direct reference depends on is not known.
        if view.is_conda() || view.is_direct() {
            return true;
        }
        let extra = |it: &PackageName| ["torch", "gpu", "all"].contains(&it.as_str()) || it.as_str().starts_with("cuda");
        let asks_for_more = view.entries.iter().flat_map(|entry| &entry.package.extras).any(extra);
        if name.starts_with("torch") || BRING_TORCH.contains(&name) || asks_for_more {
            return !cpu_torch;
        }
        let families = ["jax", "paddlepaddle", "cupy", "mxnet", "rapids", "cudf", "cuml", "vllm"];
        (named(name) && name != "nvidia-ml-py") || families.iter().any(|it| name.starts_with(it))
    };
    side.system_packages().iter().any(|seen| named(&seen.value.name))
        || side.packages().any(brings)
        || side.variables().iter().any(|seen| {
            seen.value.name == "LD_LIBRARY_PATH" && seen.value.value.as_deref().is_none_or(|it| named(&it.to_lowercase()))
        })
}

/// Whether an extra of a package brings NVIDIA's wheels.
fn installs_wheels(side: &Environment, component: &str) -> bool {
    let Some(view) = side.package(component) else { return false };
    let asked = |extra: &str| extra == "cuda" || extra == "cudnn" || extra == "and-cuda";
    view.is_direct() || !view.present.holds() || view.entries.iter().flat_map(|entry| &entry.package.extras).any(|it| asked(it.as_str()))
}
