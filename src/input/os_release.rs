//! `/etc/os-release`: the Linux distribution.
//!
//! Specification: <https://www.freedesktop.org/software/systemd/man/latest/os-release.html>
//!
//! Read: `ID` and `VERSION_ID`. Skipped in silence: the other keys, which say the same to people.

use super::{
    Claim, Format, Probe,
    pasted::{self, Scan},
};
use crate::fact::FactKind;

pub(super) static FORMAT: Format =
    Format { name: "os-release", about: "the text of /etc/os-release", claims, read: pasted::read };

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    // `ID` alone could be a variable of anything.
    let has = |key: &str| pasted::head(text).any(|line| value(line, key).is_some());
    if has("VERSION_ID") || has("PRETTY_NAME") { pasted::claim(probe, |line| value(line, "ID").is_some()) } else { Claim::No }
}

/// The value of a key, without quotes.
fn value<'t>(line: &'t str, key: &str) -> Option<&'t str> {
    let value = line.trim().strip_prefix(key)?.strip_prefix('=')?;
    let bare = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Some(bare.unwrap_or(value)).filter(|it| !it.is_empty() && !it.contains(['"', '\'', '$', '`', '\\']))
}

/// Reads each group of keys.
pub(super) fn scan(scan: &mut Scan<'_>) {
    let find = |key: &str| scan.text.lines().find_map(|line| value(line, key));
    let (Some(id), version) = (find("ID"), find("VERSION_ID")) else { return };
    if version.is_none() && find("PRETTY_NAME").is_none() {
        return;
    }
    if id.contains(char::is_whitespace) {
        scan.skip(id, "expected an identifier such as `ubuntu`");
        return;
    }
    let named = version.map_or_else(|| id.to_owned(), |version| format!("{id} {version}"));
    scan.fact(FactKind::Distribution(named), version.unwrap_or(id));
    if !id.ends_with("bsd") {
        scan.fact(FactKind::Os("linux".to_owned()), id);
    }
}

/// How distributions call themselves in front of their version, how os-release calls them, and how many parts their
/// `VERSION_ID` has.
const SPELLINGS: [(&str, &str, usize); 34] = [
    ("ubuntu", "ubuntu", 2),
    ("debian gnu/linux", "debian", 1),
    ("centos", "centos", 1),
    ("red hat enterprise linux", "rhel", 2),
    ("rocky linux", "rocky", 2),
    ("almalinux", "almalinux", 2),
    ("oracle linux", "ol", 2),
    ("amazon linux ami", "amzn", 2),
    ("amazon linux", "amzn", 1),
    ("fedora", "fedora", 1),
    ("alpine linux", "alpine", 3),
    ("suse linux enterprise server", "sles", 2),
    ("opensuse leap", "opensuse-leap", 2),
    ("opensuse tumbleweed", "opensuse-tumbleweed", 1),
    ("arch linux", "arch", 1),
    ("manjaro linux", "manjaro", 1),
    ("linux mint", "linuxmint", 2),
    ("lmde", "linuxmint", 1),
    ("pop!_os", "pop", 2),
    ("kali gnu/linux", "kali", 2),
    ("gentoo", "gentoo", 2),
    ("nixos", "nixos", 2),
    ("cbl-mariner/linux", "mariner", 2),
    ("common base linux mariner", "mariner", 2),
    ("microsoft azure linux", "azurelinux", 2),
    ("wolfi", "wolfi", 1),
    ("raspbian gnu/linux", "raspbian", 1),
    ("endeavouros", "endeavouros", 1),
    ("void linux", "void", 1),
    ("openeuler", "openEuler", 2),
    ("anolis os", "anolis", 2),
    ("alibaba cloud linux", "alinux", 2),
    ("tencentos server", "tencentos", 2),
    ("zorin os", "zorin", 2),
];

/// The distribution in the words of os-release, from its `PRETTY_NAME`.
pub(super) fn of_pretty_name(name: &str) -> Option<String> {
    let plain = name.trim().to_ascii_lowercase();
    let (start, id, parts) = SPELLINGS
        .into_iter()
        .find(|(start, ..)| plain.strip_prefix(start).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))?;
    let rest = &plain[start.len()..];
    let version = rest
        .split_whitespace()
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|it: char| it.is_ascii_digit()))
        .map(pasted::leading_version);
    let service_pack = rest.split_whitespace().find_map(|word| word.strip_prefix("sp"));
    Some(match (version, service_pack) {
        (Some(version), Some(pack)) if id == "sles" && pack.bytes().all(|it| it.is_ascii_digit()) => {
            format!("{id} {version}.{pack}")
        }
        (Some(version), _) => format!("{id} {}", pasted::first_parts(version, parts)),
        (None, _) => id.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::pasted::testing::*, *};

    const SAMPLE: &str = include_str!("../../fixtures/inputs/os_release/rocky-9.txt");

    #[test]
    fn identifier_and_version_are_read_with_and_without_quotes() {
        assert_eq!(lines(&FORMAT, SAMPLE), ["os linux @ rocky", "distribution rocky 9.3 @ 9.3"]);
        assert_eq!(claim_of(&FORMAT, "os-release", SAMPLE), Claim::Certain);
        assert_eq!(lines(&FORMAT, "ID=arch\nPRETTY_NAME='Arch Linux'\n"), ["distribution arch @ arch", "os linux @ arch"]);
        assert_eq!(claim_of(&FORMAT, ".env", "ID=7\nNAME=x\n"), Claim::No);
    }

    #[test]
    fn pretty_names_of_many_distributions() {
        for (name, expected) in [
            ("Ubuntu 22.04.5 LTS", "ubuntu 22.04"),
            ("Debian GNU/Linux 12 (bookworm)", "debian 12"),
            ("Debian GNU/Linux trixie/sid", "debian"),
            ("CentOS Linux 7 (Core)", "centos 7"),
            ("CentOS Linux release 7.9.2009 (Core)", "centos 7"),
            ("Red Hat Enterprise Linux release 8.6 (Ootpa)", "rhel 8.6"),
            ("Amazon Linux 2023.4.20240319", "amzn 2023"),
            ("Amazon Linux 2", "amzn 2"),
            ("Alpine Linux v3.18", "alpine 3.18"),
            ("SUSE Linux Enterprise Server 15 SP4", "sles 15.4"),
            ("Common Base Linux Mariner 2.0.20230811", "mariner 2.0"),
        ] {
            assert_eq!(of_pretty_name(name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(of_pretty_name("Ubuntux 3"), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_every_span_lies_inside(at in 0..500_usize, put in "\\PC{0,6}") {
            assert_sound(&FORMAT, &mutated(SAMPLE, at, &put));
        }

        #[test]
        fn pretty_names_never_panic(name in "\\PC{0,40}") {
            let _ = of_pretty_name(&name);
        }
    }
}
