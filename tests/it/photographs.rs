//! Whole photographs: faces are found in them, named, and enrolled when they are good enough.

use anyhow::{Context as _, ensure};
use evaluation::options::{CropMethod, Options, Precision};
use evaluation::report::MethodResult;
use evaluation::run::measure;
use image::RgbImage;
use image::imageops::{self, FilterType};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, json};
use tests::photograph;
use tests::pictures::{self, Kind};
use tests::server::Server;

use crate::lent::Lent;

/// Where the faces are in the photographs, as shares of width and height.
const FACES: [(&str, [f64; 2]); 4] = [
    ("obama-1", [0.5, 0.35]),
    ("obama-2", [0.5, 0.2]),
    ("biden-1", [0.5, 0.2]),
    ("biden-2", [0.5, 0.5]),
];

fn read(name: &str) -> anyhow::Result<Vec<u8>> {
    Ok(std::fs::read(photograph(&format!("{name}.jpg")))?)
}

fn picture(name: &str) -> anyhow::Result<RgbImage> {
    Ok(image::open(photograph(&format!("{name}.jpg")))?.into_rgb8())
}

async fn post(api: &Api<'_>, path: &str, body: Vec<u8>) -> anyhow::Result<reqwest::Response> {
    Ok(api.request(Method::POST, path).body(body).send().await?)
}

async fn faces(api: &Api<'_>, path: &str, body: Vec<u8>) -> anyhow::Result<Vec<Value>> {
    let answer = json(post(api, path, body).await?, StatusCode::OK).await?;
    Ok(answer["faces"].as_array().context("no faces")?.clone())
}

async fn enrol(api: &Api<'_>, name: &str, picture: Vec<u8>) -> anyhow::Result<reqwest::Response> {
    let form = Form::new()
        .text("name", name.to_owned())
        .text("consent", "true")
        .text("detect", "true")
        .part("image", Part::bytes(picture).file_name("photo"));
    Ok(api.request(Method::POST, "/add").multipart(form).send().await?)
}

async fn enrol_both(api: &Api<'_>) -> anyhow::Result<()> {
    for (name, picture) in [("Barack Obama", "obama-1"), ("Joe Biden", "biden-1")] {
        let enrolled = json(enrol(api, name, read(picture)?).await?, StatusCode::CREATED).await?;
        ensure!(enrolled["box"].as_array().is_some_and(|it| it.len() == 4), "{enrolled}");
    }
    Ok(())
}

/// The name of a face that matches.
fn name(face: &Value) -> Option<&str> {
    (face["verdict"] == "match").then(|| face["matches"][0]["name"].as_str()).flatten()
}

fn bounds(face: &Value) -> Option<[f64; 4]> {
    let numbers: Vec<f64> = face["box"].as_array()?.iter().filter_map(Value::as_f64).collect();
    numbers.try_into().ok()
}

/// Whether a box lies on the face of a photograph of this size.
fn is_on_face(bounds: [f64; 4], [x, y]: [f64; 2], (width, height): (u32, u32)) -> bool {
    let [left, top, across, down] = bounds;
    let (x, y) = (x * f64::from(width), y * f64::from(height));
    (left..left + across).contains(&x) && (top..top + down).contains(&y)
}

#[tokio::test]
async fn people_in_photographs_are_named() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    enrol_both(&api).await?;
    for (photo, place) in FACES {
        let file = read(photo)?;
        let expected = if photo.starts_with("obama") { "Barack Obama" } else { "Joe Biden" };
        let answer = json(post(&api, "/match?detect=true", file).await?, StatusCode::OK).await?;
        let [face] = answer["faces"].as_array().map(Vec::as_slice).context("no faces")? else {
            anyhow::bail!("{photo}: {answer}");
        };
        ensure!(name(face) == Some(expected), "{photo}: {answer}");
        let distance = face["matches"][0]["distance"].as_f64().context("no distance")?;
        println!("{photo}: {expected} at {distance}, box {}", face["box"]);
        ensure!(distance <= 0.85, "{photo}: {answer}");
        let size = picture(photo)?.dimensions();
        ensure!(answer["image"]["width"] == size.0 && answer["image"]["height"] == size.1);
        let found = bounds(face).context("no box")?;
        ensure!(is_on_face(found, place, size), "{photo}: {found:?}");
        ensure!(face["quality"]["usable"] == true, "{photo}: {answer}");
    }
    let both = pictures::side_by_side(&picture("obama-2")?, &picture("biden-2")?);
    let found = faces(&api, "/match?detect=true", pictures::jpeg(&both, Kind::Plain)?).await?;
    let mut names: Vec<_> = found.iter().map(name).collect();
    names.sort_unstable();
    ensure!(names == [Some("Barack Obama"), Some("Joe Biden")], "{found:?}");
    evaluation_asks_for_the_main_face(&server).await?;
    server.give_back().await
}

