//! `python -m torch.utils.collect_env`, of every PyTorch since 1.0, and the longer form that vLLM prints.
//!
//! The tool is its own specification: <https://github.com/pytorch/pytorch/blob/main/torch/utils/collect_env.py>
//!
//! Read: PyTorch and the CUDA it was built with, the listed packages, operating system, C library, Python, GPUs, driver,
//! nvcc's CUDA and the cuDNN files. Skipped with a note: values that the tool could not collect, where they would matter.
//! Its search for the driver fails on driver 610 and newer, and it asks nothing where PyTorch sees no CUDA, so that
//! neither means that there is no driver. Skipped in silence: compilers, the details of the processor, AMD's libraries.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Claim, Format, Probe, ldconfig, nvidia_smi, os_release,
    pasted::{self, Scan, first_parts, is_missing, leading_version, without_words},
};
use crate::{
    fact::{FactKind, Gpu, Libc, Package, PackageName, PackageParts},
    text::Span,
    version::{CudaVersion, CudnnVersion, PythonVersion, Version, VersionSet},
};

pub(super) static FORMAT: Format = Format {
    name: "collect_env",
    about: "output of `python -m torch.utils.collect_env`",
    claims,
    read: pasted::read,
};

const TORCH: &str = "PyTorch version";

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    if !pasted::head(text).any(|line| line.contains("Is debug build") || line.contains(BUILT_WITH)) {
        return Claim::No;
    }
    pasted::claim(probe, |line| torch_line(line).is_some())
}

const BUILT_WITH: &str = "CUDA used to build PyTorch";

/// The value of `PyTorch version`, and how many words a log collector put before it.
fn torch_line(line: &str) -> Option<(&str, usize)> {
    let at = line.find(TORCH)?;
    let value = line[at + TORCH.len()..].trim_start().strip_prefix(':')?;
    let before = &line[..at];
    let bounded = before.is_empty() || before.ends_with(char::is_whitespace);
    // Prose that names the label is longer than any prefix.
    let words = before.split_whitespace().count();
    (bounded && words <= 8).then(|| (value.trim(), words))
}

/// `Label: value`, padded in vLLM's form.
fn field(line: &str) -> Option<(&str, &str)> {
    let (label, value) = line.split_once(':')?;
    Some((label.trim_end(), value.trim()))
}

/// What the lines below a label belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    None,
    Gpus,
    Cudnn,
}

/// Reads each report in the text.
pub(super) fn scan(scan: &mut Scan<'_>) {
    let Some((_, prefix)) = scan.text.lines().find_map(torch_line).filter(|_| scan.text.contains(BUILT_WITH)) else {
        return;
    };
    let mut report = Report::default();
    let mut open = false;
    let mut packages = false;
    let mut list = List::None;
    for line in scan.text.lines() {
        let body = without_words(line, prefix).trim_start_matches('>').trim_start();
        if body.starts_with("Collecting environment information") || torch_line(line).is_some() && packages {
            report.finish(scan);
            report = Report::default();
            (open, packages, list) = (true, false, List::None);
        }
        if let Some(entry) = package_entry(body) {
            if open {
                packages = true;
                report.package(scan, entry.0, entry.1);
            }
            continue;
        }
        // The packages are the last part.
        if packages && !body.is_empty() && !line.contains(TORCH) {
            open = false;
        }
        if list != List::None && report.listed(scan, list, body) {
            continue;
        }
        list = List::None;
        let Some((label, value)) = field(body) else {
            // vLLM puts the system in front of PyTorch, below a headline.
            open |= body == "System Info" || body == "PyTorch Info";
            continue;
        };
        open |= label == TORCH;
        if open {
            list = report.field(scan, label, value);
        }
    }
    report.finish(scan);
}

