use crate::{
    environment::Environment,
    finding::{Impact, Severity, Verdicts},
    knowledge::KNOWLEDGE_DATE,
    rules::{Check, Context, listed_up_to},
    text::Place,
};

rule! {
    /// A version is newer than everything envcheck knows.
    ///
    /// ## Why it matters
    ///
    /// Rules rest on rows with a source. For a release that came after the last row there is no verdict, neither good nor
    /// bad, and silence would look like a pass. Said once for a side, with the newest version that is known.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: torch==99.0.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Update envcheck, or check these versions by hand.
    pub(crate) static RULE {
        code: "EC901",
        name: "newer-than-knowledge",
        impact: Impact::Drift,
        severity: Severity::Info,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let knowledge = ctx.knowledge;
    let mut newer: Vec<(String, String, Place)> = Vec::new();
    for view in side.packages() {
        let Some(version) = view.pin() else { continue };
        let name = view.name.as_str();
        if side.is_settled(&[name]) {
            continue;
        }
        if !knowledge.collision.may_know(name) && !knowledge.wheel_python.may_know(name) && name != "torch" {
            continue;
        }
        let newest = if knowledge.is_onnxruntime(name) && name != "onnxruntime" {
            knowledge.newest_runtime().map(|row| row.version.clone())
        } else if name == "torch" {
            knowledge.newest_torch().cloned()
        } else if knowledge.wheel_python.reaches(name, version) {
            None
        } else {
            knowledge.newest_release(name).cloned()
        };
        if let Some(newest) = newest
            && version.only_release() > newest.0.only_release()
        {
            newer.push((name.to_owned(), format!("{name} {version} (known up to {newest})"), view.place()));
        }
    }
    for seen in side.drivers() {
        let newest = knowledge.newest_branch();
        if seen.value.branch() > newest {
            let text = format!("driver {} (known up to branch {newest})", seen.value.spelled());
            newer.push(("nvidia-driver".into(), text, seen.place));
        }
    }
    for seen in side.toolkits() {
        if let Some(newest) = knowledge.newest_cuda()
            && newest.prefix(2).at_least(&seen.value.prefix(2)).violated()
        {
            newer.push(("cuda".into(), format!("CUDA {} (known up to {newest})", seen.value), seen.place));
        }
    }
    if newer.is_empty() {
        return;
    }
    let texts: Vec<&str> = newer.iter().map(|(_, text, _)| text.as_str()).collect();
    let mut finding = RULE
        .finding(format!("nothing is known yet about {}", listed_up_to(&texts, 4)))
        .about(newer.iter().map(|(name, _, _)| name.clone()))
        .help(format!("the knowledge is of {KNOWLEDGE_DATE}: update envcheck, or check these by hand"));
    for (_, _, place) in newer.iter().take(3) {
        finding = finding.primary(&side.name, *place, "newer than the knowledge");
    }
    out.findings.push(finding);
}
