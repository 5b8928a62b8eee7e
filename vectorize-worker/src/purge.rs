//! The daily purge: removes every face whose time is over, page by page. First the pictures, so
//! that nobody is found any more, with a tombstone for each page; then the vectors of all
//! tombstones. What fails is tried again in the same run, and else left for the next, which finds
//! it by its picture or its tombstone. Two runs at once do no harm: both delete what is there.
//!
//! Calls for 5,000 faces: 16 for their pictures, 56 for their vectors, and 308 the day after for
//! their tombstones, most of them to ask the index whether it still has them. A Worker may make
//! 10,000 in a run (1,000 to Cloudflare's own services on the Free plan), enough for more than
//! 100,000 faces a day; a run that is cut short leaves the rest to the next.

use std::{collections::HashSet, fmt};

use wire::faces::is_id;

use crate::{
    clock::Clock,
    store::{DELETE_VECTORS_MAX, Entry, Failure, LOOK_UP_VECTORS_MAX, Page, Pictures, Vectors},
    tombstone,
};

/// How long to wait before what failed is tried again, in milliseconds: the first for a call that
/// just went wrong, the second for an index that is asked too much.
const PAUSES_MS: [u64; 2] = [1_000, 20_000];

/// Failures that the log quotes.
const QUOTED_MAX: usize = 5;

/// What a run did. Displays as a line for the log, without ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Faces whose pictures were removed.
    pub(crate) removed: usize,
    /// Faces whose pictures could not be removed.
    pub(crate) left: usize,
    /// Vectors whose deletion the index took.
    pub(crate) vectors: usize,
    /// Tombstones that were removed.
    pub(crate) settled: usize,
    /// Tombstones that are kept until the index has surely forgotten their faces.
    pub(crate) kept: usize,
    /// What the stores said.
    pub(crate) failures: Vec<Failure>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed, left, vectors, settled, kept, failures } = self;
        write!(f, "purge: {removed} faces removed, {left} left, {vectors} vectors deleted, ")?;
        write!(f, "{settled} tombstones removed, {kept} kept, {} failures", failures.len())?;
        failures.iter().take(QUOTED_MAX).try_for_each(|failure| write!(f, "; {failure}"))
    }
}

/// Removes everything stored before `due`, in milliseconds since 1970. Later faces were promised
/// a day: their `expires_at` is the next purge.
pub(crate) async fn purge(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    due: u64,
) -> Report {
    let mut report = Report::default();
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let failures = report.failures.len();
        (report.left, report.vectors, report.kept) = (0, 0, 0);
        let mut run = Run { vectors, pictures, due, report: &mut report };
        run.remove_pictures().await;
        run.settle_tombstones().await;
        if report.failures.len() == failures {
            return report;
        }
        let Some(pause) = pauses.next() else { return report };
        clock.pause(pause).await;
    }
}

/// One time through both stores.
struct Run<'a, V, P> {
    vectors: &'a V,
    pictures: &'a P,
    due: u64,
    report: &'a mut Report,
}

