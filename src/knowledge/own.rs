//! The user's own rows: TOML files with tables of rows as the built-in ones have them, checked as strictly.
//!
//! `[[needs]]`, `[[image]]` and so on hold rows with the keys of the table of that name, and `source`, `locator` and `checked`,
//! for which a `[table]` at the top may give defaults. `grounds` is optional: the table's own holds. `override = "why"`
//! puts a row in place of built-in ones. Either every row of a file is taken or every fault of it is said.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Grounds, Knowledge, OwnRow, Provenance,
    any_table::{AnyTable, Draft, DraftFault},
    table::Origin,
};
use crate::text::{Form, Source, Span, nearest};

/// The keys that rows are looked up by, as in `build/knowledge.rs`; the first one that a row has counts.
const NAMES: [&str; 5] = ["package", "distributions", "name", "id", "build"];

/// The keys of the witness.
const WITNESS: [&str; 4] = ["source", "locator", "checked", "grounds"];

/// Why a file of the user's was refused.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnFault {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was found and what was expected.
    pub message: String,
}

impl Knowledge {
    /// Adds the rows of a user's file. `path` is how the user named it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file, in its order. The knowledge may then hold some of its rows and is of no use.
    pub fn extend(&mut self, path: &str, text: &str) -> Result<usize, Vec<OwnFault>> {
        let source = Source::new(path.to_owned(), Form::Text, text.into());
        let mut reader = Reader { source, faults: Vec::new(), count: 0 };
        let (root, broken) = DeTable::parse_recoverable(text);
        for fault in broken {
            let message = fault.message().lines().collect::<Vec<_>>().join("; ");
            reader.fault(fault.span().unwrap_or_default().into(), format!("broken TOML: {message}"));
        }
        if reader.faults.is_empty() {
            reader.file(self, root.get_ref());
        }
        reader.faults.sort();
        if reader.faults.is_empty() { Ok(reader.count) } else { Err(reader.faults) }
    }
}

type Item<'i> = Spanned<DeValue<'i>>;

/// Who says so, as far as it is written.
#[derive(Debug, Clone, Default)]
struct Witness {
    source: Option<String>,
    locator: Option<String>,
    checked: Option<String>,
    grounds: Option<Grounds>,
}

struct Reader {
    source: Source,
    faults: Vec<OwnFault>,
    count: usize,
}

impl Reader {
    fn fault(&mut self, span: Span, message: impl Into<String>) {
        let position = self.source.position(span.start);
        self.faults.push(OwnFault { line: position.line, column: position.column, message: message.into() });
    }

