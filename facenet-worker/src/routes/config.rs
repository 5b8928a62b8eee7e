//! `GET /config`: what is computed, accepted and kept, from the constants and variables that decide
//! it. The page takes thresholds and limits from here, and makes its privacy notice from it.

use facenet::layers::INPUT_SIDE;
use facenet::verdict::{AIM_PEOPLE, AIM_PICTURES, Measurement, Outcome, Share, Thresholds};
use serde::Serialize;
use wire::installation::{PREFIX, renamed};
use wire::retention::{BUCKET_NAME, INDEX_NAME, PURGE_CRON, PURGE_HOUR};
use wire::{Problem, limits};
use worker::{Env, Response};

use super::request::served_model;
use super::response::{ok, public};
use crate::access::Access;
use crate::{bindings, shards};

#[derive(Serialize)]
struct Answer {
    model: String,
    pipeline: &'static str,
    embedding_dimensions: usize,
    crop_side: usize,
    thresholds: Limits,
    /// None when nothing was measured with the model.
    accuracy: Option<Accuracy>,
    limits: Taken,
    retention: Retention,
    stored: [Stored; 4],
    allowed_origins: Vec<String>,
    access: &'static str,
    /// None when the operator names none.
    report_address: Option<String>,
}

/// Largest L2 distance of each verdict.
#[derive(Serialize)]
struct Limits {
    r#match: f32,
    possible: f32,
}

/// The measurement behind the thresholds, for the group of people with the worst rates.
#[derive(Serialize)]
struct Accuracy {
    groups: usize,
    people: u32,
    photographs: u32,
    gallery_people: usize,
    gallery_pictures: usize,
    r#match: Rates,
    possible: Rates,
}

/// How often one threshold is wrong in such a gallery, as shares of 1. "At most" is the upper end
/// of a 95 % interval.
#[derive(Serialize)]
struct Rates {
    strangers_named: f64,
    strangers_named_at_most: f64,
    not_found: f64,
    not_found_at_most: f64,
}

#[derive(Serialize)]
struct Taken {
    body_bytes_max: usize,
    image_side_min: u32,
    image_side_max: u32,
    image_pixels_max: u64,
    name_chars_max: usize,
    top_k_max: u32,
    top_k_default: u32,
}

#[derive(Serialize)]
struct Retention {
    cron: &'static str,
    hour_utc: u64,
}

/// What the operator has decided.
struct Operator {
    /// Allowed origins, with commas between them.
    origins: String,
    access: Access,
    /// May be empty.
    report_address: String,
    /// The prefix of its names.
    installation: String,
}

/// One thing that an enrolment leaves.
#[derive(Debug, Serialize)]
struct Stored {
    what: String,
    r#where: String,
    readers: &'static str,
    until: String,
}

pub(super) fn get(env: &Env) -> Result<Response, Problem> {
    let (model, thresholds) = served_model(env)?;
    let variable = |name| env.var(name).map(|value| value.to_string()).unwrap_or_default();
    let operator = Operator {
        origins: variable(bindings::ALLOWED_ORIGINS),
        access: Access::configured(env)?,
        report_address: variable(bindings::REPORT_ADDRESS),
        installation: env
            .var(bindings::INSTALLATION)
            .map_or_else(|_| PREFIX.to_owned(), |value| value.to_string()),
    };
    public(ok(&answer(model, thresholds, operator))?)
}

fn accuracy(measured: &Measurement) -> Accuracy {
    let rates = |Outcome { false_positives, not_found }: Outcome| {
        let not_found = not_found.unwrap_or(Share { measured: 0.0, at_most: 1.0 });
        Rates {
            strangers_named: false_positives.measured,
            strangers_named_at_most: false_positives.at_most,
            not_found: not_found.measured,
            not_found_at_most: not_found.at_most,
        }
    };
    Accuracy {
        groups: measured.groups.len(),
        people: measured.people(),
        photographs: measured.pictures(),
        gallery_people: AIM_PEOPLE,
        gallery_pictures: AIM_PICTURES,
        r#match: rates(measured.worst_match()),
        possible: rates(measured.worst_possible()),
    }
}

