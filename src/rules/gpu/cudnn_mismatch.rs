use super::cuda_major_mismatch;
use crate::{
    environment::{CudaUse, CudnnUser, Environment},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, listed},
};

rule! {
    /// A package loads a cuDNN that the environment does not offer.
    ///
    /// ## Why it matters
    ///
    /// `libcudnn.so.8` and `libcudnn.so.9` are different files. A package built for one does not find the other: TensorFlow and
    /// ONNX Runtime then compute on the CPU, others stop. JAX also refuses an older minor than it was built with. torch
    /// brings its own cuDNN; that of the system does not matter to it.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: tensorflow==2.3.0      (built for cuDNN 7.6)
    /// serve.lock:       [gpu] cudnn = "8.0.2"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the cuDNN major that the package was built for, or a release for the major that is there.
    pub(crate) static RULE {
        code: "EC307",
        name: "cudnn-mismatch",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let cuda_users = side.cuda_users(ctx.knowledge);
    let cuda_offers = cuda_major_mismatch::offers(cuda_users);
    // A build for another CUDA major is one cause, and cuda-major-mismatch has said it.
    let blamed = |component: &str| {
        !cuda_offers.is_empty()
            && cuda_users.iter().any(|user| {
                user.component == component
                    && user.how == CudaUse::Loaded
                    && !cuda_major_mismatch::found(user, &cuda_offers)
            })
    };
    let users = side.cudnn_users(ctx.knowledge);
    let offers: Vec<&CudnnUser> = users.iter().filter(|user| user.how != CudaUse::Loaded).collect();
    let system = offers.iter().find(|offer| offer.how == CudaUse::System).copied();
    for user in users.iter().filter(|user| user.how == CudaUse::Loaded) {
        let Some(first) = system.or(offers.first().copied()) else { continue };
        let idle = system.is_none() && !side.has_gpu() && !cuda_major_mismatch::names_gpu(&user.component);
        if blamed(&user.component) || idle {
            continue;
        }
        let same_major = offers.iter().any(|offer| offer.cudnn.major() == user.cudnn.major());
        if !same_major {
            // The system's cuDNN decides; what other wheels carry is a hint.
            let severity = if system.is_some() { Severity::Error } else { Severity::Warning };
            let majors: Vec<String> = offers.iter().map(|offer| offer.cudnn.major().to_string()).collect();
            let mut majors = majors;
            majors.sort();
            majors.dedup();
            let mut finding = RULE
                .finding(format!("{} is built for cuDNN {}, the environment offers cuDNN {}", user.shown, user.cudnn, listed(&majors)))
                .severity(severity)
                .primary(&side.name, user.place, format!("built for cuDNN {}", user.cudnn))
                .label(&side.name, first.place, offered(first))
                .about([user.component.as_str(), "cudnn"])
                .about(if first.component == "cudnn" { None } else { Some(first.component.as_str()) })
                .because(ctx.knowledge.statement("cudnn-soname"))
                .help(format!("install cuDNN {}, or a release of {} for cuDNN {}", user.cudnn.major(), user.component, first.cudnn.major()));
            for reason in [&user.reason, &first.reason].into_iter().flatten() {
                finding = finding.because(reason.clone());
            }
            out.findings.push(finding);
        } else if user.component == "jaxlib"
            && let Some(system) = system
            && system.cudnn.at_least(&user.cudnn).violated()
            && offers.iter().all(|offer| offer.cudnn.at_least(&user.cudnn).violated())
        {
            out.findings.push(
                RULE.finding(format!("{} was compiled with cuDNN {}, the environment has {}", user.shown, user.cudnn, system.cudnn))
                    .impact(Impact::StartFailure)
                    .primary(&side.name, user.place, format!("compiled with cuDNN {}", user.cudnn))
                    .label(&side.name, system.place, offered(system))
                    .about(["jaxlib", "jax", "cudnn"])
                    .because(ctx.knowledge.statement("jax-cudnn"))
                    .help(format!("install cuDNN {} or a newer {}.x", user.cudnn, user.cudnn.major())),
            );
        }
    }
}

fn offered(user: &CudnnUser) -> String {
    match user.how {
        CudaUse::System => format!("cuDNN {} is installed", user.cudnn),
        _ => format!("brings cuDNN {}", user.cudnn),
    }
}
