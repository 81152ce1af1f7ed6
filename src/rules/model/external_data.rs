use super::opset_too_new::evidence;
use crate::{
    environment::{Environment, Seen},
    fact::{ExternalData, ExternalFile, Model},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, listed_up_to},
    version::Truth,
};

rule! {
    /// The weights that a model keeps in other files are not there, or are not what the model says.
    ///
    /// ## Why it matters
    ///
    /// A model of more than 2 GB keeps its weights in files beside it, and names them with offset and length. Where such a
    /// file was not copied along, was cut off, or is a folder, the session fails. A path that leaves the folder of the model
    /// is refused by ONNX Runtime 1.24.1 and newer.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx: weights in `model.onnx.data`      (no such file in the image)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Ship the files with the model, below its folder, as they were when it was exported.
    pub(crate) static RULE {
        code: "EC212",
        name: "external-data",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let path = &model.value.path;
    // What nothing uses is dropped before anybody looks for it.
    let broken = |external: &&ExternalData| external.is_used && what(external).is_some();
    let files: Vec<&ExternalData> = model.value.external_data.iter().filter(broken).collect();
    if let Some(first) = files.first() {
        let texts: Vec<String> = files.iter().filter_map(|it| what(it)).collect();
        let tensors: u64 = files.iter().map(|it| it.tensors).sum();
        let noun = if tensors == 1 { "a tensor" } else { "tensors" };
        out.findings.push(
            RULE.finding(format!("{path} keeps {noun} in files that it cannot load: {}", listed_up_to(&texts, 3)))
                .primary(&side.name, model.place, format!("{} of them in `{}`", first.tensors, first.location))
                .about(["model"])
                .because(ctx.knowledge.statement("onnx-external-data"))
                .help("ship the files beside the model, as they were exported; a copy that git LFS or a download left out is fetched again"),
        );
    }
    if !model.value.external_faults.is_empty() {
        let texts = &model.value.external_faults;
        out.findings.push(
            RULE.finding(format!("{path} describes tensors outside the model wrongly: {}", listed_up_to(texts, 3)))
                .primary(&side.name, model.place, "the model")
                .about(["model"])
                .because(ctx.knowledge.statement("onnx-external-data"))
                .help("export the model again"),
        );
    }
    outside(ctx, side, model, out);
}

/// What is wrong with a file, if anything is.
fn what(external: &ExternalData) -> Option<String> {
    let location = &external.location;
    match (external.found, external.used_bytes) {
        (ExternalFile::Missing, _) => Some(format!("there is no `{location}`")),
        (ExternalFile::NoFile, _) => Some(format!("`{location}` is no file")),
        (ExternalFile::Bytes(bytes), Some(needed)) if bytes < needed => {
            Some(format!("`{location}` has {bytes} bytes of the {needed} that are asked for"))
        }
        _ => None,
    }
}

fn outside(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let leaves = |it: &&ExternalData| it.found == ExternalFile::Outside;
    let Some(external) = model.value.external_data.iter().find(leaves) else { return };
    for runtime in ctx.serving.onnx_runtimes(ctx.knowledge) {
        let accepts = runtime.accepts(ctx.knowledge, |row| (row.inside_only != Some(true)).into());
        let severity = if accepts == Truth::Violated { Severity::Error } else { Severity::Warning };
        let finding = RULE
            .finding(format!("{} keeps weights outside its folder, in `{}`", model.value.path, external.location))
            .severity(severity)
            .primary(&side.name, model.place, "the model")
            .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
            .about(["model", runtime.component.as_str()])
            .help("move the file below the folder of the model and export again, or store the weights inside");
        let reason = evidence(ctx.knowledge, &runtime, |row| {
            let refuses = row.inside_only == Some(true);
            if refuses { "refuses external data outside the folder of the model" } else { "reads it, releases from 1.24.1 on refuse it" }.to_owned()
        });
        out.findings.push(match reason {
            Some(reason) => finding.because(reason),
            None => finding,
        });
    }
}
