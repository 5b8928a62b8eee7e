//! Wrangler as commands use it, and what its files of the project say.

pub(crate) mod installation;
pub(crate) mod local;
pub(crate) mod stored;

use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use crate::project;
use crate::run::Run;

/// Wrangler's file of the public Worker.
pub(crate) const PUBLIC_CONFIG: &str = "wrangler.toml";

/// Wrangler's file of the private Worker.
pub(crate) const PRIVATE_CONFIG: &str = "vectorize-worker/wrangler.toml";

/// Wrangler's file of the stand-in for Vectorize, which is never deployed.
pub(crate) const INDEX_CONFIG: &str = "tools/vectorize-local/wrangler.toml";

/// What may name the account in a configuration.
pub(crate) const ACCOUNT: &str = "account_id";

/// The variable of the public Worker that names the model.
pub(crate) const MODEL: &str = "MODEL";

/// The variable of the public Worker that names the weights.
pub(crate) const WEIGHTS: &str = "WEIGHTS";

/// A wrangler command that writes its logs to a folder.
pub(crate) fn run(what: impl Into<String>, logs: &Path) -> Run {
    Run::of(what, testbed::wrangler::command(logs))
}

/// A wrangler command that works on the user's Cloudflare account.
pub(crate) fn remote(what: impl Into<String>) -> Run {
    run(what, &project::local().join("logs")).hint(
        "Log in with `node_modules/.bin/wrangler login`, or set CLOUDFLARE_API_TOKEN and \
         CLOUDFLARE_ACCOUNT_ID",
    )
}

/// What one of wrangler's files says.
pub(crate) fn config(file: &str) -> anyhow::Result<Table> {
    project::read_toml(&project::root().join(file))
}

/// The name of the Worker that a configuration is of.
pub(crate) fn name(config: &Table) -> anyhow::Result<&str> {
    config.get("name").and_then(Value::as_str).context("a Worker without a name")
}

/// The R2 bucket with the weights, as the public Worker's configuration names it.
pub(crate) fn models_bucket() -> anyhow::Result<String> {
    let config = config(PUBLIC_CONFIG)?;
    let buckets = config.get("r2_buckets").and_then(Value::as_array);
    let bucket = buckets.and_then(|buckets| buckets.first()?.get("bucket_name")?.as_str());
    Ok(bucket.with_context(|| format!("{PUBLIC_CONFIG} has no bucket"))?.to_owned())
}

/// The model that the public Worker's configuration names.
pub(crate) fn configured_model() -> anyhow::Result<String> {
    let config = config(PUBLIC_CONFIG)?;
    let model = config.get("vars").and_then(|vars| vars.get(MODEL)).and_then(Value::as_str);
    Ok(model.with_context(|| format!("{PUBLIC_CONFIG} has no variable {MODEL}"))?.to_owned())
}
