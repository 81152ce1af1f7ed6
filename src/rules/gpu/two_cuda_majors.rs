use std::collections::BTreeMap;

use super::driver_too_old::{brings, is_nccl};
use crate::{
    environment::{CudaUse, CudaUser, Environment},
    finding::{Impact, Severity, Verdicts},
    rules::{Check, Context, listed},
};

rule! {
    /// One environment holds Python wheels of two CUDA majors.
    ///
    /// ## Why it matters
    ///
    /// The wheels carry the libraries twice. Which ones get loaded depends on the order of imports; a library of one major
    /// that is handed objects of the other crashes or is not found. It mostly means that a lock was put together from two
    /// sources.
    ///
    /// ## Example
    ///
    /// ```text
    /// torch==2.1.0+cu118
    /// nvidia-cublas-cu12==12.1.3.1
    /// ```
    ///
    /// ## How to fix
    ///
    /// Resolve the environment again from one index, with builds for one CUDA major.
    pub(crate) static RULE {
        code: "EC308",
        name: "two-cuda-majors",
        impact: Impact::StartFailure,
        severity: Severity::Warning,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    let users = side.cuda_users(ctx.knowledge);
    let mut majors: BTreeMap<u32, Vec<&CudaUser>> = BTreeMap::new();
    for user in users.iter().filter(|user| matches!(user.how, CudaUse::Bundled | CudaUse::Wheel) && user.sure) {
        // xgboost asks for NCCL of one major whatever else is installed; it stands alone and harms nobody.
        if !is_nccl(user) {
            majors.entry(user.cuda.major()).or_default().push(user);
        }
    }
    if majors.len() < 2 {
        return;
    }
    let names: Vec<String> = majors.keys().map(ToString::to_string).collect();
    let mut finding = RULE.finding(format!("the environment holds wheels of CUDA {}", listed(&names))).about(["cuda"]);
    for users in majors.values() {
        // The framework says more than its libraries.
        let Some(user) = users.iter().find(|user| user.how == CudaUse::Bundled).or(users.first()) else { continue };
        finding = finding.primary(&side.name, user.place, format!("{} {}", user.component, brings(user))).about([user.component.as_str()]);
    }
    out.findings.push(
        finding.because(ctx.knowledge.statement("cudart-soname")).help("resolve the environment again with builds for one CUDA major"),
    );
}
