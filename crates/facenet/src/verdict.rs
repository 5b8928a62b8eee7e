//! When two embeddings are the same person: the one table of thresholds, and what is known about
//! each of them.

/// What a distance between two faces means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same person, as far as the model can tell.
    Match,
    /// Perhaps the same person: someone has to look.
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

/// False-match rates that the thresholds are chosen for. A search compares with every face of a
/// gallery, so these are far below the rates that suit comparing two pictures.
pub const MATCH_FALSE_MATCH_RATE: f64 = 1e-4;

/// As [`MATCH_FALSE_MATCH_RATE`], for a possible match: someone looks at it.
pub const POSSIBLE_FALSE_MATCH_RATE: f64 = 1e-3;

/// Pairs of different people that a rate needs behind it: with three times its inverse, seeing
/// none at all would mean that it is not exceeded (95 % confidence, the rule of three).
pub const DIFFERENT_PAIRS_MIN: u32 = (3.0 / MATCH_FALSE_MATCH_RATE) as u32;

/// People that a rate needs behind it. Pairs of the same few people are not independent: one
/// look-alike among them makes many close pairs, or none.
pub const PEOPLE_MIN: u32 = 100;

/// What was counted at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Pairs of different people that are not further apart.
    pub false_matches: u32,
    /// Pairs of one person that are further apart.
    pub missed: u32,
}

/// The thresholds of a model and the measurement behind them. `cargo xtask calibrate` computes
/// one from photographs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// What is served.
    pub thresholds: Thresholds,
    /// People that were measured.
    pub people: u32,
    /// Photographs of them, each with one face that counts.
    pub pictures: u32,
    /// Pairs of photographs of one person.
    pub same_pairs: u32,
    /// Pairs of photographs of different people.
    pub different_pairs: u32,
    /// At [`Thresholds::match_max`].
    pub at_match: Counts,
    /// At [`Thresholds::possible_max`].
    pub at_possible: Counts,
}

/// A share of pairs, with how large it may be in truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Pairs that were counted.
    pub count: u32,
    /// Pairs among which they were counted.
    pub pairs: u32,
}

impl Rate {
    /// The share as it was measured, 0 when nothing was.
    #[must_use]
    pub fn measured(self) -> f64 {
        if self.pairs == 0 { 0.0 } else { f64::from(self.count) / f64::from(self.pairs) }
    }

    /// The upper end of Wilson's 95 % interval: what the share may be although less was measured,
    /// above zero also when nothing was counted. It takes the pairs for independent, which those
    /// of few people are not.
    #[must_use]
    pub fn upper(self) -> f64 {
        const Z: f64 = 1.96;
        if self.pairs == 0 {
            return 1.0;
        }
        let (n, p) = (f64::from(self.pairs), self.measured());
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((p + Z * Z / (2.0 * n) + spread) / (1.0 + Z * Z / n)).min(1.0)
    }
}

/// How likely a stranger is named as somebody in a gallery of `faces` faces, when each comparison
/// goes wrong with the probability `false_match_rate`: 1-(1-rate)^faces.
#[must_use]
pub fn false_match_rate_in_gallery(false_match_rate: f64, faces: u32) -> f64 {
    // Written so that rates near zero keep their digits.
    -(f64::from(faces) * (-false_match_rate).ln_1p()).exp_m1()
}

/// Thresholds by model, each valid for the [pipeline](crate::PIPELINE) of this library only.
///
/// `casia-webface` was measured as `evaluation/README.md` says. These photographs alone would allow
/// a match up to 0.95 for [`MATCH_FALSE_MATCH_RATE`]; but an earlier measurement of 172 photographs
/// of 89 people, which decided for 0.85, had strangers 0.88, 0.915 and 0.923 apart among 13,936
/// pairs. It stays at the lower one until more people are measured.
///
/// Of `vggface2` nothing was measured here. By published figures for this checkpoint, the nearest
/// strangers in facenet-pytorch's tests and example are 0.886 and 0.78 apart, `PhotoPrism` settled
/// at 0.82 after long tuning, and the false matches that users of `CompreFace` report lie between
/// 0.75 and 0.95: a match is nearer than all of these.
const TABLE: &[(&str, Calibration)] = &[
    (
        "casia-webface",
        Calibration {
            thresholds: Thresholds { match_max: 0.85, possible_max: 1.05 },
            people: 37,
            pictures: 317,
            same_pairs: 2_660,
            different_pairs: 47_426,
            at_match: Counts { false_matches: 0, missed: 1_679 },
            at_possible: Counts { false_matches: 44, missed: 463 },
        },
    ),
    (
        "vggface2",
        Calibration {
            thresholds: Thresholds { match_max: 0.75, possible_max: 0.95 },
            people: 0,
            pictures: 0,
            same_pairs: 0,
            different_pairs: 0,
            at_match: Counts { false_matches: 0, missed: 0 },
            at_possible: Counts { false_matches: 0, missed: 0 },
        },
    ),
];

impl Calibration {
    /// The row of a model, or none if it is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        TABLE.iter().find(|(name, _)| *name == model).map(|(_, row)| *row)
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

    /// Whether too little was measured to rely on the false-match rates.
    #[must_use]
    pub const fn provisional(&self) -> bool {
        self.different_pairs < DIFFERENT_PAIRS_MIN || self.people < PEOPLE_MIN
    }
}

impl Thresholds {
    /// The thresholds of a model, or none if it is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Calibration::of(model).map(|row| row.thresholds)
    }

    /// The same with the caller's own limit for a match.
    #[must_use]
    pub fn with_match_max(self, match_max: f32) -> Self {
        Self { match_max, possible_max: self.possible_max.max(match_max) }
    }

    /// What `distance` means.
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
        assert_eq!(thresholds.with_match_max(1.5).verdict(1.4), Verdict::Match);
        assert_eq!(thresholds.with_match_max(1.5).verdict(1.6), Verdict::None);
    }

    #[test]
    fn every_row_is_consistent() {
        for (model, row) in TABLE {
            let Thresholds { match_max, possible_max } = row.thresholds;
            assert!(0.0 < match_max && match_max <= possible_max && possible_max < 2.0);
            assert!(row.at_match.false_matches <= row.at_possible.false_matches);
            assert!(row.at_possible.missed <= row.at_match.missed);
            assert!(row.at_match.missed <= row.same_pairs);
            assert!(row.people <= row.pictures);
            // All pairs of the pictures, but for those that were left out.
            let all = u64::from(row.pictures) * u64::from(row.pictures.saturating_sub(1)) / 2;
            assert!(u64::from(row.same_pairs) + u64::from(row.different_pairs) <= all);
            assert!(row.false_match_rate().measured() <= MATCH_FALSE_MATCH_RATE);
            assert_eq!(Thresholds::of(model), Some(row.thresholds));
        }
        assert_eq!(Calibration::of("unknown"), None);
    }

    #[test]
    fn rates_say_how_large_they_may_be() {
        let none = Rate { count: 0, pairs: 30_000 };
        assert!(none.measured().abs() < 1e-12);
        // Wilson's bound for no counts is z^2 / (n + z^2).
        assert!((none.upper() - 3.8416 / 30_003.841_6).abs() < 1e-9);
        // 10 of 100: 0.1 and up to 0.1744, as in the textbooks.
        let some = Rate { count: 10, pairs: 100 };
        assert!((some.upper() - 0.1744).abs() < 1e-4);
        assert!((Rate { count: 0, pairs: 0 }.upper() - 1.0).abs() < 1e-12);
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
