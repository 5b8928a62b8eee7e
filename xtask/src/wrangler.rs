//! Wrangler, Cloudflare's own tool, without its questions, statistics and update checks.

use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

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

/// Requests in a period that nobody makes by hand, nor a test that does not mean to.
const GENEROUS_LIMIT: i64 = 1_000_000;

/// The public Worker's configuration with rate limits that never apply, to be put anywhere: its
/// paths become absolute.
pub(crate) fn generous(mut config: Table) -> anyhow::Result<Table> {
    let limits = config.get_mut("ratelimits").and_then(Value::as_array_mut);
    for limit in limits.context("no rate limits in wrangler.toml")? {
        let simple = limit.get_mut("simple").and_then(Value::as_table_mut);
        simple
            .context("a rate limit without `simple`")?
            .insert("limit".into(), GENEROUS_LIMIT.into());
    }
    make_absolute(config.get_mut("main"))?;
    make_absolute(config.get_mut("assets").and_then(|assets| assets.get_mut("directory")))?;
    Ok(config)
}

fn make_absolute(path: Option<&mut Value>) -> anyhow::Result<()> {
    let path = path.context("a path is missing in wrangler.toml")?;
    let relative = path.as_str().context("a path in wrangler.toml is no text")?;
    let absolute = project::root().join(relative);
    *path = absolute.to_str().context("the clone's path is not UTF-8")?.into();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_limits_and_paths_differ_locally() {
        let production = project::read_toml(&project::root().join(PUBLIC_CONFIG)).unwrap();
        let mut local = generous(production.clone()).unwrap();
        for (before, after) in production["ratelimits"]
            .as_array()
            .unwrap()
            .iter()
            .zip(local["ratelimits"].as_array().unwrap())
        {
            assert_eq!(before["name"], after["name"]);
            assert!(before["simple"]["limit"].as_integer() < after["simple"]["limit"].as_integer());
        }
        assert!(Path::new(local["main"].as_str().unwrap()).is_absolute());
        for key in ["ratelimits", "main"] {
            local.insert(key.into(), production[key].clone());
        }
        local["assets"]["directory"] = production["assets"]["directory"].clone();
        assert_eq!(local, production);
    }
}
