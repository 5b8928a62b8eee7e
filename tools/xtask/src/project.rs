//! Where things are in the clone and in the user's cache, and what Cargo is asked to build.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use facenet::Shard;

use crate::progress;

/// Everything without Burn, which takes minutes to build. All commands of this kind name the same
/// packages and features: Cargo would compile what they share anew otherwise.
pub(crate) const WITHOUT_BURN: [&str; 4] = [
    "--workspace",
    "--no-default-features",
    "--features",
    "face-finder/find,facenet/image,facenet/kernel-tests,facenet/layer-outputs,\
     facenet-worker/simd,input/parse,testbed/browser,testbed/tensors",
];

/// The root of the clone.
pub(crate) fn root() -> &'static Path {
    testbed::root()
}

/// The packages of the workspace and their folders, relative to the root.
pub(crate) fn members() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let manifest = read_toml(&root().join("Cargo.toml"))?;
    let workspace = manifest.get("workspace").and_then(|workspace| workspace.get("members"));
    let members = workspace.and_then(toml::Value::as_array).context("Cargo.toml has no members")?;
    let folders = members.iter().filter_map(toml::Value::as_str).map(PathBuf::from);
    // A folder has the name of its package.
    let name = |folder: &Path| Some(folder.file_name()?.to_str()?.to_owned());
    Ok(folders.filter_map(|folder| Some((name(&folder)?, folder))).collect())
}

/// The folder of a package of the workspace.
pub(crate) fn member(name: &str) -> anyhow::Result<PathBuf> {
    let folder = members()?.remove(name);
    Ok(root().join(folder.with_context(|| format!("the workspace has no package `{name}`"))?))
}

/// The folder of the clone for what commands make and keep. Git ignores it.
pub(crate) fn local() -> PathBuf {
    root().join(".cface")
}

/// The folder with the weights of both shards of a model.
pub(crate) fn weights(model: &str) -> PathBuf {
    local().join("weights").join(model)
}

/// The records of both shards of a model, in the order in which the shards run.
pub(crate) fn shards(model: &str) -> [PathBuf; 2] {
    Shard::ALL.map(|shard| weights(model).join(shard.file()))
}

/// The folder for what all clones of a user share.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|dir: &PathBuf| dir.is_absolute());
    let base = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set: there is no place for a cache")?;
    Ok(base.join("cface"))
}

/// Reads a TOML file.
pub(crate) fn read_toml(file: &Path) -> anyhow::Result<toml::Table> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    text.parse().with_context(|| format!("reading {}", file.display()))
}

/// A lock. A command holds one while it changes the clone, or the cache that all clones share.
pub(crate) struct Lock(#[expect(dead_code, reason = "unlocks when dropped")] File);

/// Waits until no other xtask changes the clone.
pub(crate) fn lock() -> anyhow::Result<Lock> {
    lock_file(&local().join("lock"), "waiting for another cargo xtask")
}

/// Waits until nobody else holds a lock file.
pub(crate) fn lock_file(path: &Path, waiting: &str) -> anyhow::Result<Lock> {
    let context = || format!("locking {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    let file = File::create(path).with_context(context)?;
    if file.try_lock().is_err() {
        let step = progress::Step::begin(waiting);
        file.lock().with_context(context)?;
        step.done();
    }
    Ok(Lock(file))
}
