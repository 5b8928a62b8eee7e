//! `cargo xtask faces`: what an operator does with the faces of an instance, over its API and with
//! a key of scope `admin`.

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use wire::access::Scope;
use wire::faces::{Listing, is_id};

use crate::curl::Body;
use crate::instance::{Instance, Question, Target};

/// How long one request may take. To delete everything takes longest.
const REQUEST_S_MAX: u32 = 900;

/// Lists and deletes the faces of an instance.
#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    instance: Target,
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
    let instance = Instance::of(&options.instance)?;
    instance.need_key(Scope::Admin)?;
    match &options.action {
        Action::List => list(&instance),
        Action::Forget { id } => {
            ensure!(is_id(id), "`{id}` is no id: those are 32 digits and letters from a to f");
            ask(&instance, "DELETE", &format!("/faces/{id}"))?;
            println!("The face is deleted.");
            Ok(())
        }
        Action::Empty => {
            ask(&instance, "DELETE", "/faces?all=true")?;
            println!("All faces are deleted.");
            Ok(())
        }
    }
}

fn list(instance: &Instance) -> anyhow::Result<()> {
    let mut query = String::new();
    let mut count = 0;
    loop {
        let body = ask(instance, "GET", &format!("/faces{query}"))?;
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

/// Sends a request, and gives the body of the answer.
fn ask(instance: &Instance, method: &str, path: &str) -> anyhow::Result<String> {
    let (headers, body) = (Vec::new(), Body::Nothing);
    instance.succeed(&Question { method, path, headers, body, seconds_max: REQUEST_S_MAX })
}
