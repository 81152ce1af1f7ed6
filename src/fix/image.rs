//! Other tags of the image that a side runs on.
//!
//! A tag is only named if it surely exists: knowledge lists it, or training uses it. The stages of a Dockerfile that are
//! built on the same image move together, since what one of them installs is copied into another.

use std::collections::BTreeMap;

use super::build;
use crate::{
    environment::{Environment, Seen, Side},
    fact::{Fact, FactKind, Image, ImageRole, Standing},
    finding::{Edit, Finding},
    knowledge::{
        Knowledge,
        image::{Reference, Shipped},
    },
    rules::Context,
    text::{Place, Source, Sources, Span},
};

/// How many tags are tried for one finding.
const MOST: usize = 48;

/// Another tag for an image, and for the stages that go with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Swap {
    /// The image as it is named.
    pub(super) from: String,
    /// The image to name instead.
    pub(super) to: String,
    /// What changes where: the old and the new reference. The first is the image that runs.
    places: Vec<(Place, String, String)>,
    /// The Python that comes and goes with it, where that changes.
    python: Option<(String, String)>,
    /// Whether it brings another torch.
    moves_torch: bool,
    /// Training runs on this tag, or on its Python.
    pub(super) as_trained: bool,
}

impl Swap {
    /// The facts of a side with the other tags.
    pub(super) fn applied(&self, side: &Environment, knowledge: &Knowledge) -> Environment {
        let mut facts: Vec<Fact> = side.facts().to_vec();
        for fact in &mut facts {
            let FactKind::Image(image) = &mut fact.kind else { continue };
            if let Some((_, _, new)) = self.places.iter().find(|(place, _, _)| *place == fact.place) {
                image.reference.clone_from(new);
            }
        }
        side.with_facts(facts, knowledge)
    }

    /// The edits that make the change, or why there are none.
    pub(super) fn edits(&self, side: &Environment, sources: &Sources) -> Result<Vec<Edit>, String> {
        if let Some(why) = build::bound(side).filter(|_| self.moves_torch) {
            return Err(why);
        }
        let mut edits: Vec<Edit> = Vec::new();
        for (place, old, new) in &self.places {
            let source = sources.get(place.file);
            let Some((span, replacement)) = rewritten(source, place.span, old, new) else {
                return Err(format!("`{old}` is put together from parts that a person has to change"));
            };
            let written = place.span.start <= span.start && span.end <= place.span.end;
            if let Some(line) = argument_elsewhere(source, span, Reference::parse(old).path).filter(|_| !written) {
                let path = &source.path;
                return Err(format!("the argument behind `{old}` also names another image in {path}:{line}"));
            }
            let edit = Edit { place: Place { file: place.file, span }, replacement };
            match edits.iter().find(|known| known.place == edit.place) {
                Some(known) if *known == edit => {}
                Some(_) => return Err("one argument stands for images that would need different tags".to_owned()),
                None => edits.push(edit),
            }
        }
        let Some((python, _)) = &self.python else { return Ok(edits) };
        let changed: Vec<Place> =
            edits.iter().map(|edit| edit.place).chain(self.places.iter().map(|it| it.0)).collect();
        for (place, _, _) in &self.places {
            let source = sources.get(place.file);
            let own = |line: usize| {
                changed.iter().any(|it| it.file == place.file && source.position(it.span.start).line == line)
            };
            if let Some(line) = names_python(source, python, &own) {
                let path = &source.path;
                return Err(format!(
                    "{path}:{line} names `python{python}`, which a person has to change with the image"
                ));
            }
        }
        Ok(edits)
    }
}

