//! Enrolment: stores a face, of somebody new or of somebody who is enrolled already.

use std::slice;

use wire::Kind;
use wire::faces::{Enrol, Enrolled};

use crate::addition::Addition;
use crate::clock::{self, Clock};
use crate::copies;
use crate::deletion::{self, Deletion};
use crate::error::{Error, Outcome, StoreError};
use crate::stores::{Face, PictureMetadata, Pictures, Vectors};

/// Stores the picture, then the vector. When one of them fails, what was stored is deleted again. A
/// request that is repeated with the same token and picture stores the same face again. If a
/// repetition fails, what was stored before stays.
pub(crate) async fn enrol(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    enrol: Enrol,
) -> Result<Outcome<Enrolled>, Error> {
    let Enrol { namespace, name, embedding, delete_token, must_exist, picture } = enrol;
    let addition = match delete_token {
        Some(token) => Addition::of_person(pictures, clock, token, must_exist, &picture).await?,
        None => Addition::of_new_person(clock, &picture)?,
    };
    if addition.is_first() {
        copies::check(vectors, pictures, clock, &namespace, &embedding).await?;
    }
    let face = Face { id: addition.id.clone(), namespace, name, embedding };
    let metadata = store_picture(pictures, &addition, picture).await?;
    let write = match vectors.upsert(&face).await {
        Ok(write) => write,
        Err(error) if addition.stored_ms.is_some() => return Err(error.into()),
        Err(error) => {
            // The vector may be stored all the same, or get stored later.
            let Deletion { pictures, vectors } = undo(vectors, pictures, &face).await;
            return Err(error.with_undoing([pictures, vectors]).into());
        }
    };
    if metadata.has_expired(clock.now_ms()) {
        // A purge has begun since the picture was stored, and may have listed the bucket before.
        let deletion = undo(vectors, pictures, &face).await;
        deletion.pictures.and(deletion.vectors)?;
        let text = "The daily purge has just begun. Enrol the face again.";
        return Err(Error::problem(Kind::Unavailable, text));
    }
    if let Err(error) = addition.check_again(pictures, clock, metadata.uploaded_ms).await {
        if addition.stored_ms.is_some() && matches!(error, Error::Store(_)) {
            return Err(error);
        }
        let deletion = undo(vectors, pictures, &face).await;
        deletion.pictures.and(deletion.vectors)?;
        return Err(error);
    }
    let (searchable, failure) = match vectors.state().await {
        Ok(state) => (state.last_write == Some(write), None),
        Err(error) => (false, Some(error)),
    };
    let expires_at = clock::rfc3339(metadata.expires_ms());
    let Face { id, name, .. } = face;
    let Addition { token: delete_token, others, .. } = addition;
    let pictures = others + 1;
    let answer = Enrolled { id, name, delete_token, pictures, expires_at, searchable };
    Ok(Outcome { answer, failure })
}

/// Stores the picture unless it is there already.
async fn store_picture(
    pictures: &impl Pictures,
    Addition { id, token_hash, stored_ms, .. }: &Addition,
    picture: Vec<u8>,
) -> Result<PictureMetadata, StoreError> {
    let uploaded_ms = match stored_ms {
        Some(stored_ms) => *stored_ms,
        None => match pictures.put(id, picture, token_hash).await {
            Ok(uploaded_ms) => uploaded_ms,
            Err(error) => {
                // The picture may be stored all the same. There is no vector yet, so there is no
                // need for a tombstone.
                let undone = pictures.delete(slice::from_ref(id)).await;
                return Err(error.with_undoing([undone]));
            }
        },
    };
    Ok(PictureMetadata { token_hash: token_hash.clone(), uploaded_ms })
}

