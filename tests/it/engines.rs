//! The Worker with the reference engine, which `cargo xtask test --burn` builds.

use anyhow::ensure;
use reqwest::StatusCode;
use tests::api::{Api, json};
use tests::server::Server;

#[tokio::test]
#[ignore = "needs the Worker with Burn: cargo xtask test --burn"]
async fn burn_in_the_worker_gives_the_golden_embeddings() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--engine", "burn-flex"]).await?;
    let api = Api::of(&server);
    api.check_golden().await?;
    let health = json(api.health().await?, StatusCode::OK).await?;
    ensure!(health["engine"] == "burn-flex", "{health}");
    println!("memory: {} MB", health["memory"]["wasm_mb"]);
    server.stop()
}
