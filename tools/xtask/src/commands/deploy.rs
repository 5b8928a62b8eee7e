//! `cargo xtask deploy`: creates on Cloudflare what is missing, uploads the weights, and deploys
//! the private Worker before the public one, which is bound to it.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use super::{build, weights};
use crate::setup::checkpoint::Checkpoint;
use crate::{project, wrangler};

/// The Vectorize index, as FaceNet needs it.
const INDEX: &str = "face-embeddings";
const INDEX_OPTIONS: [&str; 2] = ["--dimensions=512", "--metric=euclidean"];

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
    let checkpoint = options.model.map_or_else(wrangler::configured_model, Ok)?;
    {
        let _lock = project::lock()?;
        build::ensure(&options.build)?;
        weights::ensure(checkpoint)?;
    }
    let model = checkpoint.model();
    let arguments = public_arguments(model, &options.build.main()?);
    if options.dry_run { rehearse(model, &arguments) } else { deploy(model, &arguments) }
}

fn deploy(model: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    let buckets = wrangler::remote("listing the R2 buckets").args(["r2", "bucket", "list"]);
    let buckets = bucket_names(&buckets.output()?);
    for bucket in [wrangler::MODELS_BUCKET, wrangler::FACES_BUCKET] {
        if !buckets.iter().any(|name| name == bucket) {
            create_bucket(bucket)?;
        }
    }
    let indexes = wrangler::remote("listing the Vectorize indexes");
    let indexes = indexes.args(["vectorize", "list", "--json"]).output()?;
    if !has_index(&indexes)? {
        wrangler::remote(format!("creating the Vectorize index {INDEX}"))
            .args(["vectorize", "create", INDEX])
            .args(INDEX_OPTIONS)
            .quietly()?;
    }
    wrangler::SHARDS.iter().try_for_each(|shard| upload(model, shard))?;
    deploy_worker(wrangler::PRIVATE_CONFIG, &[])?;
    let addresses = deploy_worker(wrangler::PUBLIC_CONFIG, arguments)?;
    println!("CFace runs at {}", addresses.join(", "));
    Ok(())
}

fn create_bucket(bucket: &str) -> anyhow::Result<()> {
    wrangler::remote(format!("creating the R2 bucket {bucket}"))
        .args(["r2", "bucket", "create", bucket])
        .quietly()
}

fn upload(model: &str, shard: &str) -> anyhow::Result<()> {
    let key = format!("{}/{shard}", wrangler::MODELS_BUCKET);
    wrangler::remote(format!("uploading {shard} of {model}"))
        .args(["r2", "object", "put", &key, "--remote"])
        .arg_path("--file", &project::weights(model).join(shard))
        .quietly()
}

/// Wrangler's arguments for the public Worker: its code, and the model that it is told.
fn public_arguments(model: &str, main: &Path) -> [OsString; 3] {
    [main.into(), "--var".into(), format!("{}:{model}", wrangler::MODEL).into()]
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

/// What [`deploy`] would do, and wrangler's own check of both Workers.
fn rehearse(model: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    let shards = wrangler::SHARDS.join(" and ");
    println!(
        "1. create the R2 buckets {} and {}, if missing",
        wrangler::MODELS_BUCKET,
        wrangler::FACES_BUCKET
    );
    println!("2. create the Vectorize index {INDEX} ({}), if missing", INDEX_OPTIONS.join(" "));
    println!("3. upload {shards} of {model} to the bucket {}", wrangler::MODELS_BUCKET);
    println!("4. deploy {}, the private Worker", wrangler::PRIVATE_CONFIG);
    println!("5. deploy {}, the public Worker, and print its address", wrangler::PUBLIC_CONFIG);
    let dir = tempfile::tempdir()?;
    check_bundle(wrangler::PRIVATE_CONFIG, &[], &dir.path().join("private"))?;
    check_bundle(wrangler::PUBLIC_CONFIG, arguments, &dir.path().join("public"))
}

fn check_bundle(config: &str, arguments: &[OsString], out: &Path) -> anyhow::Result<()> {
    wrangler::run(format!("checking {config}"), &project::local().join("logs"))
        .args(["deploy", "--dry-run", "--config", config])
        .args(arguments)
        .arg_path("--outdir", out)
        .shown()?;
    if !out.join("index.js").is_file() {
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
    Ok(indexes.iter().any(|index| index.get("name").and_then(Value::as_str) == Some(INDEX)))
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
        assert!(has_index(r#"[{"name": "face-embeddings"}]"#).unwrap());
        assert!(!has_index("[]").unwrap());
        assert!(has_index("no indexes").is_err());
        let report = "{\"type\":\"wrangler-session\"}\n\
            {\"type\":\"deploy\",\"targets\":[\"https://cface.example.workers.dev\"]}\n";
        assert_eq!(addresses(report), ["https://cface.example.workers.dev"]);
    }
}
