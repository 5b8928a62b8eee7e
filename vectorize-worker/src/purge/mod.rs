//! The daily purge. It deletes every face that has expired, in two steps.
//!
//! 1. It lists the bucket page by page. For each page it writes one tombstone, then deletes the
//!    pictures. From then on the faces match nobody.
//! 2. It deletes the vectors of all tombstones, and the tombstones that are no longer needed.
//!
//! The boundary is the last noon, whenever the trigger comes. Triggers come at noon and several
//! times an hour; all but the first find that the purge of this noon is [complete](Last) and do
//! nothing. When it is not, or the trigger at noon was missed, the next one runs it.
//!
//! A call that fails is repeated after a pause. When it still fails, its batch is left to the next
//! run, which finds the picture or the tombstone, and the other batches go on. Two runs at once do
//! no harm: both delete what they find.
//!
//! For 5,000 faces a run makes 16 calls for the pictures and 56 for the vectors, and the run of the
//! next day 308 for the tombstones, most of them to ask the index whether it still has the vectors.
//! For 100,000 they are 301, 1,101 and 6,102, within the 10,000 that Cloudflare allows a run. The
//! second step makes five calls at once. At 150 ms a call, all of it takes less than five minutes.
//! Cloudflare ends a run after fifteen. So a run begins nothing new after ten, and leaves the rest
//! to the next trigger, which comes when it has surely ended. (On the Free plan a run may make
//! 1,000 calls: the triggers of a day go on with what is left.)
//!
//! Others may keep objects in the same bucket. Only keys of our own forms are touched: ids of
//! faces, and [tombstones](tombstone::is_ours).

mod last;
mod report;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _};
use wire::faces::is_id;

pub(crate) use last::Last;
pub(crate) use report::Report;

use crate::clock::{self, Clock};
use crate::error::StoreError;
use crate::stores::{
    CALLS_AT_ONCE, DELETE_VECTORS_MAX, Entry, LOOK_UP_VECTORS_MAX, Page, Pictures, Vectors,
};
use crate::tombstone;

/// How long to wait before a call is repeated, in milliseconds. The first pause is for a call that
/// failed by chance, the others are for a store that is overloaded.
const PAUSES_MS: [u64; 3] = [250, 1_000, 4_000];

/// For how long a run begins new calls, in milliseconds. Calls that are under way then take some
/// seconds, and the next trigger comes within a quarter of an hour.
const RUN_MS_MAX: u64 = 10 * 60 * 1000;

/// How long a run pauses in all, in milliseconds. After that, as in an outage, calls fail at once.
const PAUSES_IN_ALL_MS: u64 = 5 * 60 * 1000;

/// Answers a trigger of the cron that was due at `scheduled_ms`: runs the purge of the last noon,
/// unless it is complete. `None` when there was nothing to do.
pub(crate) async fn trigger(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    scheduled_ms: u64,
) -> Option<Report> {
    let noon_ms = clock::last_purge_ms(scheduled_ms);
    let (last, unread) = match Last::read(pictures).await {
        Ok(last) => (last, None),
        Err(failure) => (None, Some(failure)),
    };
    if last.as_ref().is_some_and(|last| last.is_complete && last.noon_ms >= noon_ms) {
        return None;
    }
    // A very late trigger must not write an older noon than a later one has.
    let noon_ms = last.as_ref().map_or(noon_ms, |last| last.noon_ms.max(noon_ms));
    let earlier_ended_ms = Last::ended_before(last.as_ref(), noon_ms);
    let mut report = purge(vectors, pictures, clock, noon_ms, earlier_ended_ms).await;
    report.failures.extend(unread);
    let last = Last::after(last.as_ref(), noon_ms, clock.now_ms(), &report);
    report.failures.extend(last.write(pictures).await.err());
    Some(report)
}

/// Deletes every face that was stored before `noon_ms`. Faces that were stored later stay until the
/// next purge, as their `expires_at` says. The purge of an earlier noon ended at
/// `earlier_ended_ms`; 0 when there was none.
pub(crate) async fn purge(
    vectors: &impl Vectors,
    pictures: &impl Pictures,
    clock: &impl Clock,
    noon_ms: u64,
    earlier_ended_ms: u64,
) -> Report {
    let run = Run {
        vectors,
        pictures,
        clock,
        began_ms: clock.now_ms(),
        noon_ms,
        earlier_ended_ms,
        pauses_left_ms: Cell::new(PAUSES_IN_ALL_MS),
        report: RefCell::default(),
    };
    run.delete_pictures().await;
    run.end_phase("pictures");
    run.delete_vectors_of_tombstones().await;
    run.end_phase("vectors");
    run.report.into_inner()
}

