//! What was measured, as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::path::Path;

use facenet::verdict::{Calibration, Rate, false_match_rate_in_gallery};
use serde_json::{Value, json};

use crate::calibrate::{self, Proposal};
use crate::distances::{Distances, Pair};
use crate::figures::{Figures, false_matches, missed, roc};
use crate::lfw;
use crate::photos::{Photos, Skipped};

/// How many faces the galleries have for which false matches are foretold.
pub const GALLERIES: [u32; 2] = [100, 1_000];

/// The columns of [`verdict_line`]. In brackets is what a rate may be in truth, with 95 %
/// confidence, and what that makes of a gallery.
const VERDICTS_HEAD: &str = "verdict    up to     false matches       rate % (at most)   \
    in 100 faces % (at most)   in 1,000 faces %   missed %\n";

/// How many of the most surprising pairs are named.
const SURPRISING: usize = 5;

/// Points of the ROC curve in the JSON.
const ROC_STEPS: u16 = 400;

/// One way of cropping, measured.
pub struct Measurement {
    /// The way's name.
    pub crops: &'static str,
    /// All pairs.
    pub distances: Distances,
    /// What they come to.
    pub figures: Figures,
    /// By LFW's protocol, where that was asked for.
    pub lfw: Option<lfw::Outcome>,
}

/// Everything that was measured.
pub struct Report<'a> {
    /// The checkpoint, and what ran it.
    pub model: &'a str,
    /// For example `f16 weights`.
    pub engine: String,
    /// The photographs that were used.
    pub photos: &'a Photos,
    /// Those that were not.
    pub skipped: &'a [Skipped],
    /// One for each way of cropping, all of the same photographs.
    pub measurements: Vec<Measurement>,
}

