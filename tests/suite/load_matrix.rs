//! What was measured with model files across releases, against what the tables say: no file that works is called broken,
//! and none that breaks is passed over.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use envcheck::{
    environment::{Environment, Side},
    finding::{Finding, Severity, Verdicts},
    input::{Content, FORMATS, Files},
    knowledge::Knowledge,
    rules::{self, Check, Context},
    text::Sources,
};

#[derive(serde::Deserialize)]
struct Matrix {
    grid: Vec<Grid>,
}

#[derive(serde::Deserialize)]
struct Grid {
    name: String,
    packages: BTreeMap<String, Vec<String>>,
    python: Vec<String>,
    file: Vec<Artifact>,
}

#[derive(serde::Deserialize)]
struct Artifact {
    name: String,
    format: String,
    producer: Option<String>,
    #[serde(default)]
    classes: Vec<String>,
    span: Option<Span>,
    #[serde(default)]
    disagrees: Vec<(usize, usize, String)>,
    rows: Vec<String>,
}

#[derive(serde::Deserialize)]
struct Span {
    writers: [usize; 2],
    format: Option<String>,
    classes: Option<Vec<String>>,
}

impl Artifact {
    /// The `[[model]]` of a lock, as written by one of the environments.
    fn model(&self, grid: &Grid, writer: usize) -> String {
        let span = self.span.as_ref().filter(|span| (span.writers[0]..=span.writers[1]).contains(&writer));
        let format = span.and_then(|span| span.format.as_ref()).unwrap_or(&self.format);
        let classes = span.and_then(|span| span.classes.as_ref()).unwrap_or(&self.classes);
        let mut text = format!("[[model]]\npath = \"{}\"\nformat = \"{format}\"\n", self.name);
        if let Some(producer) = &self.producer {
            let version =
                grid.packages.get(producer).map_or(String::new(), |versions| format!(" {}", versions[writer]));
            writeln!(text, "producer = \"{producer}{version}\"").unwrap();
        }
        writeln!(text, "python = \"{}\"\nclasses = {classes:?}", grid.python[writer]).unwrap();
        text
    }
}

impl Grid {
    fn lock(&self, at: usize) -> String {
        let mut text = format!("version = 1\n[environment]\npython = \"{}\"\n", self.python[at]);
        for (name, versions) in &self.packages {
            writeln!(text, "[[package]]\nname = \"{name}\"\nversion = \"{}\"", versions[at]).unwrap();
        }
        text
    }
}

fn environment(side: Side, text: &str, sources: &mut Sources) -> Environment {
    let defines = BTreeMap::new();
    let mut files = Files::new(sources, &defines);
    let file = files.add("envcheck.lock".into(), Content::Owned(text.as_bytes().into()), None, None);
    let format = FORMATS.iter().find(|it| it.name == "envcheck-lock").unwrap();
    let reading = (format.read)(&mut files, file);
    assert!(reading.skipped.is_empty(), "{text}: {:?}", reading.skipped);
    Environment::new(side.word(), side, reading.facts, &Knowledge::built_in())
}

/// What one rule says.
fn verdicts(code: &str, context: &Context<'_>) -> Vec<Finding> {
    let mut verdicts = Verdicts::default();
    match (rules::find(code).unwrap().check, context.training) {
        (Check::Pair(check), Some(training)) => check(context, training, context.serving, &mut verdicts),
        (Check::Model(check), _) => {
            context.models().into_iter().for_each(|(side, model)| check(context, side, model, &mut verdicts));
        }
        _ => panic!("{code} is called on something else"),
    }
    verdicts.findings
}

#[test]
fn tables_agree_with_every_file_that_was_run() {
    let text = fs::read_to_string("fixtures/knowledge/load_matrix.toml").unwrap();
    let matrix: Matrix = toml::from_str(&text).unwrap();
    let knowledge = Knowledge::built_in();
    let (mut cells, mut faults) = (0, Vec::new());
    let mut sources = Sources::default();
    for grid in &matrix.grid {
        let readers: Vec<Environment> =
            (0..grid.python.len()).map(|at| environment(Side::Serving, &grid.lock(at), &mut sources)).collect();
        for file in &grid.file {
            let writers: Vec<Environment> = (0..grid.python.len())
                .map(|at| environment(Side::Training, &(grid.lock(at) + &file.model(grid, at)), &mut sources))
                .collect();
            for (reader, row) in file.rows.iter().enumerate() {
                for (writer, outcome) in row.chars().enumerate().filter(|(_, outcome)| *outcome != '.') {
                    let (training, serving) = (&writers[writer], &readers[reader]);
                    let context = Context { training: Some(training), serving, knowledge: &knowledge };
                    let findings = ["EC001", "EC205"].map(|code| verdicts(code, &context)).concat();
                    let own = |code: &str, least: Severity| {
                        let said = |it: &&Finding| it.code == code && it.severity >= least;
                        findings.iter().find(said).map(|it| it.message.clone())
                    };
                    let excused = file.disagrees.iter().any(|(a, b, _)| (*a, *b) == (reader, writer));
                    cells += 1;
                    let place = format!("{}: {} {outcome} [{reader}, {writer}]", grid.name, file.name);
                    match outcome {
                        '=' | '~' => {
                            let false_error = own("EC205", Severity::Error);
                            faults.extend(false_error.filter(|_| !excused).map(|it| format!("{place}: {it}")));
                        }
                        _ => {
                            let said = own("EC205", Severity::Warning).or_else(|| own("EC001", Severity::Error));
                            if said.is_none() {
                                faults.push(format!("{place}: nothing is said"));
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {cells} cells:\n{}", faults.len(), faults.join("\n"));
    assert!(cells > 10_000, "only {cells} cells were read");
}
