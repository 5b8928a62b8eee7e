//! Which local servers there are: a file for each port names the folder of the server that was last
//! started on it.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::project;

/// Lets other commands find a server by its port.
pub(crate) fn announce(port: u16, state: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder())
        .and_then(|()| fs::write(folder().join(port.to_string()), state.to_string_lossy().as_ref()))
        .context("noting the server's folder")
}

/// The folder of the server that was last started on a port.
pub(crate) fn state_of(port: u16) -> Option<PathBuf> {
    fs::read_to_string(folder().join(port.to_string())).ok().map(PathBuf::from)
}

/// The ports of the servers that run in a folder.
pub(crate) fn ports_of(state: &Path) -> anyhow::Result<Vec<u16>> {
    let state = state.canonicalize().with_context(|| format!("opening {}", state.display()))?;
    // There is no such folder until the first server has started.
    let files = fs::read_dir(folder()).into_iter().flatten().flatten();
    let ports = files.filter_map(|file| file.file_name().to_str()?.parse().ok());
    let runs = |port: &u16| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok();
    Ok(ports.filter(|&port| state_of(port).as_ref() == Some(&state)).filter(runs).collect())
}

fn folder() -> PathBuf {
    project::local().join("servers")
}