impl Report<'_> {
    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = self.head();
        for measurement in &self.measurements {
            self.describe(&mut text, measurement);
        }
        if self.measurements.len() > 1 {
            self.compare(&mut text);
        }
        text
    }

    fn head(&self) -> String {
        let mut text = format!(
            "{} photographs of {} people ({} skipped); {}, {}\n",
            self.photos.photos.len(),
            self.photos.people.len(),
            self.skipped.len(),
            self.model,
            self.engine,
        );
        for Skipped { file, reason } in self.skipped {
            let _ = writeln!(text, "  skipped {}: {reason}", file.display());
        }
        text
    }

    fn describe(&self, text: &mut String, measurement: &Measurement) {
        let Measurement { crops, distances, figures, lfw } = measurement;
        let (right, queries) = figures.rank1;
        let _ = write!(
            text,
            "\ncrops: {crops}\n\
             pairs of one person {}, of two people {}\n\
             AUC {:.4}, equal error rate {:.2} %, rank-1 {:.4} ({right} of {queries})\n\
             mean distance: the same person {:.3}, different people {:.3}\n\n\
             false-match rate   recognised   below distance\n",
            distances.same.len(),
            distances.different.len(),
            figures.auc,
            100.0 * figures.equal_error_rate,
            f64::from(right) / f64::from(queries.max(1)),
            figures.same_mean,
            figures.different_mean,
        );
        for point in &figures.operating_points {
            let _ = writeln!(
                text,
                "{:>16}   {:>8.2} %   {:>14.3}{}",
                format!("{} %", 100.0 * point.false_match_rate),
                100.0 * point.true_accept_rate,
                point.threshold,
                if point.supported { "" } else { "   (too few pairs)" },
            );
        }
        if let Some(row) = Calibration::of(self.model) {
            text.push('\n');
            verdicts(text, &row, distances);
        }
        if let Some(outcome) = lfw {
            describe_lfw(text, outcome);
        }
        self.surprising(text, distances);
    }

    /// The pairs that a person should look at: mislabelled photographs are among them.
    fn surprising(&self, text: &mut String, distances: &Distances) {
        let nearest = distances.different.iter().take(SURPRISING);
        let furthest = distances.same.iter().rev().take(SURPRISING);
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
        for Measurement { crops, figures, .. } in &self.measurements {
            let (right, queries) = figures.rank1;
            let at = |rate: f64| {
                let mut points = figures.operating_points.iter();
                let point = points.find(|point| (point.false_match_rate - rate).abs() < 1e-9);
                100.0 * point.map_or(0.0, |point| point.true_accept_rate)
            };
            let _ = writeln!(
                text,
                "{crops:<12}  {:.4}  {:>5.2} %  {:.4}  {:>15.2} %  {:>5.2} %  {:>5.2} %  {:.3}  \
                 {:>9.3}",
                figures.auc,
                100.0 * figures.equal_error_rate,
                f64::from(right) / f64::from(queries.max(1)),
                at(0.0),
                at(1e-3),
                at(1e-2),
                figures.same_mean,
                figures.different_mean,
            );
        }
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let skipped: Vec<Value> = self
            .skipped
            .iter()
            .map(|Skipped { file, reason }| json!({ "file": file, "reason": reason }))
            .collect();
        let measurements: Vec<Value> =
            self.measurements.iter().map(|measurement| self.measurement(measurement)).collect();
        json!({
            "model": self.model,
            "pipeline": facenet::PIPELINE,
            "engine": self.engine,
            "people": self.photos.people.len(),
            "photographs": self.photos.photos.len(),
            "skipped": skipped,
            "measurements": measurements,
        })
    }

    fn measurement(&self, measurement: &Measurement) -> Value {
        let Measurement { crops, distances, figures, lfw } = measurement;
        let points: Vec<Value> = figures
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
        let verdicts = Calibration::of(self.model).map(|row| {
            let limits = row.thresholds;
            json!({
                "match": verdict(distances, limits.match_max),
                "possible": verdict(distances, limits.possible_max),
            })
        });
        let pairs = |pairs: &mut dyn Iterator<Item = &Pair>| -> Vec<Value> {
            let named = |pair: &Pair| json!([pair.distance, self.name(pair.a), self.name(pair.b)]);
            pairs.take(SURPRISING).map(named).collect()
        };
        json!({
            "crops": crops,
            "same_pairs": distances.same.len(),
            "different_pairs": distances.different.len(),
            "auc": figures.auc,
            "equal_error_rate": figures.equal_error_rate,
            "rank1": { "right": figures.rank1.0, "queries": figures.rank1.1 },
            "same_mean": figures.same_mean,
            "different_mean": figures.different_mean,
            "operating_points": points,
            "verdicts": verdicts,
            "lfw": lfw.as_ref().map(lfw_json),
            "closest_different": pairs(&mut distances.different.iter()),
            "furthest_same": pairs(&mut distances.same.iter().rev()),
            "roc": curve,
        })
    }
}

/// What the thresholds that are served do on these photographs.
fn verdicts(text: &mut String, row: &Calibration, distances: &Distances) {
    text.push_str(VERDICTS_HEAD);
    let limits = row.thresholds;
    for (name, limit) in [("match", limits.match_max), ("possible", limits.possible_max)] {
        let rate = false_matches(distances, limit);
        verdict_line(text, name, limit, rate, missed(distances, limit));
    }
}

fn verdict_line(text: &mut String, name: &str, limit: f32, rate: Rate, missed: Rate) {
    let [hundred, thousand] = GALLERIES.map(|faces| {
        let percent = |rate| 100.0 * false_match_rate_in_gallery(rate, faces);
        format!("{:.2} ({:.2})", percent(rate.measured()), percent(rate.upper()))
    });
    let _ = writeln!(
        text,
        "{name:<9}  {limit:>5.2}   {:>15}   {:>20}   {hundred:>24}   {thousand:>16}   {:>8.2}",
        format!("{} of {}", rate.count, rate.pairs),
        format!("{:.4} ({:.4})", 100.0 * rate.measured(), 100.0 * rate.upper()),
        100.0 * missed.measured(),
    );
}

