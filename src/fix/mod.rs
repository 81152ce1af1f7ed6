//! Fixes that were checked: single changes to one side, each evaluated by running all rules again.
//!
//! For a finding, every known release of the packages it is about (and every known driver) is a candidate, the nearest
//! first. A candidate is offered only if the finding is gone and nothing new appeared: no suggestion is better than one
//! that leads into the next error.

mod plan;
mod tools;

pub use plan::{Plan, TextChange};
use tools::Way;

use crate::{
    environment::{Environment, PackageView, Side},
    fact::{Origin, Standing},
    finding::{Edit, Finding, Fix, IrEdit, Severity, Verdicts},
    knowledge::{Knowledge, cuda::DriverSystem},
    rules::{self, Context},
    text::{FileId, Place, Sources},
    version::{DriverVersion, Version},
};

/// How many packages a run may look at for the sake of fixes: an evaluation looks at all of both sides.
const BUDGET: usize = 12_000;

/// How many candidates of one component are tried for one finding.
const PER_COMPONENT: usize = 16;

/// How many fixes are offered for one finding.
const OFFERED: usize = 2;

/// Rules whose defect no other version mends: rivals stay rivals, and stale files stay stale. Of the wheels for another
/// architecture no table says which Pythons and C libraries they are for.
const NOT_BY_VERSION: [&str; 9] = ["EC004", "EC104", "EC312", "EC401", "EC402", "EC403", "EC404", "EC602", "EC901"];

/// The rule that another driver mends.
const DRIVER_RULE: &str = "EC301";

/// The rule that any pin would silence.
const UNPINNED_RULE: &str = "EC601";

/// The rule whose table names the release to take.
const NUMPY_RULE: &str = "EC105";

/// Rules whose first component tells their findings apart: what others ask for, and what wrote a file.
const BY_FIRST: [&str; 2] = ["EC106", "EC205"];

/// The rule that speaks from the metadata of the very releases that are there.
const REQUIREMENT_RULE: &str = "EC107";

/// Packages that others are made for.
const CORE: [&str; 4] = ["torch", "tensorflow", "jax", "transformers"];

/// A change to one side.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    Package { name: String, version: Version },
    Driver(DriverVersion),
}

impl Change {
    fn title(&self, side: &Environment) -> String {
        match self {
            Change::Package { name, version } => format!("use {name}=={version} in {}", side.side.word()),
            Change::Driver(driver) => {
                format!("install driver {} or newer on the {} host", driver.spelled(), side.side.word())
            }
        }
    }

    fn applied(&self, side: &Environment) -> Environment {
        match self {
            Change::Package { name, version } => side.with_package(name, version),
            Change::Driver(driver) => side.with_driver(driver),
        }
    }
}

/// The rule that a lower IR version may mend.
const IR_RULE: &str = "EC202";

/// What fixes need to know about the inputs beside facts.
pub struct Inputs<'i> {
    /// The texts.
    pub sources: &'i Sources,
    /// Whether remarks are mended, too: harmless differences to what training has.
    pub remarks: bool,
    /// The IR version that a model states and the lowest that it needs, with the byte that states it.
    pub ir: &'i dyn Fn(FileId) -> Option<(u8, u8, usize)>,
}

/// Adds checked fixes to every error and warning that a single change resolves.
pub fn suggest(context: &Context<'_>, inputs: &Inputs<'_>, verdicts: &mut Verdicts) {
    let before: Vec<Mark> = verdicts.findings.iter().map(Mark::of).collect();
    let size: usize = context.sides().map(|side| side.packages().count()).sum();
    let mut left = (BUDGET / size.max(1)).clamp(16, 160);
    for at in 0..verdicts.findings.len() {
        let finding = &verdicts.findings[at];
        let least = if inputs.remarks { Severity::Info } else { Severity::Warning };
        if finding.severity < least || left == 0 || NOT_BY_VERSION.contains(&finding.code) {
            continue;
        }
        let mut fixes = fixes(context, inputs.sources, &verdicts.findings[at], &before, &mut left);
        // The model stays what it is, so this comes before every other change.
        fixes.splice(0..0, lowered(context, inputs, &verdicts.findings[at]));
        verdicts.findings[at].fixes = fixes;
    }
}

