//! Wrangler, Cloudflare's own tool, without its questions, statistics and update checks.

use std::path::Path;

use crate::project;
use crate::run::Run;

/// Wrangler's file of the public Worker.
pub(crate) const PUBLIC_CONFIG: &str = "wrangler.toml";

/// Wrangler's file of the private Worker in production.
pub(crate) const PRIVATE_CONFIG: &str = "vectorize-worker/wrangler.toml";

/// Wrangler's files of everything that runs on a developer's machine; the first is public.
pub(crate) const LOCAL_CONFIGS: [&str; 3] =
    [PUBLIC_CONFIG, "vectorize-worker/wrangler.local.toml", "vectorize-local/wrangler.toml"];

/// The Worker with the cron.
pub(crate) const CRON_WORKER: &str = "cface-vectorize";

/// The R2 bucket with the weights.
pub(crate) const MODELS_BUCKET: &str = "models";

/// The R2 bucket with the pictures.
pub(crate) const FACES_BUCKET: &str = "faces";

/// The records in the bucket with the weights.
pub(crate) const SHARDS: [&str; 2] = ["shard1.bin", "shard2.bin"];

/// A wrangler command that writes its logs to a folder.
pub(crate) fn run(what: impl Into<String>, logs: &Path) -> Run {
    Run::new(what, project::npm_program("wrangler"))
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_SEND_ERROR_REPORTS", "false")
        // The banner looks for updates.
        .env("WRANGLER_HIDE_BANNER", "true")
        .env("WRANGLER_LOG_PATH", logs)
        // No questions, no hot keys, and no other port than the one asked for.
        .env("CI", "true")
}

/// A wrangler command that works on the user's Cloudflare account.
pub(crate) fn remote(what: impl Into<String>) -> Run {
    run(what, &project::local().join("logs")).hint(
        "Log in with `node_modules/.bin/wrangler login`, or set CLOUDFLARE_API_TOKEN and \
         CLOUDFLARE_ACCOUNT_ID",
    )
}
