//! What callers can rely on when answers are lost, requests race, and triggers of the cron come
//! late, twice or not at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tests::api::{Api, json, problem};
use tests::server::{STORE_WORKER, Server, WORKER_HEADER, now_ms};
use tests::{golden, shaded};
use wire::limits::PERSON_PICTURES_MAX;
use wire::retention::{BUCKET_NAME, next_purge_ms};

use crate::lent::Lent;

const FILE: &str = "obama-1.png";
const AGAIN: &str = "obama-2.png";
const HOUR_MS: u64 = 3600 * 1000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A token as callers make them. It ends with its person, so each is another one.
fn token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{:064x}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// An enrolment under a token that the caller brings. Pictures differ by their shade, and so do the
/// addresses that they come from: more than four at once from one would be refused.
fn bring(api: &Api<'_>, token: &str, shade: u8) -> anyhow::Result<RequestBuilder> {
    let form = Form::new()
        .text("name", "Barack Obama")
        .text("consent", "true")
        .text("delete_token", token.to_owned())
        .part("image", Part::bytes(shaded(FILE, shade)?));
    let address = format!("192.0.2.{shade}");
    Ok(api.request(Method::POST, "/add").header("cf-connecting-ip", address).multipart(form))
}

async fn forget(api: &Api<'_>, token: &str) -> anyhow::Result<Response> {
    Ok(api.request(Method::DELETE, "/faces").bearer_auth(token).send().await?)
}

async fn vectors(server: &Server) -> anyhow::Result<u64> {
    server.index_control(&json!({})).await?["vectors"].as_u64().context("no count")
}

#[tokio::test]
async fn an_enrolment_with_a_token_of_the_caller_can_be_repeated() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let objects = server.objects(BUCKET_NAME);
    let mine = token();
    let first = json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
    ensure!(first["delete_token"] == mine.as_str() && first["pictures"] == 1, "{first}");
    let repeated = (0..3)
        .map(|_| async { json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await });
    for answer in join_all(repeated).await {
        let answer = answer?;
        ensure!((&answer["id"], &answer["pictures"]) == (&first["id"], &first["pictures"]));
    }
    ensure!(server.objects(BUCKET_NAME) == objects + 1 && vectors(&server).await? == 1);
    let found = api.find(&golden(AGAIN)).await?;
    ensure!(found["matches"][0]["id"] == first["id"] && found["matches"][0]["pictures"] == 1);

    // Tokens of another form, and two at once, are refused.
    for other in ["", "0", &"A".repeat(64), &"0".repeat(65)] {
        let answer = bring(&api, other, 0)?.send().await?;
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await.context(other.to_owned())?;
    }
    let two = bring(&api, &token(), 0)?.bearer_auth(&mine).send().await?;
    problem(two, StatusCode::UNPROCESSABLE_ENTITY).await?;

    // A token ends with its person.
    ensure!(forget(&api, &mine).await?.status() == StatusCode::NO_CONTENT);
    problem(bring(&api, &mine, 0)?.send().await?, StatusCode::UNAUTHORIZED).await?;
    ensure!(api.find(&golden(AGAIN)).await?["verdict"] == "none");
    server.give_back().await
}

/// The caller hangs up at some moment of the enrolment, and then deletes or repeats.
#[tokio::test]
async fn a_lost_answer_leaves_a_person_who_can_be_deleted_or_enrolled() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.embed(&golden(FILE)).await?;
    let (mut lost, mut deleted) = (0, 0);
    for number in 0..40 {
        let mine = token();
        let patience = Duration::from_millis(5 + number * 4);
        lost += u32::from(bring(&api, &mine, 0)?.timeout(patience).send().await.is_err());
        let status = forget(&api, &mine).await?.status();
        ensure!(matches!(status.as_u16(), 204 | 404), "{status}");
        deleted += u32::from(status == StatusCode::NO_CONTENT);
    }
    println!("{lost} answers were lost; {deleted} people were stored when they were deleted");
    ensure!(lost > 0, "no answer was lost");
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(vectors(&server).await? == 0);
    ensure!(api.find(&golden(FILE)).await?["verdict"] == "none");

    let mine = token();
    let hasty = bring(&api, &mine, 0)?.timeout(Duration::from_millis(20)).send().await;
    let again = json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
    println!("the first answer came: {}", hasty.is_ok());
    ensure!(again["pictures"] == 1, "{again}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(api.find(&golden(FILE)).await?["matches"][0]["pictures"] == 1);
    ensure!(forget(&api, &mine).await?.status() == StatusCode::NO_CONTENT);
    server.give_back().await
}

