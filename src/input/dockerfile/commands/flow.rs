//! Lists, conditions and loops: which commands of a script run, as far as that can be told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, Runner, TURN_LIMIT, is_name};
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
            if self.left {
                break;
            }
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

    /// Gives a variable a value, and remembers the one before where it may have to come back.
    pub(super) fn set(&mut self, name: String, value: Value) {
        let before = self.variables.insert(name.clone(), value);
        if self.unsure.is_some() {
            self.journal.push((name, before));
        }
    }

    /// Takes back what was set since; the names whose values differ from before.
    fn take_back(&mut self, since: usize) -> BTreeSet<String> {
        let mut names = BTreeMap::new();
        for (name, before) in self.journal.drain(since.min(self.journal.len())..).rev() {
            // The oldest entry holds the value that there was.
            names.insert(name, before);
        }
        let mut changed = BTreeSet::new();
        for (name, before) in names {
            if self.variables.get(&name) != before.as_ref() {
                changed.insert(name.clone());
            }
            match before {
                Some(before) => drop(self.variables.insert(name, before)),
                None => drop(self.variables.remove(&name)),
            }
        }
        changed
    }

    /// Follows what may not run. What it gives a value may have another one afterwards.
    fn doubting<T>(&mut self, reason: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.unsure.clone();
        let since = self.journal.len();
        self.unsure.get_or_insert_with(|| reason.to_owned());
        let out = work(self);
        let changed = self.take_back(since);
        self.unsure = before;
        for name in changed {
            self.set(name, Value::Unknown);
        }
        out
    }

    /// Follows ways of which one is taken: none of them sees what another one does. A way on which the build fails is not
    /// taken in an image that exists.
    fn alternatives<'n>(&mut self, script: &Script, reason: &str, ways: impl Iterator<Item = &'n List>) {
        let ways: Vec<&List> = ways.filter(|way| !gives_up(script, way)).collect();
        if let [only] = ways.as_slice() {
            self.list(script, only);
            return;
        }
        let before = self.unsure.clone();
        self.unsure.get_or_insert_with(|| reason.to_owned());
        let mut changed = BTreeSet::new();
        for way in ways {
            let since = self.journal.len();
            self.list(script, way);
            changed.append(&mut self.take_back(since));
        }
        self.unsure = before;
        for name in changed {
            self.set(name, Value::Unknown);
        }
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
                        Node::Simple(simple) => {
                            let piped = at > 0 && !nodes[..at].iter().any(|it| fetches_tool(script, it));
                            self.simple(script, simple, piped)
                        }
                        node => self.node(script, node),
                    };
                }
                status
            }
            Node::Not(node) => self.node(script, node).filter(|_| is_test(script, node)).map(|it| !it),
            Node::Group(list) => {
                let status = self.list(script, list);
                self.left = false; // A shell of its own has ended.
                status
            }
            Node::If { arms, otherwise } => self.condition(script, arms, otherwise),
            Node::For { name, words, body } => self.each(script, *name, words, body),
            Node::Case { subject, arms } => self.case(script, *subject, arms),
            Node::Loop(list) => {
                self.doubting("it stands in a loop", |it| it.list(script, list));
                Some(true)
            }
            Node::Function { name, body } => {
                let name = script.text.text[name.start..name.end].to_owned();
                self.functions.insert(name, (self.scene.said, script.text.slice(body.start, body.end)));
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
                    let ways = arms[at..].iter().map(|(_, body)| body).chain([otherwise]);
                    self.alternatives(script, &reason, ways);
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
                    return format!("its condition cannot be told: {}", self.why_unknown(shown));
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
            self.set(name, Value::Unknown);
            return self.list(script, body);
        }
        for word in &words {
            self.set(name.clone(), Value::Known(word.text().to_owned()));
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
                |shown| format!("its condition cannot be told: {}", self.why_unknown(shown)),
            );
            let raw = |span: &Span| &script.text.text[span.start..span.end];
            let all = arms.iter().any(|(patterns, _)| patterns.iter().any(|it| raw(it) == "*"));
            let none = List::new();
            let ways = arms.iter().map(|(_, body)| body).chain((!all).then_some(&none));
            self.alternatives(script, &reason, ways);
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

/// Whether the build fails at the end of a list, whatever comes before.
fn gives_up(script: &Script, list: &List) -> bool {
    let raw = |span: &Span| &script.text.text[span.start..span.end];
    let fails = |node: &Node| match node {
        Node::Simple(simple) => match simple.words.iter().map(raw).collect::<Vec<_>>().as_slice() {
            ["exit" | "return", code] => *code != "0",
            ["false"] => true,
            _ => false,
        },
        _ => false,
    };
    let says = |node: &Node| matches!(node, Node::Simple(simple) if simple.words.first().map(raw).is_some_and(|it| matches!(it, "echo" | "printf")));
    let Some(((link, node), before)) = list.split_last() else { return false };
    // What stands before `&&` may fail, unless it only says something.
    let reached = match link {
        Link::Always => true,
        Link::And => before.iter().all(|(_, node)| says(node)),
        Link::Or => false,
    };
    reached && fails(node)
}

/// Scripts that install a tool and no package of the environment.
const TOOLS: [&str; 9] = [
    "/get-pip.py", "install.python-poetry.org", "/install-poetry.py", "astral.sh/uv", "rustup", "/nvm-sh/nvm/", "nodesource.com/", "pixi.sh/install",
    "get.docker.com",
];

/// Whether a command downloads such a script.
fn fetches_tool(script: &Script, node: &Node) -> bool {
    let Node::Simple(simple) = node else { return false };
    let raw = |span: &Span| &script.text.text[span.start..span.end];
    let fetches = simple.words.first().map(raw).is_some_and(|it| it.ends_with("curl") || it.ends_with("wget"));
    fetches && simple.words.iter().map(raw).any(|word| TOOLS.iter().any(|it| word.contains(it)))
}

/// Whether a command only answers a question, so that what stands behind `||` is no rescue.
fn is_test(script: &Script, node: &Node) -> bool {
    let simple = match node {
        Node::Simple(simple) => simple,
        Node::Not(node) => return is_test(script, node),
        _ => return false,
    };
    let raw = |span: &Span| &script.text.text[span.start..span.end];
    // What only gives values cannot fail.
    let gives = |text: &str| text.split_once('=').is_some_and(|(name, value)| is_name(name) && !value.contains("$(") && !value.contains('`'));
    if !simple.words.is_empty() && simple.words.iter().map(raw).all(gives) {
        return true;
    }
    let first = simple.words.first().map_or("", raw);
    matches!(first, "[" | "[[" | "test" | "true" | "false" | ":")
}

