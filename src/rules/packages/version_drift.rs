use crate::{
    environment::{Environment, PackageView},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Reason, packages::Role, torch::Build},
    rules::{Check, Context, listed_up_to, model::written_by_another_version, packages::behaviour_change},
    version,
};

rule! {
    /// A package has another version in serving than in training.
    ///
    /// ## Why it matters
    ///
    /// Most differences do nothing, some change answers without any error. Packages that touch the model (frameworks,
    /// runtimes, serialisers, preprocessing) are shown one by one; all others are folded into one line. The severity is
    /// that of what is known about the step, not of its size: a difference without a known consequence is drift. It is a
    /// warning where no model is declared, serving is older, and the maker of the package does not support that an older
    /// release reads what a newer one wrote.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/requirements.txt: scikit-learn==1.5.2
    /// serve/requirements.txt: scikit-learn==1.4.2
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin the training version in serving, or test the model with the serving version and record that.
    pub(crate) static RULE {
        code: "EC101",
        name: "version-drift",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    let of_models = written_by_another_version::reported(ctx);
    let mut folded: Vec<(&PackageView, &PackageView)> = Vec::new();
    for serve in serving.packages() {
        let name = [serve.name.as_str()];
        if serving.is_settled(&name) && training.is_settled(&name) {
            continue;
        }
        let Some(train) = training.package(serve.name.as_str()) else { continue };
        // What is known to change between the two is said by its own rule.
        if !differ(train, serve) || !behaviour_change::between(ctx.knowledge, train, serve).is_empty() {
            continue;
        }
        match ctx.knowledge.role(&serve.name) {
            // The model file says it better.
            Some(_) if of_models.contains(serve.name.as_str()) => {}
            Some(Role::Framework | Role::Runtime | Role::Serialiser | Role::Preprocessing) => {
                let finding = one(training, serving, train, serve);
                out.findings.push(unsupported(ctx, train, serve, finding));
            }
            Some(Role::Development) | None => folded.push((train, serve)),
        }
    }
    if let [(train, serve)] = folded.as_slice() {
        out.findings.push(one(training, serving, train, serve));
    } else if let Some((train, serve)) = folded.first() {
        let names: Vec<&str> = folded.iter().map(|(_, serve)| serve.name.as_str()).collect();
        let message = format!("{} other packages differ in version: {}", names.len(), listed_up_to(&names, 6));
        let finding = RULE
            .finding(message)
            .severity(Severity::Info)
            .primary(&serving.name, serve.place(), format!("{} {} in serving", serve.name, serve.shown()))
            .label(&training.name, train.place(), format!("{} {} in training", train.name, train.shown()))
            .about(names)
            .help("nothing is known to depend on these; `envcheck inspect` lists them");
        out.findings.push(finding);
    }
}

/// Where no model file is declared and serving is older, what the maker of the package says about reading newer files is
/// all that is known about the model: that it is not supported deserves more than a remark.
fn unsupported(ctx: &Context<'_>, train: &PackageView, serve: &PackageView, finding: Finding) -> Finding {
    let (Some(writer), Some(reader)) = (train.pin(), serve.pin()) else { return finding };
    let unnamed = writer.any_prerelease() || reader.any_prerelease();
    if reader >= writer || unnamed || !ctx.models().is_empty() {
        return finding;
    }
    let table = &ctx.knowledge.artifact;
    let name = serve.name.as_str();
    let broken = table.rows_with(name).into_iter().find(|row| row.producer == name && !row.kept(writer, reader));
    let Some(row) = broken else { return finding };
    finding
        .severity(Severity::Warning)
        .impact(Impact::LoadFailure)
        .because(Reason { claim: row.claim.clone(), provenance: table.provenance(row) })
}

/// Whether the sides surely have different releases. A local label alone is the business of build drift.
fn differ(train: &PackageView, serve: &PackageView) -> bool {
    match (train.pin(), serve.pin()) {
        (Some(a), Some(b)) => {
            // NVIDIA's images carry builds of a commit shortly before the release that they are named after:
            // `2.1.0a0+32f93b1`, later `2.4.0a0+07cecf4168.nv24.5`.
            let of_commit = [a, b].into_iter().any(|version| match Build::of(version) {
                Some(Build::Ngc(_)) => true,
                Some(Build::Other(_)) => version.any_prerelease(),
                _ => false,
            });
            if of_commit { a.only_release() != b.only_release() } else { a != b && version::public(a) != version::public(b) }
        }
        _ => !train.versions.is_empty() && !serve.versions.is_empty() && serve.versions.within(&train.versions).violated(),
    }
}

fn one(training: &Environment, serving: &Environment, train: &PackageView, serve: &PackageView) -> Finding {
    let name = &serve.name;
    let direction = match (train.pin(), serve.pin()) {
        (Some(a), Some(b)) if b < a => "serving is older",
        (Some(a), Some(b)) if b > a => "serving is newer",
        (Some(_), None) => "serving excludes it",
        (None, Some(_)) => "training excludes it",
        _ => "the ranges exclude each other",
    };
    RULE.finding(format!("{name} is {} in training and {} in serving ({direction})", train.shown(), serve.shown()))
        .severity(Severity::Info)
        .primary(&serving.name, serve.place(), format!("{} in serving", serve.shown()))
        .label(&training.name, train.place(), format!("{} in training", train.shown()))
        .about([name.as_str()])
        .help(match train.pin() {
            Some(version) if version.is_local() && version.any_prerelease() => {
                format!("take {name} from one image on both sides, or test the model with {}", serve.shown())
            }
            Some(version) => format!("pin {name}=={version} in serving, or test the model with {}", serve.shown()),
            None => format!("let both sides ask for the same {name}"),
        })
}
