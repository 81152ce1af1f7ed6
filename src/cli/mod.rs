//! The command line: the only place that walks folders, touches the terminal and decides the exit code.
//!
//! Exit codes: 0 nothing at or above the gate, 1 findings at or above it, 2 envcheck could not do its work.

mod compare;
mod complete;
mod config;
mod explain;
mod fix;
mod init;
mod inspect;
mod judge;
mod knowledge;
mod load;
mod lock;
mod needs;
mod repository;
mod settings;
mod sides;
mod since;
mod terminal;

use std::{path::PathBuf, process::ExitCode, sync::OnceLock};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::knowledge::{KNOWLEDGE_DATE, KNOWLEDGE_ROWS};

/// Finds version mismatches between the training and the serving environment of a machine-learning model.
#[derive(Debug, Parser)]
#[command(name = "envcheck", version = version(), max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare a training side with a serving side
    Diff(compare::Diff),
    /// Check one environment by itself
    Check(compare::Check),
    /// Look at the repository and write an envcheck.toml for it
    Init(init::Init),
    /// Write an envcheck lock from inputs
    Lock(lock::Lock),
    /// Show what envcheck reads from inputs, and what it skips
    Inspect(inspect::Inspect),
    /// Show what a serving environment must offer to ONNX models
    Needs(needs::Needs),
    /// Show edits that resolve findings, or write them
    Fix(fix::Fix),
    /// Show the settings that hold here, and where each comes from
    Config(config::Config),
    /// Print the manual of a rule
    Explain(explain::Explain),
    /// List all rules
    Rules(explain::Rules),
    /// Print completions for a shell
    Completions(complete::Completions),
    /// Write the manual pages
    Man(complete::Man),
    /// Show the rows of knowledge about a component, with their sources
    Knowledge(knowledge::KnowledgeCommand),
}

/// What all commands that read inputs share.
#[derive(Debug, Default, Args)]
struct InputOptions {
    /// Stands for `${NAME}` in requirements files and for build arguments of Dockerfiles; nothing is taken from this machine's environment
    #[arg(long, value_name = "NAME=VALUE", value_parser = define)]
    define: Vec<(String, String)>,
    /// The build stage of a Dockerfile that is looked at, if it is not the last one
    #[arg(long, value_name = "STAGE")]
    target: Option<String>,
    /// The name that standard input (`-`) is read under
    #[arg(long, value_name = "NAME")]
    stdin_filename: Option<String>,
}

/// Where the output goes, and how it looks.
#[derive(Debug, Args)]
struct OutputOptions {
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    look: LookOptions,
}

/// How the output looks.
#[derive(Debug, Args)]
struct LookOptions {
    /// When to use colours; the variables `NO_COLOR` and `CLICOLOR_FORCE` are respected
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
    /// Show findings only
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,
    /// Show everything, harmless differences with their lines too
    #[arg(short, long)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Why envcheck could not do its work: exit code 2.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Failure(message.into())
    }
}

/// Whether findings reached the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Closed,
}

/// Runs the program on the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(fault) => {
            // Help and version are no errors; a closed pipe is nobody's fault.
            let _ = fault.print();
            return ExitCode::from(if fault.use_stderr() { 2 } else { 0 });
        }
    };
    let outcome = match cli.command {
        Command::Diff(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Init(command) => command.run(),
        Command::Lock(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Needs(command) => command.run(),
        Command::Fix(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Rules(command) => command.run(),
        Command::Knowledge(command) => command.run(),
    };
    match outcome {
        Ok(Gate::Open) => ExitCode::SUCCESS,
        Ok(Gate::Closed) => ExitCode::from(1),
        Err(Failure(message)) => {
            let message: Vec<String> = message.lines().map(crate::text::escape).collect();
            terminal::complain(&format!("error: {}\n", message.join("\n")));
            ExitCode::from(2)
        }
    }
}

/// The version, with the knowledge that the program carries. No table is parsed for it.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    let number = env!("CARGO_PKG_VERSION");
    VERSION.get_or_init(|| format!("{number} (knowledge {KNOWLEDGE_DATE}, {KNOWLEDGE_ROWS} rows)"))
}

fn define(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, found `{text}`"))?;
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(format!("expected a name of upper-case letters, digits and `_`, found `{name}`"));
    }
    Ok((name.to_owned(), value.to_owned()))
}
