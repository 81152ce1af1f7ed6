use crate::{
    environment::{Environment, Seen},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
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
    let faults = &model.value.faults;
    if faults.is_empty() {
        return;
    }
    out.findings.push(
        RULE.finding(format!("{} breaks the rules of ONNX: {}", model.value.path, listed_up_to(faults, 3)))
            .primary(&side.name, model.place, "the model")
            .about(["model", "onnx-operator"])
            .because(ctx.knowledge.statement("onnx-node-form"))
            .help("export the model again with the operator set that is wanted, or convert it with onnx.version_converter"),
    );
}
