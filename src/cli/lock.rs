//! `envcheck lock --from INPUT...`: records inputs as an envcheck lock.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure, Gate, InputOptions, OutputOptions, load::load, settings::SettingsOptions, sides::Wanted, terminal,
};
use crate::{environment::Side, input::Overlay, report::write_lock};

/// Write an envcheck lock from inputs.
#[derive(Debug, Args)]
pub(super) struct Lock {
    /// Files or folders to record; may be given several times
    #[arg(long, value_name = "INPUT", required = true, num_args = 1..)]
    from: Vec<PathBuf>,
    /// A model file that belongs to the environment
    #[arg(long, value_name = "FILE")]
    model: Vec<PathBuf>,
    /// The name of the environment
    #[arg(long)]
    name: Option<String>,
    /// Its role: training or serving
    #[arg(long, value_parser = ["training", "serving"])]
    role: Option<String>,
    #[command(flatten)]
    settings: SettingsOptions,
    #[command(flatten)]
    read: InputOptions,
    #[command(flatten)]
    output: OutputOptions,
}

impl Lock {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = self.settings.load()?;
        let mut sources = settings.sources();
        let wanted = Wanted::new("environment", Side::Alone, &self.from, &settings)?.with_models(&self.model);
        let sides = load(&[wanted], &self.read, &settings.knowledge, &mut sources, &Overlay::new())?;
        for side in &sides {
            let (text, notes) = write_lock(&side.environment, self.name.as_deref(), self.role.as_deref());
            self.output.write(&text)?;
            if !self.output.look.quiet {
                for note in notes {
                    terminal::complain(&format!("note: {}\n", crate::text::escape(&note.0)));
                }
            }
        }
        Ok(Gate::Open)
    }
}
