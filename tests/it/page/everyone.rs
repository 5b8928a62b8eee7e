//! The page for everyone: by keyboard alone, on any screen, light to load, and under the policy
//! that forbids scripts of others.

use anyhow::{Context as _, ensure};
use facenet::verdict::Thresholds;
use fantoccini::key::Key;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, json as read_json};
use tests::camera::Scene;
use tests::photograph;

use super::Page;

/// What the page may weigh, uncompressed and without the detector.
const PAGE_BYTES_MAX: u64 = 100_000;

/// First contentful paint on a server beside the browser.
const PAINT_MS_MAX: f64 = 1000.0;

/// What has the focus.
const FOCUSED: &str = "
    const { activeElement: focused } = document;
    return Object.keys(focused.dataset)[0] ?? focused.localName;";

/// Presses Tab until something has the focus.
async fn tab_to(page: &Page, hook: &str) -> anyhow::Result<()> {
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

    // The camera by hand: without the automatic, by the space bar, and left by Escape.
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
            let name = format!("wide-{width}-{direction}.png");
            page.browser.screenshot(&page.screenshots.join(name)).await?;
        }
    }
    let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    page.browser.devtools("Emulation.setEmulatedMedia", media).await?;
    page.close().await
}

/// The paths of all that the page has loaded, and their bytes, uncompressed.
async fn loaded(page: &Page) -> anyhow::Result<Vec<(String, u64)>> {
    let script = "
        const kinds = ['navigation', 'resource'];
        const all = kinds.flatMap((kind) => performance.getEntriesByType(kind));
        const own = all.filter(({ name }) => name.startsWith(location.origin));
        return own.map(({ name, decodedBodySize }) => [new URL(name).pathname, decodedBodySize])";
    Ok(serde_json::from_value(page.browser.execute(script).await?)?)
}

/// Whether a file belongs to the detector: our door to it, the library and its models.
fn is_detector(path: &str) -> bool {
    ["/js/detect", "/vendor/", "/models/"].iter().any(|part| path.contains(part))
}

/// The bytes of everything else.
fn weight(loaded: &[(String, u64)]) -> u64 {
    loaded.iter().filter(|(path, _)| !is_detector(path)).map(|(_, bytes)| bytes).sum()
}

#[tokio::test]
async fn it_is_light_and_the_detector_comes_when_it_is_wanted() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.browser.goto("about:blank").await?;
    page.load().await?;
    // The page may be ready before it is painted.
    let paint = page
        .browser
        .execute_async(
            "const done = arguments[arguments.length - 1];
             new PerformanceObserver((list) => {
               const [paint] = list.getEntriesByName('first-contentful-paint');
               if (paint) done(paint.startTime);
             }).observe({ type: 'paint', buffered: true })",
        )
        .await?;
    println!("first contentful paint after {paint} ms");
    ensure!(paint.as_f64().is_some_and(|ms| ms < PAINT_MS_MAX), "{paint} ms");
    let loaded = loaded(&page).await?;
    println!("the page has {} bytes in {} files", weight(&loaded), loaded.len());
    ensure!(!loaded.iter().any(|(path, _)| is_detector(path)), "too early: {loaded:?}");
    ensure!(weight(&loaded) < PAGE_BYTES_MAX, "{loaded:?}");

    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    let loaded = self::loaded(&page).await?;
    println!("with all it takes to find faces, but for the detector, {} bytes", weight(&loaded));
    ensure!(loaded.iter().any(|(path, _)| is_detector(path)), "unseen: {loaded:?}");
    ensure!(weight(&loaded) < PAGE_BYTES_MAX, "{loaded:?}");
    let place = page
        .browser
        .execute_async(
            "const done = arguments[arguments.length - 1];
             const address = new URL('detector.js', document.querySelector('script').src);
             import(address).then(({ loadDetector }) => loadDetector()).then(done)",
        )
        .await?;
    println!("the detector: {place}");
    ensure!(place["place"] == "worker", "{place}");
    page.close().await
}

/// The folder below this one that a text names first.
fn folder(text: &str, name: &str) -> anyhow::Result<String> {
    let (_, after) = text.split_once(&format!("\"/{name}/")).context("no such folder")?;
    Ok(format!("/{name}/{}", after.split('/').next().unwrap_or_default()))
}

#[tokio::test]
async fn files_are_kept_by_their_hash_and_documents_are_guarded() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let api = Api::of(&page.server);
    let get = async |path: &str| anyhow::Ok(api.request(Method::GET, path).send().await?);
    let own = folder(&get("/").await?.text().await?, "page")?;
    ensure!(folder(&get("/privacy").await?.text().await?, "page")? == own);
    let index = get(&format!("{own}/vendor/index.js")).await?.text().await?;
    for path in [
        format!("{own}/js/app.js"),
        format!("{own}/js/detector-worker.js"),
        format!("{own}/style.css"),
        format!("{own}/vendor/index.js"),
        format!("{}/face-api.esm.js", folder(&index, "vendor")?),
        format!("{}/tiny_face_detector_model.bin", folder(&index, "models")?),
    ] {
        let response = get(&path).await?;
        ensure!(response.status() == 200, "{path}");
        ensure!(response.headers()["cache-control"] == "public, max-age=31536000, immutable");
    }
    for path in ["/", "/privacy", &format!("{own}/js/detector-worker.js")] {
        let response = get(path).await?;
        let headers = response.headers().clone();
        if !path.starts_with(&own) {
            let cache = headers["cache-control"].to_str()?;
            ensure!(cache.contains("must-revalidate"), "{path}: {cache}");
            ensure!(headers.contains_key("etag"), "{path}");
        }
        let policy = headers["content-security-policy"].to_str()?;
        ensure!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        ensure!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
    }
    page.close().await
}

#[tokio::test]
async fn the_privacy_page_says_what_the_server_does() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let api = Api::of(&page.server);
    let response = api.request(Method::GET, "/config").send().await?;
    ensure!(response.headers()["cache-control"] == "public, max-age=300");
    let config = read_json(response, reqwest::StatusCode::OK).await?;
    ensure!(config["model"] == "casia-webface" && config["pipeline"] == "1", "{config}");
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
    page.look("privacy").await?;
    let consent = "return document.querySelector('[data-consent]')?.checked ?? 'gone'";
    page.load().await?;
    ensure!(page.browser.execute(consent).await? == Value::Bool(false), "consent is ticked");
    page.close().await
}
