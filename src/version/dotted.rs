//! Version numbers that are not PEP 440: dotted numbers known to some precision, and plain counters.
//!
//! `12` as a CUDA version means *some* 12.x, so a comparison with `12.4` is undecided. Each kind has its own type, so
//! that a driver is never compared with a toolkit.

use std::{
    cmp::Ordering,
    fmt::{self, Write as _},
    str::FromStr,
};

use super::Truth;

/// Text that is not a version of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseVersionError {
    found: String,
    expected: &'static str,
}

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found `{}`", self.expected, self.found)
    }
}

impl std::error::Error for ParseVersionError {}

/// Numbers separated by dots, known to as many parts as were written. At most six parts.
///
/// The order is that of the written parts (`12 < 12.0 < 12.1`); it serves sorting. Verdicts use [`Dotted::at_least`]
/// and [`Dotted::same`], which know about missing parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dotted {
    parts: Vec<u32>,
}

impl Dotted {
    /// From parts; `None` if there are none.
    #[must_use]
    pub fn new(parts: &[u32]) -> Option<Self> {
        (!parts.is_empty()).then(|| Dotted { parts: parts.to_vec() })
    }

    /// Parses `1.2.3`; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<u32> = text
            .split('.')
            .map(|part| {
                let plain = !part.is_empty() && part.len() <= 9 && part.bytes().all(|byte| byte.is_ascii_digit());
                if plain { part.parse().ok() } else { None }
            })
            .collect::<Option<_>>()?;
        (parts.len() <= 6).then_some(Dotted { parts })
    }

    /// The written parts, at least one.
    #[must_use]
    pub fn parts(&self) -> &[u32] {
        &self.parts
    }

    /// The first part.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.parts[0]
    }

    /// The second part, where it is known.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        self.parts.get(1).copied()
    }

    /// The first `count` parts.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Dotted {
        Dotted { parts: self.parts[..count.clamp(1, self.parts.len())].to_vec() }
    }

    /// Whether this version is `floor` or newer. Undecided when the parts that would tell were not written.
    #[must_use]
    pub fn at_least(&self, floor: &Dotted) -> Truth {
        for (at, needed) in floor.parts.iter().enumerate() {
            match self.parts.get(at) {
                Some(found) => match found.cmp(needed) {
                    Ordering::Greater => return Truth::Holds,
                    Ordering::Less => return Truth::Violated,
                    Ordering::Equal => {}
                },
                // What is not written is at least zero.
                None if floor.parts[at..].iter().all(|part| *part == 0) => return Truth::Holds,
                None => return Truth::Undecided,
            }
        }
        Truth::Holds
    }

    /// Whether both are the same version as far as both are written (`12` and `12.4` are undecided).
    #[must_use]
    pub fn same(&self, other: &Dotted) -> Truth {
        if self.parts.iter().zip(&other.parts).any(|(a, b)| a != b) {
            Truth::Violated
        } else if self.parts.len() == other.parts.len() {
            Truth::Holds
        } else {
            Truth::Undecided
        }
    }

    /// Whether `other` begins with all parts of this one: `12.4` covers `12.4.1`.
    #[must_use]
    pub fn covers(&self, other: &Dotted) -> bool {
        other.parts.starts_with(&self.parts)
    }
}

impl fmt::Display for Dotted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

