//! Kernels of ONNX Runtime: which operators a provider computes, for which element types, release by release.

use super::{Counts, Knowledge, Provenance, Release, RowFault, in_run, run_covers, run_fault, runs_meet};
use crate::version::Version;

/// An execution provider whose kernels are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// The processor; every build has it.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
}

/// The operator sets that a kernel is registered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opsets {
    first: i64,
    /// `None` where no end is named.
    last: Option<i64>,
}

impl Opsets {
    /// Whether the kernel serves the version of an operator that an operator set brought.
    ///
    /// A kernel without an end serves just the version that it is registered for: ONNX Runtime cannot know whether a later
    /// version still means the same (`KernelRegistry::VerifyKernelDef`).
    #[must_use]
    pub fn serve(self, since: i64) -> bool {
        since == self.first || self.last.is_some_and(|last| self.first < since && since <= last)
    }
}

impl std::str::FromStr for Opsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number =
            |text: &str| text.parse::<i64>().map_err(|_| format!("expected `13+`, `6-12` or `24`, found `{text}`"));
        if let Some(first) = text.strip_suffix('+') {
            return Ok(Opsets { first: number(first)?, last: None });
        }
        match text.split_once('-') {
            Some((first, last)) => Ok(Opsets { first: number(first)?, last: Some(number(last)?) }),
            None => number(text).map(|only| Opsets { first: only, last: Some(only) }),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Opsets {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

rows! {
    /// A kernel over a run of minor releases.
    pub struct Kernel {
        /// The operator.
        pub name: String,
        /// Its domain; the default one is `ai.onnx`.
        pub domain: String,
        /// Who computes it.
        pub provider: Provider,
        /// The operator sets whose versions of the operator it serves.
        pub opsets: Opsets,
        /// The first release.
        pub first: Release,
        /// The last release, a prefix.
        pub last: Release,
        /// Type constraints with the element types that it takes: `T=f64,f32`.
        pub types: Vec<String>,
    }
    impl {
        const COUNTS: Counts = Counts::All;

        fn touches(&self, built_in: &Self) -> bool {
            self.is_about_the_same(built_in) && runs_meet((&self.first, &self.last), (&built_in.first, &built_in.last))
        }

        fn replaces(&self, built_in: &Self) -> bool {
            self.is_about_the_same(built_in) && run_covers((&self.first, &self.last), (&built_in.first, &built_in.last))
        }

        fn fault(&self) -> Option<RowFault> {
            let wrong = self.types.iter().find(|types| !types.contains('='));
            let message = |types: &String| RowFault::new("types", format!("expected texts such as `T=f64,f32`, found `{types}`"));
            wrong.map(message).or_else(|| run_fault(&self.first, &self.last))
        }
    }
}

rows! {
    /// An element type that not every release can carry.
    pub struct ElementType {
        /// The type, such as `int4`.
        pub name: String,
        /// The first release that carries it; absent where none is known to.
        pub first: Option<Release>,
    }
    impl {
        fn replaces(&self, built_in: &Self) -> bool {
            self.name == built_in.name
        }
    }
}

impl Kernel {
    fn is_about_the_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.provider == other.provider
            && self.opsets == other.opsets
    }

    /// Whether it takes an element type for a constraint; what it does not constrain it takes.
    fn takes(&self, constraint: &str, element: &str) -> bool {
        let list = self.types.iter().find_map(|types| types.split_once('=').filter(|(name, _)| *name == constraint));
        list.is_none_or(|(_, list)| list.split(',').any(|known| known == short(element)))
    }

    fn takes_all(&self, types: &[(String, String)]) -> bool {
        types.iter().all(|(constraint, element)| self.takes(constraint, element))
    }
}

/// The short word of the table for an element type.
fn short(element: &str) -> &str {
    match element {
        "float32" => "f32",
        "float64" => "f64",
        "float16" => "f16",
        "bfloat16" => "bf16",
        "string" => "str",
        "int2" => "i2",
        "int4" => "i4",
        "int8" => "i8",
        "int16" => "i16",
        "int32" => "i32",
        "int64" => "i64",
        "uint2" => "u2",
        "uint4" => "u4",
        "uint8" => "u8",
        "uint16" => "u16",
        "uint32" => "u32",
        "uint64" => "u64",
        "float4e2m1" => "f4e2m1",
        "float8e4m3fn" => "f8e4m3fn",
        "float8e4m3fnuz" => "f8e4m3fnuz",
        "float8e5m2" => "f8e5m2",
        "float8e5m2fnuz" => "f8e5m2fnuz",
        "float8e8m0" => "f8e8m0",
        other => other,
    }
}

/// Operators that certain functions are made of, those with kernels for few types: what ONNX Runtime 1.15 to 1.32 missed when
/// it took the functions apart (`fixtures/onnx-load`).
const BODIES: [(&str, &[&str]); 12] = [
    ("Attention", &["Expand"]),
    ("Gelu", &["Erf", "Sqrt"]),
    ("GreaterOrEqual", &["Greater"]),
    ("GroupNormalization", &["Mul"]),
    ("HardSwish", &["HardSigmoid"]),
    ("LayerNormalization", &["Mul"]),
    ("LessOrEqual", &["Less"]),
    ("LogSoftmax", &["ReduceMax"]),
    ("Mish", &["Softplus"]),
    ("RMSNormalization", &["Mul"]),
    ("RotaryEmbedding", &["Mul"]),
    ("Softmax", &["ReduceMax"]),
];

/// Constraints of outputs that no input has: where these are float16, nothing is cast.
const MADE: [(&str, &str); 10] = [
    ("Bernoulli", "T2"),
    ("ConstantOfShape", "T2"),
    ("EyeLike", "T2"),
    ("HannWindow", "T2"),
    ("MelWeightMatrix", "T3"),
    ("Multinomial", "T2"),
    ("RandomNormal", "T"),
    ("RandomNormalLike", "T2"),
    ("RandomUniform", "T"),
    ("RandomUniformLike", "T2"),
];

/// The minor release that took apart every function for whose element types it has no kernel; others leave some whole.
const UNPACKING: [u64; 2] = [1, 14];

/// What ends the process, or leaves types that do not fit, where that release takes it apart (`type/` of
/// `fixtures/onnx-load`).
const BROKEN_UNPACKED: [&str; 5] = ["Elu", "HardSigmoid", "Selu", "Softplus", "Softsign"];

/// One use of an operator.
#[derive(Debug, Clone, Copy)]
pub struct Usage<'a> {
    /// Its domain.
    pub domain: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The operator set that brought its version.
    pub since: i64,
    /// Its type constraints with their element types, as far as they are known.
    pub types: &'a [(String, String)],
    /// Whether it may also be computed by other operators.
    pub is_function: bool,
}

