//! The figures of the field, from the distances of all pairs.

use facenet::verdict::Rate;

use crate::distances::{Distances, Pair, within};

/// False-match rates at which the share of recognised pairs is reported; 0 is before the first.
pub const FALSE_MATCH_RATES: [f64; 4] = [0.0, 1e-4, 1e-3, 1e-2];

/// How well pairs of one person and of two are told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Probability that two pictures of one person are nearer than two of different people, the
    /// area under the ROC curve.
    pub auc: f64,
    /// Where as many pairs of one person are missed as pairs of two are accepted.
    pub equal_error_rate: f64,
    /// For each of [`FALSE_MATCH_RATES`].
    pub operating_points: Vec<OperatingPoint>,
    /// Pictures whose nearest other picture shows the same person, among those that have one of
    /// the same person: `(right, all)`.
    pub rank1: (u32, u32),
    /// Mean distance of pairs of one person.
    pub same_mean: f64,
    /// Mean distance of pairs of two people.
    pub different_mean: f64,
}

/// What is recognised when no more than a share of different people may be taken for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// That share.
    pub false_match_rate: f64,
    /// Share of pairs of one person that are nearer than the pairs of two that may not be accepted.
    pub true_accept_rate: f64,
    /// L2 distance below which that is so.
    pub threshold: f32,
    /// Whether there are enough pairs of two people for the rate to mean anything: one at least
    /// may be accepted.
    pub supported: bool,
}

impl Figures {
    /// Computes the figures, or nothing when there are no pairs of one person or none of two.
    #[must_use]
    pub fn of(distances: &Distances, pictures: usize) -> Option<Self> {
        let Distances { same, different } = distances;
        if same.is_empty() || different.is_empty() {
            return None;
        }
        let point = |rate| operating_point(same, different, rate);
        Some(Self {
            auc: auc(same, different),
            equal_error_rate: equal_error_rate(same, different),
            operating_points: FALSE_MATCH_RATES.into_iter().map(point).collect(),
            rank1: rank1(distances, pictures),
            same_mean: mean(same),
            different_mean: mean(different),
        })
    }
}

fn mean(pairs: &[Pair]) -> f64 {
    pairs.iter().map(|pair| f64::from(pair.distance)).sum::<f64>() / pairs.len() as f64
}

fn auc(same: &[Pair], different: &[Pair]) -> f64 {
    // Equal distances count half.
    let (mut nearer, mut equal_or_nearer, mut sum) = (0, 0, 0.0);
    for pair in different {
        while same.get(nearer).is_some_and(|other| other.distance < pair.distance) {
            nearer += 1;
        }
        while same.get(equal_or_nearer).is_some_and(|other| other.distance <= pair.distance) {
            equal_or_nearer += 1;
        }
        sum += f64::midpoint(nearer as f64, equal_or_nearer as f64);
    }
    sum / (same.len() as f64 * different.len() as f64)
}

fn equal_error_rate(same: &[Pair], different: &[Pair]) -> f64 {
    let mut nearest = (f64::INFINITY, 0.0);
    for pair in same.iter().chain(different) {
        let missed = 1.0 - within(same, pair.distance) as f64 / same.len() as f64;
        let accepted = within(different, pair.distance) as f64 / different.len() as f64;
        let gap = (missed - accepted).abs();
        if gap < nearest.0 {
            nearest = (gap, f64::midpoint(missed, accepted));
        }
    }
    nearest.1
}

fn operating_point(same: &[Pair], different: &[Pair], rate: f64) -> OperatingPoint {
    let allowed = (rate * different.len() as f64).floor() as usize;
    let threshold = different.get(allowed).map_or(2.0, |pair| pair.distance);
    let accepted = same.partition_point(|pair| pair.distance < threshold);
    OperatingPoint {
        false_match_rate: rate,
        true_accept_rate: accepted as f64 / same.len() as f64,
        threshold,
        supported: rate == 0.0 || allowed > 0,
    }
}

fn rank1(distances: &Distances, pictures: usize) -> (u32, u32) {
    let nearest = |pairs: &[Pair]| {
        let mut nearest = vec![f32::INFINITY; pictures];
        for pair in pairs {
            for index in [pair.a, pair.b] {
                if let Some(distance) = nearest.get_mut(index as usize) {
                    *distance = distance.min(pair.distance);
                }
            }
        }
        nearest
    };
    let both: Vec<_> =
        nearest(&distances.same).into_iter().zip(nearest(&distances.different)).collect();
    let queries = both.iter().filter(|(same, _)| same.is_finite());
    let right = queries.clone().filter(|(same, different)| same < different).count();
    (right as u32, queries.count() as u32)
}

