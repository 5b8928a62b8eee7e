//! The daily purge. It deletes every face that has expired, in two steps.
//!
//! 1. It lists the bucket page by page. For each page it writes one tombstone, then deletes the
//!    pictures. From then on the faces match nobody.
//! 2. It deletes the vectors of all tombstones, and the tombstones that are no longer needed.
//!
//! A run repeats both steps up to twice when a call fails. What it still leaves is found by the
//! next run, because the picture or the tombstone is still there. Two runs at once do no harm: both
//! delete what they find.
//!
//! For 5,000 faces a run makes 16 calls for the pictures and 56 for the vectors, and the run of the
//! next day 308 for the tombstones, most of them to ask the index whether it still has the vectors.
//! Cloudflare allows a run 10,000 calls (1,000 to its own services on the Free plan), which is
//! enough for more than 100,000 faces a day. A run that is cut short leaves the rest to the next.

use std::collections::HashSet;
use std::fmt;

use wire::faces::is_id;

use crate::clock::Clock;
use crate::error::StoreError;
use crate::stores::{DELETE_VECTORS_MAX, Entry, LOOK_UP_VECTORS_MAX, Page, Pictures, Vectors};
use crate::tombstone;

/// How long to wait before the steps are repeated. The first pause is for a call that just went
/// wrong, the second for an index that is asked too much.
const PAUSES_MS: [u64; 2] = [1_000, 20_000];

/// Failures that the log quotes.
const QUOTED_MAX: usize = 5;

/// What a run did. Displays as a line for the log, without ids.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Faces whose pictures were deleted.
    pub(crate) removed: usize,
    /// Faces whose pictures could not be deleted.
    pub(crate) left: usize,
    /// Vectors whose deletion the index accepted.
    pub(crate) vectors: usize,
    /// Tombstones that were deleted.
    pub(crate) tombstones_removed: usize,
    /// Tombstones that are still needed.
    pub(crate) tombstones_kept: usize,
    /// The calls that failed.
    pub(crate) failures: Vec<StoreError>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed, left, vectors, tombstones_removed, tombstones_kept, failures } = self;
        write!(f, "purge: {removed} faces removed, {left} left, {vectors} vectors deleted, ")?;
        write!(f, "{tombstones_removed} tombstones removed, {tombstones_kept} kept, ")?;
        write!(f, "{} failures", failures.len())?;
        failures.iter().take(QUOTED_MAX).try_for_each(|failure| write!(f, "; {failure}"))
    }
}

/// Deletes every face that was stored before `due_ms`. Faces that were stored later stay until the
/// next purge, as their `expires_at` says.
pub(crate) async fn purge(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    due_ms: u64,
) -> Report {
    let mut report = Report::default();
    let mut pauses = PAUSES_MS.into_iter();
    loop {
        let failures = report.failures.len();
        // These describe the last repetition only.
        (report.left, report.vectors, report.tombstones_kept) = (0, 0, 0);
        let mut run = Run { vectors, pictures, due_ms, report: &mut report };
        run.delete_pictures().await;
        run.delete_vectors_of_tombstones().await;
        if report.failures.len() == failures {
            return report;
        }
        let Some(pause_ms) = pauses.next() else { return report };
        clock.pause(pause_ms).await;
    }
}

/// Both steps, once.
struct Run<'a, V, P> {
    vectors: &'a V,
    pictures: &'a P,
    due_ms: u64,
    report: &'a mut Report,
}

