//! Deletions that the index did not take. Their pictures are gone, so the faces match nobody, but
//! names and numbers are still in the index.
//!
//! Each is noted as a [tombstone] of its own kind. It is tried again within seconds by the request
//! that noted it ([`finish_soon`]), and by every trigger of the cron ([`finish`]). If the note is
//! lost, the purge finds the tombstone of the deletion.

use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use wire::log::{self, Level, Worker};

use crate::clock::Clock;
use crate::error::StoreError;
use crate::stores::{CALLS_AT_ONCE, DELETE_VECTORS_MAX, Pictures, Vectors};
use crate::tombstone;

/// How long a request that has been answered waits before each further try. The runtime ends it
/// after 30 s.
const PAUSES_MS: [u64; 4] = [1_000, 3_000, 7_000, 12_000];

/// What became of the deletions that were noted.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Deletions that the index has taken now.
    pub(crate) finished: usize,
    /// Deletions that it has not taken.
    pub(crate) waiting: usize,
    /// The calls that failed.
    pub(crate) failures: Vec<StoreError>,
}

impl Report {
    /// Writes counts to the log, if there was anything to do.
    pub(crate) fn log(&self) {
        let Self { finished, waiting, failures } = self;
        if finished + waiting + failures.len() == 0 {
            return;
        }
        let level = if failures.is_empty() { Level::Info } else { Level::Warn };
        let faults = failures.first().map(ToString::to_string).into_iter().collect();
        let facts = Facts { finished: *finished, waiting: *waiting, faults };
        log::event(level, Worker::Private, "deletions repeated", &facts);
    }
}

#[derive(Serialize)]
struct Facts {
    finished: usize,
    waiting: usize,
    /// The first of them.
    faults: Vec<String>,
}

/// Notes a deletion that failed.
pub(crate) async fn note(pictures: &impl Pictures, ids: &[String]) -> Result<(), StoreError> {
    pictures.put_ids(&tombstone::new_pending_key()?, ids).await
}

/// Tries again what is noted, after pauses, until all is done or the pauses are used up.
pub(crate) async fn finish_soon(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
) -> Report {
    let mut total = Report::default();
    for pause_ms in PAUSES_MS {
        clock.pause(pause_ms).await;
        let report = finish(vectors, pictures).await;
        let done = report.waiting == 0 && report.failures.is_empty();
        total.finished += report.finished;
        total.waiting = report.waiting;
        total.failures.extend(report.failures);
        if done {
            break;
        }
    }
    total
}

/// Tries once what is noted, up to a page of the bucket.
pub(crate) async fn finish(vectors: &impl Vectors, pictures: &impl Pictures) -> Report {
    let mut report = Report::default();
    let page = match pictures.list(tombstone::PENDING_PREFIX, None).await {
        Ok(page) => page,
        Err(failure) => return Report { failures: vec![failure], ..report },
    };
    // Others may keep objects whose keys begin alike.
    let notes = page.entries.into_iter().filter(|entry| tombstone::is_ours(&entry.key));
    let tries = notes.map(async |entry| {
        let done = delete_vectors(vectors, pictures, &entry.key).await;
        done.map(|()| entry.key)
    });
    let outcomes: Vec<_> = stream::iter(tries).buffer_unordered(CALLS_AT_ONCE).collect().await;
    let mut done = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(key) => done.push(key),
            Err(failure) => report.failures.push(failure),
        }
    }
    report.waiting = report.failures.len();
    report.finished = done.len();
    if !done.is_empty() {
        // A note that stays is tried once more, which does no harm.
        report.failures.extend(pictures.delete(&done).await.err());
    }
    report
}

/// Deletes the vectors that a note lists.
async fn delete_vectors(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    key: &str,
) -> Result<(), StoreError> {
    for batch in pictures.read_ids(key).await?.chunks(DELETE_VECTORS_MAX) {
        vectors.delete(batch).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion;
    use crate::stores::fake::{Fake, face, now};

    fn id(i: u32) -> String {
        format!("{i:032x}")
    }

    /// So many faces whose deletion the index has not taken.
    fn waiting(count: u32) -> Fake {
        let fake = Fake::breaking(&["vectors.delete"]);
        for i in 0..count {
            fake.insert(face(&id(i), 0.0), "");
            let deletion = now(deletion::delete(&fake, &fake, &[id(i)]));
            assert!(deletion.pictures.is_ok() && deletion.vectors.is_err());
        }
        assert_eq!(fake.counts(), (count as usize, 0));
        fake
    }

    #[test]
    fn what_the_index_did_not_take_is_tried_again_until_it_does() {
        let fake = waiting(7);
        let report = now(finish(&fake, &fake));
        assert_eq!((report.finished, report.waiting, report.failures.len()), (0, 7, 7));
        fake.broken.borrow_mut().clear();
        let report = now(finish(&fake, &fake));
        assert_eq!((report.finished, report.waiting, report.failures.len()), (7, 0, 0));
        assert_eq!(fake.counts(), (0, 0));
        assert_eq!(fake.tombstones.borrow().len(), 7, "those of the deletions stay");
        fake.journal.borrow_mut().clear();
        assert_eq!(now(finish(&fake, &fake)).finished, 0);
        assert_eq!(*fake.journal.borrow(), ["pictures.list"], "there is nothing to do");
    }

    #[test]
    fn a_request_tries_for_less_than_half_a_minute() {
        let fake = waiting(1);
        let report = now(finish_soon(&fake, &fake, &fake));
        assert_eq!((report.finished, report.waiting, report.failures.len()), (0, 1, 4));
        assert!(fake.now_ms.get() < 30_000, "{} ms", fake.now_ms.get());
        fake.broken.borrow_mut().clear();
        let report = now(finish_soon(&fake, &fake, &fake));
        assert_eq!((report.finished, report.waiting), (1, 0));
        assert_eq!(fake.counts(), (0, 0));
    }

    #[test]
    fn one_failure_does_not_stop_the_others() {
        for broken in ["pictures.list", "pictures.read_ids", "vectors.delete", "pictures.delete"] {
            let fake = waiting(3);
            fake.broken.borrow_mut().clear();
            let place = fake.journal.borrow().len();
            fake.broken.borrow_mut().insert(broken);
            assert!(!now(finish(&fake, &fake)).failures.is_empty(), "{broken}");
            fake.broken.borrow_mut().clear();
            assert!(fake.journal.borrow().len() > place);
            now(finish(&fake, &fake));
            assert_eq!(fake.counts(), (0, 0), "{broken}");
        }
    }
}
