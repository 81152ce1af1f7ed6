//! Fixes that were checked: single changes to one side, each evaluated by running all rules again.
//!
//! For a finding, every known release of the packages it is about (and every known driver) is a candidate, the nearest
//! first. A candidate is offered only if the finding is gone and nothing new appeared: no suggestion is better than one
//! that leads into the next error.

mod build;
mod image;
mod marker;
mod plan;
mod tools;
mod why;

use build::Rebuild;
use image::Swap;
use marker::Marked;
pub use plan::{Plan, TextChange};
use tools::Way;
pub use why::by_a_person;

use std::collections::BTreeSet;

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

/// How many times as many when somebody asked for fixes.
const PATIENCE: usize = 8;

/// How many candidates of one component are tried for one finding.
const PER_COMPONENT: usize = 16;

/// How many fixes are offered for one finding.
const OFFERED: usize = 2;

/// Rules whose defect no other version mends: rivals stay rivals, and stale files stay stale. Of the wheels for another
/// architecture no table says which Pythons and C libraries they are for.
const NOT_BY_VERSION: [&str; 11] =
    ["EC004", "EC005", "EC104", "EC110", "EC312", "EC401", "EC402", "EC403", "EC404", "EC602", "EC901"];

/// Rules whose defect another tag of an image does not mend either: it is about the reference itself.
const NOT_BY_IMAGE: [&str; 5] = ["EC110", "EC402", "EC404", "EC602", "EC901"];

/// The rule that another driver mends.
const DRIVER_RULE: &str = "EC301";

/// The rule that any pin would silence.
const UNPINNED_RULE: &str = "EC601";

/// The rule whose table names the release to take.
const NUMPY_RULE: &str = "EC105";

/// What packages of that rule were built for.
const NUMPY: &str = "numpy";

/// The rule about what each package of an environment needs of the others.
const COMPANION_RULE: &str = "EC106";

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
    Image(Swap),
    Build(Rebuild),
    Marker(Marked),
}

impl Change {
    fn title(&self, side: &Environment) -> String {
        match self {
            Change::Package { name, version } => format!("use {name}=={version} in {}", side.side.word()),
            Change::Driver(driver) => {
                format!("install driver {} or newer on the {} host", driver.spelled(), side.side.word())
            }
            Change::Image(swap) => format!("use image {} instead of {} in {}", swap.to, swap.from, side.side.word()),
            Change::Build(build) => {
                let Rebuild { torch, from, to, .. } = build;
                format!("use the build {to} of torch {torch} instead of {from} in {}", side.side.word())
            }
            Change::Marker(Marked { name, marker }) => {
                format!("install {name} only where `{marker}`, in {}", side.side.word())
            }
        }
    }

    fn applied(&self, side: &Environment, knowledge: &Knowledge) -> Environment {
        match self {
            Change::Package { name, version } => side.with_package(name, version),
            Change::Driver(driver) => side.with_driver(driver),
            Change::Image(swap) => swap.applied(side, knowledge),
            Change::Build(build) => build.applied(side, knowledge),
            Change::Marker(marked) => marked.applied(side, knowledge),
        }
    }

    /// The one package that changes; `None` where it is more, or something else.
    fn package(&self) -> Option<&str> {
        match self {
            Change::Package { name, .. } => Some(name),
            Change::Driver(_) | Change::Image(_) | Change::Build(_) | Change::Marker(_) => None,
        }
    }

