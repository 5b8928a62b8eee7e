//! Delete tokens. Whoever holds one counts as the person it was made for. Only its hash is stored.

use wire::secret;
pub(crate) use wire::secret::{has_hash, hash};

use crate::error::StoreError;

/// A new token.
pub(crate) fn new() -> Result<String, StoreError> {
    secret::new().map_err(StoreError::of("random bytes"))
}
