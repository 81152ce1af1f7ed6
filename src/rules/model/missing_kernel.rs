use std::collections::BTreeSet;

use crate::{
    environment::{Environment, OnnxRuntime, Seen},
    fact::{Model, OperatorUse, Typing},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Knowledge, Provenance, Reason,
        kernel::{Computes, ElementType, Provider, Usage},
        onnx::RuntimeRelease,
    },
    rules::{Check, Context, listed, listed_up_to},
    text::Place,
    version::Truth,
};

rule! {
    /// ONNX Runtime has no kernel for an operator with the element types that a model gives it.
    ///
    /// ## Why it matters
    ///
    /// An operator set says which types an operator may have; a kernel exists only for some of them, and each release and
    /// execution provider has its own. Where the CPU provider has none, the session fails (`NOT_IMPLEMENTED: Could not find
    /// an implementation`): bfloat16, float64 and four-bit integers are the usual ones. float16 usually loads, since casts to
    /// float32 are put around the node, and is then no faster. Where only the CUDA provider has none, the node runs on the
    /// CPU and its values are copied to and fro.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx:             Conv of bfloat16
    /// serve/requirements.txt: onnxruntime==1.17.1      (a CPU kernel for float32 only)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Serve with the release that the help names, or export the model with element types that have kernels.
    pub(crate) static RULE {
        code: "EC210",
        name: "missing-kernel",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

/// Builds whose providers the table lists: the others bring kernels of their own.
const LISTED: [&str; 2] = ["onnxruntime", "onnxruntime-gpu"];

/// Operators with the attribute `layout`.
const RECURRENT: [&str; 3] = ["GRU", "LSTM", "RNN"];

/// An operator with one set of element types.
#[derive(Clone, Copy)]
struct Node<'a> {
    domain: &'a str,
    name: &'a str,
    used: &'a OperatorUse,
    typing: &'a Typing,
}

impl<'a> Node<'a> {
    fn usage(&self) -> Usage<'a> {
        let Node { domain, name, typing, .. } = *self;
        Usage { domain, name, since: typing.since.0, types: &typing.types, is_function: typing.is_function }
    }

    /// `Conv of bfloat16`.
    fn shown(&self, of_types: bool) -> String {
        let domain = if self.domain == "ai.onnx" { String::new() } else { format!("{}:", self.domain) };
        let mut types: Vec<&str> = self.typing.types.iter().map(|(_, element)| element.as_str()).collect();
        types.dedup();
        if of_types && !types.is_empty() {
            format!("{domain}{} of {}", self.name, listed(&types))
        } else {
            format!("{domain}{} of opset {}", self.name, self.typing.since)
        }
    }

    fn label(&self) -> String {
        let nodes = if self.typing.count == 1 { "1 node".to_owned() } else { format!("{} nodes", self.typing.count) };
        if self.typing.first_node.is_empty() { nodes } else { format!("{nodes}, first `{}`", self.typing.first_node) }
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let asks_elsewhere = ctx.serving.asks_for_tensorrt();
    for runtime in ctx.serving.onnx_runtimes(ctx.knowledge) {
        // A release that refuses the operator set or the format says so itself.
        let refused = runtime.accepts(ctx.knowledge, |row| refuses(row, model.value));
        if !LISTED.contains(&runtime.component.as_str()) || asks_elsewhere || !refused.holds() {
            continue;
        }
        let gpu = runtime.component == "onnxruntime-gpu";
        if not_carried(ctx, side, model, &runtime, out) {
            continue;
        }
        unlisted(ctx, side, model, &runtime, out);
        recurrent(ctx, side, model, &runtime, out);
        let mut missing: Vec<(Node<'_>, bool, Provenance)> = Vec::new();
        let (mut cast, mut off_gpu) = (Vec::new(), Vec::new());
        for node in nodes(model.value) {
            match fate(ctx.knowledge, &runtime, gpu, node) {
                Fate::Missing { of_types, by } => missing.push((node, of_types, by)),
                Fate::Cast => cast.push(node),
                Fate::OffGpu => off_gpu.push(node),
                Fate::Fine => {}
            }
        }
        let on_gpu = gpu && ctx.serving.device().is_none_or(|(device, _)| device == "cuda");
        if on_gpu {
            unknown_kernels(ctx, &runtime, out);
        }
        let place = |node: &Node<'_>| node.used.span.map_or(model.place, |span| Place { file: model.place.file, span });
        let start = |message: String, nodes: &[Node<'_>]| {
            let finding = RULE
                .finding(message)
                .about(["onnx-operator", "model", runtime.component.as_str()])
                .primary(&side.name, place(&nodes[0]), nodes[0].label());
            let finding = nodes[1..].iter().take(3).fold(finding, |finding, node| finding.label(&side.name, place(node), node.label()));
            finding.label(&ctx.serving.name, runtime.place, runtime.shown.clone())
        };
        if let Some((_, of_types, by)) = missing.first() {
            let all: Vec<Node<'_>> = missing.iter().map(|(node, ..)| *node).collect();
            let names = names(&missing.iter().map(|(node, of_types, _)| node.shown(*of_types)).collect::<Vec<_>>());
            let what = if *of_types { "for these element types" } else { "for this version of the operator" };
            let claim = format!("{} lists no kernel of the CPU provider {what}", runtime.shown);
            let finding = start(format!("{} has no kernel for {names}", runtime.shown), &all);
            out.findings.push(finding.because(Reason { claim, provenance: by.clone() }).help(help(ctx.knowledge, model.value, &runtime, &all)));
        } else if !cast.is_empty() && !gpu {
            out.findings.push(remark(start, &cast, &format!("{} computes float16 in float32 on the CPU, between casts:", runtime.shown))
                .help("serve it on a GPU, or export the model in float32, which is as fast there"));
        }
        if !off_gpu.is_empty() && on_gpu {
            out.findings.push(remark(start, &off_gpu, &format!("{} has no CUDA kernel, so these run on the CPU:", runtime.shown))
                .help("measure whether the copies between GPU and CPU matter; other element types or operators may have a kernel"));
        }
    }
}

/// Says, once for all models, that nobody listed the CUDA kernels of a release.
fn unknown_kernels(ctx: &Context<'_>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let releases = runtime.candidates(ctx.knowledge);
    if !releases.iter().any(|row| ctx.knowledge.kernels_are_known(Provider::Cuda, &row.version.0)) {
        out.undecided.push(RULE.undecided(
            format!("the CUDA kernels of {} are not known, so neither is what runs on the CPU", runtime.shown),
            String::new(),
        ));
    }
}

/// Says that a release cannot carry an element type at all.
fn not_carried(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) -> bool {
    let knowledge = ctx.knowledge;
    // Weights and constants that nothing uses are dropped before anybody looks at their type.
    let computed = nodes(model.value).filter(|node| node.name != "Constant");
    let computed = computed.flat_map(|node| node.typing.types.iter().map(|(_, element)| element.as_str()));
    let passed = model.value.inputs.iter().chain(&model.value.outputs).filter_map(|it| it.dtype.as_deref());
    let elements: BTreeSet<&str> = computed.chain(passed).collect();
    let lacking: Vec<(&str, &ElementType, Provenance)> = elements
        .into_iter()
        .filter(|element| {
            runtime.accepts(knowledge, |row| knowledge.not_carried(element, &row.version.0).is_none().into()).violated()
        })
        .filter_map(|element| {
            let (row, by) = knowledge.not_carried(element, &runtime.newest(knowledge)?.version.0)?;
            Some((element, row, by))
        })
        .collect();
    let Some((_, row, by)) = lacking.iter().max_by_key(|(_, row, by)| (row.first.is_none(), row.first.clone(), by.grounds)) else {
        return false;
    };
    let names: Vec<&str> = lacking.iter().map(|(element, ..)| *element).collect();
    let (claim, help) = match &row.first {
        Some(first) => (
            format!("ONNX Runtime carries {} from {first} on", row.name),
            format!("serve with {} {first} or newer, or export the model with other element types", runtime.component),
        ),
        None => (
            format!("no release of ONNX Runtime carries {}", row.name),
            "export the model with other element types".to_owned(),
        ),
    };
    out.findings.push(
        RULE.finding(format!("{} has values of {}, which {} cannot hold", model.value.path, listed(&names), runtime.shown))
            .severity(if by.grounds == Grounds::Error { Severity::Error } else { Severity::Warning })
            .primary(&side.name, model.place, "the model")
            .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
            .about(["onnx-operator", "model", runtime.component.as_str()])
            .because(Reason { claim, provenance: by.clone() })
            .help(help),
    );
    true
}

/// Operators that no release of ONNX Runtime has, although its own domain or its default one is meant to have them.
fn unlisted(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let knowledge = ctx.knowledge;
    let own = model.value.operators.get("com.microsoft").into_iter().flatten();
    let own = own.filter(|(name, used)| used.is_unlisted && used.resolved.is_some() && !knowledge.has_kernel("com.microsoft", name));
    let own = own.map(|(name, used)| (format!("com.microsoft:{name}"), used, knowledge.kernels_witness(Provider::Cpu)));
    let added = model.value.operators.get("ai.onnx").into_iter().flatten();
    let added = added.filter_map(|(name, used)| {
        let (low, _) = used.resolved?;
        Some((name.clone(), used, knowledge.runtime_operator_off_cpu(name, low)?))
    });
    let known = runtime.candidates(knowledge);
    let all: Vec<(String, &OperatorUse, Provenance)> = own.chain(added).collect();
    let Some((_, used, by)) = all.first() else { return };
    if known.is_empty() || runtime.versions.is_open_above() || !known.iter().all(|row| knowledge.kernels_are_known(Provider::Cpu, &row.version.0)) {
        return;
    }
    let names: Vec<&str> = all.iter().map(|(name, ..)| name.as_str()).collect();
    let place = used.span.map_or(model.place, |span| Place { file: model.place.file, span });
    let claim = format!("no known release of ONNX Runtime computes {} on the CPU", listed_up_to(&names, 4));
    out.findings.push(
        RULE.finding(format!("{} has no kernel for {}", runtime.shown, listed_up_to(&names, 4)))
            .about(["onnx-operator", "model", runtime.component.as_str()])
            .primary(&side.name, place, format!("first node `{}`", used.first_node))
            .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
            .because(Reason { claim, provenance: by.clone() })
            .help("give the node the domain that its operator belongs to, or export the model without it"),
    );
}

/// Recurrent layers that no kernel computes as they are written.
fn recurrent(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let operators = model.value.operators.get("ai.onnx").into_iter().flatten();
    let layers: Vec<(&String, &OperatorUse)> =
        operators.filter(|(name, used)| RECURRENT.contains(&name.as_str()) && used.resolved.is_some()).collect();
    if runtime.candidates(ctx.knowledge).is_empty() || runtime.versions.is_open_above() {
        return;
    }
    let refused = [
        (
            "with the batch first (`layout` 1)",
            "export the layer with layout 0, and transpose its inputs and outputs where the batch comes first",
            (|used| used.batchwise) as fn(&OperatorUse) -> u64,
        ),
        (
            "without `hidden_size`",
            "export the model again with the attribute, which the kernels need although ONNX does not",
            |used| used.unsized_nodes,
        ),
    ];
    for (what, help, count) in refused {
        let all: Vec<&(&String, &OperatorUse)> = layers.iter().filter(|(_, used)| count(used) > 0).collect();
        let Some((_, used)) = all.first() else { continue };
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let place = used.span.map_or(model.place, |span| Place { file: model.place.file, span });
        out.findings.push(
            RULE.finding(format!("{} has no kernel for {} {what}", runtime.shown, listed(&names)))
                .about(["onnx-operator", "model", runtime.component.as_str()])
                .primary(&side.name, place, format!("first node `{}`", used.first_node))
                .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
                .because(ctx.knowledge.statement("onnxruntime-layout"))
                .help(help),
        );
    }
}

fn remark(start: impl Fn(String, &[Node<'_>]) -> Finding, nodes: &[Node<'_>], says: &str) -> Finding {
    let count: u64 = nodes.iter().map(|node| node.typing.count).sum();
    let texts: Vec<String> = nodes.iter().map(|node| node.shown(true)).collect();
    let noun = if count == 1 { "node" } else { "nodes" };
    start(format!("{says} {count} {noun} ({})", names(&texts)), nodes).severity(Severity::Info).impact(Impact::Drift)
}

fn names(texts: &[String]) -> String {
    let mut texts = texts.to_vec();
    texts.dedup();
    listed_up_to(&texts, 4)
}

/// Every operator with every set of element types.
fn nodes(model: &Model) -> impl Iterator<Item = Node<'_>> {
    model.operators.iter().flat_map(|(domain, operators)| {
        operators.iter().flat_map(move |(name, used)| {
            used.typings.iter().map(move |typing| Node { domain, name, used, typing })
        })
    })
}

/// What becomes of an operator.
enum Fate {
    Fine,
    /// Cast to float32 and back.
    Cast,
    /// On the CPU although a GPU is there.
    OffGpu,
    /// The session fails.
    Missing { of_types: bool, by: Provenance },
}

/// The fate over all releases that the runtime may be: a failure must be one in all of them.
fn fate(knowledge: &Knowledge, runtime: &OnnxRuntime, gpu: bool, node: Node<'_>) -> Fate {
    let mut last = Fate::Fine;
    for row in runtime.candidates(knowledge) {
        let computes = |provider| knowledge.computes(provider, &row.version.0, node.usage());
        let cuda = if gpu { computes(Provider::Cuda) } else { Computes::Unknown };
        if gpu && matches!(cuda, Computes::Yes | Computes::ByCast | Computes::Unknown) {
            return Fate::Fine;
        }
        last = match computes(Provider::Cpu) {
            Computes::NoKernel(by) => Fate::Missing { of_types: false, by },
            Computes::NoKernelForTypes(by) => Fate::Missing { of_types: true, by },
            Computes::ByCast => Fate::Cast,
            Computes::Yes if gpu => Fate::OffGpu,
            Computes::Yes | Computes::Unknown => return Fate::Fine,
        };
    }
    if runtime.versions.is_open_above() { Fate::Fine } else { last }
}

fn refuses(row: &RuntimeRelease, model: &Model) -> Truth {
    let opset = model.opsets.get("ai.onnx").is_none_or(|opset| row.opset.is_none_or(|max| *opset <= max));
    let ml = model.opsets.get("ai.onnx.ml").is_none_or(|opset| row.ml_opset.is_none_or(|max| *opset <= max));
    let ir = model.ir_version.is_none_or(|ir| row.ir.is_none_or(|max| ir <= max));
    (opset && ml && ir && row.unchecked != Some(true)).into()
}

fn help(knowledge: &Knowledge, model: &Model, runtime: &OnnxRuntime, missing: &[Node<'_>]) -> String {
    let all = |row: &RuntimeRelease| {
        refuses(row, model).holds()
            && missing.iter().all(|node| {
                matches!(knowledge.computes(Provider::Cpu, &row.version.0, node.usage()), Computes::Yes | Computes::ByCast)
            })
    };
    let other = match missing {
        [only] if only.typing.types.is_empty() => "export the model with an older operator set",
        _ => "export the model with other element types, such as float32",
    };
    match knowledge.first_runtime(all) {
        Some(row) => format!("serve with {} {} or newer, or {other}", runtime.component, row.version),
        None => other.to_owned(),
    }
}
