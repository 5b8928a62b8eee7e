//! When two embeddings show the same person: the one table of thresholds, and the measurement
//! behind each of them. The crate `evaluation` measures; its README has the results.

use std::num::NonZeroU32;

/// What a distance between two faces means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same person, as far as the model can tell.
    Match,
    /// Perhaps the same person: somebody has to look at both pictures.
    Possible,
    /// Different people, or nobody to compare with.
    None,
}

impl Verdict {
    /// `match`, `possible` or `none`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Possible => "possible",
            Self::None => "none",
        }
    }
}

/// The distances up to which a model calls two faces a match, or possibly one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Largest L2 distance of a match.
    pub match_max: f32,
    /// Largest L2 distance of a possible match, at least `match_max`.
    pub possible_max: f32,
}

/// The false-match rate that [`Thresholds::match_max`] is chosen for: the share of pairs of
/// different people that may be called a match. A search compares with every face of a gallery, so
/// it is far below the rates that suit a comparison of two pictures.
pub const MATCH_FALSE_MATCH_RATE: f64 = 1e-4;

/// As [`MATCH_FALSE_MATCH_RATE`], for [`Thresholds::possible_max`]. It is higher, because somebody
/// looks at a possible match.
pub const POSSIBLE_FALSE_MATCH_RATE: f64 = 1e-3;

/// The fewest pairs of different people that can support [`MATCH_FALSE_MATCH_RATE`]. By the rule of
/// three, no false match among `3 / rate` pairs means that the rate is at most `rate`, with 95 %
/// confidence.
pub const DIFFERENT_PAIRS_MIN: u32 = (3.0 / MATCH_FALSE_MATCH_RATE) as u32;

/// The fewest people that can support a rate. Pairs of the same few people are not independent: two
/// people who look alike make many close pairs.
pub const PEOPLE_MIN: u32 = 100;

/// The largest distance of two embeddings of the same photograph, which was only encoded again,
/// resized, brightened or cut out a little differently. Such copies were measured up to 0.14 apart,
/// and two photographs of one person from 0.67; `tests/it/copies.rs` measures both again.
pub const SAME_PICTURE_MAX: f32 = 0.2;

/// What was counted at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Pairs of different people whose distance is at most the threshold.
    pub false_matches: u32,
    /// Pairs of one person whose distance is above the threshold.
    pub missed: u32,
}

/// What was counted on photographs of known people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// People of whom at least one photograph could be used.
    pub people: u32,
    /// Photographs that could be used, each with one face.
    pub pictures: u32,
    /// Pairs of photographs of one person.
    pub same_pairs: NonZeroU32,
    /// Pairs of photographs of different people.
    pub different_pairs: NonZeroU32,
    /// At [`Thresholds::match_max`].
    pub at_match: Counts,
    /// At [`Thresholds::possible_max`].
    pub at_possible: Counts,
}

/// The thresholds of a model and the measurement behind them. `cargo xtask calibrate` computes both
/// from photographs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// The thresholds that are served.
    pub thresholds: Thresholds,
    /// None when nothing was measured with this model.
    pub measurement: Option<Measurement>,
}

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
    /// measured. It is above zero even when no pair was counted. It takes the pairs for
    /// independent, which those of few people are not.
    #[must_use]
    pub fn upper(self) -> f64 {
        // The 97.5th percentile of the normal distribution.
        const Z: f64 = 1.96;
        let (n, p) = (f64::from(self.pairs.get()), self.measured());
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((p + Z * Z / (2.0 * n) + spread) / (1.0 + Z * Z / n)).min(1.0)
    }
}

/// The probability that a stranger is named as somebody in a gallery of `faces` faces, when each
/// comparison goes wrong with the probability `false_match_rate`: `1 - (1 - rate)^faces`.
#[must_use]
pub fn false_match_rate_in_gallery(false_match_rate: f64, faces: u32) -> f64 {
    // This form keeps the digits of rates near zero.
    -(f64::from(faces) * (-false_match_rate).ln_1p()).exp_m1()
}

/// A number of pairs in the table. It does not compile with zero.
const fn pairs(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => panic!("a measurement has pairs"),
    }
}

