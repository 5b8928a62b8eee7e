//! The local index as tests command it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tests::api::Api;
use tests::golden;
use tests::index::{IndexServer, RealBinding};
use tests::server::Server;
use vectorize_local::config::Config;
use vectorize_local::conformance::{self, METADATA_INDEXES, Outcome, Target};
use vectorize_local::method::Method;

/// An index with this metric, and what the conformance tests need.
fn start(state: &Path, metric: &str) -> anyhow::Result<(IndexServer, Config)> {
    let (metric_variable, indexes_variable) =
        (format!("METRIC:{metric}"), format!("METADATA_INDEXES:{METADATA_INDEXES}"));
    let variables = ["DIMENSIONS:24", &metric_variable, &indexes_variable];
    let config = Config::read("24", metric, METADATA_INDEXES).map_err(anyhow::Error::msg)?;
    Ok((IndexServer::start(state, &variables)?, config))
}

fn conforms(what: &str, target: &dyn Target, config: &Config) -> anyhow::Result<()> {
    let outcomes = conformance::run(target, config, what);
    let bad: Vec<_> = outcomes.iter().filter(|(_, it)| *it != Outcome::Passed).collect();
    anyhow::ensure!(bad.is_empty(), "{what}: {bad:#?}");
    anyhow::ensure!(!outcomes.is_empty(), "no tests");
    println!("{what}: {} tests passed", outcomes.len());
    Ok(())
}

#[test]
fn the_index_conforms_in_workerd() -> anyhow::Result<()> {
    for metric in ["euclidean", "cosine", "dot-product"] {
        let state = tempfile::tempdir()?;
        let (server, config) = start(state.path(), metric)?;
        conforms(metric, &server, &config)?;
    }
    Ok(())
}

#[test]
fn the_index_conforms_when_writes_are_late() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let (server, config) = start(state.path(), "euclidean")?;
    server.post("control", &json!({"late_ms": 60}))?;
    conforms("late", &server, &config)
}

#[test]
fn the_index_conforms_behind_the_binding_of_production() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let (server, config) = start(state.path(), "euclidean")?;
    conforms("real class", &RealBinding::start(&server)?, &config)
}

#[test]
fn ordered_failures_reach_callers_of_the_binding() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = IndexServer::start(state.path(), &["DIMENSIONS:2"])?;
    let vectors = [json!([{"id": "a", "values": [1, 2]}])];
    for (code, text) in [
        (40041, "Too Many Requests"),
        (40007, "too many ids in payload; max id count is 100, got 101"),
        (40023, "failed to parse upsert vectors request in json format"),
    ] {
        server.post("control", &json!({"fail": {"method": "upsert", "code": code}}))?;
        let fault = server.call(Method::Upsert, &vectors).err();
        let fault = fault.ok_or_else(|| anyhow::anyhow!("{code} did not come"))?;
        anyhow::ensure!((fault.code, fault.error.as_str()) == (Some(code), text), "{fault:?}");
    }
    server.post("control", &json!({"fail": {"method": "upsert", "applied": true}}))?;
    let fault = server.call(Method::Upsert, &vectors).err().map(|fault| fault.error);
    anyhow::ensure!(fault.as_deref() == Some("VECTOR_UPSERT_ERROR: Status + 503"), "{fault:?}");
    let report = server.post("control", &json!({}))?;
    anyhow::ensure!(report["vectors"] == 1, "it was applied all the same: {report}");
    anyhow::ensure!(server.call(Method::Upsert, &vectors).is_ok(), "failures end");
    anyhow::ensure!(server.post("control", &json!({"fail": 1})).is_err(), "not an order");
    Ok(())
}

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
