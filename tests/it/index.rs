//! The local index: that it does what Vectorize does, and what tests order.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;
use tests::api::Api;
use tests::conformance::{self, DIMENSIONS, Native, Target as _};
use tests::golden;
use tests::index::{Binding, IndexServer, ProductionBinding};
use tests::server::Server;
use vectorize_local::method::Method;

#[test]
fn the_core_conforms() -> anyhow::Result<()> {
    conformance::check(&Native::new(), "native")
}

#[test]
fn the_index_conforms_in_workerd() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = IndexServer::start(state.path(), DIMENSIONS)?;
    conformance::check(&server.binding(), "on time")?;
    server.control(&json!({"late_ms": 60}))?;
    conformance::check(&server.binding(), "late")
}

#[test]
fn the_index_conforms_behind_the_binding_of_production() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = IndexServer::start(state.path(), DIMENSIONS)?;
    let production = ProductionBinding::start(&server)?;
    conformance::check(&production.binding(), "class of production")
}

/// No test takes the silence of a dead server for the refusal that it expects.
#[test]
fn an_index_that_does_not_answer_conforms_to_nothing() -> anyhow::Result<()> {
    let report = conformance::run(&Binding::of_nobody()?, "nobody");
    ensure!(report.count > 40, "only {} tests", report.count);
    ensure!(report.failures.len() == report.count, "{:#?}", report.failures);
    Ok(())
}

#[test]
fn ordered_failures_reach_callers_of_the_binding() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = IndexServer::start(state.path(), 2)?;
    let vectors = [json!([{"id": "a", "values": [1, 2]}])];
    let upsert = || server.binding().call(Method::Upsert, &vectors);
    for (code, text) in [
        (40041, "Too Many Requests"),
        (40007, "too many ids in payload; max id count is 100, got 101"),
        (40023, "failed to parse upsert vectors request in json format"),
    ] {
        server.control(&json!({"fail": {"method": "upsert", "code": code}}))?;
        let refusal = upsert()?.err().with_context(|| format!("{code} did not come"))?;
        ensure!((refusal.code, refusal.error.as_str()) == (Some(code), text), "{refusal:?}");
    }
    server.control(&json!({"fail": {"method": "upsert", "applied": true}}))?;
    let refusal = upsert()?.err().context("503 did not come")?;
    ensure!((refusal.code, refusal.error.as_str()) == (None, "Status + 503"), "{refusal:?}");
    let report = server.control(&json!({}))?;
    ensure!(report["vectors"] == 1, "it was applied all the same: {report}");
    ensure!(upsert()?.is_ok(), "failures end");
    let error =
        server.control(&json!({"fail": 1})).err().context("an order of rubbish is taken")?;
    ensure!(error.to_string().contains("400"), "{error}");
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
    ensure!(report["vectors"] == 0 && report["pending"] == 1, "{report}");
    ensure!(report["calls"]["upsert"] == 1, "{report}");
    server.stop()?;
    let server = Server::start(state.path()).await?;
    let report = server.index_control(&json!({})).await?;
    ensure!(report["pending"] == 1 && report["late_ms"] == 0, "{report}");
    let report = server.index_control(&json!({"reset": true})).await?;
    ensure!(report["vectors"] == 1 && report["pending"] == 0, "{report}");

    // A write that is a little late comes by itself, and later ones wait for it.
    server.index_control(&json!({"late_ms": 2_000})).await?;
    let api = Api::of(&server);
    api.enrol("B", &golden("collins-1.png")).await?;
    let report = server.index_control(&json!({"late_ms": 0})).await?;
    ensure!(report["pending"] == 1, "{report}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let report = server.index_control(&json!({})).await?;
    ensure!(report["vectors"] == 2 && report["pending"] == 0, "{report}");

    // Calls that fail, and are counted.
    server.index_control(&json!({"fail": {"method": "query", "code": 40041}})).await?;
    let embedding = api.embed(&golden("obama-1.png")).await?;
    ensure!(!embedding.is_empty());
    let (status, answer) = server.index_request("query", &json!({"vector": embedding})).await?;
    ensure!(status == 400 && answer.contains("Too Many Requests"), "{answer}");
    let (status, answer) = server.index_request("query", &json!({"vector": embedding})).await?;
    ensure!(status == 200, "{answer}");
    let report = server.index_control(&json!({})).await?;
    // The enrolment has looked for copies of the picture.
    ensure!(report["calls"]["query"] == 3, "{report}");
    server.stop()
}