/// Both steps, once.
struct Run<'a, V, P, C> {
    vectors: &'a V,
    pictures: &'a P,
    clock: &'a C,
    began_ms: u64,
    noon_ms: u64,
    earlier_ended_ms: u64,
    pauses_left_ms: Cell<u64>,
    report: RefCell<Report>,
}

impl<V: Vectors, P: Pictures, C: Clock> Run<'_, V, P, C> {
    /// Writes a line now: if the run is cut off later, the log has it.
    fn end_phase(&self, phase: &str) {
        let mut report = self.report.borrow_mut();
        report.ms = self.elapsed_ms();
        report.log(phase, None);
    }

    fn elapsed_ms(&self) -> u64 {
        self.clock.now_ms().saturating_sub(self.began_ms)
    }

    /// Whether nothing new may begin. What is left to do is in the bucket, as after any failure.
    fn is_over(&self) -> bool {
        let is_over = self.elapsed_ms() >= RUN_MS_MAX;
        if is_over {
            self.report.borrow_mut().out_of_time = true;
        }
        is_over
    }

    /// The first step.
    async fn delete_pictures(&self) {
        let mut cursor = None;
        while !self.is_over() {
            let Some(page) = self.list("", cursor).await else { return };
            let due = page.entries.into_iter().filter(|entry| entry.uploaded_ms < self.noon_ms);
            let ids: Vec<String> = due.map(|entry| entry.key).filter(|key| is_id(key)).collect();
            // R2 refuses a deletion of nothing.
            if !ids.is_empty() {
                self.delete_page(&ids).await;
            }
            cursor = page.cursor;
            if cursor.is_none() {
                self.report.borrow_mut().has_seen_all = true;
                return;
            }
        }
    }

    /// Deletes the pictures of one page.
    async fn delete_page(&self, ids: &[String]) {
        // Without a tombstone the pictures stay: only they tell the ids of the vectors.
        let is_deleted = self.put_tombstone(ids).await
            && self.repeat(|| self.pictures.delete(ids)).await.is_some();
        let mut report = self.report.borrow_mut();
        if is_deleted {
            report.removed += ids.len();
        } else {
            report.left += ids.len();
        }
    }

    /// Whether a tombstone was written.
    async fn put_tombstone(&self, ids: &[String]) -> bool {
        match tombstone::new_key() {
            Ok(key) => self.repeat(|| self.pictures.put_ids(&key, ids)).await.is_some(),
            Err(failure) => {
                self.report.borrow_mut().failures.push(failure);
                false
            }
        }
    }

    /// The second step.
    async fn delete_vectors_of_tombstones(&self) {
        let mut cursor = None;
        while !self.is_over() {
            let Some(page) = self.list(tombstone::PREFIX, cursor).await else { return };
            let mut tombstones = page.entries;
            tombstones.retain(|entry| tombstone::is_ours(&entry.key));
            self.delete_vectors_of_page(tombstones).await;
            cursor = page.cursor;
            if cursor.is_none() {
                return;
            }
        }
    }

    /// Deletes the vectors of one page of tombstones, and those that are no longer needed.
    async fn delete_vectors_of_page(&self, tombstones: Vec<Entry>) {
        let count = tombstones.len();
        let (old, young) =
            tombstones.into_iter().partition(|entry| entry.uploaded_ms <= self.earlier_ended_ms);
        let parts = parts(young, Age::Young).into_iter().chain(parts(old, Age::Old));
        let needless: Vec<_> = stream::iter(parts.map(|part| self.delete_vectors_of_part(part)))
            .buffer_unordered(CALLS_AT_ONCE)
            .collect()
            .await;
        let needless = needless.concat();
        let is_deleted =
            needless.is_empty() || self.repeat(|| self.pictures.delete(&needless)).await.is_some();
        let removed = if is_deleted { needless.len() } else { 0 };
        let mut report = self.report.borrow_mut();
        report.tombstones_removed += removed;
        report.tombstones_kept += count - removed;
    }

    /// Deletes the vectors of some tombstones. Returns the keys of those that are no longer needed.
    async fn delete_vectors_of_part(&self, Part { tombstones, age }: Part) -> Vec<String> {
        if self.is_over() {
            return Vec::new();
        }
        match tombstones {
            Tombstones::List(key) => {
                let Some(ids) = self.repeat(|| self.pictures.read_ids(&key)).await else {
                    return Vec::new();
                };
                let remaining = self.delete_vectors(&ids, age).await;
                if remaining.is_empty() { vec![key] } else { Vec::new() }
            }
            Tombstones::Singles(ids) => {
                let remaining = self.delete_vectors(&ids, age).await;
                let gone = ids.into_iter().filter(|id| !remaining.contains(id));
                gone.map(|id| tombstone::key_of(&id)).collect()
            }
            Tombstones::End(key) => match age {
                Age::Young => Vec::new(),
                Age::Old => vec![key],
            },
        }
    }

    /// Deletes vectors. Returns the ids whose vectors the index may still have or get.
    async fn delete_vectors(&self, ids: &[String], age: Age) -> HashSet<String> {
        let mut remaining = HashSet::new();
        for batch in ids.chunks(DELETE_VECTORS_MAX) {
            let is_deleted =
                !self.is_over() && self.repeat(|| self.vectors.delete(batch)).await.is_some();
            if is_deleted {
                self.report.borrow_mut().vectors += batch.len();
            }
            if age == Age::Old && is_deleted {
                self.look_up(batch, &mut remaining).await;
            } else {
                remaining.extend(batch.iter().cloned());
            }
        }
        remaining
    }

    /// Adds those ids to `remaining` whose vectors the index may still have.
    async fn look_up(&self, ids: &[String], remaining: &mut HashSet<String>) {
        for few in ids.chunks(LOOK_UP_VECTORS_MAX) {
            match self.repeat(|| self.vectors.present(few)).await {
                Some(present) => remaining.extend(present),
                None => remaining.extend(few.iter().cloned()),
            }
        }
    }

    /// A page of objects, or `None` when the bucket does not list them.
    async fn list(&self, prefix: &str, cursor: Option<String>) -> Option<Page> {
        self.repeat(|| self.pictures.list(prefix, cursor.clone())).await
    }

    /// Makes a call, and repeats it after pauses while it fails. `None` when it failed for good;
    /// then the report has the failure.
    async fn repeat<T>(&self, call: impl AsyncFn() -> Result<T, StoreError>) -> Option<T> {
        let mut pauses = PAUSES_MS.into_iter();
        loop {
            let failure = match call().await {
                Ok(value) => return Some(value),
                Err(failure) => failure,
            };
            let left_ms = self.pauses_left_ms.get();
            let Some(pause_ms) = pauses.next().filter(|pause_ms| *pause_ms <= left_ms) else {
                self.report.borrow_mut().failures.push(failure);
                return None;
            };
            self.pauses_left_ms.set(left_ms - pause_ms);
            self.report.borrow_mut().repeated += 1;
            self.clock.pause(pause_ms).await;
        }
    }
}

