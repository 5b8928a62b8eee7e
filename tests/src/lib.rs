//! What the end-to-end tests need: a server as a developer runs it, a client for its API, and a
//! browser with a camera that shows a picture of our choice.

pub mod api;

pub mod browser;

pub mod camera;

pub mod index;

pub mod server;

use std::path::PathBuf;

/// A file that the tests share with those of `facenet`: a golden crop, or the embeddings.
#[must_use]
pub fn golden(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/facenet/tests/it/golden").join(file)
}

/// A whole photograph.
#[must_use]
pub fn photograph(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("faces").join(file)
}
