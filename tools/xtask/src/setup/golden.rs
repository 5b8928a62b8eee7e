//! The golden crops as input tensors, for engines that cannot decode pictures.

use std::path::PathBuf;

use super::{engines, programs};
use crate::run::Run;

/// The program that writes them.
const PROGRAM: &str = "golden-tensors";

/// Writes them, and gives their folder: a file `NAME.f32` for each golden crop.
pub(crate) fn ensure_tensors() -> anyhow::Result<PathBuf> {
    let folder = engines::folder()?;
    programs::build(&[PROGRAM])?;
    let what = "writing the golden crops as tensors";
    Run::new(what, programs::path(PROGRAM)?).args([&folder]).quietly()?;
    Ok(folder)
}
