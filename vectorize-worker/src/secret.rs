//! Ids and delete tokens. Both are random; of a token only the hash is ever stored.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::store::Failure;

/// Digits of an id that all faces of a person have in common.
const PERSON_DIGITS: usize = 16;

/// A new id: 128 random bits as hexadecimal digits.
pub(crate) fn id() -> Result<String, Failure> {
    random::<16>()
}

/// A new id of a face of the person whose token has this hash: 64 bits of the hash, which is as
/// random as the token, and 64 random ones.
pub(crate) fn face_id(token_hash: &str) -> Result<String, Failure> {
    Ok(format!("{}{}", person(token_hash), random::<8>()?))
}

/// What a person's token hash and the ids of all the person's faces begin with. So the bucket
/// lists a person's faces, and no other place says whose they are.
pub(crate) fn person(id_or_token_hash: &str) -> &str {
    id_or_token_hash.get(..PERSON_DIGITS).unwrap_or(id_or_token_hash)
}

/// A new delete token: 256 random bits as hexadecimal digits.
pub(crate) fn token() -> Result<String, Failure> {
    random::<32>()
}

/// The form in which a token is stored: its SHA-256 as hexadecimal digits. A slow hash would
/// add nothing, as a token cannot be guessed.
pub(crate) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// Whether this is the token that was stored as `stored`, in a time that does not tell how much
/// of it is right.
pub(crate) fn fits(token: &str, stored: &str) -> bool {
    hash(token).as_bytes().ct_eq(stored.as_bytes()).into()
}

fn random<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new("random bytes", error))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
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
    fn ids_and_tokens_are_random_digits() {
        let (a, b) = (id().unwrap(), id().unwrap());
        assert_ne!(a, b);
        assert!(wire::faces::is_id(&a));
        let token = token().unwrap();
        assert_eq!(token.len(), 64);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn ids_tell_whose_faces_they_are() {
        let hash = hash(&token().unwrap());
        let (a, b) = (face_id(&hash).unwrap(), face_id(&hash).unwrap());
        assert_ne!(a, b);
        assert!(wire::faces::is_id(&a));
        assert_eq!((person(&a), person(&b)), (person(&hash), person(&hash)));
        assert_ne!(person(&a), person(&id().unwrap()));
        assert_eq!(person("short"), "short");
    }

    #[test]
    fn hashes_are_sha_256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), expected);
    }

    #[test]
    fn only_the_token_itself_fits() {
        let stored = hash("abc");
        assert!(fits("abc", &stored));
        assert!(!fits("abd", &stored));
        assert!(!fits("", &stored));
        assert!(!fits("", ""));
        assert!(!fits(&stored, &stored));
    }
}
