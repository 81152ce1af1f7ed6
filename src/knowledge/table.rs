//! One table: its built-in rows, parsed when they are first asked for, and the rows that the user added.
//!
//! A row of the user's with a reason to override stands in place of the built-in rows that it replaces, and before those
//! that it only touches; a row without one stands after them. The built-in path costs nothing more for it.

use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Grounds, Header, OwnRow, Provenance};

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
    index: &'static [IndexEntry],
    header: OnceLock<Header>,
    pub(super) rows: OnceLock<Vec<R>>,
    named: OnceLock<Vec<OnceLock<Box<R>>>>,
    pub(super) overriding: Vec<R>,
    pub(super) added: Vec<R>,
}

/// Where in the lines a name stands, from and to, and where its row does; sorted by name.
type IndexEntry = [u32; 4];

impl<R: Row> Table<R> {
    pub(super) const fn new(name: &'static str, lines: &'static str, index: &'static [IndexEntry]) -> Self {
        Table {
            name,
            lines,
            index,
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

    /// The built-in rows of one name that nothing replaces.
    fn built_in_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &R> {
        let text = |from: u32, to: u32| &self.lines[from as usize..to as usize];
        let start = self.index.partition_point(|entry| text(entry[0], entry[1]) < name);
        let count = self.index[start..].iter().take_while(|entry| text(entry[0], entry[1]) == name).count();
        let parsed = (start..start + count).map(move |at| {
            let named = self.named.get_or_init(|| self.index.iter().map(|_| OnceLock::new()).collect());
            &**named[at].get_or_init(|| Box::new(self.parse(text(self.index[at][2], self.index[at][3]))))
        });
        parsed.filter(|row| !self.overriding.iter().any(|own| own.replaces(row)))
    }

    /// The rows of one package (or of what else the table is about): the overriding ones of the user, the built-in ones in
    /// file order, the user's other ones. No other row is parsed.
    pub fn rows_of(&self, name: &str) -> impl DoubleEndedIterator<Item = &R> {
        let named =
            move |row: &&R| row.own().origin.is_some_and(|origin| origin.names.iter().any(|known| known == name));
        let overriding = self.overriding.iter().filter(named);
        overriding.chain(self.built_in_of(name)).chain(self.added.iter().filter(named))
    }

    /// The rows of one package for a question that the first fitting row answers, the built-in ones from the last of the
    /// file on.
    pub fn newest_first(&self, name: &str) -> impl Iterator<Item = &R> {
        let named =
            move |row: &&R| row.own().origin.is_some_and(|origin| origin.names.iter().any(|known| known == name));
        let overriding = self.overriding.iter().filter(named);
        overriding.chain(self.built_in_of(name).rev()).chain(self.added.iter().filter(named))
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
