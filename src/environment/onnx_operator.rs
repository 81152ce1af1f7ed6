//! Operators that stand in the way: those that the operator sets of a model do not have, or have no more.

use std::fmt;

use crate::{
    fact::{Model, OperatorUse},
    knowledge::{Knowledge, Provenance, onnx::Operator},
    version::Opset,
};

/// Domains whose operators the table lists completely.
pub(super) const COVERED: [&str; 2] = ["ai.onnx", "ai.onnx.ml"];

/// What is wrong with an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No known release of ONNX has it.
    Nowhere,
    /// It came with a later operator set than the model imports.
    LaterThan(Opset, Opset),
    /// The operator set of that number deprecated it, and ONNX Runtime refuses it.
    Refused(i64),
    /// The operator set of that number deprecated it, and ONNX Runtime still loads it.
    Deprecated(i64),
}

/// An operator with what is wrong with it.
#[derive(Debug, Clone)]
pub struct OperatorTrouble<'m> {
    /// The domain.
    pub domain: &'m str,
    /// The name.
    pub name: &'m str,
    /// How the model uses it.
    pub used: &'m OperatorUse,
    /// The smallest and the largest operator set that it is resolved in.
    pub opsets: (Opset, Opset),
    /// What is wrong.
    pub trouble: Trouble,
    /// Who says so.
    pub provenance: Provenance,
}

impl fmt::Display for OperatorTrouble<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OperatorTrouble { domain, name, .. } = self;
        match self.trouble {
            Trouble::Nowhere => write!(f, "{name} is in no known operator set of {domain}"),
            Trouble::LaterThan(imported, first) => {
                write!(f, "{name} is in {domain} from {first} on, and the model imports {imported}")
            }
            Trouble::Refused(since) => {
                write!(f, "{name} is deprecated in {domain} from {since} on, and ONNX Runtime refuses it")
            }
            Trouble::Deprecated(since) => write!(f, "{name} is deprecated in {domain} from {since} on"),
        }
    }
}

/// The operators of a model with which something is wrong, by domain and name.
pub fn operator_troubles<'m>(knowledge: &Knowledge, model: &'m Model) -> impl Iterator<Item = OperatorTrouble<'m>> {
    let covered = model.operators.iter().filter(|(domain, _)| COVERED.contains(&domain.as_str()));
    let all = covered.flat_map(|(domain, operators)| operators.iter().map(move |(name, used)| (domain, name, used)));
    all.filter_map(move |(domain, name, used)| {
        let imported = model.opsets.get(domain).map(|opset| (*opset, *opset));
        // What is never resolved may be anything. A domain that is not imported counts in the newest version that a release
        // knows, so that only what is in none of them is missing.
        let newest = knowledge.newest_opset(domain).filter(|_| domain != "ai.onnx").map(|newest| (newest, newest));
        let opsets = used.resolved.and_then(|range| if range.0.0 > 0 { Some(range) } else { imported.or(newest) })?;
        // Newer than the table: others speak about that.
        knowledge.newest_opset(domain).filter(|newest| opsets.1 <= *newest)?;
        let (trouble, provenance) = trouble(knowledge, domain, name, opsets)?;
        let by_import = imported.is_some() || used.resolved.is_some_and(|range| range.0.0 > 0);
        (by_import || trouble == Trouble::Nowhere).then_some(())?;
        Some(OperatorTrouble { domain, name, used, opsets, trouble, provenance })
    })
}

fn trouble(
    knowledge: &Knowledge,
    domain: &str,
    name: &str,
    (low, high): (Opset, Opset),
) -> Option<(Trouble, Provenance)> {
    let of_runtime = domain == "ai.onnx" && knowledge.runtime_operator(name, low);
    let Some((row, provenance)) = knowledge.operator(domain, name) else {
        return (!of_runtime).then(|| (Trouble::Nowhere, knowledge.onnx_operator.witness()));
    };
    let first = Opset(row.since.first().copied().unwrap_or(1));
    if low < first && !of_runtime {
        return Some((Trouble::LaterThan(low, first), provenance));
    }
    let since = row.deprecated.filter(|since| is_deprecated(row, high, *since))?;
    let trouble = if row.refused == Some(true) { Trouble::Refused(since) } else { Trouble::Deprecated(since) };
    Some((trouble, provenance))
}

/// A later schema lifts the deprecation (`GroupNormalization` came back with 21).
fn is_deprecated(row: &Operator, opset: Opset, since: i64) -> bool {
    let schema = row.since.iter().copied().filter(|version| *version <= opset.0).max();
    opset.0 >= since && schema.is_none_or(|version| version <= since)
}
