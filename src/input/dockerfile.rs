//! Dockerfiles and Containerfiles.
//!
//! Specification: <https://docs.docker.com/reference/dockerfile/>; where it is silent, what `BuildKit` does counts.
//!
//! Read: base images with tag and digest; what `RUN` installs with pip, uv, conda and the package managers of the
//! system, requirements files in the build context included; variables of the environment; model files that are copied
//! or fetched, and those that the last command names. Only what reaches the final stage counts: its own ancestors, and
//! of the stages that it copies an environment of Python from the packages in there.
//! Skipped with a note: values that only the build knows, commands whose condition cannot be told, files that no `COPY`
//! brings, and scripts that are downloaded. Nothing is executed.

mod claim;
mod commands;
mod copy;
mod settle;
mod shell;
mod stages;
mod start;
mod state;
mod substitute;
mod syntax;
mod unseen;
mod words;

use std::collections::BTreeMap;

use super::{Files, Format, Reading};
use crate::text::{FileId, Span};

pub(super) static FORMAT: Format = Format {
    name: "dockerfile",
    about: "Dockerfiles and Containerfiles",
    claims: claim::claims,
    read: |files: &mut Files<'_>, file: FileId| -> Reading { stages::read(files, file, &Build::default()) },
};

/// How another file has a Dockerfile built.
#[derive(Debug, Default)]
pub(super) struct Build {
    /// The folder of the build context relative to the Dockerfile, with a slash at its end; it has to be found if none is named.
    pub(super) context: Option<String>,
    pub(super) target: Option<String>,
    /// Build arguments; those without a value have one that is not known.
    pub(super) arguments: BTreeMap<String, Option<String>>,
    /// `linux/amd64`
    pub(super) platform: Option<String>,
    /// The part of the file that is the Dockerfile, if not all of it is, and how far its lines are indented.
    pub(super) part: Option<(Span, usize)>,
}

/// Reads a Dockerfile as another file has it built.
pub(super) fn built(files: &mut Files<'_>, file: FileId, build: &Build) -> Reading {
    stages::read(files, file, build)
}

#[cfg(test)]
mod tests;
