//! `JUnit` XML, which every CI server shows as tests: one suite a comparison.
//!
//! An error or a warning is a test that failed. What could not be decided, and what somebody decided to live with, is a
//! test that was skipped. One more test stands for all that was found good: it passes, so that a clean run shows as a
//! suite that passed, and its output holds the remarks, which are no defects.
//!
//! GitLab tells tests apart by class and name, ignores all but the first of a name, and shows the text of a failure but not
//! its `message`; Jenkins shows both. Both cut a class name at its last full stop.

use std::collections::HashSet;

use super::{
    Output, Report, Style,
    merged::{Scene, scenes},
    words::{advice, clipped, excuse, reasons},
    xml::Document,
};
use crate::{
    finding::{Finding, Severity},
    text::escape,
};

pub(super) static OUTPUT: Output =
    Output { name: "junit", about: "JUnit XML, for CI servers that show tests", shows_fixes: true, render };

/// A test's name may have so many characters.
const LONGEST: usize = 250;

/// What became of a test.
enum Outcome {
    Failed { kind: String, message: String, lines: Vec<String> },
    Skipped(String),
    Passed(Vec<String>),
}

struct Test {
    name: String,
    place: Option<(String, usize)>,
    outcome: Outcome,
}

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let suites: Vec<(String, Vec<Test>)> =
        scenes(reports).iter().map(|scene| (escape(&scene.report.name), tests(scene))).collect();
    let mut document = Document::new();
    let all = || suites.iter().flat_map(|(_, tests)| tests);
    // The schema of Jenkins counts what was skipped in suites, and not in all of them.
    let total: Vec<_> = totals("envcheck", all()).into_iter().filter(|(key, _)| *key != "skipped").collect();
    document.open("testsuites", &total);
    let mut seen: HashSet<(String, String)> = HashSet::new();
    for (name, tests) in &suites {
        document.open("testsuite", &totals(name, tests.iter()));
        let class = format!("envcheck.{}", name.replace('.', "_"));
        for test in tests {
            let mut name = test.name.clone();
            let mut count = 1;
            while !seen.insert((class.clone(), name.clone())) {
                count += 1;
                name = format!("{} ({count})", test.name);
            }
            write(&mut document, &class, &name, test);
        }
        document.close("testsuite");
    }
    document.close("testsuites");
    document.finish()
}

/// The attributes of a suite, or of all.
fn totals<'t>(name: &str, tests: impl Iterator<Item = &'t Test>) -> Vec<(&'static str, String)> {
    let (mut all, mut failed, mut skipped) = (0, 0, 0);
    for test in tests {
        all += 1;
        failed += usize::from(matches!(test.outcome, Outcome::Failed { .. }));
        skipped += usize::from(matches!(test.outcome, Outcome::Skipped(_)));
    }
    vec![
        ("name", name.to_owned()),
        ("tests", all.to_string()),
        ("failures", failed.to_string()),
        ("errors", "0".to_owned()),
        ("skipped", skipped.to_string()),
        ("time", "0".to_owned()),
    ]
}

fn write(document: &mut Document, class: &str, name: &str, test: &Test) {
    let mut attributes = vec![("classname", class.to_owned()), ("name", name.to_owned()), ("time", "0".to_owned())];
    if let Some((path, line)) = &test.place {
        attributes.extend([("file", path.clone()), ("line", line.to_string())]);
    }
    match &test.outcome {
        Outcome::Passed(lines) if lines.is_empty() => document.empty("testcase", &attributes),
        Outcome::Passed(lines) => {
            document.open("testcase", &attributes);
            document.lines("system-out", &[], lines);
            document.close("testcase");
        }
        Outcome::Skipped(why) => {
            document.open("testcase", &attributes);
            document.empty("skipped", &[("message", why.clone())]);
            document.close("testcase");
        }
        Outcome::Failed { kind, message, lines } => {
            document.open("testcase", &attributes);
            document.lines("failure", &[("type", kind.clone()), ("message", message.clone())], lines);
            document.close("testcase");
        }
    }
}

/// The tests of a comparison: what failed, what was skipped, and the one for all that is good.
fn tests(scene: &Scene<'_>) -> Vec<Test> {
    let report = scene.report;
    let (remarks, failed): (Vec<_>, Vec<_>) = report.findings.iter().partition(|it| it.severity == Severity::Info);
    let mut tests: Vec<Test> = failed.into_iter().map(|finding| failure(scene, finding)).collect();
    for excused in &report.excused {
        tests.push(test(scene, &excused.finding, Outcome::Skipped(excuse(&excused.excuse))));
    }
    for question in &report.undecided {
        let remedy = if question.remedy.is_empty() { String::new() } else { format!("; {}", question.remedy) };
        tests.push(Test {
            name: clipped(&escape(&format!("{} {}: {}", question.code, question.rule, question.reason)), LONGEST),
            place: None,
            outcome: Outcome::Skipped(escape(&format!("not decided: {}{remedy}", question.reason))),
        });
    }
    let remark = |finding: &Finding| {
        let place = scene.home(finding).map_or_else(String::new, |label| format!("{}: ", scene.spot(label.place)));
        format!("info[{}] {place}{}", finding.code, escape(&finding.message))
    };
    let remarks = remarks.into_iter().map(remark).collect();
    tests.push(Test { name: "all other checks".to_owned(), place: None, outcome: Outcome::Passed(remarks) });
    tests
}

fn failure(scene: &Scene<'_>, finding: &Finding) -> Test {
    let mut lines = vec![format!("{}[{}] {}", finding.severity, finding.code, escape(&finding.message))];
    lines.extend(scene.places(finding));
    lines.extend(reasons(finding).into_iter().map(|reason| format!("why: {reason}")));
    lines.extend(advice(finding));
    let kind = format!("{} ({})", finding.severity, finding.impact);
    test(scene, finding, Outcome::Failed { kind, message: escape(&finding.message), lines })
}

fn test(scene: &Scene<'_>, finding: &Finding, outcome: Outcome) -> Test {
    let name = clipped(&escape(&format!("{} {}: {}", finding.code, finding.rule, finding.message)), LONGEST);
    let place = scene
        .home(finding)
        .map(|label| (scene.path(label.place), scene.region(label.place).map_or(1, |region| region.line)));
    Test { name, place, outcome }
}
