use crate::{
    environment::{CudaUse, CudaUser, Environment, Side},
    fact::{FactKind, ImageRole, Standing},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Knowledge, Reason,
        cuda::{DriverFloor, DriverSystem},
        gpu::GpuKind,
    },
    rules::{Check, Context, listed},
    text::Place,
    version::{CudaVersion, DriverVersion, Truth},
};

rule! {
    /// The NVIDIA driver is older than the CUDA runtime of the environment requires.
    ///
    /// ## Why it matters
    ///
    /// CUDA does not initialise: the service dies on its first use of the GPU, or silently computes on the CPU, although
    /// the image was built and the model file is sound. The CUDA number in nvidia-smi's header is what the driver can run,
    /// not what is installed.
    ///
    /// From CUDA 11 on, any driver of the major's first branch or newer will do (minor-version compatibility); before, the
    /// driver must be that of the toolkit. A newer driver is never a problem. On data-center GPUs the `cuda-compat` package,
    /// which NVIDIA's images bring along, lets some older drivers run a newer CUDA.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: torch==2.4.0+cu121
    /// nvidia-smi.txt:   Driver Version: 470.82.01
    /// ```
    ///
    /// ## How to fix
    ///
    /// Upgrade the driver, or install builds for an older CUDA.
    pub(crate) static RULE {
        code: "EC301",
        name: "driver-too-old",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// What a side says about its driver.
pub(crate) struct Driver<'a> {
    pub(crate) version: Option<&'a DriverVersion>,
    /// The newest CUDA it can run, and why, if that is known.
    pub(crate) cuda: Option<(CudaVersion, Option<Reason>)>,
    pub(crate) place: Place,
    pub(super) system: DriverSystem,
}

impl<'a> Driver<'a> {
    pub(crate) fn of(side: &'a Environment, knowledge: &Knowledge) -> Option<Driver<'a>> {
        let windows = side.host_os().is_some_and(|os| os.value == "windows");
        let system = if windows { DriverSystem::Windows } else { DriverSystem::Linux };
        // Of several hosts the one with the oldest driver decides.
        let drivers = side.drivers();
        let weight = drivers.first().map(|seen| seen.standing);
        let version = drivers.into_iter().filter(|seen| Some(seen.standing) == weight).min_by(|a, b| a.value.cmp(b.value));
        let reported = side.driver_cuda();
        let place = version.map(|seen| seen.place).or(reported.map(|seen| seen.place))?;
        let cuda = match (reported, version) {
            // The CUDA number belongs to the driver that reported it.
            (Some(seen), driver) if driver.is_none_or(|driver| reports(side, seen.place, driver.value)) => {
                Some((seen.value.clone(), None))
            }
            (_, Some(driver)) => knowledge.cuda_of_branch(driver.value.branch()).map(|(cuda, provenance)| {
                let claim = format!("drivers of branch {} run CUDA up to {cuda}", driver.value.branch());
                (cuda.clone(), Some(Reason { claim, provenance }))
            }),
            (_, None) => None,
        };
        Some(Driver { version: version.map(|seen| seen.value), cuda, place, system })
    }

    pub(crate) fn shown(&self) -> String {
        match (self.version, &self.cuda) {
            (Some(version), _) => format!("driver {}", version.spelled()),
            (None, Some((cuda, _))) => format!("a driver for CUDA {cuda}"),
            (None, None) => "the driver".to_owned(),
        }
    }

    /// Whether the driver knows this very CUDA version, so that nothing is limited.
    pub(crate) fn covers(&self, cuda: &CudaVersion) -> Truth {
        let Some((max, _)) = &self.cuda else { return Truth::Undecided };
        max.at_least(&cuda.prefix(2))
    }
}

/// Whether the file that a CUDA number stands in also names this driver, whichever file named it first.
fn reports(side: &Environment, cuda: Place, driver: &DriverVersion) -> bool {
    side.drivers().iter().any(|seen| seen.place.file == cuda.file && seen.value == driver)
}

enum Verdict {
    Fine,
    Unknown,
    /// Documents disagree about this number.
    Disputed(DriverFloor),
    TooOld(DriverFloor),
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let users = side.cuda_users(ctx.knowledge);
    // xgboost brings NCCL to machines without a GPU, too; alone it says nothing about what is meant to run.
    if users.iter().all(is_nccl) {
        unknown_image(ctx, side, out);
        return;
    }
    let Some(driver) = Driver::of(side, ctx.knowledge) else {
        no_driver(side, users, out);
        return;
    };
    let mut groups: Vec<(DriverFloor, bool, Vec<&CudaUser>)> = Vec::new();
    for user in users {
        match judge(ctx.knowledge, &driver, &user.cuda) {
            Verdict::Fine => {}
            Verdict::Unknown => out.undecided.push(RULE.undecided(
                format!("nothing is known about the driver that CUDA {} ({}) needs", user.cuda, user.shown),
                "state the CUDA version with its minor",
            )),
            Verdict::Disputed(floor) => add(&mut groups, floor, true, user),
            Verdict::TooOld(floor) => add(&mut groups, floor, false, user),
        }
    }
    // One old driver is one cause: the user that asks for the most stands for all.
    groups.sort_by(|a, b| b.0.driver.cmp(&a.0.driver));
    let Some((floor, disputed, mut guilty)) = groups.first().cloned() else { return };
    for (_, _, others) in &groups[1..] {
        guilty.extend(others.iter().copied());
    }
    out.findings.extend(finding(ctx, side, &driver, &floor, disputed, &guilty));
}

fn add<'u>(groups: &mut Vec<(DriverFloor, bool, Vec<&'u CudaUser>)>, floor: DriverFloor, disputed: bool, user: &'u CudaUser) {
    match groups.iter_mut().find(|(known, _, _)| known.driver == floor.driver) {
        Some((_, _, users)) => users.push(user),
        None => groups.push((floor, disputed, vec![user])),
    }
}

