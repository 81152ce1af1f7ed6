//! `pip inspect`: every installed package with its metadata, and the marker environment of the machine.
//!
//! Specification: <https://pip.pypa.io/en/stable/reference/inspect-report/>
//!
//! Read: name, version, `Requires-Dist`, `Requires-Python`, direct references; Python, implementation, operating
//! system and architecture from `environment`. Descriptions, classifiers and installers are stepped over.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, Word},
    json_scan::{Fault, Scanner, Text},
};
use crate::{
    fact::{FactKind, Origin, wheel::WheelName},
    text::{FileId, Span, floor_char_boundary},
};

pub(super) static FORMAT: Format = Format {
    name: "pip-inspect",
    about: "the JSON that `pip inspect` prints",
    claims: |probe| claims(probe, "\"installed\""),
    read: |files, file| read(files, file, "installed"),
};

/// pip writes its own version and the list's key at the very beginning.
const HEAD: usize = 4 << 10;

pub(super) fn claims(probe: &Probe<'_>, key: &str) -> Claim {
    let Some(text) = probe.text.filter(|it| it.trim_start().starts_with('{')) else { return Claim::No };
    let head = &text[..floor_char_boundary(text, HEAD)];
    if head.contains("\"pip_version\"") && head.contains(key) { Claim::Certain } else { Claim::No }
}

/// Reads an installation report of pip whose packages are in the list of this key.
pub(super) fn read(files: &mut Files<'_>, file: FileId, list: &str) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    let mut found = false;
    let mut scanner = Scanner::new(&text);
    let done = scanner.members(|scanner, key| {
        if key == list {
            found = true;
            scanner.items_if_array(|scanner| package(scanner, file, list, &mut reading))
        } else if key == "environment" {
            scanner.members_if_object(|scanner, key| {
                if let Some(value) = scanner.text()? {
                    environment(key, &value, file, &mut reading);
                }
                Ok(())
            })
        } else {
            scanner.skip()
        }
    });
    match done.and_then(|()| scanner.end()) {
        Err(fault) => fault.reading(file),
        Ok(()) if !found => Reading::faulty(format!("expected a list `{list}`, found none"), None),
        Ok(()) => reading,
    }
}

/// One entry as it was written.
#[derive(Default)]
struct Entry<'a> {
    name: Option<Text<'a>>,
    version: Option<Text<'a>>,
    requires: Vec<String>,
    requires_python: Option<String>,
    url: Option<Text<'a>>,
    /// The URL is what was asked for, not where an index keeps the file.
    direct: bool,
    editable: bool,
}

fn package<'a>(scanner: &mut Scanner<'a>, file: FileId, list: &str, reading: &mut Reading) -> Result<(), Fault> {
    let start = scanner.position();
    let mut entry = Entry::default();
    scanner.members_if_object(|scanner, key| match key {
        "metadata" => scanner.members_if_object(|scanner, key| metadata(scanner, key, &mut entry)),
        "direct_url" | "download_info" => {
            entry.direct |= key == "direct_url";
            scanner.members_if_object(|scanner, key| match key {
                "url" => scanner.text().map(|url| entry.url = url),
                "dir_info" => scanner.members_if_object(|scanner, key| {
                    let value = scanner.boolean()?;
                    entry.editable |= key == "editable" && value == Some(true);
                    Ok(())
                }),
                _ => scanner.skip(),
            })
        }
        "is_direct" => scanner.boolean().map(|direct| entry.direct |= direct == Some(true)),
        _ => scanner.skip(),
    })?;
    let (Some(name), Some(version)) = (&entry.name, &entry.version) else {
        reading.skip(file, Span::new(start, start + 1), "expected metadata with `name` and `version`");
        return Ok(());
    };
    let word = |text: &Text<'a>| text.span;
    match installed::package(
        Word { text: &name.value, span: word(name) },
        Word { text: &version.value, span: word(version) },
    ) {
        Ok(mut package) => {
            package.requires = entry.requires;
            package.requires_python = entry.requires_python;
            package.editable = entry.editable;
            // A report of an installation leaves out what was there before.
            if list == "installed" {
                package.origin = Origin::Listed;
            }
            if let Some(url) = entry.url {
                package.tags = WheelName::of_url(&url.value).map(|it| it.tags).unwrap_or_default();
                package.url = entry.direct.then(|| url.value.into_owned());
            }
            reading.observe(FactKind::Package(package.into()), file, name.span);
        }
        Err(reason) => reading.skip(file, name.span, reason),
    }
    Ok(())
}

fn metadata<'a>(scanner: &mut Scanner<'a>, key: &str, entry: &mut Entry<'a>) -> Result<(), Fault> {
    match key {
        "name" => entry.name = scanner.text()?,
        "version" => entry.version = scanner.text()?,
        "requires_python" => entry.requires_python = scanner.text()?.map(|it| it.value.into_owned()),
        "requires_dist" => scanner.items_if_array(|scanner| {
            entry.requires.extend(scanner.text()?.map(|it| it.value.into_owned()));
            Ok(())
        })?,
        _ => scanner.skip()?,
    }
    Ok(())
}

fn environment(key: &str, value: &Text<'_>, file: FileId, reading: &mut Reading) {
    let text = value.value.as_ref();
    if text.is_empty() {
        return;
    }
    let kind = match key {
        "python_full_version" => installed::python(text),
        "platform_python_implementation" => Some(FactKind::Implementation(text.to_owned())),
        "sys_platform" => match text {
            "linux" => Some("linux"),
            "win32" => Some("windows"),
            "darwin" => Some("macos"),
            _ => None,
        }
        .map(|os| FactKind::Os(os.to_owned())),
        "platform_machine" => Some(FactKind::Architecture(match text {
            "AMD64" => "x86_64".to_owned(),
            "ARM64" => "arm64".to_owned(),
            other => other.to_owned(),
        })),
        _ => return,
    };
    match kind {
        Some(kind) => reading.observe(kind, file, value.span),
        None => reading.skip(file, value.span, format!("`{text}` is no known value of `{key}`")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{fact::FactKind, input::installed::read_for_test};

    #[test]
    fn packages_and_environment_are_read() {
        let (reading, lines) = read_for_test("pip-inspect", "pip-inspect.json");
        assert_eq!(
            lines,
            [
                "8 `typing_extensions` typing-extensions==4.12.2",
                "18 `scoring-lib` scoring-lib==0.4.0 @file:///srv/app/scoring-lib editable",
                "33 `torch` torch==2.3.1+cu121 @https://packages.example/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl",
                "47 `CPython` Implementation(\"CPython\")",
                "48 `x86_64` Architecture(\"x86_64\")",
                "49 `3.11.7` Python(PythonVersion(Dotted { parts: [3, 11, 7] }))",
                "51 `linux` Os(\"linux\")",
                "28 `{` skipped: expected metadata with `name` and `version`",
            ]
        );
        let FactKind::Package(scoring) = &reading.facts[1].kind else { panic!("not a package") };
        assert_eq!(scoring.requires, ["typing-extensions >=4.8", "pytest ; extra == \"test\""]);
        assert_eq!(scoring.requires_python.as_deref(), Some(">=3.9"));
        let FactKind::Package(torch) = &reading.facts[2].kind else { panic!("not a package") };
        assert_eq!(torch.tags, ["cp311-cp311-linux_x86_64"]);
    }
}