/// Whether a provider of a release computes an operator.
#[derive(Debug, Clone, PartialEq)]
pub enum Computes {
    /// It does, or it may.
    Yes,
    /// Once its float16 values are cast to float32.
    ByCast,
    /// Not this version of the operator.
    NoKernel(Provenance),
    /// Not for these element types.
    NoKernelForTypes(Provenance),
    /// No table says.
    Unknown,
}

impl Knowledge {
    /// Whether a provider of an ONNX Runtime release computes an operator as it is used.
    #[must_use]
    pub fn computes(&self, provider: Provider, release: &Version, usage: Usage<'_>) -> Computes {
        let table = &self.onnxruntime_kernel;
        // A constant becomes a weight and the shape of a value is often known beforehand: nothing is left to compute.
        let folded = usage.domain == "ai.onnx" && ["Constant", "Shape"].contains(&usage.name);
        if folded
            || !self.kernels_are_known(provider, release)
            || usage.domain == "ai.onnx"
                && usage.since < 17
                && self.runtime_operator(usage.name, crate::version::Opset(usage.since))
        {
            return Computes::Unknown;
        }
        let of_release = |row: &&Kernel| row.provider == provider && in_run(release, &row.first.0, &row.last.0);
        let rows = table.rows_over(usage.name, release).filter(|row| row.domain == usage.domain).filter(of_release);
        let serving: Vec<&Kernel> = rows.filter(|row| row.opsets.serve(usage.since)).collect();
        if serving.iter().any(|row| row.takes_all(usage.types)) {
            return Computes::Yes;
        }
        let unpacks = provider == Provider::Cpu && release.release().starts_with(&UNPACKING);
        if unpacks && usage.name == "Clip" && usage.types.iter().all(|(_, element)| element != "bfloat16") {
            return Computes::Unknown;
        }
        if usage.is_function {
            return self.body(provider, release, usage);
        }
        let Some(row) = serving.first() else { return Computes::NoKernel(self.kernels_witness(provider)) };
        // float16 is cast to float32 where only that has a kernel.
        let wide: Vec<(String, String)> = usage
            .types
            .iter()
            .map(|(name, element)| {
                (name.clone(), if element == "float16" { "float32".to_owned() } else { element.clone() })
            })
            .collect();
        let is_taken =
            |(name, element): &(String, String)| element == "float16" && !MADE.contains(&(usage.name, name.as_str()));
        let breaks = unpacks && BROKEN_UNPACKED.contains(&usage.name) || !usage.types.iter().any(is_taken);
        if wide != usage.types && !breaks && serving.iter().any(|row| row.takes_all(&wide)) {
            return Computes::ByCast;
        }
        Computes::NoKernelForTypes(table.provenance(row))
    }

