//! Words with quotes, escapes and variables, as the builder and as a shell read them.
//!
//! A part whose value is only known while the image is built stays as written and is remembered: an unknown value is
//! neither empty nor an error.

use std::cell::Cell;

use super::substitute;
use crate::{input::requirements_txt::unfold::Unfolded, text::Span};

/// What is known of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Known(String),
    /// It has a value that nobody can tell from the file.
    Unknown,
    /// Nothing gives it a value.
    Unset,
}

/// Who reads the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// The builder, with this escape character: a value is never split.
    Builder(char),
    /// A shell: unquoted values are split at blanks, and commands can stand for words.
    Shell,
}

/// A word after expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Word {
    pub(super) line: Unfolded,
    /// Where parts without a known value stand in the word.
    pub(super) unknown: Vec<Span>,
}

impl Word {
    pub(super) fn text(&self) -> &str {
        &self.line.text
    }

    /// The text, if all of it is known.
    pub(super) fn known(&self) -> Option<&str> {
        self.unknown.is_empty().then_some(self.text())
    }

    /// Where it stands in the file.
    pub(super) fn span(&self) -> Span {
        self.line.place(Span::new(0, self.line.text.len()))
    }

    /// The first part without a known value.
    pub(super) fn first_unknown(&self) -> Option<&str> {
        self.unknown.first().map(|span| &self.line.text[span.start..span.end])
    }

    /// A part of it.
    pub(super) fn slice(&self, from: usize, to: usize) -> Word {
        let inside = |it: &&Span| from <= it.start && it.end <= to;
        let moved = |it: &Span| Span::new(it.start - from, it.end - from);
        Word { line: self.line.slice(from, to), unknown: self.unknown.iter().filter(inside).map(moved).collect() }
    }

    pub(super) fn literal(line: Unfolded) -> Word {
        Word { line, unknown: Vec::new() }
    }
}

/// Values longer than this are not put in.
const VALUE_LIMIT: usize = 16 << 10;

/// Defaults inside defaults are followed this far.
const DEPTH_LIMIT: usize = 8;

/// Puts values in place of variables.
pub(super) struct Expander<'l> {
    pub(super) lookup: &'l dyn Fn(&str) -> Value,
    pub(super) mode: Mode,
    /// Bytes that values may still take in this file.
    pub(super) budget: &'l Cell<usize>,
}

/// A variable or command in a word.
struct Reference {
    /// Its bytes.
    length: usize,
    /// `None` if the value is unknown.
    value: Option<String>,
}

