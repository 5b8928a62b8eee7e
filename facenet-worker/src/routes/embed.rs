//! `POST /embed`: a picture in, its embedding out.

use wire::Problem;
use worker::{Env, Request, Response};

use super::request::{face, source};
use super::response::timed;
use crate::caller::Caller;
use crate::shards;
use crate::timing::Timing;

pub(super) async fn post(
    request: Request,
    env: &Env,
    caller: &Caller,
) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let face = face(&request).await?;
    timing.stage("read");
    let embedding = shards::embed(env, source(&request, caller), &face).await?;
    timing.stage("model");
    timed(&embedding.as_slice(), 200, timing)
}
