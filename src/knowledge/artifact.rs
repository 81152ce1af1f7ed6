//! What holds for model files between the version that wrote them and the one that reads them, and general statements.

use super::{Counts, Knowledge, Provenance, Reason, Release, RowFault, name_fault};
use crate::version::Version;

/// Which versions may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// Releases of the same minor.
    SameMinor,
    /// Releases of the same major.
    SameMajor,
    /// The same minor release or a newer one.
    NewerReadsOlder,
}

rows! {
    /// A promise about a kind of model file.
    pub struct ArtifactPromise {
        /// Formats, in the lock's words.
        pub formats: Vec<String>,
        /// The distribution that writes and reads them.
        pub producer: String,
        /// The promise.
        pub promise: Promise,
        /// The only version at which it breaks, if it is a single one.
        pub boundary: Option<Release>,
        /// The statement.
        pub claim: String,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.producer == built_in.producer && built_in.formats.iter().all(|it| self.formats.contains(it))
        }

        fn fault(&self) -> Option<RowFault> {
            name_fault("producer", &self.producer)
        }
    }
}

rows! {
    /// A general statement.
    pub struct Statement {
        /// Its name in the rules.
        pub id: String,
        /// The statement.
        pub claim: String,
    }
    impl {
        const COUNTS: Counts = Counts::ByName;
    }
}

impl ArtifactPromise {
    /// Whether the promise covers reading with `reader` what `writer` wrote.
    #[must_use]
    pub fn kept(&self, writer: &Version, reader: &Version) -> bool {
        if let Some(boundary) = &self.boundary
            && (writer < &boundary.0) == (reader < &boundary.0)
        {
            return true;
        }
        let part = |version: &Version, at: usize| version.release().get(at).copied().unwrap_or(0);
        let same = |count: usize| (0..count).all(|at| part(writer, at) == part(reader, at));
        match self.promise {
            Promise::SameMinor => same(2),
            Promise::SameMajor => same(1),
            Promise::NewerReadsOlder => (part(reader, 0), part(reader, 1)) >= (part(writer, 0), part(writer, 1)),
        }
    }
}

impl Knowledge {
    /// The promises for a format and the distribution that wrote it.
    pub fn artifact_promises(
        &self,
        format: &str,
        producer: &str,
    ) -> impl Iterator<Item = (&ArtifactPromise, Provenance)> {
        let table = &self.artifact;
        let fits = move |row: &&ArtifactPromise| row.producer == producer && row.formats.iter().any(|it| it == format);
        table.rows_with(producer).into_iter().filter(fits).map(|row| (row, table.provenance(row)))
    }

    /// A general statement by its id.
    ///
    /// # Panics
    ///
    /// For an id without a row; a test names all that rules use.
    #[must_use]
    pub fn statement(&self, id: &str) -> Reason {
        let table = &self.statement;
        let row = table.rows_of(id).next();
        let row = row.unwrap_or_else(|| panic!("no statement `{id}` in statement.toml"));
        Reason { claim: row.claim.clone(), provenance: table.provenance(row) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_go_by_minor_by_major_and_by_direction() {
        let knowledge = Knowledge::built_in();
        let kept = |format: &str, producer: &str, writer: &str, reader: &str| {
            let (writer, reader) = (writer.parse().unwrap(), reader.parse().unwrap());
            assert!(knowledge.artifact_promises(format, producer).next().is_some(), "{format} of {producer}");
            knowledge.artifact_promises(format, producer).all(|(row, _)| row.kept(&writer, &reader))
        };
        assert!(kept("pickle", "scikit-learn", "1.4.0", "1.4.2"));
        assert!(!kept("pickle", "scikit-learn", "1.3.2", "1.4.0"));
        assert!(kept("xgboost-json", "xgboost", "1.7.6", "2.1.0"));
        assert!(!kept("xgboost-json", "xgboost", "2.1.0", "1.7.6"));
        assert!(kept("xgboost-json", "xgboost", "2.1.4", "2.1.1"));
        assert!(kept("pickle", "pandas", "2.0.3", "2.3.3"));
        assert!(!kept("pickle", "pandas", "3.0.0", "2.3.3"));
        assert!(kept("tokenizer-json", "tokenizers", "0.15.2", "0.13.3"));
        assert!(!kept("tokenizer-json", "tokenizers", "0.19.1", "0.15.0"));
        assert!(!kept("tokenizer-json", "tokenizers", "0.20.3", "0.19.1"));
        assert!(!kept("keras", "keras", "3.1.1", "2.15.0"));
    }
}
