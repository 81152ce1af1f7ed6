use std::collections::BTreeMap;

use crate::{
    environment::{Environment, PackageView},
    fact::{Standing, wheel},
    finding::{Impact, Severity, Verdicts},
    knowledge::Grounds,
    rules::{Check, Context, listed},
    version::{PythonVersion, VersionSet},
};

rule! {
    /// A pinned release does not support the Python of its environment.
    ///
    /// ## Why it matters
    ///
    /// pip refuses a release whose `Requires-Python` excludes the interpreter. Where no wheel exists for it, pip builds
    /// from source, or finds nothing at all if the project publishes wheels only (ONNX Runtime, torch, TensorFlow).
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: onnxruntime==1.10.0
    /// serve.lock:       python = "3.10"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take a release that supports this Python, or the Python that this release supports.
    pub(crate) static RULE {
        code: "EC002",
        name: "python-without-wheel",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(python) = side.python() else { return };
    let mut allowing = Allowing::new(python.value);
    for view in side.packages().filter(|view| !side.is_settled(&[view.name.as_str()])) {
        if !requires_python(side, view, (python.value, python.place), &mut allowing, out)
            && !wheel_file(side, view, python.value, python.place, out)
        {
            wheels(ctx, side, view, python.value, python.place, out);
        }
    }
}

/// What `Requires-Python` texts say about one interpreter; hundreds of packages share a few of them.
struct Allowing<'t> {
    running: VersionSet,
    /// By text: what it allows, if that excludes the interpreter.
    excluding: BTreeMap<&'t str, Option<VersionSet>>,
}

impl<'t> Allowing<'t> {
    fn new(python: &PythonVersion) -> Self {
        let running = match python.number().parts().len() {
            0..=2 => format!("=={python}.*").parse(),
            _ => format!("=={python}").parse(),
        };
        Allowing { running: running.unwrap_or_else(|_| VersionSet::all()), excluding: BTreeMap::new() }
    }

    fn excluded_by(&mut self, text: &'t str) -> Option<&VersionSet> {
        let excludes = |allowed: &VersionSet| self.running.within(allowed).violated();
        self.excluding.entry(text).or_insert_with(|| text.parse().ok().filter(excludes)).as_ref()
    }
}

/// Whether `Requires-Python` already excludes the interpreter.
fn requires_python<'t>(
    side: &Environment,
    view: &'t PackageView,
    (python, place): (&PythonVersion, crate::text::Place),
    allowing: &mut Allowing<'t>,
    out: &mut Verdicts,
) -> bool {
    let Some((entry, text)) = view
        .entries
        .iter()
        .find_map(|entry| entry.package.requires_python.as_deref().map(|text| (entry, text)))
    else {
        return false;
    };
    let Some(allowed) = allowing.excluded_by(text).cloned() else { return false };
    let running = &allowing.running;
    // What was installed all the same is merely newer than its maker promised; `uv pip check` accepts that.
    let from = allowed.lower_bound().map_or_else(VersionSet::all, |lowest| {
        format!(">={lowest}").parse().unwrap_or_else(|_| VersionSet::all())
    });
    let newer = view.standing == Standing::Observed && !running.within(&from).violated();
    out.findings.push(
        RULE.finding(format!("{} {} requires Python {text}, the environment has {python}", view.name, view.shown()))
            .severity(if newer { Severity::Warning } else { Severity::Error })
            .primary(&side.name, entry.version_place(), format!("requires Python {text}"))
            .label(&side.name, place, format!("Python {python}"))
            .about([view.name.as_str(), "python"])
            .help(format!("take a release of {} that supports Python {python}", view.name)),
    );
    true
}

/// Whether wheel files are named that are all for other Pythons.
fn wheel_file(
    side: &Environment,
    view: &PackageView,
    python: &PythonVersion,
    place: crate::text::Place,
    out: &mut Verdicts,
) -> bool {
    let Some(minor) = python.minor().filter(|_| python.major() == 3) else { return false };
    let named = |entry: &&crate::environment::Entry| !entry.package.tags.is_empty();
    let Some(entry) = view.entries.iter().find(named).filter(|_| view.standing == Standing::Declared) else {
        return false;
    };
    if entry.package.tags.iter().any(|tag| wheel::runs_on_python(tag, minor)) {
        return false;
    }
    let mut pythons: Vec<&str> = entry.package.tags.iter().filter_map(|tag| tag.split('-').next()).collect();
    pythons.dedup();
    out.findings.push(
        RULE.finding(format!("{} {} is a wheel for {}, the environment has Python {python}", view.name, view.shown(), listed(&pythons)))
            .primary(&side.name, view.place(), format!("for {}", listed(&pythons)))
            .label(&side.name, place, format!("Python {python}"))
            .about([view.name.as_str(), "python"])
            .help(format!("take the wheel for cp3{minor}, or the Python that this one is for")),
    );
    true
}

fn wheels(
    ctx: &Context<'_>,
    side: &Environment,
    view: &PackageView,
    python: &PythonVersion,
    place: crate::text::Place,
    out: &mut Verdicts,
) {
    let (Some(version), Some(_)) = (view.pin(), python.minor()) else { return };
    let Some((row, provenance)) = ctx.knowledge.wheel_pythons(view.name.as_str(), version) else { return };
    let short = python.prefix(2);
    // Another platform's wheel list is unknown to the tables; so is a Python that came after the last look at them.
    let elsewhere = side.target.os.as_deref().is_some_and(|os| os != "linux")
        || side.target.machine.as_deref().is_some_and(|machine| machine != "x86_64");
    let built = view.entries.iter().any(|entry| entry.package.build.is_some() || entry.package.url.is_some());
    if row.python.contains(&short) || elsewhere || built {
        return;
    }
    let known = ctx.knowledge.wheel_python.rows().iter().flat_map(|row| &row.python).max();
    if known.is_none_or(|newest| short > *newest) {
        return;
    }
    let wheels_only = row.wheels_only == Some(true) && provenance.grounds == Grounds::Error;
    // Somebody installed it there: it was built from source, and that worked.
    if !wheels_only && view.standing == Standing::Observed {
        return;
    }
    let pythons: Vec<String> = row.python.iter().map(ToString::to_string).collect();
    let name = &view.name;
    let releases = ctx.knowledge.releases_for_python(name.as_str(), &short);
    let newest = releases.iter().max_by(|a, b| a.last.cmp(&b.last));
    let oldest = releases.iter().min_by(|a, b| a.first.cmp(&b.first));
    let help = match (oldest, newest) {
        (Some(oldest), _) if oldest.first.0 > *version => {
            format!("{name} has wheels for Python {short} from {} on; or use Python {}", oldest.first, pythons[pythons.len() - 1])
        }
        (_, Some(newest)) => format!("{name} has wheels for Python {short} up to {}; or use Python {}", newest.last, pythons[0]),
        _ => format!("use Python {}", listed(&pythons)),
    };
    let (severity, consequence) =
        if wheels_only { (Severity::Error, "and no source distribution") } else { (Severity::Warning, "so pip builds it from source") };
    let mut finding = RULE
        .finding(format!("{name} {version} has no wheel for Python {short}, {consequence}"))
        .severity(severity)
        .primary(&side.name, view.place(), format!("wheels for Python {}", listed(&pythons)))
        .label(&side.name, place, format!("Python {python}"))
        .about([name.as_str(), "python"])
        .help(help);
    finding = finding.because(crate::knowledge::Reason {
        claim: format!("{name} {} to {} has wheels for Python {} (Linux x86_64)", row.first, row.last, listed(&pythons)),
        provenance,
    });
    out.findings.push(finding);
}
