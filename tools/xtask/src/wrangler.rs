//! Wrangler, Cloudflare's own tool, without its questions, statistics and update checks.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use toml::{Table, Value};

use crate::project;
use crate::run::Run;
use crate::setup::checkpoint::Checkpoint;

/// Wrangler's file of the public Worker.
pub(crate) const PUBLIC_CONFIG: &str = "wrangler.toml";

/// Wrangler's file of the private Worker in production.
pub(crate) const PRIVATE_CONFIG: &str = "vectorize-worker/wrangler.toml";

/// Wrangler's files of everything that runs on a developer's machine; the first is public.
pub(crate) const LOCAL_CONFIGS: [&str; 3] =
    [PUBLIC_CONFIG, "vectorize-worker/wrangler.local.toml", "tools/vectorize-local/wrangler.toml"];

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

/// What wrangler's log says before the port of workerd, in its own JSON.
const LOG_MARK: &str = r#""userWorkerUrl":{"protocol":"http:","hostname":"127.0.0.1","port":""#;

/// The port of workerd behind wrangler's proxy: the last one in the logs, since it changes when a
/// Worker is rebuilt.
pub(crate) fn inner_port(logs: &Path) -> anyhow::Result<u16> {
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

/// Requests in a period that nobody makes by hand, nor a test that does not mean to.
const GENEROUS_LIMIT: i64 = 1_000_000;

/// The variable of the public Worker that names the model.
pub(crate) const MODEL: &str = "MODEL";

/// What wrangler's file of the public Worker says.
pub(crate) fn public_config() -> anyhow::Result<Table> {
    project::read_toml(&project::root().join(PUBLIC_CONFIG))
}

/// The checkpoint of the model that wrangler.toml names.
pub(crate) fn configured_model() -> anyhow::Result<Checkpoint> {
    let config = public_config()?;
    let model = config.get("vars").and_then(|vars| vars.get(MODEL)).and_then(Value::as_str);
    let model = model.with_context(|| format!("{PUBLIC_CONFIG} has no variable {MODEL}"))?;
    Checkpoint::of(model)
        .with_context(|| format!("{PUBLIC_CONFIG} names the model {model}, which is not known"))
}

/// The public Worker's configuration for a model and a build, to be put anywhere: its paths become
/// absolute.
pub(crate) fn local(mut config: Table, model: &str, main: &Path) -> anyhow::Result<Table> {
    let vars = config.get_mut("vars").and_then(Value::as_table_mut);
    vars.context("no variables in wrangler.toml")?.insert(MODEL.into(), model.into());
    config.insert("main".into(), absolute(main)?);
    let assets = config.get_mut("assets").and_then(|assets| assets.get_mut("directory"));
    let assets = assets.context("no folder of assets in wrangler.toml")?;
    *assets = absolute(Path::new(assets.as_str().context("the folder of assets is no text")?))?;
    Ok(config)
}

/// Replaces the rate limits by some that never apply.
pub(crate) fn make_generous(config: &mut Table) -> anyhow::Result<()> {
    let limits = config.get_mut("ratelimits").and_then(Value::as_array_mut);
    for limit in limits.context("no rate limits in wrangler.toml")? {
        let simple = limit.get_mut("simple").and_then(Value::as_table_mut);
        simple
            .context("a rate limit without `simple`")?
            .insert("limit".into(), GENEROUS_LIMIT.into());
    }
    Ok(())
}

/// A path, relative to the clone or not, as wrangler finds it from anywhere.
fn absolute(path: &Path) -> anyhow::Result<Value> {
    let absolute = project::root().join(path);
    Ok(absolute.to_str().context("the clone's path is not UTF-8")?.into())
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

    #[test]
    fn only_limits_model_and_paths_differ_locally() {
        let production = public_config().unwrap();
        let main = Path::new("a/build/index.js");
        let mut local = local(production.clone(), "other", main).unwrap();
        make_generous(&mut local).unwrap();
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
        assert_eq!(local["vars"][MODEL].as_str(), Some("other"));
        for key in ["ratelimits", "main", "vars"] {
            local.insert(key.into(), production[key].clone());
        }
        local["assets"]["directory"] = production["assets"]["directory"].clone();
        assert_eq!(local, production);
    }
}
