//! Guards: each group of processes has a small shell beside it. When the process that started the
//! group is killed, which it can neither prevent nor notice, the shell ends the group.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// A line means that the group has ended; the end of the pipe, that the process that writes it has.
/// The group gets as long to end as a dropped one.
const SCRIPT: &str = r#"
read -r _ && exit
kill -s TERM -- "-$1" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
    kill -s 0 -- "-$1" 2>/dev/null || exit
    sleep 0.2
done
kill -s KILL -- "-$1"
"#;

/// The guard of a group. It goes when this is dropped.
pub(crate) struct Guard(Child);

impl Guard {
    /// Watches over a group. `lock` is a locked file that stays locked until the group has ended,
    /// whoever else has closed it.
    ///
    /// # Errors
    /// When there is no shell.
    pub(crate) fn over(group: Pid, lock: Option<&File>) -> io::Result<Self> {
        let lock = lock.map(File::try_clone).transpose()?;
        Command::new("sh")
            .args(["-c", SCRIPT, "guard", &group.as_raw_nonzero().to_string()])
            .stdin(Stdio::piped())
            .stdout(lock.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null())
            // Signals to the starter's group are not for the guard.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

#[cfg(test)]
impl Guard {
    /// What happens when this process is killed.
    pub(crate) fn close(&mut self) {
        drop(self.0.stdin.take());
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // It has ended already if this fails.
            let _ = pipe.write_all(b"ended\n");
        }
        let _ = self.0.wait();
    }
}
