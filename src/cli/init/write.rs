//! The generated `envcheck.toml`, and what is said about it on the terminal.
//!
//! Sentences begin with `# `; settings that wait to be used begin with `#` alone, so that removing it makes them count.

use std::fmt::Write as _;

use super::guess::{Guess, Project};
use crate::{
    config::{FILE_NAME, Role},
    text::{escape, is_hidden},
};

/// How many files are named that are no input.
const MOST_SEEN: usize = 10;

const HEAD: &str = "\
# What envcheck compares here. `envcheck init` guessed it from the names of folders and files: correct it, then commit it.
# `envcheck check` checks everything that this file declares; paths are relative to it.
";

const RULES: &str = "
# Which findings fail a run, and how bad single rules are: by code or by name, \"off\", \"info\", \"warning\" or \"error\".
# `envcheck rules` lists them, `envcheck explain EC402` says what one is about.
#[rules]
#fail-on = \"warning\"
#EC402 = \"off\"
#version-drift = \"info\"
";

const IGNORE: &str = "
# A single finding that is no problem here; `package`, `environment`, `path` and `expires` narrow it down.
#[[ignore]]
#rule = \"EC101\"
#package = \"pillow\"
#reason = \"images are resized by the client\"
#expires = 2027-03-01
";

const KNOWLEDGE: &str = "
# What your company knows beyond the built-in tables, in files of the same form; see `envcheck knowledge`.
#[knowledge]
#extra = [\"company.toml\"]
";

/// The text of the file.
pub(super) fn toml(project: &Project) -> String {
    let mut out = HEAD.to_owned();
    for environment in &project.environments {
        declare(&mut out, environment);
    }
    if project.environments.is_empty() {
        out.push_str(TEMPLATE);
    } else if project.of(Role::Training).next().is_none() {
        out.push_str(TRAINING);
    } else if project.of(Role::Serving).next().is_none() {
        out.push_str(SERVING);
    }
    if !project.unplaced.is_empty() {
        out.push_str("\n# Not placed: move what describes an environment into its inputs.\n");
        for (path, why) in &project.unplaced {
            let _ = writeln!(out, "#     {},  # {}", quoted(path), escape(why));
        }
    }
    models(&mut out, project);
    out.push_str(RULES);
    out.push_str(IGNORE);
    out.push_str(KNOWLEDGE);
    out
}

const TEMPLATE: &str = "
# Nothing was found that describes an environment. Name what does: requirements, lock files, `pip freeze` output,
# Dockerfiles, Kubernetes manifests, the output of nvidia-smi, or a lock that `envcheck lock` wrote on the machine.
#[environment.train]
#role = \"training\"
#inputs = [\"train/requirements.txt\"]

#[environment.serve]
#role = \"serving\"
#inputs = [\"Dockerfile\", \"deploy/deployment.yaml\"]
#python = \"3.11\"
#gpu = [\"NVIDIA L4\"]
#driver = \"535.161.08\"
";

const TRAINING: &str = "
# Nothing here describes where the models are made, so serving is checked by itself. With a training side the two are
# compared; `envcheck lock -o train.lock`, run where you train, writes a file for it.
#[environment.train]
#role = \"training\"
#inputs = [\"train.lock\"]
";

const SERVING: &str = "
# Nothing here describes where the models answer, so training is checked by itself. With a serving side the two are
# compared; `envcheck lock -o serve.lock`, run where you serve, writes a file for it.
#[environment.serve]
#role = \"serving\"
#inputs = [\"serve.lock\"]
";

fn declare(out: &mut String, environment: &Guess) {
    let (about, role) = match environment.role {
        Role::Training => ("Where models are made.", "training"),
        Role::Serving => ("Where models answer.", "serving"),
    };
    let _ = write!(out, "\n# {about}\n[environment.{}]\nrole = \"{role}\"\ninputs = [\n", key(&environment.name));
    let width = environment.inputs.iter().map(|it| quoted(&it.path).chars().count()).max().unwrap_or_default();
    for input in &environment.inputs {
        let path = format!("{},", quoted(&input.path));
        let _ = writeln!(out, "    {path:<0$}  # {1}: {2}", width + 1, input.format, escape(&input.why));
    }
    out.push_str("]\n");
    let examples = [
        ("python", &["python"][..], "python = \"3.11\""),
        ("gpu", &["gpu"], "gpu = [\"NVIDIA L4\"]"),
        ("driver", &["nvidia-driver"], "driver = \"535.161.08\""),
    ];
    let missing: Vec<&str> = examples
        .iter()
        .filter(|(_, words, _)| !words.iter().any(|word| environment.says.contains(word)))
        .map(|(_, _, example)| *example)
        .collect();
    if !missing.is_empty() {
        out.push_str("# What no input says can be declared:\n");
        for example in missing {
            let _ = writeln!(out, "#{example}");
        }
    }
}

