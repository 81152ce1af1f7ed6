//! What is known of a build stage while its instructions are followed, and where its files come from.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::words::{Expander, Mode, Value, Word, matches};
use crate::{
    fact::{Fact, FactKind, PackageName, Standing},
    input::{Files, Found, Skipped},
    text::{FileId, Place, Span},
};

/// Candidates for one file beyond this number are not looked at.
const CANDIDATE_LIMIT: usize = 64;

/// So many bytes that commands write into one file are kept.
const WRITTEN_LIMIT: usize = 1 << 20;

/// Copies of copies are followed this far.
const DEPTH_LIMIT: usize = 16;

/// What a command leaves behind in the image.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) what: What,
    pub(super) scope: Scope,
    /// The command that it comes from, counted through the whole file.
    pub(super) command: usize,
    /// Where its instruction begins.
    pub(super) order: usize,
    /// The stage whose command it was, unless its interpreter came along when it was copied.
    pub(super) stage: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Fact(Fact),
    Note(Skipped),
    /// A Python package is removed again.
    Uninstall(PackageName),
    /// A package of the system is removed again.
    Remove(String),
}

/// What a part belongs to, so that it can be told what a copy of some files brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Python packages of the interpreter or virtual environment in this folder; `/usr` is the system's own.
    Python(Arc<str>),
    /// Wheels that lie in this folder and are not installed.
    Wheels(Arc<str>),
    /// A model file at this path.
    Model(Arc<str>),
    System,
}

/// The folder that stands for the interpreter of the image itself.
pub(super) const SYSTEM: &str = "/usr";

/// Where a file of the image comes from.
#[derive(Debug, Clone)]
pub(super) struct Mapping {
    /// The path in the image, without a slash at its end.
    pub(super) to: String,
    /// It was written as a folder, so that sources keep their names in it.
    pub(super) folder: bool,
    pub(super) from: Origin,
}

#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// A path of the build context.
    Context(String),
    /// A path of another stage.
    Stage(usize, String),
    /// A path of the same stage before it was copied or moved.
    Moved(String),
    /// Nothing in the context: why.
    Nowhere(String),
    /// Text that the Dockerfile itself holds.
    Written(Arc<Written>),
}

/// What the commands of a build write into a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Pieces that each end a line.
    pub(super) pieces: Vec<Word>,
    /// It stands behind what was in the file before.
    pub(super) appended: bool,
    /// What is not known about it, and where that is said.
    pub(super) doubts: Vec<(Span, String)>,
}

/// A file of the image: what the context brings, and what is written behind it.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// A path relative to the Dockerfile, or why there is none.
    pub(super) file: Option<Result<String, String>>,
    pub(super) written: Vec<Arc<Written>>,
}

/// A variable of a stage.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) value: Value,
    /// As written, with the parts that are not known.
    pub(super) text: String,
    pub(super) span: Span,
}

/// A build stage.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) arguments: BTreeMap<String, Value>,
    pub(super) folder: String,
    pub(super) mappings: Vec<Mapping>,
    pub(super) items: Vec<Item>,
    /// The stages that it is built on or copies from.
    pub(super) uses: BTreeSet<usize>,
    /// The stage whose whole file system was copied into this one.
    pub(super) adopted: Option<usize>,
    pub(super) entrypoint: Vec<Word>,
    pub(super) command: Vec<Word>,
    /// Names of virtual environments that were created.
    pub(super) environments: BTreeSet<String>,
    /// Commands are read by a shell that is not one of Unix.
    pub(super) foreign_shell: bool,
    /// The conda environment that the shell runs in.
    pub(super) conda: Option<String>,
    /// What was installed under one name to be removed again.
    pub(super) bundles: BTreeMap<String, Vec<String>>,
    /// Something was done that may have brought GPU libraries which are no package.
    pub(super) unseen: bool,
}

/// What following the instructions of one stage needs.
pub(super) struct Scene<'s, 'f> {
    pub(super) files: &'s mut Files<'f>,
    pub(super) file: FileId,
    /// The stages before this one.
    pub(super) done: &'s [State],
    pub(super) names: &'s [Option<String>],
    pub(super) state: State,
    pub(super) budget: &'s Cell<usize>,
    /// Folders that may be the build context, relative to the Dockerfile, the likeliest first.
    pub(super) contexts: &'s [String],
    pub(super) escape: char,
    pub(super) commands: usize,
    /// Where the instruction at hand begins.
    pub(super) at: usize,
}

