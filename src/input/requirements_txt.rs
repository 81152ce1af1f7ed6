//! Requirements and constraints files of pip, and what `pip freeze` writes.
//!
//! Grammar: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>; where it is silent, pip 26.3's own
//! behaviour counts.
//!
//! Read: requirements with extras, specifiers, markers, direct references and wheel file names; constraints; included
//! files; `${NAME}` for the values that were given.
//! Skipped with a note: what pip refuses, what names no package (a local path, a URL without `#egg=`), includes that
//! cannot be followed, and options that pip ignores. Index options, hashes and build settings say nothing about
//! versions and are accepted silently.

mod claim;
mod options;
pub(super) mod unfold;

use super::{Files, Format, Reading, Skipped};
use crate::{
    fact::{
        Fact, FactKind, Package, PackageIndex, PackageName, Standing, is_space,
        marker::Marker,
        parse_version,
        requirement::{self, Requirement},
        wheel::{self, WheelName},
    },
    text::{FileId, Place, Span, decode_as, line_ends},
    version::{Version, VersionSet},
};
use options::{Given, Kind};
use unfold::Unfolded;

pub(super) static FORMAT: Format = Format {
    name: "requirements.txt",
    about: "requirements and constraints files of pip, and `pip freeze` output",
    claims: claim::claims,
    read: |files, file| {
        let mut reading = Reading::default();
        read_file(files, file, false, &mut Vec::new(), &mut reading);
        reading
    },
};

/// Reads one file and, where its lines say so, the files it includes. `stack` holds the files being read, outermost first.
pub(super) fn read_file(files: &mut Files<'_>, file: FileId, constraint: bool, stack: &mut Vec<FileId>, reading: &mut Reading) {
    if let Err(reason) = decode(files, file) {
        let place = Place { file, span: Span::default() };
        match reason {
            Decoding::Guessed(reason) => reading.skipped.push(Skipped { place, reason }),
            Decoding::Failed(message) if stack.is_empty() => {
                *reading = Reading::faulty(message, Some(place));
                return;
            }
            Decoding::Failed(reason) => {
                reading.skipped.push(Skipped { place, reason });
                return;
            }
        }
    }
    let text = files.text(file);
    let name = files.shown_path(file).rsplit('/').next().unwrap_or_default().to_lowercase();
    let standing = if is_freeze(&name, &text) { Standing::Observed } else { Standing::Declared };
    stack.push(file);
    let mut installed = None;
    for (comment, line) in unfold::lines(&text) {
        if let Some(span) = comment {
            installed = editable_comment(&text, span).or(installed);
        }
        let Some(line) = line else { continue };
        let (line, undefined) = line.expanded(|name| files.define(name).map(str::to_owned));
        let mut reader = LineReader {
            text: &text,
            file,
            standing,
            constraint,
            line: &line,
            undefined: &undefined,
            installed: installed.take(),
            reading,
        };
        if let Some((path, constraint, span)) = reader.read() {
            match files.include(file, &path, stack) {
                Ok(included) => read_file(files, included, constraint, stack, reading),
                Err(why) => reading.skipped.push(Skipped {
                    place: Place { file, span },
                    reason: format!("`{}` is not followed: {why}", shortened(&path)),
                }),
            }
        }
    }
    stack.pop();
}

/// How a requirement of a command line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    Installed,
    Editable,
}

/// Reads one requirement that stands in another file, such as a word of a command: what pip is given there has the form
/// of a line here, without options.
pub(super) fn read_word(files: &Files<'_>, file: FileId, word: &Unfolded, meant: Meant, reading: &mut Reading) {
    let text = files.text(file);
    let span = Span::new(0, word.text.len());
    let standing = Standing::Declared;
    let mut reader =
        LineReader { text: &text, file, standing, constraint: false, line: word, undefined: &[], installed: None, reading };
    match meant {
        Meant::Installed => reader.requirement(span),
        Meant::Editable => {
            let value = word.text.clone();
            let name = "--editable".to_owned();
            reader.editable(&Given { kind: Kind::Editable, name, value, span, value_span: span });
        }
    }
}

