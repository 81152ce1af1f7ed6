use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
};

rule! {
    /// The driver branch no longer drives the GPU, or does not yet.
    ///
    /// ## Why it matters
    ///
    /// Driver branches drop old architectures (Kepler after 470; Maxwell, Pascal and Volta after 580) and learn new ones. With
    /// the wrong branch the GPU is not there at all.
    ///
    /// ## Example
    ///
    /// ```text
    /// serve.lock: [gpu] driver = "590.48.01"
    ///             [[gpu.device]] name = "Tesla V100-SXM2-16GB"
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install the last branch that supports the GPU, or the first one that knows it.
    pub(crate) static RULE {
        code: "EC305",
        name: "gpu-dropped-by-driver",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let drivers = side.drivers();
    let Some(weightiest) = drivers.first() else { return };
    for gpu in side.gpus(ctx.knowledge) {
        // Where several hosts are described, a GPU runs on the driver that was read beside it.
        let driver = drivers.iter().find(|driver| driver.place.file == gpu.place.file).unwrap_or(weightiest);
        // The first branches are a lower bound that was derived: a tool that saw both saw them work together.
        let seen_together = gpu.place.file == driver.place.file;
        let Some((row, provenance)) = gpu.capability.and_then(|it| ctx.knowledge.architecture_of(it)) else { continue };
        let branch = driver.value.branch();
        let sure = provenance.grounds == Grounds::Error && gpu.by.as_ref().is_none_or(|by| by.grounds == Grounds::Error);
        let (severity, message, help, claim) = match (row.last_driver_branch, row.first_driver_branch) {
            (Some(last), _) if branch > last => (
                if sure { Severity::Error } else { Severity::Warning },
                format!("driver {} no longer supports {}: branch {last} was the last for {}", driver.value.spelled(), gpu.shown(), row.name),
                format!("install a driver of branch {last}"),
                format!("branch {last} is the last driver branch for {}", row.name),
            ),
            (_, Some(first)) if branch < first && !seen_together => (
                Severity::Warning,
                format!("driver {} is older than {}: {} needs branch {first} or newer", driver.value.spelled(), gpu.shown(), row.name),
                format!("install a driver of branch {first} or newer"),
                format!("the first toolkit for {} came with driver branch {first}", row.name),
            ),
            _ => continue,
        };
        let mut finding = RULE
            .finding(message)
            .severity(severity)
            .primary(&side.name, driver.place, format!("branch {branch}"))
            .label(&side.name, gpu.place, format!("{} architecture", row.name))
            .about(["nvidia-driver", "gpu"])
            .because(Reason { claim, provenance })
            .help(help);
        if let (Some(by), Some(capability)) = (&gpu.by, gpu.capability) {
            finding = finding.because(Reason { claim: format!("{} has compute capability {capability}", gpu.name), provenance: by.clone() });
        }
        out.findings.push(finding);
    }
}
