//! Who may do what: API keys and their scopes, in public and in private mode.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use testbed::wait;
use tests::api::{Api, json, problem};
use tests::server::Server;
use tests::{golden, log, run_xtask};
use wire::access::Scope;
use wire::limits::EMBEDDING_DIMENSIONS;

/// How long a server may take until it knows of a change to its configuration.
const RELOAD_MAX: Duration = Duration::from_mins(1);

/// Makes a key in a state folder by the command, and gives it.
pub(crate) fn add_key(state: &Path, name: &str, scopes: &str) -> anyhow::Result<String> {
    let state = state.to_str().context("a path that is no text")?;
    let key = run_xtask(&["keys", "add", name, "--scope", scopes, "--state", state])?;
    Ok(key.trim().to_owned())
}

fn revoke_key(state: &Path, name: &str) -> anyhow::Result<()> {
    let state = state.to_str().context("a path that is no text")?;
    run_xtask(&["keys", "revoke", name, "--state", state]).map(drop)
}

/// Checks that a refusal says how callers show who they are, and names a scope.
async fn refused(response: Response, status: StatusCode, scope: &str) -> anyhow::Result<()> {
    let challenge = response.headers().get("www-authenticate").cloned();
    ensure!(challenge.is_some() == (status == StatusCode::UNAUTHORIZED), "{challenge:?}");
    let document = json(response, status).await?;
    let detail = document["detail"].as_str().unwrap_or_default();
    ensure!(detail.contains(&format!("`{scope}`")), "{scope}: {detail}");
    Ok(())
}

/// A way to call an operation of openapi.json, and the scopes of which it needs one; none for an
/// operation that is open.
struct Operation {
    method: Method,
    path: String,
    media_type: &'static str,
    scopes: BTreeSet<String>,
}

impl Operation {
    /// All of them.
    fn all(openapi: &Value) -> anyhow::Result<Vec<Self>> {
        let mut all = Vec::new();
        for (path, operations) in openapi["paths"].as_object().context("no paths")? {
            for (method, operation) in operations.as_object().context("no operations")? {
                if method == "parameters" {
                    continue;
                }
                let method = Method::from_bytes(method.to_uppercase().as_bytes())?;
                let path = path.replace("{id}", &"0".repeat(32));
                let alternatives = operation["security"].as_array().into_iter().flatten();
                let scopes: BTreeSet<String> = alternatives
                    .filter_map(|one| one["apiKey"].as_array())
                    .flatten()
                    .filter_map(|scope| scope.as_str().map(str::to_owned))
                    .collect();
                let add = |media_type, scopes| Self {
                    method: method.clone(),
                    path: path.clone(),
                    media_type,
                    scopes,
                };
                if path == "/match" {
                    // What is sent decides which of the two it is.
                    ensure!(scopes == words(&[Scope::Search, Scope::Vector]), "{scopes:?}");
                    all.push(add("image/png", words(&[Scope::Search])));
                    all.push(add("application/json", words(&[Scope::Vector])));
                } else {
                    all.push(add("image/png", scopes));
                }
            }
        }
        Ok(all)
    }

    /// Sends nothing that could be computed.
    async fn call(&self, api: &Api<'_>) -> anyhow::Result<Response> {
        let request = api.request(self.method.clone(), &self.path);
        Ok(request.header("content-type", self.media_type).send().await?)
    }
}

fn words(scopes: &[Scope]) -> BTreeSet<String> {
    scopes.iter().map(|scope| scope.as_str().to_owned()).collect()
}

#[tokio::test]
async fn private_mode_asks_for_a_key_on_every_route() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let keys =
        Scope::ALL.map(|scope| (scope, add_key(state.path(), scope.as_str(), scope.as_str())));
    let options = ["--var", "ACCESS=private"];
    let keys = keys.map(|(scope, key)| (scope.as_str(), key));
    let revoked = add_key(state.path(), "gone", "search,enrol,vector,admin")?;
    revoke_key(state.path(), "gone")?;
    let server = Server::start_with(state.path(), &options).await?;
    let api = Api::of(&server);
    let openapi = json(api.request(Method::GET, "/openapi.json").send().await?, StatusCode::OK);
    let operations = Operation::all(&openapi.await?)?;
    let open = operations.iter().filter(|operation| operation.scopes.is_empty());
    ensure!(open.count() == 3, "only facts of the instance are open");
    for operation in &operations {
        let what = format!("{} {} {}", operation.method, operation.path, operation.media_type);
        let unknown = Api::with_key(&server, &revoked);
        let Some(scope) = operation.scopes.first() else {
            ensure!(operation.call(&api).await?.status() == StatusCode::OK, "{what}");
            let response = operation.call(&unknown).await?;
            problem(response, StatusCode::UNAUTHORIZED).await.context(what)?;
            continue;
        };
        for api in [&api, &unknown, &Api::with_key(&server, "rubbish")] {
            let response = operation.call(api).await?;
            refused(response, StatusCode::UNAUTHORIZED, scope).await.context(what.clone())?;
        }
        for (own, key) in &keys {
            let key = key.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            let response = operation.call(&Api::with_key(&server, key)).await?;
            if operation.scopes.contains(*own) {
                let status = response.status().as_u16();
                ensure!(![401, 403].contains(&status) && status < 500, "{what}, {own}: {status}");
            } else {
                let outcome = refused(response, StatusCode::FORBIDDEN, scope).await;
                outcome.with_context(|| format!("{what} with {own}"))?;
            }
        }
    }
    server.stop()
}

