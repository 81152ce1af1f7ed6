//! Environment markers: conditions on the machine that a requirement is for.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>
//!
//! Comparisons follow pip's own library to the letter: versions compare as versions only for the variables that hold
//! versions, all else compares as text, and `<` between texts never holds. What the declared target leaves open stays
//! undecided; the machine that runs envcheck is never looked at.

use std::{collections::BTreeSet, fmt};

use super::specifier::{Operator, is_space, parse_version, single_clause};
use crate::{
    text::Span,
    version::{PythonVersion, Truth, Version, VersionSet},
};

/// Markers longer than this are refused; the longest that lock tools write have a few thousand bytes.
const LENGTH_LIMIT: usize = 64 << 10;

/// The text of [`Marker::undecidable`].
const UNDECIDABLE: &str = "'known' == 'unknown'";

/// Parentheses may stand inside each other this often.
const DEPTH_LIMIT: usize = 50;

/// Targets that are tried before two markers are no longer compared.
const SAMPLE_LIMIT: usize = 40_000;

/// Comparisons that are made before that.
const COMPARISON_LIMIT: usize = 400_000;

/// The machine that a side declares, never the one that runs envcheck. What is `None` is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The Python version, to the precision that is known.
    pub python: Option<PythonVersion>,
    /// `CPython`, `PyPy`.
    pub implementation: Option<String>,
    /// `linux`, `windows`, `macos`.
    pub os: Option<String>,
    /// `x86_64`, `aarch64`, `arm64`, `AMD64`.
    pub machine: Option<String>,
}

/// Text that is no marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerError {
    /// Where it stops being one.
    pub span: Span,
    /// What was expected there, lower case.
    pub message: String,
}

impl fmt::Display for MarkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MarkerError {}

/// A parsed marker.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    text: String,
    root: Node,
}

/// A condition; `Any` and `All` are never empty.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Compare(Comparison),
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    /// The variable that says how to compare; none if two texts were written.
    key: Option<Variable>,
    operator: Compare,
    /// The other operand. A second variable stands for its own name, as in pip.
    literal: String,
    /// The literal was written on the left.
    reversed: bool,
    /// The versions that a literal on the right allows, worked out once.
    need: Need,
}

/// What a literal means as a clause of a specifier.
#[derive(Debug, Clone, PartialEq)]
enum Need {
    /// It is no clause: pip compares as text.
    Text,
    /// The version must be written so.
    Spelled(String),
    Versions(VersionSet),
    /// A clause whose version cannot be represented.
    Unclear,
}

