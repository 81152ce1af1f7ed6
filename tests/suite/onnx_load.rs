//! What ONNX Runtime releases answered to small models (`tests/scripts/onnx_load_matrix.py`), against what the rules say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use envcheck::{
    environment::{Environment, Side},
    fact::{Fact, FactKind, Package, PackageName, Standing},
    finding::{Severity, Verdicts},
    input::{Content, FORMATS, Files},
    knowledge::Knowledge,
    rules::{self, Check, Context},
    text::{FileId, Place, Sources, Span},
    version::VersionSet,
};

/// One run of releases with one answer.
struct Cell<'t> {
    first: usize,
    last: usize,
    class: &'t str,
    message: &'t str,
}

/// The record: releases, and the cells of each model.
fn record(text: &str) -> (Vec<&str>, BTreeMap<&str, Vec<Cell<'_>>>) {
    let (mut releases, mut models): (Vec<&str>, BTreeMap<&str, Vec<Cell<'_>>>) = Default::default();
    let mut name = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split('\t').collect();
        let at = |release: &str| releases.iter().position(|known| *known == release).unwrap();
        match words[0] {
            "release" => releases.push(words[1]),
            "model" => name = words[1],
            "cell" => {
                let (first, last) = (at(words[1]), at(words[2]));
                models.entry(name).or_default().push(Cell {
                    first,
                    last,
                    class: words[3],
                    message: words.get(4).copied().unwrap_or_default(),
                });
            }
            other => panic!("{other}"),
        }
    }
    (releases, models)
}

/// The facts of a model, or the reason why it is none.
fn facts(path: &Path, sources: &mut Sources) -> Result<Vec<Fact>, String> {
    let defines = BTreeMap::new();
    let mut files = Files::new(sources, &defines);
    let content = Content::open(path).unwrap();
    let file = files.add(path.display().to_string(), content, Some(path.to_owned()), None);
    let format = FORMATS.iter().find(|it| it.name == "onnx").unwrap();
    let reading = (format.read)(&mut files, file);
    match reading.fault {
        Some(fault) => Err(fault.message),
        None => Ok(reading.facts),
    }
}

fn runtime(release: &str, file: FileId) -> Fact {
    let place = Place { file, span: Span::new(0, 0) };
    let mut package = Package::named(PackageName::new("onnxruntime").unwrap(), "onnxruntime", place.span);
    package.versions = VersionSet::exactly(&release.parse().unwrap());
    package.specifier = format!("=={release}");
    Fact { kind: FactKind::Package(package.into()), standing: Standing::Declared, place }
}

/// The first release with kernels in the tables.
const FROM: &str = "1.9.0";

