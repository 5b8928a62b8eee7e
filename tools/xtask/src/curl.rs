//! Requests to other machines, by curl: this program has no TLS, so that it compiles in seconds.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::run::{Run, unnamed_file};

/// A request.
pub(crate) struct Request<'a> {
    /// What the user reads when it fails.
    pub(crate) what: &'a str,
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    /// Lines like `name: value`. They go by a file that nobody else can open, because everybody on
    /// the machine can read arguments.
    pub(crate) headers: &'a [String],
    pub(crate) body: Body,
    /// How long it may take, in seconds.
    pub(crate) seconds_max: u32,
    /// What to do when there is no answer.
    pub(crate) hint: &'a str,
    /// Whether the user is to see why there is no answer.
    pub(crate) shows_errors: bool,
}

/// What a request brings.
pub(crate) enum Body {
    Nothing,
    Text(String),
    File(PathBuf),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// How long it took from the first to the last byte, in seconds.
    pub(crate) seconds: f64,
}

impl Request<'_> {
    /// Sends it. Every answer is a success here.
    pub(crate) fn send(&self) -> anyhow::Result<Answer> {
        let headers: String = self.headers.iter().flat_map(|line| [line, "\n"]).collect();
        let headers = unnamed_file(&headers)?;
        let mut curl = Run::new(self.what, "curl")
            // The user's defaults could send secrets elsewhere.
            .args(["--disable"])
            // A proxy does not reach this machine.
            .args(["--noproxy", "localhost,127.0.0.0/8,127.0.0.1,::1"])
            .args(["--silent", "--proto", "=http,https"])
            .args(self.shows_errors.then_some("--show-error"))
            .args(["--max-time", &self.seconds_max.to_string()])
            .args(["--write-out", "\n%{http_code} %{time_total}"])
            .args(["--request", self.method, "--header", "@-", self.url])
            .edit(|command| {
                command.stdin(headers);
            })
            .hint(self.hint);
        let file;
        match &self.body {
            Body::Nothing => (),
            Body::Text(text) => {
                let mut temporary = NamedTempFile::new().context("making a temporary file")?;
                temporary.write_all(text.as_bytes())?;
                file = temporary;
                curl = curl.arg_path("--upload-file", file.path());
            }
            Body::File(path) => curl = curl.arg_path("--upload-file", path),
        }
        let output = curl.output()?;
        let (body, end) = output.rsplit_once('\n').context("curl names no status")?;
        let (status, seconds) = end.split_once(' ').context("curl names no time")?;
        Ok(Answer {
            status: status.parse().context("the status is no number")?,
            body: body.to_owned(),
            seconds: seconds.trim().parse().context("the time is no number")?,
        })
    }
}
