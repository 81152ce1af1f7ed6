//! CUDA toolkits and the drivers that run them.

use super::{Counts, Knowledge, Provenance, Release, RowFault, in_run, run_covers, run_fault, runs_meet};
use crate::version::{CudaVersion, DriverVersion, Truth, Version};

rows! {
    /// The driver that was released together with a toolkit.
    pub struct ToolkitDriver {
        /// The toolkit release.
        pub cuda: CudaVersion,
        /// The Linux driver.
        pub linux: DriverVersion,
        /// The Windows driver, where there is one.
        pub windows: Option<DriverVersion>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.cuda == built_in.cuda
        }
    }
}

rows! {
    /// The oldest driver for all toolkits with this prefix.
    pub struct MinorFloor {
        /// The major, or a longer prefix that has a limit of its own.
        pub cuda: CudaVersion,
        /// The oldest Linux driver.
        pub linux: DriverVersion,
        /// The oldest Windows driver.
        pub windows: Option<DriverVersion>,
        /// The Windows driver from which on all documents agree.
        pub windows_sure: Option<DriverVersion>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.cuda == built_in.cuda
        }
    }
}

rows! {
    /// A driver branch.
    pub struct DriverBranch {
        /// Its number.
        pub branch: u32,
        /// The newest CUDA it runs.
        pub cuda: CudaVersion,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.branch == built_in.branch
        }
    }
}

rows! {
    /// Where the compat package of a CUDA version works.
    pub struct ForwardCompat {
        /// The CUDA version.
        pub cuda: CudaVersion,
        /// Branches that are supported.
        pub supported: Vec<u32>,
        /// Branches that are not.
        pub unsupported: Vec<u32>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.cuda == built_in.cuda
        }
    }
}

