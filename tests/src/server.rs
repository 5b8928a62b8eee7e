//! A server as a developer runs it: `cargo xtask dev` with a port and a state of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take until it answers. It has been built before.
const READY_MAX: Duration = Duration::from_mins(3);

/// How long a server may take to end.
const STOP_MAX: Duration = Duration::from_secs(20);

/// A running server. Ends when dropped.
pub struct Server {
    child: Option<Child>,
    port: u16,
    state: PathBuf,
}

impl Server {
    /// Starts a server and waits until `/health` answers 200.
    ///
    /// # Errors
    /// When it does not start or end in time, with what it has printed.
    pub async fn start(state: &Path) -> anyhow::Result<Self> {
        Self::start_with(state, &[]).await
    }

    /// The same with further options of `cargo xtask dev`.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub async fn start_with(state: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let xtask = std::env::var_os("CFACE_XTASK")
            .context("CFACE_XTASK is not set: run this by `cargo xtask test`")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        std::fs::create_dir_all(state)?;
        let log = std::fs::File::create(state.join("server.log"))?;
        let child = Command::new(xtask)
            .args(["dev", "--port", &port.to_string(), "--state"])
            .arg(state)
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting the server")?;
        let mut server = Self { child: Some(child), port, state: state.to_owned() };
        server.wait_until_ready().await?;
        Ok(server)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < READY_MAX {
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().ok()?) {
                bail!("the server ended with {status}:\n{}", self.log());
            }
            if let Ok(response) = reqwest::get(self.url("/health")).await
                && response.status() == 200
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("the server is not ready:\n{}", self.log())
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What the server has printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.state.join("server.log")).unwrap_or_default()
    }

    /// Fires the cron as a developer does, by `cargo xtask cron`.
    ///
    /// # Errors
    /// When the command fails.
    pub fn fire_cron(&self) -> anyhow::Result<()> {
        let xtask = std::env::var_os("CFACE_XTASK").context("CFACE_XTASK is not set")?;
        let output = Command::new(xtask).args(["cron", "--port", &self.port.to_string()]).output();
        let output = output.context("firing the cron")?;
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "cargo xtask cron: {}\n{text}", output.status);
        Ok(())
    }

    /// Stops the server as a service manager would, with SIGTERM, and checks that it ends well
    /// and leaves no process behind.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the server is stopped already")?;
        terminate(&child)?;
        let started = Instant::now();
        while child.try_wait()?.is_none() {
            if started.elapsed() > STOP_MAX {
                child.kill()?;
                bail!("the server does not end:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let left = processes_that_name(&self.state)?;
        ensure!(left.is_empty(), "the server has left processes behind: {left:?}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails must not leave its server running.
        if let Some(mut child) = self.child.take() {
            let _ = terminate(&child);
            let _ = child.wait();
        }
    }
}

fn terminate(child: &Child) -> anyhow::Result<()> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process")?;
    kill_process(pid, Signal::TERM).context("stopping the server")
}

/// The command lines of running processes that have the folder in them.
fn processes_that_name(folder: &Path) -> anyhow::Result<Vec<String>> {
    let folder = folder.display().to_string();
    let lines = std::fs::read_dir("/proc")?.filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    Ok(lines.filter(|line| line.contains(&folder)).collect())
}
