//! `envcheck needs`: what a serving environment must offer to models.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{
    Failure, Gate, InputOptions,
    load::{absolute, load, shown, unreadable},
    settings::SettingsOptions,
    sides::Wanted,
};
use crate::{
    environment::{Envelope, Side},
    fact::Model,
    input::Overlay,
    knowledge::KNOWLEDGE_DATE,
    report::{NotRead, needs_json, needs_requirements, needs_text},
};

/// Models in one folder beyond this number are not read: such a folder is a store and no delivery.
const MOST_MODELS: usize = 1_000;

/// Show what a serving environment must offer to ONNX models.
#[derive(Debug, Args)]
pub(super) struct Needs {
    /// ONNX models, `-` for one on standard input, or folders: of a folder, such as a Triton model repository, every *.onnx below it
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// text for people, requirements to paste into a requirements file, json for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The name that standard input (`-`) is read under
    #[arg(long, value_name = "NAME")]
    stdin_filename: Option<String>,
    #[command(flatten)]
    settings: SettingsOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(alias = "human")]
    Text,
    Requirements,
    Json,
}

impl Needs {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        let settings = self.settings.load()?;
        let mut sources = settings.sources();
        let mut found = Found::default();
        for path in &self.models {
            if path.is_dir() { found.folder(path)? } else { found.add(path.clone()) }
        }
        let wanted = Wanted { side: Some(Side::Alone), ..Wanted::default() }.with_models(&found.models);
        let options = InputOptions { stdin_filename: self.stdin_filename, ..InputOptions::default() };
        let sides = load(&[wanted], &options, &settings.knowledge, &mut sources, &Overlay::new())?;
        let mut not_read = found.not_read;
        let mut models: Vec<&Model> = Vec::new();
        for side in &sides {
            for input in &side.inputs {
                // Other files may describe models too, but not what is in them.
                if input.format != "onnx" {
                    let message = format!("`{}` is {}, expected an ONNX model", input.path, input.format);
                    return Err(Failure::new(message));
                }
                let part = |part: &crate::report::SkippedPart| NotRead {
                    path: input.path.clone(),
                    reason: part.reason.clone(),
                };
                not_read.extend(input.skipped.iter().map(part));
            }
            models.extend(side.environment.models().into_iter().map(|seen| seen.value));
        }
        let envelope = Envelope::of(&settings.knowledge, &models);
        let text = match self.format {
            Format::Text => needs_text(&envelope, &not_read),
            Format::Requirements => needs_requirements(&envelope, &not_read, KNOWLEDGE_DATE),
            Format::Json => needs_json(&envelope, &not_read, KNOWLEDGE_DATE),
        };
        super::terminal::write(self.output.as_deref(), &text)?;
        Ok(Gate::Open)
    }
}

/// The models that were named, each once.
#[derive(Default)]
struct Found {
    models: Vec<PathBuf>,
    not_read: Vec<NotRead>,
}

impl Found {
    fn add(&mut self, path: PathBuf) {
        let place = absolute(&path);
        if !self.models.iter().any(|known| absolute(known) == place) {
            self.models.push(path);
        }
    }

    /// Every model below a folder. Models are seldom committed, so what `.gitignore` hides counts here.
    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let shown_folder = shown(folder);
        std::fs::read_dir(folder).map_err(|fault| unreadable(&shown_folder, &fault))?;
        let walk = ignore::WalkBuilder::new(folder)
            .standard_filters(false)
            .hidden(true)
            .follow_links(false)
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .build();
        let is_model = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("onnx"));
        let (models, not_read) = (self.models.len(), self.not_read.len());
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(fault) => {
                    let reason = format!("a part of it could not be read: {fault}");
                    self.not_read.push(NotRead { path: shown_folder.clone(), reason });
                    continue;
                }
            };
            let path = entry.path();
            let kind = entry.file_type();
            if !is_model(path) || kind.is_none_or(|it| it.is_dir()) {
                continue;
            }
            if kind.is_some_and(|it| it.is_file()) {
                self.add(path.to_path_buf());
            } else {
                let reason = "a link, not followed: name the file itself".to_owned();
                self.not_read.push(NotRead { path: shown(path), reason });
            }
            if self.models.len() > models + MOST_MODELS {
                return Err(Failure::new(format!(
                    "`{shown_folder}` holds more than {MOST_MODELS} models: name a folder below it"
                )));
            }
        }
        if self.models.len() == models {
            let links: Vec<String> =
                self.not_read[not_read..].iter().map(|it| format!("\n  {}: {}", it.path, it.reason)).collect();
            return Err(Failure::new(format!("found no *.onnx in `{shown_folder}`{}", links.concat())));
        }
        Ok(())
    }
}