/// Thresholds by model, each valid for the [pipeline](crate::PIPELINE) of this library only.
///
/// `casia-webface`: the README of the crate `evaluation` describes the measurement. Its photographs
/// alone would allow a match up to 0.95 for [`MATCH_FALSE_MATCH_RATE`]. An earlier measurement of
/// 172 photographs of 89 people had strangers 0.88, 0.915 and 0.923 apart among 13,936 pairs, and
/// the threshold that it gave is kept until more people are measured.
///
/// `vggface2`: nothing was measured here. Published figures for this checkpoint are the source. The
/// nearest strangers in facenet-pytorch's tests and example are 0.886 and 0.78 apart, `PhotoPrism`
/// settled at 0.82 after long tuning, and users of `CompreFace` report false matches between 0.75
/// and 0.95. A match is at most as far apart as the nearest of these.
const TABLE: &[(&str, Calibration)] = &[
    (
        "casia-webface",
        Calibration {
            thresholds: Thresholds { match_max: 0.85, possible_max: 1.05 },
            measurement: Some(Measurement {
                people: 37,
                pictures: 317,
                same_pairs: pairs(2_660),
                different_pairs: pairs(47_426),
                at_match: Counts { false_matches: 0, missed: 1_679 },
                at_possible: Counts { false_matches: 44, missed: 463 },
            }),
        },
    ),
    (
        "vggface2",
        Calibration {
            thresholds: Thresholds { match_max: 0.75, possible_max: 0.95 },
            measurement: None,
        },
    ),
];

impl Calibration {
    /// The row of a model, or none if the model is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        TABLE.iter().find(|(name, _)| *name == model).map(|(_, row)| *row)
    }
}

impl Measurement {
    /// The measurement behind a model's thresholds, or none if the model is not known or nothing
    /// was measured with it.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Calibration::of(model)?.measurement
    }

    /// How often different people are called a match.
    #[must_use]
    pub const fn false_match_rate(&self) -> Rate {
        Rate { count: self.at_match.false_matches, pairs: self.different_pairs }
    }

    /// How often different people are called at least a possible match.
    #[must_use]
    pub const fn false_possible_rate(&self) -> Rate {
        Rate { count: self.at_possible.false_matches, pairs: self.different_pairs }
    }

    /// How often two pictures of one person are not called a match.
    #[must_use]
    pub const fn missed_match_rate(&self) -> Rate {
        Rate { count: self.at_match.missed, pairs: self.same_pairs }
    }

    /// How often two pictures of one person are not even called a possible match.
    #[must_use]
    pub const fn missed_possible_rate(&self) -> Rate {
        Rate { count: self.at_possible.missed, pairs: self.same_pairs }
    }

    /// Whether there are too few pairs or people to rely on the false-match rates.
    #[must_use]
    pub const fn provisional(&self) -> bool {
        self.different_pairs.get() < DIFFERENT_PAIRS_MIN || self.people < PEOPLE_MIN
    }
}

impl Thresholds {
    /// The thresholds of a model, or none if the model is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Calibration::of(model).map(|row| row.thresholds)
    }

    /// The same with the caller's own largest distance of a match, which is at most `possible_max`.
    #[must_use]
    pub fn with_match_max(self, match_max: f32) -> Self {
        Self { match_max: match_max.min(self.possible_max), ..self }
    }

    /// What the L2 distance `distance` means.
    #[must_use]
    pub fn verdict(self, distance: f32) -> Verdict {
        if distance <= self.match_max {
            Verdict::Match
        } else if distance <= self.possible_max {
            Verdict::Possible
        } else {
            Verdict::None
        }
    }

    /// A distance as it is told: in hundredths, which suffice for people. More digits would help
    /// to find out the embedding by many searches. What is told has the same verdict as `distance`
    /// itself, as long as the thresholds are hundredths.
    #[must_use]
    pub fn told(self, distance: f32) -> f32 {
        let nearest = hundredths(distance);
        let around = [nearest, hundredths(nearest - 0.01), hundredths(nearest + 0.01)];
        let same = |told: &f32| self.verdict(*told) == self.verdict(distance);
        around.into_iter().find(same).unwrap_or(nearest)
    }
}

