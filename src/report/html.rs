//! One page for people who were not there: what fails and why, the chain from the GPU to the model, both environments side
//! by side.
//!
//! The page is one file that asks nobody for anything: its policy forbids every request, and only the style and the script
//! whose digests it names may run. It is complete without the script, which only filters. Same input, same bytes.

mod chain;
mod finding;
mod markup;
mod place;
mod table;

use markup::{Path, Prose, Text, counted, put};

use super::{Output, Report, Style};
use crate::finding::{Impact, Severity};

pub(super) static OUTPUT: Output = Output {
    name: "html",
    about: "for a browser: one file with the chain from GPU to model and both sides side by side",
    shows_fixes: true,
    render,
};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");
/// The digests of the two, as `tests/suite/html.rs` computes them; a browser refuses any other style or script.
const STYLE_DIGEST: &str = "sha256-fJeDerbIh1ntgncRB/IkhxisAVhKclhq+zXJFtBzwyE=";
const SCRIPT_DIGEST: &str = "sha256-CQXh0apWljpAGzjy2pmVtjTQSWwaHuhhk/AQoc9NETg=";

const IMPACTS: [Impact; 4] = [Impact::StartFailure, Impact::LoadFailure, Impact::WrongResult, Impact::Drift];
const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];

/// What an impact means to the people who wait for answers.
fn impact_words(impact: Impact) -> &'static str {
    match impact {
        Impact::StartFailure => "does not start",
        Impact::LoadFailure => "does not load the model",
        Impact::WrongResult => "answers differently",
        Impact::Drift => "drift without known consequence",
    }
}

