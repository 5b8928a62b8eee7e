//! Thresholds from an aim, and what they do to each group of people.
//!
//! The aim bounds how often a stranger gets a name in a gallery of 20 people with three pictures
//! each. The thresholds are the largest at which all groups that choose stay within the aim, even
//! the worst. Groups that are set aside choose nothing.

use facenet::verdict::{
    AIM_MATCH, AIM_PEOPLE, AIM_PICTURES, AIM_POSSIBLE, Outcome, STRANGERS_STEPS, Share, Thresholds,
    hundredths, strangers_distance,
};

use crate::distances::{Pair, Picture};
use crate::groups::Group;
use crate::identify::{Estimate, Gallery, Identification};

/// How many pictures of a person are enrolled in the table.
const PICTURES: [usize; 3] = [1, AIM_PICTURES, 5];

/// How often the people are drawn anew for the curve.
const DRAWS: usize = 200;

/// By how much the thresholds are lower than the groups allow. Each group is a sample; people of
/// another group may look a little more alike to the model.
const CAUTION: f32 = 0.02;

/// The seed of the draws, so that the same photographs give the same result.
const SEED: u64 = 20_180_408;

/// The curve never says less than this. Two crops without a face are near each other, whoever they
/// should show, and nobody knows how often that happens in other photographs.
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
    /// Whether its people are of both sexes or of several origins.
    pub mixed: bool,
    /// Galleries with one, three and five pictures of each person, where people have so many.
    pub galleries: Vec<Identification>,
    /// How often two strangers are as near, at each step of the curve.
    pub strangers: Vec<Estimate>,
}

impl Measured {
    /// Measures a group.
    #[must_use]
    pub fn of(group: &Group) -> Self {
        let able = group.enrolled(5);
        let galleries = PICTURES
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
            mixed: group.mixed(),
            galleries,
            strangers: strangers(&group.pictures),
        }
    }

    /// The gallery of the aim, or the one that is nearest to it.
    #[must_use]
    pub fn aim(&self) -> Option<&Identification> {
        let wanted = |it: &&Identification| it.gallery.pictures <= AIM_PICTURES;
        self.galleries.iter().rev().find(wanted)
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

/// The curve of the worst of these groups, of those that choose: at most how often two strangers
/// are as near. It never falls.
#[must_use]
pub fn curve(groups: &[Measured], counts: impl Fn(&Measured) -> bool) -> Vec<f64> {
    let mut least = STRANGERS_MIN;
    (0..=STRANGERS_STEPS)
        .map(|step| {
            let chooses = groups.iter().filter(|it| !it.set_aside && counts(it));
            let at = |group: &Measured| group.strangers.get(step).map(|it| it.high);
            let worst = chooses.filter_map(at).fold(0.0, f64::max);
            least = least.max(worst).min(1.0);
            least
        })
        .collect()
}

/// For each step of the curve, the share of the pairs of two people that are as near. Its interval
/// is from drawing the people anew.
fn strangers(pictures: &[Picture]) -> Vec<Estimate> {
    let people = pictures.iter().map(|picture| picture.person + 1).max().unwrap_or(0);
    let mut near: Vec<Pair> = Vec::new();
    let last = strangers_distance(STRANGERS_STEPS);
    for (a, first) in pictures.iter().enumerate() {
        for (b, second) in pictures.iter().enumerate().skip(a + 1) {
            let distance = first.embedding.distance(&second.embedding);
            if first.person != second.person && distance <= last {
                near.push(Pair { distance, a: a as u32, b: b as u32 });
            }
        }
    }
    near.sort_by(|one, other| one.distance.total_cmp(&other.distance));
    let person = |index: u32| pictures.get(index as usize).map_or(0, |picture| picture.person);
    // The shares at all steps when person I counts `times[I]` times.
    let shares = |times: &[f64]| -> Vec<f64> {
        let time = |person: usize| times.get(person).copied().unwrap_or(0.0);
        let mut of_person = vec![0.0; people];
        for picture in pictures {
            if let Some(sum) = of_person.get_mut(picture.person) {
                *sum += time(picture.person);
            }
        }
        let all: f64 = of_person.iter().sum();
        let pairs = (all * all - of_person.iter().map(|own| own * own).sum::<f64>()) / 2.0;
        let mut pairs_left = near.iter().peekable();
        let mut sum = 0.0;
        (0..=STRANGERS_STEPS)
            .map(|step| {
                let distance = strangers_distance(step);
                while let Some(pair) = pairs_left.next_if(|pair| pair.distance <= distance) {
                    sum += time(person(pair.a)) * time(person(pair.b));
                }
                if pairs > 0.0 { sum / pairs } else { 0.0 }
            })
            .collect()
    };
    let measured = shares(&vec![1.0; people]);
    let mut random = fastrand::Rng::with_seed(SEED);
    let drawn: Vec<Vec<f64>> = (0..DRAWS)
        .map(|_| {
            let mut times = vec![0.0; people];
            for _ in 0..people {
                if let Some(count) = times.get_mut(random.usize(..people)) {
                    *count += 1.0;
                }
            }
            shares(&times)
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

#[cfg(test)]
mod tests {
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
        // At 0.52 of the curve, 12 of 66 pairs of the first group are as near.
        let step = (0..=STRANGERS_STEPS).find(|&it| strangers_distance(it) >= 0.52).unwrap();
        assert!(curve(&groups, |_| true)[step] >= 12.0 / 66.0);
        assert!(curve(&groups, |_| true).is_sorted());
        groups[0].set_aside = true;
        let alone = thresholds(&groups);
        assert!((0.9..0.99).contains(&alone.match_max), "{alone:?}");
        assert!((curve(&groups, |_| true)[step] - STRANGERS_MIN).abs() < 1e-12);
    }

    #[test]
    fn groups_enrol_what_most_people_have() {
        let people: [&[f64]; 3] = [&[0.0, 1.0, 2.0], &[90.0, 91.0, 92.0], &[180.0]];
        let group = group("few", &people);
        assert_eq!((group.people(), group.enrolled(5), group.enrolled(2)), (3, 3, 2));
    }
}
