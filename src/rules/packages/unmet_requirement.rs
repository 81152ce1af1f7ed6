use crate::{
    environment::{Entry, Environment, PackageView, Side},
    fact::{
        Origin, Standing, StatedRequirement,
        requirement::{self, Operator},
    },
    finding::{Impact, Severity, Verdicts},
    knowledge::Grounds,
    rules::{Check, Context},
};

rule! {
    /// An installed package requires something that the environment does not have, or has in another version.
    ///
    /// ## Why it matters
    ///
    /// This is what `pip check` and `uv pip check` report, read from metadata instead of from a running environment: every
    /// problem at once, with markers and extras taken for the declared Python and platform. A missing package is only
    /// reported where the input lists everything that is installed, as `pip inspect` does. As with the two tools, extras
    /// count only where a file says that somebody asked for them, and a direct URL is met by any version. What a model
    /// file itself requires is held to the same; a Python outside of `Requires-Python` is EC002.
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
    let list = Listing::of(side);
    for view in side.packages() {
        let extras: Vec<&str> =
            view.entries.iter().flat_map(|entry| &entry.package.extras).map(crate::fact::PackageName::as_str).collect();
        for (entry, stated) in stated(view) {
            let requirement = &stated.requirement;
            if side.is_settled(&[view.name.as_str(), requirement.name.as_str()]) {
                continue;
            }
            let applies =
                requirement.marker.as_ref().is_none_or(|marker| marker.evaluate(&side.target, &extras).holds());
            if applies {
                one(ctx, side, view, (entry, stated), list, out);
            }
        }
    }
    if side.side != Side::Training {
        models(ctx, side, out);
    }
}

/// What a package surely requires: by the first mention with metadata, and by others of the same version (a lock may
/// have one for each set of extras).
fn stated(view: &PackageView) -> Vec<(&Entry, &StatedRequirement)> {
    let stating = || view.entries.iter().filter(|it| it.applies.holds() && !it.package.requires.is_empty());
    let Some(first) = stating().next() else { return Vec::new() };
    let mut found: Vec<(&Entry, &StatedRequirement)> = Vec::new();
    for entry in stating().filter(|it| it.package.versions == first.package.versions) {
        for stated in entry.package.requirements() {
            let (name, marker) = (&stated.requirement.name, &stated.requirement.marker);
            let known = entry.place != first.place
                && found.iter().any(|(_, it)| {
                    let it = &it.requirement;
                    it.name == *name && it.marker == *marker && it.specifier() == stated.requirement.specifier()
                });
            if !known {
                found.push((entry, stated));
            }
        }
    }
    found
}

/// What may be concluded from a package that is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    /// Nothing: others may be installed.
    Open,
    /// It is not installed, unless it is one of those that lists leave out.
    WithoutInstallers,
    /// It is not installed.
    Complete,
}

impl Listing {
    fn of(side: &Environment) -> Listing {
        if side.packages().any(|view| view.entries.iter().any(|entry| entry.package.origin == Origin::Listed)) {
            return Listing::Complete;
        }
        // A list of wishes is not a list of what gets installed.
        if side.packages().all(|view| view.standing == Standing::Observed) && listed_with_dependencies(side) {
            Listing::WithoutInstallers
        } else {
            Listing::Open
        }
    }

    fn excludes(self, name: &str) -> bool {
        match self {
            Listing::Open => false,
            Listing::WithoutInstallers => !["pip", "setuptools", "wheel", "distribute"].contains(&name),
            Listing::Complete => true,
        }
    }
}

/// Whether what is installed does not meet a requirement.
fn violates(other: &PackageView, stated: &StatedRequirement) -> bool {
    if other.versions.within(stated.versions()).violated() {
        return true;
    }
    // pip takes no note of a package whose version it cannot read, and compares after `===` letter by letter.
    if other.standing != Standing::Observed {
        return false;
    }
    let Some(pin) = other.pin() else {
        let entry = other.leading();
        return entry.package.origin == Origin::Listed && entry.package.specifier.starts_with("===");
    };
    let mut spelled = stated.requirement.clauses.iter().filter(|clause| clause.operator == Operator::Arbitrary);
    spelled.any(|wanted| !wanted.version.eq_ignore_ascii_case(&pin.to_string()))
}

/// Whether a package itself says what it requires of another one, met or not: then this rule judges the two, by what is
/// installed and not by what its release is known to require elsewhere.
pub(super) fn is_stated(view: &PackageView, other: &PackageView) -> bool {
    stated(view).into_iter().any(|(_, it)| it.requirement.name == other.name)
}

fn one(
    ctx: &Context<'_>,
    side: &Environment,
    view: &PackageView,
    (entry, stated): (&Entry, &StatedRequirement),
    list: Listing,
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
        if list.excludes(component.as_str()) {
            let message = format!("{} requires {}, which is not installed", shown(), wanted());
            out.findings.push(finding(message).help(format!("install \"{}\"", wanted().replace(' ', ""))));
        }
        return;
    };
    if requirement.url.is_some() || !violates(other, stated) {
        return;
    }
    // The tables know this pair too, with a release that would go with it.
    let known = view.pin().is_some_and(|version| {
        let needs = ctx.knowledge.needs_of(name.as_str(), version);
        needs.iter().any(|(need, provenance)| {
            let same = need.component == component.as_str() && other.versions.within(&need.range.set).violated();
            same && provenance.grounds == Grounds::Error
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
    let found = match other.shown().strip_prefix("===") {
        Some(version) if other.pin().is_none() => format!("`{version}`, which is no version"),
        _ => other.shown(),
    };
    out.findings.push(
        finding(format!("{} requires {}, found {found}", shown(), wanted()))
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