/// Whether a CUDA version surely does not run on the driver.
pub(crate) fn is_too_old(knowledge: &Knowledge, driver: &Driver<'_>, cuda: &CudaVersion) -> bool {
    matches!(judge(knowledge, driver, cuda), Verdict::TooOld(_) | Verdict::Disputed(_))
}

fn judge(knowledge: &Knowledge, driver: &Driver<'_>, cuda: &CudaVersion) -> Verdict {
    if driver.covers(cuda).holds() {
        return Verdict::Fine;
    }
    let Some(floor) = knowledge.driver_floor(cuda, driver.system) else { return Verdict::Unknown };
    let Some(version) = driver.version else {
        // Only the CUDA number of the driver is known: a driver of the same major is at or above the floor.
        let Some((max, _)) = &driver.cuda else { return Verdict::Unknown };
        let enough = if floor.by_major { max.major() >= cuda.major() } else { !driver.covers(cuda).violated() };
        return if enough { Verdict::Fine } else { Verdict::TooOld(floor) };
    };
    match version.at_least(&floor.driver) {
        Truth::Holds => match &floor.sure {
            Some(sure) if version.at_least(sure).violated() => Verdict::Disputed(floor),
            _ => Verdict::Fine,
        },
        // A branch alone, such as `525`, is taken at its word.
        Truth::Undecided => Verdict::Fine,
        Truth::Violated if floor.by_major && version.branch() == floor.driver.branch() => Verdict::Disputed(floor),
        Truth::Violated => Verdict::TooOld(floor),
    }
}

