//! The commands of a shell script, as far as they can be told without running it.
//!
//! Grammar: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>, with bash's `[[ ]]`, `<<<` and
//! `&>`. Words keep their raw text; [`super::words`] gives them their values when the command is looked at.

mod lexer;

use std::collections::VecDeque;

use super::syntax::Heredoc;
use lexer::Token;
use crate::{input::requirements_txt::unfold::Unfolded, text::Span};

/// Blocks inside blocks are followed this far.
const DEPTH_LIMIT: usize = 40;

/// A script taken apart.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) text: Unfolded,
    pub(super) list: List,
    /// Something in it was nested too deeply to be read.
    pub(super) too_deep: bool,
    /// The last word, if a quote in it never ends.
    pub(super) unclosed: Option<Span>,
}

/// Commands, each with what leads to it.
pub(super) type List = Vec<(Link, Node)>;

/// When a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Always,
    /// After `&&`.
    And,
    /// After `||`.
    Or,
}

#[derive(Debug)]
pub(super) enum Node {
    Simple(Simple),
    Pipe(Vec<Node>),
    Not(Box<Node>),
    Group(List),
    If { arms: Vec<(List, List)>, otherwise: List },
    For { name: Span, words: Vec<Span>, body: List },
    Case { subject: Span, arms: Vec<(Vec<Span>, List)> },
    /// `while` and `until`: nobody knows how often.
    Loop(List),
    /// A function that is declared: its name, and its commands between braces.
    Function { name: Span, body: Span },
    /// What is nested too deeply, or no command.
    Nothing,
}

/// One command; its words are raw spans of the script.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) words: Vec<Span>,
    pub(super) redirects: Vec<Redirect>,
    /// The words of an array: `name=(a b)`.
    pub(super) array: Option<Vec<Span>>,
}

#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub(super) operator: &'static str,
    /// The operator and its target.
    pub(super) span: Span,
    pub(super) target: Span,
    /// The number of the word that it is written against, without a blank between.
    pub(super) glued: Option<usize>,
    /// What stands in a heredoc.
    pub(super) heredoc: Option<Heredoc>,
}

/// Takes a script apart. `heredocs` holds those that stand behind a Dockerfile's instruction.
pub(super) fn parse(text: Unfolded, heredocs: VecDeque<Heredoc>) -> Script {
    let tokens = lexer::tokens(&text, heredocs);
    let unclosed = match tokens.last() {
        Some(Token::Word(span)) if lexer::is_unclosed(&text.text[span.start..span.end]) => Some(*span),
        _ => None,
    };
    let mut parser = Parser { text: &text.text, tokens, at: 0, depth: 0, too_deep: false };
    let mut list = Vec::new();
    while parser.at < parser.tokens.len() {
        list.append(&mut parser.list(&[]));
        parser.at += 1; // A bracket or word that closes nothing.
    }
    let too_deep = parser.too_deep;
    Script { text, list, too_deep, unclosed }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    too_deep: bool,
}

