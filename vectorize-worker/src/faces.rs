//! `GET` and `DELETE /faces/{id}`, `GET /faces/{id}/status`: shows a picture, removes a face, tells
//! whether it is found.

use wire::{
    Kind,
    faces::{Status, is_id},
};
use worker::{Headers, Response};

use crate::{
    clock::{self, Clock},
    cloudflare::{Faces, PICTURE_TYPE},
    secret,
    store::{Done, Failure, Label, Pictures, Trouble, Vectors},
    tombstone::{Burial, bury},
};

/// A picture, passed on from the bucket without being read.
pub(crate) async fn show(
    pictures: &Faces,
    clock: &impl Clock,
    id: &str,
) -> Result<Response, Trouble> {
    if !is_id(id) {
        return Err(unknown());
    }
    let object = pictures.get(id).await?.ok_or_else(unknown)?;
    let uploaded = object.uploaded().as_millis();
    if clock.now() >= clock::next_purge(uploaded) {
        return Err(unknown());
    }
    let body = object.body().ok_or_else(unknown)?;
    let respond = || -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", PICTURE_TYPE)?;
        headers.set("content-length", &object.size().to_string())?;
        headers.set("x-content-type-options", "nosniff")?;
        // A deleted face must be gone everywhere.
        headers.set("cache-control", "no-store")?;
        Ok(Response::from_body(body.response_body()?)?.with_headers(headers))
    };
    respond().map_err(|error| Failure::new("picture response", error).into())
}

/// Whether a search finds the face by now. Asks the index for the vector itself: that the last
/// write applied is a later one than the face's cannot be seen from its name.
pub(crate) async fn status(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    id: &str,
) -> Result<Status, Trouble> {
    let label = label(pictures, id).await?;
    if label.is_over(clock.now()) {
        return Err(unknown());
    }
    let id = id.to_owned();
    let searchable = vectors.present(std::slice::from_ref(&id)).await?.contains(&id);
    Ok(Status { id, searchable, expires_at: clock::rfc3339(label.expires()) })
}

/// Removes a face for whoever holds its token. It is gone when its picture is: should the index
/// not take the deletion, the next purge repeats it.
pub(crate) async fn remove(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    id: &str,
    token: Option<&str>,
) -> Result<Done<()>, Trouble> {
    let label = label(pictures, id).await?;
    if !token.is_some_and(|token| secret::fits(token, &label.token_hash)) {
        let text = "Send the delete token of this face as `Authorization: Bearer <token>`.";
        return Err(Trouble::problem(Kind::WrongToken, text));
    }
    let ids = [id.to_owned()];
    let Burial { picture, vector } = bury(vectors, pictures, &ids).await;
    picture?;
    Ok(Done { answer: (), failure: vector.err() })
}

async fn label(pictures: &impl Pictures, id: &str) -> Result<Label, Trouble> {
    if !is_id(id) {
        return Err(unknown());
    }
    pictures.label(id).await?.ok_or_else(unknown)
}

fn unknown() -> Trouble {
    Trouble::problem(Kind::NotFound, "There is no face with this id.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Fake, face, now};

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn filled() -> Fake {
        let fake = Fake::default();
        fake.insert(face(ID, 0.0), &secret::hash("token"));
        fake
    }

    #[track_caller]
    fn refused(fake: &Fake, id: &str, token: Option<&str>, kind: Kind) {
        let before = fake.counts();
        match now(remove(fake, fake, id, token)) {
            Err(Trouble::Problem(problem)) => assert_eq!(problem.kind, kind),
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.counts(), before);
    }

    #[test]
    fn the_token_removes_both_and_works_once() {
        let fake = filled();
        now(remove(&fake, &fake, ID, Some("token"))).unwrap();
        assert_eq!(fake.counts(), (0, 0));
        let journal = ["pictures.label", "pictures.mark", "pictures.delete", "vectors.delete"];
        assert_eq!(*fake.journal.borrow(), journal);
        refused(&fake, ID, Some("token"), Kind::NotFound);
    }

    #[test]
    fn others_remove_nothing() {
        let fake = filled();
        refused(&fake, ID, Some("Token"), Kind::WrongToken);
        refused(&fake, ID, Some(""), Kind::WrongToken);
        refused(&fake, ID, None, Kind::WrongToken);
        refused(&fake, &ID.replace('0', "1"), Some("token"), Kind::NotFound);
        refused(&fake, "../x", Some("token"), Kind::NotFound);
    }

    #[test]
    fn a_failed_removal_can_be_repeated() {
        for broken in ["pictures.mark", "pictures.delete"] {
            let fake = filled();
            fake.broken.borrow_mut().insert(broken);
            assert!(matches!(
                now(remove(&fake, &fake, ID, Some("token"))),
                Err(Trouble::Failure(_))
            ));
            assert_eq!(fake.counts().1, 1, "the token still works");
            fake.broken.borrow_mut().clear();
            now(remove(&fake, &fake, ID, Some("token"))).unwrap();
            assert_eq!(fake.counts(), (0, 0));
        }
    }

    #[test]
    fn a_face_is_gone_even_if_the_index_does_not_hear_of_it() {
        let fake = filled();
        fake.broken.borrow_mut().insert("vectors.delete");
        let done = now(remove(&fake, &fake, ID, Some("token"))).unwrap();
        assert_eq!(done.failure.unwrap().to_string(), "vectors.delete: broken");
        assert_eq!(fake.counts(), (1, 0));
        assert_eq!(fake.tombstones.borrow().len(), 1, "the purge will find the vector");
        refused(&fake, ID, Some("token"), Kind::NotFound);
    }

    #[test]
    fn the_status_is_that_of_the_index() {
        let status = |fake: &Fake, id: &str| match now(super::status(fake, fake, fake, id)) {
            Ok(status) => Ok(status.searchable),
            Err(Trouble::Problem(problem)) => Err(problem.kind),
            Err(Trouble::Failure(failure)) => panic!("{failure}"),
        };
        let fake = filled();
        assert_eq!(status(&fake, ID), Ok(true));
        fake.vectors.borrow_mut().clear();
        assert_eq!(status(&fake, ID), Ok(false));
        for unknown in ["f".repeat(32).as_str(), "", "..", "gone/x", &ID.to_uppercase()] {
            assert_eq!(status(&fake, unknown), Err(Kind::NotFound), "{unknown}");
        }
        fake.now.set(12 * 3600 * 1000);
        assert_eq!(status(&fake, ID), Err(Kind::NotFound), "its time is over");
    }
}