impl Expander<'_> {
    /// All words of an instruction's operands.
    pub(super) fn words(&self, body: &Unfolded) -> Vec<Word> {
        self.split(body).into_iter().flat_map(|span| self.word(&body.slice(span.start, span.end))).collect()
    }

    /// Where the blanks separate words that are not yet expanded.
    pub(super) fn split(&self, body: &Unfolded) -> Vec<Span> {
        let escape = self.escape();
        let mut spans = Vec::new();
        let mut start = None;
        let mut quote = None;
        let mut characters = body.text.char_indices();
        while let Some((at, character)) = characters.next() {
            if quote.is_none() && character.is_whitespace() {
                spans.extend(start.take().map(|start| Span::new(start, at)));
                continue;
            }
            start.get_or_insert(at);
            match quote {
                Some('\'') if character == '\'' => quote = None,
                Some('\'') => {}
                _ if character == escape => drop(characters.next()),
                Some(open) if character == open => quote = None,
                None if matches!(character, '"' | '\'') => quote = Some(character),
                _ => {}
            }
        }
        spans.extend(start.map(|start| Span::new(start, body.text.len())));
        spans
    }

    fn escape(&self) -> char {
        match self.mode {
            Mode::Builder(escape) => escape,
            Mode::Shell => '\\',
        }
    }

    /// One word: a shell may make none or several of it.
    pub(super) fn word(&self, raw: &Unfolded) -> Vec<Word> {
        let escape = self.escape();
        let text = raw.text.as_str();
        let mut out = Vec::new();
        let mut word: Option<Word> = None;
        let (mut at, mut double) = (0, false);
        while let Some(character) = text[at..].chars().next() {
            let length = character.len_utf8();
            let next = text[at + length..].chars().next();
            match character {
                '\'' if !double => {
                    let end = text[at + 1..].find('\'').map_or(text.len(), |it| at + 1 + it);
                    take(&mut word, raw, at + 1, end);
                    at = (end + 1).min(text.len());
                }
                '"' => {
                    double = !double;
                    word.get_or_insert_default();
                    at += 1;
                }
                _ if character == escape && next.is_some() => {
                    let next = next.unwrap_or_default();
                    let kept = double && !matches!(next, '"' | '$' | '`') && next != escape;
                    take(&mut word, raw, if kept { at } else { at + length }, at + length + next.len_utf8());
                    at += length + next.len_utf8();
                }
                '$' | '`' => {
                    let Some(found) = self.reference(&text[at..], 0) else {
                        take(&mut word, raw, at, at + length);
                        at += length;
                        continue;
                    };
                    let end = at + found.length;
                    let source = raw.place(Span::new(at, end));
                    match found.value.filter(|value| self.afford(value)) {
                        None => {
                            let word = word.get_or_insert_default();
                            let from = word.line.text.len();
                            word.line.append(raw.slice(at, end));
                            word.unknown.push(Span::new(from, word.line.text.len()));
                        }
                        Some(value) if double || self.mode != Mode::Shell => {
                            word.get_or_insert_default().line.put(&value, source);
                        }
                        Some(value) => fields(&value, source, &mut word, &mut out),
                    }
                    at = end;
                }
                _ => {
                    let special = |it: char| matches!(it, '\'' | '"' | '$' | '`') || it == escape;
                    let end = text[at + length..].find(special).map_or(text.len(), |it| at + length + it);
                    take(&mut word, raw, at, end);
                    at = end;
                }
            }
        }
        out.extend(word);
        out
    }

    /// The text of a heredoc: variables are replaced, quotes are letters.
    pub(super) fn heredoc(&self, raw: &Unfolded) -> Word {
        let text = raw.text.as_str();
        let mut out = Word::default();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let next = rest.find(['\\', '$', '`']).unwrap_or(rest.len());
            if next > 0 {
                out.line.append(raw.slice(at, at + next));
                at += next;
                continue;
            }
            let escaped = rest[1..].chars().next().filter(|it| rest.starts_with('\\') && matches!(it, '\\' | '$' | '`' | '\n'));
            if let Some(escaped) = escaped {
                if escaped != '\n' {
                    out.line.append(raw.slice(at + 1, at + 2));
                }
                at += 2;
                continue;
            }
            let found = if rest.starts_with('\\') { None } else { self.reference(rest, 0) };
            let end = at + found.as_ref().map_or(1, |it| it.length);
            match found {
                None => out.line.append(raw.slice(at, end)),
                Some(Reference { value: Some(value), .. }) if self.afford(&value) => {
                    out.line.put(&value, raw.place(Span::new(at, end)));
                }
                Some(_) => {
                    let from = out.line.text.len();
                    out.line.append(raw.slice(at, end));
                    out.unknown.push(Span::new(from, out.line.text.len()));
                }
            }
            at = end;
        }
        out
    }

    fn afford(&self, value: &str) -> bool {
        let left = self.budget.get().checked_sub(value.len()).filter(|_| value.len() <= VALUE_LIMIT);
        self.budget.set(left.unwrap_or(self.budget.get()));
        left.is_some()
    }

    /// What begins with `$` or a backquote; `None` if it stands for itself.
    fn reference(&self, text: &str, depth: usize) -> Option<Reference> {
        let unknown = |length| Some(Reference { length, value: None });
        let shell = self.mode == Mode::Shell;
        if let Some(rest) = text.strip_prefix('`') {
            let end = rest.find('`').map_or(text.len(), |it| it + 2);
            let inner = rest.get(..end.saturating_sub(2)).unwrap_or_default();
            return shell.then(|| Reference { length: end, value: self.printed(inner, depth) });
        }
        let rest = &text[1..];
        if rest.starts_with('(') {
            let end = closing(text, 1, '(', ')');
            let inner = text[2..end].strip_suffix(')').unwrap_or_default();
            return shell.then(|| Reference { length: end, value: self.printed(inner, depth) });
        }
        if rest.starts_with('{') {
            let end = closing(text, 1, '{', '}');
            let inner = text[2..end].strip_suffix('}').unwrap_or(&text[2..end]);
            return Some(Reference { length: end, value: self.braced(inner, depth) });
        }
        let length = name_length(rest);
        if length > 0 {
            let value = match (self.lookup)(&rest[..length]) {
                Value::Known(value) => Some(value),
                Value::Unknown | Value::Unset => None,
            };
            return Some(Reference { length: length + 1, value });
        }
        match rest.chars().next() {
            Some(it) if shell && it.is_ascii_digit() => {
                let value = match (self.lookup)(&rest[..1]) {
                    Value::Known(value) => Some(value),
                    Value::Unknown | Value::Unset => None,
                };
                Some(Reference { length: 2, value })
            }
            Some(it) if shell && (it.is_ascii_digit() || "@*#?!$-".contains(it)) => unknown(2),
            _ => None,
        }
    }

    /// What a command prints that stands in place of a word.
    fn printed(&self, inner: &str, depth: usize) -> Option<String> {
        let inner = inner.trim();
        if inner.starts_with('#') && !inner.contains('\n') {
            return Some(String::new()); // A comment inside a line.
        }
        if depth >= DEPTH_LIMIT || inner.len() > VALUE_LIMIT {
            return None;
        }
        let (printed, filters) = substitute::parts(inner)?;
        let value = self.flat(printed, depth + 1)?;
        filters.into_iter().try_fold(value, |value, filter| substitute::filtered(&value, filter))
    }

    /// What stands between the braces of `${...}`.
    fn braced(&self, inner: &str, depth: usize) -> Option<String> {
        if let Some(name) = inner.strip_prefix('#').filter(|it| !it.is_empty() && name_length(it) == it.len()) {
            return match (self.mode, (self.lookup)(name)) {
                (Mode::Shell, Value::Known(value)) => Some(value.chars().count().to_string()),
                (Mode::Shell, Value::Unset) => Some("0".to_owned()),
                _ => None,
            };
        }
        // `${1:-default}`
        let number = usize::from(self.mode == Mode::Shell && inner.starts_with(|it: char| it.is_ascii_digit()));
        let length = name_length(inner).max(number);
        let operation = &inner[length..];
        if length == 0 || depth >= DEPTH_LIMIT {
            return None;
        }
        let value = (self.lookup)(&inner[..length]);
        let (operator, word) = ["##", "%%", "//", ":-", ":+", ":?", "-", "+", "?", "#", "%", "/"]
            .iter()
            .find_map(|it| operation.strip_prefix(it).map(|word| (*it, word)))
            .unwrap_or(("", operation));
        let known = |value: Value| match value {
            Value::Known(value) => Some(value),
            _ => None,
        };
        match (operator, value) {
            (_, Value::Unknown) => None,
            ("", value) if word.is_empty() => known(value),
            ("", Value::Known(value)) if self.mode == Mode::Shell => changed(&value, word),
            (":+", Value::Known(value)) if value.is_empty() => Some(value),
            (":-", Value::Known(value)) if !value.is_empty() => Some(value),
            (":-" | ":+" | "+", Value::Known(_)) | (":-" | "-", Value::Unset) => self.flat(word, depth),
            (":+" | "+", Value::Unset) => Some(String::new()),
            ("-" | ":?" | "?", value) => known(value),
            ("#" | "##" | "%" | "%%", Value::Known(value)) => trimmed(&value, operator, &self.flat(word, depth)?),
            ("/" | "//", Value::Known(value)) => {
                let (from, to) = word.split_once('/').unwrap_or((word, ""));
                let (from, to) = (self.flat(from, depth)?, self.flat(to, depth)?);
                if from.is_empty() || from.contains(['*', '?', '[']) || value.len() * (to.len() + 1) > VALUE_LIMIT {
                    return None;
                }
                Some(value.replacen(&from, &to, if operator == "/" { 1 } else { usize::MAX }))
            }
            _ => None,
        }
    }

    /// The word behind an operator: its variables replaced, its quotes taken away.
    fn flat(&self, word: &str, depth: usize) -> Option<String> {
        let mut out = String::new();
        let mut at = 0;
        while let Some(character) = word[at..].chars().next() {
            match character {
                '$' | '`' => {
                    if let Some(found) = self.reference(&word[at..], depth + 1) {
                        out.push_str(&found.value?);
                        at += found.length;
                        if out.len() > VALUE_LIMIT {
                            return None;
                        }
                        continue;
                    }
                    out.push(character);
                }
                '"' | '\'' => {}
                _ if character == self.escape() => {
                    at += character.len_utf8();
                    let Some(next) = word[at..].chars().next() else { break };
                    out.push(next);
                    at += next.len_utf8();
                    continue;
                }
                _ => out.push(character),
            }
            at += character.len_utf8();
        }
        Some(out)
    }
}

