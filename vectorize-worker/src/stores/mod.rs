//! The two stores as the rest of the Worker sees them: an index of vectors and a bucket of
//! pictures. They are traits, so that tests can make every call fail; the real ones are in
//! [`cloudflare`].
//!
//! R2 can list what it holds, Vectorize cannot. A vector whose id nobody knows could never be
//! deleted. Therefore R2 always holds an object with the id of every vector that is in the index or
//! may still get there: the picture under this id, or, once that is deleted, a
//! [tombstone](crate::tombstone).

pub(crate) mod cloudflare;

use crate::clock;
use crate::error::StoreError;
use crate::vectorize::limits;

/// A face to be indexed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Face {
    /// Also the key of the picture.
    pub(crate) id: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) embedding: Vec<f32>,
}

/// A face that the index found. It may be deleted already: the index applies deletions late.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) embedding: Vec<f32>,
}

/// What the index says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexState {
    /// Numbers per vector.
    pub(crate) dimensions: usize,
    /// Vectors, of all namespaces, if the index says it.
    pub(crate) vectors: Option<u64>,
    /// The last write that was applied.
    pub(crate) last_write: Option<String>,
}

/// What R2 keeps about a picture besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PictureMetadata {
    /// As [`token::hash`](crate::token::hash) makes it. Empty, which fits no token, where the
    /// object has none.
    pub(crate) token_hash: String,
    /// When it was stored, by R2's clock. The purge goes by the same clock.
    pub(crate) uploaded_ms: u64,
}

impl PictureMetadata {
    /// When the purge that deletes the face is due.
    pub(crate) fn expires_ms(&self) -> u64 {
        clock::next_purge_ms(self.uploaded_ms)
    }

    /// Whether that time has come. From then on nobody sees the face, even if the purge is late.
    pub(crate) fn has_expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_ms()
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
    /// When it was stored, by R2's clock.
    pub(crate) uploaded_ms: u64,
}

/// The index.
pub(crate) trait Vectors {
    /// Stores a face and returns the name of this write.
    async fn upsert(&self, face: &Face) -> Result<String, StoreError>;

    /// The `count` faces nearest to `query`, at most [`CANDIDATES_MAX`], in any order.
    async fn nearest(
        &self,
        namespace: &str,
        query: &[f32],
        count: u32,
    ) -> Result<Vec<Candidate>, StoreError>;

    /// The ids of the [`CANDIDATE_IDS_MAX`] faces nearest to `query`, in any order.
    async fn nearest_ids(&self, namespace: &str, query: &[f32]) -> Result<Vec<String>, StoreError>;

    /// At most [`LOOK_UP_VECTORS_MAX`] faces by their ids. A face that is not there is left out.
    async fn look_up(&self, ids: &[String]) -> Result<Vec<Candidate>, StoreError>;

    /// Deletes at most [`DELETE_VECTORS_MAX`] vectors. An id without a vector is no error.
    async fn delete(&self, ids: &[String]) -> Result<(), StoreError>;

    /// Which of at most [`LOOK_UP_VECTORS_MAX`] ids have a vector in the index now.
    async fn present(&self, ids: &[String]) -> Result<Vec<String>, StoreError>;

    /// The ids and names of those of at most [`LOOK_UP_VECTORS_MAX`] faces that the index has.
    async fn names(&self, ids: &[String]) -> Result<Vec<(String, String)>, StoreError>;

    /// What the index says of itself.
    async fn state(&self) -> Result<IndexState, StoreError>;
}

/// The bucket.
pub(crate) trait Pictures {
    /// Stores a JPEG and returns when, in milliseconds since 1970.
    async fn put(&self, id: &str, picture: Vec<u8>, token_hash: &str) -> Result<u64, StoreError>;

    /// The metadata of a picture, if there is one.
    async fn metadata(&self, id: &str) -> Result<Option<PictureMetadata>, StoreError>;

    /// Whether there is an object with this key.
    async fn has(&self, key: &str) -> Result<bool, StoreError>;

    /// Stores a tombstone that lists these ids.
    async fn put_ids(&self, key: &str, ids: &[String]) -> Result<(), StoreError>;

    /// The ids that a tombstone lists; none if the tombstone is gone.
    async fn read_ids(&self, key: &str) -> Result<Vec<String>, StoreError>;

    /// Stores what is known of the last purge, in place of what was known before.
    async fn put_last_purge(&self, json: String) -> Result<(), StoreError>;

    /// What is known of the last purge; nothing before the first.
    async fn read_last_purge(&self) -> Result<Option<String>, StoreError>;

    /// Deletes at most [`PAGE_MAX`] objects. A key without an object is no error.
    async fn delete(&self, keys: &[String]) -> Result<(), StoreError>;

    /// At most [`PAGE_MAX`] of the objects whose keys begin with `prefix`.
    async fn list(&self, prefix: &str, cursor: Option<String>) -> Result<Page, StoreError>;

    /// At most `count` of the objects whose keys come after `key`, or the first ones. R2 sorts keys
    /// as bytes.
    async fn list_after(&self, key: Option<&str>, count: u32) -> Result<Page, StoreError>;
}

/// Most candidates that the index returns together with their values.
pub(crate) const CANDIDATES_MAX: u32 = limits::TOP_K_WITH_CONTENT_MAX;

/// Most candidates that the index returns without their values.
pub(crate) const CANDIDATE_IDS_MAX: u32 = limits::TOP_K_MAX;

/// Calls under way at once, of the six connections that a Worker may wait for.
pub(crate) const CALLS_AT_ONCE: usize = 5;

/// The key of what is known of the last purge. No id and no tombstone has it.
pub(crate) const LAST_PURGE: &str = "purge/last";

/// Most vectors that the index deletes in one call.
pub(crate) const DELETE_VECTORS_MAX: usize = limits::DELETE_IDS_MAX;

/// Most vectors that the index looks up in one call.
pub(crate) const LOOK_UP_VECTORS_MAX: usize = limits::GET_IDS_MAX;

/// Most objects that R2 lists or deletes in one call.
pub(crate) const PAGE_MAX: usize = 1000;

#[cfg(test)]
pub(crate) mod fake;

#[cfg(test)]
pub(crate) mod latency;
