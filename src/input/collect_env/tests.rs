//! Reports of several generations.

use proptest::prelude::*;

use super::{super::pasted::testing::*, *};
use crate::fact::Standing;

const OLD: &str = include_str!("../../../fixtures/inputs/collect_env/torch-1.0.txt");
const CONDA: &str = include_str!("../../../fixtures/inputs/collect_env/torch-2.2-conda.txt");
const VLLM: &str = include_str!("../../../fixtures/inputs/collect_env/vllm.txt");
const WINDOWS: &str = include_str!("../../../fixtures/inputs/collect_env/windows.txt");

fn read(text: &str) -> Vec<String> {
    lines(&FORMAT, text)
}

const OLD_FACTS: [&str; 8] = [
    "package torch ==1.0.1.post2 cuda 9.0.176 @ 1.0.1.post2",
    "distribution centos 7 @ CentOS Linux 7 (Core)",
    "os linux @ CentOS Linux 7 (Core)",
    "python 3.6 @ 3.6",
    "cuda 9.0 @ 9.0",
    "gpu 1x Tesla P40 @ Tesla P40",
    "nvidia-driver 418.39 @ 418.39",
    "package numpy ==1.16.2 @ numpy (1.16.2",
];

#[test]
fn the_first_generation_is_short() {
    assert_eq!(read(OLD), OLD_FACTS);
    assert!(notes(&FORMAT, OLD).is_empty());
    assert_eq!(claim_of(&FORMAT, "env.txt", OLD), Claim::Certain);
    assert_eq!(claim_of(&FORMAT, "bug.md", OLD), Claim::Named);
}

#[test]
fn lists_of_gpus_and_cudnn_files_and_conda_packages() {
    assert_eq!(
        read(CONDA),
        [
            "package torch ==2.2.2 cuda 12.1 build py3.12_cuda12.1_cudnn8.9.2_0 @ 2.2.2",
            "distribution rhel 8.9 @ Red Hat Enterprise Linux 8.9 (Ootpa)",
            "os linux @ Red Hat Enterprise Linux 8.9 (Ootpa)",
            "architecture x86_64 @ x86_64",
            "libc glibc 2.28 @ glibc-2.28",
            "python 3.12.2 @ 3.12.2",
            "gpu 2x NVIDIA H100 80GB HBM3 @ NVIDIA H100 80GB HBM3",
            "gpu 1x NVIDIA H200 @ NVIDIA H200",
            "nvidia-driver 545.23.08 @ 545.23.08",
            "cudnn 8.7.0 @ 8.7.0",
            "cudnn 9.1.0 @ 9.1.0",
            "package numpy ==1.26.4 build py312hc5e2394_0 @ numpy==1.26.4",
            "package torchvision ==0.17.2 @ torchvision==0.17.2",
            "package blas ==1.0 build mkl @ blas                      1.0",
            "package jpeg ==9e build h5eee18b_1 @ jpeg                      9e",
            "package pytorch-cuda ==12.1 build ha16c6d3_5 @ pytorch-cuda              12.1",
        ]
    );
    assert_eq!(notes(&FORMAT, CONDA), ["this version does not follow PEP 440, so it is not compared"]);
}

#[test]
fn the_parts_of_a_package_have_their_own_places() {
    let (text, reading) = read_bytes(&FORMAT, CONDA.as_bytes());
    let parts: Vec<(&str, &str)> = reading
        .facts
        .iter()
        .filter_map(|fact| match &fact.kind {
            FactKind::Package(it) => Some(it),
            _ => None,
        })
        .map(|it| {
            let part = |span: Span| &text[span.start..span.end];
            (part(it.parts.name), part(it.parts.specifier.unwrap()))
        })
        .take(4)
        .collect();
    assert_eq!(parts, [("PyTorch", "2.2.2"), ("numpy", "==1.26.4"), ("torchvision", "==0.17.2"), ("blas", "1.0")]);
    assert!(reading.facts.iter().all(|fact| fact.standing == Standing::Observed));
}

#[test]
fn the_padded_form_has_the_system_first() {
    assert_eq!(
        read(VLLM),
        [
            "distribution ubuntu 24.04 @ Ubuntu 24.04.1 LTS",
            "os linux @ Ubuntu 24.04.1 LTS",
            "architecture aarch64 @ aarch64",
            "libc glibc 2.39 @ glibc-2.39",
            "package torch ==2.8.0a0+5228986c39.nv25.06 cuda 12.9 @ 2.8.0a0+5228986c39.nv25.06",
            "python 3.12.3 @ 3.12.3",
            "cuda 12.9 @ 12.9",
            "gpu 1x NVIDIA GH200 480GB @ NVIDIA GH200 480GB",
            "nvidia-driver 575.57.08 @ 575.57.08",
            "cudnn 9.10.2 @ 9.10.2",
            "package numpy ==1.26.4 @ numpy==1.26.4",
        ]
    );
}

