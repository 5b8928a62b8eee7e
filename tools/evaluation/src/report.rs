//! The results as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use facenet::verdict::Thresholds;
use serde_json::{Value, json};

use crate::agreement::Agreement;
use crate::distances::{Distances, Pair};
use crate::lfw;
use crate::metrics::{Metrics, OperatingPoint, roc};
use crate::options::CropMethod;
use crate::photos::{Photos, Skipped};
use crate::verdicts;

/// How many of the most surprising pairs of each kind are named.
const SURPRISING: usize = 5;

/// The false-match rates at which crop methods are compared.
const COMPARED_RATES: [f64; 3] = [0.0, 1e-3, 1e-2];

/// Steps of the threshold along the ROC curve in the JSON.
const ROC_STEPS: u16 = 400;

/// The results of one crop method.
pub struct MethodResult {
    /// The method.
    pub crops: CropMethod,
    /// The distances of all pairs.
    pub distances: Distances,
    /// The metrics that follow from them.
    pub metrics: Metrics,
    /// The results of LFW's protocol, where that was asked for.
    pub lfw: Option<lfw::Results>,
    /// How far it agrees with the first method. None for the first one.
    pub agreement: Option<Agreement>,
}

/// Everything that is reported.
pub struct Report<'a> {
    /// The checkpoint.
    pub model: &'a str,
    /// The pipeline of the embeddings.
    pub pipeline: &'a str,
    /// What computed the embeddings, for example `f16 weights`.
    pub engine: String,
    /// The photographs that were used.
    pub photos: &'a Photos,
    /// The photographs that were not used.
    pub skipped: &'a [Skipped],
    /// One for each crop method, all of the same photographs.
    pub results: Vec<MethodResult>,
}

