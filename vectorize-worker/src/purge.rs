//! The daily purge: removes every face that was stored before it began, page by page. What
//! fails is left for the next run, which finds it by its picture. Two runs at once do no harm:
//! both delete what is there.

use std::fmt;

use wire::faces::is_id;

use crate::store::{DELETE_VECTORS_MAX, Entry, Failure, Pictures, Vectors};

/// What a run did. Displays as a line for the log, without ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Faces removed.
    pub(crate) removed: usize,
    /// Faces that could not be removed.
    pub(crate) left: usize,
    /// What the stores said.
    pub(crate) failures: Vec<Failure>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "purge: {} faces removed, {} left", self.removed, self.left)?;
        self.failures.iter().try_for_each(|failure| write!(f, "; {failure}"))
    }
}

/// Removes everything stored up to `until`, in milliseconds since 1970. Later faces were
/// promised a day: their `expires_at` is the next purge.
pub(crate) async fn purge(vectors: &impl Vectors, pictures: &impl Pictures, until: u64) -> Report {
    let mut report = Report::default();
    let mut cursor = None;
    loop {
        let page = match pictures.page(cursor).await {
            Ok(page) => page,
            Err(failure) => {
                report.failures.push(failure);
                return report;
            }
        };
        let due = page.entries.into_iter().filter(|entry| entry.uploaded <= until);
        let keys: Vec<String> = due.map(|entry: Entry| entry.key).collect();
        remove(vectors, pictures, keys, &mut report).await;
        cursor = page.cursor;
        if cursor.is_none() {
            return report;
        }
    }
}

/// Removes one page: vectors in the batches that the index takes, then the pictures of those
/// batches that went well.
async fn remove(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    keys: Vec<String>,
    report: &mut Report,
) {
    // A key that is no id never had a vector, and could spoil a whole batch.
    let (ids, mut gone): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| is_id(key));
    for batch in ids.chunks(DELETE_VECTORS_MAX) {
        match vectors.delete(batch).await {
            Ok(()) => gone.extend_from_slice(batch),
            Err(failure) => {
                report.left += batch.len();
                report.failures.push(failure);
            }
        }
    }
    // R2 refuses a deletion of nothing.
    if gone.is_empty() {
        return;
    }
    match pictures.delete(&gone).await {
        Ok(()) => report.removed += gone.len(),
        Err(failure) => {
            report.left += gone.len();
            report.failures.push(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Fake, face, now};

    fn filled(faces: u32) -> Fake {
        let fake = Fake::default();
        for i in 0..faces {
            fake.insert(face(&format!("{i:032x}"), 0.0), "");
        }
        fake
    }

    fn calls(fake: &Fake, name: &str) -> usize {
        fake.journal.borrow().iter().filter(|call| **call == name).count()
    }

    #[test]
    fn an_empty_bucket_needs_no_deletion() {
        let fake = filled(0);
        assert_eq!(now(purge(&fake, &fake, 0)), Report::default());
        assert_eq!(*fake.journal.borrow(), ["pictures.page"]);
    }

    #[test]
    fn everything_goes_in_pages_and_batches() {
        let fake = filled(2_345);
        let report = now(purge(&fake, &fake, 0));
        assert_eq!(report.to_string(), "purge: 2345 faces removed, 0 left");
        assert_eq!(fake.counts(), (0, 0));
        assert_eq!(calls(&fake, "pictures.page"), 3);
        assert_eq!(calls(&fake, "vectors.delete"), 10 + 10 + 4);
        assert_eq!(calls(&fake, "pictures.delete"), 3);
    }

    #[test]
    fn faces_stored_later_stay() {
        let fake = filled(3);
        fake.now.set(1001);
        fake.insert(face(&"f".repeat(32), 0.0), "");
        assert_eq!(now(purge(&fake, &fake, 1000)).removed, 3);
        assert_eq!(fake.counts(), (1, 1));
    }

    #[test]
    fn a_failure_leaves_what_the_next_run_finds() {
        for broken in ["vectors.delete", "pictures.delete", "pictures.page"] {
            let fake = filled(150);
            fake.broken.borrow_mut().push(broken);
            let report = now(purge(&fake, &fake, 0));
            assert_eq!(report.removed, 0);
            assert!(report.to_string().ends_with(": broken"), "{report}");
            assert_eq!(fake.counts().1, 150, "pictures outlive vectors");
            fake.broken.borrow_mut().clear();
            assert_eq!(now(purge(&fake, &fake, 0)).removed, 150);
            assert_eq!(fake.counts(), (0, 0));
        }
    }

    #[test]
    fn foreign_keys_go_without_troubling_the_index() {
        let fake = filled(0);
        fake.insert(face("a key that no enrolment made", 0.0), "");
        assert_eq!(now(purge(&fake, &fake, 0)).removed, 1);
        assert_eq!(calls(&fake, "vectors.delete"), 0);
    }
}
