//! The text of a Dockerfile to instructions, as `BuildKit` reads it: directives, comments, continuations, heredocs, flags.
//!
//! Specification: <https://docs.docker.com/reference/dockerfile/>
//!
//! Every byte that is kept knows its place in the file.

use std::{collections::VecDeque, iter::Peekable};

use crate::{input::requirements_txt::unfold::Unfolded, text::Span};

/// One instruction.
#[derive(Debug, Clone, Default)]
pub(super) struct Instruction {
    /// The keyword in upper case.
    pub(super) keyword: String,
    /// From the keyword to the end of the last line that is not a heredoc.
    pub(super) span: Span,
    /// `--name` and `--name=value` before the operands.
    pub(super) flags: Vec<Flag>,
    /// What follows keyword and flags, continuations joined, without comments.
    pub(super) body: Unfolded,
    /// The heredocs that the body begins.
    pub(super) heredocs: VecDeque<Heredoc>,
}

/// An option of an instruction.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    pub(super) name: String,
    pub(super) value: Unfolded,
    pub(super) span: Span,
}

/// The lines between `<<EOF` and `EOF`.
#[derive(Debug, Clone, Default)]
pub(super) struct Heredoc {
    pub(super) body: Unfolded,
    /// Whether its end was found.
    pub(super) closed: bool,
    /// Its end was written in quotes: nothing in it is replaced.
    pub(super) literal: bool,
}

/// A Dockerfile taken apart.
#[derive(Debug, Default)]
pub(super) struct Dockerfile {
    pub(super) instructions: Vec<Instruction>,
    /// What continues a line and escapes a character: a backslash or a backtick.
    pub(super) escape: char,
    /// Places of heredocs that never end.
    pub(super) unclosed: Vec<Span>,
}

/// A physical line without its end.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    text: &'a str,
    start: usize,
}

impl Line<'_> {
    fn is_comment(self) -> bool {
        self.text.trim_start().starts_with('#')
    }

    fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }

    fn end(self) -> usize {
        self.start + self.text.len()
    }
}

fn lines(text: &str, margin: usize) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let mut bare = line.strip_suffix('\n').unwrap_or(line);
        bare = bare.strip_suffix('\r').unwrap_or(bare);
        let mut here = start;
        start += line.len();
        if let (0, Some(rest)) = (here, bare.strip_prefix('\u{feff}')) {
            here = bare.len() - rest.len();
            bare = rest;
        }
        let indented = bare.bytes().take(margin).take_while(|it| *it == b' ').count();
        Line { text: &bare[indented..], start: here + indented }
    })
}

/// Takes a text apart. Everything is kept; what makes no sense is for the reader to say.
pub(super) fn parse(text: &str) -> Dockerfile {
    parse_indented(text, 0)
}

/// The same for a text of which so many blanks before each line are no part.
pub(super) fn parse_indented(text: &str, margin: usize) -> Dockerfile {
    let mut out = Dockerfile { escape: directives(text), ..Dockerfile::default() };
    let mut lines = lines(text, margin).peekable();
    while let Some(line) = lines.next() {
        if line.is_blank() || line.is_comment() {
            continue;
        }
        let (whole, end) = joined(line, &mut lines, out.escape);
        let mut instruction = instruction(&whole, out.escape);
        instruction.span = Span::new(line.start + (line.text.len() - line.text.trim_start().len()), end);
        if matches!(instruction.keyword.as_str(), "RUN" | "COPY" | "ADD") {
            for HeredocName { name, strip, literal } in heredoc_names(&instruction.body.text) {
                let heredoc = Heredoc { literal, ..heredoc(&name, strip, &mut lines) };
                if !heredoc.closed {
                    out.unclosed.push(instruction.span);
                }
                instruction.heredocs.push_back(heredoc);
            }
        }
        out.instructions.push(instruction);
    }
    out
}

