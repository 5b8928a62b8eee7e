//! The log: each request has one line in each Worker that it reaches, with what became of it and
//! nothing about anybody.

use anyhow::{Context as _, ensure};
use reqwest::multipart::Form;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{ADDRESS, Api, json, part};
use tests::server::Server;
use tests::{golden, log};

use crate::access::add_key;

const NAME: &str = "Barack Obama";
const ADDRESS_OF_CALLER: &str = "192.0.2.77";

/// A line of a request, shortened to what is compared.
fn told(line: &Value) -> (String, String, String, u64, String) {
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let status = line["status"].as_u64().unwrap_or_default();
    (text("worker"), text("method"), text("route"), status, text("verdict"))
}

#[tokio::test]
async fn every_request_has_its_lines_and_nobody_is_in_them() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let key = add_key(state.path(), "door", "search,enrol")?;
    let server = Server::start(state.path()).await?;
    let api = Api::with_key(&server, &key);
    let mut seen = log::lines(&server)?.len();
    let mut next = async |count: usize| -> anyhow::Result<Vec<Value>> {
        // Whoever starts the server asks for its health.
        let is_request = |line: &Value| line["event"] == "request" && line["route"] != "/health";
        let new = log::lines_after(&server, seen, count, is_request).await?;
        seen += new.len();
        let requests: Vec<_> = new.into_iter().filter(is_request).collect();
        ensure!(requests.len() == count, "{requests:?}");
        Ok(requests)
    };

    let enrolled = api.enrol(NAME, &golden("obama-1.png")).await?;
    let id = enrolled["id"].as_str().context("no id")?.to_owned();
    let token = enrolled["delete_token"].as_str().context("no token")?.to_owned();
    let lines = next(2).await?;
    let expected = [("cface-vectorize", "/add", 201), ("cface", "/add", 201)];
    for (line, (worker, route, status)) in lines.iter().zip(expected) {
        let is_told = (worker.into(), "POST".into(), route.into(), status, String::new());
        ensure!(told(line) == is_told, "{line}");
    }
    ensure!(lines[1]["key"] == "door", "{}", lines[1]);
    for stage in ["read", "model", "store", "total"] {
        ensure!(lines[1]["ms"][stage].is_u64(), "{}", lines[1]);
    }
    ensure!(lines[1]["calls"]["objects"] == 1 && lines[1]["calls"]["store"] == 1, "{}", lines[1]);

    let from = |method, path: &str| api.request(method, path).header(ADDRESS, ADDRESS_OF_CALLER);
    let picture = std::fs::read(golden("obama-2.png"))?;
    let found = from(Method::POST, "/match?top_k=3").body(picture).send().await?;
    ensure!(json(found, StatusCode::OK).await?["verdict"] == "match");
    let lines = next(2).await?;
    ensure!(told(&lines[1]).4 == "match" && lines[1]["ms"]["search"].is_u64(), "{}", lines[1]);

    let form = Form::new()
        .part("image", part(&golden("obama-1.png"))?)
        .part("other", part(&golden("biden-1.png"))?);
    from(Method::POST, "/verify").multipart(form).send().await?;
    ensure!(told(&next(1).await?[0]).4 == "none");

    let face = format!("/faces/{id}");
    for (method, path, route, status, workers) in [
        (Method::GET, face.clone(), "/faces/{id}", 200, 2),
        (Method::GET, format!("{face}/status"), "/faces/{id}/status", 200, 2),
        (Method::GET, format!("/{NAME}/{id}"), "unknown", 404, 1),
        (Method::PUT, "/match".into(), "/match", 405, 1),
        (Method::POST, format!("/embed?who={NAME}"), "/embed", 400, 1),
        (Method::from_bytes(b"QUERY")?, "/match".into(), "/match", 405, 1),
        (Method::DELETE, face, "/faces/{id}", 204, 2),
    ] {
        from(method.clone(), &path).bearer_auth(&token).send().await?;
        for line in next(workers).await? {
            let (_, method_told, route_told, status_told, _) = told(&line);
            let known = if method.as_str() == "QUERY" { "other" } else { method.as_str() };
            ensure!((method_told.as_str(), route_told.as_str()) == (known, route), "{line}");
            ensure!(status_told == status, "{line}");
            ensure!((status < 400) == line["problem"].is_null(), "{line}");
        }
    }

    let own: Vec<String> = log::lines(&server)?.iter().map(Value::to_string).collect();
    for secret in ["Obama", "QUERY", &id, &token, &key, ADDRESS_OF_CALLER, "127.0.0.1", "top_k"] {
        let line = own.iter().find(|line| line.contains(secret));
        ensure!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    server.stop()
}
