//! Many people with one picture: how many can be enrolled, and that those who are deleted hide
//! nobody.

use std::io::Cursor;

use anyhow::{Context as _, ensure};
use facenet::verdict::SAME_PICTURE_MAX;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{ImageFormat, RgbImage};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tests::api::{Api, json, problem};
use tests::server::Server;
use tests::{golden, shaded};
use wire::limits::COPIES_MAX;

use crate::lent::Lent;

const FILE: &str = "obama-1.png";

async fn add(api: &Api<'_>, name: &str, image: Vec<u8>) -> anyhow::Result<Response> {
    let form = Form::new()
        .text("name", name.to_owned())
        .text("consent", "true")
        .part("image", Part::bytes(image));
    Ok(api.request(Method::POST, "/add").multipart(form).send().await?)
}

async fn forget(api: &Api<'_>, enrolled: &Value) -> anyhow::Result<()> {
    let token = enrolled["delete_token"].as_str().context("no token")?;
    let answer = api.request(Method::DELETE, "/faces").bearer_auth(token).send().await?;
    ensure!(answer.status() == StatusCode::NO_CONTENT, "{}", answer.status());
    Ok(())
}

/// Enrols so many copies before the index has applied any, then lets it apply them all, and deletes
/// them while it applies nothing.
async fn enrol_and_delete(server: &Server, api: &Api<'_>, copies: u8) -> anyhow::Result<()> {
    server.index_control(&json!({"late_ms": 3_600_000})).await?;
    let mut enrolled = Vec::new();
    for shade in 0..copies {
        let image = shaded(FILE, shade % 16)?;
        let answer = add(api, &format!("Copy {shade}"), image).await?;
        enrolled.push(json(answer, StatusCode::CREATED).await?);
    }
    server.index_control(&json!({"reset": true})).await?;
    server.index_control(&json!({"late_ms": 3_600_000})).await?;
    for copy in &enrolled {
        forget(api, copy).await?;
    }
    Ok(())
}

#[tokio::test]
async fn deleted_copies_hide_nobody() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.enrol("Barack Obama", &golden("obama-2.png")).await?;

    enrol_and_delete(&server, &api, 60).await?;
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == 61 && index["pending"] == 60, "{index}");
    let found = api.find(&golden(FILE)).await?;
    ensure!(found["verdict"] == "match" && found["incomplete"] == false, "{found}");
    ensure!(found["matches"][0]["name"] == "Barack Obama", "{found}");
    let search = api.request(Method::POST, "/match?top_k=20").body(shaded(FILE, 3)?);
    let found = json(search.send().await?, StatusCode::OK).await?;
    ensure!(found["matches"].as_array().is_some_and(|found| found.len() == 1), "{found}");

    // More than the index returns. The answer does not say that nobody is known.
    server.index_control(&json!({"reset": true})).await?;
    enrol_and_delete(&server, &api, 110).await?;
    let found = api.find(&golden(FILE)).await?;
    ensure!(found["verdict"] == "incomplete" && found["incomplete"] == true, "{found}");
    let refused = add(&api, "One more", shaded(FILE, 0)?).await?;
    ensure!(refused.headers()["retry-after"] == "60");
    problem(refused, StatusCode::SERVICE_UNAVAILABLE).await?;
    // Once the index has applied the deletions, all is well again.
    server.index_control(&json!({"reset": true})).await?;
    let found = api.find(&golden(FILE)).await?;
    ensure!(found["verdict"] == "match" && found["incomplete"] == false, "{found}");
    server.give_back().await
}

#[tokio::test]
async fn so_many_people_are_enrolled_with_one_picture_and_no_more() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let mut first = Value::Null;
    for copy in 0..COPIES_MAX as u8 {
        let answer = add(&api, &format!("Copy {copy}"), shaded(FILE, copy)?).await?;
        first = json(answer, StatusCode::CREATED).await?;
    }
    let refused = add(&api, "One more", shaded(FILE, 30)?).await?;
    let refused = json(refused, StatusCode::UNPROCESSABLE_ENTITY).await?;
    ensure!(refused["detail"].as_str().is_some_and(|text| text.contains("Delete one")));
    // Other pictures of the same person can be enrolled, and the same one once another is deleted.
    api.enrol("Barack Obama", &golden("obama-2.png")).await?;
    forget(&api, &first).await?;
    json(add(&api, "One more", shaded(FILE, 30)?).await?, StatusCode::CREATED).await?;
    server.give_back().await
}

fn encoded(picture: &RgbImage, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut jpeg = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, quality))?;
    Ok(jpeg)
}

fn png(picture: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}

/// The same photograph in other forms.
fn forms(file: &str) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let picture = image::open(golden(file))?.into_rgb8();
    let mut forms = Vec::new();
    for quality in [60, 75, 90] {
        forms.push((format!("JPEG {quality}"), encoded(&picture, quality)?));
    }
    for side in [120, 320] {
        let resized = imageops::resize(&picture, side, side, FilterType::Triangle);
        forms.push((format!("{side} pixels"), png(&resized)?));
    }
    for (x, y) in [(1, 0), (0, 1), (2, 2)] {
        let moved = imageops::crop_imm(&picture, x, y, 160 - x, 160 - y).to_image();
        forms.push((format!("cut off {x}, {y}"), png(&moved)?));
    }
    for brighter in [8, 16] {
        forms.push((format!("{brighter} brighter"), shaded(file, brighter)?));
    }
    Ok(forms)
}

/// The bound between copies of a photograph and other photographs of one person.
#[tokio::test]
async fn copies_are_told_from_other_photographs() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    for (file, other) in [(FILE, "obama-2.png"), ("biden-1.png", "biden-2.png")] {
        let original = api.embed(&golden(file)).await?;
        for (form, picture) in forms(file)? {
            let answer = api.request(Method::POST, "/embed").body(picture).send().await?;
            let copy: Vec<f64> = serde_json::from_value(json(answer, StatusCode::OK).await?)?;
            let distance = distance(&original, &copy);
            println!("{file}, {form}: {distance:.3}");
            ensure!(distance <= f64::from(SAME_PICTURE_MAX), "{file}, {form}: {distance}");
        }
        if golden(other).exists() {
            let distance = distance(&original, &api.embed(&golden(other)).await?);
            println!("{file}, {other}: {distance:.3}");
            ensure!(distance > 1.5 * f64::from(SAME_PICTURE_MAX), "{other}: {distance}");
        }
    }
    server.give_back().await
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
}
