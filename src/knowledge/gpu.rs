//! GPU models, their compute capability, and what drives and compiles for it.

use super::{Grounds, Knowledge, Provenance, Release, RowFault, in_run, run_covers, run_fault, runs_meet};
use crate::version::{ComputeCapability, CudaVersion, Version};

/// What kind of product a GPU is: forward compatibility is for data centers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuKind {
    /// For servers.
    DataCenter,
    /// For workstations (Quadro, RTX A, RTX PRO, TITAN).
    Workstation,
    /// For players.
    Geforce,
    /// A system on a chip.
    Jetson,
}

rows! {
    /// A GPU model.
    pub struct GpuModel {
        /// The short name that configurations use, such as `A100`.
        pub model: String,
        /// The compute capability.
        pub capability: ComputeCapability,
        /// The kind of product.
        pub kind: GpuKind,
        /// Product names as nvidia-smi prints them.
        pub names: Vec<String>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.model.eq_ignore_ascii_case(&built_in.model)
        }
    }
}

rows! {
    /// A GPU architecture and the drivers for it.
    pub struct Architecture {
        /// Its name.
        pub name: String,
        /// Its compute capabilities.
        pub capabilities: Vec<ComputeCapability>,
        /// The last driver branch that supports it; absent while it is supported.
        pub last_driver_branch: Option<u32>,
        /// A lower bound of the first driver branch.
        pub first_driver_branch: Option<u32>,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            self.name == built_in.name || self.capabilities.iter().any(|it| built_in.capabilities.contains(it))
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name
        }
    }
}

rows! {
    /// What a run of CUDA toolkits can compile for.
    pub struct ToolkitCapability {
        /// First toolkit.
        pub first: CudaVersion,
        /// Last toolkit, a prefix.
        pub last: CudaVersion,
        /// Smallest capability.
        pub min: ComputeCapability,
        /// Greatest capability.
        pub max: ComputeCapability,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            self.first <= built_in.last && built_in.first <= self.last
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.first == built_in.first && self.last == built_in.last
        }
    }
}

rows! {
    /// The lowest compute capability of a run of releases.
    pub struct MinimumCapability {
        /// `cudnn`, `tensorrt` or `triton`.
        pub name: String,
        /// The first release.
        pub first: Release,
        /// The last release, a prefix.
        pub last: Release,
        /// The lowest capability.
        pub capability: ComputeCapability,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            let own = (&self.first, &self.last);
            self.name == built_in.name && runs_meet(own, (&built_in.first, &built_in.last))
        }

        fn replaces(&self, built_in: &Self) -> bool {
            let own = (&self.first, &self.last);
            self.name == built_in.name && run_covers(own, (&built_in.first, &built_in.last))
        }

        fn fault(&self) -> Option<RowFault> {
            run_fault(&self.first, &self.last)
        }
    }
}

impl Knowledge {
    /// The lowest compute capability that a release supports.
    #[must_use]
    pub fn minimum_capability(&self, name: &str, version: &Version) -> Option<(&MinimumCapability, Provenance)> {
        let table = &self.minimum_capability;
        let row = table.rows_of(name).find(|row| in_run(version, &row.first.0, &row.last.0))?;
        Some((row, table.provenance(row)))
    }

    /// The last release of a component that is known to support a compute capability, as a prefix.
    #[must_use]
    pub fn last_for_capability(&self, name: &str, capability: ComputeCapability) -> Option<&Release> {
        let fits = |row: &&MinimumCapability| row.capability <= capability;
        self.minimum_capability.rows_of(name).filter(fits).map(|row| &row.last).max()
    }

    /// The models that a name may mean: one, or several of different capability if the tool cut the name off.
    ///
    /// Names are compared without the words `NVIDIA`, `Tesla`, `GeForce`, without case, and with `-` as a blank.
    #[must_use]
    pub fn gpu_models(&self, name: &str, truncated: bool) -> Vec<&GpuModel> {
        let wanted: Vec<&str> = words(name).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let cut = if truncated { plain(name) } else { String::new() };
        let matches = |candidate: &str| {
            if truncated { plain(candidate).starts_with(&cut) } else { same_words(candidate, &wanted) }
        };
        let longest = wanted.iter().copied().max_by_key(|word| word.len()).unwrap_or_default();
        let exact: Vec<&GpuModel> = self
            .gpu
            .rows_holding(if truncated { "" } else { longest })
            .into_iter()
            .filter(|row| matches(&row.model) || row.names.iter().any(|name| matches(name)))
            .collect();
        if !exact.is_empty() || truncated {
            return exact;
        }
        // `NVIDIA A100-SXM4-40GB MIG 1g.5gb`, `NVIDIA GeForce RTX 3050 Ti Laptop GPU`: the longest model that begins the name
        // as whole words. A suffix such as `Ti` or `SUPER` is a part of the model, so an unlisted one finds nothing.
        let variant = |word: &str| VARIANTS.iter().any(|variant| variant.eq_ignore_ascii_case(word));
        let mut best: Option<(usize, &GpuModel)> = None;
        for row in self.gpu.rows() {
            let length = words(&row.model).count();
            let begins = wanted.len() > length && same_words(&row.model, &wanted[..length]);
            if begins && !variant(wanted[length]) && best.is_none_or(|(longest, _)| length > longest) {
                best = Some((length, row));
            }
        }
        best.map(|(_, row)| row).into_iter().collect()
    }

