//! What is stored, and how it is deleted, whether calls of the stores succeed or fail.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use image::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::api::{Api, json, problem};
use tests::golden;
use tests::server::Server;
use wire::retention::BUCKET_NAME;

use crate::lent::Lent;

pub(crate) const OBAMA: &str = "obama-1.png";
const OBAMA_AGAIN: &str = "obama-2.png";

/// Bytes that somebody hides in a picture. They must not be found in anything that is stored.
const PAYLOAD: &[u8] = b"PAYLOAD-OF-THE-SENDER";

#[tokio::test]
async fn pictures_are_our_own_encoding() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let mut clean = Vec::new();
    let face = image::open(golden(OBAMA))?.into_rgb8();
    face.write_to(&mut std::io::Cursor::new(&mut clean), ImageFormat::Jpeg)?;
    let expected = stored(&api, &clean).await?;
    ensure!(expected.starts_with(b"\xff\xd8\xff\xe0") && expected.ends_with(b"\xff\xd9"));
    let decoded = image::load_from_memory_with_format(&expected, ImageFormat::Jpeg)?;
    ensure!((decoded.width(), decoded.height()) == (160, 160));

    // A JPEG with EXIF and a thumbnail, a comment, and a file behind its end.
    let mut laden = clean.clone();
    let exif = [b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", PAYLOAD, &clean].concat();
    for (kind, content) in [(0xfe, PAYLOAD), (0xe1, exif.as_slice())] {
        let length = u16::try_from(content.len() + 2)?.to_be_bytes();
        laden.splice(2..2, [&[0xff, kind], &length[..], content].concat());
    }
    laden.extend_from_slice(b"PK\x03\x04");
    laden.extend_from_slice(PAYLOAD);
    let kept = stored(&api, &laden).await?;
    ensure!(!kept.windows(PAYLOAD.len()).any(|bytes| bytes == PAYLOAD), "a payload survives");
    ensure!(kept == expected, "the stored picture depends on more than pixels");

    // A PNG with a file behind its end.
    let png = std::fs::read(golden(OBAMA))?;
    let kept = stored(&api, &[png.as_slice(), PAYLOAD].concat()).await?;
    ensure!(!kept.windows(PAYLOAD.len()).any(|bytes| bytes == PAYLOAD), "a payload survives");
    ensure!(kept.ends_with(b"\xff\xd9"));
    server.give_back().await
}

#[tokio::test]
async fn names_are_any_text_and_ids_are_not() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let longest = "\u{10fffd}".repeat(80);
    let names = [
        "محمد علی",
        "நாகராஜன்",
        "👩\u{200d}🚀",
        "e\u{301}\u{301}\u{301}",
        "\"\\'<script>alert(1)</script>${7*7}\u{fffd}",
        "__proto__",
        longest.as_str(),
    ];
    for name in names {
        let enrolled = api.enrol(name, &golden(OBAMA)).await?;
        ensure!(enrolled["name"] == name, "{enrolled}");
    }
    let found =
        json(api.post_file("/match?top_k=20", &golden(OBAMA)).await?, StatusCode::OK).await?;
    let mut found: Vec<&str> =
        found["matches"].as_array().context("matches")?.iter().filter_map(name_of).collect();
    found.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    ensure!(found == names, "{found:?}");

    let id = "0".repeat(32);
    let rubbish = [
        id.as_str(),
        "x",
        "%00",
        "..%2fhealth",
        "%ff%fe",
        "gone",
        &id.replace('0', "A"),
        &format!("{id}%20"),
        &format!("gone%2f{id}"),
        &"a".repeat(5000),
    ];
    for id in rubbish {
        let face = format!("/faces/{id}");
        for (method, path) in [
            (Method::GET, face.clone()),
            (Method::DELETE, face.clone()),
            (Method::GET, format!("{face}/status")),
        ] {
            let request = api.request(method, &path).header("authorization", "Bearer x");
            problem(request.send().await?, StatusCode::NOT_FOUND).await.context(path)?;
        }
    }
    let post = api.request(Method::POST, &format!("/faces/{id}/status")).send().await?;
    ensure!(post.headers()["allow"] == "GET, HEAD");
    problem(post, StatusCode::METHOD_NOT_ALLOWED).await?;
    server.give_back().await
}

