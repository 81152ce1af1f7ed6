//! Container images and the machines under them: what a tag says is inside, what a distribution brings, which GPU a cloud
//! machine has.

use std::collections::BTreeMap;

use super::{Counts, Knowledge, Provenance, RowFault, name_fault};
use crate::version::{CudaVersion, LibcVersion, VersionSet};

rows! {
    /// What an image brings along.
    pub struct ImageShips {
        /// The end of the repository's path.
        pub name: String,
        /// The pattern that the whole tag must match.
        pub tag: String,
        /// What is inside: a word and its version, with the names of the pattern in angle brackets.
        pub ships: Vec<String>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn touches(&self, built_in: &Self) -> bool {
            self.name == built_in.name
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name && self.tag == built_in.tag
        }

        fn fault(&self) -> Option<RowFault> {
            self.ships.iter().find_map(|item| ships_fault(item, &self.tag))
        }
    }
}

rows! {
    /// Tags that an image surely has.
    pub struct ImageTags {
        /// The end of the repository's path.
        pub name: String,
        /// The tags; they differ in nothing but versions and releases.
        pub tags: Vec<String>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name && self.tags == built_in.tags
        }
    }
}

rows! {
    /// A release of a distribution.
    pub struct Distribution {
        /// Its name, as in `/etc/os-release`.
        pub id: String,
        /// Its release; a prefix.
        pub release: String,
        /// Its code name.
        pub codename: Option<String>,
        /// Its C library, such as `glibc 2.35`.
        pub libc: String,
        /// The Python that its package `python3` installs.
        pub python: Option<String>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.id == built_in.id && self.release == built_in.release
        }
    }
}

/// What names a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MachineName {
    /// The instance type of a cloud.
    Instance,
    /// The accelerator label of a cluster.
    Accelerator,
}

rows! {
    /// The GPU of a kind of machine.
    pub struct InstanceGpu {
        /// What is named.
        pub kind: MachineName,
        /// The pattern of the name; `*` stands for anything.
        pub pattern: String,
        /// The model in the table `gpu`; none if the machine has no NVIDIA GPU.
        pub gpu: Option<String>,
    }
    impl {
        fn touches(&self, built_in: &Self) -> bool {
            self.kind == built_in.kind && globbed(&built_in.pattern.to_ascii_lowercase(), &self.pattern.to_ascii_lowercase())
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.kind == built_in.kind && self.pattern == built_in.pattern
        }
    }
}

rows! {
    /// The driver branches that an image starts on beside drivers of its own CUDA version.
    pub struct ImageCondition {
        /// The CUDA version of the image.
        pub cuda: CudaVersion,
        /// Branches.
        pub branches: Vec<u32>,
        /// They are also named for `GeForce` and `Titan`.
        pub geforce: Option<bool>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.cuda == built_in.cuda
        }
    }
}

rows! {
    /// A shared library of the system that a wheel needs.
    pub struct SystemLibrary {
        /// The distribution.
        pub package: String,
        /// Its releases.
        pub releases: VersionSet,
        /// The file that the loader looks for.
        pub library: String,
        /// The package of Debian and Ubuntu that has it.
        pub apt: String,
        /// Images without it, as `name:tag` with `*` for anything.
        pub images: Vec<String>,
        /// Packages of Debian that install it.
        pub brought_by: Vec<String>,
        /// Packages of Debian that do not.
        pub not_by: Vec<String>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn replaces(&self, built_in: &Self) -> bool {
            self.package == built_in.package && self.library == built_in.library
        }

        fn fault(&self) -> Option<RowFault> {
            name_fault("package", &self.package)
        }
    }
}

impl SystemLibrary {
    /// Whether an image is known not to have it.
    #[must_use]
    pub fn is_absent_from(&self, reference: &Reference<'_>) -> bool {
        let Some(tag) = reference.tag else { return false };
        self.images
            .iter()
            .any(|pattern| pattern.split_once(':').is_some_and(|(name, tags)| reference.is(name) && globbed(tags, tag)))
    }
}

/// The words that an item of `ships` may begin with.
const WORDS: [&str; 11] = [
    "cuda",
    "cudnn",
    "cudnn-of-torch",
    "python",
    "distribution",
    "codename",
    "package",
    "server",
    "library",
    "os",
    "tensorrt",
];