fn verdict(distances: &Distances, limit: f32) -> Value {
    let rate = false_matches(distances, limit);
    let galleries = GALLERIES.map(|faces| {
        let in_gallery = |rate| false_match_rate_in_gallery(rate, faces);
        let (rate, at_most) = (in_gallery(rate.measured()), in_gallery(rate.upper()));
        json!({ "faces": faces, "rate": rate, "rate_at_most": at_most })
    });
    json!({
        "up_to": limit,
        "false_matches": rate.count,
        "false_match_rate": rate.measured(),
        "false_match_rate_at_most": rate.upper(),
        "in_galleries": galleries,
        "missed_rate": missed(distances, limit).measured(),
    })
}

fn describe_lfw(text: &mut String, outcome: &lfw::Outcome) {
    let _ = write!(
        text,
        "\nLFW, View 2\n\
         accuracy                      {:.5} +- {:.5}\n\
         validation rate at FAR {:.0e}   {:.5} +- {:.5} (FAR there {:.5})\n\
         most accurate threshold       {:.3} +- {:.3}\n",
        outcome.accuracy.mean,
        outcome.accuracy.deviation,
        lfw::FALSE_ACCEPT_RATE,
        outcome.validation_rate.mean,
        outcome.validation_rate.deviation,
        outcome.false_accept_rate,
        outcome.threshold.mean,
        outcome.threshold.deviation,
    );
}

fn lfw_json(outcome: &lfw::Outcome) -> Value {
    let mean = |it: lfw::Mean| json!({ "mean": it.mean, "standard_deviation": it.deviation });
    json!({
        "accuracy": mean(outcome.accuracy),
        "threshold": mean(outcome.threshold),
        "validation_rate": mean(outcome.validation_rate),
        "false_accept_rate": outcome.false_accept_rate,
    })
}

/// A proposal for the table of thresholds, in words and as it would stand there.
#[must_use]
pub fn proposal(model: &str, proposal: &Proposal) -> String {
    let row = &proposal.calibration;
    let mut text = format!(
        "{model}, pipeline {}: {} photographs of {} people, {} pairs of one person, {} of two\n\n\
         {VERDICTS_HEAD}",
        facenet::PIPELINE,
        row.pictures,
        row.people,
        row.same_pairs,
        row.different_pairs,
    );
    let limits = row.thresholds;
    let rows = [
        ("match", limits.match_max, row.false_match_rate(), row.missed_match_rate()),
        ("possible", limits.possible_max, row.false_possible_rate(), row.missed_possible_rate()),
    ];
    for (name, limit, rate, missed) in rows {
        verdict_line(&mut text, name, limit, rate, missed);
    }
    let _ = writeln!(
        text,
        "\nWith other people of this kind ({} draws of these, nine in ten): match {:.2} to {:.2}, \
         possible {:.2} to {:.2}.",
        calibrate::DRAWS,
        proposal.match_max.low,
        proposal.match_max.high,
        proposal.possible_max.low,
        proposal.possible_max.high,
    );
    for doubt in calibrate::doubts(row) {
        let _ = writeln!(text, "Provisional: {doubt}");
    }
    let counts = |it: facenet::verdict::Counts| {
        format!("Counts {{ false_matches: {}, missed: {} }}", it.false_matches, it.missed)
    };
    let _ = write!(
        text,
        "\nThe row for facenet/src/verdict.rs:\n\n(\n    {model:?},\n    Calibration {{\n        \
         thresholds: Thresholds {{ match_max: {:.2}, possible_max: {:.2} }},\n        \
         people: {},\n        pictures: {},\n        same_pairs: {},\n        \
         different_pairs: {},\n        at_match: {},\n        at_possible: {},\n    }},\n),\n",
        limits.match_max,
        limits.possible_max,
        row.people,
        row.pictures,
        row.same_pairs,
        row.different_pairs,
        counts(row.at_match),
        counts(row.at_possible),
    );
    text
}
