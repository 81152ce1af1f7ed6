//! Sets of PEP 440 versions: what a specifier allows, as intervals.
//!
//! The intervals follow the specification's own exceptions: local labels belong to the version they label
//! (`==2.3.1` holds `2.3.1+cu121`), `<2.0` leaves out `2.0rc1`, `>1.7` leaves out `1.7.post1`. Pre-releases are
//! otherwise members, as they are when an installed version is checked. The property test at the end compares with
//! `pep440_rs`'s own membership test.

use std::{cmp::Ordering, fmt, str::FromStr};

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};

use super::Truth;

/// A position between versions.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Cut {
    Bottom,
    At(Version, Edge),
    Top,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    Before,
    /// After this very version, before its local variants.
    After,
    /// After the version and all its local variants; only on versions without a label.
    AfterLocals,
}

impl PartialOrd for Cut {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cut {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Cut::Bottom, Cut::Bottom) | (Cut::Top, Cut::Top) => Ordering::Equal,
            (Cut::Bottom, _) | (_, Cut::Top) => Ordering::Less,
            (Cut::Top, _) | (_, Cut::Bottom) => Ordering::Greater,
            (Cut::At(a, edge_a), Cut::At(b, edge_b)) => compare((a, *edge_a), (b, *edge_b)),
        }
    }
}

/// Compares two positions beside versions.
fn compare((a, edge_a): (&Version, Edge), (b, edge_b): (&Version, Edge)) -> Ordering {
    // A version belongs to another one only by its label, and taking that off costs a copy.
    let labels = |a: &Version, b: &Version| b.is_local() && b.clone().without_local() == *a;
    match a.cmp(b) {
        Ordering::Equal => edge_a.cmp(&edge_b),
        _ if edge_a == Edge::AfterLocals && labels(a, b) => Ordering::Greater,
        _ if edge_b == Edge::AfterLocals && labels(b, a) => Ordering::Less,
        order => order,
    }
}

/// A specifier that is not PEP 440.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecifierError(String);

impl fmt::Display for SpecifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpecifierError {}

/// A set of versions: disjoint intervals in rising order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSet {
    intervals: Vec<(Cut, Cut)>,
}

impl VersionSet {
    /// Every version.
    #[must_use]
    pub fn all() -> Self {
        VersionSet { intervals: vec![(Cut::Bottom, Cut::Top)] }
    }

    /// No version.
    #[must_use]
    pub fn none() -> Self {
        VersionSet { intervals: Vec::new() }
    }

    /// One version. Without a local label its labelled builds belong to it, since a file that says `2.3.1` may mean them.
    #[must_use]
    pub fn exactly(version: &Version) -> Self {
        VersionSet { intervals: vec![(Cut::At(version.clone(), Edge::Before), after(version))] }
    }

    /// Versions from `first` to `last`, both included.
    #[must_use]
    pub fn through(first: &Version, last: &Version) -> Self {
        VersionSet::between(Cut::At(first.clone(), Edge::Before), after(last))
    }

    fn between(low: Cut, high: Cut) -> Self {
        if low < high { VersionSet { intervals: vec![(low, high)] } } else { VersionSet::none() }
    }

    /// What all clauses of a specifier allow together.
    #[must_use]
    pub fn of_specifiers(specifiers: &VersionSpecifiers) -> Self {
        let sets = specifiers.iter().map(VersionSet::of_specifier);
        sets.reduce(|all, set| all.intersection(&set)).unwrap_or_else(VersionSet::all)
    }

    /// What one clause allows.
    #[must_use]
    pub fn of_specifier(clause: &VersionSpecifier) -> Self {
        let version = clause.version();
        let before = |version: Version| Cut::At(version, Edge::Before);
        match clause.operator() {
            Operator::Equal | Operator::ExactEqual => VersionSet::exactly(version),
            Operator::NotEqual => VersionSet::exactly(version).complement(),
            Operator::EqualStar => VersionSet::prefix(version, version.release().len()),
            Operator::NotEqualStar => VersionSet::prefix(version, version.release().len()).complement(),
            Operator::TildeEqual => VersionSet::between(before(version.clone()), Cut::Top)
                .intersection(&VersionSet::prefix(version, version.release().len().saturating_sub(1).max(1))),
            Operator::GreaterThanEqual => VersionSet::between(before(version.clone()), Cut::Top),
            Operator::LessThanEqual => VersionSet::between(Cut::Bottom, after(version)),
            Operator::LessThan if version.any_prerelease() => VersionSet::between(Cut::Bottom, before(version.clone())),
            Operator::LessThan => {
                let release = release_of(version, version.release());
                let mut set = VersionSet::between(Cut::Bottom, before(release.clone().with_min(Some(0))));
                // `<1.7.post2` still holds 1.7 and 1.7.post1, but no pre-release of 1.7.
                set.intervals.extend(VersionSet::between(before(release), before(version.clone())).intervals);
                set
            }
            Operator::GreaterThan => {
                let low = if version.is_post() || version.is_dev() || version.is_pre() {
                    Cut::At(version.clone().without_local(), Edge::AfterLocals)
                } else {
                    before(release_of(version, version.release()).with_max(Some(0)))
                };
                VersionSet::between(low, Cut::Top)
            }
        }
    }

