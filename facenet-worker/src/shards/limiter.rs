//! Limiters: how many requests may be under way at once, and whose turn it is. A limiter has no
//! clock, so that tests can try every order of events.
//!
//! Callers are served in turn: the second request of a caller comes after the first requests of all
//! who wait, and so on. It also does not start while those are computed, or while their callers'
//! next requests can be expected, because requests that are computed at the same time slow each
//! other down. So whoever sends many at once waits, and others hardly wait.
//!
//! A permit is given back when it is dropped. But when an isolate goes away, the requests that it
//! has sent are never continued and never dropped. So a permit also ends by itself.

use std::cell::RefCell;
use std::rc::Rc;

use wire::Problem;

use crate::caller::CallerId;
use crate::error;

/// How many requests may be under way in the objects of a shard in one isolate, with those that
/// wait. At about a tenth of a second each, the last one waits some seconds.
pub(super) const WAITING_MAX: usize = 64;

/// How many newcomers may pass a request, for each older request of the same caller. It is as many
/// as may wait: so those who wait are served in turn, and nobody waits for ever.
const ROUND: u64 = WAITING_MAX as u64;

/// How long a caller's second request waits after somebody else's has started: about as long as an
/// embedding takes, and until a caller who sends one request after the other has sent the next.
const APART_MS: u64 = 250;

/// How long a permit counts at most. No request takes longer.
const PERMIT_MS_MAX: u64 = 60_000;

/// How long the turn of a request is kept that no longer asks for it. A request that waits asks
/// every few hundredths of a second, except while the isolate computes.
const ASKED_MS_MAX: u64 = 5_000;

/// How many requests there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Of all callers.
    pub(crate) in_all: usize,
    /// Of each caller.
    pub(crate) per_caller: usize,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// All callers together hold as many as there are.
    ForAll,
    /// The caller holds as many as one may. Others may get one.
    ForCaller,
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        match full {
            Full::ForAll => error::overloaded(),
            Full::ForCaller => error::too_many_at_once(),
        }
    }
}

/// Gives out permits. Clones share them. No method awaits, so no borrow of the inside outlives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limiter(Rc<RefCell<Permits>>);

#[derive(Debug, Default)]
struct Permits {
    next_number: u64,
    /// The last request that has started: caller, turn, and when.
    last: Option<(CallerId, u64, u64)>,
    /// The permits that are held, oldest first.
    held: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    number: u64,
    caller: CallerId,
    /// Requests with a lower one come first.
    turn: u64,
    /// Whether its caller held no other permit when this one was given out.
    is_first: bool,
    /// When the permit was given out.
    since_ms: u64,
    /// When its request last asked whether it may start.
    asked_ms: u64,
    at_work: bool,
}

impl Permits {
    fn end_abandoned(&mut self, now_ms: u64) {
        self.held.retain(|held| now_ms.saturating_sub(held.since_ms) < PERMIT_MS_MAX);
    }

    fn of(&self, caller: CallerId) -> impl Iterator<Item = &Held> {
        self.held.iter().filter(move |held| held.caller == caller)
    }

    fn push(&mut self, caller: CallerId, now_ms: u64) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let earlier = self.of(caller).count();
        let turn = number + ROUND * earlier as u64;
        let held = Held {
            number,
            caller,
            turn,
            is_first: earlier == 0,
            since_ms: now_ms,
            asked_ms: now_ms,
            at_work: false,
        };
        self.held.push(held);
        number
    }

    /// Whether somebody else, whose turn is earlier, is at work or has just been.
    fn would_disturb(&self, held: &Held, now_ms: u64) -> bool {
        let is_earlier = |caller, turn| caller != held.caller && turn < held.turn;
        let mut at_work = self.held.iter().filter(|other| other.at_work);
        at_work.any(|other| is_earlier(other.caller, other.turn))
            || self.last.is_some_and(|(caller, turn, since_ms)| {
                is_earlier(caller, turn) && now_ms.saturating_sub(since_ms) < APART_MS
            })
    }

    /// The request that may start next, if one may.
    fn next(&self, bounds: Bounds, now_ms: u64) -> Option<u64> {
        let at_work = |held: &&Held| held.at_work;
        if self.held.iter().filter(at_work).count() >= bounds.in_all {
            return None;
        }
        let asks = |held: &&Held| now_ms.saturating_sub(held.asked_ms) < ASKED_MS_MAX;
        let may = |held: &&Held| {
            self.of(held.caller).filter(at_work).count() < bounds.per_caller
                && (held.is_first || !self.would_disturb(held, now_ms))
        };
        let waiting = self.held.iter().filter(|held| !held.at_work).filter(asks).filter(may);
        waiting.min_by_key(|held| (held.turn, held.number)).map(|held| held.number)
    }
}

