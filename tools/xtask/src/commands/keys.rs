//! `cargo xtask keys`: makes, lists and revokes the API keys of an instance.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wire::access::{Key, Scope};

use crate::keys::{self, Keys};

/// Makes, lists and revokes API keys.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
    /// The state folder of a local server, instead of what is deployed on Cloudflare.
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The deployed installation with this name, instead of the usual one.
    #[arg(long, global = true, value_name = "NAME", conflicts_with = "state")]
    env: Option<String>,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a key and prints it, once.
    Add {
        /// What the log calls whoever holds it: lower-case letters, digits and underscores.
        name: String,
        /// What it allows, with commas: search, enrol, vector, admin. None includes another.
        #[arg(long, required = true, value_delimiter = ',', value_parser = scope)]
        scope: Vec<Scope>,
    },
    /// Lists the names and scopes of all keys.
    List,
    /// Takes a key away.
    Revoke {
        /// The key's name.
        name: String,
    },
}

fn scope(word: &str) -> Result<Scope, String> {
    let words = Scope::ALL.map(Scope::as_str).join(", ");
    Scope::of(word).ok_or_else(|| format!("the scopes are {words}"))
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let state = options.state.as_deref();
    let keys = Keys::of(state, options.env.as_deref())?;
    match &options.action {
        Action::Add { name, scope } => {
            let key = Key::new(name, scope).map_err(anyhow::Error::msg)?;
            let secret = keys.add(&key)?;
            settle(&keys)?;
            eprintln!(
                "The key `{name}` ({}), which is not shown again. Programs send it as \
                 `X-API-Key`. People open the page with `/#key=` and the key at the end of its \
                 address.",
                words(&key)
            );
            println!("{secret}");
        }
        Action::List => {
            for key in keys.list()? {
                println!("{}\t{}", key.name(), words(&key));
            }
        }
        Action::Revoke { name } => {
            keys.revoke(name)?;
            settle(&keys)?;
            println!("The key `{name}` is revoked.");
        }
    }
    Ok(())
}

fn settle(keys: &Keys) -> anyhow::Result<()> {
    match keys {
        Keys::Deployed { .. } => Ok(()),
        Keys::Local(dir) => keys::wait_until_known(dir),
    }
}

fn words(key: &Key) -> String {
    key.scopes().iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(",")
}
