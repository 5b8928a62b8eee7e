//! Requests to other machines, by curl: this program has no TLS, so that it compiles in seconds.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tempfile::NamedTempFile;

use crate::run::{Run, is_on_path, unnamed_file};

/// Curl, for the step `what`.
///
/// # Errors
/// When it is not installed.
pub(crate) fn command(what: &str) -> anyhow::Result<Run> {
    const INSTALL: &str = "Install curl (on Debian: apt-get install curl)";
    ensure!(is_on_path("curl"), "{what}: there is no program `curl`. {INSTALL}");
    Ok(Run::new(what, "curl"))
}

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
#[derive(Clone)]
pub(crate) enum Body {
    Nothing,
    Text(String),
    File(PathBuf),
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// After how many seconds it makes sense to ask again, where the answer says so.
    pub(crate) retry_after_s: Option<u32>,
    /// How long it took from the first to the last byte, in seconds.
    pub(crate) seconds: f64,
}

impl Request<'_> {
    /// Sends it. Every answer is a success here.
    pub(crate) fn send(&self) -> anyhow::Result<Answer> {
        let headers: String = self.headers.iter().flat_map(|line| [line, "\n"]).collect();
        let headers = unnamed_file(&headers)?;
        let answered = NamedTempFile::new().context("making a temporary file")?;
        let mut curl = command(self.what)?
            // The user's defaults could send secrets elsewhere.
            .args(["--disable"])
            // A proxy does not reach this machine.
            .args(["--noproxy", "localhost,127.0.0.0/8,127.0.0.1,::1"])
            .args(["--silent", "--proto", "=http,https"])
            .args(self.shows_errors.then_some("--show-error"))
            .args(["--max-time", &self.seconds_max.to_string()])
            .args(["--write-out", "\n%{http_code} %{time_total}"])
            .arg_path("--dump-header", answered.path())
            // Else a large body waits for a permission that not every server gives.
            .args(["--header", "Expect:"])
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
            retry_after_s: retry_after_s(&fs::read_to_string(answered.path())?),
            seconds: seconds.trim().parse().context("the time is no number")?,
        })
    }
}

/// After how many seconds to ask again, by the headers of the last answer. Dates are not read:
/// CFace sends seconds.
fn retry_after_s(headers: &str) -> Option<u32> {
    let fields = headers.lines().rev().take_while(|line| !line.starts_with("HTTP/"));
    let mut fields = fields.filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn the_last_answer_says_when_to_come_back() {
        let proxy = "HTTP/1.1 200 OK\r\nretry-after: 7\r\n\r\n";
        let answer = "HTTP/2 503 \r\nRetry-After:  2\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(retry_after_s(&format!("{proxy}{answer}")), Some(2));
        assert_eq!(retry_after_s(&format!("{answer}HTTP/1.1 200 OK\r\n\r\n")), None);
        assert_eq!(retry_after_s("HTTP/2 429\r\nretry-after: tomorrow\r\n"), None);
        assert_eq!(retry_after_s(""), None);
    }

    #[test]
    fn where_nobody_answers_the_advice_is_about_that() {
        // A port at which nobody listens any more.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let request = Request {
            what: "asking",
            method: "GET",
            url: &url,
            headers: &[],
            body: Body::Nothing,
            seconds_max: 10,
            hint: "Is the network there?",
            shows_errors: false,
        };
        let error = request.send().map(|answer| answer.body).unwrap_err().to_string();
        // Curl's number for a connection that fails.
        assert_eq!(error, "asking failed (exit code 7). Is the network there?");
    }
}
