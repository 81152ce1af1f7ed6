//! What a file can say about an environment: the vocabulary between the readers and everything above them.
//!
//! A fact always has a place. Readers make facts and nothing else; what follows from a fact (a `+cu121` label means
//! CUDA 12.1) is knowledge and belongs to later layers.

pub mod marker;
mod model;
mod name;
pub mod requirement;
mod specifier;
pub mod wheel;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

pub use model::{
    Dimension, ExternalData, ExternalFile, Insistence, Model, OperatorUse, RefusedForm, Signature, TritonConfig,
    TritonVersions, Typing, Witness,
};
pub use name::{InvalidName, PackageName};
pub(crate) use specifier::is_space;
pub use specifier::parse_version;

use crate::{
    text::{FileId, Place, Span},
    version::{
        ComputeCapability, CudaVersion, CudnnVersion, Dotted, DriverVersion, LibcVersion, PythonVersion,
        TensorRtVersion, VersionSet,
    },
};
use marker::Marker;
use requirement::Requirement;

/// A value with the place it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value at a place.
    pub fn new(value: T, file: FileId, span: Span) -> Self {
        Located { value, place: Place { file, span } }
    }
}

/// How much weight a fact has. Observed beats declared beats implied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It follows from another fact by knowledge.
    Implied,
    /// A file asks for it (requirements, manifests).
    Declared,
    /// It was seen on a machine (freeze output, nvidia-smi, an envcheck lock).
    Observed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Implied => "implied",
            Standing::Declared => "declared",
            Standing::Observed => "observed",
        })
    }
}

/// One statement of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What is said.
    pub kind: FactKind,
    /// How much weight it has.
    pub standing: Standing,
    /// Where it is said. For a package: the requirement without options and comment.
    pub place: Place,
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq)]
pub enum FactKind {
    /// A Python distribution that is installed or asked for.
    Package(Arc<Package>),
    /// The Python version.
    Python(PythonVersion),
    /// The Python implementation, such as `CPython`.
    Implementation(String),
    /// The operating system in the words of the lock format: `linux`, `windows`, `macos`.
    Os(String),
    /// Distribution and release, such as `ubuntu 22.04`.
    Distribution(String),
    /// The processor architecture, such as `x86_64` or `aarch64`.
    Architecture(String),
    /// The C library.
    Libc(Libc),
    /// The NVIDIA driver.
    Driver(DriverVersion),
    /// The newest CUDA that the driver can run (the number in nvidia-smi's header); never the installed toolkit.
    DriverCuda(CudaVersion),
    /// A tool said that there is no working driver; the text is what it said.
    NoDriver(String),
    /// A CUDA toolkit or runtime that is installed on the system (not one inside a wheel).
    Cuda(CudaVersion),
    /// A cuDNN that is installed on the system.
    Cudnn(CudnnVersion),
    /// A TensorRT that is installed on the system.
    TensorRt(TensorRtVersion),
    /// A GPU, or several equal ones.
    Gpu(Gpu),
    /// A container image.
    Image(Image),
    /// An inference server that runs here.
    Server(NamedVersion),
    /// A native or other-language library that is no Python distribution.
    Library(Library),
    /// A model file, or what is declared about one.
    Model(Box<Model>),
    /// What the program is meant to run on: `cuda`, `cpu`, `rocm`.
    Device(String),
    /// ONNX Runtime's execution providers, in order.
    ExecutionProviders(Vec<String>),
    /// CUDA extensions are compiled on this side.
    BuildsExtensions(bool),
    /// The operating system under the container, where it differs.
    HostOs(String),
    /// The CUDA version of the machine under the container.
    HostCuda(CudaVersion),
    /// Where packages are looked for beside or instead of PyPI.
    PackageIndex(PackageIndex),
    /// A package of the operating system (apt, dnf, apk, ...).
    SystemPackage(SystemPackage),
    /// An environment variable of the running program.
    Variable(Variable),
    /// The machine that a cloud provides, such as `g5.xlarge`.
    InstanceType(String),
    /// The accelerator that a cluster's label names, such as `nvidia-tesla-t4`: no product name.
    Accelerator(String),
    /// Where the running program gets a model file from.
    ModelSource(ModelSource),
    /// The name of the environment.
    EnvironmentName(String),
    /// `training` or `serving`.
    Role(String),
}

