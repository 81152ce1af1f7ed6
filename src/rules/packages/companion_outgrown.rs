use super::{companion_mismatch::is_spared, numpy_abi};
use crate::{
    environment::{Environment, PackageView, Side},
    fact::{FactKind, ImageRole, Origin, Standing},
    finding::{Impact, Severity, Verdicts},
    knowledge::{
        Reason,
        image::Reference,
        packages::{Need, Role},
    },
    rules::{Check, Context},
    version::{PythonVersion, VersionSet},
};

rule! {
    /// A pinned package does not work with the newest release of another one, does not say so, and nothing else bounds it.
    ///
    /// ## Why it matters
    ///
    /// pip takes the newest release that the metadata admit. An old pin is then installed beside a companion that came out
    /// years later and lacks what it imports: Flask 2.0 with Werkzeug 3, sentence-transformers 2.2 with huggingface-hub 0.26,
    /// pandas 1.5 with NumPy 2. The build succeeds, and the service dies at its first import, on the day that somebody builds
    /// the image again.
    ///
    /// It is only said where pip decides: not for conda, lock files and lists of what is installed, not where an image may
    /// bring the companion, and not for a Python that the newer companion has left behind. Another package may still bound
    /// the companion, so it is a warning.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: flask==2.0.3
    ///                   gunicorn==20.1.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Bound the companion in the same file, or lock everything that is installed (`pip freeze`, `pip-compile`, `uv lock`).
    pub(crate) static RULE {
        code: "EC110",
        name: "companion-outgrown",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    // Training ran with something, whatever it was.
    if side.side == Side::Training || !side.images().iter().all(|seen| seen.value.role != ImageRole::Runs || is_bare(ctx, &seen.value.reference)) {
        return;
    }
    let open = lists_wishes(side);
    for view in side.packages() {
        let Some(version) = view.pin().filter(|_| pip_decides(view)) else { continue };
        for need in ctx.knowledge.needs_rows(view.name.as_str(), version) {
            let Some(first) = &need.uncapped else { continue };
            if is_spared(side, need) || python_stays_behind(side, first) || !grows(ctx, side, need, open) {
                continue;
            }
            let provenance = ctx.knowledge.needs.provenance(need);
            let claim = format!(
                "{} {version} needs {} {}, and its own metadata admit newer releases",
                view.name, need.component, need.range.text
            );
            out.findings.push(finding(side, view, (&need.component, &need.range.text), Reason { claim, provenance }));
        }
        // With NumPy in the list, numpy-abi has the word.
        if side.package("numpy").is_none()
            && open
            && ctx.knowledge.numpy_abi(view.name.as_str()).is_some()
            && let Some((first, reason)) = numpy_abi::admits_numpy_2(ctx, view)
            && !python_stays_behind(side, &first)
            && grows_without(ctx, side, "numpy", "<2")
        {
            out.findings.push(finding(side, view, ("numpy", "<2"), reason));
        }
    }
}

fn finding(side: &Environment, view: &PackageView, (component, range): (&str, &str), reason: Reason) -> crate::finding::Finding {
    let name = &view.name;
    let mut finding = RULE
        .finding(format!("{name} {} does not work with the newest {component}, and nothing in the inputs keeps {component} {range}", view.shown()))
        .primary(&side.name, view.place(), format!("needs {component} {range}"))
        .about([name.as_str(), component])
        .because(reason)
        .help(format!("add {component}{range} beside it, or pin everything that is installed"));
    if let Some(other) = side.package(component) {
        finding = finding.label(&side.name, other.place(), format!("{component} {}", other.shown()));
    }
    finding
}

/// Whether pip works out what to install beside a package: no tool has done so already, and conda does otherwise.
fn pip_decides(view: &PackageView) -> bool {
    view.standing == Standing::Declared
        && view.present.holds()
        && !view.is_conda()
        && !view.is_direct()
        && view.entries.iter().all(|entry| entry.package.origin == Origin::Stated && entry.package.requires.is_empty())
}

/// Whether the side lists what somebody asks for, and not all that is installed.
fn lists_wishes(side: &Environment) -> bool {
    side.packages().all(|view| view.standing == Standing::Implied || !view.is_conda() && view.entries.iter().all(|entry| {
        entry.standing != Standing::Observed && entry.package.origin == Origin::Stated && entry.package.requires.is_empty()
    }))
}

/// Whether an image surely brings no Python packages that count.
fn is_bare(ctx: &Context<'_>, reference: &str) -> bool {
    let reference = Reference::parse(reference);
    let brings = ctx.knowledge.shipped(&reference);
    let known = ["python", "debian", "ubuntu", "nvidia/cuda", "alpine", "buildpack-deps"];
    let plain = known.iter().any(|name| {
        reference.path == *name || reference.path.strip_suffix(name).is_some_and(|head| head.ends_with('/'))
    });
    plain && !brings.is_empty() && brings.iter().all(|it| !["package", "server"].contains(&it.word.as_str()))
}

/// Where nothing says which Python a side has, newer releases of a companion are taken to be within its reach if they exist
/// for this one, the oldest that is still common.
const COMMON_PYTHON: &str = "3.9";

/// Whether the newer releases of a companion do not exist for the Python of the side.
fn python_stays_behind(side: &Environment, first: &PythonVersion) -> bool {
    match side.python() {
        Some(seen) => seen.value.at_least(first).violated(),
        None => COMMON_PYTHON.parse::<PythonVersion>().is_ok_and(|common| common.at_least(first).violated()),
    }
}

/// Whether pip may install a release of the companion that is newer than the range.
fn grows(ctx: &Context<'_>, side: &Environment, need: &Need, open: bool) -> bool {
    // A release that is there and does not fit is companion-mismatch.
    if let Some(other) = side.package(&need.component) {
        let fits = other.versions.within(&need.range.set);
        return pip_decides(other)
            && fits.undecided()
            && outgrows(ctx, side, &need.component, &other.versions, &need.range.set);
    }
    let mut family = ctx.knowledge.family(&need.component);
    open && family.all(|name| side.package(name).is_none())
        && grows_without(ctx, side, &need.component, &need.range.text)
}

/// As [`grows`], where no file asks for the companion.
fn grows_without(ctx: &Context<'_>, side: &Environment, component: &str, range: &str) -> bool {
    let constrained = side.facts().iter().any(|fact| {
        matches!(&fact.kind, FactKind::Package(package) if package.constraint && package.name.as_str() == component)
    });
    let Ok(range) = range.parse::<VersionSet>() else { return false };
    !constrained && outgrows(ctx, side, component, &VersionSet::all(), &range)
}

/// Whether what else is pinned surely leaves releases of the component above the range.
fn outgrows(ctx: &Context<'_>, side: &Environment, component: &str, versions: &VersionSet, range: &VersionSet) -> bool {
    let mut left = versions.clone();
    for view in side.packages() {
        let Some(version) = view.pin() else { continue };
        let name = view.name.as_str();
        let rows: Vec<&Need> =
            ctx.knowledge.needs_rows(name, version).filter(|need| need.component == component).collect();
        // What is known of a release whose metadata admit more is no bound for pip.
        if rows.iter().all(|need| need.uncapped.is_none()) {
            left = rows.iter().fold(left, |left, need| left.intersection(&need.range.set));
        }
        let known = !rows.is_empty();
        if !known && may_bound(ctx, view, component) {
            return false;
        }
    }
    let above = left.intersection(&range.complement());
    match range.lower_bound().and_then(|lowest| format!(">={lowest}").parse::<VersionSet>().ok()) {
        Some(from) => above.intersects(&from),
        None => !above.is_empty(),
    }
}

/// Whether a release of which nothing is known may bound a component: others of its releases name it, or it computes with
/// NumPy as such packages do.
fn may_bound(ctx: &Context<'_>, view: &PackageView, component: &str) -> bool {
    if component != "numpy" {
        return ctx.knowledge.needs.rows_of(view.name.as_str()).any(|row| row.component == component);
    }
    let computes = matches!(
        ctx.knowledge.role(&view.name),
        Some(Role::Framework | Role::Runtime | Role::Serialiser | Role::Preprocessing)
    );
    computes && !numpy_abi::surely_admits_numpy_2(ctx, view)
}
