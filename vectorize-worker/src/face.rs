//! What is done for one stored face: show it, tell whether a search finds it, delete it.

use wire::Kind;
use wire::faces::{Status, is_id};
use worker::Object;

use crate::clock::{self, Clock};
use crate::error::{Error, Outcome};
use crate::stores::cloudflare::Faces;
use crate::stores::{PictureMetadata, Pictures, Vectors};
use crate::{deletion, token};

/// The stored picture, with its content still to be read.
pub(crate) async fn picture(
    pictures: &Faces,
    clock: &impl Clock,
    id: &str,
) -> Result<Object, Error> {
    if !is_id(id) {
        return Err(unknown());
    }
    let object = pictures.get(id).await?.ok_or_else(unknown)?;
    if clock.now_ms() >= clock::next_purge_ms(object.uploaded().as_millis()) {
        return Err(unknown());
    }
    Ok(object)
}

/// Whether a search finds the face by now. Asks the index for the vector itself. The name of the
/// last write that was applied would not be enough: names of writes have no order.
pub(crate) async fn status(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    id: &str,
) -> Result<Status, Error> {
    let metadata = metadata(pictures, id).await?;
    if metadata.has_expired(clock.now_ms()) {
        return Err(unknown());
    }
    let id = id.to_owned();
    let searchable = vectors.present(std::slice::from_ref(&id)).await?.contains(&id);
    Ok(Status { id, searchable, expires_at: clock::rfc3339(metadata.expires_ms()) })
}

/// Deletes a face for whoever holds its token.
pub(crate) async fn delete(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    id: &str,
    token: Option<&str>,
) -> Result<Outcome<()>, Error> {
    let metadata = metadata(pictures, id).await?;
    if !token.is_some_and(|token| token::has_hash(token, &metadata.token_hash)) {
        let text = "Send the delete token of this face as `Authorization: Bearer <token>`.";
        return Err(Error::problem(Kind::WrongToken, text));
    }
    Ok(deletion::delete(vectors, pictures, &[id.to_owned()]).await.outcome()?)
}

async fn metadata(pictures: &impl Pictures, id: &str) -> Result<PictureMetadata, Error> {
    if !is_id(id) {
        return Err(unknown());
    }
    pictures.metadata(id).await?.ok_or_else(unknown)
}

/// There is no such face, or no longer.
pub(crate) fn unknown() -> Error {
    Error::problem(Kind::NotFound, "There is no face with this id.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::fake::{Fake, face, now};

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn filled() -> Fake {
        let fake = Fake::default();
        fake.insert(face(ID, 0.0), &token::hash("token"));
        fake
    }

    #[track_caller]
    fn refused(fake: &Fake, id: &str, token: Option<&str>, kind: Kind) {
        let before = fake.counts();
        match now(delete(fake, fake, id, token)) {
            Err(Error::Problem(problem)) => assert_eq!(problem.kind, kind),
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.counts(), before);
    }

    #[test]
    fn the_token_deletes_both_and_works_once() {
        let fake = filled();
        now(delete(&fake, &fake, ID, Some("token"))).unwrap();
        assert_eq!(fake.counts(), (0, 0));
        let calls = ["pictures.metadata", "pictures.put_ids", "pictures.delete", "vectors.delete"];
        assert_eq!(*fake.journal.borrow(), calls);
        refused(&fake, ID, Some("token"), Kind::NotFound);
    }

    #[test]
    fn others_delete_nothing() {
        let fake = filled();
        refused(&fake, ID, Some("Token"), Kind::WrongToken);
        refused(&fake, ID, Some(""), Kind::WrongToken);
        refused(&fake, ID, None, Kind::WrongToken);
        refused(&fake, &ID.replace('0', "1"), Some("token"), Kind::NotFound);
        refused(&fake, "../x", Some("token"), Kind::NotFound);
    }

    #[test]
    fn a_failed_deletion_can_be_repeated() {
        for broken in ["pictures.put_ids", "pictures.delete"] {
            let fake = filled();
            fake.broken.borrow_mut().insert(broken);
            assert!(matches!(now(delete(&fake, &fake, ID, Some("token"))), Err(Error::Store(_))));
            assert_eq!(fake.counts().1, 1, "the token still works");
            fake.broken.borrow_mut().clear();
            now(delete(&fake, &fake, ID, Some("token"))).unwrap();
            assert_eq!(fake.counts(), (0, 0));
        }
    }

    #[test]
    fn a_face_is_gone_even_when_the_index_is_down() {
        let fake = filled();
        fake.broken.borrow_mut().insert("vectors.delete");
        let done = now(delete(&fake, &fake, ID, Some("token"))).unwrap();
        assert_eq!(done.failure.unwrap().to_string(), "vectors.delete: broken");
        assert_eq!(fake.counts(), (1, 0));
        let tombstones = fake.tombstones.borrow().len();
        assert_eq!(tombstones, 2, "the next purge and the next trigger learn the id from them");
        refused(&fake, ID, Some("token"), Kind::NotFound);
    }

    #[test]
    fn the_status_is_that_of_the_index() {
        let status = |fake: &Fake, id: &str| match now(super::status(fake, fake, fake, id)) {
            Ok(status) => Ok(status.searchable),
            Err(Error::Problem(problem)) => Err(problem.kind),
            Err(Error::Store(error)) => panic!("{error}"),
        };
        let fake = filled();
        assert_eq!(status(&fake, ID), Ok(true));
        fake.vectors.borrow_mut().clear();
        assert_eq!(status(&fake, ID), Ok(false));
        for stranger in ["f".repeat(32).as_str(), "", "..", "gone/x", &ID.to_uppercase()] {
            assert_eq!(status(&fake, stranger), Err(Kind::NotFound), "{stranger}");
        }
        fake.now_ms.set(12 * 3600 * 1000);
        assert_eq!(status(&fake, ID), Err(Kind::NotFound), "it has expired");
    }
}
