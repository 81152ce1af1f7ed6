//! conda environment files (`environment.yml`), as `conda env create` reads them, and the `python_env.yaml` of `MLflow`.
//!
//! Documentation: <https://docs.conda.io/projects/conda/en/stable/user-guide/tasks/manage-environments.html#create-env-file-manually>
//!
//! Read: match specs, the nested list for pip as a requirements file, and variables that matter. Python, CUDA and cuDNN are
//! facts of their own; `pytorch-cuda` and `cpuonly` say which build of torch is meant. In the file of `MLflow` the key
//! `python` is a version and every dependency a line for pip; what only builds other packages is read over.
//! Skipped with a note: versions that cannot be said in PEP 440 (the package is kept with its text), ranges where a fact
//! needs one version, items of another form.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, Word},
    manifest::clean,
    match_spec::{self, MatchSpec},
    requirements_txt, workload,
    yaml::{self, Node},
};
use crate::{
    fact::{Fact, FactKind, Package, PackageName, PackageParts, Standing, Variable},
    text::{FileId, Place, Span, floor_char_boundary},
    version::{CudaVersion, VersionSet},
};

pub(super) static FORMAT: Format = Format {
    name: "conda-environment",
    about: "conda environment files such as environment.yml, and MLflow's python_env.yaml",
    claims,
    read,
};

const PROBE_LIMIT: usize = 1 << 20;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let name = probe.name.to_ascii_lowercase();
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return Claim::No };
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    let key = |key: &str| text.lines().any(|line| line.starts_with(key));
    let mut after = text.lines().skip_while(|line| !line.starts_with("dependencies:"));
    let Some(first) = after.next() else { return Claim::No };
    let flow = first.trim_end().ends_with(']') || first.contains('[');
    let item = after.map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    // A Helm chart depends on maps, a Dart package on a map.
    let listed = item.starts_with('-') && !item.trim_start_matches('-').trim_start().starts_with("name:");
    if !(listed || flow) || key("apiVersion:") || key("package:") {
        return Claim::No;
    }
    if key("python:") && (key("build_dependencies:") || stem == "python_env") {
        return Claim::Certain;
    }
    let called = stem.starts_with("env") || stem.contains("conda") || stem.contains("environment");
    match (called, key("channels:")) {
        (true, true) => Claim::Certain,
        (true, false) | (false, true) => Claim::Likely,
        (false, false) => Claim::Named,
    }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(fault) => return fault.reading(file),
    };
    match documents.first() {
        Some(root) => document(files, file, &text, root),
        None => Reading::default(),
    }
}

/// Reads one environment, wherever it stands in a file.
pub(super) fn document(files: &mut Files<'_>, file: FileId, text: &str, document: &Node<'_>) -> Reading {
    let mut reader = Reader::new(file, text);
    if let Some(python) = document.get("python") {
        reader.mlflow(files, document, python);
        return reader.out;
    }
    for item in document.get("dependencies").map_or(&[][..], Node::items) {
        match (item.text(), item.get("pip")) {
            (Some(_), _) => reader.spec(item),
            (None, Some(list)) => {
                for line in list.items() {
                    reader.pip(files, line);
                }
            }
            _ => reader.skip(item.span, "expected a match spec such as `numpy=1.26`, or a list for `pip`"),
        }
    }
    for (key, value) in document.get("variables").map(Node::entries).unwrap_or_default() {
        if let Some(name) = key.text().filter(|name| workload::matters(name)) {
            let value_text = value.text().map(clean).filter(|_| !workload::is_secret(name));
            let variable = Variable { name: name.to_owned(), value: value_text };
            reader.state(FactKind::Variable(variable), value.span);
        }
    }
    reader.finished()
}

