//! What the end-to-end tests need: a server as a developer runs it, a client for its API, and a
//! browser with a camera that shows a picture of our choice.

pub mod account;
pub mod api;
pub mod browser;
pub mod camera;
pub mod conformance;
pub mod costs;
pub mod hostile;
pub mod index;
pub mod log;
pub mod pictures;
pub mod server;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use facenet::Shard;
use facenet::record::{Weights, head};
pub use wire::installation::MODELS_BUCKET;

/// A file that the tests share with those of `facenet`: a golden crop, or the embeddings.
#[must_use]
pub fn golden(file: &str) -> PathBuf {
    testbed::golden::file(file)
}

/// A golden crop that is so much brighter, as PNG.
///
/// # Errors
/// When it cannot be read or written.
pub fn shaded(file: &str, brighter: u8) -> anyhow::Result<Vec<u8>> {
    let mut picture = image::open(golden(file))?.into_rgb8();
    picture.iter_mut().for_each(|value| *value = value.saturating_add(brighter));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// The name of a model's weights in a folder.
///
/// # Errors
/// When they are not there.
pub fn weights(model: &str, folder: &Path) -> anyhow::Result<Weights> {
    let [first, second] = Shard::ALL.map(|shard| std::fs::read(folder.join(shard.file())));
    Ok(head::weights(model, [&first?, &second?])?)
}

/// A whole photograph.
#[must_use]
pub fn photograph(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faces").join(file)
}

/// What `cargo xtask test` passes in an environment variable.
///
/// # Errors
/// When something else has started the tests.
pub fn variable(name: &str) -> anyhow::Result<PathBuf> {
    let value = std::env::var_os(name);
    Ok(value.with_context(|| format!("{name} is not set: run this by `cargo xtask test`"))?.into())
}

/// Runs a command of `cargo xtask`, and gives what it prints.
///
/// # Errors
/// When it fails, with what it says.
pub fn run_xtask(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(xtask()?).args(arguments).output();
    let output = output.with_context(|| format!("running {arguments:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {}\n{text}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// The program behind `cargo xtask`.
///
/// # Errors
/// As of [`variable`].
pub fn xtask() -> anyhow::Result<PathBuf> {
    variable("CFACE_XTASK")
}
