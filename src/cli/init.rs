//! `envcheck init`: looks at the repository, guesses its environments and writes an `envcheck.toml` that says how it guessed.
//!
//! Only names decide: of folders, of files, and of the scripts beside them. What they do not decide is said and left to the
//! user. Every input was read once before it is written down, so that `envcheck check` runs on the file at once.

mod guess;
mod models;
mod walk;
mod write;

use std::{
    fs,
    io::{ErrorKind, Write as _},
};

use clap::Args;

use super::{Failure, Gate, terminal};
use crate::{
    config::{self, FILE_NAME},
    input::files,
    text::{Form, Source, Sources},
};

/// Look at the repository and write an envcheck.toml for it.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Replace an envcheck.toml that is there
    #[arg(long)]
    force: bool,
    /// Print the file instead of writing it
    #[arg(short = 'n', long, conflicts_with = "force")]
    stdout: bool,
}

impl Init {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        if !self.stdout && !self.force && fs::symlink_metadata(FILE_NAME).is_ok() {
            return Err(is_there());
        }
        let found = walk::walk();
        let project = guess::guess(found);
        let text = write::toml(&project);
        let file = Sources::default().add(Source::new(FILE_NAME.to_owned(), Form::Text, text.as_str().into()));
        if let Err(faults) = config::read(file, &text) {
            let reasons: Vec<&str> = faults.iter().map(|fault| fault.reason.as_str()).collect();
            return Err(Failure::new(format!("internal error: the file is not valid: {}", reasons.join("; "))));
        }
        if !self.stdout && project.environments.is_empty() {
            return Err(Failure::new(write::nothing(&project)));
        }
        if self.stdout {
            terminal::complain(&write::summary(&project));
            terminal::print(&text)?;
        } else {
            self.write(&text)?;
            terminal::print(&format!("{}{}", write::summary(&project), write::next()))?;
        }
        Ok(Gate::Open)
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut options = fs::OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        options.open(FILE_NAME).and_then(|mut file| file.write_all(text.as_bytes())).map_err(|fault| {
            if fault.kind() == ErrorKind::AlreadyExists {
                return is_there();
            }
            Failure::new(format!("could not write `{FILE_NAME}`: {}", files::reason(&fault)))
        })
    }
}

fn is_there() -> Failure {
    Failure::new(format!(
        "`{FILE_NAME}` is there already; `--force` replaces it, `--stdout` shows what would be written"
    ))
}
