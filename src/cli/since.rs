//! `--since REVISION`: what the same command finds in the files of a commit.
//!
//! The commit is laid out in a folder of its own, the same command runs there, and its fingerprints tell what is not new.
//! Files that the working tree still has are linked; the others come out of git as they are stored, so that no filter of
//! the repository runs.

use std::{
    collections::HashSet,
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Failure,
    compare::{ScopeOptions, Subject},
    judge::{Fixes, judge},
    terminal,
};
use crate::{gate::Known, input::Overlay};

/// What is found at a revision.
pub(super) fn findings(revision: &str, subject: &Subject, options: &ScopeOptions) -> Result<Known, Failure> {
    for path in subject.paths().chain(&options.model).chain(options.settings.named()) {
        if path.as_os_str() == "-" || path.is_absolute() {
            let message = "with --since, inputs and --config are paths relative to the working folder";
            return Err(Failure::new(format!("{message}, not `{}`", path.display())));
        }
    }
    let top = PathBuf::from(git_text(&["rev-parse", "--show-toplevel"])?);
    let prefix = git_text(&["rev-parse", "--show-prefix"])?;
    let commit = format!("{revision}^{{commit}}");
    let commit = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
        let hint = "a shallow clone does not have it: fetch it, or set `fetch-depth: 0`";
        Failure::new(format!("`{revision}` is no commit of this repository; {hint}"))
    })?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let scratch = tempfile::Builder::new()
        .prefix("envcheck-")
        .tempdir()
        .map_err(|fault| Failure::new(format!("could not make a temporary folder: {fault}")))?;
    lay_out(&commit, &top, scratch.path())?;
    let here = env::current_dir().map_err(|fault| Failure::new(format!("the working folder is gone: {fault}")))?;
    let there = scratch.path().join(&prefix);
    // A folder that the commit does not have holds nothing old.
    if !there.is_dir() {
        return Ok(Known::default());
    }
    env::set_current_dir(&there).map_err(|fault| Failure::new(format!("could not enter `{prefix}`: {fault}")))?;
    let old = old_findings(subject, options);
    env::set_current_dir(&here).map_err(|fault| Failure::new(format!("the working folder is gone: {fault}")))?;
    match old {
        Ok(old) => Ok(old),
        Err(Failure(why)) => {
            let why = why.lines().next().unwrap_or_default().to_owned();
            terminal::complain(&format!("at {revision} everything counts as new: {}\n", crate::text::escape(&why)));
            Ok(Known::default())
        }
    }
}

fn old_findings(subject: &Subject, options: &ScopeOptions) -> Result<Known, Failure> {
    let settings = options.settings.load()?;
    if let Some(project) = &settings.project {
        let environments = project.config.environments.iter().flat_map(|it| &it.inputs);
        let models = project.config.models.iter().filter_map(|it| it.path.as_ref());
        // These would be read as they are now.
        if let Some(named) = environments.chain(models).find(|it| Path::new(&it.path).is_absolute()) {
            return Err(project.failure(named.place, "an absolute path is not of a revision"));
        }
    }
    let judged = judge(subject, options, &settings, Fixes::None, &Overlay::new())?;
    Ok(Known::of(judged.iter().map(|it| (it.verdicts.findings.as_slice(), &*it.sources))))
}

/// Lays the files of a commit out in a folder.
fn lay_out(commit: &str, top: &Path, folder: &Path) -> Result<(), Failure> {
    let broken = |what: &str, fault: &dyn std::fmt::Display| Failure::new(format!("could not lay out {what}: {fault}"));
    // The search for envcheck.toml ends at the repository.
    fs::create_dir(folder.join(".git")).map_err(|fault| broken("the commit", &fault))?;
    let top_text = top.to_string_lossy();
    let tree = git(&["-C", &top_text, "ls-tree", "-r", "-z", "--full-tree", commit])?;
    let changed = git(&["-C", &top_text, "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--"])?;
    let mut changed: HashSet<&[u8]> = changed.split(|&byte| byte == 0).collect();
    // Of files that somebody told git not to look at (assume-unchanged, skip-worktree), it says nothing.
    let listed = git(&["-C", &top_text, "ls-files", "-v", "-z", "--full-name"])?;
    let unseen = |entry: &&[u8]| entry.first().is_some_and(|tag| tag.is_ascii_lowercase() || *tag == b'S');
    changed.extend(listed.split(|&byte| byte == 0).filter(unseen).filter_map(|entry| entry.get(2..)));
    let mut stored: Vec<(String, PathBuf)> = Vec::new();
    for entry in tree.split(|&byte| byte == 0).filter(|entry| !entry.is_empty()) {
        let Some(tab) = entry.iter().position(|&byte| byte == b'\t') else { continue };
        let (about, path) = (String::from_utf8_lossy(&entry[..tab]), &entry[tab + 1..]);
        let mut words = about.split(' ');
        let (Some(mode), Some("blob"), Some(object)) = (words.next(), words.next(), words.next()) else { continue };
        // Links are not followed anywhere in envcheck.
        let Ok(name) = std::str::from_utf8(path) else { continue };
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if mode == "120000" || !plain {
            continue;
        }
        let target = folder.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|fault| broken(name, &fault))?;
        }
        let own = top.join(name);
        let same = !changed.contains(path) && own.symlink_metadata().is_ok_and(|it| it.is_file());
        if !same || fs::hard_link(&own, &target).is_err() && fs::copy(&own, &target).is_err() {
            stored.push((object.to_owned(), target));
        }
    }
    fetch(&top_text, &stored).map_err(|fault| broken("the commit", &fault))
}

/// Writes objects of the repository into files.
fn fetch(top: &str, stored: &[(String, PathBuf)]) -> std::io::Result<()> {
    if stored.is_empty() {
        return Ok(());
    }
    let mut child =
        command(&["-C", top, "cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("no pipe to git"));
    };
    let mut output = BufReader::new(output);
    for (object, target) in stored {
        writeln!(input, "{object}")?;
        input.flush()?;
        let mut header = String::new();
        output.read_line(&mut header)?;
        let size = header.trim_end().rsplit(' ').next().and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| std::io::Error::other(format!("git has no object {object}")))?;
        let mut file = fs::File::create(target)?;
        std::io::copy(&mut output.by_ref().take(size), &mut file)?;
        output.read_exact(&mut [0])?;
    }
    drop(input);
    child.wait().map(|_| ())
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    // A repository must not make git run programs of its own.
    command.args(["-c", "core.fsmonitor=false", "--no-optional-locks"]).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

fn git(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = command(arguments).output().map_err(|fault| Failure::new(format!("could not run git: {fault}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::new(format!("--since asks git, which says: {why}")))
}

fn git_text(arguments: &[&str]) -> Result<String, Failure> {
    let text = git(arguments)?;
    Ok(String::from_utf8_lossy(&text).trim_end_matches(['\n', '\r']).to_owned())
}
