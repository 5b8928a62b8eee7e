//! Tombstones: R2 objects that say what was deleted, and nothing else. Most list the ids of deleted
//! faces, which look random. A tombstone stays until the index has surely forgotten the vectors of
//! its faces.
//!
//! A tombstone is written before the pictures are deleted. Without it, nobody would know the id of
//! a vector that outlives its picture. That happens when the index fails to delete the vector. It
//! also happens when an enrolment writes the vector after it was deleted: one that is still under
//! way, or one that failed and whose write is carried out late. The purge deletes the vectors of
//! all tombstones. It deletes a tombstone when the purge of an earlier noon has deleted the vectors
//! too, and the index has none of them any more.
//!
//! An end is a tombstone of a token. Under a token that has ended nobody can be enrolled, and an
//! enrolment that was under way takes itself back.

use wire::faces::{is_id, is_token};

use crate::error::StoreError;
use crate::random;

/// What the keys of tombstones begin with. No id begins so.
pub(crate) const PREFIX: &str = "gone/";

/// What the keys of tombstones begin with whose vectors the index did not delete.
pub(crate) const PENDING_PREFIX: &str = "gone/pending-";

/// What the keys of ends begin with.
const END_PREFIX: &str = "gone/token-";

/// The key of a tombstone that lists one id. The key holds the id, so the purge need not read the
/// object.
pub(crate) fn key_of(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// A new key for a tombstone that lists many ids.
pub(crate) fn new_key() -> Result<String, StoreError> {
    Ok(format!("{PREFIX}batch-{}", random::digits::<16>()?))
}

/// A new key for a tombstone whose vectors the index did not delete.
pub(crate) fn new_pending_key() -> Result<String, StoreError> {
    Ok(format!("{PENDING_PREFIX}{}", random::digits::<16>()?))
}

/// The key of the end of the token with this hash. It lists no ids.
pub(crate) fn end_of(token_hash: &str) -> String {
    format!("{END_PREFIX}{token_hash}")
}

/// Whether a key has the form of those that are made here. Keys of other programs may begin alike.
pub(crate) fn is_ours(key: &str) -> bool {
    let Some(name) = key.strip_prefix(PREFIX) else { return false };
    match name.split_once('-') {
        None => is_id(name),
        Some(("batch" | "pending", digits)) => is_id(digits),
        // A hash has as many digits as a token.
        Some(("token", hash)) => is_token(hash),
        Some(_) => false,
    }
}

/// Whether a key is that of an end.
pub(crate) fn is_end(key: &str) -> bool {
    key.starts_with(END_PREFIX)
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
        for key in [new_key().unwrap(), new_pending_key().unwrap(), end_of(&id)] {
            assert!(key.starts_with(PREFIX));
            assert_eq!(id_in(&key), None);
        }
        assert!(is_end(&end_of(&id)) && !is_end(&key_of(&id)));
        let end = end_of(&random::digits::<32>().unwrap());
        for ours in [key_of(&id), new_key().unwrap(), new_pending_key().unwrap(), end] {
            assert!(is_ours(&ours), "{ours}");
        }
        for other in ["gone/", "gone/fishing.txt", "gone/batch-1", "gone/token-", "gone", &id] {
            assert!(!is_ours(other), "{other}");
        }
        assert_eq!(id_in(&id), None);
        assert!(!is_id(&key_of(&id)));
    }
}
