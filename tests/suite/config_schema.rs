//! The JSON Schema of `envcheck.toml`: the same text in the repository as in the program, and of one mind with the reader.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use envcheck::{
    config,
    input::{ENVIRONMENT_KEYS, MODEL_KEYS},
    rules::RULES,
    text::{Form, Source, Sources},
};
use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::cases::root;

fn schema() -> Value {
    serde_json::from_str(&config::schema()).unwrap()
}

pub(super) fn validator() -> Validator {
    let schema = schema();
    jsonschema::meta::validate(&schema).unwrap_or_else(|fault| panic!("{fault}"));
    jsonschema::options().with_draft(Draft::Draft202012).build(&schema).unwrap()
}

/// TOML as editors show it to a validator: dates are texts.
fn as_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.as_str().into(),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => (*number).into(),
        toml::Value::Boolean(value) => (*value).into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.iter().map(as_json).collect(),
        toml::Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), as_json(value))).collect(),
    }
}

pub(super) fn schema_faults(validator: &Validator, text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    let value = as_json(&toml::Value::Table(table));
    validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

pub(super) fn reader_faults(text: &str) -> Vec<String> {
    let file = Sources::default().add(Source::new("envcheck.toml".into(), Form::Text, text.into()));
    match config::read(file, text) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.reason).collect(),
    }
}

fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, found);
        } else if path.file_name().is_some_and(|name| name == "envcheck.toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_file_in_the_repository_is_what_the_program_prints() {
    let text = fs::read_to_string(root().join("src/config/envcheck.schema.json")).unwrap();
    let printed = config::schema();
    assert!(text == printed, "write it again with the output of `envcheck config --schema`:\n{printed}");
}

#[test]
fn every_key_and_every_rule_is_described() {
    let schema = schema();
    let keys = |place: &str| -> BTreeSet<String> {
        let properties = schema.pointer(place).and_then(Value::as_object).unwrap_or_else(|| panic!("{place}"));
        for (key, value) in properties {
            assert!(value["description"].as_str().is_some_and(|it| it.ends_with('.')), "{place}/{key}: {value}");
        }
        properties.keys().cloned().collect()
    };
    let texts = |all: Vec<&str>| -> BTreeSet<String> { all.into_iter().map(str::to_owned).collect() };
    let environment = ["role", "inputs"].into_iter().chain(ENVIRONMENT_KEYS).collect();
    assert_eq!(keys("/$defs/environment/properties"), texts(environment));
    let model = MODEL_KEYS.into_iter().chain(["trained-in", "served-in"]).collect();
    assert_eq!(keys("/$defs/model/properties"), texts(model));
    let rules = RULES.iter().flat_map(|rule| [rule.code, rule.name]).chain(["fail-on"]).collect();
    assert_eq!(keys("/properties/rules/properties"), texts(rules));
    for place in ["", "/$defs/ignore", "/properties/knowledge", "/$defs/gpu", "/$defs/signature"] {
        keys(&format!("{place}/properties"));
    }
}

/// Every key in a value that the reader takes.
const WHOLE: &str = r#"
[environment."größe-1_a"]
role = "training"
inputs = ["a b/requirements.txt"]
python = "3.11"
implementation = "CPython"
os = "linux"
distribution = "ubuntu 22.04"
architecture = "x86_64"
libc = "glibc 2.35"
device = "cuda"
execution-providers = ["CUDAExecutionProvider"]
builds-extensions = true
gpu = ["NVIDIA L4", { name = "NVIDIA A10", compute-capability = "8.6", count = 2 }]
driver = "535.161.08"
driver-cuda = "12.2"
cuda = "12.2"
cudnn = "8.9.7"
tensorrt = "8.6.1"
host = { os = "linux", cuda = "12.4" }
[environment.serve]
[[model]]
path = "models/*.onnx"
trained-in = "größe-1_a"
served-in = ["serve"]
format = "onnx"
sha256 = "00"
producer = "pytorch 2.1.0"
python = "3.10.14"
requires = ["scikit-learn ==1.3.2"]
classes = ["a.B"]
ir-version = 9
opsets = { "ai.onnx" = 19 }
gpu = "8.0"
inputs = [{ name = "x", dtype = "float32", shape = ["N", 3, -1] }]
outputs = []
[[model]]
format = "pickle"
[rules]
fail-on = "never"
EC104 = "off"
version-drift = "info"
EC301 = "warning"
unpinned = "error"
[[ignore]]
rule = "EC104"
package = "pillow"
environment = "serve"
path = "legacy/**"
reason = "resized by the client"
expires = 2027-03-01
[knowledge]
extra = ["company.toml"]
"#;

