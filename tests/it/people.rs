//! Several pictures of one person: a search names people, by the nearest of their pictures.

use anyhow::ensure;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tests::api::{Api, json, part, problem};
use tests::server::Server;
use tests::{golden, shaded};
use wire::retention::BUCKET_NAME;

use crate::lent::Lent;

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

/// Enrols several pictures at once, under a token that the caller makes.
async fn add_all(api: &Api<'_>, token: &str, pictures: &[Vec<u8>]) -> anyhow::Result<Response> {
    let mut form = Form::new()
        .text("name", "Barack Obama")
        .text("consent", "true")
        .text("delete_token", token.to_owned());
    for picture in pictures {
        form = form.part("image", Part::bytes(picture.clone()));
    }
    Ok(api.request(Method::POST, "/add").multipart(form).send().await?)
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

#[tokio::test]
async fn several_pictures_are_enrolled_at_once_or_none() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let token = "0f".repeat(32);
    let file = |name: &str| std::fs::read(golden(name));
    let pictures = [file("obama-1.png")?, file("obama-2.png")?, shaded("obama-1.png", 3)?];
    let answer = json(add_all(&api, &token, &pictures).await?, StatusCode::CREATED).await?;
    let ids: Vec<String> = serde_json::from_value(answer["ids"].clone())?;
    ensure!(ids.len() == 3 && answer["id"] == *ids[2] && answer["pictures"] == 3, "{answer}");
    ensure!(found(&api, "obama-2.png").await? == [(ids[1].clone(), 3)]);
    // What is sent twice is stored once.
    let again = json(add_all(&api, &token, &pictures).await?, StatusCode::CREATED).await?;
    ensure!(
        (&again["ids"], &again["pictures"]) == (&answer["ids"], &answer["pictures"]),
        "{again}"
    );
    // One is deleted, the others stay; then all.
    ensure!(delete(&api, &format!("/faces/{}", ids[1]), &token).await? == 204);
    ensure!(found(&api, "obama-1.png").await? == [(ids[0].clone(), 2)]);
    ensure!(delete(&api, "/faces", &token).await? == 204);
    ensure!(found(&api, "obama-1.png").await?.is_empty());

    // One that is no picture, one that shows nobody: it is said which one, and none is stored.
    let objects = server.objects(BUCKET_NAME);
    let nobody = blank()?;
    for (bad, status) in [
        (b"no picture".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (nobody, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let pictures = [file("obama-1.png")?, bad, file("obama-2.png")?];
        let refused = json(add_all(&api, &"1f".repeat(32), &pictures).await?, status).await?;
        let detail = refused["detail"].as_str().unwrap_or_default();
        ensure!(detail.starts_with("Picture 2 of 3: "), "{refused}");
    }
    ensure!(server.objects(BUCKET_NAME) == objects, "something is stored");

    // A person has eight at most: the ninth takes those back that came with it.
    let token = "2f".repeat(32);
    let many = (1..=7).map(|shade| shaded("obama-1.png", shade)).collect::<Result<Vec<_>, _>>()?;
    let answer = json(add_all(&api, &token, &many).await?, StatusCode::CREATED).await?;
    ensure!(answer["pictures"] == 7, "{answer}");
    let more = [file("obama-2.png")?, file("obama-1.png")?];
    problem(add_all(&api, &token, &more).await?, StatusCode::UNPROCESSABLE_ENTITY).await?;
    ensure!(found(&api, "obama-2.png").await?[0].1 == 7);
    let nine = vec![file("obama-1.png")?; 9];
    problem(add_all(&api, &token, &nine).await?, StatusCode::BAD_REQUEST).await?;
    server.give_back().await
}

/// A grey picture of the size of a crop, as PNG.
fn blank() -> anyhow::Result<Vec<u8>> {
    let picture = image::RgbImage::from_pixel(160, 160, image::Rgb([128; 3]));
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

#[tokio::test]
async fn samples_are_searched_by_themselves() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.enrol("Somebody enrolled", &golden("obama-2.png")).await?;
    let find = async |picture: &str, gallery: &str| {
        let path = format!("/match?gallery={gallery}");
        json(api.post_file(&path, &golden(picture)).await?, StatusCode::OK).await
    };
    for (picture, name) in [("obama-2.png", "Barack Obama"), ("biden-2.png", "Joe Biden")] {
        let answer = find(picture, "samples").await?;
        ensure!(answer["verdict"] == "match" && answer["gallery"] == "samples", "{answer}");
        let matches = answer["matches"].as_array().map_or(&[][..], Vec::as_slice);
        ensure!(matches.len() == 1 && matches[0]["name"] == name, "{answer}");
        // The page has the picture.
        let address = matches[0]["picture"].as_str().unwrap_or_default();
        let path = address.strip_prefix(server.url("").trim_end_matches('/')).unwrap_or_default();
        let response = api.request(Method::GET, path).send().await?;
        ensure!(response.status() == StatusCode::OK, "{address}");
        ensure!(response.headers()["content-type"] == "image/jpeg", "{address}");
    }
    let stranger = find("collins-1.png", "samples").await?;
    ensure!(stranger["verdict"] == "none" && stranger["matches"] == serde_json::json!([]));
    // Among people, no sample is found.
    let answer = find("obama-1.png", "people").await?;
    ensure!(answer["gallery"].is_null(), "{answer}");
    ensure!(answer["matches"][0]["name"] == "Somebody enrolled", "{answer}");
    ensure!(find("biden-1.png", "people").await?["verdict"] == "none");
    problem(
        api.post_file("/match?gallery=all", &golden("obama-1.png")).await?,
        StatusCode::BAD_REQUEST,
    )
    .await?;
    server.give_back().await
}
