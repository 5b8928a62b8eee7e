//! The page in a browser, by clicking and typing only. In each state [`Page::look`] takes
//! screenshots at phone and desktop size, light and dark, and checks that axe-core finds nothing,
//! that nothing is cut off, and that nothing is too small to touch.

mod access;
mod accessibility;
mod capture;
mod crops;
mod delivery;
mod failures;
mod guided;
mod journey;
mod pictures;
mod privacy;
mod samples;
mod speed;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tests::browser::{Browser, Cameras};
use tests::camera::Scene;

use crate::lent::Lent;

/// How long the page may take until a script returns true. A budget that is spent needs a minute.
const UNTIL_MAX: Duration = Duration::from_secs(90);

/// How long to wait between two looks at it.
const LOOK_EVERY_MIN: Duration = Duration::from_millis(100);
const LOOK_EVERY_MAX: Duration = Duration::from_millis(500);

const PHONE: (u32, u32) = (390, 844);
const DESKTOP: (u32, u32) = (1280, 900);

/// Whether the document has axe-core already.
const HAS_AXE: &str = "return typeof window.axe === 'object'";

/// The serious findings of axe-core, as texts: those of some of its rules, or of all.
const FINDINGS: &str = "
    const [rules, done] = arguments;
    const runOnly = rules && { type: 'rule', values: rules };
    const grave = ({ impact }) => impact === 'serious' || impact === 'critical';
    const told = ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`;
    axe.run(document, { resultTypes: ['violations'], ...(runOnly && { runOnly }) }).then(
        ({ violations }) => done(violations.filter(grave).map(told)),
        (error) => done([String(error)]),
    );";

/// Its rules that judge colours, in which themes differ.
const COLOUR_RULES: [&str; 2] = ["color-contrast", "link-in-text-block"];

/// What is wider than the window, and what can be touched but is smaller than 44 pixels. Links
/// within sentences may be smaller.
const MISFITS: &str = "
    const { scrollWidth, clientWidth } = document.documentElement;
    const wide = scrollWidth > clientWidth ? [`${scrollWidth} in ${clientWidth} pixels`] : [];
    const touched = 'button, select, summary, label:has(input), input:not([type]), header a';
    const visible = (element) => element.checkVisibility() && !element.closest('[data-frames]');
    const small = [...document.querySelectorAll(touched)].filter(visible).filter((element) => {
        const { width, height } = element.getBoundingClientRect();
        return width > 1 && (width < 44 || height < 44) && element.htmlFor !== 'name';
    });
    return [...wide, ...small.map((element) => element.outerHTML.slice(0, 90))];";

/// Answers when the browser has painted something, with the time of that in milliseconds.
const FIRST_PAINT: &str = "
    const done = arguments[arguments.length - 1];
    new PerformanceObserver((list) => {
        const [paint] = list.getEntriesByName('first-contentful-paint');
        if (paint) done(paint.startTime);
    }).observe({ type: 'paint', buffered: true });";

/// A server, a browser that shows the page, and the folder of the screenshots.
struct Page {
    server: Lent,
    browser: Browser,
    screenshots: PathBuf,
}

impl Page {
    /// Opens the page of a server that other tests have had, and that others get.
    async fn open(scene: Scene) -> anyhow::Result<Self> {
        Self::open_with(scene, Cameras::Allowed).await
    }

    /// The same with other cameras.
    async fn open_with(scene: Scene, cameras: Cameras) -> anyhow::Result<Self> {
        Self::open_at(Lent::take().await?, scene, cameras).await
    }

    /// Opens the page of a server of its own, with these options: for tests that change more of it
    /// than who is enrolled.
    async fn open_alone(scene: Scene, options: &[&str]) -> anyhow::Result<Self> {
        Self::open_at(Lent::own(options).await?, scene, Cameras::Allowed).await
    }

    async fn open_at(server: Lent, scene: Scene, cameras: Cameras) -> anyhow::Result<Self> {
        let browser = Browser::open_with(scene, cameras).await?;
        let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&screenshots)?;
        let page = Self { server, browser, screenshots };
        page.browser.resize(DESKTOP.0, DESKTOP.1).await?;
        page.load().await?;
        Ok(page)
    }

    /// Opens the page anew.
    async fn load(&self) -> anyhow::Result<()> {
        self.browser.goto(&self.server.url("/")).await?;
        self.browser.wait_for_state("idle").await
    }

    async fn click(&self, hook: &str) -> anyhow::Result<()> {
        self.browser.click(hook).await
    }

    async fn state(&self, state: &str) -> anyhow::Result<()> {
        self.browser.wait_for_state(state).await
    }

    /// Opens the page anew, agrees, and lets the camera take a picture of the face that it sees.
    async fn show_face(&self, scene: Scene) -> anyhow::Result<()> {
        self.browser.show(scene)?;
        self.load().await?;
        self.click("[data-consent]").await?;
        self.click("[data-start-camera]").await?;
        // The page takes the picture by itself.
        self.state("cropped").await.with_context(|| format!("{scene:?}"))
    }

    /// Agrees unless the box is ticked already, and chooses a file.
    async fn choose(&self, file: &Path) -> anyhow::Result<()> {
        let agreed = "return document.querySelector('[data-consent]').checked";
        if self.browser.execute(agreed).await? != true {
            self.click("[data-consent]").await?;
        }
        let file = file.canonicalize()?;
        let file = file.to_str().context("not UTF-8")?;
        self.browser.find("[data-file]").await?.send_keys(file).await?;
        Ok(())
    }

    /// Skips the pictures from other sides that the camera is asked for, until there is the form.
    async fn skip_further_pictures(&self) -> anyhow::Result<()> {
        let stage = "return document.querySelector('[data-panel-enrol]').hidden === false";
        while self.browser.execute(stage).await? != true {
            let asks = "const { state, stage } = document.body.dataset;
                        return stage === 'camera' && state === 'camera'";
            if self.browser.execute(asks).await? == true {
                self.click("[data-skip]").await?;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Enrols the crop under a name, as people do.
    async fn enrol(&self, name: &str) -> anyhow::Result<()> {
        self.click("[data-panel-work] [data-open-enrol]").await?;
        self.skip_further_pictures().await?;
        self.browser.find("[data-name]").await?.send_keys(name).await?;
        self.click("[data-agree]").await?;
        self.click("[data-enrol]").await?;
        self.state("enrolled").await
    }

    /// Searches with the crop, checks the verdict, and returns the names that are found.
    async fn find(&self, verdict: &str) -> anyhow::Result<Vec<String>> {
        self.click("[data-match]").await?;
        self.state("result").await?;
        let shown = self.attribute("[data-verdict]", "data-verdict").await?;
        ensure!(shown == verdict, "{shown} where {verdict} belongs:\n{}", self.text("main").await?);
        let script = "return [...document.querySelectorAll('[data-result-name]')]\
                      .map((name) => name.textContent)";
        Ok(serde_json::from_value(self.browser.execute(script).await?)?)
    }

    async fn text(&self, css: &str) -> anyhow::Result<String> {
        Ok(self.browser.find(css).await?.text().await?)
    }

    async fn attribute(&self, css: &str, name: &str) -> anyhow::Result<String> {
        Ok(self.browser.find(css).await?.attr(name).await?.unwrap_or_default())
    }

    /// Waits until a script returns true.
    async fn until(&self, script: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while self.browser.execute(script).await? != true {
            let waited = began.elapsed();
            if waited > UNTIL_MAX {
                bail!("not within {UNTIL_MAX:?}: {script}\n{}", self.text("main").await?)
            }
            // Looking is work for the browser: what takes long is looked at more rarely.
            tokio::time::sleep((waited / 10).clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX)).await;
        }
        Ok(())
    }

    /// Waits until an element's text holds some words.
    async fn until_text(&self, css: &str, words: &str) -> anyhow::Result<()> {
        let (css, words) = (json!(css), json!(words));
        self.until(&format!(
            "return document.querySelector({css})?.textContent.includes({words}) ?? false"
        ))
        .await
    }

    /// Checks the present state in both sizes and both themes, and takes a screenshot of each pair.
    /// Every pair is checked by axe-core's rules on colours, and one pair of each size by all.
    async fn look(&self, name: &str) -> anyhow::Result<()> {
        for (size, (width, height), whole) in
            [("phone", PHONE, "light"), ("desktop", DESKTOP, "dark")]
        {
            self.browser.resize(width, height).await?;
            for theme in ["dark", "light"] {
                let feature = json!({ "name": "prefers-color-scheme", "value": theme });
                let media = json!({ "features": [feature] });
                self.browser.devtools("Emulation.setEmulatedMedia", media).await?;
                let file = self.screenshots.join(format!("{name}-{size}-{theme}.jpg"));
                self.browser.screenshot(&file).await?;
                let rules = (theme != whole).then_some(COLOUR_RULES);
                let findings = self.findings(rules).await?;
                ensure!(findings == json!([]), "{name}, {size}, {theme}: {findings}");
            }
            let misfits = self.browser.execute(MISFITS).await?;
            ensure!(misfits == json!([]), "{name}, {size}: {misfits}");
        }
        Ok(())
    }

    /// What axe-core finds by these rules; by all of them if none are named.
    async fn findings(&self, rules: Option<[&str; 2]>) -> anyhow::Result<Value> {
        if self.browser.execute(HAS_AXE).await? != true {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let axe = std::fs::read_to_string(root.join("node_modules/axe-core/axe.min.js"))?;
            self.browser.execute(&axe).await?;
        }
        self.browser.execute_async_with(FINDINGS, vec![json!(rules)]).await
    }

    /// Takes one screenshot of a state that does not last.
    async fn look_once(&self, name: &str) -> anyhow::Result<()> {
        self.browser.screenshot(&self.screenshots.join(format!("{name}.jpg"))).await
    }

    /// Checks that the console has no warning and that no request left the origin, and ends.
    async fn close(self) -> anyhow::Result<()> {
        let console = self.browser.console().await?;
        ensure!(console.is_empty(), "the console says {console:?}");
        self.close_noisily().await
    }

    /// The same without the console, where a test lets requests fail on purpose.
    async fn close_noisily(self) -> anyhow::Result<()> {
        // The last two are of the browser's own pages.
        let own = [&*self.server.url("/"), "blob:", "data:", "chrome:", "chrome-untrusted:"];
        let requests = self.browser.requests().await?;
        ensure!(!requests.is_empty(), "no request was seen");
        for url in requests {
            let is_own = own.iter().any(|start| url.starts_with(start));
            ensure!(is_own, "a request to another origin: {url}");
        }
        self.browser.close().await?;
        self.server.give_back().await
    }

    /// Sets what the network is like for the page.
    async fn network(&self, network: Value) -> anyhow::Result<()> {
        self.browser.devtools("Network.enable", json!({})).await?;
        self.browser.devtools("Network.emulateNetworkConditions", network).await?;
        Ok(())
    }
}

/// A network of this speed in bytes a second, both ways.
fn speed(bytes: u32) -> Value {
    json!({
        "offline": false, "latency": 20, "downloadThroughput": bytes, "uploadThroughput": bytes,
    })
}

/// The network as it is.
fn unlimited() -> Value {
    json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
}

/// No network.
fn offline() -> Value {
    json!({ "offline": true, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
}
