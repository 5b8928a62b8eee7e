//! Crops by facenet-pytorch's MTCNN, to compare with. The script is beside the converter's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use indicatif::ProgressBar;

use super::Crop;

/// Python with PyTorch, which `cargo xtask` sets up.
const PYTHON: &str = "CFACE_PYTHON";

pub(super) fn cut_out(files: &[&Path], bar: &ProgressBar) -> anyhow::Result<Vec<Crop>> {
    let python = std::env::var_os(PYTHON);
    let python = python.with_context(|| format!("{PYTHON} is not set: run `cargo xtask eval`"))?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../onnx-to-burn/pytorch/mtcnn.py");
    let dir = tempfile::tempdir()?;
    let mut child = Command::new(python)
        .arg(script)
        .arg(dir.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting Python")?;
    let mut input = child.stdin.take().context("no input of Python")?;
    let output = child.stdout.take().context("no output of Python")?;
    let crop = |index: usize| -> PathBuf { dir.path().join(format!("{index}.png")) };
    let mut lines = BufReader::new(output).lines();
    let mut crops = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let file = std::path::absolute(file)?;
        writeln!(input, "{}", file.display()).context("Python ended")?;
        let line = lines.next().context("Python ended")??;
        crops.push(match &*line {
            "ok" => std::fs::read(crop(index)).context("reading the crop"),
            reason => Err(anyhow::Error::msg(reason.to_owned())),
        });
        bar.inc(1);
    }
    drop(input);
    let status = child.wait()?;
    ensure!(status.success(), "Python: {status}");
    Ok(crops)
}
