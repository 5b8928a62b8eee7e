//! Failures around the page: it says what is wrong, and works again afterwards.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use facenet::Shard;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::api::{Api, json as answer_of};
use tests::camera::Scene;
use tests::server::{STORE_WORKER, Server, WORKER_HEADER};
use tests::{MODELS_BUCKET, golden, photograph, variable};
use wire::retention::BUCKET_NAME;

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
    let mut page = Page::open_alone(Scene::Nobody, &[]).await?;
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

    *page.server = Server::start_at(port, &state).await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}

/// A Worker whose instance has broken down answers so, and another instance takes its place.
#[tokio::test]
async fn an_instance_that_breaks_down_is_asked_once_more() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.browser
        .execute(
            "const real = window.fetch;
             window.failures = 1;
             window.fetch = (path, init) => path === '/match' && window.failures-- > 0
               ? Promise.resolve(new Response('', { status: 500 })) : real(path, init)",
        )
        .await?;
    page.click("[data-match]").await?;
    page.state("result").await?;
    // Once, and then it was asked again.
    page.until("return window.failures === -1").await?;
    page.close().await
}

#[tokio::test]
async fn too_many_tries_count_down_and_go_on() -> anyhow::Result<()> {
    let page = Page::open_alone(Scene::Nobody, &["--rate-limits"]).await?;
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
    let page = Page::open_alone(Scene::Nobody, &[]).await?;
    let state = page.server.state().to_owned();
    let weights = variable("CFACE_WEIGHTS")?;
    let key = tests::weights("casia-webface", &weights)?.key(Shard::Shard2);
    let key = format!("{MODELS_BUCKET}/{key}");
    wrangler(&state, &["delete", &key])?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.click("[data-match]").await?;
    page.state("error").await?;
    page.until_text("[data-error-title]", "The model is not available").await?;
    page.until_text("[data-error-text]", "shard2.bin").await?;
    page.look("error-no-model").await?;
    let file = weights.join(Shard::Shard2.file());
    let file = file.to_str().context("a path that is no text")?;
    wrangler(&state, &["put", &key, "--file", file])?;
    page.until("return document.querySelector('[data-retry]').textContent === 'Try again'").await?;
    page.click("[data-retry]").await?;
    page.state("result").await?;
    page.close_noisily().await
}

#[tokio::test]
async fn a_slow_network_shows_progress_and_can_be_left() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let objects = page.server.objects(BUCKET_NAME);
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
    // A tombstone of the face, and the end of its token.
    ensure!(page.server.objects(BUCKET_NAME) <= objects + 2, "more than tombstones are left");
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

#[tokio::test]
async fn an_enrolment_without_an_answer_can_be_repeated_or_deleted() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    for (photo, repeats) in [("obama-1.jpg", true), ("biden-1.jpg", false)] {
        page.choose(&photograph(photo)).await?;
        page.state("cropped").await?;
        page.click("[data-panel-work] [data-open-enrol]").await?;
        page.browser.find("[data-name]").await?.send_keys(photo).await?;
        page.click("[data-agree]").await?;
        page.network(offline()).await?;
        page.click("[data-enrol]").await?;
        page.state("error").await?;
        // The token is kept before anything is sent.
        page.until_text("[data-enrolled-found]", "may be stored or not").await?;
        page.look(&format!("enrol-unsure-{repeats}")).await?;
        page.network(unlimited()).await?;
        if repeats {
            page.click("[data-retry]").await?;
            page.state("enrolled").await?;
            page.until_text("[data-enrolled-found]", "Searches find it now").await?;
        }
        page.click("[data-forget]").await?;
        page.until_text("[data-notice]", "Forgotten").await?;
        page.until("return document.querySelector('[data-delete-token]') === null").await?;
    }
    page.close_noisily().await
}

#[tokio::test]
async fn a_deletion_that_the_index_does_not_take_is_told() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("Barack Obama").await?;
    page.server.index_control(&json!({"fail": {"method": "deleteByIds"}})).await?;
    page.click("[data-forget]").await?;
    page.until_text("[data-notice]", "within minutes").await?;
    page.look("forgotten-soon").await?;
    page.close().await
}

/// More copies of a face than the index returns, all of them deleted.
async fn hide_faces(page: &Page) -> anyhow::Result<()> {
    const COPIES: usize = 105;
    let api = Api::of(&page.server);
    let embedding = api.embed(&golden("obama-1.png")).await?;
    let first = api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let path = format!("/faces/{}", first["id"].as_str().context("no id")?);
    let picture = api.request(Method::GET, &path).send().await?.bytes().await?;
    let message = json!({
        "namespace": facenet::namespace("casia-webface", facenet::PIPELINE_INT8),
        "name": "Copy", "embedding": embedding,
        "picture": STANDARD.encode(picture),
    });
    let client = reqwest::Client::new();
    page.server.index_control(&json!({"late_ms": 3_600_000})).await?;
    let mut enrolled = vec![first];
    for _ in 0..COPIES {
        let request = client.post(page.server.inner_url("add")?);
        let answer = request.header(WORKER_HEADER, STORE_WORKER).json(&message).send().await?;
        enrolled.push(answer_of(answer, StatusCode::CREATED).await?);
    }
    page.server.index_control(&json!({"reset": true})).await?;
    page.server.index_control(&json!({"late_ms": 3_600_000})).await?;
    for copy in enrolled {
        let token = copy["delete_token"].as_str().context("no token")?;
        let deletion = api.request(Method::DELETE, "/faces").bearer_auth(token).send().await?;
        ensure!(deletion.status() == StatusCode::NO_CONTENT);
    }
    Ok(())
}

#[tokio::test]
async fn a_search_that_cannot_look_far_enough_says_so() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    hide_faces(&page).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("incomplete").await?.is_empty());
    page.look("result-incomplete").await?;
    // The index applies the deletions.
    page.server.index_control(&json!({"reset": true})).await?;
    page.click("[data-again]").await?;
    page.until("return document.querySelector('[data-verdict]').dataset.verdict === 'none'")
        .await?;
    ensure!(
        page.browser.execute("return document.querySelector('[data-again]').hidden").await? == true
    );
    page.close().await
}
