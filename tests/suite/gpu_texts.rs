//! Texts of GPU tools as people have them, read through the registry like any file of a run.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use envcheck::{
    fact::FactKind,
    input::{Claim, Content, Files, Probe, files, recognise},
    text::Sources,
};

/// The format that takes the file from a folder, what it says in one line a fact, and how many notes there are.
fn read(path: &Path) -> (String, Vec<String>, usize) {
    let bytes = fs::read(path).unwrap();
    let text = files::text_of(&bytes).and_then(Result::ok);
    let name = path.file_name().unwrap().to_str().unwrap();
    let probe = Probe { name, bytes: &bytes, text: text.as_deref() };
    let Some(format) = recognise(&probe, Claim::Likely) else { return (String::new(), Vec::new(), 0) };
    let mut sources = Sources::default();
    let defines = BTreeMap::new();
    let mut files = Files::new(&mut sources, &defines);
    let file = files.add(name.to_owned(), Content::Owned(bytes.clone().into()), None, None);
    let reading = (format.read)(&mut files, file);
    assert_eq!(reading.fault, None, "{name}");
    let text = files.text(file);
    let facts = reading.facts.iter().map(|fact| said(&fact.kind, &text[fact.place.span.start..fact.place.span.end]));
    (format.name.to_owned(), facts.collect(), reading.skipped.len())
}

fn said(kind: &FactKind, at: &str) -> String {
    match kind {
        FactKind::Gpu(gpu) => {
            assert_eq!(gpu.name.as_deref(), Some(at));
            let capability = gpu.capability.map_or(String::new(), |it| format!(" cc {it}"));
            format!("gpu {}x {at}{}{capability}", gpu.count, if gpu.truncated { "..." } else { "" })
        }
        FactKind::Package(it) => {
            let cuda = it.cuda.as_ref().map_or(String::new(), |it| format!(" for {it}"));
            format!("{}{}{cuda}", it.name, it.specifier)
        }
        FactKind::Distribution(it) => format!("distribution {it}"),
        FactKind::Os(it) => it.clone(),
        FactKind::Cudnn(it) => format!("cudnn {it}"),
        other => format!("{} {at}", other.word()),
    }
}

/// Past the test runner, which captures what the macros print.
fn say(what: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{what}").unwrap();
}

fn shared() -> Option<std::path::PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    say("skipped: no shared examples beside the sources");
    None
}

/// File, format, facts in the order of the file, number of notes.
type Expected = (&'static str, &'static str, &'static [&'static str], usize);

const EXPECTED: &[Expected] = &[
    (
        "collect_env-no-gpu.txt",
        "collect_env",
        &[
            "torch==2.6.0+cu124 for 12.4",
            "distribution debian 12",
            "linux",
            "architecture x86_64",
            "libc glibc-2.36",
            "python 3.11.9",
        ],
        1,
    ),
    (
        "collect_env-torch-1.6.txt",
        "collect_env",
        &[
            "torch==1.6.0 for 10.2",
            "distribution ubuntu 18.04",
            "linux",
            "python 3.7",
            "cuda 10.2",
            "gpu 2x Tesla V100-SXM2-16GB",
            "nvidia-driver 440.33.01",
            "cudnn 7.6.5",
            "numpy==1.19.1",
            "torchvision==0.7.0",
        ],
        0,
    ),
    (
        "collect_env-torch-2.15-r610.txt",
        "collect_env",
        &[
            "torch==2.15.0+cu132 for 13.2",
            "distribution debian 12",
            "linux",
            "architecture x86_64",
            "libc glibc-2.36",
            "python 3.12.11",
            "gpu 1x NVIDIA L40S",
            "numpy==2.3.3",
            "nvidia-cublas==13.4.1.3",
            "nvidia-cudnn-cu13==9.26.0.51",
            "nvidia-nccl-cu13==2.30.7",
            "triton==3.9.0",
        ],
        1,
    ),
    (
        "collect_env-torch-2.6.txt",
        "collect_env",
        &[
            "torch==2.6.0+cu124 for 12.4",
            "distribution ubuntu 22.04",
            "linux",
            "architecture x86_64",
            "libc glibc-2.35",
            "python 3.10.12",
            "cuda 12.4",
            "gpu 1x NVIDIA A10G",
            "nvidia-driver 535.183.01",
            "cudnn 8.9.7",
            "numpy==1.26.4",
            "nvidia-cudnn-cu12==9.1.0.70",
            "nvidia-nccl-cu12==2.21.5",
            "triton==3.2.0",
        ],
        0,
    ),
    ("conda-info.txt", "conda info", &["driver-cuda 12.4", "libc 2.35", "linux", "architecture 64"], 1),
    ("cuda-version-9-patches.txt", "CUDA version file", &["cuda 9.0.176"], 0),
    ("cuda-version.json", "CUDA version file", &["cuda 12.4.1"], 1),
    ("cuda-version.txt", "CUDA version file", &["cuda 10.2.89"], 0),
    ("cudnn-7-legacy.h", "cudnn_version.h", &["cudnn 7.6.5"], 0),
    ("cudnn_version.h", "cudnn_version.h", &["cudnn 9.1.0"], 0),
    ("ldconfig-p-cudnn.txt", "ldconfig -p", &["cudnn 9", "cuda 12"], 0),
    ("nvcc-version-10.0.txt", "nvcc", &["cuda 10.0"], 0),
    ("nvcc-version.txt", "nvcc", &["cuda 12.4"], 0),
    ("nvidia-smi-L.txt", "nvidia-smi", &["gpu 2x NVIDIA A100-SXM4-40GB"], 0),
    ("nvidia-smi-cuda-na.txt", "nvidia-smi", &["nvidia-driver 525.85.12", "gpu 1x NVIDIA A10G"], 1),
    (
        "nvidia-smi-no-driver.txt",
        "nvidia-smi",
        &["no-driver NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that \
                 the latest NVIDIA driver is installed and running."],
        0,
    ),
    (
        "nvidia-smi-q-x-v12.xml",
        "nvidia-smi",
        &["nvidia-driver 535.104.05", "driver-cuda 12.2", "gpu 1x NVIDIA A10G"],
        0,
    ),
    ("nvidia-smi-q.txt", "nvidia-smi", &["nvidia-driver 550.54.15", "driver-cuda 12.4", "gpu 1x NVIDIA L4"], 0),
    ("nvidia-smi-query-noheader-nounits.csv", "nvidia-smi", &["gpu 1x Tesla T4", "nvidia-driver 470.182.03"], 0),
    ("nvidia-smi-query.csv", "nvidia-smi", &["gpu 2x NVIDIA H100 80GB HBM3 cc 9.0", "nvidia-driver 535.161.08"], 0),
    ("nvidia-smi-r396.txt", "nvidia-smi", &["nvidia-driver 396.37", "gpu 1x Tesla V100-SXM2..."], 0),
    ("nvidia-smi-r470.txt", "nvidia-smi", &["nvidia-driver 470.182.03", "driver-cuda 11.4", "gpu 1x Tesla T4"], 0),
    (
        "nvidia-smi-r550.txt",
        "nvidia-smi",
        &["nvidia-driver 550.54.15", "driver-cuda 12.4", "gpu 2x NVIDIA A100-SXM4-80GB"],
        0,
    ),
    ("nvidia-smi-r610.txt", "nvidia-smi", &["nvidia-driver 610.43.02", "driver-cuda 13.3", "gpu 1x NVIDIA L40S"], 0),
    (
        "proc-driver-nvidia-version-open.txt",
        "/proc/driver/nvidia/version",
        &["architecture x86_64", "nvidia-driver 580.95.05"],
        0,
    ),
    (
        "proc-driver-nvidia-version.txt",
        "/proc/driver/nvidia/version",
        &["architecture x86_64", "nvidia-driver 535.161.08"],
        0,
    ),
];