fn take(word: &mut Option<Word>, raw: &Unfolded, from: usize, to: usize) {
    let word = word.get_or_insert_default();
    if from < to {
        word.line.append(raw.slice(from, to));
    }
}

/// Splits the value of an unquoted variable as a shell does.
fn fields(value: &str, source: Span, word: &mut Option<Word>, out: &mut Vec<Word>) {
    if value.starts_with(char::is_whitespace) {
        out.extend(word.take());
    }
    let mut first = true;
    for field in value.split_whitespace() {
        if !first {
            out.extend(word.take());
        }
        first = false;
        word.get_or_insert_default().line.put(field, source);
    }
    if value.ends_with(char::is_whitespace) {
        out.extend(word.take());
    }
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|it: char| it.is_ascii_digit()) {
        return 0;
    }
    text.bytes().take_while(|it| it.is_ascii_alphanumeric() || *it == b'_').count()
}

/// One past the bracket that closes the one at `open`, or the end of the text.
pub(super) fn closing(text: &str, open: usize, opening: char, close: char) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    let mut characters = text[open..].char_indices();
    while let Some((at, character)) = characters.next() {
        match quote {
            Some('\'') if character == '\'' => quote = None,
            Some('\'') => {}
            _ if character == '\\' => drop(characters.next()),
            Some(quoting) if character == quoting => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            _ if character == opening => depth += 1,
            _ if character == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return open + at + character.len_utf8();
                }
            }
            _ => {}
        }
    }
    text.len()
}