/// Gathers what a file says in conda's words.
pub(super) struct Reader<'a> {
    file: FileId,
    text: &'a str,
    out: Reading,
    /// The CUDA that `pytorch-cuda` pins.
    torch_cuda: Option<CudaVersion>,
    /// `cpuonly` asks for the builds without CUDA.
    cpu_only: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: FileId, text: &'a str) -> Self {
        Reader { file, text, out: Reading::default(), torch_cuda: None, cpu_only: false }
    }

    /// Everything that was found.
    pub(super) fn finished(mut self) -> Reading {
        self.torch_build();
        self.out.skipped.sort_by_key(|skipped| (skipped.place.file, skipped.place.span.start));
        self.out
    }

    pub(super) fn state(&mut self, kind: FactKind, span: Span) {
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind, standing: Standing::Declared, place });
    }

    pub(super) fn skip(&mut self, span: Span, reason: impl Into<String>) {
        self.out.skip(self.file, span, reason);
    }

    /// The file of `MLflow`: a Python, and lines for pip.
    fn mlflow(&mut self, files: &mut Files<'_>, document: &Node<'_>, python: &Node<'_>) {
        let version = python.text().and_then(|text| installed::conda_system("python")?(text));
        match version {
            Some(kind) => self.state(kind, python.span),
            None => self.skip(python.span, "expected a version of Python such as `3.10.14`"),
        }
        for line in document.get("dependencies").map_or(&[][..], Node::items) {
            self.pip(files, line);
        }
    }

    fn spec(&mut self, node: &Node<'_>) {
        // The text of the file has the places; it differs from the value only where quotes are escaped.
        let text = self.text;
        let word = Word { text: &text[node.span.start..node.span.end], span: node.span };
        let Some(spec) = match_spec::parse(word) else {
            return self.skip(node.span, "expected a match spec such as `numpy=1.26`");
        };
        self.stated(&spec, node.span);
    }

    /// What a match spec says.
    pub(super) fn stated(&mut self, spec: &MatchSpec<'_>, span: Span) {
        // Conda's own virtual and helper packages begin with underscores, which no Python distribution does.
        if spec.name.starts_with('_') || matches!(spec.name, "pip" | "nomkl" | "blas") && spec.version.is_empty() {
            return;
        }
        if spec.name == "cpuonly" {
            self.cpu_only = true;
            return;
        }
        if spec.name.contains('*') {
            return self.skip(span, "a name with `*` is no package");
        }
        // The release of `nvidia/label/cuda-12.1.0::cuda-toolkit` stands in the channel's label.
        let label = spec.channel.rsplit_once("/label/cuda-").map(|(_, release)| release);
        let version = match (one(spec.version), label) {
            (None, Some(release)) if spec.version.is_empty() => Some(release.to_owned()),
            (version, _) => version,
        };
        if let Some(is_system) = installed::conda_system(spec.name) {
            let version = version.or_else(|| one_minor(spec.version));
            return match version.as_deref().and_then(is_system) {
                Some(kind) => self.state(kind, span),
                None if spec.version.is_empty() => {}
                None => {
                    let reason = format!("`{}` of `{}` is no single version", spec.version, spec.name);
                    self.skip(span, reason);
                }
            };
        }
        if spec.name == "pytorch-cuda" {
            self.torch_cuda = version.and_then(|version| version.parse().ok());
        }
        match package(spec) {
            Ok((package, reason)) => {
                self.state(FactKind::Package(package.into()), span);
                if let Some(reason) = reason {
                    self.skip(spec.version_span, reason);
                }
            }
            Err(reason) => self.skip(span, reason),
        }
    }

    fn pip(&mut self, files: &mut Files<'_>, line: &Node<'_>) {
        let Some(value) = line.text() else {
            return self.skip(line.span, "expected a line of a requirements file");
        };
        requirements_txt::read_entry(files, self.file, value, line.span, &mut self.out);
    }

    /// Gives torch and its companions the build that other packages of the file choose.
    fn torch_build(&mut self) {
        for fact in &mut self.out.facts {
            let FactKind::Package(package) = &mut fact.kind else { continue };
            let of_torch = ["torch", "torchvision", "torchaudio"].contains(&package.name.as_str());
            if of_torch && package.build.as_deref() == Some("*") {
                let mut chosen = Package::clone(package);
                if self.cpu_only {
                    chosen.build = Some("*cpu*".to_owned());
                } else if chosen.cuda.is_none() {
                    chosen.cuda.clone_from(&self.torch_cuda);
                }
                *package = chosen.into();
            }
        }
    }
}

