//! `envcheck completions` and `envcheck man`: made from the same definition as the command line itself.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Failure, Gate, terminal};

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

/// Write the manual pages: one for the program and one for each command.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The folder to write them to; without it, the page of the program goes to standard output
    folder: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let mut out = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "envcheck", &mut out);
        terminal::print(&String::from_utf8_lossy(&out))?;
        Ok(Gate::Open)
    }
}

impl Man {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let failed = |fault: &std::io::Error| Failure::new(format!("could not write the manual: {fault}"));
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let Some(folder) = &self.folder else {
            let mut out = Vec::new();
            clap_mangen::Man::new(command).render(&mut out).map_err(|fault| failed(&fault))?;
            terminal::print(&String::from_utf8_lossy(&out))?;
            return Ok(Gate::Open);
        };
        std::fs::create_dir_all(folder).map_err(|fault| failed(&fault))?;
        clap_mangen::generate_to(command, folder).map_err(|fault| failed(&fault))?;
        Ok(Gate::Open)
    }
}