fn answer(model: String, thresholds: Thresholds, operator: Operator) -> Answer {
    let origins = operator.origins.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let accuracy = Measurement::of(&model).as_ref().map(accuracy);
    Answer {
        model,
        pipeline: shards::PIPELINE,
        embedding_dimensions: limits::EMBEDDING_DIMENSIONS,
        crop_side: INPUT_SIDE,
        thresholds: Limits { r#match: thresholds.match_max, possible: thresholds.possible_max },
        accuracy,
        limits: Taken {
            body_bytes_max: limits::BODY_BYTES_MAX,
            image_side_min: limits::IMAGE_SIDE_MIN,
            image_side_max: limits::IMAGE_SIDE_MAX,
            image_pixels_max: limits::IMAGE_PIXELS_MAX,
            name_chars_max: limits::NAME_CHARS_MAX,
            top_k_max: limits::TOP_K_MAX,
            top_k_default: limits::TOP_K_DEFAULT,
        },
        retention: Retention { cron: PURGE_CRON, hour_utc: PURGE_HOUR },
        stored: stored(&operator.installation),
        allowed_origins: origins.map(str::to_owned).collect(),
        access: operator.access.as_str(),
        report_address: Some(operator.report_address).filter(|address| !address.is_empty()),
    }
}

/// What is kept after an enrolment. Nothing is after a search.
fn stored(installation: &str) -> [Stored; 4] {
    let index = format!("Cloudflare Vectorize, index {}", renamed(INDEX_NAME, installation));
    let bucket = format!("Cloudflare R2, bucket {}", renamed(BUCKET_NAME, installation));
    let until = format!("you delete it, or {PURGE_HOUR}:00 UTC");
    let found = "People whose search shows a face that may be yours: look-alikes are among them";
    let entry = |what: String, place: &str, readers| Stored {
        what,
        r#where: place.into(),
        readers,
        until: until.clone(),
    };
    [
        entry(format!("The cut-out picture, {INPUT_SIDE} × {INPUT_SIDE} pixels"), &bucket, found),
        entry("The name you typed".into(), &index, found),
        entry(
            format!("{} numbers computed from the face", limits::EMBEDDING_DIMENSIONS),
            &index,
            "Nobody: searches compare with them and tell distances in hundredths",
        ),
        entry(
            "A hash of your delete token, beside the picture".into(),
            &bucket,
            "Nobody: the token itself is known to you alone",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The answer for a model, and the schema that describes it.
    fn answer_and_schema(model: &str) -> (Value, Value) {
        let thresholds = Thresholds::of(model).unwrap();
        let operator = Operator {
            origins: "https://a.test, https://b.test".into(),
            access: Access::Private,
            report_address: "faces@example.org".into(),
            installation: PREFIX.into(),
        };
        let answer = answer(model.into(), thresholds, operator);
        let openapi: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let schema = openapi["components"]["schemas"]["Config"].clone();
        (serde_json::to_value(answer).unwrap(), schema)
    }

    fn keys(object: &Value) -> Vec<String> {
        let mut keys: Vec<_> = object.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_answer_is_what_openapi_describes() {
        let (answer, schema) = answer_and_schema("casia-webface");
        assert_eq!(keys(&answer), keys(&schema["properties"]));
        for part in ["thresholds", "accuracy", "limits", "retention"] {
            assert_eq!(keys(&answer[part]), keys(&schema["properties"][part]["properties"]));
        }
        let items = &schema["properties"]["stored"]["items"]["properties"];
        assert_eq!(keys(&answer["stored"][0]), keys(items));
        assert_eq!(answer["allowed_origins"].as_array().unwrap().len(), 2);
        assert_eq!(answer["access"], "private");
        assert_eq!(answer["report_address"], "faces@example.org");
    }

    #[test]
    fn the_accuracy_of_a_model_that_was_not_measured_is_null() {
        let (answer, schema) = answer_and_schema("vggface2");
        assert_eq!(keys(&answer), keys(&schema["properties"]));
        assert_eq!(answer["accuracy"], Value::Null);
        assert_eq!(schema["properties"]["accuracy"]["type"], json!(["object", "null"]));
    }

    /// Callers see nobody beyond that distance, whatever they ask for.
    #[test]
    fn openapi_names_the_largest_threshold() {
        let openapi: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
        let parameters = openapi["paths"]["/match"]["post"]["parameters"].as_array().unwrap();
        let threshold = parameters.iter().find(|it| it["name"] == "threshold").unwrap();
        let largest = Thresholds::of("casia-webface").unwrap().possible_max;
        assert_eq!(threshold["schema"]["maximum"].to_string(), largest.to_string());
        let budgets = openapi["components"]["responses"]["RateLimited"]["description"].to_string();
        let at_once = format!("more than {} requests", limits::REQUESTS_AT_ONCE_MAX);
        assert!(budgets.contains(&at_once), "{budgets}");
    }

    #[test]
    fn what_is_stored_is_said_to_be_where_it_is() {
        let places = |prefix| stored(prefix).map(|entry| entry.r#where).concat();
        let usual = places(PREFIX);
        assert!(usual.contains(INDEX_NAME) && usual.contains(BUCKET_NAME), "{usual}");
        let other = places("cface-other");
        assert!(other.contains("index cface-other-embeddings"), "{other}");
        assert!(other.contains("bucket cface-other-faces"), "{other}");
    }
}