/// What is wrong with an item of `ships`.
fn ships_fault(item: &str, tag: &str) -> Option<RowFault> {
    let word = item.split(' ').next().unwrap_or_default();
    if !WORDS.contains(&word) {
        return Some(RowFault::new("ships", format!("expected one of {}, found `{word}`", WORDS.join(", "))));
    }
    let names = item.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    let missing = names.into_iter().find(|name| !tag.contains(&format!("<{name}>")))?;
    Some(RowFault::new("ships", format!("`{item}` takes <{missing}> from the tag, and `{tag}` does not have it")))
}

/// A component that an image brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The word of the row: `cuda`, `cudnn`, `python`, `distribution`, `package`, `server`, `library`, `os`, `tensorrt`.
    pub word: String,
    /// The rest, with the parts of the tag filled in.
    pub text: String,
    /// Who says so.
    pub provenance: Provenance,
}

/// The parts of an image reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The registry, if one is named.
    pub host: Option<&'a str>,
    /// The path without the registry.
    pub path: &'a str,
    /// The tag, if one is written.
    pub tag: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Takes a reference (without digest) apart.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = text.split('@').next().unwrap_or(text);
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (text, None),
        };
        match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                Reference { host: Some(first), path: rest, tag }
            }
            _ => Reference { host: None, path: name, tag },
        }
    }

    /// Whether a repository of the tables is meant: the end of the path, behind any registry or mirror.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        if self.path == name || self.path.strip_prefix("library/") == Some(name) {
            return true;
        }
        let ends = self.path.strip_suffix(name).is_some_and(|head| head.ends_with('/'));
        // Anyone may call an image `python`; behind a registry of one's own it is a mirror.
        ends && (name.contains('/') || self.host.is_some())
    }
}

impl Knowledge {
    /// What an image brings along, as far as its tag says; for one component the first row counts.
    #[must_use]
    pub fn shipped(&self, reference: &Reference<'_>) -> Vec<Shipped> {
        let Some(tag) = reference.tag else { return Vec::new() };
        let mut found: Vec<Shipped> = Vec::new();
        let mut start = reference.path;
        loop {
            for row in self.image.rows_of(start).filter(|row| reference.is(&row.name)) {
                let Some(parts) = matched(&row.tag, tag) else { continue };
                for item in &row.ships {
                    let text = filled(item, &parts);
                    let (word, text) = text.split_once(' ').unwrap_or((&text, ""));
                    if word == "codename" && self.codename(text).is_none() {
                        continue; // `slim` looks like one too; another row may say more.
                    }
                    // Two packages are two components.
                    let key = |word: &str, text: &str| match word {
                        "package" | "library" => format!("{word} {}", text.split(' ').next().unwrap_or_default()),
                        "codename" => "distribution".to_owned(),
                        _ => word.to_owned(),
                    };
                    let wanted = key(word, text);
                    if found.iter().all(|known| key(&known.word, &known.text) != wanted) {
                        let provenance = self.image.provenance(row);
                        found.push(Shipped { word: word.to_owned(), text: text.to_owned(), provenance });
                    }
                }
            }
            match start.split_once('/') {
                Some((_, rest)) => start = rest,
                None => return found,
            }
        }
    }

    /// Tags that the repository of an image surely has and that differ from its own in nothing but versions, in the order of
    /// their versions. The image's own tag is among them only if it is known.
    #[must_use]
    pub fn sibling_tags(&self, reference: &Reference<'_>) -> Vec<String> {
        let Some(own) = reference.tag else { return Vec::new() };
        let shape = self.tag_shape(own);
        let mut found: Vec<String> = Vec::new();
        let mut start = reference.path;
        loop {
            let listed = self.image_tag.rows_of(start).filter(|row| reference.is(&row.name));
            found.extend(listed.flat_map(|row| &row.tags).filter(|tag| self.tag_shape(tag) == shape).cloned());
            // A row about one release names a tag that its document speaks of.
            let spelled =
                self.image.rows_of(start).filter(|row| reference.is(&row.name)).filter_map(|row| spelled(&row.tag));
            found.extend(spelled.filter(|tag| self.tag_shape(tag) == shape).map(str::to_owned));
            match start.split_once('/') {
                Some((_, rest)) => start = rest,
                None => break,
            }
        }
        found.sort_by_cached_key(|tag| (self.tag_numbers(tag), tag.clone()));
        found.dedup();
        found
    }

    /// Whether the tags of two images differ in nothing but versions.
    #[must_use]
    pub fn same_shape(&self, a: &Reference<'_>, b: &Reference<'_>) -> bool {
        a.tag.zip(b.tag).is_some_and(|(a, b)| self.tag_shape(a) == self.tag_shape(b))
    }

