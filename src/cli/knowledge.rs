//! `envcheck knowledge`: the rows that rules rest on, with their sources and what they may cause.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Failure, Gate, settings::SettingsOptions, terminal};
use crate::{
    fact::PackageName,
    knowledge::{
        KNOWLEDGE_DATE, Knowledge, Provenance, Release,
        image::{Reference, Shipped},
        in_run,
        packages::Releases,
    },
    report::{json_text, wrapped},
    version::Version,
};

/// The width of the output.
const WIDTH: usize = 100;

/// Words that stand for tables.
const ALIASES: [(&str, &[&str]); 4] = [
    ("cuda", &["cuda_minor", "cuda_driver"]),
    ("driver", &["driver_branch", "cuda_minor", "cuda_driver"]),
    ("cudnn", &["gpu_libraries"]),
    ("opset", &["onnx_release", "onnxruntime_release"]),
];

/// Show the rows of knowledge about a component.
#[derive(Debug, Args)]
pub(super) struct KnowledgeCommand {
    /// A package (`torch`), a release (`torch==2.1.0`), an image (`nvidia/cuda:12.2.2-base-ubuntu22.04`), a GPU, an
    /// operator, a domain or a table; without it, the tables are listed
    component: Option<String>,
    /// The output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    settings: SettingsOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// What is known about a component.
struct Known<'k> {
    /// What the tag implies, if the component is an image.
    implied: Vec<Shipped>,
    /// The tables that speak about it.
    tables: Vec<KnownTable<'k>>,
}

/// The rows of one table that speak about a component; there is at least one.
struct KnownTable<'k> {
    name: &'static str,
    about: &'k str,
    rows: Vec<(Map<String, Value>, Provenance)>,
}

impl KnowledgeCommand {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let knowledge = self.settings.load()?.knowledge;
        let out = match &self.component {
            None => match self.format {
                Format::Human => tables(&knowledge),
                Format::Json => tables_json(&knowledge),
            },
            Some(component) => {
                let known = about(&knowledge, component);
                if known.implied.is_empty() && known.tables.is_empty() {
                    let message =
                        format!("nothing is known about `{component}`; `envcheck knowledge` lists the tables");
                    return Err(Failure::new(message));
                }
                match self.format {
                    Format::Human => known.human(component),
                    Format::Json => known.json(),
                }
            }
        };
        terminal::print(&out)?;
        Ok(Gate::Open)
    }
}

fn tables(knowledge: &Knowledge) -> String {
    let mut out = format!("knowledge of {KNOWLEDGE_DATE}\n");
    for table in knowledge.tables() {
        let rows = table.plain();
        let own = rows.iter().filter(|(_, provenance)| provenance.own.is_some()).count();
        let own = if own > 0 { format!(" ({own} of them yours)") } else { String::new() };
        let _ = writeln!(out, "{:<22} {:>4} rows  {}{own}", table.name(), rows.len(), table.header().about);
    }
    out
}

/// The tables as JSON, version 1. Its schema is `report/knowledge.schema.json`.
fn tables_json(knowledge: &Knowledge) -> String {
    let tables: Vec<Value> = knowledge
        .tables()
        .iter()
        .map(|table| json!({ "name": table.name(), "about": table.header().about, "count": table.plain().len() }))
        .collect();
    json_text(&json!({ "version": 1, "knowledge": KNOWLEDGE_DATE, "tables": tables }))
}

fn about<'k>(knowledge: &'k Knowledge, component: &str) -> Known<'k> {
    let (name, release) = match component.split_once("==") {
        Some((name, release)) => (name.trim(), release.trim().parse::<Version>().ok()),
        None => (component, None),
    };
    let wanted = normal(name);
    let alias = ALIASES.iter().find(|(word, _)| *word == wanted).map_or(&[][..], |(_, tables)| *tables);
    // The release tables of these two do not say the package's name.
    let own_table = |table: &str| table.strip_suffix("_release").is_some_and(|package| package == wanted);
    let mut tables = Vec::new();
    for table in knowledge.tables() {
        let whole = normal(table.name()) == wanted || alias.contains(&table.name()) || own_table(table.name());
        let asked_for = |(values, _): &(Map<String, Value>, Provenance)| {
            let named = whole || values.values().any(|value| mentions(value, &wanted));
            named && release.as_ref().is_none_or(|release| holds_for(values, &wanted, release))
        };
        let rows: Vec<_> = table.plain().into_iter().filter(asked_for).collect();
        if !rows.is_empty() {
            tables.push(KnownTable { name: table.name(), about: &table.header().about, rows });
        }
    }
    Known { implied: knowledge.shipped(&Reference::parse(component)), tables }
}

