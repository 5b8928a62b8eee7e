//! The server that a test uses: what [`testbed::server`] starts, and what the tests order it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;
use serde_json::Value;
pub use testbed::wrangler::WORKER_HEADER;
use wire::retention::{PURGE_CRON, next_purge_ms};

use crate::{run_xtask, xtask};

/// The Worker that stands in for Vectorize.
const INDEX_WORKER: &str = "vectorize-local";

const DAY_MS: u64 = 24 * 3600 * 1000;

/// The Worker that keeps faces.
pub const STORE_WORKER: &str = wire::installation::PRIVATE_WORKER;

/// The time in milliseconds since 1970.
///
/// # Errors
/// When the clock is before that.
pub fn now_ms() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis())?)
}

/// Longer than any test stores faces. What is stored before noon is gone after it.
const STORED_MAX: Duration = Duration::from_mins(3);

/// Waits for noon to pass where it is near.
///
/// # Errors
/// When the clock is wrong.
pub async fn let_noon_pass() -> anyhow::Result<()> {
    let now_ms = now_ms()?;
    let left = Duration::from_millis(next_purge_ms(now_ms) - now_ms);
    if left < STORED_MAX {
        println!("Waiting for noon, at which all faces go: {} s", left.as_secs());
        tokio::time::sleep(left).await;
    }
    Ok(())
}

/// The memory of the process that runs the Workers of a server with this folder, in megabytes.
///
/// # Errors
/// When it does not run.
pub fn resident_mb(state: &Path) -> anyhow::Result<f64> {
    let wrangler = format!("--persist-to\0{}", state.display());
    Ok(testbed::process::resident_bytes("workerd", &wrangler)? as f64 / 1e6)
}

/// A running server. Ends when dropped.
pub struct Server {
    server: testbed::server::Server,
}

impl Server {
    /// Starts a server and waits until `/health` answers 200.
    ///
    /// # Errors
    /// When it does not start in time, with what it has printed.
    pub async fn start(state: &Path) -> anyhow::Result<Self> {
        Self::start_with(state, &[]).await
    }

    /// The same with further options of `cargo xtask dev`.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub async fn start_with(state: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let_noon_pass().await?;
        Self::launch(testbed::port::find()?, state, options).await
    }

    /// Starts a server again, at the port that it had.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub async fn start_at(port: u16, state: &Path) -> anyhow::Result<Self> {
        Self::launch(port, state, &[]).await
    }

    async fn launch(port: u16, state: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let (xtask, state) = (xtask()?, state.to_owned());
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        // Waiting for the server blocks its thread.
        let start = move || {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            testbed::server::Server::start(&xtask, port, &state, &options)
        };
        let server = tokio::task::spawn_blocking(start).await.context("starting the server")??;
        Ok(Self { server })
    }

    /// The address of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        self.server.url(path)
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The folder of everything that it stores.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.server.state()
    }

    /// The key that allows everything.
    ///
    /// # Errors
    /// When the server has made none.
    pub fn admin_key(&self) -> anyhow::Result<String> {
        self.server.admin_key()
    }

    /// What the server has printed.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Fires the cron as a developer does, by `cargo xtask cron`.
    ///
    /// # Errors
    /// When the command fails.
    pub fn fire_cron(&self) -> anyhow::Result<()> {
        run_xtask(&["cron", "--port", &self.port().to_string()]).map(drop)
    }

    /// Sends a control call to the local index and returns what it reports; `{}` only asks. The
    /// README of `vectorize-local` says what can be ordered.
    ///
    /// # Errors
    /// When the index does not answer or refuses.
    pub async fn index_control(&self, order: &Value) -> anyhow::Result<Value> {
        let (status, answer) = self.index_request("control", order).await?;
        ensure!(status == StatusCode::OK, "{order}: {status}, {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    /// Posts to the local index. Outside of the server, only a request to workerd's own port that
    /// names the index reaches it.
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

    /// The address of a path of a Worker that only other Workers reach: at workerd's own port, for
    /// requests that name the Worker in [`WORKER_HEADER`].
    ///
    /// # Errors
    /// When the server has not written where that is.
    pub fn inner_url(&self, path: &str) -> anyhow::Result<String> {
        self.server.inner_url(path)
    }

    /// Runs the purge as if the next noon had come, or a noon so many days later. Everything goes
    /// that is stored now. A noon has one purge: a further trigger goes on with it or does nothing.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn purge(&self, days_later: u32) -> anyhow::Result<()> {
        let noon_ms = next_purge_ms(now_ms()?);
        self.trigger(noon_ms + u64::from(days_later) * DAY_MS).await
    }

    /// Fires a trigger of the cron that was due at this time, in milliseconds since 1970.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn trigger(&self, time_ms: u64) -> anyhow::Result<()> {
        let cron = PURGE_CRON.replace(' ', "+");
        let path = format!("cdn-cgi/handler/scheduled?cron={cron}&time={time_ms}");
        let request = reqwest::Client::new().get(self.inner_url(&path)?);
        let response = request.header(WORKER_HEADER, STORE_WORKER).send().await?;
        ensure!(response.status() == StatusCode::OK, "{}", response.text().await?);
        Ok(())
    }

    /// How many objects of a bucket the local R2 keeps.
    #[must_use]
    pub fn objects(&self, bucket: &str) -> usize {
        let blobs = std::fs::read_dir(self.state().join("v3/r2").join(bucket).join("blobs"));
        blobs.map_or(0, Iterator::count)
    }

    /// Stops the server as a service manager would, with SIGTERM, and checks that it ends well
    /// and leaves no process behind.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.halt()
    }

    /// Kills the command that runs the server, and nothing else.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.server.kill()
    }

    /// As [`stop`](Self::stop), for a server in whose place another one comes.
    ///
    /// # Errors
    /// As of [`stop`](Self::stop).
    pub fn halt(&mut self) -> anyhow::Result<()> {
        self.server.stop()
    }
}
