//! What an operator does with the faces of others, by the commands.

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use tests::api::{Api, json, problem};
use tests::server::Server;
use tests::{golden, log, run_xtask};

use crate::access::add_key;

#[tokio::test]
async fn an_operator_lists_forgets_and_empties() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let obama = api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let biden = api.enrol("Joe Biden", &golden("biden-1.png")).await?;
    let token = biden["delete_token"].as_str().context("no token")?;
    let form = reqwest::multipart::Form::new()
        .text("name", "Joe Biden")
        .text("consent", "true")
        .part("image", tests::api::part(&golden("biden-2.png"))?);
    let second = api.request(Method::POST, "/add").bearer_auth(token).multipart(form);
    json(second.send().await?, StatusCode::CREATED).await?;

    // The command finds the key of a local server by its port.
    let address = server.url("");
    let faces = |action: &[&str]| run_xtask(&[&["faces"], action, &["--to", &address]].concat());
    let list = faces(&["list"])?;
    let id = obama["id"].as_str().context("no id")?;
    let until = obama["expires_at"].as_str().context("no time")?;
    ensure!(list.contains(&format!("{id}\t{until}\t1\tBarack Obama\n")), "{list}");
    ensure!(list.lines().filter(|line| line.ends_with("\t2\tJoe Biden")).count() == 2, "{list}");
    ensure!(list.lines().count() == 3, "{list}");

    // Only a key of the right scope does.
    let file = state.path().join("weak.key");
    std::fs::write(&file, add_key(state.path(), "weak", "search,enrol,vector")?)?;
    let weak = file.to_str().context("a path that is no text")?;
    for action in [&["list"][..], &["empty"], &["forget", id]] {
        let error = faces(&[action, &["--key-file", weak]].concat()).err();
        let error = error.with_context(|| format!("{action:?} was not refused"))?.to_string();
        ensure!(error.contains("`admin`") && error.contains("403"), "{error}");
    }
    let delete = api.request(Method::DELETE, "/faces?all=true").bearer_auth(token);
    problem(delete.send().await?, StatusCode::UNAUTHORIZED).await?;

    faces(&["forget", id])?;
    ensure!(faces(&["forget", id]).is_err_and(|error| error.to_string().contains("404")));
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "none");
    ensure!(api.find(&golden("biden-2.png")).await?["verdict"] == "match");
    // Without a token, it must be said that everybody is meant.
    let operator = Api::with_key(&server, &server.admin_key()?);
    let unclear = operator.request(Method::DELETE, "/faces").send().await?;
    problem(unclear, StatusCode::BAD_REQUEST).await?;
    faces(&["empty"])?;
    ensure!(faces(&["list"])?.is_empty());
    ensure!(api.find(&golden("biden-2.png")).await?["verdict"] == "none");

    // Whoever did it is known by the name of the key.
    let lines = log::requests(&server, "/match", 3).await?;
    for (method, route, status) in
        [("GET", "/faces", 200), ("DELETE", "/faces/{id}", 204), ("DELETE", "/faces", 204)]
    {
        let is_told = |line: &&serde_json::Value| {
            (&line["method"], &line["route"]) == (&method.into(), &route.into())
                && line["status"] == status
                && line["key"] == "developer"
        };
        ensure!(lines.iter().any(|line| is_told(&line)), "{method} {route}:\n{lines:?}");
    }
    let log = server.log();
    ensure!(!log.contains("Obama") && !log.contains(&server.admin_key()?), "{log}");
    server.stop()
}
