//! Rules: each a record and a plain function from environments and knowledge to findings.
//!
//! A rule's doc comment is its manual (`envcheck explain`). A rule sees facts and knowledge; it knows no path, no file
//! format and no output. What it cannot decide it says as [`Undecided`], never as a finding.

mod basis;
mod signature;
mod testimony;

pub use basis::{IMPLYING, tables_of};

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    environment::{Environment, Seen},
    fact::Model,
    finding::{Evidence, Finding, Impact, Severity, Undecided, Verdicts},
    knowledge::{Grounds, Knowledge},
};

/// Everything that a rule may look at.
pub struct Context<'a> {
    /// The training side; absent in a `check`.
    pub training: Option<&'a Environment>,
    /// The serving side, or the only one.
    pub serving: &'a Environment,
    /// What is true in the world.
    pub knowledge: &'a Knowledge,
}

impl<'a> Context<'a> {
    /// The sides, training first.
    pub fn sides(&self) -> impl Iterator<Item = &'a Environment> {
        self.training.into_iter().chain([self.serving])
    }

    /// All models that either side names, each with the environment that names it; one file named twice is one model, and
    /// where serving has the file, training's own does not matter to how it loads.
    #[must_use]
    pub fn models(&self) -> Vec<(&'a Environment, Seen<'a, Model>)> {
        let mut models: Vec<(&'a Environment, Seen<'a, Model>)> = Vec::new();
        let several = self.sides().map(|side| side.models().len()).sum::<usize>() > 1;
        let spoken_for = if several { testimony::spoken_for(self) } else { Vec::new() };
        for side in self.sides() {
            for seen in side.models() {
                if spoken_for.iter().any(|model| std::ptr::eq(*model, seen.value)) {
                    continue;
                }
                let twice = models.iter().any(|(_, known)| {
                    known.value == seen.value && known.value.format.as_deref() == Some("onnx")
                        || known.value.sha256.is_some() && known.value.sha256 == seen.value.sha256
                });
                if !twice {
                    models.push((side, seen));
                }
            }
        }
        models
    }
}

