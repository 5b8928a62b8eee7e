//! What an operator does with all faces: list them, delete any of them, and empty the gallery. No
//! delete token is asked for here: the public Worker asks for a key of scope `admin`.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use wire::faces::{Listed, Listing, is_id};
use wire::limits::LISTED_FACES_MAX;

use crate::clock::{self, Clock};
use crate::error::{Error, Outcome, StoreError};
use crate::purge::{self, Report};
use crate::stores::{Entry, LOOK_UP_VECTORS_MAX, Pictures, Vectors};
use crate::{deletion, face, id, tombstone};

/// Names looked up at once: a Worker may wait for six connections.
const LOOKUPS: usize = 6;

/// How far the clock of R2 may be ahead of ours, in milliseconds.
const CLOCKS_DIFFER_MS_MAX: u64 = 60_000;

/// The faces whose ids come after an id, or the first ones; at most [`LISTED_FACES_MAX`]. R2 says
/// which there are, and the index has their names. A page ends with the last face of a person, so
/// that all pictures of a person are counted.
pub(crate) async fn list(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    after: Option<&str>,
) -> Result<Listing, Error> {
    let (mut faces, has_more) = faces_after(pictures, after).await?;
    if has_more {
        end_with_a_person(&mut faces);
    }
    let next = faces.last().filter(|_| has_more).map(|last| last.key.clone());
    let now_ms = clock.now_ms();
    faces.retain(|face| now_ms < clock::next_purge_ms(face.uploaded_ms));
    let ids: Vec<String> = faces.iter().map(|face| face.key.clone()).collect();
    let lookups = ids.chunks(LOOK_UP_VECTORS_MAX).map(|some| vectors.names(some));
    let names: Vec<_> = stream::iter(lookups).buffered(LOOKUPS).try_concat().await?;
    let name = |id: &str| names.iter().find(|(known, _)| known == id).map(|(_, name)| name.clone());
    let pictures = |id: &str| ids.iter().filter(|own| id::person(own) == id::person(id)).count();
    let listed = faces.iter().map(|Entry { key, uploaded_ms }| Listed {
        id: key.clone(),
        name: name(key),
        pictures: pictures(key),
        expires_at: clock::rfc3339(clock::next_purge_ms(*uploaded_ms)),
    });
    Ok(Listing { faces: listed.collect(), next })
}

/// Some faces whose ids come after an id, and whether there may be more. Other programs' objects
/// may lie between them.
async fn faces_after(
    pictures: &impl Pictures,
    after: Option<&str>,
) -> Result<(Vec<Entry>, bool), StoreError> {
    let mut after = after.map(str::to_owned);
    loop {
        let page = pictures.list_after(after.as_deref(), LISTED_FACES_MAX as u32).await?;
        after = page.entries.last().map(|last| last.key.clone());
        // Behind the ids there are the tombstones.
        let is_behind = after.as_deref().is_none_or(|last| last >= tombstone::PREFIX);
        let has_more = page.cursor.is_some() && !is_behind;
        let mut faces = page.entries;
        faces.retain(|entry| is_id(&entry.key));
        if !has_more || !faces.is_empty() {
            return Ok((faces, has_more));
        }
    }
}

/// Leaves out the last person's faces, some of which may be on the next page; but not when there is
/// nobody else.
fn end_with_a_person(faces: &mut Vec<Entry>) {
    let Some(last) = faces.last().map(|face| id::person(&face.key).to_owned()) else { return };
    let first = faces.iter().position(|face| id::person(&face.key) == last);
    if let Some(first) = first.filter(|&first| first > 0) {
        faces.truncate(first);
    }
}

/// Deletes a face.
pub(crate) async fn delete(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    id: &str,
) -> Result<Outcome<()>, Error> {
    if !is_id(id) || pictures.metadata(id).await?.is_none() {
        return Err(face::unknown());
    }
    Ok(deletion::delete(vectors, pictures, &[id.to_owned()]).await.outcome()?)
}

