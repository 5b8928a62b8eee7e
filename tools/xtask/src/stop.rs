//! How commands end early. SIGINT, SIGTERM and SIGHUP reach xtask alone, because its programs run
//! in process groups of their own. It passes them on, so that no process stays behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use testbed::process;

/// What a shell would report for a command ended by SIGINT.
pub(crate) const EXIT_CODE: u8 = 130;

/// How long everything may take to end once it was asked to.
const END_MAX: Duration = Duration::from_secs(10);

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Starts to listen for signals. The main thread calls this.
pub(crate) fn listen() -> anyhow::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])
        .context("listening for signals")?;
    let main = thread::current();
    thread::spawn(move || {
        let mut wait = || signals.forever().next();
        wait();
        REQUESTED.store(true, Ordering::SeqCst);
        process::end_all(false);
        main.unpark();
        thread::spawn(|| {
            thread::sleep(END_MAX);
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

/// Lets the main thread wait for so long, or until the command is asked to end.
pub(crate) fn pause(duration: Duration) {
    if !requested() {
        thread::park_timeout(duration);
    }
}

/// An error once the command was asked to end, so that no further step begins.
pub(crate) fn check() -> anyhow::Result<()> {
    ensure!(!requested(), "interrupted");
    Ok(())
}

fn give_up() {
    process::end_all(true);
    std::process::exit(i32::from(EXIT_CODE));
}