#[test]
fn whatever_the_reader_takes_is_valid() {
    let validator = validator();
    let mut texts = vec![("every key".to_owned(), WHOLE.to_owned()), ("nothing".to_owned(), String::new())];
    let mut files = Vec::new();
    visit(&root().join("fixtures"), &mut files);
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        texts.push((file.display().to_string(), fs::read_to_string(&file).unwrap()));
    }
    for (what, text) in &texts {
        assert_eq!(reader_faults(text), [""; 0], "{what}");
    }
    // Other blocks of the README show other files.
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let before = texts.len();
    for block in blocks.filter(|block| reader_faults(block).is_empty()) {
        texts.push(("README.md".to_owned(), block.to_owned()));
    }
    assert!(texts.len() > before, "the README shows no envcheck.toml");
    for (what, text) in &texts {
        assert_eq!(schema_faults(&validator, text), [""; 0], "{what}");
    }
}

#[test]
fn what_the_reader_refuses_is_not_valid() {
    let spoiled = [
        "[environments.serve]\n",
        "environment = []\n",
        "environment = { serve = 'requirements.txt' }\n",
        "[environment.serve]\nrole = 'server'\n",
        "[environment.serve]\nrole = true\n",
        "[environment.serve]\ninput = ['a.txt']\n",
        "[environment.serve]\ninputs = 'a.txt'\n",
        "[environment.serve]\ninputs = ['']\n",
        "[environment.serve]\ninputs = [1]\n",
        "[environment.'a b']\n",
        "[environment.'']\n",
        "[environment.serve]\npython = 3.11\n",
        "[environment.serve]\npyhton = '3.11'\n",
        "[environment.serve]\nbuilds-extensions = 'yes'\n",
        "[environment.serve]\nexecution-providers = 'CPUExecutionProvider'\n",
        "[environment.serve]\ngpu = 'NVIDIA L4'\n",
        "[environment.serve]\ngpu = [4]\n",
        "[environment.serve]\ngpu = [{ count = 2 }]\n",
        "[environment.serve]\ngpu = [{ name = 'NVIDIA L4', count = -1 }]\n",
        "[environment.serve]\ngpu = [{ name = 'NVIDIA L4', memory = 24 }]\n",
        "[environment.serve]\nhost = { python = '3.11' }\n",
        "[environment.serve]\nhost = 'linux'\n",
        "[environment.serve]\ndriver = 535\n",
        "[model]\npath = 'a.onnx'\n",
        "model = ['a.onnx']\n",
        "[[model]]\n",
        "[[model]]\npath = ''\n",
        "[environment.serve]\n[[model]]\nserved-in = ['serve']\n",
        "[environment.serve]\n[[model]]\npath = 'a.onnx'\nserved-in = 'serve'\n",
        "[environment.train]\n[[model]]\npath = 'a.onnx'\ntrained_in = 'train'\n",
        "[[model]]\npath = 'a.onnx'\nopset = 19\n",
        "[[model]]\npath = 'a.onnx'\nopsets = 19\n",
        "[[model]]\npath = 'a.onnx'\nopsets = { 'ai.onnx' = '19' }\n",
        "[[model]]\npath = 'a.onnx'\nir-version = '9'\n",
        "[[model]]\npath = 'a.onnx'\ninputs = [{ nam = 'x' }]\n",
        "[[model]]\npath = 'a.onnx'\ninputs = [{ shape = [1.5] }]\n",
        "[[model]]\npath = 'a.onnx'\ninputs = [{ shape = 3 }]\n",
        "rules = []\n",
        "[rules]\nEC999 = 'off'\n",
        "[rules]\nversion-drfit = 'off'\n",
        "[rules]\nEC104 = 'never'\n",
        "[rules]\nEC104 = false\n",
        "[rules]\nEC104 = 'Error'\n",
        "[rules]\nfail-on = 'off'\n",
        "[rules]\nfail-on = 1\n",
        "[rules]\nfail_on = 'error'\n",
        "[ignore]\nrule = 'EC104'\nreason = 'x'\n",
        "[[ignore]]\nrule = 'EC104'\n",
        "[[ignore]]\nreason = 'x'\n",
        "[[ignore]]\nrule = 'EC1'\nreason = 'x'\n",
        "[[ignore]]\nrule = 'EC104'\nreason = ''\n",
        "[[ignore]]\nrule = 'EC104'\nreason = 'x'\nexpires = 'soon'\n",
        "[[ignore]]\nrule = 'EC104'\nreason = 'x'\nexpires = 2027-03-01T10:00:00\n",
        "[[ignore]]\nrule = 'EC104'\nreason = 'x'\nuntil = 2027-03-01\n",
        "[knowledge]\nextra = 'company.toml'\n",
        "[knowledge]\nfiles = ['company.toml']\n",
        "knowledge = ['company.toml']\n",
        "fail-on = 'error'\n",
    ];
    let validator = validator();
    for text in spoiled {
        assert_ne!(reader_faults(text), [""; 0], "the reader takes:\n{text}");
        assert_ne!(schema_faults(&validator, text), [""; 0], "the schema takes:\n{text}");
    }
}

