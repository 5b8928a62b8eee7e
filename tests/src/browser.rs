//! A headless Chromium with a camera that shows a scene of our choice, driven over `WebDriver`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::browser::Chromium;
use testbed::process::children_of;

use crate::camera::Scene;

/// How the browser answers a page that wants the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cameras {
    /// There is one, and the page may use it.
    Allowed,
    /// There is one, but people do not let the page use it.
    Denied,
    /// There are this many, which show a test picture.
    Count(u32),
}

/// Names this machine for pages that do not come from a trustworthy origin, as browsers see it.
pub const INSECURE_HOST: &str = "cface.test";

/// What Chromium itself says where the page asks whether WebGL is more than software.
const SOFTWARE_WEBGL: &str = "software WebGL";

/// Quality of pictures of the window, as JPEG has it.
const QUALITY: u8 = 88;

/// The process of Chromium that reads cameras.
const CAPTURE_SERVICE: &str = "video_capture.mojom.VideoCaptureService";

/// How long the page may take for anything. Face detection without a GPU takes seconds on a busy
/// machine, and so does the first answer of a cold model.
const WAIT_MAX: Duration = Duration::from_secs(90);

/// A running browser. Close it with [`Browser::close`].
pub struct Browser {
    client: Client,
    chromium: Chromium,
    scratch: TempDir,
}

impl Browser {
    /// Starts a browser whose camera shows a scene.
    ///
    /// # Errors
    /// When Chromium or its driver do not start.
    pub async fn open(scene: Scene) -> anyhow::Result<Self> {
        Self::open_with(scene, Cameras::Allowed).await
    }

