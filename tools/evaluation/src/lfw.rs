//! The protocol of Labeled Faces in the Wild, View 2, as FaceNet's author evaluates it. The pairs
//! file has ten folds. For each fold, the best threshold of the other nine is tried on it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::photos::{Photo, Photos};

/// The most accurate threshold is chosen among these squared distances: `0, 0.01, ... 3.99`.
const ACCURACY_STEPS: u32 = 400;
const ACCURACY_STEP: f64 = 0.01;

/// The threshold of a false-accept rate is interpolated between these squared distances: `0, 0.001,
/// ... 3.999`.
const RATE_STEPS: u32 = 4000;
const RATE_STEP: f64 = 0.001;

/// The false-accept rate at which the validation rate is reported.
pub const FALSE_ACCEPT_RATE: f64 = 1e-3;

/// A pairs file and the photographs that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairsFile {
    /// How many folds.
    pub folds: usize,
    /// Pairs of indices into the photographs, in the file's order.
    pub pairs: Vec<(usize, usize)>,
    /// The photographs.
    pub photos: Photos,
}

/// Reads `pairs.txt`: the numbers of folds and of pairs of each kind in a fold, then for each fold
/// the pairs of one person (`name n1 n2`) and of two (`name1 n1 name2 n2`).
///
/// # Errors
/// When the file cannot be read, or a line is of another form (the error names it).
pub fn read(file: &Path, dir: &Path) -> anyhow::Result<PairsFile> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("reading the pairs file {}", file.display()))?;
    parse(&text, dir).with_context(|| format!("the pairs file {}", file.display()))
}

fn parse(text: &str, dir: &Path) -> anyhow::Result<PairsFile> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let (_, head) = lines.next().context("is empty")?;
    let numbers: Vec<usize> = head.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [folds, each] = *numbers else {
        bail!("must begin with two numbers, of folds and of pairs of each kind in a fold")
    };
    ensure!(folds >= 2 && each >= 1, "must have two folds and a pair of each kind in them");
    let mut named =
        Named { dir, people: HashMap::new(), files: HashMap::new(), photos: Photos::default() };
    let mut pairs = Vec::new();
    for (number, line) in lines {
        let pair = named.pair(line).with_context(|| format!("line {}", number + 1))?;
        let (same, expected) = (named.is_same(pair), pairs.len() / each % 2 == 0);
        ensure!(
            same == expected,
            "line {}: here must be a pair of {}",
            number + 1,
            if expected { "one person: name n1 n2" } else { "two people: name1 n1 name2 n2" }
        );
        pairs.push(pair);
    }
    let wanted = 2 * folds * each;
    ensure!(pairs.len() == wanted, "has {} pairs instead of {wanted}", pairs.len());
    Ok(PairsFile { folds, pairs, photos: named.photos })
}

/// The photographs that the lines read so far name.
struct Named<'a> {
    dir: &'a Path,
    people: HashMap<String, usize>,
    files: HashMap<(usize, u32), usize>,
    photos: Photos,
}

impl Named<'_> {
    fn pair(&mut self, line: &str) -> anyhow::Result<(usize, usize)> {
        match *line.split_whitespace().collect::<Vec<_>>() {
            [name, a, b] => Ok((self.photo(name, a)?, self.photo(name, b)?)),
            [name, a, other, b] => Ok((self.photo(name, a)?, self.photo(other, b)?)),
            _ => bail!("is neither `name n1 n2` nor `name1 n1 name2 n2`"),
        }
    }

    fn photo(&mut self, name: &str, number: &str) -> anyhow::Result<usize> {
        let number: u32 = number.parse().with_context(|| format!("`{number}` is no number"))?;
        let people = &mut self.photos.people;
        let person = *self.people.entry(name.to_owned()).or_insert_with(|| {
            people.push(name.to_owned());
            people.len() - 1
        });
        let photos = &mut self.photos.photos;
        let dir = self.dir;
        Ok(*self.files.entry((person, number)).or_insert_with(|| {
            photos.push(Photo { person, file: file(dir, name, number) });
            photos.len() - 1
        }))
    }

    fn is_same(&self, (a, b): (usize, usize)) -> bool {
        let person = |index: usize| self.photos.photos.get(index).map(|photo| photo.person);
        person(a) == person(b)
    }
}

/// A photograph under LFW's name. LFW has JPEG; crops may be PNG.
fn file(dir: &Path, name: &str, number: u32) -> PathBuf {
    let with = |ending| dir.join(name).join(format!("{name}_{number:04}.{ending}"));
    let png = with("png");
    if png.is_file() { png } else { with("jpg") }
}

