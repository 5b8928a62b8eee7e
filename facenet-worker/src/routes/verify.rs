//! `POST /verify`: are these two the same person? Nothing is stored.

use input::fields::required;
use serde::Serialize;
use wire::Problem;
use worker::{Request, Response};

use super::Context;
use super::request::{embedding_of, form, served_model};
use super::response::timed;

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    distance: f32,
    threshold: f32,
    possible_threshold: f32,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    let form = form(&request, &["image", "other"]).await?;
    let image = required(form.image, "image")?;
    let other = required(form.other, "other")?;
    let (_, thresholds) = served_model(env)?;
    record.stage("read");
    let image = embedding_of(&image, &request, context).await?;
    let other = embedding_of(&other, &request, context).await?;
    record.stage("model");
    let distance = image.distance(&other);
    let answer = Answer {
        verdict: thresholds.verdict(distance).as_str(),
        distance: thresholds.told(distance),
        threshold: thresholds.match_max,
        possible_threshold: thresholds.possible_max,
    };
    record.verdict(answer.verdict);
    timed(&answer, 200, record)
}
