//! What an account of Cloudflare holds, as far as a deployment touches it. Tests look into it and
//! change it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What a token may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// To see which accounts there are.
    Memberships,
    /// R2 storage, reading and writing.
    R2,
    /// Vectorize, reading and writing.
    Vectorize,
    /// Workers scripts, reading and writing.
    Workers,
}

/// An account.
#[derive(Debug)]
pub struct Account {
    /// 32 hexadecimal digits.
    pub id: String,
    /// The ids and names of all accounts that the token reaches.
    pub memberships: Vec<(String, String)>,
    /// The only token that is right.
    pub token: String,
    /// What the token may not do.
    pub forbidden: BTreeSet<Permission>,
    /// Whether somebody has switched on R2 in the dashboard.
    pub r2_enabled: bool,
    /// Whether this is a Workers Paid plan.
    pub paid: bool,
    /// The name below workers.dev, once there is one.
    pub subdomain: Option<String>,
    /// The R2 buckets by their names.
    pub buckets: BTreeMap<String, Bucket>,
    /// The Vectorize indexes by their names.
    pub indexes: BTreeMap<String, Index>,
    /// The Workers by their names.
    pub workers: BTreeMap<String, Worker>,
    pub(crate) assets: Assets,
    /// How many ids were given out.
    pub(crate) ids: u64,
}

impl Account {
    /// An empty account with the plan Workers Paid, R2 switched on, and a workers.dev name.
    #[must_use]
    pub fn fresh() -> Self {
        let id = "0123456789abcdef0123456789abcdef".to_owned();
        Self {
            memberships: vec![(id.clone(), "Example".into())],
            id,
            token: "a-token-of-the-stand-in".into(),
            forbidden: BTreeSet::new(),
            r2_enabled: true,
            paid: true,
            subdomain: Some("example".into()),
            buckets: BTreeMap::new(),
            indexes: BTreeMap::new(),
            workers: BTreeMap::new(),
            assets: Assets::default(),
            ids: 0,
        }
    }

    /// A new id in the form of a UUID.
    pub(crate) fn new_id(&mut self) -> String {
        self.ids += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.ids, self.ids)
    }
}

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Where it should be.
    pub location: Option<String>,
    /// The objects by their keys.
    pub objects: BTreeMap<String, Vec<u8>>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Numbers in a vector.
    pub dimensions: u64,
    /// How two vectors are compared.
    pub metric: String,
    /// What its maker wrote about it.
    pub description: String,
}

/// The assets of an account.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    /// Hashes of the files that are there already.
    pub(crate) stored: BTreeSet<String>,
    /// What was announced, by the token of its session.
    pub(crate) sessions: BTreeMap<String, BTreeMap<String, File>>,
    /// The paths and hashes for a Worker's version, by the token that says they are all there.
    complete: BTreeMap<String, BTreeMap<String, String>>,
}

/// A file as it was announced.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) hash: String,
    pub(crate) size: u64,
}

impl Assets {
    /// The paths and hashes that a token stands for.
    pub(crate) fn of(&self, token: &str) -> Option<&BTreeMap<String, String>> {
        self.complete.get(token)
    }

    /// The hashes of a manifest whose files are not there yet.
    pub(crate) fn missing(&self, manifest: &BTreeMap<String, File>) -> Vec<String> {
        let hashes: BTreeSet<&String> = manifest.values().map(|file| &file.hash).collect();
        hashes.into_iter().filter(|hash| !self.stored.contains(*hash)).cloned().collect()
    }

    /// Notes that all files of a manifest are there. Gives the token that says so.
    pub(crate) fn complete(&mut self, token: String, manifest: &BTreeMap<String, File>) -> Value {
        let paths = manifest.iter().map(|(path, file)| (path.clone(), file.hash.clone()));
        self.complete.insert(token.clone(), paths.collect());
        token.into()
    }
}

/// A Worker.
#[derive(Clone, Debug, Default)]
pub struct Worker {
    /// What was uploaded, oldest first.
    pub versions: Vec<Version>,
    /// What was deployed, newest first.
    pub deployments: Vec<Deployment>,
    /// The migrations that were carried out.
    pub migrated: Migrated,
    /// The cron triggers.
    pub schedules: Vec<String>,
    /// Whether it answers below workers.dev.
    pub subdomain: Subdomain,
    /// Settings that belong to no version.
    pub settings: Value,
}

impl Worker {
    /// The version that was deployed last.
    #[must_use]
    pub fn deployed(&self) -> Option<&Version> {
        let (id, _) = self.deployments.first()?.versions.first()?;
        self.versions.iter().find(|version| version.id == *id)
    }

    /// The value of a variable of the version that was deployed last.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let binding = |binding: &&Value| {
            binding.get("name").and_then(Value::as_str) == Some(name)
                && binding.get("type").and_then(Value::as_str) == Some("plain_text")
        };
        self.deployed()?.bindings.iter().find(binding)?.get("text")?.as_str()
    }
}

/// The Durable Objects of a Worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// The last migration.
    pub tag: Option<String>,
    /// The classes that there are.
    pub classes: BTreeSet<String>,
}

/// Where a Worker answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subdomain {
    /// Below workers.dev.
    pub enabled: bool,
    /// Each version at an address of its own.
    pub previews_enabled: bool,
}

/// A version of a Worker.
#[derive(Clone, Debug)]
pub struct Version {
    /// A UUID.
    pub id: String,
    /// What it is bound to, without secrets' texts.
    pub bindings: Vec<Value>,
    /// Names, media types and bytes of its modules.
    pub modules: BTreeMap<String, (String, usize)>,
    /// Paths and hashes of its assets.
    pub assets: BTreeMap<String, String>,
    /// The rest of what was said about it.
    pub metadata: Value,
}

impl Version {
    pub(crate) fn json(&self, number: usize) -> Value {
        json!({
            "id": self.id,
            "number": number,
            "startup_time_ms": 20,
            "metadata": { "source": "wrangler", "created_on": crate::answer::TIME },
            "annotations": { "workers/triggered_by": "version_upload" },
            "resources": {
                "bindings": self.bindings,
                "script": { "etag": self.id, "last_deployed_from": "wrangler" },
                "script_runtime": {
                    "compatibility_date": self.metadata.get("compatibility_date"),
                    "limits": self.metadata.get("limits"),
                },
            },
        })
    }
}

/// A deployment of a Worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// A UUID.
    pub id: String,
    /// The versions, and the share of requests that each answers, in percent.
    pub versions: Vec<(String, u64)>,
}