impl Need {
    fn of(operator: Operator, literal: &str) -> Need {
        let clause = format!("{operator}{literal}");
        match single_clause(&clause) {
            None => Need::Text,
            Some((Operator::Arbitrary, bound)) => Need::Spelled(bound.to_owned()),
            Some((operator, bound)) => super::specifier::allowed(operator, bound).map_or(Need::Unclear, Need::Versions),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    By(Operator),
    In,
    NotIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Variable {
    PythonVersion,
    PythonFullVersion,
    OsName,
    SysPlatform,
    PlatformMachine,
    PlatformSystem,
    PlatformPythonImplementation,
    ImplementationName,
    ImplementationVersion,
    PlatformRelease,
    PlatformVersion,
    Extra,
    Extras,
    DependencyGroups,
}

use Variable as V;

/// Every spelling, those first that begin with another one.
const VARIABLES: [(&str, Variable); 20] = [
    ("python_version", V::PythonVersion),
    ("python_full_version", V::PythonFullVersion),
    ("os_name", V::OsName),
    ("os.name", V::OsName),
    ("sys_platform", V::SysPlatform),
    ("sys.platform", V::SysPlatform),
    ("platform_release", V::PlatformRelease),
    ("platform_system", V::PlatformSystem),
    ("platform_version", V::PlatformVersion),
    ("platform.version", V::PlatformVersion),
    ("platform_machine", V::PlatformMachine),
    ("platform.machine", V::PlatformMachine),
    ("platform_python_implementation", V::PlatformPythonImplementation),
    ("platform.python_implementation", V::PlatformPythonImplementation),
    ("python_implementation", V::PlatformPythonImplementation),
    ("implementation_name", V::ImplementationName),
    ("implementation_version", V::ImplementationVersion),
    ("extras", V::Extras),
    ("extra", V::Extra),
    ("dependency_groups", V::DependencyGroups),
];

impl Marker {
    /// Parses a marker, such as what follows the semicolon of a requirement.
    ///
    /// # Errors
    ///
    /// Where the text stops being a marker; also when it is too long or too deeply nested.
    pub fn parse(text: &str) -> Result<Marker, MarkerError> {
        if text.len() > LENGTH_LIMIT {
            let message = format!("expected a marker of at most {LENGTH_LIMIT} bytes");
            return Err(MarkerError { span: Span::new(0, text.len()), message });
        }
        let mut parser = Parser { text, at: 0 };
        let root = parser.any(0)?;
        if parser.at < text.len() {
            return Err(parser.expected("`and`, `or` or the end of the marker"));
        }
        Ok(Marker { text: text.trim_matches(is_space).to_owned(), root })
    }

    /// A condition that nobody can decide, for requirements that may or may not apply. Its text is a marker, too.
    #[must_use]
    pub fn undecidable() -> Marker {
        // Two texts: pip refuses to compare them, and here that decides nothing.
        let comparison = Comparison {
            key: None,
            operator: Compare::By(Operator::Equal),
            literal: "known".to_owned(),
            reversed: false,
            need: Need::Text,
        };
        Marker { text: UNDECIDABLE.to_owned(), root: Node::Compare(comparison) }
    }

    /// All conditions together, or none if there are none; `None` also if the text gets too long.
    #[must_use]
    pub fn all(markers: &[Marker]) -> Option<Marker> {
        Marker::joined(markers, " and ", Node::All)
    }

    /// Any of the conditions, or none if there are none; `None` also if the text gets too long.
    #[must_use]
    pub fn any(markers: &[Marker]) -> Option<Marker> {
        Marker::joined(markers, " or ", Node::Any)
    }

    fn joined(markers: &[Marker], word: &str, node: fn(Vec<Node>) -> Node) -> Option<Marker> {
        if let [only] = markers {
            return Some(only.clone());
        }
        let text = |marker: &Marker| match marker.root {
            Node::Compare(_) => marker.text.clone(),
            Node::All(_) if word == " or " => marker.text.clone(),
            Node::Any(_) | Node::All(_) => format!("({})", marker.text),
        };
        let text = markers.iter().map(text).collect::<Vec<_>>().join(word);
        if markers.is_empty() || text.len() > LENGTH_LIMIT {
            return None;
        }
        Some(Marker { text, root: node(markers.iter().map(|marker| marker.root.clone()).collect()) })
    }

    /// Whether the requirement applies on this target when these extras are asked for.
    ///
    /// As in pip, the marker is looked at for each extra by itself, and one that fulfils it suffices.
    #[must_use]
    pub fn evaluate(&self, target: &Target, extras: &[&str]) -> Truth {
        let asked: Vec<String> = extras.iter().map(|extra| normalised(extra)).collect();
        let mut verdicts = Setting::of_target(target).into_iter().map(|setting| self.in_setting(&setting, &asked));
        let first = verdicts.next().unwrap_or(Truth::Undecided);
        verdicts.fold(first, |all, verdict| if all == verdict { all } else { Truth::Undecided })
    }

    /// Whether the marker asks for extras, so that it depends on who requires the package.
    #[must_use]
    pub fn is_about_extra(&self) -> bool {
        self.root.any_comparison(&|it| matches!(it.key, Some(V::Extra | V::Extras)))
    }

    /// Whether two markers never apply together: holds only where that can be shown, else it is undecided.
    ///
    /// Both are tried on every kind of target that their own literals tell apart.
    #[must_use]
    pub fn disjoint(&self, other: &Marker) -> Truth {
        let mut literals = Literals::default();
        self.root.collect(&mut literals);
        other.root.collect(&mut literals);
        let (settings, extras) = literals.samples();
        let work = settings.len().saturating_mul(extras.len()).saturating_mul(literals.comparisons);
        if settings.is_empty() || work > COMPARISON_LIMIT {
            return Truth::Undecided;
        }
        for setting in &settings {
            for asked in &extras {
                let both = self.in_setting(setting, asked).and(other.in_setting(setting, asked));
                if !both.violated() {
                    return Truth::Undecided;
                }
            }
        }
        Truth::Holds
    }

    /// Whether a condition with alternatives holds on every machine, as `python_version < "3.9" or python_version >= "3.9"`
    /// does: holds only where that can be shown with little work, else it is undecided.
    #[must_use]
    pub fn always(&self) -> Truth {
        let mut literals = Literals::default();
        if !matches!(self.root, Node::Any(_)) {
            return Truth::Undecided;
        }
        self.root.collect(&mut literals);
        let (settings, extras) = literals.samples();
        let work = settings.len().saturating_mul(extras.len()).saturating_mul(literals.comparisons);
        let holds =
            |setting: &Setting| extras.iter().all(|asked: &Vec<String>| self.in_setting(setting, asked).holds());
        if !settings.is_empty() && work <= COMPARISON_LIMIT / 20 && settings.iter().all(holds) {
            Truth::Holds
        } else {
            Truth::Undecided
        }
    }

    fn in_setting(&self, setting: &Setting, extras: &[String]) -> Truth {
        if extras.is_empty() {
            return self.root.evaluate(setting, "", extras);
        }
        extras.iter().map(|extra| self.root.evaluate(setting, extra, extras)).fold(Truth::Violated, Truth::or)
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Marker {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Marker, MarkerError> {
        Marker::parse(text)
    }
}

impl Node {
    fn evaluate(&self, setting: &Setting, extra: &str, extras: &[String]) -> Truth {
        match self {
            Node::Any(nodes) => {
                nodes.iter().map(|it| it.evaluate(setting, extra, extras)).fold(Truth::Violated, Truth::or)
            }
            Node::All(nodes) => {
                nodes.iter().map(|it| it.evaluate(setting, extra, extras)).fold(Truth::Holds, Truth::and)
            }
            Node::Compare(comparison) => comparison.evaluate(setting, extra, extras),
        }
    }

    fn any_comparison(&self, wanted: &dyn Fn(&Comparison) -> bool) -> bool {
        match self {
            Node::Any(nodes) | Node::All(nodes) => nodes.iter().any(|it| it.any_comparison(wanted)),
            Node::Compare(comparison) => wanted(comparison),
        }
    }

    fn collect(&self, literals: &mut Literals) {
        match self {
            Node::Any(nodes) | Node::All(nodes) => nodes.iter().for_each(|it| it.collect(literals)),
            Node::Compare(comparison) => {
                literals.comparisons += 1;
                if let Some(key) = comparison.key {
                    literals.add(key, comparison);
                }
            }
        }
    }
}

impl Comparison {
    fn evaluate(&self, setting: &Setting, extra: &str, extras: &[String]) -> Truth {
        match self.key {
            // pip knows no value for either side and refuses to compare.
            None | Some(V::DependencyGroups) => Truth::Undecided,
            Some(V::Extra) => self.texts(extra),
            Some(V::Extras) => match self.operator {
                Compare::In if self.reversed => extras.contains(&self.literal).into(),
                Compare::NotIn if self.reversed => (!extras.contains(&self.literal)).into(),
                _ => Truth::Undecided,
            },
            Some(key) => match setting.value(key) {
                Known::Text(value) => self.texts(value),
                Known::Version(text, version) => self.version(text, version.as_ref()),
                Known::Versions(versions) => self.versions(versions),
                Known::Nothing => Truth::Undecided,
            },
        }
    }

    /// Compares as text.
    fn texts(&self, value: &str) -> Truth {
        let (left, right) = if self.reversed { (self.literal.as_str(), value) } else { (value, self.literal.as_str()) };
        match self.operator {
            Compare::In => right.contains(left).into(),
            Compare::NotIn => (!right.contains(left)).into(),
            Compare::By(Operator::Equal | Operator::AtMost | Operator::AtLeast) => (left == right).into(),
            Compare::By(Operator::NotEqual) => (left != right).into(),
            Compare::By(Operator::Below | Operator::Above) => Truth::Violated,
            Compare::By(Operator::Compatible | Operator::Arbitrary) => Truth::Undecided,
        }
    }

    /// Compares with a version whose text is known.
    fn version(&self, text: &str, version: Option<&Version>) -> Truth {
        let Compare::By(operator) = self.operator else { return self.texts(text) };
        let turned;
        let (need, spelled, version) = if self.reversed {
            turned = (Need::of(operator, text), parse_version(&self.literal));
            (&turned.0, self.literal.as_str(), turned.1.as_ref())
        } else {
            (&self.need, text, version)
        };
        match need {
            Need::Text => self.texts(text),
            Need::Spelled(bound) => spelled.eq_ignore_ascii_case(bound).into(),
            Need::Versions(set) => version.is_some_and(|version| set.contains(version)).into(),
            Need::Unclear => Truth::Undecided,
        }
    }

    /// Compares with a version of which only a range is known.
    fn versions(&self, known: &VersionSet) -> Truth {
        let Compare::By(operator) = self.operator else { return Truth::Undecided };
        let operator = match (operator, self.reversed) {
            (Operator::Arbitrary, _) | (Operator::Compatible, true) => return Truth::Undecided,
            (Operator::AtLeast, true) => Operator::AtMost,
            (Operator::AtMost, true) => Operator::AtLeast,
            (Operator::Above, true) => Operator::Below,
            (Operator::Below, true) => Operator::Above,
            (operator, _) => operator,
        };
        let turned;
        let need = if self.reversed {
            turned = Need::of(operator, &self.literal);
            &turned
        } else {
            &self.need
        };
        if let Need::Versions(need) = need { known.within(need) } else { Truth::Undecided }
    }
}

impl Variable {
    /// Whether pip compares this variable as a version.
    fn is_version(self) -> bool {
        matches!(self, V::PythonVersion | V::PythonFullVersion | V::ImplementationVersion | V::PlatformRelease)
    }
}

/// What is known about one variable.
#[derive(Debug, Clone)]
enum Known {
    Text(String),
    Version(String, Option<Version>),
    Versions(VersionSet),
    Nothing,
}

impl Known {
    fn version(text: String) -> Known {
        let version = parse_version(&text);
        Known::Version(text, version)
    }

    fn text(text: &str) -> Known {
        Known::Text(text.to_owned())
    }
}

/// One possible machine: a value for each variable, as far as it is known.
#[derive(Debug, Clone)]
struct Setting {
    python_version: Known,
    python_full_version: Known,
    implementation_version: Known,
    os_name: Known,
    sys_platform: Known,
    platform_system: Known,
    platform_machine: Known,
    platform_python_implementation: Known,
    implementation_name: Known,
}

const UNKNOWN: Setting = Setting {
    python_version: Known::Nothing,
    python_full_version: Known::Nothing,
    implementation_version: Known::Nothing,
    os_name: Known::Nothing,
    sys_platform: Known::Nothing,
    platform_system: Known::Nothing,
    platform_machine: Known::Nothing,
    platform_python_implementation: Known::Nothing,
    implementation_name: Known::Nothing,
};

/// `platform_python_implementation` and `implementation_name` of the implementations that have both.
const IMPLEMENTATIONS: [(&str, &str); 5] = [
    ("CPython", "cpython"),
    ("PyPy", "pypy"),
    ("GraalVM", "graalpy"),
    ("Jython", "jython"),
    ("IronPython", "ironpython"),
];

/// `sys_platform`, `os_name` and `platform_system` belong together.
const SYSTEMS: [[&str; 3]; 3] =
    [["linux", "posix", "Linux"], ["win32", "nt", "Windows"], ["darwin", "posix", "Darwin"]];

impl Setting {
    fn value(&self, key: Variable) -> &Known {
        match key {
            V::PythonVersion => &self.python_version,
            V::PythonFullVersion => &self.python_full_version,
            V::ImplementationVersion => &self.implementation_version,
            V::OsName => &self.os_name,
            V::SysPlatform => &self.sys_platform,
            V::PlatformSystem => &self.platform_system,
            V::PlatformMachine => &self.platform_machine,
            V::PlatformPythonImplementation => &self.platform_python_implementation,
            V::ImplementationName => &self.implementation_name,
            V::PlatformRelease | V::PlatformVersion | V::Extra | V::Extras | V::DependencyGroups => &Known::Nothing,
        }
    }

    /// The machines that a target may be; several only where an architecture has a name for each system.
    fn of_target(target: &Target) -> Vec<Setting> {
        let mut setting = UNKNOWN.clone();
        if let Some(python) = &target.python {
            setting.set_python(python);
        }
        if let Some(written) = &target.implementation {
            let known = IMPLEMENTATIONS
                .iter()
                .find(|(long, short)| long.eq_ignore_ascii_case(written) || short.eq_ignore_ascii_case(written));
            let (long, short) = known.map_or((written.clone(), written.to_lowercase()), |(long, short)| {
                ((*long).to_owned(), (*short).to_owned())
            });
            if long == "CPython" {
                setting.implementation_version = setting.python_full_version.clone();
            }
            setting.platform_python_implementation = Known::Text(long);
            setting.implementation_name = Known::Text(short);
        }
        let system = target.os.as_deref().map(str::to_lowercase);
        let system = match system.as_deref() {
            Some("linux") => Some(0),
            Some("windows" | "win32") => Some(1),
            Some("macos" | "darwin") => Some(2),
            _ => None,
        };
        if let Some([platform, name, long]) = system.map(|at| SYSTEMS[at]) {
            setting.sys_platform = Known::text(platform);
            setting.os_name = Known::text(name);
            setting.platform_system = Known::text(long);
        }
        let Some(machine) = &target.machine else { return vec![setting] };
        machine_names(machine, system)
            .into_iter()
            .map(|name| Setting { platform_machine: Known::Text(name), ..setting.clone() })
            .collect()
    }

    fn set_python(&mut self, python: &PythonVersion) {
        let parts = python.number().parts();
        let prefix = python.number().prefix(2);
        self.python_version = match parts.len() {
            1 => Known::Versions(released(parts)),
            _ => Known::version(prefix.to_string()),
        };
        self.python_full_version =
            if parts.len() >= 3 { Known::version(python.to_string()) } else { Known::Versions(released(parts)) };
    }
}

/// All releases that begin with these parts, pre-releases left out.
fn released(parts: &[u32]) -> VersionSet {
    let text = |parts: &[u32]| parts.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let mut next = parts.to_vec();
    if let Some(last) = next.last_mut() {
        *last += 1;
    }
    format!(">={},<{}", text(parts), text(&next)).parse().unwrap_or_else(|_| VersionSet::all())
}

/// What `platform_machine` may say on a machine of this architecture, by position in [`SYSTEMS`].
fn machine_names(written: &str, system: Option<usize>) -> Vec<String> {
    let names: &[&str] = match (written.to_lowercase().as_str(), system) {
        ("x86_64" | "amd64" | "x64" | "x86-64", Some(1)) => &["AMD64"],
        ("x86_64" | "amd64" | "x64" | "x86-64", Some(_)) => &["x86_64"],
        ("x86_64" | "amd64" | "x64" | "x86-64", None) => &["x86_64", "AMD64"],
        ("aarch64" | "arm64", Some(0)) => &["aarch64"],
        ("aarch64" | "arm64", Some(1)) => &["ARM64"],
        ("aarch64" | "arm64", Some(_)) => &["arm64"],
        ("aarch64" | "arm64", None) => &["aarch64", "arm64", "ARM64"],
        _ => &[],
    };
    if names.is_empty() { vec![written.to_owned()] } else { names.iter().map(|it| (*it).to_owned()).collect() }
}

/// A name in normal form; texts that are no names are only lowered.
fn normalised(text: &str) -> String {
    super::PackageName::new(text).map_or_else(|_| text.to_lowercase(), |name| name.as_str().to_owned())
}

/// What two markers compare with, by variable.
#[derive(Default)]
struct Literals {
    comparisons: usize,
    variables: BTreeSet<Variable>,
    versions: BTreeSet<[u32; 3]>,
    systems: [BTreeSet<String>; 3],
    machines: BTreeSet<String>,
    implementations: [BTreeSet<String>; 2],
    extras: BTreeSet<String>,
}

impl Literals {
    fn add(&mut self, key: Variable, comparison: &Comparison) {
        let text = comparison.literal.as_str();
        let words = || {
            let inner =
                text.split(|it: char| !(it.is_alphanumeric() || "_.-".contains(it))).filter(|it| !it.is_empty());
            std::iter::once(text).chain(inner).map(str::to_owned)
        };
        self.variables.insert(key);
        match key {
            V::PythonVersion | V::PythonFullVersion => {
                for number in text.split(|it: char| !(it.is_ascii_digit() || it == '.')) {
                    let mut parts = number.split('.').filter_map(|it| it.parse::<u32>().ok());
                    if let Some(major) = parts.next() {
                        self.versions.insert([major, parts.next().unwrap_or(0), parts.next().unwrap_or(0)]);
                    }
                }
            }
            V::SysPlatform | V::OsName | V::PlatformSystem => {
                let at = [V::SysPlatform, V::OsName, V::PlatformSystem].iter().position(|it| *it == key).unwrap_or(0);
                self.systems[at].extend(words());
            }
            V::PlatformMachine => {
                self.machines.extend(words());
            }
            V::PlatformPythonImplementation | V::ImplementationName => {
                self.implementations[usize::from(key == V::ImplementationName)].extend(words());
            }
            V::Extra | V::Extras => self.extras.extend(words()),
            // Nothing is ever known about these, so comparisons with them stay undecided.
            V::ImplementationVersion | V::PlatformRelease | V::PlatformVersion | V::DependencyGroups => {}
        }
    }

    /// One target of every kind that the literals tell apart, and every set of extras; empty if there are too many.
    fn samples(&self) -> (Vec<Setting>, Vec<Vec<String>>) {
        if self.extras.len() > 6 {
            return (Vec::new(), Vec::new());
        }
        let names: Vec<&String> = self.extras.iter().collect();
        let extras = (0..1_usize << names.len())
            .map(|chosen| {
                let taken = names.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
                taken.map(|(_, name)| (*name).clone()).collect()
            })
            .collect();
        let about = |some: &[Variable]| some.iter().any(|it| self.variables.contains(it));
        let mut settings = vec![UNKNOWN.clone()];
        if about(&[V::PythonVersion, V::PythonFullVersion]) {
            multiply(&mut settings, &self.pythons(), |setting, [major, minor, patch]| {
                setting.python_version = Known::version(format!("{major}.{minor}"));
                setting.python_full_version = Known::version(format!("{major}.{minor}.{patch}"));
            });
        }
        if about(&[V::SysPlatform, V::OsName, V::PlatformSystem]) {
            multiply(&mut settings, &self.systems(), |setting, [platform, name, long]| {
                setting.sys_platform = Known::text(platform);
                setting.os_name = Known::text(name);
                setting.platform_system = Known::text(long);
            });
        }
        if about(&[V::PlatformMachine]) {
            let mut machines: Vec<String> = self.machines.iter().cloned().collect();
            machines.push("\u{0}".to_owned());
            multiply(&mut settings, &machines, |setting, machine| setting.platform_machine = Known::text(machine));
        }
        if about(&[V::PlatformPythonImplementation, V::ImplementationName]) {
            let mut all: Vec<[String; 2]> =
                IMPLEMENTATIONS.iter().map(|(long, short)| [(*long).to_owned(), (*short).to_owned()]).collect();
            all.extend(self.implementations[0].iter().map(|long| [long.clone(), "\u{0}".to_owned()]));
            all.extend(self.implementations[1].iter().map(|short| ["\u{0}".to_owned(), short.clone()]));
            all.push(["\u{0}".to_owned(), "\u{0}".to_owned()]);
            multiply(&mut settings, &all, |setting, [long, short]| {
                setting.platform_python_implementation = Known::text(long);
                setting.implementation_name = Known::text(short);
            });
        }
        (settings, extras)
    }

    /// Versions at, just before and just after each literal.
    fn pythons(&self) -> Vec<[u32; 3]> {
        let mut lines = BTreeSet::from([[2, 7], [3, 0], [3, 99], [4, 0]]);
        let mut patches = BTreeSet::from([0, 99]);
        for [major, minor, patch] in &self.versions {
            for minor in [minor.saturating_sub(1), *minor, minor.saturating_add(1)] {
                lines.insert([*major, minor]);
            }
            patches.extend([patch.saturating_sub(1), *patch, patch.saturating_add(1)]);
        }
        if lines.len().saturating_mul(patches.len()) > SAMPLE_LIMIT {
            return Vec::new();
        }
        lines.iter().flat_map(|[major, minor]| patches.iter().map(|patch| [*major, *minor, *patch])).collect()
    }

    fn systems(&self) -> Vec<[String; 3]> {
        let mut all: Vec<[String; 3]> = SYSTEMS.iter().map(|row| row.map(str::to_owned)).collect();
        let others = |at: usize, more: &[&str]| {
            let mut names: BTreeSet<String> = more.iter().map(|it| (*it).to_owned()).collect();
            let known = |it: &String| SYSTEMS.iter().any(|row| row[at] == it.as_str());
            names.extend(self.systems[at].iter().filter(|it| !known(it)).cloned());
            names
        };
        let (platforms, names, longs) = (others(0, &["\u{0}"]), others(1, &["posix", "java"]), others(2, &["\u{0}"]));
        for platform in &platforms {
            for name in &names {
                for long in &longs {
                    if all.len() <= SAMPLE_LIMIT {
                        all.push([platform.clone(), name.clone(), long.clone()]);
                    }
                }
            }
        }
        all
    }
}

fn multiply<T>(settings: &mut Vec<Setting>, values: &[T], set: impl Fn(&mut Setting, &T)) {
    if settings.len().saturating_mul(values.len()) > SAMPLE_LIMIT {
        settings.clear();
        return;
    }
    *settings = settings
        .iter()
        .flat_map(|setting| {
            values.iter().map(|value| {
                let mut setting = setting.clone();
                set(&mut setting, value);
                setting
            })
        })
        .collect();
}

/// Reads the grammar that pip's own library reads.
struct Parser<'a> {
    text: &'a str,
    at: usize,
}

enum Operand {
    Variable(Variable, &'static str),
    Text(String),
}

impl Parser<'_> {
    fn expected(&self, what: &str) -> MarkerError {
        let rest = &self.text[self.at..];
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        MarkerError { span: Span::new(self.at, self.at + length), message: format!("expected {what}") }
    }

    fn blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn any(&mut self, depth: usize) -> Result<Node, MarkerError> {
        let mut groups = vec![vec![self.atom(depth)?]];
        loop {
            if self.word("or") {
                groups.push(vec![self.atom(depth)?]);
            } else if self.word("and") {
                let atom = self.atom(depth)?;
                if let Some(group) = groups.last_mut() {
                    group.push(atom);
                }
            } else {
                break;
            }
        }
        let single = |mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node| {
            if nodes.len() == 1 { nodes.remove(0) } else { many(nodes) }
        };
        Ok(single(groups.into_iter().map(|group| single(group, Node::All)).collect(), Node::Any))
    }

    fn atom(&mut self, depth: usize) -> Result<Node, MarkerError> {
        self.blanks();
        let node = if self.text[self.at..].starts_with('(') {
            if depth >= DEPTH_LIMIT {
                return Err(self.expected(&format!("at most {DEPTH_LIMIT} parentheses inside each other")));
            }
            self.at += 1;
            let node = self.any(depth + 1)?;
            if !self.text[self.at..].starts_with(')') {
                return Err(self.expected("`and`, `or` or a closing parenthesis"));
            }
            self.at += 1;
            node
        } else {
            self.comparison()?
        };
        self.blanks();
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, MarkerError> {
        let left = self.operand()?;
        self.blanks();
        let operator = self.operator()?;
        self.blanks();
        let right = self.operand()?;
        self.blanks();
        let (key, literal, reversed) = match (left, right) {
            (Operand::Variable(key, _), Operand::Text(text)) => (Some(key), text, false),
            (Operand::Variable(key, _), Operand::Variable(_, name)) => (Some(key), name.to_owned(), false),
            (Operand::Text(text), Operand::Variable(key, _)) => (Some(key), text, true),
            (Operand::Text(text), Operand::Text(_)) => (None, text, false),
        };
        let literal = if matches!(key, Some(V::Extra | V::Extras | V::DependencyGroups)) {
            normalised(&literal)
        } else {
            literal
        };
        let need = match (key, operator) {
            (Some(key), Compare::By(operator)) if key.is_version() && !reversed => Need::of(operator, &literal),
            _ => Need::Text,
        };
        Ok(Node::Compare(Comparison { key, operator, literal, reversed, need }))
    }

    fn operand(&mut self) -> Result<Operand, MarkerError> {
        for (name, variable) in VARIABLES {
            if self.word(name) {
                return Ok(Operand::Variable(variable, name));
            }
        }
        let rest = &self.text[self.at..];
        let quote = rest.chars().next().filter(|it| matches!(it, '\'' | '"'));
        let Some(quote) = quote else { return Err(self.expected("a marker variable or a quoted text")) };
        let Some(length) = rest[1..].find(quote) else {
            return Err(self.expected("a text with a closing quote"));
        };
        let Some(text) = unescaped(&rest[1..=length]) else {
            return Err(self.expected("a text without broken escapes"));
        };
        self.at += length + 2;
        Ok(Operand::Text(text))
    }

    fn operator(&mut self) -> Result<Compare, MarkerError> {
        if self.word("in") {
            return Ok(Compare::In);
        }
        if self.word("not") {
            let before = self.at;
            self.blanks();
            if self.at > before && self.word("in") {
                return Ok(Compare::NotIn);
            }
            return Err(self.expected("`in` after `not`"));
        }
        let Some(operator) = Operator::at_start(&self.text[self.at..]) else {
            return Err(self.expected("`<=`, `<`, `!=`, `==`, `>=`, `>`, `~=`, `===`, `in` or `not in`"));
        };
        self.at += operator.as_str().len();
        Ok(Compare::By(operator))
    }

    /// Takes a word that is not part of a longer one.
    fn word(&mut self, word: &str) -> bool {
        let letter = |it: char| it.is_alphanumeric() || it == '_';
        let (before, rest) = self.text.split_at(self.at);
        let Some(after) = rest.strip_prefix(word) else { return false };
        let whole = !before.ends_with(letter) && !after.starts_with(letter);
        if whole {
            self.at += word.len();
        }
        whole
    }
}

/// Resolves the escapes of a Python string; `None` where Python refuses it.
fn unescaped(text: &str) -> Option<String> {
    if text.contains(['\0', '\n', '\r']) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let code = rest.chars().next()?;
        let after = &rest[code.len_utf8()..];
        let number = |digits: usize| after.get(..digits).and_then(|it| u32::from_str_radix(it, 16).ok());
        let (character, length) = match code {
            '\\' | '\'' | '"' => (code, 1),
            'a' => ('\u{7}', 1),
            'b' => ('\u{8}', 1),
            'f' => ('\u{c}', 1),
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            'v' => ('\u{b}', 1),
            'x' => (char::from_u32(number(2)?)?, 3),
            'u' => (char::from_u32(number(4)?)?, 5),
            'U' => (char::from_u32(number(8)?)?, 9),
            '0'..='7' => {
                let length = rest.bytes().take(3).take_while(|it| (b'0'..=b'7').contains(it)).count();
                (char::from_u32(u32::from_str_radix(&rest[..length], 8).ok()?)?, length)
            }
            // Python keeps the backslash of an escape that it does not know.
            _ => ('\\', 0),
        };
        out.push(character);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Truth::{Holds, Undecided, Violated};

    fn target(python: &str) -> Target {
        Target {
            python: python.parse().ok(),
            implementation: Some("CPython".into()),
            os: Some("linux".into()),
            machine: Some("x86_64".into()),
        }
    }

    fn verdict(marker: &str, python: &str) -> Truth {
        Marker::parse(marker).unwrap().evaluate(&target(python), &[])
    }

    #[test]
    fn a_known_target_decides() {
        for (marker, expected) in [
            ("python_version < '3.8'", Violated),
            ("python_version>=\"3.8\"", Holds),
            ("\"3.8\" <= python_version", Holds),
            ("'3.11.*' == python_version", Violated),
            ("python_version == '3.11.*'", Holds),
            ("python_version in '3.10, 3.11'", Holds),
            ("python_version not in '3.10 3.11'", Violated),
            ("python_version ~= '3.8'", Holds),
            ("python_version === '3.11'", Holds),
            ("python_full_version >= '3.11.9' and python_full_version < '3.11.10'", Holds),
            ("implementation_version > '3.11.8'", Holds),
            ("os_name == 'posix' and os.name != 'nt'", Holds),
            ("sys_platform == 'linux' and sys.platform != \"win32\"", Holds),
            ("'linux' in sys_platform", Holds),
            ("sys_platform in 'linux darwin'", Holds),
            ("platform_system == 'Linux' and platform_machine == 'x86_64'", Holds),
            ("platform.machine in 'x86_64 X86_64 aarch64'", Holds),
            ("platform_python_implementation == 'CPython'", Holds),
            ("platform.python_implementation != 'CPython'", Violated),
            ("python_implementation == 'CPython' and implementation_name == 'cpython'", Holds),
            ("sys_platform < 'windows'", Violated),
            ("sys_platform >= 'linux'", Holds),
            ("sys_platform ~= 'linux'", Undecided),
            ("platform_release >= '5'", Undecided),
            ("platform_version == '1' or python_version > '3'", Holds),
            ("platform_version == '1' and python_version < '3'", Violated),
            ("'a' == 'a'", Undecided),
            ("os_name == sys_platform", Violated),
            ("python_version >= 'abc'", Violated),
            ("python_version == 'abc' or (python_version >= '3.9' and (os_name == 'posix'))", Holds),
            ("dependency_groups == 'x'", Undecided),
        ] {
            assert_eq!(verdict(marker, "3.11.9"), expected, "{marker}");
        }
    }

    #[test]
    fn a_python_known_in_part_decides_only_what_it_can() {
        for (marker, expected) in [
            ("python_full_version >= '3.11.4'", Undecided),
            ("python_full_version >= '3.10'", Holds),
            ("python_full_version >= '3.11'", Holds),
            ("python_full_version < '3.11'", Violated),
            ("python_full_version == '3.11.*'", Holds),
            ("python_full_version < '3.12'", Holds),
            ("'3.11.4' <= python_full_version", Undecided),
            ("'3.12' > python_full_version", Holds),
            ("python_version == '3.11'", Holds),
            ("python_full_version in '3.11.4'", Undecided),
        ] {
            assert_eq!(verdict(marker, "3.11"), expected, "{marker}");
        }
        assert_eq!(verdict("python_version >= '3'", "3"), Holds);
        assert_eq!(verdict("python_version < '3'", "3"), Violated);
        assert_eq!(verdict("python_version >= '3.9'", "3"), Undecided);
        assert_eq!(verdict("python_version >= '3.9'", "none"), Undecided);
    }

    #[test]
    fn an_unknown_target_decides_nothing_and_architectures_have_several_names() {
        let marker = |text: &str, target: &Target| Marker::parse(text).unwrap().evaluate(target, &[]);
        assert_eq!(marker("sys_platform == 'linux'", &Target::default()), Undecided);
        let arm = Target { machine: Some("arm64".into()), ..Target::default() };
        assert_eq!(marker("platform_machine == 'aarch64'", &arm), Undecided);
        assert_eq!(marker("platform_machine in 'aarch64 arm64 ARM64'", &arm), Holds);
        assert_eq!(
            marker("platform_machine == 'aarch64' or platform_machine == 'arm64' or platform_machine == 'ARM64'", &arm),
            Holds
        );
        assert_eq!(marker("platform_machine == 'x86_64'", &arm), Violated);
        let windows = Target { os: Some("windows".into()), machine: Some("x86_64".into()), ..Target::default() };
        assert_eq!(marker("platform_machine == 'AMD64' and os_name == 'nt'", &windows), Holds);
        let docker = Target { os: Some("linux".into()), machine: Some("amd64".into()), ..Target::default() };
        assert_eq!(marker("platform_machine == 'x86_64'", &docker), Holds);
    }

    #[test]
    fn extras_hold_one_at_a_time() {
        let verdict = |text: &str, extras: &[&str]| Marker::parse(text).unwrap().evaluate(&target("3.11.9"), extras);
        assert_eq!(verdict("extra == 'gpu'", &[]), Violated);
        assert_eq!(verdict("extra == 'Gpu_All'", &["gpu.all"]), Holds);
        assert_eq!(verdict("'gpu' == extra", &["cpu", "gpu"]), Holds);
        assert_eq!(verdict("extra == 'a' and extra == 'b'", &["a", "b"]), Violated);
        assert_eq!(verdict("(python_version < '3.12' or extra == 'gpu') and sys_platform != \"win32\"", &[]), Holds);
        assert_eq!(verdict("'gpu' in extras", &["gpu"]), Holds);
        assert_eq!(verdict("'gpu' not in extras", &[]), Holds);
        assert!(Marker::parse("'x' in extras").unwrap().is_about_extra());
        assert!(!Marker::parse("os_name == 'extra'").unwrap().is_about_extra());
    }

    #[test]
    fn disjoint_markers_are_recognised() {
        let disjoint = |a: &str, b: &str| Marker::parse(a).unwrap().disjoint(&Marker::parse(b).unwrap());
        for (a, b) in [
            ("sys_platform == 'linux'", "sys_platform != 'linux'"),
            ("python_version < '3.9'", "python_version >= '3.9'"),
            ("python_full_version < '3.11'", "python_full_version >= '3.11'"),
            ("python_full_version < '3.11'", "python_version >= '3.11'"),
            ("python_full_version == '3.11.*'", "python_full_version >= '3.12'"),
            ("os_name == 'nt'", "sys_platform == 'linux'"),
            (
                "platform_machine == 'aarch64' and sys_platform == 'linux'",
                "platform_machine != 'aarch64' or sys_platform != 'linux'",
            ),
            ("implementation_name == 'pypy'", "platform_python_implementation == 'CPython'"),
            ("python_version in '3.6 3.7'", "python_version >= '3.8'"),
            ("extra == 'cpu'", "python_version < '3' and python_version > '3'"),
            ("platform_system == 'Darwin'", "platform_system == 'Linux' and platform_release == '5'"),
        ] {
            assert_eq!(disjoint(a, b), Holds, "{a} / {b}");
            assert_eq!(disjoint(b, a), Holds, "{b} / {a}");
        }
        for (a, b) in [
            ("sys_platform == 'linux'", "sys_platform != 'win32'"),
            ("python_version < '3.10'", "python_version >= '3.9'"),
            ("python_version <= '3.9'", "python_full_version >= '3.9.5'"),
            ("extra == 'cpu'", "extra == 'gpu'"),
            ("platform_release == '5'", "platform_release != '5'"),
            ("os_name == 'posix'", "sys_platform == 'darwin'"),
            ("sys_platform == 'linux'", "platform_machine == 'arm64'"),
        ] {
            assert_eq!(disjoint(a, b), Undecided, "{a} / {b}");
        }
    }

    #[test]
    fn alternatives_that_leave_nothing_out_always_hold() {
        let always = |text: &str| Marker::parse(text).unwrap().always();
        for text in [
            "python_full_version < '3.11' or python_full_version >= '3.11'",
            "python_full_version >= '3.12' or python_full_version == '3.11.*' or python_full_version < '3.11'",
            "sys_platform == 'win32' or sys_platform != 'win32'",
            "extra == 'x' or extra != 'x'",
        ] {
            assert_eq!(always(text), Truth::Holds, "{text}");
        }
        for text in [
            "python_version >= '2.0'",
            "python_full_version < '3.11' or python_full_version >= '3.11.1'",
            "python_full_version < '3.11' or python_full_version >= '3.12'",
            "sys_platform == 'win32' or sys_platform == 'linux' or sys_platform == 'darwin'",
            "extra == 'x' or sys_platform != 'win32'",
            "platform_version == '1' or platform_version != '1'",
        ] {
            assert_eq!(always(text), Truth::Undecided, "{text}");
        }
    }

    #[test]
    fn joined_markers_are_markers() {
        let parsed = |text: &str| Marker::parse(text).unwrap();
        let (a, b) = (parsed("os_name == 'nt' or extra == 'x'"), parsed("python_version < '3.9'"));
        let both = Marker::all(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(both.to_string(), "(os_name == 'nt' or extra == 'x') and python_version < '3.9'");
        assert_eq!(parsed(&both.to_string()), both);
        let either = Marker::any(&[both.clone(), a.clone(), b, Marker::undecidable()]).unwrap();
        assert_eq!(parsed(&either.to_string()).evaluate(&Target::default(), &[]), Truth::Undecided);
        assert_eq!((Marker::all(&[]), Marker::any(std::slice::from_ref(&a))), (None, Some(a)));
        assert_eq!(parsed(&Marker::undecidable().to_string()), Marker::undecidable());
    }

    #[test]
    fn what_is_no_marker_is_refused_with_its_place() {
        for (text, from, said) in [
            ("", 0, "expected a marker variable or a quoted text"),
            ("python_versio > '3'", 0, "expected a marker variable or a quoted text"),
            ("python_version", 14, "expected `<=`"),
            ("python_version > 3", 17, "expected a marker variable or a quoted text"),
            ("python_version > '3", 17, "expected a text with a closing quote"),
            ("(os_name == 'a'", 15, "expected `and`, `or` or a closing parenthesis"),
            ("os_name == 'a' os_name", 15, "expected `and`, `or` or the end"),
            ("os_name not 'a'", 12, "expected `in` after `not`"),
            ("os_name notin 'a'", 8, "expected `<=`"),
            ("os_name == 'a\\x1'", 11, "expected a text without broken escapes"),
            ("os_name = 'a'", 8, "expected `<=`"),
        ] {
            let fault = Marker::parse(text).unwrap_err();
            assert_eq!(fault.span.start, from, "{text}");
            assert!(fault.message.starts_with(said), "{text}: {fault}");
        }
        let deep = format!("{}os_name == 'a'{}", "(".repeat(200_000), ")".repeat(200_000));
        assert!(Marker::parse(&deep).is_err());
        let deep = format!("{}os_name == 'a'{}", "(".repeat(200), ")".repeat(200));
        assert!(Marker::parse(&deep).unwrap_err().message.contains("parentheses"));
        assert_eq!(Marker::parse("  os_name  ==  'a\\'  ").map_err(|it| it.span.start), Err(15));
    }

    proptest! {
        #[test]
        fn never_panics_and_faults_lie_inside(text in "([a-z_.]{1,8}|'[0-9.]{0,4}'|\\PC|[()<>=!~ ]|python_version|extra| and | or | not in )*") {
            match Marker::parse(&text) {
                Ok(marker) => {
                    let _ = marker.evaluate(&target("3.11"), &["a"]);
                    let _ = marker.disjoint(&marker);
                }
                Err(fault) => prop_assert!(text.get(fault.span.start..fault.span.end).is_some()),
            }
        }

        #[test]
        fn a_marker_is_never_disjoint_from_itself_where_it_holds(minor in 6..14_u32, operator in "<|<=|==|!=|>=|>|~=") {
            let text = format!("python_version {operator} '3.{minor}' and sys_platform == 'linux'");
            let marker = Marker::parse(&text).unwrap();
            for known in 6..14 {
                if marker.evaluate(&target(&format!("3.{known}")), &[]).holds() {
                    prop_assert_eq!(marker.disjoint(&marker), Undecided);
                }
            }
        }
    }
}
