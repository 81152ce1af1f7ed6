//! What follows from the facts of a side by knowledge: an image tag says which CUDA and which distribution are inside, a
//! distribution has a C library, a cloud machine has a GPU. Each such fact stands at the place that it follows from and
//! carries the chain of reasons.

use std::sync::Arc;

use crate::{
    fact::{
        Fact, FactKind, Gpu, Image, ImageRole, Libc, Library, NamedVersion, Package, PackageName, Standing,
        parse_version,
    },
    knowledge::{
        Grounds, Knowledge, Reason,
        image::{Distribution, MachineName, Reference},
    },
    text::Place,
    version::{Dotted, PythonVersion, VersionSet},
};

/// A fact that follows from another one.
#[derive(Debug, Clone)]
pub struct Implied {
    /// The fact; its standing is [`Standing::Implied`], its place that of what it follows from.
    pub fact: Fact,
    /// Why, from the file's statement to this fact.
    pub reasons: Vec<Reason>,
    /// The position of the fact it follows from.
    pub from: usize,
    /// Whether that is an image.
    pub by_image: bool,
}

impl Implied {
    /// The strongest severity that the whole chain may ground.
    #[must_use]
    pub fn grounds(&self) -> Grounds {
        self.reasons.iter().map(|reason| reason.provenance.grounds).min().unwrap_or(Grounds::Error)
    }

    /// Whether a finding about these components rests on this fact.
    #[must_use]
    pub fn concerns(&self, components: &[String]) -> bool {
        let about = |word: &str| components.iter().any(|it| it == word);
        match &self.fact.kind {
            FactKind::Package(package) => about(package.name.as_str()),
            FactKind::Library(library) => about(&library.name),
            FactKind::Libc(_) | FactKind::Distribution(_) => about("libc") || about("os"),
            FactKind::Server(server) => about("server") || about(&server.name),
            kind => about(kind.word()),
        }
    }
}

/// The Python of an image that installed packages which run elsewhere.
#[derive(Debug, Clone)]
pub struct InstallingPython {
    /// Its version.
    pub version: PythonVersion,
    /// The image.
    pub image: String,
    /// Where the image is named.
    pub place: Place,
    /// Why it is in there.
    pub reason: Reason,
}

/// The Pythons that installed packages which were copied to where the program runs.
pub(super) fn installing_pythons(facts: &[Fact], knowledge: &Knowledge) -> Vec<InstallingPython> {
    let images = facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Image(image) if image.role == ImageRole::Installs => Some((image, fact.place)),
        _ => None,
    });
    let mut out = Vec::new();
    for (image, place) in images {
        for shipped in knowledge.shipped(&Reference::parse(&image.reference)) {
            if shipped.word.as_str() == "python"
                && let Ok(version) = shipped.text.parse()
            {
                let claim = format!("image {} brings Python {}", image.reference, shipped.text);
                let reason = Reason { claim, provenance: shipped.provenance.clone() };
                out.push(InstallingPython { version, image: image.reference.clone(), place, reason });
            }
        }
    }
    out
}

/// Everything that follows from the facts of a side.
pub(super) fn derive(facts: &[Fact], knowledge: &Knowledge) -> Vec<Implied> {
    let mut deriver = Deriver { knowledge, out: Vec::new() };
    for (from, fact) in facts.iter().enumerate() {
        match &fact.kind {
            FactKind::Image(image) if image.role == ImageRole::Runs => deriver.image(image, from, fact.place),
            FactKind::InstanceType(name) => deriver.machine(MachineName::Instance, name, from, fact.place),
            FactKind::Accelerator(name) => deriver.machine(MachineName::Accelerator, name, from, fact.place),
            FactKind::Distribution(text) => deriver.distribution(text, Vec::new(), from, fact.place, false),
            _ => {}
        }
    }
    let mut out = deriver.out;
    forget_disagreeing_systems(&mut out);
    system_python(facts, knowledge, &mut out);
    out
}

