//! Search: finds the nearest people, each by the nearest of the person's faces.

use std::pin::pin;

use futures_util::stream::{self, StreamExt as _};
use wire::faces::{Neighbour, Neighbours, Search};

use crate::clock::Clock;
use crate::error::{Error, StoreError};
use crate::stores::{CANDIDATES_MAX, Candidate, Pictures, Vectors};
use crate::{id, person};

/// Candidates beyond those asked for. The index learns late of deletions, so some candidates may be
/// of deleted faces.
const SPARE: u32 = 5;

/// People looked up at once: a Worker may wait for six connections.
const LOOKUPS: usize = 6;

/// The nearest people who have a picture. Asks the index for few candidates first. When too many of
/// them have no picture any more, asks for as many as the index returns.
pub(crate) async fn search(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    search: &Search,
) -> Result<Neighbours, Error> {
    let wanted = search.top_k as usize;
    let mut count = search.top_k + SPARE;
    loop {
        let found = vectors.nearest(&search.namespace, &search.embedding, count).await?;
        let has_fewer = found.len() < count as usize;
        let ranked = ranked(found, &search.embedding);
        let near = ranked.partition_point(|face| face.distance <= search.distance_max);
        // The index has no further candidate that is near enough, or returns no more.
        let is_last = has_fewer || near < ranked.len() || count >= CANDIDATES_MAX;
        let people = by_person(ranked.into_iter().take(near));
        let matches = present(pictures, clock.now_ms(), people, wanted).await?;
        if is_last || matches.len() == wanted {
            return Ok(Neighbours { matches });
        }
        count = CANDIDATES_MAX;
    }
}

/// A candidate with its exact distance.
struct Ranked {
    id: String,
    name: String,
    distance: f32,
}

/// Candidates by their exact distance: the scores of the index may be approximate.
fn ranked(candidates: Vec<Candidate>, query: &[f32]) -> Vec<Ranked> {
    let mut ranked: Vec<_> = candidates
        .into_iter()
        .map(|Candidate { id, name, embedding }| {
            let distance = distance(&embedding, query);
            Ranked { id, name, distance }
        })
        .collect();
    ranked.sort_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.id.cmp(&b.id)));
    ranked
}

/// The faces of a person that a search found, nearest first.
struct Person {
    nearest: Ranked,
    others: Vec<Ranked>,
}

/// Gathers the faces of each person. The people are in the order of their nearest faces.
fn by_person(ranked: impl Iterator<Item = Ranked>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for face in ranked {
        let is_same = |known: &&mut Person| id::person(&known.nearest.id) == id::person(&face.id);
        match people.iter_mut().find(is_same) {
            Some(known) => known.others.push(face),
            None => people.push(Person { nearest: face, others: Vec::new() }),
        }
    }
    people
}

/// The nearest `wanted` people who have a picture that has not expired.
async fn present(
    pictures: &impl Pictures,
    now_ms: u64,
    people: Vec<Person>,
    wanted: usize,
) -> Result<Vec<Neighbour>, StoreError> {
    let nearest: Vec<f32> = people.iter().map(|person| person.nearest.distance).collect();
    let mut following = nearest.into_iter().skip(1);
    let lookups = people.into_iter().map(|person| look_up(pictures, now_ms, person));
    let mut lookups = pin!(stream::iter(lookups).buffered(LOOKUPS.min(wanted)));
    let mut matches: Vec<Neighbour> = Vec::with_capacity(wanted);
    while let Some(neighbour) = lookups.next().await {
        matches.extend(neighbour?);
        // A person whose nearest face is gone may be further away than the next person.
        matches.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let next = following.next().unwrap_or(f32::INFINITY);
        if matches.get(wanted - 1).is_some_and(|last| last.distance <= next) {
            break;
        }
    }
    matches.truncate(wanted);
    Ok(matches)
}

/// A person by the nearest face that still has a picture; `None` when no face has.
async fn look_up(
    pictures: &impl Pictures,
    now_ms: u64,
    Person { nearest, others }: Person,
) -> Result<Option<Neighbour>, StoreError> {
    let present = person::current_faces(pictures, now_ms, id::person(&nearest.id)).await?;
    let mut faces = [nearest].into_iter().chain(others);
    let found = faces.find(|face| present.contains(&face.id));
    Ok(found.map(|Ranked { id, name, distance }| Neighbour {
        id,
        name,
        distance,
        pictures: present.len(),
    }))
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
    fn people_too_far_away_are_not_looked_up() {
        let fake = Fake::default();
        fake.insert(of('a', 1, 0.5), "");
        fake.insert(of('b', 1, 1.5), "");
        let query = Search { distance_max: 1.0, ..query(5) };
        let found = now(search(&fake, &fake, &fake, &query)).unwrap().matches;
        assert_eq!(found.len(), 1);
        assert_eq!(fake.calls("pictures.list"), 1);
        assert_eq!(fake.calls("vectors.nearest"), 1);
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

    #[test]
    fn a_search_among_deleted_faces_ends() {
        let fake = Fake::default();
        for i in 0..60 {
            fake.insert(face(&format!("{i:02}"), 0.1), "");
        }
        fake.pictures.borrow_mut().clear();
        assert!(ids(&fake, 3).is_empty());
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
        let fake = Fake::breaking(&["pictures.list"]);
        fake.insert(face("a", 0.0), "");
        assert!(matches!(now(search(&fake, &fake, &fake, &query(1))), Err(Error::Store(_))));
    }
}
