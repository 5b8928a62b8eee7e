//! `POST /add`: stores a face.

use wire::{
    Kind,
    faces::{Enrol, Enrolled, check_name},
};

use crate::{
    check, clock, secret,
    store::{Face, Failure, Label, Pictures, Trouble, Vectors},
};

/// Reads a request.
pub(crate) fn read(body: &[u8]) -> Result<Enrol, Trouble> {
    let mut enrol: Enrol = check::json(body)?;
    let name = check_name(&enrol.name).map_err(|why| Trouble::problem(Kind::Unusable, why))?;
    enrol.name = name.to_owned();
    check::namespace(&enrol.namespace)?;
    check::embedding(&enrol.embedding)?;
    // Every JPEG begins with the marker that starts an image, and the next marker.
    if !enrol.picture.starts_with(&[0xff, 0xd8, 0xff]) {
        return Err(Trouble::problem(Kind::UnsupportedType, "The picture is not a JPEG."));
    }
    Ok(enrol)
}

/// Stores the picture, then the vector, and when one of them fails takes back what was done.
pub(crate) async fn enrol(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    enrol: Enrol,
    now: u64,
) -> Result<Enrolled, Trouble> {
    let Enrol { namespace, name, embedding, picture } = enrol;
    let (id, delete_token) = (secret::id()?, secret::token()?);
    let label = Label {
        token_hash: secret::hash(&delete_token),
        namespace: namespace.clone(),
        created_at: clock::rfc3339(now),
    };
    let face = Face { id, namespace, name, embedding };
    if let Err(failure) = store(vectors, pictures, &face, picture, &label).await {
        let undone = undo(vectors, pictures, &face.id).await;
        return Err(match undone {
            Ok(()) => failure,
            Err(second) => Failure::new(&format!("{failure}; undoing it"), second),
        }
        .into());
    }
    let expires_at = clock::rfc3339(clock::next_purge(now));
    Ok(Enrolled { id: face.id, name: face.name, delete_token, expires_at })
}

async fn store(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    face: &Face,
    picture: Vec<u8>,
    label: &Label,
) -> Result<(), Failure> {
    pictures.put(&face.id, picture, label).await?;
    vectors.upsert(face).await
}

/// A call that failed may still have been carried out, so both are removed, in the order of a
/// deletion. When the vector cannot be, the picture stays for the next purge to find them.
async fn undo(vectors: &impl Vectors, pictures: &impl Pictures, id: &str) -> Result<(), Failure> {
    let ids = [id.to_owned()];
    vectors.delete(&ids).await?;
    pictures.delete(&ids).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::fake::{Fake, embedding, now};

    fn request() -> Value {
        json!({
            "namespace": "n", "name": " Ada ", "embedding": embedding(0.0), "picture": "/9j/4A==",
        })
    }

    fn stored(fake: &Fake) -> Result<Enrolled, Trouble> {
        let request = read(request().to_string().as_bytes()).unwrap();
        now(enrol(fake, fake, request, 0))
    }

    #[test]
    fn a_face_is_stored_with_the_hash_of_its_token() {
        let fake = Fake::default();
        let enrolled = stored(&fake).unwrap();
        assert_eq!(enrolled.name, "Ada");
        assert_eq!(enrolled.expires_at, "1970-01-01T12:00:00Z");
        assert_eq!(*fake.journal.borrow(), ["pictures.put", "vectors.upsert"]);
        let (label, _) = fake.pictures.borrow()[&enrolled.id].clone();
        assert!(secret::fits(&enrolled.delete_token, &label.token_hash));
        assert_eq!(
            (label.namespace.as_str(), label.created_at.as_str()),
            ("n", "1970-01-01T00:00:00Z")
        );
        assert_eq!(fake.vectors.borrow()[&enrolled.id].name, "Ada");
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
        fails(
            &["vectors.upsert"],
            &["pictures.put", "vectors.upsert", "vectors.delete", "pictures.delete"],
            (0, 0),
            "vectors.upsert: broken",
        );
        fails(
            &["pictures.put"],
            &["pictures.put", "vectors.delete", "pictures.delete"],
            (0, 0),
            "pictures.put: broken",
        );
    }

    #[test]
    fn what_cannot_be_undone_keeps_its_picture() {
        fails(
            &["vectors.upsert", "vectors.delete"],
            &["pictures.put", "vectors.upsert", "vectors.delete"],
            (0, 1),
            "vectors.upsert: broken; undoing it: vectors.delete: broken",
        );
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
