//! Which CUDA and cuDNN a side's software uses, and where that comes from: the implied part of the GPU chain.

use super::{Entry, Environment, PackageView};
use crate::{
    fact::Standing,
    knowledge::{
        Knowledge, Reason,
        packages::{GpuLibraries, Origin},
        torch::{Build, cuda_of_digits},
    },
    text::Place,
    version::{CudaVersion, CudnnVersion, Version},
};

/// How software comes by its CUDA libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CudaUse {
    /// It brings them along, or an NVIDIA wheel beside it does.
    Bundled,
    /// It is such a wheel: it offers them to whoever looks in the environment.
    Wheel,
    /// It loads what the system or other packages offer.
    Loaded,
    /// It is the toolkit or runtime that the system offers.
    System,
    /// A file says that this was built for a CUDA version, without saying how it finds it.
    Stated,
}

/// Something that runs on a CUDA version.
#[derive(Debug, Clone)]
pub struct CudaUser {
    /// The component's name in findings.
    pub component: String,
    /// For a sentence: `torch 2.1.0`.
    pub shown: String,
    /// The version, to the precision that is known.
    pub cuda: CudaVersion,
    /// Where it is declared.
    pub place: Place,
    /// How it comes by the libraries.
    pub how: CudaUse,
    /// Why this version follows, where the file does not say it itself.
    pub reason: Option<Reason>,
    /// Whether it certainly follows: an unlabelled build that is only declared may come from another index.
    pub sure: bool,
}

/// Something that runs on a cuDNN version.
#[derive(Debug, Clone)]
pub struct CudnnUser {
    /// The component's name in findings.
    pub component: String,
    /// For a sentence.
    pub shown: String,
    /// The version, to the precision that is known.
    pub cudnn: CudnnVersion,
    /// Where it is declared.
    pub place: Place,
    /// How it comes by the library.
    pub how: CudaUse,
    /// Why this version follows.
    pub reason: Option<Reason>,
}

/// How the names of those packages begin that a CUDA version follows from without a row.
const NAMES_OF_CUDA: [&str; 6] = ["nvidia-", "tensorrt-", "torch", "jax", "cupy-cuda", "cuda-toolkit"];

impl Environment {
    /// Everything on this side that is tied to a CUDA version. It is found once: a run has one knowledge.
    #[must_use]
    pub fn cuda_users(&self, knowledge: &Knowledge) -> &[CudaUser] {
        self.cuda_users.get_or_init(|| self.find_cuda_users(knowledge))
    }

    /// What [`Environment::cuda_users`] found: everything, once all rules were asked, and nothing before.
    #[must_use]
    pub fn found_cuda_users(&self) -> &[CudaUser] {
        self.cuda_users.get().map_or(&[], Vec::as_slice)
    }

    fn find_cuda_users(&self, knowledge: &Knowledge) -> Vec<CudaUser> {
        let mut users: Vec<CudaUser> = Vec::new();
        for view in self.packages() {
            users.extend(self.cuda_of_package(view, knowledge));
        }
        for seen in self.libraries() {
            if let Some(cuda) = &seen.value.cuda {
                let name = seen.value.name.clone();
                users.push(stated(name.clone(), name, cuda.clone(), seen.place));
            }
        }
        for seen in self.images() {
            if let Some(cuda) = &seen.value.cuda {
                let shown = format!("image {}", seen.value.reference);
                users
                    .push(CudaUser { how: CudaUse::System, ..stated("image".into(), shown, cuda.clone(), seen.place) });
            }
        }
        for seen in self.toolkits() {
            let shown = format!("CUDA toolkit {}", seen.value);
            users.push(CudaUser {
                how: CudaUse::System,
                ..stated("cuda".into(), shown, seen.value.clone(), seen.place)
            });
        }
        users
    }

