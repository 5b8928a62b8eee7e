//! Which Durable Object serves a caller: one of those in the caller's region, by which they are
//! named. Where one cannot keep up, a shard can have several in a region: its replicas.
//!
//! Names also hold the digest of the weights. So a deployment with other weights has other objects,
//! which run its code from the beginning; those of the deployment before still answer its callers.

use std::cell::RefCell;
use std::collections::BTreeMap;

use facenet::Shard;
use facenet::record::Weights;
use worker::Date;

use super::codec;
use super::limiter::{Limiter, Permit};
use super::per_shard::PerShard;
use super::region::Region;

/// The most replicas that can be configured, for each region and shard.
const REPLICAS_MAX: usize = 32;

/// From how many requests at one replica on the next replica is asked. Fewer are served sooner by a
/// warm replica than by one that first has to load.
const SPILL: usize = 4;

/// For how long it counts what a replica has said about itself, in milliseconds.
const HEARD_MS: u64 = 2000;

/// The number of replicas that a variable's value asks for.
pub(super) fn count(value: Option<&str>) -> usize {
    value.and_then(|text| text.trim().parse().ok()).unwrap_or(1).clamp(1, REPLICAS_MAX)
}

/// What this isolate knows about one replica.
#[derive(Debug, Default)]
struct Known {
    /// The calls from this isolate.
    calls: Limiter,
    /// When it last answered, and how many requests it had then, with those of other isolates.
    heard: Option<(u64, usize)>,
    /// Until when it should not be called.
    overloaded_until_ms: u64,
}

impl Known {
    fn note_answer(&mut self, waiting: usize, now_ms: u64) {
        self.heard = Some((now_ms, waiting));
        // It is no longer overloaded.
        if waiting < SPILL {
            self.overloaded_until_ms = 0;
        }
    }

    fn note_overload(&mut self, now_ms: u64) {
        self.overloaded_until_ms = now_ms + HEARD_MS;
    }

    fn load(&self, now_ms: u64) -> usize {
        let heard = self.heard.filter(|(at_ms, _)| now_ms.saturating_sub(*at_ms) < HEARD_MS);
        heard.map_or(0, |(_, waiting)| waiting).max(self.calls.held(now_ms))
    }
}

/// The index of the replica to call, or nothing when all are overloaded. All isolates prefer the
/// first replicas, so these are warm; the others are called when these are busy.
fn pick(replicas: &[Known], now_ms: u64) -> Option<usize> {
    let free = || {
        let replicas = replicas.iter().enumerate();
        replicas.filter(|(_, replica)| now_ms >= replica.overloaded_until_ms)
    };
    let first = free().find(|(_, replica)| replica.load(now_ms) < SPILL);
    first.or_else(|| free().min_by_key(|(_, replica)| replica.load(now_ms))).map(|(index, _)| index)
}

thread_local! {
    /// What this isolate knows about the replicas of each shard, by region.
    static KNOWN: PerShard<RefCell<BTreeMap<&'static str, Vec<Known>>>> = PerShard::default();
}

/// Looks at or changes what is known. The borrow ends with the closure, which cannot await.
fn with_known<T>(shard: Shard, region: Region, use_known: impl FnOnce(&mut Vec<Known>) -> T) -> T {
    KNOWN.with(|known| {
        let mut known = known.of(shard).borrow_mut();
        use_known(known.entry(region.code).or_default())
    })
}

/// The replica that was chosen for a call. The call is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Replica {
    shard: Shard,
    region: Region,
    index: usize,
    _permit: Permit,
}

/// Chooses one of `count` replicas, or nothing when all are overloaded.
pub(super) fn choose(shard: Shard, region: Region, count: usize) -> Option<Replica> {
    let now_ms = Date::now().as_millis();
    with_known(shard, region, |replicas| {
        replicas.resize_with(count, Known::default);
        let index = pick(replicas, now_ms)?;
        let permit = replicas.get(index)?.calls.count(now_ms);
        Some(Replica { shard, region, index, _permit: permit })
    })
}

