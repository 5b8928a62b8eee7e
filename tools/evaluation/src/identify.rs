//! Open-set identification: how often a stranger gets somebody's name in a gallery, and how often
//! somebody who is enrolled is not found. ISO/IEC 19795 calls the rates FPIR and FNIR.
//!
//! Galleries are drawn from a group of people, as a search would meet them: some of the people are
//! enrolled with some of their pictures; all others are strangers. A person is as near as the
//! nearest of their pictures. Where the company is similar to a search, a match has to be nearer,
//! as in the Worker ([`facenet::verdict::in_company`]).

use std::collections::BTreeMap;

use facenet::Embedding;
use facenet::verdict::{Near, company, in_company};

use crate::distances::Picture;
use crate::strangers::{Comparisons, Estimate};

/// How many searches there are at least. Everybody searches once in each of the galleries that are
/// drawn, so of few people there are more galleries.
const SEARCHES: usize = 40_000;

/// How often the people are drawn anew for an interval.
const DRAWS: usize = 500;

/// The seed of all draws, so that the same photographs give the same result.
const SEED: u64 = 20_180_408;

/// What is enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gallery {
    /// How many people.
    pub people: usize,
    /// How many pictures of each.
    pub pictures: usize,
}

/// What became of one search.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Search {
    /// Who searched, as an index below the number of people.
    person: usize,
    /// The distance of the nearest person, as the verdict counts it.
    distance: f32,
    /// The same without the company.
    plain: f32,
    /// Whether that is the person who searched. For strangers it never is.
    own: bool,
    enrolled: bool,
}

/// The searches in galleries of one kind, drawn from one group of people.
#[derive(Clone, Debug)]
pub struct Identification {
    /// What was enrolled. There may be fewer people than were asked for, in a small group.
    pub gallery: Gallery,
    /// Whether the company counts.
    pub with_company: bool,
    /// The strangers' searches and each face of the gallery, where it says in what company they
    /// are.
    pub strangers: Comparisons,
    searches: Vec<Search>,
}

impl Identification {
    /// Draws galleries from a group. Where the group has too few people, half of them are
    /// enrolled. Nothing when fewer than two people can be enrolled.
    #[must_use]
    pub fn of(pictures: &[Picture], wanted: Gallery) -> Option<Self> {
        let mut people: BTreeMap<usize, Vec<&Embedding>> = BTreeMap::new();
        for picture in pictures {
            people.entry(picture.person).or_default().push(&picture.embedding);
        }
        let people: Vec<Vec<&Embedding>> = people.into_values().collect();
        // People with one picture more than are enrolled can search for themselves.
        let with = |count: usize| -> Vec<usize> {
            (0..people.len()).filter(|&it| people[it].len() >= count).collect()
        };
        let mut able = with(wanted.pictures + 1);
        if able.len() < 2 {
            able = with(wanted.pictures);
        }
        let enrolled = wanted.people.min(able.len()).min(people.len() / 2);
        if enrolled < 2 {
            return None;
        }
        let gallery = Gallery { people: enrolled, pictures: wanted.pictures };
        let mut random = fastrand::Rng::with_seed(SEED);
        let strangers = Comparisons::of(people.len());
        let mut it = Self { gallery, with_company: true, strangers, searches: Vec::new() };
        for _ in 0..SEARCHES.div_ceil(people.len()) {
            random.shuffle(&mut able);
            it.draw(&people, &able[..enrolled], &mut random);
        }
        Some(it)
    }

