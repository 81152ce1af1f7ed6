//! Comments that excuse findings: `# envcheck: ignore[EC110, version-drift] reason`.
//!
//! A comment behind something speaks of its line. A comment on a line of its own speaks of the next line that is neither
//! empty nor a comment, with all lines that a `\` at the end joins to it, as in a Dockerfile's `RUN`.

use std::ops::RangeInclusive;

use crate::{
    rules::{self, Rule},
    text::{Form, Place, Source, Sources, Span},
};

/// What a comment begins with, behind its `#`.
const MARK: &str = "envcheck:";

/// One comment.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    /// From its `#` on.
    pub(super) place: Place,
    /// The lines that it speaks of.
    lines: RangeInclusive<usize>,
    /// The rules that it names, each with its place.
    pub(super) rules: Vec<(&'static Rule, Place)>,
    /// What comes behind the brackets.
    pub(super) reason: String,
    /// What is wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// Why a comment, or a part of it, excuses nothing.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: String,
}

/// What a comment looks like, as advice.
const EXAMPLE: &str = "name the rules that it ignores, as in `# envcheck: ignore[EC105] reason`";

impl Comment {
    /// Whether it speaks of a place.
    pub(super) fn covers(&self, sources: &Sources, place: Place) -> bool {
        if place.file != self.place.file {
            return false;
        }
        let source = sources.get(place.file);
        let first = source.position(place.span.start).line;
        // An exclusive end at the start of a line belongs to the line before.
        let last = source.position(place.span.end.max(place.span.start + 1) - 1).line.max(first);
        first <= *self.lines.end() && *self.lines.start() <= last
    }
}

/// All comments of the texts that were read, in order.
pub(super) fn find(sources: &Sources) -> Vec<Comment> {
    let mut found = Vec::new();
    for (file, source) in sources.iter() {
        if source.form != Form::Text || !source.text().contains(MARK) {
            continue;
        }
        for number in 1..=source.line_count() {
            let line = source.line_span(number);
            let text = &source.text()[line.start..line.end];
            let Some(start) = mark(text) else { continue };
            let place = |from: usize, to: usize| Place { file, span: Span::new(line.start + from, line.start + to) };
            let end = text.trim_end().len();
            let own = text[..start].trim().is_empty();
            let lines = if own { following(source, number) } else { with_options(source, number) };
            let mut comment = Comment {
                place: place(start, end),
                lines,
                rules: Vec::new(),
                reason: String::new(),
                faults: Vec::new(),
            };
            read(&mut comment, text, start, &place);
            found.push(comment);
        }
    }
    found
}

/// Where a comment for envcheck begins in a line, if there is one.
fn mark(line: &str) -> Option<usize> {
    let at = line.find(MARK)?;
    let start = line[..at].trim_end_matches([' ', '\t']).strip_suffix('#')?.len();
    // In `name#envcheck:` and in URLs, `#` begins no comment.
    (start == 0 || line[..start].ends_with([' ', '\t'])).then_some(start)
}

/// The lines that a comment behind something speaks of: its own, and if that has but options of a requirement, such as
/// `--hash`, the lines before it up to the requirement. No comment can stand behind these, since a `\` ends them.
fn with_options(source: &Source, comment: usize) -> RangeInclusive<usize> {
    let text = |number: usize| {
        let span = source.line_span(number);
        source.text()[span.start..span.end].trim()
    };
    let mut first = comment;
    while first > 1 && text(first).starts_with("--") && text(first - 1).ends_with('\\') {
        first -= 1;
    }
    first..=comment
}

/// The lines that a comment on a line of its own speaks of.
fn following(source: &Source, comment: usize) -> RangeInclusive<usize> {
    let text = |number: usize| {
        let span = source.line_span(number);
        source.text()[span.start..span.end].trim()
    };
    let plain = |number: &usize| !text(*number).is_empty() && !text(*number).starts_with('#');
    let Some(first) = (comment + 1..=source.line_count()).find(plain) else { return comment..=comment };
    let mut last = first;
    let joint = joint(source);
    while last < source.line_count() && (text(last).ends_with(joint) || last > first && text(last).starts_with('#')) {
        last += 1;
    }
    first..=last
}

/// What joins a line to the next one: a Dockerfile may name another character in its first lines.
fn joint(source: &Source) -> char {
    let mut head = source.text().lines().take_while(|line| line.starts_with('#'));
    let other = |line: &str| line.chars().filter(|it| !it.is_whitespace()).eq("#escape=`".chars());
    if head.any(other) { '`' } else { '\\' }
}

