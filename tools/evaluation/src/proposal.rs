//! Proposed thresholds in words, and as the row for the table of thresholds.

use std::fmt::Write as _;

use facenet::verdict::{Counts, Measurement, Thresholds};

use crate::calibrate::{self, Proposal};
use crate::verdicts;

/// Proposed thresholds in words, and the row for the table of thresholds.
#[must_use]
pub fn describe(model: &str, proposal: &Proposal) -> String {
    let Proposal { thresholds, measurement: measured, match_max, possible_max } = proposal;
    let mut text = format!(
        "{model}, pipeline {}: {} photographs of {} people, {} pairs of one person, {} of two\n\n",
        facenet::PIPELINE,
        measured.pictures,
        measured.people,
        measured.same_pairs,
        measured.different_pairs,
    );
    verdicts::describe_measurement(&mut text, *thresholds, measured);
    let _ = writeln!(
        text,
        "\nWith other people of this kind ({} draws of these, nine in ten): match {:.2} to {:.2}, \
         possible {:.2} to {:.2}.",
        calibrate::DRAWS,
        match_max.low,
        match_max.high,
        possible_max.low,
        possible_max.high,
    );
    for doubt in calibrate::doubts(measured) {
        let _ = writeln!(text, "Provisional: {doubt}");
    }
    text.push_str("\nThe row for crates/facenet/src/verdict.rs:\n\n");
    text.push_str(&row(model, *thresholds, measured));
    text
}

/// A row as it stands in the source of the table.
fn row(model: &str, thresholds: Thresholds, measured: &Measurement) -> String {
    let counts = |Counts { false_matches, missed }: Counts| {
        format!("Counts {{ false_matches: {false_matches}, missed: {missed} }}")
    };
    format!(
        "(\n    {model:?},\n    Calibration {{\n        \
         thresholds: Thresholds {{ match_max: {:.2}, possible_max: {:.2} }},\n        \
         measurement: Some(Measurement {{\n            \
         people: {},\n            pictures: {},\n            \
         same_pairs: pairs({}),\n            different_pairs: pairs({}),\n            \
         at_match: {},\n            at_possible: {},\n        \
         }}),\n    }},\n),\n",
        thresholds.match_max,
        thresholds.possible_max,
        measured.people,
        measured.pictures,
        measured.same_pairs,
        measured.different_pairs,
        counts(measured.at_match),
        counts(measured.at_possible),
    )
}

#[cfg(test)]
mod tests {
    use facenet::verdict::Calibration;

    use super::*;

    /// The row that `calibrate` prints is one that can be pasted into the table.
    #[test]
    fn a_row_is_written_as_in_the_table() {
        let source = include_str!("../../../crates/facenet/src/verdict.rs").replace('_', "");
        let Calibration { thresholds, measurement } = Calibration::of("casia-webface").unwrap();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let row = words(&row("casia-webface", thresholds, &measurement.unwrap()).replace('_', ""));
        assert!(words(&source).contains(&row), "{row}");
    }
}