    fn cuda_of_package(&self, view: &PackageView, knowledge: &Knowledge) -> Option<CudaUser> {
        let name = view.name.as_str();
        let named = NAMES_OF_CUDA.iter().any(|start| name.starts_with(start));
        let stating = |entry: &Entry| entry.package.cuda.is_some();
        if !named && !knowledge.gpu_libraries.may_know(name) && !view.entries.iter().any(stating) {
            return None;
        }
        let shown = |cuda: &CudaVersion| match view.pin() {
            // Only the index says which build it is.
            None if name == "torch" && view.versions.is_all() => format!("torch from an index for CUDA {cuda}"),
            _ => format!("{name} {}", view.shown()),
        };
        let user = |cuda: CudaVersion, how: CudaUse, reason: Option<Reason>, sure: bool| CudaUser {
            component: name.to_owned(),
            shown: shown(&cuda),
            cuda,
            place: view.place(),
            how,
            reason,
            sure,
        };
        let stated = view.entries.iter().find_map(|entry| entry.package.cuda.clone());
        if let Some(cuda) = wheel_of_nvidia(name, view.pin()) {
            return Some(user(cuda, CudaUse::Wheel, None, true));
        }
        if let Some(cuda) = wheel_of_tensorrt(name) {
            return Some(user(cuda, CudaUse::Bundled, None, true));
        }
        match name {
            "torch" => {
                return self
                    .cuda_of_torch(view, knowledge, stated)
                    .map(|(cuda, why, sure)| user(cuda, CudaUse::Bundled, why, sure));
            }
            "jax-cuda11-plugin" | "jax-cuda12-plugin" | "jax-cuda13-plugin" | "cupy-cuda11x" | "cupy-cuda12x"
            | "cupy-cuda13x" => {
                let digits: String = name.chars().filter(char::is_ascii_digit).collect();
                return digits.parse().ok().map(|cuda| user(cuda, CudaUse::Loaded, None, true));
            }
            "jax" => return self.cuda_of_jax(view).map(|(cuda, how)| user(cuda, how, None, true)),
            "jaxlib" => {
                let cuda = view.pin().and_then(jaxlib_label).and_then(|(cuda, _)| cuda);
                return cuda.map(|cuda| user(cuda, CudaUse::Loaded, None, true));
            }
            _ => {}
        }
        if let Some(cuda) = stated {
            return Some(user(cuda, CudaUse::Stated, None, true));
        }
        if view.is_conda() {
            return None;
        }
        let (row, reason) = libraries_of(view, knowledge)?;
        Some(user(row.cuda.clone(), CudaUse::Loaded, Some(reason), true))
    }

    /// The extras of jax install the plug-in for a CUDA major, and NVIDIA's wheels unless they are called `local`.
    fn cuda_of_jax(&self, view: &PackageView) -> Option<(CudaVersion, CudaUse)> {
        let plugin = |name: &str| name.starts_with("jax-cuda");
        if self.packages().any(|other| plugin(other.name.as_str())) {
            return None; // It says the same, and more exactly.
        }
        let extras = view.entries.iter().flat_map(|entry| &entry.package.extras);
        let of_cuda = extras.filter_map(|extra| extra.as_str().strip_prefix("cuda"));
        of_cuda.into_iter().find_map(|rest| {
            let (digits, kind) = rest.split_once('-').unwrap_or((rest, ""));
            let how = match kind {
                "" | "pip" => CudaUse::Bundled,
                _ => CudaUse::Loaded,
            };
            digits.parse().ok().filter(|_| digits.len() == 2).map(|cuda| (cuda, how))
        })
    }

    fn cuda_of_torch(
        &self,
        view: &PackageView,
        knowledge: &Knowledge,
        stated: Option<CudaVersion>,
    ) -> Option<(CudaVersion, Option<Reason>, bool)> {
        let indexed = self.indexed(view);
        let Some(version) = view.pin() else {
            // An index that takes the place of all others has builds of one kind, whatever the version.
            return match indexed {
                Indexed::Build(Build::Cuda(cuda), Reach::Only) if !view.is_conda() => Some((cuda, None, true)),
                _ => None,
            };
        };
        match Build::of(version) {
            Some(Build::Cuda(cuda)) => return Some((cuda, None, true)),
            Some(_) => return None,
            None => {}
        }
        if let Some(cuda) = stated {
            return Some((cuda, None, true));
        }
        if view.is_conda() {
            return None; // PyPI's wheels say nothing about conda's builds.
        }
        match indexed {
            Indexed::Build(Build::Cuda(cuda), _) => return Some((cuda, None, true)),
            Indexed::Build(..) | Indexed::Unclear => return None,
            Indexed::Nothing => {}
        }
        // PyPI's wheels for Windows and macOS are built without CUDA.
        let elsewhere = self.target.os.as_deref().is_some_and(|os| os != "linux")
            || self.target.machine.as_deref().is_some_and(|machine| !["x86_64", "amd64", "AMD64"].contains(&machine));
        if elsewhere {
            return None;
        }
        let (row, provenance) = knowledge.torch_release(version)?;
        let claim = format!("torch {version} from PyPI brings CUDA {} (Linux x86_64)", row.cuda);
        // Another index may carry another build under the same number.
        let sure = view.standing == Standing::Observed || self.has_nvidia_wheels() || !self.has_other_index(view);
        Some((row.cuda.clone(), Some(Reason { claim, provenance }), sure))
    }