/// A value as TOML on one line.
fn as_toml(value: &toml::Value) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    match value {
        toml::Value::String(text) => quoted(text),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => format!("{number:?}"),
        toml::Value::Boolean(value) => value.to_string(),
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::Array(items) => format!("[{}]", items.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        toml::Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| format!("{} = {}", quoted(key), as_toml(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// What takes the place of every value in turn.
const OTHERS: &str = r#"
all = ["", " ", "x", "serve", "3.11", "EC301", "ec301", "off", "../a", "a/**", "[", "2027-03-01", -1, 0, 3, 4294967296, 1.5, true, [], [""],
    ["serve"], ["x", "x"], [1], [[]], {}, { x = 1 }, { name = "x" }, [{}], [{ name = "x" }], 2027-03-01, 2027-03-01T10:00:00Z, 10:00:00]
"#;

/// The value with one place in it changed, in all ways.
fn spoiled(value: &toml::Value, others: &[toml::Value]) -> Vec<toml::Value> {
    let mut found = others.to_vec();
    match value {
        toml::Value::Table(table) => {
            for (key, inner) in table {
                let with = |new: toml::Value| {
                    let mut table = table.clone();
                    table.insert(key.clone(), new);
                    toml::Value::Table(table)
                };
                found.extend(spoiled(inner, others).into_iter().map(with));
                let mut without = table.clone();
                without.remove(key);
                found.push(toml::Value::Table(without));
            }
            for key in ["x", "", "name", "role", "inputs", "path", "EC301", "gpu", "a b"] {
                let mut more = table.clone();
                more.entry(key).or_insert_with(|| "x".into());
                found.push(toml::Value::Table(more));
            }
        }
        toml::Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                found.extend(spoiled(inner, others).into_iter().map(|new| {
                    let mut items = items.clone();
                    items[at] = new;
                    toml::Value::Array(items)
                }));
            }
        }
        _ => {}
    }
    found
}

#[test]
fn the_schema_and_the_reader_agree_about_every_change_to_a_file() {
    let others: toml::Table = OTHERS.parse().unwrap();
    let others = others["all"].as_array().unwrap();
    let validator = validator();
    let mut files = Vec::new();
    visit(&root().join("fixtures"), &mut files);
    let mut texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    texts.push(WHOLE.to_owned());
    let mut seen = BTreeSet::new();
    let mut differences = BTreeSet::new();
    for text in texts {
        let toml::Value::Table(table) = text.parse::<toml::Table>().map(toml::Value::Table).unwrap() else { continue };
        for changed in spoiled(&toml::Value::Table(table), others) {
            let toml::Value::Table(table) = &changed else { continue };
            let line = |(key, value): (&String, &toml::Value)| {
                format!("{} = {}\n", serde_json::to_string(key).unwrap(), as_toml(value))
            };
            let text: String = table.iter().map(line).collect();
            if !seen.insert(text.clone()) {
                continue;
            }
            let (reader, schema) = (reader_faults(&text), schema_faults(&validator, &text));
            // What names what, which patterns of paths are none, and dates without quotes are beyond a schema.
            let beyond = |fault: &String| {
                let words =
                    ["no environment is called", "error parsing glob", "found datetime", "a date without quotes"];
                words.iter().any(|word| fault.contains(word))
            };
            let reader: Vec<String> =
                if schema.is_empty() { reader.into_iter().filter(|it| !beyond(it)).collect() } else { reader };
            if reader.is_empty() != schema.is_empty() {
                differences.insert(format!("reader {reader:?}, schema {schema:?}"));
            }
        }
    }
    assert!(seen.len() > 1000, "{}", seen.len());
    let shown: Vec<&String> = differences.iter().collect();
    assert!(
        shown.is_empty(),
        "{} differences in {} files:\n{}",
        shown.len(),
        seen.len(),
        shown.iter().map(|it| it.as_str()).collect::<Vec<_>>().join("\n")
    );
}
