//! What a run of the purge has done, for the log and for callers. It holds no ids.

use std::fmt;

use serde::Serialize;
use wire::log::{self, Calls, Level, Worker};

use crate::error::StoreError;

/// Failures that the log quotes.
const QUOTED_MAX: usize = 5;

/// What a run did, or has done so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Whether every picture was looked at.
    pub(crate) has_seen_all: bool,
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
    /// Calls that were repeated.
    pub(crate) repeated: usize,
    /// Whether the run had to end before it was done.
    pub(crate) out_of_time: bool,
    /// The calls that failed for good.
    pub(crate) failures: Vec<StoreError>,
    /// How long it took, in milliseconds.
    pub(crate) ms: u64,
}

impl Report {
    /// Whether nothing is left to do.
    pub(crate) fn is_complete(&self) -> bool {
        self.failures.is_empty() && !self.out_of_time
    }

    /// Writes a line to the log at the end of a phase. `calls` are those of the stores.
    pub(crate) fn log(&self, phase: &str, calls: Option<&Calls>) {
        let level = match self {
            Self { failures, .. } if !failures.is_empty() => Level::Error,
            Self { out_of_time: true, .. } => Level::Warn,
            _ => Level::Info,
        };
        let facts = Facts {
            phase,
            complete: self.is_complete(),
            out_of_time: self.out_of_time,
            faces_removed: self.removed,
            faces_left: self.left,
            vectors_deleted: self.vectors,
            tombstones_removed: self.tombstones_removed,
            tombstones_kept: self.tombstones_kept,
            repeated: self.repeated,
            failures: self.failures.len(),
            ms: self.ms,
            calls,
            faults: self.failures.iter().take(QUOTED_MAX).map(ToString::to_string).collect(),
        };
        log::event(level, Worker::Private, "purge", &facts);
    }
}

/// A phase for the log: what the run has done by its end.
#[derive(Serialize)]
struct Facts<'a> {
    phase: &'a str,
    complete: bool,
    out_of_time: bool,
    faces_removed: usize,
    faces_left: usize,
    vectors_deleted: usize,
    tombstones_removed: usize,
    tombstones_kept: usize,
    repeated: usize,
    failures: usize,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<&'a Calls>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { removed, left, vectors, tombstones_removed, tombstones_kept, .. } = self;
        let Self { repeated, failures, .. } = self;
        write!(f, "purge: {removed} faces removed, {left} left, {vectors} vectors deleted, ")?;
        write!(f, "{tombstones_removed} tombstones removed, {tombstones_kept} kept, ")?;
        write!(f, "{repeated} calls repeated, {} failures", failures.len())?;
        if self.out_of_time {
            write!(f, "; the time was over")?;
        }
        failures.iter().take(QUOTED_MAX).try_for_each(|failure| write!(f, "; {failure}"))
    }
}