/// The escape character that the directives at the top name.
fn directives(text: &str) -> char {
    for line in lines(text, 0) {
        let Some((name, value)) = line.text.trim_start().strip_prefix('#').and_then(|it| it.split_once('=')) else { break };
        let name = name.trim();
        if name.is_empty() || !name.chars().all(|it| it.is_ascii_alphanumeric()) {
            break;
        }
        if name.eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

/// A line with the lines that continue it; comments and empty lines between them are left out.
fn joined<'a>(first: Line<'a>, lines: &mut Peekable<impl Iterator<Item = Line<'a>>>, escape: char) -> (Unfolded, usize) {
    let mut out = Unfolded::default();
    let mut line = first;
    let mut end;
    loop {
        end = line.end();
        let trimmed = line.text.trim_end_matches([' ', '\t']);
        let bare = trimmed.strip_suffix(escape).filter(|it| !it.ends_with(escape));
        out.copy(bare.unwrap_or(line.text), line.start);
        if bare.is_none() {
            return (out, end);
        }
        loop {
            let Some(next) = lines.next() else { return (out, end) };
            if !next.is_comment() && !next.is_blank() {
                line = next;
                break;
            }
        }
    }
}

fn instruction(whole: &Unfolded, escape: char) -> Instruction {
    let text = whole.text.as_str();
    let start = text.len() - text.trim_start().len();
    let end = text[start..].find(char::is_whitespace).map_or(text.len(), |at| start + at);
    let keyword = text[start..end].to_ascii_uppercase();
    let mut at = end;
    let mut flags = Vec::new();
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let rest = &text[at..];
        if !rest.starts_with("--") || matches!(keyword.as_str(), "ENV" | "ARG" | "LABEL" | "CMD" | "ENTRYPOINT") {
            break;
        }
        let stop = at + flag_length(rest, escape);
        let word = &text[at + 2..stop];
        let (name, value) = word.split_once('=').map_or((word, stop), |(name, _)| (name, at + 2 + name.len() + 1));
        if name.is_empty() {
            at = stop;
            break;
        }
        flags.push(Flag {
            name: name.to_ascii_lowercase(),
            value: whole.slice(value.min(stop), stop),
            span: whole.place(Span::new(at, stop)),
        });
        at = stop;
    }
    let to = text.trim_end().len().max(at);
    Instruction { keyword, flags, body: whole.slice(at, to), ..Instruction::default() }
}

/// The length of a flag: blanks inside quotes belong to it.
fn flag_length(text: &str, escape: char) -> usize {
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if character.is_whitespace() => return at,
            _ if character == escape => drop(characters.next()),
            _ => {}
        }
    }
    text.len()
}

/// The word behind `<<`.
struct HeredocName {
    name: String,
    /// Tabs are taken away.
    strip: bool,
    literal: bool,
}

/// The words behind `<<` at the beginning of a word.
fn heredoc_names(text: &str) -> Vec<HeredocName> {
    let mut names = Vec::new();
    let mut quote = None;
    let mut before = ' ';
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        if let Some(open) = quote {
            quote = (character != open).then_some(open);
        } else if matches!(character, '"' | '\'') {
            quote = Some(character);
        } else if text[at..].starts_with("<<") && (before.is_whitespace() || before.is_ascii_digit()) {
            let rest = text[at + 2..].strip_prefix('-').unwrap_or(&text[at + 2..]);
            let strip = text[at + 2..].starts_with('-');
            let length = rest.find(|it: char| it.is_whitespace() || "<>|&;()".contains(it)).unwrap_or(rest.len());
            let name = rest[..length].replace(['"', '\'', '\\'], "");
            if !name.is_empty() {
                let literal = name.len() < length;
                names.push(HeredocName { name, strip, literal });
            }
            at = text.len() - rest.len() + length;
            before = '<';
            continue;
        }
        before = character;
        at += character.len_utf8();
    }
    names
}

