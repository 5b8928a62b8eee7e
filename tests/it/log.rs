//! The log: each request has a line with what became of it and nothing about anybody, and where
//! something is worth a look, one in each Worker that it reaches. Many ordinary ones are thinned.

use anyhow::{Context as _, ensure};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{ADDRESS, Api, json, part};
use tests::server::Server;
use tests::{golden, log};
use wire::limits::{LOG_ONE_OF, LOG_SLOW_MS, LOG_WHOLE_LINES_MAX};

use crate::access::add_key;

const NAME: &str = "Barack Obama";
const ADDRESS_OF_CALLER: &str = "192.0.2.77";

/// A line of a request, shortened to what is compared.
fn told(line: &Value) -> (String, String, u64, String) {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let status = line["status"].as_u64().unwrap_or_default();
    (text("method"), text("route"), status, text("verdict"))
}

#[tokio::test]
async fn every_request_has_its_lines_and_nobody_is_in_them() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let key = add_key(state.path(), "door", "search,enrol")?;
    let server = Server::start(state.path()).await?;
    let api = Api::with_key(&server, &key);
    let mut seen = log::lines(&server)?.len();
    // The line of the next request, and whether the private Worker has written one before it.
    let mut next = async || -> anyhow::Result<(Value, bool)> {
        // Whoever starts the server asks for its health.
        let is_request = |line: &Value| line["event"] == "request" && line["route"] != "/health";
        let is_public = |line: &Value| is_request(line) && line["worker"] == "cface";
        let new = log::lines_after(&server, seen, 1, is_public).await?;
        seen += new.len();
        let mut requests: Vec<_> = new.into_iter().filter(is_request).collect();
        let line = requests.pop().filter(is_public).context("no line comes last")?;
        ensure!(requests.len() < 2, "{requests:?}");
        for private in &requests {
            let is_slow = private["ms"]["total"].as_u64() >= Some(LOG_SLOW_MS);
            ensure!(is_slow || private["status"].as_u64() >= Some(400), "{private}");
        }
        Ok((line, !requests.is_empty()))
    };

    let enrolled = api.enrol(NAME, &golden("obama-1.png")).await?;
    let id = enrolled["id"].as_str().context("no id")?.to_owned();
    let token = enrolled["delete_token"].as_str().context("no token")?.to_owned();
    let line = next().await?.0;
    ensure!(told(&line) == ("POST".into(), "/add".into(), 201, String::new()), "{line}");
    ensure!(line["key"] == "door", "{line}");
    for stage in ["read", "model", "store", "total"] {
        ensure!(line["ms"][stage].is_u64(), "{line}");
    }
    // The private Worker has told what it has called.
    for (call, count) in [("objects", 1), ("store", 1), ("r2_class_a", 1), ("vectorize_query", 1)] {
        ensure!(line["calls"][call] == count, "{line}");
    }

    let from = |method, path: &str| api.request(method, path).header(ADDRESS, ADDRESS_OF_CALLER);
    let picture = std::fs::read(golden("obama-2.png"))?;
    let found = from(Method::POST, "/match?top_k=3").body(picture).send().await?;
    ensure!(json(found, StatusCode::OK).await?["verdict"] == "match");
    let line = next().await?.0;
    ensure!(told(&line).3 == "match" && line["ms"]["search"].is_u64(), "{line}");

    let form = Form::new()
        .part("image", part(&golden("obama-1.png"))?)
        .part("other", part(&golden("biden-1.png"))?);
    from(Method::POST, "/verify").multipart(form).send().await?;
    ensure!(told(&next().await?.0).3 == "none");

    let face = format!("/faces/{id}");
    for (method, path, route, status, is_refused_there) in [
        (Method::GET, face.clone(), "/faces/{id}", 200, false),
        (Method::GET, format!("{face}/status"), "/faces/{id}/status", 200, false),
        (Method::GET, format!("/{NAME}/{id}"), "unknown", 404, false),
        (Method::PUT, "/match".into(), "/match", 405, false),
        (Method::POST, format!("/embed?who={NAME}"), "/embed", 400, false),
        (Method::from_bytes(b"QUERY")?, "/match".into(), "/match", 405, false),
        (Method::DELETE, face.clone(), "/faces/{id}", 204, false),
        (Method::DELETE, face, "/faces/{id}", 404, true),
    ] {
        let answer = from(method.clone(), &path).bearer_auth(&token).send().await?;
        ensure!(!answer.headers().contains_key("x-cface-calls"), "{:?}", answer.headers());
        let (line, private) = next().await?;
        let (method_told, route_told, status_told, _) = told(&line);
        let known = if method.as_str() == "QUERY" { "other" } else { method.as_str() };
        ensure!((method_told.as_str(), route_told.as_str()) == (known, route), "{line}");
        ensure!(status_told == status, "{line}");
        // What the private Worker has refused is a problem of its line.
        let is_refused_here = status >= 400 && !is_refused_there;
        ensure!(is_refused_here != line["problem"].is_null(), "{line}");
        ensure!(private || !is_refused_there, "the private Worker has no line: {line}");
    }

    let own: Vec<String> = log::lines(&server)?.iter().map(Value::to_string).collect();
    for secret in ["Obama", "QUERY", &id, &token, &key, ADDRESS_OF_CALLER, "127.0.0.1", "top_k"] {
        let line = own.iter().find(|line| line.contains(secret));
        ensure!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    server.stop()
}

#[tokio::test]
async fn many_ordinary_requests_are_thinned_and_others_are_not() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let send = async |path: &str, count: u32| -> anyhow::Result<()> {
        for _ in 0..count {
            api.request(Method::GET, path).send().await?.bytes().await?;
        }
        Ok(())
    };
    let beyond = 3 * LOG_ONE_OF;
    send("/config", LOG_WHOLE_LINES_MAX + beyond).await?;
    send("/none", LOG_WHOLE_LINES_MAX + beyond).await?;
    let of_route = |line: &Value, route: &str| line["route"] == route;
    let all = (LOG_WHOLE_LINES_MAX + beyond) as usize;
    let lines = log::lines_after(&server, 0, all, |line| of_route(line, "unknown")).await?;
    let refused = lines.iter().filter(|line| of_route(line, "unknown"));
    ensure!(refused.clone().count() == all, "{lines:?}");
    ensure!(refused.into_iter().all(|line| line["stands_for"].is_null()), "{lines:?}");

    let lines: Vec<_> = lines.iter().filter(|line| of_route(line, "/config")).collect();
    // One that the machine was slow at has a line of its own, and is not counted.
    let is_slow = |line: &&&Value| line["ms"]["total"].as_u64() >= Some(LOG_SLOW_MS);
    let slow = u32::try_from(lines.iter().filter(is_slow).count())?;
    let beyond = beyond.checked_sub(slow).context("a slow machine")?;
    let thinned = lines.iter().filter(|line| line["stands_for"] == LOG_ONE_OF).count();
    ensure!(thinned == (beyond / LOG_ONE_OF) as usize, "{lines:?}");
    let whole = lines.iter().filter(|line| line["stands_for"].is_null()).count();
    ensure!(whole == (LOG_WHOLE_LINES_MAX + slow) as usize, "{lines:?}");
    server.stop()
}
