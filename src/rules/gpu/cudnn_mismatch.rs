use super::cuda_major_mismatch;
use crate::{
    environment::{CudaUse, CudaUser, CudnnUser, Environment},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context, listed},
    version::Version,
};

rule! {
    /// The cuDNN of the environment does not fit a package that loads it, or the CUDA beside it.
    ///
    /// ## Why it matters
    ///
    /// `libcudnn.so.8` and `libcudnn.so.9` are different files. A package built for one does not find the other: TensorFlow and
    /// ONNX Runtime then compute on the CPU, others stop. JAX also refuses an older minor than it was built with. torch
    /// brings its own cuDNN; that of the system does not matter to it.
    ///
    /// A cuDNN in turn loads cuBLAS of the CUDA major it was built for: 9.11 and older know no CUDA 13, 9.11 and newer no
    /// CUDA 11. As a machine may have two toolkits, of which the files show one, this is a warning.
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
    let mut said = false;
    for user in users.iter().filter(|user| user.how == CudaUse::Loaded) {
        let Some(first) = system.or(offers.first().copied()) else { continue };
        let idle = system.is_none() && !side.has_gpu() && !cuda_major_mismatch::names_gpu(&user.component);
        if blamed(&user.component) {
            said = true;
            continue;
        }
        if idle {
            continue;
        }
        let same_major = offers.iter().any(|offer| offer.cudnn.major() == user.cudnn.major());
        if !same_major {
            said = true;
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
        } else if user.component.starts_with("tensorflow")
            && user.cudnn.minor().is_some()
            && offers.iter().all(|offer| offer.cudnn.at_least(&user.cudnn).violated())
        {
            out.findings.push(below_compiled(ctx, side, user, first));
        }
    }
    if !said {
        without_build(ctx, side, users, cuda_users, out);
    }
}

/// TensorFlow finds a cuDNN of its major, and refuses it at the first convolution.
fn below_compiled(ctx: &Context<'_>, side: &Environment, user: &CudnnUser, offer: &CudnnUser) -> Finding {
    // The system's cuDNN is found by name; wheels only where TensorFlow was told of them.
    let severity = if offer.how == CudaUse::System { Severity::Error } else { Severity::Warning };
    let mut finding = RULE
        .finding(format!("{} was compiled with cuDNN {}, the environment has {}", user.shown, user.cudnn, offer.cudnn))
        .severity(severity)
        .impact(Impact::LoadFailure)
        .primary(&side.name, user.place, format!("compiled with cuDNN {}", user.cudnn))
        .label(&side.name, offer.place, offered(offer))
        .about([user.component.as_str(), "cudnn"])
        .about(if offer.component == "cudnn" { None } else { Some(offer.component.as_str()) })
        .because(ctx.knowledge.statement("tensorflow-cudnn"))
        .help(format!("install cuDNN {} or a newer {}.x", user.cudnn, user.cudnn.major()));
    for reason in [&user.reason, &offer.reason].into_iter().flatten() {
        finding = finding.because(reason.clone());
    }
    finding
}

/// Says that there is no build of the system's cuDNN for the system's CUDA.
fn without_build(ctx: &Context<'_>, side: &Environment, users: &[CudnnUser], cuda_users: &[CudaUser], out: &mut Verdicts) {
    // Where torch brings its own and nothing else loads one, that of the system lies idle.
    let loading: Vec<&CudnnUser> = users.iter().filter(|user| user.how == CudaUse::Loaded).collect();
    if loading.is_empty() && users.iter().any(|user| user.how != CudaUse::System) {
        return;
    }
    let toolkits: Vec<&CudaUser> = cuda_users.iter().filter(|user| user.how == CudaUse::System).collect();
    for user in users.iter().filter(|user| user.how == CudaUse::System && user.cudnn.minor().is_some()) {
        let version: Option<Version> = user.cudnn.to_string().parse().ok();
        let Some((row, provenance)) = version.and_then(|version| ctx.knowledge.library_cuda("cudnn", &version)) else {
            continue;
        };
        // What one image brings belongs together.
        let beside = toolkits.iter().find(|toolkit| toolkit.place != user.place);
        let Some(toolkit) = beside.filter(|_| !toolkits.iter().any(|toolkit| row.suits(&toolkit.cuda))) else { continue };
        let builds: Vec<String> = row.cuda.iter().map(ToString::to_string).collect();
        let builds = listed(&builds);
        let other = ctx.knowledge.library_cuda.rows_of("cudnn").filter(|row| row.suits(&toolkit.cuda)).map(|row| &row.first);
        let newer = other.filter(|first| **first > row.first).min();
        let help = match newer {
            Some(first) => format!("install cuDNN {first} or newer for CUDA {}", toolkit.cuda.major()),
            None => {
                format!("install an older cuDNN for CUDA {}, or CUDA {}", toolkit.cuda.major(), builds.replace(" and ", " or "))
            }
        };
        out.findings.push(
            RULE.finding(format!("cuDNN {} is built for CUDA {builds}, the environment offers CUDA {}", user.cudnn, toolkit.cuda))
                .severity(Severity::Warning)
                .primary(&side.name, user.place, format!("built for CUDA {builds}"))
                .label(&side.name, toolkit.place, format!("CUDA {} is installed", toolkit.cuda))
                .about(["cudnn", "cuda"])
                .about(loading.iter().map(|user| user.component.clone()))
                .because(Reason {
                    claim: format!("cuDNN {} to {} is built for CUDA {builds}", row.first, row.last),
                    provenance,
                })
                .help(help),
        );
    }
}

fn offered(user: &CudnnUser) -> String {
    match user.how {
        CudaUse::System => format!("cuDNN {} is installed", user.cudnn),
        _ => format!("brings cuDNN {}", user.cudnn),
    }
}
