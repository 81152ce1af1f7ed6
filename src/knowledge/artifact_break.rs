//! Model files that are known to break between the release that wrote them and the one that reads them.

use super::{Counts, Knowledge, Provenance, RowFault, name_fault, packages::Range};
use crate::version::{Version, VersionSet};

/// How a file breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It loads, and fails at the first use.
    Use,
    /// It is refused.
    Load,
    /// It loads, and answers differently.
    Result,
}

rows! {
    /// A pair of releases between which a kind of file breaks.
    pub struct ArtifactBreak {
        /// The distribution that wrote the part of the file that breaks.
        pub producer: String,
        /// Formats, in the lock's words.
        pub formats: Vec<String>,
        /// Releases that wrote it.
        pub writer: Range,
        /// Releases that read it.
        pub reader: Range,
        /// Class patterns of which the file must hold one; without them every file breaks.
        pub classes: Option<Vec<String>>,
        /// Other producers whose files always hold something of this one.
        pub holders: Option<Vec<String>>,
        /// A distribution that offers another way to load the file.
        pub spared_by: Option<String>,
        /// How it breaks.
        pub effect: Effect,
        /// The statement.
        pub claim: String,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.producer == built_in.producer
                && self.writer.text == built_in.writer.text
                && self.reader.text == built_in.reader.text
                && built_in.formats.iter().all(|it| self.formats.contains(it))
        }

        fn fault(&self) -> Option<RowFault> {
            let both = self.writer.set.intersection(&self.reader.set);
            let message = "expected releases that do not write the file, found some that both write it and fail to read it";
            (!both.is_empty()).then(|| RowFault::new("reader", message)).or_else(|| name_fault("producer", &self.producer))
        }
    }
}

impl ArtifactBreak {
    /// Whether a file of these releases certainly breaks. What it holds is asked separately.
    #[must_use]
    pub fn covers(&self, writer: &Version, readers: &VersionSet) -> bool {
        self.writer.set.contains(writer) && readers.within(&self.reader.set).holds()
    }

    /// The classes of a file that break; `None` if it holds none of them. Empty if its content does not matter.
    #[must_use]
    pub fn hits<'c>(&self, classes: &'c [String]) -> Option<Vec<&'c str>> {
        let Some(patterns) = &self.classes else { return Some(Vec::new()) };
        let hit = |class: &&String| patterns.iter().any(|pattern| class_matches(pattern, class));
        let found: Vec<&str> = classes.iter().filter(hit).map(String::as_str).collect();
        (!found.is_empty()).then_some(found)
    }
}

/// Whether a class path such as `sklearn.ensemble._forest.RandomForestClassifier` meets `sklearn.RandomForest*`: it begins
/// with the pattern's modules and ends with its name.
fn class_matches(pattern: &str, class: &str) -> bool {
    let (modules, name) = pattern.rsplit_once('.').unwrap_or(("", pattern));
    let (path, last) = class.rsplit_once('.').unwrap_or(("", class));
    let begins = path == modules || path.strip_prefix(modules).is_some_and(|rest| rest.starts_with('.'));
    begins && name.strip_suffix('*').map_or(last == name, |start| last.starts_with(start))
}

impl Knowledge {
    /// What is known to break in files of a format that hold something of a distribution.
    pub fn artifact_breaks(&self, format: &str, producer: &str) -> impl Iterator<Item = (&ArtifactBreak, Provenance)> {
        let table = &self.artifact_break;
        let fits = move |row: &&ArtifactBreak| row.producer == producer && row.formats.iter().any(|it| it == format);
        table.rows_with(producer).into_iter().filter(fits).map(|row| (row, table.provenance(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_go_by_modules_and_name() {
        for (pattern, class, expected) in [
            ("sklearn.RandomForest*", "sklearn.ensemble._forest.RandomForestClassifier", true),
            ("sklearn.RandomForest*", "sklearn.RandomForestRegressor", true),
            ("sklearn.GradientBoosting*", "sklearn.ensemble.HistGradientBoostingClassifier", false),
            ("sklearn.Tree", "sklearn.tree._tree.Tree", true),
            ("sklearn.Tree", "sklearnex.tree.Tree", false),
            ("pandas.core.indexes.numeric.*", "pandas.core.indexes.numeric.Int64Index", true),
            ("pandas.core.indexes.numeric.*", "pandas.core.indexes.range.RangeIndex", false),
            ("types.CodeType", "types.CodeType", true),
        ] {
            assert_eq!(class_matches(pattern, class), expected, "{pattern} {class}");
        }
    }

    #[test]
    fn every_row_can_apply() {
        let knowledge = Knowledge::built_in();
        for row in knowledge.artifact_break.rows() {
            assert!(!row.writer.set.is_empty() && !row.reader.set.is_empty(), "{}", row.claim);
            assert!(!row.formats.is_empty() && !row.claim.ends_with('.'), "{}", row.claim);
            let both = row.writer.set.intersection(&row.reader.set);
            assert!(both.is_empty(), "{} {}: one release both writes and fails to read", row.producer, row.writer.text);
        }
    }
}
