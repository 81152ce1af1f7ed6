//! Guesses which files belong to training and which to serving, and says why.
//!
//! The words of a path come first, then what a file is (an image, a manifest), then what lies beside it. A file that is read
//! with another one is not named a second time.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    models::{self, DeclaredModels},
    walk::{Found, Kind, Seen, file_name, folder, is_below, words},
};
use crate::config::Role;

/// Words that name the training side.
const TRAINING: [&str; 15] = [
    "train",
    "trains",
    "training",
    "trainer",
    "trained",
    "pretrain",
    "pretraining",
    "finetune",
    "finetuning",
    "tuning",
    "notebook",
    "notebooks",
    "research",
    "experiment",
    "experiments",
];

/// Words that name the serving side.
const SERVING: [&str; 26] = [
    "serve",
    "serving",
    "server",
    "servers",
    "inference",
    "infer",
    "predict",
    "predictor",
    "predictors",
    "prediction",
    "api",
    "apis",
    "endpoint",
    "endpoints",
    "scoring",
    "scorer",
    "score",
    "production",
    "prod",
    "service",
    "services",
    "microservices",
    "online",
    "triton",
    "torchserve",
    "edge",
];

/// Words that speak for serving where nothing else does.
const WEAKLY_SERVING: [&str; 14] = [
    "deploy",
    "deployment",
    "deployments",
    "app",
    "apps",
    "docker",
    "k8s",
    "kubernetes",
    "kube",
    "helm",
    "charts",
    "manifests",
    "kustomize",
    "overlays",
];

/// Words of what neither trains nor serves.
const APART: [&str; 16] = [
    "dev",
    "devel",
    "development",
    "test",
    "tests",
    "testing",
    "lint",
    "linting",
    "docs",
    "doc",
    "ci",
    "typing",
    "fixtures",
    "benchmark",
    "benchmarks",
    "examples",
];

/// Names of folders that say nothing about what is served from them.
const GENERIC: [&str; 12] = [
    "src",
    "build",
    "image",
    "images",
    "container",
    "containers",
    "ml",
    "model",
    "models",
    "python",
    "backend",
    "envs",
];

/// The formats that lock what a `pyproject.toml` or `pixi.toml` beside them asks for.
const LOCKS: [&str; 5] = ["uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pixi.lock"];

/// What the repository is taken for.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// Training first.
    pub(super) environments: Vec<Guess>,
    pub(super) models: Vec<DeclaredModels>,
    /// What is not named in the file, and why.
    pub(super) left_out: Vec<(String, String)>,
    /// What the user has to decide, and why.
    pub(super) unplaced: Vec<(String, String)>,
    pub(super) cut_short: bool,
}

/// One environment.
#[derive(Debug)]
pub(super) struct Guess {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) inputs: Vec<Input>,
    /// What its inputs say something about.
    pub(super) says: BTreeSet<&'static str>,
    folder: String,
}

/// One input.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) path: String,
    pub(super) format: String,
    pub(super) why: String,
}

impl Project {
    pub(super) fn of(&self, role: Role) -> impl Iterator<Item = &Guess> {
        self.environments.iter().filter(move |it| it.role == role)
    }

    /// The environment of a side that a file lies in, or beside, where there are several.
    pub(super) fn near(&self, role: Role, path: &str) -> Option<&str> {
        if self.of(role).count() < 2 {
            return None;
        }
        let below = |folder: &str| !folder.is_empty() && is_below(path, folder);
        let inside = self.of(role).filter(|it| below(&it.folder)).max_by_key(|it| it.folder.len());
        let mut beside = self.of(role).filter(|it| below(folder(&it.folder)));
        let only = beside.next().filter(|_| beside.next().is_none());
        inside.or(only).map(|it| it.name.as_str())
    }
}

/// Where a file goes.
#[derive(Debug, Clone)]
enum State {
    Open,
    Out(String),
    Placed { training: bool, serving: bool, why: String },
}

impl State {
    fn placed(role: Role, why: String) -> State {
        State::Placed { training: role == Role::Training, serving: role == Role::Serving, why }
    }

    fn is(&self, role: Role) -> bool {
        match self {
            State::Placed { training, serving, .. } => {
                if role == Role::Training {
                    *training
                } else {
                    *serving
                }
            }
            _ => false,
        }
    }

    fn is_out(&self) -> bool {
        matches!(self, State::Out(_))
    }
}

struct Sorter {
    files: Vec<Found>,
    states: Vec<State>,
    seen: Seen,
}

