//! The Worker with the reference engine: `cargo xtask test` has built it.

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, cosine, json};
use tests::golden;
use tests::server::Server;

#[tokio::test]
async fn burn_in_the_worker_gives_the_golden_embeddings() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--engine", "burn-flex"]).await?;
    let api = Api::of(&server);
    let text = std::fs::read_to_string(golden("embeddings.json"))?;
    let expected: Value = serde_json::from_str(&text)?;
    let faces = expected["faces"].as_object().context("no faces")?;
    ensure!(faces.len() == 5);
    for (name, expected) in faces {
        let expected: Vec<f64> = serde_json::from_value(expected.clone())?;
        let actual = api.embed(&golden(&format!("{name}.png"))).await?;
        let cosine = cosine(&actual, &expected);
        println!("burn-flex, {name}: 1 - cosine = {:.1e}", 1.0 - cosine);
        ensure!(cosine >= 0.99999, "{name}: {cosine}");
    }
    let health = json(api.request(Method::GET, "/health").send().await?, StatusCode::OK).await?;
    ensure!(health["engine"] == "burn-flex", "{health}");
    println!("memory: {} MB", health["memory"]["wasm_mb"]);
    server.stop()
}
