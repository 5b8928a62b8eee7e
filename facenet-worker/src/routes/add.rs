//! `POST /add`: enrols a face under a name.

use wire::faces::{Enrol, Enrolled, check_name};
use wire::{Kind, Problem, body};
use worker::{Env, Request, Response, console_error};

use super::{content_type, continent, embedding, face, json, media_type, served_model};
use crate::timing::Timing;
use crate::{internal, multipart, store};

pub(super) async fn post(mut request: Request, env: &Env) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let content_type = content_type(&request);
    if media_type(&content_type) != "multipart/form-data" {
        let detail = "Send multipart/form-data with the fields `name`, `image` and `consent=true`.";
        return Err(Problem::new(Kind::UnsupportedType, detail));
    }
    let form = multipart::parse(body::read(&mut request).await?, &content_type).await?;
    let name = multipart::required(form.name, "name")?;
    let name = check_name(&name).map_err(|detail| Problem::new(Kind::Unusable, detail))?;
    if form.consent.as_deref() != Some("true") {
        let detail = "A face is only stored with consent. Ask the person, then send consent=true.";
        return Err(Problem::new(Kind::Unusable, detail));
    }
    let face = face(&multipart::required(form.image, "image")?)?;
    let (model, _) = served_model(env)?;
    timing.stage("read");
    let embedding = embedding(env, continent(&request), &face).await?;
    timing.stage("model");
    // Encoded by us, so nothing but the pixels of the original is kept.
    let picture = face.to_jpeg().map_err(|error| {
        console_error!("a face does not encode: {error}");
        Problem::new(Kind::Internal, "Try again; if it happens again, the fault is ours.")
    })?;
    let message = Enrol {
        namespace: facenet::namespace(&model),
        name: name.to_owned(),
        embedding: embedding.into_vec(),
        picture,
    };
    let enrolled: Enrolled = store::post(env, "/add", &message).await?;
    timing.stage("store");
    timing.add_to(json(&enrolled, 201)?).map_err(internal)
}