/// Guesses.
pub(super) fn guess(mut seen: Seen) -> Project {
    let files = std::mem::take(&mut seen.found);
    let states = vec![State::Open; files.len()];
    let mut sorter = Sorter { files, states, seen };
    sorter.apart();
    let repositories = sorter.repositories();
    sorter.manifests();
    sorter.names();
    sorter.included();
    sorter.neighbours();
    sorter.rest();
    sorter.project(&repositories)
}

impl Sorter {
    fn open(&self) -> Vec<usize> {
        (0..self.files.len()).filter(|&it| matches!(self.states[it], State::Open)).collect()
    }

    fn is_input(&self, at: usize) -> bool {
        !matches!(self.files[at].kind, Kind::Model) && !self.is_described_model(at)
    }

    /// `MLmodel` describes a model file and is declared as one.
    fn is_described_model(&self, at: usize) -> bool {
        self.files[at].format.name == "mlmodel" && self.files[at].says.contains("model")
    }

    /// What is for development and tests.
    fn apart(&mut self) {
        for at in self.open() {
            let word = words(&self.files[at].path).find(|word| APART.contains(&word.as_str()));
            if let Some(word) = word {
                self.states[at] = State::Out(format!("`{word}` in its path"));
            }
        }
    }

    /// Repositories of Triton: as whole folders, so that versions that no server loads do not count. The files in them
    /// are out; the folder stands for them.
    fn repositories(&mut self) -> Vec<(String, Vec<usize>)> {
        let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for at in self.open() {
            if self.files[at].kind == Kind::Triton {
                let repository = folder(folder(&self.files[at].path));
                found.entry(repository.to_owned()).or_default();
            }
        }
        found.retain(|repository, inside| {
            *inside = (0..self.files.len()).filter(|&it| is_below(&self.files[it].path, repository)).collect();
            let plain = |&it: &usize| {
                matches!(self.files[it].kind, Kind::Triton | Kind::Model) && matches!(self.states[it], State::Open)
            };
            let readable = !self.seen.unreadable.iter().any(|(path, _)| is_below(path, repository));
            !repository.is_empty() && readable && inside.iter().all(plain)
        });
        let found: Vec<(String, Vec<usize>)> = found.into_iter().collect();
        for (repository, inside) in &found {
            for &at in inside {
                self.states[at] = State::Out(format!("read with `{repository}`"));
            }
        }
        found
    }

    /// A lock says all that the manifest beside it says.
    fn manifests(&mut self) {
        for at in self.open() {
            let own = &self.files[at];
            let name = file_name(&own.path);
            let beside = |wanted: &dyn Fn(&Found) -> bool| {
                let mut others =
                    self.files.iter().enumerate().filter(|(it, _)| *it != at && !self.states[*it].is_out());
                let found = others.find(|(_, it)| folder(&it.path) == folder(&own.path) && wanted(it));
                found.map(|(_, it)| file_name(&it.path).to_owned())
            };
            let stem = |ending: &str| name.strip_suffix(ending).filter(|_| own.format.name == "requirements.txt");
            let lock = if matches!(own.format.name, "pyproject" | "pixi.toml") {
                beside(&|it| LOCKS.contains(&it.format.name))
            } else if own.format.name == "conda-environment" {
                beside(&|it| matches!(it.format.name, "conda-explicit" | "conda-lock.yml"))
            } else if let Some(stem) = stem(".in") {
                beside(&|it| {
                    [".txt", ".lock"].map(|end| format!("{stem}{end}")).contains(&file_name(&it.path).to_owned())
                })
            } else if let Some(stem) = stem(".txt") {
                beside(&|it| file_name(&it.path) == format!("{stem}.lock"))
            } else {
                None
            };
            if let Some(lock) = lock {
                self.states[at] = State::Out(format!("`{lock}` beside it says it more exactly"));
            }
        }
    }

    /// What the words of a path, a lock or the kind of a file say.
    fn names(&mut self) {
        let described: Vec<String> =
            self.files.iter().filter(|it| it.format.name == "mlmodel").map(|it| folder(&it.path).to_owned()).collect();
        for at in self.open() {
            if !self.is_input(at) {
                continue;
            }
            let file = &self.files[at];
            let by_kind = matches!(file.kind, Kind::Dockerfile | Kind::Deployment | Kind::Triton);
            let state = if let Some(role) = file.role {
                Some(State::placed(role, "says its role itself".to_owned()))
            } else if described.iter().any(|it| it == folder(&file.path)) && !by_kind {
                Some(State::placed(Role::Training, "MLflow wrote it where the model was made".to_owned()))
            } else if let Some((role, word)) = side(&file.path) {
                Some(State::placed(role, format!("`{word}` in its path")))
            } else if by_kind {
                let what = match file.kind {
                    Kind::Dockerfile => "an image is built for serving, mostly",
                    Kind::Triton => "Triton serves it",
                    _ => "what is deployed serves, mostly",
                };
                Some(State::placed(Role::Serving, what.to_owned()))
            } else {
                None
            };
            if let Some(state) = state {
                self.states[at] = state;
            }
        }
    }

