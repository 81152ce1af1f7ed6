//! The chain from the GPU to the model on each side, and the links in it that findings say are broken.
//!
//! Two branches meet at the framework: GPU, driver, CUDA and cuDNN; system, Python and packages. A project without a
//! GPU has the second alone. What is not known stays in the picture, as unknown.

use std::collections::BTreeSet;

use super::{
    markup::{Text, counted, put},
    place,
};
use crate::{
    environment::{CudaUse, CudnnUser, Environment, GpuView, Seen},
    fact::{Model, Standing},
    finding::{Finding, Severity},
    report::{Report, facts},
    text::Place,
};

/// What runs models, the most telling first: which packages stand in the picture by name.
const FRAMEWORKS: &str = "vllm tensorrt-llm torch tensorflow tensorflow-cpu tensorflow-gpu tensorflow-macos tflite-runtime \
    ai-edge-litert jax jaxlib flax onnxruntime onnxruntime-gpu onnxruntime-directml onnxruntime-openvino \
    onnxruntime-rocm onnxruntime-qnn onnxruntime-genai openvino xgboost xgboost-cpu lightgbm catboost \
    scikit-learn keras tf-keras paddlepaddle paddlepaddle-gpu mxnet mxnet-cu112 cuml-cu11 cuml-cu12 \
    cupy-cuda11x cupy-cuda12x cupy-cuda13x ctranslate2 llama-cpp-python spacy sentence-transformers \
    transformers";

/// Values of a node that are written out.
const MOST_VALUES: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Gpu,
    Driver,
    Cuda,
    Cudnn,
    TensorRt,
    System,
    Python,
    Packages,
    Framework,
    Model,
}

use Stage::{Cuda, Cudnn, Driver, Framework, Gpu, Model as ModelFile, Packages, Python, System, TensorRt};

impl Stage {
    /// The name in classes and links.
    fn word(self) -> &'static str {
        match self {
            Gpu => "gpu",
            Driver => "driver",
            Cuda => "cuda",
            Cudnn => "cudnn",
            TensorRt => "tensorrt",
            System => "system",
            Python => "python",
            Packages => "packages",
            Framework => "framework",
            ModelFile => "model",
        }
    }

    /// The name in the picture.
    fn title(self) -> &'static str {
        match self {
            Gpu => "GPU",
            Driver => "driver",
            Cuda => "CUDA",
            Cudnn => "cuDNN",
            TensorRt => "TensorRT",
            System => "system",
            Python => "Python",
            Packages => "packages",
            Framework => "framework",
            ModelFile => "model",
        }
    }

    fn on_gpu_branch(self) -> bool {
        self <= TensorRt
    }

    /// Where a component of a finding stands in the chain; images bring what stands in several places.
    fn of(component: &str) -> Option<Stage> {
        Some(match component {
            "gpu" => Gpu,
            "nvidia-driver" | "driver-cuda" | "no-driver" => Driver,
            "cuda" | "host-cuda" => Cuda,
            "cudnn" => Cudnn,
            "tensorrt" => TensorRt,
            "os" | "libc" | "architecture" | "distribution" | "host-os" | "system-package" => System,
            "python" | "implementation" => Python,
            "model" | "signature" | "onnx-opset" | "onnx-ir" | "onnx-operator" | "onnx-dtype" => ModelFile,
            "server" | "execution-provider" | "triton" | "tensorflow-serving" | "torchserve" => Framework,
            "image" => return None,
            name if name.starts_with("nvidia-cudnn") => Cudnn,
            name if name.starts_with("nvidia-") && name != "nvidia-ml-py" => Cuda,
            name if name.starts_with("tensorrt-cu") => TensorRt,
            name if FRAMEWORKS.split(' ').any(|it| it == name) => Framework,
            _ => Packages,
        })
    }
}

/// Where in the picture a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// At the link that leads into a stage, on the GPU's branch or the other.
    Link { side: usize, into: Stage, gpu_branch: bool },
    /// Between the two sides.
    Across(Stage),
    /// At one stage alone.
    Node { side: usize, at: Stage },
}

/// A finding in the picture.
struct Mark {
    spot: Spot,
    finding: usize,
    severity: Severity,
    code: &'static str,
}

