//! `cargo xtask cron`: fires the daily purge of a local server.
//!
//! Wrangler's own way, `/cdn-cgi/handler/scheduled`, reaches only the first of several Workers:
//! the proxy that it puts in front of them takes the header that would name another for itself.
//! The server behind that proxy listens on a port of its own, which wrangler writes to its log,
//! and there the header works.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;

use super::dev;
use crate::wrangler;

/// The schedule, as in the Worker's configuration.
const SCHEDULE: &str = "0 12 * * *";

/// How long a purge may take.
const PURGE_MAX: Duration = Duration::from_mins(5);

/// What wrangler's log says before the server's port, in its own JSON.
const LOG_MARK: &str = r#""userWorkerUrl":{"protocol":"http:","hostname":"127.0.0.1","port":""#;

/// Fires the daily purge.
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
    let state = dev::state_of(port).with_context(no_server)?;
    let inner = inner_port(&state.join("logs")).with_context(|| {
        format!("wrangler's log in {} does not name the server's port", state.display())
    })?;
    let mut answer = agent
        .get(format!("http://127.0.0.1:{inner}/cdn-cgi/handler/scheduled"))
        .query("cron", SCHEDULE)
        .header("MF-Route-Override", wrangler::CRON_WORKER)
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

/// The port of the server behind wrangler's proxy: the last one in the logs, since it changes
/// when a Worker is rebuilt.
fn inner_port(logs: &Path) -> Option<u16> {
    let mut files: Vec<_> = fs::read_dir(logs).ok()?.flatten().map(|entry| entry.path()).collect();
    // Their names hold the time.
    files.sort();
    files.iter().rev().find_map(|file| port_in(&fs::read_to_string(file).ok()?))
}

fn port_in(log: &str) -> Option<u16> {
    let (_, after) = log.rsplit_once(LOG_MARK)?;
    after.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_port_counts() {
        let line = |port: &str| format!("{{\"proxyData\":{{{LOG_MARK}{port}\"}},\"x\":1}}}}\n");
        let log = line("40001") + &line("40002");
        assert_eq!(port_in(&log), Some(40002));
        assert_eq!(port_in("Ready on http://127.0.0.1:8787"), None);
        assert_eq!(port_in(&line("many")), None);
    }
}