    /// Files that others of the same side read.
    fn included(&mut self) {
        for at in 0..self.files.len() {
            let reads = |it: &usize| {
                let compatible = match &self.states[at] {
                    State::Open => true,
                    State::Out(_) => false,
                    State::Placed { training, serving, .. } => {
                        (*training && self.states[*it].is(Role::Training))
                            || (*serving && self.states[*it].is(Role::Serving))
                    }
                };
                *it != at
                    && compatible
                    && !self.states[*it].is_out()
                    && self.files[*it].includes.contains(&self.files[at].disk)
            };
            let by = (0..self.files.len()).find(reads);
            if let Some(by) = by
                && let Some((Some(script), _)) = self.seen.scripts.get(folder(&self.files[at].path))
                && matches!(self.states[at], State::Open)
                && !self.states[by].is(Role::Training)
            {
                // The image takes it for serving, and a script beside it trains with the same packages.
                self.states[at] = State::placed(Role::Training, format!("beside `{script}`"));
            } else if let Some(by) = by {
                self.states[at] = State::Out(format!("read with `{}`", self.files[by].path));
            }
        }
    }

    /// What lies beside a file: an image that names it, scripts, files of one side only.
    fn neighbours(&mut self) {
        let open: Vec<usize> = self.open().into_iter().filter(|&it| self.is_input(it)).collect();
        for &at in &open {
            let (own, name) = (folder(&self.files[at].path), file_name(&self.files[at].path));
            let images = |role| {
                let files = self.files.iter().zip(&self.states).filter(move |(_, state)| state.is(role));
                files.map(|(file, _)| file).filter(|it| it.kind == Kind::Dockerfile)
            };
            let namer = |role| {
                let names_it = |it: &&Found| {
                    is_below(&it.path, own) && it.text.contains(name) || names_path(it, &self.files[at].path)
                };
                images(role).find(names_it).map(|it| it.path.clone())
            };
            let (mut training, mut serving) = (namer(Role::Training), namer(Role::Serving));
            let mut how = if training.is_some() || serving.is_some() { "named in" } else { "beside" };
            if let Some((trains, serves)) = self.seen.scripts.get(own)
                && how == "beside"
            {
                (training, serving) = (trains.clone(), serves.clone());
            }
            if training.is_none() && serving.is_none() && name == "requirements.txt" {
                // What a project is installed from says what it requires, mostly.
                let whole = |it: &&Found| is_below(&it.path, own) && installs_project(&it.text);
                let installer = |role| images(role).find(whole).map(|it| it.path.clone());
                (training, serving) = (installer(Role::Training), installer(Role::Serving));
                how = "of the project that is installed in";
            }
            let quoted: Vec<String> = [&training, &serving].into_iter().flatten().map(|it| format!("`{it}`")).collect();
            if !quoted.is_empty() {
                let why = format!("{how} {}", quoted.join(" and "));
                self.states[at] = State::Placed { training: training.is_some(), serving: serving.is_some(), why };
            }
        }
        let decided: Vec<(usize, State)> =
            self.open().into_iter().filter_map(|at| Some((at, self.unanimous(at)?))).collect();
        for (at, state) in decided {
            self.states[at] = state;
        }
    }

    /// The side of all other files in a folder.
    fn unanimous(&self, at: usize) -> Option<State> {
        if !self.is_input(at) {
            return None;
        }
        let own = folder(&self.files[at].path);
        let near = || {
            self.files.iter().zip(&self.states).filter(|(it, state)| {
                folder(&it.path) == own && matches!(state, State::Placed { .. }) && it.kind != Kind::Machine
            })
        };
        let training = near().find(|(_, state)| state.is(Role::Training));
        let serving = near().find(|(_, state)| state.is(Role::Serving));
        let (role, (file, _)) = match (training, serving) {
            (Some(it), None) => (Role::Training, it),
            (None, Some(it)) => (Role::Serving, it),
            _ => return None,
        };
        Some(State::placed(role, format!("beside `{}`", file_name(&file.path))))
    }

