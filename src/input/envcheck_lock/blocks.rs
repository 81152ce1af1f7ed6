//! The `[[package]]` blocks of an envcheck lock as `envcheck lock` writes them, read line by line.
//!
//! A lock is little else than hundreds of such blocks, and a tree of TOML values of each costs several times what its two
//! or three lines say. Only what cannot mean anything else is read here: every line of the file is a statement of its own,
//! and a block holds keys of the format, each once, with plain texts. All other blocks are left to the TOML parser.

use std::{borrow::Cow, sync::Arc};

use super::{exactly, is_plain};
use crate::{
    fact::{Package, PackageName},
    text::Span,
    version::Version,
};

/// A package and where its version stands, or its name.
pub(super) type Found = (Arc<Package>, Span);

/// The header of a block, a whole line.
const HEADER: &str = "[[package]]\n";

/// The packages of regular blocks, and the text with blanks in their place. Without one the text is as it was.
pub(super) fn take_packages(text: &str) -> (Vec<Found>, Cow<'_, str>) {
    let mut found = Vec::new();
    let mut rest = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(HEADER)
            && let Some((package, end)) = block(text, at + HEADER.len())
        {
            found.push(package);
            rest.push_str(&text[copied..at]);
            blank(&mut rest, end - at);
            (at, copied) = (end, end);
            continue;
        }
        let end = end_of_line(text, at);
        if !is_whole(&text[at..end]) {
            return (Vec::new(), Cow::Borrowed(text));
        }
        at = end;
    }
    if found.is_empty() {
        return (found, Cow::Borrowed(text));
    }
    rest.push_str(&text[copied..]);
    (found, Cow::Owned(rest))
}

/// Adds spaces.
fn blank(text: &mut String, mut count: usize) {
    const SPACES: &str = "                                                                ";
    while count > SPACES.len() {
        text.push_str(SPACES);
        count -= SPACES.len();
    }
    text.push_str(&SPACES[..count]);
}

/// Where the next line begins.
fn end_of_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// Whether a line is complete: no text or bracket is open at its end, and no text may go on over several lines.
fn is_whole(line: &str) -> bool {
    if line.contains("\"\"\"") || line.contains("'''") {
        return false;
    }
    let mut depth = 0_i32;
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'#' => break,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' | b'\'' => loop {
                match bytes.next() {
                    Some(b'\\') if byte == b'"' => drop(bytes.next()),
                    Some(other) if other == byte => break,
                    Some(_) => {}
                    None => return false,
                }
            },
            _ => {}
        }
    }
    depth == 0
}

/// Reads the lines of one block, up to the next header; nothing, if any of them is not what is expected.
fn block(text: &str, start: usize) -> Option<(Found, usize)> {
    let bytes = text.as_bytes();
    let (mut name, mut version, mut cuda) = (None, None, None);
    let (mut requires, mut requires_python, mut tags, mut build) = (None, None, None, None);
    let mut at = start;
    while let Some(&first) = bytes.get(at) {
        if first == b'[' {
            break;
        }
        if first == b'\n' {
            at += 1;
            continue;
        }
        let key_end = at + bytes[at..].iter().position(|byte| !byte.is_ascii_lowercase() && *byte != b'-')?;
        let key = &text[at..key_end];
        if !bytes[key_end..].starts_with(b" = ") {
            return None;
        }
        let from = key_end + 3;
        // A text is over at the first byte that is not plain.
        let end = match bytes.get(from)? {
            b'"' => from + 2 + bytes[from + 1..].iter().position(|byte| !is_plain_byte(*byte))?,
            _ => end_of_line(text, from).checked_sub(usize::from(text[from..].contains('\n')))?,
        };
        let value = text.get(from..end)?;
        let place = Span::new(from, end);
        let known = match key {
            "name" => name.replace((plain_text(value)?, place)).is_some(),
            "version" => version.replace((plain_text(value)?, place)).is_some(),
            "requires" => requires.replace(plain_texts(value)?).is_some(),
            "requires-python" => requires_python.replace(plain_text(value)?.to_owned()).is_some(),
            "tags" => tags.replace(plain_texts(value)?).is_some(),
            "build" => build.replace(plain_text(value)?.to_owned()).is_some(),
            "cuda" => cuda.replace(plain_text(value)?.parse().ok()?).is_some(),
            _ => return None,
        };
        at = match bytes.get(end) {
            None => end,
            Some(b'\n') => end + 1,
            Some(_) => return None,
        };
        if known {
            return None;
        }
    }
    let (spelled, mut place) = name?;
    let mut package = Package::named(PackageName::new(spelled).ok()?, spelled, place);
    if let Some((written, span)) = version {
        let version: Version = written.parse().ok()?;
        exactly(&mut package, &version, Some(written).filter(|text| is_plain(text)), span);
        place = span;
    }
    package.requires = requires.unwrap_or_default();
    package.requires_python = requires_python;
    package.tags = tags.unwrap_or_default();
    package.build = build;
    package.cuda = cuda;
    Some(((Arc::new(package), place), at))
}

/// `"text"` without escapes.
fn plain_text(value: &str) -> Option<&str> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    text.bytes().all(is_plain_byte).then_some(text)
}

/// `["text", "text"]`.
fn plain_texts(value: &str) -> Option<Vec<String>> {
    let inner = value.strip_prefix('[')?.strip_suffix(']')?;
    if inner.is_empty() {
        return Some(Vec::new());
    }
    let inner = inner.strip_prefix('"')?.strip_suffix('"')?;
    inner.split("\", \"").map(|text| text.bytes().all(is_plain_byte).then(|| text.to_owned())).collect()
}

/// A byte that stands for itself between quotes.
fn is_plain_byte(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | 0x00..=0x1f | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_blocks_are_taken() {
        let regular = "[[package]]\nname = \"a\"\nversion = \"1.0\"\nrequires = [\"b<2\", \"c\"]\n\n";
        let odd = "[[package]]\nname = 'b'\n";
        let text = format!("version = 1\n{regular}{odd}[gpu]\n");
        let (found, rest) = take_packages(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0.requires, ["b<2", "c"]);
        assert_eq!(&text[found[0].1.start..found[0].1.end], "\"1.0\"");
        assert_eq!(rest, format!("version = 1\n{}{odd}[gpu]\n", " ".repeat(regular.len())));
    }

    #[test]
    fn nothing_is_taken_where_a_line_may_belong_to_another() {
        let block = "[[package]]\nname = \"a\"\n";
        for around in ["x = [\n", "x = \"\"\"\n", "x = '''\n", "x = \"a\n", "x = {\n"] {
            let text = format!("{around}{block}[y]\n");
            assert_eq!(take_packages(&text), (Vec::new(), Cow::Borrowed(text.as_str())), "{around}");
        }
    }
}
