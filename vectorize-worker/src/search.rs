//! Search: finds the nearest people, each by the nearest of the person's faces.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;

use facenet::verdict::{self, COMPANY_FACES, Near};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use wire::faces::{Neighbour, Neighbours, Search};

use crate::clock::Clock;
use crate::error::{Error, StoreError};
use crate::id;
use crate::stores::{
    CALLS_AT_ONCE, CANDIDATE_IDS_MAX, CANDIDATES_MAX, Candidate, LOOK_UP_VECTORS_MAX, Pictures,
    Vectors,
};

/// Candidates beyond those asked for. The index learns late of deletions, so some candidates may be
/// of deleted faces.
const SPARE: u32 = 5;

/// The nearest people who have a picture. Asks the index for a few candidates first. When too many
/// of these have no picture any more, or are of one person, asks for as many as the index returns
/// with values, and then for as many as it names without. If there may still be others behind
/// those, the answer is incomplete.
pub(crate) async fn search(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    search: &Search,
) -> Result<Neighbours, Error> {
    let wanted = search.top_k as usize;
    let lookups = Lookups { pictures, now_ms: clock.now_ms(), known: RefCell::default() };
    let mut candidates = Vec::new();
    let mut answer = Neighbours { incomplete: true, ..Neighbours::default() };
    let few = (search.top_k + SPARE).max(COMPANY_FACES as u32);
    for count in [few, CANDIDATES_MAX, CANDIDATE_IDS_MAX] {
        let found = if count <= CANDIDATES_MAX {
            candidates = vectors.nearest(&search.namespace, &search.embedding, count).await?;
            candidates.len()
        } else {
            add_further(vectors, search, &mut candidates).await?
        };
        let ranked = ranked(&candidates, &search.embedding);
        let near = ranked.partition_point(|face| face.distance <= search.distance_max);
        // The index has no further candidate that is near enough.
        let are_all = found < count as usize || near < ranked.len();
        let company = company(&ranked);
        let people = by_person(ranked.into_iter().take(near));
        let matches = lookups.present(&people, wanted).await?;
        let incomplete = !are_all && matches.len() < wanted;
        answer = Neighbours { matches, incomplete, company, gallery_size_at_most: None };
        if !incomplete {
            break;
        }
    }
    Ok(answer)
}

/// Adds those candidates that the index names and does not return by itself. Returns how many it
/// names.
async fn add_further(
    vectors: &impl Vectors,
    search: &Search,
    candidates: &mut Vec<Candidate>,
) -> Result<usize, StoreError> {
    let mut ids = vectors.nearest_ids(&search.namespace, &search.embedding).await?;
    let found = ids.len();
    ids.retain(|id| candidates.iter().all(|candidate| candidate.id != *id));
    let few = ids.chunks(LOOK_UP_VECTORS_MAX).map(|few| vectors.look_up(few));
    let further: Vec<_> = stream::iter(few).buffered(CALLS_AT_ONCE).try_collect().await?;
    candidates.extend(further.into_iter().flatten());
    Ok(found)
}

/// A candidate with its exact distance.
struct Ranked<'a> {
    id: &'a str,
    name: &'a str,
    distance: f32,
    embedding: &'a [f32],
}

/// Candidates by their exact distance: the scores of the index may be approximate.
fn ranked<'a>(candidates: &'a [Candidate], query: &[f32]) -> Vec<Ranked<'a>> {
    let rank = |Candidate { id, name, embedding }: &'a Candidate| Ranked {
        id,
        name,
        distance: distance(embedding, query),
        embedding,
    };
    let mut ranked: Vec<_> = candidates.iter().map(rank).collect();
    ranked.sort_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.id.cmp(b.id)));
    ranked
}

/// How similar the query is to other people than the nearest. Faces that were deleted a moment ago
/// count too: they say as much about the gallery.
fn company(ranked: &[Ranked<'_>]) -> Option<f32> {
    let near =
        ranked.iter().take(COMPANY_FACES).map(|&Ranked { id, distance, embedding, .. }| Near {
            person: id::person(id),
            distance,
            embedding,
        });
    verdict::company(&near.collect::<Vec<_>>())
}

/// The faces of a person that a search found, nearest first.
struct Person<'a> {
    nearest: Ranked<'a>,
    others: Vec<Ranked<'a>>,
}

/// Gathers the faces of each person. The people are in the order of their nearest faces.
fn by_person<'a>(ranked: impl Iterator<Item = Ranked<'a>>) -> Vec<Person<'a>> {
    let mut people: Vec<Person<'a>> = Vec::new();
    for face in ranked {
        let is_same = |known: &&mut Person<'_>| id::person(known.nearest.id) == id::person(face.id);
        match people.iter_mut().find(is_same) {
            Some(known) => known.others.push(face),
            None => people.push(Person { nearest: face, others: Vec::new() }),
        }
    }
    people
}

impl<'a> Person<'a> {
    /// All faces, nearest first.
    fn faces(&self) -> impl Iterator<Item = &Ranked<'a>> {
        std::iter::once(&self.nearest).chain(&self.others)
    }
}