/// A part of a value, as in `${value:0:4}`, or the value in other letters.
fn changed(value: &str, operation: &str) -> Option<String> {
    match operation {
        "^^" => return Some(value.to_uppercase()),
        ",," => return Some(value.to_lowercase()),
        _ => {}
    }
    let (from, length) = match operation.strip_prefix(':')?.split_once(':') {
        Some((from, length)) => (from, Some(length)),
        None => (&operation[1..], None),
    };
    let from: usize = from.trim().parse().ok()?;
    let length = length.map_or(Ok(usize::MAX), |it| it.trim().parse()).ok()?;
    Some(value.chars().skip(from).take(length).collect())
}

/// `${value#pattern}` and its relatives.
fn trimmed(value: &str, operator: &str, pattern: &str) -> Option<String> {
    if value.len() > 512 || pattern.len() > 128 {
        return None;
    }
    let mut cuts: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    if matches!(operator, "##" | "%") {
        cuts.reverse();
    }
    let cut = cuts.into_iter().find(|at| {
        let part = if operator.starts_with('#') { &value[..*at] } else { &value[*at..] };
        matches(pattern, part)
    });
    Some(match cut {
        Some(at) if operator.starts_with('#') => value[at..].to_owned(),
        Some(at) => value[..at].to_owned(),
        None => value.to_owned(),
    })
}

