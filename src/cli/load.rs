//! Finds the inputs of a side, reads them, and assembles environments.

use std::{
    env, fs,
    io::Read as _,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    thread,
};

use super::{Failure, InputOptions, sides::Wanted};
use crate::{
    config,
    environment::{Environment, Side},
    fact::{Fact, FactKind, ImageRole},
    input::{self, Claim, Content, Defines, FORMATS, Files, Format, Overlay, Probe, Reading, files},
    knowledge::{Knowledge, image::Reference},
    report::{InputSummary, ReportedSide, SkippedPart},
    text::{FileId, Sources, escape},
};

/// Files in one folder beyond this number are not looked at: such a folder is no description of an environment.
pub(super) const MOST_FILES: usize = 20_000;

/// Folders that hold installed or generated things, never declarations.
const SKIPPED_FOLDERS: [&str; 7] =
    ["node_modules", "site-packages", "dist-packages", "__pycache__", "venv", "env", "target"];

/// Reads all sides.
pub(super) fn load(
    wanted: &[Wanted],
    options: &InputOptions,
    knowledge: &Knowledge,
    sources: &mut Sources,
    overlay: &Overlay,
) -> Result<Vec<ReportedSide>, Failure> {
    let defines: Defines = options.define.iter().cloned().collect();
    let mut files = Files::new(sources, &defines).with_target(options.target.as_deref()).with_overlay(overlay);
    let mut loader = Loader { files: &mut files, options, knowledge, root: None };
    if let [training, serving] = wanted
        && let Some(sides) = loader.two_locks([training, serving])?
    {
        return Ok(sides.into());
    }
    wanted.iter().map(|side| loader.side(side)).collect()
}

/// Bytes of a model on standard input: as many as a protobuf message can have.
const MODEL_LIMIT: u64 = 1 << 31;

struct Loader<'f, 'a> {
    files: &'f mut Files<'a>,
    options: &'f InputOptions,
    knowledge: &'f Knowledge,
    /// The folder that includes must not leave, where one is given.
    root: Option<PathBuf>,
}

/// One file that was read.
pub(super) struct ReadFile {
    path: String,
    pub(super) disk: Option<PathBuf>,
    format: &'static Format,
    pub(super) facts: Vec<Fact>,
    pub(super) skipped: Vec<SkippedPart>,
}

impl Loader<'_, '_> {
    /// Both sides, where each of them is one of envcheck's own locks: such a file needs nothing beside it, so that the two
    /// are read at the same time.
    fn two_locks(&mut self, wanted: [&Wanted; 2]) -> Result<Option<[ReportedSide; 2]>, Failure> {
        let mut opened = Vec::new();
        for side in wanted {
            let ([path], true, true) = (side.inputs.as_slice(), side.models.is_empty(), side.declared.is_empty())
            else {
                return Ok(None);
            };
            let shown = shown(path);
            if !(path.extension().is_some_and(|it| it == "lock") && path.is_file()) {
                return Ok(None);
            }
            let Ok(content) = self.files.open(path) else { return Ok(None) };
            let format = recognise(&shown, &content, Claim::Named).filter(|it| it.name == input::ENVCHECK_LOCK);
            let Some(format) = format else { return Ok(None) };
            opened.push((path, shown, content, format));
        }
        let mut locks = opened.into_iter().map(|(path, shown, content, format)| {
            let disk = absolute(path);
            let file = self.files.add(shown, content, Some(disk), None);
            (file, format, self.files.text(file))
        });
        let (Some(first), Some(second)) = (locks.next(), locks.next()) else { return Ok(None) };
        drop(locks);
        let knowledge = self.knowledge;
        let (training, serving) = thread::scope(|scope| {
            let other = scope.spawn(|| lock(wanted[1], &second.2, second.0, knowledge));
            let training = lock(wanted[0], &first.2, first.0, knowledge);
            (training, other.join())
        });
        let mut sides = Vec::new();
        for ((file, format, _), read) in [(first, training), (second, serving.unwrap_or(None))] {
            // A defect of a reader must not look like a verdict.
            let (reading, environment) = read.ok_or_else(|| self.defect(file, format))?;
            let facts = 0..environment.facts().len();
            let ReadFile { path, skipped, .. } = self.finished(file, format, reading)?;
            let inputs = vec![InputSummary { path, format: format.name, facts, skipped }];
            sides.push(ReportedSide { environment, inputs });
        }
        Ok(<[ReportedSide; 2]>::try_from(sides).ok())
    }

