//! Checkstyle XML, which most services that collect warnings can read.
//!
//! Files by name, in each the worst first. A model has no lines: its findings stand in line 1.

use std::collections::BTreeMap;

use super::{
    Output, Report, Style,
    merged::{Entry, Region, findings, scenes},
    words::one_line,
    xml::Document,
};

pub(super) static OUTPUT: Output = Output {
    name: "checkstyle",
    about: "Checkstyle XML, for services that collect warnings",
    shows_fixes: true,
    render,
};

/// The version of Checkstyle whose format this is; it has not changed since.
const VERSION: &str = "4.3";

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let scenes = scenes(reports);
    let entries = findings(&scenes);
    let mut files: BTreeMap<String, Vec<(&Entry<'_>, Option<Region>)>> = BTreeMap::new();
    for entry in &entries {
        let home = entry.scene.home(entry.finding);
        let path = home.map_or_else(String::new, |label| entry.scene.path(label.place));
        files.entry(path).or_default().push((entry, home.and_then(|label| entry.scene.region(label.place))));
    }
    let mut document = Document::new();
    document.open("checkstyle", &[("version", VERSION.to_owned())]);
    for (path, entries) in files {
        document.open("file", &[("name", path)]);
        for (entry, region) in entries {
            let finding = entry.finding;
            let line = region.map_or(1, |it| it.line);
            let column = region.map(|it| ("column", it.column.to_string()));
            let rest = [
                ("severity", finding.severity.to_string()),
                ("message", one_line(&entry.messages(), finding)),
                ("source", format!("envcheck.{}.{}", finding.rule, finding.code)),
            ];
            let attributes: Vec<_> = std::iter::once(("line", line.to_string())).chain(column).chain(rest).collect();
            document.empty("error", &attributes);
        }
        document.close("file");
    }
    document.close("checkstyle");
    document.finish()
}
