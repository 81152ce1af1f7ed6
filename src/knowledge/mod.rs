//! What is true in the world: tables of rows, each with the document or the measurement that says so.
//!
//! A table is one `.toml` beside one `.rs` with its row type and its questions. The build turns the TOML into lines
//! (`build.rs`); a row is parsed when it is first asked for. What has no row is unknown, and the unknown is never an
//! error. `grounds` is the strongest severity that a row may cause on its own.

use std::sync::OnceLock;

use serde::{Deserialize, de::DeserializeOwned};

use crate::version::Version;

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

/// A row type: what the macro `rows!` makes.
pub trait Row: DeserializeOwned + 'static {
    /// The row's own provenance, where it differs from the table's.
    fn own(&self) -> OwnProvenance<'_>;
}

/// The provenance keys that a row may carry itself.
#[derive(Debug, Clone, Copy)]
pub struct OwnProvenance<'a> {
    source: Option<&'a str>,
    locator: Option<&'a str>,
    checked: Option<&'a str>,
    grounds: Option<Grounds>,
}

/// A table whose rows are parsed when they are first asked for.
pub struct Table<R: Row> {
    /// The name of its file.
    pub name: &'static str,
    lines: &'static str,
    index: &'static [IndexEntry],
    header: OnceLock<Header>,
    rows: OnceLock<Vec<R>>,
    named: OnceLock<Vec<OnceLock<Box<R>>>>,
}

/// The hash of a name; where in the lines the name stands, from and to, and where its row does; then the key of the one
/// release that the row is about, or 0. Sorted by hash, then as in the file.
type IndexEntry = (u64, [u32; 4], u64);

/// The hash of a name in the index (FNV-1a). `build.rs` has the same.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The key of a release, the same for all its spellings; 0 for what is more than a few small numbers.
///
/// `build.rs` gives the rows theirs.
fn release_key(version: &Version) -> u64 {
    let parts = version.release();
    let used = parts.len() - parts.iter().rev().take_while(|part| **part == 0).count();
    let plain = !version.any_prerelease() && !version.is_post() && !version.is_local() && version.epoch() == 0;
    if !plain || used > 4 || parts.iter().any(|part| *part > 0xffff) {
        return 0;
    }
    (0..4).fold(0, |key, at| key << 16 | parts[..used].get(at).copied().unwrap_or(0))
}

impl<R: Row> Table<R> {
    const fn new(name: &'static str, lines: &'static str, index: &'static [IndexEntry]) -> Self {
        Table { name, lines, index, header: OnceLock::new(), rows: OnceLock::new(), named: OnceLock::new() }
    }

    /// The tables are part of the program, and a test parses every row.
    fn parse<T: DeserializeOwned>(&self, json: &str) -> T {
        serde_json::from_str(json).unwrap_or_else(|fault| panic!("knowledge table {}: {fault}: {json}", self.name))
    }

    /// The JSON of every row.
    fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.lines.split('\n').skip(1)
    }

    /// All rows, in file order.
    pub fn rows(&self) -> &[R] {
        self.rows.get_or_init(|| self.texts().map(|json| self.parse(json)).collect())
    }

    /// The rows of one package (or of what else the table is about), in file order. No other row is parsed.
    pub fn rows_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &R> {
        self.indexed(name).map(|at| self.row(at))
    }

    /// Those rows of one package that may be about a release: without rows that surely name another one.
    pub fn rows_about<'a>(
        &'a self,
        name: &str,
        release: &Version,
    ) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, R> {
        let key = release_key(release);
        let may = move |at: &usize| key == 0 || self.index[*at].2 == 0 || self.index[*at].2 == key;
        self.indexed(name).filter(may).map(|at| self.row(at))
    }

    /// Where in the index the rows of one package stand.
    fn indexed(&self, name: &str) -> std::ops::Range<usize> {
        let hash = name_hash(name);
        let start = self.index.partition_point(|entry| entry.0 < hash);
        let Some((_, [from, to, ..], _)) = self.index.get(start).filter(|entry| entry.0 == hash) else { return 0..0 };
        // Two names of one table never share a hash, but a name that is in no table may.
        if &self.lines[*from as usize..*to as usize] != name {
            return 0..0;
        }
        start..start + self.index[start..].partition_point(|entry| entry.0 == hash)
    }

    fn row(&self, at: usize) -> &R {
        let named = self.named.get_or_init(|| self.index.iter().map(|_| OnceLock::new()).collect());
        named[at].get_or_init(|| {
            let (_, [_, _, from, to], _) = self.index[at];
            Box::new(self.parse(&self.lines[from as usize..to as usize]))
        })
    }

    /// What holds for the whole table.
    pub fn header(&self) -> &Header {
        self.header.get_or_init(|| self.parse(self.lines.split('\n').next().unwrap_or_default()))
    }

    /// Who says what a row says.
    pub fn provenance(&self, row: &R) -> Provenance {
        let (header, own) = (self.header(), row.own());
        Provenance {
            source: own.source.unwrap_or(&header.source).to_owned(),
            locator: own.locator.unwrap_or(&header.locator).to_owned(),
            checked: own.checked.unwrap_or(&header.checked).to_owned(),
            grounds: own.grounds.unwrap_or(header.grounds),
        }
    }
}

