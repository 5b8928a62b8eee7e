//! `POST /add`: enrols a face under a name, or adds a picture to somebody who is enrolled.

use input::fields::required;
use wire::faces::{Enrol, Enrolled, bearer, check_name};
use wire::{Kind, Problem};
use worker::{Env, Request, Response};

use super::request::{authorization, form, served_model, source};
use super::response::timed;
use crate::caller::Caller;
use crate::timing::Timing;
use crate::{sandbox, shards, vectorize_client};

pub(super) async fn post(
    request: Request,
    env: &Env,
    caller: &Caller,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let delete_token = token(&request)?;
    if let Some(token) = &delete_token {
        vectorize_client::check_addition(env, token).await?;
    }
    let form = form(&request, &["name", "image", "consent"]).await?;
    let name = required(form.name, "name")?;
    let name = check_name(&name).map_err(|detail| Problem::new(Kind::Unusable, detail))?;
    if form.consent.as_deref() != Some("true") {
        let detail = "A face is only stored with consent. Ask the person, then send consent=true.";
        return Err(Problem::new(Kind::Unusable, detail));
    }
    let face = required(form.image, "image")?;
    let (model, _) = served_model(env)?;
    timing.stage("read");
    let embedding = shards::embed(env, source(&request, caller), &face).await?;
    timing.stage("model");
    let picture = sandbox::jpeg(&face)?;
    let message = Enrol {
        namespace: facenet::namespace(&model),
        name: name.to_owned(),
        embedding: embedding.into_vec(),
        delete_token,
        picture,
    };
    let enrolled: Enrolled = vectorize_client::post(env, "/add", &message).await?;
    timing.stage("store");
    timed(&enrolled, 201, timing)
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
