//! `POST /match`: who is this? For a photograph: who are these? (`match` is a keyword of Rust, so
//! the file has another name.)

use facenet::Embedding;
use facenet::verdict::{Thresholds, Verdict};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use input::fields::required;
use input::query::{self, Options};
use input::seen::{Pictured, Reading, Seen};
use serde::Serialize;
use wire::Problem;
use wire::faces::{Neighbours, Search};
use worker::{Request, Response, Url};

use super::Context;
use super::photograph::{self, Faces};
use super::request::{self, form, media_type, picture, reading, served_model};
use super::response::timed;
use super::samples;
use crate::{error, shards, vectorize_client};

/// The verdict when the search could not look far enough.
const INCOMPLETE: &str = "incomplete";

/// What the answer calls the gallery of samples.
const SAMPLES: &str = "samples";

/// How many faces of a photograph are searched for at once.
const AT_ONCE: usize = 4;

/// The answer about a crop or an embedding.
#[derive(Serialize)]
struct One {
    #[serde(flatten)]
    found: Found,
    #[serde(flatten)]
    distances: Distances,
}

/// The answer about a photograph.
#[derive(Serialize)]
struct Many {
    #[serde(flatten)]
    faces: Faces<Found>,
    #[serde(flatten)]
    distances: Distances,
}

/// Who a face may be.
#[derive(Serialize)]
struct Found {
    verdict: &'static str,
    /// Whether there may be further people who are near enough.
    incomplete: bool,
    matches: Vec<Match>,
    /// The gallery that was searched, if it is not people's.
    #[serde(skip_serializing_if = "Option::is_none")]
    gallery: Option<&'static str>,
    /// The thresholds of this verdict.
    #[serde(skip)]
    limits: Thresholds,
}

/// The largest distance of each verdict.
#[derive(Serialize)]
struct Distances {
    threshold: f32,
    possible_threshold: f32,
}

impl From<Thresholds> for Distances {
    fn from(Thresholds { match_max, possible_max }: Thresholds) -> Self {
        Self { threshold: match_max, possible_threshold: possible_max }
    }
}

#[derive(Serialize)]
struct Match {
    id: String,
    name: String,
    distance: f32,
    picture: String,
    pictures: usize,
}

/// What is searched for.
enum Sought {
    Embedding(Embedding),
    Picture(Pictured),
}

/// How it is searched for.
struct Searcher<'a> {
    context: Context<'a>,
    url: Url,
    namespace: String,
    thresholds: Thresholds,
    /// Whether the caller has brought a threshold. Then the company does not change it.
    is_chosen: bool,
    top_k: u32,
    /// Whether the samples are searched.
    samples: bool,
}

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let record = context.record;
    let url = request.url().map_err(error::internal)?;
    let (model, thresholds) = served_model(context.env)?;
    let options = query::parse(url.query().unwrap_or_default(), thresholds.possible_max)?;
    let thresholds = options.threshold.map_or(thresholds, |max| thresholds.with_match_max(max));
    let Options { top_k, samples, .. } = options;
    let searcher = Searcher {
        context,
        url,
        namespace: facenet::namespace(&model, shards::PIPELINE),
        thresholds,
        is_chosen: options.threshold.is_some(),
        top_k,
        samples,
    };
    let (embeddings, seen) = embeddings(&request, &options, context).await?;
    if samples {
        samples::prepare(&request, context).await?;
    }
    record.stage("model");
    let found = embeddings.into_iter().map(|embedding| searcher.search(embedding));
    let mut found: Vec<_> = stream::iter(found).buffered(AT_ONCE).try_collect().await?;
    record.stage("search");
    if let Some(seen) = seen {
        let distances = Distances::from(thresholds);
        return timed(&Many { faces: Faces::new(seen, found), distances }, 200, record);
    }
    let found = found.pop().ok_or_else(Problem::internal)?;
    record.verdict(found.verdict);
    let distances = Distances::from(found.limits);
    timed(&One { found, distances }, 200, record)
}

/// The embeddings that are searched for, one for each face of a photograph; and what was seen in
/// the photograph, if it is one.
async fn embeddings(
    request: &Request,
    options: &Options,
    context: Context<'_>,
) -> Result<(Vec<Embedding>, Option<Seen>), Problem> {
    let Pictured { crops, seen } = match sought(request, reading(options.detect)).await? {
        Sought::Embedding(embedding) => return Ok((vec![embedding], None)),
        Sought::Picture(pictured) => pictured,
    };
    context.record.stage("read");
    Ok((photograph::embeddings(&crops, request, context).await?, seen))
}