/// `[pip3] torch==2.6.0`: the tool and the rest.
fn package_entry(line: &str) -> Option<(Tool, &str)> {
    let (tag, rest) = line.strip_prefix('[')?.split_once(']')?;
    let tool = match tag {
        "conda" => Tool::Conda,
        _ if tag.starts_with("pip") || tag.starts_with("uv") => Tool::Pip,
        _ => return None,
    };
    Some((tool, rest.trim()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Pip,
    Conda,
}

/// A package before it becomes a fact.
struct Listed<'t> {
    name: PackageName,
    spelled: &'t str,
    version: &'t str,
    specifier: Span,
    build: Option<&'t str>,
}

#[derive(Default)]
struct Report<'t> {
    section: Option<u32>,
    torch_cuda: Option<CudaVersion>,
    libc: bool,
    packages: Vec<Listed<'t>>,
    by_name: BTreeMap<PackageName, Vec<usize>>,
    /// Distributions that conda lists as installed by pip: the build of conda's own is not what runs.
    from_pip: BTreeSet<PackageName>,
    cudnn: BTreeMap<&'t str, &'t str>,
}

impl<'t> Report<'t> {
    fn field(&mut self, scan: &mut Scan<'t>, label: &'t str, value: &'t str) -> List {
        match label {
            TORCH => self.torch(scan, label, value),
            BUILT_WITH if !is_missing(value) => {
                self.torch_cuda = scan.version("the CUDA that PyTorch was built with", value);
            }
            "OS" => operating_system(scan, value),
            "Libc version" => self.libc_version(scan, value),
            "Python version" => python(scan, value),
            "Python platform" => self.platform(scan, value),
            "CUDA runtime version" => toolkit(scan, value),
            "GPU models and configuration" => {
                self.section = Some(scan.section());
                if value.is_empty() {
                    return List::Gpus;
                }
                if !is_missing(value) && !self.gpu_line(scan, value) {
                    self.gpu(scan, value);
                }
                // The first of several may stand beside the label.
                return List::Gpus;
            }
            "Nvidia driver version" => driver(scan, value),
            "cuDNN version" => {
                self.cudnn_file(value);
                return List::Cudnn;
            }
            "Architecture" => architecture(scan, value),
            _ => {}
        }
        List::None
    }

    /// Whether the line continues the list.
    fn listed(&mut self, scan: &mut Scan<'t>, list: List, line: &'t str) -> bool {
        match list {
            List::None => false,
            List::Gpus => self.gpu_line(scan, line) || line.starts_with("MIG "),
            List::Cudnn => self.cudnn_file(line),
        }
    }

    fn torch(&mut self, scan: &mut Scan<'t>, label: &'t str, value: &'t str) {
        if is_missing(value) {
            scan.skip(value, "PyTorch was not installed where this ran");
            return;
        }
        if value.contains(char::is_whitespace) {
            scan.skip(value, "expected nothing but a version on this line");
            return;
        }
        let spelled = label.get(.."PyTorch".len()).unwrap_or(label);
        if let Ok(name) = PackageName::new("torch") {
            let specifier = scan.span(value);
            self.keep(scan, Listed { name, spelled, version: value, specifier, build: None });
        }
    }

    fn package(&mut self, scan: &mut Scan<'t>, tool: Tool, entry: &'t str) {
        if is_missing(entry) || entry == "No relevant packages" {
            return;
        }
        let listed = match tool {
            Tool::Pip => pip_entry(entry),
            Tool::Conda => conda_entry(entry),
        };
        let Some((spelled, version, from, build)) = listed else {
            scan.skip(entry, "expected a package and its version");
            return;
        };
        // The one name that differs between conda and Python's own index.
        let known = if tool == Tool::Conda && spelled == "pytorch" { "torch" } else { spelled };
        match PackageName::new(known) {
            Ok(name) => {
                if tool == Tool::Conda && build.is_some_and(|it| it.starts_with("pypi_")) {
                    self.from_pip.insert(name.clone());
                }
                let specifier = scan.span(scan.through(from, version));
                self.keep(scan, Listed { name, spelled, version, specifier, build });
            }
            Err(fault) => scan.skip(entry, fault.to_string()),
        }
    }

    /// Keeps a package unless it is listed at this version already.
    fn keep(&mut self, scan: &mut Scan<'t>, new: Listed<'t>) {
        let known = self.by_name.entry(new.name.clone()).or_default();
        let same = known.iter().find(|at| is_same(self.packages[**at].version, new.version));
        if let Some(at) = same {
            let old = &mut self.packages[*at];
            old.build = old.build.or(new.build);
        } else if known.len() < 16 {
            known.push(self.packages.len());
            self.packages.push(new);
        } else {
            scan.skip(new.version, "too many versions of one package");
        }
    }

