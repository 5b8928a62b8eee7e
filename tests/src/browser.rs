//! A headless Chromium with a camera that shows a picture of our choice, driven over `WebDriver`.

use std::path::Path;
use std::time::Duration;

use ::browser::Chromium;
use anyhow::{Context as _, bail};
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use image::imageops::FilterType;
use image::{DynamicImage, Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// What the camera delivers.
const CAMERA_SIZE: (u32, u32) = (1280, 720);

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
    /// Starts a browser whose camera shows a photograph.
    ///
    /// # Errors
    /// When Chromium or its driver do not start.
    pub async fn open(photograph: &Path) -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let camera = scratch.path().join("camera.mjpeg");
        write_camera(&camera, photograph)?;
        let chromium = Chromium::open(&[
            "--use-fake-ui-for-media-stream".into(),
            "--use-fake-device-for-media-stream".into(),
            format!("--use-file-for-fake-video-capture={}", camera.display()),
        ])
        .await?;
        Ok(Self { client: chromium.client().clone(), chromium, scratch })
    }

    /// Lets the camera show another photograph, from the next time that it is started.
    ///
    /// # Errors
    /// When the photograph cannot be read.
    pub fn show(&self, photograph: &Path) -> anyhow::Result<()> {
        write_camera(&self.scratch.path().join("camera.mjpeg"), photograph)
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn goto(&self, url: &str) -> anyhow::Result<()> {
        Ok(self.client.goto(url).await?)
    }

    /// Resizes the window.
    ///
    /// # Errors
    /// When the browser does not.
    pub async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        Ok(self.client.set_window_size(width, height).await?)
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
            let text = self.find("main").await?.text().await?;
            bail!("the page is not {state} ({error}):\n{text}");
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

    /// Saves a picture of the window.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn screenshot(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, self.client.screenshot().await?)
            .with_context(|| format!("writing {}", file.display()))
    }

    /// What the page has written to the console since the last call, warnings and errors only.
    ///
    /// # Errors
    /// When the driver does not tell.
    pub async fn console(&self) -> anyhow::Result<Vec<String>> {
        let log = self.client.issue_cmd(ConsoleLog).await?;
        let entries = log.as_array().context("the console is no list")?;
        let severe = entries.iter().filter(|entry| {
            entry["level"].as_str().is_some_and(|level| matches!(level, "SEVERE" | "WARNING"))
        });
        Ok(severe.map(|entry| entry["message"].to_string()).collect())
    }

    /// Ends the browser.
    ///
    /// # Errors
    /// When it does not.
    pub async fn close(self) -> anyhow::Result<()> {
        self.chromium.close().await
    }
}

/// Writes a photograph as the one frame of a camera, whole and undistorted. Chromium reads the
/// file when the camera starts, so it has to appear at once.
fn write_camera(camera: &Path, photograph: &Path) -> anyhow::Result<()> {
    let (width, height) = CAMERA_SIZE;
    let picture = image::open(photograph)
        .with_context(|| format!("opening {}", photograph.display()))?
        .resize(width, height, FilterType::Triangle)
        .into_rgb8();
    let mut frame = RgbImage::from_pixel(width, height, Rgb([128; 3]));
    let (x, y) = ((width - picture.width()) / 2, (height - picture.height()) / 2);
    image::imageops::replace(&mut frame, &picture, x.into(), y.into());
    let next = camera.with_extension("jpg");
    DynamicImage::from(frame).save(&next)?;
    std::fs::rename(next, camera).context("changing the camera's picture")
}

/// Chromedriver's way to read the console; not in the standard.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(r#"{"type":"browser"}"#.into()))
    }
}
