//! The user's own rows: what they add, what they override, and how strictly they are read.

use envcheck::knowledge::{
    Counts, KNOWLEDGE_DATE, Knowledge,
    image::{MachineName, Reference},
};
use serde_json::Value;

use super::cli::{Scratch, refused};

const WITNESS: &str =
    "[table]\nsource = \"https://wiki.example/ml\"\nlocator = \"page Versions\"\nchecked = \"2026-11-20\"\n";

fn with(rows: &str) -> Knowledge {
    let mut knowledge = Knowledge::built_in();
    knowledge.extend("company.toml", &format!("{WITNESS}{rows}")).unwrap();
    knowledge
}

fn faults(text: &str) -> Vec<String> {
    let refused = Knowledge::built_in().extend("company.toml", text).unwrap_err();
    refused.iter().map(|fault| format!("{}:{}: {}", fault.line, fault.column, fault.message)).collect()
}

/// The faults of rows that have a witness, whose lines count from 1 again.
fn fault(rows: &str) -> String {
    let found = faults(&format!("table = {{ source = 'abc', locator = 'abc', checked = '2026-11-20' }}\n{rows}"));
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

#[test]
fn rows_of_the_user_stand_beside_the_built_in_ones() {
    let knowledge = with(
        "[[needs]]\npackage = 'ourlib'\nrelease = '>=2,<3'\ncomponent = 'torch'\nrange = '>=2.1'\n\
         [[image]]\nname = 'ml/base'\ntag = '<version>-gpu'\nships = ['python 3.11', 'package torch <version>']\n\
         [[gpu]]\nmodel = 'Z9000'\ncapability = '13.0'\nkind = 'data-center'\nnames = ['NVIDIA Z9000']\n\
         [[instance_gpu]]\nkind = 'instance'\npattern = 'own.*'\ngpu = 'Z9000'\n\
         [[package_role]]\npackage = 'ourlib'\nrole = 'serialiser'\n\
         [[change]]\npackage = 'ourlib'\nold = '2.1'\nnew = '2.2.0'\nkind = 'silent'\nweight = 'high'\n\
         scope = 'inference'\ntopic = 'rounding'\nfunctions = ['predict']\nclaim = 'predict rounds to even'\n",
    );
    let needs = knowledge.needs_of("ourlib", &"2.5".parse().unwrap());
    assert_eq!(needs[0].0.range.text, ">=2.1");
    let own = needs[0].1.own.clone().unwrap();
    assert_eq!((own.path.as_str(), own.line, own.overrides), ("company.toml", 5, None));
    assert!(knowledge.needs_of("ourlib", &"3.0".parse().unwrap()).is_empty());
    let shipped = knowledge.shipped(&Reference::parse("registry.example/ml/base:2.1.0-gpu"));
    let shipped: Vec<String> = shipped.iter().map(|it| format!("{} {}", it.word, it.text)).collect();
    assert_eq!(shipped, ["python 3.11", "package torch 2.1.0"]);
    assert_eq!(knowledge.capability_of("NVIDIA Z9000", false).unwrap().0.to_string(), "13.0");
    assert_eq!(knowledge.gpu_of_machine(MachineName::Instance, "own.large").unwrap().0, Some("Z9000"));
    assert!(knowledge.role(&envcheck::fact::PackageName::new("ourlib").unwrap()).is_some());
    let (from, to) = ("2.1.4".parse().unwrap(), "2.2.0".parse().unwrap());
    assert_eq!(knowledge.changes_between("ourlib", &from, &to).len(), 1);
    // The built-in rows are still there.
    assert_eq!(knowledge.needs_of("torchvision", &"0.16.0".parse().unwrap()).len(), 1);
    assert!(knowledge.capability_of("A100", false).is_some());
}

#[test]
fn grounds_are_the_tables_unless_the_row_says_otherwise() {
    let knowledge = with(
        "[[needs]]\npackage = 'a'\nrelease = '1'\ncomponent = 'b'\nrange = '>=1'\n\
         [[needs]]\npackage = 'a'\nrelease = '1'\ncomponent = 'c'\nrange = '>=1'\ngrounds = 'note'\n",
    );
    let needs = knowledge.needs_of("a", &"1".parse().unwrap());
    let grounds: Vec<String> = needs.iter().map(|(_, provenance)| format!("{:?}", provenance.grounds)).collect();
    assert_eq!(grounds, ["Error", "Note"]);
}

#[test]
fn an_overriding_row_hides_what_it_replaces_and_nothing_else() {
    let knowledge = with(
        "[[needs]]\npackage = 'torchvision'\nrelease = '0.16.0'\ncomponent = 'torch'\nrange = '==2.1.1'\noverride = 'own build'\n\
         [[wheel_python]]\npackage = 'numpy'\nfirst = '1.26.0'\nlast = '1.26.4'\npython = ['3.13']\noverride = 'own wheels'\n\
         [[wheel_libc]]\npackage = 'numpy'\nfirst = '1.26.0'\nlast = '1.26.4'\nglibc = '2.35'\noverride = 'own wheels'\n\
         [[image]]\nname = 'nvidia/cuda'\ntag = '12.2.2-cudnn8-runtime-ubuntu22.04'\nships = ['cudnn 8.9.5']\noverride = 'our mirror'\n\
         [[change]]\npackage = 'torchvision'\nold = '0.18'\nnew = '0.19.0'\nkind = 'silent'\nweight = 'high'\nscope = 'inference'\n\
         topic = 'resizing of tensors'\nfunctions = ['resize']\nclaim = 'resizes another way'\noverride = 'patched'\n\
         [[onnxruntime_release]]\nversion = '1.16.3'\nopset = 18\nir = 9\nglibc = '2.28'\noverride = 'own build'\n",
    );
    let version = |text: &str| text.parse().unwrap();
    let needs = knowledge.needs_of("torchvision", &version("0.16.0"));
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].0.range.text, "==2.1.1");
    assert_eq!(needs[0].1.own.as_ref().unwrap().overrides.as_deref(), Some("own build"));
    assert_eq!(knowledge.needs_of("torchvision", &version("0.17.0"))[0].0.range.text, "==2.2.0");
    let companions = knowledge.companions_for("torchvision", "torch", &version("2.1.0"));
    assert!(!companions.contains(&version("0.16.0")), "{companions:?}");
    let pythons = |release: &str| {
        let (row, provenance) = knowledge.wheel_pythons("numpy", &release.parse().unwrap()).unwrap();
        (row.python.iter().map(ToString::to_string).collect::<Vec<_>>(), provenance.own.is_some())
    };
    assert_eq!(pythons("1.26.2"), (vec!["3.13".to_owned()], true));
    assert!(!pythons("1.25.0").1 && !pythons("2.0.0").1);
    assert_eq!(knowledge.wheel_libc("numpy", &version("1.26.2")).unwrap().0.glibc.to_string(), "2.35");
    let shipped = knowledge.shipped(&Reference::parse("nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"));
    let shipped: Vec<String> = shipped.iter().map(|it| format!("{} {}", it.word, it.text)).collect();
    assert_eq!(shipped, ["cudnn 8.9.5", "cuda 12.2.2", "distribution ubuntu 22.04", "library cuda-compat"]);
    assert!(knowledge.changes_between("torchvision", &version("0.16.1"), &version("0.17.2")).is_empty());
    assert_eq!(knowledge.changes_between("torchvision", &version("0.18.0"), &version("0.19.0")).len(), 1);
    let releases: Vec<_> = knowledge.onnxruntime_release.rows().iter().collect();
    assert!(releases.windows(2).all(|pair| pair[0].version < pair[1].version), "in order, each once");
    assert_eq!(releases.len(), Knowledge::built_in().onnxruntime_release.rows().len());
}