    /// What is left of a tag without its versions: two tags with the same shape are one thing in two versions.
    fn tag_shape(&self, tag: &str) -> Vec<String> {
        let part = |part: &str| {
            if self.codename(part).is_some() {
                return "codename".to_owned();
            }
            part.trim_end_matches(|it: char| it.is_ascii_digit() || it == '.').to_owned()
        };
        tag.split('-').map(part).collect()
    }

    /// The versions in a tag, by its parts.
    #[must_use]
    pub fn tag_numbers(&self, tag: &str) -> Vec<Vec<u64>> {
        let part = |part: &str| {
            if let Some((row, _)) = self.codename(part) {
                return row.release.split('.').filter_map(|it| it.parse().ok()).collect();
            }
            let digits = part.trim_start_matches(|it: char| !it.is_ascii_digit());
            digits.split('.').filter_map(|it| it.parse().ok()).collect()
        };
        tag.split('-').map(part).collect()
    }

    /// Whether the tables have rows for the repository of an image at all.
    #[must_use]
    pub fn knows_image(&self, reference: &Reference<'_>) -> bool {
        let mut start = reference.path;
        loop {
            if self.image.rows_of(start).any(|row| reference.is(&row.name)) {
                return true;
            }
            match start.split_once('/') {
                Some((_, rest)) => start = rest,
                None => return false,
            }
        }
    }

    /// A release of a distribution: `ubuntu 22.04`, `debian 12`, `rhel 9.4`.
    #[must_use]
    pub fn distribution(&self, id: &str, release: &str) -> Option<(&Distribution, Provenance)> {
        let table = &self.distribution;
        let id = match id {
            "amzn" => "amazonlinux",
            "rocky" => "rockylinux",
            "ol" => "oraclelinux",
            "redhat" | "ubi" => "rhel",
            other => other,
        };
        let fits = |known: &str| {
            release == known || release.strip_prefix(known).is_some_and(|rest| rest.starts_with(['.', '-']))
        };
        let row = table.rows().iter().find(|row| row.id == id && fits(&row.release))?;
        Some((row, table.provenance(row)))
    }

    /// A release of a distribution by its code name.
    #[must_use]
    pub fn codename(&self, name: &str) -> Option<(&Distribution, Provenance)> {
        let table = &self.distribution;
        let row = table.rows().iter().find(|row| row.codename.as_deref() == Some(name))?;
        Some((row, table.provenance(row)))
    }

    /// Long-lived distributions whose glibc is new enough, the oldest release of each.
    #[must_use]
    pub fn distributions_with_glibc(&self, floor: &LibcVersion) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for id in ["debian", "ubuntu", "rhel"] {
            let enough = self.distribution.rows().iter().find(|row| {
                let glibc = row.libc.strip_prefix("glibc ").and_then(|text| text.parse::<LibcVersion>().ok());
                row.id == id && row.libc != "glibc 2.24" && glibc.is_some_and(|glibc| glibc.at_least(floor).holds())
            });
            found.extend(enough.map(|row| format!("{} {}", row.id, row.release)));
        }
        found
    }

    /// The GPU of a machine: the model, or `None` inside if it has no NVIDIA GPU.
    #[must_use]
    pub fn gpu_of_machine(&self, kind: MachineName, name: &str) -> Option<(Option<&str>, Provenance)> {
        let table = &self.instance_gpu;
        let name = name.to_ascii_lowercase();
        let fits = |row: &&InstanceGpu| row.kind == kind && globbed(&row.pattern.to_ascii_lowercase(), &name);
        let row = table.rows().iter().find(fits)?;
        Some((row.gpu.as_deref(), table.provenance(row)))
    }

    /// The driver branches that NVIDIA's image of a CUDA version starts on beside newer drivers.
    #[must_use]
    pub fn image_condition(&self, cuda: &CudaVersion) -> Option<(&ImageCondition, Provenance)> {
        let table = &self.image_condition;
        let short = cuda.prefix(2);
        let row = table.rows().iter().find(|row| row.cuda == short)?;
        Some((row, table.provenance(row)))
    }
}

/// The one tag that a pattern surely stands for, if it is no pattern of versions.
fn spelled(pattern: &str) -> Option<&str> {
    let tag = pattern.strip_suffix('*').unwrap_or(pattern);
    let whole = tag.ends_with(|it: char| it.is_ascii_alphanumeric());
    (whole && !tag.contains(['<', '(', '*'])).then_some(tag)
}

