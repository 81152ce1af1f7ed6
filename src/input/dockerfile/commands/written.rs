//! Files that the commands of a build write: `cat <<EOF > file`, `echo a==1 >> file`, `printf 'a==1\n' > file`.
//!
//! What is written is kept with its places in the Dockerfile, and read when something installs from the file.

use super::{Call, Redirected, Runner, pip};
use crate::{
    input::{
        Reading,
        dockerfile::{
            state::{Origin, Scope, shortened},
            syntax::Heredoc,
            words::{Expander, Mode, Word},
        },
        requirements_txt::{Meant, read_line, unfold},
    },
    text::Span,
};

/// Looks at where the output of a command goes.
pub(super) fn redirected(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let output = |it: &&Redirected| it.operator.starts_with(['>', '&']) && it.operator != ">&";
    let targets = || call.redirects.iter().filter(output).filter_map(|it| Some((it, it.target.as_deref()?)));
    if targets().next().is_some() {
        let text = printed(runner, call);
        for (redirect, target) in targets().filter(|(_, target)| !target.starts_with("/dev/")) {
            // `2> errors.log` takes no output.
            let output = redirect.text.starts_with(['>', '&', '1']);
            write(runner, call, target, text.clone().filter(|_| output), redirect.operator.ends_with(">>"));
        }
    }
    if call.program == "tee"
        && let Some(text) = printed(runner, call)
    {
        let appended = call.words.iter().any(|it| matches!(it.text(), "-a" | "--append"));
        for word in call.words.iter().filter(|it| !it.text().starts_with('-')) {
            write(runner, call, word.text(), Some(text.clone()), appended);
        }
    }
}

fn write(runner: &mut Runner<'_, '_, '_>, call: &Call, target: &str, text: Option<Word>, appended: bool) {
    let path = runner.path(target);
    let unsure = runner.unsure.clone();
    let name = shortened(target);
    match (text, unsure) {
        (Some(text), None) => runner.scene.write(path, Ok(text), appended),
        (_, Some(reason)) if appended => {
            let reason = format!("what `{}` adds to `{name}` may not be there: {reason}", call.shown());
            runner.scene.write(path, Err((call.span, reason)), true);
        }
        (None, None) if appended => {
            let reason = format!("what `{}` adds to `{name}` is only known while the image is built", call.shown());
            runner.scene.write(path, Err((call.span, reason)), true);
        }
        _ => runner.scene.map(path, false, Origin::Nowhere("a command of the build writes it".to_owned())),
    }
}

/// The text of a heredoc as a shell makes it.
pub(super) fn heredoc(runner: &Runner<'_, '_, '_>, call: &Call, heredoc: &Heredoc) -> Word {
    if heredoc.literal {
        return Word::literal(heredoc.body.clone());
    }
    let lookup = |name: &str| runner.value(name, &call.variables);
    Expander { lookup: &lookup, mode: Mode::Shell, budget: runner.scene.budget }.heredoc(&heredoc.body)
}

/// What a command prints, if that can be told.
fn printed(runner: &Runner<'_, '_, '_>, call: &Call) -> Option<Word> {
    match call.program.as_str() {
        "cat" | "tee" => {
            let own = call.redirects.iter().rev().find_map(|it| it.heredoc.as_ref())?;
            let only = call.program == "tee" || call.words.iter().all(|it| it.text() == "-");
            only.then(|| heredoc(runner, call, own))
        }
        "echo" => {
            let option = |it: &&Word| it.text().len() > 1 && it.text().strip_prefix('-').is_some_and(|rest| rest.bytes().all(|it| b"neE".contains(&it)));
            let words: Vec<&Word> = call.words.iter().skip_while(option).collect();
            // The shells of Debian and Alpine read escapes without being asked to.
            Some(joined(&words))
        }
        "printf" => {
            let (format, rest) = call.words.split_first()?;
            let rest: Vec<&Word> = rest.iter().collect();
            if !format.text().contains('%') {
                return Some(joined(&[format]));
            }
            // Only lists of texts, each on a line of its own.
            let lines = matches!(format.text(), "%s\\n" | "%s\n");
            lines.then(|| with(&rest, "\n"))
        }
        _ => None,
    }
}

/// Words with blanks between them and escapes in their place.
fn joined(words: &[&Word]) -> Word {
    let whole = with(words, " ");
    let mut out = Word::default();
    let mut at = 0;
    while let Some(found) = whole.text()[at..].find('\\') {
        let start = at + found;
        copy(&whole, at, start, &mut out);
        let place = whole.line.place(Span::new(start, (start + 2).min(whole.text().len())));
        let (text, length) = match whole.text()[start + 1..].chars().next() {
            Some('n') => ("\n", 2),
            Some('t') => ("\t", 2),
            Some('r') => ("\r", 2),
            Some('\\') => ("\\", 2),
            _ => ("\\", 1),
        };
        out.line.put(text, place);
        at = start + length;
    }
    copy(&whole, at, whole.text().len(), &mut out);
    out
}

fn with(words: &[&Word], between: &str) -> Word {
    let mut out = Word::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            let before = word.span().start;
            out.line.put(between, Span::new(before, before));
        }
        copy(word, 0, word.text().len(), &mut out);
    }
    out
}

fn copy(word: &Word, from: usize, to: usize, out: &mut Word) {
    let part = word.slice(from, to);
    let base = out.line.text.len();
    out.unknown.extend(part.unknown.iter().map(|it| it.shifted(base)));
    out.line.append(part.line);
}

/// Reads text that a command wrote into a file of requirements in this folder.
pub(super) fn read(runner: &mut Runner<'_, '_, '_>, text: &Word, how: pip::How, folder: &str, scope: &Scope) {
    for line in unfold::lines(text.text()).filter_map(|(_, line)| line) {
        let whole = line.place(Span::new(0, line.text.len()));
        let mut unknown = Vec::new();
        for it in text.unknown.iter().filter(|it| whole.start <= it.start && it.end <= whole.end) {
            let shown = &text.text()[it.start..it.end];
            let from = unknown.last().map_or(0, |last: &Span| last.end);
            unknown.extend(line.text[from..].find(shown).map(|at| Span::new(from + at, from + at + shown.len())));
        }
        let word = Word { line: line.through(&text.line), unknown };
        if !word.unknown.is_empty() {
            if word.text().starts_with('-') || how.constraint {
                let reason = format!("`{}` is not read: {}", shortened(word.text()), runner.why(&word));
                runner.scene.note(word.span(), reason, scope.clone());
            } else {
                pip::requirement(runner, &word, Meant::Installed, scope);
            }
            continue;
        }
        let mut reading = Reading::default();
        let include = read_line(runner.scene.files, runner.scene.said, word.line, how.constraint, &mut reading);
        pip::keep(runner, reading, scope);
        if let Some((path, constraint, span)) = include {
            pip::follow(runner, span, (folder, &path), pip::How { constraint, depth: how.depth + 1 }, scope);
        }
    }
}
