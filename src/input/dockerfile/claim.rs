//! Whether a file is a Dockerfile: its name says so, or its first instruction does.

use super::syntax;
use crate::input::{Claim, Probe};

/// So much of a text is looked at.
const PROBE_LIMIT: usize = 16 << 10;

/// Endings of files that go with a Dockerfile or talk about it.
const OTHER_ENDINGS: [&str; 12] =
    ["md", "rst", "adoc", "html", "dockerignore", "containerignore", "sh", "py", "yml", "yaml", "json", "toml"];

pub(super) fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let name = probe.name.to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if OTHER_ENDINGS.contains(&ending) {
        return Claim::No;
    }
    let text = &text[..crate::text::floor_char_boundary(text, PROBE_LIMIT)];
    let exactly = matches!(name.as_str(), "dockerfile" | "containerfile");
    let named = exactly
        || matches!(ending, "dockerfile" | "containerfile")
        || ["dockerfile", "containerfile"].iter().any(|it| name.strip_prefix(it).is_some_and(|rest| rest.starts_with(['.', '-', '_'])));
    match (named, begins_a_build(text)) {
        (true, true) => Claim::Certain,
        (true, false) if exactly => Claim::Likely,
        (false, true) => Claim::Named,
        _ => Claim::No,
    }
}

/// Whether the first instruction is a `FROM`, or an `ARG` before one.
fn begins_a_build(text: &str) -> bool {
    let file = syntax::parse(text);
    let mut instructions = file.instructions.iter().skip_while(|it| it.keyword == "ARG" && !it.body.text.is_empty());
    instructions.next().is_some_and(|it| {
        let words: Vec<&str> = it.body.text.split_whitespace().collect();
        let image = |text: &str| !text.starts_with(['(', '"', '\'']) && !text.ends_with([';', ',']);
        it.keyword == "FROM"
            && match words.as_slice() {
                [base] => image(base),
                [base, word, _] => image(base) && word.eq_ignore_ascii_case("as"),
                _ => false,
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_instructions_are_weighed() {
        let file = "# syntax=x\nARG A=1\nfrom  python:3.11 as base\nRUN x\n";
        for (name, text, expected) in [
            ("Dockerfile", file, Claim::Certain),
            ("dockerfile", file, Claim::Certain),
            ("Containerfile", file, Claim::Certain),
            ("Dockerfile.gpu", file, Claim::Certain),
            ("Dockerfile-serve", file, Claim::Certain),
            ("serve.Dockerfile", file, Claim::Certain),
            ("serve.dockerfile", file, Claim::Certain),
            ("Dockerfile", "RUN x\n", Claim::Likely),
            ("Dockerfile", "", Claim::Likely),
            ("Dockerfile.md", file, Claim::No),
            ("Dockerfile.dockerignore", "FROM x\n", Claim::No),
            (".dockerignore", "*.md\n", Claim::No),
            ("Dockerfile.notes", "Some prose.\n", Claim::No),
            ("build.txt", file, Claim::Named),
            ("query.sql", "FROM a, b\n", Claim::No),
            ("prose.txt", "From here on we go\n", Claim::No),
            ("mail.txt", "From: someone\n", Claim::No),
        ] {
            let probe = Probe { name, bytes: text.as_bytes(), text: Some(text) };
            assert_eq!(claims(&probe), expected, "{name} {text}");
        }
    }
}