#[test]
fn verdicts_agree_where_answers_change() {
    // Read every line of a difference: one that says `loads` is a false error.
    let said = compare(|run, from| BTreeSet::from([run.first.max(from), run.last]));
    assert!(!said.contains("NOT EXPLAINED"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
#[ignore = "takes minutes: cargo test --release --test suite every_answer -- --ignored --nocapture"]
fn every_answer() {
    let said = compare(|run, from| (run.first.max(from)..=run.last).collect());
    writeln!(std::io::stderr(), "{said}").unwrap();
    let (wrong, rest) = said.split_once(" of ").unwrap();
    let cells: usize = rest.split(' ').next().unwrap().parse().unwrap();
    assert!(wrong.parse::<usize>().unwrap() * 50 < cells);
}

/// Why the rules and a release disagree: the beginning of the model's name, a part of the answer, and the explanation. The
/// first that fits counts.
const CAUSES: [(&str, &str, &str); 47] = [
    ("external/", "missing", OUTSIDE),
    ("edited/external-", "", OUTSIDE),
    ("external/no-elements", "", "a weight without elements breaks an optimisation of releases before 1.27"),
    ("com.microsoft/QLinearConcat", "input_def_count", "releases before 1.12 wanted more inputs"),
    (
        "form/function-attribute-referred",
        "F is not a registered",
        "releases before 1.12 pass no attributes to functions",
    ),
    ("form/unsorted-types-differ", "", UNSORTED),
    ("broken/unsorted-bfloat16", "", UNSORTED),
    ("form/weight-", "", "1.9.0 drops an Identity before it looks at its weight, but not of every branch"),
    ("never/StringNormalizer-locale", "", LOCALE),
    ("sklearn/", "Failed to construct locale", LOCALE),
    ("type-carried/weight-cast-float8e8m0", "Unhandled", "a fault of 1.27 to 1.30"),
    ("type-carried/weight-cast-string", "pre-allocated", "a fault of releases before 1.17"),
    ("", "is not a registered function/op", "releases before 1.12 cannot read every function that later ones read"),
    ("torch/", "@1.14", UNPACKED),
    ("torch/", "vector::_M_range_check", "1.12 cannot read a function with a node of any number of inputs"),
    ("flow/", "Type Error", SEQUENCES),
    ("mistaken/lists", "", SEQUENCES),
    ("flow/if-sequence-result", "", SEQUENCES),
    ("", "crash SIG", "the process ends: a fault of the release"),
    ("tools/", "float8e4m3fn", FUSED),
    ("tools/", "node_index", FUSED),
    ("tools/", "Failed to find kernel for QLinearMatMul", FUSED),
    ("", "ShapeInferenceError", SHAPES),
    ("edited/if-twelve-deep", "", "releases before 1.13 want names of branches that the graph around does not have"),
    (
        "edited/imports-of-a-saved-session",
        "",
        "operator sets of ONNX Runtime's inner domains are not compared with releases",
    ),
    ("edited/string-weight-raw", "", "texts in raw data are not looked at"),
    ("quantised/", "INVALID_GRAPH", MICROSOFT),
    ("quantised/", "nbits_", MICROSOFT),
    ("layer/", "Shape(19)", "Shape mostly has nothing to compute, and 1.15 has no kernel for that of operator set 19"),
    (
        "written/",
        "Shape(19)",
        "Shape mostly has nothing to compute, and 1.15 has no kernel for that of operator set 19",
    ),
    ("layer/norm-half-stash-double", "", "`stash_type` chooses the kernel"),
    ("broken/", "", VALUES),
    ("trees/", "", VALUES),
    ("text/", "", VALUES),
    ("post/transpose-perm-twice", "", VALUES),
    ("learned/", "", VALUES),
    ("", "-minus-3", VALUES),
    ("", "Scale value", VALUES),
    ("", "scale >= 1", VALUES),
    ("", "marked single but has an empty string", MICROSOFT),
    ("com.microsoft/Unique-output-more", "", MICROSOFT),
    ("", "Graph attribute inferencing failed", "types within Scan are not held against what it is given"),
    ("", "'optional(tensor", SEQUENCES),
    ("written/", "output arg (a) type inference failed", SHAPES),
    ("tensorflow/resize-cubic", "", FUSED),
    (
        "tensorflow/segments",
        "ort_value_index",
        "releases before 1.26 compute no weight by a node that leaves out an output between others",
    ),
    ("torch-old/until", "@1.9", "releases before 1.10 want weights of a branch to be inputs of the graph, too"),
];

const OUTSIDE: &str = "nobody looks outside the folder of the model, so that a file that is not there cannot be told; a \
                       warning says that weights lie there";
const UNSORTED: &str = "types are followed from node to node in the order of the file";
const LOCALE: &str = "whether the machine has the locale is not to be seen in files";
const UNPACKED: &str = "1.14 loses what nodes of functions say";
const SEQUENCES: &str = "types of sequences and optionals are not followed";
const FUSED: &str = "what the release itself makes of the graph has no kernel, or breaks";
const MICROSOFT: &str = "forms of ONNX Runtime's own operators change from release to release";
const SHAPES: &str =
    "not every rule about shapes is known, and some shapes are not followed, such as those of states of loops";
const VALUES: &str =
    "values of attributes are looked at where they are words or belong to the usual layers, and not else";

fn cause(name: &str, answer: &str) -> &'static str {
    // A model with one thing changed is called after the one that it was made of.
    let starts = |start: &str| match name.strip_prefix("changed/") {
        Some(made_of) => made_of.starts_with(&start.replace('/', "-")),
        None => name.starts_with(start),
    };
    let fits = |(start, part, _): &&(&str, &str, _)| starts(start) && (answer.contains(part) || name.contains(part));
    CAUSES.iter().find(fits).map_or("NOT EXPLAINED", |(_, _, why)| why)
}

/// Asks the rules about certain releases of every run of answers and lists what differs.
fn compare(chosen: impl Fn(&Cell<'_>, usize) -> BTreeSet<usize>) -> String {
    let text = fs::read_to_string("fixtures/onnx-load/results.tsv").unwrap();
    let (releases, models) = record(&text);
    let from = releases.iter().position(|release| *release == FROM).unwrap();
    let knowledge = Knowledge::built_in();
    let (mut cells, mut groups) = (0, BTreeMap::<String, (usize, Vec<String>)>::new());
    for (name, runs) in &models {
        let mut sources = Sources::default();
        let path = PathBuf::from(format!("fixtures/onnx-load/models/{name}.onnx"));
        let facts = facts(&path, &mut sources);
        for run in runs {
            for at in chosen(run, from).into_iter().filter(|at| (from..=run.last).contains(at)) {
                cells += 1;
                let said = match &facts {
                    Err(fault) => vec![format!("unreadable: {fault}")],
                    Ok(facts) => {
                        let mut facts = facts.clone();
                        facts.push(runtime(releases[at], facts[0].place.file));
                        let serving = Environment::new("serving", Side::Alone, facts, &knowledge);
                        let context = Context { training: None, serving: &serving, knowledge: &knowledge };
                        let mut verdicts = Verdicts::default();
                        for rule in rules::RULES.iter().filter(|rule| matches!(rule.check, Check::Model(_))) {
                            rules::run_one(rule, &context, &mut verdicts);
                        }
                        // Whether somebody registers an unknown domain cannot be seen, so that is a warning.
                        let fails = |code: &str, severity| {
                            severity == Severity::Error || code == "EC204" && severity == Severity::Warning
                        };
                        let errors = verdicts.findings.iter().filter(|it| fails(it.code, it.severity));
                        errors.map(|it| format!("{} {}", it.code, it.message)).collect()
                    }
                };
                if (run.class == "loads") == said.is_empty() {
                    continue;
                }
                let answer = format!("{} {} @{}", run.class, run.message, releases[at]);
                let said = said.first().map_or(String::new(), |said| format!(" ({said:.5})"));
                let said = if run.class == "loads" { said } else { String::new() };
                let key =
                    format!("{}: {}{said}", cause(name, &answer), if run.class == "loads" { "loads" } else { "fails" });
                let group = groups.entry(key).or_default();
                group.0 += 1;
                group.1.push(format!("{name} @{}", releases[at]));
            }
        }
    }
    let wrong: usize = groups.values().map(|(count, _)| count).sum();
    let mut all: Vec<_> = groups.into_iter().collect();
    all.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let lines: Vec<String> = all
        .iter()
        .map(|(key, (count, names))| {
            if key.starts_with("NOT") {
                format!("{count:5} {key}  {}", names.join(", "))
            } else {
                format!("{count:5} {key}  e.g. {} .. {}", names[0], names[names.len() - 1])
            }
        })
        .collect();
    format!("{wrong} of {cells} answers differ\n{}", lines.join("\n"))
}