    fn file(&mut self, knowledge: &mut Knowledge, root: &DeTable<'_>) {
        let mut defaults = Witness::default();
        if let Some(value) = root.get("table") {
            match value.get_ref().as_table() {
                Some(table) => defaults = self.header(table),
                None => self.fault(value.span().into(), "expected a [table] of defaults"),
            }
        }
        let mut rows: Vec<(&str, &Item<'_>)> = Vec::new();
        for (key, value) in root {
            let name = key.get_ref().as_ref();
            if name == "table" {
                continue;
            }
            if !knowledge.tables().iter().any(|table| table.name() == name) {
                let near = nearest(name, knowledge.tables().iter().map(|table| table.name()));
                let hint = near
                    .map_or_else(|| "`envcheck knowledge` lists them".to_owned(), |it| format!("did you mean `{it}`?"));
                self.fault(key.span().into(), format!("no table of the knowledge is called `{name}`; {hint}"));
                continue;
            }
            match value.get_ref().as_array() {
                Some(items) => rows.extend(items.iter().map(|item| (name, item))),
                None => self.fault(
                    key.span().into(),
                    format!("expected rows such as [[{name}]], found {}", value.get_ref().type_str()),
                ),
            }
        }
        // In the order of the file, so that of two equal rows the second one is at fault.
        rows.sort_by_key(|(_, item)| item.span().start);
        let mut tables = knowledge.tables_mut();
        for (name, item) in rows {
            match (tables.iter_mut().find(|table| table.name() == name), item.get_ref().as_table()) {
                (Some(table), Some(row)) => self.row(&mut **table, item, row, &defaults),
                _ => self.fault(item.span().into(), format!("expected a table, found {}", item.get_ref().type_str())),
            }
        }
    }

    fn header(&mut self, table: &DeTable<'_>) -> Witness {
        let known = ["about", "source", "locator", "checked", "grounds"];
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                self.fault(key.span().into(), unknown_key(name, known.into_iter()));
            }
        }
        self.witness(table)
    }

    fn row(&mut self, table: &mut dyn AnyTable, item: &Item<'_>, row: &DeTable<'_>, defaults: &Witness) {
        let before = self.faults.len();
        for (key, _) in row {
            let name = key.get_ref().as_ref();
            let known = || table.keys().iter().copied().chain(WITNESS).chain(["override"]);
            if !known().any(|it| it == name) {
                self.fault(key.span().into(), unknown_key(name, known()));
            }
        }
        let own = self.witness(row);
        let overrides = row.get("override").and_then(|value| self.text(value, "a reason in quotes"));
        let mut settle = |key: &str, own: Option<String>, default: &Option<String>| {
            let value = own.or_else(|| default.clone());
            if value.is_none() && !row.contains_key(key) {
                let example = match key {
                    "source" => "the document or the measurement",
                    "locator" => "the place in it",
                    _ => "the day on which it was last looked at, `YYYY-MM-DD`",
                };
                self.fault(
                    item.span().into(),
                    format!("expected `{key}` ({example}) in the row or in [table], found none"),
                );
            }
            value.unwrap_or_default()
        };
        let source = settle("source", own.source, &defaults.source);
        let locator = settle("locator", own.locator, &defaults.locator);
        let checked = settle("checked", own.checked, &defaults.checked);
        let mut values = DeTable::new();
        for (key, value) in row {
            // An unknown key is a fault of its own already.
            if table.keys().contains(&key.get_ref().as_ref()) {
                values.insert(key.clone(), value.clone());
            }
        }
        let line = self.source.position(item.span().start).line;
        let witness = Provenance {
            source,
            locator,
            checked,
            grounds: Grounds::Note,
            own: Some(OwnRow { path: self.source.path.clone(), line, overrides }),
        };
        let plain: Map<String, Value> =
            values.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect();
        let draft = Draft {
            table: Spanned::new(item.span(), DeValue::Table(values)),
            origin: Origin { witness, names: names(row), values: plain },
            grounds: own.grounds.or(defaults.grounds),
        };
        let Err(fault) = table.add(draft) else {
            self.count += 1;
            return;
        };
        match fault {
            // With another fault in the row it may only be the consequence.
            DraftFault::Row(_) if self.faults.len() > before => {}
            // A misspelled key is missing as well.
            DraftFault::At(_, message) if self.faults.len() > before && message.starts_with("expected the key") => {}
            DraftFault::Row(message) => self.fault(item.span().into(), message),
            DraftFault::Key(fault) => {
                let span = row.get(fault.key).map_or_else(|| item.span(), Spanned::span);
                self.fault(span.into(), fault.message);
            }
            DraftFault::At(span, message) => self.fault(span, message),
        }
    }

    fn witness(&mut self, table: &DeTable<'_>) -> Witness {
        let source = table.get("source").and_then(|value| self.text(value, "a source in quotes"));
        let locator = table.get("locator").and_then(|value| self.text(value, "a place in quotes"));
        let mut witness = Witness { source, locator, ..Witness::default() };
        if let Some(value) = table.get("checked") {
            let day = value.get_ref().as_str();
            if let Some(day) = day.filter(|day| is_day(day)) {
                witness.checked = Some(day.to_owned());
            } else {
                let found = self.written(value);
                self.fault(value.span().into(), format!("expected a day such as \"2026-11-22\", found {found}"));
            }
        }
        if let Some(value) = table.get("grounds") {
            witness.grounds = match value.get_ref().as_str() {
                Some("error") => Some(Grounds::Error),
                Some("warning") => Some(Grounds::Warning),
                Some("note") => Some(Grounds::Note),
                _ => {
                    let found = self.written(value);
                    self.fault(
                        value.span().into(),
                        format!("expected \"error\", \"warning\" or \"note\", found {found}"),
                    );
                    None
                }
            };
        }
        witness
    }

    /// A text that is not blank.
    fn text(&mut self, value: &Item<'_>, expected: &str) -> Option<String> {
        let text = value.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            let found = self.written(value);
            self.fault(value.span().into(), format!("expected {expected}, found {found}"));
        }
        text.map(str::to_owned)
    }

    /// A value as it is written.
    fn written(&self, value: &Item<'_>) -> String {
        let text = self.source.text().get(value.span()).unwrap_or_default();
        if text.len() > 60 || text.contains('\n') { value.get_ref().type_str().to_owned() } else { text.to_owned() }
    }
}

fn unknown_key<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("unknown key `{name}`; did you mean `{near}`?"),
        None => format!("unknown key `{name}`; expected one of {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// Whether a text is a day of the calendar, as `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let [year, month, day] = parts[..] else { return false };
    if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return false;
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let (year, month, day) = (number(year), number(month), number(day));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// The names that a row is looked up by.
fn names(row: &DeTable<'_>) -> Vec<String> {
    match NAMES.iter().find_map(|key| row.get(*key)).map(Spanned::get_ref) {
        Some(DeValue::Array(names)) => names.iter().filter_map(|it| it.get_ref().as_str()).map(str::to_owned).collect(),
        Some(name) => name.as_str().map(str::to_owned).into_iter().collect(),
        None => Vec::new(),
    }
}

/// A value as plain data.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(it) => Value::Bool(*it),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or_else(|_| Value::String(number.to_string()), Value::from),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect()
        }
        DeValue::Float(number) => Value::String(number.to_string()),
        DeValue::Datetime(time) => Value::String(time.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_of_the_calendar() {
        for day in ["2026-11-22", "2024-02-29", "2000-02-29"] {
            assert!(is_day(day), "{day}");
        }
        for other in ["2026-13-01", "2026-02-30", "2023-02-29", "2026-1-1", "22-11-2026", "today", "", "2026-11-22 "] {
            assert!(!is_day(other), "{other}");
        }
    }
}
