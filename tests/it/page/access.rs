//! The page of a server that is for invited people only.

use anyhow::{Context as _, ensure};
use tests::camera::Scene;
use tests::photograph;

use super::Page;
use crate::access::add_key;

const ADDRESS: &str = "faces@example.org";

#[tokio::test]
async fn a_link_with_a_key_opens_a_private_server() -> anyhow::Result<()> {
    let report = format!("REPORT_ADDRESS={ADDRESS}");
    let options = ["--var", "ACCESS=private", "--var", &report];
    let page = Page::open_alone(Scene::Nobody, &options).await?;
    page.until_text("[data-private]", "invited people only").await?;
    page.until_text("footer [data-report]", ADDRESS).await?;
    page.look("private").await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "For invited people only").await?;

    // The key is taken from the address once, and not shown there.
    let key = add_key(page.server.state(), "guest", "search,enrol")?;
    page.browser.goto("about:blank").await?;
    page.browser.goto(&page.server.url(&format!("/#key={key}"))).await?;
    page.state("idle").await?;
    let address = page.browser.execute("return location.href").await?;
    ensure!(address == page.server.url("/"), "{address}");
    page.load().await?;
    page.until_text("[data-fact=purge]", "12:00").await?;
    page.until("return document.querySelector('[data-private]').hidden").await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("Barack Obama").await?;
    page.until_text("[data-enrolled-found]", "Searches find it now").await?;
    page.click("[data-enrolled] [data-another]").await?;
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("match").await? == ["Barack Obama"]);
    for picture in ["[data-result-picture]", "[data-pair-picture]", "[data-enrolled-picture]"] {
        let loaded = format!("return document.querySelector('{picture}').naturalWidth === 160");
        page.until(&loaded).await.with_context(|| format!("{picture} does not load"))?;
    }

    // A key that was revoked is dropped.
    page.browser.execute("localStorage.setItem('cface-key', '0'.repeat(64))").await?;
    page.click("[data-panel-result] [data-another]").await?;
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "no longer valid").await?;
    let kept = "return localStorage.getItem('cface-key') === null";
    ensure!(page.browser.execute(kept).await? == true, "the key is still kept");

    page.browser.goto(&page.server.url("/privacy")).await?;
    page.until_text("main [data-report]", ADDRESS).await?;
    page.close_noisily().await
}
