//! What the thresholds of the verdict do: how often two people are taken for one, in a pair and in
//! a gallery, and how often one person is missed.

use std::fmt::Write as _;

use facenet::verdict::{Measurement, Rate, Thresholds, false_match_rate_in_gallery};
use serde_json::{Value, json};

use crate::distances::Distances;

/// The sizes of the galleries for which the rate of false matches is computed, in faces.
const GALLERIES: [u32; 2] = [100, 1_000];

/// The columns of [`line()`]. The numbers in brackets are the upper end of the rate's 95 %
/// interval, and what follows from it for a gallery.
const HEAD: &str = "verdict    up to     false matches       rate % (at most)   \
    in 100 faces % (at most)   in 1,000 faces %   missed %\n";

/// Writes what thresholds do on the pictures between which the distances are.
pub(crate) fn describe(text: &mut String, thresholds: Thresholds, distances: &Distances) {
    text.push_str(HEAD);
    let Thresholds { match_max, possible_max } = thresholds;
    for (name, threshold) in [("match", match_max), ("possible", possible_max)] {
        let false_matches = distances.different.within(threshold);
        line(text, name, threshold, false_matches, distances.same.beyond(threshold));
    }
}

/// Writes what thresholds do by a measurement at them.
pub(crate) fn describe_measurement(text: &mut String, thresholds: Thresholds, of: &Measurement) {
    text.push_str(HEAD);
    let Thresholds { match_max, possible_max } = thresholds;
    line(text, "match", match_max, of.false_match_rate(), of.missed_match_rate());
    line(text, "possible", possible_max, of.false_possible_rate(), of.missed_possible_rate());
}

/// What thresholds do on the pictures between which the distances are.
pub(crate) fn describe_json(thresholds: Thresholds, distances: &Distances) -> Value {
    json!({
        "match": json_of(distances, thresholds.match_max),
        "possible": json_of(distances, thresholds.possible_max),
    })
}

fn line(text: &mut String, name: &str, threshold: f32, false_matches: Rate, missed: Rate) {
    let (measured, upper) = (false_matches.measured(), false_matches.upper());
    let [hundred, thousand] = GALLERIES.map(|faces| {
        let percent = |rate| 100.0 * false_match_rate_in_gallery(rate, faces);
        format!("{:.2} ({:.2})", percent(measured), percent(upper))
    });
    let _ = writeln!(
        text,
        "{name:<9}  {threshold:>5.2}   {:>15}   {:>20}   {hundred:>24}   {thousand:>16}   {:>8.2}",
        format!("{} of {}", false_matches.count, false_matches.pairs),
        format!("{:.4} ({:.4})", 100.0 * measured, 100.0 * upper),
        100.0 * missed.measured(),
    );
}

fn json_of(distances: &Distances, threshold: f32) -> Value {
    let false_matches = distances.different.within(threshold);
    let galleries = GALLERIES.map(|faces| {
        json!({
            "faces": faces,
            "rate": false_match_rate_in_gallery(false_matches.measured(), faces),
            "rate_at_most": false_match_rate_in_gallery(false_matches.upper(), faces),
        })
    });
    json!({
        "up_to": threshold,
        "false_matches": false_matches.count,
        "false_match_rate": false_matches.measured(),
        "false_match_rate_at_most": false_matches.upper(),
        "in_galleries": galleries,
        "missed_rate": distances.same.beyond(threshold).measured(),
    })
}

#[cfg(test)]
mod tests {
    use facenet::verdict::Calibration;

    use super::*;

    const README: &str = include_str!("../README.md");

    /// A number with commas between thousands.
    fn with_commas(number: u32) -> String {
        let digits = number.to_string();
        let (mut text, first) = (String::new(), digits.len() % 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % 3 == first {
                text.push(',');
            }
            text.push(digit);
        }
        text
    }

    /// Two significant digits of a share, in per cent.
    fn percent(share: f64) -> String {
        let percent = 100.0 * share;
        let digits = if percent > 0.0 { (1.0 - percent.log10().floor()).max(0.0) } else { 0.0 };
        format!("{percent:.0$} %", digits as usize)
    }

    fn verdict_row(name: &str, threshold: f32, false_matches: Rate, missed: Rate) -> String {
        let (measured, upper) = (false_matches.measured(), false_matches.upper());
        let [hundred, thousand] = GALLERIES.map(|faces| {
            let in_gallery = |rate| percent(false_match_rate_in_gallery(rate, faces));
            format!("{} (at most {})", in_gallery(measured), in_gallery(upper))
        });
        format!(
            "| {name} | {threshold:.2} | {} of {} | {} (at most {}) | {hundred} | {thousand} | \
             {} |",
            false_matches.count,
            with_commas(false_matches.pairs.get()),
            percent(measured),
            percent(upper),
            percent(missed.measured()),
        )
    }

    #[test]
    fn the_readme_says_what_the_table_of_thresholds_says() {
        let row = Calibration::of("casia-webface").unwrap();
        let (thresholds, measured) = (row.thresholds, row.measurement.unwrap());
        let (falsely, missed) = (measured.false_match_rate(), measured.missed_match_rate());
        let of_match = verdict_row("match", thresholds.match_max, falsely, missed);
        let (falsely, missed) = (measured.false_possible_rate(), measured.missed_possible_rate());
        let of_possible = verdict_row("possible", thresholds.possible_max, falsely, missed);
        let photographs = format!(
            "{} photographs of {} people: {} pairs of one person, {} of two.",
            measured.pictures,
            measured.people,
            with_commas(measured.same_pairs.get()),
            with_commas(measured.different_pairs.get()),
        );
        for line in [of_match, of_possible, photographs] {
            assert!(README.contains(&line), "the README lacks: {line}");
        }
    }
}