    /// The row about an element type, if a release is known not to carry it.
    #[must_use]
    pub fn not_carried(&self, element: &str, release: &Version) -> Option<(&ElementType, Provenance)> {
        let table = &self.onnxruntime_element;
        let row = table.rows_of(element).next()?;
        row.first.as_ref().is_none_or(|first| *release < first.0).then(|| (row, table.provenance(row)))
    }

    /// Whether some release has a kernel of that name, on whatever provider.
    #[must_use]
    pub fn has_kernel(&self, domain: &str, name: &str) -> bool {
        self.onnxruntime_kernel.rows_of(name).any(|row| row.domain == domain)
    }

    /// A function is computed by the operators that it is made of, and some of these have kernels for few types.
    fn body(&self, provider: Provider, release: &Version, usage: Usage<'_>) -> Computes {
        // These become one operator whose versions came with the same operator sets.
        if usage.name == "SwiGLU" && usage.domain == "ai.onnx" {
            // Its function holds another one, Swish, which is not taken apart in turn.
            return Computes::NoKernel(self.kernels_witness(provider));
        }
        let one = match (usage.name, usage.since) {
            ("CastLike", 19..) => Some(Usage { name: "Cast", is_function: false, ..usage }),
            ("Bernoulli", 22..) => Some(Usage { name: "RandomUniformLike", types: &[], is_function: false, ..usage }),
            _ => None,
        };
        if let Some(inner) = one {
            return self.computes(provider, release, inner);
        }
        let Some((_, inner)) = BODIES.iter().find(|(name, _)| *name == usage.name) else { return Computes::Unknown };
        let Some((_, element)) = usage.types.iter().find(|(constraint, _)| constraint == "T" || constraint == "T1")
        else {
            return Computes::Unknown;
        };
        if element == "float16" {
            return Computes::Unknown;
        }
        for name in *inner {
            let rows = self.onnxruntime_kernel.rows_over(name, release);
            let of_release = |row: &&Kernel| {
                row.provider == provider && row.domain == "ai.onnx" && in_run(release, &row.first.0, &row.last.0)
            };
            let mut rows = rows.filter(of_release).peekable();
            if let Some(first) = rows.peek().copied()
                && !rows.any(|row| row.takes("T", element))
            {
                return Computes::NoKernelForTypes(self.onnxruntime_kernel.provenance(first));
            }
        }
        Computes::Unknown
    }

    /// Whether the table lists a provider's kernels of a release.
    #[must_use]
    pub fn kernels_are_known(&self, provider: Provider, release: &Version) -> bool {
        // Every release has kernels for it.
        let rows = self.onnxruntime_kernel.rows_over("Add", release).filter(|row| row.provider == provider);
        rows.into_iter().any(|row| in_run(release, &row.first.0, &row.last.0))
    }

    /// Who says that a kernel is missing altogether: the list that it is not in.
    #[must_use]
    pub fn kernels_witness(&self, provider: Provider) -> Provenance {
        let table = &self.onnxruntime_kernel;
        let row = table.rows_of("Add").find(|row| row.provider == provider);
        row.map_or_else(|| table.witness(), |row| table.provenance(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_an_end_serves_one_version_only() {
        let serve = |text: &str, since| text.parse::<Opsets>().unwrap().serve(since);
        assert!(serve("13+", 13) && !serve("13+", 19) && !serve("13+", 11));
        assert!(serve("6-12", 6) && serve("6-12", 9) && !serve("6-12", 13));
        assert!(serve("24", 24) && !serve("24", 25));
        assert!("x".parse::<Opsets>().is_err());
    }

    #[test]
    fn types_and_releases_decide() {
        let knowledge = Knowledge::built_in();
        let computes = |release: &str, name: &str, since, element: &str| {
            let types = [("T".to_owned(), element.to_owned())];
            let usage = Usage { domain: "ai.onnx", name, since, types: &types, is_function: false };
            knowledge.computes(Provider::Cpu, &release.parse().unwrap(), usage)
        };
        assert_eq!(computes("1.17.1", "Conv", 11, "float32"), Computes::Yes);
        assert_eq!(computes("1.17.1", "Conv", 11, "float16"), Computes::ByCast);
        assert!(matches!(computes("1.17.1", "Conv", 11, "bfloat16"), Computes::NoKernelForTypes(_)));
        assert!(matches!(computes("1.17.1", "Conv", 22, "float32"), Computes::NoKernel(_)));
        assert_eq!(computes("1.8.1", "Conv", 11, "bfloat16"), Computes::Unknown);
        assert_eq!(computes("99.0", "Conv", 11, "bfloat16"), Computes::Unknown);
    }

    #[test]
    fn every_list_of_types_is_understood() {
        for row in Knowledge::built_in().onnxruntime_kernel.rows() {
            assert!(
                row.types.iter().all(|types| types.split_once('=').is_some_and(|(_, list)| !list.is_empty())),
                "{}",
                row.name
            );
        }
    }
}