/// How old tombstones are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    /// No purge of an earlier noon has seen the tombstone. An enrolment that began before it may
    /// still be under way, and write the vector after this run has deleted it. So the tombstone
    /// stays.
    Young,
    /// The tombstone can go once the index has none of its vectors.
    Old,
}

/// Tombstones of one age. Several parts are under way at once, each with one call at a time.
#[derive(Debug)]
struct Part {
    tombstones: Tombstones,
    age: Age,
}

#[derive(Debug)]
enum Tombstones {
    /// A tombstone that lists ids, by its key.
    List(String),
    /// Tombstones of single faces, by their ids: as many as a call of the index takes.
    Singles(Vec<String>),
    /// The end of a token, which has no vectors.
    End(String),
}

fn parts(tombstones: Vec<Entry>, age: Age) -> Vec<Part> {
    let mut singles = Vec::new();
    let mut parts = Vec::new();
    for Entry { key, .. } in tombstones {
        if let Some(id) = tombstone::id_in(&key) {
            singles.push(id.to_owned());
        } else if tombstone::is_end(&key) {
            parts.push(Tombstones::End(key));
        } else {
            parts.push(Tombstones::List(key));
        }
    }
    parts.extend(singles.chunks(DELETE_VECTORS_MAX).map(|ids| Tombstones::Singles(ids.to_vec())));
    parts.into_iter().map(|tombstones| Part { tombstones, age }).collect()
}

#[cfg(test)]
mod tests;
