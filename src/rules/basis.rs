//! Which tables of the knowledge each rule asks: what its verdicts rest on beside the inputs.
//!
//! Tables that it asks through the environment count (`Environment::gpus` asks `gpu`); a question whether another rule
//! speaks already does not. A test compares the list with the sources of the rules.

/// The tables of one rule, by its code.
type Basis = (&'static str, &'static [&'static str]);

/// One entry a rule, in code order; a rule without tables rests on what the inputs say.
static BASES: &[Basis] = &[
    ("EC001", &["change", "statement"]),
    ("EC002", &["wheel_python"]),
    ("EC003", &["distribution", "wheel_libc"]),
    ("EC004", &["wheel_libc"]),
    ("EC005", &["wheel_platform"]),
    ("EC101", &["artifact", "package_role"]),
    ("EC102", &["collision", "image", "package_role"]),
    ("EC103", &["collision", "gpu", "statement", "torch_release"]),
    ("EC104", &["collision"]),
    ("EC105", &["needs", "numpy_abi", "onnxruntime_release", "wheel_python"]),
    ("EC106", &["needs", "statement"]),
    ("EC107", &["needs", "statement"]),
    ("EC108", &["change"]),
    ("EC109", &["extension_cuda", "gpu_libraries", "needs", "statement", "torch_release"]),
    ("EC110", &["collision", "image", "needs", "numpy_abi", "package_role"]),
    ("EC201", &["collision", "onnxruntime_release"]),
    ("EC202", &["collision", "onnxruntime_release"]),
    ("EC203", &["collision", "onnx_operator", "onnx_release", "onnxruntime_operator", "onnxruntime_release"]),
    ("EC204", &["collision", "onnx_domain", "onnxruntime_release"]),
    ("EC205", &["artifact", "artifact_break"]),
    ("EC206", &["gpu", "statement"]),
    ("EC207", &["collision", "onnxruntime_release", "tensorrt_parser"]),
    ("EC208", &["collision", "exporter", "onnx_release", "onnxruntime_release"]),
    ("EC209", &["statement"]),
    (
        "EC210",
        &[
            "collision",
            "onnxruntime_element",
            "onnxruntime_kernel",
            "onnxruntime_operator",
            "onnxruntime_release",
            "statement",
        ],
    ),
    ("EC211", &["statement"]),
    ("EC212", &["collision", "onnxruntime_release", "statement"]),
    ("EC213", &["collision", "onnxruntime_release", "statement"]),
    (
        "EC301",
        &[
            "cuda_driver",
            "cuda_minor",
            "driver_branch",
            "forward_compat",
            "gpu",
            "gpu_architecture",
            "gpu_libraries",
            "statement",
            "torch_release",
        ],
    ),
    ("EC302", &["cuda_driver", "cuda_minor", "driver_branch", "gpu_libraries", "statement", "torch_release"]),
    ("EC303", &["gpu", "gpu_libraries", "statement", "toolkit_capability", "torch_architecture", "torch_release"]),
    ("EC304", &["gpu", "gpu_libraries", "toolkit_capability", "torch_release"]),
    ("EC305", &["gpu", "gpu_architecture"]),
    ("EC306", &["gpu_libraries", "statement", "torch_release"]),
    ("EC307", &["gpu_libraries", "library_cuda", "statement", "torch_release"]),
    ("EC308", &["gpu_libraries", "statement", "torch_release"]),
    ("EC309", &["collision", "gpu", "gpu_libraries", "statement", "torch_release"]),
    ("EC310", &["gpu", "statement"]),
    ("EC311", &["gpu", "statement"]),
    ("EC312", &["statement", "torch_release"]),
    ("EC313", &["gpu", "gpu_libraries", "minimum_capability", "torch_release"]),
    ("EC314", &["gpu_libraries", "image", "statement", "torch_release"]),
    ("EC401", &["cuda_driver", "cuda_minor", "driver_branch", "gpu", "image", "image_condition", "statement"]),
    ("EC402", &[]),
    ("EC403", &["system_library"]),
    ("EC404", &["statement"]),
    ("EC405", &[]),
    ("EC601", &["needs", "package_role"]),
    ("EC602", &["statement"]),
    ("EC901", &["collision", "cuda_driver", "driver_branch", "onnxruntime_release", "torch_release", "wheel_python"]),
    ("EC902", &[]),
    ("EC903", &[]),
    ("EC904", &[]),
];

/// Tables that the environment asks before any rule runs: what an image, a distribution or a kind of machine implies.
pub static IMPLYING: [&str; 3] = ["distribution", "image", "instance_gpu"];

/// The tables that a rule asks; `None` for a code that is not in the list.
#[must_use]
pub fn tables_of(code: &str) -> Option<&'static [&'static str]> {
    BASES.iter().find(|(known, _)| *known == code).map(|(_, tables)| *tables)
}
