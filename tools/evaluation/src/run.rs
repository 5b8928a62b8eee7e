//! From the command line to the results: crops, embeddings, distances, metrics.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use facenet::Embedding;
use facenet::simd::Simd;
use indicatif::{ProgressBar, ProgressStyle};

use crate::agreement::Agreement;
use crate::crops::{self, Crop};
use crate::distances::{Distances, Picture};
use crate::engine::{Look, Source, embed_all};
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
    let kept = keep_usable(&all, &options.crops, &of_methods, &mut skipped);
    ensure!(!kept.is_empty(), "no picture could be used; the first: {}", first_reason(&skipped));
    let photos = all.only(&kept);
    let mut outcome =
        Outcome { pipeline, photos, skipped, pictures: Vec::new(), results: Vec::new() };
    let alone: Vec<[usize; 2]> = of_methods.iter().map(|it| alone(&of_methods, it)).collect();
    for ((&method, embeddings), alone) in options.crops.iter().zip(of_methods).zip(alone) {
        let embeddings: Vec<Option<Embedding>> = embeddings.into_iter().map(Result::ok).collect();
        let lfw = pairs.as_ref().map(|pairs| by_protocol(pairs, &embeddings)).transpose()?;
        let pictures = pictures(&outcome.photos, &kept, &embeddings);
        let distances = Distances::between(&pictures)
            .context("the usable pictures have no two of one person, or show only one")?;
        let metrics = Metrics::of(&distances, pictures.len());
        let agreement = Agreement::between(&outcome.pictures, &pictures, alone, &options.model);
        let result = MethodResult { crops: method, distances, metrics, lfw, agreement };
        outcome.results.push(result);
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
    ensure!(
        !options.crops.contains(&CropMethod::Served),
        "only a server finds faces in whole photographs: name it by --server, or use --crops native"
    );
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
    let look = match method {
        CropMethod::Served => Look::Photograph,
        _ if options.flip => Look::CropAndMirror,
        _ => Look::Crop,
    };
    embed_all(source, crops.len(), look, &bar, |index| match crops.get(index) {
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

/// The indices of the photographs that every method could use. The others are added to `skipped`,
/// and where there are several methods, with the names of those that could not.
fn keep_usable(
    photos: &Photos,
    methods: &[CropMethod],
    of_methods: &[Embeddings],
    skipped: &mut Vec<Skipped>,
) -> Vec<usize> {
    let mut kept = Vec::new();
    for (index, photo) in photos.photos.iter().enumerate() {
        let reasons: Vec<String> = methods
            .iter()
            .zip(of_methods)
            .filter_map(|(method, embeddings)| {
                let error = embeddings.get(index)?.as_ref().err()?;
                let is_only = methods.len() == 1;
                let by = if is_only { String::new() } else { format!("{}: ", method.name()) };
                Some(format!("{by}{error:#}"))
            })
            .collect();
        if reasons.is_empty() {
            kept.push(index);
        } else {
            skipped.push(Skipped { file: photo.file.clone(), reason: reasons.join("; ") });
        }
    }
    kept
}

/// How many photographs only the first method could use, and how many only another one.
fn alone(of_methods: &[Embeddings], other: &Embeddings) -> [usize; 2] {
    let first = of_methods.first().unwrap_or(other);
    let both = || first.iter().zip(other);
    [
        both().filter(|(first, other)| first.is_ok() && other.is_err()).count(),
        both().filter(|(first, other)| first.is_err() && other.is_ok()).count(),
    ]
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
