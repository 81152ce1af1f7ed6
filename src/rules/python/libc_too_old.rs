use crate::{
    environment::{Environment, PackageView, Seen},
    fact::{Libc, Standing},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Provenance, Reason},
    rules::{Check, Context, listed_up_to},
    text::Place,
    version::LibcVersion,
};

rule! {
    /// The system's C library is older than the wheels need, or is another one.
    ///
    /// ## Why it matters
    ///
    /// The tag of a Linux wheel names the oldest glibc it runs on. On an older system pip does not even see that wheel: it
    /// says that no matching distribution exists, takes an older release, or builds from source. Alpine has musl instead of
    /// glibc, where no manylinux wheel installs at all. One finding names all packages of the side.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile:       FROM centos:7           (glibc 2.17)
    /// requirements.txt: onnxruntime==1.19.0     (wheels for glibc 2.27 and newer)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take a newer base image (a Debian or Ubuntu based one instead of Alpine), or an older release of the package.
    pub(crate) static RULE {
        code: "EC003",
        name: "libc-too-old",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// A package, or another library, that does not run on the system's C library.
struct Misfit {
    name: String,
    shown: String,
    place: Place,
    /// What it needs, for a label.
    needs: String,
    /// The glibc it needs, where that is known.
    floor: Option<LibcVersion>,
    reason: Option<Reason>,
    /// It may be built from source instead.
    source: bool,
    /// It is no Python package.
    library: bool,
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(libc) = side.libc() else { return };
    let mut misfits: Vec<Misfit> =
        side.packages().filter_map(|view| package(ctx, side, view, libc.value)).collect();
    for seen in side.libraries() {
        let Some(needed) = &seen.value.requires_libc else { continue };
        if fits(libc.value, needed) {
            continue;
        }
        misfits.push(Misfit {
            name: seen.value.name.clone(),
            shown: seen.value.name.clone(),
            place: seen.place,
            needs: format!("needs {} {}", needed.family, needed.version),
            floor: (needed.family == "glibc").then(|| needed.version.clone()),
            reason: None,
            source: false,
            library: true,
        });
    }
    // One system is one cause: what could be built from source is only the headline where nothing is worse.
    misfits.sort_by_key(|misfit| misfit.source);
    if let Some(worst) = misfits.first() {
        let severity = if worst.source { Severity::Warning } else { Severity::Error };
        out.findings.push(finding(ctx, side, libc, &misfits, severity));
    }
}

fn fits(system: &Libc, needed: &Libc) -> bool {
    system.family == needed.family && !system.version.at_least(&needed.version).violated()
}

fn package(ctx: &Context<'_>, side: &Environment, view: &PackageView, libc: &Libc) -> Option<Misfit> {
    let entry = view.leading();
    // What was seen installed did install; conda brings its own builds; a marker that may be false promises nothing.
    if !view.present.holds() || view.standing == Standing::Observed || entry.package.build.is_some() || view.is_conda() {
        return None;
    }
    let misfit = |needs: String, floor: Option<LibcVersion>, reason: Option<Reason>, source: bool| Misfit {
        name: view.name.to_string(),
        shown: format!("{} {}", view.name, view.shown()),
        place: view.place(),
        needs,
        floor,
        reason,
        source,
        library: false,
    };
    let machine = side.target.machine.as_deref().unwrap_or("x86_64");
    if let Some(tags) = view.entries.iter().map(|entry| &entry.package.tags).find(|tags| !tags.is_empty()) {
        let platforms: Vec<Platform> = tags.iter().filter_map(|tag| Platform::of(tag, machine)).collect();
        if platforms.is_empty() {
            return outside_pypi(ctx, view, libc).map(|(floor, reason)| {
                misfit(format!("needs glibc {floor}"), Some(floor), Some(reason), false)
            });
        }
        if platforms.iter().any(|platform| platform.fits(libc)) {
            return None;
        }
        let lowest = platforms.iter().filter_map(Platform::glibc).min().cloned();
        let needs = match &lowest {
            Some(floor) => format!("wheels for glibc {floor} and newer"),
            None => "wheels for musl".to_owned(),
        };
        return Some(misfit(needs, lowest, None, false));
    }
    if entry.package.url.is_some() || machine != "x86_64" {
        return None;
    }
    let version = view.pin()?;
    let (row, provenance): (_, Provenance) = ctx.knowledge.wheel_libc(view.name.as_str(), version)?;
    // Builds from other indexes have tags of their own.
    if version.is_local() || entry.package.index.as_ref().is_some_and(|index| index.only) {
        return None;
    }
    let works = match libc.family.as_str() {
        "glibc" => !libc.version.at_least(&row.glibc).violated(),
        "musl" => row.musl == Some(true),
        _ => return None,
    };
    if works {
        return None;
    }
    let musl = if row.musl == Some(true) { ", and for musl" } else { "" };
    let claim = format!(
        "{} {} to {} has Linux x86_64 wheels for glibc {} and newer{musl}",
        view.name, row.first, row.last, row.glibc
    );
    let needs = format!("wheels for glibc {} and newer", row.glibc);
    Some(misfit(needs, Some(row.glibc.clone()), Some(Reason { claim, provenance }), row.sdist == Some(true)))
}

/// The glibc that a wheel needs whose tags do not say it, where it is one of those that the project publishes itself.
fn outside_pypi(ctx: &Context<'_>, view: &PackageView, libc: &Libc) -> Option<(LibcVersion, Reason)> {
    let (version, url) = (view.pin()?, view.leading().package.url.as_deref()?);
    let (row, provenance) = ctx.knowledge.wheel_libc_at(view.name.as_str(), version, url)?;
    if libc.family != "glibc" || !libc.version.at_least(&row.glibc).violated() {
        return None;
    }
    let claim = format!("wheels of {} {} to {} at {url} need glibc {}", view.name, row.first, row.last, row.glibc);
    Some((row.glibc.clone(), Reason { claim, provenance }))
}

/// The platform part of a wheel tag, as far as it is about a Linux C library.
enum Platform {
    Any,
    Glibc(LibcVersion),
    Musl(LibcVersion),
}

impl Platform {
    /// `None` for tags of other systems and architectures, and for `linux_x86_64`, which promises nothing.
    fn of(tag: &str, machine: &str) -> Option<Platform> {
        let platform = tag.rsplit('-').next()?;
        if platform == "any" {
            return Some(Platform::Any);
        }
        let name = platform.strip_suffix(machine)?.strip_suffix('_')?;
        let version = |text: &str| text.replace('_', ".").parse().ok();
        match name {
            "manylinux1" => version("2.5").map(Platform::Glibc),
            "manylinux2010" => version("2.12").map(Platform::Glibc),
            "manylinux2014" => version("2.17").map(Platform::Glibc),
            _ => match (name.strip_prefix("manylinux_"), name.strip_prefix("musllinux_")) {
                (Some(rest), _) => version(rest).map(Platform::Glibc),
                (_, Some(rest)) => version(rest).map(Platform::Musl),
                _ => None,
            },
        }
    }

    fn fits(&self, libc: &Libc) -> bool {
        match self {
            Platform::Any => true,
            Platform::Glibc(floor) => libc.family == "glibc" && !libc.version.at_least(floor).violated(),
            Platform::Musl(floor) => libc.family == "musl" && !libc.version.at_least(floor).violated(),
        }
    }

    fn glibc(&self) -> Option<&LibcVersion> {
        match self {
            Platform::Glibc(floor) => Some(floor),
            _ => None,
        }
    }
}

fn finding(ctx: &Context<'_>, side: &Environment, libc: Seen<'_, Libc>, misfits: &[Misfit], severity: Severity) -> Finding {
    let musl = libc.value.family == "musl";
    let system = side.distribution().map(|seen| seen.value.clone());
    let shown = if musl { "musl".to_owned() } else { format!("{} {}", libc.value.family, libc.value.version) };
    let worst: Vec<&Misfit> = misfits.iter().filter(|misfit| misfit.source == misfits[0].source).collect();
    let names: Vec<&str> = worst.iter().map(|misfit| misfit.shown.as_str()).collect();
    let names = listed_up_to(&names, 3);
    let floor = misfits.iter().filter_map(|misfit| misfit.floor.as_ref()).max();
    let how = if severity == Severity::Error { "" } else { ", so pip builds from source" };
    let message = match (musl, floor, worst.as_slice()) {
        (true, ..) => format!("there are no wheels for musl of {names}{how}"),
        (false, Some(floor), [only]) if only.library => format!("{shown} is too old for {names}, which needs glibc {floor}"),
        (false, Some(floor), [_]) => format!("{shown} is too old for the wheels of {names}, which need glibc {floor}{how}"),
        (false, Some(floor), _) => {
            format!("{shown} is too old for the wheels of {names}, which need up to glibc {floor}{how}")
        }
        (false, None, _) => format!("{names} needs another C library than {shown}"),
    };
    let place_text = system.map_or_else(|| shown.clone(), |system| format!("{shown} of {system}"));
    let mut finding = RULE
        .finding(message)
        .severity(severity)
        .primary(&side.name, libc.place, place_text)
        .about(misfits.iter().map(|misfit| misfit.name.clone()))
        .about(["libc", "os"]);
    for misfit in misfits.iter().take(6) {
        let built = if misfit.source && severity == Severity::Error { "; built from source here" } else { "" };
        finding = finding.label(&side.name, misfit.place, format!("{}{built}", misfit.needs));
        if let Some(reason) = &misfit.reason {
            finding = finding.because(reason.clone());
        }
    }
    let help = if musl {
        "use an image with glibc, such as a Debian or Ubuntu based one".to_owned()
    } else {
        let newer = floor.map(|floor| ctx.knowledge.distributions_with_glibc(floor)).unwrap_or_default();
        match newer.as_slice() {
            [] => "use a newer base image, or older releases of these packages".to_owned(),
            names => format!("use a newer base image ({}), or an older release of the package", names.join(", ")),
        }
    };
    finding.help(help)
}