/// What a rule is called on.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// Each side by itself.
    Side(fn(&Context<'_>, &Environment, &mut Verdicts)),
    /// Training against serving.
    Pair(fn(&Context<'_>, &Environment, &Environment, &mut Verdicts)),
    /// What the user decided about findings, which `gate` looks at once all rules have run.
    Decisions,
    /// Each model against the serving side.
    Model(fn(&Context<'_>, &Environment, Seen<'_, Model>, &mut Verdicts)),
}

/// A rule: its manual, its metadata and its check.
#[derive(Debug)]
pub struct Rule {
    /// Such as `EC301`; never used twice.
    pub code: &'static str,
    /// Names the defect, such as `driver-too-old`.
    pub name: &'static str,
    /// The usual impact.
    pub impact: Impact,
    /// The usual, and highest, severity.
    pub severity: Severity,
    /// The first version of envcheck that has it.
    pub since: &'static str,
    /// The manual, Markdown.
    pub docs: &'static str,
    /// The check.
    pub check: Check,
}

impl Rule {
    /// The first line of the manual.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.docs.trim().lines().next().unwrap_or_default()
    }

    /// A finding of this rule with its usual severity and impact.
    #[must_use]
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding {
            code: self.code,
            rule: self.name,
            severity: self.severity,
            impact: self.impact,
            message: message.into(),
            components: Vec::new(),
            labels: Vec::new(),
            evidence: Vec::new(),
            help: None,
            fixes: Vec::new(),
            unfixed: None,
        }
    }

    /// A question that this rule could not answer.
    #[must_use]
    pub fn undecided(&self, reason: impl Into<String>, remedy: impl Into<String>) -> Undecided {
        Undecided { code: self.code, rule: self.name, reason: reason.into(), remedy: remedy.into() }
    }
}

/// Declares a rule; the doc comment becomes its manual.
macro_rules! rule {
    (
        $(#[doc = $line:literal])*
        pub(crate) static RULE {
            code: $code:literal,
            name: $name:literal,
            impact: $impact:expr,
            severity: $severity:expr,
            since: $since:literal,
            check: $check:expr,
        }
    ) => {
        $(#[doc = $line])*
        pub(crate) static RULE: $crate::rules::Rule = $crate::rules::Rule {
            code: $code,
            name: $name,
            impact: $impact,
            severity: $severity,
            since: $since,
            docs: concat!($($line, "\n"),*),
            check: $check,
        };
    };
}

/// Declares the modules and the registry at once, in code order.
macro_rules! rules {
    ($($family:ident { $($rule:ident),* $(,)? })*) => {
        $(mod $family { $(pub(crate) mod $rule;)* })*

        /// Every rule, in code order.
        pub static RULES: &[&Rule] = &[$($(&$family::$rule::RULE),*),*];
    };
}

rules! {
    python { python_drift, python_without_wheel, libc_too_old, architecture_without_wheel, platform_without_wheel }
    packages {
        version_drift, missing_in_serving, build_drift, colliding_distributions, numpy_abi, companion_mismatch, unmet_requirement,
        behaviour_change, extension_for_another_build, companion_outgrown,
    }
    model {
        opset_too_new, ir_version_too_new, unknown_operator, unprovided_domain, written_by_another_version,
        plan_for_another_machine, opset_beyond_tensorrt, exporter_ahead_of_runtime, signature_differs, missing_kernel,
        model_differs, external_data, malformed_model,
    }
    gpu {
        driver_too_old, toolkit_newer_than_driver, gpu_not_in_build, gpu_not_in_toolkit, gpu_dropped_by_driver, cuda_major_mismatch,
        cudnn_mismatch, two_cuda_majors, cpu_build_beside_gpu, precision_differs, rocm_build_beside_nvidia, cudnn_shadowed, gpu_below_minimum, missing_cuda_library,
    }
    image { image_refuses_driver, floating_image, missing_system_library, driver_check_disabled, model_apart_from_image }
    hygiene { unpinned, contradiction }
    own { newer_than_knowledge, unused_ignore, expired_ignore, broken_ignore }
}

pub(crate) use own::{
    broken_ignore::RULE as BROKEN_IGNORE, expired_ignore::RULE as EXPIRED_IGNORE, unused_ignore::RULE as UNUSED_IGNORE,
};

/// How many packages there must be for a second thread to be worth its start.
const MANY_PACKAGES: usize = 200;

/// Runs every rule.
#[must_use]
pub fn run(context: &Context<'_>) -> Verdicts {
    let next = AtomicUsize::new(0);
    // No rule sees what another one found, so that any thread may take the next one.
    let ask = || {
        let mut said = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(rule) = RULES.get(at) else { return said };
            let mut verdicts = Verdicts::default();
            run_one(rule, context, &mut verdicts);
            said.push((at, verdicts));
        }
    };
    let packages: usize = context.sides().map(|side| side.packages().count()).sum();
    let mut said = if packages < MANY_PACKAGES {
        ask()
    } else {
        thread::scope(|scope| {
            let other = scope.spawn(ask);
            let mut said = ask();
            said.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            said
        })
    };
    said.sort_by_key(|(at, _)| *at);
    let mut verdicts = Verdicts::default();
    for (_, mut of_rule) in said {
        verdicts.findings.append(&mut of_rule.findings);
        verdicts.undecided.append(&mut of_rule.undecided);
    }
    for finding in &mut verdicts.findings {
        explain_implied(context, finding);
    }
    verdicts.undecided.sort();
    verdicts.undecided.dedup();
    verdicts
}

/// Runs one rule after the other for as long as a finding is allowed; whether all of them are. Rules about single sides are
/// only asked about one of them.
pub fn all_findings(context: &Context<'_>, side: &Environment, allowed: impl Fn(&Finding) -> bool) -> bool {
    RULES.iter().all(|rule| {
        let mut verdicts = Verdicts::default();
        run_about(rule, context, side, &mut verdicts);
        verdicts.findings.iter_mut().all(|finding| {
            explain_implied(context, finding);
            allowed(finding)
        })
    })
}

/// Shows the whole chain behind facts that are only implied, and lets no finding be more certain than its weakest link.
fn explain_implied(context: &Context<'_>, finding: &mut Finding) {
    let mut chain = Vec::new();
    for implied in context.sides().flat_map(Environment::implied) {
        let points_at = finding.labels.iter().any(|label| label.place == implied.fact.place);
        if !points_at || !implied.concerns(&finding.components) {
            continue;
        }
        for reason in &implied.reasons {
            let evidence = Evidence::from(reason.clone());
            if !chain.contains(&evidence) && !finding.evidence.contains(&evidence) {
                chain.push(evidence);
            }
        }
        finding.severity = finding.severity.min(match implied.grounds() {
            Grounds::Note => Severity::Info,
            Grounds::Warning => Severity::Warning,
            Grounds::Error => Severity::Error,
        });
        if implied.by_image && finding.components.iter().all(|component| component != "image") {
            finding.components.push("image".into());
        }
    }
    // The file's statement comes first, then what follows from it.
    finding.evidence.splice(0..0, chain);
}

/// Runs one rule; if it is about single sides, on one of them.
pub fn run_about(rule: &Rule, context: &Context<'_>, side: &Environment, verdicts: &mut Verdicts) {
    match rule.check {
        Check::Side(check) => check(context, side, verdicts),
        Check::Pair(_) | Check::Model(_) | Check::Decisions => run_one(rule, context, verdicts),
    }
}

/// Runs one rule.
pub fn run_one(rule: &Rule, context: &Context<'_>, verdicts: &mut Verdicts) {
    match rule.check {
        Check::Side(check) => context.sides().for_each(|side| check(context, side, verdicts)),
        Check::Decisions => {}
        Check::Pair(check) => {
            if let Some(training) = context.training {
                check(context, training, context.serving, verdicts);
            }
        }
        Check::Model(check) => {
            for (side, model) in context.models() {
                check(context, side, model, verdicts);
            }
        }
    }
}

/// Finds a rule by code or name, without case.
#[must_use]
pub fn find(text: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.code.eq_ignore_ascii_case(text) || rule.name.eq_ignore_ascii_case(text))
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn listed<S: AsRef<str>>(items: &[S]) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// `a, b and 7 more` when there are more than `most`.
pub(crate) fn listed_up_to<S: AsRef<str>>(items: &[S], most: usize) -> String {
    if items.len() <= most {
        return listed(items);
    }
    let head: Vec<&str> = items[..most].iter().map(AsRef::as_ref).collect();
    format!("{} and {} more", head.join(", "), items.len() - most)
}

/// The code or name of a rule that was probably meant.
#[must_use]
pub fn nearest_name(text: &str) -> Option<&'static str> {
    let names = RULES.iter().flat_map(|rule| [rule.name, rule.code]);
    crate::text::nearest(&text.to_ascii_lowercase(), names)
}
