//! The files of a run: opened below a root that includes cannot leave, decoded once, remembered by number.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::text::{DecodeError, FileId, Form, Place, Position, Source, Sources, decode};

/// Text files larger than this are not read: no declaration is that long, and a spare gigabyte is not ours to take.
pub const TEXT_LIMIT: usize = 32 << 20;

/// Files at least this large are mapped instead of copied.
const MAP_FROM: u64 = 1 << 20;

/// Values for `${NAME}`, as given by `--define NAME=VALUE`.
pub type Defines = BTreeMap<String, String>;

/// Contents that files would have after an edit, by their full path.
pub type Overlay = BTreeMap<PathBuf, Content>;

/// The bytes of a file, copied or mapped.
#[derive(Debug, Clone)]
pub enum Content {
    /// Read into memory.
    Owned(Arc<[u8]>),
    /// Mapped: only what is looked at is loaded.
    Mapped(Arc<memmap2::Mmap>),
}

impl std::ops::Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Content::Owned(bytes) => bytes,
            Content::Mapped(map) => map,
        }
    }
}

impl Content {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// What the system says; a folder or a device is refused.
    pub fn open(path: &Path) -> io::Result<Content> {
        let file = std::fs::File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        if metadata.len() < MAP_FROM {
            return Ok(Content::Owned(std::fs::read(path)?.into()));
        }
        #[expect(
            unsafe_code,
            reason = "mapping is unsafe because others may change the file while it is mapped; a linter accepts that"
        )]
        // SAFETY: the bytes are only ever read as bytes. A file that is truncated meanwhile ends the process (SIGBUS), as
        // the crate documents; nothing else can go wrong.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        Ok(Content::Mapped(Arc::new(map)))
    }

    /// Opens a file as it would be with another byte; the file itself stays as it is.
    ///
    /// # Errors
    ///
    /// What the system says; a file that ends before the byte is refused.
    pub fn open_with_byte(path: &Path, at: usize, byte: u8) -> io::Result<Content> {
        let file = std::fs::File::open(path)?;
        #[expect(
            unsafe_code,
            reason = "mapping is unsafe because others may change the file while it is mapped; a linter accepts that"
        )]
        // SAFETY: as in `open`; the page that is written is private to this process.
        let mut map = unsafe { memmap2::MmapOptions::new().map_copy(&file)? };
        match map.get_mut(at) {
            Some(place) => *place = byte,
            None => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
        Ok(Content::Mapped(Arc::new(map.make_read_only()?)))
    }
}

/// Why an included file was not followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncludeError {
    /// The path leaves the folder that envcheck was given.
    OutsideRoot,
    /// The file is already being read.
    Cycle,
    /// Too many files inside each other, or altogether.
    TooMany,
    /// The system could not read it.
    Unreadable(String),
    /// It is not text.
    NotText(String),
    /// The path is a URL or names a scheme.
    Remote,
}

impl fmt::Display for IncludeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IncludeError::OutsideRoot => f.write_str("it lies outside the folder that envcheck was given"),
            IncludeError::Cycle => f.write_str("it includes itself"),
            IncludeError::TooMany => f.write_str("too many files include each other"),
            IncludeError::Unreadable(why) | IncludeError::NotText(why) => f.write_str(why),
            IncludeError::Remote => f.write_str("envcheck downloads nothing"),
        }
    }
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File,
    /// A folder.
    Folder,
}

struct Entry {
    path: Option<PathBuf>,
    root: Option<PathBuf>,
    content: Content,
}

/// Limits how many files one run follows through includes.
const INCLUDE_LIMIT: usize = 1_000;

/// All files of a run, with what readers need to know beside the bytes.
pub struct Files<'a> {
    sources: &'a mut Sources,
    defines: &'a Defines,
    target: Option<&'a str>,
    overlay: Option<&'a Overlay>,
    entries: BTreeMap<FileId, Entry>,
    included: BTreeSet<PathBuf>,
    opened: usize,
}

impl<'a> Files<'a> {
    /// Files that will be added to `sources`.
    pub fn new(sources: &'a mut Sources, defines: &'a Defines) -> Self {
        Files {
            sources,
            defines,
            target: None,
            overlay: None,
            entries: BTreeMap::new(),
            included: BTreeSet::new(),
            opened: 0,
        }
    }

    /// The same, with the build stage that is asked for by `--target STAGE`.
    #[must_use]
    pub fn with_target(mut self, target: Option<&'a str>) -> Self {
        self.target = target;
        self
    }

    /// The same, with files as they would be after an edit.
    #[must_use]
    pub fn with_overlay(mut self, overlay: &'a Overlay) -> Self {
        self.overlay = Some(overlay);
        self
    }

    /// Opens a file, or what it would be.
    ///
    /// # Errors
    ///
    /// What the system says; a folder or a device is refused.
    pub fn open(&self, path: &Path) -> io::Result<Content> {
        let edited = self.overlay.filter(|overlay| !overlay.is_empty()).and_then(|overlay| {
            let folder = std::env::current_dir().unwrap_or_default();
            overlay.get(&normalise(&folder.join(path)))
        });
        edited.map_or_else(|| Content::open(path), |content| Ok(content.clone()))
    }

    /// Adds a file whose bytes are at hand. `path` is where it lies (standard input has none), `root` the folder that
    /// its includes must not leave. Text is decoded here; a binary file gets an empty view until its reader makes one.
    pub fn add(&mut self, shown: String, content: Content, path: Option<PathBuf>, root: Option<PathBuf>) -> FileId {
        let text = text_of(&content).and_then(Result::ok);
        let source = match text {
            Some(text) => Source::new(shown, Form::Text, text.into()),
            None => Source::new(shown, Form::View, "".into()),
        };
        let file = self.sources.add(source);
        self.entries.insert(file, Entry { path, root, content });
        file
    }

