//! From the command line to the results: crops, embeddings, distances, metrics.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use facenet::Embedding;
use facenet::simd::Simd;
use indicatif::{ProgressBar, ProgressStyle};

use crate::crops::{self, Crop};
use crate::distances::{Distances, Picture};
use crate::engine::{Source, embed_all};
use crate::lfw::{self, MeasuredPair, PairsFile};
use crate::metrics::Metrics;
use crate::options::{CropMethod, Options, Precision};
use crate::photos::{self, Photos, Skipped};
use crate::report::MethodResult;

/// Names the folder with the model's records, in the precision that is asked for.
const WEIGHTS: &str = "CFACE_WEIGHTS";

/// What was measured. All crop methods were measured on the same photographs.
pub struct Outcome {
    /// The pipeline of the embeddings.
    pub pipeline: String,
    /// The photographs that every method could use, and the people whom they show.
    pub photos: Photos,
    /// The other photographs.
    pub skipped: Vec<Skipped>,
    /// The photographs with their embeddings, by the first method.
    pub pictures: Vec<Picture>,
    /// One for each method.
    pub results: Vec<MethodResult>,
}

/// The embeddings of all photographs, or why there is none.
pub(crate) type Embeddings = Vec<anyhow::Result<Embedding>>;

/// Measures photographs. With a pairs file, LFW's protocol is followed too.
///
/// # Errors
/// When there are too few usable photographs, or something that is needed does not run.
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
    let pipeline = source.pipeline()?;
    let mut of_methods = Vec::new();
    for &method in &options.crops {
        let bar = |what: &str| progress(what, all.photos.len());
        let crops = crops::cut_out(method, &all.photos, bar)?;
        if let Some(dir) = &options.keep_crops {
            crops::keep(&dir.join(method.name()), &all.people, &all.photos, &crops)?;
        }
        of_methods.push(embed(options, &source, method, &crops)?);
    }
    let kept = keep_usable(&all, &of_methods, &mut skipped);
    ensure!(!kept.is_empty(), "no picture could be used; the first: {}", first_reason(&skipped));
    let photos = all.only(&kept);
    let mut outcome =
        Outcome { pipeline, photos, skipped, pictures: Vec::new(), results: Vec::new() };
    for (&method, embeddings) in options.crops.iter().zip(of_methods) {
        let embeddings: Vec<Option<Embedding>> = embeddings.into_iter().map(Result::ok).collect();
        let lfw = pairs.as_ref().map(|pairs| by_protocol(pairs, &embeddings)).transpose()?;
        let pictures = pictures(&outcome.photos, &kept, &embeddings);
        let distances = Distances::between(&pictures)
            .context("the usable pictures have no two of one person, or show only one")?;
        let metrics = Metrics::of(&distances, pictures.len());
        outcome.results.push(MethodResult { crops: method, distances, metrics, lfw });
        if outcome.pictures.is_empty() {
            outcome.pictures = pictures;
        }
    }
    Ok(outcome)
}

/// What computes the embeddings.
///
/// # Errors
/// When the weights are missing, or the engine was not compiled in.
pub fn source(options: &Options) -> anyhow::Result<Source> {
    if let Some(url) = &options.server {
        return Ok(Source::Server(url.clone()));
    }
    let weights = std::env::var_os(WEIGHTS).map(PathBuf::from);
    let weights =
        weights.with_context(|| format!("{WEIGHTS} is not set: run `cargo xtask eval`"))?;
    let model = options.model.clone();
    match options.weights {
        Precision::F16 => Ok(Source::Simd { simd: Simd::Float, model, weights }),
        Precision::Int8 => Ok(Source::Simd { simd: Simd::Int8, model, weights }),
        #[cfg(feature = "f32")]
        Precision::F32 => Ok(Source::F32 { model, weights }),
        #[cfg(not(feature = "f32"))]
        Precision::F32 => anyhow::bail!("this was built without its feature `f32`"),
    }
}

/// Embeds all crops of one method.
pub(crate) fn embed(
    options: &Options,
    source: &Source,
    method: CropMethod,
    crops: &[Crop],
) -> anyhow::Result<Embeddings> {
    let bar = progress(&format!("embedding {}", method.name()), crops.len());
    embed_all(source, crops.len(), options.flip, &bar, |index| match crops.get(index) {
        Some(Ok(crop)) => Ok(crop.clone()),
        Some(Err(error)) => Err(anyhow::anyhow!("{error:#}")),
        None => Err(anyhow::anyhow!("there is no such crop")),
    })
}

/// A progress bar on a terminal. Elsewhere, a line.
pub(crate) fn progress(what: &str, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64);
    if bar.is_hidden() {
        eprintln!("{what}: {total} pictures ...");
    }
    let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what.to_owned());
    bar
}

/// The indices of the photographs that every method could use. The others are added to `skipped`.
fn keep_usable(
    photos: &Photos,
    of_methods: &[Embeddings],
    skipped: &mut Vec<Skipped>,
) -> Vec<usize> {
    let mut kept = Vec::new();
    for (index, photo) in photos.photos.iter().enumerate() {
        let failed = of_methods.iter().find_map(|method| method.get(index)?.as_ref().err());
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

/// The usable photographs, whose indices among all are `kept`, with their embeddings.
fn pictures(usable: &Photos, kept: &[usize], embeddings: &[Option<Embedding>]) -> Vec<Picture> {
    let used = usable.photos.iter().zip(kept);
    used.filter_map(|(photo, &index)| {
        let embedding = embeddings.get(index)?.clone()?;
        Some(Picture { person: photo.person, embedding })
    })
    .collect()
}

/// LFW's protocol on the pairs of which both pictures are usable.
fn by_protocol(
    pairs: &PairsFile,
    embeddings: &[Option<Embedding>],
) -> anyhow::Result<lfw::Results> {
    let embedding = |index: usize| embeddings.get(index)?.as_ref();
    let person = |index: usize| pairs.photos.photos.get(index).map(|photo| photo.person);
    let pairs_per_fold = pairs.pairs.len() / pairs.folds;
    let measured: Vec<MeasuredPair> = pairs
        .pairs
        .iter()
        .enumerate()
        .filter_map(|(index, &(a, b))| {
            let distance = embedding(a)?.distance(embedding(b)?);
            let (fold, same) = (index / pairs_per_fold, person(a) == person(b));
            Some(MeasuredPair { fold, same, distance })
        })
        .collect();
    lfw::evaluate(&measured, pairs.folds)
}