impl<V: Vectors, P: Pictures> Run<'_, V, P> {
    async fn remove_pictures(&mut self) {
        let mut cursor = None;
        while let Some(page) = self.page("", cursor).await {
            let due = page.entries.into_iter().filter(|entry| entry.uploaded < self.due);
            let keys = due.map(|entry: Entry| entry.key);
            let (ids, others) = keys
                .filter(|key| !key.starts_with(tombstone::PREFIX))
                .partition::<Vec<_>, _>(|key| is_id(key));
            self.remove_page(ids, others).await;
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    /// Removes the pictures of one page, and objects that no enrolment made.
    async fn remove_page(&mut self, ids: Vec<String>, others: Vec<String>) {
        let mut gone = others;
        let mut faces = 0;
        if !ids.is_empty() {
            // Until the tombstone stands, the pictures are what leads to the vectors.
            match self.mark(&ids).await {
                Ok(()) => {
                    faces = ids.len();
                    gone.extend(ids);
                }
                Err(failure) => {
                    self.report.left += ids.len();
                    self.report.failures.push(failure);
                }
            }
        }
        // R2 refuses a deletion of nothing.
        if gone.is_empty() {
            return;
        }
        match self.pictures.delete(&gone).await {
            Ok(()) => self.report.removed += faces,
            Err(failure) => {
                self.report.left += faces;
                self.report.failures.push(failure);
            }
        }
    }

    async fn mark(&self, ids: &[String]) -> Result<(), Failure> {
        self.pictures.mark(&tombstone::new_key()?, ids).await
    }

    /// Deletes the vectors of all tombstones, and those tombstones that have done their duty.
    async fn settle_tombstones(&mut self) {
        let mut cursor = None;
        while let Some(page) = self.page(tombstone::PREFIX, cursor).await {
            self.settle_page(&page.entries).await;
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    async fn settle_page(&mut self, entries: &[Entry]) {
        let mut settled = Vec::new();
        for may_settle in [false, true] {
            let stones =
                || entries.iter().filter(|stone| self.may_settle(stone.uploaded) == may_settle);
            let (singles, batches): (Vec<_>, Vec<_>) =
                stones().partition(|stone| tombstone::face_of(&stone.key).is_some());
            let faces = singles.iter().filter_map(|stone| tombstone::face_of(&stone.key));
            let faces: Vec<_> = faces.map(ToOwned::to_owned).collect();
            let left = self.forget(&faces, may_settle).await;
            let done = singles.iter().filter(|stone| {
                tombstone::face_of(&stone.key).is_some_and(|face| !left.contains(face))
            });
            settled.extend(done.map(|stone| stone.key.clone()));
            for stone in batches {
                if self.settle_batch(&stone.key, may_settle).await {
                    settled.push(stone.key.clone());
                }
            }
        }
        self.report.kept += entries.len() - settled.len();
        if settled.is_empty() {
            return;
        }
        match self.pictures.delete(&settled).await {
            Ok(()) => self.report.settled += settled.len(),
            Err(failure) => {
                self.report.kept += settled.len();
                self.report.failures.push(failure);
            }
        }
    }

    /// Whether nothing that was under way when the tombstone was made still is.
    fn may_settle(&self, uploaded: u64) -> bool {
        uploaded + tombstone::GRACE_MS <= self.due
    }

    async fn settle_batch(&mut self, key: &str, may_settle: bool) -> bool {
        match self.pictures.marked(key).await {
            Ok(ids) => self.forget(&ids, may_settle).await.is_empty() && may_settle,
            Err(failure) => {
                self.report.failures.push(failure);
                false
            }
        }
    }

    /// Deletes vectors, and returns those that the index may still have, or come to have: all
    /// unless `may_settle`.
    async fn forget(&mut self, ids: &[String], may_settle: bool) -> HashSet<String> {
        let mut left = HashSet::new();
        for batch in ids.chunks(DELETE_VECTORS_MAX) {
            let deleted = self.vectors.delete(batch).await;
            if deleted.is_ok() {
                self.report.vectors += batch.len();
            }
            if may_settle && deleted.is_ok() {
                self.look_for(batch, &mut left).await;
            } else {
                left.extend(batch.iter().cloned());
            }
            self.report.failures.extend(deleted.err());
        }
        left
    }

    /// Adds those ids to `left` that the index may still have.
    async fn look_for(&mut self, ids: &[String], left: &mut HashSet<String>) {
        for few in ids.chunks(LOOK_UP_VECTORS_MAX) {
            match self.vectors.present(few).await {
                Ok(present) => left.extend(present),
                Err(failure) => {
                    left.extend(few.iter().cloned());
                    self.report.failures.push(failure);
                }
            }
        }
    }

    /// A page of objects, or nothing when the bucket does not list them.
    async fn page(&mut self, prefix: &str, cursor: Option<String>) -> Option<Page> {
        match self.pictures.page(prefix, cursor).await {
            Ok(page) => Some(page),
            Err(failure) => {
                self.report.failures.push(failure);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
