//! What is done for a whole person. A person is whoever holds a delete token, and may have several
//! faces. Their ids begin alike (see [`id::person`]), so R2 lists them; nothing else is stored
//! about a person.

use wire::Kind;
use wire::limits::PERSON_PICTURES_MAX;

use crate::clock::{self, Clock};
use crate::error::{Error, Outcome, StoreError};
use crate::stores::{DELETE_VECTORS_MAX, Pictures, Vectors};
use crate::{deletion, id, token};

/// The ids of a person's faces that have not expired. `person` is what the ids begin with. One page
/// of the bucket holds all faces that a person can have.
pub(crate) async fn current_faces(
    pictures: &impl Pictures,
    now_ms: u64,
    person: &str,
) -> Result<Vec<String>, StoreError> {
    let page = pictures.list(person, None).await?;
    let current =
        page.entries.into_iter().filter(|entry| now_ms < clock::next_purge_ms(entry.uploaded_ms));
    Ok(current.map(|entry| entry.key).collect())
}

/// Checks that a picture can be added to the person who holds this token, and returns how many
/// pictures the person has already.
pub(crate) async fn check_addition(
    pictures: &impl Pictures,
    clock: &impl Clock,
    token: &str,
) -> Result<usize, Error> {
    let person = token::hash(token);
    let faces = current_faces(pictures, clock.now_ms(), id::person(&person)).await?;
    if !belong_to(pictures, &faces, token).await? {
        let text = "Nobody is enrolled under this token. Leave out `Authorization` to enrol anew.";
        return Err(Error::problem(Kind::WrongToken, text));
    }
    if faces.len() >= PERSON_PICTURES_MAX {
        let text = format!(
            "There are {PERSON_PICTURES_MAX} pictures of this person, which is the most. Delete \
             one first."
        );
        return Err(Error::problem(Kind::Unusable, text));
    }
    Ok(faces.len())
}

/// Deletes all faces of the person who holds a token, expired ones too.
pub(crate) async fn delete(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    token: Option<&str>,
) -> Result<Outcome<()>, Error> {
    let Some(token) = token else {
        let text = "Send the delete token as `Authorization: Bearer <token>`.";
        return Err(Error::problem(Kind::WrongToken, text));
    };
    let page = pictures.list(id::person(&token::hash(token)), None).await?;
    let faces: Vec<String> = page.entries.into_iter().map(|entry| entry.key).collect();
    if !belong_to(pictures, &faces, token).await? {
        let text = "Nothing is enrolled under this token.";
        return Err(Error::problem(Kind::NotFound, text));
    }
    let mut failure = None;
    for batch in faces.chunks(DELETE_VECTORS_MAX) {
        let outcome = deletion::delete(vectors, pictures, batch).await.outcome()?;
        failure = failure.or(outcome.failure);
    }
    Ok(Outcome { answer: (), failure })
}

/// Whether the faces, which are of one person, belong to this token. The beginning of an id does
/// not prove it: it holds only a part of the hash.
async fn belong_to(
    pictures: &impl Pictures,
    faces: &[String],
    token: &str,
) -> Result<bool, StoreError> {
    let Some(face) = faces.first() else { return Ok(false) };
    let metadata = pictures.metadata(face).await?;
    Ok(metadata.is_some_and(|metadata| token::has_hash(token, &metadata.token_hash)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use crate::stores::fake::{Fake, face, now};

    /// A person with this many faces, the person's token, and a face of somebody else.
    fn filled(count: usize) -> (Fake, String) {
        let fake = Fake::default();
        let token = token::new().unwrap();
        let hash = token::hash(&token);
        for _ in 0..count {
            fake.insert(face(&id::of_face(&hash).unwrap(), 0.0), &hash);
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
        assert_eq!(fake.calls("pictures.put_tombstone"), 1, "one tombstone for all");
        assert_eq!(kind(now(delete(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(kind(now(delete(&fake, &fake, None))), Kind::WrongToken);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn a_failed_deletion_can_be_repeated() {
        for broken in
            ["pictures.list", "pictures.metadata", "pictures.put_tombstone", "pictures.delete"]
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
        let id = id::of_face(&token::hash(&token)).unwrap();
        fake.insert(face(&id, 0.0), &token::hash("another token"));
        assert_eq!(kind(now(delete(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(kind(now(check_addition(&fake, &fake, &token))), Kind::WrongToken);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn a_person_has_so_many_pictures_and_no_more() {
        let (fake, token) = filled(PERSON_PICTURES_MAX - 1);
        assert_eq!(now(check_addition(&fake, &fake, &token)).unwrap(), PERSON_PICTURES_MAX - 1);
        let (fake, token) = filled(PERSON_PICTURES_MAX);
        assert_eq!(kind(now(check_addition(&fake, &fake, &token))), Kind::Unusable);
        let (fake, token) = filled(0);
        assert_eq!(kind(now(check_addition(&fake, &fake, &token))), Kind::WrongToken);
        // Expired pictures do not count.
        let (fake, token) = filled(1);
        fake.now_ms.set(12 * 3600 * 1000);
        assert_eq!(kind(now(check_addition(&fake, &fake, &token))), Kind::WrongToken);
    }
}
