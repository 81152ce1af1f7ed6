//! Tables without their row types: to list all of them, and to add the user's rows to them.

use serde_json::{Map, Value};

use super::{
    Grounds, Header, OwnRow, Provenance,
    table::{Counts, Origin, Row, RowFault, Table},
};
use crate::text::Span;

/// A row of the user's before it is parsed.
pub struct Draft<'i> {
    /// The keys and values, without those of the provenance.
    pub(super) table: toml::Spanned<toml::de::DeValue<'i>>,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// Whether it names its grounds itself; else those of the table hold.
    pub(super) grounds: Option<Grounds>,
}

/// A fault of a draft, and where it is.
pub enum DraftFault {
    /// The row as a whole.
    Row(String),
    /// The value of a key.
    Key(RowFault),
    /// Bytes of the file.
    At(Span, String),
}

/// A table without its row type, to list all of them and to add to them.
pub trait AnyTable {
    /// The name of its file.
    fn name(&self) -> &'static str;
    /// What holds for all its rows.
    fn header(&self) -> &Header;
    /// The keys of its rows, without those of the provenance.
    fn keys(&self) -> &'static [&'static str];
    /// Which rows count.
    fn counts(&self) -> Counts;
    /// The rows as plain data, each with its provenance; the user's first, without those that they replace.
    fn plain(&self) -> Vec<(Map<String, Value>, Provenance)>;
    /// Adds a row of the user's.
    ///
    /// # Errors
    ///
    /// What speaks against it.
    fn add(&mut self, draft: Draft<'_>) -> Result<(), DraftFault>;
}

impl<R: Row> AnyTable for Table<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn header(&self) -> &Header {
        self.header()
    }

    fn keys(&self) -> &'static [&'static str] {
        R::KEYS
    }

    fn counts(&self) -> Counts {
        R::COUNTS
    }

    fn plain(&self) -> Vec<(Map<String, Value>, Provenance)> {
        let own = self.overriding.iter().chain(&self.added).filter_map(|row| {
            let values = row.own().origin?.values.clone();
            Some((values, self.provenance(row)))
        });
        let built_in = self.texts().filter_map(|json| {
            let row: R = self.parse(json);
            let replaced = self.overriding.iter().any(|own| own.replaces(&row));
            (!replaced).then(|| (plain_values(self.parse(json)), self.provenance(&row)))
        });
        own.chain(built_in).collect()
    }

    fn add(&mut self, draft: Draft<'_>) -> Result<(), DraftFault> {
        let Draft { table, mut origin, grounds } = draft;
        if R::COUNTS == Counts::ByName {
            let name = self.name;
            return Err(DraftFault::Row(format!(
                "rules ask for rows of `{name}` by name: one of yours would never count"
            )));
        }
        let mut row = R::deserialize(toml::de::ValueDeserializer::from(table)).map_err(|fault| {
            let message = reworded(fault.message(), self.name);
            match fault.span() {
                Some(span) => DraftFault::At(span.into(), message),
                None => DraftFault::Row(message),
            }
        })?;
        if let Some(fault) = row.fault() {
            return Err(DraftFault::Key(fault));
        }
        if let Some(refusal) = self.refusal(&row, &origin) {
            return Err(DraftFault::Row(refusal));
        }
        origin.witness.grounds = grounds.unwrap_or(self.header().grounds);
        let overrides = origin.overrides();
        row.adopt(origin);
        if overrides {
            self.overriding.push(row);
        } else {
            self.added.push(row);
        }
        self.rows.take();
        Ok(())
    }
}

impl<R: Row> Table<R> {
    /// What speaks against adding a parsed row.
    fn refusal(&self, row: &R, origin: &Origin) -> Option<String> {
        let place = |own: &OwnRow| format!("{}:{}", own.path, own.line);
        for known in self.overriding.iter().chain(&self.added) {
            let Some(other) = known.own().origin else { continue };
            let Some(at) = other.row().map(place) else { continue };
            if other.values == origin.values {
                return Some(format!("this row stands at {at} already"));
            }
            if R::COUNTS == Counts::First && (row.touches(known) || known.touches(row)) {
                return Some(format!("the row at {at} speaks about the same, and only one can count"));
            }
        }
        let mut built_in = self.texts().map(|json| self.parse::<R>(json));
        if origin.overrides() {
            let touches = built_in.any(|known| row.touches(&known));
            return (!touches).then(|| {
                let name = self.name;
                format!("overrides nothing: no built-in row of `{name}` is about the same; take `override` out")
            });
        }
        if R::COUNTS == Counts::First && built_in.any(|known| row.touches(&known)) {
            let advice = "`override = \"why\"` puts this one in its place";
            return Some(format!("a built-in row speaks about the same, and only one can count: {advice}"));
        }
        let same = |json| plain_values(self.parse(json)) == origin.values;
        self.texts().any(same).then(|| "the built-in knowledge holds this row already".to_owned())
    }
}

/// Values without the keys of the provenance.
fn plain_values(mut values: Map<String, Value>) -> Map<String, Value> {
    for key in ["source", "locator", "checked", "grounds"] {
        values.remove(key);
    }
    values
}

/// What serde says, in the words of the other messages.
fn reworded(message: &str, table: &str) -> String {
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("expected the key {key}, which every row of `{table}` has");
    }
    if let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("expected {expected}, found {found}");
    }
    if let Some((found, expected)) =
        message.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("expected {expected}, found {found}");
    }
    message.trim_end().replace('\n', "; ")
}