/// What R2 knows about faces. Each is looked up once, by its id: listing a person's faces would
/// cost as much as a dozen such reads, and nobody has so many pictures.
struct Lookups<'a, P> {
    pictures: &'a P,
    now_ms: u64,
    /// Whether a face has a picture that has not expired.
    known: RefCell<HashMap<String, bool>>,
}

impl<P: Pictures> Lookups<'_, P> {
    /// The nearest `wanted` people who have a picture that has not expired.
    async fn present(
        &self,
        people: &[Person<'_>],
        wanted: usize,
    ) -> Result<Vec<Neighbour>, StoreError> {
        let faces = people.iter().flat_map(Person::faces);
        let lookups = faces.map(|face| self.is_current(face.id));
        let mut lookups = pin!(stream::iter(lookups).buffered(CALLS_AT_ONCE.min(wanted)));
        let mut following = people.iter().skip(1).map(|person| person.nearest.distance);
        let mut matches: Vec<Neighbour> = Vec::with_capacity(wanted);
        for person in people {
            let mut current = Vec::new();
            for face in person.faces() {
                if lookups.next().await.transpose()?.unwrap_or_default() {
                    current.push(face);
                }
            }
            matches.extend(neighbour(&current));
            // Without the nearest face, a person may be further away than the next person.
            matches.sort_by(|a, b| a.distance.total_cmp(&b.distance));
            let next = following.next().unwrap_or(f32::INFINITY);
            if matches.get(wanted - 1).is_some_and(|last| last.distance <= next) {
                break;
            }
        }
        matches.truncate(wanted);
        Ok(matches)
    }

    async fn is_current(&self, id: &str) -> Result<bool, StoreError> {
        let known = self.known.borrow().get(id).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let metadata = self.pictures.metadata(id).await?;
        let is_current = metadata.is_some_and(|metadata| !metadata.has_expired(self.now_ms));
        self.known.borrow_mut().insert(id.to_owned(), is_current);
        Ok(is_current)
    }
}