/// One point of the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// L2 distance up to which pairs are accepted.
    pub threshold: f32,
    /// Share of pairs of two people that are.
    pub false_match_rate: f64,
    /// Share of pairs of one person that are.
    pub true_accept_rate: f64,
}

/// The ROC curve at evenly spaced thresholds from 0 to 2.
#[must_use]
pub fn roc(distances: &Distances, steps: u16) -> Vec<RocPoint> {
    let share =
        |pairs: &[Pair], threshold| within(pairs, threshold) as f64 / pairs.len().max(1) as f64;
    (0..=steps)
        .map(|step| {
            let threshold = 2.0 * f32::from(step) / f32::from(steps);
            RocPoint {
                threshold,
                false_match_rate: share(&distances.different, threshold),
                true_accept_rate: share(&distances.same, threshold),
            }
        })
        .collect()
}

/// How many different people are taken for one at a threshold.
#[must_use]
pub fn false_matches(distances: &Distances, threshold: f32) -> Rate {
    Rate {
        count: within(&distances.different, threshold) as u32,
        pairs: distances.different.len() as u32,
    }
}

/// How many pairs of one person are further apart than a threshold.
#[must_use]
pub fn missed(distances: &Distances, threshold: f32) -> Rate {
    let pairs = distances.same.len();
    Rate { count: (pairs - within(&distances.same, threshold)) as u32, pairs: pairs as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    fn pairs(distances: &[f32]) -> Vec<Pair> {
        distances.iter().map(|&distance| Pair { distance, a: 0, b: 1 }).collect()
    }

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-6, "{actual} instead of {expected}");
    }

    /// By hand: of the 4 x 5 comparisons, 0.9 loses to 0.8 and 0.85 and ties with 0.9, so the area
    /// is (20 - 2.5) / 20. At 0.85, one of four is missed and two of five are accepted; at 0.8 it
    /// is one and one, at 0.5 one and none: the nearest is 1/4 and 1/5.
    #[test]
    fn areas_and_rates_are_those_computed_by_hand() {
        let same = pairs(&[0.3, 0.4, 0.5, 0.9]);
        let different = pairs(&[0.8, 0.85, 0.9, 1.2, 1.3]);
        close(auc(&same, &different), 17.5 / 20.0);
        close(equal_error_rate(&same, &different), f64::midpoint(0.25, 0.2));
        let none = operating_point(&same, &different, 0.0);
        close(none.true_accept_rate, 0.75);
        close(f64::from(none.threshold), 0.8);
        assert!(none.supported);
        let few = operating_point(&same, &different, 0.1);
        assert!(!few.supported);
        close(operating_point(&same, &different, 0.6).true_accept_rate, 1.0);
        let distances = Distances { same, different };
        assert_eq!(false_matches(&distances, 0.85), Rate { count: 2, pairs: 5 });
        assert_eq!(missed(&distances, 0.85), Rate { count: 1, pairs: 4 });
        let curve = roc(&distances, 4);
        assert_eq!(curve.len(), 5);
        close(curve[2].false_match_rate, 0.6);
        close(curve[2].true_accept_rate, 1.0);
    }

    #[test]
    fn rank_one_asks_every_picture_that_has_another() {
        // The third picture of the first person is nearest to the second person; the third person
        // has one picture and is no query.
        let pictures = on_a_circle(&[&[0.0, 5.0, 40.0], &[50.0, 52.0], &[120.0]]);
        let figures = Figures::of(&Distances::between(&pictures), pictures.len()).unwrap();
        assert_eq!(figures.rank1, (4, 5));
        // Nobody with two pictures, or nobody else: there is nothing to tell.
        let lonely = Distances::between(&on_a_circle(&[&[0.0], &[90.0]]));
        assert_eq!(Figures::of(&lonely, 2), None);
        let alone = Distances::between(&on_a_circle(&[&[0.0, 1.0]]));
        assert_eq!(Figures::of(&alone, 2), None);
    }
}
