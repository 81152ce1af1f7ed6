//! `envcheck fix`: edits that resolve findings, shown as a diff or written, and judged again before anybody sees them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use similar::TextDiff;

use super::{
    Failure, Gate, LookOptions,
    compare::{ScopeOptions, Subject},
    judge::{self, Fixes, Judged, judge},
    load::{absolute, shown},
    settings::Settings,
    terminal,
};
use crate::{
    finding::{Finding, IrEdit, Severity},
    fix::{Plan, TextChange, by_a_person},
    gate,
    input::{Content, Lowering, Overlay, files},
    report::wrapped,
    text::{self, escape, has_command},
};

/// Show edits that resolve findings, or write them.
///
/// Without inputs it looks at everything that envcheck.toml declares, with one input at that environment, with two at a
/// training and a serving side.
#[derive(Debug, Args)]
pub(super) struct Fix {
    /// Nothing, one environment, or a training and a serving side
    #[arg(num_args = 0..=2, conflicts_with_all = ["train", "serve"])]
    inputs: Vec<PathBuf>,
    /// An input of the training side; may be given several times
    #[arg(long, value_name = "INPUT", requires = "serve")]
    train: Vec<PathBuf>,
    /// An input of the serving side; may be given several times
    #[arg(long, value_name = "INPUT", requires = "train")]
    serve: Vec<PathBuf>,
    /// Write the edits instead of showing them
    #[arg(long)]
    write: bool,
    /// Take in edits that somebody should look at: another version than training has, another build
    #[arg(long)]
    r#unsafe: bool,
    #[command(flatten)]
    scope: ScopeOptions,
    #[command(flatten)]
    look: LookOptions,
}

/// The files as they would be.
struct Edited {
    /// Old and new text by path as shown, with the bytes to write.
    texts: BTreeMap<String, (String, String, Vec<u8>)>,
    overlay: Overlay,
}

