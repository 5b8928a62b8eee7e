//! Random texts, for ids.

use wire::secret;

use crate::error::StoreError;

/// So many random bytes as lower-case hexadecimal digits.
pub(crate) fn digits<const BYTES: usize>() -> Result<String, StoreError> {
    secret::random_digits::<BYTES>().map_err(StoreError::of("random bytes"))
}
