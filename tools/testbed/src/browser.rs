//! Starts a headless Chromium and its driver, and ends both. Two programs use it: the tests of the
//! page, and the evaluation, which crops photographs by the page's own code.
//!
//! `cargo xtask` finds both programs and names them in `CFACE_CHROMIUM` and `CFACE_CHROMEDRIVER`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::chromedriver::Chromedriver;
use crate::wait;

/// Arguments that every Chromium of ours gets: no window, no GPU, no traffic of its own, and no
/// process for pages that nobody has opened yet. Two of these are what the address bar shows below
/// it (Chromium 156). They took two thirds of what a start costs, 0.9 seconds of a processor.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=SpareRendererForSitePerProcess,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
];

/// How long a script may take that answers when it is done. Face detection without a GPU takes
/// seconds on a busy machine.
const SCRIPT_MAX: Duration = Duration::from_mins(2);

/// How long the driver may take until it has started a browser.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// A running browser with a fresh profile. Ends when dropped; [`Chromium::close`] is gentler.
pub struct Chromium {
    client: Client,
    driver: Chromedriver,
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser with more arguments than the usual ones, which keeps more logs than that of
    /// the console.
    ///
    /// # Errors
    /// When Chromium or its driver do not start.
    pub async fn open(arguments: &[String], logs: &[&str]) -> anyhow::Result<Self> {
        let profile = tempfile::tempdir()?;
        let driver = Chromedriver::start(&program("CFACE_CHROMEDRIVER")?)?;
        let client = connect(&driver, capabilities(&profile, arguments, logs)?).await?;
        Ok(Self { client, driver, _profile: profile })
    }

    /// The connection to the browser's driver.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The process of the driver, which is the browser's parent.
    #[must_use]
    pub fn driver_id(&self) -> u32 {
        self.driver.id()
    }

    /// Ends the browser.
    ///
    /// # Errors
    /// When it does not.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.client.clone().close().await?)
    }
}

async fn connect(driver: &Chromedriver, capabilities: Capabilities) -> anyhow::Result<Client> {
    let webdriver = driver.url();
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let connected = wait::until_async(CONNECT_MAX, async || Ok(builder.connect(&webdriver).await));
    connected.await.context("chromedriver starts no browser")
}

fn capabilities(profile: &TempDir, more: &[String], logs: &[&str]) -> anyhow::Result<Capabilities> {
    let profile = format!("--user-data-dir={}", profile.path().display());
    let arguments: Vec<&str> =
        ARGUMENTS.into_iter().chain([&*profile]).chain(more.iter().map(String::as_str)).collect();
    let logs: Map<String, Value> =
        ["browser"].iter().chain(logs).map(|log| ((*log).to_owned(), json!("ALL"))).collect();
    let all = json!({
        "goog:chromeOptions": { "binary": program("CFACE_CHROMIUM")?, "args": arguments },
        "goog:loggingPrefs": logs,
        "timeouts": { "script": SCRIPT_MAX.as_millis() as u64 },
    });
    all.as_object().cloned().context("no capabilities")
}

fn program(variable: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os(variable);
    Ok(path.with_context(|| format!("{variable} is not set: run this by `cargo xtask`"))?.into())
}