    fn side(&mut self, wanted: &Wanted) -> Result<ReportedSide, Failure> {
        let mut read: Vec<ReadFile> = Vec::new();
        self.root.clone_from(&wanted.root);
        for path in &wanted.inputs {
            if path.as_os_str() == "-" {
                read.push(self.stdin(files::TEXT_LIMIT as u64 + 1)?);
            } else if path.is_dir() {
                read.extend(self.folder(path)?);
            } else {
                read.push(self.named(path)?);
            }
        }
        let mut declared = wanted.declared.clone();
        for model in &wanted.models {
            let mut file =
                if model.path.as_os_str() == "-" { self.stdin(MODEL_LIMIT)? } else { self.named(&model.path)? };
            if !file.facts.iter().any(|fact| matches!(fact.kind, FactKind::Model(_))) {
                let path = model.path.display();
                return Err(Failure::new(format!("`{path}` is {}, expected a model file", file.format.name)));
            }
            // A model in the folder of a side may be named again.
            read.retain(|known| known.disk.is_none() || known.disk != file.disk);
            for fact in &mut file.facts {
                if let (FactKind::Model(own), Some(stated)) = (&mut fact.kind, &model.declared)
                    && let FactKind::Model(about) = &stated.kind
                {
                    config::complete(own, about);
                    declared.extend(config::declared_signature(own, stated));
                }
            }
            read.push(file);
        }
        self.leave_out_built(&mut read);
        leave_out_answered(&mut read);
        for file in &mut read {
            note_unknown_bases(file, self.knowledge);
        }
        let mut facts = Vec::new();
        let mut inputs = Vec::new();
        for file in read {
            let start = facts.len();
            if facts.is_empty() {
                facts = file.facts;
            } else {
                facts.extend(file.facts);
            }
            let range = start..facts.len();
            inputs.push(InputSummary {
                path: file.path,
                format: file.format.name,
                facts: range,
                skipped: file.skipped,
            });
        }
        if !declared.is_empty() {
            let start = facts.len();
            facts.extend(declared);
            let path = wanted.declared_in.clone();
            let declared =
                InputSummary { path, format: config::FILE_NAME, facts: start..facts.len(), skipped: Vec::new() };
            inputs.push(declared);
        }
        let side = wanted.side.unwrap_or(Side::Alone);
        Ok(ReportedSide { environment: Environment::new(&wanted.name, side, facts, self.knowledge), inputs })
    }

    /// A Dockerfile that is named beside the project that builds it was read there, as it is built.
    fn leave_out_built(&self, read: &mut Vec<ReadFile>) {
        let named: Vec<PathBuf> =
            read.iter().filter(|file| file.format.name == DOCKERFILE).filter_map(|file| file.disk.clone()).collect();
        if named.is_empty() || read.len() < 2 {
            return;
        }
        let others = read.iter().filter(|file| file.format.name != DOCKERFILE).flat_map(|file| &file.facts);
        let built: Vec<PathBuf> = others
            .filter(|fact| matches!(fact.kind, FactKind::Image(_)))
            .filter_map(|fact| self.files.disk_path(fact.place.file).map(Path::to_path_buf))
            .filter(|path| named.contains(path))
            .collect();
        read.retain(|file| {
            file.format.name != DOCKERFILE || file.disk.as_ref().is_none_or(|path| !built.contains(path))
        });
    }

    fn stdin(&mut self, limit: u64) -> Result<ReadFile, Failure> {
        let mut bytes = Vec::new();
        if let Err(fault) = std::io::stdin().lock().take(limit).read_to_end(&mut bytes) {
            return Err(Failure::new(format!("could not read standard input: {}", files::reason(&fault))));
        }
        let name = self.options.stdin_filename.clone().unwrap_or_else(|| "<stdin>".to_owned());
        let content = Content::Owned(bytes.into());
        let format = recognise(&name, &content, Claim::Named).ok_or_else(|| unknown(&name, &content))?;
        let disk = self.options.stdin_filename.as_ref().map(PathBuf::from);
        let root = env::current_dir().ok();
        let file = self.files.add(name, content, disk.map(|path| absolute(&path)), root);
        self.read(file, format)
    }