fn finding(ctx: &Context<'_>, side: &Environment, driver: &Driver<'_>, floor: &DriverFloor, disputed: bool, guilty: &[&CudaUser]) -> Option<Finding> {
    // `12.1` says more than the `12` of a wheel's name.
    let precise = |user: &&&CudaUser| (user.cuda.minor().is_some(), user.how == CudaUse::Bundled);
    let worst = guilty.iter().rev().max_by_key(precise).unwrap_or(&guilty[0]);
    let needed = floor.driver.spelled();
    let differing = driver.version.filter(|version| version.at_least(&floor.driver).holds()).and(floor.sure.as_ref());
    let mut severity = if disputed { Severity::Warning } else { Severity::Error };
    if !guilty.iter().any(|user| user.sure) {
        severity = severity.min(Severity::Warning);
    }
    let message = match differing {
        Some(sure) => format!(
            "{} may be too old for CUDA {}: NVIDIA's documents name {needed} and {} as the oldest",
            driver.shown(),
            worst.cuda,
            sure.spelled()
        ),
        None => format!("{} is too old for CUDA {}, which needs {needed} or newer", driver.shown(), worst.cuda),
    };
    let wanted = differing.map_or_else(|| needed.clone(), DriverVersion::spelled);
    let last = last_branch(ctx, side).filter(|(_, branch)| *branch < differing.unwrap_or(&floor.driver).branch());
    let mut components = vec!["nvidia-driver".to_owned(), "cuda".to_owned()];
    components.extend(guilty.iter().map(|user| user.component.clone()));
    let mut finding = RULE
        .finding(message)
        .primary(&side.name, driver.place, driver.version.map_or_else(|| driver.shown(), |version| format!("driver {}", version.spelled())))
        .about(components);
    for user in guilty {
        finding = finding.label(&side.name, user.place, brings(user));
        if let Some(reason) = &user.reason {
            finding = finding.because(reason.clone());
        }
    }
    let os = if driver.system == DriverSystem::Windows { "Windows" } else { "Linux" };
    let claim = format!("CUDA {} needs driver {needed} or newer ({os})", floor.range);
    finding = finding.because(Reason { claim, provenance: floor.provenance.clone() });
    let (compat, mut finding) = compat(ctx, side, driver, &worst.cuda, finding);
    match compat {
        Compat::Runs => return None,
        Compat::Doubtful => severity = severity.min(Severity::Warning),
        Compat::Useless | Compat::Absent => {}
    }
    // The CUDA number of the driver's branch, but never the major that was just found not to run.
    let older = driver.cuda.as_ref().map(|(max, _)| max.major().min(worst.cuda.major().saturating_sub(1)));
    finding = finding.severity(severity);
    if let (Some((gpu, branch)), Some(major)) = (last, older) {
        let help = format!("install builds for CUDA {major}.x or older: branch {branch} is the last driver for {gpu}");
        return Some(finding.help(help));
    }
    let older = older.map_or_else(String::new, |major| format!(", or install builds for CUDA {major}.x or older"));
    Some(finding.help(format!("install driver {wanted} or newer on the {} host{older}", side.side.word())))
}

/// The GPU that new drivers leave behind first, and the last branch that drives it.
fn last_branch(ctx: &Context<'_>, side: &Environment) -> Option<(String, u32)> {
    let gpus = side.gpus(ctx.knowledge).iter();
    let lasts = gpus.filter_map(|gpu| {
        let (row, _) = ctx.knowledge.architecture_of(gpu.capability?)?;
        Some((gpu.name.clone(), row.last_driver_branch?))
    });
    lasts.min_by_key(|(_, branch)| *branch)
}

/// A driver beside an image of which nothing is known: that it was not judged has to be said.
fn unknown_image(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(driver) = Driver::of(side, ctx.knowledge).filter(|_| side.has_gpu()) else { return };
    let inside = side.implied().iter().any(|it| it.by_image && matches!(it.fact.kind, FactKind::Distribution(_)));
    let listed = side.packages().any(|view| view.standing > Standing::Implied);
    let Some(image) = side.images().into_iter().find(|seen| seen.value.role == ImageRole::Runs) else { return };
    if !inside && !listed {
        out.undecided.push(RULE.undecided(
            format!("nothing says which CUDA is in image {}, so {} is not judged", image.value.reference, driver.shown()),
            "add `pip freeze` or `nvcc --version` from inside the image, or [gpu] cuda to an envcheck lock",
        ));
    }
}

/// The beginning of the package's name, and the whole of it where an image brings it.
const COMPAT: &str = "cuda-compat";

/// What the cuda-compat package does about an old driver.
enum Compat {
    /// It is not there.
    Absent,
    /// It is there, and documented not to work here.
    Useless,
    /// It is there, and nothing says whether it works on this driver or GPU.
    Doubtful,
    /// It is there, and documented to work.
    Runs,
}

/// A cuda-compat package: newer driver libraries beside an older driver.
struct CompatPackage<'e> {
    name: String,
    /// The CUDA that its libraries are of.
    cuda: CudaVersion,
    place: Place,
    /// Why it is there, where an image brings it.
    reasons: &'e [Reason],
    /// Whether it is surely there.
    sure: bool,
}

/// The package that is declared for a CUDA version, or the one that an image with CUDA of that major brings.
fn compat_package<'e>(side: &'e Environment, cuda: &CudaVersion) -> Option<CompatPackage<'e>> {
    let name = format!("{COMPAT}-{}-{}", cuda.major(), cuda.minor().unwrap_or(0));
    let declared = side.libraries().into_iter().find(|seen| seen.value.name == name).map(|seen| seen.place);
    if let Some(place) = declared.or_else(|| side.package(&name).map(crate::environment::PackageView::place)) {
        return Some(CompatPackage { name, cuda: cuda.clone(), place, reasons: &[], sure: true });
    }
    let brought = side.implied().iter().find(|it| matches!(&it.fact.kind, FactKind::Library(it) if it.name == COMPAT))?;
    let of_image = side.implied().iter().find_map(|it| match &it.fact.kind {
        FactKind::Cuda(own) if it.from == brought.from => Some(own.clone()),
        _ => None,
    });
    let own = of_image.filter(|own| own.major() >= cuda.major())?;
    let sure = brought.grounds() == Grounds::Error;
    Some(CompatPackage { name: COMPAT.to_owned(), cuda: own, place: brought.fact.place, reasons: &brought.reasons, sure })
}