#[tokio::test]
async fn keys_come_and_go_while_a_private_server_runs() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--var", "ACCESS=private"]).await?;
    let key = add_key(state.path(), "door", "search,enrol")?;
    let door = Api::with_key(&server, &key);
    let enrolled = door.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let found = door.find(&golden("obama-2.png")).await?;
    ensure!(found["matches"][0]["id"] == enrolled["id"], "{found}");
    let listed = run_xtask(&["keys", "list", "--state", &state.path().to_string_lossy()])?;
    ensure!(listed == "developer\tsearch,enrol,vector,admin\ndoor\tsearch,enrol\n", "{listed}");
    revoke_key(state.path(), "door")?;
    let response = door.post_file("/match", &golden("obama-2.png")).await?;
    refused(response, StatusCode::UNAUTHORIZED, "search").await?;
    // People delete their faces with whatever key they have.
    let id = enrolled["id"].as_str().unwrap_or_default();
    let token = enrolled["delete_token"].as_str().unwrap_or_default();
    let delete = door.request(Method::DELETE, &format!("/faces/{id}")).bearer_auth(token);
    ensure!(delete.send().await?.status() == StatusCode::NO_CONTENT);
    let by_door = |line: &Value| line["key"] == "door" && line["route"] == "/match";
    let lines = log::requests(&server, "/faces/{id}", 1).await?;
    ensure!(lines.iter().any(by_door), "{lines:?}");
    let log = server.log();
    ensure!(!log.contains(&key) && !log.contains(&server.admin_key()?), "a key in the log:\n{log}");
    server.stop()
}

#[tokio::test]
async fn in_public_mode_vectors_need_a_key_and_wrong_keys_are_refused() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let [search, vector] = ["search", "vector"].map(|name| add_key(state.path(), name, name));
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let mut values = vec![0.0; EMBEDDING_DIMENSIONS];
    values[0] = 1.0;
    let message = serde_json::json!({ "embedding": values });
    let by_vector = async |api: &Api<'_>| -> anyhow::Result<Response> {
        // A header that is no key makes no difference.
        let request = api.request(Method::POST, "/match").header("authorization", "Bearer x");
        Ok(request.json(&message).send().await?)
    };
    refused(by_vector(&api).await?, StatusCode::UNAUTHORIZED, "vector").await?;
    let search = Api::with_key(&server, &search?);
    refused(by_vector(&search).await?, StatusCode::FORBIDDEN, "vector").await?;
    let answer = by_vector(&Api::with_key(&server, &vector?)).await?;
    ensure!(json(answer, StatusCode::OK).await?["verdict"] == "none");

    // Everything else works without a key, and with any; but not with a wrong one.
    ensure!(api.find(&golden("obama-1.png")).await?["verdict"] == "none");
    ensure!(search.find(&golden("obama-1.png")).await?["verdict"] == "none");
    let wrong = Api::with_key(&server, &"0".repeat(64));
    for path in ["/config", "/health", "/openapi.json"] {
        let response = wrong.request(Method::GET, path).send().await?;
        problem(response, StatusCode::UNAUTHORIZED).await.context(path)?;
    }
    let response = wrong.post_file("/match", &golden("obama-1.png")).await?;
    problem(response, StatusCode::UNAUTHORIZED).await?;

    // Others learn little of how the instance is.
    for api in [&api, &search] {
        let health = api.request(Method::GET, "/health").send().await?;
        let health = json(health, StatusCode::OK).await?;
        let members: Vec<_> = health.as_object().context("no object")?.keys().collect();
        ensure!(members == ["model", "pipeline", "status"], "{health}");
    }
    let health = json(api.health().await?, StatusCode::OK).await?;
    ensure!(health["keys"] == serde_json::json!(["developer", "search", "vector"]), "{health}");
    ensure!(health["engine"].is_string() && health["memory"]["wasm_mb"].is_number(), "{health}");
    server.stop()
}

#[tokio::test]
async fn an_unknown_access_closes_every_route() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let openapi = json(api.request(Method::GET, "/openapi.json").send().await?, StatusCode::OK);
    let operations = Operation::all(&openapi.await?)?;
    let config = state.path().join("cface/wrangler.toml");
    let text = fs::read_to_string(&config)?;
    // As long as before, because wrangler sees every change and must not find the file empty.
    let text = text.replace("ACCESS = \"public\"", "ACCESS = \"privat\"");
    fs::File::options().write(true).open(&config)?.write_all(text.as_bytes())?;
    let closed = async || -> anyhow::Result<()> {
        let status = api.request(Method::GET, "/health").send().await?.status();
        ensure!(status == StatusCode::INTERNAL_SERVER_ERROR, "{status}");
        Ok(())
    };
    wait::until_async(RELOAD_MAX, async || Ok(closed().await)).await?;
    for operation in operations {
        let response = operation.call(&api).await?;
        let what = format!("{} {}", operation.method, operation.path);
        problem(response, StatusCode::INTERNAL_SERVER_ERROR).await.context(what)?;
    }
    let lines = log::lines_after(&server, 0, 1, |line| line["faults"][0].is_string()).await?;
    let fault = lines.iter().find_map(|line| line["faults"][0].as_str()).context("no fault")?;
    ensure!(fault.contains("ACCESS in wrangler.toml must be"), "{fault}");
    server.stop()
}
