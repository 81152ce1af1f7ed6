use super::opset_too_new::evidence;
use crate::{
    environment::{Environment, OnnxRuntime, Seen},
    fact::{Model, RefusedForm},
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
    /// Its own operators (`com.microsoft`) grow from release to release without a new number: a node that a newer tool wrote
    /// may have inputs or attributes that an older runtime refuses.
    /// It refuses nodes, too, that are given shapes which do not fit, an axis that is not there, or lists of the wrong length;
    /// some releases look closer than others.
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
        newer_forms(ctx, side, model, &runtime, out);
        let minded: Vec<String> = model
            .value
            .lesser_faults
            .iter()
            .filter(|(insistence, _)| {
                let lets_pass = |row: &RuntimeRelease| (!row.insists_on(*insistence)).into();
                runtime.accepts(ctx.knowledge, lets_pass).violated()
            })
            .map(|(_, text)| text.clone())
            .chain(model.value.dated_faults.iter().filter(|fault| is_refused(ctx, &runtime, fault)).map(|fault| fault.text.clone()))
            .collect();
        if minded.is_empty() {
            continue;
        }
        let finding = start(&minded).label(&ctx.serving.name, runtime.place, runtime.shown.clone());
        out.findings.push(match evidence(ctx.knowledge, &runtime, |_| "refuses this, other releases let it pass".to_owned()) {
            Some(reason) => finding.because(reason),
            None => finding,
        });
    }
}

/// Whether every release that may run refuses something.
fn is_refused(ctx: &Context<'_>, runtime: &OnnxRuntime, form: &RefusedForm) -> bool {
    let accepts = |row: &RuntimeRelease| (!form.is_refused_by(&row.version.0)).into();
    runtime.accepts(ctx.knowledge, accepts).violated()
}

/// Nodes of ONNX Runtime's own operators in a form that a release does not know.
fn newer_forms(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let refused: Vec<&RefusedForm> =
        model.value.refused_forms.iter().filter(|form| is_refused(ctx, runtime, form)).collect();
    if refused.is_empty() {
        return;
    }
    let texts: Vec<&str> = refused.iter().map(|form| form.text.as_str()).collect();
    let accepts = |row: &RuntimeRelease| refused.iter().all(|form| !form.is_refused_by(&row.version.0));
    let newer = ctx.knowledge.first_runtime(|row| accepts(row) && row.opset >= runtime.newest(ctx.knowledge).and_then(|it| it.opset));
    let help = match newer {
        Some(row) => format!("serve with {} {} or newer, or make the model with tools of {}", runtime.component, row.version, runtime.shown),
        None => "make the model again with tools of the release that serves it".to_owned(),
    };
    out.findings.push(
        RULE.finding(format!("{} does not know the form of nodes of {}: {}", runtime.shown, model.value.path, listed_up_to(&texts, 3)))
            .primary(&side.name, model.place, "the model")
            .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
            .about(["model", "onnx-operator", runtime.component.as_str()])
            .because(ctx.knowledge.statement("onnxruntime-own-forms"))
            .help(help),
    );
}
