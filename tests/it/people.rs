//! Several pictures of one person: a search names people, by the nearest of their pictures.

use anyhow::ensure;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tests::api::{Api, json, part, problem};
use tests::server::Server;
use tests::{golden, shaded};
use wire::retention::BUCKET_NAME;

async fn add(api: &Api<'_>, token: &str, picture: &str) -> anyhow::Result<Response> {
    let form = Form::new()
        .text("name", "Barack Obama")
        .text("consent", "true")
        .part("image", part(&golden(picture))?);
    Ok(api.request(Method::POST, "/add").bearer_auth(token).multipart(form).send().await?)
}

/// Adds another picture: the first one, a little brighter.
async fn add_shade(api: &Api<'_>, token: &str, shade: u8) -> anyhow::Result<Response> {
    let form = Form::new()
        .text("name", "Barack Obama")
        .text("consent", "true")
        .part("image", Part::bytes(shaded("obama-1.png", shade)?));
    Ok(api.request(Method::POST, "/add").bearer_auth(token).multipart(form).send().await?)
}

async fn delete(api: &Api<'_>, path: &str, token: &str) -> anyhow::Result<StatusCode> {
    Ok(api.request(Method::DELETE, path).bearer_auth(token).send().await?.status())
}

/// The ids of the people who are found, and how many pictures of each there are.
async fn found(api: &Api<'_>, picture: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let answer = api.find(&golden(picture)).await?;
    let people = answer["matches"].as_array().into_iter().flatten();
    let id_and_pictures =
        |person: &Value| Some((person["id"].as_str()?.to_owned(), person["pictures"].as_u64()?));
    Ok(people.filter_map(id_and_pictures).collect())
}

#[tokio::test]
async fn a_person_has_several_pictures_and_one_name() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let first = api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let stranger = api.enrol("Joe Biden", &golden("biden-1.png")).await?;
    ensure!(first["pictures"] == 1, "{first}");
    let token = first["delete_token"].as_str().unwrap_or_default();
    let id = first["id"].as_str().unwrap_or_default().to_owned();

    // The second picture is nearer to itself than the first, and the person is named once.
    let second = json(add(&api, token, "obama-2.png").await?, StatusCode::CREATED).await?;
    ensure!(second["pictures"] == 2 && second["delete_token"] == token, "{second}");
    let other = second["id"].as_str().unwrap_or_default().to_owned();
    ensure!(other != id);
    ensure!(found(&api, "obama-2.png").await? == [(other.clone(), 2)]);
    ensure!(found(&api, "obama-1.png").await? == [(id.clone(), 2)]);

    // Only the right token adds a picture, and a person has so many pictures and no more.
    problem(add(&api, &"0".repeat(64), "obama-2.png").await?, StatusCode::UNAUTHORIZED).await?;
    let basic = api.request(Method::POST, "/add").basic_auth("a", Some("b"));
    problem(basic.send().await?, StatusCode::UNAUTHORIZED).await?;
    // What is sent twice is stored once.
    let again = json(add(&api, token, "obama-2.png").await?, StatusCode::CREATED).await?;
    ensure!((&again["id"], &again["pictures"]) == (&second["id"], &second["pictures"]), "{again}");
    for shade in 2..8 {
        json(add_shade(&api, token, shade).await?, StatusCode::CREATED).await?;
    }
    problem(add_shade(&api, token, 8).await?, StatusCode::UNPROCESSABLE_ENTITY).await?;

    // One picture is deleted, then the whole person. The stranger stays.
    ensure!(delete(&api, &format!("/faces/{other}"), token).await? == 204);
    ensure!(found(&api, "obama-2.png").await?[0].1 == 7);
    let strangers = stranger["delete_token"].as_str().unwrap_or_default();
    ensure!(delete(&api, &format!("/faces/{id}"), strangers).await? == 401);
    ensure!(delete(&api, "/faces", &"0".repeat(64)).await? == 404);
    ensure!(api.request(Method::DELETE, "/faces").send().await?.status() == 401);
    ensure!(delete(&api, "/faces", token).await? == 204);
    ensure!(delete(&api, "/faces", token).await? == 404);
    ensure!(found(&api, "obama-1.png").await?.is_empty());
    ensure!(found(&api, "biden-2.png").await?.len() == 1);
    ensure!(server.objects(BUCKET_NAME) > 0);
    server.fire_cron()?;
    server.stop()
}
