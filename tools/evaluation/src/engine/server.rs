//! A running server, asked over HTTP for the embedding of a crop, or of the main face of a whole
//! photograph.

use std::time::Duration;

use anyhow::Context as _;
use face_finder::{Rectangle, crop};
use facenet::Embedding;
use serde::Deserialize;

/// How long a server may take for one embedding. Its first one loads the model.
const ANSWER_MAX: Duration = Duration::from_mins(2);

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

    /// The embedding of a crop.
    pub(super) fn embed(&self, crop: &[u8]) -> anyhow::Result<Embedding> {
        let url = format!("{}/embed", self.url);
        let mut answer = self.agent.post(url).send(crop).context("the server refused it")?;
        let numbers: Vec<f32> = answer.body_mut().read_json()?;
        Ok(Embedding::normalise(numbers)?)
    }

    /// The embedding of a photograph's main face, which the server finds.
    pub(super) fn embed_main_face(&self, photograph: &[u8]) -> anyhow::Result<Embedding> {
        let url = format!("{}/embed?detect=true", self.url);
        let mut answer = self.agent.post(url).send(photograph).context("the server refused it")?;
        let Seen { image, mut faces } = answer.body_mut().read_json()?;
        let bounds = faces.iter().map(|face| {
            let [x, y, width, height] = face.bounds;
            Rectangle { x, y, width, height }
        });
        let main = crop::main(bounds, image.width, image.height).context("no face was found")?;
        Ok(Embedding::normalise(faces.swap_remove(main).embedding)?)
    }
}
