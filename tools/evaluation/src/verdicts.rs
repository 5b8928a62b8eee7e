//! What the thresholds of the verdict do: how often two people are taken for one, in a pair and in
//! a gallery, and how often a person is missed.

use std::fmt::Write as _;

use facenet::verdict::{Thresholds, false_match_rate_in_gallery};
use serde_json::{Value, json};

use crate::distances::{Distances, Rate};

/// The sizes of the galleries for which the rate of false matches is computed, in faces.
const GALLERIES: [u32; 2] = [100, 1_000];

/// The columns of [`line()`]. The numbers in brackets are the upper end of the rate's 95 %
/// interval, and what follows from it for a gallery.
const HEAD: &str = "verdict    up to     false matches       rate % (at most)   \
    in 100 faces % (at most)   in 1,000 faces %   missed %\n";

/// Writes what thresholds do on the pictures that these distances are between.
pub(crate) fn describe(text: &mut String, thresholds: Thresholds, distances: &Distances) {
    text.push_str(HEAD);
    let Thresholds { match_max, possible_max } = thresholds;
    for (name, threshold) in [("match", match_max), ("possible", possible_max)] {
        let false_matches = distances.different.within(threshold);
        line(text, name, threshold, false_matches, distances.same.beyond(threshold));
    }
}

/// What thresholds do on the pictures that these distances are between.
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
    use facenet::verdict::{
        Calibration, Group, Measurement, STRANGERS_STEPS, Share, strangers_distance,
    };

    use super::*;
    use crate::proposal::percent;

    const README: &str = include_str!("../README.md");

    fn row(group: &Group) -> String {
        let share = |Share { measured, at_most }: Share| {
            format!("{} (at most {})", percent(measured), percent(at_most))
        };
        let missed = |missed: Option<Share>| missed.map_or("-".into(), share);
        let [people, pictures] = group.gallery;
        format!(
            "| {}{} | {}, {} | {people} with {pictures} | {} | {} | {} | {} |",
            group.name,
            if group.set_aside { " (set aside)" } else { "" },
            group.people,
            group.pictures,
            share(group.at_match.false_positives),
            missed(group.at_match.not_found),
            share(group.at_possible.false_positives),
            missed(group.at_possible.not_found),
        )
    }

    #[test]
    fn the_readme_says_what_the_table_of_thresholds_says() {
        let Calibration { thresholds, measurement } = Calibration::of("casia-webface").unwrap();
        let Thresholds { match_max, possible_max } = thresholds;
        let limits = format!("match up to {match_max:.2}, possible up to {possible_max:.2}");
        let rows = measurement.unwrap().groups.iter().map(row);
        for line in rows.chain([limits]) {
            assert!(README.contains(&line), "the README lacks: {line}");
        }
    }

    #[test]
    fn the_root_readme_says_what_the_table_of_thresholds_says() {
        let readme = include_str!("../../../README.md");
        let sentences = readme.split_whitespace().collect::<Vec<_>>().join(" ");
        let measured = Measurement::of("casia-webface").unwrap();
        let (aside, chose): (Vec<&Group>, Vec<&Group>) =
            measured.groups.iter().partition(|group| group.set_aside);
        let strangers = |group: &&Group| group.at_match.false_positives.at_most;
        let not_found = |group: &&Group| group.at_match.not_found.map(|share| share.measured);
        assert!(aside.iter().all(|group| group.at_match.false_positives.measured == 0.0));
        assert!(aside.iter().filter_map(not_found).all(|share| share == 0.0));
        let people: u32 = aside.iter().map(|group| group.people).sum();
        let at_most = aside.iter().map(strangers).fold(0.0, f64::max);
        let in_the_news = chose.iter().find(|group| group.name == "lfw").unwrap();
        for words in [
            format!("{people} in all, had no part"),
            format!("up to {} cannot be ruled out", percent(at_most)),
            format!(
                "In the worst of all groups {} of",
                percent(measured.worst_match().false_positives.measured)
            ),
            format!(
                "on different days, {} were not found",
                percent(not_found(in_the_news).unwrap())
            ),
        ] {
            assert!(sentences.contains(&words), "the README lacks: {words}");
        }
    }

    /// The tables that begin with these columns: for each line the distance, what is stated, and
    /// what was measured on each group, in per cent.
    fn curves() -> Vec<Vec<Vec<String>>> {
        let tables = README.split("| up to | stated |").skip(1);
        let cells =
            |line: &str| line.trim_matches(['|', ' ']).split(" | ").map(Into::into).collect();
        let lines = |table: &str| {
            table.lines().skip(2).map_while(|it| it.strip_prefix("| ").map(cells)).collect()
        };
        tables.map(lines).collect()
    }

    #[test]
    fn strangers_are_stated_as_the_readme_says_and_were_never_nearer() {
        let strangers = Measurement::of("casia-webface").unwrap().strangers;
        let tables = curves();
        assert_eq!(tables.len(), 2);
        for (curve, table) in [strangers.alone, strangers.in_company].iter().zip(tables) {
            assert_eq!(table.len(), STRANGERS_STEPS.div_ceil(5));
            for (step, line) in table.iter().enumerate() {
                let (stated, at) = (curve[5 * step], strangers_distance(5 * step));
                assert_eq!(line[..2], [format!("{at:.2}"), percent(stated)]);
                for measured in line[2..].iter().filter(|it| *it != "-") {
                    let share: f64 = measured.trim_end_matches(" %").parse().unwrap();
                    assert!(share <= 100.0 * stated, "{at:.2}: {measured}");
                }
            }
        }
        let alone = Thresholds::of("casia-webface").unwrap().alone(Some(strangers));
        let limits = format!(
            "match up to {:.2}, possible up to {:.2}\n",
            alone.match_max, alone.possible_max
        );
        assert!(README.contains(&format!("Of two faces alone: {limits}")), "{limits}");
    }
}
