//! Versions of every kind and the sets they form, with comparisons that may stay undecided.

mod dotted;
mod set;
mod truth;

pub use dotted::{
    ComputeCapability, CudaVersion, CudnnVersion, Dotted, DriverVersion, IrVersion, LibcVersion, Opset,
    ParseVersionError, PythonVersion, TensorRtVersion,
};
pub use pep440_rs::Version;
pub use set::{SpecifierError, VersionSet};
pub use truth::Truth;

/// A version without its local label; a copy is only made where there is one.
#[must_use]
pub fn public(version: &Version) -> Version {
    let version = version.clone();
    if version.is_local() { version.without_local() } else { version }
}
