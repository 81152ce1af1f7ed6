//! One table: its built-in rows, parsed when they are first asked for, and the rows that the user added.
//!
//! A row of the user's with a reason to override stands in place of the built-in rows that it replaces, and before those
//! that it only touches; a row without one stands after them. The built-in path costs nothing more for it.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    Grounds, Header, OwnRow, Provenance,
    hash::{name_hash, word_of},
};
use crate::version::Version;

/// Which rows of a table count for one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// The first that fits.
    First,
    /// All that fit.
    All,
    /// Rules ask for rows by name: a row of the user's would never be asked for.
    ByName,
}

/// What is wrong with a row: the key that it is about, and the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The key.
    pub key: &'static str,
    /// What was found and what was expected.
    pub message: String,
}

impl RowFault {
    /// A fault of a key.
    pub(super) fn new(key: &'static str, message: impl Into<String>) -> Self {
        RowFault { key, message: message.into() }
    }
}

/// A row type: what the macro `rows!` makes.
pub trait Row: DeserializeOwned + Clone + 'static {
    /// The keys, without those of the provenance.
    const KEYS: &'static [&'static str];

    /// Which rows count.
    const COUNTS: Counts = Counts::First;

    /// Whether a row of the user's speaks about something that a built-in row speaks about.
    fn touches(&self, built_in: &Self) -> bool {
        self.replaces(built_in)
    }

    /// Whether nothing is left of a built-in row once this one overrides it.
    fn replaces(&self, _built_in: &Self) -> bool {
        false
    }

    /// What is wrong with a row beyond the form of its values.
    fn fault(&self) -> Option<RowFault> {
        None
    }

    /// Restores the order that questions rely on, where they do.
    fn arrange(_rows: &mut [Self]) {}

    /// Makes the row the user's own.
    fn adopt(&mut self, origin: Origin);

    /// The row's own provenance, where it differs from the table's.
    fn own(&self) -> OwnProvenance<'_>;
}

/// The provenance keys that a row may carry itself.
#[derive(Debug, Clone, Copy)]
pub struct OwnProvenance<'a> {
    pub(super) source: Option<&'a str>,
    pub(super) locator: Option<&'a str>,
    pub(super) checked: Option<&'a str>,
    pub(super) grounds: Option<Grounds>,
    pub(super) origin: Option<&'a Origin>,
}

/// Where a row of the user's comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Who says so, and where the row stands.
    pub(super) witness: Provenance,
    /// The names that it is looked up by.
    pub(super) names: Vec<String>,
    /// Its values as plain data.
    pub(super) values: Map<String, Value>,
}

impl Origin {
    pub(super) fn row(&self) -> Option<&OwnRow> {
        self.witness.own.as_ref()
    }

    pub(super) fn overrides(&self) -> bool {
        self.row().is_some_and(|row| row.overrides.is_some())
    }
}

/// A table whose rows are parsed when they are first asked for.
pub struct Table<R: Row> {
    /// The name of its file.
    pub name: &'static str,
    lines: &'static str,
    pub(super) index: &'static [IndexEntry],
    /// One bit for some hashes of a name each, set where the index has such a name: most names are in no table.
    filter: &'static [u64],
    header: OnceLock<Header>,
    pub(super) rows: OnceLock<Vec<R>>,
    named: OnceLock<Vec<OnceLock<Box<R>>>>,
    pub(super) overriding: Vec<R>,
    pub(super) added: Vec<R>,
}

/// The hash of a name; where in the lines the name stands, from and to, and where its row does; then the keys of the first
/// and the last release that the row may be about. Sorted by hash, then as in the file.
pub(super) type IndexEntry = (u64, [u32; 4], u64, u64);

/// The key of a release number, the same for all its spellings: four small numbers in one. `None` for what is more.
///
/// `build/knowledge.rs` gives the rows theirs.
fn release_key(parts: &[u64]) -> Option<u64> {
    let used = parts.len() - parts.iter().rev().take_while(|part| **part == 0).count();
    if used > 4 || parts.iter().any(|part| *part >= 0xffff) {
        return None;
    }
    Some((0..4).fold(0, |key, at| key << 16 | parts[..used].get(at).copied().unwrap_or(0)))
}

