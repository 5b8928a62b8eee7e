//! `POST /embed`: a picture in, its embedding out.

use wire::Problem;
use worker::{Request, Response};

use super::Context;
use super::request::{embedding_of, face};
use super::response::timed;

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let face = face(&request).await?;
    context.record.stage("read");
    let embedding = embedding_of(&face, &request, context).await?;
    context.record.stage("model");
    timed(&embedding.as_slice(), 200, context.record)
}
