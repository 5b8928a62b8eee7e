//! The program `onnx-to-burn`, which reads checkpoints and writes weights. A program of its own,
//! because its libraries take longer to compile than all of xtask.

use std::path::Path;

use anyhow::Context as _;
use toml::Value;

use super::programs;
use crate::project;
use crate::run::Run;

const PACKAGE: &str = "onnx-to-burn";

/// How a record holds its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precision {
    /// As the Worker has them.
    F16,
    /// As the checkpoint has them; only the evaluation compares with such records.
    F32,
}

/// The version of what the converter writes, which its manifest names: weights of another version
/// are made anew.
pub(crate) fn version() -> anyhow::Result<String> {
    let manifest = project::read_toml(&project::member(PACKAGE)?.join("Cargo.toml"))?;
    let metadata = manifest.get("package").and_then(|package| package.get("metadata"));
    let version = metadata.and_then(|metadata| metadata.get("records")).and_then(Value::as_integer);
    Ok(version.context("the converter's manifest names no version of its records")?.to_string())
}

/// Writes the records of both shards of a checkpoint into a folder.
pub(crate) fn convert(
    what: &str,
    checkpoint: &Path,
    model: &str,
    precision: Precision,
    out: &Path,
) -> anyhow::Result<()> {
    program(what)?
        .args(["checkpoint", "--model", model])
        .arg_path("--file", checkpoint)
        .arg_path("--out", out)
        .args((precision == Precision::F32).then_some("--f32"))
        .quietly()
}

/// Writes the whole network of a checkpoint as one ONNX file.
pub(crate) fn write_onnx(what: &str, checkpoint: &Path, file: &Path) -> anyhow::Result<()> {
    let run = program(what)?.args(["whole"]).arg_path("--file", checkpoint);
    run.arg_path("--out", file).quietly()
}

fn program(what: &str) -> anyhow::Result<Run> {
    programs::build(&programs::FOR_USERS)?;
    Ok(Run::new(what, programs::path(PACKAGE)?).hint("The message above says why"))
}
