//! `POST /add`: enrols a face. `GET /addition`: tells whether a delete token lets a picture be
//! added, before anything is computed from one.

use facenet::layers::INPUT_SIDE;
use wire::faces::{Enrol, check_name, is_token};
use wire::log::Record;
use wire::{Kind, Problem, http};
use worker::{Request, Response};

use super::Stores;
use super::request::{check_embedding, check_namespace, message, token};
use super::response::{empty, json};
use crate::addition::Addition;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::{enrol, jpeg};

pub(super) async fn post(
    request: &mut Request,
    (vectors, pictures): &Stores,
    record: &Record,
) -> Result<Response, Error> {
    let enrol = parse(&http::read(request).await?)?;
    let enrolled = enrol::enrol(vectors, pictures, &SystemClock, enrol).await?.noted(record);
    json(&enrolled, 201)
}

/// `GET /addition`. [`enrol::enrol`] checks again.
pub(super) async fn check(request: &Request, (_, pictures): &Stores) -> Result<Response, Error> {
    let token = token(request)?.unwrap_or_default();
    // Whether a picture can be added does not depend on the picture.
    Addition::of_person(pictures, &SystemClock, token, true, b"").await?;
    empty(204)
}

fn parse(body: &[u8]) -> Result<Enrol, Problem> {
    let mut enrol: Enrol = message(body)?;
    let name = check_name(&enrol.name).map_err(|why| Problem::new(Kind::Unusable, why))?;
    enrol.name = name.to_owned();
    let is_new_token = !enrol.must_exist && enrol.delete_token.is_some();
    if is_new_token && !enrol.delete_token.as_deref().is_some_and(is_token) {
        let text = "A new delete token is 64 lower-case hexadecimal digits.";
        return Err(Problem::new(Kind::Unusable, text));
    }
    check_namespace(&enrol.namespace)?;
    check_embedding(&enrol.embedding)?;
    if !jpeg::is_bare(&enrol.picture) {
        let text = format!("The picture is not a bare JPEG of {INPUT_SIDE}x{INPUT_SIDE} pixels.");
        return Err(Problem::new(Kind::UnsupportedType, text));
    }
    Ok(enrol)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::jpeg::tests::jpeg;
    use crate::stores::fake::embedding;

    fn request() -> Value {
        let picture = STANDARD.encode(jpeg());
        json!({
            "namespace": "n", "name": " Ada ", "embedding": embedding(0.0), "picture": picture,
        })
    }

    #[test]
    fn a_request_is_read_and_its_name_trimmed() {
        let enrol = parse(request().to_string().as_bytes()).unwrap();
        assert_eq!((enrol.name.as_str(), enrol.picture), ("Ada", jpeg()));
        assert_eq!(enrol.delete_token, None);
        let mut of_a_person = request();
        of_a_person["delete_token"] = json!("t");
        of_a_person["must_exist"] = json!(true);
        let enrol = parse(of_a_person.to_string().as_bytes()).unwrap();
        assert_eq!((enrol.delete_token.as_deref(), enrol.must_exist), (Some("t"), true));
        let mut brought = request();
        brought["delete_token"] = json!("0f".repeat(32));
        let enrol = parse(brought.to_string().as_bytes()).unwrap();
        assert_eq!((enrol.delete_token.is_some(), enrol.must_exist), (true, false));
    }

    #[track_caller]
    fn refused(key: &str, value: Value, kind: Kind) {
        let mut request = request();
        request[key] = value;
        assert_eq!(parse(request.to_string().as_bytes()).unwrap_err().kind, kind, "{key}");
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
        refused("delete_token", json!("t"), Kind::Unusable);
        refused("picture", json!(""), Kind::UnsupportedType);
        refused("picture", json!("iVBORw0KGgo="), Kind::UnsupportedType);
        refused("picture", json!("?"), Kind::Malformed);
        refused("extra", json!(1), Kind::Malformed);
    }
}
