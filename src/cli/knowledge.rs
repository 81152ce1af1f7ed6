//! `envcheck knowledge`: the rows that rules rest on, with their sources and what they may cause.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::{Failure, Gate, settings::SettingsOptions, terminal};
use crate::{
    environment::OnnxRelease,
    fact::PackageName,
    knowledge::{
        KNOWLEDGE_DATE, Knowledge, Provenance, Release,
        image::{Reference, Shipped},
        in_run,
        packages::Releases,
    },
    report::{json_text, release_json, release_text, wrapped},
    version::{Version, public},
};

/// The width of the output.
const WIDTH: usize = 100;

/// Words that stand for tables.
const ALIASES: [(&str, &[&str]); 5] = [
    ("cuda", &["cuda_minor", "cuda_driver"]),
    ("driver", &["driver_branch", "cuda_minor", "cuda_driver"]),
    ("cudnn", &["gpu_libraries"]),
    ("opset", &["onnx_release", "onnxruntime_release"]),
    ("tensorrt", &["tensorrt_parser"]),
];

/// Keys under which these tables hold the numbers of what the word stands for.
const NUMBERS: [(&str, &[&str]); 5] = [
    ("cuda", &["cuda"]),
    ("driver", &["branch", "linux", "windows"]),
    ("cudnn", &["cudnn"]),
    ("opset", &["opset"]),
    ("tensorrt", &["release"]),
];

/// What the user asks about: a name, or one release of it.
struct Asked<'a> {
    /// As it was written.
    text: &'a str,
    /// In the spelling of the tables.
    name: String,
    release: Option<Version>,
}

/// What a row has to do with a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// It is about this release, or about a few that it is one of.
    ThisOne,
    /// It does not tell releases apart.
    Any,
    /// It is about other releases.
    Others,
}

