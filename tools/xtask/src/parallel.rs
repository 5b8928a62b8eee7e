//! Steps side by side: a download beside a build, or builds that have stretches with one thread.

use std::thread;

use anyhow::Context as _;

/// Does two things at once. Both are done, or have failed, when this returns.
pub(crate) fn both<A: Send, B: Send>(
    one: impl FnOnce() -> anyhow::Result<A> + Send,
    other: impl FnOnce() -> anyhow::Result<B> + Send,
) -> anyhow::Result<(A, B)> {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        Ok((finish(one.join())?, other?))
    })
}

/// Does the same with each of several things at once.
pub(crate) fn all<T: Sync>(
    things: &[T],
    step: impl Fn(&T) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let step = &step;
    thread::scope(|scope| {
        let steps: Vec<_> = things.iter().map(|thing| scope.spawn(move || step(thing))).collect();
        let outcomes: Vec<_> = steps.into_iter().map(|step| finish(step.join())).collect();
        outcomes.into_iter().collect()
    })
}

fn finish<T>(outcome: thread::Result<anyhow::Result<T>>) -> anyhow::Result<T> {
    outcome.ok().context("a step has panicked; the message above says why")?
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicU32, Ordering};

    use anyhow::{bail, ensure};

    use super::*;

    #[test]
    fn steps_run_at_once() {
        // Each waits for the other.
        let barrier = Barrier::new(2);
        let step = |number: u32| {
            barrier.wait();
            Ok(number)
        };
        assert_eq!(both(|| step(1), || step(2)).unwrap(), (1, 2));
        all(&[1, 2], |&number| step(number).map(drop)).unwrap();
    }

    #[test]
    fn a_failure_ends_no_other_step_and_is_reported() {
        let done = AtomicU32::new(0);
        let step = |number: &u32| {
            ensure!(*number != 2, "the second");
            done.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        assert_eq!(all(&[1, 2, 3], step).unwrap_err().to_string(), "the second");
        assert_eq!(done.into_inner(), 2);
        assert!(both(|| Ok(()), || -> anyhow::Result<()> { bail!("other") }).is_err());
        assert!(both(|| -> anyhow::Result<()> { bail!("one") }, || Ok(())).is_err());
    }
}