/// Reads one logical line that another file writes into a requirements file; the file that it includes, whether that one
/// holds constraints, and where it is named.
pub(super) fn read_line(
    files: &Files<'_>,
    file: FileId,
    line: Unfolded,
    constraint: bool,
    reading: &mut Reading,
) -> Option<(String, bool, Span)> {
    let text = files.text(file);
    let (line, undefined) = line.expanded(|name| files.define(name).map(str::to_owned));
    let standing = Standing::Declared;
    let (line, undefined) = (&line, undefined.as_slice());
    LineReader { text: &text, file, standing, constraint, line, undefined, installed: None, reading }.read()
}

/// Reads one line that stands in a file of another format, such as an item of a list for pip, and the files it includes.
/// `value` is what stands at `span`, without the marks of that format.
pub(super) fn read_entry(files: &mut Files<'_>, file: FileId, value: &str, span: Span, reading: &mut Reading) {
    let text = files.text(file);
    let mut include = None;
    for (_, line) in unfold::lines(value) {
        let Some(line) = line else { continue };
        let line = if text.get(span.start..span.end) == Some(value) { line.shifted(span.start) } else { line.standing_at(span) };
        let (line, undefined) = line.expanded(|name| files.define(name).map(str::to_owned));
        let (line, undefined) = (&line, undefined.as_slice());
        let standing = Standing::Declared;
        let mut reader =
            LineReader { text: &text, file, standing, constraint: false, line, undefined, installed: None, reading };
        include = reader.read().or(include);
    }
    if let Some((path, constraint, span)) = include {
        match files.include(file, &path, &[file]) {
            Ok(included) => read_file(files, included, constraint, &mut vec![file], reading),
            Err(why) => reading.skipped.push(Skipped {
                place: Place { file, span },
                reason: format!("`{}` is not followed: {why}", shortened(&path)),
            }),
        }
    }
}

enum Decoding {
    Guessed(String),
    Failed(String),
}

/// Decodes as pip does: a byte order mark, a `coding:` comment in the first two lines, UTF-8. What is none of these is
/// read byte by byte, so that one bad letter in a comment does not hide the whole file.
fn decode(files: &mut Files<'_>, file: FileId) -> Result<(), Decoding> {
    let bytes = files.bytes(file);
    if bytes.len() > super::files::TEXT_LIMIT {
        return Err(Decoding::Failed("the file is too large to be a list of requirements".to_owned()));
    }
    let marks: [&[u8]; 5] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff", b"\xff\xfe\x00\x00"];
    if marks.iter().any(|mark| bytes.starts_with(mark)) {
        return crate::text::decode(&bytes).map(drop).map_err(|fault| Decoding::Failed(fault.to_string()));
    }
    if let Some(label) = declared_encoding(&bytes) {
        return match decode_as(&bytes, &label) {
            Some(Ok(text)) => {
                files.set_text(file, text);
                Ok(())
            }
            Some(Err(fault)) => Err(Decoding::Failed(fault.to_string())),
            None => Err(Decoding::Failed(format!("the first lines name the unknown encoding `{label}`"))),
        };
    }
    let Err(fault) = std::str::from_utf8(&bytes) else { return Ok(()) };
    if bytes.contains(&0) {
        return Err(Decoding::Failed(format!("byte {} is not valid UTF-8", fault.valid_up_to())));
    }
    files.set_text(file, bytes.iter().map(|byte| char::from(*byte)).collect());
    Err(Decoding::Guessed(format!(
        "byte {} is not valid UTF-8 and no `coding:` comment says what it is; the file was read as Latin-1",
        fault.valid_up_to()
    )))
}

/// The encoding that a comment in the first two lines names.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n').take(2).filter(|line| line.first() == Some(&b'#'));
    lines.find_map(|line| {
        let line = String::from_utf8_lossy(line);
        line.match_indices("coding").find_map(|(at, word)| {
            let rest = line[at + word.len()..].strip_prefix([':', '='])?.trim_start_matches(is_space);
            let label: String = rest.chars().take_while(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it)).collect();
            (!label.is_empty()).then_some(label)
        })
    })
}

/// Whether a file was written by `pip freeze` on a machine, rather than by someone who wants something.
fn is_freeze(name: &str, text: &str) -> bool {
    let written_so = |line: &str| {
        line.starts_with("## The following requirements were added by pip freeze")
            || line.starts_with("# Editable install with no version control")
            || line.starts_with("# Editable Git install ")
    };
    (name.contains("freeze") && name.strip_suffix(".in").is_none()) || text.lines().any(written_so)
}

