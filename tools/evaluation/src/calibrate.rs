//! Thresholds from an aim, and what they do to each group of people.
//!
//! The aim bounds how often a stranger gets a name in a gallery of 20 people with three pictures
//! each. The thresholds are the largest at which all groups that choose stay within the aim, even
//! the worst. Groups that are set aside choose nothing.

use facenet::verdict::{
    AIM_MATCH, AIM_PEOPLE, AIM_PICTURES, AIM_POSSIBLE, Curve, Outcome, STRANGERS_STEPS, Share,
    Strangers, Thresholds, hundredths, rounded_up,
};

use crate::groups::Group;
use crate::identify::{Gallery, Identification};
use crate::strangers::{Comparisons, Estimate};

/// How many pictures of a person are enrolled in the table.
const PICTURES: [usize; 3] = [1, AIM_PICTURES, 5];

/// The thresholds are lower by this than the groups allow. Each group is a sample, and the people
/// of another one may look a little more alike to the model.
const CAUTION: f32 = 0.02;

/// The curve says no less than this. A crop that shows no face brings any two people together, and
/// how often that happens in photographs of another kind is not known.
pub const STRANGERS_MIN: f64 = 1e-4;

/// What was measured on a group.
pub struct Measured {
    /// The group.
    pub name: String,
    /// Its people with a usable photograph.
    pub people: usize,
    /// Its usable photographs.
    pub pictures: usize,
    /// Photographs that could not be used.
    pub skipped: usize,
    /// Whether it has no part in choosing thresholds.
    pub set_aside: bool,
    /// Galleries with one, three and five pictures a person, where people have so many.
    pub galleries: Vec<Identification>,
    /// How often a stranger is as near, at each step of the curve, of two faces alone.
    pub alone: Vec<Estimate>,
    /// The same in each of the galleries, by the distance as its verdict counts it.
    pub in_company: Vec<Vec<Estimate>>,
}

impl Measured {
    /// Measures a group.
    #[must_use]
    pub fn of(group: &Group) -> Self {
        let able = group.enrolled(5);
        let galleries: Vec<Identification> = PICTURES
            .into_iter()
            .map(|pictures| pictures.min(able))
            .filter_map(|pictures| {
                Identification::of(&group.pictures, Gallery { people: AIM_PEOPLE, pictures })
            })
            .collect();
        Self {
            name: group.name.clone(),
            people: group.people(),
            pictures: group.pictures.len(),
            skipped: group.skipped,
            set_aside: group.set_aside(),
            in_company: galleries.iter().map(|it| it.strangers.curve()).collect(),
            galleries,
            alone: Comparisons::all(&group.pictures).curve(),
        }
    }

    /// The gallery of the aim, or the one that is nearest to it.
    #[must_use]
    pub fn aim(&self) -> Option<&Identification> {
        self.galleries.get(self.aim_at()?)
    }

    /// How often a stranger is as near there.
    #[must_use]
    pub fn strangers_in_aim(&self) -> Option<&[Estimate]> {
        self.in_company.get(self.aim_at()?).map(Vec::as_slice)
    }

    fn aim_at(&self) -> Option<usize> {
        self.galleries.iter().rposition(|it| it.gallery.pictures <= AIM_PICTURES)
    }

    /// What a threshold does to the gallery of the aim.
    #[must_use]
    pub fn outcome(&self, threshold: f32) -> Option<Outcome> {
        // Rounded as in the source, so that all tables say the same.
        let rounded = |share: f64| (share * 10_000.0).round() / 10_000.0;
        let share = |it: Estimate| Share { measured: rounded(it.rate), at_most: rounded(it.high) };
        let gallery = self.aim()?;
        Some(Outcome {
            false_positives: share(gallery.false_positives(threshold)),
            not_found: gallery.not_found(threshold).map(share),
        })
    }
}

