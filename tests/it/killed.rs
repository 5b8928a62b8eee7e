//! `cargo xtask dev` killed while faces come and go: what was answered is kept, and no process
//! stays.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::{Method, StatusCode};
use testbed::process::command_lines_with;
use testbed::wait;
use tests::api::Api;
use tests::golden;
use tests::server::Server;

/// How often the server is killed.
const ROUNDS: u64 = 4;

/// Each kill leaves up to two faces whose tokens nobody was told, and so many people may have the
/// same picture and no more. So the rounds take turns.
const CROPS: [&str; 4] = ["obama-1.png", "biden-1.png", "obama-2.png", "biden-2.png"];

/// How long the processes may take to end.
const END_MAX: Duration = Duration::from_secs(10);

/// Faces by their ids, with their tokens.
type Faces = BTreeMap<String, String>;

#[tokio::test]
async fn a_server_that_is_killed_leaves_whole_data_and_no_process() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let (mut stored, mut deleted) = (Faces::new(), Vec::new());
    for round in 0..ROUNDS {
        let server = Server::start(state.path()).await?;
        let api = Api::of(&server);
        check(&api, &stored, &deleted).await.with_context(|| format!("after kill {round}"))?;
        let crop = CROPS[round as usize % CROPS.len()];
        // The first enrolment of a round loads the model. It is complete before the time to the
        // kill begins, so each round stores a face, and each but the first deletes one.
        use_it(&api, crop, &mut stored, &mut deleted).await?;
        let rest = async {
            loop {
                use_it(&api, crop, &mut stored, &mut deleted).await?;
            }
        };
        // At another moment each time.
        let lifetime = Duration::from_millis(300 + 617 * round);
        let ended: Result<anyhow::Result<()>, _> = tokio::time::timeout(lifetime, rest).await;
        ended.unwrap_or(Ok(()))?;
        server.kill()?;
        let folder = state.path().display().to_string();
        wait::until(END_MAX, || {
            let left = command_lines_with(&folder)?;
            Ok(if left.is_empty() { Ok(()) } else { Err(anyhow::anyhow!("left: {left:?}")) })
        })?;
    }
    let server = Server::start(state.path()).await?;
    check(&Api::of(&server), &stored, &deleted).await?;
    ensure!(!stored.is_empty(), "no face was stored before the kills");
    ensure!(deleted.len() as u64 >= ROUNDS - 1, "{} were deleted before the kills", deleted.len());
    server.stop()
}

/// Enrols a face, deletes the one before, and notes what was answered.
async fn use_it(
    api: &Api<'_>,
    crop: &str,
    stored: &mut Faces,
    deleted: &mut Vec<String>,
) -> anyhow::Result<()> {
    let answer = api.enrol("Ada", &golden(crop)).await?;
    let text = |member: &str| answer[member].as_str().map(str::to_owned).context("no text");
    let before = stored.pop_first();
    // Before the deletion below, which the kill may cut off: this face is stored all the same.
    stored.insert(text("id")?, text("delete_token")?);
    // What is deleted counts as neither until the answer comes.
    if let Some((id, token)) = before {
        let path = format!("/faces/{id}");
        let response = api.request(Method::DELETE, &path).bearer_auth(token).send().await?;
        ensure!(response.status().is_success(), "{}", response.status());
        deleted.push(id);
    }
    Ok(())
}

async fn check(api: &Api<'_>, stored: &Faces, deleted: &[String]) -> anyhow::Result<()> {
    let status = async |id: &str| -> anyhow::Result<StatusCode> {
        Ok(api.request(Method::GET, &format!("/faces/{id}")).send().await?.status())
    };
    for id in stored.keys() {
        ensure!(status(id).await? == StatusCode::OK, "a face is lost");
    }
    for id in deleted {
        ensure!(status(id).await? == StatusCode::NOT_FOUND, "a deleted face is back");
    }
    Ok(())
}
