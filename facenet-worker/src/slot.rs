//! What an isolate has of one shard, and what a request should do about it. No clock and no I/O
//! of its own, so that every order of events can be tested.

use std::rc::Rc;

use wire::Problem;

/// After this long a load counts as abandoned (its request was cancelled), and another request
/// may start anew.
pub(crate) const LOAD_MS_MAX: u64 = 30_000;

/// How long a failure answers for those who waited for the load and those who come right after:
/// they would only fail the same way, after reading as much from R2.
pub(crate) const FAILURE_MS: u64 = 500;

/// The state of one shard.
pub(crate) enum Slot<T> {
    Empty,
    Loading { since_ms: u64 },
    Ready(Rc<T>),
    Failed { problem: Problem, until_ms: u64 },
}

/// What a request should do.
#[derive(Debug, PartialEq)]
pub(crate) enum Next<T> {
    Use(Rc<T>),
    /// Ask again soon.
    Wait,
    /// Load it, and call [`Slot::fill`].
    Load,
    Refuse(Problem),
}

impl<T> Slot<T> {
    /// Who is told to load is alone in that.
    pub(crate) fn next(&mut self, now_ms: u64) -> Next<T> {
        match self {
            Self::Ready(shard) => return Next::Use(Rc::clone(shard)),
            Self::Loading { since_ms } if now_ms.saturating_sub(*since_ms) < LOAD_MS_MAX => {
                return Next::Wait;
            }
            Self::Failed { problem, until_ms } if now_ms < *until_ms => {
                return Next::Refuse(problem.clone());
            }
            Self::Empty | Self::Loading { .. } | Self::Failed { .. } => {}
        }
        *self = Self::Loading { since_ms: now_ms };
        Next::Load
    }

    /// Ends a load.
    pub(crate) fn fill(&mut self, outcome: Result<Rc<T>, Problem>, now_ms: u64) {
        match (outcome, &self) {
            (Ok(shard), _) => *self = Self::Ready(shard),
            // A load that was given up for lost has failed after another has succeeded.
            (Err(_), Self::Ready(_)) => {}
            (Err(problem), _) => {
                *self = Self::Failed { problem, until_ms: now_ms + FAILURE_MS };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::Kind;

    use super::*;

    fn problem() -> Problem {
        Problem::new(Kind::ModelUnavailable, "x")
    }

    #[test]
    fn one_loads_and_the_others_wait() {
        let mut slot = Slot::Empty;
        assert_eq!(slot.next(0), Next::Load);
        for now_ms in [0, 1, LOAD_MS_MAX - 1] {
            assert_eq!(slot.next(now_ms), Next::Wait);
        }
        slot.fill(Ok(Rc::new(7)), 500);
        assert_eq!(slot.next(501), Next::Use(Rc::new(7)));
    }

    #[test]
    fn an_abandoned_load_is_taken_over_once() {
        let mut slot = Slot::Empty;
        assert_eq!(slot.next(0), Next::Load);
        assert_eq!(slot.next(LOAD_MS_MAX), Next::Load);
        assert_eq!(slot.next(LOAD_MS_MAX + 1), Next::Wait);
        slot.fill(Ok(Rc::new(7)), LOAD_MS_MAX + 2);
        // The first one was not lost after all, and failed.
        slot.fill(Err(problem()), LOAD_MS_MAX + 3);
        assert_eq!(slot.next(LOAD_MS_MAX + 4), Next::Use(Rc::new(7)));
    }

    #[test]
    fn a_failure_answers_shortly_and_is_then_tried_again() {
        let mut slot = Slot::<u32>::Empty;
        assert_eq!(slot.next(0), Next::Load);
        slot.fill(Err(problem()), 100);
        assert_eq!(slot.next(100 + FAILURE_MS - 1), Next::Refuse(problem()));
        assert_eq!(slot.next(100 + FAILURE_MS), Next::Load);
        assert_eq!(slot.next(100 + FAILURE_MS), Next::Wait);
    }
}
