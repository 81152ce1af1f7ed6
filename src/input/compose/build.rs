//! The images that a project builds: their Dockerfiles, read as Compose builds them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fact::{Fact, FactKind, PackageName},
    input::{Files, Reading, Skipped, dockerfile},
    text::{FileId, Place, Span},
    version::VersionSet,
};

/// An image that is built for a service.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) service: String,
    /// The Dockerfile in the words of a note.
    pub(super) shown: String,
    pub(super) span: Span,
    pub(super) context: String,
    /// The Dockerfile, relative to the context.
    pub(super) file: String,
    pub(super) target: Option<String>,
    pub(super) platform: Option<String>,
    pub(super) arguments: BTreeMap<String, Option<String>>,
    /// Where the Dockerfile stands in this file, if it does.
    pub(super) inline: Option<Span>,
}

/// Adds what the Dockerfiles of a project say.
pub(super) fn follow(files: &mut Files<'_>, file: FileId, builds: Vec<Built>, reading: &mut Reading) {
    let mut seen = BTreeSet::new();
    let mut known = Known::default();
    let mut said = BTreeSet::new();
    for (number, built) in builds.into_iter().enumerate() {
        let Built { service, shown, span, context, file: name, target, platform, arguments, inline } = built;
        let key = (context.clone(), name.clone(), inline.map(|it| it.start), target.clone(), platform.clone(), arguments.clone());
        if !seen.insert(key) {
            continue;
        }
        let found = if context.contains("://") || context.starts_with("git@") {
            Err("envcheck downloads nothing".to_owned())
        } else if let Some(part) = inline {
            let context = Some(format!("{}/", context.trim_end_matches('/')));
            let part = Some(block(&files.text(file), part));
            Ok((file, dockerfile::Build { context, target, arguments, platform, part }))
        } else {
            let path = if name.starts_with('/') { name } else { format!("{}/{name}", context.trim_end_matches('/')) };
            let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
            let context = relative(folder, &context);
            let build = dockerfile::Build { context, target, arguments, platform, part: None };
            files.include(file, &path, &[file]).map(|it| (it, build)).map_err(|it| it.to_string())
        };
        let found = found.and_then(|(dockerfile, build)| {
            let found = dockerfile::built(files, dockerfile, &build);
            match found.fault {
                Some(fault) => Err(fault.message),
                None => Ok(found),
            }
        });
        match found {
            Ok(found) => {
                reading.skipped.extend(found.skipped);
                for fact in found.facts {
                    match known.excludes(files, number, &fact) {
                        Some(reason) => reading.skipped.push(Skipped { place: fact.place, reason }),
                        // Two services may install the same file.
                        None if said.insert(words(files, &fact)) => reading.facts.push(fact),
                        None => {}
                    }
                }
            }
            Err(reason) => {
                let reason = format!("the image of `{service}` is built from {shown}, which is not followed: {reason}");
                reading.skip(file, span, reason);
            }
        }
    }
}

/// The words that say something, and what it is about.
fn words(files: &Files<'_>, fact: &Fact) -> (String, Span, String) {
    let about = match &fact.kind {
        FactKind::Package(package) => package.name.to_string(),
        FactKind::Variable(variable) => variable.name.clone(),
        kind => kind.word().to_owned(),
    };
    (files.shown_path(fact.place.file).to_owned(), fact.place.span, about)
}

/// What images have that were read before: two services are two environments, and only what both can have is one.
#[derive(Default)]
struct Known {
    packages: BTreeMap<PackageName, (usize, Place, VersionSet)>,
    pythons: Vec<(usize, Fact)>,
}

impl Known {
    /// Why a fact is left out.
    fn excludes(&mut self, files: &Files<'_>, number: usize, fact: &Fact) -> Option<String> {
        let other = |what: &str, place: Place| {
            let (path, line) = (files.shown_path(place.file), files.position(place).line);
            format!("{what} is for another service than line {line} of `{path}`, which is read")
        };
        match &fact.kind {
            FactKind::Package(package) => match self.packages.get(&package.name) {
                Some((before, place, versions)) if *before != number && versions.intersection(&package.versions).is_empty() => {
                    Some(other(&format!("`{}{}`", package.name, package.specifier), *place))
                }
                Some(_) => None,
                None => {
                    let entry = (number, fact.place, package.versions.clone());
                    self.packages.insert(package.name.clone(), entry);
                    None
                }
            },
            FactKind::Python(version) => {
                let differs = |(before, it): &&(usize, Fact)| *before != number && it.kind != fact.kind;
                let found = self.pythons.iter().find(differs).map(|(_, it)| other(&format!("Python {version}"), it.place));
                self.pythons.push((number, fact.clone()));
                found
            }
            _ => None,
        }
    }
}

/// A block of text without the mark before it, and how far its lines are indented.
fn block(text: &str, span: Span) -> (Span, usize) {
    let raw = &text[span.start..span.end];
    let begin = match raw.find('\n').filter(|_| raw.starts_with(['|', '>'])) {
        Some(at) => span.start + at + 1,
        None => span.start,
    };
    let line = text[begin..span.end].lines().find(|it| !it.trim().is_empty()).unwrap_or_default();
    // A value may also begin behind its mark already.
    let before = &text[text[..begin].rfind('\n').map_or(0, |at| at + 1)..begin];
    let blanks = if before.trim().is_empty() { before.len() } else { 0 };
    (Span::new(begin, span.end), blanks + line.len() - line.trim_start_matches(' ').len())
}

/// The way from one folder to another, both relative to the same place, with a slash at its end.
fn relative(from: &str, to: &str) -> Option<String> {
    let parts = |path: &str| {
        let mut out: Vec<String> = Vec::new();
        for part in path.split('/').filter(|it| !it.is_empty() && *it != ".") {
            match (part, out.last().map(String::as_str)) {
                ("..", Some(last)) if last != ".." => drop(out.pop()),
                _ => out.push(part.to_owned()),
            }
        }
        out
    };
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if from[common..].iter().any(|it| it == "..") {
        return None;
    }
    let mut out = "../".repeat(from.len() - common);
    for part in &to[common..] {
        out.push_str(part);
        out.push('/');
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_found_from_the_dockerfile() {
        for (from, to, expected) in [
            (".", ".", Some("")),
            ("./docker", ".", Some("../")),
            ("api/docker/prod", "api", Some("../../")),
            ("../api", "..", Some("../")),
            ("..", "../app", Some("app/")),
            ("../..", "../app", None),
        ] {
            assert_eq!(relative(from, to).as_deref(), expected, "{from} {to}");
        }
    }

    #[test]
    fn blocks_begin_behind_their_mark() {
        let text = "a: |\n    FROM x\n    RUN y\nb: 1\n";
        let (span, margin) = block(text, Span::new(3, 25));
        assert_eq!((&text[span.start..span.end], margin), ("    FROM x\n    RUN y", 4));
    }
}
