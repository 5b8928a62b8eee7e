//! Limiters: how many requests may be under way somewhere at once. No clock of its own, so that
//! every order of events can be tested.
//!
//! A permit is given back when it is dropped. That is not enough: when a caller goes away, its
//! request is never continued and never dropped. So a permit also ends by itself.

use std::cell::RefCell;
use std::rc::Rc;

/// Requests that may be under way in the objects of a shard in one isolate, those that wait
/// included. At about a tenth of a second each, the last of them waits some seconds.
pub(super) const WAITING_MAX: usize = 64;

/// How long a permit counts at most. No request of ours takes longer.
const PERMIT_MS_MAX: u64 = 60_000;

/// Gives out permits. Clones share them. Borrows of what is inside end within each method, none
/// of which awaits.
#[derive(Clone, Debug, Default)]
pub(super) struct Limiter(Rc<RefCell<Permits>>);

#[derive(Debug, Default)]
struct Permits {
    next_number: u64,
    /// The permits that are held, oldest first: number, and when it was given out.
    held: Vec<(u64, u64)>,
}

impl Permits {
    fn end_abandoned(&mut self, now_ms: u64) {
        self.held.retain(|(_, since_ms)| now_ms.saturating_sub(*since_ms) < PERMIT_MS_MAX);
    }
}

/// What a request holds while it is under way.
#[derive(Debug)]
pub(super) struct Permit {
    limiter: Limiter,
    number: u64,
}

impl Limiter {
    /// Gives out a permit, unless `permits_max` are held.
    pub(super) fn acquire(&self, permits_max: usize, now_ms: u64) -> Option<Permit> {
        let mut permits = self.0.borrow_mut();
        permits.end_abandoned(now_ms);
        if permits.held.len() >= permits_max {
            return None;
        }
        let number = permits.next_number;
        permits.next_number += 1;
        permits.held.push((number, now_ms));
        Some(Permit { limiter: self.clone(), number })
    }

    /// How many permits are held.
    pub(super) fn held(&self, now_ms: u64) -> usize {
        let mut permits = self.0.borrow_mut();
        permits.end_abandoned(now_ms);
        permits.held.len()
    }
}

impl Permit {
    /// How many of the permits that are held are older.
    pub(super) fn rank(&self, now_ms: u64) -> usize {
        let mut permits = self.limiter.0.borrow_mut();
        permits.end_abandoned(now_ms);
        permits.held.iter().take_while(|(number, _)| *number < self.number).count()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.0.borrow_mut().held.retain(|(number, _)| *number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_all_permits_are_held_there_is_none_until_one_is_dropped() {
        let limiter = Limiter::default();
        let first = limiter.acquire(2, 0).unwrap();
        let second = limiter.acquire(2, 1).unwrap();
        assert!(limiter.acquire(2, 2).is_none());
        drop(first);
        assert_eq!(limiter.held(3), 1);
        let third = limiter.acquire(2, 3).unwrap();
        drop((second, third));
        assert_eq!(limiter.held(4), 0);
    }

    #[test]
    fn older_permits_rank_first() {
        let limiter = Limiter::default();
        let permits: Vec<_> = (0..3).map(|now_ms| limiter.acquire(3, now_ms).unwrap()).collect();
        let ranks: Vec<_> = permits.iter().map(|permit| permit.rank(3)).collect();
        assert_eq!(ranks, [0, 1, 2]);
        let [first, second, third] = <[Permit; 3]>::try_from(permits).unwrap();
        drop(second);
        assert_eq!((first.rank(4), third.rank(4)), (0, 1));
        // The first one has ended by itself.
        assert_eq!(third.rank(PERMIT_MS_MAX), 0);
    }

    #[test]
    fn abandoned_permits_end() {
        let limiter = Limiter::default();
        std::mem::forget(limiter.acquire(1, 1000).unwrap());
        assert!(limiter.acquire(1, 1000 + PERMIT_MS_MAX - 1).is_none());
        let permit = limiter.acquire(1, 1000 + PERMIT_MS_MAX).unwrap();
        assert_eq!(limiter.held(1000 + PERMIT_MS_MAX), 1);
        drop(permit);
        assert_eq!(limiter.held(1000 + PERMIT_MS_MAX), 0);
    }
}
