//! Which ONNX Runtime a side runs, from whatever names it.

use super::Environment;
use crate::{
    fact::PackageName,
    knowledge::{Knowledge, onnx::RuntimeRelease},
    text::Place,
    version::{Truth, Version, VersionSet},
};

/// The ONNX Runtime of a side.
#[derive(Debug, Clone)]
pub struct OnnxRuntime {
    /// The distribution or library.
    pub component: String,
    /// For a sentence: `onnxruntime 1.16.3`.
    pub shown: String,
    /// The versions it may be.
    pub versions: VersionSet,
    /// Where it is declared.
    pub place: Place,
    /// Whether a single version (or a single minor) is known.
    pub pinned: bool,
}

impl OnnxRuntime {
    /// The known releases that it may be. A release without a row is judged by its neighbours of the same minor.
    #[must_use]
    pub fn candidates<'k>(&self, knowledge: &'k Knowledge) -> Vec<&'k RuntimeRelease> {
        let within = knowledge.runtimes_within(&self.versions);
        if !within.is_empty() || !self.pinned {
            return within;
        }
        let Some(version) = self.versions.lower_bound() else { return Vec::new() };
        let minor = |version: &Version| version.release().iter().copied().take(2).collect::<Vec<_>>();
        let rows = knowledge.onnxruntime_release.rows().iter();
        rows.filter(|row| minor(&row.version.0) == minor(version)).collect()
    }

    /// Whether it accepts something, over all releases that it may be.
    #[must_use]
    pub fn accepts(&self, knowledge: &Knowledge, accepts: impl Fn(&RuntimeRelease) -> Truth) -> Truth {
        let verdicts: Vec<Truth> = self.candidates(knowledge).into_iter().map(accepts).collect();
        let (Some(best), Some(worst)) = (verdicts.iter().max(), verdicts.iter().min()) else { return Truth::Undecided };
        if best == worst {
            // An open range also holds releases that are not in the table yet; they accept more, never less.
            let newer = self.versions.is_open_above() && best.violated();
            if newer { Truth::Undecided } else { *best }
        } else {
            Truth::Undecided
        }
    }

    /// The newest candidate.
    #[must_use]
    pub fn newest<'k>(&self, knowledge: &'k Knowledge) -> Option<&'k RuntimeRelease> {
        self.candidates(knowledge).into_iter().max_by(|a, b| a.version.cmp(&b.version))
    }
}

impl Environment {
    /// The ONNX Runtimes of this side: distributions first, then libraries of other languages and servers.
    #[must_use]
    pub fn onnx_runtimes(&self, knowledge: &Knowledge) -> Vec<OnnxRuntime> {
        let mut found: Vec<OnnxRuntime> = Vec::new();
        for view in self.packages().filter(|view| knowledge.is_onnxruntime(view.name.as_str())) {
            found.push(OnnxRuntime {
                component: view.name.to_string(),
                shown: format!("{} {}", view.name, view.shown()),
                versions: view.versions.clone(),
                place: view.place(),
                pinned: view.pin().is_some(),
            });
        }
        // Rival builds install the same files: they are one runtime, and of two the special one is to stay. That they
        // collide is said elsewhere.
        if found.len() > 1 {
            found.retain(|it| it.component != "onnxruntime");
        }
        for seen in self.libraries() {
            let library = seen.value;
            let named = PackageName::new(&library.name).is_ok_and(|name| knowledge.is_onnxruntime(name.as_str()));
            if !named {
                continue;
            }
            let versions = library.version.as_ref().and_then(|version| {
                let operator =
                    if version.parts().len() < 3 { format!("=={version}.*") } else { format!("=={version}") };
                operator.parse::<VersionSet>().ok()
            });
            found.push(OnnxRuntime {
                component: "onnxruntime".into(),
                shown: match &library.version {
                    Some(version) => format!("{} {version}", library.name),
                    None => library.name.clone(),
                },
                pinned: versions.is_some(),
                versions: versions.unwrap_or_else(VersionSet::all),
                place: seen.place,
            });
        }
        found
    }
}