/// A pair of the file with its distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredPair {
    /// Its fold, from 0.
    pub fold: usize,
    /// Whether both pictures show the same person.
    pub same: bool,
    /// L2 distance.
    pub distance: f32,
}

/// A mean over the folds with its standard deviation. It is that of the population, as in published
/// results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

/// The results that the protocol asks for. A fold is judged by thresholds of the other folds.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// The share of pairs that is judged right at the most accurate threshold.
    pub accuracy: Mean,
    /// The most accurate threshold, as L2 distance.
    pub threshold: Mean,
    /// The share of pairs of one person that is accepted at the threshold of
    /// [`FALSE_ACCEPT_RATE`].
    pub validation_rate: Mean,
    /// The share of pairs of two people that is accepted at that threshold.
    pub false_accept_rate: f64,
}

/// Evaluates all folds.
///
/// # Errors
/// When a fold has no pair of one person or none of two people, because too many pictures could
/// not be read.
pub fn evaluate(pairs: &[MeasuredPair], folds: usize) -> anyhow::Result<Results> {
    let mut accuracies = Vec::new();
    let mut thresholds = Vec::new();
    let mut accepted = Vec::new();
    let mut falsely = Vec::new();
    for fold in 0..folds {
        let (test, train): (Vec<MeasuredPair>, Vec<MeasuredPair>) =
            pairs.iter().partition(|pair| pair.fold == fold);
        for same in [true, false] {
            let kind = if same { "one person" } else { "two people" };
            ensure!(
                test.iter().any(|pair| pair.same == same),
                "fold {} has no readable pair of {kind}",
                fold + 1
            );
        }
        let threshold = most_accurate(&train);
        accuracies.push(accuracy(&test, threshold));
        thresholds.push(threshold.sqrt());
        let threshold = threshold_of_rate(&train);
        accepted.push(accepted_share(&test, true, threshold));
        falsely.push(accepted_share(&test, false, threshold));
    }
    Ok(Results {
        accuracy: mean(&accuracies),
        threshold: mean(&thresholds),
        validation_rate: mean(&accepted),
        false_accept_rate: mean(&falsely).mean,
    })
}

/// Whether a pair is taken for one person. The threshold is one of the squared distance.
fn accepts(pair: &MeasuredPair, threshold: f64) -> bool {
    f64::from(pair.distance).powi(2) < threshold
}

fn accuracy(pairs: &[MeasuredPair], threshold: f64) -> f64 {
    let right = pairs.iter().filter(|pair| accepts(pair, threshold) == pair.same).count();
    right as f64 / pairs.len() as f64
}

fn accepted_share(pairs: &[MeasuredPair], same: bool, threshold: f64) -> f64 {
    let of_kind = pairs.iter().filter(|pair| pair.same == same);
    let accepted = of_kind.clone().filter(|pair| accepts(pair, threshold)).count();
    accepted as f64 / of_kind.count() as f64
}

/// The first of the most accurate thresholds.
fn most_accurate(pairs: &[MeasuredPair]) -> f64 {
    let steps = (0..ACCURACY_STEPS).map(|step| f64::from(step) * ACCURACY_STEP);
    let mut best = (0.0, -1.0);
    for threshold in steps {
        let accuracy = accuracy(pairs, threshold);
        if accuracy > best.1 {
            best = (threshold, accuracy);
        }
    }
    best.0
}

/// The threshold at which [`FALSE_ACCEPT_RATE`] of the pairs of two people are accepted. It is
/// interpolated between the last step below that rate and the next one.
fn threshold_of_rate(pairs: &[MeasuredPair]) -> f64 {
    let rate = |step: u32| accepted_share(pairs, false, f64::from(step) * RATE_STEP);
    // The rate grows with the threshold, so halving the interval finds the step.
    let (mut low, mut high) = (0, RATE_STEPS - 1);
    if rate(high) < FALSE_ACCEPT_RATE {
        return 0.0;
    }
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if rate(middle) < FALSE_ACCEPT_RATE { low = middle } else { high = middle }
    }
    let (before, after) = (rate(low), rate(high));
    let part = (FALSE_ACCEPT_RATE - before) / (after - before);
    (f64::from(low) + part) * RATE_STEP
}

fn mean(values: &[f64]) -> Mean {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    Mean { mean, deviation: variance.sqrt() }
}

#[cfg(test)]
mod tests;
