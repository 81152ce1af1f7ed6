//! `CycloneDX` software bills of materials in JSON.
//!
//! Specification: <https://cyclonedx.org/docs/1.6/json/>; package URLs: <https://github.com/package-url/purl-spec>
//!
//! Read: components with a package URL of the type `pypi`, wheel tags from the addresses of their distributions, and the
//! marker that uv writes as a property. Other components are counted in a note; the graph of dependencies says nothing
//! beyond what the components say.

use super::{
    Claim, Files, Format, Probe, Reading,
    installed::Word,
    json_scan::{Fault, Scanner, Text},
    locked,
};
use crate::text::{FileId, Span};

pub(super) static FORMAT: Format = Format {
    name: "cyclonedx",
    about: "a software bill of materials in CycloneDX JSON",
    claims,
    read,
};

/// The property in which uv says on which machines a package is installed.
const MARKER: &str = "uv:package:marker";

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|it| it.trim_start().starts_with('{')) else { return Claim::No };
    let said = text.split_once("\"bomFormat\"").is_some_and(|(_, rest)| {
        rest.trim_start_matches([' ', ':', '\n', '\r', '\t']).starts_with("\"CycloneDX\"")
    });
    if said { Claim::Certain } else { Claim::No }
}

fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let mut reading = Reading::default();
    let mut others: Option<(usize, Span)> = None;
    let mut scanner = Scanner::new(&text);
    let done = scanner.members(|scanner, key| match key {
        "components" => scanner.items_if_array(|scanner| {
            let start = scanner.position();
            if !component(scanner, file, &mut reading)? {
                let (count, place) = others.unwrap_or((0, Span::new(start, start + 1)));
                others = Some((count + 1, place));
            }
            Ok(())
        }),
        _ => scanner.skip(),
    });
    if let Err(fault) = done.and_then(|()| scanner.end()) {
        return fault.reading(file);
    }
    if let Some((count, place)) = others {
        let (components, are) = if count == 1 { ("component", "is") } else { ("components", "are") };
        reading.skip(file, place, format!("{count} {components} {are} no Python package"));
    }
    reading.in_file_order()
}

/// Reads a component; says whether it is a Python package.
fn component<'a>(scanner: &mut Scanner<'a>, file: FileId, reading: &mut Reading) -> Result<bool, Fault> {
    let (mut purl, mut marker) = (None::<Text<'a>>, None::<Text<'a>>);
    let mut addresses: Vec<String> = Vec::new();
    scanner.members_if_object(|scanner, key| match key {
        "purl" => scanner.text().map(|it| purl = it),
        "properties" => scanner.items_if_array(|scanner| {
            let (mut name, mut value) = (None::<Text<'a>>, None::<Text<'a>>);
            scanner.members_if_object(|scanner, key| match key {
                "name" => scanner.text().map(|it| name = it),
                "value" => scanner.text().map(|it| value = it),
                _ => scanner.skip(),
            })?;
            if name.is_some_and(|name| name.value == MARKER) {
                marker = value;
            }
            Ok(())
        }),
        "externalReferences" => scanner.items_if_array(|scanner| {
            scanner.members_if_object(|scanner, key| match key {
                "url" => scanner.text().map(|it| addresses.extend(it.map(|it| it.value.into_owned()))),
                _ => scanner.skip(),
            })
        }),
        _ => scanner.skip(),
    })?;
    let Some(purl) = purl else { return Ok(false) };
    let Some(rest) = purl.value.strip_prefix("pkg:pypi/") else { return Ok(false) };
    let rest = decoded(rest.split(['?', '#']).next().unwrap_or(rest));
    let (name, version) = rest.split_once('@').map_or((rest.as_str(), None), |(name, version)| (name, Some(version)));
    let word = |text| Word { text, span: purl.span };
    match locked::package(word(name), version.map(word)) {
        Ok(mut package) => {
            let marker = marker.as_ref().map(|text| Word { text: &text.value, span: text.span });
            package.marker = locked::marker(marker, file, reading);
            package.tags = locked::tags(addresses.iter().map(String::as_str));
            reading.declare_package(package, file);
        }
        Err(reason) => reading.skip(file, purl.span, reason),
    }
    Ok(true)
}

/// The characters that a package URL must encode in names and versions of Python packages.
fn decoded(text: &str) -> String {
    text.replace("%2B", "+").replace("%2b", "+").replace("%21", "!").replace("%40", "@").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        fact::FactKind,
        input::locked::{damaged, read_for_test},
    };

    const SAMPLE: &str = include_str!("../../fixtures/inputs/cyclonedx/serve.cdx.json");

    #[test]
    fn python_packages_are_read_and_others_counted() {
        let (reading, lines) = read_for_test("cyclonedx", SAMPLE);
        assert_eq!(
            lines,
            [
                "`pkg:pypi/torch@2.6.0%2Bcpu` torch==2.6.0+cpu",
                "`pkg:pypi/Tzdata@2025.1?file_name=x.whl` tzdata==2025.1 ; sys_platform == 'win32'",
                "`{` skipped: 2 components are no Python package",
            ]
        );
        let FactKind::Package(torch) = &reading.facts[0].kind else { panic!("not a package") };
        assert_eq!(torch.tags, ["cp311-cp311-linux_x86_64"]);
    }

    #[test]
    fn only_such_files_are_claimed() {
        let claim = |text: &str| claims(&Probe { name: "x.json", bytes: text.as_bytes(), text: Some(text) });
        assert_eq!(claim(SAMPLE), Claim::Certain);
        assert_eq!(claim("{\"spdxVersion\": \"SPDX-2.3\", \"about\": \"CycloneDX\"}"), Claim::No);
        assert!(read_for_test("cyclonedx", "{\"components\": [").1[0].contains("fault: broken JSON"));
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..SAMPLE.len(), cut in 0..80_usize, junk in "([a-z]{0,3}|[\\[\\]{}:\"',#@%\n.]|é){0,6}") {
            read_for_test("cyclonedx", &damaged(SAMPLE, at, cut, &junk));
        }
    }
}
