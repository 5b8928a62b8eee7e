//! `POST /embed`: a picture in, its embedding out.

use wire::Problem;
use worker::{Env, Request, Response};

use super::{continent, embedding, json, picture};
use crate::internal;
use crate::timing::Timing;

pub(super) async fn post(mut request: Request, env: &Env) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let face = picture(&mut request).await?;
    timing.stage("read");
    let embedding = embedding(env, continent(&request), &face).await?;
    timing.stage("model");
    timing.add_to(json(&embedding.as_slice(), 200)?).map_err(internal)
}
