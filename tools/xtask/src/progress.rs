//! What the user sees of a step: a spinner or a bar on a terminal, plain lines elsewhere. Steps
//! that run at once have a line each.

use std::io::IsTerminal as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How many characters of a command's output are shown beside the spinner.
const NOTE_CHARS_MAX: usize = 60;

/// The lines of all steps that run.
static LINES: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Writes a line to standard error, above the lines of steps that run.
pub(crate) fn say(line: &str) {
    LINES.suspend(|| eprintln!("{line}"));
}

/// A step that takes a while. Dropped before [`Step::done`], it leaves no sign of success.
pub(crate) struct Step {
    bar: ProgressBar,
    what: String,
    started: Instant,
}

impl Step {
    /// A step of unknown length.
    pub(crate) fn begin(what: &str) -> Self {
        Self::with_style(what, ProgressBar::new_spinner(), "{spinner} {prefix} {wide_msg:.dim}")
    }

    /// A step that handles so many bytes.
    pub(crate) fn bytes(what: &str, total: u64) -> Self {
        let template = "{spinner} {prefix} {bar:30} {bytes}/{total_bytes} {eta}";
        Self::with_style(what, ProgressBar::new(total), template)
    }

    fn with_style(what: &str, bar: ProgressBar, template: &str) -> Self {
        let bar = LINES.add(bar);
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            say(&format!("{what} ..."));
        }
        Self { bar, what: what.to_owned(), started: Instant::now() }
    }

    /// Shows a line of the command's output.
    pub(crate) fn note(&self, line: &str) {
        self.bar.set_message(line.trim().chars().take(NOTE_CHARS_MAX).collect::<String>());
    }

    /// How far a step of known length is.
    pub(crate) fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// Says that the step is done and how long it took.
    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
        say(&format!("{}: done in {:.1} s", self.what, self.started.elapsed().as_secs_f32()));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
