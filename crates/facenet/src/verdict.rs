//! When two embeddings show the same person: the one table of thresholds, and the measurement
//! behind each of them. The crate `evaluation` measures; its README has the results.

mod measured;
mod strangers;

pub use measured::{Group, Measurement, Outcome, Share};
pub use strangers::{Curve, STRANGERS_STEPS, Strangers, rounded_up, strangers_distance};

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

/// What [`Thresholds::match_max`] aims at: the largest share of strangers who get a name, in a
/// gallery of [`AIM_PEOPLE`] people with [`AIM_PICTURES`] pictures each.
pub const AIM_MATCH: f64 = 0.01;

/// As [`AIM_MATCH`], for [`Thresholds::possible_max`]. It is higher, because somebody looks at a
/// possible match.
pub const AIM_POSSIBLE: f64 = 0.1;

/// People in the gallery of the aim.
pub const AIM_PEOPLE: usize = 20;

/// Pictures of each of them.
pub const AIM_PICTURES: usize = 3;

/// The largest distance of two embeddings of the same photograph, which was only encoded again,
/// resized, brightened or cut out a little differently. Such copies were measured up to 0.14 apart,
/// and two photographs of one person from 0.67; `tests/it/copies.rs` measures both again.
pub const SAME_PICTURE_MAX: f32 = 0.2;

/// Two people are about equally near when their distances differ by no more, as they are told. Of
/// enrolled people whose own name comes first as a match, at most 0.2 % in any group have another
/// one so near behind it.
pub const AMBIGUOUS_MAX: f32 = 0.05;

/// Whether two distances that are told are about equal.
#[must_use]
pub fn are_about_equal(nearest: f32, second: f32) -> bool {
    hundredths(second - nearest) <= AMBIGUOUS_MAX
}

/// How many of the faces nearest to a search make its company, without those of the nearest person.
/// They are so few that the index returns them with their embeddings in one call.
pub const COMPANY_FACES: usize = 20;

/// The fewest faces that make a company. With fewer, a single relative would change the thresholds.
const COMPANY_FACES_MIN: usize = 4;

/// How similar a search is to its company where people do not look alike to the model: the mean
/// cosine, in galleries of 20 people with three pictures each. The groups that
/// `tools/evaluation/collections.toml` lists have medians of 0.12 to 0.25, but for the ten women of
/// one origin, who have 0.45.
const COMPANY_USUAL: f32 = 0.25;

/// How much nearer a face has to be for each unit of similarity beyond that, in squared L2
/// distance. With it, the thresholds at which one stranger in a hundred gets a name lie together
/// for all groups, at 0.90 to 0.95; without it, they are 0.70 for one group and 0.95 for another.
const COMPANY_WEIGHT: f32 = 1.8;

/// More than this changes nothing further. One search in five of the ten women has more, and their
/// limits are near enough by this; and nobody can hide a person among many who look like it.
const COMPANY_MAX: f32 = 0.5;

/// A face near a search.
#[derive(Clone, Copy, Debug)]
pub struct Near<'a, P> {
    /// Who it is.
    pub person: P,
    /// The L2 distance from the search.
    pub distance: f32,
    /// Its embedding.
    pub embedding: &'a [f32],
}

