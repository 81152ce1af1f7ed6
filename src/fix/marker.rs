//! Markers that a requirement lacks: of a package that does not exist for the system, or that training only asks for
//! elsewhere.

use std::sync::Arc;

use super::tools::{self, Way};
use crate::{
    environment::{Environment, Side},
    fact::{Fact, FactKind, Origin, Package, Standing, marker::Marker},
    finding::{Edit, Finding},
    knowledge::Knowledge,
    rules::Context,
    text::{Place, Sources, Span},
    version::VersionSet,
};

/// A marker for a package.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Marked {
    pub(super) name: String,
    pub(super) marker: String,
}

/// Markers for the packages that a finding is about: with each the package is not installed on this side any more, which
/// either knowledge or training says to be right.
pub(super) fn candidates(
    context: &Context<'_>,
    sources: &Sources,
    side: &Environment,
    finding: &Finding,
) -> Vec<Marked> {
    let mut found = Vec::new();
    for name in &finding.components {
        let Some(view) = side.package(name).filter(|view| view.standing == Standing::Declared) else { continue };
        let bare = view.entries.iter().all(|entry| entry.package.marker.is_none() && !entry.package.constraint);
        if !bare || view.entries.len() != 1 {
            continue;
        }
        let known = context.knowledge.wheel_platform(name, &view.versions).map(|(row, _)| row.marker());
        let training = context.training.filter(|_| side.side == Side::Serving);
        let trained = || training.and_then(|training| trained(training, sources, name, &view.versions));
        let fails =
            |text: &String| Marker::parse(text).is_ok_and(|marker| marker.evaluate(&side.target, &[]).violated());
        if let Some(marker) = known.or_else(trained).filter(fails) {
            found.push(Marked { name: name.clone(), marker });
        }
    }
    found
}

/// The marker under which training asks for the same releases of a package, if it does so only with that marker.
fn trained(training: &Environment, sources: &Sources, name: &str, versions: &VersionSet) -> Option<String> {
    let mentions: Vec<(&Fact, &Arc<Package>)> = training
        .facts()
        .iter()
        .filter_map(|fact| match &fact.kind {
            FactKind::Package(package) if package.name.as_str() == name && !package.constraint => Some((fact, package)),
            _ => None,
        })
        .collect();
    let [(fact, package)] = mentions.as_slice() else { return None };
    let span = package.parts.marker.filter(|_| fact.standing == Standing::Declared && package.versions == *versions)?;
    let text = sources.get(fact.place.file).text().get(span.start..span.end)?.trim();
    // What is written in another notation (a key of a lock file) is no marker to copy.
    let same = package.marker.as_ref().is_some_and(|marker| marker.to_string() == text);
    (same && !text.contains(['\n', '\\'])).then(|| text.to_owned())
}

/// Whether a file holds requirements and nothing else, by its name.
fn is_list(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    ["txt", "in", "pip", "req"].contains(&ending)
}

impl Marked {
    /// A side with the marker.
    pub(super) fn applied(&self, side: &Environment, knowledge: &Knowledge) -> Environment {
        let mut facts: Vec<Fact> = side.facts().to_vec();
        for fact in &mut facts {
            if let FactKind::Package(package) = &mut fact.kind
                && package.name.as_str() == self.name
            {
                Arc::make_mut(package).marker = Marker::parse(&self.marker).ok();
            }
        }
        side.with_facts(facts, knowledge)
    }

    /// The edit that adds the marker, or why there is none.
    pub(super) fn edits(&self, side: &Environment, sources: &Sources) -> Result<Vec<Edit>, String> {
        let Some(view) = side.package(&self.name) else { return Err(format!("{} is not named", self.name)) };
        let entry = view.leading();
        let source = sources.get(entry.place.file);
        let locked = entry.package.origin == Origin::Locked;
        let version = view.pin().cloned().unwrap_or_else(|| crate::version::Version::new([0]));
        if tools::way(source, entry.place.span, locked, &self.name, &version) != Way::Edit {
            return Err(format!("a tool writes {}: add the marker to what it is made from", source.path));
        }
        // Only a line of a requirements file takes a marker as it is; elsewhere it would have to be quoted.
        let line = source.line_span(source.position(entry.place.span.start).line);
        let before = &source.text()[line.start..entry.place.span.start];
        let behind = source.text()[entry.place.span.end..line.end.max(entry.place.span.end)].trim_start();
        let alone = before.trim().is_empty() && (behind.is_empty() || behind.starts_with('#'));
        // The last line of a `RUN` looks the same, and the shell would end the command at the semicolon.
        let above = source.line_span(source.position(line.start).line.saturating_sub(1).max(1));
        let joined =
            above.start < line.start && source.text()[above.start..above.end].trim_end().ends_with(['\\', '`']);
        if !alone || joined || !is_list(&source.path) || entry.package.url.is_some() {
            return Err(format!(
                "{} shares its line with something else, so a person has to write the marker",
                self.name
            ));
        }
        let end = entry.place.span.end;
        let place = Place { file: entry.place.file, span: Span::new(end, end) };
        Ok(vec![Edit { place, replacement: format!("; {}", self.marker) }])
    }
}