#[tokio::test]
async fn late_writes_are_told_and_late_deletions_do_not_show() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    let at_once = api.enrol("At once", &golden("collins-1.png")).await?;
    ensure!(at_once["searchable"] == true, "{at_once}");
    ensure!(status(&api, &at_once).await?["searchable"] == true);

    server.index_control(&json!({"late_ms": 3_000})).await?;
    let enrolled = api.enrol("Barack Obama", &golden(OBAMA)).await?;
    ensure!(enrolled["searchable"] == false, "{enrolled}");
    let early = status(&api, &enrolled).await?;
    ensure!(early["searchable"] == false && early["id"] == enrolled["id"], "{early}");
    ensure!(early["expires_at"] == enrolled["expires_at"], "{early}, {enrolled}");
    ensure!(api.find(&golden(OBAMA_AGAIN)).await?["verdict"] == "none");
    let started = Instant::now();
    while status(&api, &enrolled).await?["searchable"] == false {
        ensure!(started.elapsed() < Duration::from_secs(20), "the write does not come");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    ensure!(api.find(&golden(OBAMA_AGAIN)).await?["verdict"] == "match");

    server.index_control(&json!({"late_ms": 3_600_000})).await?;
    ensure!(delete(&api, &enrolled).await? == StatusCode::NO_CONTENT);
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == 2 && index["pending"] == 1, "{index}");
    ensure!(api.find(&golden(OBAMA_AGAIN)).await?["verdict"] == "none");
    let path = format!("/faces/{}/status", id_of(&enrolled)?);
    problem(api.request(Method::GET, &path).send().await?, StatusCode::NOT_FOUND).await?;

    // A face that is deleted while the index still has to apply its enrolment.
    let late = api.enrol("Barack Obama", &golden(OBAMA)).await?;
    ensure!(delete(&api, &late).await? == StatusCode::NO_CONTENT);
    server.purge(0).await?;
    let index = server.index_control(&json!({"reset": true})).await?;
    ensure!(index["vectors"] == 0 && index["pending"] == 0, "{index}");
    server.stop()
}

#[tokio::test]
async fn failing_calls_of_the_index_leave_nothing_behind() -> anyhow::Result<()> {
    let state = tempfile::tempdir()?;
    let server = Server::start(state.path()).await?;
    let api = Api::of(&server);
    // A call is refused, or carried out and its answer lost. The failure has a code of Vectorize,
    // or is no answer of Vectorize at all.
    let faults = [
        json!({"code": 40041}),
        json!({}),
        json!({"applied": true}),
        json!({"code": 40041, "applied": true}),
    ];
    for (fault, day) in faults.iter().zip(0..) {
        failing(&server, "upsert", fault, 1).await?;
        problem(enrol(&api).await?, StatusCode::SERVICE_UNAVAILABLE).await?;
        ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none", "upsert, {fault}");

        // Undoing fails too.
        failing(&server, "upsert", fault, 1).await?;
        failing(&server, "deleteByIds", fault, 1).await?;
        problem(enrol(&api).await?, StatusCode::SERVICE_UNAVAILABLE).await?;
        ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none", "undoing, {fault}");

        failing(&server, "query", fault, 1).await?;
        problem(enrol(&api).await?, StatusCode::SERVICE_UNAVAILABLE).await?;

        failing(&server, "describe", fault, 1).await?;
        let enrolled = json(enrol(&api).await?, StatusCode::CREATED).await?;
        ensure!(enrolled["searchable"] == false, "{enrolled}");
        ensure!(status(&api, &enrolled).await?["searchable"] == true);
        failing(&server, "getByIds", fault, 1).await?;
        let path = format!("/faces/{}/status", id_of(&enrolled)?);
        let asked = api.request(Method::GET, &path).send().await?;
        problem(asked, StatusCode::SERVICE_UNAVAILABLE).await?;

        failing(&server, "query", fault, 1).await?;
        let search = api.post_file("/match", &golden(OBAMA)).await?;
        ensure!(search.headers().contains_key("retry-after"));
        problem(search, StatusCode::SERVICE_UNAVAILABLE).await?;
        ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "match", "query, {fault}");

        failing(&server, "deleteByIds", fault, 1).await?;
        ensure!(delete(&api, &enrolled).await? == StatusCode::ACCEPTED, "{fault}");
        ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none", "deletion, {fault}");
        // It is tried again by itself, and so is what undoing has left, by the next trigger.
        until_vectors(&server, 0).await.with_context(|| fault.to_string())?;

        json(enrol(&api).await?, StatusCode::CREATED).await?;
        failing(&server, "deleteByIds", fault, 1).await?;
        server.purge(day).await?;
        ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none", "purge, {fault}");
        let index = server.index_control(&json!({})).await?;
        ensure!(index["vectors"] == 0, "{fault}: {index}");
    }
    // An outage that lasts longer than a purge repeats its calls. Nobody is found all the same, and
    // the next trigger goes on.
    json(enrol(&api).await?, StatusCode::CREATED).await?;
    failing(&server, "deleteByIds", &json!({}), 1000).await?;
    server.purge(4).await?;
    ensure!(api.find(&golden(OBAMA)).await?["verdict"] == "none");
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == 1, "{index}");
    server.index_control(&json!({"reset": true})).await?;
    server.purge(4).await?;
    let index = server.index_control(&json!({})).await?;
    ensure!(index["vectors"] == 0, "{index}");

    // A day later the tombstones go, but not when the index does not say what it has. Two runs at
    // once do no harm.
    json(enrol(&api).await?, StatusCode::CREATED).await?;
    failing(&server, "getByIds", &json!({}), 1000).await?;
    server.purge(5).await?;
    server.index_control(&json!({"reset": true})).await?;
    ensure!(server.objects(BUCKET_NAME) > 1, "a tombstone was deleted too early");
    let (one, other) = tokio::join!(server.purge(6), server.purge(6));
    one.and(other)?;
    server.purge(7).await?;
    ensure!(server.index_control(&json!({})).await?["vectors"] == 0);
    ensure!(is_empty(&server), "{} objects are left", server.objects(BUCKET_NAME));
    server.stop()
}

