//! What lies in the repository: every file that a reader understands, read once, and the scripts beside them.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::super::load::{self, MOST_FILES, absolute, lock_called, recognise, shown};
use crate::{
    config::Role,
    fact::FactKind,
    input::{Claim, Content, Defines, Files, Format, files},
    text::Sources,
};

/// What a file is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A model file.
    Model,
    /// How an image is built.
    Dockerfile,
    /// What is run: Compose, Kubernetes.
    Deployment,
    /// A model in a repository of Triton.
    Triton,
    /// Packages: requirements, locks, lists of what is installed.
    Packages,
    /// A machine, or anything else about an environment.
    Machine,
}

/// One file.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the working folder, with `/`.
    pub(super) path: String,
    pub(super) disk: PathBuf,
    pub(super) format: &'static Format,
    pub(super) kind: Kind,
    /// What a lock says about itself.
    pub(super) role: Option<Role>,
    /// Files that are read with it.
    pub(super) includes: BTreeSet<PathBuf>,
    /// What it says something about.
    pub(super) says: BTreeSet<&'static str>,
    /// The text of Dockerfiles and manifests.
    pub(super) text: String,
}

/// Everything that was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) found: Vec<Found>,
    /// Files that look like inputs and cannot be read, with the reason.
    pub(super) unreadable: Vec<(String, String)>,
    /// Folders by the sides that their scripts belong to: training, serving.
    pub(super) scripts: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Whether there were more files than are looked at.
    pub(super) cut_short: bool,
}

/// Looks at the working folder, as `envcheck check .` does.
pub(super) fn walk() -> Seen {
    let mut seen = Seen::default();
    let files = load::walk(Path::new(".")).flatten().filter(|entry| entry.file_type().is_some_and(|it| it.is_file()));
    for (number, entry) in files.enumerate() {
        if number == MOST_FILES {
            seen.cut_short = true;
            break;
        }
        let path = entry.path();
        let name = shown(path);
        seen.script(&name);
        let Ok(content) = Content::open(path) else { continue };
        let in_requirements = words(file_name(folder(&name))).any(|it| matches!(it.as_str(), "requirements" | "reqs"));
        let listed = || {
            // The folder says what the file's own name leaves out.
            let format = recognise(&name, &content, Claim::Named).filter(|it| it.name == "requirements.txt");
            format.filter(|_| in_requirements && (has_ending(&name, "txt") || has_ending(&name, "in")))
        };
        let known = recognise(&name, &content, Claim::Likely).or_else(listed);
        let Some(format) = known.or_else(|| lock_called(&name)) else {
            if has_ending(&name, "onnx") {
                let reason = if content.starts_with(b"version https://git-lfs") {
                    "a pointer of Git LFS, the model itself is not here"
                } else {
                    "no ONNX model"
                };
                seen.unreadable.push((name, reason.to_owned()));
            }
            continue;
        };
        // A name that is no text, or that TOML paths with `\` would not find again, cannot be written down.
        if path.to_str().is_none_or(|it| it.contains('\\')) {
            seen.unreadable.push((name, "its name cannot be written into envcheck.toml".to_owned()));
            continue;
        }
        seen.read(name, content, format);
    }
    seen
}

impl Seen {
    /// Reads a file by itself.
    fn read(&mut self, path: String, content: Content, format: &'static Format) {
        let disk = absolute(Path::new(&path));
        let (mut sources, defines) = (Sources::default(), Defines::new());
        let mut files = Files::new(&mut sources, &defines);
        let text = files::text_of(&content).and_then(Result::ok);
        let file = files.add(path.clone(), content, Some(disk.clone()), Some(absolute(Path::new("."))));
        let reading = catch_unwind(AssertUnwindSafe(|| (format.read)(&mut files, file)));
        let Ok(reading) = reading else {
            self.unreadable.push((path, format!("internal error while reading it as {}", format.name)));
            return;
        };
        if let Some(fault) = reading.fault {
            self.unreadable.push((path, format!("{}: {}", format.name, fault.message)));
            return;
        }
        if reading.facts.is_empty() {
            return;
        }
        let role = reading.facts.iter().find_map(|fact| match &fact.kind {
            FactKind::Role(role) if role == "training" => Some(Role::Training),
            FactKind::Role(role) if role == "serving" => Some(Role::Serving),
            _ => None,
        });
        let says: BTreeSet<&'static str> = reading.facts.iter().map(|fact| fact.kind.word()).collect();
        let kind = kind(&path, format.name, &says);
        let text = if matches!(kind, Kind::Dockerfile | Kind::Deployment) { text } else { None };
        let includes = files.included_paths().clone();
        let text = text.unwrap_or_default();
        self.found.push(Found { path, disk, format, kind, role, includes, says, text });
    }

    /// Notes a script whose name tells what its folder is for.
    fn script(&mut self, path: &str) {
        let name = file_name(path);
        let (training, serving) = if has_ending(name, "ipynb") {
            (true, false)
        } else if has_ending(name, "py") {
            let has = |known: &[&str]| words(name).any(|word| known.contains(&word.as_str()));
            (
                has(&["train", "training", "trainer", "finetune", "fit", "pretrain"]),
                has(&["serve", "server", "serving", "api", "app", "predict", "inference", "infer", "handler", "wsgi"]),
            )
        } else {
            return;
        };
        let sides = self.scripts.entry(folder(path).to_owned()).or_default();
        if training != serving {
            let side = if training { &mut sides.0 } else { &mut sides.1 };
            side.get_or_insert_with(|| name.to_owned());
        }
    }
}

fn kind(path: &str, format: &str, says: &BTreeSet<&'static str>) -> Kind {
    match format {
        "onnx" if has_ending(path, "onnx") => Kind::Model,
        "dockerfile" => Kind::Dockerfile,
        "compose" | "kubernetes" => Kind::Deployment,
        "triton-config" => Kind::Triton,
        _ if says.contains("package") => Kind::Packages,
        _ => Kind::Machine,
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it.eq_ignore_ascii_case(ending))
}

/// The folder of a path; empty for the working folder.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The words of a name, in lower case.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|it: char| !it.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Whether a path lies in a folder, or deeper.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}
