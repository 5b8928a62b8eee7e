//! The privacy page says what the server does.

use anyhow::{Context as _, ensure};
use facenet::verdict::Thresholds;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, json as read_json};
use tests::camera::Scene;

use super::Page;
use crate::model::{MODEL, make_weights};

#[tokio::test]
async fn the_privacy_page_says_what_the_server_does() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let api = Api::of(&page.server);
    let response = api.request(Method::GET, "/config").send().await?;
    ensure!(response.headers()["cache-control"] == "public, max-age=300");
    let config = read_json(response, reqwest::StatusCode::OK).await?;
    ensure!(
        config["model"] == "casia-webface" && config["pipeline"] == facenet::PIPELINE_INT8,
        "{config}"
    );
    let thresholds = Thresholds::of("casia-webface").context("no thresholds")?;
    for (name, expected) in [("match", thresholds.match_max), ("possible", thresholds.possible_max)]
    {
        let found = config["thresholds"][name].as_f64().unwrap_or_default();
        ensure!((found - f64::from(expected)).abs() < 1e-6, "{name}: {config}");
    }
    ensure!(config["retention"] == json!({ "cron": "0 12 * * *", "hour_utc": 12 }), "{config}");
    page.click("header a[href='/privacy']").await?;
    page.state("told").await?;
    let text = page.text("main").await?;
    let stored = config["stored"].as_array().map_or(&[][..], Vec::as_slice);
    ensure!(stored.len() == 4, "{config}");
    for entry in stored {
        for column in ["what", "where", "until", "readers"] {
            let words = entry[column].as_str().unwrap_or("missing");
            ensure!(text.contains(words), "the page does not say {words}:\n{text}");
        }
    }
    ensure!(text.contains("12:00 UTC") && text.contains("512"), "{text}");
    let people = &config["accuracy"]["people"];
    let measured = format!("Measured on photographs of {people} people");
    ensure!(text.contains(&measured), "the page does not say {measured}:\n{text}");
    page.look("privacy").await?;
    let consent = "return document.querySelector('[data-consent]')?.checked ?? 'gone'";
    page.load().await?;
    ensure!(page.browser.execute(consent).await? == Value::Bool(false), "consent is ticked");
    page.close().await
}

#[tokio::test]
async fn the_privacy_page_says_when_a_model_was_not_measured() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    make_weights(folder.path())?;
    let weights = folder.path().to_str().context("a path that is no text")?;
    let options = ["--model", MODEL, "--weights", weights];
    let page = Page::open_alone(Scene::Nobody, &options).await?;
    page.click("header a[href='/privacy']").await?;
    page.state("told").await?;
    page.until_text("[data-fact=model]", MODEL).await?;
    let words = page.text("[data-fact=accuracy]").await?;
    ensure!(words.contains("not measured") && !words.contains('%'), "{words}");
    page.close().await
}