/// What the cuda-compat package changes, where there is one.
fn compat(ctx: &Context<'_>, side: &Environment, driver: &Driver<'_>, cuda: &CudaVersion, finding: Finding) -> (Compat, Finding) {
    // It is made for Linux; below WSL the driver is that of Windows.
    let package = compat_package(side, cuda).filter(|_| driver.system == DriverSystem::Linux);
    let (Some(package), Some(version)) = (package, driver.version) else { return (Compat::Absent, finding) };
    let (supported, provenance) = ctx.knowledge.forward_compat(&package.cuda, version.branch());
    let brought = !package.reasons.is_empty();
    // Nobody asked for what an image brings: it only counts where it is documented to work.
    if brought && !supported.holds() {
        return (Compat::Absent, finding);
    }
    let mut finding = finding;
    if !brought {
        finding = finding.label(&side.name, package.place, format!("{} is installed", package.name));
    }
    for reason in package.reasons {
        finding = finding.because(reason.clone());
    }
    let kinds: Vec<Option<GpuKind>> = side.gpus(ctx.knowledge).iter().map(|gpu| gpu.kind).collect();
    if kinds.contains(&Some(GpuKind::Geforce)) {
        return (Compat::Useless, finding.because(ctx.knowledge.statement("forward-compat-hardware")));
    }
    let verb = if supported.holds() { "supports" } else { "does not support" };
    let claim = format!("cuda-compat for CUDA {} {verb} drivers of branch {}", package.cuda.prefix(2), version.branch());
    let finding = match provenance {
        Some(provenance) => finding.because(Reason { claim, provenance }),
        None => finding,
    };
    let known_to_fit = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Some(GpuKind::DataCenter));
    match supported {
        // Where an image is only known by its major, it is as likely to run as not to.
        Truth::Holds if known_to_fit && (package.sure || package.cuda.minor().is_none()) => (Compat::Runs, finding),
        Truth::Holds if known_to_fit => (Compat::Doubtful, finding),
        Truth::Holds => (Compat::Doubtful, finding.because(ctx.knowledge.statement("forward-compat-hardware"))),
        Truth::Undecided => (Compat::Doubtful, finding),
        Truth::Violated => (Compat::Useless, finding),
    }
}

/// Whether this is only NCCL, which xgboost installs whatever the machine is.
pub(super) fn is_nccl(user: &CudaUser) -> bool {
    user.component.starts_with("nvidia-nccl")
}

pub(super) fn brings(user: &CudaUser) -> String {
    match user.how {
        CudaUse::Bundled => format!("brings CUDA {}", user.cuda),
        CudaUse::Wheel => format!("is CUDA {}", user.cuda),
        CudaUse::Loaded | CudaUse::Stated => format!("built for CUDA {}", user.cuda),
        CudaUse::System => format!("CUDA {}", user.cuda),
    }
}

fn no_driver(side: &Environment, users: &[CudaUser], out: &mut Verdicts) {
    let mut names: Vec<&str> = Vec::new();
    for user in users {
        if names.len() < 3 && !names.contains(&user.shown.as_str()) {
            names.push(&user.shown);
        }
    }
    if let (Some(said), Some(("cuda", place))) = (side.no_driver(), side.device()) {
        let finding = RULE
            .finding(format!("no NVIDIA driver is working, and {} should run on the GPU", listed(&names)))
            .primary(&side.name, said.place, "the driver does not answer")
            .label(&side.name, place, "meant to run on the GPU")
            .about(["nvidia-driver", "cuda"])
            .about(users.iter().map(|user| user.component.clone()))
            .help("install the driver, or start the container with access to the GPU");
        let finding = users.iter().take(3).fold(finding, |finding, user| finding.label(&side.name, user.place, brings(user)));
        out.findings.push(finding);
        return;
    }
    // Training happened, whatever drove it.
    if side.side == Side::Training {
        return;
    }
    out.undecided.push(RULE.undecided(
        format!("no driver is declared for {}, which has {}", side.side.word(), listed(&names)),
        "add the output of `nvidia-smi` of that host, or [gpu] driver to an envcheck lock",
    ));
}