/// A picture as body or in a form, or the caller's own embedding.
async fn sought(request: &Request, reading: Reading) -> Result<Sought, Problem> {
    Ok(match &*media_type(request) {
        "application/json" => Sought::Embedding(request::embedding(request).await?),
        "multipart/form-data" => {
            let form = form(request, &["image", "detect"], reading).await?;
            Sought::Picture(required(form.image, "image")?)
        }
        _ => Sought::Picture(picture(request, reading).await?),
    })
}

impl Searcher<'_> {
    async fn search(&self, embedding: Embedding) -> Result<Found, Problem> {
        if self.samples {
            return Ok(self.search_samples(&embedding));
        }
        let message = Search {
            namespace: self.namespace.clone(),
            embedding: embedding.into_vec(),
            top_k: self.top_k,
            // Callers see who is at least possible, and nobody else.
            distance_max: self.thresholds.possible_max,
        };
        let Context { env, record, .. } = self.context;
        let neighbours: Neighbours =
            vectorize_client::post(env, record, "/match", &message).await?;
        // Where the faces near the search are similar to it, so are those of strangers.
        let company = neighbours.company.filter(|_| !self.is_chosen);
        Ok(found(neighbours, self.thresholds.in_company(company), &self.url))
    }

    fn search_samples(&self, embedding: &Embedding) -> Found {
        let neighbours = samples::near(embedding, self.thresholds.possible_max);
        let mut found = found(neighbours, self.thresholds, &self.url);
        found.gallery = Some(SAMPLES);
        found.matches.truncate(self.top_k as usize);
        for one in &mut found.matches {
            one.picture = address(&self.url, &samples::picture_path(&one.id));
        }
        found
    }
}

/// What the distances mean.
fn found(neighbours: Neighbours, thresholds: Thresholds, url: &Url) -> Found {
    let matches: Vec<_> = neighbours
        .matches
        .into_iter()
        .take_while(|neighbour| thresholds.verdict(neighbour.distance) != Verdict::None)
        .map(|neighbour| Match {
            picture: address(url, &format!("/faces/{}", neighbour.id)),
            id: neighbour.id,
            name: neighbour.name,
            distance: thresholds.told(neighbour.distance),
            pictures: neighbour.pictures,
        })
        .collect();
    // The rounded distance has the same verdict as the exact one.
    let verdict = match matches.first() {
        Some(nearest) => thresholds.verdict(nearest.distance).as_str(),
        // Nobody was found, but there may be somebody.
        None if neighbours.incomplete => INCOMPLETE,
        None => Verdict::None.as_str(),
    };
    let incomplete = neighbours.incomplete;
    Found { verdict, incomplete, matches, gallery: None, limits: thresholds }
}

/// The address of a path of this server.
fn address(url: &Url, path: &str) -> String {
    let mut picture = url.clone();
    picture.set_path(path);
    picture.set_query(None);
    picture.set_fragment(None);
    picture.into()
}

#[cfg(test)]
mod tests {
    use facenet::verdict::hundredths;
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
            found(Neighbours { matches, incomplete, company: None }, thresholds, &url)
        };
        let answer = |distances: &[f32]| answer_of(distances, false);
        assert_eq!(answer(&[]).verdict, "none");
        let possible = answer(&[0.9, 0.92, 1.5]);
        assert_eq!((possible.verdict, possible.matches.len()), ("possible", 2));
        let found = answer(&[0.5, 0.9]);
        assert_eq!((found.verdict, found.matches.len()), ("match", 2));
        assert_eq!(found.matches[0].picture, "http://localhost:8787/faces/ab");
        assert_eq!(found.matches[0].pictures, 2);
        assert_eq!(found.limits, thresholds);
        // Distances are told in hundredths, on their side of the threshold.
        let Thresholds { match_max, possible_max } = thresholds;
        let near = answer(&[match_max - 0.000_1, match_max + 0.000_1, possible_max]);
        let told: Vec<_> = near.matches.iter().map(|found| found.distance).collect();
        assert_eq!(near.verdict, "match");
        assert_eq!(told, [match_max, hundredths(match_max + 0.01), possible_max]);
        assert_eq!(answer(&[match_max + 0.000_1]).verdict, "possible");
        // Whoever is found is the nearest, even if the search may have missed others.
        for (distances, expected) in [(&[][..], "incomplete"), (&[0.5], "match")] {
            let answer = answer_of(distances, true);
            assert_eq!((answer.verdict, answer.incomplete), (expected, true));
        }
    }
}
