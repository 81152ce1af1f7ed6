use crate::{
    environment::{Environment, Seen},
    fact::{Image, ImageRole, Variable},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{Reason, gpu::GpuKind, image::Reference},
    rules::{
        Check, Context,
        gpu::driver_too_old::{self, Driver},
    },
    version::{CudaVersion, Dotted, Truth},
};

rule! {
    /// The image's start condition does not hold on the declared driver.
    ///
    /// ## Why it matters
    ///
    /// Images made from nvidia/cuda carry `NVIDIA_REQUIRE_CUDA`. NVIDIA's container runtime reads it before the container
    /// starts and refuses with "unsatisfied condition: cuda>=12.4" although, by minor-version compatibility, the programs
    /// inside might have run. Besides drivers of the image's own CUDA only the driver branches start that the variable
    /// names. The check is made by the legacy mode of the runtime; in CDI mode nothing is checked.
    ///
    /// Where the variable is written in an input, the verdict is an error. Where only the tag of an nvidia/cuda image is
    /// known it is a warning, since such tags are rebuilt with other branches.
    ///
    /// ## Example
    ///
    /// ```text
    /// Dockerfile:     FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04
    /// nvidia-smi.txt: Driver Version: 545.23.08   CUDA Version: 12.3
    /// ```
    ///
    /// ## How to fix
    ///
    /// Upgrade the driver, or take an image of the driver's CUDA version.
    pub(crate) static RULE {
        code: "EC401",
        name: "image-refuses-driver",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(driver) = Driver::of(side, ctx.knowledge) else { return };
    let variables = side.variables();
    if variables.iter().any(|seen| seen.value.name == "NVIDIA_DISABLE_REQUIRE" && is_true(seen.value.value.as_deref())) {
        return;
    }
    let mut stated = false;
    for seen in variables.iter().filter(|seen| is_requirement(&seen.value.name)) {
        stated |= seen.value.name == "NVIDIA_REQUIRE_CUDA";
        out.findings.extend(by_variable(ctx, side, &driver, *seen));
    }
    if stated {
        return; // It takes the place of what the image says.
    }
    for seen in side.images() {
        if seen.value.role == ImageRole::Runs {
            by_tag(ctx, side, &driver, seen, out);
        }
    }
}

fn is_requirement(name: &str) -> bool {
    name.starts_with("NVIDIA_REQUIRE_") && !name.starts_with("NVIDIA_REQUIRE_JETPACK")
}

fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
}

/// Whether the driver is so old that `driver-too-old` has the word.
fn has_the_word(ctx: &Context<'_>, driver: &Driver<'_>, cuda: &CudaVersion) -> bool {
    driver_too_old::is_too_old(ctx.knowledge, driver, cuda)
}

fn by_variable(ctx: &Context<'_>, side: &Environment, driver: &Driver<'_>, seen: Seen<'_, Variable>) -> Option<Finding> {
    let text = seen.value.value.as_deref()?;
    let capability = side.gpus(ctx.knowledge).iter().find_map(|gpu| gpu.capability.map(|it| it.to_string()));
    let met = text
        .split_ascii_whitespace()
        .map(|alternative| {
            let conditions = alternative.split(',').filter(|condition| !condition.is_empty());
            conditions.map(|condition| holds(condition, driver, capability.as_deref())).min().unwrap_or(Truth::Holds)
        })
        .max()?;
    if !met.violated() {
        return None;
    }
    // Only the first alternative is what the runtime prints, and what people search for.
    let first = text.split_ascii_whitespace().next().unwrap_or(text);
    let can = driver.cuda.as_ref().map_or_else(String::new, |(cuda, _)| format!(" (CUDA {cuda})"));
    let mut finding = RULE
        .finding(format!("{}{can} does not satisfy the image's condition `{first}`, so the container does not start", driver.shown()))
        .primary(&side.name, driver.place, format!("{}{can}", driver.shown()))
        .label(&side.name, seen.place, format!("requires {first}"))
        .about(["nvidia-driver", "cuda", "image"])
        .because(ctx.knowledge.statement("require-grammar"))
        .because(ctx.knowledge.statement("require-legacy-mode"))
        .help("upgrade the driver, or take an image for the CUDA version of the driver");
    if let Some((_, Some(reason))) = &driver.cuda {
        finding = finding.because(reason.clone());
    }
    Some(finding)
}

