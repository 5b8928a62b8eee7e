//! What was measured: how often a verdict is wrong for each group of people, and how often two
//! strangers are as near as a distance. `cargo xtask calibrate` prints the row of a model.

use super::{Calibration, Thresholds};

/// A share of searches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// As it was measured, 0 to 1.
    pub measured: f64,
    /// The upper end of the interval in which it is for 95 of 100 draws of the group's people.
    pub at_most: f64,
}

/// What a threshold does in a gallery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Strangers who get somebody's name.
    pub false_positives: Share,
    /// Enrolled people whose own name does not come first. None where nobody has a picture that is
    /// not enrolled.
    pub not_found: Option<Share>,
}

/// What was measured on a group of people, in galleries of [`AIM_PEOPLE`](super::AIM_PEOPLE) people
/// with [`AIM_PICTURES`](super::AIM_PICTURES) pictures each, or as many as the group has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    /// Its name in `tools/evaluation/collections.toml`.
    pub name: &'static str,
    /// Its people.
    pub people: u32,
    /// Its photographs.
    pub pictures: u32,
    /// Whether it had no part in choosing the thresholds.
    pub set_aside: bool,
    /// People and pictures of each in its galleries.
    pub gallery: [u32; 2],
    /// At [`Thresholds::match_max`].
    pub at_match: Outcome,
    /// At [`Thresholds::possible_max`].
    pub at_possible: Outcome,
}

/// The steps of the curve of strangers after the first.
pub const STRANGERS_STEPS: usize = 30;

/// The distance of a step of the curve of strangers: from 0.5 in fiftieths.
#[must_use]
pub fn strangers_distance(step: usize) -> f32 {
    (25 + step) as f32 / 50.0
}

/// What was measured on photographs of known people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The groups, each measured by itself.
    pub groups: &'static [Group],
    /// For each [`strangers_distance`], at most how often two pictures of two people are as near:
    /// the upper end of the 95 % interval of the worst group that chose the thresholds. It never
    /// falls.
    strangers: [f64; STRANGERS_STEPS + 1],
    /// The same of the groups of both sexes or of several origins.
    strangers_in_mixed_groups: [f64; STRANGERS_STEPS + 1],
}

impl Measurement {
    /// The measurement behind a model's thresholds, or none if the model is not known or nothing
    /// was measured with it.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Calibration::of(model)?.measurement
    }

    /// How many people were measured.
    #[must_use]
    pub fn people(&self) -> u32 {
        self.groups.iter().map(|group| group.people).sum()
    }

    /// How many photographs were measured.
    #[must_use]
    pub fn pictures(&self) -> u32 {
        self.groups.iter().map(|group| group.pictures).sum()
    }

    /// At most how often two pictures of different people are as near as `distance`, in the worst
    /// group: people of one sex and one origin before one camera. It never falls as the distance
    /// grows.
    #[must_use]
    pub fn false_match_rate_at_most(&self, distance: f32) -> f64 {
        at(&self.strangers, distance)
    }

    /// The same in the worst of the groups of both sexes or of several origins.
    #[must_use]
    pub fn false_match_rate_in_mixed_groups_at_most(&self, distance: f32) -> f64 {
        at(&self.strangers_in_mixed_groups, distance)
    }

    /// The worst of all groups at the threshold of a match: each share is the largest that was
    /// measured, with its own upper end.
    #[must_use]
    pub fn worst_match(&self) -> Outcome {
        worst(self.groups.iter().map(|group| group.at_match))
    }

    /// As [`Measurement::worst_match`], for a possible match.
    #[must_use]
    pub fn worst_possible(&self) -> Outcome {
        worst(self.groups.iter().map(|group| group.at_possible))
    }
}

/// The rate at the first step that is not nearer. Beyond the curve it is 1: everybody may be as
/// near.
fn at(curve: &[f64], distance: f32) -> f64 {
    let step = (0..curve.len()).find(|&step| distance <= strangers_distance(step));
    step.and_then(|step| curve.get(step)).copied().unwrap_or(1.0)
}

fn worst(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let none = Outcome { false_positives: Share { measured: 0.0, at_most: 0.0 }, not_found: None };
    let larger = |a: Share, b: Share| if b.measured > a.measured { b } else { a };
    outcomes.fold(none, |worst, it| Outcome {
        false_positives: larger(worst.false_positives, it.false_positives),
        not_found: match (worst.not_found, it.not_found) {
            (Some(a), Some(b)) => Some(larger(a, b)),
            (a, b) => a.or(b),
        },
    })
}

