//! A running instance, as commands ask it over its API: where it is, with which key, and how long
//! they wait for one that is busy.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::Value;
use testbed::server::ADMIN_KEY;
use wire::access::{HEADER, Scope};
use wire::limits::RATE_LIMIT_PERIOD_S;
use wire::secret;

use crate::commands::dev;
use crate::curl::{Answer, Body, Request};
use crate::{progress, servers, stop};

/// The environment variable that can hold the key.
const VARIABLE: &str = "CFACE_API_KEY";

/// How often a request is sent that the instance refuses for now.
const TRIES_MAX: u32 = 20;

/// How often a request is sent that nobody answers, or that breaks the instance.
const FAILED_TRIES_MAX: u32 = 3;

/// How long to wait where an answer does not say it, in seconds. The Worker says the same.
const WAIT_S: u32 = 2;

/// The longest wait between two tries, in seconds, whatever an answer says.
const WAIT_S_MAX: u32 = 2 * RATE_LIMIT_PERIOD_S;

/// Where an instance is, and the key for it.
#[derive(Args)]
pub(crate) struct Target {
    /// The address of the instance.
    #[arg(long, global = true, value_name = "URL", default_value = "http://localhost:8787")]
    to: String,
    /// The API key. Others on this machine can read it while the command runs, which they cannot
    /// with `--key-file` and the environment variable `CFACE_API_KEY`.
    #[arg(long, global = true, value_name = "KEY", conflicts_with = "key_file")]
    key: Option<String>,
    /// The file with the API key. Without any, the environment variable `CFACE_API_KEY` counts, and
    /// for a local server the key that `dev` has made.
    #[arg(long, global = true, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// An instance, and the key for it. Without a key it is asked as anybody.
pub(crate) struct Instance {
    address: String,
    key: Option<String>,
}

/// What an instance is asked.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    /// With its query.
    pub(crate) path: &'a str,
    /// Lines like `name: value`, besides the key.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Body,
    /// How long one try may take, in seconds.
    pub(crate) seconds_max: u32,
}

impl Instance {
    pub(crate) fn of(target: &Target) -> anyhow::Result<Self> {
        let address = target.to.trim_end_matches('/').to_owned();
        let place = Place::of(&address)?;
        let key = match (&target.key, &target.key_file, std::env::var(VARIABLE), &place) {
            (Some(key), ..) => Some(key.clone()),
            (_, Some(file), ..) => Some(read_key(file)?),
            (.., Ok(key), _) => Some(key),
            (.., Place::Local(port)) => {
                let state = servers::state_of(*port).unwrap_or_else(dev::default_state);
                let file = state.join(ADMIN_KEY);
                file.exists().then(|| read_key(&file)).transpose()?
            }
            (.., Place::Remote) => None,
        };
        let key = key.map(|key| key.trim().to_owned());
        let has_form = key.as_ref().is_none_or(|key| secret::has_form(key));
        ensure!(has_form, "the key is not what `cargo xtask keys add` prints");
        Ok(Self { address, key })
    }

    /// As `https://cface.example.workers.dev`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Makes sure that there is a key.
    pub(crate) fn need_key(&self, scope: Scope) -> anyhow::Result<()> {
        ensure!(
            self.key.is_some(),
            "pass a key of scope `{scope}` by --key-file or in the variable {VARIABLE}"
        );
        Ok(())
    }

    /// Asks, and gives the answer, whatever it is. An instance that is busy or wakes up is asked
    /// again, a limited number of times. So a question must do no harm when it is repeated.
    pub(crate) fn ask(&self, question: &Question<'_>) -> anyhow::Result<Answer> {
        let mut tries = 0;
        loop {
            let answer = self.send(question);
            stop::check()?;
            tries += 1;
            let (why, tries_max, wait_s) = match answer {
                Err(error) => (format!("{error:#}"), FAILED_TRIES_MAX, None),
                Ok(answer) => match tries_max(answer.status) {
                    None => return Ok(answer),
                    Some(max) => (self.refusal(&answer).sentence, max, answer.retry_after_s),
                },
            };
            ensure!(tries < tries_max, "{why} Given up after {tries} tries.");
            let wait_s = wait_s.unwrap_or(WAIT_S).clamp(1, WAIT_S_MAX);
            progress::say(&format!("{why} Asking again in {wait_s} s."));
            pause(Duration::from_secs(wait_s.into()))?;
        }
    }

    /// Asks, and gives the body of the answer if it is a success.
    pub(crate) fn succeed(&self, question: &Question<'_>) -> anyhow::Result<String> {
        let answer = self.ask(question)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        bail!(self.refusal(&answer).sentence)
    }

