//! What is true in the world: tables of rows, each with the document or the measurement that says so.
//!
//! A table is one `.toml` beside one `.rs` with its row type and its questions. The build turns the TOML into lines
//! (`build/knowledge.rs`); a row is parsed when it is first asked for. What has no row is unknown, and the unknown is never an
//! error. `grounds` is the strongest severity that a row may cause on its own.

use serde::Deserialize;

use crate::version::{self, Version};

/// The strongest severity that a row may be the only ground of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grounds {
    /// Hearsay: worth a remark at most.
    Note,
    /// Documented, but disputed, derived or not re-read.
    Warning,
    /// Measured, or documented by the maker.
    Error,
}

impl Grounds {
    /// The word in the tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Grounds::Note => "note",
            Grounds::Warning => "warning",
            Grounds::Error => "error",
        }
    }
}

/// A row that the user added to the tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct OwnRow {
    /// The user's file, as it was named.
    pub path: String,
    /// The line of the row in it, from 1.
    pub line: usize,
    /// Why it stands in place of built-in rows, where it does.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overrides: Option<String>,
}

/// Who says so, where, and when that was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The document or the measurement.
    pub source: String,
    /// The place in it.
    pub locator: String,
    /// The day, as `YYYY-MM-DD`.
    pub checked: String,
    /// What it may cause.
    pub grounds: Grounds,
    /// Where the row stands, if it is the user's own.
    pub own: Option<OwnRow>,
}

impl Provenance {
    /// Whether the metadata of a release say so, which what is installed may repeat or correct.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        self.own.is_none() && self.locator.starts_with("Requires-Dist")
    }
}

/// A statement about the world with its witness: one link of the chain behind a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The statement in one sentence, lower case where it begins with a word.
    pub claim: String,
    /// Who says so.
    pub provenance: Provenance,
}

/// What holds for all rows of a table unless a row says otherwise.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// What the table holds, for a list of tables.
    pub about: String,
    /// See [`Provenance`].
    pub source: String,
    /// See [`Provenance`].
    pub locator: String,
    /// See [`Provenance`].
    pub checked: String,
    /// See [`Provenance`].
    pub grounds: Grounds,
}

/// Declares a row type with the provenance keys that every row may carry.
///
/// What follows in `impl { }` are methods of [`Row`]: what the user's own rows may override, and how they are checked.
macro_rules! rows {
    (
        $(#[$docs:meta])* pub struct $name:ident { $($(#[$field_docs:meta])* pub $field:ident: $kind:ty,)* }
        $(impl { $($item:tt)* })?
    ) => {
        $(#[$docs])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_docs])* pub $field: $kind,)*
            source: Option<String>,
            locator: Option<String>,
            checked: Option<String>,
            grounds: Option<$crate::knowledge::Grounds>,
            #[serde(skip)]
            of_user: Option<std::sync::Arc<$crate::knowledge::Origin>>,
        }

        impl $crate::knowledge::Row for $name {
            const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];

            $($($item)*)?

            fn adopt(&mut self, origin: $crate::knowledge::Origin) {
                self.source = Some(origin.witness.source.clone());
                self.locator = Some(origin.witness.locator.clone());
                self.checked = Some(origin.witness.checked.clone());
                self.grounds = Some(origin.witness.grounds);
                self.of_user = Some(std::sync::Arc::new(origin));
            }

            fn own(&self) -> $crate::knowledge::OwnProvenance<'_> {
                $crate::knowledge::OwnProvenance {
                    source: self.source.as_deref(),
                    locator: self.locator.as_deref(),
                    checked: self.checked.as_deref(),
                    grounds: self.grounds,
                    origin: self.of_user.as_deref(),
                }
            }
        }
    };
}

