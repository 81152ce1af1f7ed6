//! conda's match specs: `channel::name >=1.2,<2 build`, and what of them can be said in PEP 440.
//!
//! Grammar: <https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/pkg-specs.html#package-match-specifications>

use super::installed::Word;
use crate::{
    fact::{parse_version, requirement},
    text::Span,
    version::VersionSet,
};

/// A match spec in its parts, with their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MatchSpec<'t> {
    /// The channel with its labels, empty if none is named.
    pub(super) channel: &'t str,
    pub(super) name: &'t str,
    pub(super) name_span: Span,
    /// The version with its operators, as written.
    pub(super) version: &'t str,
    pub(super) version_span: Span,
    /// The build string, a glob as a rule.
    pub(super) build: &'t str,
}

/// Takes a match spec apart.
pub(super) fn parse(spec: Word<'_>) -> Option<MatchSpec<'_>> {
    let whole = spec.text;
    let base = whole.as_ptr() as usize;
    let span = |part: &str| {
        let start = spec.span.start + (part.as_ptr() as usize - base);
        Span::new(start, start + part.len())
    };
    let text = whole.split('#').next().unwrap_or_default().trim();
    let (channel, rest) = text.split_once("::").unwrap_or(("", text));
    // `channel:namespace:name` was never put to use; what is left of it is an empty namespace.
    let rest = rest.trim_start_matches(':').trim_start();
    let end = rest.find(|it: char| !(it.is_alphanumeric() || "-_.*".contains(it))).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    if name.is_empty() || name.starts_with('.') {
        return None;
    }
    let rest = rest.trim();
    if let Some(inside) = rest.strip_prefix('[') {
        let inside = inside.strip_suffix(']')?;
        let key = |wanted: &str| bracketed(inside, wanted).unwrap_or(&rest[..0]);
        let (version, build) = (key("version"), key("build"));
        return Some(MatchSpec { channel, name, name_span: span(name), version, version_span: span(version), build });
    }
    let (version, build) = split_build(rest);
    Some(MatchSpec { channel, name, name_span: span(name), version, version_span: span(version), build })
}

/// The value of a key in brackets: `version='>=1.2,<2', build=*cuda*`.
fn bracketed<'t>(inside: &'t str, wanted: &str) -> Option<&'t str> {
    let mut rest = inside;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|it| matches!(it, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if key.trim().trim_start_matches(',').trim() == wanted {
            return Some(value.trim());
        }
        rest = next.trim_start().trim_start_matches(',');
    }
    None
}

fn is_operator(character: char) -> bool {
    matches!(character, '=' | '<' | '>' | '!' | '~')
}

/// Splits `>=1.2, <2 build`, `=1.2=build` and `==1.2=build`. Blanks may stand around operators, commas and bars.
fn split_build(rest: &str) -> (&str, &str) {
    let (mut in_version, mut blank) = (false, false);
    let mut before = ' ';
    for (at, character) in rest.char_indices() {
        if character.is_whitespace() {
            blank = true;
            continue;
        }
        let joins = is_operator(character) || matches!(character, ',' | '|');
        // A word after the version, without anything that joins the two, is the build.
        if blank && in_version && !joins {
            return (rest[..at].trim_end(), rest[at..].trim());
        }
        // So is what follows a single `=` after a version.
        if character == '=' && in_version && !is_operator(before) && !rest[at + 1..].starts_with('=') {
            return (rest[..at].trim_end(), rest[at + 1..].trim());
        }
        in_version = !joins;
        blank = false;
        before = character;
    }
    (rest, "")
}

/// The version of a match spec in PEP 440: the specifier and the versions that it allows.
///
/// `=1.2` is a prefix. `=1.2.3` is as well, but nobody means 1.2.3.1 by it, and releases with four parts are rare: it is
/// taken for that release.
pub(super) fn versions(version: &str) -> Option<(String, VersionSet)> {
    let compact: String = version.chars().filter(|it| !it.is_whitespace()).collect();
    if compact.contains(['(', ')', '^', '$']) {
        return None;
    }
    let alternatives: Vec<&str> = compact.split('|').collect();
    let mut all: Option<(String, VersionSet)> = None;
    for alternative in alternatives {
        let clauses: Vec<String> = alternative
            .split(',')
            .map(clause)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let specifier = clauses.join(",");
        let set = requirement::parse(&format!("x{specifier}"), 0).ok()?.versions();
        all = Some(match all {
            None => (specifier, set),
            Some((before, known)) => (format!("{before}|{specifier}"), known.union(&set)),
        });
    }
    all
}

