//! Pages of other origins: what they may read, and that they can do nothing for their visitors. And
//! methods that no route knows.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, problem};
use tests::browser::Browser;
use tests::camera::Scene;
use tests::server::Server;
use tests::{golden, log};
use wire::retention::BUCKET_NAME;

use crate::lent::Lent;

/// Sends what `/add` takes, and a search, as any page can without asking the server first.
const ENROL_SILENTLY: &str = "
    const [server, picture, done] = arguments;
    const bytes = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
    const image = new Blob([bytes]);
    const form = new FormData();
    form.set('name', 'Visitor');
    form.set('consent', 'true');
    form.set('image', image, 'face.png');
    const send = (path, body) => fetch(server + path, { method: 'POST', mode: 'no-cors', body });
    Promise.allSettled([send('add', form), send('match', image)]).then(() => done(true));";

/// A website of somebody else, with one empty page.
fn website() -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            // The request is short, and what it asks for does not matter.
            let _ = stream.read(&mut [0; 4096]);
            let page = "<!doctype html><title>Elsewhere</title>";
            let length = page.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\
                 connection: close\r\n\r\n{page}"
            );
        }
    });
    Ok(url)
}

#[tokio::test]
async fn foreign_pages_enrol_and_search_nothing_for_their_visitors() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let browser = Browser::open(Scene::Nobody).await?;
    let picture = STANDARD.encode(std::fs::read(golden("obama-1.png"))?);
    let arguments = vec![server.url("/").into(), picture.into()];
    browser.goto(&website()?).await?;
    browser.execute_async_with(ENROL_SILENTLY, arguments).await?;
    // The browser has sent both, and without asking.
    let is_refused = |line: &Value| {
        ["/add", "/match"].iter().any(|route| line["route"] == *route) && line["status"] == 403
    };
    let lines = log::lines_after(&server, 0, 2, is_refused).await?;
    ensure!(!server.log().contains("OPTIONS"), "{}", server.log());
    ensure!(server.objects(BUCKET_NAME) == 0, "a visitor was enrolled");
    ensure!(log::of_event(&lines, "load").count() == 0, "something was computed: {lines:?}");
    browser.close().await?;
    server.stop()
}

#[tokio::test]
async fn what_changes_or_computes_is_refused_to_foreign_pages() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let own = server.url("");
    let own = own.trim_end_matches('/');
    let face = format!("/faces/{}", "0".repeat(32));
    let routes = [
        (Method::POST, "/embed"),
        (Method::POST, "/add"),
        (Method::POST, "/match"),
        (Method::POST, "/verify"),
        (Method::POST, "/wake"),
        (Method::DELETE, "/faces"),
        (Method::DELETE, face.as_str()),
        (Method::PUT, "/nothing"),
    ];
    let foreign: [&[(&str, &str)]; 6] = [
        &[("origin", "https://example.org")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:1")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", own), ("sec-fetch-site", "cross-site")],
    ];
    let ours: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", own)],
        &[("origin", own), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ];
    for (method, path) in routes {
        let send = async |signs: &[(&str, &str)]| {
            let request = api.request(method.clone(), path);
            let request =
                signs.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.send().await
        };
        for signs in foreign {
            let what = || format!("{method} {path} {signs:?}");
            problem(send(signs).await?, StatusCode::FORBIDDEN).await.with_context(what)?;
        }
        for signs in ours {
            let status = send(signs).await?.status();
            ensure!(status != StatusCode::FORBIDDEN, "{method} {path} {signs:?}");
        }
    }
    let read = api.request(Method::GET, "/config").header("sec-fetch-site", "cross-site");
    ensure!(read.send().await?.status() == StatusCode::OK);
    server.give_back().await
}

#[tokio::test]
async fn methods_that_no_route_knows_are_named_so() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    for name in ["PURGE", "PROPFIND", "SEARCH", "REPORT", "PATCH", "OPTIONS"] {
        for (path, allow) in [("/config", "GET, HEAD"), ("/embed", "POST")] {
            let response = api.request(Method::from_bytes(name.as_bytes())?, path).send().await?;
            let allowed = response.headers().get("allow").context(name)?;
            ensure!(allowed == allow, "{name} {path}: {allowed:?}");
            problem(response, StatusCode::METHOD_NOT_ALLOWED).await.context(name)?;
        }
    }
    server.give_back().await
}

#[tokio::test]
async fn answers_are_closed_to_other_origins() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let unknown = format!("/faces/{}", "0".repeat(32));
    for (method, path) in [
        (Method::GET, "/health"),
        (Method::GET, "/openapi.json"),
        (Method::POST, "/embed"),
        (Method::GET, "/embed"),
        (Method::GET, unknown.as_str()),
        (Method::GET, "/faces/%3Cscript%3E"),
    ] {
        let request = api.request(method, path).header("origin", "https://example.org");
        let response = request.send().await?;
        check_headers(response.headers()).context(path.to_owned())?;
        let text = response.text().await?;
        ensure!(!text.contains("<script>"), "{path}: {text}");
    }
    let preflight = api
        .request(Method::OPTIONS, "/embed")
        .header("origin", "https://example.org")
        .header("access-control-request-method", "POST");
    problem(preflight.send().await?, StatusCode::METHOD_NOT_ALLOWED).await?;
    server.give_back().await
}

fn check_headers(headers: &HeaderMap) -> anyhow::Result<()> {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("vary", "origin"),
    ] {
        let actual = headers.get(name).with_context(|| format!("no {name}"))?;
        ensure!(actual == value, "{name}: {actual:?}");
    }
    ensure!(headers.contains_key("cache-control"));
    ensure!(!headers.contains_key("access-control-allow-origin"));
    Ok(())
}
