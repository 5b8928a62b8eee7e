//! The main use of the page: a person enrols, is found by a search, and is deleted. A stranger is
//! not found.

use anyhow::ensure;
use tests::camera::{Scene, write_coarse};
use tests::photograph;

use super::Page;

const NAME: &str = "Barack <b>Obama</b>";

/// Rows of pixels to which a picture is reduced, so that the verdict is "possible".
const DOUBTFUL_ROWS: u32 = 195;

#[tokio::test]
async fn a_person_enrols_is_found_and_forgotten() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.look("idle").await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.look("cropped").await?;

    page.click("[data-panel-work] [data-open-enrol]").await?;
    page.skip_further_pictures().await?;
    page.look("enrol").await?;
    page.click("[data-enrol]").await?;
    page.until_text("[data-form-error]", "Type a name").await?;
    page.browser.find("[data-name]").await?.send_keys(NAME).await?;
    page.click("[data-enrol]").await?;
    page.until_text("[data-form-error]", "Tick the box").await?;
    page.look("enrol-incomplete").await?;
    page.click("[data-agree]").await?;
    page.click("[data-enrol]").await?;
    page.state("enrolled").await?;
    ensure!(page.text("[data-enrolled-list]").await?.contains(NAME));
    let token = page.text("[data-delete-token]").await?;
    ensure!(token.trim().len() == 64, "the delete token is {token}");
    page.until_text("[data-enrolled-found]", "Searches find it now").await?;
    page.look("enrolled").await?;

    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("match").await? == [NAME]);
    page.look("result-match").await?;
    for picture in ["[data-result-picture]", "[data-pair-picture]"] {
        let width = format!("return document.querySelector('{picture}').naturalWidth");
        ensure!(page.browser.execute(&width).await? == 160, "{picture} does not load");
    }
    let words = page.text("[data-panel-result]").await?;
    ensure!(!words.contains('%'), "a distance is no certainty: {words}");

    page.choose(&write_coarse("obama-2.jpg", DOUBTFUL_ROWS, page.browser.scratch())?).await?;
    page.state("cropped").await?;
    ensure!(page.find("possible").await? == [NAME]);
    page.look("result-possible").await?;

    page.show_face(Scene::Face("biden-1.jpg")).await?;
    ensure!(page.find("none").await?.is_empty());
    page.look("result-none").await?;

    // The browser remembers the person, and one click deletes it.
    page.load().await?;
    page.until_text("[data-enrolled-found]", "Searches find it now").await?;
    page.look("idle-enrolled").await?;
    page.click("[data-forget]").await?;
    page.until_text("[data-notice]", "Forgotten").await?;
    page.look("forgotten").await?;
    page.until("return document.querySelector('[data-delete-token]') === null").await?;
    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("none").await?.is_empty());
    page.close().await
}

#[tokio::test]
async fn a_person_enrolled_on_another_device_is_deleted_by_token() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("biden-1.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("Joe Biden").await?;
    let token = page.text("[data-delete-token]").await?;
    // On another device nothing is remembered.
    page.browser.execute("localStorage.clear()").await?;
    page.load().await?;
    page.click("footer summary").await?;
    let field = page.browser.find("[data-code]").await?;
    field.send_keys("rubbish").await?;
    page.click("[data-forget-code]").await?;
    page.state("error").await?;
    ensure!(page.text("[data-error-text]").await?.contains("Paste the delete token"));
    page.look("error-code").await?;
    field.clear().await?;
    field.send_keys(&token).await?;
    page.click("[data-forget-code]").await?;
    page.until_text("[data-notice]", "Forgotten").await?;
    page.choose(&photograph("biden-2.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("none").await?.is_empty());
    page.close().await
}

#[tokio::test]
async fn another_picture_is_added_to_somebody_enrolled() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-2.jpg")).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.enrol(NAME).await?;
    // On a new visit people have not agreed yet.
    page.load().await?;
    page.click("[data-add]").await?;
    page.until_text("[data-notice]", "agree below").await?;
    page.click("[data-consent]").await?;
    page.click("[data-start-camera]").await?;
    page.state("cropped").await?;
    page.look("enrol-another").await?;
    page.click("[data-agree]").await?;
    page.click("[data-enrol]").await?;
    page.state("enrolled").await?;
    page.until_text("[data-enrolled-count]", "2 pictures").await?;
    page.look("enrolled-another").await?;
    let people = "return document.querySelectorAll('[data-enrolled-list] > li').length";
    ensure!(page.browser.execute(people).await? == 1, "one person is shown as several");

    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("match").await? == [NAME]);
    page.until_text("[data-result-pictures]", "2 pictures").await?;
    // All pictures of the person are deleted.
    page.load().await?;
    page.click("[data-forget]").await?;
    page.until_text("[data-notice]", "Forgotten").await?;
    for photo in ["obama-1.jpg", "obama-2.jpg"] {
        page.show_face(Scene::Face(photo)).await?;
        ensure!(page.find("none").await?.is_empty());
    }
    page.close().await
}
