use crate::{
    environment::{Environment, PackageView, Side},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::packages::Role,
    rules::{Check, Context, listed_up_to},
    version::{Version, VersionSet},
};

rule! {
    /// Packages that touch the model are not pinned.
    ///
    /// ## Why it matters
    ///
    /// What is installed is decided on the day of the build. The model that was tested with one release is answered by another
    /// one tomorrow, and no file shows a difference. Said once for a side, not per package. Where no more than the patch
    /// release is open (`==1.4.*`, `~=1.4.2`, `>=1.4,<1.5`) it is a remark, and so is an upper bound alone on what a pinned
    /// package brings along (`numpy<2` beside `tensorflow==2.15.1`).
    ///
    /// ## Example
    ///
    /// ```text
    /// serve/requirements.txt: scikit-learn
    ///                         joblib>=1.2
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin the versions that training used, best with a lock file.
    pub(crate) static RULE {
        code: "EC601",
        name: "unpinned",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let touching = |view: &&PackageView| {
        if side.is_settled(&[view.name.as_str()]) {
            return false;
        }
        let role = ctx.knowledge.role(&view.name);
        matches!(role, Some(Role::Framework | Role::Runtime | Role::Serialiser | Role::Preprocessing))
    };
    let mut floating: Vec<&PackageView> = side.packages().filter(touching).filter(|view| floats(view)).collect();
    // Those that a declared model was written with come first.
    let models = ctx.models();
    let written = |view: &PackageView| {
        models.iter().find(|(_, model)| model.value.producer.as_ref().is_some_and(|producer| producer.name == view.name.as_str()))
    };
    let slight = |view: &PackageView| only_patches(view) || caps_what_is_brought(ctx, side, view);
    floating.sort_by_key(|view| (slight(view), written(view).is_none(), view.place()));
    let Some(first) = floating.first() else { return };
    let nearly = slight(first);
    let to = if floating.iter().all(|view| only_patches(view)) { " to a patch release" } else { "" };
    let names: Vec<&str> = floating.iter().map(|view| view.name.as_str()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let mut finding = RULE
        .finding(format!("{} {verb} not pinned{to} in {}", listed_up_to(&names, 5), side.side.word()))
        .severity(if nearly || side.side == Side::Training { Severity::Info } else { Severity::Warning })
        .about(names.iter().copied());
    for view in floating.iter().take(3) {
        finding = finding.primary(&side.name, view.place(), what(view));
    }
    let mut wrote = None;
    if let Some((owner, model)) = written(first) {
        wrote = model.value.producer.as_ref().and_then(|producer| producer.version.as_deref());
        let with = wrote.map_or_else(String::new, |version| format!(" {version}"));
        finding = finding.label(&owner.name, model.place, format!("written with {}{with}", first.name));
    }
    let pinned = ctx.training.filter(|_| side.side == Side::Serving).and_then(|training| {
        let view = training.package(first.name.as_str())?;
        view.pin().map(|version| (training, view, version.clone()))
    });
    let help = match pinned {
        Some((training, view, version)) => {
            finding = finding.label(&training.name, view.place(), format!("{version} in training"));
            format!("pin what training used, such as {}=={version}", first.name)
        }
        None => match wrote {
            Some(version) => format!("pin what the model was written with, {}=={version}", first.name),
            None => "pin exact versions (==), best with a lock file".to_owned(),
        },
    };
    out.findings.push(finding.help(help));
}

/// Whether more than one release can be installed. A direct reference names its source; an observed list has versions.
fn floats(view: &PackageView) -> bool {
    // A version that is no PEP 440 version (`===custom`) is one all the same.
    let exact = |specifier: &str| specifier.starts_with("==") && !specifier.contains(['*', ',']);
    // A marker that may be false promises no installation; of several, one is meant for every machine.
    let several = view.entries.iter().filter(|entry| !entry.package.constraint).count() > 1;
    (view.present.holds() || several) && view.standing == Standing::Declared && !view.is_direct() && !exact(&view.leading().package.specifier) && view.pin().is_none() && !view.versions.is_empty()
        // One name with several markers is a lock for several platforms.
        && !view.entries.iter().filter(|entry| !entry.package.constraint).all(|entry| entry.package.versions.single().is_some())
}

/// Whether all that is left open is the patch release.
fn only_patches(view: &PackageView) -> bool {
    let Some([major, minor, ..]) = view.versions.lower_bound().map(Version::release) else { return false };
    format!("=={major}.{minor}.*").parse::<VersionSet>().is_ok_and(|minor| view.versions.within(&minor).holds())
}

/// Whether a requirement does no more than bound from above what a pinned package beside it asks for.
fn caps_what_is_brought(ctx: &Context<'_>, side: &Environment, view: &PackageView) -> bool {
    if view.versions.lower_bound().is_some() || view.versions.is_open_above() {
        return false;
    }
    let asks = |other: &PackageView| {
        other.pin().is_some_and(|version| {
            ctx.knowledge.needs_rows(other.name.as_str(), version).any(|need| need.component == view.name.as_str())
        })
    };
    side.packages().any(|other| other.present.holds() && asks(other))
}

fn what(view: &PackageView) -> String {
    let entry = view.leading();
    if entry.package.specifier.is_empty() { "any version".to_owned() } else { format!("{} admits several", entry.package.specifier) }
}