#[test]
fn a_reason_can_override_one_release_of_a_range() {
    let knowledge = with(
        "[[needs]]\npackage = 'ctranslate2'\nrelease = '4.5.1'\ncomponent = 'torch'\nrange = '>=1'\noverride = 'own build'\n",
    );
    let ranges = |release: &str| -> Vec<bool> {
        let found = knowledge.needs_of("ctranslate2", &release.parse().unwrap());
        found.iter().filter(|(need, _)| need.component == "torch").map(|(_, it)| it.own.is_some()).collect()
    };
    assert_eq!(ranges("4.5.1"), [true]);
    assert_eq!(ranges("4.5.0"), [false]);
}

#[test]
fn every_table_takes_rows_or_says_why_not() {
    let by_name: Vec<&str> = Knowledge::built_in()
        .tables()
        .iter()
        .filter(|table| table.counts() == Counts::ByName)
        .map(|table| table.name())
        .collect();
    assert_eq!(by_name, ["statement"]);
    assert!(fault("[[statement]]\nid = 'a'\nclaim = 'b'\n").contains("2:1: rules ask for rows of `statement` by name"));
    // A built-in row cannot be said again without a reason, and with one it replaces exactly itself.
    for table in Knowledge::built_in().tables().iter().filter(|table| table.counts() != Counts::ByName) {
        let (values, _) = table.plain().into_iter().next().unwrap();
        let lines: Vec<String> = values.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let row = format!("[[{}]]\n{}", table.name(), lines.concat());
        let said = fault(&row);
        assert!(said.contains("already") || said.contains("speaks about the same"), "{}: {said}", table.name());
        let knowledge = with(&format!("{row}override = 'because'\n"));
        let tables = knowledge.tables();
        let changed = tables.iter().find(|it| it.name() == table.name()).unwrap().plain();
        assert_eq!(changed.len(), table.plain().len(), "{}", table.name());
        assert_eq!(changed[0].0, values, "{}: the user's rows come first", table.name());
        assert!(changed[0].1.own.is_some());
    }
}

