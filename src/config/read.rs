//! Reads `envcheck.toml`: every key or its fault.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Config, Date, DeclaredEnvironment, DeclaredModel, FailOn, Ignore, Level, NamedPath, Role, RuleLevel};
use crate::{
    fact::{FactKind, PackageName},
    finding::Severity,
    input::{ENVIRONMENT_KEYS, MODEL_KEYS, Skipped, declared_environment, declared_model},
    rules,
    text::{FileId, Place, Span, nearest},
};

type Item<'i> = Spanned<DeValue<'i>>;
type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// The tables of the file.
const TABLES: [&str; 5] = ["environment", "model", "rules", "ignore", "knowledge"];

/// The keys of `[[ignore]]`.
const IGNORE_KEYS: [&str; 6] = ["rule", "package", "environment", "path", "reason", "expires"];

/// Reads the text of a file.
///
/// # Errors
///
/// Everything that is wrong with it, in its order.
pub fn read(file: FileId, text: &str) -> Result<Config, Vec<Skipped>> {
    let (root, broken) = DeTable::parse_recoverable(text);
    finished(file, root.get_ref(), broken)
}

/// Reads `[tool.envcheck]` of a `pyproject.toml`; `None` without that table.
///
/// # Errors
///
/// Everything that is wrong with the table, in its order.
#[must_use]
pub fn read_pyproject(file: FileId, text: &str) -> Option<Result<Config, Vec<Skipped>>> {
    let (root, broken) = DeTable::parse_recoverable(text);
    let table = root.get_ref().get("tool")?.get_ref().as_table()?.get("envcheck")?;
    let Some(table) = table.get_ref().as_table() else {
        let place = Place { file, span: Span::from(table.span()) };
        return Some(Err(vec![Skipped { place, reason: "expected a table [tool.envcheck]".to_owned() }]));
    };
    Some(finished(file, table, broken))
}

fn finished(file: FileId, root: &DeTable<'_>, broken: Vec<toml::de::Error>) -> Result<Config, Vec<Skipped>> {
    let config = Config {
        file,
        environments: Vec::new(),
        models: Vec::new(),
        knowledge: Vec::new(),
        levels: Vec::new(),
        fail_on: None,
        ignores: Vec::new(),
    };
    let mut reader = Reader { file, config, faults: Vec::new(), named: Vec::new() };
    for fault in broken {
        let message = fault.message().lines().collect::<Vec<_>>().join("; ");
        reader.fault(fault.span().unwrap_or_default(), format!("broken TOML: {message}"));
    }
    if reader.faults.is_empty() {
        reader.root(root);
    }
    let Reader { mut config, mut faults, .. } = reader;
    config.environments.sort_by(|a, b| a.name.cmp(&b.name));
    faults.sort_by_key(|fault| fault.place.span);
    if faults.is_empty() { Ok(config) } else { Err(faults) }
}

struct Reader {
    file: FileId,
    config: Config,
    faults: Vec<Skipped>,
    /// Environments that models name, and where.
    named: Vec<(String, Place)>,
}

impl Reader {
    fn place(&self, span: std::ops::Range<usize>) -> Place {
        Place { file: self.file, span: Span::from(span) }
    }

    fn fault(&mut self, span: std::ops::Range<usize>, reason: impl Into<String>) {
        let place = self.place(span);
        self.faults.push(Skipped { place, reason: reason.into() });
    }

