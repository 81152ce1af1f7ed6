//! Version specifiers as pip reads them: clauses such as `>=1.21` with their places in a longer text.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/version-specifiers/>
//!
//! The scanner accepts exactly the spellings that pip's own library accepts (`==v1.0`, `=== free text`), which is more
//! than `pep440_rs` parses; a version that cannot be represented (a number of thirty digits, free text) allows every
//! version, because nothing can be decided about it.

use std::{fmt, str::FromStr};

use pep440_rs::{Version, VersionSpecifier};

use crate::{text::Span, version::VersionSet};

/// How a clause compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `===`, the same text.
    Arbitrary,
    /// `==`, with or without `.*`.
    Equal,
    /// `~=`.
    Compatible,
    /// `!=`, with or without `.*`.
    NotEqual,
    /// `<=`.
    AtMost,
    /// `>=`.
    AtLeast,
    /// `<`.
    Below,
    /// `>`.
    Above,
}

/// Longer spellings come before their own beginnings.
const OPERATORS: [(&str, Operator); 8] = [
    ("===", Operator::Arbitrary),
    ("==", Operator::Equal),
    ("~=", Operator::Compatible),
    ("!=", Operator::NotEqual),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Below),
    (">", Operator::Above),
];

impl Operator {
    /// The operator that a text begins with.
    pub(super) fn at_start(text: &str) -> Option<Operator> {
        OPERATORS.iter().find(|(spelling, _)| text.starts_with(spelling)).map(|(_, operator)| *operator)
    }

    /// The operator in the terms of `pep440_rs`, for a version without `.*`.
    fn of_pep440(self) -> pep440_rs::Operator {
        match self {
            Operator::Arbitrary => pep440_rs::Operator::ExactEqual,
            Operator::Equal => pep440_rs::Operator::Equal,
            Operator::Compatible => pep440_rs::Operator::TildeEqual,
            Operator::NotEqual => pep440_rs::Operator::NotEqual,
            Operator::AtMost => pep440_rs::Operator::LessThanEqual,
            Operator::AtLeast => pep440_rs::Operator::GreaterThanEqual,
            Operator::Below => pep440_rs::Operator::LessThan,
            Operator::Above => pep440_rs::Operator::GreaterThan,
        }
    }

    /// The operator as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(spelling, _)| spelling)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One condition of a specifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The operator.
    pub operator: Operator,
    /// The version as written, with `.*` where there is one.
    pub version: String,
    /// From the operator to the end of the version.
    pub span: Span,
}

impl Clause {
    /// The versions that this clause allows.
    #[must_use]
    pub fn versions(&self) -> VersionSet {
        allowed(self.operator, &self.version).unwrap_or_else(VersionSet::all)
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.operator, self.version)
    }
}

/// What Python takes for white space; Rust leaves out the four separators of ASCII.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Parses a version as pip does, `None` if it is none or cannot be represented.
#[must_use]
pub fn parse_version(text: &str) -> Option<Version> {
    let text = text.trim_matches(is_space);
    if version_end(text, Star::No, Local::Yes, 1)? != text.len() {
        return None;
    }
    // A separator may stand before a number that is left out.
    Version::from_str(text.trim_end_matches(['-', '_', '.'])).ok()
}

/// The versions that a clause allows; `None` if that cannot be said.
pub(super) fn allowed(operator: Operator, version: &str) -> Option<VersionSet> {
    if operator == Operator::Arbitrary || (operator == Operator::Equal && !version.ends_with(".*")) {
        return parse_version(version).map(|version| VersionSet::exactly(&version));
    }
    let specifier = match version.strip_suffix(".*") {
        Some(release) => {
            let release = release.trim_end_matches(['-', '_', '.']);
            VersionSpecifier::from_str(&format!("{operator}{release}.*")).ok()?
        }
        None => VersionSpecifier::from_version(operator.of_pep440(), parse_version(version)?).ok()?,
    };
    Some(VersionSet::of_specifier(&specifier))
}

/// A clause that begins at `at`: its operator, where its version begins, and where it ends.
pub(super) fn clause_at(text: &str, at: usize) -> Option<(Operator, usize, usize)> {
    let operator = Operator::at_start(&text[at..])?;
    let after = at + operator.as_str().len();
    let version = after + text[after..].find(|it| !is_space(it)).unwrap_or(text.len() - after);
    let rest = &text[version..];
    let length = match operator {
        Operator::Arbitrary => rest.find(|it| is_space(it) || it == ';' || it == ')').unwrap_or(rest.len()),
        Operator::Equal | Operator::NotEqual => version_end(rest, Star::Yes, Local::Yes, 1)?,
        Operator::Compatible => version_end(rest, Star::No, Local::No, 2)?,
        _ => version_end(rest, Star::No, Local::No, 1)?,
    };
    Some((operator, version, version + length))
}

/// Splits free text after `===` where pip does: at commas. `None` if what follows a comma is no clause.
pub(super) fn split_arbitrary(text: &str, start: usize, end: usize) -> Option<Vec<Clause>> {
    let mut clauses = Vec::new();
    let mut at = start;
    for piece in text[start..end].split(',') {
        let from = at + (piece.len() - piece.trim_start_matches(is_space).len());
        let to = at + piece.trim_end_matches(is_space).len();
        at += piece.len() + 1;
        if from >= to {
            continue;
        }
        let (operator, version, stop) = clause_at(&text[..to], from)?;
        if stop != to {
            return None;
        }
        clauses.push(Clause { operator, version: text[version..stop].to_owned(), span: Span::new(from, stop) });
    }
    Some(clauses)
}

