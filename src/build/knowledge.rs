//! Turns every knowledge table from TOML into lines of JSON and an index at build time, so that a run parses only the
//! rows it asks for.
//!
//! `TABLE.rows` holds the header and then the rows in file order, one a line. `TABLE.index` is a Rust array, sorted by the
//! hashes of the names that rows are looked up by: the hash, where in that text the name stands and where its row does, and
//! keys of the first and the last release that the row may be about. `TABLE.filter` is one of bits: those of the hashes in
//! the index are set.

use std::{env, fs, path::Path};

use toml::{Table, Value};

use crate::hash::{name_hash, word_of};

/// The keys that name the one release that a row is about.
const RELEASE: [&str; 2] = ["release", "version"];

/// The keys that name the first and the last release of a run, the last one a prefix; in a row about a change, the first
/// one after it and the last one before it.
const RUNS: [[&str; 2]; 2] = [["first", "last"], ["new", "old"]];

/// The key with a specifier of the releases that a row is about.
const RELEASES: &str = "releases";

/// The keys that rows are looked up by; the first one that a row has counts.
const KEYS: [&str; 5] = ["package", "distributions", "name", "id", "build"];

/// Compiles all tables.
pub(crate) fn compile() {
    let folder = Path::new("src/knowledge");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the folder of the tables can be read") {
        let path = entry.expect("the folder of the tables can be listed").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("a table can be read");
        let made = toml::from_str(&text).map_err(|fault| fault.to_string()).and_then(compiled);
        let made = made.unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        count += made.lines.lines().count() - 1;
        let target = Path::new(&out).join(path.file_stem().expect("a file has a name"));
        for (extension, text) in [("rows", made.lines), ("index", made.index), ("filter", made.filter)] {
            fs::write(target.with_extension(extension), text).expect("OUT_DIR can be written");
        }
    }
    println!("cargo::rustc-env=ENVCHECK_KNOWLEDGE_ROWS={count}");
}

/// The files that are made of a table.
struct Compiled {
    lines: String,
    index: String,
    filter: String,
}

/// A name, four places as in `TABLE.index`, and two keys.
type Entry<'a> = (&'a str, [usize; 4], [u64; 2]);

fn compiled(mut table: Table) -> Result<Compiled, String> {
    let json = |value: &Value| serde_json::to_string(value).map_err(|fault| fault.to_string());
    let header = table.remove("table").ok_or("no [table]")?;
    let Some(Value::Array(rows)) = table.remove("row") else { return Err("no [[row]]".into()) };
    if let Some(key) = table.keys().next() {
        return Err(format!("`{key}` is neither [table] nor [[row]]"));
    }
    let mut lines = json(&header)?;
    let mut index: Vec<Entry<'_>> = Vec::new();
    for row in &rows {
        lines.push('\n');
        let start = lines.len();
        let line = json(row)?;
        lines.push_str(&line);
        // A row without a name is looked up by its release alone, under the empty name.
        let names: Vec<&str> = match KEYS.iter().find_map(|key| row.get(key)) {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(name) => name.as_str().into_iter().collect(),
            None => vec![""],
        };
        for name in names {
            let quoted = if name.is_empty() { Some(0) } else { line.find(&format!("\"{name}\"")).map(|at| at + 1) };
            let at = quoted.ok_or_else(|| format!("`{name}` has to be escaped"))?;
            index.push((name, [start + at, start + at + name.len(), start, lines.len()], release_keys(row)));
        }
    }
    index.sort_by_key(|(name, ..)| name_hash(name));
    for pair in index.windows(2) {
        if pair[0].0 != pair[1].0 && name_hash(pair[0].0) == name_hash(pair[1].0) {
            return Err(format!("`{}` and `{}` have the same hash", pair[0].0, pair[1].0));
        }
    }
    // About sixteen bits for a name.
    let mut filter = vec![0_u64; (index.len() / 4).next_power_of_two()];
    for (name, ..) in &index {
        let (hash, words) = (name_hash(name), filter.len());
        filter[word_of(hash, words)] |= 1 << (hash % 64);
    }
    let places = |places: [usize; 4]| places.map(|place| grouped(&place.to_string())).join(", ");
    let entry = |(name, at, keys): Entry<'_>| {
        let [hash, first, last] = [name_hash(name), keys[0], keys[1]].map(|number| grouped(&number.to_string()));
        format!("({hash}, [{}], {first}, {last})", places(at))
    };
    let entries: Vec<String> = index.into_iter().map(entry).collect();
    let words: Vec<String> = filter.iter().map(|word| grouped(&word.to_string())).collect();
    Ok(Compiled { lines, index: format!("&[{}]", entries.join(", ")), filter: format!("&[{}]", words.join(", ")) })
}

/// The keys of the first and the last release that a row may be about; all there are where it does not say so in numbers.
fn release_keys(row: &Value) -> [u64; 2] {
    let written = |key: &str| row.get(key).and_then(Value::as_str);
    let lowest = |text: &str| release_key(text, 0);
    let single = || RELEASE.iter().find_map(|key| written(key)).and_then(lowest).map(|key| [key, key]);
    let run = || {
        let (first, last) = RUNS.iter().find_map(|[first, last]| written(first).zip(written(last)))?;
        Some([lowest(first)?, release_key(last, 0xffff)?])
    };
    let range = || written(RELEASES).map(bounds);
    single().or_else(run).or_else(range).unwrap_or([0, u64::MAX])
}

/// Keys that hold between them all releases that a specifier allows, and maybe more.
fn bounds(specifier: &str) -> [u64; 2] {
    let mut keys = [0, u64::MAX];
    for clause in specifier.split(',').map(str::trim) {
        let number = clause.trim_start_matches(['<', '>', '=', '~', '!', ' ']);
        let [least, most] = [0, 0xffff].map(|rest| release_key(number.trim_end_matches(".*"), rest));
        match &clause[..clause.len() - number.len()] {
            ">=" | ">" => keys[0] = keys[0].max(least.unwrap_or(0)),
            "<" | "<=" => keys[1] = keys[1].min(most.unwrap_or(u64::MAX)),
            "==" => keys = [least.unwrap_or(0), most.unwrap_or(u64::MAX)],
            _ => {}
        }
    }
    keys
}

/// The key of a release that is written as up to four small numbers, with what stands for those that are not written. The
/// program makes the same key of the version that it looks for.
fn release_key(text: &str, rest: u64) -> Option<u64> {
    let parts: Vec<u16> = text.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let used = parts.len().min(4);
    if parts[used..].iter().any(|part| *part != 0) || parts.contains(&u16::MAX) {
        return None;
    }
    Some((0..4).fold(0, |key, at| key << 16 | parts[..used].get(at).map_or(rest, |part| u64::from(*part))))
}

/// A number as Rust code likes it: `108_364`.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}
