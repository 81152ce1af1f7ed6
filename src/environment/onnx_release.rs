//! What one release of ONNX Runtime accepts, and what it asks of the environment around it.
//!
//! The tables that follow ONNX Runtime are put together here, for models (`needs`) and for people who ask about a release.
//! What has no row is `None`, and the unknown is never filled with a guess.

use crate::{
    fact::Model,
    knowledge::{
        Knowledge, Provenance, Reason,
        kernel::{Computes, Provider, Usage},
        onnx::{RuntimeRelease, WithNumpy2},
    },
    version::{CudaVersion, CudnnVersion, IrVersion, LibcVersion, Opset, PythonVersion, Truth, Version},
};

/// The build for NVIDIA GPUs.
const GPU_BUILD: &str = "onnxruntime-gpu";

/// The oldest ONNX Runtime that accepts a model's operator sets and IR version.
#[must_use]
pub fn first_for<'k>(knowledge: &'k Knowledge, model: &Model) -> Option<&'k RuntimeRelease> {
    knowledge.first_runtime(|row| {
        let imports = model.opsets.iter().chain(model.function_opsets.values().flatten());
        let opsets = imports.into_iter().all(|(domain, opset)| !supports(row, domain, *opset).violated());
        let ir = model.ir_version.is_none_or(|ir| row.ir.is_some_and(|max| ir <= max));
        let usable = model.opsets.get("ai.onnx").is_none_or(|opset| row.usable_opset.is_none_or(|max| *opset <= max));
        opsets && ir && usable && row.unchecked != Some(true)
    })
}

/// The oldest ONNX Runtime that accepts models and has a CPU kernel for everything in them, as far as the table of kernels
/// goes; `None` also where the first release that accepts them is older than the table.
#[must_use]
pub(super) fn first_with_kernels(knowledge: &Knowledge, models: &[&Model]) -> Option<Version> {
    let first =
        models.iter().map(|model| first_for(knowledge, model).map(|row| &row.version)).collect::<Option<Vec<_>>>()?;
    let least = first.into_iter().max()?;
    let row = knowledge.first_runtime(|row| {
        row.version >= *least && models.iter().all(|model| computes_all(knowledge, model, &row.version.0))
    })?;
    knowledge.kernels_are_known(Provider::Cpu, &row.version.0).then(|| row.version.0.clone())
}

fn computes_all(knowledge: &Knowledge, model: &Model, release: &Version) -> bool {
    let uses = model.operators.iter().flat_map(|(domain, operators)| {
        operators.iter().flat_map(move |(name, used)| used.typings.iter().map(move |typing| (domain, name, typing)))
    });
    uses.into_iter().all(|(domain, name, typing)| {
        let usage =
            Usage { domain, name, since: typing.since.0, types: &typing.types, is_function: typing.is_function };
        let carried = typing.types.iter().all(|(_, element)| knowledge.not_carried(element, release).is_none());
        let missing = matches!(
            knowledge.computes(Provider::Cpu, release, usage),
            Computes::NoKernel(_) | Computes::NoKernelForTypes(_)
        );
        (carried || name == "Constant") && !missing
    })
}

/// Whether a release accepts an operator set. Domains that are neither ONNX's nor its own are not its affair.
#[must_use]
pub fn supports(row: &RuntimeRelease, domain: &str, opset: Opset) -> Truth {
    match domain {
        "ai.onnx" | "ai.onnx.ml" | "com.microsoft" => {
            highest_opset(row, domain).map_or(Truth::Undecided, |max| (opset <= max).into())
        }
        _ => Truth::Holds,
    }
}

/// The newest operator set of a domain that a release accepts.
#[must_use]
pub fn highest_opset(row: &RuntimeRelease, domain: &str) -> Option<Opset> {
    match domain {
        // Measured: Softmax of operator set 13 is computed as that of 12.
        "ai.onnx" if row.unchecked == Some(true) => Some(Opset(11)),
        "ai.onnx" => row.opset,
        "ai.onnx.ml" => row.ml_opset,
        "com.microsoft" => Some(Opset(1)),
        _ => None,
    }
}

/// A value, and who says so.
#[derive(Debug, Clone)]
pub struct Said<T> {
    /// The value.
    pub value: T,
    /// Who says so.
    pub provenance: Provenance,
}

