//! Our engine in the Worker, in workerd. It is measured from outside, because the clock stands
//! still inside a request. Requests go to workerd itself: the caches of wrangler's proxy before it
//! are cold after each embedding, which costs up to a millisecond.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testbed::golden::{Golden, SERVED_COSINE_MIN};
use testbed::server;
use wire::access::HEADER;

/// How long one request may take. The first one loads the weights.
const REQUEST_MAX: Duration = Duration::from_mins(3);

/// A local server with a store of its own. Ends when dropped.
pub(super) struct Server {
    agent: ureq::Agent,
    running: server::Server,
    /// Of `/embed`.
    url: String,
    _state: TempDir,
}

impl Server {
    /// Starts one and waits until it is ready, which makes neither of the shards' objects.
    pub(super) fn start() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let port = testbed::port::find()?;
        let server = server::Server::start(&std::env::current_exe()?, port, state.path(), &[])?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_MAX))
            .build()
            .into();
        let url = server.inner_url("embed")?;
        Ok(Self { agent, running: server, url, _state: state })
    }

    fn health(&self) -> anyhow::Result<Value> {
        let mut answer = self
            .agent
            .get(self.running.inner_url("health")?)
            .header(HEADER, self.running.admin_key()?)
            .call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// The WebAssembly memory of the isolate that holds both shards, in megabytes.
    pub(super) fn memory_mb(&self) -> anyhow::Result<f64> {
        self.health()?["memory"]["wasm_mb"].as_f64().context("the server does not tell its memory")
    }

    fn post(&self, body: &[u8]) -> anyhow::Result<(f64, u16, String)> {
        let began = Instant::now();
        let mut answer = self.agent.post(&self.url).send(body)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((began.elapsed().as_secs_f64() * 1e3, answer.status().as_u16(), text))
    }

    /// Embeds a picture. Gives the milliseconds that it took.
    pub(super) fn embed(&self, golden: &Golden) -> anyhow::Result<f64> {
        let picture = std::fs::read(&golden.picture).context("no golden picture")?;
        let (ms, status, text) = self.post(&picture)?;
        ensure!(status == 200, "the server answers {status}: {text}");
        let embedding: Vec<f64> = serde_json::from_str(&text)?;
        golden.check("the server", &embedding, SERVED_COSINE_MIN)?;
        Ok(ms)
    }

    /// Sends a request with an empty body, which takes the same way but computes nothing. Gives
    /// the milliseconds that it took.
    pub(super) fn empty(&self) -> anyhow::Result<f64> {
        let (ms, status, text) = self.post(&[])?;
        ensure!(status == 400 || status == 415, "the server answers {status}: {text}");
        Ok(ms)
    }
}
