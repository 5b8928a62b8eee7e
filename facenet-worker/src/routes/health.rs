//! `GET /health`: whether everything that a request needs is there.

use facenet::Shard;
use serde::Serialize;
use wire::{Kind, Problem};
use worker::{Env, RequestInit, Response, console_error};

use super::{json, served_model};
use crate::figures::{self, Figures};
use crate::{bindings, engine, shard, store};

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    model: String,
    pipeline: &'static str,
    engine: &'static str,
    memory: Memory,
    shards: Vec<ShardStatistics>,
}

#[derive(Serialize)]
struct Memory {
    /// The most that the WebAssembly of this isolate ever took. Locally, and where Cloudflare
    /// puts all in one isolate, the shards are in it.
    wasm_mb: f64,
}

/// What was last heard from a shard's isolate; missing until this isolate has asked it.
#[derive(Serialize)]
struct ShardStatistics {
    shard: &'static str,
    #[serde(flatten)]
    figures: Figures,
}

pub(super) async fn get(env: &Env) -> Result<Response, Problem> {
    let (model, _) = served_model(env)?;
    for part in Shard::ALL {
        check_record(env, part, &model).await?;
    }
    let store = store::fetch(env, "/health", RequestInit::new()).await?;
    if store.status_code() != 200 {
        console_error!("the store's health is {}", store.status_code());
        return Err(Problem::new(Kind::Unavailable, "The store is not available."));
    }
    let heard =
        |part: Shard| Some(ShardStatistics { shard: part.name(), figures: figures::last(part)? });
    let answer = Answer {
        status: "ok",
        model,
        pipeline: facenet::PIPELINE,
        engine: engine::name(),
        memory: Memory { wasm_mb: figures::wasm_mb() },
        shards: Shard::ALL.into_iter().filter_map(heard).collect(),
    };
    json(&answer, 200)
}

async fn check_record(env: &Env, part: Shard, model: &str) -> Result<(), Problem> {
    let head = async { env.bucket(bindings::MODELS)?.head(part.file()).await };
    match head.await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(shard::missing(part, model)),
        Err(error) => {
            console_error!("the models bucket does not answer: {error}");
            Err(Problem::new(Kind::ModelUnavailable, "The models bucket does not answer."))
        }
    }
}