    /// The folder that includes must not leave.
    fn root_of(&self, input: &Path, folder: Option<&Path>) -> Option<PathBuf> {
        let given = self.root.as_ref().filter(|root| input.starts_with(root));
        given.cloned().or_else(|| root_of(input, folder))
    }

    /// A file that the user named: any claim will do, and no claim is an error.
    fn named(&mut self, path: &Path) -> Result<ReadFile, Failure> {
        let shown = shown(path);
        let content = self.files.open(path).map_err(|fault| unreadable(&shown, &fault))?;
        let format = recognise(&shown, &content, Claim::Named).ok_or_else(|| unknown(&shown, &content))?;
        let disk = absolute(path);
        let root = self.root_of(&disk, None);
        let file = self.files.add(shown, content, Some(disk), root);
        self.read(file, format)
    }

    /// Every file of a folder that a format claims. What `.gitignore` hides is not looked for.
    fn folder(&mut self, folder: &Path) -> Result<Vec<ReadFile>, Failure> {
        let shown_folder = shown(folder);
        fs::read_dir(folder).map_err(|fault| unreadable(&shown_folder, &fault))?;
        let mut found: Vec<ReadFile> = Vec::new();
        let root = self.root_of(&absolute(folder), Some(folder));
        let mut seen = 0_usize;
        for entry in walk(folder).flatten() {
            if !entry.file_type().is_some_and(|it| it.is_file()) {
                continue;
            }
            seen += 1;
            if seen > MOST_FILES {
                return Err(Failure::new(format!(
                    "`{shown_folder}` holds more than {MOST_FILES} files: name the inputs instead"
                )));
            }
            let path = entry.path();
            let Ok(content) = self.files.open(path) else { continue };
            let name = shown(path);
            // A lock file that cannot be read is no file of another kind: without it the verdict would be about nothing.
            let Some(format) = recognise(&name, &content, Claim::Likely).or_else(|| lock_called(&name)) else {
                continue;
            };
            let file = self.files.add(name, content, Some(absolute(path)), root.clone());
            found.push(self.read(file, format)?);
        }
        // A file that another one includes was read there, as what it is there (a constraints file, say).
        let included = self.files.included_paths();
        found.retain(|file| file.disk.as_ref().is_none_or(|disk| !included.contains(disk)));
        super::repository::leave_out_idle_versions(&mut found);
        if found.is_empty() {
            return Err(Failure::new(format!(
                "found no input in `{shown_folder}`; envcheck looked for:\n{}",
                formats()
            )));
        }
        Ok(found)
    }

    fn read(&mut self, file: FileId, format: &'static Format) -> Result<ReadFile, Failure> {
        // A defect of a reader must not look like a verdict.
        let reading = catch_unwind(AssertUnwindSafe(|| (format.read)(self.files, file)));
        self.finished(file, format, reading.map_err(|_| self.defect(file, format))?)
    }

    fn defect(&self, file: FileId, format: &Format) -> Failure {
        let path = self.files.shown_path(file);
        Failure::new(format!("internal error while reading `{path}` as {}: please report it", format.name))
    }

    fn finished(&self, file: FileId, format: &'static Format, reading: Reading) -> Result<ReadFile, Failure> {
        let path = self.files.shown_path(file).to_owned();
        if let Some(fault) = reading.fault {
            let place = fault.place.map_or_else(String::new, |place| {
                let position = self.files.position(place);
                format!(":{}:{}", position.line, position.column)
            });
            let message = format!("`{path}{place}` is no readable {}: {}", format.name, fault.message);
            return Err(Failure::new(escape_lines(&message)));
        }
        let skipped =
            reading.skipped.into_iter().map(|part| SkippedPart { place: part.place, reason: part.reason }).collect();
        let disk = self.files.disk_path(file).map(Path::to_path_buf);
        Ok(ReadFile { path, disk, format, facts: reading.facts, skipped })
    }
}

/// The format that says what images are made of.
const DOCKERFILE: &str = "dockerfile";

/// Says that nothing is known of what a base image brings. An image that a manifest names is mostly one's own.
fn note_unknown_bases(file: &mut ReadFile, knowledge: &Knowledge) {
    for fact in &file.facts {
        if let FactKind::Image(image) = &fact.kind
            && image.role == ImageRole::Runs
            && image.stage.as_deref() == Some("final")
            && !knowledge.knows_image(&Reference::parse(&image.reference))
        {
            let reason = format!("what the image `{}` brings is not known", image.reference);
            file.skipped.insert(0, SkippedPart { place: fact.place, reason });
        }
    }
}