fn render(reports: &[Report<'_>], _style: Style) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
    put!(
        &mut out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{STYLE_DIGEST}'; script-src '{SCRIPT_DIGEST}'; base-uri 'none'; form-action 'none'\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n<meta name=\"color-scheme\" content=\"light dark\" />\n\
         <meta name=\"referrer\" content=\"no-referrer\" />\n<meta name=\"generator\" content=\"envcheck {}\" />\n<title>envcheck: {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        env!("CARGO_PKG_VERSION"),
        Text(&names.join("; "))
    );
    out.push_str("<header>\n<p class=\"brand\">envcheck <span class=\"quiet\">training against serving</span></p>\n");
    match reports {
        [only] => put!(&mut out, "<h1>{}</h1>\n", Text(&title(only))),
        several => {
            put!(&mut out, "<h1>{}</h1>\n<nav aria-label=\"comparisons\"><ul>\n", counted(several.len(), "comparison"));
            for (at, report) in several.iter().enumerate() {
                let (level, verdict) = verdict(report);
                put!(
                    &mut out,
                    "<li><a href=\"#c{0}\">{1}</a> <span class=\"{level}\">{2}</span></li>\n",
                    at + 1,
                    Text(&title(report)),
                    Text(&verdict)
                );
            }
            out.push_str("</ul></nav>\n");
        }
    }
    if reports.len() > 1 {
        filters(&mut out, reports);
    }
    out.push_str("</header>\n<main>\n");
    for (at, report) in reports.iter().enumerate() {
        comparison(&mut out, report, at + 1, reports.len() > 1);
    }
    out.push_str("</main>\n<footer>\n");
    put!(
        &mut out,
        "<p>envcheck {}, knowledge of {}. Nothing was executed, and this page loads nothing.</p>\n</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        reports.first().map_or("", |report| report.knowledge)
    );
    out
}

/// `train → serve`.
fn title(report: &Report<'_>) -> String {
    report.name.replace(" -> ", " \u{2192} ")
}

/// Boxes to tick; only the script makes them do anything, so that it also shows them.
fn filters(out: &mut String, reports: &[Report<'_>]) {
    let all = || reports.iter().flat_map(|report| &report.findings);
    if all().count() < 2 {
        return;
    }
    out.push_str(
        "<form class=\"filter\" hidden=\"hidden\" aria-label=\"filter findings\">\n<fieldset><legend>impact</legend>",
    );
    for impact in IMPACTS {
        let count = all().filter(|finding| finding.impact == impact).count();
        if count > 0 {
            put!(
                out,
                "<label><input type=\"checkbox\" name=\"impact\" value=\"{impact}\" checked=\"checked\" /> {} <span class=\"quiet\">{count}</span></label> ",
                impact_words(impact)
            );
        }
    }
    out.push_str("</fieldset>\n<fieldset><legend>severity</legend>");
    for severity in SEVERITIES {
        let count = all().filter(|finding| finding.severity == severity).count();
        if count > 0 {
            put!(
                out,
                "<label><input type=\"checkbox\" name=\"severity\" value=\"{severity}\" checked=\"checked\" /> {severity} <span class=\"quiet\">{count}</span></label> "
            );
        }
    }
    out.push_str("</fieldset>\n<p class=\"shown quiet\" role=\"status\"></p>\n</form>\n");
}

fn comparison(out: &mut String, report: &Report<'_>, number: usize, named: bool) {
    put!(out, "<section class=\"comparison\" id=\"c{number}\">\n");
    let (level, text) = verdict(report);
    if named {
        put!(out, "<h2>{}</h2>\n<p class=\"verdict {level}\">{}</p>\n", Text(&title(report)), Text(&text));
    } else {
        put!(out, "<h2 class=\"verdict {level}\">{}</h2>\n", Text(&text));
    }
    tally(out, report);
    out.push_str("<section>\n");
    chain::draw(out, report, number);
    chain::legend(out);
    out.push_str("</section>\n");
    findings(out, report, number, named);
    let title = if report.sides.len() > 1 { "Side by side" } else { "Environment" };
    put!(out, "<section>\n<h3>{title}</h3>\n");
    table::write(out, report, number);
    out.push_str("</section>\n");
    ignored(out, report);
    undecided(out, report);
    inputs(out, report);
    out.push_str("</section>\n");
}

/// One sentence on what will happen, and how it is coloured.
fn verdict(report: &Report<'_>) -> (&'static str, String) {
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    let open = match report.undecided.len() {
        0 => String::new(),
        count => format!("; {} could not be decided", counted(count, "question")),
    };
    let impacts = |severity: Severity| -> String {
        let hits = |impact: &Impact| report.findings.iter().any(|it| it.severity == severity && it.impact == *impact);
        let words: Vec<&str> = IMPACTS.into_iter().filter(hits).map(impact_words).collect();
        words.join(", it ")
    };
    match worst {
        Some(Severity::Error) => ("error", format!("Serving will fail: it {}{open}", impacts(Severity::Error))),
        Some(Severity::Warning) => ("warning", format!("Serving may fail: it {}{open}", impacts(Severity::Warning))),
        Some(Severity::Info) => ("info", format!("Nothing known to fail; the sides differ{open}")),
        None => ("fine", format!("Nothing known to fail{open}")),
    }
}

/// How many findings there are of each impact and severity.
fn tally(out: &mut String, report: &Report<'_>) {
    out.push_str("<ul class=\"tally\">\n");
    for impact in IMPACTS {
        let counts: Vec<(Severity, usize)> = SEVERITIES
            .into_iter()
            .map(|severity| {
                (severity, report.findings.iter().filter(|it| it.impact == impact && it.severity == severity).count())
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        let worst = counts.first().map_or_else(|| "none".to_owned(), |(severity, _)| severity.to_string());
        put!(out, "<li class=\"{worst}\"><b>{}</b> ", impact_words(impact));
        for (severity, count) in &counts {
            let shown = if *severity == Severity::Info {
                format!("{count} info")
            } else {
                counted(*count, &severity.to_string())
            };
            put!(out, "<span class=\"count {severity}\">{shown}</span> ");
        }
        if counts.is_empty() {
            out.push_str("<span class=\"quiet\">no finding</span>");
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn findings(out: &mut String, report: &Report<'_>, number: usize, named: bool) {
    out.push_str("<section>\n<h3>Findings</h3>\n");
    if !named {
        filters(out, std::slice::from_ref(report));
    }
    let remarks = report.count(Severity::Info);
    if report.findings.is_empty() {
        out.push_str("<p class=\"quiet\">no findings</p>\n");
    }
    let info = |at: &usize| report.findings[*at].severity == Severity::Info;
    let (remarked, grave): (Vec<usize>, Vec<usize>) = (0..report.findings.len()).partition(info);
    for at in grave {
        finding::write(out, report, number, at);
    }
    if remarks > 0 {
        put!(
            out,
            "<details class=\"remarks\"><summary>{}: differences without known consequence</summary>\n",
            counted(remarks, "remark")
        );
        for at in remarked {
            finding::write(out, report, number, at);
        }
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn ignored(out: &mut String, report: &Report<'_>) {
    if report.excused.is_empty() {
        return;
    }
    out.push_str("<section>\n<h3>Ignored</h3>\n<ul class=\"plain\">\n");
    for excused in &report.excused {
        finding::excused(out, report, excused);
    }
    out.push_str("</ul>\n</section>\n");
}

fn undecided(out: &mut String, report: &Report<'_>) {
    if report.undecided.is_empty() {
        return;
    }
    out.push_str("<section>\n<h3>Not decided</h3>\n<ul class=\"plain\">\n");
    for question in &report.undecided {
        put!(out, "<li><span class=\"code open\">{}</span> {}", question.code, Prose(&question.reason));
        if !question.remedy.is_empty() {
            put!(out, " <span class=\"remedy\">\u{2192} {}</span>", Prose(&question.remedy));
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n</section>\n");
}

fn inputs(out: &mut String, report: &Report<'_>) {
    out.push_str(
        "<section>\n<h3>Inputs</h3>\n<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th scope=\"col\">file</th><th scope=\"col\">format</th><th scope=\"col\">side</th><th scope=\"col\">facts</th><th scope=\"col\">skipped</th></tr></thead>\n<tbody>\n",
    );
    for (at, side) in report.sides.iter().enumerate() {
        for input in &side.inputs {
            put!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td><span class=\"role r{at}\">{}</span></td><td>{}</td><td>{}</td></tr>\n",
                Path(&input.path),
                Text(input.format),
                place::role(report, at),
                input.facts.len(),
                input.skipped.len()
            );
        }
    }
    out.push_str("</tbody></table></div>\n");
    let skipped: Vec<_> = report.sides.iter().flat_map(|side| &side.inputs).flat_map(|input| &input.skipped).collect();
    if !skipped.is_empty() {
        put!(
            out,
            "<details open=\"open\"><summary>skipped {}</summary>\n<ul class=\"plain\">\n",
            counted(skipped.len(), "part")
        );
        for part in skipped {
            put!(
                out,
                "<li><code>{}</code>: {}</li>\n",
                Path(&place::shown(report.sources, part.place)),
                Prose(&part.reason)
            );
        }
        out.push_str("</ul></details>\n");
    }
    out.push_str("</section>\n");
}