    /// Whether anything that rules say may be another thing afterwards.
    fn is_wide(&self) -> bool {
        matches!(self, Change::Image(_) | Change::Build(_) | Change::Marker(_))
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

/// Adds checked fixes to every error and warning that a single change resolves, and to the others why there are none.
pub fn suggest(context: &Context<'_>, inputs: &Inputs<'_>, verdicts: &mut Verdicts) {
    let undecided = verdicts.undecided.iter().map(|it| (it.code, it.reason.clone())).collect();
    let before = Before { marks: verdicts.findings.iter().map(Mark::of).collect(), undecided };
    let size: usize = context.sides().map(|side| side.packages().count()).sum();
    // Who asks for fixes waits for them; a verdict does not.
    let patience = if inputs.remarks { PATIENCE } else { 1 };
    let share = BUDGET / size.max(1);
    let mut left = Left { releases: share.clamp(16, 160) * patience, images: share.clamp(12, 96) * patience };
    for at in 0..verdicts.findings.len() {
        let finding = &verdicts.findings[at];
        let least = if inputs.remarks { Severity::Info } else { Severity::Warning };
        if finding.severity < least {
            continue;
        }
        let mut found = fixes(context, inputs.sources, finding, &before, &mut left);
        // The model stays what it is, so this comes before every other change.
        found.fixes.splice(0..0, lowered(context, inputs, finding));
        let obstacle = why::obstacle(finding, &found);
        verdicts.findings[at].fixes = found.fixes;
        verdicts.findings[at].unfixed = obstacle;
    }
}

/// How many changes a run may still try. Tags have a share of their own: an image has dozens of them.
struct Left {
    releases: usize,
    images: usize,
}

impl Left {
    fn of(&mut self, change: &Change) -> &mut usize {
        if matches!(change, Change::Image(_)) { &mut self.images } else { &mut self.releases }
    }
}

/// What was found before a change.
struct Before {
    marks: Vec<Mark>,
    undecided: BTreeSet<(&'static str, String)>,
}

/// What the search for fixes of one finding came to.
#[derive(Default)]
struct Search {
    fixes: Vec<Fix>,
    /// How many changes were tried.
    tried: usize,
    /// The run had no time left.
    cut: bool,
    /// Why the image that the finding is about stays as it is.
    hindrance: Option<String>,
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
    (needed <= to && to < from).then(|| Fix { title, safe: true, lowering, ..Fix::default() })
}

fn fixes(context: &Context<'_>, sources: &Sources, finding: &Finding, before: &Before, left: &mut Left) -> Search {
    let target = Mark::of(finding);
    let mut search = Search::default();
    // The side that the finding points at; serving first, since training already happened.
    let about: Vec<&str> = finding.labels.iter().filter_map(|label| label.environment.as_deref()).collect();
    let mut sides: Vec<&Environment> = context.sides().filter(|side| about.contains(&side.name.as_str())).collect();
    sides.sort_by_key(|side| side.side == Side::Training);
    for side in sides {
        // A change to training is only offered for what is wrong within training.
        if side.side == Side::Training && about.iter().any(|name| *name != side.name) {
            continue;
        }
        if search.hindrance.is_none() && !NOT_BY_IMAGE.contains(&finding.code) {
            search.hindrance = image::hindrance(context, side, finding);
        }
        for group in groups(context, sources, side, finding) {
            if search.fixes.len() >= OFFERED {
                return search;
            }
            for change in group.changes(context, side, finding.code) {
                let left = left.of(&change);
                if *left == 0 {
                    search.cut = true;
                    break;
                }
                *left -= 1;
                search.tried += 1;
                match resolves(context, side, &change, &target, before) {
                    Effect::Resolved => {
                        search.fixes.push(fix(context, sources, side, &change));
                        break;
                    }
                    // Another release of what is no part of the cause any more helps no further.
                    Effect::OthersLeft => break,
                    Effect::No => {}
                }
            }
        }
    }
    search
}

/// Changes of which at most one is offered.
enum Group<'g> {
    Ready(Vec<Change>),
    /// What can become of a component, worked out once it is its turn.
    Component(&'g str),
}

impl Group<'_> {
    fn changes(self, context: &Context<'_>, side: &Environment, code: &str) -> Vec<Change> {
        let component = match self {
            Group::Ready(changes) => return changes,
            Group::Component(component) => component,
        };
        // A build of the release that is there comes before another release.
        let torch = component == "torch" && code != UNPINNED_RULE;
        let builds = if torch { build::candidates(context, side) } else { Vec::new() };
        let releases = candidates(context, side, component, code).into_iter().take(PER_COMPONENT);
        builds.into_iter().map(Change::Build).chain(releases).collect()
    }
}

/// Changes that may mend a finding, in the order in which they are tried.
fn groups<'g>(context: &Context<'_>, sources: &Sources, side: &Environment, finding: &'g Finding) -> Vec<Group<'g>> {
    let code = finding.code;
    let markers = marker::candidates(context, sources, side, finding);
    let images = if NOT_BY_IMAGE.contains(&code) { Vec::new() } else { image::candidates(context, side, finding) };
    // What training runs on was tested with the model, so it comes before other releases of packages.
    let (trained, others): (Vec<Swap>, Vec<Swap>) = images.into_iter().partition(|swap| swap.as_trained);
    let ready = |swaps: Vec<Swap>| Group::Ready(swaps.into_iter().map(Change::Image).collect());
    let mut groups = vec![Group::Ready(markers.into_iter().map(Change::Marker).collect()), ready(trained)];
    if !NOT_BY_VERSION.contains(&code) {
        let mut components: Vec<&str> = finding.components.iter().map(String::as_str).collect();
        // Everything else follows the framework, so it is moved last.
        components.sort_by_key(|component| CORE.contains(component));
        // What all of them have in common is one package; another release of any other leaves the rest as it is.
        if code == NUMPY_RULE && components.len() > 2 {
            components.retain(|component| *component == NUMPY);
        }
        // What another release would require is only known where a table says so.
        let requires = |view: &PackageView| view.entries.iter().any(|entry| !entry.package.requires.is_empty());
        components.retain(|component| {
            let driver = *component == "nvidia-driver" && code != DRIVER_RULE;
            !(driver || code == REQUIREMENT_RULE && side.package(component).is_some_and(requires))
        });
        groups.extend(components.into_iter().map(Group::Component));
    }
    groups.push(ready(others));
    groups
}

/// What a change did to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The finding is gone, and nothing new came.
    Resolved,
    /// The finding is still there without the package that was changed.
    OthersLeft,
    /// Neither.
    No,
}

fn resolves(context: &Context<'_>, side: &Environment, change: &Change, target: &Mark, before: &Before) -> Effect {
    let mut changed = change.applied(side, context.knowledge);
    // Whatever else this rule says, it says of other packages, and all rules are asked about those below.
    if target.code == COMPANION_RULE && !change.is_wide() {
        changed = changed.asked_about(&target.components);
    }
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
        let freed = within && change.package().is_some_and(|name| !left.components.iter().any(|it| it == name));
        return if freed { Effect::OthersLeft } else { Effect::No };
    }
    // What can no longer be decided is not resolved.
    let opened = |code: &'static str, reason: &String| match change.package() {
        Some(name) => reason.contains(name),
        None => change.is_wide() && !before.undecided.contains(&(code, reason.clone())),
    };
    if own.undecided.iter().any(|question| question.code == target.code && opened(question.code, &question.reason)) {
        return Effect::No;
    }
    let allowed = |finding: &Finding| {
        // What is unknown is not known to be better.
        let changed = |name: &String| change.package() == Some(name.as_str());
        let unknown = finding.code == "EC901" && finding.components.iter().any(changed);
        // A new remark about drift is no harm; a new warning is.
        !unknown && (finding.severity == Severity::Info || Mark::of(finding).is_known(&before.marks))
    };
    if change.is_wide() {
        let good = rules::all_findings(&after, &changed, allowed);
        return if good { Effect::Resolved } else { Effect::No };
    }
    // From here on only what is new counts.
    let named = change.package();
    let new = |it: &Environment| it.settled_but(if it.side == side.side { named } else { None });
    let (training, serving) = (after.training.map(new), new(after.serving));
    let changed = training.as_ref().filter(|training| training.side == side.side).unwrap_or(&serving);
    let after = Context { training: training.as_ref(), serving: &serving, ..after };
    let good = rules::all_findings(&after, changed, allowed);
    if good { Effect::Resolved } else { Effect::No }
}