    /// The build that the index of a package is made for, or else that of all packages, where the addresses name just one
    /// (`.../whl/cu118`).
    #[must_use]
    pub fn build_of_index(&self, view: &PackageView) -> Option<Build> {
        match self.indexed(view) {
            Indexed::Build(build, _) => Some(build),
            Indexed::Nothing | Indexed::Unclear => None,
        }
    }

    /// Whether a package may come from another index than PyPI.
    #[must_use]
    pub fn has_other_index(&self, view: &PackageView) -> bool {
        !self.indexes().is_empty() || view.entries.iter().any(|entry| entry.package.index.is_some())
    }

    fn indexed_by_all(&self) -> Indexed {
        let indexes = self.indexes();
        let mut found = Indexed::Nothing;
        for seen in &indexes {
            let reach = if seen.value.only && indexes.len() == 1 { Reach::Only } else { Reach::Beside };
            found = match (build_of_url(&seen.value.url), found) {
                (None, found) => found,
                (Some(build), Indexed::Nothing) => Indexed::Build(build, reach),
                (Some(build), Indexed::Build(known, reach)) if known == build => Indexed::Build(known, reach),
                (Some(_), _) => Indexed::Unclear,
            };
        }
        found
    }

    /// What the indexes say about the build of a package: its own one, or those of all packages.
    fn indexed(&self, view: &PackageView) -> Indexed {
        let decides = |entry: &&Entry| entry.standing == view.standing && !entry.package.constraint;
        let mut own = view.entries.iter().filter(decides).map(|entry| match entry.package.index.as_deref() {
            None => Indexed::Nothing,
            Some(index) => match build_of_url(&index.url) {
                Some(build) => Indexed::Build(build, if index.only { Reach::Only } else { Reach::Beside }),
                // uv chooses the build by a driver or a value that nobody can tell from here.
                None if index.url.starts_with(TORCH_BACKEND) => Indexed::Unclear,
                None => Indexed::Nothing,
            },
        });
        let first = own.next().unwrap_or(Indexed::Nothing);
        // Several lines from several indexes: which of them counts is not known.
        let alike = own.all(|other| other == first);
        match (alike, first) {
            (true, Indexed::Nothing) => self.indexed_by_all(),
            (true, first) => first,
            (false, _) => Indexed::Unclear,
        }
    }

    fn has_nvidia_wheels(&self) -> bool {
        self.packages().any(|view| wheel_of_nvidia(view.name.as_str(), view.pin()).is_some())
    }

    /// Everything on this side that is tied to a cuDNN version. It is found once, too.
    #[must_use]
    pub fn cudnn_users(&self, knowledge: &Knowledge) -> &[CudnnUser] {
        self.cudnn_users.get_or_init(|| self.find_cudnn_users(knowledge))
    }

    /// What [`Environment::cudnn_users`] found: everything, once all rules were asked, and nothing before.
    #[must_use]
    pub fn found_cudnn_users(&self) -> &[CudnnUser] {
        self.cudnn_users.get().map_or(&[], Vec::as_slice)
    }

