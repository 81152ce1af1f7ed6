//! `envcheck inspect`: what was read, where, and what was not.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, Gate, InputOptions, OutputOptions, load::load, settings::SettingsOptions, sides::Wanted};
use crate::{
    environment::{Environment, Side},
    input::Overlay,
    knowledge::Knowledge,
    report::{ReportedSide, inspect_human, inspect_json},
};

/// Show what envcheck reads from inputs.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Files or folders
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The output format
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    settings: SettingsOptions,
    #[command(flatten)]
    read: InputOptions,
    #[command(flatten)]
    output: OutputOptions,
}

/// Every input on a side of its own, so that what follows from a file stands below that file, whatever another one says.
fn apart(sides: Vec<ReportedSide>, knowledge: &Knowledge) -> Vec<ReportedSide> {
    let mut out = Vec::new();
    for side in sides {
        if side.inputs.len() < 2 {
            out.push(side);
            continue;
        }
        for mut input in side.inputs {
            let facts = side.environment.facts()[input.facts.clone()].to_vec();
            input.facts = 0..facts.len();
            let mut environment = Environment::new(&side.environment.name, side.environment.side, facts, knowledge);
            environment.name.clone_from(&side.environment.name);
            out.push(ReportedSide { environment, inputs: vec![input] });
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

impl Inspect {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = self.settings.load()?;
        let mut sources = settings.sources();
        let wanted =
            Wanted::new("environment", Side::Alone, &self.inputs, &settings)?.with_declared_models(&[], &settings)?;
        let sides = load(&[wanted], &self.read, &settings.knowledge, &mut sources, &Overlay::new())?;
        let sides = apart(sides, &settings.knowledge);
        let text = match self.format {
            Format::Human => inspect_human(&sides, &sources),
            Format::Json => inspect_json(&sides, &sources),
        };
        self.output.write(&text)?;
        Ok(Gate::Open)
    }
}