/// How similar a search is to the rest of the gallery: the mean cosine of the faces that are not of
/// the nearest person. `faces` are the nearest of the gallery, nearest first, of which
/// [`COMPANY_FACES`] count. Copies of a picture count once, and those of the nearest person's not
/// at all: they say nothing of the gallery. Nothing when there are too few faces to say it.
#[must_use]
pub fn company<P: PartialEq>(faces: &[Near<'_, P>]) -> Option<f32> {
    let faces = faces.get(..COMPANY_FACES).unwrap_or(faces);
    let nearest = faces.first()?;
    let (mut seen, others): (Vec<_>, Vec<_>) =
        faces.iter().partition(|face| face.person == nearest.person);
    let (mut sum, mut count) = (0.0, 0_usize);
    for face in others {
        if seen.iter().all(|known| !are_copies(known.embedding, face.embedding)) {
            sum += 1.0 - face.distance * face.distance / 2.0;
            count += 1;
            seen.push(face);
        }
    }
    (count >= COMPANY_FACES_MIN).then(|| sum / count as f32)
}

/// Whether two embeddings are as near as those of one photograph.
fn are_copies(one: &[f32], other: &[f32]) -> bool {
    let square: f32 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
    square <= SAME_PICTURE_MAX * SAME_PICTURE_MAX
}

/// What is added to a squared distance in this company.
fn crowding(company: Option<f32>) -> f32 {
    let beyond_usual = |company: f32| company.min(COMPANY_MAX) - COMPANY_USUAL;
    COMPANY_WEIGHT * company.map_or(0.0, beyond_usual).max(0.0)
}

/// A distance as the verdict counts it in this company: larger where the company is similar to the
/// search, because strangers are nearer there. [`Thresholds::in_company`] changes the thresholds
/// instead, with the same verdict.
#[must_use]
pub fn in_company(distance: f32, company: Option<f32>) -> f32 {
    let more = crowding(company);
    // Without more it is the same number, to the last digit.
    if more > 0.0 { (distance * distance + more).sqrt() } else { distance }
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

/// The probability that a stranger gets a name in a gallery of `faces` faces, when each comparison
/// is wrong with the probability `false_match_rate`: `1 - (1 - rate)^faces`.
#[must_use]
pub fn false_match_rate_in_gallery(false_match_rate: f64, faces: u32) -> f64 {
    // This form keeps the digits of rates near zero.
    -(f64::from(faces) * (-false_match_rate).ln_1p()).exp_m1()
}

/// Thresholds by model, each valid for the [pipeline](crate::PIPELINE) of this library only.
///
/// `casia-webface`: `cargo xtask calibrate` computes the row from the collections that
/// `tools/evaluation/collections.toml` lists; the README there has the table.
///
/// `vggface2`: nothing was measured here. Published figures for this checkpoint are the source. The
/// nearest strangers in facenet-pytorch's tests and example are 0.886 and 0.78 apart, `PhotoPrism`
/// settled at 0.82 after long tuning, and users of `CompreFace` report false matches between 0.75
/// and 0.95. A match is at most as far apart as the nearest of these.
const TABLE: &[(&str, Calibration)] = &[
    ("casia-webface", measured::CASIA_WEBFACE),
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

impl Thresholds {
    /// The thresholds of a model, or none if the model is not known.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        Calibration::of(model).map(|row| row.thresholds)
    }

    /// The same with the caller's largest distance of a match, but at most `possible_max`.
    #[must_use]
    pub fn with_match_max(self, match_max: f32) -> Self {
        Self { match_max: match_max.min(self.possible_max), ..self }
    }

    /// The same where nothing says in what company the faces are: of two pictures alone, and in a
    /// gallery of fewer people. Then it may be the worst group, and both are where strangers are as
    /// rare there as [`AIM_MATCH`] and [`AIM_POSSIBLE`].
    #[must_use]
    pub fn alone(self, strangers: Option<Strangers>) -> Self {
        let nearer = |limit: f32, aim| {
            strangers.map_or(limit, |strangers| limit.min(strangers.alone_within(aim)))
        };
        Self {
            match_max: nearer(self.match_max, AIM_MATCH),
            possible_max: nearer(self.possible_max, AIM_POSSIBLE),
        }
    }

    /// The same in this company. They are rounded down to hundredths.
    #[must_use]
    pub fn in_company(self, company: Option<f32>) -> Self {
        let less = crowding(company);
        if less <= 0.0 {
            return self;
        }
        let nearer = |limit: f32| ((limit * limit - less).max(0.0).sqrt() * 100.0).floor() / 100.0;
        Self { match_max: nearer(self.match_max), possible_max: nearer(self.possible_max) }
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

    /// A distance as callers are told it: rounded to 0.01. More digits would help to find out the
    /// embedding by many searches. The rounded distance has the same verdict, as long as the
    /// thresholds are multiples of 0.01.
    #[must_use]
    pub fn told(self, distance: f32) -> f32 {
        let nearest = hundredths(distance);
        let around = [nearest, hundredths(nearest - 0.01), hundredths(nearest + 0.01)];
        let same = |told: &f32| self.verdict(*told) == self.verdict(distance);
        around.into_iter().find(same).unwrap_or(nearest)
    }
}

/// The nearest multiple of 0.01.
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
    fn company_that_looks_alike_asks_for_more() {
        let thresholds = Thresholds { match_max: 0.88, possible_max: 0.95 };
        for (company, expected) in [
            (None, (0.88, 0.95)),
            (Some(-0.1), (0.88, 0.95)),
            (Some(0.2), (0.88, 0.95)),
            (Some(0.45), (0.64, 0.73)),
            (Some(0.5), (0.56, 0.67)),
            (Some(0.9), (0.56, 0.67)),
        ] {
            let limits = thresholds.in_company(company);
            assert_eq!((limits.match_max, limits.possible_max), expected, "{company:?}");
            // Changing the distance instead gives the same, without the rounding.
            assert!(in_company(limits.match_max, company) <= 0.88 + 1e-6);
            assert!(in_company(limits.match_max + 0.01, company) > 0.88);
        }
    }

    /// Embeddings with this cosine to the search, and this one to each other if they differ.
    fn faces(cosine: f32, people: &[usize]) -> Vec<(usize, f32, Vec<f32>)> {
        let face = |&person: &usize| {
            let mut embedding = vec![0.0; 16];
            embedding[0] = cosine;
            embedding[1 + person] = (1.0 - cosine * cosine).sqrt();
            (person, (2.0 - 2.0 * cosine).sqrt(), embedding)
        };
        people.iter().map(face).collect()
    }

    fn company_of(faces: &[(usize, f32, Vec<f32>)]) -> Option<f32> {
        let mut near = Vec::new();
        for &(person, distance, ref embedding) in faces {
            near.push(Near { person, distance, embedding });
        }
        company(&near)
    }

    #[test]
    fn the_company_is_other_people() {
        let near = |company: Option<f32>, expected: f32| (company.unwrap() - expected).abs() < 1e-5;
        assert_eq!(company_of(&[]), None);
        // The nearest person does not count, with any of its pictures.
        assert_eq!(company_of(&faces(0.3, &[0, 1, 2, 3])), None);
        let own = faces(0.9, &[0, 0]);
        assert!(near(company_of(&[own, faces(0.3, &[1, 2, 3, 4])].concat()), 0.3));
        // Only the nearest faces do.
        let many: Vec<usize> = (1..15).collect();
        let all = [faces(0.9, &[0; 6]), faces(0.3, &many), faces(0.1, &many)].concat();
        assert!(near(company_of(&all), 0.3));
    }

    #[test]
    fn copies_of_a_face_hide_nobody() {
        // Of the nearest face, and of others: each counts once.
        let mut copies = faces(0.75, &[0; 12]);
        for (person, copy) in copies.iter_mut().enumerate() {
            copy.0 = 100 + person;
        }
        assert_eq!(company_of(&copies), None);
        let others = faces(0.2, &[1, 2, 3, 4]);
        let company = company_of(&[copies, others].concat()).unwrap();
        assert!((company - 0.2).abs() < 1e-5, "{company}");
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