/// A package that `pip freeze` could describe in a comment only.
struct Installed {
    name: PackageName,
    spelled: String,
    span: Span,
    versions: VersionSet,
}

/// Reads `# Editable install with no version control (name==version)` and its relatives.
fn editable_comment(text: &str, comment: Span) -> Option<Installed> {
    let line = &text[comment.start..comment.end];
    if !line.starts_with("# Editable ") {
        return None;
    }
    let open = line.find('(')? + 1;
    let (spelled, version) = line[open..].split(')').next()?.split_once("==")?;
    let start = comment.start + open;
    Some(Installed {
        name: PackageName::new(spelled).ok()?,
        spelled: spelled.to_owned(),
        span: Span::new(start, start + spelled.len()),
        versions: VersionSet::exactly(&parse_version(version.trim_start_matches('='))?),
    })
}

/// So many variables without a value are named for one line; one is enough to know what is amiss.
const UNDEFINED_LIMIT: usize = 20;

/// What pip reads over behind a requirement, without a word. Hashes and settings belong to the requirement.
const IGNORED_BESIDE: [Kind; 5] = [Kind::Requirement, Kind::Constraint, Kind::Value, Kind::Flag, Kind::Feature];

/// A file to include: its path, whether its lines are constraints, and where it is named.
type Include = (String, bool, Span);

/// Reads one logical line.
struct LineReader<'a> {
    text: &'a str,
    file: FileId,
    standing: Standing,
    constraint: bool,
    line: &'a Unfolded,
    undefined: &'a [Span],
    installed: Option<Installed>,
    reading: &'a mut Reading,
}

