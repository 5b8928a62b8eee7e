//! What PyTorch makes of the checkpoint, for the few commands that compare with it.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::checkpoint::{self, Checkpoint};
use super::python;
use crate::fingerprint::{Fingerprint, Stamp};
use crate::project;
use crate::run::Run;

/// The folder with `shard1.onnx` and `shard2.onnx`.
pub(crate) fn ensure_onnx() -> anyhow::Result<PathBuf> {
    let what = "exporting the shards from PyTorch";
    ensure(what, "extract.py", "onnx", ["shard1.onnx", "shard2.onnx"])
}

/// The folder with `zip.pt` and `legacy.pt`: the checkpoint as state dicts.
pub(crate) fn ensure_state_dicts() -> anyhow::Result<PathBuf> {
    let what = "writing the checkpoint as state dicts of PyTorch";
    ensure(what, "unfold.py", "state-dicts", ["zip.pt", "legacy.pt"])
}

/// Writes the golden outputs of every layer and the pictures with what Pillow makes of them, or
/// checks that they are what would be written.
pub(crate) fn golden(check: bool) -> anyhow::Result<()> {
    let golden = project::root().join("crates/facenet/tests/it/golden");
    let crop = golden.join("collins-1").with_extension("png");
    let graph = checkpoint::ensure(Checkpoint::GOLDEN, false)?;
    let python = python::ensure_pytorch()?;
    let run = |what: &str, name: &str, arguments: &[PathBuf]| {
        Run::new(what, &python)
            .args([script(name)])
            .args(arguments)
            .args(check.then_some("--check"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .quietly()
    };
    let outputs = golden.join("activations.txt");
    run("computing every layer's output with PyTorch", "activations.py", &[graph, crop, outputs])?;
    run("decoding pictures with Pillow", "pictures.py", &[golden])
}

fn script(name: &str) -> PathBuf {
    project::root().join("onnx-to-burn/pytorch").join(name)
}

/// Runs a script with the checkpoint and a folder of the clone. It is not run again while its
/// results are there and nothing that they are made from has changed.
fn ensure(what: &str, name: &str, folder: &str, files: [&str; 2]) -> anyhow::Result<PathBuf> {
    let scripts = project::root().join("onnx-to-burn/pytorch");
    let out = project::local().join(folder);
    let stamp = Stamp::at(out.join("made-from"));
    let mut fingerprint = Fingerprint::default().text(Checkpoint::GOLDEN.sha256());
    let mut inputs: Vec<PathBuf> = fs::read_dir(&scripts)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .with_context(|| format!("reading {}", scripts.display()))?;
    inputs.retain(|file| file.is_file());
    inputs.sort();
    for file in &inputs {
        fingerprint = fingerprint.tree(file)?;
    }
    let fingerprint = fingerprint.finish();
    let complete = files.iter().all(|name| out.join(name).is_file());
    if complete && stamp.is(&fingerprint) {
        return Ok(out);
    }
    let python = python::ensure_pytorch()?;
    let graph = checkpoint::ensure(Checkpoint::GOLDEN, false)?;
    stamp.clear()?;
    fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
    Run::new(what, python)
        .args([script(name), graph, out.clone()])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .quietly()?;
    stamp.write(&fingerprint)?;
    Ok(out)
}