    fn unknown(&mut self, key: &Key<'_>, known: &[&str]) {
        let name = key.get_ref();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}", known.join(", ")),
        };
        self.fault(key.span(), format!("unknown key `{name}`; {hint}"));
    }

    fn wrong(&mut self, value: &Item<'_>, expected: &str) {
        self.fault(value.span(), format!("expected {expected}, found {}", value.get_ref().type_str()));
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "environment" => self.environments(value),
                "model" => self.models(value),
                "knowledge" => self.knowledge(value),
                "rules" => self.rules(value),
                "ignore" => self.ignores(value),
                _ => self.unknown(key, &TABLES),
            }
        }
        self.names();
    }

    fn environments(&mut self, value: &Item<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(value, "tables such as [environment.serve]");
        };
        for (name, value) in table {
            match value.get_ref().as_table() {
                Some(table) => self.environment(name, table),
                None => self.wrong(value, &format!("a table [environment.{}]", name.get_ref())),
            }
        }
    }

    fn environment(&mut self, name: &Key<'_>, table: &DeTable<'_>) {
        let known: Vec<&str> = ["role", "inputs"].into_iter().chain(ENVIRONMENT_KEYS).collect();
        let mut role = None;
        let mut inputs = Vec::new();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "role" => {
                    role = match value.get_ref().as_str() {
                        Some("training") => Some(Role::Training),
                        Some("serving") => Some(Role::Serving),
                        _ => {
                            self.fault(value.span(), "expected \"training\" or \"serving\"");
                            None
                        }
                    };
                }
                "inputs" => inputs = self.paths(value),
                name if known.contains(&name) => {}
                _ => self.unknown(key, &known),
            }
        }
        let plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
        if name.get_ref().is_empty() || !name.get_ref().chars().all(plain) {
            self.fault(
                name.span(),
                format!("expected a name of letters, digits, `-`, `_` and `.`, found `{}`", name.get_ref()),
            );
        }
        let reading = declared_environment(self.file, table);
        self.faults.extend(reading.skipped);
        let facts = reading.facts;
        self.config.environments.push(DeclaredEnvironment { name: name.get_ref().to_string(), role, inputs, facts });
    }

    fn models(&mut self, value: &Item<'_>) {
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong(value, "tables such as [[model]]");
        };
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => self.model(item, table),
                None => self.wrong(item, "a table"),
            }
        }
    }

    fn model(&mut self, item: &Item<'_>, table: &DeTable<'_>) {
        let known: Vec<&str> = MODEL_KEYS.into_iter().chain(["trained-in", "served-in"]).collect();
        let (mut trained_in, mut served_in, mut described) = (None, Vec::new(), false);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "path" => {}
                "trained-in" => trained_in = self.text(value, "the name of an environment in quotes"),
                "served-in" => served_in = self.texts(value, "names of environments such as [\"serve\"]"),
                name if known.contains(&name) => described = true,
                _ => self.unknown(key, &known),
            }
        }
        let path = table.get("path").and_then(|value| self.path(value));
        if path.is_none() && !described {
            self.fault(item.span(), "expected a model with a `path`, or with keys such as `format` and `producer`");
        }
        let reading = declared_model(self.file, table, item.span().into());
        self.faults.extend(reading.skipped);
        let fact = reading.facts.into_iter().find(|fact| matches!(fact.kind, FactKind::Model(_)));
        if let Some(fact) = fact {
            self.config.models.push(DeclaredModel { path, trained_in, served_in, fact, described });
        }
        for key in ["trained-in", "served-in"] {
            let items = table
                .get(key)
                .map(|value| value.get_ref().as_array().map_or_else(|| vec![value], |all| all.iter().collect()));
            for item in items.into_iter().flatten() {
                if let Some(name) = item.get_ref().as_str() {
                    self.named.push((name.to_owned(), self.place(item.span())));
                }
            }
        }
    }

    /// Every environment that a model names must exist.
    fn names(&mut self) {
        let known: Vec<&str> = self.config.environments.iter().map(|it| it.name.as_str()).collect();
        for (name, place) in self.named.drain(..).filter(|(name, _)| !known.contains(&name.as_str())) {
            let near = nearest(&name, known.iter().copied());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            self.faults.push(Skipped { place, reason: format!("no environment is called `{name}`{hint}") });
        }
    }

    fn knowledge(&mut self, value: &Item<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(value, "a table [knowledge]");
        };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "extra" => self.config.knowledge = self.paths(value),
                _ => self.unknown(key, &["extra"]),
            }
        }
    }

    fn rules(&mut self, value: &Item<'_>) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(value, "a table [rules]");
        };
        for (key, value) in table {
            if key.get_ref() == "fail-on" {
                let word = value.get_ref().as_str();
                match FailOn::WORDS.iter().find(|(known, _)| Some(*known) == word) {
                    Some((_, fail_on)) => self.config.fail_on = Some((*fail_on, self.place(value.span()))),
                    None => self.fault(value.span(), "expected \"error\", \"warning\", \"info\" or \"never\""),
                }
                continue;
            }
            let Some(code) = self.rule(key.get_ref(), key.span()) else { continue };
            let level = match value.get_ref().as_str() {
                Some("off") => Level::Off,
                Some("info") => Level::Severity(Severity::Info),
                Some("warning") => Level::Severity(Severity::Warning),
                Some("error") => Level::Severity(Severity::Error),
                _ => {
                    self.fault(value.span(), "expected \"off\", \"info\", \"warning\" or \"error\"");
                    continue;
                }
            };
            if self.config.levels.iter().any(|it| it.code == code) {
                self.fault(key.span(), format!("the level of {code} is set twice, by code and by name"));
            }
            let place = self.place(key.span());
            self.config.levels.push(RuleLevel { code, level, place });
        }
    }

    /// The code of the rule that is called so.
    fn rule(&mut self, name: &str, span: std::ops::Range<usize>) -> Option<&'static str> {
        // In a file, which editors check and people search, a rule has one spelling of its code and one of its name.
        let found = rules::find(name);
        let rule = found.filter(|rule| rule.code == name || rule.name == name);
        if rule.is_none() {
            let meant = found.map(|rule| if rule.code.eq_ignore_ascii_case(name) { rule.code } else { rule.name });
            let near = meant.or_else(|| rules::nearest_name(name)).map(|near| format!("; did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| "; `envcheck rules` lists them".to_owned());
            self.fault(span, format!("no rule has the code or name `{name}`{hint}"));
        }
        rule.map(|rule| rule.code)
    }

    fn ignores(&mut self, value: &Item<'_>) {
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong(value, "tables such as [[ignore]]");
        };
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => self.ignore(item, table),
                None => self.wrong(item, "a table"),
            }
        }
    }

    fn ignore(&mut self, item: &Item<'_>, table: &DeTable<'_>) {
        let before = self.faults.len();
        let (mut code, mut package, mut environment, mut path, mut reason, mut expires) =
            (None, None, None, None, None, None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rule" => {
                    let name = self.text(value, "the code or name of a rule in quotes");
                    code = name.and_then(|name| self.rule(&name, value.span()));
                }
                "package" => {
                    let name = self.text(value, "the name of a package in quotes");
                    package = name.map(|name| PackageName::new(&name).map_or(name, |it| it.as_str().to_owned()));
                }
                "environment" => environment = self.text(value, "the name of an environment in quotes"),
                "reason" => reason = self.text(value, "a sentence in quotes"),
                "path" => {
                    let text = self.text(value, "a path in quotes, which may hold `*` and `**`");
                    let glob = |text: String| globset::GlobBuilder::new(&text).literal_separator(true).build();
                    path = match text.map(glob) {
                        Some(Ok(glob)) => Some(glob.compile_matcher()),
                        Some(Err(fault)) => {
                            self.fault(value.span(), fault.to_string());
                            None
                        }
                        None => None,
                    };
                }
                "expires" => {
                    let date = value.get_ref().as_datetime().and_then(|it| it.date.filter(|_| it.time.is_none()));
                    expires = date.map(|it| Date { year: it.year, month: it.month, day: it.day });
                    if expires.is_none() {
                        self.wrong(value, "a date without quotes, such as 2027-03-01");
                    }
                }
                _ => self.unknown(key, &IGNORE_KEYS),
            }
        }
        for (key, is_there, example) in [
            ("rule", table.contains_key("rule"), "rule = \"EC301\"; nothing is ignored as a whole"),
            ("reason", table.contains_key("reason"), "reason = \"why this is no problem here\""),
        ] {
            if !is_there {
                self.fault(item.span(), format!("an ignore needs a `{key}`, such as {example}"));
            }
        }
        if let (Some(code), Some(reason)) = (code, reason)
            && self.faults.len() == before
        {
            let place = self.place(item.span());
            self.config.ignores.push(Ignore { code, package, environment, path, reason, expires, place });
        }
    }

    fn text(&mut self, value: &Item<'_>, expected: &str) -> Option<String> {
        let text = value.get_ref().as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong(value, expected);
        }
        text.map(str::to_owned)
    }

    fn texts(&mut self, value: &Item<'_>, expected: &str) -> Vec<String> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(value, expected);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item, "a name in quotes")).collect()
    }

    fn path(&mut self, value: &Item<'_>) -> Option<NamedPath> {
        let path = self.text(value, "a path in quotes")?;
        Some(NamedPath { path, place: self.place(value.span()) })
    }

    fn paths(&mut self, value: &Item<'_>) -> Vec<NamedPath> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(value, "paths such as [\"requirements.txt\"]");
            return Vec::new();
        };
        items.iter().filter_map(|item| self.path(item)).collect()
    }
}
