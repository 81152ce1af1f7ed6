//! What a serving environment must offer to ONNX models: the smallest envelope that serves all of them.
//!
//! It follows from the models and the knowledge alone. What the knowledge does not say stays unsaid: a part that is `None` is
//! unknown, and a model that no known release accepts has no smallest release, not a guessed one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{
    onnx_operator::{COVERED, OperatorTrouble, Trouble, operator_troubles},
    onnx_release::{OnnxRelease, first_for, first_with_kernels, gathered, highest_opset, supports},
};
use crate::{
    fact::{ExternalData, Model, OperatorUse},
    knowledge::{
        Knowledge, Provenance, Reason,
        onnx::{RuntimeRelease, WithNumpy2},
    },
    version::{IrVersion, Opset, TensorRtVersion, Version},
};

/// Domains of operator sets that ONNX Runtime checks.
const CHECKED: [&str; 3] = ["ai.onnx", "ai.onnx.ml", "com.microsoft"];

/// A property of a model that a runtime accepts or refuses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Property {
    /// An operator set.
    Opset(String, Opset),
    /// The version of the file format.
    Ir(IrVersion),
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Property::Opset(domain, opset) => write!(f, "opset {opset} of {domain}"),
            Property::Ir(ir) => write!(f, "IR version {ir}"),
        }
    }
}

/// What one property of a model asks of ONNX Runtime.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The property.
    pub property: Property,
    /// The oldest release from which on all known ones accept it; `None` if none does.
    pub first: Option<Version>,
    /// The newest known release that does not accept it, and what it takes at most.
    pub stops: Option<(Version, i64)>,
}

/// An operator that stands in the way.
#[derive(Debug, Clone)]
pub struct OperatorIssue {
    /// The path of the model.
    pub model: String,
    /// The domain.
    pub domain: String,
    /// The name.
    pub name: String,
    /// What is wrong, in words.
    pub reason: String,
}

impl fmt::Display for OperatorIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// One model's own part.
#[derive(Debug, Clone)]
pub struct ModelNeeds {
    /// Its path as the user writes it.
    pub path: String,
    /// What wrote it: `pytorch 2.1.0`.
    pub producer: Option<String>,
    /// The version of the file format.
    pub ir: Option<IrVersion>,
    /// Operator sets that it imports.
    pub opsets: BTreeMap<String, Opset>,
    /// Domains of operators that it uses without importing them.
    pub unimported: Vec<String>,
    /// Operators by domain.
    pub operators: BTreeMap<String, Vec<String>>,
    /// Operator sets that functions of its own import beside the model's: `function imports domain number`.
    pub of_functions: Vec<String>,
    /// Element types.
    pub element_types: BTreeSet<String>,
    /// Files that must lie beside it.
    pub external_data: Vec<ExternalData>,
    /// What it asks of ONNX Runtime, greatest first.
    pub demands: Vec<Demand>,
    /// The smallest release that accepts it.
    pub first: Option<Version>,
}

/// A domain of operators that are not ONNX's own.
#[derive(Debug, Clone)]
pub struct DomainNeed {
    /// Its name.
    pub name: String,
    /// The operators that the models use.
    pub operators: BTreeSet<String>,
    /// The paths of these models.
    pub models: Vec<String>,
    /// Whether a plain ONNX Runtime loads it; `None` if nobody looked.
    pub loads: Option<bool>,
    /// Packages that provide it.
    pub packages: Vec<String>,
    /// Who provides it, in words.
    pub provided_by: Option<String>,
    /// Who says so; `None` for a domain without a row.
    pub provenance: Option<Provenance>,
}

/// What TensorRT's own parser reads.
#[derive(Debug, Clone)]
pub struct TensorRtNeed {
    /// The operator set of `ai.onnx`.
    pub opset: Opset,
    /// Known releases that read it and after which no known one does not, oldest first.
    pub releases: Vec<TensorRtVersion>,
    /// The newest known release that does not read it, and where it stops.
    pub stops: Option<(TensorRtVersion, Opset)>,
    /// Who says so, of each of them.
    pub provenance: Vec<Provenance>,
}

/// A line of a requirements file, and why it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementLine {
    /// The requirement.
    pub requirement: String,
    /// The reasons, a sentence each.
    pub reasons: Vec<String>,
}

