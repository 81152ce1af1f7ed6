use super::opset_too_new::{evidence, is_onnx};
use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context},
    version::Opset,
};

rule! {
    /// Training's exporter writes a newer operator set by default than serving reads.
    ///
    /// ## Why it matters
    ///
    /// `torch.onnx.export` without `opset_version` writes the default of its release, and so do skl2onnx and tf2onnx. An
    /// upgrade of training then makes models that the unchanged server refuses. This is told before any model exists; where
    /// a model is at hand, opset-too-new looks at the model itself.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/requirements.txt: torch==2.9.1, onnx==1.19.0
    /// serve/requirements.txt: onnxruntime==1.16.3
    /// ```
    ///
    /// ## How to fix
    ///
    /// Name the operator set in the export, or upgrade the runtime.
    pub(crate) static RULE {
        code: "EC208",
        name: "exporter-ahead-of-runtime",
        impact: Impact::LoadFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    if ctx.models().iter().any(|(_, model)| is_onnx(model.value)) {
        return;
    }
    let runtimes = serving.onnx_runtimes(ctx.knowledge);
    let [runtime] = runtimes.as_slice() else { return };
    let Some(limit) = runtime.newest(ctx.knowledge).filter(|_| runtime.pinned).and_then(|row| row.opset) else { return };
    let onnx = training.package("onnx");
    let written = onnx.and_then(|view| view.pin()).and_then(|version| ctx.knowledge.onnx_writes(version));
    for name in ["torch", "skl2onnx", "tf2onnx"] {
        let Some(view) = training.package(name) else { continue };
        // Without the onnx package beside it, torch is hardly used to export.
        if name == "torch" && onnx.is_none() {
            continue;
        }
        let Some((row, provenance)) = view.pin().and_then(|version| ctx.knowledge.exported_opset(name, version)) else {
            continue;
        };
        // skl2onnx stops at what the onnx package beside it knows.
        let opset: Opset = if name == "skl2onnx" { written.map_or(row.opset, |it| it.min(row.opset)) } else { row.opset };
        if opset <= limit {
            continue;
        }
        let claim = format!("{name} {} writes opset {opset} of ai.onnx unless told otherwise", view.shown());
        let mut finding = RULE
            .finding(format!("{name} {} exports opset {opset} by default, and {} reads up to {limit}", view.shown(), runtime.shown))
            .primary(&training.name, view.place(), format!("exports opset {opset} by default"))
            .label(&serving.name, runtime.place, format!("reads up to opset {limit}"))
            .about([name, runtime.component.as_str(), "onnx-opset"])
            .because(Reason { claim, provenance })
            .help(format!("export with opset_version={limit}, or upgrade {} in serving", runtime.component));
        if let Some(reason) = evidence(ctx.knowledge, runtime, |_| format!("accepts ai.onnx up to {limit}")) {
            finding = finding.because(reason);
        }
        out.findings.push(finding);
    }
}
