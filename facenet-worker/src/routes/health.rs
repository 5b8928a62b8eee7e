//! `GET /health`: whether everything that a request needs is there.

use facenet::Part;
use serde::Serialize;
use wire::{Kind, Problem};
use worker::{Env, RequestInit, Response, console_error};

use super::{json, served_model};
use crate::{bindings, engine, store};

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    model: String,
    pipeline: &'static str,
    engine: &'static str,
}

pub(super) async fn get(env: &Env) -> Result<Response, Problem> {
    let (model, _) = served_model(env)?;
    for part in Part::ALL {
        check_record(env, part).await?;
    }
    let store = store::fetch(env, "/health", RequestInit::new()).await?;
    if store.status_code() != 200 {
        console_error!("the store's health is {}", store.status_code());
        return Err(Problem::new(Kind::Unavailable, "The store is not available."));
    }
    let engine = engine::name();
    json(&Answer { status: "ok", model, pipeline: facenet::PIPELINE, engine }, 200)
}

async fn check_record(env: &Env, part: Part) -> Result<(), Problem> {
    let head = async { env.bucket(bindings::MODELS)?.head(part.file()).await };
    let detail = match head.await {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {
            let file = part.file();
            format!("{file} is not in the models bucket. The operator has to upload it.")
        }
        Err(error) => {
            console_error!("the models bucket does not answer: {error}");
            "The models bucket does not answer.".into()
        }
    };
    Err(Problem::new(Kind::ModelUnavailable, detail))
}
