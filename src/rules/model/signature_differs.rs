use crate::{
    environment::{Environment, Side},
    fact::Witness,
    finding::{Finding, Impact, Severity, Verdicts},
    rules::{
        Check, Context, listed_up_to,
        signature::{Difference, differences},
        testimony::{Testimony, subjects},
    },
};

rule! {
    /// A model's inputs or outputs are not those that serving, training or the server's configuration expects.
    ///
    /// The model that serving loads is compared with training's file of the same name (or the only one), with what
    /// `envcheck.toml` or an envcheck lock declares, with Triton's `config.pbtxt`, and with the tensors of the signature in an
    /// `MLmodel`. Names of dimensions do not matter, and an unknown rank or type decides nothing.
    ///
    /// ## Why it matters
    ///
    /// ONNX Runtime refuses a request with another element type, rank, fixed size or name of an input, and for an output
    /// that is gone; Triton does not even load a model that is not what its configuration says: errors. So is a size that
    /// training or a declaration leaves open under a name and the model fixes, the batch above all; where it was only not
    /// stated, it is a warning. Answers of another type, rank, size or order are given all the same, and whoever reads them
    /// may take them for something else: warnings. A new output and another order of inputs are told as information. What
    /// is only declared on both sides, of a format that nothing is known of, is never more than a warning.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/ranker.onnx: input features float32[batch,512]
    /// serve/ranker.onnx: input features float16[1,512]
    /// ```
    ///
    /// ## How to fix
    ///
    /// Export the model again with the signature that its callers use, or change callers and declarations together with it.
    pub(crate) static RULE {
        code: "EC209",
        name: "signature-differs",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// Points that a message names.
const NAMED: usize = 3;

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training {
        return; // Both sides are looked at once.
    }
    for subject in subjects(ctx) {
        let mut said: Vec<(Vec<String>, usize)> = Vec::new();
        for other in &subject.others {
            let found = differences(&subject.first, other);
            if found.is_empty() {
                continue;
            }
            // Who expects the same belongs to the same finding.
            let clauses: Vec<String> = found.iter().map(|it| it.clause.clone()).collect();
            if let Some((_, at)) = said.iter().find(|(known, _)| *known == clauses) {
                let finding = out.findings.remove(*at);
                out.findings.insert(*at, labelled(finding, other, &found));
                continue;
            }
            said.push((clauses, out.findings.len()));
            out.findings.push(finding(ctx, &subject.first, other, &found));
        }
    }
}

fn finding(ctx: &Context<'_>, model: &Testimony<'_>, other: &Testimony<'_>, found: &[Difference]) -> Finding {
    let mut found = found.to_vec();
    found.sort_by_key(|it| std::cmp::Reverse(it.severity));
    let clauses: Vec<&str> = found.iter().map(|it| it.clause.as_str()).collect();
    let what = listed_up_to(&clauses, NAMED);
    let worst = &found[0];
    // What a backend that nobody knows does with a model is not known either.
    let foreign = matches!(&other.model.value.witness, Witness::Triton(config) if config.foreign);
    let onnx = !foreign && (model.is_file() || model.model.value.format.as_deref() == Some("onnx"));
    let declared = if model.is_file() { "" } else { " as it is declared" };
    let mut finding = RULE
        .finding(format!("{}{declared} does not match {}: {what}", model.path(), name(model, other)))
        .severity(if onnx { worst.severity } else { worst.severity.min(Severity::Warning) })
        .impact(worst.impact)
        .about(["signature", "model"]);
    if found.iter().any(|it| it.is_type) {
        finding = finding.about(["onnx-dtype"]);
    }
    // Of one tensor there is one label, whatever is different about it.
    let here = texts(found.iter().filter_map(|it| it.here.as_ref()));
    for (place, text) in &here {
        finding = finding.primary(&model.side.name, *place, text.clone());
    }
    if here.is_empty() {
        finding = finding.primary(&model.side.name, model.model.place, "the model");
    }
    finding = labelled(finding, other, &found);
    let triton = matches!(other.model.value.witness, Witness::Triton(_));
    if onnx && worst.severity > Severity::Info && worst.impact == Impact::LoadFailure {
        let statement = if triton { "triton-onnx-signature" } else { "onnxruntime-feed" };
        finding = finding.because(ctx.knowledge.statement(statement));
        if other.model.value.witness == Witness::Mlflow {
            finding = finding.because(ctx.knowledge.statement("mlflow-signature"));
        }
    }
    if worst.severity == Severity::Info {
        return finding.help("see whether anything counts inputs or outputs by their position");
    }
    let again = if found.iter().any(|it| it.clause.contains("fixed to")) {
        "export the model with that axis left variable"
    } else {
        "export the model with the signature that is expected"
    };
    finding.help(match &other.model.value.witness {
        Witness::Triton(_) => format!("correct the configuration, or {again}"),
        Witness::Mlflow => format!("log the model again with a signature that fits, or {again}"),
        Witness::Declaration => format!("{again}, or change the declaration together with the callers"),
        Witness::File => format!("{again}, or change what sends requests and reads answers together with it"),
    })
}

/// Points at what the other side expects.
fn labelled(mut finding: Finding, other: &Testimony<'_>, found: &[Difference]) -> Finding {
    let there = texts(found.iter().filter_map(|it| it.there.as_ref()));
    for (place, text) in &there {
        finding = finding.label(&other.side.name, *place, format!("expects {text}"));
    }
    if there.is_empty() {
        finding = finding.label(&other.side.name, other.model.place, "lists nothing of the kind");
    }
    finding
}

/// The texts of each place in one.
fn texts<'d>(all: impl Iterator<Item = &'d (crate::text::Place, String)>) -> Vec<(crate::text::Place, String)> {
    let mut out: Vec<(crate::text::Place, String)> = Vec::new();
    for (place, text) in all {
        match out.iter_mut().find(|(known, _)| known == place) {
            Some((_, known)) => *known = format!("{known}, {text}"),
            None => out.push((*place, text.clone())),
        }
    }
    out
}

/// How the other statement is called beside the model.
fn name(model: &Testimony<'_>, other: &Testimony<'_>) -> String {
    match &other.model.value.witness {
        Witness::Declaration if model.path() == other.path() || other.path().is_empty() => "its declaration".to_owned(),
        Witness::Declaration => format!("the declaration of {}", other.path()),
        Witness::Mlflow => "its MLflow signature".to_owned(),
        Witness::File | Witness::Triton(_) => other.path().to_owned(),
    }
}
