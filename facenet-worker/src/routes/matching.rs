//! `POST /match`: who is this?

use facenet::Embedding;
use facenet::verdict::{Thresholds, Verdict};
use serde::{Deserialize, Serialize};
use wire::faces::{Neighbours, Search};
use wire::limits::{TOP_K_DEFAULT, TOP_K_MAX};
use wire::{Kind, Problem, body};
use worker::{Env, Request, Response, Url};

use super::{content_type, continent, embedding, face, json, media_type, served_model};
use crate::timing::Timing;
use crate::{internal, multipart, store};

#[derive(Serialize)]
struct Answer {
    verdict: &'static str,
    threshold: f32,
    matches: Vec<Match>,
}

#[derive(Serialize)]
struct Match {
    id: String,
    name: String,
    distance: f32,
    picture: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    embedding: Vec<f32>,
}

pub(super) async fn post(mut request: Request, env: &Env) -> Result<Response, Problem> {
    let mut timing = Timing::start();
    let url = request.url().map_err(internal)?;
    let options = Options::parse(&url)?;
    let (model, thresholds) = served_model(env)?;
    let thresholds = options.threshold.map_or(thresholds, |max| thresholds.with_match_max(max));
    let embedding = query(&mut request, env).await?;
    timing.stage("model");
    let message = Search {
        namespace: facenet::namespace(&model),
        embedding: embedding.into_vec(),
        top_k: options.top_k,
    };
    let neighbours: Neighbours = store::post(env, "/match", &message).await?;
    timing.stage("search");
    let answer = verdict(neighbours, thresholds, &url);
    timing.add_to(json(&answer, 200)?).map_err(internal)
}

/// The embedding that is searched for: of a picture as body or in a form, or the caller's own.
async fn query(request: &mut Request, env: &Env) -> Result<Embedding, Problem> {
    let content_type = content_type(request);
    let body = body::read(request).await?;
    let picture = match &*media_type(&content_type) {
        "application/json" => return own_embedding(&body),
        "multipart/form-data" => {
            let form = multipart::parse(body, &content_type).await?;
            multipart::required(form.image, "image")?
        }
        _ => body,
    };
    embedding(env, continent(request), &face(&picture)?).await
}

fn own_embedding(body: &[u8]) -> Result<Embedding, Problem> {
    let query: Query = serde_json::from_slice(body).map_err(|_| {
        Problem::new(Kind::Malformed, "Send JSON of the form {\"embedding\": [512 numbers]}.")
    })?;
    Embedding::normalise(query.embedding)
        .map_err(|error| Problem::new(Kind::Unusable, format!("This is no embedding: {error}.")))
}

/// What the distances mean. Only faces that are at least possible are named: a stranger has no
/// business with the others.
fn verdict(neighbours: Neighbours, thresholds: Thresholds, url: &Url) -> Answer {
    let matches: Vec<_> = neighbours
        .matches
        .into_iter()
        .filter(|neighbour| thresholds.verdict(neighbour.distance) != Verdict::None)
        .map(|neighbour| Match {
            picture: picture_url(url, &neighbour.id),
            id: neighbour.id,
            name: neighbour.name,
            distance: neighbour.distance,
        })
        .collect();
    let nearest = matches.first().map_or(f32::INFINITY, |nearest| nearest.distance);
    Answer {
        verdict: thresholds.verdict(nearest).as_str(),
        threshold: thresholds.match_max,
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

/// The query parameters.
#[derive(Debug, PartialEq)]
struct Options {
    top_k: u32,
    threshold: Option<f32>,
}

impl Options {
    fn parse(url: &Url) -> Result<Self, Problem> {
        let mut options = Self { top_k: TOP_K_DEFAULT, threshold: None };
        for (key, value) in url.query_pairs() {
            match &*key {
                "top_k" => {
                    let top_k = value.parse().ok().filter(|k| (1..=TOP_K_MAX).contains(k));
                    options.top_k = top_k.ok_or_else(|| {
                        let detail = format!("`top_k` is a whole number from 1 to {TOP_K_MAX}.");
                        Problem::new(Kind::Malformed, detail)
                    })?;
                }
                "threshold" => {
                    let threshold = value.parse().ok().filter(|t| (0.0..=2.0).contains(t));
                    options.threshold = Some(threshold.ok_or_else(|| {
                        Problem::new(Kind::Malformed, "`threshold` is a distance from 0 to 2.")
                    })?);
                }
                _ => {}
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use wire::faces::Neighbour;

    use super::*;

    fn parse(query: &str) -> Result<Options, Kind> {
        let url = Url::parse(&format!("http://localhost/match?{query}")).unwrap();
        Options::parse(&url).map_err(|problem| problem.kind)
    }

    #[test]
    fn options_have_defaults_and_bounds() {
        assert_eq!(parse(""), Ok(Options { top_k: 5, threshold: None }));
        assert_eq!(
            parse("top_k=20&threshold=0.9&x=1"),
            Ok(Options { top_k: 20, threshold: Some(0.9) })
        );
        for query in ["top_k=0", "top_k=21", "top_k=-1", "top_k=x", "top_k=", "top_k=1.5"] {
            assert_eq!(parse(query), Err(Kind::Malformed), "{query}");
        }
        for query in ["threshold=-0.1", "threshold=2.1", "threshold=NaN", "threshold=inf"] {
            assert_eq!(parse(query), Err(Kind::Malformed), "{query}");
        }
    }

    #[test]
    fn strangers_are_not_named() {
        let url = Url::parse("http://localhost:8787/match?top_k=3").unwrap();
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let answer = |distances: &[f32]| {
            let matches = distances
                .iter()
                .map(|&distance| Neighbour { id: "ab".into(), name: "A".into(), distance })
                .collect();
            verdict(Neighbours { matches }, thresholds, &url)
        };
        assert_eq!(answer(&[]).verdict, "none");
        let none = answer(&[1.2, 1.3]);
        assert_eq!((none.verdict, none.matches.len()), ("none", 0));
        let possible = answer(&[0.9, 1.3]);
        assert_eq!((possible.verdict, possible.matches.len()), ("possible", 1));
        let found = answer(&[0.5, 0.9, 1.3]);
        assert_eq!((found.verdict, found.matches.len()), ("match", 2));
        assert_eq!(found.matches[0].picture, "http://localhost:8787/faces/ab");
    }

    #[test]
    fn own_embeddings_are_checked() {
        let kind = |body: &str| own_embedding(body.as_bytes()).unwrap_err().kind;
        assert_eq!(kind("{"), Kind::Malformed);
        assert_eq!(kind("{}"), Kind::Malformed);
        assert_eq!(kind("{\"embedding\":[\"a\"]}"), Kind::Malformed);
        assert_eq!(kind("{\"embedding\":[1,2]}"), Kind::Unusable);
        let zeros = vec!["0"; 512].join(",");
        assert_eq!(kind(&format!("{{\"embedding\":[{zeros}]}}")), Kind::Unusable);
        let ones = vec!["1"; 512].join(",");
        assert!(own_embedding(format!("{{\"embedding\":[{ones}]}}").as_bytes()).is_ok());
    }
}