fn heredoc<'a>(name: &str, strip: bool, lines: &mut impl Iterator<Item = Line<'a>>) -> Heredoc {
    let mut out = Heredoc::default();
    for line in lines {
        let kept = if strip { line.text.trim_start_matches('\t') } else { line.text };
        if kept == name {
            out.closed = true;
            break;
        }
        out.body.copy(kept, line.end() - kept.len());
        out.body.put("\n", Span::new(line.end(), line.end()));
    }
    out
}

/// The strings of a JSON array, if the text is one: the exec form.
pub(super) fn json_array(body: &Unfolded) -> Option<Vec<Unfolded>> {
    let text = body.text.as_str();
    if !text.starts_with('[') {
        return None;
    }
    let expected: Vec<String> = serde_json::from_str(text).ok()?;
    let mut out = Vec::with_capacity(expected.len());
    let mut at = 1;
    for value in expected {
        let open = at + text[at..].find('"')?;
        let mut close = open + 1;
        while !text[close..].starts_with('"') {
            close += if text[close..].starts_with('\\') { 2 } else { text[close..].chars().next()?.len_utf8() };
        }
        let plain = &text[open + 1..close] == value.as_str();
        out.push(if plain {
            body.slice(open + 1, close)
        } else {
            let mut word = Unfolded::default();
            word.put(&value, body.place(Span::new(open, close + 1)));
            word
        });
        at = close + 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        for it in parse(text).instructions {
            let flags: Vec<String> = it.flags.iter().map(|it| format!(" --{}={}", it.name, it.value.text)).collect();
            let heredocs: Vec<String> = it.heredocs.iter().map(|it| format!(" <{:?}>", it.body.text)).collect();
            out.push(format!("{}{} {}{}", it.keyword, flags.concat(), it.body.text, heredocs.concat()));
        }
        out
    }

    #[test]
    fn instructions_are_joined_as_buildkit_joins_them() {
        for (text, expected) in [
            ("from  a\nRun b", &["FROM a", "RUN b"][..]),
            ("\u{feff}FROM a\r\nRUN b \\\r\n  # c\r\n\r\n  d\r\n", &["FROM a", "RUN b   d"]),
            ("FROM a\nRUN b \\  \n c", &["FROM a", "RUN b  c"]),
            ("# escape=`\nRUN b `\n c\\\nRUN d", &["RUN b  c\\", "RUN d"]),
            ("# syntax=x\n# ESCAPE = `\nRUN b `\n c", &["RUN b  c"]),
            ("\n# escape=`\nRUN b `\n", &["RUN b `"]),
            ("RUN a \\\\\nRUN b", &["RUN a \\\\", "RUN b"]),
            ("RUN a \\", &["RUN a"]),
            ("RUN --mount=type=bind,source=\"a b\" --network=none x", &["RUN --mount=type=bind,source=\"a b\" --network=none x"]),
            ("RUN <<EOF\na # b\n\nEOF\nRUN c", &["RUN <<EOF <\"a # b\\n\\n\">", "RUN c"]),
            ("RUN <<-'E' cat <<F\n\ta\n\tE\nb\nF\n", &["RUN <<-'E' cat <<F <\"a\\n\"> <\"b\\n\">"]),
            ("RUN cat <<< x\nRUN \"<<EOF\"", &["RUN cat <<< x", "RUN \"<<EOF\""]),
            ("ENV --a=b", &["ENV --a=b"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn arrays_of_strings_keep_their_places() {
        let text = "CMD [ \"a\", \"b\\\"c\" ]";
        let body = &parse(text).instructions[0].body;
        let words = json_array(body).unwrap_or_default();
        let shown: Vec<_> = words
            .iter()
            .map(|word| {
                let span = word.place(Span::new(0, word.text.len()));
                (word.text.as_str(), &text[span.start..span.end])
            })
            .collect();
        assert_eq!(shown, [("a", "a"), ("b\"c", "\"b\\\"c\"")]);
        assert!(json_array(&parse("CMD ['a']").instructions[0].body).is_none());
        assert!(json_array(&parse("CMD [1]").instructions[0].body).is_none());
    }
}