/// A key with the least in place of the parts that its row leaves open, which are greatest in it.
fn written(key: u64) -> u64 {
    (0..4).map(|at| 0xffff << (16 * at)).fold(key, |key, part| if key & part == part { key & !part } else { key })
}

/// The key of a version that is a release and nothing else.
pub(super) fn key_of(version: &Version) -> Option<u64> {
    let plain = !version.any_prerelease() && !version.is_post() && !version.is_local() && version.epoch() == 0;
    if plain { release_key(version.release()) } else { None }
}

impl<R: Row> Table<R> {
    pub(super) const fn new(
        name: &'static str,
        lines: &'static str,
        index: &'static [IndexEntry],
        filter: &'static [u64],
    ) -> Self {
        Table {
            name,
            lines,
            index,
            filter,
            header: OnceLock::new(),
            rows: OnceLock::new(),
            named: OnceLock::new(),
            overriding: Vec::new(),
            added: Vec::new(),
        }
    }

    /// The tables are part of the program, and a test parses every row.
    pub(super) fn parse<T: DeserializeOwned>(&self, json: &str) -> T {
        serde_json::from_str(json).unwrap_or_else(|fault| panic!("knowledge table {}: {fault}: {json}", self.name))
    }

    /// The JSON of every built-in row.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'static str> {
        self.lines.split('\n').skip(1)
    }

    /// All rows, in file order; the user's as the module says.
    pub fn rows(&self) -> &[R] {
        self.rows.get_or_init(|| {
            let built_in = self.texts().map(|json| self.parse::<R>(json));
            if self.overriding.is_empty() && self.added.is_empty() {
                return built_in.collect();
            }
            let mut placed = vec![false; self.overriding.len()];
            let mut rows = Vec::new();
            for row in built_in {
                match self.overriding.iter().position(|own| own.replaces(&row)) {
                    None => rows.push(row),
                    Some(at) if placed[at] => {}
                    Some(at) => {
                        placed[at] = true;
                        rows.push(self.overriding[at].clone());
                    }
                }
            }
            let first = self.overriding.iter().zip(placed).filter(|(_, placed)| !placed).map(|(row, _)| row.clone());
            rows.splice(0..0, first.collect::<Vec<_>>());
            rows.extend(self.added.iter().cloned());
            R::arrange(&mut rows);
            rows
        })
    }

    /// Whether any row may be found by this name; most packages of an environment are in few tables.
    pub fn may_know(&self, name: &str) -> bool {
        let hash = name_hash(name);
        !self.overriding.is_empty() || !self.added.is_empty() || self.may_hold(hash)
    }

    fn may_hold(&self, hash: u64) -> bool {
        self.filter[word_of(hash, self.filter.len())] >> (hash % 64) & 1 != 0
    }

    /// Where in the index the built-in rows of one name stand.
    fn indexed(&self, name: &str) -> std::ops::Range<usize> {
        let hash = name_hash(name);
        if !self.may_hold(hash) {
            return 0..0;
        }
        let start = self.index.partition_point(|entry| entry.0 < hash);
        let Some((_, [from, to, ..], ..)) = self.index.get(start).filter(|entry| entry.0 == hash) else { return 0..0 };
        // Two names of one table never share a hash, but a name that is in no table may.
        if &self.lines[*from as usize..*to as usize] != name {
            return 0..0;
        }
        start..start + self.index[start..].partition_point(|entry| entry.0 == hash)
    }

    pub(super) fn row(&self, at: usize) -> &R {
        let named = self.named.get_or_init(|| self.index.iter().map(|_| OnceLock::new()).collect());
        named[at].get_or_init(|| {
            let (_, [_, _, from, to], ..) = self.index[at];
            Box::new(self.parse(&self.lines[from as usize..to as usize]))
        })
    }

    /// Whether nothing of the user's stands in place of a built-in row.
    fn stays(&self, row: &R) -> bool {
        !self.overriding.iter().any(|own| own.replaces(row))
    }

    /// The built-in rows of one name that nothing replaces.
    fn built_in_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &R> {
        self.indexed(name).map(|at| self.row(at)).filter(|row| self.stays(row))
    }

    /// The rows of the user's with this name.
    fn own_of<'a, 'n>(rows: &'a [R], name: &'n str) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, 'n, R> {
        let named =
            move |row: &&R| row.own().origin.is_some_and(|origin| origin.names.iter().any(|known| known == name));
        rows.iter().filter(named)
    }

    /// The rows of the user's that stand in place of built-in rows of one package.
    pub fn rows_overriding<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a R> + use<'a, 'n, R> {
        Self::own_of(&self.overriding, name)
    }

    /// The rows of one package (or of what else the table is about): the overriding ones of the user, the built-in ones in
    /// file order, the user's other ones. No other row is parsed.
    pub fn rows_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &R> {
        Self::own_of(&self.overriding, name).chain(self.built_in_of(name)).chain(Self::own_of(&self.added, name))
    }

    /// The texts that one key has in the rows of one package, none of which is parsed; `None` where the user has rows of
    /// this table.
    pub fn texts_of(&self, name: &str, key: &str) -> Option<Vec<&'static str>> {
        if !self.overriding.is_empty() || !self.added.is_empty() {
            return None;
        }
        // Inside of a text of JSON every quotation mark has a backslash before it.
        let (before, lines) = (format!("\"{key}\":\""), self.lines);
        let texts = self.indexed(name).filter_map(move |at| {
            let (_, [_, _, from, to], ..) = self.index[at];
            let (_, rest) = lines[from as usize..to as usize].split_once(&before)?;
            rest.split_once('"').map(|(text, _)| text)
        });
        Some(texts.collect())
    }

    /// Those rows of one package that may be about a release: without built-in rows that surely name another one.
    pub fn rows_about<'a, 'n>(
        &'a self,
        name: &'n str,
        release: &Version,
    ) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, 'n, R> {
        let key = key_of(release);
        self.rows_between(name, key, key)
    }

    /// Those rows of one package that may be about the number of a release, whatever its suffixes.
    pub fn rows_over<'a, 'n>(
        &'a self,
        name: &'n str,
        release: &Version,
    ) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, 'n, R> {
        let key = release_key(release.release());
        self.rows_between(name, key, key)
    }

    /// Those rows of one package that may be about releases with the first two parts of a release.
    pub fn rows_of_minor<'a, 'n>(
        &'a self,
        name: &'n str,
        release: &Version,
    ) -> impl Iterator<Item = &'a R> + use<'a, 'n, R> {
        let key = release_key(release.release());
        self.rows_between(name, key.map(|key| key & !0xffff_ffff), key.map(|key| key | 0xffff_ffff))
    }

    /// Those rows of one package that may be about a change between two releases.
    pub fn rows_across<'a, 'n>(
        &'a self,
        name: &'n str,
        releases: [&Version; 2],
    ) -> impl Iterator<Item = &'a R> + use<'a, 'n, R> {
        let keys = releases.map(|release| release_key(release.release()));
        let [low, high] = match keys {
            [Some(a), Some(b)] => [Some(a.min(b)), Some(a.max(b))],
            _ => [None, None],
        };
        self.rows_between(name, low, high)
    }

    /// In a table whose rows have no names, the rows that may be about the number of a release.
    pub fn rows_at(&self, release: &Version) -> impl DoubleEndedIterator<Item = &R> {
        let key = release_key(release.release());
        self.overriding.iter().chain(self.built_in_between("", key, key)).chain(&self.added)
    }

    fn rows_between<'a, 'n>(
        &'a self,
        name: &'n str,
        low: Option<u64>,
        high: Option<u64>,
    ) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, 'n, R> {
        let built_in = self.built_in_between(name, low, high);
        Self::own_of(&self.overriding, name).chain(built_in).chain(Self::own_of(&self.added, name))
    }

    fn built_in_between<'a>(
        &'a self,
        name: &str,
        low: Option<u64>,
        high: Option<u64>,
    ) -> impl DoubleEndedIterator<Item = &'a R> + use<'a, R> {
        let may = move |at: &usize| {
            let (.., first, last) = self.index[*at];
            low.is_none_or(|low| low <= last) && high.is_none_or(|high| first <= high)
        };
        self.indexed(name).filter(may).map(|at| self.row(at)).filter(|row| self.stays(row))
    }

    /// Those built-in rows that may hold a text, whatever its case; all of them where the user has rows of this table.
    pub fn rows_holding(&self, text: &str) -> Vec<&R> {
        if !self.overriding.is_empty() || !self.added.is_empty() || self.rows.get().is_some() {
            return self.rows().iter().collect();
        }
        let wanted = text.as_bytes();
        let [lower, upper] =
            wanted.first().map_or([0; 2], |first| [first.to_ascii_lowercase(), first.to_ascii_uppercase()]);
        let holds = |line: &str| {
            let (line, length) = (line.as_bytes(), wanted.len());
            let begins = |at: &usize| line[*at] == lower || line[*at] == upper;
            let alike = |at: usize| line[at..at + length].eq_ignore_ascii_case(wanted);
            length == 0 || (0..(line.len() + 1).saturating_sub(length)).filter(begins).any(alike)
        };
        let place = |at: usize| {
            let (_, [_, _, from, to], ..) = self.index[at];
            &self.lines[from as usize..to as usize]
        };
        self.indexed("").filter(|at| holds(place(*at))).map(|at| self.row(at)).collect()
    }

    /// In a table whose rows have no names, at least those that hold a text as a whole value of some key or list.
    pub fn rows_with(&self, value: &str) -> Vec<&R> {
        if !self.overriding.is_empty() || !self.added.is_empty() || self.rows.get().is_some() {
            return self.rows().iter().collect();
        }
        // As it stands in the lines, which are JSON.
        let Ok(quoted) = serde_json::to_string(value) else { return self.rows().iter().collect() };
        let holds = |at: &usize| {
            let (_, [_, _, from, to], ..) = self.index[*at];
            self.lines[from as usize..to as usize].contains(&quoted)
        };
        self.indexed("").filter(holds).map(|at| self.row(at)).collect()
    }

    /// The row of one package that reaches farthest, or nothing where the index alone does not tell.
    pub fn farthest(&self, name: &str) -> Option<&R> {
        if !self.overriding.is_empty() || !self.added.is_empty() {
            return None;
        }
        let at = self.indexed(name).max_by_key(|at| written(self.index[*at].3))?;
        (self.index[at].3 != u64::MAX).then(|| self.row(at))
    }

    /// Whether a built-in row of one package surely reaches as far as a release, as the index alone tells.
    pub fn reaches(&self, name: &str, release: &Version) -> bool {
        let Some(key) = release_key(release.release()) else { return false };
        self.overriding.is_empty()
            && self.added.is_empty()
            && self.indexed(name).map(|at| self.index[at].3).any(|last| last != u64::MAX && written(last) >= key)
    }

    /// Whether a row stands in place of built-in ones.
    pub fn overrides(&self, row: &R) -> bool {
        row.own().origin.is_some_and(Origin::overrides)
    }

    /// What holds for the whole table.
    pub fn header(&self) -> &Header {
        self.header.get_or_init(|| self.parse(self.lines.split('\n').next().unwrap_or_default()))
    }

    /// Who says what the built-in table as a whole says.
    pub fn witness(&self) -> Provenance {
        let header = self.header();
        Provenance {
            source: header.source.clone(),
            locator: header.locator.clone(),
            checked: header.checked.clone(),
            grounds: header.grounds,
            own: None,
        }
    }

    /// The strongest severity that a row may cause on its own.
    pub fn grounds(&self, row: &R) -> Grounds {
        row.own().grounds.unwrap_or_else(|| self.header().grounds)
    }

    /// Who says what a row says.
    pub fn provenance(&self, row: &R) -> Provenance {
        let (header, own) = (self.header(), row.own());
        Provenance {
            source: own.source.unwrap_or(&header.source).to_owned(),
            locator: own.locator.unwrap_or(&header.locator).to_owned(),
            checked: own.checked.unwrap_or(&header.checked).to_owned(),
            grounds: own.grounds.unwrap_or(header.grounds),
            own: own.origin.and_then(|origin| origin.row().cloned()),
        }
    }
}
