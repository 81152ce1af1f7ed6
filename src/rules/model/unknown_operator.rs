use super::opset_too_new::opset_place;
use crate::{
    environment::{Environment, OperatorTrouble, Seen, Trouble, operator_troubles},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context},
    text::Place,
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

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let runtimes = ctx.serving.onnx_runtimes(ctx.knowledge);
    for it in operator_troubles(ctx.knowledge, model.value) {
        let OperatorTrouble { domain, name, used, opsets: (low, high), trouble, provenance } = it;
        let place = used.span.map_or(model.place, |span| Place { file: model.place.file, span });
        let nodes = if used.count == 1 { "1 node".to_owned() } else { format!("{} nodes", used.count) };
        let label = if used.first_node.is_empty() { nodes } else { format!("{nodes}, first `{}`", used.first_node) };
        let (message, claim, help) = match trouble {
            Trouble::Nowhere => {
                let newest = ctx.knowledge.newest_opset(domain).unwrap_or(high);
                (
                    format!("operator {name} does not exist in {domain}"),
                    format!("no release of ONNX up to opset {newest} of {domain} defines {name}"),
                    "export the model again, or give the node the domain that its operator belongs to".to_owned(),
                )
            }
            Trouble::LaterThan(imported, first) => (
                format!("operator {name} does not exist in {domain} {imported}, only from {first} on"),
                format!("{name} exists in {domain} from {first} on"),
                format!("export the model with {domain} {first} or newer"),
            ),
            Trouble::Refused(since) | Trouble::Deprecated(since) => {
                let refused = if trouble == Trouble::Refused(since) { ", and ONNX Runtime refuses it" } else { "" };
                (
                    format!("operator {name} is deprecated in {domain} {high}"),
                    format!("{name} is deprecated in {domain} from {since} on{refused}"),
                    instead(domain, name, since),
                )
            }
        };
        let severity = if matches!(trouble, Trouble::Deprecated(_)) { Severity::Warning } else { Severity::Error };
        let is_imported = model.value.opsets.contains_key(domain);
        let imports = if is_imported { format!("imports {domain} {low}") } else { format!("does not import {domain}") };
        out.findings.push(
            RULE.finding(message)
                .severity(severity)
                .primary(&side.name, place, label)
                .label(&side.name, opset_place(model, domain), imports)
                .about(["onnx-operator", "onnx-opset", "model"])
                .about(runtimes.iter().map(|runtime| runtime.component.clone()))
                .because(Reason { claim, provenance })
                .help(help),
        );
    }
}

/// What to do about a deprecated operator.
fn instead(domain: &str, name: &str, since: i64) -> String {
    match name {
        "Upsample" => "replace it by Resize".to_owned(),
        "Scatter" => "replace it by ScatterElements".to_owned(),
        "TreeEnsembleRegressor" | "TreeEnsembleClassifier" => {
            "replace it by TreeEnsemble, or import ai.onnx.ml 3".to_owned()
        }
        _ => format!("export the model with {domain} {} or older, or with a newer exporter", since - 1),
    }
}
