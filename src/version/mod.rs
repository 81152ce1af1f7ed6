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
