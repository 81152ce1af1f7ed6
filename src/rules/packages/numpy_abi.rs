use crate::{
    environment::{Environment, PackageView, Seen},
    finding::{Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Knowledge, Reason,
        onnx::{RuntimeRelease, WithNumpy2},
        packages::NumpyAbi,
    },
    rules::{Check, Context, listed, listed_up_to},
    version::{self, PythonVersion, Truth, Version, VersionSet},
};

rule! {
    /// A package that was compiled for NumPy 1 stands beside NumPy 2.
    ///
    /// ## Why it matters
    ///
    /// NumPy 2 changed the binary interface. Extension modules built for NumPy 1 fail at import (`numpy.dtype size changed`,
    /// `_ARRAY_API not found`) or crash at the first call. Many of these releases declare no upper bound, so pip installs the
    /// pair without complaint.
    ///
    /// ## Example
    ///
    /// ```text
    /// numpy==2.1.3
    /// pandas==2.2.1
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin `numpy<2`, or take the first release of the package that was built for NumPy 2.
    pub(crate) static RULE {
        code: "EC105",
        name: "numpy-abi",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// A package that was built for NumPy 1.
struct Old<'a> {
    view: &'a PackageView,
    version: &'a Version,
    /// Measured or read from the wheel, not derived.
    sure: bool,
    by: By<'a>,
}

/// The row that says so.
enum By<'a> {
    Runtime(&'a RuntimeRelease, WithNumpy2),
    Other(&'a NumpyAbi),
}

impl Old<'_> {
    /// The first release that works with NumPy 2.
    fn works(&self) -> String {
        match self.by {
            By::Runtime(..) => "1.19.0".into(),
            By::Other(row) => row.first.to_string(),
        }
    }

    fn reason(&self, knowledge: &Knowledge) -> Reason {
        let version = self.version;
        match self.by {
            By::Runtime(row, with) => {
                let claim = match with {
                    WithNumpy2::Ok => format!("onnxruntime {version} works with NumPy 2"),
                    WithNumpy2::ImportError => format!("onnxruntime {version} fails at import with NumPy 2"),
                    WithNumpy2::CrashAtRun => format!(
                        "onnxruntime {version} imports with NumPy 2 and a warning, then the first inference ends the process"
                    ),
                };
                Reason { claim, provenance: knowledge.onnxruntime_release.provenance(row) }
            }
            By::Other(row) => {
                let claim = format!(
                    "{} {} is the last release built for NumPy 1, {} the first that works with NumPy 2",
                    row.package, row.last, row.first
                );
                Reason { claim, provenance: knowledge.numpy_abi.provenance(row) }
            }
        }
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(numpy) = side.package("numpy") else { return };
    let Ok(second) = ">=2.0.0".parse::<VersionSet>() else { return };
    let generation = numpy.versions.within(&second);
    // A range that merely admits NumPy 2 is decided on the day of the installation, unless something else bounds it.
    if generation.violated() || generation.undecided() && !numpy.versions.is_open_above() {
        return;
    }
    // What a wheel, an archive or a repository holds is there already: no index chooses it on the day of the installation.
    if generation.undecided() && numpy.is_direct() {
        return;
    }
    // For an older Python there is no NumPy 2.
    let without = |python: Seen<'_, PythonVersion>| FIRST_PYTHON.parse().is_ok_and(|first| python.value.at_least(&first).violated());
    if generation.undecided() && side.python().is_some_and(without) {
        return;
    }
    let mut old: Vec<Old<'_>> = side.packages().filter_map(|view| built_for_numpy_1(ctx, view)).collect();
    if generation.undecided() {
        if side.packages().any(|view| bound(ctx, view, &second) == Truth::Violated) {
            return; // A package that is here keeps NumPy 2 out.
        }
        // Wheels that are for older Pythons alone never meet NumPy 2.
        old.retain(|old| !only_before_numpy_2(ctx, old));
        let (open, unknown): (Vec<_>, Vec<_>) = old.into_iter().partition(|old| bound(ctx, old.view, &second).holds());
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|old| format!("{} {}", old.view.name, old.version)).collect();
            let verb = if unknown.len() == 1 { "was" } else { "were" };
            out.undecided.push(RULE.undecided(
                format!("{} {verb} built for NumPy 1, and nothing pins numpy below 2", listed_up_to(&names, 4)),
                "pin numpy, or give the output of `pip freeze`",
            ));
        }
        old = open;
    }
    let Some(first) = old.first() else { return };
    let names: Vec<String> = old.iter().map(|old| format!("{} {}", old.view.name, old.version)).collect();
    let verb = if old.len() == 1 { "was" } else { "were" };
    let has = if generation.holds() {
        format!("the environment has numpy {}", numpy.shown())
    } else if numpy.versions.is_all() {
        "numpy is not bounded below 2".to_owned()
    } else {
        format!("numpy{} admits NumPy 2", numpy.shown())
    };
    let error = generation.holds() && old.iter().any(|old| old.sure);
    let newer: Vec<String> = old.iter().map(|old| format!("{} {}", old.view.name, old.works())).collect();
    let mut finding = RULE
        .finding(format!("{} {verb} built for NumPy 1, and {has}", listed_up_to(&names, 4)))
        .severity(if error { Severity::Error } else { Severity::Warning })
        .primary(&side.name, first.view.place(), "built for NumPy 1")
        .label(&side.name, numpy.place(), format!("numpy {}", numpy.shown()))
        .about(["numpy"])
        .help(format!("pin numpy<2 (1.26.4 is the last one), or take {} or newer", listed(&newer)));
    for old in old {
        finding = finding
            .label(&side.name, old.view.place(), "built for NumPy 1")
            .about([old.view.name.as_str()])
            .because(old.reason(ctx.knowledge));
    }
    out.findings.push(finding);
}

