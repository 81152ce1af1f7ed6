//! Whether a file is a list of requirements: its name may say so, and its lines must bear it out.

use super::{is_archive_path, is_url, looks_like_path, options, unfold};
use crate::{
    fact::requirement,
    input::{Claim, Probe},
};

/// So much of a text is looked at.
const PROBE_LIMIT: usize = 64 << 10;

/// What the lines of a text look like.
#[derive(Debug, Default)]
struct Survey {
    /// Requirements with a version or a direct reference.
    bounded: usize,
    /// Requirements with a version that is written out in full.
    pinned: usize,
    /// Names alone.
    bare: usize,
    /// Lines of options that pip knows.
    options: usize,
    /// Everything else.
    other: usize,
}

impl Survey {
    fn of(text: &str) -> Survey {
        let mut survey = Survey::default();
        for line in unfold::lines(text).filter_map(|(_, line)| line) {
            let (part, rest) = options::split(&line.text);
            let options = options::parse(&line.text, rest);
            let requirement = line.text[part.start..part.end].trim();
            if options.is_err() {
                survey.other += 1;
            } else if requirement.is_empty() {
                let known = options.is_ok_and(|it| !it.options.is_empty());
                *(if known { &mut survey.options } else { &mut survey.other }) += 1;
            } else if let Ok(parsed) = requirement::parse(requirement, 0) {
                let pinned = parsed.versions().single().is_some();
                let bounded = !parsed.clauses.is_empty() || parsed.url.as_deref().is_some_and(is_url);
                survey.pinned += usize::from(pinned);
                *(if bounded { &mut survey.bounded } else { &mut survey.bare }) += 1;
            } else if is_url(requirement) && (requirement.contains("#egg=") || requirement.contains(".whl")) {
                survey.bounded += 1;
            } else if is_archive_path(requirement) || (looks_like_path(requirement) && !requirement.contains(' ')) {
                survey.bare += 1;
            } else {
                survey.other += 1;
            }
        }
        survey
    }

    fn total(&self) -> usize {
        self.bounded + self.bare + self.options + self.other
    }
}

/// Whether the file name says that requirements are inside.
fn is_named_so(name: &str) -> bool {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let words = ["requirement", "constraint", "freeze", "reqs"];
    let said = words.iter().any(|word| stem.contains(word)) || ["req", "deps"].contains(&stem);
    said && matches!(ending, "txt" | "in" | "pip" | "lock" | "")
}

pub(super) fn claims(probe: &Probe<'_>) -> Claim {
    let name = probe.name.to_lowercase();
    let named = is_named_so(&name);
    let text_file = matches!(name.rsplit_once('.'), Some((_, "txt" | "in")));
    let Some(text) = probe.text else {
        // Not UTF-8: an older encoding, perhaps declared in a comment.
        let old = named && text_file && probe.bytes.len() <= super::super::files::TEXT_LIMIT && !probe.bytes.contains(&0);
        return if old { Claim::Likely } else { Claim::No };
    };
    let text = &text[..crate::text::floor_char_boundary(text, PROBE_LIMIT)];
    let survey = Survey::of(text);
    let good = survey.total() - survey.other;
    // `conda list --export` says how to use it, and names no format that pip knows.
    let conda = text.contains("$ conda create --name") || text.lines().any(|line| line.trim_end() == "@EXPLICIT");
    match (named, survey.total()) {
        (true, 0) if text_file => Claim::Certain,
        (false, 0) => Claim::No,
        (true, total) if good * 2 >= total && !conda => Claim::Certain,
        (true, _) if text_file => Claim::Likely,
        (false, total) if text_file && survey.pinned > 0 && (survey.bounded >= 2 || total == survey.pinned) => {
            let nearly_all = (survey.bounded + survey.options) * 10 >= total * 9;
            if nearly_all && survey.other * 20 <= total { Claim::Likely } else { mostly(good, total) }
        }
        (_, total) => mostly(good, total),
    }
}

fn mostly(good: usize, total: usize) -> Claim {
    if good * 4 >= total * 3 && total > 0 { Claim::Named } else { Claim::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, text: &str) -> Claim {
        claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) })
    }

    #[test]
    fn names_and_contents_are_weighed() {
        let pins = "# deps\ntorch==2.1.0\nnumpy>=1.26,<2\n";
        for name in ["requirements.txt", "requirements-dev.txt", "serve.requirements.txt", "constraints.txt", "pip-freeze.txt", "reqs.txt", "requirements.in", "Requirements.TXT"] {
            assert_eq!(claim(name, pins), Claim::Certain, "{name}");
            assert_eq!(claim(name, "torch\nnumpy\n"), Claim::Certain, "{name}");
            assert_eq!(claim(name, "# nothing yet\n\n"), Claim::Certain, "{name}");
            assert_eq!(claim(name, "This is a\nsecond line\nof prose here\n"), Claim::Likely, "{name}");
        }
        assert_eq!(claim("serve.txt", pins), Claim::Likely);
        assert_eq!(claim("serve.txt", "-i https://packages.example/simple\ntorch==2.1\nnumpy==1.26\nscipy\n"), Claim::Named);
        assert_eq!(claim("prod.txt", "torch==2.2.2\n"), Claim::Likely);
        assert_eq!(claim("words.txt", "alpha\nbeta\ngamma\n"), Claim::Named);
        assert_eq!(claim("empty.txt", ""), Claim::No);
        assert_eq!(claim("README.txt", "Welcome to the thing.\n\nIt does a lot.\n"), Claim::No);
        assert_eq!(claim("scores.txt", "loss<0.1\n"), Claim::Named);
        assert_eq!(claim("environment.yml", "name: x\ndependencies:\n  - python\n  - numpy\n"), Claim::No);
        assert_eq!(claim("requirements.lock", "[[package]]\nname = \"x\"\n"), Claim::No);
        assert_eq!(claim("requirements.txt", "# $ conda create --name <env> --file <this file>\nnumpy=1=a\n"), Claim::Likely);
        assert_eq!(claims(&Probe { name: "requirements.txt", bytes: b"# caf\xe9", text: None }), Claim::Likely);
        assert_eq!(claims(&Probe { name: "requirements.txt", bytes: b"\0\xff", text: None }), Claim::No);
    }
}
