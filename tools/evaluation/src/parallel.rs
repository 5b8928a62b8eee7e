//! Work on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::ProgressBar;

/// How many threads can run at once.
#[must_use]
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does `count` pieces of work on at most so many threads, and gives the results in order. Each
/// thread has its own tool, which `open` makes.
///
/// # Errors
/// When a tool cannot be made.
pub(crate) fn map<Tool, Output: Send>(
    count: usize,
    threads: usize,
    bar: &ProgressBar,
    open: impl Fn() -> anyhow::Result<Tool> + Sync,
    work: impl Fn(&Tool, usize) -> Output + Sync,
) -> anyhow::Result<Vec<Output>> {
    let next = AtomicUsize::new(0);
    let run = || {
        let tool = open()?;
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return anyhow::Ok(done);
            }
            done.push((index, work(&tool, index)));
            bar.inc(1);
        }
    };
    let mut all = thread::scope(|scope| {
        let threads = 0..threads.min(count).max(1);
        let handles: Vec<_> = threads.map(|_| scope.spawn(run)).collect();
        let mut all = Vec::with_capacity(count);
        for handle in handles {
            let done = handle.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
            all.extend(done?);
        }
        anyhow::Ok(all)
    })?;
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, output)| output).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_and_tools_may_fail() {
        let bar = ProgressBar::hidden();
        let squares = map(100, 3, &bar, || Ok(2), |power, index| index.pow(*power)).unwrap();
        assert_eq!(squares, (0..100).map(|index| index * index).collect::<Vec<_>>());
        let none = map(0, 3, &bar, || Ok(()), |(), index| index).unwrap();
        assert_eq!(none, [0; 0]);
        let failed = map(9, 3, &bar, || Err::<(), _>(anyhow::anyhow!("broken")), |(), i| i);
        assert_eq!(failed.unwrap_err().to_string(), "broken");
    }
}
