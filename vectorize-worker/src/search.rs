//! `POST /match`: finds the nearest faces.

use futures_util::{StreamExt as _, stream};
use wire::{
    Kind,
    faces::{Neighbour, Neighbours, Search},
    limits::TOP_K_MAX,
};

use crate::{
    check,
    clock::Clock,
    store::{CANDIDATES_MAX, Candidate, Failure, Pictures, Trouble, Vectors},
};

/// Candidates beyond those asked for: some may have been deleted, which the index learns late.
const SPARE: u32 = 5;

/// Pictures looked up at once: a Worker may wait for six connections.
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
    Ok(search)
}

/// The nearest faces that still exist, which the index does not know. Looks at few candidates
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
        let all = found.len() < count as usize || count >= CANDIDATES_MAX;
        let ranked = ranked(found, &search.embedding);
        let matches = present(pictures, clock.now(), ranked, wanted).await?;
        if all || matches.len() == wanted {
            return Ok(Neighbours { matches });
        }
        count = CANDIDATES_MAX;
    }
}

/// Candidates by their exact distance: the scores of the index may be approximate.
fn ranked(candidates: Vec<Candidate>, query: &[f32]) -> Vec<Neighbour> {
    let mut neighbours: Vec<Neighbour> = candidates
        .into_iter()
        .map(|Candidate { id, name, embedding }| {
            let distance = distance(&embedding, query);
            Neighbour { id, name, distance }
        })
        .collect();
    neighbours.sort_by(|a, b| a.distance.total_cmp(&b.distance).then_with(|| a.id.cmp(&b.id)));
    neighbours
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    let square = |(x, y): (&f32, &f32)| (f64::from(*x) - f64::from(*y)).powi(2);
    a.iter().zip(b).map(square).sum::<f64>().sqrt() as f32
}

/// The first `wanted` that have a picture and are not over.
async fn present(
    pictures: &impl Pictures,
    now: u64,
    ranked: Vec<Neighbour>,
    wanted: usize,
) -> Result<Vec<Neighbour>, Failure> {
    let lookups = ranked.into_iter().map(async |neighbour| {
        let label = pictures.label(&neighbour.id).await?;
        Ok::<_, Failure>(label.filter(|label| !label.is_over(now)).map(|_| neighbour))
    });
    let mut lookups = std::pin::pin!(stream::iter(lookups).buffered(LOOKUPS.min(wanted)));
    let mut matches = Vec::with_capacity(wanted);
    while let Some(neighbour) = lookups.next().await {
        matches.extend(neighbour?);
        if matches.len() == wanted {
            break;
        }
    }
    Ok(matches)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::fake::{Fake, embedding, face, now};

    fn query(top_k: u32) -> Search {
        Search { namespace: "n".into(), embedding: embedding(0.0), top_k }
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
        let fake = Fake::breaking(&["pictures.label"]);
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
        let request =
            |top_k: i32| json!({"namespace": "n", "embedding": embedding(0.0), "top_k": top_k});
        assert!(read(request(20).to_string().as_bytes()).is_ok());
        refused(&request(0), Kind::Unusable);
        refused(&request(21), Kind::Unusable);
        refused(&request(-1), Kind::Malformed);
        refused(&json!({"namespace": "n", "top_k": 1}), Kind::Malformed);
        refused(&json!([]), Kind::Malformed);
    }
}
