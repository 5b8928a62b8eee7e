//! From the command line to the measurement: crops, embeddings, distances.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use facenet::Embedding;
use indicatif::{ProgressBar, ProgressStyle};

use crate::crops::{self, Crop};
use crate::distances::{Distances, Picture};
use crate::engine::{Source, embed_all};
use crate::figures::Figures;
use crate::lfw::{self, Measured, Pairs};
use crate::options::{Crops, Options, Precision};
use crate::photos::{self, Photos, Skipped};
use crate::report::Measurement;

/// The folder with the records of the model, in the precision that was asked for.
const WEIGHTS: &str = "CFACE_WEIGHTS";

/// Photographs that all ways of cropping could use, and what was measured on them.
pub struct Outcome {
    /// The photographs.
    pub photos: Photos,
    /// The others.
    pub skipped: Vec<Skipped>,
    /// Their pictures, of the first way.
    pub pictures: Vec<Picture>,
    /// One for each way.
    pub measurements: Vec<Measurement>,
}

/// Measures photographs, by LFW's protocol too when there is a pairs file.
///
/// # Errors
/// When the photographs are not as they should be, or something that is needed does not run.
pub fn measure(options: &Options, pairs_file: Option<&Path>) -> anyhow::Result<Outcome> {
    let (all, mut skipped, pairs) = match pairs_file {
        None => {
            let (photos, skipped) = photos::in_folder(&options.dir)?;
            (photos, skipped, None)
        }
        Some(file) => {
            let pairs = lfw::read(file, &options.dir)?;
            (pairs.photos.clone(), Vec::new(), Some(pairs))
        }
    };
    let source = source(options)?;
    let mut ways = Vec::new();
    for &way in &options.crops {
        let crops = crops::cut_out(way, &all.photos, |what| progress(what, all.photos.len()))?;
        if let Some(dir) = &options.keep_crops {
            crops::keep(&dir.join(way.name()), &all.people, &all.photos, &crops)?;
        }
        ways.push(embed(options, &source, way, &crops)?);
    }
    let kept = keep_usable(&all, &ways, &mut skipped);
    ensure!(!kept.is_empty(), "no picture could be used; the first: {}", first_reason(&skipped));
    let photos = Photos {
        people: all.people.clone(),
        photos: kept.iter().filter_map(|&index| all.photos.get(index).cloned()).collect(),
    };
    let mut outcome = Outcome { photos, skipped, pictures: Vec::new(), measurements: Vec::new() };
    for (way, embeddings) in options.crops.iter().zip(ways) {
        let of_all: Vec<Option<Embedding>> = embeddings.into_iter().map(Result::ok).collect();
        let lfw = pairs.as_ref().map(|pairs| by_protocol(pairs, &of_all)).transpose()?;
        let pictures = pictures(&outcome.photos, &kept, &of_all);
        let distances = Distances::between(&pictures);
        let figures = Figures::of(&distances, pictures.len())
            .context("the usable pictures have no two of one person, or show only one")?;
        let crops = way.name();
        outcome.measurements.push(Measurement { crops, distances, figures, lfw });
        if outcome.pictures.is_empty() {
            outcome.pictures = pictures;
        }
    }
    Ok(outcome)
}

fn source(options: &Options) -> anyhow::Result<Source> {
    if let Some(url) = &options.server {
        return Ok(Source::Server(url.clone()));
    }
    let weights = std::env::var_os(WEIGHTS).map(PathBuf::from);
    let weights =
        weights.with_context(|| format!("{WEIGHTS} is not set: run `cargo xtask eval`"))?;
    let model = options.model.clone();
    match options.weights {
        Precision::F16 => Ok(Source::F16 { model, weights }),
        #[cfg(feature = "f32")]
        Precision::F32 => Ok(Source::F32 { model, weights }),
        #[cfg(not(feature = "f32"))]
        Precision::F32 => anyhow::bail!("this was built without its feature `f32`"),
    }
}

/// Embeds all crops of one way.
fn embed(
    options: &Options,
    source: &Source,
    way: Crops,
    crops: &[Crop],
) -> anyhow::Result<Vec<anyhow::Result<Embedding>>> {
    let bar = progress(&format!("embedding {}", way.name()), crops.len());
    embed_all(source, crops.len(), options.flip, &bar, |index| match crops.get(index) {
        Some(Ok(crop)) => Ok(crop.clone()),
        Some(Err(error)) => Err(anyhow::anyhow!("{error:#}")),
        None => Err(anyhow::anyhow!("there is no such crop")),
    })
}

/// A bar on a terminal, a line elsewhere.
fn progress(what: &str, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    if bar.is_hidden() {
        eprintln!("{what}: {total} pictures ...");
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what.to_owned());
    bar
}

/// The photographs that every way could use; the others are added to the skipped.
fn keep_usable(
    photos: &Photos,
    ways: &[Vec<anyhow::Result<Embedding>>],
    skipped: &mut Vec<Skipped>,
) -> Vec<usize> {
    let mut kept = Vec::new();
    for (index, photo) in photos.photos.iter().enumerate() {
        let failed = ways.iter().find_map(|way| way.get(index)?.as_ref().err());
        match failed {
            None => kept.push(index),
            Some(error) => {
                skipped.push(Skipped { file: photo.file.clone(), reason: format!("{error:#}") });
            }
        }
    }
    kept
}

fn first_reason(skipped: &[Skipped]) -> String {
    let name = |it: &Skipped| format!("{}: {}", it.file.display(), it.reason);
    skipped.first().map_or_else(String::new, name)
}

fn pictures(photos: &Photos, kept: &[usize], of_all: &[Option<Embedding>]) -> Vec<Picture> {
    let used = photos.photos.iter().zip(kept);
    used.filter_map(|(photo, &index)| {
        let embedding = of_all.get(index)?.clone()?;
        Some(Picture { person: photo.person, embedding })
    })
    .collect()
}

/// LFW's protocol on the pairs of which both pictures were usable.
fn by_protocol(pairs: &Pairs, of_all: &[Option<Embedding>]) -> anyhow::Result<lfw::Outcome> {
    let embedding = |index: usize| of_all.get(index)?.as_ref();
    let person = |index: usize| pairs.photos.photos.get(index).map(|photo| photo.person);
    let each = pairs.pairs.len() / pairs.folds;
    let measured: Vec<Measured> = pairs
        .pairs
        .iter()
        .enumerate()
        .filter_map(|(index, &(a, b))| {
            let distance = embedding(a)?.distance(embedding(b)?);
            Some(Measured { fold: index / each, same: person(a) == person(b), distance })
        })
        .collect();
    lfw::evaluate(&measured, pairs.folds)
}
