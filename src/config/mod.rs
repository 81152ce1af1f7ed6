//! `envcheck.toml`: the environments of a project, its models, and the files with the user's own knowledge.
//!
//! Reading is strict: every key is used or refused with its place and the key that was probably meant, and all faults of a
//! file are said at once. Facts that are declared here point at their line.

mod date;
mod read;
mod schema;

use std::collections::BTreeSet;

pub use date::Date;
pub use read::{read, read_pyproject};
pub use schema::schema;

use crate::{
    fact::{Fact, FactKind, Model},
    finding::Severity,
    text::{FileId, Place},
};

/// The name of the file.
pub const FILE_NAME: &str = "envcheck.toml";

/// The other file that may hold the same tables, below `[tool.envcheck]`.
pub const PYPROJECT: &str = "pyproject.toml";

/// Which side an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Where models are made.
    Training,
    /// Where they answer.
    Serving,
}

/// A path that the file names, relative to the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// As written.
    pub path: String,
    /// Where it is written.
    pub place: Place,
}

/// `[environment.NAME]`.
#[derive(Debug)]
pub struct DeclaredEnvironment {
    /// Its name.
    pub name: String,
    /// Its role; without one it may be the serving side of a comparison.
    pub role: Option<Role>,
    /// Its inputs.
    pub inputs: Vec<NamedPath>,
    /// What is declared about it, with the standing of a declaration.
    pub facts: Vec<Fact>,
}

/// `[[model]]`.
#[derive(Debug)]
pub struct DeclaredModel {
    /// The path, which may hold `*`, `?` and `**`; a model may be declared without its file.
    pub path: Option<NamedPath>,
    /// The environment that it is made in.
    pub trained_in: Option<String>,
    /// The environments that it answers in; empty for all.
    pub served_in: Vec<String>,
    /// What is declared about it.
    pub fact: Fact,
    /// Whether anything but the path is declared.
    pub described: bool,
}

impl DeclaredModel {
    /// Whether the model belongs to a comparison of these environments.
    #[must_use]
    pub fn belongs(&self, training: &[String], serving: &[String]) -> bool {
        let trained = match &self.trained_in {
            Some(name) => training.is_empty() || training.contains(name),
            None => true,
        };
        trained && (self.served_in.is_empty() || self.served_in.iter().any(|name| serving.contains(name)))
    }
}

/// What becomes of the findings of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// They are not looked for.
    Off,
    /// They have this severity.
    Severity(Severity),
}

/// One line of `[rules]`.
#[derive(Debug, Clone)]
pub struct RuleLevel {
    /// The rule's code.
    pub code: &'static str,
    /// What it is set to.
    pub level: Level,
    /// Where.
    pub place: Place,
}

/// `fail-on`: the lowest severity that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailOn(pub Option<Severity>);

impl FailOn {
    /// The words on the command line and in the file, with what they mean.
    pub const WORDS: [(&str, FailOn); 4] = [
        ("error", FailOn(Some(Severity::Error))),
        ("warning", FailOn(Some(Severity::Warning))),
        ("info", FailOn(Some(Severity::Info))),
        ("never", FailOn(None)),
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, it)| *it == self).map_or("never", |(word, _)| word)
    }
}

/// `[[ignore]]`.
#[derive(Debug, Clone)]
pub struct Ignore {
    /// The rule's code.
    pub code: &'static str,
    /// Only findings about this package or component.
    pub package: Option<String>,
    /// Only findings that point into this environment.
    pub environment: Option<String>,
    /// Only findings that point into such files.
    pub path: Option<globset::GlobMatcher>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Date>,
    /// The table.
    pub place: Place,
}

impl Ignore {
    /// Whether it does not hold any more.
    #[must_use]
    pub fn expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}

/// The whole file.
#[derive(Debug)]
pub struct Config {
    /// The number of the file.
    pub file: FileId,
    /// The environments by name.
    pub environments: Vec<DeclaredEnvironment>,
    /// The models, in file order.
    pub models: Vec<DeclaredModel>,
    /// Files with the user's own knowledge.
    pub knowledge: Vec<NamedPath>,
    /// `[rules]`.
    pub levels: Vec<RuleLevel>,
    /// `fail-on` of `[rules]`, and where.
    pub fail_on: Option<(FailOn, Place)>,
    /// `[[ignore]]`, in file order.
    pub ignores: Vec<Ignore>,
}

/// Environments that are judged together, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The training side, if there is one.
    pub training: Option<String>,
    /// The serving side.
    pub serving: String,
}

impl Config {
    /// What `[rules]` says about a rule.
    #[must_use]
    pub fn level(&self, code: &str) -> Option<Level> {
        self.levels.iter().find(|it| it.code == code).map(|it| it.level)
    }

