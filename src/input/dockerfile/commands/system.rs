//! The package managers of operating systems: apt, dnf and its relatives, apk, zypper, pacman.

use super::{Call, Runner, gpu};
use crate::{
    fact::{FactKind, SystemPackage},
    input::dockerfile::{
        state::{Scope, What, shortened},
        words::Word,
    },
};

struct Manager {
    programs: &'static [&'static str],
    name: &'static str,
    install: &'static [&'static str],
    remove: &'static [&'static str],
    /// Options with a value in the next word.
    valued: &'static [&'static str],
}

const MANAGERS: [Manager; 5] = [
    Manager {
        programs: &["apt-get", "apt", "aptitude", "apt-fast"],
        name: "apt",
        install: &["install"],
        remove: &["remove", "purge", "autoremove"],
        valued: &["-o", "--option", "-t", "--target-release", "-c", "--config-file", "-a"],
    },
    Manager {
        programs: &["dnf", "yum", "microdnf", "tdnf", "dnf5"],
        name: "dnf",
        install: &["install", "localinstall", "reinstall"],
        remove: &["remove", "erase", "autoremove"],
        valued: &["--enablerepo", "--disablerepo", "--setopt", "-c", "--releasever", "--installroot", "--repo", "-x", "--exclude", "-d", "-e"],
    },
    Manager {
        programs: &["apk"],
        name: "apk",
        install: &["add"],
        remove: &["del"],
        valued: &["-t", "--virtual", "-X", "--repository", "-p", "--root", "--arch", "--repositories-file", "--keys-dir"],
    },
    Manager {
        programs: &["zypper"],
        name: "zypper",
        install: &["install", "in"],
        remove: &["remove", "rm"],
        valued: &["-r", "--repo", "-t", "--type", "--from", "-R", "--root"],
    },
    Manager { programs: &["pacman"], name: "pacman", install: &["-S", "-Sy", "-Syu"], remove: &["-R", "-Rs", "-Rns"], valued: &[] },
];

pub(super) fn is_manager(program: &str) -> bool {
    MANAGERS.iter().any(|it| it.programs.contains(&program))
}

/// Follows a command of a package manager.
pub(super) fn manager(runner: &mut Runner<'_, '_, '_>, call: &Call) {
    let Some(manager) = MANAGERS.iter().find(|it| it.programs.contains(&call.program.as_str())) else { return };
    let mut action = None;
    let mut operands: Vec<&Word> = Vec::new();
    let mut bundle = None;
    let mut words = call.words.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        let known = |it: &&&str| **it == text;
        if action.is_none() && manager.install.iter().chain(manager.remove).any(|it| *it == text) {
            action = manager.install.iter().chain(manager.remove).find(known);
        } else if manager.valued.contains(&text) {
            let value = words.next();
            if matches!(text, "-t" | "--virtual") && manager.name == "apk" {
                bundle = value.map(|it| it.text().to_owned());
            }
        } else if text.starts_with("--virtual=") {
            bundle = Some(text["--virtual=".len()..].to_owned());
        } else if text.starts_with('-') {
        } else if action.is_none() {
            return; // `apt-get update` and the like.
        } else {
            operands.push(word);
        }
    }
    let Some(action) = action else { return };
    if runner.doubted(call, Scope::System) {
        return;
    }
    if manager.remove.contains(action) {
        for word in operands {
            let bundled = runner.scene.state.bundles.remove(word.text());
            for name in bundled.unwrap_or_else(|| vec![word.text().to_owned()]) {
                runner.scene.push(What::Remove(name), Scope::System);
            }
        }
        return;
    }
    let mut names = Vec::new();
    for word in operands {
        names.extend(install(runner, manager, word));
    }
    if let Some(bundle) = bundle {
        runner.scene.state.bundles.insert(bundle, names);
    }
}

