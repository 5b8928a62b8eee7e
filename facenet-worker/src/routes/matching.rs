//! `POST /match`: who is this? For a photograph: who are these? (`match` is a keyword of Rust, so
//! the file has another name.)

use facenet::Embedding;
use facenet::verdict::{
    Measurement, Strangers, Thresholds, Verdict, are_about_equal, false_match_rate_in_gallery,
    rounded_up,
};
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

/// Who a face may be: the answer about a crop, an embedding, or each face of a photograph.
#[derive(Serialize)]
struct Found {
    verdict: &'static str,
    /// Whether there may be further people who are near enough.
    incomplete: bool,
    /// Whether two people are about equally near. Then nobody is a match.
    ambiguous: bool,
    matches: Vec<Match>,
    /// How many faces there are, at most, if the index says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gallery_size_at_most: Option<u64>,
    /// How often a stranger finds somebody as near as the nearest, among so many faces. None when
    /// nobody was found, or nothing was measured with the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_chance_at_most: Option<f64>,
    /// The gallery that was searched, if it is not people's.
    #[serde(skip_serializing_if = "Option::is_none")]
    gallery: Option<&'static str>,
    /// Up to which distance the verdicts held here.
    #[serde(flatten)]
    limits: Distances,
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
    /// How often a picture of a stranger is as near. None when nothing was measured with the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    false_match_rate_at_most: Option<f64>,
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
    /// None when nothing was measured with the model.
    strangers: Option<Strangers>,
    /// Whether the caller has chosen how near a match is. Then the gallery does not change it.
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
        strangers: Measurement::of(&model).map(|measured| measured.strangers),
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
        return timed(&Faces::new(seen, found), 200, record);
    }
    let found = found.pop().ok_or_else(Problem::internal)?;
    record.verdict(found.verdict);
    timed(&found, 200, record)
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
            // Whether the search is ambiguous takes two.
            top_k: self.top_k.max(2),
            // Callers see who is at least possible, and nobody else.
            distance_max: self.thresholds.possible_max,
        };
        let Context { env, record, .. } = self.context;
        let neighbours: Neighbours =
            vectorize_client::post(env, record, "/match", &message).await?;
        let limits = self.limits(neighbours.company);
        Ok(self.found(neighbours, limits))
    }

    fn search_samples(&self, embedding: &Embedding) -> Found {
        let neighbours = samples::near(embedding, self.thresholds.possible_max);
        let limits = self.limits(None);
        let mut found = self.found(neighbours, limits);
        found.gallery = Some(SAMPLES);
        for one in &mut found.matches {
            one.picture = address(&self.url, &samples::picture_path(&one.id));
        }
        found
    }

    /// Up to which distance the verdicts hold. In a gallery that looks alike to the model,
    /// strangers are nearer.
    fn limits(&self, company: Option<f32>) -> Thresholds {
        match company {
            _ if self.is_chosen => self.thresholds,
            None => self.thresholds.alone(self.strangers),
            known => self.thresholds.in_company(known),
        }
    }

    fn found(&self, neighbours: Neighbours, thresholds: Thresholds) -> Found {
        found(neighbours, thresholds, self.strangers.as_ref(), self.top_k, &self.url)
    }
}

/// What the distances mean, for at most `top_k` people.
fn found(
    neighbours: Neighbours,
    thresholds: Thresholds,
    strangers: Option<&Strangers>,
    top_k: u32,
    url: &Url,
) -> Found {
    let Neighbours { matches, incomplete, company, gallery_size_at_most } = neighbours;
    let mut matches: Vec<_> = matches
        .into_iter()
        .take_while(|neighbour| thresholds.verdict(neighbour.distance) != Verdict::None)
        .map(|neighbour| {
            let distance = thresholds.told(neighbour.distance);
            let rate = strangers.map(|strangers| strangers.at_most(distance, company));
            Match {
                picture: address(url, &format!("/faces/{}", neighbour.id)),
                id: neighbour.id,
                name: neighbour.name,
                distance,
                false_match_rate_at_most: rate,
                pictures: neighbour.pictures,
            }
        })
        .collect();
    let ambiguous = is_ambiguous(&matches);
    matches.truncate(top_k as usize);
    // What is told has the same verdict as the distance itself.
    let verdict = match matches.first() {
        Some(_) if ambiguous => Verdict::Possible.as_str(),
        Some(nearest) => thresholds.verdict(nearest.distance).as_str(),
        // Nobody was found, and that does not mean that nobody is there.
        None if incomplete => INCOMPLETE,
        None => Verdict::None.as_str(),
    };
    let rate = matches.first().and_then(|nearest| nearest.false_match_rate_at_most);
    let by_chance_at_most = rate.zip(gallery_size_at_most).map(|(rate, faces)| {
        rounded_up(false_match_rate_in_gallery(rate, u32::try_from(faces).unwrap_or(u32::MAX)))
    });
    Found {
        verdict,
        incomplete,
        ambiguous,
        matches,
        gallery_size_at_most,
        by_chance_at_most,
        gallery: None,
        limits: thresholds.into(),
    }
}