    /// An environment by its name.
    #[must_use]
    pub fn environment(&self, name: &str) -> Option<&DeclaredEnvironment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    fn of_role(&self, training: bool) -> impl Iterator<Item = &DeclaredEnvironment> {
        self.environments.iter().filter(move |it| (it.role == Some(Role::Training)) == training)
    }

    /// The training and the serving environment, if there is exactly one of each.
    #[must_use]
    pub fn only_pair(&self) -> Option<Pair> {
        let (mut training, mut serving) = (self.of_role(true), self.of_role(false));
        let (train, serve) = (training.next()?, serving.next()?);
        let only = training.next().is_none() && serving.next().is_none();
        only.then(|| Pair { training: Some(train.name.clone()), serving: serve.name.clone() })
    }

    /// Everything that is declared: each serving environment with those that its models are made in, or with the only
    /// training environment; what has no partner alone.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let mut training = self.of_role(true);
        let only = training.next().filter(|_| training.next().is_none());
        for serving in self.of_role(false) {
            let models = self.models.iter().filter(|it| it.belongs(&[], std::slice::from_ref(&serving.name)));
            let mut partners: BTreeSet<&str> =
                models.filter_map(|it| it.trained_in.as_deref()).filter(|name| *name != serving.name).collect();
            if partners.is_empty() {
                partners.extend(only.map(|it| it.name.as_str()));
            }
            used.extend(&partners);
            let serving = &serving.name;
            if partners.is_empty() {
                pairs.push(Pair { training: None, serving: serving.clone() });
            }
            pairs.extend(partners.iter().map(|it| Pair { training: Some((*it).to_owned()), serving: serving.clone() }));
        }
        let alone = self.of_role(true).filter(|it| !used.contains(it.name.as_str()));
        pairs.extend(alone.map(|it| Pair { training: None, serving: it.name.clone() }));
        pairs
    }
}

impl Config {
    /// What is checked alone although the file declares a training and a serving side: which of several training
    /// environments belongs to a serving one, only a model says.
    #[must_use]
    pub fn unpaired(&self) -> Vec<String> {
        let training: Vec<&str> = self.of_role(true).map(|it| it.name.as_str()).collect();
        if training.len() < 2 || self.of_role(false).next().is_none() {
            return Vec::new();
        }
        let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let pairs = self.pairs();
        let is_training = |name: &String| training.contains(&name.as_str());
        let alone: Vec<&str> =
            pairs.iter().filter(|pair| pair.training.is_none()).map(|pair| pair.serving.as_str()).collect();
        let serving: Vec<&str> = alone.into_iter().filter(|name| !is_training(&(*name).to_owned())).collect();
        if serving.is_empty() {
            return Vec::new();
        }
        let (is, what) = if serving.len() == 1 { ("is", "it") } else { ("are", "them") };
        vec![format!(
            "{} {is} checked alone: which of {} to compare {what} with, `trained-in` of a [[model]] says, or `envcheck diff {} {}`",
            names(&serving),
            names(&training),
            training[0],
            serving[0],
        )]
    }
}

/// Fills what a model file does not say about itself with what is declared about it.
pub fn complete(model: &mut Model, declared: &Model) {
    fn fill<T: Clone>(own: &mut Option<T>, declared: Option<&T>) {
        if own.is_none() {
            *own = declared.cloned();
        }
    }
    // Spans stay those of the model's own file, so what comes from the declaration has none.
    fill(&mut model.format, declared.format.as_ref());
    fill(&mut model.producer, declared.producer.as_ref());
    fill(&mut model.python, declared.python.as_ref());
    fill(&mut model.sha256, declared.sha256.as_ref());
    fill(&mut model.ir_version, declared.ir_version.as_ref());
    fill(&mut model.gpu, declared.gpu.as_ref());
    let lists = [(&mut model.requires, &declared.requires), (&mut model.classes, &declared.classes)];
    for (own, declared) in lists {
        if own.is_empty() {
            own.clone_from(declared);
        }
    }
    if model.opsets.is_empty() {
        model.opsets.clone_from(&declared.opsets);
    }
    for (own, declared) in [(&mut model.inputs, &declared.inputs), (&mut model.outputs, &declared.outputs)] {
        if own.is_empty() {
            own.extend(declared.iter().cloned().map(|signature| crate::fact::Signature { span: None, ..signature }));
        }
    }
}

/// What is declared about the signature of a model file, as a statement of its own: the file may say something else.
#[must_use]
pub fn declared_signature(model: &Model, declared: &Fact) -> Option<Fact> {
    let FactKind::Model(about) = &declared.kind else { return None };
    if about.inputs.is_empty() && about.outputs.is_empty() {
        return None;
    }
    let (inputs, outputs) = (about.inputs.clone(), about.outputs.clone());
    let signature = Model { path: model.path.clone(), inputs, outputs, ..Model::default() };
    Some(Fact { kind: FactKind::Model(Box::new(signature)), ..declared.clone() })
}
