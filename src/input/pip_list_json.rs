//! `pip list --format json`, `uv pip list --format json` and `conda list --json`.
//!
//! Documentation: <https://pip.pypa.io/en/stable/cli/pip_list/>
//!
//! Read: an array of objects with `name` and `version`, and of conda also `build_string`, `channel` and `platform`.
//! Skipped with a note: items without a name or version.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::{self, CondaPackage, Word},
    json_scan::{Fault, Scanner, Text},
};
use crate::{
    fact::FactKind,
    text::{FileId, Span},
};

pub(super) static FORMAT: Format = Format {
    name: "pip-list-json",
    about: "the JSON that `pip list --format json` and `conda list --json` print",
    claims,
    read,
};

/// Keys of pip and conda; an array with other keys is something else.
const KEYS: [&str; 14] = [
    "name", "version", "editable_project_location", "location", "installer", "latest_version", "latest_filetype",
    "base_url", "build_number", "build_string", "channel", "dist_name", "platform", "url",
];

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|it| it.trim_start().starts_with('[')) else { return Claim::No };
    // Only the first item is looked at, so that a file that was cut off later is still known for what it is.
    let mut verdict = None;
    let _ = Scanner::new(text).items(|scanner| {
        let (mut known, mut other, mut needed) = (0, 0, 0);
        let start = scanner.position();
        let done = scanner.members(|scanner, key| {
            needed += usize::from(key == "name" || key == "version");
            *(if KEYS.contains(&key) { &mut known } else { &mut other }) += 1;
            scanner.skip()
        });
        verdict = verdict.or(Some((done.is_ok(), needed == 2, other)));
        // Any fault ends the walk.
        done.and_then(|()| Scanner::new(&text[..start]).skip())
    });
    match verdict {
        Some((true, true, 0)) => Claim::Certain,
        Some((true, true, _)) => Claim::Named,
        _ => Claim::No,
    }
}

/// One item as it was written.
#[derive(Default)]
struct Item<'a> {
    name: Option<Text<'a>>,
    version: Option<Text<'a>>,
    location: Option<Text<'a>>,
    build: Option<Text<'a>>,
    channel: Option<Text<'a>>,
    platform: Option<Text<'a>>,
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    match items(&text, file, &mut reading) {
        Ok(()) => reading,
        Err(fault) => fault.reading(file),
    }
}

fn items(text: &str, file: FileId, reading: &mut Reading) -> Result<(), Fault> {
    let mut scanner = Scanner::new(text);
    let mut platform_seen = false;
    scanner.items(|scanner| {
        let start = scanner.position();
        let mut item = Item::default();
        scanner.members_if_object(|scanner, key| {
            match key {
                "name" => item.name = scanner.text()?,
                "version" => item.version = scanner.text()?,
                "editable_project_location" => item.location = scanner.text()?,
                "build_string" => item.build = scanner.text()?,
                "channel" => item.channel = scanner.text()?,
                "platform" => item.platform = scanner.text()?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        let (Some(name), Some(version)) = (&item.name, &item.version) else {
            reading.skip(file, Span::new(start, start + 1), "expected an object with `name` and `version`");
            return Ok(());
        };
        let (name, version) = (word(name), word(version));
        if let Some(build) = &item.build {
            let channel = item.channel.as_ref().map_or("", |it| it.value.as_ref());
            let platform = item.platform.as_ref().filter(|it| installed::conda_platform(&it.value).is_some());
            if let (false, Some(platform)) = (platform_seen, platform) {
                platform_seen = true;
                installed::observe_platform(reading, file, word(platform));
            }
            installed::conda(reading, file, CondaPackage { name, version, build: &build.value, channel, span: name.span });
            return Ok(());
        }
        match installed::package(name, version) {
            Ok(mut package) => {
                if let Some(location) = item.location {
                    package.editable = true;
                    package.url = Some(location.value.into_owned());
                }
                reading.observe(FactKind::Package(package.into()), file, name.span);
            }
            Err(reason) => reading.skip(file, name.span, reason),
        }
        Ok(())
    })?;
    scanner.end()
}

fn word<'a>(text: &'a Text<'_>) -> Word<'a> {
    Word { text: &text.value, span: text.span }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::installed::read_for_test;

    fn claim(text: &str) -> Claim {
        claims(&Probe { name: "list.json", bytes: text.as_bytes(), text: Some(text) })
    }

    #[test]
    fn lists_of_packages_are_recognised() {
        assert_eq!(claim(r#"[{"name": "a", "version": "1"}, {"name": "b""#), Claim::Certain);
        assert_eq!(claim(r#"[{"name": "a", "version": "1", "colour": "red"}]"#), Claim::Named);
        assert_eq!(claim(r#"[{"name": "a"}]"#), Claim::No);
        assert_eq!(claim(r#"{"name": "a", "version": "1"}"#), Claim::No);
        assert_eq!(claim("[]"), Claim::No);
    }

    #[test]
    fn each_package_stands_on_its_own_line() {
        let (_, lines) = read_for_test("pip-list-json", "pip-list.json");
        assert_eq!(
            lines,
            [
                "3 `Jinja2` jinja2==3.1.4",
                "6 `scoring-lib` scoring-lib==0.4.0 @/srv/app/scoring-lib editable",
                "11 `torch` torch==2.3.1+cu121",
                "12 `{` skipped: expected an object with `name` and `version`",
            ]
        );
        let (_, lines) = read_for_test("pip-list-json", "conda-list.json");
        assert_eq!(
            lines,
            [
                "10 `linux-64` Os(\"linux\")",
                "10 `linux-64` Architecture(\"x86_64\")",
                "9 `cudatoolkit` Cuda(CudaVersion(Dotted { parts: [11, 8, 0] }))",
                "14 `python` Python(PythonVersion(Dotted { parts: [3, 11, 9] }))",
                "18 `pytorch` torch==2.3.1 build py3.11_cuda11.8_cudnn8.7.0_0 cuda 11.8",
                "22 `onnxruntime-gpu` onnxruntime-gpu==1.18.0",
            ]
        );
        let (reading, _) = read_for_test("pip-list-json", "cut-off.json");
        assert!(reading.fault.unwrap().message.contains("expected a closing quote, found the end of the file"));
    }
}
