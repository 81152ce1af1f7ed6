//! Requirements files as pip reads them: every case of a corpus whose expected readings pip's own code wrote.
//!
//! The corpus lies beside the repository, not in it; without it the test says that it was skipped.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use envcheck::{
    fact::{FactKind, Package, PackageName, requirement::Operator},
    input::{Claim, Content, FORMATS, Files, Probe, Reading, recognise},
    text::{Place, Sources, decode},
};
use serde_json::Value;

/// A file beside the repository, or in the folder that `ENVCHECK_SHARED` names.
fn shared(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).to_owned();
    let path = std::env::var_os("ENVCHECK_SHARED").map_or_else(beside, PathBuf::from).join(part);
    if path.exists() {
        return Some(path);
    }
    let _ = writeln!(std::io::stderr(), "skipped: no {part} to compare with");
    None
}

fn read(path: &Path, format: &str, defines: &BTreeMap<String, String>) -> (Reading, Sources) {
    let mut sources = Sources::default();
    let reading = {
        let mut files = Files::new(&mut sources, defines);
        let root = path.parent().unwrap().to_owned();
        let shown = path.file_name().unwrap().to_string_lossy().into_owned();
        let file = files.add(shown, Content::open(path).unwrap(), Some(path.to_owned()), Some(root));
        let format = FORMATS.iter().find(|it| it.name == format).unwrap();
        (format.read)(&mut files, file)
    };
    (reading, sources)
}

/// File and line of a place.
fn line(sources: &Sources, place: Place) -> (String, u64) {
    let line = sources.position(place).line;
    (sources.get(place.file).path.clone(), u64::try_from(line).unwrap())
}

/// The clauses of a specifier, sorted as the corpus has them.
fn clauses(package: &Package) -> Vec<(String, String)> {
    let mut clauses: Vec<(String, String)> = package
        .specifier
        .split(',')
        .filter(|it| !it.is_empty())
        .map(|clause| {
            let operators = [
                Operator::Arbitrary,
                Operator::Equal,
                Operator::Compatible,
                Operator::NotEqual,
                Operator::AtMost,
                Operator::AtLeast,
                Operator::Below,
                Operator::Above,
            ];
            let operator = operators.iter().find(|it| clause.starts_with(it.as_str())).unwrap().as_str();
            (operator.to_owned(), clause[operator.len()..].to_owned())
        })
        .collect();
    clauses.sort();
    clauses
}

/// What differs between a fact and what pip made of the line.
fn difference(package: &Package, expected: &Value) -> Option<String> {
    let text = |key: &str| expected[key].as_str();
    let normal = |text: &str| PackageName::new(text).unwrap().to_string();
    let mut differences = Vec::new();
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            differences.push(format!("{what}: {ours}, pip has {theirs}"));
        }
    };
    check("name", package.name.to_string(), normal(text("name").unwrap()));
    check("constraint", package.constraint.to_string(), expected["constraint"].to_string());
    check("editable", package.editable.to_string(), (expected["kind"] == "editable").to_string());
    let mut ours: Vec<String> = package.extras.iter().map(ToString::to_string).collect();
    ours.sort();
    let mut theirs: Vec<String> =
        expected["extras"].as_array().unwrap().iter().map(|it| normal(it.as_str().unwrap())).collect();
    theirs.sort();
    check("extras", ours.join(","), theirs.join(","));
    let marker = |text: &str| text.replace('\'', "\"").replace(' ', "");
    let ours = package.marker.as_ref().map(|it| marker(&it.to_string()));
    check("marker", ours.unwrap_or_default(), text("marker").map(marker).unwrap_or_default());
    let mut theirs: Vec<(String, String)> = expected["specifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it[0].as_str().unwrap().to_owned(), it[1].as_str().unwrap().to_owned()))
        .collect();
    theirs.sort();
    let mut ours = clauses(package);
    if let (true, Some(_), Some(version)) = (ours.is_empty(), &package.url, package.versions.single()) {
        // pip makes a specifier of a wheel's file name, but only where no name stands before it.
        if !theirs.is_empty() {
            ours = vec![("==".to_owned(), version.to_string())];
        }
    }
    check("specifier", format!("{ours:?}"), format!("{theirs:?}"));
    let url = text("url").map(|it| it.replace("file://<CASE>/", ""));
    let ours = package.url.as_deref().map(|it| it.trim_start_matches("./").to_owned());
    check("url", ours.unwrap_or_default(), url.unwrap_or_default());
    (!differences.is_empty()).then(|| differences.join("; "))
}