struct Deriver<'k> {
    knowledge: &'k Knowledge,
    out: Vec<Implied>,
}

impl Deriver<'_> {
    fn push(&mut self, kind: FactKind, reasons: Vec<Reason>, from: usize, place: Place, by_image: bool) {
        if self.out.iter().any(|known| known.fact.kind == kind) {
            return; // Two images of one side say the same.
        }
        let fact = Fact { kind, standing: Standing::Implied, place };
        self.out.push(Implied { fact, reasons, from, by_image });
    }

    fn image(&mut self, image: &Image, from: usize, place: Place) {
        let reference = Reference::parse(&image.reference);
        for shipped in self.knowledge.shipped(&reference) {
            let (word, text) = (shipped.word.as_str(), shipped.text.as_str());
            let brings = |what: String| {
                vec![Reason {
                    claim: format!("image {} brings {what}", image.reference),
                    provenance: shipped.provenance.clone(),
                }]
            };
            let kind = match word {
                "cuda" if image.cuda.is_none() => {
                    text.parse().ok().map(FactKind::Cuda).zip(Some(format!("CUDA {text}")))
                }
                "cudnn" => text.parse().ok().map(FactKind::Cudnn).zip(Some(format!("cuDNN {text}"))),
                "tensorrt" => text.parse().ok().map(FactKind::TensorRt).zip(Some(format!("TensorRT {text}"))),
                "python" => text.parse().ok().map(FactKind::Python).zip(Some(format!("Python {text}"))),
                "os" => Some((FactKind::Os(text.to_owned()), text.to_owned())),
                "distribution" => {
                    self.distribution(text, brings(text.to_owned()), from, place, true);
                    None
                }
                "codename" => {
                    if let Some((row, provenance)) = self.knowledge.codename(text) {
                        let name = format!("{} {}", row.id, row.release);
                        let mut reasons = brings(text.to_owned());
                        reasons.push(Reason { claim: format!("{text} is {name}"), provenance });
                        self.distribution(&name, reasons, from, place, true);
                    }
                    None
                }
                "server" => text.split_once(' ').map(|(name, version)| {
                    let server = NamedVersion { name: name.to_owned(), version: Some(version.to_owned()) };
                    (FactKind::Server(server), text.to_owned())
                }),
                "library" if !text.is_empty() => {
                    let (name, version) = text.split_once(' ').map_or((text, None), |(name, it)| (name, Some(it)));
                    let library = Library {
                        name: name.to_owned(),
                        version: version.and_then(Dotted::parse),
                        from: Some(format!("image {}", image.reference)),
                        requires_libc: None,
                        cuda: None,
                    };
                    Some((FactKind::Library(library), text.to_owned()))
                }
                "package" => package(text, place).map(|it| (FactKind::Package(Arc::new(it)), text.to_owned())),
                _ => None,
            };
            if let Some((kind, what)) = kind {
                self.push(kind, brings(what), from, place, true);
            }
        }
    }

    fn distribution(&mut self, text: &str, reasons: Vec<Reason>, from: usize, place: Place, by_image: bool) {
        if by_image {
            self.push(FactKind::Distribution(text.to_owned()), reasons.clone(), from, place, true);
            // Also where the release is not known, as with `python:3.11-slim`: markers ask for the system alone.
            self.push(FactKind::Os("linux".into()), reasons.clone(), from, place, true);
        }
        if let Some((row, reason)) = libc_of(text, self.knowledge)
            && let Some((family, version)) = row.libc.split_once(' ')
            && let Ok(version) = version.parse()
        {
            let libc = Libc { family: family.to_owned(), version };
            let mut chain = reasons;
            chain.push(reason);
            self.push(FactKind::Libc(libc), chain.clone(), from, place, by_image);
            self.push(FactKind::Os("linux".into()), chain, from, place, by_image);
        }
    }

    fn machine(&mut self, kind: MachineName, name: &str, from: usize, place: Place) {
        let Some((Some(gpu), provenance)) = self.knowledge.gpu_of_machine(kind, name) else { return };
        let reason = Reason { claim: format!("{name} has the GPU {gpu}"), provenance };
        let gpu = Gpu { name: Some(gpu.to_owned()), truncated: false, capability: None, count: 1 };
        self.push(FactKind::Gpu(gpu), vec![reason], from, place, false);
    }
}

