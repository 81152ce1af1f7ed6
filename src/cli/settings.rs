//! What holds for a whole run: the knowledge, with the user's own rows.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::{
    input::{Content, files},
    knowledge::Knowledge,
};

/// Where the settings of a run come from.
#[derive(Debug, Args)]
pub(super) struct SettingsOptions {
    /// A file with rows of your own for the knowledge; may be given several times
    #[arg(long, value_name = "FILE")]
    knowledge: Vec<PathBuf>,
}

impl SettingsOptions {
    /// The built-in knowledge and the user's rows.
    pub(super) fn knowledge(&self) -> Result<Knowledge, Failure> {
        let mut knowledge = Knowledge::built_in();
        for path in &self.knowledge {
            extend(&mut knowledge, path)?;
        }
        Ok(knowledge)
    }
}

fn extend(knowledge: &mut Knowledge, path: &Path) -> Result<(), Failure> {
    let shown = super::load::shown(path);
    let text = text_file(path)?;
    knowledge.extend(&shown, &text).map(|_| ()).map_err(|faults| {
        let lines = faults.iter().map(|fault| format!("{shown}:{}:{}: {}", fault.line, fault.column, fault.message));
        Failure::new(lines.collect::<Vec<_>>().join("\n"))
    })
}

/// The text of a file that the user named.
pub(super) fn text_file(path: &Path) -> Result<String, Failure> {
    let shown = super::load::shown(path);
    let content = Content::open(path).map_err(|fault| super::load::unreadable(&shown, &fault))?;
    match files::text_of(&content) {
        Some(Ok(text)) => Ok(text),
        Some(Err(fault)) => Err(Failure::new(format!("`{shown}` is not text: {fault}"))),
        None => Err(Failure::new(format!("`{shown}` is too large to be a text file"))),
    }
}
