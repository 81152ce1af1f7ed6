//! What a file is that was taken for a model and is none: said by its first bytes, to spare the user the search.

/// First bytes, where they begin, and what has them.
const MARKS: &[(usize, &[u8], &str)] = &[
    (4, b"ORTM", "a model in ONNX Runtime's own format (ORT), which holds no ONNX model"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"PK\x03\x04", "a zip archive, as PyTorch writes checkpoints"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes models"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"GGUF", "a GGUF model"),
    (0, b"ftrt", "a TensorRT plan"),
    (0, b"ptrt", "a TensorRT plan"),
    (0, b"\x7fELF", "a Linux program or library"),
    (0, b"MZ", "a Windows program or library"),
    (0, b"\x80\x02", "a Python pickle"),
    (0, b"\x80\x03", "a Python pickle"),
    (0, b"\x80\x04", "a Python pickle"),
    (0, b"\x80\x05", "a Python pickle"),
];

/// What the file is, if its first bytes say so.
pub(super) fn describe(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some("an empty file".to_owned());
    }
    if let Some(pointer) = lfs_pointer(bytes) {
        return Some(pointer);
    }
    if let Some((.., what)) = MARKS.iter().find(|(at, mark, _)| bytes.get(*at..).is_some_and(|it| it.starts_with(mark)))
    {
        return Some((*what).to_owned());
    }
    let start = &bytes[..bytes.len().min(4096)];
    if start.iter().all(|byte| *byte == 0) {
        return Some("zero bytes only, as an unfinished download leaves them".to_owned());
    }
    let is_safetensors = bytes.get(4..9).is_some_and(|it| it == b"\0\0\0\0{");
    if is_safetensors {
        return Some("a safetensors file".to_owned());
    }
    text(start)
}

/// Git stores this text in place of a large file until it is fetched: <https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>.
fn lfs_pointer(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(&bytes[..bytes.len().min(1024)]).ok()?;
    if !text.starts_with("version https://git-lfs.github.com/spec/")
        && !text.starts_with("version https://hawser.github.com/spec/")
    {
        return None;
    }
    let size = text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse::<u64>().ok());
    let of = size.map_or_else(String::new, |size| format!(" to {size} bytes"));
    Some(format!("a Git LFS pointer{of} (`git lfs pull` fetches the file)"))
}

fn text(start: &[u8]) -> Option<String> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // Only the last character is cut.
        Err(fault) if start.len() - fault.valid_up_to() < 4 => {
            std::str::from_utf8(&start[..fault.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if text.chars().any(|it| it.is_control() && !it.is_whitespace()) {
        return None;
    }
    let text = text.trim_start();
    let lower = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    let what = if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        "an HTML page, as a download that needs a login returns"
    } else if lower.starts_with("<?xml") {
        "an XML document"
    } else if lower.starts_with('{') || lower.starts_with('[') {
        "a JSON document"
    } else if lower.starts_with("ir_version:") {
        "a model in protobuf's text format (`onnx.parser` or `onnx.load` can convert it)"
    } else if text.starts_with('<') && text.contains("ir_version") {
        "a model in ONNX's text syntax (`onnx.parser` can convert it)"
    } else {
        "text"
    };
    Some(what.to_owned())
}