/// The row of a distribution such as `ubuntu 22.04`, with what it says about the C library.
fn libc_of<'k>(text: &str, knowledge: &'k Knowledge) -> Option<(&'k Distribution, Reason)> {
    let (id, release) = match text.split_once(' ') {
        Some(parts) => parts,
        None if text == "alpine" => (text, "3"),
        None => return None,
    };
    let (row, provenance) = knowledge.distribution(id, release)?;
    let shown = row.libc.strip_suffix(" 1").unwrap_or(&row.libc);
    Some((row, Reason { claim: format!("{text} has {shown}"), provenance }))
}

/// `torch 2.1.0 cuda 12.1`.
fn package(text: &str, place: Place) -> Option<Package> {
    let mut words = text.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    let mut package = Package::named(PackageName::new(name).ok()?, name, place.span);
    package.versions = VersionSet::exactly(&parse_version(version)?);
    package.specifier = format!("=={version}");
    if words.next() == Some("cuda") {
        package.cuda = words.next().and_then(|cuda| cuda.parse().ok());
    }
    Some(package)
}

/// Containers of one side may run on different systems; then none of them is *the* system.
fn forget_disagreeing_systems(out: &mut Vec<Implied>) {
    let words = ["python", "distribution", "libc", "os"];
    for word in words {
        let images: Vec<usize> =
            out.iter().filter(|it| it.by_image && it.fact.kind.word() == word).map(|it| it.from).collect();
        if images.windows(2).any(|pair| pair[0] != pair[1]) {
            out.retain(|it| !(it.by_image && it.fact.kind.word() == word));
        }
    }
}

/// The Python that `apt-get install python3` brings, where nothing else says which one runs.
fn system_python(facts: &[Fact], knowledge: &Knowledge, out: &mut Vec<Implied>) {
    let known = facts.iter().chain(out.iter().map(|it| &it.fact)).any(|fact| matches!(fact.kind, FactKind::Python(_)));
    if known {
        return;
    }
    let installed = facts.iter().enumerate().find(|(_, fact)| {
        matches!(&fact.kind, FactKind::SystemPackage(it)
            if ["python3", "python3-pip", "python3-dev", "python3-venv"].contains(&it.name.as_str()))
    });
    let Some((from, fact)) = installed else { return };
    let distribution = out.iter().find_map(|it| match &it.fact.kind {
        FactKind::Distribution(text) => Some((text.clone(), it.reasons.clone())),
        _ => None,
    });
    let stated = || {
        facts.iter().find_map(|fact| match &fact.kind {
            FactKind::Distribution(text) => Some((text.clone(), Vec::new())),
            _ => None,
        })
    };
    let Some((text, mut reasons)) = stated().or(distribution) else { return };
    let Some((id, release)) = text.split_once(' ') else { return };
    if let Some((row, mut provenance)) = knowledge.distribution(id, release)
        && let Some(python) = &row.python
        && let Ok(version) = python.parse::<PythonVersion>()
        && version.major() == 3
    {
        // The table names the `python` of old systems, where python3 is another one. The source of the table is about the C library; the Python of a release is common knowledge.
        provenance.grounds = provenance.grounds.min(Grounds::Warning);
        reasons.push(Reason { claim: format!("python3 of {text} is Python {python}"), provenance });
        let fact = Fact { kind: FactKind::Python(version), standing: Standing::Implied, place: fact.place };
        out.push(Implied { fact, reasons, from, by_image: false });
    }
}