/// The row of `casia-webface`.
pub(super) const CASIA_WEBFACE: Calibration = Calibration {
    thresholds: Thresholds { match_max: 0.87, possible_max: 0.94 },
    measurement: Some(Measurement {
        groups: &[
            Group {
                name: "caltech",
                people: 16,
                pictures: 169,
                set_aside: true,
                gallery: [8, 3],
                at_match: outcome(share(0.0000, 0.1707), Some(share(0.0000, 0.2058))),
                at_possible: outcome(share(0.0000, 0.1707), Some(share(0.0000, 0.2058))),
            },
            Group {
                name: "canada",
                people: 40,
                pictures: 40,
                set_aside: false,
                gallery: [20, 1],
                at_match: outcome(share(0.0000, 0.0722), None),
                at_possible: outcome(share(0.0267, 0.0721), None),
            },
            Group {
                name: "faces94",
                people: 18,
                pictures: 277,
                set_aside: true,
                gallery: [9, 3],
                at_match: outcome(share(0.0000, 0.1533), Some(share(0.0011, 0.0034))),
                at_possible: outcome(share(0.0139, 0.0357), Some(share(0.0000, 0.1533))),
            },
            Group {
                name: "imm",
                people: 40,
                pictures: 240,
                set_aside: false,
                gallery: [20, 3],
                at_match: outcome(share(0.0000, 0.0722), Some(share(0.0000, 0.0722))),
                at_possible: outcome(share(0.0165, 0.0374), Some(share(0.0000, 0.0722))),
            },
            Group {
                name: "jaffe",
                people: 10,
                pictures: 213,
                set_aside: false,
                gallery: [5, 3],
                at_match: outcome(share(0.0050, 0.0082), Some(share(0.0690, 0.1224))),
                at_possible: outcome(share(0.0500, 0.0917), Some(share(0.0210, 0.0401))),
            },
            Group {
                name: "lfw",
                people: 192,
                pictures: 661,
                set_aside: false,
                gallery: [20, 3],
                at_match: outcome(share(0.0022, 0.0037), Some(share(0.1288, 0.1827))),
                at_possible: outcome(share(0.0129, 0.0179), Some(share(0.0693, 0.1089))),
            },
            Group {
                name: "london",
                people: 102,
                pictures: 204,
                set_aside: false,
                gallery: [20, 2],
                at_match: outcome(share(0.0069, 0.0161), None),
                at_possible: outcome(share(0.0145, 0.0284), None),
            },
            Group {
                name: "three-d-sk",
                people: 100,
                pictures: 100,
                set_aside: false,
                gallery: [20, 1],
                at_match: outcome(share(0.0000, 0.0295), None),
                at_possible: outcome(share(0.0293, 0.0437), None),
            },
        ],
        strangers: [
            0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00023,
            0.00036, 0.0011, 0.0014, 0.0028, 0.0050, 0.0087, 0.021, 0.035, 0.060, 0.088, 0.13,
            0.18, 0.25, 0.32, 0.42, 0.53, 0.63, 0.71, 0.78, 0.84, 0.88, 0.92,
        ],
        strangers_in_mixed_groups: [
            0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010,
            0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00010, 0.00012, 0.00021, 0.00030,
            0.0014, 0.0024, 0.0024, 0.0028, 0.0079, 0.011, 0.011, 0.019, 0.024, 0.028, 0.032,
            0.043, 0.058,
        ],
    }),
};

/// A share as the table above writes it.
const fn share(measured: f64, at_most: f64) -> Share {
    Share { measured, at_most }
}

const fn outcome(false_positives: Share, not_found: Option<Share>) -> Outcome {
    Outcome { false_positives, not_found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_consistent() {
        let measured = Measurement::of("casia-webface").unwrap();
        assert!(measured.people() >= 150 && measured.groups.len() >= 5);
        assert!(measured.groups.iter().any(|group| group.set_aside));
        for group in measured.groups {
            let [people, pictures] = group.gallery;
            assert!(2 <= people && people < group.people, "{group:?}");
            assert!((1..=3).contains(&pictures) && group.people <= group.pictures, "{group:?}");
            let (near, far) = (group.at_match, group.at_possible);
            assert!(near.false_positives.measured <= far.false_positives.measured, "{group:?}");
            for outcome in [near, far] {
                for share in [Some(outcome.false_positives), outcome.not_found] {
                    let Some(Share { measured, at_most }) = share else { continue };
                    assert!(0.0 <= measured && measured <= at_most && at_most <= 1.0);
                }
            }
        }
    }

    /// The aim holds in every group that chose. In the others it is only measured.
    #[test]
    fn the_thresholds_keep_to_their_aim() {
        let measured = Measurement::of("casia-webface").unwrap();
        for group in measured.groups.iter().filter(|group| !group.set_aside) {
            let [near, far] =
                [group.at_match, group.at_possible].map(|outcome| outcome.false_positives.measured);
            assert!(near <= super::super::AIM_MATCH, "{group:?}");
            assert!(far <= super::super::AIM_POSSIBLE, "{group:?}");
        }
    }

    #[test]
    fn strangers_are_the_rarer_the_nearer() {
        let measured = Measurement::of("casia-webface").unwrap();
        assert!(measured.strangers.is_sorted() && measured.strangers_in_mixed_groups.is_sorted());
        for step in 0..=STRANGERS_STEPS {
            let distance = strangers_distance(step);
            let mixed = measured.false_match_rate_in_mixed_groups_at_most(distance);
            assert!(mixed <= measured.false_match_rate_at_most(distance), "{distance}");
        }
        let rate = |distance| measured.false_match_rate_at_most(distance);
        assert!(rate(0.0) >= 1e-4 && (rate(0.0) - rate(0.5)).abs() < 1e-12);
        assert!(rate(0.7) <= rate(0.71) && rate(0.71) <= rate(0.9));
        // Beyond the curve everybody may be as near.
        for distance in [1.2, 2.0, f32::NAN] {
            assert!((rate(distance) - 1.0).abs() < 1e-12);
        }
    }
}
