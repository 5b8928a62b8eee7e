//! How well people are told apart, from the distances of all pairs: the area under the ROC curve,
//! error rates, rank-1 and the curve itself.

use crate::distances::{Distances, Pair, Pairs};

/// False-match rates at which the share of recognised pairs is reported. At 0, the threshold is
/// just below the nearest pair of two people.
pub const FALSE_MATCH_RATES: [f64; 4] = [0.0, 1e-4, 1e-3, 1e-2];

/// How well pairs of one person and pairs of two people are told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The area under the ROC curve: the probability that two pictures of one person are nearer
    /// than two pictures of different people.
    pub auc: f64,
    /// The error rate at the threshold where as large a share of the pairs of one person is missed
    /// as of the pairs of two people is accepted.
    pub equal_error_rate: f64,
    /// One for each of [`FALSE_MATCH_RATES`].
    pub operating_points: Vec<OperatingPoint>,
    /// Whether the nearest other picture shows the same person.
    pub rank1: Rank1,
    /// Mean L2 distance of pairs of one person.
    pub same_mean: f64,
    /// Mean L2 distance of pairs of two people.
    pub different_mean: f64,
}

/// How many pictures have a picture of the same person as their nearest. Asked are the pictures of
/// people who have at least two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank1 {
    /// Pictures whose nearest other picture shows the same person.
    pub right: u32,
    /// Pictures that were asked, at least two.
    pub queries: u32,
}

impl Rank1 {
    /// The share that is right.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.right) / f64::from(self.queries)
    }
}

/// The share of recognised pairs at a false-match rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperatingPoint {
    /// The largest share of pairs of two people that may be accepted.
    pub false_match_rate: f64,
    /// The share of pairs of one person that is accepted then.
    pub true_accept_rate: f64,
    /// Pairs are accepted below this L2 distance.
    pub threshold: f32,
    /// Whether there are enough pairs of two people to measure the rate: so many that it lets at
    /// least one of them be accepted.
    pub supported: bool,
}

impl OperatingPoint {
    /// The point of a false-match rate below 1.
    #[must_use]
    pub fn at(distances: &Distances, false_match_rate: f64) -> Self {
        let different = distances.different.sorted();
        let allowed = (false_match_rate * different.len() as f64).floor() as usize;
        let threshold = different.get(allowed).map_or(2.0, |pair| pair.distance);
        Self {
            false_match_rate,
            true_accept_rate: distances.same.below(threshold).measured(),
            threshold,
            supported: false_match_rate == 0.0 || allowed > 0,
        }
    }
}

impl Metrics {
    /// Computes them for so many pictures and the distances between them.
    #[must_use]
    pub fn of(distances: &Distances, pictures: usize) -> Self {
        let Distances { same, different } = distances;
        Self {
            auc: auc(same, different),
            equal_error_rate: equal_error_rate(same, different),
            operating_points: FALSE_MATCH_RATES
                .map(|rate| OperatingPoint::at(distances, rate))
                .into(),
            rank1: rank1(distances, pictures),
            same_mean: mean(same),
            different_mean: mean(different),
        }
    }
}

fn mean(pairs: &Pairs) -> f64 {
    let sum: f64 = pairs.sorted().iter().map(|pair| f64::from(pair.distance)).sum();
    sum / f64::from(pairs.count().get())
}

/// Pairs with equal distances count half.
fn auc(same: &Pairs, different: &Pairs) -> f64 {
    let nearer_pairs = different.sorted().iter().map(|pair| {
        let [nearer, nearer_or_equal] = [same.below(pair.distance), same.within(pair.distance)];
        f64::midpoint(f64::from(nearer.count), f64::from(nearer_or_equal.count))
    });
    nearer_pairs.sum::<f64>() / (f64::from(same.count().get()) * f64::from(different.count().get()))
}

