//! The options of a line: shell words, then pip's option parser.

use crate::text::Span;

/// What an option is to this reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Requirement,
    Constraint,
    Editable,
    Hash,
    Setting,
    Feature,
    /// Takes a value that says nothing about versions.
    Value,
    /// Takes no value.
    Flag,
}

/// Every option that pip 26.3 allows in a requirements file.
const OPTIONS: [(&str, Option<char>, Kind); 20] = [
    ("index-url", Some('i'), Kind::Value),
    ("pypi-url", None, Kind::Value),
    ("extra-index-url", None, Kind::Value),
    ("no-index", None, Kind::Flag),
    ("constraint", Some('c'), Kind::Constraint),
    ("requirement", Some('r'), Kind::Requirement),
    ("editable", Some('e'), Kind::Editable),
    ("find-links", Some('f'), Kind::Value),
    ("no-binary", None, Kind::Value),
    ("only-binary", None, Kind::Value),
    ("prefer-binary", None, Kind::Flag),
    ("require-hashes", None, Kind::Flag),
    ("no-require-hashes", None, Kind::Flag),
    ("pre", None, Kind::Flag),
    ("all-releases", None, Kind::Value),
    ("only-final", None, Kind::Value),
    ("trusted-host", None, Kind::Value),
    ("use-feature", None, Kind::Feature),
    ("hash", None, Kind::Hash),
    ("config-settings", Some('C'), Kind::Setting),
];

/// Options that older versions of pip had.
const DROPPED: [&str; 9] = [
    "global-option",
    "install-option",
    "process-dependency-links",
    "always-unzip",
    "use-wheel",
    "no-use-wheel",
    "allow-external",
    "allow-unverified",
    "allow-all-external",
];

const FEATURES: [&str; 6] =
    ["fast-deps", "inprocess-build-deps", "venv-isolation", "truststore", "no-binary-enable-wheel-cache", "build-constraint"];

/// An option with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given {
    pub(super) kind: Kind,
    /// As it is called in full, `--requirement`.
    pub(super) name: String,
    pub(super) value: String,
    /// From the dashes to the end of the value.
    pub(super) span: Span,
    /// The value, or all of the option where quotes make its place uncertain.
    pub(super) value_span: Span,
}

/// All options of a line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) options: Vec<Given>,
    /// Words that belong to no option.
    pub(super) ignored: Vec<Span>,
}

#[derive(Debug)]
struct Word {
    text: String,
    span: Span,
}

/// Splits a line into the requirement and its options: at the first dash that begins the line or follows a space.
pub(super) fn split(line: &str) -> (Span, Span) {
    let mut at = 0;
    for token in line.split(' ') {
        if token.starts_with('-') {
            return (Span::new(0, at.max(1) - 1), Span::new(at, line.len()));
        }
        at += token.len() + 1;
    }
    (Span::new(0, line.len()), Span::new(line.len(), line.len()))
}

/// Parses the options in a part of a line.
pub(super) fn parse(line: &str, part: Span) -> Result<Line, (Span, String)> {
    let mut words = words(line, part)?.into_iter();
    let mut out = Line::default();
    while let Some(word) = words.next() {
        if word.text == "--" {
            break;
        } else if let Some(long) = word.text.strip_prefix("--") {
            let (name, attached) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let (full, kind) = find(name).map_err(|reason| (word.span, reason))?;
            let option = match (kind, attached) {
                (Kind::Flag, None) => given(line, full, kind, "", &word, word.span),
                (Kind::Flag, Some(_)) => return Err((word.span, format!("`--{full}` takes no value"))),
                (_, Some(value)) => given(line, full, kind, value, &word, word.span),
                (_, None) => {
                    let value = words.next().ok_or_else(|| (word.span, format!("`--{full}` needs a value")))?;
                    given(line, full, kind, &value.text, &value, Span::new(word.span.start, value.span.end))
                }
            };
            out.options.push(option);
        } else if word.text.starts_with('-') && word.text.len() > 1 {
            let mut letters = word.text[1..].chars();
            let short = letters.next().unwrap_or_default();
            let known = OPTIONS.iter().find(|(_, letter, _)| *letter == Some(short));
            let Some((full, _, kind)) = known else {
                return Err((word.span, format!("pip has no option `-{short}` in requirements files")));
            };
            // All short options take a value, attached or in the next word.
            let attached = letters.as_str();
            out.options.push(if attached.is_empty() {
                let value = words.next().ok_or_else(|| (word.span, format!("`-{short}` needs a value")))?;
                given(line, full, *kind, &value.text, &value, Span::new(word.span.start, value.span.end))
            } else {
                given(line, full, *kind, attached, &word, word.span)
            });
        } else {
            out.ignored.push(word.span);
        }
    }
    out.ignored.extend(words.map(|word| word.span));
    for option in &out.options {
        check(option).map_err(|reason| (option.span, reason))?;
    }
    Ok(out)
}

fn given(line: &str, name: &str, kind: Kind, value: &str, word: &Word, span: Span) -> Given {
    let tail = line[word.span.start..word.span.end].ends_with(value);
    let value_span = if tail { Span::new(word.span.end - value.len(), word.span.end) } else { word.span };
    Given { kind, name: format!("--{name}"), value: value.to_owned(), span, value_span }
}

