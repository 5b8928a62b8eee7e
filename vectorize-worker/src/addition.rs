//! What a picture is added to: the person, and the id of the face. It is checked before anything
//! is written and, where the caller knows the token, again afterwards.
//!
//! The second check is for what happens at the same time. R2 shows every write immediately, so of
//! two writers at least one sees the other: an enrolment sees that its person was deleted
//! meanwhile, or the deletion sees the picture. Of too many pictures, the last one sees all others.

use futures_util::future::{try_join, try_join3};
use wire::Kind;
use wire::limits::PERSON_PICTURES_MAX;

use crate::clock::{self, Clock};
use crate::error::{Error, StoreError};
use crate::stores::Pictures;
use crate::{id, person, token, tombstone};

/// How often a picture can be stored under a token and deleted again on one day.
const ATTEMPTS_MAX: u8 = 8;

/// A picture that can be added.
#[derive(Debug)]
pub(crate) struct Addition {
    pub(crate) token: String,
    pub(crate) token_hash: String,
    pub(crate) id: String,
    /// Pictures that the person has besides this one.
    pub(crate) others: usize,
    /// When this picture was stored, if it is there already: then the request is a repetition.
    pub(crate) stored_ms: Option<u64>,
    /// Whether the caller knows the token already, and so can use it in another request meanwhile.
    known: bool,
}

impl Addition {
    /// A picture of a new person, whose token nobody knows yet.
    pub(crate) fn of_new_person(clock: &impl Clock, picture: &[u8]) -> Result<Self, StoreError> {
        let token = token::new()?;
        let token_hash = token::hash(&token);
        let expires_ms = clock::next_purge_ms(clock.now_ms());
        let id = id::of_face(&token, &token_hash, expires_ms, 0, picture);
        Ok(Self { token, token_hash, id, others: 0, stored_ms: None, known: false })
    }

    /// A picture of the person who holds this token. If nobody is enrolled under it, it is
    /// refused where somebody `must_exist`, and is the token of a new person elsewhere.
    pub(crate) async fn of_person(
        pictures: &impl Pictures,
        clock: &impl Clock,
        token: String,
        must_exist: bool,
        picture: &[u8],
    ) -> Result<Self, Error> {
        let token_hash = token::hash(&token);
        let now_ms = clock.now_ms();
        let end = tombstone::end_of(&token_hash);
        let faces = person::current_faces(pictures, now_ms, id::person(&token_hash));
        let (faces, has_ended) = try_join(faces, pictures.has(&end)).await?;
        if has_ended {
            return Err(ended());
        }
        let is_somebody = !faces.is_empty();
        if (is_somebody || must_exist) && !person::belong_to(pictures, &faces, &token).await? {
            let text =
                "Nobody is enrolled under this token. Send no `Authorization` to enrol anew.";
            return Err(Error::problem(Kind::WrongToken, text));
        }
        let expires_ms = clock::next_purge_ms(now_ms);
        for attempt in 0..ATTEMPTS_MAX {
            let id = id::of_face(&token, &token_hash, expires_ms, attempt, picture);
            let stored = faces.iter().find(|face| face.key == id);
            let stored_ms = stored.map(|face| face.uploaded_ms);
            if stored_ms.is_none() && pictures.has(&tombstone::key_of(&id)).await? {
                continue;
            }
            let others = faces.len() - usize::from(stored_ms.is_some());
            if stored_ms.is_none() && others >= PERSON_PICTURES_MAX {
                return Err(too_many());
            }
            return Ok(Self { token, token_hash, id, others, stored_ms, known: true });
        }
        let text = "This picture was deleted too often today. Send another one.";
        Err(Error::problem(Kind::Unusable, text))
    }

    /// Whether nobody was enrolled under the token.
    pub(crate) fn is_first(&self) -> bool {
        self.others == 0 && self.stored_ms.is_none()
    }