impl Parser<'_> {
    /// The word at hand, if it may be a reserved one.
    fn keyword(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some(Token::Word(span)) => Some(&self.text[span.start..span.end]),
            _ => None,
        }
    }

    fn operator(&self) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Operator(it)) => Some(it),
            _ => None,
        }
    }

    fn expect(&mut self, word: &str) -> bool {
        let found = self.keyword() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn blank_lines(&mut self) {
        while matches!(self.tokens.get(self.at), Some(Token::Newline | Token::Operator(";" | "&"))) {
            self.at += 1;
        }
    }

    /// Commands up to one of these words, a closing bracket or the end.
    fn list(&mut self, stops: &[&str]) -> List {
        let mut list = Vec::new();
        let mut link = Link::Always;
        if self.depth >= DEPTH_LIMIT {
            self.too_deep = true;
            self.at = self.tokens.len();
            return list;
        }
        self.depth += 1;
        loop {
            self.blank_lines();
            let stop = self.keyword().is_some_and(|it| stops.contains(&it));
            if stop || self.at >= self.tokens.len() || matches!(self.operator(), Some(")" | ";;")) {
                break;
            }
            if matches!(self.operator(), Some("&&" | "||" | "|" | "|&")) {
                self.at += 1; // Nothing stands before it.
                continue;
            }
            let node = self.pipe();
            list.push((link, node));
            link = match self.operator() {
                Some("&&") => Link::And,
                Some("||") => Link::Or,
                _ => Link::Always,
            };
            self.at += usize::from(link != Link::Always);
        }
        self.depth -= 1;
        list
    }

    fn pipe(&mut self) -> Node {
        let mut nodes = vec![self.command()];
        while matches!(self.operator(), Some("|" | "|&")) {
            self.at += 1;
            while matches!(self.tokens.get(self.at), Some(Token::Newline)) {
                self.at += 1;
            }
            if self.at >= self.tokens.len() || matches!(self.operator(), Some(")" | ";;")) {
                break;
            }
            nodes.push(self.command());
        }
        if nodes.len() == 1 { nodes.remove(0) } else { Node::Pipe(nodes) }
    }

    fn command(&mut self) -> Node {
        let mut negated = false;
        while self.keyword() == Some("!") {
            negated = !negated;
            self.at += 1;
        }
        let node = self.positive();
        if negated { Node::Not(Box::new(node)) } else { node }
    }

    fn positive(&mut self) -> Node {
        if self.operator() == Some("(") {
            self.at += 1;
            let list = self.list(&[]);
            self.at += usize::from(self.operator() == Some(")"));
            self.redirects();
            return Node::Group(list);
        }
        let node = match self.keyword().unwrap_or_default() {
            "{" => {
                self.at += 1;
                let list = self.list(&["}"]);
                self.expect("}");
                Node::Group(list)
            }
            "if" => self.condition(),
            "for" | "select" => self.each(),
            "while" | "until" => {
                self.at += 1;
                let mut list = self.list(&["do"]);
                self.expect("do");
                list.append(&mut self.list(&["done"]));
                self.expect("done");
                Node::Loop(list)
            }
            "case" => self.case(),
            "function" => {
                let name = match self.tokens.get(self.at + 1) {
                    Some(Token::Word(name)) => *name,
                    _ => Span::default(),
                };
                self.at += 2;
                self.at += usize::from(self.operator() == Some("("));
                self.at += usize::from(self.operator() == Some(")"));
                self.declared(name)
            }
            _ => return self.simple(),
        };
        self.redirects();
        node
    }

    /// The words up to the bracket that closes an array.
    fn array(&mut self) -> Vec<Span> {
        let mut words = Vec::new();
        loop {
            match self.tokens.get(self.at) {
                Some(Token::Word(word)) => words.push(*word),
                Some(Token::Newline) => {}
                Some(Token::Operator(")")) => {
                    self.at += 1;
                    return words;
                }
                _ => return words,
            }
            self.at += 1;
        }
    }

    /// What follows a block; it says nothing about what is installed.
    fn redirects(&mut self) {
        while let Some(Token::Redirect { .. }) = self.tokens.get(self.at) {
            self.at += 2;
        }
    }

    /// The body of a function.
    fn declared(&mut self, name: Span) -> Node {
        while matches!(self.tokens.get(self.at), Some(Token::Newline)) {
            self.at += 1;
        }
        if self.depth >= DEPTH_LIMIT {
            self.too_deep = true;
            self.at = self.tokens.len();
            return Node::Nothing;
        }
        self.depth += 1;
        let start = match self.tokens.get(self.at) {
            Some(Token::Word(open)) => Some(open.end),
            _ => None,
        };
        if self.at < self.tokens.len() {
            self.command();
        }
        self.depth -= 1;
        match (start, self.at.checked_sub(1).and_then(|at| self.tokens.get(at))) {
            (Some(start), Some(Token::Word(close))) if start <= close.start => {
                Node::Function { name, body: Span::new(start, close.start) }
            }
            _ => Node::Nothing,
        }
    }

    fn condition(&mut self) -> Node {
        let mut arms = Vec::new();
        let mut otherwise = Vec::new();
        while matches!(self.keyword(), Some("if" | "elif")) {
            self.at += 1;
            let condition = self.list(&["then", "fi"]);
            self.expect("then");
            let body = self.list(&["elif", "else", "fi"]);
            arms.push((condition, body));
        }
        if self.expect("else") {
            otherwise = self.list(&["fi"]);
        }
        self.expect("fi");
        Node::If { arms, otherwise }
    }

    fn each(&mut self) -> Node {
        self.at += 1;
        let Some(Token::Word(name)) = self.tokens.get(self.at) else { return Node::Nothing };
        let name = *name;
        self.at += 1;
        let mut words = Vec::new();
        while matches!(self.tokens.get(self.at), Some(Token::Newline)) {
            self.at += 1;
        }
        if self.expect("in") {
            while let Some(Token::Word(word)) = self.tokens.get(self.at) {
                words.push(*word);
                self.at += 1;
            }
        }
        self.blank_lines();
        self.expect("do");
        let body = self.list(&["done"]);
        self.expect("done");
        Node::For { name, words, body }
    }

    fn case(&mut self) -> Node {
        self.at += 1;
        let Some(Token::Word(subject)) = self.tokens.get(self.at) else { return Node::Nothing };
        let subject = *subject;
        self.at += 1;
        self.blank_lines();
        self.expect("in");
        let mut arms = Vec::new();
        loop {
            self.blank_lines();
            if self.at >= self.tokens.len() || self.expect("esac") {
                break;
            }
            let start = self.at;
            self.at += usize::from(self.operator() == Some("("));
            let mut patterns = Vec::new();
            while let Some(Token::Word(_) | Token::Operator("|")) = self.tokens.get(self.at) {
                if let Token::Word(span) = self.tokens[self.at] {
                    patterns.push(span);
                }
                self.at += 1;
            }
            self.at += usize::from(self.operator() == Some(")"));
            let body = self.list(&["esac"]);
            arms.push((patterns, body));
            self.at += usize::from(self.operator() == Some(";;"));
            if self.at == start {
                break; // Something that is no arm.
            }
        }
        Node::Case { subject, arms }
    }

    fn simple(&mut self) -> Node {
        let mut simple = Simple::default();
        let test = self.keyword() == Some("[[");
        while let Some(token) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Word(span) => {
                    simple.words.push(span);
                    self.at += 1;
                    if test && &self.text[span.start..span.end] == "]]" {
                        break;
                    }
                }
                Token::Redirect { operator, span, glued } => {
                    self.at += 1;
                    let glued = (glued && !simple.words.is_empty()).then(|| simple.words.len() - 1);
                    let mut redirect = Redirect { operator, span, target: Span::new(span.end, span.end), glued, heredoc: None };
                    match self.tokens.get(self.at).cloned() {
                        Some(Token::Word(target)) => {
                            redirect.target = target;
                            redirect.span.end = target.end;
                            self.at += 1;
                        }
                        Some(Token::Heredoc(heredoc)) => {
                            redirect.heredoc = Some(heredoc);
                            self.at += 1;
                        }
                        _ => {}
                    }
                    simple.redirects.push(redirect);
                }
                Token::Operator("(") if simple.words.len() == 1 && !test => {
                    // `name() { ... }`
                    self.at += 1;
                    if self.operator() == Some(")") {
                        self.at += 1;
                        return self.declared(simple.words[0]);
                    }
                    if self.text[simple.words[0].start..simple.words[0].end].ends_with('=') {
                        simple.array = Some(self.array());
                    }
                    break;
                }
                Token::Operator(_) | Token::Newline if test => self.at += 1,
                Token::Heredoc(_) => self.at += 1,
                Token::Operator(_) | Token::Newline => break,
            }
        }
        if simple.words.is_empty() && simple.redirects.is_empty() {
            self.at += 1; // Whatever it is, it is no command.
            return Node::Nothing;
        }
        Node::Simple(simple)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn script(text: &str) -> Script {
        let mut line = Unfolded::default();
        line.copy(text, 0);
        parse(line, VecDeque::new())
    }

    fn list(script: &Script, list: &List, out: &mut String) {
        for (link, node) in list {
            out.push_str(match link {
                Link::Always => "; ",
                Link::And => "& ",
                Link::Or => "| ",
            });
            show(script, node, out);
        }
    }

    fn show(script: &Script, node: &Node, out: &mut String) {
        let raw = |span: &Span| &script.text.text[span.start..span.end];
        match node {
            Node::Simple(simple) => {
                let words: Vec<&str> = simple.words.iter().map(raw).collect();
                let _ = write!(out, "<{}>", words.join(","));
                for it in &simple.redirects {
                    let heredoc = it.heredoc.as_ref().map_or("", |it| &it.body.text);
                    let _ = write!(out, "{}{}{}{heredoc:?}", it.glued.map_or(String::new(), |it| it.to_string()), it.operator, raw(&it.target));
                }
            }
            Node::Pipe(nodes) => {
                for node in nodes {
                    out.push('/');
                    show(script, node, out);
                }
            }
            Node::Not(node) => {
                out.push('!');
                show(script, node, out);
            }
            Node::Group(inner) | Node::Loop(inner) => {
                out.push('(');
                list(script, inner, out);
                out.push(')');
            }
            Node::If { arms, otherwise } => {
                for (condition, body) in arms {
                    out.push_str("if");
                    list(script, condition, out);
                    out.push_str(" then");
                    list(script, body, out);
                }
                out.push_str(" else");
                list(script, otherwise, out);
            }
            Node::For { name, words, body } => {
                let words: Vec<&str> = words.iter().map(raw).collect();
                let _ = write!(out, "for {}:{}", raw(name), words.join(","));
                list(script, body, out);
            }
            Node::Case { subject, arms } => {
                let _ = write!(out, "case {}", raw(subject));
                for (patterns, body) in arms {
                    let patterns: Vec<&str> = patterns.iter().map(raw).collect();
                    let _ = write!(out, " {}:", patterns.join("|"));
                    list(script, body, out);
                }
            }
            Node::Function { .. } | Node::Nothing => out.push('-'),
        }
    }

    #[test]
    fn scripts_are_taken_apart() {
        for (text, expected) in [
            ("a b && c || d; e & f", "; <a,b>& <c>| <d>; <e>; <f>"),
            ("a 'b;c' \"d && e\" f\\;g $(h; i) ${J:-k l} `m n`", "; <a,'b;c',\"d && e\",f\\;g,$(h; i),${J:-k l},`m n`>"),
            ("a | b | c # d\ne", "; /<a>/<b>/<c>; <e>"),
            ("p numpy>=1.2 x > y 2>&1 &>z", "; <p,numpy,x>1>=1.2\"\">y\"\">&1\"\"&>z\"\""),
            ("if a; then b; elif c; then d; else e; fi && f", "; if; <a> then; <b>if; <c> then; <d> else; <e>& <f>"),
            ("for x in a b; do c $x; done; d", "; for x:a,b; <c,$x>; <d>"),
            ("while a; do b; done", "; (; <a>; <b>)"),
            ("case $x in a|b) c ;; *) d;; esac; e", "; case $x a|b:; <c> *:; <d>; <e>"),
            ("(a; b) > x && { c; }; ! d", "; (; <a>; <b>)& (; <c>); !<d>"),
            ("f() { a; }; function g { b; }\nc", "; -; -; <c>"),
            ("[[ a == b && c > d ]] && e", "; <[[,a,==,b,c,]]>>d\"\"& <e>"),
            ("cat <<E > f && b\nx y\nE\nc", "; <cat><<\"x y\\n\">f\"\"& <b>; <c>"),
            ("p -r <(cat a b) -c x", "; <p,-r,<(cat a b),-c,x>"),
            (") fi a }", "; <fi,a,}>"),
            ("a &&\n\n b \\\n c", "; <a>& <b,c>"),
        ] {
            let script = script(text);
            let mut out = String::new();
            list(&script, &script.list, &mut out);
            assert_eq!(out, expected, "{text}");
        }
        assert!(script(&"(".repeat(100)).too_deep);
        assert!(script(&"f() ".repeat(100)).too_deep);
    }

    proptest::proptest! {
        #[test]
        fn no_script_panics(
            text in "(if |then |fi|for |do |done|case |in |esac|while |\\{ |\\}|\\(|\\)|;;|;|&&|\\||<<E|>|\\[\\[ |\\]\\]|[ab$'\"`\\\\\n #!é])*"
        ) {
            let script = script(&text);
            list(&script, &script.list, &mut String::new());
        }
    }
}
