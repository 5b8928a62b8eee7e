//! `cargo xtask generate`: the code of the two shards, from PyTorch through ONNX, and the golden
//! outputs of PyTorch and Pillow.

use clap::Args;

use crate::project;
use crate::run::Run;
use crate::setup::pytorch;

/// Writes the generated code.
#[derive(Args)]
pub(crate) struct Options {
    /// Writes nothing, and fails if the code is not what would be written.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let onnx = {
        let _lock = project::lock()?;
        pytorch::ensure_onnx()?
    };
    Run::cargo("generating the code of the shards")
        .args(["run", "--locked", "--package", "onnx-to-burn", "--features", "onnx", "--"])
        .args(["generate", "--out", "crates/facenet/src/burn"])
        .arg_path("--onnx", &onnx)
        .args(options.check.then_some("--check"))
        .shown()?;
    let _lock = project::lock()?;
    pytorch::golden(options.check)
}
