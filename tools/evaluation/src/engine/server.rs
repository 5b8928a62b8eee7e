//! A running server, asked over HTTP for the embedding of a crop, or of the main face of a whole
//! photograph.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use face_finder::{Rectangle, crop};
use facenet::Embedding;
use serde::Deserialize;
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

/// How long a server may take for one embedding. Its first one loads the model.
const ANSWER_MAX: Duration = Duration::from_mins(2);

/// How often a picture is sent to a server that says that it will have time later.
const TRIES_MAX: u32 = 10;

/// How long it is waited for then, in seconds: as it asks, but not longer than this.
const WAIT_S_MAX: u64 = 60;

/// A server with the route `/embed`.
pub(super) struct Server {
    agent: ureq::Agent,
    url: String,
}

/// What `/embed?detect=true` answers, as far as it is used.
#[derive(Deserialize)]
struct Seen {
    image: Size,
    faces: Vec<Found>,
}

/// In pixels.
#[derive(Deserialize)]
struct Size {
    width: usize,
    height: usize,
}

#[derive(Deserialize)]
struct Found {
    /// The left edge, the upper edge, width and height, in pixels of the photograph.
    #[serde(rename = "box")]
    bounds: [f64; 4],
    embedding: Vec<f32>,
}

impl Server {
    pub(super) fn new(url: &str) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(ANSWER_MAX));
        // A refusal says why, and when to come back.
        let config = config.http_status_as_error(false);
        Self { agent: config.build().into(), url: url.trim_end_matches('/').to_owned() }
    }

    /// The pipeline of its embeddings.
    pub(super) fn pipeline(&self) -> anyhow::Result<String> {
        let mut answer = self
            .agent
            .get(format!("{}/config", self.url))
            .call()
            .context("the server does not answer")?;
        let config: serde_json::Value = answer.body_mut().read_json()?;
        let pipeline = config["pipeline"].as_str();
        Ok(pipeline.context("the server does not name its pipeline")?.to_owned())
    }

    /// Sends a picture, again if the server says when to.
    fn send(&self, url: &str, picture: &[u8]) -> anyhow::Result<Response<Body>> {
        let mut tries = 0;
        loop {
            let mut answer = self.agent.post(url).send(picture).context("asking the server")?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer);
            }
            tries += 1;
            let Some(seconds) = wait_s(&answer).filter(|_| tries < TRIES_MAX) else {
                let problem: Value = answer.body_mut().read_json().unwrap_or_default();
                let detail = problem["detail"].as_str().unwrap_or("it does not say why");
                bail!("the server refused it ({status}): {detail}")
            };
            thread::sleep(Duration::from_secs(seconds));
        }
    }

    /// The embedding of a crop.
    pub(super) fn embed(&self, crop: &[u8]) -> anyhow::Result<Embedding> {
        let url = format!("{}/embed", self.url);
        let mut answer = self.send(&url, crop)?;
        let numbers: Vec<f32> = answer.body_mut().read_json()?;
        Ok(Embedding::normalise(numbers)?)
    }

    /// The embedding of a photograph's main face, which the server finds.
    pub(super) fn embed_main_face(&self, photograph: &[u8]) -> anyhow::Result<Embedding> {
        let url = format!("{}/embed?detect=true", self.url);
        let mut answer = self.send(&url, photograph)?;
        let Seen { image, mut faces } = answer.body_mut().read_json()?;
        let bounds = faces.iter().map(|face| {
            let [x, y, width, height] = face.bounds;
            Rectangle { x, y, width, height }
        });
        let main = crop::main(bounds, image.width, image.height).context("no face was found")?;
        Ok(Embedding::normalise(faces.swap_remove(main).embedding)?)
    }
}

/// When a server that refuses something will have time for it, in seconds.
fn wait_s(refusal: &Response<Body>) -> Option<u64> {
    let seconds = refusal.headers().get("retry-after")?.to_str().ok()?.parse::<u64>().ok()?;
    Some(seconds.clamp(1, WAIT_S_MAX))
}

#[cfg(test)]
mod tests {
    use tiny_http::{Header, Response};

    use super::*;

    /// A server that gives these answers, each a status, `Retry-After` and a body, one to each
    /// request.
    fn serve(answers: Vec<(u16, Option<u32>, String)>) -> (String, thread::JoinHandle<()>) {
        let listener = tiny_http::Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.server_addr());
        let serve = move || {
            for (status, wait_s, body) in answers {
                let mut response = Response::from_string(body).with_status_code(status);
                if let Some(seconds) = wait_s {
                    let value = seconds.to_string();
                    response.add_header(Header::from_bytes("Retry-After", value).unwrap());
                }
                listener.recv().unwrap().respond(response).unwrap();
            }
        };
        (url, thread::spawn(serve))
    }

    #[test]
    fn a_busy_server_is_waited_for() {
        let mut numbers = vec![0.0; 512];
        numbers[0] = 1.0;
        let right = serde_json::to_string(&numbers).unwrap();
        let busy = |status| (status, Some(1), r#"{"detail": "Wait."}"#.to_owned());
        let (url, served) = serve(vec![busy(503), busy(429), (200, None, right)]);
        let embedding = Server::new(&url).embed(b"a crop").unwrap();
        served.join().unwrap();
        assert_eq!(embedding.as_slice(), numbers);
    }

    #[test]
    fn a_refusal_is_final_and_says_why() {
        let refusal = r#"{"detail": "There is no face."}"#.to_owned();
        let (url, served) = serve(vec![(422, None, refusal)]);
        let error = Server::new(&url).embed(b"a crop").unwrap_err();
        served.join().unwrap();
        let text = "the server refused it (422 Unprocessable Entity): There is no face.";
        assert_eq!(error.to_string(), text);
    }
}