/// What makes two findings the same across an evaluation: rule and components, not the wording.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    code: &'static str,
    severity: Severity,
    components: Vec<String>,
    /// What tells findings of one rule apart that share their components.
    subject: Option<String>,
}

impl Mark {
    fn of(finding: &Finding) -> Mark {
        let mut components = finding.components.clone();
        let subject = components.first().filter(|_| BY_FIRST.contains(&finding.code)).cloned();
        components.sort();
        Mark { code: finding.code, severity: finding.severity, components, subject }
    }

    /// Whether this is no worse than one of the findings there were before.
    fn is_known(&self, before: &[Mark]) -> bool {
        let within = |mark: &Mark| self.components.iter().all(|component| mark.components.contains(component));
        let alike = |mark: &Mark| mark.code == self.code && mark.subject == self.subject;
        before.iter().any(|mark| alike(mark) && self.severity <= mark.severity && within(mark))
    }
}

/// The model with the highest IR version that serving reads, if nothing in it needs a later one.
fn lowered(context: &Context<'_>, inputs: &Inputs<'_>, finding: &Finding) -> Option<Fix> {
    if finding.code != IR_RULE {
        return None;
    }
    let runtimes = context.serving.onnx_runtimes(context.knowledge);
    let limits = runtimes.iter().map(|runtime| runtime.newest(context.knowledge).and_then(|row| row.ir));
    // One limit that is not known is one too many.
    let limit = limits.collect::<Option<Vec<_>>>()?.into_iter().min()?;
    let to = u8::try_from(limit.0).ok()?;
    let file = finding.labels.iter().find(|label| label.primary)?.place.file;
    let (from, needed, at) = (inputs.ir)(file)?;
    let path = &inputs.sources.get(file).path;
    let title = format!("lower the IR version of {path} from {from} to {to}; nothing in it needs more than {needed}");
    let lowering = Some(IrEdit { file, at, from, to });
    (needed <= to && to < from).then(|| Fix { title, safe: true, edits: Vec::new(), command: None, lowering })
}

fn fixes(context: &Context<'_>, sources: &Sources, finding: &Finding, before: &[Mark], left: &mut usize) -> Vec<Fix> {
    let target = Mark::of(finding);
    let mut found = Vec::new();
    // The side that the finding points at; serving first, since training already happened.
    let about: Vec<&str> = finding.labels.iter().filter_map(|label| label.environment.as_deref()).collect();
    let mut sides: Vec<&Environment> = context.sides().filter(|side| about.contains(&side.name.as_str())).collect();
    sides.sort_by_key(|side| side.side == Side::Training);
    for side in sides {
        // A change to training is only offered for what is wrong within training.
        if side.side == Side::Training && about.iter().any(|name| *name != side.name) {
            continue;
        }
        let mut components: Vec<&String> = finding.components.iter().collect();
        // Everything else follows the framework, so it is moved last.
        components.sort_by_key(|component| CORE.contains(&component.as_str()));
        for component in components {
            if component == "nvidia-driver" && finding.code != DRIVER_RULE {
                continue;
            }
            // What another release would require is only known where a table says so.
            let requires = |view: &PackageView| view.entries.iter().any(|entry| !entry.package.requires.is_empty());
            if finding.code == REQUIREMENT_RULE && side.package(component).is_some_and(requires) {
                continue;
            }
            if found.len() >= OFFERED {
                return found;
            }
            let candidates = candidates(context, side, component, finding.code);
            for change in candidates.into_iter().take(PER_COMPONENT) {
                if *left == 0 {
                    return found;
                }
                *left -= 1;
                match resolves(context, side, &change, &target, before) {
                    Outcome::Resolved => {
                        found.push(fix(context, sources, side, &change));
                        break;
                    }
                    // Another release of what is no part of the cause any more helps no further.
                    Outcome::OthersLeft => break,
                    Outcome::No => {}
                }
            }
        }
    }
    found
}

/// What a change did to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The finding is gone, and nothing new came.
    Resolved,
    /// The finding is still there without the package that was changed.
    OthersLeft,
    /// Neither.
    No,
}

