//! Enrolment: stores a face, of somebody new or of somebody who is enrolled already.

use std::slice;

use wire::Kind;
use wire::faces::{Enrol, Enrolled};

use crate::clock::{self, Clock};
use crate::deletion::{self, Deletion};
use crate::error::{Error, Outcome};
use crate::stores::{Face, PictureMetadata, Pictures, Vectors};
use crate::{id, person, token};

/// Stores the picture, then the vector. When one of them fails, what was stored is deleted again.
pub(crate) async fn enrol(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    enrol: Enrol,
) -> Result<Outcome<Enrolled>, Error> {
    let Enrol { namespace, name, embedding, delete_token, picture } = enrol;
    let (delete_token, others) = match delete_token {
        Some(token) => {
            let others = person::check_addition(pictures, clock, &token).await?;
            (token, others)
        }
        None => (token::new()?, 0),
    };
    let token_hash = token::hash(&delete_token);
    let face = Face { id: id::of_face(&token_hash)?, namespace, name, embedding };
    let ids = slice::from_ref(&face.id);
    let metadata = match pictures.put(&face.id, picture, &token_hash).await {
        Ok(uploaded_ms) => PictureMetadata { token_hash, uploaded_ms },
        Err(error) => {
            // The picture may be stored all the same. There is no vector yet, so there is no need
            // for a tombstone.
            let undone = pictures.delete(ids).await;
            return Err(error.with_undoing([undone]).into());
        }
    };
    let write = match vectors.upsert(&face).await {
        Ok(write) => write,
        Err(error) => {
            // The vector may be stored all the same, or get stored later.
            let Deletion { pictures, vectors } = deletion::delete(vectors, pictures, ids).await;
            return Err(error.with_undoing([pictures, vectors]).into());
        }
    };
    if metadata.has_expired(clock.now_ms()) {
        // A purge has begun since the picture was stored, and may have listed the bucket before.
        let deletion = deletion::delete(vectors, pictures, ids).await;
        deletion.pictures.and(deletion.vectors)?;
        let text = "The daily purge has just begun. Enrol the face again.";
        return Err(Error::problem(Kind::Unavailable, text));
    }
    let (searchable, failure) = match vectors.state().await {
        Ok(state) => (state.last_write == Some(write), None),
        Err(error) => (false, Some(error)),
    };
    let expires_at = clock::rfc3339(metadata.expires_ms());
    let Face { id, name, .. } = face;
    let pictures = others + 1;
    let answer = Enrolled { id, name, delete_token, pictures, expires_at, searchable };
    Ok(Outcome { answer, failure })
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::stores::fake::{Fake, embedding, now};

    fn request() -> Enrol {
        Enrol {
            namespace: "n".into(),
            name: "Ada".into(),
            embedding: embedding(0.0),
            delete_token: None,
            picture: vec![],
        }
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
        let calls = ["pictures.put", "vectors.upsert", "vectors.state"];
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
        let add = |token: &str| {
            let request = Enrol { delete_token: Some(token.into()), ..request() };
            now(enrol(&fake, &fake, &fake, request))
        };
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
        let undoing = ["pictures.put_tombstone", "pictures.delete", "vectors.delete"];
        let calls = [&["pictures.put", "vectors.upsert"], &undoing[..]].concat();
        fails(&["vectors.upsert"], &calls, (0, 0), "vectors.upsert: broken");
        let calls = ["pictures.put", "pictures.delete"];
        fails(&["pictures.put"], &calls, (0, 0), "pictures.put: broken");
    }

    #[test]
    fn without_a_tombstone_the_picture_stays() {
        fails(
            &["vectors.upsert", "pictures.put_tombstone"],
            &["pictures.put", "vectors.upsert", "pictures.put_tombstone", "vectors.delete"],
            (0, 1),
            "vectors.upsert: broken; undoing it: pictures.put_tombstone: broken",
        );
    }

    #[test]
    fn a_face_that_a_purge_may_have_missed_is_deleted() {
        let fake = Fake::default();
        fake.now_ms.set(12 * 3600 * 1000 - 1);
        fake.steps.set(true);
        let mut enrolment = pin!(enrol(&fake, &fake, &fake, request()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(enrolment.as_mut().poll(&mut context).is_pending());
        assert!(enrolment.as_mut().poll(&mut context).is_pending());
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
