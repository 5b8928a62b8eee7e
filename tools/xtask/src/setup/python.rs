//! Python: pip for the checkpoint and the formatter, and an environment with PyTorch for the few
//! commands that compare with it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::fingerprint::{Fingerprint, Stamp};
use crate::project;
use crate::run::Run;

const PIP_HINT: &str = "Install Python 3 with pip (on Debian: apt-get install python3-pip)";

/// The formatter of Python's code: one program, without dependencies.
const RUFF: &str = "0.17.6";

/// A call of pip, if Python has it.
pub(crate) fn pip(what: &str) -> anyhow::Result<Run> {
    Run::new("looking for pip", "python3")
        .args(["-m", "pip", "--version"])
        .hint(PIP_HINT)
        .output()
        .context(PIP_HINT)?;
    Ok(Run::new(what, "python3").args(["-m", "pip", "--disable-pip-version-check"]))
}

/// Unpacks a wheel, which is a ZIP archive, into a folder.
pub(crate) fn unpack(wheel: &Path, folder: &Path) -> anyhow::Result<()> {
    let unpack = Run::new("unpacking the wheel", "python3").args(["-m", "zipfile", "-e"]);
    unpack.args([wheel, folder]).quietly()
}

/// The formatter of Python's code, in the user's cache.
pub(crate) fn ensure_ruff() -> anyhow::Result<PathBuf> {
    let folder = project::cache()?.join("tools").join(format!("ruff-{RUFF}"));
    let program = folder.join("bin/ruff");
    let stamp = Stamp::at(folder.join("complete"));
    if !stamp.is(RUFF) {
        pip("installing ruff, which formats Python's code")?
            .args(["install", "--no-deps", "--only-binary", ":all:", "--upgrade"])
            .arg_path("--target", &folder)
            .args([format!("ruff=={RUFF}")])
            .hint("Is PyPI reachable?")
            .quietly()?;
        stamp.write(RUFF)?;
    }
    Ok(program)
}

/// The Python of an environment with PyTorch, which is made first if it is missing. That downloads
/// several gigabytes, so no everyday command needs it.
pub(crate) fn ensure_pytorch() -> anyhow::Result<PathBuf> {
    let files = project::root().join("onnx-to-burn/pytorch");
    let requirements = [files.join("requirements.txt"), files.join("requirements-no-deps.txt")];
    let fingerprint = requirements
        .iter()
        .try_fold(Fingerprint::default(), |fingerprint, file| fingerprint.tree(file))?
        .finish();
    let name = fingerprint.get(..16).unwrap_or(&fingerprint);
    let cache = project::cache()?;
    // Another clone may be making the same environment.
    let waiting = "waiting for another clone's PyTorch";
    let _lock = project::lock_file(&cache.join("pytorch.lock"), waiting)?;
    let venv = cache.join("pytorch").join(name);
    let python = venv.join("bin/python");
    let stamp = Stamp::at(venv.join("complete"));
    if stamp.is(&fingerprint) {
        return Ok(python);
    }
    // An interrupted installation may have left anything.
    if venv.exists() {
        fs::remove_dir_all(&venv).with_context(|| format!("removing {}", venv.display()))?;
    }
    Run::new("making a Python environment", "python3")
        .args(["-m", "venv"])
        .args([&venv])
        .hint("Install Python's venv module (on Debian: apt-get install python3-venv)")
        .quietly()?;
    let install = |what: &str| {
        Run::new(what, &python)
            .args(["-m", "pip", "install", "--disable-pip-version-check"])
            .args(["--progress-bar", "off"])
            .hint("Is PyPI reachable, and are there 10 GB free?")
    };
    let [with_dependencies, without] = &requirements;
    install("installing PyTorch").arg_path("--requirement", with_dependencies).quietly()?;
    install("installing facenet-pytorch")
        .args(["--no-deps"])
        .arg_path("--requirement", without)
        .quietly()?;
    stamp.write(&fingerprint)?;
    Ok(python)
}
