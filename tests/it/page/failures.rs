//! Failures around the page: it says what is wrong, and works again afterwards.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use tests::api::Api;
use tests::browser::Cameras;
use tests::camera::Scene;
use tests::photograph;
use tests::server::Server;

use super::{Page, offline, speed, unlimited};
use crate::load::wrangler;

#[tokio::test]
async fn a_camera_that_is_unplugged_is_missed_and_found_again() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.click("[data-consent]").await?;
    page.click("[data-start-camera]").await?;
    page.state("camera").await?;
    page.browser.unplug_camera()?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "The camera is gone").await?;
    page.look("camera-unplugged").await?;
    page.browser.show(Scene::Face("obama-1.jpg"))?;
    page.click("[data-retry]").await?;
    page.state("cropped").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn a_server_that_stops_while_a_picture_is_sent_is_asked_again() -> anyhow::Result<()> {
    let mut page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    // At this speed the picture needs seconds to be sent.
    page.network(speed(4_000)).await?;
    page.click("[data-match]").await?;
    page.state("working").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    page.look_once("working").await?;
    let (state, port) = (page.server.state().to_owned(), page.server.port());
    page.server.halt()?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "No answer from the server").await?;
    page.network(unlimited()).await?;
    page.look("error-no-server").await?;

    page.server = Server::start_at(port, &state).await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn too_many_tries_count_down_and_go_on() -> anyhow::Result<()> {
    let page = Page::open_with(Scene::Nobody, Cameras::Allowed, &["--rate-limits"]).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    let api = Api::of(&page.server);
    let mut refused = false;
    for _ in 0..=2 * 120 {
        let response = api.request(Method::POST, "/match").send().await?;
        refused = response.status() == StatusCode::TOO_MANY_REQUESTS;
        if refused {
            break;
        }
    }
    ensure!(refused, "the budget is never spent");
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "Too many tries").await?;
    let text = page.text("[data-retry]").await?;
    let seconds: String = text.chars().filter(char::is_ascii_digit).collect();
    let first: u32 = seconds.parse().with_context(|| text)?;
    page.look("error-too-many").await?;
    ensure!((1..=60).contains(&first), "{first} s");
    // It counts down, and then offers another try.
    page.until(&format!(
        "const [left = 0] = /\\d+/.exec(document.querySelector('[data-retry]').textContent) ?? [];
         return left < {first}"
    ))
    .await?;
    page.until("return document.querySelector('[data-retry]').textContent === 'Try again'").await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn a_missing_model_is_told_as_the_server_tells_it() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let state = page.server.state().to_owned();
    wrangler(&state, &["delete", "models/shard2.bin"])?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "The model is not available").await?;
    page.until_text("[data-error-text]", "shard2.bin").await?;
    page.look("error-no-model").await?;
    let weights = std::env::var("CFACE_WEIGHTS").context("run this by `cargo xtask test`")?;
    let file = format!("{weights}/shard2.bin");
    wrangler(&state, &["put", "models/shard2.bin", "--file", &file])?;
    page.until("return document.querySelector('[data-retry]').textContent === 'Try again'").await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn a_slow_network_shows_progress_and_can_be_left() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    // One megabit a second.
    page.network(speed(125_000)).await?;
    page.load().await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.until(
        "const bar = document.querySelector('[data-progress]');
         return !bar.hidden && bar.value > 0 && bar.value < 1",
    )
    .await?;
    page.look_once("loading").await?;
    page.click("[data-cancel]").await?;
    page.state("idle").await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;

    // After a search is cancelled, people can search with the same crop again.
    page.network(speed(4_000)).await?;
    page.click("[data-match]").await?;
    page.state("working").await?;
    page.click("[data-cancel]").await?;
    page.state("cropped").await?;
    page.network(speed(125_000)).await?;
    ensure!(page.find("none").await?.is_empty());

    // An enrolment that is cancelled is undone, even when the server has stored it already.
    page.click("[data-panel-result] [data-open-enrol]").await?;
    page.browser.find("[data-name]").await?.send_keys("Nobody").await?;
    page.click("[data-agree]").await?;
    page.network(speed(40_000)).await?;
    page.click("[data-enrol]").await?;
    page.state("working").await?;
    page.click("[data-cancel]").await?;
    page.state("cropped").await?;
    page.network(unlimited()).await?;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ensure!(page.server.objects("faces") <= 1, "more than a tombstone is left");
    page.click("[data-back]").await?;
    ensure!(page.find("none").await?.is_empty());
    page.close_noisily().await
}

#[tokio::test]
async fn without_a_network_faces_are_found_but_not_searched_for() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.network(offline()).await?;
    page.until("return document.querySelector('[data-offline]').checkVisibility()").await?;
    page.choose(&photograph("biden-1.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "You are offline").await?;
    page.look("error-offline").await?;
    page.network(unlimited()).await?;
    page.until("return !document.querySelector('[data-offline]').checkVisibility()").await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}
