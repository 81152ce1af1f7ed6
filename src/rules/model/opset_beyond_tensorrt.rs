use super::opset_too_new::{is_onnx, opset_place};
use crate::{
    environment::{Environment, Seen},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
    text::Place,
    version::TensorRtVersion,
};

rule! {
    /// A model's operator set is newer than TensorRT's parser reads.
    ///
    /// ## Why it matters
    ///
    /// Where TensorRT itself builds the engine from the ONNX file, its parser stops at operators of an operator set that it
    /// does not know. Serving with ONNX Runtime is another matter: what its TensorRT provider does not take runs elsewhere.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx: opset 20      serve.lock: [gpu] tensorrt = "8.6.1"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Export with an operator set that the parser reads, or upgrade TensorRT.
    pub(crate) static RULE {
        code: "EC207",
        name: "opset-beyond-tensorrt",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let serving = ctx.serving;
    if !is_onnx(model.value) || !serving.onnx_runtimes(ctx.knowledge).is_empty() {
        return;
    }
    let Some(opset) = model.value.opsets.get("ai.onnx") else { return };
    let Some((version, place)) = tensorrt(serving) else { return };
    let Some((row, provenance)) = ctx.knowledge.tensorrt_parser(&version) else { return };
    if *opset <= row.opset {
        return;
    }
    let limit = row.opset;
    let severity = if provenance.grounds == Grounds::Error { Severity::Error } else { Severity::Warning };
    let claim = format!("the ONNX parser of TensorRT {} reads operator sets up to {limit}", row.release);
    out.findings.push(
        RULE.finding(format!("opset {opset} of ai.onnx is newer than TensorRT {version} parses ({limit})"))
            .severity(severity)
            .primary(&side.name, opset_place(model, "ai.onnx"), format!("imports ai.onnx {opset}"))
            .label(&serving.name, place, format!("parses up to {limit}"))
            .about(["tensorrt", "onnx-opset", "model"])
            .because(Reason { claim, provenance })
            .help(format!("export the model with opset {limit} or older, or serve with a newer TensorRT")),
    );
}

/// The TensorRT of serving: of the system, or the package.
fn tensorrt(serving: &Environment) -> Option<(TensorRtVersion, Place)> {
    let system = serving.tensorrts().into_iter().next().map(|seen| (seen.value.clone(), seen.place));
    system.or_else(|| {
        ["tensorrt", "tensorrt-cu11", "tensorrt-cu12", "tensorrt-cu13"].into_iter().find_map(|name| {
            let view = serving.package(name)?;
            let version = view.pin()?.only_release().to_string().parse().ok()?;
            Some((version, view.place()))
        })
    })
}
