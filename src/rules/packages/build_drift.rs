use crate::{
    environment::{Environment, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::{Knowledge, Reason, torch::Build},
    rules::{Check, Context},
    text::Place,
    version::{self, CudaVersion},
};

rule! {
    /// Both sides have the same release of a package in different builds.
    ///
    /// ## Why it matters
    ///
    /// The number is equal, the program is not: a `+cpu` build on a machine that should use its GPU answers from the CPU
    /// without a word, and the builds for two CUDA versions use other kernels. A build without a label is the one that PyPI
    /// carries, so `2.3.1` and `2.3.1+cu121` are the same build.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/requirements.txt: torch==2.1.2+cu121
    /// serve/requirements.txt: torch==2.1.2+cpu          (device = "cuda")
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the build that fits the serving machine on purpose, and declare what it is meant to run on.
    pub(crate) static RULE {
        code: "EC103",
        name: "build-drift",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Cpu,
    Cuda(Option<CudaVersion>),
    Other(String),
}

impl Kind {
    fn shown(&self) -> String {
        match self {
            Kind::Cpu => "a CPU build".into(),
            Kind::Cuda(Some(cuda)) => format!("a build for CUDA {cuda}"),
            Kind::Cuda(None) => "a GPU build".into(),
            Kind::Other(label) => format!("build +{label}"),
        }
    }
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    for serve in serving.packages() {
        // The same import package may come from a distribution of another name.
        let relative = || {
            let mut family = ctx.knowledge.family(serve.name.as_str());
            let alone = family.clone().filter(|name| serving.package(name).is_some()).count() == 1;
            if alone { family.find_map(|name| training.package(name)) } else { None }
        };
        let Some(train) = training.package(serve.name.as_str()).or_else(relative) else { continue };
        // The builds of its companions follow torch.
        let settled = |side: &Environment, view: &PackageView| side.is_settled(&[view.name.as_str(), "torch"]);
        if settled(serving, serve) && settled(training, train) {
            continue;
        }
        let (Some(a), Some(b)) = (train.pin(), serve.pin()) else { continue };
        if a != b && version::public(a) != version::public(b) {
            continue;
        }
        let ((before, _), (after, why)) = (kind(training, train, ctx.knowledge), kind(serving, serve, ctx.knowledge));
        let by_architecture = after == Some(Kind::Cpu) && why.is_some();
        let (Some(before), Some(after)) = (before, after) else { continue };
        if before == after {
            continue;
        }
        // What PyPI carries is a good guess for a line without a label, but another index may have been asked.
        let guessed = [train, serve].into_iter().any(guessed);
        if guessed && matches!((&before, &after), (Kind::Cuda(Some(_)), Kind::Cuda(Some(_)))) {
            continue;
        }
        let (severity, impact, reason) = judge(serving, ctx.knowledge, &before, &after);
        let severity = if by_architecture { severity.min(Severity::Warning) } else { severity };
        let name = &serve.name;
        let mut finding = RULE
            .finding(if train.name == *name {
                format!("{name} {} is {} in training and {} in serving", public(b), before.shown(), after.shown())
            } else {
                let version = public(b);
                format!(
                    "{} {version} in training is {}, {name} {version} in serving is {}",
                    train.name,
                    before.shown(),
                    after.shown()
                )
            })
            .severity(severity)
            .impact(impact)
            .primary(&serving.name, serve.place(), format!("{} in serving", after.shown()))
            .label(&training.name, train.place(), format!("{} in training", before.shown()))
            .about([name.as_str(), train.name.as_str()])
            .help(match (&after, severity) {
                (Kind::Cpu, Severity::Error | Severity::Warning) if train.name != *name => {
                    format!("install {} instead of {name} in serving", train.name)
                }
                (Kind::Cpu, Severity::Error | Severity::Warning) => format!("install the GPU build of {name} in serving"),
                _ => "if that is on purpose, test the model on the serving build".into(),
            });
        if let Some((place, text)) = reason {
            finding = finding.label(&serving.name, place, text);
        }
        if let Some(why) = why {
            finding = finding.because(why);
        }
        if a.is_local() || b.is_local() {
            finding = finding.because(ctx.knowledge.statement("local-labels"));
        }
        out.findings.push(finding);
    }
}

/// Whether this is a build without CUDA, as far as name, label and index tell.
pub(crate) fn is_cpu(side: &Environment, view: &PackageView, knowledge: &Knowledge) -> bool {
    kind(side, view, knowledge).0 == Some(Kind::Cpu)
}

/// Why a build without a label is taken for one without CUDA: PyPI has no other for this processor, a vendor's index may have.
pub(crate) fn is_cpu_because(side: &Environment, view: &PackageView, knowledge: &Knowledge) -> Option<Reason> {
    match kind(side, view, knowledge) {
        (Some(Kind::Cpu), why) => why,
        _ => None,
    }
}

/// Whether this rule compares the package with another build of the same release in training.
pub(crate) fn reports(ctx: &Context<'_>, serving: &Environment, view: &PackageView) -> bool {
    let train = ctx.training.and_then(|training| training.package(view.name.as_str()).map(|train| (training, train)));
    train.is_some_and(|(training, train)| {
        let same = train.pin().zip(view.pin()).is_some_and(|(a, b)| version::public(a) == version::public(b));
        let (before, after) = (kind(training, train, ctx.knowledge).0, kind(serving, view, ctx.knowledge).0);
        same && before.is_some() && before != after
    })
}

/// A GPU build that was replaced by a CPU build is an error where the GPU is asked for, a warning where there is one.
fn judge(
    serving: &Environment,
    knowledge: &Knowledge,
    before: &Kind,
    after: &Kind,
) -> (Severity, Impact, Option<(Place, String)>) {
    if *after == Kind::Cpu && matches!(before, Kind::Cuda(_)) {
        if let Some(("cuda", place)) = serving.device() {
            return (Severity::Error, Impact::WrongResult, Some((place, "serving is meant to use the GPU".into())));
        }
        if let Some(gpu) = serving.gpus(knowledge).first() {
            return (Severity::Warning, Impact::WrongResult, Some((gpu.place, "serving has a GPU".into())));
        }
        if let Some(driver) = serving.drivers().first() {
            return (Severity::Warning, Impact::WrongResult, Some((driver.place, "serving has a GPU driver".into())));
        }
    }
    (Severity::Info, Impact::Drift, None)
}

fn kind(side: &Environment, view: &PackageView, knowledge: &Knowledge) -> (Option<Kind>, Option<Reason>) {
    let name = view.name.as_str();
    let Some(version) = view.pin() else { return (None, None) };
    // conda says in the build string what PyPI says in a label.
    let conda = view.entries.iter().find_map(|entry| entry.package.build.as_deref().map(|build| (entry, build)));
    if let Some((entry, build)) = conda.filter(|(_, build)| !build.starts_with("pypi")) {
        return match &entry.package.cuda {
            Some(cuda) => (Some(Kind::Cuda(Some(cuda.clone()))), None),
            None if build.contains("cpu") => (Some(Kind::Cpu), None),
            None => (None, None),
        };
    }
    let by_name = match name {
        "tensorflow-cpu" | "tensorflow-intel" | "tf-nightly-cpu" | "onnxruntime" | "faiss-cpu" | "paddlepaddle" | "xgboost-cpu" => Some(Kind::Cpu),
        "tensorflow" | "tensorflow-gpu" | "onnxruntime-gpu" | "faiss-gpu" | "paddlepaddle-gpu" | "xgboost" => Some(Kind::Cuda(None)),
        _ => None,
    };
    match Build::of(version) {
        Some(Build::Cpu) => (Some(Kind::Cpu), None),
        Some(Build::Cuda(cuda)) => (Some(Kind::Cuda(Some(cuda))), None),
        Some(Build::Rocm(label) | Build::Ngc(label) | Build::Other(label)) => (Some(Kind::Other(label)), None),
        None if by_name.is_some() => (by_name, None),
        // Without a label it is the build that PyPI carries, if that is known for torch; its companions follow it.
        None => {
            let torch = match name {
                "torch" => Some(view),
                "torchvision" | "torchaudio" => side.package("torch"),
                _ => None,
            };
            let Some(torch) = torch else { return (None, None) };
            match side.build_of_index(view) {
                Some(Build::Cpu) => return (Some(Kind::Cpu), None),
                Some(Build::Cuda(cuda)) => return (Some(Kind::Cuda(Some(cuda))), None),
                None if !side.has_other_index(view) || view.standing == Standing::Observed => {}
                Some(_) | None => return (None, None),
            }
            let release = torch.pin().filter(|version| !version.is_local());
            let linux = side.target.os.as_deref().is_none_or(|os| os == "linux");
            let machine = side.target.machine.as_deref().unwrap_or("x86_64");
            match release.and_then(|version| knowledge.torch_release(version)) {
                // What was seen installed may come from the vendor of the board; so may what a Jetson is given.
                Some((row, provenance))
                    if linux
                        && ["aarch64", "arm64"].contains(&machine)
                        && row.aarch64_cpu == Some(true)
                        && view.standing != Standing::Observed
                        && !view.is_conda()
                        && !side.gpus(knowledge).iter().any(|gpu| is_of_a_board(&gpu.name)) =>
                {
                    let claim = format!("torch {} from PyPI is built without CUDA for Linux on aarch64", row.version);
                    (Some(Kind::Cpu), Some(Reason { claim, provenance }))
                }
                Some((row, provenance)) if linux && ["x86_64", "amd64", "AMD64"].contains(&machine) => {
                    let claim = format!("torch {} from PyPI brings CUDA {} (Linux x86_64)", row.version, row.cuda);
                    (Some(Kind::Cuda(Some(row.cuda.clone()))), Some(Reason { claim, provenance }))
                }
                _ => (None, None),
            }
        }
    }
}

/// Whether the GPU is part of an embedded board, whose makers have builds of torch of their own.
fn is_of_a_board(gpu: &str) -> bool {
    ["Orin", "Xavier", "Jetson", "Thor", "Tegra", "nvgpu"].iter().any(|name| gpu.contains(name))
}

/// Whether a file asks for the release and leaves the build to the index.
fn guessed(view: &PackageView) -> bool {
    view.standing == Standing::Declared && view.pin().is_some_and(|version| !version.is_local())
}

fn public(version: &crate::version::Version) -> String {
    version::public(version).to_string()
}
