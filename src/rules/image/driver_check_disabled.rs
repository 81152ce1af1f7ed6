use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context},
};

rule! {
    /// The image switches off or overrides what protects it from an unfit driver.
    ///
    /// ## Why it matters
    ///
    /// `NVIDIA_DISABLE_REQUIRE=true` starts the container on any driver: what would have been a clear message at the start
    /// becomes a CUDA error inside the process. `LD_LIBRARY_PATH` with `/usr/local/cuda/compat` puts the driver library of
    /// the image before that of the host, which fails with error 803 on hosts whose driver is newer than the image.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile: ENV NVIDIA_DISABLE_REQUIRE=1
    /// ```
    ///
    /// ## How to fix
    ///
    /// Remove the variable, or set it on the hosts that need it.
    pub(crate) static RULE {
        code: "EC404",
        name: "driver-check-disabled",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    for seen in side.variables() {
        let value = seen.value.value.as_deref().unwrap_or_default();
        let disabled = seen.value.name == "NVIDIA_DISABLE_REQUIRE" && ["1", "t", "T", "true", "TRUE", "True"].contains(&value);
        let forced = seen.value.name == "LD_LIBRARY_PATH"
            && value.split(':').any(|folder| folder.contains("/cuda") && folder.trim_end_matches('/').ends_with("/compat"));
        let (message, text, statement, help) = if disabled {
            (
                "the image switches off the check that refuses drivers its CUDA does not run on",
                "switches the check off",
                "require-legacy-mode",
                "remove the variable, or set it where the container is started",
            )
        } else if forced {
            (
                "the image puts its own driver library before the host's, which fails on newer drivers",
                "forces the library of the image",
                "compat-forced",
                "take the compat folder out of LD_LIBRARY_PATH: the container toolkit adds it where it is needed",
            )
        } else {
            continue;
        };
        out.findings.push(
            RULE.finding(message)
                .primary(&side.name, seen.place, text)
                .about(["nvidia-driver", "image"])
                .because(ctx.knowledge.statement(statement))
                .help(help),
        );
    }
}
