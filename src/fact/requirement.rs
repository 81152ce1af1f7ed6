//! Requirements as pip reads them: `name[extra] >=1.2,<2 ; marker` and `name @ url ; marker`.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>
//!
//! Used for lines of requirements files, for `Requires-Dist` and for lock files. What pip 26.3 accepts is accepted and
//! what it refuses is refused, with one exception: a name that ends in `_` is refused here, since no package can have
//! it. Every part has its span.

use std::fmt;

pub use super::specifier::{Clause, Operator};
use super::{
    Package, PackageName, PackageParts,
    marker::Marker,
    specifier::{self, local_end},
    wheel::{WheelName, archive_version},
};
use crate::{text::Span, version::VersionSet};

/// Requirements longer than this are refused.
const LENGTH_LIMIT: usize = 128 << 10;

/// Text that is no requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementError {
    /// Where it stops being one.
    pub span: Span,
    /// What was expected there, lower case.
    pub message: String,
}

impl fmt::Display for RequirementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RequirementError {}

/// A requirement and where its parts stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The normalised name.
    pub name: PackageName,
    /// The name as written.
    pub spelled: String,
    /// Where the name stands.
    pub name_span: Span,
    /// The extras, normalised, in the order written.
    pub extras: Vec<PackageName>,
    /// The brackets of the extras and what is between them.
    pub extras_span: Option<Span>,
    /// The clauses of the specifier, in the order written.
    pub clauses: Vec<Clause>,
    /// From the first operator to the last version.
    pub specifier_span: Option<Span>,
    /// The direct reference, as written.
    pub url: Option<String>,
    /// Where it stands.
    pub url_span: Option<Span>,
    /// The marker.
    pub marker: Option<Marker>,
    /// The marker without the semicolon.
    pub marker_span: Option<Span>,
}

/// Parses one requirement. All spans are counted from a text that begins `base` bytes earlier.
///
/// # Errors
///
/// Where pip would refuse it.
pub fn parse(text: &str, base: usize) -> Result<Requirement, RequirementError> {
    if text.len() > LENGTH_LIMIT {
        let message = format!("expected a requirement of at most {LENGTH_LIMIT} bytes");
        return Err(RequirementError { span: Span::new(base, base + text.len()), message });
    }
    Parser { text, at: 0, base }.requirement()
}

impl Requirement {
    /// The specifier as written, without blanks.
    #[must_use]
    pub fn specifier(&self) -> String {
        let clauses: Vec<String> = self.clauses.iter().map(ToString::to_string).collect();
        clauses.join(",")
    }

    /// The versions that are allowed: by the specifier, or by the version in the file name of a direct reference.
    #[must_use]
    pub fn versions(&self) -> VersionSet {
        let of_url = |url: &String| {
            let wheel = WheelName::of_url(url).filter(|wheel| wheel.name == self.name).map(|wheel| wheel.version);
            wheel.or_else(|| archive_version(url, &self.name))
        };
        if let Some(version) = self.url.as_ref().and_then(of_url) {
            return VersionSet::exactly(&version);
        }
        let sets = self.clauses.iter().map(Clause::versions);
        sets.reduce(|all, set| all.intersection(&set)).unwrap_or_else(VersionSet::all)
    }

