//! The page in a browser, by clicking and typing only: the camera shows a person, who enrols;
//! then another picture of the same person, who is found; then a stranger, who is not.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tests::browser::Browser;
use tests::photograph;
use tests::server::Server;

const NAME: &str = "Barack <b>Obama</b>";

#[tokio::test]
async fn a_person_enrols_is_found_and_forgotten() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let browser = Browser::open(&photograph("obama-1.jpg")).await?;
    browser.resize(1280, 1000).await?;
    let page = Page { server: &server, browser: &browser, screenshots: screenshots()? };

    page.show_face("obama-1.jpg").await?;
    page.screenshot("cropped").await?;
    browser.find("[data-name]").await?.send_keys(NAME).await?;
    browser.click("[data-enrol]").await?;
    browser.wait_for_state("enrolled").await?;
    page.screenshot("enrolled").await?;
    ensure!(browser.find("[data-enrolled]").await?.text().await?.contains(NAME));
    let token = browser.find("[data-delete-token]").await?.text().await?;
    ensure!(token.trim().len() == 64, "the delete token is {token}");

    ensure!(page.search("obama-2.jpg", "match").await? == [NAME]);
    let picture = "return document.querySelector('[data-result-picture]').naturalWidth";
    ensure!(browser.execute(picture).await? == 160, "the picture does not load");
    ensure!(page.search("biden-1.jpg", "none").await?.is_empty());

    // Enrols once more and regrets it: what was enrolled from here is forgotten by a click.
    page.show_face("biden-1.jpg").await?;
    browser.find("[data-name]").await?.send_keys("Joe Biden").await?;
    browser.click("[data-enrol]").await?;
    browser.wait_for_state("enrolled").await?;
    browser.click("[data-forget]").await?;
    let gone = "return document.querySelector('[data-delete-token]') === null";
    page.until(gone).await.context("the enrolment is still shown")?;
    ensure!(page.search("biden-2.jpg", "none").await?.is_empty());

    let console = browser.console().await?;
    ensure!(console.is_empty(), "the console says {console:?}");
    browser.close().await?;
    server.stop()
}

#[tokio::test]
async fn a_photo_works_like_the_camera() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let browser = Browser::open(&photograph("obama-1.jpg")).await?;
    browser.resize(390, 844).await?;
    browser.goto(&server.url("/")).await?;
    browser.wait_for_state("idle").await?;
    browser.click("[data-consent]").await?;
    let file = photograph("obama-2.jpg").canonicalize()?;
    let file = file.to_str().context("not UTF-8")?;
    browser.find("[data-file]").await?.send_keys(file).await?;
    browser.wait_for_state("cropped").await?;
    browser.click("[data-match]").await?;
    browser.wait_for_state("result").await?;
    browser.find("[data-verdict=none]").await?;
    browser.screenshot(&screenshots()?.join("phone-none.png")).await?;
    let console = browser.console().await?;
    ensure!(console.is_empty(), "the console says {console:?}");
    browser.close().await?;
    server.stop()
}

struct Page<'a> {
    server: &'a Server,
    browser: &'a Browser,
    screenshots: PathBuf,
}

impl Page<'_> {
    /// From a fresh page to the crop of the face that the camera sees.
    async fn show_face(&self, photo: &str) -> anyhow::Result<()> {
        let browser = self.browser;
        browser.show(&photograph(photo))?;
        browser.goto(&self.server.url("/")).await?;
        browser.wait_for_state("idle").await?;
        self.screenshot("idle").await?;
        browser.click("[data-consent]").await?;
        browser.click("[data-start-camera]").await?;
        browser.wait_for_state("camera").await?;
        self.screenshot(&format!("camera-{photo}")).await?;
        browser.click("[data-capture]").await?;
        browser.wait_for_state("cropped").await.with_context(|| photo.to_owned())
    }

    /// Searches with the face that the camera sees; the names that are found.
    async fn search(&self, photo: &str, verdict: &str) -> anyhow::Result<Vec<String>> {
        self.show_face(photo).await?;
        self.browser.click("[data-match]").await?;
        self.browser.wait_for_state("result").await?;
        self.screenshot(&format!("result-{photo}")).await?;
        let shown = format!("[data-verdict={verdict}]");
        self.browser.find(&shown).await.with_context(|| format!("{photo} is not {verdict}"))?;
        let script = "return [...document.querySelectorAll('[data-result-name]')]\
                      .map((name) => name.textContent)";
        Ok(serde_json::from_value(self.browser.execute(script).await?)?)
    }

    async fn until(&self, script: &str) -> anyhow::Result<()> {
        for _ in 0..100 {
            if self.browser.execute(script).await? == true {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!("not within ten seconds: {script}")
    }

    async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        self.browser.screenshot(&self.screenshots.join(format!("{name}.png"))).await
    }
}

/// Where the screenshots go, to be looked at.
fn screenshots() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
