//! The envcheck lock: a recorded environment in TOML (version 1), written by `envcheck lock` or by hand.
//!
//! Read: every key of the format, in any subset. Skipped with a note: unknown keys and values of the wrong kind. Broken
//! TOML and a version other than 1 are faults, since half a lock would look like a whole one.

mod blocks;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Claim, Fault, Files, Format, Probe, Reading, Skipped, pasted};
use crate::{
    fact::{
        Dimension, Fact, FactKind, Gpu, Image, ImageRole, Libc, Library, Model, NamedVersion, Package, PackageName, PackageParts,
        Signature, Standing,
    },
    text::{FileId, Place, Span},
    version::{Dotted, IrVersion, Opset, PythonVersion, Version, VersionSet},
};

/// What the format is called.
pub const NAME: &str = "envcheck-lock";

pub(super) static FORMAT: Format = Format {
    name: NAME,
    about: "an envcheck lock: TOML with `version = 1` and tables such as [environment], [gpu], [[package]], [[model]]",
    claims,
    read,
};

/// The tables of the format; a TOML file with any other table is something else.
const TABLES: [&str; 9] =
    ["environment", "host", "gpu", "gpu.device", "package", "library", "image", "server", "model"];

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    if probe.name.ends_with("envcheck.lock") {
        return Claim::Certain;
    }
    let mut versioned = false;
    let mut tables = 0_usize;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.trim_start_matches('[').split(']').next().unwrap_or_default().trim();
            if line.contains('=') && !line.starts_with("[[") {
                continue; // The end of a value that is spread over lines.
            }
            if !TABLES.contains(&name) && !name.starts_with("model.") {
                return Claim::No;
            }
            tables += 1;
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim(), value.trim());
            if tables == 0 && key == "version" {
                versioned = value.split('#').next().unwrap_or_default().trim() == "1";
            } else if matches!(key, "source" | "revision" | "resolution-markers" | "dependencies" | "sdist" | "wheels") {
                return Claim::No; // A lock of uv or Poetry.
            }
        }
    }
    if !versioned || tables == 0 {
        return Claim::No;
    }
    // A script or a manual that shows a lock is none.
    let toml = probe.name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("toml"));
    let quotes = pasted::is_prose_or_code(probe.name) && !toml;
    if quotes { Claim::Named } else { Claim::Likely }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    read_text(&files.text(file), file)
}

/// Reads the text of a lock, which is all that there is to it.
#[must_use]
pub fn read_text(text: &str, file: FileId) -> Reading {
    let (packages, rest) = blocks::take_packages(text);
    if !packages.is_empty() {
        let (root, faults) = DeTable::parse_recoverable(&rest);
        // Where anything is wrong, or where packages are also written in another way, the whole text decides.
        if faults.is_empty() && !root.get_ref().contains_key("package") {
            return read_tree(text, root.get_ref(), packages, file);
        }
    }
    let (root, faults) = DeTable::parse_recoverable(text);
    if let Some(fault) = faults.first() {
        let place = fault.span().map(|span| Place { file, span: inside(text, span) });
        let message = format!("broken TOML: {}", fault.message().lines().collect::<Vec<_>>().join("; "));
        return Reading { fault: Some(Fault { message, place }), ..Reading::default() };
    }
    read_tree(text, root.get_ref(), Vec::new(), file)
}

