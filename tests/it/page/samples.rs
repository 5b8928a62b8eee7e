//! The samples: faces to search for before anybody has agreed, shown a camera or is enrolled; and
//! the words in which results are explained.

use anyhow::ensure;
use fantoccini::key::Key;
use serde_json::json;
use tests::api::Api;
use tests::browser::Cameras;
use tests::camera::Scene;
use tests::{golden, photograph, shaded};

use super::Page;
use crate::access::add_key;

/// The button of a sample.
fn sample(name: &str) -> String {
    format!("[data-sample='/samples/{name}.jpg']")
}

#[tokio::test]
async fn samples_are_found_without_a_camera_and_without_consent() -> anyhow::Result<()> {
    let page = Page::open_with(Scene::Nobody, Cameras::Count(0)).await?;
    // Somebody who is enrolled looks like one of the samples, and is not found among them.
    let enrolled = Api::of(&page.server).enrol("Somebody", &golden("obama-2.png")).await?;
    page.click("[data-try-samples]").await?;
    page.until_text("[data-panel-samples]", "nothing to agree to").await?;
    let loaded = "return [...document.querySelectorAll('[data-panel-samples] img')]
                  .every(({ naturalWidth }) => naturalWidth === 160)";
    page.until(loaded).await?;
    page.look("samples").await?;
    for (name, verdict, title) in [
        ("obama-2", "match", "This looks like Barack Obama"),
        ("biden-2", "match", "This looks like Joe Biden"),
        ("collins-1", "none", "Nobody we know"),
    ] {
        page.click(&sample(name)).await?;
        page.state("result").await?;
        let shown = page.attribute("[data-verdict]", "data-verdict").await?;
        ensure!(shown == verdict, "{name}: {shown}");
        page.until_text("[data-title]", title).await?;
        page.until_text("[data-panel-result]", "Searched among the samples").await?;
        let text = page.text("[data-panel-result]").await?;
        ensure!(!text.contains("Somebody") && !text.contains("Enrol"), "{text}");
        if verdict == "match" {
            let shown = "return document.querySelector('[data-pair-picture]').naturalWidth === 160";
            page.until(shown).await?;
        }
        page.look(&format!("samples-{name}")).await?;
        page.click("[data-panel-result] [data-try-samples]").await?;
    }
    // No detector was loaded, and nobody has agreed to anything.
    let agreed = "return document.querySelector('[data-consent]').checked";
    ensure!(page.browser.execute(agreed).await? == false);
    let requests = page.browser.requests().await?;
    ensure!(!requests.iter().any(|url| url.contains("/vendor/")), "{requests:?}");

    // From there it goes on to a search among people.
    page.click("[data-leave-samples]").await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("match").await? == ["Somebody"]);
    let text = page.text("[data-panel-result]").await?;
    ensure!(!text.contains("sample") && text.contains("Enrol"), "{text}");
    ensure!(enrolled["name"] == "Somebody");
    page.close().await
}

#[tokio::test]
async fn samples_are_found_by_keyboard() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let enter = char::from(Key::Enter).to_string();
    super::accessibility::tab_to(&page, "trySamples").await?;
    page.browser.press(&enter).await?;
    page.until("return document.activeElement.id === 'samples-title'").await?;
    super::accessibility::tab_to(&page, "sample").await?;
    page.browser.press(&enter).await?;
    page.state("result").await?;
    page.until("return document.activeElement.id === 'verdict'").await?;
    super::accessibility::tab_to(&page, "leaveSamples").await?;
    page.browser.press(&enter).await?;
    page.state("idle").await?;
    page.until("return document.activeElement.dataset.consent !== undefined").await?;
    page.close().await
}

#[tokio::test]
async fn a_private_server_has_samples_for_who_has_a_key() -> anyhow::Result<()> {
    let options = ["--var", "ACCESS=private"];
    let page = Page::open_alone(Scene::Nobody, &options).await?;
    page.until_text("[data-private]", "invited people only").await?;
    let offered = "return document.querySelector('[data-try-samples]').checkVisibility()";
    ensure!(page.browser.execute(offered).await? == false, "offered to who may not search");
    let key = add_key(page.server.state(), "guest", "search")?;
    page.browser.goto("about:blank").await?;
    page.browser.goto(&page.server.url(&format!("/#key={key}"))).await?;
    page.state("idle").await?;
    page.until(offered).await?;
    page.click("[data-try-samples]").await?;
    page.click(&sample("biden-2")).await?;
    page.state("result").await?;
    page.until_text("[data-title]", "Joe Biden").await?;
    page.close().await
}

#[tokio::test]
async fn two_people_who_are_equally_near_are_both_named() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let api = Api::of(&page.server);
    api.enrol("Barack Obama", &golden("obama-2.png")).await?;
    let double = tempfile::tempdir()?;
    let file = double.path().join("double.png");
    std::fs::write(&file, shaded("obama-2.png", 6)?)?;
    api.enrol("A double", &file).await?;
    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    ensure!(page.find("possible").await?.len() == 2);
    let title = page.text("[data-title]").await?;
    for name in ["This might be ", "Barack Obama", " or ", "A double"] {
        ensure!(title.contains(name), "{title}");
    }
    page.until_text("[data-meaning]", "Two people are about equally near").await?;
    page.until_text("[data-result-rarity]", "At most 1 stranger in").await?;
    page.until_text("[data-chance]", "Among up to 10 people, at most 1 stranger in").await?;
    page.look("ambiguous").await?;
    page.close().await
}

#[tokio::test]
async fn shares_are_told_in_words_and_never_rarer_than_they_are() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let script = "
        const done = arguments[arguments.length - 1];
        const address = new URL('answers/explain.js', document.querySelector('script').src);
        import(address).then(({ rarity, chance }) => done([
            rarity(1 / 12000), rarity(1 / 12999), rarity(0.3), rarity(0.5), rarity(1),
            rarity(0.001), rarity(1e-9), rarity(undefined), rarity(0), rarity(NaN),
            chance(1 / 640, 20), chance(0.9, 1000), chance(0.01, undefined), chance(undefined, 20),
        ]))";
    let told = page.browser.execute_async(script).await?;
    let expected = json!([
        "At most 1 stranger in 12,000 is this close.",
        "At most 1 stranger in 12,000 is this close.",
        "At most 1 stranger in 3 is this close.",
        "Strangers are often this close.",
        "Strangers are often this close.",
        "At most 1 stranger in 1,000 is this close.",
        "At most 1 stranger in 1,000,000,000 is this close.",
        "",
        "",
        "",
        "Among up to 20 people, at most 1 stranger in 640 finds somebody this close.",
        "Among up to 1,000 people, most strangers find somebody this close.",
        "",
        "",
    ]);
    ensure!(told == expected, "{told}");
    page.close().await
}
