//! `POST /add`: stores a face, of somebody new or of somebody who is enrolled already.

use std::slice;

use wire::{
    Kind,
    faces::{Enrol, Enrolled, check_name},
};

use crate::{
    check,
    clock::{self, Clock},
    people, secret,
    store::{Done, Face, Failure, Label, Pictures, Trouble, Vectors},
    tombstone::{Burial, bury},
};

/// Reads a request.
pub(crate) fn read(body: &[u8]) -> Result<Enrol, Trouble> {
    let mut enrol: Enrol = check::json(body)?;
    let name = check_name(&enrol.name).map_err(|why| Trouble::problem(Kind::Unusable, why))?;
    enrol.name = name.to_owned();
    check::namespace(&enrol.namespace)?;
    check::embedding(&enrol.embedding)?;
    check::picture(&enrol.picture)?;
    Ok(enrol)
}

/// Stores the picture, then the vector, and when one of them fails takes back what was done.
pub(crate) async fn enrol(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    enrol: Enrol,
) -> Result<Done<Enrolled>, Trouble> {
    let Enrol { namespace, name, embedding, delete_token, picture } = enrol;
    let (delete_token, others) = match delete_token {
        Some(token) => {
            let others = people::check_room(pictures, clock, &token).await?;
            (token, others)
        }
        None => (secret::token()?, 0),
    };
    let token_hash = secret::hash(&delete_token);
    let face = Face { id: secret::face_id(&token_hash)?, namespace, name, embedding };
    let ids = slice::from_ref(&face.id);
    let label = match pictures.put(&face.id, picture, &token_hash).await {
        Ok(uploaded) => Label { token_hash, uploaded },
        Err(failure) => {
            // It may have been stored all the same. There is no vector yet.
            let undone = pictures.delete(ids).await;
            return Err(with_undoing(failure, [undone]).into());
        }
    };
    let mutation = match vectors.upsert(&face).await {
        Ok(mutation) => mutation,
        Err(failure) => {
            // It may have been carried out all the same, or still be.
            let Burial { picture, vector } = bury(vectors, pictures, ids).await;
            return Err(with_undoing(failure, [picture, vector]).into());
        }
    };
    if label.is_over(clock.now()) {
        // The purge has begun meanwhile, and may have passed this face by.
        let Burial { picture, vector } = bury(vectors, pictures, ids).await;
        picture.and(vector)?;
        let text = "The daily purge has just begun. Enrol the face again.";
        return Err(Trouble::problem(Kind::Unavailable, text));
    }
    let (searchable, failure) = match vectors.state().await {
        Ok(state) => (state.processed == Some(mutation), None),
        Err(failure) => (false, Some(failure)),
    };
    let expires_at = clock::rfc3339(label.expires());
    let pictures = others + 1;
    let Face { id, name, .. } = face;
    let answer = Enrolled { id, name, delete_token, pictures, expires_at, searchable };
    Ok(Done { answer, failure })
}

