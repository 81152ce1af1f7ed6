//! Readers: bytes of a file to located facts, one module a format.
//!
//! A reader never fails whole: it returns what it understood and what it skipped, with line and reason. Only when a
//! file turns out not to be what it claimed to be (a truncated model, broken JSON) does it report a fault. Nothing is
//! executed, and no reader allocates more than a small multiple of what it has read.

mod conda_platforms;
pub mod files;
mod installed;
mod json_parts;
mod json_scan;
mod locked;
mod manifest;
mod match_spec;
mod pasted;
mod poetry_constraint;
mod recipe;
mod template;
mod toml_parts;
mod workload;
mod yaml;

use crate::{
    fact::Fact,
    text::{FileId, Place},
};

pub use envcheck_lock::{
    ENVIRONMENT_KEYS, MODEL_KEYS, NAME as ENVCHECK_LOCK, declared_environment, declared_model,
    read_text as read_envcheck_lock,
};
pub use files::{Content, Defines, Files, Found, IncludeError, Overlay};
pub use onnx::Lowering;

/// How sure a format is that a file belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It does not.
    No,
    /// It could, if the user names the file; not enough to pick it up from a folder.
    Named,
    /// By its looks, but a more special format may know better.
    Likely,
    /// By an unmistakable mark.
    Certain,
}

/// What a format sees of a file before it claims it.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// The file name without its folder.
    pub name: &'a str,
    /// All bytes.
    pub bytes: &'a [u8],
    /// The decoded text, if the file is text of at most [`files::TEXT_LIMIT`] bytes.
    pub text: Option<&'a str>,
}

/// An input format: one line in the registry, one module.
#[derive(Debug)]
pub struct Format {
    /// The name in reports, such as `requirements.txt`.
    pub name: &'static str,
    /// What such files are, for the message that says what was looked for.
    pub about: &'static str,
    /// Whether a file is of this format.
    pub claims: fn(&Probe<'_>) -> Claim,
    /// Reads it. The file's text (or bytes) is at hand in `files`.
    pub read: fn(&mut Files<'_>, FileId) -> Reading,
}

/// What came out of a file.
#[derive(Debug, Default)]
pub struct Reading {
    /// What it says, in file order.
    pub facts: Vec<Fact>,
    /// What was not understood or not followed.
    pub skipped: Vec<Skipped>,
    /// Set when the file is not what it claims to be, so that nothing in it can be relied on.
    pub fault: Option<Fault>,
}

impl Reading {
    /// A reading of a file that cannot be relied on.
    #[must_use]
    pub fn faulty(message: impl Into<String>, place: Option<Place>) -> Self {
        Reading { fault: Some(Fault { message: message.into(), place }), ..Reading::default() }
    }
}

/// A part that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands.
    pub place: Place,
    /// Why it was skipped, lower case, no full stop.
    pub reason: String,
}

/// How a note ends that wishes for a file in backquotes.
const NAME_IT_TOO: &str = ": name that file too";

/// The file that a note wishes for, relative to the file that the note is about.
#[must_use]
pub fn wished_file(reason: &str) -> Option<&str> {
    let before = reason.strip_suffix(NAME_IT_TOO)?.strip_suffix('`')?;
    before.rsplit_once('`').map(|(_, path)| path)
}

/// Why a file could not be read at all: what was found and what was expected, lower case, no full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The message.
    pub message: String,
    /// Where reading ended, if the file is text.
    pub place: Option<Place>,
}

/// Declares the modules and the registry at once: to add a format is to add one name.
macro_rules! formats {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every input format. The first of several equally sure ones wins.
        pub static FORMATS: &[&Format] = &[$(&$module::FORMAT),*];
    };
}

formats! {
    envcheck_lock, requirements_txt, pip_list, pip_list_json, pip_inspect, pip_report, conda_list, conda_explicit, onnx,
    conda_lock, pixi_lock, pixi_toml, uv_lock, poetry_lock, pylock, pdm_lock, pipfile_lock, cyclonedx, pyproject,
    nvidia_smi, nvcc, cuda_version, cudnn_header, proc_driver, ldconfig, conda_info, collect_env, os_release,
    dockerfile, kubernetes, compose, conda_environment, triton_config, mlmodel,
    cog, bentofile, ray, azureml, databricks, vertex,
}

/// An address without the user name and password in it, which are nobody's business.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            format!("{scheme}://{}/{path}", host.rsplit('@').next().unwrap_or(host))
        }
        None => url.to_owned(),
    }
}

/// The format that claims a file most surely, if one claims it at least as surely as `least`.
#[must_use]
pub fn recognise(probe: &Probe<'_>, least: Claim) -> Option<&'static Format> {
    let mut best: Option<(Claim, &'static Format)> = None;
    for format in FORMATS {
        let claim = (format.claims)(probe);
        if claim >= least && claim > Claim::No && best.is_none_or(|(sure, _)| claim > sure) {
            best = Some((claim, format));
            if claim == Claim::Certain {
                break; // Nothing is surer, and the others would search the whole text.
            }
        }
    }
    best.map(|(_, format)| format)
}