    fn find_cudnn_users(&self, knowledge: &Knowledge) -> Vec<CudnnUser> {
        let mut users = Vec::new();
        for view in self.packages() {
            let name = view.name.as_str();
            if !["nvidia-cudnn-cu", "torch", "jaxlib"].iter().any(|start| name.starts_with(start))
                && !knowledge.gpu_libraries.may_know(name)
            {
                continue;
            }
            if view.is_conda() {
                continue;
            }
            let mut push = |cudnn: CudnnVersion, how, reason| {
                let shown = format!("{name} {}", view.shown());
                users.push(CudnnUser { component: name.to_owned(), shown, cudnn, place: view.place(), how, reason });
            };
            if let Some((row, reason)) = libraries_of(view, knowledge) {
                let how = match row.origin {
                    Origin::System | Origin::SystemOrExtra => CudaUse::Loaded,
                };
                push(row.cudnn.clone(), how, Some(reason));
                continue;
            }
            let Some(version) = view.pin() else { continue };
            if name.starts_with("nvidia-cudnn-cu") {
                if let Ok(cudnn) = version.only_release().to_string().parse() {
                    push(cudnn, CudaUse::Wheel, None);
                }
            } else if name == "torch" {
                let from_pypi = !version.is_local() && self.target.os.as_deref().is_none_or(|os| os == "linux");
                let labelled = matches!(Build::of(version), Some(Build::Cuda(_)));
                if let Some((row, provenance)) = knowledge.torch_release(version).filter(|_| from_pypi || labelled)
                    && let Some(cudnn) = &row.cudnn
                {
                    // Other builds of a release bring the same cuDNN major, which is all that is used of it.
                    let cudnn = if labelled { cudnn.prefix(1) } else { cudnn.clone() };
                    let claim = format!("torch {} brings cuDNN {cudnn}", version.clone().without_local());
                    push(cudnn, CudaUse::Bundled, Some(Reason { claim, provenance }));
                }
            } else if name == "jaxlib"
                && let Some(cudnn) = jaxlib_label(version).and_then(|(_, cudnn)| cudnn)
            {
                push(cudnn, CudaUse::Loaded, None);
            }
        }
        for seen in self.cudnns() {
            users.push(CudnnUser {
                component: "cudnn".into(),
                shown: format!("cuDNN {}", seen.value),
                cudnn: seen.value.clone(),
                place: seen.place,
                how: CudaUse::System,
                reason: None,
            });
        }
        users
    }
}

/// The GPU libraries that every release loads which a requirement allows. The rows speak about PyPI's builds.
fn libraries_of<'k>(view: &PackageView, knowledge: &'k Knowledge) -> Option<(&'k GpuLibraries, Reason)> {
    let name = view.name.as_str();
    let (row, provenance) = match view.pin() {
        Some(version) if version.is_local() => return None,
        Some(version) => knowledge.gpu_libraries(name, version)?,
        None => knowledge.gpu_libraries_of_all(name, &view.versions)?,
    };
    let claim = format!("{name} {} on PyPI is built for CUDA {} and cuDNN {}", view.shown(), row.cuda, row.cudnn);
    Some((row, Reason { claim, provenance }))
}

/// What indexes say about a build.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Indexed {
    Nothing,
    Build(Build, Reach),
    Unclear,
}

/// Whether a package can come from elsewhere, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Only,
    Beside,
}

/// How the input layer names the index that `uv pip install --torch-backend` stands for.
const TORCH_BACKEND: &str = "torch-backend/";

/// The build that an address ends in: `.../whl/cu118`, `.../whl/cu113/torch_stable.html`.
fn build_of_url(url: &str) -> Option<Build> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let label = parts.next().filter(|last| last.strip_suffix(".html").is_none()).or_else(|| parts.next())?;
    match format!("1+{label}").parse().ok().and_then(|version| Build::of(&version))? {
        Build::Other(_) => None,
        build => Some(build),
    }
}

fn stated(component: String, shown: String, cuda: CudaVersion, place: Place) -> CudaUser {
    CudaUser { component, shown, cuda, place, how: CudaUse::Stated, reason: None, sure: true }
}

