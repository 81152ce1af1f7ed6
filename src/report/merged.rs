//! The findings of all comparisons of a run as one list, in which each stands once: worst first.
//!
//! Two comparisons that share a serving side share its defects, and a service that shows findings as alerts or comments
//! must not show one defect twice. What another comparison says in other words about the same finding is kept.

use std::{cell::OnceCell, cmp::Reverse, collections::HashMap};

use super::Report;
use crate::{
    environment::Side,
    finding::{Excuse, Finding, Fingerprint, Label, Severity, fingerprints},
    text::{FileId, Form, Place, escape},
};

/// A comparison, and what was found out about its files so far.
#[derive(Debug)]
pub(super) struct Scene<'r> {
    pub(super) report: &'r Report<'r>,
    /// Whether a file has line ends that only Python sees.
    odd: Vec<OnceCell<bool>>,
}

/// Where a place begins and ends, as services that show files count: lines end at a line feed, columns are characters,
/// all from 1, and the end is the column behind the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
}

/// The comparisons of a run.
pub(super) fn scenes<'r>(reports: &'r [Report<'r>]) -> Vec<Scene<'r>> {
    let scene =
        |report: &'r Report<'r>| Scene { report, odd: report.sources.iter().map(|_| OnceCell::new()).collect() };
    reports.iter().map(scene).collect()
}

impl Scene<'_> {
    /// The label that a format shows which shows only one: the first primary one in a text file, since a line of a
    /// model's view is no line of a file.
    pub(super) fn home<'f>(&self, finding: &'f Finding) -> Option<&'f Label> {
        let text = |label: &&Label| self.report.sources.get(label.place.file).form == Form::Text;
        let mut primary = finding.labels.iter().filter(|label| label.primary);
        primary.clone().find(text).or_else(|| primary.next()).or(finding.labels.first())
    }

    /// The path of a place as it may be shown.
    pub(super) fn path(&self, place: Place) -> String {
        escape(&self.raw_path(place))
    }

    /// The path of a place, seen from the repository's folder where there is one.
    pub(super) fn raw_path(&self, place: Place) -> String {
        let path = self.report.sources.get(place.file).path.as_str();
        let path = path.strip_prefix("./").unwrap_or(path);
        self.report.repository.map_or_else(|| path.to_owned(), |repository| repository.path(path))
    }

    /// The lines and columns of a place; none in a model's view.
    pub(super) fn region(&self, place: Place) -> Option<Region> {
        if self.report.sources.get(place.file).form == Form::View {
            return None;
        }
        let (line, column) = self.position(place.file, place.span.start);
        let (end_line, end_column) = self.position(place.file, place.span.end.max(place.span.start));
        Some(Region { line, column, end_line, end_column })
    }

    fn position(&self, file: FileId, offset: usize) -> (usize, usize) {
        let source = self.report.sources.get(file);
        let position = source.position(offset);
        let odd = || {
            let feeds = source.text().bytes().filter(|byte| *byte == b'\n').count();
            feeds + 1 != source.position(source.text().len()).line
        };
        if !*self.odd[file.index()].get_or_init(odd) {
            return (position.line, position.column);
        }
        let before = source.text().get(..offset).unwrap_or(source.text());
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    /// `path:line:column`, or the path alone.
    pub(super) fn spot(&self, place: Place) -> String {
        let path = self.path(place);
        self.region(place).map_or(path.clone(), |it| format!("{path}:{}:{}", it.line, it.column))
    }

    /// The side that a label belongs to, if there are two.
    pub(super) fn side(&self, label: &Label) -> Option<Side> {
        let environment = label.environment.as_deref()?;
        let mut sides = self.report.sides.iter().map(|side| &side.environment);
        let side = sides.find(|side| side.name == environment)?.side;
        (side != Side::Alone).then_some(side)
    }

    /// What a label says and which side says it: `training: imports ai.onnx 20`.
    pub(super) fn says(&self, label: &Label) -> String {
        let text = escape(&label.text);
        self.side(label).map_or_else(|| text.clone(), |side| format!("{}: {text}", side.word()))
    }

    /// One line a place: the side, where, and what it says.
    pub(super) fn places(&self, finding: &Finding) -> Vec<String> {
        let line = |label: &Label| {
            let lead = self.side(label).map_or("at", Side::word);
            format!("{lead} {}: {}", self.spot(label.place), escape(&label.text))
        };
        finding.labels.iter().map(line).collect()
    }
}

