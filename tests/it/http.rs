//! The API from enrolment to purge.

use anyhow::{Context as _, ensure};
use facenet::verdict::{Thresholds, hundredths};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, json, part, problem};
use tests::server::Server;
use tests::{golden, log};

use crate::lent::Lent;

const STRANGERS: [&str; 3] = ["biden-1.png", "biden-2.png", "collins-1.png"];

#[tokio::test]
async fn embeddings_are_the_golden_ones() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.check_golden().await?;
    let health = json(api.health().await?, StatusCode::OK).await?;
    ensure!(
        health["model"] == "casia-webface" && health["pipeline"] == facenet::PIPELINE_INT8,
        "{health}"
    );
    server.give_back().await
}

#[tokio::test]
async fn a_face_is_found_until_it_is_deleted() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let seen = log::lines(&server)?.len();

    let nobody = api.find(&golden("obama-1.png")).await?;
    ensure!(nobody["verdict"] == "none" && nobody["matches"] == Value::Array(vec![]), "{nobody}");

    let enrolled = api.enrol(" Barack Obama ", &golden("obama-1.png")).await?;
    ensure!(enrolled["name"] == "Barack Obama", "{enrolled}");
    let (id, token) = (text(&enrolled["id"])?, text(&enrolled["delete_token"])?);
    ensure!(text(&enrolled["expires_at"])?.contains("T12:00:00"), "{enrolled}");

    let found = api.find(&golden("obama-2.png")).await?;
    ensure!(
        found["verdict"] == "match" && found["matches"][0]["name"] == "Barack Obama",
        "{found}"
    );
    ensure!(found["matches"][0]["id"] == id);
    let distance = found["matches"][0]["distance"].as_f64().context("no distance")?;
    let limit = found["threshold"].as_f64().context("no threshold")?;
    ensure!((0.3..limit).contains(&distance), "{distance}");
    let picture = reqwest::get(text(&found["matches"][0]["picture"])?).await?;
    ensure!(picture.status() == 200 && picture.headers()["content-type"] == "image/jpeg");
    ensure!(picture.bytes().await?.starts_with(&[0xff, 0xd8, 0xff]));
    for stranger in STRANGERS {
        let found = api.find(&golden(stranger)).await?;
        ensure!(found["verdict"] == "none", "{stranger}: {found}");
    }

    let face = format!("/faces/{id}");
    let delete = |authorization: Option<String>| {
        let request = api.request(Method::DELETE, &face);
        match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
        .send()
    };
    problem(delete(None).await?, StatusCode::UNAUTHORIZED).await?;
    problem(delete(Some("Bearer wrong".into())).await?, StatusCode::UNAUTHORIZED).await?;
    problem(delete(Some(token.into())).await?, StatusCode::UNAUTHORIZED).await?;
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "match");
    let bearer = format!("Bearer {token}");
    ensure!(delete(Some(bearer.clone())).await?.status() == StatusCode::NO_CONTENT);
    problem(delete(Some(bearer)).await?, StatusCode::NOT_FOUND).await?;
    problem(api.request(Method::GET, &face).send().await?, StatusCode::NOT_FOUND).await?;
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "none");

    // With the line of the last search, the log is whole.
    let is_search = |line: &Value| line["worker"] == "cface" && line["route"] == "/match";
    log::lines_after(&server, seen, 4 + STRANGERS.len(), is_search).await?;
    let log = server.log();
    ensure!(!log.contains("Obama") && !log.contains(token), "personal data in the log:\n{log}");
    server.give_back().await
}

#[tokio::test]
async fn faces_survive_a_restart_but_not_the_purge() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    Api::of(&server).enrol("Barack Obama", &golden("obama-1.png")).await?;
    Api::of(&server).enrol("Joe Biden", &golden("biden-1.png")).await?;
    server.stop()?;

    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let found = api.find(&golden("obama-2.png")).await?;
    ensure!(
        found["verdict"] == "match" && found["matches"][0]["name"] == "Barack Obama",
        "{found}"
    );
    let picture = text(&found["matches"][0]["picture"])?.to_owned();

    server.fire_cron()?;
    for query in ["obama-1.png", "biden-1.png"] {
        let found = api.find(&golden(query)).await?;
        ensure!(found["verdict"] == "none", "{query}: {found}");
    }
    problem(reqwest::get(picture).await?, StatusCode::NOT_FOUND).await?;
    // An empty store is purged without a fault, and works afterwards.
    server.fire_cron()?;
    api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "match");
    // Each call fires the purge of a later noon.
    server.fire_cron()?;
    ensure!(api.find(&golden("obama-2.png")).await?["verdict"] == "none");
    server.stop()
}

