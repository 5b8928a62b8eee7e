//! People: whoever holds a token is one, and may have several faces. Nothing is stored about a
//! person but that the ids of the person's faces begin alike (see [`secret::person`]), so the
//! bucket lists them.

use wire::{Kind, limits::PERSON_PICTURES_MAX};

use crate::{
    clock::{self, Clock},
    secret,
    store::{DELETE_VECTORS_MAX, Done, Failure, Pictures, Trouble, Vectors},
    tombstone::{Burial, bury},
};

/// The ids of a person's faces whose time is not over. `person` is what they begin with. Nobody
/// has more than one page of them.
pub(crate) async fn faces(
    pictures: &impl Pictures,
    now: u64,
    person: &str,
) -> Result<Vec<String>, Failure> {
    let page = pictures.page(person, None).await?;
    let current = page.entries.into_iter().filter(|entry| now < clock::next_purge(entry.uploaded));
    Ok(current.map(|entry| entry.key).collect())
}

/// How many pictures there are of the person who holds a token, to whom one is to be added.
pub(crate) async fn check_room(
    pictures: &impl Pictures,
    clock: &impl Clock,
    token: &str,
) -> Result<usize, Trouble> {
    let faces = faces(pictures, clock.now(), secret::person(&secret::hash(token))).await?;
    if !is_of(pictures, &faces, token).await? {
        let text = "Nobody is enrolled under this token. Leave out `Authorization` to enrol anew.";
        return Err(Trouble::problem(Kind::WrongToken, text));
    }
    if faces.len() >= PERSON_PICTURES_MAX {
        let text = format!(
            "There are {PERSON_PICTURES_MAX} pictures of this person, which is the most. Delete \
             one first."
        );
        return Err(Trouble::problem(Kind::Unusable, text));
    }
    Ok(faces.len())
}

/// Removes all faces of the person who holds a token. They are gone when their pictures are, as
/// a single one is.
pub(crate) async fn forget(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    token: Option<&str>,
) -> Result<Done<()>, Trouble> {
    let Some(token) = token else {
        let text = "Send the delete token as `Authorization: Bearer <token>`.";
        return Err(Trouble::problem(Kind::WrongToken, text));
    };
    // Those whose time is over as well: they are as much the person's.
    let page = pictures.page(secret::person(&secret::hash(token)), None).await?;
    let faces: Vec<String> = page.entries.into_iter().map(|entry| entry.key).collect();
    if !is_of(pictures, &faces, token).await? {
        let text = "Nothing is enrolled under this token.";
        return Err(Trouble::problem(Kind::NotFound, text));
    }
    let mut failure = None;
    for batch in faces.chunks(DELETE_VECTORS_MAX) {
        let Burial { picture, vector } = bury(vectors, pictures, batch).await;
        picture?;
        failure = failure.or(vector.err());
    }
    Ok(Done { answer: (), failure })
}

/// Whether the faces, which are one person's, are those of this token: that ids begin alike is no
/// proof yet.
async fn is_of(pictures: &impl Pictures, faces: &[String], token: &str) -> Result<bool, Failure> {
    let Some(face) = faces.first() else { return Ok(false) };
    let label = pictures.label(face).await?;
    Ok(label.is_some_and(|label| secret::fits(token, &label.token_hash)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Fake, face, now};

    /// Somebody with this many faces, and a stranger.
    fn filled(count: usize) -> (Fake, String) {
        let fake = Fake::default();
        let token = secret::token().unwrap();
        let hash = secret::hash(&token);
        for _ in 0..count {
            fake.insert(face(&secret::face_id(&hash).unwrap(), 0.0), &hash);
        }
        fake.insert(face(&secret::id().unwrap(), 0.0), &secret::hash("other"));
        (fake, token)
    }

    #[track_caller]
    fn kind<T>(outcome: Result<T, Trouble>) -> Kind {
        match outcome {
            Err(Trouble::Problem(problem)) => problem.kind,
            Err(Trouble::Failure(failure)) => panic!("{failure}"),
            Ok(_) => panic!("it was done"),
        }
    }

    #[test]
    fn a_person_is_forgotten_at_once_and_nobody_else() {
        let (fake, token) = filled(3);
        now(forget(&fake, &fake, Some(&token))).unwrap();
        assert_eq!(fake.counts(), (1, 1));
        assert_eq!(fake.calls("pictures.mark"), 1, "one tombstone for all");
        assert_eq!(kind(now(forget(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(kind(now(forget(&fake, &fake, None))), Kind::WrongToken);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn a_failed_forgetting_can_be_repeated() {
        for broken in ["pictures.page", "pictures.label", "pictures.mark", "pictures.delete"] {
            let (fake, token) = filled(2);
            fake.broken.borrow_mut().insert(broken);
            let outcome = now(forget(&fake, &fake, Some(&token)));
            assert!(matches!(outcome, Err(Trouble::Failure(_))), "{broken}");
            fake.broken.borrow_mut().clear();
            now(forget(&fake, &fake, Some(&token))).unwrap();
            assert_eq!(fake.counts(), (1, 1), "{broken}");
        }
    }

    #[test]
    fn ids_that_begin_alike_prove_nothing() {
        let fake = Fake::default();
        let token = secret::token().unwrap();
        let id = secret::face_id(&secret::hash(&token)).unwrap();
        fake.insert(face(&id, 0.0), &secret::hash("another token"));
        assert_eq!(kind(now(forget(&fake, &fake, Some(&token)))), Kind::NotFound);
        assert_eq!(kind(now(check_room(&fake, &fake, &token))), Kind::WrongToken);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn there_is_room_for_some_pictures() {
        let (fake, token) = filled(PERSON_PICTURES_MAX - 1);
        assert_eq!(now(check_room(&fake, &fake, &token)).unwrap(), PERSON_PICTURES_MAX - 1);
        let (fake, token) = filled(PERSON_PICTURES_MAX);
        assert_eq!(kind(now(check_room(&fake, &fake, &token))), Kind::Unusable);
        let (fake, token) = filled(0);
        assert_eq!(kind(now(check_room(&fake, &fake, &token))), Kind::WrongToken);
        // Pictures whose time is over are nobody's.
        let (fake, token) = filled(1);
        fake.now.set(12 * 3600 * 1000);
        assert_eq!(kind(now(check_room(&fake, &fake, &token))), Kind::WrongToken);
    }
}
