use crate::{
    environment::{Environment, GpuView, Seen, Side},
    fact::Model,
    finding::{Finding, Impact, Severity, Verdicts},
    rules::{Check, Context, listed},
    text::Place,
    version::{ComputeCapability, Dotted},
};

rule! {
    /// A TensorRT plan was built for another TensorRT, GPU or system than serving has.
    ///
    /// ## Why it matters
    ///
    /// A plan is machine code: by default it runs on the very TensorRT release and GPU architecture that built it, and on no
    /// other operating system. TensorRT refuses it while it is loaded. Plans may be built version compatible (newer releases of
    /// the same major) or hardware compatible (compute capability 8.0 and newer); where that would help, this is a warning.
    ///
    /// ## Example
    ///
    /// ```text
    /// train.lock: [[model]] format = "tensorrt-plan", producer = "tensorrt 8.6.0", gpu = "8.6"
    /// serve/gpus.csv: Tesla T4, 7.5
    /// ```
    ///
    /// ## How to fix
    ///
    /// Build the plan on the serving machine, with the TensorRT that runs it; keep the ONNX file as what is handed over.
    pub(crate) static RULE {
        code: "EC206",
        name: "plan-for-another-machine",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

/// The first release that can build version compatible and hardware compatible plans.
const COMPATIBLE: [u32; 2] = [8, 6];

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    if !matches!(model.value.format.as_deref(), Some("tensorrt-plan" | "tensorrt-engine")) {
        return;
    }
    let producer = model.value.producer.as_ref().filter(|it| it.name.to_ascii_lowercase().starts_with("tensorrt"));
    let builder = producer.and_then(|it| it.version.as_deref()).and_then(Dotted::parse);
    let plan = Plan { ctx, side, model, builder };
    let found = [plan.version(), plan.capability().or_else(|| plan.gpu_model()), plan.platform()];
    out.findings.extend(found.into_iter().flatten());
    if plan.builder.is_some() && plan.runtimes().is_empty() {
        out.undecided.push(RULE.undecided(
            format!("{} needs the TensorRT that built it, and none is known for serving", model.value.path),
            "add [gpu] tensorrt to an envcheck lock of serving, or pin tensorrt",
        ));
    }
}

struct Plan<'a> {
    ctx: &'a Context<'a>,
    side: &'a Environment,
    model: Seen<'a, Model>,
    builder: Option<Dotted>,
}

