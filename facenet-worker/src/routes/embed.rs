//! `POST /embed`: a picture in, its embedding out; for a photograph, the embeddings of its faces.

use serde::Serialize;
use wire::Problem;
use worker::{Request, Response};

use super::Context;
use super::photograph::{self, Faces};
use super::request::{detect, picture, reading};
use super::response::timed;

/// What is known of a face.
#[derive(Serialize)]
struct Embedded {
    embedding: Vec<f32>,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let pictured = picture(&request, reading(detect(&request)?)).await?;
    context.record.stage("read");
    let embeddings = photograph::embeddings(&pictured.crops, &request, context).await?;
    context.record.stage("model");
    let Some(seen) = pictured.seen else {
        let embedding = embeddings.first().ok_or_else(Problem::internal)?;
        return timed(&embedding.as_slice(), 200, context.record);
    };
    let known = embeddings.into_iter().map(|it| Embedded { embedding: it.into_vec() });
    timed(&Faces::new(seen, known.collect()), 200, context.record)
}