    fn libc_version(&mut self, scan: &mut Scan<'t>, value: &'t str) {
        if is_missing(value) {
            return;
        }
        match value.split_once('-') {
            Some((family @ ("glibc" | "musl"), number)) => {
                if let Some(version) = scan.version("the C library", number) {
                    scan.fact(FactKind::Libc(Libc { family: family.to_owned(), version }), value);
                    self.libc = true;
                }
            }
            _ => scan.skip(value, "expected a C library such as `glibc-2.35`"),
        }
    }

    /// `Linux-5.15.0-x86_64-with-glibc2.35`: says the C library where no line of its own does.
    fn platform(&mut self, scan: &mut Scan<'t>, value: &'t str) {
        let Some((_, number)) = value.rsplit_once("-with-glibc").filter(|_| !self.libc) else { return };
        if let Ok(version) = number.parse() {
            let part = scan.through(&value[value.len() - number.len() - "glibc".len()..], number);
            scan.fact(FactKind::Libc(Libc { family: "glibc".to_owned(), version }), part);
            self.libc = true;
        }
    }

    /// `GPU 0: NVIDIA L4`, in old versions with the UUID behind.
    fn gpu_line(&mut self, scan: &mut Scan<'t>, line: &'t str) -> bool {
        let Some(name) = nvidia_smi::numbered(line) else { return false };
        let name = name.split(" (UUID:").next().unwrap_or(name).trim();
        self.gpu(scan, name);
        true
    }

    fn gpu(&mut self, scan: &mut Scan<'t>, name: &'t str) {
        if is_missing(name) {
            return scan.skip(name, "the GPU has no name");
        }
        let section = *self.section.get_or_insert_with(|| scan.section());
        scan.gpu(section, Gpu { name: Some(name.to_owned()), truncated: false, capability: None, count: 1 }, name);
    }

    /// Whether the line names a file of cuDNN. The longest number of each major stays.
    fn cudnn_file(&mut self, line: &'t str) -> bool {
        let bare = leading_version(line);
        let number = if !bare.is_empty() && bare == line { Some(bare) } else { ldconfig::cudnn_number(line) };
        if let Some(number) = number {
            let best = self.cudnn.entry(first_parts(number, 1)).or_insert(number);
            if number.matches('.').count() > best.matches('.').count() {
                *best = number;
            }
        }
        number.is_some() || line.starts_with('/')
    }

    fn finish(&mut self, scan: &mut Scan<'t>) {
        for (_, number) in std::mem::take(&mut self.cudnn) {
            if let Some(version) = scan.version::<CudnnVersion>("the cuDNN file", number) {
                scan.fact(FactKind::Cudnn(version), number);
            }
        }
        for listed in std::mem::take(&mut self.packages) {
            let (specifier, name) = (listed.specifier, scan.span(listed.spelled));
            let mut package = Package::named(listed.name, listed.spelled, name);
            package.specifier = format!("=={}", listed.version);
            match listed.version.parse::<Version>() {
                Ok(version) => package.versions = VersionSet::exactly(&version),
                Err(_) => scan.skip(listed.version, "this version does not follow PEP 440, so it is not compared"),
            }
            package.parts = PackageParts { name, specifier: Some(specifier), marker: None };
            if !self.from_pip.contains(package.name.as_str()) {
                package.build = listed.build.map(str::to_owned);
            }
            let is_torch = package.name.as_str() == "torch";
            if is_torch {
                package.cuda.clone_from(&self.torch_cuda);
            }
            // Beside `PyTorch version:` the version alone is the requirement.
            let start = if listed.spelled == "PyTorch" { specifier.start } else { name.start.min(specifier.start) };
            scan.fact_at(FactKind::Package(package.into()), Span::new(start, specifier.end));
        }
    }
}

/// Whether a later line says the version of an earlier one again: pip writes it in its normal form (`nv25.06` becomes
/// `nv25.6`), and conda without the local label.
fn is_same(old: &str, new: &str) -> bool {
    old == new
        || match (old.parse::<Version>(), new.parse::<Version>()) {
            (Ok(old), Ok(new)) => old == new || old.without_local() == new,
            _ => false,
        }
}

/// Name, version, where the specifier begins, and the build.
type Entry<'t> = (&'t str, &'t str, &'t str, Option<&'t str>);