/// Deletes every face that is stored when this is called, as the purge does.
///
/// # Errors
/// When some are left. What was deleted stays deleted, and the next call finds the rest.
pub(crate) async fn empty(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
) -> Result<Report, StoreError> {
    let now_ms = clock.now_ms();
    let report = purge::purge(vectors, pictures, clock, now_ms + CLOCKS_DIFFER_MS_MAX, 0).await;
    if report.left > 0 || !report.has_seen_all {
        return Err(StoreError::new("emptying the gallery", report.to_string()));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use wire::Kind;

    use super::*;
    use crate::stores::fake::{Fake, face, now};

    /// The id of a face of a person, in the order of both numbers.
    fn id_of(person: usize, number: usize) -> String {
        format!("{person:016x}{number:016x}")
    }

    /// So many people with so many faces each.
    fn filled(people: usize, each: usize) -> Fake {
        let fake = Fake::default();
        for person in 0..people {
            for number in 0..each {
                fake.insert(face(&id_of(person, number), 0.0), "");
            }
        }
        fake
    }

    /// All pages, one after the other.
    fn pages(fake: &Fake) -> Vec<Listing> {
        let mut pages: Vec<Listing> = Vec::new();
        loop {
            let after = pages.last().and_then(|page| page.next.clone());
            if !pages.is_empty() && after.is_none() {
                return pages;
            }
            pages.push(now(list(fake, fake, fake, after.as_deref())).unwrap());
        }
    }

    #[test]
    fn every_face_is_listed_once_with_all_pictures_counted() {
        for (people, each) in [(0, 0), (1, 1), (100, 1), (101, 1), (50, 7), (13, 8)] {
            let fake = filled(people, each);
            // Objects of others are no faces, and neither are tombstones.
            for (number, stranger) in ["", "-", ".jpg", "/a"].into_iter().enumerate() {
                fake.insert(face(&format!("{number:x}{stranger}"), 0.0), "");
            }
            for number in 0..150 {
                fake.insert(face(&format!("000/{number}"), 0.0), "");
            }
            fake.tombstones.borrow_mut().insert("gone/x".into(), (vec![], 0));
            let pages = pages(&fake);
            let faces: Vec<_> = pages.iter().flat_map(|page| &page.faces).collect();
            let ids: Vec<_> = faces.iter().map(|face| face.id.clone()).collect();
            let all: Vec<_> =
                (0..people).flat_map(|p| (0..each).map(move |number| id_of(p, number))).collect();
            assert_eq!(ids, all);
            for face in faces {
                assert_eq!(face.name, Some(format!("name of {}", face.id)));
                assert_eq!((face.pictures, &*face.expires_at), (each, "1970-01-01T12:00:00Z"));
            }
            assert!(pages.iter().all(|page| page.faces.len() <= LISTED_FACES_MAX));
        }
    }

    #[test]
    fn a_face_that_the_index_has_not_yet_has_no_name() {
        let fake = filled(2, 1);
        fake.vectors.borrow_mut().remove(&id_of(0, 0));
        let listing = now(list(&fake, &fake, &fake, None)).unwrap();
        let names: Vec<_> = listing.faces.iter().map(|face| face.name.is_some()).collect();
        assert_eq!(names, [false, true]);
    }

    #[test]
    fn expired_faces_are_not_listed() {
        let fake = filled(2, 1);
        fake.now_ms.set(12 * 3600 * 1000);
        assert!(now(list(&fake, &fake, &fake, None)).unwrap().faces.is_empty());
    }

    #[test]
    fn any_face_is_deleted_and_no_other() {
        let fake = filled(2, 2);
        now(delete(&fake, &fake, &id_of(1, 0))).unwrap();
        assert_eq!(fake.counts(), (3, 3));
        for stranger in [&id_of(1, 0), "gone/x", "..", ""] {
            match now(delete(&fake, &fake, stranger)) {
                Err(Error::Problem(problem)) => assert_eq!(problem.kind, Kind::NotFound),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(fake.counts(), (3, 3));
    }

    #[test]
    fn nothing_is_left_of_an_emptied_gallery() {
        let fake = filled(130, 8);
        fake.now_ms.set(1000);
        // By the clock of R2, which is a little ahead.
        fake.insert(face(&id_of(999, 0), 0.0), "");
        fake.now_ms.set(999);
        let report = now(empty(&fake, &fake, &fake)).unwrap();
        assert_eq!(report.removed, 1041);
        assert_eq!(fake.counts(), (0, 0));
        assert!(!fake.tombstones.borrow().is_empty(), "the next purge repeats the deletions");
        now(empty(&fake, &fake, &fake)).unwrap();
    }

    #[test]
    fn what_could_not_be_emptied_is_said() {
        for broken in ["pictures.put_ids", "pictures.delete", "pictures.list"] {
            let fake = filled(3, 1);
            fake.broken.borrow_mut().insert(broken);
            assert!(now(empty(&fake, &fake, &fake)).is_err(), "{broken}");
            fake.broken.borrow_mut().clear();
            now(empty(&fake, &fake, &fake)).unwrap();
            assert_eq!(fake.counts(), (0, 0));
        }
    }
}