#[test]
fn windows_has_no_libc_and_another_way_to_name_cudnn() {
    assert_eq!(
        read(WINDOWS),
        [
            "package torch ==2.5.1+cpu @ 2.5.1+cpu",
            "os windows @ Microsoft Windows 11 Pro (10.0.22631 64-bit)",
            "python 3.13 @ 3.13",
            "cuda 11.8 @ 11.8",
            "gpu 1x NVIDIA GeForce RTX 3070 @ NVIDIA GeForce RTX 3070",
            "nvidia-driver 536.23 @ 536.23",
            "cudnn 8 @ 8",
        ]
    );
    assert!(notes(&FORMAT, WINDOWS).is_empty());
}

#[test]
fn prose_around_and_prefixes_before_the_report_do_not_disturb() {
    let text = format!("OS: whatever I said above\nRunning it:\n\n> $ python collect_env.py\n{OLD}\nOS: not this\n");
    assert_eq!(read(&text), OLD_FACTS);
    let prefixed = logged(OLD, "INFO  ", "\r\n");
    assert_eq!(read(&prefixed), OLD_FACTS);
    assert_eq!(claim_of(&FORMAT, "pod.log", &prefixed), Claim::Certain);
    let quoted: String = OLD.lines().flat_map(|line| ["> ", line, "\n"]).collect();
    assert_eq!(read(&quoted), OLD_FACTS);
}

#[test]
fn what_was_not_collected_is_unknown_and_not_absent() {
    for (value, expected) in [
        ("Could not collect", "the driver is not known: it could not be collected"),
        ("No CUDA", "the driver is not known: PyTorch saw no CUDA device and did not ask"),
    ] {
        let text = format!(
            "PyTorch version: N/A\nIs debug build: N/A\nCUDA used to build PyTorch: N/A\n\nIs CUDA available: False\nCUDA runtime version: {value}\nGPU models and configuration: {value}\nNvidia driver version: {value}\ncuDNN version: {value}\n"
        );
        assert!(read(&text).is_empty());
        assert_eq!(notes(&FORMAT, &text), ["PyTorch was not installed where this ran", expected]);
    }
}

#[test]
fn the_library_is_taken_from_the_platform_where_it_has_no_line() {
    let text = "PyTorch version: 1.8.1\nCUDA used to build PyTorch: 11.1\nPython platform: Linux-5.4.0-x86_64-with-glibc2.27\n";
    assert_eq!(read(text), ["package torch ==1.8.1 cuda 11.1 @ 1.8.1", "libc glibc 2.27 @ glibc2.27"]);
}

#[test]
fn a_build_that_pip_replaced_is_not_kept() {
    let text = "PyTorch version: 1.12.0+cu113\nCUDA used to build PyTorch: 11.3\n[pip3] torch==1.12.0+cu113\n[conda] pytorch 1.12.0 py3.8_cuda11.3_cudnn8.3.2_0 pytorch\n[conda] torch 1.12.0+cu113 pypi_0 pypi\n";
    assert_eq!(read(text), ["package torch ==1.12.0+cu113 cuda 11.3 @ 1.12.0+cu113"]);
}

#[test]
fn versions_that_disagree_are_both_kept() {
    let text = "PyTorch version: 2.1.0\nCUDA used to build PyTorch: None\n[pip3] torch==2.0.1\n[pip3] what is this\n";
    assert_eq!(read(text), ["package torch ==2.1.0 @ 2.1.0", "package torch ==2.0.1 @ torch==2.0.1"]);
    assert_eq!(notes(&FORMAT, text), ["expected a package and its version"]);
}

#[test]
fn a_report_without_line_ends_is_noted() {
    let text = "PyTorch version: 2.4.0+cu121 Is debug build: False CUDA used to build PyTorch: 12.1 OS: Ubuntu 22.04.5 LTS (x86_64)\n";
    assert!(read(text).is_empty());
    assert_eq!(notes(&FORMAT, text), ["expected nothing but a version on this line"]);
}

#[test]
fn other_gpus_keep_their_name() {
    let text = "PyTorch version: 2.4.0.dev20240415+rocm6.0\nCUDA used to build PyTorch: N/A\nGPU models and configuration: AMD Instinct MI300X (gfx942:sramecc+:xnack-)\nNvidia driver version: Could not collect\n";
    assert_eq!(
        read(text),
        [
            "package torch ==2.4.0.dev20240415+rocm6.0 @ 2.4.0.dev20240415+rocm6.0",
            "gpu 1x AMD Instinct MI300X (gfx942:sramecc+:xnack-) @ AMD Instinct MI300X (gfx942:sramecc+:xnack-)"
        ]
    );
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(which in 0..4_usize, at in 0..3000_usize, put in "\\PC{0,6}") {
        let text = [OLD, CONDA, VLLM, WINDOWS][which];
        assert_sound(&FORMAT, &mutated(text, at % text.len(), &put));
    }

    #[test]
    fn values_may_be_anything(values in proptest::collection::vec("\\PC{0,24}", 12)) {
        let labels = [
            "PyTorch version", "CUDA used to build PyTorch", "OS", "Libc version", "Python version", "Python platform",
            "CUDA runtime version", "GPU models and configuration", "Nvidia driver version", "cuDNN version", "[pip3]", "[conda]",
        ];
        let text: String = labels.iter().zip(&values).map(|(label, value)| {
            if label.starts_with('[') { format!("{label} {value}\n") } else { format!("{label}: {value}\n") }
        }).collect();
        assert_sound(&FORMAT, &text);
    }
}