/// What serves all of some models.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The models, in the order they were given.
    pub models: Vec<ModelNeeds>,
    /// The greatest version of the file format.
    pub ir: Option<IrVersion>,
    /// The greatest operator set of each domain.
    pub opsets: BTreeMap<String, Opset>,
    /// Element types of all models.
    pub element_types: BTreeSet<String>,
    /// Domains beyond ONNX's own.
    pub domains: Vec<DomainNeed>,
    /// Operators that no release loads.
    pub issues: Vec<OperatorIssue>,
    /// The smallest ONNX Runtime that accepts all models.
    pub first: Option<Version>,
    /// The smallest ONNX Runtime that has CPU kernels for every operator, as far as the file tells element types.
    pub kernels: Option<Version>,
    /// The oldest release that checks what it loads: nothing older is ever the smallest.
    pub oldest: Option<Version>,
    /// The smallest and the newest known release, the newest alone if no release accepts the models.
    pub releases: Vec<OnnxRelease>,
    /// From this release on, all known ones work with NumPy 2.
    pub numpy2_from: Option<Version>,
    /// TensorRT's parser; `None` if no model uses operators of `ai.onnx`.
    pub tensorrt: Option<TensorRtNeed>,
}

impl Envelope {
    /// The envelope of models, of which there is at least one.
    #[must_use]
    pub fn of(knowledge: &Knowledge, models: &[&Model]) -> Envelope {
        let parts: Vec<ModelNeeds> = models.iter().map(|model| ModelNeeds::of(knowledge, model)).collect();
        let mut opsets: BTreeMap<String, Opset> = BTreeMap::new();
        for (domain, opset) in parts.iter().flat_map(|part| &part.opsets) {
            let greatest = opsets.entry(domain.clone()).or_insert(*opset);
            *greatest = (*greatest).max(*opset);
        }
        let first = parts.iter().map(|part| part.first.clone()).collect::<Option<Vec<_>>>();
        let first = first.and_then(|all| all.into_iter().max());
        let newest = knowledge.newest_runtime().map(|row| row.version.0.clone());
        let mut shown: Vec<Version> = first.iter().cloned().chain(newest).collect();
        shown.dedup();
        let offer = |version: &Version| OnnxRelease::of(knowledge, "onnxruntime", version);
        let version = |row: &RuntimeRelease| row.version.0.clone();
        Envelope {
            ir: parts.iter().filter_map(|part| part.ir).max(),
            element_types: parts.iter().flat_map(|part| part.element_types.iter().cloned()).collect(),
            domains: domains(knowledge, models),
            issues: models.iter().flat_map(|model| issues(knowledge, model)).collect(),
            kernels: first_with_kernels(knowledge, models),
            oldest: knowledge.first_runtime(|row| row.unchecked != Some(true)).map(version),
            releases: shown.iter().filter_map(offer).collect(),
            numpy2_from: knowledge.first_runtime(|row| row.numpy2 == Some(WithNumpy2::Ok)).map(version),
            tensorrt: tensorrt(knowledge, models),
            models: parts,
            opsets,
            first,
        }
    }

    /// The demands that decide which release is the smallest, with the path of their model: none if every release that
    /// checks anything will do.
    #[must_use]
    pub fn deciding(&self) -> Vec<(&str, &Demand)> {
        let decides =
            |demand: &&Demand| demand.first == self.first && (self.first.is_none() || self.first != self.oldest);
        self.models
            .iter()
            .flat_map(|part| part.demands.iter().filter(decides).map(|demand| (part.path.as_str(), demand)))
            .collect()
    }

    /// The smallest release with all that is known of it.
    #[must_use]
    pub fn smallest(&self) -> Option<&OnnxRelease> {
        self.releases.iter().find(|release| Some(&release.version) == self.first.as_ref())
    }

    /// The newest known release.
    #[must_use]
    pub fn newest(&self) -> Option<&OnnxRelease> {
        self.releases.last()
    }

