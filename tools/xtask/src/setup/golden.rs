//! The golden crops as input tensors, for engines that cannot decode pictures.

use std::path::PathBuf;

use super::engines;
use crate::run::Run;

/// Writes them, and gives their folder: a file `NAME.f32` for each golden crop.
pub(crate) fn ensure_tensors() -> anyhow::Result<PathBuf> {
    let folder = engines::folder()?;
    Run::cargo("writing the golden crops as tensors")
        .args(["run", "--locked", "--package", "testbed", "--features", "tensors"])
        .args(["--bin", "golden-tensors", "--"])
        .args([&folder])
        .quietly()?;
    Ok(folder)
}