impl Fix {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = self.scope.settings.load()?;
        let subject = match (self.inputs.as_slice(), self.train.is_empty()) {
            ([], true) => Subject::Declared,
            ([], false) => Subject::Pair { training: self.train.clone(), serving: self.serve.clone() },
            ([one], _) => Subject::Alone(vec![one.clone()]),
            ([training, serving, ..], _) => {
                Subject::Pair { training: vec![training.clone()], serving: vec![serving.clone()] }
            }
        };
        let before = judge(&subject, &self.scope, &settings, Fixes::All, &Overlay::new())?;
        let (plan, edited, after) = self.planned(&subject, &settings, &before)?;
        if self.write {
            write(&plan, &edited)?;
        } else {
            let style = self.look.style(false);
            let patch = Patch::new(edited.texts.keys(), style.color, style.color || io::stdout().is_terminal());
            terminal::print(&patch.text(&plan, &edited))?;
            terminal::complain(&patch.remarks(&edited));
        }
        if !self.look.quiet {
            self.tell(&plan, &before, &after)?;
        }
        let least = judge::fail_on(&self.scope, &settings).0;
        let counted = if self.write { &after } else { &before };
        let findings = counted.iter().flat_map(|it| &it.verdicts.findings);
        Ok(if gate::reached(findings, least) { Gate::Closed } else { Gate::Open })
    }

    /// All edits that go together, the files as they are with them, and what is found then.
    fn planned(
        &self,
        subject: &Subject,
        settings: &Settings,
        before: &[Judged],
    ) -> Result<(Plan, Edited, Vec<Judged>), Failure> {
        let known: BTreeSet<Mark> = before.iter().flat_map(|it| &it.verdicts.findings).map(Mark::of).collect();
        let mut whole = Plan::default();
        for it in before {
            whole.add(&it.verdicts.findings, &it.sources, self.r#unsafe);
        }
        let judged = |plan: &Plan| -> Result<(Edited, Vec<Judged>), Failure> {
            let edited = edited(plan, before)?;
            let after = judge(subject, &self.scope, settings, Fixes::None, &edited.overlay)?;
            Ok((edited, after))
        };
        let worse = |after: &[Judged]| {
            after.iter().flat_map(|it| &it.verdicts.findings).any(|finding| Mark::of(finding).is_new(&known))
        };
        // An edit that leaves its finding as it was changed something that is decided elsewhere.
        let idle = |plan: &Plan, after: &[Judged]| {
            before.iter().zip(after).any(|(before, after)| {
                let taken = before.verdicts.findings.iter().filter(|finding| plan.takes(finding));
                let stays = |old: &Finding| after.verdicts.findings.iter().any(|new| is_same(old, new));
                taken.into_iter().any(stays)
            })
        };
        let (edited, after) = judged(&whole)?;
        if !worse(&after) && !idle(&whole, &after) {
            return Ok((whole, edited, after));
        }
        // Each is good by itself and something is not with the others: one after the other, as long as nothing gets worse.
        let mut steps: Vec<(usize, usize)> = Vec::new();
        let (mut plan, mut best) = (Plan::default(), judged(&Plan::default())?);
        for (at, it) in before.iter().enumerate() {
            for number in 0..it.verdicts.findings.len() {
                let mut tried = Plan::default();
                for (at, number) in steps.iter().copied().chain([(at, number)]) {
                    let it = &before[at];
                    tried.add(&it.verdicts.findings[number..=number], &it.sources, self.r#unsafe);
                }
                let grown = tried.steps.len() > plan.steps.len();
                let outcome = if grown { Some(judged(&tried)?) } else { None };
                match outcome {
                    Some(outcome) if worse(&outcome.1) || idle(&tried, &outcome.1) => continue,
                    Some(outcome) => best = outcome,
                    None => {}
                }
                steps.push((at, number));
                plan = tried;
            }
        }
        Ok((plan, best.0, best.1))
    }

    /// What was done or would be, and what is left, for the person at the terminal.
    fn tell(&self, plan: &Plan, before: &[Judged], after: &[Judged]) -> Result<(), Failure> {
        let width = self.look.style(false).width;
        let mut out = String::new();
        let mut list = |heading: String, lines: Vec<String>| {
            if !lines.is_empty() {
                out.push_str(&heading);
                out.push('\n');
                for line in lines {
                    wrapped(&mut out, "  ", "    ", &line, width);
                }
            }
        };
        // One edit may mend several findings.
        let steps = |steps: &[(String, String)]| {
            let mut titles: Vec<(&str, Vec<&str>)> = Vec::new();
            for (code, title) in steps {
                match titles.iter_mut().find(|(known, _)| known == title) {
                    Some((_, codes)) => codes.push(code),
                    None => titles.push((title, vec![code])),
                }
            }
            titles.into_iter().map(|(title, codes)| format!("[{}] {title}", codes.join(", "))).collect()
        };
        let done = if self.write { "wrote" } else { "--write would do" };
        list(format!("{done}:"), steps(&plan.steps));
        list("somebody should look at these first, --unsafe takes them in:".to_owned(), steps(&plan.unsafe_steps));
        // A command is copied whole, so it is never broken.
        if !plan.commands.is_empty() {
            out.push_str("lock files are written by their tools:\n");
            for (code, command) in &plan.commands {
                let _ = writeln!(out, "  [{code}] {}", escape(command));
            }
        }
        if plan.steps.is_empty() && plan.unsafe_steps.is_empty() && plan.commands.is_empty() {
            out.push_str("nothing that envcheck can edit\n");
        }
        let left = counted(after);
        let _ = match (self.write, plan.is_empty()) {
            (true, false) => writeln!(out, "left: {left}, of {}", counted(before)),
            (false, false) => writeln!(out, "found: {}; left with these edits: {left}", counted(before)),
            (_, true) => writeln!(out, "found: {left}"),
        };
        let mut remarks = 0;
        for (at, it) in after.iter().enumerate() {
            let mut findings: Vec<&Finding> = it.verdicts.findings.iter().collect();
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
            for finding in findings {
                if finding.severity == Severity::Info && !self.look.verbose {
                    remarks += 1;
                    continue;
                }
                let line = format!("{}[{}] {}", finding.severity, finding.code, finding.message);
                wrapped(&mut out, "  ", "    ", &line, width);
                let old = before.get(at).and_then(|it| it.verdicts.findings.iter().find(|old| is_same(old, finding)));
                wrapped(&mut out, "    why: ", "      ", &self.why_left(plan, finding, old), width);
            }
        }
        if remarks > 0 {
            let word = if remarks == 1 { "remark" } else { "remarks" };
            let _ = writeln!(out, "  and {remarks} {word}, which -v shows");
        }
        let worth = |finding: &Finding| finding.severity > Severity::Info;
        if !plan.is_empty() && after.iter().any(|it| it.verdicts.findings.iter().any(worth)) {
            out.push_str("with these edits written, run fix again: others may fit then\n");
        }
        if self.write {
            return terminal::print(&out);
        }
        terminal::complain(&out);
        Ok(())
    }

    /// Why a finding is left.
    fn why_left(&self, plan: &Plan, finding: &Finding, old: Option<&Finding>) -> String {
        let Some(old) = old else {
            let own = by_a_person(finding.code).map(str::to_owned);
            return own.unwrap_or_else(|| "it is what these edits leave of another finding: run fix again".to_owned());
        };
        match Plan::chosen(old) {
            Some(fix) if !fix.safe && !self.r#unsafe => format!("`--unsafe` takes an edit in: {}", fix.title),
            Some(fix) if plan.contradicted.iter().any(|code| code == old.code) => {
                format!("another edit changes the same place, so run fix again: {}", fix.title)
            }
            Some(fix) => format!("it does not go with the others, or changes nothing that counts: {}", fix.title),
            None => {
                let own = old.unfixed.clone().or_else(|| by_a_person(old.code).map(str::to_owned));
                own.unwrap_or_else(|| "none was looked for".to_owned())
            }
        }
    }
}

/// Whether a finding is still there as it was.
fn is_same(old: &Finding, new: &Finding) -> bool {
    old.code == new.code && old.message == new.message
}

/// What makes a finding the same before and after an edit, which changes the texts that it points at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    code: &'static str,
    components: Vec<String>,
    severity: Severity,
}

