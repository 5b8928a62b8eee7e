//! `POST /verify`: are these two the same person? Nothing is stored.

use facenet::verdict::Measurement;
use input::fields::{Fields, required};
use input::seen::Reading;
use serde::Serialize;
use wire::Problem;
use worker::{Request, Response};

use super::Context;
use super::request::{detect, embedding_of, form, served_model};
use super::response::timed;

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    distance: f32,
    /// How often pictures of two people are as near. None when nothing was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    false_match_rate_at_most: Option<f64>,
    threshold: f32,
    possible_threshold: f32,
    /// Where the face is, in a photograph.
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    bounds: Option<[f64; 4]>,
    #[serde(rename = "other_box", skip_serializing_if = "Option::is_none")]
    other_bounds: Option<[f64; 4]>,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    let reading = Reading { detect: detect(&request)?, ..Reading::CROP };
    let Fields { image, other, .. } =
        form(&request, &["image", "other", "detect"], reading).await?;
    let (image, seen) = required(image, "image")?.first().ok_or_else(Problem::internal)?;
    let (other, other_seen) = required(other, "other")?.first().ok_or_else(Problem::internal)?;
    let (model, thresholds) = served_model(env)?;
    record.stage("read");
    let image = embedding_of(&image, &request, context).await?;
    let other = embedding_of(&other, &request, context).await?;
    record.stage("model");
    let distance = image.distance(&other);
    let strangers = Measurement::of(&model).map(|measured| measured.strangers);
    let thresholds = thresholds.alone(strangers);
    let told = thresholds.told(distance);
    let answer = Answer {
        verdict: thresholds.verdict(distance).as_str(),
        distance: told,
        false_match_rate_at_most: strangers.map(|strangers| strangers.at_most(told, None)),
        threshold: thresholds.match_max,
        possible_threshold: thresholds.possible_max,
        bounds: seen.map(|face| face.bounds),
        other_bounds: other_seen.map(|face| face.bounds),
    };
    record.verdict(answer.verdict);
    timed(&answer, 200, record)
}