async fn undo(vectors: &impl Vectors, pictures: &impl Pictures, face: &Face) -> Deletion {
    deletion::delete(vectors, pictures, slice::from_ref(&face.id)).await
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::stores::fake::{Fake, embedding, now};
    use crate::{id, person, token};

    fn request() -> Enrol {
        Enrol {
            namespace: "n".into(),
            name: "Ada".into(),
            embedding: embedding(0.0),
            delete_token: None,
            must_exist: false,
            picture: vec![],
        }
    }

    /// A request with a token, and a picture that its number makes different from others.
    fn of(token: &str, must_exist: bool, picture: u8) -> Enrol {
        let delete_token = Some(token.into());
        Enrol { delete_token, must_exist, picture: vec![picture], ..request() }
    }

    fn enrolled(fake: &Fake) -> Result<Outcome<Enrolled>, Error> {
        now(enrol(fake, fake, fake, request()))
    }

    #[test]
    fn a_face_is_stored_with_the_hash_of_its_token() {
        let fake = Fake::default();
        let enrolled = enrolled(&fake).unwrap().answer;
        assert_eq!(enrolled.name, "Ada");
        assert_eq!(enrolled.expires_at, "1970-01-01T12:00:00Z");
        assert!(enrolled.searchable);
        let calls = ["vectors.nearest", "pictures.put", "vectors.upsert", "vectors.state"];
        assert_eq!(*fake.journal.borrow(), calls);
        let metadata = fake.pictures.borrow()[&enrolled.id].clone();
        assert!(token::has_hash(&enrolled.delete_token, &metadata.token_hash));
        assert_eq!(fake.vectors.borrow()[&enrolled.id].name, "Ada");
    }

    #[test]
    fn a_token_adds_to_its_person() {
        let fake = Fake::default();
        let first = enrolled(&fake).unwrap().answer;
        assert_eq!(first.pictures, 1);
        let add = |token: &str| now(enrol(&fake, &fake, &fake, of(token, true, 2)));
        let second = add(&first.delete_token).unwrap().answer;
        assert_eq!((second.pictures, &second.delete_token), (2, &first.delete_token));
        assert_ne!(second.id, first.id);
        assert_eq!(id::person(&second.id), id::person(&first.id));
        assert_eq!(fake.counts(), (2, 2));
        for stranger in ["", &first.id, &first.delete_token.to_uppercase()] {
            match add(stranger) {
                Err(Error::Problem(problem)) => assert_eq!(problem.kind, Kind::WrongToken),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fake.counts(), (2, 2));
    }

    #[test]
    fn a_repeated_enrolment_stores_the_same_face() {
        let fake = Fake::default();
        let token = token::new().unwrap();
        let add = |picture| now(enrol(&fake, &fake, &fake, of(&token, false, picture)));
        let first = add(1).unwrap().answer;
        assert_eq!((&first.delete_token, first.pictures), (&token, 1));
        let again = add(1).unwrap().answer;
        assert_eq!((&again.id, again.pictures), (&first.id, 1));
        assert_eq!(again.expires_at, first.expires_at);
        assert_eq!(fake.counts(), (1, 1));
        let other = add(2).unwrap().answer;
        assert_eq!(other.pictures, 2);
        // A repetition that fails leaves what was stored.
        for broken in ["vectors.upsert", "pictures.has", "pictures.list"] {
            fake.broken.borrow_mut().insert(broken);
            assert!(matches!(add(1), Err(Error::Store(_))), "{broken}");
            fake.broken.borrow_mut().clear();
            assert_eq!(fake.counts(), (2, 2), "{broken}");
        }
    }

    #[test]
    fn a_token_that_has_ended_enrols_nobody() {
        let fake = Fake::default();
        let token = token::new().unwrap();
        let add = || now(enrol(&fake, &fake, &fake, of(&token, false, 1)));
        // The deletion overtakes the enrolment that it is meant for.
        assert!(now(person::delete(&fake, &fake, Some(&token))).is_err());
        match add() {
            Err(Error::Problem(problem)) => assert_eq!(problem.kind, Kind::WrongToken),
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.counts(), (0, 0));
    }

    #[test]
    fn a_picture_that_was_deleted_can_be_stored_again() {
        let fake = Fake::default();
        let token = token::new().unwrap();
        let add = || now(enrol(&fake, &fake, &fake, of(&token, false, 1))).unwrap().answer.id;
        let first = add();
        now(deletion::delete(&fake, &fake, std::slice::from_ref(&first))).pictures.unwrap();
        let second = add();
        assert_ne!(first, second, "the tombstone would delete its vector");
        assert_eq!((add(), fake.counts()), (second, (1, 1)));
    }

    #[test]
    fn a_face_is_called_searchable_when_its_write_is_the_last_applied() {
        let fake = Fake::default();
        fake.lags.set(true);
        assert!(!enrolled(&fake).unwrap().answer.searchable);
        // Another write is applied, not this one.
        fake.catch_up();
        assert!(!enrolled(&fake).unwrap().answer.searchable);

        let fake = Fake::breaking(&["vectors.state"]);
        let outcome = enrolled(&fake).unwrap();
        assert!(!outcome.answer.searchable);
        assert_eq!(outcome.failure.unwrap().to_string(), "vectors.state: broken");
        assert_eq!(fake.counts(), (1, 1));
    }

    #[track_caller]
    fn fails(broken: &[&'static str], calls: &[&str], left: (usize, usize), log: &str) {
        let fake = Fake::breaking(broken);
        let Err(Error::Store(error)) = enrolled(&fake) else { panic!("no error of a store") };
        assert_eq!(*fake.journal.borrow(), calls);
        assert_eq!(fake.counts(), left);
        assert_eq!(error.to_string(), log);
    }

    #[test]
    fn a_failure_is_undone() {
        let undoing = ["pictures.put_ids", "pictures.delete", "vectors.delete"];
        let calls = [&["vectors.nearest", "pictures.put", "vectors.upsert"], &undoing[..]].concat();
        fails(&["vectors.upsert"], &calls, (0, 0), "vectors.upsert: broken");
        let calls = ["vectors.nearest", "pictures.put", "pictures.delete"];
        fails(&["pictures.put"], &calls, (0, 0), "pictures.put: broken");
    }

    #[test]
    fn without_a_tombstone_the_picture_stays() {
        fails(
            &["vectors.upsert", "pictures.put_ids"],
            &[
                "vectors.nearest",
                "pictures.put",
                "vectors.upsert",
                "pictures.put_ids",
                "vectors.delete",
            ],
            (0, 1),
            "vectors.upsert: broken; undoing it: pictures.put_ids: broken",
        );
    }

    #[test]
    fn a_face_that_a_purge_may_have_missed_is_deleted() {
        let fake = Fake::default();
        fake.now_ms.set(12 * 3600 * 1000 - 1);
        fake.steps.set(true);
        let mut enrolment = pin!(enrol(&fake, &fake, &fake, request()));
        let mut context = Context::from_waker(Waker::noop());
        // The search for copies, the picture and the vector.
        for _ in 0..3 {
            assert!(enrolment.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(fake.counts(), (0, 1));
        fake.now_ms.set(12 * 3600 * 1000);
        fake.steps.set(false);
        match enrolment.as_mut().poll(&mut context) {
            Poll::Ready(Err(Error::Problem(problem))) => {
                assert_eq!((problem.kind, problem.retry_after), (Kind::Unavailable, Some(2)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.counts(), (0, 0));
        assert_eq!(fake.tombstones.borrow().len(), 1);
    }
}