macro_rules! dotted {
    ($(#[$docs:meta])* $name:ident, $expected:literal, $accepts:expr) => {
        $(#[$docs])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Dotted);

        impl $name {
            /// The numbers.
            #[must_use]
            pub fn number(&self) -> &Dotted {
                &self.0
            }

            /// The first part.
            #[must_use]
            pub fn major(&self) -> u32 {
                self.0.major()
            }

            /// The second part, where it is known.
            #[must_use]
            pub fn minor(&self) -> Option<u32> {
                self.0.minor()
            }

            /// Whether this version is `floor` or newer.
            #[must_use]
            pub fn at_least(&self, floor: &$name) -> Truth {
                self.0.at_least(&floor.0)
            }

            /// Whether both are the same version, as far as both are known.
            #[must_use]
            pub fn same(&self, other: &$name) -> Truth {
                self.0.same(&other.0)
            }

            /// The first `count` parts.
            #[must_use]
            pub fn prefix(&self, count: usize) -> $name {
                $name(self.0.prefix(count))
            }
        }

        impl FromStr for $name {
            type Err = ParseVersionError;

            fn from_str(text: &str) -> Result<Self, ParseVersionError> {
                let accepts: fn(&Dotted) -> bool = $accepts;
                Dotted::parse(text)
                    .filter(accepts)
                    .map($name)
                    .ok_or_else(|| ParseVersionError { found: text.to_owned(), expected: $expected })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

dotted! {
    /// A CUDA toolkit or runtime version: `12`, `12.4`, `12.4.1`, `12.4.127`.
    CudaVersion, "a CUDA version such as `12.4`", |it| (1..100).contains(&it.major())
}
dotted! {
    /// An NVIDIA driver version: `535.161.08` on Linux, `551.78` on Windows, or a branch alone: `535`.
    DriverVersion, "a driver version such as `535.161.08`", |it| it.major() >= 100
}
dotted! {
    /// A cuDNN version: `8`, `8.9.7`, `9.1.0.70`.
    CudnnVersion, "a cuDNN version such as `8.9.7`", |it| (1..1000).contains(&it.major())
}
dotted! {
    /// A TensorRT version: `8.6.1`, `10.4.0`.
    TensorRtVersion, "a TensorRT version such as `8.6.1`", |_| true
}
dotted! {
    /// A C library version: `2.35` (glibc) or `1.2` (musl).
    LibcVersion, "a C library version such as `2.35`", |_| true
}
dotted! {
    /// A Python version: `3.11`, `3.11.9`.
    PythonVersion, "a Python version such as `3.11`", |it| (2..10).contains(&it.major())
}

impl DriverVersion {
    /// The branch, `535` of `535.161.08`.
    #[must_use]
    pub fn branch(&self) -> u32 {
        self.major()
    }

    /// The driver as NVIDIA writes it: parts after the first have two digits at least (`535.161.08`).
    #[must_use]
    pub fn spelled(&self) -> String {
        let mut text = self.major().to_string();
        for part in &self.number().parts()[1..] {
            let _ = write!(text, ".{part:02}");
        }
        text
    }
}

/// The compute capability of a GPU: `8.9` is `sm_89`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComputeCapability {
    /// `8` of 8.9.
    pub major: u8,
    /// `9` of 8.9.
    pub minor: u8,
}

impl FromStr for ComputeCapability {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let fault = || ParseVersionError { found: text.to_owned(), expected: "a compute capability such as `8.9`" };
        let (major, minor) = text.split_once('.').ok_or_else(fault)?;
        let number = |part: &str| {
            let plain = !part.is_empty() && part.len() <= 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            if plain { part.parse::<u8>().map_err(|_| fault()) } else { Err(fault()) }
        };
        let capability = ComputeCapability { major: number(major)?, minor: number(minor)? };
        if capability.major == 0 || capability.minor > 9 { Err(fault()) } else { Ok(capability) }
    }
}

impl fmt::Display for ComputeCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> serde::Deserialize<'de> for ComputeCapability {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The version of an operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct Opset(pub i64);

impl fmt::Display for Opset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of the ONNX intermediate representation, that is, of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub struct IrVersion(pub i64);

impl fmt::Display for IrVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuda(text: &str) -> CudaVersion {
        text.parse().unwrap()
    }

    #[test]
    fn missing_parts_leave_a_comparison_undecided() {
        assert_eq!(cuda("12").at_least(&cuda("12.4")), Truth::Undecided);
        assert_eq!(cuda("12").at_least(&cuda("12.0")), Truth::Holds);
        assert_eq!(cuda("11.8").at_least(&cuda("12")), Truth::Violated);
        assert_eq!(cuda("12.4.1").at_least(&cuda("12.4")), Truth::Holds);
        assert_eq!(cuda("12").same(&cuda("12.4")), Truth::Undecided);
        assert_eq!(cuda("12.1").same(&cuda("12.4")), Truth::Violated);
    }

    #[test]
    fn each_kind_refuses_what_cannot_be_one() {
        assert!("12.4".parse::<DriverVersion>().is_err());
        assert!("535.161.08".parse::<CudaVersion>().is_err());
        assert!("12.".parse::<CudaVersion>().is_err());
        assert!("twelve".parse::<CudaVersion>().unwrap_err().to_string().contains("found `twelve`"));
        assert_eq!("8.9".parse(), Ok(ComputeCapability { major: 8, minor: 9 }));
        assert!("8".parse::<ComputeCapability>().is_err());
        assert!("0.0".parse::<ComputeCapability>().is_err());
    }

    #[test]
    fn drivers_keep_their_spelling() {
        assert_eq!("535.161.08".parse::<DriverVersion>().unwrap().spelled(), "535.161.08");
    }
}