/// Other tags for the image of a side that a finding points at, those that change least first.
pub(super) fn candidates(context: &Context<'_>, side: &Environment, finding: &Finding) -> Vec<Swap> {
    let knowledge = context.knowledge;
    let Some(seen) = meant(side, finding) else { return Vec::new() };
    let image: &Image = seen.value;
    let reference = Reference::parse(&image.reference);
    // A digest decides, whatever the tag beside it says; what was seen on a machine is no line to edit.
    let (Some(own), None, Standing::Declared) = (reference.tag, &image.digest, seen.standing) else {
        return Vec::new();
    };
    let head = &image.reference[..image.reference.len() - own.len()];
    let numbers = knowledge.tag_numbers(own);
    let mut tags = knowledge.sibling_tags(&reference);
    let training = context.training.filter(|_| side.side == Side::Serving);
    let trained: Vec<Reference<'_>> = training
        .into_iter()
        .flat_map(Environment::images)
        .map(|seen| Reference::parse(&seen.value.reference))
        .filter(|other| other.path == reference.path)
        .collect();
    // A tag that training runs on exists.
    let alike = trained.iter().filter(|other| knowledge.same_shape(&reference, other));
    tags.extend(alike.filter_map(|other| other.tag.map(str::to_owned)));
    tags.sort_by_cached_key(|tag| (knowledge.tag_numbers(tag), tag.clone()));
    tags.dedup();
    let place = tags.partition_point(|tag| knowledge.tag_numbers(tag) < numbers);
    let python = training.and_then(Environment::python).map(|seen| seen.value.prefix(2).to_string());
    let brings = |tag: &str| brought(knowledge, &Reference { tag: Some(tag), ..reference.clone() });
    let before = brings(own);
    let trained: Vec<_> = trained.iter().map(|other| brought(knowledge, other)).collect();
    let as_trained = |tag: &str| {
        let own = brings(tag);
        // A variant for development brings more, so only what both bring is compared.
        let same = |other: &BTreeMap<String, String>| {
            let mut both = own.iter().filter_map(|(what, version)| Some((version, other.get(what)?))).peekable();
            both.peek().is_some() && both.all(|(a, b)| a == b)
        };
        trained.iter().any(same) || python.is_some() && own.get("python") == python.as_ref()
    };
    let mut order: Vec<(bool, usize, usize, bool, String)> = Vec::new();
    for (at, tag) in tags.iter().enumerate() {
        let changed = differing(&numbers, &knowledge.tag_numbers(tag));
        if changed > 0 {
            let distance = if at >= place { at - place } else { place - 1 - at };
            order.push((!as_trained(tag), changed, distance, at < place, tag.clone()));
        }
    }
    order.sort();
    let swaps = order.into_iter().take(MOST).filter_map(|(foreign, .., tag)| {
        let to = format!("{head}{tag}");
        let mut places = vec![(seen.place, image.reference.clone(), to.clone())];
        for other in side.images() {
            let beside = other.place.file == seen.place.file && other.place != seen.place;
            let sibling = Reference::parse(&other.value.reference);
            if !beside || sibling.path != reference.path {
                continue;
            }
            let tag = match follows(knowledge, &before, &brings(&tag), &sibling) {
                Follow::Stays => continue,
                Follow::Takes(tag) if other.value.digest.is_none() => tag,
                Follow::Takes(_) | Follow::Lost => return None,
            };
            let old = other.value.reference.clone();
            let new = format!("{}{tag}", &old[..old.len() - sibling.tag.map_or(0, str::len)]);
            places.push((other.place, old, new));
        }
        let python = before.get("python").cloned().zip(brings(&tag).get("python").cloned());
        let python = python.filter(|(old, new)| old != new);
        let torch = |brought: &BTreeMap<String, String>| brought.get("package torch").cloned();
        let moves_torch = torch(&before) != torch(&brings(&tag));
        Some(Swap { from: image.reference.clone(), to, places, python, moves_torch, as_trained: !foreign })
    });
    swaps.collect()
}

/// The image that a finding is about: one that it points at, or one whose distribution decides the Python it points at.
fn meant<'s>(side: &'s Environment, finding: &Finding) -> Option<Seen<'s, Image>> {
    let pointed_at = |place: Place| finding.labels.iter().any(|label| label.place == place);
    let mut runs = side.images().into_iter().filter(|seen| seen.value.role == ImageRole::Runs);
    let of_system = side.python().is_some_and(|seen| seen.standing == Standing::Implied && pointed_at(seen.place));
    runs.clone().find(|seen| pointed_at(seen.place)).or_else(|| runs.next().filter(|_| of_system))
}

/// Why the image that a finding is about has no other tag.
pub(super) fn hindrance(context: &Context<'_>, side: &Environment, finding: &Finding) -> Option<String> {
    let seen = meant(side, finding)?;
    let image: &Image = seen.value;
    let reference = Reference::parse(&image.reference);
    if image.digest.is_some() {
        return Some("a digest says which image it is, so a person must choose another one".to_owned());
    }
    let known = !context.knowledge.sibling_tags(&reference).is_empty();
    (!known).then(|| format!("no other tag of {} is known for certain, so a person must choose one", reference.path))
}

/// What an image brings along, by what it is: a Python to its minor.
fn brought(knowledge: &Knowledge, reference: &Reference<'_>) -> BTreeMap<String, String> {
    let entry = |Shipped { word, text, .. }: Shipped| match word.as_str() {
        "python" => (word, text.split('.').take(2).collect::<Vec<_>>().join(".")),
        "package" | "library" | "server" => match text.split_once(' ') {
            Some((name, version)) => (format!("{word} {name}"), version.to_owned()),
            None => (word, text),
        },
        _ => (word, text),
    };
    knowledge.shipped(reference).into_iter().map(entry).collect()
}

/// How many parts of a tag have another version; `3.12` and `3.12.3` are one.
fn differing(a: &[Vec<u64>], b: &[Vec<u64>]) -> usize {
    let same = |a: &[u64], b: &[u64]| a.iter().zip(b).all(|(a, b)| a == b);
    a.iter().zip(b).filter(|(a, b)| !same(a, b)).count()
}