#[tokio::test]
async fn what_is_added_at_once_or_during_a_deletion_ends_right() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let mine = token();
    json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
    let statuses = join_all((1..14).map(|shade| {
        let request = bring(&api, &mine, shade);
        async move { anyhow::Ok(request?.send().await?.status()) }
    }))
    .await;
    let mut added = 1;
    for status in statuses {
        let status = status?;
        ensure!(matches!(status.as_u16(), 201 | 422), "{status}");
        added += usize::from(status == StatusCode::CREATED);
    }
    println!("{added} of 14 pictures were added");
    let found = api.find(&golden(FILE)).await?;
    ensure!(found["matches"][0]["pictures"] == added, "{found}");
    ensure!(added <= PERSON_PICTURES_MAX);

    for round in 2..10 {
        let mine = token();
        json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
        let additions = join_all((1..4).map(|shade| {
            let request = bring(&api, &mine, shade);
            async move { anyhow::Ok(request?.send().await?.status()) }
        }));
        let deletion = async {
            tokio::time::sleep(Duration::from_millis(40 * round)).await;
            forget(&api, &mine).await
        };
        let (additions, deletion) = tokio::join!(additions, deletion);
        ensure!(deletion?.status() == StatusCode::NO_CONTENT);
        for status in additions {
            let status = status?;
            ensure!(matches!(status.as_u16(), 201 | 401), "{status}");
        }
        let again = forget(&api, &mine).await?.status();
        ensure!(again == StatusCode::NOT_FOUND, "an addition outlived its person: {again}");
    }
    ensure!(vectors(&server).await? == added as u64);
    server.give_back().await
}

#[tokio::test]
async fn a_deletion_that_the_index_does_not_take_is_repeated_soon() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let mine = token();
    json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
    // By the request itself.
    server.index_control(&json!({"fail": {"method": "deleteByIds", "times": 2}})).await?;
    ensure!(forget(&api, &mine).await?.status() == StatusCode::ACCEPTED);
    ensure!(vectors(&server).await? == 1);
    ensure!(api.find(&golden(AGAIN)).await?["verdict"] == "none");
    let gone = async || -> anyhow::Result<()> {
        while vectors(&server).await? > 0 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(25), gone()).await.context("it is not repeated")??;

    // By a trigger, when the request's time is over: here the server has ended meanwhile.
    let mine = token();
    json(bring(&api, &mine, 0)?.send().await?, StatusCode::CREATED).await?;
    server.index_control(&json!({"fail": {"method": "deleteByIds", "times": 1000}})).await?;
    ensure!(forget(&api, &mine).await?.status() == StatusCode::ACCEPTED);
    server.stop()?;
    let server = Server::start(state.path()).await?;
    ensure!(vectors(&server).await? == 1);
    server.trigger(now_ms()?).await?;
    ensure!(vectors(&server).await? == 0, "a trigger does not go on");
    server.stop()
}

/// What the store says of the last purge.
async fn last_purge(server: &Server) -> anyhow::Result<Value> {
    let request = reqwest::Client::new().get(server.inner_url("health")?);
    let answer = request.header(WORKER_HEADER, STORE_WORKER).send().await?;
    Ok(json(answer, StatusCode::OK).await?["purge"].take())
}

#[tokio::test]
async fn the_day_ends_whenever_triggers_come() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    ensure!(last_purge(&server).await? == Value::Null);
    for shade in 0..5 {
        json(bring(&api, &token(), shade)?.send().await?, StatusCode::CREATED).await?;
    }
    // A trigger of today's purge that comes late takes nothing that was promised to stay.
    let now = now_ms()?;
    server.trigger(now).await?;
    ensure!(api.find(&golden(FILE)).await?["verdict"] == "match");
    let last = last_purge(&server).await?;
    ensure!(last["complete"] == true && last["overdue"] == false, "{last}");
    ensure!(last["faces_removed"] == 0, "{last}");

    // The next noon's fails in part. The faces are gone, and the operator sees what is left.
    server.index_control(&json!({"fail": {"method": "deleteByIds", "times": 1000}})).await?;
    let noon = next_purge_ms(now);
    server.trigger(noon).await?;
    ensure!(api.find(&golden(FILE)).await?["verdict"] == "none");
    let last = last_purge(&server).await?;
    ensure!(last["complete"] == false && last["overdue"] == true, "{last}");
    ensure!(last["failures"] == 1 && last["runs"] == 1 && vectors(&server).await? == 5, "{last}");
    server.index_control(&json!({"reset": true})).await?;
    // The trigger a quarter of an hour later ends it, and further ones do nothing.
    server.trigger(noon + HOUR_MS / 4).await?;
    let last = last_purge(&server).await?;
    ensure!(
        last["complete"] == true && last["runs"] == 2 && vectors(&server).await? == 0,
        "{last}"
    );
    for quarter in 2..6 {
        server.trigger(noon + quarter * HOUR_MS / 4).await?;
    }
    ensure!(last_purge(&server).await? == last);

    // Two noons are missed, and the trigger of a third comes doubled.
    json(bring(&api, &token(), 0)?.send().await?, StatusCode::CREATED).await?;
    let late = noon + 3 * DAY_MS + HOUR_MS / 2;
    let (one, other) = tokio::join!(server.trigger(late), server.trigger(late));
    one.and(other)?;
    ensure!(vectors(&server).await? == 0);
    let last = last_purge(&server).await?;
    ensure!(last["complete"] == true && last["failures"] == 0, "{last}");
    server.trigger(late + DAY_MS).await?;
    ensure!(server.objects(BUCKET_NAME) == 1, "only what is known of the last purge is left");
    let health = json(api.health().await?, StatusCode::OK).await?;
    ensure!(health["purge"]["complete"] == true, "{health}");
    server.stop()
}
