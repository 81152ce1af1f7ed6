//! One side of the comparison, assembled from the facts of its inputs.
//!
//! Two inputs may disagree (a lock and a requirements file both pin `torch`): the environment keeps both facts, and only
//! a rule may call that a defect. When a rule asks for *the* version, observed facts win over declared ones.

mod gpu;
mod implied;
mod needs;
mod onnx_operator;
mod onnx_release;
mod onnx_runtime;
mod package;
mod runtime;

use std::sync::{Arc, OnceLock};

use crate::{
    fact::{
        Fact, FactKind, Gpu, Image, Libc, Library, Model, ModelSource, NamedVersion, PackageIndex, Standing,
        SystemPackage, Variable, marker::Target,
    },
    knowledge::{Knowledge, Reason},
    text::Place,
    version::{CudaVersion, CudnnVersion, DriverVersion, PythonVersion, TensorRtVersion, Version, VersionSet},
};

pub use gpu::GpuView;
pub use implied::{Implied, InstallingPython};
pub use needs::{Demand, DomainNeed, Envelope, ModelNeeds, OperatorIssue, Property, RequirementLine, TensorRtNeed};
pub use onnx_operator::{OperatorTrouble, Trouble, operator_troubles};
pub use onnx_release::{GpuStack, NumpyRange, OnnxRelease, Said, first_for, highest_opset, supports};
pub use onnx_runtime::OnnxRuntime;
pub use package::{Entry, PackageView};
pub use runtime::{CudaUse, CudaUser, CudnnUser};

/// Which side an environment stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Where the model is made.
    Training,
    /// Where the model answers.
    Serving,
    /// The only environment of a `check`: held to what a serving environment is held to.
    Alone,
}

impl Side {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Side::Training => "training",
            Side::Serving | Side::Alone => "serving",
        }
    }
}

/// A function from a kind of fact to the value of one variant.
macro_rules! pick {
    ($variant:ident) => {
        |kind| match kind {
            FactKind::$variant(it) => Some(it),
            _ => None,
        }
    };
}

/// A value of a fact with its place and weight.
#[derive(Debug)]
pub struct Seen<'a, T> {
    /// The value.
    pub value: &'a T,
    /// Where it stands.
    pub place: Place,
    /// Its weight.
    pub standing: Standing,
    /// Why it follows, where it is implied.
    pub reasons: &'a [Reason],
}

impl<T> Clone for Seen<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Seen<'_, T> {}

/// Which packages of an environment are what they were when all rules were last asked.
#[derive(Debug, Clone)]
enum Settled {
    None,
    AllBut(String),
    All,
}

/// Sorted by name.
type Packages = Vec<Arc<PackageView>>;

/// One side.
#[derive(Debug)]
pub struct Environment {
    /// Its name in reports.
    pub name: String,
    /// Which side it is.
    pub side: Side,
    /// The machine that markers are evaluated for.
    pub target: Target,
    facts: Arc<Vec<Fact>>,
    /// Where the facts stand that are no packages: a few among hundreds, and rules ask for them all the time.
    others: Arc<Vec<usize>>,
    implied: Arc<Vec<Implied>>,
    packages: Arc<Packages>,
    /// The beginnings of their names as numbers in the same order, which are quicker to search.
    beginnings: Arc<Vec<u64>>,
    settled: Settled,
    /// The only packages that a rule is asked about; all, if there is nothing.
    asked: Option<Vec<String>>,
    /// What [`Environment::cuda_users`] found, since most GPU rules ask for it.
    cuda_users: OnceLock<Vec<CudaUser>>,
    /// What [`Environment::cudnn_users`] found.
    cudnn_users: OnceLock<Vec<CudnnUser>>,
    /// What [`Environment::gpus`] found.
    gpus: OnceLock<Vec<GpuView>>,
}

/// The first eight bytes of a name, in the order of names.
fn beginning(name: &str) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(8);
    bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
    u64::from_be_bytes(bytes)
}

impl Environment {
    /// Assembles a side. `name` is used unless a fact names the environment.
    #[must_use]
    pub fn new(name: &str, side: Side, facts: Vec<Fact>, knowledge: &Knowledge) -> Self {
        let stated = facts.iter().find_map(|fact| match &fact.kind {
            FactKind::EnvironmentName(name) => Some(name.clone()),
            _ => None,
        });
        let implied = Arc::new(implied::derive(&facts, knowledge));
        Environment::assemble(stated.unwrap_or_else(|| name.to_owned()), side, Arc::new(facts), implied)
    }

