use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, packages::behaviour_change},
};

rule! {
    /// Training and serving run different Python versions.
    ///
    /// ## Why it matters
    ///
    /// Functions in cloudpickle and dill files are stored as bytecode, which belongs to one minor version: on another one,
    /// loading fails or the process dies. Without such a file a different minor mostly means that other releases of the
    /// packages get installed, so it is reported as drift. Patch releases are left in peace.
    ///
    /// ## Example
    ///
    /// ```text
    /// train.lock: python = "3.7.9"     [[model]] format = "cloudpickle"
    /// serve.lock: python = "3.8.8"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Serve with the Python minor that trained, or store the model in a format without code (ONNX, safetensors, the
    /// library's own).
    pub(crate) static RULE {
        code: "EC001",
        name: "python-drift",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    let (Some(train), Some(serve)) = (training.python(), serving.python()) else {
        let missing: Vec<&str> =
            [training, serving].into_iter().filter(|side| side.python().is_none()).map(|side| side.side.word()).collect();
        out.undecided.push(RULE.undecided(
            format!("no Python version is known for {}", missing.join(" and ")),
            "add an envcheck lock with [environment] python = \"3.x\", or `pip inspect` output",
        ));
        return;
    };
    let (before, after) = (train.value.prefix(2), serve.value.prefix(2));
    if !before.same(&after).violated() {
        return;
    }
    let finding = RULE
        .finding(format!("training runs Python {}, serving runs Python {}", train.value, serve.value))
        .primary(&serving.name, serve.place, format!("serving runs {}", serve.value))
        .label(&training.name, train.place, format!("training ran {}", train.value))
        .about(["python"]);
    if before.major() != after.major() {
        out.findings.push(
            finding
                .impact(Impact::StartFailure)
                .because(ctx.knowledge.statement("python-2"))
                .help(format!("serve with Python {}", train.value.prefix(1))),
        );
        return;
    }
    for (side, model) in ctx.models() {
        let bytecode = match model.value.format.as_deref() {
            Some("cloudpickle") => "cloudpickle-python",
            Some("dill") => "dill-python",
            _ => continue,
        };
        // The file's own statement is better than the environment's.
        let writer = model.value.python.as_ref().unwrap_or(train.value);
        if writer.prefix(2).same(&after).violated() {
            out.findings.push(
                finding
                    .label(&side.name, model.place, "holds bytecode of the Python that wrote it")
                    .about(["model"])
                    .because(ctx.knowledge.statement(bytecode))
                    .help(format!("serve with Python {}, or store the model without code", writer.prefix(2))),
            );
            return;
        }
    }
    if !behaviour_change::between_pythons(ctx.knowledge, train.value, serve.value).is_empty() {
        return; // Said by that rule, with what changed.
    }
    let help = format!("serve with Python {before} if the model is stored as a Python object");
    out.findings.push(finding.severity(Severity::Info).impact(Impact::Drift).help(help));
}