/// An option by its name or an unambiguous beginning of it.
fn find(name: &str) -> Result<(&'static str, Kind), String> {
    if let Some((full, _, kind)) = OPTIONS.iter().find(|(full, ..)| *full == name) {
        return Ok((full, *kind));
    }
    let fitting: Vec<_> = OPTIONS.iter().filter(|(full, ..)| full.starts_with(name)).collect();
    match fitting.as_slice() {
        [(full, _, kind)] => Ok((full, *kind)),
        [] if DROPPED.contains(&name) => Err(format!("pip dropped the option `--{name}`")),
        [] => Err(format!("pip has no option `--{}` in requirements files", super::shortened(name))),
        many => {
            let names: Vec<String> = many.iter().map(|(full, ..)| format!("`--{full}`")).collect();
            Err(format!("`--{name}` may mean {}", names.join(" or ")))
        }
    }
}

/// What pip checks of a value while it reads the line.
fn check(option: &Given) -> Result<(), String> {
    match option.kind {
        Kind::Hash => match option.value.split_once(':') {
            Some(("sha256" | "sha384" | "sha512", _)) => Ok(()),
            Some((algorithm, _)) => Err(format!(
                "pip allows the hash algorithms sha256, sha384 and sha512, found `{}`",
                super::shortened(algorithm)
            )),
            None => Err("expected a hash such as `--hash=sha256:...`".to_owned()),
        },
        Kind::Setting if !option.value.contains('=') => {
            Err("expected a setting such as `--config-settings=KEY=VALUE`".to_owned())
        }
        Kind::Feature if !FEATURES.contains(&option.value.as_str()) => {
            Err(format!("pip has no feature `{}`", super::shortened(&option.value)))
        }
        _ => Ok(()),
    }
}

/// Splits as a shell does: blanks separate, quotes keep together, a backslash takes the next character as it is.
fn words(line: &str, part: Span) -> Result<Vec<Word>, (Span, String)> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote: Option<(char, usize)> = None;
    let mut characters = line[part.start..part.end].char_indices().map(|(at, it)| (part.start + at, it)).peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        let blank = matches!(character, ' ' | '\t' | '\r' | '\n');
        if blank && quote.is_none() {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert_with(|| Word { text: String::new(), span: Span::new(at, end) });
        current.span.end = end;
        match (character, quote) {
            ('\'' | '"', None) => quote = Some((character, at)),
            (_, Some((open, _))) if character == open => quote = None,
            ('\\', None | Some(('"', _))) => {
                let Some((next_at, next)) = characters.next() else {
                    return Err((current.span, "a backslash at the end of the options escapes nothing".to_owned()));
                };
                current.span.end = next_at + next.len_utf8();
                if quote.is_some() && !matches!(next, '"' | '\\') {
                    current.text.push('\\');
                }
                current.text.push(next);
            }
            _ => current.text.push(character),
        }
    }
    if let Some((_, at)) = quote {
        return Err((Span::new(at, part.end), "a quote in the options is never closed".to_owned()));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Vec<(String, String)>, String> {
        parse(line, split(line).1)
            .map(|it| it.options.into_iter().map(|it| (it.name, it.value)).collect())
            .map_err(|it| it.1)
    }

    fn one(line: &str) -> Option<(String, String)> {
        parsed(line).unwrap().into_iter().next()
    }

    #[test]
    fn options_begin_at_a_dash_after_a_space() {
        let parts = |line: &'static str| {
            let (requirement, options) = split(line);
            (&line[requirement.start..requirement.end], &line[options.start..options.end])
        };
        assert_eq!(parts("a==1   --hash=x"), ("a==1  ", "--hash=x"));
        assert_eq!(parts("-r a"), ("", "-r a"));
        assert_eq!(parts("a-b"), ("a-b", ""));
        assert_eq!(parts("a\t--hash=x"), ("a\t--hash=x", ""));
    }

    #[test]
    fn spellings_of_options_are_those_of_pip() {
        let pair = |name: &str, value: &str| Some((name.to_owned(), value.to_owned()));
        assert_eq!(one("-ra.txt"), pair("--requirement", "a.txt"));
        assert_eq!(one("--requirem a.txt"), pair("--requirement", "a.txt"));
        assert_eq!(one("--requirement='a b.txt'"), pair("--requirement", "a b.txt"));
        assert_eq!(one("--extra-index https://packages.example"), pair("--extra-index-url", "https://packages.example"));
        assert_eq!(one("-e \"a b\"\\ c"), pair("--editable", "a b c"));
        assert_eq!(one("--hash sha256:ab"), pair("--hash", "sha256:ab"));
        assert_eq!(parsed("--pre --no-index -i x").unwrap().len(), 3);
        for bad in ["--re", "--pre=1", "--nope", "-x", "-r", "--hash=md5:a", "--hash=a", "-C a", "--use-feature=x", "-e 'a", "-e a\\"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
        assert!(parsed("--global-option=x").unwrap_err().contains("dropped"));
    }

    #[test]
    fn values_have_places() {
        let line = "a --hash=sha256:ab -e './x y'";
        let options = parse(line, split(line).1).unwrap().options;
        let value = |at: usize| &line[options[at].value_span.start..options[at].value_span.end];
        assert_eq!((value(0), value(1)), ("sha256:ab", "'./x y'"));
    }
}
