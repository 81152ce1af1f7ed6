//! ONNX releases, operators and domains, and what ONNX Runtime releases accept.

use super::{Counts, Grounds, Knowledge, Provenance, Release, RowFault, in_run, run_covers, run_fault, runs_meet};
use crate::{
    fact::Insistence,
    version::{IrVersion, LibcVersion, Opset, TensorRtVersion, Version, VersionSet},
};

rows! {
    /// What a release of the onnx package writes.
    pub struct OnnxRelease {
        /// The release.
        pub version: Release,
        /// The IR version.
        pub ir: IrVersion,
        /// The default operator set.
        pub opset: Opset,
        /// The operator set of `ai.onnx.ml`.
        pub ml_opset: Opset,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.version == built_in.version
        }
    }
}

rows! {
    /// The operator set that an exporter writes by default.
    pub struct Exporter {
        /// The distribution.
        pub package: String,
        /// The first release.
        pub first: Release,
        /// The last release, a prefix.
        pub last: Release,
        /// The operator set of `ai.onnx`.
        pub opset: Opset,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            let own = (&self.first, &self.last);
            self.package == built_in.package && runs_meet(own, (&built_in.first, &built_in.last))
        }

        fn replaces(&self, built_in: &Self) -> bool {
            let own = (&self.first, &self.last);
            self.package == built_in.package && run_covers(own, (&built_in.first, &built_in.last))
        }

        fn fault(&self) -> Option<RowFault> {
            run_fault(&self.first, &self.last)
        }
    }
}

rows! {
    /// What a release of TensorRT parses.
    pub struct TensorRtParser {
        /// The release, a prefix.
        pub release: TensorRtVersion,
        /// The newest operator set of `ai.onnx`.
        pub opset: Opset,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.release == built_in.release
        }
    }
}

/// What an ONNX Runtime release does when NumPy 2 is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithNumpy2 {
    /// It works.
    Ok,
    /// The import fails.
    ImportError,
    /// The import works with a printed warning, the first inference ends the process.
    CrashAtRun,
}

rows! {
    /// What an ONNX Runtime release accepts.
    pub struct RuntimeRelease {
        /// The release.
        pub version: Release,
        /// Newest default operator set.
        pub opset: Option<Opset>,
        /// Newest operator set of `ai.onnx.ml`.
        pub ml_opset: Option<Opset>,
        /// Newest IR version.
        pub ir: Option<IrVersion>,
        /// Newest default operator set with kernels, where the check accepts more.
        pub usable_opset: Option<Opset>,
        /// With NumPy 2; absent is not tested.
        pub numpy2: Option<WithNumpy2>,
        /// Oldest glibc of its Linux wheel.
        pub glibc: LibcVersion,
        /// It refuses external data outside the folder of the model (recorded in `fixtures/onnx-load`).
        pub inside_only: Option<bool>,
        /// Rules that it insists on and some other releases do not (recorded in `fixtures/onnx-load`).
        pub insists: Option<Vec<Insistence>>,
        /// It checks neither operator set nor IR and answers as the newest one it knows.
        pub unchecked: Option<bool>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.version == built_in.version
        }

        fn arrange(rows: &mut [Self]) {
            // Questions go from release to release.
            rows.sort_by(|a, b| a.version.cmp(&b.version));
        }
    }
}

impl RuntimeRelease {
    /// Whether it insists on a rule that some other releases do not insist on.
    #[must_use]
    pub fn insists_on(&self, insistence: Insistence) -> bool {
        self.insists.as_ref().is_some_and(|all| all.contains(&insistence))
    }
}

rows! {
    /// An operator of an ONNX domain.
    pub struct Operator {
        /// The domain; the default one is `ai.onnx`.
        pub domain: String,
        /// The name.
        pub name: String,
        /// Operator sets at which its schema changed; the first is where it appears.
        pub since: Vec<i64>,
        /// The operator set that deprecates it.
        pub deprecated: Option<i64>,
        /// ONNX Runtime refuses the deprecated form.
        pub refused: Option<bool>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.domain == built_in.domain && self.name == built_in.name
        }
    }
}

rows! {
    /// An operator domain.
    pub struct Domain {
        /// Its name.
        pub name: String,
        /// What it is: standard, contrib, custom, exporter, internal, function, ...
        pub kind: String,
        /// Whether a plain ONNX Runtime loads nodes of it.
        pub loads: Option<bool>,
        /// Packages that provide it.
        pub packages: Option<Vec<String>>,
        /// Who provides it, in words.
        pub provided_by: String,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name
        }
    }
}

rows! {
    /// An operator that ONNX Runtime knows in the default domain beyond ONNX.
    pub struct RuntimeOperator {
        /// The name.
        pub name: String,
        /// First operator set.
        pub since: i64,
        /// Last operator set.
        pub last: Option<i64>,
        /// Whether the CPU provider computes it, if somebody tried.
        pub cpu: Option<bool>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name
        }
    }
}

impl Knowledge {
    /// The operator set that a release of an exporter writes by default.
    #[must_use]
    pub fn exported_opset(&self, package: &str, version: &Version) -> Option<(&Exporter, Provenance)> {
        let table = &self.exporter;
        let row = table.rows_of(package).find(|row| in_run(version, &row.first.0, &row.last.0))?;
        Some((row, table.provenance(row)))
    }

