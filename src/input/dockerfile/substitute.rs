//! What simple commands print that stand in place of a word: `$(echo $CUDA_VERSION | cut -d. -f1,2 | tr -d .)`.
//!
//! Only what cuts and replaces letters of a known value; everything else stays unknown.

/// What is printed before it is filtered, and the filters; `None` if something else than `echo` comes first.
pub(super) fn parts(inner: &str) -> Option<(&str, Vec<&str>)> {
    let mut pieces = split(inner, |it| it == '|');
    if pieces.len() > 8 || pieces.is_empty() {
        return None;
    }
    let first = pieces.remove(0).trim();
    let printed = if first == "echo" { "" } else { first.strip_prefix("echo ")?.trim_start() };
    let printed = printed.strip_prefix("-n ").unwrap_or(printed).trim();
    let plain = !printed.contains([';', '&', '>', '<', '*', '?']) && !printed.starts_with('-');
    plain.then_some((printed, pieces))
}

/// The value behind one filter.
pub(super) fn filtered(value: &str, filter: &str) -> Option<String> {
    let words: Vec<String> = split(filter.trim(), char::is_whitespace).into_iter().filter(|it| !it.is_empty()).map(bare).collect();
    let (program, words) = words.split_first()?;
    // Programs work on lines; a version has one.
    if value.contains('\n') || filter.contains(['$', '`']) && program != "awk" {
        return None;
    }
    match program.as_str() {
        "cut" => cut(value, words),
        "tr" => tr(value, words),
        "sed" => sed(value, words),
        "awk" => awk(value, words),
        "xargs" if words.is_empty() => Some(value.trim().to_owned()),
        "head" | "tail" if words.iter().all(|it| matches!(it.as_str(), "-n" | "1" | "-1" | "-n1")) => Some(value.to_owned()),
        _ => None,
    }
}

/// Splits a text outside of quotes.
fn split(text: &str, at: impl Fn(char) -> bool) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut quote) = (0, None);
    let mut characters = text.char_indices();
    while let Some((here, character)) = characters.next() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character == '\\' => drop(characters.next()),
            None if at(character) => {
                out.push(&text[start..here]);
                start = here + character.len_utf8();
            }
            _ => {}
        }
    }
    out.push(&text[start..]);
    out
}

