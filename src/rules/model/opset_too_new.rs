use crate::{
    environment::{Environment, OnnxRuntime, Seen, first_for, highest_opset, supports},
    fact::{Insistence, Model},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Knowledge, Reason, onnx::RuntimeRelease},
    rules::{Check, Context},
    text::Place,
    version::{IrVersion, Opset, Truth},
};

rule! {
    /// A model imports an operator set that is newer than the serving ONNX Runtime supports.
    ///
    /// ## Why it matters
    ///
    /// ONNX Runtime refuses the model when the session is created. Every imported domain counts by itself: `ai.onnx.ml`
    /// is the one that surprises people. Releases before 1.2 check nothing and compute by the newest definition that they
    /// know, so that the answer is wrong without an error.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx:             opset_import ai.onnx 21
    /// serve/requirements.txt: onnxruntime==1.16.3      (supports 19)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Serve with the release that the help names, or export the model again with the older operator set.
    pub(crate) static RULE {
        code: "EC201",
        name: "opset-too-new",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let runtimes = ctx.serving.onnx_runtimes(ctx.knowledge);
    if runtimes.is_empty() && is_onnx(model.value) {
        out.undecided.push(RULE.undecided(
            format!("no ONNX Runtime is known for serving, so nothing is known of what reads {}", model.value.path),
            "add the serving requirements, or a [[library]] named onnxruntime to an envcheck lock",
        ));
    }
    for runtime in &runtimes {
        for (domain, opset) in &model.value.opsets {
            let verdict = runtime.accepts(ctx.knowledge, |row| supports(row, domain, *opset));
            match verdict {
                Truth::Violated => out.findings.push(too_new(ctx, side, model, runtime, domain, *opset)),
                Truth::Undecided if limit(runtime, ctx.knowledge, domain).is_some() => {
                    if let Some(needed) = first_for(ctx.knowledge, model.value) {
                        out.undecided.push(RULE.undecided(
                            format!("{} may be too old for {domain} {opset} of {}", runtime.shown, model.value.path),
                            format!("pin {} to {} or newer", runtime.component, needed.version),
                        ));
                    }
                }
                _ => {}
            }
        }
        functions(ctx, side, model, runtime, out);
        barely(ctx, side, model, runtime, out);
    }
}

/// The operator sets of the model's own functions are checked like those of the model.
fn functions(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let newer = |domain: &str, opset: &Opset| model.value.opsets.get(domain).is_none_or(|own| opset > own);
    let all = model.value.function_opsets.iter().flat_map(|(name, imports)| imports.iter().map(move |import| (name, import)));
    let accepts = |row: &RuntimeRelease, domain: &str, opset: Opset| {
        if row.insists_on(Insistence::FunctionOpset) { supports(row, domain, opset) } else { Truth::Holds }
    };
    let worst = all.filter(|(_, (domain, opset))| {
        newer(domain, opset) && runtime.accepts(ctx.knowledge, |row| accepts(row, domain, **opset)).violated()
    });
    if let Some((name, (domain, opset))) = worst.max_by_key(|(_, (_, opset))| **opset) {
        let mut finding = too_new(ctx, side, model, runtime, domain, *opset);
        finding.message = format!("{}, and function {name} imports it", finding.message);
        out.findings.push(finding);
    }
}

pub(super) fn is_onnx(model: &Model) -> bool {
    model.format.as_deref() == Some("onnx") || model.ir_version.is_some()
}

fn limit(runtime: &OnnxRuntime, knowledge: &Knowledge, domain: &str) -> Option<Opset> {
    highest_opset(runtime.newest(knowledge)?, domain)
}

fn too_new(
    ctx: &Context<'_>,
    side: &Environment,
    model: Seen<'_, Model>,
    runtime: &OnnxRuntime,
    domain: &str,
    opset: Opset,
) -> Finding {
    let limit = limit(runtime, ctx.knowledge, domain);
    let supported = limit.map_or_else(String::new, |limit| format!(" ({limit})"));
    let silent = runtime.newest(ctx.knowledge).is_some_and(|row| row.unchecked == Some(true));
    let message = format!("opset {opset} of {domain} is newer than {} supports{supported}", runtime.shown);
    let finding = RULE
        .finding(message)
        .impact(if silent { Impact::WrongResult } else { Impact::LoadFailure })
        .primary(&side.name, opset_place(model, domain), format!("imports {domain} {opset}"))
        .label(&ctx.serving.name, runtime.place, format!("{}{}", runtime.shown, limit.map_or_else(String::new, |limit| format!(" supports up to {limit}"))))
        .about([runtime.component.as_str(), "onnx-opset", "model"]);
    let said = if silent {
        "checks no operator set and computes by the definitions that it knows".to_owned()
    } else {
        limit.map_or_else(String::new, |limit| format!("accepts {domain} up to {limit}"))
    };
    let finding = match evidence(ctx.knowledge, runtime, |_| said.clone()) {
        Some(reason) => finding.because(reason),
        None => finding,
    };
    let again = limit.map_or_else(String::new, |limit| format!(", or export the model with {domain} {limit}"));
    finding.help(match first_for(ctx.knowledge, model.value) {
        Some(needed) => format!("serve with {} {} or newer{again}", runtime.component, needed.version),
        None => format!("no ONNX Runtime up to {} reads it{again}", newest_known(ctx.knowledge)),
    })
}

pub(super) fn newest_known(knowledge: &Knowledge) -> String {
    knowledge.newest_runtime().map(|row| row.version.to_string()).unwrap_or_default()
}

pub(super) fn opset_place(model: Seen<'_, Model>, domain: &str) -> Place {
    let span = model.value.opset_spans.get(domain);
    span.map_or(model.place, |span| Place { file: model.place.file, span: *span })
}

/// What was measured of the newest release that the runtime may be.
pub(super) fn evidence(knowledge: &Knowledge, runtime: &OnnxRuntime, says: impl Fn(&RuntimeRelease) -> String) -> Option<Reason> {
    let row = runtime.newest(knowledge)?;
    let claim = format!("ONNX Runtime {} {}", row.version, says(row));
    Some(Reason { claim, provenance: knowledge.onnxruntime_release.provenance(row) })
}

/// Accepted by the check, but the kernels of that release stop earlier.
fn barely(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, runtime: &OnnxRuntime, out: &mut Verdicts) {
    let Some(opset) = model.value.opsets.get("ai.onnx") else { return };
    let verdict = runtime.accepts(ctx.knowledge, |row| match (row.opset, row.usable_opset) {
        (Some(max), Some(usable)) => (*opset <= usable || *opset > max).into(),
        _ => Truth::Holds,
    });
    let usable = runtime.newest(ctx.knowledge).and_then(|row| row.usable_opset);
    let (Truth::Violated, Some(usable)) = (verdict, usable) else { return };
    let reason = evidence(ctx.knowledge, runtime, |_| format!("accepts opset {opset} but lacks kernels for Identity, Cast and others beyond {usable}"));
    let mut finding = RULE
        .finding(format!("{} accepts opset {opset} of ai.onnx, but has kernels for it up to {usable} only", runtime.shown))
        .severity(Severity::Warning)
        .primary(&side.name, opset_place(model, "ai.onnx"), format!("imports ai.onnx {opset}"))
        .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
        .about([runtime.component.as_str(), "onnx-opset", "model"]);
    if let Some(reason) = reason {
        finding = finding.because(reason);
    }
    if let Some(needed) = first_for(ctx.knowledge, model.value) {
        finding = finding.help(format!("serve with {} {} or newer, or export with opset {usable}", runtime.component, needed.version));
    }
    out.findings.push(finding);
}

/// Whether a release reads an IR version.
pub(super) fn reads_ir(row: &RuntimeRelease, ir: IrVersion) -> Truth {
    row.ir.map_or(Truth::Undecided, |max| (ir <= max).into())
}
