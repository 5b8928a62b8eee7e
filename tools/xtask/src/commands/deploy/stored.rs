//! The weights in their bucket: under keys that name what is in them, so nothing there changes.
//! A small object after both shards says that they are complete.

use std::collections::BTreeSet;
use std::path::Path;

use facenet::Shard;
use facenet::record::Weights;
use serde_json::json;

use crate::cloudflare::{Api, bucket, worker};
use crate::curl::Body;
use crate::wrangler::WEIGHTS;
use crate::wrangler::installation::Installation;

/// The object that says that both shards are there.
const COMPLETE: &str = "complete.json";

/// Deployments whose weights are kept: the one that runs, and the one before it, to which
/// `wrangler rollback` goes.
const KEPT: usize = 2;

/// Objects that are listed to find old weights: each has three.
const LISTED_MAX: usize = 10_000;

/// Whether both shards are in the bucket.
pub(super) fn is_complete(
    api: &Api,
    installation: &Installation,
    weights: &Weights,
) -> anyhow::Result<bool> {
    let key = format!("{weights}/{COMPLETE}");
    Ok(bucket::object(api, &installation.models_bucket(), &key)?.is_some())
}

/// Uploads both records from their folder, and then says that they are complete.
pub(super) fn upload(
    api: &Api,
    installation: &Installation,
    weights: &Weights,
    records: &Path,
) -> anyhow::Result<()> {
    let name = installation.models_bucket();
    for shard in Shard::ALL {
        bucket::upload(api, &name, &weights.key(shard), &records.join(shard.file()))?;
    }
    let text = json!({ "shards": Shard::ALL.map(|shard| weights.key(shard)) });
    let key = format!("{weights}/{COMPLETE}");
    bucket::put(
        api,
        "noting that the weights are complete",
        &name,
        &key,
        Body::Text(text.to_string()),
    )
}

/// Removes the weights that neither `weights` nor one of the last deployments names.
pub(super) fn prune(
    api: &Api,
    installation: &Installation,
    weights: &Weights,
) -> anyhow::Result<()> {
    let (public, owner) = (installation.public_worker(), installation.prefix());
    let found = worker::look(api, &public, owner, KEPT)?;
    let named = found.ours().into_iter().flat_map(|deployed| &deployed.variables);
    let mut kept: BTreeSet<String> =
        named.filter_map(|variables| variables.get(WEIGHTS).cloned()).collect();
    kept.insert(weights.to_string());
    let name = installation.models_bucket();
    let (keys, more) = bucket::keys(api, &name, "", LISTED_MAX)?;
    let old = old(&keys, &kept);
    if old.is_empty() {
        println!("No weights are removed: the last {KEPT} deployments use all that are stored.");
    }
    for weights in old {
        let own = |key: &&String| key.rsplit_once('/').is_some_and(|(begin, _)| begin == weights);
        let own: Vec<String> = keys.iter().filter(own).cloned().collect();
        // Without it they are incomplete from now on, and are uploaded anew when they are needed.
        let complete = format!("{weights}/{COMPLETE}");
        bucket::remove_objects(api, "noting that they are incomplete", &name, &[complete])?;
        bucket::remove_objects(api, &format!("removing the weights {weights}"), &name, &own)?;
    }
    if more {
        println!("There may be more old weights: run this again.");
    }
    Ok(())
}

/// The weights among the keys of a bucket that are not to be kept. Other keys are not ours.
fn old(keys: &[String], kept: &BTreeSet<String>) -> BTreeSet<String> {
    let begins = keys.iter().filter_map(|key| key.rsplit_once('/').map(|(begin, _)| begin));
    let weights = begins.filter(|begin| begin.parse::<Weights>().is_ok());
    weights.filter(|weights| !kept.contains(*weights)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_weights_that_nobody_names_are_old() {
        let weights = |byte| Weights::new("casia-webface", [byte; 32].into());
        let (first, second) = (weights(1), weights(2));
        let mut keys: Vec<String> = [&first, &second]
            .iter()
            .flat_map(|weights| Shard::ALL.map(|shard| weights.key(shard)))
            .collect();
        keys.extend(["readme.txt".into(), "casia-webface/shard1.bin".into()]);
        let kept = BTreeSet::from([second.to_string()]);
        assert_eq!(old(&keys, &kept), BTreeSet::from([first.to_string()]));
    }
}