    fn send(&self, question: &Question<'_>) -> anyhow::Result<Answer> {
        let key = self.key.iter().map(|key| format!("{HEADER}: {key}"));
        let headers: Vec<String> = key.chain(question.headers.iter().cloned()).collect();
        let request = Request {
            what: "asking the instance",
            method: question.method,
            url: &format!("{}{}", self.address, question.path),
            headers: &headers,
            body: question.body.clone(),
            seconds_max: question.seconds_max,
            hint: &format!("Does anything answer at {}?", self.address),
            shows_errors: true,
        };
        request.send()
    }

    /// What an answer says that is no success.
    pub(crate) fn refusal(&self, answer: &Answer) -> Refusal {
        let status = answer.status;
        let document: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |member: &str| document.get(member).and_then(Value::as_str);
        let (Some(kind), Some(title), Some(detail)) = (text("type"), text("title"), text("detail"))
        else {
            let sentence = format!("{} answers {status}: is it CFace?", self.address);
            return Refusal { kind: String::new(), detail: sentence.clone(), sentence };
        };
        Refusal {
            kind: kind.rsplit(':').next().unwrap_or_default().to_owned(),
            detail: detail.to_owned(),
            sentence: format!("{title} ({status}): {detail}"),
        }
    }
}

/// What an answer says that is no success.
pub(crate) struct Refusal {
    /// The last part of the problem's `type`; empty when it is no problem of ours.
    pub(crate) kind: String,
    /// What to do.
    pub(crate) detail: String,
    /// All of it.
    pub(crate) sentence: String,
}

/// How often a request with this status is sent; nothing when the answer is final.
fn tries_max(status: u16) -> Option<u32> {
    match status {
        408 | 429 | 503 => Some(TRIES_MAX),
        // An instance that has broken down is replaced at once. From 520 on, Cloudflare says that
        // it has no answer.
        500 | 502 | 504 | 520..=530 => Some(FAILED_TRIES_MAX),
        _ => None,
    }
}

/// Waits, unless the command is asked to end meanwhile.
fn pause(time: Duration) -> anyhow::Result<()> {
    let started = Instant::now();
    while started.elapsed() < time {
        stop::check()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn read_key(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading the key in {}", file.display()))
}

/// Where an instance is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// On this machine, at a port.
    Local(u16),
    Remote,
}

impl Place {
    /// Looks at an address. Keys and faces only go over the network when that is encrypted.
    fn of(address: &str) -> anyhow::Result<Self> {
        let (scheme, host) = address.split_once("://").unwrap_or(("", address));
        ensure!(
            !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\', ' ']),
            "`{address}` is no address like https://cface.example.workers.dev"
        );
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let is_local = name == "localhost"
            || name.trim_matches(['[', ']']).parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        match scheme {
            "http" if is_local => {
                Ok(Self::Local(port.unwrap_or("80").parse().context("the port is no number")?))
            }
            "https" => Ok(Self::Remote),
            _ => bail!("what is sent would be readable on its way to {address}: use https"),
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::{Kind, Problem};

    use super::*;

    #[test]
    fn what_is_refused_for_now_is_asked_again_and_nothing_else() {
        for kind in Kind::ALL {
            let is_for_now = Problem::new(kind, "x").retry_after.is_some()
                || matches!(kind, Kind::TooSlow | Kind::Internal);
            assert_eq!(tries_max(kind.status()).is_some(), is_for_now, "{kind:?}");
        }
        assert_eq!(tries_max(201), None);
    }

    #[test]
    fn refusals_say_what_they_are() {
        let instance = Instance { address: "http://localhost:1".into(), key: None };
        let answer =
            |status, body: String| Answer { status, body, retry_after_s: None, seconds: 0.0 };
        let problem = Problem::new(Kind::Unusable, "No face.").document();
        let body = serde_json::to_string(&problem).unwrap();
        let Refusal { kind, detail, sentence } = instance.refusal(&answer(422, body));
        assert_eq!((kind.as_str(), detail.as_str()), (Kind::Unusable.slug(), "No face."));
        assert_eq!(sentence, "The content cannot be used (422): No face.");
        let stranger = instance.refusal(&answer(404, "<html>".into()));
        assert_eq!((stranger.kind.as_str(), &stranger.detail), ("", &stranger.sentence));
    }

    #[test]
    fn keys_and_faces_go_to_this_machine_or_are_encrypted() {
        for (address, place) in [
            ("http://localhost:8787", Place::Local(8787)),
            ("http://127.0.0.1", Place::Local(80)),
            ("http://[::1]:9", Place::Local(9)),
            ("https://cface.example.workers.dev", Place::Remote),
        ] {
            assert_eq!(Place::of(address).unwrap(), place, "{address}");
        }
        for address in [
            "",
            "localhost:8787",
            "http://example.org",
            "http://localhost@example.org",
            "http://localhost.example.org",
            "http://example.org\\@localhost",
            "ftp://localhost",
            "https://example.org/path",
        ] {
            assert!(Place::of(address).is_err(), "{address}");
        }
    }
}
