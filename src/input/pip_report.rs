//! `pip install --report`: the packages that pip installed or would install.
//!
//! Specification: <https://pip.pypa.io/en/stable/reference/installation-report/>
//!
//! Read and skipped: as in `pip inspect`; the wheel's tags come from the address it was fetched from.

use super::{Format, pip_inspect};

pub(super) static FORMAT: Format = Format {
    name: "pip-report",
    about: "the JSON that `pip install --report` writes",
    claims: |probe| pip_inspect::claims(probe, "\"install\""),
    read: |files, file| pip_inspect::read(files, file, "install"),
};

#[cfg(test)]
mod tests {
    use crate::{fact::FactKind, input::installed::read_for_test};

    #[test]
    fn tags_come_from_the_address_which_is_no_direct_reference() {
        let (reading, lines) = read_for_test("pip-report", "pip-report.json");
        assert_eq!(lines[0], "15 `MarkupSafe` markupsafe==3.0.4");
        let FactKind::Package(markupsafe) = &reading.facts[0].kind else { panic!("not a package") };
        assert_eq!(markupsafe.tags, ["cp311-cp311-manylinux2014_x86_64", "cp311-cp311-manylinux_2_17_x86_64"]);
        assert_eq!(markupsafe.requires_python.as_deref(), Some(">=3.9"));
        assert_eq!(reading.facts.len(), 3);
    }
}
