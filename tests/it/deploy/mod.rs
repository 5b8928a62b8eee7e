//! Deployments: `cargo xtask deploy` and `destroy` with the real wrangler, against the stand-in of
//! Cloudflare's API.

mod broken;
mod fresh;
mod refused;
mod several;

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use cloudflare_local::{Account, Worker};
use facenet::Shard;
use tests::account::TestAccount;
use tests::{variable, weights};
use wire::installation::{MODELS_BUCKET, PREFIX, PRIVATE_WORKER, PUBLIC_WORKER, renamed};
use wire::retention::{BUCKET_NAME, INDEX_NAME, PURGE_CRON, REPEAT_CRON};

/// `deploy`, which does not wait for addresses that never answer.
const DEPLOY: [&str; 3] = ["deploy", "--wait", "0"];

/// The object that says whose a bucket is.
const MARK: &str = "installation.json";

/// Checks that an account has a whole installation with a prefix, and the weights of the default
/// model.
fn check_whole(account: &Account, prefix: &str) -> anyhow::Result<()> {
    let name = |usual: &str| renamed(usual, prefix);
    let worker = |usual: &str| -> anyhow::Result<&Worker> {
        let worker = account.workers.get(&name(usual));
        worker.with_context(|| format!("no Worker {}", name(usual)))
    };
    let (public, private) = (worker(PUBLIC_WORKER)?, worker(PRIVATE_WORKER)?);
    let weights = weights("casia-webface", &variable("CFACE_WEIGHTS")?)?;
    let models = account.buckets.get(&name(MODELS_BUCKET)).context("no bucket of models")?;
    for shard in Shard::ALL {
        let own = std::fs::read(variable("CFACE_WEIGHTS")?.join(shard.file()))?;
        let stored = models.objects.get(&weights.key(shard)).context("a shard is missing")?;
        ensure!(*stored == own, "a shard is another one");
    }
    ensure!(models.objects.contains_key(MARK));
    let faces = account.buckets.get(&name(BUCKET_NAME)).context("no bucket of faces")?;
    ensure!(faces.objects.contains_key(MARK));
    let index = account.indexes.get(&name(INDEX_NAME)).context("no index")?;
    ensure!((index.dimensions, index.metric.as_str()) == (512, "euclidean"), "{index:?}");
    ensure!(public.variable("WEIGHTS") == Some(&*weights.to_string()));
    ensure!(public.variable("MODEL") == Some("casia-webface"));
    ensure!(public.subdomain.enabled, "the public Worker has no address");
    ensure!(!private.subdomain.enabled, "the private Worker has an address");
    ensure!(private.schedules == [PURGE_CRON, REPEAT_CRON], "{:?}", private.schedules);
    ensure!(public.migrated.classes.len() == 2, "{:?}", public.migrated);
    for worker in [public, private] {
        ensure!(worker.variable("INSTALLATION") == Some(prefix));
        let deployed = worker.deployed().context("nothing is deployed")?;
        ensure!(deployed.modules.values().any(|(kind, _)| kind == "application/wasm"));
    }
    let deployed = public.deployed().context("nothing is deployed")?;
    ensure!(deployed.assets.contains_key("/index.html"), "{:?}", deployed.assets.keys());
    ensure!(bound(public, "bucket_name") == [name(MODELS_BUCKET)].into());
    ensure!(bound(public, "service") == [name(PRIVATE_WORKER)].into());
    ensure!(bound(private, "bucket_name") == [name(BUCKET_NAME)].into());
    ensure!(bound(private, "index_name") == [name(INDEX_NAME)].into());
    Ok(())
}

/// What the bindings of a deployed Worker name by a key.
fn bound(worker: &Worker, key: &str) -> BTreeSet<String> {
    let bindings = worker.deployed().into_iter().flat_map(|version| &version.bindings);
    bindings.filter_map(|binding| binding.get(key)?.as_str().map(str::to_owned)).collect()
}

#[test]
fn a_dry_run_without_a_login_names_every_step_and_bundles_both_workers() -> anyhow::Result<()> {
    let account = TestAccount::new(|account| account.token.clear())?;
    let text = account.succeed(&["deploy", "--dry-run"])?;
    let weights = weights("casia-webface", &variable("CFACE_WEIGHTS")?)?.to_string();
    for part in [MODELS_BUCKET, BUCKET_NAME, INDEX_NAME, &weights, PRIVATE_WORKER, "no account"] {
        ensure!(text.contains(part), "no step with {part}:\n{text}");
    }
    ensure!(account.cloudflare.take_seen().is_empty(), "Cloudflare was asked");
    Ok(())
}

/// What every name of the usual installation begins with.
const USUAL: &str = PREFIX;