/// The parts of a tag that matches a pattern.
fn matched<'t>(pattern: &str, tag: &'t str) -> Option<BTreeMap<String, &'t str>> {
    fn step<'t>(pattern: &str, tag: &'t str, parts: &mut BTreeMap<String, &'t str>) -> bool {
        if pattern.is_empty() {
            return tag.is_empty();
        }
        if pattern == "*" {
            return true;
        }
        if let Some(rest) = pattern.strip_prefix('*') {
            return (0..=tag.len()).any(|at| tag.is_char_boundary(at) && step(rest, &tag[at..], parts));
        }
        if let Some(rest) = pattern.strip_prefix('(')
            && let Some((words, rest)) = rest.split_once(')')
        {
            return words.split('|').any(|word| tag.strip_prefix(word).is_some_and(|tag| step(rest, tag, parts)));
        }
        if let Some(rest) = pattern.strip_prefix('<')
            && let Some((name, rest)) = rest.split_once('>')
        {
            let fits = |byte: u8| match name {
                "codename" => byte.is_ascii_lowercase(),
                "pydigits" | "cudigits" => byte.is_ascii_digit(),
                _ => byte.is_ascii_digit() || byte == b'.',
            };
            let length = tag.bytes().take_while(|byte| fits(*byte)).count();
            let value = &tag[..length];
            let whole = !value.is_empty() && !value.starts_with('.') && !value.ends_with('.');
            if whole && step(rest, &tag[length..], parts) {
                parts.insert(name.to_owned(), value);
                return true;
            }
            return false;
        }
        let mut characters = pattern.chars();
        let Some(first) = characters.next() else { return false };
        tag.strip_prefix(first).is_some_and(|tag| step(characters.as_str(), tag, parts))
    }
    let mut parts = BTreeMap::new();
    step(pattern, tag, &mut parts).then_some(parts)
}

/// An item of a row with the parts of the tag filled in.
fn filled(item: &str, parts: &BTreeMap<String, &str>) -> String {
    let mut text = item.to_owned();
    for (name, value) in parts {
        let value = match name.as_str() {
            "pydigits" => dotted(value, 1),
            "cudigits" => dotted(value, value.len().saturating_sub(1)),
            _ => (*value).to_owned(),
        };
        text = text.replace(&format!("<{name}>"), &value);
    }
    text
}

/// `310` as `3.10`, `118` as `11.8`.
fn dotted(digits: &str, major: usize) -> String {
    if major == 0 || major >= digits.len() {
        return digits.to_owned();
    }
    format!("{}.{}", &digits[..major], &digits[major..])
}