/// The NumPy that a release asks for.
#[derive(Debug, Clone)]
pub struct NumpyRange {
    /// The specifier, as published.
    pub range: String,
    /// The release whose metadata says so, where no row is about the release itself but one of its minor is.
    pub neighbour: Option<Version>,
}

/// The CUDA and the cuDNN that a GPU build loads.
#[derive(Debug, Clone)]
pub struct GpuStack {
    /// CUDA, a prefix.
    pub cuda: CudaVersion,
    /// cuDNN, a prefix.
    pub cudnn: CudnnVersion,
}

/// What a release of ONNX Runtime accepts and goes with.
#[derive(Debug, Clone)]
pub struct OnnxRelease {
    /// The distribution whose wheels are meant.
    pub component: String,
    /// The release.
    pub version: Version,
    /// Newest operator set of `ai.onnx`.
    pub opset: Option<Opset>,
    /// The same with kernels, where the check accepts more.
    pub usable_opset: Option<Opset>,
    /// Newest operator set of `ai.onnx.ml`.
    pub ml_opset: Option<Opset>,
    /// Newest IR version.
    pub ir: Option<IrVersion>,
    /// It checks none of them.
    pub unchecked: bool,
    /// What happens with NumPy 2.
    pub numpy2: Option<WithNumpy2>,
    /// Who says what it accepts, and what it does with NumPy 2.
    pub measured: Provenance,
    /// The NumPy that its metadata asks for.
    pub numpy: Option<Said<NumpyRange>>,
    /// Pythons with a wheel.
    pub pythons: Option<Said<Vec<PythonVersion>>>,
    /// The oldest glibc of its Linux wheels.
    pub glibc: Option<Said<LibcVersion>>,
    /// What the GPU build of this release loads; `None` where nothing is known, or for a build without CUDA.
    pub gpu: Option<Said<GpuStack>>,
}

impl OnnxRelease {
    /// What is known of a release of one of the distributions of ONNX Runtime.
    ///
    /// What models it accepts was measured on `onnxruntime`, and holds for the builds of the same release.
    #[must_use]
    pub fn of(knowledge: &Knowledge, component: &str, version: &Version) -> Option<OnnxRelease> {
        if !knowledge.is_onnxruntime(component) {
            return None;
        }
        let table = &knowledge.onnxruntime_release;
        let row = table.rows_at(version).find(|row| row.version.0 == *version)?;
        let measured = table.provenance(row);
        let pythons = knowledge.wheel_pythons(component, version);
        let libc = knowledge.wheel_libc(component, version).map(|(row, provenance)| (row.glibc.clone(), provenance));
        // What was run is the wheel of the plain build.
        let own = (component == "onnxruntime").then(|| (row.glibc.clone(), measured.clone()));
        let has_gpu_build = [GPU_BUILD, "onnxruntime"].contains(&component);
        let gpu = if has_gpu_build { knowledge.gpu_libraries(GPU_BUILD, version) } else { None };
        Some(OnnxRelease {
            component: component.to_owned(),
            version: version.clone(),
            opset: row.opset,
            usable_opset: row.usable_opset,
            ml_opset: row.ml_opset,
            ir: row.ir,
            unchecked: row.unchecked == Some(true),
            numpy2: row.numpy2,
            measured,
            numpy: numpy(knowledge, component, version),
            pythons: pythons.map(|(row, provenance)| Said { value: row.python.clone(), provenance }),
            glibc: libc.or(own).map(|(value, provenance)| Said { value, provenance }),
            gpu: gpu.map(|(row, provenance)| {
                let value = GpuStack { cuda: row.cuda.clone(), cudnn: row.cudnn.clone() };
                Said { value, provenance }
            }),
        })
    }

    /// What happens with NumPy 2: the word of the table, and a sentence.
    #[must_use]
    pub fn with_numpy2(&self) -> Option<(&'static str, &'static str)> {
        self.numpy2.map(|outcome| match outcome {
            WithNumpy2::Ok => ("ok", "works"),
            WithNumpy2::ImportError => ("import-error", "import fails"),
            WithNumpy2::CrashAtRun => ("crash-at-run", "crashes at first run"),
        })
    }

    /// Whether it is known to work with NumPy 2.
    #[must_use]
    pub fn takes_numpy2(&self) -> bool {
        self.numpy2 == Some(WithNumpy2::Ok)
    }

