//! How often a picture of a stranger is as near as a distance, with its interval.

use facenet::verdict::{STRANGERS_STEPS, strangers_distance};

use crate::distances::Picture;

/// How often the people are drawn anew for the interval.
const DRAWS: usize = 200;

/// The seed of the draws, so that the same photographs give the same result.
const SEED: u64 = 20_180_408;

/// A distance is told with an error of at most this.
const TOLD: f32 = 0.01;

/// A share, and the interval in which it is for 95 of 100 draws of the group's people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// As it was measured, 0 to 1.
    pub rate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end. When nothing was counted among N people, it is the largest share of people
    /// of whom N drawn by chance would include none in one of twenty cases.
    pub high: f64,
}

/// Comparisons of pictures of two people.
#[derive(Clone, Debug)]
pub struct Comparisons {
    people: usize,
    /// How often a person was compared with another, for each pair of them.
    asked: Vec<f64>,
    /// Those within the curve.
    near: Vec<Near>,
}

#[derive(Clone, Copy, Debug)]
struct Near {
    distance: f32,
    one: usize,
    other: usize,
}

impl Comparisons {
    /// None yet, of so many people.
    #[must_use]
    pub fn of(people: usize) -> Self {
        Self { people, asked: vec![0.0; people * people], near: Vec::new() }
    }

    /// Every picture with every picture of somebody else.
    #[must_use]
    pub fn all(pictures: &[Picture]) -> Self {
        let people = pictures.iter().map(|picture| picture.person + 1).max().unwrap_or(0);
        let mut all = Self::of(people);
        for (index, first) in pictures.iter().enumerate() {
            for second in pictures.iter().skip(index + 1) {
                if first.person != second.person {
                    let distance = first.embedding.distance(&second.embedding);
                    all.add(first.person, second.person, distance);
                }
            }
        }
        all
    }

    /// Adds one of two people.
    pub fn add(&mut self, one: usize, other: usize, distance: f32) {
        if let Some(asked) = self.asked.get_mut(one * self.people + other) {
            *asked += 1.0;
        }
        if distance <= strangers_distance(STRANGERS_STEPS) {
            self.near.push(Near { distance, one, other });
        }
    }

    /// For each step of the curve, the share that is as near. The interval is that of people who
    /// are drawn anew, with repetition: comparisons of one person are alike.
    #[must_use]
    pub fn curve(&self) -> Vec<Estimate> {
        let mut near = self.near.clone();
        near.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let measured = self.shares(&near, &vec![1.0; self.people]);
        let mut random = fastrand::Rng::with_seed(SEED);
        let drawn: Vec<Vec<f64>> = (0..DRAWS)
            .map(|_| {
                let mut times = vec![0.0; self.people];
                for _ in 0..self.people {
                    if let Some(count) = times.get_mut(random.usize(..self.people)) {
                        *count += 1.0;
                    }
                }
                self.shares(&near, &times)
            })
            .collect();
        let estimate = |(step, &rate): (usize, &f64)| {
            let mut at: Vec<f64> = drawn.iter().filter_map(|it| it.get(step)).copied().collect();
            at.sort_by(f64::total_cmp);
            let percentile = |share: f64| at.get((share * DRAWS as f64) as usize).copied();
            let low = percentile(0.025).unwrap_or(rate);
            Estimate { rate, low, high: percentile(0.975).unwrap_or(rate).max(rate) }
        };
        measured.iter().enumerate().map(estimate).collect()
    }

    /// The shares at all steps when person I counts `times[I]` times.
    fn shares(&self, near: &[Near], times: &[f64]) -> Vec<f64> {
        let time = |person: usize| times.get(person).copied().unwrap_or(0.0);
        let asked = self.asked.iter().enumerate();
        let all: f64 = asked
            .filter(|(_, asked)| **asked > 0.0)
            .map(|(pair, asked)| asked * time(pair / self.people) * time(pair % self.people))
            .sum();
        let mut left = near.iter().peekable();
        let mut sum = 0.0;
        (0..STRANGERS_STEPS)
            .map(|step| {
                let distance = strangers_distance(step) + TOLD;
                while let Some(it) = left.next_if(|it| it.distance <= distance) {
                    sum += time(it.one) * time(it.other);
                }
                if all > 0.0 { sum / all } else { 0.0 }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    #[test]
    fn pairs_of_two_people_are_counted() {
        // 30 and 60 degrees: 0.518 and 1. The pictures of one person do not count.
        let curve = Comparisons::all(&on_a_circle(&[&[0.0, 1.0], &[31.0], &[91.0]])).curve();
        let at = |distance: f32| {
            let step = (0..STRANGERS_STEPS).find(|&it| strangers_distance(it) >= distance);
            curve[step.unwrap()]
        };
        assert!(at(0.5).rate.abs() < 1e-12);
        // Told with an error of a hundredth, 0.518 may be 0.51.
        assert!((at(0.51).rate - 0.2).abs() < 1e-12, "{:?}", at(0.51));
        assert!((at(0.6).rate - 0.4).abs() < 1e-12);
        assert!((at(1.0).rate - 0.6).abs() < 1e-12);
        assert!(at(1.0).high > at(1.0).rate && at(1.0).low < at(1.0).rate);
        assert_eq!(curve.len(), STRANGERS_STEPS);
    }
}
