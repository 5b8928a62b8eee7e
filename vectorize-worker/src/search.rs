//! `POST /match`: finds the nearest people, each by the nearest of their faces.

use futures_util::{StreamExt as _, stream};
use wire::{
    Kind,
    faces::{Neighbour, Neighbours, Search},
    limits::TOP_K_MAX,
};

use crate::{
    check,
    clock::Clock,
    people, secret,
    store::{CANDIDATES_MAX, Candidate, Failure, Pictures, Trouble, Vectors},
};

/// Candidates beyond those asked for: some may have been deleted, which the index learns late.
const SPARE: u32 = 5;

/// People looked up at once: a Worker may wait for six connections.
const LOOKUPS: usize = 6;

/// Reads a request.
pub(crate) fn read(body: &[u8]) -> Result<Search, Trouble> {
    let search: Search = check::json(body)?;
    check::namespace(&search.namespace)?;
    check::embedding(&search.embedding)?;
    if !(1..=TOP_K_MAX).contains(&search.top_k) {
        let text = format!("top_k must be 1 to {TOP_K_MAX}.");
        return Err(Trouble::problem(Kind::Unusable, text));
    }
    if !(0.0..=2.0).contains(&search.distance_max) {
        return Err(Trouble::problem(Kind::Unusable, "distance_max must be 0 to 2."));
    }
    Ok(search)
}

/// The nearest people who still exist, which the index does not know. Looks at few candidates
/// first, and at as many as the index returns when too many of those are gone.
pub(crate) async fn search(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    search: &Search,
) -> Result<Neighbours, Trouble> {
    let wanted = search.top_k as usize;
    let mut count = search.top_k + SPARE;
    loop {
        let found = vectors.nearest(&search.namespace, &search.embedding, count).await?;
        let fewer = found.len() < count as usize;
        let ranked = ranked(found, &search.embedding);
        let strangers = ranked.partition_point(|near| near.distance <= search.distance_max);
        // The index has no more of those that are near enough, or returns no more.
        let all = fewer || strangers < ranked.len() || count >= CANDIDATES_MAX;
        let people = people(ranked.into_iter().take(strangers));
        let matches = present(pictures, clock.now(), people, wanted).await?;
        if all || matches.len() == wanted {
            return Ok(Neighbours { matches });
        }
        count = CANDIDATES_MAX;
    }
}

/// A candidate with its exact distance.
struct Near {
    id: String,
    name: String,
    distance: f32,
}

/// Candidates by their exact distance: the scores of the index may be approximate.
fn ranked(candidates: Vec<Candidate>, query: &[f32]) -> Vec<Near> {
    let mut ranked: Vec<_> = candidates
        .into_iter()
        .map(|Candidate { id, name, embedding }| {
            let distance = distance(&embedding, query);
            Near { id, name, distance }
        })
        .collect();
    ranked.sort_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.id.cmp(&b.id)));
    ranked
}

/// The candidates of each person, nearest first, and the people by their nearest.
fn people(ranked: impl Iterator<Item = Near>) -> Vec<Vec<Near>> {
    let mut people: Vec<Vec<Near>> = Vec::new();
    for near in ranked {
        let same = |faces: &&mut Vec<Near>| {
            faces.first().is_some_and(|face| secret::person(&face.id) == secret::person(&near.id))
        };
        match people.iter_mut().find(same) {
            Some(faces) => faces.push(near),
            None => people.push(vec![near]),
        }
    }
    people
}

/// The first `wanted` people who have a picture that is not over.
async fn present(
    pictures: &impl Pictures,
    now: u64,
    people: Vec<Vec<Near>>,
    wanted: usize,
) -> Result<Vec<Neighbour>, Failure> {
    let nearest: Vec<_> = people.iter().map(|faces| faces[0].distance).collect();
    let mut following = nearest.iter().skip(1).copied().chain([f32::INFINITY]);
    let lookups = people.into_iter().map(|faces| look_up(pictures, now, faces));
    let mut lookups = std::pin::pin!(stream::iter(lookups).buffered(LOOKUPS.min(wanted)));
    let mut matches: Vec<Neighbour> = Vec::with_capacity(wanted);
    while let Some(person) = lookups.next().await {
        matches.extend(person?);
        // Somebody whose nearest face is gone may be further away than who comes next.
        matches.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        let next = following.next().unwrap_or(f32::INFINITY);
        if matches.get(wanted - 1).is_some_and(|last| last.distance <= next) {
            break;
        }
    }
    matches.truncate(wanted);
    Ok(matches)
}