    /// Where one side is missing, what is left is taken for it.
    fn rest(&mut self) {
        let open: Vec<usize> = self.open().into_iter().filter(|&it| self.is_input(it)).collect();
        let has = |role| self.states.iter().any(|it| it.is(role));
        let (trains, serves) = (has(Role::Training), has(Role::Serving));
        let builds = self
            .files
            .iter()
            .zip(&self.states)
            .any(|(file, state)| state.is(Role::Serving) && matches!(file.kind, Kind::Packages | Kind::Dockerfile));
        let (role, why) = match (trains, serves) {
            (true, true) => return,
            (false, false) => (Role::Serving, "nothing says which side it is for; taken for serving"),
            (true, false) => (Role::Serving, "not for training, so probably for serving"),
            (false, true) if builds => (Role::Training, "not for serving, so probably for training"),
            (false, true) => (Role::Serving, "the only side there is"),
        };
        for at in open {
            // A machine makes no side.
            let alone = self.files[at].kind == Kind::Machine && trains != serves;
            let only = if trains { Role::Training } else { Role::Serving };
            let (role, why) = if alone { (only, "the only side there is") } else { (role, why) };
            self.states[at] = State::placed(role, why.to_owned());
        }
    }

    fn project(self, repositories: &[(String, Vec<usize>)]) -> Project {
        let mut project = Project { cut_short: self.seen.cut_short, ..Project::default() };
        for role in [Role::Training, Role::Serving] {
            let environments = self.environments(role, repositories, &mut project.unplaced);
            project.environments.extend(environments);
        }
        let mut models = Vec::new();
        for (at, (file, state)) in self.files.iter().zip(&self.states).enumerate() {
            match state {
                State::Out(why) => project.left_out.push((file.path.clone(), why.clone())),
                State::Open if !self.is_input(at) => models.push(file.path.clone()),
                State::Open => {
                    project
                        .unplaced
                        .push((file.path.clone(), format!("{}: nothing says which side it is for", file.format.name)));
                }
                State::Placed { .. } => {}
            }
        }
        project.unplaced.extend(self.seen.unreadable.iter().cloned());
        project.unplaced.sort();
        project.models = models::declare(&models, &project);
        project
    }

    /// The environments of a side.
    fn environments(
        &self,
        role: Role,
        repositories: &[(String, Vec<usize>)],
        unplaced: &mut Vec<(String, String)>,
    ) -> Vec<Guess> {
        let own: Vec<usize> = (0..self.files.len()).filter(|&it| self.states[it].is(role)).collect();
        let mut groups = self.groups(&own);
        let repositories: Vec<&(String, Vec<usize>)> = repositories
            .iter()
            .filter(|(path, _)| side(&format!("{path}/x")).map_or(Role::Serving, |(role, _)| role) == role)
            .collect();
        if groups.is_empty() && own.is_empty() && repositories.is_empty() {
            return Vec::new();
        }
        if groups.is_empty() {
            groups.push(Group::default());
        }
        if role == Role::Training && groups.len() > 1 {
            self.leave_one_training(&mut groups, unplaced);
        }
        Self::name(&mut groups, role);
        let mut environments: Vec<Guess> = Vec::new();
        for group in &groups {
            let (name, folder) = (group.name.clone(), group.folder.clone());
            environments.push(Guess { name, role, inputs: Vec::new(), says: BTreeSet::new(), folder });
        }
        for at in own {
            let file = &self.files[at];
            if unplaced.iter().any(|(path, _)| *path == file.path) {
                continue;
            }
            let State::Placed { why, .. } = &self.states[at] else { continue };
            let (path, format) = (file.path.clone(), file.format.name);
            if let Some(index) = self.owner(&groups, at) {
                environments[index].inputs.push(Input { path, format: format.to_owned(), why: why.clone() });
                environments[index].says.extend(&file.says);
            } else {
                let names: Vec<&str> = groups.iter().map(|it| it.name.as_str()).collect();
                unplaced.push((path, format!("{format}: for which of {}?", names.join(", "))));
            }
        }
        for (path, inside) in repositories {
            let index = groups.iter().position(|it| is_below(path, &it.folder)).unwrap_or(0);
            let why = "Triton serves it".to_owned();
            environments[index].inputs.push(Input { path: path.clone(), format: "Triton repository".to_owned(), why });
            environments[index].says.extend(inside.iter().flat_map(|&it| &self.files[it].says));
        }
        environments.retain(|it| !it.inputs.is_empty());
        environments.sort_by(|a, b| a.name.cmp(&b.name));
        for environment in &mut environments {
            environment.inputs.sort_by(|a, b| a.path.cmp(&b.path));
        }
        environments
    }