/// What a request holds while it is under way.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Limiter,
    number: u64,
}

impl Limiter {
    /// Gives out a permit.
    ///
    /// # Errors
    /// When as many are held as `bounds` allow.
    pub(crate) fn acquire(
        &self,
        caller: CallerId,
        bounds: Bounds,
        now_ms: u64,
    ) -> Result<Permit, Full> {
        let mut permits = self.0.borrow_mut();
        permits.end_abandoned(now_ms);
        if permits.of(caller).count() >= bounds.per_caller {
            return Err(Full::ForCaller);
        }
        if permits.held.len() >= bounds.in_all {
            return Err(Full::ForAll);
        }
        Ok(Permit { limiter: self.clone(), number: permits.push(caller, now_ms) })
    }

    /// How many permits are held by callers of some kind.
    pub(crate) fn held_by(&self, kind: impl Fn(CallerId) -> bool, now_ms: u64) -> usize {
        let mut permits = self.0.borrow_mut();
        permits.end_abandoned(now_ms);
        permits.held.iter().filter(|held| kind(held.caller)).count()
    }

    /// Gives out a permit that only counts, whoever the caller is and however many are held.
    pub(super) fn count(&self, now_ms: u64) -> Permit {
        let number = self.0.borrow_mut().push(CallerId::default(), now_ms);
        Permit { limiter: self.clone(), number }
    }

    /// How many permits are held.
    pub(super) fn held(&self, now_ms: u64) -> usize {
        let mut permits = self.0.borrow_mut();
        permits.end_abandoned(now_ms);
        permits.held.len()
    }
}

