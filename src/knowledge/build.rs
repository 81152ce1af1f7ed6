//! Turns every knowledge table from TOML into lines of JSON and an index at build time, so that a run parses only the
//! rows it asks for.
//!
//! `TABLE.rows` holds the header and then the rows in file order, one a line. `TABLE.index` is a Rust array, sorted by the
//! names that rows are looked up by: where in that text the name stands, and where its row does.

use std::{env, fs, path::Path};

use toml::{Table, Value};

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
    let mut index: Vec<(&str, [usize; 4])> = Vec::new();
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
        for name in names.iter().filter_map(Value::as_str) {
            let at = line.find(&format!("\"{name}\"")).ok_or_else(|| format!("`{name}` has to be escaped"))? + 1;
            index.push((name, [start + at, start + at + name.len(), start, lines.len()]));
        }
    }
    index.sort_by_key(|(name, _)| *name);
    let entry = |entry: [usize; 4]| entry.map(grouped).join(", ");
    let entries: Vec<String> = index.into_iter().map(|(_, it)| format!("[{}]", entry(it))).collect();
    Ok((lines, format!("&[{}]", entries.join(", "))))
}

/// A number as Rust code likes it: `108_364`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}
