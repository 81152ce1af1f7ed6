//! The forms of nvidia-smi, one after the other.

use proptest::prelude::*;

use super::{super::pasted::testing::*, *};

const R390: &str = include_str!("../../../fixtures/inputs/nvidia_smi/r390.txt");
const MIG: &str = include_str!("../../../fixtures/inputs/nvidia_smi/r535-mig.txt");
const WINDOWS: &str = include_str!("../../../fixtures/inputs/nvidia_smi/r615-windows.txt");
const LIST: &str = include_str!("../../../fixtures/inputs/nvidia_smi/list.txt");
const QUERY: &str = include_str!("../../../fixtures/inputs/nvidia_smi/query.txt");
const XML: &str = include_str!("../../../fixtures/inputs/nvidia_smi/query-v13.xml");
const CSV: &str = include_str!("../../../fixtures/inputs/nvidia_smi/query.csv");
const SESSION: &str = include_str!("../../../fixtures/inputs/nvidia_smi/session.txt");

fn read(text: &str) -> Vec<String> {
    lines(&FORMAT, text)
}

#[test]
fn every_form_is_recognised_by_its_content() {
    for text in [R390, MIG, WINDOWS, LIST, QUERY, XML, CSV, SESSION] {
        assert_eq!(claim_of(&FORMAT, "notes.txt", text), Claim::Certain, "{text}");
        assert_eq!(claim_of(&FORMAT, "README.md", text), Claim::Named, "{text}");
    }
    assert_eq!(claim_of(&FORMAT, "Dockerfile", "FROM a\n# | NVIDIA-SMI 1 Driver Version: 550.54.15 |\n"), Claim::No);
    assert_eq!(claim_of(&FORMAT, "a.csv", "name, age\nAda, 36\n"), Claim::No);
    assert_eq!(claim_of(&FORMAT, "a.txt", ""), Claim::No);
}

#[test]
fn the_first_generation_has_no_cuda_and_cuts_names() {
    assert_eq!(read(R390), ["nvidia-driver 390.116 @ 390.116", "gpu 2x Tesla P100-PCIE~ @ Tesla P100-PCIE"]);
    let (text, reading) = read_bytes(&FORMAT, R390.as_bytes());
    assert_eq!(reading.facts[0].place.span.start, text.find("Version: 390.116").unwrap() + "Version: ".len());
    assert!(reading.skipped.is_empty());
}

