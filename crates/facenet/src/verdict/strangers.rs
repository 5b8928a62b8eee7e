//! How rarely strangers are as near as a distance: one curve for a gallery that is known, and one
//! for two faces alone. `cargo xtask calibrate` prints both.

use super::in_company;

/// The first distance of a curve, in hundredths. Whatever is nearer counts like it.
const FIRST: usize = 50;

/// How many distances a curve has, each a hundredth after the one before.
pub const STRANGERS_STEPS: usize = 71;

/// The distance of a step of a curve, from 0.5.
#[must_use]
pub fn strangers_distance(step: usize) -> f32 {
    (FIRST + step) as f32 / 100.0
}

/// A share for each [`strangers_distance`]. It never falls.
pub type Curve = [f64; STRANGERS_STEPS];

/// How often a picture of a stranger is as near to a picture as a distance that was told: the upper
/// end of the 95 % interval of the worst group that chose the thresholds. A distance is told with
/// an error of at most a hundredth ([`Thresholds::told`](super::Thresholds::told)), so each step
/// holds what is nearer than the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strangers {
    /// Of two faces of which nothing else is known.
    pub alone: Curve,
    /// Of a search in a gallery that says in what company it is, by the distance as its verdict
    /// counts it there.
    pub in_company: Curve,
}

impl Strangers {
    /// The largest hundredth up to which at most this share of strangers is as near, of two faces
    /// alone.
    #[must_use]
    pub fn alone_within(&self, share: f64) -> f32 {
        let steps = self.alone.iter().take_while(|at_most| **at_most <= share).count();
        steps.checked_sub(1).map_or(0.0, strangers_distance)
    }

    /// The share at a distance that was told, in this company. It never falls as the distance
    /// grows. Beyond the curve everybody may be as near.
    #[must_use]
    pub fn at_most(&self, told: f32, company: Option<f32>) -> f64 {
        match company {
            None => at(&self.alone, told),
            known => at(&self.in_company, in_company(told, known)),
        }
    }
}

/// The share at the first step that is not nearer.
fn at(curve: &Curve, distance: f32) -> f64 {
    let step = (0..curve.len()).find(|&step| distance <= strangers_distance(step));
    step.and_then(|step| curve.get(step)).copied().unwrap_or(1.0)
}

/// A share with two significant digits, rounded up: nothing is called rarer than it is.
#[must_use]
pub fn rounded_up(share: f64) -> f64 {
    if share <= 0.0 {
        return 0.0;
    }
    let digits = 10_f64.powi(1 - share.log10().floor() as i32);
    // The product of a number with two digits may be just above it.
    ((share * digits - 1e-6).ceil() / digits).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::{AIM_MATCH, AIM_POSSIBLE, Measurement, Thresholds};
    use super::*;

    fn strangers() -> Strangers {
        Measurement::of("casia-webface").unwrap().strangers
    }

    #[test]
    fn strangers_are_the_rarer_the_nearer() {
        let strangers = strangers();
        for curve in [strangers.alone, strangers.in_company] {
            assert!(curve.is_sorted());
            assert!(curve.iter().all(|share| (1e-4..=1.0).contains(share)), "{curve:?}");
        }
        for company in [None, Some(-0.1), Some(0.2), Some(0.3), Some(0.44), Some(0.7)] {
            let mut last = 0.0;
            for hundredth in 0..=200_u8 {
                let share = strangers.at_most(f32::from(hundredth) / 100.0, company);
                assert!(last <= share && share <= 1.0, "{hundredth} {company:?}");
                last = share;
            }
            for beyond in [1.21, 2.0, f32::NAN] {
                assert!((strangers.at_most(beyond, company) - 1.0).abs() < 1e-12, "{company:?}");
            }
        }
    }

    #[test]
    fn a_gallery_that_looks_alike_has_nearer_strangers() {
        let strangers = strangers();
        let shares = [0.2, 0.35, 0.44].map(|company| strangers.at_most(0.8, Some(company)));
        assert!(shares[0] < shares[1] && shares[1] < shares[2], "{shares:?}");
        let [most, more] = [0.5, 0.9].map(|company| strangers.at_most(0.8, Some(company)));
        assert!((most - more).abs() < 1e-12 && shares[2] < most);
    }

    #[test]
    fn verdicts_on_two_faces_alone_are_as_rare_as_they_aim_at() {
        let (strangers, row) = (strangers(), Thresholds::of("casia-webface").unwrap());
        let alone = row.alone(Some(strangers));
        assert!(0.0 < alone.match_max && alone.match_max < alone.possible_max, "{alone:?}");
        for (limit, all, aim) in [
            (alone.match_max, row.match_max, AIM_MATCH),
            (alone.possible_max, row.possible_max, AIM_POSSIBLE),
        ] {
            assert!(limit < all && strangers.at_most(limit, None) <= aim, "{limit}");
            assert!(strangers.at_most(limit + 0.01, None) > aim, "{limit}");
        }
        assert_eq!(row.alone(None), row);
        let often = Strangers { alone: [1.0; STRANGERS_STEPS], ..strangers };
        assert!(often.alone_within(0.01).abs() < f32::EPSILON);
    }

    #[test]
    fn steps_are_hundredths_as_they_are_told() {
        for step in 0..STRANGERS_STEPS {
            let distance = strangers_distance(step);
            assert!((distance - super::super::hundredths(distance)).abs() < f32::EPSILON);
            assert!((at(&strangers().alone, distance) - strangers().alone[step]).abs() < 1e-12);
        }
    }

    #[test]
    fn shares_are_rounded_up() {
        for (share, told) in [
            (0.0, "0"),
            (0.000_1, "0.0001"),
            (0.000_100_1, "0.00011"),
            (0.001_998, "0.002"),
            (0.123, "0.13"),
            (0.999, "1"),
            (1.0, "1"),
        ] {
            assert_eq!(rounded_up(share).to_string(), told, "{share}");
        }
    }
}
