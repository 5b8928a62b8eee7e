//! The two stores as the rest of the Worker sees them: an index of vectors and a bucket of
//! pictures. Traits, so that the order of writes and deletes can be tested against stores that
//! fail on purpose; the real ones are in [`cloudflare`](crate::cloudflare).
//!
//! Vectorize cannot list what it holds, R2 can. So no vector exists, or can still come into
//! being, without an object in the bucket that leads to it: its picture, or, once that is
//! deleted, a [tombstone](crate::tombstone).

use std::fmt;

use wire::{Kind, Problem};

use crate::clock;

/// A face to be indexed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Face {
    /// Also the key of the picture.
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) embedding: Vec<f32>,
}

/// A face that the index found. It may have been deleted meanwhile: the index lags behind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) embedding: Vec<f32>,
}

/// How far the index is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// Numbers per vector.
    pub(crate) dimensions: usize,
    /// The last write that was applied.
    pub(crate) processed: Option<String>,
}

/// What is known of a picture besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    /// As [`secret::hash`](crate::secret::hash) makes it. Empty fits no token.
    pub(crate) token_hash: String,
    /// When it was stored by the bucket's clock, in milliseconds since 1970. The purge goes by
    /// the same clock.
    pub(crate) uploaded: u64,
}

impl Label {
    /// When the face is to be gone, in milliseconds since 1970.
    pub(crate) fn expires(&self) -> u64 {
        clock::next_purge(self.uploaded)
    }

    /// Whether the face's time is over. It is nobody's then, even if the purge has not come.
    pub(crate) fn is_over(&self, now: u64) -> bool {
        now >= self.expires()
    }
}

/// Some of the objects in the bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub(crate) cursor: Option<String>,
}

/// An object in a [`Page`].
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Milliseconds since 1970.
    pub(crate) uploaded: u64,
}

/// The index.
pub(crate) trait Vectors {
    /// Stores a face and returns the name of this write.
    async fn upsert(&self, face: &Face) -> Result<String, Failure>;

    /// The `count` faces nearest to `query`, at most [`CANDIDATES_MAX`], in any order.
    async fn nearest(
        &self,
        namespace: &str,
        query: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, Failure>;

    /// Removes at most [`DELETE_VECTORS_MAX`] faces; that there are none is no failure.
    async fn delete(&self, ids: &[String]) -> Result<(), Failure>;

    /// Those of at most [`LOOK_UP_VECTORS_MAX`] ids that the index has by now.
    async fn present(&self, ids: &[String]) -> Result<Vec<String>, Failure>;

    /// How far the index is.
    async fn state(&self) -> Result<State, Failure>;
}

/// The bucket.
pub(crate) trait Pictures {
    /// Stores a JPEG and returns when, in milliseconds since 1970.
    async fn put(&self, id: &str, picture: Vec<u8>, token_hash: &str) -> Result<u64, Failure>;

    /// The label of a picture, if there is one.
    async fn label(&self, id: &str) -> Result<Option<Label>, Failure>;

    /// Stores a tombstone for these faces.
    async fn mark(&self, key: &str, ids: &[String]) -> Result<(), Failure>;

    /// The faces that a tombstone names; none if it is gone.
    async fn marked(&self, key: &str) -> Result<Vec<String>, Failure>;

    /// Removes at most [`PAGE_MAX`] objects; that there are none is no failure.
    async fn delete(&self, keys: &[String]) -> Result<(), Failure>;

    /// At most [`PAGE_MAX`] of the objects whose keys begin so.
    async fn page(&self, prefix: &str, cursor: Option<String>) -> Result<Page, Failure>;
}

/// Most candidates that the index returns together with their values.
pub(crate) const CANDIDATES_MAX: u32 = crate::vectorize::limits::TOP_K_WITH_CONTENT_MAX;

/// Most vectors that the index deletes at once.
pub(crate) const DELETE_VECTORS_MAX: usize = crate::vectorize::limits::DELETE_IDS_MAX;

/// Most vectors that the index looks up at once.
pub(crate) const LOOK_UP_VECTORS_MAX: usize = crate::vectorize::limits::GET_IDS_MAX;

/// Most objects that R2 lists or deletes at once.
pub(crate) const PAGE_MAX: usize = 1000;

/// A store that failed: what was tried and what it said. For the log only, and fit for it, as
/// stores say nothing of names or pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(tried: &str, error: impl fmt::Display) -> Self {
        Self(format!("{tried}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was done, and what failed without keeping it from being done. That is for the log.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) answer: T,
    pub(crate) failure: Option<Failure>,
}

/// Why a request was not served.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// For the caller.
    Problem(Problem),
    /// Ours: the caller learns only that it is.
    Failure(Failure),
}

impl Trouble {
    pub(crate) fn problem(kind: Kind, detail: impl Into<String>) -> Self {
        Self::Problem(Problem::new(kind, detail))
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

#[cfg(test)]
pub(crate) mod fake;
