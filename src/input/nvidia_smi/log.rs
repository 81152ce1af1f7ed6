//! `nvidia-smi -q` and `nvidia-smi --version`: lines of a key, a colon and a value.
//!
//! In `-q`, a line `GPU 00000000:00:1E.0` begins each device, and only the first product name below it is the GPU's:
//! licensed vGPU software has one too.

use crate::{
    fact::Gpu,
    input::pasted::{Scan, is_missing},
};

/// Whether the output of `-q` or `--version` begins here.
pub(super) fn is_mark(line: &str) -> bool {
    begins(line).is_some()
}

enum Form {
    Query,
    Version,
}

fn begins(line: &str) -> Option<Form> {
    let line = line.trim();
    if line.starts_with("==") && line.contains("NVSMI LOG") {
        return Some(Form::Query);
    }
    let (key, _) = line.split_once(':')?;
    key.trim_end().eq_ignore_ascii_case("NVIDIA-SMI version").then_some(Form::Version)
}

/// `--version` has four lines; more may come.
const VERSION_LINES: usize = 8;

pub(super) fn scan(scan: &mut Scan<'_>) {
    let mut section = 0;
    let mut left = 0_usize;
    let mut awaits_name = false;
    for line in scan.text.lines() {
        if let Some(form) = begins(line) {
            section = scan.section();
            awaits_name = false;
            left = match form {
                Form::Query => usize::MAX,
                Form::Version => VERSION_LINES,
            };
            continue;
        }
        if left == 0 {
            continue;
        }
        left -= 1;
        if is_device(line) {
            awaits_name = true;
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "driver version" | "kmd version" => scan.driver("the driver version", value),
            "cuda version" | "cuda umd version" => scan.driver_cuda("the CUDA version", value),
            "product name" if awaits_name => {
                awaits_name = false;
                if is_missing(value) {
                    scan.skip(value, "the GPU has no product name");
                } else {
                    let gpu = Gpu { name: Some(value.to_owned()), truncated: false, capability: None, count: 1 };
                    scan.gpu(section, gpu, value);
                }
            }
            _ => {}
        }
    }
}

/// `GPU 00000000:00:1E.0`, which old versions write `GPU 0000:06:00.0`.
fn is_device(line: &str) -> bool {
    let Some(bus) = line.trim().strip_prefix("GPU ") else { return false };
    bus.bytes().filter(|it| *it == b':').count() == 2
        && bus.bytes().all(|it| it.is_ascii_hexdigit() || it == b':' || it == b'.')
}