    /// The environment that a file belongs to.
    fn owner(&self, groups: &[Group], at: usize) -> Option<usize> {
        let file = &self.files[at];
        if let Some(own) = groups.iter().position(|it| it.image == Some(at)) {
            return Some(own);
        }
        if groups.len() == 1 {
            return Some(0);
        }
        let deepest = groups.iter().filter(|it| is_below(&file.path, &it.folder)).map(|it| it.folder.len()).max();
        let near: Vec<usize> = (0..groups.len())
            .filter(|&it| is_below(&file.path, &groups[it].folder) && Some(groups[it].folder.len()) == deepest)
            .collect();
        let own: BTreeSet<String> = words(&file.path).collect();
        let named = |it: &&usize| words(&groups[**it].name).all(|word| own.contains(&word));
        let only = |found: Vec<&usize>| match found.as_slice() {
            [one] => Some(**one),
            _ => None,
        };
        let all: Vec<usize> = (0..groups.len()).collect();
        let names_it = |it: &&usize| {
            let image = groups[**it].image.map(|it| &self.files[it]);
            file.kind == Kind::Packages && image.is_some_and(|it| it.text.contains(file_name(&file.path)))
        };
        let by_path = |it: &&usize| {
            let image = groups[**it].image.map(|it| &self.files[it]);
            file.kind == Kind::Packages && image.is_some_and(|it| names_path(it, &file.path))
        };
        match near.as_slice() {
            [one] if !groups[*one].folder.is_empty() => Some(*one),
            _ if all.iter().filter(by_path).count() == 1 => only(all.iter().filter(by_path).collect()),
            [] => only(all.iter().filter(named).collect())
                .or_else(|| only(all.iter().filter(names_it).collect()))
                .or_else(|| only(all.iter().filter(|it| file.text.contains(&groups[**it].name)).collect())),
            _ => only(all.iter().filter(named).collect())
                .or_else(|| only(near.iter().filter(names_it).collect()))
                .or_else(|| near.iter().copied().find(|&it| groups[it].plain))
                .or_else(|| only(near.iter().collect())),
        }
    }

    /// Where one environment ends and the next begins: at images, and at folders with packages.
    fn groups(&self, own: &[usize]) -> Vec<Group> {
        let of = |kind| own.iter().copied().filter(move |&it| self.files[it].kind == kind);
        let images: Vec<usize> = of(Kind::Dockerfile).collect();
        let mut groups: Vec<Group> = Vec::new();
        for &at in &images {
            let path = &self.files[at].path;
            let several = images.iter().any(|&it| it != at && folder(&self.files[it].path) == folder(path));
            let variant = if several { variant(file_name(path)) } else { None };
            let plain = several && variant.is_none();
            groups.push(Group { folder: folder(path).to_owned(), image: Some(at), variant, plain, ..Group::default() });
        }
        let folders: BTreeSet<&str> = of(Kind::Packages).map(|it| folder(&self.files[it].path)).collect();
        for &outer in &folders {
            let near = |group: &Group| group.folder == outer || is_below(outer, &group.folder);
            let below: Vec<usize> = (0..groups.len()).filter(|&it| is_below(&groups[it].folder, outer)).collect();
            if groups.iter().any(near) {
                continue;
            }
            match below.as_slice() {
                [] => groups.push(Group { folder: outer.to_owned(), ..Group::default() }),
                // One image below is the image of all that lies here.
                [only] => outer.clone_into(&mut groups[*only].folder),
                _ => {}
            }
        }
        if groups.is_empty() {
            let runs: Vec<usize> = of(Kind::Deployment).filter(|&it| self.files[it].says.contains("image")).collect();
            if runs.len() > 1 {
                groups.extend(runs.into_iter().map(|at| {
                    let stem = file_name(&self.files[at].path).split('.').next().map(str::to_owned);
                    Group {
                        folder: folder(&self.files[at].path).to_owned(),
                        image: Some(at),
                        variant: stem,
                        ..Group::default()
                    }
                }));
            }
        }
        groups
    }

