//! What may have brought GPU libraries that are no package: downloads that are unpacked, installers, copied folders.
//!
//! Only where there is none of this may a rule say that a library is absent, so whatever is not known to be harmless counts.

use super::{state::within, words::Word};

/// Programs that bring no library, or say by facts what they bring.
const TAME: [&str; 75] = [
    "[", "[[", "test", ":", "true", "false", "cd", "pushd", "popd", "export", "declare", "readonly", "unset", "set", "shopt",
    "umask", "echo", "printf", "cat", "tee", "ls", "pwd", "mkdir", "rmdir", "rm", "mv", "cp", "ln", "touch", "chmod", "chown",
    "chgrp", "find", "sed", "awk", "grep", "egrep", "cut", "sort", "head", "tail", "wc", "tr", "xargs", "sleep", "date",
    "which", "command", "type", "hash", "id", "whoami", "uname", "useradd", "adduser", "groupadd", "addgroup", "usermod",
    "locale-gen", "update-locale", "update-ca-certificates", "update-alternatives", "gpg", "apt-key", "apt-mark",
    "add-apt-repository", "debconf-set-selections", "dpkg-reconfigure", "curl", "wget", "git", "exit", "virtualenv",
    "dos2unix", "if",
];

/// Installers of packages, whose packages are facts. conda is none of these: what it solves is not known.
const MANAGERS: [&str; 17] = [
    "pip", "uv", "poetry", "pipenv", "pdm", "pipx", "apt-get", "apt", "aptitude", "apk", "dnf", "microdnf", "yum", "tdnf",
    "zypper", "npm", "yarn",
];

/// Programs that fetch data and models.
const FETCHERS: [&str; 8] = ["huggingface-cli", "hf", "aws", "gsutil", "gcloud", "azcopy", "dvc", "git-lfs"];

/// Words of the names of GPU libraries, their archives and installers.
const NAMES: [&str; 8] = ["cuda", "cudnn", "nvidia", "cublas", "tensorrt", "nvrtc", "nvhpc", "hpc_sdk"];

/// Whether a command may bring libraries that nothing else tells of.
pub(super) fn command(program: &str, words: &[Word]) -> bool {
    let is_python = program.strip_prefix("python").is_some_and(|rest| rest.chars().all(|it| it.is_ascii_digit() || it == '.'));
    let is_pip = program.strip_prefix("pip").is_some_and(|rest| rest.chars().all(|it| it.is_ascii_digit() || it == '.'));
    // What they install is known by name.
    if is_python || is_pip || MANAGERS.contains(&program) {
        return false;
    }
    let is_script = matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh" | "." | "source" | "eval" | "make") || program.strip_suffix(".sh").is_some();
    // A script is looked at line by line, and is unseen where it cannot be.
    if is_script {
        return false;
    }
    let is_known = TAME.contains(&program) || FETCHERS.contains(&program);
    !is_known || words.iter().any(|it| names_library(it.text()))
}

/// Whether a copy from the build context, or from elsewhere (another stage, an image), may bring libraries.
pub(super) fn copy(sources: &[&str], to: &str, adds: bool, from_elsewhere: bool) -> bool {
    let is_archive = |source: &&str| {
        let archives = [".tar", ".tgz", ".gz", ".xz", ".bz2", ".zst", ".zip", ".deb", ".rpm", ".run"];
        archives.iter().any(|it| source.ends_with(it)) && !source.ends_with(".onnx.gz")
    };
    if sources.iter().chain([&to]).any(|it| names_library(it)) || sources.iter().any(|it| it.contains(".so")) {
        return true;
    }
    if holds_libraries(to) || (adds && sources.iter().any(is_archive)) {
        return true;
    }
    from_elsewhere && sources.iter().any(|it| holds_libraries(it))
}

fn names_library(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    NAMES.iter().any(|it| text.contains(it))
}

/// Whether a folder is one where libraries of the system lie, or holds such a folder.
fn holds_libraries(path: &str) -> bool {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    if matches!(path, "/" | "/usr" | "/usr/local" | "/opt" | "/*") {
        return true;
    }
    let harmless = ["/usr/local/bin", "/usr/bin", "/usr/local/share", "/usr/share", "/usr/src", "/usr/local/src", "/usr/local/sbin"];
    let in_python = ["/usr/local/lib/python", "/usr/lib/python"].iter().any(|it| path.starts_with(it));
    let inside = |folder: &str| within(path, folder);
    let library = inside("/usr/lib") || inside("/usr/lib64") || inside("/usr/local") || inside("/lib") || inside("/lib64");
    library && !in_python && !harmless.iter().any(|it| inside(it))
}

#[cfg(test)]
mod tests {
    use super::copy;

    #[test]
    fn application_folders_hold_no_libraries() {
        assert!(!copy(&["."], "/app", false, false));
        assert!(!copy(&["/app/.venv"], "/app/.venv", false, true));
        assert!(!copy(&["/usr/local/lib/python3.11/site-packages"], "/usr/local/lib/python3.11/site-packages", false, true));
        assert!(!copy(&["/usr/local/bin"], "/usr/local/bin", false, true));
        assert!(!copy(&["/uv", "/uvx"], "/bin/", false, true));
        assert!(!copy(&["entrypoint.sh", "model.tar.gz"], "/srv/", false, false));
    }

    #[test]
    fn folders_of_the_system_may_hold_them() {
        assert!(copy(&["/"], "/", false, true));
        assert!(copy(&["/usr/local"], "/usr/local", false, true));
        assert!(copy(&["/usr/lib/x86_64-linux-gnu"], "/usr/lib/x86_64-linux-gnu/", false, true));
        assert!(copy(&["/usr/local/cuda/lib64"], "/opt/gpu", false, true));
        assert!(copy(&["libfoo.so.1"], "/app", false, false));
        assert!(copy(&["deps.tar.xz"], "/srv/", true, false));
    }
}
