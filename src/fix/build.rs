//! Other builds of torch and of what is built with it: `+cu121` in versions and `.../whl/cu121` in addresses of indexes.
//!
//! The label of a build stands in several places, and only all of them together name a build that an index has.

use std::{collections::BTreeSet, sync::Arc};

use super::tools::{self, Way};
use crate::{
    environment::{Environment, Side},
    fact::{Fact, FactKind, Origin, Package, PackageIndex, Standing},
    finding::Edit,
    knowledge::{Knowledge, torch::Build},
    rules::Context,
    text::{FileId, Place, Source, Sources, Span},
    version::{Version, VersionSet},
};

/// What is published together, each with the same labels.
const FAMILY: [&str; 3] = ["torch", "torchvision", "torchaudio"];

/// What is compiled for one build of torch and comes from elsewhere.
const COMPILED: [&str; 14] = [
    "auto-gptq",
    "causal-conv1d",
    "detectron2",
    "flash-attn",
    "mamba-ssm",
    "mmcv",
    "mmcv-full",
    "pytorch3d",
    "torch-cluster",
    "torch-scatter",
    "torch-sparse",
    "torch-spline-conv",
    "vllm",
    "xformers",
];

/// Why another build of torch is no edit: something was compiled for the one that is there.
pub(super) fn bound(side: &Environment) -> Option<String> {
    let name = COMPILED.iter().find(|name| side.package(name).is_some())?;
    Some(format!("{name} is compiled for one build of torch, so a person must choose its build too"))
}

/// Another build.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rebuild {
    /// The label that is there.
    pub(super) from: String,
    /// The label to take.
    pub(super) to: String,
    /// The release of torch in that build.
    pub(super) torch: Version,
    /// Other releases than those that are there, where training has them in this build.
    releases: Vec<(String, Version)>,
}

/// Builds of the torch of a side, the one that training uses first.
pub(super) fn candidates(context: &Context<'_>, side: &Environment) -> Vec<Rebuild> {
    let Some(view) = side.package("torch").filter(|view| view.standing > Standing::Implied && !view.is_conda()) else {
        return Vec::new();
    };
    let Some(current) = view.pin() else { return Vec::new() };
    let own = view.entries.iter().find_map(|entry| entry.package.index.as_deref()).and_then(|it| label_of(&it.url));
    let indexes = side.indexes();
    let named = || indexes.iter().find_map(|seen| label_of(&seen.value.url));
    let Some(from) = label(current).or(own.map(str::to_owned)).or_else(|| named().map(str::to_owned)) else {
        return Vec::new();
    };
    let public = current.clone().without_local();
    let mut found = Vec::new();
    // What training used was tested with the model.
    let training = context.training.filter(|_| side.side == Side::Serving);
    if let Some(training) = training
        && let Some(torch) = training.package("torch").and_then(|view| view.pin())
        && let Some(to) = label(torch)
        && !torch.any_prerelease()
    {
        let release = |name: &&str| {
            side.package(name)?;
            let version = training.package(name)?.pin()?.clone().without_local();
            Some(((*name).to_owned(), version))
        };
        let releases: Vec<_> = FAMILY.iter().filter_map(release).collect();
        let others_known =
            FAMILY.iter().all(|name| side.package(name).is_none() || releases.iter().any(|it| it.0 == *name));
        let torch = torch.clone().without_local();
        if torch == public {
            found.push(Rebuild { from: from.clone(), to, torch, releases: Vec::new() });
        } else if others_known {
            found.push(Rebuild { from: from.clone(), to, torch, releases });
        }
    }
    let mut labels: Vec<(u64, String)> =
        context.knowledge.torch_builds(&public).into_iter().map(|label| (number(&label), label)).collect();
    // Of those that are tried, the nearest to what is there.
    labels.sort_by_key(|(value, _)| value.abs_diff(number(&from)));
    let others = labels.into_iter().map(|(_, to)| Rebuild {
        from: from.clone(),
        to,
        torch: public.clone(),
        releases: Vec::new(),
    });
    found.extend(others.filter(|it| it.to != from));
    found.dedup();
    found
}

impl Rebuild {
    /// A side with this build.
    pub(super) fn applied(&self, side: &Environment, knowledge: &Knowledge) -> Environment {
        let mut facts: Vec<Fact> = side.facts().to_vec();
        for fact in &mut facts {
            match &mut fact.kind {
                FactKind::PackageIndex(index) => self.readdress(index),
                FactKind::Package(package) if FAMILY.contains(&package.name.as_str()) => {
                    let package = Arc::make_mut(package);
                    if let Some(index) = &mut package.index {
                        self.readdress(Arc::make_mut(index));
                    }
                    if let Some(version) = self.version_of(package) {
                        package.versions = VersionSet::exactly(&version);
                        package.specifier = format!("=={version}");
                        package.cuda = None;
                        package.forget_requirements();
                    }
                }
                _ => {}
            }
        }
        side.with_facts(facts, knowledge)
    }

    fn readdress(&self, index: &mut PackageIndex) {
        if label_of(&index.url) == Some(self.from.as_str()) {
            let end = index.url.trim_end_matches('/').len();
            index.url.replace_range(end - self.from.len()..end, &self.to);
        }
    }

