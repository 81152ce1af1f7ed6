use std::collections::BTreeMap;

use crate::{
    environment::{Environment, GpuView, PackageView},
    fact::Standing,
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Knowledge, Reason, torch::{Build, TorchArchitecture}},
    rules::{Check, Context},
    version::{ComputeCapability, Version},
};

rule! {
    /// The installed torch build has no code for the GPU.
    ///
    /// ## Why it matters
    ///
    /// A wheel carries machine code for a list of GPU architectures. On any other GPU the first kernel fails with "no kernel
    /// image is available for execution on the device", while import and `cuda.is_available()` look well. The driver is not
    /// to blame and a newer one does not help.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: torch==2.5.1+cu121      (up to compute capability 9.0)
    /// gpus.csv:         NVIDIA GeForce RTX 5090, 12.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Install a build whose list covers the GPU: newer GPUs need newer CUDA builds, older ones the `cu126` or `cu118` line.
    pub(crate) static RULE {
        code: "EC303",
        name: "gpu-not-in-build",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let Some(torch) = side.package("torch") else { return };
    let Some(version) = torch.pin() else { return };
    // The lists were read from the builds for Linux x86_64.
    if side.target.machine.as_deref().is_some_and(|machine| machine != "x86_64") {
        return;
    }
    let users = side.cuda_users(ctx.knowledge);
    let Some(user) = users.iter().find(|user| user.component == "torch") else { return };
    let label = format!("cu{}{}", user.cuda.major(), user.cuda.minor().unwrap_or(0));
    if user.cuda.minor().is_none() || matches!(Build::of(version), Some(Build::Ngc(_))) {
        return;
    }
    let gpus = side.gpus(ctx.knowledge);
    let Some((row, provenance)) = ctx.knowledge.torch_architectures(version, &label) else {
        if !gpus.is_empty() {
            out.undecided.push(RULE.undecided(
                format!("the GPU architectures in torch {version} for CUDA {} are not known", user.cuda),
                "take a published build, or compare `torch.cuda.get_arch_list()` by hand",
            ));
        }
        return;
    };
    let mut lacking: BTreeMap<ComputeCapability, Vec<&GpuView>> = BTreeMap::new();
    for gpu in gpus {
        let Some(capability) = gpu.capability else {
            out.undecided.push(RULE.undecided(
                format!("the compute capability of `{}` is not known", gpu.name),
                "add `nvidia-smi --query-gpu=name,compute_cap --format=csv`",
            ));
            continue;
        };
        if !runs(row, capability) && !jetson(capability) {
            lacking.entry(capability).or_default().push(gpu);
        }
    }
    // A host's own list and a machine type may name one GPU twice.
    for (capability, gpus) in lacking {
        let newest = row.capabilities.iter().max().copied();
        let oldest = row.capabilities.iter().min().copied();
        let (Some(newest), Some(oldest)) = (newest, oldest) else { continue };
        let above = capability > newest;
        // PTX helps newer GPUs only; where nothing is known about it, it may be there.
        let known = !above || row.ptx == Some(false) || cannot_compile(ctx.knowledge, user, capability);
        // The lists are those of the wheels; what an image brings may be another build of the same release.
        let wheel = torch.standing > Standing::Implied;
        let sure = provenance.grounds == Grounds::Error && known && wheel && user.sure && gpus.iter().any(|gpu| sure_capability(gpu));
        let listed: Vec<String> = row.capabilities.iter().map(ToString::to_string).collect();
        let mut finding = RULE
            .finding(format!(
                "torch {version}{} has no code for {}: its build covers {oldest} to {newest}",
                if version.is_local() { String::new() } else { format!(" ({label})") },
                gpus[0].shown()
            ))
            .severity(if sure { Severity::Error } else { Severity::Warning })
            .primary(&side.name, torch.place(), format!("code for {}", listed.join(" ")))
            .label(&side.name, gpus[0].place, format!("compute capability {capability}"))
            .about(["torch", "gpu"])
            .because(Reason {
                claim: format!("{} is compiled for {}", releases(row, &label), listed.join(", ")),
                provenance: provenance.clone(),
            })
            .because(ctx.knowledge.statement("binary-compat"))
            .help(help(ctx.knowledge, version, capability));
        for gpu in &gpus[1..] {
            finding = finding.label(&side.name, gpu.place, format!("compute capability {capability}"));
        }
        if let Some((gpu, by)) = gpus.iter().find_map(|gpu| Some((gpu, gpu.by.as_ref()?))) {
            finding = finding.because(Reason { claim: format!("{} has compute capability {capability}", gpu.name), provenance: by.clone() });
        }
        if let Some(reason) = &user.reason {
            finding = finding.because(reason.clone());
        }
        out.findings.push(finding);
    }
}

/// The builds that a row is about.
fn releases(row: &TorchArchitecture, label: &str) -> String {
    if row.first == row.last {
        format!("torch {}+{label}", row.first)
    } else {
        format!("torch {} to {} with +{label}", row.first, row.last)
    }
}

/// Whether the torch of this side is known to have no code for a compute capability.
pub(super) fn lacks(ctx: &Context<'_>, side: &Environment, capability: ComputeCapability) -> bool {
    let version = side.package("torch").and_then(PackageView::pin);
    let users = side.cuda_users(ctx.knowledge);
    let cuda = users.iter().find(|user| user.component == "torch").map(|user| &user.cuda);
    let (Some(version), Some(cuda)) = (version, cuda) else { return false };
    let label = format!("cu{}{}", cuda.major(), cuda.minor().unwrap_or(0));
    ctx.knowledge.torch_architectures(version, &label).is_some_and(|(row, _)| !runs(row, capability))
}

/// Machine code runs on the same major from its own minor on; PTX on everything at or above.
fn runs(row: &TorchArchitecture, capability: ComputeCapability) -> bool {
    let native = row.capabilities.iter().any(|it| it.major == capability.major && it.minor <= capability.minor);
    native || row.ptx == Some(true) && row.capabilities.iter().max().is_some_and(|newest| *newest <= capability)
}

/// Jetson boards have builds of their own.
fn jetson(capability: ComputeCapability) -> bool {
    [(5, 3), (6, 2), (7, 2), (8, 7), (10, 1), (11, 0)].contains(&(capability.major, capability.minor))
}

/// Whether the build's own toolkit does not know the GPU, so that nobody can have compiled for it.
fn cannot_compile(knowledge: &Knowledge, user: &crate::environment::CudaUser, capability: ComputeCapability) -> bool {
    knowledge.toolkit_capabilities(&user.cuda).is_some_and(|(row, _)| capability > row.max)
}

fn sure_capability(gpu: &GpuView) -> bool {
    gpu.by.as_ref().is_none_or(|provenance| provenance.grounds == Grounds::Error)
}

/// The nearest release from this one on with a build that covers the GPU.
fn help(knowledge: &Knowledge, version: &Version, capability: ComputeCapability) -> String {
    let rows = knowledge.torch_architecture.rows();
    let fits = |row: &&TorchArchitecture| runs(row, capability) && knowledge.torch_architecture.provenance(row).grounds == Grounds::Error;
    let release = version.only_release();
    let own = rows.iter().filter(fits).filter(|row| crate::knowledge::in_run(version, &row.first.0, &row.last.0));
    if let Some(row) = own.min_by(|a, b| a.build.cmp(&b.build)) {
        return format!("install the +{} build of the same torch", row.build);
    }
    let newer = rows.iter().filter(fits).filter(|row| row.first.0 > release).min_by(|a, b| a.first.cmp(&b.first));
    if let Some(row) = newer {
        return format!("install torch {} or newer in its +{} build", row.first, row.build);
    }
    match rows.iter().filter(fits).filter(|row| row.last.0 < release).max_by(|a, b| a.last.cmp(&b.last)) {
        Some(row) => format!("install torch {} in its +{} build, the last known one for this GPU", row.last, row.build),
        None => "compile torch for this GPU".to_owned(),
    }
}
