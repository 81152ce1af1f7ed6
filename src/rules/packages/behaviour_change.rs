use crate::{
    environment::{Environment, PackageView},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Knowledge, Provenance, Reason,
        change::{Change, Scope, Weight},
    },
    rules::{Check, Context, listed, listed_up_to},
    version::{PythonVersion, Version},
};

rule! {
    /// A package is known to behave differently in the serving version.
    ///
    /// ## Why it matters
    ///
    /// Some releases change a default, a type or a result without any error: dates are read in another order, images are
    /// resized by another filter, scores at a threshold change sides. The model loads and answers, but it is fed something
    /// else than in training. Changes that can reach a loaded model make this a warning; changes that only a new fit would
    /// meet, and names that were removed and that few programs use, are told as drift.
    ///
    /// A change counts only when both versions lie outside the interval in which it is known to have happened.
    ///
    /// ## Example
    ///
    /// ```text
    /// train/requirements.txt: torchvision==0.16.2
    /// serve/requirements.txt: torchvision==0.17.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin the training version in serving, or write down the old behaviour in the code (`antialias=False`, an explicit
    /// format or type) and compare the answers of both sides on the same inputs.
    pub(crate) static RULE {
        code: "EC108",
        name: "behaviour-change",
        impact: Impact::WrongResult,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

type Known<'k> = (&'k Change, Provenance);

/// The known changes between the versions of a package on both sides; none if a version is not known.
pub(crate) fn between<'k>(knowledge: &'k Knowledge, train: &PackageView, serve: &PackageView) -> Vec<Known<'k>> {
    let (Some(before), Some(after)) = (train.pin(), serve.pin()) else { return Vec::new() };
    knowledge.changes_between(serve.name.as_str(), before, after)
}

/// The known changes between two Pythons; none if a minor is not known.
fn between_pythons<'k>(
    knowledge: &'k Knowledge,
    train: &PythonVersion,
    serve: &PythonVersion,
) -> Vec<Known<'k>> {
    let minor = |python: &PythonVersion| {
        python.minor().map(|minor| Version::new([u64::from(python.major()), u64::from(minor)]))
    };
    let (Some(before), Some(after)) = (minor(train), minor(serve)) else { return Vec::new() };
    knowledge.changes_between("python", &before, &after)
}

/// The weightiest known changes between two Pythons, for python-drift to tell.
pub(crate) fn python_reasons(knowledge: &Knowledge, train: &PythonVersion, serve: &PythonVersion) -> Vec<Reason> {
    let mut changes = between_pythons(knowledge, train, serve);
    changes.sort_by_key(|(row, provenance)| std::cmp::Reverse((provenance.grounds, row.weight)));
    changes.into_iter().take(3).map(|(row, provenance)| reason("Python", row, provenance)).collect()
}

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    for serve in serving.packages() {
        let name = [serve.name.as_str()];
        if serving.is_settled(&name) && training.is_settled(&name) {
            continue;
        }
        let Some(train) = training.package(serve.name.as_str()) else { continue };
        let changes = between(ctx.knowledge, train, serve);
        if changes.is_empty() {
            continue;
        }
        let Some(finding) = told(serve.name.as_str(), &train.shown(), &serve.shown(), changes) else { continue };
        let (name, before, after) = (&serve.name, train.shown(), serve.shown());
        let help = match finding.impact {
            Impact::WrongResult => format!("pin {name}=={before} in serving, or compare the answers of both versions"),
            _ => format!("pin {name}=={before} in serving, or test the service with {after}"),
        };
        out.findings.push(
            finding
                .primary(&serving.name, serve.place(), format!("{after} in serving"))
                .label(&training.name, train.place(), format!("{before} in training"))
                .help(help),
        );
    }
}

/// The finding about one package, without its places.
fn told(name: &str, before: &str, after: &str, mut changes: Vec<Known<'_>>) -> Option<Finding> {
    changes.sort_by_key(|(row, provenance)| {
        std::cmp::Reverse((reach(row, provenance.grounds), provenance.grounds, row.weight))
    });
    let (first, provenance) = changes.first()?;
    let reach = reach(first, provenance.grounds);
    let topics: Vec<&str> = changes.iter().map(|(row, _)| row.topic.as_str()).collect();
    let amount = if let [only] = topics.as_slice() {
        format!("a known change in {only}")
    } else {
        format!("{} known changes: {}", topics.len(), listed_up_to(&topics, 3))
    };
    let (severity, impact, most) = match reach {
        Reach::Answers => (Severity::Warning, Impact::WrongResult, 5),
        Reach::Start => (Severity::Warning, Impact::StartFailure, 5),
        Reach::Little if first.kind.is_silent() && first.scope == Scope::Inference => {
            (Severity::Info, Impact::WrongResult, 3)
        }
        Reach::Little => (Severity::Info, Impact::Drift, 3),
    };
    let finding = RULE
        .finding(format!("{name} is {before} in training and {after} in serving, across {amount}"))
        .severity(severity)
        .impact(impact)
        .about([name]);
    // The lighter ones are counted; only those that decide are told at length.
    let decisive = changes.into_iter().filter(|(row, provenance)| self::reach(row, provenance.grounds) == reach);
    Some(decisive.take(most).fold(finding, |finding, (row, provenance)| {
        finding.because(reason(name, row, provenance))
    }))
}

fn reason(shown: &str, row: &Change, provenance: Provenance) -> Reason {
    let (old, new, what, functions) = (&row.old, &row.new, &row.claim, listed(&row.functions));
    Reason { claim: format!("in {shown} {new}, unlike {old}, {what} ({functions})"), provenance }
}

/// How far a change reaches when a model that was made before is only loaded and asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Hardly, rarely, or nobody knows for sure.
    Little,
    /// Programs may stop.
    Start,
    /// Answers may differ without an error.
    Answers,
}

fn reach(row: &Change, grounds: Grounds) -> Reach {
    match (row.weight >= Weight::High && grounds > Grounds::Note, row.scope) {
        (true, Scope::Inference) if row.kind.is_silent() => Reach::Answers,
        (true, Scope::Code) if row.kind.is_upwards_only() => Reach::Start,
        _ => Reach::Little,
    }
}
