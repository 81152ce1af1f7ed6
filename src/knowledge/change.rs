//! What a release changed for programs and models that ran before it.

use super::{Counts, Knowledge, Provenance, Release, RowFault, name_fault};
use crate::version::Version;

/// What kind of change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// The same call gives another answer.
    Silent,
    /// A default has another value.
    Default,
    /// Results have another type.
    Dtype,
    /// Results differ within rounding.
    Precision,
    /// A call that worked raises.
    LoadError,
    /// A name or an argument is gone.
    RemovedApi,
}

impl ChangeKind {
    /// Whether answers may differ without any error.
    #[must_use]
    pub fn is_silent(self) -> bool {
        matches!(self, ChangeKind::Silent | ChangeKind::Default | ChangeKind::Dtype)
    }

    /// Whether it only matters to programs that were made for the older release.
    #[must_use]
    pub fn is_upwards_only(self) -> bool {
        matches!(self, ChangeKind::LoadError | ChangeKind::RemovedApi)
    }
}

/// How much it usually matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Last digits, rare calls.
    Low,
    /// Some programs.
    Medium,
    /// Calls that many programs make.
    High,
    /// Most programs that use the package for models.
    Critical,
}

/// Where it can matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// What a loaded model is fed or answers.
    Inference,
    /// Only a new fit.
    Training,
    /// Programs that stop.
    Code,
}

rows! {
    /// A change of behaviour.
    pub struct Change {
        /// The distribution, or `python`.
        pub package: String,
        /// The first release that is judged.
        pub first: Option<Release>,
        /// The last release that is known to behave the old way, a prefix.
        pub old: Release,
        /// The first release that is known to behave the new way.
        pub new: Release,
        /// What kind of change it is.
        pub kind: ChangeKind,
        /// How much it matters.
        pub weight: Weight,
        /// Where it can matter.
        pub scope: Scope,
        /// What it is about, in a few words.
        pub topic: String,
        /// The functions whose behaviour changes.
        pub functions: Vec<String>,
        /// The statement.
        pub claim: String,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package && self.topic == built_in.topic
        }

        fn fault(&self) -> Option<RowFault> {
            let message = || format!("expected a release after {}, found {}", self.old, self.new);
            (self.old >= self.new).then(|| RowFault::new("new", message())).or_else(|| name_fault("package", &self.package))
        }
    }
}

impl Change {
    /// Whether going from one release to another certainly crosses the change.
    #[must_use]
    pub fn crossed(&self, from: &Version, to: &Version) -> bool {
        let up = self.before(from) && self.after(to);
        up || !self.kind.is_upwards_only() && self.after(from) && self.before(to)
    }

    fn before(&self, version: &Version) -> bool {
        let last = &self.old.0;
        let prefix = Version::new(version.release().iter().copied().take(last.release().len()));
        let judged = self.first.as_ref().is_none_or(|first| version.only_release() >= first.0);
        judged && prefix <= *last
    }

    fn after(&self, version: &Version) -> bool {
        version.only_release() >= self.new.0
    }
}

impl Knowledge {
    /// The changes of a package that certainly lie between two releases, in file order.
    #[must_use]
    pub fn changes_between(&self, package: &str, from: &Version, to: &Version) -> Vec<(&Change, Provenance)> {
        let table = &self.change;
        if !table.may_know(package) {
            return Vec::new();
        }
        let rows = table.rows_across(package, [from, to]);
        rows.filter(|row| row.crossed(from, to)).map(|row| (row, table.provenance(row))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::PackageName;

    fn topics(package: &str, from: &str, to: &str) -> Vec<String> {
        let knowledge = Knowledge::built_in();
        let found = knowledge.changes_between(package, &from.parse().unwrap(), &to.parse().unwrap());
        found.iter().map(|(row, _)| row.topic.clone()).collect()
    }

    #[test]
    fn a_change_counts_when_both_ends_of_its_interval_are_passed() {
        assert_eq!(topics("torchvision", "0.16.1+cu121", "0.17.2"), ["resizing of tensors"]);
        assert_eq!(topics("torchvision", "0.17.0", "0.16.2"), ["resizing of tensors"]);
        assert!(topics("torchvision", "0.17.0", "0.20.1").is_empty());
        // Run with 1.12.1 and 2.6.0 only: what lies between is not known.
        assert!(topics("torch", "2.0.0", "2.5.0").is_empty());
        assert!(topics("torch", "1.12.1", "2.6.0").contains(&"floor division".to_owned()));
    }

    #[test]
    fn what_is_gone_matters_upwards_only() {
        assert!(topics("pandas", "1.5.3", "2.0.0").contains(&"append".to_owned()));
        assert!(!topics("pandas", "2.0.0", "1.5.3").contains(&"append".to_owned()));
        assert!(topics("pandas", "2.0.0", "1.5.3").contains(&"date parsing".to_owned()));
    }

    #[test]
    fn python_minors_are_prefixes() {
        assert_eq!(topics("python", "3.11.7", "3.12.1"), ["distutils", "sums of floats"]);
        assert!(topics("python", "3.12.0", "3.12.9").is_empty());
    }

    #[test]
    fn releases_before_the_first_judged_one_are_left_out() {
        assert!(topics("torch", "1.6.0", "1.12.0").is_empty());
        assert_eq!(topics("torch", "1.9.0", "1.12.0"), ["TF32 in matrix products"]);
    }

    #[test]
    fn every_interval_has_a_length_and_every_row_names_functions() {
        for row in Knowledge::built_in().change.rows() {
            assert!(row.old < row.new, "{}: {}", row.package, row.topic);
            assert!(!row.functions.is_empty() && !row.topic.is_empty(), "{}: {}", row.package, row.topic);
            assert!(PackageName::new(&row.package).is_ok_and(|name| name.as_str() == row.package), "{}", row.package);
            assert!(!row.claim.ends_with('.'), "{}", row.claim);
        }
    }
}
