//! Running other programs: one builder, and a few ways to run what it describes. Every program
//! runs in a [`Group`] of its own.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, Seek as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context as _, bail};
use testbed::process::Group;

use crate::{progress, stop};

/// How many lines of a failed command are shown.
const LOG_LINES_MAX: usize = 200;

/// A program to run as a step of a command.
pub(crate) struct Run {
    what: String,
    hint: String,
    command: Command,
    lock: Option<File>,
}

impl Run {
    /// `what` is what the user reads, as in "installing npm packages".
    pub(crate) fn new(what: impl Into<String>, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).current_dir(testbed::root());
        Self::of(what, command)
    }

    /// The same for a command that is described already.
    pub(crate) fn of(what: impl Into<String>, command: Command) -> Self {
        Self { what: what.into(), hint: String::new(), command, lock: None }
    }

    /// Cargo, as the one that runs xtask.
    pub(crate) fn cargo(what: impl Into<String>) -> Self {
        Self::new(what, "cargo").edit(clean_cargo_environment)
    }

    /// Adds arguments.
    pub(crate) fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// Adds an option whose value is a path.
    pub(crate) fn arg_path(self, option: &str, path: &Path) -> Self {
        self.args([OsStr::new(option), path.as_os_str()])
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory, which is the project's root otherwise.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// What to do when it fails: a sentence for the user.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Keeps a locked file locked until all that this starts has ended, also when xtask is killed.
    pub(crate) fn holding(mut self, lock: File) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Changes the command by a function.
    pub(crate) fn edit(mut self, edit: impl FnOnce(&mut Command)) -> Self {
        edit(&mut self.command);
        self
    }

    /// Runs with the user's terminal, for programs whose output is the point.
    pub(crate) fn shown(mut self) -> anyhow::Result<()> {
        let status = self.start()?.wait()?;
        self.judge(status)
    }

    /// Runs behind a spinner. The output is shown only when it fails.
    pub(crate) fn quietly(self) -> anyhow::Result<()> {
        let step = progress::Step::begin(&self.what);
        self.logged(|line| step.note(line))?;
        step.done();
        Ok(())
    }

    /// Runs behind a spinner and says whether it succeeded, where there is another way if not.
    pub(crate) fn attempt(mut self) -> anyhow::Result<bool> {
        let step = progress::Step::begin(&self.what);
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let status = self.start()?.wait()?;
        stop::check()?;
        if status.success() {
            step.done();
        }
        Ok(status.success())
    }

    /// Runs with the output kept back, shown only when it fails; `each_line` sees it as it comes.
    pub(crate) fn logged(mut self, each_line: impl FnMut(&str)) -> anyhow::Result<()> {
        let (reader, writer) = std::io::pipe()?;
        self.command.stdout(writer.try_clone()?).stderr(writer);
        let mut group = self.start()?;
        // The reader ends when nobody can write any more: not this process either.
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let log = read_log(reader, each_line);
        let status = group.wait()?;
        if !status.success() && !stop::requested() {
            let log = Vec::from(log).join("\n");
            progress::say(&format!("--- output of the failed step: {}\n{log}\n---", self.what));
        }
        self.judge(status)
    }

    /// Runs and gives what it wrote to its standard output.
    pub(crate) fn output(mut self) -> anyhow::Result<String> {
        stop::check()?;
        let program = self.command.get_program().to_owned();
        let context = || format!("{}: cannot run `{}`", self.what, program.display());
        let output = self.command.output().with_context(context)?;
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
        self.judge(output.status)?;
        String::from_utf8(output.stdout).with_context(|| format!("{}: no text", self.what))
    }

    /// Starts it.
    pub(crate) fn start(&mut self) -> anyhow::Result<Group> {
        stop::check()?;
        let group =
            Group::start_with(&mut self.command, self.lock.as_ref()).with_context(|| {
                let program = self.command.get_program().to_string_lossy();
                format!("{}: cannot start `{program}`. {}", self.what, self.hint)
            })?;
        // The request may have come while the group was started.
        if stop::requested() {
            group.ask_to_end();
        }
        Ok(group)
    }

    fn judge(&self, status: ExitStatus) -> anyhow::Result<()> {
        stop::check()?;
        if status.success() {
            return Ok(());
        }
        bail!("{} failed ({}). {}", self.what, describe(status), self.hint)
    }
}

/// A text for a program's standard input, in a file that nobody else can open.
pub(crate) fn unnamed_file(text: &str) -> anyhow::Result<File> {
    let mut file = tempfile::tempfile().context("making a temporary file")?;
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

/// How a program ended, in words.
pub(crate) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown status".into(),
    }
}

/// `cargo run` tells its child about itself. Another cargo below it must not see that.
pub(crate) fn clean_cargo_environment(command: &mut Command) {
    let about_xtask = |name: &str| {
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO"
    };
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(about_xtask) {
            command.env_remove(name);
        }
    }
    // Points to the standard library of the toolchain that built xtask.
    command.env_remove("LD_LIBRARY_PATH");
}

/// Whether a program can be found.
pub(crate) fn is_on_path(program: &str) -> bool {
    find_on_path(program).is_some()
}

/// Where a program is.
pub(crate) fn find_on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

fn read_log(reader: PipeReader, mut each_line: impl FnMut(&str)) -> VecDeque<String> {
    let mut log = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // Programs redraw a line by a carriage return.
        each_line(line.trim_end().rsplit('\r').next().unwrap_or_default());
        if log.len() == LOG_LINES_MAX {
            log.pop_front();
        }
        log.push_back(line);
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        Run::new("trying", "sh").args(["-c", script])
    }

    #[test]
    fn a_failure_names_the_step_and_says_what_to_do() {
        let error = shell("exit 3").hint("Do this").logged(|_| ()).unwrap_err().to_string();
        assert_eq!(error, "trying failed (exit code 3). Do this");
        let error = Run::new("trying", "no-such-program").hint("Do that").quietly().unwrap_err();
        assert_eq!(error.to_string(), "trying: cannot start `no-such-program`. Do that");
    }

    #[test]
    fn output_is_seen_line_by_line_as_redrawn() {
        let mut seen = Vec::new();
        shell(r"printf 'one\n10%%\r20%%\n'; echo three >&2")
            .logged(|line| seen.push(line.to_owned()))
            .unwrap();
        assert_eq!(seen, ["one", "20%", "three"]);
        assert_eq!(shell("echo four").output().unwrap(), "four\n");
    }
}