impl LineReader<'_> {
    fn read(&mut self) -> Option<Include> {
        let (requirement, options) = options::split(&self.line.text);
        let given = match options::parse(&self.line.text, options) {
            Ok(given) => given,
            Err((span, reason)) => {
                self.skip(span, reason);
                return None;
            }
        };
        if let (Some(first), Some(last)) = (given.ignored.first(), given.ignored.last()) {
            self.skip(Span::new(first.start, last.end), "pip ignores what follows an option".to_owned());
        }
        if !requirement.is_empty() {
            self.ignored(&given.options, &IGNORED_BESIDE, "after a requirement: it counts on a line of its own (uv refuses the line)");
            if let Some(editable) = given.options.iter().find(|it| it.kind == Kind::Editable) {
                // pip installs what stands before `-e`, and in editable mode, instead of what stands after it.
                self.skip(editable.span, "pip takes what stands before `-e` for the editable project".to_owned());
                let span = trimmed(&self.line.text, requirement);
                let value = self.line.text[span.start..span.end].to_owned();
                self.editable(&Given { value, span, value_span: span, ..editable.clone() });
            } else {
                self.requirement(requirement);
            }
            return None;
        }
        self.indexes(&given.options);
        if let Some(editable) = given.options.iter().find(|it| it.kind == Kind::Editable) {
            let rest: Vec<Given> = given.options.iter().filter(|it| it.span != editable.span).cloned().collect();
            self.ignored(&rest, &[Kind::Requirement, Kind::Constraint, Kind::Editable], "beside `-e`");
            self.editable(editable);
            return None;
        }
        if let Some(hash) = given.options.iter().find(|it| it.kind == Kind::Hash) {
            self.skip(hash.span, "pip ignores a hash without a requirement before it".to_owned());
        }
        let includes = |kind| given.options.iter().position(|it| it.kind == kind);
        let followed = includes(Kind::Requirement).or_else(|| includes(Kind::Constraint))?;
        let mut rest = given.options.clone();
        let include = rest.remove(followed);
        self.ignored(&rest, &[Kind::Requirement, Kind::Constraint], "beside another one");
        self.report_undefined(include.span);
        Some((include.value, include.kind == Kind::Constraint, self.line.place(include.span)))
    }

    /// Other places than PyPI that packages come from. User names and passwords in them are nobody's business.
    fn indexes(&mut self, options: &[Given]) {
        for option in options {
            let name = option.name.trim_start_matches('-');
            let only = name == "index-url" || name == "pypi-url";
            if !only && !["extra-index-url", "find-links"].contains(&name) {
                continue;
            }
            let url = super::without_credentials(&option.value);
            self.reading.facts.push(Fact {
                kind: FactKind::PackageIndex(PackageIndex { url, only }),
                standing: self.standing,
                place: Place { file: self.file, span: self.line.place(option.value_span) },
            });
        }
    }

    /// Says once for a line which of its options pip ignores.
    fn ignored(&mut self, options: &[Given], kinds: &[Kind], why: &str) {
        let mut ignored = options.iter().filter(|it| kinds.contains(&it.kind));
        if let Some(first) = ignored.next() {
            let span = Span::new(first.span.start, ignored.next_back().map_or(first.span.end, |it| it.span.end));
            self.skip(span, format!("pip ignores `{}` {why}", first.name));
        }
    }

    fn skip(&mut self, span: Span, reason: String) {
        let place = Place { file: self.file, span: self.line.place(span) };
        self.reading.skipped.push(Skipped { place, reason });
    }

    /// Reports a requirement that is not one, at the fault where that stands in the same line of the file.
    fn refuse(&mut self, whole: Span, fault: Span, message: &str) {
        let (start, place) = (self.line.place(whole).start, self.line.place(fault));
        let same_line = start <= place.start && line_ends(&self.text[start..place.start]).next().is_none();
        let shown = &self.line.text[whole.start..whole.end];
        let hint = if self.undefined.iter().any(|it| whole.start <= it.start && it.end <= whole.end) {
            "; a `${NAME}` in it has no value, which `--define NAME=VALUE` can give"
        } else {
            hint(shown)
        };
        let reason = format!("invalid requirement `{}`: {message}{hint}", shortened(shown));
        self.skip(if same_line && !fault.is_empty() { fault } else { whole }, reason);
    }

    /// Reports the variables without value in a part of the line that is used as it stands.
    fn report_undefined(&mut self, part: Span) {
        let inside = |it: &&Span| part.start <= it.start && it.end <= part.end;
        for span in self.undefined.iter().filter(inside).take(UNDEFINED_LIMIT) {
            let name = &self.line.text[span.start..span.end];
            let reason = format!("`{name}` has no value and stays as written; `--define NAME=VALUE` gives one");
            self.skip(*span, reason);
        }
    }

    fn push(&mut self, mut package: Package, span: Span) {
        package.constraint = self.constraint;
        self.report_undefined(span);
        self.reading.facts.push(Fact {
            kind: FactKind::Package(package.into()),
            standing: self.standing,
            place: Place { file: self.file, span: self.line.place(span) },
        });
    }

    /// A line that is not an option: pip's `parse_req_from_line`.
    fn requirement(&mut self, whole: Span) {
        let whole = trimmed(&self.line.text, whole);
        let text = &self.line.text[whole.start..whole.end];
        let semicolon = text.find(if is_url(text) { "; " } else { ";" });
        let name = trimmed(&self.line.text, Span::new(whole.start, semicolon.map_or(whole.end, |at| whole.start + at)));
        let mut marker = None;
        if let Some(at) = semicolon {
            let span = trimmed(&self.line.text, Span::new(whole.start + at + 1, whole.end));
            if !span.is_empty() {
                match Marker::parse(&self.line.text[span.start..span.end]) {
                    Ok(parsed) => marker = Some((parsed, span)),
                    Err(fault) => return self.refuse(whole, fault.span.shifted(span.start), &fault.message),
                }
            }
        }
        let text = &self.line.text[name.start..name.end];
        let package = if is_url(text) {
            self.report_egg_extras(text, whole);
            self.url(text, name)
        } else if is_archive_path(text) {
            self.path(text, name)
        } else {
            match requirement::parse(text, name.start) {
                Ok(parsed) => {
                    let parsed = match marker.take() {
                        Some((parsed_marker, span)) => {
                            Requirement { marker: Some(parsed_marker), marker_span: Some(span), ..parsed }
                        }
                        None => parsed,
                    };
                    return self.push(parsed.into_package(|span| self.line.place(span)), whole);
                }
                Err(_) if looks_like_path(text) && !text.contains(['=', '<', '>', '~', '@', ' ']) => {
                    Err("a local path says neither name nor version of the package in it".to_owned())
                }
                Err(fault) => return self.refuse(whole, fault.span, &fault.message),
            }
        };
        match package {
            Ok(mut package) => {
                if let Some((parsed, span)) = marker {
                    package.marker = Some(parsed);
                    package.parts.marker = Some(self.line.place(span));
                }
                self.push(package, whole);
            }
            Err(reason) => self.skip(whole, reason),
        }
    }

    fn report_egg_extras(&mut self, url: &str, span: Span) {
        if let Ok(Some(Egg { name, extras, .. })) = egg(url)
            && !extras.is_empty()
        {
            let reason =
                format!("pip 26 refuses extras in `#egg=`; it reads `{name}[{}] @ url`", shortened(extras));
            self.skip(span, reason);
        }
    }

    /// A URL without a name before it.
    fn url(&self, url: &str, span: Span) -> Result<Package, String> {
        if wheel::is_wheel(url) {
            return self.wheel(url, &wheel::file_name(url), span);
        }
        let Egg { name, span: inner, extras, version } =
            egg(url)?.ok_or("a URL without `name @` or `#egg=name` does not say which package it is")?;
        let place = self.line.place(inner.shifted(span.start));
        let mut package = Package::named(PackageName::new(name).map_err(|it| it.to_string())?, name, place);
        package.extras = names(extras);
        package.url = Some(url.to_owned());
        if let Some(version) = version.and_then(|it| it.parse::<Version>().ok()) {
            package.versions = VersionSet::exactly(&version);
        }
        Ok(package)
    }

    /// A path to a wheel or a source archive.
    fn path(&self, path: &str, span: Span) -> Result<Package, String> {
        let (path, extras) = without_extras(path);
        let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
        if file.strip_suffix(".whl").is_none() {
            return Err("an archive without `name @` does not say which package it is".to_owned());
        }
        let mut package = self.wheel(path, file, span)?;
        package.extras = names(extras);
        Ok(package)
    }

    fn wheel(&self, url: &str, file: &str, span: Span) -> Result<Package, String> {
        let wheel = WheelName::parse(file).ok_or_else(|| {
            format!("`{}` is no wheel name: expected `name-version-python-abi-platform.whl`", shortened(file))
        })?;
        let mut package = Package::named(wheel.name, &wheel.spelled, self.line.place(span));
        package.versions = VersionSet::exactly(&wheel.version);
        package.url = Some(url.to_owned());
        package.tags = wheel.tags;
        Ok(package)
    }

    /// The value of `-e`: pip's `parse_editable`.
    fn editable(&mut self, option: &Given) {
        let (text, span) = (option.value.as_str(), option.value_span);
        if self.constraint {
            return self.skip(option.span, "pip refuses editable requirements as constraints".to_owned());
        }
        // Quotes and escapes were taken away, so that offsets inside the value mean nothing in the line.
        let exact = self.line.text.get(span.start..span.end) == Some(text);
        let place = |inner: Span| self.line.place(if exact { inner.shifted(span.start) } else { span });
        if let Ok(parsed) = requirement::parse(text, 0)
            && let Some(url) = &parsed.url
        {
            if !url.to_lowercase().starts_with("file:") && !is_repository(url) {
                return self.skip(span, NOT_EDITABLE.to_owned());
            }
            let mut package = parsed.into_package(place);
            package.editable = true;
            return self.push(package, span);
        }
        let lower = text.to_lowercase();
        let version_control = is_version_control(&lower);
        let named = match egg(text) {
            Ok(named) => named,
            Err(reason) => return self.skip(span, reason),
        };
        if let Some(Egg { name, span: inner, extras, .. }) = named.filter(|_| version_control || lower.starts_with("file:")) {
            let Ok(normal) = PackageName::new(name) else {
                return self.skip(span, format!("`#egg={}` is no package name", shortened(name)));
            };
            let mut package = Package::named(normal, name, place(inner));
            package.extras = names(extras);
            package.url = Some(text.to_owned());
            package.editable = true;
            self.report_egg_extras(text, span);
            return self.push(package, span);
        }
        if let Some(installed) = self.installed.take() {
            let mut package = Package::named(installed.name, &installed.spelled, installed.span);
            package.versions = installed.versions;
            package.url = Some(text.to_owned());
            package.editable = true;
            return self.push(package, span);
        }
        let reason = if version_control {
            "a repository without `#egg=name` does not say which package it holds"
        } else if is_url(text) && !lower.starts_with("file:") {
            NOT_EDITABLE
        } else {
            "a local project says neither name nor version here"
        };
        self.skip(span, reason.to_owned());
    }
}

