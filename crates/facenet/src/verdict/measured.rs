//! What was measured: how often a verdict is wrong for each group of people, and how often two
//! strangers are as near as a distance. `cargo xtask calibrate` prints the row of a model.

use super::strangers::Strangers;
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

/// What was measured on photographs of known people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The groups, each measured by itself.
    pub groups: &'static [Group],
    /// How rarely strangers are near.
    pub strangers: Strangers,
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

    /// The worst of all groups at the threshold of a match: for each share the largest as it was
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
    thresholds: Thresholds { match_max: 0.88, possible_max: 0.96 },
    measurement: Some(Measurement {
        groups: &[
            Group {
                name: "caltech",
                people: 16,
                pictures: 169,
                set_aside: true,
                gallery: [8, 3],
                at_match: outcome(share(0.0000, 0.1707), Some(share(0.0000, 0.2058))),
                at_possible: outcome(share(0.0205, 0.0573), Some(share(0.0000, 0.2058))),
            },
            Group {
                name: "canada",
                people: 40,
                pictures: 40,
                set_aside: false,
                gallery: [20, 1],
                at_match: outcome(share(0.0000, 0.0722), None),
                at_possible: outcome(share(0.0254, 0.0641), None),
            },
            Group {
                name: "faces94",
                people: 18,
                pictures: 292,
                set_aside: true,
                gallery: [9, 3],
                at_match: outcome(share(0.0000, 0.1533), Some(share(0.0000, 0.1533))),
                at_possible: outcome(share(0.0217, 0.0446), Some(share(0.0000, 0.1533))),
            },
            Group {
                name: "imm",
                people: 40,
                pictures: 240,
                set_aside: false,
                gallery: [20, 3],
                at_match: outcome(share(0.0012, 0.0035), Some(share(0.0001, 0.0002))),
                at_possible: outcome(share(0.0264, 0.0591), Some(share(0.0000, 0.0722))),
            },
            Group {
                name: "jaffe",
                people: 10,
                pictures: 213,
                set_aside: false,
                gallery: [5, 3],
                at_match: outcome(share(0.0039, 0.0079), Some(share(0.1124, 0.1901))),
                at_possible: outcome(share(0.0477, 0.0885), Some(share(0.0290, 0.0542))),
            },
            Group {
                name: "lfw",
                people: 192,
                pictures: 669,
                set_aside: false,
                gallery: [20, 3],
                at_match: outcome(share(0.0025, 0.0045), Some(share(0.1242, 0.1767))),
                at_possible: outcome(share(0.0171, 0.0228), Some(share(0.0464, 0.0806))),
            },
            Group {
                name: "london",
                people: 102,
                pictures: 204,
                set_aside: false,
                gallery: [20, 2],
                at_match: outcome(share(0.0044, 0.0107), None),
                at_possible: outcome(share(0.0231, 0.0407), None),
            },
            Group {
                name: "three-d-sk",
                people: 100,
                pictures: 100,
                set_aside: false,
                gallery: [20, 1],
                at_match: outcome(share(0.0039, 0.0098), None),
                at_possible: outcome(share(0.0401, 0.0538), None),
            },
        ],
        strangers: Strangers {
            alone: [
                0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001,
                0.0001, 0.0001, 0.0001, 0.0001, 0.00046, 0.00075, 0.00098, 0.0012, 0.0016, 0.0024,
                0.0027, 0.0028, 0.0034, 0.0048, 0.0054, 0.0068, 0.0085, 0.0099, 0.014, 0.016,
                0.023, 0.029, 0.038, 0.048, 0.06, 0.076, 0.093, 0.11, 0.14, 0.17, 0.2, 0.23, 0.26,
                0.31, 0.36, 0.41, 0.45, 0.49, 0.53, 0.59, 0.64, 0.68, 0.72, 0.75, 0.78, 0.82, 0.85,
                0.87, 0.89, 0.91, 0.93, 0.94, 0.95, 0.97, 0.98, 0.98, 0.99, 1.0, 1.0, 1.0, 1.0,
            ],
            in_company: [
                0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001,
                0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001, 0.0001,
                0.0001, 0.0001, 0.0001, 0.00012, 0.00021, 0.00021, 0.00021, 0.00021, 0.00024,
                0.00024, 0.00025, 0.00031, 0.00062, 0.00062, 0.00062, 0.00077, 0.0012, 0.0016,
                0.0031, 0.0036, 0.0054, 0.0078, 0.011, 0.015, 0.018, 0.023, 0.03, 0.037, 0.047,
                0.056, 0.067, 0.077, 0.088, 0.099, 0.11, 0.13, 0.15, 0.17, 0.2, 0.24, 0.26, 0.32,
                0.38, 0.45, 0.52, 0.58, 0.65, 0.7, 0.75, 0.79, 0.83,
            ],
        },
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
}
