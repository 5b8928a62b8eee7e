//! `GET` and `DELETE /faces/{id}`: shows a picture, removes a face.

use wire::{Kind, faces::is_id};
use worker::{Headers, Response};

use crate::{
    cloudflare::{Faces, PICTURE_TYPE},
    secret,
    store::{Failure, Pictures, Trouble, Vectors},
};

/// A picture, passed on from the bucket without being read.
pub(crate) async fn show(pictures: &Faces, id: &str) -> Result<Response, Trouble> {
    if !is_id(id) {
        return Err(unknown());
    }
    let object = pictures.get(id).await?.ok_or_else(unknown)?;
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

/// Removes a face for whoever holds its token: the vector first, so that a failure leaves a
/// picture, by which the same request or the next purge finds it again.
pub(crate) async fn remove(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    id: &str,
    token: Option<&str>,
) -> Result<(), Trouble> {
    if !is_id(id) {
        return Err(unknown());
    }
    let label = pictures.label(id).await?.ok_or_else(unknown)?;
    if !token.is_some_and(|token| secret::fits(token, &label.token_hash)) {
        let text = "Send the delete token of this face as `Authorization: Bearer <token>`.";
        return Err(Trouble::problem(Kind::WrongToken, text));
    }
    let ids = [id.to_owned()];
    vectors.delete(&ids).await?;
    pictures.delete(&ids).await?;
    Ok(())
}

/// The token in an `Authorization` header.
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
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
        assert_eq!(*fake.journal.borrow(), ["pictures.label", "vectors.delete", "pictures.delete"]);
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
        for broken in ["vectors.delete", "pictures.delete"] {
            let fake = filled();
            fake.broken.borrow_mut().push(broken);
            assert!(matches!(
                now(remove(&fake, &fake, ID, Some("token"))),
                Err(Trouble::Failure(_))
            ));
            assert_eq!(fake.counts().1, 1, "the picture leads to the rest");
            fake.broken.borrow_mut().clear();
            now(remove(&fake, &fake, ID, Some("token"))).unwrap();
            assert_eq!(fake.counts(), (0, 0));
        }
    }

    #[test]
    fn tokens_are_read_from_the_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer"), None);
    }
}
