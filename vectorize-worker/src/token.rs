//! Delete tokens. Whoever holds one is the person it was made for. Only its hash is ever stored.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::StoreError;
use crate::random;

/// A new token: 256 random bits as hexadecimal digits.
pub(crate) fn new() -> Result<String, StoreError> {
    random::digits::<32>()
}

/// The form in which a token is stored: its SHA-256 as hexadecimal digits. A slow hash would
/// add nothing, because a token cannot be guessed.
pub(crate) fn hash(token: &str) -> String {
    random::hex(&Sha256::digest(token))
}

/// Whether `stored_hash` is the hash of this token. The time that it takes does not tell how many
/// digits are right.
pub(crate) fn has_hash(token: &str, stored_hash: &str) -> bool {
    hash(token).as_bytes().ct_eq(stored_hash.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_digits() {
        let (a, b) = (new().unwrap(), new().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 64);
        assert!(a.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    }

    #[test]
    fn hashes_are_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), expected);
    }

    #[test]
    fn only_the_token_itself_has_its_hash() {
        let stored = hash("abc");
        assert!(has_hash("abc", &stored));
        assert!(!has_hash("abd", &stored));
        assert!(!has_hash("", &stored));
        assert!(!has_hash("", ""));
        assert!(!has_hash(&stored, &stored));
    }
}
