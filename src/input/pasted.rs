//! The common ground of the readers of GPU tools: outputs that people save or paste, often several into one file.
//!
//! Each of these formats has a *scanner* that takes from a text what belongs to it and leaves the rest alone. Whichever
//! format claims the file, all scanners run, so that `nvidia-smi` followed by `nvcc --version` gives the facts of both.
//! Lines that no tool writes (prompts, prose) are passed over in silence; a value that a tool could not say is noted.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use super::{
    Claim, Fault, Files, Probe, Reading, Skipped, collect_env, conda_info, cuda_version, cudnn_header, ldconfig, nvcc,
    nvidia_smi, os_release, proc_driver,
};
use crate::{
    fact::{Fact, FactKind, Gpu, Standing},
    text::{FileId, Place, Span},
    version::{ComputeCapability, ParseVersionError},
};

/// The mark of a format is looked for in this many lines, since prose and prompts may stand above it.
const HEAD: usize = 200;

/// No machine has as many facts; a file made to exhaust memory has.
const FACT_LIMIT: usize = 20_000;

/// More notes than this help nobody.
const NOTE_LIMIT: usize = 1_000;

/// In the order in which they may rely on each other: the csv without a header is read only where nothing else was found.
const SCANNERS: &[fn(&mut Scan<'_>)] = &[
    nvidia_smi::scan,
    collect_env::scan,
    nvcc::scan,
    cuda_version::scan,
    cudnn_header::scan,
    proc_driver::scan,
    ldconfig::scan,
    conda_info::scan,
    os_release::scan,
    nvidia_smi::scan_bare_rows,
];

/// Reads everything that any of the tools wrote into this file.
pub(super) fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut scan = Scan::new(file, &text);
    for scanner in SCANNERS {
        scanner(&mut scan);
    }
    scan.finish()
}

/// `Certain` if a line near the beginning is a mark of the format. In a file that is documentation or code the mark is
/// an example or a comment, so that such a file is taken only when the user names it.
pub(super) fn claim(probe: &Probe<'_>, marks: impl Fn(&str) -> bool) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    if head(text).any(marks) { certain(probe) } else { Claim::No }
}

/// `Certain`, unless the file would only quote what it shows.
pub(super) fn certain(probe: &Probe<'_>) -> Claim {
    if is_prose_or_code(probe.name) { Claim::Named } else { Claim::Certain }
}

/// The lines in which marks are looked for.
pub(super) fn head(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take(HEAD)
}

/// Whether the name is that of a file in which tool output would be a quotation.
pub(super) fn is_prose_or_code(name: &str) -> bool {
    const ENDS: [&str; 26] = [
        "adoc", "c", "cc", "cfg", "cpp", "cs", "cu", "go", "htm", "html", "ini", "ipynb", "java", "js", "markdown",
        "md", "ps1", "py", "rb", "rs", "rst", "sh", "toml", "ts", "yaml", "yml",
    ];
    let name = name.to_ascii_lowercase();
    let starts = ["dockerfile", "containerfile", "makefile", "requirements", "readme"];
    starts.iter().any(|start| name.starts_with(start))
        || name.ends_with(".dockerfile")
        || name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
}

/// Whether a tool wrote that it has no value.
pub(super) fn is_missing(value: &str) -> bool {
    let value = value.trim();
    (value.starts_with('[') && value.ends_with(']'))
        || ["", "-", "N/A", "ERR!", "None", "No CUDA", "Could not collect", "Unknown", "Unknown Error", "Not Supported"]
            .contains(&value)
        || ["not found", "not available", "unknown", "n/a"].iter().any(|it| value.eq_ignore_ascii_case(it))
}

/// A value as it may stand in a message.
pub(super) fn shown(value: &str) -> String {
    const LONGEST: usize = 60;
    match value.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &value[..at]),
        None => value.to_owned(),
    }
}

/// The text after `label`, without leading blanks.
pub(super) fn after<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    text.find(label).map(|at| text[at + label.len()..].trim_start())
}

/// The first word; a `|` ends it too.
pub(super) fn first_word(text: &str) -> &str {
    text.trim_start().split(|it: char| it.is_whitespace() || it == '|').next().unwrap_or("")
}

