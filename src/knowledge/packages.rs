//! Python distributions: what they need, what they were built for, and what cannot stand side by side.

use super::{Counts, Knowledge, Provenance, Release, RowFault, in_run, name_fault, run_covers, run_fault, runs_meet};
use crate::{
    fact::PackageName,
    version::{self, CudaVersion, CudnnVersion, LibcVersion, PythonVersion, Version, VersionSet},
};

rows! {
    /// Distributions that install one import package.
    pub struct Collision {
        /// The import package.
        pub module: String,
        /// The distributions, by normalised name.
        pub distributions: Vec<String>,
        /// Members that belong to another member at the same version.
        pub together: Option<Vec<String>>,
        /// They are builds for different hardware.
        pub builds: Option<bool>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.module == built_in.module
        }

        fn fault(&self) -> Option<RowFault> {
            self.distributions.iter().find_map(|name| name_fault("distributions", name))
        }
    }
}

/// A specifier with its text.
#[derive(Debug, Clone)]
pub struct Range {
    /// As published, without blanks.
    pub text: String,
    /// What it allows.
    pub set: VersionSet,
}

impl<'de> serde::Deserialize<'de> for Range {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let set = text.parse().map_err(serde::de::Error::custom)?;
        Ok(Range { text, set })
    }
}

/// One release, or all that a specifier allows.
#[derive(Debug, Clone)]
pub enum Releases {
    /// A release.
    One(Version),
    /// A specifier.
    Many(VersionSet),
}

impl Releases {
    /// Whether a public version is meant.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        match self {
            Releases::One(release) => release == version,
            Releases::Many(set) => set.contains(version),
        }
    }

    /// Whether both hold a release in common.
    fn meets(&self, other: &Releases) -> bool {
        match (self, other) {
            (_, Releases::One(release)) => self.contains(release),
            (Releases::One(release), Releases::Many(set)) => set.contains(release),
            (Releases::Many(a), Releases::Many(b)) => !a.intersection(b).is_empty(),
        }
    }

    /// The release, if it is one.
    #[must_use]
    pub fn one(&self) -> Option<&Version> {
        match self {
            Releases::One(release) => Some(release),
            Releases::Many(_) => None,
        }
    }
}

/// Whether a text is a specifier and no version: these begin with a digit or a `v`.
fn is_specifier(text: &str) -> bool {
    !text.trim_start().starts_with(|first: char| first.is_ascii_alphanumeric())
}

impl<'de> serde::Deserialize<'de> for Releases {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        if !is_specifier(&text)
            && let Ok(release) = text.parse()
        {
            return Ok(Releases::One(release));
        }
        text.parse().map(Releases::Many).map_err(serde::de::Error::custom)
    }
}

/// Where a package loads its GPU libraries from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From the system or from NVIDIA wheels that something else installed.
    System,
    /// As `System`, or from wheels that an extra of the package installs.
    SystemOrExtra,
}

rows! {
    /// CUDA and cuDNN that releases of a package load.
    pub struct GpuLibraries {
        /// The distribution.
        pub package: String,
        /// Its releases.
        pub releases: VersionSet,
        /// CUDA, a prefix.
        pub cuda: CudaVersion,
        /// cuDNN, a prefix.
        pub cudnn: CudnnVersion,
        /// Where they come from.
        pub origin: Origin,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            self.package == built_in.package && !self.releases.intersection(&built_in.releases).is_empty()
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package && built_in.releases.within(&self.releases).holds()
        }

        fn fault(&self) -> Option<RowFault> {
            name_fault("package", &self.package)
        }
    }
}

rows! {
    /// The CUDA that the wheels of a package on PyPI are compiled for, where they load the libraries that torch brings.
    pub struct ExtensionCuda {
        /// The distribution.
        pub package: String,
        /// Its releases.
        pub releases: VersionSet,
        /// CUDA, a prefix.
        pub cuda: CudaVersion,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            self.package == built_in.package && !self.releases.intersection(&built_in.releases).is_empty()
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package && built_in.releases.within(&self.releases).holds()
        }

        fn fault(&self) -> Option<RowFault> {
            name_fault("package", &self.package)
        }
    }
}

