//! Guided enrolment: three pictures from three sides under one token, by the camera, or photos that
//! are added one by one.

use anyhow::ensure;
use fantoccini::key::Key;
use tests::camera::Scene;
use tests::photograph;
use wire::retention::BUCKET_NAME;

use super::Page;

/// How many pictures the form shows.
const PICTURES: &str = "return document.querySelectorAll('[data-pictures] img').length";

async fn pictures(page: &Page) -> anyhow::Result<u64> {
    Ok(page.browser.execute(PICTURES).await?.as_u64().unwrap_or_default())
}

/// Waits until the camera is asked for a picture.
async fn until_asked(page: &Page, number: u32, words: &str) -> anyhow::Result<()> {
    page.until_text("[data-guide-title]", &format!("Picture {number} of 3: {words}")).await?;
    page.state("camera").await
}

/// Completes the form, and checks what is said of the person afterwards.
async fn complete(page: &Page, name: &str, said: &str) -> anyhow::Result<()> {
    page.browser.find("[data-name]").await?.send_keys(name).await?;
    page.click("[data-agree]").await?;
    page.click("[data-enrol]").await?;
    page.state("enrolled").await?;
    let notice = page.text("[data-notice]").await?;
    ensure!(notice.replace(['\u{2068}', '\u{2069}'], "") == said, "{notice}");
    Ok(())
}

#[tokio::test]
async fn a_person_who_turns_is_enrolled_with_three_pictures() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.browser.show(Scene::Turning)?;
    page.click("[data-panel-work] [data-open-enrol]").await?;
    // Nobody presses anything: the pictures are taken when the head is turned.
    page.until("return !document.querySelector('[data-panel-enrol]').hidden").await?;
    ensure!(pictures(&page).await? == 3);
    page.look("enrol-three").await?;
    let said = "Barack O. is enrolled with 3 pictures. You can delete that here at any time.";
    complete(&page, "Barack O.", said).await?;
    page.until_text("[data-enrolled-count]", "3 pictures").await?;
    page.until_text("[data-enrolled-found]", "Searches find it now").await?;
    page.look("enrolled-three").await?;

    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("match").await? == ["Barack O."]);
    page.until_text("[data-result-pictures]", "3 pictures").await?;
    page.load().await?;
    page.click("[data-forget]").await?;
    page.until_text("[data-notice]", "Forgotten").await?;
    page.show_face(Scene::Face("obama-2.jpg")).await?;
    ensure!(page.find("none").await?.is_empty());
    page.close().await
}

#[tokio::test]
async fn a_person_who_never_turns_is_told_what_else_can_be_done() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.click("[data-panel-work] [data-open-enrol]").await?;
    until_asked(&page, 2, "turn your head a little to your left").await?;
    page.until_text("[data-hint]", "a little to your left").await?;
    page.look("guide-left").await?;
    page.until("return document.querySelector('[data-stuck]').checkVisibility()").await?;
    page.look("guide-stuck").await?;
    page.click("[data-take-anyway]").await?;
    until_asked(&page, 3, "turn your head a little to your right").await?;
    let stuck = "return document.querySelector('[data-stuck]').hidden";
    ensure!(page.browser.execute(stuck).await? == true, "impatient from the beginning");
    page.click("[data-skip]").await?;
    page.state("cropped").await?;
    ensure!(pictures(&page).await? == 2);
    // A picture can be taken away, and the last one stays.
    page.click("[data-remove]").await?;
    ensure!(pictures(&page).await? == 1);
    let removable = "return document.querySelector('[data-remove]').checkVisibility()";
    ensure!(page.browser.execute(removable).await? == false, "no picture would be left");
    complete(&page, "Barack", "Barack is enrolled. You can delete that here at any time.").await?;

    // Whoever stops the camera keeps the picture that there is.
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.click("[data-panel-work] [data-open-enrol]").await?;
    until_asked(&page, 2, "").await?;
    page.browser.press(&char::from(Key::Escape).to_string()).await?;
    page.until("return !document.querySelector('[data-panel-enrol]').hidden").await?;
    ensure!(pictures(&page).await? == 1);
    let off = "return document.querySelector('[data-video]').srcObject === null";
    ensure!(page.browser.execute(off).await? == true, "the camera is still on");
    // Back, the face can be searched for, and the form still has the picture.
    page.click("[data-back]").await?;
    ensure!(page.find("match").await? == ["Barack"]);
    page.close().await
}

#[tokio::test]
async fn a_camera_that_is_unplugged_leaves_the_pictures_that_there_are() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    page.click("[data-panel-work] [data-open-enrol]").await?;
    until_asked(&page, 2, "").await?;
    page.browser.unplug_camera()?;
    page.until_text("[data-error-title]", "The camera is gone").await?;
    // The viewfinder shows the picture that was taken, and asks for nothing any more.
    let stage = page.attribute("body", "data-stage").await?;
    ensure!(stage == "still", "the viewfinder shows {stage}");
    ensure!(pictures(&page).await? == 1);
    page.look("guide-unplugged").await?;
    complete(&page, "Barack", "Barack is enrolled. You can delete that here at any time.").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn photos_are_added_one_by_one() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let objects = page.server.objects(BUCKET_NAME);
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-panel-work] [data-open-enrol]").await?;
    page.until("return !document.querySelector('[data-panel-enrol]').hidden").await?;
    ensure!(pictures(&page).await? == 1);
    page.choose(&photograph("obama-2.jpg")).await?;
    page.until(&PICTURES.replace("length", "length === 2")).await?;
    page.look("enrol-two-photos").await?;
    let stored = page.server.objects(BUCKET_NAME) - objects;
    ensure!(stored == 0, "{stored} objects are stored before anybody agreed");
    let said = "Barack is enrolled with 2 pictures. You can delete that here at any time.";
    complete(&page, "Barack", said).await?;

    // The next picture is for a search again.
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("match").await? == ["Barack"]);
    page.close().await
}
