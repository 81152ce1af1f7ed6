//! Bytes to text, the way Python's tools do it: a byte order mark decides, else UTF-8.

use std::fmt;

/// Why bytes are not text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// First byte that does not fit.
    pub offset: usize,
    /// The encoding that was tried.
    pub encoding: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} is not valid {}", self.offset, self.encoding)
    }
}

/// Decodes by byte order mark (UTF-8, UTF-16, UTF-32), else as UTF-8. The mark itself is dropped.
///
/// # Errors
///
/// The first byte that the encoding does not allow.
pub fn decode(bytes: &[u8]) -> Result<String, DecodeError> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return utf8(rest, 3);
    }
    // UTF-32 LE begins like UTF-16 LE, so it is looked for first.
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe\x00\x00") {
        return utf32(rest, u32::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\x00\x00\xfe\xff") {
        return utf32(rest, u32::from_be_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes);
    }
    utf8(bytes, 0)
}

/// Decodes with a named encoding, such as a PEP 263 comment gives. `None` for a name that nobody knows.
///
/// # Errors
///
/// The first byte that the encoding does not allow.
#[must_use]
pub fn decode_as(bytes: &[u8], label: &str) -> Option<Result<String, DecodeError>> {
    let name = label.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "utf-8" | "utf8" | "u8" | "utf-8-sig" => return Some(utf8(bytes, 0)),
        // encoding_rs follows the web and reads these as windows-1252; Python does not.
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" | "8859" | "cp819" => {
            return Some(Ok(bytes.iter().map(|byte| char::from(*byte)).collect()));
        }
        "ascii" | "us-ascii" | "646" => {
            return Some(match bytes.iter().position(|byte| !byte.is_ascii()) {
                Some(offset) => Err(DecodeError { offset, encoding: "ASCII" }),
                None => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
            });
        }
        _ => {}
    }
    let encoding = encoding_rs::Encoding::for_label(name.as_bytes())?;
    let (text, _, faulty) = encoding.decode(bytes);
    Some(if faulty { Err(DecodeError { offset: 0, encoding: encoding.name() }) } else { Ok(text.into_owned()) })
}

fn utf8(bytes: &[u8], base: usize) -> Result<String, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(fault) => Err(DecodeError { offset: base + fault.valid_up_to(), encoding: "UTF-8" }),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let mut offset = 2;
    let mut text = String::with_capacity(bytes.len() / 2);
    let fault = |offset| DecodeError { offset, encoding: "UTF-16" };
    if !bytes.len().is_multiple_of(2) {
        return Err(fault(1 + bytes.len()));
    }
    for decoded in char::decode_utf16(bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]))) {
        let character = decoded.map_err(|_| fault(offset))?;
        offset += 2 * character.len_utf16();
        text.push(character);
    }
    Ok(text)
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Result<String, DecodeError> {
    let fault = |index: usize| DecodeError { offset: 4 + 4 * index, encoding: "UTF-32" };
    if !bytes.len().is_multiple_of(4) {
        return Err(fault(bytes.len() / 4));
    }
    bytes
        .chunks_exact(4)
        .enumerate()
        .map(|(index, four)| char::from_u32(unit([four[0], four[1], four[2], four[3]])).ok_or_else(|| fault(index)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_decide() {
        assert_eq!(decode(b"\xef\xbb\xbfab").unwrap(), "ab");
        assert_eq!(decode(b"\xff\xfea\0b\0").unwrap(), "ab");
        assert_eq!(decode(b"\xfe\xff\0a\0b").unwrap(), "ab");
        assert_eq!(decode(b"\xff\xfe\0\0a\0\0\0").unwrap(), "a");
        assert_eq!(decode(b"a\xff").unwrap_err().offset, 1);
        assert_eq!(decode(b"\xff\xfea").unwrap_err().encoding, "UTF-16");
    }

    #[test]
    fn latin_1_keeps_the_control_characters_that_end_lines_in_python() {
        assert_eq!(decode_as(b"a\x85", "latin-1").unwrap().unwrap(), "a\u{85}");
        assert!(decode_as(b"a", "no-such-thing").is_none());
    }
}
