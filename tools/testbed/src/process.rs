//! Programs with all the processes that they start. Each program gets a process group of its own,
//! and the group ends as a whole: a server that starts other servers leaves none of them behind. It
//! also ends when this process is killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use crate::guard::Guard;

/// How long a dropped group may take to end by itself before it is killed.
const END_MAX: Duration = Duration::from_secs(5);

/// How often a group that is to end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The groups that run, by the process id of their leader.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

fn running() -> MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks every running group to end (SIGTERM), or kills it (SIGKILL).
pub fn end_all(kill: bool) {
    let signal = if kill { Signal::KILL } else { Signal::TERM };
    for group in running().iter().filter_map(|&id| Pid::from_raw(id)) {
        // A group that has ended meanwhile needs no signal.
        let _ = kill_process_group(group, signal);
    }
}

/// A running program with all the processes that it started. They end when this is dropped.
pub struct Group {
    child: Child,
    id: Pid,
    _guard: Guard,
}

impl Group {
    /// Starts a program in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Self::start_with(command, None)
    }

    /// The same. `lock` is a locked file that stays locked until the whole group has ended, also
    /// when this process is killed.
    ///
    /// # Errors
    /// As [`Group::start`].
    pub fn start_with(command: &mut Command, lock: Option<&File>) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let id = Pid::from_child(&child);
        let guard = Guard::over(id, lock).inspect_err(|_| {
            let _ = kill_process_group(id, Signal::KILL);
            let _ = child.wait();
        })?;
        running().insert(id.as_raw_nonzero().get());
        Ok(Self { child, id, _guard: guard })
    }

    /// Waits until the program ends by itself.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// How the program ended, if it has.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// The program's ends of the pipes that its command asked for. They can be taken once.
    pub fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take())
    }

    /// Kills the program alone (SIGKILL) and waits until it is gone. What it has started is not
    /// told.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill_leader(&mut self) -> io::Result<()> {
        kill_process(self.id, Signal::KILL)?;
        self.child.wait().map(drop)
    }

    /// Asks the whole group to end (SIGTERM) and does not wait for it.
    pub fn ask_to_end(&self) {
        // A group that has ended already needs no signal.
        let _ = kill_process_group(self.id, Signal::TERM);
    }

    /// Ends the whole group: asks it to, and kills what is still there after so long. Says whether
    /// all of it ended by itself.
    pub fn end(&mut self, max: Duration) -> bool {
        // The id of a group that has ended may belong to another one by now.
        if !running().contains(&self.id.as_raw_nonzero().get()) {
            return true;
        }
        let asked = Instant::now();
        self.ask_to_end();
        let mut by_itself = false;
        while !by_itself && asked.elapsed() < max {
            let leader_ended = !matches!(self.child.try_wait(), Ok(None));
            by_itself = leader_ended && !is_running(self.id);
            if !by_itself {
                std::thread::sleep(LOOK_EVERY);
            }
        }
        let _ = kill_process_group(self.id, Signal::KILL);
        let _ = self.child.wait();
        running().remove(&self.id.as_raw_nonzero().get());
        by_itself
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end(END_MAX);
    }
}

/// Whether a process of a group runs. One that has ended stays in the group until its parent asks
/// how. Where the parent has ended too, that may take the system seconds.
fn is_running(group: Pid) -> bool {
    let id = group.as_raw_nonzero().get();
    let runs = |process: Process| process.group == id && process.state != ENDED;
    // Elsewhere than on Linux, the kernel's first word has to do.
    test_kill_process_group(group).is_ok() && processes().map_or(true, |mut all| all.any(runs))
}

/// The state of a process that has ended, as Linux names it.
const ENDED: &str = "Z";

/// What Linux says of a process.
struct Process {
    id: u32,
    state: String,
    parent: u32,
    group: i32,
}