/// A value in the picture, and who says so.
struct Value {
    text: String,
    /// What is compared with the other side: the version, whatever brings it.
    key: String,
    standing: Standing,
    place: Place,
    /// Said of the other side: a model is served where it is not written.
    lent: bool,
}

/// The stages of a picture, in order.
struct Chain<'r, 'a> {
    report: &'r Report<'a>,
    number: usize,
    stages: Vec<Stage>,
    marks: Vec<Mark>,
    /// Nodes that a finding is about.
    touched: Vec<(usize, Stage, Severity)>,
}

/// Draws the chain of a comparison.
pub(super) fn draw(out: &mut String, report: &Report<'_>, number: usize) {
    let mut marks = Vec::new();
    let mut touched = Vec::new();
    for (at, finding) in report.findings.iter().enumerate() {
        if finding.severity > Severity::Info {
            let Some((spot, nodes)) = locate(report, finding) else { continue };
            marks.push(Mark { spot, finding: at, severity: finding.severity, code: finding.code });
            touched.extend(nodes.into_iter().map(|(side, stage)| (side, stage, finding.severity)));
        }
    }
    let stages = stages(report, &touched);
    let first = if stages.contains(&Gpu) { Gpu } else { System };
    put!(out, "<h3>From {} to model</h3>\n", first.title());
    Chain { report, number, stages, marks, touched }.write(out);
}

/// Which stages the picture has.
fn stages(report: &Report<'_>, touched: &[(usize, Stage, Severity)]) -> Vec<Stage> {
    let environments = || report.sides.iter().map(|side| &side.environment);
    let parsed_by_tensorrt = touched.iter().any(|(_, stage, _)| *stage == TensorRt);
    let mut stages = vec![System, Python, Packages, Framework, ModelFile];
    let gpu = environments().any(|side| side.has_gpu() || side.asks_for_gpu_provider())
        || touched.iter().any(|(_, stage, _)| stage.on_gpu_branch())
        || environments()
            .any(|side| !side.found_cuda_users().is_empty() && side.device().is_none_or(|it| it.0 != "cpu"));
    if gpu {
        stages.extend([Gpu, Driver, Cuda, Cudnn]);
        let known = environments().any(|side| !side.tensorrts().is_empty() || side.asks_for_tensorrt());
        if known || parsed_by_tensorrt {
            stages.push(TensorRt);
        }
    }
    stages.sort_unstable();
    stages
}

/// Where a finding stands, and which nodes it is about.
fn locate(report: &Report<'_>, finding: &Finding) -> Option<(Spot, Vec<(usize, Stage)>)> {
    let both_sides = report.sides.len() > 1;
    let labelled = labelled(report, finding);
    let on = |side: usize| labelled.iter().filter(move |(of, _, _)| *of == side);
    let all_on_first = both_sides && !labelled.is_empty() && labelled.iter().all(|(side, _, _)| *side == 0);
    let side = if all_on_first { 0 } else { report.sides.len() - 1 };
    let mut stages: Vec<Stage> = finding.components.iter().filter_map(|word| Stage::of(word)).collect();
    stages.sort_unstable();
    stages.dedup();
    if stages.is_empty() {
        stages.push(System);
    }
    // One component, seen on both sides: they differ in it.
    let same = on(0).find(|(_, word, _)| on(1).any(|(_, other, _)| word == other));
    let across = match (same, stages.as_slice()) {
        _ if !both_sides => None,
        (Some((_, _, stage)), _) => Some(*stage),
        (None, [only]) if on(0).next().is_some() && on(1).next().is_some() => Some(*only),
        // Only training has it: it lacks in serving.
        (None, [only, ..]) if all_on_first => {
            let lacks = |word: &String| report.sides[1].environment.package(word).is_none();
            finding
                .components
                .iter()
                .find(|word| Stage::of(word).is_some_and(|it| it >= Packages))
                .filter(|it| lacks(it))
                .map(|_| *only)
        }
        _ => None,
    };
    if let Some(stage) = across {
        return Some((Spot::Across(stage), vec![(0, stage), (1, stage)]));
    }
    // A model that does not fit what lies below it.
    let subject = finding.components.first().and_then(|word| Stage::of(word));
    if let (Some(ModelFile), [.., below, ModelFile]) = (subject, stages.as_slice()) {
        let spot = Spot::Link { side, into: ModelFile, gpu_branch: false };
        return Some((spot, vec![(side, *below), (side, ModelFile)]));
    }
    // The link from the lowest stage of a branch towards the next one is what does not hold.
    for gpu_branch in [true, false] {
        let branch: Vec<Stage> =
            stages.iter().copied().filter(|it| *it >= Framework || it.on_gpu_branch() == gpu_branch).collect();
        let begins_there = branch.first().is_some_and(|it| *it < Framework) || !gpu_branch;
        if let (true, [from, into, ..]) = (begins_there, branch.as_slice()) {
            let spot = Spot::Link { side, into: *into, gpu_branch };
            return Some((spot, vec![(side, *from), (side, *into)]));
        }
    }
    let at = *stages.first()?;
    Some((Spot::Node { side, at }, stages.into_iter().map(|stage| (side, stage)).collect()))
}