/// Whether the metadata of a package admits NumPy 2; undecided where it is not known.
fn bound(ctx: &Context<'_>, view: &PackageView, second: &VersionSet) -> Truth {
    let Some(version) = view.pin() else { return Truth::Undecided };
    let needs = ctx.knowledge.needs_of(view.name.as_str(), version);
    let numpy = needs.iter().find(|(need, _)| need.component == "numpy");
    numpy.map_or_else(
        || if admits_numpy_2(ctx, view).is_some() { Truth::Holds } else { Truth::Undecided },
        |(need, _)| (!need.range.set.intersection(second).is_empty()).into(),
    )
}

/// Whether all wheels of a release are for Pythons that have no NumPy 2.
fn only_before_numpy_2(ctx: &Context<'_>, old: &Old<'_>) -> bool {
    let Ok(first) = FIRST_PYTHON.parse::<PythonVersion>() else { return false };
    let pythons = ctx.knowledge.wheel_pythons(old.view.name.as_str(), old.version).map(|(row, _)| &row.python);
    pythons.is_some_and(|it| !it.is_empty() && it.iter().all(|python| python.at_least(&first).violated()))
}

/// The first Python of NumPy 2.
const FIRST_PYTHON: &str = "3.9";

/// Whether a package was built for NumPy 1 while its metadata are known to admit NumPy 2, and from which Python on there is
/// one.
pub(super) fn admits_numpy_2(ctx: &Context<'_>, view: &PackageView) -> Option<(PythonVersion, Reason)> {
    let old = built_for_numpy_1(ctx, view)?;
    let By::Other(row) = old.by else { return None };
    let last = row.admits.as_ref()?;
    let known = version::public(old.version) <= last.0;
    known.then(|| FIRST_PYTHON.parse().ok()).flatten().map(|python| (python, old.reason(ctx.knowledge)))
}

/// Whether pip may install NumPy 2 beside a package, be it built for that or not.
pub(super) fn surely_admits_numpy_2(ctx: &Context<'_>, view: &PackageView) -> bool {
    let built_for_2 = || {
        let row = ctx.knowledge.numpy_abi.rows_of(view.name.as_str()).next()?;
        view.pin().map(|version| version::public(version) >= row.first.0)
    };
    admits_numpy_2(ctx, view).is_some() || built_for_2() == Some(true)
}

/// Whether this rule says that a package was built for NumPy 1 while NumPy 2 is surely there.
pub(super) fn reports(ctx: &Context<'_>, side: &Environment, view: &PackageView) -> bool {
    let second = ">=2.0.0".parse::<VersionSet>();
    let numpy = side.package("numpy");
    let surely = numpy.zip(second.ok()).is_some_and(|(numpy, second)| numpy.versions.within(&second).holds());
    surely && built_for_numpy_1(ctx, view).is_some()
}

fn built_for_numpy_1<'a>(ctx: &Context<'a>, view: &'a PackageView) -> Option<Old<'a>> {
    let version = view.pin()?;
    let knowledge = ctx.knowledge;
    if view.name.as_str() != "onnxruntime" && !knowledge.numpy_abi.may_know(view.name.as_str()) {
        return None;
    }
    // The table is about PyPI's wheels; conda rebuilds its packages for every NumPy.
    let rebuilt = || view.entries.iter().any(|entry| entry.package.build.is_some());
    if view.name.as_str() == "onnxruntime" {
        if rebuilt() {
            return None;
        }
        let public = version::public(version);
        let table = &knowledge.onnxruntime_release;
        let row = table.rows_at(&public).find(|row| row.version.0 == public)?;
        let with = row.numpy2.filter(|with| *with != WithNumpy2::Ok)?;
        return Some(Old { view, version, sure: true, by: By::Runtime(row, with) });
    }
    let row = knowledge.numpy_abi.rows_of(view.name.as_str()).next()?;
    if rebuilt() || version::public(version) > row.last.0 {
        return None;
    }
    let sure = knowledge.numpy_abi.grounds(row) == Grounds::Error;
    Some(Old { view, version, sure, by: By::Other(row) })
}
