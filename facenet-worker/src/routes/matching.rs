//! `POST /match`: who is this? (`match` is a word of the language, so no file is called that.)

use facenet::Embedding;
use facenet::verdict::{Thresholds, Verdict};
use input::fields::required;
use input::query;
use serde::Serialize;
use wire::Problem;
use wire::faces::{Neighbours, Search};
use worker::{Request, Response, Url};

use super::Context;
use super::request::{self, embedding_of, face, form, media_type, served_model};
use super::response::timed;
use crate::{error, vectorize_client};

/// The verdict when the search could not look far enough.
const INCOMPLETE: &str = "incomplete";

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    /// Whether there may be further people who are near enough.
    incomplete: bool,
    threshold: f32,
    possible_threshold: f32,
    matches: Vec<Match>,
}

#[derive(Serialize)]
struct Match {
    id: String,
    name: String,
    distance: f32,
    picture: String,
    pictures: usize,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let Context { env, record, .. } = context;
    let url = request.url().map_err(error::internal)?;
    let (model, thresholds) = served_model(env)?;
    let options = query::parse(url.query().unwrap_or_default(), thresholds.possible_max)?;
    let thresholds = options.threshold.map_or(thresholds, |max| thresholds.with_match_max(max));
    let embedding = embedding(&request, context).await?;
    record.stage("model");
    let message = Search {
        namespace: facenet::namespace(&model),
        embedding: embedding.into_vec(),
        top_k: options.top_k,
        // Callers see who is at least possible, and nobody else.
        distance_max: thresholds.possible_max,
    };
    let neighbours: Neighbours = vectorize_client::post(env, record, "/match", &message).await?;
    record.stage("search");
    let answer = verdict(neighbours, thresholds, &url);
    record.verdict(answer.verdict);
    timed(&answer, 200, record)
}

/// The embedding that is searched for: of a picture as body or in a form, or the caller's own.
async fn embedding(request: &Request, context: Context<'_>) -> Result<Embedding, Problem> {
    let face = match &*media_type(request) {
        "application/json" => return request::embedding(request).await,
        "multipart/form-data" => required(form(request, &["image"]).await?.image, "image")?,
        _ => face(request).await?,
    };
    context.record.stage("read");
    embedding_of(&face, request, context).await
}

/// What the distances mean.
fn verdict(neighbours: Neighbours, thresholds: Thresholds, url: &Url) -> Answer {
    let matches: Vec<_> = neighbours
        .matches
        .into_iter()
        .map(|neighbour| Match {
            picture: picture_url(url, &neighbour.id),
            id: neighbour.id,
            name: neighbour.name,
            distance: thresholds.told(neighbour.distance),
            pictures: neighbour.pictures,
        })
        .collect();
    // What is told has the same verdict as the distance itself.
    let verdict = match matches.first() {
        Some(nearest) => thresholds.verdict(nearest.distance).as_str(),
        // Nobody was found, and that does not mean that nobody is there.
        None if neighbours.incomplete => INCOMPLETE,
        None => Verdict::None.as_str(),
    };
    Answer {
        verdict,
        incomplete: neighbours.incomplete,
        threshold: thresholds.match_max,
        possible_threshold: thresholds.possible_max,
        matches,
    }
}

fn picture_url(url: &Url, id: &str) -> String {
    let mut picture = url.clone();
    picture.set_path(&format!("/faces/{id}"));
    picture.set_query(None);
    picture.set_fragment(None);
    picture.into()
}

#[cfg(test)]
mod tests {
    use wire::faces::Neighbour;

    use super::*;

    #[test]
    fn the_nearest_decides() {
        let url = Url::parse("http://localhost:8787/match?top_k=3").unwrap();
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let answer_of = |distances: &[f32], incomplete| {
            let near = |&distance: &f32| Neighbour {
                id: "ab".into(),
                name: "A".into(),
                distance,
                pictures: 2,
            };
            let matches = distances.iter().map(near).collect();
            verdict(Neighbours { matches, incomplete }, thresholds, &url)
        };
        let answer = |distances: &[f32]| answer_of(distances, false);
        assert_eq!(answer(&[]).verdict, "none");
        let possible = answer(&[0.9, 1.0]);
        assert_eq!((possible.verdict, possible.matches.len()), ("possible", 2));
        let found = answer(&[0.5, 0.9]);
        assert_eq!((found.verdict, found.matches.len()), ("match", 2));
        assert_eq!(found.matches[0].picture, "http://localhost:8787/faces/ab");
        assert_eq!(found.matches[0].pictures, 2);
        // Distances are told in hundredths, on their side of the threshold.
        let near = answer(&[0.8499, 0.8501, 1.0499]);
        let told: Vec<_> = near.matches.iter().map(|found| found.distance).collect();
        assert_eq!((near.verdict, told), ("match", vec![0.85, 0.86, 1.05]));
        assert_eq!(answer(&[0.8501]).verdict, "possible");
        // Whoever is found is the nearest, also when others may be behind.
        for (distances, expected) in [(&[][..], "incomplete"), (&[0.5], "match")] {
            let answer = answer_of(distances, true);
            assert_eq!((answer.verdict, answer.incomplete), (expected, true));
        }
    }
}