/// One package; its name.
fn install(runner: &mut Runner<'_, '_, '_>, manager: &Manager, word: &Word) -> Option<String> {
    let text = word.text();
    let (name, version) = split(manager.name, text);
    let name_is_known = word.unknown.iter().all(|it| it.start >= name.len());
    if !name_is_known {
        let reason = format!("which package `{}` names is not known: {}", shortened(text), runner.why(word));
        runner.scene.note(word.span(), reason, Scope::System);
        return None;
    }
    let address = text.contains("://") || text.contains('/') && manager.name != "apt" || text.starts_with(['.', '/', '@']);
    if address || text.contains('*') {
        // A file, an address or a group: its name is not that of a package.
        let file = text.rsplit('/').next().unwrap_or(text);
        if address && gpu::is_interesting(file) {
            let reason = format!("`{}` is installed from a file, which is not read", shortened(file));
            runner.scene.note(word.span(), reason, Scope::System);
        }
        return None;
    }
    let version = match version {
        Some(version) if word.unknown.is_empty() => Some(version.to_owned()),
        Some(_) => {
            let reason = format!("the version of `{}` is not known: {}", shortened(name), runner.why(word));
            runner.scene.note(word.span(), reason, Scope::System);
            None
        }
        None => None,
    };
    let name = name.to_owned();
    let package = SystemPackage { manager: manager.name, name: name.clone(), version: version.clone() };
    runner.scene.fact(FactKind::SystemPackage(package), word.span(), Scope::System);
    if let Some(kind) = gpu::said(&name, version.as_deref()) {
        runner.scene.fact(kind, word.span(), Scope::System);
    }
    Some(name)
}

/// Splits name and version; an architecture or a release behind the name is left out.
fn split<'t>(manager: &str, text: &'t str) -> (&'t str, Option<&'t str>) {
    match manager {
        "apt" => {
            let (name, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
            let name = name.split(['/', ':']).next().unwrap_or(name);
            // `name+` installs and `name-` removes; names such as `g++` end like that, too.
            (name.strip_suffix('-').unwrap_or(name), version)
        }
        "dnf" => {
            let text = [".x86_64", ".aarch64", ".noarch"].iter().find_map(|it| text.strip_suffix(it)).unwrap_or(text);
            // `name-version-release`: the version has a dot, which tells it from names such as `cuda-toolkit-12-4`.
            let begins = |at: &usize| {
                let rest = &text[at + 1..];
                let version = rest.split('-').next().unwrap_or(rest);
                version.starts_with(|it: char| it.is_ascii_digit()) && version.contains('.')
            };
            match text.match_indices('-').map(|(at, _)| at).find(begins) {
                Some(at) => (&text[..at], Some(&text[at + 1..])),
                None => (text, None),
            }
        }
        _ => match text.find(['=', '<', '>', '~']) {
            Some(at) => (&text[..at], Some(text[at..].trim_start_matches('='))),
            None => (text.split('@').next().unwrap_or(text), None),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_split() {
        for (manager, text, expected) in [
            ("apt", "libcudnn8=8.9.7.29-1+cuda12.2", ("libcudnn8", Some("8.9.7.29-1+cuda12.2"))),
            ("apt", "libc6:i386", ("libc6", None)),
            ("apt", "git/bookworm-backports", ("git", None)),
            ("apt", "g++", ("g++", None)),
            ("dnf", "cuda-toolkit-12-4", ("cuda-toolkit-12-4", None)),
            ("dnf", "libcudnn8-8.9.7.29-1.cuda12.2", ("libcudnn8", Some("8.9.7.29-1.cuda12.2"))),
            ("dnf", "python3.11", ("python3.11", None)),
            ("dnf", "python3.11-pip", ("python3.11-pip", None)),
            ("apk", "python3=3.11.6-r0", ("python3", Some("3.11.6-r0"))),
            ("apk", "python3~3.11", ("python3", Some("~3.11"))),
        ] {
            assert_eq!(split(manager, text), expected, "{text}");
        }
    }
}