impl Mark {
    fn of(finding: &Finding) -> Mark {
        let mut components = finding.components.clone();
        components.sort();
        Mark { code: finding.code, components, severity: finding.severity }
    }

    /// Whether nothing like it was there. A remark about a difference is no harm.
    fn is_new(&self, known: &BTreeSet<Mark>) -> bool {
        let alike = |other: &Mark| {
            let within = self.components.iter().all(|it| other.components.contains(it));
            other.code == self.code && self.severity <= other.severity && within
        };
        self.severity > Severity::Info && !known.iter().any(alike)
    }
}

fn counted(judged: &[Judged]) -> String {
    let count = |severity: Severity| {
        judged.iter().flat_map(|it| &it.verdicts.findings).filter(|finding| finding.severity == severity).count()
    };
    let word = |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let info = count(Severity::Info);
    format!("{}, {}, {info} info", word(count(Severity::Error), "error"), word(count(Severity::Warning), "warning"))
}

/// The files as a plan leaves them.
fn edited(plan: &Plan, before: &[Judged]) -> Result<Edited, Failure> {
    let mut edited = Edited { texts: BTreeMap::new(), overlay: Overlay::new() };
    for (path, change) in &plan.texts {
        let unreadable = |fault: &io::Error| super::load::unreadable(path, fault);
        let bytes = fs::read(path).map_err(|fault| unreadable(&fault))?;
        let known = before.iter().flat_map(|it| it.sources.iter()).find(|(_, source)| source.path == *path);
        let old = known.map(|(_, source)| source.text().to_owned()).unwrap_or_default();
        let new = change.applied(&old);
        let encoded = encoded(&bytes, &old, &new, change).ok_or_else(|| {
            Failure::new(format!("`{path}` changed meanwhile, or is in an encoding that envcheck does not write"))
        })?;
        edited.overlay.insert(absolute(Path::new(path)), Content::Owned(encoded.clone().into()));
        // A mark that the file begins with is part of its first line, for `patch` as well.
        let mark = if bytes.starts_with(BOM) { "\u{feff}" } else { "" };
        edited.texts.insert(path.clone(), (format!("{mark}{old}"), format!("{mark}{new}"), encoded));
    }
    for (path, edit) in &plan.models {
        let content = Content::open_with_byte(Path::new(path), edit.at, edit.to);
        let content = content.map_err(|fault| super::load::unreadable(path, &fault))?;
        edited.overlay.insert(absolute(Path::new(path)), content);
    }
    Ok(edited)
}

/// The mark that files in UTF-8 may begin with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A text in the encoding that its file has; `None` where the file does not hold the old text in a known encoding.
fn encoded(bytes: &[u8], old: &str, new: &str, change: &TextChange) -> Option<Vec<u8>> {
    match text::decode(bytes) {
        Ok(text) if text == old => {}
        Ok(_) => return None,
        Err(_) => return in_single_bytes(bytes, old, change),
    }
    let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| {
        bytes.starts_with(&mark).then(|| mark.into_iter().chain(new.encode_utf16().flat_map(unit)).collect::<Vec<u8>>())
    };
    if bytes == old.as_bytes() {
        return Some(new.as_bytes().to_vec());
    }
    if bytes.starts_with(BOM) {
        return Some([&bytes[..3], new.as_bytes()].concat());
    }
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) {
        return None; // UTF-32, which nobody has.
    }
    utf16([0xff, 0xfe], u16::to_le_bytes).or_else(|| utf16([0xfe, 0xff], u16::to_be_bytes))
}

