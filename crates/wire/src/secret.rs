//! Secrets that callers hold: delete tokens and API keys. They are random, and only their hashes
//! are kept.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Random bytes of a secret.
const BYTES: usize = 32;

/// A new secret: 256 random bits as lower-case hexadecimal digits.
///
/// # Errors
/// When there is no source of randomness.
pub fn new() -> Result<String, getrandom::Error> {
    random_digits::<BYTES>()
}

/// So many random bytes as lower-case hexadecimal digits.
///
/// # Errors
/// When there is no source of randomness.
pub fn random_digits<const BYTES: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// The form in which a secret is stored: its SHA-256 as hexadecimal digits. A slow hash would add
/// nothing, because a secret cannot be guessed.
#[must_use]
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

/// Whether `stored_hash` is the hash of this secret. The time that this takes does not tell how
/// many digits are right.
#[must_use]
pub fn has_hash(secret: &str, stored_hash: &str) -> bool {
    is_same_hash(&hash(secret), stored_hash)
}

/// Whether two hashes are the same, in a time that does not tell how many digits are.
#[must_use]
pub fn is_same_hash(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// Whether a text has the form of a secret, and so of a hash: 64 lower-case hexadecimal digits.
#[must_use]
pub fn has_form(text: &str) -> bool {
    text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_random_digits() {
        let (a, b) = (new().unwrap(), new().unwrap());
        assert_ne!(a, b);
        assert!(has_form(&a));
        for other in ["", &a[1..], &a.to_uppercase(), &format!("{a}0"), &"g".repeat(64)] {
            assert!(!has_form(other), "{other}");
        }
    }

    #[test]
    fn hashes_are_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), expected);
    }

    #[test]
    fn only_the_secret_itself_has_its_hash() {
        let stored = hash("abc");
        assert!(has_hash("abc", &stored));
        assert!(!has_hash("abd", &stored));
        assert!(!has_hash("", &stored));
        assert!(!has_hash("", ""));
        assert!(!has_hash(&stored, &stored));
    }
}