const NOT_EDITABLE: &str = "expected a path to a project or the URL of a repository such as `git+https://...` after `-e`";

/// The names in a list with commas.
fn names(list: &str) -> Vec<PackageName> {
    list.split(',').filter_map(|it| PackageName::new(it.trim()).ok()).collect()
}

/// A span without the white space at its ends.
fn trimmed(text: &str, span: Span) -> Span {
    let part = &text[span.start..span.end];
    let end = span.start + part.trim_end_matches(is_space).len();
    let start = span.end - part.trim_start_matches(is_space).len();
    Span::new(start.min(end), end)
}

/// Why a line is often refused, for those mistakes that people make.
fn hint(text: &str) -> &'static str {
    let operator = ["==", "~=", "!=", "<=", ">=", "<", ">"].iter().any(|it| text.contains(it));
    if text.contains('#') {
        "; a comment needs a blank before its `#`"
    } else if text.ends_with('\\') {
        "; a backslash continues a line only where nothing follows it, not even a blank"
    } else if text.contains('\t') {
        "; options are set off by a space, not by a tab"
    } else if text.contains('=') && !operator {
        "; `=` is no operator of pip, which writes `==`"
    } else {
        ""
    }
}

/// The first characters of a long text.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

const SCHEMES: [&str; 4] = ["http", "https", "file", "ftp"];