#[test]
fn all_faults_of_a_file_are_said_with_their_places() {
    let text = "[table]\nsource = 'abc'\nlocater = 'abc'\n\n[[need]]\npackage = 'x'\n\n[[needs]]\npackage = 'a'\n\
                release = '1'\ncomponent = 'b'\nrange = 3\nchecked = '2026-02-30'\n\n[[package_role]]\npackage = 'My_Lib'\n\
                role = 'framework'\nlocator = ''\nchecked = '2026-11-20'\n";
    let expected = [
        "3:1: unknown key `locater`; did you mean `locator`?",
        "5:3: no table of the knowledge is called `need`; did you mean `needs`?",
        "8:1: expected `locator` (the place in it) in the row or in [table], found none",
        "12:9: expected a string, found integer `3`",
        "13:11: expected a day such as \"2026-11-22\", found '2026-02-30'",
        "16:11: expected the normalised name `my-lib`, found `My_Lib`",
        "18:11: expected a place in quotes, found ''",
    ];
    assert_eq!(faults(text), expected);
}

#[test]
fn a_row_is_refused_for_what_is_wrong_with_it() {
    let row = |extra: &str| format!("[[needs]]\npackage = 'a'\nrelease = '1'\ncomponent = 'b'\nrange = '>=1'\n{extra}");
    for (rows, says) in [
        (
            row("colour = 'red'\n"),
            "7:1: unknown key `colour`; expected one of package, release, component, range, unless, spared_by, uncapped, source",
        ),
        (row("overide = 'x'\n"), "7:1: unknown key `overide`; did you mean `override`?"),
        (row("override = ''\n"), "7:12: expected a reason in quotes, found ''"),
        (row("override = 'x'\n"), "2:1: overrides nothing: no built-in row of `needs` is about the same"),
        (row("checked = 2026-11-20\n"), "7:11: expected a day such as \"2026-11-22\", found 2026-11-20"),
        (row("grounds = 'fatal'\n"), "7:11: expected \"error\", \"warning\" or \"note\", found 'fatal'"),
        (row("") + &row(""), "7:1: this row stands at company.toml:2 already"),
        (row("unless = 'SOME_VARIABLE'\n"), "7:10: expected a variable as `NAME=value`, found `SOME_VARIABLE`"),
        ("[[needs]]\npackage = 'a'\nrelease = '1'\ncomponent = 'b'\n".into(), "2:1: expected the key `range`"),
        (
            "[[cuda_minor]]\ncuda = 'twelve'\nlinux = '525'\n".into(),
            "3:8: expected a CUDA version such as `12.4`, found `twelve`",
        ),
        (
            "[[numpy_abi]]\npackage = 'a'\nlast = '2.0'\nfirst = '1.0'\n".into(),
            "5:9: expected a release after 2.0, found 1.0",
        ),
        (
            "[[wheel_libc]]\npackage = 'a'\nfirst = '2.0'\nlast = '1.0'\nglibc = '2.17'\n".into(),
            "5:8: expected a release from 2.0 on, found 1.0",
        ),
        ("[[image]]\nname = 'a'\ntag = '1'\nships = ['wine 3']\n".into(), "5:9: expected one of cuda, cudnn"),
        (
            "[[image]]\nname = 'a'\ntag = '<v>'\nships = ['cuda <version>']\n".into(),
            "5:9: `cuda <version>` takes <version> from the tag, and `<v>` does not have it",
        ),
        (
            "[[package_role]]\npackage = 'torch'\nrole = 'runtime'\n".into(),
            "`override = \"why\"` puts this one in its place",
        ),
        ("needs = 'none'\n".into(), "2:1: expected rows such as [[needs]], found string"),
        ("needs = ['none']\n".into(), "2:10: expected a table, found string"),
        ("[[needs]\n".into(), "broken TOML"),
    ] {
        let said = fault(&rows);
        assert!(said.contains(says), "`{says}` is missing in: {said}");
    }
}

const OURS: &str = "[[needs]]\npackage = \"ourlib\"\nrelease = \">=2\"\ncomponent = \"torch\"\nrange = \">=2.1\"\n";