rows! {
    /// What a release needs of another package.
    pub struct Need {
        /// The distribution.
        pub package: String,
        /// Its release, or a specifier.
        pub release: Releases,
        /// The distribution that is needed.
        pub component: String,
        /// The versions that will do.
        pub range: Range,
        /// An environment variable, as `NAME=value`, with which any version will do.
        pub unless: Option<String>,
        /// A distribution beside which any version will do.
        pub spared_by: Option<String>,
        /// The metadata of the package ask for the component and admit newer releases: from this Python on, pip installs
        /// one that is beyond the range.
        pub uncapped: Option<PythonVersion>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn touches(&self, built_in: &Self) -> bool {
            self.package == built_in.package
                && self.component == built_in.component
                && self.release.meets(&built_in.release)
        }

        fn replaces(&self, built_in: &Self) -> bool {
            let same = self.package == built_in.package && self.component == built_in.component;
            same && built_in.release.one().is_some_and(|release| self.release.contains(release))
        }

        fn fault(&self) -> Option<RowFault> {
            let unset = || {
                let text = self.unless.as_deref().filter(|it| !it.contains('='))?;
                Some(RowFault::new("unless", format!("expected a variable as `NAME=value`, found `{text}`")))
            };
            let spared = || self.spared_by.as_ref().and_then(|name| name_fault("spared_by", name));
            name_fault("package", &self.package)
                .or_else(|| name_fault("component", &self.component))
                .or_else(spared)
                .or_else(unset)
        }
    }
}

rows! {
    /// The NumPy generation that a package was compiled for.
    pub struct NumpyAbi {
        /// The distribution.
        pub package: String,
        /// The last release that fails with NumPy 2.
        pub last: Release,
        /// The first release that works with it.
        pub first: Release,
        /// The last of the releases whose metadata admit NumPy 2; all before it do.
        pub admits: Option<Release>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package
        }

        fn fault(&self) -> Option<RowFault> {
            let message = || format!("expected a release after {}, found {}", self.last, self.first);
            (self.last >= self.first).then(|| RowFault::new("first", message())).or_else(|| name_fault("package", &self.package))
        }
    }
}

rows! {
    /// Pythons with a wheel.
    pub struct WheelPython {
        /// The distribution.
        pub package: String,
        /// The first release of the run.
        pub first: Release,
        /// The last release of the run.
        pub last: Release,
        /// The Pythons.
        pub python: Vec<PythonVersion>,
        /// There is no source distribution to fall back to.
        pub wheels_only: Option<bool>,
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
            run_fault(&self.first, &self.last).or_else(|| name_fault("package", &self.package))
        }
    }
}

rows! {
    /// The C libraries that the wheels of a run of releases work with.
    pub struct WheelLibc {
        /// The distribution.
        pub package: String,
        /// The first release of the run.
        pub first: Release,
        /// The last release of the run.
        pub last: Release,
        /// The oldest glibc of the least demanding wheel for Linux on `x86_64`.
        pub glibc: LibcVersion,
        /// There are wheels for musl.
        pub musl: Option<bool>,
        /// There are Linux wheels for aarch64.
        pub aarch64: Option<bool>,
        /// There is a source distribution to fall back to.
        pub sdist: Option<bool>,
        /// The row is about wheels outside PyPI, whose addresses begin like this.
        pub address: Option<String>,
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
            run_fault(&self.first, &self.last).or_else(|| name_fault("package", &self.package))
        }
    }
}

rows! {
    /// The operating systems that releases of a package exist for: wheels for these, and no source distribution.
    pub struct WheelPlatform {
        /// The distribution.
        pub package: String,
        /// Its releases.
        pub releases: VersionSet,
        /// `linux`, `macos`, `windows`.
        pub os: Vec<String>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package
        }

        fn fault(&self) -> Option<RowFault> {
            let unknown = self.os.iter().find(|os| !["linux", "macos", "windows"].contains(&os.as_str()));
            let named = unknown.map(|os| RowFault::new("os", format!("expected linux, macos or windows, found `{os}`")));
            named.or_else(|| name_fault("package", &self.package))
        }
    }
}

impl WheelPlatform {
    /// The marker of a requirement that is only asked for where the package exists.
    #[must_use]
    pub fn marker(&self) -> String {
        let name = |os: &String| match os.as_str() {
            "windows" => "sys_platform == \"win32\"",
            "macos" => "sys_platform == \"darwin\"",
            _ => "sys_platform == \"linux\"",
        };
        self.os.iter().map(name).collect::<Vec<_>>().join(" or ")
    }
}

/// What a package does for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Trains or runs models.
    Framework,
    /// Runs exported models.
    Runtime,
    /// Writes and reads models.
    Serialiser,
    /// Prepares inputs or computes with them.
    Preprocessing,
    /// Only used to develop, test or explore.
    Development,
}

rows! {
    /// What a package is for.
    pub struct PackageRole {
        /// The distribution.
        pub package: String,
        /// Its part in a model's life.
        pub role: Role,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package
        }

        fn fault(&self) -> Option<RowFault> {
            name_fault("package", &self.package)
        }
    }
}

impl Knowledge {
    /// Groups of distributions that own one import package and that this distribution belongs to.
    pub fn collisions_of(&self, name: &str) -> impl Iterator<Item = &Collision> {
        self.collision.rows_of(name)
    }