    /// The same searches without the company.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self { with_company: false, ..self.clone() }
    }

    fn distance(&self, search: &Search) -> f32 {
        if self.with_company { search.distance } else { search.plain }
    }

    /// How often a search by a stranger shows a name.
    #[must_use]
    pub fn false_positives(&self, threshold: f32) -> Estimate {
        let searches = self.searches.iter().filter(|search| !search.enrolled);
        estimate(searches.map(|it| (it.person, self.distance(it) <= threshold)))
    }

    /// How often a search by somebody who is enrolled does not show their own name first. Nothing
    /// where nobody has a picture left to search with.
    #[must_use]
    pub fn not_found(&self, threshold: f32) -> Option<Estimate> {
        let found = |it: &Search| it.own && self.distance(it) <= threshold;
        let mut searches = self.searches.iter().filter(|search| search.enrolled).peekable();
        searches.peek()?;
        Some(estimate(searches.map(|it| (it.person, !found(it)))))
    }

    /// The largest hundredth at which at most this share of the strangers gets a name.
    #[must_use]
    pub fn threshold(&self, share: f64) -> f32 {
        let hundredths = (0..200_u16).rev().map(|it| f32::from(it) / 100.0);
        let fits = |threshold: &f32| self.false_positives_alone(*threshold) <= share;
        hundredths.into_iter().find(fits).unwrap_or(0.0)
    }

    /// One gallery: everybody searches once, enrolled people with a picture that is not enrolled.
    fn draw<'a>(
        &mut self,
        people: &[Vec<&'a Embedding>],
        enrolled: &[usize],
        random: &mut fastrand::Rng,
    ) {
        let mut faces: Vec<(usize, &'a Embedding)> = Vec::new();
        let mut queries: Vec<(usize, &'a Embedding, bool)> = Vec::new();
        for &person in enrolled {
            let mut pictures = people[person].clone();
            random.shuffle(&mut pictures);
            faces.extend(pictures.iter().take(self.gallery.pictures).map(|it| (person, *it)));
            queries.extend(pictures.get(self.gallery.pictures).map(|it| (person, *it, true)));
        }
        for (person, pictures) in people.iter().enumerate() {
            if !enrolled.contains(&person) {
                let picture = pictures[random.usize(..pictures.len())];
                queries.push((person, picture, false));
            }
        }
        for (person, query, is_enrolled) in queries {
            let near = |&(whose, face): &(usize, &'a Embedding)| {
                let embedding = face.as_slice();
                Near { person: whose, distance: query.distance(face), embedding }
            };
            let mut ranked: Vec<Near<'_, usize>> = faces.iter().map(near).collect();
            ranked.sort_by(|a, b| a.distance.total_cmp(&b.distance));
            self.search(person, is_enrolled, &ranked);
        }
    }

    /// One search, which has ranked the faces of the gallery by their distance.
    fn search(&mut self, person: usize, enrolled: bool, ranked: &[Near<'_, usize>]) {
        let Some(nearest) = ranked.first() else { return };
        let company = company(ranked);
        if !enrolled && company.is_some() {
            for face in ranked {
                self.strangers.add(person, face.person, in_company(face.distance, company));
            }
        }
        self.searches.push(Search {
            person,
            distance: in_company(nearest.distance, company),
            plain: nearest.distance,
            own: enrolled && nearest.person == person,
            enrolled,
        });
    }

    fn false_positives_alone(&self, threshold: f32) -> f64 {
        let searches = self.searches.iter().filter(|search| !search.enrolled);
        mean_of_people(&of_people(searches.map(|it| (it.person, self.distance(it) <= threshold))))
    }
}

/// For each person, how often it was counted and how often it was asked.
fn of_people(counted: impl Iterator<Item = (usize, bool)>) -> Vec<(f64, f64)> {
    let mut people: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (person, counts) in counted {
        let (count, all) = people.entry(person).or_default();
        *count += f64::from(u8::from(counts));
        *all += 1.0;
    }
    people.into_values().collect()
}

/// The share over all searches, where each person counts once for each of their searches.
fn mean_of_people(people: &[(f64, f64)]) -> f64 {
    let (count, all) = people.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    if all > 0.0 { count / all } else { 0.0 }
}

/// The share, and its interval from drawing as many people with repetition. People are drawn, and
/// not searches, because the searches of one person are alike.
fn estimate(counted: impl Iterator<Item = (usize, bool)>) -> Estimate {
    let people = of_people(counted);
    let rate = mean_of_people(&people);
    let mut random = fastrand::Rng::with_seed(SEED);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let one = |_| people.get(random.usize(..people.len().max(1))).copied();
            mean_of_people(&(0..people.len()).filter_map(one).collect::<Vec<_>>())
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn.get((share * DRAWS as f64) as usize).copied().unwrap_or(rate);
    let unseen = 1.0 - 0.05_f64.powf(1.0 / people.len().max(1) as f64);
    let high = if rate > 0.0 { at(0.975) } else { unseen };
    Estimate { rate, low: at(0.025), high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::tests::on_a_circle;

    fn gallery(people: usize, pictures: usize) -> Gallery {
        Gallery { people, pictures }
    }

    /// Six people, 60 degrees apart; each one's three pictures are within two degrees. So strangers
    /// are 58 to 62 degrees from the nearest face, that is 0.97 to 1.03, and people 0.02.
    #[test]
    fn people_are_found_and_strangers_are_not() {
        let angles: Vec<[f64; 3]> =
            (0..6).map(|it| [0.0, 1.0, 2.0].map(|off| 60.0 * f64::from(it) + off)).collect();
        let people: Vec<&[f64]> = angles.iter().map(<[f64; 3]>::as_slice).collect();
        let it = Identification::of(&on_a_circle(&people), gallery(20, 2)).unwrap().plain();
        assert_eq!(it.gallery, gallery(3, 2));
        assert!(it.false_positives(0.9).rate.abs() < 1e-12);
        assert!(it.not_found(0.1).unwrap().rate.abs() < 1e-12);
        assert!((it.not_found(0.001).unwrap().rate - 1.0).abs() < 1e-12);
        // Of the two neighbours of a stranger, hardly ever neither is among three of five.
        assert!(it.false_positives(1.1).rate > 0.8);
        assert!((0.9..1.05).contains(&it.threshold(0.5)), "{}", it.threshold(0.5));
        // Nothing was seen of six people: at most 1 - 0.05^(1/6) of them.
        assert!((it.false_positives(0.9).high - 0.393).abs() < 1e-3);
    }

    #[test]
    fn too_few_people_give_nothing() {
        let pictures = on_a_circle(&[&[0.0, 1.0], &[90.0], &[180.0]]);
        assert!(Identification::of(&pictures, gallery(20, 1)).is_none());
        assert!(Identification::of(&[], gallery(20, 1)).is_none());
        // Nobody of these four has a second picture to search with.
        let single = on_a_circle(&[&[0.0], &[90.0], &[180.0], &[270.0]]);
        let it = Identification::of(&single, gallery(20, 1)).unwrap();
        assert_eq!((it.gallery.people, it.not_found(1.0)), (2, None));
    }
}
