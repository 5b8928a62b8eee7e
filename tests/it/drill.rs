//! A request that traps among others: what it costs them, and how long until answers are right
//! again. `cargo xtask test --burn` builds the Worker that traps where it is asked to.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use tests::api::{Api, json};
use tests::golden;
use tests::server::Server;

/// Requests under way when one more traps.
const OTHERS: usize = 19;

#[tokio::test]
#[ignore = "needs the Worker that traps: cargo xtask test --burn"]
async fn a_trap_costs_what_is_under_way_and_nothing_after_it() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--drill"]).await?;
    let api = Api::of(&server);
    let good = golden("obama-1.png");
    let expected = api.embed(&good).await?;
    let memory = async || -> anyhow::Result<f64> {
        let health = json(api.health().await?, StatusCode::OK).await?;
        health["memory"]["wasm_mb"].as_f64().context("no memory")
    };
    let before_mb = memory().await?;
    let file = std::fs::read(&good)?;
    let others = (0..OTHERS).map(|_| api.request(Method::POST, "/embed").body(file.clone()).send());
    let trap = api.request(Method::POST, "/embed").header("x-cface-drill", "1").body("").send();
    let (others, trapped) = futures_util::join!(join_all(others), trap);
    let began = Instant::now();
    ensure!(trapped.is_ok_and(|answer| answer.status().is_server_error()), "nothing has trapped");
    let answered = others.iter().flatten().filter(|answer| answer.status() == StatusCode::OK);
    let lost = OTHERS - answered.count();
    // Whatever else was under way, the next one is right.
    ensure!(api.embed(&good).await? == expected, "another embedding after the trap");
    let again_ms = began.elapsed().as_millis();
    let after_mb = memory().await?;
    println!(
        "{lost} of {OTHERS} others were lost; the next right answer came after {again_ms} ms; \
         WebAssembly memory {before_mb} MB before, {after_mb} MB after"
    );
    // The new instance has its own memory, and takes no more than the old one.
    ensure!(after_mb <= before_mb + 4.0, "{after_mb} MB");
    server.stop()
}
