//! The shards under load: many at once on a cold server, a shard that is missing, and memory that
//! stays flat.

use std::process::Command;

use anyhow::{Context as _, ensure};
use facenet::Shard;
use futures_util::future::join_all;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tests::api::{ADDRESS, Api, json, problem};
use tests::server::Server;
use tests::{MODELS_BUCKET, golden, variable};

/// People who press the button at the same time.
const AT_ONCE: usize = 64;

/// More than the shards let wait.
const TOO_MANY: usize = 150;

/// How much WebAssembly memory may grow between the first and the last of many requests that are
/// all alike, in megabytes.
const GROWTH_MB_MAX: f64 = 0.5;

async fn embed(api: &Api<'_>, picture: Vec<u8>) -> anyhow::Result<Response> {
    Ok(api.request(Method::POST, "/embed").body(picture).send().await?)
}

/// The same for one of many people, each with an address.
async fn embed_from(api: &Api<'_>, person: usize, picture: Vec<u8>) -> anyhow::Result<Response> {
    let request = api.request(Method::POST, "/embed").header(ADDRESS, format!("192.0.2.{person}"));
    Ok(request.body(picture).send().await?)
}

/// The embedding, or nothing when the caller is told to come back.
async fn embedding(response: Response) -> anyhow::Result<Option<Vec<f64>>> {
    if matches!(response.status().as_u16(), 429 | 503) {
        ensure!(response.headers().contains_key("retry-after"), "no Retry-After");
        return Ok(None);
    }
    let numbers = json(response, StatusCode::OK).await?;
    Ok(Some(serde_json::from_value(numbers)?))
}

async fn health(api: &Api<'_>) -> anyhow::Result<Value> {
    json(api.health().await?, StatusCode::OK).await
}

fn reads(health: &Value) -> Vec<u64> {
    let shards = health["shards"].as_array().into_iter().flatten();
    shards.filter_map(|shard| shard["r2_reads"].as_u64()).collect()
}

#[tokio::test]
async fn a_crowd_on_a_cold_server_is_served_or_told_to_come_back() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let files = ["obama-1.png", "biden-1.png"].map(golden);
    let pictures: Vec<_> = files.iter().map(std::fs::read).collect::<Result<_, _>>()?;

    let crowd = (0..AT_ONCE).map(|i| embed_from(&api, i, pictures[i % 2].clone()));
    let mut answers = [const { Vec::new() }; 2];
    for (i, response) in join_all(crowd).await.into_iter().enumerate() {
        answers[i % 2].extend(embedding(response?).await?);
    }
    println!("{} of {AT_ONCE} served at once", answers[0].len() + answers[1].len());
    let figures = health(&api).await?;
    ensure!(reads(&figures) == [1, 1], "{figures}");

    // One after the other, each is served, and all are right.
    for i in 0..200 {
        answers[i % 2].push(api.embed(&files[i % 2]).await?);
    }
    for same in answers {
        ensure!(same.iter().all(|embedding| *embedding == same[0]), "embeddings differ");
    }

    let crowd = (0..TOO_MANY).map(|i| embed_from(&api, i, pictures[0].clone()));
    let mut turned_away = 0;
    for response in join_all(crowd).await {
        turned_away += usize::from(embedding(response?).await?.is_none());
    }
    println!("{turned_away} of {TOO_MANY} turned away");
    ensure!((1..TOO_MANY).contains(&turned_away), "{turned_away} turned away");
    api.embed(&files[0]).await?;
    let figures = health(&api).await?;
    ensure!(reads(&figures) == [1, 1], "{figures}");
    server.stop()
}

#[tokio::test]
async fn memory_stays_flat() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let files = ["obama-1.png", "biden-2.png", "collins-1.png"].map(golden);
    let memory = async || -> anyhow::Result<f64> {
        health(&api).await?["memory"]["wasm_mb"].as_f64().context("no figure")
    };
    // Warm: pictures of every kind have been decoded.
    for file in &files {
        api.embed(file).await?;
    }
    let before = memory().await?;
    for i in 0..300 {
        api.embed(&files[i % files.len()]).await?;
    }
    let after = memory().await?;
    println!("WebAssembly memory: {before} MB, {after} MB after 300 embeddings");
    ensure!(after - before <= GROWTH_MB_MAX, "{before} MB grew to {after} MB");
    server.stop()
}

/// Changes the bucket of a running server as a developer would.
pub(crate) fn wrangler(state: &std::path::Path, arguments: &[&str]) -> anyhow::Result<()> {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = Command::new(root.join("node_modules/.bin/wrangler"))
        .args(["r2", "object"])
        .args(arguments)
        .args(["--local", "--config", "wrangler.toml", "--persist-to"])
        .arg(state)
        .current_dir(&root)
        .env("CI", "true")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_PATH", state.join("logs-of-test"))
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "wrangler: {}\n{text}", output.status);
    Ok(())
}

#[tokio::test]
async fn a_shard_that_is_missing_or_damaged_is_named_and_loaded_once_it_is_there()
-> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let picture = std::fs::read(golden("obama-1.png"))?;
    let weights = variable("CFACE_WEIGHTS")?;
    let key = tests::weights("casia-webface", &weights)?.key(Shard::Shard2);
    let key = &*format!("{MODELS_BUCKET}/{key}");
    let put = |file: &std::path::Path| {
        let file = file.to_str().context("a path that is no text")?;
        wrangler(state.path(), &["put", key, "--file", file])
    };
    let refused = async |what: &str| -> anyhow::Result<()> {
        let response = embed(&api, picture.clone()).await?;
        ensure!(response.headers().contains_key("retry-after"), "{what}: no Retry-After");
        let document = json(response, StatusCode::SERVICE_UNAVAILABLE).await?;
        let detail = document["detail"].as_str().unwrap_or_default();
        for word in ["shard2.bin", "cargo xtask weights", "wrangler r2 object put"] {
            ensure!(detail.contains(word), "{what}: {detail}");
        }
        Ok(())
    };

    wrangler(state.path(), &["delete", key])?;
    refused("missing").await?;
    problem(api.health().await?, StatusCode::SERVICE_UNAVAILABLE).await?;
    let bytes = std::fs::read(weights.join("shard2.bin"))?;
    let damaged = state.path().join("damaged.bin");
    std::fs::write(&damaged, &bytes[..bytes.len() / 3])?;
    put(&damaged)?;
    refused("truncated").await?;
    put(&weights.join("shard1.bin"))?;
    refused("foreign").await?;
    put(&weights.join("shard2.bin"))?;
    let right = api.embed(&golden("obama-1.png")).await?;
    ensure!(right.len() == 512);
    server.stop()
}
