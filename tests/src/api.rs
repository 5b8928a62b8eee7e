//! A client for the public API, as small as the tests need it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use testbed::golden::SERVED_COSINE_MIN;
use wire::access::HEADER;

use crate::server::Server;

/// The header in which Cloudflare says who the caller is. Locally anybody may set it.
pub const ADDRESS: &str = "cf-connecting-ip";

/// Speaks to one server.
pub struct Api<'a> {
    server: &'a Server,
    /// Where paths begin.
    address: String,
    client: reqwest::Client,
    /// Sent with every request.
    key: Option<String>,
}

impl<'a> Api<'a> {
    /// A client of `server`.
    #[must_use]
    pub fn of(server: &'a Server) -> Self {
        // Wrangler's proxy closes a connection that was idle for five seconds.
        let client = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(1)).build();
        let address = server.url("");
        Self { server, address, client: client.unwrap_or_default(), key: None }
    }

    /// A client that speaks to workerd itself. Wrangler's proxy keeps connections to it, and loses
    /// a request that it sends just when workerd closes one.
    ///
    /// # Errors
    /// When the server has not written where workerd is.
    pub fn of_workerd(server: &'a Server) -> anyhow::Result<Self> {
        let address = server.inner_url("")?.trim_end_matches('/').to_owned();
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build()?;
        Ok(Self { server, address, client, key: None })
    }

    /// A client that sends an API key.
    #[must_use]
    pub fn with_key(server: &'a Server, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::of(server) }
    }

    /// Starts any request.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.address));
        match &self.key {
            Some(key) => request.header(HEADER, key),
            None => request,
        }
    }

    /// `GET /health` as the operator.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn health(&self) -> anyhow::Result<Response> {
        let operator = Self::with_key(self.server, &self.server.admin_key()?);
        Ok(operator.request(Method::GET, "/health").send().await?)
    }

    /// `POST` of a file as body.
    ///
    /// # Errors
    /// When the file cannot be read or the server does not answer.
    pub async fn post_file(&self, path: &str, file: &Path) -> anyhow::Result<Response> {
        let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        Ok(self.request(Method::POST, path).body(bytes).send().await?)
    }

    /// `POST /embed`.
    ///
    /// # Errors
    /// When the answer is not an embedding.
    pub async fn embed(&self, file: &Path) -> anyhow::Result<Vec<f64>> {
        let response = self.post_file("/embed", file).await?;
        let json = json(response, StatusCode::OK).await?;
        let numbers = json.as_array().context("not an array")?;
        numbers.iter().map(|number| number.as_f64().context("not a number")).collect()
    }

    /// Embeds the golden crops, whose embeddings have to be the golden ones, of length one.
    ///
    /// # Errors
    /// When one is not.
    pub async fn check_golden(&self) -> anyhow::Result<()> {
        for golden in testbed::golden::all()? {
            let name = &golden.name;
            let embedding = self.embed(&golden.picture).await?;
            let length = embedding.iter().map(|x| x * x).sum::<f64>().sqrt();
            ensure!((length - 1.0).abs() < 1e-5, "{name} has the length {length}");
            let difference = golden.check("the server", &embedding, SERVED_COSINE_MIN)?;
            println!("{name}: 1 - cosine = {difference:.1e}");
        }
        Ok(())
    }

    /// `POST /match` of a picture.
    ///
    /// # Errors
    /// When the answer is not 200.
    pub async fn find(&self, file: &Path) -> anyhow::Result<Value> {
        json(self.post_file("/match", file).await?, StatusCode::OK).await
    }

    /// `POST /add`.
    ///
    /// # Errors
    /// When the answer is not 201.
    pub async fn enrol(&self, name: &str, file: &Path) -> anyhow::Result<Value> {
        let form = Form::new()
            .text("name", name.to_owned())
            .text("consent", "true")
            .part("image", part(file)?);
        let response = self.request(Method::POST, "/add").multipart(form).send().await?;
        json(response, StatusCode::CREATED).await
    }
}

/// A file as a part of a form.
///
/// # Errors
/// When it cannot be read.
pub fn part(file: &Path) -> anyhow::Result<Part> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(Part::bytes(bytes).file_name("face"))
}

/// The JSON of an answer with the expected status.
///
/// # Errors
/// When the status is another one, or the answer is no JSON.
pub async fn json(response: Response, expected: StatusCode) -> anyhow::Result<Value> {
    let status = response.status();
    let text = response.text().await?;
    ensure!(status == expected, "{status} where {expected} belongs: {text}");
    serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
}

/// Checks that an answer is a problem document of this status.
///
/// # Errors
/// When it is not.
pub async fn problem(response: Response, expected: StatusCode) -> anyhow::Result<()> {
    let media_type = response.headers().get("content-type").cloned();
    let document = json(response, expected).await?;
    let media_type = media_type.context("no content-type")?;
    ensure!(media_type == "application/problem+json", "{media_type:?}");
    ensure!(document["status"] == expected.as_u16(), "{document}");
    for member in ["type", "title", "detail"] {
        ensure!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
    }
    Ok(())
}
