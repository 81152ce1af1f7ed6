use super::{numpy_abi, unmet_requirement};
use crate::{
    environment::{Environment, PackageView, Side},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Grounds, Provenance, Reason, packages::Need, torch::Build},
    rules::{Check, Context, listed_up_to},
    version::Version,
};

rule! {
    /// Packages that are made for each other have versions that do not go together.
    ///
    /// ## Why it matters
    ///
    /// torchvision, torchaudio and xformers are compiled against one release of torch; jaxlib and the CUDA plug-ins follow
    /// jax. Their wheels say so, and pip refuses the pair; installed all the same (with `--no-deps`, by two installers, from
    /// a lock edited by hand), they fail at import or at the first operator. A bound that a package declares and nothing
    /// checks at import is a warning about serving only: training ran as it is.
    ///
    /// ## Example
    ///
    /// ```text
    /// torch==2.2.0
    /// torchvision==0.16.2
    /// ```
    ///
    /// ## How to fix
    ///
    /// Move both together: the help names the release that belongs to the other one.
    pub(crate) static RULE {
        code: "EC106",
        name: "companion-mismatch",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// A need of one package that another one does not meet.
struct Unmet<'a> {
    view: &'a PackageView,
    other: &'a PackageView,
    range: &'a str,
    spared_by: Option<&'a str>,
    provenance: Provenance,
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    builds(ctx, side, out);
    unknown(ctx, side, out);
    let mut unmet: Vec<Unmet<'_>> = Vec::new();
    for view in side.packages().filter(|view| side.is_asked(view.name.as_str())) {
        let Some(version) = view.pin() else { continue };
        for need in ctx.knowledge.needs_rows(view.name.as_str(), version) {
            let Some(other) = side.package(&need.component) else { continue };
            if foreign(view) || foreign(other) || !other.versions.within(&need.range.set).violated() {
                continue;
            }
            if is_spared(side, need) {
                continue;
            }
            // NumPy 2 beside a package of NumPy 1 is one cause, and numpy-abi says it.
            if need.component == "numpy" && numpy_abi::reports(ctx, side, view) {
                continue;
            }
            let provenance = ctx.knowledge.needs.provenance(need);
            // A bound that is declared and not checked: training ran as it is; and of what is installed, its own
            // metadata are surer, and unmet-requirement judges them.
            let is_weak = provenance.grounds != Grounds::Error;
            let is_stated = || provenance.is_declared() && unmet_requirement::is_stated(view, other);
            if is_weak && (side.side == Side::Training || is_stated()) {
                continue;
            }
            unmet.push(Unmet { view, other, range: &need.range.text, spared_by: need.spared_by.as_deref(), provenance });
        }
    }
    // A component that several packages do not go with is one cause.
    while let Some(first) = unmet.first() {
        let component = first.other.name.clone();
        let (group, rest): (Vec<_>, Vec<_>) = unmet.into_iter().partition(|it| it.other.name == component);
        unmet = rest;
        let alone = group.iter().all(|it| it.view.name == group[0].view.name);
        out.findings.push(if alone { one(side, &group[0]) } else { together(side, &group) });
    }
}

/// Whether a variable or another package makes a need pointless.
pub(super) fn is_spared(side: &Environment, need: &Need) -> bool {
    need.unless.as_deref().is_some_and(|wanted| is_set(side, wanted))
        || need.spared_by.as_deref().is_some_and(|name| side.package(name).is_some())
}

/// Whether the side sets a variable to a value, written as `NAME=value`.
fn is_set(side: &Environment, wanted: &str) -> bool {
    let Some((name, value)) = wanted.split_once('=') else { return false };
    side.variables().iter().any(|seen| seen.value.name == name && seen.value.value.as_deref() == Some(value))
}

fn severity(unmet: &Unmet<'_>) -> Severity {
    if unmet.provenance.grounds == Grounds::Error { Severity::Error } else { Severity::Warning }
}

/// What a package does with a range: a bound that is declared and not checked is no proven need.
fn verb(unmet: &Unmet<'_>) -> &'static str {
    let is_only_declared = severity(unmet) != Severity::Error && unmet.provenance.is_declared();
    if is_only_declared { "asks for" } else { "needs" }
}

fn reason(unmet: &Unmet<'_>) -> Reason {
    let (view, other, range) = (unmet.view, unmet.other, unmet.range);
    let claim = format!("{} {} {} {} {range}", view.name, view.shown(), verb(unmet), other.name);
    Reason { claim, provenance: unmet.provenance.clone() }
}

fn one(side: &Environment, unmet: &Unmet<'_>) -> Finding {
    let Unmet { view, other, range, spared_by, .. } = unmet;
    let (name, component) = (&view.name, &other.name);
    let beside = spared_by.map_or_else(String::new, |spared_by| format!("add {spared_by}, or "));
    let verb = verb(unmet);
    RULE.finding(format!("{name} {} {verb} {component} {range}, found {}", view.shown(), other.shown()))
        .severity(severity(unmet))
        .primary(&side.name, view.place(), format!("{verb} {component} {range}"))
        .label(&side.name, other.place(), format!("{component} {}", other.shown()))
        .about([name.as_str(), component.as_str()])
        .because(reason(unmet))
        .help(format!("{beside}{}", help(view, other, component.as_str(), range)))
}

fn together(side: &Environment, group: &[Unmet<'_>]) -> Finding {
    let other = group[0].other;
    let component = &other.name;
    let mut who: Vec<String> = group.iter().map(|it| format!("{} {}", it.view.name, it.view.shown())).collect();
    who.dedup();
    let mut ranges: Vec<&str> = group.iter().map(|it| it.range).collect();
    ranges.dedup();
    let plural = if group.iter().all(|it| verb(it) == "asks for") { "ask for" } else { "need" };
    let wanted = match ranges.as_slice() {
        [only] => format!(", which {plural} {component} {only}"),
        _ => String::new(),
    };
    let worst = group.iter().map(severity).max().unwrap_or(Severity::Warning);
    let finding = RULE
        .finding(format!("{component} {} does not go with {}{wanted}", other.shown(), listed_up_to(&who, 4)))
        .severity(worst)
        .primary(&side.name, other.place(), format!("{component} {}", other.shown()))
        .about(group.iter().map(|it| it.view.name.to_string()))
        .about([component.as_str()])
        .help(match ranges.as_slice() {
            [only] => format!("install {component}{only}, or releases of the others that accept {component} {}", other.shown()),
            _ => format!("install releases that go with {component} {}", other.shown()),
        });
    group.iter().fold(finding, |finding, it| {
        finding.label(&side.name, it.view.place(), format!("{} {component} {}", verb(it), it.range)).because(reason(it))
    })
}

/// Releases between those that the table follows: nothing is known of what they need, and that is said.
fn unknown(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    // Training ran; what is not known about it is nobody's question, and what was asked before is not asked again.
    if side.side == Side::Training || side.is_settled(&[]) {
        return;
    }
    let table = &ctx.knowledge.needs;
    let silent = |view: &&PackageView| {
        let (Some(version), name) = (view.pin(), view.name.as_str()) else { return false };
        if !side.is_asked(name) || !table.may_know(name) {
            return false;
        }
        let stated = view.entries.iter().any(|entry| !entry.package.requires.is_empty());
        // torch is followed by its own table; here it has rows for one companion only.
        if stated || name == "torch" || foreign(view) || ctx.knowledge.needs_rows(name, version).next().is_some() {
            return false;
        }
        // Its own minor is followed by another patch release, with a bound that it may or may not share.
        let minor = |version: &Version| version.release().iter().copied().take(2).collect::<Vec<_>>();
        table.rows_of_minor(name, version).any(|row| {
            let beside = side.package(&row.component).is_some() && !row.range.set.is_open_above();
            beside && row.release.one().is_some_and(|release| minor(release) == minor(version))
        })
    };
    let names: Vec<String> =
        side.packages().filter(silent).map(|view| format!("{} {}", view.name, view.shown())).collect();
    if !names.is_empty() {
        out.undecided.push(RULE.undecided(
            format!("the bounds of {} on the packages beside it are not known ({})", listed_up_to(&names, 3), side.side.word()),
            "give `pip inspect` output, which states requirements, or take a release that envcheck knows",
        ));
    }
}

/// torchvision and torchaudio compare the CUDA of their build with that of torch, and refuse another major.
fn builds(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(torch) = side.package("torch") else { return };
    for name in ["torchvision", "torchaudio"] {
        let Some(view) = side.package(name) else { continue };
        let labels = [torch, view].map(|view| view.pin().and_then(Build::of));
        let severity = match &labels {
            [Some(Build::Cuda(a)), Some(Build::Cuda(b))] if a.major() != b.major() => Severity::Error,
            [Some(Build::Cuda(_)), Some(Build::Cpu)] | [Some(Build::Cpu), Some(Build::Cuda(_))] => Severity::Warning,
            _ => continue,
        };
        let label = torch.pin().and_then(|version| version.to_string().split_once('+').map(|(_, label)| label.to_owned()));
        let label = label.unwrap_or_default();
        out.findings.push(
            RULE.finding(format!("{name} {} and torch {} are builds for different hardware", view.shown(), torch.shown()))
                .severity(severity)
                .primary(&side.name, view.place(), format!("{name} {}", view.shown()))
                .label(&side.name, torch.place(), format!("torch {}", torch.shown()))
                .about([name, "torch", "cuda"])
                .because(ctx.knowledge.statement("torch-builds"))
                .help(format!("install {name} with the label of torch, +{label}")),
        );
    }
}

/// NVIDIA's image builds and nightly builds are paired by other means than by release numbers, and so are the builds of
/// conda-forge, which torch calls post-releases (`2.1.0.post300`).
fn foreign(view: &PackageView) -> bool {
    let repackaged = |version: &Version| view.name.as_str() == "torch" && version.post().is_some_and(|post| post >= 100);
    view.pin().is_some_and(|version| {
        version.any_prerelease() || repackaged(version) || matches!(Build::of(version), Some(Build::Ngc(_)))
    })
}

fn help(view: &PackageView, other: &PackageView, component: &str, range: &str) -> String {
    format!("install {component}{range}, or a release of {} that accepts {component} {}", view.name, other.shown())
}
