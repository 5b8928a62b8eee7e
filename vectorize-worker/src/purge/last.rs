//! What is known of the last purge: an object in the bucket. From it a trigger of the cron learns
//! whether there is anything to do, and the operator how it went.

use serde::{Deserialize, Serialize};
use wire::faces::LastPurge;

use super::Report;
use crate::clock;
use crate::error::StoreError;
use crate::stores::Pictures;

/// The purge of one noon. Times are in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Last {
    /// The noon. It deletes the faces that were stored before.
    pub(crate) noon_ms: u64,
    /// When its last run ended.
    pub(crate) ended_ms: u64,
    /// Whether nothing is left to do. If something is, the next trigger runs again.
    pub(crate) is_complete: bool,
    /// Runs so far.
    pub(crate) runs: u32,
    /// What the last run did, counted.
    pub(crate) faces_removed: usize,
    pub(crate) faces_left: usize,
    pub(crate) failures: usize,
    /// When the complete purge of an earlier noon ended; 0 before the first. That purge has seen
    /// the tombstones that are older.
    pub(crate) earlier_ended_ms: u64,
}

impl Last {
    /// What the bucket holds. Nothing when it cannot be read: then the purge runs.
    pub(crate) async fn read(pictures: &impl Pictures) -> Result<Option<Self>, StoreError> {
        let json = pictures.read_last_purge().await?;
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Writes it into the bucket.
    pub(super) async fn write(&self, pictures: &impl Pictures) -> Result<(), StoreError> {
        let json = serde_json::to_string(self).map_err(StoreError::of("purge as JSON"))?;
        pictures.put_last_purge(json).await
    }

    /// When the complete purge of a noon before `noon_ms` ended.
    pub(super) fn ended_before(last: Option<&Self>, noon_ms: u64) -> u64 {
        match last {
            Some(last) if last.noon_ms < noon_ms && last.is_complete => last.ended_ms,
            Some(last) => last.earlier_ended_ms,
            None => 0,
        }
    }

    /// The purge after one more run.
    pub(super) fn after(last: Option<&Self>, noon_ms: u64, ended_ms: u64, report: &Report) -> Self {
        let runs = last.filter(|last| last.noon_ms == noon_ms).map_or(0, |last| last.runs);
        Self {
            noon_ms,
            ended_ms,
            is_complete: report.is_complete(),
            runs: runs.saturating_add(1),
            faces_removed: report.removed,
            faces_left: report.left,
            failures: report.failures.len(),
            earlier_ended_ms: Self::ended_before(last, noon_ms),
        }
    }

    /// What the operator is told at this time.
    pub(crate) fn told(&self, now_ms: u64) -> LastPurge {
        LastPurge {
            noon: clock::rfc3339(self.noon_ms),
            ended: clock::rfc3339(self.ended_ms),
            complete: self.is_complete,
            overdue: !self.is_complete || self.noon_ms < clock::last_purge_ms(now_ms),
            runs: self.runs,
            faces_removed: self.faces_removed,
            faces_left: self.faces_left,
            failures: self.failures,
        }
    }
}