/// The CUDA version of an NVIDIA runtime wheel: by its own version where that is the toolkit's, else by its suffix.
fn wheel_of_nvidia(name: &str, version: Option<&Version>) -> Option<CudaVersion> {
    let of_version = |version: &Version| version.only_release().to_string().parse::<CudaVersion>().ok();
    match name {
        "nvidia-cuda-runtime-cu11"
        | "nvidia-cuda-runtime-cu12"
        | "nvidia-cuda-runtime-cu13"
        | "nvidia-cuda-runtime"
        | "cuda-toolkit" => {
            // The third part counts the component's builds, not the toolkit's updates.
            let cuda = version.and_then(of_version).map(|cuda| cuda.prefix(2)).filter(|cuda| cuda.major() >= 11);
            cuda.or_else(|| suffix(name))
        }
        _ if name.starts_with("nvidia-") => suffix(name),
        _ => None,
    }
}

/// The CUDA major of a TensorRT wheel, which has NVIDIA's wheels of the runtime installed: `tensorrt-cu12-libs`.
fn wheel_of_tensorrt(name: &str) -> Option<CudaVersion> {
    if !name.starts_with("tensorrt-") {
        return None;
    }
    suffix(name.strip_suffix("-libs").or_else(|| name.strip_suffix("-bindings")).unwrap_or(name))
}

fn suffix(name: &str) -> Option<CudaVersion> {
    let (_, digits) = name.rsplit_once("-cu")?;
    if digits.len() == 2 { digits.parse().ok() } else { cuda_of_digits(digits) }
}

/// CUDA and cuDNN in a label such as `cuda11.cudnn86` or `cuda12.cudnn89`.
fn jaxlib_label(version: &Version) -> Option<(Option<CudaVersion>, Option<CudnnVersion>)> {
    if !version.is_local() {
        return None;
    }
    let parts: Vec<String> = version.local().iter().map(ToString::to_string).collect();
    let digits = |prefix: &str| parts.iter().find_map(|part| part.strip_prefix(prefix).map(str::to_owned));
    let cuda = digits("cuda").and_then(|text| if text.len() == 2 { text.parse().ok() } else { cuda_of_digits(&text) });
    let cudnn = digits("cudnn").filter(|text| text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_digit()));
    let cudnn = cudnn.and_then(|text| format!("{}.{}", &text[..1], &text[1..]).parse().ok());
    Some((cuda, cudnn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_carry_cuda() {
        let version: Version = "12.1.105".parse().unwrap();
        let wheel = |name: &str| wheel_of_nvidia(name, Some(&version)).map(|cuda| cuda.to_string());
        assert_eq!(wheel("nvidia-cuda-runtime-cu12").as_deref(), Some("12.1"));
        assert_eq!(wheel("nvidia-cudnn-cu11").as_deref(), Some("11"));
        assert_eq!(wheel("nvidia-ml-py"), None);
        let tensorrt = |name: &str| wheel_of_tensorrt(name).map(|cuda| cuda.to_string());
        assert_eq!(tensorrt("tensorrt-cu12-libs").as_deref(), Some("12"));
        assert_eq!(tensorrt("tensorrt-cu13").as_deref(), Some("13"));
        assert_eq!(tensorrt("tensorrt"), None);
        assert_eq!(tensorrt("tensorrt-llm"), None);
        let (cuda, cudnn) = jaxlib_label(&"0.4.7+cuda11.cudnn86".parse().unwrap()).unwrap();
        assert_eq!((cuda.unwrap().to_string(), cudnn.unwrap().to_string()), ("11".into(), "8.6".into()));
    }

    #[test]
    fn addresses_of_indexes_name_builds() {
        let build = |url| match build_of_url(url) {
            Some(Build::Cuda(cuda)) => cuda.to_string(),
            Some(other) => format!("{other:?}"),
            None => "-".to_owned(),
        };
        for (url, expected) in [
            ("https://packages.example/whl/cu121", "12.1"),
            ("https://packages.example/whl/nightly/cu128/", "12.8"),
            ("https://packages.example/whl/cu113/torch_stable.html", "11.3"),
            ("https://packages.example/whl/torch_stable.html", "-"),
            ("https://packages.example/whl/cpu", "Cpu"),
            ("https://packages.example/simple", "-"),
            ("torch-backend/cu126", "12.6"),
            ("torch-backend/auto", "-"),
            ("", "-"),
        ] {
            assert_eq!(build(url), expected, "{url}");
        }
    }
}
