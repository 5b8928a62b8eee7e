//! The two stores as the rest of the Worker sees them: an index of vectors and a bucket of
//! pictures. Traits, so that the order of writes and deletes can be tested against stores that
//! fail on purpose; the real ones are in [`cloudflare`](crate::cloudflare).
//!
//! Vectorize cannot list what it holds, R2 can. So a vector never exists without its picture:
//! the picture is written first and deleted last, and whatever fails in between, the next purge
//! finds a picture and removes both.

use std::fmt;

use wire::{Kind, Problem};

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

/// What is stored beside a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// As [`secret::hash`](crate::secret::hash) makes it. Empty fits no token.
    pub(crate) token_hash: String,
    pub(crate) namespace: String,
    /// RFC 3339.
    pub(crate) created_at: String,
}

/// Some of the pictures in the bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub(crate) cursor: Option<String>,
}

/// A picture in a [`Page`].
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Milliseconds since 1970.
    pub(crate) uploaded: u64,
}

/// The index.
pub(crate) trait Vectors {
    /// Stores a face.
    async fn upsert(&self, face: &Face) -> Result<(), Failure>;

    /// The `count` faces nearest to `query`, at most [`CANDIDATES_MAX`], in any order.
    async fn nearest(
        &self,
        namespace: &str,
        query: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, Failure>;

    /// Removes at most [`DELETE_VECTORS_MAX`] faces; that there are none is no failure.
    async fn delete(&self, ids: &[String]) -> Result<(), Failure>;

    /// Numbers per vector.
    async fn dimensions(&self) -> Result<usize, Failure>;
}

/// The bucket.
pub(crate) trait Pictures {
    /// Stores a JPEG.
    async fn put(&self, id: &str, picture: Vec<u8>, label: &Label) -> Result<(), Failure>;

    /// The label of a picture, if there is one.
    async fn label(&self, id: &str) -> Result<Option<Label>, Failure>;

    /// Removes at most [`PAGE_MAX`] pictures; that there are none is no failure.
    async fn delete(&self, keys: &[String]) -> Result<(), Failure>;

    /// At most [`PAGE_MAX`] pictures.
    async fn page(&self, cursor: Option<String>) -> Result<Page, Failure>;
}

/// Most candidates that the index returns together with their values.
pub(crate) const CANDIDATES_MAX: u32 = crate::vectorize::limits::TOP_K_WITH_CONTENT_MAX;

/// Most vectors that the index deletes at once.
pub(crate) const DELETE_VECTORS_MAX: usize = crate::vectorize::limits::DELETE_IDS_MAX;

/// Most pictures that the bucket lists or deletes at once.
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