/// Reads the tables of a lock; some of its packages may have been read before.
fn read_tree(text: &str, root: &DeTable<'_>, packages: Vec<blocks::Found>, file: FileId) -> Reading {
    let mut reader = Reader { file, standing: Standing::Observed, out: Reading::default() };
    match root.get("version") {
        Some(value) if integer(value) == Some(1) => {}
        Some(value) => {
            let found = text.get(value.span()).unwrap_or_default();
            let message = format!("expected lock version 1, found `{found}`: this envcheck is too old for it");
            let place = Some(reader.place(value));
            return Reading { fault: Some(Fault { message, place }), ..Reading::default() };
        }
        None => return Reading::faulty("expected `version = 1` at the top, found no version", None),
    }
    for (key, value) in root {
        match key.get_ref().as_ref() {
            "version" => {}
            "environment" => reader.table(value, Reader::environment),
            "host" => reader.table(value, Reader::host),
            "gpu" => reader.table(value, Reader::gpu),
            "package" => reader.each(value, Reader::package),
            "library" => reader.each(value, Reader::library),
            "image" => reader.each(value, Reader::image),
            "server" => reader.each(value, Reader::server),
            "model" => reader.each(value, Reader::model),
            _ => reader.unknown(key),
        }
    }
    reader.out.facts.reserve(packages.len());
    for (package, span) in packages {
        reader.push(FactKind::Package(package), span);
    }
    let mut out = reader.out;
    out.facts.sort_by_key(|fact| (fact.place.span.start, fact.place.span.end));
    out.skipped.sort_by_key(|skipped| skipped.place.span.start);
    out
}

/// The keys of an environment in envcheck.toml: those of the lock's `[environment]` and `[gpu]`, and `gpu` for the GPUs.
pub const ENVIRONMENT_KEYS: [&str; 16] = [
    "python",
    "implementation",
    "os",
    "distribution",
    "architecture",
    "libc",
    "device",
    "execution-providers",
    "builds-extensions",
    "gpu",
    "driver",
    "driver-cuda",
    "cuda",
    "cudnn",
    "tensorrt",
    "host",
];

/// The keys of a model in envcheck.toml: those of the lock's `[[model]]`.
pub const MODEL_KEYS: [&str; 12] = [
    "path",
    "format",
    "sha256",
    "producer",
    "python",
    "requires",
    "classes",
    "ir-version",
    "opsets",
    "gpu",
    "inputs",
    "outputs",
];

/// Facts that a person declares in a table with [`ENVIRONMENT_KEYS`]; other keys are the caller's. What was not
/// understood is in `skipped`.
#[must_use]
pub fn declared_environment(file: FileId, table: &DeTable<'_>) -> Reading {
    let mut reader = Reader { file, standing: Standing::Declared, out: Reading::default() };
    for (key, value) in table {
        match key.get_ref().as_ref() {
            "gpu" => reader.gpus(value),
            "host" => reader.table(value, Reader::host),
            name if !ENVIRONMENT_KEYS.contains(&name) => {}
            name => {
                let _ = reader.environment_key(name, value) || reader.gpu_key(name, value);
            }
        }
    }
    reader.out.facts.sort_by_key(|fact| (fact.place.span.start, fact.place.span.end));
    reader.out
}

/// A model that a person declares in a table with [`MODEL_KEYS`]; other keys are the caller's.
#[must_use]
pub fn declared_model(file: FileId, table: &DeTable<'_>, span: Span) -> Reading {
    let mut own = DeTable::new();
    for (key, value) in table {
        if MODEL_KEYS.contains(&key.get_ref().as_ref()) {
            own.insert(key.clone(), value.clone());
        }
    }
    let mut reader = Reader { file, standing: Standing::Declared, out: Reading::default() };
    reader.model(&own, span);
    reader.out
}

fn inside(text: &str, span: std::ops::Range<usize>) -> Span {
    let start = crate::text::floor_char_boundary(text, span.start);
    Span::new(start, crate::text::floor_char_boundary(text, span.end).max(start))
}

/// Sets the version of a package that stands at a place, by its text where that is its normal form.
fn exactly(package: &mut Package, version: &Version, normal: Option<&str>, span: Span) {
    package.specifier = normal.map_or_else(|| format!("=={version}"), |text| ["==", text].concat());
    package.versions = VersionSet::exactly(version);
    package.parts = PackageParts { specifier: Some(span), ..package.parts };
}

/// Whether a version is written in its normal form for sure: numbers without leading zeros, separated by dots.
fn is_plain(version: &str) -> bool {
    let plain = |part: &[u8]| part == b"0" || !part.starts_with(b"0") && part.iter().all(u8::is_ascii_digit);
    version.as_bytes().split(|byte| *byte == b'.').all(plain)
}

fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

type Value<'i> = Spanned<DeValue<'i>>;

struct Reader {
    file: FileId,
    standing: Standing,
    out: Reading,
}

impl Reader {
    fn place(&self, value: &Value<'_>) -> Place {
        Place { file: self.file, span: value.span().into() }
    }

    fn skip(&mut self, span: Span, reason: String) {
        self.out.skipped.push(Skipped { place: Place { file: self.file, span }, reason });
    }

    fn unknown(&mut self, key: &Spanned<std::borrow::Cow<'_, str>>) {
        self.skip(key.span().into(), format!("unknown key `{}`", key.get_ref()));
    }

    fn wrong(&mut self, value: &Value<'_>, expected: &str) {
        let found = value.get_ref().type_str();
        self.skip(value.span().into(), format!("expected {expected}, found {found}"));
    }

    fn table(&mut self, value: &Value<'_>, read: fn(&mut Self, &DeTable<'_>)) {
        match value.get_ref().as_table() {
            Some(table) => read(self, table),
            None => self.wrong(value, "a table"),
        }
    }

    fn each(&mut self, value: &Value<'_>, read: fn(&mut Self, &DeTable<'_>, Span)) {
        match value.get_ref().as_array() {
            Some(array) => {
                for item in array {
                    match item.get_ref().as_table() {
                        Some(table) => read(self, table, item.span().into()),
                        None => self.wrong(item, "a table"),
                    }
                }
            }
            None => self.wrong(value, "an array of tables"),
        }
    }

    fn push(&mut self, kind: FactKind, span: Span) {
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind, standing: self.standing, place });
    }

    /// A text, or nothing and a note.
    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some("") => self.skip(value.span().into(), "expected a text in quotes, found an empty one".to_owned()),
            Some(text) => return Some(text.to_owned()),
            None => self.wrong(value, "a text in quotes"),
        }
        None
    }

    fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value, "an array of texts");
            return Vec::new();
        };
        array.iter().filter_map(|item| self.text(item)).collect()
    }

    /// A text that parses, or nothing and a note.
    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, value: &Value<'_>) -> Option<T> {
        let text = self.text(value)?;
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(fault) => {
                self.skip(value.span().into(), fault.to_string());
                None
            }
        }
    }

    fn fact<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, value: &Value<'_>, kind: fn(T) -> FactKind) {
        if let Some(parsed) = self.parsed(value) {
            self.push(kind(parsed), value.span().into());
        }
    }

    fn word(&mut self, value: &Value<'_>, kind: fn(String) -> FactKind) {
        if let Some(text) = self.text(value) {
            self.push(kind(text), value.span().into());
        }
    }

    fn environment(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            if !self.environment_key(key.get_ref(), value) {
                self.unknown(key);
            }
        }
    }

    /// Reads a key of the environment; false if it is none.
    fn environment_key(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "name" => self.word(value, FactKind::EnvironmentName),
            "role" => self.word(value, FactKind::Role),
            "python" => self.fact(value, FactKind::Python),
            "implementation" => self.word(value, FactKind::Implementation),
            "os" => self.word(value, |os| FactKind::Os(os.to_ascii_lowercase())),
            "distribution" => self.word(value, |text| FactKind::Distribution(text.to_ascii_lowercase())),
            "architecture" => self.word(value, FactKind::Architecture),
            "libc" => {
                if let Some(libc) = self.libc(value) {
                    self.push(FactKind::Libc(libc), value.span().into());
                }
            }
            "device" => self.word(value, |text| FactKind::Device(text.to_ascii_lowercase())),
            "execution-providers" => {
                let providers = self.texts(value);
                self.push(FactKind::ExecutionProviders(providers), value.span().into());
            }
            "builds-extensions" => match value.get_ref().as_bool() {
                Some(builds) => self.push(FactKind::BuildsExtensions(builds), value.span().into()),
                None => self.wrong(value, "true or false"),
            },
            _ => return false,
        }
        true
    }

    fn libc(&mut self, value: &Value<'_>) -> Option<Libc> {
        let text = self.text(value)?;
        let libc = parse_libc(&text);
        if libc.is_none() {
            self.skip(value.span().into(), format!("expected a C library such as `glibc 2.35`, found `{text}`"));
        }
        libc
    }

    fn host(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "os" => self.word(value, |os| FactKind::HostOs(os.to_ascii_lowercase())),
                "cuda" => self.fact(value, FactKind::HostCuda),
                _ => self.unknown(key),
            }
        }
    }

    fn gpu(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "device" => self.each(value, Reader::device),
                name if self.gpu_key(name, value) => {}
                _ => self.unknown(key),
            }
        }
    }

    /// Reads a key of the GPU stack; false if it is none.
    fn gpu_key(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "driver" => self.fact(value, FactKind::Driver),
            "driver-cuda" => self.fact(value, FactKind::DriverCuda),
            "cuda" => self.fact(value, FactKind::Cuda),
            "cudnn" => self.fact(value, FactKind::Cudnn),
            "tensorrt" => self.fact(value, FactKind::TensorRt),
            _ => return false,
        }
        true
    }

    /// GPUs by name, or as tables like those of `[[gpu.device]]`.
    fn gpus(&mut self, value: &Value<'_>) {
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong(value, "an array of GPUs such as [\"NVIDIA L4\"]");
        };
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => self.device(table, item.span().into()),
                DeValue::String(name) if !name.is_empty() => {
                    let gpu = Gpu { name: Some(name.to_string()), truncated: false, capability: None, count: 1 };
                    self.push(FactKind::Gpu(gpu), item.span().into());
                }
                _ => self.wrong(item, "the name of a GPU in quotes"),
            }
        }
    }

    fn device(&mut self, table: &DeTable<'_>, span: Span) {
        let mut gpu = Gpu { name: None, truncated: false, capability: None, count: 1 };
        let mut place = span;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => {
                    gpu.name = self.text(value);
                    place = value.span().into();
                }
                "compute-capability" => {
                    gpu.capability = self.parsed(value);
                    if gpu.name.is_none() && !table.contains_key("name") {
                        place = value.span().into();
                    }
                }
                "count" => match integer(value).and_then(|count| u32::try_from(count).ok()) {
                    Some(count) => gpu.count = count,
                    None => self.wrong(value, "a number of GPUs"),
                },
                _ => self.unknown(key),
            }
        }
        if gpu.name.is_some() || gpu.capability.is_some() {
            self.push(FactKind::Gpu(gpu), place);
        } else {
            self.skip(span, "expected `name` or `compute-capability`, found neither".into());
        }
    }

    fn package(&mut self, table: &DeTable<'_>, span: Span) {
        let Some(name_value) = table.get("name") else {
            self.skip(span, "expected a package with a `name`".into());
            return;
        };
        let Some(spelled) = self.text(name_value) else { return };
        let name = match PackageName::new(&spelled) {
            Ok(name) => name,
            Err(fault) => {
                self.skip(name_value.span().into(), fault.to_string());
                return;
            }
        };
        let mut place: Span = name_value.span().into();
        let mut package = Package::named(name, &spelled, place);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => {}
                "version" => {
                    if let Some(version) = self.parsed::<Version>(value) {
                        place = value.span().into();
                        let normal = value.get_ref().as_str().filter(|text| is_plain(text));
                        exactly(&mut package, &version, normal, place);
                    }
                }
                "requires" => package.requires = self.texts(value),
                "requires-python" => package.requires_python = self.text(value),
                "tags" => package.tags = self.texts(value),
                "build" => package.build = self.text(value),
                "cuda" => package.cuda = self.parsed(value),
                _ => self.unknown(key),
            }
        }
        self.push(FactKind::Package(package.into()), place);
    }

    fn library(&mut self, table: &DeTable<'_>, span: Span) {
        let Some(name) = table.get("name").and_then(|value| self.text(value)) else {
            self.skip(span, "expected a library with a `name`".into());
            return;
        };
        let mut library = Library { name, version: None, from: None, requires_libc: None, cuda: None };
        let mut place = table.get("name").map_or(span, |value| value.span().into());
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => {}
                "version" => {
                    if let Some(text) = self.text(value) {
                        library.version = Dotted::parse(&text);
                        place = value.span().into();
                        if library.version.is_none() {
                            self.skip(place, format!("expected a version such as `1.20.1`, found `{text}`"));
                        }
                    }
                }
                "from" => library.from = self.text(value),
                "requires-libc" => library.requires_libc = self.libc(value),
                "cuda" => library.cuda = self.parsed(value),
                _ => self.unknown(key),
            }
        }
        self.push(FactKind::Library(library), place);
    }

    fn image(&mut self, table: &DeTable<'_>, span: Span) {
        let Some(value) = table.get("reference") else {
            self.skip(span, "expected an image with a `reference`".into());
            return;
        };
        let Some(reference) = self.text(value) else { return };
        let place = value.span().into();
        let mut image = Image { reference, digest: None, stage: None, cuda: None, role: ImageRole::Runs, packages_only: false };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "reference" => {}
                "digest" => image.digest = self.text(value),
                "stage" => image.stage = self.text(value),
                "cuda" => image.cuda = self.parsed(value),
                _ => self.unknown(key),
            }
        }
        self.push(FactKind::Image(image), place);
    }

    fn server(&mut self, table: &DeTable<'_>, span: Span) {
        let Some(value) = table.get("name") else {
            self.skip(span, "expected a server with a `name`".into());
            return;
        };
        let Some(name) = self.text(value) else { return };
        let mut place = value.span().into();
        let mut server = NamedVersion { name, version: None };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => {}
                "version" => {
                    server.version = self.text(value);
                    place = value.span().into();
                }
                _ => self.unknown(key),
            }
        }
        self.push(FactKind::Server(server), place);
    }

    fn model(&mut self, table: &DeTable<'_>, span: Span) {
        let mut model = Model::default();
        let mut place = span;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => {
                    model.path = self.text(value).unwrap_or_default();
                    place = value.span().into();
                }
                "format" => model.format = self.text(value),
                "sha256" => model.sha256 = self.text(value),
                "producer" => {
                    model.producer = self.text(value).map(|text| named_version(&text));
                    model.producer_span = Some(value.span().into());
                }
                "python" => model.python = self.parsed::<PythonVersion>(value),
                "requires" => model.requires = self.texts(value),
                "classes" => model.classes = self.texts(value),
                "ir-version" => {
                    model.ir_version = integer(value).map(IrVersion);
                    model.ir_span = Some(value.span().into());
                    if model.ir_version.is_none() {
                        self.wrong(value, "a number");
                    }
                }
                "opsets" => self.opsets(value, &mut model),
                "gpu" => model.gpu = self.parsed(value),
                "inputs" => model.inputs = self.signatures(value),
                "outputs" => model.outputs = self.signatures(value),
                _ => self.unknown(key),
            }
        }
        self.push(FactKind::Model(Box::new(model)), place);
    }

    fn opsets(&mut self, value: &Value<'_>, model: &mut Model) {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, "a table of domains");
            return;
        };
        for (domain, version) in table {
            let Some(number) = integer(version) else {
                self.wrong(version, "a number");
                continue;
            };
            let name = if domain.get_ref().is_empty() { "ai.onnx" } else { domain.get_ref() };
            model.opsets.insert(name.to_owned(), Opset(number));
            model.opset_spans.insert(name.to_owned(), version.span().into());
        }
    }

    fn signatures(&mut self, value: &Value<'_>) -> Vec<Signature> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value, "an array of tables");
            return Vec::new();
        };
        let mut signatures = Vec::new();
        for item in array {
            let Some(table) = item.get_ref().as_table() else {
                self.wrong(item, "a table with name, dtype and shape");
                continue;
            };
            let mut signature = Signature { span: Some(item.span().into()), ..Signature::default() };
            for (key, value) in table {
                match key.get_ref().as_ref() {
                    "name" => signature.name = self.text(value).unwrap_or_default(),
                    "dtype" => signature.dtype = self.text(value),
                    "shape" => signature.shape = self.shape(value),
                    _ => self.unknown(key),
                }
            }
            signatures.push(signature);
        }
        signatures
    }

    fn shape(&mut self, value: &Value<'_>) -> Option<Vec<Dimension>> {
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(value, "an array of sizes");
            return None;
        };
        let mut shape = Vec::new();
        for item in array {
            match (integer(item), item.get_ref().as_str()) {
                (Some(size), _) if size >= 0 => shape.push(Dimension::Fixed(size)),
                (Some(_), _) | (None, Some("" | "?")) => shape.push(Dimension::Unknown),
                (None, Some(symbol)) => shape.push(Dimension::Symbol(symbol.to_owned())),
                (None, None) => {
                    self.wrong(item, "a size or a name");
                    return None;
                }
            }
        }
        Some(shape)
    }
}