impl Replica {
    /// The shard that it computes.
    pub(super) const fn shard(&self) -> Shard {
        self.shard
    }

    /// The name of the Durable Object that computes with these weights.
    pub(super) fn object_name(&self, weights: &Weights) -> String {
        object_name(self.region, self.index, weights)
    }

    /// Where the object should be made.
    pub(super) const fn location_hint(&self) -> &'static str {
        self.region.location_hint
    }

    /// Notes that it has answered, with this many requests under way.
    pub(super) fn note_answer(self, waiting: usize) {
        self.note(|known, now_ms| known.note_answer(waiting, now_ms));
    }

    /// Notes that it is overloaded, so that it is not called for a while.
    pub(super) fn note_overload(self) {
        self.note(Known::note_overload);
    }

    fn note(self, what: impl FnOnce(&mut Known, u64)) {
        let now_ms = Date::now().as_millis();
        with_known(self.shard, self.region, |replicas| {
            if let Some(known) = replicas.get_mut(self.index) {
                what(known, now_ms);
            }
        });
    }
}

fn object_name(region: Region, index: usize, weights: &Weights) -> String {
    format!("{}-{index}-{}-{}", region.code, codec::version(), weights.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_have_names_of_their_own() {
        let (europe, asia) = (Region::of(Some("EU")), Region::of(Some("AS")));
        let weights = |byte: u8| Weights::new("casia-webface", [byte; 32].into());
        let name = object_name(europe, 2, &weights(7));
        assert_eq!(name, format!("EU-2-{}-{}", codec::version(), "07".repeat(32)));
        for other in [
            object_name(asia, 2, &weights(7)),
            object_name(europe, 1, &weights(7)),
            object_name(europe, 2, &weights(8)),
        ] {
            assert_ne!(other, name);
        }
    }

    #[test]
    fn the_number_of_replicas_is_bounded() {
        for (value, expected) in
            [(None, 1), (Some("3"), 3), (Some("0"), 1), (Some("x"), 1), (Some("999"), REPLICAS_MAX)]
        {
            assert_eq!(count(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_first_is_preferred_until_it_has_enough_to_do() {
        let mut replicas = [Known::default(), Known::default(), Known::default()];
        let mut calls = Vec::new();
        let mut call = |replicas: &[Known]| {
            let index = pick(replicas, 0).unwrap();
            calls.push(replicas[index].calls.count(0));
            index
        };
        let picked: Vec<_> = (0..3 * SPILL).map(|_| call(&replicas)).collect();
        let expected: Vec<_> = (0..3).flat_map(|index| [index; SPILL]).collect();
        assert_eq!(picked, expected);
        // All are busy: they are called in turn.
        let mut next: Vec<_> = (0..3).map(|_| call(&replicas)).collect();
        next.sort_unstable();
        assert_eq!(next, [0, 1, 2]);
        calls.clear();
        assert_eq!(pick(&replicas, 1), Some(0));
        // Requests of other isolates, which it told of, count too for a while.
        replicas[0].note_answer(SPILL, 1);
        assert_eq!(pick(&replicas, 2), Some(1));
        assert_eq!(pick(&replicas, 1 + HEARD_MS), Some(0));
    }

    #[test]
    fn an_overloaded_replica_is_left_alone() {
        let mut replicas = [Known::default(), Known::default()];
        replicas[0].note_overload(0);
        assert_eq!(pick(&replicas, 1), Some(1));
        replicas[1].note_overload(1);
        assert_eq!(pick(&replicas, 2), None);
        assert_eq!(pick(&replicas, HEARD_MS), Some(0));
    }

    #[test]
    fn a_replica_that_has_done_its_work_is_asked_again() {
        let mut replicas = [Known::default()];
        replicas[0].note_overload(0);
        replicas[0].note_answer(SPILL, 1);
        assert_eq!(pick(&replicas, 2), None);
        replicas[0].note_answer(SPILL - 1, 3);
        assert_eq!(pick(&replicas, 4), Some(0));
    }
}