    /// The distributions that provide an import package, `name` among them; just `name` if no group is known.
    pub fn family<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let group = self.collisions_of(name).next();
        let members = group.map(|row| row.distributions.iter().map(String::as_str));
        let alone = group.is_none().then_some(name);
        members.into_iter().flatten().chain(alone)
    }

    /// Whether a distribution is a full build of ONNX Runtime.
    #[must_use]
    pub fn is_onnxruntime(&self, name: &str) -> bool {
        self.collisions_of(name).any(|row| row.module == "onnxruntime")
    }

    /// The GPU libraries of a release.
    #[must_use]
    pub fn gpu_libraries(&self, name: &str, version: &Version) -> Option<(&GpuLibraries, Provenance)> {
        let table = &self.gpu_libraries;
        let row = table.rows_over(name, version).find(|row| row.releases.contains(version))?;
        Some((row, table.provenance(row)))
    }

    /// The GPU libraries of all releases that a range allows, where it ends and one row covers them.
    #[must_use]
    pub fn gpu_libraries_of_all(&self, name: &str, versions: &VersionSet) -> Option<(&GpuLibraries, Provenance)> {
        if versions.is_open_above() || versions.is_empty() {
            return None;
        }
        let table = &self.gpu_libraries;
        let row = table.rows_of(name).find(|row| versions.within(&row.releases).holds())?;
        Some((row, table.provenance(row)))
    }

    /// The CUDA that the wheel of a release is compiled for.
    #[must_use]
    pub fn extension_cuda(&self, name: &str, version: &Version) -> Option<(&ExtensionCuda, Provenance)> {
        let table = &self.extension_cuda;
        let row = table.rows_over(name, version).find(|row| row.releases.contains(version))?;
        Some((row, table.provenance(row)))
    }

    /// What a release needs of other packages.
    #[must_use]
    pub fn needs_of(&self, name: &str, version: &Version) -> Vec<(&Need, Provenance)> {
        self.needs_rows(name, version).map(|row| (row, self.needs.provenance(row))).collect()
    }

    /// As [`Knowledge::needs_of`], without who says so: most needs are met, and then nobody asks.
    pub fn needs_rows<'k, 'n>(
        &'k self,
        name: &'n str,
        version: &Version,
    ) -> impl Iterator<Item = &'k Need> + use<'k, 'n> {
        let table = &self.needs;
        let public = table.may_know(name).then(|| version::public(version));
        public.into_iter().flat_map(move |public| self.needs_of_public(name, public))
    }

    fn needs_of_public<'k, 'n>(
        &'k self,
        name: &'n str,
        public: Version,
    ) -> impl Iterator<Item = &'k Need> + use<'k, 'n> {
        let table = &self.needs;
        // What the user overrides for this release is hidden, other releases of the same row are not.
        let over: Vec<&Need> = table.rows_overriding(name).filter(|row| row.release.contains(&public)).collect();
        table.rows_about(name, &public).filter(move |row| {
            row.release.contains(&public)
                && (table.overrides(row) || over.iter().all(|own| own.component != row.component))
        })
    }

    /// The releases of a companion that go with a version of a component, oldest first.
    #[must_use]
    pub fn companions_for(&self, package: &str, component: &str, version: &Version) -> Vec<Version> {
        let fits = |row: &&Need| row.component == component && row.range.set.contains(version);
        let mut found: Vec<Version> =
            self.needs.rows_of(package).filter(fits).filter_map(|row| row.release.one().cloned()).collect();
        found.sort();
        found
    }

    /// The NumPy generation boundary of a package.
    #[must_use]
    pub fn numpy_abi(&self, name: &str) -> Option<(&NumpyAbi, Provenance)> {
        let table = &self.numpy_abi;
        let row = table.rows_of(name).next()?;
        Some((row, table.provenance(row)))
    }

    /// The Pythons for which a release has a wheel.
    #[must_use]
    pub fn wheel_pythons(&self, name: &str, version: &Version) -> Option<(&WheelPython, Provenance)> {
        let table = &self.wheel_python;
        // Most environments hold recent releases, which stand last.
        let row = table.rows_over(name, version).find(|row| in_run(version, &row.first.0, &row.last.0))?;
        Some((row, table.provenance(row)))
    }

    /// The C libraries that the wheels of a release work with.
    #[must_use]
    pub fn wheel_libc(&self, name: &str, version: &Version) -> Option<(&WheelLibc, Provenance)> {
        let table = &self.wheel_libc;
        let on_pypi = |row: &&WheelLibc| row.address.is_none() && in_run(version, &row.first.0, &row.last.0);
        let row = table.rows_over(name, version).find(on_pypi)?;
        Some((row, table.provenance(row)))
    }

    /// The C libraries that a wheel works with which a project publishes outside `PyPI`, by its address.
    #[must_use]
    pub fn wheel_libc_at(&self, name: &str, version: &Version, url: &str) -> Option<(&WheelLibc, Provenance)> {
        let table = &self.wheel_libc;
        let version = version::public(version);
        let there = |row: &&WheelLibc| row.address.as_ref().is_some_and(|address| url.starts_with(address.as_str()));
        let row = table.rows_of(name).filter(there).find(|row| in_run(&version, &row.first.0, &row.last.0))?;
        Some((row, table.provenance(row)))
    }

    /// The operating systems that all of these releases of a package exist for, if there are others.
    #[must_use]
    pub fn wheel_platform(&self, name: &str, versions: &VersionSet) -> Option<(&WheelPlatform, Provenance)> {
        let table = &self.wheel_platform;
        let row = table.rows_of(name).find(|row| versions.within(&row.releases).holds())?;
        Some((row, table.provenance(row)))
    }

    /// Releases of a package that may be suggested, oldest first; no pre-releases. Where the table of needs follows a
    /// package, only releases with a row of their own: what a release needs must be known before it is offered.
    #[must_use]
    pub fn known_releases(&self, name: &str) -> Vec<Version> {
        let mut found: Vec<Version> = match self.needs.texts_of(name, "release") {
            Some(mut texts) => {
                texts.dedup();
                texts.into_iter().filter(|text| !is_specifier(text)).filter_map(|text| text.parse().ok()).collect()
            }
            None => self.needs.rows_of(name).filter_map(|row| row.release.one().cloned()).collect(),
        };
        match name {
            "torch" => found = self.torch_release.rows().iter().map(|row| row.version.0.clone()).collect(),
            "onnxruntime" => {
                // Releases that check nothing are no way out of anything.
                let checking = self.onnxruntime_release.rows().iter().filter(|row| row.unchecked != Some(true));
                found = checking.map(|row| row.version.0.clone()).collect();
            }
            _ if found.is_empty() => {
                let wheels = self.wheel_python.rows_of(name);
                found = wheels.flat_map(|row| [row.first.0.clone(), row.last.0.clone()]).collect();
            }
            _ => {}
        }
        if name == "numpy" {
            // The last release of NumPy 1 is what most packages of that time want.
            found.extend("1.26.4".parse().ok());
        }
        if let Some(newest) = self.newest_release(name) {
            found.retain(|version| *version <= newest.0);
        }
        found.retain(|version| !version.any_prerelease() && !version.is_local());
        found.sort();
        found.dedup();
        found
    }

    /// The newest release of a package in the tables, if any table follows it release by release.
    #[must_use]
    pub fn newest_release(&self, name: &str) -> Option<&Release> {
        let table = &self.wheel_python;
        table.farthest(name).map(|row| &row.last).or_else(|| table.rows_of(name).map(|row| &row.last).max())
    }

    /// The runs of releases of a package that have a wheel for a Python.
    #[must_use]
    pub fn releases_for_python(&self, name: &str, python: &PythonVersion) -> Vec<&WheelPython> {
        let short = python.prefix(2);
        self.wheel_python.rows_of(name).filter(|row| row.python.contains(&short)).collect()
    }

    /// What a package is for, if that is known.
    #[must_use]
    pub fn role(&self, name: &PackageName) -> Option<Role> {
        self.package_role.rows_of(name.as_str()).next().map(|row| row.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_found_by_release_and_by_range() {
        let knowledge = Knowledge::built_in();
        let needs = |name: &str, version: &str| -> Vec<String> {
            let found = knowledge.needs_of(name, &version.parse().unwrap());
            found.iter().map(|(need, _)| need.component.clone()).collect()
        };
        assert_eq!(needs("torchvision", "0.16.0+cu121"), ["torch"]);
        assert_eq!(needs("ctranslate2", "4.5.1"), ["torch"]);
        assert!(needs("torchvision", "99.0").is_empty());
        let best = knowledge.companions_for("torchvision", "torch", &"2.1.0".parse().unwrap());
        assert_eq!(best.last().map(ToString::to_string).as_deref(), Some("0.16.0"));
    }

    #[test]
    fn every_package_of_a_need_has_its_normal_name() {
        for row in Knowledge::built_in().needs.rows() {
            assert!(PackageName::new(&row.package).is_ok_and(|name| name.as_str() == row.package), "{}", row.package);
        }
    }

    #[test]
    fn runs_of_releases_rise_and_do_not_overlap() {
        let knowledge = Knowledge::built_in();
        let rows = knowledge.wheel_python.rows();
        for row in rows {
            assert!(row.first <= row.last, "{} {}", row.package, row.first);
        }
        for (at, a) in rows.iter().enumerate() {
            for b in &rows[at + 1..] {
                assert!(
                    a.package != b.package || a.last < b.first,
                    "{}: {} to {} meets {}",
                    a.package,
                    a.first,
                    a.last,
                    b.first
                );
            }
        }
    }
}