/// Whether a text fits a pattern with `*`, `?` and `[...]`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().take(1024).collect();
    let text: Vec<char> = text.chars().take(4096).collect();
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        let (fits, next) = match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => (true, p + 1),
            Some('[') => class(&pattern, p, text[t]),
            Some(it) => (*it == text[t], p + 1),
            None => (false, p),
        };
        if fits {
            (p, t) = (next, t + 1);
        } else if let Some((at, from)) = star {
            (p, t) = (at + 1, from + 1);
            star = Some((at, from + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|it| *it == '*')
}

/// Whether a character belongs to the class that begins at `open`, and where the pattern goes on.
fn class(pattern: &[char], open: usize, character: char) -> (bool, usize) {
    let Some(length) = pattern[open + 1..].iter().skip(1).position(|it| *it == ']') else {
        return (character == '[', open + 1);
    };
    let close = open + 2 + length;
    let inner = &pattern[open + 1..close];
    let (negated, inner) = match inner {
        ['!' | '^', rest @ ..] => (true, rest),
        _ => (false, inner),
    };
    let mut found = false;
    let mut at = 0;
    while at < inner.len() {
        if let [from, '-', to, ..] = inner[at..] {
            found |= (from..=to).contains(&character);
            at += 3;
        } else {
            found |= inner[at] == character;
            at += 1;
        }
    }
    (found != negated, close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, mode: Mode) -> Vec<String> {
        let mut raw = Unfolded::default();
        raw.copy(text, 0);
        let lookup = |name: &str| match name {
            "A" => Value::Known("1.2.3".to_owned()),
            "L" => Value::Known(" x y ".to_owned()),
            "E" => Value::Known(String::new()),
            "U" => Value::Unknown,
            _ => Value::Unset,
        };
        let budget = Cell::new(1000);
        let words = Expander { lookup: &lookup, mode, budget: &budget }.words(&raw);
        words.iter().map(|it| format!("{}{}", it.text(), "?".repeat(it.unknown.len()))).collect()
    }

    #[test]
    fn a_shell_splits_and_replaces() {
        for (text, expected) in [
            ("a 'b c' \"d  e\"f", &["a", "b c", "d  ef"][..]),
            ("t==$A t==${A} \"$A\"", &["t==1.2.3", "t==1.2.3", "1.2.3"]),
            ("p$L'q' $E \"$E\" z", &["p", "x", "y", "q", "", "z"]),
            ("\\$A '$A' \"\\$A\"", &["$A", "$A", "$A"]),
            ("${N:-${A}} ${N-d} ${E:-d} ${E-d}x ${A:+y} ${E:+y}n ${N+y}n", &["1.2.3", "d", "d", "x", "y", "n", "n"]),
            ("$N ${U:-d} $(cat x) `y` $1", &["$N?", "${U:-d}?"]),
            ("${A%.*} ${A%%.*} ${A#*.} ${A##*.} ${A/./} ${A//./-}", &["1.2", "1", "2.3", "3", "12.3", "1-2-3"]),
            ("${A:0:3} ${A:2} ${A:x} $ a$", &["1.2", "2.3", "${A:x}?", "$", "a$"]),
            ("\"${A:9}\" ${A^^}b ${A,,}c ${A^}", &["", "1.2.3b", "1.2.3c", "${A^}?"]),
            ("${#A} ${#E} ${#N} ${#U} ${#} ${#A:1}", &["5", "0", "0", "${#U}?", "${#}?", "${#A:1}?"]),
            ("\"a\\nb\" a\\ b", &["a\\nb", "a b"]),
            ("'a", &["a"]),
        ] {
            let found = expanded(text, Mode::Shell);
            assert_eq!(found[..expected.len().min(found.len())], *expected, "{text}");
        }
    }

    #[test]
    fn the_builder_never_splits() {
        for (text, expected) in [
            ("a=$L b=\"$A\" c='$A' d=\\$A", &["a= x y ", "b=1.2.3", "c=$A", "d=$A"][..]),
            ("$(a) `b` a\\ b", &["$(a)", "`b`", "a b"]),
            ("${#A} ${A:0:3}", &["${#A}?", "${A:0:3}?"]),
        ] {
            assert_eq!(expanded(text, Mode::Builder('\\')), expected, "{text}");
        }
        assert_eq!(expanded("C:\\a`$A$A", Mode::Builder('`')), ["C:\\a$A1.2.3"]);
    }

    #[test]
    fn patterns_fit() {
        for (pattern, text, expected) in
            [("*.txt", "a.txt", true), ("r*s", "rs", true), ("a?c", "abc", true), ("[a-c]x", "bx", true), ("[!a]x", "ax", false), ("*a*b", "aab", true), ("[", "[", true), ("a", "ab", false)]
        {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_word_panics(text in "[a$`{}()'\"\\\\ :#%/é*-]{0,40}") {
            for mode in [Mode::Shell, Mode::Builder('\\'), Mode::Builder('`')] {
                expanded(&text, mode);
            }
        }
    }
}
