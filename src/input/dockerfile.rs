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
mod syntax;
mod unseen;
mod words;

use super::{Files, Format, Reading};
use crate::text::FileId;

pub(super) static FORMAT: Format = Format {
    name: "dockerfile",
    about: "Dockerfiles and Containerfiles",
    claims: claim::claims,
    read: |files: &mut Files<'_>, file: FileId| -> Reading { stages::read(files, file) },
};

#[cfg(test)]
mod tests;