/// Whether a name matches a pattern in which `*` stands for anything.
fn globbed(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(reference: &str) -> Vec<String> {
        let found = Knowledge::built_in().shipped(&Reference::parse(reference));
        found.into_iter().map(|it| format!("{} {}", it.word, it.text)).collect()
    }

    #[test]
    fn tags_say_what_is_inside() {
        assert_eq!(
            shipped("nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"),
            ["cuda 12.2.2", "cudnn 8", "distribution ubuntu 22.04", "library cuda-compat"]
        );
        assert_eq!(
            shipped("nvidia/cuda:12.6.3-cudnn-devel-ubuntu24.04"),
            ["cuda 12.6.3", "cudnn 9", "distribution ubuntu 24.04", "library cuda-compat"]
        );
        assert_eq!(shipped("mirror.example:5000/nvidia/cuda:10.0-base"), ["cuda 10.0"]);
        assert_eq!(shipped("python:3.11-slim-bookworm"), ["python 3.11", "codename bookworm"]);
        assert_eq!(shipped("python:3.11-slim"), ["python 3.11", "distribution debian"]);
        assert_eq!(shipped("python:3.11-potato"), ["python 3.11"]);
        assert_eq!(
            shipped("registry.example/hub/python:3.11.4-alpine3.18"),
            ["python 3.11.4", "distribution alpine 3.18"]
        );
        assert_eq!(
            shipped("pytorch/pytorch:2.1.0-cuda12.1-cudnn8-runtime"),
            ["package torch 2.1.0 cuda 12.1", "cudnn-of-torch 8"]
        );
        assert_eq!(
            shipped("x.dkr.example/pytorch-inference:2.1.0-gpu-py310-cu118-ubuntu20.04-sagemaker"),
            ["package torch 2.1.0 cuda 11.8", "python 3.10", "cuda 11.8", "distribution ubuntu 20.04"]
        );
        assert!(
            shipped("nvcr.example/nvidia/tritonserver:24.01-py3").contains(&"library onnxruntime 1.16.3".to_owned())
        );
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        for reference in [
            "nvidia/cuda",
            "nvidia/cuda:latest",
            "python:latest",
            "python:slim",
            "someone/python:3.11",
            "nvidia/cuda-x:12.2.2-base-ubuntu22.04",
            "mycuda:12.2.2-base",
            "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04-extra",
        ] {
            assert_eq!(shipped(reference), Vec::<String>::new(), "{reference}");
        }
    }

    #[test]
    fn tags_have_siblings_in_other_versions() {
        let knowledge = Knowledge::built_in();
        let siblings = |text: &str| knowledge.sibling_tags(&Reference::parse(text));
        let slim = siblings("mirror.example/library/python:3.12.3-slim");
        assert_eq!((slim[0].as_str(), slim.len()), ("3.6-slim", 9));
        assert!(siblings("python:3.11-slim-buster").contains(&"3.11-slim-bookworm".to_owned()));
        assert!(
            siblings("nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04")
                .contains(&"11.8.0-cudnn8-runtime-ubuntu22.04".to_owned())
        );
        assert!(siblings("nvcr.example/nvidia/tritonserver:22.12-py3").contains(&"23.08-py3".to_owned()));
        assert!(siblings("someone/python:3.12-slim").is_empty());
        assert!(siblings("python:slim").is_empty() && siblings("python").is_empty());
        for row in knowledge.image_tag.rows() {
            let shapes = row.tags.iter().map(|tag| knowledge.tag_shape(tag));
            assert!(shapes.collect::<std::collections::BTreeSet<_>>().len() == 1, "{}: {:?}", row.name, row.tags);
            for tag in &row.tags {
                let reference = Reference { host: None, path: &row.name, tag: Some(tag) };
                assert!(!knowledge.shipped(&reference).is_empty(), "nothing is known of {}:{tag}", row.name);
            }
        }
    }

    #[test]
    fn references_are_taken_apart() {
        let parts = |text| {
            let it = Reference::parse(text);
            (it.host, it.path, it.tag)
        };
        assert_eq!(parts("python"), (None, "python", None));
        assert_eq!(parts("localhost/app:1"), (Some("localhost"), "app", Some("1")));
        assert_eq!(parts("host:5000/a/b"), (Some("host:5000"), "a/b", None));
        assert_eq!(parts("a/b:c@sha256:00"), (None, "a/b", Some("c")));
    }

    #[test]
    fn every_row_can_be_understood() {
        let knowledge = Knowledge::built_in();
        for row in knowledge.image.rows() {
            for item in &row.ships {
                assert_eq!(ships_fault(item, &row.tag), None, "{}", row.name);
            }
        }
        for row in knowledge.instance_gpu.rows() {
            if let Some(gpu) = &row.gpu {
                assert!(!knowledge.gpu_models(gpu, false).is_empty(), "{}: {gpu}", row.pattern);
            }
        }
    }

    #[test]
    fn machines_have_gpus() {
        let knowledge = Knowledge::built_in();
        let gpu = |kind, name: &str| knowledge.gpu_of_machine(kind, name).and_then(|(gpu, _)| gpu.map(str::to_owned));
        assert_eq!(gpu(MachineName::Instance, "g5.xlarge").as_deref(), Some("A10G"));
        assert_eq!(gpu(MachineName::Instance, "g5g.xlarge").as_deref(), Some("T4G"));
        assert_eq!(gpu(MachineName::Instance, "Standard_NC24ads_A100_v4").as_deref(), Some("A100"));
        assert_eq!(gpu(MachineName::Instance, "a2-highgpu-1g").as_deref(), Some("A100"));
        assert_eq!(gpu(MachineName::Instance, "g4ad.xlarge"), None);
        assert_eq!(gpu(MachineName::Instance, "m5.large"), None);
        assert_eq!(gpu(MachineName::Accelerator, "nvidia-tesla-t4").as_deref(), Some("T4"));
    }

    #[test]
    fn distributions_are_found_by_release_and_code_name() {
        let knowledge = Knowledge::built_in();
        let libc = |id: &str, release: &str| knowledge.distribution(id, release).map(|(row, _)| row.libc.clone());
        assert_eq!(libc("ubuntu", "22.04").as_deref(), Some("glibc 2.35"));
        assert_eq!(libc("rocky", "9.3").as_deref(), Some("glibc 2.34"));
        assert_eq!(libc("centos", "7").as_deref(), Some("glibc 2.17"));
        assert_eq!(libc("debian", "1"), None);
        assert_eq!(knowledge.codename("bookworm").map(|(row, _)| row.release.clone()).as_deref(), Some("12"));
    }
}