/// Reads what stands behind the mark.
fn read(comment: &mut Comment, line: &str, start: usize, place: &dyn Fn(usize, usize) -> Place) {
    let end = line.trim_end().len();
    let body_start = start + line[start..].find(MARK).map_or(0, |at| at + MARK.len());
    let body = line[body_start..end].trim_start();
    let fault = |place, message: &str| Fault { place, message: message.to_owned(), help: EXAMPLE.to_owned() };
    let nameless = fault(place(start, end), "the comment names no rule, so it excuses nothing");
    let Some(rest) = body.strip_prefix("ignore") else {
        let message = "the comment is not understood: envcheck knows `ignore` only";
        return comment.faults.push(fault(place(start, end), message));
    };
    let list_start = end - rest.trim_start().len();
    let Some(list) = line[list_start..end].strip_prefix('[') else { return comment.faults.push(nameless) };
    let Some(close) = list.find(']') else {
        let message = "the comment's list of rules has no `]`, so it excuses nothing";
        return comment.faults.push(fault(place(list_start, end), message));
    };
    let mut at = list_start + 1;
    for given in list[..close].split(',') {
        let name = given.trim();
        let from = at + (given.len() - given.trim_start().len());
        let own = place(from, from + name.len());
        at += given.len() + 1;
        if let Some(rule) = rules::find(name) {
            comment.rules.push((rule, own));
        } else if name.is_empty() {
            comment.faults.push(nameless.clone());
        } else {
            let near = rules::nearest_name(name).map(|near| format!("write `{near}`, if you meant that"));
            let help = near.unwrap_or_else(|| "see `envcheck rules` for all codes and names".to_owned());
            comment.faults.push(Fault {
                place: own,
                message: format!("the comment ignores `{name}`, which is no rule"),
                help,
            });
        }
    }
    let reason = &line[list_start + 1 + close + 1..end];
    reason.trim_start_matches([' ', '\t', ':', '-']).trim().clone_into(&mut comment.reason);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comments(text: &str) -> (Vec<Comment>, Sources) {
        let mut sources = Sources::default();
        sources.add(Source::new("requirements.txt".into(), Form::Text, text.into()));
        (find(&sources), sources)
    }

    fn shown(text: &str) -> Vec<String> {
        let (comments, sources) = comments(text);
        let part = |place: Place| sources.get(place.file).text()[place.span.start..place.span.end].to_owned();
        comments
            .iter()
            .map(|it| {
                let codes: Vec<&str> = it.rules.iter().map(|(rule, _)| rule.code).collect();
                let faults: Vec<String> =
                    it.faults.iter().map(|it| format!("`{}`: {}", part(it.place), it.message)).collect();
                let (first, last) = (it.lines.start(), it.lines.end());
                format!("{first}-{last} {} ({}) {}", codes.join(" "), it.reason, faults.join("; "))
            })
            .collect()
    }

    #[test]
    fn a_comment_speaks_of_its_line_or_the_next() {
        assert_eq!(shown("numpy==1 # envcheck: ignore[EC101] known\n"), ["1-1 EC101 (known) "]);
        assert_eq!(shown("# envcheck: ignore[EC101,unpinned]\n\n# more\nnumpy\n"), ["4-4 EC101 EC601 () "]);
        let dockerfile = "#envcheck:ignore[ec101]: why\nRUN pip install \\\n  # a\n  numpy \\\n  scipy\nRUN x\n";
        assert_eq!(shown(dockerfile), ["2-5 EC101 (why) "]);
        let windows = "# escape=`\nFROM x\n# envcheck: ignore[EC101]\nRUN pip install `\n  a `\n  b\nRUN x\n";
        assert_eq!(shown(windows), ["4-6 EC101 () "]);
        let hashed = "scipy\nnumpy==1 \\\n  --hash=a \\\n  --hash=b  # envcheck: ignore[EC101]\n";
        assert_eq!(shown(hashed), ["2-4 EC101 () "]);
        assert_eq!(shown("RUN pip install \\\n  numpy # envcheck: ignore[EC101]\n"), ["2-2 EC101 () "]);
        assert_eq!(shown("# envcheck: ignore[EC101] at the end"), ["1-1 EC101 (at the end) "]);
    }

    #[test]
    fn what_is_no_comment_for_envcheck_is_left_alone() {
        assert!(
            shown("# about envcheck: ignore[EC101]\nx#envcheck: ignore[EC101]\nenvcheck: ignore[EC101]\n").is_empty()
        );
    }

    #[test]
    fn broken_comments_say_what_is_wrong() {
        let nameless = "the comment names no rule, so it excuses nothing";
        assert_eq!(shown("a # envcheck: ignore\n"), [format!("1-1  () `# envcheck: ignore`: {nameless}")]);
        assert_eq!(shown("a # envcheck: ignore[]\n"), [format!("1-1  () `# envcheck: ignore[]`: {nameless}")]);
        let open = "1-1  () `[EC101`: the comment's list of rules has no `]`, so it excuses nothing";
        assert_eq!(shown("a # envcheck: ignore[EC101\n"), [open]);
        let unknown = "1-1 EC101 (x) `EC9999`: the comment ignores `EC9999`, which is no rule";
        assert_eq!(shown("a # envcheck: ignore[EC101, EC9999] x\n"), [unknown]);
        let other = "1-1  () `# envcheck: off`: the comment is not understood: envcheck knows `ignore` only";
        assert_eq!(shown("a # envcheck: off\n"), [other]);
        let (near, _) = comments("a # envcheck: ignore[version-drfit]\n");
        assert_eq!(near[0].faults[0].help, "write `version-drift`, if you meant that");
    }
}
