//! The outputs for other programs and services: what each says about rich cases, what holds for every one of them, and
//! the limits that services set.

use std::{collections::BTreeSet, fs};

use envcheck::{
    environment::{Environment, Side},
    finding::{Edit, Evidence, Excuse, Excused, Finding, Fix, Impact, Severity, Undecided},
    knowledge::{KNOWLEDGE_DATE, Knowledge},
    report::{Detail, OUTPUTS, Output, Report, ReportedSide, RuleAbout, Style},
    rules::RULES,
    text::{FileId, Form, Place, Source, Sources, Span},
};
use serde_json::Value;

use super::{
    cases::{cases, envcheck, root},
    cli::Scratch,
    reports::{faults, schema},
};

/// The formats that programs and services read.
const MACHINE: [&str; 7] = ["sarif", "github", "gitlab", "junit", "checkstyle", "json-lines", "markdown"];

pub(super) fn output(name: &str) -> &'static Output {
    OUTPUTS.iter().copied().find(|output| output.name == name).unwrap()
}

/// What a report is made of, for findings that no fixture has.
pub(super) struct World {
    pub(super) sources: Sources,
    sides: Vec<ReportedSide>,
    rules: Vec<RuleAbout>,
    pub(super) train: FileId,
    pub(super) serve: FileId,
    pub(super) model: FileId,
}

impl World {
    /// Two sides and a model, with these paths and texts.
    pub(super) fn new(train: (&str, &str), serve: (&str, &str), model: (&str, &str)) -> World {
        let mut sources = Sources::default();
        let mut add = |(path, text): (&str, &str), form| sources.add(Source::new(path.to_owned(), form, text.into()));
        let (train, serve, model) = (add(train, Form::Text), add(serve, Form::Text), add(model, Form::View));
        let knowledge = Knowledge::built_in();
        let side = |name, side| ReportedSide {
            environment: Environment::new(name, side, Vec::new(), &knowledge),
            inputs: Vec::new(),
        };
        let sides = vec![side("train", Side::Training), side("serve", Side::Serving)];
        let about = |rule: &&envcheck::rules::Rule| RuleAbout {
            code: rule.code,
            name: rule.name,
            summary: rule.summary(),
            docs: rule.docs,
            severity: rule.severity,
            impact: rule.impact,
        };
        World { sources, sides, rules: RULES.iter().map(about).collect(), train, serve, model }
    }

    fn plain() -> World {
        World::new(
            ("train/requirements.txt", "numpy==1.26.4\nscipy==1.13.0\n"),
            ("serve/requirements.txt", "# serving\nnumpy==2.0.1\nscipy==1.14.0\n"),
            ("model.onnx", "opset_import: ai.onnx 20\n"),
        )
    }

    pub(super) fn place(&self, file: FileId, part: &str) -> Place {
        let start = self.sources.get(file).text().find(part).unwrap();
        Place { file, span: Span::new(start, start + part.len()) }
    }

    pub(super) fn report(&self, name: &str, findings: Vec<Finding>) -> Report<'_> {
        Report {
            repository: None,
            name: name.to_owned(),
            rules: &self.rules,
            sides: &self.sides,
            findings,
            excused: Vec::new(),
            undecided: Vec::new(),
            sources: &self.sources,
            knowledge: KNOWLEDGE_DATE,
        }
    }

    fn finding(&self, severity: Severity, message: &str, part: &str) -> Finding {
        let finding = finding(severity, message);
        finding.primary("serve", self.place(self.serve, part), "in serving")
    }
}

pub(super) fn finding(severity: Severity, message: &str) -> Finding {
    Finding {
        code: "EC101",
        rule: "version-drift",
        severity,
        impact: Impact::Drift,
        message: message.to_owned(),
        components: vec!["numpy".into()],
        labels: Vec::new(),
        evidence: Vec::new(),
        help: None,
        fixes: Vec::new(),
        unfixed: None,
    }
}

