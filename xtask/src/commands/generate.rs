//! `cargo xtask generate`: the code of the two shards, from PyTorch through ONNX.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::fingerprint::{Fingerprint, Stamp};
use crate::project;
use crate::run::Run;
use crate::setup::{checkpoint, python};

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
        ensure_onnx()?
    };
    Run::cargo("generating the code of the shards")
        .args(["run", "--locked", "--package", "onnx-to-burn", "--features", "onnx", "--"])
        .args(["generate", "--out", "facenet/src/burn"])
        .arg_path("--onnx", &onnx)
        .args(options.check.then_some("--check"))
        .shown()
}

/// The folder with `shard1.onnx` and `shard2.onnx`, exported by PyTorch when its inputs changed.
pub(crate) fn ensure_onnx() -> anyhow::Result<PathBuf> {
    let scripts = project::root().join("onnx-to-burn/pytorch");
    let out = project::local().join("onnx");
    let stamp = Stamp::at(out.join("made-from"));
    let mut fingerprint = Fingerprint::default().text(checkpoint::GRAPH_SHA256);
    let mut files: Vec<PathBuf> = fs::read_dir(&scripts)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(|| format!("reading {}", scripts.display()))?;
    files.retain(|file| file.is_file());
    files.sort();
    for file in &files {
        fingerprint = fingerprint.tree(file)?;
    }
    let fingerprint = fingerprint.finish();
    let complete = ["shard1.onnx", "shard2.onnx"].iter().all(|name| out.join(name).is_file());
    if complete && stamp.is(&fingerprint) {
        return Ok(out);
    }
    let python = python::ensure_pytorch()?;
    let graph = checkpoint::ensure(false)?;
    stamp.clear()?;
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    Run::new("exporting the shards from PyTorch", python)
        .args([scripts.join("extract.py"), graph.file, out.clone()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .quietly()?;
    stamp.write(&fingerprint)?;
    Ok(out)
}