/// `glibc 2.35`, `glibc >=2.28`, `musl 1.2`.
fn parse_libc(text: &str) -> Option<Libc> {
    let (family, version) = text.split_once([' ', '-'])?;
    let version = version.trim().trim_start_matches(">=").trim().parse().ok()?;
    let family = family.trim().to_ascii_lowercase();
    ["glibc", "musl"].contains(&family.as_str()).then_some(Libc { family, version })
}

/// `pytorch 2.1.0` or `pytorch`.
fn named_version(text: &str) -> NamedVersion {
    let text = text.trim();
    match text.rsplit_once([' ', '=']) {
        Some((name, version)) if version.starts_with(|it: char| it.is_ascii_digit()) => NamedVersion {
            name: name.trim_end_matches(['=', ' ']).to_owned(),
            version: Some(version.to_owned()),
        },
        _ => NamedVersion { name: text.to_owned(), version: None },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        input::{Content, Defines},
        text::Sources,
    };

    fn read_text(text: &str) -> Reading {
        let (mut sources, defines) = (Sources::default(), Defines::new());
        let mut files = Files::new(&mut sources, &defines);
        let file = files.add("train.lock".into(), Content::Owned(text.as_bytes().into()), None, None);
        read(&mut files, file)
    }

    const SAMPLE: &str = r#"
version = 1
[environment]
python = "3.10.14"
libc = "glibc 2.35"
builds-extensions = true
[gpu]
driver = "535.161.08"
cuda = "twelve"
[[gpu.device]]
name = "NVIDIA L4"
compute-capability = "8.9"
count = 2
[[package]]
name = "Torch"
version = "2.1.0+cu118"
[[package]]
name = "xformers"
requires = ["torch ==2.0.1+cu118"]
[[model]]
path = "m.onnx"
producer = "pytorch 2.1.0"
ir-version = 9
opsets = { "" = 19, "ai.onnx.ml" = 3 }
inputs = [{ name = "x", dtype = "float32", shape = ["N", 3, -1] }]
colour = "red"
"#;

    #[test]
    fn every_key_is_read_and_the_rest_is_said() {
        let reading = read_text(SAMPLE);
        assert_eq!(reading.fault, None);
        let words: Vec<&str> = reading.facts.iter().map(|fact| fact.kind.word()).collect();
        let expected =
            ["python", "libc", "builds-extensions", "nvidia-driver", "gpu", "package", "package", "model"];
        assert_eq!(words, expected);
        let reasons: Vec<&str> = reading.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert_eq!(reasons, ["expected a CUDA version such as `12.4`, found `twelve`", "unknown key `colour`"]);
        let FactKind::Package(torch) = &reading.facts[5].kind else { panic!("not a package") };
        assert_eq!(torch.specifier, "==2.1.0+cu118");
        let FactKind::Model(model) = &reading.facts[7].kind else { panic!("not a model") };
        assert_eq!(model.opsets["ai.onnx"], Opset(19));
        assert_eq!(model.producer.as_ref().unwrap().version.as_deref(), Some("2.1.0"));
        let shape = model.inputs[0].shape.clone().unwrap();
        assert_eq!(shape, [Dimension::Symbol("N".into()), Dimension::Fixed(3), Dimension::Unknown]);
    }

    #[test]
    fn other_locks_are_left_alone() {
        let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
        assert_eq!(claim("a.lock", SAMPLE), Claim::Likely);
        assert_eq!(claim("envcheck.lock", ""), Claim::Certain);
        let uv = "version = 1\nrevision = 3\n[[package]]\nname = \"a\"\nsource = { registry = \"x\" }\n";
        assert_eq!(claim("uv.lock", uv), Claim::No);
        assert_eq!(claim("pyproject.toml", "[project]\nname = \"a\"\n"), Claim::No);
    }

    #[test]
    fn half_a_lock_is_a_fault() {
        assert!(read_text("version = 1\n[gpu\n").fault.is_some());
        assert!(read_text("version = 2\n").fault.unwrap().message.contains("expected lock version 1"));
        assert!(read_text("").fault.is_some());
    }

    /// What the TOML tree alone says.
    fn read_as_tree(text: &str) -> Option<Reading> {
        let (mut sources, defines) = (Sources::default(), Defines::new());
        let file = Files::new(&mut sources, &defines).add("train.lock".into(), Content::Owned(text.as_bytes().into()), None, None);
        let (root, faults) = DeTable::parse_recoverable(text);
        faults.is_empty().then(|| read_tree(text, root.get_ref(), Vec::new(), file))
    }

    fn line() -> impl Strategy<Value = String> {
        let regular = "name = \"[a-c._-]{1,4}\"|version = \"[0-2](\\.0?[0-3]){0,2}(rc1|\\+cu1)?\"|cuda = \"1[12]\\.[0-4]\"";
        let lists = "(requires|tags) = \\[(\"[a-c]<2\"(, ?\"[a-c]>=1\"){0,2},?)?\\]|requires-python = \">=3\\.[0-9]\"";
        let headers = "\\[\\[package\\]\\]|\\[\\[library\\]\\]|\\[gpu\\]|\\[package\\]|\\[package\\.x\\]|\\[\\[package\\]\\] # c";
        let odd = "# note|name = 'd'|build = \"\\\\n\"|x = \\[|\\]|y = \"\"\"|package\\.z = 1| name = \"e\"|\\[ \"q\" \\]|name=\"f\"|\t|\r";
        prop_oneof![
            9 => Just("[[package]]\nname = \"a-b\"".to_owned()),
            6 => regular.prop_map(String::from),
            3 => lists.prop_map(String::from),
            2 => headers.prop_map(String::from),
            1 => odd.prop_map(String::from),
            1 => Just(String::new()),
        ]
    }

    proptest! {
        #[test]
        fn blocks_say_what_the_tree_says(lines in prop::collection::vec(line(), 0..12)) {
            let text = format!("version = 1\n{}\n", lines.join("\n"));
            let reading = read_text(&text);
            match read_as_tree(&text) {
                Some(tree) => {
                    prop_assert_eq!(reading.facts, tree.facts);
                    prop_assert_eq!(reading.skipped, tree.skipped);
                    prop_assert_eq!(reading.fault, tree.fault);
                }
                None => prop_assert!(reading.fault.is_some(), "{:?}", text),
            }
        }

        #[test]
        fn never_panics_and_every_span_lies_inside(cut in 0..SAMPLE.len(), noise in "\\PC{0,12}", at in 0..SAMPLE.len()) {
            let mut text = SAMPLE.to_owned();
            text.insert_str(at, &noise);
            text.truncate(crate::text::floor_char_boundary(&text, cut.max(20)));
            let reading = read_text(&text);
            let places = reading.facts.iter().map(|fact| fact.place).chain(reading.skipped.iter().map(|it| it.place));
            for place in places.chain(reading.fault.and_then(|fault| fault.place)) {
                prop_assert!(text.get(place.span.start..place.span.end).is_some(), "{:?}", place.span);
            }
        }
    }
}