impl Known<'_> {
    /// For people: each row with its witness.
    fn human(&self, component: &str) -> String {
        let mut out = String::new();
        if !self.implied.is_empty() {
            wrapped(&mut out, "", "  ", &format!("what the tag of {component} implies:"), WIDTH);
        }
        for item in &self.implied {
            wrapped(&mut out, "  ", "    ", &format!("{} {}", item.word, item.text), WIDTH);
            witness(&mut out, &item.provenance);
        }
        for table in &self.tables {
            wrapped(&mut out, "", "  ", &format!("{}: {}", table.name, table.about), WIDTH);
            for (values, provenance) in &table.rows {
                let shown: Vec<String> =
                    values.iter().map(|(key, value)| format!("{key} = {}", plain(value))).collect();
                wrapped(&mut out, "  ", "    ", &shown.join(", "), WIDTH);
                witness(&mut out, provenance);
            }
        }
        out
    }

    /// The same as JSON, version 1. Its schema is `report/knowledge.schema.json`.
    fn json(self) -> String {
        let implied = self.implied.into_iter().map(|item| {
            let mut map = Map::new();
            map.insert("component".into(), item.word.into());
            map.insert("value".into(), item.text.into());
            map.extend(witness_json(&item.provenance));
            Value::Object(map)
        });
        let implied: Vec<Value> = implied.collect();
        let tables = self.tables.into_iter().map(|table| {
            let rows = table.rows.into_iter().map(|(values, provenance)| {
                let mut map = Map::new();
                map.insert("values".into(), values.into());
                map.extend(witness_json(&provenance));
                Value::Object(map)
            });
            json!({ "name": table.name, "about": table.about, "rows": rows.collect::<Vec<_>>() })
        });
        let tables: Vec<Value> = tables.collect();
        json_text(&json!({ "version": 1, "knowledge": KNOWLEDGE_DATE, "implied": implied, "tables": tables }))
    }
}

/// The same keys as in the evidence of a report, but with the grounds.
fn witness_json(provenance: &Provenance) -> Map<String, Value> {
    let Provenance { source, locator, checked, grounds, own } = provenance;
    let mut map = Map::new();
    map.insert("source".into(), source.clone().into());
    map.insert("locator".into(), locator.clone().into());
    map.insert("checked".into(), checked.clone().into());
    map.insert("grounds".into(), grounds.word().into());
    map.insert("own_row".into(), json!(own));
    map
}

/// Who says so, and the strongest severity that the row may cause.
fn witness(out: &mut String, provenance: &Provenance) {
    let Provenance { source, locator, checked, grounds, own } = provenance;
    let grounds = grounds.word();
    let own = own.as_ref().map_or_else(String::new, |own| {
        let why = own.overrides.as_ref().map_or_else(String::new, |why| format!(", instead of a built-in row: {why}"));
        format!("; yours, {}:{}{why}", own.path, own.line)
    });
    let text = format!("[{source}; {locator}; checked {checked}; grounds for {grounds}{own}]");
    wrapped(out, "    ", "     ", &text, WIDTH);
}

/// Whether a row speaks about a release of a package: what it says about others is not asked for.
fn holds_for(values: &Map<String, Value>, package: &str, release: &Version) -> bool {
    let text = |key: &str| values.get(key).and_then(Value::as_str);
    let public = release.clone().without_local();
    if text("package").is_some_and(|named| named != package) {
        return false;
    }
    if let Some(releases) = text("release").or(text("releases")) {
        let parsed = serde_json::from_value::<Releases>(Value::from(releases));
        return parsed.is_ok_and(|releases| releases.contains(&public));
    }
    let parsed = |key| text(key).and_then(|text| text.parse::<Version>().ok());
    if let Some(version) = parsed("version") {
        return version == public;
    }
    match (parsed("first").map(Release), parsed("last").map(Release)) {
        // In `numpy_abi` the run lies between the two: both ends are worth showing.
        (Some(first), Some(last)) if first <= last => in_run(&public, &first.0, &last.0),
        _ => true,
    }
}

fn normal(text: &str) -> String {
    let lower = text.to_lowercase().replace('_', "-");
    PackageName::new(&lower).map_or(lower, |name| name.to_string())
}

/// Whether a value is the component, or a list that holds it.
fn mentions(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => normal(text) == wanted,
        Value::Array(items) => items.iter().any(|item| mentions(item, wanted)),
        _ => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}
