//! What makes a finding the same finding in the next run: baselines, SARIF and the code quality of GitLab ask for it.
//!
//! It is made of the rule, what the finding is about, and what is written at its primary places: file and text, but not
//! the line. So it survives lines that move, and another version in the same line makes another finding. The wording of
//! messages is no part of it, since that changes with releases of envcheck.

use std::{borrow::Cow, collections::HashMap, fmt};

use super::Finding;
use crate::text::{Form, Place, Sources};

/// 128 bits that stay the same from run to run, on every system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let number = u128::from_str_radix(text, 16).ok().filter(|_| plain);
        number
            .map(Fingerprint)
            .ok_or_else(|| format!("expected a fingerprint of 32 hexadecimal digits, found `{text}`"))
    }
}

/// FNV-1a: nobody attacks a baseline, and 128 bits leave no room for accidents.
struct Hash(u128);

impl Hash {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

    fn part(&mut self, text: &str) {
        // No text holds this byte, so that `ab, c` is not `a, bc`.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}

/// The fingerprints of findings in their order; of several that are alike in everything, each has its own.
#[must_use]
pub fn fingerprints<'f>(findings: impl IntoIterator<Item = &'f Finding>, sources: &Sources) -> Vec<Fingerprint> {
    numbered(findings, |finding| hash(finding, sources, Paths::Count))
}

/// The same without the paths of files, so that it survives a file that is renamed: not enough to know a finding by, unless
/// its old file is gone.
#[must_use]
pub fn pathless_fingerprints<'f>(
    findings: impl IntoIterator<Item = &'f Finding>,
    sources: &Sources,
) -> Vec<Fingerprint> {
    findings.into_iter().map(|finding| Fingerprint(hash(finding, sources, Paths::Ignored))).collect()
}

fn numbered<'f>(findings: impl IntoIterator<Item = &'f Finding>, hash: impl Fn(&Finding) -> u128) -> Vec<Fingerprint> {
    let mut seen: HashMap<u128, usize> = HashMap::new();
    let number = |finding| {
        let alike = hash(finding);
        let count = seen.entry(alike).or_default();
        *count += 1;
        let mut hash = Hash(alike);
        if *count > 1 {
            hash.part(&count.to_string());
        }
        Fingerprint(hash.0)
    };
    findings.into_iter().map(number).collect()
}

/// Whether the names of files are part of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Paths {
    Count,
    Ignored,
}

fn hash(finding: &Finding, sources: &Sources, paths: Paths) -> u128 {
    let mut hash = Hash(Hash::START);
    hash.part(finding.code);
    let mut components: Vec<&str> = finding.components.iter().map(String::as_str).collect();
    components.sort_unstable();
    for component in components {
        hash.part(component);
    }
    let mut places: Vec<(Cow<'_, str>, String)> = finding
        .labels
        .iter()
        .filter(|label| label.primary)
        .map(|label| (sources.steady_path(label.place.file), written(sources, label.place)))
        .collect();
    if paths == Paths::Ignored {
        for (path, _) in &mut places {
            *path = Cow::Borrowed("");
        }
    }
    places.sort_unstable();
    for (path, text) in places {
        hash.part(&path);
        hash.part(&text);
    }
    hash.0
}

/// What stands at a place, with blanks and comments left out of account; the whole line, where a place is only a point.
fn written(sources: &Sources, place: Place) -> String {
    let source = sources.get(place.file);
    let text = source.text();
    let own = text.get(place.span.start..place.span.end).unwrap_or_default();
    let text = if own.trim().is_empty() {
        let line = source.line_span(source.position(place.span.start).line);
        let line = &text[line.start..line.end];
        if source.form == Form::Text { line.split(" #").next().unwrap_or(line) } else { line }
    } else {
        own
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::{Impact, Severity},
        text::{Form, Source, Span},
    };

    fn finding(text: &str, part: &str) -> (Finding, Sources) {
        let mut sources = Sources::default();
        let file = sources.add(Source::new("serve/requirements.txt".into(), Form::Text, text.into()));
        let start = text.find(part).expect("the part");
        let finding = Finding {
            code: "EC104",
            rule: "colliding-distributions",
            severity: Severity::Error,
            impact: Impact::StartFailure,
            message: String::new(),
            components: vec!["numpy".into()],
            labels: Vec::new(),
            evidence: Vec::new(),
            help: None,
            fixes: Vec::new(),
            unfixed: None,
        };
        let place = Place { file, span: Span::new(start, start + part.len()) };
        (finding.primary("serve", place, "here"), sources)
    }

    fn print(text: &str, part: &str) -> String {
        let (finding, sources) = finding(text, part);
        fingerprints([&finding], &sources)[0].to_string()
    }

    #[test]
    fn a_moved_line_is_the_same_finding_and_another_version_another() {
        let first = print("numpy==1.26.4\n", "numpy==1.26.4");
        assert_eq!(first, print("# why\n\nscipy\nnumpy==1.26.4 # new\n", "numpy==1.26.4"));
        assert_ne!(first, print("numpy==1.26.5\n", "numpy==1.26.5"));
        assert_eq!(first.parse::<Fingerprint>().map(|it| it.to_string()), Ok(first.clone()));
        assert!(first[1..].parse::<Fingerprint>().is_err());
        assert!(format!("+{}", &first[1..]).parse::<Fingerprint>().is_err());
    }

    #[test]
    fn without_its_path_a_finding_is_the_same_in_another_file() {
        let (finding, sources) = finding("numpy==1\n", "numpy==1");
        let mut moved = Sources::default();
        moved.add(Source::new("release/requirements.txt".into(), Form::Text, "numpy==1\n".into()));
        assert_ne!(fingerprints([&finding], &sources), fingerprints([&finding], &moved));
        assert_eq!(pathless_fingerprints([&finding], &sources), pathless_fingerprints([&finding], &moved));
        moved.replace(finding.labels[0].place.file, Form::Text, "numpy==2\n".into());
        assert_ne!(pathless_fingerprints([&finding], &sources), pathless_fingerprints([&finding], &moved));
    }

    #[test]
    fn findings_that_are_alike_are_still_two() {
        let (finding, sources) = finding("numpy==1\n", "numpy==1");
        let both = fingerprints([&finding, &finding], &sources);
        assert_ne!(both[0], both[1]);
        assert_eq!(both, fingerprints([&finding, &finding], &sources));
    }
}
