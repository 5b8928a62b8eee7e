//! How commands end early: SIGINT, SIGTERM and SIGHUP reach xtask alone, and it passes them on
//! to the process groups that it started, so that none of their processes stays behind.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// What a shell would report for a command ended by SIGINT.
pub(crate) const EXIT_CODE: u8 = 130;

/// How long everything may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(10);

static REQUESTED: AtomicBool = AtomicBool::new(false);
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Starts to listen for signals.
pub(crate) fn listen() -> anyhow::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])
        .context("listening for signals")?;
    std::thread::spawn(move || {
        let mut wait = || signals.forever().next();
        wait();
        REQUESTED.store(true, Ordering::SeqCst);
        signal_groups(Signal::TERM);
        std::thread::spawn(|| {
            std::thread::sleep(GRACE);
            give_up();
        });
        // Whoever asks twice is in a hurry.
        wait();
        give_up();
    });
    Ok(())
}

/// Whether the command was asked to end.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// An error once the command was asked to end, so that no further step begins.
pub(crate) fn check() -> anyhow::Result<()> {
    ensure!(!requested(), "interrupted");
    Ok(())
}

/// Adds a process group to those that a signal is passed on to.
pub(crate) fn watch(group: Pid) {
    groups().insert(group.as_raw_nonzero().get());
    // The signal may have come while the group was started.
    if requested() {
        let _ = kill_process_group(group, Signal::TERM);
    }
}

/// Forgets a process group that has ended.
pub(crate) fn forget(group: Pid) {
    groups().remove(&group.as_raw_nonzero().get());
}

fn groups() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn signal_groups(signal: Signal) {
    for group in groups().iter().filter_map(|&raw| Pid::from_raw(raw)) {
        // A group that has ended meanwhile needs no signal.
        let _ = kill_process_group(group, signal);
    }
}

fn give_up() {
    signal_groups(Signal::KILL);
    std::process::exit(i32::from(EXIT_CODE));
}