impl Permit {
    /// Whether it is this request's turn, with as many at work as `bounds` allow. Once it is its
    /// turn, it stays so.
    pub(super) fn may_start(&self, bounds: Bounds, now_ms: u64) -> bool {
        let permits = &mut *self.limiter.0.borrow_mut();
        permits.end_abandoned(now_ms);
        // A request that has waited for longer than a permit lasts starts.
        let Some(own) = permits.held.iter_mut().find(|held| held.number == self.number) else {
            return true;
        };
        own.asked_ms = now_ms;
        if own.at_work {
            return true;
        }
        if permits.next(bounds, now_ms) != Some(self.number) {
            return false;
        }
        let own = permits.held.iter_mut().find(|held| held.number == self.number);
        if let Some(own) = own {
            own.at_work = true;
            permits.last = Some((own.caller, own.turn, now_ms));
        }
        true
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.0.borrow_mut().held.retain(|held| held.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: Bounds = Bounds { in_all: usize::MAX, per_caller: usize::MAX };
    const ONE_AT_WORK: Bounds = Bounds { in_all: 1, per_caller: 1 };

    fn caller(name: &str) -> CallerId {
        CallerId::of(name)
    }

    /// Lets one after the other work until all have, and gives the order.
    fn order(mut waiting: Vec<(&'static str, Permit)>) -> Vec<&'static str> {
        let (mut order, mut now_ms) = (Vec::new(), 0);
        while !waiting.is_empty() {
            now_ms += APART_MS;
            let starts = |(_, permit): &(_, Permit)| permit.may_start(ONE_AT_WORK, now_ms);
            let next = waiting.iter().position(starts);
            let (name, permit) = waiting.remove(next.unwrap());
            assert!(permit.may_start(ONE_AT_WORK, now_ms), "its turn stays");
            assert!(!waiting.iter().any(starts));
            order.push(name);
        }
        order
    }

    #[test]
    fn when_all_permits_are_held_there_is_none_until_one_is_dropped() {
        let limiter = Limiter::default();
        let bounds = Bounds { in_all: 3, per_caller: 2 };
        let acquire = |name, now_ms| limiter.acquire(caller(name), bounds, now_ms);
        let first = acquire("a", 0).unwrap();
        let second = acquire("a", 1).unwrap();
        assert_eq!(acquire("a", 2).unwrap_err(), Full::ForCaller);
        let other = acquire("b", 2).unwrap();
        assert_eq!(acquire("b", 2).unwrap_err(), Full::ForAll);
        drop(first);
        assert_eq!(limiter.held(3), 2);
        let third = acquire("a", 3).unwrap();
        drop((second, third, other));
        assert_eq!(limiter.held(4), 0);
    }

    #[test]
    fn callers_are_served_in_turn() {
        let limiter = Limiter::default();
        let enter = |name| (name, limiter.acquire(caller(name), MANY, 0).unwrap());
        let waiting = ["a", "a", "a", "a", "b", "b", "c"].map(enter);
        assert_eq!(order(waiting.into()), ["a", "b", "c", "a", "b", "a", "a"]);
    }

    /// However often others come, those who wait have their turn.
    #[test]
    fn newcomers_pass_only_so_often() {
        let limiter = Limiter::default();
        let enter = |name: &str| limiter.acquire(caller(name), MANY, 0).unwrap();
        let first = enter("a");
        assert!(first.may_start(ONE_AT_WORK, 0));
        let second = enter("a");
        drop(first);
        let mut passed = 0;
        loop {
            let newcomer = enter(&format!("newcomer {passed}"));
            if !newcomer.may_start(ONE_AT_WORK, 0) {
                break;
            }
            passed += 1;
        }
        assert_eq!(passed, ROUND);
        assert!(second.may_start(ONE_AT_WORK, 0));
    }

    #[test]
    fn one_caller_leaves_room_for_others() {
        let limiter = Limiter::default();
        let at_work = Bounds { in_all: 3, per_caller: 2 };
        let enter = |name| limiter.acquire(caller(name), MANY, 0).unwrap();
        let mut many: Vec<_> = ["a", "a", "a", "a"].map(enter).into();
        let started = |permits: &[Permit], now_ms| {
            permits.iter().filter(|permit| permit.may_start(at_work, now_ms)).count()
        };
        assert_eq!(started(&many, 0), 2);
        let other = enter("b");
        assert!(other.may_start(at_work, 0));
        assert!(!enter("c").may_start(at_work, 0));
        // Beside others, whoever has several under way starts none but the first.
        many.drain(..2);
        assert_eq!(started(&many, APART_MS), 0);
        let another = enter("c");
        assert!(another.may_start(at_work, APART_MS));
        drop(other);
        assert_eq!(started(&many, 2 * APART_MS), 0);
        drop(another);
        assert_eq!(started(&many, 2 * APART_MS - 1), 0, "the next one is to be expected");
        assert_eq!(started(&many, 2 * APART_MS), 2);
    }

    #[test]
    fn abandoned_permits_end() {
        let limiter = Limiter::default();
        let bounds = Bounds { in_all: 1, per_caller: 1 };
        let acquire = |now_ms| limiter.acquire(caller("a"), bounds, now_ms);
        std::mem::forget(acquire(1000).unwrap());
        assert!(acquire(1000 + PERMIT_MS_MAX - 1).is_err());
        let permit = acquire(1000 + PERMIT_MS_MAX).unwrap();
        assert_eq!(limiter.held(1000 + PERMIT_MS_MAX), 1);
        // A permit that has ended by itself lets its request start.
        assert!(permit.may_start(Bounds { in_all: 0, per_caller: 0 }, 1000 + 2 * PERMIT_MS_MAX));
        drop(permit);
        assert_eq!(limiter.held(1000 + PERMIT_MS_MAX), 0);
    }

    #[test]
    fn whoever_no_longer_asks_holds_nobody_up() {
        let limiter = Limiter::default();
        let enter = |name| limiter.acquire(caller(name), MANY, 0).unwrap();
        let (gone, waiting) = (enter("a"), enter("b"));
        assert!(!waiting.may_start(ONE_AT_WORK, ASKED_MS_MAX - 1));
        assert!(waiting.may_start(ONE_AT_WORK, ASKED_MS_MAX));
        assert!(!gone.may_start(ONE_AT_WORK, ASKED_MS_MAX));
    }
}