/// The version that a match spec pins, as far as it is written: `11.8` of `=11.8`, `==11.8` and `11.8.*`.
fn one(version: &str) -> Option<String> {
    let compact: String = version.chars().filter(|it| !it.is_whitespace()).collect();
    let bare = compact.trim_start_matches('=');
    let bare = bare.strip_suffix(".*").unwrap_or(bare);
    let plain = !bare.is_empty() && !bare.contains(|it: char| "<>=!~,|*".contains(it));
    (plain && compact.len() - compact.trim_start_matches('=').len() <= 2).then(|| bare.to_owned())
}

/// The minor release that all allowed versions belong to: `3.10` of `~=3.10.4` and of `>=3.10,<3.11`.
fn one_minor(version: &str) -> Option<String> {
    let (_, allowed) = match_spec::versions(version).filter(|_| !version.is_empty())?;
    let release = allowed.lower_bound()?.release().to_vec();
    let minor = format!("{}.{}", release.first()?, release.get(1)?);
    let (_, whole) = match_spec::versions(&format!("={minor}"))?;
    allowed.is_subset(&whole).then_some(minor)
}

/// The package of a match spec, and why its version is not understood.
fn package(spec: &MatchSpec<'_>) -> Result<(Package, Option<String>), String> {
    let distribution = installed::conda_distribution(spec.name);
    let name = PackageName::new(distribution).map_err(|fault| fault.to_string())?;
    let mut package = Package::named(name, spec.name, spec.name_span);
    let mut reason = None;
    if let Some((specifier, versions)) = match_spec::versions(spec.version) {
        (package.specifier, package.versions) = (specifier, versions);
    } else {
        package.specifier = match one(spec.version) {
            Some(version) => format!("==={version}"),
            None => spec.version.chars().filter(|it| !it.is_whitespace()).collect(),
        };
        package.versions = VersionSet::all();
        reason = Some(format!("`{}` is no version of PEP 440 and cannot be compared", spec.version));
    }
    let stated = !spec.version.is_empty();
    package.parts =
        PackageParts { name: spec.name_span, specifier: stated.then_some(spec.version_span), marker: None };
    // Any build of conda is still one of conda's, about which PyPI says nothing.
    let build = if spec.build.is_empty() { "*" } else { spec.build };
    package.build = Some(if spec.name == "pytorch-cpu" && build == "*" { "*cpu*" } else { build }.to_owned());
    package.cuda = installed::cuda_of_build(spec.build);
    Ok((package, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_environments_are_claimed() {
        let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
        let text = "name: x\nchannels: [conda-forge]\ndependencies:\n  # first\n  - python=3.10\n";
        assert_eq!(claim("environment.yml", text), Claim::Certain);
        assert_eq!(claim("gpu.yaml", text), Claim::Likely);
        assert_eq!(claim("env-cpu.yml", "dependencies: [python=3.9]\n"), Claim::Likely);
        assert_eq!(claim("x.yml", "dependencies:\n- a\n"), Claim::Named);
        assert_eq!(claim("Chart.yaml", "apiVersion: v2\ndependencies:\n  - name: redis\n"), Claim::No);
        assert_eq!(claim("requirements.yaml", "dependencies:\n  - name: redis\n"), Claim::No);
        assert_eq!(claim("pubspec.yaml", "dependencies:\n  flutter: any\n"), Claim::No);
        assert_eq!(claim("environment.txt", text), Claim::No);
        let mlflow = "python: 3.10.14\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n";
        assert_eq!(claim("python_env.yaml", mlflow), Claim::Certain);
    }
}
