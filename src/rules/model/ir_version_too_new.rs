use super::opset_too_new::{evidence, newest_known, reads_ir};
use crate::{
    environment::{Environment, Seen, first_for},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context},
    text::Place,
    version::Truth,
};

rule! {
    /// A model file's IR version is newer than the serving ONNX Runtime reads.
    ///
    /// ## Why it matters
    ///
    /// The IR version is that of the file format, and it is checked before the operator sets and apart from them. A new
    /// `onnx` package at export writes a newer IR than the operators need, so that a model fails to load although all of its
    /// operators are known.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx:             ir_version 10
    /// serve/requirements.txt: onnxruntime==1.17.1      (reads up to 9)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Serve with the release that the help names, or save the model with a lower `ir_version`, which is safe if it uses no
    /// feature of the newer one.
    pub(crate) static RULE {
        code: "EC202",
        name: "ir-version-too-new",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let Some(ir) = model.value.ir_version else { return };
    for runtime in ctx.serving.onnx_runtimes(ctx.knowledge) {
        let verdict = runtime.accepts(ctx.knowledge, |row| reads_ir(row, ir));
        let limit = runtime.newest(ctx.knowledge).and_then(|row| row.ir);
        let needed = first_for(ctx.knowledge, model.value);
        if verdict == Truth::Undecided {
            if let (Some(needed), Some(_)) = (needed, limit) {
                out.undecided.push(RULE.undecided(
                    format!("{} may be too old for IR version {ir} of {}", runtime.shown, model.value.path),
                    format!("pin {} to {} or newer", runtime.component, needed.version),
                ));
            }
            continue;
        }
        let (Truth::Violated, Some(limit)) = (verdict, limit) else { continue };
        let place = model.value.ir_span.map_or(model.place, |span| Place { file: model.place.file, span });
        let lower = format!("save the model with ir_version {limit} if it uses no newer feature");
        let mut finding = RULE
            .finding(format!("IR version {ir} is newer than {} reads ({limit})", runtime.shown))
            .primary(&side.name, place, format!("IR version {ir}"))
            .label(&ctx.serving.name, runtime.place, format!("{} reads up to {limit}", runtime.shown))
            .about([runtime.component.as_str(), "onnx-ir", "model"])
            .help(match needed {
                Some(needed) => format!("serve with {} {} or newer, or {lower}", runtime.component, needed.version),
                None => format!("no ONNX Runtime up to {} reads it; {lower}", newest_known(ctx.knowledge)),
            });
        if let Some(reason) = evidence(ctx.knowledge, &runtime, |_| format!("reads IR versions up to {limit}")) {
            finding = finding.because(reason);
        }
        out.findings.push(finding);
    }
}
