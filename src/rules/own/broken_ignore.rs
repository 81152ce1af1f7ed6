use crate::{
    finding::{Impact, Severity},
    rules::Check,
};

rule! {
    /// A comment for envcheck excuses nothing, since it names no rule that exists.
    ///
    /// ## Why it matters
    ///
    /// Comments must name the rules that they ignore: one that silences everything would hide what nobody has seen yet.
    ///
    /// ## Example
    ///
    /// ```text
    /// numpy==2.0.0  # envcheck: ignore
    /// scipy==1.13.0  # envcheck: ignore[EC10]
    /// ```
    ///
    /// ## How to fix
    ///
    /// Name the rules by code or name: `# envcheck: ignore[EC105] reason`.
    pub(crate) static RULE {
        code: "EC904",
        name: "broken-ignore",
        impact: Impact::Drift,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Decisions,
    }
}