/// What becomes of another stage of the same repository once an image changed what it brings.
enum Follow {
    /// It has nothing to do with it.
    Stays,
    /// It needs this tag.
    Takes(String),
    /// It would need a tag that is not known.
    Lost,
}

fn follows(
    knowledge: &Knowledge,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    sibling: &Reference<'_>,
) -> Follow {
    let own = brought(knowledge, sibling);
    let mut wanted = own.clone();
    for (what, old) in before {
        if own.get(what) != Some(old) {
            continue;
        }
        let Some(new) = after.get(what) else { return Follow::Lost };
        wanted.insert(what.clone(), new.clone());
    }
    if wanted == own {
        return Follow::Stays;
    }
    let fits = |tag: &String| brought(knowledge, &Reference { tag: Some(tag), ..sibling.clone() }) == wanted;
    knowledge.sibling_tags(sibling).into_iter().find(fits).map_or(Follow::Lost, Follow::Takes)
}

/// The first line that names an interpreter, such as `/usr/local/lib/python3.12/site-packages`, outside of comments and of
/// the lines that change anyway.
fn names_python(source: &Source, version: &str, changes: &dyn Fn(usize) -> bool) -> Option<usize> {
    let name = format!("python{version}");
    let named = |line: &str| {
        let mut found = line.match_indices(&name);
        found.any(|(at, _)| !line[at + name.len()..].starts_with(|it: char| it.is_ascii_digit()))
    };
    let text = |number: usize| {
        let span = source.line_span(number);
        source.text()[span.start..span.end].trim_start()
    };
    let other = |number: &usize| !text(*number).starts_with('#') && named(text(*number)) && !changes(*number);
    (1..=source.line_count()).find(other)
}

/// The line of an image of another repository that takes its name from the argument whose default stands at a place.
fn argument_elsewhere(source: &Source, span: Span, repository: &str) -> Option<usize> {
    let arguments = arguments(source);
    let inside = |(_, (_, own)): &(&String, &(String, Span))| own.start <= span.start && span.end <= own.end;
    let (name, _) = arguments.iter().find(inside)?;
    let uses = |word: &str| {
        let mut found = word.match_indices('$').map(|(at, _)| word[at + 1..].trim_start_matches('{'));
        let whole = |rest: &str| !rest.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
        found.any(|rest| rest.strip_prefix(name.as_str()).is_some_and(whole))
    };
    (1..=source.line_count()).find(|number| {
        let line = source.line_span(*number);
        let text = &source.text()[line.start..line.end];
        let stage = text.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("FROM "));
        let images = text.split_whitespace().filter_map(|word| match word.strip_prefix("--from=") {
            Some(image) => Some(image),
            None => Some(word).filter(|_| stage),
        });
        images.filter(|word| uses(word)).any(|word| {
            let at = line.start + (word.as_ptr() as usize - text.as_ptr() as usize);
            let parts = parts(source, Span::new(at, at + word.len()), word).unwrap_or_default();
            let reference: String = parts.iter().map(|part| part.text.as_str()).collect();
            Reference::parse(&reference).path != repository
        })
    })
}

/// The one replacement that turns an image into another one where it is named: in the reference itself, or in the default
/// of an argument that stands for a part of it.
fn rewritten(source: &Source, span: Span, old: &str, new: &str) -> Option<(Span, String)> {
    let written = source.text().get(span.start..span.end)?;
    let parts = parts(source, span, written)?;
    if parts.iter().map(|part| part.text.as_str()).collect::<String>() != old {
        return None;
    }
    let before = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - before;
    let behind = old.bytes().rev().zip(new.bytes().rev()).take(most).take_while(|(a, b)| a == b).count();
    let (from, to) = (before, old.len() - behind);
    let mut start = 0;
    for part in parts {
        let end = start + part.text.len();
        if start <= from && to <= end && start < end {
            // The whole part, or the whole tag in it, is easier to read than a few digits.
            let changed = format!(
                "{}{}{}",
                &part.text[..from - start],
                &new[before..new.len() - behind],
                &part.text[to - start..]
            );
            let common = part.text.rfind([':', '/']).map_or(0, |at| at + 1);
            let common = if changed.get(..common) == part.text.get(..common) { common } else { 0 };
            let span = Span::new(part.span.start + common, part.span.end);
            return Some((span, changed[common..].to_owned()));
        }
        start = end;
    }
    None
}

/// A part of a reference, and where its text can be changed.
struct Part {
    text: String,
    span: Span,
}

