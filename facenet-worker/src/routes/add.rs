//! `POST /add`: enrols a face under a name, or adds a picture to somebody who is enrolled.

use input::fields::required;
use input::seen::{Purpose, Reading};
use serde::Serialize;
use wire::faces::{Enrol, Enrolled, bearer, check_name, is_token};
use wire::{Kind, Problem};
use worker::{Request, Response};

use super::Context;
use super::request::{authorization, detect, embedding_of, form, served_model};
use super::response::timed;
use crate::{sandbox, shards, vectorize_client};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    enrolled: Enrolled,
    /// Where the face is, in a photograph.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    bounds: Option<[f64; 4]>,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    let known_token = token(&request)?;
    if let Some(token) = &known_token {
        vectorize_client::check_addition(env, record, token).await?;
    }
    let reading = Reading { detect: detect(&request)?, purpose: Purpose::Enrolment };
    let known = ["name", "image", "consent", "delete_token", "detect"];
    let form = form(&request, &known, reading).await?;
    let must_exist = known_token.is_some();
    let delete_token = one_token(known_token, form.delete_token)?;
    let name = required(form.name, "name")?;
    let name = check_name(&name).map_err(|detail| Problem::new(Kind::Unusable, detail))?;
    if form.consent.as_deref() != Some("true") {
        let detail = "A face is only stored with consent. Ask the person, then send consent=true.";
        return Err(Problem::new(Kind::Unusable, detail));
    }
    let (face, seen) = required(form.image, "image")?.first().ok_or_else(Problem::internal)?;
    let (model, _) = served_model(env)?;
    record.stage("read");
    let embedding = embedding_of(&face, &request, context).await?;
    record.stage("model");
    let picture = sandbox::jpeg(&face)?;
    let message = Enrol {
        namespace: facenet::namespace(&model, shards::PIPELINE),
        name: name.to_owned(),
        embedding: embedding.into_vec(),
        delete_token,
        must_exist,
        picture,
    };
    let enrolled: Enrolled = vectorize_client::post(env, record, "/add", &message).await?;
    record.stage("store");
    timed(&Answer { enrolled, bounds: seen.map(|face| face.bounds) }, 201, record)
}

/// The one token of a request: of somebody who is enrolled, or made by the caller for somebody new.
fn one_token(known: Option<String>, new: Option<String>) -> Result<Option<String>, Problem> {
    let detail = match &new {
        None => return Ok(known),
        Some(_) if known.is_some() => {
            "Send either `Authorization`, to add a picture to somebody, or the field \
             `delete_token`, to enrol somebody new."
        }
        Some(token) if !is_token(token) => {
            "The field `delete_token` is 32 random bytes as 64 lower-case hexadecimal digits."
        }
        Some(_) => return Ok(new),
    };
    Err(Problem::new(Kind::Unusable, detail))
}

/// The token of the person that the picture is added to; none for somebody new.
fn token(request: &Request) -> Result<Option<String>, Problem> {
    let Some(authorization) = authorization(request)? else { return Ok(None) };
    let token = bearer(&authorization).ok_or_else(|| {
        let detail = "Send the delete token as `Authorization: Bearer <token>`, or no token.";
        Problem::new(Kind::WrongToken, detail)
    })?;
    Ok(Some(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_token_at_most() {
        let [known, new] = ["a token", &"0f".repeat(32)].map(|token| Some(token.to_owned()));
        assert_eq!(one_token(None, None), Ok(None));
        assert_eq!(one_token(known.clone(), None), Ok(known.clone()));
        assert_eq!(one_token(None, new.clone()), Ok(new.clone()));
        for (known, new) in [(known.clone(), new), (None, known), (None, Some(String::new()))] {
            assert_eq!(one_token(known, new).unwrap_err().kind, Kind::Unusable);
        }
    }
}
