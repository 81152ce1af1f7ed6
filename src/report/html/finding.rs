//! One finding: what is wrong, the lines of both sides, why, and what to do.

use super::{
    impact_words,
    markup::{Code, Path, Prose, Source, Text, put},
    place,
};
use crate::{
    finding::{Edit, Evidence, Excuse, Excused, Finding, Fix},
    report::Report,
};

/// A finding that is reported.
pub(super) fn write(out: &mut String, report: &Report<'_>, number: usize, at: usize) {
    let finding = &report.findings[at];
    put!(
        out,
        "<article class=\"finding {0}\" id=\"c{number}-f{1}\" data-severity=\"{0}\" data-impact=\"{2}\">\n",
        finding.severity,
        at + 1,
        finding.impact
    );
    head(out, report, finding);
    place::snippets(out, report, finding);
    reasons(out, &finding.evidence);
    advice(out, report, finding);
    out.push_str("</article>\n");
}

fn head(out: &mut String, report: &Report<'_>, finding: &Finding) {
    put!(
        out,
        "<h4><span class=\"code {0}\">{0} {1}</span> <span class=\"message\">{2}</span></h4>\n",
        finding.severity,
        finding.code,
        Prose(&finding.message)
    );
    let summary = report.rule(finding.code).map_or("", |rule| rule.summary);
    put!(
        out,
        "<p class=\"about quiet\"><span class=\"impact\">{}</span> \u{b7} <span title=\"{}\">{}</span> \u{b7} <code>envcheck explain {}</code></p>\n",
        impact_words(finding.impact),
        Text(summary),
        Text(finding.rule),
        finding.code
    );
}

fn reasons(out: &mut String, evidence: &[Evidence]) {
    if evidence.is_empty() {
        return;
    }
    out.push_str("<h5>Why</h5>\n<ul class=\"why\">\n");
    for Evidence { claim, source, locator, checked, own_row } in evidence {
        put!(
            out,
            "<li>{} <span class=\"witness quiet\">{}; {}; checked {}",
            Prose(claim),
            Source(source),
            Text(locator),
            Text(checked)
        );
        if let Some(own) = own_row {
            put!(out, "; your own row, {}:{}", Text(&own.path), own.line);
            if let Some(why) = &own.overrides {
                put!(out, ", instead of a built-in one: {}", Text(why));
            }
        }
        out.push_str("</span></li>\n");
    }
    out.push_str("</ul>\n");
}

fn advice(out: &mut String, report: &Report<'_>, finding: &Finding) {
    // Advice that repeats a fix is not worth its words.
    let repeats = |part: &&str| !finding.fixes.iter().any(|fix| fix.title == *part);
    let help: Vec<&str> = finding.help.iter().flat_map(|help| help.split(", or ")).filter(repeats).collect();
    if help.is_empty() && finding.fixes.is_empty() {
        return;
    }
    out.push_str("<h5>What to do</h5>\n<ul class=\"fixes\">\n");
    for Fix { title, edits, .. } in &finding.fixes {
        put!(out, "<li>{} <span class=\"checked\">checked against all rules</span>", Prose(title));
        for edit in edits {
            self::edit(out, report, edit);
        }
        out.push_str("</li>\n");
    }
    if !help.is_empty() {
        put!(out, "<li>{}</li>\n", Prose(&help.join(", or ")));
    }
    out.push_str("</ul>\n");
}

fn edit(out: &mut String, report: &Report<'_>, edit: &Edit) {
    let text = report.sources.get(edit.place.file).text();
    let old = text.get(edit.place.span.start..edit.place.span.end).unwrap_or_default();
    put!(out, "<div class=\"edit\"><code>{}</code>: ", Path(&place::shown(report.sources, edit.place)));
    if !old.is_empty() {
        put!(out, "<del><code>{}</code></del> ", Code(old));
    }
    put!(out, "<ins><code>{}</code></ins></div>", Code(&edit.replacement));
}

/// A finding that somebody decided to live with.
pub(super) fn excused(out: &mut String, report: &Report<'_>, excused: &Excused) {
    let Excused { finding, excuse } = excused;
    put!(
        out,
        "<li><span class=\"code {0}\">{0} {1}</span> {2} <span class=\"quiet\">{3} \u{b7} ",
        finding.severity,
        finding.code,
        Prose(&finding.message),
        impact_words(finding.impact)
    );
    match excuse {
        Excuse::Comment { place, .. } => put!(out, "by the comment in {}", Path(&place::shown(report.sources, *place))),
        Excuse::Config { place, .. } => put!(out, "by {}", Path(&place::shown(report.sources, *place))),
        Excuse::Baseline { path } => put!(out, "by the baseline {}", Text(path)),
        Excuse::Since { revision } => put!(out, "already there at {}", Text(revision)),
    }
    match excuse.reason() {
        Some(reason) => put!(out, ": {}</span></li>\n", Text(reason)),
        None => out.push_str("</span></li>\n"),
    }
}
