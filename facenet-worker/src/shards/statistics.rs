//! Isolate statistics: the memory of an isolate, and what its objects have done. Objects send them
//! with each answer, and `/health` shows what this isolate has heard last.

use std::cell::Cell;

use facenet::Shard;
use serde::{Deserialize, Serialize};
use worker::{Headers, Result};

use super::per_shard::PerShard;
use crate::sandbox;

/// What the isolate of a shard says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    /// As of [`wasm_mb`].
    pub(crate) wasm_mb: f64,
    /// How often the shard was read from R2.
    pub(crate) r2_reads: u32,
    /// Requests that objects of the shard's class have had, with those that were refused.
    pub(crate) requests: u32,
    /// How often an object of the shard's class was made, also after an eviction.
    pub(crate) objects: u32,
    /// Requests that are under way, with the one that is answered.
    pub(crate) waiting: usize,
}

#[derive(Default)]
struct Counters {
    r2_reads: Cell<u32>,
    requests: Cell<u32>,
    objects: Cell<u32>,
}

thread_local! {
    /// Of this isolate.
    static COUNTERS: PerShard<Counters> = PerShard::default();
    /// What the isolates of both shards have last told. This isolate may be one of them.
    static LAST: PerShard<Cell<Option<Statistics>>> = PerShard::default();
}

/// Counts that this isolate reads a shard from R2.
pub(super) fn count_r2_read(shard: Shard) {
    COUNTERS.with(|counters| increment(&counters.of(shard).r2_reads));
}

/// Counts that an object of a shard has a request.
pub(super) fn count_request(shard: Shard) {
    COUNTERS.with(|counters| increment(&counters.of(shard).requests));
}

/// Counts that an object of a shard is made in this isolate.
pub(super) fn count_object(shard: Shard) {
    COUNTERS.with(|counters| increment(&counters.of(shard).objects));
}

fn increment(counter: &Cell<u32>) {
    counter.set(counter.get().saturating_add(1));
}

impl Statistics {
    /// The statistics of this isolate for a shard with `waiting` requests under way.
    pub(super) fn now(shard: Shard, waiting: usize) -> Self {
        COUNTERS.with(|counters| {
            let Counters { r2_reads, requests, objects } = counters.of(shard);
            Self {
                wasm_mb: wasm_mb(),
                r2_reads: r2_reads.get(),
                requests: requests.get(),
                objects: objects.get(),
                waiting,
            }
        })
    }

    /// What the isolate of a shard said last. Nothing until this isolate has asked it.
    pub(crate) fn last(shard: Shard) -> Option<Self> {
        LAST.with(|last| last.of(shard).get())
    }

    /// Keeps what the isolate of a shard has said.
    pub(super) fn keep(self, shard: Shard) {
        LAST.with(|last| last.of(shard).set(Some(self)));
    }
}

/// Adds what this isolate knows to an answer. So the first shard's answers also have the second
/// shard's statistics.
pub(super) fn add_to(headers: &Headers) -> Result<()> {
    for shard in Shard::ALL {
        if let Some(statistics) = Statistics::last(shard) {
            headers.set(header(shard), &serde_json::to_string(&statistics)?)?;
        }
    }
    Ok(())
}

/// Keeps what came with an answer.
pub(super) fn keep_from(headers: &Headers) {
    for shard in Shard::ALL {
        let text = headers.get(header(shard)).ok().flatten();
        let statistics = text.and_then(|text| serde_json::from_str::<Statistics>(&text).ok());
        if let Some(statistics) = statistics {
            statistics.keep(shard);
        }
    }
}

/// The header in which the statistics of a shard's isolate travel.
const fn header(shard: Shard) -> &'static str {
    match shard {
        Shard::Shard1 => "x-cface-shard1",
        Shard::Shard2 => "x-cface-shard2",
    }
}

/// The memory of this isolate's WebAssembly in megabytes, with the sandbox. It never shrinks, so
/// this is also the largest that it ever was.
pub(crate) fn wasm_mb() -> f64 {
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0usize;
    let bytes = pages as f64 * 65536.0 + f64::from(sandbox::memory_bytes());
    // In tenths of a megabyte.
    (bytes / 1e5).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_fit_in_a_header() {
        let statistics =
            Statistics { wasm_mb: 57.3, r2_reads: 1, requests: 9, objects: 2, waiting: 3 };
        let text = serde_json::to_string(&statistics).unwrap();
        assert!(text.is_ascii() && !text.contains('\n'));
        assert_eq!(serde_json::from_str::<Statistics>(&text).unwrap(), statistics);
    }

    #[test]
    fn shards_are_counted_and_kept_apart() {
        count_object(Shard::Shard1);
        count_r2_read(Shard::Shard1);
        count_r2_read(Shard::Shard1);
        let statistics = Statistics::now(Shard::Shard1, 3);
        assert_eq!((statistics.objects, statistics.r2_reads, statistics.waiting), (1, 2, 3));
        let other = Statistics::now(Shard::Shard2, 0);
        assert_eq!((other.objects, other.r2_reads, other.waiting), (0, 0, 0));
        assert_eq!(Statistics::last(Shard::Shard1), None);
        statistics.keep(Shard::Shard1);
        assert_eq!(Statistics::last(Shard::Shard1), Some(statistics));
        assert_eq!(Statistics::last(Shard::Shard2), None);
    }
}