/// `torch==2.6.0+cu124`, or `torch (0.4.1)` of an old pip.
fn pip_entry(entry: &str) -> Option<Entry<'_>> {
    if let Some(at) = entry.find("==") {
        let version = entry[at..].trim_start_matches('=').split_whitespace().next()?;
        return Some((entry[..at].trim_end(), version, &entry[at..], None));
    }
    let (name, version) = entry.strip_suffix(')')?.split_once(" (")?;
    Some((name.trim_end(), version, version, None))
}

/// `pytorch  2.1.0  py3.10_cuda12.1_cudnn8.9.2_0  pytorch`.
fn conda_entry(entry: &str) -> Option<Entry<'_>> {
    let mut words = entry.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    version.starts_with(|it: char| it.is_ascii_alphanumeric()).then(|| (name, version, version, words.next()))
}

const MACHINES: [&str; 10] =
    ["x86_64", "aarch64", "arm64", "AMD64", "ppc64le", "s390x", "i686", "i386", "armv7l", "riscv64"];

/// `Ubuntu 22.04.5 LTS (x86_64)`.
fn operating_system(scan: &mut Scan<'_>, value: &str) {
    if is_missing(value) {
        return scan.skip(value, "the operating system is not known");
    }
    let (mut name, mut machine) = (value, None);
    let last = value.strip_suffix(')').and_then(|it| it.rsplit_once('('));
    if let Some((before, last)) = last.filter(|(_, last)| MACHINES.contains(last)) {
        (name, machine) = (before.trim_end(), Some(last));
    }
    let plain = name.to_ascii_lowercase();
    if plain.starts_with("microsoft windows") || plain.starts_with("windows") {
        scan.fact(FactKind::Os("windows".to_owned()), name);
    } else if plain.starts_with("macos") || plain.starts_with("mac os") {
        scan.fact(FactKind::Os("macos".to_owned()), name);
    } else {
        match os_release::of_pretty_name(name) {
            Some(distribution) => {
                scan.fact(FactKind::Distribution(distribution), name);
                scan.fact(FactKind::Os("linux".to_owned()), name);
            }
            None if plain.contains("linux") => {
                scan.fact(FactKind::Os("linux".to_owned()), name);
                scan.skip(name, "this distribution is not one that envcheck knows by name");
            }
            None => scan.skip(name, "this operating system is not one that envcheck knows by name"),
        }
    }
    if let Some(machine) = machine {
        architecture(scan, machine);
    }
}

/// On Windows this is a number of the system management interface.
fn architecture(scan: &mut Scan<'_>, value: &str) {
    if MACHINES.contains(&value) {
        scan.fact(FactKind::Architecture(value.to_owned()), value);
    } else if !value.bytes().all(|it| it.is_ascii_digit()) {
        scan.skip(value, "expected an architecture such as `x86_64`");
    }
}

/// `3.10.12 (main, ...)`, `3.7 (64-bit runtime)`, `3.13.0rc1 ...`.
fn python(scan: &mut Scan<'_>, value: &str) {
    if is_missing(value) {
        return scan.skip(value, "the Python version is not known");
    }
    let number = leading_version(value);
    // A pre-release has not the third part that stands before its letters.
    let rest = &value[number.len()..];
    let number = if rest.starts_with(|it: char| it.is_ascii_alphabetic()) { first_parts(number, 2) } else { number };
    if let Some(version) = scan.version::<PythonVersion>("the Python version", number) {
        scan.fact(FactKind::Python(version), number);
    }
}

/// nvcc's own number: its third part counts builds of the compiler.
fn toolkit(scan: &mut Scan<'_>, value: &str) {
    if is_missing(value) {
        return;
    }
    let number = first_parts(value, 2);
    if let Some(version) = scan.version("the CUDA runtime version", number) {
        scan.fact(FactKind::Cuda(version), number);
    }
}

fn driver(scan: &mut Scan<'_>, value: &str) {
    if is_missing(value) {
        let why = if value == "No CUDA" { "PyTorch saw no CUDA device and did not ask" } else { "it could not be collected" };
        return scan.skip(value, format!("the driver is not known: {why}"));
    }
    scan.driver("the driver", value);
}

#[cfg(test)]
#[path = "collect_env/tests.rs"]
mod tests;