    /// All versions whose release begins with the first `count` parts of this one's.
    fn prefix(version: &Version, count: usize) -> Self {
        let parts = &version.release()[..count.min(version.release().len())];
        let low = release_of(version, parts).with_min(Some(0));
        let mut next = parts.to_vec();
        if let Some(last) = next.last_mut() {
            *last = last.saturating_add(1);
        }
        let high = release_of(version, &next).with_min(Some(0));
        VersionSet::between(Cut::At(low, Edge::Before), Cut::At(high, Edge::Before))
    }

    /// Versions in both sets.
    #[must_use]
    pub fn intersection(&self, other: &VersionSet) -> VersionSet {
        let mut intervals = Vec::new();
        for (low_a, high_a) in &self.intervals {
            for (low_b, high_b) in &other.intervals {
                let (low, high) = (low_a.max(low_b), high_a.min(high_b));
                if low < high {
                    intervals.push((low.clone(), high.clone()));
                }
            }
        }
        VersionSet { intervals }
    }

    /// Versions that are not in this set.
    #[must_use]
    pub fn complement(&self) -> VersionSet {
        let mut intervals = Vec::new();
        let mut low = Cut::Bottom;
        for (from, to) in &self.intervals {
            if low < *from {
                intervals.push((low, from.clone()));
            }
            low = to.clone();
        }
        if low < Cut::Top {
            intervals.push((low, Cut::Top));
        }
        VersionSet { intervals }
    }

    /// Versions in either set.
    #[must_use]
    pub fn union(&self, other: &VersionSet) -> VersionSet {
        self.complement().intersection(&other.complement()).complement()
    }

    /// Whether no version is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// Whether every version is in the set.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.intervals == [(Cut::Bottom, Cut::Top)]
    }

    /// Whether a version is in the set.
    #[must_use]
    pub fn contains(&self, version: &Version) -> bool {
        let begins = |from: &Cut| match from {
            Cut::Bottom => true,
            Cut::At(low, edge) => compare((low, *edge), (version, Edge::Before)).is_le(),
            Cut::Top => false,
        };
        let ends = |to: &Cut| match to {
            Cut::Bottom => false,
            Cut::At(high, edge) => compare((version, Edge::After), (high, *edge)).is_le(),
            Cut::Top => true,
        };
        self.intervals.iter().any(|(from, to)| begins(from) && ends(to))
    }

    /// Whether every version of this set is in `other`.
    #[must_use]
    pub fn is_subset(&self, other: &VersionSet) -> bool {
        self.intervals.iter().all(|(low, high)| {
            // How far the other set holds everything from `low` on; its intervals rise, and may touch.
            let mut held = low;
            for (from, to) in &other.intervals {
                if from <= held && held < to {
                    held = to;
                }
            }
            high <= held
        })
    }

    /// Whether some version is in both sets.
    #[must_use]
    pub fn intersects(&self, other: &VersionSet) -> bool {
        let meet = |(low_a, high_a): &(Cut, Cut), (low_b, high_b): &(Cut, Cut)| low_a.max(low_b) < high_a.min(high_b);
        self.intervals.iter().any(|a| other.intervals.iter().any(|b| meet(a, b)))
    }

    /// Whether a version that is only known to be in this set meets a need.
    ///
    /// An empty set (a contradiction) decides nothing.
    #[must_use]
    pub fn within(&self, need: &VersionSet) -> Truth {
        if self.is_empty() {
            Truth::Undecided
        } else if self.is_subset(need) {
            Truth::Holds
        } else if self.intersects(need) {
            Truth::Undecided
        } else {
            Truth::Violated
        }
    }

    /// The version, if the set is [`exactly`](VersionSet::exactly) one.
    #[must_use]
    pub fn single(&self) -> Option<&Version> {
        match self.intervals.as_slice() {
            [(Cut::At(low, Edge::Before), Cut::At(high, edge))] if *edge == edge_after(low) && low == high => Some(low),
            _ => None,
        }
    }

    /// Whether nothing bounds the set from above.
    #[must_use]
    pub fn is_open_above(&self) -> bool {
        self.intervals.last().is_some_and(|(_, high)| *high == Cut::Top)
    }

    /// The smallest version that is written in the set's lower bound, if it has one.
    #[must_use]
    pub fn lower_bound(&self) -> Option<&Version> {
        match self.intervals.first() {
            Some((Cut::At(version, _), _)) => Some(version),
            _ => None,
        }
    }
}

impl FromStr for VersionSet {
    type Err = SpecifierError;

    /// Parses a specifier such as `>=1.21,<2`; the empty text and `*` allow everything.
    fn from_str(text: &str) -> Result<Self, SpecifierError> {
        let text = text.trim();
        if text.is_empty() || text == "*" {
            return Ok(VersionSet::all());
        }
        VersionSpecifiers::from_str(text)
            .map(|specifiers| VersionSet::of_specifiers(&specifiers))
            .map_err(|fault| SpecifierError(fault.to_string().lines().next().unwrap_or("not a specifier").to_owned()))
    }
}