pub(super) fn rendered(name: &str, reports: &[Report<'_>]) -> String {
    (output(name).render)(reports, Style { color: false, width: 100, detail: Detail::Normal })
}

fn json(name: &str, reports: &[Report<'_>]) -> Value {
    serde_json::from_str(&rendered(name, reports)).unwrap()
}

/// Without what changes with every release.
fn redacted(text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = text.to_owned();
    for gap in [" ", ""] {
        text = text
            .replace(&format!("\"knowledge\":{gap}\"{KNOWLEDGE_DATE}\""), &format!("\"knowledge\":{gap}\"[date]\""));
        for key in ["version", "semanticVersion"] {
            text = text.replace(&format!("\"{key}\":{gap}\"{version}\""), &format!("\"{key}\":{gap}\"[version]\""));
        }
    }
    text.replace(
        &format!("envcheck {version}, knowledge of {KNOWLEDGE_DATE}"),
        "envcheck [version], knowledge of [date]",
    )
}

const QUICKSTART: [&str; 3] = ["diff", "fixtures/quickstart/train", "fixtures/quickstart/serve"];
const TWO_SERVERS: [&str; 3] = ["check", "--config", "fixtures/outputs/two-servers/envcheck.toml"];

#[test]
fn one_comparison_and_two_in_every_format() {
    for (name, arguments) in [("quickstart", QUICKSTART), ("two-servers", TWO_SERVERS)] {
        for format in MACHINE {
            let run = envcheck(&[&arguments[..], &["--format", format]].concat());
            assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{name} as {format}");
            insta::assert_snapshot!(format!("{name}-{format}"), redacted(&run.stdout));
            let again = envcheck(&[&arguments[..], &["--format", format]].concat());
            assert_eq!(run.stdout, again.stdout, "{name} as {format} differs from run to run");
        }
    }
}

/// Findings that comments, a table and a baseline excuse beside one that they do not; a fix with two edits.
#[test]
fn what_is_excused_is_shown_as_such() {
    let world = World::plain();
    let evidence = |claim: &str| Evidence {
        claim: claim.into(),
        source: "https://docs.example/notes".into(),
        locator: "table 1".into(),
        checked: "2026-11-20".into(),
        own_row: None,
    };
    let edit =
        |part, replacement: &str| Edit { place: world.place(world.serve, part), replacement: replacement.into() };
    let mut first = world
        .finding(Severity::Error, "numpy 2.0.1 is not numpy 1.26.4", "numpy==2.0.1")
        .label("train", world.place(world.train, "numpy==1.26.4"), "in training")
        .label("train", world.place(world.model, "ai.onnx 20"), "the model")
        .because(evidence("both differ"))
        .help("pin numpy==1.26.4, or wait");
    first.fixes = vec![
        Fix {
            title: "use both".into(),
            safe: true,
            edits: vec![edit("2.0.1", "1.26.4"), edit("1.14.0", "1.13.0")],
            command: None,
            ..Fix::default()
        },
        Fix { title: "buy another GPU".into(), ..Fix::default() },
    ];
    let scipy = |message: &str| {
        let mut finding = world.finding(Severity::Warning, message, "scipy==1.14.0");
        finding.components = vec![message.to_owned()];
        finding
    };
    let place = world.place(world.serve, "# serving");
    let mut report = world.report("train -> serve", vec![first]);
    report.excused = vec![
        Excused { finding: scipy("one"), excuse: Excuse::Comment { place, reason: "measured to be the same".into() } },
        Excused { finding: scipy("two"), excuse: Excuse::Config { place, reason: "not used".into() } },
        Excused { finding: scipy("three"), excuse: Excuse::Baseline { path: "envcheck-baseline.json".into() } },
        Excused { finding: scipy("four"), excuse: Excuse::Since { revision: "origin/main".into() } },
    ];
    report.undecided = vec![Undecided {
        code: "EC001",
        rule: "python-drift",
        reason: "no Python version is known".into(),
        remedy: "add one".into(),
    }];
    let reports = [report];
    for format in ["sarif", "junit", "json-lines", "markdown"] {
        insta::assert_snapshot!(format!("excused-{format}"), redacted(&rendered(format, &reports)));
    }
    // Formats that know no excuse leave such findings out.
    assert_eq!(json("gitlab", &reports).as_array().unwrap().len(), 1);
    assert!(!rendered("github", &reports).contains("scipy"));
    assert!(!rendered("checkstyle", &reports).contains("scipy"));
    let validator = schema("json-lines.schema.json");
    let kinds: Vec<String> = lines(&rendered("json-lines", &reports))
        .iter()
        .map(|line| {
            assert_eq!(faults(&validator, "excused", line), Vec::<String>::new());
            line["kind"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(kinds, ["finding", "ignored", "ignored", "ignored", "ignored", "undecided", "summary"]);
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_clean_run_is_a_good_report() {
    let world = World::plain();
    let clean = [world.report("train -> serve", Vec::new())];
    assert_eq!(rendered("github", &clean), "");
    assert_eq!(rendered("gitlab", &clean), "[]\n");
    let sarif = json("sarif", &clean);
    assert_eq!(sarif["runs"][0]["results"], Value::Array(Vec::new()));
    assert!(rendered("junit", &clean).contains("<testsuites name=\"envcheck\" tests=\"1\" failures=\"0\""));
    assert!(rendered("checkstyle", &clean).contains("<checkstyle version="));
    assert!(rendered("markdown", &clean).starts_with("<!-- envcheck -->\n### envcheck: no findings\n"));
    let lines = lines(&rendered("json-lines", &clean));
    assert_eq!((lines.len(), &lines[0]["kind"], &lines[0]["error"]), (1, &Value::from("summary"), &Value::from(0)));
}

#[test]
fn every_firing_case_comes_out_well_formed_in_every_format() {
    let scratch = Scratch::new();
    let json_lines = schema("json-lines.schema.json");
    for case in cases().iter().filter(|case| case.name == "fires") {
        let file = |format: &str| scratch.path(format).to_str().unwrap().to_owned();
        let outputs: Vec<String> = MACHINE.iter().map(|format| format!("--output={format}={}", file(format))).collect();
        let mut options: Vec<&str> = outputs.iter().map(String::as_str).collect();
        options.extend(["--format", "json", "--fail-on", "never"]);
        let run = case.run(&options);
        assert_eq!(run.code, 0, "{}: {}", case.path(), run.stderr);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let text = |format: &str| fs::read_to_string(file(format)).unwrap();

        let sarif: Value = serde_json::from_str(&text("sarif")).unwrap();
        check_sarif(&case.path(), &sarif, findings.len());
        let issues: Vec<Value> = serde_json::from_str(&text("gitlab")).unwrap();
        let prints: BTreeSet<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
        assert_eq!((issues.len(), prints.len()), (findings.len(), findings.len()), "{}", case.path());
        let failed = findings.iter().filter(|finding| finding["severity"] != "info").count();
        assert_eq!(elements(&text("junit"), "failure"), failed, "{}", case.path());
        assert_eq!(elements(&text("checkstyle"), "error"), findings.len(), "{}", case.path());
        assert!(text("github").lines().all(|line| line.starts_with("::")), "{}", case.path());
        assert!(text("markdown").chars().count() < 65_536, "{}", case.path());
        for line in lines(&text("json-lines")) {
            assert_eq!(faults(&json_lines, &case.path(), &line), Vec::<String>::new());
        }
    }
}

/// How many elements of a name an XML document has; it must be well-formed.
pub(super) fn elements(text: &str, name: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut count = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(it) | quick_xml::events::Event::Empty(it) => {
                assert!(it.attributes().all(|attribute| attribute.is_ok()));
                count += usize::from(it.name().as_ref() == name);
            }
            quick_xml::events::Event::Eof => return count,
            _ => {}
        }
    }
}

/// What the schema cannot say: indices that hit, regions in order, files that are there.
fn check_sarif(what: &str, sarif: &Value, results: usize) {
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let all = run["results"].as_array().unwrap();
    assert_eq!(all.len(), results, "{what}");
    for result in all {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"], "{what}");
        assert_eq!(result["locations"].as_array().unwrap().len(), 1, "{what}");
        let related = result["relatedLocations"].as_array().cloned().unwrap_or_default();
        for location in result["locations"].as_array().unwrap().iter().chain(&related) {
            let physical = &location["physicalLocation"];
            let path = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(root().join(path.replace("%20", " ")).is_file(), "{what}: {path}");
            let number = |key: &str| physical["region"][key].as_u64();
            let start = (number("startLine").unwrap(), number("startColumn"));
            if let Some(line) = number("endLine") {
                assert!(start <= (line, number("endColumn")), "{what}: {physical}");
            }
        }
    }
    for rule in rules {
        assert!(rule["fullDescription"]["text"].as_str().unwrap().chars().count() <= 1024, "{what}");
        let tags = rule["properties"]["tags"].as_array().unwrap();
        assert!(tags.len() <= 20, "{what}");
    }
}

/// One cause in two comparisons is shown once by services, and twice by what lists comparisons.
#[test]
fn a_finding_of_two_comparisons_is_one_alert() {
    let world = World::plain();
    let finding = |message: &str, severity| world.finding(severity, message, "numpy==2.0.1");
    let mut second = world.report("old -> serve", vec![finding("numpy is 1.25.0 in training", Severity::Error)]);
    second.undecided = vec![Undecided {
        code: "EC001",
        rule: "python-drift",
        reason: "no Python version is known".into(),
        remedy: String::new(),
    }];
    let reports =
        [world.report("train -> serve", vec![finding("numpy is 1.26.4 in training", Severity::Warning)]), second];
    let sarif = json("sarif", &reports);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    assert_eq!(results[0]["level"], "error");
    assert_eq!(results[0]["properties"]["comparisons"], serde_json::json!(["train -> serve", "old -> serve"]));
    let message = results[0]["message"]["text"].as_str().unwrap();
    assert_eq!(message, "numpy is 1.25.0 in training\nin train -> serve: numpy is 1.26.4 in training");
    assert_eq!(json("gitlab", &reports).as_array().unwrap().len(), 1);
    assert_eq!(rendered("github", &reports).matches("::error").count(), 1);
    assert_eq!(elements(&rendered("checkstyle", &reports), "error"), 1);
    assert_eq!(elements(&rendered("junit", &reports), "failure"), 2);
    assert_eq!(lines(&rendered("json-lines", &reports)).len(), 4);
    assert!(rendered("markdown", &reports).contains("| `train -> serve`<br>`old -> serve` |"));
}

/// What one comparison excuses and another reports is reported.
#[test]
fn an_excuse_of_one_comparison_hides_nothing_in_another() {
    let world = World::plain();
    let finding = || world.finding(Severity::Error, "numpy differs", "numpy==2.0.1");
    let mut first = world.report("train -> serve", Vec::new());
    first.excused = vec![Excused { finding: finding(), excuse: Excuse::Baseline { path: "baseline.json".into() } }];
    let reports = [first, world.report("old -> serve", vec![finding()])];
    let sarif = json("sarif", &reports);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!((results.len(), results[0].get("suppressions")), (1, None));
}

fn many(world: &World, count: usize, severity: Severity) -> Vec<Finding> {
    (0..count)
        .map(|at| {
            let mut finding = world.finding(severity, &format!("component-{at} differs, {}", "x".repeat(60)), "numpy");
            finding.components = vec![format!("component-{at}")];
            finding
        })
        .collect()
}

#[test]
fn limits_of_services_are_kept_worst_first_and_said() {
    let world = World::plain();
    let mut findings = many(&world, 12, Severity::Error);
    findings.extend(many(&world, 25_003, Severity::Warning).into_iter().skip(12));
    let reports = [world.report("train -> serve", findings)];

    let sarif = json("sarif", &reports);
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 25_000);
    assert_eq!((&run["results"][11]["level"], &run["results"][12]["level"]), (&"error".into(), &"warning".into()));
    let said = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert!(said.as_str().unwrap().starts_with("3 results left out"), "{said}");

    let annotations = rendered("github", &reports);
    let of = |command: &str| annotations.lines().filter(|line| line.starts_with(command)).collect::<Vec<_>>();
    assert_eq!((of("::error").len(), of("::warning").len(), annotations.lines().count()), (10, 10, 20));
    assert!(of("::error")[9].contains("3 errors without annotations of their own"), "{}", of("::error")[9]);
    assert!(of("::warning")[9].contains("and 24952 more"), "{}", of("::warning")[9]);
    assert!(annotations.lines().all(|line| line.len() < 64 * 1024));

    let markdown = rendered("markdown", &reports);
    let length = markdown.chars().count();
    assert!((30_000..65_536).contains(&length), "{length} characters");
    assert!(markdown.contains("component-11 differs") && markdown.contains("Left out for want of room"), "{markdown}");
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
}

/// Services count lines by line feeds; Python, and with it every message, counts more.
#[test]
fn lines_are_counted_as_services_count_them() {
    let text = "# a\u{c}b\u{85}c\r\nnumpy==2.0.1\n";
    let world = World::new(("a.txt", ""), ("./serve.txt", text), ("m.onnx", ""));
    let place = world.place(world.serve, "numpy==2.0.1");
    assert_eq!(world.sources.position(place).line, 4);
    let finding = finding(Severity::Error, "numpy differs").primary("serve", place, "here");
    let reports = [world.report("train -> serve", vec![finding])];
    let region = &json("sarif", &reports)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(*region, serde_json::json!({ "startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 13 }));
    assert!(rendered("github", &reports).starts_with("::error file=serve.txt,line=2,endLine=2,col=1,endColumn=13,"));
}

#[test]
fn unusual_paths_reach_each_format_in_its_spelling() {
    let path = "serve größe/a,b:c #1%.txt";
    let world = World::new(("a.txt", ""), (path, "numpy\n"), ("m.onnx", ""));
    let finding = finding(Severity::Error, "numpy differs").primary("serve", world.place(world.serve, "numpy"), "here");
    let reports = [world.report("train -> serve", vec![finding])];
    let location = &json("sarif", &reports)["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "serve%20gr%C3%B6%C3%9Fe/a,b%3Ac%20%231%25.txt");
    assert!(rendered("github", &reports).starts_with("::error file=serve größe/a%2Cb%3Ac #1%25.txt,line=1,"));
    assert_eq!(json("gitlab", &reports)[0]["location"]["path"], path);
    assert!(rendered("junit", &reports).contains(&format!("file=\"{path}\" line=\"1\"")));
    assert!(rendered("checkstyle", &reports).contains(&format!("<file name=\"{path}\">")));
    assert!(rendered("markdown", &reports).contains(&format!("`{path}:1`")));
}

/// The schema of lines says of findings what the schema of the report says.
#[test]
fn the_schemas_agree() {
    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(root().join("src/report").join(name)).unwrap()).unwrap()
    };
    let (report, lines) = (read("report.schema.json"), read("json-lines.schema.json"));
    for name in ["label", "evidence", "fix", "edit"] {
        assert_eq!(report["$defs"][name], lines["$defs"][name], "{name}");
    }
    for (key, value) in report["$defs"]["finding"]["properties"].as_object().unwrap() {
        assert_eq!(lines["$defs"]["ignored"]["properties"][key], *value, "{key}");
        if key != "ignored" {
            assert_eq!(lines["$defs"]["finding"]["properties"][key], *value, "{key}");
        }
    }
}