impl Plan<'_> {
    fn place(&self) -> Place {
        let model = self.model;
        model.value.producer_span.map_or(model.place, |span| Place { file: model.place.file, span })
    }

    fn finding(&self, message: String, place: Place, text: String, help: &str) -> Finding {
        let built = match &self.builder {
            Some(builder) => format!("built by TensorRT {builder}"),
            None => "the plan".to_owned(),
        };
        RULE.finding(message)
            .primary(&self.ctx.serving.name, place, text)
            .label(&self.side.name, self.place(), built)
            .about(["model", "tensorrt"])
            .help(help)
    }

    /// Whether the plan may have been built with the options that came with TensorRT 8.6.
    fn may_be_compatible(&self) -> bool {
        let first = Dotted::new(&COMPATIBLE);
        self.builder.as_ref().zip(first).is_none_or(|(builder, first)| !builder.at_least(&first).violated())
    }

    /// Every TensorRT of the serving side.
    fn runtimes(&self) -> Vec<(Dotted, Place)> {
        let serving = self.ctx.serving;
        let mut found: Vec<(Dotted, Place)> =
            serving.tensorrts().into_iter().map(|seen| (seen.value.number().clone(), seen.place)).collect();
        for view in serving.packages() {
            let name = view.name.as_str();
            if name == "tensorrt" || name.strip_prefix("tensorrt-cu").is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit())) {
                let parsed = view.pin().and_then(|pin| {
                    let parts: Vec<u32> = pin.release().iter().filter_map(|part| u32::try_from(*part).ok()).collect();
                    Dotted::new(&parts)
                });
                found.extend(parsed.map(|version| (version, view.place())));
            }
        }
        for seen in serving.libraries() {
            if seen.value.name.eq_ignore_ascii_case("tensorrt") {
                found.extend(seen.value.version.clone().map(|version| (version, seen.place)));
            }
        }
        found
    }

    fn version(&self) -> Option<Finding> {
        let builder = self.builder.as_ref()?;
        let runtimes = self.runtimes();
        let (runtime, place) = runtimes.first()?;
        // Several installations: one of them may be meant for this plan.
        if runtimes.iter().any(|(version, _)| !version.same(builder).violated()) {
            return None;
        }
        let path = &self.model.value.path;
        let newer = runtime.major() == builder.major() && runtime.at_least(builder).holds();
        let spared = newer && self.may_be_compatible();
        let finding = self.finding(
            format!("{path} was built by TensorRT {builder}, serving runs it with {runtime}"),
            *place,
            format!("TensorRT {runtime} in serving"),
            "build the plan with the TensorRT that serves it, or serve with the one that built it",
        );
        let finding = finding.because(self.ctx.knowledge.statement("trt-version"));
        Some(if newer {
            let known = self.ctx.knowledge.statement("trt-version-compatible");
            finding.severity(if spared { Severity::Warning } else { Severity::Error }).because(known)
        } else {
            finding
        })
    }

    fn capability(&self) -> Option<Finding> {
        let built_on = self.model.value.gpu?;
        let gpus = self.ctx.serving.gpus(self.ctx.knowledge);
        let other: Vec<&GpuView> =
            gpus.iter().filter(|gpu| gpu.capability.is_some_and(|it| it != built_on)).collect();
        let first = other.first()?;
        let modern = |it: ComputeCapability| it >= ComputeCapability { major: 8, minor: 0 };
        let spared = self.may_be_compatible() && modern(built_on) && other.iter().all(|gpu| gpu.capability.is_some_and(modern));
        let sure = other.iter().all(|gpu| gpu.by.as_ref().is_none_or(|by| self.ctx.knowledge.capability_is_sure(by)));
        let all = other.len() == gpus.len();
        let names: Vec<String> = other.iter().map(|gpu| gpu.shown()).collect();
        let path = &self.model.value.path;
        let mut finding = self
            .finding(
                format!("{path} was built for compute capability {built_on}, serving has {}", listed(&names)),
                first.place,
                format!("serving has {}", first.shown()),
                "build the plan on the GPU that serves it",
            )
            .severity(if all && sure && !spared { Severity::Error } else { Severity::Warning })
            .about(["gpu"])
            .because(self.ctx.knowledge.statement("trt-gpu"));
        if spared {
            finding = finding.because(self.ctx.knowledge.statement("trt-hardware-compatible"));
        }
        Some(finding)
    }

    /// Another GPU model of the same capability.
    fn gpu_model(&self) -> Option<Finding> {
        if self.side.side != Side::Training {
            return None;
        }
        let knowledge = self.ctx.knowledge;
        let trained = self.side.gpus(knowledge);
        let [builder] = trained else { return None };
        let serving = self.ctx.serving.gpus(knowledge);
        let stated = self.model.value.gpu;
        if stated.is_some() && builder.capability != stated || !named(builder) {
            return None;
        }
        let other = serving.iter().find(|gpu| {
            named(gpu) && gpu.capability.is_some() && gpu.capability == builder.capability && !same_model(gpu, builder)
        })?;
        if serving.iter().any(|gpu| same_model(gpu, builder)) {
            return None;
        }
        let path = &self.model.value.path;
        let message = format!("{path} was built on {}, serving has {}", builder.name, other.name);
        let help = "build the plan on the GPU model that serves it";
        let finding = self
            .finding(message, other.place, format!("serving has {}", other.name), help)
            .severity(Severity::Warning)
            .label(&self.side.name, builder.place, format!("built on {}", builder.name))
            .about(["gpu"])
            .because(knowledge.statement("trt-model"));
        Some(finding)
    }

    fn platform(&self) -> Option<Finding> {
        if self.side.side != Side::Training {
            return None;
        }
        let serving = self.ctx.serving;
        let path = &self.model.value.path;
        let help = "build the plan on the system that serves it";
        let because = || self.ctx.knowledge.statement("trt-platform");
        if let (Some(built), Some(runs)) = (self.side.os(), serving.os())
            && built.value != runs.value
        {
            let message = format!("{path} was built on {}, serving runs {}", built.value, runs.value);
            // TensorRT 10 can build for Windows on Linux.
            let tenth = self.builder.as_ref().is_none_or(|builder| builder.major() >= 10);
            let crossed = tenth && built.value == "linux" && runs.value == "windows";
            return Some(
                self.finding(message, runs.place, format!("serving runs {}", runs.value), help)
                    .label(&self.side.name, built.place, format!("built on {}", built.value))
                    .severity(if crossed { Severity::Warning } else { Severity::Error })
                    .about(["os"])
                    .because(because()),
            );
        }
        let (built, runs) = (self.side.target.machine.as_ref()?, serving.target.machine.as_ref()?);
        if built == runs {
            return None;
        }
        let place = serving.facts().iter().find(|fact| fact.kind.word() == "architecture").map(|fact| fact.place)?;
        let message = format!("{path} was built on {built}, serving runs on {runs}");
        Some(
            self.finding(message, place, format!("serving runs on {runs}"), help)
                .about(["architecture"])
                .because(because()),
        )
    }
}

/// Whether it is a product and not a bare capability.
fn named(gpu: &GpuView) -> bool {
    gpu.capability.is_none_or(|it| it.to_string() != gpu.name)
}

fn same_model(a: &GpuView, b: &GpuView) -> bool {
    match (&a.model, &b.model) {
        (Some(a), Some(b)) => a == b,
        _ => a.name.eq_ignore_ascii_case(&b.name),
    }
}