/// The nearest whole number of hundredths.
#[must_use]
pub fn hundredths(number: f32) -> f32 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_nearer_verdict() {
        let thresholds = Thresholds { match_max: 0.5, possible_max: 0.75 };
        let says = |distance| thresholds.verdict(distance).as_str();
        assert_eq!(says(0.0), "match");
        assert_eq!(says(0.5), "match");
        assert_eq!(says(0.5001), "possible");
        assert_eq!(says(0.75), "possible");
        assert_eq!(says(0.7501), "none");
        assert_eq!(says(f32::NAN), "none");
    }

    #[test]
    fn callers_choose_their_own_limit() {
        let thresholds = Thresholds { match_max: 0.5, possible_max: 0.75 };
        assert_eq!(thresholds.with_match_max(0.25).verdict(0.3), Verdict::Possible);
        assert_eq!(thresholds.with_match_max(1.5).verdict(0.75), Verdict::Match);
        assert_eq!(thresholds.with_match_max(1.5).verdict(0.76), Verdict::None);
    }

    #[test]
    fn distances_are_told_in_hundredths_on_their_side_of_a_threshold() {
        let thresholds = Thresholds { match_max: 0.85, possible_max: 1.05 };
        for (distance, told) in [
            (0.0, "0"),
            (0.123_4, "0.12"),
            (0.849_9, "0.85"),
            (0.85, "0.85"),
            (0.850_1, "0.86"),
            (1.046, "1.05"),
            (1.050_1, "1.06"),
            (2.0, "2"),
        ] {
            assert_eq!(thresholds.told(distance).to_string(), told, "{distance}");
        }
        assert_eq!(thresholds.with_match_max(0.0).told(0.001).to_string(), "0.01");
        for step in 0..=20_000_u16 {
            let distance = f32::from(step) / 10_000.0;
            let told = thresholds.told(distance);
            assert_eq!(thresholds.verdict(told), thresholds.verdict(distance), "{distance}");
            assert!((told - distance).abs() < 0.010_01, "{distance}: {told}");
        }
    }

    #[test]
    fn every_row_is_consistent() {
        for (model, row) in TABLE {
            let Thresholds { match_max, possible_max } = row.thresholds;
            assert_eq!(
                (match_max, possible_max),
                (hundredths(match_max), hundredths(possible_max))
            );
            assert!(0.0 < match_max && match_max <= possible_max && possible_max < 2.0);
            assert_eq!(Thresholds::of(model), Some(row.thresholds));
            assert_eq!(Measurement::of(model), row.measurement);
        }
        assert_eq!(Calibration::of("unknown"), None);
    }

    #[test]
    fn every_measurement_is_consistent() {
        let measured: Vec<_> = TABLE.iter().filter_map(|(_, row)| row.measurement).collect();
        assert!(!measured.is_empty());
        for it in measured {
            assert!(it.at_match.false_matches <= it.at_possible.false_matches);
            assert!(it.at_possible.false_matches <= it.different_pairs.get());
            assert!(it.at_possible.missed <= it.at_match.missed);
            assert!(it.at_match.missed <= it.same_pairs.get());
            assert!(2 <= it.people && it.people < it.pictures);
            // Every picture is compared with every other.
            let all = u64::from(it.pictures) * u64::from(it.pictures - 1) / 2;
            assert_eq!(u64::from(it.same_pairs.get()) + u64::from(it.different_pairs.get()), all);
            assert!(it.false_match_rate().measured() <= MATCH_FALSE_MATCH_RATE);
            assert!(it.false_possible_rate().measured() <= POSSIBLE_FALSE_MATCH_RATE);
        }
    }

    #[test]
    fn a_measurement_is_provisional_without_enough_people_and_pairs() {
        let enough = Measurement {
            people: PEOPLE_MIN,
            pictures: 300,
            same_pairs: pairs(500),
            different_pairs: pairs(DIFFERENT_PAIRS_MIN),
            at_match: Counts { false_matches: 0, missed: 0 },
            at_possible: Counts { false_matches: 0, missed: 0 },
        };
        assert!(!enough.provisional());
        assert!(Measurement { people: PEOPLE_MIN - 1, ..enough }.provisional());
        let few = pairs(DIFFERENT_PAIRS_MIN - 1);
        assert!(Measurement { different_pairs: few, ..enough }.provisional());
    }

    #[test]
    fn rates_say_how_large_they_may_be() {
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
    fn galleries_multiply_the_risk() {
        let close = |rate, faces, expected: f64| {
            assert!((false_match_rate_in_gallery(rate, faces) - expected).abs() < 5e-4);
        };
        close(1e-3, 100, 0.0952);
        close(1e-3, 1_000, 0.6323);
        close(1e-4, 100, 0.00995);
        close(1e-4, 1_000, 0.0952);
        close(0.0, 1_000, 0.0);
        close(1.0, 3, 1.0);
    }
}
