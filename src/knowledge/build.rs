//! Turns every knowledge table from TOML into lines at build time, so that a run parses only the rows it asks for.
//!
//! The first line is the header as JSON. Each further line is a row: the names it is looked up by, then the row as JSON,
//! with tabs between them.

use std::{env, fs, path::Path};

use toml::{Table, Value};

/// The keys that rows are looked up by; the first one that a row has counts.
const KEYS: [&str; 5] = ["package", "distributions", "name", "id", "build"];

fn main() {
    let folder = Path::new("src/knowledge");
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).expect("the folder of the tables can be read") {
        let path = entry.expect("the folder of the tables can be listed").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path).expect("a table can be read");
        let lines = toml::from_str(&text).map_err(|fault| fault.to_string()).and_then(lines);
        let lines = lines.unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let name = path.file_stem().expect("a file has a name").to_owned();
        fs::write(Path::new(&out).join(name).with_extension("rows"), lines).expect("OUT_DIR can be written");
    }
}

fn lines(mut table: Table) -> Result<String, String> {
    let json = |value: &Value| serde_json::to_string(value).map_err(|fault| fault.to_string());
    let header = table.remove("table").ok_or("no [table]")?;
    let Some(Value::Array(rows)) = table.remove("row") else { return Err("no [[row]]".into()) };
    if let Some(key) = table.keys().next() {
        return Err(format!("`{key}` is neither [table] nor [[row]]"));
    }
    let mut out = json(&header)?;
    for row in rows {
        out.push('\n');
        match KEYS.iter().find_map(|key| row.get(key)) {
            Some(Value::String(name)) => out.push_str(name),
            Some(Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                out.push_str(&names.ok_or("a name is no text")?.join("\t"));
            }
            _ => {}
        }
        out.push('\t');
        out.push_str(&json(&row)?);
    }
    Ok(out)
}