#[test]
fn findings_say_that_the_row_is_the_users_own() {
    let scratch = Scratch::new();
    let override_row = "[[needs]]\npackage = \"torchvision\"\nrelease = \"0.16.0\"\ncomponent = \"torch\"\nrange = \"==2.1.1\"\n\
                        override = \"own build\"\n";
    scratch.put("company.toml", format!("{WITNESS}{OURS}{override_row}"));
    scratch.put("requirements.txt", "ourlib==2.5\ntorch==2.0.1\ntorchvision==0.16.0\n");
    assert!(!scratch.run(&["check", "requirements.txt"]).stdout.contains("go with ourlib"));
    let arguments = ["check", "requirements.txt", "--knowledge", "company.toml", "--select", "EC106"];
    let human = scratch.run(&arguments);
    assert_eq!(human.code, 1, "{}", human.stderr);
    for says in [
        "torch 2.0.1 does not go with ourlib 2.5 and torchvision 0.16.0",
        "[company.toml:5 (your own row): https://wiki.example/ml; page Versions; checked 2026-11-20]",
        "torchvision 0.16.0 needs torch ==2.1.1",
        "; instead of a built-in row: own build]",
    ] {
        assert!(human.stdout.contains(says), "`{says}` is missing in: {}", human.stdout);
    }
    let json = scratch.run(&[&arguments[..], &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../src/report/report.schema.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&report), "{}", json.stdout);
    let rows: Vec<&Value> =
        report["findings"].as_array().unwrap().iter().flat_map(|it| it["evidence"].as_array().unwrap()).collect();
    assert!(
        rows.iter().any(|it| it["own_row"] == serde_json::json!({ "path": "company.toml", "line": 5 })),
        "{rows:?}"
    );
    assert!(rows.iter().any(|it| it["own_row"]["override"] == "own build"), "{rows:?}");
}