/// What the labels of a finding stand at: side, component, stage.
fn labelled(report: &Report<'_>, finding: &Finding) -> Vec<(usize, String, Stage)> {
    let mut found = Vec::new();
    for label in &finding.labels {
        let Some(side) = place::side_of(report, label) else { continue };
        let environment = &report.sides[side].environment;
        let implied = environment.implied().iter().map(|it| &it.fact);
        let here = |place: Place| {
            let (a, b) = (place.span, label.place.span);
            place.file == label.place.file && a.start <= b.end && b.start <= a.end
        };
        let components = environment.facts().iter().chain(implied).filter(|fact| here(fact.place));
        for (component, _) in components.filter_map(facts::component) {
            if let (true, Some(stage)) = (finding.components.contains(&component), Stage::of(&component)) {
                found.push((side, component, stage));
            }
        }
    }
    found
}

impl Chain<'_, '_> {
    fn write(&self, out: &mut String) {
        let two = self.report.sides.len() > 1;
        let mut class = "chain".to_owned();
        for (there, word) in
            [(two, "two"), (self.stages.contains(&Gpu), "with-gpu"), (self.stages.contains(&TensorRt), "with-tensorrt")]
        {
            if there {
                class.push(' ');
                class.push_str(word);
            }
        }
        put!(out, "<figure class=\"{class}\">\n");
        for side in 0..self.report.sides.len() {
            self.lane(out, side);
        }
        if two {
            for stage in &self.stages {
                self.across(out, *stage);
            }
        }
        out.push_str("</figure>\n");
    }

    fn lane(&self, out: &mut String, side: usize) {
        let environment = &self.report.sides[side].environment;
        put!(
            out,
            "<h4 class=\"lane-name l{side}\"><span class=\"role r{side}\">{}</span> {}</h4>\n<ol class=\"lane\">\n",
            place::role(self.report, side),
            Text(&environment.name)
        );
        for stage in &self.stages {
            out.push_str("<li>");
            self.links(out, side, *stage);
            self.node(out, side, *stage);
            out.push_str("</li>\n");
        }
        out.push_str("</ol>\n");
    }

    /// The links that lead into a stage.
    fn links(&self, out: &mut String, side: usize, into: Stage) {
        let gpu = self.stages.contains(&Gpu);
        let branches: &[bool] = match into {
            Gpu | System => return,
            Framework if gpu => &[true, false],
            stage => &[stage.on_gpu_branch()],
        };
        for gpu_branch in branches {
            let from = self.before(into, *gpu_branch);
            let here = |mark: &&Mark| match mark.spot {
                Spot::Link { side: of, into: to, gpu_branch: by } => {
                    of == side && to == into && (by == *gpu_branch || branches.len() == 1)
                }
                _ => false,
            };
            let marks: Vec<&Mark> = self.marks.iter().filter(here).collect();
            let branch = if *gpu_branch && into == Framework { " by-gpu" } else { "" };
            let (state, tell) = match marks.iter().map(|mark| mark.severity).max() {
                Some(severity) => (format!(" broken {severity}"), true),
                None => (String::new(), false),
            };
            let name = format!("{}-{}", from.word(), into.word());
            put!(out, "<div class=\"link l{side} into-{}{branch}{state}\" data-link=\"{name}\">", into.word());
            if tell {
                put!(out, "<span class=\"unseen\">broken between {} and {}: </span>", from.title(), into.title());
                self.codes(out, &marks);
            }
            out.push_str("</div>");
        }
    }

