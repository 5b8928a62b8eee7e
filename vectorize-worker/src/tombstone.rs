//! Tombstones: R2 objects that list the ids of deleted faces, which are random, and nothing else.
//! A tombstone stays until the index has surely forgotten the vectors of its faces.
//!
//! A tombstone is written before the pictures are deleted. Without it, nobody would know the id of
//! a vector that outlives its picture. That happens when the index fails to delete the vector, and
//! when an enrolment writes the vector after it was deleted: one that is still under way, or one
//! that failed but whose write is carried out all the same. The purge deletes the vectors of all
//! tombstones. It deletes a tombstone when that is older than [`GRACE_MS`] and the index has none
//! of its vectors any more.

use wire::faces::is_id;

use crate::error::StoreError;
use crate::random;

/// What the keys of tombstones begin with. No id begins so.
pub(crate) const PREFIX: &str = "gone/";

/// How old a tombstone must be until no write from before it is still under way, in milliseconds.
/// An enrolment takes seconds, and the index queues a write before it answers.
pub(crate) const GRACE_MS: u64 = 3600 * 1000;

/// The key of a tombstone that lists one id. The key holds the id, so the purge need not read the
/// object.
pub(crate) fn key_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// A new key for a tombstone that lists many ids.
pub(crate) fn new_key() -> Result<String, StoreError> {
    Ok(format!("{PREFIX}batch-{}", random::digits::<16>()?))
}

/// The id that the key of a tombstone holds, if it holds one.
pub(crate) fn id_in(key: &str) -> Option<&str> {
    key.strip_prefix(PREFIX).filter(|id| is_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_one_id_or_none() {
        let id = random::digits::<16>().unwrap();
        assert!(is_id(&id));
        assert_eq!(id_in(&key_of(&id)), Some(id.as_str()));
        let key = new_key().unwrap();
        assert!(key.starts_with(PREFIX));
        assert_eq!(id_in(&key), None);
        assert_eq!(id_in(&id), None);
        assert!(!is_id(&key_of(&id)));
    }
}