    /// The compute capability that a name stands for, if all models it may mean agree.
    #[must_use]
    pub fn capability_of(&self, name: &str, truncated: bool) -> Option<(ComputeCapability, Provenance)> {
        self.capability_of_all(&self.gpu_models(name, truncated))
    }

    /// The compute capability of models, if they agree.
    #[must_use]
    pub fn capability_of_all(&self, models: &[&GpuModel]) -> Option<(ComputeCapability, Provenance)> {
        let first = models.first()?;
        let agree = models.iter().all(|row| row.capability == first.capability);
        agree.then(|| (first.capability, self.gpu.provenance(first)))
    }

    /// The architecture of a compute capability.
    #[must_use]
    pub fn architecture_of(&self, capability: ComputeCapability) -> Option<(&Architecture, Provenance)> {
        let table = &self.gpu_architecture;
        let row = table.rows().iter().find(|row| row.capabilities.contains(&capability))?;
        Some((row, table.provenance(row)))
    }

    /// The capabilities that a CUDA version knows. A version without its minor is unknown.
    #[must_use]
    pub fn toolkit_capabilities(&self, cuda: &CudaVersion) -> Option<(&ToolkitCapability, Provenance)> {
        cuda.minor()?;
        let table = &self.toolkit_capability;
        let short = cuda.prefix(2);
        let row = table.rows().iter().find(|row| row.first <= short && short <= row.last)?;
        Some((row, table.provenance(row)))
    }

    /// Whether everything that is known about the name may ground an error.
    #[must_use]
    pub fn capability_is_sure(&self, provenance: &Provenance) -> bool {
        provenance.grounds == Grounds::Error
    }
}

/// Words that make another model of a name.
const VARIANTS: [&str; 8] = ["ti", "super", "d", "s", "gre", "v2", "ada", "blackwell"];

/// The words that tell models apart.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|character: char| character.is_whitespace() || matches!(character, '-' | '_'));
    parts.filter(|word| !word.is_empty() && !BRANDS.iter().any(|brand| brand.eq_ignore_ascii_case(word)))
}

const BRANDS: [&str; 3] = ["nvidia", "tesla", "geforce"];

fn same_words(candidate: &str, wanted: &[&str]) -> bool {
    let mut rest = wanted.iter();
    words(candidate).all(|word| rest.next().is_some_and(|other| other.eq_ignore_ascii_case(word)))
        && rest.next().is_none()
}

fn plain(name: &str) -> String {
    words(name).collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capability(name: &str, truncated: bool) -> Option<String> {
        Knowledge::built_in().capability_of(name, truncated).map(|(capability, _)| capability.to_string())
    }

    #[test]
    fn product_names_short_names_and_cut_names_are_known() {
        for (name, expected) in [
            ("NVIDIA A100-SXM4-80GB", "8.0"),
            ("A100", "8.0"),
            ("Tesla T4", "7.5"),
            ("NVIDIA-H100-80GB-HBM3", "9.0"),
            ("GeForce RTX 2080 Ti", "7.5"),
            ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "8.0"),
            ("NVIDIA A10G", "8.6"),
            ("Quadro P6000", ""),
            ("NVIDIA GeForce RTX 3080 Laptop GPU", "8.6"),
            ("NVIDIA GeForce RTX 3050 Ti Laptop GPU", ""),
            ("NVIDIA Z9000", ""),
        ] {
            assert_eq!(capability(name, false).unwrap_or_default(), expected, "{name}");
        }
        assert_eq!(capability("Tesla V100-SXM2", true).as_deref(), Some("7.0"));
        assert_eq!(capability("NVIDIA A100-SXM", true).as_deref(), Some("8.0"));
        // `NVIDIA GeForce ...` may be anything.
        assert_eq!(capability("NVIDIA GeForce", true), None);
    }

    #[test]
    fn toolkits_know_a_range_of_capabilities() {
        let knowledge = Knowledge::built_in();
        let max =
            |cuda: &str| knowledge.toolkit_capabilities(&cuda.parse().unwrap()).map(|(row, _)| row.max.to_string());
        assert_eq!(max("12.4.1").as_deref(), Some("9.0"));
        assert_eq!(max("12.8").as_deref(), Some("12.0"));
        assert_eq!(max("12"), None);
        assert_eq!(max("14.0"), None);
    }
}