impl FactKind {
    /// The word for this kind in reports: `package`, `nvidia-driver`, `gpu`, ...
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            FactKind::Package(_) => "package",
            FactKind::Python(_) => "python",
            FactKind::Implementation(_) => "implementation",
            FactKind::Os(_) => "os",
            FactKind::Distribution(_) => "distribution",
            FactKind::Architecture(_) => "architecture",
            FactKind::Libc(_) => "libc",
            FactKind::Driver(_) => "nvidia-driver",
            FactKind::DriverCuda(_) => "driver-cuda",
            FactKind::NoDriver(_) => "no-driver",
            FactKind::Cuda(_) => "cuda",
            FactKind::Cudnn(_) => "cudnn",
            FactKind::TensorRt(_) => "tensorrt",
            FactKind::Gpu(_) => "gpu",
            FactKind::Image(_) => "image",
            FactKind::Server(_) => "server",
            FactKind::Library(_) => "library",
            FactKind::Model(_) => "model",
            FactKind::Device(_) => "device",
            FactKind::ExecutionProviders(_) => "execution-provider",
            FactKind::BuildsExtensions(_) => "builds-extensions",
            FactKind::HostOs(_) => "host-os",
            FactKind::HostCuda(_) => "host-cuda",
            FactKind::PackageIndex(_) => "package-index",
            FactKind::SystemPackage(_) => "system-package",
            FactKind::Variable(_) => "variable",
            FactKind::InstanceType(_) => "instance-type",
            FactKind::Accelerator(_) => "accelerator",
            FactKind::ModelSource(_) => "model-source",
            FactKind::EnvironmentName(_) => "environment-name",
            FactKind::Role(_) => "role",
        }
    }
}

/// A Python distribution as one file names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    /// The normalised name.
    pub name: PackageName,
    /// The name as written.
    pub spelled: String,
    /// Extras asked for, normalised, in the order written.
    pub extras: Vec<PackageName>,
    /// The specifier as written, without blanks (`>=1.21,<2`); empty if there is none.
    pub specifier: String,
    /// The versions that the specifier allows; everything if there is no specifier. A direct URL whose wheel file name
    /// carries a version allows that version only.
    pub versions: VersionSet,
    /// The environment marker.
    pub marker: Option<Marker>,
    /// A direct reference (`name @ url`, a VCS or archive URL, a local path), as written.
    pub url: Option<String>,
    /// Installed from a source tree.
    pub editable: bool,
    /// From a constraints file: bounds the version but asks for nothing.
    pub constraint: bool,
    /// What kind of file names it.
    pub origin: Origin,
    /// The conda build string.
    pub build: Option<String>,
    /// `Requires-Dist` of the installed package, as written.
    pub requires: Vec<String>,
    /// `Requires-Python` of the installed package.
    pub requires_python: Option<String>,
    /// Wheel tags, such as `cp310-cp310-manylinux_2_17_x86_64`.
    pub tags: Vec<String>,
    /// The CUDA this build was made for, where a file says so beside the version.
    pub cuda: Option<CudaVersion>,
    /// The index that this very command or entry takes it from; an index for a whole file is a fact of its own.
    pub index: Option<Arc<PackageIndex>>,
    /// Where the parts stand.
    pub parts: PackageParts,
    parsed: Parsed,
}

/// What the kind of file that names a package says about others and about edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Any file that names packages.
    Stated,
    /// A lock file: a tool wrote it together with hashes, so that nobody edits one version in it.
    Locked,
    /// A list of everything that is installed, with the metadata of each: what is not in it is not there.
    Listed,
}

/// The requirements of a package, parsed when a rule first asks; no part of what the file says.
#[derive(Debug, Default)]
struct Parsed(OnceLock<Vec<StatedRequirement>>);

/// A requirement of an installed package; its versions are only worked out when they are compared.
#[derive(Debug)]
pub struct StatedRequirement {
    /// As parsed.
    pub requirement: Requirement,
    versions: OnceLock<VersionSet>,
}

impl StatedRequirement {
    /// The versions it allows.
    #[must_use]
    pub fn versions(&self) -> &VersionSet {
        self.versions.get_or_init(|| self.requirement.versions())
    }
}

impl Clone for Parsed {
    fn clone(&self) -> Self {
        Parsed::default()
    }
}

impl PartialEq for Parsed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Package {
    /// What the installed package requires; texts that are no requirements are left out.
    #[must_use]
    pub fn requirements(&self) -> &[StatedRequirement] {
        let stated = |requirement| StatedRequirement { requirement, versions: OnceLock::new() };
        let parsed = |text: &String| requirement::parse(text, 0).ok().map(stated);
        self.parsed.0.get_or_init(|| self.requires.iter().filter_map(parsed).collect())
    }

