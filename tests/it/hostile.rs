//! Pictures that are made to hurt, one after the other. None may cost anybody else anything: the
//! shards stay loaded, memory stays bounded, and a good picture embeds right afterwards.

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, json, problem};
use tests::golden;
use tests::hostile::{Hostile, all};
use tests::server::Server;

/// Most WebAssembly memory that the isolate may take, in megabytes: both shards, and what a picture
/// takes besides.
const WASM_MB_MAX: f64 = 100.0;

/// What such a picture may be answered by. Some are pictures all the same.
const ANSWERS: [u16; 5] = [200, 400, 413, 415, 422];

#[tokio::test]
async fn pictures_that_are_made_to_hurt_cost_nobody_anything() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of_workerd(&server)?;
    let good = golden("obama-1.png");
    let expected = api.embed(&good).await?;
    let pictures = all();
    ensure!(pictures.len() >= 60, "{} pictures", pictures.len());
    let mut last_mb = 0.0;
    for Hostile { name, bytes } in pictures {
        // As a crop, and as a photograph.
        for path in ["/embed", "/embed?detect=true"] {
            let response = api.request(Method::POST, path).body(bytes.clone()).send().await;
            let response = response.context(name)?;
            let status = response.status();
            ensure!(ANSWERS.contains(&status.as_u16()), "{name} to {path}: {status}");
            if status != StatusCode::OK {
                problem(response, status).await.context(name)?;
            }
        }
        ensure!(api.embed(&good).await? == expected, "another embedding after {name}");
        let health = json(api.health().await?, StatusCode::OK).await?;
        let wasm_mb = check_health(&health).with_context(|| format!("after {name}: {health}"))?;
        if wasm_mb > last_mb {
            println!("WebAssembly memory: {wasm_mb} MB after {name}");
            last_mb = wasm_mb;
        }
    }
    server.stop()
}

/// Both shards were loaded once, and are. Gives the memory.
fn check_health(health: &Value) -> anyhow::Result<f64> {
    let shards = health["shards"].as_array().context("no shards")?;
    ensure!(shards.len() == 2, "a shard is gone");
    for shard in shards {
        ensure!(shard["r2_reads"] == 1, "a shard was loaded again");
    }
    let wasm_mb = health["memory"]["wasm_mb"].as_f64().context("no memory")?;
    ensure!(wasm_mb <= WASM_MB_MAX, "{wasm_mb} MB");
    Ok(wasm_mb)
}

/// What panics in a Worker takes the weights of both shards with it.
#[test]
fn no_hostile_picture_makes_a_decoder_panic() {
    for Hostile { name, bytes } in all() {
        let outcome = std::panic::catch_unwind(|| {
            let photograph = input::photograph::Photograph::open(bytes.clone());
            (photograph.is_ok(), input::picture::decode(bytes).is_ok())
        });
        assert!(outcome.is_ok(), "{name}");
    }
}
