//! A server as a developer runs it: `cargo xtask dev` with a port and a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use wire::access::HEADER;

use crate::process::{self, Group};
use crate::{wait, wrangler};

/// How long a server may take until it answers. It has been built before.
const READY_MAX: Duration = Duration::from_mins(3);

/// How long one request may take meanwhile.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// How long a server may take to end. That is more than `cargo xtask` gives its own processes.
const STOP_MAX: Duration = Duration::from_secs(20);

/// The file in a server's folder with a key that allows everything.
pub const ADMIN_KEY: &str = "admin.key";

/// A running server. Ends when dropped.
pub struct Server {
    group: Group,
    port: u16,
    state: PathBuf,
}

impl Server {
    /// Starts a server that stores everything in `state`, and waits until `/health` answers 200.
    /// `xtask` is the program behind `cargo xtask`, `options` are further options of its `dev`.
    ///
    /// # Errors
    /// When it does not start in time, with what it has printed.
    pub fn start(xtask: &Path, port: u16, state: &Path, options: &[&str]) -> anyhow::Result<Self> {
        fs::create_dir_all(state)?;
        let log = File::create(log_file(state))?;
        let mut command = Command::new(xtask);
        command
            .args(["dev", "--port", &port.to_string(), "--state"])
            .arg(state)
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let group = Group::start(&mut command).context("starting the server")?;
        let mut server = Self { group, port, state: state.to_owned() };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().timeout_global(Some(REQUEST_MAX)).build().into();
        let url = self.url("/health");
        let answered = wait::until(READY_MAX, || match self.group.ended()? {
            Some(status) => bail!("the server ended with {status}"),
            None => Ok(self.health(&agent, &url)),
        });
        answered.map(drop).with_context(|| self.log())
    }

    /// Asks as the operator, who is told whether everything is there.
    fn health(&self, agent: &ureq::Agent, url: &str) -> anyhow::Result<()> {
        agent.get(url).header(HEADER, self.admin_key()?).call()?;
        Ok(())
    }

    /// The key that allows everything.
    ///
    /// # Errors
    /// When the server has not made it yet.
    pub fn admin_key(&self) -> anyhow::Result<String> {
        let key = fs::read_to_string(self.state.join(ADMIN_KEY)).context("reading the own key")?;
        Ok(key.trim().to_owned())
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of everything that it stores.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// What the server has printed.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(log_file(&self.state)).unwrap_or_default()
    }

    /// The address of a path at workerd's own port, behind wrangler's proxy. Requests there reach
    /// every Worker: [`wrangler::WORKER_HEADER`] names it.
    ///
    /// # Errors
    /// When wrangler's log does not name the port.
    pub fn inner_url(&self, path: &str) -> anyhow::Result<String> {
        let port = wrangler::inner_port(&self.state.join("logs"))?;
        Ok(format!("http://127.0.0.1:{port}/{path}"))
    }

    /// Kills the command that runs the server, and nothing else.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.group.kill_leader().context("killing the server")
    }

    /// Stops the server as a service manager would, with SIGTERM, and checks that it ends well
    /// and leaves no process behind.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let ended = self.group.end(STOP_MAX);
        ensure!(ended, "the server does not end:\n{}", self.log());
        let left = process::command_lines_with(&self.state.display().to_string())?;
        ensure!(left.is_empty(), "the server has left processes behind: {left:?}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.group.end(STOP_MAX);
    }
}

fn log_file(state: &Path) -> PathBuf {
    state.join("server.log")
}