/// Declares the tables: to add one is to add one line.
macro_rules! tables {
    ($($table:ident: $module:ident::$row:ident,)*) => {
        /// Everything that envcheck knows.
        pub struct Knowledge {
            $(#[doc = concat!("The table `", stringify!($table), ".toml`.")] pub $table: Table<$module::$row>,)*
        }

        impl Knowledge {
            /// The knowledge that the program carries.
            #[must_use]
            pub const fn built_in() -> Self {
                Knowledge {
                    $($table: Table::new(stringify!($table),
                        include_str!(concat!(env!("OUT_DIR"), "/", stringify!($table), ".rows")),
                        {
                            static INDEX: &[table::IndexEntry] = include!(concat!(env!("OUT_DIR"), "/", stringify!($table), ".index"));
                            INDEX
                        },
                        {
                            static FILTER: &[u64] = include!(concat!(env!("OUT_DIR"), "/", stringify!($table), ".filter"));
                            FILTER
                        },
                    ),)*
                }
            }

            /// All tables, in the order of the registry.
            #[must_use]
            pub fn tables(&self) -> Vec<&dyn AnyTable> {
                vec![$(&self.$table),*]
            }

            /// All tables, to add rows to them.
            fn tables_mut(&mut self) -> Vec<&mut dyn AnyTable> {
                vec![$(&mut self.$table),*]
            }
        }
    };
}

mod any_table;
pub mod artifact;
pub mod artifact_break;
pub mod change;
pub mod cuda;
pub mod gpu;
mod hash;
pub mod image;
pub mod kernel;
pub mod onnx;
mod own;
pub mod packages;
mod table;
pub mod torch;

pub use any_table::{AnyTable, Draft, DraftFault};
pub use own::OwnFault;
pub use table::{Counts, Origin, OwnProvenance, Row, RowFault, Table};

tables! {
    artifact: artifact::ArtifactPromise,
    artifact_break: artifact_break::ArtifactBreak,
    change: change::Change,
    collision: packages::Collision,
    cuda_driver: cuda::ToolkitDriver,
    cuda_minor: cuda::MinorFloor,
    distribution: image::Distribution,
    driver_branch: cuda::DriverBranch,
    exporter: onnx::Exporter,
    extension_cuda: packages::ExtensionCuda,
    forward_compat: cuda::ForwardCompat,
    gpu: gpu::GpuModel,
    gpu_architecture: gpu::Architecture,
    gpu_libraries: packages::GpuLibraries,
    image: image::ImageShips,
    image_condition: image::ImageCondition,
    image_tag: image::ImageTags,
    instance_gpu: image::InstanceGpu,
    library_cuda: cuda::LibraryCuda,
    minimum_capability: gpu::MinimumCapability,
    needs: packages::Need,
    numpy_abi: packages::NumpyAbi,
    onnx_domain: onnx::Domain,
    onnx_operator: onnx::Operator,
    onnx_release: onnx::OnnxRelease,
    onnxruntime_element: kernel::ElementType,
    onnxruntime_kernel: kernel::Kernel,
    onnxruntime_operator: onnx::RuntimeOperator,
    onnxruntime_release: onnx::RuntimeRelease,
    package_role: packages::PackageRole,
    statement: artifact::Statement,
    system_library: image::SystemLibrary,
    tensorrt_parser: onnx::TensorRtParser,
    toolkit_capability: gpu::ToolkitCapability,
    torch_architecture: torch::TorchArchitecture,
    torch_release: torch::TorchRelease,
    wheel_libc: packages::WheelLibc,
    wheel_platform: packages::WheelPlatform,
    wheel_python: packages::WheelPython,
}

/// The day on which the built-in knowledge was last checked as a whole.
pub const KNOWLEDGE_DATE: &str = "2026-11-23";

/// The number of built-in rows, counted when the program was built.
pub const KNOWLEDGE_ROWS: &str = env!("ENVCHECK_KNOWLEDGE_ROWS");

/// A release number in a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub Version);

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map(Release).map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&version::text(&self.0))
    }
}

