//! How long people wait for a result, measured in the browser. Printed, since machines differ;
//! what a test may demand of any machine is only that there is a result.

use anyhow::ensure;
use serde_json::{Value, json};
use tests::camera::Scene;
use tests::photograph;

use super::Page;

/// Measured after a first, cold one.
const SEARCHES: usize = 15;

/// Waits for a state after a click, by the browser's own clock.
const TIMED: &str = "
    const done = arguments[arguments.length - 1];
    const begun = performance.now();
    const look = () => document.body.dataset.state === STATE && done(performance.now() - begun);
    new MutationObserver(look).observe(document.body, { attributeFilter: ['data-state'] });
    document.querySelector(BUTTON).click();";

async fn timed(page: &Page, button: &str, state: &str) -> anyhow::Result<f64> {
    let script = TIMED
        .replace("STATE", &json!(state).to_string())
        .replace("BUTTON", &json!(button).to_string());
    let milliseconds = page.browser.execute_async(&script).await?;
    Ok(milliseconds.as_f64().unwrap_or(f64::NAN))
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

#[tokio::test]
async fn a_search_from_click_to_result() -> anyhow::Result<()> {
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("Barack Obama").await?;
    let (mut detections, mut searches, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=SEARCHES {
        page.browser.execute("document.querySelector('[data-another]').click()").await.ok();
        page.load().await?;
        page.click("[data-consent]").await?;
        page.browser.execute("document.querySelector('[data-automatic]').checked = false").await?;
        page.click("[data-start-camera]").await?;
        page.until("return document.body.dataset.advice === 'good'").await?;
        let detection = timed(&page, "[data-capture]", "cropped").await?;
        let search = timed(&page, "[data-match]", "result").await?;
        ensure!(page.attribute("[data-verdict]", "data-verdict").await? == "match");
        if turn > 0 {
            detections.push(detection);
            searches.push(search);
            both.push(detection + search);
        }
    }
    let figures: [Value; 3] = [detections, searches, both].map(|all| json!(median(all).round()));
    let [detection, search, both] = figures;
    println!("medians of {SEARCHES}: detection {detection} ms, match {search} ms, both {both} ms");
    page.close().await
}