impl State {
    /// The value of a variable for the builder: `ENV` beats `ARG`.
    pub(super) fn value(&self, name: &str) -> Value {
        let environment = self.variables.get(name).map(|it| it.value.clone());
        environment.or_else(|| self.arguments.get(name).cloned()).unwrap_or(Value::Unset)
    }
}

impl Scene<'_, '_> {
    pub(super) fn push(&mut self, what: What, scope: Scope) {
        let (command, order) = (self.commands, self.at);
        let stage = Some(self.done.len());
        self.state.items.push(Item { what, scope, command, order, stage });
    }

    pub(super) fn fact(&mut self, kind: FactKind, span: Span, scope: Scope) {
        let place = Place { file: self.file, span };
        self.push(What::Fact(Fact { kind, standing: Standing::Declared, place }), scope);
    }

    /// Notes what is not read. A file that several commands ask for is missed once.
    pub(super) fn note(&mut self, span: Span, reason: impl Into<String>, scope: Scope) {
        let place = Place { file: self.file, span };
        let reason = reason.into();
        let known = |item: &Item| matches!(&item.what, What::Note(note) if note.reason == reason) && item.scope == scope;
        if reason.contains(NOT_FOLLOWED) && self.state.items.iter().rev().take(NOTES_COMPARED).any(known) {
            return;
        }
        self.push(What::Note(Skipped { place, reason }), scope);
    }

