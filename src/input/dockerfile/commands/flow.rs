//! Lists, conditions and loops: which commands of a script run, as far as that can be told.

use std::collections::BTreeMap;

use super::{Call, Runner, TURN_LIMIT};
use crate::{
    input::dockerfile::{
        shell::{Link, List, Node, Script},
        state::resolve,
        words::{Value, Word, matches},
    },
    text::Span,
};

impl Runner<'_, '_, '_> {
    /// Follows commands; whether the last one succeeds, if that can be told.
    pub(super) fn list(&mut self, script: &Script, list: &List) -> Option<bool> {
        let mut status = Some(true);
        let mut previous: Option<&Node> = None;
        for (link, node) in list {
            let wanted = match link {
                Link::Always => None,
                Link::And => Some(true),
                Link::Or => Some(false),
            };
            status = match (wanted, status) {
                (Some(wanted), Some(found)) if wanted != found => {
                    let alternative = !wanted && !previous.is_some_and(|it| is_test(script, it));
                    if alternative {
                        self.doubting("it only runs if the command before it fails", |it| it.node(script, node));
                    }
                    status
                }
                (Some(_), None) => {
                    let reason = self.why_undecided(script, previous.into_iter());
                    self.doubting(&reason, |it| it.node(script, node));
                    None
                }
                _ => self.node(script, node),
            };
            previous = Some(node);
        }
        status
    }

    fn doubting<T>(&mut self, reason: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.unsure.clone();
        self.unsure.get_or_insert_with(|| reason.to_owned());
        let out = work(self);
        self.unsure = before;
        out
    }

    fn node(&mut self, script: &Script, node: &Node) -> Option<bool> {
        if self.fuel == 0 {
            return None;
        }
        self.fuel -= 1;
        match node {
            Node::Simple(simple) => self.simple(script, simple, false),
            Node::Pipe(nodes) => {
                let mut status = None;
                for (at, node) in nodes.iter().enumerate() {
                    status = match node {
                        Node::Simple(simple) => self.simple(script, simple, at > 0),
                        node => self.node(script, node),
                    };
                }
                status
            }
            Node::Not(node) => self.node(script, node).filter(|_| is_test(script, node)).map(|it| !it),
            Node::Group(list) => self.list(script, list),
            Node::If { arms, otherwise } => self.condition(script, arms, otherwise),
            Node::For { name, words, body } => self.each(script, *name, words, body),
            Node::Case { subject, arms } => self.case(script, *subject, arms),
            Node::Loop(list) => {
                self.doubting("it stands in a loop", |it| it.list(script, list));
                Some(true)
            }
            Node::Nothing => Some(true),
        }
    }

    fn condition(&mut self, script: &Script, arms: &[(List, List)], otherwise: &List) -> Option<bool> {
        for (at, (condition, body)) in arms.iter().enumerate() {
            // Whether another command than a test succeeds is only known while the image is built.
            let answers = condition.last().is_some_and(|(_, node)| is_test(script, node));
            match self.list(script, condition).filter(|_| answers) {
                Some(true) => return self.list(script, body),
                Some(false) => {}
                None => {
                    let reason = self.why_undecided(script, condition.iter().map(|(_, node)| node));
                    self.doubting(&reason, |it| {
                        for (_, body) in &arms[at..] {
                            it.list(script, body);
                        }
                        it.list(script, otherwise);
                    });
                    return Some(true);
                }
            }
        }
        self.list(script, otherwise)
    }

    /// Why a condition cannot be told.
    fn why_undecided<'n>(&self, script: &Script, condition: impl Iterator<Item = &'n Node>) -> String {
        for node in condition {
            let Node::Simple(simple) = node else { continue };
            for word in simple.words.iter().flat_map(|span| self.expand(script, *span, &BTreeMap::new())) {
                if let Some(shown) = word.first_unknown() {
                    return format!("its condition cannot be told: {}", self.scene.why_unknown(shown));
                }
            }
        }
        "it depends on a condition that is only known while the image is built".to_owned()
    }

    fn each(&mut self, script: &Script, name: Span, words: &[Span], body: &List) -> Option<bool> {
        let name = script.text.text[name.start..name.end].to_owned();
        let words: Vec<Word> = words.iter().flat_map(|span| self.expand(script, *span, &BTreeMap::new())).collect();
        let known = words.iter().all(|it| it.known().is_some_and(|text| !text.contains(['*', '?'])));
        if !known || words.is_empty() || words.len() > TURN_LIMIT {
            self.variables.insert(name, Value::Unknown);
            return self.list(script, body);
        }
        for word in &words {
            self.variables.insert(name.clone(), Value::Known(word.text().to_owned()));
            self.list(script, body);
        }
        Some(true)
    }

    fn case(&mut self, script: &Script, subject: Span, arms: &[(Vec<Span>, List)]) -> Option<bool> {
        let words = self.expand(script, subject, &BTreeMap::new());
        let known = words.first().and_then(Word::known).map(str::to_owned);
        let Some(text) = known else {
            let reason = words.first().and_then(Word::first_unknown).map_or_else(
                || "it depends on a condition that is only known while the image is built".to_owned(),
                |shown| format!("its condition cannot be told: {}", self.scene.why_unknown(shown)),
            );
            self.doubting(&reason, |it| {
                for (_, body) in arms {
                    it.list(script, body);
                }
            });
            return Some(true);
        };
        for (patterns, body) in arms {
            let fits = |span: &Span| {
                let words = self.expand(script, *span, &BTreeMap::new());
                words.first().and_then(Word::known).is_some_and(|it| matches(it, &text))
            };
            if patterns.iter().any(fits) {
                return self.list(script, body);
            }
        }
        Some(true)
    }

    /// `[ ... ]`, as far as its words are known.
    pub(super) fn test(&self, call: &Call) -> Option<bool> {
        let mut words: Vec<&Word> = call.words.iter().collect();
        if words.last().is_some_and(|it| matches!(it.text(), "]" | "]]")) {
            words.pop();
        }
        let mut negated = false;
        while words.first().is_some_and(|it| it.text() == "!") {
            words.remove(0);
            negated = !negated;
        }
        let outcome = match words.as_slice() {
            [option, path] if matches!(option.text(), "-f" | "-e" | "-s" | "-r") => {
                let path = resolve(&self.folder, path.known()?);
                let source = self.scene.source(&path);
                let there = source.file.is_some_and(|it| it.is_ok()) || source.written.iter().any(|it| !it.pieces.is_empty());
                there.then_some(true)
            }
            [option, word] if option.text() == "-z" => Some(word.known()?.is_empty()),
            [option, word] if option.text() == "-n" => Some(!word.known()?.is_empty()),
            [word] => Some(!word.known()?.is_empty()),
            [left, operator, right] => {
                let (left, right) = (left.known()?, right.known()?);
                let same = if call.program == "[[" { matches(right, left) } else { left == right };
                let numbers = left.parse::<i64>().ok().zip(right.parse::<i64>().ok());
                match operator.text() {
                    "=" | "==" => Some(same),
                    "!=" => Some(!same),
                    "-eq" => numbers.map(|(a, b)| a == b),
                    "-ne" => numbers.map(|(a, b)| a != b),
                    "-lt" => numbers.map(|(a, b)| a < b),
                    "-le" => numbers.map(|(a, b)| a <= b),
                    "-gt" => numbers.map(|(a, b)| a > b),
                    "-ge" => numbers.map(|(a, b)| a >= b),
                    _ => None,
                }
            }
            _ => None,
        };
        outcome.map(|it| it != negated)
    }
}

/// Whether a command only answers a question, so that what stands behind `||` is no rescue.
fn is_test(script: &Script, node: &Node) -> bool {
    let simple = match node {
        Node::Simple(simple) => simple,
        Node::Not(node) => return is_test(script, node),
        _ => return false,
    };
    let first = simple.words.first().map_or("", |span| &script.text.text[span.start..span.end]);
    matches!(first, "[" | "[[" | "test" | "true" | "false" | ":")
}