/// A finding of a run.
#[derive(Debug)]
pub(super) struct Entry<'r> {
    /// Where it was found first, or worst.
    pub(super) scene: &'r Scene<'r>,
    pub(super) finding: &'r Finding,
    pub(super) fingerprint: Fingerprint,
    /// The names of the comparisons in which it was found.
    pub(super) comparisons: Vec<&'r str>,
    /// What other comparisons say about it, where that reads differently.
    pub(super) also: Vec<(&'r Scene<'r>, &'r Finding)>,
    /// Why it is not reported.
    pub(super) excuse: Option<&'r Excuse>,
}

impl Entry<'_> {
    /// The messages: the finding's own, and what other comparisons say.
    pub(super) fn messages(&self) -> Vec<String> {
        let also = self
            .also
            .iter()
            .map(|(scene, finding)| format!("in {}: {}", escape(&scene.report.name), escape(&finding.message)));
        std::iter::once(escape(&self.finding.message)).chain(also).collect()
    }
}

/// What is reported.
pub(super) fn findings<'r>(scenes: &'r [Scene<'r>]) -> Vec<Entry<'r>> {
    let all = scenes.iter().flat_map(|scene| {
        scene
            .report
            .findings
            .iter()
            .zip(scene.report.fingerprints())
            .map(move |(finding, print)| (scene, finding, print, None))
    });
    merged(all)
}

/// What is not reported, but for what another comparison reports.
pub(super) fn excused<'r>(scenes: &'r [Scene<'r>], reported: &[Entry<'r>]) -> Vec<Entry<'r>> {
    let all = scenes.iter().flat_map(|scene| {
        let excused = &scene.report.excused;
        let prints = fingerprints(excused.iter().map(|it| &it.finding), scene.report.sources);
        excused.iter().zip(prints).map(move |(it, print)| (scene, &it.finding, print, Some(&it.excuse)))
    });
    let known: HashMap<Fingerprint, &Entry<'r>> = reported.iter().map(|entry| (entry.fingerprint, entry)).collect();
    // Two findings of one comparison may be alike but for their lines; the same one of another is left out.
    let own = |(scene, _, print, _): &Found<'r>| {
        known.get(print).is_none_or(|entry| entry.comparisons.contains(&scene.report.name.as_str()))
    };
    merged(all.filter(own))
}

type Found<'r> = (&'r Scene<'r>, &'r Finding, Fingerprint, Option<&'r Excuse>);

fn merged<'r>(all: impl Iterator<Item = Found<'r>>) -> Vec<Entry<'r>> {
    let mut entries: Vec<Entry<'r>> = Vec::new();
    let mut at: HashMap<Fingerprint, usize> = HashMap::new();
    for (scene, finding, fingerprint, excuse) in all {
        let name = scene.report.name.as_str();
        let Some(entry) = at.get(&fingerprint).map(|at| &mut entries[*at]) else {
            at.insert(fingerprint, entries.len());
            let (comparisons, also) = (vec![name], Vec::new());
            entries.push(Entry { scene, finding, fingerprint, comparisons, also, excuse });
            continue;
        };
        entry.comparisons.push(name);
        let mut other = (scene, finding);
        if finding.severity > entry.finding.severity {
            other = (std::mem::replace(&mut entry.scene, scene), std::mem::replace(&mut entry.finding, finding));
        }
        let said = std::iter::once(entry.finding).chain(entry.also.iter().map(|(_, it)| *it));
        if said.map(|it| &it.message).all(|message| *message != other.1.message) {
            entry.also.push(other);
        }
    }
    entries.sort_by_key(|entry| (Reverse(entry.finding.severity), entry.finding.code));
    entries
}

/// How many of a severity there are.
pub(super) fn count(entries: &[Entry<'_>], severity: Severity) -> usize {
    entries.iter().filter(|entry| entry.finding.severity == severity).count()
}