impl Report<'_> {
    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = self.head();
        for result in &self.results {
            self.describe(&mut text, result);
        }
        if self.results.len() > 1 {
            self.compare(&mut text);
        }
        text
    }

    fn head(&self) -> String {
        let mut text = format!(
            "{} photographs of {} people ({} skipped); {}, pipeline {}, {}\n",
            self.photos.photos.len(),
            self.photos.people.len(),
            self.skipped.len(),
            self.model,
            self.pipeline,
            self.engine,
        );
        for Skipped { file, reason } in self.skipped {
            let _ = writeln!(text, "  skipped {}: {reason}", file.display());
        }
        text
    }

    fn describe(&self, text: &mut String, result: &MethodResult) {
        let MethodResult { crops, distances, metrics, lfw, .. } = result;
        let _ = write!(
            text,
            "\ncrops: {}\n\
             pairs of one person {}, of two people {}\n\
             AUC {:.4}, equal error rate {:.2} %, rank-1 {:.4} ({} of {})\n\
             mean distance: the same person {:.3}, different people {:.3}\n\n\
             false-match rate   recognised   below distance\n",
            crops.name(),
            distances.same.count(),
            distances.different.count(),
            metrics.auc,
            100.0 * metrics.equal_error_rate,
            metrics.rank1.share(),
            metrics.rank1.right,
            metrics.rank1.queries,
            metrics.same_mean,
            metrics.different_mean,
        );
        for point in &metrics.operating_points {
            let _ = writeln!(
                text,
                "{:>16}   {:>8.2} %   {:>14.3}{}",
                format!("{} %", 100.0 * point.false_match_rate),
                100.0 * point.true_accept_rate,
                point.threshold,
                if point.supported { "" } else { "   (too few pairs)" },
            );
        }
        if let Some(thresholds) = Thresholds::of(self.model) {
            text.push('\n');
            verdicts::describe(text, thresholds, distances);
        }
        if let Some(results) = lfw {
            describe_lfw(text, results);
        }
        self.surprising(text, distances);
    }

    /// The pairs that somebody should look at, because mislabelled photographs are among them.
    fn surprising(&self, text: &mut String, distances: &Distances) {
        let nearest = distances.different.sorted().iter().take(SURPRISING);
        let furthest = distances.same.sorted().iter().rev().take(SURPRISING);
        let lists = [
            ("closest different people", nearest.collect::<Vec<_>>()),
            ("furthest pictures of one person", furthest.collect()),
        ];
        for (what, pairs) in lists {
            let _ = writeln!(text, "\n{what}");
            for pair in pairs {
                let [a, b] = [pair.a, pair.b].map(|index| self.name(index));
                let _ = writeln!(text, "  {:.3}  {a}  {b}", pair.distance);
            }
        }
    }

    /// A photograph as `PERSON/FILE`.
    fn name(&self, index: u32) -> String {
        let photo = self.photos.photos.get(index as usize);
        let person = photo.and_then(|photo| self.photos.people.get(photo.person));
        let file = photo.and_then(|photo| photo.file.file_name()).unwrap_or_default();
        format!("{}/{}", person.map_or("", String::as_str), Path::new(file).display())
    }

    fn compare(&self, text: &mut String) {
        text.push_str(
            "\ncrops         AUC      EER     rank-1   recognised at 0 %   0.1 %     1 %   \
             same  different\n",
        );
        for MethodResult { crops, distances, metrics, .. } in &self.results {
            let [none, thousandth, hundredth] = COMPARED_RATES.map(|rate| {
                let point = OperatingPoint::at(distances, rate);
                if point.supported {
                    format!("{:.2} %", 100.0 * point.true_accept_rate)
                } else {
                    // Too few pairs to measure it.
                    "-".into()
                }
            });
            let _ = writeln!(
                text,
                "{:<12}  {:.4}  {:>5.2} %  {:.4}  {none:>17}  {thousandth:>7}  {hundredth:>7}  \
                 {:.3}  {:>9.3}",
                crops.name(),
                metrics.auc,
                100.0 * metrics.equal_error_rate,
                metrics.rank1.share(),
                metrics.same_mean,
                metrics.different_mean,
            );
        }
        let first = self.results.first().map_or("", |result| result.crops.name());
        for MethodResult { crops, agreement, .. } in &self.results {
            let Some(agreement) = agreement else { continue };
            let described = agreement.describe(first, crops.name());
            let _ = write!(text, "\n{described}  most different:\n");
            for &(cosine, index) in agreement.lowest().iter().take(SURPRISING) {
                let _ = writeln!(text, "  {cosine:.5}  {}", self.name(index));
            }
        }
    }

    /// The results for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let skipped: Vec<Value> = self
            .skipped
            .iter()
            .map(|Skipped { file, reason }| json!({ "file": file, "reason": reason }))
            .collect();
        let results: Vec<Value> =
            self.results.iter().map(|result| self.result_json(result)).collect();
        json!({
            "model": self.model,
            "pipeline": self.pipeline,
            "engine": self.engine,
            "people": self.photos.people.len(),
            "photographs": self.photos.photos.len(),
            "skipped": skipped,
            "measurements": results,
        })
    }

    fn result_json(&self, result: &MethodResult) -> Value {
        let MethodResult { crops, distances, metrics, lfw, .. } = result;
        let points: Vec<Value> = metrics
            .operating_points
            .iter()
            .map(|point| {
                json!({
                    "false_match_rate": point.false_match_rate,
                    "true_accept_rate": point.true_accept_rate,
                    "threshold": point.threshold,
                    "supported": point.supported,
                })
            })
            .collect();
        let curve: Vec<Value> = roc(distances, ROC_STEPS)
            .iter()
            .map(|at| json!([at.threshold, at.false_match_rate, at.true_accept_rate]))
            .collect();
        let verdicts = Thresholds::of(self.model)
            .map(|thresholds| verdicts::describe_json(thresholds, distances));
        let pairs = |pairs: &mut dyn Iterator<Item = &Pair>| -> Vec<Value> {
            let named = |pair: &Pair| json!([pair.distance, self.name(pair.a), self.name(pair.b)]);
            pairs.take(SURPRISING).map(named).collect()
        };
        json!({
            "crops": crops.name(),
            "same_pairs": distances.same.count(),
            "different_pairs": distances.different.count(),
            "auc": metrics.auc,
            "equal_error_rate": metrics.equal_error_rate,
            "rank1": { "right": metrics.rank1.right, "queries": metrics.rank1.queries },
            "same_mean": metrics.same_mean,
            "different_mean": metrics.different_mean,
            "operating_points": points,
            "verdicts": verdicts,
            "lfw": lfw.as_ref().map(lfw_json),
            "closest_different": pairs(&mut distances.different.sorted().iter()),
            "furthest_same": pairs(&mut distances.same.sorted().iter().rev()),
            "roc": curve,
            "beside_the_first": result.agreement.as_ref().map(Agreement::json),
        })
    }
}

fn describe_lfw(text: &mut String, results: &lfw::Results) {
    let _ = write!(
        text,
        "\nLFW, View 2\n\
         accuracy                      {:.5} +- {:.5}\n\
         validation rate at FAR {:.0e}   {:.5} +- {:.5} (FAR there {:.5})\n\
         most accurate threshold       {:.3} +- {:.3}\n",
        results.accuracy.mean,
        results.accuracy.deviation,
        lfw::FALSE_ACCEPT_RATE,
        results.validation_rate.mean,
        results.validation_rate.deviation,
        results.false_accept_rate,
        results.threshold.mean,
        results.threshold.deviation,
    );
}

fn lfw_json(results: &lfw::Results) -> Value {
    let mean = |of: lfw::Mean| json!({ "mean": of.mean, "standard_deviation": of.deviation });
    json!({
        "accuracy": mean(results.accuracy),
        "threshold": mean(results.threshold),
        "validation_rate": mean(results.validation_rate),
        "false_accept_rate": results.false_accept_rate,
    })
}