    /// Words as the builder reads them.
    pub(super) fn expand<T>(&self, work: impl FnOnce(&Expander<'_>) -> T) -> T {
        let lookup = |name: &str| self.state.value(name);
        work(&Expander { lookup: &lookup, mode: Mode::Builder(self.escape), budget: self.budget })
    }

    /// Why a part of a word has no value.
    pub(super) fn why_unknown(&self, shown: &str) -> String {
        why_unknown(shown, |name| self.state.arguments.contains_key(name))
    }

    /// The stage that a name or number stands for, among those before this one.
    pub(super) fn stage(&self, name: &str) -> Option<usize> {
        let lower = name.to_lowercase();
        let named = self.names[..self.done.len()].iter().rposition(|it| it.as_deref() == Some(lower.as_str()));
        named.or_else(|| name.parse().ok().filter(|number| *number < self.done.len()))
    }

    /// The path in the image that a word means.
    pub(super) fn path(&self, text: &str) -> String {
        resolve(&self.state.folder, text)
    }

    /// The file of the build context that lies at a path of the image, as a path relative to the Dockerfile.
    pub(super) fn find(&self, path: &str) -> Result<String, String> {
        let mut found = Vec::new();
        candidates(&self.state.mappings, path, self.done, 0, &mut found);
        self.first(&found, path)
    }

    /// What a file at a path of the image holds.
    pub(super) fn source(&self, path: &str) -> Source {
        let mut found = Vec::new();
        candidates(&self.state.mappings, path, self.done, 0, &mut found);
        let mut written = Vec::new();
        for candidate in &found {
            match candidate {
                Candidate::Written(piece) => {
                    written.insert(0, Arc::clone(piece));
                    if !piece.appended {
                        return Source { file: None, written };
                    }
                }
                Candidate::Context(source, _) => {
                    if let Some(found) = self.in_context(source) {
                        return Source { file: Some(Ok(found)), written };
                    }
                }
                Candidate::Nowhere(reason) => return Source { file: Some(Err(reason.clone())), written },
            }
        }
        // What is written behind a file that is not there begins it.
        let file = written.is_empty().then(|| self.first(&found, path));
        Source { file, written }
    }

    /// The file of the build context at this path, relative to the Dockerfile.
    fn in_context(&self, source: &str) -> Option<String> {
        let mut places = self.contexts.iter().map(|context| format!("{context}{source}"));
        places.find(|it| self.files.look(self.file, it) == Some(Found::File))
    }

    /// Notes that a command writes a file. `text` is what it writes, as far as that is known.
    pub(super) fn write(&mut self, to: String, text: Result<Word, (Span, String)>, appended: bool) {
        let (pieces, doubts) = match text {
            Ok(text) => (vec![text], Vec::new()),
            Err(doubt) => (Vec::new(), vec![doubt]),
        };
        if let Some(Mapping { to: last, from: Origin::Written(known), .. }) = self.state.mappings.last_mut()
            && *last == to
            && appended
        {
            let known = Arc::make_mut(known);
            let size: usize = known.pieces.iter().map(|it| it.line.text.len()).sum();
            if size > WRITTEN_LIMIT || known.doubts.len() > 20 {
                return;
            }
            known.pieces.extend(pieces);
            known.doubts.extend(doubts);
            return;
        }
        let written = Written { pieces, appended, doubts };
        self.map(to, false, Origin::Written(Arc::new(written)));
    }

    fn first(&self, candidates: &[Candidate], path: &str) -> Result<String, String> {
        for candidate in candidates {
            match candidate {
                Candidate::Context(source, _) => {
                    if let Some(found) = self.in_context(source) {
                        return Ok(found);
                    }
                }
                Candidate::Nowhere(reason) => return Err(reason.clone()),
                Candidate::Written(_) => return Err("the Dockerfile writes it".to_owned()),
            }
        }
        // Of the copies that could have brought it, the one that names it or whose folder is there is the one that was meant.
        let named = candidates.iter().find_map(|candidate| match candidate {
            Candidate::Context(source, true) => Some(source),
            _ => None,
        });
        let there = || candidates.iter().find_map(|candidate| match candidate {
            Candidate::Context(source, _) => {
                let parent = source.rsplit_once('/').map_or("", |(parent, _)| parent);
                let folder = |context: &String| self.files.look(self.file, &format!("{context}{parent}/")) == Some(Found::Folder);
                self.contexts.iter().any(folder).then_some(source)
            }
            Candidate::Nowhere(_) | Candidate::Written(_) => None,
        });
        match named.or_else(there) {
            Some(source) => Err(format!("`{}` is not in the build context", shortened(source))),
            None => Err(format!("no instruction copies a file to `{}`", shortened(path))),
        }
    }

    /// Adds a file of the image.
    pub(super) fn map(&mut self, to: String, folder: bool, from: Origin) {
        self.state.mappings.push(Mapping { to, folder, from });
    }
}

/// What the notes about files have in common.
const NOT_FOLLOWED: &str = "is not followed";

/// So many of the last notes and facts are looked at for a note that says the same.
const NOTES_COMPARED: usize = 64;

/// Why a part of a word has no value.
pub(super) fn why_unknown(shown: &str, is_argument: impl Fn(&str) -> bool) -> String {
    let name: String = shown
        .trim_start_matches(['$', '{'])
        .chars()
        .take_while(|it| it.is_ascii_alphanumeric() || *it == '_')
        .collect();
    let shown = shortened(shown.trim_matches('`'));
    if shown.starts_with("$(") || !shown.starts_with('$') {
        format!("`{shown}` is only known while the image is built")
    } else if is_argument(&name) {
        format!("`{shown}` has no value; `--define {name}=VALUE` gives one")
    } else {
        format!("`{shown}` has no value here")
    }
}

enum Candidate {
    /// A path of the build context, and whether an instruction names this very path.
    Context(String, bool),
    Nowhere(String),
    Written(Arc<Written>),
}

/// Where a path of an image may come from, newest first.
fn candidates(mappings: &[Mapping], path: &str, done: &[State], depth: usize, out: &mut Vec<Candidate>) {
    if depth >= DEPTH_LIMIT {
        return;
    }
    for (at, mapping) in mappings.iter().enumerate().rev() {
        let rest = match path.strip_prefix(mapping.to.as_str()) {
            Some("") => "",
            Some(rest) if rest.starts_with('/') => &rest[1..],
            Some(rest) if mapping.to == "/" => rest,
            _ => continue,
        };
        for source in sources(&mapping.from, mapping.folder, rest) {
            if out.len() >= CANDIDATE_LIMIT {
                return;
            }
            match &mapping.from {
                Origin::Context(named) => {
                    let exact = named.trim_end_matches('/') == source;
                    out.push(Candidate::Context(source, exact));
                }
                Origin::Stage(stage, _) => {
                    if let Some(state) = done.get(*stage) {
                        candidates(&state.mappings, &resolve("/", &source), done, depth + 1, out);
                    }
                }
                Origin::Moved(_) => candidates(&mappings[..at], &source, done, depth + 1, out),
                Origin::Nowhere(reason) => out.push(Candidate::Nowhere(reason.clone())),
                Origin::Written(_) if !rest.is_empty() => {}
                Origin::Written(written) => out.push(Candidate::Written(Arc::clone(written))),
            }
        }
    }
}

/// The paths at the origin that would end up at `rest` below the copy.
fn sources(from: &Origin, folder: bool, rest: &str) -> Vec<String> {
    let (Origin::Context(path) | Origin::Stage(_, path) | Origin::Moved(path)) = from else {
        return vec![String::new()];
    };
    let path = path.trim_end_matches('/');
    if rest.is_empty() {
        return if folder { Vec::new() } else { vec![path.to_owned()] };
    }
    let (parent, name) = path.rsplit_once('/').map_or(("", path), |(parent, name)| (parent, name));
    let below = |folder: &str| if folder.is_empty() || folder == "." { rest.to_owned() } else { format!("{folder}/{rest}") };
    let first = rest.split('/').next().unwrap_or(rest);
    let mut out = Vec::new();
    if name.contains(['*', '?', '[']) {
        if matches(name, first) {
            out.push(below(parent));
        }
        return out;
    }
    if name == rest {
        out.push(path.to_owned());
    }
    out.push(below(path));
    out
}

/// Joins and resolves paths of an image by their spelling.
pub(super) fn resolve(folder: &str, path: &str) -> String {
    let home = ["~", "$HOME", "${HOME}"].iter().find_map(|it| path.strip_prefix(it).filter(|rest| rest.is_empty() || rest.starts_with('/')));
    let joined = match home {
        Some(rest) => format!("/root{rest}"),
        None if path.starts_with('/') => path.to_owned(),
        None => format!("{folder}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether one path is the other or lies in it.
pub(super) fn within(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The first characters of a long text.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_traced_back_to_the_context() {
        let context = |to: &str, folder, from: &str| Mapping { to: to.into(), folder, from: Origin::Context(from.into()) };
        let builder = State { mappings: vec![context("/src/reqs", true, "deps/*.txt")], ..State::default() };
        let mappings = [
            context("/app", false, "."),
            context("/tmp/r.txt", false, "reqs/prod.txt"),
            context("/tmp", true, "reqs/base.txt"),
            Mapping { to: "/w".into(), folder: false, from: Origin::Stage(0, "/src/reqs".into()) },
            Mapping { to: "/m.txt".into(), folder: false, from: Origin::Moved("/tmp/r.txt".into()) },
        ];
        for (path, expected) in [
            ("/app/a/b.txt", &["a/b.txt"][..]),
            ("/tmp/r.txt", &["reqs/base.txt/r.txt", "reqs/prod.txt"]),
            ("/tmp/base.txt", &["reqs/base.txt", "reqs/base.txt/base.txt"]),
            ("/w/gpu.txt", &["deps/gpu.txt"]),
            ("/m.txt", &["reqs/base.txt/r.txt", "reqs/prod.txt"]),
            ("/other", &[]),
        ] {
            let mut found = Vec::new();
            candidates(&mappings, path, std::slice::from_ref(&builder), 0, &mut found);
            let found: Vec<&str> = found
                .iter()
                .map(|it| match it {
                    Candidate::Context(path, _) | Candidate::Nowhere(path) => path.as_str(),
                    Candidate::Written(_) => "",
                })
                .collect();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn paths_are_resolved_by_spelling() {
        assert_eq!(resolve("/app", "./a/../b/"), "/app/b");
        assert_eq!(resolve("/app", "/x"), "/x");
        assert_eq!(resolve("/app", "~/.local"), "/root/.local");
        assert_eq!(resolve("/", "../.."), "/");
        assert!(within("/opt/venv/lib", "/opt/venv") && !within("/opt/venv2", "/opt/venv"));
    }
}
