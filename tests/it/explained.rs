//! What an answer says of itself: how rarely a stranger is as near, by chance in the whole gallery,
//! and when two people are about equally near.

use anyhow::{Context as _, ensure};
use facenet::verdict::{AMBIGUOUS_MAX, Measurement, Thresholds};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tests::api::{Api, json, part};
use tests::{golden, shaded};

use crate::lent::Lent;

/// A number of an answer.
fn number(answer: &Value, name: &str) -> anyhow::Result<f64> {
    answer[name].as_f64().with_context(|| format!("no {name}: {answer}"))
}

async fn enrol(api: &Api<'_>, name: &str, picture: Vec<u8>) -> anyhow::Result<Value> {
    let form = Form::new()
        .text("name", name.to_owned())
        .text("consent", "true")
        .part("image", Part::bytes(picture));
    json(api.request(Method::POST, "/add").multipart(form).send().await?, StatusCode::CREATED).await
}

#[tokio::test]
async fn of_two_people_who_are_about_equally_near_nobody_is_a_match() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    api.enrol("Barack Obama", &golden("obama-2.png")).await?;
    let alone = api.find(&golden("obama-1.png")).await?;
    ensure!(alone["verdict"] == "match" && alone["ambiguous"] == false, "{alone}");

    let double = enrol(&api, "A double", shaded("obama-2.png", 6)?).await?;
    for path in ["/match", "/match?top_k=1"] {
        let found = api.post_file(path, &golden("obama-1.png")).await?;
        let found = json(found, StatusCode::OK).await?;
        let people = found["matches"].as_array().context("no matches")?;
        ensure!(found["verdict"] == "possible" && found["ambiguous"] == true, "{found}");
        ensure!(people.len() == if path.contains("top_k") { 1 } else { 2 }, "{found}");
        if let [nearest, second] = people.as_slice() {
            let apart = number(second, "distance")? - number(nearest, "distance")?;
            ensure!((-1e-6..=f64::from(AMBIGUOUS_MAX) + 1e-6).contains(&apart), "{apart}");
            // The distance itself would be a match.
            ensure!(number(nearest, "distance")? <= number(&found, "threshold")?, "{found}");
        }
    }
    // The same person, enrolled again on another device.
    let token = double["delete_token"].as_str().unwrap_or_default();
    let gone = api.request(Method::DELETE, "/faces").bearer_auth(token).send().await?;
    ensure!(gone.status() == StatusCode::NO_CONTENT);
    enrol(&api, "Barack Obama", shaded("obama-2.png", 6)?).await?;
    let again = api.find(&golden("obama-1.png")).await?;
    ensure!(again["verdict"] == "match" && again["ambiguous"] == false, "{again}");
    ensure!(again["matches"].as_array().is_some_and(|people| people.len() == 2), "{again}");
    server.give_back().await
}

#[tokio::test]
async fn answers_say_how_rarely_a_stranger_is_as_near() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let strangers = Measurement::of("casia-webface").context("not measured")?.strangers;
    let limits = Thresholds::of("casia-webface").context("no thresholds")?.alone(Some(strangers));

    let none = api.find(&golden("obama-1.png")).await?;
    ensure!(none["by_chance_at_most"].is_null() && none["gallery_size_at_most"] == 10, "{none}");
    api.enrol("Barack Obama", &golden("obama-1.png")).await?;
    let mut last = (0.0, 0.0);
    // The same picture, and another one of the person.
    for file in ["obama-1.png", "obama-2.png"] {
        let found = api.find(&golden(file)).await?;
        ensure!(found["gallery_size_at_most"] == 10, "{found}");
        let nearest = &found["matches"][0];
        let rate = number(nearest, "false_match_rate_at_most")?;
        let chance = number(&found, "by_chance_at_most")?;
        let distance = number(nearest, "distance")?;
        // Nobody else is enrolled, so it may be any company.
        ensure!((rate - strangers.at_most(distance as f32, None)).abs() < 1e-9, "{found}");
        ensure!(last.0 <= rate && last.1 <= chance && rate < chance && chance < 1.0, "{found}");
        ensure!((number(&found, "threshold")? - f64::from(limits.match_max)).abs() < 1e-6);
        last = (rate, chance);
    }
    ensure!(last.0 < 0.01, "a match is rare: {last:?}");

    let pair = |other: &str| -> anyhow::Result<Form> {
        let (image, other) = (part(&golden("obama-1.png"))?, part(&golden(other))?);
        Ok(Form::new().part("image", image).part("other", other))
    };
    let mut rates = Vec::new();
    for other in ["obama-1.png", "obama-2.png", "biden-1.png"] {
        let verify = api.request(Method::POST, "/verify").multipart(pair(other)?).send().await?;
        let answer = json(verify, StatusCode::OK).await?;
        ensure!((number(&answer, "threshold")? - f64::from(limits.match_max)).abs() < 1e-6);
        rates.push(number(&answer, "false_match_rate_at_most")?);
    }
    ensure!(rates.is_sorted() && rates[1] < 0.01 && rates[2] > 0.5, "{rates:?}");

    let samples = api.post_file("/match?gallery=samples", &golden("biden-2.png")).await?;
    let samples = json(samples, StatusCode::OK).await?;
    ensure!(samples["gallery_size_at_most"] == 2, "{samples}");
    number(&samples, "by_chance_at_most")?;
    server.give_back().await
}