#[test]
fn the_version_says_how_much_is_known() {
    let count: usize = Knowledge::built_in().tables().iter().map(|table| table.plain().len()).sum();
    let scratch = Scratch::new();
    let said = scratch.run(&["--version"]).stdout;
    let expected = format!("envcheck {} (knowledge {KNOWLEDGE_DATE}, {count} rows)\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(said, expected);
}

#[test]
fn rows_are_shown_by_component_release_image_and_alias() {
    let scratch = Scratch::new();
    scratch.put("company.toml", format!("{WITNESS}{OURS}"));
    let shown = |component: &str| {
        let run = scratch.run(&["knowledge", component, "--knowledge", "company.toml"]);
        assert_eq!(run.code, 0, "{component}: {}", run.stderr);
        run.stdout
    };
    let tables = |text: &str| -> Vec<String> {
        let heads = text.lines().filter(|line| !line.starts_with(' '));
        heads.filter_map(|line| line.split_once(": ")).map(|(name, _)| name.to_owned()).collect()
    };
    let torch = shown("torch==2.1.0");
    assert!(torch.contains("version = 2.1.0") && !torch.contains("version = 2.2.0"), "{torch}");
    assert!(tables(&torch).contains(&"torch_release".to_owned()), "{torch}");
    assert!(shown("torchvision==0.16.0").contains("range = ==2.1.0"));
    assert_eq!(tables(&shown("cuda"))[..2], ["cuda_driver", "cuda_minor"]);
    assert!(tables(&shown("driver")).contains(&"driver_branch".to_owned()));
    let image = shown("nvidia/tritonserver:24.01-py3");
    assert!(image.starts_with("what the tag of nvidia/tritonserver:24.01-py3 implies:\n"), "{image}");
    assert!(image.contains("  library onnxruntime 1.16.3\n"), "{image}");
    let own = shown("ourlib");
    assert!(own.contains("grounds for error; yours,") && own.contains("company.toml:5]"), "{own}");
    assert!(shown("needs").starts_with("needs: "), "the user's rows come first");
    let listed = scratch.run(&["knowledge", "--knowledge", "company.toml"]).stdout;
    assert!(listed.contains("requirements between releases (1 of them yours)"), "{listed}");
}

#[test]
fn rows_are_shown_as_json_too() {
    let scratch = Scratch::new();
    let hidden = "[[needs]]\npackage = \"ourlib\"\nrelease = \"1\"\ncomponent = \"torch\"\nrange = \"==1\"\n\
                  locator = \"line \\u202e \\u001b[2J\"\n";
    let override_row = "[[needs]]\npackage = \"torchvision\"\nrelease = \"0.16.0\"\ncomponent = \"torch\"\nrange = \"==2.1.1\"\n\
                        override = \"own build\"\n";
    scratch.put("company.toml", format!("{WITNESS}{OURS}{hidden}{override_row}"));
    let schema: Value = serde_json::from_str(include_str!("../../src/report/knowledge.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let text = |arguments: &[&str], format: &str| {
        let run = scratch.run(&[&["knowledge", "--knowledge", "company.toml", "--format", format], arguments].concat());
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.stderr);
        run.stdout
    };
    let json = |arguments: &[&str]| -> Value {
        let text = text(arguments, "json");
        assert!(!text.chars().any(|it| it != '\n' && it.is_control() || it == '\u{202e}'), "{text}");
        let value = serde_json::from_str(&text).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{arguments:?}: {faults:?}");
        assert_eq!(value["knowledge"], KNOWLEDGE_DATE);
        value
    };
    let list = json(&[]);
    let counts: Vec<(&str, u64)> = list["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["count"].as_u64().unwrap()))
        .collect();
    let knowledge = with(&format!("{OURS}{hidden}{override_row}"));
    let expected: Vec<(&str, u64)> = knowledge.tables().iter().map(|it| (it.name(), it.plain().len() as u64)).collect();
    assert_eq!(counts, expected);
    // Every table keeps to the schema, and the rows are those that people see, no more.
    for (name, _) in &counts {
        assert!(json(&[name])["tables"].as_array().unwrap().iter().any(|it| it["name"] == **name), "{name}");
    }
    for component in ["torch", "torchvision==0.16.0", "cuda", "nvidia/tritonserver:24.01-py3", "ourlib"] {
        let shown = json(&[component]);
        let tables = shown["tables"].as_array().unwrap();
        let rows: usize = tables.iter().map(|it| it["rows"].as_array().unwrap().len()).sum();
        let human = text(&[component], "human");
        let witnesses = human.lines().filter(|line| line.starts_with("    [")).count();
        assert_eq!(rows + shown["implied"].as_array().unwrap().len(), witnesses, "{component}");
        let heads: Vec<&str> =
            human.lines().filter(|it| !it.starts_with(' ')).filter_map(|it| it.split(": ").next()).collect();
        for table in tables {
            assert!(heads.contains(&table["name"].as_str().unwrap()), "{component}: {heads:?}");
        }
    }
    let own = json(&["ourlib"]);
    let rows = own["tables"][0]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0]["own_row"]["path"].as_str().unwrap().ends_with("company.toml"));
    assert_eq!(rows[0]["own_row"]["line"], 5);
    assert_eq!(rows[1]["locator"], "line \u{202e} \u{1b}[2J");
    let replaced = json(&["torchvision==0.16.0"]);
    let rows = replaced["tables"].as_array().unwrap().iter().flat_map(|it| it["rows"].as_array().unwrap());
    let own: Vec<&Value> = rows.filter(|it| !it["own_row"].is_null()).collect();
    assert_eq!(own.len(), 1);
    assert_eq!((&own[0]["own_row"]["override"], &own[0]["grounds"]), (&"own build".into(), &"error".into()));
    let image = json(&["nvidia/tritonserver:24.01-py3"]);
    let implied = image["implied"].as_array().unwrap();
    assert!(
        implied.iter().any(|it| it["component"] == "library" && it["value"] == "onnxruntime 1.16.3"),
        "{implied:?}"
    );
    refused(&scratch.run(&["knowledge", "nothing-like-it", "--format", "json"]), &["nothing is known about"]);
}

#[test]
fn a_broken_file_of_the_users_ends_the_run() {
    let scratch = Scratch::new();
    scratch.put("requirements.txt", "torch==2.0.1\n").put("company.toml", OURS);
    let run = scratch.run(&["check", "requirements.txt", "--knowledge", "company.toml"]);
    refused(&run, &["error: company.toml:1:1: expected `checked`", "\ncompany.toml:1:1: expected `source`"]);
    refused(&scratch.run(&["knowledge", "torch", "--knowledge", "gone.toml"]), &["could not read `gone.toml`"]);
    scratch.put("bytes.toml", [0xff, 0xfe, 0x00, 0xd8, 0x00]);
    refused(&scratch.run(&["knowledge", "torch", "--knowledge", "bytes.toml"]), &["bytes.toml"]);
    scratch.put("company.toml", format!("{WITNESS}{OURS}"));
    scratch.put("again.toml", format!("{WITNESS}{OURS}"));
    let twice = ["knowledge", "--knowledge", "company.toml", "--knowledge", "again.toml"];
    refused(&scratch.run(&twice), &["again.toml:5:1: this row stands at company.toml:5 already"]);
}
