use super::opset_too_new::{evidence, opset_place};
use crate::{
    environment::{Environment, Seen},
    fact::Model,
    finding::{Impact, Severity, Verdicts},
    knowledge::Reason,
    rules::{Check, Context, listed, listed_up_to},
    text::Place,
};

rule! {
    /// A model uses operators of a domain that nothing in serving provides.
    ///
    /// ## Why it matters
    ///
    /// ONNX Runtime knows the domains of ONNX and its own. Nodes of any other domain need a library of custom operators that
    /// is registered when the session is made, or a function inside the model. Exporters leave such nodes behind when they
    /// meet an operation that ONNX does not have.
    ///
    /// ## Example
    ///
    /// ```text
    /// model.onnx: node ai.onnx.contrib::BertTokenizer
    /// serve/requirements.txt: onnxruntime==1.18.0      (no onnxruntime-extensions)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install and register the package that provides the domain, or export without it.
    pub(crate) static RULE {
        code: "EC204",
        name: "unprovided-domain",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let runtimes = ctx.serving.onnx_runtimes(ctx.knowledge);
    let Some(runtime) = runtimes.first() else { return };
    for (domain, operators) in &model.value.operators {
        let row = ctx.knowledge.domain(domain);
        if ["ai.onnx", "ai.onnx.ml"].contains(&domain.as_str()) || row.as_ref().is_some_and(|(row, _)| row.loads == Some(true)) {
            continue;
        }
        let packages: Vec<&str> = row.as_ref().and_then(|(row, _)| row.packages.as_deref()).unwrap_or_default().iter().map(String::as_str).collect();
        if packages.iter().any(|name| ctx.serving.package(name).is_some()) {
            continue;
        }
        // What only stands in functions that nobody calls is never asked for, and a call that misses a function of the model
        // by its overload is another fault.
        let is_own = |name: &str| model.value.functions.contains(&format!("{domain}::{name}"));
        let asked = || operators.iter().filter(|(name, used)| used.resolved.is_some() && !is_own(name));
        let names: Vec<&str> = asked().map(|(name, _)| name.as_str()).collect();
        let used = asked().map(|(_, used)| used).next();
        if names.is_empty() {
            continue;
        }
        let span = used.and_then(|used| used.span);
        let place = span.map_or_else(|| opset_place(model, domain), |span| Place { file: model.place.file, span });
        let node = used.map(|used| used.first_node.clone()).unwrap_or_default();
        let measured = row.as_ref().filter(|(row, provenance)| row.loads == Some(false) && ctx.knowledge.domain_is_measured(provenance));
        // A library of custom operators is registered in code, which envcheck does not read.
        let severity = if measured.is_some() { Severity::Error } else { Severity::Warning };
        let mut finding = RULE
            .finding(format!("nothing in serving provides the domain {domain} ({})", listed_up_to(&names, 4)))
            .severity(severity)
            .primary(&side.name, place, if node.is_empty() { format!("{domain}::{}", names[0]) } else { format!("{domain}::{}, first node `{node}`", names[0]) })
            .label(&ctx.serving.name, runtime.place, runtime.shown.clone())
            .about(["onnx-operator", "model", runtime.component.as_str()])
            .about(packages.iter().copied())
            .help(if packages.is_empty() {
                "register the library of custom operators that has them, or export the model without them".to_owned()
            } else {
                format!("install {} and register its library in the session options", listed(&packages))
            });
        if let Some((row, provenance)) = measured {
            let claim = format!("a plain ONNX Runtime refuses nodes of {}", row.name);
            finding = finding.because(Reason { claim, provenance: provenance.clone() });
        } else if let Some(reason) = evidence(ctx.knowledge, runtime, |_| "loads operators of ONNX's and Microsoft's own domains only".into()) {
            finding = finding.because(reason);
        }
        out.findings.push(finding);
    }
}
