//! How far apart all pictures are: every pair of one person, every pair of two.

use facenet::Embedding;

/// A picture with its embedding.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Whom it shows, as a number.
    pub person: usize,
    /// Its embedding.
    pub embedding: Embedding,
}

/// Two pictures, as indices, and their L2 distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// L2 distance.
    pub distance: f32,
    /// The first picture.
    pub a: u32,
    /// The second picture, after the first.
    pub b: u32,
}

/// All pairs of a set of pictures, nearest first.
#[derive(Clone, Debug, Default)]
pub struct Distances {
    /// Pairs of one person.
    pub same: Vec<Pair>,
    /// Pairs of two people.
    pub different: Vec<Pair>,
}

impl Distances {
    /// Compares every picture with every other.
    #[must_use]
    pub fn between(pictures: &[Picture]) -> Self {
        let mut all = Self::default();
        for (a, first) in pictures.iter().enumerate() {
            for (b, second) in pictures.iter().enumerate().skip(a + 1) {
                let distance = first.embedding.distance(&second.embedding);
                let pair = Pair { distance, a: a as u32, b: b as u32 };
                let same = first.person == second.person;
                if same { all.same.push(pair) } else { all.different.push(pair) }
            }
        }
        for pairs in [&mut all.same, &mut all.different] {
            pairs.sort_by(|one, other| one.distance.total_cmp(&other.distance));
        }
        all
    }
}

/// How many of some pairs, nearest first, are at most so far apart.
#[must_use]
pub fn within(pairs: &[Pair], distance: f32) -> usize {
    pairs.partition_point(|pair| pair.distance <= distance)
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

    #[test]
    fn every_pair_is_counted_once_and_in_order() {
        let distances = Distances::between(&on_a_circle(&[&[0.0, 60.0], &[180.0, 90.0]]));
        let pairs = |pairs: &[Pair]| pairs.iter().map(|pair| (pair.a, pair.b)).collect::<Vec<_>>();
        assert_eq!(pairs(&distances.same), [(0, 1), (2, 3)]);
        assert_eq!(pairs(&distances.different), [(1, 3), (0, 3), (1, 2), (0, 2)]);
        assert!((distances.same[0].distance - 1.0).abs() < 1e-6);
        assert_eq!(within(&distances.different, 0.5), 0);
        assert_eq!(within(&distances.different, 0.6), 1);
        assert_eq!(within(&distances.different, 2.1), 4);
    }
}