    /// The stage that a link comes from.
    fn before(&self, into: Stage, gpu_branch: bool) -> Stage {
        let same = |stage: &Stage| *stage < into && (*stage >= Framework || stage.on_gpu_branch() == gpu_branch);
        self.stages.iter().copied().filter(same).max().unwrap_or(into)
    }

    fn codes(&self, out: &mut String, marks: &[&Mark]) {
        let mut said: Vec<&str> = Vec::new();
        for mark in marks {
            if said.contains(&mark.code) {
                continue;
            }
            said.push(mark.code);
            let message = Text(&self.report.findings[mark.finding].message).to_string();
            let (number, at, severity, code) = (self.number, mark.finding + 1, mark.severity, mark.code);
            put!(out, "<a class=\"code {severity}\" href=\"#c{number}-f{at}\" title=\"{message}\">{code}</a>");
        }
    }

    fn node(&self, out: &mut String, side: usize, stage: Stage) {
        let environment = &self.report.sides[side].environment;
        let values = self.values(side, stage);
        let none = if values.is_empty() { absent(environment, stage) } else { None };
        let touched = self.touched.iter().filter(|(of, at, _)| *of == side && *at == stage).map(|it| it.2).max();
        let grade = touched.map(|severity| format!(" {severity}")).unwrap_or_default();
        let known = if values.is_empty() && none.is_none() { " unknown" } else { "" };
        put!(
            out,
            "<div class=\"node l{side} at-{}{known}{grade}\"><div class=\"stage\">{}</div>",
            stage.word(),
            stage.title()
        );
        for value in values.iter().take(MOST_VALUES) {
            let from = place::shown(self.report.sources, value.place);
            let whose = if value.lent { "from training, " } else { "" };
            put!(
                out,
                "<div class=\"value\"><span class=\"what\">{}</span><span class=\"from {}\" title=\"{}\">{whose}{} \u{b7} {}</span></div>",
                Text(&value.text),
                value.standing,
                Text(&from),
                value.standing,
                Text(place::file_name(&from))
            );
        }
        if values.len() > MOST_VALUES {
            put!(out, "<div class=\"value quiet\">and {} more</div>", values.len() - MOST_VALUES);
        }
        if values.is_empty() {
            put!(out, "<div class=\"value quiet\">{}</div>", none.unwrap_or("unknown"));
        }
        if stage == Packages {
            let count = environment.packages().count();
            if count > 0 {
                let all = if values.is_empty() { "" } else { "of " };
                put!(out, "<div class=\"value quiet\">{all}{}</div>", counted(count, "package"));
            }
        }
        let here: Vec<&Mark> = self.marks.iter().filter(|mark| mark.spot == Spot::Node { side, at: stage }).collect();
        if !here.is_empty() {
            out.push_str("<div class=\"codes\">");
            self.codes(out, &here);
            out.push_str("</div>");
        }
        out.push_str("</div>");
    }

    /// What lies between the two sides at a stage.
    fn across(&self, out: &mut String, stage: Stage) {
        let marks: Vec<&Mark> = self.marks.iter().filter(|mark| mark.spot == Spot::Across(stage)).collect();
        let keys =
            |side: usize| -> BTreeSet<String> { self.values(side, stage).into_iter().map(|value| value.key).collect() };
        let (training, serving) = (keys(0), keys(1));
        let (class, sign) = match marks.iter().map(|mark| mark.severity).max() {
            Some(severity) => (format!(" broken {severity}"), "\u{2260}"),
            None if training.is_empty() || serving.is_empty() => return,
            None if training == serving => (" same".to_owned(), "="),
            None => (String::new(), "\u{2260}"),
        };
        // How many packages there are says nothing.
        if marks.is_empty() && stage == Packages {
            return;
        }
        let tell = if sign == "=" { "the same" } else { "differs" };
        put!(
            out,
            "<div class=\"across at-{}{class}\" data-across=\"{}\"><span class=\"stage\">{}</span> <span aria-hidden=\"true\">{sign}</span><span class=\"unseen\">{tell}</span> ",
            stage.word(),
            stage.word(),
            stage.title()
        );
        self.codes(out, &marks);
        out.push_str("</div>\n");
    }

