//! `cargo xtask dev`: everything on this machine. Wrangler runs the three Workers in workerd, with
//! their storage in one folder.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use super::{build, weights};
use crate::fingerprint::{Fingerprint, Stamp};
use crate::run::{self, Group, Run};
use crate::setup::checkpoint::Checkpoint;
use crate::setup::site;
use crate::{project, stop, wrangler};

/// How long the server may take until it answers.
const READY_MAX: Duration = Duration::from_mins(2);

/// How often the server is asked whether it is ready.
const POLL: Duration = Duration::from_millis(200);

/// How often a running server is looked after, and a signal noticed.
const WATCH: Duration = Duration::from_millis(500);

/// Runs everything on this machine.
#[derive(Args)]
pub(crate) struct Options {
    /// The port to listen on.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder for everything that is stored.
    #[arg(long, default_value = ".cface/state")]
    state: PathBuf,
    /// Keeps the rate limits of production.
    #[arg(long)]
    rate_limits: bool,
    /// The checkpoint; the one that wrangler.toml names unless given.
    #[arg(long, value_enum)]
    model: Option<Checkpoint>,
    /// The folder with its weights; made where they belong unless given.
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    build: build::Options,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    check_port(options.port)?;
    let state = State::open(&options.state)?;
    let checkpoint = options.model.map_or_else(wrangler::configured_model, Ok)?;
    {
        let _lock = project::lock()?;
        build::ensure(&options.build)?;
        if options.weights.is_none() {
            weights::ensure(checkpoint)?;
        }
    }
    let made = project::weights(checkpoint.model());
    state.store_weights(options.weights.as_deref().unwrap_or(&made))?;
    let config =
        wrangler::local(wrangler::public_config()?, checkpoint.model(), &options.build.main()?)?;
    let config = state.public_config(config, options.rate_limits)?;
    let outcome = serve(options.port, &config, &state);
    // Stopping is how this command ends.
    if stop::requested() { Ok(()) } else { outcome }
}

fn check_port(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    listener.with_context(|| format!("port {port} cannot be used; choose another by --port"))?;
    Ok(())
}

fn serve(port: u16, config: &Path, state: &State) -> anyhow::Result<()> {
    let mut server = server(port, config, state)?.start()?;
    wait_until_ready(port, &mut server)?;
    state.announce(port)?;
    println!("\nCFace runs at http://127.0.0.1:{port} (Ctrl-C ends it)");
    while !stop::requested() {
        check_alive(&mut server)?;
        // workerd may end without wrangler's ending.
        let reachable = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        reachable.context("workerd ended by itself; the output above may say why")?;
        // Whoever edits the page sees it at the next reload.
        if let Err(error) = site::served::ensure() {
            eprintln!("the page is not as in site/: {error:#}");
        }
        std::thread::sleep(WATCH);
    }
    Ok(())
}

/// Wrangler with all Workers, ready to start.
fn server(port: u16, config: &Path, state: &State) -> anyhow::Result<Run> {
    let [_, others @ ..] = wrangler::LOCAL_CONFIGS;
    let others = others.iter().flat_map(|config| ["--config", *config]);
    // Several servers may run at once, so nothing of one is where another looks: neither the
    // debugger's port, nor the registry by which servers find each other's Workers.
    let run = wrangler::run("the local server", &state.fresh_logs()?)
        .args(["dev"])
        .arg_path("--config", config)
        .args(others)
        .args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", "0"])
        .args(["--show-interactive-dev-session=false"])
        .arg_path("--persist-to", &state.dir)
        .env("WRANGLER_REGISTRY_PATH", state.dir.join("registry"));
    Ok(run)
}

fn wait_until_ready(port: u16, server: &mut Group) -> anyhow::Result<()> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
    let url = format!("http://127.0.0.1:{port}/health");
    let started = Instant::now();
    loop {
        stop::check()?;
        check_alive(server)?;
        let answer = agent.get(&url).call();
        match answer {
            Ok(_) => return Ok(()),
            Err(error) if started.elapsed() > READY_MAX => {
                bail!("the server does not get ready: GET {url}: {error}")
            }
            Err(_) => std::thread::sleep(POLL),
        }
    }
}