    /// The newest default operator set that a release of the onnx package knows.
    #[must_use]
    pub fn onnx_writes(&self, version: &Version) -> Option<Opset> {
        let rows = self.onnx_release.rows().iter().filter(|row| row.version.0 <= *version);
        rows.max_by(|a, b| a.version.cmp(&b.version)).map(|row| row.opset)
    }

    /// What a release of TensorRT parses.
    #[must_use]
    pub fn tensorrt_parser(&self, version: &TensorRtVersion) -> Option<(&TensorRtParser, Provenance)> {
        let table = &self.tensorrt_parser;
        let short = version.prefix(2);
        let row = table.rows().iter().find(|row| row.release == short)?;
        Some((row, table.provenance(row)))
    }

    /// The ONNX Runtime releases in a version set, oldest first.
    #[must_use]
    pub fn runtimes_within(&self, versions: &VersionSet) -> Vec<&RuntimeRelease> {
        let table = &self.onnxruntime_release;
        match versions.single() {
            Some(version) => table.rows_at(version).filter(|row| versions.contains(&row.version.0)).collect(),
            None => table.rows().iter().filter(|row| versions.contains(&row.version.0)).collect(),
        }
    }

    /// The newest known ONNX Runtime release.
    #[must_use]
    pub fn newest_runtime(&self) -> Option<&RuntimeRelease> {
        let table = &self.onnxruntime_release;
        table.farthest("").or_else(|| table.rows().iter().max_by(|a, b| a.version.cmp(&b.version)))
    }

    /// The oldest ONNX Runtime release that meets a condition and after which no release breaks it.
    #[must_use]
    pub fn first_runtime(&self, accepts: impl Fn(&RuntimeRelease) -> bool) -> Option<&RuntimeRelease> {
        let mut first = None;
        for row in self.onnxruntime_release.rows() {
            first = if accepts(row) { first.or(Some(row)) } else { None };
        }
        first
    }

    /// An operator's history.
    #[must_use]
    pub fn operator(&self, domain: &str, name: &str) -> Option<(&Operator, Provenance)> {
        let table = &self.onnx_operator;
        let row = table.rows_of(name).find(|row| row.domain == domain)?;
        Some((row, table.provenance(row)))
    }

    /// Whether the operator table covers a domain at all.
    #[must_use]
    pub fn covers_domain(&self, domain: &str) -> bool {
        self.onnx_operator.rows().iter().any(|row| row.domain == domain)
    }

    /// The newest operator set of a domain that the operator table knows.
    #[must_use]
    pub fn newest_opset(&self, domain: &str) -> Option<Opset> {
        let releases = self.onnx_release.rows();
        match domain {
            "ai.onnx" => releases.iter().map(|row| row.opset).max(),
            "ai.onnx.ml" => releases.iter().map(|row| row.ml_opset).max(),
            _ => None,
        }
    }

    /// Whether ONNX Runtime knows an operator in the default domain beyond ONNX.
    #[must_use]
    pub fn runtime_operator(&self, name: &str, opset: Opset) -> bool {
        let known = |row: &RuntimeOperator| row.since <= opset.0 && row.last.is_none_or(|last| opset.0 <= last);
        self.onnxruntime_operator.rows_of(name).any(known)
    }

    /// Who says that the CPU provider does not compute an operator that ONNX Runtime adds to the default domain.
    #[must_use]
    pub fn runtime_operator_off_cpu(&self, name: &str, opset: Opset) -> Option<Provenance> {
        let table = &self.onnxruntime_operator;
        let row =
            table.rows_of(name).find(|row| row.cpu == Some(false) && row.last.is_none_or(|last| opset.0 <= last))?;
        Some(table.provenance(row))
    }

    /// A domain.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<(&Domain, Provenance)> {
        let table = &self.onnx_domain;
        let row = table.rows_of(name).next()?;
        Some((row, table.provenance(row)))
    }

    /// Whether a domain row was measured.
    #[must_use]
    pub fn domain_is_measured(&self, provenance: &Provenance) -> bool {
        provenance.grounds == Grounds::Error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_never_fall_from_release_to_release() {
        let knowledge = Knowledge::built_in();
        for pair in knowledge.onnxruntime_release.rows().windows(2) {
            assert!(pair[0].version < pair[1].version, "{} before {}", pair[0].version, pair[1].version);
            assert!(pair[0].opset <= pair[1].opset && pair[0].ml_opset <= pair[1].ml_opset && pair[0].ir <= pair[1].ir);
        }
    }

    #[test]
    fn the_first_release_that_accepts_is_found() {
        let knowledge = Knowledge::built_in();
        let first = |ir: i64| {
            knowledge.first_runtime(|row| row.ir.is_some_and(|max| max.0 >= ir)).map(|row| row.version.to_string())
        };
        assert_eq!(first(9).as_deref(), Some("1.15.0"));
        assert_eq!(first(10).as_deref(), Some("1.18.0"));
        assert_eq!(first(99), None);
    }
}