fn resolves(context: &Context<'_>, side: &Environment, change: &Change, target: &Mark, before: &[Mark]) -> Outcome {
    let changed = change.applied(side);
    let after = match (context.training, side.side) {
        (Some(_), Side::Training) => Context { training: Some(&changed), ..*context },
        _ => Context { serving: &changed, ..*context },
    };
    // Most candidates leave the finding as it is, which its own rule tells at a fraction of the cost.
    let mut own = Verdicts::default();
    if let Some(rule) = rules::find(target.code) {
        rules::run_about(rule, &after, &changed, &mut own);
    }
    let still = |finding: &Finding| {
        let mark = Mark::of(finding);
        // One driver has one finding, whoever is to blame for it.
        let same = if target.subject.is_some() { mark.subject == target.subject } else { shares(&mark, target) };
        mark.code == target.code && (same || target.code == DRIVER_RULE)
    };
    if let Some(left) = own.findings.iter().find(|finding| still(finding)) {
        let within = left.components.iter().all(|component| target.components.contains(component));
        let freed = within && matches!(change, Change::Package { name, .. } if !left.components.contains(name));
        return if freed { Outcome::OthersLeft } else { Outcome::No };
    }
    // What can no longer be decided is not resolved.
    let named = |text: &str| matches!(change, Change::Package { name, .. } if text.contains(name.as_str()));
    if own.undecided.iter().any(|question| question.code == target.code && named(&question.reason)) {
        return Outcome::No;
    }
    // From here on only what is new counts.
    let named = match change {
        Change::Package { name, .. } => Some(name.as_str()),
        Change::Driver(_) => None,
    };
    let new = |it: &Environment| it.settled_but(if it.side == side.side { named } else { None });
    let (training, serving) = (after.training.map(new), new(after.serving));
    let changed = training.as_ref().filter(|training| training.side == side.side).unwrap_or(&serving);
    let after = Context { training: training.as_ref(), serving: &serving, ..after };
    let good = rules::all_findings(&after, changed, |finding| {
        // What is unknown is not known to be better.
        let unknown = finding.code == "EC901"
            && matches!(change, Change::Package { name, .. } if finding.components.contains(name));
        // A new remark about drift is no harm; a new warning is.
        !unknown && (finding.severity == Severity::Info || Mark::of(finding).is_known(before))
    });
    if good { Outcome::Resolved } else { Outcome::No }
}

fn shares(a: &Mark, b: &Mark) -> bool {
    let general = ["cuda", "cudnn", "python", "gpu", "nvidia-driver", "model", "image", "os"];
    let specific: Vec<&String> = b.components.iter().filter(|it| !general.contains(&it.as_str())).collect();
    if specific.is_empty() {
        return a.components == b.components;
    }
    a.components.iter().any(|component| specific.contains(&component))
}

/// Known releases of a component, the nearest to what is there first.
fn candidates(context: &Context<'_>, side: &Environment, component: &str, code: &str) -> Vec<Change> {
    let knowledge = context.knowledge;
    if component == "nvidia-driver" {
        let windows = side.host_os().is_some_and(|os| os.value == "windows");
        let system = if windows { DriverSystem::Windows } else { DriverSystem::Linux };
        return knowledge.known_drivers(system).into_iter().map(Change::Driver).collect();
    }
    // What an image brings changes with the image.
    let own = |view: &&PackageView| view.standing > Standing::Implied;
    let Some(view) = side.package(component).filter(own) else { return Vec::new() };
    // The tables of torch builds are about Linux; other systems get other wheels under the same number.
    let elsewhere = side.target.os.as_deref().is_some_and(|os| os != "linux");
    if elsewhere && ["torch", "torchvision", "torchaudio"].contains(&component) {
        return Vec::new();
    }
    let current = view.pin().cloned().or_else(|| view.versions.lower_bound().cloned());
    let mut releases = knowledge.known_releases(component);
    if let Some(current) = &current {
        releases.retain(|version| version.clone().without_local() != current.clone().without_local());
        let place = releases.partition_point(|version| version < current);
        let distance = |at: usize| if at >= place { at - place } else { place - 1 - at };
        let mut order: Vec<usize> = (0..releases.len()).collect();
        // Of two equally near ones the newer: going back loses fixes.
        order.sort_by_key(|at| (distance(*at), *at < place));
        releases = order.into_iter().map(|at| releases[at].clone()).collect();
    }
    // An index that is named decides which builds there are.
    let free = side.indexes().is_empty();
    let builds = current.iter().filter(|_| free).flat_map(|current| other_builds(knowledge, component, current));
    // What training used was tested with the model.
    let trained =
        context.training.filter(|_| side.side == Side::Serving).and_then(|it| it.package(component)?.pin().cloned());
    // Builds of a commit are on no index.
    let trained = trained.filter(|version| current.as_ref() != Some(version) && !version.any_prerelease());
    if code == UNPINNED_RULE {
        // Any release would do for the rule; only the one that was tested is worth naming.
        releases.clear();
    }
    if code == NUMPY_RULE
        && let Some((row, _)) = knowledge.numpy_abi(component)
    {
        releases.insert(0, row.first.0.clone());
    }
    // Away from what training used is no repair of a difference between the sides, and seldom one of anything else.
    if let (Some(trained), Some(current)) = (&trained, &current) {
        releases.retain(|version| (version < current) == (trained < current));
    }
    let builds = builds.filter(|_| code != UNPINNED_RULE);
    let all = trained.into_iter().chain(builds).chain(releases);
    all.map(|version| Change::Package { name: component.to_owned(), version }).collect()
}