fn with_undoing<const N: usize>(failure: Failure, undone: [Result<(), Failure>; N]) -> Failure {
    undone
        .into_iter()
        .filter_map(Result::err)
        .fold(failure, |all, second| Failure::new(&format!("{all}; undoing it"), second))
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future as _,
        task::{Context, Poll, Waker},
    };

    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        check::tests::jpeg,
        store::fake::{Fake, embedding, now},
    };

    fn request() -> Value {
        let picture = STANDARD.encode(jpeg());
        json!({
            "namespace": "n", "name": " Ada ", "embedding": embedding(0.0), "picture": picture,
        })
    }

    fn stored(fake: &Fake) -> Result<Done<Enrolled>, Trouble> {
        let request = read(request().to_string().as_bytes()).unwrap();
        now(enrol(fake, fake, fake, request))
    }

    #[test]
    fn a_face_is_stored_with_the_hash_of_its_token() {
        let fake = Fake::default();
        let enrolled = stored(&fake).unwrap().answer;
        assert_eq!(enrolled.name, "Ada");
        assert_eq!(enrolled.expires_at, "1970-01-01T12:00:00Z");
        assert!(enrolled.searchable);
        let journal = ["pictures.put", "vectors.upsert", "vectors.state"];
        assert_eq!(*fake.journal.borrow(), journal);
        let label = fake.pictures.borrow()[&enrolled.id].clone();
        assert!(secret::fits(&enrolled.delete_token, &label.token_hash));
        assert_eq!(fake.vectors.borrow()[&enrolled.id].name, "Ada");
    }

    #[test]
    fn a_token_adds_to_its_person() {
        let fake = Fake::default();
        let first = stored(&fake).unwrap().answer;
        assert_eq!(first.pictures, 1);
        let add = |token: &str| {
            let mut request = request();
            request["delete_token"] = json!(token);
            let request = read(request.to_string().as_bytes()).unwrap();
            now(enrol(&fake, &fake, &fake, request))
        };
        let second = add(&first.delete_token).unwrap().answer;
        assert_eq!((second.pictures, &second.delete_token), (2, &first.delete_token));
        assert_ne!(second.id, first.id);
        assert_eq!(secret::person(&second.id), secret::person(&first.id));
        assert_eq!(fake.counts(), (2, 2));
        for stranger in ["", &first.id, &first.delete_token.to_uppercase()] {
            match add(stranger) {
                Err(Trouble::Problem(problem)) => assert_eq!(problem.kind, Kind::WrongToken),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fake.counts(), (2, 2));
    }

    #[test]
    fn a_face_is_not_called_searchable_before_it_is() {
        let fake = Fake::default();
        fake.lags.set(true);
        assert!(!stored(&fake).unwrap().answer.searchable);
        // Another write is applied, not this one.
        fake.catch_up();
        assert!(!stored(&fake).unwrap().answer.searchable);

        let fake = Fake::breaking(&["vectors.state"]);
        let done = stored(&fake).unwrap();
        assert!(!done.answer.searchable);
        assert_eq!(done.failure.unwrap().to_string(), "vectors.state: broken");
        assert_eq!(fake.counts(), (1, 1));
    }

    #[track_caller]
    fn fails(broken: &[&'static str], journal: &[&str], left: (usize, usize), log: &str) {
        let fake = Fake::breaking(broken);
        let Err(Trouble::Failure(failure)) = stored(&fake) else { panic!("stored") };
        assert_eq!(*fake.journal.borrow(), journal);
        assert_eq!(fake.counts(), left);
        assert_eq!(failure.to_string(), log);
    }

    #[test]
    fn a_failure_is_undone() {
        let undoing = ["pictures.mark", "pictures.delete", "vectors.delete"];
        let journal = [&["pictures.put", "vectors.upsert"], &undoing[..]].concat();
        fails(&["vectors.upsert"], &journal, (0, 0), "vectors.upsert: broken");
        let journal = ["pictures.put", "pictures.delete"];
        fails(&["pictures.put"], &journal, (0, 0), "pictures.put: broken");
    }

    #[test]
    fn what_cannot_be_undone_keeps_its_picture() {
        fails(
            &["vectors.upsert", "pictures.mark"],
            &["pictures.put", "vectors.upsert", "pictures.mark", "vectors.delete"],
            (0, 1),
            "vectors.upsert: broken; undoing it: pictures.mark: broken",
        );
    }

    #[test]
    fn a_face_that_the_purge_overtakes_is_taken_back() {
        let fake = Fake::default();
        fake.now.set(12 * 3600 * 1000 - 1);
        fake.steps.set(true);
        let request = read(request().to_string().as_bytes()).unwrap();
        let mut enrolment = std::pin::pin!(enrol(&fake, &fake, &fake, request));
        let mut context = Context::from_waker(Waker::noop());
        assert!(enrolment.as_mut().poll(&mut context).is_pending());
        assert!(enrolment.as_mut().poll(&mut context).is_pending());
        assert_eq!(fake.counts(), (0, 1));
        fake.now.set(12 * 3600 * 1000);
        fake.steps.set(false);
        match enrolment.as_mut().poll(&mut context) {
            Poll::Ready(Err(Trouble::Problem(problem))) => {
                assert_eq!((problem.kind, problem.retry_after), (Kind::Unavailable, Some(2)));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(fake.counts(), (0, 0));
        assert_eq!(fake.tombstones.borrow().len(), 1);
    }

    #[track_caller]
    fn refused(key: &str, value: Value, kind: Kind) {
        let mut request = request();
        request[key] = value;
        match read(request.to_string().as_bytes()) {
            Err(Trouble::Problem(problem)) => assert_eq!(problem.kind, kind, "{key}"),
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn unusable_requests_are_refused() {
        refused("name", json!(" "), Kind::Unusable);
        refused("name", json!("x".repeat(81)), Kind::Unusable);
        refused("name", json!(7), Kind::Malformed);
        refused("namespace", json!(""), Kind::Unusable);
        refused("namespace", json!("x".repeat(65)), Kind::Unusable);
        refused("embedding", json!([1.0]), Kind::Unusable);
        refused("embedding", json!(vec![0.0; 512]), Kind::Unusable);
        refused("embedding", json!(vec![1e39; 512]), Kind::Unusable);
        refused("embedding", json!(vec![Value::Null; 512]), Kind::Malformed);
        refused("picture", json!(""), Kind::UnsupportedType);
        refused("picture", json!("iVBORw0KGgo="), Kind::UnsupportedType);
        refused("picture", json!("?"), Kind::Malformed);
        refused("extra", json!(1), Kind::Malformed);
    }
}
