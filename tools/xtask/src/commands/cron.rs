//! `cargo xtask cron`: fires the daily purge of a local server.
//!
//! Wrangler's address for this, `/cdn-cgi/handler/scheduled`, reaches the first of several Workers
//! only. A header names another one, but wrangler's proxy removes it. So the request goes to
//! workerd itself, behind the proxy.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use clap::Args;
use testbed::wrangler::{WORKER_HEADER, inner_port};
use wire::retention::{PURGE_CRON, next_purge_ms};

use crate::{servers, wrangler};

/// How long a purge may take.
const PURGE_MAX: Duration = Duration::from_mins(5);

/// The file in a server's folder that says which noon was fired last, in milliseconds since 1970.
const FIRED: &str = "last-cron";

/// Fires the daily purge as if it were the next noon, so that everything goes that is enrolled now.
/// A noon has one purge, so it is another noon each time.
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
    let fired = state.join(FIRED);
    let last_ms = fs::read_to_string(&fired).ok().and_then(|text| text.trim().parse().ok());
    let due_ms = due_ms(now_ms, last_ms);
    let mut answer = agent
        .get(format!("http://127.0.0.1:{inner}/cdn-cgi/handler/scheduled"))
        .query("cron", PURGE_CRON)
        .query("time", due_ms.to_string())
        .header(WORKER_HEADER, wrangler::name(&private)?)
        .call()
        .context("firing the cron")?;
    let outcome = answer.body_mut().read_to_string().context("reading the outcome")?;
    ensure!(
        answer.status() == 200,
        "the cron failed: {outcome} ({}); the server's output says why",
        answer.status()
    );
    fs::write(&fired, due_ms.to_string()).context("noting which noon was fired")?;
    println!("The cron ran: {outcome}");
    Ok(())
}

/// The noon that is fired: the next one, or the next after the one that was fired last.
fn due_ms(now_ms: u64, last_ms: Option<u64>) -> u64 {
    next_purge_ms(last_ms.map_or(now_ms, |last_ms| last_ms.max(now_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_fires_another_noon() {
        let now_ms = 1_800_000_000_000;
        let first_ms = due_ms(now_ms, None);
        assert!(first_ms > now_ms);
        let second_ms = due_ms(now_ms, Some(first_ms));
        assert!(second_ms > first_ms);
        assert_eq!(due_ms(second_ms, Some(first_ms)), due_ms(second_ms, None));
    }
}