/// The thresholds that the worst of the groups allows. Groups that are set aside do not count.
#[must_use]
pub fn thresholds(groups: &[Measured]) -> Thresholds {
    let smallest = |share: f64| {
        let chooses = groups.iter().filter(|group| !group.set_aside);
        let of_groups = chooses.filter_map(Measured::aim).map(|gallery| gallery.threshold(share));
        let smallest = of_groups.min_by(f32::total_cmp).unwrap_or(0.0);
        hundredths((smallest - CAUTION).max(0.0))
    };
    let match_max = smallest(AIM_MATCH);
    Thresholds { match_max, possible_max: smallest(AIM_POSSIBLE).max(match_max) }
}

/// The curves of the worst of the groups that choose, as the source has them.
#[must_use]
pub fn strangers(groups: &[Measured]) -> Strangers {
    let chooses = || groups.iter().filter(|group| !group.set_aside);
    let alone = chooses().map(|group| group.alone.as_slice());
    let in_company = chooses().flat_map(|group| group.in_company.iter().map(Vec::as_slice));
    Strangers { alone: worst(alone), in_company: worst(in_company) }
}

/// For each step the upper end of the worst, rounded up. It never falls.
fn worst<'a>(curves: impl Iterator<Item = &'a [Estimate]>) -> Curve {
    let mut worst = [STRANGERS_MIN; STRANGERS_STEPS];
    for curve in curves {
        for (most, estimate) in worst.iter_mut().zip(curve) {
            *most = most.max(estimate.high);
        }
    }
    let mut least = STRANGERS_MIN;
    worst.map(|share| {
        least = least.max(rounded_up(share));
        least
    })
}

#[cfg(test)]
mod tests {
    use facenet::verdict::strangers_distance;

    use super::*;
    use crate::distances::tests::on_a_circle;

    fn group(name: &str, people: &[&[f64]]) -> Group {
        let pictures = on_a_circle(people);
        Group { name: name.into(), collection: None, pictures, skipped: 0 }
    }

    #[test]
    fn the_worst_group_that_chooses_decides() {
        // Neighbours are 30 and 60 degrees apart, that is 0.518 and 1.
        let near: Vec<[f64; 1]> = (0..12).map(|it| [30.0 * f64::from(it)]).collect();
        let far: Vec<[f64; 1]> = (0..6).map(|it| [60.0 * f64::from(it)]).collect();
        let slices = |it: &[[f64; 1]]| -> Vec<Vec<f64>> { it.iter().map(|x| x.to_vec()).collect() };
        let (near, far) = (slices(&near), slices(&far));
        let of = |name, people: &[Vec<f64>]| {
            let people: Vec<&[f64]> = people.iter().map(Vec::as_slice).collect();
            Measured::of(&group(name, &people))
        };
        let mut groups = [of("near", &near), of("far", &far)];
        let both = thresholds(&groups);
        assert!((0.45..0.51).contains(&both.match_max), "{both:?}");
        // At 0.52, 12 of 66 pairs of the first group are as near.
        let alone = |groups: &[Measured]| strangers(groups).alone;
        let step = (0..STRANGERS_STEPS).find(|&it| strangers_distance(it) >= 0.52).unwrap();
        assert!(alone(&groups)[step] >= 12.0 / 66.0);
        assert!(alone(&groups).is_sorted() && strangers(&groups).in_company.is_sorted());
        groups[0].set_aside = true;
        let thresholds = thresholds(&groups);
        assert!((0.9..0.99).contains(&thresholds.match_max), "{thresholds:?}");
        assert!((alone(&groups)[step] - STRANGERS_MIN).abs() < 1e-12);
    }

    #[test]
    fn groups_enrol_what_most_people_have() {
        let people: [&[f64]; 3] = [&[0.0, 1.0, 2.0], &[90.0, 91.0, 92.0], &[180.0]];
        let group = group("few", &people);
        assert_eq!((group.people(), group.enrolled(5), group.enrolled(2)), (3, 3, 2));
    }
}
