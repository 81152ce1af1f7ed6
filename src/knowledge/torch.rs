//! What torch builds bring along.

use super::{Knowledge, Provenance, Release, RowFault, in_run, run_fault};
use crate::version::{self, ComputeCapability, CudaVersion, CudnnVersion, Version};

rows! {
    /// The PyPI wheel of a torch release.
    pub struct TorchRelease {
        /// The release.
        pub version: Release,
        /// The CUDA runtime it uses.
        pub cuda: CudaVersion,
        /// The cuDNN it pins, where it pins one.
        pub cudnn: Option<CudnnVersion>,
        /// Whether it has the C++11 ABI, which extensions must share.
        pub cxx11_abi: Option<bool>,
        /// The wheel for Linux on aarch64 is built without CUDA.
        pub aarch64_cpu: Option<bool>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.version == built_in.version
        }
    }
}

rows! {
    /// GPU architectures in a build of a run of torch releases.
    pub struct TorchArchitecture {
        /// First release.
        pub first: Release,
        /// Last release, a prefix.
        pub last: Release,
        /// The build label, such as `cu121`.
        pub build: String,
        /// Capabilities with machine code in the build.
        pub capabilities: Vec<ComputeCapability>,
        /// Whether the build carries PTX as well; absent is unknown.
        pub ptx: Option<bool>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.first == built_in.first && self.last == built_in.last && self.build == built_in.build
        }

        fn fault(&self) -> Option<RowFault> {
            run_fault(&self.first, &self.last)
        }
    }
}

/// How a torch-like local label names its build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Build {
    /// No CUDA.
    Cpu,
    /// AMD.
    Rocm(String),
    /// CUDA of this version: `cu121` is 12.1.
    Cuda(CudaVersion),
    /// NVIDIA's own container build: `nv24.5`.
    Ngc(String),
    /// Another label.
    Other(String),
}

impl Build {
    /// Reads a local label; `None` without one.
    #[must_use]
    pub fn of(version: &Version) -> Option<Build> {
        if !version.is_local() {
            return None;
        }
        let label = version.local().iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let ngc = version.local().iter().map(ToString::to_string).any(|part| part.starts_with("nv") && part.len() > 2);
        let first = version.local().first().map(ToString::to_string).unwrap_or_default();
        Some(if first == "cpu" {
            Build::Cpu
        } else if first.starts_with("rocm") {
            Build::Rocm(label)
        } else if let Some(cuda) = first.strip_prefix("cu").and_then(cuda_of_digits) {
            Build::Cuda(cuda)
        } else if ngc {
            Build::Ngc(label)
        } else {
            Build::Other(label)
        })
    }
}

/// `121` is 12.1, `92` is 9.2, `130` is 13.0.
#[must_use]
pub fn cuda_of_digits(digits: &str) -> Option<CudaVersion> {
    if !(2..=3).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (major, minor) = digits.split_at(digits.len() - 1);
    format!("{major}.{minor}").parse().ok()
}

impl Knowledge {
    /// The PyPI wheel of exactly this release.
    #[must_use]
    pub fn torch_release(&self, version: &Version) -> Option<(&TorchRelease, Provenance)> {
        let table = &self.torch_release;
        let public = version::public(version);
        let row = table.rows_at(&public).find(|row| row.version.0 == public)?;
        Some((row, table.provenance(row)))
    }

    /// Build labels of a torch release, as far as they are known.
    #[must_use]
    pub fn torch_builds(&self, version: &Version) -> Vec<String> {
        let rows = self.torch_architecture.rows().iter().filter(|row| in_run(version, &row.first.0, &row.last.0));
        let mut labels: Vec<String> = rows.map(|row| row.build.clone()).collect();
        labels.sort();
        labels.dedup();
        labels
    }

    /// The newest torch release in the tables.
    #[must_use]
    pub fn newest_torch(&self) -> Option<&Release> {
        let table = &self.torch_release;
        table.farthest("").map(|row| &row.version).or_else(|| table.rows().iter().map(|row| &row.version).max())
    }

    /// The architectures in a build: of the release itself, else what every known release with this build label agrees on
    /// around it (for a pre-release between two releases).
    #[must_use]
    pub fn torch_architectures(&self, version: &Version, build: &str) -> Option<(&TorchArchitecture, Provenance)> {
        let table = &self.torch_architecture;
        let rows = || table.rows_of(build);
        let exact = rows()
            .filter(|row| in_run(version, &row.first.0, &row.last.0) && !version.any_prerelease())
            .max_by_key(|row| row.last.0.release().len());
        let row = match exact {
            Some(row) => row,
            // The nearest release below with the same label; architectures are added, and dropped only with the label.
            None => rows().filter(|row| row.first.0 <= *version).max_by(|a, b| a.first.cmp(&b.first))?,
        };
        Some((row, table.provenance(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Option<Build> {
        Build::of(&text.parse().unwrap())
    }

    #[test]
    fn labels_name_builds() {
        assert_eq!(build("2.3.1"), None);
        assert_eq!(build("2.3.1+cpu"), Some(Build::Cpu));
        assert_eq!(build("2.3.1+cu121"), Some(Build::Cuda("12.1".parse().unwrap())));
        assert_eq!(build("1.4.0+cu92"), Some(Build::Cuda("9.2".parse().unwrap())));
        assert_eq!(build("2.4.1+rocm6.1"), Some(Build::Rocm("rocm6.1".into())));
        assert!(matches!(build("2.4.0a0+07cecf4168.nv24.5"), Some(Build::Ngc(_))));
        assert_eq!(build("2.4.0+git1234"), Some(Build::Other("git1234".into())));
    }

    #[test]
    fn builds_know_their_architectures() {
        let knowledge = Knowledge::built_in();
        let top = |version: &str, build: &str| {
            let (row, _) = knowledge.torch_architectures(&version.parse().unwrap(), build)?;
            row.capabilities.iter().max().map(ToString::to_string)
        };
        assert_eq!(top("2.5.1+cu121", "cu121").as_deref(), Some("9.0"));
        assert_eq!(top("2.7.0.dev20250310+cu124", "cu124").as_deref(), Some("9.0"));
        assert_eq!(top("2.9.0+cu130", "cu130").as_deref(), Some("12.0"));
        assert_eq!(top("2.9.0+cu999", "cu999"), None);
    }
}