#[test]
fn mig_devices_and_processes_are_no_gpus() {
    let expected = [
        "nvidia-driver 535.129.03 @ 535.129.03",
        "driver-cuda 12.2 @ 12.2",
        "gpu 1x NVIDIA A100 80GB PCIe @ NVIDIA A100 80GB PCIe",
        "gpu 1x NVIDIA L40S @ NVIDIA L40S",
    ];
    assert_eq!(read(MIG), expected);
    assert!(notes(&FORMAT, MIG).is_empty());
    // A log collector's prefix changes nothing, even one with a bar.
    let prefixed: String = MIG.lines().flat_map(|line| ["gpu-check-1  | ", line, "\r\n"]).collect();
    assert_eq!(read(&prefixed), expected);
    let stamped = logged(MIG, "stdout F ", "\n");
    assert_eq!(read(&stamped), expected);
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(MIG.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let (text, reading) = read_bytes(&FORMAT, &utf16);
    assert_eq!(reading.facts.iter().map(|fact| line(&text, fact)).collect::<Vec<_>>(), expected);
}

#[test]
fn the_newest_generation_renames_both_versions() {
    assert_eq!(
        read(WINDOWS),
        [
            "nvidia-driver 615.22 @ 615.22",
            "driver-cuda 13.4 @ 13.4",
            "host-os HostOs(\"windows\") @ Driver-Model",
            "gpu 1x NVIDIA GeForce RTX 5070~ @ NVIDIA GeForce RTX 5070"
        ]
    );
}

#[test]
fn modes_are_split_off_the_name_even_without_a_blank() {
    let row = |cell: &str| {
        format!("| NVIDIA-SMI 530.30.02    Driver Version: 530.30.02    CUDA Version: 12.1     |\n|{cell}| 00000000:01:00.0 Off |  N/A |\n")
    };
    for (cell, expected) in [
        ("   0  NVIDIA GeForce RTX 3090         Off", "NVIDIA GeForce RTX 3090"),
        ("   0  NVIDIA GeForce ...  Off  ", "NVIDIA GeForce~"),
        ("   0  Tesla V100-SXM2...Off", "Tesla V100-SXM2~"),
        ("   0  GRID V100DX-32Q     On   ", "GRID V100DX-32Q"),
        ("   0  NVIDIA A100-SXM4-40GBOn", "NVIDIA A100-SXM4-40GB"),
        ("   0  Quadro P5000        TCC  ", "Quadro P5000"),
        ("   0  GeForce GTX 106... WDDM  ", "GeForce GTX 106~"),
        ("  10  NVIDIA H200                    On  ", "NVIDIA H200"),
        ("   0  Graphics Device                 N/A", "Graphics Device"),
    ] {
        let found = read(&row(cell));
        assert!(found[2].starts_with(&format!("gpu 1x {expected} @")), "{cell}: {found:?}");
    }
    assert_eq!(notes(&FORMAT, &row("   0  ERR!                ERR! ")).len(), 1);
    let jetson = "| NVIDIA-SMI 540.4.0                Driver Version: 540.4.0      CUDA Version: 12.6     |\n|   0  Orin (nvgpu)                  N/A  | N/A              N/A |                  N/A |\n| N/A   N/A  N/A               N/A /  N/A | Not Supported        |     N/A          N/A |\n";
    assert_eq!(
        read(jetson),
        ["nvidia-driver 540.04.00 @ 540.4.0", "driver-cuda 12.6 @ 12.6", "gpu 1x Orin (nvgpu) @ Orin (nvgpu)"]
    );
}

#[test]
fn values_that_the_tool_does_not_know_are_noted() {
    for word in ["N/A", "ERR!"] {
        let text = format!("| NVIDIA-SMI 525.85.12    Driver Version: 525.85.12    CUDA Version: {word}      |\n|   0  NVIDIA A10G         On   | 00000000:00:1E.0 Off |                    0 |\n");
        assert_eq!(read(&text), ["nvidia-driver 525.85.12 @ 525.85.12", "gpu 1x NVIDIA A10G @ NVIDIA A10G"]);
        assert_eq!(notes(&FORMAT, &text), [format!("CUDA Version is not known: the tool wrote `{word}`")]);
    }
    let bare = "NVIDIA-SMI 510.85.02    Driver Version: 526.98    CUDA Version: 12.0\n";
    assert_eq!(read(bare), ["nvidia-driver 526.98 @ 526.98", "driver-cuda 12.0 @ 12.0"]);
    let text = "| NVIDIA-SMI 536.xx       Driver Version: 536.xx       CUDA Version: 12.x |\n";
    assert!(read(text).is_empty());
    assert_eq!(notes(&FORMAT, text).len(), 3);
}

#[test]
fn a_failed_tool_means_no_driver_unless_it_only_found_no_gpu() {
    for text in [
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.",
        "NVIDIA-SMI has failed because it couldn\u{2019}t communicate with the NVIDIA driver.",
        "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.",
        "Failed to initialize NVML: Driver/library version mismatch",
        "Failed to initialize NVML: Driver Not Loaded",
        "bash: nvidia-smi: command not found",
        "zsh: command not found: nvidia-smi",
        "sh: 1: nvidia-smi: not found",
        "./check.sh: line 3: nvidia-smi: command not found",
        "bash: /usr/bin/nvidia-smi: No such file or directory",
        "'nvidia-smi' is not recognized as an internal or external command,",
        "nvidia-smi : The term 'nvidia-smi' is not recognized as the name of a cmdlet, function, script file, or operable program.",
        "Command 'nvidia-smi' not found, but can be installed with:",
        "exec: \"nvidia-smi\": executable file not found in $PATH: unknown",
    ] {
        let pasted = format!("$ nvidia-smi\n{text}\n");
        assert_eq!(read(&pasted), [format!("no-driver  @ {text}")]);
        assert_eq!(claim_of(&FORMAT, "a.txt", &pasted), Claim::Certain, "{text}");
    }
    for text in ["No devices were found", "Failed to initialize NVML: Unknown Error"] {
        assert!(read(text).is_empty());
        assert_eq!(notes(&FORMAT, text).len(), 1);
        assert_eq!(claim_of(&FORMAT, "a.txt", text), Claim::Certain, "{text}");
    }
    for text in [
        "If \"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver\" appears, reboot",
        "RUN nvidia-smi || echo 'nvidia-smi: command not found'", "echo nvidia-smi: command not found"] {
        assert_eq!(claim_of(&FORMAT, "a.txt", text), Claim::No, "{text}");
    }
}

#[test]
fn the_list_has_full_names_and_mig_below_them() {
    assert_eq!(read(LIST), ["gpu 2x NVIDIA H100 80GB HBM3 @ NVIDIA H100 80GB HBM3", "gpu 1x Orin (nvgpu) @ Orin (nvgpu)"]);
}

#[test]
fn the_long_form_has_one_product_name_a_gpu() {
    assert_eq!(
        read(QUERY),
        ["nvidia-driver 610.43.02 @ 610.43.02", "driver-cuda 13.3 @ 13.3", "gpu 2x NVIDIA A40 @ NVIDIA A40"]
    );
    let version = "NVIDIA-SMI version  : 550.54.15\nNVML version        : 550.54\nDRIVER version      : 550.54.15\nCUDA Version        : 12.4\n";
    assert_eq!(read(version), ["nvidia-driver 550.54.15 @ 550.54.15", "driver-cuda 12.4 @ 12.4"]);
    assert_eq!(claim_of(&FORMAT, "a.txt", version), Claim::Certain);
}

#[test]
fn xml_is_read_by_path_and_unknown_elements_are_passed_over() {
    let expected = ["nvidia-driver 610.43.02 @ 610.43.02", "driver-cuda 13.3 @ 13.3", "gpu 2x NVIDIA L40S @ NVIDIA L40S"];
    assert_eq!(read(XML), expected);
    let (text, reading) = read_bytes(&FORMAT, XML.as_bytes());
    assert_eq!(reading.facts[0].place.span.start, text.find("610.43").unwrap());
    assert_eq!(read(&format!("$ nvidia-smi -q -x\n{XML}$ \n")), expected);
}

#[test]
fn entities_are_not_expanded_and_broken_xml_is_a_fault() {
    let bomb = XML.replace(
        "SYSTEM \"nvsmi_device_v13.dtd\"",
        "[<!ENTITY a \"610.99.99\"><!ENTITY b \"&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]",
    );
    let text = bomb.replace(">610.43.02<", ">&b;<");
    assert_eq!(read(&text), ["driver-cuda 13.3 @ 13.3", "gpu 2x NVIDIA L40S @ NVIDIA L40S"]);
    assert_eq!(notes(&FORMAT, &text), ["expected plain text, found markup"]);
    for broken in [&XML[..400], &XML[..XML.len() - 5], &XML.replace("</gpu>", "</gpo>")] {
        let reading = read_as(&FORMAT, broken);
        assert!(reading.fault.is_some() && reading.facts.is_empty(), "{broken}");
    }
    let deep = format!("<nvidia_smi_log>{}", "<a>".repeat(100_000));
    assert!(read_as(&FORMAT, &deep).fault.is_some());
    assert_eq!(notes(&FORMAT, "<nvidia_smi_log></nvidia_smi_log>").len(), 1);
}

#[test]
fn csv_columns_follow_the_header() {
    assert_eq!(
        read(CSV),
        [
            "gpu 2x NVIDIA RTX A6000 cc 8.6 @ NVIDIA RTX A6000",
            "nvidia-driver 555.42.06 @ 555.42.06",
            "gpu 1x NVIDIA T1000 8GB @ NVIDIA T1000 8GB"
        ]
    );
    assert_eq!(notes(&FORMAT, CSV), ["compute_cap is not known: nvidia-smi wrote `[N/A]`"]);
    assert_eq!(read("driver_version\n396.26\n396.26\n"), ["nvidia-driver 396.26 @ 396.26"]);
    assert_eq!(read("name, compute_cap\r\nTesla T4, 7.5\r\n"), ["gpu 1x Tesla T4 cc 7.5 @ Tesla T4"]);
    assert_eq!(read("compute_cap\n8.9\n"), ["gpu 1x ? cc 8.9 @ 8.9"]);
    assert_eq!(read("name\nNVIDIA L4\nNVIDIA L4\n"), ["gpu 2x NVIDIA L4 @ NVIDIA L4"]);
    assert_eq!(claim_of(&FORMAT, "a.csv", "name\nNVIDIA L4\n"), Claim::Likely);
    assert_eq!(notes(&FORMAT, "name, driver_version\n"), ["no row follows this header"]);
    assert_eq!(
        notes(&FORMAT, "name, driver_version\nNVIDIA L4, 535.161.07\nNVIDIA L"),
        ["expected 2 fields as in the header, found 1"]
    );
    let text = "Field \"compute_cap\" is not a valid field to query.\n";
    assert_eq!((read(text).len(), notes(&FORMAT, text).len()), (0, 1));
}

#[test]
fn csv_without_a_header_is_recognised_by_its_values() {
    for (text, expected) in [
        ("Tesla T4, 470.182.03, [N/A], 15109\n", &["gpu 1x Tesla T4 @ Tesla T4", "nvidia-driver 470.182.03 @ 470.182.03"][..]),
        (
            "0, NVIDIA A100-SXM4-80GB, 8.0, 535.161.08, 400.00, 61.32\n1, NVIDIA A100-SXM4-80GB, 8.0, 535.161.08, 400.00, 62.15\n",
            &["gpu 2x NVIDIA A100-SXM4-80GB cc 8.0 @ NVIDIA A100-SXM4-80GB", "nvidia-driver 535.161.08 @ 535.161.08"],
        ),
        ("551.78, NVIDIA GeForce RTX 3060, 170.00 W\n", &["nvidia-driver 551.78 @ 551.78", "gpu 1x NVIDIA GeForce RTX 3060 @ NVIDIA GeForce RTX 3060"]),
        ("A100-PCIE-40GB, 00000000:3B:00.0, 450.80.02\n", &["gpu 1x A100-PCIE-40GB @ A100-PCIE-40GB", "nvidia-driver 450.80.02 @ 450.80.02"]),
        // Two numbers that could be a driver: neither is taken.
        ("NVIDIA H100 PCIe, 550.54, 312.45\n", &["gpu 1x NVIDIA H100 PCIe @ NVIDIA H100 PCIe"]),
    ] {
        assert_eq!(read(text), expected);
        assert_eq!(claim_of(&FORMAT, "gpus.csv", text), Claim::Likely, "{text}");
    }
    assert_eq!(claim_of(&FORMAT, "a.csv", "535.161.08\n"), Claim::Named);
    for other in ["1, 2, 3\n", "Ada, 36\nBob, 7\n", "torch\nnumpy\n", "numpy==1.26.4\n"] {
        assert_eq!(claim_of(&FORMAT, "a.csv", other), Claim::No, "{other}");
        assert!(read(other).is_empty());
    }
}

#[test]
fn a_pasted_session_is_read_by_all_formats_together() {
    assert_eq!(
        read(SESSION),
        [
            "nvidia-driver 510.47.03 @ 510.47.03",
            "driver-cuda 11.6 @ 11.6",
            "gpu 1x NVIDIA A100-SXM4-40GB cc 8.0 @ NVIDIA A100-SXM4-40GB",
            "cuda 11.5 @ 11.5",
            "architecture x86_64 @ x86_64",
            "os linux @ ubuntu",
            "distribution ubuntu 20.04 @ 20.04",
        ]
    );
    assert!(notes(&FORMAT, SESSION).is_empty());
}

#[test]
fn a_table_printed_again_and_again_counts_once() {
    let text = MIG.repeat(3);
    assert_eq!(read(&text), read(MIG));
}

#[test]
fn hostile_sizes_stay_bounded() {
    let text: String = (0..60_000).flat_map(|at| ["GPU 0: A".to_owned(), at.to_string(), " (UUID: GPU-x)\n".to_owned()]).collect();
    let reading = read_as(&FORMAT, &text);
    assert!(reading.facts.len() <= 20_000);
    assert!(reading.skipped.last().unwrap().reason.contains("too many"));
}

proptest! {
    #[test]
    fn never_panics_and_every_span_lies_inside(which in 0..8_usize, at in 0..3000_usize, put in "\\PC{0,6}") {
        let text = [R390, MIG, WINDOWS, LIST, QUERY, XML, CSV, SESSION][which];
        assert_sound(&FORMAT, &mutated(text, at % text.len(), &put));
    }

    #[test]
    fn any_text_is_survived(text in "(\\PC{0,30}[\n,|]){0,12}") {
        assert_sound(&FORMAT, &text);
        assert_sound(&FORMAT, &format!("| NVIDIA-SMI 1 Driver Version: {text}"));
        assert_sound(&FORMAT, &format!("<nvidia_smi_log><gpu>{text}</gpu></nvidia_smi_log>"));
        assert_sound(&FORMAT, &format!("name, driver_version\n{text}"));
    }

    #[test]
    fn lines_may_come_in_any_order(order in proptest::collection::vec(0..40_usize, 0..40)) {
        let all: Vec<&str> = SESSION.lines().collect();
        let text: String = order.iter().filter_map(|at| all.get(*at)).flat_map(|line| [*line, "\n"]).collect();
        assert_sound(&FORMAT, &text);
    }
}
