//! The local index as tests command it.

use std::time::Duration;

use serde_json::json;
use tests::api::Api;
use tests::golden;
use tests::server::Server;

#[tokio::test]
async fn the_index_obeys_control_calls() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);

    // A write that is late, and outlives a restart of the server.
    server.index_control(&json!({"late_ms": 3_600_000})).await?;
    api.enrol("A", &golden("obama-1.png")).await?;
    let report = server.index_control(&json!({})).await?;
    anyhow::ensure!(report["vectors"] == 0 && report["pending"] == 1, "{report}");
    anyhow::ensure!(report["calls"]["upsert"] == 1, "{report}");
    server.stop()?;
    let server = Server::start(state.path()).await?;
    let report = server.index_control(&json!({})).await?;
    anyhow::ensure!(report["pending"] == 1 && report["late_ms"] == 0, "{report}");
    let report = server.index_control(&json!({"reset": true})).await?;
    anyhow::ensure!(report["vectors"] == 1 && report["pending"] == 0, "{report}");

    // A write that is a little late comes by itself, and later ones wait for it.
    server.index_control(&json!({"late_ms": 2_000})).await?;
    let api = Api::of(&server);
    api.enrol("B", &golden("collins-1.png")).await?;
    let report = server.index_control(&json!({"late_ms": 0})).await?;
    anyhow::ensure!(report["pending"] == 1, "{report}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let report = server.index_control(&json!({})).await?;
    anyhow::ensure!(report["vectors"] == 2 && report["pending"] == 0, "{report}");

    // Calls that fail, and are counted.
    server.index_control(&json!({"fail": {"method": "query", "code": 40041}})).await?;
    let embedding = api.embed(&golden("obama-1.png")).await?;
    anyhow::ensure!(!embedding.is_empty());
    let (status, answer) = server.index_request("query", &json!({"vector": embedding})).await?;
    anyhow::ensure!(status == 400 && answer.contains("Too Many Requests"), "{answer}");
    let (status, answer) = server.index_request("query", &json!({"vector": embedding})).await?;
    anyhow::ensure!(status == 200, "{answer}");
    let report = server.index_control(&json!({})).await?;
    anyhow::ensure!(report["calls"]["query"] == 2, "{report}");
    server.stop()
}