fn models(out: &mut String, project: &Project) {
    let names = |role| project.of(role).map(|it| quoted(&it.name)).collect::<Vec<_>>();
    let (training, serving) = (names(Role::Training), names(Role::Serving));
    let between = |out: &mut String, trained_in: Option<&String>, served_in: Option<&String>| {
        let _ = match (trained_in, training.as_slice()) {
            (Some(name), _) => writeln!(out, "trained-in = {}", quoted(name)),
            (None, [first, _, ..]) => writeln!(out, "#trained-in = {first}"),
            (None, _) => Ok(()),
        };
        let _ = match (served_in, serving.as_slice()) {
            (Some(name), _) => writeln!(out, "served-in = [{}]", quoted(name)),
            (None, [_, _, ..]) => writeln!(out, "#served-in = [{}]", serving.join(", ")),
            (None, _) => Ok(()),
        };
    };
    if project.models.is_empty() {
        out.push_str(
            "\n# Models that serving loads; `*`, `?` and `**` are understood.\n#[[model]]\n#path = \"models/*.onnx\"\n",
        );
        between(out, None, None);
        return;
    }
    out.push_str("\n# Models that serving loads.\n");
    for (number, model) in project.models.iter().enumerate() {
        let blank = if number > 0 { "\n" } else { "" };
        let count = match model.files {
            1 => String::new(),
            files => format!("  # {files} files"),
        };
        let _ = writeln!(out, "{blank}[[model]]\npath = {}{count}", quoted(&model.path));
        between(out, model.trained_in.as_ref(), model.served_in.as_ref());
    }
}

/// What was found, guessed and not placed.
pub(super) fn summary(project: &Project) -> String {
    let mut out = String::new();
    let mut section = |heading: &str, lines: Vec<(String, String)>| {
        if lines.is_empty() {
            return;
        }
        let _ = writeln!(out, "{}", escape(heading));
        let width = lines.iter().map(|(path, _)| escape(path).chars().count()).max().unwrap_or_default().min(48);
        for (path, about) in lines {
            let line = format!("  {:<width$}  {}", escape(&path), escape(&about));
            out.push_str(line.trim_end());
            out.push('\n');
        }
    };
    for environment in &project.environments {
        let side = if environment.role == Role::Training { "training" } else { "serving" };
        let inputs = environment.inputs.iter().map(|it| (it.path.clone(), format!("{}: {}", it.format, it.why)));
        section(&format!("{side}: {}", environment.name), inputs.collect());
    }
    let models = project.models.iter().map(|it| {
        let count = if it.files == 1 { "1 file".to_owned() } else { format!("{} files", it.files) };
        let where_to = it.served_in.as_ref().map_or_else(String::new, |name| format!(", served in {name}"));
        (it.path.clone(), count + &where_to)
    });
    section("models", models.collect());
    section("left out", project.left_out.clone());
    section("not placed", project.unplaced.clone());
    if project.cut_short {
        let most = super::super::load::MOST_FILES;
        let _ = writeln!(out, "only the first {most} files were looked at");
    }
    if project.environments.is_empty() {
        out.push_str("found nothing that describes an environment\n");
    }
    let training = project.of(Role::Training).count();
    if training > 1 && project.of(Role::Serving).next().is_some() {
        let _ = writeln!(
            out,
            "{training} training environments: each is checked by itself until `trained-in` and `served-in` of a [[model]] say what belongs together"
        );
    }
    out
}

/// Why no file is written, and what to do instead: with a file that declares nothing, every check would fail.
pub(super) fn nothing(project: &Project) -> String {
    let mut out = format!("found nothing here that describes an environment, so no `{FILE_NAME}` is written\n");
    let seen: Vec<&(String, String)> = project.unplaced.iter().chain(&project.left_out).collect();
    for (path, why) in seen.iter().take(MOST_SEEN) {
        let _ = writeln!(out, "  `{path}`: {why}");
    }
    if seen.len() > MOST_SEEN {
        let _ = writeln!(out, "  and {} files more", seen.len() - MOST_SEEN);
    }
    out.push_str(
        "envcheck reads requirements files, lock files, `pip freeze` output, Dockerfiles, Kubernetes manifests,\n\
         nvidia-smi output and more; the README names them all\n\
         - in another folder? run `envcheck init` in the folder of the repository\n\
         - no such file yet? `pip freeze > train.txt` where you train, `pip freeze > serve.txt` where you serve,\n  \
         then `envcheck diff train.txt serve.txt`\n\
         - a layout of your own? `envcheck init --stdout > envcheck.toml` writes a template to fill in",
    );
    out
}

/// What to do next.
pub(super) fn next() -> String {
    format!("\nwrote `{FILE_NAME}`: correct what was guessed wrong, then run `envcheck check`\n")
}

/// A key of TOML.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A text of TOML. What hides or moves other text is written by its number.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            _ if is_hidden(character) => {
                let _ = write!(out, "\\U{:08X}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{key, quoted};

    #[test]
    fn every_text_comes_back() {
        for text in ["a b", "it's \"so\"", "back\\slash", "line\nbreak\t\u{1b}[31m", "größe \u{202e}x", "]#=", ""] {
            let toml = format!("[{}]\nx = {}\n", key(text), quoted(text));
            let back: toml::Table = toml.parse().unwrap_or_else(|fault| panic!("{text:?}: {fault}"));
            assert_eq!(back[text]["x"].as_str(), Some(text));
            assert!(!toml.contains(['\u{1b}', '\u{202e}']), "{toml}");
        }
    }
}