    /// A folder of experiments beside one of training makes no second training side.
    fn leave_one_training(&self, groups: &mut Vec<Group>, unplaced: &mut Vec<(String, String)>) {
        let trains = |group: &Group| words(&group.folder).any(|word| TRAINING[..10].contains(&word.as_str()));
        let Some(first) = groups.iter().find(|it| trains(it)).map(|it| it.folder.clone()) else { return };
        let (kept, others): (Vec<Group>, Vec<Group>) = std::mem::take(groups).into_iter().partition(trains);
        *groups = kept;
        for (at, file) in self.files.iter().enumerate() {
            let aside = others.iter().any(|it| it.image == Some(at) || folder(&file.path) == it.folder);
            if self.states[at].is(Role::Training) && aside {
                unplaced
                    .push((file.path.clone(), format!("{}: `{first}` is the training side already", file.format.name)));
            }
        }
    }

    /// Gives every environment a name of its own.
    fn name(groups: &mut [Group], role: Role) {
        let usual = if role == Role::Training { "train" } else { "serve" };
        if let [only] = groups {
            usual.clone_into(&mut only.name);
            return;
        }
        let mut used: BTreeSet<String> = BTreeSet::new();
        for group in groups.iter_mut() {
            let from_folder = || {
                let parts = group.folder.rsplit('/').filter(|part| !part.is_empty());
                let telling = |part: &&str| {
                    let known = |word: &String| {
                        let word = word.as_str();
                        SERVING.contains(&word)
                            || TRAINING.contains(&word)
                            || WEAKLY_SERVING.contains(&word)
                            || GENERIC.contains(&word)
                    };
                    !words(part).all(|word| known(&word))
                };
                let parts: Vec<&str> = parts.collect();
                parts.iter().copied().find(telling).or(parts.first().copied()).map(str::to_owned)
            };
            let name = group.variant.clone().or_else(from_folder).unwrap_or_else(|| usual.to_owned());
            let clean = |it: char| if it.is_alphanumeric() || matches!(it, '-' | '_' | '.') { it } else { '-' };
            let mut name: String = name.chars().map(clean).collect();
            if role == Role::Training && !words(&name).any(|word| TRAINING.contains(&word.as_str())) {
                name = format!("{name}-train");
            }
            let mut own = name.clone();
            for number in 2_usize.. {
                if used.insert(own.clone()) {
                    break;
                }
                own = format!("{name}-{number}");
            }
            group.name = own;
        }
    }
}

/// What becomes one environment.
#[derive(Debug, Default)]
struct Group {
    name: String,
    folder: String,
    /// The image that it was made for.
    image: Option<usize>,
    /// What sets the image apart from others in the folder: `gpu` in `Dockerfile.gpu`.
    variant: Option<String>,
    /// Whether it is the plain one among several in a folder.
    plain: bool,
}

/// Whether an image names a file by its path in the repository, or below the image's own folder: with a folder in it, since
/// a name alone is that of many files.
fn names_path(image: &Found, path: &str) -> bool {
    let own = folder(&image.path);
    let below = path.strip_prefix(own).map(|it| it.trim_start_matches('/')).filter(|_| !own.is_empty());
    [Some(path), below].into_iter().flatten().any(|it| it.contains('/') && image.text.contains(it))
}

/// Whether an image installs the project that it is built from, as in `pip install -e .[serve]`.
fn installs_project(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_whitespace().skip_while(|it| *it != "install").skip(1);
        line.contains("pip")
            && words.any(|it| matches!(it.trim_matches(['"', '\'']).split('[').next(), Some("." | "./")))
    })
}

/// What sets `Dockerfile.gpu` or `api.Dockerfile` apart.
fn variant(name: &str) -> Option<String> {
    let parts = name.split(['.', '-', '_']).filter(|part| !part.is_empty() && !part.eq_ignore_ascii_case("dockerfile"));
    let variant = parts.collect::<Vec<_>>().join("-");
    (!variant.is_empty()).then_some(variant)
}

/// The side that the words of a path name: the file first, then the folders outwards; strong words before weak ones.
fn side(path: &str) -> Option<(Role, String)> {
    let strong = path.rsplit('/').find_map(|part| {
        let found = |known: &[&str]| words(part).find(|word| known.contains(&word.as_str()));
        match (found(&TRAINING), found(&SERVING)) {
            (Some(word), None) => Some((Role::Training, word)),
            (None, Some(word)) => Some((Role::Serving, word)),
            _ => None,
        }
    });
    strong.or_else(|| {
        let weak = words(path).find(|word| WEAKLY_SERVING.contains(&word.as_str()));
        weak.filter(|_| path.contains('/')).map(|word| (Role::Serving, word))
    })
}