rows! {
    /// The CUDA versions that a run of releases of a library is built for.
    pub struct LibraryCuda {
        /// The library: `cudnn`.
        pub name: String,
        /// The first release.
        pub first: Release,
        /// The last release, a prefix.
        pub last: Release,
        /// CUDA versions, each a prefix.
        pub cuda: Vec<CudaVersion>,
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

impl LibraryCuda {
    /// Whether there is, or may be, a build for a CUDA version, of which only the major may be known.
    #[must_use]
    pub fn suits(&self, cuda: &CudaVersion) -> bool {
        self.cuda.iter().any(|built| !built.number().same(cuda.number()).violated())
    }
}

/// The system that a driver number belongs to; the two count differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverSystem {
    /// Linux numbers.
    Linux,
    /// Windows numbers.
    Windows,
}

/// The oldest driver that runs programs of a CUDA version.
#[derive(Debug, Clone)]
pub struct DriverFloor {
    /// The driver.
    pub driver: DriverVersion,
    /// The driver from which on all documents agree, if that is another one.
    pub sure: Option<DriverVersion>,
    /// The CUDA versions it holds for: `12.x`, or `10.2` alone.
    pub range: String,
    /// Whether any driver of the same CUDA major will do.
    pub by_major: bool,
    /// Who says so.
    pub provenance: Provenance,
}

impl Knowledge {
    /// The newest CUDA version that the drivers of a branch can run.
    #[must_use]
    pub fn cuda_of_branch(&self, branch: u32) -> Option<(&CudaVersion, Provenance)> {
        let table = &self.driver_branch;
        table.rows().iter().find(|row| row.branch == branch).map(|row| (&row.cuda, table.provenance(row)))
    }

    /// Drivers that the tables name as a floor or with a toolkit, oldest first.
    #[must_use]
    pub fn known_drivers(&self, system: DriverSystem) -> Vec<DriverVersion> {
        let pick = |linux: &DriverVersion, windows: Option<&DriverVersion>| match system {
            DriverSystem::Linux => Some(linux.clone()),
            DriverSystem::Windows => windows.cloned(),
        };
        let floors = self
            .cuda_minor
            .rows()
            .iter()
            .filter_map(|row| pick(&row.linux, row.windows_sure.as_ref().or(row.windows.as_ref())));
        let old = self.cuda_driver.rows().iter().filter(|row| row.cuda.major() < 11);
        let mut drivers: Vec<DriverVersion> =
            floors.chain(old.filter_map(|row| pick(&row.linux, row.windows.as_ref()))).collect();
        drivers.sort();
        drivers.dedup();
        drivers
    }

    /// The newest driver branch in the tables.
    #[must_use]
    pub fn newest_branch(&self) -> u32 {
        self.driver_branch.rows().iter().map(|row| row.branch).max().unwrap_or(0)
    }

    /// The newest CUDA version in the tables.
    #[must_use]
    pub fn newest_cuda(&self) -> Option<&CudaVersion> {
        self.cuda_driver.rows().iter().map(|row| &row.cuda).max()
    }

    /// The driver that was released with a toolkit; of the smallest release with that prefix if only `12.4` is known.
    #[must_use]
    pub fn driver_of_toolkit(&self, cuda: &CudaVersion, system: DriverSystem) -> Option<(&DriverVersion, Provenance)> {
        let table = &self.cuda_driver;
        let row = table
            .rows()
            .iter()
            .filter(|row| cuda.minor().is_some() && toolkit_matches(cuda, &row.cuda))
            .min_by(|a, b| a.cuda.cmp(&b.cuda))?;
        let driver = match system {
            DriverSystem::Linux => &row.linux,
            DriverSystem::Windows => row.windows.as_ref()?,
        };
        Some((driver, table.provenance(row)))
    }

    /// The oldest driver for a CUDA version: by its major from CUDA 11 on, by the toolkit itself before.
    #[must_use]
    pub fn driver_floor(&self, cuda: &CudaVersion, system: DriverSystem) -> Option<DriverFloor> {
        if cuda.major() < 11 {
            let (driver, provenance) = self.driver_of_toolkit(cuda, system)?;
            let range = cuda.prefix(2).to_string();
            return Some(DriverFloor { driver: driver.clone(), sure: None, range, by_major: false, provenance });
        }
        let table = &self.cuda_minor;
        let row = table
            .rows()
            .iter()
            .filter(|row| row.cuda.number().covers(cuda.number()))
            .max_by_key(|row| row.cuda.number().parts().len())?;
        let driver = match system {
            DriverSystem::Linux => row.linux.clone(),
            DriverSystem::Windows => row.windows.clone()?,
        };
        let sure = if system == DriverSystem::Windows { row.windows_sure.clone() } else { None };
        let range = if row.cuda.minor().is_some() { row.cuda.to_string() } else { format!("{}.x", row.cuda) };
        Some(DriverFloor { driver, sure, range, by_major: true, provenance: table.provenance(row) })
    }

    /// The CUDA versions that a release of a library is built for.
    #[must_use]
    pub fn library_cuda(&self, name: &str, version: &Version) -> Option<(&LibraryCuda, Provenance)> {
        let table = &self.library_cuda;
        let row = table.rows_of(name).find(|row| in_run(version, &row.first.0, &row.last.0))?;
        Some((row, table.provenance(row)))
    }

    /// Whether the compat package of a CUDA version works on a driver branch.
    #[must_use]
    pub fn forward_compat(&self, cuda: &CudaVersion, branch: u32) -> (Truth, Option<Provenance>) {
        let table = &self.forward_compat;
        // Of a major alone nobody knows the minor: any of them may be meant.
        let meant = |row: &&ForwardCompat| {
            row.cuda == cuda.prefix(2) || cuda.minor().is_none() && row.cuda.major() == cuda.major()
        };
        let rows = || table.rows().iter().filter(meant);
        if let Some(row) = rows().find(|row| row.supported.contains(&branch)) {
            return (Truth::Holds, Some(table.provenance(row)));
        }
        match rows().find(|row| row.unsupported.contains(&branch)) {
            Some(row) => (Truth::Violated, Some(table.provenance(row))),
            None => (Truth::Undecided, None),
        }
    }
}

/// Whether a toolkit row speaks about a version: component numbers (`10.2.89`, `12.4.127`) match their minor only.
fn toolkit_matches(cuda: &CudaVersion, row: &CudaVersion) -> bool {
    cuda.prefix(2) == row.prefix(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floor(cuda: &str, system: DriverSystem) -> Option<String> {
        let knowledge = Knowledge::built_in();
        knowledge.driver_floor(&cuda.parse().unwrap(), system).map(|floor| floor.driver.spelled())
    }

    #[test]
    fn floors_go_by_major_from_cuda_11_on() {
        use DriverSystem::{Linux, Windows};
        assert_eq!(floor("12.8", Linux).as_deref(), Some("525.60.13"));
        assert_eq!(floor("12", Windows).as_deref(), Some("527.41"));
        assert_eq!(floor("11.0.3", Linux).as_deref(), Some("450.36.06"));
        assert_eq!(floor("11.8", Linux).as_deref(), Some("450.80.02"));
        assert_eq!(floor("10.2", Linux).as_deref(), Some("440.33"));
        assert_eq!(floor("10", Linux), None);
        assert_eq!(floor("13.0", Windows), None);
        assert_eq!(floor("8.0", Linux), None);
        assert_eq!(floor("99.0", Linux), None);
    }

    #[test]
    fn drivers_of_toolkits_rise_with_the_toolkit() {
        let knowledge = Knowledge::built_in();
        let mut rows: Vec<_> = knowledge.cuda_driver.rows().iter().collect();
        rows.sort_by(|a, b| a.cuda.cmp(&b.cuda));
        for pair in rows.windows(2) {
            assert!(pair[0].linux.branch() <= pair[1].linux.branch(), "{} and {}", pair[0].cuda, pair[1].cuda);
        }
    }
}
