//! `cargo xtask destroy`: removes an installation from an account of Cloudflare, and nothing else.
//! Things that only have its names stay. It can be repeated when it breaks off.
//!
//! The order: the public Worker, so that nobody is enrolled any more; the private one; the index;
//! the faces; and last the weights.

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, ensure};
use clap::Args;

use crate::cloudflare::installed::Installed;
use crate::cloudflare::{Api, Found, bucket, index, worker};
use crate::wrangler::installation::Installation;

/// Objects of a bucket that are counted for the list.
const COUNTED_MAX: usize = 1000;

/// Removes everything from Cloudflare.
#[derive(Args)]
pub(crate) struct Options {
    /// The installation with this name, instead of the usual one.
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Removes without asking.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let installation = Installation::of(options.env.as_deref())?;
    let api = Api::login()?;
    let installed = Installed::look(&api, &installation)?;
    for stranger in installed.strangers() {
        println!("Stays: {stranger}.");
    }
    let parts = parts(&installation, &installed);
    if parts.is_empty() {
        println!("The account {} has nothing of {}.", api.account(), installation.prefix());
        return Ok(());
    }
    println!("From the account {}, this is removed for ever:", api.account());
    for part in &parts {
        println!("  {}", part.describe(&api)?);
    }
    if !options.yes {
        agree(installation.prefix())?;
    }
    for part in &parts {
        part.remove(&api)?;
    }
    println!("Nothing of {} is left.", installation.prefix());
    Ok(())
}

/// A part of an installation that is there, by its name.
enum Part {
    Worker(String),
    Index(String),
    Bucket { name: String, is_marked: bool },
}

/// What is ours, in the order in which it goes.
fn parts(installation: &Installation, installed: &Installed) -> Vec<Part> {
    let bucket = |name: String, found: &Found<bucket::Ours>| {
        found.ours().map(|ours| Part::Bucket { name, is_marked: ours.is_marked })
    };
    let all = [
        installed.public.ours().map(|_| Part::Worker(installation.public_worker())),
        installed.private.ours().map(|_| Part::Worker(installation.private_worker())),
        installed.index.ours().map(|()| Part::Index(installation.index())),
        bucket(installation.faces_bucket(), &installed.faces),
        bucket(installation.models_bucket(), &installed.models),
    ];
    all.into_iter().flatten().collect()
}

impl Part {
    fn describe(&self, api: &Api) -> anyhow::Result<String> {
        Ok(match self {
            Self::Worker(name) => {
                format!("the Worker {name}, with its objects, secrets and triggers")
            }
            Self::Index(name) => format!("the Vectorize index {name}, with all vectors"),
            Self::Bucket { name, is_marked: false } => {
                format!("the R2 bucket {name}, which is empty")
            }
            Self::Bucket { name, .. } => {
                let (keys, more) = bucket::keys(api, name, "", COUNTED_MAX)?;
                let than = if more { "more than " } else { "" };
                format!("the R2 bucket {name}, with {than}{} objects", keys.len())
            }
        })
    }

    fn remove(&self, api: &Api) -> anyhow::Result<()> {
        match self {
            Self::Worker(name) => worker::remove(api, name),
            Self::Index(name) => index::remove(api, name),
            Self::Bucket { name, .. } => bucket::remove(api, name),
        }
    }
}

/// Asks the user to agree by typing the installation's name.
fn agree(name: &str) -> anyhow::Result<()> {
    print!("Type {name} to remove it: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("reading your answer")?;
    ensure!(line.trim() == name, "nothing was removed");
    Ok(())
}