const REPOSITORY_SCHEMES: [&str; 22] = [
    "bzr+http", "bzr+https", "bzr+ssh", "bzr+sftp", "bzr+ftp", "bzr+lp", "bzr+file", "git+http", "git+https", "git+ssh",
    "git+git", "git+file", "hg+file", "hg+http", "hg+https", "hg+ssh", "hg+static-http", "svn+ssh", "svn+http",
    "svn+https", "svn+svn", "svn+file",
];

fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    Some(scheme.to_lowercase())
}

/// Whether a text begins with a scheme that pip fetches from.
fn is_url(text: &str) -> bool {
    scheme(text).is_some_and(|it| SCHEMES.contains(&it.as_str()) || REPOSITORY_SCHEMES.contains(&it.as_str()))
}

/// Whether a text in lower case begins with the scheme of a repository, or with one that pip completes.
fn is_version_control(lower: &str) -> bool {
    let plain = ["git:", "hg:", "svn:", "bzr:"].iter().any(|it| lower.starts_with(it));
    plain || is_repository(lower)
}

fn is_repository(url: &str) -> bool {
    scheme(url).is_some_and(|it| REPOSITORY_SCHEMES.contains(&it.as_str()))
}

fn looks_like_path(text: &str) -> bool {
    text.starts_with('.') || text.contains(['/', '\\'])
}

/// Whether pip takes a text for the path of an archive: by its ending, unless it has the form `name @ url`.
fn is_archive_path(text: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".zip", ".whl", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma",
    ];
    let lower = without_extras(text).0.to_lowercase();
    let archive = ENDINGS.iter().any(|it| lower.ends_with(it));
    archive && text.split_once('@').is_none_or(|(before, _)| looks_like_path(before))
}

/// Splits `path[extra]`.
fn without_extras(path: &str) -> (&str, &str) {
    let split = path.strip_suffix(']').and_then(|it| it.rsplit_once('['));
    match split {
        Some((before, extras)) if !before.is_empty() && !extras.is_empty() && !extras.contains(']') => {
            (before.trim_end_matches(is_space), extras)
        }
        _ => (path, ""),
    }
}

/// What `#egg=name` says.
struct Egg<'a> {
    name: &'a str,
    /// Where the name stands in the URL.
    span: Span,
    /// What old versions of pip took in brackets behind the name.
    extras: &'a str,
    /// What old versions of pip took behind `==`.
    version: Option<&'a str>,
}

/// The `#egg=` of a URL, if it has one; one that is no name is an error.
fn egg(url: &str) -> Result<Option<Egg<'_>>, String> {
    let Some(at) = url.find("#egg=").into_iter().chain(url.find("&egg=")).min() else { return Ok(None) };
    let start = at + "#egg=".len();
    let value = url[start..].split('&').next().unwrap_or_default();
    let (before, version) = value.split_once("==").map_or((value, None), |(before, version)| (before, Some(version)));
    let (name, extras) = without_extras(before);
    if PackageName::new(name).is_err() {
        return Err(format!("`#egg={}` is no package name", shortened(value)));
    }
    Ok(Some(Egg { name, span: Span::new(start, start + name.len()), extras, version }))
}

#[cfg(test)]
mod tests;