    /// What is known at a stage.
    fn values(&self, side: usize, stage: Stage) -> Vec<Value> {
        let environment = &self.report.sides[side].environment;
        let mut found = match stage {
            Gpu => gpus(environment),
            Driver => drivers(environment),
            Cuda => cuda(environment),
            Cudnn => cudnn(environment),
            TensorRt => environment.tensorrts().iter().map(|seen| value(seen, seen.value.to_string())).collect(),
            System => system(environment),
            Python => environment.python().iter().map(|seen| value(seen, seen.value.to_string())).collect(),
            Packages => self.packages(environment),
            Framework => frameworks(environment),
            ModelFile => models(environment),
        };
        if found.is_empty() && stage == ModelFile && side > 0 {
            found = models(&self.report.sides[0].environment);
            for value in &mut found {
                value.lent = true;
            }
        }
        found
    }

    /// Packages that errors and warnings are about.
    fn packages(&self, environment: &Environment) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        for finding in self.report.findings.iter().filter(|it| it.severity > Severity::Info) {
            for name in finding.components.iter().filter(|name| Stage::of(name) == Some(Packages)) {
                let value = environment.package(name).map(|view| Value {
                    text: format!("{name} {}", view.shown()),
                    key: view.shown(),
                    standing: view.standing,
                    place: view.place(),
                    lent: false,
                });
                found.extend(value.filter(|value| !found.iter().any(|it| it.text == value.text)));
            }
        }
        found
    }
}

fn value<T>(seen: &Seen<'_, T>, text: String) -> Value {
    Value { key: text.clone(), text, standing: seen.standing, place: seen.place, lent: false }
}

/// What a side surely does not have.
fn absent(environment: &Environment, stage: Stage) -> Option<&'static str> {
    match stage {
        Driver if environment.no_driver().is_some() => Some("none"),
        Gpu | Driver | Cuda | Cudnn if environment.device().is_some_and(|(device, _)| device == "cpu") => {
            Some("not used: runs on the CPU")
        }
        _ => None,
    }
}

fn gpus(environment: &Environment) -> Vec<Value> {
    let known = environment.found_gpus();
    let mut found: Vec<Value> = Vec::new();
    for seen in environment.gpu_facts() {
        let view = known.iter().find(|view| view.place == seen.place);
        let name =
            seen.value.name.clone().or_else(|| seen.value.capability.map(|it| format!("compute capability {it}")));
        let text = view.map(GpuView::shown).or(name).unwrap_or_default();
        let text = if seen.value.count > 1 { format!("{} \u{d7} {text}", seen.value.count) } else { text };
        // Two files may tell of one card, each as well as it can.
        let told = found.iter().any(|it| it.text == text) || (view.is_none() && !known.is_empty());
        if !told {
            found.push(value(&seen, text));
        }
    }
    found
}

fn drivers(environment: &Environment) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for seen in environment.drivers() {
        let text = seen.value.spelled();
        if !found.iter().any(|it| it.text == text) {
            found.push(value(&seen, text));
        }
    }
    if let (true, Some(seen)) = (found.is_empty(), environment.driver_cuda()) {
        found.push(value(&seen, format!("runs up to CUDA {}", seen.value)));
    }
    found
}

fn cuda(environment: &Environment) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let users = environment.found_cuda_users();
    for user in users {
        // Of the dozen wheels that carry the parts of one CUDA, the most telling one is enough.
        let part = user.component.starts_with("nvidia-");
        if part && users.iter().any(|it| !it.component.starts_with("nvidia-") && it.cuda.major() == user.cuda.major()) {
            continue;
        }
        let text =
            if user.component == "cuda" { user.cuda.to_string() } else { format!("{} of {}", user.cuda, user.shown) };
        let standing = standing_at(environment, user.place, user.reason.is_some());
        if !found.iter().any(|it| it.text == text || (part && it.text.starts_with(&format!("{} ", user.cuda)))) {
            found.push(Value { text, key: user.cuda.to_string(), standing, place: user.place, lent: false });
        }
    }
    if found.is_empty() {
        found.extend(environment.toolkits().iter().map(|seen| value(seen, seen.value.to_string())));
    }
    found
}