/// One clause in PEP 440; empty if it allows everything.
fn clause(clause: &str) -> Option<String> {
    let end = clause.find(|it| !is_operator(it)).unwrap_or(clause.len());
    let (operator, version) = clause.split_at(end);
    let (bare, glob) = match version.strip_suffix('*') {
        Some(bare) => (bare.trim_end_matches('.'), true),
        None => (version, false),
    };
    if bare.is_empty() {
        return (glob || operator.is_empty()).then(String::new);
    }
    parse_version(bare)?;
    let parts = bare.split('.').count();
    Some(match (operator, glob) {
        ("" | "=" | "==", true) | ("=", false) if glob || parts < 3 => format!("=={bare}.*"),
        ("" | "=" | "==", _) => format!("=={bare}"),
        ("!=", true) => format!("!={bare}.*"),
        // conda takes `>=1.2.*` for `>=1.2`; about the others it says nothing.
        (">=", _) | ("<" | ">" | "<=" | "!=" | "~=", false) => format!("{operator}{bare}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, String, String) {
        let spec = parse(Word { text, span: Span::new(0, text.len()) }).unwrap();
        assert_eq!(&text[spec.version_span.start..spec.version_span.end], spec.version);
        assert_eq!(&text[spec.name_span.start..spec.name_span.end], spec.name);
        (spec.channel.into(), spec.name.into(), spec.version.into(), spec.build.into())
    }

    #[test]
    fn specs_are_taken_apart() {
        for (text, channel, name, version, build) in [
            ("numpy", "", "numpy", "", ""),
            ("python=3.10", "", "python", "=3.10", ""),
            ("conda-forge::pytorch=2.3.1=cuda118_py311h*", "conda-forge", "pytorch", "=2.3.1", "cuda118_py311h*"),
            ("nvidia/label/cuda-12.1.0::cuda-toolkit", "nvidia/label/cuda-12.1.0", "cuda-toolkit", "", ""),
            ("numpy == 1.26.4", "", "numpy", "== 1.26.4", ""),
            ("numpy >=1.24, <2", "", "numpy", ">=1.24, <2", ""),
            ("numpy 1.26.* py311*", "", "numpy", "1.26.*", "py311*"),
            ("tensorflow * *cuda*", "", "tensorflow", "*", "*cuda*"),
            ("scipy>=1.8=*_openblas", "", "scipy", ">=1.8", "*_openblas"),
            ("scipy ==1.8=h1", "", "scipy", "==1.8", "h1"),
            ("a 1.2 | 1.3", "", "a", "1.2 | 1.3", ""),
            ("a[version='>=1.2,<2', build=\"*cuda*\"]", "", "a", ">=1.2,<2", "*cuda*"),
            ("a[build=x]", "", "a", "", "x"),
        ] {
            assert_eq!(parts(text), (channel.into(), name.into(), version.into(), build.into()), "{text}");
        }
        assert_eq!(parse(Word { text: "=1", span: Span::new(0, 2) }), None);
    }

    #[test]
    fn versions_are_said_in_pep_440_where_they_can() {
        let said = |text: &str| versions(text).map_or_else(|| "-".to_owned(), |(specifier, _)| specifier);
        for (text, expected) in [
            ("", ""),
            ("*", ""),
            ("=1.26", "==1.26.*"),
            ("=1.26.4", "==1.26.4"),
            ("1.26.*", "==1.26.*"),
            ("1.2*", "==1.2.*"),
            ("= 3.9", "==3.9.*"),
            ("1.2", "==1.2"),
            (">= 1.24, <2", ">=1.24,<2"),
            (">=2.17,<3.0.a0", ">=2.17,<3.0.a0"),
            ("1.2|1.4.*", "==1.2|==1.4.*"),
            (">=1.2.*", ">=1.2"),
            ("!=1.2.*", "!=1.2.*"),
            ("=1.1.1w", "-"),
            ("<1.2.*", "-"),
            ("^1\\.2$", "-"),
            ("=>1.2", "-"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
        let (_, both) = versions("1.2|1.4.*").unwrap();
        assert!(both.contains(&"1.4.9".parse().unwrap()) && !both.contains(&"1.3".parse().unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn no_spec_panics(text in "([a-z]{1,3}|[0-9.]{1,4}|[=<>!~,|*\\[\\] '\":#]|\\PC){0,12}") {
            let spec = parse(Word { text: &text, span: Span::new(5, 5 + text.len()) });
            if let Some(spec) = spec {
                proptest::prop_assert!(spec.version_span.end <= 5 + text.len());
                let _ = versions(spec.version);
            }
        }
    }
}
