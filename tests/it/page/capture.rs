//! Capturing a face: by the camera with its advice, and from photos that people choose, drop or
//! paste.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tests::browser::{Cameras, INSECURE_HOST};
use tests::camera::{Scene, write_coarse, write_turned};
use tests::photograph;

use super::Page;

/// Whether the camera is off.
const IS_OFF: &str = "return document.querySelector('[data-video]').srcObject === null";

/// A photograph of so many rows that is enlarged: its face is blurred, and found all the same.
const BLURRED_HEIGHT: u32 = 100;

/// Starts the camera, and switches off that the page takes the picture by itself.
async fn start_camera(page: &Page, scene: Scene) -> anyhow::Result<()> {
    page.browser.show(scene)?;
    page.click("[data-start-camera]").await?;
    page.state("camera").await?;
    let automatic = "return document.querySelector('[data-automatic]').checked";
    if page.browser.execute(automatic).await? == true {
        page.click(".switch").await?;
    }
    Ok(())
}

async fn until_advice(page: &Page, advice: &str) -> anyhow::Result<()> {
    page.until(&format!("return document.body.dataset.advice === '{advice}'"))
        .await
        .with_context(|| format!("the advice is not {advice}"))
}

#[tokio::test]
async fn the_camera_advises_and_people_decide() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("biden-1.jpg")).await?;
    page.click("[data-consent]").await?;
    for (scene, advice, name) in [
        (Scene::Nobody, "none", "camera-nobody"),
        (Scene::Dark("obama-1.jpg"), "dark", "camera-dark"),
        (Scene::Face("obama-1.jpg"), "good", "camera-good"),
        (Scene::Two("biden-2.jpg", "obama-1.jpg"), "several", "camera-several"),
    ] {
        start_camera(&page, scene).await?;
        until_advice(&page, advice).await?;
        page.look(name).await?;
        page.click("[data-stop-camera]").await?;
        page.state("idle").await?;
        ensure!(page.browser.execute(IS_OFF).await? == true, "the camera is still on");
    }

    // Without a face the page says so, and the camera stays on for another try.
    start_camera(&page, Scene::Nobody).await?;
    page.click("[data-capture]").await?;
    page.state("error").await?;
    ensure!(page.text("[data-error-text]").await?.contains("No face"));
    page.look("camera-no-face").await?;

    // Of two faces, the one that is clicked is taken. The first frame is the left one in the
    // viewfinder, which is mirrored, so it is the right face of the scene.
    page.load().await?;
    page.click("[data-consent]").await?;
    start_camera(&page, Scene::Two("biden-2.jpg", "obama-1.jpg")).await?;
    until_advice(&page, "several").await?;
    page.click("[data-frames] button:nth-child(1)").await?;
    until_advice(&page, "good").await?;
    page.browser.press(" ").await?;
    page.state("cropped").await?;
    ensure!(page.browser.execute(IS_OFF).await? == true, "the camera is still on");
    page.look("cropped-two").await?;
    page.enrol("Right").await?;
    page.show_face(Scene::Face("obama-1.jpg")).await?;
    ensure!(page.find("match").await? == ["Right"]);
    // In a picture that has been taken, the other face can be chosen.
    page.load().await?;
    page.click("[data-consent]").await?;
    start_camera(&page, Scene::Two("biden-2.jpg", "obama-1.jpg")).await?;
    until_advice(&page, "several").await?;
    page.click("[data-capture]").await?;
    page.state("cropped").await?;
    page.click("[data-frames] button[aria-pressed=false]").await?;
    page.until("return document.body.dataset.state === 'cropped'").await?;
    page.close().await
}

#[tokio::test]
async fn a_camera_is_chosen_where_there_are_several() -> anyhow::Result<()> {
    let page = Page::open_with(Scene::Nobody, Cameras::Count(2)).await?;
    page.click("[data-consent]").await?;
    page.click("[data-start-camera]").await?;
    page.state("camera").await?;
    page.until("return document.querySelectorAll('[data-cameras] option').length === 2").await?;
    page.look("camera-picker").await?;
    let id = "return document.querySelector('[data-video]').srcObject.getVideoTracks()[0]
              .getSettings().deviceId";
    let first = page.browser.execute(id).await?;
    page.browser.find("[data-cameras]").await?.select_by_index(1).await?;
    page.until(&format!(
        "const track = document.querySelector('[data-video]').srcObject?.getVideoTracks()[0];
         return Boolean(track) && track.getSettings().deviceId !== {first}"
    ))
    .await?;
    page.close().await
}

