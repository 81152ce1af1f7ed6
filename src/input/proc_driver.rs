//! `/proc/driver/nvidia/version`: the kernel module that is loaded.
//!
//! Form: <https://download.nvidia.com/XFree86/Linux-x86_64/550.54.14/README/procinterface.html>
//!
//! Read: the driver and the architecture it was built for, from the proprietary and the open module alike.
//! Skipped in silence: the compiler, the build date, and which of the two modules it is.

use super::{
    Claim, Format, Probe,
    pasted::{self, Scan},
};
use crate::{fact::FactKind, version::DriverVersion};

pub(super) static FORMAT: Format = Format {
    name: "/proc/driver/nvidia/version",
    about: "the text of /proc/driver/nvidia/version",
    claims,
    read: pasted::read,
};

const MARK: &str = "NVRM version:";

fn claims(probe: &Probe<'_>) -> Claim {
    pasted::claim(probe, |line| line.trim_start().starts_with(MARK))
}

/// Reads each `NVRM version:` line.
pub(super) fn scan(scan: &mut Scan<'_>) {
    for line in scan.text.lines() {
        let Some((_, said)) = line.split_once(MARK) else { continue };
        let words = || said.split_whitespace();
        let driver = words().find(|it| it.contains('.') && it.parse::<DriverVersion>().is_ok());
        match driver {
            Some(driver) => scan.driver("the kernel module", driver),
            None => scan.skip(line.trim(), "expected a driver version such as `535.161.08` in this line"),
        }
        if let Some(word) = words().find(|word| MACHINES.contains(word)) {
            scan.fact(FactKind::Architecture(word.to_owned()), word);
        }
    }
}

const MACHINES: [&str; 4] = ["x86_64", "aarch64", "ppc64le", "arm64"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const CLOSED: &str = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.57.02  Tue Jul 13 16:14:05 UTC 2021\nGCC version:  gcc version 9.3.0 (Ubuntu 9.3.0-17ubuntu1~20.04) \n";
    const OPEN: &str = "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  570.124.06  Release Build  (dvs@a)  Wed Feb 26 02:11:27 UTC 2025\n";

    #[test]
    fn both_modules_give_driver_and_architecture() {
        assert_eq!(lines(&FORMAT, CLOSED), ["architecture x86_64 @ x86_64", "nvidia-driver 470.57.02 @ 470.57.02"]);
        assert_eq!(lines(&FORMAT, OPEN), ["architecture aarch64 @ aarch64", "nvidia-driver 570.124.06 @ 570.124.06"]);
        assert_eq!(claim_of(&FORMAT, "version", OPEN), Claim::Certain);
    }

    #[test]
    fn a_line_without_a_driver_is_noted() {
        assert_eq!(notes(&FORMAT, "NVRM version: NVIDIA UNIX").len(), 1);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..200_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(OPEN, at, &put));
        }
    }
}