/// A person by the nearest of the faces that have a picture; `None` when none has.
fn neighbour(current: &[&Ranked<'_>]) -> Option<Neighbour> {
    let Ranked { id, name, distance, .. } = **current.first()?;
    Some(Neighbour { id: id.to_owned(), name: name.to_owned(), distance, pictures: current.len() })
}

/// The L2 distance, computed in float64 and rounded once.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::Face;
    use crate::stores::fake::{Fake, embedding, face, now};

    fn query(top_k: u32) -> Search {
        Search { namespace: "n".into(), embedding: embedding(0.0), top_k, distance_max: 2.0 }
    }

    fn ids(fake: &Fake, top_k: u32) -> Vec<String> {
        let found = now(search(fake, fake, fake, &query(top_k))).unwrap();
        found.matches.into_iter().map(|neighbour| neighbour.id).collect()
    }

    #[test]
    fn an_empty_index_matches_nothing() {
        assert!(ids(&Fake::default(), 5).is_empty());
    }

    #[test]
    fn neighbours_come_by_exact_distance() {
        let fake = Fake::default();
        fake.insert(face("a", 0.9), "");
        fake.insert(face("b", 0.1), "");
        fake.insert(face("c", std::f32::consts::PI), "");
        assert_eq!(ids(&fake, 2), ["b", "a"]);
        let found = now(search(&fake, &fake, &fake, &query(5))).unwrap();
        assert!((found.matches[2].distance - 2.0).abs() < 1e-6);
        assert_eq!(found.matches[0].name, "name of b");
    }

    /// A face of the person whose ids begin with this letter.
    fn of(person: char, number: u8, angle: f32) -> Face {
        face(&format!("{}{number:016x}", person.to_string().repeat(16)), angle)
    }

    #[test]
    fn people_are_named_once_by_their_nearest_face() {
        let fake = Fake::default();
        for (person, number, angle) in
            [('a', 1, 0.5), ('a', 2, 0.1), ('b', 1, 0.2), ('b', 2, 0.6), ('c', 1, 0.3)]
        {
            fake.insert(of(person, number, angle), "");
        }
        let found = |top_k| now(search(&fake, &fake, &fake, &query(top_k))).unwrap().matches;
        let three: Vec<_> = found(5).iter().map(|near| (near.id.clone(), near.pictures)).collect();
        let id = |person, number| of(person, number, 0.0).id;
        assert_eq!(three, [(id('a', 2), 2), (id('b', 1), 2), (id('c', 1), 1)]);
        // A person who has lost the nearest face comes later.
        fake.pictures.borrow_mut().remove(&id('a', 2));
        let two: Vec<_> = found(2).iter().map(|near| (near.id.clone(), near.pictures)).collect();
        assert_eq!(two, [(id('b', 1), 2), (id('c', 1), 1)]);
        assert_eq!(found(3)[2].id, id('a', 1));
    }

    #[test]
    fn the_company_is_made_of_other_people() {
        let fake = Fake::default();
        fake.insert(of('a', 1, 0.1), "");
        fake.insert(of('a', 2, 0.2), "");
        let company = || now(search(&fake, &fake, &fake, &query(1))).unwrap().company;
        let angles = [0.6_f32, 0.9, 1.2, 1.5];
        for (person, angle) in ['b', 'c', 'd', 'e'].into_iter().zip(angles) {
            assert_eq!(company(), None, "before {person}");
            fake.insert(of(person, 1, angle), "");
        }
        let expected = angles.map(f32::cos).iter().sum::<f32>() / 4.0;
        assert!((company().unwrap() - expected).abs() < 1e-5, "{:?}", company());
        // Others who are enrolled with the same pictures add nothing.
        for person in ['0', '1', '2', '3', '4', '5'] {
            fake.insert(of(person, 1, 0.2), "");
        }
        assert!((company().unwrap() - expected).abs() < 1e-5, "{:?}", company());
    }

    #[test]
    fn people_too_far_away_are_not_looked_up() {
        let fake = Fake::default();
        fake.insert(of('a', 1, 0.5), "");
        fake.insert(of('b', 1, 1.5), "");
        let query = Search { distance_max: 1.0, ..query(5) };
        let found = now(search(&fake, &fake, &fake, &query)).unwrap().matches;
        assert_eq!(found.len(), 1);
        let calls = ["vectors.nearest", "pictures.metadata"];
        assert_eq!(*fake.journal.borrow(), calls);
    }

    #[test]
    fn other_namespaces_do_not_match() {
        let fake = Fake::default();
        let mut stranger = face("a", 0.0);
        stranger.namespace = "other".into();
        fake.insert(stranger, "");
        assert!(ids(&fake, 5).is_empty());
    }

    #[test]
    fn faces_without_picture_are_replaced_by_others() {
        let fake = Fake::default();
        for i in 0..30_u16 {
            fake.insert(face(&format!("{i:02}"), f32::from(i) / 100.0), "");
            if i < 20 {
                fake.pictures.borrow_mut().remove(&format!("{i:02}"));
            }
        }
        assert_eq!(ids(&fake, 2), ["20", "21"]);
        let nearest = |call: &&&str| **call == "vectors.nearest";
        assert_eq!(fake.journal.borrow().iter().filter(nearest).count(), 2);
    }

    /// An index that holds so many deleted faces of as many people, and behind them one person.
    fn behind(deleted: u32) -> Fake {
        let fake = Fake::default();
        for i in 0..deleted {
            fake.insert(face(&format!("{i:032x}"), 0.1), "");
        }
        fake.pictures.borrow_mut().clear();
        fake.insert(face(&"f".repeat(32), 0.2), "");
        fake
    }

    #[test]
    fn a_person_behind_deleted_faces_is_found_or_the_answer_is_incomplete() {
        for deleted in [0, 5, 49, 50, 51, 60, 98, 99, 100, 101, 300] {
            let fake = behind(deleted);
            let found = now(search(&fake, &fake, &fake, &query(1))).unwrap();
            let is_found = deleted < CANDIDATE_IDS_MAX;
            assert_eq!(found.matches.len(), usize::from(is_found), "{deleted}");
            assert_eq!(found.incomplete, !is_found, "{deleted}");
            let people = deleted.min(CANDIDATE_IDS_MAX - u32::from(is_found)) as usize;
            let heads = fake.calls("pictures.metadata");
            assert!(heads <= people + 1, "{deleted}: {heads} calls; a face is looked up once");
        }
    }

    #[test]
    fn an_answer_is_complete_when_what_is_behind_is_too_far_away() {
        let fake = behind(40);
        for i in 0..100 {
            // Behind the person in the order of ids, which the fake takes for the nearest.
            fake.insert(face(&format!("{}{i:016x}", "g".repeat(16)), 1.5), "");
        }
        let near = Search { distance_max: 0.5, ..query(5) };
        let found = now(search(&fake, &fake, &fake, &near)).unwrap();
        assert_eq!((found.matches.len(), found.incomplete), (1, false));
        // Nobody asked for more than that many people, so nothing is missing.
        let one = Search { distance_max: 2.0, ..query(1) };
        assert!(!now(search(&fake, &fake, &fake, &one)).unwrap().incomplete);
    }

    #[test]
    fn many_pictures_of_one_person_do_not_hide_the_next() {
        let fake = Fake::default();
        for number in 0..80 {
            fake.insert(of('a', number, 0.1), "");
        }
        fake.insert(of('b', 0, 0.2), "");
        let found = now(search(&fake, &fake, &fake, &query(2))).unwrap();
        assert_eq!((found.matches.len(), found.incomplete), (2, false));
    }

    #[test]
    fn expired_faces_do_not_match() {
        let fake = Fake::default();
        fake.insert(face("a", 0.0), "");
        fake.now_ms.set(12 * 3600 * 1000 - 1);
        assert_eq!(ids(&fake, 1), ["a"]);
        fake.now_ms.set(12 * 3600 * 1000);
        assert!(ids(&fake, 1).is_empty());
    }

    #[test]
    fn failures_are_not_taken_for_deleted_faces() {
        let fake = Fake::breaking(&["pictures.metadata"]);
        fake.insert(face("a", 0.0), "");
        assert!(matches!(now(search(&fake, &fake, &fake, &query(1))), Err(Error::Store(_))));
    }
}