    fn assemble(name: String, side: Side, facts: Arc<Vec<Fact>>, implied: Arc<Vec<Implied>>) -> Self {
        let is_other = |at: &usize| !matches!(facts[*at].kind, FactKind::Package(_));
        let others = Arc::new((0..facts.len()).filter(is_other).collect());
        let mut environment = Environment {
            name,
            side,
            target: Target::default(),
            facts,
            others,
            implied,
            packages: Arc::default(),
            beginnings: Arc::default(),
            settled: Settled::None,
            asked: None,
            cuda_users: OnceLock::new(),
            cudnn_users: OnceLock::new(),
            gpus: OnceLock::new(),
        };
        environment.target = Target {
            python: environment.python().map(|seen| seen.value.clone()),
            implementation: environment.first(pick!(Implementation)),
            os: environment.os().map(|seen| seen.value.clone()),
            machine: environment.first(pick!(Architecture)),
        };
        let all = environment.facts.iter().chain(environment.implied.iter().map(|implied| &implied.fact));
        let packages = package::assemble(all, &environment.target);
        environment.beginnings = Arc::new(packages.iter().map(|view| beginning(view.name.as_str())).collect());
        environment.packages = Arc::new(packages);
        environment
    }

    /// The same side with another version of a package, for the question what a change would do.
    ///
    /// Only what rules see of the package changes; [`Environment::facts`] stay what was read.
    #[must_use]
    pub fn with_package(&self, name: &str, version: &Version) -> Environment {
        let mut packages = (*self.packages).clone();
        if let Some(at) = self.position(name) {
            let view = Arc::make_mut(&mut packages[at]);
            for entry in &mut view.entries {
                let package = Arc::make_mut(&mut entry.package);
                package.versions = VersionSet::exactly(version);
                package.specifier = format!("=={version}");
                // What was read about the old version does not hold for the new one.
                package.cuda = None;
                package.build = None;
                package.forget_requirements();
            }
            view.set_version(version);
        }
        Environment {
            name: self.name.clone(),
            side: self.side,
            target: self.target.clone(),
            facts: Arc::clone(&self.facts),
            others: Arc::clone(&self.others),
            implied: Arc::clone(&self.implied),
            packages: Arc::new(packages),
            beginnings: Arc::clone(&self.beginnings),
            settled: Settled::None,
            asked: None,
            cuda_users: OnceLock::new(),
            cudnn_users: OnceLock::new(),
            gpus: self.gpus.clone(),
        }
    }

    /// The same side for the question what is new since all rules were asked, where at most one package differs: rules may
    /// leave out what they would say about packages that are [settled](Environment::is_settled).
    #[must_use]
    pub fn settled_but(&self, changed: Option<&str>) -> Environment {
        Environment {
            name: self.name.clone(),
            side: self.side,
            target: self.target.clone(),
            facts: Arc::clone(&self.facts),
            others: Arc::clone(&self.others),
            implied: Arc::clone(&self.implied),
            packages: Arc::clone(&self.packages),
            beginnings: Arc::clone(&self.beginnings),
            settled: changed.map_or(Settled::All, |name| Settled::AllBut(name.to_owned())),
            asked: None,
            cuda_users: self.cuda_users.clone(),
            cudnn_users: self.cudnn_users.clone(),
            gpus: self.gpus.clone(),
        }
    }

    /// The same side for the question what a rule says about some packages: it may leave out all others.
    #[must_use]
    pub fn asked_about(mut self, names: &[String]) -> Environment {
        self.asked = Some(names.to_vec());
        self
    }

    /// Whether a rule is asked about a package.
    #[must_use]
    pub fn is_asked(&self, name: &str) -> bool {
        self.asked.as_ref().is_none_or(|names| names.iter().any(|known| known == name))
    }

    /// Whether nobody asks for what follows from these packages and the machine alone: it was said before.
    #[must_use]
    pub fn is_settled(&self, names: &[&str]) -> bool {
        match &self.settled {
            Settled::None => false,
            Settled::AllBut(changed) => !names.contains(&changed.as_str()),
            Settled::All => true,
        }
    }

    /// The same side with other facts, for the question what a change would do.
    #[must_use]
    pub fn with_facts(&self, facts: Vec<Fact>, knowledge: &Knowledge) -> Environment {
        let implied = Arc::new(implied::derive(&facts, knowledge));
        Environment::assemble(self.name.clone(), self.side, Arc::new(facts), implied)
    }

    /// The same side with another driver.
    #[must_use]
    pub fn with_driver(&self, driver: &DriverVersion) -> Environment {
        let mut facts = (*self.facts).clone();
        facts.retain(|fact| !matches!(fact.kind, FactKind::DriverCuda(_)));
        for fact in &mut facts {
            if let FactKind::Driver(version) = &mut fact.kind {
                version.clone_from(driver);
            }
        }
        Environment::assemble(self.name.clone(), self.side, Arc::new(facts), Arc::clone(&self.implied))
    }

