//! Thresholds from photographs, and how far they can be trusted.

use facenet::verdict::{
    Counts, DIFFERENT_PAIRS_MIN, MATCH_FALSE_MATCH_RATE, Measurement, PEOPLE_MIN,
    POSSIBLE_FALSE_MATCH_RATE, Thresholds,
};

use crate::distances::{Distances, Pairs, Picture};

/// Thresholds are rounded down to a multiple of this. Finer ones would promise more than is known.
const STEP: f32 = 0.01;

/// How often the people are drawn anew.
pub const DRAWS: usize = 500;

/// The seed of the draws, so that the same photographs give the same result.
const SEED: u64 = 20_180_408;

/// The interval that holds a threshold for nine in ten draws of the people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 5th percentile.
    pub low: f32,
    /// The 95th percentile.
    pub high: f32,
}

/// Proposed thresholds, and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The thresholds.
    pub thresholds: Thresholds,
    /// What was counted at them.
    pub measurement: Measurement,
    /// Where [`Thresholds::match_max`] lies when the people are drawn anew.
    pub match_max: Interval,
    /// Where [`Thresholds::possible_max`] lies when the people are drawn anew.
    pub possible_max: Interval,
}

/// Chooses the thresholds for [`MATCH_FALSE_MATCH_RATE`] and [`POSSIBLE_FALSE_MATCH_RATE`].
/// `distances` are those between `pictures`.
#[must_use]
pub fn calibrate(pictures: &[Picture], distances: &Distances) -> Proposal {
    let sample = Sample::of(pictures, &distances.different);
    let choose = |rate| round_down(sample.threshold(rate));
    let match_max = choose(MATCH_FALSE_MATCH_RATE);
    let possible_max = choose(POSSIBLE_FALSE_MATCH_RATE).max(match_max);
    let counts = |threshold| Counts {
        false_matches: distances.different.within(threshold).count,
        missed: distances.same.beyond(threshold).count,
    };
    Proposal {
        thresholds: Thresholds { match_max, possible_max },
        measurement: Measurement {
            people: sample.people as u32,
            pictures: pictures.len() as u32,
            same_pairs: distances.same.count(),
            different_pairs: distances.different.count(),
            at_match: counts(match_max),
            at_possible: counts(possible_max),
        },
        match_max: sample.interval(MATCH_FALSE_MATCH_RATE),
        possible_max: sample.interval(POSSIBLE_FALSE_MATCH_RATE),
    }
}

fn round_down(distance: f32) -> f32 {
    // Without this, a multiple of the step that is a rounding error too low would lose a step.
    const ROUNDING: f32 = 1e-3;
    ((distance / STEP + ROUNDING).floor() * STEP * 100.0).round() / 100.0
}

/// The people who are measured, and the pairs of two of them.
struct Sample<'a> {
    /// How many people there are. Only those who have a picture count.
    people: usize,
    /// For each picture, the index of the person whom it shows, below `people`.
    person_of: Vec<usize>,
    different: &'a Pairs,
}

impl<'a> Sample<'a> {
    fn of(pictures: &[Picture], different: &'a Pairs) -> Self {
        let mut people: Vec<usize> = pictures.iter().map(|picture| picture.person).collect();
        people.sort_unstable();
        people.dedup();
        let index = |picture: &Picture| people.partition_point(|&person| person < picture.person);
        let person_of = pictures.iter().map(index).collect();
        Self { people: people.len(), person_of, different }
    }

    /// The threshold that accepts no more than `rate` of the pairs of different people. Without
    /// pairs it would accept nothing.
    fn threshold(&self, rate: f64) -> f32 {
        self.weighted_threshold(&vec![1; self.people], rate).unwrap_or(0.0)
    }

    /// The same when person I counts `times[I]` times. None when fewer than two people count, so
    /// that there is no pair of different people.
    fn weighted_threshold(&self, times: &[u32], rate: f64) -> Option<f32> {
        let weight = |picture: usize| {
            let person = self.person_of.get(picture)?;
            times.get(*person).copied().map(f64::from)
        };
        let mut of_person = vec![0.0; self.people];
        for (picture, &person) in self.person_of.iter().enumerate() {
            if let (Some(sum), Some(weight)) = (of_person.get_mut(person), weight(picture)) {
                *sum += weight;
            }
        }
        // All pairs of pictures, less the pairs of one person.
        let all: f64 = of_person.iter().sum();
        let total = (all * all - of_person.iter().map(|sum| sum * sum).sum::<f64>()) / 2.0;
        if total <= 0.0 {
            return None;
        }
        let mut accepted = 0.0;
        for pair in self.different.sorted() {
            accepted += weight(pair.a as usize)? * weight(pair.b as usize)?;
            if accepted > rate * total {
                // This pair is one too many, so the threshold is just below it.
                return Some(pair.distance.next_down());
            }
        }
        None
    }