#[tokio::test]
async fn a_photo_is_chosen_turned_dropped_or_pasted() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    // A photo that is dropped before people agree waits for that.
    let file = photograph("obama-1.jpg").canonicalize()?;
    for kind in ["dragEnter", "dragOver", "drop"] {
        let data = json!({ "items": [], "files": [file], "dragOperationsMask": 1 });
        let event = json!({ "type": kind, "x": 300, "y": 300, "data": data });
        page.browser.devtools("Input.dispatchDragEvent", event).await?;
    }
    page.until_text("[data-notice]", "waits").await?;
    page.look("photo-waits").await?;
    page.click("[data-consent]").await?;
    page.state("cropped").await?;
    page.enrol("Obama").await?;

    // A photo with an EXIF orientation is turned upright.
    page.load().await?;
    page.choose(&write_turned("obama-2.jpg", page.browser.scratch())?).await?;
    page.state("cropped").await?;
    let note = page.text("[data-crop-note]").await?;
    ensure!(note.contains("pixels") && !note.contains("blurred"), "{note}");
    ensure!(page.find("match").await? == ["Obama"]);

    // A face that is blurred in the photo is said to be.
    page.load().await?;
    page.choose(&write_coarse("obama-1.jpg", BLURRED_HEIGHT, page.browser.scratch())?).await?;
    page.state("cropped").await?;
    page.until_text("[data-crop-note]", "blurred").await?;

    // A photo is pasted.
    page.load().await?;
    page.click("[data-consent]").await?;
    copy_picture(&page).await?;
    page.browser.press_with_control('v').await?;
    page.state("cropped").await?;
    ensure!(page.find("match").await? == ["Obama"]);

    for (name, content, words) in [
        ("notes.txt", b"no picture".as_slice(), "This file is no picture"),
        ("broken.jpg", b"\xff\xd8\xff\xe0 broken", "cannot open this picture"),
        ("photo.heic", b"\0\0\0\x18ftypheic", "HEIC"),
    ] {
        let file = page.browser.scratch().join(name);
        std::fs::write(&file, content)?;
        page.load().await?;
        page.choose(&file).await?;
        page.state("error").await?;
        let shown = page.text("[data-error-text]").await?;
        ensure!(shown.contains(words), "{name}: {shown}");
    }
    page.look("error-file").await?;
    page.close().await
}

/// Puts a picture on the clipboard, as if people had copied it in another program.
async fn copy_picture(page: &Page) -> anyhow::Result<()> {
    let permissions = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
    page.browser.devtools("Browser.grantPermissions", permissions).await?;
    let photo = photograph("obama-2.jpg");
    let png = page.browser.scratch().join("copied.png");
    image::open(photo)?.thumbnail(900, 900).save(&png)?;
    let picture = STANDARD.encode(std::fs::read(png)?);
    let script = format!(
        "const done = arguments[arguments.length - 1];
         const bytes = Uint8Array.from(atob('{picture}'), (byte) => byte.charCodeAt(0));
         const blob = new Blob([bytes], {{ type: 'image/png' }});
         const item = new ClipboardItem({{ 'image/png': blob }});
         navigator.clipboard.write([item]).then(() => done(null), (error) => done(String(error)));"
    );
    let error = page.browser.execute_async(&script).await?;
    ensure!(error.is_null(), "the picture cannot be copied: {error}");
    Ok(())
}

#[tokio::test]
async fn photos_work_where_cameras_do_not() -> anyhow::Result<()> {
    for (cameras, words, name) in [
        (Cameras::Denied, "The camera is blocked", "camera-denied"),
        (Cameras::Count(0), "No camera was found", "camera-missing"),
    ] {
        let page = Page::open_with(Scene::Nobody, cameras).await?;
        page.click("[data-consent]").await?;
        page.click("[data-start-camera]").await?;
        page.state("error").await?;
        let shown = page.text("[data-error-text]").await?;
        ensure!(shown.contains(words), "{shown}");
        page.look(name).await?;
        page.choose(&photograph("obama-1.jpg")).await?;
        page.state("cropped").await?;
        if cameras == Cameras::Denied {
            // This origin is not secure, so browsers give the page no camera at all.
            let address = page.server.url("/").replace("127.0.0.1", INSECURE_HOST);
            page.browser.goto(&address).await?;
            page.state("idle").await?;
            page.until_text("[data-obstacle]", "https").await?;
            page.look("no-secure-context").await?;
            page.choose(&photograph("obama-2.jpg")).await?;
            page.state("cropped").await?;
            page.browser.close().await?;
            page.server.give_back().await?;
        } else {
            page.close().await?;
        }
    }
    Ok(())
}
