use crate::{
    environment::{Entry, Environment, PackageView, Side},
    fact::{Standing, StatedRequirement, requirement},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context},
};

rule! {
    /// An installed package requires something that the environment does not have, or has in another version.
    ///
    /// ## Why it matters
    ///
    /// This is what `pip check` and `uv pip check` report, read from metadata instead of from a running environment: every
    /// problem at once, with markers and extras taken for the declared Python and platform. A missing package is only
    /// reported where the input lists everything that is installed. What a model file itself requires is held to the same.
    ///
    /// ## Example
    ///
    /// ```text
    /// pip-inspect.json: xformers 0.0.22 requires torch ==2.0.1
    ///                   torch 2.1.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install a version in the range, or a release of the other package that accepts the version that is there.
    pub(crate) static RULE {
        code: "EC107",
        name: "unmet-requirement",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    // A list of wishes is not a list of what gets installed.
    let complete =
        side.packages().all(|view| view.standing == Standing::Observed) && listed_with_dependencies(side);
    for view in side.packages() {
        let Some(entry) = view.entries.iter().find(|entry| !entry.package.requires.is_empty()) else { continue };
        let extras: Vec<&str> =
            view.entries.iter().flat_map(|entry| &entry.package.extras).map(crate::fact::PackageName::as_str).collect();
        for stated in entry.package.requirements() {
            let requirement = &stated.requirement;
            let applies =
                requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&side.target, &extras).holds());
            if applies {
                one(ctx, side, view, (entry, stated), complete, out);
            }
        }
    }
    if side.side != Side::Training {
        models(ctx, side, out);
    }
}

fn one(
    ctx: &Context<'_>,
    side: &Environment,
    view: &PackageView,
    (entry, stated): (&Entry, &StatedRequirement),
    complete: bool,
    out: &mut Verdicts,
) {
    let requirement = &stated.requirement;
    let (name, component) = (&view.name, &requirement.name);
    let wanted = || format!("{component} {}", requirement.specifier()).trim_end().to_owned();
    let finding = |message: String| {
        RULE.finding(message)
            .primary(&side.name, entry.version_place(), format!("requires {}", wanted()))
            .about([name.as_str(), component.as_str()])
            .because(ctx.knowledge.statement("pip-check"))
    };
    let shown = || view.pin().map_or_else(|| name.to_string(), |version| format!("{name} {version}"));
    let Some(other) = side.package(component.as_str()) else {
        // pip, setuptools and wheel are left out of lists.
        let hidden = ["pip", "setuptools", "wheel", "distribute"].contains(&component.as_str());
        if complete && !hidden {
            let message = format!("{} requires {}, which is not installed", shown(), wanted());
            out.findings.push(finding(message).help(format!("install \"{}\"", wanted().replace(' ', ""))));
        }
        return;
    };
    if requirement.url.is_some() || !other.versions.within(stated.versions()).violated() {
        return;
    }
    // The tables know this pair too, with a release that would go with it.
    let known = view.pin().is_some_and(|version| {
        let needs = ctx.knowledge.needs_of(name.as_str(), version);
        needs.iter().any(|(need, _)| {
            need.component == component.as_str() && other.versions.within(&need.range.set).violated()
        })
    });
    if known {
        return;
    }
    // Vendors' containers and nightly builds call themselves pre-releases of what they in fact contain.
    let before = other.pin().is_some_and(|found| {
        (found.is_pre() || found.is_dev()) && stated.versions().contains(&found.only_release())
    });
    let severity = if before { Severity::Warning } else { Severity::Error };
    out.findings.push(
        finding(format!("{} requires {}, found {}", shown(), wanted(), other.shown()))
            .severity(severity)
            .label(&side.name, other.place(), format!("{component} {}", other.shown()))
            .help(format!("install {component}{}, or a release of {name} that accepts {}", requirement.specifier(), other.shown())),
    );
}

/// Whether the list comes with metadata for all: a lock that states the requirements of one package lists what matters to
/// its author, not everything.
fn listed_with_dependencies(side: &Environment) -> bool {
    let stated = side.packages().filter(|view| view.entries.iter().any(|entry| !entry.package.requires.is_empty()));
    let count = side.packages().count();
    count > 3 && stated.count() * 3 >= count
}

fn models(ctx: &Context<'_>, serving: &Environment, out: &mut Verdicts) {
    for (owner, model) in ctx.models() {
        for text in &model.value.requires {
            let Ok(requirement) = requirement::parse(text, 0) else { continue };
            let applies = requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&serving.target, &[]).holds());
            let Some(other) = serving.package(requirement.name.as_str()) else { continue };
            if !applies || !other.versions.within(&requirement.versions()).violated() {
                continue;
            }
            let (component, range) = (&requirement.name, requirement.specifier());
            out.findings.push(
                RULE.finding(format!("{} requires {component} {range}, serving has {}", model.value.path, other.shown()))
                    .impact(Impact::LoadFailure)
                    // The model states what it was made with; whether it needs exactly that is not known.
                    .severity(Severity::Warning)
                    .primary(&owner.name, model.place, format!("requires {component} {range}"))
                    .label(&serving.name, other.place(), format!("{component} {}", other.shown()))
                    .about([component.as_str(), "model"])
                    .help(format!("install {component}{range} in serving")),
            );
        }
    }
}