#[tokio::test]
async fn queries_have_many_forms_and_one_answer() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.enrol("Barack Obama", &golden("obama-1.png")).await?;

    let by_body = api.find(&golden("obama-2.png")).await?;
    let form = reqwest::multipart::Form::new().part("image", part(&golden("obama-2.png"))?);
    let response = api.request(Method::POST, "/match").multipart(form).send().await?;
    let by_form = json(response, StatusCode::OK).await?;
    ensure!(by_form == by_body, "{by_form}\n{by_body}");
    let embedding = api.embed(&golden("obama-2.png")).await?;
    let message = serde_json::json!({ "embedding": embedding });
    let operator = Api::with_key(&server, &server.admin_key()?);
    let response = operator.request(Method::POST, "/match").json(&message).send().await?;
    let by_embedding = json(response, StatusCode::OK).await?;
    ensure!(by_embedding["matches"][0]["id"] == by_body["matches"][0]["id"], "{by_embedding}");

    // The caller's own threshold decides, but shows nobody whom the model's would not.
    let strict = api.post_file("/match?threshold=0.1", &golden("obama-2.png")).await?;
    ensure!(json(strict, StatusCode::OK).await?["verdict"] == "possible");
    let largest = Thresholds::of("casia-webface").context("no thresholds")?.possible_max;
    let lax = format!("/match?threshold={largest}&top_k=20");
    let lax = api.post_file(&lax, &golden("collins-1.png")).await?;
    let lax = json(lax, StatusCode::OK).await?;
    ensure!(lax["verdict"] == "none" && lax["matches"] == Value::Array(vec![]), "{lax}");
    for threshold in [hundredths(largest + 0.01).to_string(), "2".into()] {
        let path = format!("/match?threshold={threshold}");
        let wide =
            json(api.post_file(&path, &golden("collins-1.png")).await?, StatusCode::BAD_REQUEST);
        let wide = wide.await?;
        ensure!(
            wide["detail"].as_str().is_some_and(|text| text.contains(&largest.to_string())),
            "{wide}"
        );
    }

    // Distances are told in hundredths.
    let told = by_body["matches"][0]["distance"].as_f64().context("no distance")?;
    let exact = embedding.iter().zip(api.embed(&golden("obama-1.png")).await?);
    let exact = exact.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    ensure!((told * 100.0 - (told * 100.0).round()).abs() < 1e-6, "{told}");
    ensure!((told - exact).abs() < 0.01, "{told} is told for {exact}");

    for (other, verdict) in [("obama-2.png", "match"), ("biden-1.png", "none")] {
        let form = reqwest::multipart::Form::new()
            .part("image", part(&golden("obama-1.png"))?)
            .part("other", part(&golden(other))?);
        let response = api.request(Method::POST, "/verify").multipart(form).send().await?;
        let answer = json(response, StatusCode::OK).await?;
        ensure!(answer["verdict"] == verdict, "{other}: {answer}");
    }
    server.give_back().await
}

#[tokio::test]
async fn a_cold_server_serves_several_at_once() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let (one, other) = (golden("obama-1.png"), golden("biden-1.png"));
    let (a, b, c, d) =
        tokio::join!(api.embed(&one), api.embed(&other), api.embed(&one), api.embed(&other));
    ensure!(a? == c? && b? == d?, "the same picture has two embeddings");
    let lines = log::requests(&server, "/embed", 4).await?;
    let loads = log::of_event(&lines, "load").count();
    ensure!(loads == 2, "two shards were loaded {loads} times: {lines:?}");
    server.stop()
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}
