//! The `envcheck` program: everything happens in the library, so that tests can call it.

fn main() -> std::process::ExitCode {
    envcheck::cli::main()
}
