//! How the page is delivered: what is loaded when and how many bytes that is, for how long browsers
//! keep it, and the policy that forbids scripts of others.

use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::json;
use tests::api::Api;
use tests::camera::Scene;
use tests::photograph;

use super::Page;

/// What the page may weigh, uncompressed and without the detector.
const PAGE_BYTES_MAX: u64 = 100_000;

/// What may have to arrive before the browser paints, uncompressed.
const PAINT_BYTES_MAX: u64 = 40_000;

/// The document and what the browser waits for before it paints: paths and uncompressed bytes.
const NEEDED_FOR_PAINT: &str = "
    const [page] = performance.getEntriesByType('navigation');
    const files = performance.getEntriesByType('resource');
    const needed = files.filter(({ renderBlockingStatus: status }) => status === 'blocking');
    return [page, ...needed]
        .map(({ name, decodedBodySize }) => [new URL(name).pathname, decodedBodySize])";

#[tokio::test]
async fn it_is_painted_without_scripts_and_answers() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.browser.goto("about:blank").await?;
    page.browser.devtools("Network.enable", json!({})).await?;
    let held_back = json!({ "urls": ["*/js/*", "*/config", "*/vendor/*", "*/models/*"] });
    page.browser.devtools("Network.setBlockedURLs", held_back).await?;
    page.browser.goto(&page.server.url("/")).await?;
    // Ends only when the browser has painted.
    page.browser.execute_async(super::FIRST_PAINT).await?;
    ensure!(page.text("h1").await?.contains("Do we know"), "the heading is not shown");
    let state = page.attribute("body", "data-state").await?;
    ensure!(state.is_empty(), "a script has run, and the page is {state}");
    let needed = page.browser.execute(NEEDED_FOR_PAINT).await?;
    let needed: Vec<(String, u64)> = serde_json::from_value(needed)?;
    println!("the paint needs {needed:?}");
    let is_style = |path: &str| Path::new(path).extension().is_some_and(|end| end == "css");
    ensure!(needed.len() > 1, "no style sheet is waited for: {needed:?}");
    ensure!(needed.iter().all(|(path, _)| path == "/" || is_style(path)), "{needed:?}");
    ensure!(needed.iter().map(|(_, bytes)| bytes).sum::<u64>() < PAINT_BYTES_MAX, "{needed:?}");
    page.close_noisily().await
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

/// Whether a file belongs to the detector: our modules for it, the library and its models.
fn is_detector(path: &str) -> bool {
    ["/js/detect", "/js/find", "/vendor/", "/models/"].iter().any(|part| path.contains(part))
}

/// The bytes of everything else.
fn weight(loaded: &[(String, u64)]) -> u64 {
    loaded.iter().filter(|(path, _)| !is_detector(path)).map(|(_, bytes)| bytes).sum()
}

#[tokio::test]
async fn it_is_light_and_the_detector_is_loaded_after_consent() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    page.browser.goto("about:blank").await?;
    page.load().await?;
    let loaded = loaded(&page).await?;
    println!("the page has {} bytes in {} files", weight(&loaded), loaded.len());
    ensure!(!loaded.iter().any(|(path, _)| is_detector(path)), "too early: {loaded:?}");
    let wakes = |loaded: &[(String, u64)]| loaded.iter().any(|(path, _)| path == "/wake");
    ensure!(!wakes(&loaded), "the model is woken too early: {loaded:?}");
    ensure!(weight(&loaded) < PAGE_BYTES_MAX, "{loaded:?}");

    page.choose(&photograph("obama-1.jpg")).await?;
    page.state("cropped").await?;
    let loaded = self::loaded(&page).await?;
    println!("after a face was found it has {} bytes without the detector", weight(&loaded));
    ensure!(loaded.iter().any(|(path, _)| is_detector(path)), "no detector: {loaded:?}");
    ensure!(wakes(&loaded), "the model is not woken: {loaded:?}");
    ensure!(weight(&loaded) < PAGE_BYTES_MAX, "{loaded:?}");
    let place = page
        .browser
        .execute_async(
            "const done = arguments[arguments.length - 1];
             const address = new URL('finder/detector.js', document.querySelector('script').src);
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
        format!("{own}/js/finder/worker.js"),
        format!("{own}/style.css"),
        format!("{own}/vendor/index.js"),
        format!("{}/face-api.esm.js", folder(&index, "vendor")?),
        format!("{}/tiny_face_detector_model.bin", folder(&index, "models")?),
    ] {
        let response = get(&path).await?;
        ensure!(response.status() == 200, "{path}");
        ensure!(response.headers()["cache-control"] == "public, max-age=31536000, immutable");
    }
    for path in ["/", "/privacy", &format!("{own}/js/finder/worker.js")] {
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
