use std::collections::BTreeMap;

use crate::{
    environment::{Environment, PackageView},
    fact::{Standing, wheel},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Grounds, Provenance, Reason, packages::WheelPython},
    rules::{Check, Context, listed, listed_up_to},
    text::Place,
    version::{PythonVersion, Version, VersionSet},
};

rule! {
    /// A pinned release does not support the Python of its environment.
    ///
    /// ## Why it matters
    ///
    /// pip refuses a release whose `Requires-Python` excludes the interpreter. Where no wheel exists for it, pip builds
    /// from source, or finds nothing at all if the project publishes wheels only (ONNX Runtime, torch, TensorFlow).
    /// One finding names all packages of a side that have no wheel for its Python.
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
    let mut lacking = Vec::new();
    let mut allowing = Allowing::new(python.value);
    for view in side.packages() {
        if side.is_settled(&[view.name.as_str()]) {
            continue;
        }
        if !requires_python(side, view, (python.value, python.place), &mut allowing, out)
            && !wheel_file(side, view, python.value, python.place, out)
        {
            lacking.extend(wheels(ctx, side, view, python.value));
        }
    }
    // One Python is one cause: what can be built from source is only the headline where nothing is worse.
    lacking.sort_by_key(|it| it.severity == Severity::Warning);
    match lacking.as_slice() {
        [] => {}
        [only] => out.findings.push(alone(ctx, side, only, python.value, python.place)),
        several => out.findings.push(together(side, several, python.value, python.place)),
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
    (python, place): (&PythonVersion, Place),
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
    place: Place,
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

/// A package without a wheel for the Python.
struct Lacking<'a> {
    view: &'a PackageView,
    version: &'a Version,
    row: &'a WheelPython,
    provenance: Provenance,
    /// A warning where it can be built from source.
    severity: Severity,
}

impl Lacking<'_> {
    fn has(&self) -> String {
        let pythons: Vec<String> = self.row.python.iter().map(ToString::to_string).collect();
        format!("wheels for Python {}", listed(&pythons))
    }

    fn reason(&self) -> Reason {
        let Lacking { view, row, .. } = self;
        let claim = format!("{} {} to {} has {} (Linux x86_64)", view.name, row.first, row.last, self.has());
        Reason { claim, provenance: self.provenance.clone() }
    }
}

fn consequence(severity: Severity) -> &'static str {
    if severity == Severity::Error { "and no source distribution" } else { "so pip builds it from source" }
}

fn wheels<'a>(
    ctx: &'a Context<'_>,
    side: &Environment,
    view: &'a PackageView,
    python: &PythonVersion,
) -> Option<Lacking<'a>> {
    let (Some(version), Some(_)) = (view.pin(), python.minor()) else { return None };
    let (row, provenance) = ctx.knowledge.wheel_pythons(view.name.as_str(), version)?;
    let short = python.prefix(2);
    // Another platform's wheel list is unknown to the tables; so is a Python that came after the last look at them.
    let elsewhere = side.target.os.as_deref().is_some_and(|os| os != "linux")
        || side.target.machine.as_deref().is_some_and(|machine| machine != "x86_64");
    let built = view.entries.iter().any(|entry| entry.package.build.is_some() || entry.package.url.is_some());
    if row.python.contains(&short) || elsewhere || built {
        return None;
    }
    let known = ctx.knowledge.wheel_python.rows().iter().flat_map(|row| &row.python).max();
    if known.is_none_or(|newest| short > *newest) {
        return None;
    }
    let wheels_only = row.wheels_only == Some(true) && provenance.grounds == Grounds::Error;
    // Somebody installed it there: it was built from source, and that worked.
    if !wheels_only && view.standing == Standing::Observed {
        return None;
    }
    let severity = if wheels_only { Severity::Error } else { Severity::Warning };
    Some(Lacking { view, version, row, provenance, severity })
}

fn alone(ctx: &Context<'_>, side: &Environment, it: &Lacking<'_>, python: &PythonVersion, place: Place) -> Finding {
    let Lacking { view, version, row, severity, .. } = it;
    let short = python.prefix(2);
    let pythons: Vec<String> = row.python.iter().map(ToString::to_string).collect();
    let name = &view.name;
    let releases = ctx.knowledge.releases_for_python(name.as_str(), &short);
    let newest = releases.iter().max_by(|a, b| a.last.cmp(&b.last));
    let oldest = releases.iter().min_by(|a, b| a.first.cmp(&b.first));
    let help = match (oldest, newest) {
        (Some(oldest), _) if oldest.first.0 > **version => {
            format!("{name} has wheels for Python {short} from {} on; or use Python {}", oldest.first, pythons[pythons.len() - 1])
        }
        (_, Some(newest)) => format!("{name} has wheels for Python {short} up to {}; or use Python {}", newest.last, pythons[0]),
        _ => format!("use Python {}", listed(&pythons)),
    };
    RULE.finding(format!("{name} {version} has no wheel for Python {short}, {}", consequence(*severity)))
        .severity(*severity)
        .primary(&side.name, view.place(), it.has())
        .label(&side.name, place, format!("Python {python}"))
        .about([name.as_str(), "python"])
        .help(help)
        .because(it.reason())
}

/// Several packages of another Python: most often it is the Python that was changed.
fn together(side: &Environment, lacking: &[Lacking<'_>], python: &PythonVersion, place: Place) -> Finding {
    let severity = lacking[0].severity;
    let worst = lacking.iter().filter(|it| it.severity == severity);
    let names: Vec<String> = worst.map(|it| format!("{} {}", it.view.name, it.version)).collect();
    let (verb, then) = match (names.len(), severity) {
        (1, _) => ("has", consequence(severity)),
        (_, Severity::Error) => ("have", consequence(severity)),
        _ => ("have", "so pip builds them from source"),
    };
    let names = listed_up_to(&names, 3);
    let mut finding = RULE
        .finding(format!("{names} {verb} no wheel for Python {}, {then}", python.prefix(2)))
        .severity(severity)
        .primary(&side.name, place, format!("Python {python}"))
        .about(lacking.iter().map(|it| it.view.name.to_string()))
        .about(["python"]);
    for it in lacking.iter().take(6) {
        let built = if it.severity == severity { "" } else { "; built from source here" };
        finding = finding.label(&side.name, it.view.place(), format!("{}{built}", it.has())).because(it.reason());
    }
    let common = lacking[0].row.python.iter().filter(|it| lacking.iter().all(|other| other.row.python.contains(it)));
    finding.help(match common.max() {
        Some(python) => format!("use Python {python}, for which all of them have wheels, or other releases of them"),
        None => "take releases of them that have wheels for one Python".to_owned(),
    })
}