/// The mean of both error rates where they differ least.
fn equal_error_rate(same: &Pairs, different: &Pairs) -> f64 {
    let (mut smallest_gap, mut error_rate) = (f64::INFINITY, 0.5);
    for pair in same.sorted().iter().chain(different.sorted()) {
        let missed = same.beyond(pair.distance).measured();
        let accepted = different.within(pair.distance).measured();
        let gap = (missed - accepted).abs();
        if gap < smallest_gap {
            (smallest_gap, error_rate) = (gap, f64::midpoint(missed, accepted));
        }
    }
    error_rate
}

fn rank1(distances: &Distances, pictures: usize) -> Rank1 {
    let nearest_same = nearest_of_each(distances.same.sorted(), pictures);
    let nearest_different = nearest_of_each(distances.different.sorted(), pictures);
    let (mut right, mut queries) = (0, 0);
    for (same, different) in nearest_same.into_iter().zip(nearest_different) {
        queries += u32::from(same.is_finite());
        right += u32::from(same < different);
    }
    Rank1 { right, queries }
}

/// For each picture, the distance of its nearest pair. Infinite where it is in none.
fn nearest_of_each(pairs: &[Pair], pictures: usize) -> Vec<f32> {
    let mut nearest = vec![f32::INFINITY; pictures];
    for pair in pairs {
        for index in [pair.a, pair.b] {
            if let Some(distance) = nearest.get_mut(index as usize) {
                *distance = distance.min(pair.distance);
            }
        }
    }
    nearest
}

/// One point of the ROC curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Pairs are accepted up to this L2 distance.
    pub threshold: f32,
    /// Share of pairs of two people that is accepted.
    pub false_match_rate: f64,
    /// Share of pairs of one person that is accepted.
    pub true_accept_rate: f64,
}

/// The ROC curve at `steps` + 1 evenly spaced thresholds from 0 to 2.
#[must_use]
pub fn roc(distances: &Distances, steps: u16) -> Vec<RocPoint> {
    (0..=steps)
        .map(|step| {
            let threshold = 2.0 * f32::from(step) / f32::from(steps);
            RocPoint {
                threshold,
                false_match_rate: distances.different.within(threshold).measured(),
                true_accept_rate: distances.same.within(threshold).measured(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::{on_a_circle, pairs_at};

    #[track_caller]
    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-6, "{actual} instead of {expected}");
    }

    /// By hand: of the 4 x 5 comparisons, 0.9 loses to 0.8 and 0.85 and ties with 0.9, so the area
    /// is (20 - 2.5) / 20. At 0.85, one of four is missed and two of five are accepted. At 0.8 it
    /// is one and one, at 0.5 one and none. The shares that differ least are 1/4 and 1/5.
    #[test]
    fn areas_and_rates_are_those_computed_by_hand() {
        let same = pairs_at(&[0.3, 0.4, 0.5, 0.9]);
        let different = pairs_at(&[0.8, 0.85, 0.9, 1.2, 1.3]);
        close(auc(&same, &different), 17.5 / 20.0);
        close(equal_error_rate(&same, &different), f64::midpoint(0.25, 0.2));
        let distances = Distances { same, different };
        let none = OperatingPoint::at(&distances, 0.0);
        close(none.true_accept_rate, 0.75);
        close(f64::from(none.threshold), 0.8);
        assert!(none.supported);
        assert!(!OperatingPoint::at(&distances, 0.1).supported);
        let three = OperatingPoint::at(&distances, 0.6);
        assert!(three.supported);
        close(three.true_accept_rate, 1.0);
        let curve = roc(&distances, 4);
        assert_eq!(curve.len(), 5);
        close(curve[2].false_match_rate, 0.6);
        close(curve[2].true_accept_rate, 1.0);
    }

    #[test]
    fn rank_one_asks_every_picture_that_has_another() {
        // The third picture of the first person is nearest to the second person. The third person
        // has one picture, which is not asked.
        let pictures = on_a_circle(&[&[0.0, 5.0, 40.0], &[50.0, 52.0], &[120.0]]);
        let distances = Distances::between(&pictures).unwrap();
        let rank1 = Metrics::of(&distances, pictures.len()).rank1;
        assert_eq!(rank1, Rank1 { right: 4, queries: 5 });
        close(rank1.share(), 0.8);
    }
}