    /// The same with other cameras.
    ///
    /// # Errors
    /// As of [`open`](Self::open).
    pub async fn open_with(scene: Scene, cameras: Cameras) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let camera = scratch.path().join("camera.mjpeg");
        scene.write(&camera)?;
        let chromium = Chromium::open(&arguments(&camera, cameras), &["performance"]).await?;
        Ok(Self { client: chromium.client().clone(), chromium, scratch })
    }

    /// Lets the camera show another scene, from the next time that it is started.
    ///
    /// # Errors
    /// When the scene cannot be written.
    pub fn show(&self, scene: Scene) -> anyhow::Result<()> {
        scene.write(&self.scratch.path().join("camera.mjpeg"))
    }

    /// A folder for files that the browser is to open.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn goto(&self, url: &str) -> anyhow::Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// Makes the page's visible part this large.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        Ok(())
    }

    /// Sends a command of the `DevTools` protocol.
    ///
    /// # Errors
    /// When the browser refuses it.
    pub async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        let command = Vendor { path: "goog/cdp/execute", body };
        self.client.issue_cmd(command).await.context("a command of the DevTools protocol")
    }

    /// Presses keys one after the other, as on a keyboard. Where they go is up to the page.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn press(&self, keys: &str) -> anyhow::Result<()> {
        let actions = keys.chars().fold(KeyActions::new("keyboard".into()), |actions, value| {
            actions.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Presses a key while Control is held.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn press_with_control(&self, value: char) -> anyhow::Result<()> {
        let control = fantoccini::key::Key::Control.into();
        let actions = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: control })
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value })
            .then(KeyAction::Up { value: control });
        Ok(self.client.perform_actions(actions).await?)
    }

    /// Ends the browser's process that reads the camera, as when it is pulled out.
    ///
    /// # Errors
    /// When there is none.
    pub fn unplug_camera(&self) -> anyhow::Result<()> {
        let mut family = vec![self.chromium.driver_id()];
        let mut at = 0;
        while let Some(parent) = family.get(at).copied() {
            family.extend(children_of(parent)?);
            at += 1;
        }
        let reads_cameras = |id: &&u32| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(CAPTURE_SERVICE)
        };
        let id = family.iter().find(reads_cameras).context("no process reads the camera")?;
        let id = Pid::from_raw(i32::try_from(*id)?).context("no process")?;
        kill_process(id, Signal::KILL).context("ending the process that reads the camera")
    }

    /// The first element that a CSS selector finds.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(&self, css: &str) -> anyhow::Result<Element> {
        self.client.find(Locator::Css(css)).await.with_context(|| css.to_owned())
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// When there is none or it cannot be clicked.
    pub async fn click(&self, css: &str) -> anyhow::Result<()> {
        self.find(css).await?.click().await.with_context(|| format!("clicking {css}"))
    }

    /// Waits until the page is in a state, `data-state` of its body.
    ///
    /// # Errors
    /// When it does not come to it, with what the page says instead.
    pub async fn wait_for_state(&self, state: &str) -> anyhow::Result<()> {
        let css = format!("body[data-state={state}]");
        let found = self.client.wait().at_most(WAIT_MAX).for_element(Locator::Css(&css)).await;
        if let Err(error) = found {
            let body = self.find("body").await?;
            let present = body.attr("data-state").await?.unwrap_or_default();
            // With the line that says what the page is doing.
            let text = body.text().await?;
            let console = self.console().await?;
            bail!("the page is {present} and not {state} ({error}):\n{text}\n{console:?}");
        }
        Ok(())
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// When it throws.
    pub async fn execute(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Saves a picture of the window as JPEG, which is less work than the PNG of `WebDriver`'s own
    /// command.
    ///
    /// # Errors
    /// When it cannot be taken or written.
    pub async fn screenshot(&self, file: &Path) -> anyhow::Result<()> {
        let parameters = json!({ "format": "jpeg", "quality": QUALITY });
        let answer = self.devtools("Page.captureScreenshot", parameters).await?;
        let picture = STANDARD.decode(answer["data"].as_str().context("no picture")?)?;
        std::fs::write(file, picture).with_context(|| format!("writing {}", file.display()))
    }

    /// What the page has written to the console since the last call, warnings and errors only.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub async fn console(&self) -> anyhow::Result<Vec<String>> {
        let log = self.log("browser").await?;
        let severe = log.iter().filter(|entry| {
            let level = entry["level"].as_str().unwrap_or_default();
            let message = entry["message"].as_str().unwrap_or_default();
            matches!(level, "SEVERE" | "WARNING") && !message.contains(SOFTWARE_WEBGL)
        });
        Ok(severe.map(|entry| entry["message"].to_string()).collect())
    }

    /// The addresses of all that the page has asked for since the last call.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub async fn requests(&self) -> anyhow::Result<Vec<String>> {
        let log = self.log("performance").await?;
        let url = |entry: &Value| {
            let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let event = &event["message"];
            let is_request = event["method"] == "Network.requestWillBeSent";
            is_request.then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        };
        Ok(log.iter().filter_map(url).collect())
    }

    async fn log(&self, kind: &str) -> anyhow::Result<Vec<Value>> {
        let command = Vendor { path: "se/log", body: json!({ "type": kind }) };
        let log = self.client.issue_cmd(command).await?;
        log.as_array().cloned().context("the log is no list")
    }

    /// Runs a script in the page that calls its last argument when it is done.
    ///
    /// # Errors
    /// When it throws.
    pub async fn execute_async(&self, script: &str) -> anyhow::Result<Value> {
        self.execute_async_with(script, Vec::new()).await
    }

    /// The same with further arguments, which come before that one.
    ///
    /// # Errors
    /// As of [`execute_async`](Self::execute_async).
    pub async fn execute_async_with(
        &self,
        script: &str,
        arguments: Vec<Value>,
    ) -> anyhow::Result<Value> {
        Ok(self.client.execute_async(script, arguments).await?)
    }

    /// Ends the browser.
    ///
    /// # Errors
    /// When it does not.
    pub async fn close(self) -> anyhow::Result<()> {
        self.chromium.close().await
    }
}

fn arguments(camera: &Path, cameras: Cameras) -> Vec<String> {
    let answer = if cameras == Cameras::Denied { "=deny" } else { "" };
    let mut arguments = match cameras {
        Cameras::Count(count) => {
            vec![format!("--use-fake-device-for-media-stream=device-count={count}")]
        }
        _ => vec![
            "--use-fake-device-for-media-stream".into(),
            format!("--use-file-for-fake-video-capture={}", camera.display()),
        ],
    };
    arguments.push(format!("--use-fake-ui-for-media-stream{answer}"));
    arguments.push(format!("--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1"));
    arguments
}

/// A command of chromedriver's own; not in the standard.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
