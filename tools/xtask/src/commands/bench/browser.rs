//! Chromium, as far as a benchmark needs it: a page, and a script in it. It speaks `WebDriver` to
//! chromedriver by plain requests, because a client for that would be half of this program.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::chromedriver::Chromedriver;

use crate::setup::browser;

/// How long chromedriver may take to start, and how long a script may run.
const START_MAX: Duration = Duration::from_secs(30);
const SCRIPT_MAX: Duration = Duration::from_mins(2);

/// A browser. Ends when dropped.
pub(super) struct Browser {
    agent: ureq::Agent,
    /// Where the driver has this browser.
    session: String,
    _driver: Chromedriver,
    /// What the browser keeps. It goes after the browser.
    profile: TempDir,
}

impl Browser {
    /// Starts one, without a window.
    pub(super) fn start() -> anyhow::Result<Self> {
        let programs = browser::ensure()?;
        let profile = tempfile::tempdir()?;
        let driver = Chromedriver::start(&programs.chromedriver)?;
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(START_MAX + SCRIPT_MAX)).build().into();
        let session = format!("{}/session", driver.url());
        let mut started = Self { agent, session, _driver: driver, profile };
        let folder = format!("--user-data-dir={}", started.profile.path().display());
        let arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", &folder];
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "binary": programs.chromium, "args": arguments },
            "timeouts": { "script": SCRIPT_MAX.as_millis() as u64 },
        } } });
        let answer = testbed::wait::until(START_MAX, || Ok(started.post("", &capabilities)))
            .context("chromedriver starts no browser")?;
        let id = answer["sessionId"].as_str().context("chromedriver names no session")?;
        started.session = format!("{}/{id}", started.session);
        Ok(started)
    }

    /// Opens a page.
    pub(super) fn open(&self, url: &str) -> anyhow::Result<()> {
        self.post("/url", &json!({ "url": url })).map(drop)
    }

    /// Runs a script whose last argument takes what it answers.
    pub(super) fn run(&self, script: &str, arguments: &[Value]) -> anyhow::Result<Value> {
        self.post("/execute/async", &json!({ "script": script, "args": arguments }))
    }

    fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.session);
        let request = self.agent.post(url).header("Content-Type", "application/json");
        let mut answer = request.send(body.to_string())?;
        let text = answer.body_mut().with_config().limit(1 << 26).read_to_string()?;
        let answered: Value = serde_json::from_str(&text)?;
        let value = &answered["value"];
        ensure!(value["error"].is_null(), "the browser: {}", value["message"]);
        Ok(value.clone())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This ends the browser gently. What is dropped next ends whatever is left.
        let _ = self.agent.delete(&self.session).call();
    }
}