    /// The bytes of a file.
    ///
    /// # Panics
    ///
    /// For a file of another run.
    #[must_use]
    pub fn bytes(&self, file: FileId) -> Content {
        self.entries[&file].content.clone()
    }

    /// The decoded text; empty for a binary file.
    #[must_use]
    pub fn text(&self, file: FileId) -> Arc<str> {
        self.sources.get(file).shared_text()
    }

    /// The path as shown to the user.
    #[must_use]
    pub fn shown_path(&self, file: FileId) -> &str {
        &self.sources.get(file).path
    }

    /// Where the file lies, if it lies anywhere.
    #[must_use]
    pub fn disk_path(&self, file: FileId) -> Option<&Path> {
        self.entries.get(&file).and_then(|entry| entry.path.as_deref())
    }

    /// Replaces the text by another decoding of the same bytes (a PEP 263 comment may ask for one).
    pub fn set_text(&mut self, file: FileId, text: String) {
        self.sources.replace(file, Form::Text, text);
    }

    /// Gives a binary file something to look at.
    pub fn set_view(&mut self, file: FileId, view: String) {
        self.sources.replace(file, Form::View, view);
    }

    /// Where the files lie that others included.
    #[must_use]
    pub fn included_paths(&self) -> &BTreeSet<PathBuf> {
        &self.included
    }

    /// The line and column of a place.
    #[must_use]
    pub fn position(&self, place: Place) -> Position {
        self.sources.position(place)
    }

    /// The value of `${name}`, if one was given.
    #[must_use]
    pub fn define(&self, name: &str) -> Option<&str> {
        self.defines.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The build stage that is asked for, if one is.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target
    }

    /// What lies at a path relative to a file, as far as includes may look: nothing is opened.
    #[must_use]
    pub fn look(&self, from: FileId, relative: &str) -> Option<Found> {
        let entry = self.entries.get(&from)?;
        let (base, root) = (entry.path.as_deref()?.parent()?, entry.root.as_deref()?);
        let wanted = normalise(&base.join(relative));
        if relative.contains("://") || relative.contains('\0') || !wanted.starts_with(normalise(root)) {
            return None;
        }
        if !wanted.canonicalize().ok()?.starts_with(root.canonicalize().ok()?) {
            return None;
        }
        let metadata = std::fs::metadata(&wanted).ok()?;
        if metadata.is_dir() { Some(Found::Folder) } else { metadata.is_file().then_some(Found::File) }
    }

    /// Opens a file that another one names, relative to that one. `stack` holds the files being read, outermost first.
    ///
    /// # Errors
    ///
    /// When it may not or cannot be read.
    pub fn include(&mut self, from: FileId, relative: &str, stack: &[FileId]) -> Result<FileId, IncludeError> {
        if relative.contains("://") {
            return Err(IncludeError::Remote);
        }
        if stack.len() >= 50 || self.opened >= INCLUDE_LIMIT {
            return Err(IncludeError::TooMany);
        }
        let entry = &self.entries[&from];
        let (Some(base), Some(root)) = (entry.path.as_deref().and_then(Path::parent), entry.root.clone()) else {
            return Err(IncludeError::Unreadable("standard input has no folder to look in".into()));
        };
        let wanted = normalise(&base.join(relative));
        let unreadable = |fault: &io::Error| IncludeError::Unreadable(reason(fault));
        if !wanted.starts_with(normalise(&root)) {
            return Err(IncludeError::OutsideRoot);
        }
        // A symbolic link must not lead out either.
        let real_root = root.canonicalize().map_err(|fault| unreadable(&fault))?;
        let real = wanted.canonicalize().map_err(|fault| unreadable(&fault))?;
        if !real.starts_with(&real_root) {
            return Err(IncludeError::OutsideRoot);
        }
        let same = |file: &FileId| {
            self.entries[file].path.as_deref().and_then(|path| path.canonicalize().ok()).as_ref() == Some(&real)
        };
        if stack.iter().any(same) {
            return Err(IncludeError::Cycle);
        }
        let content = self.open(&wanted).map_err(|fault| unreadable(&fault))?;
        match text_of(&content) {
            None => return Err(IncludeError::NotText("it is too large to be a text file".into())),
            // Another encoding may be declared inside, so only bytes that no text file holds are refused here.
            Some(Err(fault)) if content.contains(&0) => return Err(IncludeError::NotText(fault.to_string())),
            Some(_) => {}
        }
        self.opened += 1;
        self.included.insert(wanted.clone());
        let shown = shown_relative(self.shown_path(from), relative);
        Ok(self.add(shown, content, Some(wanted), Some(root)))
    }
}

/// The text of a file, `None` if it is too large to be one.
#[must_use]
pub fn text_of(content: &[u8]) -> Option<Result<String, DecodeError>> {
    (content.len() <= TEXT_LIMIT).then(|| decode(content))
}

/// A system error in lower case, without its number.
#[must_use]
pub fn reason(fault: &io::Error) -> String {
    match fault.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => {
            let text = fault.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

/// Resolves `.` and `..` by their spelling alone.
#[must_use]
pub fn normalise(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn shown_relative(from: &str, relative: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let joined = if folder.is_empty() { PathBuf::from(relative) } else { Path::new(folder).join(relative) };
    normalise(&joined).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_by_spelling() {
        assert_eq!(normalise(Path::new("a/./b/../c")), Path::new("a/c"));
        assert_eq!(normalise(Path::new("../a/../../b")), Path::new("../../b"));
        assert_eq!(shown_relative("serve/requirements.txt", "../base.txt"), "base.txt");
        assert_eq!(shown_relative("requirements.txt", "./base.txt"), "base.txt");
    }
}