/// Whether a version lies between two releases, the upper one taken as a prefix (`8.9` includes `8.9.7`).
#[must_use]
pub fn in_run(version: &Version, first: &Version, last: &Version) -> bool {
    let parts = version.release();
    let prefix = &parts[..parts.len().min(last.release().len())];
    compare_parts(prefix, last.release()).is_le() && compare_parts(parts, first.release()).is_ge()
}

/// Whether two runs of releases, as in [`in_run`], have a release in common.
fn runs_meet(a: (&Release, &Release), b: (&Release, &Release)) -> bool {
    in_run(&b.0.0, &a.0.0, &a.1.0) || in_run(&a.0.0, &b.0.0, &b.1.0)
}

/// Whether one run of releases holds all of another.
fn run_covers(a: (&Release, &Release), b: (&Release, &Release)) -> bool {
    in_run(&b.0.0, &a.0.0, &a.1.0) && in_run(&b.1.0, &a.0.0, &a.1.0)
}

/// What is wrong with a run of releases.
fn run_fault(first: &Release, last: &Release) -> Option<RowFault> {
    (first > last && !in_run(&first.0, &first.0, &last.0))
        .then(|| RowFault::new("last", format!("expected a release from {first} on, found {last}")))
}

/// What is wrong with the name of a distribution.
fn name_fault(key: &'static str, name: &str) -> Option<RowFault> {
    match crate::fact::PackageName::new(name) {
        Ok(normal) if normal.as_str() == name => None,
        Ok(normal) => Some(RowFault::new(key, format!("expected the normalised name `{normal}`, found `{name}`"))),
        Err(fault) => Some(RowFault::new(key, fault.to_string())),
    }
}