/// `cargo xtask eval --crops as-is,served --server URL` tells people apart by the faces that the
/// server finds, better than by whole photographs that are taken for crops.
async fn evaluation_asks_for_the_main_face(server: &Server) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    for (photo, _) in FACES {
        let (person, _) = photo.split_once('-').context("no person")?;
        std::fs::create_dir_all(dir.path().join(person))?;
        let file = dir.path().join(person).join(format!("{photo}.jpg"));
        std::fs::copy(photograph(&format!("{photo}.jpg")), file)?;
    }
    let options = Options {
        dir: dir.path().into(),
        crops: vec![CropMethod::AsIs, CropMethod::Served],
        flip: false,
        model: "casia-webface".into(),
        weights: Precision::Int8,
        server: Some(server.url("")),
        out: dir.path().join("out"),
        keep_crops: None,
    };
    let outcome = tokio::task::spawn_blocking(move || measure(&options, None)).await??;
    ensure!(outcome.skipped.is_empty(), "{:?}", outcome.skipped);
    let [stretched, found] = &outcome.results[..] else { anyhow::bail!("not both ways") };
    let MethodResult { metrics, agreement, .. } = found;
    ensure!(metrics.rank1.right == 4 && metrics.same_mean < 0.85, "{metrics:?}");
    ensure!(stretched.metrics.same_mean > metrics.same_mean, "{:?}", stretched.metrics);
    let agreement = agreement.as_ref().context("nothing was compared")?.json();
    ensure!(agreement["photographs"] == 4 && agreement["same_face"] == 0, "{agreement}");
    Ok(())
}

#[tokio::test]
async fn a_photograph_is_the_same_in_every_form() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    enrol_both(&api).await?;
    for (photo, expected) in [("obama-2", "Barack Obama"), ("biden-2", "Joe Biden")] {
        for (form, file) in pictures::forms(&picture(photo)?)? {
            let found = faces(&api, "/match?detect=true", file).await?;
            // Without its colours, a face is a possible match.
            let names: Vec<_> =
                found.iter().map(|face| face["matches"][0]["name"].as_str()).collect();
            ensure!(names == [Some(expected)], "{photo} as {form}: {found:?}");
        }
    }
    server.give_back().await
}

#[tokio::test]
async fn what_cannot_be_enrolled_is_refused_with_reasons() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let refused = async |picture: &RgbImage, reason: &str| {
        let file = pictures::jpeg(picture, Kind::Plain)?;
        let answer = enrol(&api, "Somebody", file).await?;
        let problem = json(answer, StatusCode::UNPROCESSABLE_ENTITY).await?;
        let reasons = problem["reasons"].as_array().context("no reasons")?;
        ensure!(reasons.contains(&reason.into()), "{problem}, not {reason}");
        anyhow::Ok(())
    };
    for (what, empty) in [("a landscape", pictures::landscape()), ("a wall", pictures::wall())] {
        let file = pictures::jpeg(&empty, Kind::Plain)?;
        ensure!(faces(&api, "/detect", file.clone()).await?.is_empty(), "{what}");
        ensure!(faces(&api, "/embed?detect=true", file).await?.is_empty(), "{what}");
        refused(&empty, "no_face").await?;
    }
    let (obama, biden) = (picture("obama-2")?, picture("biden-1")?);
    refused(&pictures::side_by_side(&obama, &biden), "several_faces").await?;
    let obama = picture("obama-1")?;
    let small =
        imageops::resize(&obama, obama.width() / 6, obama.height() / 6, FilterType::Triangle);
    refused(&small, "too_small").await?;
    let dark = imageops::brighten(&obama, -120);
    refused(&dark, "dark").await?;
    // What comes as a crop and shows nobody.
    let crop = imageops::resize(&pictures::landscape(), 160, 160, FilterType::Triangle);
    let form = Form::new()
        .text("name", "Somebody")
        .text("consent", "true")
        .part("image", Part::bytes(pictures::png(&crop)?).file_name("crop"));
    let answer = api.request(Method::POST, "/add").multipart(form).send().await?;
    let problem = json(answer, StatusCode::UNPROCESSABLE_ENTITY).await?;
    ensure!(problem["reasons"] == serde_json::json!(["no_face"]), "{problem}");
    server.give_back().await
}

#[tokio::test]
async fn two_photographs_are_compared() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let verify = async |one: &str, other: &str| {
        let part = |name| anyhow::Ok(Part::bytes(read(name)?).file_name("photo"));
        let form = Form::new()
            .text("detect", "true")
            .part("image", part(one)?)
            .part("other", part(other)?);
        json(api.request(Method::POST, "/verify").multipart(form).send().await?, StatusCode::OK)
            .await
    };
    let same = verify("obama-1", "obama-2").await?;
    ensure!(same["verdict"] == "match", "{same}");
    for member in ["box", "other_box"] {
        ensure!(same[member].as_array().is_some_and(|it| it.len() == 4), "{same}");
    }
    let different = verify("obama-1", "biden-1").await?;
    ensure!(different["verdict"] == "none", "{different}");
    server.give_back().await
}

/// Four faces take four embeddings of the 120 that a caller has a minute.
#[tokio::test]
async fn each_face_counts_in_the_budget() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start_with(state.path(), &["--rate-limits"]).await?;
    let api = Api::of(&server);
    let two = pictures::side_by_side(&picture("obama-2")?, &picture("biden-2")?);
    let four = pictures::jpeg(&pictures::stacked(&two, &two), Kind::Plain)?;
    let mut answers = 0;
    loop {
        let response = post(&api, "/embed?detect=true", four.clone()).await?;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        let answer = json(response, StatusCode::OK).await?;
        let found = answer["faces"].as_array().context("no faces")?;
        ensure!(found.len() == 4 && answer["truncated"] == false, "{answer}");
        ensure!(
            found.iter().all(|face| face["embedding"].as_array().is_some_and(|it| it.len() == 512))
        );
        answers += 1;
        // A minute may end meanwhile, and the next one has a budget of its own.
        ensure!(answers <= 60, "no budget holds");
    }
    ensure!(answers > 20, "only {answers} photographs of four faces");
    server.stop()
}
