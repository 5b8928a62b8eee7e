//! The page by keyboard alone, and on screens of any width and direction of writing.

use anyhow::ensure;
use fantoccini::key::Key;
use serde_json::json;
use tests::camera::Scene;
use tests::photograph;

use super::Page;

/// What has the focus: its first hook, or its tag.
const FOCUSED: &str = "
    const { activeElement: focused } = document;
    return Object.keys(focused.dataset)[0] ?? focused.localName;";

/// Presses Tab until something has the focus.
pub(super) async fn tab_to(page: &Page, hook: &str) -> anyhow::Result<()> {
    let mut passed = Vec::new();
    for _ in 0..30 {
        page.browser.press(&char::from(Key::Tab).to_string()).await?;
        let focused = page.browser.execute(FOCUSED).await?;
        if focused == hook {
            let outline = "
                const { activeElement: focused } = document;
                const all = [focused, focused.closest('label') ?? focused];
                return all.some((one) => getComputedStyle(one).outlineStyle !== 'none')";
            ensure!(page.browser.execute(outline).await? == true, "no ring around {hook}");
            return Ok(());
        }
        passed.push(focused);
    }
    anyhow::bail!("{hook} cannot be reached by Tab, only {passed:?}")
}

#[tokio::test]
async fn the_keyboard_is_enough() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    let enter = char::from(Key::Enter).to_string();
    tab_to(&page, "consent").await?;
    page.browser.press(" ").await?;
    tab_to(&page, "startCamera").await?;
    page.browser.press(&enter).await?;
    page.state("cropped").await?;
    tab_to(&page, "openEnrol").await?;
    page.browser.press(&enter).await?;
    // Two more pictures are wanted. The person never turns: one is taken as it is, one is skipped.
    page.until_text("[data-guide-title]", "Picture 2 of 3").await?;
    page.state("camera").await?;
    page.browser.press(" ").await?;
    page.until_text("[data-guide-title]", "Picture 3 of 3").await?;
    page.state("camera").await?;
    tab_to(&page, "skip").await?;
    page.browser.press(&enter).await?;
    page.until("return document.activeElement.dataset.name !== undefined").await?;
    page.browser.press("Ada").await?;
    tab_to(&page, "agree").await?;
    page.browser.press(" ").await?;
    tab_to(&page, "enrol").await?;
    page.browser.press(&enter).await?;
    page.state("enrolled").await?;
    tab_to(&page, "another").await?;
    page.browser.press(&enter).await?;
    page.state("cropped").await?;
    tab_to(&page, "match").await?;
    page.browser.press(&enter).await?;
    page.state("result").await?;
    ensure!(page.text("[data-verdict]").await?.contains("Ada"));

    // The camera is stopped by Escape, and a person is deleted.
    tab_to(&page, "another").await?;
    page.browser.show(Scene::Nobody)?;
    page.browser.press(&enter).await?;
    page.state("camera").await?;
    page.browser.press(&char::from(Key::Escape).to_string()).await?;
    page.state("idle").await?;
    tab_to(&page, "forget").await?;
    page.browser.press(&enter).await?;
    page.until_text("[data-notice]", "Forgotten").await?;
    page.close().await
}

#[tokio::test]
async fn it_fits_any_screen_and_direction() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("A name that is as long as eighty characters, which is what a name may have here")
        .await?;
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    page.find("match").await?;
    for direction in ["rtl", "ltr"] {
        page.browser.execute(&format!("document.documentElement.dir = '{direction}'")).await?;
        for width in [320, 390, 768, 1024, 1280, 1920, 3840] {
            page.browser.resize(width, 900).await?;
            let misfits = page.browser.execute(super::MISFITS).await?;
            ensure!(misfits == json!([]), "{width} {direction}: {misfits}");
            let name = format!("wide-{width}-{direction}.jpg");
            page.browser.screenshot(&page.screenshots.join(name)).await?;
        }
    }
    let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    page.browser.devtools("Emulation.setEmulatedMedia", media).await?;
    page.close().await
}
