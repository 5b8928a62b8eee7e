//! Thresholds from photographs, and how far they can be trusted.

use facenet::verdict::{
    Calibration, Counts, DIFFERENT_PAIRS_MIN, MATCH_FALSE_MATCH_RATE, PEOPLE_MIN,
    POSSIBLE_FALSE_MATCH_RATE, Thresholds,
};

use crate::distances::{Distances, Picture, within};

/// Thresholds are rounded down to this: finer ones would promise more than is known.
const STEP: f32 = 0.01;

/// How often the people are drawn anew, and from which seed.
pub const DRAWS: usize = 500;
const SEED: u64 = 20_180_408;

/// A threshold with the interval in which it lies for most draws of the people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 5th percentile.
    pub low: f32,
    /// The 95th percentile.
    pub high: f32,
}

/// A row for the table of thresholds, and what is to be known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The row.
    pub calibration: Calibration,
    /// Where [`Thresholds::match_max`] lies when other people of the kind are measured.
    pub match_max: Interval,
    /// As `match_max`, of [`Thresholds::possible_max`].
    pub possible_max: Interval,
}

/// Chooses the thresholds for [`MATCH_FALSE_MATCH_RATE`] and [`POSSIBLE_FALSE_MATCH_RATE`].
#[must_use]
pub fn calibrate(pictures: &[Picture], distances: &Distances) -> Proposal {
    let people = 1 + pictures.iter().map(|picture| picture.person).max().unwrap_or_default();
    let once = vec![1; people];
    let choose = |rate| round_down(threshold(pictures, distances, &once, rate));
    let match_max = choose(MATCH_FALSE_MATCH_RATE);
    let possible_max = choose(POSSIBLE_FALSE_MATCH_RATE).max(match_max);
    let counts = |limit| Counts {
        false_matches: within(&distances.different, limit) as u32,
        missed: (distances.same.len() - within(&distances.same, limit)) as u32,
    };
    let interval = |rate| drawn_anew(pictures, distances, people, rate);
    Proposal {
        calibration: Calibration {
            thresholds: Thresholds { match_max, possible_max },
            people: people as u32,
            pictures: pictures.len() as u32,
            same_pairs: distances.same.len() as u32,
            different_pairs: distances.different.len() as u32,
            at_match: counts(match_max),
            at_possible: counts(possible_max),
        },
        match_max: interval(MATCH_FALSE_MATCH_RATE),
        possible_max: interval(POSSIBLE_FALSE_MATCH_RATE),
    }
}

fn round_down(distance: f32) -> f32 {
    // A value that is on a step up to rounding stays there.
    ((distance / STEP + 1e-3).floor() * STEP * 100.0).round() / 100.0
}

/// The distance below which no more than `rate` of the pairs of different people are, when each
/// person counts so many times.
fn threshold(pictures: &[Picture], distances: &Distances, times: &[u32], rate: f64) -> f32 {
    let count = |person: usize| times.get(person).copied().map_or(0.0, f64::from);
    let weight =
        |index: u32| pictures.get(index as usize).map_or(0.0, |picture| count(picture.person));
    // All pairs of pictures but those of one person.
    let mut of_person = vec![0.0; times.len()];
    for picture in pictures {
        if let Some(sum) = of_person.get_mut(picture.person) {
            *sum += count(picture.person);
        }
    }
    let all: f64 = of_person.iter().sum();
    let total = (all * all - of_person.iter().map(|sum| sum * sum).sum::<f64>()) / 2.0;
    let mut accepted = 0.0;
    for pair in &distances.different {
        accepted += weight(pair.a) * weight(pair.b);
        if accepted > rate * total {
            // Just below the pair that is one too many.
            return pair.distance.next_down();
        }
    }
    2.0
}

/// The bootstrap over people: pairs of the same person are not independent, people are.
fn drawn_anew(pictures: &[Picture], distances: &Distances, people: usize, rate: f64) -> Interval {
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut found: Vec<f32> = (0..DRAWS)
        .map(|_| {
            let mut times = vec![0; people];
            for _ in 0..people {
                if let Some(count) = times.get_mut(random.usize(..people)) {
                    *count += 1;
                }
            }
            threshold(pictures, distances, &times, rate)
        })
        .collect();
    found.sort_by(f32::total_cmp);
    let at = |share: f64| found.get((share * DRAWS as f64) as usize).copied().unwrap_or_default();
    Interval { low: at(0.05), high: at(0.95) }
}

/// What keeps the thresholds from being relied on, as sentences.
#[must_use]
pub fn doubts(row: &Calibration) -> Vec<String> {
    let mut doubts = Vec::new();
    if row.different_pairs < DIFFERENT_PAIRS_MIN {
        doubts.push(format!(
            "{} pairs of different people say nothing about a false-match rate of \
             {MATCH_FALSE_MATCH_RATE:e}: that takes {DIFFERENT_PAIRS_MIN}.",
            row.different_pairs
        ));
    }
    if row.people < PEOPLE_MIN {
        doubts.push(format!(
            "{} people are few: a single pair of look-alikes among them decides the result. Take \
             at least {PEOPLE_MIN}.",
            row.people
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    #[test]
    fn thresholds_are_just_below_the_first_pair_too_many() {
        // Different people at 10, 80, 90 and 100 degrees or more: with so few pairs, none may be
        // accepted, and the nearest is 2 sin(5) = 0.1743 away.
        let pictures = on_a_circle(&[&[0.0, 1.0], &[11.0], &[90.0, 91.0], &[181.0]]);
        let distances = Distances::between(&pictures);
        let proposal = calibrate(&pictures, &distances);
        let row = proposal.calibration;
        assert_eq!(row.thresholds, Thresholds { match_max: 0.17, possible_max: 0.17 });
        assert_eq!((row.people, row.pictures), (4, 6));
        assert_eq!((row.same_pairs, row.different_pairs), (2, 13));
        assert_eq!(row.at_match, Counts { false_matches: 0, missed: 0 });
        assert!(row.provisional());
        assert_eq!(doubts(&row).len(), 2);
        // Half of the draws or so lack one of the two who are close.
        assert!(proposal.match_max.low < 0.18 && proposal.match_max.high > 1.0);
    }

    #[test]
    fn people_weigh_as_often_as_they_are_drawn() {
        let pictures = on_a_circle(&[&[0.0], &[20.0], &[90.0]]);
        let distances = Distances::between(&pictures);
        let near = |times: &[u32], rate| threshold(&pictures, &distances, times, rate);
        // The pairs are 20, 70 and 90 degrees apart, that is 0.347, 1.147 and 1.414.
        assert!((near(&[1, 1, 1], 0.0) - 0.347).abs() < 1e-3);
        assert!((near(&[1, 1, 1], 0.34) - 1.147).abs() < 1e-3);
        // Without the second person only the pair of 90 degrees is left; twice each of the first
        // two, the nearest pair is four of eight.
        assert!((near(&[1, 0, 1], 0.0) - 1.414).abs() < 1e-3);
        assert!((near(&[2, 2, 1], 0.4) - 0.347).abs() < 1e-3);
        assert!((near(&[2, 2, 1], 0.5) - 1.147).abs() < 1e-3);
    }

    #[test]
    fn rounding_promises_no_more_than_was_measured() {
        for (distance, expected) in [(0.769_9, 0.76), (0.77, 0.77), (1.13, 1.13), (1.1299, 1.12)] {
            assert!((round_down(distance) - expected).abs() < 1e-6, "{distance}");
        }
    }
}
