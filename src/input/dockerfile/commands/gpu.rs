//! What the names and versions of NVIDIA's system packages say, in the words of NVIDIA's own repositories.
//!
//! Documentation: <https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#meta-packages>,
//! <https://docs.nvidia.com/deeplearning/cudnn/installation/latest/linux.html>

use crate::fact::{FactKind, Library};

/// Packages of the toolkit whose name ends in the version of CUDA.
const TOOLKIT: [&str; 17] = [
    "cuda", "cuda-toolkit", "cuda-runtime", "cuda-libraries", "cuda-libraries-dev", "cuda-cudart", "cuda-cudart-dev", "cuda-compiler",
    "cuda-nvcc", "cuda-minimal-build", "cuda-command-line-tools", "cuda-nvrtc", "cuda-nvrtc-dev", "cuda-nvml-dev", "cuda-nvtx",
    "cuda-driver-dev", "cuda-cupti",
];

/// What a package of the system is besides its name.
pub(super) fn said(name: &str, version: Option<&str>) -> Option<FactKind> {
    let number = version.map(leading);
    if let Some(python) = name.strip_prefix("python").filter(|it| it.contains('.')) {
        let python = python.trim_end_matches("-full").trim_end_matches("-minimal");
        return python.parse().ok().map(FactKind::Python);
    }
    if let Some(suffix) = name.strip_prefix("cuda-compat-") {
        dashed(suffix)?;
        return Some(FactKind::Library(Library {
            name: name.to_owned(),
            version: None,
            from: None,
            requires_libc: None,
            cuda: None,
        }));
    }
    if let Some((_, suffix)) = stem(name).filter(|(stem, _)| TOOLKIT.contains(stem)) {
        return dashed(suffix)?.parse().ok().map(FactKind::Cuda);
    }
    if matches!(name, "cuda" | "cuda-toolkit" | "cuda-runtime") {
        return number?.parse().ok().map(FactKind::Cuda);
    }
    let development = |it: &str| it.split("-cuda").next().unwrap_or(it).trim_end_matches("-dev").to_owned();
    let plain = development(name);
    let cudnn = plain.strip_prefix("libcudnn").or_else(|| plain.strip_prefix("cudnn"));
    if let Some(major) = cudnn.filter(|it| it.bytes().all(|it| it.is_ascii_digit())) {
        return number.filter(|it| !it.is_empty()).unwrap_or(major).parse().ok().map(FactKind::Cudnn);
    }
    if let Some(major) = plain.strip_prefix("libnvinfer").filter(|it| it.bytes().all(|it| it.is_ascii_digit())) {
        return number.filter(|it| !it.is_empty()).unwrap_or(major).parse().ok().map(FactKind::TensorRt);
    }
    if name == "tensorrt" {
        return number?.parse().ok().map(FactKind::TensorRt);
    }
    None
}

/// Whether a file is called like a package that says something here.
pub(super) fn is_interesting(file: &str) -> bool {
    ["cuda", "libcudnn", "cudnn", "libnvinfer", "nv-tensorrt", "python3"].iter().any(|it| file.starts_with(it))
        && !file.contains("keyring")
}

/// Splits `cuda-toolkit-12-4` before the version.
fn stem(name: &str) -> Option<(&str, &str)> {
    let at = name.match_indices('-').map(|(at, _)| at).find(|at| name[at + 1..].starts_with(|it: char| it.is_ascii_digit()))?;
    Some((&name[..at], &name[at + 1..]))
}

/// `12-4` as `12.4`.
fn dashed(text: &str) -> Option<String> {
    let good = text.bytes().all(|it| it.is_ascii_digit() || it == b'-') && text.starts_with(|it: char| it.is_ascii_digit());
    good.then(|| text.replace('-', "."))
}

/// The numbers at the beginning of a version such as `8.9.7.29-1+cuda12.2`.
fn leading(version: &str) -> &str {
    let end = version.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(version.len());
    version[..end].trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_they_say() {
        for (name, version, expected) in [
            ("cuda-toolkit-12-4", None, "cuda 12.4"),
            ("cuda-12-4", None, "cuda 12.4"),
            ("cuda-cudart-dev-11-8", Some("11.8.89-1"), "cuda 11.8"),
            ("cuda-toolkit", Some("12.4.1-1"), "cuda 12.4.1"),
            ("cuda-keyring", None, ""),
            ("cuda-drivers-535", None, ""),
            ("cuda-compat-12-4", None, "library cuda-compat-12-4"),
            ("libcudnn8", Some("8.9.7.29-1+cuda12.2"), "cudnn 8.9.7.29"),
            ("libcudnn9-cuda-12", None, "cudnn 9"),
            ("libcudnn9-dev-cuda-12", Some("9.1.0.70-1"), "cudnn 9.1.0.70"),
            ("cudnn9-cuda-12-4", None, "cudnn 9"),
            ("cudnn", None, ""),
            ("libnvinfer8", Some("8.6.1.6-1+cuda12.0"), "tensorrt 8.6.1.6"),
            ("libnvinfer10", None, "tensorrt 10"),
            ("libnvinfer-dev", Some("10.0.1.6-1+cuda12.4"), "tensorrt 10.0.1.6"),
            ("libnvinfer-plugin8", None, ""),
            ("tensorrt", Some("10.0.1.6-1+cuda12.4"), "tensorrt 10.0.1.6"),
            ("python3.11", None, "python 3.11"),
            ("python3.11-venv", None, ""),
            ("python3.11-full", None, "python 3.11"),
            ("python3", None, ""),
            ("nvidia-driver-535", None, ""),
            ("libgl1", None, ""),
        ] {
            let found = match said(name, version) {
                Some(FactKind::Cuda(it)) => format!("cuda {it}"),
                Some(FactKind::Cudnn(it)) => format!("cudnn {it}"),
                Some(FactKind::TensorRt(it)) => format!("tensorrt {it}"),
                Some(FactKind::Python(it)) => format!("python {it}"),
                Some(FactKind::Library(it)) => format!("library {}", it.name),
                _ => String::new(),
            };
            assert_eq!(found, expected, "{name}");
        }
    }
}
