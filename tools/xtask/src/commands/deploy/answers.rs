//! Whether what was deployed answers: its health, and the embedding of a picture that comes with
//! the project, which loads the model.
//!
//! An address that nobody knows yet is no failure: a new one takes minutes sometimes, and the
//! machine that deploys may not reach it. An address that answers wrongly is one: then something
//! is missing that only its operator can mend.

use std::time::{Duration, Instant};

use anyhow::bail;
use facenet::embedding::DIMENSIONS;
use serde_json::Value;
use testbed::golden;
use wire::problem::Document;

use crate::curl::{Answer, Body, Request};
use crate::progress::Step;
use crate::stop;

/// A portrait by NASA, in the public domain.
const PICTURE: &str = "collins-1.png";

/// How long one request may take. The first one loads the model.
const REQUEST_S_MAX: u32 = 60;

/// How long to wait between two requests.
const PAUSE: Duration = Duration::from_secs(3);

/// What became of a request.
enum Outcome {
    /// Nobody answers.
    Silence,
    /// An answer of this status.
    Status(Answer),
}

/// Asks an address until it answers as it should, or for so long.
pub(super) fn check(address: &str, max: Duration) -> anyhow::Result<()> {
    let step = Step::begin(&format!("asking {address}"));
    let ends = Instant::now() + max;
    let health = insist(ends, || ask("GET", &format!("{address}/health"), Body::Nothing))?;
    let Outcome::Status(health) = health else {
        drop(step);
        eprintln!(
            "Warning: {address} does not answer yet. Everything is deployed; a new address takes \
             some minutes sometimes. See for yourself: curl {address}/health"
        );
        return Ok(());
    };
    if health.status != 200 {
        bail!("{address}/health answers {}", reason(&health));
    }
    let picture = || Body::File(golden::file(PICTURE));
    let embedding = insist(ends, || ask("POST", &format!("{address}/embed"), picture()))?;
    let healthy = format!("{address} is healthy after {:.1} s", health.seconds);
    match embedding {
        Outcome::Status(answer) if answer.status == 200 => {
            let numbers: Vec<f64> = serde_json::from_str(&answer.body).unwrap_or_default();
            if numbers.len() != DIMENSIONS {
                bail!("{address}/embed answers no embedding: is it CFace?");
            }
            step.done();
            println!("{healthy}. The first embedding took {:.1} s.", answer.seconds);
            Ok(())
        }
        Outcome::Status(answer) if matches!(answer.status, 401 | 403) => {
            step.done();
            println!("{healthy}. No embedding was asked for: that needs a key here.");
            Ok(())
        }
        Outcome::Status(answer) => bail!("{address}/embed answers {}", reason(&answer)),
        Outcome::Silence => bail!("{address} answers /health, but not /embed"),
    }
}

/// Asks again while nobody answers, or while the answer is that of a place where nothing is yet or
/// where something is missing.
fn insist(ends: Instant, mut ask: impl FnMut() -> Outcome) -> anyhow::Result<Outcome> {
    loop {
        stop::check()?;
        let outcome = ask();
        let is_final = match &outcome {
            Outcome::Silence => false,
            Outcome::Status(answer) => answer.status != 404 && answer.status < 500,
        };
        if is_final || Instant::now() + PAUSE > ends {
            return Ok(outcome);
        }
        std::thread::sleep(PAUSE);
    }
}

fn ask(method: &str, url: &str, body: Body) -> Outcome {
    let request = Request {
        what: "asking what was deployed",
        method,
        url,
        headers: &[],
        body,
        seconds_max: REQUEST_S_MAX,
        hint: "",
        shows_errors: false,
    };
    request.send().map_or(Outcome::Silence, Outcome::Status)
}

/// What an answer says, for a sentence.
fn reason(answer: &Answer) -> String {
    if let Ok(problem) = serde_json::from_str::<Document>(&answer.body) {
        return format!("{} ({}): {}", answer.status, problem.title, problem.detail);
    }
    let detail = serde_json::from_str::<Value>(&answer.body).map(|value| value.to_string());
    let detail = detail.unwrap_or_else(|_| "and not in JSON: is it CFace?".into());
    format!("{}: {detail}", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Outcome {
        Outcome::Status(Answer { status, body: String::new(), retry_after_s: None, seconds: 0.0 })
    }

    #[test]
    fn an_answer_ends_the_waiting_and_silence_ends_with_the_time() {
        let long = Instant::now() + Duration::from_hours(1);
        for status in [200, 401, 429] {
            assert!(matches!(insist(long, || answer(status)).unwrap(), Outcome::Status(_)));
        }
        let now = Instant::now();
        assert!(matches!(insist(now, || Outcome::Silence).unwrap(), Outcome::Silence));
        let last = insist(now, || answer(503)).unwrap();
        assert!(matches!(last, Outcome::Status(Answer { status: 503, .. })));
    }
}