/// Takes away the wish for a file that was named as well.
fn leave_out_answered(read: &mut [ReadFile]) {
    let named: Vec<PathBuf> = read.iter().filter_map(|file| file.disk.clone()).collect();
    for file in read {
        let Some(folder) = file.disk.as_deref().and_then(Path::parent) else { continue };
        file.skipped.retain(|part| {
            let wished = input::wished_file(&part.reason).map(|it| files::normalise(&folder.join(it)));
            wished.is_none_or(|path| !named.contains(&path))
        });
    }
}

/// Reads one of envcheck's own locks, and makes the side of it; nothing, if the reader breaks down.
fn lock(wanted: &Wanted, text: &str, file: FileId, knowledge: &Knowledge) -> Option<(Reading, Environment)> {
    let mut reading = catch_unwind(|| input::read_envcheck_lock(text, file)).ok()?;
    let facts = mem::take(&mut reading.facts);
    let side = wanted.side.unwrap_or(Side::Alone);
    Some((reading, Environment::new(&wanted.name, side, facts, knowledge)))
}

pub(super) fn recognise(shown: &str, content: &Content, least: Claim) -> Option<&'static Format> {
    let name = shown.rsplit('/').next().unwrap_or(shown);
    let text = files::text_of(content).and_then(Result::ok);
    input::recognise(&Probe { name, bytes: content, text: text.as_deref() }, least)
}

/// The format of a lock file by its very name, whatever is in it.
pub(super) fn lock_called(shown: &str) -> Option<&'static Format> {
    let name = shown.rsplit('/').next().unwrap_or(shown);
    let name = if name == "envcheck.lock" { "envcheck-lock" } else { name };
    let locks = [
        "conda-lock.yml",
        "pixi.lock",
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile.lock",
        "pylock.toml",
        "envcheck-lock",
    ];
    FORMATS.iter().copied().find(|format| format.name == name && locks.contains(&name))
}

/// The formats as a list for a message.
fn formats() -> String {
    FORMATS.iter().map(|format| format!("  {:<20} {}", format.name, format.about)).collect::<Vec<_>>().join("\n")
}

fn unknown(shown: &str, content: &Content) -> Failure {
    // Readers of text never see bytes that are none, so the encoding may be the whole reason.
    let encoding = match files::text_of(content) {
        Some(Err(fault)) => {
            let line = content[..fault.offset.min(content.len())].split(|&byte| byte == b'\n').count();
            format!("\nits line {line} is not text: {fault}; if it should be text, save it as UTF-8")
        }
        _ => String::new(),
    };
    Failure::new(format!("no reader understands `{}`; envcheck looked for:\n{}{encoding}", escape(shown), formats()))
}

pub(super) fn unreadable(shown: &str, fault: &std::io::Error) -> Failure {
    Failure::new(format!("could not read `{}`: {}", escape(shown), files::reason(fault)))
}

fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

pub(super) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

pub(super) fn absolute(path: &Path) -> PathBuf {
    let joined = env::current_dir().map_or_else(|_| path.to_path_buf(), |folder| folder.join(path));
    files::normalise(&joined)
}

/// The folder that includes must not leave: the working folder if the input lies in it, else the input's own folder.
fn root_of(input: &Path, folder: Option<&Path>) -> Option<PathBuf> {
    let working = env::current_dir().ok()?;
    if input.starts_with(&working) {
        return Some(working);
    }
    if folder.is_some() { Some(input.to_path_buf()) } else { input.parent().map(Path::to_path_buf) }
}

/// What lies in a folder, by name. What `.gitignore` hides and folders that nobody means are left out.
pub(super) fn walk(folder: &Path) -> ignore::Walk {
    let keep = |entry: &ignore::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let skipped = entry.file_type().is_some_and(|it| it.is_dir()) && SKIPPED_FOLDERS.contains(&name.as_ref());
        entry.depth() == 0 || !skipped
    };
    ignore::WalkBuilder::new(folder)
        .require_git(false)
        .git_global(false)
        .follow_links(false)
        .filter_entry(keep)
        .sort_by_file_name(std::ffi::OsStr::cmp)
        .build()
}