/// The edits in a file of one byte a character, such as Latin-1: only what is the same in ASCII is replaced.
fn in_single_bytes(bytes: &[u8], old: &str, change: &TextChange) -> Option<Vec<u8>> {
    let alike = |(character, byte): (char, &u8)| {
        if byte.is_ascii() { character == char::from(*byte) } else { !character.is_ascii() }
    };
    if old.chars().count() != bytes.len() || !old.chars().zip(bytes).all(alike) {
        return None;
    }
    let mut changed = bytes.to_vec();
    for ((start, end), replacement) in change.edits.iter().rev() {
        let at = old.get(..*start)?.chars().count();
        let length = old.get(*start..*end)?.chars().count();
        replacement.is_ascii().then(|| changed.splice(at..at + length, replacement.bytes()))?;
    }
    Some(changed)
}

/// The name of a file as `git diff` writes it: one with blanks ends in a tab, one with control characters is quoted.
fn header_name(side: &str, path: &str) -> String {
    let name = format!("{side}/{path}");
    if !name.contains(|it: char| it.is_control() || matches!(it, '"' | '\\')) {
        return if name.contains(' ') { name + "\t" } else { name };
    }
    let quoted = name.bytes().map(|byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        0x20..=0x7e => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    format!("\"{}\"", quoted.collect::<String>())
}

/// The plan as a unified diff, relative to a folder.
struct Patch {
    color: bool,
    /// It is shown to a person, so that nothing in it may move the cursor. Else it is what `git apply` takes.
    escaped: bool,
    /// The folder that its paths are seen from, as seen from the working folder; empty for that itself.
    folder: String,
    /// Paths as shown and as they stand in the patch.
    names: BTreeMap<String, String>,
}

impl Patch {
    fn new<'p>(paths: impl Iterator<Item = &'p String> + Clone, color: bool, escaped: bool) -> Patch {
        let full: Vec<(&String, PathBuf)> = paths.map(|path| (path, absolute(Path::new(path)))).collect();
        let mut base = absolute(Path::new(""));
        let mut folder = String::new();
        while !full.iter().all(|(_, path)| path.starts_with(&base)) && base.pop() {
            folder.push_str("../");
        }
        let inside = |path: &Path| path.strip_prefix(&base).map_or_else(|_| shown(path), shown);
        let names = full.iter().map(|(path, full)| ((*path).clone(), inside(full))).collect();
        Patch { color, escaped, folder, names }
    }

    fn text(&self, plan: &Plan, edited: &Edited) -> String {
        let mut out = String::new();
        for (path, (old, new, _)) in &edited.texts {
            let Some(diff) = self.of_file(path, old, new) else {
                let _ = writeln!(out, "# {}: not shown, see below", escape(path));
                continue;
            };
            if !self.escaped {
                out.push_str(&diff);
                continue;
            }
            for line in diff.split_inclusive('\n').map(|line| line.trim_end_matches(['\n', '\r'])) {
                let paint = match line.as_bytes().first().filter(|_| self.color) {
                    Some(b'+') => "\u{1b}[32m",
                    Some(b'-') => "\u{1b}[31m",
                    Some(b'@') => "\u{1b}[36m",
                    _ => "",
                };
                let end = if paint.is_empty() { "" } else { "\u{1b}[0m" };
                let _ = writeln!(out, "{paint}{}{end}", escape(line));
            }
        }
        for (path, IrEdit { at, from, to, .. }) in &plan.models {
            let _ = writeln!(out, "# {}: ir_version {from} -> {to} (byte {at}, nothing else)", escape(path));
        }
        out
    }

    /// The diff of a file; `None` where lines around the edits would give commands to a machine that prints the log of a
    /// build, and nothing may be replaced in what `git apply` reads.
    fn of_file(&self, path: &str, old: &str, new: &str) -> Option<String> {
        let name = self.names.get(path).map_or(path, String::as_str);
        let header = format!("--- {}\n+++ {}\n", header_name("a", name), header_name("b", name));
        let mut texts = [2, 1].into_iter().map(|radius| format!("{header}{}", hunks(old, new, radius)));
        texts.find(|text| self.escaped || !gives_commands(text))
    }

    /// What has to be known about the diff.
    fn remarks(&self, edited: &Edited) -> String {
        let mut out = String::new();
        if !self.folder.is_empty() {
            let _ = writeln!(out, "the diff is relative to `{}`: apply it there", self.folder);
        }
        for (path, (old, new, _)) in &edited.texts {
            if self.of_file(path, old, new).is_none() {
                let why = "its lines would give commands to a machine that prints this as a log; --write writes it all the same";
                let _ = writeln!(out, "`{}` is left out of the diff: {why}", escape(path));
            }
        }
        out
    }
}

