//! `envcheck config`: the settings that hold here, each with where it comes from.

use std::fmt::Write as _;

use clap::{ArgMatches, Args, CommandFactory as _, parser::ValueSource};

use super::{Cli, Failure, Gate, compare::VerdictOptions, judge, settings::Settings, terminal};
use crate::{
    config::{Level, Role},
    text::escape,
};

/// Show the settings that hold here, and where each comes from.
#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print the JSON Schema of envcheck.toml instead, for editors
    #[arg(long)]
    schema: bool,
    #[command(flatten)]
    verdict: VerdictOptions,
}

impl Config {
    pub(super) fn run(self) -> Result<Gate, Failure> {
        if self.schema {
            terminal::print(&crate::config::schema())?;
            return Ok(Gate::Open);
        }
        let settings = self.verdict.scope.settings.load()?;
        let matches = Cli::command().try_get_matches().ok();
        let matches = matches.as_ref().and_then(|matches| matches.subcommand_matches("config"));
        terminal::print(&shown(&self.verdict, &settings, matches))?;
        Ok(Gate::Open)
    }
}

/// Lines of `key = value`, with the origin behind.
struct Lines(Vec<(String, String)>);

impl Lines {
    fn add(&mut self, text: String, origin: impl Into<String>) {
        self.0.push((text, origin.into()));
    }

    fn text(&self) -> String {
        let width = self.0.iter().map(|(text, _)| text.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
        let mut out = String::new();
        for (text, origin) in &self.0 {
            // A blank line stands before each table.
            if text.starts_with('[') || text.starts_with("# `") {
                out.push('\n');
            }
            if origin.is_empty() {
                let _ = writeln!(out, "{}", escape(text));
            } else {
                let gap = " ".repeat(width.saturating_sub(text.chars().count()) + 2);
                let _ = writeln!(out, "{}{gap}# {}", escape(text), escape(origin));
            }
        }
        out
    }
}

fn quoted(text: &str) -> String {
    // What JSON writes for a text is what TOML reads for it.
    serde_json::Value::from(text).to_string()
}

fn shown(options: &VerdictOptions, settings: &Settings, matches: Option<&ArgMatches>) -> String {
    let origin = |id: &str, flag: &str, variable: &str| match matches.and_then(|matches| matches.value_source(id)) {
        Some(ValueSource::CommandLine) => flag.to_owned(),
        Some(ValueSource::EnvVariable) => variable.to_owned(),
        _ => "default".to_owned(),
    };
    let mut lines = Lines(Vec::new());
    let project = settings.project.as_ref();
    lines.add(
        match project {
            Some(project) => format!("# settings of {}", project.shown()),
            None => "# no envcheck.toml, and no [tool.envcheck] in a pyproject.toml, from here upwards".to_owned(),
        },
        "",
    );
    let fail_on = judge::fail_on(&options.scope, settings);
    let declared = project.and_then(|project| Some(project.line(project.config.fail_on?.1)));
    let from = match origin("fail_on", "--fail-on", "ENVCHECK_FAIL_ON") {
        from if from == "default" => declared.unwrap_or(from),
        from => from,
    };
    lines.add(format!("fail-on = {}", quoted(fail_on.word())), from);
    lines.add(format!("format = {}", quoted(&options.format)), origin("format", "--format", "ENVCHECK_FORMAT"));
    for (id, list) in [("select", &options.scope.select), ("ignore", &options.scope.ignore)] {
        if !list.is_empty() {
            let names: Vec<String> = list.iter().map(|name| quoted(name)).collect();
            let variable = format!("ENVCHECK_{}", id.to_ascii_uppercase());
            lines.add(format!("{id} = [{}]", names.join(", ")), origin(id, &format!("--{id}"), &variable));
        }
    }
    if let Some(path) = &options.baseline {
        let from = origin("baseline", "--baseline", "ENVCHECK_BASELINE");
        lines.add(format!("baseline = {}", quoted(&path.to_string_lossy())), from);
    }
    let Some(project) = project else { return lines.text() };
    let config = &project.config;
    if !config.levels.is_empty() {
        lines.add("[rules]".to_owned(), "");
    }
    for level in &config.levels {
        let word = match level.level {
            Level::Off => "off".to_owned(),
            Level::Severity(severity) => severity.to_string(),
        };
        lines.add(format!("{} = {}", level.code, quoted(&word)), project.line(level.place));
    }
    for environment in &config.environments {
        lines.add(format!("[environment.{}]", environment.name), "");
        let role = match environment.role {
            Some(Role::Training) => "training",
            Some(Role::Serving) => "serving",
            None => "",
        };
        if !role.is_empty() {
            lines.add(format!("role = {}", quoted(role)), "");
        }
        for input in &environment.inputs {
            lines
                .add(format!("input {}", quoted(&super::load::shown(&project.path(input)))), project.line(input.place));
        }
        let declared = environment.facts.len();
        if declared > 0 {
            lines.add(format!("{declared} declared, see `envcheck inspect {}`", environment.name), "");
        }
    }
    for model in &config.models {
        lines.add("[[model]]".to_owned(), "");
        if let Some(path) = &model.path {
            lines.add(format!("path = {}", quoted(&super::load::shown(&project.path(path)))), project.line(path.place));
        }
    }
    for ignore in &config.ignores {
        lines.add("[[ignore]]".to_owned(), project.line(ignore.place));
        lines.add(format!("rule = {}", quoted(ignore.code)), "");
        let keys = [("package", &ignore.package), ("environment", &ignore.environment)];
        for (key, value) in keys.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            lines.add(format!("{key} = {}", quoted(value)), "");
        }
        if let Some(path) = &ignore.path {
            lines.add(format!("path = {}", quoted(path.glob().glob())), "");
        }
        lines.add(format!("reason = {}", quoted(&ignore.reason)), "");
        if let Some(day) = ignore.expires {
            lines.add(format!("expires = {day}"), "");
        }
    }
    let pairs: Vec<String> = config
        .pairs()
        .iter()
        .map(|pair| {
            pair.training.as_ref().map_or_else(|| pair.serving.clone(), |it| format!("{it} -> {}", pair.serving))
        })
        .collect();
    lines.add(
        format!("# `envcheck check` judges: {}", if pairs.is_empty() { "nothing".into() } else { pairs.join(", ") }),
        "",
    );
    lines.text()
}
