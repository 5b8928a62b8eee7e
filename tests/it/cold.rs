//! A cold server: both shards load at once, and before they are needed.

use std::time::Duration;

use anyhow::ensure;
use facenet::Shard;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use testbed::wait;
use tests::api::{Api, json, problem};
use tests::server::Server;
use tests::{MODELS_BUCKET, golden, log, variable};

use crate::load::wrangler;

/// How long both shards may take to load.
const LOAD_MAX: Duration = Duration::from_secs(30);

/// How often a server has loaded each shard.
fn loads(server: &Server) -> anyhow::Result<[usize; 2]> {
    Ok(loads_in(&log::lines(server)?))
}

fn loads_in(lines: &[Value]) -> [usize; 2] {
    let of = |shard: Shard| {
        log::of_event(lines, "load").filter(|load| load["shard"] == shard.name()).count()
    };
    Shard::ALL.map(of)
}

/// Without being woken, the second shard would load when the first one has computed.
#[tokio::test]
async fn the_second_shard_loads_beside_the_first() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let weights = variable("CFACE_WEIGHTS")?;
    let key = tests::weights("casia-webface", &weights)?.key(Shard::Shard1);
    let key = format!("{MODELS_BUCKET}/{key}");
    wrangler(state.path(), &["delete", &key])?;
    let response = api.post_file("/embed", &golden("obama-1.png")).await?;
    problem(response, StatusCode::SERVICE_UNAVAILABLE).await?;
    let alone = || {
        ensure!(loads(&server)? == [0, 1], "{}", server.log());
        Ok(())
    };
    wait::until(LOAD_MAX, || Ok(alone()))?;
    let file = weights.join(Shard::Shard1.file());
    wrangler(state.path(), &["put", &key, "--file", &file.to_string_lossy()])?;
    api.check_golden().await?;
    // One that was refused, and those of the pictures.
    let embeds = 1 + testbed::golden::all()?.len();
    let lines = log::requests(&server, "/embed", embeds).await?;
    ensure!(loads_in(&lines) == [1, 1], "{lines:?}");
    server.stop()
}

#[tokio::test]
async fn whoever_is_about_to_search_wakes_both_shards() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let crowd = (0..50).map(|_| api.request(Method::POST, "/wake").send());
    for response in join_all(crowd).await {
        let response = response?;
        ensure!(response.status() == StatusCode::ACCEPTED, "{}", response.status());
        ensure!(response.headers()["cache-control"] == "no-store");
        ensure!(response.bytes().await?.is_empty());
    }
    let both = || {
        ensure!(loads(&server)? == [1, 1], "{}", server.log());
        Ok(())
    };
    wait::until(LOAD_MAX, || Ok(both()))?;
    api.check_golden().await?;
    let health = json(api.health().await?, StatusCode::OK).await?;
    for shard in 0..2 {
        ensure!(health["shards"][shard]["r2_reads"] == 1, "{health}");
        ensure!(health["shards"][shard]["objects"] == 1, "{health}");
    }
    server.stop()
}
