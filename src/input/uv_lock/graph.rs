//! Under which condition each node of a dependency graph is reached, as a disjunction over the ways that lead there.
//!
//! A way holds if all markers on it hold. Ways are only kept while they are few and short; a node with more of them is
//! [`Condition::Unclear`]. The work is bounded: what a hostile graph leaves undone is unclear, too.

use std::collections::{BTreeSet, VecDeque};

/// Ways that are kept for one node.
const WAYS: usize = 8;

/// Different markers on one way.
const MARKERS: usize = 6;

/// Edges that are followed for one edge of the graph, on average.
const ROUNDS: usize = 16;

/// An edge to another node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge<'m> {
    pub(super) to: usize,
    pub(super) marker: Option<&'m str>,
}

/// When a node is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Condition<'m> {
    /// No way leads there.
    #[default]
    Never,
    /// If all markers of one of these sets hold.
    When(BTreeSet<BTreeSet<&'m str>>),
    /// Under conditions that are too many to keep.
    Unclear,
    /// In any case.
    Always,
}

impl<'m> Condition<'m> {
    /// What follows for the end of an edge.
    fn through(&self, marker: Option<&'m str>) -> Condition<'m> {
        let Some(marker) = marker else { return self.clone() };
        match self {
            Condition::Always => Condition::When(BTreeSet::from([BTreeSet::from([marker])])),
            Condition::When(ways) => {
                let longer = |way: &BTreeSet<&'m str>| {
                    let mut way = way.clone();
                    way.insert(marker);
                    way
                };
                let ways: BTreeSet<BTreeSet<&str>> = ways.iter().map(longer).collect();
                if ways.iter().any(|way| way.len() > MARKERS) { Condition::Unclear } else { Condition::When(ways) }
            }
            other => other.clone(),
        }
    }

    /// Either of two.
    fn or(self, other: Condition<'m>) -> Condition<'m> {
        match (self, other) {
            (Condition::Always, _) | (_, Condition::Always) => Condition::Always,
            (Condition::Never, it) | (it, Condition::Never) => it,
            (Condition::Unclear, _) | (_, Condition::Unclear) => Condition::Unclear,
            (Condition::When(mut ways), Condition::When(more)) => {
                for way in more {
                    if !ways.iter().any(|known| known.is_subset(&way)) {
                        ways.retain(|known| !way.is_subset(known));
                        ways.insert(way);
                    }
                }
                if ways.len() > WAYS { Condition::Unclear } else { Condition::When(ways) }
            }
        }
    }
}

/// The condition of every node, where `edges[node]` lead on and the roots are always there.
pub(super) fn conditions<'m>(edges: &[Vec<Edge<'m>>], roots: &[Edge<'m>]) -> Vec<Condition<'m>> {
    let mut found = vec![Condition::Never; edges.len()];
    let (mut open, mut waiting) = (VecDeque::new(), vec![false; edges.len()]);
    let mut left = ROUNDS * (edges.iter().map(Vec::len).sum::<usize>() + roots.len() + 1);
    let starts = roots.iter().map(|root| (root.to, Condition::Always.through(root.marker)));
    let mut arrived: Vec<(usize, Condition<'m>)> = starts.collect();
    loop {
        for (to, by) in arrived {
            let then = found[to].clone().or(by);
            let changed = then != found[to];
            if changed && !std::mem::replace(&mut waiting[to], true) {
                // What is always there goes first: it spares the work of keeping ways.
                if then == Condition::Always { open.push_front(to) } else { open.push_back(to) }
            }
            found[to] = then;
        }
        let Some(node) = open.pop_front() else { break };
        waiting[node] = false;
        if left < edges[node].len() {
            return unclear(edges, roots);
        }
        left -= edges[node].len();
        arrived = edges[node].iter().map(|edge| (edge.to, found[node].through(edge.marker))).collect();
    }
    found
}

/// What is reached at all, when nothing better can be said.
fn unclear<'m>(edges: &[Vec<Edge<'m>>], roots: &[Edge<'m>]) -> Vec<Condition<'m>> {
    let mut found = vec![Condition::Never; edges.len()];
    for (condition, plain) in [(Condition::Always, true), (Condition::Unclear, false)] {
        let goes = |edge: &&Edge<'m>| !plain || edge.marker.is_none();
        let mut open: Vec<usize> = roots.iter().filter(goes).map(|edge| edge.to).collect();
        let mut seen = vec![false; edges.len()];
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            if found[node] == Condition::Never {
                found[node] = condition.clone();
            }
            open.extend(edges[node].iter().filter(goes).map(|edge| edge.to));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(to: usize, marker: Option<&str>) -> Edge<'_> {
        Edge { to, marker }
    }

    fn shown(condition: &Condition<'_>) -> String {
        match condition {
            Condition::Never => "never".into(),
            Condition::Always => "always".into(),
            Condition::Unclear => "unclear".into(),
            Condition::When(ways) => {
                let way = |way: &BTreeSet<&str>| way.iter().copied().collect::<Vec<_>>().join("&");
                ways.iter().map(way).collect::<Vec<_>>().join("|")
            }
        }
    }

    #[test]
    fn conditions_gather_along_all_ways() {
        // 0 -a-> 1 -b-> 2, 0 -c-> 2, 2 -> 3 -> 2 (a cycle), 0 -> 4, 1 -> 4, 5 is left alone.
        let edges = [
            vec![edge(1, Some("a")), edge(2, Some("c")), edge(4, None)],
            vec![edge(2, Some("b")), edge(4, None)],
            vec![edge(3, None)],
            vec![edge(2, Some("d"))],
            vec![],
            vec![edge(0, None)],
        ];
        let found: Vec<String> = conditions(&edges, &[edge(0, None)]).iter().map(shown).collect();
        assert_eq!(found, ["always", "a", "a&b|c", "a&b|c", "always", "never"]);
    }

    #[test]
    fn many_ways_are_unclear_and_a_plain_one_decides() {
        let names: Vec<String> = (0..9).map(|it| format!("m{it}")).collect();
        let mut edges = vec![Vec::new(), Vec::new(), Vec::new()];
        edges[0].extend(names.iter().map(|name| edge(1, Some(name))));
        edges[1].push(edge(2, None));
        let shown_all = |edges: &[Vec<Edge<'_>>]| -> Vec<String> {
            conditions(edges, &[edge(0, None)]).iter().map(shown).collect()
        };
        assert_eq!(shown_all(&edges), ["always", "unclear", "unclear"]);
        edges[0].push(edge(2, None));
        assert_eq!(shown_all(&edges), ["always", "unclear", "always"]);
    }

    #[test]
    fn a_dense_graph_ends() {
        let names: Vec<String> = (0..60).map(|it| format!("m{it}")).collect();
        let edges: Vec<Vec<Edge<'_>>> =
            (0..60).map(|from| (0..60).map(|to| edge(to, Some(&names[(from * 7 + to) % 60]))).collect()).collect();
        let found = conditions(&edges, &[edge(0, Some("r"))]);
        assert!(found.iter().all(|it| *it != Condition::Never && *it != Condition::Always));
    }
}
