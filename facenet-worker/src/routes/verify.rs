//! `POST /verify`: are these two the same person? Nothing is stored.

use serde::Serialize;
use wire::{Kind, Problem, body};
use worker::{Env, Request, Response};

use super::{content_type, continent, embedding, face, json, media_type, served_model};
use crate::timing::Timing;
use crate::{internal, multipart};

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    distance: f32,
    threshold: f32,
}

pub(super) async fn post(mut request: Request, env: &Env) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let content_type = content_type(&request);
    if media_type(&content_type) != "multipart/form-data" {
        let detail = "Send multipart/form-data with the fields `image` and `other`.";
        return Err(Problem::new(Kind::UnsupportedType, detail));
    }
    let form = multipart::parse(body::read(&mut request).await?, &content_type).await?;
    let image = face(&multipart::required(form.image, "image")?)?;
    let other = face(&multipart::required(form.other, "other")?)?;
    let (_, thresholds) = served_model(env)?;
    timing.stage("read");
    let continent = continent(&request);
    let image = embedding(env, continent, &image).await?;
    let other = embedding(env, continent, &other).await?;
    timing.stage("model");
    let distance = image.distance(&other);
    let answer = Answer {
        verdict: thresholds.verdict(distance).as_str(),
        distance,
        threshold: thresholds.match_max,
    };
    timing.add_to(json(&answer, 200)?).map_err(internal)
}
