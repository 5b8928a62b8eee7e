//! Ids of faces. An id is the key of the picture in R2 and the id of the vector in the index.
//!
//! All ids of a person begin with the same 64 bits of the person's token hash. So R2 can list a
//! person's faces, and nothing else has to be stored about who is whose.
//!
//! The other 64 bits follow from the token and the picture, so that an enrolment that is repeated
//! stores the same face again and not a second one. Nobody can compute them without the token.

use sha2::{Digest as _, Sha256};

use wire::secret;

/// Digits of an id that all faces of a person have in common.
const PERSON_DIGITS: usize = 16;

/// The id of a picture of the person who holds this token.
///
/// A deleted id must not be used again, because its tombstone would delete the new vector. So the
/// id depends on `expires_ms`, when the picture's day ends, and on `attempt`, which counts how
/// often the picture was deleted on that day.
pub(crate) fn of_face(
    token: &str,
    token_hash: &str,
    expires_ms: u64,
    attempt: u8,
    picture: &[u8],
) -> String {
    let digest = Sha256::new()
        .chain_update(token)
        .chain_update(expires_ms.to_le_bytes())
        .chain_update([attempt])
        .chain_update(picture)
        .finalize();
    let digits = secret::hex(&digest);
    format!("{}{}", person(token_hash), person(&digits))
}

/// What the person's token hash and the ids of all the person's faces begin with.
pub(crate) fn person(id_or_token_hash: &str) -> &str {
    id_or_token_hash.get(..PERSON_DIGITS).unwrap_or(id_or_token_hash)
}

#[cfg(test)]
pub(crate) mod tests {
    use wire::faces::is_id;

    use super::*;
    use crate::token;

    /// The id of a picture that is told apart from others by its number.
    pub(crate) fn numbered(token: &str, number: u8) -> String {
        of_face(token, &token::hash(token), 0, 0, &[number])
    }

    #[test]
    fn ids_tell_whose_faces_they_are() {
        let [one, other] = [(); 2].map(|()| token::new().unwrap());
        let [a, b] = [1, 2].map(|number| numbered(&one, number));
        assert_ne!(a, b);
        assert!(is_id(&a));
        let hash = token::hash(&one);
        assert_eq!((person(&a), person(&b)), (person(&hash), person(&hash)));
        assert_ne!(person(&a), person(&numbered(&other, 1)));
        assert_eq!(person("short"), "short");
    }

    #[test]
    fn an_id_is_the_same_for_the_same_picture_on_one_day_until_it_is_deleted() {
        let id = |token, day, attempt, picture| {
            of_face(token, "0123456789abcdef", day, attempt, picture)
        };
        let first = id("t", 7, 0, b"p");
        assert_eq!(id("t", 7, 0, b"p"), first);
        for other in
            [id("u", 7, 0, b"p"), id("t", 8, 0, b"p"), id("t", 7, 1, b"p"), id("t", 7, 0, b"q")]
        {
            assert_ne!(other, first);
        }
    }
}
