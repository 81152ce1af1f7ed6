//! Poetry's version constraints in the words of PEP 440.
//!
//! Specification: <https://python-poetry.org/docs/dependency-specification/#version-constraints>

use crate::{
    fact::{parse_version, requirement},
    version::{Version, VersionSet},
};

/// The specifier that allows the same versions: `^1.2` is `>=1.2,<2`. Nothing if there is none, as for a union of
/// ranges, or if the text is no constraint.
pub(super) fn specifier(constraint: &str) -> Option<String> {
    let constraint = constraint.trim();
    if constraint.contains("||") || constraint.contains('|') {
        return None;
    }
    let mut clauses: Vec<String> = Vec::new();
    let mut open = String::new();
    // A comma or a blank is "and"; an operator may be parted from its version by blanks.
    for word in constraint.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        open.push_str(word);
        if word.ends_with(|it: char| "<>=!~^".contains(it)) {
            continue;
        }
        clauses.extend(clause(&std::mem::take(&mut open))?);
    }
    let specifier = clauses.join(",");
    // What only Poetry allows, such as a local label after `>=`, would make the whole requirement unreadable.
    let readable = requirement::parse(&format!("a {specifier}"), 0).is_ok();
    (open.is_empty() && readable).then_some(specifier)
}

/// The versions that a constraint allows, unions included; everything if it is none.
pub(super) fn versions(constraint: &str) -> VersionSet {
    let range = |part: &str| specifier(part).and_then(|text| set(&text)).unwrap_or_else(VersionSet::all);
    constraint
        .split('|')
        .filter(|part| !part.trim().is_empty())
        .map(range)
        .reduce(|all, part| all.union(&part))
        .unwrap_or_else(VersionSet::all)
}

fn set(specifier: &str) -> Option<VersionSet> {
    if specifier.is_empty() { Some(VersionSet::all()) } else { specifier.parse().ok() }
}

fn clause(text: &str) -> Option<Vec<String>> {
    if matches!(text, "*" | "==*" | ">=0" | "x") {
        return Some(Vec::new());
    }
    if let Some(rest) = text.strip_prefix('^') {
        return Some(range(&parse_version(rest)?, caret));
    }
    if let Some(rest) = text.strip_prefix("~=") {
        parse_version(rest)?;
        return Some(vec![format!("~={rest}")]);
    }
    if let Some(rest) = text.strip_prefix('~') {
        return Some(range(&parse_version(rest)?, |version| upto(version, 2.min(version.release().len()))));
    }
    let operator =
        ["===", "==", "!=", "<=", ">=", "<", ">", "="].into_iter().find(|it| text.starts_with(it)).unwrap_or("");
    let version = &text[operator.len()..];
    let operator = if matches!(operator, "" | "=") { "==" } else { operator };
    let star = version.strip_suffix(".*").or_else(|| version.strip_suffix(".x"));
    match star {
        Some(prefix) if matches!(operator, "==" | "!=") => {
            parse_version(prefix)?;
            Some(vec![format!("{operator}{prefix}.*")])
        }
        Some(_) => None,
        None => {
            parse_version(version)?;
            Some(vec![format!("{operator}{version}")])
        }
    }
}

/// From a version to before the one that `next` makes of it.
fn range(version: &Version, next: impl Fn(&Version) -> String) -> Vec<String> {
    vec![format!(">={}", version.clone().without_local()), format!("<{}", next(version))]
}

/// The first version that differs in the leftmost part that is not zero.
fn caret(version: &Version) -> String {
    let release = version.release();
    let significant = release.iter().position(|part| *part != 0).unwrap_or(release.len() - 1);
    upto(version, significant + 1)
}

/// The version after all that share the first `parts` parts.
fn upto(version: &Version, parts: usize) -> String {
    let mut release: Vec<u64> = version.release().iter().take(parts.max(1)).copied().collect();
    if let Some(last) = release.last_mut() {
        *last = last.saturating_add(1);
    }
    let epoch = if version.epoch() == 0 { String::new() } else { format!("{}!", version.epoch()) };
    format!("{epoch}{}", release.iter().map(u64::to_string).collect::<Vec<_>>().join("."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn constraints_become_specifiers() {
        for (constraint, expected) in [
            ("^1.2.3", Some(">=1.2.3,<2")),
            ("^1.2", Some(">=1.2,<2")),
            ("^1", Some(">=1,<2")),
            ("^0.2.3", Some(">=0.2.3,<0.3")),
            ("^0.0.3", Some(">=0.0.3,<0.0.4")),
            ("^0.0", Some(">=0.0,<0.1")),
            ("^0", Some(">=0,<1")),
            ("^2.0b1", Some(">=2.0b1,<3")),
            ("~1.2.3", Some(">=1.2.3,<1.3")),
            ("~1.2", Some(">=1.2,<1.3")),
            ("~1", Some(">=1,<2")),
            ("~=1.2.3", Some("~=1.2.3")),
            ("*", Some("")),
            ("1.2.*", Some("==1.2.*")),
            ("==1.2.*", Some("==1.2.*")),
            ("!=1.2.*", Some("!=1.2.*")),
            ("1.26.4", Some("==1.26.4")),
            ("=1.26.4", Some("==1.26.4")),
            (">=1.21,<2", Some(">=1.21,<2")),
            (">= 1.21, < 2.0", Some(">=1.21,<2.0")),
            (">=1.21 <2 !=1.25", Some(">=1.21,<2,!=1.25")),
            ("2.6.0+cpu", Some("==2.6.0+cpu")),
            (">=1.0,<1.1 || >=2.0", None),
            (">=1.*", None),
            ("^2.6.0+cpu", Some(">=2.6.0,<3")),
            ("~=1", None),
            ("^", None),
            ("latest", None),
        ] {
            assert_eq!(specifier(constraint).as_deref(), expected, "{constraint}");
        }
    }

    #[test]
    fn unions_are_sets_of_versions() {
        let set = versions(">=1.0,<1.1 || ^2.0");
        for (version, inside) in [("1.0.5", true), ("1.5", false), ("2.4", true), ("3.0", false)] {
            assert_eq!(set.contains(&version.parse().unwrap()), inside, "{version}");
        }
        assert!(versions("nonsense").is_all() && versions("*").is_all());
    }

    proptest! {
        #[test]
        fn what_comes_out_is_a_specifier(text in "([~^<>=!]{0,2}[0-9]{1,20}(\\.[0-9]{1,3}){0,3}(\\.\\*|b1|\\+cpu)?[, ]?){0,3}|\\PC{0,8}") {
            if let Some(specifier) = specifier(&text) {
                let requirement = format!("a {specifier}");
                prop_assert!(requirement::parse(&requirement, 0).is_ok(), "{} {}", text, specifier);
            }
            let _ = versions(&text);
        }
    }
}
