//! The text of a script to words, operators and redirections.

use std::collections::VecDeque;

use crate::{
    input::{
        dockerfile::{syntax::Heredoc, words::closing},
        requirements_txt::unfold::Unfolded,
    },
    text::Span,
};

#[derive(Debug, Clone)]
pub(super) enum Token {
    Word(Span),
    Newline,
    Operator(&'static str),
    Redirect { operator: &'static str, span: Span, glued: bool },
    Heredoc(Heredoc),
}

/// Longer ones first.
const OPERATORS: [&str; 9] = ["&&", "||", ";;", "|&", ";", "|", "&", "(", ")"];
const REDIRECTS: [&str; 12] = ["<<<", "<<-", "&>>", "<<", ">>", "&>", ">&", "<&", ">|", "<>", "<", ">"];

/// Takes a text apart. `heredocs` holds those that stand behind it.
pub(super) fn tokens(text: &Unfolded, heredocs: VecDeque<Heredoc>) -> Vec<Token> {
    Lexer { text: &text.text, source: text, at: 0, heredocs, tokens: Vec::new(), pending: Vec::new() }.run()
}

struct Pending {
    /// Where its token is.
    token: usize,
    /// Its end.
    name: String,
    /// Whether tabs are taken away.
    strip: bool,
    literal: bool,
}

struct Lexer<'a> {
    text: &'a str,
    source: &'a Unfolded,
    at: usize,
    heredocs: VecDeque<Heredoc>,
    tokens: Vec<Token>,
    /// Heredocs whose lines are still to come.
    pending: Vec<Pending>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn run(mut self) -> Vec<Token> {
        let mut glued = false;
        while let Some(character) = self.rest().chars().next() {
            if self.rest().starts_with("\\\n") {
                self.at += 2;
            } else if character == '\n' {
                self.at += 1;
                self.tokens.push(Token::Newline);
                self.bodies();
                glued = false;
            } else if character.is_whitespace() {
                self.at += character.len_utf8();
                glued = false;
            } else if character == '#' && !glued {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if !glued && self.rest().starts_with("<(") {
                // What a command prints, under the name of a file.
                let start = self.at;
                self.at = closing(self.text, start + 1, '(', ')');
                self.tokens.push(Token::Word(Span::new(start, self.at)));
                glued = true;
            } else if let Some((digits, operator)) = self.redirect(glued) {
                let start = self.at;
                self.at += digits + operator.len();
                let span = Span::new(start, self.at);
                self.tokens.push(Token::Redirect { operator, span, glued });
                if operator.starts_with("<<") && operator != "<<<" {
                    self.heredoc(operator == "<<-");
                }
                glued = false;
            } else if let Some(operator) = OPERATORS.iter().find(|it| self.rest().starts_with(**it)) {
                self.at += operator.len();
                self.tokens.push(Token::Operator(operator));
                glued = false;
            } else {
                let start = self.at;
                self.at = word_end(self.text, start);
                self.tokens.push(Token::Word(Span::new(start, self.at)));
                glued = true;
            }
        }
        // What the Dockerfile holds behind the instruction belongs to the heredocs that the script leaves open.
        for Pending { token, .. } in std::mem::take(&mut self.pending) {
            if let Some(heredoc) = self.heredocs.pop_front() {
                self.tokens[token] = Token::Heredoc(heredoc);
            }
        }
        self.tokens
    }

    fn redirect(&self, glued: bool) -> Option<(usize, &'static str)> {
        let rest = self.rest();
        let digits = if glued { 0 } else { rest.bytes().take_while(u8::is_ascii_digit).count() };
        REDIRECTS.iter().find(|it| rest[digits..].starts_with(**it)).map(|it| (digits, *it))
    }

    /// The name behind `<<`.
    fn heredoc(&mut self, strip: bool) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        let end = word_end(self.text, self.at);
        let name = self.text[self.at..end].replace(['"', '\'', '\\'], "");
        let literal = name.len() < end - self.at;
        self.at = end;
        self.pending.push(Pending { token: self.tokens.len(), name, strip, literal });
        self.tokens.push(Token::Heredoc(Heredoc::default()));
    }

    /// The lines of the heredocs that the last line began.
    fn bodies(&mut self) {
        for Pending { token, name, strip, literal } in std::mem::take(&mut self.pending) {
            let mut found = Heredoc { literal, ..Heredoc::default() };
            while self.at < self.text.len() {
                let rest = self.rest();
                let length = rest.find('\n').unwrap_or(rest.len());
                let line = if strip { rest[..length].trim_start_matches('\t') } else { &rest[..length] };
                let (start, end) = (self.at + length - line.len(), self.at + length);
                found.closed = line == name;
                self.at = (end + 1).min(self.text.len());
                if found.closed {
                    break;
                }
                found.body.append(self.source.slice(start, self.at));
            }
            self.tokens[token] = Token::Heredoc(found);
        }
    }
}

/// Where the word that begins at `start` ends.
fn word_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        match character {
            '\\' => at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            '\'' => at += rest[1..].find('\'').map_or(rest.len(), |it| it + 2),
            '"' => at = quoted_end(text, at),
            '`' => at += rest[1..].find('`').map_or(rest.len(), |it| it + 2),
            '$' if rest[1..].starts_with('(') => at = closing(text, at + 1, '(', ')'),
            '$' if rest[1..].starts_with('{') => at = closing(text, at + 1, '{', '}'),
            _ if character.is_whitespace() || "&|;()<>".contains(character) => break,
            _ => at += character.len_utf8(),
        }
    }
    // A closing bracket at the very start would otherwise be read for ever.
    if at == start { start + text[start..].chars().next().map_or(0, char::len_utf8) } else { at }
}

/// Whether a quote in a word never ends.
pub(super) fn is_unclosed(word: &str) -> bool {
    let mut at = 0;
    while let Some(character) = word[at..].chars().next() {
        match character {
            '\\' => at += 1 + word[at + 1..].chars().next().map_or(0, char::len_utf8),
            '\'' => match word[at + 1..].find('\'') {
                Some(length) => at += length + 2,
                None => return true,
            },
            '"' => {
                let end = quoted_end(word, at);
                if end == word.len() && (end == at + 1 || !word.ends_with('"')) {
                    return true;
                }
                at = end;
            }
            _ => at += character.len_utf8(),
        }
    }
    false
}

fn quoted_end(text: &str, open: usize) -> usize {
    let mut at = open + 1;
    while let Some(character) = text[at..].chars().next() {
        match character {
            '"' => return at + 1,
            '\\' => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
            '$' if text[at + 1..].starts_with('(') => at = closing(text, at + 1, '(', ')'),
            _ => at += character.len_utf8(),
        }
    }
    at
}
