use crate::{
    finding::{Impact, Severity},
    rules::Check,
};

rule! {
    /// The day until which an `[[ignore]]` was meant to hold has passed.
    ///
    /// ## Why it matters
    ///
    /// Somebody decided to live with a finding for some time. The time is over: the finding is reported again.
    ///
    /// ## Example
    ///
    /// ```text
    /// [[ignore]]
    /// rule = "EC301"
    /// reason = "the hosts get their new driver this summer"
    /// expires = 2025-09-30
    /// ```
    ///
    /// ## How to fix
    ///
    /// Mend what it ignores, or look at it again and set another day.
    pub(crate) static RULE {
        code: "EC903",
        name: "expired-ignore",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Decisions,
    }
}
