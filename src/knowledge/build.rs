//! Turns every knowledge table from TOML into JSON at build time: JSON is parsed about ten times faster, and a run
//! needs only a few of the tables.

use std::{env, fs, path::Path};

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
        let table: toml::Table = match toml::from_str(&text) {
            Ok(table) => table,
            Err(fault) => panic!("{}: {fault}", path.display()),
        };
        let json = serde_json::to_string(&table).expect("a table is plain data");
        let name = path.file_stem().expect("a file has a name").to_owned();
        fs::write(Path::new(&out).join(name).with_extension("json"), json).expect("OUT_DIR can be written");
    }
}