    /// The package that is asked for. `place` moves the spans of the parts to where they stand in the file.
    #[must_use]
    pub fn into_package(self, place: impl Fn(Span) -> Span) -> Package {
        let specifier = self.specifier();
        let versions = self.versions();
        let wheel = self.url.as_deref().and_then(WheelName::of_url);
        Package {
            specifier,
            versions,
            extras: self.extras,
            tags: wheel.filter(|wheel| wheel.name == self.name).map(|wheel| wheel.tags).unwrap_or_default(),
            marker: self.marker,
            url: self.url,
            parts: PackageParts {
                name: place(self.name_span),
                specifier: self.specifier_span.map(&place),
                marker: self.marker_span.map(&place),
            },
            ..Package::named(self.name, &self.spelled, self.name_span)
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    base: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn fault(&self, from: usize, to: usize, message: impl Into<String>) -> RequirementError {
        RequirementError { span: Span::new(from, to).shifted(self.base), message: message.into() }
    }

    fn expected(&self, what: &str) -> RequirementError {
        let rest = self.rest();
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        self.fault(self.at, self.at + length, format!("expected {what}"))
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.rest().starts_with(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    /// A name of a package or an extra: pip backs off to the last letter, digit or `_`.
    fn identifier(&mut self) -> Option<Span> {
        let rest = self.rest();
        let word = |it: char| it.is_alphanumeric() || it == '_';
        let length =
            rest.find(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-'))).unwrap_or(rest.len());
        let follows = rest[length..].starts_with(word);
        let mut name = rest[..length].trim_end_matches(['.', '-']);
        if follows && name.len() == length {
            // A letter that is not ASCII would continue the word, so the name ends at an earlier `.` or `-`.
            name = name[..name.rfind(['.', '-']).unwrap_or(0)].trim_end_matches(['.', '-']);
        }
        if !name.starts_with(|it: char| it.is_ascii_alphanumeric()) {
            return None;
        }
        let span = Span::new(self.at, self.at + name.len());
        self.at = span.end;
        Some(span)
    }

    fn name(&mut self, what: &str) -> Result<(PackageName, Span), RequirementError> {
        let Some(span) = self.identifier() else { return Err(self.expected(what)) };
        match PackageName::new(&self.text[span.start..span.end]) {
            Ok(name) => Ok((name, span)),
            Err(fault) => Err(self.fault(span.start, span.end, fault.to_string())),
        }
    }

    fn requirement(mut self) -> Result<Requirement, RequirementError> {
        self.blanks();
        let (name, span) = self.name("a package name")?;
        let mut requirement = Requirement {
            name,
            spelled: self.text[span.start..span.end].to_owned(),
            name_span: span.shifted(self.base),
            extras: Vec::new(),
            extras_span: None,
            clauses: Vec::new(),
            specifier_span: None,
            url: None,
            url_span: None,
            marker: None,
            marker_span: None,
        };
        self.blanks();
        if self.rest().starts_with('[') {
            let start = self.at;
            requirement.extras = self.extras()?;
            requirement.extras_span = Some(Span::new(start, self.at).shifted(self.base));
        }
        self.blanks();
        if self.take('@') {
            self.blanks();
            let rest = self.rest();
            let length = rest.find([' ', '\t']).unwrap_or(rest.len());
            if length == 0 {
                return Err(self.expected("a URL after `@`"));
            }
            requirement.url = Some(rest[..length].to_owned());
            requirement.url_span = Some(Span::new(self.at, self.at + length).shifted(self.base));
            self.at += length;
            self.blanks();
            self.marker(&mut requirement, "a semicolon or the end after the URL")?;
            return Ok(requirement);
        }
        let opened = self.at;
        let parenthesis = self.take('(');
        self.blanks();
        requirement.clauses = self.clauses()?;
        self.blanks();
        if parenthesis && !self.take(')') {
            return Err(self.fault(opened, self.at, "expected a closing parenthesis after the specifier"));
        }
        if let (Some(first), Some(last)) = (requirement.clauses.first(), requirement.clauses.last()) {
            requirement.specifier_span = Some(Span::new(first.span.start, last.span.end));
        }
        self.blanks();
        let expected = if requirement.clauses.is_empty() {
            "a specifier such as `==1.2`, a semicolon or the end after the name"
        } else {
            "a comma, a semicolon or the end after the specifier"
        };
        self.marker(&mut requirement, expected)?;
        Ok(requirement)
    }

    fn extras(&mut self) -> Result<Vec<PackageName>, RequirementError> {
        let opened = self.at;
        self.take('[');
        self.blanks();
        let mut extras = Vec::new();
        let first = |it: char| it.is_ascii_alphanumeric();
        if self.rest().starts_with(first) {
            loop {
                extras.push(self.name("the name of an extra")?.0);
                self.blanks();
                if self.rest().starts_with(first) {
                    return Err(self.expected("a comma between two extras"));
                }
                if !self.take(',') {
                    break;
                }
                self.blanks();
            }
        }
        if !self.take(']') {
            return Err(self.fault(opened, self.at, "expected a closing bracket after the extras"));
        }
        Ok(extras)
    }

    fn clauses(&mut self) -> Result<Vec<Clause>, RequirementError> {
        let mut clauses = Vec::new();
        while let Some((operator, version, end)) = specifier::clause_at(self.text, self.at) {
            let start = self.at;
            self.at = end;
            if operator == Operator::Arbitrary {
                let Some(pieces) = specifier::split_arbitrary(self.text, start, end) else {
                    return Err(self.fault(start, end, "expected a version clause after the comma"));
                };
                let moved = |clause: Clause| Clause { span: clause.span.shifted(self.base), ..clause };
                clauses.extend(pieces.into_iter().map(moved));
            } else {
                let span = Span::new(start, end).shifted(self.base);
                clauses.push(Clause { operator, version: self.text[version..end].to_owned(), span });
            }
            if self.rest().starts_with(".*") {
                let message = match operator {
                    Operator::Equal | Operator::NotEqual => {
                        "expected a plain release before `.*`, found a pre-release, post-release, dev or local version"
                    }
                    _ => "expected `.*` only after `==` or `!=`",
                };
                return Err(self.fault(start, end + 2, message));
            }
            if self.rest().starts_with('+') && lower_local(self.text.as_bytes(), end) {
                return Err(self.fault(start, end, "expected a local version label only after `==` or `!=`"));
            }
            self.blanks();
            if !self.take(',') {
                break;
            }
            self.blanks();
        }
        Ok(clauses)
    }

    fn marker(&mut self, requirement: &mut Requirement, expected: &str) -> Result<(), RequirementError> {
        if self.at == self.text.len() {
            return Ok(());
        }
        if !self.take(';') {
            return Err(self.expected(expected));
        }
        self.blanks();
        let rest = self.rest();
        let length = rest.trim_end_matches([' ', '\t']).len();
        match Marker::parse(rest) {
            Ok(marker) => {
                requirement.marker_span = Some(Span::new(self.at, self.at + length).shifted(self.base));
                requirement.marker = Some(marker);
                Ok(())
            }
            Err(fault) => {
                Err(RequirementError { span: fault.span.shifted(self.at + self.base), message: fault.message })
            }
        }
    }
}

/// Whether a local label in lower case stands at `plus`, which is what pip looks for before it complains of one.
fn lower_local(bytes: &[u8], plus: usize) -> bool {
    local_end(bytes, plus).is_some() && bytes.get(plus + 1).is_some_and(|it| !it.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything about a requirement in one line.
    fn shown(text: &str) -> String {
        let requirement = match parse(text, 0) {
            Ok(requirement) => requirement,
            Err(fault) => return format!("{}..{} {fault}", fault.span.start, fault.span.end),
        };
        let extras: Vec<String> = requirement.extras.iter().map(ToString::to_string).collect();
        let mut out = format!("{}[{}]{}", requirement.name, extras.join(","), requirement.specifier());
        out.extend(requirement.url.iter().map(|url| format!("@{url}")));
        out.extend(requirement.marker.iter().map(|marker| format!(";{marker}")));
        out
    }

    #[test]
    fn what_pip_accepts_is_read() {
        for (text, expected) in [
            ("numpy==1.26.4", "numpy[]==1.26.4"),
            ("uvicorn [standard, Foo_x] >= 0.23 , < 1", "uvicorn[standard,foo-x]>=0.23,<1"),
            ("a[]", "a[]"),
            ("numpy (>=1.21,<2)", "numpy[]>=1.21,<2"),
            ("numpy ()", "numpy[]"),
            ("numpy>=1.26,", "numpy[]>=1.26"),
            ("foo===1.0-weird_build", "foo[]===1.0-weird_build"),
            ("foo (===1.0-weird)", "foo[]===1.0-weird"),
            ("foo ===1.0,>=2", "foo[]===1.0,>=2"),
            ("quux==v1.0", "quux[]==v1.0"),
            ("c==2.*,!=2.1.*", "c[]==2.*,!=2.1.*"),
            ("zope.interface==6.4 ; python_version < '3.8'  ", "zope-interface[]==6.4;python_version < '3.8'"),
            ("importlib-metadata;python_version<\"3.8\"", "importlib-metadata[];python_version<\"3.8\""),
            ("foo@https://packages.example/foo.zip", "foo[]@https://packages.example/foo.zip"),
            (
                "foo[x] @ git+https://packages.example/foo.git@v1 ; os_name=='nt'",
                "foo[x]@git+https://packages.example/foo.git@v1;os_name=='nt'",
            ),
            (
                "foo @ https://packages.example/foo.zip;os_name=='nt'",
                "foo[]@https://packages.example/foo.zip;os_name=='nt'",
            ),
            ("foo @ ../foo", "foo[]@../foo"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_pip_refuses_is_refused_at_its_place() {
        for (text, expected) in [
            ("torch==2.3.1#cpu", "12..16 expected a comma"),
            ("numpy==1.26.4 \\", "14..15 expected a comma"),
            ("numpy=1.26.4", "5..12 expected a specifier"),
            ("numpy>=1.26 <2", "12..14 expected a comma"),
            ("numpy pandas", "6..12 expected a specifier"),
            ("\"numpy==1.26.4\"", "0..15 expected a package name"),
            ("numpy>=1.26.*", "5..13 expected `.*` only"),
            ("numpy==1.0a1.*", "5..14 expected a plain release"),
            ("numpy>=1.0+cpu", "5..10 expected a local version label only"),
            ("foo==2012-10-25-beta-x", "12..22 expected a comma"),
            ("foo~=1", "3..6 expected a specifier"),
            ("foo.==1.0", "3..9 expected a specifier"),
            ("foo_==1", "0..4 `foo_` is no package name"),
            ("foo[a.]==1", "3..5 expected a closing bracket"),
            ("foo[a b]", "6..8 expected a comma between two extras"),
            ("foo[a,]", "6..7 expected the name of an extra"),
            ("foo[a", "3..5 expected a closing bracket"),
            ("foo (>=1", "4..8 expected a closing parenthesis"),
            ("foo @ ", "6..6 expected a URL"),
            ("foo @ https://packages.example/x y", "33..34 expected a semicolon or the end after the URL"),
            ("foo ; ", "6..6 expected a marker variable"),
            ("foo ; python_versio > '3'", "6..19 expected a marker variable"),
            ("foo===1.0,weird", "3..15 expected a version clause"),
            ("", "0..0 expected a package name"),
            ("é==1", "0..5 expected a package name"),
            ("fooé==1", "0..8 expected a package name"),
        ] {
            let found = shown(text);
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }

    #[test]
    fn parts_have_spans() {
        let text = "  Foo [a] >= 1 , < 2 ; os_name == 'nt' ";
        let requirement = parse(text, 10).unwrap();
        let part = |span: Span| &text[span.start - 10..span.end - 10];
        assert_eq!(part(requirement.name_span), "Foo");
        assert_eq!(requirement.extras_span.map(part), Some("[a]"));
        assert_eq!(requirement.specifier_span.map(part), Some(">= 1 , < 2"));
        assert_eq!(requirement.marker_span.map(part), Some("os_name == 'nt'"));
        assert_eq!(part(requirement.clauses[1].span), "< 2");
    }

    #[test]
    fn file_names_of_direct_references_pin_a_version() {
        let versions = |text: &str| parse(text, 0).unwrap().versions();
        let only = |text: &str| versions(text).single().map(ToString::to_string);
        assert_eq!(
            only("torch @ https://packages.example/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl#sha256=a"),
            Some("2.3.1+cu121".into())
        );
        assert_eq!(only("foo-bar @ file:///x/foo_bar-1.5.tar.gz"), Some("1.5".into()));
        assert!(versions("foo @ https://packages.example/bar-1.0-py3-none-any.whl").is_all());
        assert_eq!(versions("foo>=1,<2"), ">=1,<2".parse().unwrap());
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(text in "([a-z]{1,4}|[0-9.]{1,4}|\\PC|[\\[\\](),;@<>=!~ \t+*_-]|===|os_name=='a')*") {
            let inside = |span: Span| text.get(span.start - 3..span.end - 3).is_some();
            match parse(&text, 3) {
                Ok(found) => {
                    let spans = [Some(found.name_span), found.extras_span, found.specifier_span, found.url_span, found.marker_span];
                    prop_assert!(spans.into_iter().flatten().all(inside));
                    prop_assert!(found.clauses.iter().all(|clause| inside(clause.span)));
                    let _ = found.into_package(|span| span);
                }
                Err(fault) => prop_assert!(inside(fault.span)),
            }
        }
    }
}
