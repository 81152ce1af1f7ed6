//! What the terminal can do, and writing to it without ever panicking on a closed pipe.

use std::{
    env, fs,
    io::{self, IsTerminal, Write},
    path::Path,
};

use super::{ColorChoice, Failure, LookOptions, OutputOptions};
use crate::report::{Detail, Style};

/// The width when nothing says how wide the terminal is.
const WIDTH: usize = 100;

impl LookOptions {
    /// The style of what goes to a file, or to standard output.
    pub(super) fn style(&self, to_file: bool) -> Style {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR") || to_file => false,
            ColorChoice::Auto
                if env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0" && !value.is_empty()) =>
            {
                true
            }
            ColorChoice::Auto => io::stdout().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb"),
        };
        let width =
            env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).filter(|width| *width >= 40).unwrap_or(WIDTH);
        let detail = match (self.quiet, self.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Style { color, width, detail }
    }
}

impl OutputOptions {
    /// Writes the result where it belongs.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        write(self.output.as_deref(), text)
    }
}

/// Writes to a file, or to standard output.
pub(super) fn write(output: Option<&Path>, text: &str) -> Result<(), Failure> {
    match output {
        Some(path) => fs::write(path, text).map_err(|fault| {
            let why = crate::input::files::reason(&fault);
            Failure::new(format!("could not write `{}`: {why}", path.display()))
        }),
        None => print(text),
    }
}

/// Writes to standard output. A reader that went away is a normal end.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("could not write to standard output: {}", crate::input::files::reason(&fault))))
        }
        _ => Ok(()),
    }
}

/// Writes to standard error; there is nobody left to tell if that fails.
pub(super) fn complain(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