    /// Checks once more, after the picture, stored at `uploaded_ms`, and its vector were written.
    /// Nothing is checked where nobody knows the token.
    ///
    /// # Errors
    /// When the face has to go: the person or the picture was deleted meanwhile, or others were
    /// added at the same time and there are too many. Of several that were stored in one
    /// millisecond all go, because none is the last.
    pub(crate) async fn check_again(
        &self,
        pictures: &impl Pictures,
        clock: &impl Clock,
        uploaded_ms: u64,
    ) -> Result<(), Error> {
        if !self.known {
            return Ok(());
        }
        let (end, gone) = (tombstone::end_of(&self.token_hash), tombstone::key_of(&self.id));
        let faces = person::current_faces(pictures, clock.now_ms(), id::person(&self.token_hash));
        let (has_ended, is_gone, faces) =
            try_join3(pictures.has(&end), pictures.has(&gone), faces).await?;
        if has_ended {
            return Err(ended());
        }
        if is_gone {
            let text = "This picture was deleted while it was stored. Send it again.";
            return Err(Error::problem(Kind::Unavailable, text));
        }
        let before = faces.iter().filter(|face| face.uploaded_ms <= uploaded_ms);
        let before = before.filter(|face| face.key != self.id).count();
        if self.stored_ms.is_none() && before >= PERSON_PICTURES_MAX {
            return Err(too_many());
        }
        Ok(())
    }
}

fn ended() -> Error {
    let text = "The person of this delete token was deleted. Enrol anew, with another token.";
    Error::problem(Kind::WrongToken, text)
}

fn too_many() -> Error {
    let text = format!(
        "A person has {PERSON_PICTURES_MAX} pictures at most. Delete one first; add pictures one \
         after the other."
    );
    Error::problem(Kind::Unusable, text)
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
        for number in 0..count {
            let id = numbered(&token, number as u8);
            fake.insert(face(&id, 0.0), &token::hash(&token));
        }
        fake.insert(face(&random::digits::<16>().unwrap(), 0.0), &token::hash("other"));
        (fake, token)
    }

    fn add(fake: &Fake, token: &str, must_exist: bool) -> Result<usize, Kind> {
        let addition = Addition::of_person(fake, fake, token.into(), must_exist, b"new");
        match now(addition) {
            Ok(addition) => Ok(addition.others),
            Err(Error::Problem(problem)) => Err(problem.kind),
            Err(Error::Store(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn a_person_has_so_many_pictures_and_no_more() {
        for must_exist in [true, false] {
            let (fake, token) = filled(PERSON_PICTURES_MAX - 1);
            assert_eq!(add(&fake, &token, must_exist), Ok(PERSON_PICTURES_MAX - 1));
            let (fake, token) = filled(PERSON_PICTURES_MAX);
            assert_eq!(add(&fake, &token, must_exist), Err(Kind::Unusable));
            // Expired pictures do not count.
            fake.now_ms.set(12 * 3600 * 1000);
            let expected = if must_exist { Err(Kind::WrongToken) } else { Ok(0) };
            assert_eq!(add(&fake, &token, must_exist), expected);
        }
        let (fake, token) = filled(0);
        assert_eq!(add(&fake, &token, true), Err(Kind::WrongToken));
        assert_eq!(add(&fake, &token, false), Ok(0));
    }

    #[test]
    fn ids_that_begin_alike_prove_nothing() {
        let fake = Fake::default();
        let token = token::new().unwrap();
        fake.insert(face(&numbered(&token, 0), 0.0), &token::hash("another token"));
        for must_exist in [true, false] {
            assert_eq!(add(&fake, &token, must_exist), Err(Kind::WrongToken));
        }
    }

    #[test]
    fn a_deleted_picture_gets_another_id_and_not_for_ever() {
        let (fake, token) = filled(1);
        let mut ids = Vec::new();
        for _ in 0..ATTEMPTS_MAX {
            let addition = Addition::of_person(&fake, &fake, token.clone(), true, b"new");
            let id = now(addition).unwrap().id;
            assert!(!ids.contains(&id));
            fake.tombstones.borrow_mut().insert(tombstone::key_of(&id), (vec![id.clone()], 0));
            ids.push(id);
        }
        assert_eq!(add(&fake, &token, true), Err(Kind::Unusable));
    }
}
