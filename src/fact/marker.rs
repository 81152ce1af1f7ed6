//! Environment markers: conditions on the machine that a requirement is for.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>

use std::fmt;

use crate::version::{PythonVersion, Truth};

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

/// A parsed marker.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    text: String,
}

impl Marker {
    /// Whether the requirement applies on this target when these extras are asked for.
    #[must_use]
    pub fn evaluate(&self, _target: &Target, _extras: &[&str]) -> Truth {
        Truth::Undecided
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
