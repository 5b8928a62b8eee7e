//! Ids of faces. An id is the key of the picture in R2 and the id of the vector in the index.
//!
//! All ids of a person begin with the same 64 bits of the person's token hash. So R2 can list a
//! person's faces, and nothing else has to be stored about who is whose.

use crate::error::StoreError;
use crate::random;

/// Digits of an id that all faces of a person have in common.
const PERSON_DIGITS: usize = 16;

/// A new id for a face of the person whose token has this hash: 64 bits of the hash, then 64
/// random ones.
pub(crate) fn of_face(token_hash: &str) -> Result<String, StoreError> {
    Ok(format!("{}{}", person(token_hash), random::digits::<8>()?))
}

/// What the person's token hash and the ids of all the person's faces begin with.
pub(crate) fn person(id_or_token_hash: &str) -> &str {
    id_or_token_hash.get(..PERSON_DIGITS).unwrap_or(id_or_token_hash)
}

#[cfg(test)]
mod tests {
    use wire::faces::is_id;

    use super::*;
    use crate::token;

    #[test]
    fn ids_tell_whose_faces_they_are() {
        let [hash, other] = [(); 2].map(|()| token::hash(&token::new().unwrap()));
        let [a, b] = [(); 2].map(|()| of_face(&hash).unwrap());
        assert_ne!(a, b);
        assert!(is_id(&a));
        assert_eq!((person(&a), person(&b)), (person(&hash), person(&hash)));
        assert_ne!(person(&a), person(&of_face(&other).unwrap()));
        assert_eq!(person("short"), "short");
    }
}
