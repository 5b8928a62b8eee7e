//! Tombstones: objects in the bucket that stand for deleted faces until the index has surely
//! forgotten them. They hold ids, which are random, and nothing else.
//!
//! A tombstone is written before the picture goes. Were it not there, a vector could outlive
//! everything that leads to it: when its deletion fails, or when an enrolment that is still
//! under way, or that failed and is carried out all the same, writes it after its deletion. The
//! purge deletes the vectors of all tombstones, and removes a tombstone when it is older than
//! [`GRACE_MS`] and the index no longer has its vectors.

use wire::faces::is_id;

use crate::{
    secret,
    store::{Failure, Pictures, Vectors},
};

/// What the keys of tombstones begin with. No id does.
pub(crate) const PREFIX: &str = "gone/";

/// By when a request that was under way has ended, one way or another, in milliseconds: an
/// enrolment takes seconds, and the index queues a write before it answers.
pub(crate) const GRACE_MS: u64 = 3600 * 1000;

/// The key of the tombstone of one face.
pub(crate) fn key_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// A new key for the tombstone of many faces.
pub(crate) fn new_key() -> Result<String, Failure> {
    Ok(format!("{PREFIX}batch-{}", secret::id()?))
}

/// The face of a tombstone whose key says it.
pub(crate) fn face_of(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX).filter(|id| is_id(id))
}

/// What became of a deletion.
#[derive(Debug)]
pub(crate) struct Burial {
    /// From here on the face matches nobody.
    pub(crate) picture: Result<(), Failure>,
    /// If this failed and the picture is gone, the next purge repeats it.
    pub(crate) vector: Result<(), Failure>,
}

/// Deletes faces for good: tombstone, pictures, vectors. Without the tombstone the pictures stay,
/// as what leads to the vectors. At most [`DELETE_VECTORS_MAX`](crate::store::DELETE_VECTORS_MAX)
/// faces, and at least one.
pub(crate) async fn bury(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    ids: &[String],
) -> Burial {
    let picture = match mark(pictures, ids).await {
        Ok(()) => pictures.delete(ids).await,
        Err(failure) => Err(failure),
    };
    Burial { picture, vector: vectors.delete(ids).await }
}

async fn mark(pictures: &impl Pictures, ids: &[String]) -> Result<(), Failure> {
    let key = match ids {
        [id] => key_of(id),
        _ => new_key()?,
    };
    pictures.mark(&key, ids).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_their_face_or_none() {
        let id = secret::id().unwrap();
        assert_eq!(face_of(&key_of(&id)), Some(id.as_str()));
        let key = new_key().unwrap();
        assert!(key.starts_with(PREFIX));
        assert_eq!(face_of(&key), None);
        assert_eq!(face_of(&id), None);
        assert!(!is_id(&key_of(&id)));
    }
}
