//! Calls that take time, by a clock that jumps from one event to the next. Only for unit tests.

use std::cell::{Cell, RefCell};
use std::future::{self, Future};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// How long calls take, and those that wait.
#[derive(Default)]
pub(crate) struct Latency {
    /// Milliseconds of each call. 0: none.
    pub(crate) call_ms: Cell<u64>,
    /// The most calls that were under way at once.
    pub(crate) at_once_max: Cell<usize>,
    at_once: Cell<usize>,
    /// When each of those that wait goes on.
    waiting: RefCell<Vec<(u64, Waker)>>,
}

impl Latency {
    /// Lets the time of a call pass.
    pub(super) async fn pass(&self, now_ms: &Cell<u64>) {
        if self.call_ms.get() == 0 {
            return;
        }
        self.at_once.set(self.at_once.get() + 1);
        self.at_once_max.set(self.at_once_max.get().max(self.at_once.get()));
        self.wait(self.call_ms.get(), now_ms).await;
        self.at_once.set(self.at_once.get() - 1);
    }

    /// Waits so many milliseconds.
    pub(super) async fn wait(&self, wait_ms: u64, now_ms: &Cell<u64>) {
        let until_ms = now_ms.get() + wait_ms;
        future::poll_fn(|context| {
            if now_ms.get() >= until_ms {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push((until_ms, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Runs a future to its end. Whenever it waits, the clock goes on to the next event.
    pub(crate) fn run<T>(&self, now_ms: &Cell<u64>, future: impl Future<Output = T>) -> T {
        self.run_until(now_ms, u64::MAX, future).expect("it has all the time")
    }

    /// The same, but drops the future at this time, as the runtime does: then there is no output.
    /// Calls that are under way are not carried out.
    pub(crate) fn run_until<T>(
        &self,
        now_ms: &Cell<u64>,
        end_ms: u64,
        future: impl Future<Output = T>,
    ) -> Option<T> {
        let mut future = pin!(future);
        let waker = Waker::noop();
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
                return Some(output);
            }
            let mut waiting = self.waiting.borrow_mut();
            let next_ms = waiting.iter().map(|(until_ms, _)| *until_ms).min();
            let next_ms = next_ms.expect("a future waits for an event").max(now_ms.get());
            if next_ms >= end_ms {
                waiting.clear();
                self.at_once.set(0);
                now_ms.set(end_ms);
                return None;
            }
            now_ms.set(next_ms);
            for (_, waker) in waiting.extract_if(.., |(until_ms, _)| *until_ms <= now_ms.get()) {
                waker.wake();
            }
        }
    }
}