/// One condition, such as `cuda>=12.4` or `brand=tesla`. Brands are never derived from names, so they stay undecided.
fn holds(condition: &str, driver: &Driver<'_>, capability: Option<&str>) -> Truth {
    let Some(at) = condition.find(['=', '!', '<', '>']) else { return Truth::Undecided };
    let (name, rest) = condition.split_at(at);
    let operators = ["!=", "<=", ">=", "=", "<", ">"];
    let Some(operator) = operators.iter().find(|operator| rest.starts_with(**operator)) else { return Truth::Undecided };
    let actual = match name.to_ascii_lowercase().as_str() {
        "cuda" => driver.cuda.as_ref().map(|(cuda, _)| cuda.to_string()),
        "driver" => driver.version.map(ToString::to_string),
        "arch" => capability.map(str::to_owned),
        _ => None,
    };
    let (Some(actual), Some(wanted)) = (actual.as_deref().and_then(Dotted::parse), Dotted::parse(&rest[operator.len()..])) else {
        return Truth::Undecided;
    };
    let part = |version: &Dotted, at: usize| version.parts().get(at).copied().unwrap_or(0);
    let length = actual.parts().len().max(wanted.parts().len());
    let order = (0..length).map(|at| part(&actual, at).cmp(&part(&wanted, at))).find(|order| order.is_ne());
    let order = order.unwrap_or(std::cmp::Ordering::Equal);
    Truth::from(match *operator {
        "=" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// By the tag of an nvidia/cuda image, whose variable is not in the inputs.
fn by_tag(ctx: &Context<'_>, side: &Environment, driver: &Driver<'_>, seen: Seen<'_, Image>, out: &mut Verdicts) {
    let reference = Reference::parse(&seen.value.reference);
    let nvidia = reference.path == "nvidia/cuda" || reference.path.ends_with("/nvidia/cuda");
    let shipped = ctx.knowledge.shipped(&reference);
    let Some(tagged) = shipped.iter().find(|it| it.word == "cuda").filter(|_| nvidia) else { return };
    let Ok(cuda) = tagged.text.parse::<CudaVersion>() else { return };
    let cuda = cuda.prefix(2);
    if !driver.covers(&cuda).violated() || has_the_word(ctx, driver, &cuda) {
        return;
    }
    let Some(version) = driver.version else { return };
    let Some((row, provenance)) = ctx.knowledge.image_condition(&cuda) else {
        out.undecided.push(RULE.undecided(
            format!("nothing is known about the driver branches that {} starts on beside CUDA {cuda}", seen.value.reference),
            "look at NVIDIA_REQUIRE_CUDA in the output of `docker inspect` of the image",
        ));
        return;
    };
    let geforce = side.gpus(ctx.knowledge).iter().any(|gpu| gpu.kind == Some(GpuKind::Geforce));
    let named = row.branches.contains(&version.branch());
    if named && (!geforce || row.geforce == Some(true)) {
        return;
    }
    let branches: Vec<String> = row.branches.iter().map(ToString::to_string).collect();
    let claim = format!("images of CUDA {cuda} start on drivers for CUDA {cuda} and on the branches {}", branches.join(", "));
    let can = driver.cuda.as_ref().map_or_else(String::new, |(max, _)| format!(" (CUDA {max})"));
    let but = if named { ": they allow its branch for data-center and workstation GPUs only" } else { "" };
    let mut finding = RULE
        .finding(format!("{}{can} is refused by images of CUDA {cuda} before anything starts{but}", driver.shown()))
        .severity(Severity::Warning)
        .primary(&side.name, driver.place, format!("{}{can}", driver.shown()))
        .label(&side.name, seen.place, format!("requires cuda>={cuda}"))
        .about(["nvidia-driver", "cuda", "image"])
        .because(Reason { claim, provenance })
        .because(ctx.knowledge.statement("require-legacy-mode"))
        .help(format!("upgrade the driver, or take an image of the driver's CUDA version{}", driver.cuda.as_ref().map_or_else(String::new, |(max, _)| format!(" ({max})"))));
    if let Some((_, Some(reason))) = &driver.cuda {
        finding = finding.because(reason.clone());
    }
    out.findings.push(finding);
}
