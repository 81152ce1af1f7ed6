use crate::{
    environment::{CudaUse, CudaUser, Environment, PackageView, Side},
    fact::ImageRole,
    finding::{Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Reason,
        image::Reference,
        packages::Need,
        torch::{Build, cuda_of_digits},
    },
    rules::{Check, Context},
    text::Place,
    version::{CudaVersion, Version},
};

rule! {
    /// A compiled extension was built for another torch than the one beside it.
    ///
    /// ## Why it matters
    ///
    /// flash-attn, mamba-ssm, causal-conv1d, torch-scatter and their like are compiled against one torch minor, one CUDA
    /// major and one C++ ABI. pip compares none of them: the wheel installs, and the import ends with an undefined symbol.
    /// The wheel's label says what it was built for: `+cu122torch2.1cxx11abiFALSE`, `+pt21cu121`.
    ///
    /// Wheels on PyPI have no such label. Those of vLLM, xformers and others load the CUDA libraries of one major, while the
    /// same release of torch comes for several: beside `torch==2.5.1+cu118`, vLLM 0.6.6 looks for `libcudart.so.12` in vain.
    ///
    /// The torch of NVIDIA's own images is a pre-release build that wheels for released versions do not fit.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: torch==2.4.0
    ///                   flash_attn-2.5.3+cu122torch2.1cxx11abiFALSE-cp310-cp310-linux_x86_64.whl
    /// ```
    ///
    /// ## How to fix
    ///
    /// Take the wheel for the torch that is there, or compile the extension in the image.
    pub(crate) static RULE {
        code: "EC109",
        name: "extension-for-another-build",
        impact: Impact::StartFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

/// What a label says about the torch that an extension was compiled for.
#[derive(Debug, PartialEq, Eq)]
struct BuiltFor {
    /// Major and minor.
    torch: [u64; 2],
    /// `None` for a CPU build or where the label does not say.
    cuda: Option<CudaVersion>,
    cxx11_abi: Option<bool>,
}

impl BuiltFor {
    /// Reads `cu122torch2.1cxx11abifalse` and `pt21cu121`.
    fn of(version: &Version) -> Option<BuiltFor> {
        if !version.is_local() {
            return None;
        }
        let label = version.local().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        if let Some((before, after)) = label.split_once("torch") {
            let (torch, abi) = match after.split_once("cxx11abi") {
                Some((torch, abi)) => (torch, Some(abi.starts_with("true"))),
                None => (after, None),
            };
            let mut parts = torch.trim_end_matches('.').split('.').map(str::parse);
            let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else { return None };
            return Some(BuiltFor { torch: [major, minor], cuda: cuda(before), cxx11_abi: abi });
        }
        let digits = label.strip_prefix("pt")?;
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        if length < 2 {
            return None;
        }
        let torch = [digits[..1].parse().ok()?, digits[1..length].parse().ok()?];
        Some(BuiltFor { torch, cuda: cuda(&digits[length..]), cxx11_abi: None })
    }
}

fn cuda(text: &str) -> Option<CudaVersion> {
    let digits: String = text.strip_prefix("cu")?.chars().take_while(char::is_ascii_digit).collect();
    if digits.len() == 2 { digits.parse().ok() } else { cuda_of_digits(&digits) }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    // Where a marker may be false, the two may never stand side by side.
    let apart = side.package("torch").is_some_and(|torch| !torch.present.holds());
    for view in side.packages().filter(|view| view.present.holds() && !apart) {
        if let Some(built) = view.pin().and_then(BuiltFor::of) {
            extension(ctx, side, view, &built, out);
        } else {
            from_pypi(ctx, side, view, out);
        }
    }
}

/// A wheel of PyPI loads the CUDA libraries that torch brings, and finds those of another major: the same release of torch
/// comes for several.
fn from_pypi(ctx: &Context<'_>, side: &Environment, view: &PackageView, out: &mut Verdicts) {
    let Some(version) = view.pin().filter(|version| !version.is_local()) else { return };
    let Some((row, provenance)) = ctx.knowledge.extension_cuda(view.name.as_str(), version) else { return };
    // Other indexes carry builds for other majors under the same number.
    if view.is_conda() || view.is_direct() || side.has_other_index(view) {
        return;
    }
    let users = side.cuda_users(ctx.knowledge);
    let Some(torch) = users.iter().find(|user| user.component == "torch" && user.how == CudaUse::Bundled) else { return };
    let is_there = |user: &CudaUser| user.how == CudaUse::System && user.cuda.major() == row.cuda.major();
    if torch.cuda.major() == row.cuda.major() || users.iter().any(is_there) {
        return;
    }
    // A torch of another release is one cause, and companion-mismatch says it.
    let unmet = |need: &Need| {
        let other = side.package(&need.component).filter(|other| other.name.as_str() == "torch");
        other.is_some_and(|other| other.versions.within(&need.range.set).violated())
    };
    if ctx.knowledge.needs_rows(view.name.as_str(), version).any(unmet) {
        return;
    }
    let (name, wanted) = (&view.name, row.cuda.major());
    // A label comes from an index. Where none is named, the extension may be from there too, under the number of PyPI's.
    let view_of_torch = side.package("torch");
    let index_unseen = view_of_torch.is_some_and(|torch| {
        torch.pin().is_some_and(Version::is_local) && !side.has_other_index(torch)
    });
    let known_to_fail = provenance.grounds == Grounds::Error;
    let severity = if known_to_fail && torch.sure && !index_unseen { Severity::Error } else { Severity::Warning };
    // What may be, was not in training: it ran.
    if severity != Severity::Error && side.side == Side::Training || index_unseen && !known_to_fail {
        return;
    }
    let claim = format!("the wheels of {name} {version} on PyPI are compiled for CUDA {}", row.cuda);
    let mut finding = RULE
        .finding(format!("{name} {version} is compiled for CUDA {wanted}, and {} for CUDA {}", torch.shown, torch.cuda))
        .severity(severity)
        .primary(&side.name, view.place(), format!("compiled for CUDA {wanted}"))
        .label(&side.name, torch.place, format!("brings CUDA {}", torch.cuda))
        .about([name.as_str(), "torch", "cuda"])
        .because(Reason { claim, provenance })
        .because(ctx.knowledge.statement("cudart-soname"))
        .help(format!(
            "install the build of {name} for CUDA {} from the index that has this torch, or torch for CUDA {wanted}",
            torch.cuda.major()
        ));
    if let Some(reason) = &torch.reason {
        finding = finding.because(reason.clone());
    }
    out.findings.push(finding);
}

fn extension(ctx: &Context<'_>, side: &Environment, view: &PackageView, built: &BuiltFor, out: &mut Verdicts) {
    let wanted = format!("torch {}.{}", built.torch[0], built.torch[1]);
    let torch = side.package("torch").and_then(|torch| torch.pin().map(|version| (torch, version)));
    let Some((torch, version)) = torch else {
        // The image brings a torch of its own, whichever it is.
        let ngc = side.images().into_iter().find(|seen| {
            let path = Reference::parse(&seen.value.reference).path;
            seen.value.role == ImageRole::Runs && (path == "nvidia/pytorch" || path.ends_with("/nvidia/pytorch"))
        });
        if let Some(image) = ngc.filter(|_| side.package("torch").is_none()) {
            ngc_build(ctx, side, view, &wanted, image.place, "brings NVIDIA's own torch", out);
        }
        return;
    };
    let ngc = matches!(Build::of(version), Some(Build::Ngc(_))) || version.any_prerelease() && version.is_local();
    if ngc {
        ngc_build(ctx, side, view, &wanted, torch.place(), &format!("torch {version}"), out);
        return;
    }
    let release = |at: usize| version.release().get(at).copied().unwrap_or(0);
    let users = side.cuda_users(ctx.knowledge);
    let its_cuda = users.iter().find(|user| user.component == "torch");
    let row = ctx.knowledge.torch_release(version).filter(|_| !version.is_local());
    let mut reasons: Vec<Reason> = vec![ctx.knowledge.statement("extension-label")];
    let differing = if [release(0), release(1)] != built.torch {
        Some(wanted.clone())
    } else if let (Some(cuda), Some(user)) = (&built.cuda, its_cuda)
        && cuda.major() != user.cuda.major()
    {
        reasons.extend(user.reason.clone());
        Some(format!("CUDA {cuda}"))
    } else if let (Some(abi), Some((row, provenance))) = (built.cxx11_abi, row)
        && let Some(theirs) = row.cxx11_abi
        && abi != theirs
    {
        let claim = format!("torch {version} from PyPI has the C++11 ABI: {theirs}");
        reasons.push(Reason { claim, provenance });
        Some(format!("the C++11 ABI {}", if abi { "switched on" } else { "switched off" }))
    } else {
        None
    };
    let Some(differing) = differing else { return };
    let beside = match its_cuda {
        Some(user) if differing.starts_with("CUDA") => format!("torch {version} (CUDA {})", user.cuda),
        _ => format!("torch {version}"),
    };
    let finding = RULE
        .finding(format!("{} {} was compiled for {differing}, and is beside {beside}", view.name, view.shown()))
        .primary(&side.name, view.place(), format!("compiled for {differing}"))
        .label(&side.name, torch.place(), beside)
        .about([view.name.as_str(), "torch"])
        .help(format!("take the wheel of {} for torch {}.{}, or compile it in the image", view.name, release(0), release(1)));
    out.findings.push(reasons.into_iter().fold(finding, crate::finding::Finding::because));
}

fn ngc_build(ctx: &Context<'_>, side: &Environment, view: &PackageView, wanted: &str, place: Place, text: &str, out: &mut Verdicts) {
    out.findings.push(
        RULE.finding(format!("{} {} was compiled for {wanted}, and the image has NVIDIA's own build of torch", view.name, view.shown()))
            .severity(Severity::Warning)
            .primary(&side.name, view.place(), format!("compiled for {wanted}"))
            .label(&side.name, place, text)
            .about([view.name.as_str(), "torch", "image"])
            .because(ctx.knowledge.statement("ngc-extension"))
            .help(format!("compile {} in the image, or use the one that the image brings", view.name)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_what_an_extension_was_built_for() {
        let of = |version: &str| {
            BuiltFor::of(&version.parse().unwrap())
                .map(|it| (it.torch, it.cuda.map(|cuda| cuda.to_string()), it.cxx11_abi))
        };
        let cuda = |text: &str| Some(text.to_owned());
        assert_eq!(of("2.5.3+cu122torch2.1cxx11abiFALSE"), Some(([2, 1], cuda("12.2"), Some(false))));
        assert_eq!(of("2.7.4+cu12torch2.10cxx11abiTRUE"), Some(([2, 10], cuda("12"), Some(true))));
        assert_eq!(of("2.1.2+pt21cu121"), Some(([2, 1], cuda("12.1"), None)));
        assert_eq!(of("2.0.9+pt112cpu"), Some(([1, 12], None, None)));
        assert_eq!(of("2.1.0+cu121"), None);
        assert_eq!(of("1.0+pt2"), None);
        assert_eq!(of("1.0"), None);
    }
}
