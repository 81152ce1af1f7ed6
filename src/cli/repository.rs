//! Triton's model repositories: `MODEL/config.pbtxt` says which of `MODEL/1/model.onnx`, `MODEL/2/model.onnx`, ... are loaded.
//!
//! Documentation: <https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_repository.html>

use std::path::{Path, PathBuf};

use super::load::ReadFile;
use crate::{
    fact::{FactKind, TritonVersions, Witness},
    report::SkippedPart,
};

/// Versions of models that no server loads say nothing about serving: a note takes the place of what they say.
pub(super) fn leave_out_idle_versions(files: &mut [ReadFile]) {
    let policies: Vec<(PathBuf, TritonVersions)> = files.iter().filter_map(policy).collect();
    for (folder, versions) in policies {
        let mut present: Vec<u64> =
            files.iter().filter_map(|file| version_in(&folder, file.disk.as_deref()?)).collect();
        present.sort_unstable_by(|a, b| b.cmp(a));
        present.dedup();
        let loaded: Vec<u64> = match &versions {
            TritonVersions::All => continue,
            TritonVersions::Latest(count) => {
                present.into_iter().take(usize::try_from(*count).unwrap_or(usize::MAX)).collect()
            }
            TritonVersions::Specific(wanted) => wanted.clone(),
        };
        for file in files.iter_mut() {
            let Some(version) = file.disk.as_deref().and_then(|disk| version_in(&folder, disk)) else { continue };
            if loaded.contains(&version) {
                continue;
            }
            let Some(place) = file.facts.first().map(|fact| fact.place) else { continue };
            let reason = match (&versions, loaded.as_slice()) {
                (TritonVersions::Latest(_), [newest]) => {
                    format!("version {version} is not loaded: version {newest} is there")
                }
                _ => format!("version {version} is not loaded by the version policy"),
            };
            file.facts.clear();
            file.skipped.push(SkippedPart { place, reason });
        }
    }
}

/// The folder of a configuration, and the versions that it lets be loaded.
fn policy(file: &ReadFile) -> Option<(PathBuf, TritonVersions)> {
    let folder = file.disk.as_ref()?.parent()?.to_path_buf();
    file.facts.iter().find_map(|fact| match &fact.kind {
        FactKind::Model(model) => match &model.witness {
            Witness::Triton(config) => Some((folder.clone(), config.versions.clone())),
            _ => None,
        },
        _ => None,
    })
}

/// The version of a model that lies at `FOLDER/VERSION/FILE`.
fn version_in(folder: &Path, file: &Path) -> Option<u64> {
    let inside = file.parent()?;
    let name = inside.file_name()?.to_str()?;
    // Triton looks at no folder whose name is no number or begins with a zero.
    let version = !name.starts_with('0') && name.bytes().all(|it| it.is_ascii_digit());
    (version && inside.parent()? == folder).then(|| name.parse().ok()).flatten()
}
