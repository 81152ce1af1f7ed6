//! The build script: compiles the knowledge tables, and links a release so that it starts fast.

mod knowledge;
mod link;

fn main() {
    knowledge::compile();
    link::statically();
}
