//! `cargo xtask cron`: fires the daily purge of a local server.
//!
//! Wrangler's address for this, `/cdn-cgi/handler/scheduled`, reaches the first of several Workers
//! only. A header names another one, but wrangler's proxy removes it. So the request goes to
//! workerd itself, behind the proxy.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use clap::Args;
use testbed::wrangler::{WORKER_HEADER, inner_port};
use wire::retention::{PURGE_CRON, next_purge_ms};

use crate::{servers, wrangler};

/// How long a purge may take.
const PURGE_MAX: Duration = Duration::from_mins(5);

/// Fires the daily purge as if it were the next noon, so that everything goes that is enrolled now.
#[derive(Args)]
pub(crate) struct Options {
    /// The port of the server.
    #[arg(long, default_value_t = 8787)]
    port: u16,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let port = options.port;
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PURGE_MAX))
        .http_status_as_error(false)
        .build()
        .into();
    let no_server =
        || format!("no server runs on port {port}; start it by `cargo xtask dev --port {port}`");
    agent.get(format!("http://127.0.0.1:{port}/health")).call().with_context(no_server)?;
    let state = servers::state_of(port).with_context(no_server)?;
    let inner = inner_port(&state.join("logs"))?;
    let private = wrangler::config(wrangler::PRIVATE_CONFIG)?;
    let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut answer = agent
        .get(format!("http://127.0.0.1:{inner}/cdn-cgi/handler/scheduled"))
        .query("cron", PURGE_CRON)
        .query("time", next_purge_ms(now_ms).to_string())
        .header(WORKER_HEADER, wrangler::name(&private)?)
        .call()
        .context("firing the cron")?;
    let outcome = answer.body_mut().read_to_string().context("reading the outcome")?;
    ensure!(
        answer.status() == 200,
        "the cron failed: {outcome} ({}); the server's output says why",
        answer.status()
    );
    println!("The cron ran: {outcome}");
    Ok(())
}
