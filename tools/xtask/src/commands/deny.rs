//! `cargo xtask deny`: licences, sources and known faults of all dependencies, as
//! `.cargo/deny.toml` wants them.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::project;
use crate::run::Run;
use crate::setup::tools;

/// Where the database of known faults is.
const DATABASE: (&str, u16) = ("github.com", 443);

/// How long to wait for it.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// The lock files that say what the dependencies are.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "tests/fuzz/Cargo.toml"];

pub(crate) fn run() -> anyhow::Result<()> {
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
    if !is_reachable(DATABASE) {
        println!("Skipped: known faults; {} cannot be reached for their database", DATABASE.0);
        return Ok(());
    }
    MANIFESTS.iter().try_for_each(|manifest| check(manifest, &["advisories"]))
}

fn is_reachable(host: (&str, u16)) -> bool {
    let mut addresses = host.to_socket_addrs().into_iter().flatten();
    addresses.any(|address| TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok())
}