fn check_alive(server: &mut Group) -> anyhow::Result<()> {
    match server.ended()? {
        Some(status) => bail!("wrangler ended by itself ({})", run::describe(status)),
        None => Ok(()),
    }
}

/// The folder of a local server.
struct State {
    dir: PathBuf,
    /// Locked as long as the server runs: two on the same files would damage them.
    _lock: File,
}

impl State {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let dir = project::root().join(dir);
        let context = || format!("opening the folder {}", dir.display());
        fs::create_dir_all(&dir).with_context(context)?;
        let lock = File::create(dir.join("lock")).with_context(context)?;
        ensure!(
            lock.try_lock().is_ok(),
            "another server uses {}; stop it or choose another folder by --state",
            dir.display()
        );
        let dir = dir.canonicalize().with_context(context)?;
        Ok(Self { dir, _lock: lock })
    }

    /// An empty folder for wrangler's logs.
    fn fresh_logs(&self) -> anyhow::Result<PathBuf> {
        let logs = self.dir.join("logs");
        if logs.exists() {
            fs::remove_dir_all(&logs).context("removing the logs of the last run")?;
        }
        Ok(logs)
    }

    /// Puts the weights into the local bucket, unless these very weights are there.
    fn store_weights(&self, weights: &Path) -> anyhow::Result<()> {
        let files = wrangler::SHARDS.map(|shard| weights.join(shard));
        let fingerprint = files.iter().try_fold(Fingerprint::default(), |all, file| all.tree(file));
        let fingerprint = fingerprint?.finish();
        // Among wrangler's files, so that it goes when they go.
        let stamp = Stamp::at(self.dir.join("v3/r2").join(wrangler::MODELS_BUCKET).join("stored"));
        if stamp.is(&fingerprint) {
            return Ok(());
        }
        stamp.clear()?;
        let list: Vec<_> = wrangler::SHARDS
            .iter()
            .zip(&files)
            .map(|(key, file)| serde_json::json!({ "key": key, "file": file }))
            .collect();
        let list_file = self.dir.join("weights.json");
        fs::write(&list_file, serde_json::to_vec(&list)?).context("listing the weights")?;
        wrangler::run("storing the weights in the local bucket", &self.dir.join("logs"))
            .args(["r2", "bulk", "put", wrangler::MODELS_BUCKET, "--local"])
            .args(["--config", wrangler::PUBLIC_CONFIG])
            .arg_path("--filename", &list_file)
            .arg_path("--persist-to", &self.dir)
            .quietly()?;
        fs::remove_file(&list_file).context("removing the list of weights")?;
        stamp.write(&fingerprint)
    }

    /// Writes the public Worker's configuration, with the rate limits of production or with some
    /// that a developer does not meet.
    fn public_config(&self, mut config: toml::Table, rate_limits: bool) -> anyhow::Result<PathBuf> {
        if !rate_limits {
            wrangler::make_generous(&mut config)?;
        }
        let file = self.dir.join("wrangler.toml");
        fs::write(&file, config.to_string()).context("writing the local configuration")?;
        Ok(file)
    }

    /// Lets `cargo xtask cron` find the server by its port.
    fn announce(&self, port: u16) -> anyhow::Result<()> {
        let dir = servers();
        fs::create_dir_all(&dir)
            .and_then(|()| {
                fs::write(dir.join(port.to_string()), self.dir.to_string_lossy().as_ref())
            })
            .context("noting the server's folder")
    }
}

/// The folder of the server that was last started on a port.
pub(crate) fn state_of(port: u16) -> Option<PathBuf> {
    fs::read_to_string(servers().join(port.to_string())).ok().map(PathBuf::from)
}

fn servers() -> PathBuf {
    project::local().join("servers")
}
