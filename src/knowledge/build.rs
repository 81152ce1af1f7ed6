//! Turns every knowledge table from TOML into lines of JSON and an index at build time, so that a run parses only the
//! rows it asks for.
//!
//! `TABLE.rows` holds the header and then the rows in file order, one a line. `TABLE.index` is a Rust array, sorted by the
//! hashes of the names that rows are looked up by: the hash, where in that text the name stands and where its row does, and
//! a key of the release that the row is about.

use std::{env, fs, path::Path};

use toml::{Table, Value};

/// The key that names the release, or the releases, that a row is about.
const RELEASE: &str = "release";

/// The keys that rows are looked up by; the first one that a row has counts.
const KEYS: [&str; 5] = ["package", "distributions", "name", "id", "build"];

fn main() {
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
        let made = toml::from_str(&text).map_err(|fault| fault.to_string()).and_then(lines_and_index);
        let (lines, index) = made.unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        count += lines.lines().count() - 1;
        let target = Path::new(&out).join(path.file_stem().expect("a file has a name"));
        fs::write(target.with_extension("rows"), lines).expect("OUT_DIR can be written");
        fs::write(target.with_extension("index"), index).expect("OUT_DIR can be written");
    }
    println!("cargo::rustc-env=ENVCHECK_KNOWLEDGE_ROWS={count}");
}

fn lines_and_index(mut table: Table) -> Result<(String, String), String> {
    let json = |value: &Value| serde_json::to_string(value).map_err(|fault| fault.to_string());
    let header = table.remove("table").ok_or("no [table]")?;
    let Some(Value::Array(rows)) = table.remove("row") else { return Err("no [[row]]".into()) };
    if let Some(key) = table.keys().next() {
        return Err(format!("`{key}` is neither [table] nor [[row]]"));
    }
    let mut lines = json(&header)?;
    let mut index: Vec<(&str, [usize; 4], u64)> = Vec::new();
    for row in &rows {
        lines.push('\n');
        let start = lines.len();
        let line = json(row)?;
        lines.push_str(&line);
        let names = match KEYS.iter().find_map(|key| row.get(key)) {
            Some(Value::Array(names)) => names.as_slice(),
            Some(name) => std::slice::from_ref(name),
            None => &[],
        };
        let release = row.get(RELEASE).and_then(Value::as_str).map_or(0, release_key);
        for name in names.iter().filter_map(Value::as_str) {
            let at = line.find(&format!("\"{name}\"")).ok_or_else(|| format!("`{name}` has to be escaped"))? + 1;
            index.push((name, [start + at, start + at + name.len(), start, lines.len()], release));
        }
    }
    index.sort_by_key(|(name, ..)| name_hash(name));
    for pair in index.windows(2) {
        if pair[0].0 != pair[1].0 && name_hash(pair[0].0) == name_hash(pair[1].0) {
            return Err(format!("`{}` and `{}` have the same hash", pair[0].0, pair[1].0));
        }
    }
    let places = |places: [usize; 4]| places.map(|place| grouped(&place.to_string())).join(", ");
    let entry = |(name, at, release): (&str, [usize; 4], u64)| {
        format!("({}, [{}], {})", grouped(&name_hash(name).to_string()), places(at), grouped(&release.to_string()))
    };
    let entries: Vec<String> = index.into_iter().map(entry).collect();
    Ok((lines, format!("&[{}]", entries.join(", "))))
}

/// The hash of a name (FNV-1a). The program makes the same hash of the name that it looks for.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The key of a release that is written as up to four small numbers; 0 for anything else. The program makes the same key
/// of the version that it looks for.
fn release_key(text: &str) -> u64 {
    let parts: Result<Vec<u16>, _> = text.split('.').map(str::parse).collect();
    let Ok(parts) = parts else { return 0 };
    let used = parts.len() - parts.iter().rev().take_while(|part| **part == 0).count();
    if used > 4 {
        return 0;
    }
    (0..4).fold(0, |key, at| key << 16 | parts[..used].get(at).map_or(0, |part| u64::from(*part)))
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
