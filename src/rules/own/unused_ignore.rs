use crate::{
    finding::{Impact, Severity},
    rules::Check,
};

rule! {
    /// A comment or an `[[ignore]]` excuses a finding that is not there.
    ///
    /// ## Why it matters
    ///
    /// It was of use once, and would now hide the next defect of the same kind without anybody having looked at it.
    ///
    /// ## Example
    ///
    /// ```text
    /// requirements.txt: numpy==1.26.4  # envcheck: ignore[EC105] rebuilt by us
    /// (numpy 2 is not used any more)
    /// ```
    ///
    /// ## How to fix
    ///
    /// Remove it. A comment about a rule that compares two sides, or looks at models, is only called unused where that could be
    /// done; an `[[ignore]]` only by a run that judges everything `envcheck.toml` declares.
    pub(crate) static RULE {
        code: "EC902",
        name: "unused-ignore",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Decisions,
    }
}