/// The same release in its other known builds.
fn other_builds(knowledge: &Knowledge, component: &str, current: &Version) -> Vec<Version> {
    if component != "torch" {
        return Vec::new();
    }
    let public = current.clone().without_local();
    let mut labels = knowledge.torch_builds(&public);
    labels.sort();
    let versions = labels.iter().rev().filter_map(|label| format!("{public}+{label}").parse().ok());
    versions.filter(|version| version != current).collect()
}

/// A change as a fix: with an edit where a person wrote the line, with a command where a tool did.
fn fix(context: &Context<'_>, sources: &Sources, side: &Environment, change: &Change) -> Fix {
    let mut fix = Fix { title: change.title(side), safe: false, edits: Vec::new(), command: None, lowering: None };
    let Change::Package { name, version } = change else { return fix };
    let Some(view) = side.package(name) else { return fix };
    let entry = view.leading();
    let locked = entry.package.origin == Origin::Locked;
    match tools::way(sources.get(entry.place.file), entry.place.span, locked, name, version) {
        Way::Edit => fix.edits = edits(view, version, sources),
        Way::Command(command) => fix.command = Some(command),
        Way::Nothing => {}
    }
    // The version that the model was made with, in the same build: nobody has to think about it.
    let trained = context.training.filter(|_| side.side == Side::Serving);
    let as_trained = trained.and_then(|it| it.package(name)?.pin().cloned()).as_ref() == Some(version);
    let same_build = view.pin().is_none_or(|current| current.local() == version.local());
    fix.safe = as_trained && same_build && !fix.edits.is_empty();
    fix
}

/// The edit that names a version, where a person wrote the line.
fn edits(view: &PackageView, version: &Version, sources: &Sources) -> Vec<Edit> {
    let entry = view.leading();
    // A build of conda goes with its version, and conda has no local versions.
    let of_conda = entry.package.build.as_deref();
    if of_conda.is_some_and(|build| !build.starts_with('*') || !version.local().is_empty()) {
        return Vec::new();
    }
    // Where a variable stands for the name (`pip install $PACKAGES`), there is nothing to write a version behind.
    let literal = entry.package.parts.name.len() == entry.package.spelled.len();
    let lone = view.entries.len() == 1 && entry.standing == Standing::Declared && literal;
    match entry.package.parts.specifier.filter(|_| lone) {
        // In `name[version=1.2]`, a key and its value are no specifier together.
        Some(span) if sources.get(entry.place.file).text()[..span.start].trim_end().ends_with('=') => Vec::new(),
        Some(span) => {
            vec![Edit { place: Place { file: entry.place.file, span }, replacement: format!("=={version}") }]
        }
        None if lone && entry.package.url.is_none() => insertion(view, version).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A pin behind a bare name.
fn insertion(view: &PackageView, version: &Version) -> Option<Edit> {
    let entry = view.leading();
    if !entry.package.extras.is_empty() {
        return None; // The pin would have to stand behind the extras.
    }
    let end = entry.package.parts.name.end;
    let span = crate::text::Span::new(end, end);
    Some(Edit { place: Place { file: entry.place.file, span }, replacement: format!("=={version}") })
}
