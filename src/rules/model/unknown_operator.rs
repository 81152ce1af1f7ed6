use super::opset_too_new::opset_place;
use crate::{
    environment::{Environment, Seen},
    fact::{Model, OperatorUse},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Reason, onnx::Operator},
    rules::{Check, Context},
    text::Place,
    version::Opset,
};

rule! {
    /// A model uses an operator that its operator set does not have.
    ///
    /// ## Why it matters
    ///
    /// The name is resolved in the imported version of its domain. An operator that came later, that never existed there, or
    /// that was withdrawn makes the session fail (`No Op registered`). Some deprecated operators still load.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx: opset_import ai.onnx 19, node Gelu      (exists from 20 on)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Export again with an operator set that has the operator, or replace the node.
    pub(crate) static RULE {
        code: "EC203",
        name: "unknown-operator",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

/// Domains whose operators the table lists completely.
const COVERED: [&str; 2] = ["ai.onnx", "ai.onnx.ml"];

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    for (domain, operators) in &model.value.operators {
        if !COVERED.contains(&domain.as_str()) {
            continue;
        }
        let known = ctx.knowledge.newest_opset(domain);
        for (name, used) in operators {
            let imported = model.value.opsets.get(domain).map(|opset| (*opset, *opset));
            // What is never resolved may be anything.
            let Some((low, high)) = used.resolved.and_then(|range| if range.0.0 > 0 { Some(range) } else { imported }) else {
                continue;
            };
            if known.is_none_or(|newest| high > newest) {
                continue; // Newer than the table: opset-too-new and newer-than-knowledge speak about that.
            }
            one(ctx, side, model, domain, name, used, low, high, out);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "one operator in its model, with where the verdict goes")]
fn one(
    ctx: &Context<'_>,
    side: &Environment,
    model: Seen<'_, Model>,
    domain: &str,
    name: &str,
    used: &OperatorUse,
    low: Opset,
    high: Opset,
    out: &mut Verdicts,
) {
    let place = used.span.map_or(model.place, |span| Place { file: model.place.file, span });
    let runtimes = ctx.serving.onnx_runtimes(ctx.knowledge);
    let nodes = if used.count == 1 { "1 node".to_owned() } else { format!("{} nodes", used.count) };
    let label = if used.first_node.is_empty() { nodes } else { format!("{nodes}, first `{}`", used.first_node) };
    let start = |message: String| {
        RULE.finding(message)
            .primary(&side.name, place, label.clone())
            .label(&side.name, opset_place(model, domain), format!("imports {domain} {low}"))
            .about(["onnx-operator", "onnx-opset", "model"])
            .about(runtimes.iter().map(|runtime| runtime.component.clone()))
    };
    let history = ctx.knowledge.operator(domain, name);
    let Some((row, provenance)) = history else {
        if domain == "ai.onnx" && ctx.knowledge.runtime_operator(name, low) {
            return;
        }
        let table = &ctx.knowledge.onnx_operator;
        let claim = format!("no release of ONNX up to opset {} of {domain} defines {name}", ctx.knowledge.newest_opset(domain).unwrap_or(high));
        let provenance = table.witness();
        out.findings.push(
            start(format!("operator {name} does not exist in {domain}"))
                .because(Reason { claim, provenance })
                .help("export the model again, or give the node the domain that its operator belongs to"),
        );
        return;
    };
    let first = Opset(row.since.first().copied().unwrap_or(1));
    if low < first && !(domain == "ai.onnx" && ctx.knowledge.runtime_operator(name, low)) {
        let claim = format!("{name} exists in {domain} from {first} on");
        out.findings.push(
            start(format!("operator {name} does not exist in {domain} {low}, only from {first} on"))
                .because(Reason { claim, provenance })
                .help(format!("export the model with {domain} {first} or newer")),
        );
        return;
    }
    if let Some(since) = row.deprecated.filter(|since| deprecated_at(row, high, *since)) {
        let refused = row.refused == Some(true);
        let severity = if refused { Severity::Error } else { Severity::Warning };
        let claim = format!("{name} is deprecated in {domain} from {since} on{}", if refused { ", and ONNX Runtime refuses it" } else { "" });
        out.findings.push(
            start(format!("operator {name} is deprecated in {domain} {high}"))
                .severity(severity)
                .because(Reason { claim, provenance })
                .help(match name {
                    "Upsample" => "replace it by Resize".to_owned(),
                    "Scatter" => "replace it by ScatterElements".to_owned(),
                    "TreeEnsembleRegressor" | "TreeEnsembleClassifier" => "replace it by TreeEnsemble, or import ai.onnx.ml 3".to_owned(),
                    _ => format!("export the model with {domain} {} or older, or with a newer exporter", since - 1),
                }),
        );
    }
}

/// A later schema lifts the deprecation (`GroupNormalization` came back with 21).
fn deprecated_at(row: &Operator, opset: Opset, since: i64) -> bool {
    let schema = row.since.iter().copied().filter(|version| *version <= opset.0).max();
    opset.0 >= since && schema.is_none_or(|version| version <= since)
}
