//! How long people wait for the page and for a result, measured in the browser. The times are only
//! printed, because machines differ. What the test checks is that there is a result.

use anyhow::ensure;
use serde_json::{Value, json};
use tests::camera::Scene;
use tests::photograph;

use super::Page;

/// The variable that says how many searches are measured, after a first one that loads the model.
const SEARCHES: &str = "CFACE_SEARCHES";

/// How many are measured without it: enough to see that the page can search several times.
const SEARCHES_USUAL: usize = 3;

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
    let wanted = std::env::var(SEARCHES).ok();
    let count = wanted.map_or(Ok(SEARCHES_USUAL), |number| number.parse())?;
    ensure!(count > 0, "{SEARCHES} is 0");
    let page = Page::open(Scene::Face("obama-1.jpg")).await?;
    page.choose(&photograph("obama-2.jpg")).await?;
    page.state("cropped").await?;
    page.enrol("Barack Obama").await?;
    let (mut paints, mut detections) = (Vec::new(), Vec::new());
    let (mut searches, mut both) = (Vec::new(), Vec::new());
    for turn in 0..=count {
        page.load().await?;
        let paint = page.browser.execute_async(super::FIRST_PAINT).await?;
        page.click("[data-consent]").await?;
        page.browser.execute("document.querySelector('[data-automatic]').checked = false").await?;
        page.click("[data-start-camera]").await?;
        page.until("return document.body.dataset.advice === 'good'").await?;
        let detection = timed(&page, "[data-capture]", "cropped").await?;
        let search = timed(&page, "[data-match]", "result").await?;
        ensure!(page.attribute("[data-verdict]", "data-verdict").await? == "match");
        if turn > 0 {
            paints.push(paint.as_f64().unwrap_or(f64::NAN));
            detections.push(detection);
            searches.push(search);
            both.push(detection + search);
        }
    }
    let medians: [Value; 4] =
        [paints, detections, searches, both].map(|all| json!(median(all).round()));
    let [paint, detection, search, both] = medians;
    println!("medians of {count} searches, in ms: first contentful paint {paint},");
    println!("detection {detection}, match {search}, detection and match {both}");
    page.close().await
}
