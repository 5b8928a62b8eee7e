//! A server as a developer runs it: `cargo xtask dev` with a port and a state of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a server may take until it answers. It has been built before.
const READY_MAX: Duration = Duration::from_mins(3);

/// How long a server may take to end.
const STOP_MAX: Duration = Duration::from_secs(20);

/// The Worker that stands in for Vectorize.
const INDEX_WORKER: &str = "vectorize-local";

/// The Worker that keeps faces.
pub const STORE_WORKER: &str = "cface-vectorize";

/// Names the Worker that a request behind wrangler's proxy is for.
pub const WORKER_HEADER: &str = "MF-Route-Override";

/// What wrangler's log says before the port of the server behind its proxy, in its own JSON.
const LOG_MARK: &str = r#""userWorkerUrl":{"protocol":"http:","hostname":"127.0.0.1","port":""#;

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
        let port = testbed::port::find()?;
        Self::launch(port, state, options).await
    }

    /// Starts a server again, at the port that it had.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub async fn start_at(port: u16, state: &Path) -> anyhow::Result<Self> {
        Self::launch(port, state, &[]).await
    }

    async fn launch(port: u16, state: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let xtask = std::env::var_os("CFACE_XTASK")
            .context("CFACE_XTASK is not set: run this by `cargo xtask test`")?;
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

    /// Sends a control call to the local index and returns what it reports; `{}` only asks. Its
    /// README tells what can be ordered.
    ///
    /// # Errors
    /// When the index does not answer or refuses.
    pub async fn index_control(&self, order: &Value) -> anyhow::Result<Value> {
        let (status, answer) = self.index_request("control", order).await?;
        ensure!(status == StatusCode::OK, "{order}: {status}, {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    /// Posts to the local index, which nothing outside the server can reach but by its name at
    /// the port behind wrangler's proxy.
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn index_request(
        &self,
        path: &str,
        body: &Value,
    ) -> anyhow::Result<(StatusCode, String)> {
        let client = reqwest::Client::new();
        let url = self.inner_url(path)?;
        let request = client.post(url).header(WORKER_HEADER, INDEX_WORKER).json(body);
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    }

    /// The address of a path of a Worker that only other Workers reach: behind wrangler's proxy,
    /// for requests that name the Worker in [`WORKER_HEADER`].
    ///
    /// # Errors
    /// When the server has not written where that is.
    pub fn inner_url(&self, path: &str) -> anyhow::Result<String> {
        let port = self.inner_port().context("wrangler's log does not name the server's port")?;
        Ok(format!("http://127.0.0.1:{port}/{path}"))
    }

    /// Runs the purge as if it were a given time.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn purge_at(&self, time: SystemTime) -> anyhow::Result<()> {
        let millis = time.duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
        let path = format!("cdn-cgi/handler/scheduled?cron=0+12+*+*+*&time={millis}");
        let request = reqwest::Client::new().get(self.inner_url(&path)?);
        let response = request.header(WORKER_HEADER, STORE_WORKER).send().await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.text().await?);
        Ok(())
    }

    /// Files in which the local R2 keeps the objects of a bucket.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> usize {
        let blobs = std::fs::read_dir(self.state.join("v3/r2").join(bucket).join("blobs"));
        blobs.map_or(0, Iterator::count)
    }

    /// The last port in wrangler's logs, found as `cargo xtask cron` does.
    fn inner_port(&self) -> Option<u16> {
        let logs = std::fs::read_dir(self.state.join("logs")).ok()?;
        let mut files: Vec<_> = logs.flatten().map(|entry| entry.path()).collect();
        files.sort();
        files.iter().rev().find_map(|file| {
            let log = std::fs::read_to_string(file).ok()?;
            let (_, after) = log.rsplit_once(LOG_MARK)?;
            after.split('"').next()?.parse().ok()
        })
    }

    /// Stops the server as a service manager would, with SIGTERM, and checks that it ends well
    /// and leaves no process behind.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.halt()
    }

    /// The same for a server in whose place another one comes.
    ///
    /// # Errors
    /// As of [`stop`](Self::stop).
    pub fn halt(&mut self) -> anyhow::Result<()> {
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
