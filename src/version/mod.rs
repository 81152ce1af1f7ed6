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

/// The normal text of a version, as its `Display` gives it; plain releases take a shorter way.
#[must_use]
pub fn text(version: &Version) -> String {
    let plain = !version.any_prerelease() && !version.is_post() && !version.is_local() && version.epoch() == 0;
    if !plain {
        return version.to_string();
    }
    let mut text = String::with_capacity(12);
    for (at, part) in version.release().iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        push_number(&mut text, *part);
    }
    text
}

fn push_number(text: &mut String, number: u64) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// A version without its local label; a copy is only made where there is one.
#[must_use]
pub fn public(version: &Version) -> Version {
    let version = version.clone();
    if version.is_local() { version.without_local() } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_display() {
        for written in
            ["1", "1.0", "2.1.0", "1!2.0", "2.0rc1", "2.0.post3", "2.0.dev1", "2.1+cu121", "18446744073709551615.10.0"]
        {
            let version: Version = written.parse().unwrap();
            assert_eq!(text(&version), version.to_string(), "{written}");
        }
    }
}