    /// Who says what.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        gathered(self.witnesses())
    }

    pub(super) fn witnesses(&self) -> Vec<(&'static str, &Provenance)> {
        let said = [
            Some(("operator sets", &self.measured)),
            Some(("IR version", &self.measured)),
            self.numpy2.map(|_| ("NumPy 2", &self.measured)),
            self.numpy.as_ref().map(|it| ("NumPy", &it.provenance)),
            self.pythons.as_ref().map(|it| ("Python", &it.provenance)),
            self.glibc.as_ref().map(|it| ("glibc", &it.provenance)),
            self.gpu.as_ref().map(|it| ("CUDA and cuDNN", &it.provenance)),
        ];
        said.into_iter().flatten().collect()
    }
}

/// Witnesses with all that each of them is a witness of, in the order in which they are first named.
pub(super) fn gathered<'a>(witnesses: impl IntoIterator<Item = (&'static str, &'a Provenance)>) -> Vec<Reason> {
    let mut found: Vec<(Vec<&str>, &Provenance)> = Vec::new();
    for (about, provenance) in witnesses {
        // What rows may cause does not tell witnesses apart.
        let same = |known: &Provenance| {
            let said = |it: &Provenance| (it.source.clone(), it.locator.clone(), it.checked.clone(), it.own.clone());
            said(known) == said(provenance)
        };
        match found.iter_mut().find(|(_, known)| same(known)) {
            Some((known, _)) if known.contains(&about) => {}
            Some((known, _)) => known.push(about),
            None => found.push((vec![about], provenance)),
        }
    }
    let reason = |(about, provenance): (Vec<&str>, &Provenance)| Reason {
        claim: about.join(", "),
        provenance: provenance.clone(),
    };
    found.into_iter().map(reason).collect()
}

/// The NumPy of a release; of a minor whose known releases all ask for the same, if the release itself has no row.
fn numpy(knowledge: &Knowledge, component: &str, version: &Version) -> Option<Said<NumpyRange>> {
    let own = knowledge.needs_of(component, version).into_iter().find(|(need, _)| need.component == "numpy");
    if let Some((need, provenance)) = own {
        return Some(Said { value: NumpyRange { range: need.range.text.clone(), neighbour: None }, provenance });
    }
    let table = &knowledge.needs;
    let minor = |version: &Version| version.release().iter().copied().take(2).collect::<Vec<_>>();
    let of_minor: Vec<_> = table
        .rows_of_minor(component, version)
        .filter(|need| need.package == component && need.component == "numpy")
        .filter_map(|need| need.release.one().map(|release| (need, release)))
        .filter(|(_, release)| minor(release) == minor(version))
        .collect();
    let (need, release) = of_minor.first()?;
    let agreed = of_minor.iter().all(|(other, _)| other.range.text == need.range.text);
    agreed.then(|| Said {
        value: NumpyRange { range: need.range.text.clone(), neighbour: Some((*release).clone()) },
        provenance: table.provenance(need),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(component: &str, version: &str) -> Option<OnnxRelease> {
        OnnxRelease::of(&Knowledge::built_in(), component, &version.parse().unwrap())
    }

    #[test]
    fn a_release_is_put_together_from_all_tables() {
        let release = of("onnxruntime", "1.16.3").unwrap();
        assert_eq!(
            (release.opset, release.ml_opset, release.ir),
            (Some(Opset(19)), Some(Opset(3)), Some(IrVersion(9)))
        );
        assert_eq!(release.with_numpy2().map(|it| it.0), Some("crash-at-run"));
        let gpu = release.gpu.unwrap().value;
        assert_eq!((gpu.cuda.to_string(), gpu.cudnn.to_string()), ("11".to_owned(), "8".to_owned()));
        assert_eq!(release.numpy.unwrap().value.neighbour, None);
        let gpu_build = of("onnxruntime-gpu", "1.18.0").unwrap();
        assert_eq!(gpu_build.glibc.unwrap().value.to_string(), "2.28");
        assert!(of("onnxruntime-directml", "1.16.3").unwrap().gpu.is_none());
        assert!(of("onnxruntime", "1.99.0").is_none() && of("numpy", "1.16.3").is_none());
    }

    #[test]
    fn a_release_without_a_row_of_needs_is_told_by_its_minor() {
        let numpy = of("onnxruntime", "1.8.0").unwrap().numpy.unwrap().value;
        assert_eq!(numpy.range, ">=1.16.6");
        assert_eq!(numpy.neighbour, Some("1.8.1".parse().unwrap()));
        assert!(of("onnxruntime", "1.2.0").unwrap().numpy.is_none());
    }
}