    /// The version of a package of the family in this build, if it is another one than is there.
    fn version_of(&self, package: &Package) -> Option<Version> {
        let current = package.versions.single()?;
        let release = self.releases.iter().find(|(name, _)| name == package.name.as_str()).map(|(_, version)| version);
        let public = release.cloned().unwrap_or_else(|| current.clone().without_local());
        let labelled = label(current).as_deref() == Some(self.from.as_str());
        let text = if labelled { format!("{public}+{}", self.to) } else { public.to_string() };
        text.parse().ok().filter(|version| version != current)
    }

    /// The edits that make the change, or why there are none.
    pub(super) fn edits(&self, side: &Environment, sources: &Sources) -> Result<Vec<Edit>, String> {
        if let Some(why) = bound(side) {
            return Err(why);
        }
        let mut edits: Vec<Edit> = Vec::new();
        let mut addresses: BTreeSet<String> = BTreeSet::new();
        let mut files: BTreeSet<FileId> = BTreeSet::new();
        let mut named = false;
        for fact in side.facts() {
            files.insert(fact.place.file);
            let address =
                |index: &PackageIndex| (label_of(&index.url) == Some(self.from.as_str())).then(|| index.url.clone());
            match &fact.kind {
                FactKind::PackageIndex(index) => addresses.extend(address(index)),
                FactKind::Package(package) if FAMILY.contains(&package.name.as_str()) => {
                    addresses.extend(package.index.as_deref().and_then(address));
                    let Some(version) = self.version_of(package) else { continue };
                    let (name, locked) = (package.name.as_str(), package.origin == Origin::Locked);
                    let source = sources.get(fact.place.file);
                    if package.url.is_some() {
                        return Err(format!("{name} comes from an address, which decides its build"));
                    }
                    let editable = fact.standing == Standing::Declared && package.build.is_none();
                    let span = package.parts.specifier.filter(|_| editable);
                    let span =
                        span.filter(|_| tools::way(source, fact.place.span, locked, name, &version) == Way::Edit);
                    let Some(span) = span else {
                        return Err(format!(
                            "{name} stands in {}, which is written by a tool from an index that has one build",
                            source.path
                        ));
                    };
                    named |= label(&version).is_some();
                    edits.push(Edit {
                        place: Place { file: fact.place.file, span },
                        replacement: format!("=={version}"),
                    });
                }
                _ => {}
            }
        }
        for address in &addresses {
            let before = edits.len();
            for file in &files {
                let source = sources.get(*file);
                edits.extend(
                    labels_in(source, address, &self.from)
                        .into_iter()
                        .map(|span| Edit { place: Place { file: *file, span }, replacement: self.to.clone() }),
                );
            }
            if edits.len() == before {
                return Err(format!("the index of the build `{}` is named where envcheck cannot change it", self.from));
            }
        }
        if edits.is_empty() || addresses.is_empty() && !named {
            return Err(format!("no line names the build `{}`", self.from));
        }
        Ok(edits)
    }
}

/// Where the label stands at the end of an address, outside of comments.
fn labels_in(source: &Source, address: &str, label: &str) -> Vec<Span> {
    // User and password are no part of an address as it was read.
    let plain = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let mut found = Vec::new();
    for (at, _) in source.text().match_indices(plain) {
        let end = at + plain.len();
        let line = source.line_span(source.position(at).line);
        let comment = source.text()[line.start..at].trim_start().starts_with('#');
        let whole =
            !source.text()[end..].starts_with(|it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-'));
        if whole && !comment {
            found.push(Span::new(end - label.len(), end));
        }
    }
    found
}

/// The label of a build with CUDA or without, as a version has it.
pub(super) fn label(version: &Version) -> Option<String> {
    let first = version.local().first().map(ToString::to_string)?;
    matches!(Build::of(version), Some(Build::Cuda(_) | Build::Cpu)).then_some(first)
}

/// The label that the address of an index ends in.
pub(super) fn label_of(url: &str) -> Option<&str> {
    let last = url.trim_end_matches('/').rsplit('/').next()?;
    let version: Version = format!("1+{last}").parse().ok()?;
    label(&version).is_some_and(|label| label == last).then_some(last)
}

/// A number that is the nearer the nearer the CUDA is.
fn number(label: &str) -> u64 {
    label.trim_start_matches("cu").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Form;

    #[test]
    fn labels_are_found_in_addresses() {
        assert_eq!(label_of("https://packages.example/whl/cu121/"), Some("cu121"));
        assert_eq!(label_of("https://packages.example/whl/cpu"), Some("cpu"));
        assert_eq!(label_of("https://packages.example/simple"), None);
        let text = "# https://packages.example/whl/cu121\n--index-url https://me:x@packages.example/whl/cu121/\n\
                    --index-url https://packages.example/whl/cu121\nRUN pip -i https://packages.example/whl/cu1210\n";
        let source = Source::new("requirements.txt".into(), Form::Text, text.into());
        let found = labels_in(&source, "https://packages.example/whl/cu121", "cu121");
        let lines: Vec<usize> = found.iter().map(|span| source.position(span.start).line).collect();
        assert_eq!(lines, [2, 3]);
        assert!(found.iter().all(|span| &text[span.start..span.end] == "cu121"));
    }
}
