//! The environments side by side: what differs first, what is equal folded away.

use std::collections::BTreeMap;

use super::{
    markup::{Path, Text, counted, put},
    place,
};
use crate::{
    environment::{Environment, PackageView},
    fact::{FactKind, Standing},
    finding::Severity,
    report::{Report, facts},
    text::Place,
    version::VersionSet,
};

/// Rows that are shown without unfolding anything.
const MOST_OPEN: usize = 12;

/// How the sides of a row stand to each other, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Differs,
    MayDiffer,
    Only(usize),
    Equal,
}

/// What one side says about a component.
#[derive(Default)]
struct Cell {
    /// Each text once, with the weightiest statement of it.
    values: Vec<(String, Standing, Place)>,
    versions: Option<VersionSet>,
}

struct Row {
    name: String,
    package: bool,
    cells: Vec<Cell>,
    state: State,
    /// Findings that are about it, worst first.
    findings: Vec<usize>,
    worst: Option<Severity>,
}

/// Writes the tables of a comparison.
pub(super) fn write(out: &mut String, report: &Report<'_>, number: usize) {
    let mut rows = rows(report);
    if rows.is_empty() {
        out.push_str("<p class=\"quiet\">nothing is known of either side</p>\n");
        return;
    }
    rows.sort_by(|a, b| {
        let key = |row: &Row| (std::cmp::Reverse(row.worst), row.state, row.package);
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    if report.sides.len() < 2 {
        let (first, rest) = split(rows, |row| row.worst.is_some());
        let all = [0];
        table(out, report, number, &first, &all);
        fold(out, report, number, &rest, "without findings", &all);
        return;
    }
    let (first, rest) = split(rows, |row| row.worst.is_some() || row.state < State::Only(0));
    let both = [0, 1];
    table(out, report, number, &first, &both);
    let (equal, single) = split(rest, |row| row.state == State::Equal);
    let (training, serving) = split(single, |row| row.state == State::Only(0));
    fold(out, report, number, &equal, "equal on both sides", &both);
    fold(out, report, number, &training, "in training only", &both[..1]);
    fold(out, report, number, &serving, "in serving only", &both[1..]);
}

fn split(rows: Vec<Row>, first: impl Fn(&Row) -> bool) -> (Vec<Row>, Vec<Row>) {
    rows.into_iter().partition(first)
}

fn fold(out: &mut String, report: &Report<'_>, number: usize, rows: &[Row], what: &str, sides: &[usize]) {
    if rows.is_empty() {
        return;
    }
    let open = if rows.len() <= MOST_OPEN { " open=\"open\"" } else { "" };
    put!(out, "<details{open}><summary>{} {what}</summary>\n", counted(rows.len(), "row"));
    table(out, report, number, rows, sides);
    out.push_str("</details>\n");
}

/// The rows with the columns of these sides; what findings say stands in the last one, if there is anything to say.
fn table(out: &mut String, report: &Report<'_>, number: usize, rows: &[Row], sides: &[usize]) {
    if rows.is_empty() {
        return;
    }
    let told = rows.iter().any(|row| row.worst.is_some() || row.state < State::Only(0));
    let calm = if told { "" } else { " calm" };
    put!(
        out,
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"sides{calm}\"><thead><tr><th scope=\"col\">component</th>"
    );
    for at in sides {
        let side = &report.sides[*at];
        put!(
            out,
            "<th scope=\"col\"><span class=\"role r{at}\">{}</span> {}</th>",
            place::role(report, *at),
            Text(&side.environment.name)
        );
    }
    let last = if told { "<th scope=\"col\" class=\"codes\">findings</th>" } else { "" };
    put!(out, "{last}</tr></thead>\n<tbody>\n");
    for row in rows {
        let state = match row.state {
            State::Differs => "differs",
            State::MayDiffer => "may-differ",
            State::Only(_) => "single",
            State::Equal => "equal",
        };
        let worst = row.worst.map(|severity| format!(" {severity}")).unwrap_or_default();
        put!(out, "<tr class=\"{state}{worst}\"><th scope=\"row\">{}</th>", Path(&row.name));
        for cell in sides.iter().map(|at| &row.cells[*at]) {
            out.push_str("<td>");
            for (text, standing, at) in &cell.values {
                let from = place::shown(report.sources, *at);
                put!(
                    out,
                    "<div class=\"value\"><span class=\"what\">{}</span> <span class=\"from {standing}\" title=\"{}\">{standing} \u{b7} {}</span></div>",
                    Text(text),
                    Text(&from),
                    Path(&place::short(report.sources, *at))
                );
            }
            if cell.values.is_empty() {
                out.push_str("<span class=\"quiet\">\u{2014}</span>");
            }
            out.push_str("</td>");
        }
        if !told {
            out.push_str("</tr>\n");
            continue;
        }
        out.push_str("<td class=\"codes\">");
        match row.state {
            State::Differs => out.push_str("<span class=\"state\">\u{2260} differs</span> "),
            State::MayDiffer => out.push_str("<span class=\"state\">\u{2248} may differ</span> "),
            State::Only(_) | State::Equal => {}
        }
        for at in &row.findings {
            let finding = &report.findings[*at];
            put!(
                out,
                "<a class=\"code {}\" href=\"#c{number}-f{}\" title=\"{}\">{}</a> ",
                finding.severity,
                at + 1,
                Text(&finding.message),
                finding.code
            );
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn rows(report: &Report<'_>) -> Vec<Row> {
    let mut named: BTreeMap<(bool, String), Vec<Cell>> = BTreeMap::new();
    let count = report.sides.len();
    let mut cell = |key: (bool, String), side: usize, put: &mut dyn FnMut(&mut Cell)| {
        let cells = named.entry(key).or_insert_with(|| (0..count).map(|_| Cell::default()).collect());
        put(&mut cells[side]);
    };
    for (side, reported) in report.sides.iter().enumerate() {
        let environment = &reported.environment;
        for view in environment.packages() {
            let key = (true, view.name.to_string());
            cell(key, side, &mut |cell| *cell = of_package(view));
        }
        for (name, text, standing, at) in components(environment) {
            cell((false, name), side, &mut |cell| match cell.values.iter_mut().find(|(known, _, _)| *known == text) {
                Some(known) if known.1 < standing => (known.1, known.2) = (standing, at),
                Some(_) => {}
                None => cell.values.push((text.clone(), standing, at)),
            });
        }
    }
    named.into_iter().map(|((package, name), cells)| row(report, package, name, cells)).collect()
}

fn row(report: &Report<'_>, package: bool, name: String, cells: Vec<Cell>) -> Row {
    let about = |word: &String| *word == name || alias(word).is_some_and(|alias| alias == name);
    let findings: Vec<usize> =
        (0..report.findings.len()).filter(|at| report.findings[*at].components.iter().any(about)).collect();
    let worst = findings.iter().map(|at| report.findings[*at].severity).max();
    let state = state(&cells);
    Row { name, package, cells, state, findings, worst }
}

/// A word of findings that rows know by another name.
fn alias(word: &str) -> Option<&'static str> {
    Some(match word {
        "onnx-opset" | "onnx-ir" | "onnx-operator" | "onnx-dtype" | "signature" => "model",
        "os" => "distribution",
        _ => return None,
    })
}

fn state(cells: &[Cell]) -> State {
    let [training, serving] = cells else { return State::Equal };
    let texts = |cell: &Cell| {
        let mut texts: Vec<String> = cell.values.iter().map(|(text, _, _)| text.clone()).collect();
        texts.sort();
        texts
    };
    let (a, b) = (texts(training), texts(serving));
    if b.is_empty() {
        State::Only(0)
    } else if a.is_empty() {
        State::Only(1)
    } else if a == b {
        State::Equal
    } else if let (Some(a), Some(b)) = (&training.versions, &serving.versions)
        && (a.single().is_none() || b.single().is_none())
        && a.intersects(b)
    {
        State::MayDiffer
    } else {
        State::Differs
    }
}

fn of_package(view: &PackageView) -> Cell {
    Cell { values: vec![(view.shown(), view.standing, view.place())], versions: Some(view.versions.clone()) }
}

/// Everything that is no package: name, value, weight and place.
fn components(environment: &Environment) -> Vec<(String, String, Standing, Place)> {
    let implied = environment.implied().iter().map(|it| &it.fact);
    let mut found: Vec<(String, String, Standing, Place)> = environment
        .facts()
        .iter()
        .chain(implied)
        // The values of variables are nobody's business but the program's.
        .filter(|fact| !matches!(fact.kind, FactKind::Package(_) | FactKind::Variable(_)))
        .filter_map(|fact| {
            let (name, value) = facts::component(fact)?;
            let value = match &fact.kind {
                FactKind::Gpu(gpu) if gpu.count > 1 => value.map(|name| format!("{} \u{d7} {name}", gpu.count)),
                _ => value,
            };
            Some((name, value.unwrap_or_else(|| "of any version".to_owned()), fact.standing, fact.place))
        })
        .collect();
    // What frameworks bring; wheels of NVIDIA and toolkits stand for themselves.
    let itself = |component: &str| ["cuda", "cudnn", "image"].contains(&component) || component.starts_with("nvidia-");
    let by = |reason: bool, view: Option<&PackageView>| match view {
        Some(view) if !reason => view.standing,
        _ => Standing::Implied,
    };
    for user in environment.found_cuda_users().iter().filter(|user| !itself(&user.component)) {
        let standing = by(user.reason.is_some(), environment.package(&user.component));
        found.push(("cuda".to_owned(), format!("{} of {}", user.cuda, user.shown), standing, user.place));
    }
    for user in environment.found_cudnn_users().iter().filter(|user| !itself(&user.component)) {
        let standing = by(user.reason.is_some(), environment.package(&user.component));
        found.push(("cudnn".to_owned(), format!("{} of {}", user.cudnn, user.shown), standing, user.place));
    }
    found
}