/// Whether the second person is about as near as the nearest. One name is no ambiguity: people
/// enrol again on another device.
fn is_ambiguous(matches: &[Match]) -> bool {
    let [nearest, second, ..] = matches else { return false };
    nearest.name != second.name && are_about_equal(nearest.distance, second.distance)
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
    use facenet::verdict::{AMBIGUOUS_MAX, hundredths};
    use wire::faces::Neighbour;

    use super::*;

    fn url() -> Url {
        Url::parse("http://localhost:8787/match?top_k=3").unwrap()
    }

    fn near(name: &str, distance: f32) -> Neighbour {
        Neighbour { id: "ab".into(), name: name.into(), distance, pictures: 2 }
    }

    /// The answer when people are at these distances, each with a name of its own.
    fn answer(distances: &[f32], incomplete: bool) -> Found {
        let people = distances.iter().enumerate();
        let matches = people.map(|(it, &distance)| near(&it.to_string(), distance)).collect();
        judged(Neighbours { matches, incomplete, ..Neighbours::default() })
    }

    fn judged(neighbours: Neighbours) -> Found {
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let strangers = Measurement::of("casia-webface").map(|measured| measured.strangers);
        found(neighbours, thresholds, strangers.as_ref(), 3, &url())
    }

    #[test]
    fn the_nearest_decides() {
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let Thresholds { match_max, possible_max } = thresholds;
        assert_eq!(answer(&[], false).verdict, "none");
        let possible = answer(&[match_max + 0.01, possible_max, 1.5], false);
        assert_eq!((possible.verdict, possible.matches.len()), ("possible", 2));
        let found = answer(&[0.5, match_max], false);
        assert_eq!((found.verdict, found.matches.len()), ("match", 2));
        assert_eq!(found.matches[0].picture, "http://localhost:8787/faces/ab");
        assert_eq!(found.matches[0].pictures, 2);
        assert_eq!(
            (found.limits.threshold, found.limits.possible_threshold),
            (match_max, possible_max)
        );
        assert_eq!(answer(&[match_max + 0.000_1], false).verdict, "possible");
        // Whoever is found is the nearest, also when others may be behind.
        for (distances, expected) in [(&[][..], "incomplete"), (&[0.5], "match")] {
            let answer = answer(distances, true);
            assert_eq!((answer.verdict, answer.incomplete), (expected, true));
        }
    }

    #[test]
    fn distances_are_told_in_hundredths_on_their_side_of_the_threshold() {
        let Thresholds { match_max, possible_max } = Thresholds::of("casia-webface").unwrap();
        let distances = [match_max - 0.000_1, match_max + 0.000_1, possible_max];
        let near = answer(&distances, false);
        let told: Vec<_> = near.matches.iter().map(|found| found.distance).collect();
        assert_eq!(told, [match_max, hundredths(match_max + 0.01), possible_max]);
    }

    #[test]
    fn of_two_who_are_about_equally_near_nobody_is_a_match() {
        let apart = answer(&[0.5, 0.5 + AMBIGUOUS_MAX + 0.01], false);
        assert_eq!((apart.verdict, apart.ambiguous), ("match", false));
        let equal = answer(&[0.5, 0.5 + AMBIGUOUS_MAX], false);
        assert_eq!((equal.verdict, equal.ambiguous), ("possible", true));
        assert_eq!(equal.matches.len(), 2);
        // Also when only one is asked for, and not when both have one name.
        let both = || Neighbours {
            matches: vec![near("Ada", 0.5), near("Bo", 0.5)],
            ..Neighbours::default()
        };
        let thresholds = Thresholds::of("casia-webface").unwrap();
        let one = found(both(), thresholds, None, 1, &url());
        assert_eq!((one.verdict, one.ambiguous, one.matches.len()), ("possible", true, 1));
        let mut same = both();
        same.matches[1].name = "Ada".into();
        assert_eq!(judged(same).verdict, "match");
    }

    #[test]
    fn chance_grows_with_the_gallery_and_the_distance() {
        let mut last = 0.0;
        for (size, distance) in [(10, 0.3), (20, 0.3), (20, 0.7), (500, 0.7), (u64::MAX, 0.7)] {
            let found = judged(Neighbours {
                matches: vec![near("Ada", distance)],
                gallery_size_at_most: Some(size),
                ..Neighbours::default()
            });
            let rate = found.matches[0].false_match_rate_at_most.unwrap();
            let chance = found.by_chance_at_most.unwrap();
            assert!(rate < chance && last < chance && chance <= 1.0, "{size} {distance}: {chance}");
            last = chance;
        }
        assert_eq!(answer(&[0.5], false).by_chance_at_most, None);
        assert_eq!(answer(&[], false).by_chance_at_most, None);
    }
}
