//! The table that `pip list` and `uv pip list` print.
//!
//! Documentation: <https://pip.pypa.io/en/stable/cli/pip_list/>
//!
//! Read: name, version and the location of editable projects. Other columns (`Latest`, `Installer`) are stepped over;
//! a line that is no row is skipped with a note.

use super::{Claim, Files, Format, Probe, Reading, installed};
use crate::{
    fact::FactKind,
    text::{FileId, Span, floor_char_boundary},
};
use installed::{Word, lines, words};

pub(super) static FORMAT: Format =
    Format { name: "pip-list", about: "the table that `pip list` prints", claims, read };

/// The heading stands within so many bytes; what tools print before it is short.
const HEADING_LIMIT: usize = 16 << 10;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let head = &text[..floor_char_boundary(text, HEADING_LIMIT)];
    let mut before: Option<Word<'_>> = None;
    for line in lines(head) {
        if before.is_some_and(is_heading) && is_rule(line.text) {
            return Claim::Certain;
        }
        before = Some(line);
    }
    Claim::No
}

fn is_heading(line: Word<'_>) -> bool {
    let mut words = line.text.split_whitespace();
    words.next() == Some("Package") && words.next() == Some("Version")
}

fn is_rule(line: &str) -> bool {
    line.starts_with("--") && line.contains(' ') && line.chars().all(|it| it == '-' || it == ' ')
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    let mut location = None;
    let mut heading: Option<Word<'_>> = None;
    let mut inside = false;
    for line in lines(&text) {
        if let Some(heading) = heading.filter(|it| is_heading(*it) && is_rule(line.text)) {
            inside = true;
            location = heading.text.find("Editable project location").map(|at| heading.text[..at].chars().count());
        } else if inside && !line.text.trim().is_empty() && !is_notice(line.text) && !is_heading(line) {
            row(&mut reading, file, line, location);
        }
        heading = Some(line);
    }
    if !inside {
        return Reading::faulty("expected the heading `Package Version` above a line of dashes", None);
    }
    reading
}

/// What pip says beside the table.
fn is_notice(line: &str) -> bool {
    ["[notice]", "WARNING:", "DEPRECATION:", "Using Python "].iter().any(|it| line.starts_with(it))
}

fn row(reading: &mut Reading, file: FileId, line: Word<'_>, location: Option<usize>) {
    let words = words(line);
    let [name, version, ..] = words.as_slice() else {
        return reading.skip(file, line.span, "expected a name and a version");
    };
    match installed::package(*name, *version) {
        Ok(mut package) if package.versions.single().is_some() => {
            let path = location.and_then(|column| line.text.char_indices().nth(column)).map(|(at, _)| &line.text[at..]);
            if let Some(path) = path.map(|it| it.split("  ").next().unwrap_or(it).trim()).filter(|it| !it.is_empty()) {
                package.editable = true;
                package.url = Some(path.to_owned());
            }
            let span = Span::new(name.span.start, version.span.end);
            reading.observe(FactKind::Package(package.into()), file, span);
        }
        Ok(_) => reading.skip(file, line.span, format!("`{}` is no version", version.text)),
        Err(reason) => reading.skip(file, line.span, reason),
    }
}

#[cfg(test)]
mod tests {
    use crate::input::installed::read_for_test;

    #[test]
    fn rows_are_read_with_their_places() {
        let (reading, lines) = read_for_test("pip-list", "pip-list.txt");
        assert_eq!(
            lines,
            [
                "4 `Jinja2            3.1.4` jinja2==3.1.4",
                "5 `onnxruntime-gpu   1.18.0` onnxruntime-gpu==1.18.0",
                "6 `ruamel.yaml       0.18.6` ruamel-yaml==0.18.6",
                "7 `scoring-lib       0.4.0` scoring-lib==0.4.0 @/srv/größe/scoring-lib editable",
                "8 `torch             2.3.1+cu121` torch==2.3.1+cu121",
                "9 `not a row` skipped: `a` is no version",
            ]
        );
        assert!(reading.fault.is_none());
    }
}
