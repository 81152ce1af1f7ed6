use crate::{
    environment::Environment,
    finding::{Finding, Impact, Severity, Undecided, Verdicts},
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
    let Some(serve) = serving.python() else {
        let both = if training.python().is_none() { "training and serving" } else { "serving" };
        out.undecided.push(unknown(both));
        return;
    };
    let after = serve.value.prefix(2);
    let train = training.python();
    for (side, model) in ctx.models() {
        let bytecode = match model.value.format.as_deref() {
            Some("cloudpickle") => "cloudpickle-python",
            Some("dill") => "dill-python",
            // Only layers with code of their own hold any.
            Some("h5" | "keras") if model.value.classes.iter().any(|class| class == "types.CodeType") => "keras-lambda",
            _ => continue,
        };
        // The file's own statement is better than the environment's.
        let Some(writer) = model.value.python.as_ref().or(train.map(|seen| seen.value)) else { continue };
        if !writer.prefix(2).same(&after).violated() {
            continue;
        }
        let path = &model.value.path;
        // Measured: these two run each other's functions, although the maker promises nothing.
        let pairs: &[[&str; 2]] =
            if bytecode == "keras-lambda" { &[["3.6", "3.7"], ["3.8", "3.9"]] } else { &[["3.8", "3.9"]] };
        let both = [writer.prefix(2).to_string(), after.to_string()];
        let works = pairs.iter().any(|pair| both.iter().all(|python| pair.contains(&python.as_str())));
        let mut finding = RULE
            .finding(format!("{path} was written with Python {writer}, serving runs Python {}", serve.value))
            .severity(if works { Severity::Warning } else { Severity::Error })
            .primary(&serving.name, serve.place, format!("serving runs {}", serve.value))
            .label(&side.name, model.place, "holds bytecode of the Python that wrote it")
            .about(["python", "model"])
            .because(ctx.knowledge.statement(bytecode))
            .help(format!("serve with Python {}, or store the model without code", writer.prefix(2)));
        if let Some(train) = train {
            finding = finding.label(&training.name, train.place, format!("training ran {}", train.value));
        }
        out.findings.push(finding);
        return;
    }
    let Some(train) = train else {
        out.undecided.push(unknown("training"));
        return;
    };
    let before = train.value.prefix(2);
    if !before.same(&after).violated() {
        return;
    }
    let finding = RULE
        .finding(format!("training runs Python {}, serving runs Python {}", train.value, serve.value))
        .impact(Impact::Drift)
        .primary(&serving.name, serve.place, format!("serving runs {}", serve.value))
        .label(&training.name, train.place, format!("training ran {}", train.value))
        .about(["python"]);
    out.findings.push(if before.major() == after.major() {
        let reasons = behaviour_change::python_reasons(ctx.knowledge, train.value, serve.value);
        let finding = reasons.into_iter().fold(finding, Finding::because);
        finding.severity(Severity::Info).help(format!("serve with Python {before} if the model is stored as a Python object"))
    } else {
        finding
            .impact(Impact::StartFailure)
            .because(ctx.knowledge.statement("python-2"))
            .help(format!("serve with Python {}", train.value.prefix(1)))
    });
}

fn unknown(sides: &str) -> Undecided {
    RULE.undecided(
        format!("no Python version is known for {sides}"),
        "add an envcheck lock with [environment] python = \"3.x\", or `pip inspect` output",
    )
}