/// Whether the bucket has nothing but what is known of the last purge.
pub(crate) fn is_empty(server: &Server) -> bool {
    server.objects(BUCKET_NAME) == 1
}

/// Waits until the index holds so many vectors.
async fn until_vectors(server: &Server, expected: u64) -> anyhow::Result<()> {
    for _ in 0..150 {
        if server.index_control(&json!({})).await?["vectors"] == expected {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("the index does not come to {expected} vectors")
}

/// Orders the next calls of a method to fail.
async fn failing(server: &Server, method: &str, fault: &Value, times: u32) -> anyhow::Result<()> {
    let mut fail = fault.clone();
    fail["method"] = method.into();
    fail["times"] = times.into();
    server.index_control(&json!({"fail": fail})).await.map(drop)
}

async fn enrol(api: &Api<'_>) -> anyhow::Result<reqwest::Response> {
    add(api, &std::fs::read(golden(OBAMA))?).await
}

async fn add(api: &Api<'_>, image: &[u8]) -> anyhow::Result<reqwest::Response> {
    let form = Form::new()
        .text("name", "Barack Obama")
        .text("consent", "true")
        .part("image", Part::bytes(image.to_vec()));
    Ok(api.request(Method::POST, "/add").multipart(form).send().await?)
}

/// Enrols an image and returns the picture that is stored for it.
async fn stored(api: &Api<'_>, image: &[u8]) -> anyhow::Result<Vec<u8>> {
    picture(api, &json(add(api, image).await?, StatusCode::CREATED).await?).await
}

pub(crate) async fn picture(api: &Api<'_>, enrolled: &Value) -> anyhow::Result<Vec<u8>> {
    let path = format!("/faces/{}", id_of(enrolled)?);
    let response = api.request(Method::GET, &path).send().await?.error_for_status()?;
    ensure!(response.headers()["content-type"] == "image/jpeg");
    Ok(response.bytes().await?.to_vec())
}

async fn status(api: &Api<'_>, enrolled: &Value) -> anyhow::Result<Value> {
    let path = format!("/faces/{}/status", id_of(enrolled)?);
    json(api.request(Method::GET, &path).send().await?, StatusCode::OK).await
}

async fn delete(api: &Api<'_>, enrolled: &Value) -> anyhow::Result<StatusCode> {
    let token = enrolled["delete_token"].as_str().context("no token")?;
    let request = api.request(Method::DELETE, &format!("/faces/{}", id_of(enrolled)?));
    Ok(request.bearer_auth(token).send().await?.status())
}

fn id_of(enrolled: &Value) -> anyhow::Result<&str> {
    enrolled["id"].as_str().context("no id")
}

fn name_of(found: &Value) -> Option<&str> {
    found["name"].as_str()
}