/// A table without its row type, to list all of them.
pub trait AnyTable {
    /// The name of its file.
    fn name(&self) -> &'static str;
    /// What holds for all its rows.
    fn header(&self) -> &Header;
    /// The rows as plain data, each with its provenance.
    fn plain(&self) -> Vec<(serde_json::Map<String, serde_json::Value>, Provenance)>;
}

impl<R: Row> AnyTable for Table<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn header(&self) -> &Header {
        self.header()
    }

    fn plain(&self) -> Vec<(serde_json::Map<String, serde_json::Value>, Provenance)> {
        self.texts()
            .map(|json| self.parse::<serde_json::Map<String, serde_json::Value>>(json))
            .zip(self.rows())
            .map(|(mut values, row)| {
                for key in ["source", "locator", "checked", "grounds"] {
                    values.remove(key);
                }
                (values, self.provenance(row))
            })
            .collect()
    }
}

/// Declares a row type with the provenance keys that every row may carry.
macro_rules! rows {
    ($(#[$docs:meta])* pub struct $name:ident { $($(#[$field_docs:meta])* pub $field:ident: $kind:ty,)* }) => {
        $(#[$docs])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_docs])* pub $field: $kind,)*
            source: Option<String>,
            locator: Option<String>,
            checked: Option<String>,
            grounds: Option<$crate::knowledge::Grounds>,
        }

        impl $crate::knowledge::Row for $name {
            fn own(&self) -> $crate::knowledge::OwnProvenance<'_> {
                $crate::knowledge::OwnProvenance {
                    source: self.source.as_deref(),
                    locator: self.locator.as_deref(),
                    checked: self.checked.as_deref(),
                    grounds: self.grounds,
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
                            static INDEX: &[IndexEntry] = include!(concat!(env!("OUT_DIR"), "/", stringify!($table), ".index"));
                            INDEX
                        },
                    ),)*
                }
            }

            /// All tables, in the order of the registry.
            #[must_use]
            pub fn tables(&self) -> Vec<&dyn AnyTable> {
                vec![$(&self.$table),*]
            }
        }
    };
}

pub mod artifact;
pub mod artifact_break;
pub mod change;
pub mod cuda;
pub mod gpu;
pub mod image;
pub mod onnx;
pub mod packages;
pub mod torch;

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
    forward_compat: cuda::ForwardCompat,
    gpu: gpu::GpuModel,
    gpu_architecture: gpu::Architecture,
    gpu_libraries: packages::GpuLibraries,
    image: image::ImageShips,
    image_condition: image::ImageCondition,
    instance_gpu: image::InstanceGpu,
    minimum_capability: gpu::MinimumCapability,
    needs: packages::Need,
    numpy_abi: packages::NumpyAbi,
    onnx_domain: onnx::Domain,
    onnx_operator: onnx::Operator,
    onnx_release: onnx::OnnxRelease,
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
    wheel_python: packages::WheelPython,
}

/// The day on which the built-in knowledge was last checked as a whole.
pub const KNOWLEDGE_DATE: &str = "2026-11-22";

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
        self.0.fmt(f)
    }
}

/// Whether a version lies between two releases, the upper one taken as a prefix (`8.9` includes `8.9.7`).
#[must_use]
pub fn in_run(version: &Version, first: &Version, last: &Version) -> bool {
    let parts = version.release();
    let prefix = &parts[..parts.len().min(last.release().len())];
    compare_parts(prefix, last.release()).is_le() && compare_parts(parts, first.release()).is_ge()
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
        for (at, (_, _, key)) in knowledge.needs.index.iter().enumerate() {
            if let Some(release) = knowledge.needs.row(at).release.one() {
                assert_eq!(*key, release_key(release), "{release}");
                keyed += usize::from(*key != 0);
            } else {
                assert_eq!(*key, 0);
            }
        }
        assert!(keyed > 1000);
        let key = |text: &str| release_key(&text.parse().unwrap());
        assert_eq!(key("2.1"), key("2.1.0"));
        assert_ne!(key("2.1"), key("2.10"));
        assert_ne!(key("2.1"), key("0.2.1"));
        for text in ["2.1rc1", "2.1.post1", "2.1+cu121", "1!2.1", "1.2.3.4.5", "20230101.1"] {
            assert_eq!(key(text), 0, "{text}");
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
