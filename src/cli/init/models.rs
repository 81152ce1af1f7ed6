//! Models as `[[model]]` entries: with `*` where that means the same files.

use std::{collections::BTreeMap, path::Path};

use super::{
    guess::Project,
    walk::{file_name, folder},
};
use crate::config::Role;

/// More folders with models than this are named with `**`.
const MOST_FOLDERS: usize = 4;

/// One entry.
#[derive(Debug)]
pub(super) struct DeclaredModels {
    pub(super) path: String,
    pub(super) files: usize,
    pub(super) trained_in: Option<String>,
    pub(super) served_in: Option<String>,
}

/// The entries for these files.
pub(super) fn declare(paths: &[String], project: &Project) -> Vec<DeclaredModels> {
    let mut folders: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for path in paths {
        folders.entry(folder(path)).or_default().push(path);
    }
    let several = project.environments.len() > 2;
    if folders.len() > MOST_FOLDERS
        && !several
        && let Some(shared) = shared(folders.keys().copied()).filter(|it| is_plain(it))
    {
        let files = on_disk(Path::new(&shared), None);
        if files == Some(paths.len()) && paths.iter().all(|it| is_onnx(it)) {
            let path = format!("{shared}/**/*.onnx");
            return vec![DeclaredModels { path, files: paths.len(), trained_in: None, served_in: None }];
        }
    }
    let mut entries = Vec::new();
    for (folder, paths) in folders {
        let (globbed, single): (Vec<&String>, Vec<&String>) = paths.into_iter().partition(|it| is_onnx(it));
        let at = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
        let same = is_plain(folder) && on_disk(at, Some(1)) == Some(globbed.len());
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let mut entry = |path: String, files| {
            let near = |role| project.near(role, &path).map(str::to_owned);
            let (trained_in, served_in) = (near(Role::Training), near(Role::Serving));
            entries.push(DeclaredModels { path, files, trained_in, served_in });
        };
        if same && !globbed.is_empty() {
            entry(format!("{prefix}*.onnx"), globbed.len());
        } else {
            for path in globbed {
                entry(path.clone(), 1);
            }
        }
        for path in single {
            entry(path.clone(), 1);
        }
    }
    entries
}

/// Whether a pattern takes a folder's name literally.
fn is_plain(folder: &str) -> bool {
    !folder.contains(['*', '?', '[', ']', '{', '}', '\\', '!'])
}

fn is_onnx(path: &str) -> bool {
    file_name(path).strip_suffix(".onnx").is_some()
}

/// The deepest folder that holds all of these.
fn shared<'a>(mut folders: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut shared: Vec<&str> = folders.next()?.split('/').collect();
    for folder in folders {
        let same = shared.iter().zip(folder.split('/')).take_while(|(a, b)| **a == *b).count();
        shared.truncate(same);
    }
    Some(shared.join("/")).filter(|it| !it.is_empty())
}

/// How many files a pattern would match, those that git ignores included.
fn on_disk(folder: &Path, depth: Option<usize>) -> Option<usize> {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).follow_links(false).max_depth(depth).build();
    let mut files = 0;
    for (number, entry) in walk.flatten().enumerate() {
        if number > super::super::load::MOST_FILES {
            return None;
        }
        let name = entry.file_name().to_string_lossy();
        files += usize::from(is_onnx(&name) && entry.file_type().is_some_and(|it| it.is_file()));
    }
    Some(files)
}