    /// All facts, in the order of the inputs.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// What follows from the facts by knowledge.
    #[must_use]
    pub fn implied(&self) -> &[Implied] {
        &self.implied
    }

    /// All packages by name.
    pub fn packages(&self) -> impl Iterator<Item = &PackageView> {
        self.packages.iter().map(|view| &**view)
    }

    /// A package by its normalised name, whether or not its marker is decided; not if it surely does not apply.
    #[must_use]
    pub fn package(&self, name: &str) -> Option<&PackageView> {
        self.position(name).map(|at| &*self.packages[at])
    }

    fn position(&self, name: &str) -> Option<usize> {
        let beginning = beginning(name);
        let first = self.beginnings.partition_point(|known| *known < beginning);
        let alike = self.beginnings[first..].iter().take_while(|known| **known == beginning).count();
        (first..first + alike).find(|at| self.packages[*at].name.as_str() == name)
    }

    /// Facts as they were read, in the order of the inputs, without the packages.
    fn others(&self) -> impl Iterator<Item = &Fact> {
        self.others.iter().map(|at| &self.facts[*at])
    }

    /// Values of one kind, the weightiest first. Packages are asked for by [`Environment::packages`].
    pub fn all<'a, T>(&'a self, pick: impl Fn(&'a FactKind) -> Option<&'a T>) -> Vec<Seen<'a, T>> {
        let mut found: Vec<Seen<'a, T>> = self
            .others()
            .map(|fact| (fact, [].as_slice()))
            .chain(self.implied.iter().map(|implied| (&implied.fact, implied.reasons.as_slice())))
            .filter_map(|(fact, reasons)| {
                let value = pick(&fact.kind)?;
                Some(Seen { value, place: fact.place, standing: fact.standing, reasons })
            })
            .collect();
        found.sort_by_key(|seen| std::cmp::Reverse(seen.standing));
        found
    }

    fn first<'a, T: Clone + 'a>(&'a self, pick: impl Fn(&'a FactKind) -> Option<&'a T>) -> Option<T> {
        self.all(pick).first().map(|seen| seen.value.clone())
    }

    /// The Python version.
    #[must_use]
    pub fn python(&self) -> Option<Seen<'_, PythonVersion>> {
        self.pythons().into_iter().next()
    }

    /// All statements about the Python version, the most precise of the weightiest first.
    #[must_use]
    pub fn pythons(&self) -> Vec<Seen<'_, PythonVersion>> {
        let mut found = self.all(pick!(Python));
        found.sort_by_key(|seen| {
            (std::cmp::Reverse(seen.standing), std::cmp::Reverse(seen.value.number().parts().len()))
        });
        found
    }

    /// The Pythons of build stages that installed packages which are copied to where the program runs.
    #[must_use]
    pub fn installing_pythons(&self, knowledge: &Knowledge) -> Vec<InstallingPython> {
        implied::installing_pythons(&self.facts, knowledge)
    }

    /// The operating system.
    #[must_use]
    pub fn os(&self) -> Option<Seen<'_, String>> {
        self.all(pick!(Os)).into_iter().next()
    }

    /// The operating system whose driver numbers count: the host's, where it differs.
    #[must_use]
    pub fn host_os(&self) -> Option<Seen<'_, String>> {
        self.all(pick!(HostOs)).into_iter().next().or_else(|| self.os())
    }

    /// NVIDIA drivers, the most precise first.
    #[must_use]
    pub fn drivers(&self) -> Vec<Seen<'_, DriverVersion>> {
        let mut found = self.all(pick!(Driver));
        found.sort_by_key(|seen| {
            (std::cmp::Reverse(seen.standing), std::cmp::Reverse(seen.value.number().parts().len()))
        });
        found
    }

    /// What the driver says it can run.
    #[must_use]
    pub fn driver_cuda(&self) -> Option<Seen<'_, CudaVersion>> {
        self.all(pick!(DriverCuda)).into_iter().next()
    }

    /// What said that there is no driver.
    #[must_use]
    pub fn no_driver(&self) -> Option<Seen<'_, String>> {
        self.all(pick!(NoDriver)).into_iter().next()
    }

    /// CUDA toolkits and runtimes installed on the system.
    #[must_use]
    pub fn toolkits(&self) -> Vec<Seen<'_, CudaVersion>> {
        self.all(pick!(Cuda))
    }

    /// cuDNN installed on the system.
    #[must_use]
    pub fn cudnns(&self) -> Vec<Seen<'_, CudnnVersion>> {
        self.all(pick!(Cudnn))
    }

    /// TensorRT installed on the system.
    #[must_use]
    pub fn tensorrts(&self) -> Vec<Seen<'_, TensorRtVersion>> {
        self.all(pick!(TensorRt))
    }

    /// GPUs as they were written.
    #[must_use]
    pub fn gpu_facts(&self) -> Vec<Seen<'_, Gpu>> {
        self.all(pick!(Gpu))
    }

    /// Places that packages are taken from beside or instead of PyPI.
    #[must_use]
    pub fn indexes(&self) -> Vec<Seen<'_, PackageIndex>> {
        self.all(pick!(PackageIndex))
    }

    /// Images.
    #[must_use]
    pub fn images(&self) -> Vec<Seen<'_, Image>> {
        self.all(pick!(Image))
    }

    /// The C library of the system that the program runs on.
    #[must_use]
    pub fn libc(&self) -> Option<Seen<'_, Libc>> {
        self.all(pick!(Libc)).into_iter().next()
    }

    /// The distribution and release of that system.
    #[must_use]
    pub fn distribution(&self) -> Option<Seen<'_, String>> {
        self.all(pick!(Distribution)).into_iter().next()
    }

    /// The processor architecture.
    #[must_use]
    pub fn architecture(&self) -> Option<Seen<'_, String>> {
        self.all(pick!(Architecture)).into_iter().next()
    }

    /// Packages of the operating system.
    #[must_use]
    pub fn system_packages(&self) -> Vec<Seen<'_, SystemPackage>> {
        self.all(pick!(SystemPackage))
    }

    /// Environment variables of the running program; of one name the last counts.
    #[must_use]
    pub fn variables(&self) -> Vec<Seen<'_, Variable>> {
        self.all(pick!(Variable))
    }

    /// Inference servers.
    #[must_use]
    pub fn servers(&self) -> Vec<Seen<'_, NamedVersion>> {
        self.all(pick!(Server))
    }

    /// Where models come from.
    #[must_use]
    pub fn model_sources(&self) -> Vec<Seen<'_, ModelSource>> {
        self.all(pick!(ModelSource))
    }

    /// Libraries that are no Python distributions.
    #[must_use]
    pub fn libraries(&self) -> Vec<Seen<'_, Library>> {
        self.all(pick!(Library))
    }

    /// Models, in input order.
    #[must_use]
    pub fn models(&self) -> Vec<Seen<'_, Model>> {
        let mut found = self.all(|kind| match kind {
            FactKind::Model(it) => Some(&**it),
            _ => None,
        });
        found.sort_by_key(|seen| seen.place);
        found
    }

    /// Whether anything says that this side computes on an NVIDIA GPU.
    #[must_use]
    pub fn has_gpu(&self) -> bool {
        let device = self.device().map(|(device, _)| device);
        let signs = || {
            self.others().chain(self.implied.iter().map(|implied| &implied.fact)).any(|fact| {
                matches!(
                    fact.kind,
                    FactKind::Gpu(_) | FactKind::Driver(_) | FactKind::DriverCuda(_) | FactKind::Cuda(_)
                )
            })
        };
        device == Some("cuda") || device.is_none() && signs()
    }

    /// Whether CUDA code is compiled here.
    #[must_use]
    pub fn builds_extensions(&self) -> Option<Seen<'_, bool>> {
        self.all(pick!(BuildsExtensions)).into_iter().next()
    }

    /// Whether an ONNX Runtime execution provider for NVIDIA GPUs is asked for.
    #[must_use]
    pub fn asks_for_gpu_provider(&self) -> bool {
        let gpu = |name: &String| ["CUDA", "Tensorrt", "NvTensorRTRTX"].iter().any(|start| name.starts_with(start));
        self.all(pick!(ExecutionProviders)).iter().any(|seen| seen.value.iter().any(gpu))
    }

    /// Whether ONNX Runtime is asked to hand models to TensorRT.
    #[must_use]
    pub fn asks_for_tensorrt(&self) -> bool {
        let named = |name: &String| name.contains("Tensorrt") || name.contains("TensorRT");
        self.all(pick!(ExecutionProviders)).iter().any(|seen| seen.value.iter().any(named))
    }

    /// What the program is told to run on: `cuda`, `cpu`, ...; also from the execution providers it asks for.
    #[must_use]
    pub fn device(&self) -> Option<(&'static str, Place)> {
        for fact in self.others() {
            match &fact.kind {
                FactKind::Device(word) if ["cuda", "gpu"].contains(&word.as_str()) => {
                    return Some(("cuda", fact.place));
                }
                FactKind::Device(word) if word == "cpu" => return Some(("cpu", fact.place)),
                FactKind::ExecutionProviders(providers) => {
                    let named = |name: &str| providers.iter().any(|it| it.starts_with(name));
                    if named("CUDA") || named("Tensorrt") || named("NvTensorRTRTX") {
                        return Some(("cuda", fact.place));
                    }
                }
                _ => {}
            }
        }
        None
    }
}
