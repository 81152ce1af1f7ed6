//! Whole repositories, each broken and mended: what the team that owns one would read.
//!
//! `fixtures/projects/<name>/expected.toml` lists what the broken form must be told. The mended form is the same
//! repository after the repair; nothing in it is an error, and no warning either.

use serde::Deserialize;
use serde_json::Value;

use super::cases::{Run, command, finish, names, root};

const FORMS: [&str; 2] = ["broken", "mended"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    finding: Vec<Wanted>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    code: String,
    component: String,
    severity: String,
}

impl Wanted {
    fn is(&self, finding: &Value) -> bool {
        let about = finding["components"].as_array().expect("a list of components");
        finding["code"] == self.code.as_str()
            && finding["severity"] == self.severity.as_str()
            && about.iter().any(|it| it == self.component.as_str())
    }
}

fn projects() -> Vec<String> {
    names(&root().join("fixtures/projects"))
}

fn diff(project: &str, form: &str, options: &[&str]) -> Run {
    let path = format!("fixtures/projects/{project}/{form}");
    let sides = [format!("{path}/train"), format!("{path}/serve")];
    finish(command().env("COLUMNS", "100").arg("diff").args(sides).args(options))
}

fn findings(project: &str, form: &str) -> Vec<Value> {
    let run = diff(project, form, &["--format", "json", "--fail-on", "never"]);
    let mut report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{project}: {}", run.stderr));
    report["findings"].as_array_mut().expect("a list of findings").drain(..).collect()
}

#[test]
fn what_a_team_reads() {
    for project in projects() {
        for form in FORMS {
            let run = diff(&project, form, &["--color", "never"]);
            assert_eq!(run.stderr, "", "{project}, {form}");
            insta::assert_snapshot!(format!("{project}-{form}"), format!("{}\nexit code {}", run.stdout, run.code));
        }
    }
}

#[test]
fn every_planted_defect_is_found() {
    for project in projects() {
        let path = root().join("fixtures/projects").join(&project).join("expected.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let expected: Expected = toml::from_str(&text).unwrap_or_else(|fault| panic!("{project}: {fault}"));
        let found = findings(&project, "broken");
        for wanted in &expected.finding {
            assert!(found.iter().any(|finding| wanted.is(finding)), "{project} lacks {wanted:?}");
        }
        let planted = |finding: &&Value| finding["severity"] != "info";
        for finding in found.iter().filter(planted) {
            let message = &finding["message"];
            assert!(expected.finding.iter().any(|wanted| wanted.is(finding)), "{project} does not expect {message}");
        }
    }
}

#[test]
fn mended_projects_are_left_in_peace() {
    for project in projects() {
        for finding in findings(&project, "mended") {
            assert_eq!(finding["severity"], "info", "{project}: {}", finding["message"]);
        }
    }
}