fn cudnn(environment: &Environment) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let users = environment.found_cudnn_users();
    for user in users {
        let itself = user.component == "cudnn" || user.component.starts_with("nvidia-cudnn");
        let text = if itself { user.cudnn.to_string() } else { format!("{} of {}", user.cudnn, user.shown) };
        let standing = standing_at(environment, user.place, user.reason.is_some());
        // A wheel or a file says it more exactly than what follows from a framework.
        let better = |other: &CudnnUser| other.how == CudaUse::Wheel && other.cudnn.major() == user.cudnn.major();
        let told = !itself && users.iter().any(better);
        if !told && !found.iter().any(|it| it.text == text) {
            found.push(Value { text, key: user.cudnn.to_string(), standing, place: user.place, lent: false });
        }
    }
    if found.is_empty() {
        found.extend(environment.cudnns().iter().map(|seen| value(seen, seen.value.to_string())));
    }
    found
}

/// The weight of what stands at a place, unless knowledge had to add to it.
fn standing_at(environment: &Environment, place: Place, by_knowledge: bool) -> Standing {
    if by_knowledge {
        return Standing::Implied;
    }
    let here = |at: Place| at.file == place.file && at.span.start <= place.span.start && place.span.end <= at.span.end;
    let implied = environment.implied().iter().map(|it| &it.fact);
    let stated = environment.facts().iter().chain(implied).filter(|fact| here(fact.place)).map(|fact| fact.standing);
    stated.max().unwrap_or(Standing::Declared)
}

fn system(environment: &Environment) -> Vec<Value> {
    let mut found = Vec::new();
    let distribution = environment.distribution();
    match (&distribution, environment.os()) {
        (Some(seen), _) => found.push(value(seen, seen.value.clone())),
        (None, Some(seen)) => found.push(value(&seen, seen.value.clone())),
        (None, None) => {}
    }
    if let Some(seen) = environment.architecture() {
        found.push(value(&seen, seen.value.clone()));
    }
    if let Some(seen) = environment.libc() {
        let version = seen.value.version.to_string();
        let text =
            if seen.value.family == "musl" { "musl".to_owned() } else { format!("{} {version}", seen.value.family) };
        found.push(value(&seen, text));
    }
    found
}

fn frameworks(environment: &Environment) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for seen in environment.servers() {
        let version = seen.value.version.as_deref().unwrap_or_default();
        found.push(value(&seen, format!("{} {version}", seen.value.name).trim_end().to_owned()));
    }
    for seen in environment.libraries() {
        let version = seen.value.version.as_ref().map(ToString::to_string).unwrap_or_default();
        found.push(value(&seen, format!("{} {version}", seen.value.name).trim_end().to_owned()));
    }
    // Two files may tell of one server, each as well as it can.
    let texts: Vec<String> = found.iter().map(|it| it.text.clone()).collect();
    found.retain(|it| !texts.iter().any(|text| text.starts_with(&format!("{} ", it.text))));
    for view in FRAMEWORKS.split(' ').filter_map(|name| environment.package(name)) {
        let text = format!("{} {}", view.name, view.shown());
        found.push(Value { key: text.clone(), text, standing: view.standing, place: view.place(), lent: false });
    }
    found
}

fn models(environment: &Environment) -> Vec<Value> {
    environment.models().iter().map(|seen| value(seen, model(seen.value))).collect()
}

/// `model.onnx (opset 17, IR 8)`.
fn model(model: &Model) -> String {
    let name = model.path.rsplit('/').next().unwrap_or(&model.path);
    let mut about = Vec::new();
    if let Some(opset) = model.opsets.get("ai.onnx") {
        about.push(format!("opset {}", opset.0));
    }
    if let Some(ir) = model.ir_version {
        about.push(format!("IR {}", ir.0));
    }
    if let (true, Some(format)) = (about.is_empty(), &model.format) {
        about.push(format.clone());
    }
    if let Some(producer) = &model.producer {
        let version = producer.version.as_deref().unwrap_or_default();
        about.push(format!("{} {version}", producer.name).trim_end().to_owned());
    }
    if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join(", ")) }
}

/// How the picture is to be read.
pub(super) fn legend(out: &mut String) {
    out.push_str(
        "<p class=\"legend quiet\"><b>observed</b>: seen on a machine. <b>declared</b>: a file asks for it. <b>implied</b>: follows \
         from one of these by envcheck's knowledge. Dashed: nothing says what is there. A code marks the link that does not hold.</p>\n",
    );
}
