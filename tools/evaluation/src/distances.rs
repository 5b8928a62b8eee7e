//! How far apart the pictures are: every pair of one person, and every pair of two people.

use std::num::NonZeroU32;

use facenet::Embedding;

/// A share of pairs. There is at least one pair, so a rate of zero always means that pairs were
/// compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Pairs that were counted, at most `pairs`.
    pub count: u32,
    /// Pairs among which they were counted.
    pub pairs: NonZeroU32,
}

impl Rate {
    /// The share as it was measured, from 0 to 1.
    #[must_use]
    pub fn measured(self) -> f64 {
        f64::from(self.count) / f64::from(self.pairs.get())
    }

    /// The upper end of Wilson's 95 % interval: how large the share may be when more pairs are
    /// measured. It is above zero even when no pair was counted. It assumes that pairs are
    /// independent; those of few people are not.
    #[must_use]
    pub fn upper(self) -> f64 {
        // The 97.5th percentile of the normal distribution.
        const Z: f64 = 1.96;
        let (n, p) = (f64::from(self.pairs.get()), self.measured());
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((p + Z * Z / (2.0 * n) + spread) / (1.0 + Z * Z / n)).min(1.0)
    }
}

/// A picture with its embedding.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The person whom it shows, as a number.
    pub person: usize,
    /// Its embedding.
    pub embedding: Embedding,
}

/// Two pictures, as indices, and their L2 distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// L2 distance, from 0 to 2.
    pub distance: f32,
    /// The first picture.
    pub a: u32,
    /// The second picture, whose index is higher.
    pub b: u32,
}

/// Pairs of one kind, nearest first. There is at least one, so that a share of them exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    sorted: Vec<Pair>,
    count: NonZeroU32,
}

impl Pairs {
    /// Sorts pairs. None when there are none, or more than [`u32::MAX`].
    #[must_use]
    pub fn new(mut pairs: Vec<Pair>) -> Option<Self> {
        let count = NonZeroU32::new(u32::try_from(pairs.len()).ok()?)?;
        pairs.sort_by(|one, other| one.distance.total_cmp(&other.distance));
        Some(Self { sorted: pairs, count })
    }

    /// The pairs, nearest first.
    #[must_use]
    pub fn sorted(&self) -> &[Pair] {
        &self.sorted
    }

    /// How many pairs there are.
    #[must_use]
    pub const fn count(&self) -> NonZeroU32 {
        self.count
    }

    /// The pairs whose distance is at most `distance`.
    #[must_use]
    pub fn within(&self, distance: f32) -> Rate {
        let count = self.sorted.partition_point(|pair| pair.distance <= distance);
        Rate { count: count as u32, pairs: self.count }
    }

    /// The pairs whose distance is less than `distance`.
    #[must_use]
    pub fn below(&self, distance: f32) -> Rate {
        let count = self.sorted.partition_point(|pair| pair.distance < distance);
        Rate { count: count as u32, pairs: self.count }
    }

    /// The pairs whose distance is above `distance`.
    #[must_use]
    pub fn beyond(&self, distance: f32) -> Rate {
        let Rate { count, pairs } = self.within(distance);
        Rate { count: pairs.get() - count, pairs }
    }
}

/// All pairs of a set of pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Distances {
    /// Pairs of one person.
    pub same: Pairs,
    /// Pairs of two people.
    pub different: Pairs,
}

impl Distances {
    /// Compares every picture with every other. None when no two pictures show the same person, or
    /// all show the same one.
    #[must_use]
    pub fn between(pictures: &[Picture]) -> Option<Self> {
        let (mut same, mut different) = (Vec::new(), Vec::new());
        for (a, first) in pictures.iter().enumerate() {
            for (b, second) in pictures.iter().enumerate().skip(a + 1) {
                let distance = first.embedding.distance(&second.embedding);
                let pair = Pair { distance, a: a as u32, b: b as u32 };
                if first.person == second.person { same.push(pair) } else { different.push(pair) }
            }
        }
        Some(Self { same: Pairs::new(same)?, different: Pairs::new(different)? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Pictures of people on a circle, at angles in degrees: their distances are 2 sin(angle / 2).
    pub(crate) fn on_a_circle(people: &[&[f64]]) -> Vec<Picture> {
        let picture = |person: usize, angle: f64| {
            let mut numbers = vec![0.0; facenet::embedding::DIMENSIONS];
            numbers[0] = angle.to_radians().cos() as f32;
            numbers[1] = angle.to_radians().sin() as f32;
            Picture { person, embedding: Embedding::normalise(numbers).unwrap() }
        };
        let all = people.iter().enumerate();
        all.flat_map(|(person, angles)| angles.iter().map(move |&angle| picture(person, angle)))
            .collect()
    }

    /// Pairs at some distances.
    pub(crate) fn pairs_at(distances: &[f32]) -> Pairs {
        let pair = |&distance| Pair { distance, a: 0, b: 1 };
        Pairs::new(distances.iter().map(pair).collect()).unwrap()
    }

    #[test]
    fn rates_say_how_large_they_may_be() {
        let pairs = |count| NonZeroU32::new(count).unwrap();
        let none = Rate { count: 0, pairs: pairs(30_000) };
        assert!(none.measured().abs() < 1e-12);
        // Wilson's bound for no counts is z^2 / (n + z^2).
        assert!((none.upper() - 3.8416 / 30_003.841_6).abs() < 1e-9);
        // 10 of 100: 0.1 and up to 0.1744, as in the textbooks.
        let some = Rate { count: 10, pairs: pairs(100) };
        assert!((some.upper() - 0.1744).abs() < 1e-4);
        let one = Rate { count: 1, pairs: pairs(1) };
        assert!((one.upper() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn every_pair_is_counted_once_and_in_order() {
        let distances = Distances::between(&on_a_circle(&[&[0.0, 60.0], &[180.0, 90.0]])).unwrap();
        let indices = |pairs: &Pairs| -> Vec<_> {
            pairs.sorted().iter().map(|pair| (pair.a, pair.b)).collect()
        };
        assert_eq!(indices(&distances.same), [(0, 1), (2, 3)]);
        assert_eq!(indices(&distances.different), [(1, 3), (0, 3), (1, 2), (0, 2)]);
        assert!((distances.same.sorted()[0].distance - 1.0).abs() < 1e-6);
    }

    #[test]
    fn without_pairs_of_both_kinds_nothing_is_measured() {
        assert_eq!(Distances::between(&on_a_circle(&[&[0.0], &[90.0]])), None);
        assert_eq!(Distances::between(&on_a_circle(&[&[0.0, 1.0]])), None);
        assert_eq!(Distances::between(&[]), None);
    }

    #[test]
    fn a_pair_at_the_threshold_is_within_it() {
        let pairs = pairs_at(&[1.5, 0.5, 1.0, 1.0]);
        let counts = |distance| {
            [pairs.below(distance), pairs.within(distance), pairs.beyond(distance)]
                .map(|rate| rate.count)
        };
        assert_eq!(counts(0.4), [0, 0, 4]);
        assert_eq!(counts(1.0), [1, 3, 1]);
        assert_eq!(counts(2.0), [4, 4, 0]);
        assert_eq!(pairs.count().get(), 4);
    }
}
