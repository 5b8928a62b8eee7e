//! A bucket in which others keep objects too: whatever is deleted here, theirs stay as they are.

use std::path::Path;

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;
use testbed::wrangler;
use tests::api::{Api, json as answer};
use tests::golden;
use tests::server::Server;
use wire::retention::BUCKET_NAME;

/// Keys that begin like ours, sort between ours, or are nothing like them.
const KEYS: [&str; 8] = [
    "0.jpg",
    "7f/holiday.jpg",
    "ABCDEF0123456789ABCDEF0123456789",
    "gone/fishing.txt",
    "gone/batch-of-photos",
    "gone/token-list",
    "purge/notes.txt",
    "zebra",
];

/// Runs wrangler on the local bucket, and gives what it prints.
fn wrangler(state: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = wrangler::command(&state.join("logs-of-test"));
    command.arg("r2").args(arguments).args(["--local", "--persist-to"]).arg(state);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{arguments:?}: {text}");
    Ok(output.stdout)
}

/// What is in the object of a key.
fn content(key: &str) -> String {
    format!("{key} belongs to somebody else")
}

fn store(state: &Path) -> anyhow::Result<()> {
    let mut list = Vec::new();
    for (number, key) in KEYS.into_iter().enumerate() {
        let file = state.join(format!("stranger-{number}"));
        std::fs::write(&file, content(key))?;
        list.push(json!({ "key": key, "file": file }));
    }
    let file = state.join("strangers.json");
    std::fs::write(&file, serde_json::to_vec(&list)?)?;
    let file = file.to_str().context("a path that is no text")?;
    wrangler(state, &["bulk", "put", BUCKET_NAME, "--filename", file]).map(drop)
}

#[tokio::test]
async fn what_others_keep_in_the_bucket_stays() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    store(state.path())?;
    let server = Server::start(state.path()).await?;
    ensure!(server.objects(BUCKET_NAME) == KEYS.len());
    let api = Api::of(&server);
    let operator = Api::with_key(&server, &server.admin_key()?);
    let listed = async || -> anyhow::Result<usize> {
        let list = operator.request(Method::GET, "/faces").send().await?;
        let list = answer(list, StatusCode::OK).await?;
        Ok(list["faces"].as_array().context("no list")?.len())
    };
    api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    api.enrol("Joe Biden", &golden("biden-1.png")).await?;
    ensure!(listed().await? == 2);
    // Nobody gets at them as if they were faces.
    for key in KEYS {
        let answer = api.request(Method::GET, &format!("/faces/{key}")).send().await?;
        ensure!(answer.status() == StatusCode::NOT_FOUND, "{key}");
    }
    server.purge(0).await?;
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "none");

    api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let empty = operator.request(Method::DELETE, "/faces?all=true").send().await?;
    ensure!(empty.status() == StatusCode::NO_CONTENT);
    ensure!(listed().await? == 0);
    for day in 1..4 {
        server.purge(day).await?;
    }
    // Of ours there is only what is known of the last purge.
    ensure!(server.objects(BUCKET_NAME) == KEYS.len() + 1, "{}", server.objects(BUCKET_NAME));
    server.stop()?;
    for key in KEYS {
        let path = format!("{BUCKET_NAME}/{key}");
        let found = wrangler(state.path(), &["object", "get", &path, "--pipe"])?;
        ensure!(found == content(key).into_bytes(), "{key}: {}", String::from_utf8_lossy(&found));
    }
    Ok(())
}
