//! What is done for a whole person. A person is whoever holds a delete token, and may have several
//! faces. Their ids begin alike (see [`id::person`]), so R2 lists them; nothing else is stored
//! about a person.

use wire::Kind;
use wire::faces::is_token;

use crate::clock;
use crate::error::{Error, Outcome, StoreError};
use crate::stores::{DELETE_VECTORS_MAX, Entry, Pictures, Vectors};
use crate::{deletion, id, token, tombstone};

/// A person's faces that have not expired. `person` is what the ids begin with. One page of the
/// bucket holds all faces that a person can have.
pub(crate) async fn current_faces(
    pictures: &impl Pictures,
    now_ms: u64,
    person: &str,
) -> Result<Vec<Entry>, StoreError> {
    let page = pictures.list(person, None).await?;
    let mut current = page.entries;
    current.retain(|entry| now_ms < clock::next_purge_ms(entry.uploaded_ms));
    Ok(current)
}

/// Deletes all faces of the person who holds a token, expired ones too.
///
/// The token ends first, even when nobody is enrolled under it. So an enrolment that is still under
/// way takes itself back, also one whose answer the caller has lost.
pub(crate) async fn delete(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    token: Option<&str>,
) -> Result<Outcome<()>, Error> {
    let Some(token) = token else {
        let text = "Send the delete token as `Authorization: Bearer <token>`.";
        return Err(Error::problem(Kind::WrongToken, text));
    };
    if !is_token(token) {
        return Err(nobody());
    }
    let token_hash = token::hash(token);
    pictures.put_ids(&tombstone::end_of(&token_hash), &[]).await?;
    let faces = pictures.list(id::person(&token_hash), None).await?.entries;
    if !belong_to(pictures, &faces, token).await? {
        return Err(nobody());
    }
    let faces: Vec<String> = faces.into_iter().map(|face| face.key).collect();
    let mut failure = None;
    for batch in faces.chunks(DELETE_VECTORS_MAX) {
        let outcome = deletion::delete(vectors, pictures, batch).await.outcome()?;
        failure = failure.or(outcome.failure);
    }
    Ok(Outcome { answer: (), failure })
}

fn nobody() -> Error {
    Error::problem(Kind::NotFound, "Nothing is enrolled under this token.")
}

/// Whether the faces, which are of one person, belong to this token. Their ids do not prove it: an
/// id holds only a part of the hash.
pub(crate) async fn belong_to(
    pictures: &impl Pictures,
    faces: &[Entry],
    token: &str,
) -> Result<bool, StoreError> {
    for face in faces {
        // One that was listed may be gone by now: an addition that took itself back.
        if let Some(metadata) = pictures.metadata(&face.key).await? {
            return Ok(token::has_hash(token, &metadata.token_hash));
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::tests::numbered;
    use crate::random;
    use crate::stores::fake::{Fake, face, now};

    /// A person with this many faces, the person's token, and a face of somebody else.
    fn filled(count: usize) -> (Fake, String) {
        let fake = Fake::default();
        let token = token::new().unwrap();
        let hash = token::hash(&token);
        for number in 0..count {
            fake.insert(face(&numbered(&token, number as u8), 0.0), &hash);
        }
        fake.insert(face(&random::digits::<16>().unwrap(), 0.0), &token::hash("other"));
        (fake, token)
    }

    #[track_caller]
    fn kind<T>(outcome: Result<T, Error>) -> Kind {
        match outcome {
            Err(Error::Problem(problem)) => problem.kind,
            Err(Error::Store(error)) => panic!("{error}"),
            Ok(_) => panic!("no error"),
        }
    }

    #[test]
    fn a_person_is_deleted_whole_and_nobody_else() {
        let (fake, token) = filled(3);
        now(delete(&fake, &fake, Some(&token))).unwrap();
        assert_eq!(fake.counts(), (1, 1));
        assert_eq!(fake.calls("pictures.put_ids"), 2, "the end, and one tombstone for all");
        assert_eq!(kind(now(delete(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(kind(now(delete(&fake, &fake, None))), Kind::WrongToken);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn a_failed_deletion_can_be_repeated() {
        for broken in ["pictures.list", "pictures.metadata", "pictures.put_ids", "pictures.delete"]
        {
            let (fake, token) = filled(2);
            fake.broken.borrow_mut().insert(broken);
            let outcome = now(delete(&fake, &fake, Some(&token)));
            assert!(matches!(outcome, Err(Error::Store(_))), "{broken}");
            fake.broken.borrow_mut().clear();
            now(delete(&fake, &fake, Some(&token))).unwrap();
            assert_eq!(fake.counts(), (1, 1), "{broken}");
        }
    }

    #[test]
    fn ids_that_begin_alike_prove_nothing() {
        let fake = Fake::default();
        let token = token::new().unwrap();
        fake.insert(face(&numbered(&token, 0), 0.0), &token::hash("another token"));
        assert_eq!(kind(now(delete(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(fake.counts(), (1, 1));
    }
}