impl<V: Vectors, P: Pictures> Run<'_, V, P> {
    /// The first step.
    async fn delete_pictures(&mut self) {
        let mut cursor = None;
        while let Some(page) = self.list("", cursor).await {
            let due = page.entries.into_iter().filter(|entry| entry.uploaded_ms < self.due_ms);
            let (ids, others) = due
                .map(|entry| entry.key)
                .filter(|key| !key.starts_with(tombstone::PREFIX))
                .partition::<Vec<_>, _>(|key| is_id(key));
            self.delete_page(ids, others).await;
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    /// Deletes the pictures of one page, and the `others`: objects that no enrolment has stored.
    async fn delete_page(&mut self, ids: Vec<String>, others: Vec<String>) {
        let mut keys = others;
        let mut faces = 0;
        if !ids.is_empty() {
            // Without a tombstone the pictures stay: only they tell the ids of the vectors.
            match self.put_tombstone(&ids).await {
                Ok(()) => {
                    faces = ids.len();
                    keys.extend(ids);
                }
                Err(failure) => {
                    self.report.left += ids.len();
                    self.report.failures.push(failure);
                }
            }
        }
        // R2 refuses a deletion of nothing.
        if keys.is_empty() {
            return;
        }
        match self.pictures.delete(&keys).await {
            Ok(()) => self.report.removed += faces,
            Err(failure) => {
                self.report.left += faces;
                self.report.failures.push(failure);
            }
        }
    }

    async fn put_tombstone(&self, ids: &[String]) -> Result<(), StoreError> {
        self.pictures.put_tombstone(&tombstone::new_key()?, ids).await
    }

    /// The second step.
    async fn delete_vectors_of_tombstones(&mut self) {
        let mut cursor = None;
        while let Some(page) = self.list(tombstone::PREFIX, cursor).await {
            self.process_tombstones(&page.entries).await;
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    async fn process_tombstones(&mut self, tombstones: &[Entry]) {
        let (old, young): (Vec<_>, Vec<_>) = tombstones
            .iter()
            .partition(|entry| entry.uploaded_ms + tombstone::GRACE_MS <= self.due_ms);
        let mut needless = self.delete_vectors_of(&young, Age::Young).await;
        needless.extend(self.delete_vectors_of(&old, Age::Old).await);
        self.report.tombstones_kept += tombstones.len() - needless.len();
        if needless.is_empty() {
            return;
        }
        match self.pictures.delete(&needless).await {
            Ok(()) => self.report.tombstones_removed += needless.len(),
            Err(failure) => {
                self.report.tombstones_kept += needless.len();
                self.report.failures.push(failure);
            }
        }
    }

    /// Deletes the vectors of tombstones, which are all of this age. Returns the keys of the
    /// tombstones that are no longer needed.
    async fn delete_vectors_of(&mut self, tombstones: &[&Entry], age: Age) -> Vec<String> {
        let mut needless = Vec::new();
        let (mut single_keys, mut single_ids) = (Vec::new(), Vec::new());
        for Entry { key, .. } in tombstones {
            if let Some(id) = tombstone::id_in(key) {
                // Deleted together below: a call takes many ids.
                single_keys.push(key);
                single_ids.push(id.to_owned());
                continue;
            }
            match self.pictures.read_tombstone(key).await {
                Ok(ids) if self.delete_vectors(&ids, age).await.is_empty() => {
                    needless.push(key.clone());
                }
                Ok(_) => {}
                Err(failure) => self.report.failures.push(failure),
            }
        }
        let remaining = self.delete_vectors(&single_ids, age).await;
        let pairs = single_keys.into_iter().zip(&single_ids);
        needless
            .extend(pairs.filter(|(_, id)| !remaining.contains(*id)).map(|(key, _)| key.clone()));
        needless
    }

    /// Deletes vectors. Returns the ids whose vectors the index may still have or get.
    async fn delete_vectors(&mut self, ids: &[String], age: Age) -> HashSet<String> {
        let mut remaining = HashSet::new();
        for batch in ids.chunks(DELETE_VECTORS_MAX) {
            let deleted = self.vectors.delete(batch).await;
            if deleted.is_ok() {
                self.report.vectors += batch.len();
            }
            if age == Age::Old && deleted.is_ok() {
                self.look_up(batch, &mut remaining).await;
            } else {
                remaining.extend(batch.iter().cloned());
            }
            self.report.failures.extend(deleted.err());
        }
        remaining
    }

    /// Adds those ids to `remaining` whose vectors the index may still have.
    async fn look_up(&mut self, ids: &[String], remaining: &mut HashSet<String>) {
        for few in ids.chunks(LOOK_UP_VECTORS_MAX) {
            match self.vectors.present(few).await {
                Ok(present) => remaining.extend(present),
                Err(failure) => {
                    remaining.extend(few.iter().cloned());
                    self.report.failures.push(failure);
                }
            }
        }
    }

    /// A page of objects, or `None` when the bucket does not list them.
    async fn list(&mut self, prefix: &str, cursor: Option<String>) -> Option<Page> {
        match self.pictures.list(prefix, cursor).await {
            Ok(page) => Some(page),
            Err(failure) => {
                self.report.failures.push(failure);
                None
            }
        }
    }
}

/// How old tombstones are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    /// An enrolment from before the tombstone may still be under way, and write a vector after this
    /// run has deleted it. So the tombstone stays.
    Young,
    /// Older than [`tombstone::GRACE_MS`]. The tombstone can go once the index has none of its
    /// vectors.
    Old,
}

#[cfg(test)]
mod tests;
