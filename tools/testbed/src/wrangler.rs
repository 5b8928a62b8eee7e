//! Wrangler, Cloudflare's own tool, without its questions, statistics and update checks, and the
//! port of workerd behind wrangler's proxy.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::npm;

/// The header that names the Worker for which a request to workerd's own port is.
pub const WORKER_HEADER: &str = "MF-Route-Override";

/// What wrangler's log says before the port of workerd, in its own JSON.
const LOG_MARK: &str = r#""userWorkerUrl":{"protocol":"http:","hostname":"127.0.0.1","port":""#;

/// Wrangler in the root of the clone, which writes its logs to a folder.
#[must_use]
pub fn command(logs: &Path) -> Command {
    // The machine's Node may be older, and start more slowly.
    let node = npm::node().unwrap_or_else(|| "node".into());
    let mut command = Command::new(node);
    command
        // As wrangler's own start script does, which would be a second Node.
        .args(["--no-warnings", "--experimental-vm-modules"])
        .arg(npm::package("wrangler").join("wrangler-dist/cli.js"))
        .current_dir(crate::root())
        .stdin(Stdio::null())
        // Half of its start is compiling. Node 22 and newer keep the outcome.
        .env("NODE_COMPILE_CACHE", crate::root().join(".cface/node"))
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        // The banner looks for updates.
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_LOG_PATH", logs)
        // No questions, no hot keys, and no other port than the one asked for.
        .env("CI", "true");
    command
}

/// The port of workerd behind wrangler's proxy: the last one in the logs, since it changes when a
/// Worker is rebuilt.
///
/// # Errors
/// When the logs do not name it.
pub fn inner_port(logs: &Path) -> anyhow::Result<u16> {
    let context = || format!("wrangler's log in {} does not name workerd's port", logs.display());
    let entries = fs::read_dir(logs).with_context(context)?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // Their names hold the time.
    files.sort();
    let port = files.iter().rev().find_map(|file| port_in(&fs::read_to_string(file).ok()?));
    port.with_context(context)
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
