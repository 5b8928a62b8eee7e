//! `POST /verify`: are these two the same person? Nothing is stored.

use input::fields::required;
use serde::Serialize;
use wire::Problem;
use worker::{Env, Request, Response};

use super::request::{form, served_model, source};
use super::response::timed;
use crate::caller::Caller;
use crate::shards;
use crate::timing::Timing;

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    distance: f32,
    threshold: f32,
    possible_threshold: f32,
}

pub(super) async fn post(
    request: Request,
    env: &Env,
    caller: &Caller,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let form = form(&request, &["image", "other"]).await?;
    let image = required(form.image, "image")?;
    let other = required(form.other, "other")?;
    let (_, thresholds) = served_model(env)?;
    timing.stage("read");
    let source = source(&request, caller);
    let image = shards::embed(env, source, &image).await?;
    let other = shards::embed(env, source, &other).await?;
    timing.stage("model");
    let distance = image.distance(&other);
    let answer = Answer {
        verdict: thresholds.verdict(distance).as_str(),
        distance: thresholds.told(distance),
        threshold: thresholds.match_max,
        possible_threshold: thresholds.possible_max,
    };
    timed(&answer, 200, timing)
}