impl<'de> serde::Deserialize<'de> for VersionSet {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

fn after(version: &Version) -> Cut {
    Cut::At(version.clone(), edge_after(version))
}

fn edge_after(version: &Version) -> Edge {
    if version.is_local() { Edge::After } else { Edge::AfterLocals }
}

fn release_of(version: &Version, parts: &[u64]) -> Version {
    Version::new(parts.iter().copied()).with_epoch(version.epoch())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str) -> VersionSet {
        text.parse().unwrap()
    }

    #[test]
    fn sets_compare_with_three_values() {
        let need = set(">=1.21,<2");
        assert_eq!(set("==1.26.4").within(&need), Truth::Holds);
        assert_eq!(set("==2.1").within(&need), Truth::Violated);
        assert_eq!(set(">=1.20").within(&need), Truth::Undecided);
        assert_eq!(set("").within(&need), Truth::Undecided);
        assert_eq!(set("==1,==2").within(&need), Truth::Undecided);
    }

    #[test]
    fn local_labels_belong_to_their_version() {
        let labelled: Version = "2.3.1+cu121".parse().unwrap();
        assert!(set("==2.3.1").contains(&labelled));
        assert!(set("<=2.3.1").contains(&labelled));
        assert!(!set(">2.3.1").contains(&labelled));
        assert!(!set("==2.3.1+cu118").contains(&labelled));
        assert_eq!(set("==2.3.1+cu121").within(&set("==2.3.1")), Truth::Holds);
        assert_eq!(set("==2.3.1").within(&set("==2.3.1+cu121")), Truth::Undecided);
        assert_eq!(set("==2.3.1+cu121").single(), Some(&labelled));
        assert_eq!(set("==2.3.1").single().map(ToString::to_string).as_deref(), Some("2.3.1"));
        assert_eq!(set(">=2.3.1").single(), None);
    }

    #[test]
    fn ngc_pre_releases_lie_between() {
        let ngc: Version = "2.4.0a0+07cecf4168.nv24.5".parse().unwrap();
        for outside in [">=2.4", "==2.4.0", "~=2.4.0", "<2.4"] {
            assert!(!set(outside).contains(&ngc), "{outside}");
        }
        for inside in [">=2.4.0a0", ">=2.3", "==2.4.*"] {
            assert!(set(inside).contains(&ngc), "{inside}");
        }
    }

    fn version() -> impl Strategy<Value = String> {
        let release = "[0-3](\\.[0-3]){0,2}";
        let tail = "(a1|rc1)?(\\.post[12])?(\\.dev1)?(\\+cu1)?";
        (release, tail).prop_map(|(release, tail)| format!("{release}{tail}"))
    }

    proptest! {
        #[test]
        fn membership_agrees_with_pep440_rs(operator in "==|!=|<=|>=|<|>|~=", bound in version(), candidate in version()) {
            let bound = if ["==", "!="].contains(&operator.as_str()) { bound } else { bound.replace("+cu1", "") };
            // `pep440_rs` differs here from pip's own library, which leaves 1.0a1.post1 out of `>1.0a1` and follows a
            // longer rule for `<1.0.post1`; both are outside what real files hold.
            prop_assume!(!(operator == "<" || operator == ">") || !bound.contains(['a', 'r', 'p', 'd']));
            let text = format!("{operator}{bound}");
            let Ok(clause) = text.parse::<VersionSpecifier>() else { return Ok(()) };
            let candidate: Version = candidate.parse().unwrap();
            prop_assert_eq!(VersionSet::of_specifier(&clause).contains(&candidate), clause.contains(&candidate), "{} in {}", candidate, text);
        }

        #[test]
        fn subsets_and_meetings_are_what_the_set_operations_say(a in version(), b in version(), c in version(), d in version()) {
            let plain = |text: &str| text.replace("+cu1", "");
            let sets = [format!("=={a}"), format!("!={b}"), format!(">={},<{}", plain(&c), plain(&d)), format!("<={},!={a}", plain(&b))];
            let sets: Vec<VersionSet> = sets.iter().filter_map(|text| text.parse().ok()).collect();
            let unions: Vec<VersionSet> = sets.iter().flat_map(|one| sets.iter().map(|two| one.union(two))).collect();
            for one in &unions {
                for two in &unions {
                    prop_assert_eq!(one.is_subset(two), one.intersection(&two.complement()).is_empty(), "{:?} in {:?}", one, two);
                    prop_assert_eq!(one.intersects(two), !one.intersection(two).is_empty(), "{:?} and {:?}", one, two);
                }
            }
        }

        #[test]
        fn complement_splits_all_versions(a in version(), b in version(), candidate in version()) {
            let candidate: Version = candidate.parse().unwrap();
            for text in [format!(">={}", a.replace("+cu1", "")), format!("=={b}"), format!("!={a},!={b}")] {
                let set: VersionSet = text.parse().unwrap();
                prop_assert_ne!(set.contains(&candidate), set.complement().contains(&candidate), "{} in {}", candidate, text);
            }
        }
    }
}
