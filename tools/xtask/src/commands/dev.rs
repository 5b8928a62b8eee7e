//! `cargo xtask dev`: everything on this machine. Wrangler runs the three Workers in workerd, with
//! their storage in one folder.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use facenet::record::Weights;
use testbed::process::Group;
use testbed::server::ADMIN_KEY;
use testbed::wait;
use toml::Table;
use wire::access::HEADER;

use super::build::{INDEX_WORKER, PRIVATE_WORKER, PUBLIC_WORKER};
use super::{build, weights};
use crate::run::{self, Run};
use crate::setup::checkpoint::Checkpoint;
use crate::setup::site;
use crate::wrangler::{local, stored};
use crate::{keys, project, servers, stop, wrangler};

/// How long the server may take until it answers.
const READY_MAX: Duration = Duration::from_mins(2);

/// How long the folder may be in use by a server that ends.
const FREE_MAX: Duration = Duration::from_secs(10);

/// How long one request may take meanwhile.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// How often a running server is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The state folder of servers that are not told another.
const DEFAULT_STATE: &str = ".cface/state";

/// The absolute path of that folder.
pub(crate) fn default_state() -> PathBuf {
    project::root().join(DEFAULT_STATE)
}

/// Runs everything on this machine.
#[derive(Args)]
pub(crate) struct Options {
    /// The port to listen on.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder for everything that is stored. `admin.key` in it is a key for every scope.
    #[arg(long, default_value = DEFAULT_STATE)]
    state: PathBuf,
    /// Sets a variable of wrangler.toml, as in `--var ACCESS=private`.
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
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

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    // A server that ends keeps its folder as long as its port.
    let state = State::open(&options.state)?;
    check_port(options.port)?;
    let checkpoint = options.model.map_or_else(Checkpoint::configured, Ok)?;
    {
        let _lock = project::lock()?;
        build::ensure_beside(&options.build, || match options.weights {
            None => weights::ensure(checkpoint),
            Some(_) => Ok(()),
        })?;
    }
    let made = project::weights(checkpoint.model());
    let dir = options.weights.as_deref().unwrap_or(&made);
    let weights = weights::name(checkpoint.model(), dir)?;
    stored::ensure(&state.dir, &weights, dir)?;
    keys::ensure_own(&state.dir)?;
    let configs = configs(&weights, options)?;
    let outcome = serve(options.port, &state.write(&configs)?, &state);
    // This command ends when the user stops it.
    if stop::requested() { Ok(()) } else { outcome }
}

fn check_port(port: u16) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    listener.with_context(|| format!("port {port} cannot be used; choose another by --port"))?;
    Ok(())
}

/// The configurations of all Workers; the public one comes first.
fn configs(weights: &Weights, options: &Options) -> anyhow::Result<[Table; 3]> {
    let main = |worker| options.build.main(worker);
    let mut public =
        local::public(wrangler::config(wrangler::PUBLIC_CONFIG)?, weights, &main(PUBLIC_WORKER)?)?;
    for (name, value) in &options.variables {
        local::set_variable(&mut public, name, value)?;
    }
    if !options.rate_limits {
        local::make_generous(&mut public)?;
    }
    let index = wrangler::config(wrangler::INDEX_CONFIG)?;
    let private = wrangler::config(wrangler::PRIVATE_CONFIG)?;
    let private = local::private(private, wrangler::name(&index)?, &main(PRIVATE_WORKER)?)?;
    Ok([public, private, local::with_main(index, &main(INDEX_WORKER)?)?])
}

fn serve(port: u16, configs: &[PathBuf], state: &State) -> anyhow::Result<()> {
    let mut server = server(port, configs, state)?.start()?;
    // Before it answers anybody: whoever sees an answer may call other commands at once.
    servers::announce(port, &state.dir)?;
    wait_until_ready(port, &mut server, state)?;
    println!("\nCFace runs at http://localhost:{port} (Ctrl-C ends it)");
    println!("A key for every scope is in {}", state.dir.join(ADMIN_KEY).display());
    let mut page = site::served::Watch::default();
    while !stop::requested() {
        check_alive(&mut server)?;
        // workerd may end without wrangler's ending.
        let reachable = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        reachable.context("workerd ended by itself; the output above may say why")?;
        // An edited page is seen at the next reload.
        if let Err(error) = page.look() {
            eprintln!("the page is not as in site/: {error:#}");
        }
        stop::pause(LOOK_EVERY);
    }
    Ok(())
}

/// Wrangler with all Workers, ready to start.
fn server(port: u16, configs: &[PathBuf], state: &State) -> anyhow::Result<Run> {
    let run = wrangler::run("the local server", &state.fresh_logs()?).args(["dev"]);
    // Several servers may run at once. So each has its own port for the debugger, and its own
    // registry, by which wrangler finds other servers' Workers.
    let run = configs
        .iter()
        .fold(run, |run, config| run.arg_path("--config", config))
        .args(["--ip", "127.0.0.1", "--port", &port.to_string(), "--inspector-port", "0"])
        .args(["--show-interactive-dev-session=false"])
        .arg_path("--persist-to", &state.dir)
        .env("WRANGLER_REGISTRY_PATH", state.dir.join("registry"))
        // Where the callers are is a placeholder: Miniflare would ask Cloudflare for it, and print
        // an error where there is no network.
        .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
        .holding(state.lock.try_clone().context("holding the folder's lock")?);
    Ok(run)
}

fn wait_until_ready(port: u16, server: &mut Group, state: &State) -> anyhow::Result<()> {
    let key = fs::read_to_string(state.dir.join(ADMIN_KEY)).context("reading the own key")?;
    let agent: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(REQUEST_MAX)).build().into();
    let url = format!("http://127.0.0.1:{port}/health");
    let answered = wait::until(READY_MAX, || {
        stop::check()?;
        check_alive(server)?;
        Ok(agent.get(&url).header(HEADER, key.trim()).call())
    });
    answered.map(drop).with_context(|| format!("the server does not answer GET {url}"))
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
    /// Locked as long as the server runs: two servers would damage each other's files.
    lock: File,
}

impl State {
    fn open(dir: &Path) -> anyhow::Result<Self> {
        let dir = project::root().join(dir);
        let context = || format!("opening the folder {}", dir.display());
        fs::create_dir_all(&dir).with_context(context)?;
        let lock = File::create(dir.join("lock")).with_context(context)?;
        // A server whose command was killed takes some seconds to end.
        let locked = wait::until(FREE_MAX, || {
            stop::check()?;
            Ok(lock.try_lock())
        });
        ensure!(
            locked.is_ok(),
            "another server uses {}; stop it or choose another folder by --state",
            dir.display()
        );
        let dir = dir.canonicalize().with_context(context)?;
        Ok(Self { dir, lock })
    }

    /// An empty folder for wrangler's logs.
    fn fresh_logs(&self) -> anyhow::Result<PathBuf> {
        let logs = self.dir.join("logs");
        if logs.exists() {
            fs::remove_dir_all(&logs).context("removing the logs of the last run")?;
        }
        Ok(logs)
    }

    /// Writes the Workers' configurations, each to a folder that is called as its Worker: wrangler
    /// gives the secrets that are beside a configuration to its Worker only.
    fn write(&self, configs: &[Table]) -> anyhow::Result<Vec<PathBuf>> {
        let write = |config: &Table| {
            let folder = local::folder(&self.dir, config)?;
            let file = folder.join(local::CONFIG);
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(&file, config.to_string()))
                .context("writing the local configurations")?;
            Ok(file)
        };
        configs.iter().map(write).collect()
    }
}
