//! How faces are deleted for good: a [tombstone] first, then the pictures, then the vectors.
//!
//! The pictures go before the vectors, so that the faces match nobody even while the index is down.

use crate::error::{Outcome, StoreError};
use crate::stores::{Pictures, Vectors};
use crate::{pending, tombstone};

/// What became of a deletion.
#[derive(Debug)]
pub(crate) struct Deletion {
    /// From here on the faces match nobody.
    pub(crate) pictures: Result<(), StoreError>,
    /// When the pictures are gone and this failed, the deletion is [pending].
    pub(crate) vectors: Result<(), StoreError>,
}

impl Deletion {
    /// A deletion succeeds when the pictures are gone.
    pub(crate) fn outcome(self) -> Result<Outcome<()>, StoreError> {
        self.pictures?;
        Ok(Outcome { answer: (), failure: self.vectors.err() })
    }
}

/// Deletes at least one and at most [`DELETE_VECTORS_MAX`](crate::stores::DELETE_VECTORS_MAX)
/// faces. When the tombstone cannot be written, the pictures stay, so that the ids are not lost.
pub(crate) async fn delete(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    ids: &[String],
) -> Deletion {
    let deleted = match put_tombstone(pictures, ids).await {
        Ok(()) => pictures.delete(ids).await,
        Err(error) => Err(error),
    };
    let vectors = match vectors.delete(ids).await {
        // If the note fails too, the next purge finds the ids in the tombstone.
        Err(error) if deleted.is_ok() => {
            Err(error.with_undoing([pending::note(pictures, ids).await]))
        }
        outcome => outcome,
    };
    Deletion { pictures: deleted, vectors }
}

async fn put_tombstone(pictures: &impl Pictures, ids: &[String]) -> Result<(), StoreError> {
    let key = match ids {
        [id] => tombstone::key_of(id),
        _ => tombstone::new_key()?,
    };
    pictures.put_ids(&key, ids).await
}
