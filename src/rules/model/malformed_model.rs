use super::opset_too_new::evidence;
use crate::{
    environment::{Environment, Seen},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
    knowledge::onnx::RuntimeRelease,
    rules::{Check, Context, listed_up_to},
};

rule! {
    /// A model breaks the rules of its own operator sets.
    ///
    /// ## Why it matters
    ///
    /// Each version of an operator says how many inputs and outputs a node has and which attributes. A model whose operator
    /// set number was raised by hand, or that a tool converted by halves, still has nodes of the old form, and a weight that
    /// was cut off has fewer bytes than its shape says. ONNX Runtime refuses such a model, whatever its release.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx: opset_import ai.onnx 18, node ReduceMean with the attribute `axes`      (an input from 18 on)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Export the model again with the operator set that is wanted, or convert it with `onnx.version_converter`.
    pub(crate) static RULE {
        code: "EC213",
        name: "malformed-model",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let start = |faults: &[String]| {
        RULE.finding(format!("{} breaks the rules of ONNX: {}", model.value.path, listed_up_to(faults, 3)))
            .primary(&side.name, model.place, "the model")
            .about(["model", "onnx-operator"])
            .help("export the model again with the operator set that is wanted, or convert it with onnx.version_converter")
    };
    if !model.value.faults.is_empty() {
        out.findings.push(start(&model.value.faults).because(ctx.knowledge.statement("onnx-node-form")));
        return;
    }
    for runtime in ctx.serving.onnx_runtimes(ctx.knowledge) {
        let minded: Vec<String> = model
            .value
            .lesser_faults
            .iter()
            .filter(|(insistence, _)| {
                let lets_pass = |row: &RuntimeRelease| (!row.insists_on(*insistence)).into();
                runtime.accepts(ctx.knowledge, lets_pass).violated()
            })
            .map(|(_, text)| text.clone())
            .collect();
        if minded.is_empty() {
            continue;
        }
        let finding = start(&minded).label(&ctx.serving.name, runtime.place, runtime.shown.clone());
        out.findings.push(match evidence(ctx.knowledge, &runtime, |_| "refuses this, older releases let it pass".to_owned()) {
            Some(reason) => finding.because(reason),
            None => finding,
        });
    }
}