/// The hunks of a unified diff. Only `\n` ends a line, as in `git` and `patch`.
fn hunks(old: &str, new: &str, radius: usize) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let diff = TextDiff::configure().diff_slices(&old, &new);
    let mut out = String::new();
    for group in diff.grouped_ops(radius) {
        let _ = writeln!(out, "{}", similar::udiff::UnifiedHunkHeader::new(&group));
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value();
            let _ = write!(out, "{}{line}", change.tag());
            if !line.ends_with('\n') {
                out.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    out
}

/// Whether a build machine would take a line for a command: GitHub's begin with `::`, others stand anywhere.
fn gives_commands(diff: &str) -> bool {
    has_command(diff) || diff.split(['\n', '\r']).any(|line| line.trim_start().starts_with("::"))
}

/// Writes everything, and reads it back.
fn write(plan: &Plan, edited: &Edited) -> Result<(), Failure> {
    let failed =
        |path: &str, fault: &io::Error| Failure::new(format!("could not write `{path}`: {}", files::reason(fault)));
    // Nothing is written where something cannot be.
    for path in edited.texts.keys() {
        let permissions = fs::metadata(path).map_err(|fault| failed(path, &fault))?.permissions();
        if permissions.readonly() {
            return Err(failed(path, &io::Error::other("it is read-only")));
        }
    }
    for (path, (_, _, bytes)) in &edited.texts {
        replace(Path::new(path), bytes).map_err(|fault| failed(path, &fault))?;
    }
    for (path, edit) in &plan.models {
        lower(Path::new(path), *edit, edited).map_err(|fault| failed(path, &fault))?;
    }
    Ok(())
}

/// Replaces a file at once, with the permissions that it has; a link keeps pointing at it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.as_file().sync_all()?;
    fs::set_permissions(file.path(), fs::metadata(&path)?.permissions())?;
    file.persist(&path).map_err(|fault| fault.error)?;
    if fs::read(&path)? == bytes { Ok(()) } else { Err(io::Error::other("the file holds something else afterwards")) }
}

/// Writes the one byte, and compares the whole file with what was judged.
fn lower(path: &Path, edit: IrEdit, edited: &Edited) -> io::Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let at = u64::try_from(edit.at).map_err(io::Error::other)?;
    let mut there = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut there)?;
    if there != [edit.from] {
        return Err(io::Error::other("the model changed meanwhile"));
    }
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[edit.to])?;
    file.sync_all()?;
    let now = Content::open(path)?;
    let judged = edited.overlay.get(&absolute(path)).is_some_and(|content| **content == *now);
    let reads = Lowering::of(&now).is_some_and(|it| it.stated == edit.to);
    if judged && reads { Ok(()) } else { Err(io::Error::other("the model is not what was judged")) }
}

#[cfg(test)]
mod tests {
    use super::{TextChange, encoded, header_name};

    #[test]
    fn names_of_files_are_what_patch_reads() {
        assert_eq!(header_name("a", "x/r.txt"), "a/x/r.txt");
        assert_eq!(header_name("a", "x y/r.txt"), "a/x y/r.txt\t");
        assert_eq!(header_name("b", "r\n+++ \"\u{e9}"), "\"b/r\\012+++ \\\"\\303\\251\"");
    }

    #[test]
    fn files_keep_their_encoding() {
        let edits = |start: usize, end: usize, new: &str| TextChange { edits: [((start, end), new.to_owned())].into() };
        let same = |bytes: &[u8]| encoded(bytes, "a==1\r\n", "a==2\r\n", &edits(3, 4, "2"));
        assert_eq!(same(b"a==1\r\n").as_deref(), Some(&b"a==2\r\n"[..]));
        assert_eq!(same(b"\xef\xbb\xbfa==1\r\n").as_deref(), Some(&b"\xef\xbb\xbfa==2\r\n"[..]));
        let little = b"\xff\xfea\x00=\x00=\x001\x00\r\x00\n\x00";
        assert_eq!(same(little).as_deref(), Some(&b"\xff\xfea\x00=\x00=\x002\x00\r\x00\n\x00"[..]));
        assert_eq!(same(b"a==3\r\n"), None, "another text");
        let old = "# caf\u{e9}\na==1\n";
        let single = |bytes: &[u8]| encoded(bytes, old, &old.replace('1', "12"), &edits(11, 12, "12"));
        assert_eq!(single(b"# caf\xe9\na==1\n").as_deref(), Some(&b"# caf\xe9\na==12\n"[..]));
        assert_eq!(single(b"# caf\xe9\na==3\n"), None, "another text");
    }
}