fn shares(a: &Mark, b: &Mark) -> bool {
    let general = ["cuda", "cudnn", "python", "gpu", "nvidia-driver", "model", "image", "os"];
    let specific: Vec<&String> = b.components.iter().filter(|it| !general.contains(&it.as_str())).collect();
    if specific.is_empty() {
        // An image is only named beside what it brings.
        let but_image = |mark: &Mark| mark.components.iter().filter(|it| *it != "image").cloned().collect::<Vec<_>>();
        return but_image(a) == but_image(b);
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
    // Where a label or an index says which build there is, another one is another change.
    let free = side.indexes().is_empty() && current.as_ref().and_then(build::label).is_none();
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
    if view.pin().is_none() && (current.is_none() || code == NUMPY_RULE) {
        // Nothing says which release there is, so that the newest one is the nearest.
        releases.sort_by(|a, b| b.cmp(a));
    }
    if code == NUMPY_RULE {
        match (component, &current) {
            (NUMPY, _) => releases.retain(|version| version.release().first() == Some(&1)),
            // What is older was built for NumPy 1 as well.
            (_, Some(current)) => releases.retain(|version| version > current),
            (_, None) => {}
        }
        if let Some((row, _)) = knowledge.numpy_abi(component) {
            releases.insert(0, row.first.0.clone());
        }
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
    let mut fix = Fix { title: change.title(side), ..Fix::default() };
    let (edits, safe) = match change {
        Change::Driver(_) => {
            let why = "the driver is installed on the host, which no line of these files decides";
            (Err(why.to_owned()), false)
        }
        Change::Image(swap) => (swap.edits(side, sources), false),
        Change::Build(build) => (build.edits(side, sources), false),
        // Where the marker does not hold nothing was installed before, or nothing can be.
        Change::Marker(marked) => (marked.edits(side, sources), true),
        Change::Package { name, version } => package_edits(context, sources, side, name, version, &mut fix.command),
    };
    fix.safe = safe && edits.is_ok();
    match edits {
        Ok(edits) => fix.edits = edits,
        Err(why) => fix.obstacle = Some(why),
    }
    fix
}

/// The edits that name another version of a package, or why there are none, and whether nobody has to look at them.
fn package_edits(
    context: &Context<'_>,
    sources: &Sources,
    side: &Environment,
    name: &str,
    version: &Version,
    command: &mut Option<String>,
) -> (Result<Vec<Edit>, String>, bool) {
    let Some(view) = side.package(name) else { return (Err(String::new()), false) };
    let entry = view.leading();
    let locked = entry.package.origin == Origin::Locked;
    let source = sources.get(entry.place.file);
    // No index that these files name has such a build.
    let label = build::label(version).filter(|label| view.pin().and_then(build::label).as_ref() != Some(label));
    let own = entry.package.index.iter().map(|index| index.url.clone());
    let mut indexes = own.chain(side.indexes().into_iter().map(|seen| seen.value.url.clone()));
    if let Some(label) = label.filter(|label| !indexes.any(|url| build::label_of(&url) == Some(label))) {
        let why = format!("the build {label} comes from an index of its own, which nothing here names");
        return (Err(why), false);
    }
    let edits = match tools::way(source, entry.place.span, locked, name, version) {
        Way::Edit => edits(view, version, sources),
        Way::Command(given) => {
            let why = format!("a tool writes {}: run `{given}`", source.path);
            *command = Some(given);
            Err(why)
        }
        Way::Nothing if locked => Err(format!("a tool writes {}: let it write the file again", source.path)),
        Way::Nothing => Err(format!("the line in {} carries hashes: write the file again with its tool", source.path)),
    };
    // The version that the model was made with, in the same build: nobody has to think about it.
    let trained = context.training.filter(|_| side.side == Side::Serving);
    let as_trained = trained.and_then(|it| it.package(name)?.pin().cloned()).as_ref() == Some(version);
    let same_build = view.pin().is_none_or(|current| current.local() == version.local());
    (edits, as_trained && same_build)
}

/// The edit that names a version, where a person wrote the line; else why there is none.
fn edits(view: &PackageView, version: &Version, sources: &Sources) -> Result<Vec<Edit>, String> {
    let entry = view.leading();
    let name = &view.name;
    // A build of conda goes with its version, and conda has no local versions.
    let of_conda = entry.package.build.as_deref();
    if of_conda.is_some_and(|build| !build.starts_with('*') || !version.local().is_empty()) {
        return Err(format!(
            "a build of conda is named with the version of {name}, and only conda knows the other one's"
        ));
    }
    if entry.standing == Standing::Observed {
        let path = &sources.get(entry.place.file).path;
        return Err(format!("{path} says what is installed: change what it was installed from"));
    }
    // Where a variable stands for the name (`pip install $PACKAGES`), there is nothing to write a version behind.
    if entry.package.parts.name.len() != entry.package.spelled.len() {
        return Err(format!("a variable stands for {name} in its line"));
    }
    if view.entries.len() > 1 {
        return Err(format!("several lines name {name}, and a person must decide which of them is right"));
    }
    let edit = |span, replacement| Ok(vec![Edit { place: Place { file: entry.place.file, span }, replacement }]);
    match entry.package.parts.specifier {
        // In `name[version=1.2]`, a key and its value are no specifier together.
        Some(span) if sources.get(entry.place.file).text()[..span.start].trim_end().ends_with('=') => {
            Err(format!("the version of {name} is the value of a key there"))
        }
        Some(span) => edit(span, format!("=={version}")),
        None if entry.package.url.is_some() => Err(format!("{name} comes from an address, which decides its version")),
        None if entry.standing < Standing::Declared => Err(format!("the version of {name} comes with the image")),
        // The pin would have to stand behind the extras.
        None if !entry.package.extras.is_empty() => Err(format!("{name} is named with extras and without a version")),
        None => {
            let end = entry.package.parts.name.end;
            edit(crate::text::Span::new(end, end), format!("=={version}"))
        }
    }
}
