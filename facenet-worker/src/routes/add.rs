//! `POST /add`: enrols a face under a name, or adds pictures to somebody who is enrolled.
//!
//! All pictures of a request are read and computed before the first one is stored. If one cannot be
//! stored after all, those before are deleted again.

use input::fields::{Fields, required};
use input::seen::{Pictured, Purpose, Reading};
use serde::Serialize;
use wire::faces::{Enrol, Enrolled, bearer, check_name, is_token};
use wire::{Kind, Problem};
use worker::{Request, Response};

use super::Context;
use super::photograph;
use super::request::{Form, authorization, detect, served_model, upload_form};
use super::response::timed;
use crate::budgets::{self, Cost};
use crate::{sandbox, shards, vectorize_client};

/// The fields of the form. There may be several of the name `image`.
const KNOWN: [&str; 5] = ["name", "image", "consent", "delete_token", "detect"];

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    enrolled: Enrolled,
    /// Of all pictures that were sent, in their order.
    ids: Vec<String>,
    /// Where the face is, in a photograph; of the last one, if there are several.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    bounds: Option<[f64; 4]>,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    let known_token = token(&request)?;
    if let Some(token) = &known_token {
        vectorize_client::check_addition(env, record, token).await?;
    }
    let detect = detect(&request)?;
    let form = upload_form(&request, &KNOWN).await?;
    let (fields, first) = read(&form, 0, detect)?;
    let must_exist = known_token.is_some();
    let delete_token = one_token(known_token, fields.delete_token)?;
    let name = required(fields.name, "name")?;
    let name = check_name(&name).map_err(|detail| Problem::new(Kind::Unusable, detail))?;
    if fields.consent.as_deref() != Some("true") {
        let detail = "A face is only stored with consent. Ask the person, then send consent=true.";
        return Err(Problem::new(Kind::Unusable, detail));
    }
    let (face, mut seen) = required(first, "image")?.first().ok_or_else(Problem::internal)?;
    let mut faces = vec![face];
    for number in 1..fields.images {
        budgets::spend(env, context.caller, Cost::Enrolment, record).await?;
        let (_, further) = read(&form, number, detect)?;
        let (face, last) = further.and_then(Pictured::first).ok_or_else(Problem::internal)?;
        faces.push(face);
        seen = last;
    }
    drop(form);
    let (model, _) = served_model(env)?;
    record.stage("read");
    let embeddings = photograph::paid(&faces, &request, context).await?;
    record.stage("model");
    let mut pictures = Vec::with_capacity(faces.len());
    for (face, embedding) in faces.iter().zip(embeddings) {
        pictures.push((embedding.into_vec(), sandbox::jpeg(face)?));
    }
    let person = Person {
        namespace: facenet::namespace(&model, shards::PIPELINE),
        name: name.to_owned(),
        delete_token,
        must_exist,
    };
    let (enrolled, ids) = store(person, pictures, context).await?;
    record.stage("store");
    timed(&Answer { enrolled, ids, bounds: seen.map(|face| face.bounds) }, 201, record)
}

/// The fields of the form, and one of its pictures.
///
/// # Errors
/// As of [`Form::read`]. Where there are several pictures, the problem says which one it is.
fn read(
    form: &Form<'_>,
    image: usize,
    detect: bool,
) -> Result<(Fields, Option<Pictured>), Problem> {
    let reading = Reading { detect, purpose: Purpose::Enrolment, image };
    let mut fields = form.read(reading)?;
    let picture = fields.image.take();
    Ok((fields, picture))
}

/// Who is enrolled.
struct Person {
    namespace: String,
    name: String,
    delete_token: Option<String>,
    must_exist: bool,
}

/// Stores pictures, each with its embedding, one after the other. Gives the last one, and the ids
/// of all.
///
/// # Errors
/// As of [`vectorize_client::post`]. Then those before are deleted again.
async fn store(
    mut person: Person,
    pictures: Vec<(Vec<f32>, Vec<u8>)>,
    context: Context<'_>,
) -> Result<(Enrolled, Vec<String>), Problem> {
    let Context { env, record, .. } = context;
    let mut ids = Vec::with_capacity(pictures.len());
    let mut last = None;
    for (embedding, picture) in pictures {
        let message = Enrol {
            namespace: person.namespace.clone(),
            name: person.name.clone(),
            embedding,
            delete_token: person.delete_token.clone(),
            must_exist: person.must_exist,
            picture,
        };
        let enrolled: Result<Enrolled, _> =
            vectorize_client::post(env, record, "/add", &message).await;
        match enrolled {
            Ok(enrolled) => {
                person.delete_token = Some(enrolled.delete_token.clone());
                person.must_exist = true;
                ids.push(enrolled.id.clone());
                last = Some(enrolled);
            }
            Err(problem) => {
                undo(&ids, person.delete_token.as_deref(), context).await;
                return Err(problem);
            }
        }
    }
    Ok((last.ok_or_else(Problem::internal)?, ids))
}

/// Deletes what a request has stored. The next purge deletes what is left.
async fn undo(ids: &[String], token: Option<&str>, context: Context<'_>) {
    let Context { env, record, .. } = context;
    let authorization = token.map(|token| format!("Bearer {token}"));
    for id in ids {
        let path = format!("/faces/{id}");
        let deletion = vectorize_client::delete(env, record, &path, authorization.as_deref());
        if let Err(problem) = deletion.await {
            record.fault(format_args!("a picture is left: {}", problem.detail));
        }
    }
}

/// The token of a request: of somebody who is enrolled, or made by the caller for somebody new.
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
