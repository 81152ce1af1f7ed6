//! The integration tests: one binary, one module a subject.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod cases;
mod cli;
mod config;
mod config_schema;
mod dockerfiles;
mod fix;
mod gate;
mod gpu_texts;
mod html;
mod init;
mod injection;
mod knowledge;
mod layers;
mod load_matrix;
mod locks;
mod manifests;
mod needs;
mod onnx;
mod onnx_load;
mod outputs;
mod pip_check;
mod projects;
mod registry;
mod reports;
mod requirements;
mod rules;