/// Whether a text as a whole is one clause.
pub(super) fn single_clause(text: &str) -> Option<(Operator, &str)> {
    let text = text.trim_matches(is_space);
    let (operator, version, end) = clause_at(text, 0)?;
    (end == text.len()).then(|| (operator, &text[version..end]))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Star {
    Yes,
    No,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Local {
    Yes,
    No,
}

/// How far a version reaches from the start of the text.
fn version_end(text: &str, star: Star, local: Local, release_parts: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|it| it.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first().is_some_and(|it| matches!(it, b'v' | b'V')));
    let epoch = digits(at);
    if epoch > at && bytes.get(epoch) == Some(&b'!') {
        at = epoch + 1;
    }
    let mut end = digits(at);
    if end == at {
        return None;
    }
    let mut parts = 1;
    while bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
        parts += 1;
    }
    if parts < release_parts {
        return None;
    }
    if star == Star::Yes && bytes[end..].starts_with(b".*") {
        return Some(end + 2);
    }
    if !bytes.get(end).is_some_and(|it| it.is_ascii_alphanumeric() || b"-_.+".contains(it)) {
        return Some(end); // As most versions end: with their release.
    }
    let separator = |from: usize| from + usize::from(bytes.get(from).is_some_and(|it| b"-_.".contains(it)));
    let word = |from: usize, words: &[&str]| {
        words.iter().find_map(|it| {
            let found = bytes.get(from..from + it.len())?;
            found.eq_ignore_ascii_case(it.as_bytes()).then(|| from + it.len())
        })
    };
    if let Some(after) = word(separator(end), &["alpha", "beta", "preview", "pre", "a", "b", "c", "rc"]) {
        end = digits(separator(after));
    }
    if bytes.get(end) == Some(&b'-') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    } else if let Some(after) = word(separator(end), &["post", "rev", "r"]) {
        end = digits(separator(after));
    }
    if let Some(after) = word(separator(end), &["dev"]) {
        end = digits(separator(after));
    }
    if local == Local::Yes && bytes.get(end) == Some(&b'+') {
        end = local_end(bytes, end).unwrap_or(end);
    }
    Some(end)
}

/// How far a local label reaches whose `+` stands at `plus`.
pub(super) fn local_end(bytes: &[u8], plus: usize) -> Option<usize> {
    let letters = |from: usize| from + bytes[from..].iter().take_while(|it| it.is_ascii_alphanumeric()).count();
    let mut end = letters(plus + 1);
    if end == plus + 1 {
        return None;
    }
    while bytes.get(end).is_some_and(|it| b"-_.".contains(it))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric)
    {
        end = letters(end + 1);
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(text: &str) -> Option<&str> {
        clause_at(text, 0).map(|(_, _, end)| &text[..end])
    }

    #[test]
    fn clauses_reach_as_far_as_pip_reads_them() {
        for (text, read) in [
            ("==1.26.4", "==1.26.4"),
            ("== v1.0;", "== v1.0"),
            ("==2.3.1+cu121 ", "==2.3.1+cu121"),
            ("==1!2.0.post1.dev3", "==1!2.0.post1.dev3"),
            (">=2.0rc1,<3", ">=2.0rc1"),
            (">=1.26.*", ">=1.26"),
            ("==1.5.*", "==1.5.*"),
            ("==1.0a1.*", "==1.0a1"),
            ("<=1.0+local", "<=1.0"),
            ("==2012-10-25-beta", "==2012-10"),
            ("==1.0-r4", "==1.0-r4"),
            ("==1.0a.post1", "==1.0a.post1"),
            ("===1.0-weird_build;x", "===1.0-weird_build"),
            ("===1,2)", "===1,2"),
            ("==1.26.4#cpu", "==1.26.4"),
            ("===", "==="),
        ] {
            assert_eq!(clause(text), Some(read), "{text}");
        }
        for text in ["=1.0", "~=1", "==", ">=x", "==.1", "", "é"] {
            assert_eq!(clause(text), None, "{text}");
        }
    }

    #[test]
    fn odd_versions_allow_what_is_known_of_them() {
        let set =
            |operator, version: &str| Clause { operator, version: version.into(), span: Span::default() }.versions();
        assert_eq!(set(Operator::Equal, "v1.0"), "==1.0".parse().unwrap());
        assert_eq!(set(Operator::Arbitrary, "1.0"), "==1.0".parse().unwrap());
        assert!(set(Operator::Arbitrary, "1.0-weird_build").is_all());
        assert!(set(Operator::Equal, "20230101202301012023010120230101").is_all());
        assert_eq!(set(Operator::NotEqual, "1.5.*"), "!=1.5.*".parse().unwrap());
        assert_eq!(parse_version(" 1.0a- ").map(|it| it.to_string()).as_deref(), Some("1.0a0"));
        assert_eq!(parse_version("1.0 beta"), None);
    }

    #[test]
    fn a_comma_ends_free_text() {
        let text = "===1.0,>= 2";
        let clauses = split_arbitrary(text, 0, text.len()).unwrap();
        assert_eq!(clauses.len(), 2);
        assert_eq!(clauses[1].to_string(), ">=2");
        assert!(split_arbitrary("===1.0,weird", 0, 12).is_none());
    }
}
