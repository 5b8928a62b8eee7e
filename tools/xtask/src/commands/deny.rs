//! `cargo xtask deny`: licences, sources and known faults of all dependencies, as
//! `.cargo/deny.toml` wants them.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::ensure;
use clap::Args;

use crate::run::Run;
use crate::setup::tools;
use crate::{ci, project};

/// Where the database of known faults is.
const DATABASE: (&str, u16) = ("github.com", 443);

/// How long a connection to it may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The lock files that say what the dependencies are.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tests/fuzz/Cargo.toml"];

/// Checks the dependencies.
#[derive(Args)]
pub(crate) struct Options {
    /// Does not look for known faults, whose database is on the network.
    #[arg(long)]
    offline: bool,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let tool = {
        let _lock = project::lock()?;
        tools::ensure_deny()?
    };
    let check = |manifest: &str, what: &[&str]| {
        Run::new(format!("checking the dependencies of {manifest}"), &tool)
            .edit(crate::run::clean_cargo_environment)
            .args(["--locked", "--config", ".cargo/deny.toml", "--manifest-path", manifest])
            .args(["check", "--hide-inclusion-graph"])
            .args(what)
            .hint(".cargo/deny.toml says what is allowed and why")
            .shown()
    };
    for manifest in MANIFESTS {
        check(manifest, &["bans", "licenses", "sources"])?;
    }
    if options.offline {
        println!("Not checked: known faults of the dependencies (--offline)");
        return Ok(());
    }
    if !is_reachable(DATABASE) {
        let reason = format!("{} cannot be reached for the database of known faults", DATABASE.0);
        ensure!(!ci::is_set(), "{reason}; `cargo xtask deny --offline` does without it");
        println!("Skipped: known faults; {reason}");
        return Ok(());
    }
    MANIFESTS.iter().try_for_each(|manifest| check(manifest, &["advisories"]))
}

fn is_reachable(host: (&str, u16)) -> bool {
    let mut addresses = host.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok())
}