/// Show the rows of knowledge about a component.
#[derive(Debug, Args)]
pub(super) struct KnowledgeCommand {
    /// A package (`torch`), a release (`onnxruntime==1.16.3`: what it accepts and goes with), an image (`nvidia/cuda:12.2.2-base-ubuntu22.04`), a GPU, an
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
    /// What a release of ONNX Runtime accepts and goes with.
    release: Option<OnnxRelease>,
    /// The tables that speak about it.
    tables: Vec<KnownTable<'k>>,
    /// Whether a row is about the release in particular, if one is asked for.
    particular: bool,
    /// Whether it is a build of ONNX Runtime.
    is_runtime: bool,
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
                let asked = Asked::parse(component)?;
                let known = about(&knowledge, &asked);
                if let Some(why) = known.nothing(&knowledge, &asked) {
                    return Err(Failure::new(why));
                }
                match self.format {
                    Format::Human => known.human(&asked),
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

impl<'a> Asked<'a> {
    fn parse(text: &'a str) -> Result<Self, Failure> {
        let Some((name, release)) = text.split_once("==") else {
            if text.contains(['=', '<', '>', '~', '!']) {
                return Err(Failure::new(format!(
                    "expected a name, or one release as in `torch==2.1.0`, found `{text}`"
                )));
            }
            return Ok(Asked { text, name: normal(text), release: None });
        };
        let release = release.trim();
        let version = release.parse::<Version>().map_err(|_| {
            Failure::new(format!(
                "expected one release after `==`, as in `torch==2.1.0`, found `{release}` in `{text}`"
            ))
        })?;
        if name.trim().is_empty() {
            return Err(Failure::new(format!("expected a name before `==`, as in `torch==2.1.0`, found `{text}`")));
        }
        Ok(Asked { text, name: normal(name.trim()), release: Some(version) })
    }
}

fn about<'k>(knowledge: &'k Knowledge, asked: &Asked<'_>) -> Known<'k> {
    let Asked { text, name: wanted, release } = asked;
    let alias = ALIASES.iter().find(|(word, _)| word == wanted).map_or(&[][..], |(_, tables)| *tables);
    let is_runtime = knowledge.is_onnxruntime(wanted);
    // The release tables of these do not say the package's name.
    let own_table = |table: &str| match table.strip_suffix("_release") {
        // A build for other hardware accepts what the release accepts.
        Some("onnxruntime") if release.is_some() => is_runtime,
        Some(package) => package == wanted,
        None => false,
    };
    let mut tables = Vec::new();
    let mut particular = false;
    for table in knowledge.tables() {
        let whole = normal(table.name()) == *wanted || alias.contains(&table.name()) || own_table(table.name());
        let mut asked_for = |(values, _): &(Map<String, Value>, Provenance)| {
            let named = whole || values.values().any(|value| mentions(value, wanted));
            let speaks = release.as_ref().map_or(Speaks::Any, |release| speaks_of(values, wanted, release, whole));
            particular |= named && speaks == Speaks::ThisOne;
            named && speaks != Speaks::Others
        };
        let rows: Vec<_> = table.plain().into_iter().filter(|row| asked_for(row)).collect();
        if !rows.is_empty() {
            tables.push(KnownTable { name: table.name(), about: &table.header().about, rows });
        }
    }
    let of_runtime = release.as_ref().and_then(|release| OnnxRelease::of(knowledge, wanted, &public(release)));
    Known { implied: knowledge.shipped(&Reference::parse(text)), release: of_runtime, tables, particular, is_runtime }
}

/// The newest release of a component that any row names.
fn newest(knowledge: &Knowledge, wanted: &str) -> Option<Version> {
    let mut found: Vec<Version> = Vec::new();
    for table in knowledge.tables() {
        let own = table.name().strip_suffix("_release") == Some(wanted);
        for (values, _) in table.plain() {
            let package = values.get("package").and_then(Value::as_str);
            if own || package == Some(wanted) {
                let texts = ["version", "release", "last"].into_iter().filter_map(|key| values.get(key)?.as_str());
                found.extend(texts.filter_map(|text| text.parse().ok()));
            }
        }
    }
    found.into_iter().max()
}

impl Known<'_> {
    /// Why there is nothing to show.
    fn nothing(&self, knowledge: &Knowledge, asked: &Asked<'_>) -> Option<String> {
        let Asked { text, name, release } = asked;
        if self.tables.is_empty() && self.implied.is_empty() && release.is_none() {
            return Some(format!("nothing is known about `{text}`; `envcheck knowledge` lists the tables"));
        }
        let release = release.as_ref().filter(|_| !self.particular)?;
        let newest = newest(knowledge, name);
        Some(match newest {
            Some(newest) => format!(
                "nothing is known about release {release} of {name}; the newest known one is {newest}, and `envcheck \
                 knowledge {name}` shows all rows"
            ),
            None if self.tables.is_empty() => {
                format!("nothing is known about `{text}`; `envcheck knowledge` lists the tables")
            }
            None => format!(
                "nothing is known about single releases of {name}; `envcheck knowledge {name}` shows what is known"
            ),
        })
    }

    /// For people: each row with its witness.
    fn human(&self, asked: &Asked<'_>) -> String {
        let component = asked.text;
        let mut out = self.release.as_ref().map(release_text).unwrap_or_default();
        if let (None, true, Some(release)) = (&self.release, self.is_runtime, &asked.release) {
            let _ = writeln!(out, "which models {} {release} accepts is not known", asked.name);
        }
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
        let release = self.release.as_ref().map(release_json);
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
        json_text(
            &json!({ "version": 1, "knowledge": KNOWLEDGE_DATE, "implied": implied, "release": release, "tables": tables }),
        )
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

/// What a row has to do with a release of a component; `whole` if its table is about the component.
fn speaks_of(values: &Map<String, Value>, component: &str, release: &Version, whole: bool) -> Speaks {
    let text = |key: &str| values.get(key).and_then(Value::as_str);
    let public = public(release);
    let of_it = |yes: bool| if yes { Speaks::ThisOne } else { Speaks::Others };
    if text("package").is_some_and(|named| named != component) {
        return Speaks::Others;
    }
    let keys = NUMBERS.iter().find(|(word, _)| whole && *word == component).map_or(&[][..], |(_, keys)| *keys);
    let mut numbers = keys.iter().filter_map(|key| values.get(*key)).map(plain).peekable();
    if numbers.peek().is_some() {
        return of_it(numbers.any(|it| it.parse::<Version>().is_ok_and(|number| begin_alike(&number, &public))));
    }
    if let Some(releases) = text("release").or(text("releases")) {
        let parsed = serde_json::from_value::<Releases>(Value::from(releases));
        return of_it(parsed.is_ok_and(|releases| releases.contains(&public)));
    }
    let parsed = |key| text(key).and_then(|text| text.parse::<Version>().ok());
    if let Some(version) = parsed("version") {
        return of_it(version == public);
    }
    match (parsed("first").map(Release), parsed("last").map(Release)) {
        // In `numpy_abi` the run lies between the two: both ends are worth showing.
        (Some(first), Some(last)) if first <= last => of_it(in_run(&public, &first.0, &last.0)),
        _ => Speaks::Any,
    }
}

/// Whether one number is the beginning of the other: `12` and `12.4.1`.
fn begin_alike(a: &Version, b: &Version) -> bool {
    a.release().iter().zip(b.release().iter()).all(|(a, b)| a == b)
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
