//! `cargo xtask deploy`: creates the buckets and the index on Cloudflare if they are missing,
//! uploads the weights, and deploys both Workers. The private one comes first, because the public
//! one is bound to it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use facenet::Shard;
use facenet::embedding::DIMENSIONS;
use facenet::record::Weights;
use serde_json::Value;
use wire::retention::{BUCKET_NAME, INDEX_NAME};

use super::build::{PRIVATE_WORKER, PUBLIC_WORKER};
use super::{build, weights};
use crate::setup::checkpoint::Checkpoint;
use crate::{project, wrangler};

/// The metric of the index. The thresholds of the verdict are distances by it.
const METRIC: &str = "euclidean";

/// Puts everything on Cloudflare.
#[derive(Args)]
pub(crate) struct Options {
    /// Changes nothing on Cloudflare: lists the steps, and lets wrangler check both Workers.
    #[arg(long)]
    dry_run: bool,
    /// The checkpoint; the one that wrangler.toml names unless given.
    #[arg(long, value_enum)]
    model: Option<Checkpoint>,
    #[command(flatten)]
    build: build::Options,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let checkpoint = options.model.map_or_else(Checkpoint::configured, Ok)?;
    {
        let _lock = project::lock()?;
        build::ensure_beside(&options.build, || weights::ensure(checkpoint))?;
    }
    let deployment = Deployment {
        model: checkpoint.model(),
        weights: weights::name(checkpoint.model(), &project::weights(checkpoint.model()))?,
        models_bucket: wrangler::models_bucket()?,
        private: options.build.main(PRIVATE_WORKER)?,
        public: options.build.main(PUBLIC_WORKER)?,
    };
    if options.dry_run { deployment.rehearse() } else { deployment.run() }
}

/// What is put on Cloudflare.
struct Deployment {
    model: &'static str,
    weights: Weights,
    /// The bucket with the weights.
    models_bucket: String,
    /// The code of the private Worker.
    private: PathBuf,
    /// The code of the public Worker.
    public: PathBuf,
}

impl Deployment {
    fn run(&self) -> anyhow::Result<()> {
        let buckets = wrangler::remote("listing the R2 buckets").args(["r2", "bucket", "list"]);
        let buckets = bucket_names(&buckets.output()?);
        for bucket in [self.models_bucket.as_str(), BUCKET_NAME] {
            if !buckets.iter().any(|name| name == bucket) {
                create_bucket(bucket)?;
            }
        }
        let indexes = wrangler::remote("listing the Vectorize indexes");
        let indexes = indexes.args(["vectorize", "list", "--json"]).output()?;
        if !has_index(&indexes)? {
            wrangler::remote(format!("creating the Vectorize index {INDEX_NAME}"))
                .args(["vectorize", "create", INDEX_NAME])
                .args(index_options())
                .quietly()?;
        }
        Shard::ALL.into_iter().try_for_each(|shard| self.upload(shard))?;
        deploy_worker(wrangler::PRIVATE_CONFIG, &self.private_arguments())?;
        let addresses = deploy_worker(wrangler::PUBLIC_CONFIG, &self.public_arguments())?;
        println!("CFace runs at {}", addresses.join(", "));
        Ok(())
    }

    fn upload(&self, shard: Shard) -> anyhow::Result<()> {
        let (model, file) = (self.model, shard.file());
        let key = format!("{}/{}", self.models_bucket, self.weights.key(shard));
        wrangler::remote(format!("uploading {file} of {model}"))
            .args(["r2", "object", "put", &key, "--remote"])
            .arg_path("--file", &project::weights(model).join(file))
            .quietly()
    }

    /// Wrangler's arguments for the private Worker: its code.
    fn private_arguments(&self) -> Vec<OsString> {
        vec![self.private.clone().into()]
    }

    /// Wrangler's arguments for the public Worker: its code, and the weights that it is told.
    fn public_arguments(&self) -> Vec<OsString> {
        let model = format!("{}:{}", wrangler::MODEL, self.model);
        let weights = format!("{}:{}", wrangler::WEIGHTS, self.weights);
        let var = || "--var".into();
        vec![self.public.clone().into(), var(), model.into(), var(), weights.into()]
    }