    /// Who says what; a witness that speaks about several things stands there once.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        let releases = self.releases.iter().flat_map(OnnxRelease::witnesses);
        let domains = self.domains.iter().filter_map(|domain| Some(("domains", domain.provenance.as_ref()?)));
        let tensorrt = self.tensorrt.iter().flat_map(|need| need.provenance.iter().map(|it| ("TensorRT", it)));
        gathered(releases.chain(domains).chain(tensorrt))
    }

    /// The envelope as requirements, each with its reasons.
    #[must_use]
    pub fn requirements(&self) -> Vec<RequirementLine> {
        let mut lines = vec![self.runtime_line()];
        lines.extend(self.numpy_line());
        let packages: BTreeSet<&String> = self.refused().flat_map(|domain| &domain.packages).collect();
        for package in packages {
            let provided: Vec<&DomainNeed> =
                self.refused().filter(|domain| domain.packages.contains(package)).collect();
            let reasons = provided.iter().map(|domain| {
                format!("provides {}; its library must be registered in the session options", domain.name)
            });
            lines.push(RequirementLine { requirement: package.clone(), reasons: reasons.collect() });
        }
        lines
    }

    /// Domains that a plain ONNX Runtime is not known to load.
    pub fn refused(&self) -> impl Iterator<Item = &DomainNeed> {
        self.domains.iter().filter(|domain| domain.loads != Some(true))
    }

    fn runtime_line(&self) -> RequirementLine {
        let several = self.models.len() > 1;
        let reason = |(path, demand): (&str, &Demand)| {
            let whose = if several { format!(" in {path}") } else { String::new() };
            demand.sentence(&whose)
        };
        let mut reasons: Vec<String> = self.deciding().into_iter().map(reason).collect();
        let requirement = match (&self.first, self.newest()) {
            (Some(first), _) => {
                if reasons.is_empty() {
                    reasons.push(format!("{first} is the oldest release that checks what it loads"));
                }
                let kernels = self.kernels.as_ref().filter(|kernels| *kernels > first);
                if let Some(kernels) = kernels {
                    reasons.push(format!("from {kernels} on it has a kernel for every operator"));
                }
                format!("onnxruntime>={}", kernels.unwrap_or(first))
            }
            (None, Some(newest)) => format!("onnxruntime>{}", newest.version),
            (None, None) => "onnxruntime".to_owned(),
        };
        if let Some(said) = self.smallest().and_then(|release| release.gpu.as_ref()) {
            let (cuda, cudnn) = (&said.value.cuda, &said.value.cudnn);
            let first = self.first.as_ref().map(ToString::to_string).unwrap_or_default();
            reasons.push(format!(
                "on an NVIDIA GPU, onnxruntime-gpu in its place and never beside it; {first} loads CUDA {cuda} and cuDNN \
                 {cudnn}"
            ));
        }
        RequirementLine { requirement, reasons }
    }

    /// NumPy from what the smallest release asks for on. Its upper bound holds for that release alone, so it is said and not
    /// demanded: a newer release may go with a newer NumPy.
    fn numpy_line(&self) -> Option<RequirementLine> {
        let smallest = self.smallest()?;
        let asked = &smallest.numpy.as_ref()?.value;
        let of = asked.neighbour.as_ref().unwrap_or(&smallest.version);
        let mut reasons = vec![format!("onnxruntime {of} asks for numpy{}", asked.range)];
        if let Some(from) = self.numpy2_from.as_ref().filter(|from| smallest.version < **from) {
            let version = &smallest.version;
            reasons.push(match smallest.with_numpy2() {
                Some((_, outcome)) => {
                    format!("with NumPy 2, onnxruntime {version}: {outcome}; from {from} on it works")
                }
                None => format!("with NumPy 2, onnxruntime {version}: not known; from {from} on it works"),
            });
        }
        let floor: Vec<&str> = asked.range.split(',').filter(|clause| !clause.trim().starts_with('<')).collect();
        Some(RequirementLine { requirement: format!("numpy{}", floor.join(",")), reasons })
    }
}

impl Demand {
    /// `opset 21 of ai.onnx needs onnxruntime 1.18.0: 1.17.3 stops at 20`, with whose property it is.
    #[must_use]
    pub fn sentence(&self, whose: &str) -> String {
        let Demand { property, first, stops } = self;
        let stop = stops.as_ref().map(|(release, limit)| format!("{release} stops at {limit}"));
        match (first, stop) {
            (Some(first), Some(stop)) => format!("{property}{whose} needs onnxruntime {first}: {stop}"),
            (Some(first), None) => format!("{property}{whose} is accepted by onnxruntime {first} already"),
            (None, Some(stop)) => format!("no known onnxruntime accepts {property}{whose}: {stop}"),
            (None, None) => format!("no known onnxruntime accepts {property}{whose}"),
        }
    }
}

impl ModelNeeds {
    fn of(knowledge: &Knowledge, model: &Model) -> ModelNeeds {
        let producer = model.producer.as_ref().map(|producer| match &producer.version {
            Some(version) => format!("{} {version}", producer.name),
            None => producer.name.clone(),
        });
        let of_functions = model.function_opsets.iter().flat_map(|(function, opsets)| {
            opsets.iter().map(move |(domain, opset)| format!("function {function} imports {domain} {opset}"))
        });
        // A function may import what the model itself does not.
        let stated = |used: &OperatorUse| used.opset.is_some();
        let unimported = model
            .operators
            .iter()
            .filter(|(domain, operators)| !model.opsets.contains_key(*domain) && !operators.values().all(stated))
            .map(|(domain, _)| domain);
        let first = first_for(knowledge, model).map(|row| row.version.0.clone());
        ModelNeeds {
            path: model.path.clone(),
            producer,
            ir: model.ir_version,
            opsets: model.opsets.clone(),
            unimported: unimported.cloned().collect(),
            operators: model
                .operators
                .iter()
                .map(|(domain, operators)| (domain.clone(), operators.keys().cloned().collect()))
                .collect(),
            of_functions: of_functions.collect(),
            element_types: model.element_types.clone(),
            external_data: model.external_data.clone(),
            demands: demands(knowledge, model),
            first,
        }
    }
}

