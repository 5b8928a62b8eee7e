//! Our engine in the Worker, in workerd. It is measured from outside, because the clock stands
//! still inside a request: a `POST /embed`, less one with an empty body. So what is measured is to
//! read and decode a picture, to send it to the first object and a tensor to the second one, and to
//! compute. Before each of these the engine has replaced what was in the processor's caches.
//!
//! The times are of a workerd that runs the Worker alone. Under wrangler a request waits 2 ms more,
//! for what only developers have: stand-ins and objects that are stored on a disk. The first
//! embedding and the memory are of a server as a developer runs it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testbed::bucket::Pace;
use testbed::golden::{Golden, SERVED_COSINE_MIN};
use testbed::server;
use testbed::workerd::Workerd;
use wire::access::HEADER;

use crate::commands::scene::Scene;

/// How long one request may take. The first one loads the weights.
const REQUEST_MAX: Duration = Duration::from_mins(3);

/// A local server with a store of its own, and a workerd besides. Both end when dropped.
pub(super) struct Server {
    agent: ureq::Agent,
    running: server::Server,
    alone: Workerd,
    _state: TempDir,
}

impl Server {
    /// Starts both and waits until they are ready, which makes neither of the shards' objects.
    pub(super) fn start() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let port = testbed::port::find()?;
        let server = server::Server::start(&std::env::current_exe()?, port, state.path(), &[])?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_MAX))
            .build()
            .into();
        let scene = Scene::new()?;
        let alone = scene.start(scene.bucket(Pace::UNBOUNDED)?, &[])?;
        Ok(Self { agent, running: server, alone, _state: state })
    }

    fn health(&self) -> anyhow::Result<Value> {
        let mut answer = self
            .agent
            .get(self.running.inner_url("health")?)
            .header(HEADER, self.running.admin_key()?)
            .call()?;
        Ok(serde_json::from_str(&answer.body_mut().read_to_string()?)?)
    }

    /// The WebAssembly memory of the isolate that holds both shards, in megabytes, after so many
    /// embeddings.
    pub(super) fn memory_mb(&self, golden: &Golden, embeddings: u32) -> anyhow::Result<f64> {
        for _ in 0..embeddings {
            self.first_embed(golden)?;
        }
        self.health()?["memory"]["wasm_mb"].as_f64().context("the server does not tell its memory")
    }

    /// The address of the page.
    pub(super) fn page(&self) -> String {
        self.running.url("/")
    }

    /// Sends a picture to a path. Gives the status, the header `Server-Timing` and the body.
    pub(super) fn ask(&self, path: &str, body: &[u8]) -> anyhow::Result<(u16, String, String)> {
        let mut answer = self.agent.post(self.alone.url(0, path)).send(body)?;
        let timing = answer.headers().get("server-timing");
        let timing = timing.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), timing, text))
    }

    fn post(&self, url: &str, body: &[u8]) -> anyhow::Result<(f64, u16, String)> {
        let began = Instant::now();
        let mut answer = self.agent.post(url).send(body)?;
        let text = answer.body_mut().read_to_string()?;
        Ok((began.elapsed().as_secs_f64() * 1e3, answer.status().as_u16(), text))
    }

    fn embed_at(&self, url: &str, golden: &Golden) -> anyhow::Result<f64> {
        let picture = std::fs::read(&golden.picture).context("no golden picture")?;
        let (ms, status, text) = self.post(url, &picture)?;
        ensure!(status == 200, "the server answers {status}: {text}");
        let embedding: Vec<f64> = serde_json::from_str(&text)?;
        golden.check("the server", &embedding, SERVED_COSINE_MIN)?;
        Ok(ms)
    }

    /// Embeds a picture on the developer's server. Gives the milliseconds that it took.
    pub(super) fn first_embed(&self, golden: &Golden) -> anyhow::Result<f64> {
        self.embed_at(&self.running.inner_url("embed")?, golden)
    }

    /// Embeds a picture. Gives the milliseconds that it took.
    pub(super) fn embed(&self, golden: &Golden) -> anyhow::Result<f64> {
        self.embed_at(&self.alone.url(0, "/embed"), golden)
    }

    /// Sends a request with an empty body, which takes the same way but computes nothing. Gives
    /// the milliseconds that it took.
    pub(super) fn empty(&self) -> anyhow::Result<f64> {
        let (ms, status, text) = self.post(&self.alone.url(0, "/embed"), &[])?;
        ensure!(status == 400 || status == 415, "the server answers {status}: {text}");
        Ok(ms)
    }
}