#[test]
fn tricky_requirements_are_read_as_pip_reads_them() {
    let Some(corpus) = shared("corpus/requirements-tricky") else { return };
    let expected: Value = serde_json::from_slice(&fs::read(corpus.join("expected.json")).unwrap()).unwrap();
    let mut faults = Vec::new();
    let cases = expected["cases"].as_object().unwrap();
    for (case, expected) in cases {
        let folder = corpus.join("cases").join(case);
        let defines: BTreeMap<String, String> =
            fs::read(folder.join("env.json")).map(|bytes| serde_json::from_slice(&bytes).unwrap()).unwrap_or_default();
        let path = folder.join("requirements.txt");
        let bytes = fs::read(&path).unwrap();
        let text = decode(&bytes).ok();
        let probe = Probe { name: "requirements.txt", bytes: &bytes, text: text.as_deref() };
        if recognise(&probe, Claim::Likely).map(|it| it.name) != Some("requirements.txt") {
            faults.push(format!("{case}: not recognised"));
        }
        let (reading, sources) = read(&path, "requirements.txt", &defines);
        // Where packages come from is an option to pip, and a fact here.
        let mut facts = reading.facts.iter().filter(|fact| !matches!(fact.kind, FactKind::PackageIndex(_)));
        let mut places: Vec<(String, u64)> =
            reading.skipped.iter().map(|skipped| line(&sources, skipped.place)).collect();
        for item in expected["items"].as_array().unwrap() {
            if item["kind"] == "options" {
                continue;
            }
            let place = (item["file"].as_str().unwrap().to_owned(), item["line"].as_u64().unwrap());
            // pip looks at the disk for the editable path of this case; the freeze comment names its package.
            let named_by_comment = case == "50-freeze-output" && item["kind"] == "editable";
            let skipped = !named_by_comment && (item.get("error").is_some() || item["name"].is_null());
            if skipped {
                match places.iter().position(|it| *it == place) {
                    Some(at) => drop(places.remove(at)),
                    None => faults.push(format!("{case}: nothing skipped at {place:?}")),
                }
                continue;
            }
            let Some(fact) = facts.next() else {
                faults.push(format!("{case}: no fact at {place:?}"));
                continue;
            };
            let FactKind::Package(package) = &fact.kind else { panic!("{case}: not a package") };
            if line(&sources, fact.place) != place {
                faults.push(format!("{case}: fact at {:?}, pip has {place:?}", line(&sources, fact.place)));
            }
            if !named_by_comment {
                faults.extend(difference(package, item).map(|it| format!("{case} {place:?}: {it}")));
            }
        }
        // Reading goes on after what stops pip, and some things that pip passes over in silence are said.
        let fatal = !expected["fatal"].is_null();
        let left = facts.count();
        if left > 0 && !fatal {
            faults.push(format!("{case}: {left} facts more than pip has"));
        }
        if fatal && places.is_empty() {
            faults.push(format!("{case}: pip stops, but nothing is skipped"));
        }
        let said = ["07", "10", "19", "48", "49"].iter().any(|it| case.starts_with(it));
        if !places.is_empty() && !fatal && !said {
            faults.push(format!("{case}: skipped beyond pip: {places:?}"));
        }
    }
    let _ = writeln!(std::io::stderr(), "{} cases, {} differences", cases.len(), faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// How many facts and skipped parts a sample has.
#[test]
fn samples_of_real_tools_are_read_whole() {
    for (path, facts) in [
        ("corpus/locks/pip/train.freeze.txt", 0),
        ("corpus/locks/pip/serve.freeze.txt", 0),
        ("corpus/locks/pip-tools/serve.in", 4),
        ("corpus/locks/pip-tools/serve-noannotate.txt", 0),
        ("corpus/locks/pip-tools/serve-hashes.txt", 0),
        ("corpus/locks/uv/train.universal-requirements.txt", 0),
        ("corpus/locks/uv/train.hashes-requirements.txt", 0),
        ("corpus/locks/uv/serve.export-requirements.txt", 0),
        ("facts/examples-python/local-versions.txt", 10),
        ("facts/examples-python/pip-list-freeze.txt", 11),
        ("facts/examples-python/conda-env-pip-freeze.txt", 15),
        ("facts/examples-python/vcs-and-editable.txt", 9),
    ] {
        let Some(file) = shared(path) else { return };
        let bytes = fs::read(&file).unwrap();
        let text = decode(&bytes).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let probe = Probe { name: &name, bytes: &bytes, text: Some(&text) };
        assert_eq!(recognise(&probe, Claim::Likely).map(|it| it.name), Some("requirements.txt"), "{path}");
        let (reading, _) = read(&file, "requirements.txt", &BTreeMap::new());
        assert_eq!(reading.skipped, [], "{path}");
        // Annotations and hashes of lock tools are indented or comments; each other line is one requirement.
        let lines = text.lines().filter(|it| !it.starts_with([' ', '#', '-']) && !it.is_empty()).count();
        let packages = reading.facts.iter().filter(|fact| matches!(fact.kind, FactKind::Package(_))).count();
        assert_eq!(packages, if facts == 0 { lines } else { facts }, "{path}");
    }
}

/// Listings of installed packages: the format that claims each, and how many facts it gives.
#[test]
fn listings_of_real_tools_are_read_whole() {
    for (path, format, facts) in [
        ("corpus/locks/pip/train.list.txt", "pip-list", 18),
        ("corpus/locks/pip/train.list.json", "pip-list-json", 18),
        ("corpus/locks/pip/serve.inspect.json", "pip-inspect", 39),
        ("facts/examples-python/pip-inspect.json", "pip-inspect", 14),
        ("facts/examples-python/pip-report.json", "pip-report", 6),
        ("facts/examples-python/pip-list.json", "pip-list-json", 8),
        ("facts/examples-python/pip-list-columns.txt", "pip-list", 9),
        ("facts/examples-python/conda-list-export.txt", "conda-list", 14),
        ("facts/examples-python/conda-explicit.txt", "conda-explicit", 6),
    ] {
        let Some(file) = shared(path) else { return };
        let bytes = fs::read(&file).unwrap();
        let text = decode(&bytes).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let probe = Probe { name: &name, bytes: &bytes, text: Some(&text) };
        assert_eq!(recognise(&probe, Claim::Likely).map(|it| it.name), Some(format), "{path}");
        let (reading, _) = read(&file, format, &BTreeMap::new());
        assert_eq!((reading.skipped.len(), reading.fault.is_some()), (0, false), "{path}");
        assert_eq!(reading.facts.len(), facts, "{path}");
    }
}