#[test]
fn the_shared_examples_say_what_they_must() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("facts/examples-gpu");
    for (name, format, facts, notes) in EXPECTED {
        let found = read(&folder.join(name));
        let facts: Vec<String> = facts.iter().map(|it| (*it).to_owned()).collect();
        assert_eq!(found, ((*format).to_owned(), facts, *notes), "{name}");
    }
    // The two others are a Dockerfile and the environment of an image, which are not ours.
    let there = fs::read_dir(&folder).unwrap().count();
    assert_eq!(there, EXPECTED.len() + 2, "an example is not asserted");
    for name in ["docker-inspect-env.txt", "dockerfile-nvidia-cuda.txt"] {
        let (format, ..) = read(&folder.join(name));
        let ours = EXPECTED.iter().any(|(_, ours, ..)| *ours == format);
        assert!(!ours, "{name} was taken as {format}");
    }
}

#[test]
fn the_shared_cases_are_recognised_and_lose_nothing() {
    let Some(shared) = shared() else { return };
    let (mut tables, mut rows, mut reports) = (0, 0, 0);
    let mut cases: Vec<_> = fs::read_dir(shared.join("cases")).unwrap().map(|it| it.unwrap().path()).collect();
    cases.sort();
    for path in cases.iter().flat_map(|case| ["serve", "train"].map(|side| case.join(side))) {
        let table = path.join("nvidia-smi.txt");
        if table.is_file() {
            let (format, facts, notes) = read(&table);
            // Driver, CUDA, GPU; and Windows, where the table has a column for its driver model.
            let windows = fs::read_to_string(&table).unwrap().contains("WDDM");
            let wanted = 3 + usize::from(windows);
            assert_eq!((format.as_str(), facts.len(), notes), ("nvidia-smi", wanted, 0), "{}", table.display());
            tables += 1;
        }
        let csv = path.join("gpus.csv");
        if csv.is_file() {
            let (format, facts, notes) = read(&csv);
            let text = fs::read_to_string(&csv).unwrap();
            let header = text.lines().next().unwrap();
            let wanted = usize::from(header.contains("driver_version")) + usize::from(header.contains("name"));
            assert_eq!((format.as_str(), facts.len(), notes), ("nvidia-smi", wanted, 0), "{}", csv.display());
            rows += 1;
        }
        let report = path.join("collect_env.txt");
        if report.is_file() {
            let (format, facts, _) = read(&report);
            assert_eq!(format, "collect_env");
            assert!(facts.iter().any(|it| it.starts_with("torch==")) && facts.iter().any(|it| it.starts_with("gpu ")));
            reports += 1;
        }
    }
    say(&format!("shared cases: {tables} tables, {rows} csv files, {reports} collect_env reports"));
    assert!(tables > 0 && rows > 0 && reports > 0);
}