    /// Forgets what the package requires, as for another release of it.
    pub fn forget_requirements(&mut self) {
        self.requires.clear();
        self.requires_python = None;
        self.parsed = Parsed::default();
    }

    /// A package without anything but its name; its parts all stand at `span`.
    #[must_use]
    pub fn named(name: PackageName, spelled: &str, span: Span) -> Self {
        Package {
            name,
            spelled: spelled.to_owned(),
            extras: Vec::new(),
            specifier: String::new(),
            versions: VersionSet::all(),
            marker: None,
            url: None,
            editable: false,
            constraint: false,
            origin: Origin::Stated,
            build: None,
            requires: Vec::new(),
            requires_python: None,
            tags: Vec::new(),
            cuda: None,
            index: None,
            parts: PackageParts { name: span, specifier: None, marker: None },
            parsed: Parsed::default(),
        }
    }
}

/// Where the parts of a requirement stand, in the file of its fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PackageParts {
    /// The name.
    pub name: Span,
    /// The specifier, from the first operator to the last version.
    pub specifier: Option<Span>,
    /// The marker, without the semicolon.
    pub marker: Option<Span>,
}

/// The C library of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libc {
    /// `glibc` or `musl`.
    pub family: String,
    /// Its version.
    pub version: LibcVersion,
}

/// A GPU model as a tool or a person names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// The name; `None` where only a capability is known.
    pub name: Option<String>,
    /// The tool cut the name off (`Tesla V100-SXM2...`); the dots are not part of `name`.
    pub truncated: bool,
    /// The compute capability, where the file says it.
    pub capability: Option<ComputeCapability>,
    /// How many.
    pub count: u32,
}

/// A container image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The reference as written, without the digest.
    pub reference: String,
    /// The digest, such as `sha256:...`.
    pub digest: Option<String>,
    /// What it is there for, for a reader: the build stage it begins (`final` for the one that runs), a container's name.
    pub stage: Option<String>,
    /// The CUDA it holds, where a file says so.
    pub cuda: Option<CudaVersion>,
    /// Its part in what runs.
    pub role: ImageRole,
    /// Only packages, which are facts of their own, and files of the program are laid over it. False where that is not
    /// known.
    pub packages_only: bool,
}

/// What an image has to do with the program that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageRole {
    /// The program runs on it: the base of the final stage, a container of a pod.
    Runs,
    /// It is only built from: another stage, an image that files are copied from.
    Builds,
    /// Its Python installed packages that are copied into what runs.
    Installs,
    /// It runs before the program does (an init container) or beside it without its GPU (a sidecar).
    Helps,
}

impl ImageRole {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ImageRole::Runs => "runs",
            ImageRole::Builds => "builds",
            ImageRole::Installs => "installs",
            ImageRole::Helps => "helps",
        }
    }
}

/// A package of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPackage {
    /// `apt`, `dnf`, `apk`, ...
    pub manager: &'static str,
    /// Its name as written, without version and architecture.
    pub name: String,
    /// Its version as written.
    pub version: Option<String>,
}

/// An environment variable of the running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value; `None` if the file takes it from somewhere else (a secret, a variable without value).
    pub value: Option<String>,
}

/// Where the running program gets a model file from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// The address or path, without user name and password.
    pub address: String,
    /// How it comes to the program.
    pub delivery: Delivery,
    /// What brings it: `COPY`, `init container fetch`, `storageUri`, ...
    pub by: String,
}

/// How a model comes to the program that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is part of the image (model-in-image).
    InImage,
    /// It is fetched or mounted when the program starts (model-load).
    AtStart,
}

impl Delivery {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Delivery::InImage => "in-image",
            Delivery::AtStart => "at-start",
        }
    }
}

/// A place that packages are taken from, as an option of a requirements file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageIndex {
    /// Its address, without user name and password.
    pub url: String,
    /// Whether it takes the place of PyPI (`--index-url`) or stands beside it.
    pub only: bool,
}

/// A name and, where known, a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedVersion {
    /// The name.
    pub name: String,
    /// The version as written.
    pub version: Option<String>,
}

/// A native or other-language library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Its name, such as `onnxruntime`.
    pub name: String,
    /// Its version, as far as it was written.
    pub version: Option<Dotted>,
    /// Where it comes from, in free words.
    pub from: Option<String>,
    /// The lowest C library it runs on.
    pub requires_libc: Option<Libc>,
    /// The CUDA it was built for.
    pub cuda: Option<CudaVersion>,
}
