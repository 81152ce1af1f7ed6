use crate::{
    environment::{Entry, Environment, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context},
};

rule! {
    /// The inputs of one side contradict each other.
    ///
    /// ## Why it matters
    ///
    /// Two lines of one requirements file that exclude each other cannot be installed. Where a list of what is installed
    /// disagrees with what is asked for, one of the two is out of date, and every other verdict about that package is about
    /// the wrong version. Packages that one Python installed are not found by another one that they are copied to.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: numpy==1.26.4
    /// pip-freeze.txt:   numpy==2.1.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Bring the files in line, and remove the one that is stale.
    pub(crate) static RULE {
        code: "EC602",
        name: "contradiction",
        impact: Impact::Drift,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    for view in side.packages().filter(|view| !side.is_settled(&[view.name.as_str()])) {
        package(ctx, side, view, out);
    }
    // What an image implies is meant to be built upon.
    let mut pythons = side.pythons();
    pythons.retain(|seen| seen.standing > Standing::Implied);
    if let Some(first) = pythons.first()
        && let Some(other) = pythons.iter().find(|seen| seen.value.prefix(2).same(&first.value.prefix(2)).violated())
    {
        out.findings.push(
            RULE.finding(format!("{} has Python {} and Python {}", side.side.word(), first.value, other.value))
                .severity(Severity::Warning)
                .primary(&side.name, other.place, format!("Python {}", other.value))
                .label(&side.name, first.place, format!("Python {}", first.value))
                .about(["python"])
                .help("remove the input that is out of date"),
        );
    }
    copied(ctx, side, out);
    let drivers = side.drivers();
    if let Some(first) = drivers.first()
        && let Some(other) = drivers.iter().find(|seen| seen.value.same(first.value).violated())
    {
        out.findings.push(
            RULE.finding(format!("{} has driver {} and driver {}", side.side.word(), first.value.spelled(), other.value.spelled()))
                .severity(Severity::Warning)
                .primary(&side.name, other.place, format!("driver {}", other.value.spelled()))
                .label(&side.name, first.place, format!("driver {}", first.value.spelled()))
                .about(["nvidia-driver"])
                .help("check hosts with different drivers one by one"),
        );
    }
}

/// A virtual environment keeps its packages in a folder of one minor release, into which no other Python looks.
fn copied(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(python) = side.python() else { return };
    for installing in side.installing_pythons(ctx.knowledge) {
        if !installing.version.prefix(2).same(&python.value.prefix(2)).violated() {
            continue;
        }
        let (from, to) = (installing.version.prefix(2), python.value.prefix(2));
        let mut finding = RULE
            .finding(format!("packages are installed by Python {from} and copied to Python {to} in {}", side.side.word()))
            .severity(Severity::Warning)
            .impact(Impact::StartFailure)
            .primary(&side.name, installing.place, format!("{} installs them with Python {from}", installing.image))
            .label(&side.name, python.place, format!("Python {to} runs"))
            .about(["python"])
            .because(installing.reason)
            .help("build and run with the same minor release of Python");
        for reason in python.reasons {
            finding = finding.because(reason.clone());
        }
        out.findings.push(finding);
    }
}

fn package(ctx: &Context<'_>, side: &Environment, view: &PackageView, out: &mut Verdicts) {
    let certain: Vec<&Entry> = view
        .entries
        .iter()
        .filter(|entry| entry.applies.holds() && entry.standing > Standing::Implied)
        .collect();
    for (at, a) in certain.iter().enumerate() {
        for b in &certain[at + 1..] {
            if !a.package.versions.intersection(&b.package.versions).is_empty() {
                continue;
            }
            let installs = a.standing == Standing::Declared && b.standing == Standing::Declared;
            let one_file = a.place.file == b.place.file;
            let (first, second) = (said(a), said(b));
            let mut finding = RULE
                .finding(format!("{} is both {first} and {second} in {}", view.name, side.side.word()))
                // Several requirements files in one folder may be alternatives; one file is not.
                .severity(if installs && one_file { Severity::Error } else { Severity::Warning })
                .impact(if installs && one_file { Impact::StartFailure } else { Impact::Drift })
                .primary(&side.name, b.version_place(), second.clone())
                .label(&side.name, a.version_place(), first.clone())
                .about([view.name.as_str()])
                .help(match (installs, one_file) {
                    (true, true) => "keep one of the two",
                    (true, false) => "keep one of the two, or name only the file that is installed",
                    (false, _) => "bring the files in line, or remove the stale one",
                });
            if installs && one_file {
                finding = finding.because(ctx.knowledge.statement("pip-one-version"));
            }
            out.findings.push(finding);
            return; // One contradiction of a package says it all.
        }
    }
}

fn said(entry: &Entry) -> String {
    match entry.package.versions.single() {
        Some(version) => version.to_string(),
        None => entry.package.specifier.clone(),
    }
}