    /// The bootstrap over people: how the threshold varies when as many people are drawn from the
    /// sample, with repetition. People are drawn rather than pairs, because pairs of the same
    /// person are not independent. Draws of one person alone are left out.
    fn interval(&self, rate: f64) -> Interval {
        let mut random = fastrand::Rng::with_seed(SEED);
        let draw = |_| {
            let mut times = vec![0; self.people];
            for _ in 0..self.people {
                if let Some(count) = times.get_mut(random.usize(..self.people)) {
                    *count += 1;
                }
            }
            self.weighted_threshold(&times, rate)
        };
        let mut thresholds: Vec<f32> = (0..DRAWS).filter_map(draw).collect();
        thresholds.sort_by(f32::total_cmp);
        let percentile = |share: f64| {
            let index = (share * thresholds.len() as f64) as usize;
            thresholds.get(index).copied().unwrap_or_default()
        };
        Interval { low: percentile(0.05), high: percentile(0.95) }
    }
}

/// Why the thresholds cannot be relied on yet, as sentences. Empty when they can.
#[must_use]
pub fn doubts(measured: &Measurement) -> Vec<String> {
    let mut doubts = Vec::new();
    if measured.different_pairs.get() < DIFFERENT_PAIRS_MIN {
        doubts.push(format!(
            "{} pairs of different people say nothing about a false-match rate of \
             {MATCH_FALSE_MATCH_RATE:e}: that takes {DIFFERENT_PAIRS_MIN}.",
            measured.different_pairs
        ));
    }
    if measured.people < PEOPLE_MIN {
        doubts.push(format!(
            "{} people are few: a single pair of look-alikes among them decides the result. Take \
             at least {PEOPLE_MIN}.",
            measured.people
        ));
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::Pair;
    use crate::distances::tests::on_a_circle;

    #[test]
    fn thresholds_are_just_below_the_first_pair_too_many() {
        // Different people are at 10, 80, 90 and 100 degrees or more. With so few pairs none may be
        // accepted, and the nearest is 2 sin(5) = 0.1743 away.
        let pictures = on_a_circle(&[&[0.0, 1.0], &[11.0], &[90.0, 91.0], &[181.0]]);
        let distances = Distances::between(&pictures).unwrap();
        let proposal = calibrate(&pictures, &distances);
        let measured = proposal.measurement;
        assert_eq!(proposal.thresholds, Thresholds { match_max: 0.17, possible_max: 0.17 });
        assert_eq!((measured.people, measured.pictures), (4, 6));
        assert_eq!((measured.same_pairs.get(), measured.different_pairs.get()), (2, 13));
        assert_eq!(measured.at_match, Counts { false_matches: 0, missed: 0 });
        assert!(measured.provisional());
        assert_eq!(doubts(&measured).len(), 2);
        // About half of the draws lack one of the two people who are close.
        assert!(proposal.match_max.low < 0.18 && proposal.match_max.high > 1.0);
    }

    /// Numbers of people may have gaps: those between had no usable picture.
    #[test]
    fn only_people_with_a_picture_count() {
        let mut pictures = on_a_circle(&[&[0.0, 1.0], &[11.0], &[90.0, 91.0], &[181.0]]);
        let without_gaps = calibrate(&pictures, &Distances::between(&pictures).unwrap());
        for picture in &mut pictures {
            picture.person = 200 * picture.person + 7;
        }
        let with_gaps = calibrate(&pictures, &Distances::between(&pictures).unwrap());
        assert_eq!(with_gaps.measurement.people, 4);
        assert_eq!(with_gaps, without_gaps);
    }

    #[test]
    fn people_weigh_as_often_as_they_are_drawn() {
        let pictures = on_a_circle(&[&[0.0], &[20.0], &[90.0]]);
        // The pairs are 20, 70 and 90 degrees apart, that is 0.347, 1.147 and 1.414.
        let pair = |a, b| {
            let [first, second]: [&Picture; 2] = [&pictures[a], &pictures[b]];
            let distance = first.embedding.distance(&second.embedding);
            Pair { distance, a: a as u32, b: b as u32 }
        };
        let different = Pairs::new(vec![pair(0, 1), pair(1, 2), pair(0, 2)]).unwrap();
        let sample = Sample::of(&pictures, &different);
        let near = |times: &[u32], rate| sample.weighted_threshold(times, rate).unwrap();
        assert!((near(&[1, 1, 1], 0.0) - 0.347).abs() < 1e-3);
        assert!((near(&[1, 1, 1], 0.34) - 1.147).abs() < 1e-3);
        // Without the second person only the pair of 90 degrees is left. When the first two count
        // twice each, the nearest pair makes four of eight.
        assert!((near(&[1, 0, 1], 0.0) - 1.414).abs() < 1e-3);
        assert!((near(&[2, 2, 1], 0.4) - 0.347).abs() < 1e-3);
        assert!((near(&[2, 2, 1], 0.5) - 1.147).abs() < 1e-3);
        assert_eq!(sample.weighted_threshold(&[0, 3, 0], 0.0), None);
    }

    /// Of two people, half of the draws take one of them twice. That gives no pair and must not
    /// count as a threshold.
    #[test]
    fn draws_of_one_person_say_nothing() {
        let pictures = on_a_circle(&[&[0.0, 1.0], &[21.0]]);
        let proposal = calibrate(&pictures, &Distances::between(&pictures).unwrap());
        let Interval { low, high } = proposal.match_max;
        assert!((low - 0.347).abs() < 1e-3 && (high - 0.347).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn rounding_promises_no_more_than_was_measured() {
        for (distance, expected) in [(0.769_9, 0.76), (0.77, 0.77), (1.13, 1.13), (1.1299, 1.12)] {
            assert!((round_down(distance) - expected).abs() < 1e-6, "{distance}");
        }
    }
}
