//! The build script: compiles the knowledge tables, and links a release so that it starts fast.

#[path = "../knowledge/hash.rs"]
mod hash;
mod knowledge;
mod link;

fn main() {
    knowledge::compile();
    link::statically();
}