/// A person by the nearest face that is still there; nobody if none is.
async fn look_up(
    pictures: &impl Pictures,
    now: u64,
    faces: Vec<Near>,
) -> Result<Option<Neighbour>, Failure> {
    let Some(first) = faces.first() else { return Ok(None) };
    let present = people::faces(pictures, now, secret::person(&first.id)).await?;
    let nearest = faces.into_iter().find(|face| present.contains(&face.id));
    Ok(nearest.map(|Near { id, name, distance }| Neighbour {
        id,
        name,
        distance,
        pictures: present.len(),
    }))
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::fake::{Fake, embedding, face, now};

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
    fn of(person: char, number: u8, angle: f32) -> crate::store::Face {
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
        // Who has lost the nearest face comes later.
        fake.pictures.borrow_mut().remove(&id('a', 2));
        let two: Vec<_> = found(2).iter().map(|near| (near.id.clone(), near.pictures)).collect();
        assert_eq!(two, [(id('b', 1), 2), (id('c', 1), 1)]);
        assert_eq!(found(3)[2].id, id('a', 1));
    }

    #[test]
    fn strangers_are_not_looked_at() {
        let fake = Fake::default();
        fake.insert(of('a', 1, 0.5), "");
        fake.insert(of('b', 1, 1.5), "");
        let query = Search { distance_max: 1.0, ..query(5) };
        let found = now(search(&fake, &fake, &fake, &query)).unwrap().matches;
        assert_eq!(found.len(), 1);
        assert_eq!(fake.calls("pictures.page"), 1);
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
    fn faces_without_picture_make_room_for_others() {
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
    fn a_search_for_only_gone_faces_ends() {
        let fake = Fake::default();
        for i in 0..60 {
            fake.insert(face(&format!("{i:02}"), 0.1), "");
        }
        fake.pictures.borrow_mut().clear();
        assert!(ids(&fake, 3).is_empty());
    }

    #[test]
    fn faces_whose_time_is_over_do_not_match() {
        let fake = Fake::default();
        fake.insert(face("a", 0.0), "");
        fake.now.set(12 * 3600 * 1000 - 1);
        assert_eq!(ids(&fake, 1), ["a"]);
        fake.now.set(12 * 3600 * 1000);
        assert!(ids(&fake, 1).is_empty());
    }

    #[test]
    fn failures_are_not_taken_for_gone_faces() {
        let fake = Fake::breaking(&["pictures.page"]);
        fake.insert(face("a", 0.0), "");
        assert!(matches!(now(search(&fake, &fake, &fake, &query(1))), Err(Trouble::Failure(_))));
    }

    #[track_caller]
    fn refused(request: &Value, kind: Kind) {
        match read(request.to_string().as_bytes()) {
            Err(Trouble::Problem(problem)) => assert_eq!(problem.kind, kind),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unusable_requests_are_refused() {
        let request = |top_k: i32| {
            json!({"namespace": "n", "embedding": embedding(0.0), "top_k": top_k,
                "distance_max": 1.0})
        };
        assert!(read(request(20).to_string().as_bytes()).is_ok());
        refused(&request(0), Kind::Unusable);
        refused(&request(21), Kind::Unusable);
        refused(&request(-1), Kind::Malformed);
        refused(&json!({"namespace": "n", "top_k": 1, "distance_max": 1}), Kind::Malformed);
        for distance_max in [-0.1, 2.1] {
            let mut request = request(1);
            request["distance_max"] = json!(distance_max);
            refused(&request, Kind::Unusable);
        }
        refused(&json!([]), Kind::Malformed);
    }
}