/// The parts that a reference is put together from: its own text, and the defaults of arguments.
fn parts(source: &Source, span: Span, written: &str) -> Option<Vec<Part>> {
    if !written.contains('$') {
        return Some(vec![Part { text: written.to_owned(), span }]);
    }
    let arguments = arguments(source);
    let mut parts = Vec::new();
    let mut at = 0;
    while at < written.len() {
        let rest = &written[at..];
        let Some(behind) = rest.strip_prefix('$') else {
            let length = rest.find('$').unwrap_or(rest.len());
            let span = Span::new(span.start + at, span.start + at + length);
            parts.push(Part { text: rest[..length].to_owned(), span });
            at += length;
            continue;
        };
        let word = |it: char| !(it.is_ascii_alphanumeric() || it == '_');
        let (inner, length) = if let Some(inner) = behind.strip_prefix('{') {
            inner.find('}').map(|end| (&inner[..end], end + 3))?
        } else {
            let end = behind.find(word).unwrap_or(behind.len());
            (&behind[..end], end + 1)
        };
        let name = &inner[..inner.find(word).unwrap_or(inner.len())];
        let operation = &inner[name.len()..];
        let default = operation.strip_prefix(":-").or_else(|| operation.strip_prefix('-'));
        match (arguments.get(name), default) {
            (Some((text, span)), _) if operation.is_empty() || default.is_some() => {
                parts.push(Part { text: text.clone(), span: *span });
            }
            (None, Some(text)) if !text.contains('$') => {
                let end = span.start + at + length - 1;
                parts.push(Part { text: text.to_owned(), span: Span::new(end - text.len(), end) });
            }
            _ => return None,
        }
        at += length;
    }
    Some(parts)
}

/// The arguments before the first stage that have a plain default.
fn arguments(source: &Source) -> BTreeMap<String, (String, Span)> {
    let mut found = BTreeMap::new();
    for number in 1..=source.line_count() {
        let span = source.line_span(number);
        let line = &source.text()[span.start..span.end];
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        if keyword == "FROM" {
            break;
        }
        if keyword != "ARG" {
            continue;
        }
        for word in words {
            let Some((name, value)) = word.split_once('=') else { continue };
            let plain = value.trim_matches(['"', '\'']);
            if plain.contains(['$', '"', '\'', '\\']) || plain.is_empty() {
                found.remove(name);
                continue;
            }
            // Words are parts of the line, so that their addresses tell where they stand.
            let at = plain.as_ptr() as usize - line.as_ptr() as usize;
            let start = span.start + at;
            found.insert(name.to_owned(), (plain.to_owned(), Span::new(start, start + plain.len())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Form;

    fn changed(text: &str, written: &str, old: &str, new: &str) -> Option<String> {
        let source = Source::new("Dockerfile".into(), Form::Text, text.into());
        let start = text.rfind(written).expect("the image");
        let (span, replacement) = rewritten(&source, Span::new(start, start + written.len()), old, new)?;
        Some(format!("{}{replacement}{}", &text[..span.start], &text[span.end..]))
    }

    #[test]
    fn the_tag_is_changed_where_it_is_written() {
        let (old, new) = ("python:3.12-slim", "python:3.10-slim");
        let change = |text: &str, written: &str| changed(text, written, old, new);
        assert_eq!(change("FROM python:3.12-slim\n", old).as_deref(), Some("FROM python:3.10-slim\n"));
        let argument = "# syntax\nARG A=1 PYTHON=\"3.12\"\nFROM python:${PYTHON}-slim\n";
        assert_eq!(change(argument, "python:${PYTHON}-slim").as_deref(), Some(&*argument.replace("3.12", "3.10")));
        let whole = "ARG BASE=python:3.12-slim\nFROM $BASE AS run\n";
        assert_eq!(change(whole, "$BASE").as_deref(), Some(&*whole.replace("3.12", "3.10")));
        let default = "FROM python:${PYTHON:-3.12}-slim\n";
        assert_eq!(change(default, "python:${PYTHON:-3.12}-slim").as_deref(), Some(&*default.replace("3.12", "3.10")));
        // The value comes from the command line, or from two places.
        assert_eq!(change("ARG PYTHON=3.11\nFROM python:${PYTHON}-slim\n", "python:${PYTHON}-slim"), None);
        assert_eq!(change("ARG V\nFROM python:${V}-slim\n", "python:${V}-slim"), None);
        let two = "ARG CUDA=12.4.1\nARG OS=22.04\nFROM nvidia/cuda:${CUDA}-base-ubuntu${OS}\n";
        let image = "nvidia/cuda:${CUDA}-base-ubuntu${OS}";
        let to = |tag: &str| changed(two, image, "nvidia/cuda:12.4.1-base-ubuntu22.04", &format!("nvidia/cuda:{tag}"));
        assert_eq!(to("11.8.0-base-ubuntu22.04").as_deref(), Some(&*two.replace("12.4.1", "11.8.0")));
        assert_eq!(to("11.8.0-base-ubuntu20.04"), None);
    }
}
