//! `GET /health`: whether the instance answers. An operator is also told whether everything that a
//! request needs is there, and how the shards are. Others get only what costs nothing.

use facenet::Shard;
use serde::Serialize;
use wire::Problem;
use wire::faces::{LastPurge, StoreHealth};
use wire::log::Call;
use worker::Response;

use super::Context;
use super::request::served_model;
use super::response::ok;
use crate::access::keys;
use crate::shards::{self, Statistics};
use crate::vectorize_client;

/// What everybody may know.
#[derive(Serialize)]
struct Answer {
    status: &'static str,
    model: String,
    pipeline: &'static str,
    /// For an operator.
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Serialize)]
struct Details {
    engine: &'static str,
    /// The names of the API keys.
    keys: Vec<String>,
    memory: Memory,
    shards: Vec<ShardStatistics>,
    /// How the last purge went; none before the first.
    purge: Option<LastPurge>,
}

#[derive(Serialize)]
struct Memory {
    /// The memory of this isolate's WebAssembly in megabytes. Locally, and where Cloudflare puts
    /// all in one isolate, it holds the shards too.
    wasm_mb: f64,
}

/// What a shard's isolate has last told.
#[derive(Serialize)]
struct ShardStatistics {
    shard: &'static str,
    #[serde(flatten)]
    statistics: Statistics,
}

impl ShardStatistics {
    /// Nothing until this isolate has called the shard.
    fn of(shard: Shard) -> Option<Self> {
        Some(Self { shard: shard.name(), statistics: Statistics::last(shard)? })
    }
}

pub(super) async fn get(context: Context<'_>) -> Result<Response, Problem> {
    let (model, _) = served_model(context.env)?;
    let details = if context.grant.is_admin() { Some(details(context).await?) } else { None };
    ok(&Answer { status: "ok", model, pipeline: shards::PIPELINE, details })
}

/// Asks every store that a request needs.
async fn details(context: Context<'_>) -> Result<Details, Problem> {
    let Context { env, record, .. } = context;
    record.operators();
    let weights = shards::weights(env)?;
    for shard in Shard::ALL {
        record.count(Call::BucketRead);
        shards::check_record(env, shard, &weights).await?;
    }
    let store: StoreHealth = vectorize_client::get(env, record, "/health").await?;
    Ok(Details {
        engine: shards::engine_name(),
        keys: keys::names(env),
        memory: Memory { wasm_mb: shards::wasm_mb() },
        shards: Shard::ALL.into_iter().filter_map(ShardStatistics::of).collect(),
        purge: store.purge,
    })
}
