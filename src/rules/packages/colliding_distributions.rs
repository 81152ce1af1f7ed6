use crate::{
    environment::{Environment, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context, listed},
};

rule! {
    /// Two distributions in one environment install the same import package.
    ///
    /// ## Why it matters
    ///
    /// pip sees two projects and is content; on disk the one that is installed last overwrites files of the other. Which
    /// one runs depends on the order, and removing one breaks the rest. With `onnxruntime` beside `onnxruntime-gpu` the GPU
    /// may be gone without a message.
    ///
    /// ## Example
    ///
    /// ```text
    /// onnxruntime==1.18.0
    /// onnxruntime-gpu==1.18.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Keep one of them. If a dependency pulls in the other, leave it out with an override or a constraint.
    pub(crate) static RULE {
        code: "EC104",
        name: "colliding-distributions",
        impact: Impact::WrongResult,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    for row in ctx.knowledge.collision.rows() {
        let together = row.together.as_deref().unwrap_or_default();
        let members: Vec<&PackageView> = row
            .distributions
            .iter()
            .filter_map(|name| side.package(name))
            .filter(|view| view.present.holds())
            .collect();
        let belongs = |view: &&&PackageView| {
            let leads = members.iter().any(|other| other.name != view.name && other.versions == view.versions);
            !(together.iter().any(|name| name == view.name.as_str()) && leads)
        };
        let rivals: Vec<&&PackageView> = members.iter().filter(belongs).collect();
        let [first, second, ..] = rivals.as_slice() else { continue };
        let builds = row.builds == Some(true);
        let provenance = ctx.knowledge.collision.provenance(row);
        // Files beside each other (requirements-cpu.txt, requirements-gpu.txt) may be alternatives.
        let one_file = |a: &PackageView, b: &PackageView| {
            a.entries.iter().any(|a| b.entries.iter().any(|b| a.place.file == b.place.file))
        };
        let together = one_file(first, second) || first.standing != second.standing;
        let severity = match (builds, provenance.grounds) {
            (true, Grounds::Error) if together => Severity::Error,
            (false, _) if same_code(&rivals) => Severity::Info,
            _ => Severity::Warning,
        };
        let names: Vec<&str> = rivals.iter().map(|view| view.name.as_str()).collect();
        // The one with more in it; among equals, the one that asks less of a server.
        let with = |part: &str| rivals.iter().find(|view| view.name.as_str().contains(part));
        let keep = with("gpu").or_else(|| with("contrib")).or_else(|| with("-headless")).unwrap_or(first);
        let drop: Vec<&str> = names.iter().copied().filter(|name| *name != keep.name.as_str()).collect();
        let mut finding = RULE
            .finding(format!("{} both install the import package `{}`", listed(&names), row.module))
            .severity(severity)
            .primary(&side.name, second.place(), format!("{} {}", second.name, second.shown()))
            .label(&side.name, first.place(), format!("{} {}", first.name, first.shown()))
            .about(names.iter().copied())
            .help(if keep.standing == Standing::Observed {
                // Removing one takes files of the other along.
                format!("remove {}, then install {} again", listed(&drop), keep.name)
            } else {
                format!("keep {} and remove {}", keep.name, listed(&drop))
            });
        for view in rivals.iter().skip(2) {
            finding = finding.label(&side.name, view.place(), format!("{} {}", view.name, view.shown()));
        }
        let claim = format!("{} install the same files of `{}`", listed(&names), row.module);
        out.findings.push(finding.because(Reason { claim, provenance }));
    }
}

/// Whether the rivals are one release with and without its windows: whichever wins, the same functions are there.
fn same_code(rivals: &[&&PackageView]) -> bool {
    let plain = |view: &PackageView| view.name.as_str().trim_end_matches("-headless").to_owned();
    rivals.windows(2).all(|pair| {
        pair[0].pin().is_some() && pair[0].versions == pair[1].versions && plain(pair[0]) == plain(pair[1])
    })
}
