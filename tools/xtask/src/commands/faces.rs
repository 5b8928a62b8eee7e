//! `cargo xtask faces`: what an operator does with the faces of an instance, over its API and with
//! a key of scope `admin`. The key comes from a file or the environment, because arguments can be
//! read by everybody on the machine.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use testbed::server::ADMIN_KEY;
use wire::access::HEADER;
use wire::faces::{Listing, is_id};
use wire::problem::Document;
use wire::secret;

use super::dev;
use crate::curl::{Answer, Body, Request};
use crate::{project, servers};

/// The environment variable that can hold the key.
const VARIABLE: &str = "CFACE_API_KEY";

/// How long one request may take. To delete everything takes longest.
const REQUEST_S_MAX: u32 = 900;

/// Lists and deletes the faces of an instance.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
    /// The address of the instance.
    #[arg(long, global = true, value_name = "URL", default_value = "http://localhost:8787")]
    to: String,
    /// The file with a key of scope `admin`. Without it, the environment variable `CFACE_API_KEY`
    /// counts, and for a local server the key that `dev` has made.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// Prints a line for each face: id, expiry, pictures of the person, name.
    List,
    /// Deletes a face.
    Forget {
        /// The face's id.
        id: String,
    },
    /// Deletes all faces.
    Empty,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let instance = Instance::of(options)?;
    match &options.action {
        Action::List => instance.list(),
        Action::Forget { id } => {
            ensure!(is_id(id), "`{id}` is no id: those are 32 digits and letters from a to f");
            instance.ask("DELETE", &format!("/faces/{id}"))?;
            println!("The face is deleted.");
            Ok(())
        }
        Action::Empty => {
            instance.ask("DELETE", "/faces?all=true")?;
            println!("All faces are deleted.");
            Ok(())
        }
    }
}

/// An instance, and the key for it.
struct Instance {
    address: String,
    key: String,
}

impl Instance {
    fn of(options: &Options) -> anyhow::Result<Self> {
        let address = options.to.trim_end_matches('/').to_owned();
        let place = Place::of(&address)?;
        let key = match (&options.key_file, std::env::var(VARIABLE), &place) {
            (Some(file), ..) => read_key(file)?,
            (None, Ok(key), _) => key,
            (None, Err(_), Place::Local(port)) => {
                let state = servers::state_of(*port).unwrap_or_else(dev::default_state);
                read_key(&state.join(ADMIN_KEY))?
            }
            (None, Err(_), Place::Remote) => {
                bail!("pass a key of scope `admin` by --key-file or in the variable {VARIABLE}")
            }
        };
        let key = key.trim().to_owned();
        ensure!(secret::has_form(&key), "the key is not what `cargo xtask keys add` prints");
        Ok(Self { address, key })
    }

    fn list(&self) -> anyhow::Result<()> {
        let mut query = String::new();
        let mut count = 0;
        loop {
            let body = self.ask("GET", &format!("/faces{query}"))?;
            let page: Listing = serde_json::from_str(&body).context("reading the list")?;
            for face in &page.faces {
                let name = face.name.as_deref().unwrap_or("(not in the index yet)");
                println!("{}\t{}\t{}\t{name}", face.id, face.expires_at, face.pictures);
            }
            count += page.faces.len();
            let Some(next) = page.next else { break };
            query = format!("?after={next}");
        }
        eprintln!("{count} {}", if count == 1 { "face" } else { "faces" });
        Ok(())
    }

    /// Sends a request, and gives the body of the answer if it is a success.
    fn ask(&self, method: &str, path: &str) -> anyhow::Result<String> {
        let request = Request {
            what: "asking the instance",
            method,
            url: &format!("{}{path}", self.address),
            headers: &[format!("{HEADER}: {}", self.key)],
            body: Body::Nothing,
            seconds_max: REQUEST_S_MAX,
            hint: &format!("Does {} answer, and is curl installed?", self.address),
            shows_errors: true,
        };
        let Answer { status, body, .. } = request.send()?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        match serde_json::from_str::<Document>(&body) {
            Ok(problem) => bail!("{} ({status}): {}", problem.title, problem.detail),
            Err(_) => bail!("{} answers {status}: is it CFace?", self.address),
        }
    }
}

fn read_key(file: &Path) -> anyhow::Result<String> {
    let file = project::root().join(file);
    fs::read_to_string(&file).with_context(|| format!("reading the key in {}", file.display()))
}

/// Where an instance is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// On this machine, at a port.
    Local(u16),
    Remote,
}

impl Place {
    /// Looks at an address. A key only goes over the network when that is encrypted.
    fn of(address: &str) -> anyhow::Result<Self> {
        let (scheme, host) = address.split_once("://").unwrap_or(("", address));
        ensure!(
            !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\', ' ']),
            "`{address}` is no address like https://cface.example.workers.dev"
        );
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_local = name == "localhost"
            || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        match scheme {
            "http" if is_local => {
                Ok(Self::Local(port.unwrap_or("80").parse().context("the port is no number")?))
            }
            "https" => Ok(Self::Remote),
            _ => bail!("the key would be readable on its way to {address}: use https"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_this_machine_or_are_encrypted() {
        for (address, place) in [
            ("http://localhost:8787", Place::Local(8787)),
            ("http://127.0.0.1", Place::Local(80)),
            ("http://[::1]:9", Place::Local(9)),
            ("https://cface.example.workers.dev", Place::Remote),
        ] {
            assert_eq!(Place::of(address).unwrap(), place, "{address}");
        }
        for address in [
            "",
            "localhost:8787",
            "http://example.org",
            "http://localhost@example.org",
            "http://localhost.example.org",
            "http://example.org\\@localhost",
            "ftp://localhost",
            "https://example.org/path",
        ] {
            assert!(Place::of(address).is_err(), "{address}");
        }
    }
}