    /// Prints what [`Self::run`] would do, and lets wrangler check both Workers.
    fn rehearse(&self) -> anyhow::Result<()> {
        let (model, bucket) = (self.model, &self.models_bucket);
        let shards = Shard::ALL.map(Shard::file).join(" and ");
        println!("1. create the R2 buckets {bucket} and {BUCKET_NAME}, if missing");
        let options = index_options().join(" ");
        println!("2. create the Vectorize index {INDEX_NAME} ({options}), if missing");
        println!("3. upload {shards} of {model} to the bucket {bucket}");
        println!("4. deploy {}, the private Worker", wrangler::PRIVATE_CONFIG);
        println!("5. deploy {}, the public Worker, and print its address", wrangler::PUBLIC_CONFIG);
        let dir = tempfile::tempdir()?;
        let (private, public) = (dir.path().join("private"), dir.path().join("public"));
        check_bundle(wrangler::PRIVATE_CONFIG, &self.private_arguments(), &private)?;
        check_bundle(wrangler::PUBLIC_CONFIG, &self.public_arguments(), &public)
    }
}

/// The index as FaceNet needs it, in wrangler's options.
fn index_options() -> [String; 2] {
    [format!("--dimensions={DIMENSIONS}"), format!("--metric={METRIC}")]
}

fn create_bucket(bucket: &str) -> anyhow::Result<()> {
    wrangler::remote(format!("creating the R2 bucket {bucket}"))
        .args(["r2", "bucket", "create", bucket])
        .quietly()
}

/// Deploys a Worker and gives its addresses.
fn deploy_worker(config: &str, arguments: &[OsString]) -> anyhow::Result<Vec<String>> {
    let dir = tempfile::tempdir()?;
    let report = dir.path().join("report.ndjson");
    wrangler::remote(format!("deploying {config}"))
        .args(["deploy", "--config", config])
        .args(arguments)
        .env("WRANGLER_OUTPUT_FILE_PATH", &report)
        .quietly()?;
    let report = fs::read_to_string(&report).context("reading wrangler's report")?;
    Ok(addresses(&report))
}

fn check_bundle(config: &str, arguments: &[OsString], out: &Path) -> anyhow::Result<()> {
    wrangler::run(format!("checking {config}"), &project::local().join("logs"))
        .args(["deploy", "--dry-run", "--config", config])
        .args(arguments)
        .arg_path("--outdir", out)
        .shown()?;
    // The bundle is called as its main module.
    let config_table = wrangler::config(config)?;
    let main = config_table.get("main").and_then(toml::Value::as_str).map(Path::new);
    let bundle = main.and_then(Path::file_name).map(|name| out.join(name));
    if !bundle.is_some_and(|bundle| bundle.is_file()) {
        bail!("wrangler made no bundle of {config}");
    }
    Ok(())
}

/// The names in wrangler's list of buckets, which is text: lines like `name:  models`.
fn bucket_names(list: &str) -> Vec<String> {
    let names = list.lines().filter_map(|line| line.trim().strip_prefix("name:"));
    names.map(|name| name.trim().to_owned()).collect()
}

fn has_index(list: &str) -> anyhow::Result<bool> {
    let indexes: Value = serde_json::from_str(list).context("reading the list of indexes")?;
    let indexes = indexes.as_array().context("the list of indexes is no list")?;
    Ok(indexes.iter().any(|index| index.get("name").and_then(Value::as_str) == Some(INDEX_NAME)))
}

/// The addresses in wrangler's report: one JSON object per line.
fn addresses(report: &str) -> Vec<String> {
    report
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry.get("type").and_then(Value::as_str) == Some("deploy"))
        .filter_map(|entry| entry.get("targets")?.as_array().cloned())
        .flatten()
        .filter_map(|target| target.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wranglers_answers_are_understood() {
        let list = "Listing buckets...\nname:           models\ncreation_date:  2026-01-01\n\n\
            name:           other\n";
        assert_eq!(bucket_names(list), ["models", "other"]);
        assert!(has_index(r#"[{"name": "cface-embeddings"}]"#).unwrap());
        assert!(!has_index("[]").unwrap());
        assert!(has_index("no indexes").is_err());
        let report = "{\"type\":\"wrangler-session\"}\n\
            {\"type\":\"deploy\",\"targets\":[\"https://cface.example.workers.dev\"]}\n";
        assert_eq!(addresses(report), ["https://cface.example.workers.dev"]);
    }
}