/// What each property asks for, the greatest demand first.
fn demands(knowledge: &Knowledge, model: &Model) -> Vec<Demand> {
    let opsets = model.opsets.iter().filter(|(domain, _)| CHECKED.contains(&domain.as_str()));
    let opsets = opsets.map(|(domain, opset)| Property::Opset(domain.clone(), *opset));
    let properties = opsets.chain(model.ir_version.map(Property::Ir));
    let mut found: Vec<Demand> = properties.map(|property| demand(knowledge, property)).collect();
    found.sort_by_key(|demand| {
        let Demand { property, first, .. } = demand;
        (first.is_some(), std::cmp::Reverse(first.clone()), property.clone())
    });
    found
}

fn demand(knowledge: &Knowledge, property: Property) -> Demand {
    let accepts = |row: &RuntimeRelease| {
        let fits = match &property {
            Property::Opset(domain, opset) => {
                let usable = domain != "ai.onnx" || row.usable_opset.is_none_or(|max| *opset <= max);
                usable && !supports(row, domain, *opset).violated()
            }
            Property::Ir(ir) => row.ir.is_some_and(|max| *ir <= max),
        };
        fits && row.unchecked != Some(true)
    };
    let limit = |row: &RuntimeRelease| match &property {
        Property::Opset(domain, _) => {
            let usable = row.usable_opset.filter(|_| domain == "ai.onnx");
            usable.or(highest_opset(row, domain)).map(|opset| opset.0)
        }
        Property::Ir(_) => row.ir.map(|ir| ir.0),
    };
    let first = knowledge.first_runtime(accepts).map(|row| row.version.0.clone());
    let rows = knowledge.onnxruntime_release.rows().iter().filter(|row| row.unchecked != Some(true));
    let last = rows.filter(|row| !accepts(row)).max_by(|a, b| a.version.cmp(&b.version));
    let stops = last.and_then(|row| Some((row.version.0.clone(), limit(row)?)));
    Demand { property, first, stops }
}

fn domains(knowledge: &Knowledge, models: &[&Model]) -> Vec<DomainNeed> {
    let mut found: BTreeMap<&str, DomainNeed> = BTreeMap::new();
    for model in models {
        for (name, operators) in &model.operators {
            if COVERED.contains(&name.as_str()) {
                continue;
            }
            let need = found.entry(name).or_insert_with(|| {
                let row = knowledge.domain(name);
                let said = row.as_ref().map(|(row, _)| *row);
                DomainNeed {
                    name: name.clone(),
                    operators: BTreeSet::new(),
                    models: Vec::new(),
                    loads: said.and_then(|row| row.loads),
                    packages: said.and_then(|row| row.packages.clone()).unwrap_or_default(),
                    provided_by: said.map(|row| row.provided_by.clone()),
                    provenance: row.map(|(_, provenance)| provenance),
                }
            });
            need.operators.extend(operators.keys().cloned());
            need.models.push(model.path.clone());
        }
    }
    found.into_values().collect()
}

/// Operators that ONNX Runtime does not load whatever its release.
fn issues(knowledge: &Knowledge, model: &Model) -> Vec<OperatorIssue> {
    let all = operator_troubles(knowledge, model).filter(|it| !matches!(it.trouble, Trouble::Deprecated(_)));
    let issue = |it: OperatorTrouble<'_>| OperatorIssue {
        model: model.path.clone(),
        domain: it.domain.to_owned(),
        name: it.name.to_owned(),
        reason: it.to_string(),
    };
    all.map(issue).collect()
}

