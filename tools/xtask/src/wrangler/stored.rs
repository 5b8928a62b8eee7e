//! The weights in the bucket of a local server. Wrangler takes seconds to store them. So they are
//! stored once, and the folder of each server, as each test has one, gets a copy.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use facenet::Shard;
use facenet::record::Weights;

use super::{PUBLIC_CONFIG, models_bucket, run};
use crate::fingerprint::Stamp;
use crate::project;

/// Where wrangler keeps the objects of local buckets, in the folder that it is given.
const BUCKETS: &str = "v3/r2";

/// Puts the weights in the folder `dir` into the bucket of the server in the folder `state`, unless
/// they are there.
pub(crate) fn ensure(state: &Path, weights: &Weights, dir: &Path) -> anyhow::Result<()> {
    // Only weights that the project has made are surely those of their name. Tests damage others.
    let made = dir == project::weights(weights.model());
    if !made || state.join(BUCKETS).exists() {
        return put(state, weights, dir);
    }
    let all = project::local().join("stored");
    let _lock = project::lock_file(&all.join("lock"), "waiting for another cargo xtask")?;
    let of_model = all.join(weights.model());
    let kept = all.join(weights.to_string());
    if of_model.exists() && !kept.exists() {
        fs::remove_dir_all(&of_model).context("removing the weights of another version")?;
    }
    put(&kept, weights, dir)?;
    // Whoever sees the copy sees all of it.
    let part = state.join("stored.part");
    if part.exists() {
        fs::remove_dir_all(&part).context("removing a copy that was broken off")?;
    }
    let to = state.join(BUCKETS);
    copy(&kept.join(BUCKETS), &part)
        .and_then(|()| fs::create_dir_all(to.parent().unwrap_or(state)))
        .and_then(|()| fs::rename(&part, &to))
        .with_context(|| format!("copying the weights to {}", to.display()))
}

/// Lets wrangler store the weights, unless it has.
fn put(state: &Path, weights: &Weights, dir: &Path) -> anyhow::Result<()> {
    let bucket = models_bucket()?;
    // Among wrangler's files, so that whoever removes those removes it too.
    let stamp = Stamp::at(state.join(BUCKETS).join(&bucket).join("stored"));
    if stamp.is(&weights.to_string()) {
        return Ok(());
    }
    stamp.clear()?;
    let entry = |shard: Shard| {
        let file = dir.join(shard.file());
        serde_json::json!({ "key": weights.key(shard), "file": file })
    };
    let list = Shard::ALL.map(entry);
    let list_file = state.join("weights.json");
    fs::create_dir_all(state)
        .and_then(|()| fs::write(&list_file, serde_json::to_vec(&list)?))
        .context("listing the weights")?;
    run("storing the weights in the local bucket", &state.join("logs"))
        .args(["r2", "bulk", "put", &bucket, "--local", "--config", PUBLIC_CONFIG])
        .arg_path("--filename", &list_file)
        .arg_path("--persist-to", state)
        .quietly()?;
    fs::remove_file(&list_file).context("removing the list of weights")?;
    stamp.write(&weights.to_string())
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_copied_with_everything_in_them() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("a/b")).unwrap();
        fs::create_dir(from.join("empty")).unwrap();
        fs::write(from.join("a/b/file"), "text").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("a/b/file")).unwrap(), "text");
        assert!(to.join("empty").is_dir());
    }
}