/// A word without its quotes.
fn bare(word: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match quote {
            Some(open) if character == open => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character == '\\' => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}

/// `cut -d. -f1,2` and `cut -c1-4`.
fn cut(value: &str, words: &[String]) -> Option<String> {
    let (mut delimiter, mut fields, mut letters) = ('\t', None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let option = word.get(..2)?;
        let attached = word.get(2..).filter(|it| !it.is_empty()).map(str::to_owned);
        let operand = attached.or_else(|| words.next().cloned());
        match option {
            "-d" => delimiter = operand?.chars().next()?,
            "-f" => fields = Some(operand?),
            "-c" => letters = Some(operand?),
            _ => return None,
        }
    }
    if let Some(list) = letters {
        let wanted = ranges(&list)?;
        let kept = value.chars().enumerate().filter(|(at, _)| wanted.iter().any(|(from, to)| (*from..=*to).contains(&(at + 1))));
        return Some(kept.map(|(_, it)| it).collect());
    }
    let wanted = ranges(&fields?)?;
    if !value.contains(delimiter) {
        return Some(value.to_owned());
    }
    let parts = value.split(delimiter).enumerate();
    let kept: Vec<&str> =
        parts.filter(|(at, _)| wanted.iter().any(|(from, to)| (*from..=*to).contains(&(at + 1)))).map(|(_, it)| it).collect();
    Some(kept.join(&delimiter.to_string()))
}

/// `1,2`, `1-2`, `2-`.
fn ranges(list: &str) -> Option<Vec<(usize, usize)>> {
    let range = |part: &str| match part.split_once('-') {
        None => part.parse().ok().map(|it| (it, it)),
        Some((from, to)) => {
            let from = if from.is_empty() { 1 } else { from.parse().ok()? };
            Some((from, if to.is_empty() { usize::MAX } else { to.parse().ok()? }))
        }
    };
    list.split(',').map(range).collect()
}

/// `tr -d .`, `tr . -`, `tr A-Z a-z`.
fn tr(value: &str, words: &[String]) -> Option<String> {
    let plain = |set: &str| !(set.contains(['[', '\\']) || set.len() > 1 && set.contains('-'));
    match words {
        [option, set] if option == "-d" && plain(set) => Some(value.chars().filter(|it| !set.contains(*it)).collect()),
        [option, set] if option == "-d" && set == "\\n" => Some(value.to_owned()),
        [from, to] if matches!((from.as_str(), to.as_str()), ("A-Z", "a-z") | ("[A-Z]", "[a-z]") | ("[:upper:]", "[:lower:]")) => {
            Some(value.to_lowercase())
        }
        [from, to] if plain(from) && plain(to) && from.chars().count() == to.chars().count() => {
            let place = |it: char| from.chars().position(|known| known == it).and_then(|at| to.chars().nth(at)).unwrap_or(it);
            Some(value.chars().map(place).collect())
        }
        _ => None,
    }
}

/// `sed 's/\.//g'`, where what is replaced is no pattern.
fn sed(value: &str, words: &[String]) -> Option<String> {
    let script = match words {
        [script] => script,
        [option, script] if matches!(option.as_str(), "-e" | "-E" | "-r") => script,
        _ => return None,
    };
    let mark = script.strip_prefix('s')?.chars().next().filter(|it| !it.is_alphanumeric())?;
    let mut parts = script[1 + mark.len_utf8()..].split(mark);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || from.is_empty() || to.contains(['&', '\\']) {
        return None;
    }
    let mut literal = String::new();
    let mut characters = from.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => literal.push(characters.next().filter(|it| !it.is_alphanumeric())?),
            '.' | '*' | '[' | ']' | '^' | '$' | '+' | '?' | '(' | ')' | '{' | '}' | '|' => return None,
            other => literal.push(other),
        }
    }
    match flags {
        "" => Some(value.replacen(&literal, to, 1)),
        "g" => Some(value.replace(&literal, to)),
        _ => None,
    }
}

/// `awk -F. '{print $1"."$2}'`
fn awk(value: &str, words: &[String]) -> Option<String> {
    let (separator, program) = match words {
        [option, program] if option.len() > 2 => (option.strip_prefix("-F")?.to_owned(), program),
        [option, separator, program] if option == "-F" => (separator.clone(), program),
        _ => return None,
    };
    let mut rest = program.trim().strip_prefix('{')?.strip_suffix('}')?.trim().strip_prefix("print")?.trim();
    let fields: Vec<&str> = value.split(separator.as_str()).collect();
    let mut out = String::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('$') {
            let end = after.find(|it: char| !it.is_ascii_digit()).unwrap_or(after.len());
            let number: usize = after[..end].parse().ok()?;
            out.push_str(fields.get(number.checked_sub(1)?).copied().unwrap_or_default());
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix('"') {
            let (text, after) = after.split_once('"')?;
            out.push_str(text);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(',') {
            out.push(' ');
            rest = after;
        } else {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_cut_and_replaced() {
        for (filter, expected) in [
            ("cut -d. -f1,2", Some("12.4")),
            ("cut -d'.' -f 1-2", Some("12.4")),
            ("cut -d \".\" -f2-", Some("4.1")),
            ("cut -c1-2", Some("12")),
            ("tr -d .", Some("1241")),
            ("tr . -", Some("12-4-1")),
            ("sed 's/\\.//g'", Some("1241")),
            ("sed -e s/[.]1//", None),
            ("sed 's/\\.[0-9]*$//'", None),
            ("awk -F. '{print $1\".\"$2}'", Some("12.4")),
            ("awk -F '.' '{ print $1 }'", Some("12")),
            ("head -n1", Some("12.4.1")),
            ("grep 1", None),
        ] {
            assert_eq!(filtered("12.4.1", filter).as_deref(), expected, "{filter}");
        }
        assert_eq!(parts("echo $X | tr -d '|'"), Some(("$X", vec![" tr -d '|'"])));
        assert_eq!(parts("cat x"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_filter_panics(filter in "(cut |tr |sed |awk |-d|-f|-c|-F|s/|[a.é1,\\-'\"\\\\/{}$ ]){0,8}") {
            filtered("1.é.3", &filter);
        }
    }
}