fn tensorrt(knowledge: &Knowledge, models: &[&Model]) -> Option<TensorRtNeed> {
    let uses = |model: &&&Model| model.operators.contains_key("ai.onnx");
    let opset = models.iter().filter(uses).filter_map(|model| model.opsets.get("ai.onnx").copied()).max()?;
    let table = &knowledge.tensorrt_parser;
    let mut rows: Vec<_> = table.rows().iter().collect();
    rows.sort_by(|a, b| a.release.cmp(&b.release));
    // From here on all of them read it.
    let first = rows.iter().rposition(|row| row.opset < opset).map_or(0, |at| at + 1);
    let stops = first.checked_sub(1).map(|at| (rows[at].release.clone(), rows[at].opset));
    let witnesses = rows[first.saturating_sub(1)..].iter().map(|row| table.provenance(row));
    let provenance: Vec<Provenance> = witnesses.collect();
    Some(TensorRtNeed {
        opset,
        releases: rows[first..].iter().map(|row| row.release.clone()).collect(),
        stops,
        provenance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(path: &str, ir: i64, opsets: &[(&str, i64)]) -> Model {
        Model {
            path: path.to_owned(),
            format: Some("onnx".to_owned()),
            ir_version: Some(IrVersion(ir)),
            opsets: opsets.iter().map(|(domain, opset)| ((*domain).to_owned(), Opset(*opset))).collect(),
            ..Model::default()
        }
    }

    fn envelope(models: &[Model]) -> Envelope {
        Envelope::of(&Knowledge::built_in(), &models.iter().collect::<Vec<_>>())
    }

    fn deciding(envelope: &Envelope) -> Vec<String> {
        envelope.deciding().into_iter().map(|(path, demand)| format!("{path}: {}", demand.property)).collect()
    }

    #[test]
    fn the_greatest_of_the_minima_serves_all() {
        let old = model("old", 8, &[("ai.onnx", 13)]);
        let new = model("new", 9, &[("ai.onnx", 21)]);
        let both = envelope(&[old.clone(), new]);
        let firsts: Vec<String> = both.models.iter().map(|it| it.first.as_ref().unwrap().to_string()).collect();
        assert_eq!(both.first.as_ref().unwrap().to_string(), firsts[1]);
        assert_eq!(deciding(&both), ["new: opset 21 of ai.onnx"]);
        let beyond = envelope(&[old, model("beyond", 9, &[("ai.onnx", 99)])]);
        assert_eq!((beyond.first.clone(), beyond.models[0].first.is_some()), (None, true));
        assert_eq!(deciding(&beyond), ["beyond: opset 99 of ai.onnx"]);
        assert_eq!(beyond.releases.len(), 1);
    }

    #[test]
    fn the_model_is_accepted_from_its_first_release_on_as_its_demands_are() {
        let knowledge = Knowledge::built_in();
        for ir in 3..=15 {
            for opset in 1..=30 {
                for ml in [None, Some(1), Some(3), Some(5), Some(9)] {
                    let mut opsets = vec![("ai.onnx", opset)];
                    opsets.extend(ml.map(|ml| ("ai.onnx.ml", ml)));
                    let model = model("m", ir, &opsets);
                    let by_demand: Option<Vec<Version>> =
                        demands(&knowledge, &model).into_iter().map(|demand| demand.first).collect();
                    let first = first_for(&knowledge, &model).map(|row| row.version.0.clone());
                    assert_eq!(by_demand.and_then(|all| all.into_iter().max()), first, "IR {ir}, {opsets:?}");
                }
            }
        }
    }

    #[test]
    fn kernels_raise_the_requirement_once_they_are_known() {
        let mut envelope = envelope(&[model("m", 8, &[("ai.onnx", 17)])]);
        for (kernels, line) in [("1.14.0", "onnxruntime>=1.14.0"), ("1.12.0", "onnxruntime>=1.12.0")] {
            envelope.kernels = Some(kernels.parse().unwrap());
            assert_eq!(envelope.requirements()[0].requirement, line);
        }
    }

    #[test]
    fn what_every_release_accepts_decides_nothing() {
        let plain = envelope(&[model("m", 3, &[("ai.onnx", 7), ("company.example", 4)])]);
        assert_eq!((plain.first.clone(), deciding(&plain)), (plain.oldest.clone(), vec![]));
        assert_eq!(plain.requirements()[0].requirement, "onnxruntime>=1.2.0");
        assert_eq!(plain.tensorrt.map(|it| it.opset), None, "no operator of ai.onnx is used");
    }

    #[test]
    fn only_an_import_that_is_nowhere_is_missing() {
        let operators = |opset: Option<i64>| {
            let used = OperatorUse { opset: opset.map(|it| (Opset(it), Opset(it))), ..OperatorUse::default() };
            BTreeMap::from([("Norm".to_owned(), used)])
        };
        let mut of_function = model("m", 8, &[("ai.onnx", 17)]);
        of_function.operators = BTreeMap::from([
            ("imported.by.function".to_owned(), operators(Some(2))),
            ("imported.nowhere".to_owned(), operators(None)),
        ]);
        assert_eq!(envelope(&[of_function]).models[0].unimported, ["imported.nowhere"]);
    }
}