/// The digits and dots at the beginning, without a dot at the end.
pub(super) fn leading_version(text: &str) -> &str {
    let end = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// The first `count` parts of a dotted number, as a part of the text.
pub(super) fn first_parts(text: &str, count: usize) -> &str {
    match text.match_indices('.').nth(count.saturating_sub(1)) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// The line behind so many words, as log collectors put before each line.
pub(super) fn without_words(line: &str, count: usize) -> &str {
    let mut rest = line.trim_start();
    for _ in 0..count {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_start();
    }
    rest
}

/// GPUs of equal name, as one output lists them.
#[derive(Debug)]
struct Seen {
    count: u32,
    span: Span,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Device {
    name: Option<String>,
    truncated: bool,
    capability: Option<ComputeCapability>,
}

/// A text on its way through the scanners. Parts of it are passed as slices, whose position gives the span.
pub(super) struct Scan<'t> {
    /// The whole text.
    pub(super) text: &'t str,
    file: FileId,
    facts: Vec<Fact>,
    skipped: Vec<Skipped>,
    unsaid: usize,
    fault: Option<Fault>,
    sections: u32,
    devices: BTreeMap<Device, BTreeMap<u32, Seen>>,
}

impl<'t> Scan<'t> {
    /// A text of which nothing has been read.
    pub(super) fn new(file: FileId, text: &'t str) -> Self {
        Scan {
            text,
            file,
            facts: Vec::new(),
            skipped: Vec::new(),
            unsaid: 0,
            fault: None,
            sections: 0,
            devices: BTreeMap::new(),
        }
    }

    /// Where a part of the text stands.
    pub(super) fn span(&self, part: &str) -> Span {
        let start = part.as_ptr().addr().wrapping_sub(self.text.as_ptr().addr());
        debug_assert!(start <= self.text.len(), "`{part}` is not a part of the text");
        let start = start.min(self.text.len());
        Span::new(start, (start + part.len()).min(self.text.len()))
    }

    /// The part of the text from the beginning of one part to the end of another.
    pub(super) fn through(&self, first: &str, last: &str) -> &'t str {
        let (from, to) = (self.span(first).start, self.span(last).end);
        self.text.get(from..to).unwrap_or("")
    }

    /// Whether nothing was found so far.
    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.skipped.is_empty() && self.devices.is_empty() && self.fault.is_none()
    }

    /// Notes a fact that was seen on the machine.
    pub(super) fn fact(&mut self, kind: FactKind, part: &str) {
        self.fact_at(kind, self.span(part));
    }

    /// The same, where the span is known.
    pub(super) fn fact_at(&mut self, kind: FactKind, span: Span) {
        if self.facts.len() < FACT_LIMIT {
            self.facts.push(Fact { kind, standing: Standing::Observed, place: Place { file: self.file, span } });
        } else {
            self.unsaid += 1;
        }
    }

    /// Notes a part that was not understood, or that says nothing.
    pub(super) fn skip(&mut self, part: &str, reason: impl Into<String>) {
        if self.skipped.len() < NOTE_LIMIT {
            let place = Place { file: self.file, span: self.span(part) };
            self.skipped.push(Skipped { place, reason: reason.into() });
        } else {
            self.unsaid += 1;
        }
    }

    /// The file is not what it claims to be. The first fault stays.
    pub(super) fn fault(&mut self, message: String, at: Span) {
        self.fault.get_or_insert(Fault { message, place: Some(Place { file: self.file, span: at }) });
    }

    /// The version in `value`; what is missing or no version is noted, `label` being what the tool calls it.
    pub(super) fn version<T: FromStr<Err = ParseVersionError>>(&mut self, label: &str, value: &str) -> Option<T> {
        let value = value.trim();
        if is_missing(value) {
            self.skip(value, format!("{label} is not known: the tool wrote `{value}`"));
            return None;
        }
        match shown(value).parse() {
            Ok(version) => Some(version),
            Err(fault) => {
                self.skip(value, format!("{label}: {fault}"));
                None
            }
        }
    }

    /// An installed driver.
    pub(super) fn driver(&mut self, label: &str, value: &str) {
        if let Some(version) = self.version(label, value) {
            self.fact(FactKind::Driver(version), value.trim());
        }
    }

    /// The newest CUDA that the driver can run.
    pub(super) fn driver_cuda(&mut self, label: &str, value: &str) {
        if let Some(version) = self.version(label, value) {
            self.fact(FactKind::DriverCuda(version), value.trim());
        }
    }

    /// Begins the output of another command: the same GPUs may be listed again.
    pub(super) fn section(&mut self) -> u32 {
        self.sections = self.sections.saturating_add(1);
        self.sections
    }

    /// One GPU of an output.
    pub(super) fn gpu(&mut self, section: u32, gpu: Gpu, part: &str) {
        if self.devices.len() >= FACT_LIMIT {
            self.unsaid += 1;
            return;
        }
        let span = self.span(part);
        let device = Device { name: gpu.name, truncated: gpu.truncated, capability: gpu.capability };
        let seen = self.devices.entry(device).or_default().entry(section).or_insert(Seen { count: 0, span });
        seen.count = seen.count.saturating_add(gpu.count);
        seen.span = seen.span.min(span);
    }

    /// Everything that was found, in the order of the file, each fact once.
    pub(super) fn finish(mut self) -> Reading {
        if let Some(fault) = self.fault {
            return Reading { fault: Some(fault), ..Reading::default() };
        }
        self.add_devices();
        if self.unsaid > 0 {
            let place = Place { file: self.file, span: Span::new(self.text.len(), self.text.len()) };
            self.skipped.push(Skipped { place, reason: format!("{} more parts: too many in one file", self.unsaid) });
        }
        self.facts.sort_by_key(|fact| fact.place.span);
        self.skipped.sort_by_key(|skipped| skipped.place.span);
        self.skipped.dedup();
        let mut said = BTreeSet::new();
        self.facts.retain(|fact| {
            matches!(fact.kind, FactKind::Package(_) | FactKind::Gpu(_)) || said.insert(format!("{:?}", fact.kind))
        });
        Reading { facts: self.facts, skipped: self.skipped, fault: None }
    }

    /// Joins what several outputs say of the same GPUs: the larger count, the full name, the capability.
    fn add_devices(&mut self) {
        let mut devices = std::mem::take(&mut self.devices);
        let full: BTreeMap<String, BTreeSet<u32>> = devices
            .iter()
            .filter(|(device, _)| !device.truncated)
            .filter_map(|(device, seen)| Some((device.name.clone()?, seen.keys().copied().collect())))
            .collect();
        let told_better = |device: &Device, seen: &BTreeMap<u32, Seen>| {
            let Some(name) = device.name.as_ref().filter(|_| device.truncated) else { return false };
            full.range::<String, _>(name..)
                .next()
                .filter(|(other, _)| other.starts_with(name.as_str()))
                .is_some_and(|(_, sections)| seen.keys().all(|section| !sections.contains(section)))
        };
        devices.retain(|device, seen| !told_better(device, seen));

        let capable: BTreeSet<String> = devices
            .keys()
            .filter(|device| device.capability.is_some())
            .filter_map(|device| device.name.clone())
            .collect();
        for (device, seen) in devices {
            let unnamed =
                device.capability.is_none() && device.name.as_ref().is_some_and(|name| capable.contains(name));
            // The same name with a capability stands in another output.
            if unnamed {
                continue;
            }
            let count = seen.values().map(|it| it.count).max().unwrap_or(1);
            let Some(span) = seen.values().map(|it| it.span).min() else { continue };
            let Device { name, truncated, capability } = device;
            self.fact_at(FactKind::Gpu(Gpu { name, truncated, capability, count }), span);
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! What the tests of these formats share.

    use std::collections::BTreeMap;

    use crate::{
        fact::{Fact, FactKind},
        input::{Claim, Content, Files, Format, Reading},
        text::{FileId, Sources},
    };

    pub(in crate::input) fn read_as(format: &Format, text: &str) -> Reading {
        read_bytes(format, text.as_bytes()).1
    }

    pub(in crate::input) fn read_bytes(format: &Format, bytes: &[u8]) -> (String, Reading) {
        let mut sources = Sources::default();
        let defines = BTreeMap::new();
        let mut files = Files::new(&mut sources, &defines);
        let file: FileId = files.add("a.txt".into(), Content::Owned(bytes.to_vec().into()), None, None);
        let reading = (format.read)(&mut files, file);
        (files.text(file).to_string(), reading)
    }

    pub(in crate::input) fn claim_of(format: &Format, name: &str, text: &str) -> Claim {
        (format.claims)(&crate::input::Probe { name, bytes: text.as_bytes(), text: Some(text) })
    }

    /// A fact as one line: the word, what it says, and `@` the text it stands on.
    pub(in crate::input) fn line(text: &str, fact: &Fact) -> String {
        let said = match &fact.kind {
            FactKind::Driver(it) => it.spelled(),
            FactKind::DriverCuda(it) | FactKind::Cuda(it) => it.to_string(),
            FactKind::Cudnn(it) => it.to_string(),
            FactKind::TensorRt(it) => it.to_string(),
            FactKind::Python(it) => it.to_string(),
            FactKind::Libc(it) => format!("{} {}", it.family, it.version),
            FactKind::Os(it) | FactKind::Distribution(it) | FactKind::Architecture(it) => it.clone(),
            FactKind::NoDriver(_) => String::new(),
            FactKind::Gpu(it) => {
                let name = it.name.as_deref().unwrap_or("?");
                let capability = it.capability.map_or(String::new(), |it| format!(" cc {it}"));
                format!("{}x {name}{}{capability}", it.count, if it.truncated { "~" } else { "" })
            }
            FactKind::Package(it) => {
                let cuda = it.cuda.as_ref().map_or(String::new(), |it| format!(" cuda {it}"));
                let build = it.build.as_ref().map_or(String::new(), |it| format!(" build {it}"));
                format!("{} {}{cuda}{build}", it.name, it.specifier)
            }
            other => format!("{other:?}"),
        };
        let span = fact.place.span;
        format!("{} {said} @ {}", fact.kind.word(), &text[span.start..span.end])
    }

    /// All facts as lines.
    pub(in crate::input) fn lines(format: &Format, text: &str) -> Vec<String> {
        let (text, reading) = read_bytes(format, text.as_bytes());
        assert_eq!(reading.fault, None);
        reading.facts.iter().map(|fact| line(&text, fact)).collect()
    }

    /// The reasons of all notes.
    pub(in crate::input) fn notes(format: &Format, text: &str) -> Vec<String> {
        read_as(format, text).skipped.into_iter().map(|it| it.reason).collect()
    }

    /// The text with some bytes from `at` on replaced, or cut there if `put` is empty.
    pub(in crate::input) fn mutated(text: &str, at: usize, put: &str) -> String {
        let at = crate::text::floor_char_boundary(text, at);
        let end = crate::text::floor_char_boundary(text, at + 3 * put.len());
        if put.is_empty() { text[..at].to_owned() } else { format!("{}{put}{}", &text[..at], &text[end..]) }
    }

    /// The text as a log collector keeps it: a time of varying width and some words before each line.
    pub(in crate::input) fn logged(text: &str, words: &str, end: &str) -> String {
        use std::fmt::Write as _;

        text.lines().enumerate().fold(String::new(), |mut all, (at, line)| {
            let _ = write!(all, "2026-01-09T10:00:00.{}Z {words}{line}{end}", at * 7);
            all
        })
    }

    /// Every span lies in the text and on character boundaries.
    pub(in crate::input) fn assert_sound(format: &Format, text: &str) {
        let (text, reading) = read_bytes(format, text.as_bytes());
        let fault = reading.fault.iter().filter_map(|it| it.place);
        let parts = reading.facts.iter().filter_map(|it| match &it.kind {
            FactKind::Package(package) => Some([Some(package.parts.name), package.parts.specifier]),
            _ => None,
        });
        let spans = reading
            .facts
            .iter()
            .map(|it| it.place)
            .chain(reading.skipped.iter().map(|it| it.place))
            .chain(fault)
            .map(|place| place.span)
            .chain(parts.flatten().flatten());
        for span in spans {
            assert!(text.get(span.start..span.end).is_some(), "{span:?} of {} bytes", text.len());
        }
        for name in ["a.txt", "gpus.csv", "README.md"] {
            let _ = claim_of(format, name, &text);
        }
    }
}