fn processes() -> io::Result<impl Iterator<Item = Process>> {
    let process = |entry: io::Result<std::fs::DirEntry>| {
        let id = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The program's name before it may hold anything, parentheses too.
        let (_, after) = stat.rsplit_once(')')?;
        let mut fields = after.split_whitespace();
        let mut next = || fields.next();
        let (state, parent, group) = (next()?.into(), next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Process { id, state, parent, group })
    };
    Ok(std::fs::read_dir("/proc")?.filter_map(process))
}

/// The processes that a process has started, on Linux.
///
/// # Errors
/// When the kernel does not list processes.
pub fn children_of(parent: u32) -> io::Result<Vec<u32>> {
    let children = processes()?.filter(|process| process.parent == parent);
    Ok(children.map(|process| process.id).collect())
}

/// The command lines of running processes that contain a text, on Linux.
///
/// # Errors
/// When the kernel does not list processes.
pub fn command_lines_with(text: &str) -> io::Result<Vec<String>> {
    let lines = std::fs::read_dir("/proc")?.filter_map(|entry| {
        let line = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&line).replace('\0', " "))
    });
    Ok(lines.filter(|line| line.contains(text)).collect())
}

/// The memory of the largest process, in bytes, of those that run a program and were started by a
/// process whose command line contains a text; on Linux.
///
/// # Errors
/// When the kernel does not list processes, or there is none.
pub fn resident_bytes(program: &str, parent: &str) -> io::Result<u64> {
    let of = |dir: PathBuf| -> Option<u64> {
        let status = std::fs::read_to_string(dir.join("status")).ok()?;
        let value = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line?.split_whitespace().next()
        };
        let started_by = Path::new("/proc").join(value("PPid")?).join("cmdline");
        let line = std::fs::read(started_by).ok()?;
        let line = String::from_utf8_lossy(&line).into_owned();
        let is_it = value("Name") == Some(program) && line.contains(parent);
        Some(1024 * value("VmRSS").filter(|_| is_it)?.parse::<u64>().ok()?)
    };
    let entries = std::fs::read_dir("/proc")?.filter_map(|entry| of(entry.ok()?.path()));
    entries.max().ok_or_else(|| io::Error::other(format!("no {program} of {parent} runs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Group {
        Group::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn a_group_ends_as_a_whole() {
        // The shell alone would leave these behind.
        let mut group = shell("sleep 1000 & sleep 1000 & wait");
        let id = group.id;
        assert!(is_running(id));
        assert!(running().contains(&id.as_raw_nonzero().get()));
        assert!(group.end(END_MAX));
        assert!(!is_running(id));
        assert!(!running().contains(&id.as_raw_nonzero().get()));
    }

    #[test]
    fn the_memory_of_a_process_is_found_by_whoever_has_started_it() {
        // The shell's command line has the whole script.
        let mut group = shell("sleep 1000 & wait; : resident-bytes");
        let found = || resident_bytes("sleep", "resident-bytes");
        let bytes = crate::wait::until(END_MAX, || Ok(found())).unwrap();
        assert!((1..100 << 20).contains(&bytes), "{bytes}");
        assert!(resident_bytes("no-such-program", "resident-bytes").is_err());
        assert!(group.end(END_MAX));
        assert!(found().is_err());
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let mut group = shell("trap '' TERM; exec sleep 1000");
        // The shell needs a moment until it ignores the signal.
        std::thread::sleep(Duration::from_millis(300));
        assert!(!group.end(Duration::from_millis(100)));
        assert!(!is_running(group.id));
    }

    #[test]
    fn a_group_ends_when_whoever_watches_it_is_gone() {
        let mut child = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let id = Pid::from_child(&child);
        let mut guard = Guard::over(id, None).unwrap();
        guard.close();
        // By a signal, and not before the guard was closed.
        assert_eq!(child.wait().unwrap().code(), None);
    }

    #[test]
    fn children_are_found_by_their_parent() {
        let group = shell("sleep 1000 & wait");
        let own = children_of(std::process::id()).unwrap();
        assert!(own.contains(&group.child.id()), "{own:?}");
        drop(group);
    }
}