/// Compares release numbers; parts that are not written are zero.
fn compare_parts(a: &[u64], b: &[u64]) -> std::cmp::Ordering {
    let part = |parts: &[u64], at: usize| parts.get(at).copied().unwrap_or(0);
    (0..a.len().max(b.len()))
        .map(|at| part(a, at).cmp(&part(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_of_every_table_has_a_witness() {
        let knowledge = Knowledge::built_in();
        for table in knowledge.tables() {
            let header = table.header();
            assert!(!header.about.is_empty(), "{}: about", table.name());
            let rows = table.plain();
            assert!(!rows.is_empty(), "{} has no rows", table.name());
            let mut seen = BTreeSet::new();
            for (values, provenance) in rows {
                let row = serde_json::to_string(&values).unwrap();
                assert!(provenance.source.len() > 3, "{}: {row}: source", table.name());
                assert!(provenance.locator.len() > 3, "{}: {row}: locator", table.name());
                let date: Vec<&str> = provenance.checked.split('-').collect();
                let lengths: Vec<usize> = date.iter().map(|part| part.len()).collect();
                assert_eq!(lengths, [4, 2, 2], "{}: {row}: checked", table.name());
                assert!(provenance.checked.as_str() <= KNOWLEDGE_DATE, "{}: {row}: from the future", table.name());
                assert!(seen.insert(row.clone()), "{}: {row} stands twice", table.name());
            }
        }
    }

    #[test]
    fn every_toml_file_is_a_table() {
        let knowledge = Knowledge::built_in();
        let names: BTreeSet<String> = knowledge.tables().iter().map(|table| table.name().to_owned()).collect();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/knowledge");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .collect();
        assert_eq!(names, files);
    }

    #[test]
    fn keys_of_releases_agree_with_those_of_the_build() {
        let knowledge = Knowledge::built_in();
        let mut keyed = 0;
        for (at, (.., first, last)) in knowledge.needs.index.iter().enumerate() {
            match knowledge.needs.row(at).release.one().map(table::key_of) {
                Some(Some(key)) => {
                    assert_eq!((*first, *last), (key, key));
                    keyed += 1;
                }
                Some(None) | None => assert_eq!((*first, *last), (0, u64::MAX)),
            }
        }
        assert!(keyed > 1000);
        let key = |text: &str| table::key_of(&text.parse().unwrap());
        assert_eq!(key("2.1"), key("2.1.0"));
        assert!(key("2.1") < key("2.10"));
        assert_ne!(key("2.1"), key("0.2.1"));
        for text in ["2.1rc1", "2.1.post1", "2.1+cu121", "1!2.1", "1.2.3.4.5", "20230101.1"] {
            assert_eq!(key(text), None, "{text}");
        }
    }

    #[test]
    fn the_index_finds_every_run_that_holds_a_release() {
        let knowledge = Knowledge::built_in();
        let table = &knowledge.wheel_python;
        for row in table.rows() {
            for release in [&row.first.0, &row.last.0] {
                let all: Vec<_> =
                    table.rows_of(&row.package).filter(|row| in_run(release, &row.first.0, &row.last.0)).collect();
                let quick =
                    table.rows_over(&row.package, release).filter(|row| in_run(release, &row.first.0, &row.last.0));
                assert!(
                    !all.is_empty() && all.into_iter().map(|row| &row.first).eq(quick.map(|row| &row.first)),
                    "{} {release}",
                    row.package
                );
            }
            let newest = table.rows_of(&row.package).map(|row| &row.last).max();
            assert_eq!(table.farthest(&row.package).map(|row| &row.last), newest, "{}", row.package);
        }
        for row in knowledge.gpu_libraries.rows() {
            for release in (0..4).flat_map(|major| (0..40).map(move |minor| Version::new([major, minor, 1]))) {
                let mut all = knowledge.gpu_libraries.rows_of(&row.package);
                let found = knowledge.gpu_libraries(&row.package, &release).map(|(row, _)| &row.cuda);
                assert_eq!(found, all.find(|row| row.releases.contains(&release)).map(|row| &row.cuda), "{release}");
            }
        }
        for row in knowledge.change.rows() {
            for other in knowledge.change.rows_of(&row.package) {
                let ends = [&row.old.0, &row.new.0, &other.old.0, &other.new.0];
                for (from, to) in ends.into_iter().flat_map(|from| ends.map(|to| (from, to))) {
                    let all = knowledge.change.rows_of(&row.package).filter(|row| row.crossed(from, to)).count();
                    assert_eq!(
                        knowledge.changes_between(&row.package, from, to).len(),
                        all,
                        "{} {from} {to}",
                        row.package
                    );
                }
            }
        }
        for name in ["no-such-package", "", "numpy-", "torch2"] {
            assert_eq!(table.rows_of(name).count(), 0, "{name}");
        }
    }

    #[test]
    fn rows_are_found_by_a_value_that_they_hold() {
        let knowledge = Knowledge::built_in();
        let table = &knowledge.artifact_break;
        let texts: Vec<&str> = table.texts().collect();
        assert_eq!(table.rows_with("no-such-format").len(), 0);
        let of = |value: &str| table.rows_with(value).into_iter().map(|row| row.claim.clone()).collect::<Vec<_>>();
        let found: Vec<_> =
            ["pickle", "onnx", "xgboost", "scikit-learn"].into_iter().map(|value| (value, of(value))).collect();
        assert_eq!(table.rows().len(), texts.len());
        for (value, found) in found {
            let holds = |row: &&artifact_break::ArtifactBreak| {
                row.producer == value || row.formats.iter().any(|it| it == value)
            };
            for row in table.rows().iter().filter(holds) {
                assert!(found.contains(&row.claim), "{value}: {}", row.claim);
            }
        }
    }

    #[test]
    fn upper_ends_are_prefixes() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(in_run(&version("2.5.1+cu121"), &version("2.4"), &version("2.5")));
        assert!(!in_run(&version("2.6.0"), &version("2.4"), &version("2.5")));
        assert!(!in_run(&version("2.3.9"), &version("2.4"), &version("2.5")));
        assert!(in_run(&version("8.9.7"), &version("8.8"), &version("8.9")));
    }
}
