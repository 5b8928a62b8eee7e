//! Our engine where it lives: the Worker in workerd, measured from outside, because the clock
//! stands still inside a request, but behind the proxy that wrangler puts before it: the proxy's
//! own caches are cold after each embedding, which costs up to a millisecond.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::contestants::milliseconds;
use crate::golden::Golden;
use crate::run::{Group, Run};
use crate::{stop, wrangler};

/// How long the server may take until it answers.
const READY_MAX: Duration = Duration::from_mins(3);

/// A local server with a store of its own. Ends when dropped.
pub(super) struct Server {
    agent: ureq::Agent,
    /// Of wrangler's proxy until workerd is ready.
    url: String,
    group: Group,
    state: TempDir,
}

impl Server {
    /// Starts one and waits until it is ready, which makes neither of the shards' objects.
    pub(super) fn start() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let port = testbed::port::find()?;
        let group = Run::new("the local server", std::env::current_exe()?)
            .args(["dev", "--port", &port.to_string()])
            .arg_path("--state", state.path())
            .edit(|command| {
                command.stdout(Stdio::null()).stderr(Stdio::null());
            })
            .start()?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(READY_MAX))
            .build()
            .into();
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Self { agent, url, group, state };
        server.wait_until_ready()?;
        let port = wrangler::inner_port(&server.state.path().join("logs"))?;
        server.url = format!("http://127.0.0.1:{port}");
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        while !self.health().is_ok_and(|health| health["status"] == "ok") {
            stop::check()?;
            ensure!(self.group.ended()?.is_none(), "the server ended; try `cargo xtask dev`");
            ensure!(started.elapsed() < READY_MAX, "the server does not get ready");
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    fn health(&self) -> anyhow::Result<Value> {
        let mut answer = self.agent.get(format!("{}/health", self.url)).call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// The WebAssembly memory of the isolate that holds both shards, in megabytes.
    pub(super) fn memory_mb(&self) -> anyhow::Result<f64> {
        self.health()?["memory"]["wasm_mb"].as_f64().context("the server does not tell its memory")
    }

    fn post(&self, body: &[u8]) -> anyhow::Result<(f64, u16, String)> {
        let began = Instant::now();
        let mut answer = self.agent.post(format!("{}/embed", self.url)).send(body)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((milliseconds(began), answer.status().as_u16(), text))
    }

    /// Embeds a picture, and gives the milliseconds that it took.
    pub(super) fn embed(&self, golden: &Golden) -> anyhow::Result<f64> {
        let picture = std::fs::read(&golden.picture).context("no golden picture")?;
        let (ms, status, text) = self.post(&picture)?;
        ensure!(status == 200, "the server answers {status}: {text}");
        golden.check("the server", &serde_json::from_str::<Vec<f64>>(&text)?)?;
        Ok(ms)
    }

    /// A request that has nothing in it, all the same way but for the work.
    pub(super) fn empty(&self) -> anyhow::Result<f64> {
        let (ms, status, text) = self.post(&[])?;
        ensure!(status == 400 || status == 415, "the server answers {status}: {text}");
        Ok(ms)
    }
}
